--
-- The other kinds of retention, cell by cell, against plain SQL: recurring cohorts, brackets, rolling
-- windows, starts and returns of different kinds, elapsed lags; over a base and in two levels,
-- added up, written and read.
--
\ir reference/setup.sql
BEGIN;
\ir reference/periods.sql
\ir reference/orders.sql
CREATE TABLE start_day (customer int, day date);
CREATE TABLE return_day (customer int, day date);
CREATE TABLE happened (customer int, at timestamptz, value numeric);
\ir reference/retention_kinds.sql

-- Who signs up and who orders: some do just one of both, some order before they sign up.
CREATE TABLE signup AS SELECT customer, at FROM orders WHERE customer % 3 <> 1 OR customer IS NULL;
CREATE TABLE purchase AS SELECT customer, at - interval '11 days' AS at FROM orders WHERE customer % 5 <> 2 OR customer IS NULL;
INSERT INTO happened SELECT customer, at, CASE extract(minute FROM at)::int % 5 WHEN 0 THEN -1 WHEN 1 THEN NULL ELSE 2.5 END FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL;
ANALYZE signup;
ANALYZE purchase;
ANALYZE happened;

CREATE FUNCTION enter_zone(zone text, two boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, false);
	TRUNCATE start_day, return_day;
	IF two THEN
		INSERT INTO start_day SELECT DISTINCT customer, at::date FROM signup WHERE customer IS NOT NULL AND at IS NOT NULL;
		INSERT INTO return_day SELECT DISTINCT customer, at::date FROM purchase WHERE customer IS NOT NULL AND at IS NOT NULL;
	ELSE
		INSERT INTO start_day SELECT DISTINCT customer, at::date FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL;
		INSERT INTO return_day TABLE start_day;
	END IF;
	ANALYZE start_day;
	ANALYZE return_day;
	RETURN true;
END $$;

CREATE TABLE question (id int GENERATED ALWAYS AS IDENTITY, two boolean, zone text, period text, until date, mode text, brackets int[], rolling int);
INSERT INTO question (two, zone, period, until, mode, brackets, rolling)
SELECT two, zone, period, until, mode, brackets::int[], rolling
FROM unnest(ARRAY[false, true]) two,
	 (VALUES ('UTC', 'month', date '2012-10-27'), ('Pacific/Apia', 'week:sunday', '2012-02-29'), ('Europe/Helsinki', 'quarter:02-01', '2013-12-31'),
			 ('America/New_York', '{2010-12-27,2011-03-01,2011-03-29,2011-12-30,2012-02-29,2012-03-01,2012-09-30,2013-02-01}', '2013-03-31')) p(zone, period, until),
	 unnest(ARRAY['first', 'recurring']) mode,
	 (VALUES (NULL, NULL), (NULL, 1), (NULL, 3), (NULL, 40), ('{{0,0},{1,3},{1,6},{2,2},{4,9},{50,60}}', NULL)) k(brackets, rolling);

-- The answer to a question; by: the base, two levels, or added up.
CREATE FUNCTION answer(q question, by text) RETURNS retention_result
LANGUAGE plpgsql AS $$
DECLARE
	r retention_result;
	p calendar_period := q.period;
	o jsonb := retention_options(q.mode, q.brackets, q.rolling);
BEGIN
	IF by = 'base' AND q.two THEN
		SELECT retention(s.b, t.b, p, q.until, q.mode, q.brackets, q.rolling) INTO r
		FROM (SELECT activities(customer, at) AS b FROM signup) s, (SELECT activities(customer, at) AS b FROM purchase) t;
	ELSIF by = 'base' THEN
		SELECT retention(activities(customer, at), p, q.until, q.mode, q.brackets, q.rolling) INTO r FROM orders;
	ELSIF by = 'levels' AND q.two THEN
		SELECT retention(s.a, t.a, p, q.until, o) INTO r
		FROM (SELECT customer, activity_agg(at) AS a FROM signup WHERE customer IS NOT NULL GROUP BY customer) s
		FULL JOIN (SELECT customer, activity_agg(at) AS a FROM purchase WHERE customer IS NOT NULL GROUP BY customer) t USING (customer);
	ELSIF by = 'levels' THEN
		SELECT retention(a, p, q.until, o) INTO r FROM (SELECT customer, activity_agg(at) AS a FROM orders WHERE customer IS NOT NULL GROUP BY customer) s;
	ELSIF q.two THEN
		SELECT rollup(retention(s.b, t.b, p, q.until, q.mode, q.brackets, q.rolling)) INTO r
		FROM (SELECT customer % 4 AS shard, activities(customer, at) AS b FROM signup GROUP BY 1) s
		LEFT JOIN (SELECT customer % 4 AS shard, activities(customer, at) AS b FROM purchase GROUP BY 1) t ON t.shard IS NOT DISTINCT FROM s.shard;
	ELSE
		SELECT rollup(retention) INTO r FROM (SELECT retention(activities(customer, at), p, q.until, q.mode, q.brackets, q.rolling) FROM orders GROUP BY customer % 7) s;
	END IF;
	RETURN r;
