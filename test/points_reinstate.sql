--
-- Points that expired and are brought back within a time of grace: worked examples, all by hand.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(52);
SET LOCAL timezone = 'UTC';

CREATE FUNCTION ledger(VARIADIC events timeline_event[]) RETURNS event_timeline
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(timeline_agg(e), '[]') FROM unnest(events) e $$;

-- ref, points, what remains, day of expiry and state of each lot, in their order
CREATE FUNCTION lots(timeline event_timeline, policy points_policy, as_of date) RETURNS text[]
LANGUAGE sql AS $$
	SELECT coalesce(array_agg(concat_ws(' ', l.ref, trim_scale(l.points), trim_scale(l.remaining), l.expires_at::date, l.state) ORDER BY n), '{}')
	FROM points_lots(timeline, policy, as_of) WITH ORDINALITY AS l(earned_at, kind, label, ref, points, remaining, available_at, expires_at, state, n)
$$;

CREATE FUNCTION identity_holds(timeline event_timeline, policy points_policy, as_of date) RETURNS boolean
LANGUAGE sql AS $$
	SELECT s.earned + s.reinstated + s.adjusted + s.transferred = s.redeemed + s.returned + s.expired + s.forfeited + s.pending + s.active - s.overdrawn
		AND s.balance = points_balance(timeline, policy, as_of)
		AND s.active = (SELECT coalesce(sum(l.remaining), 0) FROM points_lots(timeline, policy, as_of) l)
	FROM points_summary(timeline, policy, as_of) s
$$;

CREATE TABLE rules AS SELECT '{"kinds": {"E": "earn", "S": "redeem", "C": "redeem_refund", "B": "return", "A": "adjust", "X": "expire", "R": "reinstate"}, "expires_after": "1 month", "grace_after_expiry": "15 days"}'::jsonb AS p;

-- 100 on 10 January, good through 10 February; 50 on 20 January, through 20 February; 40 spent. So 60 expire at the start of 11 February, and 50 of 21 February.
-- They can be brought back until the start of 26 February, and of 8 March.
CREATE TABLE base AS SELECT ledger(make_event('2024-01-10 10:00Z', 100, 'E', 'web', 1), make_event('2024-01-20 10:00Z', 50, 'E', 'store', 2), make_event('2024-01-21 10:00Z', 40, 'S', ref => 3)) AS t;

