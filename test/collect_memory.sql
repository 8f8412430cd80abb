--
-- A collector's memory is bounded: what goes beyond work_mem times hash_mem_multiplier, and some for
-- its parts, is in a temporary file, raw or grouped. No answer is another one for that; and the file
-- goes with the query, whether it ends well or not.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(33);
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL hash_mem_multiplier = 1;
SET LOCAL timezone = 'UTC';

-- 400,000 rows: some 90 MB where customers are texts of 200 characters. Most customers have
-- one row, so that grouping gains nothing; one has 4,000.
CREATE TABLE sale AS
SELECT CASE WHEN n % 100 = 0 THEN 0 ELSE n * 7919 % 400009 END AS customer, date '2020-01-01' + (n % 1500)::int AS day, (n % 7)::numeric AS amount, 'k' || n % 3 AS kind
FROM generate_series(1::bigint, 400000) n;
CREATE TABLE sale_of_text AS SELECT repeat('long ', 39) || lpad(customer::text, 6, '0') AS customer, day, day::timestamptz AS at, amount, kind FROM sale;
ANALYZE sale, sale_of_text;

-- Bases that are much larger than a megabyte of memory, and questions to them.
CREATE TABLE question (name text, statement text);
INSERT INTO question VALUES
	('active days', 'SELECT retention(activities(customer, day), ''year'', ''2024-12-31'')::text FROM sale_of_text'),
	('timelines with values', 'SELECT points_totals(timelines(customer, at, amount), ''{}'', ''2024-12-31'')::text FROM sale_of_text'),
	('timelines with kinds', 'SELECT funnel_totals(timelines(customer, at, kind), ''{k0,k1,k2}'')::text FROM sale_of_text'),
	('stored timelines', 'SELECT points_totals(timelines(customer, t), ''{}'', ''2024-12-31'')::text FROM (SELECT customer, timeline_agg(at, amount) AS t FROM sale_of_text GROUP BY 1) s'),
	('two questions to one base', 'SELECT points_totals(b, ''{}'', ''2024-12-31'')::text || points_totals(b, ''{"expires_after": "12 months"}'', ''2024-12-31'')::text FROM (SELECT timelines(customer, at, amount) AS b FROM sale_of_text) q'),
	('a base beside itself', 'SELECT retention(b, b, ''year'', ''2024-12-31'')::text FROM (SELECT activities(customer, day) AS b FROM sale_of_text) q'),
	('two bases', 'SELECT retention(activities(customer, day), activities(customer, day + 400) FILTER (WHERE amount > 3), ''year'', ''2026-12-31'')::text FROM sale_of_text'),
	('equal bases', 'SELECT (activities(customer, day) = activities(customer, day))::text FROM sale_of_text'),
	('everyone''s timelines', 'SELECT count(*) || '' '' || sum(hashtextextended(c.customer || c.timeline::text, 0)) FROM (SELECT timelines(customer, at, amount) AS b FROM sale_of_text) q CROSS JOIN LATERAL customer_timelines(q.b) c'),
	('a base as a value', 'SELECT md5(timelines(customer, at, amount)::text) FROM sale_of_text');

