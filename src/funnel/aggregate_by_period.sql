-- Template: the aggregate funnel_by_period() with some of its arguments.
--
--	ARGUMENTS	behind the timeline
--	WINDOW		what the window is, in words

\expand metric/aggregate.sql NAME=funnel_by_period C=funnel_by_period RESULT=funnel_by_period_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE ARGUMENTS="@ARGUMENTS@" COST_OF_A_ROW=50 SSPACE=32768 \
	AGGREGATE_COMMENT="a funnel for each period in which chains start, over timelines, one for each customer; see the function over a base. within is @WINDOW@; as_of has no default. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"
