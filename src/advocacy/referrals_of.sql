-- Template: referrals() for one type of columns.
--
--	CUSTOMER	the type
--	OF			that of customers in the result: bigint, uuid, text

CREATE FUNCTION referrals_accum(state referrals_result_@OF@, customer @CUSTOMER@, referrer @CUSTOMER@) RETURNS referrals_result_@OF@
	AS 'MODULE_PATHNAME', 'loyalty_referrals_@CUSTOMER@' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION referrals_accum(state referrals_result_@OF@, customer @CUSTOMER@, referrer @CUSTOMER@) IS 'part of referrals()';
CREATE AGGREGATE referrals(customer @CUSTOMER@, referrer @CUSTOMER@) (
	SFUNC = referrals_accum, STYPE = referrals_result_@OF@, SSPACE = 16384,
	COMBINEFUNC = referrals_result_@OF@_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE referrals(customer @CUSTOMER@, referrer @CUSTOMER@) IS
	'collects who brought whom, in any order, each pair once: a row is a customer, and the referrer who brought him, NULL where nobody did. Rows with a NULL customer are only counted. Its referral_table(), referral_summary(), referral_generations(), referral_links() and referral_value() tell the rest. NULL without rows; a customer who is numeric and no whole number is error 22023, beyond bigint 22003';
