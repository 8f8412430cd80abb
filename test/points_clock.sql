--
-- When points can be spent and when they are gone, against what PostgreSQL's own arithmetic of
-- days gives and AT TIME ZONE says of when they begin, where clocks are changed: at night, at midnight, across it, by a whole day.
--
\ir reference/setup.sql
BEGIN;
\ir reference/days.sql
SELECT plan(16);
SELECT setseed(0.25) IS NULL AS void \gset

-- Lots of a timeline whose instants aren't those; the timelines have many lots of one day each.
CREATE FUNCTION wrong_instants(zone text, since date, until date) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	after text;
	wrong bigint := 0;
	more bigint;
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	CREATE TEMP TABLE earnings ON COMMIT DROP AS
		SELECT timeline_agg(at, 1) AS t
		FROM (SELECT day::timestamptz + (random() * 32 - 4) * interval '1 hour', random() * 20
		      FROM generate_series(since, until, '1 day') day, generate_series(1, 48)) e(at, timeline) GROUP BY trunc(timeline);
	FOREACH after IN ARRAY '{1 day,24 hours,36 hours,90 days,1 month,12 months,1 month 1 day,2 months 3 days 05:00}'::text[] LOOP
		SELECT count(*) INTO more FROM earnings, points_lots(t, make_points_policy(expires_after => after::interval, expires_align => 'none'), '2099-12-31') l
		WHERE l.expires_at <> l.earned_at + after::interval;
		wrong := wrong + more;
		SELECT count(*) INTO more FROM earnings, points_lots(t, make_points_policy(expires_after => after::interval), '2099-12-31') l
		WHERE l.expires_at <> ref_day_begins((l.earned_at + after::interval)::date + 1, zone);
		wrong := wrong + more;
		SELECT count(*) INTO more FROM earnings, points_lots(t, make_points_policy(pending => after::interval), '2099-12-31') l
		WHERE l.available_at <> l.earned_at + after::interval;
		wrong := wrong + more;
	END LOOP;
	DROP TABLE earnings;
	RETURN wrong;
END $$;

-- From 40 days before a change of the clock on; what comes a year later meets the next one.
SELECT is(wrong_instants(zone, change - 40, change + 5), 0::bigint, zone)
FROM (VALUES ('UTC', date '2024-03-31'), ('Europe/Helsinki', '2024-03-31'), ('America/Havana', '2024-03-10'), ('Asia/Beirut', '2022-03-27'),
	('Africa/Cairo', '2024-04-26'), ('Australia/Lord_Howe', '2023-10-01'), ('America/Scoresbysund', '2027-03-27'), ('America/Asuncion', '2023-10-01'),
	('America/Sao_Paulo', '2017-10-15'), ('America/St_Johns', '2006-04-02'), ('Asia/Kathmandu', '1986-01-01'), ('Pacific/Apia', '2011-12-30'),
	('Antarctica/Troll', '2024-03-31'), ('AAA-3BBB,80/23:30,290/0:01', '2024-03-21'), ('Atlantic/Azores', '2024-10-27'), ('America/St_Johns', '2010-11-07')) z(zone, change);

SELECT * FROM finish();
ROLLBACK;
