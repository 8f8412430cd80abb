-- What a customer has brought by the end of each period after the first, times the margin: of each cohort, and of all together.
WITH result AS (
	SELECT cohort_value(timelines(:"orders_customer", :"orders_at", :"orders_amount"), :'period', :'as_of') AS result FROM :orders
),
cohort AS (
	SELECT t.*, dense_rank() OVER (ORDER BY t.cohort DESC) AS cohorts_ago FROM result CROSS JOIN LATERAL cohort_value_table(result.result) t WHERE t.cohort IS NOT NULL AND t.complete
)
SELECT to_char(t.cohort, :'period_format') AS cohort, t.lag, t.cohort_size AS customers, t.cumulative_per_acquired * :margin AS value, NULL::float8 AS lower, NULL::float8 AS upper,
	:acquisition_cost::float8 AS cost, p.payback_lag, (SELECT max(customers) FROM result, LATERAL cohort_value_curve(result.result)) AS n
FROM cohort t CROSS JOIN result CROSS JOIN LATERAL cohort_payback_pooled(result.result, :acquisition_cost, :margin) p
WHERE t.cohorts_ago <= :periods AND t.lag <= 2 * :periods
UNION ALL
SELECT 'all', c.lag, c.customers, c.cumulative_per_acquired * :margin, c.lower * :margin, c.upper * :margin, :acquisition_cost, p.payback_lag, max(c.customers) OVER ()
FROM result CROSS JOIN LATERAL cohort_value_curve(result.result) c CROSS JOIN LATERAL cohort_payback_pooled(result.result, :acquisition_cost, :margin) p
WHERE c.lag <= 2 * :periods
ORDER BY cohort, lag;
