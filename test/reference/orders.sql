--
-- Random orders with a fixed seed, where time zones matter: near local
-- midnights, around changes of daylight saving and Samoa's skipped day
-- (2011-12-30), over a leap day. Rows are in random order; some have no
-- customer, some no instant.
--
CREATE TABLE orders (customer int, at timestamptz);
SELECT setseed(0.31);
INSERT INTO orders
SELECT customer, at + jitter
FROM (SELECT n,
		(power(random(), 2) * 160)::int AS customer,
		CASE WHEN random() < 0.5 THEN timestamptz '2011-03-01 00:00+00' + trunc(random() * 24 * 740) * interval '1 hour'
			 WHEN random() < 0.3 THEN timestamptz '2011-12-29 00:00+00' + trunc(random() * 96) * interval '30 minutes'
			 WHEN random() < 0.4 THEN timestamptz '2012-02-28 06:00+00' + trunc(random() * 120) * interval '30 minutes'
			 WHEN random() < 0.5 THEN timestamptz '2012-10-28 00:00+00' + trunc(random() * 12) * interval '30 minutes'
			 ELSE timestamptz '2011-03-01 00:00+00' + random() * interval '740 days' END AS at,
		(ARRAY[interval '0', '-1 microsecond', '1 microsecond', '-17 minutes', '29 minutes'])[1 + trunc(random() * 5)::int] AS jitter
	FROM generate_series(1, 1800) n) r
ORDER BY random();
INSERT INTO orders VALUES (1001, NULL), (1002, NULL), (NULL, '2012-01-01'), (NULL, NULL), (3, NULL);
ANALYZE orders;
