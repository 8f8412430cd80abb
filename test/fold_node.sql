--
-- The plan node for metrics over everyone: which queries it takes, that it answers as the server's
-- Aggregate does, with workers and without, in little memory, and what is refused to whom.
--
\ir reference/setup.sql
BEGIN;
\ir reference/arguments.sql
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
CREATE TABLE parted (LIKE entry) PARTITION BY HASH (customer);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted TABLE entry;
ANALYZE entry, few, guests, members, none, stored, parted;

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
	RETURN jsonb_path_query_first(result, 'strict $.** ? (@."Custom Plan Provider" == "LoyaltyFold")');
END $$;
-- Columns as text and as they are stored; or the error.
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
	context text;
BEGIN
	EXECUTE format('SELECT string_agg(md5(r::text || record_send(r)::text), '' '') FROM (%s) r', query) INTO result;
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
		IF planned AND plan_of(query) NOT LIKE (CASE ways[way][1] WHEN '0' THEN '%Custom Scan (LoyaltyFold)%' ELSE '%LoyaltyRollup%Gather%Parallel Custom Scan (LoyaltyFold)%' END) THEN
			found := found || format('%s workers, %s: the plan %s', ways[way][1], ways[way][2], plan_of(query));
		END IF;
		IF answer(query) IS DISTINCT FROM expected THEN
			found := found || format('%s workers, %s: %s, not %s; ', ways[way][1], ways[way][2], coalesce(answer(query), 'NULL'), coalesce(expected, 'NULL'));
		END IF;
	END LOOP;
	RETURN nullif(found, '');
END $$;

-- ---- every metric ----

CREATE TABLE metric AS
SELECT oid, replace(replace(replace(call(oid, false), 'b.activities)::activity_base, (b.activities', 'activities(customer, at) FILTER (WHERE points < 40))::activity_base, (activities(customer, at)'),
		'b.activities', 'activities(customer, at)'), 'b.timelines', 'timelines(customer, make_event(at => at, value => points, kind => kind, label => label))') AS call
FROM pg_proc WHERE prosupport = 'metric_support'::regproc;
SELECT * FROM no_plan();
SELECT cmp_ok(count(*), '>', 30::bigint, 'metrics are known by their support function') FROM metric;
-- rfm_scale() and model_backtest() make something else of a metric's counts, which don't add up.
SELECT is(string_agg(p.proname, ', ' ORDER BY p.proname), 'model_backtest, rfm_scale', 'all metrics over a base, which have an aggregate''s twin in C, have it')
FROM pg_proc p WHERE prosupport = 0 AND EXISTS (SELECT FROM pg_proc a WHERE a.prosrc = p.prosrc || '_accum') AND p.prosrc LIKE 'loyalty\_%' AND proargtypes[0] IN ('activity_base'::regtype, 'timeline_base'::regtype);
-- Where no scale is given, RFM metrics make one of all customers.
UPDATE metric SET call = replace(call, '))::timeline_base', '))::timeline_base, make_rfm_scale(''{365,180,90,30}'', ''{2,4,8,16}'', ''{50,100,250.50,1000}'')') WHERE call ~ 'rfm_(census|migration)\(';
SELECT is(differences(format('SELECT %s AS result FROM entry', call)), NULL, 'as Aggregate has it: ' || oid::regprocedure) FROM metric ORDER BY oid::regprocedure::text;
SELECT is(string_agg(oid::regprocedure || ': ' || difference, ', '), NULL, 'every metric over ' || t)
FROM unnest(ARRAY['few', 'guests', 'members', 'none', 'parted']) t, metric, differences(format('SELECT %s AS result FROM %I', CASE t WHEN 'parted' THEN replace(replace(call, 'make_event(at => at, value => points, kind => kind, label => label)', 'at, kind, points'), ' FILTER (WHERE points < 40)', '') ELSE call END, t)) difference
GROUP BY t ORDER BY t;

-- ---- collectors ----

