--
-- The reference's walk over earning (reference/earn_reference.sql) by itself, without the
-- extension: against numbers worked out by hand from the rules, and by laws on random
-- timelines under random rules.
--
-- More: psql -v timelines=2000
--
\ir reference/setup.sql
\if :{?timelines}
\else
	\set timelines 300
\endif
BEGIN;
SELECT plan(29);
\ir reference/earn_reference.sql
\ir reference/earn_random.sql

-- A timeline of days, written short: {"2024-01-01 100 ref kind label", …}; '-' is none.
CREATE FUNCTION events(VARIADIC entries text[]) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', w[1] || ' 00:00Z', 'value', nullif(w[2], '-')::numeric, 'ref', nullif(w[3], '-'), 'kind', nullif(w[4], '-'), 'label', w[5])) ORDER BY n)
	FROM unnest(entries) WITH ORDINALITY u(entry, n), LATERAL (SELECT string_to_array(entry, ' ') AS w) s
$$;

-- What is earned, as 'MM-DD kind points'.
CREATE FUNCTION earned(events jsonb, policy jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(to_char(at, 'MM-DD') || ' ' || kind || ' ' || trim_scale(value), ', ' ORDER BY n) FROM earn_ref(events, policy || '{"zone": "UTC"}') WITH ORDINALITY e(at, value, kind, label, ref, expires_at, n) $$;

CREATE FUNCTION violations(events jsonb, policy jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(to_char(at, 'MM-DD') || ' ' || coalesce(ref, '-') || ' ' || problem || ' ' || trim_scale(amount), ', ' ORDER BY at, ref, problem) FROM earn_ref_violations(events, policy || '{"zone": "UTC"}') $$;

-- ---- kinds ----

SELECT is(earned(events('2024-01-01 10', '2024-01-02 20 - purchase', '2024-01-03 5 - return', '2024-01-04 7 - redeem')), '01-01 earn 10, 01-02 earn 20, 01-03 return -5, 01-04 redeem -7', 'what is known without being named');
SELECT throws_ok(format($$SELECT earned(events('2024-01-01 10 - %s'))$$, kind), '22023', NULL, kind || ' is not')
FROM unnest('{forfeit,adjust,transfer,redeem_refund,REDEMPTION,page_view,earn,expire}'::text[]) kind;
SELECT is(earned(events('2024-01-01 10 - page_view', '2024-01-02 20'), '{"other_kinds": "ignore", "bonuses": {"anniversary": 1}}'), '01-02 earn 20', 'others are ignored where the policy says so');
SELECT is(earned(events('2024-01-01 10 - page_view', '2025-01-01 1', '2025-01-02 20', '2026-01-02 1'), '{"other_kinds": "ignore", "bonuses": {"anniversary": 100}}'), '01-01 earn 1, 01-02 earn 20, 01-01 bonus 100, 01-02 earn 1', '... and don''t begin membership');
SELECT is(earned(events('2024-01-01 10 - gift'), '{"versions": [{"from": "2024-06-01", "excluded_kinds": ["gift"]}]}'), '01-01 earn 10', 'a kind that is excluded in some version is known');
CREATE TABLE ledger AS SELECT events('2024-01-01 10 - gave', '2024-01-02 -3 - gave', '2024-01-03 -4 a undo', '2024-01-04 -5 - corr', '2024-01-05 6 - xfer', '2024-01-06 7 - close', '2024-01-07 8 - gone', '2024-01-08 9 - burn') AS e,
	'{"kinds": {"gave": "earn", "undo": "redeem_refund", "corr": "adjust", "xfer": "transfer", "close": "forfeit", "gone": "expire", "burn": "redeem"}, "rate": 10, "caps": {"day": 1}}'::jsonb AS p;
SELECT is(earned(e, p), '01-01 earn 10, 01-02 return -3, 01-03 redeem_refund 4, 01-04 adjust -5, 01-05 transfer 6, 01-06 forfeit -7, 01-07 expire -8, 01-08 redeem -9', 'the roles of a ledger pass through') FROM ledger;

-- ---- payments with points ----

SELECT is(earned(events('2024-01-01 100 1', '2024-01-01 30 1 paid_with_points')), '01-01 earn 70', 'paid with points at the instant of the order');
SELECT is(earned(events('2023-12-01 30 1 paid_with_points', '2024-01-01 100 1')), '01-01 earn 70', '... before it: it waits');
SELECT is(earned(events('2024-01-01 100 1', '2024-01-02 30 1 paid_with_points')), '01-01 earn 100, 01-02 return -30', '... after it: takes back');
SELECT is(earned(events('2024-01-01 100 1', '2024-01-02 30 1 paid_with_points', '2024-01-03 50 1')), '01-01 earn 100, 01-02 return -30, 01-03 earn 50', '... and a later line isn''t paid by it again');
SELECT is(earned(events('2024-01-01 100 1', '2024-01-02 130 1 paid_with_points', '2024-01-03 50 1')), '01-01 earn 100, 01-02 return -100, 01-03 earn 20', '... but by what is left of it');
SELECT is(earned(events('2024-01-01 100 1', '2024-01-02 30 1 paid_with_points', '2024-01-03 -100 1')), '01-01 earn 100, 01-02 return -30, 01-03 return -70', 'what was paid with points can''t be returned for points');
SELECT is(earned(events('2024-01-01 100 1', '2024-01-02 -80 1', '2024-01-03 30 1 paid_with_points')), '01-01 earn 100, 01-02 return -80, 01-03 return -20', '... nor what was returned be paid');
SELECT is(earned(events('2024-01-01 100 1', '2024-01-02 -80 1', '2024-01-03 30 1 paid_with_points', '2024-01-03 25 1')), '01-01 earn 100, 01-02 return -80, 01-03 return -5', 'a payment with a line: the order anew, 25 more less 30');
-- an order of 10 by 3: 3 points; 5 of it come back: it keeps 1, the half rounded down
SELECT is(earned(events('2024-01-01 10 1', '2024-01-02 5 1 paid_with_points'), '{"per": 3}'), '01-01 earn 3, 01-02 return -2', 'rounded as a return');
SELECT is(earned(events('2024-01-01 10 1 SALE', '2024-01-01 20 1 EXTRA', '2024-01-02 15 1 paid_with_points'), '{"kinds": {"SALE": "purchase", "EXTRA": "purchase"}}'), '01-01 earn 20, 01-01 earn 10, 01-02 return -15', 'orders of one ref in their turn: the first has 20');
SELECT is((SELECT string_agg(label, ' ') FROM earn_ref(events('2024-01-01 10 1 - food', '2024-01-02 15 1 paid_with_points points'), '{"zone": "UTC"}')), 'food food', 'with the label of the order');
SELECT is(violations(events('2024-01-01 10 1', '2024-01-02 15 2 paid_with_points', '2024-01-03 5 - paid_with_points', '2024-01-04 8 1 paid_with_points', '2024-01-05 8 1 paid_with_points')),
	'01-02 2 payment with points for no order 15, 01-03 - payment with points for no order 5, 01-05 1 payment with points of more than its order 6', 'payments for nothing');
SELECT is(violations(events('2024-01-01 10 1', '2024-01-02 -15 1', '2024-01-03 -4 2')), '01-02 1 return of more than was bought 5, 01-03 2 return of more than was bought 4', 'returns of nothing');

-- ---- on random timelines ----

CREATE TABLE sample AS SELECT seed, policy, events FROM generate_series(1, :timelines) seed, LATERAL earn_random_policy(seed) policy, LATERAL (
	SELECT jsonb_agg(e) FROM jsonb_array_elements(earn_random_timeline(seed, policy)) e
	WHERE e->>'kind' IS NULL OR policy->>'other_kinds' = 'ignore' OR policy->'kinds' ? (e->>'kind') OR e->>'kind' IN ('purchase', 'return', 'join', 'birth', 'referral', 'redeem', 'paid_with_points')) x(events) WHERE events IS NOT NULL;
-- with an order of known points: 100 at 2 per 1
CREATE TABLE paid AS SELECT seed, policy - 'kinds' - 'excluded_kinds' - 'minimum' - 'full_steps' - 'caps' - 'multipliers' - 'versions' - 'bonuses' || '{"rounding": "truncate"}' AS policy, 1 + floor(earn_random(seed, 'x') * 100)::int AS x FROM sample;
SELECT is_empty($$
	SELECT seed, in_time, late FROM paid,
		LATERAL (SELECT coalesce(sum(value), 0) FROM earn_ref(events('2024-01-01 100 1', format('2024-01-01 %s 1 paid_with_points', x)), policy)) t(in_time),
		LATERAL (SELECT coalesce(sum(value), 0) FROM earn_ref(events('2024-01-01 100 1', format('2024-01-05 %s 1 paid_with_points', x)), policy)) l(late)
	WHERE late NOT BETWEEN in_time - power(10::numeric, -coalesce((policy->>'decimals')::int, 0)) AND in_time$$,
	'paid late or in time it earns the same, but for a rounding');
-- an order never gives back more than it earned
SELECT is_empty($$SELECT seed, ref FROM sample, LATERAL earn_ref(events, policy) e WHERE e.ref IN (SELECT x->>'ref' FROM jsonb_array_elements(events) x WHERE earn_ref_role(policy, x->>'kind', (x->>'value')::numeric) = 'purchase')
	AND e.kind IN ('earn', 'return') AND NOT events @? '$[*] ? (@.kind == "gave")' AND policy->'multipliers' IS NULL GROUP BY 1, 2 HAVING sum(value) < 0$$, 'orders take back at most what they earned');
SELECT is_empty($$SELECT what FROM (
		SELECT 'a late payment' AS what, count(*) FROM sample, LATERAL jsonb_array_elements(sample.events) p, LATERAL jsonb_array_elements(sample.events) o
		WHERE p->>'kind' = 'paid_with_points' AND p->>'ref' = o->>'ref' AND (p->>'at')::timestamptz > (o->>'at')::timestamptz AND (o->>'value')::numeric > 0) x WHERE count < 20$$, 'there are late payments');
SELECT * FROM finish();
ROLLBACK;
