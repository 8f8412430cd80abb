--
-- Points that expire share by share: worked examples, all by hand.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(60);
SET LOCAL timezone = 'UTC';

CREATE FUNCTION ledger(VARIADIC events timeline_event[]) RETURNS event_timeline
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(timeline_agg(e), '[]') FROM unnest(events) e $$;

-- points and local day of expiry of each lot, in their order, as far as something remains
CREATE FUNCTION shares(timeline event_timeline, policy points_policy, as_of date) RETURNS text[]
LANGUAGE sql AS $$
	SELECT coalesce(array_agg(trim_scale(l.remaining) || ' ' || l.expires_at::date ORDER BY n), '{}')
	FROM points_lots(timeline, policy, as_of) WITH ORDINALITY AS l(earned_at, kind, label, ref, points, remaining, available_at, expires_at, state, n) WHERE l.remaining > 0
$$;

-- ---- how many points each share has, and when it goes ----

CREATE TABLE quarters AS SELECT ledger(make_event('2020-01-15 10:00Z', 100)) AS t, '{"expires_after": "1 year", "expires_shares": 4, "expires_every": "1 year"}'::points_policy AS p;
SELECT is(shares(t, p, '2020-02-01'), '{25 2021-01-16,25 2022-01-16,25 2023-01-16,25 2024-01-16}', 'a quarter each year') FROM quarters;
SELECT results_eq($$SELECT points_balance(t, p, day)::int FROM quarters, unnest('{2021-01-14,2021-01-15,2022-01-15,2023-01-15,2024-01-14,2024-01-15}'::date[]) day ORDER BY day$$, '{100,75,50,25,25,0}'::int[], '... so goes the balance');
SELECT results_eq($$SELECT expires_at::date, points::int FROM quarters, points_expiry_schedule(t, p, '2021-06-01')$$, $$VALUES (date '2022-01-16', 25), ('2023-01-16', 25), ('2024-01-16', 25)$$, '... and the schedule');
SELECT is(points_expiring(t, p, '2020-02-01', '2022-01-15')::int, 50, '... two of them by the day') FROM quarters;
SELECT is((s.earned::int, s.expired::int, s.active::int, s.next_expiry_at::date, s.next_expiry_points::int)::text, '(100,25,75,2022-01-16,25)', '... the summary') FROM quarters, points_summary(t, p, '2021-06-01') s;

-- floor(100 (k + 1) / 12): 8, 16, 25, 33, 41, 50, 58, 66, 75, 83, 91, 100
SELECT results_eq($$SELECT l.points::int FROM points_lots(ledger(make_event('2020-01-15 10:00Z', 100)), '{"expires_after": "1 year", "expires_shares": 12, "expires_every": "1 month"}', '2020-02-01') l$$,
	'{8,8,9,8,8,9,8,8,9,8,8,9}'::int[], 'a twelfth each month');
SELECT results_eq($$SELECT l.expires_at::date FROM points_lots(ledger(make_event('2020-01-15 10:00Z', 12)), '{"expires_after": "1 year", "expires_shares": 12, "expires_every": "1 month"}', '2020-02-01') l$$,
	$$SELECT (date '2021-01-16' + make_interval(months => k))::date FROM generate_series(0, 11) k$$, '... from a year on');
