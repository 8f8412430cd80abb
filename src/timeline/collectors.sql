-- Everyone's timelines, by customer: timeline_base and its collector, timelines().
-- As for activity_base, there is one type of base for each type of customers.

\expand collect/base_type.sql TYPE=timeline_base COMMENT="timelines of many customers, as timelines() collects them: what metric functions take. Lives in memory for one query"
\expand collect/base_type.sql TYPE=timeline_base_bigint COMMENT="a timeline_base whose customers are numbers"
\expand collect/base_type.sql TYPE=timeline_base_uuid COMMENT="a timeline_base whose customers are uuids"
\expand collect/base_type.sql TYPE=timeline_base_text COMMENT="a timeline_base whose customers are texts"

-- Bases of every type of customers compare by these, as they are timeline_bases too.
\expand core/comparison.sql TYPE=timeline_base VALUE=base FUNCTIONS=base SAME="the same: the same customers, each with equal timelines, and as many rows without customer, in the same zone" ORDER="by what they hold"

\expand collect/base_of_customers.sql BASE=timeline_base CUSTOMER=bigint COLLECTOR=timelines LIST=customer_timelines SUMMARY="timeline event_timeline" COMMENT="a row for each customer of a base, with his timeline; members without events have an empty one"
\expand collect/base_of_customers.sql BASE=timeline_base CUSTOMER=uuid COLLECTOR=timelines LIST=customer_timelines SUMMARY="timeline event_timeline" COMMENT="a row for each customer of a base, with his timeline; members without events have an empty one"
\expand collect/base_of_customers.sql BASE=timeline_base CUSTOMER=text COLLECTOR=timelines LIST=customer_timelines SUMMARY="timeline event_timeline" COMMENT="a row for each customer of a base, with his timeline; members without events have an empty one"

-- timelines(customer, at), (customer, at, value), (customer, at, kind), (customer, at, kind, value),
-- (customer, event), (customer, timeline); and of days, with a zone at the end or without

\expand collect/collector.sql COLLECTOR=timelines FORM=at ARGUMENTS="at timestamptz" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=numeric ARGUMENTS="at timestamptz, value numeric" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and values, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=smallint ARGUMENTS="at timestamptz, value smallint" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and values, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=integer ARGUMENTS="at timestamptz, value integer" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and values, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=bigint ARGUMENTS="at timestamptz, value bigint" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and values, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=kind ARGUMENTS="at timestamptz, kind text" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and kinds of events, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"

-- Columns of any type: floats by their shortest decimal text, enums, days. Stable where days are those
-- of the session's zone, and where a kind may be an enum, whose labels may be renamed.
CREATE FUNCTION timelines_accum_any(state internal, customer "any", at "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timelines_any' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION timelines_accum_any(state internal, customer "any", at "any", kind_or_value "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timelines_any' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION timelines_accum_any(state internal, customer "any", at "any", kind "any", value "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timelines_any' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION timelines_accum_known(state internal, customer "any", at timestamptz, kind text, value "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timelines_any' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION timelines_accum_known(state internal, customer "any", day date, kind text, zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timelines_any_zone' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION timelines_accum_any_zone(state internal, customer "any", day "any", kind_or_value "any", zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timelines_any_zone' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION timelines_accum_any_zone(state internal, customer "any", day "any", kind "any", value "any", zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_timelines_any_zone' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION timelines_accum_any(internal, "any", "any") IS 'part of timelines()';
COMMENT ON FUNCTION timelines_accum_any(internal, "any", "any", "any") IS 'part of timelines()';
COMMENT ON FUNCTION timelines_accum_any(internal, "any", "any", "any", "any") IS 'part of timelines()';
COMMENT ON FUNCTION timelines_accum_known(internal, "any", timestamptz, text, "any") IS 'part of timelines()';
COMMENT ON FUNCTION timelines_accum_known(internal, "any", date, text, text) IS 'part of timelines()';
COMMENT ON FUNCTION timelines_accum_any_zone(internal, "any", "any", "any", text) IS 'part of timelines()';
COMMENT ON FUNCTION timelines_accum_any_zone(internal, "any", "any", "any", "any", text) IS 'part of timelines()';
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="at timestamptz, kind_or_value ""any""" SSPACE=65536 \
	COMMENT="collects everyone''s instants and kinds of events (enums), or values (floats, by their shortest decimal text); another type is error 42804; all this, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_known ARGUMENTS="at timestamptz, kind text, value anycompatible" SSPACE=65536 \
	COMMENT="collects everyone''s instants, kinds and values of events, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="at timestamptz, kind ""any"", value ""any""" SSPACE=65536 \
	COMMENT="collects everyone''s instants, kinds and values of events, of any type that makes sense, else error 42804; all this, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days, by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date, value numeric" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days with values, by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date, value smallint" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days with values, by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date, value integer" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days with values, by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date, value bigint" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days with values, by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date, kind text" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days of kinds, by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date, kind_or_value ""any""" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days of kinds (enums), or with values (floats, by their shortest decimal text), by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date, kind text, value anycompatible" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days of kinds, with values, by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any ARGUMENTS="day date, kind ""any"", value ""any""" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days of kinds, with values, of any type that makes sense, else error 42804, by customer, for metric functions and customer_timelines(). They are days of no zone, and count as local days of the zone in which is asked; each customer''s own timeline has them at their first instants in the session''s TimeZone. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_known ARGUMENTS="day date, kind text, zone text" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days of kinds, by customer, for metric functions and customer_timelines(): each is at its day''s first instant in that zone, which is that of questions that name none; another one is error 22023. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any_zone ARGUMENTS="day date, kind_or_value ""any"", zone text" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days of kinds, or with values, by customer, for metric functions and customer_timelines(): each is at its day''s first instant in that zone, which is that of questions that name none; another one is error 22023. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector_any.sql COLLECTOR=timelines ACCUM=timelines_accum_any_zone ARGUMENTS="day date, kind ""any"", value ""any"", zone text" SSPACE=65536 \
	COMMENT="collects everyone''s events on local days of kinds, with values, by customer, for metric functions and customer_timelines(): each is at its day''s first instant in that zone, which is that of questions that name none; another one is error 22023. A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"

\expand collect/collector.sql COLLECTOR=timelines FORM=event ARGUMENTS="event timeline_event" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s events, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=timeline ARGUMENTS="timeline event_timeline" VOLATILITY=IMMUTABLE SSPACE=262144 \
	COMMENT="collects everyone''s stored timelines, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
