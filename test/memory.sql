--
-- What a group takes of memory, beside what its aggregate tells the planner (SSPACE): a plan by
-- hash with too small a number takes many times work_mem, with too large a one it isn't chosen.
-- Every aggregate of the extension, as the catalog has them: a new one, or an argument of a new
-- kind, fails here until it has a sample.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
SET LOCAL enable_sort = off;
SET LOCAL enable_incremental_sort = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL work_mem = '2GB';

-- 100 customers of 20 events
CREATE TABLE customer AS
SELECT k, activity_agg(at) AS activity, timeline_agg(make_event(at => at, value => 5 + n * 7 % 90, kind => CASE WHEN n % 5 = 4 THEN 'redeem' ELSE 'earn' END, label => 'shop ' || n % 3)) AS timeline
FROM (SELECT k, n, timestamptz '2023-01-01' + (k * 2 + n * (20 + k % 9)) * interval '1 day' + n * interval '1 second' AS at FROM generate_series(0, 99) k, generate_series(0, 19) n) e GROUP BY k;

-- An argument: its usual value, and the one that takes most, where that is another. Rows are k = 0 ...
CREATE TABLE sample (type regtype, name text, usual text, largest text);
INSERT INTO sample VALUES
	('smallint', 'customer', 'r.k % 100', NULL), ('integer', 'customer', 'r.k % 100', NULL), ('bigint', 'customer', 'r.k % 100', NULL), ('numeric', 'customer', 'r.k % 100', NULL),
	('uuid', 'customer', 'md5((r.k % 100)::text)::uuid', NULL), ('text', 'customer', '(r.k % 100)::text', NULL),
	('smallint', 'value', '5 + r.k * 7 % 90', NULL), ('integer', 'value', '5 + r.k * 7 % 90', NULL), ('bigint', 'value', '5 + r.k * 7 % 90', NULL), ('numeric', 'value', '5 + r.k * 7 % 90 + 0.25', NULL),
	('timestamptz', 'at', 'timestamptz ''2023-01-01'' + r.k * 35 % 700 * interval ''1 day'' + r.k * interval ''1 second''', NULL),
	('date', 'day', 'date ''2023-01-01'' + r.k * 35 % 700', NULL),
	('text', 'kind', '''kind '' || r.k % 3', NULL),
	('timeline_event', 'event', 'make_event(at => timestamptz ''2023-01-01'' + r.k * 35 % 700 * interval ''1 day'' + r.k * interval ''1 second'', value => 5 + r.k * 7 % 90, kind => ''kind '' || r.k % 3)', NULL),
	('activity_set', 'activity', 'c.activity', NULL), ('activity_set', 'starts', 'c.activity', NULL), ('activity_set', 'returns', 'c.activity', NULL),
	('event_timeline', 'timeline', 'c.timeline', NULL),
	('calendar_period', 'period', '''month''', '''day'''), ('calendar_period', 'within', '''day''', NULL),
	('date', 'as_of', '''2024-12-31''', NULL), ('date', 'from_day', '''2023-12-31''', NULL), ('date', 'to_day', '''2024-12-31''', NULL),
	('integer', 'days', '30', '36525'), ('integer', 'up_to', '5', '36525'), ('integer', 'within_days', '90', '36525'), ('integer', 'dormant_after', '3', '36525'),
	('jsonb', 'options', '''{"rolling": 30}''', '''{"rolling": 36525}'''),
	('text[]', 'steps', 'ARRAY[''earn'', ''redeem'']', NULL), ('interval', 'within', '''90 days''', NULL), ('interval[]', 'step_within', 'ARRAY[interval ''30 days'']', NULL),
	('text', 'mode', '''in_order''', NULL), ('text', 'by', '''kind''', NULL),
	('text', 'zone', '''Europe/Helsinki''', NULL), ('text', 'segment', '''segment '' || r.k % 3', NULL),
	('interval', 'duration', 'make_interval(days => (1 + r.k * 7 % 90)::int)', NULL), ('numeric', 'duration', '1 + r.k * 7 % 90', NULL), ('boolean', 'event', 'r.k % 3 > 0', NULL),
	('numeric', 'within', '100', NULL), ('boolean', 'by_label', 'true', NULL),
	('points_policy', 'policy', '''{"expires_after": "6 months"}''', NULL), ('tier_policy', 'policy', '''{"levels": {"Silver": 100, "Gold": 400}}''', NULL);
INSERT INTO sample
SELECT 'program_policy', name, '''{"earn": {"kinds": {"earn": "purchase"}, "multipliers": [{"times": 2, "tiers": ["Silver", "Gold"]}]}, "points": {"expires_after": "6 months"}, "tiers": {"Silver": 100, "Gold": 400}}''', NULL FROM unnest(ARRAY['program', 'program_a', 'program_b']) name;

CREATE VIEW ours AS
SELECT p.oid, p.oid::regprocedure::text AS aggregate, p.proname AS name, a.aggtransspace AS sspace, a.aggtranstype AS state, x.type, x.argument, x.n
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'loyalty'
CROSS JOIN LATERAL unnest(p.proargtypes::oid[]::regtype[], p.proargnames) WITH ORDINALITY x(type, argument, n);

-- The call of an aggregate on rows r and customers c.
CREATE FUNCTION call(wanted oid, at_most boolean) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s(%s)', wanted::regproc, string_agg(format('(%s)::%s', CASE WHEN at_most THEN coalesce(s.largest, s.usual) ELSE s.usual END, o.type), ', ' ORDER BY o.n))
	FROM ours o LEFT JOIN sample s ON s.type = o.type AND s.name = o.argument WHERE o.oid = wanted
$$;

-- A result to be rolled up is what an aggregate with that state makes of the customers.
DO $$
DECLARE
	made record;
	result text;
BEGIN
	FOR made IN SELECT DISTINCT ON (state) state::regtype AS type, oid FROM ours o WHERE name <> 'rollup' AND EXISTS (SELECT FROM ours r WHERE r.name = 'rollup' AND r.type = o.state) ORDER BY state, aggregate LOOP
		EXECUTE format('SELECT %s FROM generate_series(0, 99) r(k) JOIN customer c USING (k)', call(made.oid, false)) INTO result;
		INSERT INTO sample VALUES (made.type, 'result', quote_literal(result), NULL);
	END LOOP;
END $$;
SELECT is_empty('SELECT DISTINCT o.aggregate, o.argument, o.type FROM ours o LEFT JOIN sample s ON s.type = o.type AND s.name = o.argument WHERE s.type IS NULL', 'every argument has a sample');

-- Bytes a group of an aggregate by hash, all groups being in memory.
CREATE FUNCTION bytes_of_group(call text, groups int, rows int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) SELECT g, %s FROM (SELECT g, k FROM generate_series(1, %s) g, generate_series(0, %s) k) r JOIN customer c ON c.k = r.k %% 100 GROUP BY g', call, groups, rows - 1) INTO plan;
	plan := plan->0->'Plan';
	IF plan->>'Strategy' <> 'Hashed' OR (plan->>'HashAgg Batches')::int > 1 THEN
		RAISE 'not by hash, in one batch: %', plan;
	END IF;
	RETURN (plan->>'Peak Memory Usage')::bigint * 1024 / groups;
END $$;

-- A group is one customer where a summary is made, of 20 events or 4 summaries; else 100 customers,
-- each of one row, or of 10 where rows are collected. Memory comes in powers of two, so half and
-- double are honest. No group takes more than that with its first row, whatever the arguments.
CREATE TABLE measured AS
SELECT aggregate, sspace, bytes_of_group(call(oid, true), 200, 1) - bytes_of_group('count(*)', 200, 1) AS at_first, bytes_of_group(call(oid, false), groups, rows) - bytes_of_group('count(*)', groups, rows) AS usual
FROM (SELECT DISTINCT oid, aggregate, sspace,
		CASE WHEN name IN ('activities', 'timelines') THEN 1000 WHEN state <> 'internal'::regtype THEN 100 WHEN name = 'rollup' THEN 4 ELSE 20 END AS rows,
		CASE WHEN name IN ('activities', 'timelines') THEN 30 WHEN state <> 'internal'::regtype THEN 50 ELSE 1000 END AS groups
	FROM ours) o;
SELECT cmp_ok(count(*)::int, '>', 100, 'aggregates are measured') FROM measured;
SELECT is_empty('SELECT * FROM measured WHERE usual NOT BETWEEN sspace / 2 AND sspace * 2 ORDER BY 1', 'a usual group takes what its aggregate says, within half and double');
SELECT is_empty('SELECT * FROM measured WHERE at_first > sspace * 2 ORDER BY 1', 'the first row takes no more than that, even where arguments ask for the most');
SELECT * FROM finish();
ROLLBACK;
