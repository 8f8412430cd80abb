/*
 * value_sample.c
 *		What models are fitted to: customers, counted by what is known of them. And the aggregates
 *		that count them, and fit a model to them.
 *
 * A model doesn't tell two customers apart who have the same numbers. So a sample is a tally by
 * these, which adds up, and is small where times are whole days or weeks.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "common/int.h"
#include "miscadmin.h"

#include "core/argument.h"
#include "value/value_internal.h"

PG_FUNCTION_INFO_V1(loyalty_purchase_sample_accum);
PG_FUNCTION_INFO_V1(loyalty_spend_sample_accum);
PG_FUNCTION_INFO_V1(loyalty_renewal_sample_accum);
PG_FUNCTION_INFO_V1(loyalty_bgnbd_fit);
PG_FUNCTION_INFO_V1(loyalty_mbgnbd_fit);
PG_FUNCTION_INFO_V1(loyalty_paretonbd_fit);
PG_FUNCTION_INFO_V1(loyalty_gammagamma_fit);
PG_FUNCTION_INFO_V1(loyalty_sbg_fit);

/* ---- customers that can be ---- */

static const char *
purchase_fault_of(int64 x, double t_x, double age)
{
	if (x < 0 || t_x < 0 || age < 0)
		return "Purchases and times can't be below 0.";
	if (age != 0 && (age < 1 / VALUE_MOST_NUMBER || age > VALUE_MOST_NUMBER))
		return "An age is 0, or from 1e-15 to " VALUE_MOST_NUMBER_TEXT ".";
	if (t_x > age)
		return "The last purchase (t_x) can't be after the end of the observation (age).";
	if (x == 0 && t_x != 0)
		return "Who has no repeated purchase has no time of the last one: t_x is 0.";
	return NULL;
}

static const char *
spend_fault_of(int64 x, double m)
{
	if (x < 0 || m < 0)
		return "Purchases and their mean value can't be below 0.";
	if (m != 0 && (m < 1 / VALUE_MOST_NUMBER || m > VALUE_MOST_NUMBER))
		return "A mean value is 0, or from 1e-15 to " VALUE_MOST_NUMBER_TEXT ".";
	return NULL;
}

static void
check_number(int64 x, const char *of)
{
	if (x > VALUE_MAX_PURCHASES)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a customer has " INT64_FORMAT " %s", x, of),
				 errhint("At most %d are possible: count purchases by day, or by a longer period.",
						 VALUE_MAX_PURCHASES)));
}

static void
check_finite(double number, const char *name)
{
	if (!isfinite(number))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s must be finite, not %g", name, number)));
}

void
value_check_customer(int64 x, double t_x, double age)
{
	const char *fault;

	check_finite(t_x, "t_x");
	check_finite(age, "age");
	fault = purchase_fault_of(x, t_x, age);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no customer has x = " INT64_FORMAT ", t_x = %s and age = %s", x,
						tally_float_text(t_x), tally_float_text(age)),
				 errdetail("%s", fault),
				 errhint("x counts the purchases after the first one; t_x and age are how long "
						 "after the first one the last one and the end of the observation are.")));
	check_number(x, "purchases");
}

void
value_check_spend(int64 x, double m)
{
	const char *fault;

	check_finite(m, "m");
	fault = spend_fault_of(x, m);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no customer has x = " INT64_FORMAT " and m = %s", x, tally_float_text(m)),
				 errdetail("%s", fault),
				 errhint("x counts the purchases after the first one, m is their mean "
						 "value, 0 where there are none.")));
	check_number(x, "purchases");
}

/* ---- the samples ---- */

const char *const value_period_names[VALUE_PERIODS - 1] = { "day", "week", "month", "quarter",
															"year" };

ValuePeriod
value_period_by_name(const char *name, size_t len)
{
	return VALUE_DAY + choice_of(name, len, value_period_names, lengthof(value_period_names),
								 ERRCODE_INVALID_PARAMETER_VALUE, "unknown period:", "'");
}

