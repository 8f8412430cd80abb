--
-- Recency, frequency and monetary value, scores, segments, census and migration: against plain SQL's window functions on
-- random orders in several zones; known answers; every way to collect and to add up gives the same; laws of scores; edges;
-- text, binary, errors.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\ir reference/orders.sql
CREATE TABLE bought AS
SELECT customer, at, CASE WHEN random() < 0.06 THEN NULL WHEN random() < 0.1 THEN -20 WHEN random() < 0.05 THEN 0 ELSE round((random() * 100)::numeric, 1 + customer % 2) END AS value,
	CASE WHEN random() < 0.4 THEN NULL WHEN random() < 0.5 THEN (random() * 9)::int::text ELSE 'r' || (random() * 5)::int END AS ref
FROM orders;
INSERT INTO bought SELECT 2000 + n, '2012-02-01 23:00+00', -1, NULL FROM generate_series(1, 4) n, generate_series(1, 2);
INSERT INTO bought SELECT 2010 + n, '2013-02-01 23:00+00', 10000000000.25, 'a' FROM generate_series(1, 2) n;
ANALYZE bought;
\ir reference/rfm.sql
CREATE TABLE history AS SELECT customer, coalesce(timeline_agg(make_event(at => at, value => value, ref => ref)), '[]') AS timeline FROM bought WHERE customer IS NOT NULL GROUP BY customer;

CREATE FUNCTION enter_zone(zone text) RETURNS void LANGUAGE sql AS $$ SELECT set_config('timezone', $1, false) $$;
CREATE FUNCTION of_one(day date, value numeric) RETURNS event_timeline LANGUAGE sql AS $$ SELECT timeline_agg($1, $2) $$;
-- What two queries give and the other doesn't, in a zone.
CREATE FUNCTION differences(zone text, got text, wanted text) RETURNS TABLE(side text, line text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM enter_zone(zone);
	EXECUTE format('CREATE TEMP TABLE got ON COMMIT DROP AS SELECT g::text AS line FROM (%s) g', got);
	EXECUTE format('CREATE TEMP TABLE wanted ON COMMIT DROP AS SELECT w::text AS line FROM (%s) w', wanted);
	RETURN QUERY (SELECT 'wrong', d.line FROM (SELECT * FROM got EXCEPT ALL SELECT * FROM wanted) d ORDER BY 2 LIMIT 5)
		UNION ALL (SELECT 'missing', d.line FROM (SELECT * FROM wanted EXCEPT ALL SELECT * FROM got) d ORDER BY 2 LIMIT 5);
	DROP TABLE got, wanted;
	PERFORM enter_zone('UTC');
END $$;

-- ---- against plain SQL ----

CREATE TABLE zone_and_day AS SELECT zone, day FROM unnest(ARRAY['UTC', 'Pacific/Apia', 'America/New_York']) zone, unnest(ARRAY[date '2011-03-05', '2011-12-30', '2012-02-29', '2013-12-31']) day;
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', zone,
	format('SELECT customer, x.recency, x.frequency, x.orders, x.monetary::numeric(30, 2), round(x.mean, 9), x.tenure FROM history, LATERAL rfm(timeline, %L) x', day),
	format('SELECT customer, recency, frequency, orders, monetary::numeric(30, 2), round(mean, 9), tenure FROM ref_rfm(%L)', day)), format('rfm() in %s as of %s', zone, day)) FROM zone_and_day;
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', 'UTC',
	format('SELECT customer, x.recency, x.tenure FROM history, LATERAL rfm(timeline, %L, %L) x', day, zone), format('SELECT customer, recency, tenure FROM enter_zone(%L), ref_rfm(%L)', zone, day)), format('... a zone of its own: %s', zone))
FROM zone_and_day WHERE day = '2011-12-30';

-- Scores by the customers' own scale are those of cume_dist, whatever the bins.
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', zone,
	format('SELECT customer, x.r, x.f, x.m FROM (SELECT rfm_scale(timelines(customer, make_event(at => at, value => value, ref => ref)), %s, %L) AS scale FROM bought) q, history, LATERAL rfm_score(timeline, scale, %2$L) x WHERE x.r IS NOT NULL', bins, day),
	format('SELECT * FROM ref_scores(%L, %s)', day, bins)), format('scores from 1 to %s in %s as of %s', bins, zone, day))
FROM zone_and_day, unnest(ARRAY[1, 2, 5, 10, 1000]) bins WHERE bins IN (1, 5) OR day = '2012-02-29';
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', zone,
	format('SELECT t.score, t.recency_at_most, t.frequency_at_least, t.monetary_at_least::numeric(30, 2) FROM (SELECT rfm_scale(timelines(customer, at, value), 7, %L) AS scale FROM bought) q, rfm_scale_table(scale) t WHERE score > 1', day),
	format('SELECT score, recency_at_most, frequency_at_least, monetary_at_least::numeric(30, 2) FROM ref_cuts(%L, 7)', day)), format('cut points in %s as of %s', zone, day)) FROM zone_and_day;
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', zone,
	format('SELECT t.measure, t.value::numeric(30, 2), t.customers, round(t.share::numeric, 9), round(t.cumulative_share::numeric, 9), t.as_of FROM (SELECT rfm_distribution(timelines(customer, at, value), %L) AS d FROM bought) q, rfm_distribution_table(d) t', day),
	format('SELECT measure, value::numeric(30, 2), count(*), round(count(*) / sum(count(*)) OVER (PARTITION BY measure), 9), round(sum(count(*)) OVER (PARTITION BY measure ORDER BY value) / sum(count(*)) OVER (PARTITION BY measure), 9), %L::date
		FROM ref_rfm(%1$L), LATERAL (VALUES (''recency'', recency::numeric), (''frequency'', frequency), (''monetary'', monetary)) v (measure, value) WHERE recency IS NOT NULL GROUP BY measure, value', day)),
	format('the distribution in %s as of %s', zone, day)) FROM zone_and_day;

