--
-- Calendar periods in plain SQL: slow and obvious. Every start of a period in
-- a range is spelled out; a day belongs to the last period that starts on or
-- before it.
--

-- The starts of a period's parts that fall between two days.
CREATE FUNCTION ref_starts(period text, since date, until date) RETURNS SETOF date
LANGUAGE plpgsql STABLE AS $$
DECLARE
	unit text := split_part(split_part(period, '@', 1), ':', 1);
	start text := split_part(split_part(period, '@', 1), ':', 2);
	months int := CASE unit WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 WHEN 'half_year' THEN 6 WHEN 'year' THEN 12 END;
	first_month int;
	first_day int;
BEGIN
	IF period LIKE '{%' THEN
		RETURN QUERY SELECT d FROM unnest(split_part(period, '@', 1)::date[]) d WHERE d BETWEEN since AND until;
	ELSIF unit = 'day' THEN
		RETURN QUERY SELECT since + n FROM generate_series(0, until - since) n;
	ELSIF unit = 'week' THEN
		start := coalesce(nullif(start, ''), 'monday');
		RETURN QUERY SELECT since + n FROM generate_series(0, until - since) n WHERE trim(to_char(since + n, 'day')) = start;
	ELSE
		first_month := CASE WHEN start LIKE '__-__' THEN left(start, 2)::int ELSE 1 END;
		first_day := CASE WHEN start = '' THEN 1 ELSE right(start, 2)::int END;
		RETURN QUERY
			SELECT s FROM generate_series(extract(year FROM since)::int - 1, extract(year FROM until)::int + 1) y,
				LATERAL generate_series(first_month - 1, first_month + 10, months) m,
				LATERAL (SELECT (make_date(y, 1, 1) + m * interval '1 month')::date) f(month_start),
				LATERAL (SELECT least(month_start + first_day - 1, (month_start + interval '1 month')::date - 1)) c(s)
			WHERE s BETWEEN since AND until;
	END IF;
END $$;

-- Every day of a range with the number, the start and the end of its period.
CREATE FUNCTION ref_calendar(period text, since date, until date)
RETURNS TABLE(day date, n int, period_start date, period_end date)
LANGUAGE sql STABLE AS $$
	WITH start AS (
		SELECT s, row_number() OVER (ORDER BY s)::int AS n, coalesce(lead(s) OVER (ORDER BY s), 'infinity') AS stop
		FROM ref_starts(period, since - 800, until + 800) s)
	SELECT d, start.n, start.s, start.stop
	FROM generate_series(0, until - since) i, LATERAL (SELECT since + i) v(d), start
	WHERE d >= start.s AND d < start.stop
	  AND start.s BETWEEN since - 800 AND until
$$;
