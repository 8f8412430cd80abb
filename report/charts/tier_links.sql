-- The links from the tiers of a year ago to those of now, laid one upon the other on both sides, with a gap between tiers: where each begins and ends,
-- at four places along the way.
WITH link AS (
	SELECT l.source, l.target, l.value, l.source_name, l.target_name, m.from_rank, m.to_rank
	FROM (
		SELECT tier_migration(timelines(:"orders_customer", :"orders_at", :"orders_amount"), :'tier_policy', (:'as_of'::date - interval '1 year')::date, :'as_of') AS result
		FROM :orders
	) q
	CROSS JOIN LATERAL tier_migration_links(q.result) l
	JOIN LATERAL tier_migration_table(q.result) m ON m.to_tier = l.target_name AND m.from_tier = l.source_name
	WHERE m.from_rank >= 0
),
laid AS (
	SELECT l.*, sum(value) OVER (ORDER BY from_rank, to_rank) + 0.03 * n * (dense_rank() OVER (ORDER BY from_rank) - 1) AS source_top,
		sum(value) OVER (ORDER BY to_rank, from_rank) + 0.03 * n * (dense_rank() OVER (ORDER BY to_rank) - 1) AS target_top
	FROM (SELECT link.*, sum(value) OVER () AS n FROM link) l
)
SELECT source, target, source_name AS from_tier, target_name AS to_tier, from_rank, to_rank, value AS members, p.place,
	CASE WHEN p.place < 0.5 THEN source_top - value ELSE target_top - value END AS bottom,
	CASE WHEN p.place < 0.5 THEN source_top ELSE target_top END AS top, n
FROM laid CROSS JOIN (VALUES (0.0), (0.12), (0.88), (1.0)) p(place)
ORDER BY from_rank, to_rank, p.place;
