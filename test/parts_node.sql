--
-- The plan node for lists of customers over a collector: which joins it is below, that they have the
-- rows that they have above the server's Aggregate, with workers and without, in little memory, and
-- what is refused to whom.
--
\ir reference/setup.sql
BEGIN;
SET LOCAL timezone = 'Europe/Helsinki';
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL hash_mem_multiplier = 1;
SET LOCAL client_min_messages = warning;
SET LOCAL check_function_bodies = off;

CREATE TABLE entry WITH (parallel_workers = 2) AS
SELECT n AS number, CASE WHEN n % 50 = 0 THEN NULL WHEN n % 9 = 0 THEN 4 ELSE n * 7919 % 1301 END AS customer,
	CASE WHEN n % 77 > 0 THEN timestamptz '2023-01-01' + n * 37 % 900 * interval '19 hours' END AS at,
	n % 100 AS points, (n % 1000)::numeric / 8 AS amount, CASE WHEN n % 5 = 4 THEN 'redeem' ELSE 'earn' END AS kind, 'shop ' || n % 3 AS label
FROM generate_series(1, 12000) n;
ALTER TABLE entry ADD day date, ADD big bigint, ADD small smallint, ADD exact numeric, ADD id uuid, ADD name text, ADD zone text;
UPDATE entry SET day = (at AT TIME ZONE 'UTC')::date, big = customer * 10000000000, small = customer, exact = customer, id = md5(customer::text)::uuid, name = 'customer ' || customer, zone = 'Asia/Tokyo';
CREATE TABLE few WITH (parallel_workers = 2) AS SELECT * FROM entry WHERE number % 3000 = 17;
CREATE TABLE guests WITH (parallel_workers = 2) AS SELECT * FROM entry WHERE customer IS NULL;
CREATE TABLE members WITH (parallel_workers = 2) AS SELECT * FROM entry WHERE at IS NULL;
CREATE TABLE none WITH (parallel_workers = 2) AS SELECT * FROM entry WHERE number < 0;
CREATE TABLE stored WITH (parallel_workers = 2) AS SELECT customer, activity_agg(at) AS activity, timeline_agg(make_event(at => at, value => points, kind => kind, label => label)) AS timeline FROM entry GROUP BY customer;
CREATE TABLE person WITH (parallel_workers = 2) AS SELECT DISTINCT customer, 'region ' || customer % 3 AS region FROM entry WHERE customer % 2 = 0;
CREATE TABLE parted (LIKE entry) PARTITION BY HASH (customer);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted TABLE entry;
ANALYZE entry, few, guests, members, none, stored, person, parted;

-- ---- the node, or not ----

-- workers: NULL is the server's Aggregate.
CREATE FUNCTION by_node(workers int, memory text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('loyalty.enable_group_node', (workers IS NOT NULL)::text, true), set_config('max_parallel_workers_per_gather', coalesce(workers, 0)::text, true), set_config('work_mem', memory, true)
$$;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN plan;
END $$;
CREATE FUNCTION node_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	result jsonb;
BEGIN
	EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) %s', query) INTO result;
	RETURN jsonb_path_query_first(result, 'strict $.** ? (@."Custom Plan Provider" == "LoyaltyParts")');
END $$;
-- All rows, in any order, as text and as they are stored; or the error.
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
BEGIN
	EXECUTE format('SELECT count(*) || '' rows '' || coalesce(sum(hashtextextended(r::text, 0)::numeric + hashtextextended(record_send(r)::text, 1)), 0) FROM (%s) r', query) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ' ' || SQLERRM || ' ' || detail;