-- The census by the customers' own scale, and by that of an earlier day.
CREATE FUNCTION census_rows(result text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT t.segment, t.rank, t.members, round(t.share::numeric, 9), t.revenue::numeric(30, 2), round(t.share_of_revenue::numeric, 9), round(t.mean_recency::numeric, 9), round(t.mean_frequency::numeric, 9), round(t.mean_monetary, 9) FROM %s, rfm_census_table(result) t', result)
$$;
CREATE FUNCTION reference_rows(as_of date, cuts_of date) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT segment, rank, members, share, revenue::numeric(30, 2), share_of_revenue, mean_recency, mean_frequency, round(mean_monetary, 9) FROM ref_census(%L, %L)', $1, $2)
$$;
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', zone, census_rows(format('(SELECT rfm_census(timelines(customer, at, value), as_of => %L) AS result FROM bought) q', day)), reference_rows(day, day)), format('the census in %s as of %s', zone, day)) FROM zone_and_day;
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', zone,
	census_rows(format('(SELECT rfm_census(b, rfm_scale(b, 5, ''2012-02-29''), as_of => %L) AS result FROM (SELECT timelines(customer, at, value) AS b FROM bought) b) q', day)), reference_rows(day, '2012-02-29')), format('... by the cut points of another day: %s, %s', zone, day)) FROM zone_and_day;
SELECT is_empty(format('SELECT * FROM differences(%L, %L, %L)', zone,
	format('SELECT t.* FROM (SELECT rfm_migration(timelines(customer, at, value), from_day => ''2011-12-30'', to_day => %L) AS result FROM bought) q, rfm_migration_table(result) t', day),
	format('SELECT ref_segment(a.rank), a.rank, ref_segment(b.rank), b.rank, count(*), (count(*) / sum(count(*)) OVER (PARTITION BY a.rank))::float8, date ''2011-12-30'', date %L FROM ref_ranks(''2011-12-30'', %1$L) a JOIN ref_ranks(%1$L, %1$L) b USING (customer) GROUP BY a.rank, b.rank', day)),
	format('the migration in %s to %s', zone, day)) FROM zone_and_day WHERE day >= '2011-12-30';

-- ---- every way gives the same ----

CREATE TABLE way (way text, distribution rfm_distribution_result, scale rfm_scale, census rfm_census_result, migration rfm_migration_result);
INSERT INTO way SELECT 'rows', rfm_distribution(b, '2012-12-31'), rfm_scale(b, 5, '2012-12-31'), rfm_census(b, as_of => '2012-12-31'), rfm_migration(b, from_day => '2012-02-29', to_day => '2012-12-31')
FROM (SELECT timelines(customer, at, value) AS b FROM bought WHERE customer IS NOT NULL) q;
INSERT INTO way SELECT 'events', rfm_distribution(b, '2012-12-31'), rfm_scale(b, 5, '2012-12-31'), rfm_census(b, as_of => '2012-12-31'), rfm_migration(b, from_day => '2012-02-29', to_day => '2012-12-31')
FROM (SELECT timelines(customer, make_event(at => at, value => value, ref => ref, kind => 'k' || customer % 2)) AS b FROM bought WHERE customer IS NOT NULL) q;
INSERT INTO way SELECT 'stored timelines', rfm_distribution(b, '2012-12-31'), rfm_scale(b, 5, '2012-12-31'), rfm_census(b, as_of => '2012-12-31'), rfm_migration(b, from_day => '2012-02-29', to_day => '2012-12-31')
FROM (SELECT timelines(customer, timeline) AS b FROM history) q;
INSERT INTO way
WITH s AS (SELECT rfm_scale(timeline, 5, '2012-12-31') AS s FROM history)
SELECT 'two levels', rfm_distribution(timeline, '2012-12-31'), rfm_scale(timeline, 5, '2012-12-31'), rfm_census(timeline, s, '{}', '2012-12-31'), rfm_migration(timeline, s, '{}', '2012-02-29', '2012-12-31') FROM history, s;
INSERT INTO way
WITH s AS (SELECT rfm_scale(timeline, 5, '2012-12-31', 'UTC') AS s FROM history)
SELECT 'a zone', rfm_distribution(timeline, '2012-12-31', 'UTC'), rfm_scale(timeline, 5, '2012-12-31', 'UTC'), rfm_census(timeline, s, '{}', '2012-12-31', 'UTC'), rfm_migration(timeline, s, '{}', '2012-02-29', '2012-12-31', 'UTC') FROM history, s;
INSERT INTO way
WITH s AS (SELECT rfm_scale(rfm_distribution(b, '2012-12-31'), 5) AS s FROM (SELECT timelines(customer, timeline) AS b FROM history) q), parts AS (
	SELECT customer % 7 AS part, rfm_distribution(timeline, '2012-12-31') AS d, rfm_census(timeline, s, '{}', '2012-12-31') AS c, rfm_migration(timeline, s, '{}', '2012-02-29', '2012-12-31') AS m FROM history, s GROUP BY customer % 7)
SELECT 'rolled up', rollup(d), rfm_scale(rollup(d)), rollup(c), rollup(m) FROM parts;
INSERT INTO way
WITH s AS (SELECT scale AS s FROM way WHERE way = 'rows'), halves AS (
	SELECT rfm_distribution(b, '2012-12-31') AS d, rfm_census(b, s, '{}', '2012-12-31') AS c, rfm_migration(b, s, '{}', '2012-02-29', '2012-12-31') AS m
	FROM (SELECT customer % 2, timelines(customer, at, value) AS b FROM bought WHERE customer IS NOT NULL GROUP BY customer % 2) q, s)
SELECT 'halves', rollup(d), rfm_scale(rollup(d)), rollup(c), rollup(m) FROM halves;
SELECT is(w.distribution::text, r.distribution::text, w.way || ': distribution') FROM way w, way r WHERE r.way = 'rows' AND w.way <> 'rows';
SELECT is(w.scale, r.scale, w.way || ': scale') FROM way w, way r WHERE r.way = 'rows' AND w.way <> 'rows';
SELECT is(w.census::text, r.census::text, w.way || ': census') FROM way w, way r WHERE r.way = 'rows' AND w.way <> 'rows';
SELECT is(w.migration::text, r.migration::text, w.way || ': migration') FROM way w, way r WHERE r.way = 'rows' AND w.way <> 'rows';

SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL max_parallel_workers_per_gather = 2;
ALTER TABLE history SET (parallel_workers = 2); ALTER TABLE bought SET (parallel_workers = 2);
SELECT is(rfm_scale(timeline, 5, '2012-12-31'), (SELECT scale FROM way WHERE way = 'rows'), 'in parallel: the scale') FROM history;
SELECT is(rfm_census(timeline, (SELECT scale FROM way WHERE way = 'rows'), '{}', '2012-12-31')::text, (SELECT census::text FROM way WHERE way = 'rows'), '... the census') FROM history;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;

-- ---- laws ----

