--
-- Repeat rate, purchase intervals and when a customer is due, against plain SQL on random
-- orders in several zones; the same answers by every way; edges; errors.
--
\ir reference/setup.sql
BEGIN;
\ir reference/orders.sql
CREATE TABLE active_day (customer int, day date);
CREATE TABLE placed (customer int, at timestamptz, value numeric, ref text);
\ir reference/periods.sql
\ir reference/retention.sql
\ir reference/repeat.sql
ALTER TABLE orders ADD amount numeric, ADD ref text;
UPDATE orders SET amount = CASE WHEN random() < 0.08 THEN NULL WHEN random() < 0.2 THEN -5 ELSE round((random() * 100)::numeric, 1) END,
	ref = CASE WHEN random() < 0.4 THEN NULL WHEN random() < 0.5 THEN (random() * 3)::int::text ELSE 'r' || (random() * 2)::int END;
INSERT INTO orders SELECT 2000 + n, '2012-01-01 10:00+00', 1, NULL FROM generate_series(1, 4) n;
INSERT INTO orders SELECT 2000 + n, '2012-01-01 10:00+00', 1, 'x' FROM generate_series(1, 4) n, generate_series(1, 2);
INSERT INTO orders SELECT 2000 + n, '2012-01-01 12:00+00', 1, 'x' FROM generate_series(5, 8) n, generate_series(1, 2);
INSERT INTO orders SELECT 2010 + n, '2012-02-01 23:00+00', -1, NULL FROM generate_series(1, 4) n, generate_series(1, 2);
ANALYZE orders;

CREATE FUNCTION enter_zone(zone text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, false);
	TRUNCATE active_day, placed;
	INSERT INTO active_day SELECT DISTINCT customer, at::date FROM orders WHERE customer IS NOT NULL;
	INSERT INTO placed SELECT customer, at, amount, ref FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL;
	ANALYZE active_day, placed;
END $$;

\ir reference/differences.sql

-- ---- against plain SQL ----

CREATE TABLE asked (zone text, name text, got text, wanted text);
INSERT INTO asked
SELECT zone, format('repeat rate by days in %s as of %s within %s', zone, until, within),
	format('SELECT t.buyers, t.eligible, t.repeat_buyers FROM (SELECT repeat_rate(activities(customer, at), %L, %L) AS r FROM orders) q CROSS JOIN LATERAL repeat_rate_table(q.r) t', until, within),
	format('SELECT * FROM ref_repeat_days(%L, %L)', until, within)
FROM unnest(ARRAY['UTC', 'Pacific/Apia']) zone, unnest(ARRAY[date '2011-02-01', '2011-12-30', '2012-02-29', '2013-12-31']) until, unnest(ARRAY[NULL, 1, 30, 300]) within;
INSERT INTO asked
SELECT zone, format('repeat rate by orders in %s as of %s within %s', zone, until, within),
	format('SELECT t.buyers, t.eligible, t.repeat_buyers FROM (SELECT repeat_rate(timelines(customer, make_event(at => at, value => amount, ref => ref)), %L, %L) AS r FROM orders) q CROSS JOIN LATERAL repeat_rate_table(q.r) t', until, within),
	format('SELECT * FROM ref_repeat_orders(%L, %L)', until, within)
FROM unnest(ARRAY['UTC', 'Pacific/Apia', 'America/New_York']) zone, unnest(ARRAY[date '2011-12-30', '2012-10-27', '2013-12-31']) until, unnest(ARRAY[NULL, 1, 60]) within;
INSERT INTO asked
SELECT zone, format('time to the n-th in %s as of %s', zone, until),
	format('SELECT n, reached, not_reached, round(mean_days::numeric, 9), median_days, km_median_days FROM (SELECT purchase_intervals(activities(customer, at), %L, 14) AS r FROM orders) q CROSS JOIN LATERAL purchase_intervals_table(q.r) t', until),
	format('SELECT n, reached, not_reached, round(mean_days::numeric, 9), median_days, km_median_days FROM ref_reached(%L, 14)', until)
