--
-- The data that the examples in README.md and doc/ run on: a shop's orders from January
-- to mid-April 2024, and its members. Small, and the same on every run and server.
--
CREATE TABLE members (
	customer_id bigint PRIMARY KEY,
	joined_on date NOT NULL
);
CREATE TABLE orders (
	order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id bigint,					-- NULL: a guest
	ordered_at timestamptz NOT NULL,
	amount numeric(10, 2) NOT NULL,
	channel text NOT NULL
);

-- A number from 0 to 999 that depends on nothing but the words.
CREATE FUNCTION pg_temp.dice(words text) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(md5(words), 1, 7))::bit(28)::int % 1000 $$;

-- Members join evenly from 1 January to 13 April; those at the end haven't ordered yet.
INSERT INTO members
SELECT c, date '2024-01-01' + (c - 1) * 103 / 120
FROM generate_series(1, 120) c;

-- The first order, up to a week after joining; then, month by month, fewer and fewer come back.
INSERT INTO orders (customer_id, ordered_at, amount, channel)
SELECT customer_id, at, amount, channel
FROM (
	SELECT m.customer_id, first_day, month, n,
		CASE WHEN month = 0 AND n = 1 THEN first_day
			ELSE date_trunc('month', first_day) + month * interval '1 month' + pg_temp.dice(format('day %s %s %s', customer_id, month, n)) % 28 * interval '1 day'
		END + (8 * 60 + pg_temp.dice(format('minute %s %s %s', customer_id, month, n)) * 13 / 16) * interval '1 minute' AS at,
		(5 + pg_temp.dice(format('amount %s %s %s', customer_id, month, n)) * pg_temp.dice(format('basket %s', customer_id)) / 5000) + 0.90 AS amount,
		(ARRAY['web', 'app', 'store'])[1 + CASE WHEN pg_temp.dice(format('channel %s %s %s', customer_id, month, n)) < 800 THEN customer_id % 3 ELSE (customer_id + 1) % 3 END] AS channel
	FROM members m,
		LATERAL (SELECT (joined_on + pg_temp.dice(format('first %s', customer_id)) % 7)::timestamp AT TIME ZONE 'UTC' AS first_day) f,
		generate_series(0, 3) month,
		generate_series(1, 3) n
	WHERE customer_id <> 7 AND customer_id % 11 <> 0
		AND CASE WHEN month = 0 THEN n = 1 OR pg_temp.dice(format('more %s %s', customer_id, n)) < 250
			ELSE pg_temp.dice(format('back %s %s', customer_id, month)) < 480 - 90 * month AND (n = 1 OR pg_temp.dice(format('again %s %s %s', customer_id, month, n)) < 300)
			END
) o
WHERE at >= first_day AND at < '2024-04-18 00:00+00'
ORDER BY at, customer_id;

-- Customer 7, whom the examples look at.
INSERT INTO orders (customer_id, ordered_at, amount, channel) VALUES
	(7, '2024-01-08 17:42+00', 24.90, 'app'),
	(7, '2024-01-15 18:05+00', 9.90, 'app'),
	(7, '2024-01-15 18:09+00', 4.50, 'app'),
	(7, '2024-01-22 17:31+00', 31.40, 'app'),
	(7, '2024-02-14 12:20+00', 58.00, 'store'),
	(7, '2024-03-04 19:11+00', 12.90, 'app'),
	(7, '2024-03-12 18:40+00', 17.30, 'app'),
	(7, '2024-03-20 17:58+00', 22.00, 'web'),
	(7, '2024-04-10 18:15+00', 14.90, 'app');

-- Half past eleven in London, the day after in Helsinki, and there another month.
INSERT INTO orders (customer_id, ordered_at, amount, channel) VALUES
	(121, '2024-01-31 23:30+00', 42.00, 'web');
INSERT INTO members VALUES (121, '2024-01-31');

-- Guests.
INSERT INTO orders (customer_id, ordered_at, amount, channel)
SELECT NULL, timestamptz '2024-01-20 15:00+00' + n * interval '19 days', 12.50 * n, 'store'
FROM generate_series(1, 4) n;

