-- How likely customers are still there, by how often they have bought and for how long they have been silent.
WITH base AS (
	SELECT timelines(:"orders_customer", :"orders_at", :"orders_amount") AS base FROM :orders
),
model AS MATERIALIZED (
	SELECT mbgnbd_fit(base, :'as_of', 'week') AS model FROM base
),
customer AS (
	SELECT least(s.x + 1, 10) AS purchases, least(floor((s.age - s.t_x) / 4)::int, 12) AS silent, p_alive(m.model, s.x, s.t_x, s.age) AS alive
	FROM base CROSS JOIN LATERAL customer_purchase_summaries(base.base, :'as_of', 'week') s CROSS JOIN model m
	WHERE (SELECT converged FROM model_summary(m.model))
)
SELECT purchases, silent, count(*) AS customers, avg(alive) AS alive, sum(count(*)) OVER () AS n
FROM customer GROUP BY purchases, silent ORDER BY purchases, silent;
