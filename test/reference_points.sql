--
-- The reference's walk over points (reference/points_reference.sql) by itself, without the
-- extension: against numbers worked out by hand from the rules, and by laws on random
-- ledgers, which have to contain what is easily got wrong.
--
-- More: psql -v ledgers=2000
--
\ir reference/setup.sql
\if :{?ledgers}
\else
	\set ledgers 200
\endif
BEGIN;
SELECT plan(69);
\ir reference/points_reference.sql
\ir reference/points_random.sql

-- A ledger of days, written short: {"2024-01-01 E 50 ref label", …}; '-' is no ref.
CREATE FUNCTION ledger(VARIADIC entries text[]) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', w[1] || ' 00:00Z', 'kind', w[2], 'value', w[3]::numeric, 'ref', nullif(w[4], '-'), 'label', w[5])) ORDER BY n)
	FROM unnest(entries) WITH ORDINALITY u(entry, n), LATERAL (SELECT string_to_array(entry, ' ') AS w) s
$$;

-- The kinds of such a ledger, and rules.
CREATE FUNCTION rules(more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$ SELECT '{"zone": "UTC", "kinds": {"E": "earn", "S": "redeem", "C": "redeem_refund", "R": "return", "A": "adjust", "T": "transfer"}}'::jsonb || more $$;

CREATE FUNCTION balance(events jsonb, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS numeric
LANGUAGE sql AS $$ SELECT ref_points_balance(events, rules(more), as_of) $$;

CREATE FUNCTION sum_of(col text, events jsonb, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS numeric
LANGUAGE sql AS $$ SELECT (ref_points(events, rules(more), as_of, NULL)->'summary'->>col)::numeric $$;

-- Violations as 'MM-DD ref problem points'.
CREATE FUNCTION violations(events jsonb, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(to_char(at, 'MM-DD') || ' ' || coalesce(ref, '-') || ' ' || problem || ' ' || points, ', ' ORDER BY at, ref, problem) FROM ref_points_violations(events, rules(more), as_of)
$$;

-- Lots as 'MM-DD label remaining/points'.
CREATE FUNCTION lots(events jsonb, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(to_char(earned_at, 'MM-DD') || ' ' || coalesce(label, '-') || ' ' || remaining || '/' || points, ', ' ORDER BY n)
	FROM ref_points_lots(events, rules(more), as_of) WITH ORDINALITY l(earned_at, kind, label, ref, points, remaining, available_at, expires_at, state, n)
$$;

-- What redemptions took and still have, as 'MM-DD ref < MM-DD label points'.
CREATE FUNCTION redeemed(events jsonb, more jsonb DEFAULT '{}', as_of date DEFAULT '2024-12-31') RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(to_char(redeemed_at, 'MM-DD') || ' ' || coalesce(redeem_ref, '-') || ' < ' || coalesce(to_char(earned_at, 'MM-DD'), '-') || ' ' || coalesce(label, '-') || ' ' || points, ', ' ORDER BY redeemed_at, earned_at, n)
	FROM ref_points_redemptions(events, rules(more), as_of) WITH ORDINALITY r(redeemed_at, redeem_ref, earned_at, earn_ref, label, taken, points, n) WHERE points <> 0
$$;

-- ---- a refund gives back what was taken, once ----

CREATE TABLE twice AS SELECT ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-03 C 50 O', '2024-01-04 C 50 O') AS e;
SELECT is(balance(e), 50.0, 'refunded twice: given back once') FROM twice;
SELECT is(sum_of('reinstated', e), 50.0, '... reinstated once') FROM twice;
SELECT is(violations(e), '01-04 O refund of more than was redeemed 50', '... and the second is a violation') FROM twice;
SELECT is(lots(e), '01-01 - 50/50', '... no lot is new') FROM twice;
SELECT is(balance(e, '{"refunds_beyond": "new_lot"}'), 100.0, '... unless the policy makes a lot of it') FROM twice;
SELECT is(lots(e, '{"refunds_beyond": "new_lot"}'), '01-01 - 50/50, 01-04 - 50/50', '... which is new') FROM twice;
SELECT is(violations(e, '{"refunds_beyond": "new_lot"}'), '01-04 O refund of more than was redeemed 50', '... a violation still') FROM twice;
SELECT is(redeemed(e, '{"refunds_beyond": "new_lot"}'), '01-04 O < 01-04 - -50', '... given back of what nobody had taken') FROM twice;
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-03 C 20 O', '2024-01-04 C 20 O', '2024-01-05 C 20 O')), 50.0, 'in parts: 20 + 20 + 10 of 20');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-02 C 50 O', '2024-01-02 C 50 O')), 50.0, 'twice at the instant of the redemption');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 C 50 O', '2024-01-03 S -50 O')), 0.0, 'before its redemption: nothing was taken yet');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-03 C 50 P')), 0.0, 'under another ref: nothing was taken under it');

