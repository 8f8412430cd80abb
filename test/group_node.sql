--
-- GROUP BY customer in the node and in the server's own: the same rows, for every kind of key,
-- aggregate, clause and statement. Each plan is looked at, too: what is to be done by the node
-- is, and what isn't, isn't.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(240);

-- ---- data ----

SELECT setseed(0.14) IS NULL AS void \gset
SELECT set_config('loyalty.enable_group_node', 'off', true) IS NULL AS void \gset
CREATE DOMAIN member AS int CHECK (VALUE > 0);
CREATE DOMAIN gold_member AS member CHECK (VALUE < 1000000);
CREATE TYPE shop AS ENUM ('web', 'store');
-- an int for customer 0, who is a guest; many have no rows, one has a quarter of all
CREATE TABLE ledger AS
	SELECT customer, customer * 10000000000 AS big, (customer - 300)::smallint AS small, customer::member AS member, customer::gold_member AS gold,
		md5(customer::text)::uuid AS id, 'Kunde ' || repeat('ß', customer % 40) || customer AS name, ('v' || customer)::varchar(20) AS code,
		(customer || '.5')::numeric AS number, chr(65 + customer % 26)::char(3) AS padded, customer::float8 AS floating, at, (at AT TIME ZONE 'UTC')::date AS day, points, points::bigint AS points_big,
		points::smallint AS points_small, amount, price, kind, (CASE WHEN points % 3 = 0 THEN 'web' WHEN points % 3 = 1 THEN 'store' END)::shop AS shop
	FROM (
		SELECT CASE WHEN random() < 0.03 THEN NULL WHEN random() < 0.25 THEN 7 ELSE 1 + floor(600 * random() ^ 2)::int END AS customer,
			CASE WHEN random() < 0.04 THEN NULL ELSE timestamptz '2022-01-01' + make_interval(secs => floor(random() * 86400 * 900)) END AS at,
			CASE WHEN random() < 0.05 THEN NULL ELSE floor(random() * 200)::int END AS points,
			CASE WHEN random() < 0.05 THEN NULL ELSE round((random() * 100)::numeric, 2) END AS amount,
			CASE WHEN random() < 0.05 THEN NULL ELSE random() * 100 END AS price,
			(ARRAY['earn', 'redeem', NULL])[1 + floor(random() * 3)] AS kind
		FROM generate_series(1, 20000)) r;
UPDATE ledger SET name = NULL, code = NULL WHERE customer % 97 = 0;
CREATE TABLE customer AS SELECT n AS customer, 'c' || n AS called, (ARRAY['gold', 'silver'])[1 + n % 2] AS class FROM generate_series(1, 620) n;
ALTER TABLE customer ADD PRIMARY KEY (customer);
CREATE TABLE nobody (LIKE ledger);
-- rows of more than a page, inline and not
CREATE TABLE wide (customer int, name text, at timestamptz, note text);
ALTER TABLE wide ALTER note SET STORAGE EXTERNAL;
INSERT INTO wide SELECT n % 40, repeat(chr(97 + n % 13), 100 * (n % 40) + 1), timestamptz '2024-01-01' + n * interval '1 hour', repeat(chr(65 + n % 26), 9000 + n) FROM generate_series(1, 400) n;
CREATE TABLE parted (customer int, at timestamptz, points int) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE TABLE parted_2 (points int, at timestamptz, customer int);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE parted_3 PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT customer, at, points FROM ledger WHERE at IS NOT NULL;
CREATE TABLE parent (customer int, at timestamptz, points int);
CREATE TABLE child (note text) INHERITS (parent);
INSERT INTO parent SELECT customer, at, points FROM ledger WHERE at < '2023-01-01';
INSERT INTO child SELECT customer, at, points, 'child' FROM ledger WHERE at >= '2023-01-01';
CREATE TABLE stored AS SELECT customer % 100 AS customer, activity_agg(at) AS activity, timeline_agg(at, points) AS timeline FROM ledger GROUP BY ledger.customer;
ANALYZE ledger, customer, nobody, wide, parted, parent, child, stored;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE RETURN 2 * n;
CREATE FUNCTION event_of(l ledger) RETURNS timeline_event LANGUAGE sql IMMUTABLE RETURN make_event(at => l.at, value => l.amount, kind => l.kind);
CREATE AGGREGATE first_points(int) (SFUNC = int4larger, STYPE = int);
CREATE FUNCTION kept(state int, value int) RETURNS int LANGUAGE sql IMMUTABLE RETURN coalesce(state, value);
CREATE AGGREGATE first_of(int) (SFUNC = kept, STYPE = int);
CREATE FUNCTION halved(state int) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN state / 2.0;
CREATE AGGREGATE half_of_sum(int) (SFUNC = int4pl, STYPE = int, FINALFUNC = halved, INITCOND = '10');

-- ---- what is compared ----

