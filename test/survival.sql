--
-- Survival: Kaplan-Meier and the log-rank test by published figures, and against the textbook
-- formulas of reference/survival.sql on random samples; durations and edge cases; results stored,
-- added up, in parallel.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(205);
\ir reference/survival.sql

CREATE FUNCTION near(a float8, b float8, digits float8 DEFAULT 1e-9) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE abs(a - b) <= digits * greatest(abs(a), abs(b), 1e-3) END $$;

-- ---- known answers: acute myelogenous leukemia (Miller 1981), as R's survival has them ----

INSERT INTO sample
SELECT 0, rtrim(t, '+')::numeric, t NOT LIKE '%+', 'maintained' FROM unnest('{9,13,13+,18,23,28+,31,34,45+,48,161+}'::text[]) t
UNION ALL
SELECT 0, rtrim(t, '+')::numeric, t NOT LIKE '%+', 'nonmaintained' FROM unnest('{5,5,8,8,12,16+,23,27,30,33,43,45}'::text[]) t;
CREATE VIEW arm AS SELECT segment, survival(duration, event) AS s FROM sample WHERE id = 0 GROUP BY segment;

SELECT results_eq($$SELECT t.duration, t.at_risk, t.events, t.censored, round(t.survival::numeric, 6), round(t.std_error::numeric, 6) FROM arm, survival_table(s) t WHERE segment = 'maintained'$$,
	$$VALUES (9::numeric, 11::bigint, 1::bigint, 0::bigint, .909091, .086678), (13, 10, 1, 1, .818182, .116291), (18, 8, 1, 0, .715909, .139665), (23, 7, 1, 0, .613636, .152632), (28, 6, 0, 1, .613636, .152632),
		(31, 5, 1, 0, .490909, .164193), (34, 4, 1, 0, .368182, .162669), (45, 3, 0, 1, .368182, .162669), (48, 2, 1, 0, .184091, .153493), (161, 1, 0, 1, .184091, .153493)$$, 'maintained: S and its error');
SELECT results_eq($$SELECT t.duration, t.at_risk, t.events, t.censored, round(t.survival::numeric, 4), round(t.std_error::numeric, 4) FROM arm, survival_table(s) t WHERE segment = 'nonmaintained'$$,
	$$VALUES (5::numeric, 12::bigint, 2::bigint, 0::bigint, .8333, .1076), (8, 10, 2, 0, .6667, .1361), (12, 8, 1, 0, .5833, .1423), (16, 7, 0, 1, .5833, .1423), (23, 6, 1, 0, .4861, .1481),
		(27, 5, 1, 0, .3889, .1470), (30, 4, 1, 0, .2917, .1387), (33, 3, 1, 0, .1944, .1219), (43, 2, 1, 0, .0972, .0919), (45, 1, 1, 0, 0, NULL)$$, 'nonmaintained: S and its error, which nothing tells at the end');
SELECT results_eq($$SELECT round(t.lower::numeric, 6), round(t.upper::numeric, 6) FROM arm, survival_table(s, 0.95, 'log') t WHERE segment = 'maintained' AND t.duration IN (13, 48)$$,
	$$VALUES (.619249, 1.000000), (.035918, .943526)$$, 'intervals in ln S');
SELECT results_eq($$SELECT round(t.lower::numeric, 6), round(t.upper::numeric, 6) FROM arm, survival_table(s, interval_kind => 'plain') t WHERE segment = 'maintained' AND t.duration IN (13, 34, 48)$$,
	$$VALUES (.590255, 1.000000), (.049357, .687007), (0.000000, .484931)$$, 'plain ones, cut to 0..1');
SELECT results_eq($$SELECT round(t.lower::numeric, 6), round(t.upper::numeric, 6) FROM arm, survival_table(s) t WHERE segment = 'maintained' AND t.duration IN (9, 48)$$,
	$$VALUES (.508080, .986674), (.011738, .525015)$$, 'in ln(-ln S), by default');
SELECT results_eq($$SELECT t.duration, t.lower, t.upper FROM arm, survival_table(s, 0.95, 'log-log') t$$, $$SELECT t.duration, t.lower, t.upper FROM arm, survival_table(s) t$$, 'confidence is 0.95 and log-log by default');
SELECT results_eq($$SELECT segment, (m).* FROM (SELECT segment, survival_median(s, 0.95, 'log') AS m FROM arm) q ORDER BY segment$$,
	$$VALUES ('maintained', 31::numeric, 18::numeric, NULL::numeric), ('nonmaintained', 23, 8, NULL)$$, 'medians, and their intervals by ln S');
SELECT results_eq($$SELECT segment, (m).* FROM (SELECT segment, survival_median(s) AS m FROM arm) q ORDER BY segment$$,
	$$VALUES ('maintained', 31::numeric, 13::numeric, NULL::numeric), ('nonmaintained', 23, 5, 33)$$, '... by ln(-ln S), the default');
SELECT results_eq($$SELECT segment, round((m).mean::numeric, 6), (m).until FROM (SELECT segment, survival_mean(s, 30) AS m FROM arm) q ORDER BY segment$$,
	$$VALUES ('maintained', 24.602273, 30::numeric), ('nonmaintained', 19.694444, 30)$$, 'means restricted to 30');
SELECT results_eq($$SELECT segment, round((m).mean::numeric, 4), round((m).std_error::numeric, 4), (m).until FROM (SELECT segment, survival_mean(s) AS m FROM arm) q ORDER BY segment$$,
	$$VALUES ('maintained', 52.6455, 19.8286, 161::numeric), ('nonmaintained', 22.7083, 4.1809, 45)$$, 'means up to the longest, with their errors');
SELECT results_eq($$SELECT segment, observations, observed, round(expected::numeric, 6), round(chi_squared::numeric, 9), degrees_of_freedom, round(p::numeric, 6) FROM logrank_test((SELECT logrank(duration, event, segment) FROM sample WHERE id = 0))$$,
	$$VALUES ('maintained', 11::bigint, 7::float8, 10.689336, 3.396388699, 1, .065339), ('nonmaintained', 12, 11, 7.310664, 3.396388699, 1, .065339)$$, 'log-rank');
