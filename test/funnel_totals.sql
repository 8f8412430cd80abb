--
-- The funnel of everyone: against SQL over funnel(), in all the ways in which it can be computed,
-- and the stored form of its result.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(145);

SELECT setseed(0.6);
CREATE TABLE visits AS
SELECT CASE WHEN random() < 0.01 THEN NULL ELSE (random() * 600)::int END AS customer,
	CASE WHEN random() < 0.02 THEN NULL ELSE timestamptz '2024-01-25' + floor(random() * 40) * interval '6 hours' + floor(random() * 2) * interval '1.5 seconds' END AS at,
	(ARRAY['visit', 'visit', 'view', 'cart', 'order', 'help'])[1 + floor(random() * 6)] AS kind,
	(ARRAY['visit', 'web', 'view'])[1 + floor(random() * 3)] AS label
FROM generate_series(1, 6000);
INSERT INTO visits SELECT 1000 + n, NULL, NULL, NULL FROM generate_series(1, 10) n;
ANALYZE visits;
CREATE TABLE stored AS
SELECT customer, timeline_agg(make_event(at => at, kind => kind, label => label)) AS timeline FROM visits WHERE customer IS NOT NULL GROUP BY customer;
ANALYZE stored;

CREATE TABLE asked (n int, steps text[], within interval, mode text, by text, step_within interval[], as_of date);
INSERT INTO asked VALUES
	(1, '{visit,view,cart,order}', NULL, 'in_order', 'kind', NULL, '2024-03-31'),
	(2, '{visit,view,cart,order}', '2 days', 'in_order', 'kind', NULL, '2024-03-31'),
	(3, '{visit,view,cart,order}', '36 hours', 'strictly_increasing', 'kind', NULL, '2024-03-31'),
	(4, '{visit,view,cart,order}', '1 month', 'strict_order', 'kind', '{1 day}', '2024-01-31'),
	(5, '{visit,visit,order,visit}', '3 days', 'in_order', 'kind', '{1 day,NULL,2 days}', '2024-03-31'),
	(6, '{web,view}', '5 days', 'in_order', 'label', NULL, '2024-02-01'),
	(7, '{order}', NULL, 'in_order', 'kind', '{1 day}', '2024-03-31'),
	(8, '{visit,nothing,order}', NULL, 'in_order', 'kind', '{NULL,NULL}', '2024-03-31'),
	(9, '{nothing,visit}', '1 day', 'strict_order', 'kind', NULL, '2024-03-31'),
	(10, '{visit,view,order}', '3 days', 'in_order', 'kind', NULL, '2024-01-28');

-- ---- against SQL ----

CREATE FUNCTION totals_of(a asked) RETURNS funnel_totals_result
LANGUAGE sql AS $$ SELECT funnel_totals(timelines(customer, make_event(at => at, kind => kind, label => label)), a.steps, a.within, a.mode, a.by, a.step_within, a.as_of) FROM visits $$;

-- Shares and medians from each customer's funnel; Wilson's interval by its formula. Rates are those of whom the first
-- event of the first step is so long ago that all windows are over.
CREATE FUNCTION ref_totals(a asked) RETURNS TABLE (step int, name text, reached bigint, stopped bigint, eligible bigint, rate_from_previous float8, rate_from_first float8, lower float8, upper float8, median_from_previous interval)
LANGUAGE sql AS $$
	WITH everyone AS (
		SELECT f.reached, f.at, coalesce((SELECT min(v.at) FROM visits v WHERE v.customer = stored.customer AND a.steps[1] = CASE a.by WHEN 'kind' THEN v.kind ELSE v.label END) + limits.within < a.as_of + 1, true) AS eligible
		FROM stored, funnel(timeline, a.steps, a.within, a.mode, a.by, a.step_within, a.as_of) f,
			(SELECT least(a.within, CASE WHEN cardinality(a.step_within) = 1 THEN a.step_within[1] * (cardinality(a.steps) - 1) WHEN array_position(a.step_within, NULL) IS NULL THEN (SELECT sum(w) FROM unnest(a.step_within) w) END) AS within) limits),
	counted AS (
		SELECT n AS step, a.steps[n] AS name,
			count(*) FILTER (WHERE e.reached >= n) AS reached, count(*) FILTER (WHERE e.reached = n) AS stopped, count(*) FILTER (WHERE e.reached >= n AND e.eligible) AS eligible,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY at[n] - at[n - 1]) AS median
		FROM generate_series(1, cardinality(a.steps)) n, everyone e GROUP BY n),
	rated AS (
		SELECT *, eligible::float8 / nullif(lag(eligible) OVER w, 0) AS previous, eligible::float8 / nullif(first_value(eligible) OVER w, 0) AS p, first_value(eligible) OVER w AS n, 1.959963984540054::float8 AS z
		FROM counted WINDOW w AS (ORDER BY step))
	SELECT step, name, reached, stopped, eligible, previous, p,
		CASE WHEN n > 0 THEN (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n) END,
		CASE WHEN n > 0 THEN (p + z * z / (2 * n) + z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n) END,
		median
	FROM rated
