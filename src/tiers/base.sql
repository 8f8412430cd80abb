-- ---- tiers of everyone ----

-- STABLE, since a policy and a period without a zone take their days from the session's TimeZone.
-- COST of the functions over a base: that of a query, so that collecting in parallel wins.

\expand metric/result_type.sql TYPE=tier_census_result SSPACE=2048 DIFFER="policy, zone or as_of"
\expand metric/result_type.sql TYPE=tier_migration_result SSPACE=2048 DIFFER="policy, zone, from_day or to_day"
\expand metric/result_type.sql TYPE=tier_flow_result SSPACE=16384 DIFFER="policy, zone, as_of or period"
\expand metric/result_type.sql TYPE=tier_tenure_result SSPACE=16384 DIFFER="policy, zone or as_of"
\expand metric/result_type.sql TYPE=tier_near_result SSPACE=2048 DIFFER="policy, zone, as_of or within"
COMMENT ON TYPE tier_census_result IS
	'how many members are in each tier, as tier_census() counts them; tier_census_table() turns it into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE tier_migration_result IS
	'from which tier to which members went, as tier_migration() counts them; tier_migration_table() turns it into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE tier_flow_result IS
	'how many came into each tier and left it in each period, as tier_flow() counts them; tier_flow_table() turns it into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE tier_tenure_result IS
	'for how many days tiers were held, as tier_tenure() counts them; tier_tenure_table() turns it into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE tier_near_result IS
	'how many members lack little to the next tier or to keeping theirs, as tier_near() counts them; tier_near_table() turns it into rows, rollup() adds those of disjoint customers';

\expand metric/metric.sql NAME=tier_census C=tier_census RESULT=tier_census_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy tier_policy, as_of date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=20 SSPACE=32768 \
	COMMENT="How many members of a base are in each tier at the end of the local day as_of (NULL: that of the last event collected), and what the policy''s first metric is for all of them together. Who isn''t a member yet isn''t counted; a customer without events is a member in the base tier. NULL for a NULL base. A NULL policy is error 22004, an infinite as_of 22008; a grant of a tier that the policy does not have, and a kind that it does not know, 22023 with the customer in the context." \
	AGGREGATE_COMMENT="tier_census() over timelines, one for each customer. NULL timelines are left out, empty ones are members in the base tier. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; policy and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=tier_migration C=tier_migration RESULT=tier_migration_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy tier_policy, from_day date, to_day date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=20 SSPACE=32768 \
	COMMENT="How many members of a base were in which tier at the end of the local day from_day, and are in which at the end of to_day (NULL: that of the last event collected); who became a member in between comes from ''not yet a member''. Who isn''t one at the end of to_day isn''t counted. NULL for a NULL base. A NULL policy or from_day is error 22004, a from_day after to_day 22023, an infinite day 22008; others as in tier_census()." \
	AGGREGATE_COMMENT="tier_migration() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL day is error 22004; policy, from_day and to_day must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=tier_flow C=tier_flow RESULT=tier_flow_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy tier_policy, period calendar_period DEFAULT 'month', as_of date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=20 SSPACE=98304 \
	COMMENT="How many members of a base came into each tier and left it in each period, up to the end of the local day as_of (NULL: that of the last event collected). Every change counts, also of a member who comes back in the same period, and the steps of one who joins and rises at the same instant. NULL for a NULL base. A policy and a period that name different zones are error 22023, a NULL policy or period 22004, membership before the first of a list of periods 22008; others as in tier_census()." \
	AGGREGATE_COMMENT="tier_flow() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; policy, period and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=tier_tenure C=tier_tenure RESULT=tier_tenure_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy tier_policy, as_of date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=20 SSPACE=65536 \
	COMMENT="For how many days members of a base hold a tier, from coming into it to leaving it, up to the end of the local day as_of (NULL: that of the last event collected). Those that are held then are known to last longer: they are censored at the start of the next day. A customer without events, of whom it isn''t known since when he is a member, has none. NULL for a NULL base; errors as in tier_census()." \
	AGGREGATE_COMMENT="tier_tenure() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; policy and as_of must be the same for all rows (22023); others as in the function over a base."

\expand metric/metric.sql NAME=tier_near C=tier_near RESULT=tier_near_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="policy tier_policy, as_of date DEFAULT NULL, within numeric DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=20 SSPACE=65536 \
	COMMENT="How many members of a base lack something, but less than within, to the next tier at the end of the local day as_of (NULL: that of the last event collected), and to keeping theirs when it ends (missing_to_keep of tier_progress()); in the unit of the metric. Where any of several metrics does, the least that is missing counts, where all must, the most, of sets that which lacks least. NULL for a NULL base. A NULL within is error 22004, one that isn''t above zero 22023; others as in tier_census()." \
	AGGREGATE_COMMENT="tier_near() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; policy, as_of and within must be the same for all rows (22023); others as in the function over a base."

-- ---- rows ----

