/*
 * value_model.c
 *		The types purchase_model, spend_model and renewal_model: their JSON, the units of their
 *		times, and what is known of their parameters.
 *
 * A model that was fitted says how: to how many customers, with which likelihood, whether the fit
 * has converged, and the covariance of the parameters. One that is written by hand, from published
 * parameters, has none of that.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "value/value_internal.h"

PG_FUNCTION_INFO_V1(loyalty_purchase_model_parameters);
PG_FUNCTION_INFO_V1(loyalty_spend_model_parameters);
PG_FUNCTION_INFO_V1(loyalty_renewal_model_parameters);
PG_FUNCTION_INFO_V1(loyalty_purchase_model_summary);
PG_FUNCTION_INFO_V1(loyalty_spend_model_summary);
PG_FUNCTION_INFO_V1(loyalty_renewal_model_summary);
PG_FUNCTION_INFO_V1(loyalty_purchase_model_compare);
PG_FUNCTION_INFO_V1(loyalty_spend_model_compare);
PG_FUNCTION_INFO_V1(loyalty_renewal_model_compare);
PG_FUNCTION_INFO_V1(loyalty_purchase_model_compare_parts);
PG_FUNCTION_INFO_V1(loyalty_spend_model_compare_parts);
PG_FUNCTION_INFO_V1(loyalty_renewal_model_compare_parts);

/* ---- kinds ---- */

static const char *const bgnbd_parameters[] = { "r", "alpha", "a", "b" };
static const char *const pareto_parameters[] = { "r", "alpha", "s", "beta" };
static const char *const gamma_parameters[] = { "p", "q", "g" };
static const char *const sbg_parameters[] = { "a", "b" };

static const ValueKind purchase_kinds[PURCHASE_KINDS] = {
	[PURCHASE_BGNBD] = { "bgnbd", lengthof(bgnbd_parameters), bgnbd_parameters, 1 << BGNBD_ALPHA },
	[PURCHASE_MBGNBD] = { "mbgnbd", lengthof(bgnbd_parameters), bgnbd_parameters,
						  1 << BGNBD_ALPHA },
	[PURCHASE_PARETONBD] = { "paretonbd", lengthof(pareto_parameters), pareto_parameters,
							 1 << PARETO_ALPHA | 1 << PARETO_BETA },
};
static const ValueKind spend_kinds[] = { { "gammagamma", lengthof(gamma_parameters),
										   gamma_parameters, 1 << GAMMA_G } };
static const ValueKind renewal_kinds[] = { { "sbg", lengthof(sbg_parameters), sbg_parameters, 0 } };

/* ---- reading ---- */

static double
read_number(const JsonbValue *value, const char *type, const char *path)
{
	if (value == NULL || value->type != jbvNumeric)
		json_report_wrong_type(value, type, path, "a number");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
}

static void
read_kind(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	ValueModel *model = policy;
	const char *names[PURCHASE_KINDS];
	int i;

	for (i = 0; i < model->nkinds; i++)
		names[i] = model->kinds[i].name;
	if (!policy_get_choice(object, key->name, names, model->nkinds, &model->kind))
		json_report_wrong_type(NULL, object->type, policy_path(object, key->name), "a string");
}

static void
read_period(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	int period;

	if (policy_get_choice(object, key->name, value_period_names, lengthof(value_period_names),
						  &period))
		((ValueModel *) policy)->period = VALUE_DAY + period;
}

/* It may be the name of a session's zone that isn't taken from others. */
static void
read_zone(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	JsonbValue value;
	char *name;

	if (!policy_has(object, key->name))
		return;
	name = json_as_string(json_member(object->json, key->name, &value), object->type,
						  policy_path(object, key->name));
	((ValueModel *) policy)->zone = zone_noted(name, strlen(name));
}

