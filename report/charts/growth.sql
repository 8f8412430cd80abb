-- A row for each of the last periods and each way to come or go; who left is below zero.
SELECT to_char(g.period_start, :'period_format') AS period, g.complete, g.active, v.rank, v.movement, v.customers, g.retained, g.quick_ratio,
	g.new + g.resurrected - g.churned AS net, greatest(g.new + g.resurrected, 0) AS top, max(g.active) OVER () AS n
FROM (
	SELECT t.*, row_number() OVER (ORDER BY t.period_start DESC) AS periods_ago
	FROM (SELECT growth(activities(:"orders_customer", :"orders_at"), :'period', :'as_of') AS result FROM :orders) q
	CROSS JOIN LATERAL growth_table(q.result) t
) g
CROSS JOIN LATERAL (VALUES (1, 'new', g.new), (2, 'came back', g.resurrected), (3, 'gone', -g.churned)) v(rank, movement, customers)
WHERE g.periods_ago <= :periods
ORDER BY g.period_start, v.rank;
