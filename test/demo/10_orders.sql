ANALYZE orders;
\echo
\echo The orders
\echo
SELECT to_char(count(*), 'FM999,999,999') AS orders,
	to_char(count(DISTINCT customer_id), 'FM999,999,999') AS customers,
	min(ordered_at)::date AS first_day,
	max(ordered_at)::date AS last_day,
	to_char(sum(amount), 'FM999,999,999,999.00') AS amount,
	round(count(*)::numeric / count(DISTINCT customer_id), 1) AS orders_per_customer,
	max(pg_typeof(customer_id)::text) AS customer_type
FROM orders;
