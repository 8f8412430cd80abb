--
-- How many points will be redeemed, and what that costs at the end of each period: tails, a prior rate, Cape Cod, the bootstrap
-- against what R makes of two published triangles (reference/development.R) and against what was published of them; liability by
-- period against points_liability() of each day, totals and roll-forward, on random ledgers.
--
\ir reference/setup.sql
\if :{?groups}
\else
	\set groups 24
\endif
BEGIN;
SELECT plan(124);
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/development.sql

-- ---- triangles, as results ----

CREATE TABLE published (sample text, origin int, issued numeric, cumulative int[]);
-- Taylor and Ashe (1983), as in Mack (1993); what is issued leaves room for all that is expected
INSERT INTO published VALUES
	('taylor_ashe', 0, 20000000, '{357848,1124788,1735330,2218270,2745596,3319994,3466336,3606286,3833515,3901463}'),
	('taylor_ashe', 1, 20000000, '{352118,1236139,2170033,3353322,3799067,4120063,4647867,4914039,5339085}'),
	('taylor_ashe', 2, 20000000, '{290507,1292306,2218525,3235179,3985995,4132918,4628910,4909315}'),
	('taylor_ashe', 3, 20000000, '{310608,1418858,2195047,3757447,4029929,4381982,4588268}'),
	('taylor_ashe', 4, 20000000, '{443160,1136350,2128333,2897821,3402672,3873311}'),
	('taylor_ashe', 5, 20000000, '{396132,1333217,2180715,2985752,3691712}'),
	('taylor_ashe', 6, 20000000, '{440832,1288463,2419861,3483130}'),
	('taylor_ashe', 7, 20000000, '{359480,1421128,2864498}'),
	('taylor_ashe', 8, 20000000, '{376686,1363294}'),
	('taylor_ashe', 9, 20000000, '{344014}');
-- Wüthrich and Merz (2008), Stochastic claims reserving methods in insurance, chapters 2 and 4; with its premiums
INSERT INTO published VALUES
	('wuthrich_merz', 0, 15473558, '{5946975,9668212,10563929,10771690,10978394,11040518,11106331,11121181,11132310,11148124}'),
	('wuthrich_merz', 1, 14882436, '{6346756,9593162,10316383,10468180,10536004,10572608,10625360,10636546,10648192}'),
	('wuthrich_merz', 2, 14456039, '{6269090,9245313,10092366,10355134,10507837,10573282,10626827,10635751}'),
	('wuthrich_merz', 3, 14054917, '{5863015,8546239,9268771,9459424,9592399,9680740,9724068}'),
	('wuthrich_merz', 4, 14525373, '{5778885,8524114,9178009,9451404,9681692,9786916}'),
	('wuthrich_merz', 5, 15025923, '{6184793,9013132,9585897,9830796,9935753}'),
	('wuthrich_merz', 6, 14832965, '{5600184,8493391,9056505,9282022}'),
	('wuthrich_merz', 7, 14550359, '{5288066,7728169,8256211}'),
	('wuthrich_merz', 8, 14461781, '{5290793,7648729}'),
	('wuthrich_merz', 9, 15210363, '{5675568}');
-- ... and the ultimates that were expected before, which are 0.8 of what is issued here
INSERT INTO published SELECT 'priors', origin, prior / 0.8, cumulative FROM published
	JOIN unnest('{11653101,11367306,10962965,10616762,11044881,11480700,11413572,11126527,10986548,11618437}'::numeric[]) WITH ORDINALITY p(prior, n) ON n = origin + 1
WHERE sample = 'wuthrich_merz';

-- A triangle of years from 1981 to 1990; cents, since an ultimate / 0.8 has them.
CREATE FUNCTION as_triangle(wanted text, by_label text DEFAULT NULL) RETURNS points_triangle_result LANGUAGE sql AS $$
	SELECT jsonb_build_object('policy', '{}'::jsonb, 'zone', 'UTC', 'as_of', '1990-12-31', 'period', 'year', 'by_label', by_label IS NOT NULL, 'scale', 2, 'rows',
		jsonb_agg(jsonb_strip_nulls(jsonb_build_object('label', by_label, 'issue_period', make_date(1981 + origin, 1, 1), 'age', n - 1, 'issued', CASE WHEN n = 1 THEN round(issued, 2) END,
			'redeemed', cumulative[n] - coalesce(cumulative[n - 1], 0))) ORDER BY origin, n))::text::points_triangle_result
	FROM published, generate_subscripts(cumulative, 1) n WHERE sample = wanted
$$;
CREATE TABLE triangle AS SELECT sample, as_triangle(sample) AS t FROM (SELECT DISTINCT sample FROM published) s;

-- Ultimate, what is still to come, error and interval of each year (n from 1 on) and in all (NULL), by a method.
CREATE FUNCTION estimate(wanted text, method redemption_method) RETURNS TABLE (n int, ultimate float8, still float8, error float8, lower float8, upper float8) LANGUAGE sql AS $$
	SELECT extract(year FROM issue_period)::int - 1980, rate * issued::float8, rate * issued::float8 - redeemed::float8, standard_error * issued::float8,
		lower * issued::float8 - redeemed::float8, upper * issued::float8 - redeemed::float8
	FROM triangle CROSS JOIN LATERAL points_redemption_rate(t, 0.95, method) WHERE sample = wanted
