--
-- growth, churn, lifecycle, stickiness and active days against plain SQL on
-- random orders: every form of period, zones with changes of offset, as_of
-- before, inside and after the data; the same answers by every way; edges; errors.
--
\ir reference/setup.sql
BEGIN;
\ir reference/periods.sql
\ir reference/orders.sql
CREATE TABLE active_day (customer int, day date);
CREATE TABLE spent (customer int, day date, value numeric);
\ir reference/retention.sql
\ir reference/growth.sql
ALTER TABLE orders ADD amount numeric;
UPDATE orders SET amount = CASE WHEN random() < 0.08 THEN NULL WHEN random() < 0.15 THEN -round((random() * 60)::numeric, 2) ELSE round((random() * 100)::numeric, (random() * 2)::int) END;
-- some do nothing but give back in a period, before their first order and after their last
INSERT INTO orders SELECT customer, at + n * interval '70 days', -5.125 FROM orders, unnest(ARRAY[-2, 1]) n WHERE customer % 9 = 4;
ANALYZE orders;

-- Changes to a zone, and fills the tables of days.
CREATE FUNCTION enter_zone(zone text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, false);
	TRUNCATE active_day, spent;
	INSERT INTO active_day SELECT DISTINCT customer, at::date FROM orders WHERE customer IS NOT NULL;
	INSERT INTO spent SELECT customer, at::date, amount FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL;
	ANALYZE active_day, spent;
END $$;

\ir reference/differences.sql

-- ---- against plain SQL ----

CREATE TABLE question (id int GENERATED ALWAYS AS IDENTITY, zone text, period text, until date);
INSERT INTO question (zone, period, until)
SELECT zone, period, until
FROM unnest(ARRAY['UTC', 'America/New_York', 'Pacific/Apia']) zone,
	 unnest(ARRAY['week:sunday', 'month', 'month:31', 'quarter:02-01', 'year:02-29', '{2010-08-01,2010-12-27,2011-03-01,2011-03-29,2011-12-30,2012-02-29,2012-03-01,2012-09-30,2013-02-01}']) period,
	 unnest(ARRAY[date '2012-02-29', '2012-10-27']) until;
INSERT INTO question (zone, period, until) VALUES
	('Europe/Helsinki', 'day', '2011-05-05'), ('Europe/Helsinki', 'half_year', '2013-03-03'), ('Europe/Helsinki', 'month:15', '2012-10-14'), ('Australia/Lord_Howe', 'week', '2012-04-01'), ('UTC', 'month', '2011-02-01'), ('UTC', 'month', '2013-12-31'), ('UTC', 'quarter', '2013-12-31');

CREATE TABLE asked (zone text, name text, got text, wanted text);
INSERT INTO asked
SELECT zone, format('growth by %s in %s as of %s', period, zone, until),
	format('SELECT t.period_start, period_end, complete, active, new, retained, resurrected, churned FROM (SELECT growth(activities(customer, at), %L, %L) AS r FROM orders) q CROSS JOIN LATERAL growth_table(q.r) t', period, until),
	format('SELECT * FROM ref_growth(%L, %L)', period, until)
FROM question ORDER BY id;
INSERT INTO asked
SELECT zone, format('money by %s in %s as of %s', period, zone, until),
	format('SELECT t.period_start, opening_revenue + 0.000, new_revenue + 0.000, expansion + 0.000, resurrected_revenue + 0.000, contraction + 0.000, churned_revenue + 0.000, revenue + 0.000, returned + 0.000 FROM (SELECT growth(timelines(customer, at, amount), %L, %L) AS r FROM orders) q CROSS JOIN LATERAL growth_table(q.r) t', period, until),
	format('SELECT period_start, opening_revenue + 0.000, new_revenue + 0.000, expansion + 0.000, resurrected_revenue + 0.000, contraction + 0.000, churned_revenue + 0.000, revenue + 0.000, returned + 0.000 FROM ref_growth_money(%L, %L)', period, until)
FROM question WHERE id % 2 = 0 ORDER BY id;
INSERT INTO asked
SELECT zone, format('the census by %s in %s as of %s', period, zone, until),
	format('SELECT t.stage, t.members FROM (SELECT lifecycle_census(activities(customer, at), %L, %L, 2) AS r FROM orders) q CROSS JOIN LATERAL lifecycle_census_table(q.r) t WHERE members > 0', period, until),
	format('SELECT stage, count(*) FROM ref_lifecycle(%L, 2, %L) GROUP BY stage', period, until)
FROM question WHERE id % 3 = 0 OR until - date '2012-10-28' < 5 ORDER BY id;
INSERT INTO asked
SELECT zone, format('stickiness by %s within %s in %s as of %s', period, within, zone, until),
	format('SELECT t.period_start, period_end, complete, active, round(mean_active::numeric, 9), round(ratio::numeric, 9) FROM (SELECT stickiness(activities(customer, at), %L, %L, %L) AS r FROM orders) q CROSS JOIN LATERAL stickiness_table(q.r) t', period, until, within),
	format('SELECT period_start, period_end, complete, active, round(mean_active::numeric, 9), round(ratio::numeric, 9) FROM ref_stickiness(%L, %L, %L)', period, within, until)
