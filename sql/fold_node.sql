--
-- What the node for metrics says: plans, why it doesn't take a query, the notice of names that no
-- event has, and who is named in errors. With workers and without, once.
--
SET timezone = 'UTC';
-- whatever the server is tuned for, or set to
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
EXPLAIN (COSTS OFF) SELECT growth(activities(customer, at)), count(*) FROM visit;
EXPLAIN (COSTS OFF) SELECT growth(activities(customer, at)), activities(customer, at) IS NULL FROM visit;
EXPLAIN (COSTS OFF) SELECT growth(activities(customer, at), 'month', max(at)::date) FROM visit;
EXPLAIN (COSTS OFF) SELECT growth(activities(DISTINCT customer, at)) FROM visit;
EXPLAIN (COSTS OFF) SELECT growth(activities(customer, at) FILTER (WHERE random() < 2)) FROM visit;
EXPLAIN (COSTS OFF) SELECT growth(coalesce(activities(customer, at), NULL)) FROM visit;
EXPLAIN (COSTS OFF) SELECT growth(activities(customer, at)) FROM visit GROUP BY ();
RESET client_min_messages;

EXPLAIN (VERBOSE, COSTS OFF) SELECT growth(activities(customer, at), 'month', date '2024-03-01') IS NULL FROM visit HAVING growth(activities(customer, at)) IS NOT NULL;
SELECT count(*) FROM funnel_totals_table((SELECT funnel_totals(timelines(customer, at, kind), ARRAY['kind 1', 'kind 7', 'kind 8']) FROM visit));
SELECT count(*) FROM funnel_totals_table((SELECT funnel_totals(timelines(customer, at, kind), ARRAY['kind 1', 'kind 2']) FROM visit));
SELECT tier_census(timelines(customer, at, kind, points), '{"levels": {"Silver": 100}}') FROM visit WHERE customer = 5;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (VERBOSE, COSTS OFF) SELECT growth(activities(customer, at), 'month', date '2024-03-01') IS NULL FROM visit HAVING growth(activities(customer, at)) IS NOT NULL;
SELECT count(*) FROM funnel_totals_table((SELECT funnel_totals(timelines(customer, at, kind), ARRAY['kind 1', 'kind 7', 'kind 8']) FROM visit));
SELECT count(*) FROM funnel_totals_table((SELECT funnel_totals(timelines(customer, at, kind), ARRAY['kind 1', 'kind 2']) FROM visit));
DROP TABLE visit;
