--
-- existing_vs_new(), its table and ratios, and the share of wallet: against plain SQL on random
-- orders in several zones, and known answers; the same answers by every way; edges; errors.
--
\ir reference/setup.sql
BEGIN;
\ir reference/orders.sql
ALTER TABLE orders ADD amount numeric, ADD ref text, ADD label text;
UPDATE orders SET amount = CASE WHEN random() < 0.08 THEN NULL WHEN random() < 0.2 THEN -round((random() * 60)::numeric, 2) ELSE round((random() * 100)::numeric, (random() * 2)::int) END,
	ref = CASE WHEN random() < 0.4 THEN NULL WHEN random() < 0.5 THEN (random() * 3)::int::text ELSE 'r' || (random() * 2)::int END,
	label = (ARRAY['tea', 'mate', NULL])[1 + trunc(random() * 3)::int];
-- many who come late
INSERT INTO orders SELECT 4000 + n, '2012-09-01 10:00+00'::timestamptz + n * interval '1 day', 5 + n % 13, NULL, CASE n % 4 WHEN 0 THEN 'tea' END FROM generate_series(1, 200) n, generate_series(0, n % 3);
ANALYZE orders;

-- Each customer who bought in the time that counts.
CREATE FUNCTION ref_purchases(new_within interval, until date, asked text, zone text) RETURNS TABLE (segment text, customer int, orders bigint, revenue numeric, bought boolean) STABLE LANGUAGE sql AS $$
	-- months and days are local ones, the rest passes
	WITH part AS (SELECT make_interval(months => (12 * extract(year FROM new_within) + extract(month FROM new_within))::int, days => extract(day FROM new_within)::int) AS days),
		bound AS (SELECT ((until + 1)::timestamp - days) AT TIME ZONE zone - (new_within - days) AS start, (until + 1)::timestamp AT TIME ZONE zone AS stop FROM part),
		event AS (SELECT o.*, coalesce(amount, 0) >= 0 AS purchase, at >= start AS counts FROM orders o, bound WHERE customer IS NOT NULL AND at < stop)
	SELECT CASE WHEN bool_or(purchase AND NOT counts) THEN 'existing' ELSE 'new' END, customer,
		count(DISTINCT ref) FILTER (WHERE purchase AND counts) + count(*) FILTER (WHERE purchase AND counts AND ref IS NULL), coalesce(sum(amount) FILTER (WHERE counts), 0), coalesce(bool_or(purchase AND counts AND label = asked), false)
	FROM event GROUP BY customer HAVING bool_or(purchase AND counts)
$$;

\ir reference/differences.sql
SELECT no_plan();

-- ---- against plain SQL ----

