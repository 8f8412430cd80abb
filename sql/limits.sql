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
SELECT refused($$SELECT count(*) FROM (SELECT timelines(customer, at, amount) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c$$) AS handed_over;
RESET loyalty.max_flat_size;
SELECT count(*) AS customers FROM (SELECT timelines(customer, at, amount) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c;

-- two levels hand over little
SET loyalty.max_flat_size = '16kB';
SELECT sum(t.retained) AS active_in_months
  FROM (SELECT retention(a, 'month', '2024-12-31') AS r FROM (SELECT activity_agg(at) AS a FROM sale GROUP BY customer) g) q CROSS JOIN LATERAL retention_table(q.r) t;
RESET loyalty.max_flat_size;
DROP FUNCTION refused;
DROP TABLE sale;
