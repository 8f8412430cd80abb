-- Template: funnels whose window is of a type.
--
--	TYPE	interval; text, as which a literal comes where there are several types; or int: so many days
--	DEFAULT	" DEFAULT NULL", or nothing
--	WINDOW	what the window is, in words, in the middle of a sentence

CREATE FUNCTION funnel(
	timeline event_timeline, steps text[], within @TYPE@@DEFAULT@, mode text DEFAULT 'in_order', by text DEFAULT 'kind',
	step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, zone text DEFAULT NULL, hold text DEFAULT NULL,
	OUT reached int, OUT name text, OUT started_at timestamptz, OUT ended_at timestamptz, OUT at timestamptz[], OUT durations interval[])
	AS 'MODULE_PATHNAME', 'loyalty_funnel' LANGUAGE C STABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION funnel(event_timeline, text[], @TYPE@, text, text, interval[], date, text, text) IS
	'how far a customer came through steps, which name kinds of events, or labels (by => ''label''): the number and name of the last step reached, the first and last instant of the chain of events that wins, its instants, and the durations to each from the one before (the first is NULL). A step: ''a''; ''a|b'', one of several names; ''a?'', optional; ''!a'' is none, but may not come between the steps around it; a name with such signs is written as funnel_name() has it. The deepest chain wins; of those the one that ends first, of those the one that starts last, then the one whose steps come earliest. Optional steps change nothing of that: they are looked for on its way, and are NULL where they are left out. mode: ''in_order''; ''strictly_increasing'' (each later than the one before); ''strict_order'' (and no other listed step in between). within is @WINDOW@: a chain ends by its first instant + within, and each step comes by the one before + its step_within (one for all, or one for each step but the first; NULL: any time), both inclusive. hold => ''ref'', ''label'' or ''kind'': all events of a chain have the same one. Events at one instant may be successive steps, except where strictly increasing. Events after as_of don''t count; without it all do. Windows in days or months, and as_of, are counted in zone, by default the session''s TimeZone. No event of the first step: 0, NULLs and empty arrays. NULL for a NULL timeline; NULL steps are error 22004, no steps, unknown modes and zones and negative windows 22023, more than 1,000 steps or names 54000';

CREATE FUNCTION funnel_conversions(
	timeline event_timeline, steps text[], within @TYPE@@DEFAULT@, mode text DEFAULT 'in_order', by text DEFAULT 'kind',
	step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, zone text DEFAULT NULL, hold text DEFAULT NULL)
	RETURNS TABLE (number int, reached int, name text, started_at timestamptz, ended_at timestamptz, at timestamptz[], durations interval[])
	AS 'MODULE_PATHNAME', 'loyalty_funnel_conversions' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION funnel_conversions(event_timeline, text[], @TYPE@, text, text, interval[], date, text, text) IS
	'a row for each time that a customer came through steps, as count => ''conversions'' counts them: the funnel begins anew with what is later than the end of a chain that came to the last step, and what is left makes at most one row more, of the chain that wins there. With hold, that goes for each ref, or label, by itself. within is @WINDOW@; columns and arguments are those of funnel(). No row for a NULL timeline';

CREATE FUNCTION funnel_totals(base timeline_base, steps text[], within @TYPE@@DEFAULT@, mode text DEFAULT 'in_order', by text DEFAULT 'kind',
		step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, zone text DEFAULT NULL, hold text DEFAULT NULL, count text DEFAULT 'customers')
	RETURNS funnel_totals_result
	AS 'MODULE_PATHNAME', 'loyalty_funnel_totals' LANGUAGE C STABLE PARALLEL SAFE COST 100000
	SUPPORT metric_support;
COMMENT ON FUNCTION funnel_totals(base timeline_base, steps text[], within @TYPE@, mode text, by text, step_within interval[], as_of date, zone text, hold text, count text) IS
	'the funnel of everyone in a base: each customer counts by the chain that wins, see funnel(); with count => ''conversions'' by each chain of funnel_conversions(). within is @WINDOW@. Events after as_of don''t count; NULL: the day of the last event, no later than today. A NOTICE tells of names that no event of the base has. NULL for a NULL base; errors are those of funnel()';

