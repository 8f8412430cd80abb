--
-- Which days instants belong to, and when days end, around each change of the clock at night or by half a day that a
-- zone of the server has made since 1840 or will make: all functions that know days, against AT TIME ZONE.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(16);
\ir reference/days.sql

-- Changes of clocks, to the second: the time in UTC, and the local time just before and then. What several zones do alike is one.
CREATE TABLE change AS
WITH RECURSIVE sample AS (SELECT name, utc, (utc::timestamptz AT TIME ZONE name) - utc AS clock FROM pg_timezone_names, generate_series(timestamp '1840-01-01', '2039-12-31', '3 months') utc
		WHERE name !~ '^(posix|right)/' AND upper(name) NOT IN (SELECT upper(abbrev) FROM pg_timezone_abbrevs)),
	turn AS (SELECT DISTINCT ON (since, before, clock) name, since, utc AS until, before, clock
		FROM (SELECT *, lag(clock) OVER w AS before, lag(utc) OVER w AS since FROM sample WINDOW w AS (PARTITION BY name ORDER BY utc)) s WHERE before <> clock ORDER BY since, before, clock, name),
	closer AS (SELECT name, since, until, before, clock FROM turn UNION ALL
		SELECT name, CASE WHEN c = before THEN middle ELSE since END, CASE WHEN c = before THEN until ELSE middle END, before, CASE WHEN c = before THEN clock ELSE c END
		FROM closer, LATERAL (SELECT date_trunc('second', since + (until - since) / 2)) m (middle), LATERAL (SELECT (middle::timestamptz AT TIME ZONE name) - middle) n (c) WHERE until - since > '1 second')
SELECT row_number() OVER (ORDER BY until, before, clock) AS id, name AS zone, until AS utc, until + before AS local_before, until + clock AS local_then
FROM (SELECT DISTINCT ON (until, before, clock) * FROM closer WHERE until - since = '1 second' ORDER BY until, before, clock, name) c
WHERE (until + before - interval '2 hours')::time > '20:00' OR (until + clock - interval '2 hours')::time > '20:00' OR abs(extract(epoch FROM clock - before)) > 43200;
SELECT cmp_ok((SELECT count(*)::int FROM change), '>', 2000, 'clocks have been changed at night');
SELECT cmp_ok((SELECT count(*)::int FROM change WHERE local_then::date = local_before::date AND local_then::time = '00:00' AND local_before > local_then), '>', 100, '... days with two midnights among them');
SELECT cmp_ok((SELECT count(*)::int FROM change WHERE local_then::date < (local_before - interval '1 second')::date), '>', 20, '... and days that come again');
SELECT cmp_ok((SELECT count(*)::int FROM change WHERE local_then::date > local_before::date + 1 OR (local_then::time = '00:00' AND local_then::date > local_before::date AND local_then - local_before >= '24 hours')), '>', 1, '... and that are left out');

-- Instants around each: the change, the midnights by either clock, and the microsecond before.
CREATE TABLE instant AS
SELECT DISTINCT id, zone, at, (at AT TIME ZONE zone)::date AS day
FROM change, LATERAL (SELECT utc::timestamptz UNION SELECT utc::timestamptz + n * interval '35 minutes' FROM generate_series(-2, 3) n
		UNION SELECT (d::timestamp - (c - utc))::timestamptz FROM generate_series(-1, 2) n, unnest(ARRAY[local_before, local_then]) c, LATERAL (SELECT local_then::date + n) l (d)) i (it),
	LATERAL (SELECT it UNION ALL SELECT it - interval '1 microsecond') a (at);
CREATE INDEX ON instant (id);
ANALYZE;
-- The end of a day: until the first instant of a later one.
CREATE TABLE wanted AS
SELECT c.id, c.zone, as_of, ends, count(DISTINCT i.day) FILTER (WHERE i.day <= as_of) AS days, count(*) FILTER (WHERE i.day <= as_of) AS on_days, count(*) FILTER (WHERE i.at < ends) AS before_end
FROM change c, LATERAL (SELECT DISTINCT d FROM unnest(ARRAY[local_before::date - 1, local_before::date, local_then::date - 1, local_then::date]) d) a (as_of),
	LATERAL (SELECT min(at) AS ends FROM instant i WHERE i.id = c.id AND i.day > as_of) e JOIN instant i ON true WHERE i.id = c.id
