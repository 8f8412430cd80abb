-- Everyone's timelines, by customer: timeline_base and its collector, timelines().
-- As for activity_base, there is one type of base for each type of customers.

DO $do$
DECLARE
	base text;
BEGIN
	FOREACH base IN ARRAY ARRAY['timeline_base', 'timeline_base_bigint', 'timeline_base_uuid', 'timeline_base_text'] LOOP
		EXECUTE format($sql$
			CREATE TYPE %1$I;
			CREATE FUNCTION %1$s_in(text_form cstring) RETURNS %1$I
				AS 'MODULE_PATHNAME', 'loyalty_%1$s_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
			CREATE FUNCTION %1$s_out(base %1$I) RETURNS cstring
				AS 'MODULE_PATHNAME', 'loyalty_base_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
			CREATE FUNCTION %1$s_recv(message internal) RETURNS %1$I
				AS 'MODULE_PATHNAME', 'loyalty_%1$s_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
			CREATE FUNCTION %1$s_send(base %1$I) RETURNS bytea
				AS 'MODULE_PATHNAME', 'loyalty_base_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
			CREATE TYPE %1$I (
				INPUT = %1$s_in, OUTPUT = %1$s_out, RECEIVE = %1$s_recv, SEND = %1$s_send,
				INTERNALLENGTH = VARIABLE, STORAGE = extended);
			COMMENT ON FUNCTION %1$s_in(cstring) IS 'text input of %1$s; checks every byte';
			COMMENT ON FUNCTION %1$s_out(%1$I) IS 'text output of %1$s: hexadecimal bytes';
			COMMENT ON FUNCTION %1$s_recv(internal) IS 'binary input of %1$s; checks every byte';
			COMMENT ON FUNCTION %1$s_send(%1$I) IS 'binary output of %1$s';
			$sql$, base);
	END LOOP;
END
$do$;

COMMENT ON TYPE timeline_base IS
	'timelines of many customers, as timelines() collects them: what metric functions take. Lives in memory for one query';
COMMENT ON TYPE timeline_base_bigint IS 'a timeline_base whose customers are numbers';
COMMENT ON TYPE timeline_base_uuid IS 'a timeline_base whose customers are uuids';
COMMENT ON TYPE timeline_base_text IS 'a timeline_base whose customers are texts';

-- Bases of every type of customers compare by these, as they are timeline_bases too.
\expand core/comparison.sql TYPE=timeline_base VALUE=base FUNCTIONS=base SAME="the same: the same customers, each with equal timelines, and as many rows without customer, in the same zone" ORDER="by what they hold"

CREATE CAST (timeline_base_bigint AS timeline_base) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (timeline_base_uuid AS timeline_base) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (timeline_base_text AS timeline_base) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (timeline_base_bigint AS timeline_base) IS 'metric functions take a base whatever its customers are';
COMMENT ON CAST (timeline_base_uuid AS timeline_base) IS 'metric functions take a base whatever its customers are';
COMMENT ON CAST (timeline_base_text AS timeline_base) IS 'metric functions take a base whatever its customers are';

-- timelines(customer, at), (customer, at, value), (customer, at, kind), (customer, event),
-- (customer, timeline)

DO $do$
DECLARE
	customer text;
	kind text;
	base text;
	signature text;
	what text;
BEGIN
	FOREACH kind IN ARRAY ARRAY['bigint', 'uuid', 'text'] LOOP
		EXECUTE format($sql$
			CREATE FUNCTION timelines_final_%1$s(state internal) RETURNS timeline_base_%1$s
				AS 'MODULE_PATHNAME', 'loyalty_collect_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
			COMMENT ON FUNCTION timelines_final_%1$s(internal) IS 'part of timelines()';
			$sql$, kind);
	END LOOP;

	FOREACH customer IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'uuid', 'text'] LOOP
		base := CASE WHEN customer IN ('uuid', 'text') THEN customer ELSE 'bigint' END;
		FOREACH kind IN ARRAY ARRAY['at', 'numeric', 'smallint', 'integer', 'bigint', 'kind', 'event', 'timeline'] LOOP
			signature := CASE kind WHEN 'at' THEN 'at timestamptz' WHEN 'kind' THEN 'at timestamptz, kind text'
				WHEN 'event' THEN 'event timeline_event' WHEN 'timeline' THEN 'timeline event_timeline' ELSE 'at timestamptz, value ' || kind END;
			what := CASE kind WHEN 'at' THEN 'instants' WHEN 'kind' THEN 'instants and kinds of events'
				WHEN 'event' THEN 'events' WHEN 'timeline' THEN 'stored timelines' ELSE 'instants and values' END;
			EXECUTE format($sql$
				CREATE FUNCTION timelines_accum(state internal, customer %1$s, %2$s) RETURNS internal
					AS 'MODULE_PATHNAME', 'loyalty_timelines_%1$s_%3$s' LANGUAGE C IMMUTABLE PARALLEL SAFE;
				COMMENT ON FUNCTION timelines_accum(internal, %1$s, %2$s) IS 'part of timelines()';
				CREATE AGGREGATE timelines(customer %1$s, %2$s) (
					SFUNC = timelines_accum, STYPE = internal, SSPACE = %6$s,
					FINALFUNC = timelines_final_%4$s, FINALFUNC_MODIFY = READ_WRITE,
					COMBINEFUNC = collect_combine, SERIALFUNC = collect_serialize,
					DESERIALFUNC = collect_deserialize, PARALLEL = SAFE);
				COMMENT ON AGGREGATE timelines(customer %1$s, %2$s) IS %5$L;
				$sql$, customer, signature, kind, base,
				format('collects everyone''s %s, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows', what),
				CASE kind WHEN 'timeline' THEN 262144 ELSE 65536 END);
		END LOOP;
	END LOOP;

	FOREACH kind IN ARRAY ARRAY['bigint', 'uuid', 'text'] LOOP
		EXECUTE format($sql$
			CREATE FUNCTION customer_timelines(base timeline_base_%1$s)
				RETURNS TABLE (customer %1$s, timeline event_timeline)
				AS 'MODULE_PATHNAME', 'loyalty_customer_timelines'
				LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT customers_support;
			COMMENT ON FUNCTION customer_timelines(timeline_base_%1$s) IS
				'a row for each customer of a base, with his timeline; members without events have an empty one';
			$sql$, kind);
	END LOOP;
END
$do$;