SELECT results_eq($$SELECT DISTINCT round(chi_squared::numeric, 4), degrees_of_freedom, round(p::numeric, 4) FROM logrank_test((SELECT logrank(duration, event, segment) FROM sample WHERE id = 0), 'wilcoxon')$$,
	$$VALUES (2.7233, 1, .0989)$$, 'Gehan-Breslow-Wilcoxon');
SELECT results_eq($$SELECT survival_at(s, t) FROM arm, unnest(ARRAY[0, 8.999, 9, 12, 13.5, 161]) t WHERE segment = 'maintained'$$,
	$$VALUES (1::float8), (1), (10 / 11::float8), (10 / 11::float8), (9 / 11::float8), ((SELECT t.survival FROM arm, survival_table(s) t WHERE segment = 'maintained' AND t.duration = 161))$$, 'survival_at: S after what happened at t');
SELECT is(survival_at(s, 161.000001), NULL, 'beyond the longest duration S isn''t known') FROM arm WHERE segment = 'maintained';
SELECT is(survival_at(s, 1e100), 0::float8, '... unless it is 0') FROM arm WHERE segment = 'nonmaintained';

-- ---- against the textbook ----

SELECT setseed(0.83);
INSERT INTO sample
SELECT id, CASE id % 3 WHEN 0 THEN floor(random() * 15) WHEN 1 THEN round((random() * 100)::numeric, 2) ELSE floor(-ln(1 - random()) * 40) + 1 END, random() < (id % 5) / 4.0,
	chr(96 + ceil((1 + id % 6) * power(random(), 1 + id % 2))::int)
FROM generate_series(1, 240) id, generate_series(1, 1 + id % 60) n;
-- segments that leave before the first event, and one that all others outlive
INSERT INTO sample SELECT id, CASE WHEN n < 6 THEN 1 ELSE 2 + floor(random() * 9) END, n >= 6 AND random() < 0.6, CASE WHEN n < 6 THEN 'left' ELSE chr(97 + n % 3) END FROM generate_series(301, 310) id, generate_series(1, 30) n;
INSERT INTO sample SELECT id, CASE WHEN n < 6 THEN 1 ELSE 2 + floor(random() * 9) END, n < 6 OR random() < 0.6, CASE WHEN n < 6 THEN 'died' ELSE chr(97 + n % 3) END FROM generate_series(311, 320) id, generate_series(1, 30) n;
ANALYZE sample;
INSERT INTO step SELECT * FROM ref_steps();
CREATE INDEX ON step (id);
ANALYZE step;
CREATE TABLE estimate AS SELECT id, survival(duration, event) AS s, logrank(duration, event, segment) AS l FROM sample GROUP BY id;

SELECT is_empty(format($$
	SELECT e.id, t.duration, w.duration, t.survival, w.survival, t.lower, w.lower, t.upper, w.upper
	FROM estimate e, LATERAL (SELECT t.*, w.duration AS wanted, w.at_risk AS wn, w.events AS wd, w.censored AS wc, w.survival AS ws, w.std_error AS we, w.lower AS wl, w.upper AS wu
		FROM survival_table(e.s, 0.9, %1$L) t FULL JOIN ref_survival_table(e.id, 1.6448536269514722, %1$L) w ON w.duration = t.duration) t, LATERAL (SELECT wanted AS duration, ws AS survival, wl AS lower, wu AS upper) w
	WHERE (t.duration, t.at_risk, t.events, t.censored) IS DISTINCT FROM (t.wanted, t.wn, t.wd, t.wc) OR NOT (near(t.survival, t.ws) AND near(t.std_error, t.we, 1e-7) AND near(t.lower, t.wl, 1e-7) AND near(t.upper, t.wu, 1e-7))$$, kind),
	'survival_table is the textbook''s, ' || kind)
FROM unnest(ARRAY['log-log', 'log', 'plain']) kind;
SELECT is_empty(format($$
	SELECT e.id, m.*, w.* FROM estimate e, LATERAL survival_median(e.s, 0.9, %1$L) m,
		LATERAL (SELECT min(duration) FILTER (WHERE survival < 0.5 + 1e-9) AS median, min(duration) FILTER (WHERE lower < 0.5 + 1e-9) AS lower, min(duration) FILTER (WHERE upper < 0.5 + 1e-9) AS upper
			FROM ref_survival_table(e.id, 1.6448536269514722, %1$L)) w
	WHERE (m.median, m.lower, m.upper) IS DISTINCT FROM (w.median, w.lower, w.upper)$$, kind),
	'survival_median is where S and its interval cross one half, ' || kind)
FROM unnest(ARRAY['log-log', 'log', 'plain']) kind;
SELECT cmp_ok((SELECT count(*)::int FROM estimate, survival_median(s) m WHERE m.median IS NOT NULL AND m.upper IS NOT NULL), '>', 50, '... there are such');
SELECT is_empty($$
	SELECT e.id, m.*, w.* FROM estimate e, LATERAL survival_mean(e.s) m, LATERAL ref_survival_mean(e.id, (SELECT max(duration)::float8 FROM sample WHERE id = e.id)) w
	WHERE NOT (near(m.mean, w.mean) AND near(m.std_error, w.std_error, 1e-6)) OR m.until <> (SELECT max(duration) FROM sample WHERE id = e.id)$$, 'survival_mean is the area under S, up to the longest duration');
SELECT is_empty($$
	SELECT e.id, u, m.*, w.* FROM estimate e, unnest(ARRAY[0, 0.333333333333333333333, 5, 7.125]) u, LATERAL survival_mean(e.s, u) m, LATERAL ref_survival_mean(e.id, u::float8) w
	WHERE u <= (SELECT max(duration) FROM sample WHERE id = e.id) AND (NOT (near(m.mean, w.mean) AND near(m.std_error, w.std_error, 1e-6)) OR m.until <> u)$$, '... or up to another');
SELECT is_empty($$
	SELECT e.id, u, m.*, t.survival FROM estimate e, LATERAL (SELECT max(duration) + 0.001 AS u FROM sample WHERE id = e.id) x, LATERAL survival_mean(e.s, u) m, LATERAL (SELECT min(survival) AS survival FROM survival_table(e.s)) t
	WHERE (m.mean IS NULL) <> (t.survival > 0) OR (m.std_error IS NULL) <> (t.survival > 0) OR m.until <> u$$, '... which isn''t known past the longest, unless S is 0');
