--
-- Nothing from nothing: refunds, returns, adjustments and transfers by small ledgers worked out by
-- hand; the order of an instant, debts that later points pay, points that no event refreshes, and
-- what is owed to everyone.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(95);

-- A ledger written short: {"2024-01-01 E 50 ref label", …}; '-' is no ref. Days are instants at midnight.
CREATE FUNCTION ledger(VARIADIC entries text[]) RETURNS event_timeline
LANGUAGE sql IMMUTABLE AS $$
	SELECT timeline_agg(make_event(at => (w[1] || ' 00:00+00')::timestamptz, kind => w[2], value => w[3]::numeric, ref => nullif(w[4], '-'), label => w[5]))
	FROM unnest(entries) entry, LATERAL (SELECT string_to_array(entry, ' ') AS w) s
$$;
CREATE FUNCTION rules(more jsonb DEFAULT '{}') RETURNS points_policy
LANGUAGE sql IMMUTABLE AS $$
	SELECT points_policy('{"zone": "UTC", "kinds": {"E": "earn", "F": "earn", "S": "redeem", "C": "redeem_refund", "R": "return", "A": "adjust", "T": "transfer", "L": "forfeit", "X": "expire"}}'::jsonb || more)
$$;
CREATE FUNCTION balance(t event_timeline, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS text
LANGUAGE sql AS $$ SELECT points_balance(t, rules(more), as_of)::text $$;
CREATE FUNCTION violations(t event_timeline, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(to_char(at, 'MM-DD') || ' ' || coalesce(ref, '-') || ' ' || problem || ' ' || points, ', ') FROM points_violations(t, rules(more), as_of) $$;
CREATE FUNCTION lots(t event_timeline, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(to_char(earned_at, 'MM-DD') || ' ' || coalesce(label, '-') || ' ' || remaining || '/' || points || ' ' || state, ', ') FROM points_lots(t, rules(more), as_of) $$;
CREATE FUNCTION redeemed(t event_timeline, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(to_char(redeemed_at, 'MM-DD') || ' ' || coalesce(redeem_ref, '-') || ' < ' || coalesce(to_char(earned_at, 'MM-DD'), '-') || ' ' || coalesce(label, '-') || ' ' || points, ', ') FROM points_redemptions(t, rules(more), as_of)
$$;
CREATE FUNCTION sums(t event_timeline, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS text
LANGUAGE sql AS $$ SELECT concat_ws(' ', earned, reinstated, adjusted, transferred, redeemed, returned, forfeited, overdrawn, unmet) FROM points_summary(t, rules(more), as_of) $$;
CREATE FUNCTION entries(t event_timeline, more jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(to_char(at, 'MM-DD') || ' ' || role || ' ' || points || ' = ' || balance, ', ') FROM points_statement(t, rules(more), until => '2025-01-01') WHERE role <> 'opening' $$;

-- ---- a refund gives back what was taken, once ----

CREATE TABLE twice AS SELECT ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-03 C 50 O', '2024-01-04 C 50 O') AS t;
SELECT is(balance(t), '50', 'refunded twice: given back once') FROM twice;
SELECT is(sums(t), '50 50 0 0 50 0 0 0 0', '... reinstated once') FROM twice;
SELECT is(lots(t), '01-01 - 50/50 active', '... no lot is new') FROM twice;
SELECT is(violations(t), '01-04 O refund of more than was redeemed 50', '... and the second is a violation') FROM twice;
SELECT is(entries(t), '01-01 earn 50 = 50, 01-02 redeem -50 = 0, 01-03 redeem_refund 50 = 50, 01-04 redeem_refund 50 = 50', '... in the statement as it was booked') FROM twice;
SELECT is(redeemed(t), '01-02 O < 01-01 - 50, 01-03 O < 01-01 - -50', '... of redemptions nothing is left') FROM twice;
SELECT is(balance(t, '{"refunds_beyond": "new_lot"}'), '100', 'new_lot: the policy makes points of it') FROM twice;
SELECT is(lots(t, '{"refunds_beyond": "new_lot", "pending": "30 days"}', '2024-02-10'), '01-01 - 0/50 spent, 02-10 - 50/50 active', '... a lot that doesn''t wait')
FROM (SELECT ledger('2024-01-01 E 50', '2024-02-05 S -50 O', '2024-02-10 C 50 P') AS t) q;
SELECT is(violations(t, '{"refunds_beyond": "new_lot"}'), '01-04 O refund of more than was redeemed 50', '... a violation still') FROM twice;
SELECT is(redeemed(t, '{"refunds_beyond": "new_lot"}'), '01-02 O < 01-01 - 50, 01-03 O < 01-01 - -50, 01-04 O < 01-04 - -50', '... and given back, of the new lot') FROM twice;
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-03 C 20 O', '2024-01-04 C 20 O', '2024-01-05 C 20 O')), '50', 'in parts: 20, 20, and 10 of 20');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -30 O', '2024-01-03 S -20 O', '2024-01-04 C 60 O')), '50', 'one for two redemptions of a ref');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 C 50 O', '2024-01-03 S -50 O')), '0', 'before its redemption: nothing was taken yet');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-03 C 50 P')), '0', 'under another ref: nothing was taken under it');
SELECT is(balance(ledger('2024-01-01 E 50')) || balance(ledger('2024-01-01 C 50 O')) || violations(ledger('2024-01-01 C 50 O')), '50001-01 O refund of more than was redeemed 50', 'without any redemption');

