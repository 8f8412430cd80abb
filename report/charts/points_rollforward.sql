-- For each of the last periods, from its opening on: what comes in piles up, what goes takes off from there. A row for each move: from, to.
WITH period AS (
	SELECT t.*, row_number() OVER (ORDER BY t.period_start DESC) AS periods_ago
	FROM (SELECT points_rollforward(timelines(:"ledger_customer", :ledger_event), :'points_policy', :'period', :'as_of') AS result FROM :ledger) q
	CROSS JOIN LATERAL points_rollforward_table(q.result) t
),
move AS (
	SELECT p.period_start, p.complete, p.opening, p.closing, v.rank, v.move, v.points,
		p.opening + sum(v.points) OVER (PARTITION BY p.period_start ORDER BY v.rank) AS reaches
	FROM period p
	CROSS JOIN LATERAL (VALUES (1, 'issued', p.issued), (2, 'other', p.reinstated + p.adjusted + p.transferred - p.returned - p.forfeited),
		(3, 'redeemed', -p.redeemed), (4, 'expired', -p.expired)) v(rank, move, points)
	WHERE p.periods_ago <= :periods
)
SELECT to_char(period_start, :'period_format') AS period, complete, rank, move, points, reaches - points AS start, reaches AS "end", opening, closing,
	last_value(closing) OVER (ORDER BY period_start, rank ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS n
FROM move
ORDER BY period_start, rank;
