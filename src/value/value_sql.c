/*
 * value_sql.c
 *		One customer's timeline: the numbers that models are fitted to, what he bought after them,
 *		and what a model says of him.
 *
 * A model knows the period that its times are counted in, and the zone of its days: a timeline is
 * summarised by these, and by nothing else.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "core/argument.h"
#include "core/rows.h"
#include "value/value_internal.h"

PG_FUNCTION_INFO_V1(loyalty_purchase_summary);
PG_FUNCTION_INFO_V1(loyalty_purchase_holdout);
PG_FUNCTION_INFO_V1(loyalty_customer_purchase_summaries);
PG_FUNCTION_INFO_V1(loyalty_timeline_p_alive);
PG_FUNCTION_INFO_V1(loyalty_timeline_expected_purchases);
PG_FUNCTION_INFO_V1(loyalty_timeline_expected_purchases_interval);
PG_FUNCTION_INFO_V1(loyalty_timeline_purchase_probability);
PG_FUNCTION_INFO_V1(loyalty_timeline_purchase_probability_interval);
PG_FUNCTION_INFO_V1(loyalty_timeline_expected_spend);
PG_FUNCTION_INFO_V1(loyalty_timeline_lifetime_value);
PG_FUNCTION_INFO_V1(loyalty_timeline_lifetime_value_interval);

/* ---- numbers ---- */

/* The day in an argument that has no default. */
static DateADT
day_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	argument_refuse_null(fcinfo, n, name,
						 "Give the last day that counts, such as current_date - 1.");
	return argument_finite_day(fcinfo, n, name);
}

/* The zone in argument n; NULL where that is. */
static ZoneDays *
zone_argument(FunctionCallInfo fcinfo, int n)
{
	const struct varlena *name;

	if (PG_ARGISNULL(n))
		return NULL;
	name = PG_GETARG_VARLENA_PP(n);
	return zone_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

static double
time_of(ValuePeriod period, DateADT from, DateADT to)
{
	return value_periods_of_days(period, (double) ((int64) to - from));
}

/* x, t_x, age and m as columns. */
static void
put_summary(Rows *rows, const PurchaseSummary *customer, ValuePeriod period)
{
	rows_put_count(rows, customer->x);
	rows_put_float(rows, time_of(period, customer->first, customer->last));
	rows_put_float(rows, time_of(period, customer->first, customer->until));
	rows_put_float(rows, customer->has_amount ? purchase_summary_mean(customer) : NAN);
}

/* purchase_summary(timeline, until, period, zone) */
Datum
loyalty_purchase_summary(PG_FUNCTION_ARGS)
{
	DateADT until = day_argument(fcinfo, 1, "until");
	ValuePeriod period = value_period_argument(fcinfo, 2);
	ZoneDays *zone = zone_argument(fcinfo, 3);
	PurchaseSummary customer;
	Rows rows;
	int i;

	if (zone == NULL)
		zone = zone_of_session();
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	if (purchase_summarise(&customer, timeline_event_body(PG_GETARG_DATUM(0)), zone, until))
		put_summary(&rows, &customer, period);
	else
		for (i = 0; i < 4; i++)
			rows_put_null(&rows);
	return rows_record(&rows);
}

/* purchase_holdout(timeline, calibrate_until, until, zone) */
Datum
loyalty_purchase_holdout(PG_FUNCTION_ARGS)
{
	DateADT calibrate_until = day_argument(fcinfo, 1, "calibrate_until");
	DateADT until = day_argument(fcinfo, 2, "until");
	ZoneDays *zone = zone_argument(fcinfo, 3);
	PurchaseHoldout holdout;
	Rows rows;

	if (zone == NULL)
		zone = zone_of_session();
	value_check_holdout(calibrate_until, until);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	if (!purchase_hold_out(&holdout, timeline_event_body(PG_GETARG_DATUM(0)), zone, calibrate_until,
						   until))
	{
		rows_put_null(&rows);
		rows_put_null(&rows);
		return rows_record(&rows);
	}
	rows_put_count(&rows, holdout.purchases);
	if (holdout.has_amount)
		rows_put_decimal(&rows, holdout.amount, holdout.scale);
	else
		rows_put_null(&rows);
	return rows_record(&rows);
}

/* customer_purchase_summaries(base, until, period, zone) */
Datum
loyalty_customer_purchase_summaries(PG_FUNCTION_ARGS)
{
	MetricQuestion question;
	const Base *base = metric_base(fcinfo, 0, &purchase_sample_metric, &question);
	ZoneDays *zone = question.zone;
	BaseErrors errors;
	BaseCursor cursor;
	Customer customer = { 0 };
	ByteSpan body;
	Rows rows;

	rows_open(&rows, fcinfo);
	if (base == NULL || !question.has_as_of)
		return (Datum) 0;
	/* days of no zone are the same ones in that of their instants */
	if (base->zone_state == ZONE_DAYS)
		zone = zone_noted(base->zone, strlen(base->zone));
	base_rewind(&cursor, base);
	base_name_customer(&errors, base->type, &customer);
	while (base_next(&cursor, &customer, &body))
	{
		PurchaseSummary summary;

		CHECK_FOR_INTERRUPTS();
		if (!purchase_summarise(&summary, body, zone, question.as_of))
			continue;
		rows_begin(&rows);
		rows_put_datum(&rows, customer_datum(base->type, customer));
		put_summary(&rows, &summary, purchase_question_period(&question));
		rows_end(&rows);
	}
	base_forget_customer(&errors);
	return (Datum) 0;
}

/* ---- what a model says ---- */

/* The zone of a model's days: what it knows, what another one knows, and what the call names, must
 * agree. */
static ZoneDays *
agree_on_zone(ZoneDays *zone, ZoneDays *other, const char *of_other)
{
	if (zone != NULL && other != NULL && zone != other)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the model is of days in zone \"%s\", but %s of days in \"%s\"",
							   zone_name(zone), of_other, zone_name(other)),
						errhint("A timeline is summarised as those were that the model was fitted "
								"to: leave out zone, and fit both models in one zone.")));
	return zone != NULL ? zone : other;
}

