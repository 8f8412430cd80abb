-- Cohort retention: who comes back, by the period of the first activity.

\expand metric/result_type.sql TYPE=retention_result SSPACE=32768 \
	DIFFER="period, zone or given as_of, or of different kinds (mode, brackets, rolling, elapsed, at_least, returns)"
COMMENT ON TYPE retention_result IS
	'counts of cohort retention, as retention() makes them; retention_table() and retention_curve() turn them into rows, rollup() adds those of disjoint customers';

-- ---- over bases ----

-- COST: that of a query, so that collecting in parallel wins. STABLE, since without as_of days after
-- today don't count, and over timelines a period without a zone takes its days from the session's TimeZone.
-- Of two bases, period and as_of have no default: retention(base, 'month', '2024-12-31') must not
-- fit both.

CREATE FUNCTION retention(base activity_base, period calendar_period DEFAULT 'month', as_of date DEFAULT NULL,
		mode text DEFAULT 'first', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL, at_least int DEFAULT 1)
	RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention' LANGUAGE C STABLE PARALLEL SAFE COST 100000
	SUPPORT metric_support;
CREATE FUNCTION retention(starts activity_base, returns activity_base, period calendar_period, as_of date,
		mode text DEFAULT 'first', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL, at_least int DEFAULT 1)
	RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention_returns' LANGUAGE C STABLE PARALLEL SAFE COST 100000
	SUPPORT metric_support;
CREATE FUNCTION retention(base timeline_base, period calendar_period DEFAULT 'month', as_of date DEFAULT NULL,
		elapsed interval DEFAULT '24 hours', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL, at_least int DEFAULT 1)
	RETURNS retention_result
	AS 'MODULE_PATHNAME', 'loyalty_retention_elapsed' LANGUAGE C STABLE PARALLEL SAFE COST 100000
	SUPPORT metric_support;
COMMENT ON FUNCTION retention(activity_base, calendar_period, date, text, int[], int, int) IS
	'Cohort retention of a base: for each cohort (period of the first active day) and lag, who is active in that period, and who in it or later. Days after as_of don''t count; NULL: the last active day that isn''t after today.
mode ''recurring'': each active period of a customer starts a cohort, so that a customer is in several. brackets ''{{1,3},{4,6}}'': instead of single lags, who is active at any lag from the first to the second, both included. rolling w: who is active in any of the w periods that end at a lag, for lags from w on. Both at once are error 22023. at_least: who is active on fewer days of a period isn''t retained in it, be it that of the cohort, which is that of the first day all the same.
NULL for a NULL base; a NULL period, mode or at_least is error 22004, at_least outside of 1 to 36525 22023, a period in another zone than the days were collected in 22023, an infinite as_of and a day before the first of a list of periods 22008.';
COMMENT ON FUNCTION retention(activity_base, activity_base, calendar_period, date, text, int[], int, int) IS
	'Cohort retention where some events start cohorts and others tell who comes back: the cohort is the period of the first day of starts, and a customer is retained at lag n with a day of returns in the n-th period after it. Days of returns before the first of starts don''t count: at lag 0 not everybody is retained. Customers without starts don''t count at all. Days after as_of don''t count; NULL: the last day of either base that isn''t after today.
mode ''recurring'': each period with a day of starts starts a cohort, and returns count from the first of its days. brackets, rolling and at_least, which is about days of returns, as over one base. A NULL base of returns: nobody came back; NULL for a NULL base of starts. Customers of different types are error 42804, days of different zones 22023; else errors as over one base.';
COMMENT ON FUNCTION retention(timeline_base, calendar_period, date, interval, int[], int, int) IS
	'Cohort retention by elapsed time: lag n is from n to n + 1 times elapsed after a customer''s own first event, n = 0 being the time right after it; the cohort is the period of that event''s local day. Events with a value below zero don''t count. A lag counts for the customers for whom it is over by the end of the local day as_of (NULL: that of the last event): those are eligible, in the table and in the curve.
elapsed: a minute or more, days of 24 hours; months are error 22023. brackets and rolling are of such lags. NULL: no such lags, but the periods of the calendar, as over activities; an event''s local day is the period''s. at_least: who has fewer orders in a lag, or a period, isn''t retained in it; events with the same ref are one order, those without ref one each. NULL for a NULL base; a NULL period or at_least is error 22004, at_least outside of 1 to 36525 22023, more than 2147483647 lags 54000.';

