--
-- basket_switching() and its rows against plain PL/pgSQL on random orders in several zones, answers
-- by hand, and the identities that must hold to the last unit; the same answers by every way; edges;
-- errors.
--
\ir reference/setup.sql
BEGIN;
\ir reference/periods.sql
\ir reference/orders.sql
CREATE TABLE spent (customer int, day date, label text, value numeric);
\ir reference/basket.sql
ALTER TABLE orders ADD amount numeric, ADD label text;
INSERT INTO orders SELECT customer, at + n * interval '9 days', NULL, NULL FROM orders, generate_series(1, 3) n WHERE at < '2012-06-01';
UPDATE orders SET amount = CASE WHEN random() < 0.05 THEN NULL WHEN random() < 0.2 THEN -round((random() * 60)::numeric, 2) ELSE round((random() * 100)::numeric, (random() * 2)::int) END,
	label = (ARRAY['tea', 'mate', 'coffee', 'Kaffee "schwarz"', 'über', NULL, ''])[1 + trunc(power(random(), 1.5) * 7)::int];
UPDATE orders SET amount = round(amount + 0.125, 3) WHERE customer % 10 = 3;
-- whole amounts, and many labels at once
INSERT INTO orders SELECT 5000 + n % 4, '2012-01-01 10:00+00'::timestamptz + (n % 97) * interval '1 day', 1 + n * n % 7, 'label ' || n * n % 23 FROM generate_series(1, 300) n;
ANALYZE orders;

CREATE FUNCTION enter_zone(zone text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, false);
	TRUNCATE spent;
	INSERT INTO spent SELECT customer, at::date, label, amount FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL;
	ANALYZE spent;
END $$;

\ir reference/differences.sql
SELECT no_plan();

-- ---- against plain SQL ----

CREATE TABLE asked (zone text, name text, got text, wanted text);
INSERT INTO asked
SELECT zone, format('flows by %s in %s as of %s', period, zone, until),
	format('SELECT t.period_start, flow, from_label, to_label, amount + 0.000, customers FROM (SELECT basket_switching(timelines(customer, make_event(at => at, value => amount, label => label)), %L, %L) AS r FROM orders) q CROSS JOIN LATERAL basket_switching_flows(q.r) t', period, until),
	format('SELECT c.period_start, flow, from_label, to_label, round(sum(amount), 3), CASE WHEN flow = ''switched'' THEN count(*) END FROM ref_moves(%L, %L) m JOIN (SELECT DISTINCT n, period_start FROM ref_calendar(%1$L, ''2010-01-01'', ''2014-12-31'')) c USING (n) GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0', period, until)
FROM (VALUES ('UTC', 'month', date '2012-10-27'), ('UTC', 'quarter:02-01', '2013-03-31'), ('Pacific/Apia', 'month:31', '2012-02-29'), ('America/New_York', 'week:sunday', '2011-12-31'), ('UTC', '{2010-01-01,2011-12-30,2012-02-29,2012-10-28}', '2013-12-31')) v(zone, period, until);
INSERT INTO asked
SELECT zone, format('spend by %s in %s as of %s', period, zone, until),
	format('SELECT t.period_start, label, customers, spend + 0.000, returned + 0.000 FROM (SELECT basket_switching(timelines(customer, make_event(at => at, value => amount, label => label)), %L, %L) AS r FROM orders) q CROSS JOIN LATERAL basket_switching_table(q.r) t WHERE spend <> 0 OR returned <> 0 OR customers > 0', period, until),
	format('SELECT c.period_start, label, count(*) FILTER (WHERE bought AND active), coalesce(sum(spend) FILTER (WHERE active), 0) + 0.000, coalesce(-sum(spend) FILTER (WHERE NOT active), 0) + 0.000 FROM ref_baskets(%L, %L) b JOIN (SELECT DISTINCT n, period_start FROM ref_calendar(%1$L, ''2010-01-01'', ''2014-12-31'')) c USING (n) GROUP BY 1, 2', period, until)
