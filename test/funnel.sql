--
-- Funnels: worked cases, and every mode, window and tie against a search through all chains.
--
-- Longer: psql -v cases=100000
--
\ir reference/setup.sql
\if :{?cases}
\else
	\set cases 3000
\endif
BEGIN;
SELECT plan(98);
\ir reference/funnel.sql

-- ---- worked cases ----

-- Events 'a@1 b@2' at minutes, steps 'a b': the minutes of the chain that wins.
CREATE FUNCTION timeline_of(events text, by text DEFAULT 'kind') RETURNS event_timeline
LANGUAGE sql AS $$
	SELECT timeline_agg(make_event(at => timestamptz '2024-06-01' + split_part(e, '@', 2)::numeric * interval '1 minute',
		kind => CASE by WHEN 'kind' THEN split_part(e, '@', 1) ELSE 'k' END, label => CASE by WHEN 'label' THEN split_part(e, '@', 1) ELSE 'l' END))
	FROM regexp_split_to_table(events, ' ') e
$$;
CREATE FUNCTION minutes(events text, steps text, within int DEFAULT NULL, mode text DEFAULT 'in_order', step_within interval[] DEFAULT NULL, by text DEFAULT 'kind') RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(trim_scale(extract(epoch FROM a.at - timestamptz '2024-06-01') / 60)::text, ' ' ORDER BY n)
	FROM funnel(timeline_of(events, by), string_to_array(steps, ' '), within * interval '1 minute', mode, by, step_within) f, unnest(f.at) WITH ORDINALITY a(at, n)
$$;

SELECT is(minutes('a@1 b@2 c@3', 'a b c'), '1 2 3', 'each step after the other');
SELECT is(minutes('c@1 b@2 a@3', 'a b c'), '3', 'the wrong way round is one step');
SELECT is(minutes('b@1 c@2', 'a b c'), NULL, 'without the first step there is none');
SELECT is(minutes('a@1 x@2 y@3 b@4', 'a b'), '1 4', 'events that no step names don''t matter');
SELECT is(minutes('a@1 b@2 b@3 c@3', 'a b c', mode => 'strictly_increasing'), '1 2 3', 'a later match of a step doesn''t spoil the earlier one');
SELECT is(minutes('a@1 b@2 b@3 c@3', 'a b c'), '1 2 3', '... in order');
SELECT is(minutes('a@1 b@2 a@3 c@4', 'a b c'), '1 2 4', 'nor does a later start');
SELECT is(minutes('a@1 b@5 a@90 b@95 c@96', 'a b c', 10), '90 95 96', 'a later chain within the window is deeper');
SELECT is(minutes('a@1 b@5 c@9 a@90 b@95', 'a b c', 10), '1 5 9', 'an earlier one, too');
SELECT is(minutes('a@1 b@2 b@5 a@7 b@8', 'a b'), '1 2', 'of the deepest, the one that ends first');
SELECT is(minutes('a@1 a@2 b@3', 'a b'), '2 3', '... and of those the one that starts last');
SELECT is(minutes('a@1 b@2 b@3 c@4', 'a b c'), '1 2 4', '... and of those the one whose steps come first');
SELECT is(minutes('a@1 b@2 a@3 b@4 c@5', 'a b c'), '3 4 5', '... in this order');
SELECT is(minutes('a@1 a@4', 'a b'), '1', 'the first of the starts, where nothing follows');

-- ties
SELECT is(minutes('b@1 a@1', 'a b'), '1 1', 'at one instant, steps are in their order');
SELECT is(minutes('a@1 b@1', 'b a'), '1 1', '... whichever that is');
SELECT is(minutes('c@1 b@1 a@1', 'a b c'), '1 1 1', '... all of them');
SELECT is(minutes('b@1 a@1', 'a b', mode => 'strictly_increasing'), '1', 'not where they must be later');
SELECT is(minutes('a@1 c@1 b@2', 'a b c'), '1 2', 'an instant has no order with others');
SELECT is(minutes('a@1 b@2 c@2 d@2 d@3', 'a b c d', mode => 'strictly_increasing'), '1 2', 'a tie gives one step, strictly increasing');
SELECT is(minutes('a@1 b@2 c@2 c@3 d@3 d@4', 'a b c d', mode => 'strictly_increasing'), '1 2 3 4', '... but doesn''t stop the next');

