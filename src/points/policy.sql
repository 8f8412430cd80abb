-- The rules of points: type, constructor, casts.

CREATE TYPE points_policy;

CREATE FUNCTION points_policy_in(text_form cstring) RETURNS points_policy
	AS 'MODULE_PATHNAME', 'loyalty_points_policy_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_out(policy points_policy) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_points_policy_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_recv(message internal) RETURNS points_policy
	AS 'MODULE_PATHNAME', 'loyalty_points_policy_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_send(policy points_policy) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_points_policy_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION points_policy_in(cstring) IS 'text input of points_policy: JSON; checks every rule';
COMMENT ON FUNCTION points_policy_out(points_policy) IS 'text output of points_policy: JSON, in one form for equal rules';
COMMENT ON FUNCTION points_policy_recv(internal) IS 'binary input of points_policy: its text; checks every rule';
COMMENT ON FUNCTION points_policy_send(points_policy) IS 'binary output of points_policy: its text';

CREATE TYPE points_policy (
	INPUT = points_policy_in, OUTPUT = points_policy_out,
	RECEIVE = points_policy_recv, SEND = points_policy_send,
	INTERNALLENGTH = VARIABLE, STORAGE = extended);
COMMENT ON TYPE points_policy IS
	'rules of a points programme: which kinds earn and redeem, when points expire, wait and are spent, from which day on. Written as a JSON object, all of whose keys may be left out: zone, kinds, expires_after, expires_from, expires_align, expires_on, inactive_after, refreshed_by, expiry_boundary, by_label, pending, redeem_order, returns_below_zero, overdraft, versions. ''{}'' is the default: points never expire. make_points_policy() builds one; a jsonb coerces by itself';

CREATE FUNCTION make_points_policy(kinds jsonb DEFAULT NULL, expires_after interval DEFAULT NULL,
		expires_from text DEFAULT NULL, expires_align text DEFAULT NULL, expires_on text DEFAULT NULL,
		inactive_after interval DEFAULT NULL, refreshed_by text[] DEFAULT NULL,
		expiry_boundary text DEFAULT NULL, by_label jsonb DEFAULT NULL, pending interval DEFAULT NULL,
		redeem_order text DEFAULT NULL, returns_below_zero boolean DEFAULT NULL,
		overdraft text DEFAULT NULL, zone text DEFAULT NULL, versions jsonb DEFAULT NULL)
	RETURNS points_policy
	AS 'MODULE_PATHNAME', 'loyalty_make_points_policy' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_points_policy(jsonb, interval, text, text, text, interval, text[], text, jsonb, interval, text, boolean, text, text, jsonb) IS
	'rules of a points programme; NULL is the default of each.
kinds: role of each kind of the ledger, as {"EARN": "earn"}: earn, redeem, return, redeem_refund, expire, adjust, transfer, forfeit, ignore; default: positive values earn, negative ones redeem.
expires_after: interval after which points expire; default: never. expires_from: counted from earning (default) or activation. expires_align: to the end of the local day (default), month, quarter, half_year, year, or none.
expires_on: MM-DD, the day of each year at whose start points expire; instead of expires_after.
inactive_after: interval, a day or more, without activity after which all points expire; refreshed_by: earn, redeem, default both.
expiry_boundary: whether points are gone (default) or still valid at the instant of their expiry.
by_label: expiry of points with a label, as {"promo": {"expires_after": "90 days"}}, {"gift": {"expires": "never"}}.
pending: interval until points can be spent; default 0.
redeem_order: soonest_expiry (default), oldest, newest. overdraft: whether spending more than there is makes a debt (allow, default), is cut (clip), or is an error (refuse). returns_below_zero: whether a return may make a debt; default true.
zone: of local days; default the session''s.
versions: changes from a day on, as [{"from": "2024-07-01", "expires_after": "24 months"}]: of expires, expires_after, expires_from, expires_align, expires_on, by_label, pending; points follow the version of the day on which they were earned.
Never NULL. Error 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';

