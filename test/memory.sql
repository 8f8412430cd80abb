--
-- What a group takes of memory, beside what its aggregate tells the planner (SSPACE): a plan by
-- hash with too small a number takes many times work_mem, with too large a one it isn't chosen.
-- Every aggregate of the extension, as the catalog has them: a new one, or an argument of a new
-- kind, fails here until it has a sample.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
SET LOCAL enable_hashagg = on;
SET LOCAL enable_sort = off;
SET LOCAL enable_incremental_sort = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL loyalty.enable_group_node = off;
SET LOCAL work_mem = '2GB';
-- models of samples of nothing stand on the edge of what is looked at
SET LOCAL client_min_messages = error;

\ir reference/arguments.sql
CREATE VIEW ours AS
SELECT o.oid, o.oid::regprocedure::text AS aggregate, o.name, a.aggtransspace AS sspace, a.aggtranstype AS state, o.type, o.argument, o.n
FROM own_argument o JOIN pg_aggregate a ON a.aggfnoid = o.oid;

-- A result to be rolled up is what an aggregate with that state makes of the customers.
DO $$
DECLARE
	made record;
	result text;
BEGIN
	FOR made IN SELECT DISTINCT ON (state) state::regtype AS type, oid FROM ours o WHERE name <> 'rollup' AND oid IN (SELECT oid FROM own_argument WHERE returns = state) AND EXISTS (SELECT FROM ours r WHERE r.name = 'rollup' AND r.type = o.state) ORDER BY state, aggregate LOOP
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