$$;
-- ... and as the reference has it: the figures that differ by more than 1e-9 of their size, or are missing.
CREATE FUNCTION differences(wanted text, of text, method redemption_method) RETURNS TABLE (figure text, n int, got float8, should float8) LANGUAGE sql AS $$
	SELECT d.figure, d.n, v.got, d.value FROM development d
		LEFT JOIN (SELECT n, figure, got FROM estimate(wanted, method) e CROSS JOIN LATERAL (VALUES ('ultimate', ultimate), ('still', still), ('error', error)) v(figure, got)
			UNION ALL SELECT NULL, 'total', error FROM estimate(wanted, method) WHERE n IS NULL) v ON v.figure = d.figure AND v.n IS NOT DISTINCT FROM d.n
	WHERE d.sample = wanted || ':' || of AND d.figure IN ('ultimate', 'still', 'error', 'total') AND NOT coalesce(abs(v.got - d.value) <= 1e-7 * (1 + abs(d.value)), false)
$$;

-- ---- as R has it ----

SELECT is((SELECT array_agg(DISTINCT sample ORDER BY sample) FROM development WHERE figure = 'total'),
	'{taylor_ashe:bootstrap,taylor_ashe:exponential:,taylor_ashe:exponential:14,taylor_ashe:given,taylor_ashe:inverse_power:,taylor_ashe:inverse_power:14,taylor_ashe:mack,taylor_ashe:poisson,wuthrich_merz:cape_cod,wuthrich_merz:mack,wuthrich_merz:rate,wuthrich_merz:rate_error}'::text[],
	'there are figures');
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', sample, of, method), format('%s, %s', sample, of)) FROM (VALUES
	('taylor_ashe', 'mack', '{}'), ('wuthrich_merz', 'mack', '{}'),
	('taylor_ashe', 'given', '{"tail_factor": 1.05, "tail_error": 0.02}'),
	('taylor_ashe', 'exponential:', '{"tail": "exponential"}'), ('taylor_ashe', 'exponential:14', '{"tail": "exponential", "last_age": 14}'),
	('taylor_ashe', 'inverse_power:', '{"tail": "inverse_power"}'), ('taylor_ashe', 'inverse_power:14', '{"tail": "inverse_power", "last_age": 14}'),
	('wuthrich_merz', 'rate', '{"by": "bornhuetter_ferguson", "prior_rate": 0.75}'),
	('wuthrich_merz', 'rate_error', '{"by": "bornhuetter_ferguson", "prior_rate": 0.75, "prior_error": 0.05}'),
	('wuthrich_merz', 'cape_cod', '{"by": "cape_cod"}')) v(sample, of, method);
SELECT is_empty($$SELECT s.* FROM triangle CROSS JOIN LATERAL points_development(t) s LEFT JOIN development f ON f.sample = 'taylor_ashe' AND f.figure = 'factor' AND f.n = age + 1
		LEFT JOIN development e ON e.sample = 'taylor_ashe' AND e.figure = 'factor_error' AND e.n = age + 1
	WHERE triangle.sample = 'taylor_ashe' AND NOT coalesce(abs(factor - CASE WHEN age = 9 THEN 1 ELSE f.value END) < 1e-12 AND abs(standard_error - CASE WHEN age = 9 THEN 0 ELSE e.value END) < 1e-12
		AND cohorts = 9 - age AND is_tail = (age = 9) AND abs(developed * to_ultimate - 1) < 1e-12, false)$$, 'factors, their errors, and what is developed');
SELECT is((SELECT count(*) FROM triangle CROSS JOIN LATERAL points_development(t) WHERE sample = 'taylor_ashe'), 10::bigint, '... of ten ages');
SELECT is_empty(format($$SELECT s.factor, d.value FROM triangle CROSS JOIN LATERAL points_development(t, %L) s JOIN development d ON d.sample = %L AND d.figure = 'tail' JOIN development e ON e.sample = d.sample AND e.figure = 'tail_error'
	WHERE triangle.sample = 'taylor_ashe' AND is_tail AND NOT coalesce(abs(factor - d.value) < 1e-9 AND abs(standard_error - e.value) < 1e-7, false)$$, method, of), 'the tail itself: ' || of)
FROM (VALUES ('taylor_ashe:exponential:', '{"tail": "exponential"}'), ('taylor_ashe:exponential:14', '{"tail": "exponential", "last_age": 14}'),
	('taylor_ashe:inverse_power:', '{"tail": "inverse_power"}'), ('taylor_ashe:inverse_power:14', '{"tail": "inverse_power", "last_age": 14}')) v(of, method);

-- ---- as it was published ----

SELECT results_eq($$SELECT round(still), round(error) FROM estimate('taylor_ashe', '{}') WHERE n IS NULL$$, 'VALUES (18680856::float8, 2447095::float8)', 'Mack (1993): the chain ladder of Taylor and Ashe');
SELECT results_eq($$SELECT round(still), round(error) FROM estimate('wuthrich_merz', '{}') WHERE n IS NULL$$, 'VALUES (6047064::float8, 462960::float8)', 'Wüthrich and Merz: the chain ladder');
-- the ultimates are printed without decimals, so a unit is left
SELECT is_empty($$SELECT e.n, still, p FROM estimate('priors', '{"by": "bornhuetter_ferguson", "prior_rate": 0.8}') e
	JOIN unnest('{0,16124,26998,37575,95434,178024,341305,574089,1318646,4768384}'::int[]) WITH ORDINALITY v(p, n) USING (n) WHERE NOT abs(still - p) < 2$$, '... Bornhuetter and Ferguson');
