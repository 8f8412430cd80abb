-- cohort_value(), its table, curve and payback: against plain SQL on random orders in several zones, and known
-- answers; all of the revenue; the same answers by every way; edges; errors.
--
\ir reference/setup.sql
BEGIN;
\ir reference/orders.sql
ALTER TABLE orders ADD amount numeric, ADD ref text, ADD kind text, ADD channel text;
UPDATE orders SET amount = CASE WHEN random() < 0.08 THEN NULL WHEN random() < 0.2 THEN -round((random() * 60)::numeric, 2) ELSE round((random() * 100)::numeric, (random() * 2)::int) END,
	ref = CASE WHEN random() < 0.4 THEN NULL WHEN random() < 0.5 THEN (random() * 3)::int::text ELSE 'r' || (random() * 2)::int END,
	kind = (ARRAY['order', 'join', NULL])[1 + trunc(random() * 3)::int], channel = (ARRAY['web', 'app', 'store'])[1 + customer % 3];
-- many who come late; some who join and never buy
INSERT INTO orders SELECT 4000 + n, '2012-09-01 10:00+00'::timestamptz + n * interval '1 day', 5 + n % 13, NULL, 'order' FROM generate_series(1, 60) n, generate_series(0, n % 3);
INSERT INTO orders SELECT 5000 + n, '2012-01-10 10:00+00'::timestamptz + n * interval '9 days', n % 7, NULL, 'join' FROM generate_series(1, 40) n;
UPDATE orders SET channel = 'phone' WHERE channel IS NULL;
ANALYZE orders;
\ir reference/differences.sql
\ir reference/cohort.sql
SELECT no_plan();

-- ---- against plain SQL ----

CREATE TABLE question AS
SELECT unit, zone, until, elapsed, horizons, cost_of FROM (VALUES
	('month', 'UTC', date '2012-10-28', NULL::interval, NULL::int[], NULL), ('month', 'Pacific/Apia', '2011-12-31', NULL, NULL, 'join'), ('week', 'America/New_York', '2012-10-28', NULL, NULL, 'join'), ('quarter', 'Pacific/Apia', '2012-10-28', NULL, '{1,3}', NULL), ('month', 'America/New_York', '2012-03-31', NULL, '{2,6,12}', 'join'),
	('month', 'UTC', '2012-10-28', '1 day', '{30,60,90,180,365}', 'join'), ('quarter', 'America/New_York', '2012-10-28', '30 days', NULL, NULL), ('week', 'Pacific/Apia', '2012-03-30', '36 hours', '{10,100}', NULL), ('month', 'Pacific/Apia', '2011-12-31', '7 days', NULL, 'join'), ('day', 'UTC', '2011-06-30', NULL, '{1,30}', 'join')) v(unit, zone, until, elapsed, horizons, cost_of);
CREATE VIEW asked AS
SELECT q.*, format('cohort_value(timelines(customer, make_event(at => at, value => amount, ref => ref, kind => kind)), %L, %L, %L, %L, %L)', unit || '@' || zone, until, elapsed, horizons, cost_of) AS call, format('%L, %L, %L, %L, %L, %L', unit, until, elapsed, horizons, cost_of, zone) AS arguments,
	format('%s in %s as of %s%s%s%s', unit, zone, until, ', elapsed ' || elapsed, ', horizons ' || horizons::text, ', with costs of ' || cost_of) AS what FROM question q;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)',
	format('SELECT cohort, cohort_size, lag, period_start, active, orders::numeric, revenue + 0.0000, round(revenue_per_acquired::numeric, 9), cumulative_revenue + 0.0000, round(cumulative_per_acquired::numeric, 9), round(revenue_per_active::numeric, 9), complete, eligible, horizon, cost + 0.0000 FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL cohort_value_table(q.r) WHERE cohort IS NOT NULL', call),
	format('SELECT cohort, cohort_size, lag, period_start, active, orders, revenue + 0.0000, revenue_per_acquired, cumulative_revenue + 0.0000, cumulative_per_acquired, revenue_per_active, complete, eligible, horizon, cost + 0.0000 FROM ref_cohort_table(%s)', arguments)), what) FROM asked;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)',
	format('SELECT lag, cohorts, customers, revenue + 0.0000, round(revenue_per_acquired::numeric, 9), cumulative_revenue + 0.0000, round(cumulative_per_acquired::numeric, 9), abs(lower + upper - 2 * cumulative_per_acquired) > 1e-9 FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL cohort_value_curve(q.r)', call),
	format('SELECT lag, cohorts, customers, revenue + 0.0000, revenue_per_acquired, cumulative_revenue + 0.0000, cumulative_per_acquired, CASE WHEN customers > 1 THEN false END FROM ref_cohort_curve(%s)', arguments)), 'the curve: ' || what) FROM asked;
