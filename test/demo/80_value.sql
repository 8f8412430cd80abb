-- What customers are worth: models of the demo's orders, fitted once.
SELECT max(ordered_at)::date AS today FROM orders \gset
CREATE TEMP TABLE worth AS
SELECT bgnbd_fit(timelines(customer_id, ordered_at, amount), :'today', 'week') AS bgnbd, mbgnbd_fit(timelines(customer_id, ordered_at, amount), :'today', 'week') AS mbgnbd,
	gammagamma_fit(timelines(customer_id, ordered_at, amount), :'today') AS spend
FROM orders;
CREATE TEMP TABLE valued AS
SELECT customer_id, s.x, s.t_x, s.age, s.m, p_alive(model, s.x, s.t_x, s.age) AS alive,
	CASE WHEN s.m IS NOT NULL THEN expected_purchases(model, s.x, s.t_x, s.age, interval '1 year') END AS purchases
FROM (SELECT CASE WHEN b.aic <= m.aic THEN bgnbd ELSE mbgnbd END AS model FROM worth, model_summary(bgnbd) b, model_summary(mbgnbd) m) w,
	(SELECT timelines(customer_id, ordered_at, amount) AS base FROM orders) q, customer_purchase_summaries(q.base, :'today', 'week') s(customer_id, x, t_x, age, m);
ALTER TABLE valued ADD value float8;
-- where the model of spend has a mean for everyone
UPDATE valued SET value = purchases * expected_spend(spend, x, m) FROM worth, model_parameters(spend) q WHERE q.name = 'q' AND q.estimate > 1;

\echo
\echo What customers are worth: models of how often they buy and how long they stay (the one with the lowest AIC is asked), and of what they spend
\echo
SELECT s.kind, s.customers, round(s.aic::numeric, 1) AS aic, s.converged, string_agg(p.name || ' ' || to_char(p.estimate, 'FM999990.000'), ', ') AS parameters
FROM worth, LATERAL (SELECT s.*, 1 AS n FROM model_summary(bgnbd) s UNION ALL SELECT s.*, 2 FROM model_summary(mbgnbd) s UNION ALL SELECT s.*, 3 FROM model_summary(spend) s) s,
	LATERAL (SELECT * FROM model_parameters(bgnbd) WHERE n = 1 UNION ALL SELECT * FROM model_parameters(mbgnbd) WHERE n = 2 UNION ALL SELECT * FROM model_parameters(spend) WHERE n = 3) p
GROUP BY n, s.kind, s.customers, s.aic, s.converged ORDER BY n;

\echo
\echo What customers are worth: the ten most valuable within a year
\echo
SELECT customer_id, x + 1 AS purchase_days, round((age - t_x)::numeric, 1) AS weeks_silent, to_char(100 * alive, '990.0') AS percent_alive, round(purchases::numeric, 1) AS purchases, to_char(value, 'FM999,999,990.00') AS value
FROM valued ORDER BY valued.value DESC NULLS LAST, customer_id LIMIT 10;

\echo
\echo What customers are worth: ten who are most likely lost, of those who bought on eight days or more
\echo
SELECT customer_id, x + 1 AS purchase_days, round((t_x / nullif(x, 0))::numeric, 1) AS weeks_between, round((age - t_x)::numeric, 1) AS weeks_silent, to_char(100 * alive, '990.0') AS percent_alive
FROM valued WHERE x >= 7 ORDER BY alive, customer_id LIMIT 10;
