/*
 * cohort_table.c
 *		The rows of a result: the table, the curve over all cohorts, and when customers have paid
 *		back what they cost.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"

#include "cohort/cohort_internal.h"
#include "core/argument.h"
#include "core/array.h"
#include "core/exact.h"
#include "core/rows.h"
#include "metric/statistics.h"

PG_FUNCTION_INFO_V1(loyalty_cohort_value_table);
PG_FUNCTION_INFO_V1(loyalty_cohort_value_curve);
PG_FUNCTION_INFO_V1(loyalty_cohort_payback);
PG_FUNCTION_INFO_V1(loyalty_cohort_payback_pooled);

/* An amount of so many customers, for each of them; NaN where there are none. */
static double
per_customer(const CohortResult *result, int128 amount, int64 customers)
{
	return customers > 0 ? (double) amount / (double) result->unit / (double) customers : NAN;
}

static void
put_horizon(Rows *rows, const CohortLags *lags, int64 column)
{
	int64 horizon = cohort_horizon(lags, column);

	if (horizon == COHORT_NEVER)
		rows_put_null(rows);
	else
		rows_put_int(rows, (int32) horizon);
}

/* When the column where a walk stands has ended; DATEVAL_NOEND: never. Of periods of the calendar.
 */
static DateADT
column_end(const CohortWalk *walk)
{
	const CohortResult *result = walk->result;
	int64 horizon = cohort_horizon(&result->lags, walk->column);

	return horizon == COHORT_NEVER
			   ? DATEVAL_NOEND
			   : calendar_start_beyond(&result->calendar.calendar, walk->number + horizon);
}

/* ---- the table ---- */

static void
put_column(Rows *rows, const CohortWalk *walk)
{
	const CohortResult *result = walk->result;
	const CohortLags *lags = &result->lags;
	const Calendar *calendar = &result->calendar.calendar;
	int64 first = cohort_first_lag(lags, walk->column);

	rows_begin(rows);
	rows_put_day(rows, calendar_start(calendar, walk->number));
	rows_put_count(rows, walk->size);
	rows_put_int(rows, (int32) first);
	if (lags->elapsed > 0)
	{
		rows_put_null(rows);
		rows_put_null(rows);
	}
	else
	{
		rows_put_day(rows, calendar_start_beyond(calendar, walk->number + first));
		rows_put_day(rows, column_end(walk));
	}
	rows_put_count(rows, walk->active);
	rows_put_count(rows, walk->orders);
	rows_put_decimal(rows, walk->revenue, result->decimals);
	rows_put_float(rows, per_customer(result, walk->eligible_revenue, walk->eligible));
	rows_put_decimal(rows, walk->cumulative, result->decimals);
	rows_put_float(rows, per_customer(result, walk->eligible_cumulative, walk->eligible));
	rows_put_float(rows, per_customer(result, walk->revenue, walk->active));
	rows_put_bool(rows, walk->is_over);
	rows_put_day(rows, result->calendar.as_of);
	rows_put_count(rows, walk->eligible);
	put_horizon(rows, lags, walk->column);
	if (result->has_cost)
		rows_put_decimal(rows, walk->cost, result->decimals);
	else
		rows_put_null(rows);
	rows_end(rows);
}

/* Members without any event: nobody knows since when they are there, and they have brought nothing.
 */
static void
put_eventless(Rows *rows, const Tally *tally)
{
	int i;

	rows_begin(rows);
	rows_put_null(rows);
	rows_put_count(rows, tally_eventless(tally));
	for (i = 0; i < 3; i++) /* lag, period_start, period_end */
		rows_put_null(rows);
	rows_put_count(rows, 0);
	rows_put_count(rows, 0);
	rows_put_decimal(rows, 0, tally_scale(tally) / 2);
	rows_put_float(rows, 0);
	rows_put_decimal(rows, 0, tally_scale(tally) / 2);
	rows_put_float(rows, 0);
	rows_put_null(rows);
	rows_put_bool(rows, false);
	metric_put_as_of(rows, tally);
	rows_put_count(rows, tally_eventless(tally));
	rows_put_null(rows);
	rows_put_null(rows);
	rows_end(rows);
}