CREATE TABLE clipped AS SELECT ledger('2024-01-01 E 40', '2024-01-02 S -100 O', '2024-01-03 C 100 O') AS e;
SELECT is(balance(e, '{"overdraft": "clip"}'), 40.0, 'what clip cut was not taken: 40 of 100 come back') FROM clipped;
SELECT is(sum_of('unmet', e, '{"overdraft": "clip"}'), 60.0, '... unmet are 60') FROM clipped;
SELECT is(violations(e, '{"overdraft": "clip"}'), '01-02 O redemption beyond the balance 60, 01-03 O refund of more than was redeemed 60', '... twice a violation') FROM clipped;
SELECT is(balance(e), 40.0, 'a debt was taken: 60 are cancelled, 40 come back') FROM clipped;
SELECT is(violations(e), '01-02 O redemption beyond the balance 60', '... that is all of it') FROM clipped;
SELECT is(balance(ledger('2024-01-01 E 40', '2024-01-02 S -100 O', '2024-01-03 C 30 O')), -30.0, 'what is owed is cancelled first');

CREATE TABLE refless AS SELECT ledger('2024-01-01 E 50', '2024-01-02 S -20', '2024-01-03 S -20 O', '2024-01-04 C 30') AS e;
SELECT is(balance(e), 30.0, 'a refund without a ref belongs to redemptions without one: 50 - 40 + 20') FROM refless;
SELECT is(violations(e), '01-04 - refund of more than was redeemed 10', '... and to no other') FROM refless;

-- the last piece first: 10 of the lot of the 2nd, then of that of the 1st
CREATE TABLE pieces AS SELECT ledger('2024-01-01 E 30', '2024-01-02 E 30', '2024-01-03 S -40 O', '2024-01-04 C 15 O') AS e;
SELECT is(lots(e), '01-01 - 5/30, 01-02 - 30/30', 'the last piece goes back first') FROM pieces;
SELECT is(redeemed(e), '01-03 O < 01-01 - 25', '... so of the first lot 25 remain redeemed') FROM pieces;
-- expiry on the second day after: the 40 come back on the 5th to a lot of the 1st that expired on the 4th
SELECT is(sum_of('expired', ledger('2024-01-01 E 40', '2024-01-02 S -40 O', '2024-01-05 C 40 O'), '{"expires_after": "2 days"}'), 40.0, 'what is given back to an expired lot expires');

-- ---- at one instant ----

