-- Template: what asks survival at a point in time, given in another way than as a number.
--
--	TYPE	interval, or text, as which a literal comes where there are several types
--	POINT	what the point is, in words

CREATE FUNCTION survival_at(result survival_result, t @TYPE@) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_survival_at' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION survival_at(survival_result, @TYPE@) IS
	'the same, with t as @POINT@';
CREATE FUNCTION survival_mean(result survival_result, until @TYPE@,
		OUT mean float8, OUT std_error float8, OUT until numeric)
	AS 'MODULE_PATHNAME', 'loyalty_survival_mean' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION survival_mean(survival_result, @TYPE@) IS
	'the same, with until as @POINT@';
