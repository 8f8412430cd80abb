--
-- Retention with a threshold, and who is in a cell: of each kind of retention, each number of each
-- cell is how many members the cell has, and they are those of plain SQL; the same of growth and
-- of members near a tier. Customers of each type; what is refused.
--
\ir reference/setup.sql
BEGIN;
SET timezone = 'Europe/Helsinki';
SELECT setseed(0.29);
-- Orders in one or more lines, some of which are days apart; some without ref, some that give back; members
-- who never bought, and guests.
CREATE TABLE line AS
SELECT customer, at + n * interval '9 hours' AS at, CASE WHEN random() < 0.1 THEN -1 WHEN random() < 0.2 THEN NULL ELSE 5 END AS value, CASE WHEN id % 4 > 0 THEN id END AS ref, id * 10 + n AS id
FROM (SELECT id, CASE WHEN random() < 0.02 THEN NULL ELSE (70 * random() ^ 2)::int END AS customer, timestamptz '2024-01-03 22:30+00' + random() * 330 * interval '1 day' AS at FROM generate_series(1, 700) id) o, generate_series(0, id % 4) n;
INSERT INTO line SELECT 1000 + i, NULL, NULL, NULL, NULL FROM generate_series(1, 3) i;
ANALYZE line;
CREATE VIEW event AS SELECT customer, at, at::date AS day, id, coalesce(ref::text, 'line ' || id) AS ordered FROM line WHERE customer IS NOT NULL AND at IS NOT NULL AND (value IS NULL OR value >= 0);

CREATE TABLE question (id int GENERATED ALWAYS AS IDENTITY, kind text, until date, mode text, brackets int[], rolling int, elapsed interval, at_least int);
INSERT INTO question (kind, until, mode, brackets, rolling, elapsed, at_least)
SELECT kind, date '2024-11-12', mode, brackets::int[], rolling, NULL, at_least
FROM unnest(ARRAY['days', 'returns', 'orders']) kind, unnest(ARRAY['first', 'recurring']) mode, (VALUES (NULL, NULL), (NULL, 2), ('{{0,0},{1,3},{2,9},{20,22}}', NULL)) k(brackets, rolling), unnest(ARRAY[1, 3]) at_least
WHERE kind <> 'orders' OR mode = 'first';
INSERT INTO question (kind, until, mode, brackets, rolling, elapsed, at_least)
SELECT 'elapsed', date '2024-11-12', 'first', brackets::int[], rolling, elapsed, at_least
FROM unnest(ARRAY[interval '30 days', '50 days 07:00']) elapsed, (VALUES (NULL, NULL), (NULL, 2), ('{{0,0},{1,3},{2,9},{20,22}}', NULL)) k(brackets, rolling), unnest(ARRAY[1, 3]) at_least;
INSERT INTO question (kind, until, mode, at_least) VALUES ('days', NULL, 'first', 2), ('orders', NULL, 'first', 3);

-- ---- in plain SQL: by month ----