SELECT is_empty($$
	SELECT e.id, t.duration FROM estimate e, survival_table(e.s) t, LATERAL (SELECT lag(t2.survival, 1, 1::float8) OVER (ORDER BY t2.duration) AS before, t2.duration FROM survival_table(e.s) t2) b
	WHERE b.duration = t.duration AND (survival_at(e.s, t.duration) <> t.survival OR survival_at(e.s, t.duration - 0.0001) <> b.before) AND t.duration > 0$$, 'survival_at is survival_table''s column');
SELECT is_empty(format($$
	SELECT e.id, t.*, w.* FROM estimate e, LATERAL (SELECT array_agg(segment ORDER BY segment COLLATE "C") AS segments, array_agg(observed ORDER BY segment COLLATE "C") AS observed, array_agg(expected ORDER BY segment COLLATE "C") AS expected,
			array_agg(observations ORDER BY segment COLLATE "C") AS observations, min(chi_squared) AS chi_squared, max(chi_squared) AS same, min(degrees_of_freedom) AS degrees FROM logrank_test(e.l, %1$L)) t, LATERAL ref_logrank(e.id, %1$L) w
	WHERE t.segments IS DISTINCT FROM w.segments OR t.degrees <> w.degrees OR NOT near(t.chi_squared, w.chi_squared, 1e-7) OR t.same <> t.chi_squared
	   OR EXISTS (SELECT FROM unnest(t.observed, t.expected, w.observed, w.expected) u(o, e, wo, we) WHERE NOT (near(o, wo) AND near(e, we)))
	   OR t.observations IS DISTINCT FROM (SELECT array_agg(n ORDER BY segment COLLATE "C") FROM (SELECT segment, count(*) AS n FROM sample WHERE id = e.id GROUP BY segment) c)$$, weighting),
	'logrank_test is the textbook''s for 1 to 6 segments, ' || weighting)
FROM unnest(ARRAY['logrank', 'wilcoxon', 'tarone-ware']) weighting;
SELECT results_eq($$SELECT DISTINCT degrees_of_freedom FROM estimate, logrank_test(l) ORDER BY 1$$, 'SELECT generate_series(0, 5)', '... from 0 to 5 degrees of freedom');
SELECT is_empty($$SELECT id, t.* FROM estimate, logrank_test(l) t WHERE (chi_squared IS NULL) <> (degrees_of_freedom = 0) OR (p IS NULL) <> (degrees_of_freedom = 0)$$, '... with 0 there is no test');
SELECT is_empty($$SELECT id, t.* FROM estimate, logrank_test(l) t WHERE degrees_of_freedom = 2 AND NOT near(p, exp(-chi_squared / 2), 1e-12)$$, 'p with 2 degrees of freedom is exp(-chi-squared/2)');
SELECT is_empty($$SELECT id, t.* FROM estimate, logrank_test(l) t WHERE degrees_of_freedom = 4 AND NOT near(p, exp(-chi_squared / 2) * (1 + chi_squared / 2), 1e-12)$$, '... with 4, exp(-chi-squared/2) (1 + chi-squared/2)');
SELECT is_empty($$SELECT id FROM estimate WHERE id BETWEEN 301 AND 310 AND NOT EXISTS (SELECT FROM logrank_test(l) WHERE segment = 'left' AND observed = 0 AND expected = 0 AND observations = 5 AND degrees_of_freedom = 2)$$,
	'a segment that is gone before the first event is listed, and doesn''t count as one');

-- far in the tail: k segments, of which one lasts n times 3 longer
CREATE FUNCTION tail(k int, n int) RETURNS TABLE (chi_squared float8, p float8)
LANGUAGE sql AS $$
	SELECT chi_squared, p FROM logrank_test((SELECT logrank(i * 3 + g + CASE WHEN g = k - 1 THEN 3 * n ELSE 0 END, true, g::text) FROM generate_series(1, n) i, generate_series(0, k - 1) g)) LIMIT 1
$$;
SELECT ok(chi_squared > 1300 AND p BETWEEN 1e-307 AND 1e-280 AND near((p::numeric / exp((-chi_squared / 2)::numeric))::float8, 1, 1e-12), format('p is right at %s', p)) FROM tail(3, 490);
SELECT ok(near(t.chi_squared, v.chi_squared, 1e-12) AND abs(t.p / v.p - 1) < 1e-9, format('p of %s segments at chi-squared %s', k, v.chi_squared)) FROM (VALUES
	(2, 3, 5.051660516605167::float8, 0.0246023499536418::float8), (2, 30, 71.35108825823883::float8, 2.98992927182076e-17::float8), (2, 300, 742.85832438305::float8, 1.43307471972256e-163::float8), (4, 3, 8.380239218944613::float8, 0.0387734375345418::float8), (4, 100, 300.00301725103736::float8, 9.93381033590524e-65::float8), (4, 450, 1357.075789014597::float8, 6.07153405455665e-294::float8), (6, 100, 332.98716109413476::float8, 8.03754727060938e-70::float8), (30, 8, 265.6029387716042::float8, 4.68790522307532e-40::float8)) v(k, n, chi_squared, p), LATERAL tail(k, n) t;
SELECT ok(p = 0, 'p below what a float8 holds is 0') FROM tail(3, 3000);

-- ---- what S is where it can be told exactly ----

SELECT is(survival_at(s, 49), 51 / 100::float8, 'without censoring S is the share that is left') FROM (SELECT survival(i, true) AS s FROM generate_series(1, 100) i) q;
SELECT is((m).median, 50::numeric, '... the median where one half is') FROM (SELECT survival_median(survival(i, true)) AS m FROM generate_series(1, 100) i) q;
SELECT ok(near((m).mean, 50.5, 1e-14), '... the mean that of the durations') FROM (SELECT survival_mean(survival(i, true)) AS m FROM generate_series(1, 100) i) q;
SELECT ok(near((m).std_error, (SELECT stddev_pop(i) / 10 FROM generate_series(1, 100) i)), '... and its error theirs') FROM (SELECT survival_mean(survival(i, true)) AS m FROM generate_series(1, 100) i) q;
SELECT is_empty($$SELECT n, d, c, e FROM generate_series(4, 60) n, generate_series(1, n / 2) d, generate_series(1, n - d - 1) c, LATERAL (SELECT n - d - c AS m) l, generate_series(1, m - 1) e
	WHERE 2 * (n - d) * (m - e) = n * m AND (survival_median(format('{"rows": [{"duration": 1, "events": %s, "censored": %s}, {"duration": 2, "events": %s}, {"duration": 3, "events": %s}]}', d, c, e, m - e)::survival_result)).median <> 2$$,
	'a survival of one half is one half, whatever quotients it is the product of');
