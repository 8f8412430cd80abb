--
-- Satisfaction: nps(), csat(), ces(), nps_difference() and the response rate: published figures, R
-- (reference/statistics.R), plain SQL on random data; scores that aren't any; results stored, added
-- up, in parallel.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\ir reference/statistics.sql

-- To 9 digits; what rounding leaves of 0 is 0.
CREATE FUNCTION near(a float8, b float8) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE abs(a - b) <= 1e-9 * greatest(abs(a), abs(b)) OR abs(a - b) < 1e-15 END $$;
-- How many gave each score, from the first on, as the rows of a result.
CREATE FUNCTION counts(answers bigint[], first int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT string_agg(format('{"score": %s, "answers": %s}', first + n - 1, a), ', ') FROM unnest(answers) WITH ORDINALITY c(a, n) $$;
CREATE FUNCTION nps_of(answers bigint[]) RETURNS nps_result LANGUAGE sql IMMUTABLE AS $$ SELECT format('{"rows": [%s]}', counts(answers, 0))::nps_result $$;

-- ---- published figures ----

CREATE TABLE survey AS SELECT CASE WHEN i <= 50 THEN 9 + i % 2 WHEN i <= 80 THEN 7 + i % 2 ELSE i % 7 END AS score FROM generate_series(1, 100) i;
SELECT results_eq('SELECT n, promoters, passives, detractors, score, round(lower::numeric, 3), round(upper::numeric, 3) FROM nps_table((SELECT nps(score) FROM survey))', 'VALUES (100::bigint, 50::bigint, 30::bigint, 20::bigint, 30::float8, 14.051, 44.201)', '50 promoters, 30 passives, 20 detractors');
SELECT results_eq('SELECT score, round(lower::numeric, 3), upper FROM nps_table((SELECT nps(10) FROM generate_series(1, 10)))', 'VALUES (100::float8, 47.504, 100::float8)', 'promoters only: cut at 100');
SELECT results_eq('SELECT score, lower, round(upper::numeric, 3) FROM nps_table((SELECT nps(0) FROM generate_series(1, 10)))', 'VALUES (-100::float8, -100::float8, -47.504)', 'detractors only: at -100');
-- the interval of Agresti and Coull's examples is Wilson's: 9 of 10
SELECT results_eq('SELECT n, satisfied, share, round(lower::numeric, 4), round(upper::numeric, 4) FROM csat_table((SELECT csat(CASE WHEN i < 10 THEN 5 ELSE 1 END) FROM generate_series(1, 10) i))', 'VALUES (10::bigint, 9::bigint, 0.9::float8, 0.5958, 0.9821)', '9 of 10 are satisfied');

-- ---- against R ----

CREATE TABLE answered (kind text, name text, answers bigint[]);
INSERT INTO answered VALUES
	('nps', 'reference', '{0,0,0,20,0,0,0,0,30,25,25}'), ('nps', 'promoters', '{0,0,0,0,0,0,0,0,0,0,10}'), ('nps', 'detractors', '{7,0,0,0,0,0,0,0,0,0,0}'), ('nps', 'one', '{0,0,0,0,0,0,0,0,1,0,0}'), ('nps', 'mixed', '{3,1,0,2,5,8,9,21,34,40,55}'),
	('nps', 'many', '{12000,3000,9000,27000,81000,243000,729000,2187000,6561000,5000000,4000000}'),
	('csat', 'usual', '{3,5,12,30,20}'), ('csat', 'all', '{0,0,0,0,9}'), ('csat', 'none', '{4,2,0,0,0}'), ('csat', 'one', '{0,0,0,1,0}'), ('csat', 'many', '{100,200,300,40000,50000}'),
	('ces', 'usual', '{3,5,12,30,20,41,17}'), ('ces', 'polar', '{1,0,0,0,0,0,2}'), ('ces', 'many', '{100,200,300,40000,50000,7,0}');
CREATE TABLE computed AS
SELECT format('nps:%s:%s', name, confidence) AS sample, to_jsonb(t) AS figures FROM answered, unnest(ARRAY[0.8, 0.95, 0.999]) confidence, nps_table(nps_of(answers), confidence) t WHERE kind = 'nps'
UNION ALL SELECT format('nps:%s:%s', a.name, b.name), to_jsonb(t) FROM answered a, answered b, nps_difference(nps_of(a.answers), nps_of(b.answers)) t WHERE a.kind = 'nps' AND b.kind = 'nps'
UNION ALL SELECT format('csat:%s:%s', name, confidence), to_jsonb(t) FROM answered, unnest(ARRAY[0.8, 0.95, 0.999]) confidence, csat_table(format('{"top": 2, "scale": 5, "rows": [%s]}', counts(answers, 1))::csat_result, confidence) t WHERE kind = 'csat'
UNION ALL SELECT format('ces:%s:%s', name, confidence), to_jsonb(t) FROM answered, unnest(ARRAY[0.8, 0.95, 0.999]) confidence, ces_table(format('{"scale": 7, "rows": [%s]}', counts(answers, 1))::ces_result, confidence) t WHERE kind = 'ces';
SELECT is_empty($$SELECT s.sample FROM statistic s WHERE s.sample ~ '^(nps|csat|ces):' AND NOT EXISTS (SELECT FROM computed c WHERE c.sample = s.sample AND c.figures ? s.figure)$$, 'every sample of R''s is computed');
SELECT is_empty(format($$SELECT s.*, (c.figures->>figure)::float8 AS found FROM statistic s JOIN computed c USING (sample) WHERE sample LIKE '%s:%%' AND NOT near((c.figures->>figure)::float8, s.value)$$, kind), kind || ' is R''s') FROM unnest(ARRAY['nps', 'csat', 'ces']) kind;
SELECT cmp_ok((SELECT count(*)::int FROM statistic JOIN computed USING (sample)), '>', 250, '... so many figures');

-- ---- random data against plain SQL ----

SELECT setseed(0.61);
CREATE TABLE asked AS SELECT id, n, CASE WHEN random() < 0.2 THEN NULL ELSE round((random() * 13 - 1)::numeric, (random() < 0.1)::int) END AS score FROM generate_series(1, 40) id, generate_series(1, id * 3) n;
CREATE TABLE estimate AS SELECT id, nps(score, false) AS n, csat(score, 3, 6, false) AS c, ces(score, 9, false) AS e FROM asked GROUP BY id;
CREATE FUNCTION valid(score numeric, first int, last int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT score BETWEEN first AND last AND trunc(score) = score $$;
SELECT is_empty($$SELECT id FROM estimate JOIN (SELECT id, count(*) AS asked, count(score) AS answered, count(*) FILTER (WHERE valid(score, 0, 10)) AS n, count(*) FILTER (WHERE valid(score, 9, 10)) AS p, count(*) FILTER (WHERE valid(score, 7, 8)) AS s, count(*) FILTER (WHERE valid(score, 0, 6)) AS d FROM asked GROUP BY id) w USING (id), nps_table(estimate.n) t
	WHERE (t.asked, t.answered, t.n, t.promoters, t.passives, t.detractors, t.invalid) IS DISTINCT FROM (w.asked, w.answered, w.n, w.p, w.s, w.d, w.answered - w.n) OR NOT near(t.response_rate, w.answered / w.asked::float8) OR NOT near(t.score, 100 * (w.p - w.d) / nullif(w.n, 0)::float8)$$, 'nps() counts as SQL does');
SELECT is_empty($$SELECT id FROM estimate JOIN (SELECT id, count(*) AS asked, count(score) AS answered, count(*) FILTER (WHERE valid(score, 1, 6)) AS n, count(*) FILTER (WHERE valid(score, 4, 6)) AS p, avg(score) FILTER (WHERE valid(score, 1, 6)) AS mean FROM asked GROUP BY id) w USING (id), csat_table(c) t
	WHERE (t.asked, t.answered, t.n, t.satisfied, t.invalid) IS DISTINCT FROM (w.asked, w.answered, w.n, w.p, w.answered - w.n) OR NOT near(t.share, w.p / nullif(w.n, 0)::float8) OR NOT near(t.mean, w.mean::float8)$$, 'csat() counts as SQL does');
SELECT is_empty($$SELECT id FROM estimate JOIN (SELECT id, count(*) AS asked, count(score) AS answered, count(*) FILTER (WHERE valid(score, 1, 9)) AS n, count(*) FILTER (WHERE valid(score, 6, 9)) AS p, avg(score) FILTER (WHERE valid(score, 1, 9)) AS mean FROM asked GROUP BY id) w USING (id), ces_table(e) t
	WHERE (t.asked, t.answered, t.n, t.easy, t.invalid) IS DISTINCT FROM (w.asked, w.answered, w.n, w.p, w.answered - w.n) OR NOT near(t.share, w.p / nullif(w.n, 0)::float8) OR NOT near(t.mean, w.mean::float8)$$, 'ces() counts as SQL does');
SELECT is_empty($$SELECT id, s.score FROM estimate, score_shares(n) s WHERE s.answers <> (SELECT count(*) FROM asked a WHERE a.id = estimate.id AND a.score = s.score) OR s.counts_as <> CASE WHEN s.score > 8 THEN 'promoter' WHEN s.score > 6 THEN 'passive' ELSE 'detractor' END OR s.share NOT BETWEEN s.lower AND s.upper$$, 'score_shares() has every score');
SELECT results_eq('SELECT min(score), max(score), count(*), round(sum(share)::numeric, 9) FROM estimate, score_shares(c) WHERE id = 40', 'VALUES (1, 6, 6::bigint, 1.000000000)', '... of the scale');
SELECT results_eq($$SELECT array_agg(s.score ORDER BY s.score) FROM estimate, score_shares(c) s WHERE id = 40 AND counts_as = 'satisfied'$$, 'VALUES (ARRAY[4, 5, 6])', '... what is among the top');
SELECT results_eq($$SELECT scale, array_agg(score ORDER BY score) FROM generate_series(2, 7) scale, LATERAL (SELECT ces(x, scale) AS r FROM (VALUES (1)) v(x)) c, score_shares(r) WHERE counts_as = 'easy' GROUP BY scale ORDER BY scale$$, 'VALUES (2, ARRAY[2]), (3, ARRAY[3]), (4, ARRAY[3, 4]), (5, ARRAY[4, 5]), (6, ARRAY[4, 5, 6]), (7, ARRAY[5, 6, 7])', '... what is above the middle');
SELECT is_empty('SELECT e.id FROM estimate e, estimate f, nps_difference(e.n, f.n) a, nps_difference(f.n, e.n) b WHERE NOT (near(a.difference, -b.difference) AND near(a.lower, -b.upper) AND near(a.z, -b.z) AND near(a.p, b.p))', 'a difference the other way round');
SELECT is_empty('SELECT e.id FROM estimate e, estimate f, unnest(ARRAY[0.5, 0.95]) confidence, nps_difference(e.n, f.n, confidence) d WHERE (p < 1 - confidence) <> (lower > 0 OR upper < 0)', 'p says what the interval says');

-- ---- edges ----

SELECT is((SELECT nps(i) FROM generate_series(1, 0) i), NULL, 'no rows give NULL');
SELECT is((SELECT csat(i) FROM generate_series(1, 0) i), NULL, '... of csat()');
SELECT is((SELECT ces(i) FROM generate_series(1, 0) i), NULL, '... of ces()');
SELECT results_eq('SELECT asked, answered, response_rate, n, score, lower, upper FROM nps_table((SELECT nps(NULL::int) FROM generate_series(1, 4)))', 'VALUES (4::bigint, 0::bigint, 0::float8, 0::bigint, NULL::float8, NULL::float8, NULL::float8)', 'nobody has answered');
SELECT results_eq('SELECT asked, response_rate, n, score FROM nps_table(''{"rows": []}'')', 'VALUES (0::bigint, NULL::float8, 0::bigint, NULL::float8)', 'nobody was asked');
SELECT results_eq('SELECT n, satisfied, share, lower, mean, mean_lower FROM csat_table((SELECT csat(NULL::int)))', 'VALUES (0::bigint, 0::bigint, NULL::float8, NULL::float8, NULL::float8, NULL::float8)', '... of csat()');
SELECT results_eq('SELECT n, share, mean, mean_lower, mean_upper FROM csat_table((SELECT csat(4)))', 'VALUES (1::bigint, 1::float8, 4::float8, NULL::float8, NULL::float8)', 'one answer has a mean, and no interval of it');
SELECT results_eq('SELECT mean, mean_lower, mean_upper FROM csat_table((SELECT csat(4) FROM generate_series(1, 3)))', 'VALUES (4::float8, 4::float8, 4::float8)', 'all the same');
SELECT results_eq('SELECT mean_lower, mean_upper FROM ces_table((SELECT ces(s) FROM unnest(ARRAY[1, 7]) s))', 'VALUES (1::float8, 7::float8)', 'the interval of a mean stays on the scale');
SELECT is_empty('SELECT share FROM score_shares((SELECT nps(NULL::int))) WHERE share IS NOT NULL OR answers <> 0', 'shares of nothing');
SELECT results_eq('SELECT difference, lower, upper, z, p FROM nps_difference((SELECT nps(NULL::int)), (SELECT nps(3)))', 'VALUES (NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8)', 'nothing to compare');
SELECT results_eq('SELECT difference, lower > 100, upper <= 200, z > 5 FROM nps_difference((SELECT nps(9) FROM generate_series(1, 20)), (SELECT nps(1) FROM generate_series(1, 20)))', 'VALUES (200::float8, true, true, true)', 'as different as can be');
SELECT is_empty('SELECT * FROM nps_table(NULL)', 'no row of NULL');

-- ---- scores of every type, and what isn't one ----

SELECT is((SELECT nps(i::int2) FROM generate_series(0, 10) i), (SELECT nps(i) FROM generate_series(0, 10) i), 'smallint');
SELECT is((SELECT nps(i::int8) FROM generate_series(0, 10) i), (SELECT nps(i) FROM generate_series(0, 10) i), 'bigint');
SELECT is((SELECT nps(i::numeric(9, 3)) FROM generate_series(0, 10) i), (SELECT nps(i) FROM generate_series(0, 10) i), 'numeric');
SELECT is((SELECT nps(i::float4) FROM generate_series(0, 10) i), (SELECT nps(i) FROM generate_series(0, 10) i), 'real');
SELECT is((SELECT nps(i::float8) FROM generate_series(0, 10) i), (SELECT nps(i) FROM generate_series(0, 10) i), 'float8');
CREATE DOMAIN stars AS int CHECK (value > 0);
SELECT is((SELECT csat(i::stars) FROM generate_series(1, 5) i), (SELECT csat(i) FROM generate_series(1, 5) i), 'a domain');
CREATE TABLE wrong (score text, said text);
INSERT INTO wrong VALUES ('11', 'score 11 is outside of 0 to 10'), ('-1', 'score -1 is outside of 0 to 10'), ('7.5', 'score 7.5 has a fraction'), ('''NaN''::numeric', 'score NaN is outside of 0 to 10'), ('''Infinity''::float8', 'score Infinity is outside of 0 to 10'), ('1e300::float8', 'score 1e+300 is outside of 0 to 10'),
	('9223372036854775807', 'score 9223372036854775807 is outside of 0 to 10'), ('9.9::float4', 'score 9.9 has a fraction'), ('7.00000000000000000000000000000000001', 'score 7.00000000000000000000000000000000001 has a fraction'), ('-0.5::float8', 'score -0.5 is outside of 0 to 10'), ('10.5', 'score 10.5 is outside of 0 to 10'), ('(''Infinity''::float8 - ''Infinity''::float8)', 'score NaN is outside of 0 to 10'),
	('1e60::numeric', 'score 1000000000000000000000000000000000000000... is outside of 0 to 10');
SELECT throws_ok(format('SELECT nps(%s)', score), '22023', said, 'nps of ' || score) FROM wrong;
SELECT throws_ok(format('SELECT nps(%s, true)', score), '22023', said, '... strict') FROM wrong;
SELECT is_empty(format('SELECT invalid FROM nps_table((SELECT nps(%s, false))) WHERE (invalid, n, answered) <> (1, 0, 1)', score), '... or counted') FROM wrong;
SELECT throws_ok('SELECT csat(0)', '22023', 'score 0 is outside of 1 to 5', 'csat() begins with 1');
SELECT throws_ok('SELECT csat(8, 2, 7)', '22023', 'score 8 is outside of 1 to 7', '... and ends where it is told');
SELECT throws_ok('SELECT ces(8)', '22023', 'score 8 is outside of 1 to 7', 'ces() ends with 7');
SELECT throws_ok(format('SELECT %s', call), '22023', said, call) FROM (VALUES ('nps(''a''::text)', 'a score can''t be of type text'), ('nps(now())', 'a score can''t be of type timestamp with time zone'), ('nps(true)', 'a score can''t be of type boolean'), ('csat(1, 0, 5)', 'top must be between 1 and 4, one less than scale, not 0'), ('csat(1, 5, 5)', 'top must be between 1 and 4, one less than scale, not 5'),
	('csat(1, 1, 1)', 'scale must be between 2 and 100, not 1'), ('csat(1, 1, 101)', 'scale must be between 2 and 100, not 101'), ('ces(1, -5)', 'scale must be between 2 and 100, not -5'), ('ces(1, 2147483647)', 'scale must be between 2 and 100, not 2147483647')) c(call, said);
SELECT throws_ok(format('SELECT %s', call), '22004', said, call) FROM (VALUES ('nps(1, NULL)', 'strict must not be null'), ('csat(1, NULL, 5)', 'top must not be null'), ('csat(1, 2, NULL)', 'scale must not be null'), ('ces(1, NULL)', 'scale must not be null'), ('ces(1, 5, NULL)', 'strict must not be null')) c(call, said);
SELECT throws_ok('SELECT csat(1, 1, s) FROM generate_series(3, 4) s', '22023', 'top and scale must be the same for all rows of an aggregate', 'scales that change');
SELECT throws_ok('SELECT ces(1, s) FROM generate_series(3, 4) s', '22023', 'scale must be the same for all rows of an aggregate', '... of ces()');
SELECT results_eq('SELECT s, (score_shares(csat(1, 1, s))).answers FROM generate_series(3, 4) s GROUP BY s ORDER BY s, 2', 'VALUES (3, 0::bigint), (3, 0), (3, 1), (4, 0), (4, 0), (4, 0), (4, 1)', 'each group has its own');
SELECT throws_ok(format('SELECT * FROM %s_table((SELECT %1$s(3)), %L)', f, c), '22023', format('confidence must be between 0 and 1, not %s', c), f || ' at a confidence of ' || c) FROM unnest(ARRAY['nps', 'csat', 'ces']) f, unnest(ARRAY['0', '1', 'NaN']) c;
SELECT throws_ok('SELECT * FROM nps_difference((SELECT nps(3)), (SELECT nps(4)), 2)', '22023', 'confidence must be between 0 and 1, not 2', '... a difference');
SELECT throws_ok('SELECT * FROM score_shares((SELECT nps(3)), 2)', '22023', 'confidence must be between 0 and 1, not 2', '... shares');

-- ---- results ----

SELECT is((SELECT csat(s, 2, 5, false)::text FROM unnest(ARRAY[5, 4, NULL, 5, 9]) s), '{"top": 2, "scale": 5, "no_answer": 1, "invalid": 1, "rows": [{"score": 4, "answers": 1}, {"score": 5, "answers": 2}]}', 'the text form');
SELECT is_empty('SELECT id FROM estimate WHERE n::text::nps_result <> n OR c::text::csat_result <> c OR e::text::ces_result <> e', 'text and back');
SELECT throws_ok(format('SELECT %L::nps_result', t), '22P02', NULL, t) FROM unnest(ARRAY['{}', '[]', '{"rows": [{"score": 11, "answers": 1}]}', '{"rows": [{"score": -1, "answers": 1}]}', '{"rows": [{"score": 1.5, "answers": 1}]}', '{"rows": [{"answers": -1}]}', '{"scale": 5, "rows": []}', '{"rows_without_customer": 1, "rows": []}', '{"no_answer": -1, "rows": []}', '{"rows": [{"score": 1, "answers": 1}, {"score": 1, "answers": 1}]}']) t;
SELECT throws_ok(format('SELECT %L::csat_result', t), '22P02', NULL, t) FROM unnest(ARRAY['{"rows": []}', '{"top": 2, "rows": []}', '{"scale": 5, "rows": []}', '{"top": 5, "scale": 5, "rows": []}', '{"top": 1, "scale": 101, "rows": []}', '{"top": 2, "scale": 5, "rows": [{"score": 0, "answers": 1}]}']) t;
SELECT throws_ok(format('SELECT %L::ces_result', t), '22P02', NULL, t) FROM unnest(ARRAY['{"rows": []}', '{"scale": 1, "rows": []}', '{"scale": 7, "rows": [{"score": 8, "answers": 1}]}']) t;
SELECT throws_ok($$SELECT * FROM nps_table('{"no_answer": 9223372036854775807, "invalid": 1, "rows": []}')$$, '22003', 'number of answers is out of range', 'more than 2^63 - 1 answers');
SELECT throws_ok($$SELECT rollup(r) FROM (VALUES ((SELECT csat(1))), ((SELECT csat(1, 1, 5)))) v(r)$$, '22023', 'csat_results with different top can''t be added up', 'results of other scales');
SELECT is((SELECT rollup(r) FROM (VALUES (NULL::nps_result), ((SELECT nps(1))), (NULL)) v(r)), (SELECT nps(1)), 'NULLs are left out');
CREATE TABLE shard AS SELECT id, side, nps(score, false) AS n, csat(score, 3, 6, false) AS c, ces(score, 9, false) AS e FROM (SELECT *, floor(random() * 4) AS side FROM asked) q GROUP BY id, side;
SELECT is_empty('SELECT id FROM (SELECT id, rollup(n ORDER BY random()) AS n, rollup(c ORDER BY random()) AS c, rollup(e ORDER BY random()) AS e FROM shard GROUP BY id) s JOIN estimate e USING (id) WHERE s.n <> e.n OR s.c <> e.c OR s.e <> e.e', 'shards add up to the same, to the bit');
SELECT is((SELECT nps_accum('{"no_answer": 1, "rows": []}', 7)::text), '{"no_answer": 1, "invalid": 0, "rows": [{"score": 7, "answers": 1}]}', 'a state that comes as a result');
SELECT throws_ok($$SELECT csat_accum('{"top": 2, "scale": 5, "rows": []}', 7, 2, 7)$$, '22023', NULL, '... of its own scale');
SELECT results_eq('SELECT s.metric, s.arguments FROM estimate, result_scope(c) s WHERE id = 1', $$VALUES ('csat', '{"top": 3, "scale": 6}'::jsonb)$$, 'what a result is about');

CREATE TABLE crowd AS SELECT CASE WHEN i % 11 > 0 THEN i % 7 + 1 END AS score FROM generate_series(1, 60000) i;
ANALYZE crowd;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT nps(score) AS n, csat(score, 2, 7) AS c, ces(score) AS e FROM crowd;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT isnt_empty($$SELECT p FROM plan_of('SELECT nps(score), csat(score, 2, 7), ces(score) FROM crowd') p WHERE p LIKE '%Partial Aggregate%'$$, 'a parallel plan');
SELECT results_eq('SELECT nps(score), csat(score, 2, 7), ces(score) FROM crowd', 'TABLE serial', '... gives the same');
SELECT * FROM finish();
ROLLBACK;