END $$;
-- How a query is answered in other ways, where that is not as the Aggregate does.
CREATE FUNCTION differences(query text, planned boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	expected text;
	found text := '';
	ways text[] := ARRAY[['0', '1GB'], ['0', '64kB'], ['2', '1GB'], ['2', '64kB']];
	way int;
BEGIN
	PERFORM by_node(NULL, '1GB');
	expected := answer(query);
	FOR way IN 1 .. 4 LOOP
		PERFORM by_node(ways[way][1]::int, ways[way][2]);
		IF planned AND plan_of(query) NOT LIKE (CASE ways[way][1] WHEN '0' THEN '%Custom Scan (LoyaltyParts)%' ELSE '%Gather%Parallel Custom Scan (LoyaltyParts)%' END) THEN
			found := found || format('%s workers, %s: the plan %s', ways[way][1], ways[way][2], plan_of(query));
		END IF;
		IF answer(query) IS DISTINCT FROM expected THEN
			found := found || format('%s workers, %s: %s, not %s; ', ways[way][1], ways[way][2], coalesce(answer(query), 'NULL'), coalesce(expected, 'NULL'));
		END IF;
	END LOOP;
	RETURN nullif(found, '');
END $$;
-- A list of customers over a collector.
CREATE FUNCTION list(collector text, rows text DEFAULT 'entry', function text DEFAULT NULL, columns text DEFAULT 'c.*') RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT %s FROM (SELECT %s AS base FROM %s) q CROSS JOIN LATERAL %s c', columns, collector, rows, coalesce(function, CASE WHEN collector LIKE 'activities%' THEN 'customer_activities(q.base)' ELSE 'customer_timelines(q.base)' END))
$$;

-- ---- collectors ----

SELECT * FROM no_plan();
SELECT is(differences(list(format('%s(%s, at)', collector, c))), NULL, format('%s: customers %s', collector, c))
FROM unnest(ARRAY['activities', 'timelines']) collector, unnest(ARRAY['customer', 'big', 'small', 'exact', 'id', 'name', 'customer + 1', 'name COLLATE "C"', 'big * 1000', 'CASE WHEN number % 3 > 0 THEN -1 END']) c;
SELECT is(differences(list(format('activities(customer, %s)', a))), NULL, 'activities ' || a)
FROM unnest(ARRAY['day', 'at, ''America/New_York''', 'at, zone', 'day, zone', 'at) FILTER (WHERE points > 20', 'at) FILTER (WHERE false', 'CASE WHEN number % 2 = 0 THEN at END']) a;
SELECT is(differences(list(format('timelines(customer, %s)', a))), NULL, 'timelines ' || a)
FROM unnest(ARRAY['at, points', 'at, amount', 'at, kind', 'at, kind, amount', 'at, kind, points::float8', 'at, ''kind '' || number % 97', 'day', 'day, amount', 'day, kind, points, ''Asia/Tokyo''',
	'make_event(at => at, value => amount, ref => number::text)', 'at, amount) FILTER (WHERE kind = ''earn''']) a;
-- Of these the plan depends on what it costs.
SELECT is(differences(list('timelines(customer, at, 1 / (points - 50)) FILTER (WHERE points <> 50)'), false), NULL, 'an argument that is an error where the FILTER leaves it out');
SELECT is(differences(list('timelines(customer, at, points)', rows)), NULL, 'timelines over ' || rows)
FROM unnest(ARRAY['few', 'guests', 'members', 'parted', 'entry WHERE number % 2 = 0', 'entry JOIN person USING (customer)', '(SELECT * FROM entry UNION ALL SELECT * FROM few) entry']) rows;
SELECT is(differences(list('timelines(customer, at, points)', rows), false), NULL, 'timelines over ' || rows) FROM unnest(ARRAY['none', 'entry WHERE false', 'few LEFT JOIN person USING (customer)', '(SELECT DISTINCT customer, at, points FROM entry) entry', 'generate_series(1, 9) customer, LATERAL (SELECT now() AS at, 1 AS points) x']) rows;
SELECT is(differences(list('activities(customer, activity)', 'stored')), NULL, 'stored sets');
SELECT is(differences(list('timelines(customer, timeline)', 'stored')), NULL, 'stored timelines');
SELECT is(differences(list(format('timelines(%s, at, points)', c), function => format('customer_purchase_summaries(q.base%s)', a))), NULL, format('summaries of %s%s', c, a))
FROM unnest(ARRAY['customer', 'id', 'name']) c, unnest(ARRAY['', ', ''2024-01-31''', ', ''2024-01-31'', ''week'', ''Asia/Tokyo''', ', period => NULL', ', ''infinity''']) a;
SELECT is(differences(list('timelines(customer, at, points)', rows, format('customer_purchase_summaries(q.base%s)', a)), false), NULL, format('summaries over %s%s', rows, a))
FROM unnest(ARRAY['few', 'guests', 'members', 'none']) rows, unnest(ARRAY['', ', period => NULL']) a;
SELECT is(differences(list('timelines(customer, timeline)', 'stored', 'customer_purchase_summaries(q.base)')), NULL, 'summaries, whose last day is that of everyone''s stored timelines');

-- ---- joins ----

CREATE TABLE question (name text, statement text);
INSERT INTO question VALUES
	('expressions', list('timelines(customer, at, points)', columns => 'c.customer + 1, timeline_count(c.timeline) * 2, c')),
	('no column at all', list('timelines(customer, at, points)', columns => '')),
	('conditions on the list', list('timelines(customer, at, points)') || ' WHERE c.customer % 2 = 0 AND timeline_count(c.timeline) > 3'),
	('... that are a join', 'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry) q JOIN LATERAL customer_timelines(q.base) c ON c.customer > 600'),
	('counted and summed', list('timelines(customer, at, points)', columns => 'count(*), sum(timeline_count(c.timeline)), sum(timeline_sum(c.timeline))')),
	('grouped', list('timelines(customer, at, points)', columns => 'timeline_count(c.timeline), count(*)') || ' GROUP BY 1'),
	('sorted', list('timelines(customer, at, points)') || ' ORDER BY c.customer'),
	('with a table', list('timelines(customer, at, points)', columns => 'p.region, count(*), sum(timeline_sum(c.timeline))') || ' JOIN person p USING (customer) GROUP BY 1'),
	('with a table that may not have him', list('timelines(customer, at, points)', columns => 'p.region, c.*') || ' LEFT JOIN person p USING (customer)'),
	('with another function', list('timelines(customer, at, points)', columns => 'c.customer, e.*') || ' CROSS JOIN LATERAL timeline_events(c.timeline) e'),
	('with another list', 'SELECT a.customer, timeline_count(b.timeline) FROM (SELECT timelines(customer, at, points) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) a JOIN (SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM few) q CROSS JOIN LATERAL customer_timelines(q.base) c) b USING (customer)'),
	('with columns that nobody wants', 'SELECT c.* FROM (SELECT 1 AS one, timelines(customer, at, points) AS base, count(*) AS n, ''x'' AS x FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c'),
	('in an expression of a query', 'SELECT (SELECT count(*) FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c)'),
	('a WITH that is one sub-select', 'WITH q AS (SELECT timelines(customer, at) AS base FROM entry) SELECT c.* FROM q CROSS JOIN LATERAL customer_timelines(q.base) c'),
	('in a set operation', list('timelines(customer, at, points)') || ' UNION ALL ' || list('timelines(customer, at, points)', 'few')),
	('an infinite instant', list('timelines(customer, CASE WHEN number = 11000 THEN ''infinity'' ELSE at END)')),
	('a number that is no customer', list('timelines(exact + 0.5, at)', 'entry WHERE customer = 4')),
	('an error above', list('timelines(customer, at)', columns => '1 / (c.customer - 7)'));
SELECT is(differences(statement, name !~ 'expression of'), NULL, name) FROM question ORDER BY name;
SELECT is(differences('SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry WHERE points < (SELECT max(points) / 2 FROM few)) q CROSS JOIN LATERAL customer_timelines(q.base) c', false), NULL, 'rows that depend on a sub-select');
SELECT is(differences('SELECT c.* FROM (WITH e AS MATERIALIZED (SELECT * FROM entry) SELECT timelines(customer, at) AS base FROM e) q CROSS JOIN LATERAL customer_timelines(q.base) c', false), NULL, '... or on a WITH of its own');

-- ---- what is taken ----

SELECT by_node(0, '4MB') IS NULL AS void \gset
CREATE TABLE left_alone AS SELECT * FROM unnest(ARRAY[
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry) q LEFT JOIN LATERAL customer_timelines(q.base) c ON true',
	'SELECT c.*, growth(q.base) FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c WHERE growth(q.base) IS NOT NULL',
	'SELECT c.*, d.customer FROM (SELECT timelines(customer, at) AS base FROM few) q CROSS JOIN LATERAL customer_timelines(q.base) c CROSS JOIN LATERAL customer_timelines(q.base) d',
	'SELECT c.*, g IS NULL FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c CROSS JOIN LATERAL growth(q.base) g',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) WITH ORDINALITY c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL ROWS FROM (customer_timelines(q.base), generate_series(1, 3)) c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry GROUP BY kind) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry GROUP BY ()) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.*, n FROM (SELECT timelines(customer, at) AS base, count(*) AS n FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry HAVING count(*) > 1) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry LIMIT 1) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry OFFSET 0) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT DISTINCT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base, generate_series(1, 2) FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry UNION ALL SELECT timelines(customer, at) FROM few) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(customer, at ORDER BY at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(DISTINCT customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT c.* FROM (SELECT timelines(1, at) AS base FROM (SELECT now() AS at) x) q CROSS JOIN LATERAL customer_timelines(q.base) c WHERE false',
	'SELECT c.customer FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c JOIN person p USING (customer) FOR UPDATE OF p',
	'SELECT v, c.* FROM (VALUES (0), (50)) v (v) CROSS JOIN LATERAL (SELECT timelines(customer, at) AS base FROM entry WHERE points >= v) q CROSS JOIN LATERAL customer_timelines(q.base) c',
	'SELECT d, c.* FROM (VALUES (date ''2024-01-01''), (''2024-03-31'')) v (d) CROSS JOIN (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_purchase_summaries(q.base, d) c',
	'SELECT m.* FROM (SELECT activities(customer, at) AS base FROM entry) q CROSS JOIN LATERAL retention_members(q.base, ''month'', cohort => ''2023-01-01'', lag => 1) m',
	'SELECT p.customer FROM (SELECT timelines(customer, at) AS base FROM entry) q, person p WHERE EXISTS (SELECT FROM customer_timelines(q.base) c WHERE c.customer = p.customer)']) statement;
