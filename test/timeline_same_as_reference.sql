--
-- timeline_merge() and timeline_replace() against the slow and obvious SQL of
-- reference/timeline_reference.sql, on random timelines of few different events; that by itself against
-- answers worked out by hand; and their laws.
--
-- More: psql -v timelines=20000
--
\ir reference/setup.sql
\if :{?timelines}
\else
	\set timelines 1500
\endif
BEGIN;
SELECT plan(27);
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/timeline_reference.sql

-- ---- the reference, by hand ----

-- purchases and returns of a document, written short: {"100 ref", …}
CREATE FUNCTION document(VARIADIC lines text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT jsonb_agg(jsonb_build_object('at', '2024-01-01 00:00:00+00', 'value', split_part(l, ' ', 1)::numeric, 'ref', split_part(l, ' ', 2))) FROM unnest(lines) l $$;
CREATE FUNCTION total(timeline jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT sum((e->>'value')::numeric) FROM jsonb_array_elements(timeline) e $$;

SELECT is(total(ref_timeline_merge(document('100 1', '-30 1'), document('-20 1'))), 50.0, 'another part return of the document is another event: 100 - 30 - 20');
SELECT is(total(ref_timeline_merge(document('100 1', '-30 1'), document('100 1', '-30 1'))), 70.0, 'the same again is nothing new');
SELECT is(total(ref_timeline_merge(document('100 1', '-30 1'), document('-30 1', '-30 1'))), 40.0, 'twice in the one: 100 - 30 - 30');
SELECT is(total(ref_timeline_merge(document('10 1', '10 1', '10 1'), document('10 1', '10 1'))), 30.0, 'as often as in the one that has it more often');
SELECT is(total(ref_timeline_merge(document('10 1'), document('10 2'))), 20.0, 'another document');
CREATE TABLE stored AS SELECT '[{"at": "2024-01-01 00:00:00+00", "value": 1}, {"at": "2024-01-02 00:00:00+00", "value": 2}, {"at": "2024-01-02 23:59:59.999999+00", "value": 4}, {"at": "2024-01-03 00:00:00+00", "value": 8}]'::jsonb AS t,
	'[{"at": "2024-01-02 12:00:00+00", "value": 100}]'::jsonb AS fresh;
SELECT is(total(ref_timeline_replace(t, fresh, '2024-01-02Z', '2024-01-03Z')), 109.0, 'a day anew: 1 + 100 + 8') FROM stored;
SELECT is(total(ref_timeline_replace(t, fresh, NULL, '2024-01-03Z')), 108.0, '... up to it') FROM stored;
SELECT is(total(ref_timeline_replace(t, fresh, '2024-01-02Z', NULL)), 101.0, '... from it on') FROM stored;
SELECT is(total(ref_timeline_replace(t, fresh, NULL, NULL)), 100.0, '... all of it') FROM stored;
SELECT throws_ok('SELECT ref_timeline_replace(t, fresh, ''2024-01-03Z'', NULL) FROM stored', '22023', NULL, 'what is fresh is of that time');

-- ---- random timelines ----

CREATE TABLE sample AS
SELECT seed, ja, jb, jc, since, until, ja::text::event_timeline AS a, jb::text::event_timeline AS b, jc::text::event_timeline AS c
FROM generate_series(1, :timelines) seed,
	LATERAL (SELECT ref_random_timeline(seed, 'a') AS ja, ref_random_timeline(seed, 'b') AS jb, ref_random_timeline(seed, 'c') AS jc,
		(ARRAY[NULL, '2024-01-01Z', '2024-01-02Z', '2024-01-02 12:00Z', '2024-01-03Z']::timestamptz[])[1 + floor(ref_random(seed, 'since') * 5)::int] AS since,
		(ARRAY[NULL, '2024-01-02Z', '2024-01-03Z', '2024-01-03 00:00:00.000001Z', '2024-02-01Z']::timestamptz[])[1 + floor(ref_random(seed, 'until') * 5)::int] AS until) x;

SELECT is_empty('SELECT seed, ja, jb FROM sample WHERE timeline_merge(a, b) IS DISTINCT FROM ref_timeline_merge(ja, jb)::text::event_timeline', 'timeline_merge() as the reference has it');
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE timeline_merge(a, b) <> a + b AND timeline_merge(a, b) <> a AND timeline_merge(a, b) <> b), '>', :timelines / 20, '... on timelines that have some in common');

CREATE FUNCTION replaced(s sample) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	RETURN timeline_replace(s.a, s.b, s.since, s.until);
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN 'error';
END $$;
CREATE FUNCTION replaced_by_reference(s sample) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	RETURN ref_timeline_replace(s.ja, s.jb, s.since, s.until)::text::event_timeline;
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN 'error';
END $$;
SELECT is_empty('SELECT seed, ja, jb, since, until FROM sample s WHERE coalesce(since < until, true) AND replaced(s) IS DISTINCT FROM replaced_by_reference(s)', 'timeline_replace() as the reference has it');
SELECT cmp_ok((SELECT count(*)::int FROM sample s WHERE coalesce(since < until, true) AND replaced(s) <> 'error' AND jb <> '[]' AND a <> b), '>', :timelines / 20, '... some of it');
SELECT cmp_ok((SELECT count(*)::int FROM sample s WHERE coalesce(since < until, true) AND replaced(s) = 'error'), '>', :timelines / 20, '... some outside of the time');

-- ---- laws ----

SELECT is_empty('SELECT seed FROM sample WHERE NOT (' || law || ')', law) FROM unnest(ARRAY[
	'timeline_merge(a, b) = timeline_merge(b, a)', 'timeline_merge(timeline_merge(a, b), c) = timeline_merge(a, timeline_merge(b, c))', 'timeline_merge(a, a) = a',
	'timeline_merge(timeline_merge(a, b), b) = timeline_merge(a, b)', 'timeline_merge(a, ''[]'') = a', 'timeline_merge(a, a + b) = a + b',
	'timeline_count(timeline_merge(a, b)) BETWEEN greatest(timeline_count(a), timeline_count(b)) AND timeline_count(a) + timeline_count(b)',
	'timeline_merge(a, b) - a + a = timeline_merge(a, b)',
	'timeline_replace(a, b, NULL, NULL) = b', 'timeline_replace(timeline_replace(a, b, NULL, NULL), c, NULL, NULL) = c',
	'timeline_replace(a, ''[]'', ''2024-01-02Z'', ''2024-01-03Z'') + (a - timeline_replace(a, ''[]'', ''2024-01-02Z'', ''2024-01-03Z'')) = a',
	'timeline_replace(a, a - timeline_replace(a, ''[]'', ''2024-01-02Z'', ''2024-01-03Z''), ''2024-01-02Z'', ''2024-01-03Z'') = a']) law;
SELECT * FROM finish();
ROLLBACK;
