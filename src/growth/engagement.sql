-- Lifecycle stages, stickiness, and how many days customers are active on.

\expand metric/result_type.sql TYPE=lifecycle_census_result SSPACE=2048 DIFFER="period, dormant_after, zone or as_of"
\expand metric/result_type.sql TYPE=lifecycle_migration_result SSPACE=2048 DIFFER="period, dormant_after, zone, from_day or to_day"
\expand metric/result_type.sql TYPE=stickiness_result SSPACE=8192 DIFFER="period, within, zone or as_of"
\expand metric/result_type.sql TYPE=active_days_histogram_result SSPACE=2048 DIFFER="days, zone or as_of"
COMMENT ON TYPE lifecycle_census_result IS
	'members by lifecycle stage, as lifecycle_census() counts them; lifecycle_census_table() turns them into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE lifecycle_migration_result IS
	'from which lifecycle stage to which members went, as lifecycle_migration() counts them; lifecycle_migration_table() turns it into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE stickiness_result IS
	'active customers by period and within it, as stickiness() counts them; stickiness_table() turns them into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE active_days_histogram_result IS
	'customers by the number of days on which they were active, as active_days_histogram() counts them; active_days_histogram_table() turns them into rows, rollup() adds those of disjoint customers';

-- ---- lifecycle ----

CREATE FUNCTION lifecycle(activity activity_set, period calendar_period DEFAULT 'month', as_of date DEFAULT current_date,
		dormant_after int DEFAULT 3)
	RETURNS text
	AS 'MODULE_PATHNAME', 'loyalty_lifecycle' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION lifecycle(activity_set, calendar_period, date, int) IS
	'The stage of a customer as of a day:
never: no active day up to as_of;
new: the first active period is that of as_of;
current: active in the period of as_of, or in the one before while that of as_of still runs;
at risk: has missed at least one whole period, but fewer than dormant_after;
dormant: has missed dormant_after whole periods or more;
resurrected: active in the period of as_of, after having been dormant.
A period is missed once it is over, that of as_of if as_of is its last day. Days after as_of don''t count. NULL for a NULL argument; a dormant_after outside of 1 to 36525 is error 22023, an infinite as_of and a day before the first of a list of periods 22008.';

\expand metric/metric.sql NAME=lifecycle_census C=lifecycle_census RESULT=lifecycle_census_result \
	BASE=activity_base SUMMARY="activity activity_set" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period DEFAULT 'month', as_of date DEFAULT NULL, dormant_after int DEFAULT 3" \
	COST=100000 COST_OF_A_ROW=1 SSPACE=8192 \
	COMMENT="How many members of a base are at each stage of lifecycle(); members without events are at ""never"". Days after as_of don''t count; NULL: today, as in lifecycle(), in the zone in which the days were collected, else that of the session. NULL for a NULL base; a NULL period or dormant_after is error 22004, a period in another zone than the days were collected in 22023; others as in lifecycle()." \
	AGGREGATE_COMMENT="lifecycle_census() over activity sets, one for each customer. NULL sets are left out, empty ones are members without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; period, as_of and dormant_after must be the same for all rows (22023)."

\expand metric/aggregate.sql NAME=lifecycle_census C=lifecycle_census RESULT=lifecycle_census_result \
	SUMMARY="activity activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="period calendar_period, as_of date" \
	COST_OF_A_ROW=1 SSPACE=8192 \
	AGGREGATE_COMMENT="the same with a dormant_after of 3"

