--
-- Repeat purchase in plain SQL, from a table active_day (customer, day), in which members
-- without events have a NULL day, and a table placed (customer, at, value, ref) of events:
-- slow and obvious. Create those tables before it.
--

-- Each purchase day with its number, the day before it and the customer's first one.
CREATE FUNCTION ref_visits(until date) RETURNS TABLE(customer int, day date, n bigint, gap int, days int)
LANGUAGE sql STABLE AS $$
	SELECT customer, day, row_number() OVER w, day - lag(day) OVER w, day - min(day) OVER w
	FROM active_day WHERE day <= until WINDOW w AS (PARTITION BY customer ORDER BY day)
$$;

-- Kaplan-Meier's median: the first duration by which half or less are left.
CREATE FUNCTION ref_km_median(until date, nth int) RETURNS int
LANGUAGE plpgsql STABLE AS $$
DECLARE
	left_over float8 := 1;
	d record;
BEGIN
	FOR d IN WITH seen AS (
				SELECT coalesce(min(days) FILTER (WHERE n = nth), until - min(day)) AS days, bool_or(n = nth) AS reached
				FROM ref_visits(until) GROUP BY customer)
			 SELECT days, count(*) FILTER (WHERE reached) AS events, (SELECT count(*) FROM seen a WHERE a.days >= s.days) AS at_risk
			 FROM seen s GROUP BY days ORDER BY days LOOP
		left_over := left_over * (1 - d.events / d.at_risk::float8);
		IF left_over <= 0.5 + 1e-12 THEN
			RETURN d.days;
		END IF;
	END LOOP;
	RETURN NULL;
END $$;

CREATE FUNCTION ref_reached(until date, up_to int)
RETURNS TABLE(n int, reached bigint, not_reached bigint, mean_days float8, median_days float8, km_median_days float8)
LANGUAGE sql STABLE AS $$
	SELECT nth, count(v.days), (SELECT count(DISTINCT customer) FROM active_day WHERE day <= until) - count(v.days),
		   avg(v.days)::float8, percentile_cont(0.5) WITHIN GROUP (ORDER BY v.days), ref_km_median(until, nth)
	FROM generate_series(2, up_to) nth LEFT JOIN ref_visits(until) v ON v.n = nth GROUP BY nth
$$;

CREATE FUNCTION ref_repeat_days(until date, within int)
RETURNS TABLE(buyers bigint, eligible bigint, repeat_buyers bigint)
LANGUAGE sql STABLE AS $$
	SELECT count(*), count(*) FILTER (WHERE ready), count(*) FILTER (WHERE ready AND again)
	FROM (SELECT within IS NULL OR min(day) + within <= until AS ready, bool_or(n = 2 AND (within IS NULL OR days <= within)) AS again
		  FROM ref_visits(until) GROUP BY customer) c
$$;

-- Orders: the first event of each ref, and each event without one.
CREATE FUNCTION ref_repeat_orders(until date, within int)
RETURNS TABLE(buyers bigint, eligible bigint, repeat_buyers bigint)
LANGUAGE sql STABLE AS $$
	SELECT count(*), count(*) FILTER (WHERE ready), count(*) FILTER (WHERE ready AND again)
	FROM (SELECT within IS NULL OR first + within <= until AS ready, within IS NULL AND orders > 1 OR second - first <= within AS again
		  FROM (SELECT count(*) AS orders, (array_agg(at ORDER BY at))[1]::date AS first, (array_agg(at ORDER BY at))[2]::date AS second
				FROM (SELECT customer, min(at) AS at FROM placed WHERE at::date <= until AND coalesce(value, 0) >= 0
					  GROUP BY customer, coalesce(ref, random()::text)) o
				GROUP BY customer) c) c
$$;