CREATE TABLE clipped AS SELECT ledger('2024-01-01 E 40', '2024-01-02 S -100 O', '2024-01-03 C 100 O') AS t;
SELECT is(balance(t, '{"overdraft": "clip"}'), '40', 'what clip cut was not taken: 40 of 100 come back') FROM clipped;
SELECT is(sums(t, '{"overdraft": "clip"}'), '40 40 0 0 40 0 0 0 60', '... 60 are unmet') FROM clipped;
SELECT is(violations(t, '{"overdraft": "clip"}'), '01-02 O redemption beyond the balance 60, 01-03 O refund of more than was redeemed 60', '... twice a violation') FROM clipped;
SELECT is(balance(t), '40', 'a debt was taken: 60 are cancelled, 40 come back') FROM clipped;
SELECT is(redeemed(t), '01-02 O < 01-01 - 40, 01-02 O < - - 60, 01-03 O < - - -60, 01-03 O < 01-01 - -40', '... the debt first') FROM clipped;
SELECT is(violations(t), '01-02 O redemption beyond the balance 60', '... and nothing goes beyond') FROM clipped;
SELECT is(balance(ledger('2024-01-01 E 40', '2024-01-02 S -100 O', '2024-01-03 C 30 O')), '-30', 'what is owed is cancelled first: 40 - 100 + 30');

CREATE TABLE refless AS SELECT ledger('2024-01-01 E 50', '2024-01-02 S -20', '2024-01-03 S -20 O', '2024-01-04 C 30') AS t;
SELECT is(balance(t), '30', 'a refund without a ref belongs to redemptions without one: 50 - 40 + 20') FROM refless;
SELECT is(violations(t), '01-04 - refund of more than was redeemed 10', '... and to no other') FROM refless;
SELECT is(balance(ledger('2024-01-01 S -20', '2024-01-02 C 20')), '0', '... a debt without one, too');

CREATE TABLE pieces AS SELECT ledger('2024-01-01 E 30', '2024-01-02 E 30', '2024-01-03 S -40 O', '2024-01-04 C 15 O') AS t;
SELECT is(lots(t), '01-01 - 5/30 active, 01-02 - 30/30 active', 'the last piece goes back first: 10 to the lot of the 2nd, 5 to that of the 1st') FROM pieces;
-- good through the second day after: the lot of the 1st is gone on the 4th
SELECT is((points_summary(ledger('2024-01-01 E 40', '2024-01-02 S -40 O', '2024-01-05 C 40 O'), rules('{"expires_after": "2 days"}'), '2024-01-31')).expired::text, '40', 'what is given back to an expired lot expires');

-- ---- at one instant ----

CREATE TABLE same_day AS SELECT ledger('2024-01-02 C 50 O', '2024-01-02 S -50 O', '2024-01-01 E 50 - web') AS t;
SELECT is(lots(t), '01-01 web 50/50 active', 'at the instant of its redemption a refund comes after it: to the old lot, with its label') FROM same_day;
SELECT is(entries(t), '01-01 earn 50 = 50, 01-02 redeem -50 = 0, 01-02 redeem_refund 50 = 50', '... in this order') FROM same_day;
SELECT is(violations(t), NULL, '... without a violation') FROM same_day;
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-02 C 50 O', '2024-01-02 C 50 O')), '50', '... once');
SELECT throws_ok($$SELECT balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-02 S -50 P', '2024-01-02 C 50 O'), '{"overdraft": "refuse"}')$$, '22023',
	'redemption of 50 points at 2024-01-02 00:00:00+00 (ref P) is more than the balance of 0', '... so no second redemption of that instant has its points');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-03 S -50 P', '2024-01-03 C 50 O'), '{"overdraft": "refuse"}'), '0', 'a refund of an earlier redemption comes before new ones');