SELECT is(lots(t + make_event('2024-02-25 10:00Z', NULL::int, 'R'), p, '2024-02-25'), '{"1 40 0 2024-02-11 expired","2 50 50 2024-03-26 active","1 60 60 2024-03-26 active"}', 'everything comes back, the last that expired first: as if earned then') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-26 00:00Z', NULL::int, 'R'), p, '2024-02-26'), '{"1 100 0 2024-02-11 expired","2 50 50 2024-03-27 active"}', 'what can come back until an instant can''t at it') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-26 00:00Z', NULL::int, 'R'), p || '{"expiry_boundary": "valid"}', '2024-02-26'), '{"1 40 0 2024-02-11 expired","2 50 50 2024-03-27 active","1 60 60 2024-03-27 active"}', '... but where the boundary is valid') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-26 00:00:00.000001Z', NULL::int, 'R'), p || '{"expiry_boundary": "valid"}', '2024-02-26'), '{"1 100 0 2024-02-11 expired","2 50 50 2024-03-27 active"}', '... and no longer') FROM base, rules;
SELECT is(points_balance(t + make_event('2024-03-08 00:00Z', NULL::int, 'R'), p, '2024-03-09')::int, 0, 'nothing comes back after the time of grace') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-11 00:00Z', NULL::int, 'R'), p, '2024-02-11'), '{"1 40 0 2024-02-11 expired","2 50 50 2024-02-21 active","1 60 60 2024-03-12 active"}', 'what expires at an instant can come back at it') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', 70, 'R'), p, '2024-02-25'), '{"1 80 0 2024-02-11 expired","2 50 50 2024-03-26 active","1 20 20 2024-03-26 active"}', 'so many points') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', -70, 'R'), p, '2024-02-25'), lots(t + make_event('2024-02-25 10:00Z', 70, 'R'), p, '2024-02-25'), '... whatever the sign') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', 20, 'R') + make_event('2024-02-26 10:00Z', 40, 'R'), p, '2024-02-26'), '{"1 100 0 2024-02-11 expired","2 20 20 2024-03-26 active","2 30 30 2024-03-27 active"}', '... and the rest later, as far as it can') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', 0, 'R'), p, '2024-02-25'), '{"1 100 0 2024-02-11 expired","2 50 0 2024-02-21 expired"}', 'a value of 0 does nothing') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', NULL::int, 'R', ref => 1), p, '2024-02-25'), '{"1 40 0 2024-02-11 expired","2 50 0 2024-02-21 expired","1 60 60 2024-03-26 active"}', 'under a ref that something was earned under: that') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', 10, 'R', ref => 1) + make_event('2024-02-25 11:00Z', NULL::int, 'R', ref => 2) + make_event('2024-02-25 12:00Z', NULL::int, 'R'), p, '2024-02-25'),
	'{"1 40 0 2024-02-11 expired","1 10 10 2024-03-26 active","2 50 50 2024-03-26 active","1 50 50 2024-03-26 active"}', '... by ref, and then the rest') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', 60, 'R', ref => 77), p, '2024-02-25'), '{"1 90 0 2024-02-11 expired","2 50 50 2024-03-26 active","1 10 10 2024-03-26 active"}', 'a ref of its own is none') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', NULL::int, 'R', expires_at => '2025-01-01 00:00Z'), p, '2024-02-25'), '{"1 40 0 2024-02-11 expired","2 50 50 2025-01-01 active","1 60 60 2025-01-01 active"}', 'with an expiry of its own') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', NULL::int, 'R'), p || '{"by_label": {"store": {"expires_after": "1 year"}}, "pending": "10 days", "versions": [{"from": "2024-02-25", "expires_after": "2 months"}]}', '2024-02-25'),
	'{"1 40 0 2024-02-11 expired","2 50 50 2025-01-21 active","1 60 60 2024-04-26 active"}', 'the rule of the day, without waiting; by label what hasn''t expired stays') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', NULL::int, 'R'), p || '{"versions": [{"from": "2024-02-25", "expires_after": "2 months", "expires_shares": 2, "expires_every": "1 month"}]}', '2024-02-25'),
	'{"1 40 0 2024-02-11 expired","2 25 25 2024-04-26 active","2 25 25 2024-05-26 active","1 30 30 2024-04-26 active","1 30 30 2024-05-26 active"}', 'with shares, where the rule of the day has them') FROM base, rules;

-- ---- where it shows ----

CREATE TABLE back AS SELECT t + make_event('2024-02-25 10:00Z', 70, 'R', 'help desk', 9) AS t FROM base;
SELECT is((s.balance::int, s.earned::int, s.reinstated::int, s.redeemed::int, s.expired::int, s.next_expiry_at::date, s.next_expiry_points::int, s.last_activity_at::date)::text, '(70,150,70,40,110,2024-03-26,70,2024-01-21)', 'the summary') FROM back, rules, points_summary(t, p, '2024-02-25') s;
SELECT is((SELECT array_agg(concat_ws(' ', e.at::date, e.role, e.label, e.ref, e.points::int, e.balance::int) ORDER BY n) FROM points_statement(t, p, '2024-02-01', '2024-04-01') WITH ORDINALITY e(at, role, label, ref, points, balance, n)),
	'{"2024-02-01 opening 110","2024-02-11 expire web 1 -60 50","2024-02-21 expire store 2 -50 0","2024-02-25 reinstate help desk 9 70 70","2024-03-26 expire store 2 -50 20","2024-03-26 expire web 1 -20 0"}', 'the statement') FROM back, rules;
SELECT is((SELECT array_agg(concat_ws(' ', m.at::date, m.role, m.ref, m.earn_ref, m.label, m.points::int) ORDER BY n) FROM points_movements(t, p, '2024-02-25') WITH ORDINALITY m(at, role, ref, earned_at, earn_ref, label, expires_at, points, n)),
	'{"2024-01-21 redeem 3 1 web 40","2024-02-11 expire 1 web 60","2024-02-21 expire 2 store 50","2024-02-25 reinstate 9 2 store -50","2024-02-25 reinstate 9 1 web -20"}', 'the movements') FROM back, rules;
