--
-- The node for GROUP BY where memory matters: rows that go to a file or don't, keys that all rows
-- share, as many groups as rows, rows larger than pages; what is left behind by errors and cancels in
-- each of its phases.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(86);
SET LOCAL max_parallel_workers_per_gather = 0;
-- the least that the node takes is a megabyte
SET LOCAL hash_mem_multiplier = 1;

-- ---- data ----

-- 150,000 rows of 2 MB and more as the node keeps them: some 30,000 customers, every 50th a guest
CREATE TABLE entry AS
SELECT CASE WHEN n % 50 = 0 THEN NULL ELSE n * 7919 % 30011 END AS customer, n AS number, timestamptz '2024-01-01' + n % 700 * interval '7 hours' AS at, n % 100 AS points, (n % 1000)::numeric / 10 AS amount
FROM generate_series(1, 150000) n;
CREATE TABLE wide AS
SELECT n % 20 AS customer, timestamptz '2024-01-01' + n * interval '1 hour' AS at, repeat(chr(97 + n % 26), 9000 + n % 20 * 2000) AS kind FROM generate_series(1, 200) n;
ALTER TABLE wide ADD incompressible text;
ALTER TABLE wide ALTER incompressible SET STORAGE EXTERNAL;
UPDATE wide SET incompressible = (SELECT string_agg(md5(n::text || kind), '') FROM generate_series(1, 300) n);
ANALYZE entry, wide;

-- ---- what is compared ----

CREATE FUNCTION by_node(forced boolean, memory text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('loyalty.enable_group_node', forced::text, true), set_config('enable_hashagg', (NOT forced)::text, true),
		set_config('enable_sort', (NOT forced)::text, true), set_config('work_mem', memory, true)
$$;
-- All rows of a query, as a number of rows and a sum of hashes.
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT count(*) || '' rows, '' || coalesce(sum(hashtextextended(r::text, 0)), 0) FROM (%s) r', query) INTO result;
	RETURN result;
END $$;
-- What the node says of a query: that it is there, too.
CREATE FUNCTION node_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	result jsonb;
BEGIN
	EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) %s', query) INTO result;
	RETURN jsonb_path_query_first(result, '$.** ? (@."Custom Plan Provider" == "LoyaltyGroup")');
