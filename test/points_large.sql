--
-- Timelines of 100,000 events in the forms in which a careless walk goes over all lots again
-- and again, and values at the edge of int64.
--
-- Four times the events are about four times the work; a walk that looked at all lots for each
-- event would do sixteen times as much.
--
\ir reference/setup.sql
BEGIN;
\ir reference/work.sql
SELECT plan(41);
SELECT setseed(0.5) IS NULL AS void \gset

CREATE TABLE size AS SELECT * FROM (VALUES (25000), (100000)) v(events);
CREATE TABLE large (name text, policy points_policy, events int, t event_timeline);
CREATE FUNCTION rules(more jsonb) RETURNS points_policy
LANGUAGE sql IMMUTABLE AS $$ SELECT points_policy('{"kinds": {"E": "earn", "S": "redeem", "R": "return", "B": "redeem_refund", "X": "expire", "A": "adjust", "L": "forfeit"}}'::jsonb || more) $$;

INSERT INTO large SELECT 'earned and returned under one ref', rules('{}'), events, timeline_agg(make_event(at => at, value => 1 + n % 3, kind => CASE WHEN n % 2 = 0 THEN 'E' ELSE 'R' END, ref => 7))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;
INSERT INTO large SELECT 'earned a lot, then returned under one ref', rules('{"pending": "30 days"}'), events, timeline_agg(make_event(at => at, value => 1, kind => CASE WHEN n <= events / 2 THEN 'E' ELSE 'R' END, ref => 7))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;
INSERT INTO large SELECT 'lapses every second day', rules('{"inactive_after": "1 day"}'), events, timeline_agg(make_event(at => at, value => 5, kind => CASE WHEN n % 4 = 0 THEN 'S' ELSE 'E' END))
FROM size, LATERAL (SELECT n, timestamptz '0001-01-01' + n / 3 * interval '2 days' + n % 3 * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;
-- every other day the first lots get a point back, and lapse again
INSERT INTO large SELECT 'lapses, and gets back what it lost', rules('{"inactive_after": "1 day"}'), events, timeline_agg(make_event(at => at, value => CASE WHEN n = 0 THEN events / 2 ELSE 1 END, kind => CASE WHEN n % 3 = 0 OR n < 10 THEN 'E' WHEN n = 10 THEN 'S' ELSE 'B' END, ref => 7))
	+ make_event(at => '0001-01-01 00:20', value => events / 2, kind => 'S', ref => 7)
FROM size, LATERAL (SELECT n, timestamptz '0001-01-01' + n / 12 * interval '2 days' + n % 12 * interval '1 minute' AS at FROM generate_series(0, events - 2) n) e(n, at) GROUP BY events;
INSERT INTO large SELECT 'redeemed from many lots, refunded point by point', rules('{"redeem_order": "newest", "expires_after": "1 year"}'), events, timeline_agg(make_event(at => at, value => CASE WHEN n = events / 2 THEN events / 2 - 1 ELSE 1 END, kind => CASE WHEN n < events / 2 THEN 'E' WHEN n = events / 2 THEN 'S' ELSE 'B' END, ref => 7))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;
INSERT INTO large SELECT 'redeemed and refunded in turn', rules('{"expires_after": "1 year"}'), events, timeline_agg(make_event(at => at, value => CASE WHEN n = 1 THEN 1000 ELSE 7 END, kind => CASE WHEN n <= 1000 THEN 'E' WHEN n % 2 = 0 THEN 'S' ELSE 'B' END, ref => 7))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;
INSERT INTO large SELECT 'random expiries', rules(p), events, timeline_agg(make_event(at => at, value => 1 + n % 5, kind => (ARRAY['E', 'E', 'S', 'R', 'X', 'A', 'L'])[1 + trunc(random() * 7)::int], ref => n % 1000, expires_at => at + random() * interval '1000 days'))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '10 minutes' AS at FROM generate_series(1, events) n) e(n, at), unnest('{"{}","{\"redeem_order\": \"newest\", \"pending\": \"3 days\"}","{\"redeem_order\": \"oldest\", \"inactive_after\": \"1 day\", \"expiry_boundary\": \"valid\"}"}'::jsonb[]) p GROUP BY p, events;
INSERT INTO large SELECT 'all at one instant', rules('{}'), events, timeline_agg(make_event(at => '2020-01-01', value => 1 + n % 7, kind => (ARRAY['E', 'E', 'S', 'R', 'B'])[1 + n % 5], ref => n % 3)) FROM size, generate_series(1, events) n GROUP BY events;
-- refs whose upper and lower halves cancel out in a hash that folds them without a key
INSERT INTO large SELECT 'each returned under a ref that is made to collide', rules('{}'), events, timeline_agg(make_event(at => at, value => 1, kind => CASE WHEN n % 2 = 0 THEN 'E' ELSE 'R' END, ref => n / 2 * 4294967297))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;
INSERT INTO large SELECT 'expiries booked one by one', rules('{"expires_after": "1 day"}'), events, timeline_agg(make_event(at => at, value => 1, kind => CASE WHEN n % 2 = 0 THEN 'E' ELSE 'X' END))
FROM size, LATERAL (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, events) n) e(n, at) GROUP BY events;

