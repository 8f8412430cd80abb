--
-- Results of many cells, which stay as they are stored as long as nobody looks one up: counted,
-- added up, and read as few cells are.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL timezone = 'UTC';

-- 200 cohorts of days; nearly all cells are there.
CREATE TABLE visit AS
SELECT c AS customer, date '2024-01-01' + (c % 200 + d * (1 + c % 7)) AS day
FROM generate_series(0, 1999) c, generate_series(0, 39) d WHERE c % 200 + d * (1 + c % 7) < 250;
ANALYZE visit;
CREATE TABLE half AS SELECT g, retention(activities(customer, day), 'day', '2024-12-31') AS r FROM (SELECT *, customer % 2 AS g FROM visit) v GROUP BY g;
CREATE TABLE whole AS SELECT retention(activities(customer, day), 'day', '2024-12-31') AS r FROM visit;
SELECT cmp_ok(length(r::text), '>', 50000, 'there are many cells') FROM whole;

-- ---- the cells themselves ----

CREATE TABLE counted AS
WITH active AS (SELECT DISTINCT customer, day FROM visit), first AS (SELECT customer, min(day) AS cohort, max(day) AS last FROM visit GROUP BY 1)
SELECT f.cohort, (a.day - f.cohort)::int AS lag, count(*) AS retained FROM active a JOIN first f USING (customer) GROUP BY 1, 2;
SELECT results_eq('SELECT cohort, lag, retained FROM retention_table((SELECT r FROM whole)) WHERE retained > 0 ORDER BY 1, 2', 'SELECT * FROM counted ORDER BY 1, 2', 'all cells, as plain SQL counts them');
SELECT results_eq('SELECT count(*)::int, sum(cohort_size) FILTER (WHERE lag = 0)::int FROM retention_table((SELECT r FROM whole))', 'SELECT sum(date ''2024-12-31'' - cohort + 1)::int, 2000 FROM (SELECT DISTINCT cohort FROM counted) c', 'each cohort has all of its lags');
SELECT results_eq('SELECT lag, retained FROM retention_curve((SELECT r FROM whole)) WHERE retained > 0 ORDER BY 1', 'SELECT lag, sum(retained)::bigint FROM counted GROUP BY 1 ORDER BY 1', 'the curve, too');
SELECT results_eq('SELECT cohorts::int, customers::int FROM retention_totals((SELECT r FROM whole))', 'VALUES (200, 2000)', 'the totals, too');

-- ---- as text, as bytes, and added up ----

SELECT is(r::text::retention_result::text, r::text, 'text comes back as it went') FROM whole;
SELECT is(rollup(h.r)::text, (SELECT r::text FROM whole), 'halves add up to the whole') FROM half h;
SELECT is(rollup(h.r ORDER BY g DESC)::text, (SELECT r::text FROM whole), 'in either order') FROM half h;
SELECT is((SELECT rollup(r) FROM whole)::text, (SELECT r::text FROM whole), 'one alone is itself');

-- one cell at a time, into many: they are looked up
CREATE TABLE single AS SELECT customer, retention(activities(customer, day), 'day', '2024-12-31') AS r FROM visit GROUP BY customer;
SELECT is(rollup(r)::text, (SELECT r::text FROM whole), 'and so do results of one customer each') FROM single;
SELECT is(rollup(r ORDER BY large DESC)::text, rollup(r ORDER BY large)::text, 'a small one may come before or behind a large one') FROM (SELECT true AS large, r FROM half WHERE g = 0 UNION ALL SELECT false, r FROM single WHERE customer % 2 = 1) u;
SELECT is(rollup(r ORDER BY large)::text, (SELECT r::text FROM whole), '... with the same sums') FROM (SELECT true AS large, r FROM half WHERE g = 0 UNION ALL SELECT false, r FROM single WHERE customer % 2 = 1) u;
SELECT is(retention(a, 'day', '2024-12-31')::text, (SELECT r::text FROM whole), 'customers'' summaries make the same cells') FROM (SELECT activity_agg(day) AS a FROM visit GROUP BY customer) s;