FROM unnest(ARRAY['UTC', 'Pacific/Apia']) zone, unnest(ARRAY[date '2011-02-01', '2011-06-01', '2012-02-29', '2013-12-31']) until;
INSERT INTO asked
SELECT zone, format('gaps in %s as of %s', zone, until),
	format('SELECT s.buyers, s.gaps, round(s.mean_days::numeric, 9), median_days, p25_days, p75_days, p90_days, shortest, longest FROM (SELECT purchase_intervals(activities(customer, at), %L, 3) AS r FROM orders) q CROSS JOIN LATERAL purchase_intervals_summary(q.r) s', until),
	format('SELECT count(DISTINCT customer), count(gap), round(avg(gap), 9), percentile_cont(0.5) WITHIN GROUP (ORDER BY gap), percentile_cont(0.25) WITHIN GROUP (ORDER BY gap), percentile_cont(0.75) WITHIN GROUP (ORDER BY gap), percentile_cont(0.9) WITHIN GROUP (ORDER BY gap), min(gap), max(gap) FROM ref_visits(%L)', until)
FROM unnest(ARRAY['UTC', 'Pacific/Apia']) zone, unnest(ARRAY[date '2011-02-01', '2011-04-01', '2012-02-29', '2013-12-31']) until;
INSERT INTO asked
SELECT 'UTC', format('quantile %s of %s', q, coalesce('the ' || n, 'gaps')),
	format('SELECT round(purchase_intervals_quantile(r, %s, %L)::numeric, 9) FROM (SELECT purchase_intervals(activities(customer, at)) AS r FROM orders) q', q, n),
	CASE WHEN n IS NULL THEN format('SELECT round((percentile_cont(%s) WITHIN GROUP (ORDER BY gap))::numeric, 9) FROM ref_visits(''infinity'')', q)
	ELSE format('SELECT round((percentile_cont(%s) WITHIN GROUP (ORDER BY days))::numeric, 9) FROM ref_visits(''infinity'') WHERE n = %s', q, n) END
FROM unnest(ARRAY[0, 0.01, 0.333, 0.5, 0.99, 1]) q, unnest(ARRAY[NULL, 2, 7]) n;
INSERT INTO asked
SELECT 'UTC', format('due as of %s', until),
	format('SELECT customer, due, days_late, typical_gap, gaps FROM (SELECT customer, activity_agg(at) AS a FROM orders WHERE customer IS NOT NULL GROUP BY customer) q CROSS JOIN LATERAL next_purchase_due(a, %L)', until),
	format('SELECT customer, max(v.day) + ceil(g)::int, %L::date - (max(v.day) + ceil(g)::int), g, count(gap) FROM (SELECT DISTINCT customer FROM active_day) c LEFT JOIN ref_visits(%L) v USING (customer) LEFT JOIN (SELECT customer, percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS g FROM ref_visits(%L) GROUP BY customer) m USING (customer) GROUP BY customer, g', until, until, until)
FROM unnest(ARRAY[date '2011-02-01', '2011-06-01', '2013-12-31']) until;

SELECT plan(count(*)::int + 115) FROM asked;

SELECT enter_zone('UTC') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'UTC';
SELECT enter_zone('America/New_York') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'America/New_York';
SELECT enter_zone('Pacific/Apia') IS NOT NULL AS entered \gset
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', got, wanted), name) FROM asked WHERE zone = 'Pacific/Apia';
SELECT enter_zone('UTC') IS NOT NULL AS entered \gset
-- without refs every event is an order
UPDATE placed SET ref = NULL;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)',
	format('SELECT t.buyers, t.eligible, t.repeat_buyers FROM (SELECT repeat_rate(timelines(customer, at, amount), as_of => ''2012-10-27'', within => %L) AS r FROM orders) q CROSS JOIN LATERAL repeat_rate_table(q.r) t', within),
	format('SELECT * FROM ref_repeat_orders(''2012-10-27'', %L)', within)), format('without refs, within %s', within))
