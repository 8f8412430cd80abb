-- Repeat purchase: who buys again, how long that takes, and when a customer is due.

\expand metric/result_type.sql TYPE=repeat_rate_result SSPACE=2048 DIFFER="what is counted, zone, as_of or within"
\expand metric/result_type.sql TYPE=purchase_intervals_result SSPACE=16384 DIFFER="zone, as_of or up_to"
COMMENT ON TYPE repeat_rate_result IS
	'how many bought, and how many again, as repeat_rate() counts them; repeat_rate_table() makes a row of it, rollup() adds those of disjoint customers';
COMMENT ON TYPE purchase_intervals_result IS
	'gaps between purchase days, and days to the n-th one, as purchase_intervals() counts them; purchase_intervals_summary(), purchase_intervals_quantile() and purchase_intervals_table() ask it, rollup() adds those of disjoint customers. Grows with distinct numbers of days, and with up_to';

-- ---- the repeat rate ----

-- STABLE, since as_of goes by the clock by default, and over timelines local days depend on the
-- session's TimeZone.

\expand metric/metric.sql NAME=repeat_rate C=repeat_rate RESULT=repeat_rate_result \
	BASE=activity_base SUMMARY="activity activity_set" VOLATILITY=STABLE \
	ARGUMENTS="as_of date DEFAULT NULL, within int DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=1 SSPACE=2048 \
	COMMENT="How many customers of a base bought, and how many on a second day, too. within: the second day counts up to so many days after the first, and only buyers whose first is at least that long ago by as_of are eligible: the others could still come. Days after as_of don''t count; NULL: the last active day. NULL for a NULL base; within outside of 1 to 36525 is error 22023, an infinite as_of 22008." \
	AGGREGATE_COMMENT="repeat_rate() over activity sets, one for each customer. NULL sets are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL within sets no limit, a NULL as_of is error 22004; both must be the same for all rows (22023)."

\expand metric/aggregate.sql NAME=repeat_rate C=repeat_rate RESULT=repeat_rate_result \
	SUMMARY="activity activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="as_of date" \
	COST_OF_A_ROW=1 SSPACE=2048 \
	AGGREGATE_COMMENT="the same without within"

\expand metric/metric.sql NAME=repeat_rate C=repeat_rate_orders RESULT=repeat_rate_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="as_of date DEFAULT NULL, within int DEFAULT NULL, zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=1 SSPACE=2048 \
	COMMENT="The same by orders, two on one day included: events whose value isn''t negative, or that have none; those with the same ref are one order, those without ref one each. Collect purchases only, or leave others out with timeline_filter(). Days are local to zone, by default the session''s TimeZone; an unknown one is error 22023. NULL and errors as over days." \
	AGGREGATE_COMMENT="repeat_rate() by orders over timelines, one for each customer. NULLs and errors as over activity sets."

\expand metric/aggregate.sql NAME=repeat_rate C=repeat_rate_orders RESULT=repeat_rate_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="as_of date, within int" \
	COST_OF_A_ROW=1 SSPACE=2048 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

\expand metric/aggregate.sql NAME=repeat_rate C=repeat_rate_orders RESULT=repeat_rate_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="as_of date" \
	COST_OF_A_ROW=1 SSPACE=2048 \
	AGGREGATE_COMMENT="the same without within, in the session''s TimeZone"