ValuePeriod
value_period_argument(FunctionCallInfo fcinfo, int n)
{
	const struct varlena *name;

	argument_refuse_null(fcinfo, n, "period", VALUE_PERIOD_HINT);
	name = PG_GETARG_VARLENA_PP(n);
	return value_period_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

static char *
canonical_period(const char *text)
{
	return tally_canonical_choice(text, "\"period\" can't be", value_period_names,
								  lengthof(value_period_names));
}

static const TallyParameter purchase_parameters[] = {
	[SAMPLE_UNTIL] = METRIC_LAST_DAY_PARAMETER("until"),
	[SAMPLE_ZONE] = METRIC_ZONE_PARAMETER,
	[PURCHASE_SAMPLE_PERIOD] = { .name = "period",
								 .canonical = canonical_period,
								 .hint = "Count times in the same period." },
};
static const TallyParameter spend_parameters[] = {
	[SAMPLE_UNTIL] = METRIC_LAST_DAY_PARAMETER("until"),
	[SAMPLE_ZONE] = METRIC_ZONE_PARAMETER,
};
static const TallyColumn purchase_keys[] = { { "x", TALLY_NUMBER },
											 { "t_x", TALLY_DECIMAL },
											 { "age", TALLY_DECIMAL } };
static const TallyColumn spend_keys[] = { { "x", TALLY_NUMBER }, { "m", TALLY_DECIMAL } };
static const TallyColumn renewal_keys[] = { { "periods", TALLY_NUMBER } };
static const TallyColumn customer_sums[] = { { "customers", TALLY_COUNT } };
static const TallyColumn renewal_sums[] = { { "lost", TALLY_COUNT }, { "kept", TALLY_COUNT } };

typedef const char *(*RowFault)(const TallyRow *row);

static const char *
purchase_row_fault(const TallyRow *row)
{
	double t_x = tally_key_float(row->key.numbers[1]);
	double age = tally_key_float(row->key.numbers[2]);

	return isfinite(t_x) && isfinite(age) ? purchase_fault_of(row->key.numbers[0], t_x, age)
										  : "A time isn't finite.";
}

static const char *
spend_row_fault(const TallyRow *row)
{
	double m = tally_key_float(row->key.numbers[1]);

	if (!isfinite(m))
		return "A mean value isn't finite.";
	if (row->key.numbers[0] == 0 || m == 0)
		return "Who has not spent anything isn't part of the sample.";
	return spend_fault_of(row->key.numbers[0], m);
}

static const char *
renewal_row_fault(const TallyRow *row)
{
	return row->key.numbers[0] < 0 ? "Periods can't be below 0." : NULL;
}

static const char *
sample_fault(const Tally *tally, bool has_floats, int nsums, RowFault row_fault)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	const char *fault = NULL;
	int64 customers = 0;
	int64 i;
	int j;

	if (has_floats && nrows > 0 && tally_scale(tally) != TALLY_FLOATS)
		fault = "Times and amounts are floats: \"scale\" is \"float\".";
	for (i = 0; i < nrows && fault == NULL; i++)
	{
		fault = rows[i]->key.numbers[0] > VALUE_MAX_PURCHASES ? "A number is too large."
															  : row_fault(rows[i]);
		for (j = 0; j < nsums; j++)
			if (pg_add_s64_overflow(customers, (int64) rows[i]->sums[j], &customers))
				fault = "There are more customers than 2^63 - 1.";
		CHECK_FOR_INTERRUPTS();
	}
	pfree(rows);
	return fault;
}

static const char *
purchase_fault(const Tally *tally)
{
	return sample_fault(tally, true, 1, purchase_row_fault);
}

static const char *
spend_fault(const Tally *tally)
{
	return sample_fault(tally, true, 1, spend_row_fault);
}

static const char *
renewal_fault(const Tally *tally)
{
	return sample_fault(tally, false, 2, renewal_row_fault);
}

/* Rows without customer, and members without events, are only known of timelines. */
static bool
sample_lacks(const Tally *tally, const char *name)
{
	return (strcmp(name, TALLY_GUESTS) == 0 || strcmp(name, TALLY_EVENTLESS) == 0) &&
		   metric_parameter(tally, "zone") == NULL;
}

const TallyShape purchase_sample_shape = {
	.type = "purchase_sample_result",
	.maker = "purchase_sample() and rollup()",
	TALLY_PARAMETERS(purchase_parameters),
	TALLY_KEYS(purchase_keys),
	TALLY_SUMS(customer_sums),
	.lacks = sample_lacks,
	.fault = purchase_fault,
};
const TallyShape spend_sample_shape = {
	.type = "spend_sample_result",
	.maker = "spend_sample() and rollup()",
	TALLY_PARAMETERS(spend_parameters),
	TALLY_KEYS(spend_keys),
	TALLY_SUMS(customer_sums),
	.lacks = sample_lacks,
	.fault = spend_fault,
};
const TallyShape renewal_sample_shape = {
	.type = "renewal_sample_result",
	.maker = "renewal_sample() and rollup()",
	TALLY_KEYS(renewal_keys),
	TALLY_SUMS(renewal_sums),
	.lacks = sample_lacks,
	.fault = renewal_fault,
};

/* loyalty_purchase_sample_result_in, _out, _recv, _send, _merge, _scope; the same of
 * loyalty_spend_sample_result and loyalty_renewal_sample_result */
TALLY_TYPE(purchase_sample_result, &purchase_sample_shape)
TALLY_TYPE(spend_sample_result, &spend_sample_shape)
TALLY_TYPE(renewal_sample_result, &renewal_sample_shape)

/* ---- counting ---- */

void
purchase_sample_add(Tally *tally, int64 x, double t_x, double age)
{
	purchase_sample_add_many(tally, x, t_x, age, 1);
}

