-- Template: what referrals() gives for one type of customers, and what it is asked.
--
--	CUSTOMER	bigint, uuid, text
--	CUSTOMERS	"numbers", for the comment

CREATE TYPE referrals_result_@CUSTOMER@;

CREATE FUNCTION referrals_result_@CUSTOMER@_in(text_form cstring) RETURNS referrals_result_@CUSTOMER@
	AS 'MODULE_PATHNAME', 'loyalty_referrals_result_@CUSTOMER@_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION referrals_result_@CUSTOMER@_out(result referrals_result_@CUSTOMER@) RETURNS cstring
	AS 'MODULE_PATHNAME', 'loyalty_referrals_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION referrals_result_@CUSTOMER@_recv(message internal) RETURNS referrals_result_@CUSTOMER@
	AS 'MODULE_PATHNAME', 'loyalty_referrals_result_@CUSTOMER@_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION referrals_result_@CUSTOMER@_send(result referrals_result_@CUSTOMER@) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_referrals_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION referrals_result_@CUSTOMER@_in(cstring) IS 'text input of referrals_result_@CUSTOMER@: JSON';
COMMENT ON FUNCTION referrals_result_@CUSTOMER@_out(referrals_result_@CUSTOMER@) IS 'text output of referrals_result_@CUSTOMER@: JSON';
COMMENT ON FUNCTION referrals_result_@CUSTOMER@_recv(internal) IS 'binary input of referrals_result_@CUSTOMER@; checks every byte';
COMMENT ON FUNCTION referrals_result_@CUSTOMER@_send(referrals_result_@CUSTOMER@) IS 'binary output of referrals_result_@CUSTOMER@';

CREATE TYPE referrals_result_@CUSTOMER@ (
	INPUT = referrals_result_@CUSTOMER@_in, OUTPUT = referrals_result_@CUSTOMER@_out,
	RECEIVE = referrals_result_@CUSTOMER@_recv, SEND = referrals_result_@CUSTOMER@_send,
	INTERNALLENGTH = VARIABLE, STORAGE = extended);
COMMENT ON TYPE referrals_result_@CUSTOMER@ IS
	'who brought whom, as referrals() collects it: customers, which are @CUSTOMERS@, with all the different referrers that were named for each; and how many rows had no customer. rollup() adds them up, in any order, customers that are in several included. Grows with customers';

CREATE FUNCTION referrals_result_@CUSTOMER@_merge(a referrals_result_@CUSTOMER@, b referrals_result_@CUSTOMER@) RETURNS referrals_result_@CUSTOMER@
	AS 'MODULE_PATHNAME', 'loyalty_referrals_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION referrals_result_@CUSTOMER@_merge(referrals_result_@CUSTOMER@, referrals_result_@CUSTOMER@) IS 'part of the aggregates over referrals_result_@CUSTOMER@';
