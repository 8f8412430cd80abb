-- Who the customers are: recency, frequency and monetary value, scores, segments.

-- ---- the scale, and the rules ----

\expand policy/policy_type.sql TYPE=rfm_scale
COMMENT ON TYPE rfm_scale IS
	'what recency, frequency and monetary value score: cut points, as a JSON object {"recency": [...], "frequency": [...], "monetary": [...]}. Each has what scores 2, 3 ... need, in this order: at most so many days since the last purchase (they descend), at least so many purchase days, at least such a sum (these ascend); each as many, one fewer than there are scores. A cut point that stands several times leaves scores out. rfm_scale() makes one from customers'' quantiles, make_rfm_scale() from given numbers; a jsonb coerces by itself';

CREATE FUNCTION make_rfm_scale(recency int[], frequency int[], monetary numeric[])
	RETURNS rfm_scale
	AS 'MODULE_PATHNAME', 'loyalty_make_rfm_scale' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_rfm_scale(int[], int[], numeric[]) IS
	'a fixed scale. recency: how many days ago the last purchase is at most for the scores 2, 3 ..., as {365,180,90,30}; frequency, monetary: purchase days and the sum of values at least, as {2,4,8,16}, {50,100,250,1000}. Each has as many, one fewer than there are scores; at most 36524. Error 22004 for NULL and NULL elements, 22023 for days below 0, another order and different lengths, 22003 for NaN, infinity and more than 18 digits';

CREATE FUNCTION rfm_scale_table(scale rfm_scale)
	RETURNS TABLE (score int, recency_at_most int, frequency_at_least int, monetary_at_least numeric)
	AS 'MODULE_PATHNAME', 'loyalty_rfm_scale_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION rfm_scale_table(rfm_scale) IS
	'a row for each score of a scale, from 1: what it needs. 1 needs nothing, so there are NULLs. A score that has what the next one has is never given. No rows for NULL';

\expand policy/policy_type.sql TYPE=rfm_rules
COMMENT ON TYPE rfm_rules IS
	'segments by scores, as a JSON object {"segments": [{"segment": "Champions", "r": 5, "f": [4, 5], "m": [4, 5]}, ...], "others": "Others"}. The first rule that matches wins. r, f, m: a score, or from and to, both inclusive; what is left out may be any. others: whom no rule matches. A name that several rules have is one segment. {} are the published map: Champions, Potential Loyalist, Loyal Customers, Promising, New Customers, Can''t Lose Them, At Risk, Need Attention, About To Sleep, Lost, Others, on scores from 1 to 5. make_rfm_rules() builds some; a jsonb coerces by itself';

CREATE FUNCTION make_rfm_rules(segments jsonb DEFAULT NULL, others text DEFAULT NULL)
	RETURNS rfm_rules
	AS 'MODULE_PATHNAME', 'loyalty_make_rfm_rules' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_rfm_rules(jsonb, text) IS
	'rules of segments; NULL is the default of each. segments: an array of rules, as [{"segment": "Champions", "r": 5, "f": [4, 5], "m": [4, 5]}], of which the first that matches wins; default: the published map. others: the name of those whom no rule matches; default Others. Error 22023 for a rule that makes no sense, 22P02 for JSON of the wrong form, 54000 for more than 1000 rules';

CREATE FUNCTION rfm_segment(r int, f int, m int, rules rfm_rules DEFAULT '{}')
	RETURNS text
	AS 'MODULE_PATHNAME', 'loyalty_rfm_segment' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION rfm_segment(int, int, int, rfm_rules) IS
	'the segment of these scores: that of the first rule that matches, else the rules'' others. NULL where a score is, as that of a customer who hasn''t bought. A score outside of 1 to 36525 is error 22023, NULL rules 22004';

