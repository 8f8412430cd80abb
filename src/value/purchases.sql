-- Purchases of timelines: what models are fitted to, the fits, and what models say of a timeline.

-- ---- one customer ----

CREATE FUNCTION purchase_summary(timeline event_timeline, until date, period text DEFAULT 'day', zone text DEFAULT NULL,
		OUT x bigint, OUT t_x float8, OUT age float8, OUT m float8)
	AS 'MODULE_PATHNAME', 'loyalty_purchase_summary' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION purchase_summary(event_timeline, date, text, text) IS
	'what models are fitted to, of a customer by the end of the local day until. A purchase is a day whose values add up to more than 0: several on one day are one; what was given back is no purchase, and lowers what was spent that day. An event without value is one, too, on a day without any. x: purchases after the first one (0: there was one); t_x: how long after the first one the last one was; age: how long after the first one until is; m: the mean value of those after the first one, 0 where there are none, NULL where one of them has no value. t_x and age are days in periods: day; week, 7 of them; month, 365.25 / 12; quarter, 365.25 / 4; year, 365.25; fractions are kept. So the period changes nothing but the unit. Days are local to zone, by default the session''s TimeZone. NULLs for a NULL timeline, and where there is no purchase by then: who has none is no customer of a model. A NULL until or period is error 22004, an infinite until 22008, an unknown period or zone 22023';

CREATE FUNCTION purchase_holdout(timeline event_timeline, calibrate_until date, until date, zone text DEFAULT NULL,
		OUT purchases bigint, OUT amount numeric)
	AS 'MODULE_PATHNAME', 'loyalty_purchase_holdout' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION purchase_holdout(event_timeline, date, date, text) IS
	'what a customer bought on the days behind calibrate_until, up to until, to be compared with what a model expects that was fitted to purchase_summary() by calibrate_until: purchases, as they are counted there, and what they were worth together, NULL where one of them has no value. NULLs for a NULL timeline, and where the first purchase was not by calibrate_until: the model does not know who came later. A NULL day is error 22004, an infinite one 22008, calibrate_until after until 22023, and so is an unknown zone';

-- ---- everyone ----

-- STABLE, since days are those of the session's TimeZone, unless a zone is given.

\expand metric/metric.sql NAME=purchase_sample C=purchases_of_timelines RESULT=purchase_sample_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="until date DEFAULT NULL, period text DEFAULT 'day', zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=2 SSPACE=4096 \
	COMMENT="counts the customers of a base for a model of their purchases, by the end of the local day until (NULL: that of the last event collected): what purchase_summary() tells of each. Members without purchases are left out. NULL for a NULL base; others as there" \
	AGGREGATE_COMMENT="purchase_sample() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL until is error 22004; the arguments must be the same for all rows (22023); others as in purchase_summary()"

\expand metric/aggregate.sql NAME=purchase_sample C=purchases_of_timelines RESULT=purchase_sample_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="until date, period text" \
	COST_OF_A_ROW=2 SSPACE=4096 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

\expand metric/aggregate.sql NAME=purchase_sample C=purchases_of_timelines RESULT=purchase_sample_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="until date" \
	COST_OF_A_ROW=2 SSPACE=4096 \
	AGGREGATE_COMMENT="the same with times in days, in the session''s TimeZone"

\expand metric/metric.sql NAME=spend_sample C=spend_of_timelines RESULT=spend_sample_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="until date DEFAULT NULL, zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=2 SSPACE=1536 \
	COMMENT="counts the customers of a base for a model of what they spend on a purchase, by the end of the local day until (NULL: that of the last event collected): x and m of purchase_summary(). Who has not bought again, or bought something without a value, is left out. NULL for a NULL base; others as there" \
	AGGREGATE_COMMENT="spend_sample() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL until is error 22004; the arguments must be the same for all rows (22023); others as in purchase_summary()"

\expand metric/aggregate.sql NAME=spend_sample C=spend_of_timelines RESULT=spend_sample_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="until date" \
	COST_OF_A_ROW=2 SSPACE=1536 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

\expand value/customers.sql CUSTOMER=bigint
\expand value/customers.sql CUSTOMER=uuid
\expand value/customers.sql CUSTOMER=text

-- ---- fits ----

-- Over a base they are inlined: the planner sees a metric, which several fits of a query share.

\expand value/purchase_fit_of_timelines.sql NAME=bgnbd_fit
\expand value/purchase_fit_of_timelines.sql NAME=mbgnbd_fit
\expand value/purchase_fit_of_timelines.sql NAME=paretonbd_fit

CREATE FUNCTION gammagamma_fit(base timeline_base, until date DEFAULT NULL, zone text DEFAULT NULL) RETURNS spend_model
	LANGUAGE sql STABLE PARALLEL SAFE COST 100000
