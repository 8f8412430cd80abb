--
-- Growth, lifecycle, stickiness and active days in plain SQL, from a table
-- active_day (customer, day) in which members without events have a NULL day, and
-- a table spent (customer, day, value): slow and obvious. \ir periods.sql before
-- it, and create those tables.
--

-- The periods from the first active one to that of until.
CREATE FUNCTION ref_part(period text, until date) RETURNS TABLE(n int, period_start date, period_end date, complete boolean)
LANGUAGE sql STABLE AS $$
	SELECT DISTINCT c.n, c.period_start, c.period_end, c.period_end <= until + 1
	FROM ref_calendar(period, (SELECT min(day) FROM active_day), until) c
	WHERE EXISTS (SELECT FROM active_day WHERE day <= until)
$$;

CREATE FUNCTION ref_growth(period text, until date)
RETURNS TABLE(period_start date, period_end date, complete boolean, active bigint, new bigint, retained bigint, resurrected bigint, churned bigint)
LANGUAGE sql STABLE AS $$
	WITH calendar AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(day) FROM active_day), until)),
	active AS MATERIALIZED (
		SELECT DISTINCT d.customer, c.n FROM active_day d JOIN calendar c USING (day)),
	first AS MATERIALIZED (
		SELECT customer, min(n) AS n FROM active GROUP BY customer),
	seen AS MATERIALIZED (
		SELECT a.n, a.customer, f.n = a.n AS is_new, b.n IS NOT NULL AS was
		FROM active a JOIN first f USING (customer) LEFT JOIN active b ON b.customer = a.customer AND b.n = a.n - 1),
	gone AS MATERIALIZED (
		SELECT b.n + 1 AS n, count(*) AS churned
		FROM active b LEFT JOIN active a ON a.customer = b.customer AND a.n = b.n + 1 WHERE a.n IS NULL GROUP BY b.n)
	SELECT p.period_start, p.period_end, p.complete, count(s.customer), count(*) FILTER (WHERE s.is_new), count(*) FILTER (WHERE s.was),
		   count(*) FILTER (WHERE NOT s.is_new AND NOT s.was), coalesce(max(g.churned), 0)
	FROM ref_part(period, until) p LEFT JOIN seen s USING (n) LEFT JOIN gone g USING (n)
	GROUP BY p.period_start, p.period_end, p.complete
$$;

-- The same with money. Negative values are no activity, but revenue.
CREATE FUNCTION ref_growth_money(period text, until date)
RETURNS TABLE(period_start date, opening_revenue numeric, new_revenue numeric, expansion numeric, resurrected_revenue numeric,
			  contraction numeric, churned_revenue numeric, revenue numeric, returned numeric)
LANGUAGE sql STABLE AS $$
	WITH calendar AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(day) FROM spent), until)),
	part AS MATERIALIZED (
		SELECT DISTINCT n, c.period_start FROM calendar c WHERE EXISTS (SELECT FROM spent WHERE day <= until)),
	amount AS MATERIALIZED (
		SELECT s.customer, c.n, coalesce(sum(value), 0) AS revenue, bool_or(coalesce(value, 0) >= 0) AS active
		FROM spent s JOIN calendar c USING (day) GROUP BY s.customer, c.n),
	-- every customer in every period
	grid AS MATERIALIZED (
		SELECT p.n, a.revenue, coalesce(a.active, false) AS active, b.revenue AS before, coalesce(b.active, false) AS was,
			   coalesce(c.first < p.n, false) AS known
		FROM part p CROSS JOIN (SELECT customer, min(n) FILTER (WHERE active) AS first FROM amount GROUP BY customer) c
		LEFT JOIN amount a ON a.customer = c.customer AND a.n = p.n
		LEFT JOIN amount b ON b.customer = c.customer AND b.n = p.n - 1)
	SELECT p.period_start,
		   coalesce(sum(before) FILTER (WHERE was), 0),
		   coalesce(sum(revenue) FILTER (WHERE active AND NOT known), 0),
		   coalesce(sum(revenue - before) FILTER (WHERE active AND was AND revenue > before), 0),
		   coalesce(sum(revenue) FILTER (WHERE active AND known AND NOT was), 0),
		   coalesce(sum(before - revenue) FILTER (WHERE active AND was AND revenue < before), 0),
		   coalesce(sum(before) FILTER (WHERE was AND NOT active), 0),
		   coalesce(sum(revenue) FILTER (WHERE active), 0),
		   coalesce(sum(-revenue) FILTER (WHERE NOT active), 0)
	FROM part p JOIN grid USING (n)
	GROUP BY p.period_start