-- steps of the same name
SELECT is(minutes('a@1', 'a a'), '1', 'an event is one step only');
SELECT is(minutes('a@1 a@2', 'a a'), '1 2', 'two are two');
SELECT is(minutes('a@1 a@1', 'a a'), '1 1', '... at one instant');
SELECT is(minutes('a@1 a@1', 'a a', mode => 'strictly_increasing'), '1', '... which isn''t increasing');
SELECT is(minutes('a@1 b@2', 'a b a'), '1 2', 'a step again needs an event of its own');
SELECT is(minutes('a@1 a@2 b@2', 'a b a'), '1 2 2', 'between two of them at one instant');
SELECT is(minutes('a@2 b@2', 'a b a'), '2 2', '... not without a second');
SELECT is(minutes('a@1 b@2 a@2 b@2 a@3', 'a b a b a'), '1 2 2 2 3', 'an instant with several of a kind');
SELECT is(minutes('a@1 b@2 a@3 b@4', 'a b a b'), '1 2 3 4', 'steps repeat');

-- strict order
SELECT is(minutes('a@1 b@2 d@3 c@4', 'a b c d', mode => 'strict_order'), '1 2', 'another step in between ends a chain');
SELECT is(minutes('a@1 b@2 a@3 c@4', 'a b c', mode => 'strict_order'), '1 2', '... an earlier step as well');
SELECT is(minutes('a@1 b@2 x@3 c@4', 'a b c', mode => 'strict_order'), '1 2 4', '... an event that isn''t a step doesn''t');
SELECT is(minutes('a@1 a@2 b@3 b@4 c@5', 'a b c', mode => 'strict_order'), '2 3 5', '... nor do repetitions of the two steps');
SELECT is(minutes('a@1 b@2 d@3 a@4 b@5 c@6', 'a b c d', mode => 'strict_order'), '4 5 6', 'a chain after the interruption');
SELECT is(minutes('a@1 b@2 d@2 c@3', 'a b c d', mode => 'strict_order'), '1 2 3', 'what happens at the instant of a step isn''t in between');
SELECT is(minutes('a@1 b@2 c@3 a@3', 'a b c', mode => 'strict_order'), '1 2 3', '... at that of the last one either');
SELECT is(minutes('b@1 c@1 a@1 c@2', 'a b c', mode => 'strict_order'), '1 1 1', 'all at one instant');
SELECT is(minutes('a@1 b@2 a@3 c@4', 'a b a c', mode => 'strict_order'), '1 2 3 4', 'a step of the same name is itself');

-- windows
SELECT is(minutes('a@1 b@11', 'a b', 10), '1 11', 'a window includes its end');
SELECT is(minutes('a@1 b@11.000001', 'a b', 10), '1', '... and nothing behind it');
SELECT is(minutes('a@1 b@6 c@12', 'a b c', 10), '1 6', 'it is for the whole chain');
SELECT is(minutes('a@1 b@1 b@2', 'a b', 0), '1 1', 'a window of 0 is an instant');
SELECT is(minutes('a@1 b@6 c@12', 'a b c', step_within => '{6 minutes}'), '1 6 12', 'a window for each step');
SELECT is(minutes('a@1 b@6 c@13', 'a b c', step_within => '{6 minutes}'), '1 6', '... from the step before');
SELECT is(minutes('a@1 b@6 c@13', 'a b c', step_within => '{5 minutes,7 minutes}'), '1 6 13', '... each its own');
SELECT is(minutes('a@1 b@6 c@99', 'a b c', step_within => '{5 minutes,NULL}'), '1 6 99', '... or none');
SELECT is(minutes('a@1 b@6 c@12', 'a b c', 10, step_within => '{6 minutes}'), '1 6', 'both kinds of window');
SELECT is(minutes('a@1 b@2 b@5 c@6', 'a b c', step_within => '{4 minutes,2 minutes}'), '1 5 6', 'a later match, where the earlier is too early for the next step');
SELECT is(minutes('a@1 a@5 b@6 c@20', 'a b c', 19, step_within => '{6 minutes}'), '5 6', '... and where that can''t be had');
SELECT is(minutes('a@1 b@2 b@5 c@6', 'a b c', step_within => '{4 minutes,2 minutes}', mode => 'strict_order'), '1 5 6', '... in strict order, too');
SELECT is(minutes('a@1 b@2', 'a b', step_within => '{NULL}'), '1 2', 'no window at all');
SELECT is(minutes('a@1', 'a', step_within => '{1 day}'), '1', 'a single step has no use for it');
SELECT is(minutes('a@1 b@2', 'a b', step_within => '{300000 years}', within => 525600000), '1 2', 'a window beyond the last timestamp is none');

