-- The points that expire in each week to come, if nothing else happens; a year of weeks, those without any too.
WITH expiry AS (
	SELECT date_trunc('week', s.expires_at - interval '1 microsecond')::date AS week, count(DISTINCT c.customer) AS members, sum(s.points) AS points
	FROM (SELECT timelines(:"ledger_customer", :ledger_event) AS base FROM :ledger) q
	CROSS JOIN LATERAL customer_timelines(q.base) c
	CROSS JOIN LATERAL points_expiry_schedule(c.timeline, :'points_policy', :'as_of') s
	GROUP BY week
)
SELECT w.week::date AS week, coalesce(e.points, 0) AS points, coalesce(e.members, 0) AS members, sum(coalesce(e.points, 0)) OVER () AS n
FROM generate_series(date_trunc('week', :'as_of'::timestamp), :'as_of'::timestamp + interval '1 year', interval '1 week') w(week)
LEFT JOIN expiry e ON e.week = w.week::date
WHERE EXISTS (SELECT FROM expiry)
ORDER BY w.week;
