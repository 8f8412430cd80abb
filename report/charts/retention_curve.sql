-- All cohorts together: of those whose period at that lag is over.
SELECT c.lag, c.eligible, c.retained, c.rate, c.lower, c.upper, c.rate_after, max(c.eligible) OVER () AS n
FROM (SELECT retention(activities(:"orders_customer", :"orders_at"), :'period', :'as_of') AS result FROM :orders) q
CROSS JOIN LATERAL retention_curve(q.result) c
WHERE c.lag <= 2 * :periods
ORDER BY c.lag;
