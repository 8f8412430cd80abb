-- The last periods that are over, a row for each and each of the two measures.
SELECT to_char(g.period_start, :'period_format') AS period, v.measure, v.retention, g.opening_revenue, g.expansion, g.contraction, g.churned_revenue, max(g.retained + g.churned) OVER () AS n
FROM (
	SELECT t.*, row_number() OVER (ORDER BY t.period_start DESC) AS periods_ago
	FROM (SELECT growth(timelines(:"orders_customer", :"orders_at", :"orders_amount"), :'period', :'as_of') AS result FROM :orders) q
	CROSS JOIN LATERAL growth_table(q.result) t
	WHERE t.complete AND t.net_retention IS NOT NULL
) g
CROSS JOIN LATERAL (VALUES ('net', g.net_retention), ('gross', g.gross_retention)) v(measure, retention)
WHERE g.periods_ago <= :periods
ORDER BY g.period_start, v.measure;
