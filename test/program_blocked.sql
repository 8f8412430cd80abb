--
-- Points of a programme that wait for an event, and that are blocked: small timelines of amounts
-- worked out by hand; all violations of a programme, whose they are; what a policy may say.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(74);

\ir reference/lines.sql

CREATE FUNCTION e(at timestamptz, value numeric, kind text DEFAULT NULL, ref text DEFAULT NULL, label text DEFAULT NULL, expires_at timestamptz DEFAULT NULL) RETURNS timeline_event
LANGUAGE sql IMMUTABLE AS $$ SELECT make_event(at => at, value => value, kind => kind, ref => ref, label => label, expires_at => expires_at) $$;

CREATE TABLE entry (name text, at timestamptz, value numeric, kind text, ref text, label text);
CREATE FUNCTION bought(of text) RETURNS event_timeline
LANGUAGE sql AS $$ SELECT coalesce(timeline_agg(make_event(at => at, value => value, kind => kind, ref => ref, label => label)), '[]') FROM entry WHERE name = of $$;

-- A programme: the parts beside the kinds are what is tried.
CREATE FUNCTION club(earn jsonb DEFAULT '{}', points jsonb DEFAULT '{}', more jsonb DEFAULT '{}') RETURNS program_policy
LANGUAGE sql IMMUTABLE AS $$
	SELECT program_policy(jsonb_build_object('zone', 'UTC', 'points', points, 'earn', earn
		|| '{"kinds": {"CONFIRM": "activate", "HOLD": "block", "FREE": "unblock", "STAY": "earn", "ADJ": "adjust", "UNDO": "redeem_refund", "LOST": "forfeit", "EXP": "expire"}}') || more)
$$;

-- issued redeemed expired pending blocked balance; and that they add up
CREATE FUNCTION stands(of text, program program_policy, as_of date) RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', trim_scale(points_earned), trim_scale(points_redeemed), trim_scale(points_expired), trim_scale(points_pending), trim_scale(points_blocked), trim_scale(balance))
		|| CASE WHEN points_earned = points_redeemed + points_expired + points_pending + points_blocked + balance THEN '' ELSE ' does not add up' END
	FROM program_summary(bought(of), program, as_of)
$$;

-- ---- points wait until the partner confirms ----

-- two orders and a bonus; the second one is cancelled before it is confirmed, and has a late line
INSERT INTO entry VALUES
	('partner', '2024-01-10 10:00', 100, NULL, 'A', 'food'),
	('partner', '2024-01-12 10:00', 60, NULL, 'B', 'toys'),
	('partner', '2024-01-20 10:00', NULL, 'CONFIRM', 'A', NULL),
	('partner', '2024-01-21 10:00', 30, NULL, 'A', 'food'),
	('partner', '2024-01-25 10:00', -60, NULL, 'B', 'toys'),
	('partner', '2024-02-01 10:00', 40, 'redeem', 'R', NULL),
	('partner', '2024-02-10 10:00', 7, 'CONFIRM', 'A', NULL);
CREATE FUNCTION waits(more jsonb DEFAULT '{}') RETURNS program_policy
LANGUAGE sql IMMUTABLE AS $$ SELECT club('{"bonuses": {"first_purchase": 25}}', '{"pending_until": "activated", "expires_after": "1 year", "expires_from": "activation"}', more) $$;