static void
read_parameters(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	ValueModel *model = policy;
	const ValueKind *kind = value_kind(model);
	const char *names[VALUE_MAX_PARAMETERS + 1] = { NULL };
	PolicyObject inner;
	JsonbValue value;
	int i;

	for (i = 0; i < kind->nparameters; i++)
		names[i] = kind->parameters[i];
	policy_enter(object, json_member(object->json, key->name, &value),
				 policy_path(object, key->name), &inner);
	policy_check_keys(&inner, names);
	for (i = 0; i < kind->nparameters; i++)
	{
		const char *path = policy_path(&inner, names[i]);
		double parameter =
			read_number(json_member(inner.json, names[i], &value), object->type, path);

		if ((kind->scales & 1 << i) != 0
				? !(parameter >= 1 / VALUE_MOST_SCALE && parameter <= VALUE_MOST_SCALE)
				: !(parameter >= VALUE_LEAST_PARAMETER && parameter <= VALUE_MOST_PARAMETER))
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a %s is %s", path, object->type, tally_float_text(parameter)),
				 errhint("Parameters are from %g to %g; alpha, beta and g, whose size is that of "
						 "the unit, from %g to %g.",
						 VALUE_LEAST_PARAMETER, VALUE_MOST_PARAMETER, 1 / VALUE_MOST_SCALE,
						 VALUE_MOST_SCALE)));
		model->parameters[i] = parameter;
	}
}

static void
read_log_likelihood(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	JsonbValue value;

	if (policy_has(object, key->name))
		((ValueModel *) policy)->log_likelihood =
			read_number(json_member(object->json, key->name, &value), object->type,
						policy_path(object, key->name));
}

static void
read_on_edge(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	ValueModel *model = policy;
	const ValueKind *kind = value_kind(model);
	const char *path = policy_path(object, key->name);
	JsonbContainer *list;
	JsonbIterator *iterator = NULL;
	JsonbValue value;

	if (!policy_has(object, key->name))
		return;
	list = json_as_array(json_member(object->json, key->name, &value), object->type, path);
	while (policy_next_element(list, &iterator, &value))
		model->on_edge[policy_choice(object, &value, path, kind->parameters, kind->nparameters)] =
			true;
}

static void report_covariance(const PolicyObject *object, const char *path, const char *detail)
	pg_attribute_noreturn();

static void
report_covariance(const PolicyObject *object, const char *path, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" of a %s can't be", path, object->type), errdetail("%s", detail),
					errhint("It has a row for each parameter with a number for each, is "
							"symmetric, and has variances above 0. It may be left out.")));
}

static void
read_covariance(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	ValueModel *model = policy;
	int n = value_kind(model)->nparameters;
	const char *path = policy_path(object, key->name);
	JsonbIterator *iterator = NULL;
	JsonbContainer *list;
	JsonbValue value;
	int i;
	int j;

	if (!policy_has(object, key->name))
		return;
	list = json_as_array(json_member(object->json, key->name, &value), object->type, path);
	if (JsonContainerSize(list) != (uint32) n)
		report_covariance(object, path, "It doesn't have a row for each parameter.");
	for (i = 0; policy_next_element(list, &iterator, &value); i++)
	{
		JsonbContainer *row = json_as_array(&value, object->type, path);
		JsonbIterator *cells = NULL;

		if (JsonContainerSize(row) != (uint32) n)
			report_covariance(object, path, "A row doesn't have a number for each parameter.");
		for (j = 0; policy_next_element(row, &cells, &value); j++)
			model->covariance[i][j] = read_number(&value, object->type, path);
	}
	for (i = 0; i < n; i++)
	{
		if (!(model->covariance[i][i] > 0))
			report_covariance(object, path, "A variance isn't above 0.");
		for (j = 0; j < i; j++)
			if (model->covariance[i][j] != model->covariance[j][i])
				report_covariance(object, path, "It isn't symmetric.");
	}
	model->has_covariance = true;
}

/* What only a fit has, without one. */
static void
check_fit(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	ValueModel *model = policy;
	int i;

	for (i = 0; i < value_kind(model)->nparameters; i++)
		if (model->on_edge[i] && model->converged)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a %s that has converged has \"%s\" on the edge", object->type,
							value_kind(model)->parameters[i]),
					 errhint("Where a parameter is in \"on_edge\", \"converged\" is false.")));
	if (model->customers == 0 && (model->log_likelihood != 0 || model->iterations != 0 ||
								  model->converged || model->has_covariance))
		policy_report_needs(object, "log_likelihood", "customers",
							"What is said about a fit needs the number of customers that it was "
							"made for. A model by hand has a kind and parameters only.");
	if (model->customers != 0 && !policy_has(object, "log_likelihood"))
		policy_report_needs(object, "customers", "log_likelihood",
							"A fit has both. A model by hand has a kind and parameters only.");
}