RETURN gammagamma_fit(spend_sample(base, until, zone));
COMMENT ON FUNCTION gammagamma_fit(timeline_base, date, text) IS
	'fits a model of what customers spend on a purchase to a base: gammagamma_fit(spend_sample(base, ...)). NULL for a NULL base, and where nobody has bought again';
\expand value/fit_aggregate.sql NAME=gammagamma_fit SAMPLE=spend_sample SSPACE=1536 ARGUMENTS="timeline event_timeline, until date, zone text" \
	COMMENT="fits a model of what customers spend on a purchase to their timelines, a row each: gammagamma_fit(spend_sample(...)). NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. A NULL until is error 22004; the arguments must be the same for all rows (22023); others as in purchase_summary(). NULL where nobody has bought again"
\expand value/fit_aggregate.sql NAME=gammagamma_fit SAMPLE=spend_sample SSPACE=1536 ARGUMENTS="timeline event_timeline, until date" \
	COMMENT="the same in the session''s TimeZone"

-- ---- what a model says of a timeline ----

-- IMMUTABLE: the zone of days is the model's, or the one that is given.

CREATE FUNCTION p_alive(timeline event_timeline, model purchase_model, until date, zone text DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_timeline_p_alive' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION p_alive(event_timeline, purchase_model, date, text) IS
	'how likely a customer is still there at the end of the local day until: p_alive() of his purchase_summary(), in the model''s period and in the zone of its days. A model that knows no zone needs one given, one that knows another than is given is error 22023, and so is a model without period. NULL for a NULL timeline, and for one without a purchase by then; a NULL model or until is error 22004, an infinite until 22008';

CREATE FUNCTION expected_purchases(timeline event_timeline, model purchase_model, until date, horizon float8, zone text DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_timeline_expected_purchases' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION expected_purchases(event_timeline, purchase_model, date, float8, text) IS
	'how many purchases (days with one or several) of a customer the model expects behind until: expected_purchases() of his purchase_summary(), in the model''s period and in the zone of its days. horizon: a number of the model''s periods, or an interval. NULLs and errors as in p_alive() of a timeline; NULL for a NULL horizon';

CREATE FUNCTION expected_purchases(timeline event_timeline, model purchase_model, until date, horizon interval, zone text DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_timeline_expected_purchases_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION expected_purchases(event_timeline, purchase_model, date, interval, text) IS
	'the same, with the horizon as an interval: a month is 365.25 / 12 days where the period is a day or a week, and days are such parts of a month else';

CREATE FUNCTION purchase_probability(timeline event_timeline, model purchase_model, until date, horizon float8, n bigint, zone text DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_timeline_purchase_probability' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION purchase_probability(event_timeline, purchase_model, date, float8, bigint, text) IS
	'how likely a customer makes exactly n purchases (days with one or several) behind until: purchase_probability() of his purchase_summary(), in the model''s period and in the zone of its days. horizon: a number of the model''s periods, or an interval. NULLs and errors as in p_alive() of a timeline; NULL for a NULL horizon or n';

CREATE FUNCTION purchase_probability(timeline event_timeline, model purchase_model, until date, horizon interval, n bigint, zone text DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_timeline_purchase_probability_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION purchase_probability(event_timeline, purchase_model, date, interval, bigint, text) IS
	'the same, with the horizon as an interval: a month is 365.25 / 12 days where the period is a day or a week, and days are such parts of a month else';

CREATE FUNCTION expected_spend(timeline event_timeline, model spend_model, until date, zone text DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_timeline_expected_spend' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION expected_spend(event_timeline, spend_model, date, text) IS
	'the mean value of a customer''s purchases that the model expects behind until: expected_spend() of his purchase_summary(), in the zone of the model''s days. NULL where a purchase after the first one has no value; other NULLs and errors as in p_alive() of a timeline';

CREATE FUNCTION lifetime_value(timeline event_timeline, model purchase_model, spend_model spend_model, until date, horizon float8, discount float8 DEFAULT 0, zone text DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_timeline_lifetime_value' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION lifetime_value(event_timeline, purchase_model, spend_model, date, float8, float8, text) IS
	'what a customer will spend behind until: lifetime_value() of his purchase_summary(), in the model''s period and in the zone of its days, which the spend model must agree with (22023). horizon: a number of the model''s periods, or an interval; discount: the rate of one period, 0.01 is 1 %. NULL where a purchase after the first one has no value, and for a NULL horizon or discount; other NULLs and errors as in p_alive() of a timeline';

CREATE FUNCTION lifetime_value(timeline event_timeline, model purchase_model, spend_model spend_model, until date, horizon interval, discount float8 DEFAULT 0, zone text DEFAULT NULL) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_timeline_lifetime_value_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION lifetime_value(event_timeline, purchase_model, spend_model, date, interval, float8, text) IS
	'the same, with the horizon as an interval: a month is 365.25 / 12 days where the period is a day or a week, and days are such parts of a month else';
