-- Template: a form of timeline_agg().
--
--	FORM		in C its transition function is loyalty_timeline_agg_trans_FORM
--	ARGUMENTS	of the aggregate
--	SSPACE		bytes of a group
--	COMMENT		of the aggregate

CREATE FUNCTION timeline_agg_add(state internal, @ARGUMENTS@) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_trans_@FORM@' LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT group_node_support;
COMMENT ON FUNCTION timeline_agg_add(state internal, @ARGUMENTS@) IS 'aggregate transition function';
CREATE AGGREGATE timeline_agg(@ARGUMENTS@) (
	SFUNC = timeline_agg_add, STYPE = internal, SSPACE = @SSPACE@,
	FINALFUNC = timeline_agg_final, COMBINEFUNC = timeline_agg_combine,
	SERIALFUNC = timeline_agg_serialize, DESERIALFUNC = timeline_agg_deserialize,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE timeline_agg(@ARGUMENTS@) IS
	'@COMMENT@';
