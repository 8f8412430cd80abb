--
-- concentration(), its table, Gini's coefficient and Lorenz's curve against plain SQL on random
-- orders in several zones, and known answers; the same answers by every way; edges; errors.
--
\ir reference/setup.sql
BEGIN;
\ir reference/orders.sql
ALTER TABLE orders ADD amount numeric;
UPDATE orders SET amount = CASE WHEN random() < 0.05 THEN NULL WHEN random() < 0.2 THEN -round((random() * 60)::numeric, 2) ELSE round((random() * 100)::numeric, (random() * 2)::int) END;
-- some only give back, some bring nothing, and many bring the same
INSERT INTO orders SELECT 3000 + n, '2012-01-01 10:00+00', -5.125 FROM generate_series(1, 7) n;
INSERT INTO orders SELECT 3100 + n, '2012-01-01 10:00+00', NULLIF(n % 2, 1) FROM generate_series(1, 6) n;
INSERT INTO orders SELECT 3200 + n, '2011-06-01 10:00+00', 50 FROM generate_series(1, 40) n;
ANALYZE orders;

-- What each customer brought by the end of a local day, and what is asked of that.
CREATE FUNCTION ref_brought(until date, zone text) RETURNS TABLE (customer int, brought numeric) STABLE LANGUAGE sql AS $$
	SELECT customer, coalesce(sum(amount), 0) FROM orders WHERE customer IS NOT NULL AND at < (until + 1)::timestamp AT TIME ZONE zone GROUP BY customer
$$;
CREATE FUNCTION ref_concentration(until date, zone text, shares numeric[]) RETURNS TABLE (top_share numeric, customers bigint, revenue numeric, revenue_share numeric, smallest numeric) STABLE LANGUAGE sql AS $$
	WITH ranked AS (SELECT brought, row_number() OVER (ORDER BY brought DESC) AS place, count(*) OVER () AS n, sum(brought) OVER () AS total FROM ref_brought(until, zone))
	SELECT share, count(*) FILTER (WHERE place <= ceil(share * n)), sum(brought) FILTER (WHERE place <= ceil(share * n)) + 0.000,
		round(sum(brought) FILTER (WHERE place <= ceil(share * n)) / max(total), 12), min(brought) FILTER (WHERE place <= ceil(share * n)) + 0.000
	FROM ranked, unnest(shares) share GROUP BY share
$$;
-- by the definition: half the mean difference, by the mean
CREATE FUNCTION ref_gini(amounts numeric[]) RETURNS numeric IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE WHEN sum(a) + sum(b) > 0 THEN round(sum(abs(a - b)) / (sum(a) + sum(b)), 12) END FROM unnest(amounts) a, unnest(amounts) b
$$;
-- the area under Lorenz's curve, of trapezoids from customer to customer
CREATE FUNCTION ref_gini_by_area(amounts numeric[]) RETURNS numeric IMMUTABLE LANGUAGE sql AS $$
	SELECT round(1 - sum(upper + upper - a) / (count(*) * max(upper)), 12) FROM (SELECT a, sum(a) OVER (ORDER BY a ROWS UNBOUNDED PRECEDING) AS upper FROM unnest(amounts) a) q
$$;

\ir reference/differences.sql
SELECT no_plan();

-- ---- against plain SQL ----

CREATE TABLE question AS
SELECT zone, until FROM unnest(ARRAY['UTC', 'Pacific/Apia', 'America/New_York']) zone, unnest(ARRAY[date '2011-03-05', '2011-12-29', '2011-12-31', '2012-10-28', '2013-12-31']) until;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)',
	format('SELECT t.top_share, customers, revenue + 0.000, round(revenue_share::numeric, 12), smallest + 0.000 FROM (SELECT concentration(timelines(customer, at, amount), %L, %L) AS r FROM orders) q CROSS JOIN LATERAL concentration_table(q.r, %L) t', until, zone, shares),
	format('SELECT * FROM ref_concentration(%L, %L, %L)', until, zone, shares)), format('%s as of %s: %s', zone, until, shares))