SELECT results_eq($$SELECT t.duration, t.at_risk, t.events, t.censored, t.survival FROM survival_table((SELECT survival(t, e) FROM (VALUES (0, true), (0, false), (3, false), (3, true)) v(t, e))) t$$,
	$$VALUES (0::numeric, 4::bigint, 1::bigint, 1::bigint, 0.75::float8), (3, 2, 1, 1, 0.375)$$, 'a duration of 0 is at risk at 0; who is censored at t is at risk at t');
SELECT results_eq($$SELECT t.survival, t.std_error, t.lower, t.upper FROM survival_table((SELECT survival(i, false) FROM generate_series(1, 2) i), 0.95, 'log') t$$, 'VALUES (1::float8, 0::float8, 1::float8, 1::float8), (1, 0, 1, 1)', 'S is 1 before the first event');
SELECT results_eq($$SELECT t.survival, t.std_error, t.lower, t.upper FROM survival_table((SELECT survival(i, false) FROM generate_series(1, 2) i)) t$$, 'VALUES (1::float8, 0::float8, NULL::float8, NULL::float8), (1, 0, NULL, NULL)', '... where a log-log interval has nothing to go by');
SELECT results_eq(format($$SELECT t.survival, t.std_error, t.lower, t.upper FROM survival_table((SELECT survival(5, true)), 0.95, %L) t$$, kind), 'VALUES (0::float8, NULL::float8, NULL::float8, NULL::float8)', 'all gone at once, ' || kind) FROM unnest(ARRAY['log-log', 'log', 'plain']) kind;
SELECT is(m, ROW(5::numeric, NULL::numeric, NULL::numeric)::record, '... the median has no interval') FROM (SELECT survival_median(survival(5, true)) AS m) q;
SELECT is(m, ROW(5::float8, 0::float8, 5::numeric)::record, '... the mean no error') FROM (SELECT survival_mean(survival(5, true)) AS m) q;
SELECT is((m).mean, 5::float8, '... however far it goes on') FROM (SELECT survival_mean(survival(5, true), 1e400) AS m) q;
SELECT is(m, ROW(NULL::numeric, NULL::numeric, NULL::numeric)::record, 'a median that isn''t reached is NULL') FROM (SELECT survival_median(survival(5, false)) AS m) q;

-- ---- NULLs, nothing at all ----

SELECT is((SELECT survival(i::numeric, true) FROM generate_series(1, 0) i), NULL, 'no rows give NULL');
SELECT is((SELECT logrank(i::numeric, true, 'a') FROM generate_series(1, 0) i), NULL, '... of logrank too');
CREATE TABLE nobody AS SELECT survival(d, e) AS s, logrank(d, e, g) AS l FROM (VALUES (NULL::numeric, true, 'a'), (1, NULL, 'a'), (NULL, NULL, NULL)) v(d, e, g);
SELECT is(s::text, survival(NULL::numeric, true)::text, 'rows with a NULL are left out') FROM nobody GROUP BY s;
SELECT is_empty('SELECT t.* FROM nobody, survival_table(s) t', '... nobody has no table');
SELECT is(survival_at(s, 0), NULL, '... no S') FROM nobody;
SELECT is(survival_median(s), ROW(NULL::numeric, NULL::numeric, NULL::numeric)::record, '... no median') FROM nobody;
SELECT is(survival_mean(s), ROW(NULL::float8, NULL::float8, NULL::numeric)::record, '... no mean') FROM nobody;
SELECT is(survival_mean(s, 3), ROW(NULL::float8, NULL::float8, 3::numeric)::record, '... up to 3 neither') FROM nobody;
SELECT is_empty('SELECT t.* FROM nobody, logrank_test(l) t', '... no segments') FROM nobody;
SELECT is((SELECT survival(d, e) FROM (VALUES (1, true), (NULL, true), (2, NULL), (2, false)) v(d, e)), (SELECT survival(d, e) FROM (VALUES (1, true), (2, false)) v(d, e)), 'NULLs between others are left out');
SELECT is((SELECT logrank(d, true, g) FROM (VALUES (1, 'a'), (2, NULL), (2, 'b')) v(d, g)), (SELECT logrank(d, true, g) FROM (VALUES (1, 'a'), (2, 'b')) v(d, g)), 'an unknown segment is left out');
SELECT is_empty('SELECT * FROM survival_table(NULL)', 'no table of NULL');
SELECT is(survival_at(NULL, 1), NULL, 'no S of NULL');
SELECT is(survival_at(survival(1, true), NULL), NULL, 'no S at NULL');
SELECT is((survival_median(NULL)).median, NULL, 'no median of NULL');
SELECT is((survival_mean(NULL, 3)).mean, NULL, 'no mean of NULL');
SELECT is((survival_mean(survival(2, true), NULL)).mean, 2::float8, 'until NULL is the longest duration');
SELECT is_empty('SELECT * FROM logrank_test(NULL)', 'no test of NULL');
SELECT results_eq($$SELECT segment, observations, observed, expected, chi_squared, degrees_of_freedom, p FROM logrank_test((SELECT logrank(i, true, '') FROM generate_series(1, 3) i))$$,
	$$VALUES ('', 3::bigint, 3::float8, 3::float8, NULL::float8, 0, NULL::float8)$$, 'one segment, and an empty name, compares with nothing');
SELECT results_eq($$SELECT segment, observed, expected, chi_squared, degrees_of_freedom, p FROM logrank_test((SELECT logrank(5, true, g) FROM unnest(ARRAY['a', 'b', 'a']) g))$$,
	$$VALUES ('a', 2::float8, 2::float8, NULL::float8, 0, NULL::float8), ('b', 1, 1, NULL, 0, NULL)$$, 'all gone at once: no difference to be seen');