CREATE FUNCTION retention_options(mode text DEFAULT 'first', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL,
		elapsed interval DEFAULT NULL, at_least int DEFAULT 1, calendar boolean DEFAULT false)
	RETURNS jsonb
	AS 'MODULE_PATHNAME', 'loyalty_retention_options' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION retention_options(text, int[], int, interval, int, boolean) IS
	'the arguments of retention() over a base as one value, for the aggregates retention(); elapsed is for those over timelines, and so is calendar: the periods of the calendar, as the NULL elapsed of a base. Contradictions are error 22023, a NULL mode, at_least or calendar 22004';

-- ---- the aggregates ----

\expand metric/aggregate.sql NAME=retention C=retention RESULT=retention_result \
	SUMMARY="activity activity_set" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="cohort retention over activity sets, one for each customer; as of the last active day of the rows of its group that isn''t after today: give as_of where groups are to be compared. NULL sets are left out, empty ones are members without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"

\expand metric/aggregate.sql NAME=retention C=retention RESULT=retention_result \
	SUMMARY="activity activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="period calendar_period, as_of date" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="cohort retention over activity sets, one for each customer; days after as_of don''t count (NULL: all of them count, those after today, too). NULL sets are left out, empty ones are members without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"

\expand metric/aggregate.sql NAME=retention C=retention RESULT=retention_result \
	SUMMARY="activity activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="period calendar_period, as_of date, options jsonb" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="The same of another kind: options are those of retention() over a base, as retention_options() makes them, or JSON: {""mode"": ""recurring"", ""rolling"": 3} or {""brackets"": [[1, 3], [4, 6]]}, {""at_least"": 3}. NULL options: none. An unknown key is error 22P02, contradictions and options that change from row to row are 22023."

-- always with options: one of four arguments would leave open what retention(activity, 'month', '2024-04-17', '{}') is
\expand metric/aggregate.sql NAME=retention C=retention_returns RESULT=retention_result \
	SUMMARY="starts activity_set, returns activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="period calendar_period, as_of date, options jsonb" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="cohort retention where some events start cohorts and others tell who comes back, over sets of both, a row for each customer. A NULL set of starts leaves the customer out, an empty one is a member without events; a NULL set of returns is one without days. Days after as_of don''t count (NULL: all of them count, those after today, too). options are as over one set, NULL for none. NULL without rows"

\expand metric/aggregate_without_as_of.sql NAME=retention C=retention_elapsed RESULT=retention_result \
	SUMMARY="timeline event_timeline" ARGUMENTS=", period calendar_period" \
	COST_OF_A_ROW=5 SSPACE=262144

\expand metric/aggregate.sql NAME=retention C=retention_elapsed RESULT=retention_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period, as_of date" \
	COST_OF_A_ROW=5 SSPACE=262144 \
	AGGREGATE_COMMENT="cohort retention by elapsed time, in lags of 24 hours from each customer''s own first event, over timelines, one for each customer. NULL timelines are left out. A NULL as_of is error 22004. NULL without rows"

