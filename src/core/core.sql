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

-- as for policies: policy/policy_type.sql
CREATE CAST (text AS calendar_period) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS calendar_period) IS
	'The text form of a period; implicit, so that a parameter that a driver gives as text is taken as an argument';
CREATE CAST (varchar AS calendar_period) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (varchar AS calendar_period) IS
	'The text form of a period; implicit, so that a parameter that a driver gives as varchar is taken as an argument';

\expand core/bytes_operators.sql TYPE=calendar_period VALUE=period
