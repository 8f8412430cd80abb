-- Template: a type of bases, for customers of one type or of any. Its C file has a macro for input
-- and binary input (loyalty_TYPE_in, loyalty_TYPE_recv); output is that of all bases.
--
--	TYPE		the type
--	COMMENT		what it holds

CREATE TYPE @TYPE@;
CREATE FUNCTION @TYPE@_in(text_form cstring) RETURNS @TYPE@
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_out(base @TYPE@) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_base_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_recv(message internal) RETURNS @TYPE@
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_send(base @TYPE@) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_base_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE @TYPE@ (
	INPUT = @TYPE@_in, OUTPUT = @TYPE@_out, RECEIVE = @TYPE@_recv, SEND = @TYPE@_send,
	INTERNALLENGTH = VARIABLE, STORAGE = extended);
COMMENT ON TYPE @TYPE@ IS '@COMMENT@';
COMMENT ON FUNCTION @TYPE@_in(cstring) IS 'text input of @TYPE@; checks every byte';
COMMENT ON FUNCTION @TYPE@_out(@TYPE@) IS 'text output of @TYPE@: hexadecimal bytes';
COMMENT ON FUNCTION @TYPE@_recv(internal) IS 'binary input of @TYPE@; checks every byte';
COMMENT ON FUNCTION @TYPE@_send(@TYPE@) IS 'binary output of @TYPE@';