FROM (VALUES ('UTC', 'month', date '2012-10-27'), ('Pacific/Apia', 'month:31', '2012-02-29'), ('America/New_York', 'week:sunday', '2011-12-31')) v(zone, period, until);
SELECT enter_zone('UTC') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'UTC';
SELECT cmp_ok((SELECT count(DISTINCT flow)::int FROM ref_moves('month', '2012-10-27') WHERE amount <> 0), '=', 5, 'every flow occurs');
SELECT cmp_ok((SELECT count(*)::int FROM ref_baskets('month', '2012-10-27') WHERE spend < 0 AND active), '>', 20, '... below zero, too');
SELECT enter_zone('Pacific/Apia') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'Pacific/Apia';
SELECT enter_zone('America/New_York') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'America/New_York';
SELECT enter_zone('UTC') IS NOT NULL AS entered \gset

-- ---- identities ----

CREATE TABLE counted AS
SELECT period, basket_switching(timelines(customer, make_event(at => at, value => amount, label => label)), period::calendar_period) AS r, growth(timelines(customer, at, amount), period::calendar_period) AS g
FROM orders, unnest(ARRAY['week', 'month', 'quarter']) period GROUP BY period;
SELECT is_empty($$SELECT t.* FROM counted, basket_switching_table(r) t WHERE spend <> spend_before + change OR change <> new + increased + switched_in - lost - decreased - switched_out OR kept <> spend_before - lost - decreased - switched_out$$, 'what came, less what went, is the change');
SELECT is_empty($$SELECT period, t.period_start, label, spend_before FROM counted, basket_switching_table(r) t WHERE spend_before <> 0 EXCEPT ALL
	SELECT period, t.period_end, label, spend FROM counted, basket_switching_table(r) t WHERE spend <> 0$$, 'what there was before is the spend of the period before');
SELECT is_empty($$SELECT period, t.period_start FROM counted, basket_switching_table(r) t GROUP BY 1, 2 HAVING sum(switched_in) <> sum(switched_out)$$, 'what switches comes from somewhere');
SELECT is_empty($$SELECT period, t.period_start, to_label, sum(amount) FROM counted, basket_switching_flows(r) t WHERE flow = 'switched' GROUP BY 1, 2, 3 EXCEPT SELECT period, t.period_start, label, switched_in FROM counted, basket_switching_table(r) t$$, 'flows to a label are what it gained');
SELECT is_empty($$SELECT period, t.period_start, from_label, sum(amount) FROM counted, basket_switching_flows(r) t WHERE flow = 'switched' GROUP BY 1, 2, 3 EXCEPT SELECT period, t.period_start, label, switched_out FROM counted, basket_switching_table(r) t$$, '... and those from it what it lost');
SELECT is_empty($$SELECT b.*, t.revenue, t.new_revenue, t.returned FROM (SELECT period, t.period_start, sum(spend) AS spend, sum(new) AS new, sum(lost) AS lost, sum(change) AS change, sum(returned) AS returned FROM counted, basket_switching_table(r) t GROUP BY 1, 2) b
	JOIN LATERAL (SELECT t.* FROM counted c, growth_table(c.g) t WHERE c.period = b.period AND t.period_start = b.period_start) t ON true
	WHERE spend <> t.revenue OR b.new <> t.new_revenue + t.resurrected_revenue OR lost <> t.churned_revenue OR change <> t.revenue - t.opening_revenue OR b.returned <> t.returned$$, 'over all labels it is growth()''s revenue');
SELECT is((SELECT sum(spend - returned) FROM counted, basket_switching_table(r) WHERE period = 'week'), (SELECT sum(value) FROM spent), 'spend less what was returned is all values');

-- ---- by hand ----

CREATE TABLE few (customer int, at date, label text, amount numeric);
CREATE FUNCTION flows(labels text[], before numeric[], now numeric[]) RETURNS text LANGUAGE sql AS $$
	SELECT lines(format('SELECT flow, from_label, to_label, amount FROM (SELECT basket_switching(timelines(1, make_event(at => day, value => amount, label => label)), ''month'', ''2024-02-29'') AS r FROM (SELECT unnest(%1$L::text[]) AS label, date ''2024-01-05'' AS day, unnest(%2$L::numeric[]) AS amount UNION ALL SELECT unnest(%1$L::text[]), date ''2024-02-05'', unnest(%3$L::numeric[])) e WHERE amount IS NOT NULL) q, basket_switching_flows(r) WHERE period_start = ''2024-02-01'' ORDER BY flow DESC, from_label, to_label', labels, before, now))