SELECT is(differences(statement, false), NULL, 'left to the server, or right: ' || statement) FROM left_alone;
SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT is(string_agg(statement, '; '), NULL, 'what the node can''t do is left to the server') FROM left_alone WHERE plan_of(statement) LIKE '%LoyaltyParts%';
SET LOCAL loyalty.enable_group_node = off;
SELECT unalike(plan_of(list('timelines(customer, at)')), '%LoyaltyParts%', 'loyalty.enable_group_node = off: it isn''t taken');
SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT matches(plan_of((SELECT statement FROM question WHERE name = 'counted and summed')), 'Finalize Aggregate.*Gather.*Partial Aggregate.*Nested Loop.*Parallel Custom Scan \(LoyaltyParts\).*Parallel Seq Scan', 'workers count and sum');
SELECT matches(plan_of((SELECT statement FROM question WHERE name = 'with a table')), 'Gather.*Partial .*Hash Join.*Nested Loop.*Parallel Custom Scan \(LoyaltyParts\)', '... and join');
SELECT matches(plan_of('SELECT p.customer, (SELECT count(*) FROM (SELECT timelines(customer, at) AS base FROM entry WHERE points > p.customer) q CROSS JOIN LATERAL customer_timelines(q.base) c) FROM person p'), 'SubPlan.*Custom Scan \(LoyaltyParts\)', 'a correlated sub-select has the node');
CREATE TABLE kept AS SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c;
SELECT results_eq('SELECT count(*), sum(timeline_count(timeline))::bigint FROM kept', 'SELECT count(DISTINCT customer), count(at) FROM entry WHERE customer IS NOT NULL', 'kept as a table: everyone, and all events');
SET LOCAL parallel_setup_cost = 1000;
SELECT unalike(plan_of(list('timelines(customer, at)', 'few')), '%Gather%', 'a few rows need no worker');
SET LOCAL parallel_setup_cost = 0;

