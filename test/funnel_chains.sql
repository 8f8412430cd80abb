--
-- Funnels of sets, optional steps, exclusions, held properties, conversions and periods: worked cases, and all of them
-- against a search through all chains.
--
-- Longer: psql -v cases=100000
--
\ir reference/setup.sql
\if :{?cases}
\else
	\set cases 300
\endif
BEGIN;
SELECT plan(154);
\ir reference/funnel_chains.sql

CREATE FUNCTION written(c chains_case) RETURNS text[]
LANGUAGE sql AS $$ SELECT array_agg(CASE WHEN barred THEN '!' ELSE '' END || array_to_string(names, '|') || CASE WHEN optional THEN '?' ELSE '' END ORDER BY n) FROM unnest(c.elements) WITH ORDINALITY AS e(names, optional, barred, n) $$;
CREATE FUNCTION timeline_of(c chains_case) RETURNS event_timeline
LANGUAGE sql AS $$ SELECT timeline_agg(make_event(at => at, kind => name, ref => ref)) FROM unnest(c.events) $$;
CREATE FUNCTION funnel_of(c chains_case) RETURNS timestamptz[]
LANGUAGE sql AS $$ SELECT f.at FROM funnel(timeline_of(c), written(c), c.within, c.mode, 'kind', c.step_within, hold => CASE WHEN c.hold THEN 'ref' END) f $$;
CREATE FUNCTION conversions_of(c chains_case) RETURNS SETOF timestamptz[]
LANGUAGE sql AS $$ SELECT f.at FROM funnel_conversions(timeline_of(c), written(c), c.within, c.mode, 'kind', c.step_within, hold => CASE WHEN c.hold THEN 'ref' END) f $$;

-- By period, of 4 minutes from midnight in a zone where that is a day: periods are days, so the case is stretched.
CREATE FUNCTION stretched(c chains_case) RETURNS chains_case
LANGUAGE sql AS $$
	SELECT (ARRAY(SELECT (timestamptz '2024-06-01' + (at - timestamptz '2024-06-01') * 360, name, ref)::chain_event FROM unnest(c.events)), c.elements, coalesce(c.within, '8 minutes') * 360, c.mode, ARRAY(SELECT s * 360 FROM unnest(c.step_within) s), c.hold)::chains_case
$$;
CREATE FUNCTION by_period_of(c chains_case) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', t.period_start, t.step, t.reached, t.eligible, t.median_from_previous)
	FROM funnel_by_period_table((SELECT funnel_by_period(timelines(1, at, name), written(c), c.within, 'day', c.mode, 'kind', nullif(c.step_within, '{}'), '2024-06-02') FROM unnest(c.events))) t WHERE t.reached > 0
$$;
-- Whose first try has all its time by the end of 2 June is eligible; times are from the level before, or to an optional
-- step from what was taken before it.
CREATE FUNCTION ref_by_period(c chains_case) RETURNS SETOF text
LANGUAGE sql AS $$
	WITH known AS (SELECT (ARRAY(SELECT e::chain_event FROM unnest(c.events) e WHERE at < '2024-06-03'), c.elements, c.within, c.mode, nullif(c.step_within, '{}'), false)::chains_case AS k),
	period AS (SELECT d::date AS day, ref_funnel_of(k, d, d + interval '1 day') AS ats FROM known, generate_series(timestamptz '2024-06-01', '2024-06-02', '1 day') d),
	tried AS (SELECT at::date AS day, min(at) AS at FROM unnest(c.events) WHERE name = ANY ((c.elements[1]).names) GROUP BY 1),
	step AS (SELECT s.*, (SELECT max(b.step) FROM ref_steps(c) b WHERE b.step < s.step AND NOT b.optional) AS level_before FROM ref_steps(c) s),
	windows AS (SELECT CASE WHEN count(*) = count(w) THEN sum(w) END AS together FROM (SELECT CASE cardinality(c.step_within) WHEN 1 THEN c.step_within[1] ELSE c.step_within[s.step - 1] END AS w FROM step s WHERE s.step > 1 AND NOT s.optional) s)
	SELECT concat_ws(' ', p.day, s.step, 1, (t.at + least(c.within, CASE WHEN cardinality(c.step_within) > 0 OR (SELECT count(*) FROM step WHERE NOT optional) = 1 THEN coalesce(w.together, CASE WHEN (SELECT count(*) FROM step WHERE NOT optional) = 1 THEN interval '0' END) END) < '2024-06-03')::int,
		CASE WHEN s.step > 1 THEN p.ats[s.step] - CASE WHEN s.optional THEN (SELECT max(a) FROM unnest(p.ats[:s.step - 1]) a) ELSE p.ats[s.level_before] END END)
	FROM period p JOIN tried t USING (day) CROSS JOIN step s CROSS JOIN windows w
	WHERE p.ats[s.step] IS NOT NULL ORDER BY p.day, s.step
