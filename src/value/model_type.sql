-- Template: a type of models, and what is known of one. Its C file has MODEL_FUNCTIONS(TYPE).
-- What its models are is told by a COMMENT ON TYPE of its own, behind this.
--
--	TYPE	the type

\expand policy/policy_type.sql TYPE=@TYPE@

CREATE FUNCTION model_parameters(model @TYPE@, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (name text, estimate float8, std_error float8, lower float8, upper float8, on_edge boolean)
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_parameters' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 4;
COMMENT ON FUNCTION model_parameters(@TYPE@, float8) IS
	'a row for each parameter of a model: its estimate, the standard error, by the curvature of the likelihood at its top, and an interval, which is normal in the parameter''s logarithm; NULL where the model was not fitted, or the fit has not converged. on_edge: it ends on the edge of what is looked at, so customers do not tell it. No rows for NULL; a confidence that isn''t between 0 and 1 is error 22023';
CREATE FUNCTION model_summary(model @TYPE@,
		OUT kind text, OUT period text, OUT customers bigint, OUT log_likelihood float8, OUT aic float8, OUT iterations int, OUT converged boolean)
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_summary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_summary(@TYPE@) IS
	'what a model is: its kind, the period its times are counted in, and how it was fitted: to how many customers, the log-likelihood, Akaike''s information criterion (2 x parameters - 2 x log-likelihood), iterations, and whether the fit has converged, inside of what is looked at. NULLs for what it has not, as where it was not fitted';
CREATE FUNCTION model_compare(a @TYPE@, b @TYPE@,
		OUT log_likelihood_a float8, OUT log_likelihood_b float8, OUT aic_a float8, OUT aic_b float8, OUT aic_difference float8,
		OUT likelihood_ratio float8, OUT degrees_of_freedom int, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_compare(@TYPE@, @TYPE@) IS
	'two models that were fitted to the same customers: their log-likelihoods and Akaike''s information criteria. aic_difference is b''s less a''s: below 0, b is the better one; a difference of 2 is slight, one of 10 clear. No test, since kinds are not part of each other: likelihood_ratio, degrees_of_freedom and p are NULL. Models of different numbers of customers, in different periods, or not fitted, are error 22023; NULLs for NULL';
CREATE FUNCTION model_compare(whole @TYPE@, parts @TYPE@[],
		OUT log_likelihood_a float8, OUT log_likelihood_b float8, OUT aic_a float8, OUT aic_b float8, OUT aic_difference float8,
		OUT likelihood_ratio float8, OUT degrees_of_freedom int, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_@TYPE@_compare_parts' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_compare(@TYPE@, @TYPE@[]) IS
	'one model of all customers (a) against models of their segments (b), which together have the same customers: whether it pays to fit segments apart. likelihood_ratio is twice the difference of the log-likelihoods, degrees_of_freedom how many more parameters there are, p by chi-squared; NULL where the kinds are not the same, or there is one part only. Errors as in the comparison of two, a NULL element is 22004';