FROM question, unnest(ARRAY['day', 'week', 'month']) within
WHERE period NOT LIKE 'week%' AND CASE within WHEN 'day' THEN id % 2 = 1 WHEN 'week' THEN id % 3 = 0 ELSE period LIKE 'quarter%' OR period LIKE 'year%' END ORDER BY id;
INSERT INTO asked
SELECT 'Pacific/Apia', format('active days of %s as of %s', days, until),
	format('SELECT active_days, customers, share FROM (SELECT active_days_histogram(activities(customer, at), %L, %s) AS r FROM orders) q CROSS JOIN LATERAL active_days_histogram_table(q.r) t', until, days),
	format('SELECT * FROM ref_active_days(%s, %L)', days, until)
FROM unnest(ARRAY[1, 28, 365]) days, unnest(ARRAY[date '2011-02-01', '2012-01-05', '2013-12-31']) until;

SELECT plan(count(*)::int + 197) FROM asked;

SELECT enter_zone('UTC') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'UTC';
SELECT enter_zone('America/New_York') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'America/New_York';
SELECT enter_zone('Pacific/Apia') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'Pacific/Apia';
SELECT enter_zone('Europe/Helsinki') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'Europe/Helsinki';
SELECT enter_zone('Australia/Lord_Howe') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'Australia/Lord_Howe';
SELECT enter_zone('UTC') IS NOT NULL AS entered \gset

-- there is something in the references
SELECT cmp_ok((SELECT count(DISTINCT stage)::int FROM ref_lifecycle('month', 2, '2011-06-09')), '=', 6, 'every stage occurs');
SELECT cmp_ok((SELECT count(*)::int FROM ref_growth_money('month', '2013-12-31') WHERE least(expansion, contraction, resurrected_revenue, churned_revenue, returned) > 0), '>', 10, 'money moves in every way');
SELECT cmp_ok((SELECT count(*)::int FROM (SELECT customer, date_trunc('month', day) FROM spent GROUP BY 1, 2 HAVING sum(value) < 0 AND max(value) >= 0) s), '>', 10, '... below zero, too');

-- ---- identities ----

CREATE TABLE counted AS
SELECT growth(timelines(customer, at, amount), period::calendar_period) AS money, growth(timelines(customer, at, abs(amount)), period::calendar_period) AS positive,
	growth(activities(customer, at), period::calendar_period) AS days, period, stickiness(activities(customer, at), period::calendar_period, within => 'day') AS sticky,
	lifecycle_census(activities(customer, at), period::calendar_period) AS census, active_days_histogram(activities(customer, at)) AS histogram
FROM orders, unnest(ARRAY['week', 'month', 'quarter', 'day']) period GROUP BY period;

SELECT is_empty($$SELECT * FROM (SELECT period, t.*, lag(active, 1, 0) OVER w AS before, lag(revenue, 1, 0) OVER w AS revenue_before FROM counted, growth_table(money) t WINDOW w AS (PARTITION BY period ORDER BY period_start)) t
	WHERE active <> new + retained + resurrected OR active <> before + new + resurrected - churned OR opening_revenue <> revenue_before
	   OR revenue <> opening_revenue + new_revenue + expansion + resurrected_revenue - contraction - churned_revenue$$, 'who comes, less who leaves, is who is there; and so with money');
SELECT is_empty($$SELECT * FROM counted, growth_table(money) t WHERE quick_ratio IS DISTINCT FROM (new + resurrected) / nullif(churned, 0)::float8
	OR abs(gross_retention - ((opening_revenue - contraction - churned_revenue) / nullif(opening_revenue, 0))::float8) > 1e-12
	OR abs(net_retention - ((opening_revenue + expansion - contraction - churned_revenue) / nullif(opening_revenue, 0))::float8) > 1e-12
	OR (opening_revenue > 0) <> (gross_retention IS NOT NULL) OR (opening_revenue > 0) <> (net_retention IS NOT NULL)
	OR abs(revenue_quick_ratio - ((new_revenue + expansion + resurrected_revenue) / nullif(contraction + churned_revenue, 0))::float8) > 1e-12
	OR (contraction + churned_revenue > 0) <> (revenue_quick_ratio IS NOT NULL)$$, 'ratios are what they say');
SELECT is_empty($$SELECT period, sum(revenue - returned) FROM counted, growth_table(money) GROUP BY period EXCEPT SELECT period, (SELECT sum(value) FROM spent) FROM counted$$, 'revenue less what was returned is all values');
SELECT is_empty($$SELECT period, t.period_start, t.active, new, retained, resurrected, churned FROM counted, growth_table(positive) t EXCEPT ALL SELECT period, t.period_start, t.active, new, retained, resurrected, churned FROM counted, growth_table(days) t$$, 'timelines and days count the same customers');
SELECT is_empty($$SELECT period, t.period_start, t.period_end, t.complete, t.active FROM counted, growth_table(days) t EXCEPT ALL SELECT period, t.period_start, t.period_end, t.complete, t.active FROM counted, stickiness_table(sticky) t$$, '... and so does stickiness');
SELECT is_empty($$SELECT period, t.period_start, t.complete, c.active, c.churned FROM counted, churn_table(days) c JOIN growth_table(days) t USING (period_start)
	EXCEPT ALL SELECT period, t.period_start, t.complete, lag(t.active) OVER (PARTITION BY period ORDER BY period_start), t.churned FROM counted, growth_table(days) t$$, 'churn is that of growth');