SELECT is((SELECT sum(t.members) FROM way, rfm_census_table(census) t WHERE way = 'rows'), (SELECT count(DISTINCT customer)::numeric FROM bought), 'everyone is in one segment');
SELECT is((SELECT sum(t.revenue) FROM way, rfm_census_table(census) t WHERE way = 'rows'), (SELECT sum(value) FROM bought WHERE customer IS NOT NULL AND at < '2013-01-01'), 'revenue is the sum of all values');
SELECT results_eq('SELECT m.to_rank, sum(m.members) FROM way, rfm_migration_table(migration) m WHERE way = ''rows'' GROUP BY 1 ORDER BY 1', 'SELECT t.rank, t.members::numeric FROM way, rfm_census_table(census) t WHERE way = ''rows'' AND t.members > 0 ORDER BY 1', 'at to_day, members are where the census has them');
SELECT is_empty('SELECT m.from_rank FROM way, rfm_migration_table(migration) m WHERE way = ''rows'' GROUP BY 1 HAVING abs(sum(m.share) - 1) > 1e-12', 'shares of a segment add up to 1');
SELECT is_empty('SELECT m.* FROM (SELECT rfm_migration(timelines(customer, at, value), from_day => ''2012-12-31'', to_day => ''2012-12-31'') AS r FROM bought) q, rfm_migration_table(r) m WHERE m.from_rank <> m.to_rank', 'from a day to itself nobody moves');
SELECT is((SELECT (rfm_census(timelines(customer, at, value), as_of => '2012-12-31') = (SELECT census FROM way WHERE way = 'rows')) FROM (SELECT * FROM bought WHERE customer IS NOT NULL ORDER BY md5(customer::text || at::text)) r), true, 'the order of rows doesn''t matter');

-- ---- known answers ----

-- Days from the literature of repeat buying: who bought on 02-01 and 02-06 has, as of 02-07, one repeat, his last one 5 days after the first, and is 6 days old.
CREATE TABLE known AS SELECT * FROM (VALUES (ARRAY[date '2024-02-01', '2024-02-06'], 1, 5, 6), ('{2024-01-01}', 0, 0, 37), ('{2024-01-01,2024-01-02,2024-01-05}', 2, 4, 37)) v (days, repeats, recency, age);
SELECT results_eq('SELECT x.frequency - 1, x.tenure - x.recency, x.tenure FROM known, LATERAL (SELECT timeline_agg(day) AS t FROM unnest(days) day) h, LATERAL rfm(h.t, ''2024-02-07'') x', 'SELECT repeats, recency, age FROM known', 'repeats, time to the last one, age');
SELECT results_eq($$SELECT x.* FROM (SELECT timeline_agg(make_event(at => at, value => value, ref => ref)) AS t FROM (VALUES (timestamptz '2024-01-05 10:00+00', 20, 'A'), ('2024-01-05 10:00+00', 5.50, 'A'), ('2024-01-05 18:00+00', 10, 'B'), ('2024-02-01 09:00+00', 0, NULL), ('2024-02-03 09:00+00', -5.50, 'A')) v (at, value, ref)) h,
	rfm(t, '2024-02-10', 'UTC') x$$, $$VALUES (9, 2, 3::bigint, 30.00, 10.0000000000000000, 36)$$, 'a return lowers the sum, and is no purchase; a zero is; one ref is one order');
-- Ten customers, seven of whom bought once for 10: cume_dist of 0.7 gives them ceil(5 x 0.7) = 4 of frequency, whom ntile() would give 1, 2, 3 and 4. Of the others 0.8, 0.9 and 1 give 4, 5, 5.
CREATE TABLE ten AS SELECT c, timestamptz '2024-01-10 12:00+00' - n * interval '1 day' AS at, CASE WHEN c <= 7 THEN 10 ELSE c END AS value FROM generate_series(1, 10) c, generate_series(0, 2) n WHERE n = 0 OR c > 7 AND n <= c - 7;
SELECT results_eq($$SELECT c, x.f, x.m FROM (SELECT rfm_scale(timelines(c, at, value), 5, '2024-01-10') AS s FROM ten) q, (SELECT c, timeline_agg(at, value) AS t FROM ten GROUP BY c) h, LATERAL rfm_score(t, s, '2024-01-10') x ORDER BY c$$,
	$$SELECT c, CASE WHEN c <= 7 THEN 4 WHEN c = 8 THEN 4 ELSE 5 END, CASE WHEN c <= 7 THEN 4 WHEN c = 8 THEN 4 ELSE 5 END FROM generate_series(1, 10) c$$, 'seven equal customers of ten have one score');
SELECT results_eq($$SELECT x.* FROM (SELECT rfm_scale(timelines(c, date '2024-01-10', 5)) AS s FROM generate_series(1, 13) c) q, rfm_score(of_one('2024-01-10', 5), s, '2024-01-10') x$$, 'VALUES (5, 5, 5)', 'where all are equal, all have the highest score');
SELECT is((SELECT rfm_scale(timelines(c, date '2024-01-10', 5)) FROM generate_series(1, 13) c), '{"recency": [0, 0, 0, 0], "frequency": [1, 1, 1, 1], "monetary": [5, 5, 5, 5]}', 'where all are equal, one cut point is that of all scores');
SELECT is((SELECT rfm_scale(timelines(1, date '2024-01-10', 5))), '{"recency": [0, 0, 0, 0], "frequency": [1, 1, 1, 1], "monetary": [5, 5, 5, 5]}', '... also of one customer');
SELECT results_eq($$SELECT t.segment, t.members FROM (SELECT rfm_census(timelines(c, date '2024-01-10', 5)) AS r FROM generate_series(1, 13) c) q, rfm_census_table(r) t WHERE members > 0$$, $$VALUES ('Champions', 13::bigint)$$, '... who all are Champions then');

-- The published map, score by score.
SELECT is_empty('SELECT r, f, m, rfm_segment(r, f, m), ref_segment(ref_rank(r, f, m)) FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m WHERE rfm_segment(r, f, m) <> ref_segment(ref_rank(r, f, m))', 'the published map on all 125 scores');
SELECT results_eq($$SELECT rfm_segment(5, 5, 5), rfm_segment(5, 1, 1), rfm_segment(1, 5, 5), rfm_segment(1, 1, 1), rfm_segment(2, 3, 5), rfm_segment(3, 5, 1)$$, $$VALUES ('Champions', 'New Customers', 'At Risk', 'Lost', 'Can''t Lose Them', 'Others')$$, 'some of them by hand');
SELECT is(make_rfm_rules((SELECT jsonb_agg(jsonb_build_object('segment', segment, 'r', jsonb_build_array(r1, r2), 'f', jsonb_build_array(f1, f2), 'm', jsonb_build_array(m1, m2)) ORDER BY rank) FROM ref_map)), '{}', 'written out it is the default');