FROM question, unnest(ARRAY['{0.01,0.05,0.1,0.2,0.5}', '{1,0.3333333333333333333333,0.000000001,0.999999}']) shares;
SELECT is((SELECT round(concentration_gini(concentration(timelines(customer, at, amount), until, zone))::numeric, 12) FROM orders), ref_gini((SELECT array_agg(brought) FROM ref_brought(until, zone))), format('Gini in %s as of %s', zone, until)) FROM question;
SELECT cmp_ok((SELECT count(*)::int FROM ref_brought('2013-12-31', 'UTC') WHERE brought < 0), '>', 7, 'some sums are below zero');
SELECT isnt((SELECT sum(brought) FROM ref_brought('2011-12-29', 'Pacific/Apia')), (SELECT sum(brought) FROM ref_brought('2011-12-29', 'UTC')), 'zones differ');
SELECT is((SELECT round(concentration_gini(concentration(abs(amount)))::numeric, 12) FROM orders), (SELECT ref_gini_by_area(array_agg(abs(amount))) FROM orders WHERE amount IS NOT NULL), 'Gini is twice the area between the curve and the diagonal');
-- Lorenz's curve, point by point: the whole customers, and a part of the next
SELECT is_empty($$
	WITH least AS (SELECT amount, row_number() OVER (ORDER BY amount) AS place, count(*) OVER () AS n, sum(amount) OVER () AS total, sum(amount) OVER (ORDER BY amount ROWS UNBOUNDED PRECEDING) AS upper FROM orders WHERE amount IS NOT NULL)
	SELECT * FROM concentration_lorenz((SELECT concentration(amount) FROM orders), 37) t
	LEFT JOIN LATERAL (SELECT point / 37.0 AS share, coalesce(max(upper) FILTER (WHERE place <= floor(point * n / 37.0)), 0) AS whole, max(total) AS total FROM least GROUP BY n HAVING true) w ON true
	LEFT JOIN LATERAL (SELECT coalesce(sum((point * n / 37.0 - floor(point * n / 37.0)) * amount), 0) AS part FROM least WHERE place = floor(point * n / 37.0) + 1) p ON true
	WHERE abs(t.customer_share - share) > 1e-12 OR abs(t.revenue_share - (SELECT coalesce((SELECT upper FROM least WHERE place = floor(point * n / 37.0)), 0) + part FROM least LIMIT 1) / total) > 1e-12$$, 'Lorenz''s curve');
SELECT is((SELECT count(*) || ' ' || min(point) || ' ' || max(point) FROM concentration_lorenz((SELECT concentration(amount) FROM orders))), '101 0 100', '... of a hundred steps');

-- ---- known answers ----

SELECT is((SELECT concentration_gini(concentration(x)) FROM generate_series(1, 10) x), 0.3::float8, 'of 1 to n it is (n - 1) / 3n');
SELECT is((SELECT concentration_gini(concentration(x)) FROM unnest(ARRAY[0, 0, 0, 100]) x), 0.75::float8, 'of one who brings all, (n - 1) / n');
SELECT is((SELECT concentration_gini(concentration(5)) FROM generate_series(1, 7)), 0::float8, 'of equal ones 0');
SELECT is((SELECT concentration_gini(concentration(5))), 0::float8, '... and of a single one');
-- 10 incomes in Zeileis' package ineq for R (its help page on ineq()): 307688 / 665860
SELECT is((SELECT concentration_gini(concentration(x)) FROM unnest(ARRAY[541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]) x), 307688 / 665860::float8, 'the ten incomes of R''s ineq: 0.4620911');
-- by hand: differences of -2, 1 and 4 are 3, 3 and 6, each twice; 24 / (2 x 9 x 1)
SELECT is((SELECT round(concentration_gini(concentration(x))::numeric, 12) FROM unnest(ARRAY[-2, 1, 4]) x), round(24 / 18.0, 12), 'sums below zero count as they are, and bring it above 1');
SELECT is((SELECT round(concentration_gini(concentration(greatest(x, 0)))::numeric, 12) FROM unnest(ARRAY[-2, 1, 4]) x), round(16 / 30.0, 12), '... unless they are 0');
SELECT is((SELECT concentration_gini(concentration(x)) FROM unnest(ARRAY[-3, 1, 2]) x), NULL, 'revenue of 0 has none');
SELECT is((SELECT concentration_gini(concentration(x)) FROM unnest(ARRAY[-3, 1, 1]) x), NULL, '... nor one below');
SELECT is(lines('SELECT * FROM concentration_lorenz((SELECT concentration(x) FROM unnest(ARRAY[7, 1, 2]) x), 4)'), '0,0,0 1,0.25,0.075 2,0.5,0.2 3,0.75,0.475 4,1,1', 'a curve by hand');
SELECT is(lines('SELECT * FROM concentration_lorenz((SELECT concentration(x) FROM unnest(ARRAY[-1, 1, 5]) x), 3)'), '0,0,0 1,0.3333333333333333,-0.2 2,0.6666666666666666,0 3,1,1', '... that falls first');
SELECT is(lines('SELECT * FROM concentration_lorenz((SELECT concentration(x) FROM unnest(ARRAY[-1, 1]) x), 2)'), '0,0, 1,0.5, 2,1,', '... of revenue 0');
-- Pareto's: 80 of 100 bring 20, 20 bring 80
SELECT is(lines('SELECT t.* FROM (SELECT concentration(CASE WHEN n <= 20 THEN 4 ELSE 0.25 END) r FROM generate_series(1, 100) n) q, concentration_table(r, ARRAY[0.2, 0.05, 0.21, 1]) t'),
	'0.2,20,80.00,0.8,4.00, 0.05,5,20.00,0.2,4.00, 0.21,21,80.25,0.8025,0.25, 1,100,100.00,1,0.25,', 'ties at the edge, and shares in the order given');