SELECT results_eq($$SELECT DISTINCT chi_squared, degrees_of_freedom, p FROM logrank_test((SELECT logrank(i, true, g) FROM generate_series(1, 5) i, unnest(ARRAY['a', 'b', 'c']) g))$$,
	$$VALUES (0::float8, 2, 1::float8)$$, 'segments that are the same');

-- ---- durations ----

SELECT results_eq($$SELECT * FROM survival_table((SELECT survival(d, e) FROM (VALUES (interval '36 hours', true), ('1 month', false), ('0', true), ('1 month -30 days', true), ('1 week 2 days', false)) v(d, e)))$$,
	$$SELECT * FROM survival_table((SELECT survival(d, e) FROM (VALUES (1.5, true), (30, false), (0, true), (0, true), (9, false)) v(d, e)))$$, 'intervals count in days, months are 30');
SELECT is((SELECT logrank(d, true, g) FROM (VALUES (interval '1 year 6 hours', 'a'), ('2 days -24 hours', 'b')) v(d, g)),
	'{"unit": "days", "rows": [{"segment": "a", "duration": 360.25, "events": 1}, {"segment": "b", "duration": 1, "events": 1}]}', '... in logrank too');
SELECT results_eq($$SELECT duration FROM survival_table((SELECT survival(i * interval '1 microsecond', true) FROM generate_series(0, 4) i))$$,
	'VALUES (0::numeric), (0.00000000001), (0.00000000002), (0.00000000003), (0.00000000005)', 'a microsecond more is a longer duration');
SELECT is(count(DISTINCT duration), 3001::bigint, '... everywhere') FROM survival_table((SELECT survival(interval '17 days 23:59:59' + i * interval '1 microsecond', true) FROM generate_series(0, 3000) i));
SELECT results_eq($$SELECT duration FROM survival_table((SELECT survival(i, true) FROM unnest(ARRAY[interval '1 hour', '23:59:59.999999']) i))$$, 'VALUES (0.04166666667::numeric), (0.99999999999)', '... rounded to 11 decimals');
SELECT throws_ok($$SELECT survival(interval '-1 second', true)$$, '22023', 'duration must not be negative: -0.00001157407', 'a negative interval');
SELECT throws_ok($$SELECT survival(interval '1 month -31 days', true)$$, '22023', 'duration must not be negative: -1', '... by its days');
SELECT throws_ok($$SELECT survival(interval '300000 years 1 hour', true)$$, '22003', NULL, 'an interval too long for its decimals');
SELECT is(duration, 60000000000::numeric, 'but without them it isn''t') FROM survival_table((SELECT survival(interval '166666666 years 240 days', true)));
SELECT throws_ok('SELECT survival(-0.5, true)', '22023', 'duration must not be negative: -0.5', 'a negative duration');
SELECT throws_ok(format('SELECT survival(%L::numeric, true)', d), '22003', NULL, d || ' as a duration') FROM unnest(ARRAY['NaN', 'Infinity', '-Infinity', '1e19', '0.1234567890123456789']) d;
SELECT throws_ok(format('SELECT logrank(%L::numeric, true, ''a'')', d), s, NULL, d || ' in logrank') FROM (VALUES ('NaN', '22003'), ('-1', '22023')) v(d, s);
SELECT throws_ok('SELECT survival(d, true) FROM (VALUES (999999999999999999), (0.01)) v(d)', '22003', NULL, 'durations that don''t fit one scale');
SELECT throws_ok('SELECT survival(d, true) FROM (VALUES (0.01), (999999999999999999)) v(d)', '22003', NULL, '... in either order');
SELECT is((SELECT survival(d, true ORDER BY d DESC) FROM unnest(ARRAY[1, 2.5, 2.50, 3.125, 1.0, 40]) d), (SELECT survival(d, true ORDER BY d::text) FROM unnest(ARRAY[1, 2.5, 2.50, 3.125, 1.0, 40]) d), 'the order of rows doesn''t matter, whatever their decimals');
SELECT results_eq($$SELECT duration, events FROM survival_table((SELECT survival(d, true) FROM unnest(ARRAY[1, 2.5, 2.50, 1.0, 40]) d))$$, 'VALUES (1::numeric, 2::bigint), (2.5, 2), (40, 1)', '... 1 and 1.0 are one duration');
SELECT lives_ok($$SELECT survival(1::smallint, true), survival(1, true), survival(1::bigint, true), survival(date '2024-02-01' - date '2024-01-01', true), survival(timestamptz '2024-02-01' - timestamptz '2024-01-01', true), logrank(1::smallint, true, 'a'::varchar)$$, 'any integer, days, intervals');

-- ---- errors of the questions ----

SELECT throws_ok(format('SELECT * FROM survival_table((SELECT survival(1, true)), %L)', c), '22023', NULL, 'confidence ' || c) FROM unnest(ARRAY['0', '1', '-0.5', '1.5', 'NaN']) c;
SELECT throws_ok('SELECT survival_median(survival(1, true), 1)', '22023', NULL, '... in survival_median');
SELECT throws_ok($$SELECT * FROM survival_table((SELECT survival(1, true)), 0.95, 'arcsin')$$, '22023', 'unknown kind of interval: "arcsin"', 'an interval of another kind');
SELECT throws_ok($$SELECT survival_median(survival(1, true), interval_kind => 'Log')$$, '22023', 'unknown kind of interval: "Log"', '... in survival_median');
SELECT throws_ok($$SELECT * FROM logrank_test((SELECT logrank(1, true, 'a')), 'peto')$$, '22023', 'unknown weighting: "peto"', 'another weighting');
SELECT throws_ok(format('SELECT survival_at(survival(1, true), %L)', t), s, NULL, 't ' || t) FROM (VALUES ('-0.001', '22023'), ('NaN', '22003'), ('Infinity', '22003')) v(t, s);
SELECT throws_ok(format('SELECT survival_mean(survival(1, true), %L)', t), s, NULL, 'until ' || t) FROM (VALUES ('-0.001', '22023'), ('NaN', '22003'), ('-Infinity', '22003')) v(t, s);
SELECT throws_ok('SELECT * FROM logrank_test((SELECT logrank(1, true, i::text) FROM generate_series(1, 1001) i))', '54000', NULL, 'a segment for each customer');
SELECT is(max(degrees_of_freedom), 999, '1000 segments are possible') FROM logrank_test((SELECT logrank(i % 7, i % 3 > 0, (i % 1000)::text) FROM generate_series(1, 9000) i));