-- Student's t for 95% is above the normal 1.96, and near it where there are many.
SELECT is_empty(format('SELECT c.*, k.std_error FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL cohort_value_curve(q.r) c JOIN ref_cohort_curve(%s) k USING (lag) WHERE k.std_error > 0 AND (c.upper - c.cumulative_per_acquired) / k.std_error NOT BETWEEN 1.9599 AND 1.96 + 11 / (c.customers - 1.0)', call, arguments), 'its interval: ' || what) FROM asked;
SELECT cmp_ok((SELECT count(*)::int FROM ref_cohort_table('quarter', '2012-10-28', '30 days', NULL, NULL, 'America/New_York') WHERE eligible BETWEEN 1 AND cohort_size - 1), '>', 3, 'lags that are over for some of a cohort only');
SELECT cmp_ok((SELECT count(*)::int FROM ref_cohort_table('month', '2012-10-28', NULL, NULL, NULL, 'UTC') WHERE revenue < 0), '>', 3, 'lags at which more is given back than bought');

-- Paying back: the first lag at which it has.
SELECT is_empty(format('SELECT * FROM differences(%L, %L)',
	format('SELECT p.cohort, p.cohort_size, round(cost_per_acquired::numeric, 6), round(value_per_acquired::numeric, 6), payback_lag, payback_days FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL cohort_payback(q.r, 60, 0.5) p', call),
	format($$SELECT cohort, max(cohort_size), max(CASE WHEN eligible > 0 THEN 60.000000 END), round((array_agg(cumulative_per_acquired * 0.5 ORDER BY lag DESC) FILTER (WHERE eligible > 0))[1], 6), min(lag) FILTER (WHERE paid),
		(array_agg(CASE WHEN %6$L::interval IS NULL THEN least(CASE WHEN horizon IS NOT NULL THEN ref_start(%4$L, ref_period(%4$L, cohort) + horizon) END, date %5$L + 1) - cohort ELSE ceil(horizon * extract(epoch FROM %6$L::interval) / 86400)::int END ORDER BY lag) FILTER (WHERE paid))[1]
		FROM (SELECT *, eligible > 0 AND cumulative_per_acquired * 0.5 >= 60 AS paid FROM ref_cohort_table(%1$s)) t GROUP BY cohort$$, arguments, NULL, NULL, unit, until, elapsed)), 'paying back: ' || what) FROM asked;
SELECT is_empty(format('SELECT p.*, k.lag FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL cohort_payback_pooled(q.r, 40) p LEFT JOIN (SELECT lag, customers, cumulative_per_acquired FROM ref_cohort_curve(%s) WHERE cumulative_per_acquired >= 40 ORDER BY lag LIMIT 1) k ON true WHERE p.payback_lag IS DISTINCT FROM k.lag OR (k.lag IS NOT NULL AND (p.customers <> k.customers OR abs(p.value_per_acquired - k.cumulative_per_acquired::float8) > 1e-8 OR p.payback_days IS NULL))', call, arguments), 'all cohorts together: ' || what) FROM asked;
SELECT is_empty(format('SELECT p.*, k.* FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL cohort_payback(q.r) p JOIN (SELECT cohort, cohort_size, min(lag) FILTER (WHERE elapsed_cost) AS lag FROM (SELECT *, eligible = cohort_size AND cumulative_revenue >= cost AS elapsed_cost FROM ref_cohort_table(%s)) c GROUP BY 1, 2) k USING (cohort) WHERE p.payback_lag IS DISTINCT FROM k.lag', call, arguments), 'what each cohort has cost: ' || what) FROM asked WHERE cost_of IS NOT NULL AND elapsed IS NULL;

