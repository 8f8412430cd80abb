--
-- The local day of an instant, in every zone that PostgreSQL knows, from 1800
-- to 2200: near midnights and changes of offset, against AT TIME ZONE.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(21);
SELECT setseed(0.23);

-- A sixth of the zones, and odd ones. AT TIME ZONE takes names such as WET for abbreviations, without summer time.
CREATE TABLE zone AS
SELECT name FROM pg_timezone_names
WHERE name !~ '^(posix|right)/' AND name NOT IN ('localtime', 'posixrules', 'Factory') AND upper(name) NOT IN (SELECT upper(abbrev) FROM pg_timezone_abbrevs)
  AND (name IN ('Europe/Helsinki', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Monrovia', 'Asia/Kathmandu', 'Pacific/Kwajalein', 'Asia/Manila', 'America/Juneau', 'Europe/Amsterdam', 'Africa/El_Aaiun', 'Asia/Tehran', 'Antarctica/Troll', 'Pacific/Kiritimati', 'America/St_Johns')
	   OR abs(hashtext(name)) % 6 = 0);
SELECT cmp_ok((SELECT count(*)::int FROM zone), '>', 60, 'there are zones');

CREATE TABLE instant AS
SELECT timestamptz '1800-01-01 00:00+00' + days * interval '24 hours' + quarters * interval '15 minutes' + jitter AS at
FROM (SELECT trunc(random() * 146000) AS days, trunc(random() * 96) AS quarters, (ARRAY[interval '0', '-1 microsecond', '1 microsecond'])[1 + trunc(random() * 3)::int] AS jitter FROM generate_series(1, 1200)) r
UNION ALL
SELECT timestamptz '1960-01-01 00:00+00' + trunc(random() * 24 * 365.25 * 145) * interval '1 hour' + (ARRAY[interval '0', '-1 microsecond', '30 minutes'])[1 + trunc(random() * 3)::int] FROM generate_series(1, 800);
-- all around the ends of a table of offsets that starts and ends somewhere
INSERT INTO instant SELECT d + h * interval '1 hour' - s FROM unnest(ARRAY[timestamptz '1966-01-01 00:00+00', '1970-01-01 00:00+00', '2000-01-01 00:00+00', '2037-12-31 00:00+00', '2099-12-31 00:00+00', '2100-12-31 00:00+00']) d, generate_series(-30, 30, 3) h, unnest(ARRAY[interval '0', '1 microsecond']) s;
INSERT INTO instant VALUES ('4713-02-01 00:00+00 BC'), ('0001-01-01 00:00+00'), ('0001-01-01 00:00+00 BC'), ('294276-12-30 00:00+00');

CREATE TABLE wanted AS SELECT name, at, (at AT TIME ZONE name)::date AS day FROM zone, instant;
ANALYZE wanted;
SELECT cmp_ok((SELECT count(*)::int FROM wanted), '>', 100000, '... and many instants in each');

SELECT is_empty('SELECT name, w.days - g.days, g.days - w.days
	FROM (SELECT name, activity_set(array_agg(day)) AS days FROM wanted GROUP BY name) w
	JOIN (SELECT name, activity_agg(at, name) AS days FROM wanted GROUP BY name) g USING (name) WHERE w.days <> g.days', 'activity_agg(at, zone): the days of each zone');
SELECT is_empty('SELECT name, at, day FROM (SELECT name, at, day, activity_agg(at, name) AS got FROM wanted WHERE abs(hashtext(name || at)) % 8 = 0 GROUP BY name, at, day) o WHERE got <> activity_set(ARRAY[day])', '... instant by instant');
SELECT is_empty('SELECT at FROM (SELECT at, activity_agg(at, name) AS got, activity_set(array_agg(day)) AS days FROM wanted GROUP BY at) o WHERE got <> days', '... another zone in each row');
SELECT is_empty('SELECT customer FROM (SELECT activities(name, at, name) AS b FROM wanted) q CROSS JOIN LATERAL customer_activities(q.b) c JOIN (SELECT name, activity_set(array_agg(day)) AS days FROM wanted GROUP BY name) w ON w.name = c.customer WHERE c.activity <> w.days', 'activities(customer, at, zone): the same');
SELECT is_empty('SELECT name FROM (SELECT name, activity_set(timeline_agg(at), name) AS got, activity_set(array_agg(day)) AS days FROM wanted GROUP BY name) o WHERE got <> days', 'activity_set(timeline, zone): the same');

-- the session's zone, changed between calls
CREATE FUNCTION session_days(zone text) RETURNS activity_set[]
LANGUAGE plpgsql AS $$
DECLARE
	got activity_set[];
BEGIN
	PERFORM set_config('timezone', zone, true);
	SELECT ARRAY[activity_agg(at), (SELECT c.activity FROM customer_activities(activities(1, at)) c), activity_set(timeline_agg(at))] INTO got FROM instant;
	RETURN got;
END $$;
SELECT is_empty('SELECT name FROM (SELECT name, session_days(name) AS got, activity_set(array_agg(day)) AS days FROM wanted GROUP BY name) o WHERE got <> ARRAY[days, days, days]', 'the session''s zone: the same');
SET timezone = '<+05:45>-05:45';
SELECT is((SELECT activity_agg(at) FROM instant), (SELECT activity_set(array_agg((at)::date)) FROM instant), 'a zone without a name');

-- ---- the names of UTC ----

CREATE TABLE utc AS
SELECT name FROM unnest(ARRAY['UTC', 'utc', 'Etc/UTC', 'GMT', 'Etc/GMT', 'UCT', 'Etc/UCT', 'Universal', 'Etc/Universal', 'Zulu', 'Etc/Zulu', 'Greenwich', 'Etc/Greenwich', 'GMT0', 'GMT+0', 'GMT-0', 'Etc/GMT+0', 'UTC0', '+00:00', '<+00>-00']) name;
-- the older of them are not on every server
DELETE FROM utc WHERE name ~ '^[A-Za-z/]+$' AND lower(name) NOT IN (SELECT lower(name) FROM pg_timezone_names);
CREATE FUNCTION in_session(session_zone text, OUT a activity_base, OUT r retention_result, OUT p points_totals_result, OUT f funnel_totals_result)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', session_zone, true);
	a := activities(1, timestamptz '2024-01-31 23:59:59+00');
	SELECT retention(activities(1, at), 'month', '2024-03-31'), points_totals(timelines(1, at, 10), '{}', '2024-03-31'), funnel_totals(timelines(1, at, 'a'::text), '{a}', '1 day', as_of => '2024-03-31')
	INTO r, p, f FROM (VALUES (timestamptz '2024-01-31 23:59:59+00')) v(at);
END $$;
SELECT is((SELECT count(DISTINCT ('month@' || name)::calendar_period)::text || ' ' || min((('month@' || name)::calendar_period)::text) FROM utc), '1 month@UTC', 'periods in UTC, whatever it is called, are one period');
SELECT is((SELECT count(DISTINCT calendar_period_send(('{2024-01-01}@' || name)::calendar_period))::int FROM utc), 1, '... with the same bytes');
SELECT is((SELECT count(DISTINCT jsonb_build_object('zone', name)::points_policy)::int FROM utc), 1, '... and policies');
SELECT is((SELECT count(DISTINCT s.r::text) || ' ' || count(DISTINCT s.p::text) || ' ' || count(DISTINCT s.f::text) FROM utc, in_session(name) s), '1 1 1', 'results of sessions in UTC are equal');
SELECT is((SELECT t.zone || ' ' || t.customers FROM (SELECT rollup(s.r) AS r FROM utc, in_session(name) s) q, retention_totals(q.r) t), 'UTC ' || (SELECT count(*) FROM utc), '... and are rolled up');
SELECT is((SELECT t.members::int FROM (SELECT rollup(s.p) AS r FROM utc, in_session(name) s) q, points_totals_table(q.r) t), (SELECT count(*)::int FROM utc), '... with points');
SELECT is((SELECT customers::int FROM (SELECT rollup(s.f) AS r FROM utc, in_session(name) s) q, funnel_totals_scope(q.r)), (SELECT count(*)::int FROM utc), '... with funnels');
SELECT is((SELECT count(*)::int FROM utc, LATERAL (SELECT retention(activities(1, timestamptz '2024-01-31 23:59:59+00', 'UTC'), ('month@' || name)::calendar_period, '2024-03-31') AS r) q WHERE r IS NOT NULL), (SELECT count(*)::int FROM utc), 'days collected in UTC are asked by month in any of its names');
SELECT lives_ok($$SELECT retention(activities(customer, at, zone)) FROM (VALUES (1, timestamptz '2024-01-31', 'Etc/UTC'), (2, timestamptz '2024-01-31', 'GMT')) v(customer, at, zone)$$, '... and collected by several of them');
SELECT is((SELECT (activity_agg(timestamptz '2024-01-31 23:59:59+00', name))::text FROM utc WHERE name = 'Etc/UTC'), '{2024-01-31}', '... one customer''s too');
-- what is at UTC only now and then is another zone
SELECT is((SELECT count(DISTINCT ('month@' || name)::calendar_period)::int FROM (VALUES ('UTC'), ('Europe/London'), ('Africa/Abidjan'), ('Atlantic/Reykjavik'), ('<+01>-01'), ('Etc/GMT-1')) v(name)), 6, 'zones that have been elsewhere are not UTC');
SELECT is(('{"zone": "gmt"}'::points_policy)::text, '{"zone": "UTC"}', 'its name is UTC');
SELECT * FROM finish();
ROLLBACK;
