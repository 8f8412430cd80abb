-- Customers by their scores of recency and frequency, and the segment that most of a cell are in.
WITH base AS (
	SELECT timelines(:"orders_customer", :"orders_at", :"orders_amount") AS base FROM :orders
),
scale AS MATERIALIZED (
	SELECT s.scale FROM base CROSS JOIN LATERAL rfm_scale(base.base, 5, :'as_of') s(scale) WHERE s.scale IS NOT NULL
),
customer AS (
	SELECT s.r, s.f, s.m, timeline_sum(timeline_slice(c.timeline, NULL, :'as_of'::date + 1)) AS revenue
	FROM base CROSS JOIN scale CROSS JOIN LATERAL customer_timelines(base.base) c CROSS JOIN LATERAL rfm_score(c.timeline, scale.scale, :'as_of') s
	WHERE s.r IS NOT NULL
)
SELECT r, f, mode() WITHIN GROUP (ORDER BY rfm_segment(r, f, m)) AS segment, count(*) AS customers, sum(revenue) AS revenue, avg(revenue)::numeric(20, 2) AS mean_revenue,
	sum(revenue) / nullif(sum(sum(revenue)) OVER (), 0) AS share_of_revenue, sum(count(*)) OVER () AS n
FROM customer GROUP BY r, f ORDER BY r, f;
