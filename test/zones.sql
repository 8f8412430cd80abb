--
-- The local day of an instant, in every zone that PostgreSQL knows, from 1800
-- to 2200: near midnights and changes of offset, against AT TIME ZONE.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(47);
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

-- ---- names that mislead ----

-- what is taken is what AT TIME ZONE takes it for; what else it could be is refused
CREATE FUNCTION taken(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM activity_agg(timestamptz '2024-01-31', name);
	RETURN 'yes';
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN CASE WHEN SQLERRM = format('time zone "%s" has two meanings', name) THEN 'two meanings' WHEN SQLERRM = format('unknown time zone "%s"', name) THEN 'unknown' ELSE SQLERRM END;
END $$;
CREATE TABLE name AS SELECT name, taken(name) AS taken FROM (
	SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|right)/' AND name NOT IN ('localtime', 'posixrules', 'Factory') AND (upper(name) IN (SELECT upper(abbrev) FROM pg_timezone_abbrevs) OR name !~ '/')
	UNION SELECT abbrev FROM pg_timezone_abbrevs
	UNION SELECT format(f, s, h) FROM unnest(ARRAY['%s%s', 'UTC%s%s', 'gmt%s%s', 'UT%s%s', 'XYZ%s%s', 'Etc/GMT%s%s']) f, unnest(ARRAY['+', '-', '']) s, unnest(ARRAY['2', '02:00', '03:30', '0', '12']) h
	UNION SELECT unnest(ARRAY['<+02>-02', '<-0330>+03:30', 'EST5EDT', 'EST5EDT,M3.2.0,M11.1.0', 'CET-1CEST', 'cet', 'Eet', 'europe/helsinki', 'UTC', 'utc0', '<UTC+2>-2'])) n;
CREATE FUNCTION days_of(zone text) RETURNS activity_set LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT activity_set(array_agg((at AT TIME ZONE zone)::date)) FROM instant);
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN NULL; -- an abbreviation of this server's that it has no zone for
END $$;
SELECT is_empty('SELECT name FROM name WHERE taken NOT IN (''yes'', ''two meanings'', ''unknown'')', 'each name is taken, has two meanings, or is unknown');
SELECT is_empty('SELECT name FROM name WHERE taken = ''yes'' AND (SELECT activity_agg(at, name) FROM instant) IS DISTINCT FROM days_of(name)', 'names that are taken are those of AT TIME ZONE');
SELECT cmp_ok((SELECT count(*)::int FROM name WHERE taken = 'yes'), '>', 40, '... and there are some');
SELECT results_eq($$SELECT DISTINCT upper(name) COLLATE "C" FROM name WHERE taken = 'two meanings' AND name ~ '^[A-Za-z]+$' ORDER BY 1$$, $$SELECT upper(name) COLLATE "C" FROM pg_timezone_names WHERE upper(name) IN ('CET', 'EET', 'MET', 'WET', 'EST', 'MST', 'HST') ORDER BY 1$$, 'zones that are abbreviations too are refused');
SELECT is_empty($$SELECT name, taken FROM name WHERE name ~* '^(UTC|GMT|UT)?[-+]?[0-9:]+$' AND taken <> CASE WHEN name ~ '[1-9]' THEN 'two meanings' ELSE 'yes' END$$, 'hours are refused, but none');
SELECT is_empty($$SELECT name FROM (VALUES ('Etc/GMT-2'), ('<+02>-02'), ('EST5EDT'), ('CET-1CEST'), ('GMT0'), ('XYZ+2')) v(n) JOIN name ON name = n WHERE taken <> 'yes'$$, 'what says where it is isn''t');
SELECT throws_ok(call, '22023', format('time zone "%s" has two meanings', z), call) FROM unnest(ARRAY['CET', '+02:00']) z, LATERAL (SELECT format(c, z) FROM unnest(ARRAY['SELECT activities(1, now(), %L)', 'SELECT activities(1, current_date, %L)', 'SELECT activity_set(''[]''::event_timeline, %L)', 'SELECT timelines(1, current_date, 5, %L)', 'SELECT make_event(at => current_date, zone => %L)',
	'SELECT calendar_period(''month@%s'')', 'SELECT ''{"zone": "%s"}''::points_policy', 'SELECT ''{"levels": {"a": 1}, "zone": "%s"}''::tier_policy', 'SELECT ''{"zone": "%s"}''::program_policy']) c) f(call);

-- a session may be in any of them, and what it stores is read by others
SELECT is_empty('SELECT z FROM unnest(ARRAY[''CET'', ''+02:00'', ''UTC+2'', ''-3'', ''XYZ+2'', ''EST'']) z, in_session(z) s WHERE (s.a::text::activity_base, s.r::text::retention_result, s.p::text::points_totals_result, s.f::text::funnel_totals_result) IS DISTINCT FROM (s.a, s.r, s.p, s.f)
	OR (SELECT rollup(r)::text FROM (VALUES (s.r), (s.r)) v(r)) IS NULL', 'results of sessions in such zones are written and read');
SELECT is((SELECT string_agg(t.zone, ' ' ORDER BY n) FROM unnest(ARRAY['CET', '+02:00', 'UTC-3:30', 'XYZ+2', '<+02>-02']) WITH ORDINALITY z(z, n), in_session(z) s, retention_totals(s.r) t), 'CET <-02>+02 <+03:30>-03:30 XYZ+2 <+02>-02', '... and say which zone that is');
SET timezone = 'UTC';
SELECT * FROM finish();
ROLLBACK;
