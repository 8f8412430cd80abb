-- How long customers stay, what they will buy, and what they are worth.

-- ---- models ----

\expand value/model_type.sql TYPE=purchase_model
COMMENT ON TYPE purchase_model IS
	'how often customers buy and how long they stay: a model that was fitted, or is written, as a JSON object {"kind": "bgnbd", "period": "week", "parameters": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}}. kind: bgnbd, mbgnbd or paretonbd (r, alpha, s, beta); period: what its times are counted in, day, week, month, quarter or year, or left out. Of a fit also customers, log_likelihood, iterations, converged, on_edge (the parameters that end on the edge of what is looked at, from 0.0001 to 10000, alpha and beta in units of the longest age) and covariance. bgnbd_fit(), mbgnbd_fit() and paretonbd_fit() make one; a jsonb coerces by itself';

\expand value/model_type.sql TYPE=spend_model
COMMENT ON TYPE spend_model IS
	'what customers spend on a purchase: a model that was fitted, or is written, as a JSON object {"kind": "gammagamma", "parameters": {"p": 6.25, "q": 3.74, "g": 15.44}}, and of a fit what a purchase_model has, too; g is bounded in units of the mean. gammagamma_fit() makes one; a jsonb coerces by itself';

\expand value/model_type.sql TYPE=renewal_model
COMMENT ON TYPE renewal_model IS
	'how long customers under contract stay: a model that was fitted, or is written, as a JSON object {"kind": "sbg", "parameters": {"a": 0.668, "b": 3.806}}, and of a fit what a purchase_model has, too. sbg_fit() makes one; a jsonb coerces by itself';

-- ---- what models are fitted to ----

\expand value/sample.sql NAME=purchase_sample ARGUMENTS="x bigint, t_x float8, age float8" SSPACE=16384 DIFFER="period" \
	COMMENT="counts customers, a row each, for a model of their purchases. x counts a customer''s purchases after the first one (of several on one day, one), t_x is how long after the first one the last one was (0 where x is 0), age how long ago, at the end of the observation, the first one was; times in any unit, fractions too. Rows with a NULL are left out. Error 22023, with the numbers, for what no customer can have: t_x after age or without purchases, anything below 0; 22003 for NaN, infinity, x above 1000000, times outside of 1e-15 to 1e15. NULL without rows"
\expand value/sample_aggregate.sql NAME=purchase_sample ARGUMENTS="x bigint, t_x float8, age float8, period text" SSPACE=16384 \
	COMMENT="the same; period, day, week, month, quarter or year, says what t_x and age are counted in, so that the model takes intervals as well: the same for all rows (22023)"
COMMENT ON TYPE purchase_sample_result IS
	'customers by how often they bought again, when last, and how long they are known, as purchase_sample() counts them: what bgnbd_fit(), mbgnbd_fit() and paretonbd_fit() fit a model to; rollup() adds those of disjoint customers. Grows with what is different, not with customers';

\expand value/sample.sql NAME=spend_sample ARGUMENTS="x bigint, m float8" SSPACE=16384 DIFFER="nothing" \
	COMMENT="counts customers, a row each, for a model of what they spend. x counts a customer''s purchases after the first one, m is their mean value, without the first one''s. Who has not bought again, or spent nothing (m is 0), is left out, and so are rows with a NULL. Error 22023, with the numbers, for anything below 0; 22003 for NaN, infinity, x above 1000000. NULL without rows"
COMMENT ON TYPE spend_sample_result IS
	'customers by how often they bought again, and the mean value of that, as spend_sample() counts them: what gammagamma_fit() fits a model to; rollup() adds those of disjoint customers';