$$;

CREATE FUNCTION differs(c chains_case) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	have text;
	want text;
	s chains_case := stretched(c);
BEGIN
	have := funnel_of(c)::text;
	want := ref_funnel_of(c)::text;
	IF have IS DISTINCT FROM want THEN
		RETURN format('funnel: %s, and not %s', have, want);
	END IF;
	have := ARRAY(SELECT a::text FROM conversions_of(c) a ORDER BY 1)::text;
	want := ARRAY(SELECT a::text FROM ref_conversions(c) a ORDER BY 1)::text;
	IF have IS DISTINCT FROM want THEN
		RETURN format('conversions: %s, and not %s', have, want);
	END IF;
	have := (SELECT count(*) FROM conversions_of(c) a WHERE cardinality(a) = (SELECT max(step) FROM ref_steps(c)));
	want := ref_most_conversions(c);
	IF have IS DISTINCT FROM want THEN
		RETURN format('most conversions: %s, and not %s', have, want);
	END IF;
	IF NOT c.hold THEN
		have := ARRAY(SELECT by_period_of(s))::text;
		want := ARRAY(SELECT ref_by_period(s))::text;
		IF have IS DISTINCT FROM want THEN
			RETURN format('by period: %s, and not %s', have, want);
		END IF;
	END IF;
	RETURN NULL;
END $$;

-- Leaves out events as long as the two still differ.
CREATE FUNCTION smallest(c chains_case) RETURNS chains_case
LANGUAGE plpgsql AS $$
DECLARE
	smaller chains_case;
BEGIN
	FOR i IN 1 .. cardinality(c.events) LOOP
		smaller := c;
		smaller.events := c.events[:i - 1] || c.events[i + 1:];
		IF cardinality(smaller.events) > 0 AND differs(smaller) IS NOT NULL THEN
			RETURN smallest(smaller);
		END IF;
	END LOOP;
	RETURN c;
END $$;

CREATE FUNCTION compare_chains(cases int) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	c chains_case;
	failed chains_case;
	failures int := 0;
	deep int := 0;
	several int := 0;
	optional int := 0;
BEGIN
	FOR i IN 1 .. cases LOOP
		c := random_chains();
		IF differs(c) IS NOT NULL THEN
			failures := failures + 1;
			c := smallest(c);
			IF failed IS NULL OR cardinality(c.events) < cardinality(failed.events) THEN
				failed := c;
			END IF;
		END IF;
		deep := deep + (cardinality(funnel_of(c)) > 2)::int;
		several := several + ((SELECT count(*) FROM conversions_of(c)) > 1)::int;
		optional := optional + EXISTS (SELECT FROM ref_steps(c) s WHERE s.optional AND (funnel_of(c))[s.step] IS NOT NULL)::int;
	END LOOP;
	RETURN NEXT is(failures, 0, 'chains are those of a search through all');
	IF failures > 0 THEN
		RETURN NEXT diag(format('%s of %s: %s', written(failed), failed, differs(failed)));
	END IF;
	RETURN NEXT cmp_ok(deep, '>', cases / 10, '... some of them deep');
	RETURN NEXT cmp_ok(several, '>', cases / 10, '... some with several conversions');
	RETURN NEXT cmp_ok(optional, '>', cases / 40, '... some with optional steps');
END $$;

SET timezone = 'UTC';
-- ---- worked cases: events 'a@1 b@2' at minutes, with a ref behind a colon ----

CREATE FUNCTION timeline_of(events text) RETURNS event_timeline
LANGUAGE sql AS $$
	SELECT timeline_agg(make_event(at => timestamptz '2024-06-01' + split_part(split_part(e, '@', 2), ':', 1)::int * interval '1 minute', kind => split_part(e, '@', 1), label => 'shop', ref => nullif(split_part(e, ':', 2), '')))
	FROM regexp_split_to_table(events, ' ') e
$$;
CREATE FUNCTION in_minutes(ats timestamptz[]) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(coalesce(trim_scale(extract(epoch FROM a - timestamptz '2024-06-01') / 60)::text, '-'), ' ' ORDER BY n) FROM unnest(ats) WITH ORDINALITY u(a, n) $$;
CREATE FUNCTION minutes(events text, steps text, within int DEFAULT NULL, mode text DEFAULT 'in_order', step_within interval[] DEFAULT NULL, hold text DEFAULT NULL) RETURNS text
LANGUAGE sql AS $$ SELECT in_minutes(f.at) FROM funnel(timeline_of(events), string_to_array(steps, ' '), within * interval '1 minute', mode, 'kind', step_within, hold => hold) f $$;
CREATE FUNCTION all_minutes(events text, steps text, within int DEFAULT NULL, hold text DEFAULT NULL) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(in_minutes(f.at), ', ' ORDER BY number) FROM funnel_conversions(timeline_of(events), string_to_array(steps, ' '), within * interval '1 minute', hold => hold) f $$;