CREATE TABLE question AS
SELECT zone, until, new_within, label FROM unnest(ARRAY['UTC', 'Pacific/Apia', 'America/New_York']) zone, unnest(ARRAY[date '2011-12-31', '2012-03-30', '2012-10-28']) until, unnest(ARRAY[interval '1 month', '36 hours', '300 days']) new_within, unnest(ARRAY['tea', NULL]) label;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)',
	format('SELECT t.segment, customers, orders, revenue + 0.000, round(mean_order::numeric, 9), round(spend_per_customer::numeric, 9), buyers, round(share::numeric, 12) FROM (SELECT existing_vs_new(timelines(customer, make_event(at => at, value => amount, ref => ref, label => label)), %L, %L, %L, %L) AS r FROM orders) q CROSS JOIN LATERAL existing_vs_new_table(q.r) t', new_within, until, label, zone),
	format('SELECT s.segment, count(customer), coalesce(sum(orders), 0), coalesce(sum(revenue), 0) + 0.000, round(sum(revenue) / sum(orders), 9), round(avg(revenue), 9), CASE WHEN %L <> '''' THEN count(*) FILTER (WHERE bought) END, CASE WHEN %1$L <> '''' THEN round(count(*) FILTER (WHERE bought) / nullif(count(customer), 0)::numeric, 12) END
		FROM unnest(ARRAY[''existing'', ''new'']) s(segment) LEFT JOIN ref_purchases(%2$L, %3$L, %1$L, %4$L) p USING (segment) GROUP BY s.segment', label, new_within, until, zone)), format('%s within %s as of %s, %s', zone, new_within, until, label))
FROM question;
SELECT cmp_ok((SELECT count(*)::int FROM ref_purchases('1 month', '2012-03-30', 'tea', 'UTC') WHERE segment = 'existing' AND revenue < 0), '>', 0, 'some revenue is below zero');
SELECT cmp_ok((SELECT min(n)::int FROM (SELECT count(*) AS n FROM ref_purchases('90 days', '2012-10-28', 'tea', 'UTC') GROUP BY segment) s), '>', 20, '... and both segments have customers');

-- Intervals: by their formulas, from what customers bought. What all of them are multiples of, t, is that of as many customers.
CREATE TABLE asked AS
SELECT existing_vs_new(timelines(customer, make_event(at => at, value => amount, ref => ref, label => label)), '90 days', '2012-10-28', 'tea') AS r FROM orders;
CREATE TABLE known AS
SELECT segment, count(*)::float8 AS n, avg(revenue)::float8 AS spend, var_samp(revenue)::float8 / count(*) AS spend_variance, avg(orders)::float8 AS rate, var_samp(orders)::float8 / count(*) AS rate_variance,
	(sum(revenue) / sum(orders))::float8 AS mean_order, (SELECT sum((b.revenue - a.mean * b.orders) ^ 2) FROM ref_purchases('90 days', '2012-10-28', 'tea', 'UTC') b, (SELECT sum(revenue) / sum(orders) AS mean FROM ref_purchases('90 days', '2012-10-28', 'tea', 'UTC') c WHERE c.segment = p.segment) a WHERE b.segment = p.segment)::float8 / (count(*) - 1) * count(*) / (sum(orders) ^ 2)::float8 AS order_variance,
	count(*) FILTER (WHERE bought)::float8 AS buyers
FROM ref_purchases('90 days', '2012-10-28', 'tea', 'UTC') p GROUP BY segment;
SELECT is_empty($$SELECT t.*, k.* FROM asked, existing_vs_new_table(r) t JOIN known k USING (segment)
	WHERE abs(t.spend_per_customer - k.spend) > 1e-9 OR abs(t.spend_lower + t.spend_upper - 2 * k.spend) > 1e-9 OR abs(t.mean_order_lower + t.mean_order_upper - 2 * k.mean_order) > 1e-9
	OR abs((spend_upper - spend_lower) / sqrt(spend_variance) - (mean_order_upper - mean_order_lower) / sqrt(order_variance)) > 1e-9$$, 'intervals of means lie around them, so many standard errors wide');
SELECT is_empty($$SELECT t.*, w.* FROM asked, existing_vs_new_table(r, 0.9) t JOIN known k USING (segment), LATERAL (SELECT 1.6448536269514722 AS z) z,
	LATERAL (SELECT (buyers / n + z * z / (2 * n)) / (1 + z * z / n) AS centre, z / (1 + z * z / n) * sqrt(buyers / n * (1 - buyers / n) / n + z * z / (4 * n * n)) AS half FROM known w WHERE w.segment = k.segment) w
	WHERE t.buyers <> k.buyers OR abs(share_lower - (centre - half)) > 1e-12 OR abs(share_upper - (centre + half)) > 1e-12$$, 'Wilson''s interval of the share');
-- Fieller's ends: where (a - x b)^2 = t^2 (va + x^2 vb)
SELECT is_empty($$SELECT t.*, tl, tu FROM asked, existing_vs_new_ratios(r) t
	JOIN (SELECT 'spend per customer', a.spend, a.spend_variance, b.spend, b.spend_variance FROM known a, known b WHERE a.segment = 'existing' AND b.segment = 'new' UNION ALL
		SELECT 'mean order', a.mean_order, a.order_variance, b.mean_order, b.order_variance FROM known a, known b WHERE a.segment = 'existing' AND b.segment = 'new' UNION ALL
		SELECT 'orders per customer', a.rate, a.rate_variance, b.rate, b.rate_variance FROM known a, known b WHERE a.segment = 'existing' AND b.segment = 'new') k(measure, a, va, b, vb) USING (measure),
	LATERAL (SELECT (a - lower * b) / sqrt(va + lower * lower * vb) AS tl, (upper * b - a) / sqrt(va + upper * upper * vb) AS tu) f
	WHERE abs(t.existing - a) > 1e-9 OR abs(t.new - b) > 1e-9 OR abs(ratio - a / b) > 1e-9 OR NOT (lower < ratio AND ratio < upper) OR abs(tl - tu) > 1e-9 OR tl NOT BETWEEN 1.96 AND 2.01$$, 'Fieller''s intervals of the ratios, at Student''s t');
SELECT is((SELECT count(*)::int FROM asked, existing_vs_new_ratios(r)), 4, 'four measures');
SELECT is_empty($$SELECT t.*, e.* FROM asked, existing_vs_new_ratios(r) t, existing_vs_new_table(r) e, existing_vs_new_table(r) n WHERE measure = 'share of buyers' AND e.segment = 'existing' AND n.segment = 'new'
	AND (abs(ratio - e.share / n.share) > 1e-12 OR (lower > 1) <> (e.share - n.share > sqrt((e.share - e.share_lower) ^ 2 + (n.share_upper - n.share) ^ 2)))$$, 'the share''s ratio is above 1 where the difference is above 0');

-- ---- known answers ----

-- Existing: spend 10, 20 and 30 of one order each; new: 8 and 12. t of 2 degrees is 4.302652729911275, of 1 12.706204736174698.
CREATE TABLE few (customer int, at timestamptz, amount numeric, ref int, label text);
INSERT INTO few VALUES (1, '2024-01-05 12:00+00', 99, 1, 'new thing'), (2, '2024-01-05 12:00+00', 99, 1, NULL), (3, '2024-05-31 23:59:59+00', 99, 1, NULL),
	(1, '2024-06-01 00:00+00', 10, 2, NULL), (2, '2024-06-10 12:00+00', 15, 2, 'new thing'), (2, '2024-06-11 12:00+00', 5, 2, 'new thing'), (3, '2024-06-30 23:59:59+00', 35, 3, 'new thing'), (3, '2024-06-30 23:59:59.5+00', -5, 3, NULL),
	(4, '2024-06-05 12:00+00', 8, NULL, NULL), (5, '2024-06-05 12:00+00', 6, NULL, 'new thing'), (5, '2024-06-06 12:00+00', 6, NULL, NULL),
	-- who bought before or after only, or gave back only, doesn't count
	(6, '2024-05-05 12:00+00', 50, NULL, 'new thing'), (7, '2024-07-01 00:00+00', 50, NULL, 'new thing'), (8, '2024-06-05 12:00+00', -50, NULL, 'new thing'), (6, '2024-06-05 12:00+00', -50, NULL, NULL), (NULL, '2024-06-05 12:00+00', 50, NULL, NULL), (9, NULL, 1, NULL, NULL);
CREATE TABLE answer AS SELECT existing_vs_new(timelines(customer, make_event(at => at, value => amount, ref => ref, label => label)), '1 month', '2024-06-30', 'new thing') AS r FROM few;
SELECT is(lines('SELECT segment, customers, orders, revenue, mean_order, spend_per_customer, buyers, round(share::numeric, 6), t.as_of FROM answer, existing_vs_new_table(r) t'), 'existing,3,3,60,20,20,2,0.666667,2024-06-30 new,2,3,20,6.666666666666667,10,1,0.500000,2024-06-30', 'a few customers');
SELECT is(lines('SELECT round(spend_lower::numeric, 9), round(spend_upper::numeric, 9) FROM answer, existing_vs_new_table(r) t'),
	round((20 - 4.302652729911275 * 10 / sqrt(3))::numeric, 9) || ',' || round((20 + 4.302652729911275 * 10 / sqrt(3))::numeric, 9) || ' ' || round((10 - 12.706204736174698 * 2)::numeric, 9) || ',' || round((10 + 12.706204736174698 * 2)::numeric, 9), '... with Student''s intervals');
-- the mean order of new ones: rests 8 - 20/3 and 12 - 40/3, of 4/3 each; variance of the quotient 2 / 1 x 32/9 / 9
SELECT is(lines('SELECT round(mean_order_upper::numeric, 9) FROM answer, existing_vs_new_table(r) t WHERE segment = ''new'''), round((20 / 3.0 + 12.706204736174698 * sqrt(2 * 32 / 81.0))::numeric, 9)::text, '... of a mean order, over customers');
SELECT is(lines('SELECT measure, existing, round(ratio::numeric, 6) FROM answer, existing_vs_new_ratios(r) t'), '"spend per customer",20,2.000000 "mean order",20,3.000000 "orders per customer",1,0.666667 "share of buyers",0.6666666666666666,1.333333', '... and their ratios');
-- existing 100 of 200, new 50 of 150: both Wilson intervals at 95%, and Donner and Zou's formula with them
SELECT is(lines($$SELECT round(ratio::numeric, 9), round(lower::numeric, 9), round(upper::numeric, 9) FROM existing_vs_new_ratios('{"new_within": "1 month", "as_of": "2024-06-30", "label": "x", "rows": [{"segment": "existing", "customers": 200, "orders": 200, "orders_squared": 200, "buyers": 100}, {"segment": "new", "customers": 150, "orders": 150, "orders_squared": 150, "buyers": 50}]}') WHERE measure = 'share of buyers'$$),
	(WITH w AS (SELECT x / n AS p, (x / n + z * z / (2 * n)) / (1 + z * z / n) - z / (1 + z * z / n) * sqrt(x / n * (1 - x / n) / n + z * z / (4 * n * n)) AS l, (x / n + z * z / (2 * n)) / (1 + z * z / n) + z / (1 + z * z / n) * sqrt(x / n * (1 - x / n) / n + z * z / (4 * n * n)) AS u, n FROM (VALUES (100::float8, 200::float8, 1.959963984540054), (50, 150, 1.959963984540054)) v(x, n, z))
	SELECT round((a.p / b.p)::numeric, 9) || ',' || round(((a.p * b.p - sqrt((a.p * b.p) ^ 2 - a.l * b.u * (2 * a.p - a.l) * (2 * b.p - b.u))) / (b.u * (2 * b.p - b.u)))::numeric, 9) || ',' || round(((a.p * b.p + sqrt((a.p * b.p) ^ 2 - a.u * b.l * (2 * a.p - a.u) * (2 * b.p - b.l))) / (b.l * (2 * b.p - b.l)))::numeric, 9)
	FROM w a, w b WHERE a.n = 200 AND b.n = 150), '50% more buyers');

-- ---- the same answers by every way ----

CREATE TABLE summary AS
SELECT customer, timeline_agg(make_event(at => at, value => amount, ref => ref, label => label)) AS timeline, timeline_agg(at, amount) AS plain FROM orders WHERE customer IS NOT NULL GROUP BY customer;
INSERT INTO summary VALUES (NULL, NULL, NULL);
ANALYZE summary;
CREATE TABLE way (metric text, over_base text, over_summaries text);
INSERT INTO way VALUES
	('with a label', 'existing_vs_new(timelines(customer, make_event(at => at, value => amount, ref => ref, label => label)), ''90 days'', ''2012-10-10'', ''tea'')', 'existing_vs_new(timeline, ''90 days'', ''2012-10-10'', ''tea'')'),
	('without', 'existing_vs_new(timelines(customer, at, amount), ''2 months'', ''2012-10-10'')', 'existing_vs_new(plain, ''2 months'', ''2012-10-10'')'),
	('in a zone', 'existing_vs_new(timelines(customer, make_event(at => at, value => amount, ref => ref, label => label)), ''1 day'', ''2011-12-31'', NULL, ''Pacific/Apia'')', 'existing_vs_new(timeline, ''1 day'', ''2011-12-31'', NULL, ''Pacific/Apia'')');
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT t.* FROM (SELECT %s AS r FROM summary) q CROSS JOIN LATERAL existing_vs_new_table(r) t', over_summaries), format('SELECT t.* FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL existing_vs_new_table(r) t', over_base)), metric || ': over summaries') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM orders GROUP BY customer %% 7) q', over_base), format('SELECT %s::text FROM orders', over_base)), metric || ': parts rolled up') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM summary GROUP BY customer %% 7) q', over_summaries), format('SELECT %s::text FROM summary', over_summaries)), metric || ': parts of summaries rolled up') FROM way;

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
SELECT 1 AS id, r FROM asked UNION ALL SELECT 2, existing_vs_new(timelines(NULL::int, at, amount), '1 month') FROM orders UNION ALL SELECT 3, r FROM answer;
CREATE TABLE again (LIKE kept);
COPY kept TO PROGRAM 'cat > existing_results.bin' (FORMAT binary);
COPY again FROM PROGRAM 'cat existing_results.bin && rm existing_results.bin' (FORMAT binary);
SELECT results_eq('SELECT * FROM again ORDER BY id', 'SELECT * FROM kept ORDER BY id', 'binary');
SELECT is_empty('SELECT * FROM kept WHERE r::text::existing_vs_new_result <> r', 'text');
SELECT is((SELECT r::text FROM kept WHERE id = 2), '{"new_within": "1 month", "zone": "UTC", "scale": 0, "rows_without_customer": ' || (SELECT count(*) FROM orders) || ', "rows": []}', 'guests only');

