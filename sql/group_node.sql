--
-- GROUP BY customer in a plan node: which queries are done there, which are left to the server and
-- why, and which path is the cheaper one. That answers are the same is in test/group_node.sql.
--
-- for the sessions to come, whatever the server is tuned for, or set to
SELECT current_database() AS db \gset
ALTER DATABASE :"db" SET jit = off;
ALTER DATABASE :"db" SET max_parallel_workers_per_gather = 0;
ALTER DATABASE :"db" SET random_page_cost = 4;
ALTER DATABASE :"db" SET work_mem = '4MB';
ALTER DATABASE :"db" SET enable_hashagg = on;
ALTER DATABASE :"db" SET enable_sort = on;
SELECT current_setting('loyalty.enable_group_node', true) IS NOT NULL AS set_already \gset
\if :set_already
ALTER DATABASE :"db" SET loyalty.enable_group_node = on;
\endif
SET timezone = 'UTC';
CREATE TABLE booking AS
	SELECT (n * 7919) % 2000 AS customer, timestamptz '2024-01-01' + n * interval '7 minutes' AS at, n % 90 AS points, md5(n::text) AS note, 'c' || n % 300 AS name
	FROM generate_series(1, 20000) n;
ANALYZE booking;

-- the first statement of a session
\c
EXPLAIN (COSTS OFF) SELECT customer, activity_agg(at) FROM booking GROUP BY customer;
\c
EXPLAIN (COSTS OFF) SELECT customer, points_balance(timeline_agg(at, points)) FROM booking GROUP BY customer;
-- a setting from before the library was there
\c
SET loyalty.enable_group_node = off;
EXPLAIN (COSTS OFF) SELECT customer, activity_agg(at) FROM booking GROUP BY customer;
RESET loyalty.enable_group_node;
SHOW loyalty.enable_group_node;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- what the node evaluates, and what its child does
EXPLAIN (VERBOSE, COSTS OFF)
SELECT customer, points_balance(timeline_agg(at, points + 1), '{}', '2024-06-30'), count(*) FILTER (WHERE points > 3), max(points + 1) - min(customer)
FROM booking WHERE points < 80 GROUP BY customer HAVING sum(points + 1) > 3 AND max(customer) < 1900;
EXPLAIN (COSTS OFF) SELECT DISTINCT name || 'x', activity_count(activity_agg(at)) FROM booking GROUP BY name || 'x' ORDER BY 2 DESC LIMIT 3;
-- above partitions, joins, subqueries
EXPLAIN (COSTS OFF) SELECT b.customer, activity_agg(b.at) FROM booking b JOIN booking c ON c.at = b.at GROUP BY b.customer;
EXPLAIN (COSTS OFF) SELECT customer, rollup(activity) FROM (SELECT customer % 500 AS customer, activity_agg(at) AS activity FROM booking GROUP BY customer) s GROUP BY customer;

