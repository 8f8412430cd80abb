\echo
\echo Concentration: what the best customers bring, and how unequal they are (0: all the same, 1: one brings all)
\echo
SELECT to_char(100 * t.top_share, '990') AS top_percent, t.customers, to_char(t.revenue, 'FM999,999,990.00') AS revenue, to_char(100 * t.revenue_share, '990.0') AS percent_of_revenue,
	to_char(t.smallest, 'FM999,999,990.00') AS smallest, to_char(concentration_gini(q.result), '0.000') AS gini
FROM (SELECT concentration(timelines(customer_id, ordered_at, amount)) AS result FROM orders) q
CROSS JOIN LATERAL concentration_table(q.result) t;
