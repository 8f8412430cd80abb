--
-- Timelines against the rows they were made of: the events that come out are
-- the rows that went in, as a multiset, for every mix of columns; accessors,
-- slices and filters are what plain SQL says.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(40);
\ir reference/entries.sql
CREATE TABLE sample AS SELECT g, timeline_agg(event_of(e)) AS t, timeline_agg(at, value) AS v, timeline_agg(at) AS i FROM entry e GROUP BY g;
CREATE VIEW present AS SELECT * FROM entry WHERE at IS NOT NULL;
SELECT cmp_ok((SELECT count(*)::int FROM (SELECT 1 FROM present GROUP BY g, at, value, kind, label, ref, expires_at, until HAVING count(*) > 1) d), '>', 100, 'the rows have duplicates');

-- a multiset comparison of two queries
CREATE FUNCTION difference(got text, wanted text) RETURNS TABLE(side text, line text)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		WITH got AS MATERIALIZED (%s), wanted AS MATERIALIZED (%s)
		(SELECT 'wrong', (w.*)::text FROM (TABLE got EXCEPT ALL TABLE wanted) w LIMIT 5)
		UNION ALL
		(SELECT 'missing', (w.*)::text FROM (TABLE wanted EXCEPT ALL TABLE got) w LIMIT 5)$q$, got, wanted);
END $$;
SELECT is_empty($$SELECT * FROM difference('SELECT g, e.* FROM sample CROSS JOIN LATERAL timeline_events(t) e', 'SELECT g, at, value, kind, label, ref, expires_at, until FROM present')$$, 'events out = rows in');
SELECT is_empty($$SELECT * FROM difference('SELECT g, e.at, e.value, e.kind, e.label, e.ref, e.expires_at FROM sample CROSS JOIN LATERAL timeline_events(v) e', 'SELECT g, at, value, NULL::text, NULL::text, NULL::text, NULL::timestamptz FROM present')$$, '... with at and value');
SELECT is_empty($$SELECT * FROM difference('SELECT g, e.at, e.value, e.kind, e.label, e.ref, e.expires_at FROM sample CROSS JOIN LATERAL timeline_events(i) e', 'SELECT g, at, NULL::numeric, NULL::text, NULL::text, NULL::text, NULL::timestamptz FROM present')$$, '... with at alone');
SELECT is_empty($$SELECT * FROM difference('SELECT e.* FROM entry o, LATERAL (SELECT timeline_agg(e) AS t FROM (SELECT event_of(o)) v(e)) q CROSS JOIN LATERAL timeline_events(q.t) e', 'SELECT at, value, kind, label, ref, expires_at, until FROM present')$$, '... one by one');
SELECT is_empty('SELECT g FROM (SELECT g, e.at, lag(e.at) OVER (PARTITION BY g ORDER BY e.ordinality) AS before FROM sample CROSS JOIN LATERAL timeline_events(t) WITH ORDINALITY e) s WHERE before > at', 'events are in order');
SELECT is((SELECT array_agg(timeline_count(t) ORDER BY g) FROM sample WHERE g > 1000), ARRAY[0, 0]::bigint[], 'only NULL instants: empty, not NULL');

-- kinds, few and many, collected by themselves, and merged with what is there
SELECT is_empty($$SELECT * FROM difference('SELECT c.customer, e.at, e.kind FROM (SELECT timelines(g, at, kind) AS b FROM entry) q CROSS JOIN LATERAL customer_timelines(q.b) c CROSS JOIN LATERAL timeline_events(c.timeline) e', 'SELECT g, at, kind FROM present')$$, 'kinds out = kinds in');
SELECT is_empty($$SELECT * FROM difference('SELECT c.customer, e.at, e.kind FROM (SELECT timelines(g, at, kind || n) AS b FROM entry, generate_series(1, 20) n) q CROSS JOIN LATERAL customer_timelines(q.b) c CROSS JOIN LATERAL timeline_events(c.timeline) e', 'SELECT g, at, kind || n FROM present, generate_series(1, 20) n')$$, '... of many kinds');
SELECT is_empty($$SELECT g FROM (SELECT g, timeline_agg(make_event(at => at, value => value, kind => kind)) AS t FROM entry GROUP BY g) one
	JOIN (SELECT c.* FROM (SELECT timelines(g, t) AS b FROM (SELECT g, timeline_agg(make_event(at => at, value => value, kind => kind)) AS t FROM entry e GROUP BY g, md5(e::text) < '8') part) q CROSS JOIN LATERAL customer_timelines(q.b) c) other ON customer = g
	WHERE one.t::text <> other.timeline::text$$, '... with values, merged of parts');