-- ---- edges ----

SELECT is(lines('SELECT t.* FROM kept, existing_vs_new_table(r) t WHERE id = 2'), 'existing,0,0,0,,,,,,,,,,, new,0,0,0,,,,,,,,,,,', 'nobody: two rows of nothing');
SELECT is(lines('SELECT t.* FROM kept, existing_vs_new_ratios(r) t WHERE id = 2'), '"spend per customer",,,,,, "mean order",,,,,, "orders per customer",,,,,,', '... and no ratios');
SELECT is(lines($$SELECT t.customers, spend_per_customer, spend_lower, mean_order_upper FROM (SELECT existing_vs_new(timelines(1, date '2024-01-05', 5), '1 month') r) q, existing_vs_new_table(r) t$$), '0,,, 1,5,,', 'a single customer has no interval');
SELECT is(lines($$SELECT ratio, lower, upper FROM (SELECT existing_vs_new(timelines(c, d, v), '1 month', '2024-06-30') r FROM (VALUES (1, date '2024-01-05', 5), (1, '2024-06-05', 5), (2, '2024-01-05', 5), (2, '2024-06-05', 5), (3, '2024-06-05', 4), (4, '2024-06-05', 4)) v(c, d, v)) q, existing_vs_new_ratios(r) t$$), '1.25,1.25,1.25 1.25,1.25,1.25 1,1,1', 'where nothing varies, the interval is the ratio');
SELECT is(lines($$SELECT customers, revenue, spend_per_customer FROM (SELECT existing_vs_new(timelines(n, date '2024-01-05', 3000000000000000000 + n % 2), '1 month') r FROM generate_series(1, 10) n) q, existing_vs_new_table(r) t WHERE segment = 'new'$$), '10,30000000000000000005,3e+18', 'sums beyond 64 bits');
SELECT is(lines($$SELECT revenue FROM (SELECT rollup(r) r FROM (SELECT existing_vs_new(timelines(c, date '2024-01-05', v), '1 month', '2024-01-05') r FROM (VALUES (1, 1), (2, 0.5), (3, 0.000001)) v(c, v) GROUP BY c) p) q, existing_vs_new_table(r) t WHERE segment = 'new'$$), '1.500001', 'values of different scale');
SELECT is(lines($$SELECT existing_vs_new(NULL::timeline_base, '1 month') IS NULL, (SELECT count(*) FROM existing_vs_new_table(NULL)), (SELECT count(*) FROM existing_vs_new_ratios(NULL)), (SELECT existing_vs_new(t, '1 month', '2024-01-01') IS NULL FROM (SELECT NULL::event_timeline AS t) x WHERE false)$$), 't,0,0,t', 'NULL for NULL');
SELECT is(lines($$SELECT t.segment, customers FROM (SELECT existing_vs_new(timelines(c, at), '12:00:00', '2024-01-05') r FROM (VALUES (1, timestamptz '2024-01-05 11:59+00'), (1, '2024-01-05 12:00+00'), (2, '2024-01-05 12:00+00')) v(c, at)) q, existing_vs_new_table(r) t$$), 'existing,1 new,1', 'half a day; events without value are orders');
SELECT is(lines($$SELECT t.segment, customers FROM (SELECT existing_vs_new(timelines(c, d), '1 month', '2024-03-30') r FROM (VALUES (1, date '2024-02-28'), (1, '2024-03-01'), (2, '2024-02-29')) v(c, d)) q, existing_vs_new_table(r) t$$), 'existing,1 new,1', 'a month before 31 March begins on 29 February');