-- ---- results: text, bytes, sums ----

SELECT is_empty('SELECT id FROM estimate WHERE s::text::survival_result <> s OR l::text::logrank_result <> l', 'text and back');
SELECT is(survival(d, e)::text, '{"scale": 1, "rows_without_customer": 0, "rows": [{"duration": 1.0, "events": 2}, {"duration": 2.5, "events": 1, "censored": 1}]}', 'the text form of survival_result') FROM (VALUES (1, true), (1.0, true), (2.5, true), (2.5, false)) v(d, e);
SELECT is(logrank(d, e, g)::text, '{"scale": 0, "rows_without_customer": 0, "rows": [{"segment": "a", "duration": 3, "censored": 1}, {"segment": "b", "duration": 1, "events": 2}]}', 'the text form of logrank_result') FROM (VALUES (1, true, 'b'), (3, false, 'a'), (1, true, 'b')) v(d, e, g);
SELECT is('{"rows": [{"duration": 2.5, "events": 1}, {"duration": 10, "censored": 1}]}'::survival_result, survival(d, e), 'a text without scale has that of its decimals') FROM (VALUES (10, false), (2.5, true)) v(d, e);
SELECT throws_ok(format('SELECT %L::survival_result', t), s, NULL, t) FROM (VALUES
	('{"rows": [{"duration": -1, "events": 1}]}', '22P02'), ('{"rows": [{"duration": "1", "events": 1}]}', '22P02'), ('{"rows": [{"events": 1}]}', '22P02'), ('{"rows": [{"duration": 1e20, "events": 1}]}', '22003'),
	('{"rows": [{"duration": 1, "events": 9223372036854775807}, {"duration": 2, "censored": 1}]}', '22P02'), ('{"rows": [{"duration": 1, "events": 1}, {"duration": 1.0, "events": 1}]}', '22P02'),
	('{"scale": 1, "rows": [{"duration": 1.25, "events": 1}]}', '22P02'), ('{"rows": [{"duration": 1, "events": 1, "lost": 1}]}', '22P02'),
	('{"rows": [{"duration": 900000000000000000, "events": 1}, {"duration": 0.001, "events": 1}]}', '22003')) v(t, s);
SELECT throws_ok($$SELECT '{"rows": [{"duration": 1, "events": 1}]}'::logrank_result$$, '22P02', NULL, 'a row without segment');
CREATE TABLE shard AS SELECT id, random() < 0.3 AS side, survival(duration, event) AS s, logrank(duration, event, segment) AS l FROM sample, LATERAL (SELECT floor(random() * 4) AS part) p GROUP BY id, side, part;
SELECT is_empty('SELECT id FROM estimate e WHERE s <> (SELECT rollup(p.s) FROM shard p WHERE p.id = e.id) OR l <> (SELECT rollup(p.l) FROM shard p WHERE p.id = e.id)', 'rollup of parts is the whole');
SELECT is((SELECT rollup(s) FROM (SELECT survival(d, true) AS s FROM unnest(ARRAY[1, 0.5, 0.25, 7]) d GROUP BY d) q), (SELECT survival(d, true) FROM unnest(ARRAY[1, 0.5, 0.25, 7]) d), '... of different decimals');
SELECT throws_ok($$SELECT rollup(s) FROM (VALUES ('{"rows": [{"duration": 900000000000000000, "events": 1}]}'::survival_result), ('{"rows": [{"duration": 0.001, "events": 1}]}')) v(s)$$, '22003', NULL, '... that don''t fit one scale');
SELECT throws_ok($$SELECT t.* FROM survival_table((SELECT rollup(s) FROM (VALUES ('{"rows": [{"duration": 1, "events": 9223372036854775807}]}'::survival_result), ('{"rows": [{"duration": 2, "events": 1}]}')) v(s))) t$$, '22003', NULL, 'more observations than can be counted');
COPY estimate TO PROGRAM 'cat > survival.bin' (FORMAT binary);
CREATE TABLE copied (LIKE estimate);
COPY copied FROM PROGRAM 'cat survival.bin && rm survival.bin' (FORMAT binary);
SELECT results_eq('TABLE copied ORDER BY id', 'TABLE estimate ORDER BY id', 'bytes and back');
SELECT results_eq($$SELECT (survival_mean(survival(duration, event) OVER (ORDER BY segment, duration, event))).mean FROM sample WHERE id = 0 ORDER BY segment, duration, event$$,
	$$SELECT (SELECT (survival_mean(survival(b.duration, b.event))).mean FROM sample b WHERE b.id = 0 AND (b.segment, b.duration, b.event) <= (a.segment, a.duration, a.event)) FROM sample a WHERE id = 0 ORDER BY segment, duration, event$$, 'as a window function, row by row');

-- ---- from activities ----

SELECT is(c, ROW(w, e)::record, format('stayed: %s as of %s', activity, as_of)) FROM (VALUES
	('{2024-01-01,2024-01-10,2024-03-20}', '2024-04-01', 40, true),
	('{2024-01-01,2024-01-10}', '2024-02-09', 39, false),
	('{2024-01-01,2024-01-10}', '2024-02-10', 40, true),
	('{2024-01-01,2024-01-10}', '2024-12-31', 40, true),
	('{2024-01-01,2024-01-31}', '2024-02-15', 45, false),
	('{2024-01-01,2024-02-01}', '2024-02-15', 31, true),
	('{2024-01-01,2024-02-01}', '2024-02-01', 31, true),
	('{2024-01-01}', '2024-01-01', 0, false),
	('{2024-01-01}', '2024-06-01', 31, true),
	('{2024-01-01,2024-01-20}', '2024-01-15', 14, false),
	('{2024-01-01}', '2023-12-31', NULL, NULL),
	('{}', '2024-01-01', NULL, NULL)) v(activity, as_of, w, e), LATERAL (SELECT churn_duration(activity::activity_set, 30, as_of::date) AS c) c;
