-- Template: an aggregate that counts customers, by the arguments that are known of them.
--
--	NAME, ARGUMENTS, SSPACE, COMMENT	as in sample.sql

CREATE FUNCTION @NAME@_accum(state @NAME@_result, @ARGUMENTS@) RETURNS @NAME@_result
	AS 'MODULE_PATHNAME', 'loyalty_@NAME@_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @NAME@_accum(state @NAME@_result, @ARGUMENTS@) IS 'part of the aggregates over customers'' numbers';
CREATE AGGREGATE @NAME@(@ARGUMENTS@) (
	SFUNC = @NAME@_accum, STYPE = @NAME@_result, SSPACE = @SSPACE@,
	COMBINEFUNC = @NAME@_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE @NAME@(@ARGUMENTS@) IS
	'@COMMENT@';
