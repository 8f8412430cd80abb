--
-- Models of purchases, spend and renewals: what they say against 40 digits (reference/value.py), published figures, and laws;
-- fits against the likelihood in plain SQL, published parameters, and programmes that are simulated from known ones; samples
-- added up and in parallel; NULLs, edges and hostile input.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\ir reference/value.sql
SET LOCAL extra_float_digits = 1;
SELECT setseed(0.25);

-- To 9 digits.
CREATE FUNCTION near(a float8, b float8) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE abs(a - b) <= 1e-9 * greatest(abs(a), abs(b)) END $$;
CREATE FUNCTION model(kind text, r float8, alpha float8, a float8, b float8) RETURNS purchase_model
LANGUAGE sql IMMUTABLE AS $$ SELECT jsonb_build_object('kind', kind, 'period', 'week', 'parameters', jsonb_build_object('r', r, 'alpha', alpha, 'a', a, 'b', b))::purchase_model $$;

-- ---- what models say: 40 digits ----

SELECT is_empty('SELECT * FROM (SELECT c.*, p_alive(model(kind, r, alpha, a, b), x, t_x, age) AS got FROM computed_purchases c) q WHERE near(got, alive) IS NOT TRUE', 'p_alive');
SELECT is_empty('SELECT * FROM (SELECT c.*, expected_purchases(model(kind, r, alpha, a, b), x, t_x, age, horizon) AS got FROM computed_purchases c) q WHERE near(got, expected) IS NOT TRUE', 'expected_purchases');
SELECT is_empty('SELECT * FROM (SELECT c.*, purchase_probability(model(kind, r, alpha, a, b), x, t_x, age, horizon, n) AS got FROM computed_probability c) q WHERE near(got, probability) IS NOT TRUE', 'purchase_probability');
SELECT is_empty($$SELECT * FROM (SELECT c.*, sbg_survival(m, k) AS s, sbg_retention(m, k + 1) AS r, sbg_lifetime(m, k, discount) AS l FROM computed_renewals c, LATERAL (SELECT jsonb_build_object('kind', 'sbg', 'parameters', jsonb_build_object('a', a, 'b', b))::renewal_model AS m) model) q
	WHERE NOT coalesce(near(s, survival) AND near(r, retention) AND near(l, lifetime), false)$$, 'sbg_survival, sbg_retention, sbg_lifetime');

-- ---- what models say: figures of others, and laws ----

SELECT is(round(expected_purchases(model('bgnbd', .243, 4.414, .793, 2.426), 2, 30.43, 38.86, 39)::numeric, 3), 1.226, 'the worked example of Fader, Hardie and Lee');
-- Fader and Hardie 2007, table 4: high end and regular, of 1000 customers, who are left after each of 7 years
CREATE TABLE contract AS
SELECT segment, year - 1 AS periods, true AS lost, lag(n, 1, 1000) OVER (PARTITION BY segment ORDER BY year) - n AS customers, n AS rest FROM (
	SELECT 'high end' AS segment, n, year FROM unnest(ARRAY[869, 743, 653, 593, 551, 517, 491]) WITH ORDINALITY h(n, year)
	UNION ALL SELECT 'regular', n, year FROM unnest(ARRAY[631, 468, 382, 326, 289, 262, 241]) WITH ORDINALITY r(n, year)) s;
INSERT INTO contract SELECT segment, 7, false, rest, rest FROM contract WHERE periods = 6;
CREATE TABLE renewals AS SELECT segment, sbg_fit(periods, lost) AS model FROM contract, generate_series(1, customers) GROUP BY segment;
SELECT results_eq('SELECT segment, round(a.estimate::numeric, 3), round(b.estimate::numeric, 3) FROM renewals, model_parameters(model) a, model_parameters(model) b WHERE a.name = ''a'' AND b.name = ''b'' ORDER BY segment',
	$$VALUES ('high end', .668, 3.806), ('regular', .704, 1.182)$$, 'published parameters of renewals');
SELECT is((SELECT round(log_likelihood::numeric, 1) FROM renewals, model_summary(model) WHERE segment = 'high end'), -1611.2, '... and the likelihood');
SELECT is((SELECT count(*) FROM renewals, model_summary(model) WHERE converged AND customers = 1000 AND near(aic, 4 - 2 * log_likelihood)), 2::bigint, '... by a fit that has converged');
SELECT is_empty('SELECT * FROM renewals, generate_series(0, 30) k WHERE NOT near(sbg_survival(model, k + 1), sbg_survival(model, k) * sbg_retention(model, k + 1))', 'survival is the product of retentions');
SELECT is_empty('SELECT * FROM renewals, generate_series(0, 9) k WHERE NOT near(sbg_lifetime(model, k, .1), sbg_retention(model, k + 1) * (1 + sbg_lifetime(model, k + 1, .1) / 1.1))', 'lifetime, a renewal later');
SELECT ok(near(sbg_lifetime('{"kind": "sbg", "parameters": {"a": 2.5, "b": 6}}', 3, 0), 6), 'without a discount, where that is finite');
SELECT throws_ok($$SELECT sbg_lifetime('{"kind": "sbg", "parameters": {"a": 0.9, "b": 6}}', 3, 0)$$, '22023', 'the mean number of renewals does not exist', '... and where not');

