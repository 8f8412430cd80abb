-- A row for each step: who came so far within the window, and how long that took from the step before.
SELECT s.step, s.name, s.reached, s.stopped, s.rate_from_previous, s.rate_from_first, s.lower, s.upper, extract(epoch FROM s.median_from_previous)::float8 AS median_seconds, s.n
FROM (
	SELECT t.*, max(t.reached) OVER () AS n
	FROM (
		SELECT funnel_totals(timelines(:"events_customer", make_event(at => :"events_at", kind => :"events_kind")), :'funnel_steps', within => :'funnel_within', as_of => :'as_of') AS result
		FROM :events
	) q
	CROSS JOIN LATERAL funnel_totals_table(q.result) t
) s
WHERE s.n > 0
ORDER BY s.step;
