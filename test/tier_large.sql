--
-- Timelines of 100,000 events in the forms in which a careless walk goes over the whole
-- window again and again.
--
-- Four times the events are about four times the work; a walk that looked at all events of the
-- window for each event would do sixteen times as much.
--
\ir reference/setup.sql
BEGIN;
\ir reference/work.sql
SELECT plan(30);

CREATE TABLE size AS SELECT * FROM (VALUES (25000), (100000)) v(events);
CREATE TABLE large (name text, policy tier_policy, events int, t event_timeline);
INSERT INTO large SELECT 'by the minute', p, events, timeline_agg(make_event(at => at, value => 1 + n % 7))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at),
	unnest('{"{\"S\": 1000, \"G\": 100000}","{\"levels\": {\"S\": 100, \"G\": 2000}, \"qualifying_window\": \"1 day\", \"valid\": \"while_qualified\"}","{\"levels\": {\"S\": 100, \"G\": 100000}, \"qualifying_window\": \"since tier\", \"valid\": \"1 hour\"}"}'::jsonb[]) p GROUP BY p, events;
-- half of a window leaves at instants that raise
INSERT INTO large SELECT 'every other one a return', p, events, timeline_agg(make_event(at => at, value => CASE WHEN n % 2 = 0 THEN 5 ELSE -4 END))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at),
	unnest('{"{\"levels\": {\"S\": 10, \"G\": 700}, \"qualifying_window\": \"1 day\"}","{\"levels\": {\"S\": 700, \"G\": 720}, \"qualifying_window\": \"1 day\", \"valid\": \"while_qualified\", \"grace\": \"1 hour\"}"}'::jsonb[]) p GROUP BY p, events;
-- their ends are in another order than they are
INSERT INTO large SELECT 'within an hour that comes twice', p, events, timeline_agg(make_event(at => at, value => CASE WHEN n % 3 = 0 THEN -1 ELSE 1 END))
FROM size, LATERAL (SELECT n, timestamptz '2023-11-05 05:00Z' + n * interval '72 milliseconds' AS at FROM generate_series(1, events) n) e(n, at),
	unnest('{"{\"levels\": {\"S\": 10, \"G\": 700}, \"qualifying_window\": \"1 month\", \"zone\": \"America/New_York\"}","{\"levels\": {\"S\": 700, \"G\": 720}, \"qualifying_window\": \"1 month\", \"valid\": \"while_qualified\", \"zone\": \"America/New_York\"}","{\"levels\": {\"S\": 1}, \"metrics\": {\"d\": {\"of\": \"days\"}}, \"qualifying_window\": \"1 month\", \"zone\": \"America/New_York\"}"}'::jsonb[]) p GROUP BY p, events;
INSERT INTO large SELECT 'all at one instant', '{"levels": {"S": 1, "G": 2}, "valid": "while_qualified"}', events, timeline_agg(make_event(at => '2020-01-01', value => n % 5 - 2)) FROM size, generate_series(1, events) n GROUP BY events;
INSERT INTO large SELECT 'grants', '{"S": 1, "G": 100000}', events, timeline_agg(make_event(at => at, value => 1, kind => CASE WHEN n % 2 = 0 THEN 'tier_grant' END, label => CASE WHEN n % 4 = 0 THEN 'S' ELSE 'G' END, expires_at => at + interval '90 seconds', ref => n))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;
INSERT INTO large SELECT 'grants before joining', '{"S": 1, "G": 100000}', events, timeline_agg(make_event(at => at, kind => CASE WHEN n = events THEN 'join' ELSE 'tier_grant' END, label => 'G', expires_at => at + interval '90 days'))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;
-- a period, a day, a version for nearly every event
INSERT INTO large SELECT 'over 270 years', p, events, t
FROM (SELECT events, timeline_agg(make_event(at => timestamptz '1800-01-01 12:00Z' + n * interval '1 day', value => 1 + n % 7)) FROM size, generate_series(1, events) n GROUP BY events) q(events, t),
	unnest(ARRAY['{"levels": {"S": 3, "G": 6}, "qualifying_window": "calendar day", "valid": "period_end", "upgrade": "period_end"}', '{"levels": {"S": 300, "G": 1500}, "qualifying_window": "membership year", "valid": "next_period_end", "zone": "Europe/Helsinki"}', '{"levels": {"S": 30, "G": 360}, "metrics": {"d": {"of": "days"}}, "zone": "Europe/Helsinki"}',
		(SELECT jsonb_build_object('levels', '{"S": 500, "G": 1400}'::jsonb, 'versions', jsonb_agg(jsonb_build_object('from', date '1800-01-01' + n * 10, 'levels', jsonb_build_object('S', 500 + n % 2, 'G', 1400 + n % 9)))) FROM generate_series(1, 9000) n)]::jsonb[]) p;

SELECT is(timeline_count(t), 100000::bigint, name) FROM large WHERE events = 100000;
CREATE FUNCTION all_questions(large) RETURNS text
LANGUAGE sql AS $$
	SELECT format($question$
		SELECT tier(t, policy, '2100-01-01'), (SELECT count(*) FROM tier_history(t, policy, '2030-01-01')), (SELECT count(*) FROM tier_progress(t, policy, '2020-02-01'))
		FROM large WHERE (name, policy, events) = (%L, %L::tier_policy, %L)$question$, $1.name, $1.policy, $1.events)
$$;
SELECT cmp_ok(work_ratio(all_questions(l), all_questions(s), 9), '<', 9.0, 'work of all questions for four times the events: ' || name) FROM large l JOIN large s USING (name, policy) WHERE l.events = 4 * s.events;
SELECT * FROM finish();
ROLLBACK;