SELECT is((SELECT sum(m.points) FROM points_movements(t, p, '2024-02-25') m), (SELECT sum(l.points - l.remaining) FROM points_lots(t, p, '2024-02-25') l), '... add up to what the lots lack') FROM back, rules;
SELECT results_eq($$SELECT d.day, d.reinstated::int, d.expired::int, d.balance::int FROM back, rules, points_daily(t, p, '2024-02-01', '2024-04-01') d$$, $$VALUES (date '2024-02-10', 0, 60, 50), ('2024-02-20', 0, 50, 0), ('2024-02-25', 70, 0, 70), ('2024-03-25', 0, 70, 0)$$, 'the days');
SELECT results_eq($$SELECT s.expires_at::date, s.points::int FROM back, rules, points_expiry_schedule(t, p, '2024-02-25') s$$, $$VALUES (date '2024-03-26', 70)$$, 'the schedule');
CREATE TABLE everyone AS SELECT points_totals(t, p::points_policy, '2024-02-29') AS totals, points_rollforward(t, p::points_policy, 'month', '2024-03-31', true) AS rollforward, points_triangle(t, p::points_policy, 'month', '2024-03-31', true) AS triangle FROM back, rules;
SELECT is((s.earned::int, s.reinstated::int, s.expired::int, s.active::int)::text, '(150,70,110,70)', 'the totals') FROM everyone, points_totals_table(totals) s;
SELECT results_eq('SELECT r.label, r.period_start, r.opening::int, r.issued::int, r.reinstated::int, r.redeemed::int, r.expired::int, r.closing::int FROM everyone, points_rollforward_table(rollforward) r',
	$$VALUES ('store', date '2024-01-01', 0, 50, 0, 0, 0, 50), ('store', '2024-02-01', 50, 0, 50, 0, 50, 50), ('store', '2024-03-01', 50, 0, 0, 0, 50, 0),
		('web', '2024-01-01', 0, 100, 0, 40, 0, 60), ('web', '2024-02-01', 60, 0, 20, 0, 60, 20), ('web', '2024-03-01', 20, 0, 0, 0, 20, 0)$$, 'the roll-forward: under the label of what came back');
SELECT results_eq('SELECT r.label, r.issue_period, r.age, r.issued::int, r.redeemed::int, r.expired::int FROM everyone, points_triangle_table(triangle) r',
	$$VALUES ('store', date '2024-01-01', 0, 50, 0, 0), ('store', '2024-01-01', 1, 0, 0, 0), ('store', '2024-01-01', 2, 0, 0, 50),
		('web', '2024-01-01', 0, 100, 40, 0), ('web', '2024-01-01', 1, 0, 0, 40), ('web', '2024-01-01', 2, 0, 0, 20)$$, 'the triangle: taken off what had expired of the period of issue');
SELECT is(l.outstanding::int, 70, 'what is outstanding for the liability')
FROM (SELECT points_triangle(t, p::points_policy, 'month', '2024-02-29', false) AS triangle FROM back, rules) x, points_liability(x.triangle, 0.01) l WHERE l.issue_period IS NULL;
SELECT ok(bool_and(identity_holds(t, p, day::date)), 'the identity holds on every day') FROM back, rules, generate_series(date '2024-01-09', '2024-04-01', '1 day') day;

-- ---- with other events ----

