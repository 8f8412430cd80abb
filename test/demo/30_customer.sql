-- A customer with enough history to look at, and not too much.
SELECT customer_id AS someone FROM orders WHERE customer_id IS NOT NULL
GROUP BY customer_id ORDER BY abs(count(DISTINCT ordered_at::date) - 7), max(ordered_at) - min(ordered_at) DESC, customer_id LIMIT 1 \gset

\echo
\echo One customer: activity
\echo
\pset expanded on
WITH one AS (
	SELECT customer_id, activity_agg(ordered_at) AS activity FROM orders WHERE customer_id = :'someone' GROUP BY customer_id
)
SELECT customer_id,
	activity,
	activity_first(activity) AS first_day,
	activity_last(activity) AS last_day,
	activity_count(activity) AS active_days,
	activity_count(activity, 'month') AS active_months,
	activity_gaps(activity) AS days_between,
	activity_longest_streak(activity, 'month') AS most_months_in_a_row
FROM one;
\pset expanded off

\echo
\echo The same customer: timeline
\echo
SELECT e.at, e.value, sum(e.value) OVER (ORDER BY e.at ROWS UNBOUNDED PRECEDING) AS running_total
FROM (SELECT timeline_agg(ordered_at, amount) AS timeline FROM orders WHERE customer_id = :'someone') one
CROSS JOIN LATERAL timeline_events(one.timeline) e;
