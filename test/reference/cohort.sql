--
-- Money per cohort in plain SQL, over a table orders (customer, at, amount, ref, kind); \ir. Each customer
-- stands in a row for each column of his cohort, so that nothing is added up cleverly.
--

-- The number of a day's period, and the first day of one.
CREATE FUNCTION ref_period(unit text, day date) RETURNS int IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE unit WHEN 'day' THEN day - date '2000-01-01' WHEN 'week' THEN floor((day - date '2000-01-03') / 7.0)
		WHEN 'month' THEN extract(year FROM day) * 12 + extract(month FROM day) - 1 WHEN 'quarter' THEN extract(year FROM day) * 4 + extract(quarter FROM day) - 1 END::int
$$;
CREATE FUNCTION ref_start(unit text, n int) RETURNS date IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE unit WHEN 'day' THEN date '2000-01-01' + n WHEN 'week' THEN date '2000-01-03' + 7 * n WHEN 'month' THEN make_date(n / 12, n % 12 + 1, 1) WHEN 'quarter' THEN make_date(n / 4, n % 4 * 3 + 1, 1) END
$$;

-- A customer in a column: what he brings in it, and up to its end; whether it is over for him, and for his whole cohort.
CREATE FUNCTION ref_cohort_customers(unit text, until date, elapsed interval, horizons int[], cost_of text, zone text)
	RETURNS TABLE (cohort int, customer int, col int, active boolean, orders bigint, revenue numeric, brought numeric, over boolean, over_for_all boolean, cost numeric)
	STABLE LANGUAGE sql AS $$
	WITH event AS (
		SELECT o.*, (at AT TIME ZONE zone)::date AS day, coalesce(kind = cost_of, false) AS is_cost, coalesce(amount, 0) >= 0 AND NOT coalesce(kind = cost_of, false) AS is_purchase
		FROM orders o WHERE customer IS NOT NULL AND CASE WHEN elapsed IS NULL THEN (at AT TIME ZONE zone)::date <= until ELSE at < (until + 1)::timestamp AT TIME ZONE zone END),
	joined AS (
		SELECT customer, min(at) AS first, CASE WHEN elapsed IS NULL THEN min(ref_period(unit, day)) ELSE ref_period(unit, (min(at) AT TIME ZONE zone)::date) END AS cohort,
			floor(extract(epoch FROM (until + 1)::timestamp AT TIME ZONE zone - min(at)) / extract(epoch FROM elapsed))::int AS lags_over, coalesce(sum(amount) FILTER (WHERE is_cost), 0) AS cost
		FROM event GROUP BY customer),
	lagged AS (
		SELECT e.*, j.cohort, CASE WHEN elapsed IS NULL THEN ref_period(unit, day) - j.cohort ELSE floor(extract(epoch FROM at - first) / extract(epoch FROM elapsed))::int END AS lag,
			CASE WHEN is_purchase THEN coalesce(ref, '') || CASE WHEN ref IS NULL THEN 'row ' || row_number() OVER (PARTITION BY customer) ELSE '' END END AS of_order
		FROM event e JOIN joined j USING (customer)),
	-- an order is where its first event is
	placed AS (
		SELECT *, CASE WHEN horizons IS NULL THEN lag ELSE (SELECT count(*) FROM unnest(horizons) h WHERE h <= lag) END::int AS col,
			is_purchase AND row_number() OVER (PARTITION BY customer, is_purchase, of_order ORDER BY lag) = 1 AS is_order FROM lagged),
	sums AS (
		SELECT customer, p.col, bool_or(is_purchase) AS active, count(*) FILTER (WHERE is_order) AS orders, coalesce(sum(amount) FILTER (WHERE NOT is_cost), 0) AS revenue FROM placed p GROUP BY customer, p.col),
	-- the column that isn't over for him; the last one that has begun for his cohort
	running AS (
		SELECT j.*, CASE WHEN horizons IS NULL THEN lags_over ELSE (SELECT count(*) FROM unnest(horizons) h WHERE h <= lags_over) END::int AS running_col,
			CASE WHEN horizons IS NULL THEN ref_period(unit, until) - cohort ELSE (SELECT count(*) FROM unnest(horizons) h WHERE h <= ref_period(unit, until) - cohort) END::int AS last_by_calendar FROM joined j),
	grid AS (
		SELECT r.*, c AS col FROM running r, LATERAL generate_series(0, CASE WHEN elapsed IS NULL THEN last_by_calendar ELSE (SELECT max(running_col) FROM running o WHERE o.cohort = r.cohort) END) c)
	SELECT cohort, customer, g.col, coalesce(s.active, false), coalesce(s.orders, 0), coalesce(s.revenue, 0), sum(coalesce(s.revenue, 0)) OVER (PARTITION BY customer ORDER BY g.col),
		CASE WHEN elapsed IS NULL THEN true ELSE g.col < running_col END,
		CASE WHEN horizons IS NOT NULL AND g.col = cardinality(horizons) THEN false
			WHEN elapsed IS NOT NULL THEN bool_and(g.col < running_col) OVER (PARTITION BY cohort, g.col) AND ref_start(unit, cohort + 1) <= until + 1
			ELSE ref_start(unit, cohort + CASE WHEN horizons IS NULL THEN g.col + 1 ELSE horizons[g.col + 1] END) <= until + 1 END, cost
	FROM grid g LEFT JOIN sums s USING (customer, col)
