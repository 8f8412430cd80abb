/*
 * value_score.c
 *		What a model says of a customer: whether he is still there, what he will buy and spend, and
 *		what that is worth today.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "value/value_internal.h"

PG_FUNCTION_INFO_V1(loyalty_p_alive);
PG_FUNCTION_INFO_V1(loyalty_expected_purchases);
PG_FUNCTION_INFO_V1(loyalty_expected_purchases_interval);
PG_FUNCTION_INFO_V1(loyalty_expected_purchases_new);
PG_FUNCTION_INFO_V1(loyalty_expected_purchases_new_interval);
PG_FUNCTION_INFO_V1(loyalty_purchase_probability);
PG_FUNCTION_INFO_V1(loyalty_purchase_probability_interval);
PG_FUNCTION_INFO_V1(loyalty_expected_spend);
PG_FUNCTION_INFO_V1(loyalty_lifetime_value);
PG_FUNCTION_INFO_V1(loyalty_lifetime_value_interval);
PG_FUNCTION_INFO_V1(loyalty_sbg_survival);
PG_FUNCTION_INFO_V1(loyalty_sbg_retention);
PG_FUNCTION_INFO_V1(loyalty_sbg_lifetime);

/* ---- by the kind of a model ---- */

static bool
is_modified(const ValueModel *model)
{
	return model->kind == PURCHASE_MBGNBD;
}

double
purchase_p_alive(const ValueModel *model, int64 x, double t_x, double age)
{
	if (model->kind == PURCHASE_PARETONBD)
		return pareto_p_alive(model->parameters, x, t_x, age);
	return bgnbd_p_alive(model->parameters, is_modified(model), x, t_x, age);
}

double
purchase_expected_alive(const ValueModel *model, int64 x, double age, double t)
{
	if (model->kind == PURCHASE_PARETONBD)
		return pareto_expected_alive(model->parameters, x, age, t);
	return bgnbd_expected_alive(model->parameters, is_modified(model), x, age, t);
}

static double
probability_alive(const ValueModel *model, int64 x, double age, double t, int64 n)
{
	if (model->kind == PURCHASE_PARETONBD)
		return pareto_probability_alive(model->parameters, x, age, t, n);
	return bgnbd_probability_alive(model->parameters, is_modified(model), x, age, t, n);
}

double
purchase_expected(const ValueModel *model, int64 x, double t_x, double age, double t)
{
	return purchase_p_alive(model, x, t_x, age) * purchase_expected_alive(model, x, age, t);
}

double
purchase_expected_new(const ValueModel *model, double t)
{
	return purchase_expected(model, 0, 0, 0, t);
}

double
purchase_probability_of(const ValueModel *model, int64 x, double t_x, double age, double t, int64 n)
{
	double alive = purchase_p_alive(model, x, t_x, age);
	double here = alive * probability_alive(model, x, age, t, n);

	return n == 0 ? 1 - alive + here : here;
}

/* Of the last period, which may not be a whole one, what there is of it. */
double
value_of_customer(const ValueModel *model, const ValueModel *spend, int64 x, double t_x, double age,
				  double m, double horizon, double discount)
{
	double alive = purchase_p_alive(model, x, t_x, age);
	double of_one = spend_expected(spend, x, m);
	double before = 0;
	double sum = 0;
	double end;
	double until = 0;

	if (discount == 0)
		return of_one * purchase_expected(model, x, t_x, age, horizon);
	for (end = 1; until < horizon; end++)
	{
		double purchases;

		until = Min(end, horizon);
		purchases = purchase_expected_alive(model, x, age, until);
		sum += (purchases - before) * exp(-until * log1p(discount));
		before = purchases;
		CHECK_FOR_INTERRUPTS();
	}
	return of_one * alive * sum;
}

/* ---- arguments ---- */

static const ValueModel *
purchase_model(FunctionCallInfo fcinfo)
{
	return value_model_argument(fcinfo, 0, &purchase_model_table);
}

/* The customer in arguments n to n + 2: x, t_x, age; false where one of them is NULL. */
static bool
get_customer(FunctionCallInfo fcinfo, int n, int64 *x, double *t_x, double *age)
{
	if (PG_ARGISNULL(n) || PG_ARGISNULL(n + 1) || PG_ARGISNULL(n + 2))
		return false;
	*x = PG_GETARG_INT64(n);
	*t_x = PG_GETARG_FLOAT8(n + 1);
	*age = PG_GETARG_FLOAT8(n + 2);
	value_check_customer(*x, *t_x, *age);
	return true;
}

