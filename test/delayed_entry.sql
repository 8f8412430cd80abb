--
-- Survival where observation begins late, and where durations end by one of several causes: by R's
-- figures, and against the textbook formulas on random samples; points in time as numbers and
-- intervals; laws, results stored, added up, in parallel; what is refused.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(88);
\ir reference/statistics.sql

CREATE FUNCTION near(a float8, b float8, digits float8 DEFAULT 1e-9) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE abs(a - b) <= digits * greatest(abs(a), abs(b), 1e-3) END $$;

-- ---- R's survival, of statistics.R's sample ----

CREATE TABLE observed AS
SELECT i, d AS duration, i % 4 > 0 AS event, CASE WHEN i % 3 = 0 THEN 0 ELSE i * 17 % d END AS entry,
	(ARRAY['a', 'b', 'c'])[1 + i * i % 3 + CASE WHEN i % 5 = 0 THEN 1 ELSE 0 END] AS segment,
	CASE WHEN i % 4 > 0 THEN (ARRAY['moved', 'price', 'service'])[1 + i * 11 % 5 % 3] END AS cause
FROM (SELECT i, 2 + i * 37 % 61 AS d FROM generate_series(1, 90) i) v;
CREATE TABLE found (sample text, figures jsonb);
INSERT INTO found
SELECT format('late:%s:%s', kind, t.duration), to_jsonb(t) FROM unnest(ARRAY['log-log', 'log', 'plain']) kind, survival_table((SELECT survival(duration, event, entry) FROM observed), 0.9, kind) t
UNION ALL
SELECT format('late median:%s', kind), to_jsonb(m) FROM unnest(ARRAY['log-log', 'log', 'plain']) kind, survival_median((SELECT survival(duration, event, entry) FROM observed), 0.9, kind) m
UNION ALL
SELECT format('late mean:%s', u), to_jsonb(m) FROM unnest(ARRAY[20, 40, 60]) u, survival_mean((SELECT survival(duration, event, entry) FROM observed), u) m
UNION ALL
SELECT 'late logrank', to_jsonb(t) FROM logrank_test((SELECT logrank(duration, event, segment, entry) FROM observed)) t WHERE segment = 'a'
UNION ALL
SELECT format('cause %s:%s%s:%s', case_of, CASE case_of WHEN 'whole' THEN kind || ':' END, a.cause, t), to_jsonb(a)
FROM (SELECT 'late' AS case_of, cumulative_incidence(duration, cause, entry) AS r FROM observed UNION ALL SELECT 'whole', cumulative_incidence(duration, cause) FROM observed) s,
	unnest(ARRAY['log-log', 'log', 'plain']) kind, generate_series(5, 60, 5) t, cumulative_incidence_at(s.r, t, 0.9, kind) a
WHERE case_of = 'whole' OR kind = 'log-log';
SELECT is_empty($$SELECT sample FROM statistic s WHERE sample ~ '^(late|cause)' AND NOT EXISTS (SELECT FROM found f WHERE f.sample = s.sample AND f.figures ? s.figure)$$, 'every figure of R''s is computed');
SELECT is_empty(format($$SELECT s.*, f.figures ->> s.figure FROM statistic s JOIN found f USING (sample) WHERE sample ~ '^%s' AND NOT near((f.figures ->> s.figure)::float8, s.value, 1e-8)$$, kind), kind || ': R''s')
FROM unnest(ARRAY['late:', 'late median', 'late mean', 'late logrank', 'cause late', 'cause whole']) kind;
SELECT cmp_ok((SELECT count(*)::int FROM statistic JOIN found USING (sample)), '>', 900, '... so many figures');

-- ---- against the textbook ----

SELECT setseed(0.17);
CREATE TABLE sample AS
SELECT id, d AS duration, random() < 0.7 AS event, CASE WHEN random() < 0.4 THEN 0 ELSE floor(random() * d * CASE id % 3 WHEN 0 THEN 10 ELSE 1 END) / CASE id % 3 WHEN 0 THEN 10 ELSE 1 END END AS entry,
	chr(97 + floor(random() * (1 + id % 5))::int) AS segment, chr(97 + floor(random() * (1 + id % 4))::int) AS cause