$$;
SELECT is(flows('{tea,mate}', '{10,NULL}', '{NULL,10}'), 'switched,tea,mate,10.00', 'all of it');
SELECT is(flows('{tea,mate}', '{10,5}', '{4,11}'), 'switched,tea,mate,6.00', 'a part');
SELECT is(flows('{tea,mate}', '{10,5}', '{10,5}'), '', 'nothing moves');
SELECT is(flows('{tea,mate}', '{10,5}', '{4,8}'), 'switched,tea,mate,3.00 decreased,tea,,3.00', 'less in all: the rest decreased');
SELECT is(flows('{tea,mate}', '{10,5}', '{4,15}'), 'switched,tea,mate,6.00 increased,,mate,4.00', 'more in all: the rest increased');
-- 6.00 to gains of 10.00 and 11.00: 2.857..., 3.142...; the cent that is left goes to the larger remainder
SELECT is(flows('{tea,mate,coffee}', '{10,NULL,NULL}', '{4,10,11}'), 'switched,tea,coffee,3.14 switched,tea,mate,2.86 increased,,coffee,7.86 increased,,mate,7.14', 'in proportion to the gains');
-- 1.00 to three equal gains: 0.34 to the first by its label
SELECT is(flows('{tea,mate,coffee,water}', '{1,NULL,NULL,NULL}', '{NULL,1,1,1}'), 'switched,tea,coffee,0.34 switched,tea,mate,0.33 switched,tea,water,0.33 increased,,coffee,0.66 increased,,mate,0.67 increased,,water,0.67', 'equal remainders: the first label');
-- losses of 0.01 and 0.02 to gains of 0.02 and 0.01: the first cent to b (2/3 against 1/3); then 0.02 to what is left, 0.01 and 0.01
SELECT is(flows('{a,b,c,d}', '{0.01,NULL,0.02,NULL}', '{NULL,0.02,NULL,0.01}'), 'switched,a,b,0.01 switched,c,b,0.01 switched,c,d,0.01', 'losses are taken in the order of labels');
SELECT is(flows('{tea,mate,coffee}', '{10,10,0}', '{7,6,7}'), 'switched,mate,coffee,4.00 switched,tea,coffee,3.00', 'two lose to one');
SELECT is(flows('{tea,mate,coffee}', '{10,20,5}', '{4,8,11}'), 'switched,mate,coffee,4.00 switched,tea,coffee,2.00 decreased,mate,,8.00 decreased,tea,,4.00', 'what decreased is shared as well');
SELECT is(flows('{tea,mate}', '{10.0005,NULL}', '{NULL,10.0005}'), 'switched,tea,mate,10.0005', 'in the values'' own decimals');
SELECT is(flows('{tea,mate}', '{-4,10}', '{6,10}'), 'increased,,tea,10.00', 'spend below zero');
INSERT INTO few VALUES (1, '2024-01-05', 'tea', 10), (1, '2024-02-05', 'tea', 4), (1, '2024-02-05', 'mate', 6), (2, '2024-01-05', 'tea', 7), (3, '2024-02-05', NULL, 3), (3, '2024-03-05', NULL, -1), (4, '2024-01-05', 'tea', 5), (4, '2024-02-05', 'tea', -5), (4, '2024-03-05', 'mate', 8), (5, NULL, 'tea', 1), (NULL, '2024-01-05', 'tea', 1);
CREATE TABLE answer AS SELECT basket_switching(timelines(customer, make_event(at => at, value => amount, label => label)), as_of => '2024-03-15') AS r FROM few;
SELECT is(lines('SELECT t.period_start, complete, label, customers, spend_before, kept, new, increased, switched_in, lost, decreased, switched_out, spend, change, returned FROM answer, basket_switching_table(r) t'),
	'2024-01-01,t,tea,3,0.00,0.00,22.00,0.00,0.00,0.00,0.00,0.00,22.00,22.00,0.00 2024-02-01,t,,1,0.00,0.00,3.00,0.00,0.00,0.00,0.00,0.00,3.00,3.00,0.00 2024-02-01,t,mate,1,0.00,0.00,0.00,0.00,6.00,0.00,0.00,0.00,6.00,6.00,0.00 ' ||
	'2024-02-01,t,tea,1,22.00,4.00,0.00,0.00,0.00,12.00,0.00,6.00,4.00,-18.00,5.00 2024-03-01,f,,0,3.00,0.00,0.00,0.00,0.00,3.00,0.00,0.00,0.00,-3.00,1.00 2024-03-01,f,mate,1,6.00,0.00,8.00,0.00,0.00,6.00,0.00,0.00,8.00,2.00,0.00 2024-03-01,f,tea,0,4.00,0.00,0.00,0.00,0.00,4.00,0.00,0.00,0.00,-4.00,0.00', 'a few customers');