CREATE FUNCTION rfm_segments_check(rules rfm_rules DEFAULT '{}', bins int DEFAULT 5)
	RETURNS TABLE (problem text, segment text, instead text, r_from int, r_to int, f_from int, f_to int, m_from int, m_to int)
	AS 'MODULE_PATHNAME', 'loyalty_rfm_segments_check' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION rfm_segments_check(rfm_rules, int) IS
	'what rules leave to their order, or out, on scores from 1 to bins. overlap: scores that this segment''s rule matches, but the rule of another one (instead), which stands before it, as well: so that one gets them. never: a rule that matches no scores that are left to it. hole: scores that no rule matches, whose customers are the others (instead); holes don''t overlap, and are in the order of r, f, m. Ranges are inclusive. No rows: nothing of that. NULL rules and bins are error 22004, bins outside of 1 to 36525 22023';

-- ---- one customer ----

-- STABLE, since local days depend on the session's TimeZone where no zone is given, and as_of is current_date by default.

CREATE FUNCTION rfm(timeline event_timeline, as_of date DEFAULT current_date, zone text DEFAULT NULL,
		OUT recency int, OUT frequency int, OUT orders bigint, OUT monetary numeric, OUT mean numeric, OUT tenure int)
	AS 'MODULE_PATHNAME', 'loyalty_rfm' LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION rfm(event_timeline, date, text) IS
	'recency, frequency and monetary value of a customer at the end of the local day as_of. recency: days since the last purchase day; frequency: distinct purchase days; orders: purchases, those with one ref being one; monetary: the sum of values, which returns lower; mean: monetary / orders, as avg() rounds; tenure: days since the first purchase day. A purchase is an event whose value isn''t negative, zero included, or that has none. Without one by as_of recency, mean and tenure are NULL, frequency and orders 0. Days are local to zone, by default the session''s TimeZone. NULLs for a NULL timeline; a NULL as_of is error 22004, an infinite one 22008, an unknown zone 22023';

CREATE FUNCTION rfm_score(timeline event_timeline, scale rfm_scale, as_of date DEFAULT current_date, zone text DEFAULT NULL,
		OUT r int, OUT f int, OUT m int)
	AS 'MODULE_PATHNAME', 'loyalty_rfm_score' LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION rfm_score(event_timeline, rfm_scale, date, text) IS
	'the scores of a customer''s recency, frequency and monetary value at the end of the local day as_of, from 1 up to one more than the scale has cut points. NULLs for a NULL timeline and without a purchase by as_of. A NULL scale is error 22004; others as in rfm()';

-- ---- everyone ----

-- COST of the functions over a base: that of a query, so that collecting in parallel wins.

\expand metric/result_type.sql TYPE=rfm_distribution_result SSPACE=65536 DIFFER="zone or as_of"
\expand metric/result_type.sql TYPE=rfm_census_result SSPACE=4096 DIFFER="scale, rules, zone or as_of"
\expand metric/result_type.sql TYPE=rfm_migration_result SSPACE=4096 DIFFER="scale, rules, zone, from_day or to_day"
COMMENT ON TYPE rfm_distribution_result IS
	'how many customers have each recency, frequency and monetary value, as rfm_distribution() counts them; rfm_scale() makes a scale of it, rfm_distribution_table() turns it into rows, rollup() adds those of disjoint customers. Grows with the values that are different: stored, 5 to 10 bytes each, while counted some 100';
COMMENT ON TYPE rfm_census_result IS
	'customers and revenue by segment, as rfm_census() counts them; rfm_census_table() turns it into rows, rollup() adds those of disjoint customers that are scored by one scale';
COMMENT ON TYPE rfm_migration_result IS
	'from which segment to which customers went, as rfm_migration() counts them; rfm_migration_table() turns it into rows, rollup() adds those of disjoint customers that are scored by one scale';

