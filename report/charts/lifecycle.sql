-- A row for each stage of a customer's life, and the share of all that are at it. Who hasn't bought yet is at none.
SELECT s.stage, s.rank, s.members, s.members::float8 / s.n AS share, s.n
FROM (
	SELECT t.*, sum(t.members) OVER () AS n
	FROM (SELECT lifecycle_census(activities(:"orders_customer", :"orders_at"), :'period', :'as_of') AS result FROM :orders) q
	CROSS JOIN LATERAL lifecycle_census_table(q.result) t
	WHERE t.rank > 0
) s
WHERE s.n > 0
ORDER BY s.rank;