FROM unnest(ARRAY[NULL, 20]) within;

-- there is something in the references
SELECT cmp_ok((SELECT eligible - repeat_buyers FROM ref_repeat_days('2012-02-29', 30)), '>', 20::bigint, 'some don''t come again');
SELECT cmp_ok((SELECT buyers - eligible FROM ref_repeat_days('2012-02-29', 300)), '>', 20::bigint, 'some aren''t eligible');
SELECT cmp_ok((SELECT count(*) FROM ref_reached('2012-02-29', 14) WHERE km_median_days > median_days), '>', 5::bigint, 'who waits counts');
SELECT cmp_ok((SELECT count(*) FROM ref_reached('2012-02-29', 14) WHERE km_median_days IS NULL), '>', 2::bigint, '... and may be more than half');

-- survival() gives the same median
SELECT is((SELECT median FROM (SELECT survival(coalesce(d, timestamp '2012-02-29'::date - f), d IS NOT NULL) AS s
		FROM (SELECT min(day) AS f, min(days) FILTER (WHERE n = 3) AS d FROM ref_visits('2012-02-29') GROUP BY customer) c) q CROSS JOIN LATERAL survival_median(s)),
	(SELECT km_median_days::numeric FROM (SELECT purchase_intervals(activities(customer, at), '2012-02-29') AS r FROM orders) q, purchase_intervals_table(r) WHERE n = 3), 'survival() has the same median');
SELECT is_empty($$SELECT * FROM (SELECT repeat_rate(activities(customer, at), '2012-02-29', 30) AS r FROM orders) q, repeat_rate_table(r, 0.9) t, ref_wilson(t.repeat_buyers, t.eligible, 1.6448536269514722) w
	WHERE t.rate <> t.repeat_buyers / t.eligible::float8 OR abs(t.lower - w.lower) > 1e-9 OR abs(t.upper - w.upper) > 1e-9 OR t.as_of <> '2012-02-29'$$, 'the rate and its interval');
SELECT is((SELECT t.as_of FROM (SELECT repeat_rate(activities(customer, at)) AS r FROM orders) q, repeat_rate_table(r) t), (SELECT max(day) FROM active_day), 'as_of is the last active day by default');
SELECT is((SELECT t.as_of FROM (SELECT repeat_rate(timelines(customer, at, amount)) AS r FROM orders) q, repeat_rate_table(r) t), (SELECT max(day) FROM active_day), '... the last event''s over timelines');
SELECT is((SELECT reached FROM (SELECT purchase_intervals(activities(customer, at)) AS r FROM orders) q, purchase_intervals_table(r) WHERE n = 2),
	(SELECT repeat_buyers FROM (SELECT repeat_rate(activities(customer, at)) AS r FROM orders) q, repeat_rate_table(r)), 'who reached the second is a repeat buyer');

-- ---- the same answers by every way ----

CREATE TABLE summary AS
SELECT customer, activity_agg(at) AS activity, timeline_agg(at, amount) AS timeline, timeline_agg(make_event(at => at, value => amount, ref => ref)) AS rich FROM orders WHERE customer IS NOT NULL GROUP BY customer;
INSERT INTO summary VALUES (NULL, NULL, NULL, NULL);
ANALYZE summary;

