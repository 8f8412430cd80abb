-- ---- the rules of a whole programme: type, constructor, casts ----

\expand policy/policy_type.sql TYPE=program_policy
COMMENT ON TYPE program_policy IS
	'rules of a whole programme: what earns, how points live, which tiers there are, and what they have to do with each other, from which day on. Written as a JSON object, all of whose keys may be left out: earn (an earn_policy), points (a points_policy without kinds), tiers (a tier_policy), tier_metric, pending_counts, no_expiry_tiers, zone, versions. ''{}'' is the default: 1 point per 1.00, which never expires, without tiers. make_program_policy() builds one; a jsonb coerces by itself';

CREATE FUNCTION make_program_policy(earn earn_policy DEFAULT NULL, points points_policy DEFAULT NULL,
		tiers tier_policy DEFAULT NULL, tier_metric text DEFAULT NULL,
		pending_counts boolean DEFAULT NULL, no_expiry_tiers text[] DEFAULT NULL,
		zone text DEFAULT NULL, versions jsonb DEFAULT NULL)
	RETURNS program_policy
	AS 'MODULE_PATHNAME', 'loyalty_make_program_policy' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_program_policy(earn_policy, points_policy, tier_policy, text, boolean, text[], text, jsonb) IS
	'rules of a programme; NULL is the default of each.
earn: what purchases earn; default {}. points: how points expire, wait and are spent, without kinds; default {}. tiers: default none.
tier_metric: what the values are that the tiers'' metrics count: spend (default), points, orders. pending_counts: with points, whether they count when earned (default) or, false, when they become available.
no_expiry_tiers: tiers in which no points expire; default none.
zone: of all days; default that of a part, else the session''s.
versions: changes from a day on, as [{"from": "2024-07-01", "earn": {"rate": 2}, "no_expiry_tiers": ["Gold"]}]: for each of earn, points, tiers what a version of that part may change.
Never NULL. Error 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';

-- ---- one customer's whole programme ----

-- STABLE, since a programme without a zone takes its days from the session's TimeZone.
-- COST: a walk over some 20 events.

CREATE FUNCTION program_summary(timeline event_timeline, program program_policy, as_of date DEFAULT current_date,
		OUT spend numeric, OUT orders bigint, OUT points_earned numeric, OUT points_redeemed numeric,
		OUT points_expired numeric, OUT points_pending numeric, OUT points_blocked numeric, OUT balance numeric, OUT tier text,
		OUT rank int, OUT tier_until timestamptz, OUT missing_to_next numeric)
	AS 'MODULE_PATHNAME', 'loyalty_program_summary' LANGUAGE C STABLE PARALLEL SAFE COST 60;
CREATE FUNCTION program_statement(timeline event_timeline, program program_policy, as_of date DEFAULT current_date)
	RETURNS TABLE (at timestamptz, role text, label text, ref text, amount numeric, points numeric, balance numeric, tier text, explanation text)
	AS 'MODULE_PATHNAME', 'loyalty_program_statement' LANGUAGE C STABLE PARALLEL SAFE COST 200 ROWS 20;
CREATE FUNCTION program_violations(timeline event_timeline, program program_policy, as_of date DEFAULT current_date)
	RETURNS TABLE (at timestamptz, ref text, problem text, amount numeric, part text)
	AS 'MODULE_PATHNAME', 'loyalty_program_violations' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 5;

CREATE FUNCTION program_expiring(timeline event_timeline, program program_policy, as_of date DEFAULT current_date, until date DEFAULT NULL) RETURNS numeric
	AS 'MODULE_PATHNAME', 'loyalty_program_expiring' LANGUAGE C STABLE PARALLEL SAFE COST 100;
CREATE FUNCTION program_expiry_schedule(timeline event_timeline, program program_policy, as_of date DEFAULT current_date, by_label boolean DEFAULT false)
	RETURNS TABLE (expires_at timestamptz, label text, points numeric)
	AS 'MODULE_PATHNAME', 'loyalty_program_expiry_schedule' LANGUAGE C STABLE PARALLEL SAFE COST 200 ROWS 10;
