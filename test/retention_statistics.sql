--
-- retention's statistics: Wilson's interval by its formula, the pooled curve
-- from the cells, the totals, and rollup() of disjoint customers.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(36);
\ir reference/periods.sql
\ir reference/orders.sql
CREATE TABLE active_day AS SELECT DISTINCT customer, at::date AS day FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL;
\ir reference/retention.sql
CREATE TABLE answer AS
SELECT p AS period, retention(activities(customer, at), p::calendar_period, '2012-10-27') AS r
FROM orders, unnest(ARRAY['day', 'week:sunday', 'month:15', 'year:04-01']) p GROUP BY p;

-- Quantiles of the normal distribution, from tables.
CREATE TABLE level (confidence float8, z float8);
INSERT INTO level VALUES (0.5, 0.6744897501960817), (0.8, 1.2815515655446004), (0.9, 1.6448536269514722), (0.95, 1.959963984540054), (0.99, 2.5758293035489004), (0.999, 3.2905267314919255);

SELECT is_empty(format($$
	SELECT t.cohort, t.lag, t.lower, w.lower, t.upper, w.upper
	FROM answer a CROSS JOIN LATERAL retention_table(a.r, %s) t, LATERAL ref_wilson(t.retained, t.cohort_size, %s) w
	WHERE a.period <> 'day' AND (abs(t.lower - w.lower) > 1e-9 OR abs(t.upper - w.upper) > 1e-9 OR t.lower IS NULL OR t.upper IS NULL)$$, confidence, z),
	'retention_table: Wilson at ' || confidence) FROM level ORDER BY confidence;
SELECT is_empty(format($$
	SELECT c.lag, c.lower, w.lower, c.upper, w.upper
	FROM answer a CROSS JOIN LATERAL retention_curve(a.r, %s) c, LATERAL ref_wilson(c.retained, c.eligible, %s) w
	WHERE abs(c.lower - w.lower) > 1e-9 OR abs(c.upper - w.upper) > 1e-9 OR c.lower IS NULL OR c.upper IS NULL$$, confidence, z),
	'retention_curve: Wilson at ' || confidence) FROM level ORDER BY confidence;
SELECT is_empty($$
	SELECT * FROM answer a CROSS JOIN LATERAL retention_table(a.r) t
	WHERE NOT (t.lower BETWEEN 0 AND t.rate AND t.upper BETWEEN t.rate AND 1)$$, 'an interval holds its rate and stays in 0..1');
SELECT results_eq('SELECT lower, upper FROM answer a CROSS JOIN LATERAL retention_table(a.r) t ORDER BY period, cohort, lag',
				  'SELECT lower, upper FROM answer a CROSS JOIN LATERAL retention_table(a.r, confidence => 0.95) t ORDER BY period, cohort, lag', 'confidence is 0.95 by default');
SELECT results_eq('SELECT lower, upper FROM answer a CROSS JOIN LATERAL retention_curve(a.r) t ORDER BY period, lag',
				  'SELECT lower, upper FROM answer a CROSS JOIN LATERAL retention_curve(a.r, confidence => 0.95) t ORDER BY period, lag', '... in the curve too');
SELECT throws_ok(format('SELECT count(*) FROM answer, LATERAL retention_table(r, %L)', c), '22023', NULL, 'confidence ' || c || ' is refused')
FROM unnest(ARRAY['0', '1', '-0.5', '1.5', 'NaN']) c;

-- the curve
SELECT set_eq(format('SELECT lag, eligible, retained, rate, retained_after, rate_after FROM answer CROSS JOIN LATERAL retention_curve(r) WHERE period = %L', p),
			  format('SELECT * FROM ref_curve(%L, %L)', p, '2012-10-27'), 'the curve by ' || p)
FROM unnest(ARRAY['day', 'week:sunday', 'month:15', 'year:04-01']) p;
SELECT is((SELECT count(*)::int FROM (SELECT retention(activities(customer, at), 'year', '2011-12-30') AS r FROM orders) q CROSS JOIN LATERAL retention_curve(q.r)), 0,
		  'no curve before the first period is over');

-- the totals
SELECT results_eq($$SELECT t.period, t.as_of, t.cohorts, t.customers, t.rows_without_customer FROM answer CROSS JOIN LATERAL retention_totals(r) t WHERE answer.period = 'week:sunday'$$,
	$$SELECT 'week:sunday', date '2012-10-27', (SELECT count(DISTINCT cohort) FROM ref_retention('week:sunday', '2012-10-27')),
			 (SELECT count(DISTINCT customer) FROM active_day WHERE day <= '2012-10-27'), 2::bigint$$, 'the totals');
SELECT is(t.members_without_events, 2::bigint, 'members without events, once all days count')
FROM (SELECT retention(activities(customer, at), 'week', '2013-12-31') AS r FROM orders) q CROSS JOIN LATERAL retention_totals(q.r) t;
SELECT is(t.customers + t.members_without_events, (SELECT count(DISTINCT customer) FROM orders), 'every member is with or without events as of a day')
FROM (SELECT retention(activities(customer, at), 'week', '2011-12-31') AS r FROM orders) q CROSS JOIN LATERAL retention_totals(q.r) t;

-- rollup
CREATE TABLE shard AS
SELECT customer % 7 AS shard, p AS period, retention(activities(customer, at), p::calendar_period, '2012-10-27') AS r
FROM orders, unnest(ARRAY['day', 'week:sunday', 'month:15', 'year:04-01']) p GROUP BY customer % 7, p;
SELECT ok((SELECT rollup(s.r) FROM shard s WHERE s.period = a.period) = a.r, 'rollup of disjoint customers is the whole, by ' || period) FROM answer a ORDER BY period;
SELECT is((SELECT rollup(r) FROM (SELECT retention(activities(customer, at), 'week') AS r FROM orders GROUP BY customer % 7) s),
		  (SELECT retention(activities(customer, at), 'week') FROM orders), '... also without as_of: the last day of all of them');
SELECT is((SELECT rollup(r) FROM (SELECT retention(a, 'week') AS r FROM (SELECT customer, activity_agg(at) AS a FROM orders WHERE customer IS NOT NULL GROUP BY customer) c GROUP BY customer % 7) s),
		  (SELECT (retention(activities(customer, at), 'week')::text::jsonb - 'zone')::text::retention_result FROM orders WHERE customer IS NOT NULL), '... of the two-level form, which knows no zone');
SELECT throws_ok('SELECT rollup(r) FROM shard', '22023', NULL, 'rollup of different periods');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT retention(activities(customer, at), 'week', d) AS r FROM orders, (VALUES (date '2012-01-01'), ('2012-01-02')) v(d) GROUP BY d) q$$,
				 '22023', NULL, 'rollup of different as-of days');
SELECT * FROM finish();
ROLLBACK;