FROM (SELECT id, CASE id % 3 WHEN 0 THEN 0.1 + round((random() * 9)::numeric, 1)::float8 ELSE 1 + floor(random() * 30) END AS d FROM generate_series(1, 120) id, generate_series(1, 3 + id % 50) n) v;
ALTER TABLE sample ALTER duration TYPE numeric, ALTER entry TYPE numeric;
UPDATE sample SET cause = NULL WHERE NOT event;
ANALYZE sample;
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE entry > 0), '>', 1000, 'many enter late');

-- At each time with an event: who is at risk, straight from the rows.
CREATE TABLE step AS
SELECT id, t, (SELECT count(*) FROM sample x WHERE x.id = s.id AND x.duration >= t AND (x.entry = 0 OR x.entry < t)) AS n, count(*) FILTER (WHERE event) AS d
FROM (SELECT id, duration AS t, event FROM sample) s GROUP BY id, t;
CREATE TABLE estimate AS SELECT id, survival(duration, event, entry) AS s, logrank(duration, event, segment, entry) AS l, cumulative_incidence(duration, cause, entry) AS c FROM sample GROUP BY id;
SET client_min_messages = warning;
SELECT is_empty($$
	SELECT e.id, w.t FROM estimate e JOIN step w ON w.id = e.id LEFT JOIN LATERAL (SELECT * FROM survival_table(e.s) t WHERE t.duration = w.t) t ON true
	WHERE (t.at_risk, t.events) IS DISTINCT FROM (w.n, w.d)
		OR NOT near(t.survival, (SELECT CASE WHEN bool_or(b.d = b.n) THEN 0 ELSE exp(sum(ln(nullif(1 - b.d::float8 / b.n, 0)))) END FROM step b WHERE b.id = w.id AND b.t <= w.t))$$, 'at risk and S, from the rows');
SELECT is_empty($$SELECT id, t.* FROM estimate e, survival_table(e.s) t WHERE t.entered <> (SELECT count(*) FROM sample x WHERE x.id = e.id AND x.entry = t.duration AND x.entry > 0)$$, 'and who enters');
SELECT is_empty($$SELECT id, duration FROM (SELECT id, t.*, lead(t.at_risk) OVER (PARTITION BY id ORDER BY t.duration) AS next FROM estimate e, survival_table(e.s) t) q WHERE next <> at_risk - events - censored + entered$$, 'those at risk add up from row to row');
SELECT is_empty($$
	SELECT e.id, t.*, w.* FROM estimate e, LATERAL survival_table(e.s) t,
		LATERAL (SELECT sum(b.d::float8 / nullif(b.n * (b.n - b.d)::float8, 0)) AS g FROM step b WHERE b.id = e.id AND b.t <= t.duration AND b.n > b.d) w
	WHERE t.survival > 0 AND NOT near(t.std_error, t.survival * sqrt(coalesce(w.g, 0)))$$, 'its error is Greenwood''s');

-- the log-rank test by its sums over times, and their covariance inverted
CREATE FUNCTION ref_logrank(of int, OUT chi_squared float8, OUT degrees int) LANGUAGE plpgsql AS $$
DECLARE
	names text[] := ARRAY(SELECT DISTINCT segment FROM sample WHERE id = of ORDER BY 1);
	k int := cardinality(names);
	u float8[] := array_fill(0, ARRAY[k]);
	v float8[][] := array_fill(0, ARRAY[k, k]);
	at_risk float8[];
	ended float8[];
	f float8;
	n float8;
	d float8;
	p int;
	step record;