CREATE FUNCTION plan_of(statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN plan;
END $$;
-- On: wherever it can be, and not only where it is the cheapest, which for a handful of rows it isn't.
CREATE FUNCTION node_is(switched text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('loyalty.enable_group_node', switched, true),
		set_config('enable_hashagg', CASE switched WHEN 'on' THEN 'off' ELSE 'on' END, true),
		set_config('enable_sort', CASE switched WHEN 'on' THEN 'off' ELSE 'on' END, true)
$$;
-- Rows of the node that the server's own doesn't have, and the other way round.
CREATE FUNCTION differing(statement text) RETURNS TABLE (side text, answer text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM node_is('off');
	EXECUTE format('CREATE TEMP TABLE wanted ON COMMIT DROP AS SELECT (a.*)::text AS answer FROM (%s) a', statement);
	PERFORM node_is('on');
	EXECUTE format('CREATE TEMP TABLE got ON COMMIT DROP AS SELECT (a.*)::text AS answer FROM (%s) a', statement);
	RETURN QUERY (SELECT 'wrong', left(w.answer, 300) FROM (TABLE got EXCEPT ALL TABLE wanted) w LIMIT 3)
		UNION ALL (SELECT 'missing', left(w.answer, 300) FROM (TABLE wanted EXCEPT ALL TABLE got) w LIMIT 3);
	DROP TABLE got, wanted;
END $$;

CREATE TABLE question (number serial, name text, statement text, taken boolean DEFAULT true);
INSERT INTO question (name, statement) VALUES
	-- keys
	('integer', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer'),
	('bigint', 'SELECT big, activity_agg(at) FROM ledger GROUP BY big'),
	('smallint, some below zero', 'SELECT small, activity_agg(at) FROM ledger GROUP BY small'),
	('uuid', 'SELECT id, activity_agg(at) FROM ledger GROUP BY id'),
	('text', 'SELECT name, activity_agg(at) FROM ledger GROUP BY name'),
	('varchar', 'SELECT code, activity_agg(at) FROM ledger GROUP BY code'),
	('text of another collation', 'SELECT name COLLATE "C", activity_agg(at) FROM ledger GROUP BY name COLLATE "C"'),
	('a domain', 'SELECT member, activity_agg(at) FROM ledger GROUP BY member'),
	('a domain over a domain', 'SELECT gold, pg_typeof(gold), activity_agg(at) FROM ledger GROUP BY gold'),
	('an expression', 'SELECT customer % 50 + 1, activity_agg(at) FROM ledger GROUP BY customer % 50 + 1'),
	('an expression of the name', 'SELECT upper(name), timeline_agg(at, points) FROM ledger GROUP BY upper(name)'),
	('a key that isn''t shown', 'SELECT activity_agg(at) FROM ledger GROUP BY customer'),
	('a key within an expression', 'SELECT customer * 2 + activity_count(activity_agg(at)), ''#'' || customer FROM ledger GROUP BY customer'),
	('a key that is an argument too', 'SELECT points, activity_agg(day + points), sum(points), timeline_agg(at, points) FROM ledger GROUP BY points'),
	('text with NULL and the empty text', 'SELECT nullif(kind, ''redeem'') || '''', activity_agg(at) FROM (TABLE ledger) l GROUP BY 1'),
	('wide keys', 'SELECT name, activity_agg(at), min(length(name)) FROM wide GROUP BY name'),
	('keys beyond a page', 'SELECT md5(note), activity_agg FROM (SELECT note, activity_agg(at) FROM wide GROUP BY note) w'),
	-- aggregates of ours
	('activity_agg(date)', 'SELECT customer, activity_agg(day) FROM ledger GROUP BY customer'),
	('activity_agg(timestamptz, text)', 'SELECT customer, activity_agg(at, ''Pacific/Apia'') FROM ledger GROUP BY customer'),
	('activity_agg(date, text)', 'SELECT customer, activity_agg(day, ''Pacific/Apia'') FROM ledger GROUP BY customer'),
	('a zone of the row', 'SELECT customer, activity_agg(at, CASE WHEN points % 2 = 0 THEN ''Europe/Helsinki'' ELSE ''America/Lima'' END) FROM ledger GROUP BY customer'),
	('rollup(activity_set)', 'SELECT customer, rollup(activity) FROM stored GROUP BY customer'),
	('timeline_agg(at)', 'SELECT customer, timeline_agg(at) FROM ledger GROUP BY customer'),
	('timeline_agg(at, numeric)', 'SELECT customer, timeline_agg(at, amount) FROM ledger GROUP BY customer'),
	('timeline_agg(at, smallint)', 'SELECT customer, timeline_agg(at, points_small) FROM ledger GROUP BY customer'),
	('timeline_agg(at, integer)', 'SELECT customer, timeline_agg(at, points) FROM ledger GROUP BY customer'),
	('timeline_agg(at, bigint)', 'SELECT customer, timeline_agg(at, points_big) FROM ledger GROUP BY customer'),
	('timeline_agg(at, float8)', 'SELECT customer, timeline_agg(at, round(price)) FROM ledger GROUP BY customer'),
	('timeline_agg(at, kind)', 'SELECT customer, timeline_agg(at, kind) FROM ledger GROUP BY customer'),
	('timeline_agg(at, enum)', 'SELECT customer, timeline_agg(at, shop) FROM ledger GROUP BY customer'),
	('timeline_agg(at, kind, value)', 'SELECT customer, timeline_agg(at, kind, amount) FROM ledger GROUP BY customer'),
	('timeline_agg(at, enum, integer)', 'SELECT customer, timeline_agg(at, shop, points) FROM ledger GROUP BY customer'),
	('timeline_agg(date)', 'SELECT customer, timeline_agg(day) FROM ledger GROUP BY customer'),
	('timeline_agg(date, kind, zone)', 'SELECT customer, timeline_agg(day, kind, ''America/Lima''::text) FROM ledger GROUP BY customer'),
	('timeline_agg(date, enum, value, zone)', 'SELECT customer, timeline_agg(day, shop, amount, ''America/Lima'') FROM ledger GROUP BY customer'),
	('timeline_agg(event)', 'SELECT customer, timeline_agg(make_event(at => at, value => amount, kind => kind, ref => points)) FROM ledger GROUP BY customer'),
	('timeline_agg(event of a function of the user''s)', 'SELECT customer, timeline_agg(event_of(l)) FROM ledger l GROUP BY customer'),
	('rollup(event_timeline)', 'SELECT customer, rollup(timeline) FROM stored GROUP BY customer'),
	('several of ours', 'SELECT customer, activity_agg(at), timeline_agg(at, points), activity_agg(day), timeline_agg(at, kind) FROM ledger GROUP BY customer'),
	('the same one twice', 'SELECT customer, activity_agg(at), activity_agg(at), activity_count(activity_agg(at)) FROM ledger GROUP BY customer'),
	('constants as arguments', 'SELECT customer, activity_agg(date ''2024-01-01''), timeline_agg(timestamptz ''2024-01-01'', 5) FROM ledger GROUP BY customer'),
	('NULL as argument', 'SELECT customer, activity_agg(NULL::timestamptz) FROM ledger GROUP BY customer'),
	-- others beside them
	('count, min, max, sum', 'SELECT customer, activity_agg(at), count(*), count(points), min(points), max(at), sum(points), sum(points_small), min(day), max(points_big) FROM ledger GROUP BY customer'),
	('sums of floats, in order of arrival', 'SELECT customer, sum(price), max(price), activity_agg(at) FROM ledger GROUP BY customer'),
	('the first value, in order of arrival', 'SELECT customer, first_of(points), activity_agg(at) FROM ledger GROUP BY customer'),
	('bool_and, bit_or, every', 'SELECT customer, bool_and(points > 3), bit_or(points), every(points < 190), bit_xor(points_big), activity_agg(at) FROM ledger GROUP BY customer'),
	('an aggregate of the user''s with a final function', 'SELECT customer, half_of_sum(points), activity_agg(at) FROM ledger GROUP BY customer'),
	('an aggregate of several arguments', 'SELECT customer, regr_count(price, floating), activity_agg(at) FROM ledger GROUP BY customer'),
	-- clauses
	('FILTER', 'SELECT customer, activity_agg(at) FILTER (WHERE points > 100), timeline_agg(at, points) FILTER (WHERE kind = ''earn''), count(*) FILTER (WHERE points > 100), sum(points) FILTER (WHERE kind IS NULL) FROM ledger GROUP BY customer'),
	('a FILTER that keeps an argument from errors', 'SELECT customer, timeline_agg(at, 1000 / (points % 5)) FILTER (WHERE points % 5 <> 0), sum(1000 / (points % 7)) FILTER (WHERE points % 7 > 0), max(1000 / (points % 5)) FILTER (WHERE points % 5 <> 0), activity_agg(at) FROM ledger GROUP BY customer'),
	('a FILTER with a subquery that keeps an argument from errors', 'SELECT customer, timeline_agg(at, 1000 / (points - 5)) FILTER (WHERE points NOT IN (SELECT customer FROM customer WHERE customer < 10)) FROM ledger GROUP BY customer'),
	('a FILTER that nothing passes', 'SELECT customer, activity_agg(at) FILTER (WHERE false), count(*) FILTER (WHERE NULL), activity_agg(day) FILTER (WHERE points < 0) FROM ledger GROUP BY customer'),
	('the same aggregate with and without FILTER', 'SELECT customer, activity_agg(at), activity_agg(at) FILTER (WHERE points > 100) FROM ledger GROUP BY customer'),
	('HAVING', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer HAVING count(*) > 30'),
	('HAVING of ours alone', 'SELECT customer FROM ledger GROUP BY customer HAVING activity_count(activity_agg(at)) > 20 AND max(points) > 150'),
	('HAVING that nothing passes', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer HAVING count(*) < 0'),
	('HAVING of the key', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer HAVING customer > 300 AND count(*) > 2'),
	('HAVING with a subquery', 'SELECT customer, activity_agg(at) FROM ledger l GROUP BY customer HAVING max(points) >= (SELECT avg(points) FROM ledger) AND EXISTS (SELECT FROM customer c WHERE c.customer = l.customer AND class = ''gold'')'),
	('expressions above', 'SELECT customer, points_balance(timeline_agg(at, points), ''{"expires_after": "6 months"}'', ''2023-06-30''), round(timeline_sum(timeline_agg(at, amount)) / nullif(count(amount), 0), 3), CASE WHEN max(points) > 190 THEN activity_agg(at)::text END FROM ledger GROUP BY customer'),
	('a subquery above, with an aggregate and the key', 'SELECT customer, (SELECT called FROM customer c WHERE c.customer = l.customer), (SELECT count(*) FROM customer c WHERE c.customer < max(l.points)), activity_agg(at) FROM ledger l GROUP BY customer'),
	('a subquery as argument', 'SELECT customer, timeline_agg(at, (SELECT c.customer FROM customer c WHERE c.customer = l.points)) FROM ledger l GROUP BY customer'),
	('a subquery in FILTER', 'SELECT customer, activity_agg(at) FILTER (WHERE points IN (SELECT customer FROM customer WHERE class = ''gold'')) FROM ledger GROUP BY customer'),
	('DISTINCT above', 'SELECT DISTINCT activity_count(activity_agg(at)) FROM ledger GROUP BY customer'),
	('a window above', 'SELECT customer, rank() OVER (ORDER BY activity_count(activity_agg(at)) DESC), sum(count(*)) OVER () FROM ledger GROUP BY customer'),
	('a set-returning function above, in FROM', 'SELECT q.customer, d.* FROM (SELECT customer, activity_agg(at) AS a FROM ledger GROUP BY customer) q CROSS JOIN LATERAL activity_days(q.a) d'),
	('UNION ALL', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer UNION ALL SELECT small, activity_agg(day) FROM ledger GROUP BY small'),
	('a CTE, used twice', 'WITH s AS (SELECT customer, activity_agg(at) AS a, count(*) AS n FROM ledger GROUP BY customer) SELECT s.customer, s.n, t.a FROM s JOIN s t USING (customer)'),
	('grouped twice', 'SELECT n, rollup(a) FROM (SELECT customer, activity_agg(at) AS a, count(*) AS n FROM ledger GROUP BY customer) q GROUP BY n'),
	('ORDER BY and LIMIT', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer ORDER BY count(*) DESC, customer LIMIT 10 OFFSET 3'),
	('ORDER BY the key', 'SELECT customer, timeline_agg(at, points) FROM ledger GROUP BY customer ORDER BY customer DESC LIMIT 7'),
	-- inputs
	('a join', 'SELECT l.customer, activity_agg(l.at), max(c.customer) FROM ledger l JOIN customer c USING (customer) WHERE class = ''gold'' GROUP BY l.customer'),
	('a left join, columns of its nullable side', 'SELECT c.customer, timeline_agg(l.at, l.points), count(l.points) FROM customer c LEFT JOIN ledger l USING (customer) GROUP BY c.customer'),
	('a key of the nullable side', 'SELECT c.customer + 0, activity_agg(l.at) FROM ledger l LEFT JOIN (SELECT customer, class FROM customer WHERE class = ''gold'' OFFSET 0) c ON c.customer = l.points GROUP BY c.customer + 0'),
	('placeholders of the nullable side', 'SELECT l.customer, timeline_agg(l.at, c.one), count(*) FILTER (WHERE c.one IS NULL) FROM ledger l LEFT JOIN (SELECT customer, coalesce(customer, 1) AS one FROM customer WHERE class = ''gold'') c ON c.customer = l.points GROUP BY l.customer'),
	('partitions', 'SELECT customer, activity_agg(at), sum(points) FROM parted GROUP BY customer'),
	('inheritance', 'SELECT customer, activity_agg(at), sum(points) FROM parent GROUP BY customer'),
	('a function', 'SELECT n % 7, activity_agg(date ''2024-01-01'' + n) FROM generate_series(1, 100) n GROUP BY n % 7'),
	('VALUES', 'SELECT c, activity_agg(d) FROM (VALUES (1, date ''2024-01-01''), (1, ''2024-01-02''), (2, NULL), (NULL, ''2024-01-03'')) v(c, d) GROUP BY c'),
	('UNION ALL below', 'SELECT customer, activity_agg(at) FROM (SELECT customer, at FROM ledger UNION ALL SELECT customer, at + interval ''1 day'' FROM parted) u GROUP BY customer'),
	('rows of more than a page', 'SELECT customer, activity_agg(at), max(length(note)) FROM wide GROUP BY customer'),
	('wide arguments', 'SELECT customer, md5(timeline_agg(at, note)::text), md5(timeline_agg(make_event(at => at, label => note))::text) FROM wide GROUP BY customer'),
	('no rows', 'SELECT customer, activity_agg(at), count(*) FROM nobody GROUP BY customer'),
	('a condition that nothing meets', 'SELECT customer, activity_agg(at), count(*) FROM ledger WHERE points < 0 GROUP BY customer'),
	('one customer has all rows', 'SELECT customer, activity_agg(at), count(*) FROM ledger WHERE customer BETWEEN 7 AND 7 GROUP BY customer'),
	('guests alone', 'SELECT customer, activity_agg(at), count(*) FROM ledger WHERE customer IS NULL GROUP BY customer'),
	('LATERAL, once for each class', 'SELECT c.class, q.* FROM (SELECT DISTINCT class FROM customer) c CROSS JOIN LATERAL (SELECT l.customer, activity_agg(l.at), count(*) FROM ledger l WHERE l.points % 2 = length(c.class) % 2 GROUP BY l.customer) q'),
	('LATERAL, an argument from outside', 'SELECT k.n, q.* FROM generate_series(1, 3) AS k(n) CROSS JOIN LATERAL (SELECT l.customer, timeline_agg(l.at, l.points + k.n), count(*) FILTER (WHERE l.points > 50 * k.n) FROM ledger l GROUP BY l.customer HAVING count(*) > 10 * k.n) q'),
	('a correlated subquery', 'SELECT class, (SELECT max(n) FROM (SELECT activity_count(activity_agg(l.at)) AS n FROM ledger l WHERE l.points % 2 = length(c.class) % 2 GROUP BY l.customer) q) FROM (SELECT DISTINCT class FROM customer) c'),
	('a recursive query', 'WITH RECURSIVE step(n, a) AS (SELECT 1, 0::numeric UNION ALL SELECT s.n + 1, q.a FROM step s CROSS JOIN LATERAL (SELECT l.customer % 4 AS c, sum(activity_count(activity_agg(l.day + s.n * l.points))) OVER () AS a FROM ledger l WHERE l.points < 10 * s.n GROUP BY l.customer % 4 ORDER BY 1 LIMIT 1) q WHERE s.n < 5) SELECT n, a FROM step');
INSERT INTO question (name, statement, taken) VALUES
	('DISTINCT', 'SELECT customer, activity_agg(DISTINCT at) FROM ledger GROUP BY customer', false),
	('DISTINCT in another', 'SELECT customer, activity_agg(at), count(DISTINCT points) FROM ledger GROUP BY customer', false),
	('ORDER BY', 'SELECT customer, timeline_agg(at, points ORDER BY at) FROM ledger GROUP BY customer', false),
	('an ordered-set aggregate', 'SELECT customer, activity_agg(at), percentile_disc(0.5) WITHIN GROUP (ORDER BY points) FROM ledger GROUP BY customer', false),
	('a hypothetical-set aggregate', 'SELECT customer, activity_agg(at), rank(5) WITHIN GROUP (ORDER BY points) FROM ledger GROUP BY customer', false),
	('ROLLUP', 'SELECT customer, activity_agg(at), grouping(customer) FROM ledger GROUP BY ROLLUP (customer)', false),
	('GROUPING SETS', 'SELECT customer, kind, activity_agg(at) FROM ledger GROUP BY GROUPING SETS ((customer), (kind))', false),
	('a single grouping set', 'SELECT customer, kind, activity_agg(at) FROM ledger GROUP BY GROUPING SETS ((customer, kind))', false),
	('several keys', 'SELECT customer, kind, activity_agg(at) FROM ledger GROUP BY customer, kind', false),
	('no key', 'SELECT activity_agg(at), count(*) FROM ledger', false),
	('no key, with HAVING', 'SELECT activity_agg(at) FROM ledger HAVING count(*) > 3', false),
	('columns that depend on the key', 'SELECT c.customer, c.called, activity_agg(at) FROM customer c JOIN ledger l USING (customer) GROUP BY c.customer', false),
	('a set-returning target', 'SELECT customer, activity_days(activity_agg(at)) FROM ledger GROUP BY customer', false),
	('a set-returning key', 'SELECT generate_series(1, points % 3) AS g, activity_agg(at) FROM ledger GROUP BY 1', false),
	('array_agg beside it', 'SELECT customer, activity_agg(at), cardinality(array_agg(points)) FROM ledger GROUP BY customer', false),
	('a sum of numeric beside it', 'SELECT customer, activity_agg(at), sum(amount) FROM ledger GROUP BY customer', false),
	('an average beside it', 'SELECT customer, activity_agg(at), avg(points) FROM ledger GROUP BY customer', false),
	('the smallest text beside it', 'SELECT customer, activity_agg(at), min(name) FROM ledger GROUP BY customer', false),
	('a metric beside it', 'SELECT kind, activity_agg(at), retention(activities(customer, at))::text FROM ledger GROUP BY kind', false),
	('no aggregate of ours', 'SELECT customer, count(*), sum(points) FROM ledger GROUP BY customer', false),
	('a numeric key', 'SELECT number, activity_agg(at) FROM ledger GROUP BY number', false),
	('a char(3) key', 'SELECT padded, activity_agg(at) FROM ledger GROUP BY padded', false),
	('a float key', 'SELECT floating, activity_agg(at) FROM ledger GROUP BY floating', false),
	('an enum key', 'SELECT shop, activity_agg(at) FROM ledger GROUP BY shop', false),
	('a date key', 'SELECT day, activity_agg(at) FROM ledger GROUP BY day', false),
	('a boolean key', 'SELECT points > 3, activity_agg(at) FROM ledger GROUP BY 1', false),
	('a constant key', 'SELECT 7 AS seven, activity_agg(at) FROM ledger GROUP BY seven', false),
	('a key that is known', 'SELECT customer, activity_agg(at) FROM ledger WHERE customer = 7 GROUP BY customer', false),
	('rows in the order of the key', 'SELECT customer, activity_agg(at) FROM (SELECT * FROM ledger ORDER BY customer OFFSET 0) l GROUP BY customer', false);

-- equal names that differ in their bytes, where the server has ICU
DO $$
BEGIN
	CREATE COLLATION loosely (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	INSERT INTO question (name, statement, taken) VALUES ('a nondeterministic collation', 'SELECT lower(name), n FROM (SELECT CASE WHEN points % 2 = 0 THEN upper(name) ELSE lower(name) END COLLATE loosely AS name, activity_agg(at), count(*) AS n FROM ledger GROUP BY 1) q', false);
EXCEPTION WHEN feature_not_supported THEN
	NULL;
END $$;

SELECT set_config('max_parallel_workers_per_gather', '0', true) IS NULL AS void \gset
SELECT node_is('on') IS NULL AS void \gset
SELECT set_config('timezone', 'Europe/Berlin', true) IS NULL AS void \gset
SELECT is_empty(format('SELECT * FROM differing(%L)', statement), name) FROM question WHERE taken ORDER BY number;
SELECT is(string_agg(q.name, ', ' ORDER BY number) FILTER (WHERE plan_of(q.statement) NOT LIKE '%LoyaltyGroup%'), NULL, 'all of these are done by the node') FROM question q WHERE q.taken;
SELECT is(string_agg(q.name, ', ' ORDER BY number) FILTER (WHERE plan_of(q.statement) LIKE '%LoyaltyGroup%'), NULL, 'what it can''t do is left to the server') FROM question q WHERE NOT q.taken;
SELECT is_empty(format('SELECT * FROM differing(%L)', statement), name || ', which is refused') FROM question WHERE name IN ('columns that depend on the key', 'a metric beside it');
SELECT node_is('off') IS NULL AS void \gset
SELECT is(count(*) FILTER (WHERE plan_of(q.statement) LIKE '%LoyaltyGroup%'), 0::bigint, 'loyalty.enable_group_node = off: none is') FROM question q;
SELECT node_is('on') IS NULL AS void \gset

-- ---- by several processes ----

-- The rows of each participant are a share, so sums of floats and first values are in another order.
CREATE FUNCTION workers_are(switched text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('max_parallel_workers_per_gather', CASE switched WHEN 'on' THEN '2' ELSE '0' END, true),
		set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true),
		set_config('parallel_leader_participation', CASE switched WHEN 'workers only' THEN 'off' ELSE 'on' END, true)
$$;
CREATE FUNCTION differing_in_parallel(statement text) RETURNS TABLE (side text, answer text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM workers_are('off'), node_is('off');
	EXECUTE format('CREATE TEMP TABLE wanted ON COMMIT DROP AS SELECT (a.*)::text AS answer FROM (%s) a', statement);
	PERFORM workers_are('on'), node_is('on');
	EXECUTE format('CREATE TEMP TABLE got ON COMMIT DROP AS SELECT (a.*)::text AS answer FROM (%s) a', statement);
	RETURN QUERY (SELECT 'wrong', left(w.answer, 300) FROM (TABLE got EXCEPT ALL TABLE wanted) w LIMIT 3)
		UNION ALL (SELECT 'missing', left(w.answer, 300) FROM (TABLE wanted EXCEPT ALL TABLE got) w LIMIT 3);
	DROP TABLE got, wanted;
	PERFORM workers_are('off');
END $$;
SELECT is_empty(format('SELECT * FROM differing_in_parallel(%L)', statement), name || ', with workers') FROM question WHERE taken AND name !~ 'in order of arrival' ORDER BY number;
SELECT workers_are('on') IS NULL AS void \gset
-- Not in these, mostly or in some versions of the server: functions of the user's that aren't PARALLEL SAFE, subqueries that
-- depend on a row, FROM without a table, joins whose outer side isn't what is read in parallel.
SELECT is(string_agg(q.name, ', ' ORDER BY number) FILTER (WHERE plan_of(q.statement) NOT LIKE '%Parallel Custom Scan (LoyaltyGroup)%'), NULL, 'these are done by the node in workers')
FROM question q
WHERE q.taken AND q.name !~ 'user''s|first value|subquery|LATERAL|recursive|nullable side' AND q.name NOT IN ('a function', 'VALUES');
SELECT matches(plan_of('SELECT sum(activity_count(a)) FROM (SELECT activity_agg(at) AS a FROM ledger GROUP BY customer) q'), 'Finalize Aggregate.*Gather.*Partial Aggregate.*Parallel Custom Scan \(LoyaltyGroup\).*Parallel Seq Scan', 'what is counted above it is counted in the workers, too');
SELECT matches(plan_of('SELECT retention(a, ''month'', ''2024-06-30'') FROM (SELECT activity_agg(at) AS a FROM ledger GROUP BY customer) q'), 'Finalize Aggregate.*Gather.*Partial Aggregate.*Parallel Custom Scan \(LoyaltyGroup\).*Parallel Seq Scan', '... and so is a metric in two levels');
SELECT is_empty($q$SELECT * FROM differing_in_parallel($$SELECT t.* FROM (SELECT retention(a, 'month', '2024-06-30') AS r FROM (SELECT activity_agg(at) AS a FROM ledger GROUP BY customer) q) r CROSS JOIN LATERAL retention_table(r.r) t$$)$q$, '... which is the same');
SELECT workers_are('on') IS NULL AS void \gset
SELECT is((SELECT count(*)::int FROM (SELECT customer, activity_agg(at) FROM ledger GROUP BY customer LIMIT 3) q), 3, 'LIMIT stops the workers');
SELECT workers_are('off') IS NULL AS void \gset

-- ---- statements ----

-- prepared: planned for its argument, and for any
PREPARE grouped(int) AS SELECT customer, activity_agg(at)::text, timeline_agg(at, points + $1)::text FROM ledger WHERE points > $1 GROUP BY customer HAVING count(*) > $1 / 20;
SELECT node_is('off') IS NULL AS void \gset
CREATE TEMP TABLE wanted AS SELECT n, customer, activity_agg(at)::text, timeline_agg(at, points + n)::text FROM ledger CROSS JOIN (VALUES (20), (100), (180)) v(n) WHERE points > n GROUP BY customer, n HAVING count(*) > n / 20;
SELECT node_is('on') IS NULL AS void \gset
SELECT set_config('plan_cache_mode', 'force_custom_plan', true) IS NULL AS void \gset
SELECT ok(plan_of('EXECUTE grouped(20)') LIKE '%LoyaltyGroup%' AND plan_of('EXECUTE grouped(20)') NOT LIKE '%$1%', 'a prepared statement, planned for its argument, has the node');
SELECT set_eq(format('EXECUTE grouped(%s)', n), format('SELECT customer, activity_agg, timeline_agg FROM wanted WHERE n = %s', n), 'custom plan, ' || n) FROM (VALUES (20), (100), (180)) v(n);
SELECT set_config('plan_cache_mode', 'force_generic_plan', true) IS NULL AS void \gset
SELECT ok(plan_of('EXECUTE grouped(20)') LIKE '%LoyaltyGroup%$1%', 'a generic plan has the node');
SELECT set_eq(format('EXECUTE grouped(%s)', n), format('SELECT customer, activity_agg, timeline_agg FROM wanted WHERE n = %s', n), 'generic plan, ' || n) FROM (VALUES (20), (100), (180)) v(n);
SELECT set_config('plan_cache_mode', 'auto', true) IS NULL AS void \gset

-- cursors: forward, backward, to be scrolled, and held beyond the transaction (at the end of this file)
CREATE TEMP TABLE activities_wanted AS SELECT customer, activity_agg(at)::text AS activity FROM ledger GROUP BY customer;
DECLARE forward CURSOR FOR SELECT customer, activity_agg(at)::text FROM ledger GROUP BY customer;
CREATE TEMP TABLE fetched (customer int, activity text);
CREATE FUNCTION fetch_into(cursor_name text, direction text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := cursor_name;
	customer int;
	activity text;
	n int := 0;
BEGIN
	LOOP
		IF direction = 'forward' THEN FETCH NEXT FROM c INTO customer, activity; ELSE FETCH PRIOR FROM c INTO customer, activity; END IF;
		EXIT WHEN NOT FOUND;
		INSERT INTO fetched VALUES (customer, activity);
		n := n + 1;
	END LOOP;
	RETURN n;
END $$;
SELECT is(fetch_into('forward', 'forward'), (SELECT count(*)::int FROM activities_wanted), 'a cursor gives each group');
SELECT set_eq('SELECT * FROM fetched', 'SELECT * FROM activities_wanted', '... as it is');
CLOSE forward;
TRUNCATE fetched;
DECLARE scrolled SCROLL CURSOR FOR SELECT customer, activity_agg(at)::text FROM ledger GROUP BY customer;
MOVE FORWARD ALL IN scrolled;
SELECT is(fetch_into('scrolled', 'backward'), (SELECT count(*)::int FROM activities_wanted), 'a scroll cursor goes back over each group');
SELECT set_eq('SELECT * FROM fetched', 'SELECT * FROM activities_wanted', '... as it was');
TRUNCATE fetched;
MOVE ABSOLUTE 0 IN scrolled;
SELECT is(fetch_into('scrolled', 'forward'), (SELECT count(*)::int FROM activities_wanted), '... and forward again');
SELECT set_eq('SELECT * FROM fetched', 'SELECT * FROM activities_wanted', '... the same');
CLOSE scrolled;
-- one that is left in the middle
DECLARE left_there CURSOR FOR SELECT customer, activity_agg(at)::text FROM ledger GROUP BY customer;
MOVE 5 IN left_there;
SAVEPOINT before_error;
DECLARE broken CURSOR FOR SELECT customer, activity_agg(at), 1 / (max(points) - max(points)) FROM ledger GROUP BY customer HAVING count(points) > 0;
SELECT throws_ok('FETCH broken', '22012', NULL, 'an error above the aggregates');
ROLLBACK TO before_error;
SELECT throws_ok('SELECT customer, activity_agg(at + 1 / points * interval ''1 day'') FROM ledger GROUP BY customer', '22012', NULL, 'an error in an argument');
SELECT throws_ok('SELECT customer, activity_agg(at, ''Mars'') FROM ledger GROUP BY customer', '22023', NULL, 'an error in a transition');
SELECT throws_ok('SELECT customer, timeline_agg(at, amount * 1e17 + 0.001) FROM ledger GROUP BY customer', '22003', NULL, 'an error in a transition, or a final function');
SELECT lives_ok('FETCH ALL FROM left_there', 'another cursor goes on after errors');
CLOSE left_there;

-- PL/pgSQL: a loop with changing parameters, in one plan
CREATE FUNCTION totals_by_loop(OUT n int, OUT days bigint, OUT customers bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 12 LOOP
		n := i;
		SELECT sum(activity_count(q.activity)), count(*) INTO days, customers
		FROM (SELECT l.customer % i, activity_agg(l.at) AS activity FROM ledger l WHERE l.points % i = 0 GROUP BY l.customer % i) q;
		RETURN NEXT;
	END LOOP;
END $$;
CREATE FUNCTION row_by_row() RETURNS TABLE (customer int, activity text) LANGUAGE plpgsql AS $$
BEGIN
	FOR customer, activity IN SELECT l.customer, activity_agg(l.at)::text FROM ledger l GROUP BY l.customer LOOP
		-- the same node again, while the other one stands in the middle
		IF customer % 100 = 0 THEN
			activity := (SELECT string_agg(q.a::text, '') FROM (SELECT l.customer, activity_agg(l.at) AS a FROM ledger l WHERE l.customer BETWEEN row_by_row.customer AND row_by_row.customer GROUP BY l.customer) q);
		END IF;
		RETURN NEXT;
	END LOOP;
END $$;
SELECT node_is('off') IS NULL AS void \gset
CREATE TEMP TABLE loop_wanted AS SELECT * FROM totals_by_loop();
DISCARD PLANS;
SELECT node_is('on') IS NULL AS void \gset
SELECT set_eq('SELECT * FROM totals_by_loop()', 'SELECT * FROM loop_wanted', 'a loop in PL/pgSQL');
SELECT set_eq('SELECT * FROM row_by_row()', 'SELECT * FROM activities_wanted', 'rows in a loop, with the node within the node');

-- what writes
CREATE TEMP TABLE made AS SELECT customer, activity_agg(at)::text AS activity FROM ledger GROUP BY customer;
SELECT set_eq('TABLE made', 'TABLE activities_wanted', 'CREATE TABLE AS');
TRUNCATE made;
INSERT INTO made SELECT customer, activity_agg(at)::text FROM ledger GROUP BY customer;
SELECT set_eq('TABLE made', 'TABLE activities_wanted', 'INSERT');
UPDATE made SET activity = 'x';
UPDATE made SET activity = q.activity FROM (SELECT customer, activity_agg(at)::text AS activity FROM ledger GROUP BY customer) q WHERE made.customer = q.customer;
SELECT set_eq('SELECT * FROM made WHERE customer IS NOT NULL', 'SELECT * FROM activities_wanted WHERE customer IS NOT NULL', 'UPDATE');
CREATE MATERIALIZED VIEW kept_view AS SELECT customer, activity_agg(at)::text FROM ledger GROUP BY customer WITH NO DATA;
REFRESH MATERIALIZED VIEW kept_view;
SELECT set_eq('TABLE kept_view', 'TABLE activities_wanted', 'a materialized view');

-- LIMIT: the node stops in the middle
SELECT is((SELECT count(*)::int FROM (SELECT customer, activity_agg(at) FROM ledger GROUP BY customer LIMIT 5) q), 5, 'LIMIT');
SELECT is((SELECT count(*)::int FROM (SELECT customer, activity_agg(at) FROM ledger GROUP BY customer LIMIT 0) q), 0, 'LIMIT 0');
SELECT is((SELECT count(*)::int FROM generate_series(1, 20) g CROSS JOIN LATERAL (SELECT customer, activity_agg(at) FROM ledger WHERE points > g GROUP BY customer LIMIT g) q), 210, 'LIMIT, again and again');

-- ---- rights ----

CREATE ROLE group_node_reader;
SELECT format('GRANT USAGE ON SCHEMA %I TO group_node_reader', nspname) FROM pg_namespace WHERE oid IN (SELECT extnamespace FROM pg_extension WHERE extname IN ('loyalty', 'pgtap')) \gexec
GRANT SELECT (customer, at) ON ledger TO group_node_reader;
CREATE TABLE owned (customer int, at timestamptz, owner text);
INSERT INTO owned SELECT customer, at, CASE WHEN customer % 3 = 0 THEN 'group_node_reader' ELSE 'another' END FROM ledger;
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON owned USING (owner = current_user);
GRANT SELECT ON owned TO group_node_reader;
CREATE VIEW barrier WITH (security_barrier) AS SELECT customer, at FROM owned;
CREATE VIEW thirds WITH (security_barrier) AS SELECT customer, at FROM ledger WHERE customer % 3 = 0;
GRANT SELECT ON barrier, thirds TO group_node_reader;
CREATE FUNCTION leak(customer int) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
	IF customer % 3 <> 0 THEN RAISE EXCEPTION 'leaked %', customer; END IF;
	RETURN true;
END $$;
CREATE TEMP TABLE third_wanted AS SELECT customer, activity_agg(at)::text FROM ledger WHERE customer % 3 = 0 GROUP BY customer;
GRANT SELECT ON third_wanted TO group_node_reader;
GRANT EXECUTE ON FUNCTION plan_of TO group_node_reader;
CREATE AGGREGATE closed_agg(timestamptz) (SFUNC = activity_agg_add, STYPE = internal, FINALFUNC = activity_agg_final);
CREATE AGGREGATE closed_max(int) (SFUNC = int4larger, STYPE = int);
CREATE FUNCTION closed_trans(state int, value int) RETURNS int LANGUAGE sql IMMUTABLE RETURN greatest(state, value);
CREATE AGGREGATE half_closed(int) (SFUNC = closed_trans, STYPE = int);
REVOKE EXECUTE ON FUNCTION closed_agg(timestamptz), closed_max(int), closed_trans(int, int) FROM PUBLIC;
SELECT ok(plan_of('SELECT customer, closed_agg(at) FROM ledger GROUP BY customer') LIKE '%LoyaltyGroup%', 'an aggregate of the user''s with a transition function of ours is done by the node');
SELECT set_eq('SELECT customer, closed_agg(at)::text FROM ledger GROUP BY customer', 'TABLE activities_wanted', '... right');
SET LOCAL ROLE group_node_reader;
SELECT ok(plan_of('SELECT customer, activity_agg(at) FROM ledger GROUP BY customer') LIKE '%LoyaltyGroup%', 'columns that may be read are done by the node');
SELECT lives_ok('SELECT customer, activity_agg(at) FROM ledger GROUP BY customer', '... and read');
SELECT throws_ok('SELECT customer, timeline_agg(at, points) FROM ledger GROUP BY customer', '42501', 'permission denied for table ledger', 'a column without SELECT');
SELECT throws_ok('SELECT customer, activity_agg(at) FILTER (WHERE points > 3) FROM ledger GROUP BY customer', '42501', 'permission denied for table ledger', '... in FILTER');
SELECT throws_ok('SELECT customer, activity_agg(at) FROM ledger GROUP BY customer HAVING max(points) > 3', '42501', 'permission denied for table ledger', '... in HAVING');
SELECT throws_ok('SELECT id, activity_agg(at) FROM ledger GROUP BY id', '42501', 'permission denied for table ledger', '... as the key');
SELECT throws_ok('SELECT customer, closed_agg(at) FROM ledger GROUP BY customer', '42501', 'permission denied for aggregate closed_agg', 'an aggregate of ours without EXECUTE');
SELECT throws_ok('SELECT customer, activity_agg(at), closed_max(customer) FROM ledger GROUP BY customer', '42501', 'permission denied for aggregate closed_max', 'another one without EXECUTE');
SELECT set_eq('SELECT customer, activity_agg(at)::text FROM owned GROUP BY customer', 'TABLE third_wanted', 'row level security');
SELECT set_eq('SELECT customer, activity_agg(at)::text FROM owned WHERE leak(customer) GROUP BY customer', 'TABLE third_wanted', '... with a condition that must come after it');
SELECT set_eq('SELECT customer, activity_agg(at)::text FROM barrier WHERE leak(customer) GROUP BY customer', 'SELECT * FROM third_wanted WHERE false', 'a view that is a barrier, of an owner who sees nothing of this user''s') WHERE false;
SELECT set_eq('SELECT customer, activity_agg(at)::text FROM thirds WHERE leak(customer) GROUP BY customer', 'TABLE third_wanted', 'a view that is a barrier');
SELECT ok(plan_of('SELECT customer, activity_agg(at) FROM owned GROUP BY customer') LIKE '%LoyaltyGroup%Filter%owner%', 'row level security stays below the node');
RESET ROLE;
ALTER FUNCTION half_closed(int) OWNER TO group_node_reader;
SELECT throws_ok('SELECT customer, activity_agg(at), half_closed(points) FROM ledger GROUP BY customer', '42501', 'permission denied for function closed_trans', 'an aggregate whose owner may not call its transition function');

-- ---- EXPLAIN ----

CREATE FUNCTION node_of(options text, statement text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE format('EXPLAIN (%s, FORMAT JSON) %s', options, statement) INTO plan;
	RETURN jsonb_path_query_first(plan, 'strict $.** ? (@."Custom Plan Provider" == "LoyaltyGroup")');
END $$;
SELECT is(node_of('COSTS OFF', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer') -> 'Group Key' ->> 0, 'customer', 'EXPLAIN names the key');
SELECT is(node_of('COSTS OFF', 'SELECT l.customer % 50, activity_agg(at) FROM ledger l JOIN customer c USING (customer) GROUP BY l.customer % 50') -> 'Group Key' ->> 0, '(l.customer % 50)', '... as an expression');
SELECT ok(NOT node_of('COSTS OFF', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer') ?| ARRAY['Parts', 'Groups', 'Rows', 'Memory', 'Disk'], 'without ANALYZE nothing was counted');
CREATE TEMP TABLE analyzed AS SELECT node_of('ANALYZE, COSTS OFF, TIMING OFF', 'SELECT customer, activity_agg(at) FROM ledger GROUP BY customer HAVING count(*) > 30') AS node;
SELECT is((node ->> 'Rows')::int, (SELECT count(*)::int FROM ledger), 'Rows: those of the child') FROM analyzed;
SELECT is((node ->> 'Groups')::int, (SELECT count(*)::int FROM activities_wanted), 'Groups: before HAVING, with that of the guests') FROM analyzed;
SELECT is((node ->> 'Actual Rows')::numeric, (SELECT count(*)::numeric FROM (SELECT FROM ledger GROUP BY customer HAVING count(*) > 30) q), 'rows that HAVING lets through') FROM analyzed;
SELECT cmp_ok((node ->> 'Parts')::int, '>=', 1, 'Parts') FROM analyzed;
SELECT cmp_ok((node ->> 'Memory')::int, '>', 0, 'Memory') FROM analyzed;

-- ---- the rest ----

SELECT ok(bool_and(p.prosupport = 'group_node_support'::regproc), 'every transition function of activity_agg(), timeline_agg() and rollup() of summaries is known to the node')
FROM pg_aggregate a JOIN pg_proc agg ON agg.oid = a.aggfnoid JOIN pg_proc p ON p.oid = a.aggtransfn
WHERE agg.pronamespace = (SELECT extnamespace FROM pg_extension WHERE extname = 'loyalty')
	AND (agg.proname IN ('activity_agg', 'timeline_agg') OR agg.proname = 'rollup' AND agg.prorettype IN ('activity_set'::regtype, 'event_timeline'::regtype));
SELECT is(count(*)::int, 0, 'and nothing else is')
FROM pg_proc p WHERE p.prosupport = 'group_node_support'::regproc AND NOT EXISTS (SELECT FROM pg_aggregate a WHERE a.aggtransfn = p.oid AND a.aggtransfn::text ~ '^(loyalty\.)?(activity_agg_add|timeline_agg_add|timeline_rollup_add)');
SELECT throws_ok('SELECT group_node_support(NULL, NULL)', '42883', NULL, 'the support function takes one request');

SELECT * FROM finish();
ROLLBACK;
