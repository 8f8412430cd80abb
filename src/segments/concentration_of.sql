-- Template: concentration() straight over sums, of a type of numbers. One for each: with a single one of
-- "any" type, or of float8, which numbers prefer, there would be no exact form for a base or an integer.
--
--	TYPE	the type

CREATE FUNCTION concentration_accum(state concentration_result, amount @TYPE@) RETURNS concentration_result
	AS 'MODULE_PATHNAME', 'loyalty_concentration_amount_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION concentration_accum(concentration_result, @TYPE@) IS 'part of the aggregate concentration()';

CREATE AGGREGATE concentration(amount @TYPE@) (
	SFUNC = concentration_accum, STYPE = concentration_result, SSPACE = 4096,
	COMBINEFUNC = concentration_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE concentration(amount @TYPE@) IS
	'The same straight over sums, a customer a row: of any type of numbers, floats by their shortest decimal text. Exact; what 18 digits can''t hold, NaN and infinity are error 22003. Rows with NULL are left out. The result has neither zone nor as_of. NULL without rows.';
