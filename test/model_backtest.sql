--
-- model_backtest(): beside plain SQL over the same rows, with expected_purchases() of purchase_summary() for each customer; by base, in two levels and in
-- parallel; results added up; tables; NULLs, edges and hostile input.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
SET LOCAL timezone = 'Europe/Helsinki';
SELECT setseed(0.5);
-- some end on the edge
SET LOCAL client_min_messages = error;

-- Customers who buy at rates of their own, some of whom leave; with purchases in the night, refunds, and guests.
CREATE TABLE bought AS
SELECT c, at, value FROM (SELECT c, 1 + random() * 60 AS gap, random() * 300 AS leaves, random() * 90 AS comes FROM generate_series(1, 600) c) p,
	LATERAL (SELECT timestamptz '2023-01-01 12:00+02' + comes * interval '1 day' AS at, 10 AS value
		UNION ALL SELECT timestamptz '2023-01-01 12:00+02' + (comes + (n - random()) * gap) * interval '1 day', CASE WHEN random() < .05 THEN -10 ELSE 5 + n % 7 END FROM generate_series(1, 60) n WHERE (n - .5) * gap < leaves) e;
INSERT INTO bought SELECT NULL, at, value FROM bought WHERE c = 1;
INSERT INTO bought VALUES (9001, '2023-11-11', 5), (9002, '2023-02-01', -5);
CREATE TABLE line AS SELECT c, timeline_agg(at, value) AS timeline FROM bought WHERE c IS NOT NULL GROUP BY c;
CREATE TABLE asked AS SELECT kind, fitted, CASE kind WHEN 'bgnbd' THEN bgnbd_fit(b, '2023-06-30', 'week') WHEN 'mbgnbd' THEN mbgnbd_fit(b, '2023-06-30', 'week') ELSE paretonbd_fit(b, '2023-06-30', 'week') END AS model
FROM unnest(ARRAY['bgnbd', 'mbgnbd', 'paretonbd']) kind, (SELECT timelines(c, at, value) AS b FROM bought) q, LATERAL (SELECT model_backtest(b, '2023-06-30', '2023-10-05', kind) AS fitted) f;

-- In plain SQL: each week of each customer, rounded to 9 digits.
CREATE TABLE ends AS SELECT n AS week, least(7 * n, date '2023-10-05' - date '2023-06-30') AS days FROM generate_series(0, 14) n;
CREATE TABLE each AS
SELECT kind, c, s.x, e.week, (SELECT purchases FROM purchase_holdout(timeline, date '2023-06-30' + b.days, date '2023-06-30' + e.days)) AS purchases,
	round((expected_purchases(model, s.x, s.t_x, s.age, e.days / 7.0::float8) - expected_purchases(model, s.x, s.t_x, s.age, b.days / 7.0::float8))::numeric, 9) AS expected,
	CASE WHEN s.age > 0 THEN round((s.x / s.age * (e.days - b.days) / 7.0)::numeric, 9) ELSE 0 END AS naive
