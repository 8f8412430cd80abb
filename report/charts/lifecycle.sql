-- A row for each stage of a customer's life, and the share of all that are at it.
SELECT t.stage, t.rank, t.members, t.share, sum(t.members) OVER () AS n
FROM (SELECT lifecycle_census(activities(:"orders_customer", :"orders_at"), :'period', :'as_of') AS result FROM :orders) q
CROSS JOIN LATERAL lifecycle_census_table(q.result) t
ORDER BY t.rank;
