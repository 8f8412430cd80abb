-- A row for each step: who came so far within the window, and how long that took from the step before.
SELECT t.step, t.name, t.reached, t.stopped, t.rate_from_previous, t.rate_from_first, t.lower, t.upper,
	extract(epoch FROM t.median_from_previous)::float8 AS median_seconds, max(t.reached) OVER () AS n
FROM (
	SELECT funnel_totals(timelines(:"events_customer", make_event(at => :"events_at", kind => :"events_kind")), :'funnel_steps', within => :'funnel_within', as_of => :'as_of') AS result
	FROM :events
) q
CROSS JOIN LATERAL funnel_totals_table(q.result) t
ORDER BY t.step;