CREATE FUNCTION month_of(day date) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT (extract(year FROM day) * 12 + extract(month FROM day))::int $$;
CREATE FUNCTION ref_members(q question) RETURNS TABLE (cohort date, lag int, until_lag int, who text, customer bigint)
LANGUAGE sql STABLE AS $$
	WITH until AS MATERIALIZED (SELECT coalesce(q.until, (SELECT max(day) FROM event)) AS day),
	start AS MATERIALIZED (
		SELECT customer, month_of(day) AS n, min(day) AS first, min(at) AS since FROM event WHERE day <= (SELECT day FROM until) AND (q.kind <> 'returns' OR id % 3 = 0) GROUP BY 1, 2),
	member AS MATERIALIZED (
		SELECT * FROM start s WHERE q.mode = 'recurring' OR NOT EXISTS (SELECT FROM start b WHERE b.customer = s.customer AND b.n < s.n)),
	back AS MATERIALIZED (
		SELECT customer, n, lag FROM (
			SELECT m.customer, m.n, CASE WHEN q.elapsed IS NULL THEN month_of(e.day) - m.n ELSE floor(extract(epoch FROM e.at - m.since) / extract(epoch FROM q.elapsed))::int END AS lag,
				CASE WHEN q.kind IN ('days', 'returns') THEN e.day::text ELSE e.ordered END AS counted
			FROM member m JOIN event e ON e.customer = m.customer AND e.day >= m.first AND e.day <= (SELECT day FROM until) AND (q.kind <> 'returns' OR e.id % 3 > 0)) b
		GROUP BY customer, n, lag HAVING count(DISTINCT counted) >= q.at_least),
	col AS (
		SELECT n AS lag, n AS from_lag, n AS until_lag FROM generate_series(0, 12) n WHERE q.brackets IS NULL AND q.rolling IS NULL
		UNION ALL SELECT n, n - q.rolling + 1, n FROM generate_series(q.rolling, 12) n
		UNION ALL SELECT q.brackets[i][1], q.brackets[i][1], q.brackets[i][2] FROM generate_subscripts(q.brackets, 1) i),
	cell AS (
		SELECT m.*, c.*, CASE WHEN q.elapsed IS NULL THEN true ELSE m.since + (c.until_lag + 1) * extract(epoch FROM q.elapsed) * interval '1 second' <= ((SELECT day FROM until) + 1)::timestamptz END AS eligible
		FROM member m, col c WHERE q.elapsed IS NOT NULL OR m.n + c.lag <= month_of((SELECT day FROM until)))
	SELECT make_date((c.n - 1) / 12, (c.n - 1) % 12 + 1, 1), c.lag, c.until_lag, w.who, c.customer FROM cell c, LATERAL (
		SELECT 'cohort_size' WHERE EXISTS (SELECT FROM cell d WHERE (d.n, d.from_lag, d.until_lag) = (c.n, c.from_lag, c.until_lag) AND d.eligible)
		UNION ALL SELECT 'eligible' WHERE c.eligible
		UNION ALL SELECT 'retained' WHERE c.eligible AND EXISTS (SELECT FROM back b WHERE (b.customer, b.n) = (c.customer, c.n) AND b.lag BETWEEN c.from_lag AND c.until_lag)
		UNION ALL SELECT 'retained_after' WHERE c.eligible AND EXISTS (SELECT FROM back b WHERE (b.customer, b.n) = (c.customer, c.n) AND b.lag >= c.from_lag)) w(who)
$$;

-- ---- in the extension ----

CREATE FUNCTION answer(q question, by text) RETURNS retention_result
LANGUAGE plpgsql AS $$
DECLARE
	r retention_result;
	o jsonb := retention_options(q.mode, q.brackets, q.rolling, q.elapsed, q.at_least, q.kind = 'orders');
BEGIN
	IF q.kind = 'days' AND by = 'base' THEN
		SELECT retention(activities(customer, at), 'month', q.until, q.mode, q.brackets, q.rolling, q.at_least) INTO r FROM line WHERE value IS NULL OR value >= 0;
	ELSIF q.kind = 'days' AND by = 'levels' THEN
		SELECT retention(a, 'month', q.until, o) INTO r FROM (SELECT activity_agg(at) AS a FROM line WHERE customer IS NOT NULL AND (value IS NULL OR value >= 0) GROUP BY customer) s;
	ELSIF q.kind = 'days' THEN
		SELECT rollup(retention) INTO r FROM (SELECT retention(activities(customer, at), 'month', q.until, q.mode, q.brackets, q.rolling, q.at_least) FROM line WHERE value IS NULL OR value >= 0 GROUP BY customer % 5) s;
	ELSIF q.kind = 'returns' AND by = 'base' THEN
		SELECT retention(s.b, t.b, 'month', q.until, q.mode, q.brackets, q.rolling, q.at_least) INTO r FROM (SELECT activities(customer, at) AS b FROM event WHERE id % 3 = 0) s, (SELECT activities(customer, at) AS b FROM event WHERE id % 3 > 0) t;
	ELSIF q.kind = 'returns' AND by = 'levels' THEN
		SELECT retention(s.a, t.a, 'month', q.until, o) INTO r FROM (SELECT customer, activity_agg(at) AS a FROM event WHERE id % 3 = 0 GROUP BY 1) s FULL JOIN (SELECT customer, activity_agg(at) AS a FROM event WHERE id % 3 > 0 GROUP BY 1) t USING (customer);
	ELSIF q.kind = 'returns' THEN
		SELECT rollup(retention(s.b, t.b, 'month', q.until, q.mode, q.brackets, q.rolling, q.at_least)) INTO r
		FROM (SELECT customer % 5 AS part, activities(customer, at) AS b FROM event WHERE id % 3 = 0 GROUP BY 1) s LEFT JOIN (SELECT customer % 5 AS part, activities(customer, at) AS b FROM event WHERE id % 3 > 0 GROUP BY 1) t USING (part);
	ELSIF by = 'base' THEN
		SELECT retention(timelines(customer, make_event(at => at, value => value, ref => ref)), 'month', q.until, q.elapsed, q.brackets, q.rolling, q.at_least) INTO r FROM line;
	ELSIF by = 'levels' THEN
		SELECT retention(t, 'month', coalesce(q.until, (SELECT max(at)::date FROM line)), o) INTO r FROM (SELECT timeline_agg(make_event(at => at, value => value, ref => ref)) AS t FROM line WHERE customer IS NOT NULL GROUP BY customer) s;
	ELSE
		SELECT rollup(retention) INTO r FROM (SELECT retention(timelines(customer, make_event(at => at, value => value, ref => ref)), 'month', coalesce(q.until, (SELECT max(at)::date FROM line)), q.elapsed, q.brackets, q.rolling, q.at_least) FROM line GROUP BY customer % 5) s;
	END IF;
	RETURN r;