$$;

SELECT results_eq(
	format('SELECT step, name, reached, stopped, eligible, round(rate_from_previous::numeric, 12), round(rate_from_first::numeric, 12), round(lower::numeric, 12), round(upper::numeric, 12), median_from_previous FROM asked a, funnel_totals_table(totals_of(a)) WHERE n = %s ORDER BY step', n),
	format('SELECT step, name, reached, stopped, eligible, round(rate_from_previous::numeric, 12), round(rate_from_first::numeric, 12), round(lower::numeric, 12), round(upper::numeric, 12), median_from_previous FROM asked a, ref_totals(a) WHERE n = %s ORDER BY step', n),
	format('as SQL over funnel() has it: funnel %s', n))
FROM asked ORDER BY n;
SELECT cmp_ok((SELECT min(reached) FROM asked a, funnel_totals_table(totals_of(a)) WHERE n <= 6), '>', 2::bigint, '... with customers in every step');
SELECT results_eq($$SELECT s.customers, s.rows_without_customer FROM asked a, funnel_totals_scope(totals_of(a)) s$$,
	$$SELECT (SELECT count(DISTINCT customer) FROM visits), (SELECT count(*) FROM visits WHERE customer IS NULL) FROM asked$$, 'everyone counts');

-- ---- all ways are the same ----

CREATE TABLE serial AS SELECT n, totals_of(a) AS result FROM asked a;
CREATE FUNCTION stored_totals(a asked, part int DEFAULT NULL, parts int DEFAULT 1) RETURNS funnel_totals_result
LANGUAGE sql AS $$ SELECT funnel_totals(timeline, a.steps, a.within, a.mode, a.by, a.step_within, a.as_of) FROM stored WHERE part IS NULL OR (hashint4(customer) & 7) % parts = part $$;
-- Where nothing of as_of is known.
CREATE FUNCTION without_as_of(r funnel_totals_result) RETURNS funnel_totals_result
LANGUAGE sql AS $$ SELECT (r::text::jsonb - 'as_of' || '{"rows_without_customer": 0}')::text::funnel_totals_result $$;
-- Guests are the collectors'.
CREATE FUNCTION without_guests(r funnel_totals_result) RETURNS funnel_totals_result
LANGUAGE sql AS $$ SELECT (r::text::jsonb || '{"rows_without_customer": 0}')::text::funnel_totals_result $$;

SELECT results_eq('SELECT n, stored_totals(a) FROM asked a ORDER BY n', 'SELECT n, without_guests(result) FROM serial ORDER BY n', 'two-level');
SELECT results_eq('SELECT n, rollup(stored_totals(a, part, 3)) FROM asked a, generate_series(0, 2) part GROUP BY n ORDER BY n', 'SELECT n, without_guests(result) FROM serial ORDER BY n', 'rollup of parts');
SELECT results_eq('SELECT n, rollup(r ORDER BY md5(r::text)) FROM (SELECT n, stored_totals(a, part, 5) AS r FROM asked a, generate_series(0, 7) part) p GROUP BY n ORDER BY n', 'SELECT n, without_guests(result) FROM serial ORDER BY n', '... of more, some of them NULL');
SELECT results_eq($$SELECT n, funnel_totals(timeline, a.steps, a.within, a.mode, a.by, a.step_within, a.as_of) FROM asked a, (SELECT * FROM stored ORDER BY md5(customer::text)) s GROUP BY n ORDER BY n$$,
	'SELECT n, without_guests(result) FROM serial ORDER BY n', 'groups, rows in another order');
-- The funnel is opened once for all groups that ask the same: in each context where groups live.
CREATE FUNCTION by_sets(hashed boolean) RETURNS TABLE (n int, part int, result funnel_totals_result)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('enable_hashagg', hashed::text, true), set_config('enable_sort', 'on', true);
	RETURN QUERY SELECT a.n, hashint4(customer) & 3, funnel_totals(timeline, a.steps, a.within, a.mode, a.by, a.step_within, a.as_of)
		FROM asked a, stored GROUP BY GROUPING SETS ((a.n, hashint4(customer) & 3), (a.n));
	PERFORM set_config('enable_hashagg', 'on', true);
