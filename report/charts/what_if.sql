-- Each member under the programme and under the proposal, by the tier that he has by the programme: who holds more points, who holds fewer.
WITH member AS (
	SELECT s.tier, s.rank, program_compare(c.timeline, :'program', :'proposal', :'as_of'::date) AS result
	FROM (SELECT timelines(:"orders_customer", :"orders_at", :"orders_amount") AS base FROM :orders) q
	CROSS JOIN LATERAL customer_timelines(q.base) c
	CROSS JOIN LATERAL program_summary(c.timeline, :'program', :'as_of') s
	WHERE s.rank IS NOT NULL
	GROUP BY s.tier, s.rank
)
SELECT coalesce(m.tier, 'all members') AS tier, m.rank, t.outcome, t.members, CASE t.outcome WHEN 'losers' THEN -t.members ELSE t.members END AS signed_members,
	t.points_difference, sum(t.members) OVER () AS n,
	sum(t.points_difference) OVER () AS difference_of_all
FROM member m CROSS JOIN LATERAL program_compare_members(m.result) t
ORDER BY m.rank, t.outcome DESC;