END $$;
-- Brackets that begin at one lag are asked about one by one.
CREATE FUNCTION members(q question, cohort date, lag int, who text) RETURNS SETOF bigint
LANGUAGE plpgsql AS $$
BEGIN
	IF q.kind = 'days' THEN
		RETURN QUERY SELECT m.customer FROM (SELECT activities(l.customer, at) AS b FROM line l WHERE value IS NULL OR value >= 0) x, LATERAL retention_members(x.b, 'month', cohort, lag, who, q.until, q.mode, q.brackets, q.rolling, q.at_least) m;
	ELSIF q.kind = 'returns' THEN
		RETURN QUERY SELECT m.customer FROM (SELECT activities(e.customer, at) AS b FROM event e WHERE id % 3 = 0) s, (SELECT activities(e.customer, at) AS b FROM event e WHERE id % 3 > 0) t, LATERAL retention_members(s.b, t.b, 'month', cohort, lag, who, q.until, q.mode, q.brackets, q.rolling, q.at_least) m;
	ELSE
		RETURN QUERY SELECT m.customer FROM (SELECT timelines(l.customer, make_event(at => at, value => value, ref => ref)) AS b FROM line l) x, LATERAL retention_members(x.b, 'month', cohort, lag, who, q.until, q.elapsed, q.brackets, q.rolling, q.at_least) m;
	END IF;
END $$;

CREATE FUNCTION faults(q question) RETURNS TABLE (what text, detail text)
LANGUAGE plpgsql AS $$
DECLARE
	r retention_result := answer(q, 'base');
BEGIN
	CREATE TEMP TABLE wanted ON COMMIT DROP AS SELECT * FROM ref_members(q);
	CREATE TEMP TABLE cell ON COMMIT DROP AS
		SELECT t.cohort, t.lag, t.until_lag, n.key AS who, n.value::bigint AS customers FROM retention_table(r) t, jsonb_each_text(to_jsonb(t)) n WHERE n.key IN ('cohort_size', 'eligible', 'retained', 'retained_after');
	CREATE TEMP TABLE found ON COMMIT DROP AS
		SELECT c.*, ARRAY(SELECT members(q, c.cohort, c.lag, c.who) ORDER BY 1) AS customer FROM cell c;
	RETURN QUERY SELECT 'members', (f.*)::text FROM found f WHERE cardinality(f.customer) <> f.customers LIMIT 3;
	RETURN QUERY SELECT 'cell', concat_ws(' ', f.*, w.*) FROM found f
		FULL JOIN (SELECT w.cohort, w.lag, w.until_lag, w.who, array_agg(w.customer ORDER BY w.customer) AS customer FROM wanted w GROUP BY 1, 2, 3, 4) w USING (cohort, lag, until_lag, who)
		WHERE coalesce(f.customer, '{}') <> coalesce(w.customer, '{}') LIMIT 3;
	RETURN QUERY SELECT 'two levels', left(answer(q, 'levels')::text, 300) WHERE answer(q, 'levels')::text::jsonb - 'zone' - 'rows_without_customer' - 'as_of' <> r::text::jsonb - 'zone' - 'rows_without_customer' - 'as_of';
	RETURN QUERY SELECT 'added up', left(answer(q, 'parts')::text, 300) WHERE answer(q, 'parts') <> r;
	RETURN QUERY SELECT 'text', left(r::text, 200) WHERE r::text::retention_result <> r OR r::text::retention_result::text <> r::text;
	DROP TABLE wanted, cell, found;