CREATE TABLE number WITH (parallel_workers = 2) AS SELECT n FROM generate_series(1, 1500) n;
ANALYZE number;
CREATE TABLE question (name text, statement text);
INSERT INTO question SELECT 'customers ' || c, format('SELECT retention(activities(%s, at), ''month''), points_totals(timelines(%1$s, at, points), ''{}'') FROM entry', c)
FROM unnest(ARRAY['customer', 'big', 'small', 'exact', 'id', 'name', 'customer + 1', 'name COLLATE "C"', 'big * 1000', 'CASE WHEN number % 3 > 0 THEN -1 END']) c;
INSERT INTO question SELECT 'activities ' || a, format('SELECT growth(activities(customer, %s)) FROM entry', a)
FROM unnest(ARRAY['at', 'day', 'at, ''America/New_York''', 'at, zone', 'day, zone', 'day, ''UTC''', 'at) FILTER (WHERE points > 20', 'CASE WHEN number % 2 = 0 THEN at END']) a;
INSERT INTO question SELECT 'timelines ' || a, format('SELECT concentration(timelines(customer, %s)) FROM entry', a)
FROM unnest(ARRAY['at', 'at, points', 'at, amount', 'at, number::bigint * 1000000', 'at, small', 'at, kind', 'at, kind, amount', 'at, kind, points::float8', 'day', 'day, amount', 'day, kind, points', 'day, kind, points, ''Asia/Tokyo''', 'at, name, points',
	'make_event(at => at, value => amount, ref => number::text)', 'at, amount) FILTER (WHERE kind = ''earn''', 'CASE WHEN number % 2 = 0 THEN at END, points']) a;
INSERT INTO question VALUES
	('stored sets', 'SELECT retention(activities(customer, activity), ''month'') FROM stored'),
	('stored sets, with a day', 'SELECT retention(activities(customer, activity), ''month'', ''2024-01-01'') FROM stored'),
	('stored timelines', 'SELECT tier_census(timelines(customer, timeline), ''{"levels": {"Silver": 100}, "other_kinds": "ignore"}'') FROM stored'),
	('days of no zone, in a policy''s', 'SELECT points_totals(timelines(customer, day, points), ''{"zone": "America/New_York", "expires_after": "6 months"}'') FROM entry'),
	('kinds that each process meets in another order', 'SELECT funnel_totals(timelines(customer, at, ''kind '' || number % 97), ARRAY[''kind 3'', ''kind 1'', ''kind 90''], ''90 days'') FROM entry'),
	('several metrics of a collector', 'SELECT retention(activities(customer, at), ''month''), retention(activities(customer, at), ''week''), growth(activities(customer, at), ''quarter''), stickiness(activities(customer, at)) FROM entry'),
	('several collectors', 'SELECT growth(activities(customer, at)), growth(activities(name, at) FILTER (WHERE points > 90)), concentration(timelines(id, at, amount)), growth(activities(customer, at) FILTER (WHERE false)) FROM entry'),
	('starts and returns', 'SELECT retention(activities(customer, at) FILTER (WHERE kind = ''earn''), activities(customer, at) FILTER (WHERE kind = ''redeem''), ''month'', NULL) FROM entry'),
	('... no returns', 'SELECT retention(activities(customer, at), activities(customer, at) FILTER (WHERE number = 0), ''month'', NULL) FROM entry'),
	('... no starts', 'SELECT retention(activities(customer, at) FILTER (WHERE number = 0), activities(customer, at), ''month'', NULL) FROM entry'),
	('... few of many', 'SELECT retention(activities(customer, at), activities(customer, at) FILTER (WHERE number < 20), ''month'', NULL) FROM entry'),
	('... of other types', 'SELECT retention(activities(customer, at), activities(name, at), ''month'', NULL) FROM entry'),
	('expressions above', 'SELECT ''['' || retention(activities(customer, at), ''month'')::text || '']'' AS text, 7 FROM entry'),
	('HAVING', 'SELECT growth(activities(customer, at)) FROM entry HAVING growth(activities(customer, at)) IS NOT NULL AND 1 < 2'),
	('HAVING that is not', 'SELECT growth(activities(customer, at)) FROM entry HAVING growth(activities(customer, at)) IS NULL'),
	('a set of rows of it', 'SELECT (growth_table(growth(activities(customer, at)))).* FROM entry'),
	('rows of a scalar sub-select', 'SELECT * FROM retention_table((SELECT retention(activities(customer, at), ''month'') FROM entry))'),
	('below a join', 'SELECT t.* FROM (SELECT growth(activities(customer, at)) AS result FROM entry) q CROSS JOIN growth_table(q.result) t'),
	('members by LEFT JOIN', 'SELECT growth(activities(n, at)), concentration(timelines(n, at, points)) FROM number LEFT JOIN entry ON customer = n'),
	('an argument from elsewhere', 'SELECT growth(activities(customer, at), (SELECT ''week''::calendar_period), (SELECT max(day) FROM few)) FROM entry'),
	('a period in another zone', 'SELECT growth(activities(customer, at), ''month@Asia/Tokyo'') FROM entry'),
	('a NULL period', 'SELECT growth(activities(customer, at), NULL) FROM entry'),
	('a NULL period of no rows', 'SELECT growth(activities(customer, at), NULL) FROM none'),
	('an infinite day', 'SELECT growth(activities(customer, at), ''month'', ''infinity'') FROM entry'),
	('an infinite instant', 'SELECT growth(activities(customer, CASE WHEN number = 11000 THEN ''infinity'' ELSE at END)) FROM entry'),
	('an infinite instant that a FILTER leaves out', 'SELECT growth(activities(customer, CASE WHEN number = 11000 THEN ''infinity'' ELSE at END) FILTER (WHERE number < 11000)) FROM entry'),
	('a sum that does not fit', 'SELECT concentration(timelines(customer, at, 999999999999999999)) FROM entry WHERE customer = 4'),
	('a number that is no customer', 'SELECT growth(activities(exact + 0.5, at)) FROM entry WHERE customer = 4'),
	('a zone that is none', 'SELECT growth(activities(customer, at, ''Asia/Nowhere'')) FROM entry'),
	('a kind that is not in the policy', 'SELECT tier_census(timelines(customer, at, kind, points), ''{"levels": {"Silver": 100}}'') FROM entry WHERE customer = 4 AND kind = ''earn''');