COMMENT ON AGGREGATE rollup(result spend_sample_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. NULLs are left out; NULL without any result';

\expand value/sample.sql NAME=renewal_sample ARGUMENTS="periods bigint, lost boolean" SSPACE=4096 DIFFER="nothing" \
	COMMENT="counts customers under contract, a row each, for a model of their renewals. periods is how often a customer has renewed so far; lost: he did not, the next time; else he is still there. Rows with a NULL are left out. periods below 0 are error 22023, those above 1000000 22003. NULL without rows"
COMMENT ON TYPE renewal_sample_result IS
	'customers under contract by how often they have renewed, and whether they are lost, as renewal_sample() counts them: what sbg_fit() fits a model to; rollup() adds those of disjoint customers';
COMMENT ON AGGREGATE rollup(result renewal_sample_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. NULLs are left out; NULL without any result';

-- ---- fits ----

\expand value/purchase_fit.sql NAME=bgnbd_fit \
	COMMENT="Fader, Hardie and Lee 2005: customers buy at a rate of their own (Gamma: r, alpha), and after each repeated purchase are gone for good with a probability of their own (Beta: a, b)"
\expand value/purchase_fit.sql NAME=mbgnbd_fit \
	COMMENT="Batislam, Denizel and Filiztekin 2007: as bgnbd_fit(), but customers may be gone after their first purchase, too"
\expand value/purchase_fit.sql NAME=paretonbd_fit \
	COMMENT="Schmittlein, Morrison and Colombo 1987: customers buy at a rate of their own (Gamma: r, alpha), and may be gone for good at any time, at a rate of their own (Gamma: s, beta)"

\expand value/fit.sql NAME=gammagamma_fit SAMPLE=spend_sample MODEL=spend_model ARGUMENTS="x bigint, m float8" SSPACE=16384 \
	COMMENT="Fader and Hardie 2013: values of purchases vary around a mean of each customer''s own (Gamma: p), and those means vary (q, g)" \
	AGGREGATE_COMMENT="fits a model of what customers spend on a purchase, a row each: gammagamma_fit(spend_sample(...)). x counts a customer''s purchases after the first one, m is their mean value, without the first one''s. Who has not bought again, or spent nothing (m is 0), is left out, and so are rows with a NULL. Error 22023, with the numbers, for anything below 0; 22003 for NaN, infinity, x above 1000000. NULL without rows"

\expand value/fit.sql NAME=sbg_fit SAMPLE=renewal_sample MODEL=renewal_model ARGUMENTS="periods bigint, lost boolean" SSPACE=4096 \
	COMMENT="Fader and Hardie 2007: at each renewal a customer is lost with a probability of his own (Beta: a, b)" \
	AGGREGATE_COMMENT="fits a model of renewals to customers under contract, a row each: sbg_fit(renewal_sample(...)). periods is how often a customer has renewed so far; lost: he did not, the next time; else he is still there. Rows with a NULL are left out. periods below 0 are error 22023, those above 1000000 22003. NULL without rows"

-- ---- what a model says of a customer ----

CREATE FUNCTION p_alive(model purchase_model, x bigint, t_x float8, age float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_p_alive' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION p_alive(purchase_model, bigint, float8, float8) IS
	'how likely a customer is still there, 0 to 1. x, t_x, age as in bgnbd_fit(), times in the model''s periods. By the BG/NBD whoever has not bought again yet is. NULL where another argument is; a NULL model is error 22004, numbers that no customer has 22023';

\expand value/ahead.sql NAME=expected_purchases BEFORE="model purchase_model, x bigint, t_x float8, age float8" AFTER="" COST=5 COMMENT_AFTER="" \
	COMMENT="how many purchases of a customer the model expects from the end of the observation on. x, t_x, age as in bgnbd_fit(), times in the model''s periods"
\expand value/ahead.sql NAME=expected_purchases_new BEFORE="model purchase_model" AFTER="" COST=5 COMMENT_AFTER="" \
	COMMENT="how many purchases after the first one the model expects of a new customer"
\expand value/ahead.sql NAME=purchase_probability BEFORE="model purchase_model, x bigint, t_x float8, age float8" AFTER=", n bigint" COST=10 COMMENT_AFTER=". n from 0 to 1000000" \
	COMMENT="how likely a customer makes exactly n purchases from the end of the observation on. x, t_x, age as in bgnbd_fit(), times in the model''s periods"

CREATE FUNCTION expected_spend(model spend_model, x bigint, m float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_expected_spend' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION expected_spend(spend_model, bigint, float8) IS
	'the mean value of a customer''s purchases that the model expects, between what he has spent and what all do. x, m as in gammagamma_fit(): of who has not bought again, x is 0, and so is m. Where the model has no mean for him (p x + q is not above 1), error 22023. NULL where another argument is; a NULL model is error 22004';

\expand value/ahead.sql NAME=lifetime_value BEFORE="model purchase_model, spend_model spend_model, x bigint, t_x float8, age float8, m float8" AFTER=", discount float8 DEFAULT 0" COST=50 \
	COMMENT="what a customer will spend from the end of the observation on: purchases that the one model expects, times the mean value that the other one does; those of each period are discounted from its end, the last one''s from the horizon. x, t_x, age as in bgnbd_fit(), times in the model''s periods, m as in gammagamma_fit()" \
	COMMENT_AFTER="; discount: the rate of one period, 0 or from 1e-9 on, 0.01 is 1 %. It is revenue: times the margin, it is profit. Errors of the spend_model as in expected_spend()"

CREATE FUNCTION sbg_survival(model renewal_model, periods bigint) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_sbg_survival' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION sbg_survival(renewal_model, bigint) IS
	'which share of new customers renews that many times at least. NULL for NULL periods; a NULL model is error 22004, periods outside of 0 to 1000000 22023';

CREATE FUNCTION sbg_retention(model renewal_model, period bigint) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_sbg_retention' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION sbg_retention(renewal_model, bigint) IS
	'which share of those who are there in a period renews at its end; the first period is 1. NULL for a NULL period; a NULL model is error 22004, a period outside of 1 to 1000000 22023';

CREATE FUNCTION sbg_lifetime(model renewal_model, renewals bigint, discount float8 DEFAULT 0) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_sbg_lifetime' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION sbg_lifetime(renewal_model, bigint, float8) IS
	'how many more renewals the model expects of a customer who has renewed that often and is before the next one, which counts in full; each later one is discounted by the rate of a period: times the price, his residual lifetime value (Fader and Hardie 2010). NULL where another argument is. A NULL model is error 22004, renewals outside of 0 to 1000000 22023, and so is discount 0 where a is not above 1: that mean does not exist';
