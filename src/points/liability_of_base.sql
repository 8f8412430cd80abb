-- Template: the liability period by period of the points of a base.
--
--	NAME			points or program: NAME_triangle() is asked
--	RULES, ARGUMENT	policy, and "policy points_policy"; or a programme
--	POINTS			"of the points ...", which ones

CREATE FUNCTION @NAME@_liability_by_period(base timeline_base, @ARGUMENT@, period calendar_period, value_per_point numeric,
		method redemption_method DEFAULT '{}', as_of date DEFAULT NULL, by_label boolean DEFAULT false, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (label text, period_start date, period_end date, complete boolean, outstanding numeric, expected numeric, breakage_of_outstanding numeric,
		liability numeric, liability_lower numeric, liability_upper numeric, rate float8, in_all boolean, day date)
	LANGUAGE sql STABLE PARALLEL SAFE COST 100000 ROWS 60
BEGIN ATOMIC
	SELECT l.*
	FROM points_liability_by_period(@NAME@_triangle(base, @RULES@, period, as_of, by_label), value_per_point, method, confidence) l;
END;
COMMENT ON FUNCTION @NAME@_liability_by_period(base timeline_base, @ARGUMENT@, period calendar_period, value_per_point numeric,
		method redemption_method, as_of date, by_label boolean, confidence float8) IS
	'The liability at the end of each period up to the end of the local day as_of (NULL: that of the last event collected), @POINTS@: points_liability_by_period() of its @NAME@_triangle(). No rows for a NULL base; errors as in both.';
