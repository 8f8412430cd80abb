-- Orders of two years in the order in which they came, the same on every machine: what looks
-- like chance is a hash of the row's or the customer's number.
--
-- Orders per customer are heavy-tailed (half have fewer than 14 where the mean is 20, one in a
-- hundred has more than 100). A customer's first order lies anywhere in the first 18 months,
-- and the others in 30 to 100 percent of the time that is left.

SET client_min_messages = warning;
DROP TABLE IF EXISTS orders, orders_indexed, orders_text, ledger, ledger_indexed, visits, brought CASCADE;

CREATE OR REPLACE FUNCTION chance(n bigint, seed bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ((hashint8extended(n, seed) >> 11) & 9007199254740991)::float8 / 9007199254740992.0::float8 $$;

SET work_mem = '1GB';
CREATE TABLE orders AS
SELECT row_number() OVER () AS order_id, customer_id, ordered_at, amount
FROM (
	SELECT customer_id,
		timestamptz '2023-01-01 00:00+00'
			+ (joined + (730 - joined) * (0.3 + 0.7 * chance(customer_id, 2)) * chance(n, 3)) * interval '1 day' AS ordered_at,
		exp(2.2 + 1.3 * (chance(n, 4) + chance(n, 5) + chance(n, 6) - 0.5))::numeric(10,2) AS amount
	FROM (
		SELECT n, customer_id, 547 * chance(customer_id, 1) AS joined
		FROM (
			-- 7919 is a prime: neighbours in frequency aren't neighbours in number
			SELECT n, 1 + (floor(:customers * chance(n, 7) ^ 2)::bigint * 7919) % :customers AS customer_id
			FROM generate_series(1, :rows) n
		) drawn
	) placed
	ORDER BY ordered_at, n
) sorted;

-- Copied row by row in the same order.
SET max_parallel_workers_per_gather = 0;
-- The points of these orders: one in five is a redemption, of twice its amount, the others earn.
CREATE TABLE ledger AS
SELECT order_id AS entry_id, customer_id, ordered_at AS at,
	CASE WHEN chance(order_id, 8) < 0.2 THEN -2 * floor(amount) ELSE ceil(amount) END::int AS points
FROM orders;
VACUUM ANALYZE orders;
VACUUM ANALYZE ledger;
-- Where nothing but these two is asked, as for several numbers of rows.
\if :all
CREATE TABLE orders_indexed AS TABLE orders;
CREATE TABLE orders_text AS SELECT order_id, md5(customer_id::text)::uuid::text AS customer_id, ordered_at, amount FROM orders;
CREATE TABLE ledger_indexed AS TABLE ledger;
-- The same instants as steps of visits to a site: the further on, the fewer.
CREATE TABLE visits AS
SELECT order_id AS event_id, customer_id, ordered_at AS at,
	(ARRAY['view', 'cart', 'checkout', 'payment'])[width_bucket(chance(order_id, 9), ARRAY[0, 0.5, 0.75, 0.9])] AS step
FROM orders;
-- A million customers who were brought by one who was there before, often by one of the first.
CREATE TABLE brought AS
SELECT n AS customer_id, 1 + floor((n - 1) * chance(n, 10) ^ 2)::bigint AS referrer_id FROM generate_series(2::bigint, 1000001) n;
CREATE INDEX ON orders_indexed (customer_id, ordered_at) INCLUDE (amount);
CREATE INDEX ON ledger_indexed (customer_id, at) INCLUDE (points);

VACUUM ANALYZE orders_indexed;
VACUUM ANALYZE orders_text;
VACUUM ANALYZE ledger_indexed;
VACUUM ANALYZE visits;
VACUUM ANALYZE brought;
\endif
-- How make bench knows that this is there already.
SELECT format('COMMENT ON TABLE orders IS %L', :'comment') \gexec
