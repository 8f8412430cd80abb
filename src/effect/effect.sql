-- Did it work? Those who were treated against those who were held out.

-- ---- conversions, or values ----

\expand metric/result_type.sql TYPE=uplift_result SSPACE=2048 DIFFER="whether they count conversions or values, or in whether there are strata,"
COMMENT ON TYPE uplift_result IS
	'two groups, treated and control, by stratum where there are some: how many there are, and what they did, as uplift() counts it; uplift_table() compares them, rollup() adds those of disjoint customers. The sums are exact, and the same in whatever order rows come';
COMMENT ON AGGREGATE rollup(result uplift_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. Results of conversions and of values can''t be added up, nor those with strata and without (22023). NULLs are left out; NULL without any result';

\expand metric/aggregate.sql NAME=uplift C=uplift RESULT=uplift_result \
	SUMMARY="treated boolean" VOLATILITY=IMMUTABLE \
	ARGUMENTS="converted boolean" \
	COST_OF_A_ROW=1 SSPACE=2048 \
	AGGREGATE_COMMENT="counts who of the treated, and who of the control group, converted, a customer a row. treated is how a customer was assigned, whatever reached him; NULL is not part of the campaign, and counted as unassigned. A NULL converted is not known, and counted as missing: coalesce(converted, false) where no row means no. NULL without rows"

-- Polymorphic, so that any type of numbers is taken as it is.
\expand metric/aggregate.sql NAME=uplift C=uplift RESULT=uplift_result \
	SUMMARY="treated boolean" VOLATILITY=IMMUTABLE \
	ARGUMENTS="value anynonarray" \
	COST_OF_A_ROW=1 SSPACE=2048 \
	AGGREGATE_COMMENT="sums a value of each customer (spend, visits), and its squares, of the treated and of the control group, a customer a row. A number of any type; a float by its shortest decimal text. At most 9 decimals, and sums that fit 128 bits (22003: round() it); NaN and infinity are error 22003, another type 22023. treated and NULLs as for conversions: coalesce(sum(amount), 0) for those who bought nothing. NULL without rows"

-- STABLE, since the text of some types (dates, enums) is.
\expand metric/aggregate.sql NAME=uplift C=uplift RESULT=uplift_result \
	SUMMARY="treated boolean" VOLATILITY=STABLE \
	ARGUMENTS="converted boolean, stratum anycompatiblenonarray" \
	COST_OF_A_ROW=1 SSPACE=4096 \
	AGGREGATE_COMMENT="the same by stratum: what customers were told apart by before they were assigned, such as their tier. Of any type, whose text counts; those with NULL are one stratum, too"

\expand metric/aggregate.sql NAME=uplift C=uplift RESULT=uplift_result \
	SUMMARY="treated boolean" VOLATILITY=STABLE \
	ARGUMENTS="value anynonarray, stratum anycompatiblenonarray" \
	COST_OF_A_ROW=1 SSPACE=4096 \
	AGGREGATE_COMMENT="the same of values, by stratum"

CREATE FUNCTION uplift_table(result uplift_result, confidence float8 DEFAULT 0.95, planned_share float8 DEFAULT 0.5)
	RETURNS TABLE (level text, stratum text, treated bigint, control bigint, treated_missing bigint, control_missing bigint, unassigned bigint,
		treated_mean float8, control_mean float8, difference float8, lower float8, upper float8,
		relative_lift float8, relative_lower float8, relative_upper float8, statistic float8, degrees_of_freedom float8, p float8,
		method text, split_chi_squared float8, split_p float8, warning text)
	AS 'MODULE_PATHNAME', 'loyalty_uplift_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 4;
COMMENT ON FUNCTION uplift_table(uplift_result, float8, float8) IS
	'a row for all (level all), and, where there are strata, one for each (level stratum), by name. treated and control are who has an outcome, missing who has none, unassigned who was in neither group. Means are rates, 0 to 1, for conversions. The difference is treated less control; relative_lift is the difference divided by the control group''s mean, NULL where that isn''t above 0. Two rates (method Newcombe): Newcombe''s interval of Wilson''s (1998, method 10), the lift''s from the same (MOVER-R: Donner and Zou 2012), z by the pooled rate. Two means (Welch): Welch''s t with Satterthwaite''s degrees of freedom, the lift by Fieller. All of several strata (Mantel-Haenszel): each weighs n1 n0 / (n1 + n0), and strata with one group only don''t count, nor for means those with a single customer in a group; for rates the risk difference with Sato''s variance (1989), the risk ratio with Greenland and Robins'' (1985), z the root of Mantel and Haenszel''s chi-squared without correction; for means the weighted mean of the differences, by Welch''s t. p is two-sided. What can''t be told is NULL: without anybody in a group, and of means with one customer, or where all are the same. The split is tested against planned_share, the share that was to be treated, by chi-squared over all who were assigned; below 0.001 warning is ''sample ratio mismatch'', and then the groups aren''t alike and nothing in the row is to be believed. A confidence or planned_share that isn''t between 0 and 1 is error 22023, more than 2^63 - 1 assigned 22003';

-- ---- adjusted by what was known before ----

\expand metric/result_type.sql TYPE=uplift_adjusted_result SSPACE=2048 DIFFER="nothing"
COMMENT ON TYPE uplift_adjusted_result IS
	'two groups, treated and control: a value of each customer and what it was before, as sums of both, their squares and products, as uplift_adjusted() counts them; uplift_adjusted_table() compares the groups, rollup() adds those of disjoint customers. The sums are exact, and the same in whatever order rows come';
COMMENT ON AGGREGATE rollup(result uplift_adjusted_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. NULLs are left out; NULL without any result';

\expand metric/aggregate.sql NAME=uplift_adjusted C=uplift_adjusted RESULT=uplift_adjusted_result \
	SUMMARY="treated boolean" VOLATILITY=IMMUTABLE \
	ARGUMENTS="value anynonarray, before anycompatiblenonarray" \
	COST_OF_A_ROW=1 SSPACE=2048 \
	AGGREGATE_COMMENT="sums a value of each customer together with one that was known before the campaign, such as the spend of the months before, for uplift_adjusted_table(). Where one of them is NULL, the customer is counted as missing: coalesce(before, 0) for those who weren''t there yet. treated, types and errors as in uplift() of values. NULL without rows"

CREATE FUNCTION uplift_adjusted_table(result uplift_adjusted_result, confidence float8 DEFAULT 0.95, planned_share float8 DEFAULT 0.5)
	RETURNS TABLE (treated bigint, control bigint, treated_missing bigint, control_missing bigint, unassigned bigint,
		treated_mean float8, control_mean float8, difference float8, lower float8, upper float8,
		relative_lift float8, relative_lower float8, relative_upper float8, statistic float8, degrees_of_freedom float8, p float8,
		theta float8, unadjusted_difference float8, unadjusted_lower float8, unadjusted_upper float8, variance_reduction float8,
		method text, split_chi_squared float8, split_p float8, warning text)
	AS 'MODULE_PATHNAME', 'loyalty_uplift_adjusted_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 1;
COMMENT ON FUNCTION uplift_adjusted_table(uplift_adjusted_result, float8, float8) IS
	'one row, as uplift_table() has it for means, of values of which theta x (before - the mean of before) is taken off (CUPED: Deng, Xu, Kohavi and Walker 2013). theta is the covariance of value and before inside of the groups, divided by the variance of before there, so that the difference is that of the analysis of covariance; 0 where before never differs. Beside it the difference and its interval without that, and variance_reduction, which share of the difference''s variance is gone by it: 0.5 is as good as twice as many customers. NULLs and errors as in uplift_table()';

-- ---- before ----

CREATE FUNCTION required_sample(base_rate float8, lift float8, power float8 DEFAULT 0.8, confidence float8 DEFAULT 0.95, planned_share float8 DEFAULT 0.5,
		OUT treated bigint, OUT control bigint, OUT total bigint, OUT exact float8)
	AS 'MODULE_PATHNAME', 'loyalty_required_sample' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION required_sample(float8, float8, float8, float8, float8) IS
	'how many customers it takes to tell, with that power, at that confidence, two-sided, a rate that is lift higher than base_rate: lift is relative, 0.1 is 10 % more. The formula is that of R''s power.prop.test(): the pooled variance without a difference, that of both rates with one, no correction for continuity (Fleiss, Levin and Paik 2003, chapter 4), for groups of planned_share and the rest. Each group rounded up, one at least; exact is both before rounding. Rates that aren''t between 0 and 1, a lift of 0, and shares that aren''t between 0 and 1 are error 22023, a sample past 9 x 10^18 is 22003';