-- sets
SELECT is(minutes('search@1 cart@2', 'view|search cart'), '1 2', 'one of several names');
SELECT is(minutes('view@1 search@2 cart@3', 'view|search cart'), '2 3', 'the last of them');
SELECT is(minutes('view@1 cart@2', 'view|cart cart'), '1 2', 'a name in two steps is two events');
SELECT is(minutes('cart@1', 'view|cart cart'), '1', '... not one');
SELECT is(minutes('view@1 cart@1', 'cart|view cart'), '1 1', 'at one instant each step finds its event');
SELECT is(minutes('a@1 b@1 c@1', 'a|b a|c b'), '1 1 1', '... even if others have to move');
SELECT is(minutes('a@1 b@1', 'a|b a|c b'), '1 1', '... but not where there are too few');
SELECT is(minutes('a@1 x@2 b@3', 'a b|c', mode => 'strict_order'), '1 3', 'strict order: what is no step doesn''t matter');
SELECT is(minutes('a@1 c@2 d@3 e@4', 'a b|c e d', mode => 'strict_order'), '1 2', '... and another step does');

-- optional
SELECT is(minutes('a@1 b@2 c@3', 'a b? c'), '1 2 3', 'an optional step that is taken');
SELECT is(minutes('a@1 c@3', 'a b? c'), '1 - 3', '... and one that is left out');
SELECT is(minutes('a@1 c@2 b@3 c@4', 'a b? c'), '1 - 2', 'it changes nothing of the chain that wins');
SELECT is(minutes('a@1 b@2 a@3 c@4', 'a b? c'), '3 - 4', '... which starts last');
SELECT is(minutes('a@1 b@2', 'a b? c'), '1 2', 'behind the last step reached');
SELECT is(minutes('a@1 b@20', 'a b? c', 10), '1', '... within the window');
SELECT is(minutes('a@1 y@2 x@3 z@4', 'a x? y? z'), '1 3 - 4', 'of two, the first one goes first');
SELECT is(minutes('a@1 x@2 y@3 z@4', 'a x? y? z'), '1 2 3 4', '... and both where they can');
SELECT is(minutes('a@1 a@2 b@3', 'a a? b'), '2 - 3', 'an event is one step');
SELECT is(minutes('a@2 a@2 b@3', 'a a? b'), '2 2 3', '... two are two');
SELECT is(minutes('a@1 b@5 c@9', 'a b? c', step_within => '{3 minutes,9 minutes}'), '1 - 9', 'an optional step''s window');
SELECT is(minutes('a@1 b@5 c@11', 'a b? c', step_within => '{9 minutes,9 minutes}'), '1 5', 'another step''s window is from the one that isn''t optional');

-- exclusions
SELECT is(minutes('a@1 r@2 b@3', 'a !r b'), '1', 'what may not come in between');
SELECT is(minutes('a@1 r@2 a@3 b@4', 'a !r b'), '3 4', '... spoils only what it is between');
SELECT is(minutes('a@1 r@1 b@2', 'a !r b'), '1 2', 'what happens at the instant of a step isn''t between');
SELECT is(minutes('a@1 r@2 b@2', 'a !r b'), '1 2', '... of the later one, too');
SELECT is(minutes('a@1 b@2 r@3 c@4', 'a !r b c'), '1 2 4', 'only between these steps');
SELECT is(minutes('a@1 b@2 r@3 c@4', 'a b !r c'), '1 2', '... or those');
SELECT is(minutes('a@1 q@2 b@3', 'a !r|q b'), '1', 'several names');
SELECT is(minutes('a@1 q@2 b@3', 'a !r !q b'), '1', '... however they are written');
SELECT is(minutes('a@1 a@2 b@3', 'a !a b'), '2 3', 'a step''s own name: right before the next');
SELECT is(minutes('a@1 r@2 x@3 b@4', 'a x? !r b'), '1', 'beside an optional step it is between those that aren''t');
SELECT is(minutes('a@1 x@2 r@3 b@4', 'a x? !r b'), '1 2', '... which ends the way');

