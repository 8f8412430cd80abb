--
-- event_flow() and its rows against plain SQL with window functions on random visits; what must hold
-- whatever is asked; answers by hand; the same answers by every way; bounds; errors.
--
\ir reference/setup.sql
BEGIN;
\ir reference/differences.sql
SELECT no_plan();
SET LOCAL timezone = 'UTC';

SELECT setseed(0.4);
CREATE TABLE visits AS
SELECT CASE WHEN random() < 0.01 THEN NULL ELSE (power(random(), 2) * 400)::int END AS customer,
	CASE WHEN random() < 0.02 THEN NULL ELSE timestamptz '2024-01-25' + floor(random() * 40) * interval '6 hours' + floor(random() * 3) * interval '1.5 seconds' + floor(random() * 2) * interval '7 minutes' END AS at,
	(ARRAY['visit', 'visit', 'view', 'cart', 'order', 'other', 'help "now"', 'Käse', '', NULL])[1 + floor(power(random(), 1.5) * 10)::int] AS kind,
	(ARRAY['web', 'shop', 'app', NULL])[1 + floor(random() * 4)::int] AS label
FROM generate_series(1, 5000);
INSERT INTO visits SELECT 1000 + n, NULL, NULL, NULL FROM generate_series(1, 10) n;
-- long pauses, and many visits
INSERT INTO visits SELECT 2000 + n % 5, timestamptz '2023-01-01' + n * n * interval '3 hours 11 minutes', (ARRAY['visit', 'cart', 'order'])[1 + n * n % 7 % 3], 'web' FROM generate_series(1, 150) n WHERE timestamptz '2023-01-01' + n * n * interval '3 hours 11 minutes' < '2024-02-10';
ANALYZE visits;
\ir reference/flow.sql

CREATE TABLE asked (n int GENERATED ALWAYS AS IDENTITY, by text, from_step text, until_step text, steps int, within interval, occurrence text, collapse boolean, until date, top int);
INSERT INTO asked (by, from_step, until_step, steps, within, occurrence, collapse, until, top) VALUES
	('kind', 'visit', NULL, 3, NULL, 'first', false, '2024-02-03', NULL),
	('kind', 'visit', NULL, 4, NULL, 'first', false, '2024-01-30', 2),
	('kind', 'visit', NULL, 3, NULL, 'last', false, '2024-02-03', 3),
	('kind', 'visit', NULL, 3, NULL, 'each', false, '2024-02-03', NULL),
	('kind', 'visit', NULL, 4, NULL, 'each', false, '2024-02-03', 2),
	('kind', 'visit', NULL, 4, '36 hours', 'each', true, '2024-02-03', 1),
	('kind', NULL, 'order', 3, NULL, 'first', false, '2024-02-03', NULL),
	('kind', NULL, 'order', 4, NULL, 'last', true, '2024-02-03', 2),
	('kind', NULL, 'order', 4, '1 day', 'each', false, '2024-02-03', 2),
	('kind', NULL, 'order', 3, '1 month', 'each', false, '2024-02-03', 3),
	('kind', NULL, NULL, 2, NULL, 'each', false, '2024-02-03', 3),
	('kind', NULL, NULL, 5, '2 days', 'first', true, '2024-02-03', NULL),
	('label', NULL, NULL, 5, NULL, 'last', false, '2024-02-03', NULL),
	('label', 'web', NULL, 6, NULL, 'each', true, '2024-02-01', 1),
	('label', NULL, 'app', 10, '12 hours', 'each', false, '2024-02-01', 2),
	('kind', '', NULL, 2, '1 second', 'each', false, '2024-02-03', 4),
	('kind', 'other', NULL, 100, NULL, 'each', false, '2024-02-03', 2),
	('kind', 'nothing', NULL, 3, NULL, 'each', false, '2024-02-03', 2);

CREATE FUNCTION flow_of(a asked) RETURNS event_flow_result LANGUAGE sql AS $$
	SELECT event_flow(timelines(customer, make_event(at => at, kind => kind, label => label)), a.by, a.from_step, a.until_step, a.steps, a.within, a.occurrence, a.collapse, a.until) FROM visits
$$;
CREATE TABLE counted AS SELECT *, flow_of(asked) AS r FROM asked;

-- ---- against plain SQL ----