SELECT lives_ok(format('SELECT %s FROM orders', call), call)
FROM unnest(ARRAY['existing_vs_new(timelines(customer, at, amount), interval ''1 month'', NULL)', 'existing_vs_new(timelines(customer::bigint, at, 1), ''1 month'', zone => ''Europe/Helsinki'')', 'existing_vs_new(timelines(customer::text, at), new_within => ''1 year 2 days'', as_of => ''2012-01-01'')',
	'existing_vs_new(''[]''::event_timeline, ''30 days'', ''2012-01-01'')', 'existing_vs_new(''[]''::event_timeline, ''30 days'', ''2012-01-01'', ''tea'')', 'existing_vs_new(''[]''::event_timeline, ''30 days'', ''2012-01-01'', NULL, NULL)']) call;

-- ---- errors ----

SELECT throws_ok(format('SELECT %s FROM summary', call), state, message, call)
FROM (VALUES
	('existing_vs_new(plain, ''1 month'')', '22004', 'as_of is missing'),
	('existing_vs_new(plain, ''1 month'', NULL)', '22004', 'as_of must not be null'),
	('existing_vs_new(plain, NULL, ''2012-01-01'')', '22004', 'new_within must not be null'),
	('existing_vs_new(plain, ''0'', ''2012-01-01'')', '22023', '"new_within" of an existing_vs_new_result is zero: "0 days"'),
	('existing_vs_new(plain, ''-1 day'', ''2012-01-01'')', '22023', '"new_within" of an existing_vs_new_result is negative: "-1 days"'),
	('existing_vs_new(plain, ''1 month -1 day'', ''2012-01-01'')', '22023', NULL),
	('existing_vs_new(plain, ''9000 years'', ''2012-01-01'')', '22008', NULL),
	('existing_vs_new(plain, ''1 month'', ''infinity'')', '22008', NULL),
	('existing_vs_new(plain, ''1 month'', date ''2012-01-01'' + customer)', '22023', 'as_of must be the same for all rows of an aggregate'),
	('existing_vs_new(plain, customer * interval ''1 day'' + interval ''1 day'', ''2012-01-01'')', '22023', 'new_within must be the same for all rows of an aggregate'),
	('existing_vs_new(plain, ''1 month'', ''2012-01-01'', CASE customer % 2 WHEN 0 THEN ''tea'' ELSE ''mate'' END)', '22023', 'label must be the same for all rows of an aggregate'),
	('existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month'', zone => ''Nowhere'')', '22023', NULL),
	('existing_vs_new(timelines(1, date ''2024-01-01'', 0.0123456789), ''1 month'')', '22003', NULL),
	('existing_vs_new_table(existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month''), 0)', '22023', 'confidence must be between 0 and 1, not 0'),
	('existing_vs_new_ratios(existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month''), 2)', '22023', 'confidence must be between 0 and 1, not 2')) v(call, state, message);
