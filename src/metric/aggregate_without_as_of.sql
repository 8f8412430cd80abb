-- Template: the aggregate of a metric without as_of; metric.sql has its names. ARGUMENTS are those
-- before it, each behind a comma. STABLE, since what is counted ends with today.

CREATE FUNCTION @NAME@_accum(state @RESULT@, @SUMMARY@@ARGUMENTS@)
	RETURNS @RESULT@
	AS 'MODULE_PATHNAME', 'loyalty_@C@_accum' LANGUAGE C STABLE PARALLEL SAFE COST @COST_OF_A_ROW@;
COMMENT ON FUNCTION @NAME@_accum(state @RESULT@, @SUMMARY@@ARGUMENTS@) IS 'part of the aggregate @NAME@()';
CREATE AGGREGATE @NAME@(@SUMMARY@@ARGUMENTS@) (
	SFUNC = @NAME@_accum, STYPE = @RESULT@, SSPACE = @SSPACE@,
	COMBINEFUNC = @RESULT@_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE @NAME@(@SUMMARY@@ARGUMENTS@) IS
	'@NAME@() without as_of. Where counting needs that day beforehand, it is error 22004, which says so: an aggregate does not know the last day of all groups. Else what there is in the rows of its group counts, up to today: give as_of where groups are to be compared';