-- a held property
SELECT is(minutes('a@1:7 b@2:8 b@3:7', 'a b', hold => 'ref'), '1 3', 'of the same ref');
SELECT is(minutes('a@1:7 a@2:8 b@3:7 b@4:8', 'a b', hold => 'ref'), '1 3', 'the best of all refs');
SELECT is(minutes('a@1 b@2', 'a b', hold => 'ref'), NULL, 'an event without ref is in no chain');
SELECT is(minutes('a@1:x b@2:x', 'a b', hold => 'ref'), '1 2', 'refs that are texts');
SELECT is(minutes('a@1:7 r@2:8 b@3:7', 'a !r b', hold => 'ref'), '1 3', 'what is barred of that ref');
SELECT is(minutes('a@1:7 r@2:7 b@3:7', 'a !r b', hold => 'ref'), '1', '... is');
SELECT is(minutes('a@1:7 b@2:8', 'a b', hold => 'label'), '1 2', 'of the same label');
SELECT is(minutes('a@1 b@2 b@3', 'a|b b', hold => 'kind'), '2 3', 'of the same kind');

-- conversions
SELECT is(all_minutes('a@1 b@2 a@3 b@4 a@5', 'a b'), '1 2, 3 4, 5', 'each conversion, and what was begun after the last');
SELECT is(all_minutes('a@1 a@2 b@3 b@4', 'a b'), '2 3', 'one ends before the next begins');
SELECT is(all_minutes('a@1 b@2 a@2 b@3', 'a b'), '2 2', '... not at the same instant');
SELECT is(all_minutes('a@1:1 a@2:2 b@3:1 b@4:2', 'a b', hold => 'ref'), '1 3, 2 4', 'each ref by itself');
SELECT is(all_minutes('a@1 b@20 a@21 b@22', 'a b', 10), '21 22', 'tries before a conversion don''t count beside it');
SELECT is(all_minutes('b@1', 'a b'), NULL, 'nothing');

-- ---- how steps are written ----

CREATE FUNCTION shown(VARIADIC steps text[]) RETURNS text[]
LANGUAGE sql AS $$ SELECT (funnel_totals_scope(funnel_totals('[]'::event_timeline, steps))).steps $$;
CREATE FUNCTION named(steps text[], VARIADIC kinds text[]) RETURNS int
LANGUAGE sql AS $$ SELECT (funnel((SELECT timeline_agg(make_event(at => timestamptz '2024-06-01' + n * interval '1 minute', kind => k)) FROM unnest(kinds) WITH ORDINALITY u(k, n)), steps)).reached $$;
SELECT is(shown('a', ' b | c ', 'd ?', '! e | f', 'g'), ARRAY['a', '" b"|c', 'd?', '!e|f', 'g'], 'blanks beside signs don''t count');
SELECT is(shown('a b', ' a', 'Yahoo!', 'a?b', '40" TV', ''), ARRAY['a b', ' a', 'Yahoo!', 'a?b', '40" TV', ''], 'what is no sign is the name''s own');
SELECT is(shown('"a|b"', '"what?"', '"!"', '"say ""hi"""', '"plain"', '" a"|b'), ARRAY['"a|b"', '"what?"', '"!"', 'say "hi"', 'plain', '" a"|b'], 'quotes where they are needed');
SELECT is(named(ARRAY[funnel_name(k)], k), 1, 'a name of its own: ' || k) FROM unnest(ARRAY['a', 'a|b', 'what?', '!', '?', '|', '"', '""', '"a"', ' a ', 'say "hi"', '!a?', 'Käse|Wurst']) k;
SELECT is(named(ARRAY[funnel_name(k) || '|x'], k), 1, '... among others: ' || k) FROM unnest(ARRAY['a', 'a|b', 'what?', '!', '?', '|', '"', '""', '"a"', ' a ', 'say "hi"', '!a?', 'Käse|Wurst']) k;
SELECT is(funnel_name(NULL), NULL, 'of NULL');
SELECT throws_ok(format('SELECT funnel(''[]'', %L)', ARRAY['a', step, 'b']), '22023', format('a step of a funnel can''t be "%s"', step), step) FROM unnest(ARRAY['?', '!', '!a?', 'a|', '|a', 'a||b', 'a?|b', 'a|!b', '"a', '"a"b', '"a"?b']) step;
SELECT is(shown('a', '!!a', 'b'), ARRAY['a', '!"!a"', 'b'], 'a name that begins with a sign, behind one');
SELECT throws_ok(format('SELECT funnel(''[]'', %L)', steps), '22023', message, message) FROM (VALUES ('{a?,b}'::text[], '"a?" can''t be the first of a funnel''s steps'), ('{a,b?}', '"b?" can''t be the last of a funnel''s steps'), ('{!a,b}', '"!a" can''t be the first of a funnel''s steps'), ('{a,!b}', '"!b" can''t be the last of a funnel''s steps'), ('{!a}', '"!a" can''t be the first of a funnel''s steps')) v(steps, message);
SELECT throws_ok($$SELECT funnel('[]', ARRAY[repeat('a|', 1000) || 'a'])$$, '54000', 'a funnel of 1001 names is too long', '1,001 names');
SELECT throws_ok($$SELECT funnel('[]', ARRAY[repeat('a|', 600) || 'a', repeat('a|', 600) || 'a'])$$, '54000', 'a funnel of 1202 names is too long', '... in two steps');
SELECT throws_ok($$SELECT funnel('[]', '{a,b?,c}', step_within => '{1 day,1 day,1 day}')$$, '22023', 'step_within has 3 windows, but there are 3 steps', 'an optional step has a window');
SELECT lives_ok($$SELECT funnel('[]', '{a,!r,c}', step_within => '{1 day}')$$, 'what is barred has none');
SELECT throws_ok($$SELECT funnel('[]', '{a}', hold => 'customer')$$, '22023', 'hold of a funnel can''t be "customer"', 'nothing that could be held');
SELECT throws_ok($$SELECT funnel_totals(timelines(1, now(), 1), '{a}', count => 'events')$$, '22023', 'count of a funnel can''t be "events"', 'nothing that could be counted');
SELECT throws_ok($$SELECT funnel_by_period(timelines(1, now(), 1), '{a}', NULL::interval)$$, '22004', 'within must not be null', 'periods without a window');
SELECT throws_ok($$SELECT funnel_by_period('[]'::event_timeline, '{a}', '1 day'::interval, 'week', 'in_order', 'kind', NULL)$$, '22004', 'as_of is missing', 'periods of an aggregate without as_of');