BEGIN
	FOR step IN SELECT DISTINCT duration AS t FROM sample WHERE id = of AND event LOOP
		SELECT array_agg(nj ORDER BY segment), array_agg(dj ORDER BY segment) INTO at_risk, ended
		FROM (SELECT segment, count(*) FILTER (WHERE duration >= step.t AND (entry = 0 OR entry < step.t)) AS nj, count(*) FILTER (WHERE duration = step.t AND event) AS dj FROM sample WHERE id = of GROUP BY segment) s;
		n := (SELECT sum(x) FROM unnest(at_risk) x);
		d := (SELECT sum(x) FROM unnest(ended) x);
		FOR a IN 1..k LOOP
			u[a] := u[a] + ended[a] - d * at_risk[a] / n;
			CONTINUE WHEN n <= 1;
			FOR b IN 1..k LOOP
				v[a][b] := v[a][b] + d * (n - d) / (n - 1) * at_risk[a] / n * (CASE WHEN a = b THEN 1 ELSE 0 END - at_risk[b] / n);
			END LOOP;
		END LOOP;
	END LOOP;
	-- by elimination with pivots: a generalised inverse, whatever the rank
	chi_squared := 0;
	degrees := 0;
	LOOP
		SELECT i INTO p FROM generate_series(1, k) i WHERE v[i][i] > 1e-9 ORDER BY v[i][i] DESC LIMIT 1;
		EXIT WHEN NOT FOUND;
		degrees := degrees + 1;
		chi_squared := chi_squared + u[p] * u[p] / v[p][p];
		FOR a IN 1..k LOOP
			CONTINUE WHEN a = p;
			f := v[a][p] / v[p][p];
			u[a] := u[a] - f * u[p];
			FOR b IN 1..k LOOP
				CONTINUE WHEN b = p;
				v[a][b] := v[a][b] - f * v[p][b];
			END LOOP;
		END LOOP;
		FOR a IN 1..k LOOP
			v[a][p] := 0;
			v[p][a] := 0;
		END LOOP;
	END LOOP;
END $$;
SELECT is_empty($$SELECT e.id, t.*, w.* FROM estimate e, LATERAL (SELECT DISTINCT coalesce(chi_squared, 0) AS chi_squared, degrees_of_freedom FROM logrank_test(e.l)) t, ref_logrank(e.id) w WHERE t.degrees_of_freedom <> w.degrees OR NOT near(t.chi_squared, w.chi_squared, 1e-7)$$, 'the log-rank test, from the rows');
SELECT results_eq($$SELECT DISTINCT degrees_of_freedom, round(chi_squared::numeric, 14)::float8 FROM logrank_test((SELECT logrank(d, e, g, en) FROM (VALUES (2, true, 'a', 0), (3, false, 'b', 0), (3, false, 'a', 0), (9, true, 'c', 5), (10, false, 'd', 5), (10, false, 'c', 5)) v(d, e, g, en))) t$$,
	$$VALUES (2, 1::float8)$$, 'segments that are never at risk together are compared with none: 3 at risk, 2 of them in a segment with 1 event, twice');
-- (1 - 2/3)^2 / (2/3 * 1/3) = 0.5 for each of the two comparisons

-- ---- cumulative incidence ----

-- Aalen and Johansen's estimate and its variance by the sums of Gaynor et al.
CREATE TABLE incidence_step AS
SELECT id, t, n, d, (SELECT CASE WHEN bool_or(b.d = b.n) THEN 0 ELSE exp(sum(ln(nullif(1 - b.d::float8 / b.n, 0)))) END FROM step b WHERE b.id = step.id AND b.t < step.t) AS before FROM step;
UPDATE incidence_step SET before = 1 WHERE before IS NULL;
CREATE TABLE cause_step AS
SELECT s.id, c.cause, s.t, s.n, s.d, s.before, (SELECT count(*) FROM sample x WHERE x.id = s.id AND x.duration = s.t AND x.cause = c.cause) AS dc
FROM incidence_step s JOIN (SELECT DISTINCT id, cause FROM sample WHERE cause IS NOT NULL) c USING (id);
CREATE TABLE wanted AS
SELECT *, sum(before * dc / n) OVER (PARTITION BY id, cause ORDER BY t) AS f FROM cause_step;
CREATE INDEX ON wanted (id, cause, t);
ANALYZE wanted;
SELECT is_empty($$
	SELECT w.id, w.cause, w.t, w.f, g.* FROM wanted w JOIN estimate e USING (id) LEFT JOIN LATERAL (SELECT * FROM cumulative_incidence_table(e.c) g WHERE g.cause = w.cause AND g.duration = w.t) g ON true
	WHERE CASE WHEN w.dc = 0 THEN g.cause IS NOT NULL ELSE (g.at_risk, g.events) IS DISTINCT FROM (w.n, w.dc) OR NOT near(g.incidence, w.f) END$$, 'incidences from the rows, a row for each duration that a cause ended');