END $$;

SELECT plan(count(*)::int + 81) FROM question;
SELECT is_empty(format('SELECT f.* FROM question q, faults(q) f WHERE id = %s', id), concat_ws(' ', kind, mode, 'brackets ' || brackets::text, 'rolling ' || rolling, 'lags of ' || elapsed, 'at least', at_least)) FROM question ORDER BY id;
SELECT cmp_ok((SELECT count(*)::int FROM question q, ref_members(q) r WHERE id = (SELECT min(id) FROM question WHERE kind = k.kind AND at_least = 3 AND brackets IS NULL AND rolling IS NULL) AND who = 'retained'), '>', 20, 'some are retained by three ' || kind) FROM (SELECT DISTINCT kind FROM question) k;

-- ---- worked by hand ----

-- Days: 2 in January, 1 in February, 3 in March. Orders: 3 in January on 2 days, of which the one in two lines is one order.
CREATE TABLE visit AS SELECT 7 AS customer, at, ref FROM (VALUES (timestamptz '2024-01-05 10:00', 'a'), ('2024-01-05 18:00', 'a'), ('2024-01-09 10:00', 'b'), ('2024-01-09 11:00', NULL), ('2024-02-01 10:00', 'c'), ('2024-03-01 10:00', 'd'), ('2024-03-02 10:00', 'c'), ('2024-03-31 23:59', 'e')) v(at, ref);
SELECT results_eq(format('SELECT t.lag, t.retained, t.retained_after FROM retention_table((SELECT retention(activities(customer, at), ''month'', at_least => %s) FROM visit)) t', at_least), wanted, at_least || ' days') FROM (VALUES
	(1, 'VALUES (0, 1::bigint, 1::bigint), (1, 1, 1), (2, 1, 1)'), (2, 'VALUES (0, 1::bigint, 1::bigint), (1, 0, 1), (2, 1, 1)'), (3, 'VALUES (0, 0::bigint, 1::bigint), (1, 0, 1), (2, 1, 1)'), (4, 'VALUES (0, 0::bigint, 0::bigint), (1, 0, 0), (2, 0, 0)')) v(at_least, wanted);
SELECT results_eq(format('SELECT t.lag, t.retained, t.retained_after FROM retention_table((SELECT retention(timelines(customer, make_event(at => at, ref => ref)), ''month'', elapsed => NULL, at_least => %s) FROM visit)) t', at_least), wanted, at_least || ' orders') FROM (VALUES
	(2, 'VALUES (0, 1::bigint, 1::bigint), (1, 0, 1), (2, 1, 1)'), (3, 'VALUES (0, 1::bigint, 1::bigint), (1, 0, 1), (2, 1, 1)'), (4, 'VALUES (0, 0::bigint, 0::bigint), (1, 0, 0), (2, 0, 0)')) v(at_least, wanted);
SELECT is(retention(timelines(customer, at), 'month', elapsed => NULL)::text, retention(activities(customer, at, 'Europe/Helsinki'), 'month', '2024-03-31')::text, 'periods over timelines are those over activities') FROM visit;
SELECT is(retention(activities(customer, at), 'month', at_least => 1), retention(activities(customer, at), 'month'), 'one is the default') FROM line;
SELECT is(retention_options(at_least => 1), retention_options(), '... of options, too');
SELECT is(retention_options('recurring', at_least => 3), '{"mode": "recurring", "at_least": 3}', 'options with a threshold');
SELECT is((n).options::jsonb, '{"mode": "first", "at_least": 2, "counted": "days"}', 'a result says what it counts') FROM (SELECT retention_totals(retention(activities(customer, at), 'month', at_least => 2)) AS n FROM visit) q;
SELECT is((n).options::jsonb, '{"mode": "first", "at_least": 2, "counted": "orders"}', '... orders over timelines') FROM (SELECT retention_totals(retention(timelines(customer, at), 'month', elapsed => NULL, at_least => 2)) AS n FROM visit) q;
SELECT throws_ok(format('SELECT rollup(r) FROM (SELECT %s AS r FROM visit UNION ALL SELECT %s FROM visit) q', a, b), '22023', NULL, 'not to be added up: ' || a || ', ' || b) FROM (VALUES
	('retention(activities(customer, at), ''month'', at_least => 2)', 'retention(activities(customer, at), ''month'', at_least => 3)'), ('retention(activities(customer, at), ''month'')', 'retention(activities(customer, at), ''month'', at_least => 3)'),
	('retention(activities(customer, at, ''Europe/Helsinki''), ''month'', ''2024-03-31'', at_least => 2)', 'retention(timelines(customer, at), ''month'', elapsed => NULL, at_least => 2)')) v(a, b);