END $$;
SELECT results_eq(format('SELECT n, result FROM by_sets(%L) WHERE part IS NULL ORDER BY n', hashed), 'SELECT n, without_guests(result) FROM serial ORDER BY n', 'grouping sets, hashed: ' || hashed) FROM (VALUES (false), (true)) v(hashed);
SELECT results_eq(format('SELECT n, rollup(result) FROM by_sets(%L) WHERE part IS NOT NULL GROUP BY n ORDER BY n', hashed), 'SELECT n, without_guests(result) FROM serial ORDER BY n', '... their parts: ' || hashed)
FROM (VALUES (false), (true)) v(hashed);
SELECT results_eq($$SELECT funnel_totals(timeline, '{visit,view,cart,order}') FROM stored$$, 'SELECT without_as_of(result) FROM serial WHERE n = 1', 'the short form');
SELECT results_eq($$SELECT funnel_totals(timeline, '{visit,view,cart,order}', '2 days') FROM stored$$, 'SELECT without_as_of(result) FROM serial WHERE n = 2', '... with a window');
SELECT results_eq($$SELECT funnel_totals(timeline, '{visit,view,cart,order}', '36 hours', 'strictly_increasing') FROM stored$$, 'SELECT without_as_of(result) FROM serial WHERE n = 3', '... and a mode');
SELECT results_eq($$SELECT funnel_totals(timeline, '{visit,visit,order,visit}', '3 days', 'in_order', 'kind', '{1 day,NULL,2 days}') FROM stored$$, 'SELECT without_as_of(result) FROM serial WHERE n = 5', '... and windows of steps');
SELECT results_eq($$SELECT count(*), bool_and(r = t) FROM (SELECT funnel_totals(timeline, '{visit,view}', '1 day') OVER (ORDER BY customer) AS r, (SELECT funnel_totals(b.timeline, '{visit,view}', '1 day') FROM stored b WHERE b.customer <= s.customer) AS t FROM stored s WHERE customer < 60) w$$,
	$$SELECT count(*), true FROM stored WHERE customer < 60$$, 'as a window function');

CREATE FUNCTION settings(workers int) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('max_parallel_workers_per_gather', workers::text, true), set_config('parallel_setup_cost', '0', true),
		set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true), set_config('parallel_leader_participation', 'off', true)