END $$;

-- What two-level results don't know: the zone, and the guests.
CREATE FUNCTION as_levels(r retention_result) RETURNS text
LANGUAGE sql AS $$ SELECT (r::text::jsonb - 'zone' - 'rows_without_customer')::text $$;

CREATE FUNCTION faults(q question) RETURNS TABLE(what text, detail text)
LANGUAGE plpgsql AS $$
DECLARE
	r retention_result;
BEGIN
	PERFORM enter_zone(q.zone, q.two);
	r := answer(q, 'base');
	CREATE TEMP TABLE got ON COMMIT DROP AS
		SELECT t.cohort, t.cohort_size, t.lag, t.until_lag, t.period_start, t.period_end, t.retained, t.retained_after, t.complete FROM retention_table(r) t;
	CREATE TEMP TABLE wanted ON COMMIT DROP AS
		SELECT * FROM ref_retention_kind(q.period, q.until, q.mode, q.brackets, q.rolling);
	RETURN QUERY (SELECT 'wrong', (g.*)::text FROM (TABLE got EXCEPT ALL TABLE wanted) g LIMIT 3);
	RETURN QUERY (SELECT 'missing', (w.*)::text FROM (TABLE wanted EXCEPT ALL TABLE got) w LIMIT 3);
	RETURN QUERY (SELECT 'curve', (c.*)::text FROM (
		(SELECT c.lag, c.until_lag, c.eligible, c.retained, c.retained_after FROM retention_curve(r) c
		 EXCEPT ALL SELECT * FROM ref_kind_curve(q.period, q.until, q.mode, q.brackets, q.rolling))
		UNION ALL
		(SELECT * FROM ref_kind_curve(q.period, q.until, q.mode, q.brackets, q.rolling)
		 EXCEPT ALL SELECT c.lag, c.until_lag, c.eligible, c.retained, c.retained_after FROM retention_curve(r) c)) c LIMIT 3);
	RETURN QUERY SELECT 'rates', (t.*)::text FROM retention_table(r) t
		WHERE t.eligible <> t.cohort_size OR t.rate <> t.retained::float8 / t.eligible OR t.rate_after <> t.retained_after::float8 / t.eligible LIMIT 3;
	RETURN QUERY SELECT 'totals', (n.*)::text FROM retention_totals(r) n
		WHERE n.memberships <> (SELECT coalesce(sum(cohort_size), 0) FROM (SELECT DISTINCT w.cohort, w.cohort_size FROM ref_retention_kind(q.period, q.until, q.mode, NULL, NULL) w) c)
		   OR n.customers <> (SELECT count(DISTINCT customer) FROM start_day WHERE day <= q.until)
		   OR n.as_of <> q.until OR n.options::jsonb - 'returns' <> retention_options(q.mode, q.brackets, q.rolling);
	RETURN QUERY SELECT 'two levels', left(as_levels(answer(q, 'levels')), 200) WHERE as_levels(answer(q, 'levels')) <> as_levels(r);
	RETURN QUERY SELECT 'added up', left(answer(q, 'shards')::text, 200) WHERE answer(q, 'shards') <> r;
	RETURN QUERY SELECT 'text', left(r::text, 200) WHERE r::text::retention_result <> r OR r::text::retention_result::text <> r::text;
	DROP TABLE got, wanted;
END $$;

SELECT plan(count(*)::int + 155) FROM question;
SELECT is_empty(format('SELECT f.* FROM question q, faults(q) f WHERE id = %s', id),
				concat_ws(' ', CASE WHEN two THEN 'starts and returns' ELSE 'one base' END, mode, brackets, 'rolling ' || rolling, 'by', period, 'in', zone, 'as of', until))