/* ---- writing ---- */

static void
put_kind(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		 const void *before)
{
	policy_put_name(out, key->name, value_kind(now)->name);
}

static void
put_period(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		   const void *before)
{
	ValuePeriod period = ((const ValueModel *) now)->period;

	if (period != VALUE_NO_PERIOD)
		policy_put_name(out, key->name, value_period_names[period - VALUE_DAY]);
}

static void
put_zone(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		 const void *before)
{
	const ValueModel *model = now;

	if (model->zone != NULL)
		policy_put_name(out, key->name, zone_name(model->zone));
}

static void
put_parameters(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			   const void *before)
{
	const ValueModel *model = now;
	const ValueKind *kind = value_kind(model);
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '{');
	for (i = 0; i < kind->nparameters; i++)
	{
		policy_put_key(out, kind->parameters[i]);
		appendStringInfoString(out, tally_float_text(model->parameters[i]));
	}
	appendStringInfoChar(out, '}');
}

static void
put_log_likelihood(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
				   const void *before)
{
	const ValueModel *model = now;

	if (model->customers == 0)
		return;
	policy_put_key(out, key->name);
	appendStringInfoString(out, tally_float_text(model->log_likelihood));
}

static void
put_on_edge(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			const void *before)
{
	const ValueModel *model = now;
	const ValueKind *kind = value_kind(model);
	bool any = false;
	int i;

	for (i = 0; i < kind->nparameters; i++)
	{
		if (!model->on_edge[i])
			continue;
		if (!any)
		{
			policy_put_key(out, key->name);
			appendStringInfoChar(out, '[');
			any = true;
		}
		policy_put_element(out);
		appendStringInfo(out, "\"%s\"", kind->parameters[i]);
	}
	if (any)
		appendStringInfoChar(out, ']');
}

static void
put_covariance(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			   const void *before)
{
	const ValueModel *model = now;
	int n = value_kind(model)->nparameters;
	int i;
	int j;

	if (!model->has_covariance)
		return;
	policy_put_key(out, key->name);
	appendStringInfoChar(out, '[');
	for (i = 0; i < n; i++)
	{
		policy_put_element(out);
		appendStringInfoChar(out, '[');
		for (j = 0; j < n; j++)
		{
			policy_put_element(out);
			appendStringInfoString(out, tally_float_text(model->covariance[i][j]));
		}
		appendStringInfoChar(out, ']');
	}
	appendStringInfoChar(out, ']');
}

static const PolicyKey keys[] = {
	{ .name = "kind",
	  .required = true,
	  POLICY_AT(ValueModel, kind),
	  .read = read_kind,
	  .write = put_kind },
	{ .name = "period", POLICY_AT(ValueModel, period), .read = read_period, .write = put_period },
	{ .name = "zone",
	  .type = POLICY_CUSTOM,
	  POLICY_AT(ValueModel, zone),
	  .read = read_zone,
	  .write = put_zone },
	{ .name = "parameters",
	  .required = true,
	  POLICY_AT(ValueModel, parameters),
	  .turn = 1,
	  .read = read_parameters,
	  .write = put_parameters },
	{ .name = "customers", .type = POLICY_COUNT, POLICY_AT(ValueModel, customers) },
	{ .name = "log_likelihood",
	  .always = true, /* of a fit: it may be 0 */
	  POLICY_AT(ValueModel, log_likelihood),
	  .read = read_log_likelihood,
	  .write = put_log_likelihood },
	{ .name = "iterations", .type = POLICY_COUNT, POLICY_AT(ValueModel, iterations) },
	{ .name = "converged", .type = POLICY_BOOL, POLICY_AT(ValueModel, converged) },
	{ .name = "on_edge",
	  POLICY_AT(ValueModel, on_edge),
	  .turn = 1,
	  .read = read_on_edge,
	  .write = put_on_edge },
	{ .name = "covariance",
	  POLICY_AT(ValueModel, covariance),
	  .turn = 1,
	  .read = read_covariance,
	  .check = check_fit,
	  .write = put_covariance },
	{ .name = NULL },
};