$$;
CREATE FUNCTION has_workers(statement text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		plan := plan || line;
	END LOOP;
	RETURN plan LIKE '%Finalize Aggregate%Gather%Partial Aggregate%' OR plan LIKE '%LoyaltyRollup%Gather%Parallel Custom Scan (LoyaltyFold)%';
END $$;
SELECT settings(3) IS NULL AS void \gset
SELECT ok(has_workers($$SELECT funnel_totals(timeline, '{visit,view,cart,order}', '2 days') FROM stored$$), 'two-level, in workers');
SELECT results_eq($$SELECT funnel_totals(timeline, '{visit,view,cart,order}', '2 days') FROM stored$$, 'SELECT without_as_of(result) FROM serial WHERE n = 2', '... gives the same');
SELECT ok(has_workers($$SELECT funnel_totals(timelines(customer, make_event(at => at, kind => kind)), '{visit,view,cart,order}', '2 days') FROM visits$$), 'over a base that workers collect');
SELECT results_eq($$SELECT funnel_totals(timelines(customer, make_event(at => at, kind => kind)), '{visit,view,cart,order}', '2 days', as_of => '2024-03-31') FROM visits$$, 'SELECT result FROM serial WHERE n = 2', '... too');
SELECT settings(0) IS NULL AS void \gset

-- ---- NULLs and nothing ----

SELECT is(funnel_totals(NULL::timeline_base, '{a}'), NULL, 'a NULL base');
SELECT is((SELECT funnel_totals(timeline, '{a}') FROM stored WHERE false), NULL, 'no rows');
SELECT is((SELECT funnel_totals(t, '{a,b}'))::text, '{"steps": ["a", "b"], "by": "kind", "mode": "in_order", "zone": "UTC", "rows_without_customer": 0, "rows": []}', 'NULL timelines are nobody') FROM (VALUES (NULL::event_timeline)) v(t);
SELECT is((SELECT funnel_totals(t, '{a,b}') FROM (VALUES ('[]'::event_timeline), (NULL)) v(t))::text, '{"steps": ["a", "b"], "by": "kind", "mode": "in_order", "zone": "UTC", "rows_without_customer": 0, "members_without_events": 1, "rows": [{"step": 0, "duration": 0, "customers": 1}]}', 'empty ones are customers');
SELECT results_eq($$SELECT t.* FROM funnel_totals_table((SELECT funnel_totals('[]'::event_timeline, '{a,b}'))) t$$,
	$$VALUES (1, 'a', 0::bigint, 0::bigint, 0::bigint, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::interval), (2, 'b', 0, 0, 0, NULL, NULL, NULL, NULL, NULL)$$, 'shares of nobody are NULL');
SELECT is(rollup(r), NULL, 'rollup of NULL') FROM (VALUES (NULL::funnel_totals_result)) v(r);

-- ---- the median ----

CREATE FUNCTION median_of(VARIADIC durations bigint[]) RETURNS interval
LANGUAGE sql AS $$
	SELECT t.median_from_previous
	FROM (SELECT funnel_totals(timeline_agg_of, '{a,b}') AS r
		FROM (SELECT timeline_agg(make_event(at => at, kind => kind)) AS timeline_agg_of
			FROM unnest(durations) WITH ORDINALITY u(d, n), LATERAL (VALUES ('a', timestamptz '2024-01-01'), ('b', timestamptz '2024-01-01' + d * interval '1 microsecond')) e(kind, at) GROUP BY n) l) q,
		funnel_totals_table(q.r) t WHERE step = 2
$$;
SELECT is(median_of(5), '0.000005', 'of one');
SELECT is(median_of(9, 1, 5), '0.000005', 'of three');
SELECT is(median_of(9, 1, 5, 7), '0.000006', 'of four: midway');
SELECT is(median_of(1, d), (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY m * interval '1 microsecond') FROM (VALUES (1), (d)) v(m)), '... as percentile_cont has it') FROM (VALUES (2), (4), (6)) v(d);
SELECT is(median_of(7, 7, 7, 8), '0.000007', 'of equal ones');
SELECT is(median_of(90000000000, 90000000000)::text, '1 day 01:00:00', 'in days and hours');
SELECT is(median_of(0, 0, 3), '0', 'at one instant');

-- ---- the result ----

SELECT is(without_guests(result)::text::funnel_totals_result, without_guests(result), 'text: funnel ' || n) FROM serial WHERE n IN (4, 5) ORDER BY n;
SELECT results_eq('SELECT n, result::text::funnel_totals_result FROM serial ORDER BY n', 'SELECT n, result FROM serial ORDER BY n', 'text, of all');
COPY serial TO PROGRAM 'cat > funnel_totals.bin' (FORMAT binary);
CREATE TABLE again (LIKE serial);
COPY again FROM PROGRAM 'cat funnel_totals.bin && rm funnel_totals.bin' (FORMAT binary);
SELECT results_eq('SELECT n, result FROM again ORDER BY n', 'SELECT n, result FROM serial ORDER BY n', 'binary');
SELECT results_eq($$SELECT s.* FROM serial, funnel_totals_scope(result) s WHERE n IN (4, 5, 6, 8) ORDER BY n$$,
	$$SELECT steps, by, mode, within, CASE WHEN n = 4 THEN '{1 day,1 day,1 day}'::interval[] WHEN n = 5 THEN step_within END, 'UTC', as_of, (SELECT count(DISTINCT customer) FROM visits), (SELECT count(*) FROM visits WHERE customer IS NULL), CASE WHEN n = 8 THEN '{nothing}' ELSE '{}' END::text[], NULL::text, 'customers' FROM asked WHERE n IN (4, 5, 6, 8) ORDER BY n$$,
	'what it is about');
SELECT is(('{"mode": "in_order", "rows": [{"customers": 2, "duration": 1000000, "step": 2}, {"step": 0, "duration": 0, "customers": 5}, {"customers": 3, "with_event": 4, "duration": 0, "step": 1}, {"step": 2, "duration": 0, "with_event": 2}], "by": "label", "within": "P1DT2H", "zone": "utc", "as_of": "2024-02-01", "step_within": ["90 minutes"], "steps": ["a\"", "ä"]}'::funnel_totals_result)::text,
	'{"steps": ["a\"", "ä"], "by": "label", "mode": "in_order", "within": "1 day 02:00:00", "step_within": ["01:30:00"], "zone": "UTC", "as_of": "2024-02-01", "rows_without_customer": 0, "rows": [{"step": 0, "duration": 0, "customers": 5}, {"step": 1, "duration": 0, "customers": 3, "with_event": 4}, {"step": 2, "duration": 0, "with_event": 2}, {"step": 2, "duration": 1000000, "customers": 2}]}', 'text in its one form');