CREATE FUNCTION answer(statement text, memory text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('work_mem', memory, true);
	EXECUTE statement INTO result;
	RETURN result;
END $$;

SELECT is(answer(statement, '64kB'), answer(statement, '1GB'), format('%s: the same answer from the file as from memory', name)) FROM question;

-- The answers themselves, beside plain SQL.
SET LOCAL work_mem = '64kB';
SELECT results_eq('SELECT sum(timeline_count(c.timeline))::bigint, sum(timeline_sum(c.timeline)), count(*) FROM (SELECT timelines(customer, at, amount) AS b FROM sale_of_text) q CROSS JOIN LATERAL customer_timelines(q.b) c',
	'SELECT count(*), sum(amount), count(DISTINCT customer) FROM sale', 'events, values and customers are all there');

-- Rows take fewer bytes where customer and value fit in four: at the ends of what does, and beyond.
CREATE TABLE edge AS
SELECT (ARRAY[-9223372036854775808, -2147483649, -2147483648, -2147483647, -1, 0, 2147483647, 2147483648, 9223372036854775807])[1 + n % 9] AS customer,
	timestamptz '2020-01-01 00:00+00' + n * interval '7 minutes' AS at,
	(ARRAY[0, 1, -1, 2147483647, 2147483648, -2147483648, -2147483649, 900000000000000, NULL, 0.01, -21474836.48, 21474836.47, 21474836.48])[1 + n % 13] AS amount, CASE WHEN n % 4 > 0 THEN 'k' || n % 4 END AS kind
FROM generate_series(1, 60000) n;
CREATE FUNCTION edges(collected text, memory text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('work_mem', memory, true);
	RETURN QUERY EXECUTE format('SELECT c.customer, e.at, e.value, e.kind, count(*) FROM (SELECT %s AS b FROM edge) q CROSS JOIN LATERAL customer_timelines(q.b) c CROSS JOIN LATERAL timeline_events(c.timeline) e GROUP BY 1, 2, 3, 4', collected);
END $$;
SELECT is_empty(format('(%1$s EXCEPT %2$s) UNION ALL (%2$s EXCEPT %1$s)', format('SELECT * FROM edges(%L, %L) AS e (customer bigint, at timestamptz, value numeric, kind text, n bigint)', collected, memory),
	format('SELECT customer, at, %s, count(*) FROM edge GROUP BY 1, 2, 3, 4', columns)), format('%s: rows come out as they went in (%s)', collected, memory))
FROM (VALUES ('64kB'), ('1GB')) m (memory),
	(VALUES ('timelines(customer, at)', 'NULL::numeric, NULL::text'), ('timelines(customer, at, amount)', 'amount, NULL::text'), ('timelines(customer, at, (amount * 100)::bigint)', '(amount * 100)::bigint::numeric, NULL::text'),
		('timelines(customer, at, kind)', 'NULL::numeric, kind'), ('timelines(customer, at, kind, amount)', 'amount, kind')) c (collected, columns);

-- ---- memory ----

-- Of the backend while the collector is there, in MB; and with how much it would take all of it.
CREATE FUNCTION megabytes(memory text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	result int;
BEGIN
	PERFORM set_config('work_mem', memory, true);
	SELECT m INTO result FROM (SELECT timelines(customer, at, amount) AS b FROM sale_of_text) q CROSS JOIN LATERAL (SELECT points_totals(q.b, '{}', '2024-12-31') AS r) p CROSS JOIN LATERAL (SELECT (sum(total_bytes) / 1048576)::int AS m FROM pg_backend_memory_contexts WHERE p.r IS NOT NULL) c;
	RETURN result;
END $$;
SELECT cmp_ok(megabytes('1GB'), '>', 76, 'all of it takes more');
SELECT cmp_ok(megabytes('64kB'), '<', 72, 'little memory, and 64 MB for what is raw');

-- ---- the file ----

CREATE FUNCTION files() RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT count(*)::int FROM pg_ls_tmpdir() $$;
SELECT is(files(), 0, 'no file is left');
SET LOCAL work_mem = '64kB';
SET LOCAL temp_file_limit = '1MB';
SELECT throws_ok(statement, '53400', NULL, format('%s: a query whose file must not be that large fails', name)) FROM question WHERE name IN ('active days', 'stored timelines');
SELECT is(files(), 0, '... and leaves no file');
RESET temp_file_limit;
SELECT is(answer(statement, '64kB'), answer(statement, '1GB'), format('%s: ... nor anything else behind', name)) FROM question WHERE name = 'active days';
SELECT throws_ok('SELECT retention(activities(customer, day), ''{2024-02-01,2024-03-01}'') FROM sale_of_text', '22008', NULL, 'a query that fails when it reads what it wrote');
SELECT is(files(), 0, '... leaves no file');

-- One group after another, each with a file of its own, and a cursor that is not read to its end.
DECLARE by_half CURSOR FOR SELECT half, retention(activities(customer, day), 'year', '2024-12-31') FROM (SELECT customer || half AS customer, day, half FROM sale_of_text, generate_series(1, 2) half ORDER BY half) s GROUP BY half;
FETCH 1 FROM by_half \gset
SELECT is((:'retention'::retention_result)::text, answer(statement, '1GB'), 'the first of two groups') FROM question WHERE name = 'active days';
SELECT cmp_ok(files(), '<=', 1, 'a group''s file goes before the next one is made');
CLOSE by_half;
SELECT is(files(), 0, 'the file goes with a cursor that is closed early');
SELECT * FROM finish();
ROLLBACK;