FROM asked, line, purchase_summary(timeline, '2023-06-30', 'week') s, ends e JOIN ends b ON b.week = e.week - 1 WHERE s.x IS NOT NULL;
CREATE TABLE wanted AS SELECT kind, c, x, sum(purchases) AS purchases, sum(expected) AS expected, sum(naive) AS naive FROM each GROUP BY kind, c, x;
-- a float has 15 digits, and what is rounded may go either way
CREATE FUNCTION near(a float8, b numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs(a - b::float8) <= 1e-6 $$;

SELECT is((SELECT count(*) FROM asked, model_backtest_table(fitted)), 24::bigint, 'a row for each number of purchases');
SELECT is_empty('SELECT * FROM (SELECT kind, t.* FROM asked, model_backtest_table(fitted) t) t FULL JOIN (SELECT kind, least(x, 7) AS x, count(*) AS customers, sum(purchases) AS purchases, sum(expected) AS expected, sum(naive) AS naive, avg(abs(purchases - expected)) AS error, avg(abs(purchases - naive)) AS naive_error FROM wanted GROUP BY 1, 2) w USING (kind, x)
	WHERE (t.customers = w.customers AND t.purchases = w.purchases AND near(t.expected, w.expected) AND near(t.naive, w.naive) AND near(mean_purchases * t.customers, w.purchases) AND near(mean_expected * t.customers, w.expected) AND near(mean_naive * t.customers, w.naive) AND near(mean_absolute_error, w.error) AND near(naive_mean_absolute_error, w.naive_error) AND or_more = (x = 7)) IS NOT TRUE', 'by purchases so far: as in plain SQL');
SELECT is_empty('SELECT * FROM (SELECT kind, t.* FROM asked, model_backtest_weeks(fitted) t) t FULL JOIN (SELECT kind, week, sum(sum(purchases)) OVER w AS purchases, sum(sum(expected)) OVER w AS expected, sum(sum(naive)) OVER w AS naive FROM each GROUP BY 1, 2 WINDOW w AS (PARTITION BY kind ORDER BY week)) w USING (kind, week) JOIN ends USING (week)
	WHERE (t.purchases = w.purchases AND near(t.expected, w.expected) AND near(t.naive, w.naive) AND last_day = date ''2023-06-30'' + days) IS NOT TRUE', 'by week, added up: as in plain SQL');
SELECT is_empty('SELECT * FROM asked, model_backtest_summary(fitted) s JOIN (SELECT kind, count(*) AS customers, sum(purchases) AS purchases, sum(expected) AS expected, sum(naive) AS naive, avg(abs(purchases - expected)) AS error, avg(abs(purchases - naive)) AS naive_error FROM wanted GROUP BY 1) w USING (kind)
	WHERE asked.kind = s.kind AND (s.customers = w.customers AND s.purchases = w.purchases AND near(s.expected, w.expected) AND near(s.naive, w.naive) AND near(s.error, w.expected / w.purchases - 1) AND near(s.naive_error, w.naive / w.purchases - 1) AND near(s.mean_absolute_error, w.error) AND near(s.naive_mean_absolute_error, w.naive_error)) IS NOT TRUE', 'all together: as in plain SQL');
SELECT is((SELECT count(*) FROM asked, model_backtest_summary(fitted) s WHERE s.kind = asked.kind AND s.customers = 600 AND s.purchases > 1000), 3::bigint, '... and there is something to compare');

-- ---- the same in other ways ----

SELECT is_empty('SELECT * FROM asked WHERE fitted <> (SELECT model_backtest(timelines(c, at, value), ''2023-06-30'', ''2023-10-05'', model) FROM bought WHERE c IS NOT NULL) AND fitted <> (SELECT model_backtest(timelines(c, at, value), ''2023-06-30'', ''2023-10-05'', model) FROM bought)', 'by the model that is fitted, given');
SELECT is_empty('SELECT * FROM asked WHERE (SELECT model_backtest(timelines(c, timeline), ''2023-06-30'', ''2023-10-05'', kind) FROM line) <> (SELECT model_backtest(timeline, ''2023-06-30'', ''2023-10-05'', model) FROM line)', 'over timelines, one by one');
SELECT is_empty('SELECT * FROM asked WHERE (SELECT rollup(r) FROM (SELECT model_backtest(timeline, ''2023-06-30'', ''2023-10-05'', model) AS r FROM line GROUP BY c % 7) q) <> (SELECT model_backtest(timeline, ''2023-06-30'', ''2023-10-05'', model) FROM line)', 'parts add up');
SELECT is_empty('SELECT * FROM asked WHERE fitted::text::model_backtest_result <> fitted OR (fitted::text::model_backtest_result)::text <> fitted::text', 'text out and in');
SELECT is((SELECT model_backtest_summary(model_backtest(timelines(c, at, value), '2023-06-30', NULL, 'bgnbd'))::text FROM bought), (SELECT model_backtest_summary(model_backtest(timelines(c, at, value), '2023-06-30', (SELECT max(at)::date FROM bought), 'bgnbd'))::text FROM bought), 'up to the last day, where none is given');
SELECT is((SELECT array_agg(p.name ORDER BY name) FROM asked, jsonb_object_keys((result_scope(fitted)).arguments) p(name) WHERE kind = 'bgnbd'), '{calibrate_until,model}', 'what it is about');
SELECT is((SELECT model_backtest(timelines(c, at, value), '2023-06-30', '2023-10-05', 'bgnbd', 'day', 'UTC') = model_backtest(timelines(c, at, value), '2023-06-30', '2023-10-05', 'bgnbd', 'day', 'Europe/Helsinki') FROM bought), false, 'days are those of the zone');
SELECT ok((SELECT abs(d.expected / w.expected - 1) < 1e-6 AND d.purchases = w.purchases FROM (SELECT timelines(c, at, value) AS b FROM bought) q, model_backtest_summary(model_backtest(b, '2023-06-30', '2023-10-05', 'bgnbd', 'day')) d, model_backtest_summary(model_backtest(b, '2023-06-30', '2023-10-05', 'bgnbd', 'month')) w), 'the period is a unit only');

-- ---- nothing, NULLs, and what can't be ----

SELECT is((SELECT model_backtest(timelines(c, at, value), '2023-06-30', '2023-06-30', 'bgnbd') IS NULL FROM bought), false, 'nothing held out');
SELECT is((SELECT model_backtest(timelines(c, at, value), '2020-06-30', '2023-06-30', 'bgnbd')::text FROM bought), NULL, 'nobody had bought anything');
SELECT is(model_backtest(NULL::timeline_base, '2020-06-30', '2023-06-30', 'bgnbd')::text, NULL, 'a NULL base');
SELECT is_empty('SELECT t.* FROM asked, LATERAL (SELECT model_backtest(NULL::event_timeline, ''2023-06-30'', ''2023-10-05'', model) AS r FROM line) n, model_backtest_table(r) t', 'NULL timelines');
SELECT throws_ok(format('SELECT model_backtest(timelines(c, at, value), %s) FROM bought', arguments), code, NULL, arguments) FROM (VALUES
	('''2023-06-30'', ''2023-05-01'', ''bgnbd''', '22023'), ('NULL, ''2023-05-01'', ''bgnbd''', '22004'), ('''infinity'', ''2023-05-01'', ''bgnbd''', '22008'), ('''2023-06-30'', ''infinity'', ''bgnbd''', '22008'), ('''2023-06-30'', ''2033-07-08'', ''bgnbd''', '22023'),
	('''2023-06-30'', ''2023-10-05'', ''bg''', '22023'), ('''2023-06-30'', ''2023-10-05'', NULL::text', '22004'), ('''2023-06-30'', ''2023-10-05'', NULL::purchase_model', '22004'), ('''2023-06-30'', ''2023-10-05'', ''bgnbd'', ''decade''', '22023'), ('''2023-06-30'', ''2023-10-05'', ''bgnbd'', ''day'', ''Nowhere''', '22023'),
	('''2023-06-30'', ''2023-10-05'', ''{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}''::purchase_model', '22023')) a(arguments, code);
SELECT throws_ok('SELECT model_backtest(timeline, ''2023-06-30'', ''2023-10-05'', ''{"kind": "bgnbd", "period": "day", "parameters": {"r": 1, "alpha": 1e-20, "a": 1, "b": 1}}'') FROM (SELECT timeline_agg(timestamptz ''2023-06-30 10:00+00'') AS timeline) l', '22023', NULL, 'a model of other units');
SELECT throws_ok('SELECT model_backtest(timeline, ''2023-06-30'', date ''2023-10-05'' + c % 2, model) FROM line, asked', '22023', NULL, 'arguments that change');
SELECT throws_ok('SELECT rollup(fitted) FROM asked', '22023', NULL, 'results of several models');
SELECT throws_ok(format('SELECT %L::model_backtest_result', jsonb_set(fitted::text::jsonb, '{rows}', rows)), '22P02', NULL, rows::text) FROM asked, unnest(ARRAY['[{"x": 8, "week": 0, "customers": 1}]', '[{"x": -1, "week": 0, "customers": 1}]', '[{"x": 1, "week": 15, "purchases": 1}]', '[{"x": 1, "week": 1, "customers": 1}]', '[{"x": 1, "week": 0, "purchases": 1}]', '[{"x": 1, "week": 1, "expected": -1}]']::jsonb[]) rows WHERE kind = 'bgnbd';
SELECT throws_ok(format('SELECT %L::model_backtest_result', fitted::text::jsonb - key), '22P02', NULL, 'without ' || key) FROM asked, unnest(ARRAY['model', 'until', 'calibrate_until']) key WHERE kind = 'bgnbd';

-- ---- in parallel ----

SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_leader_participation = off;
CREATE TABLE serial AS SELECT kind, model, (SELECT model_backtest(timeline, '2023-06-30', '2023-10-05', model) FROM (SELECT * FROM line OFFSET 0) l) AS result FROM asked;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
SELECT isnt_empty($$SELECT p FROM plan_of('SELECT model_backtest(timeline, ''2023-06-30'', ''2023-10-05'', ''{"kind": "bgnbd", "period": "day", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'') FROM line') p WHERE p LIKE '%Partial Aggregate%'$$, 'a parallel plan');
SELECT is_empty('SELECT * FROM serial WHERE result <> (SELECT model_backtest(timeline, ''2023-06-30'', ''2023-10-05'', model) FROM line)', 'in parallel as one by one');
SELECT * FROM finish();
ROLLBACK;
