-- Cohort retention: who comes back, by the period of the first activity.

CREATE TYPE retention_result;

CREATE FUNCTION retention_result_in(text_form cstring) RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention_result_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION retention_result_out(result retention_result) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_retention_result_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION retention_result_recv(message internal) RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention_result_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION retention_result_send(result retention_result) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_retention_result_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION retention_result_in(cstring) IS 'text input of retention_result: JSON';
COMMENT ON FUNCTION retention_result_out(retention_result) IS 'text output of retention_result: JSON';
COMMENT ON FUNCTION retention_result_recv(internal) IS 'binary input of retention_result; checks every byte';
COMMENT ON FUNCTION retention_result_send(retention_result) IS 'binary output of retention_result';

CREATE TYPE retention_result (
	INPUT = retention_result_in, OUTPUT = retention_result_out,
	RECEIVE = retention_result_recv, SEND = retention_result_send,
	INTERNALLENGTH = VARIABLE, STORAGE = extended);
COMMENT ON TYPE retention_result IS
	'counts of cohort retention, as retention() makes them; retention_table() and retention_curve() turn them into rows, rollup() adds those of disjoint customers';

CREATE FUNCTION retention(base activity_base, period calendar_period DEFAULT 'month', as_of date DEFAULT NULL)
	RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION retention(activity_base, calendar_period, date) IS
	'cohort retention of a base: for each cohort (period of the first active day) and lag, who is active in that period, and who in it or later. Days after as_of don''t count; NULL: the last active day. NULL for a NULL base; a NULL period is an error (22004), and so is a period in another zone than the days were collected in (22023)';

CREATE FUNCTION retention_accum(state retention_result, activity activity_set, period calendar_period)
	RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION retention_accum(state retention_result, activity activity_set, period calendar_period, as_of date)
	RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION retention_merge(a retention_result, b retention_result) RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION retention_accum(retention_result, activity_set, calendar_period) IS 'part of the aggregate retention()';
COMMENT ON FUNCTION retention_accum(retention_result, activity_set, calendar_period, date) IS 'part of the aggregate retention()';
COMMENT ON FUNCTION retention_merge(retention_result, retention_result) IS 'part of the aggregates retention() and rollup()';

CREATE AGGREGATE retention(activity activity_set, period calendar_period) (
	SFUNC = retention_accum, STYPE = retention_result, SSPACE = 8192,
	COMBINEFUNC = retention_merge, PARALLEL = SAFE);
CREATE AGGREGATE retention(activity activity_set, period calendar_period, as_of date) (
	SFUNC = retention_accum, STYPE = retention_result, SSPACE = 8192,
	COMBINEFUNC = retention_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE retention(activity activity_set, period calendar_period) IS
	'cohort retention over activity sets, one for each customer; as of the last active day of the rows of its group: give as_of where groups are to be compared. NULL sets are left out, empty ones are members without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows';
COMMENT ON AGGREGATE retention(activity activity_set, period calendar_period, as_of date) IS
	'cohort retention over activity sets, one for each customer; days after as_of don''t count (NULL: the last active day of the rows of its group). NULL sets are left out, empty ones are members without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows';

CREATE AGGREGATE rollup(result retention_result) (
	SFUNC = retention_merge, STYPE = retention_result, SSPACE = 8192,
	COMBINEFUNC = retention_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE rollup(result retention_result) IS
	'adds retention results of disjoint customers; customers that are in several are counted as often. Results by different periods, of days in different zones, or as of different given days are an error (22023). NULLs are left out';

CREATE FUNCTION retention_table(result retention_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (cohort date, cohort_size bigint, lag int, period_start date, period_end date,
		retained bigint, rate float8, lower float8, upper float8,
		retained_after bigint, rate_after float8, complete boolean, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_retention_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 300;
COMMENT ON FUNCTION retention_table(retention_result, float8) IS
	'a row for each cohort and lag that can be observed by as_of: customers active in that period and their share with its Wilson score interval, and those active in it or later. complete is false while the period still runs. period_end is exclusive';

CREATE FUNCTION retention_curve(result retention_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (lag int, eligible bigint, retained bigint, rate float8, lower float8, upper float8,
		retained_after bigint, rate_after float8)
	AS 'MODULE_PATHNAME', 'loyalty_retention_curve'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 24;
COMMENT ON FUNCTION retention_curve(retention_result, float8) IS
	'retention by lag, pooled over the cohorts whose period at that lag is over: sum of retained by sum of cohort sizes, with its Wilson score interval';

CREATE FUNCTION retention_totals(result retention_result, OUT period text, OUT zone text, OUT as_of date, OUT cohorts bigint,
		OUT customers bigint, OUT members_without_events bigint, OUT rows_without_customer bigint)
	AS 'MODULE_PATHNAME', 'loyalty_retention_totals' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION retention_totals(retention_result) IS
	'what a retention result is about: period, zone in which days were counted (NULL where unknown: days, stored sets), as-of day, cohorts, customers with an active day up to it, members without one, and rows that had no customer';

-- Order and equality, by bytes: for DISTINCT, GROUP BY, UNION.

\expand core/bytes_operators.sql TYPE=retention_result VALUE=result