CREATE FUNCTION lifecycle_census_table(result lifecycle_census_result)
	RETURNS TABLE (stage text, rank int, members bigint, share float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_lifecycle_census_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 6;
COMMENT ON FUNCTION lifecycle_census_table(lifecycle_census_result) IS
	'A row for each stage, also where nobody is: never (rank 0), new (1), current (2), at risk (3), dormant (4), resurrected (5), with its members and their share of all. share is NULL without members. No rows for NULL.';

\expand metric/metric.sql NAME=lifecycle_migration C=lifecycle_migration RESULT=lifecycle_migration_result \
	BASE=activity_base SUMMARY="activity activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="period calendar_period DEFAULT 'month', from_day date DEFAULT NULL, to_day date DEFAULT NULL, dormant_after int DEFAULT 3" \
	COST=100000 COST_OF_A_ROW=2 SSPACE=8192 \
	COMMENT="From which stage of lifecycle() to which the members of a base went from the end of from_day to that of to_day; who has no active day by then is at ""never"". A NULL to_day is today, as in lifecycle_census(). NULL for a NULL base; a NULL period, from_day or dormant_after is error 22004, a from_day after to_day 22023, an infinite day 22008; others as in lifecycle_census()." \
	AGGREGATE_COMMENT="lifecycle_migration() over activity sets, one for each customer. NULL sets are left out, empty ones are members without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL day is error 22004; all arguments must be the same for all rows (22023)."

CREATE FUNCTION lifecycle_migration_table(result lifecycle_migration_result)
	RETURNS TABLE (from_stage text, from_rank int, to_stage text, to_rank int, members bigint, share float8, from_day date, to_day date)
	AS 'MODULE_PATHNAME', 'loyalty_lifecycle_migration_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 15;
COMMENT ON FUNCTION lifecycle_migration_table(lifecycle_migration_result) IS
	'A row for each pair of stages that somebody went between, or stayed in, in the order of their ranks, as in lifecycle_census_table(): members, and their share of those who were at from_stage. No rows for NULL.';

CREATE FUNCTION lifecycle_migration_links(result lifecycle_migration_result)
	RETURNS TABLE (step int, source text, target text, value bigint, source_name text, target_name text)
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 100 ROWS 15
BEGIN ATOMIC
	SELECT 1, link_name(from_stage, 1), link_name(to_stage, 2), members, from_stage, to_stage
	FROM lifecycle_migration_table(lifecycle_migration_links.result) ORDER BY from_rank, to_rank;
END;
COMMENT ON FUNCTION lifecycle_migration_links(lifecycle_migration_result) IS
	'The rows of lifecycle_migration_table() as charts of flows take them: a link from a stage at from_day, ''new (1)'', to that at to_day, ''at risk (2)''; value: members. No rows for NULL.';

-- ---- stickiness ----

\expand metric/metric.sql NAME=stickiness C=stickiness RESULT=stickiness_result \
	BASE=activity_base SUMMARY="activity activity_set" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period DEFAULT 'month', as_of date DEFAULT NULL, within calendar_period DEFAULT 'day'" \
	COST=100000 COST_OF_A_ROW=1 SSPACE=16384 \
	COMMENT="How sticky a base is: by period (month), the customers active in it, and those active in each of its parts (within: day) added up. Parts that reach over the edge of a period, as weeks do, are cut there. Days after as_of don''t count; NULL: the last active day. NULL for a NULL base; a NULL period or within is error 22004, one in another zone than the days were collected in 22023, an infinite as_of and a day before the first of a list of periods 22008." \
	AGGREGATE_COMMENT="stickiness() over activity sets, one for each customer. NULL sets are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; period, as_of and within must be the same for all rows (22023)."

\expand metric/aggregate.sql NAME=stickiness C=stickiness RESULT=stickiness_result \
	SUMMARY="activity activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="period calendar_period, as_of date" \
	COST_OF_A_ROW=1 SSPACE=16384 \
	AGGREGATE_COMMENT="the same within days"

CREATE FUNCTION stickiness_table(result stickiness_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean,
		active bigint, mean_active float8, ratio float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_stickiness_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION stickiness_table(stickiness_result) IS
	'A row for each period from the first active one to that of as_of: active customers; mean_active, the mean number of customers active in one of its parts, of all parts or, while the period runs, of those that are over by as_of; ratio = mean_active / active, which for days within months is DAU/MAU. mean_active is NULL where no part is over yet, ratio also where nobody is active. period_end is exclusive; complete is false while the period still runs. No rows for NULL.';

-- ---- active days ----

\expand metric/metric.sql NAME=active_days_histogram C=active_days_histogram RESULT=active_days_histogram_result \
	BASE=activity_base SUMMARY="activity activity_set" VOLATILITY=STABLE \
	ARGUMENTS="as_of date DEFAULT NULL, days int DEFAULT 28" \
	COST=100000 COST_OF_A_ROW=1 SSPACE=2048 \
	COMMENT="How many customers of a base were active on how many of the last days (L28), up to and with as_of; NULL: the last active day. Members without events are active on 0. NULL for a NULL base; NULL days are error 22004, days outside of 1 to 36525 22023, an infinite as_of 22008." \
	AGGREGATE_COMMENT="active_days_histogram() over activity sets, one for each customer. NULL sets are left out, empty ones are members without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; as_of and days must be the same for all rows (22023)."

\expand metric/aggregate.sql NAME=active_days_histogram C=active_days_histogram RESULT=active_days_histogram_result \
	SUMMARY="activity activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="as_of date" \
	COST_OF_A_ROW=1 SSPACE=2048 \
	AGGREGATE_COMMENT="the same of 28 days"

CREATE FUNCTION active_days_histogram_table(result active_days_histogram_result)
	RETURNS TABLE (active_days int, customers bigint, share float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_active_days_histogram_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 29;
COMMENT ON FUNCTION active_days_histogram_table(active_days_histogram_result) IS
	'A row for each number of active days from 0 to that of the window, also where nobody is: customers, and their share of all. share is NULL without customers, as_of where none was given and nobody was active. No rows for NULL.';
