--
-- Merging timelines and taking events away: multiset laws on random
-- timelines, timeline_merge() against plain SQL, and errors that name the event.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(47);
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

-- ---- NULL is nothing to add ----

SELECT is_empty('SELECT id FROM sample WHERE NOT (' || law || ')', law) FROM unnest(ARRAY[
	'a + NULL::event_timeline = a', 'NULL::event_timeline + a = a', 'timeline_merge(a, NULL) = a', 'timeline_merge(NULL, a) = a', 'a + make_event(at => NULL) = a']) law;
SELECT is_empty('SELECT id FROM sample WHERE (SELECT rollup(t) FROM (VALUES (a), (NULL)) v(t)) <> a + NULL::event_timeline', '... as for rollup()');
SELECT is(NULL::event_timeline + NULL::event_timeline, NULL, 'NULL only where both are');
SELECT is(timeline_merge(NULL, NULL), NULL, '... for timeline_merge()');
SELECT is('{2024-01-05}'::activity_set + NULL, '{2024-01-05}'::activity_set, '... and for days');
SELECT is(NULL + '{2024-01-05}'::activity_set, '{2024-01-05}'::activity_set, '... on the other side');
SELECT is('[]'::event_timeline - NULL::event_timeline, NULL, 'what is taken away is known, or the answer isn''t');

-- loading a batch, as often as it comes: new customers are there, and who has nothing new isn't written again
CREATE TABLE history (customer int PRIMARY KEY, t event_timeline NOT NULL);
CREATE FUNCTION load_batch(batch text) RETURNS TABLE (customer int)
LANGUAGE sql AS $$
	INSERT INTO history AS h SELECT customer, timeline_agg(make_event(at => at, value => value, kind => 'purchase', ref => ref)) FROM json_to_recordset(batch::json) b(customer int, at timestamptz, value numeric, ref int) GROUP BY customer
	ON CONFLICT (customer) DO UPDATE SET t = timeline_merge(h.t, excluded.t) WHERE timeline_merge(h.t, excluded.t) <> h.t
	RETURNING h.customer
$$;
\set first '[{"customer": 1, "at": "2024-01-05T10:00:00Z", "value": 5, "ref": 1}, {"customer": 2, "at": "2024-01-06T10:00:00Z", "value": 5, "ref": 2}]'
\set second '[{"customer": 1, "at": "2024-01-05T10:00:00Z", "value": 5, "ref": 1}, {"customer": 2, "at": "2024-01-06T10:00:00Z", "value": 5, "ref": 2}, {"customer": 2, "at": "2024-01-07T10:00:00Z", "value": 7, "ref": 3}, {"customer": 3, "at": "2024-01-07T10:00:00Z", "value": 1, "ref": 4}]'
SELECT set_eq(format('SELECT load_batch(%L)', :'first'), '{1,2}'::int[], 'a batch is loaded');
CREATE TABLE stored AS SELECT customer, ctid AS place, t FROM history;
SELECT is_empty(format('SELECT load_batch(%L)', :'first'), 'once more: nothing is written');
SELECT is_empty('SELECT customer, ctid, t FROM history EXCEPT SELECT customer, place, t FROM stored', '... and each row stays where it is');
SELECT set_eq(format('SELECT load_batch(%L)', :'second'), '{2,3}'::int[], 'the next batch writes who has something new');
SELECT results_eq('SELECT customer, timeline_count(t)::int FROM history ORDER BY customer', 'VALUES (1, 1), (2, 2), (3, 1)', '... and all of it is there');
SELECT results_eq('SELECT coalesce(h.customer, s.customer), timeline_count(timeline_merge(s.t, h.t))::int FROM stored s FULL JOIN history h USING (customer) ORDER BY 1', 'VALUES (1, 1), (2, 2), (3, 1)', 'a join of both merges those who are on one side');

-- bounds by name
SELECT results_eq($$SELECT timeline_count(timeline_slice(t, until => '2024-01-07'))::int, timeline_count(timeline_slice(t, since => '2024-01-07'))::int, timeline_count(timeline_slice(t))::int, timeline_count(timeline_slice(t, until => '2024-01-08', since => '2024-01-07'))::int,
	timeline_sum(t, until => '2024-01-07'), timeline_sum(t, since => '2024-01-07'), timeline_sum(t), timeline_sum(t, until => '2024-01-08', since => '2024-01-07') FROM history WHERE customer = 2$$,
	'VALUES (1, 1, 2, 1, 5::numeric, 7::numeric, 12::numeric, 7::numeric)', 'slices and sums with any of their bounds');
SELECT is(timeline_sum(NULL), NULL, 'the sum of no timeline');
SELECT * FROM finish();
ROLLBACK;
