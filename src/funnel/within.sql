-- Template: the same funnels with a window of another type.
--
--	TYPE	text, as which a literal comes where there are several types, or int: so many days
--	WINDOW	what the window is, in words

CREATE FUNCTION funnel(
	timeline event_timeline, steps text[], within @TYPE@, mode text DEFAULT 'in_order', by text DEFAULT 'kind',
	step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, zone text DEFAULT NULL,
	OUT reached int, OUT name text, OUT started_at timestamptz, OUT ended_at timestamptz, OUT at timestamptz[], OUT durations interval[])
	AS 'MODULE_PATHNAME', 'loyalty_funnel' LANGUAGE C STABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION funnel(event_timeline, text[], @TYPE@, text, text, interval[], date, text) IS
	'how far a customer came through steps, with a window that is @WINDOW@; else as with an interval';

CREATE FUNCTION funnel_totals(base timeline_base, steps text[], within @TYPE@, mode text DEFAULT 'in_order', by text DEFAULT 'kind',
		step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, zone text DEFAULT NULL)
	RETURNS funnel_totals_result
	AS 'MODULE_PATHNAME', 'loyalty_funnel_totals' LANGUAGE C STABLE PARALLEL SAFE COST 100000
	SUPPORT metric_support;
COMMENT ON FUNCTION funnel_totals(base timeline_base, steps text[], within @TYPE@, mode text, by text, step_within interval[], as_of date, zone text) IS
	'the funnel of everyone in a base, with a window that is @WINDOW@; else as with an interval';

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within @TYPE@, mode text, by text, step_within interval[], as_of date, zone text" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, with a window that is @WINDOW@; else as with an interval"

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within @TYPE@, mode text, by text, step_within interval[], as_of date" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, with a window that is @WINDOW@; else as with an interval"

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within @TYPE@, mode text, by text, step_within interval[]" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, with a window that is @WINDOW@; else as with an interval"

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within @TYPE@, mode text" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, with a window that is @WINDOW@; else as with an interval"

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="steps text[], within @TYPE@" \
	COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, with a window that is @WINDOW@; else as with an interval"