SELECT is_empty($$SELECT * FROM difference('SELECT g, e.at, e.kind FROM (SELECT g, timeline_agg(at, kind) AS t FROM entry GROUP BY g) q CROSS JOIN LATERAL timeline_events(t) e', 'SELECT g, at, kind FROM present')$$, '... by timeline_agg');

-- values of the integer types are those of numeric
SELECT is_empty($$SELECT g FROM (SELECT g, round(value)::int AS v, at FROM entry) e GROUP BY g
	HAVING timeline_agg(at, v::numeric)::text <> timeline_agg(at, v)::text OR timeline_agg(at, v::smallint)::text <> timeline_agg(at, v)::text OR timeline_agg(at, v::bigint)::text <> timeline_agg(at, v)::text$$, 'values of any integer type');
SELECT throws_ok($$SELECT timeline_agg('2024-01-01'::timestamptz, (-9223372036854775808)::bigint)$$, '22003', NULL, 'the least bigint has no room');

-- the order of rows is nothing to the result
SELECT is_empty('SELECT g FROM sample JOIN (SELECT g, timeline_agg(event_of(e)) AS t, timeline_agg(at, value) AS v FROM (SELECT * FROM entry ORDER BY md5(entry::text)) e GROUP BY g) other USING (g) WHERE sample.t::text <> other.t::text OR sample.v::text <> other.v::text OR sample.t <> other.t',
				'the order of rows does not matter');

