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
-- a and b are s and beta of a Pareto/NBD.
CREATE FUNCTION model(kind text, r float8, alpha float8, a float8, b float8) RETURNS purchase_model
LANGUAGE sql IMMUTABLE AS $$ SELECT jsonb_build_object('kind', kind, 'period', 'week', 'parameters', jsonb_build_object('r', r, 'alpha', alpha) || CASE kind WHEN 'paretonbd' THEN jsonb_build_object('s', a, 'beta', b) ELSE jsonb_build_object('a', a, 'b', b) END)::purchase_model $$;

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
SELECT is_empty('SELECT * FROM models, unnest(ARRAY[0, 1, 300, 100000]) x, unnest(ARRAY[0, 0.001, 5, 100000]) age, unnest(ARRAY[0, 1, 10000]) t, LATERAL (SELECT p_alive(model, x, CASE WHEN x > 0 THEN age / 2 ELSE 0 END, age) AS alive, expected_purchases(model, x, CASE WHEN x > 0 THEN age / 2 ELSE 0 END, age, t) AS e) s
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

-- A programme from known parameters.
\ir reference/random_gamma.sql
CREATE FUNCTION live(kind text, r float8, alpha float8, a float8, b float8, age float8, OUT x bigint, OUT t_x float8) LANGUAGE plpgsql AS $$
DECLARE
	rate float8 := random_gamma(r) / alpha;
	goes float8 := random_gamma(a);
	at float8 := 0;
BEGIN
	x := 0;
	t_x := 0;
	IF kind = 'paretonbd' THEN
		age := least(age, -ln(1 - random()) / greatest(goes / b, 1e-30));
		goes := 0;
	ELSE
		goes := goes / (goes + random_gamma(b));
	END IF;
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
SELECT kind, n, x, floor(t_x * 7) / 7 AS t_x, age FROM (VALUES ('bgnbd', .6, 5, .7, 2.5), ('mbgnbd', .8, 6, .8, 2.5), ('paretonbd', .7, 6, .9, 14)) p(kind, r, alpha, a, b), generate_series(1, CASE kind WHEN 'paretonbd' THEN 2500 ELSE 6000 END) n, LATERAL (SELECT floor(200 + n % 150) / 7 AS age) q, live(kind, r, alpha, a, b, age);
CREATE TABLE fitted AS SELECT kind, CASE kind WHEN 'bgnbd' THEN bgnbd_fit(x, t_x, age, 'week') WHEN 'mbgnbd' THEN mbgnbd_fit(x, t_x, age, 'week') ELSE paretonbd_fit(x, t_x, age, 'week') END AS model FROM programme GROUP BY kind;
SELECT is_empty($$SELECT * FROM fitted JOIN (VALUES ('bgnbd', ARRAY['r', 'alpha', 'a', 'b'], ARRAY[.6, 5, .7, 2.5]), ('mbgnbd', ARRAY['r', 'alpha', 'a', 'b'], ARRAY[.8, 6, .8, 2.5]), ('paretonbd', ARRAY['r', 'alpha', 's', 'beta'], ARRAY[.7, 6, .9, 14])) t(kind, names, known) USING (kind), LATERAL unnest(names, known) k(name, value) JOIN LATERAL model_parameters(model) p USING (name)
	WHERE (abs(estimate - value) < 3 * std_error AND lower < estimate AND upper > estimate AND NOT on_edge) IS NOT TRUE$$, 'known parameters come back, within 3 standard errors');
-- the likelihood in plain SQL, as it was published, with all products written out, and the larger factor taken out of its sum
CREATE FUNCTION hypergeometric(a float8, b float8, c float8, z float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	sum float8 := 0;
	term float8 := 1;
	n int := 0;
BEGIN
	WHILE term > sum * 1e-17 LOOP
		sum := sum + term;
		term := term * (a + n) * (b + n) / ((c + n) * (n + 1)) * z;
		n := n + 1;
	END LOOP;
	RETURN sum;
END $$;
CREATE FUNCTION log_of(r float8, alpha float8, s float8, beta float8, x bigint, u float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN alpha >= beta THEN -s * ln(beta + u) - (r + x) * ln(alpha + u) + ln(hypergeometric(1, r + x, r + s + x + 1, (alpha - beta) / (alpha + u)))
		ELSE -(r + x - 1) * ln(alpha + u) - (s + 1) * ln(beta + u) + ln(hypergeometric(1, s + 1, r + s + x + 1, (beta - alpha) / (beta + u))) END $$;
CREATE FUNCTION pareto_log_likelihood(r float8, alpha float8, s float8, beta float8, x bigint, t_x float8, age float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT (SELECT coalesce(sum(ln(r + k)), 0) FROM generate_series(0, x - 1) k) + r * ln(alpha) + s * ln(beta) + f
		+ ln(exp(greatest(-(r + x) * ln(alpha + age) - s * ln(beta + age) - f, -700)) + s / (r + s + x) * (1 - exp(greatest(log_of(r, alpha, s, beta, x, age) - f, -700)))) FROM log_of(r, alpha, s, beta, x, t_x) f $$;
CREATE FUNCTION log_likelihood(kind text, r float8, alpha float8, a float8, b float8, x bigint, t_x float8, age float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN kind = 'paretonbd' THEN pareto_log_likelihood(r, alpha, a, b, x, t_x, age) ELSE (SELECT coalesce(sum(ln(r + k)), 0) FROM generate_series(0, x - 1) k) + (SELECT coalesce(sum(ln((b + k) / (a + b + k))), 0) FROM generate_series(0, x - 1 + m) k) + r * ln(alpha)
		- (r + x) * ln(alpha + t_x) + ln(exp(greatest(-(r + x) * ln((alpha + age) / (alpha + t_x)), -700)) + CASE WHEN x + m > 0 THEN a / (b + x - 1 + m) ELSE 0 END) END FROM (SELECT (kind = 'mbgnbd')::int AS m) s $$;
CREATE TABLE sum_of AS SELECT kind, x, t_x, age, count(*) AS n FROM programme GROUP BY kind, x, t_x, age;
CREATE FUNCTION in_sql(wanted text, r float8, alpha float8, a float8, b float8) RETURNS float8 LANGUAGE sql AS $$ SELECT sum(n * log_likelihood(wanted, r, alpha, a, b, x, t_x, age)) FROM sum_of WHERE kind = wanted $$;
CREATE TABLE estimate AS SELECT kind, model, (j->>'r')::float8 AS r, (j->>'alpha')::float8 AS alpha, coalesce(j->>'a', j->>'s')::float8 AS a, coalesce(j->>'b', j->>'beta')::float8 AS b, (s).log_likelihood, (s).customers, (s).converged FROM (SELECT kind, model, model::jsonb->'parameters' AS j, model_summary(model) AS s FROM fitted) q;
SELECT is_empty('SELECT * FROM estimate WHERE NOT (near(log_likelihood, in_sql(kind, r, alpha, a, b)) AND customers = CASE kind WHEN ''paretonbd'' THEN 2500 ELSE 6000 END AND converged)', 'the likelihood is that of plain SQL');
SELECT is_empty('SELECT * FROM estimate, unnest(ARRAY[.999, 1.001]) f WHERE greatest(in_sql(kind, r * f, alpha, a, b), in_sql(kind, r, alpha * f, a, b), in_sql(kind, r, alpha, a * f, b), in_sql(kind, r, alpha, a, b * f), in_sql(kind, r, alpha, a * f, b * f), in_sql(kind, r * f, alpha * f, a, b)) >= log_likelihood', '... and is lower all around');
SELECT is_empty('SELECT * FROM estimate, LATERAL (SELECT -(in_sql(kind, r * 1.001, alpha, a, b) - 2 * log_likelihood + in_sql(kind, r * .999, alpha, a, b)) / (r * .001) ^ 2 AS rr, -(in_sql(kind, r, alpha, a * 1.001, b) - 2 * log_likelihood + in_sql(kind, r, alpha, a * .999, b)) / (a * .001) ^ 2 AS aa) s,
	LATERAL (SELECT max(std_error) FILTER (WHERE name = ''r'') AS of_r, max(std_error) FILTER (WHERE name IN (''a'', ''s'')) AS of_a FROM model_parameters(model)) p WHERE NOT (1 / sqrt(rr) < of_r AND of_r < 20 / sqrt(rr) AND 1 / sqrt(aa) < of_a AND of_a < 20 / sqrt(aa))', 'standard errors: above those of a parameter by itself');

-- Programmes by chance: 240 of two kinds together, and as many of the third, from parameters by chance. A fit says whether it has converged, and mostly which parameter it can't tell.
SET LOCAL client_min_messages = error;
CREATE TABLE chance AS SELECT g, CASE WHEN g > 240 THEN 'paretonbd' WHEN g % 2 = 0 THEN 'bgnbd' ELSE 'mbgnbd' END AS kind, exp(ln(.15) + random() * ln(20)) AS r, exp(ln(1) + random() * ln(30)) AS alpha, exp(ln(.2) + random() * ln(20)) AS a, exp(ln(.5) + random() * ln(30)) * CASE WHEN g > 240 THEN 5 ELSE 1 END AS b, exp(ln(20) + random() * ln(20)) AS age FROM generate_series(1, 480) g;
CREATE TABLE lives AS SELECT g, kind, x, t_x, c.age - n % 10 AS age FROM chance c, generate_series(1, 400) n, live(kind, r, alpha, a, b, c.age - n % 10);
CREATE TABLE chance_fit AS SELECT g, kind, CASE kind WHEN 'bgnbd' THEN bgnbd_fit(x, t_x, age) WHEN 'mbgnbd' THEN mbgnbd_fit(x, t_x, age) ELSE paretonbd_fit(x, t_x, age) END AS model FROM lives GROUP BY g, kind;
RESET client_min_messages;
SELECT is((SELECT count(*) FROM chance_fit, model_summary(model) s WHERE (s.converged AND NOT EXISTS (SELECT FROM model_parameters(model) WHERE on_edge OR (std_error > 0) IS NOT TRUE)) OR (NOT s.converged AND NOT EXISTS (SELECT FROM model_parameters(model) WHERE std_error IS NOT NULL))), 480::bigint, '480 fits have converged, or say that they have not');
-- the others end on a flat inside of it
SELECT cmp_ok((SELECT count(*) FROM chance_fit, model_summary(model) s WHERE NOT s.converged AND NOT EXISTS (SELECT FROM model_parameters(model) WHERE on_edge)), '<=', 4::bigint, '... and nearly all of these name the parameter on the edge');
SELECT cmp_ok((SELECT count(*) FROM chance_fit, model_summary(model) WHERE converged AND g <= 240), '>=', 200::bigint, '... 200 of the first have converged');
SELECT cmp_ok((SELECT count(*) FROM chance_fit, model_summary(model) WHERE converged AND g > 240), '>=', 200::bigint, '... and 200 Pareto/NBD');
CREATE FUNCTION likelihood_of(wanted int, kind text, r float8, alpha float8, a float8, b float8) RETURNS float8 LANGUAGE sql AS $$ SELECT sum(log_likelihood(kind, r, alpha, a, b, x, t_x, age)) FROM lives WHERE g = wanted $$;
SELECT is_empty('SELECT * FROM chance_fit f JOIN chance c USING (g), model_summary(model) s WHERE g % 40 < 3 AND s.log_likelihood < likelihood_of(g, c.kind, r, alpha, a, b)', 'the known parameters have no larger likelihood');
SELECT is_empty($$SELECT * FROM (SELECT g, m.log_likelihood, likelihood_of(g, f.kind, r, alpha, coalesce(a, s), coalesce(b, beta)) AS here, likelihood_of(g, f.kind, r, alpha, coalesce(a, s) * 1.01, coalesce(b, beta) * 1.01) AS beside FROM chance_fit f, model_summary(model) m, jsonb_to_record(model::jsonb->'parameters') j(r float8, alpha float8, a float8, b float8, s float8, beta float8) WHERE g % 40 < 3 AND m.converged) q WHERE NOT near(here, log_likelihood) OR beside >= here$$, '... nor have others close by');

-- What can't be told. The warning is what psql shows; the value says the same.
SET LOCAL client_min_messages = error;
SELECT ok((SELECT bool_or(on_edge) FROM (SELECT bgnbd_fit(0, 0, 10) AS m FROM generate_series(1, 9)) f, model_parameters(m)), 'nobody has bought again');
SELECT is((SELECT converged FROM (SELECT paretonbd_fit(0, 0, 10) AS m FROM generate_series(1, 9)) f, model_summary(m)), false, '... by a Pareto/NBD');
SELECT is((SELECT converged FROM (SELECT paretonbd_fit(3, 9, 9) AS m FROM generate_series(1, 9)) f, model_summary(m)), false, 'all are the same, and nobody was lost');
SELECT is((SELECT converged FROM (SELECT bgnbd_fit(0, 0, 0) AS m FROM generate_series(1, 9)) f, model_summary(m)), false, 'customers of no age');
SELECT is((SELECT converged FROM (SELECT gammagamma_fit(2, 10) AS m FROM generate_series(1, 50)) f, model_summary(m)), false, 'all spend the same');
SELECT is((SELECT converged FROM (SELECT sbg_fit(5, false) AS m FROM generate_series(1, 50)) f, model_summary(m)), false, 'nobody was lost');
RESET client_min_messages;

-- ---- samples ----

CREATE TABLE both_ways AS SELECT kind, n % 5 AS part, x, t_x, age, 1 + n * 7 % 90 / 4.0 AS m, n % 3 = 0 AS lost FROM programme;
CREATE TABLE whole AS SELECT purchase_sample(x, t_x, age, 'week') AS s, spend_sample(x, m) AS v, renewal_sample(x, lost) AS p FROM (SELECT * FROM both_ways ORDER BY m, x, age) o;
SELECT is((SELECT count(*) FROM whole JOIN (SELECT rollup(s) AS s, rollup(v) AS v, rollup(p) AS p FROM (SELECT purchase_sample(x, t_x, age, 'week') AS s, spend_sample(x, m) AS v, renewal_sample(x, lost) AS p FROM both_ways GROUP BY kind, part) q) r USING (s, v, p)), 1::bigint, 'samples of parts add up to that of the whole, in whatever order');
SELECT ok((SELECT bgnbd_fit(purchase_sample(x, t_x, age, 'week')) = bgnbd_fit(x, t_x, age, 'week') AND mbgnbd_fit(purchase_sample(x, t_x, age)) = mbgnbd_fit(x, t_x, age) AND paretonbd_fit(purchase_sample(x, t_x, age, 'month')) = paretonbd_fit(x, t_x, age, 'month') AND gammagamma_fit(spend_sample(x, t_x)) = gammagamma_fit(x, t_x) AND sbg_fit(renewal_sample(x, lost)) = sbg_fit(x, lost) FROM both_ways WHERE kind = 'bgnbd'), 'a fit of rows is that of their sample');
SELECT ok((SELECT s::text::purchase_sample_result = s AND v::text::spend_sample_result = v AND p::text::renewal_sample_result = p FROM whole), 'text out and in');
SELECT is(purchase_sample(x, t_x, age)::text::jsonb, '{"scale": "float", "rows": [{"x": 0, "t_x": 0, "age": 4.5, "customers": 2}, {"x": 2, "t_x": 3.25, "age": 4.5, "customers": 1}]}', 'the text of a sample') FROM (VALUES (0, 0, 4.5), (2, 3.25, 4.5), (0, '-0'::float8, 4.5), (NULL, 1, 2), (1, NULL, 2), (1, 1, NULL)) c(x, t_x, age);
SELECT is((SELECT bgnbd_fit(x, t_x, age)::text FROM programme WHERE false), NULL, 'without rows');
SELECT is((SELECT bgnbd_fit(NULL, t_x, age)::text FROM programme), NULL, 'rows of NULLs');
SELECT is((SELECT gammagamma_fit(x, 0)::text FROM programme), NULL, 'nobody who spent');
SELECT throws_ok(format('SELECT %L::%s', text, type), code, NULL, text) FROM (VALUES
	('purchase_sample_result', '{"rows": [{"x": 1, "t_x": 1, "age": 4, "customers": 2}]}', '22P02'), ('purchase_sample_result', '{"scale": "float", "rows": [{"x": 0, "t_x": 1, "age": 4, "customers": 2}]}', '22P02'),
	('purchase_sample_result', '{"scale": "float", "rows": [{"x": 1, "t_x": 5, "age": 4, "customers": 2}]}', '22P02'), ('purchase_sample_result', '{"scale": "float", "rows": [{"x": 1000001, "t_x": 1, "age": 4, "customers": 2}]}', '22P02'),
	('purchase_sample_result', '{"scale": "float", "rows": [{"x": 1, "t_x": -1, "age": 4, "customers": 2}]}', '22P02'), ('purchase_sample_result', '{"period": "decade"}', '22P02'), ('spend_sample_result', '{"scale": "float", "rows": [{"x": 0, "m": 1, "customers": 2}]}', '22P02'),
	('spend_sample_result', '{"scale": "float", "rows": [{"x": 1, "m": 1e300, "customers": 2}]}', '22P02'), ('renewal_sample_result', '{"rows": [{"periods": -1, "lost": 2}]}', '22P02')) t(type, text, code);

-- ---- comparing ----

CREATE TABLE two_kinds AS SELECT kind, bgnbd_fit(x, t_x, age, 'week') AS bg, mbgnbd_fit(x, t_x, age, 'week') AS mbg FROM programme WHERE kind <> 'paretonbd' GROUP BY kind;
SELECT ok((SELECT p.log_likelihood > b.log_likelihood + 5 FROM (SELECT bgnbd_fit(x, t_x, age) AS bg, paretonbd_fit(x, t_x, age) AS pareto FROM programme WHERE kind = 'paretonbd') f, model_summary(bg) b, model_summary(pareto) p), 'customers who leave at any time: the Pareto/NBD fits better');
SELECT is_empty('SELECT * FROM two_kinds k, model_compare(bg, mbg) c, model_summary(bg) a, model_summary(mbg) b WHERE NOT (near(log_likelihood_a, a.log_likelihood) AND near(aic_difference, 2 * (a.log_likelihood - b.log_likelihood)) AND near(aic_a, a.aic) AND near(aic_b, b.aic) AND likelihood_ratio IS NULL AND degrees_of_freedom IS NULL AND p IS NULL AND CASE k.kind WHEN ''mbgnbd'' THEN aic_difference < -10 ELSE aic_difference > 10 END)',
	'two kinds: the one that customers were made by is better');
CREATE TABLE by_segment AS SELECT sbg_fit(periods, lost) AS whole, sbg_fit(periods, lost) FILTER (WHERE segment = 'regular') AS regular, sbg_fit(periods, lost) FILTER (WHERE segment = 'high end') AS high FROM contract, generate_series(1, customers);
SELECT ok((SELECT near(likelihood_ratio, 2 * (h.log_likelihood + r.log_likelihood - w.log_likelihood)) AND degrees_of_freedom = 2 AND c.p < 1e-9 AND near(c.log_likelihood_b, h.log_likelihood + r.log_likelihood) AND near(c.aic_b, 8 - 2 * c.log_likelihood_b) FROM by_segment, model_compare(whole, ARRAY[regular, high]) c, model_summary(whole) w, model_summary(regular) r, model_summary(high) h), 'it pays to fit segments apart');
SELECT throws_ok('SELECT model_compare(model, model(''bgnbd'', 1, 1, 1, 1)) FROM fitted', '22023', 'a model that was not fitted can''t be compared', 'models by hand');
SELECT throws_ok('SELECT model_compare(whole, regular) FROM by_segment', '22023', 'models of 2000 and of 1000 customers can''t be compared', 'models of other customers');
SELECT throws_ok('SELECT model_compare(whole, ARRAY[regular, regular, high]) FROM by_segment', '22023', 'models of 2000 and of 3000 customers can''t be compared', 'parts of other customers');
SELECT throws_ok('SELECT model_compare(bg, (SELECT bgnbd_fit(x, t_x, age) FROM programme WHERE kind = ''bgnbd'')) FROM two_kinds', '22023', 'models in different periods can''t be compared', 'models in other units');
SELECT throws_ok('SELECT model_compare(whole, ARRAY[regular, NULL]) FROM by_segment', '22004', 'parts have a NULL element', 'a part of NULL');

-- ---- models as values ----

SELECT is_empty('SELECT * FROM fitted WHERE model::text::purchase_model <> model OR model::jsonb::purchase_model <> model OR model::jsonb::text::purchase_model::text <> model::text', 'models are read as they are written');
SELECT is('{"parameters": {"b": 2.50, "a": 1, "alpha": 10e-1, "r": 0.5}, "kind": "mbgnbd", "converged": false, "period": null}'::purchase_model::text, '{"kind": "mbgnbd", "parameters": {"r": 0.5, "alpha": 1, "a": 1, "b": 2.5}}', 'the text of a model');
CREATE FUNCTION refused(type text, text text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('SELECT %L::%s', text, type); RETURN 'taken'; EXCEPTION WHEN invalid_parameter_value OR invalid_text_representation THEN RETURN 'refused'; END $$;
SELECT is(refused(type, text), 'refused', text) FROM (VALUES
	('purchase_model', '{}'), ('purchase_model', '{"kind": "bgnbd"}'), ('purchase_model', '{"kind": "pareto", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'), ('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1}}'), ('purchase_model', '{"parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'),
	('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 0}}'), ('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": -1}}'), ('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1e30}}'),
	('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 0.00001, "b": 1}}'), ('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1e21, "a": 1, "b": 1}}'),
	('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1, "c": 1}}'), ('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": "1"}}'), ('purchase_model', '{"kind": "bgnbd", "period": "fortnight", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'), ('purchase_model', '{"kind": "bgnbd", "parameters": [1, 1, 1, 1]}'),
	('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "converged": true}'), ('purchase_model', '{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}, "customers": 5}'),
	('renewal_model', '{"kind": "sbg", "parameters": {"a": 1, "b": 1}, "customers": 5, "log_likelihood": -3, "covariance": [[1, 0], [0.5, 1]]}'), ('renewal_model', '{"kind": "sbg", "parameters": {"a": 1, "b": 1}, "customers": 5, "log_likelihood": -3, "covariance": [[1, 0]]}'),
	('renewal_model', '{"kind": "sbg", "parameters": {"a": 1, "b": 1}, "customers": 5, "log_likelihood": -3, "covariance": [[1, 0], [0, -1]]}'), ('renewal_model', '{"kind": "sbg", "parameters": {"a": 1, "b": 1}, "customers": 5, "log_likelihood": -3, "converged": true, "on_edge": ["a"]}'),
	('renewal_model', '{"kind": "sbg", "parameters": {"a": 1, "b": 1}, "customers": 5, "log_likelihood": -3, "on_edge": ["c"]}'), ('spend_model', '{"kind": "sbg", "parameters": {"a": 1, "b": 1}}')) t(type, text);

-- ---- hostile input ----

SELECT throws_ok(format('SELECT bgnbd_fit(%s)', numbers), code, message, numbers) FROM (VALUES
	('1, 5, 4', '22023', 'no customer has x = 1, t_x = 5 and age = 4'), ('0, 1, 4', '22023', 'no customer has x = 0, t_x = 1 and age = 4'), ('-1, 1, 4', '22023', 'no customer has x = -1, t_x = 1 and age = 4'), ('1, -1, 4', '22023', 'no customer has x = 1, t_x = -1 and age = 4'),
	('1, ''NaN'', 4', '22003', 't_x must be finite, not NaN'), ('1, 1, ''infinity''', '22003', 'age must be finite, not Infinity'), ('1000001, 1, 4', '22003', 'a customer has 1000001 purchases'), ('1, 1, 1e16', '22023', 'no customer has x = 1, t_x = 1 and age = 1e+16'), ('1, 1, 4, ''decade''', '22023', 'unknown period: "decade"')) n(numbers, code, message);
SELECT throws_ok(format('SELECT gammagamma_fit(%s)', numbers), code, message, numbers) FROM (VALUES ('1, -5', '22023', 'no customer has x = 1 and m = -5'), ('-1, 5', '22023', 'no customer has x = -1 and m = 5'), ('1, ''NaN''', '22003', 'm must be finite, not NaN')) n(numbers, code, message);
SELECT throws_ok('SELECT sbg_fit(-1, true)', '22023', 'periods must not be negative: -1', 'periods below 0');
SELECT throws_ok(format('SELECT %s', call), code, NULL, call) FROM (VALUES
	('p_alive(NULL, 1, 1, 2)', '22004'), ('expected_purchases(NULL, 1, 1, 2, 3::float8)', '22004'), ('expected_spend(NULL, 1, 1)', '22004'), ('sbg_survival(NULL, 1)', '22004'), ('p_alive(model(''bgnbd'', 1, 1, 1, 1), 1, 3, 2)', '22023'),
	('expected_purchases(model(''bgnbd'', 1, 1, 1, 1), 1, 1, 2, -1)', '22023'), ('expected_purchases(model(''bgnbd'', 1, 1, 1, 1), 1, 1, 2, ''NaN''::float8)', '22023'), ('expected_purchases(model(''bgnbd'', 1, 1, 1, 1), 1, 1, 2, 100001)', '22023'), ('purchase_probability(model(''bgnbd'', 1, 1, 1, 1), 1, 1, 2, 1, -1)', '22023'),
	('expected_purchases_new(model(''bgnbd'', 1, 1e-5, 1, 1), 1.5)', '22023'), ('purchase_probability(model(''bgnbd'', 1, 1e-20, 1, 1), 0, 0, 0, 1, 5)', '22023'), ('lifetime_value(model(''bgnbd'', 1, 1, 1, 1), spender(), 1, 1, 2, 1, 10, 1e-300)', '22023'),
	('lifetime_value(model(''bgnbd'', 1, 1, 1, 1), spender(), 1, 1, 2, -1, 10)', '22023'), ('lifetime_value(model(''bgnbd'', 1, 1, 1, 1), spender(), 1, 1, 2, 1, 10, -0.1)', '22023'), ('lifetime_value(model(''bgnbd'', 1, 1, 1, 1), NULL, 1, 1, 2, 1, 10)', '22004'),
	('sbg_survival(''{"kind": "sbg", "parameters": {"a": 1, "b": 1}}'', -1)', '22023'), ('sbg_retention(''{"kind": "sbg", "parameters": {"a": 1, "b": 1}}'', 0)', '22023'), ('sbg_lifetime(''{"kind": "sbg", "parameters": {"a": 1, "b": 1}}'', 1, ''NaN'')', '22023')) c(call, code);
SELECT is(p_alive(model('bgnbd', 1, 1, 1, 1), NULL, 1, 2), NULL, 'p_alive of NULL');
SELECT is(expected_purchases(model('bgnbd', 1, 1, 1, 1), 1, 1, 2, NULL::float8), NULL, 'a horizon of NULL');
SELECT is(lifetime_value(model('bgnbd', 1, 1, 1, 1), spender(), 1, 1, 2, NULL, 10), NULL, 'a value of NULL');
SELECT * FROM finish();
ROLLBACK;