SELECT is(points_balance(t + make_event('2024-02-25 09:00Z', 30, 'S') + make_event('2024-02-25 10:00Z', NULL::int, 'R'), p, '2024-02-25')::int, 80, 'what comes back pays debts first') FROM base, rules;
SELECT is(points_balance(t + make_event('2024-02-25 10:00Z', 110, 'S') + make_event('2024-02-25 10:00Z', NULL::int, 'R'), p || '{"overdraft": "refuse"}', '2024-02-25')::int, 0, 'at one instant it comes before redemptions') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-25 10:00Z', NULL::int, 'R', ref => 1) + make_event('2024-02-26 10:00Z', 80, 'B', ref => 1), p, '2024-02-26'), '{"1 40 0 2024-02-11 expired","2 50 0 2024-02-21 expired","1 60 0 2024-03-26 returned"}', 'a return under the ref takes what came back') FROM base, rules;
SELECT is((s.returned::int, s.overdrawn::int)::text, '(80,20)', '... and no more than was earned, of which a part is owed') FROM base, rules, points_summary(t + make_event('2024-02-25 10:00Z', NULL::int, 'R', ref => 1) + make_event('2024-02-26 10:00Z', 80, 'B', ref => 1), p, '2024-02-26') s;
SELECT is((SELECT array_agg(v.problem || ' ' || v.points::int) FROM base, rules, points_violations(t + make_event('2024-02-25 10:00Z', NULL::int, 'R', ref => 1) + make_event('2024-02-26 10:00Z', 101, 'B', ref => 1), p #- '{kinds,X}', '2024-02-26') v), '{"return of more than was earned 1"}', '... however often they expire and come back');
SELECT is(lots(t + make_event('2024-02-24 10:00Z', 40, 'C', ref => 3) + make_event('2024-02-25 10:00Z', NULL::int, 'R', ref => 1), p, '2024-02-25'), '{"2 50 0 2024-02-21 expired","1 40 40 2024-03-26 active","1 60 60 2024-03-26 active"}', 'what a refund gives back too late expired when its lot did, and comes back') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-26 10:00Z', 40, 'C', ref => 3) + make_event('2024-02-27 10:00Z', NULL::int, 'R', ref => 1), p, '2024-02-27'), '{"1 100 0 2024-02-11 expired","2 50 0 2024-02-21 expired"}', '... not when that is too long ago') FROM base, rules;
SELECT is(lots(ledger(make_event('2024-02-20 10:00Z', 10, 'E', ref => 1, expires_at => '2024-02-10 00:00Z'), make_event('2024-02-24 23:00Z', NULL::int, 'R')), p, '2024-02-24'), '{"1 10 10 2024-03-25 active"}', 'what comes in expired expired when it says') FROM rules;
SELECT is(points_balance(ledger(make_event('2024-02-20 10:00Z', 10, 'E', ref => 1, expires_at => '2024-02-10 00:00Z'), make_event('2024-02-25 00:00Z', NULL::int, 'R')), p, '2024-02-25')::int, 0, '... and is too old then') FROM rules;
SELECT is(lots(t + make_event('2024-02-05 10:00Z', 30, 'X') + make_event('2024-02-19 10:00Z', NULL::int, 'R'), p, '2024-02-19'), '{"1 40 0 2024-02-11 expired","2 50 50 2024-02-21 active","1 30 30 2024-03-20 active","1 30 30 2024-03-20 active"}', 'a booked expiry is one, too') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-05 10:00Z', 30, 'X') + make_event('2024-02-06 10:00Z', NULL::int, 'R'), p, '2024-02-06'), '{"1 70 30 2024-02-11 active","2 50 50 2024-02-21 active","1 30 30 2024-03-07 active"}', '... of a lot that lives on') FROM base, rules;
SELECT is(lots(t + make_event('2024-02-11 10:00Z', 60, 'X') + make_event('2024-02-12 10:00Z', NULL::int, 'R'), p, '2024-02-12'), '{"1 40 0 2024-02-11 expired","2 50 50 2024-02-21 active","1 60 60 2024-03-13 active"}', '... but not twice where it stands for one by the rules') FROM base, rules;
-- 100 earned on 1 January 2022 lapse at the start of 2023; back on 10 January 2023, they lapse a year later
SELECT is((points_balance(l, r, '2023-01-10')::int, points_balance(l, r, '2024-01-08')::int, points_balance(l, r, '2024-01-09')::int)::text, '(100,100,0)', 'what lapsed comes back, and lapses again')
FROM ledger(make_event('2022-01-01 10:00Z', 100, 'E'), make_event('2023-01-10 10:00Z', NULL::int, 'R')) l, points_policy('{"kinds": {"E": "earn", "R": "reinstate"}, "inactive_after": "365 days", "grace_after_expiry": "1 month"}') r;
-- over again at once, twice, and then for good
SELECT is((SELECT array_agg(concat_ws(' ', e.role, e.points::int, e.balance::int) ORDER BY n) FROM points_statement(ledger(make_event('2024-01-10 10:00Z', 100, 'E'), make_event('2024-02-20 10:00Z', NULL::int, 'R', expires_at => '2024-02-20 10:00Z'), make_event('2024-02-21 10:00Z', NULL::int, 'R', expires_at => '2024-02-21 09:00Z'),
		make_event('2024-02-22 10:00Z', 30, 'R'), make_event('2024-02-22 11:00Z', 300, 'R')), p, NULL, '2024-02-23') WITH ORDINALITY e(at, role, label, ref, points, balance, n)),
	'{"opening 0","earn 100 100","expire -100 0","reinstate 100 100","expire -100 0","reinstate 100 100","expire -100 0","reinstate 30 30","reinstate 300 100"}', 'what comes back expired is no piece of its own event') FROM rules;

-- ---- violations ----

SELECT results_eq($$SELECT v.at::date, v.ref, v.problem, v.points::int FROM base, rules, points_violations(t + make_event('2024-02-25 10:00Z', 115, 'R', ref => 9) + make_event('2024-02-25 11:00Z', NULL::int, 'R', ref => 10) + make_event('2024-05-01 11:00Z', 5, 'R', ref => 11) + make_event('2024-05-01 11:00Z', 0, 'R'), p #- '{kinds,X}', '2024-05-01') v$$,
	$$VALUES (date '2024-02-25', '9', 'reinstatement of more than can be brought back', 5), ('2024-02-25', '10', 'reinstatement of more than can be brought back', 0), ('2024-05-01', '11', 'reinstatement of more than can be brought back', 5)$$, 'violations');

-- ---- in a programme ----

CREATE TABLE programme AS SELECT '{"earn": {"kinds": {"RE": "reinstate"}}, "points": {"expires_after": "1 month", "grace_after_expiry": "15 days"}, "zone": "UTC"}'::program_policy AS p,
	'[{"at": "2024-01-10T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-11T10:00Z", "value": 50, "ref": 2}, {"at": "2024-02-20T10:00Z", "kind": "RE", "ref": 9}, {"at": "2024-02-21T10:00Z", "kind": "RE", "value": 7}]'::event_timeline AS t;
SELECT is((SELECT array_agg(concat_ws(' ', s.at::date, s.role, s.ref, s.points::int, s.balance::int, s.explanation)) FROM programme, program_statement(t, p, '2024-04-01') s),
	'{"2024-01-10 earn 1 100 100 100 at 1 per 1","2024-01-11 earn 2 50 150 50 at 1 per 1","2024-02-11 expire -100 50","2024-02-12 expire -50 0","2024-02-20 reinstate 9 150 150 reinstatement","2024-02-21 reinstate 7 150 reinstatement","2024-03-21 expire -150 0"}', 'a programme''s statement');
SELECT is((s.points_earned::int, s.points_redeemed::int, s.points_expired::int, s.balance::int)::text, '(150,0,0,150)', '... summary: what came back has not expired') FROM programme, program_summary(t, p, '2024-03-01') s;
CREATE TABLE rollforward AS SELECT program_rollforward(t, p, 'month', '2024-03-31') AS r FROM programme;
SELECT results_eq('SELECT t.period_start, t.opening::int, t.issued::int, t.redeemed::int, t.expired::int, t.closing::int FROM rollforward, program_rollforward_table(r) t',
	$$VALUES (date '2024-01-01', 0, 150, 0, 0, 150), ('2024-02-01', 150, 0, 0, 0, 150), ('2024-03-01', 150, 0, 0, 150, 0)$$, '... roll-forward');
SELECT results_eq($$SELECT t.period_start, t.expired::int, t.closing::int FROM programme, (SELECT program_rollforward(t, p, 'day', '2024-02-20') AS r FROM programme) x, program_rollforward_table(x.r::text::program_rollforward_result) t WHERE t.period_start >= '2024-02-10' AND t.expired <> 0$$,
	$$VALUES (date '2024-02-10', 100, 50), ('2024-02-11', 50, 0), ('2024-02-20', -150, 150)$$, '... by day, where more comes back than expires');
SELECT throws_ok($$SELECT '{"earn": {"kinds": {"RE": "reinstate"}}}'::program_policy$$, '22023', '"earn.kinds" of a program_policy needs "points.grace_after_expiry"', '... which needs a time of grace');

-- ---- the rules' text ----

SELECT throws_ok($$SELECT '{"kinds": {"R": "reinstate"}}'::points_policy$$, '22023', '"kinds" of a points_policy needs "grace_after_expiry"', 'so does a ledger');
SELECT is('{"grace_after_expiry": "12 weeks"}'::points_policy::text, '{"grace_after_expiry": "84 days"}', 'the text');
SELECT throws_ok($$SELECT '{"grace_after_expiry": "0"}'::points_policy$$, '22023', '"grace_after_expiry" of a points_policy is zero: "0"', 'none is to be left out');
SELECT is(make_points_policy(grace_after_expiry => '90 days'), '{"grace_after_expiry": "90 days"}', 'from arguments');
SELECT is(points_balance(t + make_event('2024-02-25 10:00Z', NULL::int, 'R'), p || '{"grace_after_expiry": "290000 years"}', '2024-02-25')::int, 110, 'a time of grace beyond the calendar has no end') FROM base, rules;

SELECT * FROM finish();
ROLLBACK;
