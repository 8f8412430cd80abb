--
-- When local days begin, by AT TIME ZONE alone; \ir.
--

-- The first instant whose local date is that day or, where the zone leaves it out, a later one: it is looked for by
-- the minute, and then by the second.
CREATE OR REPLACE FUNCTION ref_first_instant(day date, zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
	SELECT min(minute - second * interval '1 second')
	FROM (SELECT min(minute) AS minute FROM generate_series(day::timestamp AT TIME ZONE 'UTC' - interval '54 hours', day::timestamp AT TIME ZONE 'UTC' + interval '54 hours', '1 minute') minute WHERE (minute AT TIME ZONE zone)::date >= day) m,
		generate_series(0, 60) second
	WHERE ((minute - second * interval '1 second') AT TIME ZONE zone)::date >= day
$$;
-- The same; where the clock is the same before, then and after, it is midnight.
CREATE OR REPLACE FUNCTION ref_day_begins(day date, zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN ((day - 2)::timestamp AT TIME ZONE 'UTC' AT TIME ZONE zone) = (day::timestamp AT TIME ZONE 'UTC' AT TIME ZONE zone) - interval '48 hours'
			AND (day::timestamp AT TIME ZONE 'UTC' AT TIME ZONE zone) = ((day + 1)::timestamp AT TIME ZONE 'UTC' AT TIME ZONE zone) - interval '24 hours'
		THEN day::timestamp AT TIME ZONE zone ELSE ref_first_instant(day, zone) END
$$;
