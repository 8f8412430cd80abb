-- Template: collector_any.sql for one type of customers; BASE is the type that they have in the base.

CREATE AGGREGATE @COLLECTOR@(customer @CUSTOMER@, @ARGUMENTS@) (
	SFUNC = @ACCUM@, STYPE = internal, SSPACE = @SSPACE@,
	FINALFUNC = @COLLECTOR@_final_@BASE@, FINALFUNC_MODIFY = READ_WRITE,
	COMBINEFUNC = collect_combine, SERIALFUNC = collect_serialize,
	DESERIALFUNC = collect_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE @COLLECTOR@(customer @CUSTOMER@, @ARGUMENTS@) IS
	'@COMMENT@';