CREATE AGGREGATE rollup(result referrals_result_@CUSTOMER@) (
	SFUNC = referrals_result_@CUSTOMER@_merge, STYPE = referrals_result_@CUSTOMER@, SSPACE = 16384,
	COMBINEFUNC = referrals_result_@CUSTOMER@_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE rollup(result referrals_result_@CUSTOMER@) IS
	'what referrals() would give for all rows of these results: a customer who is in several counts once, with all referrers that were named for him. Rows without customer are added up. NULLs are left out; NULL without any result';

CREATE FUNCTION result_scope(result referrals_result_@CUSTOMER@, OUT metric text, OUT period text, OUT zone text, OUT as_of date, OUT policy jsonb, OUT arguments jsonb,
		OUT rows_without_customer bigint, OUT members_without_events bigint)
	AS 'MODULE_PATHNAME', 'loyalty_referrals_scope' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION result_scope(referrals_result_@CUSTOMER@) IS
	'The same function as for results of every type: the metric is "referrals", and of the rest only rows_without_customer tells something.';

CREATE FUNCTION referral_table(result referrals_result_@CUSTOMER@)
	RETURNS TABLE (customer @CUSTOMER@, referrer @CUSTOMER@, root @CUSTOMER@, depth int, direct bigint, downstream bigint,
		is_customer boolean, referrers int, unknown_referrer boolean, self_referral boolean, in_cycle boolean)
	AS 'MODULE_PATHNAME', 'loyalty_referral_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT customers_support;
COMMENT ON FUNCTION referral_table(referrals_result_@CUSTOMER@) IS
	'A row for each customer, and for each who is only named as a referrer (is_customer is false), by customer: the referrer who counts, NULL where nobody brought him; the root, who began the chain, and depth, how many referrals lead from there to him, 0 for the root himself; direct, how many he brought, and downstream, those and all that came by them. referrers: how many different ones were named, himself left out; of several that one counts who is a customer, of these the smallest (texts by their bytes). unknown_referrer: who counts is no customer. self_referral: he was named as his own, which is not followed. in_cycle: he and others brought each other in a circle; then root, depth and downstream are NULL, and for who comes below a circle root and depth. No rows for NULL.';

CREATE FUNCTION referral_links(result referrals_result_@CUSTOMER@)
	RETURNS TABLE (customer @CUSTOMER@, referrer @CUSTOMER@, counts boolean)
	AS 'MODULE_PATHNAME', 'loyalty_referral_links' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT customers_support;
COMMENT ON FUNCTION referral_links(referrals_result_@CUSTOMER@) IS
	'What was collected: a row for each customer and each referrer who was named for him, once, by customer and referrer; counts tells which of them referral_table() goes by. A customer without any has one row, of NULLs. No rows for NULL.';

CREATE FUNCTION referral_generations(result referrals_result_@CUSTOMER@)
	RETURNS TABLE (generation int, members bigint, referring bigint, referrals bigint, referring_share float8, referrals_per_referrer float8, referrals_per_customer float8)
	AS 'MODULE_PATHNAME', 'loyalty_referral_generations' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 20;
COMMENT ON FUNCTION referral_generations(referrals_result_@CUSTOMER@) IS
	'A row for each depth, 0 being those whom nobody brought, who are only named as referrers included: members; how many of them brought somebody, and whom they brought, the members of the next generation. referrals_per_customer is K, referrals / members: all of the generation are its denominator (the mean number of offspring of a branching process, Harris 1963). It is referring_share = referring / members times referrals_per_referrer = referrals / referring, which is NULL where nobody brought anybody. The last generation''s is 0: those whom it will bring are not there yet. Customers in circles and below them are in no generation. No rows for NULL.';

CREATE FUNCTION referral_summary(result referrals_result_@CUSTOMER@,
		OUT customers bigint, OUT referred bigint, OUT referred_share float8, OUT roots bigint, OUT referring bigint, OUT mean_depth float8, OUT max_depth int,
		OUT referrals_per_customer float8, OUT unknown_referrers bigint, OUT self_referrals bigint, OUT several_referrers bigint,
		OUT cycles bigint, OUT in_cycles bigint, OUT below_cycles bigint, OUT rows_without_customer bigint)
	AS 'MODULE_PATHNAME', 'loyalty_referral_summary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION referral_summary(referrals_result_@CUSTOMER@) IS
	'All in one row: customers; those whom somebody brought, and their share; roots, who began a chain (depth 0), unknown referrers included; how many brought somebody; mean and maximum depth of customers in chains; referrals_per_customer, referred / (customers + unknown_referrers). Then what isn''t a chain: who is only named as a referrer; customers who were named as their own; with several referrers; circles, customers in them, and customers below them; rows without customer. Shares and means of nobody are NULL; NULLs for NULL.';

CREATE FUNCTION referral_value(referrals referrals_result_@CUSTOMER@, base timeline_base, as_of date DEFAULT NULL)
	RETURNS TABLE (root @CUSTOMER@, chain text, rank int, members bigint, direct bigint, downstream bigint,
		own_spend numeric, direct_spend numeric, downstream_spend numeric, not_in_base bigint, last_day date)
	AS 'MODULE_PATHNAME', 'loyalty_referral_value' LANGUAGE C STABLE PARALLEL SAFE COST 100000 SUPPORT customers_support;
COMMENT ON FUNCTION referral_value(referrals_result_@CUSTOMER@, timeline_base, date) IS
	'What the customers of each chain spent by as_of: the sum of the values of a base''s timelines, whose customers are of the same type (else error 42804). A row for each root, by root: members of the chain, he included; direct, whom he brought, and downstream, those and all that came by them; own_spend, direct_spend and downstream_spend, which includes the direct; not_in_base, how many members the base doesn''t have: they spent 0. chain is customer, or unknown referrer where the root is no customer of the referrals; then, with root NULL, one row for customers in circles and below them (cycle), and one for those of the base whom no referral names (no referral): there own_spend is that of all of them. So own_spend and downstream_spend of all rows add up to what the base spent. rank sorts these. as_of counts to the end of the local day; NULL: the day of the last event, but no later than today; last_day has it. No rows where referrals or base is NULL; an infinite as_of is error 22008.';

\expand core/bytes_operators.sql TYPE=referrals_result_@CUSTOMER@ VALUE=result