-- Fixed cut points, by hand: at most 30 days, at least 4 purchase days, at least 100.
SELECT results_eq($$SELECT name, x.r, x.f, x.m FROM (VALUES ('on the edge', ARRAY[date '2024-01-01', '2024-02-01', '2024-03-01', '2024-04-01'], 25.00), ('beside it', '{2024-01-01,2024-02-01,2024-03-31}', 33.33)) v (name, days, value),
	LATERAL (SELECT timeline_agg(day, value) AS t FROM unnest(days) day) h, LATERAL rfm_score(t, make_rfm_scale('{90,30}', '{2,4}', '{50,100}'), '2024-05-01') x$$, $$VALUES ('on the edge', 3, 3, 3), ('beside it', 2, 2, 2)$$, 'a cut point belongs to the higher score');
SELECT results_eq($$SELECT x.m FROM unnest(ARRAY[0, 99.99, 99.9949, 99.995, 99.9951, 100, 1e15]) WITH ORDINALITY v (value, n), LATERAL rfm_score(of_one('2024-01-01', value), make_rfm_scale('{30}', '{1}', '{99.995}'), '2024-01-01') x ORDER BY n$$, 'VALUES (1), (1), (1), (2), (2), (2), (2)', 'amounts of more or fewer decimals than the cut point');
SELECT results_eq($$SELECT x.m FROM (SELECT timeline_agg(day, value) AS t FROM (VALUES (date '2024-01-01', 5), ('2024-01-02', -10.5)) v (day, value)) h, unnest(ARRAY[-5.6, -5.5, -5.4]) cut, LATERAL rfm_score(t, make_rfm_scale('{30}', '{1}', ARRAY[cut]), '2024-01-02') x$$, 'VALUES (2), (2), (1)', 'sums below zero');
SELECT is((SELECT array_agg(x.m ORDER BY value) FROM generate_series(0, 5) value, LATERAL rfm_score(of_one('2024-01-01', value), make_rfm_scale('{}', '{}', '{}'), '2024-01-01') x), '{1,1,1,1,1,1}', 'without cut points there is one score');

-- ---- rules ----

-- Overlaps, holes and rules that never match, against all scores.
CREATE TABLE rules_of (name text, rules rfm_rules, bins int);
INSERT INTO rules_of VALUES ('the published map', '{}', 5), ('the published map in 3', '{}', 3), ('the published map in 7', '{}', 7), ('one for all', '{"segments": [{"segment": "All"}]}', 4),
	('one in the middle', '{"segments": [{"segment": "Middle", "r": [2, 4], "f": 3, "m": [2, 3]}], "others": "Edge"}', 5),
	('twice the same', '{"segments": [{"segment": "A", "r": 1}, {"segment": "B", "r": 2, "f": [2, 3]}, {"segment": "A", "r": [1, 2]}, {"segment": "C", "f": 3}, {"segment": "D", "r": 1, "m": 2}, {"segment": "E", "m": 9}]}', 4);
INSERT INTO rules_of SELECT 'random ' || n, make_rfm_rules((SELECT jsonb_agg(jsonb_build_object('segment', 'S' || k, 'r', jsonb_build_array(1 + r, 1 + r + dr), 'f', jsonb_build_array(1 + f, 1 + f + df), 'm', jsonb_build_array(1 + m, 1 + m + dm)))
	FROM (SELECT k, hashint4(n * 1009 + k * 31 + 1) & 3 AS r, hashint4(n * 1013 + k * 37 + 2) & 1 AS dr, hashint4(n * 1019 + k * 41 + 3) & 3 AS f, hashint4(n * 1021 + k * 43 + 4) & 3 AS df, hashint4(n * 1031 + k * 47 + 5) & 3 AS m, hashint4(n * 1033 + k * 53 + 6) & 1 AS dm FROM generate_series(1, 8) k) q)), 4 FROM generate_series(1, 12) n;
CREATE TABLE box AS
SELECT name, bins, others, n, segment, coalesce(r->>0, '1')::int AS r1, coalesce(r->>-1, '99')::int AS r2, coalesce(f->>0, '1')::int AS f1, coalesce(f->>-1, '99')::int AS f2, coalesce(m->>0, '1')::int AS m1, coalesce(m->>-1, '99')::int AS m2
FROM (SELECT name, bins, coalesce(rules::jsonb->>'others', 'Others') AS others, rule.n, rule.v->>'segment' AS segment, a.r, a.f, a.m FROM rules_of, jsonb_array_elements(rules::jsonb->'segments') WITH ORDINALITY rule (v, n),
	LATERAL (SELECT CASE jsonb_typeof(v->'r') WHEN 'number' THEN jsonb_build_array(v->'r') ELSE v->'r' END AS r, CASE jsonb_typeof(v->'f') WHEN 'number' THEN jsonb_build_array(v->'f') ELSE v->'f' END AS f, CASE jsonb_typeof(v->'m') WHEN 'number' THEN jsonb_build_array(v->'m') ELSE v->'m' END AS m) a) q
UNION ALL SELECT name, bins, 'Others', rank, segment, r1, r2, f1, f2, m1, m2 FROM rules_of, ref_map WHERE rules = '{}';
CREATE TABLE score AS SELECT name, bins, r, f, m FROM rules_of, generate_series(1, bins) r, generate_series(1, bins) f, generate_series(1, bins) m;
CREATE TABLE matched AS SELECT s.name, r, f, m, n, segment FROM score s JOIN box b ON b.name = s.name AND r BETWEEN r1 AND r2 AND f BETWEEN f1 AND f2 AND m BETWEEN m1 AND m2;
CREATE TABLE found AS SELECT name, c.* FROM rules_of, rfm_segments_check(rules, bins) c;
SELECT bag_eq('SELECT x.name, r, f, m FROM found x, generate_series(r_from, r_to) r, generate_series(f_from, f_to) f, generate_series(m_from, m_to) m WHERE problem = ''hole''',
	'SELECT name, r, f, m FROM score s WHERE NOT EXISTS (SELECT FROM matched x WHERE (x.name, x.r, x.f, x.m) = (s.name, s.r, s.f, s.m))', 'holes are the scores that no rule matches, each in one');
SELECT bag_eq('SELECT x.name, segment, instead, r, f, m FROM found x, generate_series(r_from, r_to) r, generate_series(f_from, f_to) f, generate_series(m_from, m_to) m WHERE problem = ''overlap''',
	'SELECT a.name, b.segment, a.segment AS instead, a.r, a.f, a.m FROM matched a JOIN matched b USING (name, r, f, m) WHERE a.n < b.n AND a.segment <> b.segment', 'overlaps are those that two rules of different segments match');