-- names
SELECT is(minutes('a@1 b@2', 'a b', by => 'label'), '1 2', 'steps may be labels');
SELECT is(minutes('a@1 b@2', 'l', by => 'kind'), NULL, '... only where asked');
SELECT is(minutes('a@1 b@2 ab@3', 'ab a'), '3', 'a name is the whole of it');
SELECT is(minutes('Käse@1 käse@2', 'Käse käse'), '1 2', '... as written');

-- ---- the answer's columns ----

SELECT results_eq($$SELECT f.* FROM funnel(timeline_of('a@1 b@2 c@3001'), '{a,b,c,d}') f$$,
	$$VALUES (3, 'c', timestamptz '2024-06-01 00:01', timestamptz '2024-06-03 02:01', '{2024-06-01 00:01,2024-06-01 00:02,2024-06-03 02:01}'::timestamptz[], '{NULL,00:01,2 days 01:59}'::interval[])$$, 'all columns');
SELECT results_eq($$SELECT f.* FROM funnel(timeline_of('b@1'), '{a,b}') f$$,
	$$VALUES (0, NULL::text, NULL::timestamptz, NULL::timestamptz, '{}'::timestamptz[], '{}'::interval[])$$, 'nobody''s');
SELECT results_eq($$SELECT f.reached, f.at FROM funnel('[]', '{a}') f$$, $$VALUES (0, '{}'::timestamptz[])$$, 'an empty timeline');
SELECT results_eq($$SELECT (funnel(timeline_agg(timestamptz '2024-01-01'), '{a}')).reached$$, 'VALUES (0)', 'events without a kind');
SELECT results_eq($$SELECT funnel(NULL, '{a}') IS NULL$$, 'VALUES (true)', 'a NULL timeline');
SELECT results_eq($$SELECT (funnel(timeline_of('a@1 b@2'), steps)).reached FROM (VALUES (1, '{a}'::text[]), (2, '{a}'), (3, '{a,b}'), (4, '{b,a}'), (5, '{a,b}')) v(n, steps) ORDER BY n$$,
	'VALUES (1), (1), (2), (1), (2)', 'steps by row');
SELECT results_eq($$SELECT (funnel(timeline_of('a@1 b@2 c@1500'), '{a,b,c}', as_of => d)).reached FROM (VALUES (date '2024-05-31'), ('2024-06-01'), ('2024-06-02'), (NULL)) v(d)$$, 'VALUES (0), (2), (3), (3)', 'as_of is the end of that day');
SET timezone = 'Asia/Tokyo';
SELECT results_eq($$SELECT (funnel('[{"at": "2024-06-01T14:59:59+00", "kind": "a"}, {"at": "2024-06-01T15:00:00+00", "kind": "b"}]', '{a,b}', as_of => '2024-06-01')).reached$$, 'VALUES (1)', '... in the session''s zone');
SET timezone = 'Europe/Helsinki';
SELECT results_eq($$SELECT (funnel('[{"at": "2024-03-30T10:00:00+00", "kind": "a"}, {"at": "2024-03-31T09:00:00+00", "kind": "b"}]', '{a,b}', w)).reached FROM (VALUES ('1 day'::interval), ('23 hours'), ('22:59:59')) v(w)$$, 'VALUES (2), (2), (1)', 'a day of 23 hours');
SELECT results_eq($$SELECT (funnel('[{"at": "2024-03-30T10:00:00+00", "kind": "a"}, {"at": "2024-03-31T09:30:00+00", "kind": "b"}]', '{a,b}', w)).reached FROM (VALUES ('1 day'::interval), ('24 hours')) v(w)$$, 'VALUES (1), (2)', '... is not 24 hours');
SET timezone = 'UTC';
SELECT results_eq($$SELECT (funnel('[{"at": "2024-01-30T23:00:00+00", "kind": "a"}, {"at": "2024-01-31T01:00:00+00", "kind": "a"}, {"at": "2024-02-29T12:00:00+00", "kind": "b"}]', '{a,b}', '1 month')).started_at$$,
	$$VALUES (timestamptz '2024-01-30 23:00')$$, 'the later start whose month ends earlier is too late');
