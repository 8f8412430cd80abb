--
-- One customer's points: small ledgers worked out by hand for every function, and
-- on random ledgers that all functions tell the same story.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(148);

\ir reference/lines.sql

CREATE FUNCTION kinds(more jsonb DEFAULT '{}') RETURNS points_policy
LANGUAGE sql IMMUTABLE AS $$
	SELECT points_policy('{"kinds": {"EARN": "earn", "REDEEM": "redeem", "RETURN": "return", "REFUND": "redeem_refund", "EXPIRE": "expire",
									 "ADJ": "adjust", "MOVE": "transfer", "LOST": "forfeit", "NOTE": "ignore"}}'::jsonb || more)
$$;
-- a refund of what nobody redeemed makes points
CREATE FUNCTION ways() RETURNS points_policy LANGUAGE sql IMMUTABLE AS $$ SELECT kinds('{"refunds_beyond": "new_lot"}') $$;

CREATE TABLE entry (name text, at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz);
INSERT INTO entry VALUES
	-- signs decide
	('plain', '2024-02-21 10:00', 10), ('plain', '2024-03-15 10:00', 10), ('plain', '2024-04-01 10:00', -15),
	('cents', '2024-01-01 10:00', 10.50), ('cents', '2024-01-02 10:00', -0.25),
	('over', '2024-01-01 10:00', 10), ('over', '2024-01-02 10:00', -25), ('over', '2024-01-03 10:00', 8);
INSERT INTO entry VALUES
	-- pending points, a debt, a refund, a return of more than its own lot
	('shop', '2024-01-01 10:00', 100, 'EARN', 'till', 'A', NULL),
	('shop', '2024-01-05 10:00', 30, 'REDEEM', NULL, 'R1', NULL),
	('shop', '2024-01-12 10:00', 50, 'EARN', 'web', 'B', NULL),
	('shop', '2024-01-15 10:00', -40, 'REDEEM', NULL, 'R2', NULL),
	('shop', '2024-01-16 10:00', 15, 'REFUND', NULL, 'R2', NULL),
	('shop', '2024-02-01 10:00', -60, 'RETURN', NULL, 'B', NULL),
	('shop', '2024-03-05 10:00', 5, 'REDEEM', NULL, 'R3', NULL),
	('shop', '2024-03-06 10:00', 999, 'NOTE', NULL, NULL, NULL),
	-- the ledger books its expiries, not quite as the rules have them
	('books', '2024-01-01 10:00', 100, 'EARN', NULL, '1', NULL),
	('books', '2024-01-02 10:00', 40, 'EARN', NULL, '2', NULL),
	('books', '2024-02-01 12:00', -100, 'EXPIRE', NULL, '11', NULL),
	('books', '2024-02-03 12:00', -25, 'EXPIRE', NULL, '12', NULL),
	('books', '2024-02-04 10:00', 20, 'EARN', NULL, '3', NULL),
	('books', '2024-02-05 12:00', -20, 'EXPIRE', NULL, '13', NULL),
	-- every way in and out
	('ways', '2024-01-01 10:00', 100, 'EARN', NULL, 'A', NULL),
	('ways', '2024-01-02 10:00', 50, 'ADJ', NULL, 'B', NULL),
	('ways', '2024-01-03 10:00', 30, 'MOVE', NULL, 'C', NULL),
	('ways', '2024-01-04 10:00', 7, 'EARN', NULL, 'D', NULL),
	('ways', '2024-01-05 10:00', -7, 'EARN', NULL, 'D', NULL),
	('ways', '2024-01-06 10:00', -120, 'ADJ', NULL, 'E', NULL),
	('ways', '2024-01-07 10:00', -30, 'MOVE', NULL, 'F', NULL),
	('ways', '2024-01-08 10:00', 30, 'LOST', NULL, 'G', NULL),
	('ways', '2024-01-09 10:00', 10, 'EARN', NULL, 'H', NULL),
	('ways', '2024-01-10 10:00', 10, 'REDEEM', NULL, 'I', NULL),
	('ways', '2024-01-11 10:00', 6, 'REFUND', NULL, 'none', NULL),
	('ways', '2024-01-12 10:00', 5, 'EARN', NULL, 'J', '2024-01-12 09:00');
CREATE TABLE ledger AS
SELECT name, timeline_agg(make_event(ref => ref, at => at, value => value, kind => kind, label => label, expires_at => expires_at)) AS t FROM entry GROUP BY name;
CREATE FUNCTION ledger(text) RETURNS event_timeline LANGUAGE sql STABLE AS 'SELECT t FROM ledger WHERE name = $1';

-- ---- balance ----

SELECT is(points_balance(ledger('plain'), as_of => '2024-04-01')::text, '5', 'balance');
SELECT is(points_balance(ledger('plain'))::text, '5', '... today, without rules');
SELECT is(points_balance(ledger('plain'), as_of => '2024-03-31')::text, '20', '... on the day before');
SELECT is(points_balance(ledger('plain'), as_of => '2024-02-20')::text, '0', '... before the first event');
SELECT is(points_balance(ledger('cents'))::text, '10.25', '... in cents');
SELECT is(points_balance('[]')::text, '0', '... of a member without events');
SELECT is(points_balance(NULL), NULL, '... of a NULL timeline');
SELECT is(points_balance(ledger('over'))::text, '-7', '... below zero');
SELECT is(points_balance(ledger('over'), '{"overdraft": "clip"}')::text, '8', '... clipped');
SELECT is((SELECT points_balance(timeline_agg(at, value), '{"expires_after": "39 days"}'::jsonb, as_of => day) FROM entry WHERE name = 'plain' GROUP BY name)::text, balance, 'in a GROUP BY, the 39th day of the first lot is 03-31: ' || day)
FROM (VALUES (date '2024-03-30', '20'), ('2024-03-31', '10'), ('2024-04-01', '-5')) v(day, balance);
SELECT is(points_balance_at(ledger('plain'), at => '2024-04-01 09:59:59.999999+00')::text, '20', 'balance at an instant: just before');
SELECT is(points_balance_at(ledger('plain'), '{}', '2024-04-01 10:00+00')::text, '5', '... inclusive');
SELECT is(points_balance_at(ledger('plain'))::text, '5', '... now');
SELECT is(points_balance_at(NULL), NULL, '... of a NULL timeline');
SELECT is(points_balance(ledger('plain'), '{"zone": "Pacific/Auckland"}', '2024-03-15')::text, '20', 'the end of a day in the policy''s zone: 10:00 UTC is 23:00 there');
SELECT is(points_balance(ledger('plain'), '{"zone": "Pacific/Kiritimati"}', '2024-03-15')::text, '10', '... 10:00 UTC is 0:00 of the next day there');

