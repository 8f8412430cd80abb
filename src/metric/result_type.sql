-- Template: a result type that stands on metric/tally.h, and rollup() of it.
-- What it is about is told by a COMMENT ON TYPE of its own, behind this.
--
--	TYPE	the type
--	SSPACE	bytes of a group of rollup(); measured by test/memory.sql, as for all aggregates
--	DIFFER	what results may not differ in, "policy or as_of"

CREATE TYPE @TYPE@;

CREATE FUNCTION @TYPE@_in(text_form cstring) RETURNS @TYPE@
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_out(result @TYPE@) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_recv(message internal) RETURNS @TYPE@
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_send(result @TYPE@) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @TYPE@_in(cstring) IS 'text input of @TYPE@: JSON';
COMMENT ON FUNCTION @TYPE@_out(@TYPE@) IS 'text output of @TYPE@: JSON';
COMMENT ON FUNCTION @TYPE@_recv(internal) IS 'binary input of @TYPE@; checks every byte';
COMMENT ON FUNCTION @TYPE@_send(@TYPE@) IS 'binary output of @TYPE@';

CREATE TYPE @TYPE@ (
	INPUT = @TYPE@_in, OUTPUT = @TYPE@_out, RECEIVE = @TYPE@_recv, SEND = @TYPE@_send,
	INTERNALLENGTH = VARIABLE, STORAGE = extended);

CREATE FUNCTION @TYPE@_merge(a @TYPE@, b @TYPE@) RETURNS @TYPE@
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @TYPE@_merge(@TYPE@, @TYPE@) IS 'part of the aggregates over @TYPE@';

CREATE AGGREGATE rollup(result @TYPE@) (
	SFUNC = @TYPE@_merge, STYPE = @TYPE@, SSPACE = @SSPACE@,
	COMBINEFUNC = @TYPE@_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE rollup(result @TYPE@) IS
	'adds results of disjoint customers; customers that are in several are counted as often. Results that differ in @DIFFER@ are an error (22023). NULLs are left out; NULL without any result';

-- The same for every type: a view over results of any metric asks it.
CREATE FUNCTION result_scope(result @TYPE@, OUT metric text, OUT period text, OUT zone text, OUT as_of date, OUT policy jsonb, OUT arguments jsonb,
		OUT rows_without_customer bigint, OUT members_without_events bigint)
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_scope' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION result_scope(@TYPE@) IS
	'What a result is about: the metric, the period, the zone of its days, the last day that counts, the policy, and what else was asked, as an object; NULL where there is none, or it isn''t known. Beside it, how many rows had no customer and how many customers no event at all. The same function for results of every type.';

\expand core/bytes_operators.sql TYPE=@TYPE@ VALUE=result