SELECT is_empty($$SELECT * FROM counted, churn_table(days, 0.9) t, ref_wilson(t.churned, nullif(t.active, 0), 1.6448536269514722) w
	WHERE t.rate IS DISTINCT FROM t.churned / nullif(t.active, 0)::float8 OR t.lower IS DISTINCT FROM NULL AND abs(t.lower - w.lower) > 1e-9 OR abs(t.upper - w.upper) > 1e-9 OR (t.active > 0) <> (t.lower IS NOT NULL)$$, '... with the interval of its rate');
SELECT is((SELECT array_agg(DISTINCT (SELECT sum(members) FROM lifecycle_census_table(census))) FROM counted), ARRAY[(SELECT count(DISTINCT customer) FROM orders)]::numeric[], 'everyone is at one stage');
SELECT is((SELECT sum(customers) FROM active_days_histogram_table((SELECT histogram FROM counted LIMIT 1))), (SELECT count(DISTINCT customer) FROM orders)::numeric, '... and in the histogram once');
SELECT is((SELECT round(sum(share)::numeric, 12) FROM active_days_histogram_table((SELECT histogram FROM counted LIMIT 1))), 1.0, 'shares add up');
SELECT is((SELECT round(sum(share)::numeric, 12) FROM lifecycle_census_table((SELECT census FROM counted LIMIT 1))), 1.0, '... to one');
SELECT is((SELECT array_agg(stage || rank ORDER BY rank) FROM lifecycle_census_table((SELECT census FROM counted LIMIT 1))), '{never0,new1,current2,at risk3,dormant4,resurrected5}', 'stages in their order');
SELECT is((SELECT array_agg(DISTINCT as_of) FROM counted, growth_table(days)), ARRAY[(SELECT max(day) FROM active_day)], 'as_of is the last active day by default');
SELECT is((SELECT array_agg(DISTINCT as_of) FROM counted, growth_table(money)), ARRAY[(SELECT max(day) FROM spent)], '... the last event''s over timelines');

-- ---- the same answers by every way ----

CREATE TABLE summary AS
SELECT customer, activity_agg(at) AS activity, timeline_agg(at, amount) AS timeline, timeline_agg(make_event(at => at, value => amount, kind => 'k' || customer % 3, label => 'l' || customer)) AS rich FROM orders WHERE customer IS NOT NULL GROUP BY customer;
INSERT INTO summary VALUES (NULL, NULL, NULL, NULL);
ANALYZE summary;

-- each metric over a base, over summaries, and how its result becomes rows
CREATE TABLE way (metric text, over_base text, over_summaries text, "table" text);
INSERT INTO way VALUES
	('growth', 'growth(activities(customer, at), ''month'', ''2012-10-10'')', 'growth(activity, ''month'', ''2012-10-10'')', 'growth_table'),
	('churn', 'churn(activities(customer, at), ''week'', ''2012-10-10'')', 'churn(activity, ''week'', ''2012-10-10'')', 'churn_table'),
	('growth with money', 'growth(timelines(customer, at, amount), ''quarter'', ''2012-10-10'')', 'growth(timeline, ''quarter'', ''2012-10-10'')', 'growth_table'),
	('growth over rich timelines', 'growth(timelines(customer, make_event(at => at, value => amount, kind => ''k'', ref => 5)), ''week@Pacific/Apia'', ''2012-10-10'')', 'growth(rich, ''week@Pacific/Apia'', ''2012-10-10'')', 'growth_table'),
	('the census', 'lifecycle_census(activities(customer, at), ''month'', ''2012-10-10'', 4)', 'lifecycle_census(activity, ''month'', ''2012-10-10'', 4)', 'lifecycle_census_table'),
	('stickiness', 'stickiness(activities(customer, at), ''month'', ''2012-10-10'', ''week'')', 'stickiness(activity, ''month'', ''2012-10-10'', ''week'')', 'stickiness_table'),
	('active days', 'active_days_histogram(activities(customer, at), ''2012-10-10'', 90)', 'active_days_histogram(activity, ''2012-10-10'', 90)', 'active_days_histogram_table');

SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT t.* FROM (SELECT %s AS r FROM summary) q CROSS JOIN LATERAL %s(q.r) t', over_summaries, "table"), format('SELECT t.* FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL %s(q.r) t', over_base, "table")), metric || ': over summaries')
FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM orders GROUP BY customer %% 7) q', over_base), format('SELECT %s::text FROM orders', over_base)), metric || ': parts rolled up')
FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM summary GROUP BY customer %% 7) q', over_summaries), format('SELECT %s::text FROM summary', over_summaries)), metric || ': parts of summaries rolled up')
FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT customer %% 7, r.* FROM (SELECT customer, %s OVER (PARTITION BY customer %% 7 ORDER BY customer) AS r FROM summary) q CROSS JOIN LATERAL %s(q.r) r WHERE customer BETWEEN 20 AND 26', over_summaries, "table"),
	format('SELECT p, r.* FROM generate_series(0, 6) p, LATERAL (SELECT %s AS r FROM summary WHERE customer %% 7 = p AND customer <= 26) q CROSS JOIN LATERAL %s(q.r) r', over_summaries, "table")), metric || ': as a window grows')
FROM way;