-- ---- all of the revenue, and nothing but it ----

SELECT is(revenue, (SELECT sum(amount) FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL AND at < '2013-06-01'), 'revenue adds up: ' || call)
FROM (VALUES ('''month'', ''2013-05-31'''), ('''week'', ''2013-05-31'''), ('''quarter'', ''2013-05-31'', horizons => ''{1,2}'''), ('''month'', ''2013-05-31'', ''1 day'', ''{30,60,90,180,365}'''), ('''month'', ''2013-05-31'', ''10 days''')) c(call),
	LATERAL (SELECT (xpath('//revenue/text()', query_to_xml(format('SELECT sum(t.revenue) AS revenue FROM (SELECT cohort_value(timelines(customer, at, amount), %s) AS r FROM orders) q CROSS JOIN LATERAL cohort_value_table(q.r) t', call), false, false, '')))[1]::text::numeric AS revenue) x;
SELECT is_empty(format($$SELECT channel, got, wanted FROM (SELECT channel, sum(t.revenue) AS got FROM (SELECT channel, cohort_value(timelines(customer, at, amount), %s) AS r FROM orders WHERE customer IS NOT NULL GROUP BY channel) q CROSS JOIN LATERAL cohort_value_table(q.r) t GROUP BY 1) g
	FULL JOIN (SELECT channel, sum(amount) AS wanted FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL GROUP BY 1) w USING (channel) WHERE got IS DISTINCT FROM wanted$$, call), 'by channel: ' || call) FROM (VALUES ('''month'', ''2013-05-31'''), ('''month'', ''2013-05-31'', ''1 day'', ''{30,60,90,180,365}''')) c(call);
SELECT is((SELECT sum(t.revenue) || ' ' || max(c.cost) FROM (SELECT cohort_value(timelines(customer, make_event(at => at, value => amount, kind => kind)), 'month', '2013-05-31', cost_kind => 'join') AS r FROM orders) q CROSS JOIN LATERAL cohort_value_table(q.r) t CROSS JOIN LATERAL (SELECT sum(cost) AS cost FROM cohort_value_table(q.r) WHERE lag = 0) c),
	(SELECT sum(amount) FILTER (WHERE kind IS DISTINCT FROM 'join') || ' ' || sum(amount) FILTER (WHERE kind = 'join') FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL), 'what events of cost_kind are worth is cost, and no revenue');
SELECT is((SELECT sum(cohort_size)::int FROM (SELECT cohort_value(timelines(customer, at, amount), 'month', '2013-05-31') AS r FROM orders) q CROSS JOIN LATERAL cohort_value_table(q.r) t WHERE lag = 0 OR lag IS NULL), (SELECT count(DISTINCT customer)::int FROM orders), 'each customer is acquired once, those without events too');
SELECT is((SELECT string_agg(format('%s: %s, %s', cohort, active, orders), '; ' ORDER BY lag) FROM (SELECT cohort_value(timelines(customer, at, amount), 'month', '2013-05-31') AS r FROM orders WHERE at IS NULL AND customer > 1000) q CROSS JOIN LATERAL cohort_value_table(q.r) t), ': 0, 0', 'who has no event is in no known cohort');

-- ---- known answers ----

-- Two of January and one of February; each joined for money, one never bought. Of 3 customers at lag 0 with 10, 20 and 30, the
-- mean is 20, the standard error 10 / sqrt(3), and t of 2 degrees 4.302652729911275.
CREATE TABLE few (customer int, at timestamptz, amount numeric, ref int, kind text);
INSERT INTO few VALUES (1, '2024-01-05 12:00+00', 8, NULL, 'join'), (2, '2024-01-07 12:00+00', 7, NULL, 'join'), (3, '2024-02-29 23:59:59+00', 3, NULL, 'join'), (4, '2024-02-10 12:00+00', NULL, NULL, 'join'), (5, NULL, NULL, NULL, 'join'),
	(1, '2024-01-31 12:00+00', 6, 1, 'order'), (1, '2024-01-31 12:00+00', 4, 1, 'order'), (1, '2024-02-01 00:00+00', 2, 1, 'order'), (1, '2024-03-01 00:00+00', -5, NULL, 'refund'), (2, '2024-01-08 12:00+00', 20, NULL, 'order'), (2, '2024-03-02 12:00+00', 1, NULL, 'order'), (3, '2024-02-29 23:59:59.5+00', 30, NULL, 'order'), (NULL, '2024-01-05 12:00+00', 99, NULL, 'order');