SELECT cmp_ok((SELECT abs(still - 7356580) FROM estimate('priors', '{"by": "bornhuetter_ferguson", "prior_rate": 0.8}') WHERE n IS NULL), '<', 10::float8, '... in all');
SELECT is((SELECT round((still / (issued * (1 - developed)))::numeric, 3) FROM estimate('wuthrich_merz', '{"by": "cape_cod"}') e JOIN published p ON p.sample = 'wuthrich_merz' AND p.origin = 9
		CROSS JOIN LATERAL (SELECT developed FROM triangle CROSS JOIN LATERAL points_development(t) WHERE triangle.sample = 'wuthrich_merz' AND age = 0) d WHERE e.n = 10),
	0.673, '... and the rate of Cape Cod');
-- England and Verrall (2002): errors of the overdispersed Poisson model, which the bootstrap comes near to
SELECT is_empty($$SELECT d.n, value, p FROM development d JOIN unnest('{0,110099,216043,260872,303550,375014,495377,789960,1046513,1980101}'::int[]) WITH ORDINALITY v(p, n) USING (n)
	WHERE d.sample = 'taylor_ashe:poisson' AND d.figure = 'error' AND abs(value - p) > 20$$, 'England and Verrall: the reference''s own errors');
CREATE TABLE resampled AS SELECT * FROM estimate('taylor_ashe', '{"errors": "bootstrap", "replicates": 20000}');
SELECT is_empty($$SELECT n, error, value FROM resampled JOIN development d USING (n) WHERE d.sample = 'taylor_ashe:poisson' AND d.figure = 'error' AND NOT abs(error - value) <= 0.06 * value$$, '... the bootstrap of each year');
SELECT cmp_ok((SELECT abs(error / 2945659 - 1) FROM resampled WHERE n IS NULL), '<', 0.04::float8, '... and in all');
-- closer to R's own bootstrap, by other random numbers: by 20000 replicates an error has an error of about half a percent; in the long upper tail a quantile has some 0.03 standard errors
SELECT is_empty($$SELECT r.n, d.figure, v.got, d.value FROM resampled r CROSS JOIN LATERAL (VALUES ('error', error), ('lower', lower), ('upper', upper)) v(figure, got)
	JOIN development d ON d.sample = 'taylor_ashe:bootstrap' AND d.figure = v.figure AND d.n = r.n
	JOIN development e ON e.sample = d.sample AND e.figure = 'error' AND e.n = r.n
	WHERE NOT abs(v.got - greatest(d.value, 0)) <= CASE WHEN d.figure ~ 'er$' THEN 0.1 ELSE 0.04 END * e.value$$, 'the bootstrap of R: errors and quantiles');
SELECT is_empty($$SELECT d.figure, v.got, d.value FROM resampled r CROSS JOIN LATERAL (VALUES ('total', error), ('total_lower', lower), ('total_upper', upper)) v(figure, got)
	JOIN development d ON d.sample = 'taylor_ashe:bootstrap' AND d.figure = v.figure AND d.n IS NULL JOIN development e ON e.sample = d.sample AND e.figure = 'total'
	WHERE r.n IS NULL AND NOT abs(v.got - d.value) <= CASE WHEN d.figure ~ 'er$' THEN 0.1 ELSE 0.04 END * e.value$$, '... and in all');
SELECT is_empty($$SELECT r.n, r.still, e.still FROM resampled r JOIN estimate('taylor_ashe', '{}') e ON e.n IS NOT DISTINCT FROM r.n WHERE r.still <> e.still$$, 'estimates stay those of the triangle');

-- ---- the bootstrap: the same from the same seed ----

SELECT results_eq($$SELECT * FROM estimate('taylor_ashe', '{"errors": "bootstrap", "replicates": 300, "seed": 7}')$$, $$SELECT * FROM estimate('taylor_ashe', '{"errors": "bootstrap", "replicates": 300, "seed": 7}')$$, 'the same seed');
SELECT isnt((SELECT error FROM estimate('taylor_ashe', '{"errors": "bootstrap", "replicates": 300, "seed": 7}') WHERE n IS NULL),
	(SELECT error FROM estimate('taylor_ashe', '{"errors": "bootstrap", "replicates": 300, "seed": 8}') WHERE n IS NULL), 'another one');
-- labels, each from the same seed, are as if alone, and independent in all
CREATE TABLE labels AS SELECT jsonb_set(a, '{rows}', (a->'rows') || (b->'rows'))::text::points_triangle_result AS t FROM (SELECT as_triangle('taylor_ashe', 'a')::text::jsonb AS a, as_triangle('taylor_ashe', 'b')::text::jsonb AS b) q;
SELECT results_eq(format($$SELECT issue_period, rate, lower, upper, standard_error FROM labels CROSS JOIN LATERAL points_redemption_rate(t, 0.9, %L) WHERE label = 'b'$$, method),
	format($$SELECT issue_period, rate, lower, upper, standard_error FROM triangle CROSS JOIN LATERAL points_redemption_rate(t, 0.9, %L) WHERE sample = 'taylor_ashe' AND issue_period IS NOT NULL$$, method), 'labels are estimated apart: ' || method)