CREATE TABLE way (metric text, over_base text, over_summaries text, "table" text);
INSERT INTO way VALUES
	('repeat rate', 'repeat_rate(activities(customer, at), ''2012-10-10'')', 'repeat_rate(activity, ''2012-10-10'', NULL)', 'repeat_rate_table'),
	('repeat rate within', 'repeat_rate(activities(customer, at), ''2012-10-10'', 45)', 'repeat_rate(activity, ''2012-10-10'', 45)', 'repeat_rate_table'),
	('repeat rate by orders', 'repeat_rate(timelines(customer, at, amount), ''2012-10-10'', 45)', 'repeat_rate(timeline, ''2012-10-10'', 45)', 'repeat_rate_table'),
	('repeat rate by refs', 'repeat_rate(timelines(customer, make_event(at => at, value => amount, ref => ref)), ''2012-10-10'')', 'repeat_rate(rich, ''2012-10-10'', NULL)', 'repeat_rate_table'),
	('intervals', 'purchase_intervals(activities(customer, at), ''2012-10-10'', 10)', 'purchase_intervals(activity, ''2012-10-10'', 10)', 'purchase_intervals_table'),
	('gaps', 'purchase_intervals(activities(customer, at), ''2012-10-10'', 1)', 'purchase_intervals(activity, ''2012-10-10'', 1)', 'purchase_intervals_summary');
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT t.* FROM (SELECT %s AS r FROM summary) q CROSS JOIN LATERAL %s(q.r) t', over_summaries, "table"), format('SELECT t.* FROM (SELECT %s AS r FROM orders) q CROSS JOIN LATERAL %s(q.r) t', over_base, "table")), metric || ': over summaries')
FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM orders GROUP BY customer %% 7) q', over_base), format('SELECT %s::text FROM orders', over_base)), metric || ': parts rolled up')
FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT rollup(r)::text FROM (SELECT %s AS r FROM summary GROUP BY customer %% 7) q', over_summaries), format('SELECT %s::text FROM summary', over_summaries)), metric || ': parts of summaries rolled up')
FROM way;
SELECT is_empty(format('SELECT * FROM differences(%L, %L)', format('SELECT customer %% 7, r.* FROM (SELECT customer, %s OVER (PARTITION BY customer %% 7 ORDER BY customer) AS r FROM summary) q CROSS JOIN LATERAL %s(q.r) r WHERE customer BETWEEN 20 AND 26', over_summaries, "table"),
	format('SELECT k, r.* FROM generate_series(20, 26) c, LATERAL (SELECT c %% 7 AS k, %s AS r FROM summary WHERE customer %% 7 = c %% 7 AND customer <= c) q CROSS JOIN LATERAL %s(q.r) r', over_summaries, "table")), metric || ': a growing frame')