FROM question ORDER BY id;

-- the references see what they should
SELECT enter_zone('UTC', true) AS entered \gset
SELECT cmp_ok((SELECT count(*)::int FROM ref_retention_kind('month', '2012-10-27', 'first', NULL, NULL) WHERE lag = 0 AND retained BETWEEN 1 AND cohort_size - 1), '>', 3, 'not everybody returns at lag 0');
SELECT cmp_ok((SELECT count(*)::int FROM ref_retention_kind('month', '2012-10-27', 'recurring', NULL, 3) WHERE retained > 0), '>', 100, 'the references have many cells');
SELECT cmp_ok((SELECT count(DISTINCT customer)::int FROM return_day WHERE customer NOT IN (SELECT customer FROM start_day)), '>', 10, 'some return who never started');

-- elapsed lags
CREATE TABLE elapsed_question (id int GENERATED ALWAYS AS IDENTITY, zone text, period text, until date, elapsed interval, brackets int[], rolling int);
INSERT INTO elapsed_question (zone, period, until, elapsed, brackets, rolling)
SELECT zone, period, until, elapsed::interval, brackets::int[], rolling
FROM (VALUES ('UTC', 'month', date '2012-10-27'), ('Pacific/Apia', 'quarter', '2012-02-29'), ('Europe/Helsinki', 'year@America/New_York', '2013-12-31')) p(zone, period, until),
	 unnest(ARRAY['24 hours', '7 days', '100 days 05:30:00.000001', '2000 days']) elapsed,
	 (VALUES (NULL, NULL), (NULL, 4), ('{{0,0},{1,7},{2,2},{1,30}}', NULL)) k(brackets, rolling);
CREATE FUNCTION elapsed_answer(q elapsed_question, by text) RETURNS retention_result
LANGUAGE plpgsql AS $$
DECLARE
	r retention_result;
	p calendar_period := q.period;
BEGIN
	IF by = 'base' THEN
		SELECT retention(timelines(customer, at, value), p, q.until, q.elapsed, q.brackets, q.rolling) INTO r FROM happened;
	ELSIF by = 'levels' THEN
		SELECT retention(t, p, q.until, retention_options(brackets => q.brackets, rolling => q.rolling, elapsed => q.elapsed)) INTO r
		FROM (SELECT timeline_agg(at, value) AS t FROM happened GROUP BY customer) s;
	ELSE
		SELECT rollup(retention) INTO r FROM (SELECT retention(timelines(customer, at, value), p, q.until, q.elapsed, q.brackets, q.rolling) FROM happened GROUP BY customer % 7) s;
	END IF;
	RETURN r;
END $$;
CREATE FUNCTION elapsed_faults(q elapsed_question) RETURNS TABLE(what text, detail text)
LANGUAGE plpgsql AS $$
DECLARE
	r retention_result;
	micros numeric := extract(epoch FROM q.elapsed) * 1000000;
	p text := split_part(q.period, '@', 1);
	other_zone text := nullif(split_part(q.period, '@', 2), '');
