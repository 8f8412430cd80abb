--
-- Points that wait for an event, and points that are blocked: small ledgers worked out by hand,
-- what the policy may say, and what a vandal may try.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(118);

\ir reference/lines.sql

CREATE FUNCTION rules(more jsonb DEFAULT '{}') RETURNS points_policy
LANGUAGE sql IMMUTABLE AS $$
	SELECT points_policy('{"zone": "UTC", "kinds": {"EARN": "earn", "SPEND": "redeem", "CONFIRM": "activate", "HOLD": "block", "FREE": "unblock", "BACK": "return",
		"REFUND": "redeem_refund", "LOST": "forfeit", "ADJ": "adjust", "MOVE": "transfer", "EXP": "expire"}}'::jsonb || more)
$$;

CREATE FUNCTION e(at timestamptz, value numeric, kind text, ref text DEFAULT NULL) RETURNS timeline_event
LANGUAGE sql IMMUTABLE AS $$ SELECT make_event(at => at, value => value, kind => kind, ref => ref) $$;

CREATE TABLE entry (name text, at timestamptz, value numeric, kind text, ref text, label text);
CREATE FUNCTION ledger(of text) RETURNS event_timeline
LANGUAGE sql AS $$ SELECT coalesce(timeline_agg(make_event(at => at, value => value, kind => kind, ref => ref, label => label)), '[]') FROM entry WHERE name = of $$;

CREATE FUNCTION balance(of text, policy points_policy, as_of date) RETURNS numeric
LANGUAGE sql AS $$ SELECT trim_scale(points_balance(ledger(of), policy, as_of)) $$;
-- pending, active, blocked, overdrawn; and that the identity holds
CREATE FUNCTION states(of text, policy points_policy, as_of date) RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', pending, active, blocked, overdrawn)
		|| CASE WHEN earned + reinstated + adjusted + transferred = redeemed + returned + expired + forfeited + pending + active + blocked - overdrawn AND balance = active - overdrawn
				THEN '' ELSE ' does not add up' END
	FROM points_summary(ledger(of), policy, as_of)
$$;

-- ---- the stay is confirmed: points wait for that, and their year begins with it ----

INSERT INTO entry VALUES
	('stay', '2024-01-10 10:00', 500, 'EARN', 'S1', 'suite'),
	('stay', '2024-01-20 10:00', 300, 'EARN', 'S2', NULL),
	('stay', '2024-02-01 10:00', 300, 'BACK', 'S2', NULL),
	('stay', '2024-03-05 10:00', NULL, 'CONFIRM', 'S1', NULL),
	('stay', '2024-04-01 10:00', 40, 'EARN', 'S3', NULL);
CREATE FUNCTION stays(more jsonb DEFAULT '{}') RETURNS points_policy
LANGUAGE sql IMMUTABLE AS $$ SELECT rules('{"pending_until": "activated", "expires_after": "1 year", "expires_from": "activation"}'::jsonb || more) $$;