GROUP BY 1, 2, 3, 4;

-- What each function counts, of events of one customer, or of one event each of many.
CREATE FUNCTION of_one(of_id bigint, zone text, as_of date) RETURNS TABLE (what text, counted numeric)
LANGUAGE plpgsql AS $$
DECLARE
	t event_timeline := (SELECT timeline_agg(at, 1) FROM instant WHERE id = of_id);
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	RETURN QUERY VALUES ('days: activity_count', activity_count(activity_set(t), NULL, as_of + 1)::numeric), ('before_end: points_balance', points_balance(t, '{}', as_of));
END $$;
CREATE FUNCTION of_many(of_id bigint, zone text, asked date) RETURNS TABLE (what text, counted numeric)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	RETURN QUERY
	SELECT v.* FROM (SELECT activities(n, at) AS a, timelines(n, at, 1) AS b, timelines(n, at, 'k'::text) AS k, timeline_agg(at, 1) AS t FROM (SELECT at, row_number() OVER () AS n FROM instant WHERE id = of_id) i) q,
		LATERAL (VALUES
			('on_days: growth(activities)', (SELECT sum(r.new) FROM growth_table(growth(a, 'day', asked)) r)),
			('on_days: growth(timelines)', (SELECT sum(r.new) FROM growth_table(growth(b, 'day', asked)) r)),
			('on_days: repeat_rate(activities)', (SELECT r.buyers FROM repeat_rate_table(repeat_rate(a, asked)) r)),
			('on_days: repeat_rate(timelines)', (SELECT r.buyers FROM repeat_rate_table(repeat_rate(b, asked)) r)),
			('on_days: retention(activities)', (SELECT r.customers FROM retention_totals(retention(a, 'day', asked)) r)),
			('before_end: retention(timelines)', (SELECT r.customers FROM retention_totals(retention(b, 'day', asked, elapsed => '1 hour')) r)),
			('before_end: funnel_totals', (SELECT max(r.reached) FROM funnel_totals_table(funnel_totals(k, '{k}', as_of => asked)) r)),
			('before_end: points_totals', (SELECT r.active FROM points_totals_table(points_totals(b, '{}', asked)) r)),
			('before_end: points_rollforward', (SELECT r.closing FROM points_rollforward_table(points_rollforward(b, '{}', 'day', asked)) r ORDER BY r.period_start DESC LIMIT 1)),
			('before_end: points_rollforward, all days', (SELECT sum(r.issued) FROM points_rollforward_table(points_rollforward(b, '{}', 'day', asked)) r)),
			('before_end: tier_census', (SELECT sum(r.members) FROM tier_census_table(tier_census(b, '{"a": 1}', asked)) r)),
			('before_end: tier_flow', (SELECT sum(r.members_at_end) FROM tier_flow_table(tier_flow(b, '{"a": 1}', 'day', asked)) r WHERE r.period_start = asked)),
			('before_end: tier_progress', (SELECT r.value FROM tier_progress(t, '{"levels": {"a": 1000}, "qualifying_window": "lifetime"}', asked) r)),
			('before_end: program_totals', (SELECT max(r.orders) FROM program_totals_table(program_totals(b, '{"earn": {}}', asked)) r)),
			('before_end: program_rollforward', (SELECT r.closing FROM program_rollforward_table(program_rollforward(b, '{"earn": {}}', 'day', asked)) r ORDER BY r.period_start DESC LIMIT 1)),
			('before_end: program_summary', (SELECT r.orders FROM program_summary(t, '{"earn": {}}', asked) r))) v;
END $$;
CREATE TABLE got AS SELECT w.*, f.what, f.counted, CASE split_part(what, ':', 1) WHEN 'days' THEN days WHEN 'on_days' THEN on_days ELSE before_end END AS expected FROM wanted w, of_one(id, zone, as_of) f;
SELECT is_empty('SELECT * FROM got WHERE counted <> expected LIMIT 10', 'days of sets and ends of days, at each change');