CREATE TABLE answer AS SELECT cohort_value(timelines(customer, make_event(at => at, value => amount, ref => ref, kind => kind)), 'month', '2024-03-15', cost_kind => 'join') AS r FROM few;
SELECT is(lines('SELECT cohort, cohort_size, lag, active, orders, revenue, cumulative_revenue, cumulative_per_acquired, complete, cost FROM answer, cohort_value_table(r)'),
	'2024-01-01,2,0,2,2,30,30,15,t,15 2024-01-01,2,1,1,0,2,32,16,t,15 2024-01-01,2,2,1,1,-4,28,14,f,15 2024-02-01,2,0,1,1,30,30,15,t,3 2024-02-01,2,1,0,0,0,30,15,f,3 ,1,,0,0,0,0,0,f,', 'a few customers: an order of two months is one, where it began; what is given back lowers the month it comes in');
SELECT is(lines('SELECT lag, cohorts, customers, cumulative_revenue, round(lower::numeric, 9), round(upper::numeric, 9) FROM cohort_value_curve((SELECT cohort_value(timelines(customer, make_event(at => at, value => amount, kind => kind)), ''month'', ''2024-03-15'', cost_kind => ''join'') FROM few WHERE customer < 4)) WHERE lag = 0'),
	format('0,2,3,60,%s,%s', round((20 - 4.302652729911275 * 10 / sqrt(3))::numeric, 9), round((20 + 4.302652729911275 * 10 / sqrt(3))::numeric, 9)), 'Student''s interval of three customers');
SELECT is(lines('SELECT customers, lower, upper FROM cohort_value_curve((SELECT cohort_value(timelines(customer, at, amount), ''month'', ''2024-03-15'') FROM few WHERE customer = 2)) WHERE lag = 0'), '1,,', '... of one there is none');
SELECT is(lines('SELECT cohort, cost_per_acquired, value_per_acquired, payback_lag, payback_days FROM answer, cohort_payback(r)'), '2024-01-01,7.5,14,0,31 2024-02-01,1.5,15,0,29', 'paid back at once');
SELECT is(lines('SELECT cohort, cost_per_acquired, value_per_acquired, payback_lag, payback_days FROM answer, cohort_payback(r, 16)'), '2024-01-01,16,14,1,60 2024-02-01,16,15,,', '... by the end of February, to the cent, though something is given back then; and not yet');
SELECT is(lines('SELECT cohort, value_per_acquired, payback_lag, payback_days FROM answer, cohort_payback(r, 4.5, 0.3)'), '2024-01-01,4.2,0,31 2024-02-01,4.5,0,29', 'by a margin of 30%');
SELECT is(lines('SELECT customers, cost_per_acquired, value_per_acquired, payback_lag, payback_days, as_of FROM answer, cohort_payback_pooled(r)'), '4,4.5,15,0,31,2024-03-15', 'all together: of January it took 31 days, the longer');
SELECT is(lines('SELECT customers, cost_per_acquired, value_per_acquired, payback_lag, payback_days FROM answer, cohort_payback_pooled(r, 100)'), '2,100,16,,', '... not yet: as of the last lag that is known');
-- in a month that still runs, the days are those until as_of
SELECT is(lines('SELECT cohort, payback_lag, payback_days FROM cohort_payback((SELECT cohort_value(timelines(1, d, 10), ''month'', ''2024-02-10'') FROM unnest(ARRAY[date ''2024-01-03'', ''2024-02-09'']) d), 15)'), '2024-01-01,1,41', 'paid back in a month that still runs');
SELECT is(lines('SELECT cohort, payback_lag, payback_days FROM cohort_payback((SELECT cohort_value(timelines(1, d, 10), ''month'', ''2024-06-10'', ''36 hours'') FROM unnest(ARRAY[date ''2024-01-03'', ''2024-01-07'']) d), 15)'), '2024-01-01,2,5', 'lags of 36 hours: the third is over after 4.5 days');
SELECT is(lines('SELECT cohort, payback_lag, payback_days FROM cohort_payback((SELECT cohort_value(timelines(1, d, 10), ''month'', ''2024-06-10'', ''1 day'', ''{30}'') FROM unnest(ARRAY[date ''2024-01-03'', ''2024-05-07'']) d), 15)'), '2024-01-01,,', 'what comes behind the last horizon is never known of all');
SELECT is(lines('SELECT lag, horizon, period_start, period_end, revenue, complete FROM cohort_value_table((SELECT cohort_value(timelines(1, d, 10), ''month'', ''2024-06-10'', horizons => ''{3,1,3}'') FROM unnest(ARRAY[date ''2024-01-03'', ''2024-05-07'']) d))'), '0,1,2024-01-01,2024-02-01,10,t 1,3,2024-02-01,2024-04-01,0,t 3,,2024-04-01,infinity,10,f', 'horizons in any order, and what is behind them');
SELECT is(lines('SELECT cohort, lag, period_start, period_end, revenue, complete FROM cohort_value_table((SELECT cohort_value(timelines(1, d, 10), ''{2024-01-01,2024-03-01}'', ''2024-06-10'', horizons => ''{1,5}'') FROM unnest(ARRAY[date ''2024-01-03'', ''2024-05-07'']) d))'), '2024-01-01,0,2024-01-01,2024-03-01,10,t 2024-01-01,1,2024-03-01,infinity,10,f', 'periods of a list, whose last one is open');
-- a first event that gives something back acquires him nevertheless
SELECT is(lines('SELECT cohort, cohort_size, active, orders, revenue FROM cohort_value_table((SELECT cohort_value(timelines(1, date ''2024-01-03'', -10), ''month'', ''2024-01-31'')))'), '2024-01-01,1,0,0,-10', 'who only gives back');