FROM (VALUES ('{"errors": "bootstrap", "replicates": 200}'), ('{"by": "cape_cod", "tail": "exponential"}')) v(method);
SELECT is((SELECT round((l.standard_error / (s.standard_error / sqrt(2)))::numeric, 9) FROM labels CROSS JOIN LATERAL points_redemption_rate(labels.t, 0.9, '{"errors": "bootstrap", "replicates": 200}') l
		CROSS JOIN triangle CROSS JOIN LATERAL points_redemption_rate(triangle.t, 0.9, '{"errors": "bootstrap", "replicates": 200}') s WHERE sample = 'taylor_ashe' AND l.issue_period IS NULL AND s.issue_period IS NULL), 1.0, 'their errors don''t depend on each other');
-- a prior rate, a tail, with errors of their own
SELECT cmp_ok((SELECT abs(b.error / a.error - 1) FROM estimate('wuthrich_merz', '{"by": "bornhuetter_ferguson", "prior_rate": 0.75, "prior_error": 0.05, "errors": "bootstrap", "replicates": 5000}') b
	JOIN estimate('wuthrich_merz', '{"by": "bornhuetter_ferguson", "prior_rate": 0.75, "prior_error": 0.05}') a ON a.n IS NULL AND b.n IS NULL), '<', 0.1::float8, 'Bornhuetter and Ferguson: the bootstrap, and the formula');
SELECT cmp_ok((SELECT a.error FROM estimate('taylor_ashe', '{"tail_factor": 1.05, "tail_error": 0.05, "errors": "bootstrap"}') a WHERE n IS NULL), '>',
	(SELECT 1.2 * a.error FROM estimate('taylor_ashe', '{"tail_factor": 1.05, "errors": "bootstrap"}') a WHERE n IS NULL), 'what isn''t known of a tail counts');
SELECT is((SELECT count(*) FROM estimate('taylor_ashe', method::redemption_method) WHERE error >= 0), 11::bigint, 'errors of all years: ' || method)
FROM (VALUES ('{"errors": "bootstrap", "tail": "inverse_power", "replicates": 100}'), ('{"errors": "bootstrap", "by": "cape_cod", "tail": "exponential", "replicates": 100}')) v(method);

-- ---- short histories ----

-- The points of one month, as of a day, and what was redeemed of them at each age.
CREATE FUNCTION young(as_of date, redeemed int[]) RETURNS points_triangle_result LANGUAGE sql AS $$
	SELECT jsonb_build_object('policy', '{}'::jsonb, 'zone', 'UTC', 'as_of', as_of, 'period', 'month', 'by_label', false, 'scale', 0, 'rows',
		jsonb_agg(jsonb_build_object('issue_period', '2024-01-01', 'age', n - 1, 'issued', CASE WHEN n = 1 THEN 1000 ELSE 0 END, 'redeemed', redeemed[n])))::text::points_triangle_result
	FROM generate_subscripts(redeemed, 1) n
$$;
CREATE FUNCTION shown(triangle points_triangle_result, method text) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s %s-%s %s', round(rate::numeric, 4), round(lower::numeric, 4), round(upper::numeric, 4), coalesce((standard_error > 0)::text, 'unknown'))
	FROM points_redemption_rate(triangle, 0.95, method::redemption_method) WHERE issue_period IS NULL
$$;
SELECT is(shown(young(as_of, redeemed), method), shows, format('%s, %s: %s', as_of, redeemed, method)) FROM (VALUES
	-- nothing tells what won't be redeemed
	(date '2024-01-15', '{0}'::int[], '{}', '1.0000 0.0000-1.0000 unknown'),
	(date '2024-01-15', '{0}'::int[], '{"by": "cape_cod"}', '1.0000 0.0000-1.0000 unknown'),
	-- but the rate that is known from elsewhere
	(date '2024-01-15', '{0}'::int[], '{"by": "bornhuetter_ferguson", "prior_rate": 0.7}', '0.7000 0.0000-1.0000 unknown'),
	(date '2024-01-15', '{0}'::int[], '{"by": "cape_cod", "prior_rate": 0.7}', '0.7000 0.0000-1.0000 unknown'),
	(date '2024-01-15', '{800}'::int[], '{"by": "bornhuetter_ferguson", "prior_rate": 0.7}', '0.8000 0.8000-1.0000 unknown'),
	(date '2024-01-31', '{0}'::int[], '{"by": "bornhuetter_ferguson", "prior_rate": 0.7}', '0.7000 0.0000-1.0000 unknown'),
	(date '2024-02-29', '{0,0}'::int[], '{"by": "bornhuetter_ferguson", "prior_rate": 0.7}', '0.7000 0.0000-1.0000 unknown'),
	-- one month: no tail without a curve, but one that is given
	(date '2024-02-29', '{100,50}'::int[], '{}', '0.1500 0.1500-0.1500 false'),
	(date '2024-02-29', '{100,50}'::int[], '{"tail": "exponential"}', '0.1500 0.1500-1.0000 unknown'),
	(date '2024-02-29', '{100,50}'::int[], '{"tail": "exponential", "last_age": 1}', '0.1500 0.1500-0.1500 false'),
	(date '2024-02-29', '{100,50}'::int[], '{"tail_factor": 4}', '0.6000 0.1500-1.0000 unknown'),
	(date '2024-02-29', '{100,50}'::int[], '{"tail_factor": 4, "last_age": 2}', '0.6000 0.1500-1.0000 unknown'),
	(date '2024-02-29', '{100,50}'::int[], '{"tail_factor": 100}', '1.0000 0.1500-1.0000 unknown'),
	-- a quarter is developed, by that tail: 150 + 0.7 x 1000 x 3/4
	(date '2024-02-29', '{100,50}'::int[], '{"by": "bornhuetter_ferguson", "prior_rate": 0.7, "tail_factor": 4}', '0.6750 0.1500-1.0000 unknown'),
	-- Cape Cod of a single cohort is the chain ladder
	(date '2024-02-29', '{100,50}'::int[], '{"by": "cape_cod", "tail_factor": 4}', '0.6000 0.1500-1.0000 unknown'),
	-- factors of 2, 1.5, 1.25; half as much above 1 each time, the curve goes on with 1.125 and 1.0625: 375 x 1.125 x 1.0625
	(date '2024-04-30', '{100,100,100,75}'::int[], '{"tail": "exponential", "last_age": 5}', '0.4482 0.3750-1.0000 unknown'),
	(date '2024-04-30', '{100,100,100,75}'::int[], '{"errors": "bootstrap"}', '0.3750 0.3750-1.0000 unknown')) v(as_of, redeemed, method, shows);
