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

\expand metric/aggregate.sql NAME=points_rollforward C=points_rollforward RESULT=points_rollforward_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy points_policy, period calendar_period, as_of date" \
	COST_OF_A_ROW=30 SSPACE=196608 \
	AGGREGATE_COMMENT="points_rollforward() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; policy, period and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=points_rollforward C=points_rollforward RESULT=points_rollforward_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy points_policy DEFAULT '{}', period calendar_period DEFAULT 'month', as_of date DEFAULT NULL, by_label boolean DEFAULT false" \
	COST=100000 COST_OF_A_ROW=30 SSPACE=196608 \
	COMMENT="What became of the points of a base in each period up to the end of the local day as_of (NULL: that of the last event collected). What expires on a period''s first instant belongs to the period before, where the policy''s boundary is gone. With by_label, each move stands under the label of the lot that it touches; a debt under none, until a lot pays it back. NULL for a NULL base. A policy and a period that name different zones are error 22023, a NULL policy, period or by_label 22004, an event before the first of a list of periods 22008; others as in points_totals()." \
	AGGREGATE_COMMENT="points_rollforward() over timelines, one for each customer, by the label of lots if by_label. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; policy, period, as_of and by_label must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=points_triangle C=points_triangle RESULT=points_triangle_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy points_policy, period calendar_period, as_of date" \
	COST_OF_A_ROW=30 SSPACE=196608 \
	AGGREGATE_COMMENT="points_triangle() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; policy, period and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=points_triangle C=points_triangle RESULT=points_triangle_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy points_policy DEFAULT '{}', period calendar_period DEFAULT 'month', as_of date DEFAULT NULL, by_label boolean DEFAULT false" \
	COST=100000 COST_OF_A_ROW=30 SSPACE=196608 \
	COMMENT="What became of the points issued in each period, by their age in periods, up to the end of the local day as_of (NULL: that of the last event collected). Issued is whatever made a lot; redemptions are those of its points, refunds taken off, and debts of redemptions that it paid back, when it did. With by_label, each lot stands under its label. NULL for a NULL base; errors as in points_rollforward()." \
	AGGREGATE_COMMENT="points_triangle() over timelines, one for each customer, by the label of lots if by_label. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; policy, period, as_of and by_label must be the same for all rows (22023); others as in the function over a base."

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

\expand points/triangle_readings.sql TYPE=points_triangle_result C=points

-- One triangle of the base, and what it says.
CREATE FUNCTION points_liability_by_period(base timeline_base, policy points_policy, period calendar_period, value_per_point numeric,
		method redemption_method DEFAULT '{}', as_of date DEFAULT NULL, by_label boolean DEFAULT false, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (label text, period_start date, period_end date, complete boolean, outstanding numeric, expected numeric, breakage_of_outstanding numeric,
		liability numeric, liability_lower numeric, liability_upper numeric, rate float8, in_all boolean, day date)
	LANGUAGE sql STABLE PARALLEL SAFE COST 100000 ROWS 60
BEGIN ATOMIC
	SELECT l.*
	FROM points_liability_by_period(points_triangle(base, policy, period, as_of, by_label), value_per_point, method, confidence) l;
END;
COMMENT ON FUNCTION points_liability_by_period(timeline_base, points_policy, calendar_period, numeric, redemption_method, date, boolean, float8) IS
	'The liability at the end of each period up to the end of the local day as_of (NULL: that of the last event collected), of the points of a base: points_liability_by_period() of its points_triangle(). No rows for a NULL base; errors as in both.';
