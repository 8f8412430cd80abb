-- Everything below reads these; the scale is that of today's customers, for both days.
CREATE TEMP TABLE segments AS
SELECT rfm_scale(base, 5, :'today') AS scale, rfm_census(base, as_of => :'today') AS census,
	rfm_migration(base, from_day => (:'today'::date - interval '3 months')::date, to_day => :'today') AS migration
FROM (SELECT timelines(customer_id, ordered_at, amount) AS base FROM orders) q;

\echo
\echo Segments: recency, frequency and money, scored from 1 to 5 by exact quantiles
\echo
SELECT t.segment, t.members, to_char(100 * t.share, '990.0') AS percent, to_char(t.revenue, 'FM999,999,990.00') AS revenue, to_char(100 * t.share_of_revenue, '990.0') AS of_revenue,
	round(t.mean_recency::numeric) AS days_ago, round(t.mean_frequency::numeric, 1) AS purchase_days, round(t.mean_monetary, 2) AS mean
FROM segments CROSS JOIN LATERAL rfm_census_table(census) t ORDER BY t.rank;

\echo
\echo Segments: what the scores need
\echo
SELECT t.* FROM segments CROSS JOIN LATERAL rfm_scale_table(scale) t;

\echo
\echo Segments: the ten largest moves within three months
\echo
SELECT t.from_segment, t.to_segment, t.members, to_char(100 * t.share, '990.0') AS percent
FROM segments CROSS JOIN LATERAL rfm_migration_table(migration) t
WHERE t.from_rank <> t.to_rank ORDER BY t.members DESC, t.from_rank, t.to_rank LIMIT 10;
