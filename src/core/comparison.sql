-- Template: operators = <> < <= >= > of a type, with btree and hash classes.
--
--	TYPE		the type
--	VALUE		name of the argument of its hash functions
--	FUNCTIONS	in C they are loyalty_FUNCTIONS_lt, ..., loyalty_FUNCTIONS_hash_extended
--	SAME		what equal values are, for the comments: the same days
--	ORDER		what the order goes by: day by day

CREATE FUNCTION @TYPE@_lt(a @TYPE@, b @TYPE@) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_le(a @TYPE@, b @TYPE@) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_eq(a @TYPE@, b @TYPE@) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_ne(a @TYPE@, b @TYPE@) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_ge(a @TYPE@, b @TYPE@) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_gt(a @TYPE@, b @TYPE@) RETURNS boolean
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_cmp(a @TYPE@, b @TYPE@) RETURNS int
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_hash(@VALUE@ @TYPE@) RETURNS int
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @TYPE@_hash_extended(@VALUE@ @TYPE@, seed bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'loyalty_@FUNCTIONS@_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @TYPE@_lt(@TYPE@, @TYPE@) IS 'implementation of < operator';
COMMENT ON FUNCTION @TYPE@_le(@TYPE@, @TYPE@) IS 'implementation of <= operator';
COMMENT ON FUNCTION @TYPE@_eq(@TYPE@, @TYPE@) IS 'implementation of = operator';
COMMENT ON FUNCTION @TYPE@_ne(@TYPE@, @TYPE@) IS 'implementation of <> operator';
COMMENT ON FUNCTION @TYPE@_ge(@TYPE@, @TYPE@) IS 'implementation of >= operator';
COMMENT ON FUNCTION @TYPE@_gt(@TYPE@, @TYPE@) IS 'implementation of > operator';
COMMENT ON FUNCTION @TYPE@_cmp(@TYPE@, @TYPE@) IS 'less, equal or greater: below 0, 0, above 0';
COMMENT ON FUNCTION @TYPE@_hash(@TYPE@) IS 'hash';
COMMENT ON FUNCTION @TYPE@_hash_extended(@TYPE@, bigint) IS 'hash with a seed';

CREATE OPERATOR < (LEFTARG = @TYPE@, RIGHTARG = @TYPE@, FUNCTION = @TYPE@_lt,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR <= (LEFTARG = @TYPE@, RIGHTARG = @TYPE@, FUNCTION = @TYPE@_le,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR = (LEFTARG = @TYPE@, RIGHTARG = @TYPE@, FUNCTION = @TYPE@_eq,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR <> (LEFTARG = @TYPE@, RIGHTARG = @TYPE@, FUNCTION = @TYPE@_ne,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR >= (LEFTARG = @TYPE@, RIGHTARG = @TYPE@, FUNCTION = @TYPE@_ge,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR > (LEFTARG = @TYPE@, RIGHTARG = @TYPE@, FUNCTION = @TYPE@_gt,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR < (@TYPE@, @TYPE@) IS 'less than, @ORDER@';
COMMENT ON OPERATOR <= (@TYPE@, @TYPE@) IS 'less than or equal, @ORDER@';
COMMENT ON OPERATOR = (@TYPE@, @TYPE@) IS '@SAME@';
COMMENT ON OPERATOR <> (@TYPE@, @TYPE@) IS 'not @SAME@';
COMMENT ON OPERATOR >= (@TYPE@, @TYPE@) IS 'greater than or equal, @ORDER@';
COMMENT ON OPERATOR > (@TYPE@, @TYPE@) IS 'greater than, @ORDER@';

CREATE OPERATOR CLASS @TYPE@_ops DEFAULT FOR TYPE @TYPE@ USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 @TYPE@_cmp(@TYPE@, @TYPE@);
CREATE OPERATOR CLASS @TYPE@_ops DEFAULT FOR TYPE @TYPE@ USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 @TYPE@_hash(@TYPE@), FUNCTION 2 @TYPE@_hash_extended(@TYPE@, bigint);
COMMENT ON OPERATOR FAMILY @TYPE@_ops USING btree IS 'sorting of @TYPE@';
COMMENT ON OPERATOR FAMILY @TYPE@_ops USING hash IS 'hashing of @TYPE@';
COMMENT ON OPERATOR CLASS @TYPE@_ops USING btree IS 'order of @TYPE@, @ORDER@';
COMMENT ON OPERATOR CLASS @TYPE@_ops USING hash IS 'hashing of @TYPE@';
