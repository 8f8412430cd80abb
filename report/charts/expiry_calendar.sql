-- The points that expire in each week to come, if nothing else happens.
SELECT date_trunc('week', s.expires_at - interval '1 microsecond')::date AS week, count(DISTINCT c.customer) AS members, sum(s.points) AS points,
	sum(sum(s.points)) OVER () AS n
FROM (SELECT timelines(:"ledger_customer", :ledger_event) AS base FROM :ledger) q
CROSS JOIN LATERAL customer_timelines(q.base) c
CROSS JOIN LATERAL points_expiry_schedule(c.timeline, :'points_policy', :'as_of') s
WHERE s.expires_at <= :'as_of'::date + interval '1 year 1 week'
GROUP BY week
ORDER BY week;