CREATE FUNCTION program_lots(timeline event_timeline, program program_policy, as_of date DEFAULT current_date, by_label boolean DEFAULT false)
	RETURNS TABLE (earned_at timestamptz, kind text, label text, ref text, points numeric, remaining numeric, blocked numeric, available_at timestamptz, expires_at timestamptz, state text)
	AS 'MODULE_PATHNAME', 'loyalty_program_lots' LANGUAGE C STABLE PARALLEL SAFE COST 200 ROWS 20;
CREATE FUNCTION program_movements(timeline event_timeline, program program_policy, as_of date DEFAULT current_date, by_label boolean DEFAULT false)
	RETURNS TABLE (at timestamptz, role text, ref text, earned_at timestamptz, earn_ref text, label text, expires_at timestamptz, points numeric)
	AS 'MODULE_PATHNAME', 'loyalty_program_movements' LANGUAGE C STABLE PARALLEL SAFE COST 200 ROWS 20;
CREATE FUNCTION program_daily(timeline event_timeline, program program_policy, since date DEFAULT NULL, until date DEFAULT current_date + 1)
	RETURNS TABLE (day date, earned numeric, reinstated numeric, adjusted numeric, transferred numeric, redeemed numeric,
		returned numeric, expired numeric, forfeited numeric, pending numeric, blocked numeric, balance numeric)
	AS 'MODULE_PATHNAME', 'loyalty_program_daily' LANGUAGE C STABLE PARALLEL SAFE COST 200 ROWS 20;

COMMENT ON FUNCTION program_summary(event_timeline, program_policy, date) IS
	'Where a customer stands at the end of the local day as_of, from his timeline of amounts: spend (what counts: net of returns and of what was paid with points), orders begun, points_earned (bonuses, adjustments and transfers too, less what returns took back), which is points_redeemed (net of refunds) + points_expired (or forfeited) + points_pending + points_blocked + balance, the tier, its rank, until when it is promised (NULL: open), and how much is missing to the next one (NULL: none). Without tiers the rank is 0; who isn''t a member yet has neither tier nor rank. NULL for a NULL timeline. A NULL program or as_of is error 22004, an infinite as_of 22008, a grant of a tier that the programme doesn''t have, and a kind without a role, 22023.';
COMMENT ON FUNCTION program_statement(event_timeline, program_policy, date) IS
	'What happened to a customer up to the end of the local day as_of, a row for each entry in its order: role is earn, return, bonus, redeem (those without points too), redeem_refund, reinstate, adjust, transfer, block and unblock (without a value: what they blocked), forfeit, activate (points become available), expire (by instant and label, or as booked), tier (a change of it). amount: of earn and return; points: negative where they are taken or expire; balance: what can be spent after it, negative where overdrawn; tier: held after it, NULL before membership. explanation: as in points_accrual_events(); of a tier, from which to which and why. No rows for a NULL timeline; errors as in program_summary().';
COMMENT ON FUNCTION program_violations(event_timeline, program_policy, date) IS
	'What in a customer''s timeline of amounts doesn''t fit together under the programme, up to the end of the local day as_of: what points_accrual_violations() has of what is bought, returned and paid (a payment with points may still find its order later), what points_violations() has of the points that come of it, and grants that give nothing. part: earn, points, tiers, whose it is; amount: of money or of points, NULL of a grant. No rows for a NULL timeline; errors as in program_summary(), but a grant of a tier that isn''t there, and an overdraft that the programme refuses, are rows.';

COMMENT ON FUNCTION program_expiring(event_timeline, program_policy, date, date) IS
	'The points that expire after the end of the day as_of, up to the end of the day until, if nothing else happens, as points_expiring() has it: birthdays and anniversaries to come give nothing, tiers end, and with one what it has kept from expiring. A NULL until: all that ever will. 0 where nothing does; NULL only for a NULL timeline. until before as_of is error 22023; others as in program_summary().';
COMMENT ON FUNCTION program_expiry_schedule(event_timeline, program_policy, date, boolean) IS
	'What expires when, after the end of the day as_of, if nothing else happens: a row per instant, and with by_label per label, in order; else label is NULL. The rows up to a day add up to program_expiring(). No rows for a NULL timeline; a NULL by_label is error 22004, others as in program_summary().';
