-- Template: the fit of a model of purchases, to a sample, and to customers with and without a period.
--
--	NAME		in SQL; loyalty_<NAME> is its C function
--	COMMENT		the model, and where it is from

\expand value/fit.sql NAME=@NAME@ SAMPLE=purchase_sample MODEL=purchase_model ARGUMENTS="x bigint, t_x float8, age float8" SSPACE=16384 \
	COMMENT="@COMMENT@" \
	AGGREGATE_COMMENT="fits a model of purchases to customers, a row each: @NAME@(purchase_sample(...)). x counts a customer''s purchases after the first one (of several on one day, one), t_x is how long after the first one the last one was (0 where x is 0), age how long ago, at the end of the observation, the first one was; times in any unit, fractions too. Rows with a NULL are left out. Error 22023, with the numbers, for what no customer can have: t_x after age or without purchases, anything below 0; 22003 for NaN, infinity, x above 1000000, times outside of 1e-15 to 1e15. NULL without rows"
\expand value/fit_aggregate.sql NAME=@NAME@ SAMPLE=purchase_sample ARGUMENTS="x bigint, t_x float8, age float8, period text" SSPACE=16384 \
	COMMENT="the same; period, day, week, month, quarter or year, says what t_x and age are counted in, so that the model takes intervals as well: the same for all rows (22023)"