-- The points of a few members, as their shop books them: points of a purchase wait for 14 days
-- and are good to the end of the month 12 months later, and expiries are booked at night.
CREATE TABLE points_bookings (
	entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL,
	booked_at timestamptz NOT NULL,
	kind text NOT NULL,
	points int NOT NULL,
	source text,						-- where points were earned
	document text,						-- the purchase or order it belongs to
	valid_until timestamptz				-- NULL: as the programme has it
);
INSERT INTO points_bookings (customer_id, booked_at, kind, points, source, document, valid_until) VALUES
	(7, '2023-02-10 17:20+00', 'EARN', 120, 'store', 'P-1001', NULL),
	(7, '2023-03-18 09:05+00', 'EARN', 80, 'web', 'P-1002', NULL),
	(7, '2023-05-02 20:15+00', 'SPEND', -150, NULL, 'O-501', NULL),
	(7, '2023-05-04 11:40+00', 'CANCEL', 40, NULL, 'O-501', NULL),
	(7, '2023-09-20 14:00+00', 'EARN', 200, 'airline', 'A-77', NULL),
	(7, '2023-11-05 16:30+00', 'EARN', 60, 'web', 'P-1050', NULL),
	(7, '2023-11-12 10:10+00', 'RETURN', -60, 'web', 'P-1050', NULL),
	(7, '2024-03-01 02:00+00', 'EXPIRY', -10, NULL, NULL, NULL),
	(7, '2024-04-01 02:00+00', 'EXPIRY', -80, NULL, NULL, NULL),
	(7, '2024-04-10 18:15+00', 'EARN', 45, 'store', 'P-1101', NULL),
	(12, '2023-04-11 12:00+00', 'EARN', 300, 'web', 'P-2001', NULL),
	(12, '2023-06-01 19:45+00', 'SPEND', -120, NULL, 'O-512', NULL),
	(12, '2023-08-15 08:30+00', 'EARN', 90, 'store', 'P-2002', NULL),
	(31, '2024-01-10 13:00+00', 'EARN', 50, 'web', 'P-3001', NULL),
	(31, '2024-01-15 21:00+00', 'SPEND', -50, NULL, 'O-531', NULL),
	(31, '2024-01-30 10:00+00', 'EARN', 70, 'web', 'P-3002', NULL),
	(31, '2024-02-20 15:30+00', 'RETURN', -90, 'web', 'P-3002', NULL),
	(45, '2022-12-05 10:00+00', 'EARN', 400, 'airline', 'A-12', NULL),
	(45, '2023-10-01 09:00+00', 'SPEND', -100, NULL, 'O-545', NULL),
	(45, '2024-01-01 02:00+00', 'EXPIRY', -280, NULL, NULL, NULL),
	(45, '2024-02-14 12:00+00', 'BONUS', 500, 'store', NULL, '2024-05-01 00:00+00');

-- Three years of a hotel's members: nights and the points of each stay, and which tiers were given by hand.
CREATE TABLE stays (
	stay_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL,
	checked_in timestamptz NOT NULL,
	nights int NOT NULL,
	points int NOT NULL
);
INSERT INTO stays (customer_id, checked_in, nights, points) VALUES
	(7, '2022-05-12 15:00+00', 3, 2400),
	(7, '2022-07-02 16:30+00', 8, 6100),
	(7, '2023-02-20 14:10+00', 4, 3900),
	(7, '2023-06-17 15:45+00', 9, 8200),
	(7, '2023-11-04 18:20+00', 2, 3600),
	(7, '2024-03-09 15:00+00', 5, 4700),
	(12, '2023-01-14 17:00+00', 2, 1500),
	(12, '2023-08-22 12:40+00', 12, 7300),
	(31, '2022-09-30 19:15+00', 6, 9800),
	(31, '2022-12-27 11:00+00', 4, 7700),
	(45, '2024-01-06 16:00+00', 1, 600);
CREATE TABLE status_matches (
	customer_id bigint NOT NULL,
	tier text NOT NULL,
	given_at timestamptz NOT NULL,
	ends_at timestamptz					-- NULL: for ever
);
INSERT INTO status_matches VALUES (12, 'Gold', '2023-03-01 09:00+00', '2023-09-01 00:00+00');

-- What visitors of the shop's site who have an account did there, in the first half of March.
CREATE TABLE site_events (
	customer_id bigint,
	at timestamptz NOT NULL,
	kind text NOT NULL,					-- visit, product, basket, order, help
	source text							-- what brought them; of visits
);
INSERT INTO site_events
WITH arrived AS (
	SELECT c, s, timestamptz '2024-03-01 08:00+00' + pg_temp.dice(format('site day %s %s', c, s)) % 15 * interval '1 day' + pg_temp.dice(format('site minute %s %s', c, s)) * interval '47 seconds' AS at,
		(ARRAY['search', 'newsletter', 'search', 'direct'])[1 + pg_temp.dice(format('site source %s %s', c, s)) % 4] AS source
	FROM generate_series(1, 120) c, generate_series(1, 3) s
	WHERE s = 1 OR pg_temp.dice(format('site again %s %s', c, s)) < 350),
looked AS (
	SELECT c, s, source, at + (30 + pg_temp.dice(format('site look %s %s', c, s)) % 400) * interval '1 second' AS at FROM arrived
	WHERE pg_temp.dice(format('site looked %s %s', c, s)) < CASE source WHEN 'newsletter' THEN 850 ELSE 650 END),