SELECT is(lines('SELECT t.period_start, period_end, flow, from_label, to_label, amount, customers, as_of FROM answer, basket_switching_flows(r) t WHERE period_start = ''2024-02-01'' AND flow <> ''new'''),
	'2024-02-01,2024-03-01,switched,tea,mate,6.00,1,2024-03-15 2024-02-01,2024-03-01,lost,tea,,12.00,,2024-03-15', '... and what moved');

-- ---- the same answers by every way ----

CREATE TABLE summary AS SELECT customer, timeline_agg(make_event(at => at, value => amount, label => label)) AS timeline FROM orders WHERE customer IS NOT NULL GROUP BY customer;
INSERT INTO summary VALUES (NULL, NULL);
ANALYZE summary;
CREATE TABLE way (metric text, over_base text, over_summaries text);
INSERT INTO way VALUES
	('by month', 'basket_switching(timelines(customer, make_event(at => at, value => amount, label => label)), ''month'', ''2012-10-10'')', 'basket_switching(timeline, ''month'', ''2012-10-10'')'),
	('in a zone', 'basket_switching(timelines(customer, make_event(at => at, value => amount, label => label)), ''week@Pacific/Apia'', ''2012-01-10'')', 'basket_switching(timeline, ''week@Pacific/Apia'', ''2012-01-10'')');
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT t.* FROM (SELECT %s AS r FROM summary) q CROSS JOIN LATERAL basket_switching_table(r) t', over_summaries), format('SELECT t.* FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL basket_switching_table(r) t', over_base)), metric || ': over summaries') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM orders GROUP BY customer %% 7) q', over_base), format('SELECT %s::text FROM orders', over_base)), metric || ': parts rolled up') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM summary GROUP BY customer %% 7) q', over_summaries), format('SELECT %s::text FROM summary', over_summaries)), metric || ': parts of summaries rolled up') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT customer %% 7, r.* FROM (SELECT customer, %s OVER (PARTITION BY customer %% 7 ORDER BY customer) AS r FROM summary) q CROSS JOIN LATERAL basket_switching_flows(q.r) r WHERE customer BETWEEN 20 AND 26', over_summaries),
	format('SELECT p, r.* FROM generate_series(0, 6) p, LATERAL (SELECT %s AS r FROM summary WHERE customer %% 7 = p AND customer <= 26) q CROSS JOIN LATERAL basket_switching_flows(q.r) r', over_summaries)), metric || ': as a window grows') FROM way;

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
SELECT period AS id, r FROM counted UNION ALL SELECT 'guests', basket_switching(timelines(NULL::int, at, amount)) FROM orders UNION ALL SELECT 'list', basket_switching(timelines(customer, make_event(at => at, value => amount, label => label)), '{2010-01-01,2011-12-30,2012-02-29}') FROM orders;
CREATE TABLE again (LIKE kept);
COPY kept TO PROGRAM 'cat > basket_results.bin' (FORMAT binary);
COPY again FROM PROGRAM 'cat basket_results.bin && rm basket_results.bin' (FORMAT binary);
SELECT results_eq('SELECT * FROM again ORDER BY id', 'SELECT * FROM kept ORDER BY id', 'binary');
SELECT is_empty('SELECT * FROM kept WHERE r::text::basket_switching_result <> r', 'text');
SELECT is((SELECT r::text FROM kept WHERE id = 'guests'), '{"period": "month", "zone": "UTC", "scale": 0, "rows_without_customer": ' || (SELECT count(*) FROM orders) || ', "rows": []}', 'guests only');

-- ---- edges ----

