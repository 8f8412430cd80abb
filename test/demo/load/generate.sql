-- A shop of 20,000 customers over two years, the same on every machine: what looks like
-- chance is a hash of the customer and the order.
--
-- A third of the customers order once. The others have a rhythm of their own, weeks for
-- some and months for others, and a day on which they stop coming. More of them arrive, and
-- order, before Christmas; few on a Sunday night.

CREATE FUNCTION pg_temp.chance(what text, a bigint, b bigint DEFAULT 0) RETURNS float8
	LANGUAGE sql IMMUTABLE AS
$$ SELECT ((hashtextextended(what, a * 1000003 + b) >> 11) & 9007199254740991) / 9007199254740992.0 + 1e-12 $$;

CREATE TABLE orders AS
WITH arrivals AS (
	SELECT id, floor(730 * pg_temp.chance('joined', id) ^ 0.85)::int AS day
	FROM generate_series(1, 20000::bigint) id
),
customers AS (
	SELECT id,
		CASE WHEN pg_temp.chance('christmas', id) < 0.12 THEN day - day % 365 + 320 + (id % 40)::int
			ELSE day END AS joined,
		4 + 130 * pg_temp.chance('rhythm', id) ^ 1.2 AS rhythm,
		CASE WHEN pg_temp.chance('once', id) < 0.33 THEN 0
			ELSE -ln(pg_temp.chance('stays', id)) * 330 END AS stays,
		exp(2.4 + 1.2 * (pg_temp.chance('x', id) + pg_temp.chance('y', id) + pg_temp.chance('z', id) - 0.75)) AS spends
	FROM arrivals
),
steps AS (
	SELECT id, joined, stays, spends, n,
		sum(CASE WHEN n = 0 THEN 0 ELSE 0.04 - ln(pg_temp.chance('gap', id, n)) * rhythm END) OVER (PARTITION BY id ORDER BY n) AS after
	FROM customers, generate_series(0, CASE WHEN stays = 0 THEN 0 ELSE (4 + 3 * stays / rhythm)::int END) n
),
instants AS (
	SELECT id, n, spends,
		timestamptz '2023-01-01 00:00+00' + (joined + after::int) * interval '1 day'
			+ (7 + 15.5 * sqrt(pg_temp.chance('hour', id, n))) * interval '1 hour' AS ordered_at
	FROM steps
	WHERE after <= stays
)
SELECT row_number() OVER (ORDER BY ordered_at, id, n) AS order_id,
	id AS customer_id,
	ordered_at,
	round((spends * (0.5 + 1.3 * pg_temp.chance('amount', id, n)))::numeric, 2) AS amount
FROM instants
WHERE ordered_at < timestamptz '2025-01-01 00:00+00'
	AND (n = 0 OR pg_temp.chance('season', id, n) <
		(ARRAY[0.70, 0.66, 0.78, 0.82, 0.84, 0.80, 0.72, 0.70, 0.84, 0.90, 1.00, 1.00])[extract(month FROM ordered_at)::int]);