\expand metric/metric.sql NAME=rfm_distribution C=rfm_distribution RESULT=rfm_distribution_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="as_of date DEFAULT NULL, zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=5 SSPACE=8192 \
	COMMENT="How many customers of a base have each recency, frequency and monetary value, as rfm() has them, at the end of the local day as_of (NULL: that of the last event collected). Who hasn''t bought isn''t counted. Days are local to zone, by default the session''s TimeZone. NULL for a NULL base; an infinite as_of is error 22008, an unknown zone 22023, a customer''s sum of more than 18 digits 22003." \
	AGGREGATE_COMMENT="rfm_distribution() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; as_of and zone must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=rfm_distribution C=rfm_distribution RESULT=rfm_distribution_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="as_of date" \
	COST_OF_A_ROW=5 SSPACE=8192 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

CREATE FUNCTION rfm_distribution_table(result rfm_distribution_result)
	RETURNS TABLE (measure text, value numeric, customers bigint, share float8, cumulative_share float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_rfm_distribution_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 1000;
COMMENT ON FUNCTION rfm_distribution_table(rfm_distribution_result) IS
	'a row for each value of recency, frequency and monetary, ascending: how many customers have it, their share of those who have bought, and the share of those who have it or a lower one (cume_dist). No rows for NULL, and where nobody has bought';

CREATE FUNCTION rfm_scale(result rfm_distribution_result, bins int DEFAULT 5)
	RETURNS rfm_scale
	AS 'MODULE_PATHNAME', 'loyalty_rfm_scale_of_result' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION rfm_scale(rfm_distribution_result, int) IS
	'the scale of so many scores by exact quantiles: customers who are counted score ceil(bins x cume_dist), so that customers with one value have one score; of recency, where fewer days score higher, cume_dist in descending order. NULL for NULL, and where nobody has bought. NULL bins are error 22004, those outside of 1 to 36525 22023';

CREATE FUNCTION rfm_scale(base timeline_base, bins int DEFAULT 5, as_of date DEFAULT NULL, zone text DEFAULT NULL)
	RETURNS rfm_scale
	AS 'MODULE_PATHNAME', 'loyalty_rfm_scale_of_base' LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION rfm_scale(timeline_base, int, date, text) IS
	'the scale of so many scores by the quantiles of the customers of a base, at the end of the local day as_of: rfm_scale(rfm_distribution(base, as_of, zone), bins). NULL for a NULL base, and where nobody has bought; errors as in both';

CREATE FUNCTION rfm_scale_final(state rfm_distribution_result) RETURNS rfm_scale
	AS 'MODULE_PATHNAME', 'loyalty_rfm_scale_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION rfm_scale_final(rfm_distribution_result) IS 'part of the aggregate rfm_scale()';
\expand segments/rfm_scale_aggregate.sql ARGUMENTS="bins int, as_of date, zone text" \
	COMMENT="rfm_scale() over timelines, one for each customer: the scale of so many scores by their quantiles. NULL timelines are left out. NULL without rows, and where nobody has bought. The state holds every value that is different, some 100 bytes each. NULL bins and a NULL as_of are error 22004; bins, as_of and zone must be the same for all rows (22023)"
\expand segments/rfm_scale_aggregate.sql ARGUMENTS="bins int, as_of date" \
	COMMENT="the same in the session''s TimeZone"
\expand segments/rfm_scale_aggregate.sql ARGUMENTS="bins int" \
	COMMENT="rfm_scale() without as_of is error 22004, which says so: an aggregate does not know the last day of all groups"

\expand metric/metric.sql NAME=rfm_census C=rfm_census RESULT=rfm_census_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="scale rfm_scale DEFAULT NULL, rules rfm_rules DEFAULT '{}', as_of date DEFAULT NULL, zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=5 SSPACE=4096 \
	COMMENT="How many customers of a base are in each segment at the end of the local day as_of (NULL: that of the last event collected), what they have brought by then, and how recently and on how many days they have bought. scale: what scores them; NULL: the customers'' own, of 5 scores, which the result then has. rules: what segments are. Who hasn''t bought is in none, and counts as not yet bought. Days are local to zone, by default the session''s TimeZone. NULL for a NULL base; NULL rules are error 22004, an infinite as_of 22008, an unknown zone 22023, sums beyond 128 bits, and without scale a customer''s of more than 18 digits, 22003." \
	AGGREGATE_COMMENT="rfm_census() over timelines, one for each customer. NULL timelines are left out, empty ones have not yet bought. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL scale, which an aggregate can''t make, NULL rules and a NULL as_of are error 22004; all must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=rfm_census C=rfm_census RESULT=rfm_census_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="scale rfm_scale, rules rfm_rules, as_of date" \
	COST_OF_A_ROW=5 SSPACE=4096 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

CREATE FUNCTION rfm_census_table(result rfm_census_result)
	RETURNS TABLE (segment text, rank int, members bigint, share float8, revenue numeric, share_of_revenue float8,
		mean_recency float8, mean_frequency float8, mean_monetary numeric, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_rfm_census_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 12;
COMMENT ON FUNCTION rfm_census_table(rfm_census_result) IS
	'a row for each segment in the order of the rules, also where nobody is in it, the others behind them, and last those who have not yet bought, where there are any. rank: that order, from 1. members, and their share of all; revenue: the sum of their values up to as_of, and its share of all revenue, NULL where that isn''t above zero; mean recency in days, mean purchase days, mean revenue, as avg() rounds; NULL where there is nobody. No rows for NULL';

\expand metric/metric.sql NAME=rfm_migration C=rfm_migration RESULT=rfm_migration_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="scale rfm_scale DEFAULT NULL, rules rfm_rules DEFAULT '{}', from_day date DEFAULT NULL, to_day date DEFAULT NULL, zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=5 SSPACE=8192 \
	COMMENT="How many customers of a base were in which segment at the end of the local day from_day, and are in which at the end of to_day (NULL: that of the last event collected), both scored by one scale: NULL is the customers'' own at to_day, of 5 scores. So at to_day they are where rfm_census() has them. Who hadn''t bought by a day counts as not yet bought there. NULL for a NULL base. A NULL from_day is error 22004, a from_day after to_day 22023, an infinite day 22008; others as in rfm_census()." \
	AGGREGATE_COMMENT="rfm_migration() over timelines, one for each customer. NULL timelines are left out. NULL without rows. A NULL scale, which an aggregate can''t make, NULL rules and a NULL day are error 22004; all must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=rfm_migration C=rfm_migration RESULT=rfm_migration_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="scale rfm_scale, rules rfm_rules, from_day date, to_day date" \
	COST_OF_A_ROW=5 SSPACE=8192 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

CREATE FUNCTION rfm_migration_table(result rfm_migration_result)
	RETURNS TABLE (from_segment text, from_rank int, to_segment text, to_rank int, members bigint, share float8, from_day date, to_day date)
	AS 'MODULE_PATHNAME', 'loyalty_rfm_migration_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 50;
COMMENT ON FUNCTION rfm_migration_table(rfm_migration_result) IS
	'a row for each pair of segments that somebody went between, or stayed in, in the order of their ranks: members, and their share of those who were in from_segment. No rows for NULL';

CREATE FUNCTION rfm_migration_links(result rfm_migration_result)
	RETURNS TABLE (step int, source text, target text, value bigint, source_name text, target_name text)
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 100 ROWS 50
BEGIN ATOMIC
	SELECT 1, link_name(from_segment, 1), link_name(to_segment, 2), members, from_segment, to_segment
	FROM rfm_migration_table(rfm_migration_links.result) ORDER BY from_rank, to_rank;
END;
COMMENT ON FUNCTION rfm_migration_links(rfm_migration_result) IS
	'The rows of rfm_migration_table() as charts of flows take them: a link from a segment of from_day, ''At Risk (1)'', to that of to_day, ''Champions (2)''; value: members. No rows for NULL.';