SELECT is(lines('SELECT (SELECT count(*) FROM basket_switching_table(r)), (SELECT count(*) FROM basket_switching_flows(r)) FROM kept WHERE id = ''guests'''), '0,0', '... give no rows');
SELECT is(lines('SELECT basket_switching(NULL::timeline_base) IS NULL, (SELECT count(*) FROM basket_switching_table(NULL)), (SELECT count(*) FROM basket_switching_flows(NULL)), (SELECT basket_switching(t, ''month'', ''2024-01-01'') IS NULL FROM (SELECT NULL::event_timeline AS t) x WHERE false)'), 't,0,0,t', 'NULL for NULL');
SELECT is(lines($$SELECT t.period_start, label, spend FROM (SELECT basket_switching(timelines(1, date '2024-01-05'), 'month', '2023-12-31') r) q, basket_switching_table(r) t$$), '', 'as_of before everything');
SELECT is(lines($$SELECT t.period_start, customers, spend FROM (SELECT basket_switching(timelines(1, date '2024-01-05'), 'month') r) q, basket_switching_table(r) t$$), '2024-01-01,1,0.00', 'a purchase without value');
SELECT is(lines($$SELECT t.period_start, period_end, complete, lost FROM (SELECT basket_switching(timelines(1, date '2024-01-05', 3), '{2024-01-01,2024-03-01}', '2024-04-01') r) q, basket_switching_table(r) t$$), '2024-01-01,2024-03-01,t,0.00 2024-03-01,infinity,f,3.00', 'a list of periods, whose last one stays open');
SELECT is(lines($$SELECT sum(spend) FROM (SELECT basket_switching(timelines(n, date '2024-01-05', 92233720368547758.07 - n % 2)) r FROM generate_series(1, 1000) n) q, basket_switching_table(r) t$$), '92233720368547757570.00', 'spend beyond 64 bits');
SELECT is(lines($$SELECT t.period_start, spend, lost FROM (SELECT rollup(r) r FROM (SELECT basket_switching(timelines(c, date '2024-01-05', v), 'month', '2024-02-05') r FROM (VALUES (1, 1), (2, 0.5), (3, 0.000001)) v(c, v) GROUP BY c) p) q, basket_switching_table(r) t$$), '2024-01-01,1.500001,0.000000 2024-02-01,0.000000,1.500001', 'values of different scale');
SELECT is(lines($$SELECT t.period_start, spend FROM (SELECT basket_switching(timelines(c, date '2024-01-05', v), 'month', '2024-01-31') r FROM (VALUES (1, 1), (2, 0.5), (3, 0.000001), (4, 2)) v(c, v)) q, basket_switching_table(r) t$$), '2024-01-01,3.500001', '... in one base');

SELECT lives_ok('SELECT basket_switching(timelines(1, make_event(at => date ''2024-01-01'', label => ''l'' || n))) FROM generate_series(1, 1000) n', 'a thousand labels');
SELECT lives_ok(format('SELECT %s FROM orders', call), call)
FROM unnest(ARRAY['basket_switching(timelines(customer, at, amount), ''week'', NULL)', 'basket_switching(timelines(customer::bigint, at, 1), as_of => ''2012-01-01'')', 'basket_switching(timelines(customer::text, at), period => ''month@Europe/Helsinki'')', 'basket_switching(''[]''::event_timeline, ''month'', ''2012-01-01'')']) call;

-- ---- errors ----

SELECT throws_ok(format('SELECT %s FROM summary', call), state, message, call)
FROM (VALUES
	('basket_switching(timeline, ''month'')', '22004', 'as_of is missing'),
	('basket_switching(timeline, ''month'', NULL)', '22004', 'as_of must not be null'),
	('basket_switching(timeline, NULL, ''2012-01-01'')', '22004', 'period must not be null'),
	('basket_switching(timeline, ''month'', ''infinity'')', '22008', NULL),
	('basket_switching(timeline, ''month'', date ''2012-01-01'' + customer)', '22023', 'period and as_of must be the same for all rows of an aggregate'),
	('basket_switching(timelines(1, date ''2024-01-01'', 1), ''{2024-01-02}'')', '22008', 'day 2024-01-01 is before the first period, which starts on 2024-01-02'),
	('(SELECT basket_switching(timelines(1, make_event(at => date ''2024-01-01'', label => ''l'' || n))) FROM generate_series(1, 1001) n)', '54000', 'more than 1000 labels are too many to switch between'),
	('basket_switching(timelines(1, date ''2024-01-01'', 9223372036854775807))', '22003', NULL)) v(call, state, message);
