--
-- The CDNOW sample of Fader and Hardie, as it was published: 2357 customers, calibrated to 1997-09-30, in weeks. It isn't part of the project: CDNOW_DATA=
-- names the folder of cdnow_sample.csv, by default ../shared/data; without it, there is nothing to test.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\set file `echo "${CDNOW_DATA:-../shared/data}/cdnow_sample.csv"`
\set is_there `test -r :'file' && echo true || echo false`
\if :is_there
CREATE TABLE bought (master_id int, customer int, day date, cds int, amount numeric);
\set content `tail -n +2 :'file'`
INSERT INTO bought SELECT f[1]::int, f[2]::int, f[3]::date, f[4]::int, f[5]::numeric FROM regexp_split_to_table(:'content', E'\r?\n') line, regexp_split_to_array(line, ',') f WHERE line <> '';
SELECT is((SELECT count(*) || ' ' || count(DISTINCT customer) FROM bought), '6919 2357', 'the sample');

-- A purchase of 0 is one in what was published: 8 customers had no other. Without values each day is a purchase; with them, it is where they are above 0.
CREATE TABLE model AS SELECT bgnbd_fit(b, '1997-09-30', 'week') AS bgnbd, mbgnbd_fit(b, '1997-09-30', 'week') AS mbgnbd, paretonbd_fit(b, '1997-09-30', 'week') AS paretonbd, gammagamma_fit(v, '1997-09-30') AS gammagamma FROM (SELECT timelines(customer, day) AS b, timelines(customer, day, amount) AS v FROM bought) q;
CREATE VIEW parameter AS SELECT 'bgnbd' AS kind, p.* FROM model, model_parameters(bgnbd) p UNION ALL SELECT 'mbgnbd', p.* FROM model, model_parameters(mbgnbd) p UNION ALL SELECT 'paretonbd', p.* FROM model, model_parameters(paretonbd) p UNION ALL SELECT 'gammagamma', p.* FROM model, model_parameters(gammagamma) p;
SELECT is((SELECT round(estimate::numeric, scale(published)) FROM parameter p WHERE p.kind = k.kind AND p.name = k.name), published, format('%s: %s', kind, name)) FROM (VALUES
	('bgnbd', 'r', .243), ('bgnbd', 'alpha', 4.414), ('bgnbd', 'a', .793), ('bgnbd', 'b', 2.426), ('mbgnbd', 'r', .525), ('mbgnbd', 'alpha', 6.183), ('mbgnbd', 'a', .891), ('mbgnbd', 'b', 1.614),
	('paretonbd', 'r', .553), ('paretonbd', 'alpha', 10.578), ('paretonbd', 's', .606), ('paretonbd', 'beta', 11.669), ('gammagamma', 'p', 6.25), ('gammagamma', 'q', 3.74), ('gammagamma', 'g', 15.44)) k(kind, name, published);
SELECT is((SELECT round(std_error::numeric, scale(published)) FROM parameter p WHERE p.kind = 'bgnbd' AND p.name = k.name), published, 'standard error of ' || name) FROM (VALUES ('r', .0126), ('alpha', .378), ('a', .186), ('b', .705)) k(name, published);
SELECT is((SELECT customers || ' ' || round(log_likelihood::numeric, 1) FROM model, model_summary(bgnbd)), '2357 -9582.4', 'the likelihood of BG/NBD');
SELECT is((SELECT customers || ' ' || round(log_likelihood::numeric, 1) FROM model, model_summary(paretonbd)), '2357 -9595.0', '... of Pareto/NBD');
SELECT is((SELECT customers FROM model, model_summary(gammagamma)), 946::bigint, 'who has bought again');
SELECT is((SELECT purchase_summary(timeline_agg(day), '1997-09-30', 'week')::text FROM bought WHERE customer = 1), format('(2,%s,%s,)', 213 / 7::float8, 272 / 7::float8), 'the first customer of the sample');
SELECT is((SELECT round(expected_purchases(timeline_agg(day), bgnbd, '1997-09-30', interval '39 weeks')::numeric, 3) FROM bought, model WHERE customer = 1 GROUP BY bgnbd), 1.226, '... what is expected of him');
SELECT is((SELECT round(p_alive(timeline_agg(day), bgnbd, '1997-09-30')::numeric, 3) FROM bought, model WHERE customer = 1 GROUP BY bgnbd), .727, '... and whether he is there');
-- Conditional expectations by the purchases of the calibration, as published for the Pareto/NBD (with parameters to fewer digits), and what was bought.
CREATE TABLE tested AS SELECT kind, model_backtest(b, '1997-09-30', '1998-06-30', kind) AS result FROM (SELECT timelines(customer, day) AS b FROM bought) q, unnest(ARRAY['bgnbd', 'mbgnbd', 'paretonbd']) kind;
SELECT results_eq('SELECT x, customers, round(mean_purchases::numeric, 4) FROM tested, model_backtest_table(result) WHERE kind = ''paretonbd''', $$VALUES (0::bigint, 1411::bigint, .2367), (1, 439, .6970), (2, 214, 1.3925), (3, 100, 1.5600), (4, 62, 2.5323), (5, 38, 2.9474), (6, 29, 3.8621), (7, 64, 6.3594)$$, 'what was bought in the other 39 weeks');
SELECT is_empty('SELECT * FROM tested, model_backtest_table(result) JOIN (VALUES (0, .1385), (1, .5996), (2, 1.1957), (3, 1.7141), (4, 2.3989), (5, 2.9072), (6, 3.8187), (7, 6.4027)) p(x, published) USING (x) WHERE kind = ''paretonbd'' AND abs(mean_expected - published) > .002', '... and expected');
SELECT is_empty('SELECT * FROM tested, model_backtest_table(result) WHERE x > 0 AND abs(mean_expected - mean_purchases) >= abs(mean_naive - mean_purchases) OR x > 1 AND mean_absolute_error >= naive_mean_absolute_error', 'each model is nearer than the naive forecast');
SELECT is_empty('SELECT * FROM tested, model_backtest_weeks(result) WHERE abs(expected / purchases - 1) > .25', '... from week to week');
SELECT is((SELECT count(*) FROM tested, model_backtest_summary(result) s WHERE customers = 2357 AND purchases = 1882 AND error BETWEEN -.2 AND -.1 AND naive_error > .5), 3::bigint, '... and all together');
\else
SELECT skip('the CDNOW sample is not here: CDNOW_DATA= names the folder of cdnow_sample.csv', 1);
\endif
SELECT * FROM finish();
ROLLBACK;