CREATE TABLE models AS SELECT DISTINCT model(kind, r, alpha, a, b)::text::purchase_model AS model, kind FROM computed_purchases;
SELECT is_empty('SELECT * FROM models CROSS JOIN (VALUES (0, 0, 12), (3, 7, 12), (9, 2, 12)) c(x, t_x, age), LATERAL (SELECT sum(purchase_probability(model, x, t_x, age, 2, n)) AS total, sum(n * purchase_probability(model, x, t_x, age, 2, n)) AS mean FROM generate_series(0, 400) n) s WHERE NOT (near(total, 1) AND near(mean, expected_purchases(model, x, t_x, age, 2)))',
	'probabilities add up to 1, and to what is expected');
SELECT is_empty('SELECT * FROM models CROSS JOIN (VALUES (0, 0, 12), (3, 7, 12)) c(x, t_x, age) WHERE expected_purchases(model, x, t_x, age, 0) <> 0 OR purchase_probability(model, x, t_x, age, 0, 0) <> 1 OR purchase_probability(model, x, t_x, age, 0, 1) <> 0', 'nothing happens within no time');
SELECT is_empty('SELECT * FROM models, generate_series(1, 300) t WHERE expected_purchases(model, 3, 7, 12, t) <= expected_purchases(model, 3, 7, 12, t - 1)', 'a longer horizon has more purchases');
SELECT is_empty('SELECT * FROM models, generate_series(0, 50) t WHERE expected_purchases_new(model, t) <> expected_purchases(model, 0, 0, 0, t)', 'a new customer is one who has only just come');
SELECT is_empty('SELECT * FROM models, unnest(ARRAY[0, 1, 300, 100000]) x, unnest(ARRAY[0, 0.001, 5, 100000]) age, unnest(ARRAY[0, 1, 1000]) t, LATERAL (SELECT p_alive(model, x, CASE WHEN x > 0 THEN age / 2 ELSE 0 END, age) AS alive, expected_purchases(model, x, CASE WHEN x > 0 THEN age / 2 ELSE 0 END, age, t) AS e) s
	WHERE NOT (alive BETWEEN 0 AND 1 AND e >= 0 AND e < ''infinity'')', 'numbers are numbers, whatever the customer is');

-- ---- units ----

SELECT is_empty($$SELECT * FROM models CROSS JOIN (VALUES (interval '14 days', 2.0::float8), ('0', 0), ('84 hours', .5), ('1 year', 365.25 / 7), ('1 month 1 day', 31.4375 / 7)) t(horizon, weeks)
	WHERE NOT near(expected_purchases(model, 3, 7, 12, horizon), expected_purchases(model, 3, 7, 12, weeks)) OR NOT near(expected_purchases_new(model, horizon), expected_purchases_new(model, weeks)) OR NOT near(purchase_probability(model, 3, 7, 12, horizon, 1), purchase_probability(model, 3, 7, 12, weeks, 1))$$, 'intervals in weeks');
SELECT is_empty($$SELECT * FROM (VALUES ('day', interval '1 month', 30.4375), ('month', '1 year 2 months', 14), ('quarter', '1 year', 4), ('year', '18 months', 1.5), ('month', '487 days', 16)) p(period, horizon, periods),
	LATERAL (SELECT (model('bgnbd', .243, 4.414, .793, 2.426)::jsonb || jsonb_build_object('period', period))::purchase_model AS model) m WHERE NOT near(expected_purchases_new(model, horizon), expected_purchases_new(model, periods))$$, '... in each period');
SELECT throws_ok($$SELECT expected_purchases_new((model('bgnbd', 1, 1, 1, 1)::jsonb - 'period')::purchase_model, interval '1 day')$$, '22023', 'an interval can''t be counted in the periods of a model that has none', 'an interval without a unit');
SELECT throws_ok($$SELECT expected_purchases_new(model('bgnbd', 1, 1, 1, 1), interval '-1 day')$$, '22023', 'the horizon must be from 0 to 100000 of the model''s periods', 'an interval below 0');

-- ---- spend and value ----

SELECT ok(near(expected_spend('{"kind": "gammagamma", "parameters": {"p": 6.25, "q": 3.74, "g": 15.44}}', 0, 0), 6.25 * 15.44 / 2.74), 'spend of a new customer: that of all');
SELECT ok(near(expected_spend('{"kind": "gammagamma", "parameters": {"p": 6.25, "q": 3.74, "g": 15.44}}', 3, 50), 6.25 * (15.44 + 150) / (6.25 * 3 + 2.74)), 'spend');
SELECT ok(near(expected_spend('{"kind": "gammagamma", "parameters": {"p": 6, "q": 0.5, "g": 15}}', 1, 50), 6 * 65 / 5.5), 'a mean of one who has bought, where all have none');
SELECT throws_like($$SELECT expected_spend('{"kind": "gammagamma", "parameters": {"p": 6, "q": 1, "g": 15}}', 0, 0)$$, 'the mean spend of a customer with 0 repeated purchases does not exist', 'no mean');
CREATE FUNCTION spender() RETURNS spend_model LANGUAGE sql IMMUTABLE AS $$ SELECT '{"kind": "gammagamma", "parameters": {"p": 6.25, "q": 3.74, "g": 15.44}}'::spend_model $$;
SELECT is_empty('SELECT * FROM models, LATERAL (SELECT sum((expected_purchases(model, 3, 7, 12, least(i, 10.5)) - expected_purchases(model, 3, 7, 12, i - 1)) / 1.01 ^ least(i, 10.5)) * expected_spend(spender(), 3, 40) AS wanted FROM generate_series(1, 11) i) s
	WHERE NOT near(lifetime_value(model, spender(), 3, 7, 12, 40, 10.5, .01), wanted) OR NOT near(lifetime_value(model, spender(), 3, 7, 12, 40, 10.5), expected_purchases(model, 3, 7, 12, 10.5) * expected_spend(spender(), 3, 40)) OR lifetime_value(model, spender(), 3, 7, 12, 40, interval ''70 days'', .01) <> lifetime_value(model, spender(), 3, 7, 12, 40, 10, .01)', 'lifetime_value, as its definition has it');

-- ---- fits ----

CREATE TABLE spend_fit AS SELECT gammagamma_fit(x, m) AS model FROM (SELECT * FROM spend UNION ALL SELECT 0, 0 UNION ALL SELECT 0, 5 UNION ALL SELECT 2, 0 UNION ALL SELECT NULL, 1) s;
SELECT results_eq('SELECT round(p.estimate::numeric, 6), round(q.estimate::numeric, 5), round(g.estimate::numeric, 3) FROM spend_fit, model_parameters(model) p, model_parameters(model) q, model_parameters(model) g WHERE p.name = ''p'' AND q.name = ''q'' AND g.name = ''g''',
	'SELECT round(p::numeric, 6), round(q::numeric, 5), round(g::numeric, 3) FROM computed_spend', 'gammagamma_fit: the top, to 40 digits');
SELECT ok((SELECT near(s.log_likelihood, c.log_likelihood) AND s.customers = 18 AND s.converged FROM spend_fit, model_summary(model) s, computed_spend c), '... and the likelihood, of those who spent');

-- A programme from known parameters. Gamma distributed by Marsaglia and Tsang (2000), normal by Box and Muller.
CREATE FUNCTION random_gamma(shape float8) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	d float8 := CASE WHEN shape < 1 THEN shape + 1 ELSE shape END - 1.0 / 3;
	c float8 := 1 / sqrt(9 * d);
	z float8;
	v float8;
BEGIN
	LOOP
		z := sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random());
		v := (1 + c * z) ^ 3;
		EXIT WHEN v > 0 AND ln(1 - random()) < z * z / 2 + d - d * v + d * ln(v);
	END LOOP;
	RETURN d * v * CASE WHEN shape < 1 THEN (1 - random()) ^ (1 / shape) ELSE 1 END;
END $$;
CREATE FUNCTION live(kind text, r float8, alpha float8, a float8, b float8, age float8, OUT x bigint, OUT t_x float8) LANGUAGE plpgsql AS $$
DECLARE
	rate float8 := random_gamma(r) / alpha;
	goes float8 := random_gamma(a);
	at float8 := 0;
BEGIN
	x := 0;
	t_x := 0;
	goes := goes / (goes + random_gamma(b));
	IF kind = 'mbgnbd' AND random() < goes THEN
		RETURN;
	END IF;
	LOOP
		at := at - ln(1 - random()) / greatest(rate, 1e-30);
		EXIT WHEN at > age OR x >= 5000;
		x := x + 1;
		t_x := at;
		EXIT WHEN random() < goes;
	END LOOP;
END $$;
CREATE TABLE programme AS
SELECT kind, n, x, floor(t_x * 7) / 7 AS t_x, age FROM (VALUES ('bgnbd', .6, 5, .7, 2.5), ('mbgnbd', .8, 6, .8, 2.5)) p(kind, r, alpha, a, b), generate_series(1, 6000) n, LATERAL (SELECT floor(200 + n % 150) / 7 AS age) q, live(kind, r, alpha, a, b, age);
CREATE TABLE fitted AS SELECT kind, CASE kind WHEN 'bgnbd' THEN bgnbd_fit(x, t_x, age, 'week') ELSE mbgnbd_fit(x, t_x, age, 'week') END AS model FROM programme GROUP BY kind;
SELECT is_empty($$SELECT * FROM fitted JOIN (VALUES ('bgnbd', ARRAY['r', 'alpha', 'a', 'b'], ARRAY[.6, 5, .7, 2.5]), ('mbgnbd', ARRAY['r', 'alpha', 'a', 'b'], ARRAY[.8, 6, .8, 2.5])) t(kind, names, known) USING (kind), LATERAL unnest(names, known) k(name, value) JOIN LATERAL model_parameters(model) p USING (name)
	WHERE (abs(estimate - value) < 3 * std_error AND lower < estimate AND upper > estimate AND NOT on_edge) IS NOT TRUE$$, 'known parameters come back, within 3 standard errors');
-- the likelihood in plain SQL, as it was published, with all products written out
CREATE FUNCTION log_likelihood(kind text, r float8, alpha float8, a float8, b float8, x bigint, t_x float8, age float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT (SELECT coalesce(sum(ln(r + k)), 0) FROM generate_series(0, x - 1) k) + (SELECT coalesce(sum(ln((b + k) / (a + b + k))), 0) FROM generate_series(0, x - 1 + m) k) + r * ln(alpha)
		+ ln((alpha + age) ^ -(r + x) + CASE WHEN x + m > 0 THEN a / (b + x - 1 + m) * (alpha + t_x) ^ -(r + x) ELSE 0 END) FROM (SELECT (kind = 'mbgnbd')::int AS m) s $$;
CREATE TABLE sum_of AS SELECT kind, x, t_x, age, count(*) AS n FROM programme GROUP BY kind, x, t_x, age;
CREATE FUNCTION in_sql(wanted text, r float8, alpha float8, a float8, b float8) RETURNS float8 LANGUAGE sql AS $$ SELECT sum(n * log_likelihood(wanted, r, alpha, a, b, x, t_x, age)) FROM sum_of WHERE kind = wanted $$;
CREATE TABLE estimate AS SELECT kind, model, (j->>'r')::float8 AS r, (j->>'alpha')::float8 AS alpha, (j->>'a')::float8 AS a, (j->>'b')::float8 AS b, (s).log_likelihood, (s).customers, (s).converged FROM (SELECT kind, model, model::jsonb->'parameters' AS j, model_summary(model) AS s FROM fitted) q;
SELECT is_empty('SELECT * FROM estimate WHERE NOT (near(log_likelihood, in_sql(kind, r, alpha, a, b)) AND customers = 6000 AND converged)', 'the likelihood is that of plain SQL');
SELECT is_empty('SELECT * FROM estimate, unnest(ARRAY[.999, 1.001]) f WHERE greatest(in_sql(kind, r * f, alpha, a, b), in_sql(kind, r, alpha * f, a, b), in_sql(kind, r, alpha, a * f, b), in_sql(kind, r, alpha, a, b * f), in_sql(kind, r, alpha, a * f, b * f), in_sql(kind, r * f, alpha * f, a, b)) >= log_likelihood', '... and is lower all around');
SELECT is_empty('SELECT * FROM estimate, LATERAL (SELECT -(in_sql(kind, r * 1.001, alpha, a, b) - 2 * log_likelihood + in_sql(kind, r * .999, alpha, a, b)) / (r * .001) ^ 2 AS rr, -(in_sql(kind, r, alpha, a * 1.001, b) - 2 * log_likelihood + in_sql(kind, r, alpha, a * .999, b)) / (a * .001) ^ 2 AS aa) s,
	LATERAL (SELECT array_agg(std_error ORDER BY name) AS e FROM model_parameters(model)) p WHERE NOT (1 / sqrt(rr) < e[4] AND e[4] < 20 / sqrt(rr) AND 1 / sqrt(aa) < e[1] AND e[1] < 20 / sqrt(aa))', 'standard errors: above those of a parameter by itself');
SELECT * FROM finish();
ROLLBACK;