SELECT is(lines('SELECT customers, revenue, round(revenue_share::numeric, 6) FROM concentration_table((SELECT concentration(x) FROM unnest(ARRAY[10, 1, -3]) x), ARRAY[0.3, 0.4, 1])'), '1,10,1.250000 2,11,1.375000 3,8,1.000000', 'the best may bring more than all');
SELECT is(lines('SELECT customers FROM concentration_table((SELECT concentration(1) FROM generate_series(1, 10)), ARRAY[0.1, 0.1000000000000000000001, 0.7])'), '1 2 7', 'shares are exact');

-- ---- the same answers by every way ----

CREATE TABLE summary AS
SELECT customer, timeline_agg(at, amount) AS timeline, timeline_agg(make_event(at => at, value => amount, kind => 'k' || customer % 3)) AS rich FROM orders WHERE customer IS NOT NULL GROUP BY customer;
INSERT INTO summary VALUES (NULL, NULL, NULL);
ANALYZE summary;
CREATE TABLE way (metric text, over_base text, over_summaries text);
INSERT INTO way VALUES
	('short timelines', 'concentration(timelines(customer, at, amount), ''2012-10-10'')', 'concentration(timeline, ''2012-10-10'')'),
	('rich timelines in a zone', 'concentration(timelines(customer, make_event(at => at, value => amount, kind => ''k'')), ''2011-12-29'', ''Pacific/Apia'')', 'concentration(rich, ''2011-12-29'', ''Pacific/Apia'')');
-- members without an event have their row in a summary, too
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT t.*, concentration_gini(r) FROM (SELECT %s AS r FROM summary) q CROSS JOIN LATERAL concentration_table(r) t', over_summaries), format('SELECT t.*, concentration_gini(r) FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL concentration_table(r) t', over_base)), metric || ': over summaries') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM orders GROUP BY customer %% 7) q', over_base), format('SELECT %s::text FROM orders', over_base)), metric || ': parts rolled up') FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM summary GROUP BY customer %% 7) q', over_summaries), format('SELECT %s::text FROM summary', over_summaries)), metric || ': parts of summaries rolled up') FROM way;
SELECT is((SELECT rollup(r) FROM (SELECT concentration(brought) FROM ref_brought('2013-12-31', 'UTC') GROUP BY customer % 5) v(r)), (SELECT concentration(brought) FROM ref_brought('2013-12-31', 'UTC')), 'parts of sums');
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', 'SELECT top_share, customers, revenue + 0.000, smallest + 0.000 FROM concentration_table((SELECT concentration(brought) FROM ref_brought(''2012-10-10'', ''UTC'')))',
	'SELECT top_share, customers, revenue + 0.000, smallest + 0.000 FROM concentration_table((SELECT concentration(timelines(customer, at, amount), ''2012-10-10'') FROM orders))'), 'sums and timelines');
