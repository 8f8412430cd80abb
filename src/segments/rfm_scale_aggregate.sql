-- Template: the aggregate rfm_scale(), whose state is a distribution. An aggregate's arguments have no defaults.

CREATE FUNCTION rfm_scale_accum(state rfm_distribution_result, timeline event_timeline, @ARGUMENTS@)
	RETURNS rfm_distribution_result
	AS 'MODULE_PATHNAME', 'loyalty_rfm_scale_of_base_accum' LANGUAGE C STABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION rfm_scale_accum(state rfm_distribution_result, timeline event_timeline, @ARGUMENTS@) IS 'part of the aggregate rfm_scale()';
CREATE AGGREGATE rfm_scale(timeline event_timeline, @ARGUMENTS@) (
	SFUNC = rfm_scale_accum, STYPE = rfm_distribution_result, SSPACE = 8192,
	FINALFUNC = rfm_scale_final, COMBINEFUNC = rfm_distribution_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE rfm_scale(timeline event_timeline, @ARGUMENTS@) IS
	'@COMMENT@';