BEGIN
	PERFORM set_config('timezone', q.zone, false);
	r := elapsed_answer(q, 'base');
	PERFORM set_config('timezone', coalesce(other_zone, q.zone), false);
	CREATE TEMP TABLE wanted ON COMMIT DROP AS SELECT * FROM ref_elapsed(p, q.until, micros, q.brackets, q.rolling);
	PERFORM set_config('timezone', q.zone, false);
	CREATE TEMP TABLE got ON COMMIT DROP AS
		SELECT t.cohort, t.cohort_size, t.lag, t.until_lag, t.eligible, t.retained, t.retained_after, t.complete FROM retention_table(r) t;
	RETURN QUERY (SELECT 'wrong', (g.*)::text FROM (TABLE got EXCEPT ALL TABLE wanted) g LIMIT 3);
	RETURN QUERY (SELECT 'missing', (w.*)::text FROM (TABLE wanted EXCEPT ALL TABLE got) w LIMIT 3);
	RETURN QUERY (SELECT 'curve', (c.*)::text FROM (
		SELECT c.lag, c.until_lag, c.eligible, c.retained, c.retained_after FROM retention_curve(r) c
		EXCEPT ALL SELECT w.lag, w.until_lag, sum(w.eligible)::bigint, sum(w.retained)::bigint, sum(w.retained_after)::bigint FROM wanted w GROUP BY w.lag, w.until_lag) c LIMIT 3);
	RETURN QUERY SELECT 'curve', 'has ' || n FROM (SELECT count(*) AS n FROM retention_curve(r)) c WHERE n <> (SELECT count(DISTINCT (w.lag, w.until_lag)) FROM wanted w);
	RETURN QUERY SELECT 'totals', (n.*)::text FROM retention_totals(r) n
		WHERE n.customers <> (SELECT count(DISTINCT customer) FROM happened WHERE (value IS NULL OR value >= 0) AND at < ((q.until + 1)::timestamp AT TIME ZONE coalesce(other_zone, q.zone)))
		   OR n.memberships <> n.customers OR n.zone <> coalesce(other_zone, q.zone)
		   OR n.members_without_events <> (SELECT count(DISTINCT customer) FROM happened) - n.customers;
	RETURN QUERY SELECT 'two levels', left(elapsed_answer(q, 'levels')::text, 200) WHERE elapsed_answer(q, 'levels') <> r;
	RETURN QUERY SELECT 'added up', left(elapsed_answer(q, 'shards')::text, 200) WHERE elapsed_answer(q, 'shards') <> r;
	RETURN QUERY SELECT 'text', left(r::text, 200) WHERE r::text::retention_result <> r OR r::text::retention_result::text <> r::text;
	DROP TABLE got, wanted;
END $$;
SELECT is_empty(format('SELECT f.* FROM elapsed_question q, elapsed_faults(q) f WHERE id = %s', id),
				concat_ws(' ', 'lags of', elapsed, brackets, 'rolling ' || rolling, 'by', period, 'in', zone, 'as of', until))
FROM elapsed_question ORDER BY id;
SELECT cmp_ok((SELECT count(*)::int FROM ref_elapsed('month', '2012-10-27', 86400000000, NULL, NULL) WHERE eligible < cohort_size AND retained > 0), '>', 3, 'some lags are over for some only');

-- two bases of different numbers of parts, by every type of customer
CREATE TABLE many AS SELECT n AS customer, date '2024-01-01' + n % 300 AS day FROM generate_series(1, 60000) n;
CREATE TABLE few AS SELECT customer, day + 40 AS day FROM many WHERE customer % 1000 < 3 UNION ALL SELECT -customer, day FROM many WHERE customer < 50;
SELECT results_eq(format($$SELECT n.customers, (SELECT sum(t.retained) FROM retention_table(r) t) FROM (SELECT activities(%1$s, day) AS b FROM many) s, (SELECT activities(%1$s, day) AS b FROM few) t,
	LATERAL retention(s.b, t.b, 'month', NULL) r, LATERAL retention_totals(r) n$$, customer), 'VALUES (60000::bigint, 180::numeric)', 'many starts, few returns: ' || customer)
FROM unnest(ARRAY['customer', 'customer::text', 'md5(customer::text)::uuid']) customer;
SELECT results_eq(format($$SELECT n.customers, (SELECT sum(t.retained) FROM retention_table(r) t WHERE lag > 0) FROM (SELECT activities(%1$s, day - 40) AS b FROM few) s, (SELECT activities(%1$s, day + 40) AS b FROM many) t,
	LATERAL retention(s.b, t.b, 'month', NULL) r, LATERAL retention_totals(r) n$$, customer), 'VALUES (229::bigint, 180::numeric)', 'few starts, many returns: ' || customer)
FROM unnest(ARRAY['customer', 'customer::text', 'md5(customer::text)::uuid']) customer;

-- a base that is empty, or isn't there
SELECT is(retention(activities(1, date '2024-01-05'), (SELECT activities(1, date '2024-01-05') WHERE false), 'month', NULL), retention(activities(1, date '2024-01-05'), activities(2, date '2024-01-05'), 'month', NULL), 'nobody returns, there being no base');
SELECT is(retention((SELECT activities(1, date '2024-01-05') WHERE false), activities(1, date '2024-01-05'), 'month', NULL), NULL, 'nobody starts');
SELECT is((SELECT as_of FROM (SELECT retention(activities(1, date '2024-01-05'), activities(2, date '2024-03-05'), 'month', NULL) AS r) q, retention_totals(r)), date '2024-03-05', 'as_of is the last day of either base');
SELECT results_eq($$SELECT customers, members_without_events, rows_without_customer, as_of FROM (SELECT retention(activities(c, d), activities(NULL::int, d), 'month', NULL) AS r FROM (VALUES (1, NULL::date), (2, NULL), (NULL, NULL)) v(c, d)) q, retention_totals(r)$$,
	'VALUES (0::bigint, 2::bigint, 4::bigint, NULL::date)', 'members without starts, guests of both bases');