SELECT is(lines($$SELECT ref, points, remaining, available_at, expires_at, state FROM points_lots(ledger('stay'), stays(), '2024-02-29')$$), '
S1,500,500,,,pending
S2,300,0,,,returned', 'points wait for their activation; those of a cancelled stay are taken back');
SELECT is(lines($$SELECT ref, points, remaining, available_at, expires_at, state FROM points_lots(ledger('stay'), stays(), '2024-04-30')$$), '
S1,500,500,2024-03-05 10:00,2025-03-06 00:00,active
S2,300,0,,,returned
S3,40,40,,,pending', '... are available from then on, and their year begins');
SELECT is(trim_scale(points_balance_at(ledger('stay'), stays(), '2024-03-05 09:59:59.999999Z')), 0.0, '... not before');
SELECT is(trim_scale(points_balance_at(ledger('stay'), stays(), '2024-03-05 10:00Z')), 500.0, '... at the instant');
SELECT is(balance('stay', stays(), '2025-03-04'), 500.0, '... good through 5 March of the next year');
SELECT is(balance('stay', stays(), '2025-03-05'), 0.0, '... and no longer');
SELECT is(states('stay', stays(), '2124-01-01'), '40 0 0 0', 'what is never confirmed waits for ever, and does not expire by a time that is counted from then');
SELECT is(lines($$SELECT * FROM points_expiry_schedule(ledger('stay'), stays(), '2024-04-30')$$), '
2025-03-06 00:00,500', '... nor is it to come');
SELECT is(states('stay', rules('{"pending_until": "activated", "expires_after": "1 year"}'), '2025-04-02'), '0 0 0 0', '... but counted from earning it does');
SELECT is(lines($$SELECT ref, expires_at, state FROM points_lots(ledger('stay'), rules('{"pending_until": "activated", "expires_after": "1 year"}'), '2025-01-11')$$), '
S1,2025-01-11 00:00,expired
S2,2025-01-21 00:00,returned
S3,2025-04-02 00:00,pending', '... from earning, whenever it was confirmed');
SELECT is(states('stay', rules('{"pending_until": "activated", "inactive_after": "6 months"}'), '2024-10-01'), '0 0 0 0', '... and inactivity takes what waits, too');
SELECT is(lines($$SELECT * FROM points_statement(ledger('stay'), stays(), '2024-02-02', '2024-05-01')$$), '
2024-02-02 00:00,opening,,,,0
2024-03-05 10:00,activate,suite,S1,500,500
2024-04-01 10:00,earn,,S3,40,500', 'the statement shows what became available, with the label and ref of its earning');
SELECT is(lines($$SELECT v.* FROM points_violations(ledger('stay'), stays(), '2024-05-01') v$$), '', 'that is all as it should be');
SELECT is(lines($$SELECT day, earned, returned, pending, blocked, balance FROM points_daily(ledger('stay'), stays(), NULL, '2024-05-01')$$), '
2024-01-10,500,0,500,0,0
2024-01-20,300,0,800,0,0
2024-02-01,0,300,500,0,0
2024-03-05,0,0,0,0,500
2024-04-01,40,0,40,0,500', '... day by day');

-- the interval beside the event: what comes first
INSERT INTO entry VALUES
	('first', '2024-01-01 10:00', 10, 'EARN', 'A', NULL),
	('first', '2024-01-01 11:00', 20, 'EARN', 'B', NULL),
	('first', '2024-01-01 12:00', 30, 'EARN', NULL, NULL),
	('first', '2024-01-10 10:00', 0, 'CONFIRM', 'B', NULL),
	('first', '2024-01-11 10:00', 5, 'CONFIRM', 'A', NULL),
	('first', '2024-02-15 10:00', NULL, 'CONFIRM', 'B', NULL);
SELECT is(lines($$SELECT ref, available_at FROM points_lots(ledger('first'), rules('{"pending": "30 days"}'), '2024-03-01')$$), '
A,2024-01-11 10:00
B,2024-01-31 11:00
,2024-01-31 12:00', 'the event or the interval, what comes first; how many points an event names does not matter, but 0 is none');
SELECT is(states('first', rules('{"pending": "30 days"}'), '2024-01-20'), '50 10 0 0', '... in between');
SELECT is(lines($$SELECT v.* FROM points_violations(ledger('first'), rules('{"pending": "30 days"}'), '2024-03-01') v$$), '', '... an activation that comes after the interval is no violation');
SELECT is(lines($$SELECT ref, expires_at FROM points_lots(ledger('first'), rules('{"pending": "30 days", "expires_after": "10 days", "expires_from": "activation", "expires_align": "none"}'), '2024-01-20')$$), '
A,2024-01-21 10:00
B,2024-02-10 11:00
,2024-02-10 12:00', '... a time from activation is counted from the event');

-- all that waits; before the earning; twice; nothing of the kind
INSERT INTO entry VALUES
	('odd', '2024-01-01 10:00', NULL, 'CONFIRM', 'A', NULL),
	('odd', '2024-01-02 10:00', 10, 'EARN', 'A', NULL),
	('odd', '2024-01-03 10:00', 20, 'EARN', 'B', NULL),
	('odd', '2024-01-04 10:00', -7, 'CONFIRM', 'B', NULL),
	('odd', '2024-01-05 10:00', NULL, 'CONFIRM', 'B', NULL),
	('odd', '2024-01-06 10:00', 5, 'EARN', 'B', NULL),
	('odd', '2024-01-07 10:00', NULL, 'CONFIRM', 'X', NULL),
	('odd', '2024-01-08 10:00', NULL, 'CONFIRM', NULL, NULL),
	('odd', '2024-01-09 10:00', NULL, 'CONFIRM', NULL, NULL);
SELECT is(states('odd', stays(), '2024-01-07'), '15 20 0 0', 'an activation before the earning does nothing; what is earned later under a ref waits anew');
SELECT is(states('odd', stays(), '2024-01-08'), '0 35 0 0', 'an activation without a ref is of all that waits');
SELECT is(lines($$SELECT v.* FROM points_violations(ledger('odd'), stays(), '2024-01-31') v$$), '
2024-01-01 10:00,A,activation without an earning,0
2024-01-05 10:00,B,activation without an earning,0
2024-01-06 10:00,B,document earned more than once,5
2024-01-07 10:00,X,activation without an earning,0
2024-01-09 10:00,,activation without an earning,0', 'before the earning, twice, of nothing known');
-- at one instant earnings come first; what is available pays debts
INSERT INTO entry VALUES
	('debt', '2024-01-01', -30, 'SPEND', 'R', NULL),
	('debt', '2024-01-02', NULL, 'CONFIRM', 'A', NULL),
	('debt', '2024-01-02', 50, 'EARN', 'A', NULL);
SELECT is(states('debt', stays(), '2024-01-01'), '0 0 0 30', 'points released pay debts');
SELECT is(states('debt', stays(), '2024-01-02'), '0 20 0 0', '... at one instant what is earned is there first');
SELECT is(lines($$SELECT * FROM points_statement(ledger('debt'), stays(), '2024-01-02', '2024-01-03')$$), '
2024-01-02 00:00,opening,,,,-30
2024-01-02 00:00,earn,,A,50,-30
2024-01-02 00:00,activate,,A,50,20', '... in the statement');
SELECT is(lines($$SELECT redeem_ref, earn_ref, points FROM points_redemptions(ledger('debt'), stays(), '2024-01-02')$$), '
R,A,30', '... and to what they went');
-- no activity
SELECT is(points_summary.last_activity_at, '2024-04-01 10:00Z', 'an activation is no activity') FROM points_summary(ledger('stay') + e('2024-04-05 10:00Z', NULL, 'CONFIRM', ref => 'S3'), stays(), '2024-05-01');
-- many lots under one ref, with versions, so that they do not become due in the order of earning
SELECT is(lines($$
	SELECT count(*) FILTER (WHERE available_at = '2024-02-01Z'), count(*) FILTER (WHERE available_at > '2024-02-01Z'), count(*) FILTER (WHERE available_at < '2024-02-01Z')
	FROM points_lots((SELECT timeline_agg(e) FROM (
			SELECT e(timestamptz '2024-01-01Z' + n * interval '1 hour', 1, 'EARN', ref => CASE WHEN n % 3 > 0 THEN 'A' ELSE 'B' END) FROM generate_series(0, 719) n
			UNION ALL SELECT e('2024-02-01Z', NULL, 'CONFIRM', ref => 'A')) v(e)),
		rules('{"pending": "60 days", "versions": [{"from": "2024-01-11", "pending": "20 days"}, {"from": "2024-01-21", "pending": "1 day"}]}'), '2024-12-31')$$), '
305,151,264', 'many lots, of which some waited less than those before them');

-- ---- what a policy may say of it ----

CREATE TABLE form (written text, shown text);
INSERT INTO form VALUES
	('{"kinds": {"c": "activate", "e": "earn", "h": "block", "u": "unblock"}, "pending_until": "activated"}', '{"kinds": {"c": "activate", "e": "earn", "h": "block", "u": "unblock"}, "pending_until": "activated"}'),
	('{"kinds": {"c": "activate"}, "pending_until": null, "pending": "0"}', '{"kinds": {"c": "activate"}}'),
	('{"kinds": {"c": "activate"}, "pending": "14 days", "versions": [{"from": "2024-01-01", "pending_until": "activated"}, {"from": "2025-01-01", "pending": "14 days"}, {"from": "2026-01-01", "pending": "2 weeks"}]}',
	 '{"kinds": {"c": "activate"}, "pending": "14 days", "versions": [{"from": "2024-01-01", "pending_until": "activated"}, {"from": "2025-01-01", "pending": "14 days"}]}'),
	('{"kinds": {"c": "activate"}, "pending_until": "activated", "versions": [{"from": "2024-01-01", "pending": "0"}, {"from": "2025-01-01", "pending_until": "activated"}]}',
	 '{"kinds": {"c": "activate"}, "pending_until": "activated", "versions": [{"from": "2024-01-01", "pending": "0 days"}, {"from": "2025-01-01", "pending_until": "activated"}]}');
SELECT is(written::points_policy::text, shown, 'written: ' || written) FROM form;
SELECT is(shown::points_policy::text, shown, 'and read again: ' || shown) FROM form;
SELECT is(make_points_policy(kinds => '{"c": "activate"}', pending_until => 'activated')::text, '{"kinds": {"c": "activate"}, "pending_until": "activated"}', 'from arguments');
CREATE TABLE fault (written text, state text, message text);
INSERT INTO fault VALUES
	('{"pending_until": "activated"}', '22023', '"pending_until" of a points_policy needs a kind that activates'),
	('{"kinds": {"e": "earn"}, "pending_until": "activated"}', '22023', '"pending_until" of a points_policy needs a kind that activates'),
	('{"kinds": {"c": "activate"}, "pending_until": "activated", "pending": "1 day"}', '22023', '"pending" and "pending_until" of a points_policy contradict each other'),
	('{"kinds": {"c": "activate"}, "pending_until": "confirmed"}', '22023', '"pending_until" of a points_policy can''t be "confirmed"'),
	('{"kinds": {"c": "activate"}, "pending_until": true}', '22P02', '"pending_until" of a points_policy is not a string'),
	('{"versions": [{"from": "2024-01-01", "pending_until": "activated"}]}', '22023', '"pending_until" of a points_policy needs a kind that activates'),
	('{"kinds": {"c": "activate"}, "versions": [{"from": "2024-01-01", "pending_until": "activated", "pending": "1 day"}]}', '22023', '"versions[0].pending" and "versions[0].pending_until" of a points_policy contradict each other'),
	('{"kinds": {"c": "activated"}}', '22023', '"kinds.c" of a points_policy can''t be "activated"'),
	('{"by_label": {"p": {"expires": "never", "pending_until": "activated"}}}', '22P02', 'unknown key "pending_until" in a points_policy at "by_label.p"');
SELECT throws_ok(format('SELECT %L::points_policy', written), state, message, 'refused: ' || written) FROM fault;
-- from a day on
INSERT INTO entry VALUES
	('since', '2024-01-30 10:00', 1, 'EARN', 'A', NULL), ('since', '2024-01-31 10:00', 2, 'EARN', 'A', NULL), ('since', '2024-02-01 10:00', 4, 'EARN', 'A', NULL),
	('since', '2024-02-20 10:00', NULL, 'CONFIRM', 'A', NULL);
SELECT is(lines($$SELECT points, available_at FROM points_lots(ledger('since'), rules('{"pending": "14 days", "versions": [{"from": "2024-01-31", "pending_until": "activated"}, {"from": "2024-02-01", "pending": "0"}]}'), '2024-02-19')$$), '
1,2024-02-13 10:00
2,
4,2024-02-01 10:00', 'lots follow the version of their day');

-- ---- blocked points ----

INSERT INTO entry VALUES
	('block', '2024-01-01 10:00', 100, 'EARN', 'A', 'shop'),
	('block', '2024-01-02 10:00', 50, 'EARN', 'B', NULL),
	('block', '2024-01-05 10:00', NULL, 'HOLD', 'A', NULL),
	('block', '2024-01-06 10:00', 60, 'SPEND', 'R1', NULL),
	('block', '2024-01-08 10:00', 30, 'FREE', 'A', 'clerk'),
	('block', '2024-01-09 10:00', NULL, 'FREE', NULL, NULL);
SELECT is(states('block', rules(), '2024-01-05'), '0 50 100 0', 'the points of an order are blocked');
SELECT is(states('block', rules(), '2024-01-06'), '0 0 100 10', '... can''t be spent: what is missing is a debt');
SELECT is(states('block', rules('{"overdraft": "clip"}'), '2024-01-06'), '0 0 100 0', '... or is cut');
SELECT throws_ok($$SELECT points_balance(ledger('block'), rules('{"overdraft": "refuse"}'), '2024-01-31')$$, '22023', 'redemption of 60 points at 2024-01-06 10:00:00+00 (ref R1) is more than the balance of 50', '... or is refused');
SELECT is(states('block', rules(), '2024-01-08'), '0 20 70 0', 'what is unblocked pays debts first');
SELECT is(states('block', rules(), '2024-01-09'), '0 90 0 0', '... and all of it');
SELECT is(lines($$SELECT * FROM points_statement(ledger('block'), rules(), '2024-01-05', '2024-02-01')$$), '
2024-01-05 00:00,opening,,,,150
2024-01-05 10:00,block,,A,-100,50
2024-01-06 10:00,redeem,,R1,-60,-10
2024-01-08 10:00,unblock,clerk,A,30,20
2024-01-09 10:00,unblock,,,70,90', 'in the statement: as booked, else what was blocked');
SELECT is(lines($$SELECT v.* FROM points_violations(ledger('block'), rules(), '2024-01-31') v$$), '
2024-01-06 10:00,R1,redemption of blocked points,10', 'redemption of blocked points');
SELECT is(lines($$SELECT ref, points, remaining, blocked, state FROM points_lots(ledger('block'), rules(), '2024-01-05')$$), '
A,100,100,100,blocked
B,50,50,0,active', 'lots: what is blocked remains');
SELECT is(lines($$SELECT ref, points, remaining, blocked, state FROM points_lots(ledger('block'), rules(), '2024-01-08')$$), '
A,100,90,70,active
B,50,0,0,spent', '... in part');
SELECT is(lines($$SELECT day, redeemed, pending, blocked, balance FROM points_daily(ledger('block'), rules())$$), '
2024-01-01,0,0,0,100
2024-01-02,0,0,0,150
2024-01-05,0,0,100,50
2024-01-06,60,0,100,-10
2024-01-08,0,0,70,20
2024-01-09,0,0,0,90', '... day by day');
SELECT is(lines($$SELECT role, ref, earn_ref, points FROM points_movements(ledger('block'), rules(), '2024-01-31')$$), '
redeem,R1,B,50
redeem,R1,A,10', '... nothing goes where points are blocked');

-- an amount, without a ref: what would be redeemed next, then what waits, newest first; given back newest first
INSERT INTO entry VALUES
	('amount', '2024-01-01 10:00', 10, 'EARN', 'A', NULL), ('amount', '2024-01-02 10:00', 20, 'EARN', 'B', NULL),
	('amount', '2024-01-29 10:00', 4, 'EARN', 'C', NULL), ('amount', '2024-01-30 10:00', 5, 'EARN', 'D', NULL),
	('amount', '2024-01-31 10:00', 15, 'HOLD', NULL, NULL), ('amount', '2024-01-31 11:00', 21, 'HOLD', NULL, NULL),
	('amount', '2024-01-31 12:00', -8, 'FREE', NULL, NULL), ('amount', '2024-01-31 13:00', 100, 'HOLD', NULL, NULL), ('amount', '2024-01-31 14:00', 100, 'FREE', NULL, NULL),
	('amount', '2024-01-31 15:00', 0, 'HOLD', NULL, NULL);
CREATE FUNCTION blocked_of(of text, policy points_policy, at timestamptz) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(trim_scale(l.blocked)::text, ' ' ORDER BY l.earned_at) FROM points_lots((SELECT coalesce(timeline_agg(make_event(at => e.at, value => e.value, kind => e.kind, ref => e.ref)), '[]')
	FROM entry e WHERE e.name = of AND e.at <= blocked_of.at), policy, (blocked_of.at AT TIME ZONE 'UTC')::date) l $$;
SELECT is(blocked_of('amount', rules('{"pending": "14 days"}'), '2024-01-31 10:00Z'), '10 5 0 0', 'an amount is blocked in the order of redemption');
SELECT is(blocked_of('amount', rules('{"pending": "14 days"}'), '2024-01-31 11:00Z'), '10 20 1 5', '... then of what waits, newest first');
SELECT is(blocked_of('amount', rules('{"pending": "14 days"}'), '2024-01-31 12:00Z'), '10 18 0 0', '... and freed newest first');
SELECT is(states('amount', rules('{"pending": "14 days"}'), '2024-01-31'), '9 30 0 0', '... what is free again waits if its lot does');
SELECT is(lines($$SELECT v.* FROM points_violations(ledger('amount'), rules('{"pending": "14 days"}'), '2024-01-31') v$$), '
2024-01-31 13:00,,block of more than there is,89
2024-01-31 14:00,,unblock of more than is blocked,61', 'more than there is');
SELECT is(blocked_of('amount', rules('{"redeem_order": "newest"}'), '2024-01-31 10:00Z'), '0 6 4 5', '... by the policy''s order');

-- the clock goes on
SELECT is(lines($$SELECT ref, remaining, blocked, state, available_at FROM points_lots(ledger('wait'), rules('{"pending": "10 days", "expires_after": "1 month"}'), '2024-01-15')$$), '', 'nobody''s');
INSERT INTO entry VALUES
	('wait', '2024-01-01 10:00', 40, 'EARN', 'A', NULL), ('wait', '2024-01-02 10:00', 15, 'HOLD', 'A', NULL), ('wait', '2024-01-20 10:00', 5, 'FREE', 'A', NULL);
SELECT is(states('wait', rules('{"pending": "10 days", "expires_after": "1 month"}'), '2024-01-05'), '25 0 15 0', 'waiting points are blocked, too');
SELECT is(states('wait', rules('{"pending": "10 days", "expires_after": "1 month"}'), '2024-01-15'), '0 25 15 0', '... their lot need not wait any longer, but they are blocked');
SELECT is(states('wait', rules('{"pending": "10 days", "expires_after": "1 month"}'), '2024-01-20'), '0 30 10 0', '... what is freed then is available');
SELECT is((SELECT concat_ws(' ', expired, blocked, active) FROM points_summary(ledger('wait'), rules('{"pending": "10 days", "expires_after": "1 month"}'), '2024-02-02')), '40 0 0', 'blocked points expire in their time');
SELECT is(lines($$SELECT * FROM points_statement(ledger('wait'), rules('{"pending": "10 days", "expires_after": "1 month"}'), '2024-01-21', '2024-03-01')$$), '
2024-01-21 00:00,opening,,,,30
2024-02-02 00:00,expire,,A,-40,0', '... in one entry');
SELECT is(lines($$SELECT * FROM points_expiry_schedule(ledger('wait'), rules('{"expires_after": "1 month"}'), '2024-01-05')$$), '
2024-02-02 00:00,40', '... as was to be expected');
SELECT is((SELECT concat_ws(' ', next_expiry_at, next_expiry_points) FROM points_summary(ledger('block'), rules('{"expires_after": "1 month"}'), '2024-01-05')), '2024-02-02 00:00:00+00 100', '... where all of a lot is blocked');
SELECT is(points_expiring(ledger('block'), rules('{"inactive_after": "10 days"}'), '2024-01-05', '2024-02-01')::int, 150, '... and by inactivity');

-- the account is frozen: what there is, and what comes in
INSERT INTO entry VALUES
	('fraud', '2024-01-01 10:00', 100, 'EARN', 'A', NULL),
	('fraud', '2024-01-02 10:00', 40, 'SPEND', 'R', NULL),
	('fraud', '2024-01-03 10:00', NULL, 'HOLD', NULL, NULL),
	('fraud', '2024-01-04 10:00', 7, 'EARN', 'B', NULL),
	('fraud', '2024-01-05 10:00', 40, 'REFUND', 'R', NULL),
	('fraud', '2024-01-06 10:00', 2, 'ADJ', NULL, NULL),
	('fraud', '2024-01-07 10:00', 10, 'FREE', 'A', NULL),
	('fraud', '2024-01-08 10:00', 3, 'EARN', 'C', NULL),
	('fraud', '2024-01-09 10:00', NULL, 'HOLD', NULL, NULL),
	('fraud', '2024-01-10 10:00', NULL, 'FREE', NULL, NULL),
	('fraud', '2024-01-11 10:00', 1, 'EARN', 'D', NULL),
	('fraud', '2024-01-12 10:00', NULL, 'FREE', NULL, NULL);
SELECT is(states('fraud', rules(), '2024-01-03'), '0 0 60 0', 'a block of no ref and no amount is of the account');
SELECT is(states('fraud', rules(), '2024-01-04'), '0 0 67 0', '... what is earned then is blocked');
SELECT is(states('fraud', rules(), '2024-01-05'), '0 0 107 0', '... and what is given back');
SELECT is(states('fraud', rules(), '2024-01-06'), '0 0 109 0', '... and what comes in otherwise');
SELECT is(states('fraud', rules(), '2024-01-08'), '0 10 102 0', '... what is freed by its ref is free; the account stays frozen');
SELECT is(states('fraud', rules(), '2024-01-09'), '0 0 112 0', '... again');
SELECT is(states('fraud', rules(), '2024-01-10'), '0 112 0 0', '... until it isn''t');
SELECT is(states('fraud', rules(), '2024-01-31'), '0 113 0 0', '... and what comes in is free');
SELECT is(lines($$SELECT v.* FROM points_violations(ledger('fraud'), rules(), '2024-01-31') v$$), '
2024-01-12 10:00,,unblock of more than is blocked,0', '... an unblock of nothing');
SELECT is(states('fraud', rules('{"pending": "3 days"}'), '2024-01-05'), '0 0 107 0', '... waiting points are frozen, too');
SELECT is(lines($$SELECT role, ref, points, balance FROM points_statement(ledger('fraud'), rules(), '2024-01-03', '2024-01-08')$$), '
opening,,,60
block,,-60,0
earn,B,7,0
redeem_refund,R,40,0
adjust,,2,0
unblock,A,10,10', '... in the statement');
INSERT INTO entry VALUES
	('owed', '2024-01-01 10:00', 20, 'SPEND', 'R', NULL), ('owed', '2024-01-02 10:00', NULL, 'HOLD', NULL, NULL), ('owed', '2024-01-03 10:00', 50, 'EARN', 'A', NULL), ('owed', '2024-01-04 10:00', NULL, 'FREE', NULL, NULL);
SELECT is(states('owed', rules(), '2024-01-03'), '0 0 50 20', 'blocked points pay no debt');
SELECT is(states('owed', rules(), '2024-01-04'), '0 30 0 0', '... until they are free');

-- what takes blocked points: returns of their own ref first, and what takes everything, last
INSERT INTO entry VALUES
	('take', '2024-01-01 10:00', 30, 'EARN', 'A', NULL), ('take', '2024-01-02 10:00', 20, 'EARN', 'B', NULL), ('take', '2024-01-03 10:00', 25, 'HOLD', 'A', NULL);
CREATE FUNCTION after(kind text, value numeric, ref text, more jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(concat_ws('/', trim_scale(l.remaining), trim_scale(l.blocked), l.state), ' ' ORDER BY l.earned_at)
	FROM points_lots(ledger('take') + e('2024-01-04 10:00Z', value, kind, ref => ref), rules(more), '2024-01-31') l $$;
SELECT is(after('BACK', 12, 'A'), '18/18/blocked 20/0/active', 'a return takes the free points of its ref, then the blocked ones');
SELECT is(after('BACK', 30, 'A'), '0/0/returned 20/0/active', '... all of them');
SELECT is(after('BACK', 40, NULL), '10/10/blocked 0/0/returned', '... without a ref the newest, then what is blocked');
SELECT is(after('BACK', 22, 'B', '{"returns_beyond": "take"}'), '28/25/active 0/0/returned', '... of another ref what is free');
SELECT is(after('LOST', 35, NULL), '15/15/blocked 0/0/forfeited', 'a forfeit takes what is free, then what is blocked');
SELECT is(after('LOST', 99, NULL), '0/0/forfeited 0/0/forfeited', '... all of it');
SELECT is(after('EXP', 35, NULL), '15/15/blocked 0/0/expired', 'a booked expiry, too');
SELECT is(after('ADJ', -35, NULL), '25/25/blocked 0/0/adjusted', 'an adjustment doesn''t');
SELECT is(after('MOVE', -35, NULL), '25/25/blocked 0/0/transferred', '... nor a transfer');
SELECT is((SELECT string_agg(problem || ' ' || trim_scale(points), ', ') FROM points_violations(ledger('take') + e('2024-01-04 10:00Z', -35, 'ADJ'), rules(), '2024-01-31')), 'adjustment of more than there is 10', '... for which they aren''t there');
SELECT is((SELECT trim_scale(overdrawn) FROM points_summary(ledger('take') + e('2024-01-04 10:00Z', -35, 'MOVE'), rules(), '2024-01-31')), 10.0, '... a debt beside blocked points');
SELECT is((SELECT string_agg(problem || ' ' || trim_scale(points), ', ') FROM points_violations(ledger('take') + e('2024-01-04 10:00Z', 60, 'SPEND'), rules(), '2024-01-31')), 'redemption of blocked points 25, redemption beyond the balance 10', '... as far as they would have covered it');
SELECT is((SELECT string_agg(problem || ' ' || trim_scale(points), ', ') FROM points_violations(ledger('take') + e('2024-01-03 12:00Z', 4, 'EARN') + e('2024-01-04 10:00Z', 60, 'SPEND'), rules('{"pending": "36 hours"}'), '2024-01-04')),
	'redemption of points still pending 4, redemption of blocked points 25, redemption beyond the balance 6', '... behind what waits');
SELECT is((SELECT string_agg(problem || ' ' || trim_scale(points), ', ') FROM points_violations(ledger('take') + e('2024-01-04 10:00Z', NULL, 'HOLD', ref => 'X') + e('2024-01-05 10:00Z', 3, 'HOLD', ref => 'X') + e('2024-01-06 10:00Z', NULL, 'FREE', ref => 'B'), rules(), '2024-01-31')),
	'block of more than there is 0, block of more than there is 3, unblock of more than is blocked 0', 'blocks of nothing');
-- at one instant: blocked, unblocked, then redeemed
SELECT is((SELECT concat_ws(' ', trim_scale(active), trim_scale(blocked), trim_scale(overdrawn)) FROM points_summary(ledger('take') + e('2024-01-04 10:00Z', 20, 'SPEND') + e('2024-01-04 10:00Z', 5, 'FREE', ref => 'A') + e('2024-01-04 10:00Z', NULL, 'HOLD', ref => 'B'), rules(), '2024-01-31')),
	'0 40 10', 'at one instant points are blocked, then unblocked, then redeemed');
-- a refund to a lot of which something is blocked; inactivity counts from when the oldest came in
SELECT is((SELECT concat_ws(' ', trim_scale(remaining), trim_scale(blocked)) FROM points_lots(ledger('take') + e('2024-01-04 10:00Z', 25, 'SPEND', ref => 'R') + e('2024-01-05 10:00Z', 25, 'REFUND', ref => 'R'), rules(), '2024-01-31') LIMIT 1), '30 25', 'a refund goes back to a lot that is blocked in part');
-- several lots under one ref
INSERT INTO entry SELECT 'lines', '2024-01-01 10:00'::timestamptz + n * interval '1 minute', n, 'EARN', CASE WHEN n % 2 = 0 THEN 'E' ELSE 'O' END, NULL FROM generate_series(1, 6) n;
INSERT INTO entry VALUES ('lines', '2024-01-02 10:00', 7, 'HOLD', 'E', NULL), ('lines', '2024-01-03 10:00', 20, 'HOLD', NULL, NULL), ('lines', '2024-01-04 10:00', 8, 'FREE', 'E', NULL), ('lines', '2024-01-05 10:00', NULL, 'FREE', 'O', NULL),
	('lines', '2024-01-06 10:00', NULL, 'HOLD', 'E', NULL);
SELECT is(blocked_of('lines', rules(), '2024-01-02 10:00Z'), '0 0 0 1 0 6', 'the newest lots of a ref are blocked first');
SELECT is(blocked_of('lines', rules(), '2024-01-03 10:00Z'), '1 2 3 4 5 6', '... and all by amount');
SELECT is(blocked_of('lines', rules(), '2024-01-04 10:00Z'), '1 2 3 2 5 0', '... freed newest first');
SELECT is(blocked_of('lines', rules(), '2024-01-05 10:00Z'), '0 2 0 2 0 0', '... all of the other ref');
SELECT is(blocked_of('lines', rules(), '2024-01-06 10:00Z'), '0 2 0 4 0 6', '... and blocked again');

-- ---- everyone's ----

CREATE FUNCTION everyone() RETURNS timeline_base
LANGUAGE sql AS $$ SELECT timelines(name, make_event(at => at, value => value, kind => kind, ref => ref, label => label)) FROM entry WHERE name IN ('block', 'wait', 'fraud', 'take', 'amount') $$;
SELECT is((SELECT concat_ws(' ', pending, active, blocked, overdrawn) FROM points_totals_table(points_totals(everyone(), rules('{"expires_after": "1 month"}'), '2024-01-08'))),
	(SELECT concat_ws(' ', sum(pending), sum(active), sum(blocked), sum(overdrawn)) FROM (SELECT DISTINCT name FROM entry WHERE name IN ('block', 'wait', 'fraud', 'take', 'amount')) c, points_summary(ledger(c.name), rules('{"expires_after": "1 month"}'), '2024-01-08')),
	'totals are the summaries added up');
SELECT is((SELECT concat_ws(' ', closing, pending, blocked) FROM points_rollforward_table(points_rollforward(everyone(), rules('{"expires_after": "1 month", "pending": "1 day"}'), 'week', as_of)) ORDER BY period_start DESC LIMIT 1),
	(SELECT concat_ws(' ', pending + active + blocked - overdrawn, pending, blocked) FROM points_totals_table(points_totals(everyone(), rules('{"expires_after": "1 month", "pending": "1 day"}'), as_of))),
	'the roll-forward''s closing is the totals'' of ' || as_of)
FROM unnest('{2024-01-03,2024-01-05,2024-01-08,2024-01-31,2024-02-01,2024-02-05}'::date[]) as_of;
SELECT is((SELECT concat_ws(' ', sum(closing), sum(pending), sum(blocked)) FROM points_rollforward_table(points_rollforward(everyone(), rules(), 'year', '2024-01-08', true))),
	(SELECT concat_ws(' ', pending + active + blocked - overdrawn, pending, blocked) FROM points_totals_table(points_totals(everyone(), rules(), '2024-01-08'))), '... by label, too');
SELECT is((SELECT sum(issued - redeemed - expired - taken_back) FROM points_triangle_table(points_triangle(everyone(), rules('{"expires_after": "1 month"}'), 'week', '2024-01-08'))),
	(SELECT pending + active + blocked FROM points_totals_table(points_totals(everyone(), rules('{"expires_after": "1 month"}'), '2024-01-08'))), 'what is blocked is outstanding in the triangle');
SELECT is((SELECT sum(outstanding) FROM points_liability(points_triangle(everyone(), rules(), 'week', '2024-01-08'), 0.01) WHERE issue_period IS NULL),
	(SELECT pending + active + blocked FROM points_totals_table(points_totals(everyone(), rules(), '2024-01-08'))), '... and a liability');
SELECT is(points_totals(everyone(), rules(), '2024-01-08')::text::points_totals_result, points_totals(everyone(), rules(), '2024-01-08'), 'results are read as they are written');

SELECT * FROM finish();
ROLLBACK;