SELECT throws_ok(format('SELECT rollup(r) FROM (SELECT %s UNION ALL SELECT %s) v(r)', a, b), '22023', message, message)
FROM (VALUES
	('basket_switching(timelines(1, date ''2024-01-01'', 1))', 'basket_switching(timelines(1, date ''2024-01-02'', 1))', 'basket_switching_results with different as_of can''t be added up'),
	('basket_switching(timelines(1, date ''2024-01-01'', 1))', 'basket_switching(timelines(1, date ''2024-01-01'', 1), ''week'')', 'basket_switching_results with different period can''t be added up')) v(a, b, message);
SELECT throws_ok(format('SELECT %L::basket_switching_result', written), '22P02', NULL, problem)
FROM (VALUES
	('{"rows": []}', 'no period'),
	('{"period": "month", "rows": [{"period": "2024-01-01", "labels": "[\"tea\"]", "customers": 1, "spend": 1, "new": 1}]}', 'no as_of'),
	('{"period": "month", "as_of": "2024-03-15", "rows": [{"period": "2024-04-01", "labels": "[\"tea\"]", "customers": 1, "spend": 1, "new": 1}]}', 'after as_of'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "customers": 1, "spend": 1, "new": 1}]}', 'no labels'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "tea", "customers": 1, "spend": 1, "new": 1}]}', 'no JSON'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[]", "customers": 1, "spend": 1, "new": 1}]}', 'an empty array'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "{\"tea\": 1}", "customers": 1, "spend": 1, "new": 1}]}', 'an object'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "\"tea\"", "customers": 1, "spend": 1, "new": 1}]}', 'a scalar'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[1]", "customers": 1, "spend": 1, "new": 1}]}', 'a number for a label'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"tea\" ]", "customers": 1, "spend": 1, "new": 1}]}', 'written otherwise'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"a\", \"b\", \"c\"]", "customers": 1, "switched": 1}]}', 'three labels'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"a\"]", "customers": 1, "spend": 1, "new": 1, "switched": 1}]}', 'one label, and switched'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"a\", \"a\"]", "customers": 1, "switched": 1}]}', 'from a label to itself'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"a\", \"b\"]", "switched": 1}]}', 'nobody switches'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"a\", \"b\"]", "customers": 1, "switched": 1, "new": 1}]}', 'two labels, and new'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"a\"]", "customers": 1, "spend": -1, "increased": -1}]}', 'increased below zero'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"a\"]", "customers": 1, "spend": 2, "new": 1}]}', 'spend out of nothing'),
	('{"period": "month", "as_of": "2024-02-15", "rows": [{"period": "2024-01-01", "labels": "[\"a\"]", "customers": 1, "spend": 1, "new": 1}]}', 'spend that is gone'),
	('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "labels": "[\"a\", \"b\"]", "customers": 1, "switched": 1}, {"period": "2024-01-01", "labels": "[\"b\"]", "customers": 1, "spend": 1}]}', 'switched from what wasn''t there')) v(written, problem);
SELECT is('{"period": "month", "as_of": "2024-02-15", "rows": [{"period": "2024-01-01", "labels": "[null]", "customers": 1, "spend": 1, "new": 1}, {"period": "2024-02-01", "labels": "[null]", "lost": 1}]}'::basket_switching_result::text,
	'{"period": "month", "as_of": "2024-02-15", "scale": 0, "rows_without_customer": 0, "rows": [{"period": "2024-01-01", "labels": "[null]", "customers": 1, "spend": 1, "new": 1}, {"period": "2024-02-01", "labels": "[null]", "lost": 1}]}', 'one that could have been made is taken');
SELECT throws_ok($$SELECT rollup(r) FROM unnest(ARRAY['{"period": "month", "as_of": "2024-01-31", "scale": 0, "rows": [{"period": "2024-01-01", "labels": "[null]", "spend": 99999999999999999999999999999, "new": 99999999999999999999999999999}]}', '{"period": "month", "as_of": "2024-01-31", "scale": 18, "rows": []}']::basket_switching_result[]) r$$, '22003', NULL, 'spend that leaves no room for decimals');
SELECT * FROM finish();
ROLLBACK;
