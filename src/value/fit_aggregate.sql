-- Template: a fit to customers, by the arguments that are known of them.
--
--	NAME, SAMPLE, ARGUMENTS, SSPACE, COMMENT	as in fit.sql

CREATE AGGREGATE @NAME@(@ARGUMENTS@) (
	SFUNC = @SAMPLE@_accum, STYPE = @SAMPLE@_result, SSPACE = @SSPACE@,
	FINALFUNC = @NAME@,
	COMBINEFUNC = @SAMPLE@_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE @NAME@(@ARGUMENTS@) IS
	'@COMMENT@';
