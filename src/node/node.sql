-- The plan nodes: for GROUP BY customer, and for metrics over everyone

CREATE FUNCTION group_node_support(request internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_group_node_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION group_node_support(internal) IS
	'planner support function of the aggregates that GROUP BY customer has a plan node for: what the node knows them by';

CREATE FUNCTION metric_support(request internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_metric_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION metric_support(internal) IS
	'planner support function of the metrics over a base that there is a plan node for: what the node knows them by';
