-- activity_set: a customer's active days

CREATE TYPE activity_set;

CREATE FUNCTION activity_set_in(input cstring) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION activity_set_out(activity activity_set) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION activity_set_recv(input internal) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION activity_set_send(activity activity_set) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- of the category of dates, so that a bare NULL or literal finds the overload for timestamptz
CREATE TYPE activity_set (
	INPUT = activity_set_in,
	OUTPUT = activity_set_out,
	RECEIVE = activity_set_recv,
	SEND = activity_set_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended,
	CATEGORY = 'D'
);

COMMENT ON TYPE activity_set IS
	'The days on which a customer was active: distinct, finite, in order. Text form {2024-01-05,2024-01-09}, whatever DateStyle says; {} for a customer without activity. Input takes days in any order and drops repetitions; infinity is error 22008. Takes one byte a day where days are less than 128 apart.';
COMMENT ON FUNCTION activity_set_in(cstring) IS 'text input of activity_set';
COMMENT ON FUNCTION activity_set_out(activity_set) IS 'text output of activity_set';
COMMENT ON FUNCTION activity_set_recv(internal) IS 'binary input of activity_set: byte version, int32 number of days, int32 days from 2000-01-01';
COMMENT ON FUNCTION activity_set_send(activity_set) IS 'binary output of activity_set: byte version, int32 number of days, int32 days from 2000-01-01';

-- ---- arrays ----

CREATE FUNCTION activity_set(days date[]) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_from_dates' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION activity_set(date[]) IS
	'The set of these days, given in any order, with or without repetitions. NULL for a NULL array; a NULL element is error 22004, infinity 22008.';

CREATE FUNCTION activity_set(during daterange, as_of date DEFAULT NULL) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_range' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION activity_set(daterange, date) IS
	'All days of a range, such as a subscription''s: daterange(starts, ends) has the days from starts to the one before ends. Days after as_of are left out; NULL: none are. No days of an empty range; NULL for a NULL one. A range without lower bound is error 22023, and so is one without upper bound where as_of is NULL; one of more than 100000 days is 54000, an infinite as_of 22008.';

CREATE FUNCTION activity_set_to_dates(activity activity_set) RETURNS date[]
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_to_dates' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION activity_set_to_dates(activity_set) IS 'The days as an array, in order: activity::date[].';

CREATE CAST (date[] AS activity_set) WITH FUNCTION activity_set(date[]) AS ASSIGNMENT;
CREATE CAST (activity_set AS date[]) WITH FUNCTION activity_set_to_dates(activity_set) AS ASSIGNMENT;

COMMENT ON CAST (date[] AS activity_set) IS 'the set of these days';
COMMENT ON CAST (activity_set AS date[]) IS 'the days in order';

-- ---- set operators ----

CREATE FUNCTION activity_set_union(a activity_set, b activity_set) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_union' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION activity_set_difference(a activity_set, b activity_set) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_difference' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_set_intersection(a activity_set, b activity_set) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_intersection' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_set_contains(activity activity_set, day date) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_contains' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_set_contained(day date, activity activity_set) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_activity_set_contained' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION activity_set_union(activity_set, activity_set) IS 'implementation of + operator';
COMMENT ON FUNCTION activity_set_difference(activity_set, activity_set) IS 'implementation of - operator';
COMMENT ON FUNCTION activity_set_intersection(activity_set, activity_set) IS 'implementation of * operator';
COMMENT ON FUNCTION activity_set_contains(activity_set, date) IS 'implementation of @> operator';
COMMENT ON FUNCTION activity_set_contained(date, activity_set) IS 'implementation of <@ operator';

