-- Template: an aggregate over scores, of which there is one for each number of arguments, since an
-- aggregate's have no defaults.
--
--	NAME		in SQL; NAME_result is its state
--	ARGUMENTS	behind the score, each behind a comma
--	COMMENT		of the aggregate

CREATE FUNCTION @NAME@_accum(state @NAME@_result, score anynonarray@ARGUMENTS@) RETURNS @NAME@_result
	AS 'MODULE_PATHNAME', 'loyalty_@NAME@_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @NAME@_accum(@NAME@_result, anynonarray@ARGUMENTS@) IS 'part of the aggregate @NAME@()';

CREATE AGGREGATE @NAME@(score anynonarray@ARGUMENTS@) (
	SFUNC = @NAME@_accum, STYPE = @NAME@_result, SSPACE = 2048,
	COMBINEFUNC = @NAME@_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE @NAME@(score anynonarray@ARGUMENTS@) IS
	'@COMMENT@';
