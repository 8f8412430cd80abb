--
-- Who brought whom: against recursive queries on random graphs; a worked example; by every type of customers, in any
-- order and parts, in parallel; long chains, stars and circles; text and bytes; errors.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\ir reference/referrals.sql
\ir reference/work.sql

-- ---- a worked example ----

-- 1 brought 2 and 3, 2 brought 4, whom 3 says he brought, too. 5 came by 99, who is no customer; 6 names himself. 7, 8 and 9 brought
-- each other in a circle; 10 came by 7, 11 by 10. 12 names 98, who isn't a customer, and 1; 13 names 97 and 96, who both aren't.
CREATE TABLE told (customer int, referrer int);
INSERT INTO told VALUES (1, NULL), (2, 1), (3, 1), (4, 3), (4, 2), (5, 99), (6, 6), (7, 8), (8, 9), (9, 7), (10, 7), (11, 10), (12, 98), (12, 1), (13, 97), (13, 96), (2, 1), (2, NULL), (NULL, 3), (NULL, NULL);
CREATE TABLE made AS SELECT referrals(customer, referrer) AS r FROM told;
SELECT is(r::text, '{"rows_without_customer": 2, "referrals": [[1], [2, 1], [3, 1], [4, 2, 3], [5, 99], [6, 6], [7, 8], [8, 9], [9, 7], [10, 7], [11, 10], [12, 1, 98], [13, 96, 97]]}', 'what is collected') FROM made;
SELECT results_eq('SELECT t.* FROM made, referral_table(r) t', $$VALUES
	-- customer, referrer, root, depth, direct, downstream, is_customer, referrers, unknown, self, in_cycle
	(1::bigint, NULL::bigint, 1::bigint, 0, 3::bigint, 4::bigint, true, 0, false, false, false),
	(2, 1, 1, 1, 1, 1, true, 1, false, false, false), (3, 1, 1, 1, 0, 0, true, 1, false, false, false), (4, 2, 1, 2, 0, 0, true, 2, false, false, false),
	(5, 99, 99, 1, 0, 0, true, 1, true, false, false), (6, NULL, 6, 0, 0, 0, true, 0, false, true, false),
	(7, 8, NULL, NULL, 2, NULL, true, 1, false, false, true), (8, 9, NULL, NULL, 1, NULL, true, 1, false, false, true), (9, 7, NULL, NULL, 1, NULL, true, 1, false, false, true),
	(10, 7, NULL, NULL, 1, 1, true, 1, false, false, false), (11, 10, NULL, NULL, 0, 0, true, 1, false, false, false),
	(12, 1, 1, 1, 0, 0, true, 2, false, false, false), (13, 96, 96, 1, 0, 0, true, 2, true, false, false),
	(96, NULL, 96, 0, 1, 1, false, 0, false, false, false), (97, NULL, 97, 0, 0, 0, false, 0, false, false, false),
	(98, NULL, 98, 0, 0, 0, false, 0, false, false, false), (99, NULL, 99, 0, 1, 1, false, 0, false, false, false)$$, 'a row for each');
SELECT results_eq('SELECT t.* FROM made, referral_links(r) t', $$VALUES (1::bigint, NULL::bigint, NULL::boolean), (2, 1, true), (3, 1, true), (4, 2, true), (4, 3, false), (5, 99, true), (6, 6, false),
	(7, 8, true), (8, 9, true), (9, 7, true), (10, 7, true), (11, 10, true), (12, 1, true), (12, 98, false), (13, 96, true), (13, 97, false)$$, 'what was named, and what counts');
-- depths of 1 to 6, 12 and 13: 0, 1, 1, 2, 1, 0, 1, 1
SELECT results_eq('SELECT s.* FROM made, referral_summary(r) s',
	'VALUES (13::bigint, 11::bigint, 11 / 13::float8, 6::bigint, 8::bigint, 7 / 8::float8, 2, 11 / 17::float8, 4::bigint, 1::bigint, 3::bigint, 1::bigint, 3::bigint, 2::bigint, 2::bigint)', 'all in one row');
