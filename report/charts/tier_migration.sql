-- From which tier to which, within the last year.
SELECT t.from_tier, t.from_rank, t.to_tier, t.to_rank, t.members, t.share, t.from_day, t.to_day, sum(t.members) OVER () AS n
FROM (
	SELECT tier_migration(timelines(:"orders_customer", :"orders_at", :"orders_amount"), :'tier_policy', (:'as_of'::date - interval '1 year')::date, :'as_of') AS result
	FROM :orders
) q
CROSS JOIN LATERAL tier_migration_table(q.result) t
ORDER BY t.from_rank, t.to_rank;
