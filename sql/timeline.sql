--
-- timeline_event and event_timeline: text form, constructors, aggregates,
-- operators, accessors, errors.
--
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset null '(null)'

-- events
SELECT make_event(at => '2024-01-05 10:00+00') AS instant;
SELECT make_event(at => '2024-01-05 10:00+02', value => 12.50, kind => 'earn', label => 'x', ref => 42, expires_at => '2025-01-01') AS everything;
SELECT make_event(at => '2024-01-05', ref => 'A-42') AS text_ref, make_event(at => '2024-01-05', ref => '42') AS number_as_text,
	   make_event(at => '2024-01-05', ref => 42) = make_event(at => '2024-01-05', ref => '42') AS same,
	   make_event(at => '2024-01-05', ref => '042') AS leading_zero_is_text, make_event(at => '2024-01-05', ref => '99999999999999999999') AS too_long_for_bigint,
	   make_event(at => '2024-01-05', ref => '-7') AS negative, make_event(at => '2024-01-05', ref => '-0') AS minus_zero;
SELECT make_event(at => NULL) AS null_at, make_event(at => '2024-01-05', value => NULL, kind => NULL, label => NULL) AS nulls;
SELECT make_event(at => '2024-01-05', value => 5::smallint) AS smallint, make_event(at => '2024-01-05', value => 5::integer) AS integer,
	   make_event(at => '2024-01-05', value => 5::bigint) AS bigint, make_event(at => '2024-01-05', ref => 5::smallint) AS smallint_ref,
	   make_event(at => '2024-01-05', ref => 5::integer) AS integer_ref;
SELECT make_event(at => '2024-01-05', expires_at => 'infinity') AS never_expires;
SELECT make_event(at => '2024-01-05 10:00:00.000001') AS microsecond, make_event(at => '0044-03-15 12:00 BC') AS before_christ;
SELECT make_event(at => '2024-01-05', kind => '', label => E'quote " backslash \\ newline \n end', ref => 'ä€𝄞') AS odd_texts;
SELECT attempt($$SELECT make_event(at => 'infinity')$$);
SELECT attempt($$SELECT make_event(at => '-infinity')$$);
SELECT attempt($$SELECT make_event(at => '2024-01-05', expires_at => '-infinity')$$);
SELECT attempt($$SELECT make_event(at => '2024-01-05', value => 'NaN')$$);
SELECT attempt($$SELECT make_event(at => '2024-01-05', value => 'Infinity')$$);
SELECT attempt($$SELECT make_event(at => '2024-01-05', value => 9223372036854775807)$$) AS largest;
SELECT attempt($$SELECT make_event(at => '2024-01-05', value => 9223372036854775808)$$) AS too_large;
SELECT attempt($$SELECT make_event(at => '2024-01-05', value => 0.0000000000000000001)$$) AS too_fine;

-- text form of an event and of a timeline
SELECT written, attempt(format('SELECT %L::timeline_event', written)) AS answer
  FROM unnest(ARRAY[
	'{"at": "2024-01-05T10:00:00+00:00"}', '{"at": "2024-01-05 12:00+02"}', '{"at": "2024-01-05T10:00:00Z", "value": 1.50, "ref": "42"}',
	'{"value": 1, "at": "2024-01-05T10:00:00.5Z", "kind": "earn", "label": "x", "ref": "A", "expires_at": "infinity"}',
	'{}', '[]', '', 'null', '1', '{"at": null}', '{"at": 5}', '{"at": "never"}', '{"at": "infinity"}', '{"at": "2024-01-05 10:00"}', '{"at": "2024-01-05"}', '{"at": "now"}',
	'{"at": "2024-01-05T10:00:00Z", "when": 1}', '{"at": "2024-01-05T10:00:00Z", "value": "1"}', '{"at": "2024-01-05T10:00:00Z", "kind": 1}',
	'{"at": "2024-01-05T10:00:00Z", "label": {}}', '{"at": "2024-01-05T10:00:00Z", "ref": 1.5}', '{"at": "2024-01-05T10:00:00Z", "ref": 99999999999999999999}',
	'{"at": "2024-01-05T10:00:00Z", "ref": true}', '{"at": "2024-01-05T10:00:00Z", "expires_at": "-infinity"}', '{"at": "2024-01-05T10:00:00Z", "value": 1e30}', '{"at"'
  ]) AS written;