-- Of these the plan depends on what it costs, or is the server's.
SELECT is(differences(statement, name NOT IN ('a set of rows of it', 'an infinite instant that a FILTER leaves out', 'members by LEFT JOIN')), NULL, name) FROM question ORDER BY name;

CREATE FUNCTION census(workers int) RETURNS text LANGUAGE sql AS $$ SELECT by_node(workers, '4MB')::text; SELECT answer('SELECT rfm_census(timelines(customer, at, points)), rfm_migration(timelines(customer, at, points), from_day => ''2023-12-31'') FROM entry') $$;
SELECT is(array[census(0), census(2)], array[census(NULL), census(NULL)], 'a scale that is made of all customers');
SELECT unalike(plan_of('SELECT rfm_census(timelines(customer, at, points)) FROM entry'), '%Parallel Custom Scan%', '... whom one process has to see');
SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT ok(plan_of('SELECT rfm_census(timelines(customer, at, points)) FROM entry') NOT LIKE '%LoyaltyRollup%', '... workers or not');

-- ---- what is taken ----

SELECT by_node(2, '4MB') IS NULL AS void \gset
CREATE FUNCTION is_base(base activity_base) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN base IS NOT NULL;
CREATE TABLE left_alone AS SELECT * FROM unnest(ARRAY[
	'SELECT activities(customer, at) IS NULL FROM entry', 'SELECT growth(activities(customer, at)), is_base(activities(customer, at)) FROM entry',
	'SELECT growth(activities(customer, at)), count(*) FROM entry', 'SELECT growth(activities(customer, at)) FROM entry HAVING count(*) > 0', 'SELECT growth(activities(customer, at), ''month'', max(day)) FROM entry',
	'SELECT growth(activities(DISTINCT customer, at)) FROM entry', 'SELECT growth(activities(customer, at ORDER BY at)) FROM entry', 'SELECT growth(activities(customer, at) FILTER (WHERE random() < 2)) FROM entry',
	'SELECT growth(activities(customer, at), ''month'', CASE WHEN random() < 2 THEN date ''2024-01-01'' END) FROM entry', 'SELECT growth(coalesce(activities(customer, at), NULL)) FROM entry',
	'SELECT growth(activities(customer, at)) FROM entry GROUP BY ()', 'SELECT kind, growth(activities(customer, at)) FROM entry GROUP BY kind', 'SELECT growth(b) FROM (SELECT activities(customer, at) AS b FROM entry) q',
	'SELECT growth(activity, ''month'', ''2024-06-30'') FROM stored']) statement;