SELECT results_eq($$SELECT customers, members_without_events FROM (SELECT retention(s::activity_set, t::activity_set, 'month', NULL, NULL) AS r FROM (VALUES ('{2024-01-05}', NULL), (NULL, '{2024-01-05}'), ('{}', '{2024-01-05}'), (NULL, NULL)) v(s, t)) q, retention_totals(r)$$,
	'VALUES (1::bigint, 1::bigint)', 'NULL sets, in two levels');
SELECT is(zone, wanted, 'zones of starts and returns: ' || coalesce(wanted, 'none'))
FROM (SELECT retention(activities(1, timestamptz '2024-01-05', 'Asia/Tokyo'), activities(1, timestamptz '2024-01-05', 'Asia/Tokyo'), 'month', NULL), 'Asia/Tokyo'
	UNION ALL SELECT retention(activities(1, timestamptz '2024-01-05', 'Asia/Tokyo'), activities(1, date '2024-01-05'), 'month', NULL), NULL
	UNION ALL SELECT retention(activities(1, date '2024-01-05'), activities(1, timestamptz '2024-01-05', 'Asia/Tokyo'), 'month', NULL), NULL
	UNION ALL SELECT retention(activities(1, timestamptz '2024-01-05', 'Asia/Tokyo'), activities(NULL::int, NULL::date), 'month', NULL), 'Asia/Tokyo') v(r, wanted), retention_totals(r);

-- recurring cohorts hold a customer several times
SELECT results_eq($$SELECT customers, memberships FROM (SELECT retention(activities(c, date '2024-01-05' + m * 31), mode => 'recurring') AS r FROM generate_series(1, 3) c, generate_series(0, 4) m) q, retention_totals(r)$$,
	'VALUES (3::bigint, 15::bigint)', 'customers and memberships');

-- elapsed lags are not calendar days
SELECT results_eq($$SELECT t.lag, t.eligible, t.retained, t.complete FROM (SELECT retention(timelines(1, at), 'day@UTC', '2024-01-08') AS r FROM (VALUES (timestamptz '2024-01-05 23:45Z'), ('2024-01-06 00:01Z'), ('2024-01-07 23:44:59.999999Z'), ('2024-01-07 23:45Z')) v(at)) q, retention_table(r) t$$,
	$$VALUES (0, 1::bigint, 1::bigint, true), (1, 1, 1, true), (2, 1, 1, true)$$, '23:45 and 00:01 are in one lag');
SELECT is(retention(timelines(1, at), 'month@UTC', '2024-01-08', '1 day'), retention(timelines(1, at), 'month@UTC', '2024-01-08'), 'a day has 24 hours') FROM (VALUES (timestamptz '2024-01-05 23:45Z')) v(at);
SELECT is((SELECT count(*) FROM (SELECT retention(timelines(1, at), 'month@UTC', '2024-01-05') AS r FROM (VALUES (timestamptz '2024-01-05 23:45Z')) v(at)) q, retention_table(r)), 0::bigint, 'before the first lag is over there is no row');

-- the plain kind: period, as_of and last_day (bits 0, 3 and 4), then four rows with what is retained and what ends (bits 1 and 2)
SELECT is(encode(retention_result_send(retention(activities(c, date '2024-01-05' + c * 17 % 100), 'month', '2024-05-01')), 'hex'),
	'0119056d6f6e74680a323032342d30352d30310a323032342d30342d3037040cc0fb02000a0a0c010008080c010008080c01000404', 'the bytes of the plain kind') FROM generate_series(1, 30) c;
