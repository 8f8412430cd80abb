-- timeline_event and event_timeline: a customer's events

-- ---- types ----

CREATE TYPE timeline_event;
CREATE TYPE event_timeline;

CREATE FUNCTION timeline_event_in(input cstring) RETURNS timeline_event
	AS 'MODULE_PATHNAME', 'loyalty_timeline_event_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_event_out(event timeline_event) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_timeline_event_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_event_recv(input internal) RETURNS timeline_event
	AS 'MODULE_PATHNAME', 'loyalty_timeline_event_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_event_send(event timeline_event) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_timeline_event_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION event_timeline_in(input cstring) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_event_timeline_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION event_timeline_out(timeline event_timeline) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_event_timeline_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION event_timeline_recv(input internal) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_event_timeline_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION event_timeline_send(timeline event_timeline) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_event_timeline_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- of the category of dates, so that timeline_agg(NULL) finds the form for timestamptz, and
-- an event and a timeline can meet in COALESCE and UNION
CREATE TYPE timeline_event (
	INPUT = timeline_event_in,
	OUTPUT = timeline_event_out,
	RECEIVE = timeline_event_recv,
	SEND = timeline_event_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended,
	CATEGORY = 'D'
);

CREATE TYPE event_timeline (
	INPUT = event_timeline_in,
	OUTPUT = event_timeline_out,
	RECEIVE = event_timeline_recv,
	SEND = event_timeline_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended,
	CATEGORY = 'D'
);

COMMENT ON TYPE timeline_event IS
	'One event: an instant, and where known a value, kind, label, ref, expiry and the end of a span. Text form is a JSON object: {"at": "2024-01-05T10:00:00+00:00", "value": 12.50, "kind": "earn", "label": "web", "ref": 42, "expires_at": "2025-01-05T10:00:00+00:00", "until": "2024-02-05T10:00:00+00:00"}. Instants are in UTC, and must have an offset on input.';
COMMENT ON TYPE event_timeline IS
	'A customer''s events in order of time; events equal in all columns are kept as often as they occur. Text form is a JSON array of timeline_event objects, in any order on input. Takes 7 to 10 bytes for an event of an instant in microseconds and an amount in cents. Values are held with the decimals of the one that has most, in 18 digits: else error 22003, whose way out is round().';
COMMENT ON FUNCTION timeline_event_in(cstring) IS 'text input of timeline_event';
COMMENT ON FUNCTION timeline_event_out(timeline_event) IS 'text output of timeline_event';
COMMENT ON FUNCTION timeline_event_recv(internal) IS 'binary input of timeline_event: as event_timeline with one event';
COMMENT ON FUNCTION timeline_event_send(timeline_event) IS 'binary output of timeline_event: as event_timeline with one event';
COMMENT ON FUNCTION event_timeline_in(cstring) IS 'text input of event_timeline';
COMMENT ON FUNCTION event_timeline_out(event_timeline) IS 'text output of event_timeline';
COMMENT ON FUNCTION event_timeline_recv(internal) IS 'binary input of event_timeline: byte version, byte scale, int32 number of events, then each event''s columns';
COMMENT ON FUNCTION event_timeline_send(event_timeline) IS 'binary output of event_timeline: byte version, byte scale, int32 number of events, then each event''s columns';

-- the bytes of an event are those of a timeline of one event
CREATE CAST (timeline_event AS event_timeline) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (timeline_event AS event_timeline) IS 'the timeline of one event: timeline + make_event(...)';

-- ---- events ----

\expand timeline/make_event.sql AT=timestamptz ZONE="" VOLATILITY=IMMUTABLE WHAT="at an instant"
\expand timeline/make_event.sql AT=date ZONE=", zone text DEFAULT NULL" VOLATILITY=STABLE WHAT="on a local day, at its first instant in zone, or in the session''s TimeZone"

-- ---- comparison: of both types, by the same functions ----

\expand core/comparison.sql TYPE=timeline_event VALUE=a FUNCTIONS=event_timeline SAME="the same events; values are compared as numbers, so 1.5 equals 1.50" ORDER="event by event: at, kind, label, ref, value, expires_at, until"
\expand core/comparison.sql TYPE=event_timeline VALUE=a FUNCTIONS=event_timeline SAME="the same events; values are compared as numbers, so 1.5 equals 1.50" ORDER="event by event: at, kind, label, ref, value, expires_at, until"