SELECT is(lots(ledger('2024-01-02 C 50 O', '2024-01-02 S -50 O', '2024-01-01 E 50 - web')), '01-01 web 50/50', 'on the day of its redemption a refund comes after it: to the old lot, with its label');
SELECT is(redeemed(ledger('2024-01-02 C 50 O', '2024-01-02 S -50 O', '2024-01-01 E 50 - web')), NULL, '... nothing remains redeemed');
SELECT throws_ok($$SELECT balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-02 S -50 P', '2024-01-02 C 50 O'), '{"overdraft": "refuse"}')$$, '22023', NULL, '... so refuse lets no second redemption of that day through');
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 S -50 O', '2024-01-03 S -50 P', '2024-01-03 C 50 O'), '{"overdraft": "refuse"}'), 0.0, 'a refund of an earlier redemption comes before new ones');
-- O: 30 of the 2nd, 20 of the 3rd, refund of 40 on the 3rd: 30 before the redemptions of that day, 10 after
CREATE TABLE two_days AS SELECT ledger('2024-01-01 E 50', '2024-01-02 S -30 O', '2024-01-03 S -20 O', '2024-01-03 S -25 P', '2024-01-03 C 40 O') AS e;
SELECT is(balance(e, '{"overdraft": "refuse"}'), 15.0, 'one refund for redemptions of both: 50 - 30 + 30 - 20 - 25 + 10') FROM two_days;
SELECT is(violations(e), NULL, '... without a violation') FROM two_days;
SELECT is(balance(ledger('2024-01-01 E 50', '2024-01-02 R -20', '2024-01-02 A -40', '2024-01-02 T 10'), '{"overdraft": "refuse"}'), 0.0,
	'adjustments out, transfers in, returns: 50 - 40, then + 10, then - 20');
SELECT is(violations(ledger('2024-01-01 E 50', '2024-01-02 T -55', '2024-01-02 A 5')), NULL, 'an adjustment in comes before a transfer out');

-- ---- returns ----

CREATE TABLE returned AS SELECT ledger('2024-01-01 E 100 1', '2024-01-02 E 50 2', '2024-01-03 R -120 1') AS e;
SELECT is(balance(e), 50.0, 'a return takes back what was earned under its ref') FROM returned;
SELECT is(balance(e, '{"returns_beyond": "take"}'), 30.0, '... the rest too, if the policy says so') FROM returned;
SELECT is(violations(e, '{"returns_beyond": "take"}'), '01-03 1 return of more than was earned 20', '... a violation still') FROM returned;
SELECT is(violations(e), '01-03 1 return of more than was earned 20', '... and so where it is dropped') FROM returned;
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 E 50 2', '2024-01-03 R -60 1', '2024-01-04 R -60 1')), 50.0, 'in parts: 60 + 40 of 60');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 S -70', '2024-01-03 R -100 1')), -70.0, 'what was spent is owed');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 S -70', '2024-01-03 R -100 1'), '{"returns_below_zero": false}'), 0.0, '... or not');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 R -150')), 0.0, 'a return without a ref takes back what was earned in all');
SELECT is(balance(ledger('2024-01-01 E 100 1', '2024-01-02 R -30', '2024-01-03 R -100 1')), 0.0, 'what such a return took back is not returned again under its ref');
SELECT is(violations(ledger('2024-01-01 E 100 1', '2024-01-02 R -30', '2024-01-03 R -100 1')), '01-03 1 return of more than was earned 30', '... the rest is a violation');
SELECT is(balance(ledger('2024-01-01 A 100', '2024-01-02 R -30 1')), 100.0, 'what was adjusted in was not earned');

-- ---- adjustments and transfers ----

CREATE TABLE taken AS SELECT ledger('2024-01-01 E 30', '2024-01-02 A -50 a') AS e;
SELECT is(balance(e), -20.0, 'an adjustment of more than there is makes a debt') FROM taken;
SELECT is(balance(e, '{"overdraft": "clip"}'), 0.0, '... is cut') FROM taken;
SELECT is(sum_of('adjusted', e, '{"overdraft": "clip"}'), -30.0, '... to what is there') FROM taken;
SELECT is(sum_of('unmet', e, '{"overdraft": "clip"}'), 0.0, '... unmet are only redemptions') FROM taken;
SELECT throws_ok($$SELECT balance(e, '{"overdraft": "refuse"}') FROM taken$$, '22023', NULL, '... or is refused');
SELECT is(violations(e, '{"overdraft": "clip"}'), '01-02 a adjustment of more than there is 20', '... a violation') FROM taken;
SELECT is(violations(ledger('2024-01-01 E 30', '2024-01-02 T -50 t')), '01-02 t transfer of more than there is 20', 'so is a transfer');
SELECT is(balance(ledger('2024-01-01 E 30', '2024-01-02 T -30'), '{"overdraft": "refuse", "pending": "7 days"}'), 0.0, 'waiting points are there');

-- ---- the same document again ----