-- the walk that a call site keeps follows policy, zone and as_of
SELECT is((SELECT array_agg(points_balance(ledger('plain'), p::points_policy, d) ORDER BY d, n)::text
	FROM unnest(ARRAY['{}', '{"zone": "Pacific/Kiritimati"}', '{"expires_after": "1 day"}']) WITH ORDINALITY u(p, n), unnest('{2024-03-15,2024-03-16}'::date[]) d),
	'{20,10,10,20,20,0}', 'rules and days change from row to row');
CREATE FUNCTION in_zones(timeline event_timeline) RETURNS numeric[]
LANGUAGE plpgsql AS $$
DECLARE
	answer numeric[] := '{}';
	zone text;
BEGIN
	FOREACH zone IN ARRAY ARRAY['UTC', 'Pacific/Kiritimati', 'UTC'] LOOP
		PERFORM set_config('timezone', zone, true);
		answer := answer || points_balance(timeline, as_of => date '2024-03-15');
	END LOOP;
	RETURN answer;
END $$;
SELECT is(in_zones(ledger('plain')), '{20,10,20}', 'the session''s zone may change between two calls');
CREATE FUNCTION after_errors() RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text := '';
	policy text;
BEGIN
	FOREACH policy IN ARRAY ARRAY['{}', '{"overdraft": "refuse"}', '{"overdraft": "refuse"}', '{"overdraft": "clip"}', 'x', '{}'] LOOP
		BEGIN
			answer := answer || ' ' || points_balance(ledger('over'), policy::points_policy);
		EXCEPTION WHEN OTHERS THEN
			answer := answer || ' ' || SQLSTATE;
		END;
	END LOOP;
	RETURN answer;
END $$;
SELECT is(after_errors(), ' -7 22023 22023 8 22P02 -7', '... and go on after an error');

-- ---- summary ----