SELECT is_empty(format('SELECT * FROM differences(%L, %L)',
	format('SELECT t.step, t.source, t.target, customers, events, round(share::numeric, 12), extract(epoch FROM median_time)::float8, source_name, target_name, is_end FROM counted, event_flow_table(r, top) t WHERE n = %s', n),
	format('SELECT t.* FROM counted c, ref_flow(c.by, from_step, until_step, steps, within, occurrence, collapse, until, top) t WHERE n = %s', n)),
	format('%s %s, %s steps by %s%s%s%s', occurrence, coalesce('from ' || from_step, 'until ' || until_step, 'event'), steps, by, ' within ' || within, CASE WHEN collapse THEN ', collapsed' END, ', top ' || top)) FROM counted;
SELECT cmp_ok((SELECT count(*)::int FROM counted, event_flow_table(r, top) t WHERE t.source ~ '^\(other' AND t.target ~ '^\(other' AND customers < events), '>', 5, 'the rest has customers who go several ways');
SELECT cmp_ok((SELECT count(*)::int FROM counted, event_flow_table(r) t WHERE extract(epoch FROM median_time) > 25 * 86400), '>', 3, 'some take long');

-- ---- what must hold ----

SELECT is_empty($$SELECT n, node, sum(came), sum(left_it) FROM (
		SELECT n, top.top, t.target AS node, events AS came, 0 AS left_it FROM counted c, (VALUES (NULL), (1), (3)) top(top), event_flow_table(r, top.top) t WHERE until_step IS NULL AND step < steps AND NOT is_end
		UNION ALL SELECT n, top.top, t.source, 0, events FROM counted c, (VALUES (NULL), (1), (3)) top(top), event_flow_table(r, top.top) t WHERE until_step IS NULL AND step > 1
		UNION ALL SELECT n, top.top, t.source, events, 0 FROM counted c, (VALUES (NULL), (1), (3)) top(top), event_flow_table(r, top.top) t WHERE until_step IS NOT NULL AND step < steps AND NOT is_end
		UNION ALL SELECT n, top.top, t.target, 0, events FROM counted c, (VALUES (NULL), (1), (3)) top(top), event_flow_table(r, top.top) t WHERE until_step IS NOT NULL AND step > 1) s
	GROUP BY n, top, node HAVING sum(came) <> sum(left_it)$$, 'what comes into a node leaves it');
SELECT is_empty($$SELECT n FROM counted, event_flow_table(r, 2) t WHERE occurrence <> 'each' AND customers <> events$$, 'one flow for each customer: as many customers as events');
SELECT is_empty($$SELECT n, step FROM counted, event_flow_table(r, 2) t GROUP BY n, step HAVING sum(events) <> (SELECT sum(events) FROM event_flow_table((SELECT r FROM counted c WHERE c.n = counted.n)) a WHERE a.step = t.step)$$, 'the rest is all others');
SELECT is_empty($$SELECT n, name FROM counted, event_flow_table(r, 2) t, LATERAL (VALUES (t.source, step + (until_step IS NOT NULL)::int, source_name), (t.target, step + (until_step IS NULL)::int, target_name)) v(name, level, own) GROUP BY n, name HAVING count(DISTINCT (level, own)) > 1$$, 'a name stands for one node');
SELECT is_empty($$SELECT n FROM counted, event_flow_table(r, 100) t WHERE t::text ~ '\(other'$$, 'no rest where all are shown');
SELECT results_eq('SELECT t.* FROM counted, event_flow_links(r, 2) t ORDER BY n, 1, 2, 3', 'SELECT t.step, t.source, t.target, events, source_name, target_name FROM counted, event_flow_table(r, 2) t ORDER BY n, 1, 2, 3', 'links are those rows');

-- ---- by hand ----

CREATE TABLE few (customer int, at timestamptz, kind text);
INSERT INTO few VALUES (1, '2024-01-01 10:00', 'visit'), (1, '2024-01-01 10:01', 'search'), (1, '2024-01-01 10:05', 'cart'), (1, '2024-01-02 00:00', 'order'),
	(2, '2024-01-01 10:00', 'visit'), (2, '2024-01-01 10:03', 'cart'), (2, '2024-01-01 10:05', 'visit'), (2, '2024-01-02 00:00', 'order'), (3, '2024-01-01 00:00', 'visit'), (4, '2024-01-01 00:00', 'order'), (5, NULL, 'visit'), (NULL, '2024-01-01 00:00', 'visit');