COMMENT ON FUNCTION program_lots(event_timeline, program_policy, date, boolean) IS
	'What was earned, given, or came in otherwise, and what is left of it at the end of the day as_of: a row per lot, as points_lots() has it; kind is earn, bonus, adjust, transfer or redeem_refund, label what the lines of an order share, or a bonus''s name, else its sort. With by_label a row for each label of a lot: names of multipliers, and labels of lines; points and remaining are what is under it. No rows for a NULL timeline; a NULL by_label is error 22004, others as in program_summary().';
COMMENT ON FUNCTION program_movements(event_timeline, program_policy, date, boolean) IS
	'Where each point went, up to the end of the day as_of: a row for each lot that something took from, or gave back to (negative), as points_movements() has it; with by_label for each label of it. No rows for a NULL timeline; a NULL by_label is error 22004, others as in program_summary().';
COMMENT ON FUNCTION program_daily(event_timeline, program_policy, date, date) IS
	'A row for each of the local days [since, until) on which points moved, as points_daily() has it: what came in and went on it, and at its end pending, blocked, and balance, what can be spent. No rows for a NULL timeline; a NULL until is error 22004, since after until 22023; others as in program_summary().';

-- ---- a programme over everyone ----

-- STABLE, since a programme and a period without a zone take their days from the session's TimeZone.
-- COST of the functions over a base: that of a query, so that collecting in parallel wins.

\expand metric/result_type.sql TYPE=program_totals_result SSPACE=4096 DIFFER="program, zone or as_of"
\expand metric/result_type.sql TYPE=program_compare_result SSPACE=4096 DIFFER="program_a, program_b, zone or as_of"
\expand metric/result_type.sql TYPE=program_rollforward_result SSPACE=16384 DIFFER="program, zone, as_of, period or by_label"
\expand metric/result_type.sql TYPE=program_triangle_result SSPACE=16384 DIFFER="program, zone, as_of, period or by_label"
COMMENT ON TYPE program_totals_result IS
	'what a programme gives and holds by tier, as program_totals() adds it up; program_totals_table() turns it into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE program_compare_result IS
	'what members have under one programme and under another, as program_compare() adds it up; program_compare_table() and program_compare_members() turn it into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE program_triangle_result IS
	'what became of the points that a programme gave in each period, at each age, as program_triangle() adds it up; program_triangle_table() turns it into rows, points_redemption_rate() and its like take it for a points_triangle_result, rollup() adds those of disjoint customers';
COMMENT ON TYPE program_rollforward_result IS
	'what became of everyone''s points under a programme in each period, as program_rollforward() makes it; program_rollforward_table() turns it into rows, rollup() adds those of disjoint customers';