CREATE FUNCTION shop() RETURNS points_policy LANGUAGE sql IMMUTABLE AS $$ SELECT kinds('{"pending": "10 days", "expires_after": "2 months", "returns_beyond": "take"}') $$;
SELECT is(lines($$SELECT balance, earned, reinstated, adjusted, transferred, redeemed, returned, expired, forfeited, pending, active, overdrawn, unmet, next_expiry_at, next_expiry_points, last_activity_at
	FROM unnest('{2024-01-01,2024-01-05,2024-01-16,2024-02-01,2024-03-10}'::date[]) d, points_summary(ledger('shop'), shop(), d)$$), $$
0,100,0,0,0,0,0,0,0,100,0,0,0,2024-03-02 00:00,100,2024-01-01 10:00
-30,100,0,0,0,30,0,0,0,100,0,30,0,2024-03-02 00:00,70,2024-01-05 10:00
45,150,15,0,0,70,0,0,0,50,45,0,0,2024-03-02 00:00,45,2024-01-15 10:00
35,150,15,0,0,70,60,0,0,0,35,0,0,2024-03-02 00:00,35,2024-01-15 10:00
-5,150,15,0,0,75,60,35,0,0,0,5,0,,,2024-03-05 10:00$$, 'summary, day by day');
SELECT is(lines($$SELECT balance, earned, reinstated, adjusted, transferred, redeemed, returned, expired, forfeited, pending, active, overdrawn, unmet, next_expiry_at, last_activity_at FROM points_summary(ledger('ways'), ways(), '2024-12-31')$$), $$
6,122,6,-70,0,10,7,5,30,0,6,0,0,,2024-01-12 10:00$$, '... every way in and out');
SELECT is(lines($$SELECT balance, redeemed, unmet, overdrawn FROM unnest('{2024-01-02,2024-01-03}'::date[]) d, points_summary(ledger('over'), '{"overdraft": "clip"}', d)$$), $$
0,10,15,0
8,10,15,0$$, '... clipped');
SELECT is(lines($$SELECT balance, redeemed, unmet, overdrawn, active FROM unnest('{2024-01-02,2024-01-03}'::date[]) d, points_summary(ledger('over'), as_of => d)$$), $$
-15,25,0,15,0
-7,25,0,7,0$$, '... overdrawn, and paid back in part');
SELECT is(lines($$SELECT balance, next_expiry_at, next_expiry_points FROM unnest('{2024-02-21,2024-03-16,2024-04-01,2024-04-30,2024-05-01}'::date[]) d, points_summary(ledger('plain'), '{"inactive_after": "30 days", "expires_after": "45 days"}', d)$$), $$
10,2024-03-22 00:00,10
20,2024-04-07 00:00,10
5,2024-04-30 00:00,5
0,,
0,,$$, '... with inactivity, whichever comes first');
SELECT is(lines($$SELECT points_balance_at('[{"at": "2024-10-26T21:30:00Z", "value": 10}]', '{"zone": "Europe/Helsinki", "inactive_after": "24 hours"}', at) FROM (VALUES (timestamptz '2024-10-27 21:59:59Z'), ('2024-10-27 22:00Z')) v(at)$$), '
10
0', '... not before the next day where 24 hours end on the same');
SELECT is((SELECT s.*::text FROM points_summary('[]') s), '(0,0,0,0,0,0,0,0,0,0,0,0,0,,0,,,)', '... of a member without events');
SELECT is((SELECT count(*)::int FROM points_summary(NULL) s WHERE s IS NULL), 1, '... of a NULL timeline: NULLs');
SELECT is((SELECT (points_summary(ledger('cents'))).balance::text), '10.25', '... a column of it');

-- ---- what expires ----

SELECT is(lines($$SELECT * FROM points_expiry_schedule(ledger('shop'), shop(), '2024-01-16')$$), '
2024-03-02 00:00,45
2024-03-13 00:00,50', 'schedule');
SELECT is(lines($$SELECT * FROM points_expiry_schedule(ledger('shop'), shop(), '2024-01-05')$$), '
2024-03-02 00:00,70', '... pending points pay back the debt before they expire');
SELECT is(lines($$SELECT * FROM points_expiry_schedule(ledger('plain'), as_of => '2024-03-31')$$), '', '... of points that never expire');
SELECT is(lines($$SELECT * FROM points_expiry_schedule(ledger('plain'), '{"inactive_after": "1 year", "expires_after": "12 months"}', '2024-03-15')$$), '
2025-02-22 00:00,10
2025-03-15 00:00,10', '... inactivity before the last expiry');
SELECT is(lines($$SELECT * FROM points_expiry_schedule('[{"at": "2024-01-01T10:00:00Z", "value": 1}, {"at": "2024-01-01T11:00:00Z", "value": 2}, {"at": "2024-01-02T11:00:00Z", "value": 4}]', '{"expires_after": "1 month"}', '2024-01-31')$$), '
2024-02-02 00:00,3
2024-02-03 00:00,4', '... a row per instant');
SELECT is(lines($$SELECT * FROM points_expiry_schedule(NULL)$$), '', '... of a NULL timeline');
SELECT is(points_expiring(ledger('shop'), shop(), '2024-01-16', until), points::numeric, format('expiring through %s', coalesce(until::text, 'all time')))
FROM (VALUES (date '2024-01-16', 0), ('2024-02-29', 0), ('2024-03-01', 45), ('2024-03-11', 45), ('2024-03-12', 95), (NULL, 95)) v(until, points);
SELECT is(points_expiring(ledger('shop'), shop(), '2024-03-01', '2024-12-31')::text, '0', 'what expires on the edge of as_of has expired');
SELECT is(points_expiring(ledger('shop'), shop(), '2024-02-29', '2024-03-01')::text, '35', 'expiring on one day, in the timeline''s scale');
SELECT is(points_expiring(NULL, shop(), '2024-01-16'), NULL, 'expiring of a NULL timeline');
SELECT is(points_expiring('[]')::text, '0', '... of a member without events');
SELECT is(points_expiring('[{"at": "2024-01-01T10:00:00Z", "value": 8, "expires_at": "2024-01-03T00:00:00Z"}]', p, '2024-01-01', '2024-01-02'), points::numeric, 'an expiry at midnight: ' || p::text)
FROM (VALUES (points_policy '{}', 8), ('{"expiry_boundary": "valid"}', 0)) v(p, points);

-- ---- lots ----

SELECT is(lines($$SELECT * FROM points_lots(ledger('plain'), '{"expires_after": "1 year"}', '2024-12-31')$$), '
2024-02-21 10:00,,,,10,0,0,2024-02-21 10:00,2025-02-22 00:00,spent
2024-03-15 10:00,,,,10,5,0,2024-03-15 10:00,2025-03-16 00:00,active', 'lots');
SELECT is(lines($$SELECT * FROM points_lots(ledger('shop'), shop(), '2024-01-16')$$), '
2024-01-01 10:00,EARN,till,A,100,45,0,2024-01-11 10:00,2024-03-02 00:00,active
2024-01-12 10:00,EARN,web,B,50,50,0,2024-01-22 10:00,2024-03-13 00:00,pending', '... active and pending');
SELECT is(lines($$SELECT * FROM points_lots(ledger('shop'), shop(), '2024-12-31')$$), '
2024-01-01 10:00,EARN,till,A,100,0,0,2024-01-11 10:00,2024-03-02 00:00,expired
2024-01-12 10:00,EARN,web,B,50,0,0,2024-01-22 10:00,2024-03-13 00:00,returned', '... expired and returned');
SELECT is(lines($$SELECT ref, points, remaining, expires_at, state FROM points_lots(ledger('ways'), ways(), '2024-12-31')$$), '
A,100,0,,adjusted
B,50,0,,transferred
C,30,0,,forfeited
D,7,0,,returned
H,10,0,,spent
none,6,6,,active
J,5,0,2024-01-12 09:00,expired', '... every way in and out');
SELECT is(lines($$SELECT points, remaining, state FROM points_lots(ledger('over'))$$), '
10,0,spent
8,0,spent', '... spent for a debt');
SELECT is(lines($$SELECT ref, points, remaining, state FROM points_lots(ledger('books'), kinds(), '2024-12-31')$$), '
1,100,0,expired
2,40,0,expired
3,20,15,active', '... expired by the ledger''s booking only');
SELECT is(lines($$SELECT points, remaining, expires_at, state FROM points_lots(ledger('plain'), '{"inactive_after": "40 days"}', '2024-12-31')$$), '
10,0,,spent
10,0,,expired', '... expired for want of activity: not the lot''s own expiry');
SELECT is(lines($$SELECT * FROM points_lots('[]')$$) || lines($$SELECT * FROM points_lots(NULL)$$), '', '... of nobody');

-- ---- redemptions ----

SELECT is(lines($$SELECT * FROM points_redemptions(ledger('shop'), shop(), '2024-12-31')$$), '
2024-01-05 10:00,R1,2024-01-01 10:00,A,till,30
2024-01-15 10:00,R2,2024-01-01 10:00,A,till,40
2024-01-16 10:00,R2,2024-01-01 10:00,A,till,-15
2024-03-05 10:00,R3,,,,5', 'redemptions: one that later points paid, a refund, and what is still owed');
SELECT is(lines($$SELECT * FROM points_redemptions(ledger('shop'), shop(), '2024-01-10')$$), '
2024-01-05 10:00,R1,,,,30', '... before they pay');
SELECT is(lines($$SELECT * FROM points_redemptions(ledger('over'))$$), '
2024-01-02 10:00,,2024-01-01 10:00,,,10
2024-01-02 10:00,,2024-01-03 10:00,,,8
2024-01-02 10:00,,,,,7', '... what it took at once, what later points paid, and the rest');
SELECT is(lines($$SELECT * FROM points_redemptions(ledger('plain'))$$), '
2024-04-01 10:00,,2024-02-21 10:00,,,10
2024-04-01 10:00,,2024-03-15 10:00,,,5', '... over two lots');
SELECT is(lines($$SELECT * FROM points_redemptions(ledger('plain'), '{"redeem_order": "newest"}')$$), '
2024-04-01 10:00,,2024-03-15 10:00,,,10
2024-04-01 10:00,,2024-02-21 10:00,,,5', '... newest first');
SELECT is(lines($$SELECT * FROM points_redemptions(ledger('over'), '{"overdraft": "clip"}')$$), '
2024-01-02 10:00,,2024-01-01 10:00,,,10', '... what was clipped is no redemption');
SELECT is(lines($$SELECT * FROM points_redemptions('[{"at": "2024-01-01T10:00:00Z", "value": 10, "kind": "EARN"}, {"at": "2024-01-02T10:00:00Z", "value": 25, "kind": "REDEEM", "ref": 1}, {"at": "2024-01-03T10:00:00Z", "value": 20, "kind": "REFUND", "ref": 1}]', kinds())$$), '
2024-01-02 10:00,1,2024-01-01 10:00,,,10
2024-01-02 10:00,1,,,,15
2024-01-03 10:00,1,,,,-15
2024-01-03 10:00,1,2024-01-01 10:00,,,-5', '... a refund cancels the debt first');
SELECT is(lines($$SELECT * FROM points_redemptions(ledger('shop'), shop(), '2024-01-04')$$) || lines($$SELECT * FROM points_redemptions(NULL)$$), '', '... none');

-- ---- movements: where each point went ----

SELECT is(lines($$SELECT * FROM points_movements(ledger('shop'), shop(), '2024-12-31')$$), '
2024-01-05 10:00,redeem,R1,2024-01-01 10:00,A,till,2024-03-02 00:00,30
2024-01-15 10:00,redeem,R2,2024-01-01 10:00,A,till,2024-03-02 00:00,40
2024-01-16 10:00,redeem_refund,R2,2024-01-01 10:00,A,till,2024-03-02 00:00,-15
2024-02-01 10:00,return,B,2024-01-12 10:00,B,web,2024-03-13 00:00,50
2024-02-01 10:00,return,B,2024-01-01 10:00,A,till,2024-03-02 00:00,10
2024-03-02 00:00,expire,,2024-01-01 10:00,A,till,2024-03-02 00:00,35
2024-03-05 10:00,redeem,R3,,,,,5', 'movements: redeemed, given back, returned, expired, owed');
SELECT is(lines($$SELECT * FROM points_movements(ledger('plain'), '{"expires_after": "1 month"}', '2024-12-31')$$), '
2024-03-22 00:00,expire,,2024-02-21 10:00,,,2024-03-22 00:00,10
2024-04-01 10:00,redeem,,2024-03-15 10:00,,,2024-04-16 00:00,10
2024-04-01 10:00,redeem,,,,,,5', '... in the order in which they happen');
SELECT is(lines($$SELECT at, role, ref, earn_ref, points FROM points_movements(ledger('books'), kinds('{"expires_after": "1 month", "expires_align": "none"}'), '2024-02-05')$$), '
2024-02-01 10:00,expire,,1,100
2024-02-02 10:00,expire,,2,40
2024-02-05 12:00,expire,13,3,5', '... of 20 that the ledger books, the 5 beyond the 15 of 140 that it had not booked yet');
SELECT is(lines($$SELECT * FROM points_movements('[{"at": "2024-01-02T10:00:00Z", "value": 10, "kind": "REFUND"}]', ways())$$) || lines($$SELECT * FROM points_movements(NULL)$$), '', '... what comes in, even by a refund, is taken from no lot');

-- ---- a row a day ----

SELECT is(lines($$SELECT * FROM points_daily(ledger('shop'), shop(), '2024-01-01', '2025-01-01')$$), '
2024-01-01,100,0,0,0,0,0,0,0,100,0,0
2024-01-05,0,0,0,0,30,0,0,0,100,0,-30
2024-01-11,0,0,0,0,0,0,0,0,0,0,70
2024-01-12,50,0,0,0,0,0,0,0,50,0,70
2024-01-15,0,0,0,0,40,0,0,0,50,0,30
2024-01-16,0,15,0,0,0,0,0,0,50,0,45
2024-01-22,0,0,0,0,0,0,0,0,0,0,95
2024-02-01,0,0,0,0,0,60,0,0,0,0,35
2024-03-01,0,0,0,0,0,0,35,0,0,0,0
2024-03-05,0,0,0,0,5,0,0,0,0,0,-5', 'a row a day: what expires on the edge belongs to the day that ends there');
SELECT is(lines($$SELECT day, redeemed, balance FROM points_daily(ledger('shop'), shop(), '2024-01-05', '2024-01-15')$$), '
2024-01-05,30,-30
2024-01-11,0,70
2024-01-12,0,70', '... of some days');
SELECT is(lines($$SELECT day, earned, balance FROM points_daily('[{"at": "2024-01-01T20:00:00Z", "value": 10}, {"at": "2024-01-01T21:00:00Z", "value": 2.5}]', '{"zone": "Asia/Tokyo"}')$$), '
2024-01-02,12.5,12.5', '... of the policy''s zone');
SELECT is(lines($$SELECT * FROM points_daily('[]')$$) || lines($$SELECT * FROM points_daily(NULL)$$) || lines($$SELECT * FROM points_daily(ledger('shop'), shop(), '2024-01-01', '2024-01-01')$$), '', '... of nobody, of no days');

-- ---- statement ----

SELECT is(lines($$SELECT * FROM points_statement(ledger('shop'), shop(), '2024-01-01', '2025-01-01')$$), '
2024-01-01 00:00,opening,,,,0
2024-01-01 10:00,earn,till,A,100,0
2024-01-05 10:00,redeem,,R1,-30,-30
2024-01-11 10:00,activate,till,A,100,70
2024-01-12 10:00,earn,web,B,50,70
2024-01-15 10:00,redeem,,R2,-40,30
2024-01-16 10:00,redeem_refund,,R2,15,45
2024-01-22 10:00,activate,web,B,50,95
2024-02-01 10:00,return,,B,-60,35
2024-03-02 00:00,expire,till,A,-35,0
2024-03-05 10:00,redeem,,R3,-5,-5', 'statement');
SELECT is(lines($$SELECT * FROM points_statement(ledger('shop'), shop(), '2024-01-12', '2024-01-16')$$), '
2024-01-12 00:00,opening,,,,70
2024-01-12 10:00,earn,web,B,50,70
2024-01-15 10:00,redeem,,R2,-40,30', '... of some days');
SELECT is(lines($$SELECT at, role, points, balance FROM points_statement(ledger('shop'), shop(), '2024-03-01', '2024-03-02')$$), '
2024-03-01 00:00,opening,,35
2024-03-02 00:00,expire,-35,0', '... what expires on the edge belongs to the day that ends there');
SELECT is(lines($$SELECT at, role, points, balance FROM points_statement(ledger('shop'), shop(), '2024-03-02', '2024-03-03')$$), '
2024-03-02 00:00,opening,,0', '... and not to the next');
SELECT is(lines($$SELECT at, role, points, balance FROM points_statement(ledger('shop'), shop(), '2024-01-12', '2024-01-12')$$), '
2024-01-12 00:00,opening,,70', '... of no days');
SELECT is(lines($$SELECT * FROM points_statement(ledger('plain'))$$), '
,opening,,,,0
2024-02-21 10:00,earn,,,10,10
2024-03-15 10:00,earn,,,10,20
2024-04-01 10:00,redeem,,,-15,5', '... of everything up to today');
SELECT is(lines($$SELECT at, role, ref, points, balance FROM points_statement(ledger('ways'), ways())$$), '
,opening,,,0
2024-01-01 10:00,earn,A,100,100
2024-01-02 10:00,adjust,B,50,150
2024-01-03 10:00,transfer,C,30,180
2024-01-04 10:00,earn,D,7,187
2024-01-05 10:00,return,D,-7,180
2024-01-06 10:00,adjust,E,-120,60
2024-01-07 10:00,transfer,F,-30,30
2024-01-08 10:00,forfeit,G,-30,0
2024-01-09 10:00,earn,H,10,10
2024-01-10 10:00,redeem,I,-10,0
2024-01-11 10:00,redeem_refund,none,6,6
2024-01-12 10:00,earn,J,5,11
2024-01-12 10:00,expire,J,-5,6', '... every way in and out; what is too old when it comes is gone at once');
SELECT is(lines($$SELECT at, role, ref, points, balance FROM points_statement(ledger('books'), kinds('{"expires_after": "1 month", "expires_align": "none"}'), until => '2024-03-05')$$), '
,opening,,,0
2024-01-01 10:00,earn,1,100,100
2024-01-02 10:00,earn,2,40,140
2024-02-01 10:00,expire,1,-100,40
2024-02-01 12:00,expire,11,-100,40
2024-02-02 10:00,expire,2,-40,0
2024-02-03 12:00,expire,12,-25,0
2024-02-04 10:00,earn,3,20,20
2024-02-05 12:00,expire,13,-20,15
2024-03-04 10:00,expire,3,-15,0', '... a booking of what has expired takes nothing');
SELECT is(lines($$SELECT at, role, points, balance FROM points_statement(ledger('plain'), '{"zone": "Asia/Tokyo"}', '2024-03-16', '2024-04-01')$$), '
2024-03-15 15:00,opening,,20', '... days are those of the policy''s zone');
SELECT is(lines($$SELECT at, role, points, balance FROM points_statement('[]', since => '2024-01-01')$$), '
2024-01-01 00:00,opening,,0', '... of a member without events');
SELECT is(lines($$SELECT * FROM points_statement(NULL)$$), '', '... of a NULL timeline');

-- ---- violations ----

SELECT is(lines($$SELECT * FROM points_violations(ledger('shop'), shop())$$), '
2024-01-05 10:00,R1,redemption of points still pending,30
2024-02-01 10:00,B,return of more than was earned,10
2024-03-02 00:00,A,computed expiry that was never booked,35
2024-03-05 10:00,R3,redemption beyond the balance,5', 'violations');
SELECT is(lines($$SELECT * FROM points_violations(ledger('shop'), shop(), '2024-01-31')$$), '
2024-01-05 10:00,R1,redemption of points still pending,30', '... up to a day');
SELECT is(lines($$SELECT * FROM points_violations(ledger('books'), kinds('{"expires_after": "1 month", "expires_align": "none"}'))$$), '
2024-02-05 12:00,13,booked expiry that the rules don''t give,5
2024-03-04 10:00,3,computed expiry that was never booked,15', '... of booked expiries');
SELECT is(lines($$SELECT * FROM points_violations(ledger('books'), kinds('{"expires_after": "1 month", "expires_align": "none"}'), '2024-02-04')$$), '
2024-02-02 10:00,2,computed expiry that was never booked,15', '... not booked yet');
SELECT is(lines($$SELECT * FROM points_violations(ledger('books'), kinds(), '2024-02-04')$$), '
2024-02-01 12:00,11,booked expiry that the rules don''t give,100
2024-02-03 12:00,12,booked expiry that the rules don''t give,25', '... where nothing should expire');
SELECT is(lines(format($$SELECT ref, problem, points FROM points_violations(ledger('over'), %L)$$, p)), '
,redemption beyond the balance,15', '... overdraft ' || p)
FROM unnest(ARRAY['{"overdraft": "allow"}', '{"overdraft": "clip"}', '{"overdraft": "refuse"}']) p;
SELECT is(lines($$SELECT extract(day FROM at), problem, points FROM points_violations('[{"at": "2024-01-01T10:00:00Z", "value": 50}, {"at": "2024-01-02T10:00:00Z", "value": -30}, {"at": "2024-01-03T10:00:00Z", "value": -30}, {"at": "2024-01-04T10:00:00Z", "value": -30}]', '{"pending": "1 month"}')$$), '
2,redemption of points still pending,30
3,redemption of points still pending,20
3,redemption beyond the balance,10
4,redemption beyond the balance,30', '... pending points cover one overdraft only');
SELECT is(lines($$SELECT ref, points FROM points_violations('[{"at": "2024-01-01T10:00:00Z", "value": 50, "kind": "EARN", "ref": 1}, {"at": "2024-01-01T11:00:00Z", "value": 50, "kind": "EARN", "ref": 2},
	{"at": "2024-01-02T10:00:00Z", "value": 30, "kind": "RETURN", "ref": 1}, {"at": "2024-01-03T10:00:00Z", "value": 30, "kind": "RETURN", "ref": 1}, {"at": "2024-01-04T10:00:00Z", "value": 5, "kind": "RETURN", "ref": 1},
	{"at": "2024-01-05T10:00:00Z", "value": 20, "kind": "RETURN", "ref": "x"}, {"at": "2024-01-06T10:00:00Z", "value": 40, "kind": "RETURN"}]', kinds())$$), '
1,10
1,5
,10', '... returns under a ref, and others against all that was earned');
SELECT is(lines($$SELECT * FROM points_violations(ledger('plain'))$$) || lines($$SELECT * FROM points_violations(NULL)$$), '', '... none');
SELECT is(lines($$SELECT * FROM points_violations(ledger('ways'), ways())$$), '
2024-01-11 10:00,none,refund of more than was redeemed,6
2024-01-12 10:00,J,computed expiry that was never booked,5', '... a refund of what nobody redeemed, and what the ledger does not book');

-- ---- errors ----

SELECT throws_ok(format('SELECT * FROM %s(''[]'', NULL)', f), '22004', 'policy must not be null', f || ': NULL policy')
FROM unnest(ARRAY['points_balance', 'points_balance_at', 'points_summary', 'points_lots', 'points_redemptions', 'points_movements', 'points_daily', 'points_statement', 'points_expiring', 'points_expiry_schedule', 'points_violations']) f;
SELECT throws_ok(format('SELECT * FROM %s(''[]'', as_of => NULL)', f), '22004', 'as_of must not be null', f || ': NULL as_of')
FROM unnest(ARRAY['points_balance', 'points_summary', 'points_lots', 'points_redemptions', 'points_movements', 'points_expiring', 'points_expiry_schedule', 'points_violations']) f;
SELECT throws_ok($$SELECT points_balance(NULL, NULL)$$, '22004', NULL, 'NULL policy of nobody');
SELECT throws_ok($$SELECT points_balance('[]', as_of => 'infinity')$$, '22008', $$as_of must be finite, not 'infinity'$$, 'no end of time');
SELECT throws_ok($$SELECT points_balance('[]', as_of => '5874897-12-31')$$, '22008', NULL, 'no day after the last');
SELECT throws_ok($$SELECT points_balance_at('[]', at => NULL)$$, '22004', NULL, 'NULL instant');
SELECT throws_ok($$SELECT points_balance_at('[]', at => '-infinity')$$, '22008', NULL, 'infinite instant');
SELECT throws_ok($$SELECT points_expiring('[]', as_of => '2024-01-02', until => '2024-01-01')$$, '22023', NULL, 'until before as_of');
SELECT throws_ok($$SELECT * FROM points_statement('[]', since => '2024-01-02', until => '2024-01-01')$$, '22023', NULL, 'until before since');
SELECT throws_ok($$SELECT * FROM points_daily('[]', since => '2024-01-02', until => '2024-01-01')$$, '22023', 'since must not be after until', '... of a row a day');
SELECT throws_ok($$SELECT * FROM points_daily('[]', until => NULL)$$, '22004', NULL, '... NULL');
SELECT throws_ok($$SELECT * FROM points_daily('[]', since => '-infinity')$$, '22008', NULL, '... no beginning of time');
SELECT throws_ok($$SELECT * FROM points_statement('[]', until => NULL)$$, '22004', NULL, 'NULL until');
SELECT throws_ok($$SELECT points_balance(ledger('over'), '{"overdraft": "refuse"}')$$, '22023', NULL, 'a refused redemption');
SELECT throws_ok($$SELECT points_balance(ledger('shop'), '{"kinds": {"EARN": "earn"}}')$$, '22023', NULL, 'an unknown kind');

-- ---- all tell the same story, on random ledgers ----

SELECT setseed(0.31);
CREATE TABLE rules AS
SELECT n, coalesce(p || '{"kinds": {"E": "earn", "S": "redeem", "R": "return", "B": "redeem_refund", "X": "expire", "A": "adjust", "T": "transfer", "L": "forfeit", "N": "ignore"}}', p)::points_policy AS policy
FROM unnest(ARRAY['{"refunds_beyond": "new_lot", "returns_beyond": "take"}', '{"expires_after": "3 months", "refunds_beyond": "new_lot", "returns_beyond": "take"}', '{"expires_after": "45 days", "expires_align": "month", "pending": "20 days"}', '{"expires_on": "06-30", "redeem_order": "newest", "returns_below_zero": false}',
	'{"inactive_after": "60 days", "overdraft": "clip"}', '{"inactive_after": "90 days", "refreshed_by": ["redeem"], "expires_after": "100 days", "expires_align": "none", "expiry_boundary": "valid", "pending": "5 days", "redeem_order": "oldest"}',
	'{"zone": "Pacific/Auckland", "expires_after": "2 months", "by_label": {"x": {"expires": "never"}, "y": {"expires_after": "10 days"}}, "versions": [{"from": "2024-06-01", "expires_after": "1 month", "pending": "3 days"}]}']::jsonb[]) WITH ORDINALITY u(p, n);
CREATE TABLE member AS
SELECT c AS id, timeline_agg(make_event(at => at, value => value, kind => kind, label => label, ref => ref, expires_at => expires_at)) AS t
FROM (SELECT c, timestamptz '2024-01-01 00:00+00' + trunc(random() * 365 * 8) * interval '3 hours' AS at, round((random() * 100)::numeric, c % 3) * CASE WHEN random() < 0.2 THEN -1 ELSE 1 END AS value,
		(ARRAY['E', 'E', 'E', 'E', 'S', 'S', 'S', 'R', 'B', 'B', 'X', 'A', 'A', 'T', 'L', 'N'])[1 + trunc(random() * 16)::int] AS kind, (ARRAY['x', 'y', NULL])[1 + trunc(random() * 3)::int] AS label,
		trunc(random() * 6)::bigint AS ref, CASE WHEN random() < 0.1 THEN timestamptz '2024-01-01 00:00+00' + random() * interval '400 days' END AS expires_at
	  FROM generate_series(1, 80) c, generate_series(1, 5 + c) n) e GROUP BY c;
CREATE TABLE story AS
SELECT id, n, day, policy, t, edge, timeline_slice(t, NULL, edge) AS past, s.*
FROM member, rules, unnest('{2024-02-10,2024-05-31,2024-09-01,2025-06-01}'::date[]) day, LATERAL (SELECT (day + 1)::timestamp AT TIME ZONE CASE WHEN n = 7 THEN 'Pacific/Auckland' ELSE 'UTC' END AS edge) e,
	LATERAL points_summary(t, policy, day) s;
SELECT cmp_ok((SELECT count(*)::int FROM story WHERE pending > 0 AND active > 0 AND expired > 0 AND reinstated > 0), '>', 20, 'random ledgers have everything');
SELECT is_empty('SELECT id, n, day FROM story WHERE earned + reinstated + adjusted + transferred <> redeemed + returned + expired + forfeited + pending + active - overdrawn', 'the identity');
SELECT is_empty('SELECT id, n, day FROM story WHERE balance <> active - overdrawn OR least(active, overdrawn, pending, unmet) < 0 OR (active > 0 AND overdrawn > 0)', 'balance is active less overdrawn, one of them 0');
SELECT is_empty('SELECT id, n, day FROM story WHERE balance <> points_balance(t, policy, day)', 'summary and balance');
SELECT is_empty('SELECT id, n, day FROM story WHERE (balance, pending, expired, next_expiry_at, next_expiry_points) IS DISTINCT FROM (SELECT (balance, pending, expired, next_expiry_at, next_expiry_points) FROM points_summary(past, policy, day))', 'what comes after as_of is not there');
SELECT is_empty('SELECT id, n, day FROM story WHERE (pending, active) IS DISTINCT FROM (SELECT (coalesce(sum(remaining) FILTER (WHERE state = ''pending''), 0), coalesce(sum(remaining) FILTER (WHERE state = ''active''), 0)) FROM points_lots(t, policy, day))', 'lots add up to pending and active');
SELECT is_empty('SELECT id, n, day FROM story WHERE redeemed IS DISTINCT FROM (SELECT coalesce(sum(points) FILTER (WHERE points > 0), 0) FROM points_redemptions(t, policy, day)) OR reinstated IS DISTINCT FROM (SELECT -coalesce(sum(points) FILTER (WHERE points < 0), 0) FROM points_redemptions(t, policy, day))', 'redemptions add up to redeemed, and to reinstated');
SELECT is_empty($$SELECT id, n, day FROM story, LATERAL
	(SELECT earned_at, ref, label, points - remaining AS gone FROM points_lots(t, policy, day)
	 UNION ALL SELECT earned_at, earn_ref, label, -points FROM points_movements(t, policy, day) WHERE earned_at IS NOT NULL) l
	GROUP BY id, n, day, earned_at, ref, label HAVING sum(gone) <> 0$$, 'movements tell where each lot''s points went');
SELECT is_empty($$SELECT id, n, day FROM story, LATERAL (SELECT coalesce(sum(points) FILTER (WHERE role = 'redeem'), 0) AS r, coalesce(sum(points) FILTER (WHERE role = 'return'), 0) AS b,
		coalesce(sum(points) FILTER (WHERE role = 'expire'), 0) AS e, coalesce(sum(points) FILTER (WHERE role = 'forfeit'), 0) AS f, coalesce(-sum(points) FILTER (WHERE role = 'redeem_refund'), 0) AS g
	FROM points_movements(t, policy, day)) m WHERE (r, b, e, f) IS DISTINCT FROM (redeemed, returned, expired, forfeited) OR g > reinstated$$, '... and add up, by role');
SELECT is_empty($$(SELECT id, n, day, m.* FROM story, LATERAL (SELECT at, ref, earned_at, earn_ref, label, points FROM points_movements(t, policy, day) WHERE role IN ('redeem', 'redeem_refund')) m
	EXCEPT ALL SELECT id, n, day, r.* FROM story, points_redemptions(t, policy, day) r)$$, '... redemptions are some of them');
SELECT is_empty($$SELECT id, n, d.day FROM story, points_daily(t, policy, day - 60, day + 1) d, points_summary(t, policy, d.day) a, points_summary(t, policy, d.day - 1) b WHERE id % 8 = 0 AND
	(d.earned, d.reinstated, d.adjusted, d.transferred, d.redeemed, d.returned, d.expired, d.forfeited, d.pending, d.balance) IS DISTINCT FROM
	(a.earned - b.earned, a.reinstated - b.reinstated, a.adjusted - b.adjusted, a.transferred - b.transferred, a.redeemed - b.redeemed,
	 a.returned - b.returned, a.expired - b.expired, a.forfeited - b.forfeited, a.pending, a.balance)$$, 'each day''s row is what the summaries differ by');
SELECT is_empty($$SELECT id, n, day FROM story, generate_series(day - 60, day, interval '1 day') d, points_summary(t, policy, d::date) a, points_summary(t, policy, d::date - 1) b WHERE id % 16 = 0 AND
	(a.earned, a.reinstated, a.adjusted, a.transferred, a.redeemed, a.returned, a.expired, a.forfeited, a.pending) IS DISTINCT FROM (b.earned, b.reinstated, b.adjusted, b.transferred, b.redeemed, b.returned, b.expired, b.forfeited, b.pending)
	AND NOT EXISTS (SELECT FROM points_daily(t, policy, d::date, d::date + 1))$$, '... and there is one where they differ');
SELECT is_empty($$SELECT * FROM
	(SELECT id, n, day, r.label, sum(r.redeemed - r.reinstated) AS points
	 FROM (SELECT id, n, day, points_rollforward(t, policy, 'quarter', day, true) AS r FROM story GROUP BY id, n, day) q CROSS JOIN LATERAL points_rollforward_table(q.r) r GROUP BY 1, 2, 3, 4) booked
	FULL JOIN (SELECT id, n, day, r.label, sum(r.points) AS points FROM story, points_redemptions(t, policy, day) r GROUP BY 1, 2, 3, 4) listed
	ON (booked.id, booked.n, booked.day) = (listed.id, listed.n, listed.day) AND booked.label IS NOT DISTINCT FROM listed.label
	WHERE coalesce(booked.points, 0) <> coalesce(listed.points, 0)$$, 'redemptions and the roll-forward agree, label by label');
SELECT is_empty('SELECT id, n, day FROM story, points_statement(t, policy, day - 100, day + 1) WITH ORDINALITY s(a, role, l, r, p, after, i) WHERE i = 1 AND (role <> ''opening'' OR after <> points_balance(t, policy, day - 101))', 'a statement opens with the balance');
SELECT is_empty('SELECT id, n, day, balance FROM story, LATERAL (SELECT (array_agg(after ORDER BY i DESC))[1] AS last FROM points_statement(t, policy, day - 100, day + 1) WITH ORDINALITY s(a, role, l, r, p, after, i)) s WHERE last <> balance', '... and closes with it');
SELECT is_empty('SELECT id, n, day FROM story, LATERAL (SELECT bool_and(points = now - before) AS ok FROM (SELECT points, s.balance AS now, lag(s.balance) OVER (ORDER BY i) AS before FROM points_statement(timeline_filter(t, ''{E,S,A,T,B}''), policy, NULL, day + 1) WITH ORDINALITY s(a, role, l, r, points, balance, i)) x WHERE before IS NOT NULL) s WHERE n IN (1, 2) AND NOT ok', '... each entry changes it by its points');
SELECT is_empty('SELECT id, n, day FROM story WHERE points_expiring(t, policy, day) IS DISTINCT FROM (SELECT coalesce(sum(points), 0) FROM points_expiry_schedule(t, policy, day))', 'the schedule adds up');
SELECT is_empty('SELECT id, n, day FROM story, LATERAL (SELECT min(expires_at) AS at, (array_agg(points ORDER BY expires_at))[1] AS points FROM points_expiry_schedule(t, policy, day)) s WHERE (next_expiry_at, next_expiry_points) IS DISTINCT FROM (at, s.points)', '... starts with the next expiry');
SELECT is_empty('SELECT id, n, day FROM story WHERE points_expiring(t, policy, day, day + 70) IS DISTINCT FROM (points_summary(past, policy, day + 70)).expired - expired', 'what is expiring does expire');
SELECT is_empty('SELECT id, n, day FROM story WHERE n IN (1, 2) AND unmet + overdrawn > 0 AND NOT EXISTS (SELECT FROM points_violations(timeline_filter(t, ''{E,S}''), policy, day)) AND points_balance(timeline_filter(t, ''{E,S}''), policy, day) < 0', 'no debt of redemptions without a violation');
SELECT is_empty('SELECT id, n, day FROM story WHERE n = 5 AND unmet IS DISTINCT FROM (SELECT coalesce(sum(points) FILTER (WHERE problem LIKE ''redemption%''), 0) FROM points_violations(t, policy, day))', 'what is clipped is a violation');
SELECT * FROM finish();
ROLLBACK;