void
value_check_horizon(const ValueModel *model, double horizon, double age)
{
	if (model->kind != PURCHASE_PARETONBD && /* which has no series */
		horizon > VALUE_MOST_HORIZON * (model->parameters[BGNBD_ALPHA] + age))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the horizon must not be more than %d times alpha + age, which is %g",
						VALUE_MOST_HORIZON, model->parameters[BGNBD_ALPHA] + age),
				 errhint("Give age and horizon in the unit that the model was fitted in.")));
}

bool
value_horizon_argument(FunctionCallInfo fcinfo, int n, const ValueModel *model, bool is_interval,
					   double age, double *horizon)
{
	if (PG_ARGISNULL(n))
		return false;
	*horizon = is_interval ? value_periods_of(model, PG_GETARG_INTERVAL_P(n)) : PG_GETARG_FLOAT8(n);
	if (!(*horizon >= 0 && *horizon <= VALUE_MOST_HORIZON))
		value_report_horizon();
	value_check_horizon(model, *horizon, age);
	return true;
}

bool
value_discount_argument(FunctionCallInfo fcinfo, int n, double *discount)
{
	if (PG_ARGISNULL(n))
		return false;
	*discount = PG_GETARG_FLOAT8(n);
	if (!((*discount == 0 || *discount >= VALUE_LEAST_DISCOUNT) && *discount <= 1000))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("discount must be 0, or from %g to 1000, not %g",
							   VALUE_LEAST_DISCOUNT, *discount),
						errhint("It is the rate of one period of the model: 0.01 is 1 %%. A yearly "
								"rate of d is (1 + d) ^ (1 / 52.0) - 1 by the week.")));
	return true;
}

int64
value_number_argument(FunctionCallInfo fcinfo, int n)
{
	int64 number = PG_GETARG_INT64(n);

	if (number < 0 || number > VALUE_MAX_PURCHASES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be from 0 to %d, not " INT64_FORMAT, VALUE_MAX_PURCHASES, number),
				 errhint("Give how many purchases there are within the horizon.")));
	return number;
}

/* ---- purchases ---- */

/* p_alive(model, x, t_x, age) */
Datum
loyalty_p_alive(PG_FUNCTION_ARGS)
{
	const ValueModel *model = purchase_model(fcinfo);
	int64 x;
	double t_x;
	double age;

	if (!get_customer(fcinfo, 1, &x, &t_x, &age))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(purchase_p_alive(model, x, t_x, age));
}

static Datum
expected_purchases(FunctionCallInfo fcinfo, bool is_interval)
{
	const ValueModel *model = purchase_model(fcinfo);
	int64 x;
	double t_x;
	double age;
	double horizon;

	if (!get_customer(fcinfo, 1, &x, &t_x, &age) ||
		!value_horizon_argument(fcinfo, 4, model, is_interval, age, &horizon))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(purchase_expected(model, x, t_x, age, horizon));
}

/* expected_purchases(model, x, t_x, age, horizon) */
Datum
loyalty_expected_purchases(PG_FUNCTION_ARGS)
{
	return expected_purchases(fcinfo, false);
}

/* ... the horizon is an interval */
Datum
loyalty_expected_purchases_interval(PG_FUNCTION_ARGS)
{
	return expected_purchases(fcinfo, true);
}

static Datum
expected_purchases_new(FunctionCallInfo fcinfo, bool is_interval)
{
	const ValueModel *model = purchase_model(fcinfo);
	double horizon;

	if (!value_horizon_argument(fcinfo, 1, model, is_interval, 0, &horizon))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(purchase_expected_new(model, horizon));
}

/* expected_purchases_new(model, horizon) */
Datum
loyalty_expected_purchases_new(PG_FUNCTION_ARGS)
{
	return expected_purchases_new(fcinfo, false);
}

/* ... the horizon is an interval */
Datum
loyalty_expected_purchases_new_interval(PG_FUNCTION_ARGS)
{
	return expected_purchases_new(fcinfo, true);
}

static Datum
purchase_probability(FunctionCallInfo fcinfo, bool is_interval)
{
	const ValueModel *model = purchase_model(fcinfo);
	int64 x;
	double t_x;
	double age;
	double horizon;

	if (!get_customer(fcinfo, 1, &x, &t_x, &age) ||
		!value_horizon_argument(fcinfo, 4, model, is_interval, age, &horizon) || PG_ARGISNULL(5))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(
		purchase_probability_of(model, x, t_x, age, horizon, value_number_argument(fcinfo, 5)));
}