\expand metric/metric.sql NAME=program_totals C=program_totals RESULT=program_totals_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="program program_policy, as_of date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=50 SSPACE=196608 \
	COMMENT="What members of a base, of timelines of amounts, spend, earn and hold under a programme at the end of the local day as_of (NULL: that of the last event collected), by tier: program_summary() of every member, added up. Who isn''t a member yet isn''t counted; a customer without events is a member in the base tier. NULL for a NULL base. A NULL program is error 22004, an infinite as_of 22008; what a customer''s walk refuses (a kind without a role, a grant of a tier that the programme doesn''t have, a redemption that its overdraft refuses) 22023 with the customer in the context." \
	AGGREGATE_COMMENT="program_totals() over timelines, one for each customer. NULL timelines are left out, empty ones are members in the base tier. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; program and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=program_compare C=program_compare RESULT=program_compare_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="program_a program_policy, program_b program_policy, as_of date DEFAULT NULL" \
	COST=200000 COST_OF_A_ROW=100 SSPACE=393216 \
	COMMENT="What members of a base have under program_a and what they would have under program_b, at the end of the local day as_of (NULL: that of the last event collected), and who holds more points, pending and blocked ones too, under b than under a. Who is a member by neither isn''t counted; who is one by one of them has nothing under the other. NULL for a NULL base. Programmes that name different zones are error 22023; where one names a zone, both have it. Others as in program_totals()." \
	AGGREGATE_COMMENT="program_compare() over timelines, one for each customer. NULL timelines are left out, empty ones are members in the base tiers. NULL without rows. A NULL as_of is error 22004; program_a, program_b and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=program_rollforward C=program_rollforward RESULT=program_rollforward_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="program program_policy, period calendar_period, as_of date" \
	COST_OF_A_ROW=50 SSPACE=262144 \
	AGGREGATE_COMMENT="program_rollforward() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; program, period and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=program_rollforward C=program_rollforward RESULT=program_rollforward_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="program program_policy, period calendar_period DEFAULT 'month', as_of date DEFAULT NULL, by_label boolean DEFAULT false" \
	COST=100000 COST_OF_A_ROW=50 SSPACE=262144 \
	COMMENT="What became of the points of a base under a programme in each period up to the end of the local day as_of (NULL: that of the last event collected). What expires on a period''s first instant belongs to the period before, where the programme''s boundary is gone; what a tier had kept from expiring, to the period in which that tier is left. Who isn''t a member by the end of as_of isn''t counted. With by_label, points stand under the names of the multipliers that added them and of bonuses (else their sorts), and what an order earns beside that under the labels of its lines, shared by largest remainder; what takes of them takes of each label in proportion to what is left; a debt stands under none, until points pay it back. NULL for a NULL base. A programme and a period that name different zones are error 22023, a NULL program, period or by_label 22004, points before the first of a list of periods 22008; others as in program_totals()." \
	AGGREGATE_COMMENT="program_rollforward() over timelines, one for each customer, by label if by_label. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; program, period, as_of and by_label must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=program_triangle C=program_triangle RESULT=program_triangle_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="program program_policy, period calendar_period, as_of date" \
	COST_OF_A_ROW=50 SSPACE=262144 \
	AGGREGATE_COMMENT="program_triangle() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; program, period and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=program_triangle C=program_triangle RESULT=program_triangle_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="program program_policy, period calendar_period DEFAULT 'month', as_of date DEFAULT NULL, by_label boolean DEFAULT false" \
	COST=100000 COST_OF_A_ROW=50 SSPACE=262144 \
	COMMENT="What became of the points of a base under a programme by the period in which they were issued and their age in periods, up to the end of the local day as_of (NULL: that of the last event collected), as points_triangle() has it; with by_label as in program_rollforward(). Who isn''t a member by the end of as_of isn''t counted. The result is taken for a points_triangle_result where one is asked, by points_redemption_rate() and its like. NULL for a NULL base; errors as in program_rollforward()." \
	AGGREGATE_COMMENT="program_triangle() over timelines, one for each customer, by label if by_label. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; program, period, as_of and by_label must be the same for all rows (22023); others as in the function over a base."

-- ---- rows ----

