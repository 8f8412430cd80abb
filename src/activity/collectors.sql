-- Everyone's activity sets, by customer: activity_base and its collector, activities().
--
-- There is one base type for each type of customers, so that customers come out as
-- they went in; all of them count as activity_base, which metric functions take.

DO $do$
DECLARE
	base text;
BEGIN
	FOREACH base IN ARRAY ARRAY['activity_base', 'activity_base_bigint', 'activity_base_uuid', 'activity_base_text'] LOOP
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

COMMENT ON TYPE activity_base IS
	'active days of many customers, as activities() collects them: what metric functions take. Lives in memory for one query';
COMMENT ON TYPE activity_base_bigint IS 'an activity_base whose customers are numbers';
COMMENT ON TYPE activity_base_uuid IS 'an activity_base whose customers are uuids';
COMMENT ON TYPE activity_base_text IS 'an activity_base whose customers are texts';

-- Bases of every type of customers compare by these, as they are activity_bases too.
\expand core/comparison.sql TYPE=activity_base VALUE=base FUNCTIONS=base SAME="the same: the same customers, each with the same active days, and as many rows without customer, in the same zone" ORDER="by what they hold"

CREATE CAST (activity_base_bigint AS activity_base) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (activity_base_uuid AS activity_base) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (activity_base_text AS activity_base) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (activity_base_bigint AS activity_base) IS 'metric functions take a base whatever its customers are';
COMMENT ON CAST (activity_base_uuid AS activity_base) IS 'metric functions take a base whatever its customers are';
COMMENT ON CAST (activity_base_text AS activity_base) IS 'metric functions take a base whatever its customers are';

-- What all collectors share; timelines() uses these too.

CREATE FUNCTION collect_combine(state internal, other internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_collect_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION collect_serialize(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_collect_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION collect_deserialize(bytes bytea, dummy internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_collect_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION customers_support(request internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_base_customers_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION collect_combine(internal, internal) IS 'part of the collecting aggregates';
COMMENT ON FUNCTION collect_serialize(internal) IS 'part of the collecting aggregates';
COMMENT ON FUNCTION collect_deserialize(bytea, internal) IS 'part of the collecting aggregates';
COMMENT ON FUNCTION customers_support(internal) IS 'tells the planner how many customers a base will have';

-- activities(customer, at), (customer, day), (customer, at, zone), (customer, activity)

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
			CREATE FUNCTION activities_final_%1$s(state internal) RETURNS activity_base_%1$s
				AS 'MODULE_PATHNAME', 'loyalty_collect_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
			COMMENT ON FUNCTION activities_final_%1$s(internal) IS 'part of activities()';
			$sql$, kind);
	END LOOP;

	FOREACH customer IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'uuid', 'text'] LOOP
		base := CASE WHEN customer IN ('uuid', 'text') THEN customer ELSE 'bigint' END;
		FOREACH kind IN ARRAY ARRAY['at', 'day', 'zone', 'set'] LOOP
			signature := CASE kind WHEN 'at' THEN 'at timestamptz' WHEN 'day' THEN 'day date'
				WHEN 'zone' THEN 'at timestamptz, zone text' ELSE 'activity activity_set' END;
			what := CASE kind WHEN 'at' THEN 'active days in the session''s time zone'
				WHEN 'day' THEN 'active days' WHEN 'zone' THEN 'active days in a time zone'
				ELSE 'active days of stored activity sets' END;
			EXECUTE format($sql$
				CREATE FUNCTION activities_accum(state internal, customer %1$s, %2$s) RETURNS internal
					AS 'MODULE_PATHNAME', 'loyalty_activities_%1$s_%3$s' LANGUAGE C %6$s PARALLEL SAFE;
				COMMENT ON FUNCTION activities_accum(internal, %1$s, %2$s) IS 'part of activities()';
				CREATE AGGREGATE activities(customer %1$s, %2$s) (
					SFUNC = activities_accum, STYPE = internal, SSPACE = %7$s,
					FINALFUNC = activities_final_%4$s, FINALFUNC_MODIFY = READ_WRITE,
					COMBINEFUNC = collect_combine, SERIALFUNC = collect_serialize,
					DESERIALFUNC = collect_deserialize, PARALLEL = SAFE);
				COMMENT ON AGGREGATE activities(customer %1$s, %2$s) IS %5$L;
				$sql$, customer, signature, kind, base,
				format('collects everyone''s %s, by customer, for metric functions such as retention(). A row whose instant or set is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows', what),
				CASE WHEN kind = 'at' THEN 'STABLE' ELSE 'IMMUTABLE' END,
				CASE kind WHEN 'set' THEN 49152 ELSE 32768 END);
		END LOOP;
	END LOOP;

	FOREACH kind IN ARRAY ARRAY['bigint', 'uuid', 'text'] LOOP
		EXECUTE format($sql$
			CREATE FUNCTION customer_activities(base activity_base_%1$s)
				RETURNS TABLE (customer %1$s, activity activity_set)
				AS 'MODULE_PATHNAME', 'loyalty_customer_activities'
				LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT customers_support;
			COMMENT ON FUNCTION customer_activities(activity_base_%1$s) IS
				'a row for each customer of a base, with his active days; members without events have an empty set';
			$sql$, kind);
	END LOOP;
END
$do$;
