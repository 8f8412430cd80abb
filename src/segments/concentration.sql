-- How much of the revenue few customers bring.

\expand metric/result_type.sql TYPE=concentration_result SSPACE=16384 DIFFER="zone or as_of"
COMMENT ON TYPE concentration_result IS
	'how many customers brought each amount, as concentration() counts them; concentration_table(), concentration_gini() and concentration_lorenz() ask it, rollup() adds those of disjoint customers. Grows with distinct amounts';

-- STABLE, since the last day is one of the session's TimeZone, unless a zone is given.

\expand metric/metric.sql NAME=concentration C=concentration RESULT=concentration_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="as_of date DEFAULT NULL, zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=1 SSPACE=2048 \
	COMMENT="What each customer of a base brought: the sum of his values up to the end of the local day as_of (NULL: that of the last event collected), exact. Customers with an event by then count, be their sum 0 or below; members without one don''t. The day is local to zone, by default the session''s TimeZone; an unknown one is error 22023. NULL for a NULL base; an infinite as_of is error 22008, a sum that 18 digits can''t hold 22003." \
	AGGREGATE_COMMENT="concentration() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; as_of and zone must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=concentration C=concentration RESULT=concentration_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="as_of date" \
	COST_OF_A_ROW=1 SSPACE=2048 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

\expand segments/concentration_of.sql TYPE=numeric
\expand segments/concentration_of.sql TYPE=bigint
\expand segments/concentration_of.sql TYPE=integer
\expand segments/concentration_of.sql TYPE=smallint
\expand segments/concentration_of.sql TYPE="double precision"
\expand segments/concentration_of.sql TYPE=real

CREATE FUNCTION concentration_table(result concentration_result, top_shares numeric[] DEFAULT '{0.01,0.05,0.1,0.2,0.5}')
	RETURNS TABLE (top_share numeric, customers bigint, revenue numeric, revenue_share float8, smallest numeric, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_concentration_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION concentration_table(concentration_result, numeric[]) IS
	'A row for each top share, in the order given: of n customers, ceil(top_share x n) who brought most, what they brought together, its share of the revenue of all, and the smallest amount that one of them brought. Where several brought that amount, it doesn''t matter who of them is among the top. The share of revenue is above 1 where others gave back more than they bought, and NULL where revenue is 0 or below. Without customers there are rows of 0, and NULLs. as_of is NULL straight over sums. No rows for NULL. A share that isn''t above 0 and at most 1 is error 22023, and so is an empty array; a NULL share 22004.';

CREATE FUNCTION concentration_gini(result concentration_result) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_concentration_gini' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION concentration_gini(concentration_result) IS
	'Gini''s coefficient of what customers brought: half the mean difference between two of them, by the mean. 0: all brought the same; (n - 1) / n: one of n brought all (multiply by n / (n - 1) for the estimate of a population from a sample). Sums below 0 count as they are, and may bring it above 1; concentration(greatest(amount, 0)) leaves it below. NULL without customers, where revenue is 0 or below, and for NULL. Gini, C. (1912): Variabilita e mutabilita; in the form of Sen, A. (1973): On Economic Inequality.';

CREATE FUNCTION concentration_lorenz(result concentration_result, points int DEFAULT 100)
	RETURNS TABLE (point int, customer_share float8, revenue_share float8)
	AS 'MODULE_PATHNAME', 'loyalty_concentration_lorenz' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 101;
COMMENT ON FUNCTION concentration_lorenz(concentration_result, int) IS
	'The points of Lorenz''s curve at customer_share = point / points, from 0 to 1: what share of the revenue the customers bring who bring least, from the smallest sum on; between two customers, interpolated. Gini''s coefficient is twice the area between the curve and the diagonal. revenue_share is NULL where revenue is 0 or below; it falls first where there are sums below 0. No rows without customers, and for NULL; points outside of 1 to 36525 are error 22023. Lorenz, M. O. (1905): Methods of measuring the concentration of wealth. Publications of the American Statistical Association 9, 209-219.';