-- ---- everyone ----

SELECT setseed(0.6);
CREATE TABLE visits AS
SELECT CASE WHEN random() < 0.01 THEN NULL ELSE (random() * 400)::int END AS customer, timestamptz '2024-01-25' + floor(random() * 160) * interval '6 hours' + floor(random() * 2) * interval '1.5 seconds' AS at,
	(ARRAY['visit', 'search', 'view', 'cart', 'coupon', 'order', 'refund'])[1 + floor(random() * 7)] AS kind, floor(random() * 3)::int AS ref
FROM generate_series(1, 6000);
INSERT INTO visits SELECT 1000 + n, NULL, NULL, NULL FROM generate_series(1, 5) n;
CREATE TABLE stored AS SELECT customer, timeline_agg(make_event(at => at, kind => kind, ref => ref)) AS timeline FROM visits WHERE customer IS NOT NULL GROUP BY customer;
CREATE TABLE asked (n int, steps text[], within interval, mode text, step_within interval[], as_of date, hold text, count text);
INSERT INTO asked VALUES
	(1, '{visit|search,cart,!refund,order}', '5 days', 'in_order', NULL, '2024-02-20', NULL, 'customers'),
	(2, '{visit|search,view?,cart|view,coupon?,order}', '10 days', 'in_order', NULL, '2024-02-20', NULL, 'customers'),
	(3, '{visit,view?,coupon?,order}', '20 days', 'strictly_increasing', '{9 days}', '2024-02-20', 'ref', 'customers'),
	(4, '{visit|search,coupon?,order}', '3 days', 'in_order', NULL, '2024-02-20', NULL, 'conversions'),
	(5, '{visit,cart?,order}', '2 days', 'strict_order', NULL, '2024-02-10', 'ref', 'conversions');
-- Each chain that counts, from the functions of one customer.
CREATE FUNCTION chains_of(a asked) RETURNS TABLE (customer int, reached int, at timestamptz[], durations interval[])
LANGUAGE sql AS $$
	SELECT customer, f.reached, f.at, f.durations FROM stored, funnel(timeline, a.steps, a.within, a.mode, 'kind', a.step_within, a.as_of, hold => a.hold) f WHERE a.count = 'customers'
	UNION ALL SELECT customer, f.reached, f.at, f.durations FROM stored, funnel_conversions(timeline, a.steps, a.within, a.mode, 'kind', a.step_within, a.as_of, hold => a.hold) f WHERE a.count = 'conversions'
