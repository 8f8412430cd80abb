-- How long customers stay, what they will buy, and what they are worth.

-- ---- models ----

\expand policy/policy_type.sql TYPE=purchase_model
COMMENT ON TYPE purchase_model IS
	'how often customers buy and how long they stay: a model that was fitted, or is written, as a JSON object {"kind": "bgnbd", "period": "week", "parameters": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}}. kind: bgnbd or mbgnbd; period: what its times are counted in, day, week, month, quarter or year, or left out. Of a fit also customers, log_likelihood, iterations, converged, on_edge (the parameters that end on the edge of what is looked at, from 0.0001 to 10000, alpha in units of the longest age) and covariance. bgnbd_fit() and mbgnbd_fit() make one; a jsonb coerces by itself';

\expand policy/policy_type.sql TYPE=spend_model
COMMENT ON TYPE spend_model IS
	'what customers spend on a purchase: a model that was fitted, or is written, as a JSON object {"kind": "gammagamma", "parameters": {"p": 6.25, "q": 3.74, "g": 15.44}}, and of a fit what a purchase_model has, too; g is bounded in units of the mean. gammagamma_fit() makes one; a jsonb coerces by itself';

\expand policy/policy_type.sql TYPE=renewal_model
COMMENT ON TYPE renewal_model IS
	'how long customers under contract stay: a model that was fitted, or is written, as a JSON object {"kind": "sbg", "parameters": {"a": 0.668, "b": 3.806}}, and of a fit what a purchase_model has, too. sbg_fit() makes one; a jsonb coerces by itself';