CREATE FUNCTION repeat_rate_table(result repeat_rate_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (buyers bigint, eligible bigint, repeat_buyers bigint, rate float8, lower float8, upper float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_repeat_rate_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 1;
COMMENT ON FUNCTION repeat_rate_table(repeat_rate_result, float8) IS
	'One row: customers who bought, those of them who can be judged (all, unless there is a limit within which), those of these who bought again, and rate = repeat_buyers / eligible with its Wilson score interval; NULL where nobody is eligible. as_of is NULL where none was given and nobody bought. No row for NULL; a confidence outside of 0 to 1 is error 22023.';

-- ---- intervals ----

\expand metric/metric.sql NAME=purchase_intervals C=purchase_intervals RESULT=purchase_intervals_result \
	BASE=activity_base SUMMARY="activity activity_set" VOLATILITY=STABLE \
	ARGUMENTS="as_of date DEFAULT NULL, up_to int DEFAULT 10" \
	COST=100000 COST_OF_A_ROW=1 SSPACE=20480 \
	COMMENT="How long customers of a base take to buy again: the gaps in days from each purchase day to the next, and the days from the first to the second, third, ... up_to-th; 1 counts gaps only. Who hasn''t come so far counts as waiting since his first one. Days after as_of don''t count; NULL: the last active day. NULL for a NULL base; a NULL up_to is error 22004, one outside of 1 to 36525 22023, an infinite as_of 22008." \
	AGGREGATE_COMMENT="purchase_intervals() over activity sets, one for each customer. NULL sets are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of or up_to is error 22004; both must be the same for all rows (22023)."

\expand metric/aggregate.sql NAME=purchase_intervals C=purchase_intervals RESULT=purchase_intervals_result \
	SUMMARY="activity activity_set" VOLATILITY=IMMUTABLE \
	ARGUMENTS="as_of date" \
	COST_OF_A_ROW=1 SSPACE=20480 \
	AGGREGATE_COMMENT="the same up to the tenth purchase"

CREATE FUNCTION purchase_intervals_summary(result purchase_intervals_result,
		OUT buyers bigint, OUT gaps bigint, OUT mean_days float8, OUT median_days float8,
		OUT p25_days float8, OUT p75_days float8, OUT p90_days float8, OUT shortest int, OUT longest int, OUT as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_purchase_intervals_summary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
CREATE FUNCTION purchase_intervals_quantile(result purchase_intervals_result, q float8, n int DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_purchase_intervals_quantile' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
CREATE FUNCTION purchase_intervals_table(result purchase_intervals_result)
	RETURNS TABLE (n int, reached bigint, not_reached bigint, mean_days float8, median_days float8, km_median_days float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_purchase_intervals_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 9;
COMMENT ON FUNCTION purchase_intervals_summary(purchase_intervals_result) IS
	'Customers who bought, and the gaps between their purchase days, each gap counting once: their number, mean, median, quarters, 90th percentile, shortest and longest, in days; exact, quantiles as percentile_cont() has them. NULLs without gaps. A customer with many purchases has many gaps, most of them short: purchase_intervals_table() counts each customer once.';
COMMENT ON FUNCTION purchase_intervals_quantile(purchase_intervals_result, float8, int) IS
	'The q-quantile of the gaps in days, or of the days from the first purchase to the n-th among those who reached it: exact, interpolated as percentile_cont() does it. NULL where there are none, and for a NULL result or q. A q outside of 0 to 1, and an n outside of 2 to the result''s up_to, is error 22023.';
COMMENT ON FUNCTION purchase_intervals_table(purchase_intervals_result) IS
	'A row for each n from 2 to up_to, also where nobody reached it: buyers who had an n-th purchase day, those who hadn''t by as_of, and the mean and median of the days from the first to the n-th among those who had. These are the fast ones: km_median_days is Kaplan-Meier''s median of all buyers, where who hasn''t reached it counts as censored at as_of; NULL where it isn''t reached. No rows for NULL.';

-- ---- one customer ----

CREATE FUNCTION next_purchase_due(activity activity_set, as_of date DEFAULT current_date,
		OUT due date, OUT days_late int, OUT typical_gap float8, OUT gaps bigint)
	AS 'MODULE_PATHNAME', 'loyalty_next_purchase_due' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION next_purchase_due(activity_set, date) IS
	'When a customer is due by his own rhythm: his last purchase day by as_of plus typical_gap, the median of the gaps between his days, rounded up to a day; days_late is how long ago that was by as_of, negative before it; gaps is how many gaps there were. due, days_late and typical_gap are NULL without a gap, after one purchase day or none. Days after as_of don''t count. NULLs for a NULL argument; an infinite as_of is error 22008, and so is a due day past the last date.';

CREATE FUNCTION repeat_duration(activity activity_set, n int DEFAULT 2, as_of date DEFAULT current_date,
		OUT duration int, OUT event boolean)
	AS 'MODULE_PATHNAME', 'loyalty_repeat_duration' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION repeat_duration(activity_set, int, date) IS
	'How many days a customer took from the first purchase day to the n-th, for survival() (event true); if that hasn''t come by as_of, how long it hasn''t (false: censored). Days after as_of don''t count; NULLs for a set without days up to as_of, and for a NULL argument. n outside of 2 to 36525 is error 22023, an infinite as_of 22008.';

-- STABLE, since local days are those of the session's TimeZone by default.
CREATE FUNCTION repeat_duration(timeline event_timeline, n int DEFAULT 2, as_of date DEFAULT current_date, zone text DEFAULT NULL,
		OUT duration int, OUT event boolean)
	AS 'MODULE_PATHNAME', 'loyalty_repeat_duration_orders' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION repeat_duration(event_timeline, int, date, text) IS
	'The same from the first order to the n-th, two on one day included: events whose value isn''t negative, or that have none; those with the same ref are one order, those without ref one each. Days are local to zone, by default the session''s TimeZone; an unknown one is error 22023. NULL and errors as over days.';
