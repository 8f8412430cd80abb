--
-- Collectors: the base's type follows the customer's, what comes back out,
-- members without events, guests, merging of what was stored, errors.
--
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset null '(null)'

-- the base's type and the customer's
SELECT pg_typeof(activities(1::smallint, now())) AS smallint, pg_typeof(activities(1, now())) AS integer, pg_typeof(activities(1::bigint, now())) AS bigint,
	   pg_typeof(activities(1::numeric, now())) AS numeric, pg_typeof(activities('5f8c4bd2-6a50-4f5c-8b0a-0d7a5d2f3a11'::uuid, now())) AS uuid,
	   pg_typeof(activities('x'::text, now())) AS text, pg_typeof(activities('x'::varchar(9), now())) AS varchar;
SELECT pg_typeof(timelines(1::smallint, now(), 1)) AS smallint, pg_typeof(timelines(1, now(), 1::smallint)) AS integer, pg_typeof(timelines(1::bigint, now(), 1.5)) AS bigint,
	   pg_typeof(timelines(1::numeric, now(), 1)) AS numeric, pg_typeof(timelines('5f8c4bd2-6a50-4f5c-8b0a-0d7a5d2f3a11'::uuid, now(), 1)) AS uuid,
	   pg_typeof(timelines('x'::text, now(), 1)) AS text, pg_typeof(timelines('x'::varchar(9), now(), 1)) AS varchar;
SELECT c.customer, pg_typeof(c.customer)
  FROM (SELECT activities(12::numeric, timestamptz '2024-01-05') AS b) q CROSS JOIN LATERAL customer_activities(q.b) c;
SELECT attempt($$SELECT activities(1.5, now())$$) AS fraction;
SELECT attempt($$SELECT activities(9223372036854775808, now())$$) AS too_large;
SELECT attempt($$SELECT activities('NaN'::numeric, now())$$) AS not_a_number;
SELECT attempt($$SELECT timelines(1.5, now(), 1)$$) AS fraction;

-- activities
CREATE TEMP TABLE visit (customer int, at timestamptz);
INSERT INTO visit VALUES (2, '2024-01-05 23:30'), (1, '2024-01-05 10:00'), (1, '2024-02-29 10:00'), (1, '2024-01-05 11:00'), (3, NULL), (2, NULL), (NULL, '2024-01-05'), (NULL, NULL);
SELECT c.* FROM (SELECT activities(customer, at) AS b FROM visit) q CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1;
SELECT c.* FROM (SELECT activities(customer, at, 'Europe/Helsinki') AS b FROM visit) q CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1;
SELECT c.* FROM (SELECT activities(customer, at::date) AS b FROM visit) q CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1;
SELECT c.* FROM (SELECT activities(customer, a) AS b
				   FROM (VALUES (1, '{2024-01-05}'::activity_set), (1, '{2024-01-04,2024-01-05}'), (2, '{}'), (3, NULL), (NULL, '{2024-01-05}')) v(customer, a)) q
  CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1;
SELECT customer_activities((SELECT activities(customer, at) FROM visit WHERE customer = 1)) AS as_a_column;
SELECT count(*) AS of_guests_only FROM (SELECT activities(NULL::int, at) AS b FROM visit) q CROSS JOIN LATERAL customer_activities(q.b) c;
SELECT activities(customer, at) IS NULL AS of_nothing FROM visit WHERE false;

-- timelines
CREATE TEMP TABLE sale (customer text, at timestamptz, amount numeric(10,2), id bigint);
INSERT INTO sale VALUES ('b', '2024-01-05 23:30', 5, 1), ('a', '2024-02-05', 1.25, 2), ('a', '2024-01-05', NULL, 3), ('', '2024-01-06', -2, 4), ('c', NULL, 9, 5), (NULL, '2024-01-06', 9, 6);
SELECT c.* FROM (SELECT timelines(customer, at, amount) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c ORDER BY customer COLLATE "C";
SELECT c.* FROM (SELECT timelines(customer, make_event(at => at, value => amount, ref => id)) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c ORDER BY customer COLLATE "C";
CREATE TEMP TABLE stored_timeline AS
SELECT c.* FROM (SELECT timelines(customer, at, amount) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b) c;
SELECT c.* FROM (SELECT timelines(customer, timeline) AS b FROM (SELECT * FROM stored_timeline UNION ALL SELECT * FROM stored_timeline WHERE customer = 'a') s) q
  CROSS JOIN LATERAL customer_timelines(q.b) c ORDER BY customer COLLATE "C";
SELECT timelines(customer, at, amount) IS NULL AS of_nothing FROM sale WHERE false;
SELECT attempt($$SELECT timelines(7, timestamptz '2024-01-05', numeric 'NaN')$$) AS not_a_number;
SELECT attempt($$SELECT timelines(c, at, v) FROM (VALUES (7, timestamptz '2024-01-01', 9e17), (7, '2024-01-02', 0.0001)) v(c, at, v)$$) AS one_scale_doesnt_hold_both;
SELECT attempt($$SELECT activities(7, timestamptz 'infinity')$$) AS infinite;
SELECT attempt($$SELECT activities(7, date '-infinity')$$) AS minus_infinite;
SELECT attempt($$SELECT timelines(7, timestamptz 'infinity', 1)$$) AS infinite;
SELECT attempt($$SELECT activities(7, now(), 'Mars/Olympus')$$) AS unknown_zone;

-- a base can be stored: flat, the same answers
CREATE TEMP TABLE stored_base AS SELECT activities(customer, at) AS b FROM visit;
SELECT c.* FROM stored_base CROSS JOIN LATERAL customer_activities(b) c ORDER BY 1;
SELECT b::text::activity_base_bigint::text = b::text AS text_reads_back FROM stored_base;