-- floor(3 (k + 1) / 12) goes up at k = 3, 7, 11
SELECT is(shares(ledger(make_event('2020-01-15 10:00Z', 3)), '{"expires_after": "1 year", "expires_shares": 12, "expires_every": "1 month"}', '2020-02-01'), '{1 2021-04-16,1 2021-08-16,1 2021-12-16}', 'fewer points than shares: those without points are left out');
SELECT is(shares(ledger(make_event('2020-01-15 10:00Z', 10)), '{"expires_after": "1 month", "expires_shares": 3, "expires_every": "1 month"}', '2020-01-16'), '{3 2020-02-16,3 2020-03-16,4 2020-04-16}', 'the last one takes the rest');
SELECT is(shares(ledger(make_event('2020-01-15 10:00Z', 12.5)), '{"expires_after": "1 month", "expires_shares": 3, "expires_every": "1 month"}', '2020-01-16'), '{4.1 2020-02-16,4.2 2020-03-16,4.2 2020-04-16}', 'shares have the decimals that the points have');
SELECT is(shares(ledger(make_event('2020-01-15 10:00Z', 10), make_event('2020-01-15 11:00Z', 0.0001), make_event('2020-01-15 12:00Z', -0.0001)), '{"expires_after": "1 month", "expires_shares": 3, "expires_every": "1 month", "redeem_order": "newest"}', '2020-01-16'),
	'{3 2020-02-16,3 2020-03-16,4 2020-04-16}', '... whatever other events have');
SELECT is(shares(ledger(make_event('2020-01-15 10:00Z', 999999999999999999)), '{"expires_after": "1 month", "expires_shares": 2, "expires_every": "1 month"}', '2020-01-16'), '{499999999999999999 2020-02-16,500000000000000000 2020-03-16}', 'the largest number');
SELECT is((SELECT count(*)::int FROM points_lots(ledger(make_event('2020-01-15 10:00Z', 1000)), '{"expires_after": "1 day", "expires_shares": 120, "expires_every": "1 day"}', '2020-01-15')), 120, 'as many shares as can be');

-- interval and shares are added at once: the end of January is no day of February, but one of March
SELECT is(shares(ledger(make_event('2023-01-31 10:00Z', 3)), '{"expires_after": "1 month", "expires_shares": 3, "expires_every": "1 month"}', '2023-02-01'), '{1 2023-03-01,1 2023-04-01,1 2023-05-01}', 'ends of months');
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 4)), '{"expires_after": "3 months", "expires_align": "quarter", "expires_shares": 4, "expires_every": "45 days"}', '2023-02-01'),
	'{1 2023-07-01,1 2023-07-01,1 2023-10-01,1 2023-10-01}', 'aligned: 15 April, 30 May, 14 July, 28 August');
SELECT results_eq($$SELECT l.expires_at FROM points_lots(ledger(make_event('2023-01-15 10:00Z', 2)), '{"expires_after": "36 hours", "expires_align": "none", "expires_shares": 2, "expires_every": "30 minutes"}', '2023-01-15') l$$,
	$$VALUES (timestamptz '2023-01-16 22:00Z'), ('2023-01-16 22:30Z')$$, 'to the instant');
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 2)), '{"pending": "10 days", "expires_after": "1 month", "expires_from": "activation", "expires_shares": 2, "expires_every": "1 month"}', '2023-01-26'), '{1 2023-02-26,1 2023-03-26}', 'counted from activation');
SELECT is(points_balance(ledger(make_event('2023-01-15 10:00Z', 2)), '{"expires_after": "1 month", "expires_shares": 2, "expires_every": "1 month", "expiry_boundary": "valid"}', '2023-02-15')::int, 2, 'valid at the boundary: the day''s end is the day of expiry''s start');
SELECT is(points_balance_at(ledger(make_event('2023-01-15 10:00Z', 2)), '{"expires_after": "1 month", "expires_shares": 2, "expires_every": "1 month", "expiry_boundary": "valid"}', '2023-02-16 00:00:00.000001Z')::int, 1, '... and a share is gone right after it');

-- ---- which lots have shares ----