SELECT is((SELECT as_of FROM concentration_table((SELECT concentration(timelines(customer, at, amount)) FROM orders)) LIMIT 1), (SELECT max(at AT TIME ZONE 'UTC')::date FROM orders WHERE customer IS NOT NULL), 'as_of is the last event''s day by default');
SELECT is(lines($$SELECT concentration(a) OVER (ORDER BY n) FROM (VALUES (1, 2), (2, 1), (3, 2), (4, NULL)) v(n, a)$$),
	(SELECT string_agg(trim(both '()' from row(format('{"scale": 0, "rows_without_customer": 0, "rows": [%s]}', rows))::text), ' ' ORDER BY n) FROM (VALUES (1, '{"amount": 2, "customers": 1}'), (2, '{"amount": 1, "customers": 1}, {"amount": 2, "customers": 1}'), (3, '{"amount": 1, "customers": 1}, {"amount": 2, "customers": 2}'), (4, '{"amount": 1, "customers": 1}, {"amount": 2, "customers": 2}')) v(n, rows)), 'as a window grows');

-- every type of numbers
CREATE TABLE number AS SELECT n % 50 - 10 AS n FROM generate_series(1, 200) n;
SELECT is(got, wanted, type) FROM (SELECT concentration(n::numeric) AS wanted FROM number) w,
	LATERAL (SELECT 'smallint' AS type, concentration(n::smallint) AS got FROM number UNION ALL SELECT 'integer', concentration(n) FROM number UNION ALL SELECT 'bigint', concentration(n::bigint) FROM number UNION ALL SELECT 'real', concentration(n::real) FROM number UNION ALL SELECT 'double precision', concentration(n::float8) FROM number) g;
SELECT is((SELECT concentration(x::real)::text FROM unnest(ARRAY[0.1, 0.25]) x), (SELECT concentration(x)::text FROM unnest(ARRAY[0.1, 0.25]) x), 'floats by their shortest text');
SELECT is((SELECT concentration(x)::text FROM (VALUES (1.5::float8), (-0.125)) v(x)), '{"scale": 3, "rows_without_customer": 0, "rows": [{"amount": -0.125, "customers": 1}, {"amount": 1.500, "customers": 1}]}', '... at the scale of the one with most decimals');