SELECT is(stands('partner', waits(), '2024-01-19'), '185 0 0 185 0 0', 'what is earned waits');
SELECT is(stands('partner', waits(), '2024-01-20'), '185 0 0 60 0 125', 'an order is confirmed: its points, and the bonus that it gave');
SELECT is(stands('partner', waits(), '2024-01-21'), '215 0 0 90 0 125', 'further lines of it wait anew');
SELECT is(stands('partner', waits(), '2024-01-25'), '155 0 0 30 0 125', 'what is returned never was available');
SELECT is(stands('partner', waits(), '2024-02-10'), '155 40 0 0 0 115', 'confirmed again, whatever number it names');
SELECT is(stands('partner', waits(), '2025-01-19'), '155 40 0 0 0 115', 'the year begins with the confirmation');
SELECT is(stands('partner', waits(), '2025-01-20'), '155 40 85 0 0 30', '... of each order');
SELECT is(lines($$SELECT at, role, label, ref, points, balance, explanation FROM program_statement(bought('partner'), waits(), '2024-02-29')$$), '
2024-01-10 10:00,earn,food,A,100,0,100 at 1 per 1
2024-01-10 10:00,bonus,first_purchase,A,25,0,first purchase bonus of 25
2024-01-12 10:00,earn,toys,B,60,0,60 at 1 per 1
2024-01-20 10:00,activate,food,A,100,100,
2024-01-20 10:00,activate,first_purchase,A,25,125,
2024-01-21 10:00,earn,food,A,30,125,130 at 1 per 1, less 100 before
2024-01-25 10:00,return,toys,B,-60,125,return of 60 of 60, 60 of 60 taken back
2024-02-01 10:00,redeem,,R,-40,85,redemption
2024-02-10 10:00,activate,food,A,30,115,', 'the statement: a row for each lot, none for the event');
SELECT is(lines($$SELECT kind, label, ref, points, remaining, blocked, available_at, expires_at, state FROM program_lots(bought('partner'), waits(), '2024-02-01')$$), '
earn,food,A,100,60,0,2024-01-20 10:00,2025-01-21 00:00,active
bonus,first_purchase,A,25,25,0,2024-01-20 10:00,2025-01-21 00:00,active
earn,toys,B,60,0,0,,,returned
earn,food,A,30,30,0,,,pending', 'lots');
SELECT is(lines($$SELECT * FROM program_expiry_schedule(bought('partner'), waits(), '2024-02-09')$$), '
2025-01-21 00:00,,85', 'what waits for an event isn''t to expire');
SELECT is(lines($$SELECT period_start, opening, issued, redeemed, returned, closing, pending, blocked FROM (SELECT program_rollforward(bought('partner'), waits(), 'month', '2024-02-29') r) q, program_rollforward_table(q.r)$$), '
2024-01-01,0,215,0,60,155,30,0
2024-02-01,155,0,40,0,115,0,0', 'from opening to closing');
SELECT is(lines($$SELECT day, earned, redeemed, returned, pending, blocked, balance FROM program_daily(bought('partner'), waits(), '2024-01-20', '2024-03-01')$$), '
2024-01-20,0,0,0,60,0,125
2024-01-21,30,0,0,90,0,125
2024-01-25,0,0,60,30,0,125
2024-02-01,0,40,0,30,0,85
2024-02-10,0,0,0,0,0,115', 'day by day');
SELECT is_empty($$SELECT * FROM program_violations(bought('partner'), waits(), '2024-02-29')$$, 'all of it fits together');

-- the interval, or the event: what comes first
SELECT is(lines($$SELECT ref, available_at FROM program_lots(bought('partner'), club(points => '{"pending": "14 days"}'), '2024-02-29')$$), '
A,2024-01-20 10:00
B,2024-01-26 10:00
A,2024-02-04 10:00', 'an interval, which an event cuts short');
-- at one instant what is earned comes first; the value 0 does nothing; an event before the earning does nothing to it
SELECT is(stands('x', waits(), '2024-01-10'), '0 0 0 0 0 0', 'nothing');
INSERT INTO entry VALUES ('once', '2024-01-10 10:00', NULL, 'CONFIRM', 'A', NULL), ('once', '2024-01-10 10:00', 10, NULL, 'A', NULL), ('once', '2024-01-11 10:00', 20, NULL, 'A', NULL), ('once', '2024-01-12 10:00', 0, 'CONFIRM', 'A', NULL);
SELECT is(stands('once', waits(), '2024-01-31'), '55 0 0 20 0 35', 'of one instant the order is there first; later lines wait; with 0 it does nothing');
-- birthdays have no ref: everything is activated, or nothing of them
INSERT INTO entry VALUES ('born', '1990-01-15 10:00', NULL, 'birth', NULL, NULL), ('born', '2024-01-10 10:00', 10, NULL, 'A', NULL), ('born', '2024-01-20 10:00', NULL, 'CONFIRM', 'A', NULL), ('born', '2024-02-20 10:00', NULL, 'CONFIRM', NULL, NULL);
SELECT is(stands('born', club('{"bonuses": {"birthday": 5}}', '{"pending_until": "activated"}'), '2024-01-31'), '15 0 0 5 0 10', 'a birthday stands under no ref');
SELECT is(stands('born', club('{"bonuses": {"birthday": 5}}', '{"pending_until": "activated"}'), '2024-02-29'), '15 0 0 0 0 15', '... and is activated with everything');
-- what is earned elsewhere, and an adjustment, which never waits
INSERT INTO entry VALUES ('else', '2024-01-10 10:00', 70, 'STAY', 'S', NULL), ('else', '2024-01-11 10:00', 5, 'ADJ', 'S', NULL), ('else', '2024-01-12 10:00', NULL, 'CONFIRM', 'S', NULL);
SELECT is(stands('else', waits(), '2024-01-11'), '75 0 0 70 0 5', 'what is earned elsewhere waits, an adjustment doesn''t');
SELECT is(stands('else', waits(), '2024-01-12'), '75 0 0 0 0 75', '... and is confirmed by its ref');

-- ---- fraud: an order is blocked, then the account ----

INSERT INTO entry VALUES
	('fraud', '2024-01-10 10:00', 100, NULL, 'A', NULL),
	('fraud', '2024-01-11 10:00', 40, NULL, 'B', NULL),
	('fraud', '2024-01-12 10:00', NULL, 'HOLD', 'A', NULL),
	('fraud', '2024-01-13 10:00', 60, 'redeem', 'R', NULL),
	('fraud', '2024-01-14 10:00', 30, 'FREE', 'A', NULL),
	('fraud', '2024-01-15 10:00', NULL, 'HOLD', NULL, NULL),
	('fraud', '2024-01-16 10:00', 25, NULL, 'C', NULL),
	('fraud', '2024-01-17 10:00', -100, NULL, 'A', NULL),
	('fraud', '2024-01-20 10:00', NULL, 'FREE', NULL, NULL);
SELECT is(stands('fraud', club(), '2024-01-12'), '140 0 0 0 100 40', 'the points of an order are blocked');
SELECT is(stands('fraud', club(), '2024-01-13'), '140 60 0 0 100 -20', '... can''t be spent: what is missing is owed');
SELECT is(stands('fraud', club(points => '{"overdraft": "clip"}'), '2024-01-13'), '140 40 0 0 100 0', '... or is cut');
SELECT is(stands('fraud', club(), '2024-01-14'), '140 60 0 0 70 10', 'what is freed pays that first');
SELECT is(stands('fraud', club(), '2024-01-15'), '140 60 0 0 80 0', 'the account is blocked');
SELECT is(stands('fraud', club(), '2024-01-16'), '165 60 0 0 105 0', '... and what is earned then');
SELECT is(stands('fraud', club(), '2024-01-17'), '65 60 0 0 5 0', 'a return takes them back: of its order the free ones, then the blocked ones, and others');
SELECT is(stands('fraud', club(), '2024-01-20'), '65 60 0 0 0 5', '... until it is free again');
SELECT is(lines($$SELECT at, role, ref, amount, points, balance, explanation FROM program_statement(bought('fraud'), club(), '2024-02-29') OFFSET 2$$), '
2024-01-12 10:00,block,A,,-100,40,block
2024-01-13 10:00,redeem,R,,-60,-20,redemption
2024-01-14 10:00,unblock,A,,30,10,unblock
2024-01-15 10:00,block,,,-10,0,block
2024-01-16 10:00,earn,C,25,25,0,25 at 1 per 1
2024-01-17 10:00,return,A,-100,-100,0,return of 100 of 100, 100 of 100 taken back
2024-01-20 10:00,unblock,,,5,5,unblock', 'in the statement: as booked, else what was blocked');
SELECT is(lines($$SELECT ref, points, remaining, blocked, state FROM program_lots(bought('fraud'), club(), '2024-01-16')$$), '
A,100,80,80,blocked
B,40,0,0,spent
C,25,25,25,blocked', 'lots');
SELECT is(lines($$SELECT day, balance, pending, blocked FROM program_daily(bought('fraud'), club(), '2024-01-12', '2024-01-16')$$), '
2024-01-12,40,0,100
2024-01-13,-20,0,100
2024-01-14,10,0,70
2024-01-15,0,0,80', 'day by day');
SELECT is(lines($$SELECT period_start, opening, issued, redeemed, returned, closing, pending, blocked FROM (SELECT program_rollforward(bought('fraud'), club(), 'day', '2024-01-17') r) q, program_rollforward_table(q.r) OFFSET 2$$), '
2024-01-12,140,0,0,0,140,0,100
2024-01-13,140,0,60,0,80,0,100
2024-01-14,80,0,0,0,80,0,70
2024-01-15,80,0,0,0,80,0,80
2024-01-16,80,25,0,0,105,0,105
2024-01-17,105,0,0,100,5,0,5', 'from opening to closing');
SELECT is(lines($$SELECT outstanding FROM (SELECT program_triangle(bought('fraud'), club(), 'month', '2024-01-16') r) q, points_liability(q.r, 0.01) WHERE issue_period IS NULL$$), '
105', 'blocked points are outstanding');
SELECT is(lines($$SELECT points_issued, points_redeemed, points_expired, points_pending, points_blocked, balance FROM (SELECT program_totals(bought('fraud'), club(), '2024-01-16') r) q, program_totals_table(q.r) WHERE rank IS NULL$$), '
165,60,0,0,105,0', 'totals');
SELECT is(lines($$SELECT t.* FROM (SELECT program_compare(bought('fraud'), club(), club('{"kinds": {}}', more => '{"earn": {"kinds": {"HOLD": "ignore", "FREE": "ignore"}}}'), '2024-01-16') r) q, program_compare_members(q.r) t WHERE members > 0$$), '
unchanged,1,0', 'who has points blocked holds them');
SELECT is(lines($$SELECT at, role, ref, earn_ref, points FROM program_movements(bought('fraud'), club(), '2024-01-31')$$), '
2024-01-13 10:00,redeem,R,B,40
2024-01-13 10:00,redeem,R,A,20
2024-01-17 10:00,return,A,A,80
2024-01-17 10:00,return,A,C,20', 'blocks move nothing');
-- they expire in their time
SELECT is(stands('fraud', club(points => '{"expires_after": "2 days"}'), '2024-01-12'), '140 0 100 0 0 40', 'blocked points expire in their time');

-- ---- by label ----

-- 60 food and 40 toys under one lot; 50 blocked are 30 and 20; a redemption of 10 takes of the free 30 and 20: 6 and 4;
-- 25 freed are 15 and 10 of the blocked 30 and 20; the return of half the order takes 39 and 26 ... of the 45, 30 free
INSERT INTO entry VALUES
	('labels', '2024-01-10 10:00', 60, NULL, 'A', 'food'), ('labels', '2024-01-10 10:00', 40, NULL, 'A', 'toys'),
	('labels', '2024-01-11 10:00', 50, 'HOLD', 'A', NULL), ('labels', '2024-01-12 10:00', 10, 'redeem', 'R', NULL),
	('labels', '2024-01-13 10:00', 25, 'FREE', 'A', NULL), ('labels', '2024-01-14 10:00', -100, NULL, 'A', NULL);
CREATE FUNCTION by_label(as_of date) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(concat_ws(' ', label, trim_scale(remaining), trim_scale(blocked)), ', ' ORDER BY label) FROM program_lots(bought('labels'), club(), as_of, by_label => true) $$;
SELECT is(by_label('2024-01-11'), 'food 60 30, toys 40 20', 'a block takes of each label in proportion to what is free');
SELECT is(by_label('2024-01-12'), 'food 54 30, toys 36 20', 'what takes free points, too');
SELECT is(by_label('2024-01-13'), 'food 54 15, toys 36 10', 'an unblock goes by what is blocked');
SELECT is(lines($$SELECT label, period_start, issued, redeemed, returned, closing, blocked FROM (SELECT program_rollforward(bought('labels'), club(), 'day', '2024-01-14', true) r) q, program_rollforward_table(q.r) WHERE period_start >= '2024-01-12'$$), '
food,2024-01-12,0,6,0,54,30
food,2024-01-13,0,0,0,54,15
food,2024-01-14,0,0,54,0,0
toys,2024-01-12,0,4,0,36,20
toys,2024-01-13,0,0,0,36,10
toys,2024-01-14,0,0,36,0,0
,2024-01-14,0,0,10,-10,0', '... in a roll-forward; what was spent is owed');
SELECT is(lines($$SELECT label, issued, redeemed, taken_back FROM (SELECT program_triangle(bought('labels'), club(), 'month', '2024-01-14', true) r) q, program_triangle_table(q.r)$$), '
food,60,6,54
toys,40,4,36', '... in a triangle');

-- ---- tiers by points ----

INSERT INTO entry VALUES
	('tier', '2024-01-10 10:00', 100, NULL, 'A', NULL),
	('tier', '2024-01-11 10:00', NULL, 'HOLD', 'A', NULL),
	('tier', '2024-01-12 10:00', NULL, 'CONFIRM', 'A', NULL),
	('tier', '2024-01-13 10:00', NULL, 'FREE', 'A', NULL);
CREATE FUNCTION tiers(pending_counts boolean, points jsonb DEFAULT '{"pending_until": "activated"}') RETURNS program_policy
LANGUAGE sql IMMUTABLE AS $$ SELECT club('{}', points, jsonb_build_object('tier_metric', 'points', 'pending_counts', pending_counts, 'tiers', '{"levels": {"Gold": 100}, "qualifying_window": "lifetime", "valid": "while_qualified"}'::jsonb)) $$;
CREATE FUNCTION tier_days(of text, program program_policy) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(to_char(at AT TIME ZONE 'UTC', 'MM-DD') || ' ' || tier, ', ' ORDER BY at) FROM program_statement(bought(of), program, '2024-12-31') WHERE role = 'tier' AND explanation <> 'joined' $$;
SELECT is(tier_days('tier', tiers(true)), '01-10 Gold', 'points count when they are earned, waiting or blocked');
SELECT is(tier_days('tier', tiers(false)), '01-12 Gold', '... or once they need not wait any longer, blocked or not');
SELECT is(tier_days('tier', tiers(false, '{"pending": "5 days"}')), '01-12 Gold', '... by the event');
SELECT is(tier_days('tier', club('{}', '{"pending": "20 days"}', '{"tier_metric": "points", "pending_counts": false, "earn": {"kinds": {"HOLD": "block", "CONFIRM": "ignore", "FREE": "ignore"}}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "lifetime"}}')), '01-30 Gold', '... or in time');
-- of a frozen account; a return of blocked ones that have counted, of blocked ones that wait
INSERT INTO entry SELECT 'proven', at, value, kind, ref, label FROM entry WHERE name = 'tier' AND kind IS DISTINCT FROM 'FREE';
INSERT INTO entry VALUES ('proven', '2024-01-20 10:00', -30, NULL, 'A', NULL);
SELECT is(tier_days('proven', tiers(false)), '01-12 Gold, 01-20 Member', 'a return of blocked points that have counted counts');
INSERT INTO entry VALUES ('doubt', '2024-01-10 10:00', 130, NULL, 'A', NULL), ('doubt', '2024-01-11 10:00', NULL, 'HOLD', 'A', NULL), ('doubt', '2024-01-12 10:00', -30, NULL, 'A', NULL), ('doubt', '2024-01-13 10:00', NULL, 'CONFIRM', 'A', NULL);
SELECT is(tier_days('doubt', tiers(false)), '01-13 Gold', '... of those that wait doesn''t: 100 are left to count');
-- multipliers at the tier that confirmed points reach
INSERT INTO entry SELECT 'then', at, value, kind, ref, label FROM entry WHERE name = 'tier';
INSERT INTO entry VALUES ('then', '2024-01-11 12:00', 10, NULL, 'B', NULL), ('then', '2024-01-12 12:00', 10, NULL, 'C', NULL);
SELECT is(lines($$SELECT ref, points FROM program_lots(bought('then'), club('{"multipliers": [{"times": 2, "tiers": ["Gold"]}]}', '{"pending_until": "activated"}',
	'{"tier_metric": "points", "pending_counts": false, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "lifetime"}, "earn": {"kinds": {"CONFIRM": "activate", "HOLD": "block", "FREE": "unblock"}, "multipliers": [{"times": 2, "tiers": ["Gold"]}]}}'), '2024-12-31')$$), '
A,100
B,10
C,20', 'orders earn at the tier that confirmed points have reached');
-- nothing expires in a tier, blocked or waiting
SELECT is(stands('tier', club('{}', '{"pending_until": "activated", "expires_after": "1 day"}', '{"tiers": {"levels": {"Gold": 50}, "qualifying_window": "lifetime", "valid": "forever"}, "no_expiry_tiers": ["Gold"]}'), '2024-01-12'), '100 0 0 0 100 0', 'in a tier without expiry nothing expires, blocked or not');

-- ---- points as a timeline ----

SELECT is(lines($$SELECT at, kind, value, ref FROM timeline_events(points_accrual(bought('fraud'), (club()::jsonb->'earn')::earn_policy)) WHERE kind IN ('block', 'unblock')$$), '
2024-01-12 10:00,block,,A
2024-01-14 10:00,unblock,30,A
2024-01-15 10:00,block,,
2024-01-20 10:00,unblock,,', 'points_accrual(): blocks as they are booked');
SELECT is(lines($$SELECT at, kind, value, ref FROM timeline_events(points_accrual(bought('partner'), (club()::jsonb->'earn')::earn_policy)) WHERE kind = 'activate'$$), '
2024-01-20 10:00,activate,,A
2024-02-10 10:00,activate,,A', '... activations without a value');
SELECT is(lines($$SELECT at, ref, amount, points, explanation FROM points_accrual_events(bought('fraud') + e('2024-01-30 10:00Z', 5.25, 'HOLD') + e('2024-01-31 10:00Z', 5.25, 'CONFIRM'), (club()::jsonb->'earn')::earn_policy) WHERE amount IS NULL AND explanation <> 'redemption'$$), '
2024-01-12 10:00,A,,,block
2024-01-14 10:00,A,,30,unblock
2024-01-15 10:00,,,,block
2024-01-20 10:00,,,,unblock
2024-01-30 10:00,,,-5.25,block
2024-01-31 10:00,,,,activation', '... explained');
SELECT is(program_summary.points_blocked::text, '0.00', 'points have the decimals of what is blocked') FROM program_summary(bought('once') + e('2024-01-30 10:00Z', 0.25, 'HOLD') + e('2024-01-30 10:00Z', 0.25, 'FREE'), club(), '2024-01-31');
SELECT is(program_summary.balance::text, '30', '... not of what an activation names') FROM program_summary(bought('once') + e('2024-01-30 10:00Z', 0.25, 'CONFIRM'), club(), '2024-01-31');
SELECT is(s.orders, 0::bigint, 'none of them is an order')
FROM (SELECT timeline_agg(v) AS t FROM (VALUES (e('2024-01-30 10:00Z', 5, 'CONFIRM')), (e('2024-01-30 10:00Z', 5, 'HOLD')), (e('2024-01-30 10:00Z', 5, 'FREE'))) q(v)) q, program_summary(t, club(), '2024-01-31') s;

-- ---- violations, of all ----

SELECT is(lines($$SELECT * FROM program_violations(bought('fraud'), club(), '2024-01-31')$$), '
2024-01-13 10:00,R,redemption of blocked points,20,points', 'a redemption of blocked points');
SELECT is(lines($$SELECT * FROM program_violations(bought('fraud'), club(points => '{"overdraft": "refuse"}'), '2024-01-31')$$), '
2024-01-13 10:00,R,redemption of blocked points,20,points', '... which an overdraft would refuse: listed');
INSERT INTO entry VALUES
	('all', '2024-01-01 10:00', 15, 'paid_with_points', 'X', NULL),
	('all', '2024-01-02 10:00', 100, NULL, 'A', NULL), ('all', '2024-01-03 10:00', 20, NULL, 'A', NULL), ('all', '2024-01-03 10:00', 20, NULL, 'A', NULL),
	('all', '2024-01-04 10:00', -150, NULL, 'A', NULL),
	('all', '2024-01-05 10:00', 50, 'redeem', 'R', NULL),
	('all', '2024-01-05 10:00', 80, 'UNDO', 'R', NULL),
	('all', '2024-01-06 10:00', NULL, 'CONFIRM', 'Z', NULL),
	('all', '2024-01-07 10:00', 10, 'HOLD', NULL, NULL), ('all', '2024-01-07 10:00', NULL, 'FREE', NULL, NULL),
	('all', '2024-01-08 10:00', 30, 'STAY', 'S', NULL), ('all', '2024-01-09 10:00', 30, 'STAY', 'S', NULL),
	('all', '2024-01-10 10:00', -100, 'ADJ', 'J', NULL),
	('all', '2024-01-11 10:00', 5, 'EXP', 'E', NULL), ('all', '2024-01-12 10:00', NULL, 'tier_grant', 'G1', 'Diamond'), ('all', '2024-01-13 10:00', NULL, 'tier_grant', 'G2', NULL);
SELECT is(lines($$SELECT * FROM program_violations(bought('all') + e('2024-01-14 10:00Z', NULL, 'tier_grant', 'G3', 'Gold', '2024-01-14 10:00Z') + e('2024-01-15 10:00Z', NULL, 'tier_grant', 'G4', 'Gold', '2024-02-14 10:00Z'),
		club(more => '{"tiers": {"Gold": 500}}'), '2024-01-31')$$), '
2024-01-01 10:00,X,payment with points for no order,15,earn
2024-01-04 10:00,A,return of more than was bought,10,earn
2024-01-05 10:00,R,redemption beyond the balance,50,points
2024-01-05 10:00,R,refund of more than was redeemed,30,points
2024-01-06 10:00,Z,activation without an earning,0,points
2024-01-07 10:00,,block of more than there is,10,points
2024-01-07 10:00,,unblock of more than is blocked,0,points
2024-01-09 10:00,S,document earned more than once,30,points
2024-01-10 10:00,J,adjustment of more than there is,40,points
2024-01-11 10:00,E,booked expiry that the rules don''t give,5,points
2024-01-12 10:00,G1,grant of a tier that isn''t there,,tiers
2024-01-13 10:00,G2,grant that names no tier,,tiers
2024-01-14 10:00,G3,grant that ends before it begins,,tiers', 'of earning, points and tiers, in order; further lines of an order are none');
SELECT throws_ok($$SELECT program_summary(bought('all'), club(more => '{"tiers": {"Gold": 500}}'), '2024-01-31')$$, '22023', 'a grant is of a tier that isn''t in the policy: "Diamond"', '... of which other questions refuse one');
SELECT is(lines($$SELECT problem, amount FROM program_violations(bought('all'), club('{}', '{"expires_after": "5 days"}', '{"earn": {"kinds": {"EXP": "expire"}, "other_kinds": "ignore"}}'), '2024-01-31') WHERE problem LIKE '%expiry%'$$), '
booked expiry that the rules don''t give,5', 'of booked expiries');
SELECT is(lines($$SELECT at, problem, amount FROM program_violations('[{"at": "2024-01-01T10:00Z", "value": 8}]', club('{}', '{"expires_after": "5 days"}'), '2024-01-31')$$), '
2024-01-07 00:00,computed expiry that was never booked,8', '... and of those that nobody booked');
SELECT is(lines($$SELECT count(*) FROM program_violations(bought('all'), club(more => '{"tiers": {"Gold": 500}}'), '2024-01-06')$$), '
5', 'up to a day');

-- ---- what a policy may say ----

CREATE TABLE fault (written text, state text, message text);
INSERT INTO fault VALUES
	('{"points": {"pending_until": "activated"}}', '22023', '"pending_until" of a points_policy needs a kind that activates'),
	('{"earn": {"kinds": {"HOLD": "block"}}, "points": {"pending_until": "activated"}}', '22023', '"pending_until" of a points_policy needs a kind that activates'),
	('{"versions": [{"from": "2024-01-01", "points": {"pending_until": "activated"}}]}', '22023', '"pending_until" of a points_policy needs a kind that activates'),
	('{"earn": {"kinds": {"C": "activate"}}, "points": {"pending_until": "activated", "pending": "1 day"}}', '22023', '"pending" and "pending_until" of a points_policy contradict each other'),
	('{"earn": {"kinds": {"C": "carry_over"}}}', '22023', '"kinds.C" of an earn_policy can''t be "carry_over"'),
	('{"earn": {"kinds": {"C": "block"}, "excluded_kinds": ["C"]}}', '22023', '"excluded_kinds" of an earn_policy has "C", whose role is block'),
	('{"earn": {"kinds": {"C": "activate"}}, "tiers": {"levels": {"Gold": 5}, "grant_kind": "C"}}', '22023', '"tiers.grant_kind" of a program_policy, "C", has another role in "earn"'),
	('{"earn": {"kinds": {"C": "block"}}, "tiers": {"levels": {"Gold": 5}, "metrics": {"n": {"kinds": ["C"]}}}}', '22023', '"tiers.metrics.n.kinds" of a program_policy has "C", which is neither bought nor returned nor earned');
SELECT throws_ok(format('SELECT %L::program_policy', written), state, message, 'refused: ' || written) FROM fault;
SELECT is('{"versions": [{"points": {"pending_until": "activated"}, "from": "2024-03-01"}], "earn": {"kinds": {"F": "unblock", "C": "activate", "H": "block"}}}'::program_policy::text,
	'{"earn": {"kinds": {"C": "activate", "F": "unblock", "H": "block"}}, "versions": [{"from": "2024-03-01", "points": {"pending_until": "activated"}}]}', 'written');
SELECT is(waits()::text::program_policy::text, waits()::text, '... and read again');
-- the triangle of points that wait is one of points, as text, too
SELECT is(lines($$SELECT issue_period, issued FROM (SELECT program_triangle(bought('partner'), waits(), 'month', '2024-02-29')::points_triangle_result::text::points_triangle_result r) q, points_triangle_table(q.r) WHERE age = 0$$), '
2024-01-01,215', 'a triangle of points that wait for an event');
SELECT * FROM finish();
ROLLBACK;
