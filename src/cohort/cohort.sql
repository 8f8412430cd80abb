-- Money per cohort: what the customers of each period bring, lag by lag, and when they have paid back
-- what it cost to win them.

\expand metric/result_type.sql TYPE=cohort_value_result SSPACE=65536 DIFFER="period, elapsed, horizons, cost_kind, zone or as_of"
COMMENT ON TYPE cohort_value_result IS
	'revenue by cohort and lag, as cohort_value() counts it: exact sums, and those of squares of customers; cohort_value_table(), cohort_value_curve() and cohort_payback() ask it, rollup() adds those of disjoint customers';

-- STABLE, since days are those of the session's TimeZone, unless the period names a zone.

\expand metric/metric.sql NAME=cohort_value C=cohort_value RESULT=cohort_value_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period DEFAULT 'month', as_of date DEFAULT NULL, elapsed interval DEFAULT NULL, horizons int[] DEFAULT NULL, cost_kind text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=5 SSPACE=65536 \
	COMMENT="What the customers of a base bring, by cohort and lag: customers who bought, orders and revenue. A customer is acquired with his first event, of whatever kind: its period is his cohort, so that no revenue lies before it, and all of it adds up. An order is an event whose value isn''t negative, or that has none (those with one ref are one order, at the first of them); revenue is the sum of values, and what was given back lowers the period it comes in. Lags are periods after the cohort''s; with elapsed, so much time each from a customer''s own first instant. horizons: lags are counted together up to each of these, {30,60,90} are the lags 0 to 29, 30 to 59, 60 to 89, and all behind. Events of cost_kind, such as joining, are no orders: their values are what acquiring the customer cost. Events after the local day as_of don''t count; NULL: that of the last event collected. NULL for a NULL base. A NULL period is error 22004; an elapsed with months or below a minute, horizons that aren''t from 1 to 36525 are 22023; an infinite as_of 22008; a customer''s values with more than 9 decimals, sums of squares beyond 128 bits 22003." \
	AGGREGATE_COMMENT="cohort_value() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; the arguments must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=cohort_value C=cohort_value RESULT=cohort_value_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period, as_of date" \
	COST_OF_A_ROW=5 SSPACE=65536 \
	AGGREGATE_COMMENT="the same by lags of the calendar, each by itself, without costs"

CREATE FUNCTION cohort_value_table(result cohort_value_result)
	RETURNS TABLE (cohort date, cohort_size bigint, lag int, period_start date, period_end date,
		active bigint, orders bigint, revenue numeric, revenue_per_acquired float8,
		cumulative_revenue numeric, cumulative_per_acquired float8, revenue_per_active float8,
		complete boolean, as_of date, eligible bigint, horizon int, cost numeric)
	AS 'MODULE_PATHNAME', 'loyalty_cohort_value_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 300;
COMMENT ON FUNCTION cohort_value_table(cohort_value_result) IS
	'A row for each cohort and lag that has begun by as_of: the customers acquired in the cohort''s period, those of them who bought at that lag, their orders and revenue, and revenue up to its end. revenue over all rows is that of all customers, exactly. Per acquired customer: divided by eligible, which is the whole cohort; of elapsed lags, both sides are of the customers for whom the lag is over (NULL: none). revenue_per_active: by those who bought. complete: the period is over; of elapsed lags, that of the cohort and everybody''s lag. period_end is exclusive; elapsed lags have no periods.
With horizons a row is about the lags from lag to before horizon; of the last, which is open, horizon is NULL and period_end infinity. cost: what acquiring the cohort cost, the same in each of its rows; NULL without cost_kind. Members without any event are the last row: nobody knows their cohort, which is NULL, as is lag. No rows for NULL.';

CREATE FUNCTION cohort_value_curve(result cohort_value_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (lag int, cohorts bigint, customers bigint, revenue numeric, revenue_per_acquired float8,
		cumulative_revenue numeric, cumulative_per_acquired float8, lower float8, upper float8, horizon int)
	AS 'MODULE_PATHNAME', 'loyalty_cohort_value_curve' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 24;
COMMENT ON FUNCTION cohort_value_curve(cohort_value_result, float8) IS
	'Revenue per acquired customer by lag, pooled over the cohorts whose period at that lag is over; with elapsed lags, over the customers for whom the lag is over. customers are those pooled, revenue and cumulative_revenue theirs: later lags are of fewer and older cohorts. lower, upper: Student''s interval of the mean of what each customer has brought up to the lag''s end, with customers as units, those who brought nothing too: mean -+ t(n - 1) sqrt(variance / n) (Student (1908): The probable error of a mean. Biometrika 6, 1-25); NULL for one customer. It holds for a mean of many: of few customers with very unequal amounts it is too narrow. horizon: as in cohort_value_table(). No rows for NULL; a confidence outside of 0 to 1 is error 22023.';

CREATE FUNCTION cohort_payback(result cohort_value_result, cost numeric DEFAULT NULL, margin numeric DEFAULT 1)
	RETURNS TABLE (cohort date, cohort_size bigint, cost_per_acquired float8, value_per_acquired float8,
		payback_lag int, payback_days int, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_cohort_payback' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 24;
COMMENT ON FUNCTION cohort_payback(cohort_value_result, numeric, numeric) IS
	'A row for each cohort: what acquiring a customer cost (cost; NULL: what the events of cost_kind say of the cohort), and what a customer has brought up to as_of, times margin, the part of revenue that counts. payback_lag: the first lag of cohort_value_table() up to whose end the latter has reached the former, compared exactly; NULL: not yet. payback_days: the days from the cohort''s first day to the end of that period, or of as_of while it runs; of elapsed lags, from a customer''s first event to the end of that lag, rounded up. With elapsed lags both sides are of the customers for whom the lag is over. Who gives back later may take it below the cost again. No rows for a NULL result; a NULL cost without cost_kind is error 22004, as a NULL margin is; a negative cost, a margin that isn''t above 0 and 1 at most 22023; one that isn''t finite 22003.';

CREATE FUNCTION cohort_payback_pooled(result cohort_value_result, cost numeric DEFAULT NULL, margin numeric DEFAULT 1,
		OUT customers bigint, OUT cost_per_acquired float8, OUT value_per_acquired float8,
		OUT payback_lag int, OUT payback_days int, OUT as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_cohort_payback_pooled' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cohort_payback_pooled(cohort_value_result, numeric, numeric) IS
	'cohort_payback() of all cohorts together, along cohort_value_curve(): each lag pools the cohorts whose period at it is over, or the customers for whom it is. customers, cost and value are those of the lag at which the cost is reached, or of the last one: payback_lag and payback_days are NULL then. payback_days is the longest of the cohorts pooled. NULL for a NULL result; errors as in cohort_payback().';