SELECT is((SELECT retention(activities(c, date '2024-01-05' + c * 17 % 100), 'month', '2024-05-01', mode => 'first', brackets => NULL, rolling => NULL) FROM generate_series(1, 30) c),
	'{"period": "month", "options": {"mode": "first"}, "as_of": "2024-05-01", "last_day": "2024-04-07", "rows_without_customer": 0, "cohorts": [{"cohort": "2024-01-01", "cells": [[0, 10, 10]]}, {"cohort": "2024-02-01", "cells": [[0, 8, 8]]}, {"cohort": "2024-03-01", "cells": [[0, 8, 8]]}, {"cohort": "2024-04-01", "cells": [[0, 4, 4]]}]}'::retention_result, '... and its text, with its options or without');

-- days after today don't count where no as_of is given, so that a date that stands for none makes no lags
SELECT results_eq($$SELECT as_of, customers, members_without_events FROM (SELECT retention(activities(c, d)) AS r FROM (VALUES (1, date '2024-01-05'), (1, '9999-12-31'), (2, '9999-12-31')) v(c, d)) q, retention_totals(r)$$, $$VALUES (date '2024-01-05', 1::bigint, 1::bigint)$$, 'a day of 9999, over a base');
SELECT results_eq($$SELECT as_of, customers, members_without_events FROM (SELECT retention(a, 'month') AS r FROM (VALUES ('{2024-01-05,9999-12-31}'::activity_set), ('{9999-12-31}')) v(a)) q, retention_totals(r)$$, $$VALUES (date '2024-01-05', 1::bigint, 1::bigint)$$, '... over sets');
SELECT is((SELECT as_of = current_date FROM (SELECT retention(timelines(1, at), 'month', elapsed => '30 days') AS r FROM (VALUES (timestamptz '2024-01-05'), ('9999-12-31')) v(at)) q, retention_totals(r)), true, '... by elapsed lags: as of today');

-- calls
SELECT is(provolatile, 's', oid::regprocedure || ' depends on the session''s zone') FROM pg_proc WHERE proname IN ('retention', 'retention_accum') AND 'event_timeline'::regtype = ANY (proargtypes) ORDER BY oid;
SELECT lives_ok('SELECT ' || call || ' FROM (VALUES (1, ''{2024-01-05}''::activity_set, ''[{"at": "2024-01-05T10:00:00Z"}]''::event_timeline)) v(c, a, t)', call)
FROM unnest(ARRAY['retention(activities(c, a), mode => ''recurring'')', 'retention(activities(c, a), ''week'', mode => ''recurring'', rolling => 2)', 'retention(activities(c, a), ''week'', ''2024-01-05'', brackets => ARRAY[[1, 3]])',
	'retention(activities(c, a), activities(c, a), ''month'', NULL)', 'retention(activities(c, a), activities(c, a), ''month'', ''2024-01-05'', ''recurring'', NULL, 2)',
	'retention(starts => activities(c, a), returns => activities(c, a), period => ''week'', as_of => NULL, rolling => 2)', 'retention(timelines(c, t))', 'retention(timelines(c, t), ''month'', elapsed => ''12 hours'')',
	'retention(a, ''month'', NULL, ''{"mode": "recurring"}'')', 'retention(a, ''month'', ''2024-01-05'', retention_options(rolling => 3))', 'retention(a, ''month'', NULL, NULL::jsonb)', 'retention(a, a, ''month'', NULL, NULL)',
	'retention(a, a, ''month'', ''2024-01-05'', ''{"rolling": 3}'')', 'retention(t, ''month'', ''2024-01-05'')', 'retention(t, ''month'', ''2024-01-05'', ''{"elapsed": "36 hours"}'')', 'retention(a, ''month'', ''2024-01-05'')']) call;