SELECT throws_ok($$SELECT rollup(r) FROM (SELECT funnel_totals('[]'::event_timeline, v.s) AS r FROM (VALUES ('{a}'::text[]), ('{b}')) v(s) GROUP BY v.s) q$$, '22023', 'funnel_totals_results with different steps can''t be added up', 'different funnels don''t add up');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT funnel_totals('[]'::event_timeline, '{a}', v.w) AS r FROM (VALUES ('1 day'::interval), (NULL)) v(w) GROUP BY v.w) q$$, '22023', 'funnel_totals_results with different within can''t be added up', '... different windows');
SELECT throws_ok($$SELECT funnel_totals('[]'::event_timeline, v.s) FROM (VALUES ('{a}'::text[]), ('{b}')) v(s)$$, '22023', 'steps must be the same for all rows of an aggregate', 'one funnel for all rows');
SELECT throws_ok($$SELECT funnel_totals('[]'::event_timeline, '{a}', v.w) FROM (VALUES ('24 hours'::interval), ('1 day')) v(w)$$, '22023', 'within must be the same for all rows of an aggregate', '... a day isn''t 24 hours');
SELECT throws_ok(format('SELECT %L::funnel_totals_result', text), '22P02', NULL, text) FROM (VALUES
	('{"by": "kind", "mode": "in_order", "rows": []}'),
	('{"steps": [], "by": "kind", "mode": "in_order", "rows": []}'),
	('{"steps": ["a", null], "by": "kind", "mode": "in_order", "rows": []}'),
	('{"steps": ["a", "b"], "step_within": ["1 day", null], "by": "kind", "mode": "in_order", "rows": []}'),
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "rows": [{"step": 2, "duration": 0, "customers": 1}]}'),
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "rows": [{"step": 0, "duration": 0, "customers": 1}, {"step": 1, "duration": 0, "customers": 2}]}'),
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "rows": [{"step": 1, "duration": 0, "customers": 1}]}'),
	('{"steps": ["a", "b"], "by": "kind", "mode": "in_order", "rows": [{"step": 0, "duration": 0, "customers": 1}, {"step": 1, "duration": 0, "customers": 1}, {"step": 2, "duration": -1, "customers": 1}]}'),
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "rows": [{"step": 0, "duration": 0, "customers": 2}, {"step": 1, "duration": 0, "customers": 2, "with_event": 1}]}'),
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "rows": [{"step": 0, "duration": 0, "customers": 2}, {"step": 1, "duration": 0, "customers": 1, "with_event": 3}]}'),
	('{"steps": ["a", "b"], "by": "kind", "mode": "in_order", "rows": [{"step": 0, "duration": 0, "customers": 2}, {"step": 1, "duration": 0, "customers": 1, "with_event": 1}, {"step": 2, "duration": 5, "customers": 1, "with_event": 1}]}'),
	('{"steps": ["a", "b"], "by": "kind", "mode": "in_order", "rows": [{"step": 0, "duration": 0, "customers": 2}, {"step": 1, "duration": 0, "with_event": 1}, {"step": 2, "duration": 0, "customers": 1, "with_event": 1}]}'),
	('{"steps": ["a"], "by": "kind", "mode": "any", "rows": []}')) v(text);

-- ---- steps that no event is named as ----

CREATE FUNCTION with_event(r funnel_totals_result) RETURNS TABLE (step int, customers int)
LANGUAGE sql AS $$ SELECT (e->>'step')::int, sum((e->>'with_event')::int)::int FROM jsonb_array_elements((r::text::jsonb)->'rows') e WHERE e->>'step' > '0' GROUP BY 1 HAVING sum((e->>'with_event')::int) > 0 $$;
SELECT results_eq(format('SELECT w.* FROM serial, with_event(result) w WHERE n = %s ORDER BY step', n),
	format('SELECT s::int, count(DISTINCT customer)::int FROM asked a, generate_subscripts(steps, 1) s, visits WHERE n = %s AND steps[s] = CASE a.by WHEN ''kind'' THEN kind ELSE label END AND at IS NOT NULL GROUP BY s HAVING count(customer) > 0 ORDER BY s', n), 'who has such an event at all: funnel ' || n)