CREATE TABLE two_days AS SELECT ledger('2024-01-01 E 50', '2024-01-02 S -30 O', '2024-01-03 S -20 O', '2024-01-03 S -25 P', '2024-01-03 C 40 O') AS t;
SELECT is(balance(t, '{"overdraft": "refuse"}'), '15', 'a refund of both: 30 before the redemptions of its instant, 10 after them') FROM two_days;
SELECT is(entries(t), '01-01 earn 50 = 50, 01-02 redeem -30 = 20, 01-03 redeem_refund 30 = 50, 01-03 redeem -20 = 30, 01-03 redeem -25 = 5, 01-03 redeem_refund 10 = 15', '... two entries of the statement') FROM two_days;
SELECT is(violations(t), NULL, '... none of which goes beyond') FROM two_days;
SELECT is(entries(ledger('2024-01-01 E 50', '2024-01-02 L 50', '2024-01-02 C 50 O', '2024-01-02 S -50 O')), '01-01 earn 50 = 50, 01-02 redeem -50 = 0, 01-02 redeem_refund 50 = 50, 01-02 forfeit -50 = 0', 'forfeits come behind');
SELECT is(entries(ledger('2024-01-01 E 50', '2024-01-02 X 20', '2024-01-02 C 50 O', '2024-01-02 S -50 O')), '01-01 earn 50 = 50, 01-02 redeem -50 = 0, 01-02 redeem_refund 50 = 50, 01-02 expire -20 = 30', '... and booked expiries');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 R -20', '2024-01-02 A -40', '2024-01-02 T 10'), '{"overdraft": "refuse"}'), '0', 'adjustments out, then transfers in, then returns: 50 - 40 + 10 - 20');
SELECT is(violations(ledger('2024-01-01 E 50', '2024-01-02 T -55', '2024-01-02 A 5')), NULL, 'adjustments in before transfers out');

-- a programme's statement has them where they happen
CREATE FUNCTION program_entries(t event_timeline) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(to_char(at, 'MM-DD') || ' ' || role || ' ' || points || ' = ' || balance, ', ') FROM program_statement(t, '{"earn": {"kinds": {"E": "purchase", "S": "redemption", "C": "redeem_refund"}}}', '2024-12-31') $$;
SELECT is(program_entries(ledger('2024-01-01 E 100', '2024-01-02 S 50 O', '2024-01-02 C 50 O')), '01-01 earn 100 = 100, 01-02 redeem -50 = 50, 01-02 redeem_refund 50 = 100', 'in a programme the refund of an instant comes after its redemption, too');
SELECT is(program_entries(ledger('2024-01-01 E 100', '2024-01-02 S 30 O', '2024-01-03 S 20 O', '2024-01-03 C 40 O')), '01-01 earn 100 = 100, 01-02 redeem -30 = 70, 01-03 redeem_refund 30 = 100, 01-03 redeem -20 = 80, 01-03 redeem_refund 10 = 90', '... or in two parts');

-- ---- a return takes back what was earned ----

