--
-- Timelines of 100,000 events in the forms in which a careless walk goes over all lots again
-- and again, and values at the edge of int64.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(37);
-- What a walk that looked at all lots for each event would take is minutes.
SET LOCAL statement_timeout = '10s';
SELECT setseed(0.5) IS NULL AS void \gset

CREATE TABLE large (name text, policy points_policy, t event_timeline);
CREATE FUNCTION rules(more jsonb) RETURNS points_policy
LANGUAGE sql IMMUTABLE AS $$ SELECT points_policy('{"kinds": {"E": "earn", "S": "redeem", "R": "return", "B": "redeem_refund", "X": "expire", "A": "adjust", "L": "forfeit"}}'::jsonb || more) $$;

INSERT INTO large SELECT 'earned and returned under one ref', rules('{}'), timeline_agg(make_event(at => at, value => 1 + n % 3, kind => CASE WHEN n % 2 = 0 THEN 'E' ELSE 'R' END, ref => 7))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at);
INSERT INTO large SELECT 'earned a lot, then returned under one ref', rules('{"pending": "30 days"}'), timeline_agg(make_event(at => at, value => 1, kind => CASE WHEN n <= 50000 THEN 'E' ELSE 'R' END, ref => 7))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at);
INSERT INTO large SELECT 'lapses every second day', rules('{"inactive_after": "1 day"}'), timeline_agg(make_event(at => at, value => 5, kind => CASE WHEN n % 4 = 0 THEN 'S' ELSE 'E' END))
FROM (SELECT n, timestamptz '0001-01-01' + n / 3 * interval '2 days' + n % 3 * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at);
-- every other day the first lots get a point back, and lapse again
INSERT INTO large SELECT 'lapses, and gets back what it lost', rules('{"inactive_after": "1 day"}'), timeline_agg(make_event(at => at, value => CASE WHEN n = 0 THEN 50000 ELSE 1 END, kind => CASE WHEN n % 3 = 0 OR n < 10 THEN 'E' WHEN n = 10 THEN 'S' ELSE 'B' END, ref => 7))
	+ make_event(at => '0001-01-01 00:20', value => 50000, kind => 'S', ref => 7)
FROM (SELECT n, timestamptz '0001-01-01' + n / 12 * interval '2 days' + n % 12 * interval '1 minute' AS at FROM generate_series(0, 99998) n) e(n, at);
INSERT INTO large SELECT 'redeemed from many lots, refunded point by point', rules('{"redeem_order": "newest", "expires_after": "1 year"}'), timeline_agg(make_event(at => at, value => CASE WHEN n = 50000 THEN 49999 ELSE 1 END, kind => CASE WHEN n < 50000 THEN 'E' WHEN n = 50000 THEN 'S' ELSE 'B' END, ref => 7))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at);
INSERT INTO large SELECT 'redeemed and refunded in turn', rules('{"expires_after": "1 year"}'), timeline_agg(make_event(at => at, value => CASE WHEN n = 1 THEN 1000 ELSE 7 END, kind => CASE WHEN n <= 1000 THEN 'E' WHEN n % 2 = 0 THEN 'S' ELSE 'B' END, ref => 7))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at);
INSERT INTO large SELECT 'random expiries', rules(p), timeline_agg(make_event(at => at, value => 1 + n % 5, kind => (ARRAY['E', 'E', 'S', 'R', 'X', 'A', 'L'])[1 + trunc(random() * 7)::int], ref => n % 1000, expires_at => at + random() * interval '1000 days'))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '10 minutes' AS at FROM generate_series(1, 100000) n) e(n, at), unnest('{"{}","{\"redeem_order\": \"newest\", \"pending\": \"3 days\"}","{\"redeem_order\": \"oldest\", \"inactive_after\": \"1 day\", \"expiry_boundary\": \"valid\"}"}'::jsonb[]) p GROUP BY p;
INSERT INTO large SELECT 'all at one instant', rules('{}'), timeline_agg(make_event(at => '2020-01-01', value => 1 + n % 7, kind => (ARRAY['E', 'E', 'S', 'R', 'B'])[1 + n % 5], ref => n % 3)) FROM generate_series(1, 100000) n;
INSERT INTO large SELECT 'expiries booked one by one', rules('{"expires_after": "1 day"}'), timeline_agg(make_event(at => at, value => 1, kind => CASE WHEN n % 2 = 0 THEN 'E' ELSE 'X' END))
FROM (SELECT n, timestamptz '2020-01-01' + n * interval '1 minute' AS at FROM generate_series(1, 100000) n) e(n, at);

-- How long each question takes, in all; each answer, so that nothing is left out.
CREATE FUNCTION seconds(t event_timeline, p points_policy) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
BEGIN
	PERFORM points_balance(t, p, '2100-01-01');
	PERFORM s.* FROM points_summary(t, p, '2019-06-01') s;
	PERFORM points_expiring(t, p, '2020-02-01');
	PERFORM count(*) FROM points_lots(t, p, '2100-01-01');
	PERFORM count(*) FROM points_redemptions(t, p, '2100-01-01');
	PERFORM count(*) FROM points_statement(t, p, NULL, '2100-01-01');
	PERFORM count(*) FROM points_violations(t, p, '2100-01-01');
	RETURN extract(epoch FROM clock_timestamp() - began);
END $$;
SELECT is(timeline_count(t), 100000::bigint, name) FROM large;
SELECT cmp_ok(seconds(t, policy), '<', 5.0, 'seconds of all questions: ' || name) FROM large;
CREATE FUNCTION seconds_of_balance(t event_timeline, p points_policy) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
BEGIN
	PERFORM points_balance(t, p, '2100-01-01');
	RETURN extract(epoch FROM clock_timestamp() - began);
END $$;
SELECT cmp_ok(seconds_of_balance(t, policy), '<', 0.5, 'seconds of a balance: ' || name) FROM large;

-- ---- at the edge of int64 ----

CREATE FUNCTION edge(value numeric) RETURNS event_timeline
LANGUAGE sql AS $$ SELECT timeline_agg(make_event(at => at, value => edge.value)) FROM (VALUES (timestamptz '2020-01-01'), ('2020-01-02'), ('2020-01-03')) v(at) $$;
SELECT is(points_balance(edge(9223372036854775807), '{}', '2020-01-03'), 3 * 9223372036854775807::numeric, 'sums go beyond int64');
SELECT is(points_balance(edge(-92233720368547758.07), '{}', '2020-01-03'), -3 * 92233720368547758.07, '... and debts');
SELECT throws_ok('SELECT points_balance(edge(9223372036854775808))', '22003', NULL, 'a value beyond it');
SELECT throws_ok('SELECT points_balance(edge(-9223372036854775808))', '22003', NULL, '... below zero');
SELECT * FROM finish();
ROLLBACK;