SELECT is_empty($$
	SELECT w.id, w.cause, w.t, g.std_error, v.v FROM wanted w JOIN estimate e USING (id) JOIN LATERAL (SELECT * FROM cumulative_incidence_table(e.c) g WHERE g.cause = w.cause AND g.duration = w.t) g ON true,
		LATERAL (SELECT sum(CASE WHEN b.n > b.d THEN (w.f - b.f) ^ 2 * b.d / nullif(b.n * (b.n - b.d)::float8, 0) ELSE 0 END + b.before ^ 2 * (b.n - b.dc) * b.dc / b.n::float8 ^ 3 - 2 * (w.f - b.f) * b.before * b.dc / b.n::float8 ^ 2) AS v FROM wanted b WHERE b.id = w.id AND b.cause = w.cause AND b.t <= w.t) v
	WHERE NOT near(g.std_error, sqrt(greatest(v.v, 0)), 1e-5)$$, 'their errors are those of Gaynor et al.');
SELECT is_empty($$SELECT e.id, t FROM estimate e, unnest(ARRAY[0, 1, 2.5, 5]) t, LATERAL (SELECT sum(incidence) AS f FROM cumulative_incidence_at(e.c, t)) a WHERE f IS NOT NULL AND NOT near(f + survival_at(e.s, t), 1)$$, 'incidences and survival add up to 1');
SELECT is_empty($$SELECT e.id, g.* FROM estimate e, cumulative_incidence_table(e.c, 0.8, 'log') g, cumulative_incidence_at(e.c, g.duration, 0.8, 'log') a
	WHERE a.cause = g.cause AND (a.incidence, a.std_error, a.lower, a.upper) IS DISTINCT FROM (g.incidence, g.std_error, g.lower, g.upper)$$, 'at a point it is what the table has there');
SELECT is_empty($$SELECT id FROM (SELECT id, survival(duration, event) AS s, cumulative_incidence(duration, CASE WHEN event THEN 'x' END) AS c FROM sample GROUP BY id) q, survival_table(s) t, cumulative_incidence_at(c, t.duration) a
	WHERE NOT near(1 - t.survival, a.incidence) OR t.survival > 0 AND NOT near(t.std_error, a.std_error, 1e-7)$$, 'of one cause it is 1 - S, with its error');