FROM asked ORDER BY n;
SELECT is((funnel_totals_scope(funnel_totals(t, '{visit,order,vist,visit,web,vist}'))).steps_without_events, '{vist,web}', 'steps that are misspelt, each once')
FROM (VALUES ('[{"at": "2024-01-01T00:00:00Z", "kind": "visit", "label": "web"}, {"at": "2024-01-02T00:00:00Z", "kind": "order"}]'::event_timeline)) v(t);
SELECT is((funnel_totals_scope(rollup(r))).steps_without_events, '{c}', 'one of the parts has it') FROM (SELECT funnel_totals(t, '{a,b,c}') AS r FROM (VALUES ('[{"at": "2024-01-01T00:00:00Z", "kind": "a"}]'::event_timeline), ('[{"at": "2024-01-01T00:00:00Z", "kind": "b"}]')) v(t) GROUP BY t::text) q;
SELECT is((funnel_totals_scope(funnel_totals(t, '{a}', NULL, 'in_order', 'kind', NULL, '2023-01-01'))).steps_without_events, '{}', 'an event after as_of is one') FROM (VALUES ('[{"at": "2024-01-01T00:00:00Z", "kind": "a"}]'::event_timeline)) v(t);

-- ---- days and zones ----

-- A window of a day over the change to summer time in Helsinki, 23 hours; as_of of a day in Azores,
-- where on 2023-10-29 clocks go from 01:00 back to 00:00, and in Havana, from 01:00 on 2023-11-05.
CREATE FUNCTION timeline_of(at timestamptz) RETURNS event_timeline LANGUAGE sql AS $$ SELECT timeline_agg(make_event(at => at, kind => 'a')) $$;
CREATE TABLE clock (at timestamptz, kind text);
INSERT INTO clock VALUES ('2024-03-30 12:00+02', 'a'), ('2024-03-31 12:30+03', 'b');
SELECT is((SELECT reached FROM funnel(t, '{a,b}', '1 day', zone => zone)), reached, 'a day''s window in ' || zone)
FROM (SELECT timeline_agg(make_event(at => at, kind => kind)) AS t FROM clock) q, (VALUES ('Europe/Helsinki', 1), ('UTC', 2)) v(zone, reached);
SELECT results_eq(format('SELECT (SELECT max(step) FROM funnel_totals_table(r) WHERE reached > 0), (funnel_totals_scope(r)).zone FROM (SELECT funnel_totals(timelines(1, make_event(at => at, kind => kind)), ''{a,b}'', ''1 day'', zone => %1$L) AS r FROM clock) q
	UNION ALL SELECT (SELECT max(step) FROM funnel_totals_table(r) WHERE reached > 0), (funnel_totals_scope(r)).zone FROM (SELECT funnel_totals(t, ''{a,b}'', ''1 day'', ''in_order'', ''kind'', NULL, NULL, %1$L) AS r FROM (SELECT timeline_agg(make_event(at => at, kind => kind)) AS t FROM clock) t) q', zone),
	format('VALUES (%1$s, %2$L), (%1$s, %2$L)', reached, zone), '... of everyone, both ways, in ' || zone)
FROM (VALUES ('Europe/Helsinki', 1), ('UTC', 2)) v(zone, reached);
SELECT is((SELECT (funnel_totals_scope(funnel_totals(t, '{a,b}', '1 hour', 'in_order', 'kind', NULL, NULL, 'Asia/Tokyo'))).zone FROM (SELECT timeline_agg(make_event(at => at, kind => kind)) AS t FROM clock) q), 'Asia/Tokyo', 'whose days end up to which is counted');
SELECT is((SELECT funnel_totals(t, '{a,b}', '1 day', 'in_order', 'kind', NULL, NULL, NULL)), (SELECT funnel_totals(t, '{a,b}', '1 day')), 'a NULL zone is the session''s') FROM (SELECT timeline_agg(make_event(at => at, kind => kind)) AS t FROM clock) q;
SELECT throws_ok($$SELECT funnel('[]', '{a}', zone => 'Europe/Helsingfors')$$, '22023', NULL, 'an unknown zone');
SELECT results_eq(format('SELECT n, reached FROM generate_series(-3, 3) n, LATERAL funnel(timeline_of(%1$L::timestamptz + n * interval ''30 minutes''), ''{a}'', as_of => %2$L, zone => %3$L)', at, day, zone),
	format('SELECT n, ((%1$L::timestamptz + n * interval ''30 minutes'') AT TIME ZONE %3$L < date %2$L + 1)::int FROM generate_series(-3, 3) n', at, day, zone), 'the day''s end around ' || at || ' in ' || zone)
FROM (VALUES ('2023-10-29 01:00+00', '2023-10-28', 'Atlantic/Azores'), ('2023-10-30 01:00+00', '2023-10-29', 'Atlantic/Azores'), ('2023-11-06 05:00+00', '2023-11-05', 'America/Havana'), ('2023-11-05 04:00+00', '2023-11-04', 'America/Havana'), ('2021-10-28 22:00+00', '2021-10-28', 'Asia/Amman')) v(at, day, zone);

-- ---- windows of other types ----

-- A literal is a text, which counts as the interval that it is; a whole number is so many days.
CREATE TABLE window_of (n int, w text, same interval);
INSERT INTO window_of VALUES (1, '''36 hours''', '36 hours'), (2, '2', '2 days'), (3, '3::smallint', '3 days'), (4, '''P1DT2H''', '1 day 2 hours'), (5, '''1 mon''::text', '1 month'), (6, 'NULL', NULL), (7, '0', '0');
CREATE FUNCTION answer(call text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN EXECUTE 'SELECT ' || call || ' FROM stored' INTO r; RETURN r; END $$;
SELECT results_eq(format('SELECT f.reached, f.at FROM stored, funnel(timeline, ''{visit,view,order}'', within => %s) f ORDER BY customer', w), format('SELECT f.reached, f.at FROM stored, funnel(timeline, ''{visit,view,order}'', within => %L::interval) f ORDER BY customer', same), 'funnel within ' || w) FROM window_of ORDER BY n;
SELECT is(answer(format('funnel_totals(timelines(customer, timeline), ''{visit,view,order}'', within => %s)', w)), answer(format('funnel_totals(timelines(customer, timeline), ''{visit,view,order}'', within => %L::interval)', same)), 'funnel_totals within ' || w) FROM window_of ORDER BY n;
SELECT is(answer(format('funnel_totals(timeline, ''{visit,view,order}'', %s%s)', w, rest)), answer(format('funnel_totals(timeline, ''{visit,view,order}'', %L::interval%s)', same, rest)), format('two-level: within %s%s', w, rest))
FROM window_of, (VALUES (''), (', ''strict_order'''), (', ''in_order'', ''kind'', ''{1 day}'''), (', ''in_order'', ''kind'', NULL, ''2024-01-31'''), (', ''in_order'', ''kind'', NULL, NULL, ''Asia/Tokyo''')) v(rest) WHERE n IN (1, 2) ORDER BY n, rest;
SELECT throws_ok($$SELECT funnel('[]', '{a}', 'soon')$$, '22007', 'within is not an interval: "soon"', 'a text that is none');
SELECT throws_ok($$SELECT funnel('[]', '{a}', -7)$$, '22023', NULL, 'days below 0');
SELECT throws_ok($$SELECT funnel_totals('[]'::event_timeline, '{a}', v.w) FROM (VALUES ('24 hours'), ('1 day')) v(w)$$, '22023', 'within must be the same for all rows of an aggregate', 'one window for all rows, as a text');
SELECT throws_ok($$SELECT funnel_totals('[]'::event_timeline, '{a}', v.w) FROM (VALUES (1), (2)) v(w)$$, '22023', 'within must be the same for all rows of an aggregate', '... and as days');