-- ---- the same answers by every way ----

CREATE TABLE summary AS SELECT customer, timeline_agg(make_event(at => at, value => amount, ref => ref, kind => kind)) AS timeline, timeline_agg(at, amount) AS plain FROM orders WHERE customer IS NOT NULL GROUP BY customer;
INSERT INTO summary VALUES (NULL, NULL, NULL);
ANALYZE summary;
CREATE TABLE way (metric text, over_base text, over_summaries text);
INSERT INTO way VALUES
	('by months', 'cohort_value(timelines(customer, at, amount), ''month'', ''2012-10-10'')', 'cohort_value(plain, ''month'', ''2012-10-10'')'),
	('with costs', 'cohort_value(timelines(customer, make_event(at => at, value => amount, ref => ref, kind => kind)), ''week@Pacific/Apia'', ''2012-10-10'', NULL, ''{4,8}'', ''join'')', 'cohort_value(timeline, ''week@Pacific/Apia'', ''2012-10-10'', NULL, ''{4,8}'', ''join'')'),
	('elapsed', 'cohort_value(timelines(customer, make_event(at => at, value => amount, ref => ref, kind => kind)), ''quarter'', ''2012-10-10'', ''1 day'', ''{30,60,90,180,365}'', ''join'')', 'cohort_value(timeline, ''quarter'', ''2012-10-10'', ''1 day'', ''{30,60,90,180,365}'', ''join'')');
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT t.* FROM (SELECT %s AS r FROM summary) q CROSS JOIN LATERAL cohort_value_table(q.r) t', over_summaries), format('SELECT t.* FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL cohort_value_table(q.r) t', over_base)), metric || ': over summaries') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM orders GROUP BY customer %% 7) q', over_base), format('SELECT %s::text FROM orders', over_base)), metric || ': parts rolled up') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM summary GROUP BY customer %% 7) q', over_summaries), format('SELECT %s::text FROM summary', over_summaries)), metric || ': groups of summaries rolled up') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT r::text::cohort_value_result::text FROM (SELECT %s AS r FROM orders) q', over_base), format('SELECT %s::text FROM orders', over_base)), metric || ': text and back') FROM way;
-- parallel
CREATE FUNCTION plan_has(expression text, relation text, node text) RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE line text; BEGIN FOR line IN EXECUTE format('EXPLAIN SELECT %s FROM %s', expression, relation) LOOP IF line LIKE '%' || node || '%' THEN RETURN true; END IF; END LOOP; RETURN false; END $$;
CREATE FUNCTION answer(expression text, relation text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE a text; BEGIN EXECUTE format('SELECT %s::text FROM %s', expression, relation) INTO a; RETURN a; END $$;
CREATE TABLE serial AS SELECT metric, answer(over_base, 'orders') AS over_base, answer(over_summaries, 'summary') AS over_summaries FROM way;
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
SELECT 1 AS id, r FROM answer UNION ALL SELECT 2, cohort_value(timelines(customer, make_event(at => at, value => amount, ref => ref, kind => kind)), 'quarter', '2012-10-10', '1 day', '{30,60,90,180,365}', 'join') FROM orders UNION ALL SELECT 3, cohort_value(timelines(NULL::int, at, amount)) FROM orders;
CREATE TABLE again (LIKE kept);
COPY kept TO PROGRAM 'cat > cohort_results.bin' (FORMAT binary);
COPY again FROM PROGRAM 'cat cohort_results.bin && rm cohort_results.bin' (FORMAT binary);
SELECT results_eq('SELECT * FROM again ORDER BY id', 'SELECT * FROM kept ORDER BY id', 'binary');
SELECT is_empty('SELECT * FROM kept WHERE r::text::cohort_value_result <> r', 'text');

-- ---- edges ----

SELECT is(cohort_value(NULL::timeline_base), NULL, 'no base');
SELECT is((SELECT cohort_value(timelines(customer, at, amount), 'month') FROM orders WHERE false), NULL, 'no rows');
SELECT is((SELECT count(*)::int FROM cohort_value_table(NULL)) + (SELECT count(*)::int FROM cohort_value_curve(NULL)) + (SELECT count(*)::int FROM cohort_payback(NULL)), 0, 'no result');
SELECT is((SELECT count(*)::int FROM cohort_value_table((SELECT cohort_value(timelines(NULL::int, at, amount), 'month') FROM orders))), 0, 'guests only');
SELECT is(lines('SELECT customers, payback_lag, as_of FROM cohort_payback_pooled((SELECT cohort_value(timelines(5, NULL::timestamptz, 1), ''month'')), 1)'), '0,,', 'nobody has an event');
SELECT is((SELECT count(*)::int FROM cohort_value_table((SELECT cohort_value(timelines(1, date '2024-05-01', 5), 'month', '2024-04-30')))), 0, 'who comes after as_of isn''t there yet');
SELECT is(lines('SELECT revenue, abs(cumulative_per_acquired - 4500000000.0617283945) < 1e-6 FROM cohort_value_table((SELECT cohort_value(timelines(n, date ''2024-01-05'', CASE n WHEN 1 THEN 0.123456789 ELSE 9000000000 END), ''month'', ''2024-01-31'') FROM generate_series(1, 2) n))'), '9000000000.123456789,t', 'amounts of different scales');
SELECT is(result_scope(r)::text, '(cohort_value,month,UTC,2024-03-15,,"{""elapsed"": null, ""horizons"": null, ""cost_kind"": ""join""}",1,1)', 'what it is about') FROM answer;
SELECT throws_ok(format('SELECT %s', call), state, message, call)
FROM (VALUES
	('cohort_value(timelines(1, date ''2024-01-01'', 1), NULL)', '22004', 'period must not be null'), ('cohort_value(timelines(1, date ''2024-01-01'', 1), as_of => ''infinity'')', '22008', NULL),
	('cohort_value(timelines(1, date ''2024-01-01'', 1), elapsed => ''1 month'')', '22023', 'elapsed must be a minute or more, without months'), ('cohort_value(timelines(1, date ''2024-01-01'', 1), elapsed => ''-1 day'')', '22023', 'elapsed must be a minute or more, without months'), ('cohort_value(timelines(1, date ''2024-01-01'', 1), elapsed => ''59 seconds'')', '22023', 'elapsed must be a minute or more, without months'),
	('cohort_value(timelines(1, date ''2024-01-01'', 1), horizons => ''{}'')', '22023', 'there may be 1 to 1000 horizons, not 0'), ('cohort_value(timelines(1, date ''2024-01-01'', 1), horizons => ''{0,5}'')', '22023', 'a horizon must be between 1 and 36525 lags, not 0'), ('cohort_value(timelines(1, date ''2024-01-01'', 1), horizons => ''{36526}'')', '22023', 'a horizon must be between 1 and 36525 lags, not 36526'),
	('cohort_value(timelines(1, date ''2024-01-01'', 1), horizons => ''{1,NULL}'')', '22004', 'horizon 2 is null'), ('cohort_value(timelines(1, date ''2024-01-01'', 1), horizons => ''{{1,2},{3,4}}'')', '22023', NULL), ('cohort_value(timelines(1, date ''2024-01-01'', 1), horizons => (SELECT array_agg(n) FROM generate_series(1, 1001) n))', '22023', 'there may be 1 to 1000 horizons, not 1001'),
	('cohort_value(timelines(1, date ''2024-01-01'', 0.1234567891), ''month'')', '22003', 'values of a customer have more than 9 decimals'),
	('cohort_value(timelines(1, timestamptz ''0044-01-01 BC'' + n * interval ''150000 years'', 1), ''year'', ''150000-01-01'', ''1 minute'') FROM generate_series(0, 1) n', '54000', 'there are more than 2147483647 lags from a customer''s first event on'),
	('cohort_payback(cohort_value(timelines(1, date ''2024-01-01'', 1)))', '22004', 'cost must not be null where the result doesn''t know it'), ('cohort_payback(cohort_value(timelines(1, date ''2024-01-01'', 1)), -1)', '22023', 'cost must not be negative'), ('cohort_payback(cohort_value(timelines(1, date ''2024-01-01'', 1)), ''NaN'')', '22003', 'cost must be finite'),
	('cohort_payback(cohort_value(timelines(1, date ''2024-01-01'', 1)), 1, 30)', '22023', 'margin must be above 0, and 1 at most'), ('cohort_payback(cohort_value(timelines(1, date ''2024-01-01'', 1)), 1, 0)', '22023', 'margin must be above 0, and 1 at most'), ('cohort_payback_pooled(cohort_value(timelines(1, date ''2024-01-01'', 1)), 1, NULL)', '22004', 'margin must not be null'), ('cohort_payback_pooled(cohort_value(timelines(1, date ''2024-01-01'', 1)), 1, ''infinity'')', '22003', 'margin must be finite'),
	('cohort_value_curve(cohort_value(timelines(1, date ''2024-01-01'', 1)), 1)', '22023', NULL),
	('cohort_value(timeline_agg(date ''2024-01-01'', 1), ''month'', NULL)', '22004', 'as_of must not be null'), ('cohort_value(t, ''month'') FROM (SELECT timeline_agg(date ''2024-01-01'', 1) AS t) q', '22004', 'as_of is missing')) v(call, state, message)
WHERE call NOT LIKE 'cohort_value(timeline_agg%';
SELECT throws_ok('SELECT cohort_value(t, ''month'', date ''2024-01-31'' + n) FROM (SELECT timeline_agg(date ''2024-01-01'', 1) AS t) q, generate_series(0, 1) n', '22023', 'period and as_of must be the same for all rows of an aggregate', 'another as_of in a row');
SELECT throws_ok('SELECT cohort_value(t, ''month'', ''2024-01-31'', NULL, ARRAY[n], NULL) FROM (SELECT timeline_agg(date ''2024-01-01'', 1) AS t) q, generate_series(1, 2) n', '22023', 'horizons must be the same for all rows of an aggregate', 'other horizons in a row');
SELECT lives_ok('SELECT cohort_value(t, ''month'', ''2024-01-31'', e::interval, h::int[], NULL) FROM (SELECT timeline_agg(date ''2024-01-01'', 1) AS t) q, (VALUES (''1 day'', ''{1,2}''), (''24 hours'', ''{2,1,1}'')) v(e, h)', 'the same, written otherwise');
SELECT throws_ok(format('SELECT rollup(r) FROM (SELECT %s UNION ALL SELECT %s) v(r)', a, b), '22023', message, message)
FROM (VALUES
	('cohort_value(timelines(1, date ''2024-01-01'', 1))', 'cohort_value(timelines(1, date ''2024-01-02'', 1))', 'cohort_value_results with different as_of can''t be added up'),
	('cohort_value(timelines(1, date ''2024-01-01'', 1))', 'cohort_value(timelines(1, date ''2024-01-01'', 1), ''week'')', 'cohort_value_results with different period can''t be added up'),
	('cohort_value(timelines(1, date ''2024-01-01'', 1))', 'cohort_value(timelines(1, date ''2024-01-01'', 1), elapsed => ''1 day'')', 'cohort_value_results with different elapsed can''t be added up'),
	('cohort_value(timelines(1, date ''2024-01-01'', 1), horizons => ''{1}'')', 'cohort_value(timelines(1, date ''2024-01-01'', 1), horizons => ''{2}'')', 'cohort_value_results with different horizons can''t be added up'),
	('cohort_value(timelines(1, date ''2024-01-01'', 1))', 'cohort_value(timelines(1, date ''2024-01-01'', 1), cost_kind => ''join'')', 'cohort_value_results with different cost_kind can''t be added up')) v(a, b, message);
SELECT throws_ok(format('SELECT %L::cohort_value_result', written), '22P02', NULL, problem)
FROM (VALUES
	('{"rows": []}', 'no period'),
	('{"period": "month", "elapsed": "soon", "rows": []}', 'no interval'),
	('{"period": "month", "horizons": 5, "rows": []}', 'horizons that are no array'),
	('{"period": "month", "horizons": ["x"], "rows": []}', 'horizons that are no numbers'),
	('{"period": "month", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1}]}', 'no as_of'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": 1, "active": 1}]}', 'nobody acquired'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": 0, "active": 1}]}', 'a column 0 with nobody'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-02-01", "column": 0, "acquired": 1}]}', 'a cohort after as_of'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1}, {"cohort": "2024-01-01", "column": 1, "active": 1}]}', 'a lag after as_of'),
	('{"period": "month", "as_of": "2024-02-29", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1}, {"cohort": "2024-01-01", "column": 1, "acquired": 1}]}', 'acquired later'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": -1, "acquired": 1}]}', 'a column below 0'),
	('{"period": "month", "as_of": "2024-09-30", "horizons": [1], "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1}, {"cohort": "2024-01-01", "column": 2, "active": 1}]}', 'a column behind the horizons'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1, "active": 2}]}', 'more active than acquired'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1, "orders": 1}]}', 'orders of nobody'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1, "cost": 1}]}', 'a cost without cost_kind'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1, "running": 1}]}', 'running lags of the calendar'),
	('{"period": "month", "as_of": "2024-01-31", "scale": 1, "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1}]}', 'an odd scale'),
	('{"period": "month", "as_of": "2024-01-31", "scale": 2, "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1, "revenue": 0.25, "squares": 0.07}]}', 'more decimals than half'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 2, "revenue": 4, "squares": 7}]}', 'too small squares'),
	('{"period": "month", "as_of": "2024-02-29", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1, "revenue": 4, "squares": 16}, {"cohort": "2024-01-01", "column": 1, "squares": -1}]}', 'too small squares in a later lag'),
	('{"period": "month", "as_of": "2024-01-31", "elapsed": "1 day", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1}]}', 'a customer in no running column'),
	('{"period": "month", "as_of": "2024-01-31", "elapsed": "1 day", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1, "running": 1, "due": 1, "squares": 1}]}', 'known money of nobody'),
	('{"period": "month", "as_of": "2024-01-31", "elapsed": "1 day", "rows": [{"cohort": "2024-01-01", "column": 0, "acquired": 1}, {"cohort": "2024-01-01", "column": 99, "running": 1}]}', 'an elapsed lag after as_of')) v(written, problem);
SELECT throws_ok($$SELECT '{"period": "month", "elapsed": "1 month", "rows": []}'::cohort_value_result$$, '22023', NULL, 'elapsed in months');
SELECT throws_ok($$SELECT cohort_value(timelines(n, date '2024-01-05', 9000000000000000000), 'month', '2024-01-31') FROM generate_series(1, 10) n$$, '22003', NULL, 'squares beyond 128 bits');
SELECT throws_ok($$SELECT cohort_value(timelines(1, date '2024-01-05' + n, 9000000000000000000), 'month', '2024-01-31') FROM generate_series(1, 10) n$$, '22003', NULL, 'a customer''s sum beyond 64 bits');
SELECT * FROM finish();
ROLLBACK;