/* purchase_probability(model, x, t_x, age, horizon, n) */
Datum
loyalty_purchase_probability(PG_FUNCTION_ARGS)
{
	return purchase_probability(fcinfo, false);
}

/* ... the horizon is an interval */
Datum
loyalty_purchase_probability_interval(PG_FUNCTION_ARGS)
{
	return purchase_probability(fcinfo, true);
}

/* ---- spend, and value ---- */

/* expected_spend(model, x, m) */
Datum
loyalty_expected_spend(PG_FUNCTION_ARGS)
{
	const ValueModel *model = value_model_argument(fcinfo, 0, &spend_model_table);

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	value_check_spend(PG_GETARG_INT64(1), PG_GETARG_FLOAT8(2));
	PG_RETURN_FLOAT8(spend_expected(model, PG_GETARG_INT64(1), PG_GETARG_FLOAT8(2)));
}

static Datum
lifetime_value(FunctionCallInfo fcinfo, bool is_interval)
{
	const ValueModel *model = purchase_model(fcinfo);
	const ValueModel *spend = value_model_argument(fcinfo, 1, &spend_model_table);
	int64 x;
	double t_x;
	double age;
	double horizon;
	double discount;

	if (!get_customer(fcinfo, 2, &x, &t_x, &age) || PG_ARGISNULL(5) ||
		!value_horizon_argument(fcinfo, 6, model, is_interval, age, &horizon) ||
		!value_discount_argument(fcinfo, 7, &discount))
		PG_RETURN_NULL();
	value_check_spend(x, PG_GETARG_FLOAT8(5));
	PG_RETURN_FLOAT8(
		value_of_customer(model, spend, x, t_x, age, PG_GETARG_FLOAT8(5), horizon, discount));
}

/* lifetime_value(model, spend_model, x, t_x, age, m, horizon, discount) */
Datum
loyalty_lifetime_value(PG_FUNCTION_ARGS)
{
	return lifetime_value(fcinfo, false);
}

/* ... the horizon is an interval */
Datum
loyalty_lifetime_value_interval(PG_FUNCTION_ARGS)
{
	return lifetime_value(fcinfo, true);
}

/* ---- renewals ---- */

/* The number of periods in argument 1, from a first one on. */
static double
get_periods(FunctionCallInfo fcinfo, const char *name, int first)
{
	int64 periods = PG_GETARG_INT64(1);

	if (periods < first || periods > VALUE_MAX_PURCHASES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be from %d to %d, not " INT64_FORMAT, name, first,
						VALUE_MAX_PURCHASES, periods),
				 errhint("Count the periods of the contract, at whose ends it is renewed.")));
	return (double) periods;
}

/* sbg_survival(model, periods) */
Datum
loyalty_sbg_survival(PG_FUNCTION_ARGS)
{
	const ValueModel *model = value_model_argument(fcinfo, 0, &renewal_model_table);

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sbg_survival(model->parameters, get_periods(fcinfo, "periods", 0)));
}

/* sbg_retention(model, period) */
Datum
loyalty_sbg_retention(PG_FUNCTION_ARGS)
{
	const ValueModel *model = value_model_argument(fcinfo, 0, &renewal_model_table);

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sbg_retention(model->parameters, get_periods(fcinfo, "period", 1)));
}

/* sbg_lifetime(model, renewals, discount) */
Datum
loyalty_sbg_lifetime(PG_FUNCTION_ARGS)
{
	const ValueModel *model = value_model_argument(fcinfo, 0, &renewal_model_table);
	double discount;
	double renewals;

	if (PG_ARGISNULL(1) || !value_discount_argument(fcinfo, 2, &discount))
		PG_RETURN_NULL();
	renewals = get_periods(fcinfo, "renewals", 0);
	if (discount == 0 && model->parameters[SBG_A] <= 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the mean number of renewals does not exist"),
				 errdetail("With a = %g, which is not above 1, some customers stay so long that it "
						   "is infinite.",
						   model->parameters[SBG_A]),
				 errhint("Give a discount above 0.")));
	PG_RETURN_FLOAT8(sbg_lifetime(model->parameters, renewals, discount));
}