$$;
CREATE FUNCTION totals_of(a asked) RETURNS funnel_totals_result
LANGUAGE sql AS $$ SELECT funnel_totals(timelines(customer, make_event(at => at, kind => kind, ref => ref)), a.steps, a.within, a.mode, 'kind', a.step_within, a.as_of, hold => a.hold, count => a.count) FROM visits $$;
-- stopped: of those who took it, who didn't come to the next step that isn't optional.
CREATE FUNCTION ref_totals(a asked) RETURNS TABLE (step int, name text, reached bigint, stopped bigint, median interval)
LANGUAGE sql AS $$
	WITH step AS (SELECT (row_number() OVER (ORDER BY o))::int AS n, s AS name, s LIKE '%?' AS optional FROM unnest(a.steps) WITH ORDINALITY u(s, o) WHERE s NOT LIKE '!%'),
	behind AS (SELECT n, name, (SELECT min(b.n) FROM step b WHERE b.n > step.n AND NOT b.optional) AS next FROM step)
	SELECT n, name, count(*) FILTER (WHERE at[n] IS NOT NULL), count(*) FILTER (WHERE at[n] IS NOT NULL AND at[next] IS NULL), percentile_cont(0.5) WITHIN GROUP (ORDER BY durations[n])
	FROM behind, chains_of(a) GROUP BY n, name, next ORDER BY n
$$;
SELECT results_eq(format('SELECT step, name, reached, stopped, median_from_previous FROM asked a, funnel_totals_table(totals_of(a)) WHERE n = %s ORDER BY step', n), format('SELECT t.* FROM asked a, ref_totals(a) t WHERE n = %s', n), 'as SQL over chains has it: ' || n) FROM asked ORDER BY n;
SELECT cmp_ok((SELECT min(reached) FROM asked a, funnel_totals_table(totals_of(a))), '>', 1::bigint, '... with customers in every step');
SELECT results_eq('SELECT n, (funnel_totals_scope(r)).hold, (funnel_totals_scope(r)).count FROM (SELECT n, totals_of(a) AS r FROM asked a) q ORDER BY n', 'SELECT n, hold, count FROM asked ORDER BY n', 'what it is about');
SELECT results_eq('SELECT n, totals_of(a)::text::funnel_totals_result FROM asked a ORDER BY n', 'SELECT n, totals_of(a) FROM asked a ORDER BY n', 'read back');
CREATE FUNCTION without_guests(r funnel_totals_result) RETURNS funnel_totals_result
LANGUAGE sql AS $$ SELECT (r::text::jsonb || '{"rows_without_customer": 0}')::text::funnel_totals_result $$;
SELECT results_eq('SELECT n, funnel_totals(timeline, steps, within, mode, ''kind'', step_within, as_of, NULL, hold, count) FROM asked, stored GROUP BY n ORDER BY n', 'SELECT n, without_guests(totals_of(a)) FROM asked a ORDER BY n', 'two-level');
SELECT results_eq('SELECT n, rollup(r) FROM (SELECT n, funnel_totals(timeline, steps, within, mode, ''kind'', step_within, as_of, NULL, hold, count) AS r FROM asked, stored GROUP BY n, customer % 3) p GROUP BY n ORDER BY n', 'SELECT n, without_guests(totals_of(a)) FROM asked a ORDER BY n', 'rollup of parts');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT funnel_totals('[]'::event_timeline, '{a,b}', '1 day'::interval, 'in_order', 'kind', NULL, '2024-01-01', NULL, NULL, c) AS r FROM (VALUES ('customers'), ('conversions')) v(c) GROUP BY c) q$$, '22023', 'funnel_totals_results with different count can''t be added up', 'what is counted otherwise doesn''t add up');

-- ---- by period ----

CREATE TABLE asked_by_period AS SELECT n, period, steps, within, mode, step_within, as_of, hold, count FROM asked, (VALUES ('week'::calendar_period), ('day'), ('{2024-01-01,2024-02-01,2024-02-05}'), ('month@Asia/Tokyo')) v(period);
CREATE FUNCTION by_period_of(a asked_by_period) RETURNS funnel_by_period_result
LANGUAGE sql AS $$ SELECT funnel_by_period(timelines(customer, make_event(at => at, kind => kind, ref => ref)), a.steps, a.within, a.period, a.mode, 'kind', a.step_within, a.as_of, a.hold, a.count) FROM visits $$;
CREATE FUNCTION day_in(a asked_by_period, at timestamptz) RETURNS date
LANGUAGE sql AS $$ SELECT (at AT TIME ZONE CASE WHEN a.period::text LIKE '%Tokyo' THEN 'Asia/Tokyo' ELSE 'UTC' END)::date $$;
CREATE FUNCTION start_of(a asked_by_period, at timestamptz) RETURNS date
LANGUAGE sql AS $$
	SELECT CASE WHEN a.period::text LIKE '{%' THEN (SELECT max(d) FROM unnest(a.period::text::date[]) d WHERE d <= day_in(a, at)) ELSE date_trunc(split_part(a.period::text, '@', 1), day_in(a, at)::timestamp)::date END
