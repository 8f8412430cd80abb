-- Template: one form of a collector for one type of customers. collector.sql has its names; BASE is
-- the type that these customers have in the base.

CREATE FUNCTION @COLLECTOR@_accum(state internal, customer @CUSTOMER@, @ARGUMENTS@) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_@COLLECTOR@_@CUSTOMER@_@FORM@' LANGUAGE C @VOLATILITY@ PARALLEL SAFE;
COMMENT ON FUNCTION @COLLECTOR@_accum(state internal, customer @CUSTOMER@, @ARGUMENTS@) IS 'part of @COLLECTOR@()';
CREATE AGGREGATE @COLLECTOR@(customer @CUSTOMER@, @ARGUMENTS@) (
	SFUNC = @COLLECTOR@_accum, STYPE = internal, SSPACE = @SSPACE@,
	FINALFUNC = @COLLECTOR@_final_@BASE@, FINALFUNC_MODIFY = READ_WRITE,
	COMBINEFUNC = collect_combine, SERIALFUNC = collect_serialize,
	DESERIALFUNC = collect_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE @COLLECTOR@(customer @CUSTOMER@, @ARGUMENTS@) IS
	'@COMMENT@';
