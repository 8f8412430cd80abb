-- Funnels: how far customers come through a list of steps, and how long that takes.

-- STABLE, since windows in days or months, and as_of, are counted in the session's TimeZone.
-- COST: a walk over some 20 events.

CREATE FUNCTION funnel(
	timeline event_timeline, steps text[], within interval DEFAULT NULL, mode text DEFAULT 'in_order', by text DEFAULT 'kind',
	step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, zone text DEFAULT NULL,
	OUT reached int, OUT name text, OUT started_at timestamptz, OUT ended_at timestamptz, OUT at timestamptz[], OUT durations interval[])
	AS 'MODULE_PATHNAME', 'loyalty_funnel' LANGUAGE C STABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION funnel(event_timeline, text[], interval, text, text, interval[], date, text) IS
	'how far a customer came through steps, which name kinds of events, or labels (by => ''label''): the number and name of the last step reached, the first and last instant of the chain of events that wins, its instants, and the durations from each to the next (the first is NULL). The deepest chain wins; of those the one that ends first, of those the one that starts last, then the one whose steps come earliest. mode: ''in_order''; ''strictly_increasing'' (each later than the one before); ''strict_order'' (and no other listed step in between). A chain ends by its first instant + within, and each step comes by the one before + its step_within (one for all, or one for each step but the first; NULL: any time), both inclusive. Events at one instant may be successive steps, except where strictly increasing. Events after as_of don''t count; without it all do. Windows in days or months, and as_of, are counted in zone, by default the session''s TimeZone. No event of the first step: 0, NULLs and empty arrays. NULL for a NULL timeline; NULL steps are error 22004, no steps, unknown modes and zones and negative windows 22023, more than 1,000 steps 54000';

\expand metric/result_type.sql TYPE=funnel_totals_result SSPACE=4096 DIFFER="the funnel, zone or as_of"
COMMENT ON TYPE funnel_totals_result IS
	'counts of a funnel, as funnel_totals() makes them: customers by step, and by how many microseconds they came after the step before, so that medians are exact; and how many have an event of a step''s name at all. It grows with the durations that are different. funnel_totals_table() turns them into rows, rollup() adds those of disjoint customers';

-- Not by metric.sql: an aggregate without as_of counts all events, future ones, too.
CREATE FUNCTION funnel_totals(base timeline_base, steps text[], within interval DEFAULT NULL, mode text DEFAULT 'in_order', by text DEFAULT 'kind',
		step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, zone text DEFAULT NULL)
	RETURNS funnel_totals_result
	AS 'MODULE_PATHNAME', 'loyalty_funnel_totals' LANGUAGE C STABLE PARALLEL SAFE COST 100000
	SUPPORT metric_support;
COMMENT ON FUNCTION funnel_totals(base timeline_base, steps text[], within interval, mode text, by text, step_within interval[], as_of date, zone text) IS
	'the funnel of everyone in a base: each customer counts by the chain that wins, see funnel(). A NOTICE tells of steps that no event of the base is named as. NULL for a NULL base; errors are those of funnel()';

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within interval, mode text, by text, step_within interval[], as_of date, zone text" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, one for each customer; see funnel(). NULL timelines are left out, empty ones are customers without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"

\expand metric/aggregate_without_as_of.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" ARGUMENTS=", steps text[], within interval, mode text, by text, step_within interval[]" \
	COST_OF_A_ROW=50 SSPACE=4096

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within interval, mode text, by text, step_within interval[], as_of date" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, one for each customer, in the session''s TimeZone; see funnel(). NULL timelines are left out, empty ones are customers without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=IMMUTABLE \
	ARGUMENTS="steps text[]" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, one for each customer: steps name kinds, in order, in any time; see funnel(). NULL timelines are left out, empty ones are customers without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within interval" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, one for each customer: steps name kinds, in order; see funnel(). NULL timelines are left out, empty ones are customers without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within interval, mode text" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, one for each customer: steps name kinds; see funnel(). NULL timelines are left out, empty ones are customers without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"

-- A literal is a text where there are windows of several types.
\expand funnel/within.sql TYPE=text WINDOW="an interval''s text"
\expand funnel/within.sql TYPE=int WINDOW="a number of days"

CREATE FUNCTION funnel_totals_table(result funnel_totals_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (step int, name text, reached bigint, stopped bigint, rate_from_previous float8,
		rate_from_first float8, lower float8, upper float8, median_from_previous interval)
	AS 'MODULE_PATHNAME', 'loyalty_funnel_totals_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 5;
COMMENT ON FUNCTION funnel_totals_table(funnel_totals_result, float8) IS
	'a row for each step of a funnel: customers who came to it or further, those who stopped there, the share that came from the step before (NULL for the first) and from the first, the latter''s Wilson score interval, and the median of the times from the step before. Shares of nobody are NULL. A NOTICE tells of steps that no event is named as';

CREATE FUNCTION funnel_totals_scope(result funnel_totals_result, OUT steps text[], OUT by text, OUT mode text, OUT within interval,
		OUT step_within interval[], OUT zone text, OUT as_of date, OUT customers bigint, OUT rows_without_customer bigint, OUT steps_without_events text[])
	AS 'MODULE_PATHNAME', 'loyalty_funnel_totals_scope' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION funnel_totals_scope(funnel_totals_result) IS
	'what a funnel result is about: the funnel, the zone in which its windows and as_of are counted (NULL where none is needed), customers in all, with and without the first step, rows that had no customer, and the steps that no event of anybody is named as, up to as_of or later: most often they are misspelt';