CREATE TABLE returned AS SELECT ledger('2024-01-01 E 100 1', '2024-01-02 E 50 2', '2024-01-03 R -120 1') AS t;
SELECT is(balance(t), '50', 'a return takes back what was earned under its ref') FROM returned;
SELECT is(balance(t, '{"returns_beyond": "take"}'), '30', 'take: the rest, too') FROM returned;
SELECT is(violations(t) || ', ' || violations(t, '{"returns_beyond": "take"}'), '01-03 1 return of more than was earned 20, 01-03 1 return of more than was earned 20', '... a violation in both cases') FROM returned;
SELECT is(balance(ledger('2024-01-01 E 10 1', '2024-01-02 R -15 1'), '{"returns_beyond": "take"}') || balance(ledger('2024-01-01 E 10 1', '2024-01-02 R -15 1'), '{"returns_beyond": "take", "returns_below_zero": false}'), '-50', '... a debt, or not');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 E 50 2', '2024-01-03 R -60 1', '2024-01-04 R -60 1')), '50', 'in parts: 60, and 40 of 60');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 S -70', '2024-01-03 R -100 1')), '-70', 'what was spent is owed');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 S -70', '2024-01-03 R -100 1'), '{"returns_below_zero": false}'), '0', '... or not');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 R -150')), '0', 'without a ref: what was earned in all');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 R -150 9')), '0', '... under one that nothing was earned under, too');
SELECT is(violations(ledger('2024-01-01 E 100 1', '2024-01-02 R -30', '2024-01-03 R -100 1')), '01-03 1 return of more than was earned 30', 'what such a return took isn''t returned again under its ref');
SELECT is(violations(ledger('2024-01-01 E 100 1', '2024-01-02 R -60 2', '2024-01-03 E 10 2', '2024-01-04 R -5 2', '2024-01-05 R -50 1')), '01-04 2 return of more than was earned 5', 'what was returned under a ref before anything was earned under it counts for it');
SELECT is(balance(ledger('2024-01-01 A 100', '2024-01-02 R -30 1')), '100', 'what was adjusted in was not earned');
SELECT is(balance(ledger('2024-01-01 E 50 1', '2024-01-02 E -80 1')), '0', 'a negative earning is a return');

-- ---- adjustments and transfers of what isn't there ----

CREATE TABLE taken AS SELECT ledger('2024-01-01 E 30', '2024-01-02 A -50 a') AS t;
SELECT is(sums(t), '30 0 -50 0 0 0 0 20 0', 'an adjustment of more than there is makes a debt') FROM taken;
SELECT is(sums(t, '{"overdraft": "clip"}'), '30 0 -30 0 0 0 0 0 0', '... or is cut; unmet are redemptions only') FROM taken;
SELECT throws_ok($$SELECT balance(t, '{"overdraft": "refuse"}') FROM taken$$, '22023', 'adjustment of 50 points at 2024-01-02 00:00:00+00 (ref a) is more than the balance of 30', '... or refused');
SELECT is(violations(t) || ', ' || violations(t, '{"overdraft": "clip"}') || ', ' || violations(t, '{"overdraft": "refuse"}'),
	'01-02 a adjustment of more than there is 20, 01-02 a adjustment of more than there is 20, 01-02 a adjustment of more than there is 20', '... a violation in all cases') FROM taken;
SELECT is(sums(ledger('2024-01-01 E 30', '2024-01-02 T -50 t'), '{"overdraft": "clip"}'), '30 0 0 -30 0 0 0 0 0', 'a transfer hands on what is there');
SELECT is(violations(ledger('2024-01-01 E 30', '2024-01-02 T -50 t')), '01-02 t transfer of more than there is 20', '... the rest is a violation');
SELECT throws_ok($$SELECT balance(ledger('2024-01-01 E 30', '2024-01-02 T -50 t'), '{"overdraft": "refuse"}')$$, '22023', 'transfer of 50 points at 2024-01-02 00:00:00+00 (ref t) is more than the balance of 30', '... or refused');
SELECT is(balance(ledger('2024-01-01 E 30', '2024-01-02 T -30'), '{"overdraft": "refuse", "pending": "7 days"}'), '0', 'points that wait are there');
SELECT is(balance(ledger('2024-01-01 A -50', '2024-01-02 E 60')), '10', 'later points pay it');

-- ---- a document that is earned twice ----

