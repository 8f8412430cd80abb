-- What the demo's shop (test/demo/load/generate.sql, in the same session) has beside orders: channels, a points ledger, visits of its site, answers
-- to a survey. What looks like chance is a hash, as there.

ALTER TABLE orders ADD channel text;
UPDATE orders SET channel = CASE
	WHEN pg_temp.chance('stays', customer_id) < 0.45 AND pg_temp.chance('channel', customer_id) < 0.65 THEN 'app'
	WHEN pg_temp.chance('channel', customer_id) < 0.45 THEN 'store'
	ELSE 'web' END;

-- Points as the shop books them: one for each 1.00; some orders are paid with what had been earned before, a few come back.
CREATE TABLE points_bookings AS
SELECT customer_id, ordered_at AS booked_at, 'EARN' AS kind, trunc(amount)::bigint AS points, 'O-' || order_id AS document FROM orders WHERE amount >= 1
UNION ALL
SELECT customer_id, ordered_at, 'SPEND', -before, 'O-' || order_id
FROM (
	SELECT customer_id, ordered_at, order_id, trunc(sum(amount) OVER (PARTITION BY customer_id ORDER BY ordered_at, order_id ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING))::bigint AS before
	FROM orders
) o
WHERE before >= 1 AND pg_temp.chance('redeems', order_id) < 0.28
UNION ALL
SELECT customer_id, ordered_at + interval '9 days', 'RETURN', -trunc(amount)::bigint, 'O-' || order_id
FROM orders WHERE amount >= 1 AND pg_temp.chance('returns', order_id) < 0.03 AND ordered_at + interval '9 days' < timestamptz '2025-01-01 00:00+00';

-- The site's last two months: a visit, and how far it went.
CREATE TABLE site_events AS
WITH visits AS (
	SELECT customer_id, n, timestamptz '2024-11-01 00:00+00' + 61 * pg_temp.chance('visit', customer_id, n) * interval '1 day' AS at, pg_temp.chance('interest', customer_id, n) AS interest
	FROM generate_series(1, 20000::bigint) customer_id, generate_series(1, 2) n
	WHERE pg_temp.chance('visits', customer_id, n) < 0.35
),
steps AS (
	SELECT v.customer_id, v.at + s.after * (0.3 + pg_temp.chance(s.kind, v.customer_id, v.n)) AS at, s.kind
	FROM visits v
	JOIN (VALUES ('visit', 1.0, interval '0'), ('product', 0.72, interval '3 minutes'), ('basket', 0.38, interval '14 minutes'), ('order', 0.21, interval '5 hours')) s(kind, needs, after)
		ON v.interest < s.needs
)
SELECT * FROM steps WHERE at < timestamptz '2025-01-01 00:00+00';

-- One in six orders is asked about; a third of those asked answer.
CREATE TABLE survey AS
SELECT customer_id, ordered_at + interval '2 days' AS answered_at,
	CASE WHEN pg_temp.chance('answers', order_id) < 0.35 THEN
		least(10, floor(11 * pg_temp.chance('score', order_id) ^ (0.42 - 0.0003 * extract(day FROM ordered_at - timestamptz '2023-01-01 00:00+00')::float8)))::int END AS score
FROM orders
WHERE pg_temp.chance('asked', order_id) < 0.17 AND ordered_at + interval '2 days' < timestamptz '2025-01-01 00:00+00';

ANALYZE;