-- a window asks the state more than once, and it goes on
SELECT is(count(*)::int, 20, 'a running result has the cells of those so far')
FROM (SELECT customer, retention(a, 'day', '2024-12-31') OVER (ORDER BY customer)::text AS running FROM (SELECT customer, activity_agg(day) AS a FROM visit WHERE customer % 100 = 7 GROUP BY customer) s) w
JOIN (SELECT c.customer, rollup(s.r)::text AS added FROM (SELECT customer FROM single WHERE customer % 100 = 7) c JOIN single s ON s.customer % 100 = 7 AND s.customer <= c.customer GROUP BY 1) r USING (customer) WHERE running = added;

-- ---- memory ----

-- Of a group by hash, in bytes a cell.
CREATE FUNCTION bytes_of_cell(call text, source text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	PERFORM set_config('enable_sort', 'off', true), set_config('enable_hashagg', 'on', true), set_config('max_parallel_workers_per_gather', '0', true), set_config('work_mem', '1GB', true), set_config('loyalty.enable_group_node', 'off', true);
	EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) SELECT g, %s FROM generate_series(1, 1) g CROSS JOIN %s GROUP BY g', call, source) INTO plan;
	RETURN (plan->0->'Plan'->>'Peak Memory Usage')::bigint * 1024 / (SELECT count(*) FROM counted);
END $$;
SELECT cmp_ok(bytes_of_cell('rollup(r)', '(SELECT r FROM half) h'), '<', 60, 'results are added up in 60 bytes a cell');
SELECT cmp_ok(bytes_of_cell('retention(a, ''day'', ''2024-12-31'')', '(SELECT activity_agg(day) AS a FROM visit GROUP BY customer) c'), '<', 120, 'cells are counted and written in 120, of which not all are there');

-- ---- what can't be added up ----

PREPARE overflow AS SELECT rollup(r) FROM (SELECT format('{"period": "day", "zone": "UTC", "last_day": "2024-12-31", "members_without_events": 0, "rows_without_customer": 0, "cohorts": [%s]}',
	(SELECT string_agg(format('{"cohort": "%s", "cells": [[0, %s, %2$s]]}', date '2024-12-31' - c, 9000000000000000), ', ' ORDER BY c DESC) FROM generate_series(0, 999) c))::retention_result AS r FROM generate_series(1, 3)) s;
SELECT throws_ok('overflow', '22003', NULL, 'customers of all cohorts beyond 63 bits are refused');
PREPARE one_sum AS SELECT rollup(r) FROM (SELECT format('{"period": "day", "zone": "UTC", "last_day": "2024-12-31", "members_without_events": 0, "rows_without_customer": 0, "cohorts": [%s]}',
	(SELECT string_agg(format('{"cohort": "%s", "cells": [[0, %s, %2$s]]}', date '2024-12-31' - c, CASE WHEN c = 500 THEN 5000000000000000000 ELSE 1 END), ', ' ORDER BY c DESC) FROM generate_series(0, 999) c))::retention_result AS r FROM generate_series(1, 2)) s;
SELECT throws_ok('one_sum', '22003', NULL, 'and so is a cell that is');
SELECT throws_ok('SELECT rollup(r) FROM (SELECT r FROM whole UNION ALL SELECT retention(activities(customer, day), ''day'', ''2024-11-30'') FROM visit) s', '22023', NULL, 'two days up to which is counted don''t add up');

-- ---- by the nodes, with workers ----

CREATE FUNCTION by_workers(workers int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('max_parallel_workers_per_gather', workers::text, true), set_config('min_parallel_table_scan_size', '0', true), set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true);
	SELECT retention(activities(customer, day), 'day', '2024-12-31')::text INTO result FROM visit;
	RETURN result;
END $$;
SELECT is(by_workers(n), (SELECT r::text FROM whole), format('the same with %s workers', n)) FROM generate_series(0, 3) n;

SELECT * FROM finish();
ROLLBACK;
