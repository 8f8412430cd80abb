-- Of the points issued in each of the last periods: what share was redeemed by the end of each age, and what has expired or was taken back.
SELECT to_char(c.issue_period, :'period_format') AS issued_in, c.age, c.issued, c.redeemed, c.expired, c.redeemed_so_far,
	c.redeemed_so_far / c.issued AS share, c.expired_so_far / c.issued AS expired_share, c.complete, sum(c.issued) FILTER (WHERE c.age = 0) OVER () AS n
FROM (
	SELECT t.issue_period, t.age, first_value(t.issued) OVER so_far AS issued, t.redeemed, t.expired, t.complete,
		sum(t.redeemed) OVER so_far AS redeemed_so_far, sum(t.expired + t.taken_back) OVER so_far AS expired_so_far,
		dense_rank() OVER (ORDER BY t.issue_period DESC) AS periods_ago
	FROM (SELECT points_triangle(timelines(:"ledger_customer", :ledger_event), :'points_policy', :'period', :'as_of') AS result FROM :ledger) q
	CROSS JOIN LATERAL points_triangle_table(q.result) t
	WINDOW so_far AS (PARTITION BY t.issue_period ORDER BY t.age)
) c
WHERE c.periods_ago <= :periods AND c.issued > 0
ORDER BY c.issue_period, c.age;