SELECT written, attempt(format('SELECT %L::event_timeline', written)) AS answer
  FROM unnest(ARRAY[
	'[]', ' [ ] ', '[{"at": "2024-01-09T00:00:00Z", "value": 1.5}, {"at": "2024-01-05T10:00:00Z", "value": 2}]',
	'[{"at": "2024-01-05T10:00:00Z"}, {"at": "2024-01-05T10:00:00Z"}]',
	'', '{}', 'null', '[1]', '[null]', '[[]]', '[{}]', '[{"at": "2024-01-05T10:00:00Z"}', '[{"at": "2024-01-05T10:00:00Z", "valeu": 1}]', '[{"at": "2024-01-05T10:00:00Z"}, 7]'
  ]) AS written;
SET timezone = 'America/New_York';
SELECT make_event(at => '2024-01-05T10:00:00Z') AS utc_whatever_the_zone, '{"at": "2024-01-05T10:00:00Z"}'::timeline_event = make_event(at => '2024-01-05 05:00') AS same;
SET timezone = 'UTC';

-- aggregates
CREATE TEMP TABLE entry (id int, at timestamptz, value numeric, kind text, label text, expires_at timestamptz);
INSERT INTO entry VALUES
	(3, '2024-02-01 09:00', -2.5, 'redeem', NULL, NULL), (1, '2024-01-05 10:00', 10, 'earn', 'shop', '2025-01-05'), (2, '2024-01-05 10:00', 0.25, 'earn', 'web', NULL),
	(4, '2024-03-01 09:00', NULL, 'join', NULL, NULL), (5, NULL, 3, 'earn', NULL, NULL);
SELECT timeline_agg(at) FROM entry;
SELECT timeline_agg(at, value) FROM entry;
SELECT timeline_agg(make_event(at => at, value => value, kind => kind, label => label, ref => id, expires_at => expires_at)) FROM entry;
SELECT timeline_agg(at, value) AS of_nothing FROM entry WHERE false;
SELECT timeline_agg(at, value) AS of_nulls FROM entry WHERE at IS NULL;
SELECT timeline_agg(make_event(at => at)) AS of_null_events FROM entry WHERE at IS NULL;
SELECT attempt($$SELECT timeline_agg(at) FROM (VALUES (timestamptz 'infinity')) v(at)$$);
SELECT attempt($$SELECT timeline_agg(at, v) FROM (VALUES (timestamptz '2024-01-01', 9e17), ('2024-01-02', 0.0001)) v(at, v)$$) AS one_scale_doesnt_hold_both;
SELECT attempt($$SELECT timeline_agg(at, v) FROM (VALUES (timestamptz '2024-01-01', numeric 'NaN')) v(at, v)$$);
SELECT rollup(t) FROM (VALUES ('[{"at": "2024-01-05T10:00:00Z", "value": 1}]'::event_timeline), (NULL), ('[]'), ('[{"at": "2024-01-04T10:00:00Z", "value": 0.5}]')) v(t);
SELECT rollup(t) AS of_nulls FROM (VALUES (NULL::event_timeline)) v(t);
SELECT rollup(t) AS of_empty FROM (VALUES ('[]'::event_timeline)) v(t);