$$;

-- The stage of everyone; whole periods count as missed once they are over.
CREATE FUNCTION ref_lifecycle(period text, dormant_after int, until date) RETURNS TABLE(customer int, stage text)
LANGUAGE sql STABLE AS $$
	WITH calendar AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(day) FROM active_day), until)),
	part AS MATERIALIZED (
		SELECT n, bool_or(day = until) AS is_now, min(period_end) <= until + 1 AS is_over FROM calendar GROUP BY n),
	active AS MATERIALIZED (
		SELECT DISTINCT d.customer, c.n FROM active_day d JOIN calendar c USING (day)),
	last AS MATERIALIZED (
		SELECT m.customer, max(n) AS n FROM (SELECT DISTINCT customer FROM active_day) m LEFT JOIN active USING (customer) GROUP BY m.customer),
	before AS MATERIALIZED (
		SELECT a.customer, max(a.n) AS n FROM active a JOIN last l USING (customer) WHERE a.n < l.n GROUP BY a.customer)
	SELECT l.customer,
		   CASE WHEN l.n IS NULL THEN 'never'
				WHEN (SELECT is_now FROM part WHERE n = l.n) THEN
					CASE WHEN b.n IS NULL THEN 'new'
						 WHEN (SELECT count(*) FROM part WHERE n > b.n AND n < l.n) >= dormant_after THEN 'resurrected'
						 ELSE 'current' END
				WHEN (SELECT count(*) FROM part WHERE n > l.n AND is_over) >= dormant_after THEN 'dormant'
				WHEN (SELECT count(*) FROM part WHERE n > l.n AND is_over) > 0 THEN 'at risk'
				ELSE 'current' END
	FROM last l LEFT JOIN before b USING (customer)
$$;

CREATE FUNCTION ref_stickiness(period text, within text, until date)
RETURNS TABLE(period_start date, period_end date, complete boolean, active bigint, mean_active float8, ratio float8)
LANGUAGE sql STABLE AS $$
	WITH part AS MATERIALIZED (
		SELECT * FROM ref_part(period, until)),
	outer_day AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(p.period_start) FROM part p), until + 400)),
	inner_day AS MATERIALIZED (
		SELECT * FROM ref_calendar(within, (SELECT min(p.period_start) FROM part p), until + 400)),
	-- every part, cut at the edges of periods
	piece AS MATERIALIZED (
		SELECT o.n, i.n AS part, max(day) AS last_day FROM outer_day o JOIN inner_day i USING (day) GROUP BY o.n, i.n),
	seen AS MATERIALIZED (
		SELECT DISTINCT d.customer, o.n, i.n AS part
		FROM active_day d JOIN outer_day o USING (day) JOIN inner_day i USING (day) WHERE day <= until),
	mean AS MATERIALIZED (
		SELECT n, avg(customers)::float8 AS mean_active
		FROM (SELECT n, part, count(customer) AS customers FROM piece LEFT JOIN seen USING (n, part) WHERE last_day <= until GROUP BY n, part) p
		GROUP BY n),
	total AS MATERIALIZED (
		SELECT n, count(DISTINCT customer) AS active FROM seen GROUP BY n)
	SELECT p.period_start, p.period_end, p.complete, coalesce(t.active, 0), m.mean_active, m.mean_active / t.active
	FROM part p JOIN (SELECT DISTINCT n, period_start FROM outer_day) o USING (period_start)
	LEFT JOIN mean m ON m.n = o.n LEFT JOIN total t ON t.n = o.n
$$;

CREATE FUNCTION ref_active_days(days int, until date) RETURNS TABLE(active_days int, customers bigint, share float8)
LANGUAGE sql STABLE AS $$
	WITH own AS MATERIALIZED (
		SELECT customer, count(DISTINCT day) FILTER (WHERE day > until - days AND day <= until) AS n FROM active_day GROUP BY customer)
	SELECT i, count(own.n), count(own.n) / nullif((SELECT count(*) FROM own), 0)::float8
	FROM generate_series(0, days) i LEFT JOIN own ON own.n = i GROUP BY i
$$;