-- errors
SELECT throws_ok('SELECT ' || call || ' FROM (VALUES (1, ''{2024-01-05}''::activity_set, ''[{"at": "2024-01-05T10:00:00Z"}]''::event_timeline)) v(c, a, t)', state, NULL, call)
FROM (VALUES ('retention(activities(c, a), mode => ''last'')', '22023'), ('retention(activities(c, a), mode => NULL)', '22004'), ('retention(activities(c, a), rolling => 0)', '22023'),
	('retention(activities(c, a), rolling => 36526)', '22023'), ('retention(activities(c, a), rolling => 3, brackets => ''{{1,3}}'')', '22023'), ('retention(activities(c, a), brackets => ''{}'')', '22023'),
	('retention(activities(c, a), brackets => ''{1,3}'')', '22023'), ('retention(activities(c, a), brackets => ''{{1,2,3}}'')', '22023'), ('retention(activities(c, a), brackets => ''{{1,NULL}}'')', '22023'),
	('retention(activities(c, a), brackets => ''{{3,1}}'')', '22023'), ('retention(activities(c, a), brackets => ''{{-1,1}}'')', '22023'), ('retention(activities(c, a), brackets => ''{{1,36526}}'')', '22023'),
	('retention(activities(c, a), brackets => (SELECT array_agg(ARRAY[n, n]) FROM generate_series(0, 1000) n))', '22023'),
	('retention(activities(c, a), activities(c, a), NULL, NULL)', '22004'), ('retention(activities(c, a), activities(c::text, a), ''month'', NULL)', '42804'),
	('retention(activities(c, timestamptz ''2024-01-05'', ''Asia/Tokyo''), activities(c, timestamptz ''2024-01-05'', ''UTC''), ''month'', NULL)', '22023'),
	('retention(activities(c, a), activities(c, timestamptz ''2024-01-05'', ''UTC''), ''month@Asia/Tokyo'', NULL)', '22023'), ('retention(activities(c, a), activities(c, a), ''month'', ''infinity'')', '22008'),
	('retention(timelines(c, t), at_least => NULL)', '22004'), ('retention(timelines(c, t), elapsed => ''1 month'')', '22023'), ('retention(timelines(c, t), elapsed => ''-1 day'')', '22023'),
	('retention(timelines(c, t), elapsed => ''59.999999 seconds'')', '22023'), ('retention(timelines(c, t), NULL)', '22004'), ('retention(timelines(c, t), as_of => ''infinity'')', '22008'),
	('retention(timelines(c, at), elapsed => ''1 minute'') FROM (VALUES (1, timestamptz ''4700-01-01 BC''), (1, ''2024-01-01'')) w(c, at) --', '54000'),
	('retention(timelines(c, t), ''{2024-02-01}'')', '22008'), ('retention(t, ''month'', NULL)', '22004'), ('retention(t, ''month'')', '22004'), ('retention(t, ''month'', ''2024-01-05'', ''{"mode": "recurring"}'')', '22023'),
	('retention_options(''recurring'', elapsed => ''1 day'')', '22023'), ('retention_options(NULL)', '22004'),
	('retention(a, ''month'', NULL, ''{"mod": 1}''::jsonb)', '22P02'), ('retention(a, ''month'', NULL, ''[]''::jsonb)', '22P02'), ('retention(a, ''month'', NULL, ''{"mode": 1}''::jsonb)', '22P02'),
	('retention(a, ''month'', NULL, ''{"mode": "never"}''::jsonb)', '22023'), ('retention(a, ''month'', NULL, ''{"rolling": 1.5}''::jsonb)', '22P02'), ('retention(a, ''month'', NULL, ''{"brackets": []}''::jsonb)', '22023'),
	('retention(a, ''month'', NULL, ''{"brackets": [[1]]}''::jsonb)', '22023'), ('retention(a, ''month'', NULL, ''{"brackets": [[1, 3]], "rolling": 2}''::jsonb)', '22023'),
	('retention(a, ''month'', NULL, ''{"elapsed": "1 day"}''::jsonb)', '22023'), ('retention(a, ''month'', NULL, ''{"returns": true}''::jsonb)', '22P02'),
	('retention(a, ''month'', NULL, o) FROM (VALUES (''{2024-01-05}''::activity_set, jsonb ''{"rolling": 2}''), (''{2024-01-05}'', ''{"rolling": 3}'')) w(a, o) --', '22023'),
	('retention(a, ''month'', NULL, o) FROM (VALUES (''{2024-01-05}''::activity_set, jsonb ''{"rolling": 2}''), (''{2024-01-05}'', NULL)) w(a, o) --', '22023'),
	('retention(a, a, ''month'', p, NULL) FROM (VALUES (''{2024-01-05}''::activity_set, date ''2024-01-05''), (''{2024-01-05}'', ''2024-01-06'')) w(a, p) --', '22023')) v(call, state);