SELECT is(string_agg(statement, '; '), NULL, 'what it can''t do is left to the server') FROM left_alone WHERE plan_of(statement) LIKE '%LoyaltyFold%';
SET LOCAL loyalty.enable_group_node = off;
SELECT is(count(*), 0::bigint, 'loyalty.enable_group_node = off: none is taken') FROM metric WHERE plan_of(format('SELECT %s FROM entry', call)) ~ 'Loyalty(Fold|Rollup)';
SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT matches(plan_of('SELECT * FROM retention_table((SELECT retention(activities(customer, at), ''month'') FROM entry))'), 'InitPlan.*LoyaltyRollup.*Gather.*Parallel Custom Scan \(LoyaltyFold\).*Parallel Seq Scan', 'a sub-select of a table function''s argument has workers');
SELECT matches(plan_of('SELECT v, (SELECT growth(activities(customer, at), ''month'', v) FROM entry) FROM (VALUES (date ''2024-01-01''), (''2024-06-30'')) x (v)'), 'SubPlan.*Custom Scan \(LoyaltyFold\)', 'a correlated one is the node''s');
SET LOCAL parallel_setup_cost = 1000;
SELECT unalike(plan_of('SELECT growth(activities(customer, at)) FROM few'), '%Gather%', 'a few rows need no worker');
SET LOCAL parallel_setup_cost = 0;

-- ---- what EXPLAIN says ----

SELECT by_node(0, '4MB') IS NULL AS void \gset
SELECT results_eq('SELECT (node->''Groups'')::int, (node->''Rows'')::int, (node->''Disk'')::int FROM node_of(''SELECT growth(activities(customer, at)) FROM entry'') node', 'SELECT count(DISTINCT customer)::int, count(*)::int, 0 FROM entry', 'customers and rows');
SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT results_eq('SELECT (node->''Groups'')::int, (node->''Rows'')::int, (node->''Parts'')::int > 200, (node->''Disk'')::int > 0 FROM node_of(''SELECT growth(activities(customer, at)) FROM entry'') node', 'SELECT count(DISTINCT customer)::int, count(*)::int, true, true FROM entry', '... of all participants, who share files');

-- ---- memory ----

CREATE TABLE much WITH (parallel_workers = 2) AS SELECT n::bigint * 7919 % 100003 AS customer, timestamptz '2024-01-01' + n % 700 * interval '7 hours' AS at, n % 100 AS points FROM generate_series(1, 400000) n;
ANALYZE much;
SELECT by_node(0, '1MB') IS NULL AS void \gset
SELECT ok((node->'Memory')::int < 4000 AND (node->'Disk')::int > 2000, 'rows go to a file: ' || node::text) FROM node_of('SELECT points_totals(timelines(customer, at, points), ''{"expires_after": "6 months"}'') FROM much') node;
SELECT is(differences('SELECT points_totals(timelines(customer, at, points), ''{"expires_after": "6 months"}'') FROM much'), NULL, '... and the answer is the same');
SELECT is(differences('SELECT points_totals(timelines(1, at, points), ''{"expires_after": "6 months"}'') FROM much'), NULL, 'all rows are one customer''s');
SELECT by_node(2, '1MB') IS NULL AS void \gset
SELECT ok((node->'Memory')::int < 12000, 'with workers each has as much: ' || node::text) FROM node_of('SELECT points_totals(timelines(customer, at, points), ''{"expires_after": "6 months"}'') FROM much') node;

-- ---- who takes part ----

CREATE FUNCTION same(name text) RETURNS text LANGUAGE sql AS $$
	SELECT is(answer('SELECT retention(activities(customer, at), ''week''), points_totals(timelines(customer, at, points), ''{}'') FROM entry'), (SELECT expected FROM expected), name)
$$;
SELECT by_node(NULL, '4MB') IS NULL AS void \gset
CREATE TABLE expected AS SELECT answer('SELECT retention(activities(customer, at), ''week''), points_totals(timelines(customer, at, points), ''{}'') FROM entry') AS expected;
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
SELECT is(count(*), 50::bigint, 'again and again')
FROM generate_series(1, 50) n WHERE answer('SELECT retention(activities(customer, at), ''week''), points_totals(timelines(customer, at, points), ''{}'') FROM entry') = (SELECT expected FROM expected);
DECLARE open CURSOR FOR SELECT growth(activities(customer, at)) FROM entry;
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'open'), 1::bigint, 'a cursor that is not read');
CLOSE open;
SELECT is((SELECT count(*) FROM (SELECT (growth_table(growth(activities(customer, at)))).* FROM entry LIMIT 3) q), 3::bigint, 'left early');
SELECT is((SELECT count(*) FROM (SELECT growth(activities(customer, at)) FROM entry LIMIT 0) q), 0::bigint, 'not even begun');

-- ---- scanned again ----