SELECT results_eq($$SELECT * FROM cumulative_incidence_at(cumulative_incidence_result '{"rows": [{"duration": 3, "censored": 1}, {"cause": "a", "duration": 2, "events": 1}]}', 4)$$, $$VALUES ('a', NULL::float8, NULL::float8, NULL::float8, NULL::float8)$$, 'past the longest duration nobody knows');
SELECT results_eq($$SELECT cause, incidence, std_error FROM cumulative_incidence_at(cumulative_incidence_result '{"rows": [{"cause": "a", "duration": 2, "events": 1}, {"cause": "b", "duration": 3, "events": 1}]}', 4)$$, $$VALUES ('a', 0.5::float8, sqrt(0.125::float8)), ('b', 0.5, sqrt(0.125::float8))$$, '... unless all have ended');
SELECT results_eq($$SELECT cause, incidence, std_error, lower FROM cumulative_incidence_at((SELECT cumulative_incidence(d, c) FROM (VALUES (1, 'a'), (2, 'b'), (3, NULL)) v(d, c)), 0.5)$$, $$VALUES ('a', 0::float8, 0::float8, NULL::float8), ('b', 0, 0, NULL)$$, 'before the first one it is 0');
SELECT is_empty($$SELECT * FROM cumulative_incidence_at((SELECT cumulative_incidence(NULL::int, 'a')), 3)$$, 'of nobody there are no causes');
SELECT is((SELECT cumulative_incidence(i, 'a') FROM generate_series(1, 0) i), NULL, 'no rows give NULL');
SELECT is((SELECT string_agg(DISTINCT cause, ' ') FROM cumulative_incidence_table((SELECT cumulative_incidence(i, date '2024-01-01' + i % 2) FROM generate_series(1, 9) i))), '2024-01-01 2024-01-02', 'a cause is of any type');

-- ---- laws ----

SELECT is_empty($$SELECT id FROM sample GROUP BY id HAVING survival(duration, event, 0) <> survival(duration, event) OR logrank(duration, event, segment, 0) <> logrank(duration, event, segment) OR cumulative_incidence(duration, cause, 0) <> cumulative_incidence(duration, cause)$$, 'entry 0 is from the start');
SELECT is(survival(d, true, e), survival(d, true), 'a duration of 0 is there from the start, too') FROM (VALUES (0, 0), (2, 0)) v(d, e);
SELECT is_empty($$SELECT id FROM (SELECT id, rollup(s) AS s, rollup(l) AS l, rollup(c) AS c FROM (SELECT id, survival(duration, event, entry) AS s, logrank(duration, event, segment, entry) AS l, cumulative_incidence(duration, cause, entry) AS c FROM sample GROUP BY id, segment) q GROUP BY id) r JOIN estimate e USING (id)
	WHERE r.s <> e.s OR r.l <> e.l OR r.c <> e.c$$, 'parts of disjoint customers add up');
SELECT is_empty($$SELECT id FROM (SELECT id, rollup(s) AS s FROM (SELECT id, survival(duration, event, entry) AS s FROM sample WHERE entry > 0 GROUP BY id UNION ALL SELECT id, survival(duration, event) FROM sample WHERE entry = 0 GROUP BY id) q GROUP BY id) r JOIN estimate e USING (id) WHERE r.s <> e.s$$, '... results with entries and without, too');
SELECT is_empty($$SELECT id FROM estimate WHERE s::text::survival_result <> s OR l::text::logrank_result <> l OR c::text::cumulative_incidence_result <> c OR c::text::cumulative_incidence_result::text <> c::text$$, 'written and read');
SELECT is_empty($$SELECT id FROM (SELECT id, survival(duration::float8, event, entry::float8) AS s FROM sample GROUP BY id) f JOIN estimate e USING (id), LATERAL survival_table(f.s) t, LATERAL survival_table(e.s) w WHERE t.duration = w.duration AND (t.at_risk, t.survival) IS DISTINCT FROM (w.at_risk, w.survival)$$, 'floats are exact decimals here');
CREATE TABLE many AS SELECT i % 97 + 1 AS d, i % 3 > 0 AS e, i % 97 / 2 AS en, i % 5 AS g FROM generate_series(1, 60000) i;
ANALYZE many;
CREATE VIEW all_of_them AS SELECT survival(d, e, en) AS s, logrank(d, e, g, en) AS l, cumulative_incidence(d, CASE WHEN e THEN g END, en) AS c FROM many;
CREATE TABLE one_by_one AS SELECT * FROM all_of_them;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT ok(a.s = o.s AND a.l = o.l AND a.c = o.c, 'in parallel') FROM all_of_them a, one_by_one o;

-- ---- a risk set that is empty early ----