SELECT lives_ok($$SELECT retention(a, 'month', NULL, o) FROM (VALUES ('{2024-01-05}'::activity_set, jsonb '{"brackets": [[1, 3], [4, 6]]}'), ('{2024-01-05}', '{"mode": "first", "brackets": [[4, 6.0], [1, 3]]}')) v(a, o)$$, 'the same options, written otherwise');
SELECT throws_ok(format('SELECT rollup(r) FROM (SELECT %s UNION ALL SELECT %s) v(r)', a, b), '22023', NULL, 'other kinds are not added up: ' || a || ', ' || b)
FROM (VALUES ($$retention(activities(1, date '2024-01-05'))$$, $$retention(activities(1, date '2024-01-05'), mode => 'recurring')$$),
	($$retention(activities(1, date '2024-01-05'), rolling => 2)$$, $$retention(activities(1, date '2024-01-05'), rolling => 3)$$),
	($$retention(activities(1, date '2024-01-05'), brackets => '{{1,2}}')$$, $$retention(activities(1, date '2024-01-05'), brackets => '{{1,2},{3,4}}')$$),
	($$retention(activities(1, date '2024-01-05'))$$, $$retention(activities(1, date '2024-01-05'), activities(1, date '2024-01-05'), 'month', NULL)$$),
	($$retention(timelines(1, timestamptz '2024-01-05 10:00'))$$, $$retention(timelines(1, timestamptz '2024-01-05 10:00'), elapsed => '2 days')$$)) v(a, b);

-- counts that no customers have
SELECT throws_ok(format('SELECT %L::retention_result', replace(written, '@', '"period": "month", "last_day": "2024-03-05", "rows_without_customer": 0')), '22P02', NULL, 'impossible: ' || written)
FROM unnest(ARRAY['{@, "options": {"rolling": 2}, "cohorts": [{"cohort": "2024-01-01", "size": 2, "cells": [[1, 1, 1]]}]}', '{@, "options": {"rolling": 2}, "cohorts": [{"cohort": "2024-01-01", "size": 2, "cells": [[4, 1, 1]]}]}',
	'{@, "options": {"rolling": 2}, "cohorts": [{"cohort": "2024-01-01", "size": 0, "cells": []}]}', '{@, "options": {"rolling": 2}, "cohorts": [{"cohort": "2024-01-01", "cells": []}]}',
	'{@, "options": {"rolling": 2}, "cohorts": [{"cohort": "2024-01-01", "size": 1, "cells": [[2, 2, 2]]}]}', '{@, "options": {"rolling": 2}, "cohorts": [{"cohort": "2024-01-01", "size": 1, "cells": [[2, 0, 0]]}]}',
	'{@, "options": {"brackets": [[1, 2]]}, "cohorts": [{"cohort": "2024-01-01", "size": 2, "cells": [[1, 1, 1]]}]}', '{@, "options": {"brackets": [[1, 2]]}, "cohorts": [{"cohort": "2024-01-01", "size": 2, "cells": [[0, 2, 1]]}]}',
	'{@, "options": {"brackets": [[3, 4]]}, "cohorts": [{"cohort": "2024-01-01", "size": 2, "cells": [[0, 1, 1]]}]}', '{@, "customers": 1, "cohorts": [{"cohort": "2024-03-01", "cells": [[0, 1, 1]]}]}',
	'{@, "options": {"mode": "recurring"}, "customers": 3, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 2, 2]]}]}', '{@, "options": {"mode": "recurring"}, "customers": 1, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 2, 2]]}]}',
	'{@, "options": {"mode": "recurring"}, "customers": 2, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 1, 2]]}]}', '{@, "options": {"elapsed": "24:00:00"}, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 1, 1, 1]]}]}',
	'{@, "as_of": "2024-03-06", "zone": "UTC", "options": {"elapsed": "24:00:00"}, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 1, 1]]}]}',
	'{@, "as_of": "2024-03-06", "zone": "UTC", "options": {"elapsed": "24:00:00"}, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 1, 1, 2]]}]}',
	'{@, "as_of": "2024-03-06", "zone": "UTC", "options": {"elapsed": "24:00:00"}, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 3, 3, 0], [1, 0, 0, 3]]}]}',
	'{@, "as_of": "2024-03-06", "zone": "UTC", "options": {"elapsed": "24:00:00"}, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 2, 2, 0], [1000, 0, 0, 2]]}]}',
	'{@, "options": {"returns": true}, "cohorts": [{"cohort": "2024-03-01", "size": 2, "cells": [[0, 3, 3]]}]}']) written;
SELECT * FROM finish();
ROLLBACK;
