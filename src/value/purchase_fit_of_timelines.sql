-- Template: fits of a model of purchases to timelines.
--
--	NAME	in SQL

CREATE FUNCTION @NAME@(base timeline_base, until date DEFAULT NULL, period text DEFAULT 'day', zone text DEFAULT NULL) RETURNS purchase_model
	LANGUAGE sql STABLE PARALLEL SAFE COST 100000
RETURN @NAME@(purchase_sample(base, until, period, zone));
COMMENT ON FUNCTION @NAME@(timeline_base, date, text, text) IS
	'fits a model of purchases to a base: @NAME@(purchase_sample(base, ...)). The model knows the period that its times are counted in, and the zone of its days. NULL for a NULL base, and where nobody has bought anything by until';
\expand value/fit_aggregate.sql NAME=@NAME@ SAMPLE=purchase_sample SSPACE=4096 ARGUMENTS="timeline event_timeline, until date, period text, zone text" \
	COMMENT="fits a model of purchases to timelines, a row each: @NAME@(purchase_sample(...)). NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. A NULL until or period is error 22004; the arguments must be the same for all rows (22023); others as in purchase_summary(). NULL where nobody has bought anything by until"
\expand value/fit_aggregate.sql NAME=@NAME@ SAMPLE=purchase_sample SSPACE=4096 ARGUMENTS="timeline event_timeline, until date, period text" \
	COMMENT="the same in the session''s TimeZone"
\expand value/fit_aggregate.sql NAME=@NAME@ SAMPLE=purchase_sample SSPACE=4096 ARGUMENTS="timeline event_timeline, until date" \
	COMMENT="the same with times in days, in the session''s TimeZone"
