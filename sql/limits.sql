--
-- Limits: a base is flattened only up to loyalty.max_flat_size, and so is a
-- worker's hand-over; LATERAL flattens nothing.
--
SET timezone = 'UTC';
\pset format unaligned
SELECT activity_count('{}') AS loaded;
SHOW loyalty.max_flat_size;
SELECT left(attempt($$SELECT set_config('loyalty.max_flat_size', '701MB', false)$$), 11) AS above_the_maximum;
SELECT left(attempt($$SELECT set_config('loyalty.max_flat_size', '-1', false)$$), 11) AS negative;

CREATE TABLE sale (customer bigint, at timestamptz, amount numeric);
INSERT INTO sale SELECT n % 2000, timestamptz '2024-01-01' + n * interval '17 minutes', n % 100 FROM generate_series(1, 20000) n;
ANALYZE sale;
SET max_parallel_workers_per_gather = 0;

-- An error without the size that was collected: with workers, it depends on who took which rows.
CREATE FUNCTION refused(statement text) RETURNS text
LANGUAGE sql AS $$ SELECT regexp_replace(attempt(statement), '(of|collected) [0-9]+ kB', E'\\1 N kB') $$;

-- fits
SELECT count(*) AS customers FROM customer_timelines((SELECT timelines(customer, at, amount) FROM sale));

-- a scalar subquery flattens
SET loyalty.max_flat_size = '16kB';
SELECT refused($$SELECT count(*) FROM customer_timelines((SELECT timelines(customer, at, amount) FROM sale))$$) AS timelines;
SELECT refused($$SELECT count(*) FROM customer_activities((SELECT activities(customer, at) FROM sale))$$) AS activities;
SELECT refused($$SELECT retention((SELECT activities(customer, at) FROM sale))$$) AS retention;
SELECT refused($$CREATE TABLE too_large AS SELECT timelines(customer, at, amount) FROM sale$$) AS stored;

-- LATERAL doesn't, nor does a metric function over a collector
SELECT count(*) AS customers, sum(timeline_count(c.timeline)) AS events
  FROM (SELECT timelines(customer, at, amount) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c;
SELECT count(*) AS customers FROM (SELECT activities(customer, at) AS b FROM sale) q CROSS JOIN LATERAL customer_activities(q.b) c;
SELECT sum(t.retained) AS active_in_months FROM (SELECT retention(activities(customer, at), 'month') AS r FROM sale) q CROSS JOIN LATERAL retention_table(q.r) t;
SELECT sum(months) AS active_in_months FROM (SELECT count(DISTINCT date_trunc('month', at)) AS months FROM sale GROUP BY customer) q;

-- in groups: as small as needed
SELECT sum(n) AS customers
  FROM (SELECT (SELECT count(*) FROM customer_timelines(g.b)) AS n FROM (SELECT timelines(customer, at, amount) AS b FROM sale GROUP BY customer % 100) g) q;

-- a worker's hand-over
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET loyalty.enable_group_node = off;
SELECT refused($$SELECT count(*) FROM (SELECT timelines(customer, at, amount) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c$$) AS handed_over;
SET loyalty.enable_group_node = on;
SELECT count(*) AS part_by_part FROM (SELECT timelines(customer, at, amount) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c;
RESET loyalty.max_flat_size;
SELECT count(*) AS customers FROM (SELECT timelines(customer, at, amount) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c;

-- two levels hand over little
SET loyalty.max_flat_size = '16kB';
SELECT sum(t.retained) AS active_in_months
  FROM (SELECT retention(a, 'month', '2024-12-31') AS r FROM (SELECT activity_agg(at) AS a FROM sale GROUP BY customer) g) q CROSS JOIN LATERAL retention_table(q.r) t;
RESET loyalty.max_flat_size;
DROP FUNCTION refused;
DROP TABLE sale;

-- a date that stands for none makes a table of very many periods, and a NOTICE while it is made
CREATE TABLE sentinels (customer int, at timestamptz, points numeric);
INSERT INTO sentinels VALUES (1, '0001-01-01', 10), (2, '2024-01-15', 20), (2, '2024-03-15', 20);
SELECT count(*), max(period_start) FROM growth_table((SELECT growth(activities(customer, at), 'day', '2024-03-31') FROM sentinels));
SELECT count(*) FROM growth_table((SELECT growth(activities(customer, at), 'month', '2024-03-31') FROM sentinels));
-- in the future as_of leaves it out
INSERT INTO sentinels VALUES (3, '9999-12-31', 30);
DELETE FROM sentinels WHERE at < '0100-01-01';
SELECT count(*) FROM growth_table((SELECT growth(activities(customer, at), 'day', '2024-03-31') FROM sentinels));
-- every such table says so
\set VERBOSITY terse
SELECT count(*) FROM growth_table((SELECT growth(timelines(customer, at, points), 'day', '2400-01-01') FROM sentinels));
SELECT count(*) FROM churn_table((SELECT churn(activities(customer, at), 'day', '2400-01-01') FROM sentinels));
SELECT count(*) FROM stickiness_table((SELECT stickiness(activities(customer, at), 'day', '2400-01-01', 'day') FROM sentinels));
SELECT count(*) FROM retention_table((SELECT retention(activities(customer, at), 'day', '2400-01-01') FROM sentinels));
SELECT count(*) FROM retention_curve((SELECT retention(activities(customer, at), 'day', '2400-01-01') FROM sentinels));
SELECT count(*) FROM points_rollforward_table((SELECT points_rollforward(timelines(customer, at, points), '{}', 'day', '2400-01-01') FROM sentinels));
SELECT count(*) FROM points_triangle_table((SELECT points_triangle(timelines(customer, at, points), '{}', 'day', '2400-01-01') FROM sentinels));
SELECT count(*) FROM program_rollforward_table((SELECT program_rollforward(timelines(customer, at, points), '{}', 'day', '2400-01-01') FROM sentinels));
SELECT count(*) FROM tier_flow_table((SELECT tier_flow(timelines(customer, at, points), '{"S": 1}', 'day', '2400-01-01') FROM sentinels));
\set VERBOSITY default
-- rows that are no periods don't
SELECT count(*) FROM timeline_events((SELECT timeline_agg(timestamptz '2024-01-01' + n * interval '1 minute') FROM generate_series(1, 100001) n));
DROP TABLE sentinels;