SELECT is(violations(ledger('2024-01-01 E 10 1', '2024-01-02 E 12 1')), '01-02 1 document earned more than once 12', 'a document that earns twice');
SELECT is(violations(ledger('2024-01-01 E 10 1 a', '2024-01-01 E 12 1 b', '2024-01-01 E 13 1 b')), NULL, '... not its lines');
SELECT is(violations(ledger('2024-01-01 E 10 1 a', '2024-01-01 E 10 1 a')), '01-01 1 document earned more than once 10', '... the same line is');
SELECT is(violations(ledger('2024-01-01 E 10 1', '2024-01-02 R -10 1', '2024-01-03 E 10 1')), NULL, '... not where all of it was returned');
SELECT is(violations(ledger('2024-01-01 E 10 1', '2024-01-02 R -9 1', '2024-01-03 E 10 1')), '01-03 1 document earned more than once 10', '... where a part was, it is');
SELECT is(violations(ledger('2024-01-01 E 10', '2024-01-02 E 10')), NULL, '... without a ref there is no document');

-- ---- inactivity ----

-- 30 days from 10 January are 9 February: the points are good through the 8th, which ends with their lapse
SELECT is(balance(ledger('2024-01-10 A 100'), '{"inactive_after": "30 days"}', '2024-02-07'), 100.0, 'a balance that was brought along');
SELECT is(balance(ledger('2024-01-10 A 100'), '{"inactive_after": "30 days"}', '2024-02-08'), 0.0, '... lapses, counted from when it came in');
SELECT is(balance(ledger('2024-01-10 E 100', '2024-01-20 E 100'), '{"inactive_after": "30 days", "refreshed_by": ["redeem"]}', '2024-02-08'), 0.0, 'where nothing refreshes: counted from the oldest of the points held');
-- all of the oldest are spent, which doesn't refresh: from the 20th, so through 18 February
CREATE TABLE moved AS SELECT ledger('2024-01-10 A 100', '2024-01-20 A 100', '2024-01-25 S -100') AS e;
SELECT is(array[balance(e, '{"inactive_after": "30 days", "refreshed_by": ["earn"]}', '2024-02-17'), balance(e, '{"inactive_after": "30 days", "refreshed_by": ["earn"]}', '2024-02-18')], '{100,0}'::numeric[],
	'... which others are when the oldest are spent') FROM moved;
-- the refresh of 5 January ends on 4 February; what comes in on the 10th counts from itself: through 10 March (2024 is a leap year)
CREATE TABLE after AS SELECT ledger('2024-01-05 E 10', '2024-02-10 A 20') AS e;
SELECT is(array[balance(e, '{"inactive_after": "30 days"}', '2024-02-09'), balance(e, '{"inactive_after": "30 days"}', '2024-03-09'), balance(e, '{"inactive_after": "30 days"}', '2024-03-10')], '{0,20,0}'::numeric[],
	'after a lapse it goes on for what comes in later') FROM after;

-- ---- debts ----

CREATE TABLE owed AS SELECT ledger('2024-01-01 S -50 O', '2024-01-05 E 60 1 web') AS e;
SELECT is(redeemed(e, '{}', '2024-01-04'), '01-01 O < - - 50', 'a debt that nothing has paid is nobody''s points') FROM owed;
SELECT is(redeemed(e), '01-01 O < 01-05 web 50', '... the points that pay it are the ones redeemed') FROM owed;
SELECT is(lots(e || ledger('2024-01-06 C 50 O')), '01-05 web 60/60', '... and go back where they came from') FROM owed;
SELECT is((ref_points(e, rules(), '2024-01-04', NULL)->'summary'->>'overdrawn_since')::timestamptz, '2024-01-01 00:00Z'::timestamptz, 'overdrawn since') FROM owed;
SELECT is(ref_points(e, rules(), '2024-01-05', NULL)->'summary'->>'overdrawn_since', NULL, '... no longer') FROM owed;
SELECT is(array_agg((ref_points(ledger('2024-01-01 S -50', '2024-01-02 E 20', '2024-01-03 S -5', '2024-01-04 E 35', '2024-01-04 S -10'), rules(), d, NULL)->'summary'->>'overdrawn_since')::date ORDER BY d), '{2024-01-01,2024-01-04}'::date[],
	'without a break: paid in part it goes on, paid off it begins anew') FROM unnest('{2024-01-03,2024-01-04}'::date[]) d;

-- ---- on random ledgers ----

