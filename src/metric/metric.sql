-- Template: a metric, as a function over a base and as an aggregate over customers' summaries.
-- Its C file has METRIC_FUNCTIONS(C, ...) and TALLY_TYPE(RESULT, ...); the type is made by
-- result_type.sql before.
--
--	NAME				in SQL
--	C					loyalty_<C> and loyalty_<C>_accum are its C functions
--	RESULT				its type
--	BASE, SUMMARY		"activity_base" and "activity activity_set", or those of timelines
--	VOLATILITY			of the aggregate: IMMUTABLE; STABLE where days depend on the session's TimeZone. The function
--						is STABLE: as_of is no later than today
--	ARGUMENTS			behind the base, with what they are by default
--	COST				of the function: that of a query, so that collecting in parallel wins
--	COST_OF_A_ROW		of the aggregate's transition function
--	SSPACE				bytes of a group; measured by test/memory.sql, as for all aggregates
--	COMMENT				of the function
--	AGGREGATE_COMMENT	of the aggregate

CREATE FUNCTION @NAME@(base @BASE@, @ARGUMENTS@)
	RETURNS @RESULT@
	AS 'MODULE_PATHNAME', 'loyalty_@C@' LANGUAGE C STABLE PARALLEL SAFE COST @COST@
	SUPPORT metric_support;
COMMENT ON FUNCTION @NAME@(base @BASE@, @ARGUMENTS_WITHOUT_DEFAULTS@) IS
	'@COMMENT@';
\expand metric/aggregate.sql NAME=@NAME@ C=@C@ RESULT=@RESULT@ \
	SUMMARY="@SUMMARY@" VOLATILITY=@VOLATILITY@ \
	ARGUMENTS="@ARGUMENTS_WITHOUT_DEFAULTS@" \
	COST_OF_A_ROW=@COST_OF_A_ROW@ SSPACE=@SSPACE@ \
	AGGREGATE_COMMENT="@AGGREGATE_COMMENT@"
\expand metric/aggregate_without_as_of.sql NAME=@NAME@ C=@C@ RESULT=@RESULT@ \
	SUMMARY="@SUMMARY@" ARGUMENTS="@ARGUMENTS_BEFORE_AS_OF@" \
	COST_OF_A_ROW=@COST_OF_A_ROW@ SSPACE=@SSPACE@