FROM way;
CREATE FUNCTION sent_back(type text, value text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
	same boolean;
BEGIN
	EXECUTE format('CREATE TEMP TABLE stored ON COMMIT DROP AS SELECT %s AS r FROM orders', value);
	EXECUTE format('SELECT count(DISTINCT r) = 1 AND max(r::text) = min(r::text) FROM (SELECT r FROM stored UNION ALL SELECT rollup(r) FROM stored UNION ALL SELECT r::text::%s FROM stored) s', type) INTO same;
	DROP TABLE stored;
	RETURN same;
END $$;
SELECT ok(sent_back(replace(replace("table", '_table', '_result'), '_summary', '_result'), over_base), metric || ': stored, rolled up and read back, one value') FROM way;

-- in parallel
SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;
CREATE FUNCTION by_workers(query text, workers int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM set_config('max_parallel_workers_per_gather', workers::text, true);
	EXECUTE query INTO answer;
	RETURN answer;
END $$;
SELECT is(by_workers(format('SELECT %s::text FROM summary', over_summaries), 2), by_workers(format('SELECT %s::text FROM summary', over_summaries), 0), metric || ': parallel is serial') FROM way;
SELECT is(by_workers(format('SELECT %s::text FROM orders', over_base), 2), by_workers(format('SELECT %s::text FROM orders', over_base), 0), metric || ': parallel is serial, over a base') FROM way;

-- ---- edges ----

SELECT is(lines($$SELECT t.* FROM (SELECT repeat_rate(activities(NULL::int, date '2024-01-01'))) q(r), repeat_rate_table(r) t$$), '0,0,0,,,,', 'nobody');
SELECT is(lines($$SELECT t.* FROM (SELECT purchase_intervals(activities(1, NULL), up_to => 3)) q(r), purchase_intervals_table(r) t$$), '2,0,0,,,, 3,0,0,,,,', 'a member without purchases');
SELECT is(lines($$SELECT t.* FROM (SELECT purchase_intervals(activities(1, date '2024-01-01'))) q(r), purchase_intervals_summary(r) t$$), '1,0,,,,,,,,2024-01-01', 'one purchase');
SELECT is(lines($$SELECT t.* FROM (SELECT purchase_intervals(activities(1, d)) FROM (VALUES (date '2024-02-28'), ('2024-03-01')) v(d)) q(r), purchase_intervals_summary(r) t$$), '1,1,2,2,2,2,2,2,2,2024-03-01', 'over a leap day');
SELECT is(lines($$SELECT count(*) FROM (SELECT purchase_intervals(activities(1, date '2024-01-01'), up_to => 1)) q(r), purchase_intervals_table(r) t$$), '0', 'only gaps');
SELECT is(lines($$SELECT t.longest, t.mean_days FROM (SELECT purchase_intervals(activities(1, d), '5874897-12-31') FROM (VALUES (date '4714-11-24 BC'), ('5874897-12-31')) v(d)) q(r), purchase_intervals_summary(r) t$$), '2147483493,2147483493', 'the longest gap there is');
SELECT is(lines($$SELECT t.eligible, t.repeat_buyers FROM (SELECT repeat_rate(activities(1, d), as_of, 7) FROM (VALUES (date '2024-01-01'), ('2024-01-08')) v(d), unnest(ARRAY[date '2024-01-07', '2024-01-08']) as_of GROUP BY as_of ORDER BY as_of) q(r), repeat_rate_table(r) t$$), '0,0 1,1', 'the last day of a window counts, and ends it');
SELECT is(lines($$SELECT t.repeat_buyers FROM (SELECT repeat_rate(timelines(1, make_event(at => '2024-01-01 10:00'::timestamptz + n * interval '1 day', ref => 5, kind => 'k' || n))) FROM generate_series(1, 3) n) q(r), repeat_rate_table(r) t$$), '0', 'one ref is one order, whatever the kinds');
SELECT is(lines($$SELECT repeat_rate(activities(1, date '2024-01-01'), within => 5)::text$$), '"{""counted"": ""days"", ""as_of"": ""2024-01-01"", ""within"": 5, ""rows_without_customer"": 0, ""rows"": [{""buyers"": 1}]}"', 'the text form');
SELECT is(repeat_rate(NULL::activity_base) IS NULL AND repeat_rate(NULL::timeline_base) IS NULL AND purchase_intervals(NULL::activity_base) IS NULL, true, 'NULL base');
SELECT is((SELECT purchase_intervals_quantile(NULL, 0.5) IS NULL AND purchase_intervals_quantile(purchase_intervals(activities(1, date '2024-01-01')), NULL) IS NULL AND purchase_intervals_quantile(purchase_intervals(activities(1, date '2024-01-01')), 0.5) IS NULL), true, 'NULL result, NULL q, no gaps');
SELECT is((SELECT repeat_rate(activity, '2024-01-01', NULL) FROM summary WHERE false) IS NULL, true, 'no rows');
SELECT is(lines(format('SELECT * FROM next_purchase_due(%L, %L)', days, as_of)), due, format('%s as of %s', days, as_of))
FROM (VALUES ('{}', '2024-01-01', ',,,0'), ('{2024-01-01}', '2024-01-05', ',,,0'), ('{2024-01-01,2024-01-08}', '2024-01-10', '2024-01-15,-5,7,1'), ('{2024-01-01,2024-01-08,2024-01-16}', '2024-01-31', '2024-01-24,7,7.5,2'),
	('{2024-01-01,2024-01-08,2024-01-15,2024-03-15}', '2024-03-22', '2024-03-22,0,7,3'), ('{2024-01-01,2024-01-08,2024-03-01}', '2024-01-08', '2024-01-15,-7,7,1')) v(days, as_of, due);

-- an aggregate leaves out what the function over a base does
SELECT is((SELECT repeat_rate(activity, '2012-10-10') FROM summary), (SELECT repeat_rate(activity, '2012-10-10', NULL) FROM summary), 'repeat_rate() over sets, without within');
SELECT is((SELECT repeat_rate(timeline, '2012-10-10') FROM summary), (SELECT repeat_rate(timeline, '2012-10-10', NULL, NULL) FROM summary), '... over timelines');
SELECT is((SELECT purchase_intervals(activity, '2012-10-10') FROM summary), (SELECT purchase_intervals(activity, '2012-10-10', 10) FROM summary), 'purchase_intervals() up to the tenth');

-- local days of a zone: 1 January 10:00 and 3 January 02:00 in UTC are one day apart in Los Angeles, two in UTC
CREATE TABLE two_orders AS SELECT timeline_agg(at) AS t FROM (VALUES (timestamptz '2024-01-01 10:00Z'), ('2024-01-03 02:00Z')) v(at);
SELECT is((SELECT array_agg(r.repeat_buyers ORDER BY zone) FROM (SELECT zone, repeat_rate(timelines(1, t), '2024-02-01', 1, zone) AS result FROM two_orders, unnest(ARRAY['America/Los_Angeles', 'UTC']) zone GROUP BY zone) q, repeat_rate_table(q.result) r), '{1,0}', 'a zone that is named');
SELECT is((SELECT repeat_rate(t, '2024-02-01', 1, 'America/Los_Angeles')::text FROM two_orders), '{"counted": "orders", "zone": "America/Los_Angeles", "as_of": "2024-02-01", "within": 1, "rows_without_customer": 0, "rows": [{"buyers": 1, "eligible": 1, "repeat_buyers": 1}]}', '... in an aggregate, and in the result');
SELECT is((SELECT repeat_rate(timelines(1, t), within => 1, zone => 'America/Los_Angeles')::text::jsonb->>'as_of' FROM two_orders), '2024-01-02', '... and the last day is one of that zone');

-- ---- errors ----

SELECT throws_ok(format('SELECT %s FROM summary', call), state, message, call)
FROM (VALUES
	('repeat_rate(activity, NULL, NULL)', '22004', 'as_of must not be null'),
	('repeat_rate(activity)', '22004', 'as_of is missing'),
	('repeat_rate(timeline)', '22004', 'as_of is missing'),
	('purchase_intervals(activity)', '22004', 'as_of is missing'),
	('repeat_rate(timeline, NULL)', '22004', 'as_of must not be null'),
	('repeat_rate(timeline, ''2024-01-01'', 1, ''Nowhere'')', '22023', NULL),
	('repeat_rate(timelines(1, timestamptz ''2024-01-01''), zone => ''Nowhere'')', '22023', NULL),
	('repeat_rate(activities(1, date ''2024-01-01''), within => 0)', '22023', 'within must be between 1 and 36525, not 0'),
	('repeat_rate(activities(1, date ''2024-01-01''), ''infinity'')', '22008', NULL),
	('repeat_rate(activity, ''2024-01-01'', customer)', '22023', 'as_of and within must be the same for all rows of an aggregate'),
	('repeat_rate(activity, ''2024-01-01'', CASE customer WHEN 3 THEN 3 END)', '22023', 'as_of and within must be the same for all rows of an aggregate'),
	('purchase_intervals(activity, ''2024-01-01'', NULL)', '22004', 'up_to must not be null'),
	('purchase_intervals(activity, ''2024-01-01'', 0)', '22023', 'up_to must be between 1 and 36525, not 0'),
	('purchase_intervals_quantile(purchase_intervals(activities(1, date ''2024-01-01'')), 1.1)', '22023', 'q must be from 0 to 1, not 1.1'),
	('purchase_intervals_quantile(purchase_intervals(activities(1, date ''2024-01-01'')), ''NaN'')', '22023', 'q must be from 0 to 1, not NaN'),
	('purchase_intervals_quantile(purchase_intervals(activities(1, date ''2024-01-01'')), 0.5, 11)', '22023', 'n must be from 2 to the result''s up_to 10, not 11'),
	('repeat_rate_table(repeat_rate(activities(1, date ''2024-01-01'')), 0)', '22023', NULL),
	('next_purchase_due(activity, ''-infinity'')', '22008', NULL),
	('next_purchase_due(''{0001-01-01,5874897-12-31}'', ''5874897-12-31'')', '22008', 'date out of range')) v(call, state, message);
SELECT throws_ok(format('SELECT rollup(r) FROM (SELECT %s UNION ALL SELECT %s) v(r)', a, b), '22023', message, message)
FROM (VALUES
	('repeat_rate(activities(1, date ''2024-01-01''))', 'repeat_rate(timelines(1, date ''2024-01-01'', 1))', 'repeat_rate_results with different counted can''t be added up'),
	('repeat_rate(activities(1, date ''2024-01-01''))', 'repeat_rate(activities(1, date ''2024-01-01''), within => 3)', 'repeat_rate_results with different within can''t be added up'),
	('purchase_intervals(activities(1, date ''2024-01-01''))', 'purchase_intervals(activities(1, date ''2024-01-02''))', 'purchase_intervals_results with different as_of can''t be added up'),
	('purchase_intervals(activities(1, date ''2024-01-01''))', 'purchase_intervals(activities(1, date ''2024-01-01''), up_to => 9)', 'purchase_intervals_results with different up_to can''t be added up')) v(a, b, message);
SELECT throws_ok(format('SELECT %L::%s', written, type), '22P02', NULL, format('%s: %s', type, problem))
FROM (VALUES
	('repeat_rate_result', '{"rows": [{"buyers": 1}]}', 'nothing counted'),
	('repeat_rate_result', '{"counted": "visits", "rows": []}', 'something else counted'),
	('repeat_rate_result', '{"counted": "days", "rows": [{"buyers": 1, "eligible": 1}]}', 'no as_of'),
	('repeat_rate_result', '{"counted": "days", "as_of": "2024-01-01", "rows": [{"buyers": 2, "eligible": 1}]}', 'not eligible without a limit'),
	('repeat_rate_result', '{"counted": "days", "as_of": "2024-01-01", "within": 3, "rows": [{"buyers": 1, "eligible": 2}]}', 'more eligible than buyers'),
	('repeat_rate_result', '{"counted": "days", "as_of": "2024-01-01", "rows": [{"buyers": 1, "eligible": 1, "repeat_buyers": 2}]}', 'more repeat buyers than buyers'),
	('purchase_intervals_result', '{"rows": []}', 'no up_to'),
	('purchase_intervals_result', '{"up_to": 3, "rows": [{"n": 1, "days": 0, "reached": 1}]}', 'no as_of'),
	('purchase_intervals_result', '{"up_to": 3, "as_of": "2024-01-09", "rows": [{"n": 1, "days": 0, "reached": 1}]}', 'who neither waits nor comes'),
	('purchase_intervals_result', '{"up_to": 1, "as_of": "2024-01-09", "rows": [{"n": 1, "days": 0, "reached": 1}, {"n": 2, "days": 1, "reached": 1}]}', 'n beyond up_to'),
	('purchase_intervals_result', '{"up_to": 3, "as_of": "2024-01-09", "rows": [{"n": 0, "days": 0, "gaps": 1}]}', 'a gap of no days'),
	('purchase_intervals_result', '{"up_to": 3, "as_of": "2024-01-09", "rows": [{"n": 0, "days": 4, "gaps": 1}]}', 'gaps of nobody'),
	('purchase_intervals_result', '{"up_to": 2, "as_of": "2024-01-09", "rows": [{"n": 1, "days": 0, "reached": 1}, {"n": 2, "days": 3, "reached": 1}]}', 'a second purchase without a gap'),
	('purchase_intervals_result', '{"up_to": 2, "as_of": "2024-01-09", "rows": [{"n": 1, "days": 3, "reached": 1}]}', 'a first purchase later on'),
	('purchase_intervals_result', '{"up_to": 2, "as_of": "2024-01-09", "rows": [{"n": 1, "days": 0, "gaps": 1}]}', 'gaps among customers')) v(type, written, problem);
SELECT * FROM finish();
ROLLBACK;