CREATE TABLE thirds AS SELECT '{"kinds": {"E": "earn", "S": "redeem", "A": "adjust", "T": "transfer", "C": "redeem_refund", "B": "return"}, "expires_after": "1 month", "expires_shares": 3, "expires_every": "1 month", "refunds_beyond": "new_lot"}'::jsonb AS p;
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 6, 'E', expires_at => '2023-06-01 00:00Z')), p, '2023-01-15'), '{6 2023-06-01}', 'an expiry of its own is of all points') FROM thirds;
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 6, 'A'), make_event('2023-01-16 10:00Z', 3, 'T'), make_event('2023-01-17 10:00Z', 3, 'C')), p, '2023-01-17'),
	'{2 2023-02-16,2 2023-03-16,2 2023-04-16,1 2023-02-17,1 2023-03-17,1 2023-04-17,1 2023-02-18,1 2023-03-18,1 2023-04-18}', 'adjustments, transfers and refunds that make points anew have them') FROM thirds;
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 2, 'E', label => 'a'), make_event('2023-01-15 10:00Z', 2, 'E', label => 'b')),
	p || '{"by_label": {"a": {"expires_after": "2 months"}, "b": {"expires_after": "3 months", "expires_shares": 2, "expires_every": "1 year"}}}', '2023-01-17'), '{2 2023-03-16,1 2023-04-16,1 2024-04-16}', 'by label: a rule is whole') FROM thirds;
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 6), make_event('2023-01-16 10:00Z', 6), make_event('2023-01-17 10:00Z', 6), make_event('2023-01-18 10:00Z', 6), make_event('2023-01-19 10:00Z', 6)),
	'{"expires_after": "1 month", "expires_shares": 2, "expires_every": "1 month", "versions": [{"from": "2023-01-16", "expires_every": "2 months"}, {"from": "2023-01-17", "expires_shares": 3}, {"from": "2023-01-18", "expires_shares": 1}, {"from": "2023-01-19", "expires_on": "12-31"}]}', '2023-01-20'),
	'{3 2023-02-16,3 2023-03-16,3 2023-02-17,3 2023-04-17,2 2023-02-18,2 2023-04-18,2 2023-06-18,6 2023-02-19,6 2023-12-31}', 'by version, each of which keeps what it leaves out');

-- ---- which share goes first ----

CREATE TABLE two AS SELECT ledger(make_event('2023-01-15 10:00Z', 6, 'E', ref => 1), make_event('2023-01-25 10:00Z', 6, 'E', ref => 2), make_event('2023-01-26 10:00Z', -5, 'S', ref => 3)) AS t;
SELECT is(shares(t, p, '2023-01-26'), '{1 2023-03-16,2 2023-04-16,2 2023-03-26,2 2023-04-26}', 'soonest expiry: the first share of each, then the second of the older') FROM two, thirds;
SELECT is(shares(t, p || '{"redeem_order": "oldest"}', '2023-01-26'), '{1 2023-04-16,2 2023-02-26,2 2023-03-26,2 2023-04-26}', 'oldest: the older one''s shares in turn') FROM two, thirds;
SELECT is(shares(t, p || '{"redeem_order": "newest"}', '2023-01-26'), '{2 2023-02-16,2 2023-03-16,2 2023-04-16,1 2023-02-26}', 'newest: the newer one''s last share first') FROM two, thirds;
SELECT results_eq($$SELECT r.earned_at::date, r.earn_ref, r.points::int FROM two, thirds, points_redemptions(t, p, '2023-01-26') r$$, $$VALUES (date '2023-01-15', '1', 2), ('2023-01-25', '2', 2), ('2023-01-15', '1', 1)$$, 'a redemption has a row for each share');
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 6, 'E', ref => 1), make_event('2023-01-25 10:00Z', 6, 'E', ref => 2), make_event('2023-01-26 10:00Z', 3, 'B', ref => 1)), p, '2023-01-26'),
	'{2 2023-02-16,1 2023-03-16,2 2023-02-26,2 2023-03-26,2 2023-04-26}', 'a return takes the last share of its earning first') FROM thirds;
