-- Template: a form of timeline_agg() whose transition function takes columns of any type.
--
--	ACCUM		the transition function: several forms have the same
--	ARGUMENTS	of the aggregate
--	SSPACE		bytes of a group
--	COMMENT		of the aggregate

CREATE AGGREGATE timeline_agg(@ARGUMENTS@) (
	SFUNC = @ACCUM@, STYPE = internal, SSPACE = @SSPACE@,
	FINALFUNC = timeline_agg_final, COMBINEFUNC = timeline_agg_combine,
	SERIALFUNC = timeline_agg_serialize, DESERIALFUNC = timeline_agg_deserialize,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE timeline_agg(@ARGUMENTS@) IS
	'@COMMENT@';
