-- The last cohorts, a row for each that can be observed and each lag. Lag 0 is the cohort itself.
SELECT to_char(c.cohort, :'period_format') AS cohort, c.cohort_size, c.lag, c.retained, c.rate, CASE WHEN c.lag > 0 THEN c.rate END AS later_rate, c.lower, c.upper, c.complete,
	sum(c.cohort_size) FILTER (WHERE c.lag = 0) OVER () AS n
FROM (
	SELECT t.*, dense_rank() OVER (ORDER BY t.cohort DESC) AS cohorts_ago
	FROM (SELECT retention(activities(:"orders_customer", :"orders_at"), :'period', :'as_of') AS result FROM :orders) q
	CROSS JOIN LATERAL retention_table(q.result) t
) c
WHERE c.cohorts_ago <= :periods AND c.lag <= :periods
ORDER BY c.cohort, c.lag;