CREATE OPERATOR + (
	LEFTARG = activity_set, RIGHTARG = activity_set, FUNCTION = activity_set_union,
	COMMUTATOR = +
);
CREATE OPERATOR - (
	LEFTARG = activity_set, RIGHTARG = activity_set, FUNCTION = activity_set_difference
);
CREATE OPERATOR * (
	LEFTARG = activity_set, RIGHTARG = activity_set, FUNCTION = activity_set_intersection,
	COMMUTATOR = *
);
CREATE OPERATOR @> (
	LEFTARG = activity_set, RIGHTARG = date, FUNCTION = activity_set_contains,
	COMMUTATOR = <@, RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <@ (
	LEFTARG = date, RIGHTARG = activity_set, FUNCTION = activity_set_contained,
	COMMUTATOR = @>, RESTRICT = contsel, JOIN = contjoinsel
);

COMMENT ON OPERATOR + (activity_set, activity_set) IS 'union: days active in either. NULL is no days, as for rollup(): NULL only where both are';
COMMENT ON OPERATOR - (activity_set, activity_set) IS
	'difference: days of the first that are not in the second. A set does not count orders: taking away the day of one order loses the day even where another order of that day remains';
COMMENT ON OPERATOR * (activity_set, activity_set) IS 'intersection: days active in both';
COMMENT ON OPERATOR @> (activity_set, date) IS 'is the day active?';
COMMENT ON OPERATOR <@ (date, activity_set) IS 'is the day active?';

CREATE FUNCTION activity_replace(stored activity_set, fresh activity_set, since date, until date) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_replace' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION activity_replace(activity_set, activity_set, date, date) IS
	'The days of stored outside of [since, until), and those of fresh: what a load of that time brings, in place of all that an earlier load of it brought. A NULL bound is open. A day of fresh outside of that time is error 22023, which names it. NULL is no days: NULL only where stored and fresh are.';

-- ---- comparison ----

\expand core/comparison.sql TYPE=activity_set VALUE=activity FUNCTIONS=activity_set SAME="the same days" ORDER="as the arrays of days compare"

-- ---- accessors ----

CREATE FUNCTION activity_first(activity activity_set) RETURNS date
	AS 'MODULE_PATHNAME', 'loyalty_activity_first' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_last(activity activity_set) RETURNS date
	AS 'MODULE_PATHNAME', 'loyalty_activity_last' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_count(activity activity_set) RETURNS bigint
	AS 'MODULE_PATHNAME', 'loyalty_activity_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_count(activity activity_set, since date, until date) RETURNS bigint
	AS 'MODULE_PATHNAME', 'loyalty_activity_count_range' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION activity_count(activity activity_set, period calendar_period) RETURNS bigint
	AS 'MODULE_PATHNAME', 'loyalty_activity_count_periods' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_days(activity activity_set) RETURNS SETOF date
	AS 'MODULE_PATHNAME', 'loyalty_activity_days' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
CREATE FUNCTION activity_gaps(activity activity_set) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'loyalty_activity_gaps' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_streak(activity activity_set, period calendar_period DEFAULT 'day', as_of date DEFAULT current_date) RETURNS integer
	AS 'MODULE_PATHNAME', 'loyalty_activity_streak' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION activity_longest_streak(activity activity_set, period calendar_period DEFAULT 'day') RETURNS integer
	AS 'MODULE_PATHNAME', 'loyalty_activity_longest_streak' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION activity_first(activity_set) IS 'The first active day; NULL for an empty set.';
COMMENT ON FUNCTION activity_last(activity_set) IS 'The last active day; NULL for an empty set.';
COMMENT ON FUNCTION activity_count(activity_set) IS 'How many active days there are; 0 for an empty set.';
COMMENT ON FUNCTION activity_count(activity_set, date, date) IS
	'How many active days there are in [since, until); a NULL bound is open. NULL only for a NULL set.';
COMMENT ON FUNCTION activity_count(activity_set, calendar_period) IS
	'How many periods have an active day. With a list of period starts, a day before the first is error 22008. The days are local already: a zone in the period changes nothing.';
COMMENT ON FUNCTION activity_days(activity_set) IS 'The active days, in order, one a row.';
COMMENT ON FUNCTION activity_gaps(activity_set) IS
	'The numbers of days from each active day to the next, in order; {} with fewer than two days.';
COMMENT ON FUNCTION activity_streak(activity_set, calendar_period, date) IS
	'How many periods in a row have an active day, up to the period of as_of, or up to the one before where the period of as_of has none yet; 0 where neither has. Days after as_of do not exist for the answer. An infinite as_of is error 22008.';
COMMENT ON FUNCTION activity_longest_streak(activity_set, calendar_period) IS
	'The largest number of periods in a row that have an active day; 0 for an empty set.';

-- ---- aggregates ----

-- COST: what handles a group takes as long as its 20 days or so. Where nearly each worker sees
-- nearly each group, handing over all of them is what makes workers slower than none.
CREATE FUNCTION activity_agg_add(state internal, at timestamptz) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_add_at' LANGUAGE C STABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION activity_agg_add(state internal, day date) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_add_day' LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION activity_agg_add(state internal, at timestamptz, zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_add_at_zone' LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION activity_agg_add(state internal, day date, zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_add_day_zone' LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT group_node_support;
CREATE FUNCTION activity_agg_add(state internal, activity activity_set) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_add_set' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 SUPPORT group_node_support;
CREATE FUNCTION activity_agg_combine(state internal, other internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
CREATE FUNCTION activity_agg_serialize(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
CREATE FUNCTION activity_agg_deserialize(partial bytea, dummy internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
CREATE FUNCTION activity_agg_final(state internal) RETURNS activity_set
	AS 'MODULE_PATHNAME', 'loyalty_activity_agg_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION activity_agg_add(internal, timestamptz) IS 'aggregate transition function';
COMMENT ON FUNCTION activity_agg_add(internal, date) IS 'aggregate transition function';
COMMENT ON FUNCTION activity_agg_add(internal, timestamptz, text) IS 'aggregate transition function';
COMMENT ON FUNCTION activity_agg_add(internal, date, text) IS 'aggregate transition function';
COMMENT ON FUNCTION activity_agg_add(internal, activity_set) IS 'aggregate transition function';
COMMENT ON FUNCTION activity_agg_combine(internal, internal) IS 'aggregate combine function';
COMMENT ON FUNCTION activity_agg_serialize(internal) IS 'aggregate serial function';
COMMENT ON FUNCTION activity_agg_deserialize(bytea, internal) IS 'aggregate deserial function';
COMMENT ON FUNCTION activity_agg_final(internal) IS 'aggregate final function';

-- SSPACE: the chunk that holds a group of 20 to 40 days with its head; see activity_agg.c, test/memory.sql
CREATE AGGREGATE activity_agg(at timestamptz) (
	SFUNC = activity_agg_add, STYPE = internal, SSPACE = 128,
	FINALFUNC = activity_agg_final, COMBINEFUNC = activity_agg_combine,
	SERIALFUNC = activity_agg_serialize, DESERIALFUNC = activity_agg_deserialize,
	PARALLEL = SAFE
);
CREATE AGGREGATE activity_agg(day date) (
	SFUNC = activity_agg_add, STYPE = internal, SSPACE = 128,
	FINALFUNC = activity_agg_final, COMBINEFUNC = activity_agg_combine,
	SERIALFUNC = activity_agg_serialize, DESERIALFUNC = activity_agg_deserialize,
	PARALLEL = SAFE
);
CREATE AGGREGATE activity_agg(at timestamptz, zone text) (
	SFUNC = activity_agg_add, STYPE = internal, SSPACE = 128,
	FINALFUNC = activity_agg_final, COMBINEFUNC = activity_agg_combine,
	SERIALFUNC = activity_agg_serialize, DESERIALFUNC = activity_agg_deserialize,
	PARALLEL = SAFE
);
CREATE AGGREGATE activity_agg(day date, zone text) (
	SFUNC = activity_agg_add, STYPE = internal, SSPACE = 128,
	FINALFUNC = activity_agg_final, COMBINEFUNC = activity_agg_combine,
	SERIALFUNC = activity_agg_serialize, DESERIALFUNC = activity_agg_deserialize,
	PARALLEL = SAFE
);
CREATE AGGREGATE rollup(activity activity_set) (
	SFUNC = activity_agg_add, STYPE = internal, SSPACE = 128,
	FINALFUNC = activity_agg_final, COMBINEFUNC = activity_agg_combine,
	SERIALFUNC = activity_agg_serialize, DESERIALFUNC = activity_agg_deserialize,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE activity_agg(timestamptz) IS
	'The distinct local days of these instants, in the session''s TimeZone. A NULL adds no day: a group with NULLs only gives the empty set. NULL without rows. Infinity is error 22008.';
COMMENT ON AGGREGATE activity_agg(date) IS
	'The set of these days. A NULL adds no day: a group with NULLs only gives the empty set. NULL without rows. Infinity is error 22008.';
COMMENT ON AGGREGATE activity_agg(timestamptz, text) IS
	'The distinct local days of these instants in a time zone. A NULL instant adds no day: a group with NULLs only gives the empty set. NULL without rows. A NULL zone is error 22004, an unknown one 22023, infinity 22008.';
COMMENT ON AGGREGATE activity_agg(date, text) IS
	'The set of these days, which are local days of a time zone already. A NULL day adds no day: a group with NULLs only gives the empty set. NULL without rows. A NULL zone is error 22004, an unknown one 22023, infinity 22008.';
COMMENT ON AGGREGATE rollup(activity_set) IS
	'The union of sets: days active in any of them. NULLs are left out; NULL where there is nothing else.';