CREATE TABLE sample AS SELECT seed, policy || '{"zone": "UTC"}' AS policy, events
FROM generate_series(1, :ledgers) seed, LATERAL (SELECT ref_random_policy(seed) - 'overdraft' #- '{kinds,again}' || jsonb_build_object('overdraft', ref_pick(seed, 'cut?', '{allow,allow,clip}')) AS policy) p,
	LATERAL (SELECT ref_random_ledger(seed, policy) AS events) e0
WHERE NOT policy ? 'kinds' OR NOT EXISTS (SELECT FROM jsonb_array_elements(events) e WHERE NOT policy->'kinds' ? coalesce(e->>'kind', ''));
CREATE TABLE walk AS SELECT *, ref_points(events, policy, '2031-12-31', NULL) AS walk FROM sample;

-- whose points were redeemed: by the roll-forward's labels, and by redemptions
SELECT is_empty($$
	SELECT seed, label, sum(points) FROM (
		SELECT seed, b.label, CASE b.col WHEN 'redeemed' THEN b.points ELSE -b.points END AS points
		FROM sample, LATERAL ref_points_bookings(events, policy, 'year', '2031-12-31') b WHERE b.of = 'rollforward' AND b.col IN ('redeemed', 'reinstated')
		UNION ALL
		SELECT seed, r->>'label', -(r->>'points')::numeric FROM walk, jsonb_array_elements(walk->'redemptions') r) x
	GROUP BY 1, 2 HAVING sum(points) <> 0$$, 'the roll-forward by label and the redemptions reconcile on every ledger');

-- the cases that are easily got wrong are there
CREATE TABLE move AS SELECT seed, policy, m.* FROM walk, LATERAL jsonb_populate_recordset(NULL::ref_move, walk->'moves') m;
CREATE TABLE violation AS SELECT seed, policy, v.* FROM walk, LATERAL jsonb_populate_recordset(NULL::ref_violation, walk->'violations') v;
SELECT is_empty($$
	SELECT what, n FROM (
		SELECT problem AS what, count(DISTINCT seed) AS n FROM (SELECT unnest('{refund of more than was redeemed,return of more than was earned,document earned more than once,adjustment of more than there is,transfer of more than there is}'::text[]) AS problem) p
			LEFT JOIN violation v USING (problem) GROUP BY 1
		UNION ALL SELECT 'a refund under clip of more than was taken', count(DISTINCT seed) FROM violation WHERE problem ~ '^refund' AND policy->>'overdraft' = 'clip'
		UNION ALL SELECT 'a refund and a redemption under one ref at one instant', count(DISTINCT a.seed) FROM move a JOIN move b USING (seed, at, ref) WHERE a.role = 'redeem_refund' AND b.role = 'redeem'
		UNION ALL SELECT 'several refunds under one ref', count(DISTINCT a.seed) FROM move a JOIN move b USING (seed, ref) WHERE a.role = 'redeem_refund' AND b.role = 'redeem_refund' AND a.entry < b.entry
		UNION ALL SELECT 'a refund without ref', count(DISTINCT seed) FROM move WHERE role = 'redeem_refund' AND ref IS NULL
		UNION ALL SELECT 'a debt of a redemption that labelled points pay', count(DISTINCT m.seed) FROM move m JOIN walk w USING (seed) WHERE m.pays = 'redeem' AND w.walk->'lots'->(m.lot - 1)->>'label' IS NOT NULL
		UNION ALL SELECT 'another debt', count(DISTINCT seed) FROM move WHERE pays IN ('adjust', 'transfer', 'return')
		UNION ALL SELECT 'a ledger of days', count(*) FROM walk WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(events) e WHERE (e->>'at')::timestamptz <> date_trunc('day', (e->>'at')::timestamptz))
		UNION ALL SELECT 'a lapse that nothing has refreshed', count(DISTINCT m.seed) FROM move m JOIN walk w USING (seed)
			WHERE m.policy ? 'inactive_after' AND m.role = 'expire' AND m.step IN (1, 4) AND m.at IS DISTINCT FROM (w.walk->'lots'->(m.lot - 1)->>'expires_at')::timestamptz
				AND NOT EXISTS (SELECT FROM move r WHERE r.seed = m.seed AND r.entry < m.entry AND coalesce(m.policy->'refreshed_by', '["earn", "redeem"]') ? r.role)) x
	WHERE n < 2$$, 'the ledgers contain what there is to get wrong');

SELECT * FROM finish();
ROLLBACK;
