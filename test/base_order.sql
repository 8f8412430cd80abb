--
-- Customers stand in the order of the cluster's hashes. What was stored under another key, as before
-- pg_upgrade, or without one, gives the same answers; what clients get doesn't depend on the key.
-- And memory for grouping goes with the query that took it.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(15);

-- The stored bytes themselves: only a superuser can have them.
CREATE CAST (activity_base_bigint AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS activity_base_bigint) WITHOUT FUNCTION;
CREATE CAST (activity_base_text AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS activity_base_text) WITHOUT FUNCTION;

CREATE TABLE visit AS SELECT n * 7919 % 20011 AS customer, date '2024-01-01' + (n % 700)::int AS day FROM generate_series(1::bigint, 40000) n;
CREATE TABLE base AS
SELECT activities(customer, day) AS starts, activities(customer, day + 40) FILTER (WHERE customer % 3 > 0) AS returns, activities(customer::text, day) AS named FROM visit;

-- Behind the header of six bytes stands the fingerprint of the key.
CREATE FUNCTION under_another_key(base bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT overlay(base PLACING '\x0123456789abcdef' FROM 7 FOR 8) $$;
CREATE FUNCTION without_key(base text) RETURNS bytea LANGUAGE sql AS $$ SELECT decode(substr(base, 3), 'hex') $$;
CREATE TABLE moved AS
SELECT 'same' AS way, starts, returns, named FROM base
UNION ALL SELECT 'another', under_another_key(starts::bytea)::activity_base_bigint, under_another_key(returns::bytea)::activity_base_bigint, under_another_key(named::bytea)::activity_base_text FROM base
UNION ALL SELECT 'none', without_key(starts::text)::activity_base_bigint, without_key(returns::text)::activity_base_bigint, without_key(named::text)::activity_base_text FROM base;

SELECT is((SELECT count(DISTINCT starts::bytea)::int FROM moved), 3, 'stored in three ways');
SELECT isnt((SELECT substr(starts::bytea, 15) FROM moved WHERE way = 'same'), (SELECT substr(starts::bytea, 7) FROM moved WHERE way = 'none'), '... and in two orders');
SELECT is((SELECT count(DISTINCT starts::text)::int FROM moved), 1, 'all are one text');
SELECT is((SELECT count(DISTINCT named::text)::int FROM moved), 1, '... of customers as text, too');
SELECT is((SELECT count(DISTINCT activity_base_bigint_send(starts))::int FROM moved), 1, '... and one in binary');
SELECT results_eq(format('SELECT c.customer, c.activity FROM moved CROSS JOIN LATERAL customer_activities(starts) c WHERE way = %L ORDER BY 1', way),
	'SELECT customer, activity_agg(day) FROM visit GROUP BY 1 ORDER BY 1', format('every customer, with his days: key %s', way)) FROM moved;
SELECT is((SELECT count(DISTINCT retention(a.starts, b.returns, 'month', '2026-06-30')::text)::int FROM moved a, moved b), 1, 'two bases side by side, whatever their keys');
SELECT isnt_empty('SELECT FROM base, LATERAL retention_table(retention(starts, returns, ''month'', ''2026-06-30'')) t WHERE t.lag > 0 AND t.retained > 0', '... which have customers in common');
SELECT is((SELECT activities(customer, day ORDER BY customer)::text FROM visit), (SELECT activities(customer, day ORDER BY customer DESC, day DESC)::text FROM visit), 'the text does not depend on the order of rows');

-- ---- memory for grouping ----

CREATE FUNCTION grouping_bytes() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT coalesce(sum(total_bytes), 0)::bigint FROM pg_backend_memory_contexts WHERE name = 'loyalty grouping' $$;
SELECT cmp_ok((SELECT grouping_bytes() FROM (SELECT timelines(1, timestamptz '2024-01-01' + n * interval '1 s', n) AS b FROM generate_series(1, 1000000) n) q CROSS JOIN LATERAL customer_timelines(q.b) c),
	'>', 0::bigint, 'grouping takes memory while its query runs');
SELECT is(grouping_bytes(), 0::bigint, '... and gives it back at the end');
SELECT throws_ok('SELECT retention(activities(customer, day), ''{2024-02-01,2024-03-01}'') FROM visit', '22008', NULL, 'a query that fails in grouping');
SELECT is(grouping_bytes(), 0::bigint, '... or when it fails');
SELECT * FROM finish();
ROLLBACK;