-- accessors
SELECT is_empty('SELECT g FROM sample WHERE timeline_count(t) IS DISTINCT FROM (SELECT count(*) FROM present p WHERE p.g = sample.g)', 'timeline_count');
SELECT is_empty('SELECT g FROM sample WHERE timeline_first(t) IS DISTINCT FROM (SELECT min(at) FROM present p WHERE p.g = sample.g)', 'timeline_first');
SELECT is_empty('SELECT g FROM sample WHERE timeline_last(t) IS DISTINCT FROM (SELECT max(at) FROM present p WHERE p.g = sample.g)', 'timeline_last');
SELECT is_empty('SELECT g, timeline_sum(t), (SELECT sum(value) FROM present p WHERE p.g = sample.g) FROM sample WHERE timeline_sum(t)::text IS DISTINCT FROM (SELECT sum(value) FROM present p WHERE p.g = sample.g)::text', 'timeline_sum, as sum(numeric) shows it');
SELECT is_empty('SELECT g FROM sample WHERE timeline_sum(v)::text IS DISTINCT FROM (SELECT sum(value) FROM present p WHERE p.g = sample.g)::text', '... of the short form');
SELECT is_empty('SELECT g FROM sample WHERE timeline_sum(i) IS NOT NULL', '... NULL without values');
SELECT is_empty('SELECT g FROM sample WHERE timeline_first_label(t) IS DISTINCT FROM (SELECT e.label FROM timeline_events(t) WITH ORDINALITY e WHERE e.label IS NOT NULL ORDER BY e.ordinality LIMIT 1)', 'timeline_first_label');
SELECT is_empty('SELECT g FROM sample WHERE timeline_first_label(t) IS NOT NULL AND timeline_first_label(t) NOT IN (SELECT label FROM present p WHERE p.g = sample.g AND p.at = (SELECT min(at) FROM present m WHERE m.g = sample.g AND m.label IS NOT NULL))', '... is one of the earliest');
SELECT is_empty(format('SELECT g FROM sample WHERE activity_set(t, %1$L, ''2024-12-31'')::date[] IS DISTINCT FROM (SELECT coalesce(array_agg(DISTINCT day::date), ''{}'')
	FROM present p, generate_series((at AT TIME ZONE %1$L)::date, (CASE WHEN until > at THEN least(until, ''2025-01-02'') - interval ''1 microsecond'' ELSE at END AT TIME ZONE %1$L)::date, interval ''1 day'') day WHERE p.g = sample.g AND coalesce(value, 0) >= 0 AND day <= ''2024-12-31'')', z), 'activity_set in ' || z)
FROM unnest(ARRAY['UTC', 'Europe/Helsinki', 'Pacific/Apia']) z;
SET timezone = 'America/New_York';
SELECT is_empty('SELECT g FROM sample WHERE activity_set(t, as_of => ''2024-12-31'') IS DISTINCT FROM activity_set(t, ''America/New_York'', ''2024-12-31'')', 'activity_set in the session''s zone');
SET timezone = 'UTC';

-- slices: [since, until), NULL is open
CREATE TABLE slice AS
SELECT g, t, since, until FROM sample, LATERAL (VALUES (timestamptz '2024-02-29 12:00+00', timestamptz '2024-02-29 13:00+00'), ('2024-03-01', '2024-08-01'), (NULL, '2024-06-01'), ('2024-06-01', NULL), (NULL, NULL), ('2024-06-01', '2024-02-01'),
	(timeline_first(t), timeline_last(t)), (timeline_last(t), timeline_last(t) + interval '1 microsecond')) v(since, until);
SELECT is_empty('SELECT g FROM slice WHERE timeline_sum(t, since, until)::numeric IS DISTINCT FROM (SELECT sum(value) FROM present p WHERE p.g = slice.g AND (since IS NULL OR at >= since) AND (slice.until IS NULL OR at < slice.until))', 'timeline_sum of [since, until)');
SELECT is_empty('SELECT g, since, until FROM slice WHERE timeline_slice(t, since, until) IS DISTINCT FROM
	coalesce((SELECT timeline_agg(event_of(e)) FROM entry e WHERE e.g = slice.g AND (since IS NULL OR at >= since) AND (slice.until IS NULL OR at < slice.until)), ''[]'')', 'timeline_slice');
SELECT is_empty('SELECT g FROM slice WHERE since <= until AND timeline_slice(t, NULL, since) + timeline_slice(t, since, until) + timeline_slice(t, until, NULL) IS DISTINCT FROM t', '... the slices add up');

-- filters: NULL array is no restriction, a NULL element matches absence
CREATE TABLE filter AS
SELECT g, t, kinds, labels FROM sample, (VALUES (NULL::text[], NULL::text[]), ('{earn}', NULL), ('{earn,redeem,NULL}', NULL), (NULL, '{shop}'), (NULL, '{NULL}'), ('{""}', '{Käse,NULL}'), ('{}', NULL), ('{nothing}', NULL), ('{earn,earn}', '{shop,web,shop}')) v(kinds, labels);
SELECT is_empty('SELECT g, kinds, labels FROM filter WHERE timeline_filter(t, kinds, labels) IS DISTINCT FROM
	coalesce((SELECT timeline_agg(event_of(e)) FROM entry e WHERE e.g = filter.g AND (kinds IS NULL OR kind = ANY (kinds) OR (kind IS NULL AND array_position(kinds, NULL) IS NOT NULL))
		AND (labels IS NULL OR label = ANY (labels) OR (label IS NULL AND array_position(labels, NULL) IS NOT NULL))), ''[]'')', 'timeline_filter');
SELECT is_empty('SELECT g FROM sample WHERE timeline_filter(t) IS DISTINCT FROM t OR timeline_filter(t, labels => ''{shop}'') IS DISTINCT FROM timeline_filter(t, NULL, ''{shop}'')', '... defaults');

-- text form
SELECT is_empty('SELECT g FROM sample WHERE t::text::event_timeline IS DISTINCT FROM t OR t::text::event_timeline::text <> t::text', 'the text form reads back');
SELECT is_empty('SELECT g FROM sample WHERE timeline_sum(t::text::event_timeline)::text IS DISTINCT FROM timeline_sum(t)::text', '... with the scale of its values');
SELECT is_empty('SELECT g FROM sample WHERE jsonb_array_length(t::text::jsonb) <> timeline_count(t)', '... is JSON');
SELECT is_empty('SELECT 1 FROM entry e WHERE at IS NOT NULL AND event_of(e)::text::timeline_event IS DISTINCT FROM event_of(e)', 'an event reads back');
SELECT is_empty($$SELECT * FROM difference('SELECT g, (j ->> ''at'')::timestamptz, (j ->> ''value'')::numeric, j ->> ''kind'', j ->> ''label'', j ->> ''ref'', (j ->> ''expires_at'')::timestamptz FROM sample, jsonb_array_elements(t::text::jsonb) j',
	'SELECT g, at, value, kind, label, ref, expires_at FROM present')$$, 'the text form says what the rows say');
SET timezone = 'Asia/Kathmandu';
SET datestyle = 'German';
SELECT is_empty('SELECT g FROM sample WHERE t::text::event_timeline IS DISTINCT FROM t', '... in any zone and date style');
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';

-- order and hash
SELECT is((SELECT count(DISTINCT t) FROM (SELECT t FROM sample UNION ALL SELECT t::text::event_timeline FROM sample) s), (SELECT count(DISTINCT t::text) FROM sample), 'DISTINCT by sort');
SET LOCAL enable_sort = off;
SELECT is((SELECT count(*) FROM (SELECT t FROM (SELECT t FROM sample UNION ALL SELECT t::text::event_timeline FROM sample) s GROUP BY t) d), (SELECT count(DISTINCT t::text) FROM sample), 'GROUP BY by hash');
RESET enable_sort;

-- size
SELECT cmp_ok((SELECT pg_column_size(timeline_agg(timestamptz '2022-01-01 00:00+00' + n * interval '36 days 5 hours 7 minutes 3.141593 seconds', (n * 37 % 900) + 19.99)) FROM generate_series(0, 19) n), '<=', 200, 'ten bytes an event with microseconds and cents');
SELECT * FROM finish();
ROLLBACK;
