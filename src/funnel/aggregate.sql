-- Template: the aggregate funnel_totals() with some of its arguments, since an aggregate's have no
-- defaults.
--
--	ARGUMENTS	behind the timeline
--	WINDOW		what the window is, in words

\expand metric/aggregate.sql NAME=funnel_totals C=funnel_totals RESULT=funnel_totals_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE ARGUMENTS="@ARGUMENTS@" COST_OF_A_ROW=50 SSPACE=4096 \
	AGGREGATE_COMMENT="the funnel of everyone over timelines, one for each customer; see funnel() and funnel_totals() of a base. within is @WINDOW@. Arguments that are left out are what they are by default; without as_of, events up to today count, in the session''s TimeZone unless a zone is given. NULL timelines are left out, empty ones are customers without events. Leave out rows without customer before grouping, or all guests count as one. NULL without rows"