-- parallel
CREATE TABLE serial AS SELECT metric, NULL::text AS over_base, NULL::text AS over_summaries FROM way;
CREATE FUNCTION answer(expression text, relation text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE a text; BEGIN EXECUTE format('SELECT %s::text FROM %s', expression, relation) INTO a; RETURN a; END $$;
CREATE FUNCTION plan_has(expression text, relation text, node text) RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE line text; BEGIN FOR line IN EXECUTE format('EXPLAIN SELECT %s FROM %s', expression, relation) LOOP IF line LIKE '%' || node || '%' THEN RETURN true; END IF; END LOOP; RETURN false; END $$;
UPDATE serial s SET over_base = answer(w.over_base, 'orders'), over_summaries = answer(w.over_summaries, 'summary') FROM way w WHERE w.metric = s.metric;
SET LOCAL max_parallel_workers_per_gather = 3;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
ALTER TABLE summary SET (parallel_workers = 3);
SELECT ok(plan_has(over_base, 'orders', 'Gather') AND plan_has(over_summaries, 'summary', 'Gather'), metric || ' runs in parallel') FROM way;
SELECT is(answer(w.over_base, 'orders'), s.over_base, metric || ': parallel = serial') FROM way w JOIN serial s USING (metric);
SELECT is(answer(w.over_summaries, 'summary'), s.over_summaries, metric || ': parallel = serial over summaries') FROM way w JOIN serial s USING (metric);
RESET max_parallel_workers_per_gather;

-- ---- stored ----

CREATE TABLE kept AS
SELECT 1 AS id, growth(activities(customer, at), 'month@UTC') AS g, growth(timelines(customer, at, amount), '{2010-08-01,2012-01-01}') AS m, lifecycle_census(activities(customer, at), 'week:sunday', '2013-03-03', 5) AS c, stickiness(activities(customer, at), 'quarter:02-01', within => 'month') AS s, active_days_histogram(activities(customer, at), days => 7) AS h
FROM orders UNION ALL
SELECT 2, growth(activities(NULL::int, at)), growth(timelines(NULL::int, at, amount)), lifecycle_census(activities(NULL::int, at), as_of => '2013-03-03'), stickiness(activities(NULL::int, at)), active_days_histogram(activities(NULL::int, at))
FROM orders;
CREATE TABLE again (LIKE kept);
COPY kept TO PROGRAM 'cat > growth_results.bin' (FORMAT binary);
COPY again FROM PROGRAM 'cat growth_results.bin && rm growth_results.bin' (FORMAT binary);
SELECT results_eq('SELECT * FROM again ORDER BY id', 'SELECT * FROM kept ORDER BY id', 'binary');
SELECT is_empty('SELECT * FROM kept WHERE g::text::growth_result <> g OR m::text::growth_money_result <> m OR c::text::lifecycle_census_result <> c OR s::text::stickiness_result <> s OR h::text::active_days_histogram_result <> h', 'text');
SELECT is((SELECT g::text FROM kept WHERE id = 2), '{"period": "month", "rows_without_customer": ' || (SELECT count(*) FROM orders) || ', "rows": []}', 'guests only');
SELECT is((SELECT count(*)::int FROM (SELECT DISTINCT g, m, c, s, h FROM (SELECT * FROM kept UNION ALL SELECT * FROM again) k) d), 2, 'DISTINCT');

-- ---- edges ----

CREATE TABLE day (customer int, at date);
INSERT INTO day VALUES (1, '2024-01-31'), (1, '2024-02-29'), (1, '2024-03-31'), (2, '2024-02-29'), (2, '2024-04-30'), (3, NULL), (4, '2024-01-01');

SELECT is(lines($$SELECT t.period_start, complete, active, new, retained, resurrected, churned FROM (SELECT growth(activities(customer, at)) g FROM day) q, growth_table(q.g) t$$),
	'2024-01-01,t,2,2,0,0,0 2024-02-01,t,2,1,1,0,1 2024-03-01,t,1,0,1,0,1 2024-04-01,t,1,0,0,1,1', 'a few customers');
SELECT is(lines($$SELECT t.period_start, active, churned, complete FROM (SELECT growth(activities(customer, at), as_of => '2024-06-15') g FROM day) q, growth_table(q.g) t OFFSET 3$$),
	'2024-04-01,1,1,t 2024-05-01,0,1,t 2024-06-01,0,0,f', 'periods without anyone, up to as_of');
SELECT is(lines($$SELECT t.period_start, active, churned, rate, lower, upper FROM (SELECT churn(activities(customer, at), as_of => '2024-06-15') g FROM day) q, churn_table(q.g) t OFFSET 3$$),
	'2024-05-01,1,1,1,0.20654931437723745,1 2024-06-01,0,0,,,', 'nobody to leave: no rate');
SELECT is(lines($$SELECT t.* FROM (SELECT growth(activities(customer, at), as_of => '2023-12-31') g FROM day) q, growth_table(q.g) t$$), '', 'as_of before everything: no rows');
SELECT is(lines($$SELECT t.* FROM (SELECT churn(activities(customer, at), as_of => '2024-01-31') g FROM day) q, churn_table(q.g) t$$), '', 'no churn in the first period');
SELECT is(lines($$SELECT stage, members, share, as_of FROM (SELECT lifecycle_census(activities(customer, at), as_of => '2023-12-31') g FROM day) q, lifecycle_census_table(q.g) t WHERE members > 0$$), 'never,4,1,2023-12-31', '... everyone is at never');
SELECT is(lines($$SELECT active_days, customers, share, as_of FROM (SELECT active_days_histogram(activities(customer, at), '2023-12-31', 2) g FROM day) q, active_days_histogram_table(q.g) t$$), '0,4,1,2023-12-31 1,0,0,2023-12-31 2,0,0,2023-12-31', '... and has 0 active days');
SELECT is(lines($$SELECT stage, members, share, as_of = current_date FROM (SELECT lifecycle_census(activities(customer, NULL::date), '{2024-01-01}') g FROM day) q, lifecycle_census_table(q.g) t WHERE members > 0$$), 'never,4,1,t', 'members without events, as of today');
SELECT is(lines($$SELECT t.* FROM (SELECT lifecycle_census(activities(NULL::int, at), as_of => '2024-01-01') g FROM day) q, lifecycle_census_table(q.g) t$$), 'never,0,0,,2024-01-01 new,1,0,,2024-01-01 current,2,0,,2024-01-01 "at risk",3,0,,2024-01-01 dormant,4,0,,2024-01-01 resurrected,5,0,,2024-01-01', 'an empty base');
SELECT is(lines($$SELECT t.* FROM (SELECT growth(activities(NULL::int, at)) g, growth(timelines(NULL::int, at, 1)) m, stickiness(activities(NULL::int, at)) s FROM day) q, LATERAL (SELECT period_start FROM growth_table(q.g) UNION ALL SELECT period_start FROM growth_table(q.m) UNION ALL SELECT period_start FROM stickiness_table(q.s)) t$$), '', '... gives no periods');
SELECT is(lines($$SELECT g IS NULL, m IS NULL, l IS NULL, s IS NULL, h IS NULL FROM (SELECT growth(a, 'month', '2024-01-01') g, growth(t, 'month', '2024-01-01') m, lifecycle_census(a, 'month', '2024-01-01', 3) l, stickiness(a, 'month', '2024-01-01', 'day') s, active_days_histogram(a, '2024-01-01', 28) h FROM (SELECT NULL::activity_set a, NULL::event_timeline t) x WHERE false) q$$), 't,t,t,t,t', 'no summaries: NULL');
SELECT is(lines($$SELECT growth(NULL::activity_base) IS NULL, churn(NULL::activity_base) IS NULL, growth(NULL::timeline_base) IS NULL, lifecycle_census(NULL) IS NULL, stickiness(NULL) IS NULL, active_days_histogram(NULL::activity_base) IS NULL$$), 't,t,t,t,t,t', 'a NULL base: NULL');
SELECT is(lines($$SELECT rollup(g) FROM (VALUES (NULL::growth_result)) v(g)$$), '', 'nothing to roll up');
SELECT is(lines($$SELECT t.period_start, t.period_end, complete, active FROM (SELECT growth(activities(customer, at), '{2024-01-01,2024-02-29,2024-03-31}') g FROM day) q, growth_table(q.g) t$$),
	'2024-01-01,2024-02-29,t,2 2024-02-29,2024-03-31,t,2 2024-03-31,infinity,f,2', 'a list of periods, whose last one stays open');
SELECT is(lines($$SELECT t.period_start, period_end, active FROM (SELECT growth(activities(customer, at), 'year:02-29') g FROM day) q, growth_table(q.g) t$$), '2023-02-28,2024-02-29,2 2024-02-29,2025-02-28,2', 'years from 29 February');
SELECT is(lines($$SELECT t.period_start, t.period_end, active FROM (SELECT growth(activities(customer, at), 'week:sunday', '2024-01-07') g FROM day) q, growth_table(q.g) t$$), '2023-12-31,2024-01-07,1 2024-01-07,2024-01-14,0', 'weeks from Sunday');
SELECT is(lines($$SELECT count(*), sum(active), sum(churned) FROM (SELECT growth(activities(c, d), 'month') g FROM (VALUES (1, date '4713-11-24 BC'), (1, '4713-12-24 BC'), (2, '2024-01-01')) v(c, d)) q, growth_table(q.g) t$$), '80823,3,1', 'a customer of 4713 BC');

-- money
SELECT is(lines($$SELECT t.period_start, new_revenue, expansion, resurrected_revenue, contraction, churned_revenue, revenue, returned FROM (SELECT growth(timelines(c, d, v)) g FROM (VALUES (1, date '2024-01-01', 10), (1, '2024-02-01', 12.5), (1, '2024-02-02', -20), (1, '2024-03-01', -1), (1, '2024-04-01', 0), (2, '2024-01-01', -3), (2, '2024-02-01', NULL), (2, '2024-03-01', 4)) v(c, d, v)) q, growth_table(q.g) t$$),
	'2024-01-01,10.0,0.0,0.0,0.0,0.0,10.0,3.0 2024-02-01,0.0,0.0,0.0,17.5,0.0,-7.5,0.0 2024-03-01,0.0,4.0,0.0,0.0,-7.5,4.0,1.0 2024-04-01,0.0,0.0,0.0,0.0,4.0,0.0,0.0', 'returns, and periods below zero');
SELECT is(lines($$SELECT sum(revenue) FROM (SELECT growth(timelines(n, date '2024-01-01', 9223372036854775807 - n % 2)) g FROM generate_series(1, 1000) n) q, growth_table(q.g) t$$), '9223372036854775806500', 'revenue beyond 64 bits');
SELECT is(lines($$SELECT revenue, new_revenue FROM (SELECT rollup(g) g FROM (SELECT growth(timelines(c, date '2024-01-01', v), as_of => '2024-01-01') g FROM (VALUES (1, 1), (2, 0.5), (3, 0.000001)) v(c, v) GROUP BY c) p) q, growth_table(q.g) t$$), '1.500001,1.500001', 'values of different scale');

-- stages
SELECT is(lifecycle(d::activity_set, 'month', as_of::date, n), stage, format('%s within %s as of %s', d, n, as_of))
FROM (VALUES ('{}', 3, '2024-04-15', 'never'), ('{2024-04-16}', 3, '2024-04-15', 'never'), ('{2024-04-15}', 3, '2024-04-15', 'new'), ('{2024-04-01,2024-04-15}', 3, '2024-04-15', 'new'),
	('{2024-03-31,2024-04-15}', 3, '2024-04-15', 'current'), ('{2024-03-01}', 3, '2024-04-29', 'current'), ('{2024-03-01}', 3, '2024-04-30', 'at risk'), ('{2024-02-01}', 3, '2024-04-15', 'at risk'), ('{2024-01-01}', 3, '2024-04-15', 'at risk'),
	('{2023-12-31}', 3, '2024-04-15', 'dormant'), ('{2024-01-31}', 3, '2024-04-30', 'dormant'), ('{2024-03-31}', 1, '2024-04-30', 'dormant'), ('{2024-01-01,2024-04-15}', 3, '2024-04-15', 'current'), ('{2023-12-01,2024-04-15}', 3, '2024-04-15', 'resurrected'),
	('{2024-01-01,2024-04-15}', 2, '2024-04-15', 'resurrected'), ('{2023-12-01,2024-03-15}', 2, '2024-04-15', 'current'), ('{2024-02-28,2024-04-15,2024-05-01}', 1, '2024-04-15', 'resurrected')) v(d, n, as_of, stage);
SELECT is(lifecycle('{2000-01-01}'), 'dormant', 'as of today, by month, after 3, by default');
SELECT is(lifecycle('{2024-02-29}', 'year:02-29', '2025-02-27', 1), 'new', 'a year from 29 February');
SELECT is(lifecycle('{2024-02-29}', 'year:02-29', dormant_after => 1, as_of => '2026-02-27'), 'dormant', '... and the one after');
SELECT is_empty($$SELECT customer, lifecycle(activity, 'quarter', '2012-02-29', 1) FROM summary WHERE customer IS NOT NULL EXCEPT ALL SELECT * FROM ref_lifecycle('quarter', 1, '2012-02-29')$$, 'lifecycle(), customer by customer');

-- calls resolve
SELECT lives_ok(format('SELECT %s FROM orders', call), call)
FROM unnest(ARRAY['growth(activities(customer, at), ''week'', NULL)', 'churn(activities(customer, at), as_of => NULL, period => ''month'')', 'growth(timelines(customer, at, NULL))', 'growth(timelines(customer::bigint, at, 1))', 'stickiness(activities(customer::text, at), ''month'', NULL, ''week'')',
	'stickiness(activities(customer, at), within => ''week'', as_of => ''2012-01-01'')', 'active_days_histogram(activities(customer, at), NULL, 7::smallint)', 'active_days_histogram(activities(customer, at), as_of => ''2012-01-01'', days => 7)', 'lifecycle_census(activities(customer, at), dormant_after => 6::smallint)',
	'growth(activity_set(ARRAY[coalesce(at, ''2012-01-01'')::date]), ''month'', ''2012-01-01'')', 'lifecycle(activity_agg(at), ''week'')', 'lifecycle(activity_agg(at), dormant_after => 2, as_of => ''2012-01-01'')', 'lifecycle_census(''{2012-01-01}''::activity_set, ''month'', date ''2012-01-01'', 3)',
	-- an aggregate leaves out what the function over a base does
	'growth(''{2012-01-01}''::activity_set, ''month'')', 'churn(''{2012-01-01}''::activity_set, ''month'')', 'growth(''[]''::event_timeline, ''month'')', 'lifecycle_census(''{2012-01-01}''::activity_set, ''month'', ''2012-01-01'')', 'stickiness(''{2012-01-01}''::activity_set, ''month'', ''2012-01-01'')', 'active_days_histogram(''{2012-01-01}''::activity_set, ''2012-01-01'')']) call;

-- without as_of, growth() goes by the last day of the rows of its group, and never beyond today
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT t.* FROM (SELECT %s AS r FROM summary WHERE customer IS NOT NULL) q CROSS JOIN LATERAL %s(q.r) t', replace(asked, '#', ''), "table"),
	format('SELECT t.* FROM (SELECT %s AS r FROM summary WHERE customer IS NOT NULL) q CROSS JOIN LATERAL %s(q.r) t', replace(asked, '#', ', (SELECT max(at AT TIME ZONE ''UTC'')::date FROM orders WHERE customer IS NOT NULL)'), "table")), replace(asked, '#', ''))
