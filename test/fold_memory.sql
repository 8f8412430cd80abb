--
-- The node for metrics over everyone where a part of the rows is too large for memory: it is dealt
-- again and folded in pieces, with the same answers; what one customer takes is bounded by his own
-- timeline.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(45);
SET LOCAL timezone = 'UTC';
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL hash_mem_multiplier = 1;

-- 200,000 rows: most customers have one, so that a part takes much to be grouped.
CREATE TABLE entry WITH (parallel_workers = 2) AS
SELECT CASE WHEN n % 50 > 47 THEN NULL ELSE n * 7919 % 200003 END AS customer, n AS number, timestamptz '2023-01-01' + n % 900 * interval '19 hours' AS at, n % 100 AS points, (n % 7)::numeric / 4 AS amount
FROM generate_series(1::bigint, 200000) n;
ALTER TABLE entry ADD name text;
UPDATE entry SET name = repeat('long ', 30) || customer;
CREATE TABLE single WITH (parallel_workers = 2) AS SELECT n, timestamptz '2014-01-01' + n * n % 7000000 * interval '13 seconds' AS at, n % 100 AS points FROM generate_series(1::bigint, 1500000) n;
ANALYZE entry, single;

-- workers: NULL is the server's Aggregate.
CREATE FUNCTION by_node(workers int, memory text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('loyalty.enable_group_node', (workers IS NOT NULL)::text, true), set_config('max_parallel_workers_per_gather', coalesce(workers, 0)::text, true), set_config('work_mem', memory, true)
$$;
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT md5(r::text) FROM (%s) r', query) INTO result;
	RETURN result;
END $$;
-- What the node says that it did.
CREATE FUNCTION node_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	result jsonb;
BEGIN
	EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) %s', query) INTO result;
	RETURN jsonb_path_query_first(result, 'strict $.** ? (@."Custom Plan Provider" == "LoyaltyFold")');
END $$;
-- The answer in little memory, and how that was found: in more than so many parts, in no more than so many kB for each process.
CREATE FUNCTION in_pieces(query text, name text, least_parts int, most_memory int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	expected text;
	workers int;
	node jsonb;
BEGIN
	PERFORM by_node(NULL, '1GB');
	expected := answer(query);
	FOREACH workers IN ARRAY '{0,2}'::int[] LOOP
		PERFORM by_node(workers, '64kB');
		RETURN NEXT is(answer(query), expected, format('%s: the same answer, %s workers', name, workers));
		node := node_of(query);
		RETURN NEXT ok((node->>'Parts')::int >= least_parts AND (node->>'Memory')::int <= most_memory * (1 + workers) AND (node->>'Disk')::int > 0, format('... in pieces: %s parts, %s kB', node->>'Parts', node->>'Memory'));
	END LOOP;
END $$;

SELECT in_pieces('SELECT points_totals(timelines(name, at, points), ''{"expires_after": "6 months"}'') FROM entry', 'customers by name', 600, 8000);
SELECT in_pieces('SELECT retention(activities(name, at), ''month'') FROM entry', 'active days', 600, 8000);
SELECT in_pieces('SELECT points_totals(timelines(customer, at, points), ''{"expires_after": "6 months"}'') FROM entry WHERE points > 1', 'customers by number', 256, 8000);
-- a process that gets more of both takes one more block of 8 MB
SELECT in_pieces('SELECT retention(activities(name, at), activities(name, at) FILTER (WHERE number % 3 = 0), ''month'', NULL) FROM entry', 'two bases are split alike', 600, 13000);
SELECT in_pieces('SELECT retention(activities(name, at) FILTER (WHERE number > 199000), activities(name, at), ''month'', NULL) FROM entry', '... the one is small', 600, 13000);
SELECT in_pieces('SELECT growth(activities(name, at)), concentration(timelines(name, at, amount)), growth(activities(customer, at) FILTER (WHERE false)) FROM entry', 'several collectors of other kinds', 600, 24000);
SELECT in_pieces('SELECT funnel_totals(timelines(name, at, ''kind '' || number % 5), ARRAY[''kind 3'', ''kind 1''], ''90 days'') FROM entry', 'kinds, which processes number each for itself', 600, 8000);
SELECT in_pieces('SELECT growth(activities(name, activity)) FROM (SELECT name, activity_agg(at) AS activity FROM entry GROUP BY name) s', 'stored summaries', 300, 8000);

-- ---- one customer ----

-- taken apart, his events would take 70 MB; and rows that are in memory are grouped piece by piece, too
SELECT in_pieces('SELECT concentration(timelines(1, at, points)) FROM single', 'all rows are one customer''s', 1, 48000);
SELECT by_node(0, '1GB') IS NULL AS void \gset
SELECT cmp_ok((node_of('SELECT concentration(timelines(1, at, points)) FROM single')->>'Memory')::int, '<', 80000, '... in memory');
SELECT in_pieces('SELECT concentration(timelines(CASE WHEN n % 2 = 0 THEN 1 WHEN n % 100 = 1 THEN n ELSE 2 END, at, points)) FROM single', 'two customers have nearly all rows', 256, 48000);

-- ---- large timelines, merged ----

-- Two thirds with kinds, some without values, which have two scales; many at one instant.
CREATE TABLE large AS SELECT n % 3 AS third, timestamptz '2020-01-01' + n * 7919 % 40000 * interval '1 minute' AS at, CASE WHEN n % 3 > 0 THEN 'kind ' || n % 4 END AS kind, CASE WHEN n % 5 > 0 THEN ((n % 41 - 20) / (CASE n % 3 WHEN 2 THEN 100.0 ELSE 1 END))::numeric(9, 2) END AS amount
FROM generate_series(1, 150000) n;
CREATE TABLE merged AS SELECT c.timeline FROM (SELECT timelines(1, t) AS b FROM (SELECT timeline_agg(at, kind, amount) AS t FROM large WHERE third > 0 GROUP BY third UNION ALL SELECT timeline_agg(at, amount) FROM large WHERE third = 0 UNION ALL SELECT timeline_agg(at) FROM large WHERE third > 5) s) q CROSS JOIN LATERAL customer_timelines(q.b) c;
SELECT results_eq('SELECT e.at, e.kind, e.value FROM merged, timeline_events(timeline) WITH ORDINALITY e ORDER BY e.ordinality', 'SELECT at, kind, amount FROM large ORDER BY at, kind COLLATE "C" NULLS FIRST, amount NULLS FIRST', 'events of all, in order');
SELECT is(md5(record_send(ROW(timeline))), md5(record_send(ROW(timeline::text::event_timeline))), 'the bytes that these events have') FROM merged;
CREATE TABLE many_kinds AS SELECT c.timeline FROM (SELECT timelines(1, t) AS b FROM (SELECT timeline_agg(at, 'kind ' || ctid::text, amount) AS t FROM large GROUP BY third) s) q CROSS JOIN LATERAL customer_timelines(q.b) c;
SELECT is(md5(record_send(ROW(timeline))), md5(record_send(ROW(timeline::text::event_timeline))), '... of many kinds') FROM many_kinds;
SELECT is((SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp', true, false) f (name) WHERE name ~ format('^pgsql_tmp%s\.', pg_backend_pid())), 0::bigint, 'no file is left');
SELECT * FROM finish();
ROLLBACK;