CREATE TABLE member AS SELECT id, activity_agg(date '2024-01-01' + floor(power(random(), 2) * 300)::int) AS activity FROM generate_series(1, 75) id, generate_series(1, 1 + id % 25) n GROUP BY id;
SELECT is_empty($$
	SELECT m.id, gap, as_of, c.*, w.* FROM member m, unnest(ARRAY[1, 7, 30]) gap, unnest(ARRAY[date '2024-01-20', '2024-03-01', '2024-12-27']) as_of, LATERAL churn_duration(m.activity, gap, as_of) c,
		LATERAL (SELECT activity_first(m.activity) AS first) f, LATERAL (SELECT min(d) AS churned FROM generate_series(first + 1, as_of, '1 day') d WHERE NOT EXISTS (SELECT FROM activity_days(m.activity) a WHERE a BETWEEN d::date - gap AND d::date - 1)) w
	WHERE first <= as_of AND (c.duration, c.event) IS DISTINCT FROM (coalesce(churned::date, as_of) - first, churned IS NOT NULL)
	   OR first > as_of AND (c.duration IS NOT NULL OR c.event IS NOT NULL)$$, 'churn is the first day with no activity on the gap_days before it');
SELECT is_empty($$
	SELECT m.id, as_of FROM member m, generate_series(date '2024-01-01', '2024-12-31', '17 days') as_of, LATERAL churn_duration(m.activity, 14, as_of::date) c, LATERAL churn_duration(m.activity, 14, '2026-01-01') w
	WHERE c.duration IS NOT NULL AND (c.duration <> least(w.duration, as_of::date - activity_first(m.activity)) OR c.event <> (w.duration <= as_of::date - activity_first(m.activity)))$$, 'as_of only censors: what was seen before stays');
SELECT throws_ok(format('SELECT churn_duration(%L::activity_set, %s, %L)', '{2024-01-01}', gap, as_of), s, NULL, format('churn_duration with %s, %s', gap, as_of)) FROM (VALUES (0, '2024-01-01', '22023'), (-5, '2024-01-01', '22023'), (30, 'infinity', '22008')) v(gap, as_of, s);
SELECT is((churn_duration(NULL, 30)).event, NULL, 'nothing of NULL');
SELECT is(churn_duration('{2024-01-01}', 2147483647, '5874897-12-31'), ROW(date '5874897-12-31' - date '2024-01-01', false)::record, 'the longest stay');
SELECT is((churn_duration(activity_set(ARRAY[current_date - 10]), 30)).duration, 10, 'as of today by default');

-- ---- types of durations and segments ----

-- Of the same numbers, each type's table is the same.
SELECT results_eq(format('SELECT * FROM survival_table((SELECT survival(d::%s, e) FROM (VALUES (3, true), (5, false), (5, true), (8, true), (0, false)) v(d, e)))', type),
	'SELECT * FROM survival_table((SELECT survival(d, e) FROM (VALUES (3.0, true), (5, false), (5, true), (8, true), (0, false)) v(d, e)))', 'durations of type ' || type)
FROM unnest('{smallint,int,bigint,numeric,real,float8}'::text[]) type;
SELECT is((SELECT survival(d, true) FROM (VALUES (2::smallint), (7)) v(d)), (SELECT survival(d, true) FROM (VALUES (2::numeric), (7)) v(d)), 'whole numbers are exact');
CREATE DOMAIN days AS numeric CHECK (VALUE >= 0);
SELECT is((SELECT survival(d::days, true) FROM generate_series(1, 3) d), (SELECT survival(d, true) FROM generate_series(1, 3) d), '... of a domain, too');
SELECT throws_ok(format('SELECT survival(%s, true)', v), '22023', 'a duration can''t be of type ' || t, 'no duration of type ' || t) FROM (VALUES ('text ''5 days''', 'text'), ('date ''2024-01-01''', 'date'), ('true', 'boolean')) v(v, t);

-- Floats as they are: over seventeen powers of ten, with all of their digits.
CREATE TABLE measured AS SELECT i, exp(random() * 40 - 20)::float8 * 1000 AS d, random() < 0.7 AS e, i % 3 AS segment FROM generate_series(1, 500) i;
INSERT INTO measured SELECT 1000 + i, d, NOT e, segment FROM measured WHERE i % 5 = 0;
CREATE TABLE ranked AS SELECT *, dense_rank() OVER (ORDER BY d) AS r FROM measured;
SELECT results_eq('SELECT at_risk, events, censored, survival, std_error, lower, upper FROM survival_table((SELECT survival(d, e) FROM measured))',
	'SELECT at_risk, events, censored, survival, std_error, lower, upper FROM survival_table((SELECT survival(r, e) FROM ranked))', 'floats are told apart as their ranks are');
SELECT results_eq('SELECT duration::float8 FROM survival_table((SELECT survival(d, e) FROM measured))', 'SELECT DISTINCT d FROM measured ORDER BY d', '... each as it was');
SELECT throws_ok('SELECT survival(d::numeric * 1.000000001, e) FROM measured', '22003', NULL, 'numbers with as many digits don''t fit');
SELECT results_eq('SELECT segment, observed, expected, chi_squared, p FROM logrank_test((SELECT logrank(d, e, segment) FROM measured))',
	'SELECT segment, observed, expected, chi_squared, p FROM logrank_test((SELECT logrank(r, e, segment) FROM ranked))', '... in logrank, too');
CREATE TABLE floats AS SELECT survival(d, e) AS s FROM measured;
SELECT is(s::text::survival_result, s, 'text') FROM floats;
COPY floats TO PROGRAM 'cat > survival_floats.bin' (FORMAT binary);
CREATE TABLE again (LIKE floats);
COPY again FROM PROGRAM 'cat survival_floats.bin && rm survival_floats.bin' (FORMAT binary);
SELECT results_eq('TABLE again', 'TABLE floats', 'binary');
SELECT results_eq('SELECT rollup(s) FROM (SELECT survival(d, e) AS s FROM measured GROUP BY i % 7) q', 'TABLE floats', 'rollup');
SELECT is((SELECT survival(d, true) FROM unnest('{1000.123456789012,0.1,-0,1e300}'::float8[]) d)::text,
	'{"scale": "float", "rows_without_customer": 0, "rows": [{"duration": 0, "events": 1}, {"duration": 0.1, "events": 1}, {"duration": 1000.123456789012, "events": 1}, {"duration": 1e+300, "events": 1}]}', 'in their shortest text');
