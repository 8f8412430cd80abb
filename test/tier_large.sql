--
-- Timelines of 100,000 events in the forms in which a careless walk goes over the whole
-- window again and again.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(30);
-- What a walk that looked at all events of the window for each event would take is minutes.
SET LOCAL statement_timeout = '20s';

CREATE TABLE large (name text, policy tier_policy, t event_timeline);
INSERT INTO large SELECT 'by the minute', p, timeline_agg(make_event(at => at, value => 1 + n % 7))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at),
	unnest('{"{\"S\": 1000, \"G\": 100000}","{\"levels\": {\"S\": 100, \"G\": 2000}, \"qualifying_window\": \"1 day\", \"valid\": \"while_qualified\"}","{\"levels\": {\"S\": 100, \"G\": 100000}, \"qualifying_window\": \"since tier\", \"valid\": \"1 hour\"}"}'::jsonb[]) p GROUP BY p;
-- half of a window leaves at instants that raise
INSERT INTO large SELECT 'every other one a return', p, timeline_agg(make_event(at => at, value => CASE WHEN n % 2 = 0 THEN 5 ELSE -4 END))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at),
	unnest('{"{\"levels\": {\"S\": 10, \"G\": 700}, \"qualifying_window\": \"1 day\"}","{\"levels\": {\"S\": 700, \"G\": 720}, \"qualifying_window\": \"1 day\", \"valid\": \"while_qualified\", \"grace\": \"1 hour\"}"}'::jsonb[]) p GROUP BY p;
-- their ends are in another order than they are
INSERT INTO large SELECT 'within an hour that comes twice', p, timeline_agg(make_event(at => at, value => CASE WHEN n % 3 = 0 THEN -1 ELSE 1 END))
FROM (SELECT n, timestamptz '2023-11-05 05:00Z' + n * interval '72 milliseconds' AS at FROM generate_series(1, 100000) n) e(n, at),
	unnest('{"{\"levels\": {\"S\": 10, \"G\": 700}, \"qualifying_window\": \"1 month\", \"zone\": \"America/New_York\"}","{\"levels\": {\"S\": 700, \"G\": 720}, \"qualifying_window\": \"1 month\", \"valid\": \"while_qualified\", \"zone\": \"America/New_York\"}","{\"levels\": {\"S\": 1}, \"metrics\": {\"d\": {\"of\": \"days\"}}, \"qualifying_window\": \"1 month\", \"zone\": \"America/New_York\"}"}'::jsonb[]) p GROUP BY p;
INSERT INTO large SELECT 'all at one instant', '{"levels": {"S": 1, "G": 2}, "valid": "while_qualified"}', timeline_agg(make_event(at => '2020-01-01', value => n % 5 - 2)) FROM generate_series(1, 100000) n;
INSERT INTO large SELECT 'grants', '{"S": 1, "G": 100000}', timeline_agg(make_event(at => at, value => 1, kind => CASE WHEN n % 2 = 0 THEN 'tier_grant' END, label => CASE WHEN n % 4 = 0 THEN 'S' ELSE 'G' END, expires_at => at + interval '90 seconds', ref => n))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at);
INSERT INTO large SELECT 'grants before joining', '{"S": 1, "G": 100000}', timeline_agg(make_event(at => at, kind => CASE WHEN n = 100000 THEN 'join' ELSE 'tier_grant' END, label => 'G', expires_at => at + interval '90 days'))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at);
-- a period, a day, a version for nearly every event
INSERT INTO large SELECT 'over 270 years', p, t
FROM (SELECT timeline_agg(make_event(at => timestamptz '1800-01-01 12:00Z' + n * interval '1 day', value => 1 + n % 7)) FROM generate_series(1, 100000) n) q(t),
	unnest(ARRAY['{"levels": {"S": 3, "G": 6}, "qualifying_window": "calendar day", "valid": "period_end", "upgrade": "period_end"}', '{"levels": {"S": 300, "G": 1500}, "qualifying_window": "membership year", "valid": "next_period_end", "zone": "Europe/Helsinki"}', '{"levels": {"S": 30, "G": 360}, "metrics": {"d": {"of": "days"}}, "zone": "Europe/Helsinki"}',
		(SELECT jsonb_build_object('levels', '{"S": 500, "G": 1400}'::jsonb, 'versions', jsonb_agg(jsonb_build_object('from', date '1800-01-01' + n * 10, 'levels', jsonb_build_object('S', 500 + n % 2, 'G', 1400 + n % 9)))) FROM generate_series(1, 9000) n)]::jsonb[]) p;

CREATE FUNCTION seconds(t event_timeline, p tier_policy) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
BEGIN
	PERFORM tier(t, p, '2100-01-01');
	PERFORM count(*) FROM tier_history(t, p, '2030-01-01');
	PERFORM count(*) FROM tier_progress(t, p, '2020-02-01');
	RETURN extract(epoch FROM clock_timestamp() - began);
END $$;
SELECT is(timeline_count(t), 100000::bigint, name) FROM large;
SELECT cmp_ok(seconds(t, policy), '<', 8.0, 'seconds of all questions: ' || name) FROM large;
SELECT * FROM finish();
ROLLBACK;
