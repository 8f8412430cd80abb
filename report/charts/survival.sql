-- How long customers stay, by segment: that of a customer's first order that has one. The five largest segments by name, all others together.
WITH customer AS (
	SELECT activity_set(c.timeline) AS activity, timeline_first_label(c.timeline) AS segment
	FROM (SELECT timelines(:"orders_customer", make_event(at => :"orders_at", label => :orders_segment::text)) AS base FROM :orders) q
	CROSS JOIN LATERAL customer_timelines(q.base) c
),
largest AS (
	SELECT segment FROM customer WHERE segment IS NOT NULL GROUP BY segment ORDER BY count(*) DESC, segment LIMIT 5
),
stay AS (
	SELECT CASE WHEN c.segment IN (SELECT segment FROM largest) THEN c.segment ELSE '(others)' END AS segment, d.duration, d.event
	FROM customer c CROSS JOIN LATERAL churn_duration(c.activity, gap_days => :silence_days, as_of => :'as_of') d
	WHERE d.duration IS NOT NULL
),
test AS (
	SELECT max(t.p) AS p, sum(t.observations)::bigint AS n
	FROM (SELECT logrank(duration, event, segment) AS result FROM stay) q CROSS JOIN LATERAL logrank_test(q.result) t
),
-- One point a week is enough for a picture: the estimate at its end.
curve AS (
	SELECT DISTINCT ON (s.segment, ceil(t.duration / 7)) s.segment, s.customers, t.duration, t.survival, t.lower, t.upper, t.at_risk, m.median
	FROM (SELECT segment, survival(duration, event) AS result, count(*) AS customers FROM stay GROUP BY segment) s
	CROSS JOIN LATERAL (
		SELECT 0 AS duration, 1 AS survival, 1 AS lower, 1 AS upper, s.customers AS at_risk
		UNION ALL SELECT duration, survival, lower, upper, at_risk FROM survival_table(s.result) WHERE at_risk >= 10 AND duration > 0
	) t
	CROSS JOIN LATERAL survival_median(s.result) m
	ORDER BY s.segment, ceil(t.duration / 7), t.duration DESC
)
SELECT c.segment, c.customers, c.duration, c.survival, coalesce(c.lower, c.survival) AS lower, coalesce(c.upper, c.survival) AS upper, c.at_risk, c.median, test.p, test.n
FROM curve c CROSS JOIN test
ORDER BY c.segment, c.duration;