SELECT bag_eq('SELECT name, segment FROM found WHERE problem = ''never''', 'SELECT name, segment FROM box b WHERE NOT EXISTS (SELECT FROM matched x WHERE x.name = b.name AND x.n = b.n AND NOT EXISTS (SELECT FROM matched e WHERE (e.name, e.r, e.f, e.m) = (x.name, x.r, x.f, x.m) AND e.n < x.n))', 'never: what is left to no score');
SELECT is_empty('SELECT * FROM found f JOIN rules_of USING (name) WHERE problem = ''hole'' AND instead <> coalesce(rules::jsonb->>''others'', ''Others'')', 'whom no rule matches are the others');
SELECT is_empty('SELECT s.name, r, f, m FROM score s JOIN rules_of USING (name) WHERE rfm_segment(r, f, m, rules) IS DISTINCT FROM coalesce((SELECT segment FROM matched x WHERE (x.name, x.r, x.f, x.m) = (s.name, s.r, s.f, s.m) ORDER BY n LIMIT 1), rules::jsonb->>''others'', ''Others'')', 'the first rule that matches wins');
SELECT is_empty($$SELECT * FROM rfm_segments_check('{"segments": [{"segment": "All"}]}', 36525)$$, 'nothing is wrong with one for all');
SELECT results_eq($$SELECT * FROM rfm_segments_check('{"segments": [{"segment": "Best", "r": 1000}]}', 1000)$$, $$VALUES ('hole', NULL, 'Others', 1, 999, 1, 1000, 1, 1000)$$, 'a thousand scores are no more work than five');
-- a name that several rules have is one segment, and others may be one of them
SELECT results_eq($$SELECT t.segment, t.rank, t.members FROM (SELECT rfm_census(timelines(c, date '2024-01-01' + c, c), rules => '{"segments": [{"segment": "A", "r": 1}, {"segment": "B", "r": [2, 3]}, {"segment": "A", "r": 4}], "others": "B"}') AS r FROM generate_series(1, 10) c) q, rfm_census_table(r) t$$,
	$$VALUES ('A', 1, 4::bigint), ('B', 2, 6)$$, 'one segment of several rules');

-- many bins are looked up otherwise
SELECT is(a::text, b::text, 'of many scores, rules are looked up one by one') FROM (SELECT timelines(customer, timeline) AS base FROM history) h,
	LATERAL (SELECT rfm_scale(base, 40, '2012-12-31') AS s) s,
	LATERAL (SELECT array_agg((segment, members)::text ORDER BY segment) AS a FROM rfm_census_table(rfm_census(base, s, '{"segments": [{"segment": "top", "r": [31, 40], "m": [21, 40]}, {"segment": "rest", "r": [1, 39]}]}', '2012-12-31')) WHERE segment <> 'not yet bought' AND members > 0) a,
	LATERAL (SELECT array_agg((segment, n)::text ORDER BY segment) AS b FROM (SELECT rfm_segment(x.r, x.f, x.m, '{"segments": [{"segment": "top", "r": [31, 40], "m": [21, 40]}, {"segment": "rest", "r": [1, 39]}]}') AS segment, count(*) AS n FROM history, rfm_score(timeline, s, '2012-12-31') x WHERE x.r IS NOT NULL GROUP BY 1) g) b;

-- ---- edges ----

SELECT results_eq('SELECT (rfm(NULL::event_timeline)).*', 'SELECT NULL::int, NULL::int, NULL::bigint, NULL::numeric, NULL::numeric, NULL::int', 'NULLs of NULL');
SELECT results_eq($$SELECT (rfm('[]')).*$$, 'SELECT NULL::int, 0, 0::bigint, 0::numeric, NULL::numeric, NULL::int', 'no events');
SELECT results_eq($$SELECT (rfm(timeline_agg(date '2024-01-05', 5), '2024-01-04')).*$$, 'SELECT NULL::int, 0, 0::bigint, 0::numeric, NULL::numeric, NULL::int', 'before the first event');
SELECT results_eq($$SELECT (rfm(timeline_agg(date '2024-01-05', -5), '2024-01-06')).*$$, 'SELECT NULL::int, 0, 0::bigint, -5::numeric, NULL::numeric, NULL::int', 'returns only');
SELECT results_eq($$SELECT (rfm(timeline_agg(at), '2024-01-06')).* FROM (SELECT timestamptz '2024-01-05 10:00+00' AS at) q$$, 'SELECT 1, 1, 1::bigint, 0::numeric, 0::numeric, 1', 'an event without value is a purchase');
SELECT results_eq($$SELECT (rfm_score('[]', make_rfm_scale('{1}', '{1}', '{1}'))).*$$, 'SELECT NULL::int, NULL::int, NULL::int', 'no scores without a purchase');
SELECT results_eq($$SELECT (rfm_score(NULL, make_rfm_scale('{1}', '{1}', '{1}'))).*$$, 'SELECT NULL::int, NULL::int, NULL::int', '... nor of NULL');
SELECT is(rfm_segment(NULL, 1, 1), NULL, '... and no segment of that');
-- Cuba's clock went back from 01:00 to 00:00 on 2012-11-04: an hour of that day comes twice
SELECT results_eq($$SELECT x.frequency, x.recency FROM (SELECT timeline_agg(at) AS t FROM (VALUES (timestamptz '2012-11-04 04:30+00'), ('2012-11-04 05:30+00'), ('2012-11-05 05:30+00')) v (at)) h, rfm(t, '2012-11-05', 'America/Havana') x$$, 'VALUES (2, 0)', 'an hour that comes twice');
-- Newfoundland's went back from 00:01 to 23:01: on 2010-11-07 a minute of the day had begun when the day before came again, whose end is where the next one first began
CREATE TABLE newfoundland AS SELECT n, day, x.* FROM (VALUES (1, ARRAY[timestamptz '2010-11-07 02:30:30+00', '2010-11-07 02:45+00']), (2, ARRAY[timestamptz '2010-11-06 12:00+00', '2010-11-07 02:30:30+00', '2010-11-07 02:45+00', '2010-11-07 04:00+00']), (3, ARRAY[timestamptz '2010-11-05 12:00+00', '2010-11-07 02:30:30+00', '2010-11-07 02:45+00'])) v (n, ats), unnest('{2010-11-06,2010-11-07}'::date[]) day, LATERAL (SELECT timeline_agg(at) AS t FROM unnest(ats) at) h, LATERAL rfm(t, day, 'America/St_Johns') x;
SELECT results_eq('SELECT n, day, recency, frequency, tenure FROM newfoundland ORDER BY 1, 2', $$VALUES (1, date '2010-11-06', NULL, 0, NULL), (1, '2010-11-07', 0, 2, 1), (2, '2010-11-06', 0, 1, 0), (2, '2010-11-07', 0, 2, 1), (3, '2010-11-06', 1, 1, 1), (3, '2010-11-07', 0, 3, 2)$$, 'clocks that go back over midnight');
-- nobody
SELECT is((SELECT rfm_scale(timelines(c, date '2024-01-01', -1)) FROM generate_series(1, 3) c), NULL, 'no scale where nobody has bought');
SELECT is((SELECT rfm_scale(timelines(c, date '2024-01-05', 1), 5, '2024-01-04') FROM generate_series(1, 3) c), NULL, '... by as_of');
SELECT is((SELECT rfm_scale(t, 5, '2024-01-01') FROM (SELECT event_timeline '[]' AS t) q), NULL, '... in an aggregate');
SELECT is((SELECT rfm_scale(timeline, 5, '2024-01-01') FROM history WHERE false), NULL, '... without rows');
SELECT is((SELECT rfm_scale(NULL::timeline_base)), NULL, 'NULL of a NULL base');
SELECT is((SELECT rfm_census(NULL::timeline_base)), NULL, '... a NULL census');
SELECT is((SELECT rfm_scale(NULL::rfm_distribution_result)), NULL, '... and of a NULL distribution');
SELECT results_eq($$SELECT t.segment, t.rank, t.members, t.share, t.revenue, t.share_of_revenue, t.mean_recency, t.mean_frequency, t.mean_monetary, t.as_of FROM (SELECT rfm_census(timelines(c, NULL::timestamptz, 1)) AS r FROM generate_series(1, 3) c) q, rfm_census_table(r) t WHERE t.members > 0$$,
	$$VALUES ('not yet bought', 12, 3::bigint, 1::float8, 0::numeric, NULL::float8, NULL::float8, 0::float8, 0.00000000000000000000, NULL::date)$$, 'members without events');
