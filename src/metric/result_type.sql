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

\expand core/bytes_operators.sql TYPE=@TYPE@ VALUE=result