-- ---- at the limits ----

SELECT throws_ok(format('SELECT %s', call), '22008', 'the time between two steps of a funnel is out of range', call)
FROM (SELECT timeline_agg(make_event(at => at, kind => kind)) AS t FROM (VALUES (timestamptz '4713-01-01 BC', 'a'), ('294276-12-30', 'b')) v(at, kind)) q,
	LATERAL (VALUES (format('funnel(%L, ''{a,b}'')', t)), (format('funnel_totals(%L::event_timeline, ''{a,b}'', NULL::interval, ''in_order'', ''kind'', NULL, ''294276-12-30'')', t)), (format('funnel_totals(timelines(1, %L::event_timeline), ''{a,b}'', as_of => ''294276-12-30'')', t))) v(call);
SELECT results_eq($$SELECT median_from_previous::text::interval, r::text::funnel_totals_result = r FROM (SELECT funnel_totals(timeline_agg_of, '{a,b}', NULL::interval, 'in_order', 'kind', NULL, '290000-01-01') AS r FROM (SELECT timeline_agg(make_event(at => at, kind => kind)) AS timeline_agg_of FROM (VALUES (timestamptz '4713-01-01 BC', 'a'), ('280000-12-31', 'b')) v(at, kind)) l) q, funnel_totals_table(r) WHERE step = 2$$,
	$$SELECT timestamptz '280000-12-31' - timestamptz '4713-01-01 BC', true$$, 'what is as long as an interval may be is read back');

