--
-- Merging timelines and taking events away: multiset laws on random
-- timelines, timeline_merge() against plain SQL, and errors that name the event.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(28);
\ir reference/entries.sql
CREATE TABLE sample AS
SELECT row_number() OVER () AS id, x.g AS gx, y.g AS gy, x.t AS a, y.t AS b, z.t AS c
FROM (SELECT g, timeline_agg(event_of(e)) AS t FROM entry e GROUP BY g) x
JOIN (SELECT g, timeline_agg(event_of(e)) AS t FROM entry e GROUP BY g) y ON y.g % 640 = (x.g * 5 + 2) % 640
JOIN (SELECT g, timeline_agg(event_of(e)) AS t FROM entry e GROUP BY g) z ON z.g % 640 = (x.g + 1) % 640;
INSERT INTO sample SELECT -id, gx, gx, a, a, c FROM sample WHERE id % 5 = 0;
SELECT cmp_ok((SELECT count(*)::int FROM sample), '>', 600, 'there are pairs');

SELECT is_empty('SELECT id FROM sample WHERE NOT (' || law || ')', law) FROM unnest(ARRAY[
	'a + b = b + a', '(a + b) + c = a + (b + c)', 'a + b - b = a', 'a + b - a = b', 'a - a = ''[]''', 'a + ''[]'' = a', '''[]'' + a = a', 'a - ''[]'' = a',
	'(a + b + c) - (b + c) = a', 'timeline_count(a + b) = timeline_count(a) + timeline_count(b)',
	'coalesce(timeline_sum(a + b), 0) = coalesce(timeline_sum(a), 0) + coalesce(timeline_sum(b), 0)',
	'(a < b)::int + (a = b)::int + (a > b)::int = 1']) law;
SELECT is_empty($$SELECT id, ev.* FROM sample, LATERAL ((SELECT * FROM timeline_events(a) UNION ALL SELECT * FROM timeline_events(b)) EXCEPT ALL SELECT * FROM timeline_events(a + b)) ev$$, 'a + b holds the events of both');

-- timeline_merge: events of b with a (ref, kind) that a doesn't have, and those without ref
CREATE FUNCTION with_ref(t event_timeline) RETURNS event_timeline
LANGUAGE sql STABLE AS $$ SELECT coalesce(timeline_agg(make_event(ref => e.ref, at => e.at, value => e.value, kind => e.kind, label => e.label, expires_at => e.expires_at)), '[]') FROM timeline_events(t) e WHERE e.ref IS NOT NULL $$;
SELECT is_empty($$
	SELECT id FROM sample
	WHERE timeline_merge(a, b) IS DISTINCT FROM a + coalesce((
		SELECT timeline_agg(make_event(ref => e.ref, at => e.at, value => e.value, kind => e.kind, label => e.label, expires_at => e.expires_at)) FROM timeline_events(b) e
		WHERE e.ref IS NULL OR NOT EXISTS (SELECT FROM timeline_events(a) x WHERE x.ref = e.ref AND x.kind IS NOT DISTINCT FROM e.kind)), '[]')$$, 'timeline_merge against plain SQL');
SELECT is_empty('SELECT id FROM sample WHERE timeline_merge(a, with_ref(b)) IS DISTINCT FROM timeline_merge(timeline_merge(a, with_ref(b)), with_ref(b))', 'timeline_merge a second time does no harm');
SELECT is_empty('SELECT id FROM sample WHERE timeline_merge(a, with_ref(a)) IS DISTINCT FROM a', 'timeline_merge of what is there changes nothing');
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE timeline_merge(a, b) <> a + b AND timeline_merge(a, b) <> a), '>', 5, '... the pairs try it');

-- rollup is +
SELECT is((SELECT rollup(a) FROM sample WHERE id > 0), (SELECT timeline_agg(event_of(e)) FROM sample s JOIN entry e ON e.g = s.gx WHERE s.id > 0), 'rollup is the merge of all');

-- equal at any scale: for hash and sort, too
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE (a + b - b)::text <> a::text), '>', 20, 'scales differ after b came and went');
SET LOCAL enable_sort = off;
SELECT is((SELECT count(*) FROM (SELECT a FROM sample UNION SELECT a + b - b FROM sample) u), (SELECT count(*) FROM (SELECT a FROM sample GROUP BY a) g), '... the hash is the same');
RESET enable_sort;
SET LOCAL enable_hashagg = off;
SELECT is((SELECT count(*) FROM (SELECT a FROM sample UNION SELECT a + b - b FROM sample) u), (SELECT count(*) FROM (SELECT a FROM sample GROUP BY a) g), '... and so is the place in the order');
RESET enable_hashagg;
SELECT is_empty('SELECT id FROM sample, timeline_events(a) WITH ORDINALITY e, LATERAL (SELECT make_event(at => at, value => value, kind => kind), make_event(at => at, value => value * 1.000, kind => kind)) v(x, y) WHERE ordinality < 3 AND (x <> y OR (SELECT count(*) FROM (SELECT x UNION SELECT y) u) <> 1)', 'events, too');

-- what isn't there can't be taken away
SELECT throws_ok($$SELECT timeline_agg(at) - timeline_agg(at + interval '1 microsecond') FROM entry$$, '22023', NULL, 'another instant');
SELECT throws_ok($$SELECT timeline_agg(at) - (timeline_agg(at) + timeline_agg(at)) FROM entry WHERE g = 7$$, '22023', NULL, 'more often than it is there');
CREATE FUNCTION detail(statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail;
END $$;
SELECT alike(detail($$SELECT '[{"at": "2024-01-05T10:00:00Z", "ref": "A-1"}]'::event_timeline - '[{"at": "2024-01-05T10:00:00Z", "ref": "A-2"}]'$$), '%A-2%', 'another ref: the error names the event');
SELECT throws_ok($$SELECT '[{"at": "2024-01-05T10:00:00Z", "value": 1}]'::event_timeline - '[{"at": "2024-01-05T10:00:00Z"}]'$$, '22023', NULL, 'a value where there should be none');
SELECT is('[{"at": "2024-01-05T10:00:00Z", "value": 1.50}]'::event_timeline - '[{"at": "2024-01-05T10:00:00Z", "value": 1.5}]', '[]'::event_timeline, 'equal values are equal at any scale');
SELECT * FROM finish();
ROLLBACK;
