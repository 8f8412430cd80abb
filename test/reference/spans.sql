--
-- Events with a length in plain SQL, day by day: slow and obvious. From a table
-- spell (id, customer, at, until, value), where until may be NULL (no length) or
-- infinity, and its touched days spell_day (id, customer, day), which
-- ref_enter_zone() spells out. \ir periods.sql before it.
--
-- Joins of them are planned badly where the server may neither sort nor hash (NODE=on).
--
CREATE TABLE spell (id int PRIMARY KEY, customer int, at timestamptz, until timestamptz, value numeric);
CREATE TABLE spell_day (id int, customer int, day date, ends boolean);

-- Every local day from that of at to that of the last microsecond; of those without end up to a day.
CREATE FUNCTION ref_enter_zone(zone text, horizon date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, false);
	TRUNCATE spell_day;
	INSERT INTO spell_day
	SELECT id, customer, b.first + n, until IS DISTINCT FROM 'infinity'
	FROM spell, LATERAL (SELECT (at AT TIME ZONE zone)::date AS began,
			CASE WHEN until = 'infinity' THEN horizon WHEN until > at THEN ((until - interval '1 microsecond') AT TIME ZONE zone)::date ELSE (at AT TIME ZONE zone)::date END AS ended) d,
		LATERAL (SELECT least(began, ended) AS first, greatest(began, ended) AS last) b, generate_series(0, b.last - b.first) n;
	ANALYZE spell_day;
END $$;

-- What each event is in each period that it touches by a day: active unless its value is negative; its share of the
-- value: days of the period by days of all, rounded down to units of the customer's decimals, two at least; the units
-- that are left to the largest remainders, of equal ones to the first. A period that isn't over with it by then has a
-- part of its share, rounded down.
CREATE FUNCTION ref_spell_periods(period text, until date) RETURNS TABLE(id int, customer int, n int, period_start date, active boolean, amount numeric)
LANGUAGE sql STABLE SET enable_sort = on SET enable_hashagg = on AS $$
	WITH calendar AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(day) FROM spell_day), (SELECT max(day) FROM spell_day))),
	unit AS MATERIALIZED (
		SELECT customer, power(10::numeric, greatest(2, max(scale(value)))) AS unit FROM spell GROUP BY customer),
	piece AS MATERIALIZED (
		SELECT d.id, c.n, c.period_start, count(*) AS days, count(*) FILTER (WHERE d.day <= until) AS passed
		FROM spell_day d JOIN calendar c USING (day) GROUP BY d.id, c.n, c.period_start),
	quota AS MATERIALIZED (
		SELECT p.*, s.customer, s.value, u.unit, abs(s.value) * u.unit AS units, sum(days) OVER (PARTITION BY p.id) AS total
		FROM piece p JOIN spell s USING (id) JOIN unit u USING (customer)),
	floored AS MATERIALIZED (
		SELECT q.*, div(units * days, total) AS whole, mod(units * days, total) AS remainder FROM quota q),
	ranked AS MATERIALIZED (
		SELECT f.*, units - sum(whole) OVER (PARTITION BY f.id) AS spare, row_number() OVER (PARTITION BY f.id ORDER BY remainder DESC, n) AS place FROM floored f),
	shared AS MATERIALIZED (
		SELECT r.*, whole + CASE WHEN place <= spare THEN 1 ELSE 0 END AS share FROM ranked r)
	SELECT id, customer, n, period_start, coalesce(value, 0) >= 0,
		   coalesce(sign(value) * CASE WHEN passed = days THEN share ELSE div(share * passed, days) END / unit, 0)
	FROM shared WHERE passed > 0
$$;

-- Growth accounting of these, period by period.
CREATE FUNCTION ref_spell_growth(period text, until date)
RETURNS TABLE(period_start date, active bigint, new bigint, retained bigint, resurrected bigint, churned bigint, opening_revenue numeric, new_revenue numeric, expansion numeric,
			  resurrected_revenue numeric, contraction numeric, churned_revenue numeric, revenue numeric, returned numeric)