SELECT results_eq($$SELECT t.members, t.share, t.revenue FROM (SELECT rfm_census(timelines(NULL::int, date '2024-01-01', 1)) AS r) q, rfm_census_table(r) t$$, $$SELECT 0::bigint, NULL::float8, 0::numeric FROM generate_series(1, 11)$$, 'guests only');
SELECT results_eq($$SELECT rows_without_customer, members_without_events, arguments->'rules', arguments->'rfm_scale'->'frequency' FROM (SELECT rfm_census(timelines(c, d, 1)) AS r FROM (VALUES (1, date '2024-01-01'), (2, NULL), (NULL, '2024-01-02')) v (c, d)) q, result_scope(r)$$, $$VALUES (1::bigint, 1::bigint, '{}'::jsonb, '[1, 1, 1, 1]'::jsonb)$$, 'what a result says of itself');
-- results add up where one side has no scale since nobody has bought
SELECT is((SELECT rollup(r)::text FROM (SELECT rfm_census(timelines(1, date '2024-01-01', 1), as_of => '2024-01-05') UNION ALL SELECT rfm_census(timelines(2, NULL::date, 1), as_of => '2024-01-05')) v (r)),
	(SELECT rfm_census(timelines(c, d, 1), as_of => '2024-01-05')::text FROM (VALUES (1, date '2024-01-01'), (2, NULL)) v (c, d)), 'a part where nobody has bought adds up');
-- large and very fine amounts
SELECT is((SELECT rfm_scale(timelines(c, date '2024-01-01', value), 3) FROM (VALUES (1, 0.000000000000000001), (2, 1.5), (3, 9)) v (c, value)), '{"recency": [0, 0], "frequency": [1, 1], "monetary": [1.5, 9]}', '18 decimals');
SELECT is((SELECT t.revenue FROM (SELECT rfm_census(timelines(1, date '2024-01-01' + n, 9000000000000000000), make_rfm_scale('{}', '{}', '{}')) AS r FROM generate_series(1, 10) n) q, rfm_census_table(r) t WHERE members > 0), 90000000000000000000, 'sums of more than 64 bits');
SELECT throws_ok($$SELECT rfm_scale(timelines(1, date '2024-01-01' + n, 9000000000000000000)) FROM generate_series(1, 10) n$$, '22003', NULL, '... which a scale doesn''t hold');
SELECT throws_ok($$SELECT rfm_census(timelines(1, date '2024-01-01' + n, 9000000000000000000)) FROM generate_series(1, 10) n$$, '22003', NULL, '... nor a census that makes its own');

-- ---- text and binary ----

SELECT is((SELECT distribution::text::rfm_distribution_result::text FROM way WHERE way = 'rows'), (SELECT distribution::text FROM way WHERE way = 'rows'), 'a distribution is read as it is written');
SELECT is((SELECT census::text::rfm_census_result FROM way WHERE way = 'rows'), (SELECT census FROM way WHERE way = 'rows'), 'a census');
SELECT is((SELECT migration::text::rfm_migration_result FROM way WHERE way = 'rows'), (SELECT migration FROM way WHERE way = 'rows'), 'a migration');
SELECT is((SELECT rfm_scale(distribution::text::rfm_distribution_result) FROM way WHERE way = 'rows'), (SELECT scale FROM way WHERE way = 'rows'), '... and a scale can be made of it');
SELECT is((SELECT scale::text::rfm_scale FROM way WHERE way = 'rows'), (SELECT scale FROM way WHERE way = 'rows'), 'a scale');
SELECT is('{"monetary": [1.50, 20.0], "recency": [30, 7], "frequency": [2, 2]}'::rfm_scale::text, '{"recency": [30, 7], "frequency": [2, 2], "monetary": [1.5, 20]}', 'a scale has one text');
SELECT is('{"others": "Others", "segments": [{"m": [2, 2], "r": null, "segment": "A", "f": [1, 36525]}]}'::rfm_rules::text, '{"segments": [{"segment": "A", "m": 2}]}', 'rules too');
SELECT is(make_rfm_scale('{30,7}', '{2,2}', '{1.50,20}'), '{"recency": [30, 7], "frequency": [2, 2], "monetary": [1.5, 20]}'::jsonb::rfm_scale, 'made, and from jsonb');
SELECT is(make_rfm_rules('[{"segment": "A", "r": [4, 5]}]', 'B'), '{"segments": [{"segment": "A", "r": [4, 5]}], "others": "B"}', 'rules, made');
SELECT is(make_rfm_rules(), '{}', '... of nothing');
SELECT results_eq($$SELECT * FROM rfm_scale_table(make_rfm_scale('{30,7}', '{2,2}', '{1.50,20}'))$$, 'VALUES (1, NULL::int, NULL::int, NULL::numeric), (2, 30, 2, 1.5), (3, 7, 2, 20)', 'a scale as rows');
SELECT is((SELECT count(DISTINCT s)::int FROM (VALUES (make_rfm_scale('{1}', '{1}', '{1.0}')), (make_rfm_scale('{1}', '{1}', '{1}')), (make_rfm_scale('{2}', '{1}', '{1}'))) v (s)), 2, 'equal scales are equal');