-- where a local day comes after a later one, as in the night when clocks go back over midnight
SET timezone = 'America/Havana';
CREATE TABLE night AS SELECT 1 AS customer, at FROM unnest(ARRAY[timestamptz '2023-11-05 04:30+00', '2023-11-05 05:30+00', '2023-12-01 05:00+00']) at;
SELECT is(retention(timelines(customer, at), 'day', elapsed => NULL)::text, retention(activities(customer, at, 'America/Havana'), 'day', '2023-12-01')::text, 'periods are those of local days') FROM night;
SET timezone = 'Pacific/Apia';
SELECT is(retention(timelines(customer, at), '{2011-12-01,2011-12-30,2011-12-31,2012-01-02}', elapsed => NULL)::text, retention(activities(customer, at, 'Pacific/Apia'), '{2011-12-01,2011-12-30,2011-12-31,2012-01-02}', '2012-01-02')::text, '... where one is missing') FROM (SELECT 1 AS customer, at FROM unnest(ARRAY[timestamptz '2011-12-30 09:00+00', '2011-12-30 11:00+00', '2012-01-01 23:00+00']) at) q;
SET timezone = 'Europe/Helsinki';

-- ---- growth ----

CREATE FUNCTION growth_faults(over text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT concat_ws('' '', t.period_start, n.key, n.value, m.count) FROM (SELECT growth(b) AS r, b FROM (SELECT %s AS b FROM line) x) g, growth_table(g.r) t, jsonb_each_text(to_jsonb(t)) n,
		LATERAL (SELECT count(*), count(DISTINCT m.customer) AS different FROM (SELECT %1$s AS b FROM line) x, LATERAL growth_members(x.b, ''month'', t.period_start + 3, n.key) m) m
		WHERE n.key IN (''active'', ''new'', ''retained'', ''resurrected'', ''churned'') AND (m.count <> n.value::bigint OR m.different <> m.count)', over);
END $$;
SELECT is_empty(format('SELECT growth_faults(%L)', over), 'each number of growth is how many members it has: ' || over) FROM unnest(ARRAY['activities(customer, at)', 'activities(customer::text, at)', 'timelines(customer, at, value)']) over;
SELECT set_eq($$SELECT m.customer FROM (SELECT activities(customer, at) AS b FROM event) x, LATERAL growth_members(x.b, 'month', '2024-05-01', 'churned', '2024-11-12') m$$,
	$$SELECT customer FROM event WHERE month_of(day) = month_of('2024-04-01') EXCEPT SELECT customer FROM event WHERE month_of(day) = month_of('2024-05-01')$$, 'who churned, in plain SQL');
SELECT set_eq($$SELECT m.customer FROM (SELECT timelines(customer, at, value) AS b FROM line) x, LATERAL growth_members(x.b, 'month', '2024-05-01', 'resurrected') m$$,
	$$SELECT customer FROM event WHERE month_of(day) = month_of('2024-05-01') AND customer IN (SELECT customer FROM event WHERE month_of(day) < month_of('2024-04-01')) EXCEPT SELECT customer FROM event WHERE month_of(day) = month_of('2024-04-01')$$, 'who was resurrected');
SELECT is_empty($$SELECT m.* FROM (SELECT activities(customer, at) AS b FROM event) x, LATERAL growth_members(x.b, 'month', '2024-12-01', 'churned', '2024-11-12') m$$, 'nobody has churned in a period that hasn''t begun');

-- ---- near a tier ----

CREATE TABLE tier_rules AS SELECT '{"levels": {"Silver": 20, "Gold": 60}, "qualifying_window": "6 months"}'::tier_policy AS policy;
SELECT is_empty($$SELECT t.tier, n.key, n.value, m.count FROM tier_rules, (SELECT timelines(customer, at, value) AS b FROM line) x, tier_near_table(tier_near(x.b, policy, within => 15)) t, jsonb_each_text(to_jsonb(t)) n,
		LATERAL (SELECT count(DISTINCT m.customer) FROM (SELECT timelines(customer, at, value) AS b FROM line) y, LATERAL tier_near_members(y.b, policy, t.tier, n.key, within => 15) m) m
	WHERE n.key IN ('members', 'near_next', 'near_keep') AND m.count <> n.value::bigint$$, 'each number of tier_near is how many members it has');
SELECT cmp_ok((SELECT count(*)::int FROM tier_rules, (SELECT timelines(customer, at, value) AS b FROM line) x, LATERAL tier_near_members(x.b, policy, 'Silver', 'near_next', within => 15) m), '>', 0, '... there are such');
SELECT set_eq($$SELECT m.customer FROM tier_rules, (SELECT timelines(customer, NULL::timestamptz, 5) AS b FROM generate_series(1, 3) customer) x, LATERAL tier_near_members(x.b, policy, 'Member', 'members', within => 15) m$$, 'SELECT generate_series(1, 3)::bigint', 'members without events are in the entry tier, on whatever day');
SELECT is_empty(format($$SELECT m.* FROM tier_rules, (SELECT timelines(customer, NULL::timestamptz, 5) AS b FROM generate_series(1, 3) customer) x, LATERAL tier_near_members(x.b, policy, %L, %L, within => 15) m$$, tier, who), '... and not ' || tier || ', ' || who) FROM (VALUES ('Silver', 'members'), ('Member', 'near_next')) v(tier, who);

-- ---- customers of each type, and of flat bases ----

SELECT set_eq(format($$SELECT m.customer FROM (SELECT activities(%1$s, at) AS b FROM line) x, LATERAL retention_members(x.b, 'month', '2024-01-01', 2) m$$, customer),
	format($$SELECT DISTINCT %s FROM event e WHERE month_of(day) = month_of('2024-03-01') AND customer IN (SELECT customer FROM event GROUP BY 1 HAVING min(day) < '2024-02-01')$$, customer), customer) FROM unnest(ARRAY['customer::bigint', 'customer::text', 'md5(customer::text)::uuid']) customer;
SELECT set_eq($$SELECT retention_members((SELECT activities(customer, at) FROM line), 'month', '2024-01-31', 2)$$, $$SELECT m.customer FROM (SELECT activities(customer, at) AS b FROM line) x, LATERAL retention_members(x.b, 'month', '2024-01-01', 2) m$$, 'in the list of what is selected, of a flat base, by another day of the cohort');
SELECT is(pg_typeof(m.customer), 'text'::regtype, 'the customer''s own type') FROM (SELECT activities('a', date '2024-01-01') AS b) x, LATERAL retention_members(x.b, 'month', '2024-01-01', 0) m;
SELECT is_empty($$SELECT * FROM retention_members(NULL::activity_base_uuid, 'month', '2024-01-01', 0)$$, 'a NULL base has nobody');
SELECT is_empty($$SELECT m.* FROM (SELECT activities(1, NULL::date) AS b) x, LATERAL retention_members(x.b, 'month', '2024-01-01', 0, 'cohort_size') m$$, 'nor has one without events');
SELECT is_empty($$SELECT m.* FROM (SELECT activities(1, date '2024-01-01') AS b) x, LATERAL retention_members(x.b, NULL::activity_base_bigint, 'month', '2024-01-01', 0) m$$, 'without a base of returns nobody returns');
SELECT results_eq($$SELECT m.* FROM (SELECT activities(1, date '2024-01-01') AS b) x, LATERAL retention_members(x.b, NULL::activity_base_bigint, 'month', '2024-01-01', 0, 'eligible') m$$, 'VALUES (1::bigint)', '... but all could');
SELECT is_empty($$SELECT m.* FROM (SELECT activities(customer, at) AS b FROM line) x, LATERAL retention_members(x.b, 'month', '2024-01-01', 24, 'eligible') m$$, 'nobody is in a cell that hasn''t begun');
-- dates that are days of whatever zone is asked about
SELECT is((SELECT count(*) FROM (SELECT timelines(1, date '2024-03-01') AS b) x, LATERAL retention_members(x.b, 'month@' || zone, '2024-03-01', 0, elapsed => NULL) m), 1::bigint, 'days in ' || zone) FROM unnest(ARRAY['Pacific/Apia', 'Pacific/Honolulu']) zone;

-- ---- what is refused ----

SELECT throws_ok(format('SELECT * FROM (SELECT activities(7, date ''2024-01-05'') AS b, timelines(7, timestamptz ''2024-01-05'', 5) AS t) x, LATERAL %s m', call), code, message, call) FROM (VALUES
	('retention_members(b, ''month'', ''2024-01-01'', -1)', '22023', 'lag must not be negative: -1'), ('retention_members(b, ''month'', ''2024-01-01'', NULL)', '22004', 'lag must not be null'), ('retention_members(b, ''month'', NULL, 0)', '22004', 'cohort must not be null'),
	('retention_members(b, ''month'', ''infinity'', 0)', '22008', NULL), ('retention_members(b, NULL, ''2024-01-01'', 0)', '22004', 'period must not be null'), ('retention_members(b, ''{2024-02-01}'', ''2024-01-01'', 0)', '22008', NULL),
	('retention_members(b, ''month'', ''2024-01-01'', 0, NULL)', '22004', 'who must not be null'), ('retention_members(b, ''month'', ''2024-01-01'', 0, ''churned'')', '22023', 'unknown number of customers: "churned"'),
	('retention_members(b, ''month'', ''2024-01-01'', 1, rolling => 2)', '22023', 'windows of 2 lags end at lag 2 or later, not at 1'), ('retention_members(b, ''month'', ''2024-01-01'', 1, brackets => ''{{2,3}}'')', '22023', 'no bracket begins at lag 1'),
	('retention_members(b, ''month'', ''2024-01-01'', 1, brackets => ''{{1,3},{1,6}}'')', '22023', '2 brackets begin at lag 1'), ('retention_members(b, ''month'', ''2024-01-01'', 0, at_least => 0)', '22023', 'at_least must be between 1 and 36525, not 0'),
	('retention(b, ''month'', at_least => 36526)', '22023', 'at_least must be between 1 and 36525, not 36526'), ('retention(b, ''month'', at_least => NULL)', '22004', 'at_least must not be null'),
	('retention_options(at_least => NULL)', '22004', 'at_least must not be null'), ('retention_options(elapsed => ''1 day'', calendar => true)', '22023', 'calendar and elapsed contradict each other'), ('retention_options(calendar => NULL)', '22004', 'calendar must not be null'), ('retention_options(at_least => -3)', '22023', 'at_least must be between 1 and 36525, not -3'),
	('growth_members(b, ''month'', ''2024-01-01'', ''lost'')', '22023', 'unknown number of customers: "lost"'), ('growth_members(b, ''month'', NULL, ''new'')', '22004', 'period_start must not be null'), ('growth_members(b, ''month@UTC'', ''2024-01-01'', ''new'', ''-infinity'')', '22008', NULL),
	('tier_near_members(t, ''{"levels": {"Silver": 20}}'', ''Gold'', ''members'', within => 5)', '22023', 'the policy has no tier "Gold"'), ('tier_near_members(t, ''{"levels": {"Silver": 20}}'', ''Silver'', ''members'')', '22004', 'within must not be null'),
	('tier_near_members(t, ''{"levels": {"Silver": 20}}'', NULL, ''members'', within => 5)', '22004', 'tier must not be null')) v(call, code, message);
SELECT throws_ok(format('SELECT retention(''{2024-01-05}''::activity_set, ''month'', ''2024-01-31'', %L)', options), code, NULL, options) FROM (VALUES ('{"at_least": 0}', '22023'), ('{"at_least": "3"}', '22P02'), ('{"at_least": 2.5}', '22P02'), ('{"at_least": 3, "counted": "days"}', '22P02'), ('{"elapsed": 3}', '22P02'), ('{"elapsed": "1 day", "calendar": true}', '22023'), ('{"calendar": 1}', '22P02')) v(options, code);
SELECT throws_ok(format('SELECT %L::retention_result', '{"period": "month", "options": ' || options || '}'), NULL, NULL, 'a result with ' || options) FROM unnest(ARRAY['{"at_least": 3}', '{"counted": "days"}', '{"at_least": 3, "counted": "months"}', '{"at_least": 3, "counted": "days", "elapsed": "1 day"}', '{"at_least": 3, "counted": "orders", "returns": true}']) options;

SELECT * FROM finish();
ROLLBACK;
