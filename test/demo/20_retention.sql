-- Everything below reads this one result, made in one pass over the orders.
CREATE TEMP TABLE monthly AS
SELECT retention(activities(customer_id, ordered_at), 'month') AS result FROM orders;

\echo
\echo Monthly cohorts: percent of the customers who first bought in a month that bought again,
\echo by months since (the last 12 cohorts; * the month is still running)
\echo
CREATE FUNCTION pg_temp.percent(rate float8, complete boolean) RETURNS text LANGUAGE sql AS
$$ SELECT lpad(CASE WHEN complete THEN to_char(100 * rate, 'FM990.0') ELSE to_char(100 * rate, 'FM990.0') || '*' END, 5) $$;

WITH cells AS (
	SELECT to_char(t.cohort, 'YYYY-MM') AS month, t.cohort_size AS size, t.lag, pg_temp.percent(t.rate, t.complete) AS percent
	FROM monthly CROSS JOIN LATERAL retention_table(monthly.result) t
),
pivoted AS (
	SELECT month, size,
		max(percent) FILTER (WHERE lag = 1) AS "1",
		max(percent) FILTER (WHERE lag = 2) AS "2",
		max(percent) FILTER (WHERE lag = 3) AS "3",
		max(percent) FILTER (WHERE lag = 4) AS "4",
		max(percent) FILTER (WHERE lag = 5) AS "5",
		max(percent) FILTER (WHERE lag = 6) AS "6",
		max(percent) FILTER (WHERE lag = 7) AS "7",
		max(percent) FILTER (WHERE lag = 8) AS "8",
		max(percent) FILTER (WHERE lag = 9) AS "9",
		max(percent) FILTER (WHERE lag = 10) AS "10",
		max(percent) FILTER (WHERE lag = 11) AS "11"
	FROM cells GROUP BY month, size ORDER BY month DESC LIMIT 12
)
SELECT * FROM pivoted ORDER BY month;

\echo
\echo The curve: all cohorts together, by months since the first order, with 95% intervals;
\echo "or later" counts who bought in that month or any later one
\echo
SELECT c.lag AS months,
	c.eligible AS customers,
	c.retained,
	to_char(100 * c.rate, '990.0') AS percent,
	to_char(100 * c.lower, 'FM990.0') || ' to ' || to_char(100 * c.upper, 'FM990.0') AS interval_95,
	to_char(100 * c.rate_after, '990.0') AS or_later,
	repeat('#', round(40 * c.rate)::int) AS curve
FROM monthly CROSS JOIN LATERAL retention_curve(monthly.result) c
WHERE c.lag <= 18
ORDER BY c.lag;
