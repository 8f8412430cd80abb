--
-- The view template for a dashboard: a table of stored activities, refreshed
-- by an upsert of yesterday's rows, and a view over it whose columns are all
-- scalars. It says at any time what the raw rows say.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(11);
\ir reference/orders.sql
CREATE TABLE customer_activity (customer int PRIMARY KEY, activity activity_set NOT NULL);

CREATE VIEW retention_dashboard AS
SELECT t.*
FROM (SELECT retention(activity, 'month', NULL) AS result FROM customer_activity) q
CROSS JOIN LATERAL retention_table(q.result) t;
CREATE VIEW retention_curve_dashboard AS
SELECT c.*
FROM (SELECT retention(activities(customer, activity), 'month') AS result FROM customer_activity) q
CROSS JOIN LATERAL retention_curve(q.result) c;

-- Yesterday's rows, once a day.
CREATE FUNCTION refresh(day date) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO customer_activity
	SELECT customer, activity_agg(at, 'Europe/Helsinki') FROM orders
	WHERE customer IS NOT NULL AND at >= day::timestamp AT TIME ZONE 'Europe/Helsinki' AND at < (day + 1)::timestamp AT TIME ZONE 'Europe/Helsinki'
	GROUP BY customer
	ON CONFLICT (customer) DO UPDATE SET activity = customer_activity.activity + excluded.activity;
$$;
SELECT is((SELECT count(*)::int FROM retention_dashboard), 0, 'nothing loaded, nothing shown');
SELECT refresh(d::date) FROM generate_series(timestamp '2011-02-27', '2011-12-31', interval '1 day') d \g /dev/null
SELECT cmp_ok((SELECT count(*)::int FROM retention_dashboard), '>', 20, 'cells are shown');
PREPARE dashboard AS SELECT retention_dashboard::text FROM retention_dashboard ORDER BY cohort, lag;
PREPARE raw AS SELECT t::text FROM (SELECT t.* FROM (SELECT retention(activities(customer, at, 'Europe/Helsinki'), 'month') AS r FROM orders WHERE (at AT TIME ZONE 'Europe/Helsinki')::date <= '2011-12-31') q CROSS JOIN LATERAL retention_table(q.r) t) t ORDER BY cohort, lag;
SELECT results_eq('dashboard', 'raw', 'the dashboard says what the raw rows say');
SELECT refresh(d::date) FROM generate_series(timestamp '2011-12-20', '2011-12-31', interval '1 day') d \g /dev/null
SELECT results_eq('dashboard', 'raw', '... also where days are loaded twice');
SELECT refresh(d::date) FROM generate_series(timestamp '2012-01-01', '2013-03-31', interval '1 day') d \g /dev/null
SELECT results_eq('dashboard', $$SELECT t::text FROM (SELECT t.* FROM (SELECT retention(activities(customer, at, 'Europe/Helsinki'), 'month') AS r FROM orders) q CROSS JOIN LATERAL retention_table(q.r) t) t ORDER BY cohort, lag$$, '... a year later');
SELECT results_eq('SELECT * FROM retention_curve_dashboard ORDER BY lag', $$SELECT c.* FROM (SELECT retention(activities(customer, at, 'Europe/Helsinki'), 'month') AS r FROM orders) q CROSS JOIN LATERAL retention_curve(q.r) c ORDER BY lag$$, 'the curve, too');

-- a late order
INSERT INTO orders VALUES (4711, '2011-05-05 12:00+03'), (1, '2011-05-05 12:00+03');
SELECT refresh('2011-05-05') IS NULL AS void \gset
SELECT results_eq('dashboard', $$SELECT t::text FROM (SELECT t.* FROM (SELECT retention(activities(customer, at, 'Europe/Helsinki'), 'month') AS r FROM orders) q CROSS JOIN LATERAL retention_table(q.r) t) t ORDER BY cohort, lag$$, 'a late order finds its cell');

-- what a BI tool sees
SELECT is_empty($$SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid IN ('retention_dashboard'::regclass, 'retention_curve_dashboard'::regclass) AND attnum > 0 AND atttypid::regtype::text NOT IN ('date', 'bigint', 'integer', 'double precision', 'boolean', 'text', 'numeric')$$, 'all columns are scalars');
SELECT columns_are('retention_dashboard', ARRAY['cohort', 'cohort_size', 'lag', 'period_start', 'period_end', 'retained', 'rate', 'lower', 'upper', 'retained_after', 'rate_after', 'complete', 'as_of', 'eligible', 'until_lag'], 'the columns of retention_table');
SELECT columns_are('retention_curve_dashboard', ARRAY['lag', 'eligible', 'retained', 'rate', 'lower', 'upper', 'retained_after', 'rate_after', 'until_lag'], 'the columns of retention_curve');
SELECT is((SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'retention_dashboard'::regclass AND attnum > 0), ARRAY['cohort', 'cohort_size', 'lag', 'period_start', 'period_end', 'retained', 'rate', 'lower', 'upper', 'retained_after', 'rate_after', 'complete', 'as_of', 'eligible', 'until_lag'], '... in their order');
SELECT * FROM finish();
ROLLBACK;