SELECT results_eq($$SELECT duration, at_risk, survival FROM survival_table((SELECT survival(d, true, en) FROM (VALUES (2, 0), (3, 0), (9, 5), (10, 6)) v(d, en)))$$,
	$$VALUES (2::numeric, 2::bigint, 0.5::float8), (3, 1, 0), (5, 0, 0), (6, 1, 0), (9, 2, 0), (10, 1, 0)$$, 'S is 0 for good where all at risk end before others enter');
SELECT results_eq($$SELECT duration, at_risk, survival FROM survival_table((SELECT survival(d, e, en) FROM (VALUES (2, true, 0), (3, false, 0), (9, true, 5), (10, true, 6)) v(d, e, en)))$$,
	$$VALUES (2::numeric, 2::bigint, 0.5::float8), (3, 1, 0.5), (5, 0, 0.5), (6, 1, 0.5), (9, 2, 0.25), (10, 1, 0)$$, '... where they are censored, it stays until there are others');
SELECT results_eq($$SELECT (m).mean, (m).std_error FROM (SELECT survival_mean(survival(d, e, en), 10) AS m FROM (VALUES (2, true, 0), (3, false, 0), (9, true, 5), (10, true, 6)) v(d, e, en)) q$$,
	$$VALUES (2 + 3.5 + 0.25::float8, sqrt(3.75::float8 ^ 2 / 2 + 0.25::float8 ^ 2 / 2))$$, 'the mean goes over the gap');

-- ---- points in time ----

CREATE TABLE stay AS SELECT survival(i * interval '6 hours', i % 3 > 0) AS s, cumulative_incidence(i * interval '6 hours', CASE WHEN i % 3 > 0 THEN 'c' || i % 2 END) AS c FROM generate_series(1, 42) i;
SELECT is(survival_at(s, t), survival_at(s, days), 'survival_at an interval: ' || t) FROM stay, (VALUES (interval '6 hours', 0.25), ('3 days', 3), ('1 week', 7), ('2 days 6 hours 0.001 s', 2.25), ('9 days 23:59:59.999999', 9.99)) v(t, days);
SELECT is(survival_at(s, interval '1 month'), NULL, '... past the longest') FROM stay;
SELECT is(survival_at(s, '3 days'), survival_at(s, 3), 'a literal that is an interval') FROM stay;
SELECT is(survival_at(s, ' 3.0 '), survival_at(s, 3), '... or a number') FROM stay;
SELECT is(survival_mean(s, '72:00:00'), survival_mean(s, 3), 'the mean up to an interval') FROM stay;
SELECT is(survival_mean(s, NULL), survival_mean(s), '... up to NULL') FROM stay;
SELECT results_eq($$SELECT a.* FROM stay, cumulative_incidence_at(c, '3 days', interval_kind => 'plain') a$$, $$SELECT a.* FROM stay, cumulative_incidence_at(c, 3, interval_kind => 'plain') a$$, 'incidences at an interval');
SELECT throws_ok(format('SELECT %s', call), '22023', word || ' can''t be an interval: durations don''t count in days', call) FROM (VALUES
	('survival_at(survival(3, true), interval ''3 days'')', 't'), ('survival_at(survival(3, true), ''3 days'')', 't'), ('survival_mean(survival(3, true), interval ''3 days'')', 'until'), ('survival_mean(survival(3, true), ''1 day'')', 'until'),
	('cumulative_incidence_at(cumulative_incidence(3, ''a''), interval ''3 days'')', 't')) v(call, word);
SELECT throws_ok(format('SELECT survival_at(s, %s) FROM stay', t), code, NULL, 't is ' || t) FROM (VALUES ('interval ''-1 day''', '22023'), ('''-1''', '22023'), ('-0.5', '22023'), ('''NaN''', '22003'), ('numeric ''NaN''', '22003'), ('numeric ''Infinity''', '22003'), ('''soon''', '22007'), ('''''', '22007'),
	('''3 days or so''', '22007'), ('''1e999999999''', '22003'), ('''--''', '22P02')) v(t, code);

