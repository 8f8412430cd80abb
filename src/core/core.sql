/* ---- calendar_period ---- */

CREATE TYPE calendar_period;

CREATE FUNCTION calendar_period_in(text cstring) RETURNS calendar_period
	AS 'MODULE_PATHNAME', 'loyalty_calendar_period_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_in(cstring) IS
	'Input function of calendar_period. Error 22023 for an unknown period or time zone, 22008 for an infinite day.';

CREATE FUNCTION calendar_period_out(period calendar_period) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_calendar_period_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_out(calendar_period) IS
	'Output function of calendar_period: the shortest form, in lower case, with dates in ISO form whatever DateStyle is.';

CREATE FUNCTION calendar_period_recv(buffer internal) RETURNS calendar_period
	AS 'MODULE_PATHNAME', 'loyalty_calendar_period_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_recv(internal) IS
	'Binary input function of calendar_period; the binary form is the text form. Errors as for text.';

CREATE FUNCTION calendar_period_send(period calendar_period) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_calendar_period_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_send(calendar_period) IS
	'Binary output function of calendar_period; the binary form is the text form.';

CREATE TYPE calendar_period (
	INPUT = calendar_period_in,
	OUTPUT = calendar_period_out,
	RECEIVE = calendar_period_recv,
	SEND = calendar_period_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE calendar_period IS
	'How days are grouped into periods. day, week (from Monday), month, quarter, half_year, year; with another start: week:sunday, month:15, quarter:02-01, half_year:02-01, year:04-01 (MM-DD; where a month is too short its last day counts); or a list of period starts: {2024-01-01,2024-01-29}, the last period being open. A time zone may follow: month@Europe/Helsinki; without one it is the session''s.';

CREATE FUNCTION calendar_period(days date[]) RETURNS calendar_period
	AS 'MODULE_PATHNAME', 'loyalty_calendar_period'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period(date[]) IS
	'Periods that start on these days, each up to the next; the last one is open. NULL for a NULL array. Error 22004 for a NULL day, 22008 for an infinite one, 22023 where there is none or they aren''t ascending.';

CREATE CAST (date[] AS calendar_period) WITH FUNCTION calendar_period(date[]) AS ASSIGNMENT;
COMMENT ON CAST (date[] AS calendar_period) IS
	'An array of period starts as a period, as calendar_period(date[]) makes it';

CREATE FUNCTION calendar_period_eq(a calendar_period, b calendar_period) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_eq'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_eq(calendar_period, calendar_period) IS
	'Whether two periods are the same, start and time zone included. NULL if either is NULL.';

CREATE FUNCTION calendar_period_ne(a calendar_period, b calendar_period) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_ne'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_ne(calendar_period, calendar_period) IS
	'Whether two periods differ, be it in start or time zone. NULL if either is NULL.';

CREATE FUNCTION calendar_period_lt(a calendar_period, b calendar_period) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_lt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_lt(calendar_period, calendar_period) IS
	'Whether the first sorts before the second. NULL if either is NULL.';

CREATE FUNCTION calendar_period_le(a calendar_period, b calendar_period) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_le'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_le(calendar_period, calendar_period) IS
	'Whether the first sorts before the second or is the same. NULL if either is NULL.';

CREATE FUNCTION calendar_period_gt(a calendar_period, b calendar_period) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_gt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_gt(calendar_period, calendar_period) IS
	'Whether the first sorts after the second. NULL if either is NULL.';

CREATE FUNCTION calendar_period_ge(a calendar_period, b calendar_period) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_ge'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_ge(calendar_period, calendar_period) IS
	'Whether the first sorts after the second or is the same. NULL if either is NULL.';

CREATE FUNCTION calendar_period_cmp(a calendar_period, b calendar_period) RETURNS integer
	AS 'MODULE_PATHNAME', 'loyalty_bytes_cmp'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_cmp(calendar_period, calendar_period) IS
	'-1, 0 or 1 as the first period sorts before, with or after the second. Units sort from day to year, then lists; beyond that the order is arbitrary. NULL if either is NULL.';

CREATE FUNCTION calendar_period_hash(period calendar_period) RETURNS integer
	AS 'MODULE_PATHNAME', 'loyalty_bytes_hash'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_hash(calendar_period) IS
	'Hash of a period: equal periods have equal ones. NULL if it is NULL.';

CREATE FUNCTION calendar_period_hash_extended(period calendar_period, seed bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'loyalty_bytes_hash_extended'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION calendar_period_hash_extended(calendar_period, bigint) IS
	'64-bit hash of a period with a seed: equal periods have equal ones. NULL if either is NULL.';

CREATE OPERATOR = (
	FUNCTION = calendar_period_eq, LEFTARG = calendar_period, RIGHTARG = calendar_period,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES, MERGES
);
COMMENT ON OPERATOR = (calendar_period, calendar_period) IS 'Whether two periods are the same, start and time zone included';

CREATE OPERATOR <> (
	FUNCTION = calendar_period_ne, LEFTARG = calendar_period, RIGHTARG = calendar_period,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (calendar_period, calendar_period) IS 'Whether two periods differ, be it in start or time zone';

CREATE OPERATOR < (
	FUNCTION = calendar_period_lt, LEFTARG = calendar_period, RIGHTARG = calendar_period,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (calendar_period, calendar_period) IS 'Whether the first sorts before the second';

CREATE OPERATOR <= (
	FUNCTION = calendar_period_le, LEFTARG = calendar_period, RIGHTARG = calendar_period,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (calendar_period, calendar_period) IS 'Whether the first sorts before the second or is the same';

CREATE OPERATOR > (
	FUNCTION = calendar_period_gt, LEFTARG = calendar_period, RIGHTARG = calendar_period,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (calendar_period, calendar_period) IS 'Whether the first sorts after the second';

CREATE OPERATOR >= (
	FUNCTION = calendar_period_ge, LEFTARG = calendar_period, RIGHTARG = calendar_period,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (calendar_period, calendar_period) IS 'Whether the first sorts after the second or is the same';

CREATE OPERATOR FAMILY calendar_period_ops USING btree;
COMMENT ON OPERATOR FAMILY calendar_period_ops USING btree IS 'Sorting of calendar_period';

CREATE OPERATOR CLASS calendar_period_ops DEFAULT FOR TYPE calendar_period USING btree FAMILY calendar_period_ops AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 calendar_period_cmp(calendar_period, calendar_period);
COMMENT ON OPERATOR CLASS calendar_period_ops USING btree IS 'Sorting of calendar_period';

CREATE OPERATOR FAMILY calendar_period_ops USING hash;
COMMENT ON OPERATOR FAMILY calendar_period_ops USING hash IS 'Hashing of calendar_period';

CREATE OPERATOR CLASS calendar_period_ops DEFAULT FOR TYPE calendar_period USING hash FAMILY calendar_period_ops AS
	OPERATOR 1 =,
	FUNCTION 1 calendar_period_hash(calendar_period),
	FUNCTION 2 calendar_period_hash_extended(calendar_period, bigint);
COMMENT ON OPERATOR CLASS calendar_period_ops USING hash IS 'Hashing of calendar_period';