-- One of each kind of change: from which local time to which.
CREATE TABLE typical AS SELECT DISTINCT ON (local_before - utc, local_then - utc, utc::time) id FROM change ORDER BY local_before - utc, local_then - utc, utc::time, id;
CREATE TABLE asked AS SELECT w.*, f.what, f.counted, CASE split_part(what, ':', 1) WHEN 'on_days' THEN on_days ELSE before_end END AS expected FROM wanted w JOIN typical USING (id), of_many(id, zone, as_of) f;
SELECT is(count(DISTINCT what)::int, 16, 'questions') FROM asked;
SELECT is_empty('SELECT * FROM asked WHERE counted IS DISTINCT FROM expected LIMIT 10', 'days and their ends in each of them');
SELECT cmp_ok((SELECT count(*)::int FROM asked WHERE on_days <> before_end), '>', 100, '... of which some come again behind their end');

-- What results say of such days is read again, in whatever zone.
CREATE FUNCTION unreadable(of_id bigint, zone text, asked date) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	result record;
	again text;
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	FOR result IN
		SELECT v.* FROM (SELECT activities(n, at) AS a, timelines(n, at, 1) AS b, timelines(n, at, 'k'::text) AS k FROM (SELECT at, row_number() OVER () AS n FROM instant WHERE id = of_id) i) q, LATERAL (VALUES
			('growth_result', growth(a, 'day', asked)::text), ('growth_money_result', growth(b, 'day', asked)::text), ('repeat_rate_result', repeat_rate(b, asked)::text), ('retention_result', retention(a, 'day', asked)::text),
			('retention_result', retention(b, 'day', asked, elapsed => '1 day')::text), ('retention_result', retention(b, 'day', asked, elapsed => '1 hour', brackets => '{{1,2},{3,30}}')::text), ('funnel_totals_result', funnel_totals(k, '{k,k}', as_of => asked)::text),
			('points_rollforward_result', points_rollforward(b, '{"expires_after": "1 day"}', 'day', asked)::text), ('points_triangle_result', points_triangle(b, '{"expires_after": "1 day"}', 'day', asked)::text),
			('tier_flow_result', tier_flow(b, '{"levels": {"a": 1}, "valid": "1 day"}', 'day', asked)::text), ('tier_migration_result', tier_migration(b, '{"a": 1}', asked - 1, asked)::text), ('tier_tenure_result', tier_tenure(b, '{"levels": {"a": 1}, "valid": "1 day"}', asked)::text),
			('program_rollforward_result', program_rollforward(b, '{"earn": {}}', 'day', asked)::text)) v (type, text)
	LOOP
		PERFORM set_config('TimeZone', 'Pacific/Apia', true);
		EXECUTE format('SELECT %L::%s::text', result.text, result.type) INTO again;
		IF again <> result.text THEN
			RETURN NEXT result.text;
		END IF;
	END LOOP;
END $$;
SELECT is_empty('SELECT id, c.zone, u FROM change c JOIN typical USING (id), unreadable(id, c.zone, local_then::date) u LIMIT 10', 'results of each are read back');
SELECT is_empty('SELECT zone, as_of FROM wanted JOIN typical USING (id) WHERE id % 40 = 0 AND ends <> ref_day_begins(as_of + 1, zone)', 'the references say the same');

-- Days of which the clock shows midnight twice, whatever asks: Ponta Delgada's of 27 October 2024 begins at 00:00 (UTC) and again at 01:00.
SET timezone = 'Atlantic/Azores';
SELECT is((SELECT string_agg(points_balance(t, '{}', d)::text, ' ' ORDER BY d) FROM (SELECT timeline_agg(at, 1) AS t FROM unnest('{2024-10-26 23:59:59.999999+00,2024-10-27 00:00+00,2024-10-27 00:30+00,2024-10-27 01:00+00,2024-10-28 00:59:59+00,2024-10-28 01:00+00}'::timestamptz[]) at) q,
	unnest('{2024-10-26,2024-10-27,2024-10-28}'::date[]) d), '1 5 6', 'the Azores');
SELECT is(ref_day_begins('2024-10-27', 'Atlantic/Azores'), '2024-10-27 00:00+00'::timestamptz, '... where a day begins with its first midnight');
SELECT is(ref_day_begins(day, zone), begins, zone || ' ' || day) FROM (VALUES
	(date '2024-11-03', 'America/Havana', timestamptz '2024-11-03 04:00+00'), ('2021-10-29', 'Asia/Amman', '2021-10-28 21:00+00'), ('2010-11-07', 'America/St_Johns', '2010-11-07 02:30+00'), ('2011-12-30', 'Pacific/Apia', '2011-12-30 10:00+00')) v (day, zone, begins);
SELECT * FROM finish();
ROLLBACK;
