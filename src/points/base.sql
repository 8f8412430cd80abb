-- ---- points of everyone ----

-- STABLE, since a policy and a period without a zone take their days from the session's TimeZone.
-- COST of the functions over a base: that of a query, so that collecting in parallel wins.

\expand metric/result_type.sql TYPE=points_totals_result SSPACE=2048 DIFFER="policy, zone or as_of"
\expand metric/result_type.sql TYPE=points_rollforward_result SSPACE=16384 DIFFER="policy, zone, as_of, period or by_label"
\expand metric/result_type.sql TYPE=points_triangle_result SSPACE=16384 DIFFER="policy, zone, as_of, period or by_label"
COMMENT ON TYPE points_totals_result IS
	'points of everyone added up as of a day, as points_totals() makes them; points_totals_table() turns them into a row, rollup() adds those of disjoint customers';
COMMENT ON TYPE points_rollforward_result IS
	'what became of everyone''s points in each period, as points_rollforward() makes it; points_rollforward_table() turns it into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE points_triangle_result IS
	'what became of the points of each period at each age, as points_triangle() makes it; points_triangle_table(), points_redemption_rate() and points_liability() turn it into rows, rollup() adds those of disjoint customers';

\expand metric/metric.sql NAME=points_totals C=points_totals RESULT=points_totals_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy points_policy DEFAULT '{}', as_of date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=20 SSPACE=98304 \
	COMMENT="The points of a base at the end of the local day as_of (NULL: that of the last event collected), and what became of all of them: points_summary() of every customer, added up. NULL for a NULL base. A NULL policy is error 22004, an infinite as_of 22008; a kind that the policy does not know, and what its overdraft refuses, 22023 with the customer in the context." \
	AGGREGATE_COMMENT="points_totals() over timelines, one for each customer. NULL timelines are left out, empty ones are members without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; so that partial results add up, policy and as_of must be the same for all rows (22023); others as in the function over a base."

\expand points/by_label.sql NAME=points_rollforward RULES=policy \
	ARGUMENT="policy points_policy DEFAULT '{}'" LABELS="by the label of lots" \
	COST_OF_A_ROW=30 SSPACE=196608 \
	COMMENT="What became of the points of a base in each period up to the end of the local day as_of (NULL: that of the last event collected). What expires on a period''s first instant belongs to the period before, where the policy''s boundary is gone. With by_label, each move stands under the label of the lot that it touches; a debt under none, until a lot pays it back. NULL for a NULL base. A policy and a period that name different zones are error 22023, a NULL policy, period or by_label 22004, an event before the first of a list of periods 22008; others as in points_totals()."

\expand points/by_label.sql NAME=points_triangle RULES=policy \
	ARGUMENT="policy points_policy DEFAULT '{}'" LABELS="by the label of lots" \
	COST_OF_A_ROW=30 SSPACE=196608 \
	COMMENT="What became of the points issued in each period, by their age in periods, up to the end of the local day as_of (NULL: that of the last event collected). Issued is whatever made a lot; redemptions are those of its points, refunds taken off, and debts of redemptions that it paid back, when it did. With by_label, each lot stands under its label. NULL for a NULL base; errors as in points_rollforward()."

-- ---- rows ----

