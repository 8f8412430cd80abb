-- Template: what asks cumulative incidences at a point in time, given in another way than as a number.
-- point.sql has its names.

CREATE FUNCTION cumulative_incidence_at(result cumulative_incidence_result, t @TYPE@, confidence float8 DEFAULT 0.95, interval_kind text DEFAULT 'log-log')
	RETURNS TABLE (cause text, incidence float8, std_error float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_cumulative_incidence_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 5;
COMMENT ON FUNCTION cumulative_incidence_at(cumulative_incidence_result, @TYPE@, float8, text) IS
	'the same, with t as @POINT@';
