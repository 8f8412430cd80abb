-- Template: a metric of points by period, and by label where one asks for it; and its aggregate without by_label,
-- since an aggregate's arguments have no defaults.
--
--	NAME			in SQL and in C; its result is NAME_result
--	RULES, ARGUMENT	policy, and "policy points_policy DEFAULT '{}'"; or a programme
--	LABELS			"by the label of ...", whose labels they are
--	COMMENT			of the function over a base
--	COST_OF_A_ROW, SSPACE as in metric/metric.sql

\expand metric/aggregate.sql NAME=@NAME@ C=@NAME@ RESULT=@NAME@_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="@ARGUMENT_WITHOUT_DEFAULTS@, period calendar_period, as_of date" \
	COST_OF_A_ROW=@COST_OF_A_ROW@ SSPACE=@SSPACE@ \
	AGGREGATE_COMMENT="@NAME@() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; @RULES@, period and as_of must be the same for all rows (22023); others as in the function over a base."
\expand metric/metric.sql NAME=@NAME@ C=@NAME@ RESULT=@NAME@_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="@ARGUMENT@, period calendar_period DEFAULT 'month', as_of date DEFAULT NULL, by_label boolean DEFAULT false" \
	COST=100000 COST_OF_A_ROW=@COST_OF_A_ROW@ SSPACE=@SSPACE@ \
	COMMENT="@COMMENT@" \
	AGGREGATE_COMMENT="@NAME@() over timelines, one for each customer, @LABELS@ if by_label. NULL timelines are left out. NULL without rows. A NULL as_of is error 22004; @RULES@, period, as_of and by_label must be the same for all rows (22023); others as in the function over a base."