CREATE FUNCTION model_parameters(model purchase_model, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (name text, estimate float8, std_error float8, lower float8, upper float8, on_edge boolean)
	AS 'MODULE_PATHNAME', 'loyalty_purchase_model_parameters' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 4;
COMMENT ON FUNCTION model_parameters(purchase_model, float8) IS
	'a row for each parameter of a model: its estimate, the standard error, by the curvature of the likelihood at its top, and an interval, which is normal in the parameter''s logarithm; NULL where the model was not fitted, or the fit has not converged. on_edge: it ends on the edge of what is looked at, so customers do not tell it. No rows for NULL; a confidence that isn''t between 0 and 1 is error 22023';
CREATE FUNCTION model_summary(model purchase_model,
		OUT kind text, OUT period text, OUT customers bigint, OUT log_likelihood float8, OUT aic float8, OUT iterations int, OUT converged boolean)
	AS 'MODULE_PATHNAME', 'loyalty_purchase_model_summary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_summary(purchase_model) IS
	'what a model is: its kind, the period its times are counted in, and how it was fitted: to how many customers, the log-likelihood, Akaike''s information criterion (2 x parameters - 2 x log-likelihood), iterations, and whether the fit has converged, inside of what is looked at. NULLs for what it has not, as where it was not fitted';
CREATE FUNCTION model_compare(a purchase_model, b purchase_model,
		OUT log_likelihood_a float8, OUT log_likelihood_b float8, OUT aic_a float8, OUT aic_b float8, OUT aic_difference float8,
		OUT likelihood_ratio float8, OUT degrees_of_freedom int, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_purchase_model_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_compare(purchase_model, purchase_model) IS
	'two models that were fitted to the same customers: their log-likelihoods and Akaike''s information criteria. aic_difference is b''s less a''s: below 0, b is the better one; a difference of 2 is slight, one of 10 clear. No test, since kinds are not part of each other: likelihood_ratio, degrees_of_freedom and p are NULL. Models of different numbers of customers, in different periods, or not fitted, are error 22023; NULLs for NULL';
CREATE FUNCTION model_compare(whole purchase_model, parts purchase_model[],
		OUT log_likelihood_a float8, OUT log_likelihood_b float8, OUT aic_a float8, OUT aic_b float8, OUT aic_difference float8,
		OUT likelihood_ratio float8, OUT degrees_of_freedom int, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_purchase_model_compare_parts' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_compare(purchase_model, purchase_model[]) IS
	'one model of all customers (a) against models of their segments (b), which together have the same customers: whether it pays to fit segments apart. likelihood_ratio is twice the difference of the log-likelihoods, degrees_of_freedom how many more parameters there are, p by chi-squared; NULL where the kinds are not the same, or there is one part only. Errors as in the comparison of two, a NULL element is 22004';

CREATE FUNCTION model_parameters(model spend_model, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (name text, estimate float8, std_error float8, lower float8, upper float8, on_edge boolean)
	AS 'MODULE_PATHNAME', 'loyalty_spend_model_parameters' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 4;
COMMENT ON FUNCTION model_parameters(spend_model, float8) IS
	'a row for each parameter of a model: its estimate, the standard error, by the curvature of the likelihood at its top, and an interval, which is normal in the parameter''s logarithm; NULL where the model was not fitted, or the fit has not converged. on_edge: it ends on the edge of what is looked at, so customers do not tell it. No rows for NULL; a confidence that isn''t between 0 and 1 is error 22023';
CREATE FUNCTION model_summary(model spend_model,
		OUT kind text, OUT period text, OUT customers bigint, OUT log_likelihood float8, OUT aic float8, OUT iterations int, OUT converged boolean)
	AS 'MODULE_PATHNAME', 'loyalty_spend_model_summary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_summary(spend_model) IS
	'what a model is: its kind, the period its times are counted in, and how it was fitted: to how many customers, the log-likelihood, Akaike''s information criterion (2 x parameters - 2 x log-likelihood), iterations, and whether the fit has converged, inside of what is looked at. NULLs for what it has not, as where it was not fitted';
CREATE FUNCTION model_compare(a spend_model, b spend_model,
		OUT log_likelihood_a float8, OUT log_likelihood_b float8, OUT aic_a float8, OUT aic_b float8, OUT aic_difference float8,
		OUT likelihood_ratio float8, OUT degrees_of_freedom int, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_spend_model_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_compare(spend_model, spend_model) IS
	'two models that were fitted to the same customers: their log-likelihoods and Akaike''s information criteria. aic_difference is b''s less a''s: below 0, b is the better one; a difference of 2 is slight, one of 10 clear. No test, since kinds are not part of each other: likelihood_ratio, degrees_of_freedom and p are NULL. Models of different numbers of customers, in different periods, or not fitted, are error 22023; NULLs for NULL';
CREATE FUNCTION model_compare(whole spend_model, parts spend_model[],
		OUT log_likelihood_a float8, OUT log_likelihood_b float8, OUT aic_a float8, OUT aic_b float8, OUT aic_difference float8,
		OUT likelihood_ratio float8, OUT degrees_of_freedom int, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_spend_model_compare_parts' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_compare(spend_model, spend_model[]) IS
	'one model of all customers (a) against models of their segments (b), which together have the same customers: whether it pays to fit segments apart. likelihood_ratio is twice the difference of the log-likelihoods, degrees_of_freedom how many more parameters there are, p by chi-squared; NULL where the kinds are not the same, or there is one part only. Errors as in the comparison of two, a NULL element is 22004';

CREATE FUNCTION model_parameters(model renewal_model, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (name text, estimate float8, std_error float8, lower float8, upper float8, on_edge boolean)
	AS 'MODULE_PATHNAME', 'loyalty_renewal_model_parameters' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 4;
COMMENT ON FUNCTION model_parameters(renewal_model, float8) IS
	'a row for each parameter of a model: its estimate, the standard error, by the curvature of the likelihood at its top, and an interval, which is normal in the parameter''s logarithm; NULL where the model was not fitted, or the fit has not converged. on_edge: it ends on the edge of what is looked at, so customers do not tell it. No rows for NULL; a confidence that isn''t between 0 and 1 is error 22023';
CREATE FUNCTION model_summary(model renewal_model,
		OUT kind text, OUT period text, OUT customers bigint, OUT log_likelihood float8, OUT aic float8, OUT iterations int, OUT converged boolean)
	AS 'MODULE_PATHNAME', 'loyalty_renewal_model_summary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_summary(renewal_model) IS
	'what a model is: its kind, the period its times are counted in, and how it was fitted: to how many customers, the log-likelihood, Akaike''s information criterion (2 x parameters - 2 x log-likelihood), iterations, and whether the fit has converged, inside of what is looked at. NULLs for what it has not, as where it was not fitted';
CREATE FUNCTION model_compare(a renewal_model, b renewal_model,
		OUT log_likelihood_a float8, OUT log_likelihood_b float8, OUT aic_a float8, OUT aic_b float8, OUT aic_difference float8,
		OUT likelihood_ratio float8, OUT degrees_of_freedom int, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_renewal_model_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_compare(renewal_model, renewal_model) IS
	'two models that were fitted to the same customers: their log-likelihoods and Akaike''s information criteria. aic_difference is b''s less a''s: below 0, b is the better one; a difference of 2 is slight, one of 10 clear. No test, since kinds are not part of each other: likelihood_ratio, degrees_of_freedom and p are NULL. Models of different numbers of customers, in different periods, or not fitted, are error 22023; NULLs for NULL';
CREATE FUNCTION model_compare(whole renewal_model, parts renewal_model[],
		OUT log_likelihood_a float8, OUT log_likelihood_b float8, OUT aic_a float8, OUT aic_b float8, OUT aic_difference float8,
		OUT likelihood_ratio float8, OUT degrees_of_freedom int, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_renewal_model_compare_parts' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_compare(renewal_model, renewal_model[]) IS
	'one model of all customers (a) against models of their segments (b), which together have the same customers: whether it pays to fit segments apart. likelihood_ratio is twice the difference of the log-likelihoods, degrees_of_freedom how many more parameters there are, p by chi-squared; NULL where the kinds are not the same, or there is one part only. Errors as in the comparison of two, a NULL element is 22004';

-- ---- what models are fitted to ----

\expand metric/result_type.sql TYPE=purchase_sample_result SSPACE=16384 DIFFER="period"
COMMENT ON TYPE purchase_sample_result IS
	'customers by how often they bought again, when last, and how long they are known, as purchase_sample() counts them: what bgnbd_fit() and mbgnbd_fit() fit a model to; rollup() adds those of disjoint customers. Grows with what is different, not with customers';
\expand metric/result_type.sql TYPE=spend_sample_result SSPACE=16384 DIFFER="nothing"
COMMENT ON TYPE spend_sample_result IS
	'customers by how often they bought again, and the mean value of that, as spend_sample() counts them: what gammagamma_fit() fits a model to; rollup() adds those of disjoint customers';
\expand metric/result_type.sql TYPE=renewal_sample_result SSPACE=4096 DIFFER="nothing"
COMMENT ON TYPE renewal_sample_result IS
	'customers under contract by how often they have renewed, and whether they are lost, as renewal_sample() counts them: what sbg_fit() fits a model to; rollup() adds those of disjoint customers';
COMMENT ON AGGREGATE rollup(result spend_sample_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. NULLs are left out; NULL without any result';
COMMENT ON AGGREGATE rollup(result renewal_sample_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. NULLs are left out; NULL without any result';

CREATE FUNCTION purchase_sample_accum(state purchase_sample_result, x bigint, t_x float8, age float8) RETURNS purchase_sample_result
	AS 'MODULE_PATHNAME', 'loyalty_purchase_sample_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION purchase_sample_accum(purchase_sample_result, bigint, float8, float8) IS 'part of the aggregates over customers'' numbers';
CREATE FUNCTION purchase_sample_accum(state purchase_sample_result, x bigint, t_x float8, age float8, period text) RETURNS purchase_sample_result
	AS 'MODULE_PATHNAME', 'loyalty_purchase_sample_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION purchase_sample_accum(purchase_sample_result, bigint, float8, float8, text) IS 'part of the aggregates over customers'' numbers';
CREATE AGGREGATE purchase_sample(x bigint, t_x float8, age float8) (
	SFUNC = purchase_sample_accum, STYPE = purchase_sample_result, SSPACE = 16384,
	COMBINEFUNC = purchase_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE purchase_sample(x bigint, t_x float8, age float8) IS
	'counts customers, a row each, for a model of their purchases. x counts a customer''s purchases after the first one (of several on one day, or in one period, one), t_x is how long after the first one the last one was (0 where x is 0), age how long ago, at the end of the observation, the first one was; times in any unit, fractions too. Rows with a NULL are left out. Error 22023, with the numbers, for what no customer can have: t_x after age or without purchases, anything below 0; 22003 for NaN, infinity, x above 1000000, times outside of 1e-15 to 1e15. NULL without rows';

CREATE AGGREGATE purchase_sample(x bigint, t_x float8, age float8, period text) (
	SFUNC = purchase_sample_accum, STYPE = purchase_sample_result, SSPACE = 16384,
	COMBINEFUNC = purchase_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE purchase_sample(x bigint, t_x float8, age float8, period text) IS
	'the same; period, day, week, month, quarter or year, says what t_x and age are counted in, so that the model takes intervals as well: the same for all rows (22023)';

CREATE FUNCTION spend_sample_accum(state spend_sample_result, x bigint, m float8) RETURNS spend_sample_result
	AS 'MODULE_PATHNAME', 'loyalty_spend_sample_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION spend_sample_accum(spend_sample_result, bigint, float8) IS 'part of the aggregates over customers'' numbers';
CREATE AGGREGATE spend_sample(x bigint, m float8) (
	SFUNC = spend_sample_accum, STYPE = spend_sample_result, SSPACE = 16384,
	COMBINEFUNC = spend_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE spend_sample(x bigint, m float8) IS
	'counts customers, a row each, for a model of what they spend. x counts a customer''s purchases after the first one, m is their mean value, without the first one''s. Who has not bought again, or spent nothing (m is 0), is left out, and so are rows with a NULL. Error 22023, with the numbers, for anything below 0; 22003 for NaN, infinity, x above 1000000. NULL without rows';

CREATE FUNCTION renewal_sample_accum(state renewal_sample_result, periods bigint, lost boolean) RETURNS renewal_sample_result
	AS 'MODULE_PATHNAME', 'loyalty_renewal_sample_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION renewal_sample_accum(renewal_sample_result, bigint, boolean) IS 'part of the aggregates over customers'' numbers';
CREATE AGGREGATE renewal_sample(periods bigint, lost boolean) (
	SFUNC = renewal_sample_accum, STYPE = renewal_sample_result, SSPACE = 4096,
	COMBINEFUNC = renewal_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE renewal_sample(periods bigint, lost boolean) IS
	'counts customers under contract, a row each, for a model of their renewals. periods is how often a customer has renewed so far; lost: he did not, the next time; else he is still there. Rows with a NULL are left out. periods below 0 are error 22023, those above 1000000 22003. NULL without rows';

-- ---- fits ----

CREATE FUNCTION bgnbd_fit(sample purchase_sample_result) RETURNS purchase_model
	AS 'MODULE_PATHNAME', 'loyalty_bgnbd_fit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION bgnbd_fit(purchase_sample_result) IS
	'Fader, Hardie and Lee 2005: customers buy at a rate of their own (Gamma: r, alpha), and after each repeated purchase are gone for good with a probability of their own (Beta: a, b). The parameters with the largest likelihood, by a search that goes up from several places, each parameter from 0.0001 to 10000. A fit that has not converged, or ends on the edge of that, is a WARNING that names the parameter, and says so in the model. NULL for NULL, and where there is nobody in the sample';
CREATE AGGREGATE bgnbd_fit(x bigint, t_x float8, age float8) (
	SFUNC = purchase_sample_accum, STYPE = purchase_sample_result, SSPACE = 16384,
	FINALFUNC = bgnbd_fit,
	COMBINEFUNC = purchase_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE bgnbd_fit(x bigint, t_x float8, age float8) IS
	'fits a model of purchases to customers, a row each: bgnbd_fit(purchase_sample(...)). x counts a customer''s purchases after the first one (of several on one day, or in one period, one), t_x is how long after the first one the last one was (0 where x is 0), age how long ago, at the end of the observation, the first one was; times in any unit, fractions too. Rows with a NULL are left out. Error 22023, with the numbers, for what no customer can have: t_x after age or without purchases, anything below 0; 22003 for NaN, infinity, x above 1000000, times outside of 1e-15 to 1e15. NULL without rows';

CREATE AGGREGATE bgnbd_fit(x bigint, t_x float8, age float8, period text) (
	SFUNC = purchase_sample_accum, STYPE = purchase_sample_result, SSPACE = 16384,
	FINALFUNC = bgnbd_fit,
	COMBINEFUNC = purchase_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE bgnbd_fit(x bigint, t_x float8, age float8, period text) IS
	'the same; period, day, week, month, quarter or year, says what t_x and age are counted in, so that the model takes intervals as well: the same for all rows (22023)';

CREATE FUNCTION mbgnbd_fit(sample purchase_sample_result) RETURNS purchase_model
	AS 'MODULE_PATHNAME', 'loyalty_mbgnbd_fit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION mbgnbd_fit(purchase_sample_result) IS
	'Batislam, Denizel and Filiztekin 2007: as bgnbd_fit(), but customers may be gone after their first purchase, too. The parameters with the largest likelihood, by a search that goes up from several places, each parameter from 0.0001 to 10000. A fit that has not converged, or ends on the edge of that, is a WARNING that names the parameter, and says so in the model. NULL for NULL, and where there is nobody in the sample';
CREATE AGGREGATE mbgnbd_fit(x bigint, t_x float8, age float8) (
	SFUNC = purchase_sample_accum, STYPE = purchase_sample_result, SSPACE = 16384,
	FINALFUNC = mbgnbd_fit,
	COMBINEFUNC = purchase_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE mbgnbd_fit(x bigint, t_x float8, age float8) IS
	'fits a model of purchases to customers, a row each: mbgnbd_fit(purchase_sample(...)). x counts a customer''s purchases after the first one (of several on one day, or in one period, one), t_x is how long after the first one the last one was (0 where x is 0), age how long ago, at the end of the observation, the first one was; times in any unit, fractions too. Rows with a NULL are left out. Error 22023, with the numbers, for what no customer can have: t_x after age or without purchases, anything below 0; 22003 for NaN, infinity, x above 1000000, times outside of 1e-15 to 1e15. NULL without rows';

CREATE AGGREGATE mbgnbd_fit(x bigint, t_x float8, age float8, period text) (
	SFUNC = purchase_sample_accum, STYPE = purchase_sample_result, SSPACE = 16384,
	FINALFUNC = mbgnbd_fit,
	COMBINEFUNC = purchase_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE mbgnbd_fit(x bigint, t_x float8, age float8, period text) IS
	'the same; period, day, week, month, quarter or year, says what t_x and age are counted in, so that the model takes intervals as well: the same for all rows (22023)';

CREATE FUNCTION gammagamma_fit(sample spend_sample_result) RETURNS spend_model
	AS 'MODULE_PATHNAME', 'loyalty_gammagamma_fit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION gammagamma_fit(spend_sample_result) IS
	'Fader and Hardie 2013: values of purchases vary around a mean of each customer''s own (Gamma: p), and those means vary (q, g). The parameters with the largest likelihood, by a search that goes up from several places, each parameter from 0.0001 to 10000. A fit that has not converged, or ends on the edge of that, is a WARNING that names the parameter, and says so in the model. NULL for NULL, and where there is nobody in the sample';
CREATE AGGREGATE gammagamma_fit(x bigint, m float8) (
	SFUNC = spend_sample_accum, STYPE = spend_sample_result, SSPACE = 16384,
	FINALFUNC = gammagamma_fit,
	COMBINEFUNC = spend_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE gammagamma_fit(x bigint, m float8) IS
	'fits a model of what customers spend on a purchase, a row each: gammagamma_fit(spend_sample(...)). x counts a customer''s purchases after the first one, m is their mean value, without the first one''s. Who has not bought again, or spent nothing (m is 0), is left out, and so are rows with a NULL. Error 22023, with the numbers, for anything below 0; 22003 for NaN, infinity, x above 1000000. NULL without rows';

CREATE FUNCTION sbg_fit(sample renewal_sample_result) RETURNS renewal_model
	AS 'MODULE_PATHNAME', 'loyalty_sbg_fit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION sbg_fit(renewal_sample_result) IS
	'Fader and Hardie 2007: at each renewal a customer is lost with a probability of his own (Beta: a, b). The parameters with the largest likelihood, by a search that goes up from several places, each parameter from 0.0001 to 10000. A fit that has not converged, or ends on the edge of that, is a WARNING that names the parameter, and says so in the model. NULL for NULL, and where there is nobody in the sample';
CREATE AGGREGATE sbg_fit(periods bigint, lost boolean) (
	SFUNC = renewal_sample_accum, STYPE = renewal_sample_result, SSPACE = 4096,
	FINALFUNC = sbg_fit,
	COMBINEFUNC = renewal_sample_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE sbg_fit(periods bigint, lost boolean) IS
	'fits a model of renewals to customers under contract, a row each: sbg_fit(renewal_sample(...)). periods is how often a customer has renewed so far; lost: he did not, the next time; else he is still there. Rows with a NULL are left out. periods below 0 are error 22023, those above 1000000 22003. NULL without rows';

-- ---- what a model says of a customer ----

CREATE FUNCTION p_alive(model purchase_model, x bigint, t_x float8, age float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_p_alive' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION p_alive(purchase_model, bigint, float8, float8) IS
	'how likely a customer is still there, 0 to 1. x, t_x, age as in bgnbd_fit(), times in the model''s periods. By the BG/NBD whoever has not bought again yet is. NULL where another argument is; a NULL model is error 22004, numbers that no customer has 22023';

CREATE FUNCTION expected_purchases(model purchase_model, x bigint, t_x float8, age float8, horizon float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_expected_purchases' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION expected_purchases(purchase_model, bigint, float8, float8, float8) IS
	'how many purchases of a customer the model expects from the end of the observation on. x, t_x, age as in bgnbd_fit(), times in the model''s periods; horizon: a number of the model''s periods, from 0 to 100000, and not more than as many times alpha + age. NULL where another argument is; a NULL model is error 22004, numbers that no customer has 22023';

CREATE FUNCTION expected_purchases(model purchase_model, x bigint, t_x float8, age float8, horizon interval) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_expected_purchases_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION expected_purchases(purchase_model, bigint, float8, float8, interval) IS
	'the same, with the horizon as an interval, for a model that has a period (else 22023): a month is 365.25 / 12 days where the period is a day or a week, and days are such parts of a month else';

CREATE FUNCTION expected_purchases_new(model purchase_model, horizon float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_expected_purchases_new' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION expected_purchases_new(purchase_model, float8) IS
	'how many purchases after the first one the model expects of a new customer. horizon: a number of the model''s periods, from 0 to 100000, and not more than as many times alpha + age. NULL where another argument is; a NULL model is error 22004, numbers that no customer has 22023';

CREATE FUNCTION expected_purchases_new(model purchase_model, horizon interval) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_expected_purchases_new_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION expected_purchases_new(purchase_model, interval) IS
	'the same, with the horizon as an interval, for a model that has a period (else 22023): a month is 365.25 / 12 days where the period is a day or a week, and days are such parts of a month else';

CREATE FUNCTION purchase_probability(model purchase_model, x bigint, t_x float8, age float8, horizon float8, n bigint) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_purchase_probability' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION purchase_probability(purchase_model, bigint, float8, float8, float8, bigint) IS
	'how likely a customer makes exactly n purchases from the end of the observation on. x, t_x, age as in bgnbd_fit(), times in the model''s periods; horizon: a number of the model''s periods, from 0 to 100000, and not more than as many times alpha + age. n from 0 to 1000000. NULL where another argument is; a NULL model is error 22004, numbers that no customer has 22023';

CREATE FUNCTION purchase_probability(model purchase_model, x bigint, t_x float8, age float8, horizon interval, n bigint) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_purchase_probability_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION purchase_probability(purchase_model, bigint, float8, float8, interval, bigint) IS
	'the same, with the horizon as an interval, for a model that has a period (else 22023): a month is 365.25 / 12 days where the period is a day or a week, and days are such parts of a month else';

CREATE FUNCTION expected_spend(model spend_model, x bigint, m float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_expected_spend' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION expected_spend(spend_model, bigint, float8) IS
	'the mean value of a customer''s purchases that the model expects, between what he has spent and what all do. x, m as in gammagamma_fit(): of who has not bought again, x is 0, and so is m. Where the model has no mean for him (p x + q is not above 1), error 22023. NULL where another argument is; a NULL model is error 22004';

CREATE FUNCTION lifetime_value(model purchase_model, spend_model spend_model, x bigint, t_x float8, age float8, m float8, horizon float8, discount float8 DEFAULT 0) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_lifetime_value' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION lifetime_value(purchase_model, spend_model, bigint, float8, float8, float8, float8, float8) IS
	'what a customer will spend from the end of the observation on: purchases that the one model expects, times the mean value that the other one does; those of each period are discounted from its end, the last one''s from the horizon. x, t_x, age as in bgnbd_fit(), times in the model''s periods, m as in gammagamma_fit(); horizon: a number of the model''s periods, from 0 to 100000, and not more than as many times alpha + age; discount: the rate of one period, 0 or from 1e-9 on, 0.01 is 1 %. It is revenue: times the margin, it is profit. NULL where another argument is; a NULL model is error 22004, numbers that no customer has 22023; others as in expected_spend()';

CREATE FUNCTION lifetime_value(model purchase_model, spend_model spend_model, x bigint, t_x float8, age float8, m float8, horizon interval, discount float8 DEFAULT 0) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_lifetime_value_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION lifetime_value(purchase_model, spend_model, bigint, float8, float8, float8, interval, float8) IS
	'the same, with the horizon as an interval, for a model that has a period (else 22023): a month is 365.25 / 12 days where the period is a day or a week, and days are such parts of a month else';

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
