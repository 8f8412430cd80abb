--
-- The node for GROUP BY with workers: who takes part, who comes late or not at all, what is left
-- early, scanned again, or ends by an error.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(28);
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL hash_mem_multiplier = 1;
CREATE TABLE entry WITH (parallel_workers = 2) AS
SELECT CASE WHEN n % 50 = 0 THEN NULL ELSE n * 7919 % 30011 END AS customer, n AS number, timestamptz '2024-01-01' + n % 700 * interval '7 hours' AS at, n % 100 AS points, (n % 1000)::numeric / 10 AS amount
FROM generate_series(1, 150000) n;
CREATE TABLE few WITH (parallel_workers = 2) AS SELECT * FROM entry WHERE number % 30000 = 17;
CREATE TABLE none WITH (parallel_workers = 2) AS SELECT * FROM entry WHERE number < 0;
ANALYZE entry, few, none;

CREATE FUNCTION by_node(workers int, memory text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('loyalty.enable_group_node', (workers IS NOT NULL)::text, true), set_config('enable_hashagg', (workers IS NULL)::text, true), set_config('enable_sort', (workers IS NULL)::text, true),
		set_config('max_parallel_workers_per_gather', coalesce(workers, 0)::text, true), set_config('work_mem', memory, true)
$$;
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT count(*) || '' rows, '' || coalesce(sum(hashtextextended(r::text, 0)), 0) FROM (%s) r', query) INTO result;
	RETURN result;
END $$;
CREATE FUNCTION node_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	result jsonb;
BEGIN
	EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) %s', query) INTO result;
	RETURN jsonb_path_query_first(result, '$.** ? (@."Custom Plan Provider" == "LoyaltyGroup")');
END $$;
CREATE FUNCTION same_answer(query text, name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	expected text;
BEGIN
	PERFORM by_node(NULL, '1GB');
	expected := answer(query);
	PERFORM by_node(2, '1GB');
	RETURN NEXT ok((node_of(query)->'Parallel Aware')::boolean, name || ': with workers');
	RETURN NEXT is(answer(query), expected, name || ': the same answer');
	PERFORM by_node(2, '64kB');
	RETURN NEXT is(answer(query), expected, name || ': the same answer in a megabyte each');
END $$;

SELECT same_answer('SELECT customer, activity_agg(at), count(*), timeline_agg(at, amount) FILTER (WHERE points > 20) FROM entry GROUP BY customer', 'integers');
SELECT same_answer('SELECT ''customer '' || customer AS name, timeline_agg(at, points), max(points) FROM entry GROUP BY 1 HAVING count(*) > 2', 'texts');
SELECT same_answer('SELECT CASE WHEN number % 3 = 0 THEN number WHEN number % 3 = 1 THEN -1 END AS c, timeline_agg(at, points), count(*) FROM entry GROUP BY 1', 'a customer and the guests have two thirds of all rows');
SELECT same_answer('SELECT customer, activity_agg(at) FROM few GROUP BY customer', 'a few rows');
SELECT same_answer('SELECT customer, activity_agg(at) FROM none GROUP BY customer', 'no rows');

SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT results_eq('SELECT node->''Groups'', node->''Rows'', node->''Parts'' FROM node_of(''SELECT customer, activity_agg(at) FROM entry GROUP BY customer'') node',
	'SELECT to_jsonb(count(DISTINCT customer) + 1), to_jsonb(count(*)), to_jsonb(257) FROM entry', 'EXPLAIN counts what all have done');

-- ---- who takes part ----

CREATE TABLE expected AS SELECT answer('SELECT customer, activity_agg(at), sum(points) FROM entry GROUP BY customer');
SET LOCAL max_parallel_workers = 0;
SELECT is(answer('SELECT customer, activity_agg(at), sum(points) FROM entry GROUP BY customer'), (SELECT * FROM expected), 'no worker comes');
SET LOCAL max_parallel_workers = 1;
SELECT is(answer('SELECT customer, activity_agg(at), sum(points) FROM entry GROUP BY customer'), (SELECT * FROM expected), 'one of two comes');
RESET max_parallel_workers;
SET LOCAL parallel_leader_participation = off;
SELECT is(answer('SELECT customer, activity_agg(at), sum(points) FROM entry GROUP BY customer'), (SELECT * FROM expected), 'the leader does nothing');
RESET parallel_leader_participation;
DECLARE open CURSOR FOR SELECT customer, activity_agg(at) FROM entry GROUP BY customer;
MOVE 10 IN open;
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'open'), 1::bigint, 'a cursor, which is not read to its end');
CLOSE open;
SELECT is((SELECT count(*) FROM (SELECT customer, activity_agg(at) FROM entry GROUP BY customer LIMIT 7) q), 7::bigint, 'left early');

-- ---- scanned again ----

SET LOCAL enable_material = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_memoize = off;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
\set again 'SELECT v, q.* FROM (VALUES (1), (2), (3)) v (v) LEFT JOIN (SELECT customer, activity_agg(at), count(*) FROM entry GROUP BY customer) q ON true'
SELECT ok(min(n) FILTER (WHERE line ~ 'Nested Loop') < min(n) FILTER (WHERE line ~ 'Gather') AND min(n) FILTER (WHERE line ~ 'Gather') < min(n) FILTER (WHERE line ~ 'Parallel Custom Scan'), 'workers start again for each row of another table')
FROM plan_of(:'again') WITH ORDINALITY p (line, n);
SELECT is(answer(:'again'), answer('SELECT v, q.* FROM (SELECT customer, activity_agg(at), count(*) FROM entry GROUP BY customer) q, (VALUES (1), (2), (3)) v (v)'), 'scanned again');
SELECT is(answer('SELECT v, q.* FROM (VALUES (1), (2), (3)) v (v), LATERAL (SELECT customer, activity_agg(at), count(*) FROM entry WHERE points >= v GROUP BY customer) q'),
	answer('SELECT v, customer, activity_agg(at), count(*) FROM entry, (VALUES (1), (2), (3)) v (v) WHERE points >= v GROUP BY v, customer'), '... with other parameters');
SELECT is((SELECT count(*) FROM (VALUES (1), (2), (3)) v (v), LATERAL (SELECT customer, activity_agg(at) FROM entry WHERE points >= v GROUP BY customer LIMIT 4) q), 12::bigint, '... each time left early');
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_memoize;

-- ---- errors ----

CREATE FUNCTION fail_at(state int, value int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN IF value = 99 THEN RAISE 'transition' USING ERRCODE = 'P0101'; END IF; RETURN state + value; END $$;
CREATE AGGREGATE failing(int) (SFUNC = fail_at, STYPE = int, INITCOND = '0', PARALLEL = SAFE);
SELECT throws_ok('SELECT customer, activity_agg(CASE WHEN number = 140000 THEN ''infinity'' ELSE at END) FROM entry GROUP BY customer', '22008', NULL, 'an error while dealing');
SELECT throws_ok('SELECT customer, activity_agg(at), failing(points) FROM entry GROUP BY customer', 'P0101', NULL, 'an error in a transition');
SELECT is((SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp', true, false) f (name) WHERE name ~ format('^pgsql_tmp%s\.', pg_backend_pid())), 0::bigint, 'no file is left');
SELECT * FROM finish();
ROLLBACK;
