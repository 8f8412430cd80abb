-- Template: a fit as an aggregate over timelines: a sample's, with the fit at its end.
--
--	FIT			bgnbd_fit
--	SAMPLE		purchase_sample
--	ARGUMENTS	behind the timeline
--	COMMENT		of the aggregate

CREATE AGGREGATE @FIT@(timeline event_timeline, @ARGUMENTS@) (
	SFUNC = @SAMPLE@_accum, STYPE = @SAMPLE@_result, SSPACE = 16384,
	FINALFUNC = @FIT@,
	COMBINEFUNC = @SAMPLE@_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE @FIT@(timeline event_timeline, @ARGUMENTS@) IS
	'@COMMENT@';