END $$;
-- Within a megabyte, and in memory; that the one wrote to a file and the other didn't.
CREATE FUNCTION same_answer(query text, name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	expected text;
	node jsonb;
BEGIN
	PERFORM by_node(false, '1GB');
	expected := answer(query);
	PERFORM by_node(true, '64kB');
	RETURN NEXT is(answer(query), expected, name || ': from a file');
	node := node_of(query);
	RETURN NEXT cmp_ok((node->>'Disk')::bigint, '>', 1000::bigint, name || ': it was written to one');
	PERFORM by_node(true, '1GB');
	RETURN NEXT is(answer(query), expected, name || ': in memory');
	node := node_of(query);
	RETURN NEXT is(node->>'Disk', '0', name || ': nothing was written');
	PERFORM by_node(true, '64kB');
END $$;

-- ---- keys ----

SELECT same_answer('SELECT customer, activity_agg(at), count(*) FROM entry GROUP BY customer', 'integers');
SELECT same_answer('SELECT customer::bigint * 5000000000, timeline_agg(at, points), sum(points) FILTER (WHERE points % 3 = 0) FROM entry GROUP BY 1', 'bigints');
SELECT same_answer('SELECT (ARRAY[-9223372036854775808, -2147483649, -2147483648, -2147483647, -1, 0, 2147483647, 2147483648, 9223372036854775807])[1 + number % 9], timeline_agg(at, points::bigint * 100000000), count(*) FROM entry GROUP BY 1', 'bigints at the ends of what four bytes hold');
SELECT same_answer('SELECT (ARRAY[-2147483648, -2147483647, 0, 2147483647])[1 + number % 4], activity_agg(at) FROM entry GROUP BY 1', 'integers at their ends');
SELECT same_answer('SELECT (customer % 30000)::smallint, timeline_agg(at, amount) FILTER (WHERE points > 20), min(at), max(amount::float8) FROM entry GROUP BY 1', 'smallints');
SELECT same_answer('SELECT md5(customer::text)::uuid, activity_agg(at, ''Asia/Tokyo''), timeline_agg(at) FROM entry GROUP BY 1', 'uuids');
SELECT same_answer('SELECT ''customer '' || customer, timeline_agg(at, CASE WHEN points > 50 THEN ''earn'' END), count(points) FROM entry GROUP BY 1', 'texts');

-- ---- how many groups, and how large ----

SELECT same_answer('SELECT number, activity_agg(at), count(*) FROM entry GROUP BY number', 'as many groups as rows');
SELECT same_answer('SELECT number - number, timeline_agg(at, amount), activity_agg(at), sum(points) FROM entry GROUP BY 1', 'all rows of one customer');
SELECT same_answer('SELECT CASE WHEN number >= 0 THEN ''the only one'' END, timeline_agg(at, amount), activity_agg(at), sum(points) FROM entry GROUP BY 1', '... by a text');
SELECT same_answer('SELECT CASE WHEN number < 0 THEN number END, timeline_agg(at, amount), activity_agg(at), sum(points) FROM entry GROUP BY 1', '... who is nobody');
SELECT same_answer('SELECT CASE WHEN number % 3 = 0 THEN number WHEN number % 3 = 1 THEN -1 ELSE -2 END, timeline_agg(at, points), count(*) FROM entry GROUP BY 1', 'two customers have two thirds of all rows');

SELECT by_node(true, '64kB') IS NULL AS void \gset
SELECT is(answer('SELECT customer, activity_agg(at) FROM entry WHERE number < 0 GROUP BY customer'), '0 rows, 0', 'no rows, no groups');
SELECT results_eq('SELECT customer, activity_agg(at)::text, count(*) FROM entry WHERE number = 1 GROUP BY customer', $$VALUES (7919, '{2024-01-01}', 1::bigint)$$, 'one row, one group');
SELECT results_eq('SELECT customer, activity_agg(at)::text, count(*) FROM entry WHERE number = 50 GROUP BY customer', $$VALUES (NULL::int, '{2024-01-15}', 1::bigint)$$, 'one row of a guest');

-- ---- rows larger than pages ----

SELECT same_answer('SELECT customer, timeline_agg(at, incompressible), count(kind) FROM wide GROUP BY customer', 'rows of 9 kB');
SELECT same_answer('SELECT kind, timeline_agg(at), count(incompressible) FROM wide GROUP BY kind', 'keys of 9 to 47 kB');

-- ---- memory ----

SELECT cmp_ok((node_of(query)->>'Memory')::bigint, '<', 5000::bigint, 'within a few megabytes: ' || query) FROM (VALUES
	('SELECT activity_agg(at) FROM entry GROUP BY customer'), ('SELECT timeline_agg(at, amount), count(*) FROM entry GROUP BY number'),
	('SELECT activity_agg(at) FROM entry GROUP BY number - number'), ('SELECT count(*), max(amount::float8), activity_agg(at) FILTER (WHERE false) FROM entry, generate_series(1, 4) GROUP BY number % 2')) q (query);
-- what is written is rows, and nothing else; guests are kept apart, and are few enough for memory
SELECT is((node_of('SELECT activity_agg(at) FROM entry GROUP BY customer::bigint + 5000000000')->>'Disk')::bigint, (SELECT count(customer) * (4 + 8 + 4) / 1024 FROM entry), 'a row of activity_agg() is a mark, a bigint that needs its eight bytes, and four bytes');
SELECT is((node_of('SELECT activity_agg(at) FROM entry GROUP BY customer::bigint')->>'Disk')::bigint, (SELECT count(customer) * (4 + 4) / 1024 FROM entry), '... or a bigint that fits in four, and four bytes');
SELECT is((node_of('SELECT activity_agg(at) FROM entry GROUP BY customer')->>'Disk')::bigint, (SELECT count(customer) * (4 + 4) / 1024 FROM entry), '... or an integer and four bytes');
SELECT by_node(true, '1GB') IS NULL AS void \gset
SELECT results_eq('SELECT node->>''Parts'' = ''256'', node->''Groups'', node->''Rows'' FROM node_of(''SELECT activity_agg(at) FROM entry WHERE customer IS NOT NULL GROUP BY customer'') node',
	'SELECT true, to_jsonb(count(DISTINCT customer)), to_jsonb(count(customer)) FROM entry', 'what the node counts');

-- ---- again ----

SELECT by_node(true, '64kB') IS NULL AS void \gset
SET LOCAL enable_material = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_memoize = off;
SELECT is(answer(format('SELECT v, q.* FROM (VALUES (1), (2), (3)) v (v) LEFT JOIN (%s) q ON true', query)), answer(format('SELECT v, q.* FROM (%s) q, (VALUES (1), (2), (3)) v (v)', query)), 'scanned again: ' || name) FROM (VALUES
	('from the file', 'SELECT customer, activity_agg(at), count(*) FROM entry GROUP BY customer'),
	('where a part was dealt again', 'SELECT CASE WHEN number % 3 = 0 THEN number WHEN number % 3 = 1 THEN -1 ELSE -2 END AS c, timeline_agg(at, points), count(*) FROM entry GROUP BY 1')) q (name, query);
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_memoize;
SELECT is((SELECT count(*) FROM (SELECT customer, activity_agg(at) FROM entry GROUP BY customer LIMIT 3) q)::int, 3, 'left early');

-- ---- errors and cancels ----

CREATE FUNCTION fail_at(state int, value int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF value = 99 THEN RAISE 'transition' USING ERRCODE = 'P0101'; END IF; RETURN state + value; END $$;
CREATE FUNCTION fail_late(state int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF state > 100 THEN RAISE 'final' USING ERRCODE = 'P0102'; END IF; RETURN state; END $$;
CREATE FUNCTION cancel_at(state int, value int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF value = 99 THEN PERFORM pg_cancel_backend(pg_backend_pid()); END IF; RETURN state + value; END $$;
CREATE FUNCTION cancelling(value int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN IF value = 140000 THEN PERFORM pg_cancel_backend(pg_backend_pid()); END IF; RETURN value; END $$;
CREATE AGGREGATE failing(int) (SFUNC = fail_at, STYPE = int, INITCOND = '0');
CREATE AGGREGATE failing_late(int) (SFUNC = int4pl, STYPE = int, FINALFUNC = fail_late, INITCOND = '0');
CREATE AGGREGATE cancelling_at(int) (SFUNC = cancel_at, STYPE = int, INITCOND = '0');
-- Its SQLSTATE, and what is left of it: files, and contexts of memory.
CREATE FUNCTION leaves(query text, memory text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text := 'none';
BEGIN
	PERFORM by_node(true, memory);
	IF NOT EXISTS (SELECT FROM plan_of(query) line WHERE line ~ 'LoyaltyGroup') THEN
		RETURN 'not the node';
	END IF;
	BEGIN
		PERFORM answer(query);
	EXCEPTION WHEN OTHERS OR query_canceled THEN
		state := SQLSTATE;
	END;
	RETURN format('%s, %s files, %s contexts', state, (SELECT count(*) FROM pg_ls_tmpdir() WHERE name ~ format('^pgsql_tmp%s\.', pg_backend_pid())),
		(SELECT count(*) FROM pg_backend_memory_contexts WHERE name ~ '^loyalty (groups|rows|row|grouping)'));
END $$;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$;
SELECT is(leaves(query, memory), state || ', 0 files, 0 contexts', format('%s (%s)', name, memory)) FROM (VALUES ('64kB'), ('1GB')) m (memory), (VALUES
	('none', 'no error', 'SELECT customer, activity_agg(at) FROM entry GROUP BY customer'),
	('22008', 'an error while dealing', 'SELECT customer, activity_agg(CASE WHEN number = 140000 THEN ''infinity'' ELSE at END) FROM entry GROUP BY customer'),
	('22012', 'an error in the child', 'SELECT customer, activity_agg(at), count(1 / (number - 140000)) FROM entry GROUP BY customer'),
	('P0101', 'an error in a transition', 'SELECT customer, activity_agg(at), failing(points) FROM entry GROUP BY customer'),
	('P0102', 'an error in a final function', 'SELECT customer, activity_agg(at), failing_late(points) FROM entry GROUP BY customer'),
	('22012', 'an error above the aggregates', 'SELECT customer, activity_agg(at), 1 / (count(*) - 5) FROM entry GROUP BY customer'),
	('57014', 'a cancel while dealing', 'SELECT customer, activity_agg(at), count(cancelling(number)) FROM entry GROUP BY customer'),
	('57014', 'a cancel in a group', 'SELECT customer, activity_agg(at), cancelling_at(points) FROM entry GROUP BY customer')) q (state, name, query);
SELECT * FROM finish();
ROLLBACK;
