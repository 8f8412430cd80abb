-- The net promoter score of each of the last periods, with its interval. The periods are those of one customer who gave all answers.
SELECT to_char(p.period_start, :'period_format') AS period, t.asked, t.answered, t.promoters, t.passives, t.detractors, t.score, t.lower, t.upper, sum(t.n) OVER ()::bigint AS n
FROM (
	SELECT g.period_start, nps(a.:"answers_score") AS result
	FROM (SELECT growth(activities(1, :"answers_at"), :'period', :'as_of') AS result FROM :answers) q
	CROSS JOIN LATERAL (SELECT * FROM growth_table(q.result) ORDER BY period_start DESC LIMIT :periods) g
	JOIN :answers a ON a.:"answers_at"::date >= g.period_start AND a.:"answers_at"::date < g.period_end AND a.:"answers_at"::date <= :'as_of'
	GROUP BY g.period_start
) p
CROSS JOIN LATERAL nps_table(p.result) t
WHERE t.n > 0
ORDER BY p.period_start;