-- parallel
CREATE FUNCTION plan_has(expression text, relation text, node text) RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE line text; BEGIN FOR line IN EXECUTE format('EXPLAIN SELECT %s FROM %s', expression, relation) LOOP IF line LIKE '%' || node || '%' THEN RETURN true; END IF; END LOOP; RETURN false; END $$;
CREATE FUNCTION answer(expression text, relation text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE a text; BEGIN EXECUTE format('SELECT %s::text FROM %s', expression, relation) INTO a; RETURN a; END $$;
INSERT INTO way VALUES ('sums', 'concentration(amount)', 'concentration(timeline, ''2012-10-10'')');
CREATE TABLE serial AS SELECT metric, answer(over_base, 'orders') AS over_base, answer(over_summaries, 'summary') AS over_summaries FROM way;
SET LOCAL max_parallel_workers_per_gather = 3;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
ALTER TABLE summary SET (parallel_workers = 3);
ALTER TABLE orders SET (parallel_workers = 3);
SELECT ok(plan_has(over_base, 'orders', 'Gather') AND plan_has(over_summaries, 'summary', 'Gather'), metric || ' runs in parallel') FROM way;
SELECT is(answer(w.over_base, 'orders'), s.over_base, metric || ': parallel = serial') FROM way w JOIN serial s USING (metric);
SELECT is(answer(w.over_summaries, 'summary'), s.over_summaries, metric || ': parallel = serial over summaries') FROM way w JOIN serial s USING (metric);
RESET max_parallel_workers_per_gather;

-- ---- stored ----

CREATE TABLE kept AS
SELECT 1 AS id, concentration(timelines(customer, at, amount), '2012-10-10') AS c FROM orders UNION ALL SELECT 2, concentration(timelines(NULL::int, at, amount)) FROM orders UNION ALL SELECT 3, concentration(amount) FROM orders
UNION ALL SELECT 4, concentration(x) FROM unnest(ARRAY[9223372036854775807, -9223372036854775807]) x;
CREATE TABLE again (LIKE kept);
COPY kept TO PROGRAM 'cat > concentration_results.bin' (FORMAT binary);
COPY again FROM PROGRAM 'cat concentration_results.bin && rm concentration_results.bin' (FORMAT binary);
SELECT results_eq('SELECT * FROM again ORDER BY id', 'SELECT * FROM kept ORDER BY id', 'binary');
SELECT is_empty('SELECT * FROM kept WHERE c::text::concentration_result <> c', 'text');
SELECT is((SELECT c::text FROM kept WHERE id = 2), '{"zone": "UTC", "scale": 0, "rows_without_customer": ' || (SELECT count(*) FROM orders) || ', "rows": []}', 'guests only');

-- ---- edges ----

SELECT is(lines('SELECT t.* FROM kept, concentration_table(c, ARRAY[0.1, 1]) t WHERE id = 2'), '0.1,0,0,,, 1,0,0,,,', 'no customers: rows of nothing');
SELECT is(lines('SELECT concentration_gini(c), (SELECT count(*) FROM concentration_lorenz(c)) FROM kept WHERE id = 2'), ',0', '... neither coefficient nor curve');
SELECT is(lines('SELECT t.* FROM concentration_table((SELECT concentration(NULL::int) FROM generate_series(1, 3)), ARRAY[0.5]) t'), '0.5,0,0,,,', 'NULLs are left out');
SELECT is(lines('SELECT concentration(x) IS NULL FROM (SELECT 1 WHERE false) v(x)'), 't', 'no rows: NULL');
SELECT is(lines('SELECT concentration(NULL::timeline_base) IS NULL, concentration_gini(NULL) IS NULL, (SELECT count(*) FROM concentration_table(NULL)), (SELECT count(*) FROM concentration_lorenz(NULL)), (SELECT count(*) FROM concentration_table((SELECT concentration(1)), NULL))'), 't,t,0,0,0', 'NULL for NULL');
SELECT is(lines('SELECT t.customers, revenue FROM (SELECT concentration(timelines(c, at, 1), ''2024-01-05'') r FROM (VALUES (1, timestamptz ''2024-01-05 23:59:59.999999+00''), (1, ''2024-01-06 00:00+00''), (2, ''2024-01-06 00:00+00''), (3, NULL), (4, ''2024-01-01 00:00+00'')) v(c, at)) q, concentration_table(r, ARRAY[1]) t'), '2,2', 'as_of to its end; who comes later, or never, doesn''t count');
SELECT is(lines('SELECT t.customers, revenue FROM (SELECT concentration(timelines(c, date ''2024-01-05'')) r FROM generate_series(1, 3) c) q, concentration_table(r, ARRAY[1]) t'), '3,0', 'events without value bring 0');
SELECT is(lines('SELECT t.customers, revenue, round(revenue_share::numeric, 3) FROM (SELECT rollup(r) r FROM (SELECT concentration(9223372036854775807) r FROM generate_series(1, 1000)) q) q, concentration_table(r, ARRAY[0.5, 1]) t'), '500,4611686018427387903500,0.500 1000,9223372036854775807000,1.000', 'revenue beyond 64 bits');
SELECT cmp_ok((SELECT concentration_gini(concentration(x)) FROM (SELECT 9223372036854775807 - n % 2 FROM generate_series(1, 1000) n) v(x)), '<', 1e-12::float8, '... and its coefficient');
SELECT is((SELECT rollup(r)::text FROM (SELECT concentration(x) r FROM unnest(ARRAY[1, 0.5, 0.000001]) x GROUP BY x) q), (SELECT concentration(x)::text FROM unnest(ARRAY[1, 0.5, 0.000001]) x), 'amounts of different scale');

SELECT lives_ok(format('SELECT %s FROM orders', call), call)
FROM unnest(ARRAY['concentration(timelines(customer, at, amount), NULL)', 'concentration(timelines(customer::bigint, at, 1), zone => ''Europe/Helsinki'')', 'concentration(timelines(customer::text, at), as_of => ''2012-01-01'', zone => NULL)', 'concentration(amount) FILTER (WHERE amount > 0)',
	'concentration(''[]''::event_timeline, ''2012-01-01'')', 'concentration(''[]''::event_timeline, ''2012-01-01'', NULL)', 'concentration(DISTINCT amount)']) call;

-- ---- errors ----

SELECT throws_ok(format('SELECT %s FROM summary', call), state, message, call)
FROM (VALUES
	('concentration(timeline)', '22004', 'as_of is missing'),
	('concentration(timeline, NULL)', '22004', 'as_of must not be null'),
	('concentration(timeline, date ''2012-01-01'' + customer)', '22023', 'as_of must be the same for all rows of an aggregate'),
	('concentration(timeline, ''2012-01-01'', CASE customer % 2 WHEN 0 THEN ''UTC'' ELSE ''Asia/Tokyo'' END)', '22023', 'zone must be the same for all rows of an aggregate'),
	('concentration(timeline, ''infinity'')', '22008', NULL),
	('concentration(timelines(1, date ''2024-01-01'', 1), ''-infinity'')', '22008', NULL),
	('concentration(timelines(1, date ''2024-01-01'', 1), zone => ''Nowhere'')', '22023', NULL),
	('concentration(''NaN''::numeric)', '22003', 'value must be finite, not NaN'),
	('concentration(''infinity''::float8)', '22003', 'value must be finite, not Infinity'),
	('concentration(1e30)', '22003', NULL),
	('concentration(-9223372036854775808)', '22003', NULL),
	('concentration(CASE customer % 2 WHEN 0 THEN 1e17 ELSE 0.001 END)', '22003', 'what a customer brought is out of range'),
	('concentration(timelines(1, date ''2024-01-01'', 9223372036854775807))', '22003', NULL),
	('concentration_table(concentration(1), ARRAY[0.2, 0])', '22023', 'a top share must be above 0 and at most 1, not 0'),
	('concentration_table(concentration(1), ARRAY[-0.2])', '22023', 'a top share must be above 0 and at most 1, not -0.2'),
	('concentration_table(concentration(1), ARRAY[20])', '22023', 'a top share must be above 0 and at most 1, not 20'),
	('concentration_table(concentration(1), ARRAY[1.0000000000000000000001])', '22023', NULL),
	('concentration_table(concentration(1), ARRAY[''NaN''::numeric])', '22023', 'a top share must be above 0 and at most 1, not NaN'),
	('concentration_table(concentration(1), ''{0.1,NULL}'')', '22004', 'a top share is null'),
	('concentration_table(concentration(1), ''{}'')', '22023', 'top_shares is empty'),
	('concentration_lorenz(concentration(1), 0)', '22023', 'points must be between 1 and 36525, not 0'),
	('concentration_lorenz(concentration(1), 100000)', '22023', 'points must be between 1 and 36525, not 100000')) v(call, state, message);
SELECT throws_ok(format('SELECT rollup(r) FROM (SELECT %s UNION ALL SELECT %s) v(r)', a, b), state, message, coalesce(message, a))
FROM (VALUES
	('concentration(timelines(1, date ''2024-01-01'', 1))', 'concentration(timelines(1, date ''2024-01-02'', 1))', '22023', 'concentration_results with different as_of can''t be added up'),
	('concentration(timelines(1, date ''2024-01-01'', 1))', 'concentration(timelines(1, date ''2024-01-01'', 1), ''2024-01-01'', ''Asia/Tokyo'')', '22023', 'concentration_results with different zone can''t be added up'),
	('concentration(9223372036854775807)', 'concentration(0.1)', '22003', '"amount" of a concentration_result is out of range')) v(a, b, state, message);
SELECT throws_ok(format('SELECT %L::concentration_result', written), '22P02', NULL, problem)
FROM (VALUES
	('{"scale": "float", "rows": []}', 'floats'),
	('{"rows": [{"amount": -9223372036854775808, "customers": 1}]}', 'an amount that doesn''t fit'),
	('{"rows": [{"amount": 1, "customers": -1}]}', 'fewer customers than none'),
	('{"rows": [{"customers": 1}]}', 'no amount'),
	('{"rows": [{"amount": 1, "customers": 1}, {"amount": 1.0, "customers": 1}]}', 'an amount twice'),
	('{"rows": [{"amount": 1, "customers": 9223372036854775807}, {"amount": 2, "customers": 1}]}', 'more customers than can be counted'),
	('{"rows": [{"amount": 9223372036854775807, "customers": 9223372036854775800}, {"amount": 9223372036854775806, "customers": 7}, {"amount": 9223372036854775805, "customers": 9223372036854775807}]}', 'more than that'),
	('{"shares": []}', 'another key')) v(written, problem);
SELECT is('{"rows": [{"amount": 2, "customers": 3}, {"amount": -1.5, "customers": 1}]}'::concentration_result::text, '{"scale": 1, "rows_without_customer": 0, "rows": [{"amount": -1.5, "customers": 1}, {"amount": 2.0, "customers": 3}]}', 'one that could have been made is taken');
SELECT throws_ok($$SELECT rollup(r) FROM unnest(ARRAY['{"rows": [{"amount": 1, "customers": 9223372036854775807}]}', '{"rows": [{"amount": 2, "customers": 1}]}']::concentration_result[]) r$$, '22003', NULL, 'more customers than there can be');
SELECT * FROM finish();
ROLLBACK;