SELECT results_eq($$SELECT (funnel('[{"at": "2024-01-30T23:00:00+00", "kind": "a"}, {"at": "2024-01-31T01:00:00+00", "kind": "a"}, {"at": "2024-02-10T00:00:00+00", "kind": "b"}]', '{a,b}', '1 month')).started_at$$,
	$$VALUES (timestamptz '2024-01-31 01:00')$$, '... where that matters');

-- ---- arguments ----

SELECT throws_ok($$SELECT funnel('[]', NULL)$$, '22004', 'steps must not be null', 'NULL steps');
SELECT throws_ok($$SELECT funnel('[]', '{}')$$, '22023', 'a funnel needs steps', 'no steps');
SELECT throws_ok($$SELECT funnel('[]', '{a,NULL}')$$, '22004', 'step 2 of a funnel is null', 'a NULL step');
SELECT throws_ok($$SELECT funnel('[]', '{{a,b},{c,d}}')$$, '22023', 'steps must be an array of one dimension', 'a matrix');
SELECT throws_ok($$SELECT funnel('[]', '{a}', '-1 day')$$, '22023', 'within must be a finite interval of 0 or more, in each of its parts', 'a negative window');
SELECT throws_ok($$SELECT funnel('[]', '{a}', '1 month -1 day')$$, '22023', 'within must be a finite interval of 0 or more, in each of its parts', '... in part');
SELECT throws_ok($$SELECT funnel('[]', '{a}', mode => 'any')$$, '22023', 'mode of a funnel can''t be "any"', 'an unknown mode');
SELECT throws_ok($$SELECT funnel('[]', '{a}', mode => NULL)$$, '22004', 'mode must not be null', 'a NULL mode');
SELECT throws_ok($$SELECT funnel('[]', '{a}', by => 'ref')$$, '22023', 'by of a funnel can''t be "ref"', 'steps of something else');
SELECT throws_ok($$SELECT funnel('[]', '{a,b,c}', step_within => '{1 day,1 day,1 day}')$$, '22023', 'step_within has 3 windows, but there are 3 steps', 'too many windows');
SELECT throws_ok($$SELECT funnel('[]', '{a,b,c}', step_within => '{}')$$, '22023', 'step_within has 0 windows, but there are 3 steps', 'too few');
SELECT throws_ok($$SELECT funnel('[]', '{a,b,c}', step_within => '{1 day,-1 day}')$$, '22023', 'step_within[2] must be a finite interval of 0 or more, in each of its parts', 'a negative one');
SELECT throws_ok($$SELECT funnel('[]', '{a}', as_of => 'infinity')$$, '22008', NULL, 'an infinite as_of');
CREATE FUNCTION hint_of(statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN hint;
END $$;
SELECT is(hint_of($$SELECT funnel('[]', '{a}', mode => 'any')$$), 'Allowed: ''in_order'', ''strictly_increasing'', ''strict_order''.', 'the hint lists the modes');

-- ---- large ----

CREATE TABLE large AS SELECT timeline_agg(make_event(at => timestamptz '2024-01-01' + n * interval '1 second', kind => 's' || n % 60)) AS t FROM generate_series(1, 100000) n;
SELECT is((SELECT reached FROM large, funnel(t, ARRAY(SELECT 's' || n FROM generate_series(0, 59) n))), 60, '60 steps');
SELECT is((SELECT array_length(f.at, 1) FROM large, funnel(t, ARRAY(SELECT 's' || n % 50 FROM generate_series(0, 999) n), '1 day') f), 1000, '1,000 steps, each name 20 times');
SELECT throws_ok($$SELECT funnel(t, ARRAY(SELECT 's' || n FROM generate_series(0, 1000) n)) FROM large$$, '54000', 'a funnel of 1001 steps is too long', '1,001 steps');
SELECT throws_ok(format('SELECT funnel_totals(%s, ARRAY(SELECT n::text FROM generate_series(0, 1000) n)%s) FROM large', a, b), '54000', NULL, 'funnel_totals() of ' || a || b || ' refuses them too')
FROM (VALUES ('(SELECT timelines(1, t) FROM large)', ''), ('t', ''), ('t', $$, '1 day'$$), ('t', $$, '1 day', 'in_order'$$), ('t', $$, NULL, 'in_order', 'kind', NULL, NULL$$)) v(a, b);
SELECT lives_ok(format('SELECT %L::funnel_totals_result', jsonb_build_object('steps', to_jsonb(ARRAY(SELECT n::text FROM generate_series(1, 1000) n)), 'by', 'kind', 'mode', 'in_order', 'rows', '[]'::jsonb)), 'a result of 1,000 steps as text');
SELECT throws_ok(format('SELECT %L::funnel_totals_result', jsonb_build_object('steps', to_jsonb(ARRAY(SELECT n::text FROM generate_series(1, 1001) n)), 'by', 'kind', 'mode', 'in_order', 'rows', '[]'::jsonb)), '54000', 'a funnel of 1001 steps is too long', '... of 1,001');
SELECT throws_ok(format('SELECT %L::funnel_totals_result', jsonb_build_object('steps', to_jsonb(ARRAY['a', 'b']), 'step_within', to_jsonb(array_fill('1 day'::text, ARRAY[1001])), 'by', 'kind', 'mode', 'in_order', 'rows', '[]'::jsonb)), '54000', NULL, '... of as many windows');
SELECT results_eq($$SELECT f.reached, f.started_at FROM large, funnel(t, ARRAY(SELECT 's' || n * 7 % 60 FROM generate_series(0, 59) n), '1 minute', 'strictly_increasing') f$$,
	$$VALUES (9, timestamptz '2024-01-01 00:01')$$, 'a window over many events');

-- ---- against all chains ----

-- Events in any order; by label where the names stand in labels.
CREATE FUNCTION timeline_of(c funnel_case, by text DEFAULT 'kind') RETURNS event_timeline
LANGUAGE sql AS $$
	SELECT timeline_agg(CASE by WHEN 'kind' THEN make_event(at => at, kind => name, label => name || at) ELSE make_event(at => at, value => 1.5, kind => 'k' || length(at::text), label => name, ref => 7, expires_at => at) END)
	FROM unnest(c.at, c.name) e(at, name)
$$;
CREATE FUNCTION funnel_of(c funnel_case, by text DEFAULT 'kind') RETURNS timestamptz[]
LANGUAGE sql AS $$ SELECT f.at FROM funnel(timeline_of(c, by), c.steps, c.within, c.mode, by, c.step_within, c.as_of) f $$;

-- Leaves out events as long as the two still differ.
CREATE FUNCTION smallest(c funnel_case) RETURNS funnel_case
LANGUAGE plpgsql AS $$
DECLARE
	smaller funnel_case;
BEGIN
	FOR i IN 1 .. cardinality(c.at) LOOP
		smaller := c;
		smaller.at := c.at[:i - 1] || c.at[i + 1:];
		smaller.name := c.name[:i - 1] || c.name[i + 1:];
		IF cardinality(smaller.at) > 0 AND funnel_of(smaller) IS DISTINCT FROM ref_funnel(smaller) THEN
			RETURN smallest(smaller);
		END IF;
	END LOOP;
	RETURN c;
END $$;

CREATE FUNCTION compare_funnels(cases int) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	c funnel_case;
	wanted timestamptz[];
	failed funnel_case;
	failures int := 0;
	deep int := 0;
BEGIN
	FOR i IN 1 .. cases LOOP
		c := random_funnel();
		wanted := ref_funnel(c);
		deep := deep + (cardinality(wanted) > 2)::int;
		IF funnel_of(c) IS DISTINCT FROM wanted THEN
			failures := failures + 1;
			c := smallest(c);
			IF failed IS NULL OR cardinality(c.at) < cardinality(failed.at) THEN
				failed := c;
			END IF;
		ELSIF i % 4 = 0 AND funnel_of(c, 'label') IS DISTINCT FROM wanted THEN
			failures := failures + 1;
			failed := c;
		END IF;
	END LOOP;
	RETURN NEXT is(failures, 0, 'the chain that wins is that of a search through all chains');
	IF failures > 0 THEN
		RETURN NEXT diag(format('%s: %s, and not %s', failed, funnel_of(failed), ref_funnel(failed)));
	END IF;
	RETURN NEXT cmp_ok(deep, '>', cases / 10, '... some of them deep');
END $$;

SET timezone = 'America/New_York';
SELECT setseed(0.20240607);
SELECT * FROM compare_funnels(:cases);

SELECT * FROM finish();
ROLLBACK;