SELECT is(violations(ledger('2024-01-01 E 10 1', '2024-01-02 E 12 1')), '01-02 1 document earned more than once 12', 'a document earned twice');
SELECT is(violations(ledger('2024-01-01 E 10 1 a', '2024-01-01 E 12 1 b', '2024-01-01 E 13 1 b')), NULL, '... not its lines');
SELECT is(violations(ledger('2024-01-01 E 10 1 a', '2024-01-01 E 10 1 a')), '01-01 1 document earned more than once 10', '... the same line is');
SELECT is(violations(ledger('2024-01-01 E 10 1 a', '2024-01-01 E 12 2 a', '2024-01-01 E 10 1 a')), '01-01 1 document earned more than once 10', '... also with another between them');
SELECT is(violations(ledger('2024-01-01 E 10 1', '2024-01-02 F 12 1')), NULL, '... not an earning of another kind');
SELECT is(violations(ledger('2024-01-01 E 10 1', '2024-01-02 F 12 1', '2024-01-03 F 12 1')), '01-03 1 document earned more than once 12', '... which may be twice itself');
SELECT is(violations(ledger('2024-01-01 E 10 1', '2024-01-02 R -10 1', '2024-01-03 E 10 1')), NULL, '... not where all of it was returned');
SELECT is(violations(ledger('2024-01-01 E 10 1', '2024-01-02 R -9 1', '2024-01-03 E 10 1')), '01-03 1 document earned more than once 10', '... where a part was, it is');
SELECT is(violations(ledger('2024-01-01 E 10', '2024-01-02 E 10')), NULL, '... without a ref there is no document');
SELECT is((SELECT string_agg(problem, ', ') FROM points_violations('[{"at": "2024-01-01T00:00Z", "value": 10, "ref": 1}, {"at": "2024-01-02T00:00Z", "value": 10, "ref": 1}]')), 'document earned more than once', '... where signs decide, too');

-- ---- points that no event refreshes ----

-- 30 days from 10 January are 9 February: good through the 8th, which ends with the lapse
CREATE FUNCTION on_days(t event_timeline, more jsonb, VARIADIC days date[]) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(balance(t, more, d), ' ' ORDER BY n) FROM unnest(days) WITH ORDINALITY u(d, n) $$;
SELECT is(on_days(ledger('2024-01-10 A 100'), '{"inactive_after": "30 days"}', '2024-02-07', '2024-02-08'), '100 0', 'a balance that was brought along lapses, counted from when it came in');
SELECT is(on_days(ledger('2024-01-10 T 100'), '{"inactive_after": "30 days"}', '2024-02-07', '2024-02-08'), '100 0', '... by a transfer');
SELECT is(on_days(ledger('2024-01-10 E 100', '2024-01-20 E 100'), '{"inactive_after": "30 days", "refreshed_by": ["redeem"]}', '2024-02-07', '2024-02-08'), '200 0', 'where nothing refreshes: from the oldest of the points held');
SELECT is(on_days(ledger('2024-01-10 A 100', '2024-01-20 A 100', '2024-01-25 S -100'), '{"inactive_after": "30 days", "refreshed_by": ["earn"]}', '2024-02-08', '2024-02-17', '2024-02-18'), '100 100 0', '... which others are once the oldest are spent');
SELECT is(on_days(ledger('2024-01-10 A 100', '2024-01-25 S -1'), '{"inactive_after": "30 days"}', '2024-02-08', '2024-02-22', '2024-02-23'), '99 99 0', 'an event that refreshes counts from then on');
-- the refresh of 5 January ends on 4 February; what comes in on the 10th counts by itself: 30 days are 11 March
SELECT is(on_days(ledger('2024-01-05 E 10', '2024-02-10 A 20'), '{"inactive_after": "30 days"}', '2024-02-03', '2024-02-09', '2024-03-09', '2024-03-10'), '0 0 20 0', 'after a lapse the same goes on for what comes in later');
-- given back on the 20th to a lot that was empty: 30 days are 19 February; to one that wasn't: from the 1st, 31 January
SELECT is(on_days(ledger('2024-01-01 A 50', '2024-01-02 S -50 O', '2024-01-20 C 50 O'), '{"inactive_after": "30 days", "refreshed_by": ["earn"]}', '2024-01-31', '2024-02-17', '2024-02-18'), '50 50 0', 'what is given back came in then, where nothing was left');
SELECT is(on_days(ledger('2024-01-01 A 50', '2024-01-02 S -40 O', '2024-01-20 C 40 O'), '{"inactive_after": "30 days", "refreshed_by": ["earn"]}', '2024-01-29', '2024-01-30'), '50 0', '... with the others, where something was');
SELECT is((SELECT string_agg(to_char(expires_at, 'MM-DD') || ' ' || points, ', ') FROM points_expiry_schedule(ledger('2024-01-10 A 100', '2024-01-20 A 100'), rules('{"inactive_after": "30 days"}'), '2024-01-31')), '02-09 200', 'the schedule knows');
SELECT is(on_days(ledger('2024-01-10 A 100'), '{"inactive_after": "30 days", "expiry_boundary": "valid"}', '2024-02-08', '2024-02-09'), '100 0', 'where points are valid at the boundary, a day later by the balance of its end');
SELECT is(violations(ledger('2024-01-10 E 10', '2024-01-10 X 12'), '{"inactive_after": "1 day", "refreshed_by": ["redeem"]}'), '01-10 - booked expiry that the rules don''t give 2', 'a booking on the day before the lapse is one of it');