filled AS (
	SELECT c, s, at + CASE WHEN pg_temp.dice(format('site later %s %s', c, s)) < 250 THEN interval '26 hours' ELSE interval '90 seconds' END + pg_temp.dice(format('site fill %s %s', c, s)) * interval '1 second' AS at FROM looked
	WHERE pg_temp.dice(format('site filled %s %s', c, s)) < 550),
ordered AS (
	SELECT c, s, at + CASE WHEN pg_temp.dice(format('site slow %s %s', c, s)) < 200 THEN interval '9 days' ELSE interval '4 minutes' END + pg_temp.dice(format('site order %s %s', c, s)) * interval '2 seconds' AS at FROM filled
	WHERE pg_temp.dice(format('site ordered %s %s', c, s)) < 600)
SELECT c, at, 'visit', source FROM arrived
UNION ALL SELECT c, at, 'product', NULL FROM looked
UNION ALL SELECT c, at, 'basket', NULL FROM filled
UNION ALL SELECT c, at, 'order', NULL FROM ordered
UNION ALL SELECT c, at + interval '1 minute', 'help', NULL FROM filled WHERE c % 3 = 0
ORDER BY 2, 1;

-- Whom each member named when he signed up, as the form has it: NULL where nobody brought him. One number is
-- mistyped, one member names himself, one named two members, and three name each other in a circle.
CREATE TABLE sign_ups (
	customer_id bigint NOT NULL,
	referrer_id bigint
);
INSERT INTO sign_ups
SELECT c, CASE WHEN c > 4 AND pg_temp.dice(format('brought %s', c)) < 480
	THEN 1 + pg_temp.dice(format('brought by %s', c)) * pg_temp.dice(format('brought by %s, too', c)) % 7919 * (c - 1) / 7919 END
FROM generate_series(1, 117) c;
INSERT INTO sign_ups VALUES (118, 119), (119, 120), (120, 118), (121, 9021);
UPDATE sign_ups SET referrer_id = 30 WHERE customer_id = 30;
INSERT INTO sign_ups VALUES (60, 12), (60, 3);

-- Two years of a larger shop's orders, for models of how long customers stay and what they are worth: 700 customers who came in the first
-- year, buy at rates of their own (twice as often in the app), leave after times of their own, and spend around means of their own. Some
-- gave back what they had bought.
CREATE TABLE shop_orders (
	order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL,
	ordered_at timestamptz NOT NULL,
	amount numeric(10, 2) NOT NULL,		-- below 0: given back
	channel text NOT NULL				-- the customer's
);
-- Exponentially distributed, with mean 1.
CREATE FUNCTION pg_temp.wait(words text) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT -ln((pg_temp.dice(words) + pg_temp.dice(words || '.') / 1000.0 + 0.0005) / 1000.0)::float8 $$;
INSERT INTO shop_orders (customer_id, ordered_at, amount, channel)
WITH customer AS (
	SELECT c, timestamptz '2022-01-01 09:00+00' + (c % 350) * interval '1 day' AS came, (ARRAY['web', 'app', 'store'])[1 + c % 3] AS channel,
		pg_temp.wait(format('rate %s', c)) / CASE WHEN c % 3 = 1 THEN 30 ELSE 60 END AS rate, pg_temp.wait(format('life %s', c)) / pg_temp.wait(format('leaves %s', c)) * 300 AS life,
		(pg_temp.wait(format('spend a %s', c)) + pg_temp.wait(format('spend b %s', c)) + pg_temp.wait(format('spend c %s', c)) + pg_temp.wait(format('spend d %s', c))) / 60 AS spend
	FROM generate_series(1, 700) c),
bought AS (
	SELECT *, CASE WHEN n = 0 THEN 0 ELSE sum(CASE WHEN n > 0 THEN pg_temp.wait(format('gap %s %s', c, n)) ELSE 0 END) OVER (PARTITION BY c ORDER BY n) / rate END AS day FROM customer, generate_series(0, 120) n)
SELECT c, came + floor(day) * interval '1 day' + pg_temp.dice(format('minute %s %s', c, n)) % 600 * interval '1 minute',
	greatest(round(((pg_temp.wait(format('a %s %s', c, n)) + pg_temp.wait(format('b %s %s', c, n)) + pg_temp.wait(format('c %s %s', c, n))) / spend)::numeric, 2), 0.5), channel
FROM bought WHERE day < life AND came + floor(day) * interval '1 day' < '2024-01-01 00:00+00'
ORDER BY 2, 1;
INSERT INTO shop_orders (customer_id, ordered_at, amount, channel)
SELECT customer_id, ordered_at + interval '5 days', -amount, channel FROM shop_orders WHERE order_id % 40 = 0 AND ordered_at < '2023-12-20 00:00+00' ORDER BY order_id;
