--
-- Did it work: uplift() of conversions and values, by stratum, adjusted by what was before, the split
-- and required_sample(): against R (reference/statistics.R), published figures, and plain SQL on
-- random data; NULLs, edges and hostile input; results stored, added up, in parallel.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\ir reference/statistics.sql

-- To 9 digits; what rounding leaves of 0 is 0.
CREATE FUNCTION near(a float8, b float8) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE abs(a - b) <= 1e-9 * greatest(abs(a), abs(b)) OR abs(a - b) < 1e-15 END $$;
-- A result of conversions: treated and control, of how many.
CREATE FUNCTION conversions(a bigint, n1 bigint, c bigint, n0 bigint) RETURNS uplift_result
LANGUAGE sql IMMUTABLE AS $$ SELECT format('{"outcome": "conversion", "rows": [{"treated": 1, "n": %s, "sum": %s}, {"treated": 0, "n": %s, "sum": %s}]}', n1, a, n0, c)::uplift_result $$;

-- ---- published figures ----

-- Newcombe 1998, table II: (a) to (h), method 10
SELECT results_eq($$SELECT round(difference::numeric, 4), round(lower::numeric, 4), round(upper::numeric, 4) FROM (VALUES (56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (0, 10, 0, 10), (10, 10, 0, 20), (10, 10, 0, 10)) v(a, n1, c, n0), uplift_table(conversions(a, n1, c, n0))$$,
	'VALUES (.2000, .0524, .3339), (.6000, .1705, .8090), (.5714, .0582, .8062), (.0893, -.0381, .1926), (0.0000, -.1611, .2775), (0.0000, -.2775, .2775), (1.0000, .6791, 1.0000), (1.0000, .6075, 1.0000)', 'differences of Newcombe''s paper');
SELECT results_eq('SELECT round(statistic::numeric, 5), round(p::numeric, 6), degrees_of_freedom, method FROM uplift_table(conversions(56, 70, 48, 80))', 'VALUES (2.65017, .008045, NULL::float8, ''Newcombe'')', 'z and p');
-- the kidney stones of Charig et al. (1986): small and large ones
CREATE TABLE stone AS SELECT treated, cured, stratum FROM (VALUES (true, 'small', 81, 87), (false, 'small', 234, 270), (true, 'large', 192, 263), (false, 'large', 55, 80)) v(treated, stratum, a, n), generate_series(1, n) i, LATERAL (SELECT i <= a AS cured) c;
SELECT is((SELECT difference < 0 FROM uplift_table((SELECT uplift(treated, cured) FROM stone))), true, 'as a whole the treated do worse');
SELECT results_eq('SELECT level, stratum, treated, control, difference > 0, method FROM uplift_table((SELECT uplift(treated, cured, stratum) FROM stone))',
	$$VALUES ('all', NULL, 350::bigint, 350::bigint, true, 'Mantel-Haenszel'), ('stratum', 'large', 263, 80, true, 'Newcombe'), ('stratum', 'small', 87, 270, true, 'Newcombe')$$, '... but better of each size, and by stratum');
-- sleep, Student 1908: t.test(extra ~ group)
SELECT results_eq($$SELECT round(difference::numeric, 2), round(lower::numeric, 7), round(upper::numeric, 7), round(statistic::numeric, 4), round(degrees_of_freedom::numeric, 3), round(p::numeric, 5), method FROM uplift_table((SELECT uplift(g = 1, extra) FROM (
	SELECT 1 AS g, unnest(ARRAY[.7, -1.6, -.2, -1.2, -.1, 3.4, 3.7, .8, 0, 2]) AS extra UNION ALL SELECT 2, unnest(ARRAY[1.9, .8, 1.1, .1, -.1, 4.4, 5.5, 1.6, 4.6, 3.4])) s))$$,
	$$VALUES (-1.58, -3.3654832, .2054832, -1.8608, 17.776, .07939, 'Welch')$$, 'Student''s sleep data');

-- ---- against R ----

CREATE TABLE computed (sample text, figures jsonb);
CREATE FUNCTION turn(i bigint, m int, k int) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT round(((i * i * 7 + i * 13) % m)::numeric / k, 2) $$;
CREATE TABLE customer (name text, treated boolean, value numeric, before numeric);
INSERT INTO customer (name, treated, value)
SELECT 'small', true, unnest(ARRAY[12.5, 0, 3, 8.25, 40, 7]) UNION ALL SELECT 'small', false, unnest(ARRAY[1, 0, 0, 5.5, 2])
UNION ALL SELECT 'unequal', true, turn(i, 97, 4) FROM generate_series(1, 40) i UNION ALL SELECT 'unequal', false, turn(i, 31, 2) FROM generate_series(1, 300) i
UNION ALL SELECT 'large', true, 1e9 + turn(i, 101, 4) FROM generate_series(1, 500) i UNION ALL SELECT 'large', false, 1e9 + turn(i, 89, 4) FROM generate_series(1, 400) i
UNION ALL SELECT 'constant', true, 5 FROM generate_series(1, 3) UNION ALL SELECT 'constant', false, i FROM generate_series(1, 4) i
UNION ALL SELECT 'negative', true, turn(i, 97, 4) - 30 FROM generate_series(1, 50) i UNION ALL SELECT 'negative', false, turn(i, 97, 4) - 40 FROM generate_series(1, 60) i
UNION ALL SELECT 'zeros', true, unnest(ARRAY[0, 0, 0, 10, 0]) UNION ALL SELECT 'zeros', false, unnest(ARRAY[0, 0, 0, 0, 0, 0, 2]);
CREATE TABLE pair (name text, treated boolean, value numeric, before numeric);
INSERT INTO pair
SELECT 'usual', true, turn(i, 97, 4) + turn(i, 53, 2) * 0.5 + 2, turn(i, 53, 2) FROM generate_series(1, 80) i UNION ALL SELECT 'usual', false, turn(i, 89, 4) + turn(i, 53, 2) * 0.5, turn(i, 53, 2) FROM generate_series(1, 120) i
UNION ALL SELECT 'exact', true, 3 * turn(i, 53, 2) + 1, turn(i, 53, 2) FROM generate_series(1, 30) i UNION ALL SELECT 'exact', false, 3 * turn(i, 53, 2), turn(i, 53, 2) FROM generate_series(1, 41) i
UNION ALL SELECT 'useless', true, turn(i, 97, 4), 7 FROM generate_series(1, 30) i UNION ALL SELECT 'useless', false, turn(i, 89, 4), 7 FROM generate_series(1, 41) i
UNION ALL SELECT 'large', true, 1e8 + turn(i, 97, 4), 1e8 + turn(i, 97, 2) FROM generate_series(1, 80) i UNION ALL SELECT 'large', false, 1e8 + turn(i, 97, 4), 1e8 + turn(i, 97, 2) + turn(i, 5, 1) FROM generate_series(1, 120) i;
CREATE TABLE stratum (name text, a int, n1 int, c int, n0 int);
INSERT INTO stratum VALUES ('two', 8, 20, 4, 22), ('two', 30, 60, 25, 70), ('simpson', 81, 87, 234, 270), ('simpson', 192, 263, 55, 80), ('uneven', 8, 20, 4, 22), ('uneven', 30, 60, 25, 70), ('uneven', 5, 9, 0, 0), ('uneven', 1, 2, 1, 1), ('uneven', 3000, 40000, 2500, 41000),
	('sparse', 1, 1, 0, 1), ('sparse', 0, 1, 0, 2), ('sparse', 1, 1, 1, 1), ('sparse', 1, 2, 0, 1), ('sparse', 0, 1, 1, 1);

INSERT INTO computed
SELECT sample, to_jsonb(t) FROM (SELECT DISTINCT sample, regexp_match(sample, '^rates:(\d+)/(\d+):(\d+)/(\d+):(.*)$') AS m FROM statistic WHERE sample LIKE 'rates:%') s, uplift_table(conversions(m[1]::bigint, m[2]::bigint, m[3]::bigint, m[4]::bigint), m[5]::float8) t
UNION ALL
SELECT format('strata:%s:%s', name, confidence), to_jsonb(t) FROM (SELECT name, uplift(treated, i <= converted, k) AS r FROM (SELECT *, row_number() OVER () AS k FROM stratum) q, LATERAL (VALUES (true, a, n1), (false, c, n0)) v(treated, converted, n), generate_series(1, n) i GROUP BY name) q,
	unnest(ARRAY[0.8, 0.95, 0.999]) confidence, uplift_table(r, confidence) t WHERE level = 'all'
UNION ALL
SELECT format('means:%s:%s', name, confidence), to_jsonb(t) FROM (SELECT name, uplift(treated, value) AS r FROM customer GROUP BY name) q, unnest(ARRAY[0.8, 0.95, 0.999]) confidence, uplift_table(r, confidence) t
UNION ALL
SELECT format('means:by stratum:%s', confidence), to_jsonb(t) FROM (SELECT uplift(treated, value, name) AS r FROM customer WHERE name IN ('small', 'unequal', 'constant', 'zeros')) q, unnest(ARRAY[0.8, 0.95, 0.999]) confidence, uplift_table(r, confidence) t WHERE level = 'all'
UNION ALL
SELECT format('adjusted:%s:%s', name, confidence), to_jsonb(t) FROM (SELECT name, uplift_adjusted(treated, value, before) AS r FROM pair GROUP BY name) q, unnest(ARRAY[0.8, 0.95, 0.999]) confidence, uplift_adjusted_table(r, confidence) t
UNION ALL
SELECT sample, to_jsonb(t) FROM (SELECT DISTINCT sample, regexp_match(sample, '^split:(\d+):(\d+):(.*)$') AS m FROM statistic WHERE sample LIKE 'split:%') s, uplift_table(conversions(0, m[1]::bigint, 0, m[2]::bigint), 0.95, m[3]::float8) t
UNION ALL
-- two groups of m values with variance 1, whose means are d apart
SELECT sample, to_jsonb(t) FROM (SELECT DISTINCT sample, regexp_match(sample, '^balanced:(\d+):(.*):(.*)$') AS m FROM statistic WHERE sample LIKE 'balanced:%') s,
	uplift_table(format('{"outcome": "value", "rows": [{"treated": 1, "n": %1$s, "sum": %2$s, "sum_of_squares": %3$s}, {"treated": 0, "n": %1$s, "sum_of_squares": %4$s}]}', m[1], m[1]::numeric * m[2]::numeric, m[1]::numeric - 1 + m[1]::numeric * m[2]::numeric ^ 2, m[1]::bigint - 1)::uplift_result, m[3]::float8) t
UNION ALL
SELECT sample, jsonb_build_object('per_group', exact / 2) FROM (SELECT DISTINCT sample, regexp_match(sample, '^sample:(.*):(.*):(.*):(.*)$') AS m FROM statistic WHERE sample LIKE 'sample:%') s, required_sample(m[1]::float8, m[2]::float8, m[3]::float8, m[4]::float8);
SELECT is_empty($$SELECT s.sample FROM statistic s WHERE s.sample ~ '^(rates|strata|means|adjusted|split|balanced|sample):' AND NOT EXISTS (SELECT FROM computed c WHERE c.sample = s.sample AND c.figures ? s.figure)$$, 'every sample of R''s is computed');
SELECT is_empty(format($$SELECT s.*, (c.figures->>figure)::float8 AS found FROM statistic s JOIN computed c USING (sample) WHERE sample LIKE '%s:%%' AND NOT near((c.figures->>figure)::float8, s.value)$$, kind), kind || ' are R''s')
FROM unnest(ARRAY['rates', 'strata', 'means', 'adjusted', 'split', 'balanced', 'sample']) kind;
SELECT cmp_ok((SELECT count(*)::int FROM statistic JOIN computed USING (sample)), '>', 1000, '... so many figures');
SELECT is((SELECT round(variance_reduction::numeric, 12) FROM uplift_adjusted_table((SELECT uplift_adjusted(treated, value, before) FROM pair WHERE name = 'exact'))), 1.000000000000, 'what is a line of what was before leaves no variance');
SELECT results_eq($$SELECT theta, variance_reduction, difference = unadjusted_difference, lower = unadjusted_lower FROM uplift_adjusted_table((SELECT uplift_adjusted(treated, value, before) FROM pair WHERE name = 'useless'))$$, 'VALUES (0::float8, 0::float8, true, true)', 'what never differs adjusts nothing');

-- ---- random data against plain SQL ----

SELECT setseed(0.37);
CREATE TABLE assigned AS
SELECT id, n, CASE WHEN random() < 0.03 THEN NULL ELSE random() < 0.3 + 0.4 * (id % 2) END AS treated, CASE WHEN random() < 0.1 THEN NULL ELSE random() < 0.2 END AS converted,
	CASE WHEN random() < 0.1 THEN NULL ELSE round((random() * 200 - 20)::numeric, (id % 4)) END AS value, CASE WHEN random() < 0.1 THEN NULL ELSE round((random() * 100)::numeric, 2) END AS before,
	CASE WHEN random() < 0.2 THEN NULL ELSE chr(65 + floor(random() * (1 + id % 5))::int) END AS stratum
FROM generate_series(1, 40) id, generate_series(1, 5 + id * 4) n;
CREATE TABLE estimate AS SELECT id, uplift(treated, converted) AS c, uplift(treated, value) AS v, uplift(treated, converted, stratum) AS cs, uplift(treated, value, stratum) AS vs, uplift_adjusted(treated, value, before) AS a FROM assigned GROUP BY id;
SELECT is_empty($$
	SELECT id, t.*, w.* FROM estimate e JOIN (SELECT id, count(converted) FILTER (WHERE treated) AS n1, count(converted) FILTER (WHERE NOT treated) AS n0, count(*) FILTER (WHERE treated AND converted IS NULL) AS m1,
		count(*) FILTER (WHERE NOT treated AND converted IS NULL) AS m0, count(*) FILTER (WHERE treated IS NULL) AS u, avg(converted::int) FILTER (WHERE treated) AS r1, avg(converted::int) FILTER (WHERE NOT treated) AS r0 FROM assigned GROUP BY id) w USING (id),
		uplift_table(c) t
	WHERE (t.treated, t.control, t.treated_missing, t.control_missing, t.unassigned) IS DISTINCT FROM (n1, n0, m1, m0, u) OR NOT near(t.treated_mean, r1::float8) OR NOT near(t.control_mean, r0::float8) OR NOT near(t.difference, (r1 - r0)::float8)$$, 'conversions are counted as SQL counts them');
SELECT is_empty($$
	SELECT id, t.*, w.* FROM estimate e JOIN (SELECT id, count(value) FILTER (WHERE treated) AS n1, count(value) FILTER (WHERE NOT treated) AS n0, count(*) FILTER (WHERE treated AND value IS NULL) AS m1,
		avg(value) FILTER (WHERE treated) AS m, avg(value) FILTER (WHERE NOT treated) AS k, var_samp(value) FILTER (WHERE treated) / nullif(count(value) FILTER (WHERE treated), 0) AS v1, var_samp(value) FILTER (WHERE NOT treated) / nullif(count(value) FILTER (WHERE NOT treated), 0) AS v0 FROM assigned GROUP BY id) w USING (id),
		uplift_table(v) t
	WHERE (t.treated, t.control, t.treated_missing) IS DISTINCT FROM (n1, n0, m1) OR NOT near(t.difference, (m - k)::float8) OR NOT near(t.statistic, ((m - k) / sqrt(v1 + v0))::float8)
	   OR NOT near(t.degrees_of_freedom, ((v1 + v0) ^ 2 / nullif(v1 ^ 2 / nullif(n1 - 1, 0) + v0 ^ 2 / nullif(n0 - 1, 0), 0))::float8)$$, 'means and t are SQL''s');
SELECT bag_eq($$SELECT id, stratum, treated, control, treated_missing FROM estimate, uplift_table(vs) WHERE level = 'stratum'$$,
	$$SELECT id, stratum, count(value) FILTER (WHERE treated) AS t, count(value) FILTER (WHERE NOT treated) AS c, count(*) FILTER (WHERE treated AND value IS NULL) AS m FROM assigned WHERE treated IS NOT NULL GROUP BY id, stratum$$, 'strata are SQL''s groups');
SELECT is_empty($$SELECT id FROM estimate, LATERAL (SELECT * FROM uplift_table(cs) WHERE level = 'all') a, LATERAL (SELECT sum(treated) AS st, sum(control) AS sc FROM uplift_table(cs) WHERE level = 'stratum') s, uplift_table(c) w
	WHERE (a.treated, a.control, a.split_p, a.unassigned) IS DISTINCT FROM (w.treated, w.control, w.split_p, w.unassigned) OR a.treated <> s.st OR a.control <> s.sc$$, 'all of the strata are all');
SELECT is_empty($$SELECT id FROM estimate, LATERAL (SELECT * FROM uplift_table(cs) WHERE level = 'all') a, LATERAL (SELECT sum(w * difference) / sum(w) AS d FROM uplift_table(cs), LATERAL (SELECT (treated * control) / (treated + control)::float8 AS w) x WHERE level = 'stratum' AND treated > 0 AND control > 0) s
	WHERE NOT near(a.difference, s.d)$$, 'the difference by stratum is the weighted one');
SELECT is_empty($$SELECT id, t.theta, w.theta FROM estimate, LATERAL (SELECT (sum(c * n) / sum(v * n)) AS theta FROM (SELECT count(*) AS n, covar_pop(value::float8, before::float8) AS c, var_pop(before::float8) AS v FROM assigned a WHERE a.id = estimate.id AND treated IS NOT NULL AND value IS NOT NULL AND before IS NOT NULL GROUP BY treated) g) w, uplift_adjusted_table(a) t
	WHERE NOT near(t.theta, w.theta)$$, 'theta is the covariance inside of the groups by the variance');

-- ---- what intervals and tests agree in ----

SELECT is_empty($$SELECT a, c, t.lower, t.relative_lower FROM generate_series(0, 20) a, generate_series(1, 30) c, uplift_table(conversions(a, 20, c, 30)) t WHERE (t.lower > 1e-12) <> (t.relative_lower > 1e-12) OR (t.upper < -1e-12) <> (t.relative_upper < -1e-12) OR t.lower > t.difference OR t.upper < t.difference OR t.relative_lower > t.relative_lift + 1e-12 OR t.relative_upper < t.relative_lift - 1e-12$$,
	'a lift of rates is above 0 where the difference is');
SELECT is_empty($$SELECT id, t.* FROM estimate, unnest(ARRAY[0.5, 0.9, 0.99]) confidence, uplift_table(vs, confidence) t WHERE (lower > 0) <> (relative_lower > 0) OR (upper < 0) <> (relative_upper < 0) OR (p < 1 - confidence) <> (lower > 0 OR upper < 0)$$, '... and of means, and p says the same');
SELECT is_empty($$SELECT id FROM estimate, uplift_table(vs) t WHERE level = 'stratum' AND NOT EXISTS (SELECT FROM (SELECT uplift(treated, value) AS r FROM assigned a WHERE a.id = estimate.id AND a.stratum IS NOT DISTINCT FROM t.stratum) q, uplift_table(r) w WHERE (w.difference, w.lower, w.relative_upper, w.p) IS NOT DISTINCT FROM (t.difference, t.lower, t.relative_upper, t.p))$$, 'a stratum is what it is alone');
SELECT is_empty($$SELECT a.*, b.* FROM (SELECT to_jsonb(t) AS f FROM uplift_table((SELECT uplift(treated, value, 'one') FROM customer WHERE name = 'unequal')) t WHERE level = 'all') a, (SELECT to_jsonb(t) AS f FROM uplift_table((SELECT uplift(treated, value) FROM customer WHERE name = 'unequal')) t) b,
	unnest('{difference,lower,upper,statistic,degrees_of_freedom,p,relative_lift,relative_lower,relative_upper}'::text[]) figure WHERE NOT near((a.f->>figure)::float8, (b.f->>figure)::float8)$$, 'means of a single stratum are Welch''s');
SELECT is_empty($$SELECT id FROM estimate, LATERAL (SELECT uplift(NOT treated, value, stratum) AS r FROM assigned a WHERE a.id = estimate.id) q, LATERAL (SELECT * FROM uplift_table(r) WHERE level = 'all') o, LATERAL (SELECT * FROM uplift_table(vs) WHERE level = 'all') t WHERE NOT (near(o.difference, -t.difference) AND near(o.lower, -t.upper) AND near(o.p, t.p))$$, 'the groups changed about turn the sign');

-- ---- edges ----

SELECT is((SELECT uplift(t, c) FROM (VALUES (true, true)) v(t, c) WHERE NOT t), NULL, 'no rows give NULL');
SELECT is((SELECT uplift(t, 1.5) FROM (VALUES (true)) v(t) WHERE NOT t), NULL, '... of values');
SELECT is((SELECT uplift_adjusted(t, 1.5, 1) FROM (VALUES (true)) v(t) WHERE NOT t), NULL, '... adjusted');
SELECT results_eq('SELECT treated, control, unassigned, difference, lower, relative_lift, statistic, p, split_p, warning, method FROM uplift_table((SELECT uplift(NULL, true) FROM generate_series(1, 3)))', 'VALUES (0::bigint, 0::bigint, 3::bigint, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL, ''Newcombe'')', 'nobody was assigned');
SELECT results_eq('SELECT level, treated, control, unassigned, difference, statistic FROM uplift_table((SELECT uplift(NULL, i, i) FROM generate_series(1, 3) i))', 'VALUES (''all'', 0::bigint, 0::bigint, 3::bigint, NULL::float8, NULL::float8)', '... nor to a stratum');
SELECT results_eq('SELECT treated, control, treated_mean, control_mean, difference, lower, upper, relative_lift, statistic, p FROM uplift_table((SELECT uplift(true, i > 2) FROM generate_series(1, 4) i))', 'VALUES (4::bigint, 0::bigint, 0.5::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8)', 'without a control group there is no difference');
SELECT results_eq('SELECT treated, control, treated_mean, control_mean, difference, lower, relative_lift, relative_lower, statistic, p FROM uplift_table((SELECT uplift(false, i) FROM generate_series(1, 4) i))', 'VALUES (0::bigint, 4::bigint, NULL::float8, 2.5::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8)', '... nor without a treated one');
SELECT results_eq('SELECT treated, control, treated_missing, control_missing, treated_mean FROM uplift_table((SELECT uplift(i > 1, NULL::int) FROM generate_series(1, 4) i))', 'VALUES (0::bigint, 0::bigint, 3::bigint, 1::bigint, NULL::float8)', 'no outcome is known');
SELECT results_eq('SELECT difference, statistic, p, lower > -0.5, upper < 0.5, relative_lift, relative_lower < 0, relative_upper > 0 FROM uplift_table(conversions(7, 7, 9, 9))', 'VALUES (0::float8, NULL::float8, NULL::float8, true, true, 0::float8, true, true)', 'all have converted: there is an interval, and no z');
SELECT results_eq('SELECT difference, statistic, relative_lift, relative_lower, relative_upper FROM uplift_table(conversions(0, 7, 0, 9))', 'VALUES (0::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8)', 'nobody has: no lift');
SELECT results_eq('SELECT relative_lift, relative_lower, relative_upper < 0 FROM uplift_table(conversions(0, 700, 90, 900))', 'VALUES (-1::float8, -1::float8, true)', 'none of the treated: a lift of -100 %');
SELECT results_eq('SELECT treated, control, difference, lower, upper, statistic, p, relative_lift, relative_lower FROM uplift_table((SELECT uplift(i = 1, i) FROM generate_series(1, 3) i))', 'VALUES (1::bigint, 2::bigint, -1.5::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, -0.6::float8, NULL::float8)', 'one customer has no variance');
SELECT results_eq('SELECT difference, lower, upper, statistic, degrees_of_freedom, p FROM uplift_table((SELECT uplift(i > 3, CASE WHEN i > 3 THEN 5 ELSE 4 END) FROM generate_series(1, 6) i))', 'VALUES (1::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8)', 'values that are all the same tell nothing of chance');
SELECT results_eq('SELECT relative_lift, relative_lower, relative_upper, difference IS NOT NULL, lower IS NOT NULL FROM uplift_table((SELECT uplift(treated, value) FROM customer WHERE name = ''negative''))', 'VALUES (NULL::float8, NULL::float8, NULL::float8, true, true)', 'no lift of a control group at a loss');
SELECT results_eq('SELECT relative_lift IS NOT NULL, relative_lower, relative_upper FROM uplift_table((SELECT uplift(treated, value) FROM customer WHERE name = ''zeros''))', 'VALUES (true, NULL::float8, NULL::float8)', '... no interval where that can''t be told from 0');
SELECT results_eq($$SELECT level, stratum, treated, control, treated_mean, difference FROM uplift_table((SELECT uplift(t, c, s) FROM (VALUES (true, true, 'a'), (true, false, 'a'), (false, true, 'b'), (true, true, NULL)) v(t, c, s)))$$,
	$$VALUES ('all', NULL, 3::bigint, 1::bigint, NULL::float8, NULL::float8), ('stratum', NULL, 1, 0, 1, NULL), ('stratum', 'a', 2, 0, 0.5, NULL), ('stratum', 'b', 0, 1, NULL, NULL)$$, 'strata without both groups; one of those that have none');
SELECT results_eq('SELECT difference, lower, upper, relative_lift, relative_lower, statistic FROM uplift_table((SELECT uplift(t, true, s) FROM (VALUES (true), (false)) v(t), generate_series(1, 3) s)) WHERE level = ''all''', 'VALUES (0::float8, NULL::float8, NULL::float8, 0::float8, NULL::float8, NULL::float8)', 'all have converted in all strata: no variance to go by');
SELECT results_eq('SELECT treated, control, treated_missing, control_missing, unassigned, theta, difference, variance_reduction FROM uplift_adjusted_table((SELECT uplift_adjusted(t, v, b) FROM (VALUES (true, 1, NULL::int), (false, NULL, 2), (NULL, 1, 1)) x(t, v, b)))', 'VALUES (0::bigint, 0::bigint, 1::bigint, 1::bigint, 1::bigint, NULL::float8, NULL::float8, NULL::float8)', 'a value without the other is missing');

SELECT results_eq($$SELECT treated - 1, control - 3, difference, lower, p FROM uplift_table((SELECT uplift(treated, value, name) FROM (SELECT treated, value, name FROM customer WHERE name IN ('small', 'unequal') UNION ALL SELECT i > 3, i, 'one' FROM generate_series(1, 4) i) q)) WHERE level = 'all'$$,
	$$SELECT treated, control, difference, lower, p FROM uplift_table((SELECT uplift(treated, value, name) FROM customer WHERE name IN ('small', 'unequal'))) WHERE level = 'all'$$, 'a stratum with a single customer in a group has no weight in means');
SELECT results_eq('SELECT treated, control, difference, lower FROM uplift_table((SELECT uplift(i > 1, i, 1) FROM generate_series(1, 2) i)) WHERE level = ''all''', 'VALUES (1::bigint, 1::bigint, NULL::float8, NULL::float8)', '... nor is there any');

-- differences of what is nearly the same, by exact sums
SELECT results_eq('SELECT difference, statistic, degrees_of_freedom FROM uplift_table((SELECT uplift(i > 3, 1e15 + i % 3 + CASE WHEN i > 3 THEN 2 ELSE 0 END) FROM generate_series(1, 6) i))',
	'SELECT difference, statistic, degrees_of_freedom FROM uplift_table((SELECT uplift(i > 3, i % 3 + CASE WHEN i > 3 THEN 2 ELSE 0 END) FROM generate_series(1, 6) i))', 'what all values have in common takes no digit away');
SELECT results_eq('SELECT difference, statistic, theta FROM uplift_adjusted_table((SELECT uplift_adjusted(i > 30, 1e9 + i % 7 + CASE WHEN i > 30 THEN 2 ELSE 0 END, 1e9 + i % 5) FROM generate_series(1, 60) i))',
	'SELECT difference, statistic, theta FROM uplift_adjusted_table((SELECT uplift_adjusted(i > 30, i % 7 + CASE WHEN i > 30 THEN 2 ELSE 0 END, i % 5) FROM generate_series(1, 60) i))', '... adjusted, too');

-- ---- types ----

SELECT is_empty(format($$SELECT 1 FROM (SELECT uplift(i > 2, i::%1$s) AS a, uplift(i > 2, i::numeric) AS b, uplift_adjusted(i > 2, i::%1$s, i::int2) AS c, uplift_adjusted(i > 2, i::numeric, i::int8) AS d FROM generate_series(1, 5) i) q WHERE to_jsonb(ARRAY(SELECT to_jsonb(t) FROM uplift_table(a) t)) <> to_jsonb(ARRAY(SELECT to_jsonb(t) FROM uplift_table(b) t)) OR to_jsonb(ARRAY(SELECT to_jsonb(t) FROM uplift_adjusted_table(c) t)) <> to_jsonb(ARRAY(SELECT to_jsonb(t) FROM uplift_adjusted_table(d) t))$$, type), 'values of ' || type)
FROM unnest(ARRAY['int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'numeric(9,2)']) type;
CREATE DOMAIN yes_or_no AS boolean;
CREATE DOMAIN price AS float8;
SELECT is((SELECT uplift(true, true::yes_or_no)), (SELECT uplift(true, true)), 'a domain over boolean is a conversion');
SELECT is((SELECT uplift(true, 0.1::price)), (SELECT uplift(true, 0.1)), '... over a number a value, and a float what it shows');
SELECT is((SELECT uplift(true, true, d) FROM unnest(ARRAY[date '2024-01-05']) d)::text::jsonb->'rows'->0->>'stratum', '2024-01-05', 'a stratum of any type');
SELECT is((SELECT uplift(true, true, 'a')::text), '{"outcome": "conversion", "stratified": true, "scale": 0, "unassigned": 0, "rows": [{"stratum": "a", "treated": 1, "n": 1, "sum": 1}]}', '... or none; the text form');
SELECT is((SELECT uplift(t, v)::text FROM (VALUES (true, 2.5), (false, -1), (false, NULL)) x(t, v)), '{"outcome": "value", "scale": 2, "unassigned": 0, "rows": [{"treated": 0, "n": 1, "missing": 1, "sum": -1.00, "sum_of_squares": 1.00}, {"treated": 1, "n": 1, "sum": 2.50, "sum_of_squares": 6.25}]}', 'the text form of values');

-- ---- the split ----

SELECT results_eq($$SELECT n, warning FROM (VALUES (5000, 5000), (5100, 4900), (5165, 4835)) v(n, m), uplift_table(conversions(0, n, 0, m))$$, $$VALUES (5000, NULL), (5100, NULL), (5165, 'sample ratio mismatch')$$, 'a split that isn''t one half');
SELECT results_eq('SELECT warning, split_p > 0.99 FROM uplift_table(conversions(0, 900, 0, 100), planned_share => 0.9)', 'VALUES (NULL, true)', '... as it was meant');
SELECT is((SELECT warning FROM uplift_table((SELECT uplift(i <= 600, CASE WHEN i > 300 THEN 1 END) FROM generate_series(1, 900) i))), 'sample ratio mismatch', 'those without outcome were assigned, too');
SELECT is((SELECT warning FROM uplift_adjusted_table((SELECT uplift_adjusted(i <= 600, i, NULL::int) FROM generate_series(1, 900) i))), 'sample ratio mismatch', '... adjusted');
SELECT throws_ok(format('SELECT * FROM %s(%s, planned_share => %L)', f, r, s), '22023', format('planned_share must be between 0 and 1, not %s', s), f || ' with a share of ' || s)
FROM (VALUES ('uplift_table', '(SELECT uplift(true, true))'), ('uplift_adjusted_table', '(SELECT uplift_adjusted(true, 1, 1))')) t(f, r), unnest(ARRAY['0', '1', '-1', 'NaN']) s;
SELECT throws_ok(format('SELECT * FROM %s(%s, %L)', f, r, s), '22023', format('confidence must be between 0 and 1, not %s', s), f || ' ' || r || ' at a confidence of ' || s)
FROM (VALUES ('uplift_table', '(SELECT uplift(true, true))'), ('uplift_table', '(SELECT uplift(true, 1))'), ('uplift_table', '(SELECT uplift(true, true, 1))'), ('uplift_table', '(SELECT uplift(true, 1, 1))'), ('uplift_adjusted_table', '(SELECT uplift_adjusted(true, 1, 1))')) t(f, r), unnest(ARRAY['0', '1', 'NaN']) s;

-- ---- samples ----

SELECT results_eq('SELECT treated, control, total FROM required_sample(0.1, 0.2)', 'VALUES (3841::bigint, 3841::bigint, 7682::bigint)', 'power.prop.test(p1 = 0.1, p2 = 0.12, power = 0.8): n is 3840.85');
SELECT results_eq('SELECT treated, control FROM required_sample(0.5, 0.5, 0.9)', 'VALUES (77::bigint, 77::bigint)', '... of 0.5, 0.75 and 0.9: 76.7');
SELECT ok(s.exact > e.exact AND s.treated < s.control AND s.total = s.treated + s.control, 'a smaller share treated takes more in all') FROM required_sample(0.1, 0.2, planned_share => 0.2) s, required_sample(0.1, 0.2) e;
SELECT results_eq('SELECT treated, control, total FROM required_sample(0.5, 0.9, 0.01)', 'VALUES (1::bigint, 1::bigint, 2::bigint)', 'one at least');
SELECT throws_ok(format('SELECT required_sample(%s)', a), '22023', m, 'required_sample ' || a) FROM (VALUES ('0, 0.1', 'base_rate must be between 0 and 1, not 0'), ('1, 0.1', 'base_rate must be between 0 and 1, not 1'), ('''nan'', 0.1', 'base_rate must be between 0 and 1, not NaN'), ('0.1, 0', 'lift must not be 0'),
	('0.5, 1.5', 'a lift of 1.5 makes a rate of 1.25 of base_rate 0.5'), ('0.5, -1.5', 'a lift of -1.5 makes a rate of -0.25 of base_rate 0.5'), ('0.5, ''nan''', 'a lift of NaN makes a rate of NaN of base_rate 0.5'), ('0.5, 0.1, 0', 'power must be between 0 and 1, not 0'), ('0.5, 0.1, 1', 'power must be between 0 and 1, not 1'),
	('0.5, 0.1, 0.8, 1', 'confidence must be between 0 and 1, not 1'), ('0.5, 0.1, 0.8, 0.95, 1', 'planned_share must be between 0 and 1, not 1')) v(a, m);
SELECT throws_ok('SELECT required_sample(0.5, 1e-12)', '22003', NULL, 'more customers than there are numbers');
SELECT is_empty('SELECT * FROM required_sample(0.5, NULL) r WHERE r IS NOT NULL', 'NULL of NULL');

-- ---- hostile input ----

SELECT throws_ok(format('SELECT uplift(true, %s)', v), s, m, 'a value of ' || v) FROM (VALUES ('''NaN''::float8', '22003', 'value must be finite, not NaN'), ('''Infinity''::numeric', '22003', 'value must be finite, not Infinity'), ('''a''::text', '22023', 'a value can''t be of type text'), ('now()', '22023', 'a value can''t be of type timestamp with time zone'),
	('1.0000000001', '22003', 'value 1.0000000001 has more than 9 decimals'), ('0.1::float8 + 0.2', '22003', 'value 0.30000000000000004 has more than 9 decimals'), ('1e30', '22003', NULL)) v(v, s, m);
SELECT throws_ok('SELECT uplift_adjusted(true, 1, ''a''::text)', '22023', 'a value before can''t be of type text', 'what was before, too');
SELECT lives_ok('SELECT uplift(true, avg) FROM (SELECT avg(i) FROM generate_series(1, 5) i) q', 'decimals that are zeros are none');
SELECT throws_ok('SELECT uplift(true, 9e17::numeric - i) FROM generate_series(1, 1000) i', '22003', NULL, 'sums that don''t fit are refused');
SELECT throws_ok(format('SELECT %L::uplift_result', t), '22P02', NULL, t) FROM unnest(ARRAY['{"rows": []}', '{"outcome": "value"}', '{"outcome": "x", "rows": []}', '{"outcome": "conversion", "stratified": false, "rows": []}', '{"outcome": "conversion", "rows": [{"treated": 2, "n": 1}]}', '{"outcome": "conversion", "rows": [{"n": 1, "sum": 2}]}',
	'{"outcome": "conversion", "rows": [{"treated": 0, "n": 1, "sum": -1}]}', '{"outcome": "conversion", "rows": [{"treated": 0, "n": 1, "sum": 0.5}]}', '{"outcome": "conversion", "rows": [{"treated": 0, "n": 1, "sum": 1, "sum_of_squares": 1}]}', '{"outcome": "conversion", "rows": [{"stratum": "a", "treated": 0, "n": 1}]}', '{"outcome": "value", "rows": [{"treated": 0, "n": 2, "sum": 3, "sum_of_squares": 4}]}',
	'{"outcome": "value", "rows": [{"treated": 0, "n": 2, "sum_of_squares": -4}]}', '{"outcome": "value", "rows": [{"treated": 0, "missing": 2, "sum_of_squares": 4}]}', '{"outcome": "value", "rows": [{"treated": 0, "missing": 2, "sum": 4}]}', '{"outcome": "value", "rows": [{"treated": 0, "n": 1}, {"treated": 0, "n": 1}]}', '{"outcome": "value", "rows_without_customer": 1, "rows": []}', '[]', '']) t;
SELECT throws_ok(format('SELECT %L::uplift_adjusted_result', t), '22P02', NULL, t) FROM unnest(ARRAY['{}', '{"rows": [{"treated": 3, "n": 1}]}', '{"rows": [{"treated": 0, "sum": 1}]}', '{"rows": [{"treated": 0, "n": 2, "sum_of_products": 1}]}', '{"rows": [{"treated": 0, "n": 2, "sum_of_squares": 1, "sum_of_squares_before": 1, "sum_of_products": 2}]}', '{"rows": [{"treated": 0, "n": 2, "sum_before": 3, "sum_of_squares_before": 4}]}']) t;
SELECT throws_ok($$SELECT rollup(r) FROM (VALUES ((SELECT uplift(true, true))), ((SELECT uplift(true, 1)))) v(r)$$, '22023', 'uplift_results with different outcome can''t be added up', 'conversions and values');
SELECT throws_ok($$SELECT rollup(r) FROM (VALUES ((SELECT uplift(true, true))), ((SELECT uplift(true, true, 'a')))) v(r)$$, '22023', 'uplift_results with different stratified can''t be added up', 'with strata and without');
SELECT throws_ok($$SELECT uplift_accum((SELECT uplift(true, 1)), true, true)$$, '22023', NULL, 'a state of the other sort');
SELECT throws_ok($$SELECT * FROM uplift_table('{"outcome": "conversion", "stratified": true, "rows": [{"stratum": "a", "treated": 0, "n": 9223372036854775807}, {"stratum": "b", "treated": 0, "n": 1}]}')$$, '22003', 'number of those assigned is out of range', 'more than 2^63 - 1 customers');
SELECT lives_ok($$SELECT * FROM uplift_table('{"outcome": "conversion", "rows": [{"treated": 0, "n": 4611686018427387903, "sum": 4611686018427387903}, {"treated": 1, "n": 4611686018427387903}]}')$$, 'as many as can be');
SELECT results_eq($$SELECT difference, lower IS NOT NULL FROM uplift_table('{"outcome": "value", "rows": [{"treated": 0, "n": 2, "sum_of_squares": 100000000000000000000000000000000000000}, {"treated": 1, "n": 2, "sum": 10000000000000000000, "sum_of_squares": 100000000000000000000000000000000000000}]}')$$, 'VALUES (5e18::float8, true)', 'as large ones as fit');

-- ---- stored, added up, in parallel ----

SELECT is_empty('SELECT id FROM estimate WHERE c::text::uplift_result <> c OR v::text::uplift_result <> v OR cs::text::uplift_result <> cs OR vs::text::uplift_result <> vs OR a::text::uplift_adjusted_result <> a', 'text and back');
CREATE TABLE shard AS SELECT id, side, uplift(treated, converted) AS c, uplift(treated, value, stratum) AS vs, uplift_adjusted(treated, value, before) AS a FROM (SELECT *, floor(random() * 4) AS side FROM assigned) q GROUP BY id, side;
SELECT is_empty('SELECT id FROM (SELECT id, rollup(c ORDER BY random()) AS c, rollup(vs ORDER BY random()) AS vs, rollup(a ORDER BY random()) AS a FROM shard GROUP BY id) s JOIN estimate e USING (id) WHERE s.c <> e.c OR s.vs <> e.vs OR s.a <> e.a', 'shards add up to the same, to the bit');
SELECT is_empty('SELECT id FROM (SELECT id, uplift(treated, value, stratum ORDER BY n DESC) AS vs, uplift_adjusted(treated, value, before ORDER BY md5(n::text)) AS a FROM assigned GROUP BY id) s JOIN estimate e USING (id) WHERE s.vs <> e.vs OR s.a <> e.a', 'in whatever order rows come');
SELECT is((SELECT rollup(r) FROM (VALUES (NULL::uplift_result), ((SELECT uplift(true, 1.5))), (NULL)) v(r)), (SELECT uplift(true, 1.5)), 'NULLs are left out');
SELECT results_eq('SELECT s.metric, s.arguments FROM estimate, result_scope(cs) s WHERE id = 1', $$VALUES ('uplift', '{"outcome": "conversion", "stratified": true}'::jsonb)$$, 'what a result is about');

CREATE TABLE crowd AS SELECT i % 2 = 0 AS treated, i % 7 = 0 AS converted, round((random() * 900)::numeric, 2) AS value, (random() * 100)::int AS before, chr(65 + i % 20) AS stratum FROM generate_series(1, 60000) i;
ANALYZE crowd;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT uplift(treated, converted) AS c, uplift(treated, value, stratum) AS v, uplift_adjusted(treated, value, before) AS a FROM crowd;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT isnt_empty($$SELECT p FROM plan_of('SELECT uplift(treated, converted), uplift(treated, value, stratum), uplift_adjusted(treated, value, before) FROM crowd') p WHERE p LIKE '%Partial Aggregate%'$$, 'a parallel plan');
SELECT results_eq('SELECT uplift(treated, converted), uplift(treated, value, stratum), uplift_adjusted(treated, value, before) FROM crowd', 'TABLE serial', '... gives the same');
SELECT * FROM finish();
ROLLBACK;
