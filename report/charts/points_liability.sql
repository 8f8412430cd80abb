-- The points that are left of each of the last periods: how many of them will be redeemed by chain ladder, with the interval of that, and how many never.
WITH triangle AS (
	SELECT points_triangle(timelines(:"ledger_customer", :ledger_event), :'points_policy', :'period', :'as_of') AS result FROM :ledger
),
owed AS (
	SELECT l.issue_period, l.outstanding, l.expected, l.liability,
		least(greatest(r.lower::numeric * r.issued - r.redeemed, 0), l.outstanding) AS expected_lower,
		least(greatest(r.upper::numeric * r.issued - r.redeemed, 0), l.outstanding) AS expected_upper
	FROM triangle t
	CROSS JOIN LATERAL points_liability(t.result, :value_per_point) l
	JOIN LATERAL points_redemption_rate(t.result) r ON r.issue_period IS NOT DISTINCT FROM l.issue_period
)
SELECT to_char(o.issue_period, :'period_format') AS issued_in, o.outstanding, v.rank, v.part, v.points, o.liability, o.expected, o.expected_lower, o.expected_upper,
	a.outstanding AS n, a.liability AS total, a.expected_lower * :value_per_point AS total_lower, a.expected_upper * :value_per_point AS total_upper
FROM owed o
CROSS JOIN (SELECT * FROM owed WHERE issue_period IS NULL) a
CROSS JOIN LATERAL (VALUES (1, 'will be redeemed', o.expected), (2, 'never', o.outstanding - o.expected)) v(rank, part, points)
WHERE o.issue_period IS NOT NULL AND o.outstanding > 0
ORDER BY o.issue_period, v.rank;
