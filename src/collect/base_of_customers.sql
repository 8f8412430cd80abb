-- Template: what there is for each type that customers have in a base (bigint, uuid, text): the
-- base's cast to that of any customers, what ends its collector, and its customers as rows.
--
--	BASE		activity_base, timeline_base
--	CUSTOMER	bigint, uuid, text
--	COLLECTOR	activities, timelines
--	LIST		the function that lists the customers: customer_activities
--	SUMMARY		what it gives of each: "activity activity_set"
--	COMMENT		of that function

CREATE CAST (@BASE@_@CUSTOMER@ AS @BASE@) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (@BASE@_@CUSTOMER@ AS @BASE@) IS 'metric functions take a base whatever its customers are';
CREATE FUNCTION @COLLECTOR@_final_@CUSTOMER@(state internal) RETURNS @BASE@_@CUSTOMER@
	AS 'MODULE_PATHNAME', 'loyalty_collect_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @COLLECTOR@_final_@CUSTOMER@(internal) IS 'part of @COLLECTOR@()';
CREATE FUNCTION @LIST@(base @BASE@_@CUSTOMER@)
	RETURNS TABLE (customer @CUSTOMER@, @SUMMARY@)
	AS 'MODULE_PATHNAME', 'loyalty_@LIST@'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT customer_list_support;
COMMENT ON FUNCTION @LIST@(@BASE@_@CUSTOMER@) IS
	'@COMMENT@';
