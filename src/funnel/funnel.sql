-- Funnels: how far customers come through a list of steps, and how long that takes.

-- STABLE, since windows in days or months, and as_of, are counted in the session's TimeZone.
-- COST: a walk over some 20 events.

CREATE FUNCTION funnel_name(name text) RETURNS text
	AS 'MODULE_PATHNAME', 'loyalty_funnel_name' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION funnel_name(text) IS
	'a name, written so that in a funnel''s steps it stands for itself: in double quotes where it has signs that mean something there (a|b, a?, !a). NULL for NULL';

\expand metric/result_type.sql TYPE=funnel_totals_result SSPACE=4096 DIFFER="the funnel, zone or as_of"
COMMENT ON TYPE funnel_totals_result IS
	'counts of a funnel, as funnel_totals() makes them: customers by step, and by how many microseconds they came after the step before, so that medians and quantiles are exact; how many of them have had all their time; and how many have an event of a step''s names at all. It grows with the durations that are different. funnel_totals_table() turns them into rows, rollup() adds those of disjoint customers';

\expand metric/result_type.sql TYPE=funnel_by_period_result SSPACE=65536 DIFFER="the funnel, period, zone or as_of"
COMMENT ON TYPE funnel_by_period_result IS
	'counts of a funnel for each period in which chains start, as funnel_by_period() makes them. It grows with the durations that are different in a period. funnel_by_period_table() turns them into rows, rollup() adds those of disjoint customers';

-- Not by metric.sql: there is an aggregate for each number of arguments that is in use.
\expand funnel/aggregate.sql ARGUMENTS="steps text[]" WINDOW="any time"

-- A literal is a text where there are windows of several types.
\expand funnel/windows.sql TYPE=interval DEFAULT=" DEFAULT NULL" WINDOW="an interval, NULL any time"
\expand funnel/windows.sql TYPE=text DEFAULT="" WINDOW="an interval''s text"
\expand funnel/windows.sql TYPE=int DEFAULT="" WINDOW="a number of days"

-- Not for windows of all types: within has a default.
\expand metric/members.sql NAME=funnel C=funnel BASE=timeline_base \
	ARGUMENTS="steps text[], step int, who text DEFAULT 'reached', within interval DEFAULT NULL, mode text DEFAULT 'in_order', by text DEFAULT 'kind', step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, zone text DEFAULT NULL, hold text DEFAULT NULL" \
	COMMENT="who is in a step of a funnel, as funnel_totals_table() counts customers: who ''reached'' it, ''stopped'' there, or is ''eligible'' in it. step is its number from 1. The other arguments are those of funnel_totals(). An unknown step or who is error 22023"

CREATE FUNCTION funnel_totals_table(result funnel_totals_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (step int, name text, reached bigint, stopped bigint, eligible bigint, rate_from_previous float8,
		rate_from_first float8, lower float8, upper float8, median_from_previous interval)
	AS 'MODULE_PATHNAME', 'loyalty_funnel_totals_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 5;
COMMENT ON FUNCTION funnel_totals_table(funnel_totals_result, float8) IS
	'a row for each step of a funnel: customers who came to it or further, those who didn''t come to the next one, and of those who came here the eligible: the time of their first try is over by as_of, that is within, or all windows of steps, after their first event of the first step; where there are no such windows, all are. Rates are those of the eligible: the share of those of the step before (NULL for the first), and of the first, with Wilson''s score interval. Then the median of the times from the step before, of all who came. For an optional step the one before is the one that isn''t, and so it is for the step behind it; times to an optional step are from the step taken before it. Shares of nobody are NULL. With count => ''conversions'', chains are counted in place of customers. A NOTICE tells of steps that no event is named as';

CREATE FUNCTION funnel_totals_scope(result funnel_totals_result, OUT steps text[], OUT by text, OUT mode text, OUT within interval,
		OUT step_within interval[], OUT zone text, OUT as_of date, OUT customers bigint, OUT rows_without_customer bigint, OUT steps_without_events text[],
		OUT hold text, OUT count text)
	AS 'MODULE_PATHNAME', 'loyalty_funnel_totals_scope' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION funnel_totals_scope(funnel_totals_result) IS
	'what a funnel result is about: the funnel, the zone in which its windows and as_of are counted, customers in all, with and without the first step, rows that had no customer, and the steps that no event of anybody is named as, up to as_of or later: most often they are misspelt';

CREATE FUNCTION funnel_quantile(result funnel_totals_result, step int, q float8) RETURNS interval
	AS 'MODULE_PATHNAME', 'loyalty_funnel_quantile' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION funnel_quantile(funnel_totals_result, int, float8) IS
	'the q quantile of the times that a funnel''s customers took to a step from the one before, as percentile_cont(q) has it, to the microsecond: exact, since a result has all times. q is between 0 and 1, 0.5 the median; step from 2 on: else error 22023. NULL where nobody came, and for NULL';

CREATE FUNCTION funnel_by_period_table(result funnel_by_period_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (period_start date, period_end date, complete boolean, step int, name text, reached bigint, stopped bigint, eligible bigint,
		rate_from_previous float8, rate_from_first float8, lower float8, upper float8, median_from_previous interval, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_funnel_by_period_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION funnel_by_period_table(funnel_by_period_result, float8) IS
	'a row for each step in each period, from the first in which somebody starts to that of as_of, none left out; complete: the period is over, and so is the time of all who may have started in it, so that its numbers change no more. The other columns are those of funnel_totals_table()';
