--
-- Sets of active days as sorted arrays, in plain SQL; \ir periods.sql before it.
--
CREATE FUNCTION ref_set(days date[]) RETURNS date[]
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(array_agg(DISTINCT d ORDER BY d), '{}') FROM unnest(days) d $$;

CREATE FUNCTION ref_gaps(days date[]) RETURNS int[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(array_agg(gap ORDER BY d) FILTER (WHERE gap IS NOT NULL), '{}')
	FROM (SELECT d, d - lag(d) OVER (ORDER BY d) AS gap FROM unnest(days) d) g
$$;

-- Runs of consecutive active periods: gaps and islands. calendar has a row per day.
CREATE FUNCTION ref_runs(days date[], period text, until date) RETURNS TABLE(first int, last int)
LANGUAGE sql STABLE AS $$
	SELECT min(n), max(n)
	FROM (SELECT n, n - row_number() OVER (ORDER BY n) AS island
		  FROM (SELECT DISTINCT c.n FROM unnest(days) d JOIN calendar c ON c.period = ref_runs.period AND c.day = d WHERE d <= until) a) i
	GROUP BY island
$$;

CREATE FUNCTION ref_streak(days date[], period text, as_of date) RETURNS int
LANGUAGE sql STABLE AS $$
	SELECT coalesce(max(r.last - r.first + 1), 0)
	FROM ref_runs(days, period, as_of) r, calendar c
	WHERE c.period = ref_streak.period AND c.day = as_of AND r.last IN (c.n, c.n - 1)
$$;

CREATE FUNCTION ref_longest_streak(days date[], period text) RETURNS int
LANGUAGE sql STABLE AS $$ SELECT coalesce(max(last - first + 1), 0) FROM ref_runs(days, period, 'infinity') $$;