CREATE FUNCTION program_totals_table(result program_totals_result)
	RETURNS TABLE (tier text, rank int, members bigint, spend numeric, orders bigint, points_issued numeric, points_redeemed numeric,
		points_expired numeric, points_pending numeric, points_blocked numeric, balance numeric, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_program_totals_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION program_totals_table(program_totals_result) IS
	'A row for each tier, from the base tier (rank 0) up, with members at the end of as_of and what they did in all their time; the last row, with a NULL tier and rank, is everyone. Without tiers the first row is that of rank 0, whose tier has no name. points_issued: earned, given, adjusted and transferred, less what returns took back; = points_redeemed (net of refunds) + points_expired (or forfeited) + points_pending + points_blocked + balance, where what is owed is taken off. as_of is NULL where nobody has events and it wasn''t given. No rows for NULL.';

CREATE FUNCTION program_compare_table(result program_compare_result)
	RETURNS TABLE (tier_a text, rank_a int, tier_b text, rank_b int, members bigint, spend numeric, issued_a numeric, issued_b numeric,
		balance_a numeric, balance_b numeric, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_program_compare_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 20;
COMMENT ON FUNCTION program_compare_table(program_compare_result) IS
	'A row for each pair of tiers with members, those in tier_a under the one programme and in tier_b under the other: their spend under a, points issued (less what returns took back) and balance under each. A tier is ''not yet a member'', with rank -1, where they are members by one programme only. No rows for NULL.';

CREATE FUNCTION program_compare_members(result program_compare_result)
	RETURNS TABLE (outcome text, members bigint, points_difference numeric)
	AS 'MODULE_PATHNAME', 'loyalty_program_compare_members' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION program_compare_members(program_compare_result) IS
	'Three rows: winners, who hold more points under b than under a, losers, who hold fewer, and unchanged members; points_difference is what they gain or lose together. Points held are the balance, pending and blocked points. No rows for NULL.';

CREATE FUNCTION program_rollforward_table(result program_rollforward_result)
	RETURNS TABLE (label text, period_start date, period_end date, complete boolean, opening numeric, issued numeric, redeemed numeric, returned numeric,
		expired numeric, closing numeric, pending numeric, blocked numeric, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_program_rollforward_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 60;
COMMENT ON FUNCTION program_rollforward_table(program_rollforward_result) IS
	'A row for each period, from the first in which points moved to that of as_of: opening + issued - redeemed - returned - expired = closing, the next one''s opening. issued: earned, given as bonuses, adjusted and transferred; redeemed: net of refunds; returned: what returns took back; expired: or forfeited. Issued and redeemed may be below 0 in a period where more was taken or refunded. closing is what there is, pending and blocked points among it (these columns say how many), less debts; the last one agrees with program_totals(). By label, these are the rows of each label, those without label last, which hold what is owed; columns add up over labels to those without. period_end is exclusive; complete is false while the period still runs. No rows for NULL.';

CREATE FUNCTION program_triangle_table(result program_triangle_result)
	RETURNS TABLE (label text, issue_period date, age int, issued numeric, redeemed numeric, expired numeric, taken_back numeric,
		complete boolean, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_program_triangle_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 300;
COMMENT ON FUNCTION program_triangle_table(program_triangle_result) IS
	'The rows of points_triangle_table(), of what a programme gave: for each label, period in which points were issued and age in periods up to as_of what was issued (at age 0), and what of it was redeemed, expired, and taken back by returns, forfeits, adjustments and transfers at that age. No rows for NULL.';

CREATE FUNCTION points_triangle_result(triangle program_triangle_result) RETURNS points_triangle_result
	AS 'MODULE_PATHNAME', 'loyalty_program_triangle_points' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION points_triangle_result(program_triangle_result) IS
	'the triangle of a programme as one of points, by the programme''s rules of points; NULL for NULL';
CREATE CAST (program_triangle_result AS points_triangle_result) WITH FUNCTION points_triangle_result(program_triangle_result) AS IMPLICIT;
COMMENT ON CAST (program_triangle_result AS points_triangle_result) IS
	'the triangle of a programme as one of points; implicit, so that what is asked of those can be asked of it';

-- One triangle of the base, and what it says.
CREATE FUNCTION program_liability_by_period(base timeline_base, program program_policy, period calendar_period, value_per_point numeric,
		method redemption_method DEFAULT '{}', as_of date DEFAULT NULL, by_label boolean DEFAULT false, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (label text, period_start date, period_end date, complete boolean, outstanding numeric, expected numeric, breakage_of_outstanding numeric,
		liability numeric, liability_lower numeric, liability_upper numeric, rate float8, in_all boolean, day date)
	LANGUAGE sql STABLE PARALLEL SAFE COST 100000 ROWS 60
BEGIN ATOMIC
	SELECT l.*
	FROM points_liability_by_period(program_triangle(base, program, period, as_of, by_label), value_per_point, method, confidence) l;
END;
COMMENT ON FUNCTION program_liability_by_period(timeline_base, program_policy, calendar_period, numeric, redemption_method, date, boolean, float8) IS
	'The liability at the end of each period up to the end of the local day as_of (NULL: that of the last event collected), of the points that a programme gave: points_liability_by_period() of its program_triangle(). No rows for a NULL base; errors as in both.';