$$;

-- The rows of cohort_value_table(), but for those without events; what is float is rounded.
CREATE FUNCTION ref_cohort_table(unit text, until date, elapsed interval, horizons int[], cost_of text, zone text)
	RETURNS TABLE (cohort date, cohort_size bigint, lag int, period_start date, active bigint, orders numeric, revenue numeric, revenue_per_acquired numeric, cumulative_revenue numeric, cumulative_per_acquired numeric, revenue_per_active numeric, complete boolean, eligible bigint, horizon int, cost numeric)
	STABLE LANGUAGE sql AS $$
	SELECT ref_start(unit, cohort), count(*), first_lag, CASE WHEN elapsed IS NULL THEN ref_start(unit, cohort + first_lag) END,
		count(*) FILTER (WHERE active), sum(orders), sum(revenue), round(sum(revenue) FILTER (WHERE over) / count(*) FILTER (WHERE over), 9), sum(brought), round(sum(brought) FILTER (WHERE over) / count(*) FILTER (WHERE over), 9),
		round(sum(revenue) / nullif(count(*) FILTER (WHERE active), 0), 9), bool_and(over_for_all), count(*) FILTER (WHERE over), CASE WHEN horizons IS NULL THEN c.col + 1 ELSE horizons[c.col + 1] END, CASE WHEN cost_of <> '' THEN sum(cost) END
	FROM ref_cohort_customers(unit, until, elapsed, horizons, cost_of, zone) c, LATERAL (SELECT CASE WHEN horizons IS NULL THEN c.col WHEN c.col = 0 THEN 0 ELSE horizons[c.col] END AS first_lag) f GROUP BY cohort, c.col, first_lag
$$;

-- Those of cohort_value_curve(), with the standard error of the mean in place of its interval.
CREATE FUNCTION ref_cohort_curve(unit text, until date, elapsed interval, horizons int[], cost_of text, zone text)
	RETURNS TABLE (lag int, cohorts bigint, customers bigint, revenue numeric, revenue_per_acquired numeric, cumulative_revenue numeric, cumulative_per_acquired numeric, std_error numeric)
	STABLE LANGUAGE sql AS $$
	SELECT CASE WHEN horizons IS NULL THEN c.col WHEN c.col = 0 THEN 0 ELSE horizons[c.col] END, count(DISTINCT cohort), count(*), sum(revenue), round(avg(revenue), 9), sum(brought), round(avg(brought), 9), round(stddev_samp(brought) / sqrt(count(*)::numeric), 9)
	FROM ref_cohort_customers(unit, until, elapsed, horizons, cost_of, zone) c WHERE CASE WHEN elapsed IS NULL THEN over_for_all ELSE over END GROUP BY c.col
$$;
