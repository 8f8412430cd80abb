-- A row for each stage of a customer's life, and the share of all that are at it. Who hasn't bought yet is at none.
SELECT t.stage, t.rank, t.members, t.members::float8 / nullif(sum(t.members) OVER (), 0) AS share, sum(t.members) OVER () AS n
FROM (SELECT lifecycle_census(activities(:"orders_customer", :"orders_at"), :'period', :'as_of') AS result FROM :orders) q
CROSS JOIN LATERAL lifecycle_census_table(q.result) t
WHERE t.rank > 0
ORDER BY t.rank;