static const ValueVersion no_version = { .from = DATEVAL_NOBEGIN };

#define EMPTY_MODEL(list)                                         \
	{                                                             \
		.kinds = (list), .nkinds = lengthof(list), .nversions = 1 \
	}

static const ValueModel no_purchases = EMPTY_MODEL(purchase_kinds);
static const ValueModel no_spend = EMPTY_MODEL(spend_kinds);
static const ValueModel no_renewals = EMPTY_MODEL(renewal_kinds);

#define MODEL_TABLE(name, empty, hint)                                            \
	{                                                                             \
		.type = (name), .null_hint = (hint), .keys = keys,                        \
		POLICY_STRUCTS(ValueModel, ValueModel, ValueVersion), .policy = &(empty), \
		.version = &no_version                                                    \
	}

const PolicyTable purchase_model_table = MODEL_TABLE(
	"purchase_model", no_purchases, "bgnbd_fit(), mbgnbd_fit() and paretonbd_fit() make one.");
const PolicyTable spend_model_table =
	MODEL_TABLE("spend_model", no_spend, "gammagamma_fit() makes one of customers' mean values.");
const PolicyTable renewal_model_table =
	MODEL_TABLE("renewal_model", no_renewals, "sbg_fit() makes one of customers' renewals.");

/* loyalty_purchase_model_in, loyalty_purchase_model_out, loyalty_purchase_model_recv,
 * loyalty_purchase_model_send, loyalty_purchase_model; the same of spend_model and renewal_model */
POLICY_TYPE_IO(purchase_model)
POLICY_TYPE_IO(spend_model)
POLICY_TYPE_IO(renewal_model)

ValueModel *
value_model_create(const PolicyTable *table, int kind)
{
	ValueModel *model = palloc(sizeof(ValueModel));

	*model = *(const ValueModel *) table->policy;
	model->kind = kind;
	return model;
}

static void *
open_purchases(const struct varlena *model)
{
	return policy_open(model, &purchase_model_table);
}

static void *
open_spend(const struct varlena *model)
{
	return policy_open(model, &spend_model_table);
}

static void *
open_renewals(const struct varlena *model)
{
	return policy_open(model, &renewal_model_table);
}

static PolicyOpener
opener_of(const PolicyTable *table)
{
	return table == &purchase_model_table ? open_purchases
		   : table == &spend_model_table  ? open_spend
										  : open_renewals;
}

const ValueModel *
value_model_argument(FunctionCallInfo fcinfo, int n, const PolicyTable *table)
{
	argument_refuse_null(fcinfo, n, table->type, table->null_hint);
	return policy_argument(fcinfo, n, table, opener_of(table));
}

struct varlena *
value_model_pack(const PolicyTable *table, const ValueModel *model)
{
	return policy_pack(policy_text(table, model));
}

/* ---- units ---- */

#define DAYS_PER_MEAN_MONTH (DAYS_PER_YEAR / MONTHS_PER_YEAR)

static double
periods_of(ValuePeriod period, double months, double days)
{
	static const int sizes[VALUE_PERIODS] = {
		[VALUE_DAY] = 1, [VALUE_WEEK] = 7, [VALUE_MONTH] = 1, [VALUE_QUARTER] = 3, [VALUE_YEAR] = 12
	};

	return (period <= VALUE_WEEK ? days + months * DAYS_PER_MEAN_MONTH
								 : months + days / DAYS_PER_MEAN_MONTH) /
		   sizes[period];
}

double
value_periods_of_days(ValuePeriod period, double days)
{
	return periods_of(period, 0, days);
}

double
value_periods_of(const ValueModel *model, const Interval *interval)
{
	double periods;

	if (model->period == VALUE_NO_PERIOD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an interval can't be counted in the periods of a model that has none"),
				 errhint("Give a number of the periods that the model was fitted in, or name them "
						 "when fitting, as in bgnbd_fit(x, t_x, age, 'week').")));
	periods = periods_of(model->period, interval->month,
						 interval->day + (double) interval->time / USECS_PER_DAY);
