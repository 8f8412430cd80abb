-- Template: a type of rules, which is written as a JSON object (policy/policy.h), and its casts
-- from and to jsonb. What the rules are is told by a COMMENT ON TYPE of its own, behind this.
--
--	TYPE	the type

CREATE TYPE @TYPE@;

CREATE FUNCTION @TYPE@_in(text_form cstring) RETURNS @TYPE@
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_out(policy @TYPE@) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_recv(message internal) RETURNS @TYPE@
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_send(policy @TYPE@) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @TYPE@_in(cstring) IS 'text input of @TYPE@: JSON; checks every rule';
COMMENT ON FUNCTION @TYPE@_out(@TYPE@) IS 'text output of @TYPE@: JSON, in one form for equal rules';
COMMENT ON FUNCTION @TYPE@_recv(internal) IS 'binary input of @TYPE@: its text; checks every rule';
COMMENT ON FUNCTION @TYPE@_send(@TYPE@) IS 'binary output of @TYPE@: its text';

CREATE TYPE @TYPE@ (
	INPUT = @TYPE@_in, OUTPUT = @TYPE@_out, RECEIVE = @TYPE@_recv, SEND = @TYPE@_send,
	INTERNALLENGTH = VARIABLE, STORAGE = extended);

CREATE FUNCTION @TYPE@(rules jsonb) RETURNS @TYPE@
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @TYPE@(jsonb) IS
	'the rules that a JSON object holds, as the text form has them; NULL for NULL. Error 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';

CREATE CAST (jsonb AS @TYPE@) WITH FUNCTION @TYPE@(jsonb) AS IMPLICIT;
COMMENT ON CAST (jsonb AS @TYPE@) IS
	'rules kept in a jsonb column, as @TYPE@(jsonb) reads them; implicit, so that such a column is taken as an argument';
-- Drivers give parameters a type: json, or text and varchar for strings. Implicit, since no function
-- takes another type in a policy's place, and operators prefer text's own for texts.
CREATE CAST (json AS @TYPE@) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (json AS @TYPE@) IS
	'rules kept in a json column or given as a json parameter, as the text form has them; implicit, so that these are taken as an argument';
CREATE CAST (text AS @TYPE@) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS @TYPE@) IS
	'the text form of rules; implicit, so that a parameter that a driver gives as text is taken as an argument';
CREATE CAST (varchar AS @TYPE@) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (varchar AS @TYPE@) IS
	'the text form of rules; implicit, so that a parameter that a driver gives as varchar is taken as an argument';
CREATE CAST (@TYPE@ AS jsonb) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (@TYPE@ AS jsonb) IS 'the text form of rules as a JSON object';

\expand core/bytes_operators.sql TYPE=@TYPE@ VALUE=policy