CREATE FUNCTION few_flow(of text, top int DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT lines(format('SELECT t.step, t.source, t.target, customers, events, median_time FROM (SELECT event_flow(timelines(customer, at, kind), %s) AS r FROM few) q CROSS JOIN LATERAL event_flow_table(q.r, %L) t', of, top))
$$;
SELECT is(few_flow('from_step => ''visit'', steps => 2'),
	'1,"visit (1)","cart (2)",1,1,00:03:00 1,"visit (1)","search (2)",1,1,00:01:00 1,"visit (1)","(stop 2)",1,1, 2,"cart (2)","visit (3)",1,1,00:02:00 2,"search (2)","cart (3)",1,1,00:04:00', 'what comes after the first visit');
SELECT is(few_flow('until_step => ''order'', steps => 2, occurrence => ''last'''),
	'1,"cart (2)","order (1)",1,1,13:00:00 1,"visit (2)","order (1)",1,1,13:00:00 1,"(start 2)","order (1)",1,1, 2,"cart (3)","visit (2)",1,1,00:02:00 2,"search (3)","cart (2)",1,1,00:04:00', 'what came before the order');
-- the second customer's two visits lead to two events that aren't shown: one customer; 3 minutes and, of 13:55 hours, 13 whole ones
SELECT is(few_flow('from_step => ''visit'', steps => 1, occurrence => ''each'', within => ''1 day''', 1), '1,"visit (1)","cart (2)",1,1,00:03:00 1,"visit (1)","(other 2)",2,2,06:30:30 1,"visit (1)","(stop 2)",1,1,', 'the rest, in one row');
SELECT is(few_flow('from_step => ''visit'', steps => 1, within => ''1 minute'''), '1,"visit (1)","search (2)",1,1,00:01:00 1,"visit (1)","(stop 2)",2,2,', 'a window holds its end');
SELECT is(few_flow('from_step => ''visit'', steps => 1, within => ''59.999999 seconds'''), '1,"visit (1)","(stop 2)",3,3,', '... and nothing behind it');
SELECT is(few_flow('until_step => ''order'', steps => 1, within => ''13 hours 55 minutes'''), '1,"cart (2)","order (1)",1,1,13:00:00 1,"visit (2)","order (1)",1,1,13:00:00 1,"(start 2)","order (1)",1,1,', 'backward, too');
SELECT is(few_flow('from_step => ''visit'', steps => 1, as_of => ''2023-12-31'''), '', 'before all events there is nothing');
SELECT is(few_flow('steps => 1, occurrence => ''last'''), '1,"order (1)","(stop 2)",3,3, 1,"visit (1)","(stop 2)",1,1,', 'from any event: the last one of each');
SELECT is((SELECT string_agg(kept || ': ' || coalesce(median_time::text, ''), ', ' ORDER BY kept) FROM (VALUES (interval '599.9 s'), ('10 min 59 s'), ('9 h 59 min 59 s'), ('10 h 59 min'), ('24 d 23 h 59 min'), ('25 d 23 h 59 min'), ('3000 d 1 h')) v(kept)
	CROSS JOIN LATERAL (SELECT event_flow(timelines(1, at, kind), from_step => 'a', steps => 1) AS r FROM (VALUES (timestamptz '2010-01-01', 'a'), ('2010-01-01'::timestamptz + kept, 'b')) e(at, kind)) q CROSS JOIN LATERAL event_flow_table(q.r) t),
	'00:09:59.9: 00:09:59, 00:10:59: 00:10:00, 09:59:59: 09:59:00, 10:59:00: 10:00:00, 24 days 23:59:00: 24 days 23:00:00, 25 days 23:59:00: 25 days, 3000 days 01:00:00: 3000 days', 'times are rounded down, the longer the more');
SELECT is(link_name('order', 2) || link_name('other', 2, false) || coalesce(link_name(NULL, 1), '-'), 'order (2)(other 2)-', 'names of nodes');

-- which local day as_of is
SELECT is((SELECT string_agg(steps::text, ',' ORDER BY zone) FROM (SELECT zone, count(*) FILTER (WHERE NOT is_end) AS steps FROM (SELECT zone, event_flow(timelines(1, at, kind), steps => 1, as_of => '2024-01-01', zone => zone) AS r
	FROM (VALUES (timestamptz '2024-01-01 12:00+00', 'a'), ('2024-01-01 23:30+00', 'b')) e(at, kind), unnest(ARRAY['Asia/Tokyo', 'UTC']) zone GROUP BY zone) q CROSS JOIN LATERAL event_flow_table(q.r) t GROUP BY zone) z), '0,1', 'as_of ends in the zone');

-- ---- the same answers by every way ----

CREATE TABLE summary AS SELECT customer, timeline_agg(make_event(at => at, kind => kind, label => label)) AS timeline FROM visits WHERE customer IS NOT NULL GROUP BY customer;
INSERT INTO summary VALUES (NULL, NULL);
ANALYZE summary;
CREATE FUNCTION call_of(a asked, what text) RETURNS text LANGUAGE sql AS $$ SELECT format('event_flow(%s, %L, %L, %L, %s, %L, %L, %L, %L)', what, a.by, a.from_step, a.until_step, a.steps, a.within, a.occurrence, a.collapse, a.until) $$;
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE a text; BEGIN EXECUTE query INTO a; RETURN a; END $$;
CREATE VIEW way AS SELECT c.n, call_of(a, 'timelines(customer, make_event(at => at, kind => kind, label => label))') AS over_base, call_of(a, 'timelines(customer, timeline)') AS over_stored, call_of(a, 'timeline') AS over_summaries FROM counted c JOIN asked a USING (n);
SELECT is(answer(format('SELECT %s::text::jsonb - ''rows_without_customer'' FROM summary', over_summaries)), (r::text::jsonb - 'rows_without_customer')::text, 'over summaries: ' || n) FROM way JOIN counted USING (n);
SELECT is(answer(format('SELECT %s::text::jsonb - ''rows_without_customer'' FROM summary WHERE customer IS NOT NULL', over_stored)), (r::text::jsonb - 'rows_without_customer')::text, 'over stored timelines: ' || n) FROM way JOIN counted USING (n) WHERE n % 3 = 0;
SELECT is(answer(format('SELECT rollup(x)::text FROM (SELECT %s AS x FROM visits GROUP BY customer %% 7) q', over_base)), r::text, 'parts rolled up: ' || n) FROM way JOIN counted USING (n);
SELECT is(answer(format('SELECT %s::text FROM (SELECT * FROM visits ORDER BY md5(visits::text)) v', over_base)), r::text, 'in another order: ' || n) FROM way JOIN counted USING (n) WHERE n % 3 = 1;
CREATE TABLE serial AS SELECT n, answer(format('SELECT %s::text FROM summary', over_summaries)) AS a FROM way;
SET LOCAL max_parallel_workers_per_gather = 3;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
ALTER TABLE summary SET (parallel_workers = 3);
SELECT is(answer(format('SELECT %s::text FROM visits', over_base)), r::text, 'parallel: ' || n) FROM way JOIN counted USING (n) WHERE n % 2 = 0;
SELECT is(answer(format('SELECT %s::text FROM summary', over_summaries)), a, 'parallel over summaries: ' || n) FROM way JOIN serial USING (n);
RESET max_parallel_workers_per_gather;
SELECT is(answer('SELECT string_agg(x::text, '''' ORDER BY customer) FROM (SELECT customer, event_flow(timeline, ''kind'', ''visit'', NULL, 2, NULL, ''each'', false, ''2024-02-03'') OVER (ORDER BY customer) AS x FROM summary WHERE customer < 20) q'),
	answer('SELECT string_agg((SELECT event_flow(timeline, ''kind'', ''visit'', NULL, 2, NULL, ''each'', false, ''2024-02-03'') FROM summary WHERE customer <= s.customer)::text, '''' ORDER BY customer) FROM summary s WHERE customer < 20'), 'as a window grows');

-- ---- stored ----

SELECT is_empty('SELECT n FROM counted WHERE r::text::event_flow_result <> r', 'text');
CREATE TABLE again (LIKE counted);
COPY counted TO PROGRAM 'cat > flow_results.bin' (FORMAT binary);
COPY again FROM PROGRAM 'cat flow_results.bin && rm flow_results.bin' (FORMAT binary);
SELECT results_eq('SELECT n, r FROM again ORDER BY n', 'SELECT n, r FROM counted ORDER BY n', 'binary');

CREATE FUNCTION altered(change text) RETURNS text LANGUAGE sql AS $$ SELECT format('SELECT (%s)::text::event_flow_result FROM (SELECT event_flow(timelines(customer, at, kind), from_step => ''visit'', occurrence => ''each'', steps => 2)::text::jsonb AS r FROM few) q', change) $$;
CREATE TABLE altering (change text);
INSERT INTO altering VALUES
	('r - ''by'''), ('r - ''steps'''), ('r - ''occurrence'''), ('r - ''collapse'''), ('r - ''as_of''');
SELECT throws_ok(altered(change), '22P02', NULL, change) FROM altering;
SELECT throws_ok(altered(format('jsonb_set(r, ''{%s}'', %L)', key, value)), '22P02', NULL, key || ' ' || value) FROM (VALUES
	('steps', '1'), ('steps', '101'), ('steps', '0'), ('occurrence', '"first"'), ('occurrence', '"never"'), ('by', '"ref"'), ('from_step', '"order"'), ('until_step', '"visit"'), ('collapse', '"yes"'), ('within', '"soon"'),
	('rows,0,step', '0'), ('rows,0,step', '3'), ('rows,0,customers', '7'), ('rows,0,links', '"[\"visit\", \"order\", \"visit\", \"cart\"]"'), ('rows,0,links', '"[\"visit\", \"cart\", \"visit\"]"'), ('rows,0,links', '"[\"visit\",\"cart\"]"'),
	('rows,0,links', '"{}"'), ('rows,0,links', '"[1, 2]"'), ('rows,0,links', '"[null, \"cart\"]"'), ('rows,0,links', '"[\"visit\", \"tea\", \"visit\", \"toys\"]"'), ('rows,0,links', '"[\"visit\", \"cart\", \"visit\", \"cart\"]"'), ('rows,0,seconds', '5'), ('rows,0,events', '1'),
	('rows,1,customers', '0'), ('rows,1,customers', '2'), ('rows,1,events', '1'), ('rows,2,seconds', '-2'), ('rows,2,events', '5'), ('rows,2,events', '9223372036854775807'), ('rows,2,customers', '1')) v(key, value);
SELECT is(answer($$SELECT t.customers FROM event_flow_table('{"by": "kind", "steps": 1, "occurrence": "each", "collapse": false, "as_of": "2024-01-01", "rows": [{"step": 1, "links": null, "seconds": -1, "customers": 1}, {"step": 1, "links": "[\"a\", \"b\"]", "seconds": -1, "customers": 3}, {"step": 1, "links": "[\"a\", \"b\"]", "seconds": 5, "events": 4}, {"step": 1, "links": "[\"a\", \"c\"]", "seconds": -1, "customers": 1}, {"step": 1, "links": "[\"a\", \"c\"]", "seconds": 5, "events": 1}, {"step": 1, "links": "[\"a\", \"d\"]", "seconds": -1, "customers": 1}, {"step": 1, "links": "[\"a\", \"d\"]", "seconds": 5, "events": 1}]}', 1) t WHERE t.target = '(other 2)'$$), NULL, 'customers of a rest that isn''t known are NULL');
SELECT is(answer($$SELECT rollup(r)::text FROM (VALUES ('{"by": "kind", "steps": 1, "occurrence": "first", "collapse": false, "as_of": "2024-01-01", "rows": []}'::event_flow_result), (NULL)) v(r)$$), '{"by": "kind", "steps": 1, "occurrence": "first", "collapse": false, "as_of": "2024-01-01", "rows_without_customer": 0, "rows": []}', 'a rollup of one');
SELECT throws_ok(format('SELECT rollup(r) FROM counted WHERE n IN (1, %s)', n), '22023', NULL, 'results that differ don''t add up: ' || n) FROM counted WHERE n > 1 AND n < 17;

-- ---- nobody, and nothing ----

SELECT is((SELECT event_flow(timelines(customer, at, kind)) FROM few WHERE false), NULL, 'no rows');
SELECT is_empty('SELECT t.* FROM (SELECT event_flow(timelines(customer, at, kind)) AS r FROM few WHERE at IS NULL OR customer IS NULL) q CROSS JOIN LATERAL event_flow_table(q.r) t', 'members without events, and guests');
SELECT is((SELECT (result_scope(event_flow(timelines(customer, at, kind), from_step => 'visit'))).rows_without_customer FROM few), 1::bigint, 'guests are counted');
SELECT is_empty('SELECT * FROM event_flow_table(NULL)', 'no result, no rows');
SELECT is_empty('SELECT t.* FROM (SELECT event_flow(timelines(customer, at)) AS r FROM few) q CROSS JOIN LATERAL event_flow_table(q.r) t', 'events without kind aren''t there');
SELECT is((SELECT arguments FROM (SELECT event_flow(timelines(customer, at, kind), from_step => 'visit', within => '90 minutes', occurrence => 'last') AS r FROM few) q CROSS JOIN LATERAL result_scope(q.r)),
	'{"by": "kind", "steps": 3, "within": "01:30:00", "collapse": false, "from_step": "visit", "occurrence": "last", "until_step": null}', 'what was asked');

-- ---- bounds ----

-- many ways of one customer in a step: counted link by link, and unknown where they are brought together
CREATE TABLE wide AS SELECT timeline_agg(make_event(at => timestamptz '2024-01-01' + n * interval '1 minute', kind => CASE WHEN n % 2 = 0 THEN 'a' ELSE 'k' || n END)) AS t FROM generate_series(1, 2400) n;
CREATE TABLE wide_flow AS SELECT event_flow(t, 'kind', 'a', NULL, 2, NULL, 'each', false, '2024-01-31') AS r FROM wide;
SELECT is(answer('SELECT string_agg(concat_ws('' '', t.target, customers, events), '', '' ORDER BY t.target) FROM wide_flow, event_flow_table(r, 2) t WHERE step = 1'), '(other 2) 1197, (stop 2) 1 1, k1001 (2) 1 1, k1003 (2) 1 1', 'a customer who goes by too many links');
SELECT is(answer('SELECT sum(customers) FROM wide_flow, event_flow_table(r) t WHERE step = 1'), '1200', '... each of which is known');
SELECT throws_ok($$SELECT event_flow(timelines(1, at, repeat('a', 10001))) FROM few$$, '54000', NULL, 'a name that is too long');
SELECT lives_ok($$SELECT event_flow(timelines(1, at, repeat('a', 10000))) FROM few$$, '... as long as it may be');
SELECT throws_ok($$SELECT event_flow(timelines(c, timestamptz '2024-01-01' + n * interval '1 second', 'k' || c), steps => 100) FROM generate_series(1, 10001) c, generate_series(0, 100) n$$, '54000', 'flows of more than 1000000 links are too many', 'too many links');

-- ---- errors ----

SELECT throws_ok(format('SELECT event_flow(timelines(customer, at, kind), %s) FROM few', asked), code, NULL, asked) FROM (VALUES
	('NULL', '22004'), ('steps => NULL', '22004'), ('occurrence => NULL', '22004'), ('collapse => NULL', '22004'), ('''ref''', '22023'), ('occurrence => ''second''', '22023'), ('from_step => ''a'', until_step => ''a''', '22023'),
	('steps => 0', '22023'), ('steps => -1', '22023'), ('steps => 101', '54000'), ('within => ''0''', '22023'), ('within => ''-1 day''', '22023'), ('within => ''1 day -1 second''', '22023'), ('as_of => ''infinity''', '22008'), ('zone => ''Mars/Olympus''', '22023')) v(asked, code);
SELECT throws_ok('SELECT event_flow(timeline, ''kind'', NULL, NULL, 3, NULL, ''first'', false, NULL::date) FROM summary', '22004', NULL, 'an aggregate needs a day');
SELECT throws_ok('SELECT event_flow(timeline, ''kind'', NULL, NULL, 1 + customer % 2, NULL, ''first'', false, ''2024-02-03'') FROM summary', '22023', NULL, 'all rows ask the same');
SELECT throws_ok(format('SELECT * FROM event_flow_table((SELECT r FROM counted WHERE n = 1), %s)', top), '22023', NULL, 'top ' || top) FROM (VALUES (0), (-1), (36526)) v(top);
SELECT is(answer('SELECT string_agg(t.source, '','') FROM (SELECT event_flow(timelines(customer, at, kind), within => ''290000 years'', steps => 1) AS r FROM few) q CROSS JOIN LATERAL event_flow_table(q.r) t'), 'visit (1),visit (1),visit (1),order (1)', 'a window beyond all time');

SELECT * FROM finish();
ROLLBACK;