-- ---- timelines out of timelines ----

CREATE FUNCTION event_timeline_add(a event_timeline, b event_timeline) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_event_timeline_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION event_timeline_subtract(a event_timeline, b event_timeline) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_event_timeline_subtract' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_merge(a event_timeline, b event_timeline) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_timeline_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION timeline_replace(stored event_timeline, fresh event_timeline, since timestamptz, until timestamptz) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_timeline_replace' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION timeline_slice(timeline event_timeline, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_timeline_slice' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION timeline_filter(timeline event_timeline, kinds text[] DEFAULT NULL, labels text[] DEFAULT NULL) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_timeline_filter' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION event_timeline_add(event_timeline, event_timeline) IS 'implementation of + operator';
COMMENT ON FUNCTION event_timeline_subtract(event_timeline, event_timeline) IS 'implementation of - operator';
COMMENT ON FUNCTION timeline_merge(event_timeline, event_timeline) IS
	'The events of both, each as often as in the one that has it more often, so that loading a batch twice does no harm. Events are the same where all their columns are: a second return of a document is another event. So a row that was corrected stands beside what it was before: timeline_replace() puts it in its place. NULL is no events, as for +: a new customer, who is on one side of a join only, keeps the events of the other. NULL only where both are.';
COMMENT ON FUNCTION timeline_replace(event_timeline, event_timeline, timestamptz, timestamptz) IS
	'The events of stored outside of [since, until), and those of fresh: what a load of that time brings, in place of all that an earlier load of it brought. A NULL bound is open. An event of fresh outside of that time is error 22023, which names it. NULL is no events: NULL only where stored and fresh are.';
COMMENT ON FUNCTION timeline_slice(event_timeline, timestamptz, timestamptz) IS
	'The events in [since, until); a NULL bound, as by default, is open. NULL only for a NULL timeline.';
COMMENT ON FUNCTION timeline_filter(event_timeline, text[], text[]) IS
	'The events whose kind is one of kinds and whose label is one of labels. A NULL array is no restriction; a NULL element stands for events without kind or label. NULL only for a NULL timeline.';

CREATE OPERATOR + (
	LEFTARG = event_timeline, RIGHTARG = event_timeline, FUNCTION = event_timeline_add,
	COMMUTATOR = +
);
CREATE OPERATOR - (
	LEFTARG = event_timeline, RIGHTARG = event_timeline, FUNCTION = event_timeline_subtract
);

COMMENT ON OPERATOR + (event_timeline, event_timeline) IS
	'the events of both; those equal in all columns are kept as often as they occur. NULL is no events, as for rollup(): NULL only where both are, so that no history is lost to an event or a join that brings none';
COMMENT ON OPERATOR - (event_timeline, event_timeline) IS
	'takes events away, each once; one that is not there is error 22023, which names it. NULL where either is';

-- ---- accessors ----

CREATE FUNCTION timeline_events(timeline event_timeline)
	RETURNS TABLE (at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz, until timestamptz)
	AS 'MODULE_PATHNAME', 'loyalty_timeline_events' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
CREATE FUNCTION timeline_count(timeline event_timeline) RETURNS bigint
	AS 'MODULE_PATHNAME', 'loyalty_timeline_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_first(timeline event_timeline) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'loyalty_timeline_first' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_last(timeline event_timeline) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'loyalty_timeline_last' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_sum(timeline event_timeline, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS numeric
	AS 'MODULE_PATHNAME', 'loyalty_timeline_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION timeline_first_label(timeline event_timeline) RETURNS text
	AS 'MODULE_PATHNAME', 'loyalty_timeline_first_label' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_set(timeline event_timeline, zone text DEFAULT NULL, as_of date DEFAULT NULL) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_timeline' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION timeline_events(event_timeline) IS
	'The events as rows, in order: at, then kind, label, ref, value, expires_at, until. What an event does not have is NULL; a ref is text, also where it was a number.';
COMMENT ON FUNCTION timeline_count(event_timeline) IS 'How many events there are; 0 for an empty timeline.';
COMMENT ON FUNCTION timeline_first(event_timeline) IS 'The instant of the first event; NULL for an empty timeline.';
COMMENT ON FUNCTION timeline_last(event_timeline) IS 'The instant of the last event; NULL for an empty timeline.';
COMMENT ON FUNCTION timeline_sum(event_timeline, timestamptz, timestamptz) IS
	'The sum of all values, exact, as sum(numeric) gives it; of events in [since, until), where a NULL bound, as by default, is open. Events without value are left out; NULL where there is no value.';
COMMENT ON FUNCTION timeline_first_label(event_timeline) IS
	'The label of the first event that has one, as the channel a customer came by; NULL where there is none.';
COMMENT ON FUNCTION activity_set(event_timeline, text, date) IS
	'The local days of events whose value is not negative, or absent, in a time zone, or the session''s TimeZone; of a span all days that it touches. Days after as_of are left out; NULL: none are. NULL only for a NULL timeline. An unknown zone is error 22023, and so is a span without end where as_of is NULL; one of more than 100000 days is 54000, an infinite as_of 22008.';

-- ---- aggregates ----

CREATE FUNCTION timeline_rollup_add(state internal, timeline event_timeline) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_rollup_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION timeline_agg_combine(state internal, other internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION timeline_agg_serialize(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_agg_deserialize(partial bytea, dummy internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION timeline_agg_final(state internal) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION timeline_rollup_add(internal, event_timeline) IS 'aggregate transition function';
COMMENT ON FUNCTION timeline_agg_combine(internal, internal) IS 'aggregate combine function';
COMMENT ON FUNCTION timeline_agg_serialize(internal) IS 'aggregate serial function';
COMMENT ON FUNCTION timeline_agg_deserialize(bytea, internal) IS 'aggregate deserial function';
COMMENT ON FUNCTION timeline_agg_final(internal) IS 'aggregate final function';

-- SSPACE: measured, a group's share of memory where groups have 20 events on average, rollup() 4 timelines of 20; see timeline_agg.c, test/memory.sql
\expand timeline/timeline_agg.sql FORM=instant ARGUMENTS="at timestamptz" SSPACE=320 \
	COMMENT="The events at these instants. A NULL adds no event: a group with NULLs only gives the empty timeline. NULL without rows. Infinity is error 22008."
-- Values of the integer types come as they are: a cast to numeric would cost as much as the rest.
\expand timeline/timeline_agg.sql FORM=numeric ARGUMENTS="at timestamptz, value numeric" SSPACE=416 \
	COMMENT="The events at these instants with these values; a NULL value makes an event without value. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg.sql FORM=smallint ARGUMENTS="at timestamptz, value smallint" SSPACE=416 \
	COMMENT="The events at these instants with these values; a NULL value makes an event without value. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg.sql FORM=integer ARGUMENTS="at timestamptz, value integer" SSPACE=416 \
	COMMENT="The events at these instants with these values; a NULL value makes an event without value. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg.sql FORM=bigint ARGUMENTS="at timestamptz, value bigint" SSPACE=416 \
	COMMENT="The events at these instants with these values; a NULL value makes an event without value. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg.sql FORM=kind ARGUMENTS="at timestamptz, kind text" SSPACE=704 \
	COMMENT="The events at these instants of these kinds; a NULL kind makes an event without kind. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008."
-- Columns of any type: floats, enums, days. A value beside a kind is anycompatible, so that a literal is no
-- one's preferred type, but a text, which is read. Stable where days are those of the session's zone, and
-- where a kind may be an enum, whose labels may be renamed.
CREATE FUNCTION timeline_agg_add_any(state internal, at "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_trans_any' LANGUAGE C STABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION timeline_agg_add_any(state internal, at "any", kind_or_value "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_trans_any' LANGUAGE C STABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION timeline_agg_add_any(state internal, at "any", kind "any", value "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_trans_any' LANGUAGE C STABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION timeline_agg_add_known(state internal, at timestamptz, kind text, value "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_trans_any' LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION timeline_agg_add_known(state internal, day date, kind text, zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_trans_any_zone' LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION timeline_agg_add_any_zone(state internal, day "any", kind_or_value "any", zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_trans_any_zone' LANGUAGE C STABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION timeline_agg_add_any_zone(state internal, day "any", kind "any", value "any", zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timeline_agg_trans_any_zone' LANGUAGE C STABLE PARALLEL SAFE SUPPORT group_node_support;
COMMENT ON FUNCTION timeline_agg_add_any(internal, "any") IS 'aggregate transition function';
COMMENT ON FUNCTION timeline_agg_add_any(internal, "any", "any") IS 'aggregate transition function';
COMMENT ON FUNCTION timeline_agg_add_any(internal, "any", "any", "any") IS 'aggregate transition function';
COMMENT ON FUNCTION timeline_agg_add_known(internal, timestamptz, text, "any") IS 'aggregate transition function';
COMMENT ON FUNCTION timeline_agg_add_known(internal, date, text, text) IS 'aggregate transition function';
COMMENT ON FUNCTION timeline_agg_add_any_zone(internal, "any", "any", text) IS 'aggregate transition function';
COMMENT ON FUNCTION timeline_agg_add_any_zone(internal, "any", "any", "any", text) IS 'aggregate transition function';
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="at timestamptz, kind_or_value ""any""" SSPACE=704 \
	COMMENT="The events at these instants of these kinds, or with these values: enums, and floats by their shortest decimal text. Another type is error 42804. What is NULL is absent. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_known ARGUMENTS="at timestamptz, kind text, value anycompatible" SSPACE=704 \
	COMMENT="The events at these instants of these kinds, with these values; what is NULL is absent. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="at timestamptz, kind ""any"", value ""any""" SSPACE=704 \
	COMMENT="The events at these instants of these kinds, with these values; what is NULL is absent. Of any type, as above: another is error 42804. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date" SSPACE=320 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date, value numeric" SSPACE=416 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone with these values; a NULL value makes an event without value. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date, value smallint" SSPACE=416 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone with these values; a NULL value makes an event without value. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date, value integer" SSPACE=416 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone with these values; a NULL value makes an event without value. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date, value bigint" SSPACE=416 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone with these values; a NULL value makes an event without value. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date, kind text" SSPACE=704 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone of these kinds; a NULL kind makes an event without kind. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date, kind_or_value ""any""" SSPACE=704 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone of these kinds, or with these values: enums, and floats by their shortest decimal text. Another type is error 42804. What is NULL is absent. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date, kind text, value anycompatible" SSPACE=704 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone of these kinds, with these values; what is NULL is absent. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any ARGUMENTS="day date, kind ""any"", value ""any""" SSPACE=704 \
	COMMENT="The events on these local days, at their first instants in the session''s TimeZone of these kinds, with these values; what is NULL is absent. Of any type, as above: another is error 42804. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_known ARGUMENTS="day date, kind text, zone text" SSPACE=704 \
	COMMENT="The events on these local days, at their first instants in that zone: an unknown one is error 22023; of these kinds, where NULL makes an event without kind. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any_zone ARGUMENTS="day date, kind_or_value ""any"", zone text" SSPACE=704 \
	COMMENT="The events on these local days, at their first instants in that zone: an unknown one is error 22023; of these kinds, or with these values: enums, and floats by their shortest decimal text. Another type is error 42804. What is NULL is absent. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg_any.sql ACCUM=timeline_agg_add_any_zone ARGUMENTS="day date, kind ""any"", value ""any"", zone text" SSPACE=704 \
	COMMENT="The events on these local days, at their first instants in that zone: an unknown one is error 22023; of these kinds, with these values; what is NULL is absent. A NULL instant adds no event: a group with such rows only gives the empty timeline. NULL without rows. Infinity is error 22008; values that 18 digits can''t hold at the scale of the one that has most decimals are 22003."
\expand timeline/timeline_agg.sql FORM=event ARGUMENTS="event timeline_event" SSPACE=704 \
	COMMENT="The timeline of these events, see make_event(). A NULL event adds nothing: a group with NULLs only gives the empty timeline. NULL without rows."

CREATE AGGREGATE rollup(timeline event_timeline) (
	SFUNC = timeline_rollup_add, STYPE = internal, SSPACE = 2048,
	FINALFUNC = timeline_agg_final, COMBINEFUNC = timeline_agg_combine,
	SERIALFUNC = timeline_agg_serialize, DESERIALFUNC = timeline_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(event_timeline) IS
	'The events of all these timelines, as often as they occur. NULLs are left out; NULL where there is nothing else.';