LANGUAGE sql STABLE SET enable_sort = on SET enable_hashagg = on AS $$
	WITH part AS MATERIALIZED (
		SELECT DISTINCT c.n, c.period_start FROM ref_calendar(period, (SELECT min(day) FROM spell_day), until) c),
	own AS MATERIALIZED (
		SELECT customer, p.period_start, sum(amount) AS revenue, bool_or(active) AS active FROM ref_spell_periods(period, until) p GROUP BY customer, p.period_start),
	numbered AS MATERIALIZED (
		SELECT o.customer, p.n, o.revenue, o.active FROM own o JOIN part p USING (period_start)),
	grid AS MATERIALIZED (
		SELECT p.n, a.revenue, coalesce(a.active, false) AS active, b.revenue AS before, coalesce(b.active, false) AS was, coalesce(c.first < p.n, false) AS known
		FROM part p CROSS JOIN (SELECT customer, min(n) FILTER (WHERE active) AS first FROM numbered GROUP BY customer) c
		LEFT JOIN numbered a ON a.customer = c.customer AND a.n = p.n
		LEFT JOIN numbered b ON b.customer = c.customer AND b.n = p.n - 1)
	SELECT p.period_start, count(*) FILTER (WHERE active), count(*) FILTER (WHERE active AND NOT known), count(*) FILTER (WHERE active AND was), count(*) FILTER (WHERE active AND known AND NOT was),
		   count(*) FILTER (WHERE was AND NOT active), coalesce(sum(before) FILTER (WHERE was), 0), coalesce(sum(revenue) FILTER (WHERE active AND NOT known), 0),
		   coalesce(sum(revenue - before) FILTER (WHERE active AND was AND revenue > before), 0), coalesce(sum(revenue) FILTER (WHERE active AND known AND NOT was), 0),
		   coalesce(sum(before - revenue) FILTER (WHERE active AND was AND revenue < before), 0), coalesce(sum(before) FILTER (WHERE was AND NOT active), 0),
		   coalesce(sum(revenue) FILTER (WHERE active), 0), coalesce(sum(-revenue) FILTER (WHERE NOT active), 0)
	FROM part p JOIN grid USING (n) GROUP BY p.period_start
$$;

-- Cohorts by the first period with a day of an event that isn't negative, and who is active so many later.
CREATE FUNCTION ref_spell_retention(period text, until date) RETURNS TABLE(cohort date, lag int, retained bigint)
LANGUAGE sql STABLE SET enable_sort = on SET enable_hashagg = on AS $$
	WITH part AS MATERIALIZED (
		SELECT DISTINCT c.n, c.period_start FROM ref_calendar(period, (SELECT min(day) FROM spell_day), until) c),
	active AS MATERIALIZED (
		SELECT DISTINCT customer, p.n FROM ref_spell_periods(period, until) s JOIN part p USING (period_start) WHERE active),
	member AS MATERIALIZED (
		SELECT customer, min(n) AS first FROM active GROUP BY customer)
	SELECT p.period_start, a.n - m.first, count(*) FROM member m JOIN active a USING (customer) JOIN part p ON p.n = m.first GROUP BY p.period_start, a.n - m.first
$$;

-- Lags of so much time from each customer's first event that isn't negative, in each of which an event's time lies; those that are over.
CREATE FUNCTION ref_spell_lags(period text, zone text, until date, elapsed interval) RETURNS TABLE(cohort date, lag int, retained bigint)
LANGUAGE sql STABLE SET enable_sort = on SET enable_hashagg = on AS $$
	WITH stop AS MATERIALIZED (
		SELECT (ref_spell_lags.until + 1)::timestamp AT TIME ZONE zone AS stop),
	event AS MATERIALIZED (
		SELECT customer, at, CASE WHEN s.until > at THEN least(s.until, stop) - interval '1 microsecond' ELSE at END AS last, stop
		FROM spell s, stop WHERE coalesce(value, 0) >= 0 AND at < stop),
	member AS MATERIALIZED (
		SELECT customer, min(at) AS first, (min(at) AT TIME ZONE zone)::date AS day FROM event GROUP BY customer),
	hit AS MATERIALIZED (
		SELECT DISTINCT m.customer, m.day, n AS lag
		FROM event e JOIN member m USING (customer), generate_series(floor(extract(epoch FROM at - first) / extract(epoch FROM elapsed))::int, floor(extract(epoch FROM last - first) / extract(epoch FROM elapsed))::int) n
		WHERE n < floor(extract(epoch FROM stop - first) / extract(epoch FROM elapsed))),
	calendar AS MATERIALIZED (
		SELECT * FROM ref_calendar(period, (SELECT min(day) FROM member), ref_spell_lags.until))
	SELECT c.period_start, h.lag, count(*) FROM hit h JOIN calendar c USING (day) GROUP BY c.period_start, h.lag
$$;