/*
 * The customer whose timeline is the first argument, by the day until, argument n, and the zone,
 * argument n_zone. False where the timeline is NULL, or has no purchase by then. Either model may
 * be NULL.
 */
static bool
get_customer(FunctionCallInfo fcinfo, const ValueModel *model, const ValueModel *spend, int n,
			 int n_zone, PurchaseSummary *customer)
{
	ZoneDays *zone = model != NULL ? model->zone : NULL;
	DateADT until = day_argument(fcinfo, n, "until");

	if (spend != NULL)
		zone = agree_on_zone(zone, spend->zone, "the spend model");
	zone = agree_on_zone(zone, zone_argument(fcinfo, n_zone), "the question");
	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the model does not know the zone of its days"),
				 errhint("Name it: zone => 'Europe/Helsinki'. What was fitted over timelines "
						 "knows it; in a model by hand, it is the key \"zone\".")));
	if (model != NULL)
		value_check_period(model);
	return !PG_ARGISNULL(0) &&
		   purchase_summarise(customer, timeline_event_body(PG_GETARG_DATUM(0)), zone, until);
}

/* His times, by a model, checked. */
static void
get_times(const ValueModel *model, const PurchaseSummary *customer, double *t_x, double *age)
{
	*t_x = time_of(model->period, customer->first, customer->last);
	*age = time_of(model->period, customer->first, customer->until);
	value_check_customer(customer->x, *t_x, *age);
}

static const ValueModel *
purchase_model(FunctionCallInfo fcinfo, int n)
{
	return value_model_argument(fcinfo, n, &purchase_model_table);
}

static const ValueModel *
spend_model(FunctionCallInfo fcinfo, int n)
{
	return value_model_argument(fcinfo, n, &spend_model_table);
}

/* p_alive(timeline, model, until, zone) */
Datum
loyalty_timeline_p_alive(PG_FUNCTION_ARGS)
{
	const ValueModel *model = purchase_model(fcinfo, 1);
	PurchaseSummary customer;
	double t_x;
	double age;

	if (!get_customer(fcinfo, model, NULL, 2, 3, &customer))
		PG_RETURN_NULL();
	get_times(model, &customer, &t_x, &age);
	PG_RETURN_FLOAT8(purchase_p_alive(model, customer.x, t_x, age));
}