-- ---- errors ----

CREATE TABLE refused (call text, state text, message text);
INSERT INTO refused VALUES
	('make_rfm_scale(NULL, ''{1}'', ''{1}'')', '22004', 'recency must not be null'), ('make_rfm_scale(''{1}'', ''{NULL}'', ''{1}'')', '22004', '"frequency" of a rfm_scale has a NULL element'),
	('make_rfm_scale(''{{1,2}}'', ''{1,2}'', ''{1,2}'')', '22023', NULL), ('make_rfm_scale(''{1,2}'', ''{1,2}'', ''{1,2}'')', '22023', '"recency" of a rfm_scale does not descend: 1 stands before 2'),
	('make_rfm_scale(''{2,1}'', ''{2,1}'', ''{1,2}'')', '22023', '"frequency" of a rfm_scale does not ascend: 2 stands before 1'), ('make_rfm_scale(''{2,1}'', ''{1,2}'', ''{2.5,1}'')', '22023', '"monetary" of a rfm_scale does not ascend: 2.5 stands before 1'),
	('make_rfm_scale(''{-1}'', ''{1}'', ''{1}'')', '22023', '"recency" of a rfm_scale has -1'), ('make_rfm_scale(''{1}'', ''{1}'', ''{NaN}'')', '22003', NULL), ('make_rfm_scale(''{1}'', ''{1}'', ''{1e30}'')', '22003', NULL),
	('make_rfm_scale(''{2,1}'', ''{1}'', ''{1}'')', '22023', 'a rfm_scale has 2 cut points of recency, 1 of frequency and 1 of monetary'), ('make_rfm_scale(array_fill(1, ARRAY[36525]), ''{1}'', ''{1}'')', '54000', NULL),
	('''{}''::rfm_scale', '22P02', '"recency" is missing in a rfm_scale'), ('''[]''::rfm_scale', '22P02', 'a rfm_scale is written as a JSON object'), ('''{"recency": 1, "frequency": [1], "monetary": [1]}''::rfm_scale', '22P02', '"recency" of a rfm_scale is not an array'),
	('''{"recency": [1], "frequency": ["1"], "monetary": [1]}''::rfm_scale', '22P02', '"frequency" of a rfm_scale is not an array of numbers'), ('''{"recency": [1], "frequency": [1.5], "monetary": [1]}''::rfm_scale', '22023', '"frequency" of a rfm_scale has 1.5'),
	('''{"recency": [1], "frequency": [1], "monetary": [1], "bins": 2}''::rfm_scale', '22P02', 'unknown key "bins" in a rfm_scale'), ('''{"recency": [1], "recency": [1], "frequency": [1], "monetary": [1]}''::rfm_scale', '22P02', NULL),
	('''{"recency": [3000000000], "frequency": [1], "monetary": [1]}''::rfm_scale', '22023', '"recency" of a rfm_scale has 3000000000'), ('''{"recency": [[1]], "frequency": [1], "monetary": [1]}''::rfm_scale', '22P02', NULL), ('''{"recency": [1]''::rfm_scale', '22P02', NULL), ('''null''::rfm_scale', '22P02', NULL),
	('''{"segments": []}''::rfm_rules', '22023', '"segments" of a rfm_rules is empty'), ('''{"segments": {}}''::rfm_rules', '22P02', NULL), ('''{"segments": [1]}''::rfm_rules', '22P02', '"segments[0]" of a rfm_rules is not an object'),
	('''{"segments": [{}]}''::rfm_rules', '22P02', '"segments[0].segment" is missing in a rfm_rules'), ('''{"segments": [{"segment": ""}]}''::rfm_rules', '22023', '"segments[0].segment" of a rfm_rules is empty'), ('''{"segments": [{"segment": 5}]}''::rfm_rules', '22P02', NULL),
	('''{"segments": [{"segment": "not yet bought"}]}''::rfm_rules', '22023', NULL), ('''{"others": "not yet bought"}''::rfm_rules', '22023', NULL), ('''{"others": ""}''::rfm_rules', '22023', '"others" of a rfm_rules is empty'),
	('''{"segments": [{"segment": "A", "R": 5}]}''::rfm_rules', '22P02', 'unknown key "R" in a rfm_rules at "segments[0]"'), ('''{"segments": [{"segment": "A", "r": 0}]}''::rfm_rules', '22023', '"segments[0].r" of a rfm_rules has the score 0'), ('''{"segments": [{"segment": "A", "r": 36526}]}''::rfm_rules', '22023', NULL),
	('''{"segments": [{"segment": "A", "r": [5, 4]}]}''::rfm_rules', '22023', '"segments[0].r" of a rfm_rules goes from 5 to 4'), ('''{"segments": [{"segment": "A", "r": [5]}]}''::rfm_rules', '22023', '"segments[0].r" of a rfm_rules has 1 elements'), ('''{"segments": [{"segment": "A", "r": [1, 2, 3]}]}''::rfm_rules', '22023', NULL), ('''{"segments": [{"segment": "A", "r": []}]}''::rfm_rules', '22023', NULL),
	('''{"segments": [{"segment": "A", "r": "5"}]}''::rfm_rules', '22P02', NULL), ('''{"segments": [{"segment": "A", "r": 4.5}]}''::rfm_rules', '22P02', NULL), ('''{"segments": [{"segment": "A", "r": {"from": 1}}]}''::rfm_rules', '22P02', NULL), ('''{"segments": [{"segment": "A", "r": [1, null]}]}''::rfm_rules', '22P02', NULL),
	('''{"versions": []}''::rfm_rules', '22P02', NULL), ('''{"segments": [{"segment": "A", "segment": "B"}]}''::rfm_rules', '22P02', NULL), ('repeat(''['', 100000)::rfm_rules', '54001', NULL), ('(''{"segments": '' || repeat(''['', 100000) || repeat('']'', 100000) || ''}'')::rfm_rules', '54001', NULL),
	('make_rfm_rules((SELECT jsonb_agg(jsonb_build_object(''segment'', ''A'')) FROM generate_series(1, 1001)))', '54000', '"segments" of a rfm_rules has 1001 rules'),
	('rfm_segment(0, 1, 1)', '22023', 'r must be between 1 and 36525, not 0'), ('rfm_segment(1, 1, -5)', '22023', 'm must be between 1 and 36525, not -5'), ('rfm_segment(1, 1, 1, NULL)', '22004', 'rules must not be null'),
	('rfm_segments_check(NULL)', '22004', 'rules must not be null'), ('rfm_segments_check(bins => NULL)', '22004', 'bins must not be null'), ('rfm_segments_check(bins => 0)', '22023', 'bins must be between 1 and 36525, not 0'),
	('rfm(''[]'', NULL)', '22004', 'as_of must not be null'), ('rfm(''[]'', ''infinity'')', '22008', NULL), ('rfm(''[]'', ''2024-01-01'', ''Nowhere'')', '22023', NULL),
	('rfm_score(''[]'', NULL)', '22004', 'scale must not be null'), ('rfm_score(''[]'', ''{}'')', '22P02', NULL), ('rfm_score(''[]'', make_rfm_scale(''{1}'', ''{1}'', ''{1}''), NULL)', '22004', NULL),
	('rfm_scale(b, 0) FROM (SELECT timelines(1, date ''2024-01-01'', 1) AS b) q', '22023', 'bins must be between 1 and 36525, not 0'), ('rfm_scale(b, -1) FROM (SELECT timelines(1, date ''2024-01-01'', 1) AS b) q', '22023', NULL), ('rfm_scale(b, NULL) FROM (SELECT timelines(1, date ''2024-01-01'', 1) AS b) q', '22004', 'bins must not be null'),
	('rfm_scale(b, 5, ''infinity'') FROM (SELECT timelines(1, date ''2024-01-01'', 1) AS b) q', '22008', NULL), ('rfm_scale(NULL::rfm_distribution_result, 0)', '22023', NULL), ('rfm_scale(NULL::rfm_distribution_result, NULL)', '22004', NULL),
	('rfm_scale(timeline, 5) FROM history', '22004', 'as_of is missing'), ('rfm_scale(timeline, customer, ''2024-01-01'') FROM history', '22023', NULL), ('rfm_distribution(timeline) FROM history', '22004', 'as_of is missing'),
	('rfm_census(b, rules => NULL) FROM (SELECT timelines(1, date ''2024-01-01'', 1) AS b) q', '22004', 'rules must not be null'), ('rfm_census(timeline, NULL, ''{}'', ''2024-01-01'') FROM history', '22004', 'scale must not be null'), ('rfm_census(timeline, make_rfm_scale(''{}'', ''{}'', ''{}''), ''{}'') FROM history', '22004', 'as_of is missing'),
	('rfm_census(timeline, make_rfm_scale(ARRAY[customer], ''{1}'', ''{1}''), ''{}'', ''2024-01-01'') FROM history', '22023', 'scale must be the same for all rows of an aggregate'),
	('rfm_migration(b) FROM (SELECT timelines(1, date ''2024-01-01'', 1) AS b) q', '22004', 'from_day must not be null'), ('rfm_migration(b, from_day => ''2024-01-02'') FROM (SELECT timelines(1, date ''2024-01-01'', 1) AS b) q', '22023', 'from_day, 2024-01-02, is after to_day, 2024-01-01'),
	('rollup(r) FROM (SELECT rfm_census(timelines(c, date ''2024-01-01'', c), as_of => ''2024-01-05'') AS r FROM generate_series(1, 2) c GROUP BY c) q', '22023', NULL), ('rollup(d) FROM (SELECT rfm_distribution(timelines(1, date ''2024-01-01'', 1), day) AS d FROM unnest(''{2024-01-05,2024-01-06}''::date[]) day GROUP BY day) q', '22023', NULL);
SELECT throws_ok('SELECT ' || call, state, message, 'refused: ' || left(call, 100)) FROM refused;

-- results that no metric can have made
CREATE TABLE forged (type text, written text, detail text);
INSERT INTO forged
SELECT 'rfm_distribution_result', jsonb_set(d, '{rows}', rows), '' FROM (SELECT (SELECT distribution::text::jsonb FROM way WHERE way = 'two levels') AS d) q, LATERAL (VALUES ('[{"measure": 3, "number": 1, "amount": 0, "customers": 1}]'::jsonb), ('[{"measure": 0, "number": 1, "amount": 0, "customers": 1}]'), ('[{"measure": 0, "number": -1, "amount": 0, "customers": 1}]'), ('[{"measure": 2, "number": 1, "amount": 5, "customers": 1}]'), ('[{"measure": 1, "number": 0, "amount": 0, "customers": 1}]')) v (rows)
UNION ALL SELECT 'rfm_census_result', jsonb_set(c, '{rows}', rows), '' FROM (SELECT (SELECT census::text::jsonb FROM way WHERE way = 'two levels') AS c) q, LATERAL (VALUES ('[{"rank": 0, "members": 1, "recency": 0, "frequency": 1, "revenue": 0}]'::jsonb), ('[{"rank": 13, "members": 1, "recency": 0, "frequency": 1, "revenue": 0}]'), ('[{"rank": 1, "members": 2, "recency": 0, "frequency": 1, "revenue": 0}]'), ('[{"rank": 12, "members": 1, "recency": 0, "frequency": 1, "revenue": 0}]'), ('[{"rank": 1, "revenue": 5}]')) v (rows)
UNION ALL SELECT 'rfm_census_result', c - key, '' FROM (SELECT (SELECT census::text::jsonb FROM way WHERE way = 'two levels') AS c) q, unnest('{rfm_scale,rules,as_of}'::text[]) key
UNION ALL SELECT 'rfm_migration_result', m - key, '' FROM (SELECT (SELECT migration::text::jsonb FROM way WHERE way = 'two levels') AS m) q, unnest('{rfm_scale,rules,from_day,to_day}'::text[]) key;
CREATE FUNCTION state_of(query text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE query; RETURN 'none'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;
SELECT is(state_of(format('SELECT %L::%s', written, type)), '22P02', 'forged: ' || type || ' ' || right(written, 90)) FROM forged;
SELECT * FROM finish();
ROLLBACK;