SELECT results_eq($$SELECT factor, standard_error, cohorts, to_ultimate, developed FROM points_development(young('2024-02-29', '{100,50}'), '{"tail": "exponential"}')$$,
	'VALUES (1.5::float8, NULL::float8, 1, NULL::float8, NULL::float8), (NULL, NULL, 0, NULL, NULL)', 'what isn''t known is NULL');
-- an error without an end is unknown, and what can't be has none
SELECT is_empty($$SELECT s.* FROM generate_series(1, 40) n CROSS JOIN LATERAL (SELECT young('2024-06-30', ARRAY[1, 1 + n * 7 % 5, n * 3 % 4, n % 2, 1 + n % 3, n % 5]) AS t) y
	CROSS JOIN (VALUES ('{"tail": "inverse_power", "last_age": 36525}'::redemption_method), ('{"tail": "exponential"}')) m(method) CROSS JOIN LATERAL points_redemption_rate(t, 0.9, method) s
	WHERE standard_error IN ('infinity', 'NaN') OR NOT lower BETWEEN 0 AND upper OR upper > 1$$, 'no error is infinite');
SELECT is_empty($$SELECT * FROM points_development(young('2024-01-15', '{5}'))$$, 'no age is over');
SELECT is_empty($$SELECT * FROM points_development('{"rows": []}'::points_triangle_result)$$, 'an empty triangle has no factors');
SELECT is_empty($$SELECT * FROM points_liability_by_period('{"rows": []}'::points_triangle_result, 1)$$, '... nor periods');
SELECT results_eq($$SELECT * FROM points_liability('{"rows": []}'::points_triangle_result, 1, '{"by": "bornhuetter_ferguson", "prior_rate": 0.5, "errors": "bootstrap"}')$$,
	'VALUES (NULL::text, NULL::date, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric)', '... and owes nothing');

-- ---- liability by period, on random ledgers ----