void
purchase_sample_add_many(Tally *tally, int64 x, double t_x, double age, int64 customers)
{
	TallyKey key = { .text = NULL };

	value_check_customer(x, t_x, age);
	tally_use_scale(tally, TALLY_FLOATS);
	key.numbers[0] = x;
	key.numbers[1] = tally_float_key(t_x);
	key.numbers[2] = tally_float_key(age);
	tally_add(tally, tally_row(tally, &key), 0, customers);
}

void
spend_sample_add(Tally *tally, int64 x, double m)
{
	TallyKey key = { .text = NULL };

	value_check_spend(x, m);
	if (x == 0 || m == 0)
		return;
	tally_use_scale(tally, TALLY_FLOATS);
	key.numbers[0] = x;
	key.numbers[1] = tally_float_key(m);
	tally_add(tally, tally_row(tally, &key), 0, 1);
}

void
renewal_sample_add(Tally *tally, int64 periods, bool lost)
{
	TallyKey key = { .text = NULL };

	if (periods < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("periods must not be negative: " INT64_FORMAT, periods),
						errhint("Give how many times a customer has renewed so far.")));
	check_number(periods, "periods");
	key.numbers[0] = periods;
	tally_add(tally, tally_row(tally, &key), lost ? 0 : 1, 1);
}

/* What a row with a NULL leaves of the state. */
#define RETURN_STATE_BESIDE_NULL             \
	do                                       \
	{                                        \
		if (PG_ARGISNULL(0))                 \
			PG_RETURN_NULL();                \
		PG_RETURN_DATUM(PG_GETARG_DATUM(0)); \
	} while (0)

/* purchase_sample_accum(state, x, t_x, age [, period]) */
Datum
loyalty_purchase_sample_accum(PG_FUNCTION_ARGS)
{
	const char *period = NULL;
	const char *before;
	TallyState *state;
	bool is_new;

	if (PG_NARGS() > 4)
		period = value_period_names[value_period_argument(fcinfo, 4) - VALUE_DAY];
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		RETURN_STATE_BESIDE_NULL;
	state = tally_state(fcinfo, 0, &purchase_sample_shape, &is_new);
	if (is_new)
		tally_set_parameter(state->tally, PURCHASE_SAMPLE_PERIOD, period);
	before = tally_parameter(state->tally, PURCHASE_SAMPLE_PERIOD);
	if ((before == NULL) != (period == NULL) || (period != NULL && strcmp(before, period) != 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("period must be the same for all rows"),
						errhint("Count times in the same period.")));
	purchase_sample_add(state->tally, PG_GETARG_INT64(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3));
	TALLY_RETURN_STATE(state);
}

/* spend_sample_accum(state, x, m) */
Datum
loyalty_spend_sample_accum(PG_FUNCTION_ARGS)
{
	TallyState *state;
	bool is_new;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_BESIDE_NULL;
	state = tally_state(fcinfo, 0, &spend_sample_shape, &is_new);
	spend_sample_add(state->tally, PG_GETARG_INT64(1), PG_GETARG_FLOAT8(2));
	TALLY_RETURN_STATE(state);
}

/* renewal_sample_accum(state, periods, lost) */
Datum
loyalty_renewal_sample_accum(PG_FUNCTION_ARGS)
{
	TallyState *state;
	bool is_new;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE_BESIDE_NULL;
	state = tally_state(fcinfo, 0, &renewal_sample_shape, &is_new);
	renewal_sample_add(state->tally, PG_GETARG_INT64(1), PG_GETARG_BOOL(2));
	TALLY_RETURN_STATE(state);
}

/* ---- fits: functions of a sample, and final functions ---- */

/* bgnbd_fit(sample) */
Datum
loyalty_bgnbd_fit(PG_FUNCTION_ARGS)
{
	VALUE_RETURN_MODEL(
		purchase_model_table,
		purchase_fit(tally_argument(fcinfo, 0, &purchase_sample_shape), PURCHASE_BGNBD));
}

/* mbgnbd_fit(sample) */
Datum
loyalty_mbgnbd_fit(PG_FUNCTION_ARGS)
{
	VALUE_RETURN_MODEL(
		purchase_model_table,
		purchase_fit(tally_argument(fcinfo, 0, &purchase_sample_shape), PURCHASE_MBGNBD));
}

/* paretonbd_fit(sample) */
Datum
loyalty_paretonbd_fit(PG_FUNCTION_ARGS)
{
	VALUE_RETURN_MODEL(
		purchase_model_table,
		purchase_fit(tally_argument(fcinfo, 0, &purchase_sample_shape), PURCHASE_PARETONBD));
}

/* gammagamma_fit(sample) */
Datum
loyalty_gammagamma_fit(PG_FUNCTION_ARGS)
{
	VALUE_RETURN_MODEL(spend_model_table,
					   spend_fit(tally_argument(fcinfo, 0, &spend_sample_shape)));
}

/* sbg_fit(sample) */
Datum
loyalty_sbg_fit(PG_FUNCTION_ARGS)
{
	VALUE_RETURN_MODEL(renewal_model_table,
					   renewal_fit(tally_argument(fcinfo, 0, &renewal_sample_shape)));
}