/* cohort_value_table(result) */
Datum
loyalty_cohort_value_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &cohort_value_shape);
	CohortResult result;
	CohortWalk walk;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (cohort_result_open(&result, tally))
		while (cohort_next(&result, &walk))
			while (walk.column < walk.last)
			{
				cohort_step(&walk);
				put_column(&rows, &walk);
			}
	if (tally_eventless(tally) > 0)
		put_eventless(&rows, tally);
	return (Datum) 0;
}

/* ---- all cohorts together ---- */

/* The cohorts whose column is over; of elapsed lags, the customers. */
typedef struct Pool
{
	CohortResult result;
	CohortWalk *walks;
	int64 nwalks;
	int64 column; /* where all stand */

	int64 cohorts;
	int64 customers;
	int128 revenue;
	int128 cumulative;
	int128 squares;
	int128 cost;
	int64 days; /* from the first day of a cohort to the end of the column, at most */
} Pool;

/* Stands before the first column; false where there are no cohorts. */
static bool
pool_open(Pool *pool, const Tally *tally)
{
	int64 room = 0;
	CohortWalk walk;

	memset(pool, 0, sizeof(Pool));
	pool->column = -1;
	if (!cohort_result_open(&pool->result, tally))
		return false;
	while (cohort_next(&pool->result, &walk))
	{
		pool->walks = array_grow(pool->walks, &room, pool->nwalks + 1, sizeof(CohortWalk));
		pool->walks[pool->nwalks++] = walk;
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

static void
pool_add(Pool *pool, const CohortWalk *walk)
{
	pool->cohorts++;
	if (__builtin_add_overflow(pool->customers, walk->eligible, &pool->customers))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of customers is out of range")));
	decimal_sum_add(&pool->revenue, walk->eligible_revenue, "revenue");
	decimal_sum_add(&pool->cumulative, walk->eligible_cumulative, "revenue");
	decimal_sum_add(&pool->squares, walk->eligible_squares, "squares of revenue");
	decimal_sum_add(&pool->cost, walk->eligible_cost, "costs");
	if (pool->result.lags.elapsed == 0)
		pool->days =
			Max(pool->days, (int64) column_end(walk) -
								calendar_start(&pool->result.calendar.calendar, walk->number));
}

/* Steps to the next column; false where it isn't over for anybody, as none behind it is. */
static bool
pool_step(Pool *pool)
{
	bool is_elapsed = pool->result.lags.elapsed > 0;
	int64 i;

	pool->column++;
	pool->cohorts = pool->customers = pool->days = 0;
	pool->revenue = pool->cumulative = pool->squares = pool->cost = 0;
	for (i = 0; i < pool->nwalks; i++)
	{
		CohortWalk *walk = &pool->walks[i];

		CHECK_FOR_INTERRUPTS();
		if (walk->column == walk->last)
			continue;
		cohort_step(walk);
		if (is_elapsed ? walk->eligible > 0 : walk->is_over)
			pool_add(pool, walk);
	}
	return pool->cohorts > 0;
}

/* The mean of what each customer has brought, and its variance, from sums and squares: exact until
 * the division. */
static MeanEstimate
pool_mean(const Pool *pool)
{
	double n = (double) pool->customers;
	double unit = (double) pool->result.unit;
	Numeric sum = exact_whole(pool->cumulative);
	MeanEstimate mean = { per_customer(&pool->result, pool->cumulative, pool->customers), NAN };

	if (pool->customers > 1)
		mean.variance =
			exact_float(exact_spread(pool->customers, exact_whole(pool->squares), sum, sum)) /
			(unit * unit) / (n * n * (n - 1));
	return mean;
}

/* cohort_value_curve(result, confidence) */
Datum
loyalty_cohort_value_curve(PG_FUNCTION_ARGS)
{
	double confidence = PG_GETARG_FLOAT8(1);
	const Tally *tally = tally_argument(fcinfo, 0, &cohort_value_shape);
	Pool pool;
	Rows rows;

	(void) confidence_quantile(confidence); /* refuses what isn't one */
	rows_open_periods(&rows, fcinfo);
	if (!pool_open(&pool, tally))
		return (Datum) 0;
	while (pool_step(&pool))
	{
		MeanEstimate mean = pool_mean(&pool);
		double half =
			student_quantile(confidence, (double) pool.customers - 1) * sqrt(mean.variance);

		rows_begin(&rows);
		rows_put_int(&rows, (int32) cohort_first_lag(&pool.result.lags, pool.column));
		rows_put_count(&rows, pool.cohorts);
		rows_put_count(&rows, pool.customers);
		rows_put_decimal(&rows, pool.revenue, pool.result.decimals);
		rows_put_float(&rows, per_customer(&pool.result, pool.revenue, pool.customers));
		rows_put_decimal(&rows, pool.cumulative, pool.result.decimals);
		rows_put_float(&rows, mean.mean);
		rows_put_float(&rows, mean.mean - half);
		rows_put_float(&rows, mean.mean + half);
		put_horizon(&rows, &pool.result.lags, pool.column);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* ---- paying back ---- */

/* What a customer costs, and what part of revenue counts against it. */
typedef struct Payback
{
	Numeric cost; /* per customer; NULL: what the result knows of each cohort */
	Numeric margin;
} Payback;

static Numeric
argument_number(FunctionCallInfo fcinfo, int n, const char *name)
{
	Numeric number = PG_GETARG_NUMERIC(n);

	if (numeric_is_nan(number) || numeric_is_inf(number))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s must be finite", name)));
	return number;
}

/* Reads (result, cost, margin), of which the first isn't NULL. */
static Payback
payback_arguments(FunctionCallInfo fcinfo, const Tally *tally)
{
	Payback payback = { NULL, NULL };

	argument_refuse_null(fcinfo, 2, "margin", "1 is all of the revenue.");
	payback.margin = argument_number(fcinfo, 2, "margin");
	if (numeric_compare(payback.margin, exact_whole(0)) <= 0 ||
		numeric_compare(payback.margin, exact_whole(1)) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("margin must be above 0, and 1 at most"),
						errhint("It is the part of revenue that counts: 0.3 is 30%%.")));
	if (!PG_ARGISNULL(1))
	{
		payback.cost = argument_number(fcinfo, 1, "cost");
		if (exact_is_negative(payback.cost))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("cost must not be negative")));
	}
	else if (metric_parameter(tally, "cost_kind") == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("cost must not be null where the result doesn't know it"),
						errhint("Give what a customer costs, or count with cost_kind: "
								"cohort_value(base, cost_kind => 'join').")));
	return payback;
}