CREATE FUNCTION points_policy(rules jsonb) RETURNS points_policy
	AS 'MODULE_PATHNAME', 'loyalty_points_policy' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION points_policy(jsonb) IS
	'the rules that a JSON object holds, as the text form has them; NULL for NULL. Error 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';

CREATE CAST (jsonb AS points_policy) WITH FUNCTION points_policy(jsonb) AS IMPLICIT;
COMMENT ON CAST (jsonb AS points_policy) IS
	'rules kept in a jsonb column, as points_policy(jsonb) reads them; implicit, so that such a column is taken as an argument';
CREATE CAST (points_policy AS jsonb) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (points_policy AS jsonb) IS 'the text form of rules as a JSON object';

CREATE FUNCTION points_policy_lt(a points_policy, b points_policy) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_le(a points_policy, b points_policy) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_eq(a points_policy, b points_policy) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_ne(a points_policy, b points_policy) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_ge(a points_policy, b points_policy) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_gt(a points_policy, b points_policy) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_bytes_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_cmp(a points_policy, b points_policy) RETURNS int
	AS 'MODULE_PATHNAME', 'loyalty_bytes_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_hash(policy points_policy) RETURNS int
	AS 'MODULE_PATHNAME', 'loyalty_bytes_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION points_policy_hash_extended(policy points_policy, seed bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'loyalty_bytes_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION points_policy_lt(points_policy, points_policy) IS 'implementation of < operator';
COMMENT ON FUNCTION points_policy_le(points_policy, points_policy) IS 'implementation of <= operator';
COMMENT ON FUNCTION points_policy_eq(points_policy, points_policy) IS 'implementation of = operator';
COMMENT ON FUNCTION points_policy_ne(points_policy, points_policy) IS 'implementation of <> operator';
COMMENT ON FUNCTION points_policy_ge(points_policy, points_policy) IS 'implementation of >= operator';
COMMENT ON FUNCTION points_policy_gt(points_policy, points_policy) IS 'implementation of > operator';
COMMENT ON FUNCTION points_policy_cmp(points_policy, points_policy) IS 'less, equal or greater: -1, 0, 1';
COMMENT ON FUNCTION points_policy_hash(points_policy) IS 'hash';
COMMENT ON FUNCTION points_policy_hash_extended(points_policy, bigint) IS 'hash with a seed';

CREATE OPERATOR < (LEFTARG = points_policy, RIGHTARG = points_policy, FUNCTION = points_policy_lt,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR <= (LEFTARG = points_policy, RIGHTARG = points_policy, FUNCTION = points_policy_le,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR = (LEFTARG = points_policy, RIGHTARG = points_policy, FUNCTION = points_policy_eq,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR <> (LEFTARG = points_policy, RIGHTARG = points_policy, FUNCTION = points_policy_ne,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR >= (LEFTARG = points_policy, RIGHTARG = points_policy, FUNCTION = points_policy_ge,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR > (LEFTARG = points_policy, RIGHTARG = points_policy, FUNCTION = points_policy_gt,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR < (points_policy, points_policy) IS 'less than, by bytes';
COMMENT ON OPERATOR <= (points_policy, points_policy) IS 'less than or equal, by bytes';
COMMENT ON OPERATOR = (points_policy, points_policy) IS 'equal, by bytes';
COMMENT ON OPERATOR <> (points_policy, points_policy) IS 'not equal, by bytes';
COMMENT ON OPERATOR >= (points_policy, points_policy) IS 'greater than or equal, by bytes';
COMMENT ON OPERATOR > (points_policy, points_policy) IS 'greater than, by bytes';

CREATE OPERATOR CLASS points_policy_ops DEFAULT FOR TYPE points_policy USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 points_policy_cmp(points_policy, points_policy);
CREATE OPERATOR CLASS points_policy_ops DEFAULT FOR TYPE points_policy USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 points_policy_hash(points_policy), FUNCTION 2 points_policy_hash_extended(points_policy, bigint);
COMMENT ON OPERATOR CLASS points_policy_ops USING btree IS 'order by bytes: for DISTINCT and the like';
COMMENT ON OPERATOR CLASS points_policy_ops USING hash IS 'hashing';
