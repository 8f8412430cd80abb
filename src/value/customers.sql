-- Template: purchase_summary() of all customers of a base, for each type that they may have.
--
--	CUSTOMER	bigint, uuid, text

CREATE FUNCTION customer_purchase_summaries(base timeline_base_@CUSTOMER@, until date DEFAULT NULL, period text DEFAULT 'day', zone text DEFAULT NULL)
	RETURNS TABLE (customer @CUSTOMER@, x bigint, t_x float8, age float8, m float8)
	AS 'MODULE_PATHNAME', 'loyalty_customer_purchase_summaries' LANGUAGE C STABLE PARALLEL SAFE COST 100000 SUPPORT customer_list_support;
COMMENT ON FUNCTION customer_purchase_summaries(timeline_base_@CUSTOMER@, date, text, text) IS
	'a row for each customer of a base who has a purchase by the end of the local day until (NULL: that of the last event collected), with what purchase_summary() tells of him. Members without purchases are left out. No rows for a NULL base; others as there';