$$;
-- Of customers, one period after another: without the events that could start a chain in another one. A first step's
-- names must be no other step's.
CREATE FUNCTION ref_by_period(a asked_by_period) RETURNS TABLE (period_start date, step int, reached bigint, median interval)
LANGUAGE sql AS $$
	WITH zone AS (SELECT CASE WHEN a.period::text LIKE '%Tokyo' THEN 'Asia/Tokyo' ELSE 'UTC' END AS zone),
	visit AS MATERIALIZED (SELECT customer, at, kind, ref, start_of(a, at) AS period_start, kind = ANY (string_to_array(a.steps[1], '|')) AS starts FROM visits WHERE customer IS NOT NULL AND at IS NOT NULL AND day_in(a, at) <= a.as_of),
	chain AS (
		SELECT p.period_start, f.at, f.durations
		FROM zone, (SELECT DISTINCT period_start FROM visit) p
		CROSS JOIN LATERAL (SELECT customer, timeline_agg(make_event(at => at, kind => kind, ref => ref)) AS timeline FROM visit WHERE visit.period_start = p.period_start OR NOT starts GROUP BY customer) l
		CROSS JOIN LATERAL funnel(l.timeline, a.steps, a.within, a.mode, 'kind', a.step_within, a.as_of, zone, a.hold) f WHERE a.count = 'customers' AND f.reached > 0
		UNION ALL
		SELECT start_of(a, f.at[1]), f.at, f.durations
		FROM zone, stored CROSS JOIN LATERAL funnel_conversions(timeline, a.steps, a.within, a.mode, 'kind', a.step_within, a.as_of, zone, a.hold) f WHERE a.count = 'conversions')
	SELECT c.period_start, n, count(c.at[n]), percentile_cont(0.5) WITHIN GROUP (ORDER BY c.durations[n])
	FROM chain c, generate_series(1, (SELECT count(*)::int FROM unnest(a.steps) s WHERE s NOT LIKE '!%')) n GROUP BY 1, 2 ORDER BY 1, 2
$$;
SELECT results_eq(format('WITH t AS MATERIALIZED (SELECT t.* FROM asked_by_period a, funnel_by_period_table(by_period_of(a)) t WHERE n = %s AND period = %L) SELECT t.period_start, t.step, t.reached, t.median_from_previous FROM t WHERE period_start IN (SELECT period_start FROM t WHERE reached > 0) ORDER BY 1, 2', n, period),
	format('SELECT t.* FROM asked_by_period a, ref_by_period(a) t WHERE n = %s AND period = %L ORDER BY 1, 2', n, period), format('funnel %s by %s', n, period)) FROM asked_by_period WHERE period::text <> 'day' OR n = 4 ORDER BY n, period::text;
SELECT results_eq('SELECT n, period, by_period_of(a)::text::funnel_by_period_result FROM asked_by_period a ORDER BY 1, 2', 'SELECT n, period, by_period_of(a) FROM asked_by_period a ORDER BY 1, 2', 'read back');
CREATE FUNCTION without_guests(r funnel_by_period_result) RETURNS funnel_by_period_result
LANGUAGE sql AS $$ SELECT (r::text::jsonb || '{"rows_without_customer": 0}')::text::funnel_by_period_result $$;
SELECT results_eq('SELECT n, period, rollup(r) FROM (SELECT n, period, funnel_by_period(timeline, steps, within, period, mode, ''kind'', step_within, as_of, hold, count) AS r FROM asked_by_period, stored GROUP BY n, period, customer % 3) p GROUP BY 1, 2 ORDER BY 1, 2', 'SELECT n, period, without_guests(by_period_of(a)) FROM asked_by_period a ORDER BY 1, 2', 'two-level, and rollup of parts');
CREATE TABLE serial AS SELECT n, period, by_period_of(a) AS result FROM asked_by_period a;
SELECT set_config('max_parallel_workers_per_gather', '3', true) || set_config('parallel_setup_cost', '0', true) || set_config('parallel_tuple_cost', '0', true) || set_config('min_parallel_table_scan_size', '0', true) IS NULL AS void \gset
SELECT results_eq('SELECT n, period, by_period_of(a) FROM asked_by_period a ORDER BY 1, 2', 'SELECT n, period, result FROM serial ORDER BY 1, 2', 'in workers');
SELECT set_config('max_parallel_workers_per_gather', '0', true) IS NULL AS void \gset
SELECT is_empty('SELECT a.n, t.* FROM asked_by_period a, funnel_by_period_table(by_period_of(a)) t WHERE complete AND eligible < reached', 'where a period is complete, all are eligible');
SELECT results_eq($$SELECT DISTINCT period_start, complete FROM asked_by_period a, funnel_by_period_table(by_period_of(a)) WHERE n = 1 AND period = 'week' ORDER BY 1$$,
	$$VALUES (date '2024-01-22', true), ('2024-01-29', true), ('2024-02-05', true), ('2024-02-12', false), ('2024-02-19', false)$$, 'complete: the period, and 5 days after its end, are over by 20 February');