SELECT throws_ok(format('SELECT rollup(r) FROM (SELECT %s UNION ALL SELECT %s) v(r)', a, b), '22023', message, message)
FROM (VALUES
	('existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month'')', 'existing_vs_new(timelines(1, date ''2024-01-02'', 1), ''1 month'')', 'existing_vs_new_results with different as_of can''t be added up'),
	('existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month'')', 'existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''30 days'')', 'existing_vs_new_results with different new_within can''t be added up'),
	('existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month'')', 'existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month'', label => ''x'')', 'existing_vs_new_results with different label can''t be added up'),
	('existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month'')', 'existing_vs_new(timelines(1, date ''2024-01-01'', 1), ''1 month'', zone => ''Asia/Tokyo'')', 'existing_vs_new_results with different zone can''t be added up')) v(a, b, message);
SELECT throws_ok(format('SELECT %L::existing_vs_new_result', written), '22P02', NULL, problem)
FROM (VALUES
	('{"rows": []}', 'no new_within'),
	('{"new_within": "soon", "rows": []}', 'no interval'),
	('{"new_within": "1 month", "rows": [{"segment": "new", "customers": 1, "orders": 1, "orders_squared": 1}]}', 'no as_of'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "rows": [{"segment": "old", "customers": 1, "orders": 1, "orders_squared": 1}]}', 'another segment'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "rows": [{"segment": "new", "orders": 1, "orders_squared": 1}]}', 'no customers'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "rows": [{"segment": "new", "customers": 2, "orders": 1, "orders_squared": 1}]}', 'fewer orders than customers'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "rows": [{"segment": "new", "customers": 1, "orders": 3, "orders_squared": 5}]}', 'too small squares of orders'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "label": "x", "rows": [{"segment": "new", "customers": 1, "orders": 1, "orders_squared": 1, "buyers": 2}]}', 'more buyers than customers'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "rows": [{"segment": "new", "customers": 1, "orders": 1, "orders_squared": 1, "buyers": 1}]}', 'buyers of no label'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "scale": 3, "rows": [{"segment": "new", "customers": 1, "orders": 1, "orders_squared": 1}]}', 'an odd scale'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "scale": 2, "rows": [{"segment": "new", "customers": 1, "orders": 1, "orders_squared": 1, "revenue": 0.25, "revenue_orders": 0.25, "revenue_squared": 0.07}]}', 'more decimals than half'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "rows": [{"segment": "new", "customers": 1, "orders": 1, "orders_squared": 1, "revenue": 3, "revenue_orders": 3, "revenue_squared": 8}]}', 'too small squares of revenue'),
	('{"new_within": "1 month", "as_of": "2024-01-01", "rows": [{"segment": "new", "customers": 1, "orders": 1, "orders_squared": 1, "revenue_squared": -1}]}', 'squares below zero')) v(written, problem);
