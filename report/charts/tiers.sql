-- Members by tier at the end of each of the last periods.
SELECT to_char(t.period_start, :'period_format') AS period, t.tier, t.rank, t.members_at_end AS members, t.joined, t.upgraded_in, t.downgraded_in,
	sum(t.members_at_end) FILTER (WHERE t.periods_ago = 1) OVER () AS n
FROM (
	SELECT f.*, dense_rank() OVER (ORDER BY f.period_start DESC) AS periods_ago
	FROM (SELECT tier_flow(timelines(:"orders_customer", :"orders_at", :"orders_amount"), :'tier_policy', :'period', :'as_of') AS result FROM :orders) q
	CROSS JOIN LATERAL tier_flow_table(q.result) f
) t
WHERE t.periods_ago <= :periods
ORDER BY t.period_start, t.rank;