SELECT is_empty($$SELECT FROM funnel_by_period_table((SELECT funnel_by_period(timelines(1, NULL::timestamptz), '{a}', 7)))$$, 'nobody has an event');
SELECT is((SELECT funnel_by_period(timelines(customer, at, kind), '{a}', 7) FROM visits WHERE false), NULL, 'no rows');
SELECT throws_ok($$SELECT funnel_by_period(timelines(1, make_event(at => timestamptz '2024-01-01', kind => 'a')), '{a}', 7, '{2024-02-01}')$$, '22008', NULL, 'a start before the first period of a list');
SELECT throws_ok(format('SELECT %L::funnel_by_period_result', text), '22P02', NULL, text) FROM (VALUES
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "rows": []}'),
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "period": "week", "as_of": "2024-01-31", "rows": [{"period": "2024-02-05", "step": 1, "duration": 0, "customers": 1}]}'),
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "period": "week", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "step": 0, "duration": 0, "customers": 1}]}'),
	('{"steps": ["a"], "by": "kind", "mode": "in_order", "period": "week", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "step": 1, "duration": 0, "customers": 1, "eligible": 2}]}'),
	('{"steps": ["a", "b"], "by": "kind", "mode": "in_order", "period": "week", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "step": 1, "duration": 0, "customers": 1}, {"period": "2024-01-08", "step": 2, "duration": 5, "customers": 1}]}'),
	('{"steps": ["a", "b"], "by": "kind", "mode": "in_order", "period": "week", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "step": 1, "duration": 0, "customers": 1, "stopped": 1}]}')) v(text);

-- ---- who is in a step ----

CREATE TABLE cell AS SELECT a.n, who, t.step, CASE who WHEN 'reached' THEN reached WHEN 'stopped' THEN stopped ELSE eligible END AS number FROM asked a, funnel_totals_table(totals_of(a)) t, unnest(ARRAY['reached', 'stopped', 'eligible']) who WHERE a.count = 'customers';
SELECT is_empty($$SELECT * FROM cell JOIN asked a USING (n) CROSS JOIN LATERAL (SELECT count(DISTINCT m.customer), count(*) AS rows FROM (SELECT timelines(customer, make_event(at => at, kind => kind, ref => ref)) AS b FROM visits) q, funnel_members(q.b, a.steps, cell.step, cell.who, a.within, a.mode, 'kind', a.step_within, a.as_of, hold => a.hold) m) m
	WHERE (m.count, m.rows) IS DISTINCT FROM (cell.number, cell.number)$$, 'as many as the table says');
SELECT results_eq($$SELECT m.customer::int FROM (SELECT timelines(customer, make_event(at => at, kind => kind, ref => ref)) AS b FROM visits) q, asked a, funnel_members(q.b, a.steps, 1, 'stopped', a.within, as_of => a.as_of) m WHERE a.n = 1 ORDER BY 1$$,
	$$SELECT c.customer FROM asked a, chains_of(a) c WHERE n = 1 AND reached = 1 ORDER BY 1$$, 'those who stopped');
SELECT is_empty($$SELECT * FROM asked_by_period a CROSS JOIN LATERAL funnel_by_period_table(by_period_of(a)) t CROSS JOIN LATERAL (SELECT count(*) FROM (SELECT timelines(customer, make_event(at => at, kind => kind, ref => ref)) AS b FROM visits) q, funnel_by_period_members(q.b, a.steps, a.within, a.period, t.period_start, t.step, 'stopped', a.mode, 'kind', a.step_within, a.as_of, a.hold) m) m
	WHERE a.n IN (2, 3) AND a.period = 'week' AND m.count <> t.stopped$$, 'of a period, too');
SELECT throws_ok(format('SELECT m.* FROM (SELECT timelines(customer, at, kind) AS b FROM visits) q, funnel_members(q.b, ''{visit,order}'', %s) m', cell), state, message, cell) FROM (VALUES ('0', '22023', 'step must be between 1 and 2, not 0'), ('3', '22023', 'step must be between 1 and 2, not 3'), ('NULL', '22004', 'step must not be null'), ('1, ''converted''', '22023', NULL), ('1, NULL', '22004', NULL)) v(cell, state, message);

-- ---- against all chains ----

SELECT setseed(0.20240608);
SELECT * FROM compare_chains(:cases);

SELECT * FROM finish();
ROLLBACK;
