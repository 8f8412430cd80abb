\set club '{"levels": {"Silver": 100, "Gold": 300, "Platinum": 1000}, "downgrade": "one_level"}'
SELECT max(ordered_at)::date AS today, (max(ordered_at) - interval '1 year')::date AS year_ago FROM orders \gset

-- Everything below reads these.
CREATE TEMP TABLE club AS
SELECT tier_census(base, :'club', :'today') AS census,
	tier_migration(base, :'club', :'year_ago', :'today') AS migration
FROM (SELECT timelines(customer_id, ordered_at, amount) AS base FROM orders) q;

\echo
\echo Tiers: 100, 300 and 1,000 spent within 12 months, held for 12 months, then one tier down
\echo
SELECT t.tier, t.members, to_char(100 * t.share, '990.0') AS percent, to_char(t.value, 'FM999,999,990.00') AS spent_in_12_months
FROM club CROSS JOIN LATERAL tier_census_table(census) t ORDER BY t.rank;

\echo
\echo Tiers: where the members of a year ago are now, in percent of their tier then
\echo
SELECT t.from_tier, sum(t.members) AS members,
	to_char(100 * coalesce(sum(t.share) FILTER (WHERE t.to_rank = 0), 0), '990.0') AS "to Member",
	to_char(100 * coalesce(sum(t.share) FILTER (WHERE t.to_rank = 1), 0), '990.0') AS "to Silver",
	to_char(100 * coalesce(sum(t.share) FILTER (WHERE t.to_rank = 2), 0), '990.0') AS "to Gold",
	to_char(100 * coalesce(sum(t.share) FILTER (WHERE t.to_rank = 3), 0), '990.0') AS "to Platinum"
FROM club CROSS JOIN LATERAL tier_migration_table(migration) t
GROUP BY t.from_tier, t.from_rank ORDER BY t.from_rank;

\echo
\echo Tiers: the history of one member
\echo
SELECT h.tier, h.valid_from::date, h.valid_to::date, h.promised_until::date, h.reason, h.value
FROM (SELECT timeline_agg(ordered_at, amount) AS timeline FROM orders WHERE customer_id = :'someone') one
CROSS JOIN LATERAL tier_history(one.timeline, :'club', (:'today'::date + interval '2 years')::date) h;
