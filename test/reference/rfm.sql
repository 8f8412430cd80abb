--
-- Recency, frequency, monetary value and segments in plain SQL, over the table bought (customer, at, value, ref); \ir.
-- A score is ceil(bins x cume_dist()); of recency in descending order.
--

-- Each customer as of the end of a local day in the session's TimeZone; who hasn't bought has no recency.
CREATE FUNCTION ref_rfm(as_of date) RETURNS TABLE (customer int, recency int, frequency int, orders bigint, monetary numeric, mean numeric, tenure int)
LANGUAGE sql STABLE AS $$
	WITH event AS (SELECT b.customer, b.at::date AS day, b.value, b.ref FROM bought b WHERE b.customer IS NOT NULL AND b.at::date <= $1),
		total AS (SELECT e.customer, sum(e.value) AS monetary FROM event e GROUP BY e.customer),
		purchases AS (SELECT e.customer, max(e.day) AS last, min(e.day) AS first, count(DISTINCT e.day)::int AS days, count(DISTINCT e.ref) + count(*) FILTER (WHERE e.ref IS NULL) AS orders
			FROM event e WHERE e.value >= 0 OR e.value IS NULL GROUP BY e.customer)
	SELECT c.customer, $1 - p.last, coalesce(p.days, 0), coalesce(p.orders, 0), coalesce(t.monetary, 0), coalesce(t.monetary, 0) / p.orders, $1 - p.first
	FROM (SELECT DISTINCT b.customer FROM bought b WHERE b.customer IS NOT NULL) c LEFT JOIN total t USING (customer) LEFT JOIN purchases p USING (customer)
$$;

CREATE FUNCTION ref_scores(as_of date, bins int) RETURNS TABLE (customer int, r int, f int, m int)
LANGUAGE sql STABLE AS $$
	SELECT x.customer, ceil($2 * cume_dist() OVER (ORDER BY x.recency DESC)::numeric)::int, ceil($2 * cume_dist() OVER (ORDER BY x.frequency)::numeric)::int, ceil($2 * cume_dist() OVER (ORDER BY x.monetary)::numeric)::int
	FROM ref_rfm($1) x WHERE x.recency IS NOT NULL
$$;

-- The published map, written out.
CREATE TABLE ref_map (rank int, segment text, r1 int, r2 int, f1 int, f2 int, m1 int, m2 int);
INSERT INTO ref_map VALUES
	(1, 'Champions', 5, 5, 5, 5, 5, 5), (2, 'Potential Loyalist', 3, 5, 3, 5, 2, 5), (3, 'Loyal Customers', 2, 4, 2, 4, 2, 4), (4, 'Promising', 3, 4, 1, 3, 3, 5),
	(5, 'New Customers', 4, 5, 1, 3, 1, 5), (6, 'Can''t Lose Them', 1, 2, 3, 4, 4, 5), (7, 'At Risk', 1, 2, 2, 5, 4, 5), (8, 'Need Attention', 1, 3, 3, 5, 3, 5),
	(9, 'About To Sleep', 2, 3, 1, 3, 1, 4), (10, 'Lost', 1, 1, 1, 5, 1, 5);

CREATE FUNCTION ref_rank(r int, f int, m int) RETURNS int
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN $1 IS NULL THEN 12 ELSE coalesce((SELECT min(g.rank) FROM ref_map g WHERE $1 BETWEEN g.r1 AND g.r2 AND $2 BETWEEN g.f1 AND g.f2 AND $3 BETWEEN g.m1 AND g.m2), 11) END
$$;
CREATE FUNCTION ref_segment(rank int) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT CASE $1 WHEN 12 THEN 'not yet bought' WHEN 11 THEN 'Others' ELSE (SELECT g.segment FROM ref_map g WHERE g.rank = $1) END $$;

-- The cut points that quantiles as of a day make.
CREATE FUNCTION ref_cuts(as_of date, bins int) RETURNS TABLE (score int, recency_at_most int, frequency_at_least int, monetary_at_least numeric)
LANGUAGE sql STABLE AS $$
	WITH scored AS MATERIALIZED (SELECT x.recency, x.frequency, x.monetary, s.r, s.f, s.m FROM ref_rfm($1) x JOIN ref_scores($1, $2) s USING (customer))
	SELECT g, max(recency) FILTER (WHERE r >= g), min(frequency) FILTER (WHERE f >= g), min(monetary) FILTER (WHERE m >= g) FROM scored, generate_series(2, $2) g GROUP BY g
$$;

-- The ranks at a day by cut points.
CREATE FUNCTION ref_ranks(as_of date, cuts_of date) RETURNS TABLE (customer int, rank int, recency int, frequency int, monetary numeric)
LANGUAGE sql STABLE AS $$
	WITH cuts AS MATERIALIZED (SELECT * FROM ref_cuts($2, 5)),
		scored AS MATERIALIZED (SELECT x.*, CASE WHEN x.recency IS NOT NULL THEN (SELECT 1 + count(*) FILTER (WHERE x.recency <= recency_at_most) FROM cuts)::int END AS r,
			(SELECT 1 + count(*) FILTER (WHERE x.frequency >= frequency_at_least) FROM cuts)::int AS f, (SELECT 1 + count(*) FILTER (WHERE x.monetary >= monetary_at_least) FROM cuts)::int AS m FROM ref_rfm($1) x)
	SELECT customer, ref_rank(r, f, m), recency, frequency, monetary FROM scored
$$;

CREATE FUNCTION ref_census(as_of date, cuts_of date) RETURNS TABLE (segment text, rank int, members bigint, share numeric, revenue numeric, share_of_revenue numeric, mean_recency numeric, mean_frequency numeric, mean_monetary numeric)
LANGUAGE sql STABLE AS $$
	SELECT ref_segment(g), g, count(x.customer), round(count(x.customer)::numeric / nullif(sum(count(x.customer)) OVER (), 0), 9), coalesce(sum(x.monetary), 0),
		round(CASE WHEN sum(sum(x.monetary)) OVER () > 0 THEN coalesce(sum(x.monetary), 0) / sum(sum(x.monetary)) OVER () END, 9), round(avg(x.recency), 9), round(avg(x.frequency), 9), avg(x.monetary)
	FROM generate_series(1, 12) g LEFT JOIN ref_ranks($1, $2) x ON x.rank = g GROUP BY g HAVING g < 12 OR count(x.customer) > 0
$$;
