--
-- Bases compare by what they hold, however they were collected: DISTINCT, GROUP BY, UNION, IS DISTINCT
-- FROM, sorting, merge and hash joins, indexes.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(39);

CREATE TABLE orders AS
SELECT n % 53 AS customer, timestamptz '2024-01-01 00:00+00' + n * interval '5 hours' AS at, (n % 7) * 1.5 AS amount FROM generate_series(1, 1200) n;
-- every row several times
CREATE TABLE often AS SELECT o.* FROM orders o, generate_series(1, 20);
CREATE TABLE base (how text, activities activity_base_bigint, timelines timeline_base_bigint);

INSERT INTO base SELECT 'as they come', activities(customer, at), timelines(customer, at, amount) FROM orders;
INSERT INTO base SELECT 'backwards', activities(customer, at ORDER BY at DESC, customer), timelines(customer, at, amount ORDER BY customer DESC, at DESC) FROM orders;
INSERT INTO base SELECT 'of numeric customers', activities(customer::numeric, at), timelines(customer::smallint, at, amount) FROM orders;
INSERT INTO base SELECT 'often', activities(customer, at), timelines(customer, at, amount) FROM often;
INSERT INTO base SELECT 'read back', activities::text::activity_base_bigint, timelines::text::timeline_base_bigint FROM base WHERE how = 'as they come';
INSERT INTO base SELECT 'one customer less', activities(customer, at), timelines(customer, at, amount) FROM orders WHERE customer <> 7;
INSERT INTO base SELECT 'another customer', activities(CASE customer WHEN 7 THEN 1007 ELSE customer END, at), timelines(CASE customer WHEN 7 THEN 1007 ELSE customer END, at, amount) FROM orders;
INSERT INTO base SELECT 'one day less', activities(customer, at), timelines(customer, at, amount) FROM orders WHERE at > (SELECT min(at) FROM orders);
INSERT INTO base SELECT 'a guest', activities(nullif(customer, -1), at), timelines(nullif(customer, -1), at, amount) FROM (TABLE orders UNION ALL VALUES (-1, now(), 1)) o;
INSERT INTO base VALUES ('none', NULL, NULL);

SELECT is(b.activities = f.activities, b.how <> ALL ('{one customer less,another customer,one day less,a guest}'), 'activities ' || b.how || ': the same?')
FROM base b, base f WHERE f.how = 'as they come' AND b.how <> 'none' ORDER BY b.how;
SELECT is(b.timelines = f.timelines, b.how NOT IN ('often', 'one customer less', 'another customer', 'one day less', 'a guest'), 'timelines ' || b.how || ': the same?')
FROM base b, base f WHERE f.how = 'as they come' AND b.how <> 'none' ORDER BY b.how;
-- one that grew into parts, and one that didn't
CREATE TABLE wide AS SELECT activities(n, day) AS once, (SELECT activities(n, day) FROM generate_series(1, 10000) n, generate_series(1, 4), (VALUES (date '2024-01-01')) v(day)) AS often FROM generate_series(1, 10000) n, (VALUES (date '2024-01-01')) v(day);
SELECT ok(pg_column_size(once) <> pg_column_size(often), 'a collector that grew is stored in other bytes') FROM wide;
SELECT ok(once = often AND activity_base_hash(once) = activity_base_hash(often), '... and is the same') FROM wide;
SELECT is_empty($$SELECT a.how, b.how FROM base a, base b WHERE a.activities = b.activities AND (activity_base_hash(a.activities) <> activity_base_hash(b.activities) OR activity_base_hash_extended(a.activities, 42) <> activity_base_hash_extended(b.activities, 42))$$, 'equal bases have equal hashes');
SELECT is((SELECT count(DISTINCT activity_base_hash(activities)) FROM base), 5::bigint, '... and different ones others, here');
SELECT is_empty($$SELECT a.how, b.how FROM base a, base b WHERE a.activities IS NOT NULL AND b.activities IS NOT NULL
	AND (((a.activities < b.activities)::int + (a.activities = b.activities)::int + (a.activities > b.activities)::int) <> 1 OR (a.activities <= b.activities) = (a.activities > b.activities) OR (a.activities <> b.activities) = (a.activities = b.activities) OR (a.activities >= b.activities) = (a.activities < b.activities))$$, 'one of less, equal, greater');
SELECT is_empty($$SELECT a.how FROM base a, base b, base c WHERE a.timelines < b.timelines AND b.timelines < c.timelines AND NOT a.timelines < c.timelines$$, '... in one order');

-- what is built on it
SELECT is((SELECT count(*) FROM (SELECT DISTINCT activities FROM base) q), 6::bigint, 'DISTINCT');
SELECT is((SELECT count(*) FROM (SELECT activities FROM base GROUP BY activities) q), 6::bigint, 'GROUP BY');
SELECT is((SELECT count(*) FROM (SELECT timelines FROM base UNION SELECT timelines FROM base) q), 7::bigint, 'UNION');
SELECT is((SELECT count(*) FROM base a, base b WHERE a.activities IS DISTINCT FROM b.activities AND a.how = 'none'), 9::bigint, 'IS DISTINCT FROM');
SELECT is((SELECT array_agg(how ORDER BY how) FROM base WHERE activities IS NOT DISTINCT FROM NULL), '{none}', '... NULL');
SET LOCAL enable_nestloop = off;
SET LOCAL enable_mergejoin = off;
SELECT is((SELECT count(*) FROM base a JOIN base b USING (activities)), 29::bigint, 'hash join');
SET LOCAL enable_mergejoin = on;
SET LOCAL enable_hashjoin = off;
SELECT is((SELECT count(*) FROM base a JOIN base b USING (activities)), 29::bigint, 'merge join');
CREATE INDEX ON base USING hash (timelines);
SET LOCAL enable_seqscan = off;
SELECT is((SELECT count(*) FROM base WHERE timelines = (SELECT timelines FROM base WHERE how = 'backwards')), 4::bigint, 'hash index');

-- an empty base, members without events, texts and uuids, values as numbers
SELECT ok(activities(NULL::int, now()) = activities(NULL::bigint, now() - interval '1 day'), 'a guest each') FROM generate_series(1, 1);
SELECT ok(activities(1, NULL::date) <> activities(2, NULL::date), 'members without events are told apart') FROM generate_series(1, 1);
SELECT ok(timelines('a'::text, '2024-01-01', 1.5) = timelines('a'::text, '2024-01-01', 1.50), '1.5 is 1.50') FROM generate_series(1, 1);
SELECT is(timeline_base_hash(timelines('a'::text, '2024-01-01', 1.5)), timeline_base_hash(timelines('a'::text, '2024-01-01', 1.50)), '... and hashes so') FROM generate_series(1, 1);
SELECT ok(timelines('a'::text, '2024-01-01') <> timelines('b'::text, '2024-01-01'), 'customers that are texts') FROM generate_series(1, 1);
SELECT ok(activities('00000000-0000-0000-0000-000000000001'::uuid, date '2024-01-01')::activity_base <> activities(1, date '2024-01-01')::activity_base, 'customers of another type are others') FROM generate_series(1, 1);
SELECT ok(activities(1, '2024-01-01 12:00+00'::timestamptz, 'UTC') <> activities(1, '2024-01-01 12:00+00'::timestamptz, 'Europe/Helsinki'), 'days of another zone are others') FROM generate_series(1, 1);
SELECT * FROM finish();
ROLLBACK;
