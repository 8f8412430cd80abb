--
-- The other kinds of cohort retention in plain SQL, from tables start_day and return_day
-- (customer, day), which may be the same days, and happened (customer, at, value): slow and
-- obvious. \ir periods.sql before it, and create those tables.
--

-- What is counted together: single lags, windows of some, or brackets. from_lag .. until_lag.
CREATE FUNCTION ref_columns(brackets int[], rolling int, most int) RETURNS TABLE(lag int, from_lag int, until_lag int)
LANGUAGE sql IMMUTABLE AS $$
	SELECT n, n, n FROM generate_series(0, most) n WHERE brackets IS NULL AND rolling IS NULL
	UNION ALL
	SELECT n, n - rolling + 1, n FROM generate_series(rolling, most) n
	UNION ALL
	SELECT brackets[i][1], brackets[i][1], brackets[i][2] FROM generate_subscripts(brackets, 1) i
$$;

-- One row per cohort and column that can be observed by as_of.
CREATE FUNCTION ref_retention_kind(period text, until date, mode text, brackets int[], rolling int)
RETURNS TABLE(cohort date, cohort_size bigint, lag int, until_lag int, period_start date, period_end date,
			  retained bigint, retained_after bigint, complete boolean)
LANGUAGE sql STABLE AS $$
	WITH calendar AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(day) FROM start_day), until + 1200)),
	part AS MATERIALIZED (
		SELECT DISTINCT n, period_start, period_end FROM calendar),
	today AS MATERIALIZED (
		SELECT n FROM calendar WHERE day = until),
	start AS MATERIALIZED (
		SELECT d.customer, c.n, min(d.day) AS first FROM start_day d JOIN calendar c USING (day) WHERE d.day <= until GROUP BY d.customer, c.n),
	member AS MATERIALIZED (
		SELECT * FROM start s WHERE mode = 'recurring' OR NOT EXISTS (SELECT FROM start b WHERE b.customer = s.customer AND b.n < s.n)),
	back AS MATERIALIZED (
		SELECT DISTINCT m.customer, m.n AS cohort, c.n - m.n AS lag
		FROM member m JOIN return_day r ON r.customer = m.customer AND r.day >= m.first AND r.day <= until JOIN calendar c ON c.day = r.day),
	col AS MATERIALIZED (
		SELECT * FROM ref_columns(brackets, rolling, (SELECT today.n - min(m.n) FROM member m, today GROUP BY today.n))),
	hit AS MATERIALIZED (
		SELECT b.cohort, c.from_lag, c.until_lag, count(DISTINCT b.customer) AS n
		FROM back b JOIN col c ON b.lag BETWEEN c.from_lag AND c.until_lag GROUP BY b.cohort, c.from_lag, c.until_lag),
	later AS MATERIALIZED (
		SELECT b.cohort, c.from_lag, c.until_lag, count(*) AS n
		FROM (SELECT b.customer, b.cohort, max(b.lag) AS last FROM back b GROUP BY b.customer, b.cohort) b
		JOIN col c ON b.last >= c.from_lag GROUP BY b.cohort, c.from_lag, c.until_lag)
	SELECT p.period_start, k.size, c.lag, c.until_lag, coalesce(f.period_start, 'infinity'), coalesce(e.period_end, 'infinity'),
		   coalesce(h.n, 0), coalesce(l.n, 0), coalesce(e.period_end - 1 <= until, false)
	FROM (SELECT n, count(*) AS size FROM member GROUP BY n) k
	JOIN part p ON p.n = k.n
	CROSS JOIN col c
	JOIN today ON k.n + c.lag <= today.n
	LEFT JOIN part f ON f.n = k.n + c.from_lag
	LEFT JOIN part e ON e.n = k.n + c.until_lag
	LEFT JOIN hit h ON h.cohort = k.n AND (h.from_lag, h.until_lag) = (c.from_lag, c.until_lag)
	LEFT JOIN later l ON l.cohort = k.n AND (l.from_lag, l.until_lag) = (c.from_lag, c.until_lag)
$$;

-- Pooled over the cohorts whose last period of a column is over.
CREATE FUNCTION ref_kind_curve(period text, until date, mode text, brackets int[], rolling int)
RETURNS TABLE(lag int, until_lag int, eligible bigint, retained bigint, retained_after bigint)
LANGUAGE sql STABLE AS $$
	SELECT lag, until_lag, sum(cohort_size)::bigint, sum(retained)::bigint, sum(retained_after)::bigint
	FROM ref_retention_kind(period, until, mode, brackets, rolling) WHERE complete GROUP BY lag, until_lag
$$;

-- The microsecond of an instant.
CREATE FUNCTION ref_micros(at timestamptz) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT extract(epoch FROM at) * 1000000 $$;

-- By elapsed time, in microseconds: one row per cohort and column that is over for someone.
CREATE FUNCTION ref_elapsed(period text, until date, elapsed numeric, brackets int[], rolling int)
RETURNS TABLE(cohort date, cohort_size bigint, lag int, until_lag int, eligible bigint, retained bigint, retained_after bigint, complete boolean)
LANGUAGE sql STABLE AS $$
	WITH counted AS MATERIALIZED (
		SELECT customer, at FROM happened WHERE (value IS NULL OR value >= 0) AND at < (until + 1)::timestamptz),
	member AS MATERIALIZED (
		SELECT customer, min(at) AS first, min(at)::date AS day,
			   floor((ref_micros((until + 1)::timestamptz) - ref_micros(min(at))) / elapsed)::int AS lags_over
		FROM counted GROUP BY customer),
	calendar AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(day) FROM member), until)),
	back AS MATERIALIZED (
		SELECT DISTINCT customer, floor((ref_micros(at) - ref_micros(first)) / elapsed)::int AS lag FROM counted JOIN member USING (customer)),
	last AS MATERIALIZED (
		SELECT customer, max(lag) AS lag FROM back GROUP BY customer),
	col AS MATERIALIZED (
		SELECT * FROM ref_columns(brackets, rolling, (SELECT max(lags_over) - 1 FROM member))),
	seen AS MATERIALIZED (
		SELECT m.customer, c.lag, c.from_lag, c.until_lag, bool_or(b.lag <= c.until_lag) AS retained, count(b.lag) > 0 AS later
		FROM member m JOIN col c ON c.until_lag < m.lags_over LEFT JOIN back b ON b.customer = m.customer AND b.lag >= c.from_lag
		GROUP BY m.customer, c.lag, c.from_lag, c.until_lag),
	cohort AS MATERIALIZED (
		SELECT k.period_start, k.period_end, count(*) AS size FROM member m JOIN calendar k USING (day) GROUP BY k.period_start, k.period_end)
	SELECT k.period_start, o.size, s.lag, s.until_lag, count(*), count(*) FILTER (WHERE s.retained), count(*) FILTER (WHERE s.later),
		   count(*) = o.size AND o.period_end - 1 <= until
	FROM seen s JOIN member m USING (customer) JOIN calendar k USING (day) JOIN cohort o USING (period_start)
	GROUP BY k.period_start, o.period_end, o.size, s.lag, s.from_lag, s.until_lag
$$;