FROM (VALUES ('growth(activity, ''week@UTC''#)', 'growth_table'), ('growth(timeline, ''month@UTC''#)', 'growth_table'), ('churn(activity, ''quarter@UTC''#)', 'churn_table')) v(asked, "table");
SELECT is((SELECT rollup(r)::text FROM (SELECT growth(activity, 'month') FROM summary WHERE customer IS NOT NULL GROUP BY customer % 5) v(r)), (SELECT growth(activity, 'month')::text FROM summary WHERE customer IS NOT NULL), '... and groups of different last days add up');
SELECT is((SELECT growth(activity, 'month')::text::growth_result FROM summary), (SELECT growth(activity, 'month') FROM summary), '... and reads back');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT growth(activity, 'month') FROM summary WHERE customer IS NOT NULL UNION ALL SELECT growth('{2010-01-01}'::activity_set, 'month', '2010-12-31')) v(r)$$, '22023', 'growth_results with different as_of can''t be added up', '... but not one that goes further than the as_of of another');
SELECT is(lines($$SELECT DISTINCT as_of = current_date FROM (SELECT growth('{2024-01-05,9999-12-31}'::activity_set, 'month') g) q, growth_table(q.g)$$), 't', 'a day of 9999 makes no periods up to there');
SELECT is(lines($$SELECT DISTINCT as_of = current_date FROM (SELECT growth('[{"at": "2024-01-05T10:00:00Z", "value": 1}, {"at": "9999-12-31T10:00:00Z", "value": 1}]'::event_timeline, 'month') g) q, growth_table(q.g)$$), 't', '... nor with money');