SET LOCAL enable_material = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_memoize = off;
\set again 'SELECT v, q.r FROM (VALUES (1), (2), (3)) v (v) LEFT JOIN (SELECT growth(activities(customer, at)) AS r FROM entry OFFSET 0) q ON q.r IS NOT NULL OR v = 0'
SELECT matches(plan_of(:'again'), 'Nested Loop.*LoyaltyRollup.*Gather.*Parallel Custom Scan', 'workers start again for each row of another table');
SELECT is(differences(:'again'), NULL, 'scanned again');
SELECT by_node(2, '4MB') IS NULL AS void \gset
SELECT is(count(DISTINCT r::text), 3::bigint, '... with other parameters')
FROM (VALUES (0), (50), (90)) v (v), LATERAL (SELECT growth(activities(customer, at)) AS r FROM entry WHERE points >= v) q;
SELECT is(string_agg((result_scope(r)).as_of::text, ', ' ORDER BY ending), '2023-06-30, 2024-06-30', '... and of the metric')
FROM (VALUES (date '2023-06-30'), ('2024-06-30')) v (ending), LATERAL (SELECT growth(activities(customer, at), 'month', ending) AS r FROM entry) q;
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_memoize;

-- ---- prepared ----

PREPARE asked (int, text, date) AS SELECT growth(activities(customer, at) FILTER (WHERE points > $1), $2::calendar_period, $3) FROM entry;
SET LOCAL plan_cache_mode = force_custom_plan;
SELECT alike(plan_of('EXECUTE asked(20, ''month'', NULL)'), '%Parallel Custom Scan (LoyaltyFold)%', 'a prepared statement has the node, planned for its arguments');
CREATE TABLE custom AS EXECUTE asked(20, 'month', NULL);
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT alike(plan_of('EXECUTE asked(20, ''month'', NULL)'), '%Parallel Custom Scan (LoyaltyFold)%', '... and for any');
CREATE TABLE generic AS EXECUTE asked(20, 'month', NULL);
SELECT results_eq('TABLE generic', 'TABLE custom', '... with the same answer');
CREATE TABLE week AS EXECUTE asked(20, 'week', '2024-01-31');
SELECT results_eq('TABLE week', 'SELECT growth(activities(customer, at) FILTER (WHERE points > 20), ''week'', ''2024-01-31'') FROM entry', '... and other arguments are other questions');
RESET plan_cache_mode;

-- ---- errors leave nothing behind ----

SELECT throws_ok('SELECT growth(activities(customer, CASE WHEN number > 11998 THEN ''infinity'' ELSE at END)) FROM entry', '22008', NULL, 'an error while collecting');
SELECT throws_ok('SELECT tier_census(timelines(customer, at, kind, points), ''{"levels": {"Silver": 100}}'') FROM entry', '22023', NULL, 'an error while folding');
SELECT throws_ok('SELECT growth(activities(customer, at), ''month'', ''infinity'') FROM entry', '22008', NULL, 'an error of a question');
SELECT same('the next one is as it was');
SELECT is((SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp', true, false) f (name) WHERE name ~ format('^pgsql_tmp%s\.', pg_backend_pid())), 0::bigint, 'no file is left');

-- ---- who may ----

CREATE ROLE reader;
SELECT format('GRANT USAGE ON SCHEMA %I TO reader', name) FROM unnest(current_schemas(false)) name \gexec
GRANT SELECT (customer, at) ON entry TO reader;
ALTER TABLE stored ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_ones ON stored FOR SELECT TO reader USING (customer < 100);
GRANT SELECT ON stored TO reader;
REVOKE EXECUTE ON FUNCTION growth(timeline_base, calendar_period, date) FROM public;
REVOKE EXECUTE ON FUNCTION activities(smallint, date) FROM public;
SET LOCAL ROLE reader;
SELECT lives_ok('SELECT growth(activities(customer, at)) FROM entry', 'columns that may be read');
SELECT throws_ok('SELECT growth(activities(big, at)) FROM entry', '42501', NULL, 'a column that may not');
SELECT throws_ok('SELECT growth(timelines(customer, at)) FROM entry', '42501', NULL, 'a metric that may not be called');
SELECT throws_ok('SELECT growth(activities(customer::smallint, at::date)) FROM entry', '42501', NULL, 'a collector that may not');
SELECT alike(plan_of('SELECT growth(activities(customer, activity)) FROM stored'), '%LoyaltyFold%Filter%customer < 100%', 'row level security stays below the node');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
