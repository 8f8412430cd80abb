--
-- Plans: collectors and aggregates run in workers, partitions aggregate on
-- their own, identical calls are computed once, and customer_timelines() and
-- customer_activities() tell the planner how many rows to expect.
--
SET timezone = 'UTC';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET loyalty.enable_group_node = on;
SET jit = off;

CREATE TABLE sale (customer int, at timestamptz, amount numeric);
INSERT INTO sale SELECT n % 500, timestamptz '2024-01-01' + n * interval '1 hour', n FROM generate_series(1, 5000) n;
ANALYZE sale;

EXPLAIN (COSTS OFF) SELECT retention(activities(customer, at), 'month') FROM sale;
EXPLAIN (COSTS OFF) SELECT t.* FROM (SELECT retention(activities(customer, at), 'month') r FROM sale) q CROSS JOIN LATERAL retention_table(q.r) t;
EXPLAIN (COSTS OFF) SELECT c.customer, timeline_sum(c.timeline) FROM (SELECT timelines(customer, at, amount) b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c;
EXPLAIN (COSTS OFF) SELECT timeline_agg(at, amount), activity_agg(at) FROM sale;
CREATE TABLE stored_sale AS SELECT customer, activity_agg(at) AS activity, timeline_agg(at, amount) AS timeline FROM sale GROUP BY customer;
ANALYZE stored_sale;
EXPLAIN (COSTS OFF) SELECT retention(activity, 'month', '2024-06-30') FROM stored_sale;
EXPLAIN (COSTS OFF) SELECT rollup(activity), rollup(timeline) FROM stored_sale;

-- a function of the user's that makes an event is PARALLEL SAFE, and rules are a subquery: workers do the counting
CREATE TABLE rules AS SELECT '{"expires_after": "1 year"}'::points_policy AS rules;
CREATE FUNCTION sale_event(s sale) RETURNS timeline_event LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN make_event(at => s.at, value => s.amount, kind => 'earn');
CREATE FUNCTION serial_event(s sale) RETURNS timeline_event LANGUAGE plpgsql IMMUTABLE
AS $$ BEGIN RETURN make_event(at => s.at, value => s.amount, kind => 'earn'); END $$;
-- how a subquery is shown differs between versions: its name, and what it is evaluated for
CREATE FUNCTION plan_of(statement text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		CONTINUE WHEN line LIKE '%Params Evaluated:%';
		RETURN NEXT regexp_replace(line, 'InitPlan .*', 'InitPlan');
	END LOOP;
END $$;
SELECT plan_of($$SELECT customer, points_balance(timeline, (SELECT rules FROM rules), '2024-07-01') FROM stored_sale$$) AS plan;
SELECT plan_of($$SELECT points_totals(timeline, (SELECT rules FROM rules), '2024-07-01') FROM stored_sale$$) AS plan;
SELECT plan_of($$SELECT points_totals(timelines(customer, sale_event(s)), (SELECT rules FROM rules)) FROM sale s$$) AS plan;
SELECT plan_of($$SELECT points_totals(timelines(customer, serial_event(s)), (SELECT rules FROM rules)) FROM sale s$$) AS plan;
DROP FUNCTION plan_of;
DROP FUNCTION sale_event, serial_event;
DROP TABLE rules;

-- the collecting is done once for several questions
EXPLAIN (VERBOSE, COSTS OFF) SELECT retention(activities(customer, at), 'month'), retention(activities(customer, at), 'week') FROM sale;

-- partitions
CREATE TABLE parted (LIKE sale) PARTITION BY HASH (customer);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted TABLE sale;
ANALYZE parted;
SET enable_partitionwise_aggregate = on;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT retention(activities(customer, at), 'month') FROM parted;
RESET max_parallel_workers_per_gather;

-- an aggregate per customer takes the order of an index
CREATE INDEX ON sale (customer, at);
VACUUM ANALYZE sale;
SET max_parallel_workers_per_gather = 0;
SET enable_hashagg = off;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT customer, activity_agg(at) FROM sale GROUP BY customer;
RESET enable_hashagg;
RESET enable_seqscan;

-- What the planner expects the node that matches to return.
CREATE FUNCTION expected_rows(statement text, node text) RETURNS SETOF numeric
LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || statement INTO plan;
	RETURN QUERY SELECT (n ->> 'Plan Rows')::numeric
		FROM jsonb_path_query(plan, 'strict $.**') n WHERE jsonb_typeof(n) = 'object' AND n ->> 'Node Type' = node;
END $$;

-- 500 customers: the estimate is theirs, not the default of 1,000 rows
SELECT rows BETWEEN 400 AND 600 AS about_500
  FROM expected_rows($$SELECT c.* FROM (SELECT timelines(customer, at, amount) b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c$$, 'Function Scan') rows;
SELECT rows BETWEEN 400 AND 600 AS about_500
  FROM expected_rows($$SELECT c.* FROM (SELECT activities(customer, at) b FROM sale) q CROSS JOIN LATERAL customer_activities(q.b) c$$, 'Function Scan') rows;
-- functions of one customer: about 20
SELECT rows FROM expected_rows($$SELECT e.* FROM stored_sale CROSS JOIN LATERAL timeline_events(timeline) e$$, 'Function Scan') rows;
SELECT rows FROM expected_rows($$SELECT e.* FROM stored_sale CROSS JOIN LATERAL activity_days(activity) e$$, 'Function Scan') rows;
DROP FUNCTION expected_rows;
DROP TABLE sale, stored_sale, parted;