-- lifecycle() and lifecycle_census() agree without as_of: both are as of today
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', 'SELECT stage, members FROM lifecycle_census_table((SELECT lifecycle_census(activities(customer, at), dormant_after => 200) FROM orders)) WHERE members > 0',
	'SELECT lifecycle(activity, dormant_after => 200), count(*) FROM summary WHERE customer IS NOT NULL GROUP BY 1'), 'lifecycle() and lifecycle_census(), without as_of');

-- ---- errors ----

SELECT throws_ok(format('SELECT %s FROM summary', call), state, message, call)
FROM (VALUES
	('growth(activities(1, date ''2024-01-01''), NULL)', '22004', 'period must not be null'),
	('stickiness(activities(1, date ''2024-01-01''), within => NULL)', '22004', 'within must not be null'),
	('lifecycle_census(activities(1, date ''2024-01-01''), dormant_after => NULL)', '22004', 'dormant_after must not be null'),
	('active_days_histogram(activities(1, date ''2024-01-01''), days => NULL)', '22004', 'days must not be null'),
	('stickiness(activity, ''month'', NULL)', '22004', 'as_of must not be null'),
	('stickiness(activity, ''month'')', '22004', 'as_of is missing'),
	('lifecycle_census(activity, ''month'')', '22004', 'as_of is missing'),
	('lifecycle_census(activity, ''month'', NULL)', '22004', 'as_of must not be null'),
	('active_days_histogram(activity)', '22004', 'as_of is missing'),
	('active_days_histogram(activities(1, date ''2024-01-01''), days => 0)', '22023', 'days must be between 1 and 36525, not 0'),
	('lifecycle_census(activities(1, date ''2024-01-01''), dormant_after => -1)', '22023', 'dormant_after must be between 1 and 36525, not -1'),
	('lifecycle(activity, ''month'', dormant_after => 0)', '22023', 'dormant_after must be between 1 and 36525, not 0'),
	('lifecycle(activity, as_of => ''infinity'')', '22008', NULL),
	('growth(activities(1, date ''2024-01-01''), as_of => ''-infinity'')', '22008', NULL),
	('growth(activities(1, timestamptz ''2024-01-01'', ''UTC''), ''month@Asia/Tokyo'')', '22023', 'the period is in zone "Asia/Tokyo", but days were collected in zone "UTC"'),
	('stickiness(activities(1, timestamptz ''2024-01-01'', ''UTC''), ''month'', within => ''day@Asia/Tokyo'')', '22023', 'the period is in zone "Asia/Tokyo", but days were collected in zone "UTC"'),
	('growth(activities(1, date ''2024-01-01''), ''{2024-01-02}'')', '22008', 'day 2024-01-01 is before the first period, which starts on 2024-01-02'),
	('growth(activity, CASE customer % 2 WHEN 0 THEN ''month'' ELSE ''week'' END::calendar_period, ''2024-01-01'')', '22023', 'period and as_of must be the same for all rows of an aggregate'),
	('growth(activity, ''month'', date ''2024-01-01'' + customer)', '22023', 'period and as_of must be the same for all rows of an aggregate') ,
	('lifecycle_census(activity, ''month'', ''2024-01-01'', customer + 1)', '22023', 'period, as_of and dormant_after must be the same for all rows of an aggregate'),
	('stickiness(activity, ''month'', ''2024-01-01'', CASE customer % 2 WHEN 0 THEN ''day'' ELSE ''week'' END::calendar_period)', '22023', 'period, as_of and within must be the same for all rows of an aggregate'),
	('churn_table(growth(activities(1, date ''2024-01-01'')), 1)', '22023', 'confidence must be between 0 and 1, not 1')) v(call, state, message);
