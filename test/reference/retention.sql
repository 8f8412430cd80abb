--
-- Cohort retention in plain SQL, from a table active_day (customer, day): slow
-- and obvious. \ir periods.sql before it, and create that table.
--

-- One row per cohort and lag that can be observed by as_of.
CREATE FUNCTION ref_retention(period text, until date)
RETURNS TABLE(cohort date, cohort_size bigint, lag int, period_start date, period_end date,
			  retained bigint, rate float8, retained_after bigint, rate_after float8, complete boolean)
LANGUAGE sql STABLE AS $$
	WITH calendar AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(day) FROM active_day), until)),
	part AS MATERIALIZED (
		SELECT DISTINCT n, period_start, period_end FROM calendar),
	active AS MATERIALIZED (
		SELECT DISTINCT d.customer, c.n FROM active_day d JOIN calendar c USING (day)),
	member AS MATERIALIZED (
		SELECT customer, min(n) AS first, max(n) AS last FROM active GROUP BY customer),
	cohort AS MATERIALIZED (
		SELECT first, count(*) AS size FROM member GROUP BY first),
	hit AS MATERIALIZED (
		SELECT m.first, a.n, count(*) AS retained FROM member m JOIN active a USING (customer) GROUP BY m.first, a.n),
	stay AS MATERIALIZED (
		SELECT first, last, count(*) AS leavers FROM member GROUP BY first, last),
	cell AS MATERIALIZED (
		SELECT start.period_start AS cohort, c.size, p.n - c.first AS lag, p.period_start, p.period_end,
			   coalesce(h.retained, 0) AS retained,
			   (SELECT coalesce(sum(leavers), 0) FROM stay s WHERE s.first = c.first AND s.last >= p.n)::bigint AS retained_after
		FROM cohort c
		JOIN part start ON start.n = c.first
		JOIN part p ON p.n >= c.first
		LEFT JOIN hit h ON h.first = c.first AND h.n = p.n)
	SELECT cell.cohort, size, lag, cell.period_start, cell.period_end, retained, retained / size::float8,
		   retained_after, retained_after / size::float8, cell.period_end - 1 <= until
	FROM cell
$$;

-- Pooled over the cohorts whose period at that lag is over.
CREATE FUNCTION ref_curve(period text, until date)
RETURNS TABLE(lag int, eligible bigint, retained bigint, rate float8, retained_after bigint, rate_after float8)
LANGUAGE sql STABLE AS $$
	SELECT lag, sum(cohort_size)::bigint, sum(retained)::bigint, sum(retained)::bigint / sum(cohort_size)::bigint::float8,
		   sum(retained_after)::bigint, sum(retained_after)::bigint / sum(cohort_size)::bigint::float8
	FROM ref_retention(period, until) WHERE complete GROUP BY lag
$$;

-- Wilson's score interval for x of n at z; the centre and half of the width.
CREATE FUNCTION ref_wilson(x float8, n float8, z float8, OUT lower float8, OUT upper float8)
LANGUAGE sql IMMUTABLE AS $$
	SELECT centre - half, centre + half
	FROM (SELECT (x / n + z * z / (2 * n)) / (1 + z * z / n),
				 z / (1 + z * z / n) * sqrt(x / n * (1 - x / n) / n + z * z / (4 * n * n))) v(centre, half)
$$;
