-- What a model expected, and what customers did.

\expand metric/result_type.sql TYPE=model_backtest_result SSPACE=65536 DIFFER="model, calibrate_until, until or zone"
COMMENT ON TYPE model_backtest_result IS
	'what a model expected of customers, and what they did, by how often they had bought, and by week, as model_backtest() counts it; model_backtest_table(), model_backtest_weeks() and model_backtest_summary() turn it into rows, rollup() adds those of disjoint customers by one model';

CREATE FUNCTION model_backtest(base timeline_base, calibrate_until date, until date DEFAULT NULL, kind text DEFAULT 'bgnbd', period text DEFAULT 'week', zone text DEFAULT NULL)
	RETURNS model_backtest_result
	AS 'MODULE_PATHNAME', 'loyalty_model_backtest_of_kind' LANGUAGE C STABLE PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION model_backtest(timeline_base, date, date, text, text, text) IS
	'fits a model to what is known of a base''s customers by the end of the local day calibrate_until, and compares what it expects of each up to until (NULL: the day of the last event collected) with what he bought, and with the naive forecast, that everyone goes on to buy as often as he did so far. kind: bgnbd, mbgnbd or paretonbd; period as in bgnbd_fit(). Customers whose first purchase is later are left out. NULL for a NULL base, and where nobody had bought anything; a NULL calibrate_until or kind is error 22004; until before calibrate_until or more than 3660 days after it, and an unknown kind, period or zone 22023';

CREATE FUNCTION model_backtest(base timeline_base, calibrate_until date, until date, model purchase_model)
	RETURNS model_backtest_result
	AS 'MODULE_PATHNAME', 'loyalty_model_backtest' LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION model_backtest(timeline_base, date, date, purchase_model) IS
	'the same by a model that is there, such as one of last year, or of other customers. Days are local to the model''s zone, or to the session''s TimeZone where it has none. A model without a period is error 22023, a NULL one 22004';

\expand metric/aggregate.sql NAME=model_backtest C=model_backtest RESULT=model_backtest_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="calibrate_until date, until date, model purchase_model" \
	COST_OF_A_ROW=10 SSPACE=131072 \
	AGGREGATE_COMMENT="model_backtest() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL until is error 22004; the arguments must be the same for all rows (22023); others as in the function over a base"

CREATE FUNCTION model_backtest_table(result model_backtest_result)
	RETURNS TABLE (x bigint, or_more boolean, customers bigint, purchases bigint, expected float8, naive float8,
		mean_purchases float8, mean_expected float8, mean_naive float8, mean_absolute_error float8, naive_mean_absolute_error float8)
	AS 'MODULE_PATHNAME', 'loyalty_model_backtest_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 8;
COMMENT ON FUNCTION model_backtest_table(model_backtest_result) IS
	'a row for each number x of purchases after the first one by calibrate_until, those with 7 or more together (or_more): how many customers there are, how often they bought behind it, what the model expected and what the naive forecast; and by the customer: the means of the three, and of how far off either forecast was. No rows for NULL';

CREATE FUNCTION model_backtest_weeks(result model_backtest_result)
	RETURNS TABLE (week int, last_day date, purchases bigint, expected float8, naive float8)
	AS 'MODULE_PATHNAME', 'loyalty_model_backtest_weeks' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 50;
COMMENT ON FUNCTION model_backtest_weeks(model_backtest_result) IS
	'a row for each week behind calibrate_until, the last one up to until: how often customers have bought up to its end, what the model expected up to there, and what the naive forecast. No rows for NULL';

CREATE FUNCTION model_backtest_summary(result model_backtest_result,
		OUT kind text, OUT customers bigint, OUT purchases bigint, OUT expected float8, OUT naive float8, OUT error float8, OUT naive_error float8,
		OUT mean_absolute_error float8, OUT naive_mean_absolute_error float8)
	AS 'MODULE_PATHNAME', 'loyalty_model_backtest_summary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION model_backtest_summary(model_backtest_result) IS
	'the kind of the model, how many customers there are, how often they bought, what the model expected and what the naive forecast; error: by which share that was too much, -0.1 for a tenth too little, NULL where nobody bought; mean_absolute_error: by how many purchases a customer was off. NULLs for NULL';