SELECT throws_ok(format('SELECT rollup(r) FROM (SELECT %s UNION ALL SELECT %s) v(r)', a, b), '22023', message, message)
FROM (VALUES
	('growth(activities(1, date ''2024-01-01''))', 'growth(activities(1, date ''2024-01-01''), ''week'')', 'growth_results with different period can''t be added up'),
	('growth(activities(1, date ''2024-01-01''))', 'growth(activities(1, date ''2024-01-02''))', 'growth_results with different as_of can''t be added up'),
	('growth(timelines(1, date ''2024-01-01'', 1), ''week@UTC'')', 'growth(timelines(1, date ''2024-01-01'', 1), ''week'')', 'growth_money_results with different period can''t be added up'),
	('growth(activities(1, timestamptz ''2024-01-01'', ''UTC''))', 'growth(activities(1, timestamptz ''2024-01-01'', ''Asia/Tokyo''))', 'growth_results with different zone can''t be added up'),
	('stickiness(activities(1, date ''2024-01-01''))', 'stickiness(activities(1, date ''2024-01-01''), within => ''week'')', 'stickiness_results with different within can''t be added up'),
	('lifecycle_census(activities(1, date ''2024-01-01''))', 'lifecycle_census(activities(1, date ''2024-01-01''), dormant_after => 4)', 'lifecycle_census_results with different dormant_after can''t be added up'),
	('active_days_histogram(activities(1, date ''2024-01-01''))', 'active_days_histogram(activities(1, date ''2024-01-01''), days => 7)', 'active_days_histogram_results with different days can''t be added up')) v(a, b, message);