CREATE TABLE ledger (grp int, customer bigint, timeline event_timeline);
CREATE TABLE asked (grp int, policy points_policy, period calendar_period, as_of date);
CREATE FUNCTION fill(groups int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	p jsonb;
	e jsonb;
	first_day date;
	last_day date;
BEGIN
	FOR g IN 1 .. groups LOOP
		p := ref_random_policy(70000 + g) || '{"zone": "UTC"}';
		IF p->>'overdraft' = 'refuse' THEN
			p := jsonb_set(p, '{overdraft}', '"clip"');
		END IF;
		FOR i IN 1 .. 5 LOOP
			e := CASE WHEN i = 5 THEN '[]' ELSE ref_random_ledger(7000 + 100 * g + i, p) END;
			e := (SELECT coalesce(jsonb_agg(x), '[]') FROM jsonb_array_elements(e) x WHERE NOT p ? 'kinds' OR p->'kinds' ? (x->>'kind'));
			INSERT INTO ledger VALUES (g, 10 * g + i, e::text::event_timeline);
		END LOOP;
		SELECT min((x->>'at')::timestamptz)::date, max((x->>'at')::timestamptz)::date INTO first_day, last_day FROM ledger, jsonb_array_elements(timeline::text::jsonb) x WHERE grp = g;
		INSERT INTO asked VALUES (g, p::text::points_policy,
			CASE WHEN last_day - first_day > 300 THEN ref_pick(g, 'unit', '{month,month,quarter,year}') WHEN last_day - first_day > 40 THEN ref_pick(g, 'unit', '{week,month}') ELSE 'day' END::calendar_period,
			last_day + (g % 4) * 20);
	END LOOP;
END $$;
SET LOCAL timezone = 'UTC';
SELECT fill(:groups) IS NULL AS void \gset
CREATE TABLE method AS SELECT row_number() OVER () AS m, v.method::redemption_method FROM (VALUES ('{}'), ('{"by": "bornhuetter_ferguson", "prior_rate": 0.6, "prior_error": 0.1}'),
	('{"by": "cape_cod", "prior_rate": 0.4, "tail": "exponential"}'), ('{"tail_factor": 1.1, "tail_error": 0.02, "last_age": 6}'), ('{"errors": "bootstrap", "replicates": 100}')) v(method);
CREATE VIEW base AS SELECT a.*, b FROM asked a JOIN (SELECT grp, timelines(customer, timeline) AS b FROM ledger GROUP BY grp) l USING (grp);
CREATE TABLE triangles AS SELECT grp, by_label, points_triangle(b, policy, period, as_of, by_label) AS t FROM base CROSS JOIN (VALUES (false), (true)) v(by_label);
CREATE TABLE by_period AS SELECT grp, m, by_label, l.* FROM triangles CROSS JOIN method CROSS JOIN LATERAL points_liability_by_period(t, 0.0125, method, 0.9) l;
SELECT cmp_ok((SELECT count(*)::int FROM by_period WHERE expected > 0 AND liability_lower < liability AND liability < liability_upper), '>', 50 * :groups, 'there are liabilities');
SELECT cmp_ok((SELECT count(*)::int FROM by_period WHERE label IS NOT NULL), '>', 50 * :groups, '... of labels');

-- each row is what a triangle as of that day says, to the last digit
CREATE TABLE day AS SELECT grp, p.by_label, p.day, points_triangle(b, policy, period, p.day, p.by_label) AS t FROM (SELECT DISTINCT grp, by_label, day FROM by_period) p JOIN base USING (grp);
CREATE TABLE on_day AS SELECT grp, m, by_label, day, l.* FROM day CROSS JOIN method CROSS JOIN LATERAL points_liability(t, 0.0125, method, 0.9) l;
SELECT is_empty($$SELECT grp, m, by_label, day, outstanding, expected, breakage_of_outstanding, liability, liability_lower, liability_upper FROM by_period WHERE in_all
	EXCEPT SELECT grp, m, by_label, day, outstanding, expected, breakage_of_outstanding, liability, liability_lower, liability_upper FROM on_day WHERE issue_period IS NULL$$, 'liability by period is points_liability() of each day');
SELECT is_empty($$SELECT grp, m, label, day, outstanding, expected, breakage_of_outstanding, liability FROM by_period WHERE NOT in_all
	EXCEPT SELECT grp, m, label, day, sum(outstanding), sum(expected), sum(breakage_of_outstanding), sum(liability) FROM on_day WHERE by_label AND issue_period IS NOT NULL GROUP BY 1, 2, 3, 4$$, '... and of each label');
SELECT is_empty($$SELECT grp, m, by_label, day, round(rate::numeric, 12) FROM by_period WHERE in_all AND m < 3
	EXCEPT SELECT grp, m, by_label, day, round(rate::numeric, 12) FROM day CROSS JOIN method CROSS JOIN LATERAL points_redemption_rate(t, 0.9, method) WHERE issue_period IS NULL$$, '... whose rate is that of points_redemption_rate()');
SELECT is_empty($$SELECT grp, m, day, sum(outstanding) FILTER (WHERE NOT in_all), sum(expected) FILTER (WHERE NOT in_all), sum(liability) FILTER (WHERE NOT in_all) FROM by_period WHERE by_label GROUP BY 1, 2, 3
	EXCEPT SELECT grp, m, day, outstanding, expected, liability FROM by_period WHERE by_label AND in_all$$, 'labels add up to the row in all');
SELECT is_empty($$SELECT * FROM by_period WHERE NOT (outstanding = expected + breakage_of_outstanding AND expected BETWEEN 0 AND outstanding AND liability_lower BETWEEN 0 AND liability_upper
	AND (liability BETWEEN liability_lower AND liability_upper OR m = 5))$$, 'expected and lost are outstanding; the interval is one');
-- ... against the totals, the roll-forward and the triangle's own table
SELECT is_empty($$SELECT grp, day, outstanding FROM by_period WHERE in_all AND NOT by_label AND m = 1
	EXCEPT SELECT grp, p.day, t.pending + t.active + t.blocked FROM (SELECT DISTINCT grp, day FROM by_period) p JOIN base USING (grp) CROSS JOIN LATERAL points_totals_table(points_totals(b, policy, p.day)) t$$, 'outstanding is pending, active and blocked of the totals');
SELECT is_empty($$SELECT grp, period_start, period_end, complete, outstanding - (SELECT sum(s.overdrawn) FROM ledger l CROSS JOIN LATERAL points_summary(l.timeline, a.policy, p.day) s WHERE l.grp = p.grp)
		FROM by_period p JOIN asked a USING (grp) WHERE in_all AND NOT by_label AND m = 1
	EXCEPT SELECT grp, r.period_start, r.period_end, r.complete, r.closing FROM base CROSS JOIN LATERAL points_rollforward_table(points_rollforward(b, policy, period, as_of)) r$$, 'less debts it is the closing of the roll-forward');
SELECT is_empty($$WITH place AS (SELECT grp, period_start, day, row_number() OVER (PARTITION BY grp ORDER BY day) AS n FROM by_period WHERE in_all AND NOT by_label AND m = 1)
	SELECT grp, day, outstanding FROM by_period WHERE in_all AND m = 1 AND NOT by_label
	EXCEPT SELECT grp, p.day, sum(c.issued - c.redeemed - c.expired - c.taken_back) FROM triangles s CROSS JOIN LATERAL points_triangle_table(s.t) c JOIN place i USING (grp) JOIN place p USING (grp)
		WHERE NOT by_label AND i.period_start = c.issue_period AND i.n + c.age <= p.n GROUP BY 1, 2$$, '... and what is left in the triangle by then');

-- ---- every way to collect and add up ----

SELECT is_empty($$SELECT grp, m, v.by_label, l.* FROM base CROSS JOIN method CROSS JOIN (VALUES (false), (true)) v(by_label)
		CROSS JOIN LATERAL points_liability_by_period(b, policy, period, 0.0125, method, as_of, v.by_label, 0.9) l WHERE m < 3
	EXCEPT SELECT * FROM by_period$$, 'over a base');
SELECT is_empty($$SELECT grp, m, by_label, l.* FROM (SELECT grp, by_label, points_triangle(timeline, policy, period, as_of, by_label) AS t FROM asked JOIN ledger USING (grp) CROSS JOIN (VALUES (false), (true)) v(by_label) GROUP BY 1, 2) q
		CROSS JOIN method CROSS JOIN LATERAL points_liability_by_period(t, 0.0125, method, 0.9) l WHERE m < 3
	EXCEPT SELECT * FROM by_period$$, 'of the aggregate over timelines');
SELECT is_empty($$SELECT grp, m, by_label, l.* FROM (SELECT grp, by_label, rollup(t) AS t FROM (SELECT grp, by_label, points_triangle(timeline, policy, period, as_of, by_label) AS t
			FROM asked JOIN ledger USING (grp) CROSS JOIN (VALUES (false), (true)) v(by_label) GROUP BY 1, 2, customer % 2) q GROUP BY 1, 2) q
		CROSS JOIN method CROSS JOIN LATERAL points_liability_by_period(t, 0.0125, method, 0.9) l WHERE m < 3
	EXCEPT SELECT * FROM by_period$$, 'of parts, added up');
-- as_of is that of the last event, the confidence 0.95
CREATE TABLE raw AS SELECT customer, e.at, e.value FROM generate_series(1, 200) customer
	CROSS JOIN LATERAL (SELECT timestamptz '2023-01-05' + (customer * 7 + n * 23) % 400 * interval '1 day' AS at, CASE WHEN n % 4 = 3 THEN -30 ELSE 20 + n END AS value FROM generate_series(0, 11) n) e;
CREATE TABLE alone AS SELECT l.* FROM (SELECT timelines(customer, at, value) AS b FROM raw) q CROSS JOIN LATERAL points_liability_by_period(b, '{"expires_after": "6 months", "zone": "UTC"}', 'month', 0.01, '{"by": "cape_cod"}') l;
SELECT results_eq('SELECT count(*), min(period_start), max(day) FROM alone', $$SELECT 14::bigint, date '2023-01-01', max(at AT TIME ZONE 'UTC')::date FROM raw$$, 'up to the day of the last event');
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
ANALYZE raw;
SELECT results_eq($$SELECT l.* FROM points_liability_by_period((SELECT points_triangle(timelines(customer, at, value), '{"expires_after": "6 months", "zone": "UTC"}', 'month') FROM raw), 0.01, '{"by": "cape_cod"}') l$$, 'SELECT * FROM alone', 'by workers');

-- ---- a programme's triangle ----

CREATE TABLE programme AS SELECT '{"zone": "UTC", "earn": {"kinds": {"buy": "purchase", "burn": "redeem"}, "rate": 2}, "points": {"expires_after": "5 months", "overdraft": "clip"}}'::program_policy AS rules;
CREATE TABLE bought AS SELECT timelines(customer, make_event(at => at, value => abs(value), kind => CASE WHEN value > 0 THEN 'buy' ELSE 'burn' END)) AS b FROM raw;
CREATE TABLE of_programme AS SELECT l.* FROM bought, programme CROSS JOIN LATERAL points_liability_by_period(program_triangle(b, rules, 'month', '2024-02-15'), 0.01, '{"by": "cape_cod", "tail": "exponential", "last_age": 5}') l;
SELECT is_empty($$SELECT day, outstanding, expected, breakage_of_outstanding, liability, liability_lower, liability_upper FROM of_programme
	EXCEPT SELECT d.day, l.outstanding, l.expected, l.breakage_of_outstanding, l.liability, l.liability_lower, l.liability_upper FROM (SELECT DISTINCT day FROM of_programme) d, bought, programme
		CROSS JOIN LATERAL points_liability(program_triangle(b, rules, 'month', d.day), 0.01, '{"by": "cape_cod", "tail": "exponential", "last_age": 5}') l WHERE issue_period IS NULL$$, 'of a programme, by the same methods');
SELECT results_eq('SELECT count(*), sum(outstanding) > 0, sum(expected) > 0 FROM of_programme', 'VALUES (14::bigint, true, true)', '... there are some');
SELECT results_eq($$SELECT period_start, outstanding FROM of_programme$$, $$SELECT r.period_start, r.closing FROM bought, programme CROSS JOIN LATERAL program_rollforward_table(program_rollforward(b, rules, 'month', '2024-02-15')) r$$, '... whose closing it is');

SELECT is_empty($$SELECT l.* FROM points_liability_by_period(NULL::points_triangle_result, 0.01) l UNION ALL SELECT l.* FROM points_liability_by_period(NULL::timeline_base, '{}', 'month', 0.01) l$$, 'nothing of NULL');

-- ---- the type ----

SELECT is(made::text, text, text) FROM (VALUES
	(make_redemption_method(), '{}'), (make_redemption_method("by" => 'chain_ladder', tail => 'none', errors => 'analytic', prior_error => NULL), '{}'),
	(make_redemption_method('bornhuetter_ferguson', 0.70, 0.050), '{"by": "bornhuetter_ferguson", "prior_rate": 0.7, "prior_error": 0.05}'),
	(make_redemption_method('cape_cod', prior_rate => 0), '{"by": "cape_cod", "prior_rate": 0}'),
	(make_redemption_method(tail => 'inverse_power', last_age => 24), '{"tail": "inverse_power", "last_age": 24}'),
	(make_redemption_method(tail_factor => 1, last_age => 0), '{"tail_factor": 1, "last_age": 0}'),
	(make_redemption_method(tail_factor => 1.05, tail_error => 0.02, errors => 'bootstrap', replicates => 5000, seed => 0), '{"tail_factor": 1.05, "tail_error": 0.02, "errors": "bootstrap", "replicates": 5000, "seed": 0}'),
	('{"seed": 1, "replicates": 1000, "errors": "bootstrap"}'::jsonb::redemption_method, '{"errors": "bootstrap"}')) v(made, text);
SELECT throws_ok(format('SELECT %L::redemption_method', text), state, message, text) FROM (VALUES
	('{"by": "mack"}', '22023', NULL), ('{"by": 1}', '22P02', NULL), ('{"method": "cape_cod"}', '22P02', 'unknown key "method" in a redemption_method'), ('[]', '22P02', NULL), ('{"versions": []}', '22P02', NULL),
	('{"by": "bornhuetter_ferguson"}', '22023', '"by" of a redemption_method needs "prior_rate"'),
	('{"prior_rate": 0.5}', '22023', '"prior_rate" of a redemption_method is given, but it goes by "chain_ladder"'),
	('{"by": "cape_cod", "prior_error": 0.1}', '22023', '"prior_error" of a redemption_method needs "prior_rate"'),
	('{"by": "bornhuetter_ferguson", "prior_rate": -0.1}', '22023', NULL), ('{"by": "bornhuetter_ferguson", "prior_rate": 1.5}', '22023', '"prior_rate" of a redemption_method is more than 1'),
	('{"by": "bornhuetter_ferguson", "prior_rate": "NaN"}', '22P02', NULL), ('{"by": "bornhuetter_ferguson", "prior_rate": 1e400}', '22003', NULL), ('{"by": "bornhuetter_ferguson", "prior_rate": 0.5, "prior_error": 2}', '22023', NULL),
	('{"tail_factor": 0.9}', '22023', '"tail_factor" of a redemption_method is below 1'), ('{"tail_factor": -1}', '22023', NULL), ('{"tail_factor": 1000}', '22023', '"tail_factor" of a redemption_method is more than 100'),
	('{"tail": "exponential", "tail_factor": 1.1}', '22023', '"tail" and "tail_factor" of a redemption_method contradict each other'), ('{"tail_error": 0.1}', '22023', '"tail_error" of a redemption_method needs "tail_factor"'),
	('{"last_age": 5}', '22023', '"last_age" of a redemption_method needs "tail"'), ('{"tail": "exponential", "last_age": 1000000000}', '22023', '"last_age" of a redemption_method is 1000000000'), ('{"tail": "exponential", "last_age": -1}', '22P02', NULL),
	('{"errors": "bootstrap", "replicates": 1000000000}', '22023', '"replicates" of a redemption_method is 1000000000'), ('{"errors": "bootstrap", "replicates": 0}', '22023', '"replicates" of a redemption_method is below 100'),
	('{"replicates": 1000}', '22023', '"replicates" of a redemption_method needs "errors"'), ('{"seed": 5}', '22023', '"seed" of a redemption_method needs "errors"'), ('{"errors": "bootstrap", "seed": 5000000000}', '22023', NULL), ('{"errors": "bootstrap", "seed": 1.5}', '22P02', NULL)) v(text, state, message);
SELECT throws_ok($$SELECT make_redemption_method('bornhuetter_ferguson', 'NaN')$$, '22003', NULL, 'a prior rate that is NaN');
SELECT throws_ok($$SELECT make_redemption_method(tail_factor => 'infinity')$$, '22003', NULL, 'an infinite factor');
SELECT throws_ok(format('SELECT l.* FROM triangle CROSS JOIN LATERAL points_liability_by_period(t, %s) l', arguments), '22023', NULL, arguments)
FROM unnest(ARRAY['-1', $$'NaN'$$, $$'infinity'$$, $$1, '{}', 0$$, $$1, '{}', 1$$, $$1, '{}', 'NaN'$$]) arguments;
-- a day of long ago
SELECT throws_ok($$SELECT * FROM points_liability_by_period('{"policy": {}, "zone": "UTC", "as_of": "2024-01-31", "period": "day", "by_label": false, "scale": 0, "rows": [{"issue_period": "0024-01-01", "age": 0, "issued": 5}]}'::points_triangle_result, 1)$$,
	'54000', 'the liability at the end of 730516 periods is asked, more than 4000', 'too many periods');
SELECT throws_ok($$SELECT t.* FROM (SELECT format('{"policy": {}, "zone": "UTC", "as_of": "2024-12-31", "period": "day", "by_label": false, "scale": 0, "rows": [%s]}', string_agg(format('{"issue_period": "%s", "age": 0, "issued": 5, "redeemed": 1}', date '2020-01-01' + n), ','))::points_triangle_result AS r
	FROM generate_series(0, 800) n) q CROSS JOIN LATERAL points_redemption_rate(r, 0.95, '{"errors": "bootstrap", "replicates": 100000}') t$$, '54000', '100000 replicates of 801 periods of issue are too many', 'a bootstrap that takes too much');

SELECT * FROM finish();
ROLLBACK;