SELECT is((SELECT count(*)::int FROM points_violations(ledger(make_event('2023-01-15 10:00Z', 6, 'E', ref => 1), make_event('2023-01-26 10:00Z', 6, 'B', ref => 1)), p, '2023-01-26')), 0, '... and what was earned can be returned') FROM thirds;
SELECT is((s.problem, s.points::int)::text, '("return of more than was earned",1)', '... but no more') FROM thirds, points_violations(ledger(make_event('2023-01-15 10:00Z', 6, 'E', ref => 1), make_event('2023-01-26 10:00Z', 7, 'B', ref => 1)), p, '2023-01-26') s;
SELECT is(shares(ledger(make_event('2023-01-10 10:00Z', -3, 'S'), make_event('2023-01-15 10:00Z', 6, 'E')), p, '2023-01-26'), '{1 2023-03-16,2 2023-04-16}', 'a debt is paid by the first shares') FROM thirds;
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 6, 'E'), make_event('2023-01-16 10:00Z', 5, 'S', ref => 3), make_event('2023-03-20 10:00Z', 5, 'C', ref => 3)), p, '2023-03-20'), '{2 2023-04-16}', 'a refund gives back to the shares, of which two are over') FROM thirds;
SELECT is((SELECT count(*)::int FROM points_violations(ledger(make_event('2023-01-15 10:00Z', 6, 'E', ref => 1), make_event('2023-01-25 10:00Z', 6, 'E', ref => 1)), p, '2023-01-26')), 1, 'a document that is earned again is one violation') FROM thirds;
SELECT is(shares(ledger(make_event('2023-01-15 10:00Z', 6)), '{"inactive_after": "20 days", "expires_after": "1 month", "expires_shares": 3, "expires_every": "1 month"}', '2023-02-10'), '{}', 'inactivity takes all shares');
SELECT is((SELECT array_agg(e.role || ' ' || e.points::int || ' ' || e.balance::int ORDER BY e.at, e.n) FROM thirds, points_statement(ledger(make_event('2023-01-15 10:00Z', 6, 'E')), p || '{"pending": "1 day"}', NULL, '2023-03-01') WITH ORDINALITY e(at, role, label, ref, points, balance, n) WHERE role <> 'opening'),
	'{"earn 6 0","activate 2 2","activate 2 4","activate 2 6","expire -2 4"}', 'in the statement each share has a row for what falls due');

-- ---- everyone's ----

CREATE TABLE everyone AS SELECT points_rollforward(t, p::points_policy, 'month', '2023-05-31', false) AS rollforward, points_triangle(t, p::points_policy, 'month', '2023-05-31', false) AS triangle, points_totals(t, p::points_policy, '2023-03-31') AS totals FROM two, thirds;
-- 5 of 12 were redeemed: of the first shares all, of the second of January's 15th one
SELECT results_eq('SELECT r.period_start, r.issued::int, r.redeemed::int, r.expired::int, r.closing::int FROM everyone, points_rollforward_table(rollforward) r',
	$$VALUES (date '2023-01-01', 12, 5, 0, 7), ('2023-02-01', 0, 0, 0, 7), ('2023-03-01', 0, 0, 3, 4), ('2023-04-01', 0, 0, 4, 0), ('2023-05-01', 0, 0, 0, 0)$$, 'the roll-forward');
SELECT results_eq('SELECT r.age, r.issued::int, r.redeemed::int, r.expired::int FROM everyone, points_triangle_table(triangle) r', $$VALUES (0, 12, 5, 0), (1, 0, 0, 0), (2, 0, 0, 3), (3, 0, 0, 4), (4, 0, 0, 0)$$, 'the triangle');
SELECT is((r.earned::int, r.expired::int, r.active::int)::text, '(12,3,4)', 'the totals') FROM everyone, points_totals_table(totals) r;

-- ---- in a programme ----

SELECT is((s.points_earned::int, s.balance::int, s.points_expired::int)::text, '(100,50,50)', 'a programme''s points have shares, too')
FROM program_summary('[{"at": "2020-01-15T10:00Z", "value": 100}]', '{"points": {"expires_after": "1 year", "expires_shares": 4, "expires_every": "1 year"}}', '2022-06-01') s;