SELECT results_eq($$SELECT survival_at(s, t) FROM (SELECT survival(d, true) AS s FROM unnest('{0.1,0.2,0.3,0.4}'::float8[]) d) q, unnest('{0,0.09999999999999999999,0.1,0.29999999999999999,0.3,0.4,0.5}'::numeric[]) t$$,
	'VALUES (1::float8), (1), (0.75), (0.5), (0.25), (0), (0)', 'asked at a point');
SELECT results_eq($$SELECT round(mean::numeric, 12), m.until, (survival_median(s)).median FROM (SELECT survival(d, e) AS s FROM (VALUES (0.1::float8, true), (0.3, true), (1.2, false), (2.5, true)) v(d, e)) q, survival_mean(s) m$$,
	$$SELECT round(mean::numeric, 12), m.until, (survival_median(s)).median FROM (SELECT survival(d, e) AS s FROM (VALUES (0.1, true), (0.3, true), (1.2, false), (2.5, true)) v(d, e)) q, survival_mean(s) m$$, 'mean and median');
SELECT is((SELECT round((survival_mean(s)).mean::numeric, 12) FROM (SELECT survival(d, true) AS s FROM unnest('{0.25,0.5,1.5}'::float8[]) d) q), 0.75, '... by hand: 0.25 + 0.25 * 2/3 + 1 * 1/3');
SELECT throws_ok(format('SELECT survival(%L::float8, true)', d), state, NULL, 'a float of ' || d) FROM (VALUES ('-0.5', '22023'), ('NaN', '22003'), ('Infinity', '22003')) v(d, state);
SELECT throws_ok(format('SELECT %L::survival_result', text), '22P02', NULL, text) FROM (VALUES
	('{"scale": "double", "rows": []}'), ('{"scale": "float", "rows": [{"duration": -1, "events": 1}]}'), ('{"unit": "weeks", "rows": []}'),
	('{"scale": "float", "rows": [{"duration": 0.1, "events": 1}, {"duration": 0.1000000000000000055, "events": 1}]}')) v(text);

-- What counts in different things doesn't add up.
SELECT throws_ok($$SELECT rollup(s) FROM (SELECT survival(interval '1 day', true) AS s UNION ALL SELECT survival(1, true)) q$$, '22023', 'survival_results with different unit can''t be added up', 'days and a number without a unit');
SELECT throws_ok($$SELECT rollup(s) FROM (SELECT logrank(1, true, 'a') AS s UNION ALL SELECT logrank(interval '1 day', true, 'a')) q$$, '22023', 'logrank_results with different unit can''t be added up', '... in logrank');
SELECT throws_ok($$SELECT rollup(s) FROM (SELECT survival(1.5, true) AS s UNION ALL SELECT survival(1.5::float8, true)) q$$, '22023', 'survival_results of float and of exact numbers can''t be added up', 'floats and exact numbers');
SELECT is((SELECT rollup(s) FROM (SELECT survival(NULL::numeric, true) AS s UNION ALL SELECT survival(0.1::float8, true)) q), (SELECT survival(0.1::float8, true)), '... but for results of nobody');
SELECT is((SELECT rollup(s) FROM (SELECT survival(0.1::float8, true) AS s UNION ALL SELECT survival(NULL::numeric, true)) q), (SELECT survival(0.1::float8, true)), '... behind, too');

-- What doesn't fit together isn't returned: it could not be read back.
SELECT throws_ok(format($$SELECT rollup(s) FROM (VALUES ('{"rows": [{%1$s"duration": 1, "events": 9000000000000000000}]}'::%2$s), ('{"rows": [{%1$s"duration": 2, "censored": 9000000000000000000}]}')) v(s)$$, segment, type), '22003', type || 's added up are out of range', 'rollup of more than 2^63 observations: ' || type)
FROM (VALUES ('', 'survival_result'), ('"segment": "a", ', 'logrank_result')) v(segment, type);

CREATE TYPE channel AS ENUM ('app', 'web', 'store');
SELECT results_eq(format('SELECT segment, observations, chi_squared FROM logrank_test((SELECT logrank(r, e, (ARRAY[%s])[1 + segment]) FROM ranked))', names),
	format('SELECT segment, observations, chi_squared FROM logrank_test((SELECT logrank(r, e, (ARRAY[%s])[1 + segment]::text) FROM ranked))', names), 'segments of type ' || type)
FROM (VALUES ('int', '10, 2, 33'), ('bigint', '10, 2, 33::bigint'), ('enum', '''app'', ''web'', ''store''::channel'), ('date', '''2024-01-01'', ''2024-02-01'', ''2024-03-01''::date'),
	('uuid', 'md5(''a'')::uuid, md5(''b'')::uuid, md5(''c'')::uuid'), ('varchar', '''a''::varchar, ''b'', ''c''')) v(type, names);
SELECT is((SELECT logrank(1, true, 'a')), '{"rows": [{"segment": "a", "duration": 1, "events": 1}]}', 'a segment without a type');

-- ---- in parallel ----

CREATE TABLE stay AS SELECT CASE WHEN i % 10 = 0 THEN i / 7 ELSE round((random() * 900)::numeric, 1) END AS days, random() < 0.7 AS gone, (ARRAY['app', 'web', 'store'])[1 + i % 3] AS channel FROM generate_series(1, 60000) i;
ANALYZE stay;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT survival(days, gone) AS s, logrank(days, gone, channel) AS l FROM stay;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT isnt_empty($$SELECT p FROM plan_of('SELECT survival(days, gone), logrank(days, gone, channel) FROM stay') p WHERE p LIKE '%Partial Aggregate%'$$, 'a parallel plan');
SELECT results_eq('SELECT survival(days, gone), logrank(days, gone, channel) FROM stay', 'TABLE serial', '... gives the same');
SELECT is((SELECT sum(events + censored)::int FROM serial, survival_table(s)), 60000, 'every observation is there once');

SELECT * FROM finish();
ROLLBACK;