#ifdef INTERVAL_NOT_FINITE
	if (INTERVAL_NOT_FINITE(interval))
		periods = INFINITY;
#endif
	if (!(periods >= 0 && periods <= VALUE_MOST_HORIZON))
		value_report_horizon();
	return periods;
}

void
value_check_period(const ValueModel *model)
{
	if (model->period == VALUE_NO_PERIOD)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the model does not know the period that its times are counted in"),
						errhint("Fit it over timelines, or name the period when fitting, as in "
								"bgnbd_fit(x, t_x, age, 'week'); in a model by hand, it is the key "
								"\"period\".")));
}

void
value_report_horizon(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the horizon must be from 0 to %d of the model's periods", VALUE_MOST_HORIZON),
			 errhint("Give how far ahead to look, from the end of the observation on.")));
}

/* ---- what is known of a model ---- */

static Datum
put_model_parameters(FunctionCallInfo fcinfo, const PolicyTable *table)
{
	const ValueModel *model = policy_open(PG_GETARG_VARLENA_PP(0), table);
	const ValueKind *kind = value_kind(model);
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	Rows rows;
	int i;

	rows_open(&rows, fcinfo);
	for (i = 0; i < kind->nparameters; i++)
	{
		double value = model->parameters[i];
		double error = model->has_covariance ? sqrt(model->covariance[i][i]) : NAN;

		rows_begin(&rows);
		rows_put_name(&rows, kind->parameters[i]);
		rows_put_float(&rows, value);
		rows_put_float(&rows, error);
		rows_put_float(&rows, value * exp(-z * error / value));
		rows_put_float(&rows, value * exp(z * error / value));
		rows_put_bool(&rows, model->on_edge[i]);
		rows_end(&rows);
	}
	return (Datum) 0;
}

static double
aic(double log_likelihood, double parameters)
{
	return 2 * (parameters - log_likelihood);
}

static Datum
put_model_summary(FunctionCallInfo fcinfo, const PolicyTable *table)
{
	const ValueModel *model = policy_open(PG_GETARG_VARLENA_PP(0), table);
	const ValueKind *kind = value_kind(model);
	bool is_fit = model->customers > 0;
	Rows rows;

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_name(&rows, kind->name);
	rows_put_name(&rows, model->period == VALUE_NO_PERIOD
							 ? NULL
							 : value_period_names[model->period - VALUE_DAY]);
	if (is_fit)
		rows_put_count(&rows, model->customers);
	else
		rows_put_null(&rows);
	rows_put_float(&rows, is_fit ? model->log_likelihood : NAN);
	rows_put_float(&rows, is_fit ? aic(model->log_likelihood, kind->nparameters) : NAN);
	if (is_fit)
	{
		rows_put_int(&rows, model->iterations);
		rows_put_bool(&rows, model->converged);
	}
	else
	{
		rows_put_null(&rows);
		rows_put_null(&rows);
	}
	return rows_record(&rows);
}

/* ---- comparing ---- */

static void
check_fitted(const ValueModel *model)
{
	if (model->customers == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a model that was not fitted can't be compared"),
						errhint("Compare what bgnbd_fit() and the other fits return.")));
}

static void
put_comparison(Rows *rows, double a, double a_parameters, double b, double b_parameters,
			   bool is_nested)
{
	double degrees = b_parameters - a_parameters;
	double statistic = 2 * (b - a);

	rows_begin(rows);
	rows_put_float(rows, a);
	rows_put_float(rows, b);
	rows_put_float(rows, aic(a, a_parameters));
	rows_put_float(rows, aic(b, b_parameters));
	rows_put_float(rows, aic(b, b_parameters) - aic(a, a_parameters));
	rows_put_float(rows, is_nested ? statistic : NAN);
	if (is_nested)
		rows_put_int(rows, (int) degrees);
	else
		rows_put_null(rows);
	rows_put_float(rows, is_nested ? chi_squared_tail(Max(statistic, 0), degrees) : NAN);
}

