--
-- Merging timelines and taking events away: multiset laws on random
-- timelines, timeline_merge() against plain SQL, and errors that name the event.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(72);
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

-- timeline_merge: each event as often as in the one that has it more often
CREATE FUNCTION event_rows(t event_timeline) RETURNS TABLE (n bigint, at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz, until timestamptz)
LANGUAGE sql STABLE AS $$ SELECT row_number() OVER (PARTITION BY e.at, e.value, e.kind, e.label, e.ref, e.expires_at, e.until), e.* FROM timeline_events(t) e $$;
CREATE FUNCTION of_rows(statement text) RETURNS event_timeline
LANGUAGE plpgsql STABLE AS $$
DECLARE
	made event_timeline;
BEGIN
	EXECUTE 'SELECT coalesce(timeline_agg(make_event(ref => ref, at => at, value => value, kind => kind, label => label, expires_at => expires_at, until => until)), ''[]'') FROM (' || statement || ') e' INTO made;
	RETURN made;
END $$;
SELECT is_empty($$SELECT id FROM sample WHERE timeline_merge(a, b) IS DISTINCT FROM of_rows(format('SELECT * FROM event_rows(%L) UNION SELECT * FROM event_rows(%L)', a, b))$$, 'timeline_merge against plain SQL');
SELECT is_empty('SELECT id FROM sample WHERE NOT (' || law || ')', law) FROM unnest(ARRAY[
	'timeline_merge(a, b) = timeline_merge(b, a)', 'timeline_merge(a, a) = a', 'timeline_merge(timeline_merge(a, b), b) = timeline_merge(a, b)', 'timeline_merge(timeline_merge(a, b), c) = timeline_merge(a, timeline_merge(b, c))',
	'timeline_merge(a, a + b) = a + b', 'timeline_merge(a + a, a) = a + a', 'timeline_merge(a, ''[]'') = a', 'timeline_merge(''[]'', a) = a', 'timeline_merge(a + c, b + c) = timeline_merge(a, b) + c']) law;
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE timeline_merge(a, b) <> a + b AND timeline_merge(a, b) <> a), '>', 5, '... the pairs try it');
SELECT is(timeline_sum(timeline_merge('[{"at": "2024-01-05T10:00:00Z", "value": 100, "kind": "purchase", "ref": 1}, {"at": "2024-01-08T10:00:00Z", "value": -30, "kind": "return", "ref": 1}]',
	'[{"at": "2024-01-09T10:00:00Z", "value": -20, "kind": "return", "ref": 1}]')), 50::numeric, 'a document''s second part return');
SELECT is(timeline_sum(timeline_merge(t, '[{"at": "2024-01-05T10:00:00Z", "value": 7, "kind": "purchase", "ref": 1}]')), 22::numeric, '... and its later lines; what is there already in another scale is the same')
FROM (VALUES ('[{"at": "2024-01-05T10:00:00Z", "value": 7.00, "kind": "purchase", "ref": 1}, {"at": "2024-01-05T10:00:00Z", "value": 15.00, "kind": "purchase", "ref": 1}]'::event_timeline)) v(t);

-- timeline_replace: what is outside of a time, and what is fresh in it
CREATE TABLE span AS
SELECT id, a, b, since, until, timeline_slice(b, since, until) AS fresh
FROM (SELECT id, a, b, CASE WHEN id % 7 = 0 THEN NULL ELSE timeline_first(a + b) + (id % 11) * (timeline_last(a + b) - timeline_first(a + b)) / 20 END AS since,
		CASE WHEN id % 6 = 0 THEN NULL ELSE timeline_last(a + b) - (id % 5) * (timeline_last(a + b) - timeline_first(a + b)) / 12 END AS until FROM sample) s;
SELECT is_empty($$SELECT id FROM span WHERE timeline_replace(a, fresh, since, until) IS DISTINCT FROM
	of_rows(format('SELECT * FROM timeline_events(%L) WHERE at < coalesce(%L, ''-infinity''::timestamptz) OR at >= coalesce(%L, ''infinity''::timestamptz) UNION ALL SELECT * FROM timeline_events(%L)', a, since, until, fresh))$$, 'timeline_replace against plain SQL');
SELECT is_empty('SELECT id FROM span WHERE NOT (' || law || ')', law) FROM unnest(ARRAY[
	'timeline_replace(timeline_replace(a, fresh, since, until), fresh, since, until) = timeline_replace(a, fresh, since, until)', 'timeline_replace(a, timeline_slice(a, since, until), since, until) = a',
	'timeline_slice(timeline_replace(a, fresh, since, until), since, until) = fresh', 'timeline_replace(a, b, NULL, NULL) = b', 'timeline_replace(a, ''[]'', NULL, NULL) = ''[]''', 'since IS NULL OR timeline_replace(a, ''[]'', since, since) = a',
	'timeline_replace(NULL, fresh, since, until) = fresh', 'timeline_replace(a, NULL, since, until) = timeline_replace(a, ''[]'', since, until)', 'timeline_replace(a, b, ''-infinity'', ''infinity'') = b']) law;
SELECT cmp_ok((SELECT count(*)::int FROM span WHERE timeline_replace(a, fresh, since, until) NOT IN (a, b, fresh) AND timeline_count(fresh) > 0), '>', 50, '... there is something to replace, and something to keep');
SELECT is(timeline_replace(NULL, NULL, NULL, NULL), NULL, '... NULL only where both are');
SELECT is(timeline_sum(timeline_replace(t, '[{"at": "2024-01-06T10:00:00Z", "value": 9.5, "ref": 2}]', '2024-01-06 00:00+00', '2024-01-07 00:00+00')), 16.5::numeric, 'a corrected row is in its place')
FROM (VALUES ('[{"at": "2024-01-05T10:00:00Z", "value": 5, "ref": 1}, {"at": "2024-01-06T10:00:00Z", "value": 95, "ref": 2}, {"at": "2024-01-06T23:00:00Z", "value": 1, "ref": 3}, {"at": "2024-01-07T00:00:00Z", "value": 2, "ref": 4}]'::event_timeline)) v(t);
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
SELECT throws_ok(format('SELECT timeline_replace(''[]'', %L, %L, %L)', e, since, until), '22023', 'a fresh event is outside of the time that is replaced', 'timeline_replace: an event ' || what)
FROM (VALUES ('before', '2024-01-05T09:59:59.999999Z'), ('at its end', '2024-01-06T10:00:00Z')) v(what, at), LATERAL (SELECT format('[{"at": "2024-01-05T10:00:00Z"}, {"at": %s}]', to_json(at)) AS e, '2024-01-05 10:00+00' AS since, '2024-01-06 10:00+00' AS until) l;
SELECT alike(detail($$SELECT timeline_replace(NULL, '[{"at": "2024-01-05T10:00:00Z"}, {"at": "2024-01-07T10:00:00Z", "value": 12.5, "ref": "A-7"}]', NULL, '2024-01-06')$$), '%12.5, "ref": "A-7"%', '... is named');
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