/* What of an amount counts against the cost. */
static Numeric
margin_of(const Payback *payback, const CohortResult *result, int128 amount)
{
	return exact_times(decimal_sum_to_numeric(amount, result->decimals), payback->margin);
}

/* What so many customers cost; known is what the result says. */
static Numeric
cost_of(const Payback *payback, const CohortResult *result, int64 customers, int128 known)
{
	return payback->cost != NULL ? exact_times(payback->cost, exact_whole(customers))
								 : decimal_sum_to_numeric(known, result->decimals);
}

/* Cost and value per customer, and whether the value has reached the cost. */
typedef struct Balance
{
	double cost; /* NaN: there are no customers */
	double value;
	bool is_paid;
} Balance;

static Balance
balance_of(const Payback *payback, const CohortResult *result, int64 customers, int128 cumulative,
		   int128 eligible_cost)
{
	Balance balance = { NAN, NAN, false };
	Numeric cost;
	Numeric value;

	if (customers == 0)
		return balance;
	cost = cost_of(payback, result, customers, eligible_cost);
	value = margin_of(payback, result, cumulative);
	balance.cost = exact_float(cost) / (double) customers;
	balance.value = exact_float(value) / (double) customers;
	balance.is_paid = numeric_compare(value, cost) >= 0;
	return balance;
}

