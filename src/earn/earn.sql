-- ---- what one customer earns ----

-- STABLE, since a policy without a zone takes its days from the session's TimeZone.
-- COST: a walk over some 20 events.

CREATE FUNCTION points_earned(amount numeric, policy earn_policy, label text DEFAULT NULL, on_date date DEFAULT NULL, tier text DEFAULT NULL) RETURNS numeric
	AS 'MODULE_PATHNAME', 'loyalty_points_earned' LANGUAGE C STABLE PARALLEL SAFE COST 5;
CREATE FUNCTION points_accrual(timeline event_timeline, policy earn_policy) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_points_accrual' LANGUAGE C STABLE PARALLEL SAFE COST 50;
CREATE FUNCTION points_accrual_events(timeline event_timeline, policy earn_policy)
	RETURNS TABLE (at timestamptz, ref text, amount numeric, points numeric, explanation text)
	AS 'MODULE_PATHNAME', 'loyalty_points_accrual_events' LANGUAGE C STABLE PARALLEL SAFE COST 200 ROWS 20;

COMMENT ON FUNCTION points_earned(numeric, earn_policy, text, date, text) IS
	'The points of an order of that amount, all of one label, bought on on_date (a NULL one is current_date) at that tier, by nobody who earned anything before: the caps of an order and of multipliers cut, others don''t, and multipliers for hours don''t hold. A negative amount is a return at the rate of that day. NULL for a NULL amount. A NULL policy is error 22004, NaN and what doesn''t fit 22003, an infinite day 22008.';
COMMENT ON FUNCTION points_accrual(event_timeline, earn_policy) IS
	'A timeline of amounts as one of points, with bonuses and caps: events of the kinds earn, return (negative), bonus (its label is which) and redeem (negative, as it came), with label and ref of what made them, for points_balance() and its like. Birthdays and anniversaries up to the last event. Multipliers for tiers don''t hold. NULL for a NULL timeline. A NULL policy is error 22004, points that don''t fit 22003.';
COMMENT ON FUNCTION points_accrual_events(event_timeline, earn_policy) IS
	'What made the points of points_accrual(): a row per order and instant, return, bonus and redemption, in order, those without points too. amount: of the lines, or returned (negative); NULL for bonuses and redemptions. explanation: rate, multipliers, what was earned before, caps. No rows for a NULL timeline; errors as in points_accrual().';
