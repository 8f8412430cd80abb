--
-- serial = parallel = partitionwise = two-level = collected = merged from
-- stored summaries: the same answers on the same random rows, whichever way
-- they are computed; and the plans are what their names say.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(101);
\ir reference/orders.sql
ALTER TABLE orders ADD amount numeric(12,2);
UPDATE orders SET amount = CASE WHEN random() < 0.1 THEN NULL ELSE round((random() * 400 - 40)::numeric, 2) END;
INSERT INTO orders SELECT customer + 2000 * n, at + n * interval '1 day', amount * n FROM orders, generate_series(1, 9) n;
ANALYZE orders;

-- Hash partitions by customer, one of them empty, one foreign to the others in its order of columns.
CREATE TABLE parted (LIKE orders) PARTITION BY LIST ((abs(coalesce(customer, 1)) % 4));
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN (0);
CREATE TABLE parted_1 (amount numeric(12,2), at timestamptz, customer int);
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2, 3);
CREATE TABLE parted_empty PARTITION OF parted FOR VALUES IN (4);
INSERT INTO parted SELECT * FROM orders ORDER BY random();
ANALYZE parted;

CREATE FUNCTION plan_has(statement text, VARIADIC nodes text[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN (SELECT bool_and(plan LIKE '%' || node || '%') FROM unnest(nodes) node);
END $$;

CREATE FUNCTION settings(way text) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('max_parallel_workers_per_gather', CASE WHEN way LIKE 'parallel%' THEN '3' ELSE '0' END, true),
		   set_config('parallel_leader_participation', CASE WHEN way LIKE '%workers only%' THEN 'off' ELSE 'on' END, true),
		   set_config('enable_partitionwise_aggregate', CASE WHEN way LIKE '%partitionwise%' THEN 'on' ELSE 'off' END, true),
		   set_config('loyalty.enable_group_node', (way LIKE '%by the node')::text, true),
		   set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true)
$$;

-- The questions: each gives rows that can be compared.
CREATE TABLE question (name text, statement text);
INSERT INTO question VALUES
	('retention by month', 'SELECT t.* FROM (SELECT retention(activities(customer, at), ''month'', ''2012-11-11'') AS r FROM %s) q CROSS JOIN LATERAL retention_table(q.r) t'),
	('retention by week in Apia', 'SELECT t.* FROM (SELECT retention(activities(customer, at, ''Pacific/Apia''), ''week'') AS r FROM %s) q CROSS JOIN LATERAL retention_table(q.r) t'),
	('retention totals', 'SELECT t.* FROM (SELECT retention(activities(customer, at), ''quarter'') AS r FROM %s) q CROSS JOIN LATERAL retention_totals(q.r) t'),
	('activities', 'SELECT c.customer, c.activity::text FROM (SELECT activities(customer, at) AS b FROM %s) q CROSS JOIN LATERAL customer_activities(q.b) c'),
	('timelines', 'SELECT c.customer, c.timeline::text FROM (SELECT timelines(customer, at, amount) AS b FROM %s) q CROSS JOIN LATERAL customer_timelines(q.b) c'),
	('timelines of events', 'SELECT c.customer, c.timeline::text FROM (SELECT timelines(customer, make_event(at => at, value => amount, kind => CASE WHEN amount < 0 THEN ''return'' ELSE ''purchase'' END, label => ''p'' || customer %% 7, ref => customer * 31 %% 1000)) AS b FROM %s) q CROSS JOIN LATERAL customer_timelines(q.b) c'),
	('uuid customers', 'SELECT c.customer, c.activity::text FROM (SELECT activities(md5(customer::text)::uuid, at) AS b FROM %s) q CROSS JOIN LATERAL customer_activities(q.b) c'),
	('text customers', 'SELECT c.customer, c.timeline::text FROM (SELECT timelines(''Käufer '' || repeat(''x'', customer %% 30) || customer, at, amount) AS b FROM %s) q CROSS JOIN LATERAL customer_timelines(q.b) c'),
	('retention in 2,500 groups', 'SELECT q.g, t.* FROM (SELECT coalesce(customer, -1) %% 2500 AS g, retention(activities(customer, at), ''month'', ''2012-11-11'') AS r FROM %s GROUP BY 1) q CROSS JOIN LATERAL retention_totals(q.r) t'),
	('activity_agg', 'SELECT activity_agg(at)::text, activity_agg(at::date)::text, activity_agg(at, ''Australia/Lord_Howe'')::text FROM %s'),
	('timeline_agg', 'SELECT timeline_agg(at)::text, timeline_agg(at, amount)::text, timeline_agg(make_event(at => at, value => amount, kind => ''k'' || customer %% 3))::text FROM %s'),
	('activity_agg by group', 'SELECT customer %% 50, activity_agg(at)::text FROM %s GROUP BY 1'),
	('timeline_agg by group', 'SELECT customer %% 50, timeline_agg(at, amount)::text FROM %s GROUP BY 1');

SELECT settings('serial') IS NULL AS void \gset
CREATE TABLE serial (name text, answer text);
DO $$
DECLARE
	q question;
BEGIN
	FOR q IN TABLE question LOOP
		EXECUTE format('INSERT INTO serial SELECT %L, (a.*)::text FROM (%s) a', q.name, format(q.statement, 'orders'));
	END LOOP;
END $$;
SELECT cmp_ok((SELECT min(n)::int FROM (SELECT count(*) AS n FROM serial GROUP BY name) g), '>=', 1, 'every question has an answer');
SELECT is((SELECT count(DISTINCT name)::int FROM serial), (SELECT count(*)::int FROM question), '... every one');

-- Lines that differ from the serial answer.
CREATE FUNCTION differing(way text, asked text, source text) RETURNS TABLE(side text, answer text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	PERFORM settings(way);
	RETURN QUERY EXECUTE format($q$
		WITH got AS MATERIALIZED (SELECT (a.*)::text AS answer FROM (%1$s) a),
			 wanted AS MATERIALIZED (SELECT answer FROM serial WHERE name = %2$L)
		(SELECT 'wrong', left(answer, 300) FROM (TABLE got EXCEPT ALL TABLE wanted) w LIMIT 3)
		UNION ALL
		(SELECT 'missing', left(answer, 300) FROM (TABLE wanted EXCEPT ALL TABLE got) w LIMIT 3)$q$,
		format((SELECT statement FROM question WHERE name = asked), source), asked);
END $$;

SELECT is_empty(format('SELECT * FROM differing(%L, %L, %L)', way, q.name, source), q.name || ': ' || way)
FROM (VALUES ('parallel', 'orders'), ('parallel, workers only', 'orders'), ('serial, by the node', 'orders'), ('parallel, by the node', 'orders'), ('partitionwise', 'parted'), ('parallel partitionwise', 'parted'), ('rows in another order', '(SELECT * FROM orders ORDER BY md5(orders::text)) o')) v(way, source),
	 question q;

-- the plans are what they are called
SELECT settings('parallel') IS NULL AS void \gset
SELECT ok(plan_has('SELECT retention(activities(customer, at), ''month'') FROM orders', 'Finalize Aggregate', 'Gather', 'Partial Aggregate', 'Parallel Seq Scan'), 'parallel: the collecting runs in workers');
SELECT ok(plan_has('SELECT amount < 0, timeline_agg(at, amount) FROM orders GROUP BY 1', 'Gather', 'Partial'), 'parallel: so do groups');
SELECT settings('partitionwise') IS NULL AS void \gset
SELECT ok(plan_has('SELECT retention(activities(customer, at), ''month'') FROM parted', 'Finalize Aggregate', 'Append', 'Partial Aggregate', 'parted_empty'), 'partitionwise: each partition collects, the empty one too');
SELECT settings('parallel partitionwise') IS NULL AS void \gset
SELECT ok(plan_has('SELECT retention(activities(customer, at), ''month'') FROM parted', 'Finalize Aggregate', 'Gather', 'Parallel Append', 'Partial Aggregate'), 'parallel partitionwise: in workers');

-- two levels, and from stored summaries
SELECT settings('serial') IS NULL AS void \gset
CREATE TABLE stored AS SELECT customer, activity_agg(at) AS activity, timeline_agg(at, amount) AS timeline FROM orders WHERE customer IS NOT NULL GROUP BY customer;
ANALYZE stored;
CREATE FUNCTION two_level(way text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM settings(way);
	RETURN QUERY SELECT (t.*)::text FROM (SELECT retention(activity, 'month', '2012-11-11') AS r FROM stored) q CROSS JOIN LATERAL retention_table(q.r) t;
END $$;
SELECT set_eq('SELECT two_level(''serial'')', 'SELECT answer FROM serial WHERE name = ''retention by month''', 'two-level');
SELECT set_eq('SELECT two_level(''parallel, workers only'')', 'SELECT answer FROM serial WHERE name = ''retention by month''', 'two-level, parallel');
SELECT set_eq($$SELECT (t.*)::text FROM (SELECT retention(activities(customer, activity), 'month', '2012-11-11') AS r FROM stored) q CROSS JOIN LATERAL retention_table(q.r) t$$,
			  'SELECT answer FROM serial WHERE name = ''retention by month''', 'collected from stored activities');
SELECT set_eq($$SELECT (c.customer, c.timeline::text)::text FROM (SELECT timelines(customer, timeline) AS b FROM stored) q CROSS JOIN LATERAL customer_timelines(q.b) c$$,
			  'SELECT answer FROM serial WHERE name = ''timelines''', 'collected from stored timelines');
SELECT * FROM finish();
ROLLBACK;
