-- Customers in the order of what they brought, the best first: what share of all they bring together. And the inequality of it.
SELECT 1 - l.customer_share AS customer_share, 1 - l.revenue_share AS revenue_share, g.gini, t.revenue_share AS top_tenth,
	(SELECT customers FROM concentration_table(q.result, '{1}')) AS n
FROM (SELECT concentration(timelines(:"orders_customer", :"orders_at", :"orders_amount"), :'as_of') AS result FROM :orders) q
CROSS JOIN LATERAL concentration_lorenz(q.result, 100) l
CROSS JOIN LATERAL concentration_table(q.result, '{0.1}') t
CROSS JOIN LATERAL (SELECT concentration_gini(q.result) AS gini) g
WHERE l.revenue_share IS NOT NULL
ORDER BY customer_share;