/* Days that so many elapsed lags take, begun ones counted. */
static int64
elapsed_days(const CohortLags *lags, int64 column)
{
	int128 time = (int128) cohort_horizon(lags, column) * lags->elapsed;

	return (int64) ((time + USECS_PER_DAY - 1) / USECS_PER_DAY);
}

/* Puts payback_lag and payback_days; NULL where days are below 0: not yet. */
static void
put_payback(Rows *rows, const CohortLags *lags, int64 column, int64 days)
{
	if (days < 0)
	{
		rows_put_null(rows);
		rows_put_null(rows);
		return;
	}
	rows_put_int(rows, (int32) cohort_first_lag(lags, column));
	rows_put_int(rows, (int32) Min(days, PG_INT32_MAX));
}

static void
put_cohort_payback(Rows *rows, CohortWalk *walk, const Payback *payback)
{
	const CohortResult *result = walk->result;
	const CohortLags *lags = &result->lags;
	DateADT start = calendar_start(&result->calendar.calendar, walk->number);
	Balance last = { NAN, NAN, false };
	int64 paid_column = 0;
	int64 days = -1;

	while (walk->column < walk->last)
	{
		Balance balance;

		CHECK_FOR_INTERRUPTS();
		cohort_step(walk);
		if (walk->eligible == 0)
			break;
		balance = balance_of(payback, result, walk->eligible, walk->eligible_cumulative,
							 walk->eligible_cost);
		last = balance;
		if (!balance.is_paid || days >= 0)
			continue;
		paid_column = walk->column;
		days = lags->elapsed > 0
				   ? elapsed_days(lags, walk->column)
				   : (int64) Min(column_end(walk), result->calendar.as_of + 1) - start;
	}
	rows_begin(rows);
	rows_put_day(rows, start);
	rows_put_count(rows, walk->size);
	rows_put_float(rows, last.cost);
	rows_put_float(rows, last.value);
	put_payback(rows, lags, paid_column, days);
	rows_put_day(rows, result->calendar.as_of);
	rows_end(rows);
}

/* cohort_payback(result, cost, margin) */
Datum
loyalty_cohort_payback(PG_FUNCTION_ARGS)
{
	const Tally *tally;
	CohortResult result;
	CohortWalk walk;
	Payback payback;
	Rows rows;

	rows_open(&rows, fcinfo);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	tally = tally_argument(fcinfo, 0, &cohort_value_shape);
	payback = payback_arguments(fcinfo, tally);
	if (!cohort_result_open(&result, tally))
		return (Datum) 0;
	while (cohort_next(&result, &walk))
		put_cohort_payback(&rows, &walk, &payback);
	return (Datum) 0;
}

/* cohort_payback_pooled(result, cost, margin): at the lag where it is paid back, else at the last
 */
Datum
loyalty_cohort_payback_pooled(PG_FUNCTION_ARGS)
{
	const Tally *tally;
	Payback payback;
	Balance balance = { NAN, NAN, false };
	int64 customers = 0;
	int64 days = -1;
	Pool pool;
	Rows rows;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	tally = tally_argument(fcinfo, 0, &cohort_value_shape);
	payback = payback_arguments(fcinfo, tally);
	rows_open_record(&rows, fcinfo);
	if (pool_open(&pool, tally))
		while (!balance.is_paid && pool_step(&pool))
		{
			customers = pool.customers;
			balance =
				balance_of(&payback, &pool.result, pool.customers, pool.cumulative, pool.cost);
			if (balance.is_paid)
				days = pool.result.lags.elapsed > 0 ? elapsed_days(&pool.result.lags, pool.column)
													: pool.days;
		}
	rows_begin(&rows);
	rows_put_count(&rows, customers);
	rows_put_float(&rows, balance.cost);
	rows_put_float(&rows, balance.value);
	put_payback(&rows, &pool.result.lags, pool.column, days);
	metric_put_as_of(&rows, tally);
	return rows_record(&rows);
}
