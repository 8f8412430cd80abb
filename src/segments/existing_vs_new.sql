-- Existing customers and new ones, in the same time.

\expand metric/result_type.sql TYPE=existing_vs_new_result SSPACE=2048 DIFFER="new_within, zone, as_of or label"
COMMENT ON TYPE existing_vs_new_result IS
	'what existing and new customers bought in the time up to as_of in which new ones are new, as existing_vs_new() counts it: exact sums, and those of squares and products of customers; existing_vs_new_table() and existing_vs_new_ratios() ask it, rollup() adds those of disjoint customers';

-- STABLE, since days and months are those of the session's TimeZone, unless a zone is given.

\expand metric/metric.sql NAME=existing_vs_new C=existing_vs_new RESULT=existing_vs_new_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="new_within interval, as_of date DEFAULT NULL, label text DEFAULT NULL, zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=2 SSPACE=4096 \
	COMMENT="What existing and new customers of a base bought in the time new_within before the end of the local day as_of (NULL: that of the last event collected). New is whose first purchase (an event that isn''t negative) lies in that time, existing who bought before it, too; who bought nothing in it doesn''t count. Both are judged by that time alone: orders (purchases with one ref are one, those without one each), revenue (the sum of values, what was given back included), and whether they bought something with the label. Days and months are local to zone, by default the session''s TimeZone. A label that no event has is a NOTICE. NULL for a NULL base. A NULL new_within is error 22004, one that isn''t above 0 in a part and 0 or more in each 22023, as an unknown zone is; an infinite as_of 22008; a customer''s revenue with more than 9 decimals 22003." \
	AGGREGATE_COMMENT="existing_vs_new() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; the arguments must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=existing_vs_new C=existing_vs_new RESULT=existing_vs_new_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="new_within interval, as_of date, label text" \
	COST_OF_A_ROW=2 SSPACE=4096 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

\expand metric/aggregate.sql NAME=existing_vs_new C=existing_vs_new RESULT=existing_vs_new_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="new_within interval, as_of date" \
	COST_OF_A_ROW=2 SSPACE=4096 \
	AGGREGATE_COMMENT="the same without label, in the session''s TimeZone"

CREATE FUNCTION existing_vs_new_table(result existing_vs_new_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (segment text, customers bigint, orders bigint, revenue numeric,
		mean_order float8, mean_order_lower float8, mean_order_upper float8,
		spend_per_customer float8, spend_lower float8, spend_upper float8,
		buyers bigint, share float8, share_lower float8, share_upper float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_existing_vs_new_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 2;
COMMENT ON FUNCTION existing_vs_new_table(existing_vs_new_result, float8) IS
	'Two rows, existing and new: customers who bought, their orders and revenue; the mean order (revenue / orders) and spend per customer (revenue / customers), each with Student''s interval over customers, whose orders hang together: that of the mean order is of a quotient of two sums (Cochran, W. G. (1977): Sampling Techniques, 3rd ed., 6.4). buyers: customers who bought something with the label, and their share with Wilson''s score interval; NULL where none was asked about. Means and shares are NULL where there are no customers, intervals of means where there is one. No rows for NULL; a confidence outside of 0 to 1 is error 22023.';

CREATE FUNCTION existing_vs_new_ratios(result existing_vs_new_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (measure text, existing float8, new float8, ratio float8, lower float8, upper float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_existing_vs_new_ratios' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 4;
COMMENT ON FUNCTION existing_vs_new_ratios(existing_vs_new_result, float8) IS
	'A row for each measure: spend per customer, mean order, orders per customer; and share of buyers, where a label was asked about. ratio = existing / new: 1.31 is 31% more. Its interval is Fieller''s, at Student''s t with Welch''s degrees of freedom; for the share, from the two Wilson intervals (Donner and Zou 2012): where it holds 1, there may be no difference. NULL where new ones have none, and ends where the data don''t bound them. No rows for NULL; a confidence outside of 0 to 1 is error 22023.';