\expand funnel/aggregate.sql ARGUMENTS="steps text[], within @TYPE@" WINDOW="@WINDOW@"
\expand funnel/aggregate.sql ARGUMENTS="steps text[], within @TYPE@, mode text" WINDOW="@WINDOW@"
\expand funnel/aggregate.sql ARGUMENTS="steps text[], within @TYPE@, mode text, by text, step_within interval[]" WINDOW="@WINDOW@"
\expand funnel/aggregate.sql ARGUMENTS="steps text[], within @TYPE@, mode text, by text, step_within interval[], as_of date" WINDOW="@WINDOW@"
\expand funnel/aggregate.sql ARGUMENTS="steps text[], within @TYPE@, mode text, by text, step_within interval[], as_of date, zone text" WINDOW="@WINDOW@"
\expand funnel/aggregate.sql ARGUMENTS="steps text[], within @TYPE@, mode text, by text, step_within interval[], as_of date, zone text, hold text, count text" WINDOW="@WINDOW@"

CREATE FUNCTION funnel_by_period(base timeline_base, steps text[], within @TYPE@, period calendar_period DEFAULT 'week', mode text DEFAULT 'in_order', by text DEFAULT 'kind',
		step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, hold text DEFAULT NULL, count text DEFAULT 'customers')
	RETURNS funnel_by_period_result
	AS 'MODULE_PATHNAME', 'loyalty_funnel_by_period' LANGUAGE C STABLE PARALLEL SAFE COST 100000
	SUPPORT metric_support;
COMMENT ON FUNCTION funnel_by_period(base timeline_base, steps text[], within @TYPE@, period calendar_period, mode text, by text, step_within interval[], as_of date, hold text, count text) IS
	'a funnel for each period in which chains start, by the local day of their first step. A customer counts once in each period in which one starts, by the chain that wins among those; it may go on behind the period, and its later events may be those of another period''s chain. With count => ''conversions'' each chain of funnel_conversions() counts in the period of its start. within is @WINDOW@, and NULL is error 22004: only with the same time for all can periods be compared. Days are those of the period''s zone, else the session''s; as_of: NULL is the day of the last event, no later than today. Each event is walked for its own period and those whose windows reach it. NULL for a NULL base; other arguments and errors are those of funnel_totals()';
\expand funnel/aggregate_by_period.sql ARGUMENTS="steps text[], within @TYPE@, period calendar_period, mode text, by text, step_within interval[], as_of date" WINDOW="@WINDOW@"
\expand funnel/aggregate_by_period.sql ARGUMENTS="steps text[], within @TYPE@, period calendar_period, mode text, by text, step_within interval[], as_of date, hold text, count text" WINDOW="@WINDOW@"
\expand metric/aggregate_without_as_of.sql NAME=funnel_by_period C=funnel_by_period RESULT=funnel_by_period_result \
	SUMMARY="timeline event_timeline" ARGUMENTS=", steps text[], within @TYPE@, period calendar_period, mode text, by text, step_within interval[]" \
	COST_OF_A_ROW=50 SSPACE=32768

\expand metric/members.sql NAME=funnel_by_period C=funnel_by_period BASE=timeline_base \
	ARGUMENTS="steps text[], within @TYPE@, period calendar_period, period_start date, step int, who text DEFAULT 'reached', mode text DEFAULT 'in_order', by text DEFAULT 'kind', step_within interval[] DEFAULT NULL, as_of date DEFAULT NULL, hold text DEFAULT NULL" \
	COMMENT="who is in a step of the funnel of a period, as funnel_by_period_table() counts customers: who ''reached'' it, ''stopped'' there, or is ''eligible'' in it. period_start is the period''s first day, step its number from 1. The other arguments are those of funnel_by_period(), with within @WINDOW@. An unknown step or who is error 22023"
