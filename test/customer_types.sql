--
-- Every type of customer and of instant: the same orders, keyed by smallint,
-- integer, bigint, numeric, uuid, text and varchar, dated by date, timestamp
-- and timestamptz, give the same answers, and customers come out as they went in.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(52);
\ir reference/orders.sql
SET timezone = 'America/New_York';

CREATE TABLE typed AS
SELECT customer, customer::smallint AS c_smallint, customer AS c_integer, customer::bigint * 40000000001 - 9000000000000 AS c_bigint, customer::numeric(20, 3) AS c_numeric,
	   md5(customer::text)::uuid AS c_uuid, 'Käufer ' || repeat('x', customer % 50) || customer AS c_text, ('v' || customer)::varchar(20) AS c_varchar,
	   at, at::timestamp AS at_timestamp, at::date AS at_date, (extract(epoch FROM at)::bigint % 5000 - 900) / 100.0 AS amount
FROM orders;
ANALYZE typed;

CREATE TABLE key (name text, base text, out_type text);
INSERT INTO key VALUES ('c_smallint', 'bigint', 'bigint'), ('c_integer', 'bigint', 'bigint'), ('c_bigint', 'bigint', 'bigint'), ('c_numeric', 'bigint', 'bigint'),
	('c_uuid', 'uuid', 'uuid'), ('c_text', 'text', 'text'), ('c_varchar', 'text', 'text');
CREATE TABLE instant (name text);
INSERT INTO instant VALUES ('at'), ('at_timestamp'), ('at_date');

-- retention is the same for each
SELECT results_eq(format($$SELECT t.* FROM (SELECT retention(activities(%I, %I), 'week') AS r FROM typed) q CROSS JOIN LATERAL retention_table(q.r) t ORDER BY cohort, lag$$, key.name, instant.name),
	$$SELECT t.* FROM (SELECT retention(activities(customer::bigint, at), 'week') AS r FROM typed) q CROSS JOIN LATERAL retention_table(q.r) t ORDER BY cohort, lag$$,
	format('retention of %s by %s', key.name, instant.name))
FROM key, instant;
SELECT results_eq(format($$SELECT t.members_without_events, t.rows_without_customer, t.customers FROM (SELECT retention(activities(%I, at)) AS r FROM typed) q CROSS JOIN LATERAL retention_totals(q.r) t$$, name),
	'VALUES (2::bigint, 2::bigint, (SELECT count(DISTINCT customer) FROM typed WHERE at IS NOT NULL))', 'who counts: ' || name) FROM key;

-- what comes out
CREATE FUNCTION collected(collector text, name text) RETURNS TABLE(customer text, type text, summary text)
LANGUAGE plpgsql AS $$
BEGIN
	IF collector = 'activities' THEN
		RETURN QUERY EXECUTE format('SELECT c.customer::text, pg_typeof(c.customer)::text, c.activity::text FROM (SELECT activities(%I, at) AS b FROM typed) q CROSS JOIN LATERAL customer_activities(q.b) c', name);
	ELSE
		RETURN QUERY EXECUTE format('SELECT c.customer::text, pg_typeof(c.customer)::text, c.timeline::text FROM (SELECT timelines(%I, at, amount) AS b FROM typed) q CROSS JOIN LATERAL customer_timelines(q.b) c', name);
	END IF;
END $$;
SELECT set_eq(format('SELECT * FROM collected(''activities'', %L)', name),
	format('SELECT trim_scale(%1$I::text::numeric)::text, %2$L, activity_agg(at)::text FROM typed WHERE %1$I IS NOT NULL GROUP BY %1$I', name, out_type), 'activities by ' || name)
FROM key WHERE base = 'bigint';
SELECT set_eq(format('SELECT * FROM collected(''activities'', %L)', name),
	format('SELECT %1$I::text, %2$L, activity_agg(at)::text FROM typed WHERE %1$I IS NOT NULL GROUP BY %1$I', name, out_type), 'activities by ' || name)
FROM key WHERE base <> 'bigint';
SELECT set_eq(format('SELECT * FROM collected(''timelines'', %L)', name),
	format('SELECT trim_scale(%1$I::text::numeric)::text, %2$L, timeline_agg(at, amount)::text FROM typed WHERE %1$I IS NOT NULL GROUP BY %1$I', name, out_type), 'timelines by ' || name)
FROM key WHERE base = 'bigint';
SELECT set_eq(format('SELECT * FROM collected(''timelines'', %L)', name),
	format('SELECT %1$I::text, %2$L, timeline_agg(at, amount)::text FROM typed WHERE %1$I IS NOT NULL GROUP BY %1$I', name, out_type), 'timelines by ' || name)
FROM key WHERE base <> 'bigint';

-- the ends of each type
SELECT results_eq($$SELECT c.customer FROM (SELECT activities(customer, date '2024-01-01') AS b FROM (VALUES (-9223372036854775808), (9223372036854775807), (0), (-1)) v(customer)) q CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1$$,
	$$VALUES ('-9223372036854775808'::bigint), (-1), (0), (9223372036854775807)$$, 'the ends of bigint');
SELECT results_eq($$SELECT c.customer FROM (SELECT activities(customer, date '2024-01-01') AS b FROM (VALUES ('-32768'::smallint), ('32767')) v(customer)) q CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1$$,
	$$VALUES ('-32768'::bigint), (32767)$$, 'the ends of smallint');
SELECT results_eq($$SELECT c.customer FROM (SELECT activities(customer, date '2024-01-01') AS b FROM (VALUES (9223372036854775807.000::numeric), (-9223372036854775808), (1e3)) v(customer)) q CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1$$,
	$$VALUES ('-9223372036854775808'::bigint), (1000), (9223372036854775807)$$, 'the ends of numeric');
SELECT throws_ok(format($$SELECT activities(%s::numeric, date '2024-01-01')$$, n), NULL, NULL, n || ' is no customer')
FROM unnest(ARRAY['0.5', '9223372036854775808', '-9223372036854775809', '''NaN''', '''Infinity''']) n;
SELECT results_eq($$SELECT octet_length(c.customer) FROM (SELECT activities(customer, date '2024-01-01') AS b FROM (VALUES (''), ('x'), (repeat('long', 100000)), (repeat('long', 100000) || 'x')) v(customer)) q CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1$$,
	'VALUES (0), (1), (400000), (400001)', 'texts from empty to long');
SELECT results_eq($$SELECT c.customer COLLATE "C" FROM (SELECT activities(customer, date '2024-01-01') AS b FROM (VALUES ('a'), ('A'), ('a '), ('ä'), (U&'a\0308')) v(customer)) q CROSS JOIN LATERAL customer_activities(q.b) c ORDER BY 1$$,
	$$VALUES ('A' COLLATE "C"), ('a'), ('a '), (U&'a\0308'), ('ä')$$, 'texts are told apart byte by byte');
SELECT * FROM finish();
ROLLBACK;
