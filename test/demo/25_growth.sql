\echo
\echo Growth: of the customers active in a month, who is new, who was there the month before, who
\echo came back; and who of the month before is gone (the last 12 months; * is still running)
\echo
SELECT to_char(t.period_start, 'YYYY-MM') || CASE WHEN t.complete THEN '' ELSE '*' END AS month,
	t.active, t.new, t.retained, t.resurrected, t.churned, to_char(t.quick_ratio, '990.00') AS quick_ratio,
	to_char(t.revenue, 'FM999,999,990.00') AS revenue, to_char(100 * t.net_retention, '990.0') AS net_retention
FROM (
	SELECT t.*, max(t.as_of) OVER () AS today
	FROM (SELECT growth(timelines(customer_id, ordered_at, amount), 'month') AS result FROM orders) q
	CROSS JOIN LATERAL growth_table(q.result) t
) t
WHERE t.period_start > t.today - interval '12 months'
ORDER BY t.period_start;

\echo
\echo How long customers stay, where 90 days of silence are the end of it: percent still there
\echo
WITH stays AS (
	SELECT c.duration, c.event
	FROM (SELECT activity_agg(ordered_at) AS activity FROM orders WHERE customer_id IS NOT NULL GROUP BY customer_id) a,
		(SELECT max(ordered_at)::date AS today FROM orders) last,
		LATERAL churn_duration(a.activity, gap_days => 90, as_of => last.today) c
),
curve AS (
	SELECT survival(duration, event) AS result, max(duration) AS longest FROM stays
)
SELECT days, to_char(100 * survival_at(curve.result, days), '990.0') AS percent,
	repeat('#', round(40 * survival_at(curve.result, days))::int) AS still_there
FROM curve CROSS JOIN LATERAL generate_series(90, least(longest, 720), 90) days
WHERE survival_at(curve.result, days) IS NOT NULL
ORDER BY days;
