-- Template: who is in a cell of a metric's table, for one type of customers. members.sql has its names;
-- BASES are the arguments that are bases.

CREATE FUNCTION @NAME@_members(@BASES@, @ARGUMENTS@)
	RETURNS TABLE (customer @CUSTOMER@)
	AS 'MODULE_PATHNAME', 'loyalty_@C@_members'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000 SUPPORT customers_support;
COMMENT ON FUNCTION @NAME@_members(@BASES@, @ARGUMENTS_WITHOUT_DEFAULTS@) IS
	'@COMMENT@';
