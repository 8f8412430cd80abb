-- Template: the aggregate of a metric; metric.sql has its names. By itself for one with fewer
-- arguments, since an aggregate's have no defaults.

CREATE FUNCTION @NAME@_accum(state @RESULT@, @SUMMARY@, @ARGUMENTS@)
	RETURNS @RESULT@
	AS 'MODULE_PATHNAME', 'loyalty_@C@_accum' LANGUAGE C @VOLATILITY@ PARALLEL SAFE COST @COST_OF_A_ROW@;
COMMENT ON FUNCTION @NAME@_accum(state @RESULT@, @SUMMARY@, @ARGUMENTS@) IS 'part of the aggregate @NAME@()';
CREATE AGGREGATE @NAME@(@SUMMARY@, @ARGUMENTS@) (
	SFUNC = @NAME@_accum, STYPE = @RESULT@, SSPACE = @SSPACE@,
	COMBINEFUNC = @RESULT@_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE @NAME@(@SUMMARY@, @ARGUMENTS@) IS
	'@AGGREGATE_COMMENT@';