-- ---- the rules' text ----

SELECT is('{"expires_every": "12 months", "expires_shares": 4, "expires_after": "12 months"}'::points_policy::text, '{"expires_after": "1 year", "expires_shares": 4, "expires_every": "1 year"}', 'a text');
SELECT is('{"expires_after": "1 year", "expires_shares": 1}'::points_policy::text, '{"expires_after": "1 year"}', 'one share is the default');
SELECT is(p::points_policy::text, p, 'versions say what changes')
FROM (VALUES ('{"expires_after": "1 year", "expires_shares": 12, "expires_every": "1 month", "versions": [{"from": "2024-01-01", "expires_shares": 1}, {"from": "2025-01-01", "expires_shares": 6, "expires_every": "2 months"}, {"from": "2026-01-01", "expires": "never"}]}')) v(p);
SELECT throws_ok(format('SELECT %L::points_policy', p), '22023', message, p) FROM (VALUES
	('{"expires_shares": 4, "expires_every": "1 year"}', '"expires_shares" of a points_policy needs "expires_after"'),
	('{"expires_on": "12-31", "expires_shares": 4, "expires_every": "1 year"}', '"expires_shares" of a points_policy needs "expires_after"'),
	('{"expires": "never", "expires_every": "1 year"}', '"expires" and "expires_every" of a points_policy contradict each other'),
	('{"expires_after": "1 year", "expires_shares": 4}', '"expires_shares" of a points_policy needs "expires_every"'),
	('{"expires_after": "1 year", "expires_every": "1 year"}', '"expires_every" of a points_policy needs "expires_shares"'),
	('{"expires_after": "1 year", "expires_shares": 1, "expires_every": "1 year"}', '"expires_every" of a points_policy needs "expires_shares"'),
	('{"expires_after": "1 year", "expires_shares": 0, "expires_every": "1 year"}', '"expires_shares" of a points_policy is 0'),
	('{"expires_after": "1 year", "expires_shares": 121, "expires_every": "1 year"}', '"expires_shares" of a points_policy is 121'),
	('{"expires_after": "1 year", "expires_shares": 4, "expires_every": "0"}', '"expires_every" of a points_policy is zero: "0"'),
	('{"expires_after": "1 year", "expires_shares": 4, "expires_every": "-1 day"}', '"expires_every" of a points_policy is negative: "-1 day"'),
	('{"expires_after": "1 year", "expires_shares": 100, "expires_every": "170000000 years"}', '"expires_every" of a points_policy is too long for 100 shares: "170000000 years"'),
	('{"expires_after": "1 year", "versions": [{"from": "2024-01-01", "expires_every": "1 year"}]}', '"versions[0].expires_every" of a points_policy needs "versions[0].expires_shares"'),
	('{"by_label": {"a": {"expires_shares": 2, "expires_every": "1 year"}}}', '"by_label.a.expires_shares" of a points_policy needs "by_label.a.expires_after"')) v(p, message);
SELECT throws_ok(format('SELECT %L::points_policy', p), '22P02', NULL, p) FROM (VALUES ('{"expires_after": "1 year", "expires_shares": 1.5, "expires_every": "1 year"}'), ('{"expires_after": "1 year", "expires_shares": "4", "expires_every": "1 year"}'), ('{"expires_after": "1 year", "expires_shares": 4, "expires_every": 1}')) v(p);
SELECT is(make_points_policy(expires_after => '1 year', expires_shares => 12, expires_every => '1 month'), '{"expires_after": "1 year", "expires_shares": 12, "expires_every": "1 month"}', 'from arguments');
SELECT throws_ok($$SELECT points_balance(ledger(make_event('2020-01-15 10:00Z', 10)), '{"expires_after": "1 year", "expires_shares": 2, "expires_every": "293000 years"}', '2020-02-01')$$, '22008', NULL, 'a share beyond the calendar');

SELECT * FROM finish();
ROLLBACK;