-- why not; what the server does instead is its own affair
CREATE FUNCTION has_node(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found boolean := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
		found := found OR line LIKE '%LoyaltyGroup%';
	END LOOP;
	RETURN found;
END $$;
SET client_min_messages = debug1;
SELECT has_node('SELECT customer, activity_agg(DISTINCT at) FROM booking GROUP BY customer');
SELECT has_node('SELECT customer, timeline_agg(at, points ORDER BY at) FROM booking GROUP BY customer');
SELECT has_node('SELECT customer, activity_agg(at), percentile_disc(0.5) WITHIN GROUP (ORDER BY points) FROM booking GROUP BY customer');
SELECT has_node('SELECT customer, activity_agg(at), array_agg(points) FROM booking GROUP BY customer');
SELECT has_node('SELECT customer, activity_agg(at), min(name) FROM booking GROUP BY customer');
SELECT has_node('SELECT customer, activity_agg(at + random() * interval ''1 day'') FROM booking GROUP BY customer');
SELECT has_node('SELECT customer, activity_agg(at) FILTER (WHERE random() < 0.5) FROM booking GROUP BY customer');
SELECT has_node('SELECT customer, name, activity_agg(at) FROM booking GROUP BY customer, name');
SELECT has_node('SELECT customer, activity_agg(at) FROM booking GROUP BY ROLLUP (customer)');
SELECT has_node('SELECT points::numeric, activity_agg(at) FROM booking GROUP BY points::numeric');
SELECT has_node('SELECT customer + (random() * 3)::int AS random, activity_agg(at) FROM booking GROUP BY random');
SELECT has_node('SELECT customer, activity_days(activity_agg(at)) FROM booking GROUP BY customer');
SELECT has_node('SELECT customer, activity_agg(at) FROM (SELECT * FROM booking ORDER BY customer OFFSET 0) b GROUP BY customer');
-- nothing to say where no aggregate is ours
SELECT has_node('SELECT customer, count(*) FROM booking GROUP BY customer');
RESET client_min_messages;

-- the cheaper one: the index gives rows in the order of the key, and what is needed of it alone
CREATE TABLE client AS SELECT n AS customer FROM generate_series(0, 1999) n;
ALTER TABLE client ADD PRIMARY KEY (customer);
CREATE INDEX booking_index ON booking (customer, at) INCLUDE (points);
VACUUM ANALYZE booking, client;
EXPLAIN (COSTS OFF) SELECT customer, timeline_agg(at, points) FROM booking GROUP BY customer LIMIT 10;
EXPLAIN (COSTS OFF) SELECT customer, timeline_agg(at, points) FROM booking GROUP BY customer ORDER BY customer LIMIT 10;
EXPLAIN (COSTS OFF) SELECT customer, timeline_agg(at, points) FROM booking WHERE customer < 20 GROUP BY customer;
EXPLAIN (COSTS OFF) SELECT customer, timeline_agg(at, points) FROM booking WHERE customer IN (3, 5, 7) GROUP BY customer;
EXPLAIN (COSTS OFF) SELECT c.customer, q.* FROM client c CROSS JOIN LATERAL (SELECT timeline_agg(at, points) FROM booking b WHERE b.customer = c.customer GROUP BY b.customer) q WHERE c.customer < 5;
-- a sort or a hash isn't, not even with little memory
SET work_mem = '64kB';
DROP INDEX booking_index;
EXPLAIN (COSTS OFF) SELECT customer, timeline_agg(at, points) FROM booking GROUP BY customer;
RESET work_mem;

-- partitions: as a whole, or each on its own by the server
CREATE TABLE parted (customer int, at timestamptz) PARTITION BY HASH (customer);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT customer, at FROM booking;
ANALYZE parted;
EXPLAIN (COSTS OFF) SELECT customer, activity_agg(at) FROM parted GROUP BY customer;
SET enable_partitionwise_aggregate = on;
SET client_min_messages = debug1;
EXPLAIN (COSTS OFF) SELECT customer, activity_agg(at) FROM parted GROUP BY customer;
RESET client_min_messages;
RESET enable_partitionwise_aggregate;

-- a cursor that outlives its transaction: 7919 and 2000 have no common factor, so each customer has 10
-- bookings, on days of their own
SELECT has_node('SELECT customer, activity_count(activity_agg(at)) FROM booking GROUP BY customer ORDER BY customer');
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT customer, activity_count(activity_agg(at)) FROM booking GROUP BY customer ORDER BY customer;
FETCH 2 FROM held;
COMMIT;
FETCH 2 FROM held;
MOVE ALL IN held;
FETCH BACKWARD 2 FROM held;
CLOSE held;
DROP FUNCTION has_node;
DROP TABLE booking, client, parted;
ALTER DATABASE :"db" RESET jit;
ALTER DATABASE :"db" RESET max_parallel_workers_per_gather;
ALTER DATABASE :"db" RESET random_page_cost;
ALTER DATABASE :"db" RESET work_mem;
ALTER DATABASE :"db" RESET enable_hashagg;
ALTER DATABASE :"db" RESET enable_sort;
ALTER DATABASE :"db" RESET loyalty.enable_group_node;
