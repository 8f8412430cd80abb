-- What customers are expected to spend within the horizon, by models fitted to all of them, in ten parts of equal size, the best first.
WITH base AS (
	SELECT timelines(:"orders_customer", :"orders_at", :"orders_amount") AS base FROM :orders
),
model AS MATERIALIZED (
	SELECT mbgnbd_fit(base, :'as_of', 'week') AS model, gammagamma_fit(base, :'as_of') AS spend FROM base
),
customer AS (
	SELECT lifetime_value(m.model, m.spend, s.x, s.t_x, s.age, s.m, :'horizon'::interval) AS value, p_alive(m.model, s.x, s.t_x, s.age) AS alive
	FROM base CROSS JOIN LATERAL customer_purchase_summaries(base.base, :'as_of', 'week') s CROSS JOIN model m
	-- Where both fit, and the model of spend has a mean for everyone.
	WHERE (SELECT converged FROM model_summary(m.model)) AND (SELECT converged FROM model_summary(m.spend)) AND (SELECT p.estimate > 1 FROM model_parameters(m.spend) p WHERE p.name = 'q')
),
part AS (
	SELECT ntile(10) OVER (ORDER BY value DESC) AS decile, value, alive FROM customer WHERE value IS NOT NULL
)
SELECT decile, count(*) AS customers, sum(value) AS value, avg(value) AS mean_value, avg(alive) AS mean_alive, sum(value) / nullif(sum(sum(value)) OVER (), 0) AS share,
	sum(sum(value)) OVER () AS value_of_all, sum(count(*)) OVER () AS n
FROM part GROUP BY decile ORDER BY decile;