CREATE FUNCTION tier_census_table(result tier_census_result)
	RETURNS TABLE (tier text, rank int, members bigint, share float8, value numeric, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_tier_census_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION tier_census_table(tier_census_result) IS
	'A row for each tier, from the base tier (rank 0) up: members, their share of all members (NULL where there are none), and the policy''s first metric, in its window, of all of them together. as_of is NULL where nobody has events and it wasn''t given. No rows for NULL.';

CREATE FUNCTION tier_migration_table(result tier_migration_result)
	RETURNS TABLE (from_tier text, from_rank int, to_tier text, to_rank int, members bigint, share float8, from_day date, to_day date)
	AS 'MODULE_PATHNAME', 'loyalty_tier_migration_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 20;
COMMENT ON FUNCTION tier_migration_table(tier_migration_result) IS
	'A row for each pair of tiers with members: those in from_tier at the end of from_day and in to_tier at the end of to_day, and their share of all that were in from_tier. from_tier is ''not yet a member'', with rank -1, for those who became members in between. No rows for NULL.';

CREATE FUNCTION tier_migration_links(result tier_migration_result)
	RETURNS TABLE (step int, source text, target text, value bigint, source_name text, target_name text)
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 100 ROWS 20
BEGIN ATOMIC
	SELECT 1, link_name(from_tier, 1, from_rank >= 0), link_name(to_tier, 2), members, CASE WHEN from_rank >= 0 THEN from_tier END, to_tier
	FROM tier_migration_table(tier_migration_links.result) WHERE members > 0 ORDER BY from_rank, to_rank;
END;
COMMENT ON FUNCTION tier_migration_links(tier_migration_result) IS
	'The rows of tier_migration_table() as charts of flows take them: a link from a tier of from_day, ''Silver (1)'', to that of to_day, ''Gold (2)''; value: members. ''(not yet a member 1)'' is no tier, and has no source_name. No rows for NULL.';

CREATE FUNCTION tier_flow_table(result tier_flow_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean, tier text, rank int, members_at_start bigint, joined bigint,
		upgraded_in bigint, upgraded_out bigint, downgraded_in bigint, downgraded_out bigint, members_at_end bigint, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_tier_flow_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 120;
COMMENT ON FUNCTION tier_flow_table(tier_flow_result) IS
	'A row for each period, from the first membership to as_of, and each tier: members_at_start + joined + upgraded_in - upgraded_out + downgraded_in - downgraded_out = members_at_end, the next period''s start. The last one is the census of as_of. Members without events are there from the start. period_end is exclusive; complete is false while the period still runs. No rows where nobody has joined, and for NULL.';

CREATE FUNCTION tier_flow_links(result tier_flow_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean, step int, source text, target text, value bigint, source_name text, target_name text)
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 1000 ROWS 200
BEGIN ATOMIC
	SELECT t.period_start, t.period_end, t.complete, l.step,
		CASE l.step WHEN 1 THEN link_name(t.tier, 1) ELSE link_name(l.move, 2, false) END, CASE l.step WHEN 1 THEN link_name(l.move, 2, false) ELSE link_name(t.tier, 3) END,
		l.value, CASE l.step WHEN 1 THEN t.tier END, CASE l.step WHEN 2 THEN t.tier END
	FROM tier_flow_table(tier_flow_links.result) t
	CROSS JOIN LATERAL (VALUES (1, 1, 'upgraded', t.upgraded_out), (1, 2, 'downgraded', t.downgraded_out),
		(2, 1, 'upgraded', t.upgraded_in), (2, 2, 'downgraded', t.downgraded_in), (2, 3, 'joined', t.joined)) l(step, n, move, value)
	WHERE l.value > 0 ORDER BY t.period_start, l.step, t.rank, l.n;
END;
COMMENT ON FUNCTION tier_flow_links(tier_flow_result) IS
	'What moved in each period of tier_flow_table(), as charts of flows take it: step 1 is a link from a tier that was left, ''Silver (1)'', to ''(upgraded 2)'' or ''(downgraded 2)'', step 2 from those, or from ''(joined 2)'', to a tier that was entered, ''Gold (3)''; value: how many did. What comes into (upgraded 2) and (downgraded 2) leaves it. Who stays is in no link. Links of several periods add up by source and target. Which tier led to which is told by tier_migration_links(), between two days. No rows for NULL.';

CREATE FUNCTION tier_tenure_table(result tier_tenure_result)
	RETURNS TABLE (tier text, rank int, spells bigint, ended bigint, median_days int, mean_days float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_tier_tenure_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 5;
COMMENT ON FUNCTION tier_tenure_table(tier_tenure_result) IS
	'A row for each tier: how often it was held, how many of these spells have ended, and from both, by Kaplan-Meier, after how many days half of them have (NULL: that isn''t reached), and the mean of days, where those above the longest one observed count as that. NULL where nobody was in the tier. No rows for NULL.
Kaplan, E. L. and Meier, P. (1958): Nonparametric estimation from incomplete observations. Journal of the American Statistical Association 53, 457-481.';

CREATE FUNCTION tier_near_table(result tier_near_result)
	RETURNS TABLE (tier text, rank int, members bigint, near_next bigint, near_keep bigint, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_tier_near_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION tier_near_table(tier_near_result) IS
	'A row for each tier: members, and how many of them are near the next tier and near keeping theirs: they lack something, but less than was asked. Who has what keeping needs isn''t near it. as_of is NULL, and nobody near, where nobody has events and it wasn''t given. No rows for NULL.';

-- ---- who is near ----

\expand metric/members.sql NAME=tier_near C=tier_near BASE=timeline_base \
	ARGUMENTS="policy tier_policy, tier text, who text, as_of date DEFAULT NULL, within numeric DEFAULT NULL" \
	COMMENT="The customers whom a number of tier_near_table() counts, a row for each, in no order: of a tier, who is the column: members, near_next or near_keep. policy, as_of and within are those of tier_near(), and have to be the same. Nobody for a NULL base. A NULL tier or who is error 22004, a tier that the policy doesn''t have and another number than these 22023; others as in tier_near()."