SELECT throws_ok($$SELECT '{"new_within": "-1 month", "rows": []}'::existing_vs_new_result$$, '22023', NULL, 'a negative interval');
SELECT throws_ok($$SELECT existing_vs_new(timelines(n, date '2024-01-05', 9000000000000000000), '1 month') FROM generate_series(1, 10) n$$, '22003', NULL, 'squares beyond 128 bits');

-- ---- share of wallet ----

SELECT is(share_of_wallet(30, 120), 0.25::float8, 'a quarter of the wallet');
SELECT is(share_of_wallet(0, 5), 0::float8, 'none of it');
SELECT is(share_of_wallet(7.5, 7.5), 1::float8, 'all of it');
SELECT is(share_of_wallet(0, 0), NULL, 'no wallet');
SELECT is(share_of_wallet(NULL, 5), NULL, 'unknown');
-- Keiningham et al. (2011): of two brands the first has two thirds, of three half, a third and a sixth
SELECT is(round(wallet_allocation(1, 2)::numeric, 12), round(2 / 3.0, 12), 'the first of two brands');
SELECT is((SELECT array_agg(round(wallet_allocation(r, 3)::numeric, 12) ORDER BY r) FROM generate_series(1, 3) r), ARRAY[round(1 / 2.0, 12), round(1 / 3.0, 12), round(1 / 6.0, 12)], 'three brands');
SELECT is((SELECT max(abs(share - 1)) < 1e-12 FROM (SELECT sum(wallet_allocation(r, n)) AS share FROM generate_series(1, 60) n, generate_series(1, n) r GROUP BY n) s), true, 'shares of all brands add up to 1');
SELECT is(round((2 * wallet_allocation(1.5, 3) + wallet_allocation(3, 3))::numeric, 12), 1.0, '... those that tie, too');
SELECT throws_ok(format('SELECT %s', call), state, message, call)
FROM (VALUES
	('share_of_wallet(5, 4)', '22023', 'ours must be part of total: 5 of 4'), ('share_of_wallet(-1, 4)', '22023', 'ours must not be negative: -1'), ('share_of_wallet(0, -4)', '22023', 'total must not be negative: -4'),
	('share_of_wallet(''NaN'', 4)', '22003', 'ours must be finite'), ('share_of_wallet(1, ''infinity'')', '22003', 'total must be finite'),
	('wallet_allocation(0, 3)', '22023', 'rank must be from 1 to brands, which is 3, not 0'), ('wallet_allocation(3.5, 3)', '22023', 'rank must be from 1 to brands, which is 3, not 3.5'), ('wallet_allocation(''NaN'', 3)', '22023', 'rank must be from 1 to brands, which is 3, not NaN'),
	('wallet_allocation(1, 0)', '22023', 'brands must be 1 or more, not 0')) v(call, state, message);
SELECT * FROM finish();
ROLLBACK;