CREATE FUNCTION points_totals_table(result points_totals_result)
	RETURNS TABLE (members bigint, members_with_balance bigint, members_overdrawn bigint,
		earned numeric, reinstated numeric, adjusted numeric, transferred numeric,
		redeemed numeric, returned numeric, expired numeric, forfeited numeric,
		pending numeric, active numeric, blocked numeric, overdrawn numeric, unmet numeric,
		rows_without_customer bigint, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_points_totals_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1;
COMMENT ON FUNCTION points_totals_table(points_totals_result) IS
	'One row: members, those who have points to spend and those who owe some, and the columns of points_summary() added up over all of them. Debts and points are never netted: overdrawn is what some owe, active what others have. earned + reinstated + adjusted + transferred = redeemed + returned + expired + forfeited + pending + active + blocked - overdrawn. as_of is NULL where nobody has events. No row for NULL.';

CREATE FUNCTION points_rollforward_table(result points_rollforward_result)
	RETURNS TABLE (label text, period_start date, period_end date, complete boolean, opening numeric,
		issued numeric, reinstated numeric, adjusted numeric, transferred numeric,
		redeemed numeric, returned numeric, expired numeric, forfeited numeric,
		closing numeric, pending numeric, blocked numeric, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_points_rollforward_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 60;
COMMENT ON FUNCTION points_rollforward_table(points_rollforward_result) IS
	'A row for each period, from the first in which points moved to that of as_of: opening + issued + reinstated + adjusted + transferred - redeemed - returned - expired - forfeited = closing, the next one''s opening. closing is what there is, pending and blocked points among it (pending and blocked say how many), less debts; the last one agrees with points_totals(). By label, these are the rows of each label, those without label last, which hold what is owed; columns add up over labels to those without. period_end is exclusive; complete is false while the period still runs. No rows for NULL.';

CREATE FUNCTION points_triangle_table(result points_triangle_result)
	RETURNS TABLE (label text, issue_period date, age int, issued numeric, redeemed numeric, expired numeric, taken_back numeric,
		complete boolean, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_points_triangle_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 300;
COMMENT ON FUNCTION points_triangle_table(points_triangle_result) IS
	'A row for each period in which points were issued (issue_period: its first day) and each age in periods up to as_of: what was issued (at age 0), and what of it was redeemed, expired, and taken back by returns, forfeits, adjustments and transfers at that age; what refunds gave back and what was reinstated is taken off. issued - redeemed - expired - taken_back over all ages is what is left of that period''s points; over all periods, pending + active + blocked of points_totals(). complete is false while the period of that age still runs. No rows for NULL.';

-- ---- what the triangle says ----

CREATE FUNCTION points_redemption_rate(triangle points_triangle_result, confidence float8 DEFAULT 0.95, method redemption_method DEFAULT '{}')
	RETURNS TABLE (label text, issue_period date, issued numeric, redeemed numeric, outstanding numeric,
		rate float8, lower float8, upper float8, standard_error float8, breakage float8,
		breakage_points numeric, breakage_points_if_lower numeric, breakage_points_if_higher numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_redemption_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION points_redemption_rate(points_triangle_result, float8, redemption_method) IS
	'How much of the points of each period will be redeemed in the end, by default by chain ladder: points redeemed so far go on as older ones did at that age. A row for each period (of each label, which are estimated apart), and a last one, with a NULL issue_period, in all.
issued: less what was taken back; redeemed: so far; rate: redeemed in the end / issued, with the interval at this confidence, both within what is possible: points redeemed or expired are what they are, so a period with nothing outstanding has its rate. standard_error: of the rate; NULL where too little was seen to tell, then the interval is all that is possible. breakage: 1 - rate; breakage_points: issued points that will never be redeemed, and what they would be if the rate were a percentage point lower or higher, as far as it can be.
method: another way, a prior rate, a tail behind the oldest age, a bootstrap: redemption_method. Without a tail, what happens at ages that no period has reached is not known: the estimate is low as long as the history is shorter than points live. NULL rates where nothing was issued. No rows for NULL; a confidence outside of 0 to 1 is error 22023.
Mack, T. (1993): Distribution-free calculation of the standard error of chain ladder reserve estimates. ASTIN Bulletin 23(2), 213-225.';

CREATE FUNCTION points_liability(triangle points_triangle_result, value_per_point numeric, method redemption_method DEFAULT '{}', confidence float8 DEFAULT 0.95)
	RETURNS TABLE (label text, issue_period date, outstanding numeric, expected numeric,
		liability numeric, liability_lower numeric, liability_upper numeric,
		breakage_of_outstanding numeric, breakage_of_issued numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_liability' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION points_liability(points_triangle_result, numeric, redemption_method, float8) IS
	'What the points of each period are still worth: outstanding ones; expected, those of them that will be redeemed by the rate of points_redemption_rate(), with two more decimals than points have; liability = expected x value_per_point, with two more decimals than value_per_point has, and its interval at this confidence, by that of the rate. breakage_of_outstanding: outstanding points that will never be redeemed, outstanding - expected; breakage_of_issued: the same of all points ever issued, those that have expired already among them, which is breakage_points of points_redemption_rate(). A row for each period (of each label), and a last one, with a NULL issue_period, in all. No rows for NULL; a value_per_point below zero, NaN or infinite, and a confidence outside of 0 to 1, is error 22023.';

CREATE FUNCTION points_liability_by_period(triangle points_triangle_result, value_per_point numeric, method redemption_method DEFAULT '{}', confidence float8 DEFAULT 0.95)
	RETURNS TABLE (label text, period_start date, period_end date, complete boolean, outstanding numeric, expected numeric, breakage_of_outstanding numeric,
		liability numeric, liability_lower numeric, liability_upper numeric, rate float8, in_all boolean, day date)
	AS 'MODULE_PATHNAME', 'loyalty_points_liability_by_period' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 ROWS 60;
COMMENT ON FUNCTION points_liability_by_period(points_triangle_result, numeric, redemption_method, float8) IS
	'The liability at the end of each period, from the first in which points were issued to that of as_of (which counts up to as_of): what points_liability() says in all of a triangle as of that day, from what was known by then. outstanding: points that are left, which with debts taken off are the closing of the roll-forward; expected, breakage_of_outstanding, liability with its interval: as in points_liability(); rate: redeemed in the end / issued, of all points so far. By label, there are rows of each label that has points by then, and behind them one in all, whose label is NULL and in_all true; rows of points without label have in_all false. period_end is exclusive; complete is false while the period still runs; day: the last one that counts, the period''s or as_of. No rows for NULL; more than 4000 periods are error 54000; others as in points_liability().';

CREATE FUNCTION points_development(triangle points_triangle_result, method redemption_method DEFAULT '{}')
	RETURNS TABLE (label text, age int, factor float8, standard_error float8, cohorts int, to_ultimate float8, developed float8, is_tail boolean)
	AS 'MODULE_PATHNAME', 'loyalty_points_development' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION points_development(points_triangle_result, redemption_method) IS
	'What estimates rest on, a row for each age that some period has completed (of each label): factor: what was redeemed by the end of the next age / by the end of this one, over the cohorts that have completed both, with its standard error and their number; at the oldest age the tail: given, fitted, or 1 without one. to_ultimate: the product of this factor and all behind it; developed: 1 / to_ultimate, at most 1, the share of all redemptions that is in by the end of this age, 0 where nothing was redeemed by then. NULL where it isn''t known: nothing was redeemed at an age, one cohort has no standard error, a tail couldn''t be fitted. No rows for NULL, and without an age that is over.';

-- One triangle of the base, and what it says.
\expand points/liability_of_base.sql NAME=points RULES=policy ARGUMENT="policy points_policy" POINTS="of the points of a base"
