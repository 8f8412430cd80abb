--
-- What the node for lists of customers says: plans, with workers and without, and why it doesn't take
-- a join.
--
SET timezone = 'UTC';
-- whatever the server is tuned for, or set to
SET jit = off;
SET loyalty.enable_group_node = on;
SET enable_hashagg = on;
SET enable_sort = on;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 1000;
SET parallel_tuple_cost = 0.1;
SET min_parallel_table_scan_size = '8MB';
CREATE TABLE visit WITH (parallel_workers = 2) AS
SELECT n * 7 % 101 AS customer, timestamptz '2024-01-01' + n * interval '3 hours' AS at, 'kind ' || n % 3 AS kind, n % 9 AS points FROM generate_series(1, 2000) n;
ANALYZE visit;
SET client_min_messages = debug1;
EXPLAIN (COSTS OFF) SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM visit) q LEFT JOIN LATERAL customer_timelines(q.base) c ON true;
EXPLAIN (COSTS OFF) SELECT c.* FROM (SELECT timelines(customer, at) AS base FROM visit) q CROSS JOIN LATERAL customer_timelines(q.base) WITH ORDINALITY c;
EXPLAIN (COSTS OFF) SELECT c.* FROM (SELECT date '2024-01-01' AS until FROM visit LIMIT 1) d CROSS JOIN (SELECT timelines(customer, at) AS base FROM visit) q CROSS JOIN LATERAL customer_purchase_summaries(q.base, d.until) c;
EXPLAIN (COSTS OFF) SELECT c.* FROM (VALUES (0), (5)) v (v) CROSS JOIN LATERAL (SELECT timelines(customer, at) AS base FROM visit WHERE points > v) q CROSS JOIN LATERAL customer_timelines(q.base) c;
EXPLAIN (COSTS OFF) SELECT c.*, growth(q.base) IS NULL FROM (SELECT timelines(customer, at) AS base FROM visit) q CROSS JOIN LATERAL customer_timelines(q.base) c;
EXPLAIN (COSTS OFF) SELECT c.* FROM (SELECT kind, timelines(customer, at) AS base FROM visit GROUP BY kind) q CROSS JOIN LATERAL customer_timelines(q.base) c;
SELECT c.* FROM (SELECT timelines(1, timestamptz '2024-01-01') AS base) q CROSS JOIN LATERAL customer_timelines(q.base) c;
EXPLAIN (COSTS OFF) SELECT c.* FROM (SELECT timelines(DISTINCT customer, at) AS base FROM visit) q CROSS JOIN LATERAL customer_timelines(q.base) c;
RESET client_min_messages;

EXPLAIN (VERBOSE, COSTS OFF) SELECT c.customer, timeline_count(c.timeline) FROM (SELECT timelines(customer, at, points) FILTER (WHERE kind <> 'kind 2') AS base FROM visit) q CROSS JOIN LATERAL customer_timelines(q.base) c WHERE c.customer > 5;
EXPLAIN (VERBOSE, COSTS OFF) SELECT c.customer, timeline_count(c.timeline) FROM (SELECT count(*), timelines(customer, at, points) AS base FROM visit) q CROSS JOIN LATERAL customer_timelines(q.base) c;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (VERBOSE, COSTS OFF) SELECT c.customer, timeline_count(c.timeline) FROM (SELECT timelines(customer, at, points) FILTER (WHERE kind <> 'kind 2') AS base FROM visit) q CROSS JOIN LATERAL customer_timelines(q.base) c WHERE c.customer > 5;
SET parallel_setup_cost = 1000;
SET parallel_tuple_cost = 0.1;
SET min_parallel_table_scan_size = '8MB';
DROP TABLE visit;