-- generation 0: 1, 6 and the four unknown; 1 brought three, 96 and 99 one each. Of 2, 3, 5, 12 and 13 one brought one.
SELECT results_eq('SELECT t.* FROM made, referral_generations(r) t',
	'VALUES (0, 6::bigint, 3::bigint, 5::bigint, 0.5::float8, 5 / 3::float8, 5 / 6::float8), (1, 5, 1, 1, 0.2, 1, 0.2), (2, 1, 0, 0, 0, NULL, 0)', 'K by generation');
SELECT is(metric || rows_without_customer || coalesce(period, zone, as_of::text, policy::text, arguments::text, ''), 'referrals2', 'what it is about') FROM made, result_scope(r);

-- ---- against recursive queries ----

CREATE TABLE collected AS SELECT graph, referrals(customer, referrer) AS r FROM brought GROUP BY graph;
SELECT results_eq(format('SELECT t.* FROM collected, referral_table(r) t WHERE graph = %s', graph), format('SELECT * FROM ref_referrals(%s) ORDER BY customer', graph), 'graph ' || graph) FROM generate_series(1, 8) graph;
CREATE TABLE wanted AS SELECT graph, w.* FROM generate_series(1, 8) graph, ref_referrals(graph) w;
SELECT ok(count(*) FILTER (WHERE in_cycle) > 20 AND count(*) FILTER (WHERE root IS NULL AND NOT in_cycle) > 100 AND count(*) FILTER (WHERE self_referral) > 20 AND max(depth) > 7
	AND count(*) FILTER (WHERE unknown_referrer) > 50 AND count(*) FILTER (WHERE referrers > 1) > 50 AND count(*) FILTER (WHERE NOT is_customer) > 30, 'graphs have all of it') FROM wanted;