static Datum
expected_purchases(FunctionCallInfo fcinfo, bool is_interval)
{
	const ValueModel *model = purchase_model(fcinfo, 1);
	PurchaseSummary customer;
	double t_x;
	double age;
	double horizon;

	if (!get_customer(fcinfo, model, NULL, 2, 4, &customer))
		PG_RETURN_NULL();
	get_times(model, &customer, &t_x, &age);
	if (!value_horizon_argument(fcinfo, 3, model, is_interval, age, &horizon))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(purchase_expected(model, customer.x, t_x, age, horizon));
}

/* expected_purchases(timeline, model, until, horizon, zone) */
Datum
loyalty_timeline_expected_purchases(PG_FUNCTION_ARGS)
{
	return expected_purchases(fcinfo, false);
}

/* ... the horizon is an interval */
Datum
loyalty_timeline_expected_purchases_interval(PG_FUNCTION_ARGS)
{
	return expected_purchases(fcinfo, true);
}

static Datum
purchase_probability(FunctionCallInfo fcinfo, bool is_interval)
{
	const ValueModel *model = purchase_model(fcinfo, 1);
	PurchaseSummary customer;
	double t_x;
	double age;
	double horizon;

	if (!get_customer(fcinfo, model, NULL, 2, 5, &customer))
		PG_RETURN_NULL();
	get_times(model, &customer, &t_x, &age);
	if (!value_horizon_argument(fcinfo, 3, model, is_interval, age, &horizon) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(purchase_probability_of(model, customer.x, t_x, age, horizon,
											 value_number_argument(fcinfo, 4)));
}

/* purchase_probability(timeline, model, until, horizon, n, zone) */
Datum
loyalty_timeline_purchase_probability(PG_FUNCTION_ARGS)
{
	return purchase_probability(fcinfo, false);
}

/* ... the horizon is an interval */
Datum
loyalty_timeline_purchase_probability_interval(PG_FUNCTION_ARGS)
{
	return purchase_probability(fcinfo, true);
}

/* m, checked; false where it isn't known. */
static bool
get_mean(const PurchaseSummary *customer, double *m)
{
	if (!customer->has_amount)
		return false;
	*m = purchase_summary_mean(customer);
	value_check_spend(customer->x, *m);
	return true;
}

/* expected_spend(timeline, model, until, zone) */
Datum
loyalty_timeline_expected_spend(PG_FUNCTION_ARGS)
{
	const ValueModel *model = spend_model(fcinfo, 1);
	PurchaseSummary customer;
	double m;

	if (!get_customer(fcinfo, NULL, model, 2, 3, &customer) || !get_mean(&customer, &m))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(spend_expected(model, customer.x, m));
}

static Datum
lifetime_value(FunctionCallInfo fcinfo, bool is_interval)
{
	const ValueModel *model = purchase_model(fcinfo, 1);
	const ValueModel *spend = spend_model(fcinfo, 2);
	PurchaseSummary customer;
	double t_x;
	double age;
	double m;
	double horizon;
	double discount;

	if (!get_customer(fcinfo, model, spend, 3, 6, &customer) || !get_mean(&customer, &m))
		PG_RETURN_NULL();
	get_times(model, &customer, &t_x, &age);
	if (!value_horizon_argument(fcinfo, 4, model, is_interval, age, &horizon) ||
		!value_discount_argument(fcinfo, 5, &discount))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value_of_customer(model, spend, customer.x, t_x, age, m, horizon, discount));
}

/* lifetime_value(timeline, model, spend_model, until, horizon, discount, zone) */
Datum
loyalty_timeline_lifetime_value(PG_FUNCTION_ARGS)
{
	return lifetime_value(fcinfo, false);
}

/* ... the horizon is an interval */
Datum
loyalty_timeline_lifetime_value_interval(PG_FUNCTION_ARGS)
{
	return lifetime_value(fcinfo, true);
}