-- ---- what EXPLAIN says ----

SELECT by_node(0, '4MB') IS NULL AS void \gset
SELECT results_eq('SELECT (node->''Groups'')::int, (node->''Rows'')::int, (node->''Disk'')::int FROM node_of(list(''timelines(customer, at)'')) node', 'SELECT count(DISTINCT customer)::int, count(*)::int, 0 FROM entry', 'customers and rows');
SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT results_eq('SELECT (node->''Groups'')::int, (node->''Rows'')::int, (node->''Parts'')::int > 200, (node->''Disk'')::int > 0 FROM node_of(list(''timelines(customer, at)'')) node', 'SELECT count(DISTINCT customer)::int, count(*)::int, true, true FROM entry', '... of all participants, who share files');

-- ---- memory ----

CREATE TABLE much WITH (parallel_workers = 2) AS SELECT n::bigint * 7919 % 100003 AS customer, timestamptz '2024-01-01' + n % 700 * interval '7 hours' AS at, n % 100 AS points FROM generate_series(1, 400000) n;
ANALYZE much;
SELECT by_node(0, '1MB') IS NULL AS void \gset
SELECT ok((node->'Memory')::int < 4000 AND (node->'Disk')::int > 2000, 'rows go to a file: ' || node::text) FROM node_of(list('timelines(customer, at, points)', 'much')) node;
SELECT is(differences(list('timelines(customer, at, points)', 'much')), NULL, '... and the answer is the same');
SELECT is(differences(list('timelines(1, at, points)', 'much')), NULL, 'all rows are one customer''s');
SELECT by_node(2, '1MB') IS NULL AS void \gset
SELECT ok((node->'Memory')::int < 12000, 'with workers each has as much: ' || node::text) FROM node_of(list('timelines(customer, at, points)', 'much')) node;
-- All contexts of this process while rows come: in kB.
CREATE FUNCTION kilobytes() RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN RETURN (SELECT sum(total_bytes) / 1024 FROM pg_backend_memory_contexts); END $$;
CREATE FUNCTION most(workers int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
	most bigint;
BEGIN
	PERFORM by_node(workers, '1MB');
	before := kilobytes();
	EXECUTE list('timelines(''customer '' || customer, at, points)', 'much', columns => 'max(CASE WHEN timeline_count(c.timeline) > 1 AND hashtextextended(c.customer, 0) % 500 = 0 THEN kilobytes() END)') INTO most;
	RETURN most - before;
END $$;
SELECT cmp_ok(most(0), '<', 8000::bigint, 'a list of 18 MB in little memory');
SELECT cmp_ok(most(NULL), '>', 16000::bigint, '... as it is not without the node');

-- ---- who takes part ----

CREATE FUNCTION same(name text) RETURNS text LANGUAGE sql AS $$ SELECT is(answer(list('timelines(customer, at, points)')), (SELECT expected FROM expected), name) $$;
SELECT by_node(NULL, '4MB') IS NULL AS void \gset
CREATE TABLE expected AS SELECT answer(list('timelines(customer, at, points)')) AS expected;
SELECT by_node(2, '4MB') IS NULL AS void \gset
SET LOCAL max_parallel_workers = 0;
SELECT same('no worker comes');
SET LOCAL max_parallel_workers = 1;
SELECT same('one of two comes');
RESET max_parallel_workers;
SET LOCAL parallel_leader_participation = off;
SELECT same('the leader does nothing');
SET LOCAL max_parallel_workers = 0;
SELECT same('... but what no worker does');
RESET max_parallel_workers;
RESET parallel_leader_participation;
SELECT is(count(*), 50::bigint, 'again and again') FROM generate_series(1, 50) n WHERE answer(list('timelines(customer, at, points)')) = (SELECT expected FROM expected);
SELECT is(count(*), 30::bigint, 'left early') FROM generate_series(1, 30) n WHERE answer(list('timelines(customer, at, points)') || ' LIMIT 3') LIKE '3 rows %';
SELECT is(answer(list('timelines(customer, at, points)') || ' LIMIT 0'), '0 rows 0', 'not even begun');
SELECT is((node_of(list('timelines(customer, at, points)') || ' LIMIT 3')->'Rows')::int, 12000, 'EXPLAIN knows what was done for the first rows');
-- A cursor has no workers; one that goes back keeps the rows.
DECLARE open CURSOR FOR SELECT c.customer FROM (SELECT timelines(customer, at) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c;
FETCH 1 FROM open \gset
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'open'), 1::bigint, 'a cursor that is read in part');
CLOSE open;
DECLARE back SCROLL CURSOR FOR SELECT c.customer FROM (SELECT timelines(customer, at) AS base FROM few) q CROSS JOIN LATERAL customer_timelines(q.base) c;
CREATE FUNCTION fetched(way text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := 'back';
	customer bigint;
	n bigint := 0;
BEGIN
	LOOP
		IF way = 'on' THEN FETCH NEXT FROM c INTO customer; ELSE FETCH PRIOR FROM c INTO customer; END IF;
		EXIT WHEN NOT FOUND;
		n := n + customer;
	END LOOP;
	RETURN n;
END $$;
SELECT is(ARRAY[fetched('on'), fetched('back')], ARRAY[sum, sum], 'a cursor that goes on and back') FROM (SELECT sum(DISTINCT customer) FROM few) s;
CLOSE back;

-- ---- scanned again ----

SET LOCAL enable_material = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_memoize = off;
SELECT matches(plan_of('SELECT v, x.* FROM (VALUES (1), (2), (3)) v (v) LEFT JOIN (' || list('timelines(customer, at)') || ' OFFSET 0) x ON x.customer % v = 0'), 'Nested Loop.*Gather.*Nested Loop.*Parallel Custom Scan', 'workers start again for each row of another table');
SELECT is(differences('SELECT v, x.* FROM (VALUES (1), (2), (3)) v (v) LEFT JOIN (' || list('timelines(customer, at)') || ' OFFSET 0) x ON x.customer % v = 0'), NULL, 'scanned again');
SELECT is(differences('SELECT v, x.* FROM (VALUES (0), (50), (200)) v (v) CROSS JOIN LATERAL (SELECT count(*), sum(timeline_count(c.timeline)) FROM (SELECT timelines(customer, at) AS base FROM entry WHERE points >= v) q CROSS JOIN LATERAL customer_timelines(q.base) c) x', false), NULL, '... with other parameters, of which one leaves nothing');
SELECT by_node(0, '4MB') IS NULL AS void \gset
SELECT alike(plan_of('SELECT v, x.* FROM (VALUES (0), (50), (200)) v (v) CROSS JOIN LATERAL (SELECT count(*), sum(timeline_count(c.timeline)) FROM (SELECT timelines(customer, at) AS base FROM entry WHERE points >= v) q CROSS JOIN LATERAL customer_timelines(q.base) c) x'), '%LoyaltyParts%', '... by the node');
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_memoize;
SELECT by_node(2, '4MB') IS NULL AS void \gset

-- ---- prepared ----

PREPARE asked (int, int) AS SELECT c.customer, timeline_count(c.timeline) FROM (SELECT timelines(customer, at) FILTER (WHERE points > $1) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c WHERE c.customer > $2;
SET LOCAL plan_cache_mode = force_custom_plan;
SELECT alike(plan_of('EXECUTE asked(20, 600)'), '%Parallel Custom Scan (LoyaltyParts)%', 'a prepared statement has the node, planned for its arguments');
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT alike(plan_of('EXECUTE asked(20, 600)'), '%Parallel Custom Scan (LoyaltyParts)%', '... and for any');
CREATE TABLE generic AS EXECUTE asked(20, 600);
CREATE TABLE another AS EXECUTE asked(80, 3);
RESET plan_cache_mode;
SELECT set_eq('TABLE generic', 'SELECT customer::bigint, count(at) FROM entry WHERE points > 20 AND customer > 600 GROUP BY 1', 'its answer');
SELECT set_eq('TABLE another', 'SELECT customer::bigint, count(at) FROM entry WHERE points > 80 AND customer > 3 GROUP BY 1', '... for other arguments');

-- ---- errors leave nothing behind ----

CREATE FUNCTION cancelling(value bigint) RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ BEGIN IF value = 700 THEN PERFORM pg_cancel_backend(pg_backend_pid()); END IF; RETURN value; END $$;
-- Its SQLSTATE, and what is left of it: files, and contexts of memory.
CREATE FUNCTION leaves(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text := 'none';
BEGIN
	IF plan_of(query) NOT LIKE '%LoyaltyParts%' THEN
		RETURN 'not the node';
	END IF;
	BEGIN
		EXECUTE 'SELECT count(r) FROM (' || query || ') r';
	EXCEPTION WHEN OTHERS OR query_canceled THEN
		state := SQLSTATE;
	END;
	RETURN format('%s, %s files, %s contexts', state, (SELECT count(*) FROM pg_ls_tmpdir() WHERE name ~ format('^pgsql_tmp%s\.', pg_backend_pid())),
		(SELECT count(*) FROM pg_backend_memory_contexts WHERE name ~ '^loyalty (parts|rows|grouping)'));
END $$;
SELECT is(leaves(query), state || ', 0 files, 0 contexts', format('%s (%s workers, %s)', name, workers, memory)) FROM (VALUES (0, '64kB'), (0, '1GB'), (2, '64kB')) m (workers, memory) CROSS JOIN LATERAL by_node(workers, memory) CROSS JOIN (VALUES
	('none', 'no error', list('timelines(customer, at, points)', 'much')),
	('22008', 'an error while collecting', list('timelines(customer, CASE WHEN number > 11998 THEN ''infinity'' ELSE at END)')),
	('22012', 'an error in the child', list('timelines(customer, at, 1 / (number - 11990))')),
	('22012', 'an error above the list', list('timelines(customer, at)', columns => '1 / (c.customer - 700)')),
	('57014', 'a cancel above the list', list('timelines(customer, at, points)', 'much', columns => 'cancelling(c.customer)'))) q (state, name, query);
SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT same('the next one is as it was');

-- ---- who may ----

CREATE ROLE reader;
SELECT format('GRANT USAGE ON SCHEMA %I TO reader', name) FROM unnest(current_schemas(false)) name \gexec
GRANT SELECT (customer, at) ON entry TO reader;
ALTER TABLE stored ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_ones ON stored FOR SELECT TO reader USING (customer < 100);
GRANT SELECT ON stored TO reader;
CREATE VIEW barrier WITH (security_barrier) AS SELECT timelines(customer, at, points) AS base FROM entry WHERE points > 50;
CREATE VIEW behind WITH (security_barrier) AS SELECT c.* FROM (SELECT timelines(customer, at, points) AS base FROM entry) q CROSS JOIN LATERAL customer_timelines(q.base) c WHERE c.customer < 20;
GRANT SELECT ON barrier, behind TO reader;
REVOKE EXECUTE ON FUNCTION activities(smallint, date) FROM public;
REVOKE EXECUTE ON FUNCTION customer_timelines(timeline_base_text) FROM public;
SET LOCAL ROLE reader;
SELECT alike(plan_of(list('timelines(customer, at)')), '%LoyaltyParts%', 'who may read the columns has the node');
SELECT lives_ok(list('timelines(customer, at)'), '... and the rows');
SELECT throws_ok(list('timelines(big, at)'), '42501', NULL, 'a column that may not be read');
SELECT throws_ok(list('timelines(customer::text, at)'), '42501', NULL, 'a list that may not be asked for');
SELECT throws_ok(list('activities(customer::smallint, at::date)'), '42501', NULL, 'a collector that may not');
SELECT alike(plan_of(list('timelines(customer, timeline)', 'stored')), '%LoyaltyParts%Filter%customer < 100%', 'row level security stays below the node');
SELECT is(differences(list('timelines(customer, timeline)', 'stored')), NULL, '... with the same answer');
SELECT is(differences('SELECT c.* FROM barrier q CROSS JOIN LATERAL customer_timelines(q.base) c WHERE c.customer > 5'), NULL, 'a view that is a barrier');
SELECT is(differences('SELECT * FROM behind WHERE timeline_count(timeline) > 2'), NULL, 'a list behind one');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
