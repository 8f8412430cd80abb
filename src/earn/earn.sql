-- ---- the rules of earning: type, constructor, casts ----

\expand policy/policy_type.sql TYPE=earn_policy
COMMENT ON TYPE earn_policy IS
	'rules of what purchases earn: rate, rounding, multipliers, bonuses, caps, and which events are purchases, from which day on. Written as a JSON object, all of whose keys may be left out: rate, per, full_steps, minimum, rounding, decimals, multipliers, combine, bonuses, caps, max_orders, kinds, excluded_kinds, excluded_labels, bonuses_qualify, crossing_order, zone, other_kinds, returns_beyond, versions. ''{}'' is the default: 1 point per 1.00, rounded down. make_earn_policy() builds one; a jsonb coerces by itself';

CREATE FUNCTION make_earn_policy(rate numeric DEFAULT NULL, per numeric DEFAULT NULL,
		full_steps boolean DEFAULT NULL, minimum numeric DEFAULT NULL, rounding text DEFAULT NULL,
		decimals int DEFAULT NULL, multipliers jsonb DEFAULT NULL, combine text DEFAULT NULL,
		bonuses jsonb DEFAULT NULL, caps jsonb DEFAULT NULL, kinds jsonb DEFAULT NULL,
		excluded_kinds text[] DEFAULT NULL, excluded_labels text[] DEFAULT NULL,
		bonuses_qualify boolean DEFAULT NULL, crossing_order text DEFAULT NULL,
		zone text DEFAULT NULL, versions jsonb DEFAULT NULL, other_kinds text DEFAULT NULL,
		returns_beyond text DEFAULT NULL, max_orders jsonb DEFAULT NULL)
	RETURNS earn_policy
	AS 'MODULE_PATHNAME', 'loyalty_make_earn_policy' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_earn_policy(numeric, numeric, boolean, numeric, text, int, jsonb, text, jsonb, jsonb, jsonb, text[], text[], boolean, text, text, jsonb, text, text, jsonb) IS
	'rules of earning; NULL is the default of each.
rate, per: rate points for each per of an order''s amount; default 1, 1. full_steps: only for each full per. minimum: what an order must come to; default none.
rounding: truncate (default), floor, ceiling, half_up, half_down, half_even; decimals: to so many, 0 (default) to 6. Once per order.
multipliers: as [{"times": 2, "name": "saturday", "weekdays": ["saturday"]}], each with any of the conditions labels, tiers, from and until (dates; until is exclusive), weekdays, hours (["17:00", "19:00"]), and a cap on what it adds. combine: of those that hold the highest (default) counts, or all: multiply, add.
A name tells apart what the multiplier adds, by label.
bonuses: fixed points, as {"joining": 100, "first_purchase": 50, "birthday": 200, "anniversary": 100, "referral": 50, "nth_purchase": [{"n": 10, "points": 500, "every": false}]}; {"points": 100, "cap": {"year": 300}} instead of a number caps one; a name in it is the label of its points, in place of its sort.
caps: the most that is earned, as {"order": 100, "day": 200, "month": 500, "year": 5000, "lifetime": 20000}; all but order are for bonuses too.
max_orders: the most orders that earn, as {"day": 3, "month": 20, "year": 100, "lifetime": 1000}; later ones earn nothing but their bonuses.
kinds: role of each kind of event, as {"SALE": "purchase"}: purchase, return, redemption (or redeem), paid_with_points, join, birth, referral, ignore, and what passes through as in a points ledger: earn, activate, redeem_refund, reinstate, adjust, transfer, block, unblock, forfeit, expire. Added to the default ones: purchase, return, join, birth, referral, paid_with_points, redeem (a redemption), tier_grant (ignored). An event without a kind is a purchase, or a return where it is negative.
other_kinds: of a kind that is named nowhere an event is an error (default) that names it, or ignore.
returns_beyond: what a return of no order takes back beyond what was bought in all and isn''t returned yet is nothing: drop (default), or counts, too: take.
excluded_kinds, excluded_labels: earn nothing, and are no orders.
bonuses_qualify: whether bonus points count for tiers; default false. crossing_order: whether the order that reaches a tier earns at the tier before (default) or after.
zone: of local days; default the session''s.
versions: changes from a day on, as [{"from": "2024-07-01", "rate": 2}]: of everything but zone, kinds, other_kinds and returns_beyond; an order follows the version of the day of its first line.
Never NULL. Error 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';

-- ---- what one customer earns ----

-- STABLE, since a policy without a zone takes its days from the session's TimeZone.
-- COST: a walk over some 20 events.

CREATE FUNCTION points_earned(amount numeric, policy earn_policy, label text DEFAULT NULL, on_date date DEFAULT NULL, tier text DEFAULT NULL) RETURNS numeric
	AS 'MODULE_PATHNAME', 'loyalty_points_earned' LANGUAGE C STABLE PARALLEL SAFE COST 5;
CREATE FUNCTION points_accrual(timeline event_timeline, policy earn_policy, by_label boolean DEFAULT false) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_points_accrual' LANGUAGE C STABLE PARALLEL SAFE COST 50;
CREATE FUNCTION points_accrual_events(timeline event_timeline, policy earn_policy)
	RETURNS TABLE (at timestamptz, ref text, amount numeric, points numeric, explanation text)
	AS 'MODULE_PATHNAME', 'loyalty_points_accrual_events' LANGUAGE C STABLE PARALLEL SAFE COST 200 ROWS 20;
CREATE FUNCTION points_accrual_violations(timeline event_timeline, policy earn_policy)
	RETURNS TABLE (at timestamptz, ref text, problem text, amount numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_accrual_violations' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION points_earned(numeric, earn_policy, text, date, text) IS
	'The points of an order of that amount, all of one label, bought on on_date (a NULL one is current_date) at that tier, by nobody who earned anything before: the caps of an order and of multipliers cut, others don''t, and multipliers for hours don''t hold. A negative amount is a return at the rate of that day. NULL for a NULL amount. A NULL policy is error 22004, NaN and what doesn''t fit 22003, an infinite day 22008.';
COMMENT ON FUNCTION points_accrual(event_timeline, earn_policy, boolean) IS
	'A timeline of amounts as one of points, with bonuses and caps: events of the kinds earn, return (negative; of late payments with points, too), bonus (its label is its name, or which it is), redeem (negative, as it came), and what else passes through: redeem_refund, reinstate (without a value where it has none), adjust, transfer, forfeit, expire; with label and ref of what made them, for points_balance() and its like. Birthdays and anniversaries up to the last event. Multipliers for tiers don''t hold. With by_label, an order earns by label: an event for what each multiplier with a name adds, under that, and for each label of its lines, which share the rest by largest remainder. NULL for a NULL timeline. A NULL policy or by_label is error 22004, a kind without a role 22023, points that don''t fit 22003.';
COMMENT ON FUNCTION points_accrual_events(event_timeline, earn_policy) IS
	'What made the points of points_accrual(): a row per order and instant, return, late payment with points, bonus, redemption and whatever else passes through, in order, those without points too. amount: of the lines, or returned or paid (negative); NULL for bonuses and what passes through. explanation: rate, multipliers, what was earned before, caps. No rows for a NULL timeline; errors as in points_accrual().';
COMMENT ON FUNCTION points_accrual_violations(event_timeline, earn_policy) IS
	'What in a timeline of amounts doesn''t fit together, in order; amount is how much of it. problem is one of: payment with points for no order (nothing was bought under its ref, or it has none); payment with points of more than its order; return of more than was bought under its ref. No rows for a NULL timeline; errors as in points_accrual().';