\expand metric/aggregate.sql NAME=retention C=retention_elapsed RESULT=retention_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period, as_of date, options jsonb" \
	COST_OF_A_ROW=5 SSPACE=262144 \
	AGGREGATE_COMMENT="the same with options: ""elapsed"" (""24:00:00"", or any other interval without months) or ""calendar"": true, ""brackets"" or ""rolling"" of such lags, and ""at_least"""

CREATE FUNCTION retention_table(result retention_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (cohort date, cohort_size bigint, lag int, period_start date, period_end date,
		retained bigint, rate float8, lower float8, upper float8,
		retained_after bigint, rate_after float8, complete boolean, as_of date,
		eligible bigint, until_lag int)
	AS 'MODULE_PATHNAME', 'loyalty_retention_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 300;
COMMENT ON FUNCTION retention_table(retention_result, float8) IS
	'A row for each cohort and lag that can be observed by as_of: customers active in that period and their share with its Wilson score interval, and those active in it or later. complete is false while the period still runs. period_end is exclusive.
The row of a bracket or a window is about lags up to until_lag; lag is the first of a bracket, and the last of a window. eligible is what the rates divide by: the size of the cohort, or with elapsed lags the customers for whom the lag is over; such rows have no period, and are complete once the cohort''s period and everybody''s lag are over. In recurring cohorts a customer is counted in several.';

CREATE FUNCTION retention_curve(result retention_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (lag int, eligible bigint, retained bigint, rate float8, lower float8, upper float8,
		retained_after bigint, rate_after float8, until_lag int)
	AS 'MODULE_PATHNAME', 'loyalty_retention_curve'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 24;
COMMENT ON FUNCTION retention_curve(retention_result, float8) IS
	'Retention by lag, pooled over the cohorts whose period at that lag is over (of a bracket: its last one; with elapsed lags: over the customers for whom the lag is over): sum of retained by sum of cohort sizes, with its Wilson score interval. lag and until_lag as in retention_table(). Of recurring cohorts, each membership of a customer counts.';

CREATE FUNCTION retention_totals(result retention_result, OUT period text, OUT zone text, OUT as_of date, OUT cohorts bigint,
		OUT customers bigint, OUT members_without_events bigint, OUT rows_without_customer bigint,
		OUT memberships bigint, OUT options text)
	AS 'MODULE_PATHNAME', 'loyalty_retention_totals' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION retention_totals(retention_result) IS
	'what a retention result is about: period, zone in which days were counted (NULL where unknown: days, stored sets), as-of day, cohorts, customers with an active day up to it, members without one, and rows that had no customer; memberships is the sum of the cohorts'' sizes, which of recurring cohorts is more than customers; options says of which kind it is, as JSON: {"mode": "first"}';

-- ---- who is in a cell ----

\expand metric/members.sql NAME=retention C=retention BASE=activity_base \
	ARGUMENTS="period calendar_period, cohort date, lag int, who text DEFAULT 'retained', as_of date DEFAULT NULL, mode text DEFAULT 'first', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL, at_least int DEFAULT 1" \
	COMMENT="The customers whom a number of retention_table() counts, a row for each, in no order: cohort is a day of the cohort''s period, lag that of the row, who the column: retained, retained_after, eligible or cohort_size. The others are those of retention(), and have to be the same. Nobody where the table has no such row, or for a NULL base. A NULL cohort, lag or who is error 22004, another number than these, a lag below 0, one that no bracket, or several of them, begin with, and one at which no window ends, 22023; others as in retention()."

\expand metric/members_of.sql NAME=retention C=retention_returns CUSTOMER=bigint BASES="starts activity_base_bigint, returns activity_base_bigint" \
	ARGUMENTS="period calendar_period, cohort date, lag int, who text DEFAULT 'retained', as_of date DEFAULT NULL, mode text DEFAULT 'first', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL, at_least int DEFAULT 1" \
	COMMENT="the same of starts and returns"
\expand metric/members_of.sql NAME=retention C=retention_returns CUSTOMER=uuid BASES="starts activity_base_uuid, returns activity_base_uuid" \
	ARGUMENTS="period calendar_period, cohort date, lag int, who text DEFAULT 'retained', as_of date DEFAULT NULL, mode text DEFAULT 'first', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL, at_least int DEFAULT 1" \
	COMMENT="the same of starts and returns"
\expand metric/members_of.sql NAME=retention C=retention_returns CUSTOMER=text BASES="starts activity_base_text, returns activity_base_text" \
	ARGUMENTS="period calendar_period, cohort date, lag int, who text DEFAULT 'retained', as_of date DEFAULT NULL, mode text DEFAULT 'first', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL, at_least int DEFAULT 1" \
	COMMENT="the same of starts and returns"

\expand metric/members.sql NAME=retention C=retention_elapsed BASE=timeline_base \
	ARGUMENTS="period calendar_period, cohort date, lag int, who text DEFAULT 'retained', as_of date DEFAULT NULL, elapsed interval DEFAULT '24 hours', brackets int[] DEFAULT NULL, rolling int DEFAULT NULL, at_least int DEFAULT 1" \
	COMMENT="the same by elapsed lags, or by the periods of the calendar"