-- ---- what is refused ----

SELECT throws_ok('SELECT survival(3, true, 3)', '22023', 'entry, 3, must be before the end of the duration, 3', 'an entry at the end');
SELECT throws_ok('SELECT logrank(3, true, ''a''::text, 3.5)', '22023', 'entry, 3.5, must be before the end of the duration, 3.0', '... or behind it');
SELECT throws_ok('SELECT cumulative_incidence(3::float8, ''a''::text, 4)', '22023', 'entry, 4, must be before the end of the duration, 3', '... of floats');
SELECT throws_ok('SELECT survival(3, true, -1)', '22023', 'entry must not be negative: -1', 'a negative entry');
SELECT throws_ok('SELECT survival(3::float8, true, ''Infinity''::float8)', '22003', 'entry must be finite', 'an infinite one');
SELECT throws_ok('SELECT survival(interval ''3 days'', true, interval ''4 days'')', '22023', NULL, 'of intervals');
SELECT throws_ok('SELECT cumulative_incidence(''x''::text, ''a'')', '22023', NULL, 'a duration that is none');
SELECT is(survival(d, e, en)::text, (SELECT survival(3, true, 1))::text, 'rows with a NULL are left out') FROM (VALUES (3, true, 1), (3, true, NULL), (NULL, true, 1), (3, NULL, 1)) v(d, e, en);
SELECT is(cumulative_incidence(d, c, en)::text, (SELECT cumulative_incidence(3, 'a'::text, 1))::text, '... of causes those without duration or entry') FROM (VALUES (3, 'a', 1), (3, 'a', NULL), (NULL, 'a', 1)) v(d, c, en);
SELECT throws_ok(format('SELECT %L::%s', value, type), '22P02', type || ' holds what can''t be', value) FROM (VALUES
	('survival_result', '{"rows": [{"duration": 1, "entered": 1}]}'), ('survival_result', '{"rows": [{"duration": 0, "entered": 1}, {"duration": 3, "events": 1}]}'),
	('survival_result', '{"rows": [{"duration": 2, "events": 1}, {"duration": 3, "entered": 1}, {"duration": 4, "censored": 0}]}'),
	('survival_result', '{"rows": [{"duration": 2, "events": 1, "entered": 1}]}'), ('survival_result', '{"rows": [{"duration": 2, "entered": 9223372036854775807}, {"duration": 3, "entered": 9223372036854775807}]}'),
	('logrank_result', '{"rows": [{"segment": "a", "duration": 1, "entered": 1}, {"segment": "b", "duration": 3, "events": 2}]}'),
	('cumulative_incidence_result', '{"rows": [{"duration": 1, "events": 1}]}'), ('cumulative_incidence_result', '{"rows": [{"cause": "a", "duration": 1, "censored": 1}]}'),
	('cumulative_incidence_result', '{"rows": [{"cause": "a", "duration": 1, "entered": 1}, {"cause": "a", "duration": 2, "events": 1}]}'),
	('cumulative_incidence_result', '{"rows": [{"duration": 2, "entered": 1}, {"cause": "a", "duration": 1, "events": 1}]}')) v(type, value);
SELECT throws_ok('SELECT cumulative_incidence_table(cumulative_incidence(1, i)) FROM generate_series(1, 1001) i', '54000', 'there can''t be more than 1000 causes', 'too many causes');
SELECT throws_ok(format('SELECT cumulative_incidence_table(cumulative_incidence(1, ''a''), %s)', arguments), '22023', NULL, arguments) FROM unnest(ARRAY['0', '1', '''NaN''', '0.95, ''linear''']) arguments;
SELECT throws_ok('SELECT rollup(c) FROM (SELECT cumulative_incidence(3, ''a'') AS c UNION ALL SELECT cumulative_incidence(interval ''3 days'', ''a'')) q', '22023', NULL, 'days and numbers don''t add up');

SELECT * FROM finish();
ROLLBACK;