-- results that no metric made
SELECT throws_ok(format('SELECT %L::%s', written, type), '22P02', NULL, format('%s: %s', type, problem))
FROM (VALUES
	('growth_result', '{"rows": []}', 'no period'),
	('growth_result', '{"period": "month", "rows": [{"period": "2024-01-01", "new": 1}]}', 'rows without as_of'),
	('growth_result', '{"period": "month", "as_of": "2023-12-31", "rows": [{"period": "2024-01-01", "new": 1}]}', 'after as_of'),
	('growth_result', '{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": 1}, {"period": "2024-02-01", "retained": 2}]}', 'more retained than were there'),
	('growth_result', '{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": 1}, {"period": "2024-02-01", "resurrected": 1}]}', 'resurrected who never left'),
	('growth_result', '{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": 1}, {"period": "2024-02-01", "new_revenue": 1}]}', 'money'),
	('growth_result', '{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": -1}]}', 'below zero'),
	('growth_money_result', '{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new_revenue": 1}]}', 'revenue of nobody'),
	('growth_money_result', '{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": 1, "returned": -1}]}', 'returned below zero'),
	('growth_money_result', '{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": 1, "new_revenue": 5}, {"period": "2024-02-01", "retained": 1, "retained_revenue": 7, "expansion": 1}]}', 'revenue churned, but nobody'),
	('lifecycle_census_result', '{"period": "month", "dormant_after": 3, "as_of": "2024-12-31", "rows": [{"stage": "gone", "members": 1}]}', 'no such stage'),
	('lifecycle_census_result', '{"period": "month", "dormant_after": 3, "as_of": "2024-12-31", "rows": [{"members": 1}]}', 'no stage'),
	('lifecycle_census_result', '{"period": "month", "dormant_after": 3, "rows": [{"stage": "new", "members": 1}]}', 'no as_of'),
	('lifecycle_census_result', '{"period": "month", "dormant_after": 1, "as_of": "2024-12-31", "rows": [{"stage": "at risk", "members": 1}]}', 'at risk and dormant at once'),
	('lifecycle_census_result', '{"period": "month", "dormant_after": 0, "rows": []}', 'dormant_after 0'),
	('lifecycle_census_result', '{"period": "month", "dormant_after": "3", "rows": []}', 'a number as a text'),
	('lifecycle_census_result', '{"period": "month", "rows": []}', 'no dormant_after'),
	('stickiness_result', '{"period": "month", "rows": []}', 'no within'),
	('stickiness_result', '{"period": "month", "within": "day", "as_of": "2024-12-31", "rows": [{"period": "2024-02-01", "active": 1, "active_within": 30}]}', 'more days than the month has'),
	('stickiness_result', '{"period": "month", "within": "day", "as_of": "2024-12-31", "rows": [{"period": "2024-02-01", "active": 2, "active_within": 1}]}', 'active, but on no day'),
	('active_days_histogram_result', '{"rows": []}', 'no days'),
	('active_days_histogram_result', '{"days": 7, "as_of": "2024-12-31", "rows": [{"active_days": 8, "customers": 1}]}', 'more days than the window'),
	('active_days_histogram_result', '{"days": 7, "as_of": "2024-12-31", "rows": [{"active_days": -1, "customers": 1}]}', 'days below zero'),
	('active_days_histogram_result', '{"days": 7, "rows": [{"active_days": 1, "customers": 1}]}', 'no as_of'),
	('active_days_histogram_result', '{"days": 36526, "rows": []}', 'too many days'),
	('active_days_histogram_result', '{"days": 7.0, "rows": []}', 'days with decimals')) v(type, written, problem);
SELECT is(('{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": 1}, {"period": "2024-03-01", "resurrected": 1}]}'::growth_result)::text, '{"period": "month", "as_of": "2024-12-31", "rows_without_customer": 0, "rows": [{"period": "2024-01-01", "new": 1}, {"period": "2024-03-01", "resurrected": 1}]}', 'one that could have been made is taken');
SELECT throws_ok($$SELECT * FROM growth_table((SELECT rollup(r) FROM unnest(ARRAY['{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": 9223372036854775807}]}', '{"period": "month", "as_of": "2024-12-31", "rows": [{"period": "2024-01-01", "new": 1}]}']::growth_result[]) r))$$, '22003', NULL, 'more customers than there can be');
SELECT throws_ok($$SELECT rollup(r) FROM unnest(ARRAY['{"period": "month", "as_of": "2024-12-31", "scale": 0, "rows": [{"period": "2024-01-01", "new": 1, "new_revenue": 99999999999999999999999999999}]}', '{"period": "month", "as_of": "2024-12-31", "scale": 18, "rows": []}']::growth_money_result[]) r$$, '22003', NULL, 'revenue that leaves no room for decimals');
SELECT * FROM finish();
ROLLBACK;