SELECT is(timeline_count(t), 100000::bigint, name) FROM large WHERE events = 100000;

-- Each answer is asked for whole, so that nothing is left out.
CREATE FUNCTION all_questions(large) RETURNS text
LANGUAGE sql AS $$
	SELECT format($question$
		SELECT points_balance(t, policy, '2100-01-01'), (points_summary(t, policy, '2019-06-01')).*, points_expiring(t, policy, '2020-02-01'),
			(SELECT count(*) FROM points_lots(t, policy, '2100-01-01')), (SELECT count(*) FROM points_redemptions(t, policy, '2100-01-01')),
			(SELECT count(*) FROM points_statement(t, policy, NULL, '2100-01-01')), (SELECT count(*) FROM points_violations(t, policy, '2100-01-01'))
		FROM large WHERE (name, policy, events) = (%L, %L::points_policy, %L)$question$, $1.name, $1.policy, $1.events)
$$;
CREATE FUNCTION balance(large) RETURNS text
LANGUAGE sql AS $$
	SELECT format($question$SELECT points_balance(t, policy, '2100-01-01') FROM large WHERE (name, policy, events) = (%L, %L::points_policy, %L)$question$, $1.name, $1.policy, $1.events)
$$;
SELECT cmp_ok(work_ratio('SELECT count(*) FROM generate_series(1, 4000) a, generate_series(1, 4000) b', 'SELECT count(*) FROM generate_series(1, 1000) a, generate_series(1, 1000) b', 9), '>', 9.0, 'pairs are more work than that');
SELECT cmp_ok(work_ratio(all_questions(l), all_questions(s), 9), '<', 9.0, 'work of all questions for four times the events: ' || name) FROM large l JOIN large s USING (name, policy) WHERE l.events = 4 * s.events;
SELECT cmp_ok(work_ratio(balance(l), balance(s), 9), '<', 9.0, '... of a balance: ' || name) FROM large l JOIN large s USING (name, policy) WHERE l.events = 4 * s.events;

-- ---- at the edge of int64 ----

CREATE FUNCTION edge(value numeric) RETURNS event_timeline
LANGUAGE sql AS $$ SELECT timeline_agg(make_event(at => at, value => edge.value)) FROM (VALUES (timestamptz '2020-01-01'), ('2020-01-02'), ('2020-01-03')) v(at) $$;
SELECT is(points_balance(edge(9223372036854775807), '{}', '2020-01-03'), 3 * 9223372036854775807::numeric, 'sums go beyond int64');
SELECT is(points_balance(edge(-92233720368547758.07), '{}', '2020-01-03'), -3 * 92233720368547758.07, '... and debts');
SELECT throws_ok('SELECT points_balance(edge(9223372036854775808))', '22003', NULL, 'a value beyond it');
SELECT throws_ok('SELECT points_balance(edge(-9223372036854775808))', '22003', NULL, '... below zero');
SELECT * FROM finish();
ROLLBACK;