static void
check_same_customers(int64 a, int64 b)
{
	if (a != b)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("models of " INT64_FORMAT " and of " INT64_FORMAT
						" customers can't be compared",
						a, b),
				 errhint("Likelihoods say which model is better for the same customers: fit both "
						 "to the same sample.")));
}

/* Likelihoods are of the same things only where times are counted in the same unit, and purchases
 * by the days of one zone. */
static void
check_same_period(const ValueModel *a, const ValueModel *b)
{
	if (a->period != b->period)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("models in different periods can't be compared"),
						errhint("Fit both to times in the same period.")));
	if (a->zone != NULL && b->zone != NULL && a->zone != b->zone)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("models of days in zones \"%s\" and \"%s\" can't be compared",
							   zone_name(a->zone), zone_name(b->zone)),
						errhint("Fit both to days of one zone.")));
}

static Datum
compare_models(FunctionCallInfo fcinfo, const PolicyTable *table)
{
	const ValueModel *a = policy_open(PG_GETARG_VARLENA_PP(0), table);
	const ValueModel *b = policy_open(PG_GETARG_VARLENA_PP(1), table);
	Rows rows;

	check_fitted(a);
	check_fitted(b);
	check_same_period(a, b);
	check_same_customers(a->customers, b->customers);
	rows_open_record(&rows, fcinfo);
	put_comparison(&rows, a->log_likelihood, value_kind(a)->nparameters, b->log_likelihood,
				   value_kind(b)->nparameters, false);
	return rows_record(&rows);
}

/* All customers by one model, or each part of them by its own. */
static Datum
compare_parts(FunctionCallInfo fcinfo, const PolicyTable *table)
{
	const ValueModel *whole = policy_open(PG_GETARG_VARLENA_PP(0), table);
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	double log_likelihood = 0;
	double parameters = 0;
	int64 customers = 0;
	bool is_nested = true;
	Datum *elements;
	bool *nulls;
	Rows rows;
	int n;
	int i;

	argument_refuse_matrix(array, "parts");
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	check_fitted(whole);
	for (i = 0; i < n; i++)
	{
		const ValueModel *part;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("parts have a NULL element"),
					 errhint("A part without customers has no model: leave it out.")));
		part = policy_open((struct varlena *) PG_DETOAST_DATUM_PACKED(elements[i]), table);
		check_fitted(part);
		check_same_period(whole, part);
		is_nested &= part->kind == whole->kind;
		log_likelihood += part->log_likelihood;
		parameters += value_kind(part)->nparameters;
		if (pg_add_s64_overflow(customers, part->customers, &customers))
			customers = PG_INT64_MAX;
	}
	check_same_customers(whole->customers, customers);
	is_nested &= parameters > value_kind(whole)->nparameters;
	rows_open_record(&rows, fcinfo);
	put_comparison(&rows, whole->log_likelihood, value_kind(whole)->nparameters, log_likelihood,
				   parameters, is_nested);
	return rows_record(&rows);
}

/* loyalty_purchase_model_parameters, loyalty_purchase_model_summary,
 * loyalty_purchase_model_compare, loyalty_purchase_model_compare_parts; the same of spend_model
 * and renewal_model */
#define MODEL_FUNCTIONS(type)                               \
	Datum loyalty_##type##_parameters(PG_FUNCTION_ARGS)     \
	{                                                       \
		return put_model_parameters(fcinfo, &type##_table); \
	}                                                       \
	Datum loyalty_##type##_summary(PG_FUNCTION_ARGS)        \
	{                                                       \
		return put_model_summary(fcinfo, &type##_table);    \
	}                                                       \
	Datum loyalty_##type##_compare(PG_FUNCTION_ARGS)        \
	{                                                       \
		return compare_models(fcinfo, &type##_table);       \
	}                                                       \
	Datum loyalty_##type##_compare_parts(PG_FUNCTION_ARGS)  \
	{                                                       \
		return compare_parts(fcinfo, &type##_table);        \
	}

MODEL_FUNCTIONS(purchase_model)
MODEL_FUNCTIONS(spend_model)
MODEL_FUNCTIONS(renewal_model)