-- ---- debts, and the points that pay them ----

CREATE TABLE owed AS SELECT ledger('2024-01-01 S -50 O', '2024-01-05 E 60 1 web') AS t;
SELECT is(redeemed(t, '{}', '2024-01-04'), '01-01 O < - - 50', 'a debt that nothing has paid is nobody''s points') FROM owed;
SELECT is(redeemed(t), '01-01 O < 01-05 web 50', '... the points that pay it are those redeemed') FROM owed;
SELECT is((SELECT string_agg(coalesce(r.label, '-') || ' ' || r.redeemed, ', ') FROM (SELECT points_rollforward(t, rules(), 'year', '2024-12-31', true) AS r FROM owed) q CROSS JOIN LATERAL points_rollforward_table(q.r) r), 'web 50', '... in the roll-forward, too');
SELECT is(lots(ledger('2024-01-01 S -50 O', '2024-01-05 E 60 1 web', '2024-01-06 C 50 O')), '01-05 web 60/60 active', '... and go back where they came from');
SELECT is(redeemed(ledger('2024-01-01 S -50 O', '2024-01-02 S -10 P', '2024-01-05 E 55 1 web', '2024-01-06 C 10 P')), '01-01 O < 01-05 web 50, 01-02 P < 01-05 web 5, 01-02 P < - - 5, 01-06 P < - - -5, 01-06 P < 01-05 web -5', 'the oldest is paid first; what is owed is cancelled first');
SELECT is(redeemed(ledger('2024-01-01 R -50', '2024-01-01 S -20 O', '2024-01-05 E 60 1 web'), '{"returns_beyond": "take"}'), '01-01 O < 01-05 web 10, 01-01 O < - - 10', 'a return''s debt is older here, and no redemption');

-- ---- since when ----

CREATE FUNCTION since(t event_timeline, VARIADIC days date[]) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(coalesce(to_char(s.overdrawn_since, 'MM-DD'), '-'), ' ' ORDER BY n) FROM unnest(days) WITH ORDINALITY u(d, n), points_summary(t, rules(), d) s $$;
SELECT is(since(t, '2023-12-31', '2024-01-01', '2024-01-04', '2024-01-05'), '- 01-01 01-01 -', 'overdrawn since') FROM owed;
SELECT is(since(ledger('2024-01-01 S -50', '2024-01-02 E 20', '2024-01-03 S -5', '2024-01-04 E 35', '2024-01-04 S -10'), '2024-01-03', '2024-01-04'), '01-01 01-04', '... without a break: paid in part it goes on, paid off it begins anew');

-- ---- what won't be redeemed: of what is outstanding, and of all that was issued ----

CREATE TABLE triangle AS SELECT points_triangle(t, rules('{"expires_after": "12 months"}'), 'year', '2025-06-30') AS r
FROM (VALUES (ledger('2022-03-01 E 100', '2022-09-01 S 40', '2023-03-15 S 20')), (ledger('2023-04-01 E 200', '2023-08-01 S 80', '2024-03-01 E 50')), (ledger('2024-07-01 E 300', '2024-09-01 S 60', '2025-01-15 E 10'))) v(t);
SELECT results_eq('SELECT issue_period, outstanding - expected, breakage_of_outstanding, breakage_of_issued FROM triangle, points_liability(r, 0.01)',
	'SELECT l.issue_period, l.breakage_of_outstanding, l.outstanding - l.expected, p.breakage_points FROM triangle, points_liability(r, 0.01) l, points_redemption_rate(r) p WHERE p.issue_period IS NOT DISTINCT FROM l.issue_period',
	'breakage of what is outstanding, and of all that was issued');
SELECT is_empty('SELECT * FROM triangle, points_liability(r, 0.01) l, points_redemption_rate(r) p WHERE p.issue_period IS NOT DISTINCT FROM l.issue_period AND p.redeemed + l.expected + l.breakage_of_issued <> p.issued', '... which is what is neither redeemed nor expected');
SELECT * FROM finish();
ROLLBACK;