-- ---- as_of left out ----

SELECT is((SELECT (funnel_totals_scope(funnel_totals(timelines(customer, make_event(at => at, kind => kind)), '{a,b}', '1 day'))).as_of FROM (VALUES (1, timestamptz '2024-01-05 10:00', 'a'), (2, '2024-01-06 10:00', 'b')) v(customer, at, kind)), '2024-01-06', 'over a base: the day of the last event');
SELECT results_eq($$SELECT t.step, t.reached, t.eligible FROM (SELECT funnel_totals(timelines(customer, make_event(at => at, kind => kind)), '{a,b}', '1 day') AS r FROM (VALUES (1, timestamptz '2024-01-05 10:00', 'a'), (1, '2024-01-05 11:00', 'b'), (2, '2024-01-06 10:00', 'a'), (2, '2024-01-06 11:00', 'b'), (3, '2024-01-06 11:00', 'a')) v(customer, at, kind)) q, funnel_totals_table(r) t$$,
	$$VALUES (1, 3::bigint, 1::bigint), (2, 2, 1)$$, '... by the end of which a window of a day is over of who started the day before');
SELECT is((SELECT (funnel_totals_scope(funnel_totals(timelines(1, make_event(at => at, kind => 'a')), '{a}'))).as_of FROM (VALUES (timestamptz '2024-01-05 10:00'), ('9999-01-01')) v(at)), (transaction_timestamp() AT TIME ZONE 'UTC')::date, '... but no later than today');
SELECT results_eq($$SELECT t.reached FROM (SELECT funnel_totals(timeline, '{a,b}') AS r FROM (SELECT timeline_agg(make_event(at => at, kind => kind)) AS timeline FROM (VALUES (timestamptz '2024-01-05 10:00', 'a'), ('9999-01-01', 'b')) v(at, kind)) l) q, funnel_totals_table(r) t$$, 'VALUES (1::bigint), (0)', 'of an aggregate: today');

-- ---- quantiles ----

CREATE TABLE waited AS SELECT n AS customer, floor(random() * 1e9)::bigint AS wait FROM generate_series(1, 101) n;
CREATE TABLE waits AS SELECT funnel_totals(timelines(customer, make_event(at => timestamptz '2024-01-01' + after * interval '1 microsecond', kind => kind)), '{a,b}') AS r FROM (SELECT customer, 'a' AS kind, 0 AS after FROM waited UNION ALL SELECT customer, 'b', wait FROM waited) e;
SELECT is(extract(epoch FROM funnel_quantile(r, 2, q))::numeric, (SELECT round((percentile_cont(q) WITHIN GROUP (ORDER BY wait) / 1e6)::numeric, 6) FROM waited), 'quantile ' || q) FROM waits, unnest(ARRAY[0, 0.01, 0.25, 0.5, 0.9, 0.987, 1]) q;
SELECT is(funnel_quantile(r, 2, 0.5), median_from_previous, 'the median is one') FROM waits, funnel_totals_table(r) WHERE step = 2;
SELECT is(funnel_quantile(funnel_totals('[]'::event_timeline, '{a,b}'), 2, 0.5), NULL, '... of nobody');
SELECT throws_ok(format('SELECT funnel_quantile(r, %s, %s) FROM waits', step, q), '22023', message, message) FROM (VALUES (1, '0.5', 'step must be between 2 and 2, not 1'), (3, '0.5', 'step must be between 2 and 2, not 3'), (2, '1.5', 'q must be between 0 and 1, not 1.5'), (2, '-0.1', 'q must be between 0 and 1, not -0.1'), (2, $$'NaN'$$, 'q must be between 0 and 1, not NaN')) v(step, q, message);
SELECT throws_ok($$SELECT funnel_quantile(funnel_totals('[]'::event_timeline, '{a}'), 2, 0.5)$$, '22023', 'a funnel of one step has no times', 'a single step');

SELECT throws_ok($$SELECT funnel_totals_table((SELECT funnel_totals('[]'::event_timeline, '{a}')), 1)$$, '22023', NULL, 'an impossible confidence');
SELECT is_empty($$SELECT oid::regprocedure FROM pg_proc WHERE proname IN ('funnel', 'funnel_conversions', 'funnel_totals', 'funnel_by_period') AND prokind = 'f' AND provolatile <> 's'$$, 'where days and months are counted, the session''s zone matters');

SELECT * FROM finish();
ROLLBACK;