-- merge, take away, merge once
\set a '[{"at": "2024-01-05T10:00:00Z", "value": 1, "ref": 1}, {"at": "2024-01-06T10:00:00Z", "value": 2.50}]'
\set b '[{"at": "2024-01-06T10:00:00Z", "value": 2.5}, {"at": "2024-01-04T10:00:00Z", "value": 7, "ref": 1}]'
SELECT :'a'::event_timeline + :'b' AS merged;
SELECT :'a'::event_timeline + :'b' - :'b' AS back, :'a'::event_timeline + :'b' - :'b' = :'a' AS same;
SELECT :'a'::event_timeline - '[{"at": "2024-01-06T10:00:00Z", "value": 2.5}]' AS without_2_50;
SELECT attempt(format('SELECT %L::event_timeline - %L', :'a', '[{"at": "2024-01-06T10:00:00Z", "value": 3}]')) AS isnt_there;
SELECT attempt($$SELECT '[]'::event_timeline - '[{"at": "2024-01-06T10:00:00Z", "ref": "A-1"}]'$$) AS isnt_there_either;
SELECT timeline_merge(:'a', :'b') AS merged_once;
SELECT timeline_merge('[{"at": "2024-01-05T10:00:00Z", "kind": "earn", "ref": 1}]',
	'[{"at": "2024-01-06T10:00:00Z", "kind": "return", "ref": 1}, {"at": "2024-01-07T10:00:00Z", "kind": "earn", "ref": 1}, {"at": "2024-01-07T10:00:00Z", "kind": "earn", "ref": "1x"}]') AS whole_events_count;
SELECT '[{"at": "2024-01-05T10:00:00Z", "value": 1.5}]'::event_timeline = '[{"at": "2024-01-05T10:00:00Z", "value": 1.50}]' AS same_at_any_scale,
	   '[{"at": "2024-01-05T10:00:00Z", "value": 0}]'::event_timeline = '[{"at": "2024-01-05T10:00:00Z"}]' AS zero_isnt_absent;

-- accessors
SELECT * FROM timeline_events((SELECT timeline_agg(make_event(at => at, value => value, kind => kind, label => label, ref => id, expires_at => expires_at)) FROM entry));
SELECT timeline_count(t), timeline_first(t), timeline_last(t), timeline_sum(t), timeline_first_label(t), activity_set(t), activity_set(t, 'Pacific/Kiritimati') AS kiritimati
  FROM (SELECT timeline_agg(make_event(at => at, value => value, kind => kind, label => label, ref => id)) AS t FROM entry) q;
SELECT timeline_count(t), timeline_first(t), timeline_last(t), timeline_sum(t), timeline_first_label(t), activity_set(t)
  FROM (VALUES ('[]'::event_timeline), ('[{"at": "2024-01-05T10:00:00Z"}]'), (NULL)) v(t);
SELECT since, until, timeline_sum(t, since, until), timeline_slice(t, since, until)
  FROM (SELECT timeline_agg(at, value) AS t FROM entry) q,
	   (VALUES (timestamptz '2024-01-05 10:00', timestamptz '2024-02-01 09:00'), ('2024-01-05 10:00:00.000001', '2024-02-01 09:00:00.000001'),
			   (NULL, '2024-01-05 10:00'), ('2024-03-01 09:00', NULL), (NULL, NULL), ('2024-03-01', '2024-01-01'), ('-infinity', 'infinity')) v(since, until);
SELECT kinds, labels, timeline_count(timeline_filter(t, kinds, labels))
  FROM (SELECT timeline_agg(make_event(at => at, value => value, kind => kind, label => label)) AS t FROM entry) q,
	   (VALUES (NULL::text[], NULL::text[]), ('{earn}', NULL), ('{earn,join}', NULL), (NULL, '{shop}'), (NULL, '{NULL}'), ('{earn}', '{web,NULL}'), ('{redeem}', '{shop}'), ('{}', NULL), ('{nothing}', NULL)) v(kinds, labels);
SELECT attempt($$SELECT activity_set('[]'::event_timeline, 'Mars/Olympus')$$) AS unknown_zone;
