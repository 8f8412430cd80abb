-- When customers buy again, with those who haven't yet taken for what they are (Kaplan-Meier), day by day for a year.
WITH customer AS (
	SELECT c.activity FROM (SELECT activities(:"orders_customer", :"orders_at") AS base FROM :orders) q CROSS JOIN LATERAL customer_activities(q.base) c
),
result AS (
	SELECT survival(d.duration, d.event) AS result, count(*) AS n
	FROM customer CROSS JOIN LATERAL repeat_duration(customer.activity, n => 2, as_of => :'as_of') d
	WHERE d.duration IS NOT NULL
)
SELECT 0 AS duration, 0 AS bought_again, 0 AS lower, 0 AS upper, r.n AS at_risk, m.median, r.n
FROM result r CROSS JOIN LATERAL survival_median(r.result) m
WHERE r.n > 0
UNION ALL
SELECT t.duration, 1 - t.survival, 1 - coalesce(t.upper, t.survival), 1 - coalesce(t.lower, t.survival), t.at_risk, m.median, r.n
FROM result r CROSS JOIN LATERAL survival_table(r.result) t CROSS JOIN LATERAL survival_median(r.result) m
WHERE t.duration BETWEEN 1 AND 365 AND t.at_risk >= 10
ORDER BY duration;