SELECT results_eq('SELECT graph, s.customers, s.referred, s.roots, s.referring, round(s.mean_depth::numeric, 9), s.max_depth, s.unknown_referrers, s.self_referrals, s.several_referrers, s.in_cycles, s.below_cycles, s.rows_without_customer FROM collected, referral_summary(r) s ORDER BY 1',
	'SELECT graph, count(*) FILTER (WHERE is_customer), count(referrer), count(*) FILTER (WHERE depth = 0), count(*) FILTER (WHERE direct > 0), round(avg(depth) FILTER (WHERE is_customer), 9), max(depth) FILTER (WHERE is_customer), count(*) FILTER (WHERE NOT is_customer),
		count(*) FILTER (WHERE self_referral), count(*) FILTER (WHERE referrers > 1), count(*) FILTER (WHERE in_cycle), count(*) FILTER (WHERE root IS NULL AND NOT in_cycle), (SELECT count(*) FROM brought b WHERE b.graph = w.graph AND customer IS NULL)
	FROM wanted w GROUP BY graph ORDER BY 1', 'summaries');
SELECT is_empty('SELECT graph FROM collected, referral_summary(r) s WHERE s.roots - s.unknown_referrers + s.referred <> s.customers OR referred_share <> referred / customers::float8 OR referrals_per_customer <> referred / (customers + unknown_referrers)::float8', 'who was not brought is a root');
-- A circle is its smallest customer's.
SELECT results_eq('SELECT graph, s.cycles FROM collected, referral_summary(r) s ORDER BY 1', $$
	WITH RECURSIVE round (graph, start, at) AS (
		SELECT graph, customer, referrer FROM wanted WHERE in_cycle UNION SELECT r.graph, r.start, w.referrer FROM round r JOIN wanted w ON w.graph = r.graph AND w.customer = r.at)
	SELECT g, (SELECT count(DISTINCT first) FROM (SELECT min(at) AS first FROM round WHERE graph = g GROUP BY start) q) FROM generate_series(1, 8) g ORDER BY 1$$, 'circles');
SELECT results_eq('SELECT graph, t.generation, t.members, t.referring, t.referrals, round(t.referrals_per_customer::numeric, 9), round(t.referring_share::numeric, 9), round(t.referrals_per_referrer::numeric, 9) FROM collected, referral_generations(r) t ORDER BY 1, 2',
	'SELECT w.graph, w.depth, count(*), count(*) FILTER (WHERE direct > 0), (SELECT count(*) FROM wanted n WHERE n.graph = w.graph AND n.depth = w.depth + 1),
		round(avg(direct), 9), round(avg((direct > 0)::int), 9), round(avg(direct) FILTER (WHERE direct > 0), 9) FROM wanted w WHERE depth IS NOT NULL GROUP BY w.graph, w.depth ORDER BY 1, 2', 'generations');
SELECT results_eq('SELECT graph, t.customer, t.referrer, t.counts FROM collected, referral_links(r) t ORDER BY 1, 2, 3',
	'SELECT b.graph, b.customer, b.referrer, CASE WHEN b.referrer IS NOT NULL THEN b.referrer IS NOT DISTINCT FROM w.referrer END FROM (SELECT DISTINCT graph, customer, referrer FROM brought WHERE customer IS NOT NULL) b JOIN wanted w USING (graph, customer)
	WHERE b.referrer IS NOT NULL OR NOT EXISTS (SELECT FROM brought o WHERE o.graph = b.graph AND o.customer = b.customer AND o.referrer IS NOT NULL) ORDER BY 1, 2, 3', 'what was named');

-- ---- every type of customers ----

-- keys in the order of the numbers
CREATE VIEW typed AS
SELECT graph, customer, referrer, customer::smallint AS c_smallint, referrer::smallint AS r_smallint, customer::int AS c_int, referrer::int AS r_int, customer::numeric(9, 2) AS c_numeric, referrer::numeric AS r_numeric,
	('00000000-0000-0000-0000-' || lpad(to_hex(customer + 100), 12, '0'))::uuid AS c_uuid, ('00000000-0000-0000-0000-' || lpad(to_hex(referrer + 100), 12, '0'))::uuid AS r_uuid,
	'Käufer ' || lpad((customer + 100)::text, 5, '0') AS c_text, 'Käufer ' || lpad((referrer + 100)::text, 5, '0') AS r_text, ('v' || lpad((customer + 100)::text, 5, '0'))::varchar(9) AS c_varchar, ('v' || lpad((referrer + 100)::text, 5, '0'))::varchar AS r_varchar
FROM brought;
SELECT results_eq(format('SELECT graph, referrals(c_%s, r_%1$s) FROM typed GROUP BY graph ORDER BY graph', type), 'SELECT * FROM collected ORDER BY graph', type) FROM unnest(ARRAY['smallint', 'int', 'numeric']) type;
SELECT results_eq(format('SELECT graph, %2$s AS customer, pg_typeof(t.root)::text, t.depth, t.direct, t.downstream, t.is_customer, t.referrers, t.unknown_referrer, t.self_referral, t.in_cycle, %3$s AS root
	FROM (SELECT graph, referrals(c_%1$s, r_%1$s) AS r FROM typed GROUP BY graph) q, referral_table(r) t ORDER BY graph, t.customer', type, replace(number, '@', 't.customer'), replace(number, '@', 't.root')),
	format('SELECT graph, customer, %L, depth, direct, downstream, is_customer, referrers, unknown_referrer, self_referral, in_cycle, root FROM wanted ORDER BY graph, customer', out_type), type)
FROM (VALUES ('uuid', 'uuid', $$('x' || right(@::text, 12))::bit(48)::bigint - 100$$), ('text', 'text', 'right(@, 5)::bigint - 100'), ('varchar', 'text', 'right(@, 5)::bigint - 100')) v(type, out_type, number);
SELECT results_eq($$SELECT t.customer FROM (SELECT referrals(c, r) AS r FROM (VALUES ('b', 'ab'), ('', 'aaaaaaaab'), ('aaaaaaaa', 'aaaaaaaaa'), ('Ä', 'aaaaaaaa'), ('a', NULL), (repeat('a', 9000), repeat('b', 70000))) v(c, r)) q, referral_table(q.r) t$$,
	$$SELECT c FROM unnest(ARRAY['', 'a', 'aaaaaaaa', 'aaaaaaaaa', 'aaaaaaaab', 'ab', 'b', 'Ä', repeat('a', 9000), repeat('b', 70000)]) c ORDER BY c COLLATE "C"$$, 'texts are sorted by their bytes');
SELECT is(referrals(c, r)::text, '{"rows_without_customer": 0, "referrals": [[-9223372036854775808, 9223372036854775807], [0], [9223372036854775807, -1]]}', 'the ends of bigint')
FROM (VALUES ('9223372036854775807'::bigint, -1::bigint), ('-9223372036854775808', 9223372036854775807), (0, NULL)) v(c, r);
SELECT throws_ok('SELECT referrals(1.5, 2)', '22023', 'customer 1.5 is not a whole number', 'a fraction');
SELECT throws_ok('SELECT referrals(1, 1e30)', '22003', NULL, '... out of range');

-- ---- in any order, in parts, in parallel ----

SELECT results_eq('SELECT graph, referrals(customer, referrer ORDER BY random()) FROM brought GROUP BY graph ORDER BY graph', 'SELECT * FROM collected ORDER BY graph', 'in any order');
CREATE TABLE part AS SELECT graph, n, referrals(customer, referrer) AS r FROM (SELECT *, (random() * 4)::int AS n FROM brought) b GROUP BY graph, n;
SELECT results_eq('SELECT graph, rollup(r) FROM part GROUP BY graph ORDER BY graph', 'SELECT * FROM collected ORDER BY graph', 'parts, customers in several of them, add up');
SELECT results_eq('SELECT graph, rollup(r ORDER BY n DESC) FROM part GROUP BY graph ORDER BY graph', 'SELECT * FROM collected ORDER BY graph', '... in any order');
SELECT results_eq('SELECT graph, rollup(r) FROM (SELECT graph, rollup(r) AS r FROM part GROUP BY graph, n % 2) q GROUP BY graph ORDER BY graph', 'SELECT * FROM collected ORDER BY graph', '... of parts');
SELECT results_eq('SELECT graph, referrals(t.customer, t.referrer) FROM collected, referral_links(r) t GROUP BY graph ORDER BY graph', $$SELECT graph, regexp_replace(r::text, '": \d+', '": 0')::referrals_result_bigint FROM collected ORDER BY graph$$, 'links make it again');
SELECT is(rollup(r), NULL, 'rollup of NULL') FROM (VALUES (NULL::referrals_result_bigint), (NULL)) v(r);
SELECT is((SELECT rollup(v.r) FROM made m, LATERAL (VALUES (NULL::referrals_result_bigint), (m.r), (NULL)) v(r)), r, 'rollup leaves NULLs out') FROM made;
SELECT is(referrals(customer, referrer), NULL, 'no rows') FROM told WHERE false;
SELECT is(referrals(NULL::uuid, md5('a')::uuid)::text, '{"rows_without_customer": 1, "referrals": []}', 'guests only: whom they name does not count');
SELECT results_eq($$SELECT customers, referred, referred_share, roots, mean_depth, max_depth, referrals_per_customer, cycles, rows_without_customer FROM referral_summary((SELECT referrals(NULL::int, 5)))$$,
	'VALUES (0::bigint, 0::bigint, NULL::float8, 0::bigint, NULL::float8, NULL::int, NULL::float8, 0::bigint, 1::bigint)', '... in one row');
SELECT is_empty('SELECT * FROM referral_generations((SELECT referrals(NULL::int, 5)))', '... no generation');
SELECT is_empty('SELECT * FROM referral_table((SELECT referrals(NULL::int, 5)))', '... no row');
SELECT is_empty(format('SELECT * FROM %s(NULL::referrals_result_text)', f), f || ' of NULL') FROM unnest(ARRAY['referral_table', 'referral_links', 'referral_generations']) f;
SELECT is(num_nonnulls(VARIADIC ARRAY[s.customers, s.referred, s.roots, s.cycles, s.rows_without_customer]), 0, 'referral_summary of NULL') FROM referral_summary(NULL::referrals_result_text) s;

-- more than one batch, growing tables, rows that come again and again, many with several referrers
CREATE TABLE many AS SELECT n % 40000 AS customer, CASE WHEN n % 40000 < 35000 THEN n % 40000 / 2 + n / 40000 * (n % 40000 % 3) ELSE n % 5 + 35000 END AS referrer FROM generate_series(1, 120000) n;
ANALYZE many;
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || query INTO plan; RETURN regexp_replace(plan::text, '\s+', ' ', 'g'); END $$;
SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT referrals(customer, referrer) AS r, referrals('c' || customer, 'c' || referrer) AS t, referrals(md5(customer::text)::uuid, md5(referrer::text)::uuid) AS u FROM many;
SELECT set_eq($$SELECT customer, referrer FROM serial, referral_links(r)$$, 'SELECT customer::bigint, referrer::bigint FROM many', 'many, serially');
SELECT set_eq($$SELECT customer, referrer FROM serial, referral_links(t)$$, $$SELECT 'c' || customer AS c, 'c' || referrer AS r FROM many$$, '... texts');
SELECT set_eq($$SELECT customer, referrer FROM serial, referral_links(u)$$, $$SELECT md5(customer::text)::uuid AS c, md5(referrer::text)::uuid AS r FROM many$$, '... uuids');
SET LOCAL max_parallel_workers_per_gather = 3;
SELECT alike(pg_temp.plan_of('SELECT referrals(customer, referrer) FROM many'), '%Gather%Partial%', 'a plan with workers');
SELECT results_eq('SELECT referrals(customer, referrer) FROM many', 'SELECT r FROM serial', 'in parallel');
SELECT results_eq($$SELECT referrals(customer, referrer) AS r, referrals('c' || customer, 'c' || referrer) AS t, referrals(md5(customer::text)::uuid, md5(referrer::text)::uuid) AS u FROM many$$, 'SELECT * FROM serial', '... of every type');
SELECT results_eq('SELECT graph, referrals(customer, referrer) FROM brought GROUP BY graph ORDER BY graph', 'SELECT * FROM collected ORDER BY graph', '... by group');
SELECT results_eq('SELECT graph, rollup(r) FROM part GROUP BY graph ORDER BY graph', 'SELECT * FROM collected ORDER BY graph', '... rollup');
SET LOCAL max_parallel_workers_per_gather = 0;
-- a window goes on with a state that was shown before
SELECT results_eq('SELECT n, r.customers FROM (SELECT n, referrals(n, n - 1) OVER (ORDER BY n) AS r FROM generate_series(1, 5) n) q, referral_summary(q.r) r ORDER BY n', 'SELECT n, n::bigint FROM generate_series(1, 5) n', 'in a window');

-- ---- stored ----

SELECT results_eq('SELECT graph, r::text::referrals_result_bigint FROM collected ORDER BY graph', 'SELECT * FROM collected ORDER BY graph', 'text, and back');
SELECT results_eq('SELECT t::text::referrals_result_text, u::text::referrals_result_uuid FROM serial', 'SELECT t, u FROM serial', '... of every type');
CREATE TABLE again (LIKE serial);
COPY serial TO PROGRAM 'cat > referrals.bin' (FORMAT binary);
COPY again FROM PROGRAM 'cat referrals.bin && rm referrals.bin' (FORMAT binary);
SELECT results_eq('TABLE again', 'TABLE serial', 'binary');
SELECT is('{"referrals": [[4, 3], [2, 1, 1], [4, 2, 3], [2]]}'::referrals_result_bigint::text, '{"rows_without_customer": 0, "referrals": [[2, 1], [4, 2, 3]]}', 'in any order, several times');
SELECT is('{"referrals": [["\u00c4\"", "\\"]], "rows_without_customer": 7}'::referrals_result_text::text, '{"rows_without_customer": 7, "referrals": [["Ä\"", "\\"]]}', 'quotes');
SELECT results_eq('SELECT count(*), count(DISTINCT r) FROM (SELECT r FROM collected UNION ALL SELECT r FROM collected) q', 'VALUES (16::bigint, 8::bigint)', 'equality');
SELECT throws_ok(format('SELECT %L::referrals_result_%s', written, type), sqlstate, message, 'text: ' || written) FROM (VALUES
	('bigint', '', '22P02', NULL), ('bigint', '{"referrals": [[1, 2]', '22P02', NULL), ('bigint', '[[1, 2]]', '22P02', 'a referrals_result_bigint has an array where none belongs'),
	('bigint', '5', '22P02', 'a referrals_result_bigint is written as a JSON object of lists'), ('bigint', '{}', '22P02', 'a referrals_result_bigint has no "referrals"'),
	('bigint', '{"referrals": null}', '22P02', 'a referrals_result_bigint is written as a JSON object of lists'), ('bigint', '{"referrals": [1]}', '22P02', 'a referrals_result_bigint has a customer outside of a list'),
	('bigint', '{"referrals": [[]]}', '22P02', 'a referrals_result_bigint has a list without customer'), ('bigint', '{"referrals": [[1, [2]]]}', '22P02', 'a referrals_result_bigint has an array where none belongs'),
	('bigint', '{"referrals": [[1, {"a": 2}]]}', '22P02', 'a referrals_result_bigint has an object where none belongs'), ('bigint', '{"referrals": [[1, null]]}', '22P02', 'a referrals_result_bigint has a customer that is not a whole number'),
	('bigint', '{"referrals": [[1, "2"]]}', '22P02', 'a referrals_result_bigint has a customer that is not a whole number'), ('bigint', '{"referrals": [[1.0]]}', '22P02', 'a referrals_result_bigint has a customer that is not a whole number'),
	('bigint', '{"referrals": [[1e3]]}', '22P02', 'a referrals_result_bigint has a customer that is not a whole number'), ('bigint', '{"referrals": [[9223372036854775808]]}', '22003', NULL),
	('bigint', '{"referrals": [], "referrals": []}', '22P02', 'a referrals_result_bigint has a key twice'), ('bigint', '{"referrals": [], "customers": 3}', '22P02', 'unknown key "customers" in a referrals_result_bigint'),
	('bigint', '{"referrals": [], "rows_without_customer": -1}', '22P02', 'a referrals_result_bigint has "rows_without_customer" that is not a whole number, 0 or more'),
	('bigint', '{"referrals": [], "rows_without_customer": [1]}', '22P02', 'a referrals_result_bigint has an array where none belongs'),
	('bigint', '{"referrals": [], "rows_without_customer": 99999999999999999999}', '22003', NULL),
	('text', '{"referrals": [[1]]}', '22P02', 'a referrals_result_text has a customer that is not a string'), ('text', '{"referrals": [["\u0000"]]}', '22P05', NULL),
	('uuid', '{"referrals": [["abc"]]}', '22P02', NULL), ('uuid', '{"referrals": [[1]]}', '22P02', 'a referrals_result_uuid has a customer that is not a string')) v(type, written, sqlstate, message);
SELECT throws_ok($$SELECT rollup(r) FROM unnest(ARRAY['{"referrals": [], "rows_without_customer": 9223372036854775807}', '{"referrals": [], "rows_without_customer": 1}']::referrals_result_bigint[]) r$$, '22003', 'the number of rows without customer is out of range', 'too many guests');

-- Bytes: version, type of customers, rows without customer, nodes; a key and 1 + referrers, and who they are, each. A damaged value, as a table may have it,
-- is refused when it is opened.
\ir reference/raw_casts.sql
SELECT is('{"rows_without_customer": 2, "referrals": [[5, 3, 9], [9]]}'::referrals_result_bigint::bytea, '\x010102030600' || '\x020300020401'::bytea, 'the bytes');
SELECT is('{"referrals": [["a", "b"]]}'::referrals_result_text::bytea, '\x010300020161020101' || '\x6200'::bytea, '... of texts');
SELECT throws_ok(format('SELECT t.* FROM referral_table(%L::bytea::referrals_result_bigint) t', bytes), 'XX001', NULL, 'bytes: ' || what) FROM (VALUES
	('', 'none'), ('\x02010000', 'another version'), ('\x01000000', 'no type'), ('\x01040000', 'an unknown type'), ('\x0101', 'nothing behind'), ('\x01010001', 'a node less'), ('\x0101000000', 'a byte more'),
	('\x010100010200', 'who is named by nobody'), ('\x01010001020205', 'a referrer that there is not'), ('\x0101000202010001', 'a key twice'), ('\x01010002020201020101', 'too much'), ('\x010100020203010000' || '01', 'a referrer twice'),
	('\x0101008080808080', 'many nodes'), ('\x010100ffffffff0f', '... that there are not'), ('\x0101000202ffffffff0f', 'many referrers'), ('\x01010081000102', 'a longer number than it must be'),
	('\x01010002feffffffffffffffff01' || '0101' || '01', 'a key past the end'), ('\x010300010161' || '01', 'customers of another type')) v(bytes, what);
SELECT throws_ok(format('SELECT %s FROM (VALUES (%L::bytea::referrals_result_uuid)) v(r)', call, '\x0101000102' || '01'), 'XX001', NULL, call || ' of another type') FROM unnest(ARRAY['(SELECT count(root) FROM referral_table(r))', '(SELECT count(customer) FROM referral_links(r))']) call;
SELECT throws_ok($$SELECT rollup(r) FROM unnest(ARRAY['{"referrals": []}', '\x01010000'::bytea::referrals_result_uuid]) r$$, 'XX001', NULL, 'rollup of another type');

-- ---- long chains, stars and circles ----

CREATE TABLE shape AS
SELECT 'chain' AS shape, referrals(n, nullif(n - 1, 0)) AS r FROM generate_series(1, 100000) n UNION ALL SELECT 'star', referrals(n, nullif(1, n)) FROM generate_series(1, 100000) n
UNION ALL SELECT 'circle', referrals(n, n % 100000 + 1) FROM generate_series(1, 100000) n UNION ALL SELECT 'tail', referrals(n, CASE n WHEN 1 THEN 50000 ELSE n - 1 END) FROM generate_series(1, 100000) n;
SELECT results_eq('SELECT shape, s.customers, s.referred, s.roots, s.referring, s.mean_depth, s.max_depth, s.cycles, s.in_cycles, s.below_cycles FROM shape, referral_summary(r) s ORDER BY shape',
	'VALUES (''chain'', 100000::bigint, 99999::bigint, 1::bigint, 99999::bigint, 49999.5::float8, 99999, 0::bigint, 0::bigint, 0::bigint), (''circle'', 100000, 100000, 0, 100000, NULL, NULL, 1, 100000, 0),
		(''star'', 100000, 99999, 1, 1, 0.99999, 1, 0, 0, 0), (''tail'', 100000, 100000, 0, 99999, NULL, NULL, 1, 50000, 50000)', 'a hundred thousand each');
SELECT is_empty($$SELECT * FROM shape, referral_table(r) t WHERE shape = 'chain' AND (t.root, t.depth, t.direct, t.downstream) IS DISTINCT FROM (1::bigint, (t.customer - 1)::int, (t.customer < 100000)::int::bigint, 100000 - t.customer)$$, 'the chain');
SELECT is_empty($$SELECT * FROM shape, referral_table(r) t WHERE shape = 'star' AND (t.root, t.depth, t.direct) IS DISTINCT FROM (1::bigint, (t.customer > 1)::int, CASE WHEN t.customer = 1 THEN 99999 ELSE 0 END::bigint)$$, 'the star');
SELECT is_empty($$SELECT * FROM shape, referral_table(r) t WHERE shape = 'circle' AND NOT (t.in_cycle AND t.root IS NULL AND t.depth IS NULL AND t.downstream IS NULL AND t.direct = 1)$$, 'the circle');
SELECT is_empty($$SELECT * FROM shape, referral_table(r) t WHERE shape = 'tail' AND (t.in_cycle <> (t.customer <= 50000) OR t.root IS NOT NULL OR (t.customer > 50000 AND t.downstream <> 100000 - t.customer))$$, 'the tail below a circle');
SELECT is((SELECT count(*) FROM shape, referral_generations(r) WHERE shape = 'chain' AND members = 1), 100000::bigint, 'as many generations');
-- four times as many customers, whatever the graph: four times the work, and what the cache doesn't hold
CREATE FUNCTION pg_temp.asked(referrer text, n int) RETURNS text LANGUAGE sql AS $$ SELECT format('SELECT s.roots FROM (SELECT referrals(c, %s) AS r FROM generate_series(1, %s) c) q, referral_summary(q.r) s', replace(referrer, '@', n::text), n) $$;
SELECT cmp_ok(work_ratio(pg_temp.asked(referrer, 200000), pg_temp.asked(referrer, 50000), 12), '<', 12.0, 'work grows with customers: ' || referrer)
FROM unnest(ARRAY['nullif(c - 1, 0)', 'c % @ + 1', 'nullif(1, c)', 'c / 2', '(c::bigint * 7919 % @)::int']) referrer;
SELECT * FROM finish();
ROLLBACK;
