--
-- lifecycle_migration(): against lifecycle() of each customer at both days; the same answers by every way; links;
-- the stored form; errors.
--
\ir reference/setup.sql
BEGIN;
\ir reference/differences.sql
SELECT no_plan();
SET LOCAL timezone = 'UTC';

SELECT setseed(0.7);
CREATE TABLE visits AS SELECT CASE WHEN random() < 0.01 THEN NULL ELSE (power(random(), 2) * 300)::int END AS customer, CASE WHEN random() > 0.02 THEN date '2023-01-01' + (power(random(), 1.3) * 480)::int END AS day FROM generate_series(1, 2000);
ANALYZE visits;
CREATE TABLE summary AS SELECT customer, activity_agg(day) AS activity FROM visits WHERE customer IS NOT NULL GROUP BY customer;
INSERT INTO summary VALUES (NULL, NULL);
ANALYZE summary;
CREATE TABLE asked (n int GENERATED ALWAYS AS IDENTITY, period text, from_day date, to_day date, dormant_after int);
INSERT INTO asked (period, from_day, to_day, dormant_after) VALUES ('month', '2023-06-30', '2023-12-31', 3), ('month', '2023-06-15', '2023-07-31', 1), ('week:sunday', '2023-10-01', '2023-10-01', 6), ('quarter', '2022-12-31', '2024-05-05', 2), ('{2023-01-01,2023-05-01,2023-09-15,2024-01-01}', '2023-05-01', '2024-02-01', 1);
CREATE TABLE counted AS SELECT n, a.period, from_day, to_day, dormant_after, lifecycle_migration(activities(customer, day), a.period::calendar_period, from_day, to_day, dormant_after) AS r FROM asked a CROSS JOIN visits GROUP BY n, a.period, from_day, to_day, dormant_after;

SELECT results_eq(format('SELECT from_stage, to_stage, members, round(share::numeric, 12), t.from_day, t.to_day FROM counted, lifecycle_migration_table(r) t WHERE n = %s ORDER BY 1, 2', n),
	format('SELECT a, b, count(*), round(count(*) / sum(count(*)) OVER (PARTITION BY a), 12), date %L, date %L FROM (SELECT lifecycle(activity, %L, %1$L, %4$s) AS a, lifecycle(activity, %3$L, %2$L, %4$s) AS b FROM summary WHERE activity IS NOT NULL) q GROUP BY 1, 2 ORDER BY 1, 2', from_day, to_day, period, dormant_after), format('%s from %s to %s', period, from_day, to_day)) FROM counted;
SELECT cmp_ok((SELECT count(DISTINCT (from_stage, to_stage))::int FROM counted, lifecycle_migration_table(r) WHERE from_stage <> to_stage), '>', 12, 'many ways occur');
SELECT results_eq('SELECT n, to_stage, sum(members) FROM counted, lifecycle_migration_table(r) GROUP BY 1, 2, to_rank ORDER BY 1, to_rank',
	'SELECT n, stage, t.members::numeric FROM (SELECT n, lifecycle_census(activities(customer, day), a.period::calendar_period, to_day, dormant_after) AS c FROM asked a CROSS JOIN visits GROUP BY n, a.period, to_day, dormant_after) q, lifecycle_census_table(c) t WHERE t.members > 0 ORDER BY 1, rank', 'where they went is the census');
SELECT results_eq('SELECT n, t.step, t.source, t.target, value, source_name, target_name FROM counted, lifecycle_migration_links(r) t', $$SELECT n, 1, from_stage || ' (1)', to_stage || ' (2)', members, from_stage, to_stage FROM counted, lifecycle_migration_table(r)$$, 'links');

-- ---- by every way ----

CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE a text; BEGIN EXECUTE query INTO a; RETURN a; END $$;
CREATE FUNCTION part(text) RETURNS jsonb LANGUAGE sql AS $$ SELECT $1::jsonb - 'zone' - 'rows_without_customer' - 'members_without_events' $$;
SELECT is(part(answer(format('SELECT lifecycle_migration(activity, %L, %L, %L, %s) FROM summary', period, from_day, to_day, dormant_after))), part(r::text), 'over sets: ' || n) FROM counted;
SELECT is(answer(format('SELECT rollup(r)::text FROM (SELECT lifecycle_migration(activities(customer, day), %L, %L, %L, %s) AS r FROM visits GROUP BY customer %% 5) q', period, from_day, to_day, dormant_after)), r::text, 'parts rolled up: ' || n) FROM counted;
SET LOCAL max_parallel_workers_per_gather = 3;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is(answer(format('SELECT lifecycle_migration(activities(customer, day), %L, %L, %L, %s) FROM visits', period, from_day, to_day, dormant_after)), r::text, 'parallel: ' || n) FROM counted;
RESET max_parallel_workers_per_gather;
SELECT is_empty('SELECT n FROM counted WHERE r::text::lifecycle_migration_result <> r', 'text');
CREATE TABLE again (LIKE counted);
COPY counted TO PROGRAM 'cat > lifecycle_results.bin' (FORMAT binary);
COPY again FROM PROGRAM 'cat lifecycle_results.bin && rm lifecycle_results.bin' (FORMAT binary);
SELECT results_eq('SELECT n, r FROM again ORDER BY n', 'SELECT n, r FROM counted ORDER BY n', 'binary');

-- ---- by hand ----

SELECT is(lines($$SELECT from_stage, to_stage, members, share FROM lifecycle_migration_table((SELECT lifecycle_migration(activities(c, day), 'month', '2024-02-29', '2024-04-30', 2) FROM (VALUES (1, date '2024-02-10'), (1, '2024-04-02'), (2, '2024-02-20'), (3, '2024-04-05'), (4, NULL), (5, '2024-01-10'), (NULL, '2024-01-01')) v(c, day)))$$),
	'never,never,1,0.5 never,new,1,0.5 new,current,1,0.5 new,dormant,1,0.5 "at risk",dormant,1,1', 'a few customers');

-- ---- nothing, and errors ----

SELECT is((SELECT lifecycle_migration(activities(customer, day), from_day => '2023-01-01') FROM visits WHERE false), NULL, 'no rows');
SELECT is_empty('SELECT * FROM lifecycle_migration_table(NULL)', 'no result, no rows');
SELECT throws_ok(format('SELECT lifecycle_migration(activities(customer, day), %s) FROM visits', asked), code, NULL, asked) FROM (VALUES ('''month''', '22004'), ('NULL, ''2023-01-01''', '22004'), ('from_day => ''2023-01-01'', dormant_after => NULL', '22004'), ('from_day => ''2023-02-01'', to_day => ''2023-01-01''', '22023'),
	('from_day => ''2023-01-01'', dormant_after => 0', '22023'), ('from_day => ''infinity''', '22008'), ('from_day => ''2023-01-01'', to_day => ''-infinity''', '22008')) v(asked, code);
SELECT throws_ok('SELECT lifecycle_migration(activity, ''month'', ''2023-01-01'', NULL, 3) FROM summary', '22004', NULL, 'an aggregate needs both days');
SELECT throws_ok(format('SELECT %L::lifecycle_migration_result', jsonb_set('{"period": "month", "dormant_after": 3, "from_day": "2024-01-31", "to_day": "2024-02-29", "rows": [{"from_rank": 1, "to_rank": 2, "members": 4}]}', key::text[], value::jsonb)), '22P02', NULL, key || ' ' || value)
FROM (VALUES ('{period}', 'null'), ('{dormant_after}', 'null'), ('{from_day}', 'null'), ('{to_day}', 'null'), ('{from_day}', '"2024-03-01"'), ('{from_day}', '"2024-02-29"'), ('{rows,0,from_rank}', '6'), ('{rows,0,to_rank}', '-1'), ('{rows,0,to_rank}', '0')) v(key, value);

SELECT * FROM finish();
ROLLBACK;
