/*
 * value_backtest.c
 *		What a model expected of customers, and what they did: model_backtest(), its result and
 *		tables.
 *
 * A model that was fitted to what is known by one day is asked about the days behind it. Beside it
 * stands what needs no model: that everyone goes on to buy as often as so far.
 *
 * What is expected of a customer is rounded to 9 digits after the point, so that sums are exact,
 * and don't depend on the order in which customers come.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "core/argument.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "value/value_internal.h"

PG_FUNCTION_INFO_V1(loyalty_model_backtest_of_kind);
PG_FUNCTION_INFO_V1(loyalty_model_backtest_table);
PG_FUNCTION_INFO_V1(loyalty_model_backtest_weeks);
PG_FUNCTION_INFO_V1(loyalty_model_backtest_summary);

/* ---- what is counted ---- */

#define MOST_HOLDOUT_DAYS 3660
#define EXPECTED_SCALE	  9
#define EXPECTED_UNIT	  1e9

/* Customers by x; those with more are one. */
#define MOST_X			  7

/* Rows by x and week. Week 0 has the customers, and how far off what was expected of each is; the
 * others have what was bought, and was expected, in that week alone. */
enum
{
	KEY_X,
	KEY_WEEK,
	KEYS
};
typedef enum BacktestSum
{
	SUM_CUSTOMERS,
	SUM_PURCHASES,
	SUM_EXPECTED,
	SUM_NAIVE,
	SUM_ERROR,
	SUM_NAIVE_ERROR,
	BACKTEST_SUMS
} BacktestSum;

static int
weeks_between(DateADT calibrate_until, DateADT until)
{
	return (int) (((int64) until - calibrate_until + 6) / 7);
}

/* ---- the result ---- */

static char *
canonical_model(const char *text)
{
	return policy_canonical(&purchase_model_table, text);
}

enum
{
	PARAMETER_MODEL,
	PARAMETER_CALIBRATE_UNTIL,
	PARAMETER_UNTIL,
	PARAMETER_ZONE
};
static const TallyParameter parameters[] = {
	[PARAMETER_MODEL] = METRIC_POLICY_PARAMETER("model", canonical_model, "model"),
	[PARAMETER_CALIBRATE_UNTIL] = METRIC_LAST_DAY_PARAMETER("calibrate_until"),
	[PARAMETER_UNTIL] = METRIC_LAST_DAY_PARAMETER("until"),
	[PARAMETER_ZONE] = METRIC_ZONE_PARAMETER,
};
static const TallyColumn keys[KEYS] = {
	[KEY_X] = { "x", TALLY_NUMBER }, [KEY_WEEK] = { "week", TALLY_NUMBER }
};
static const TallyColumn sums[BACKTEST_SUMS] = {
	[SUM_CUSTOMERS] = { "customers", TALLY_COUNT },
	[SUM_PURCHASES] = { "purchases", TALLY_COUNT },
	[SUM_EXPECTED] = { "expected", TALLY_VALUE },
	[SUM_NAIVE] = { "naive", TALLY_VALUE },
	[SUM_ERROR] = { "absolute_error", TALLY_VALUE },
	[SUM_NAIVE_ERROR] = { "naive_absolute_error", TALLY_VALUE },
};

static const char *
row_fault(const TallyRow *row, int weeks)
{
	int64 x = row->key.numbers[KEY_X];
	int64 week = row->key.numbers[KEY_WEEK];
	bool is_start = week == 0;
	int i;

	if (x < 0 || x > MOST_X)
		return "\"x\" is from 0 to 7: customers with more are counted as those with 7.";
	if (week < 0 || week > weeks)
		return "There is no such week between \"calibrate_until\" and \"until\".";
	for (i = SUM_EXPECTED; i < BACKTEST_SUMS; i++)
		if (row->sums[i] < 0)
			return "Nothing that was expected is below 0, and no error is.";
	if (is_start ? row->sums[SUM_PURCHASES] != 0 || row->sums[SUM_EXPECTED] != 0 ||
					   row->sums[SUM_NAIVE] != 0
				 : row->sums[SUM_CUSTOMERS] != 0 || row->sums[SUM_ERROR] != 0 ||
					   row->sums[SUM_NAIVE_ERROR] != 0)
		return "Week 0 has customers and errors, the others have purchases.";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	DateADT calibrate_until;
	DateADT until;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	const char *fault = NULL;
	int64 i;

	if (nrows == 0)
		return NULL;
	if (tally_parameter(tally, PARAMETER_MODEL) == NULL)
		return "It has rows, but no \"model\".";
	if (!tally_parameter_day(tally, PARAMETER_CALIBRATE_UNTIL, &calibrate_until) ||
		!tally_parameter_day(tally, PARAMETER_UNTIL, &until))
		return "It has rows, but not both days, \"calibrate_until\" and \"until\".";
	if (calibrate_until > until || (int64) until - calibrate_until > MOST_HOLDOUT_DAYS)
		return "\"until\" is not before \"calibrate_until\", and at most 3660 days after it.";
	if (tally_scale(tally) > EXPECTED_SCALE)
		return "What was expected has 9 digits after the point.";
	for (i = 0; i < nrows && fault == NULL; i++)
		fault = row_fault(rows[i], weeks_between(calibrate_until, until));
	pfree(rows);
	return fault;
}

static const TallyShape shape = {
	.type = "model_backtest_result",
	.maker = "model_backtest() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(sums),
	.fault = find_fault,
};

/* ---- counting ---- */

/* What the model expects in each week of a customer with that x and age who is still there. */
typedef struct Forecast
{
	int64 x;   /* -1: none yet */
	int32 age; /* in days */
	double *weeks;
} Forecast;

#define FORECASTS 2048

typedef struct BacktestFold
{
	const ValueModel *model;
	ZoneDays *zone;
	DateADT calibrate_until;
	DateADT until;
	int weeks;
	MemoryContext context;
	int128 (*counted)[BACKTEST_SUMS]; /* by x, then week */
	Forecast *forecasts;			  /* NULL: none yet */
	int64 *bought;					  /* of a customer, in each week */
} BacktestFold;

static void *
start_backtest(const MetricQuestion *question, Tally *tally)
{
	BacktestFold *fold = palloc0(sizeof(BacktestFold));

	fold->model = question->policy;
	fold->zone = question->zone;
	fold->calibrate_until = question->day;
	fold->until = question->as_of;
	fold->weeks = weeks_between(question->day, question->as_of);
	fold->context = CurrentMemoryContext;
	fold->counted = palloc0((MOST_X + 1) * (fold->weeks + 1) * sizeof(*fold->counted));
	fold->bought = palloc0((fold->weeks + 1) * sizeof(int64));
	return fold;
}

/* The end of a week, in days after the calibration. */
static int
end_of_week(const BacktestFold *fold, int week)
{
	return Min(7 * week, fold->until - fold->calibrate_until);
}

static const double *
find_forecast(BacktestFold *fold, int64 x, int32 days)
{
	ValuePeriod period = fold->model->period;
	Forecast *forecast;
	double age;
	double before = 0;
	int i;

	if (fold->forecasts == NULL)
	{
		fold->forecasts = MemoryContextAlloc(fold->context, FORECASTS * sizeof(Forecast));
		for (i = 0; i < FORECASTS; i++)
			fold->forecasts[i] = (Forecast){ .x = -1 };
	}
	forecast = &fold->forecasts[((uint64) x * 1021 + days) % FORECASTS];
	if (forecast->x == x && forecast->age == days)
		return forecast->weeks;
	if (forecast->weeks == NULL)
		forecast->weeks = MemoryContextAlloc(fold->context, Max(fold->weeks, 1) * sizeof(double));
	forecast->x = -1; /* if the model refuses */
	age = value_periods_of_days(period, days);
	value_check_horizon(fold->model, value_periods_of_days(period, end_of_week(fold, fold->weeks)),
						age);
	for (i = 0; i < fold->weeks; i++)
	{
		double t = value_periods_of_days(period, end_of_week(fold, i + 1));
		double expected = purchase_expected_alive(fold->model, x, age, t);

		forecast->weeks[i] = Max(expected - before, 0);
		before = expected;
	}
	if (!(before <= VALUE_MOST_NUMBER))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the model expects more than %s purchases of a customer",
							   VALUE_MOST_NUMBER_TEXT),
						errhint("Fit it to these customers.")));
	forecast->x = x;
	forecast->age = days;
	return forecast->weeks;
}

static int128
rounded(double number)
{
	return (int128) rint(number * EXPECTED_UNIT);
}

static int128
distance(int128 a, int128 b)
{
	return a < b ? b - a : a - b;
}

/* What a customer bought in each week; returns all of it. */
static int64
buy(BacktestFold *fold, ByteSpan body)
{
	PurchaseDays days;
	PurchaseDay day;
	int64 all = 0;

	memset(fold->bought, 0, (fold->weeks + 1) * sizeof(int64));
	purchase_days_open(&days, body, fold->zone);
	while (purchase_days_next(&days, &day) && day.day <= fold->until)
		if (day.day > fold->calibrate_until)
		{
			fold->bought[((int64) day.day - fold->calibrate_until - 1) / 7]++;
			all++;
		}
	purchase_days_close(&days);
	return all;
}

static void
count_backtest(void *of, ByteSpan body)
{
	BacktestFold *fold = of;
	ValuePeriod period = fold->model->period;
	PurchaseSummary customer;
	int128(*counted)[BACKTEST_SUMS];
	const double *forecast;
	int128 actual;
	int128 expected = 0;
	int128 naive = 0;
	double alive;
	double rate;
	double t_x;
	double age;
	int32 days;
	int i;

	if (!purchase_summarise(&customer, body, fold->zone, fold->calibrate_until))
		return;
	days = customer.until - customer.first;
	t_x = value_periods_of_days(period, (double) ((int64) customer.last - customer.first));
	age = value_periods_of_days(period, (double) days);
	value_check_customer(customer.x, t_x, age);
	forecast = find_forecast(fold, customer.x, days);
	alive = purchase_p_alive(fold->model, customer.x, t_x, age);
	rate = days > 0 ? (double) customer.x / days : 0;
	actual = buy(fold, body) * (int128) EXPECTED_UNIT;
	counted = &fold->counted[Min(customer.x, MOST_X) * (fold->weeks + 1)];
	for (i = 0; i < fold->weeks; i++)
	{
		int128 of_model = rounded(alive * forecast[i]);
		int128 of_rate = rounded(rate * (end_of_week(fold, i + 1) - end_of_week(fold, i)));

		counted[i + 1][SUM_PURCHASES] += fold->bought[i];
		counted[i + 1][SUM_EXPECTED] += of_model;
		counted[i + 1][SUM_NAIVE] += of_rate;
		expected += of_model;
		naive += of_rate;
	}
	counted[0][SUM_CUSTOMERS]++;
	counted[0][SUM_ERROR] += distance(actual, expected);
	counted[0][SUM_NAIVE_ERROR] += distance(actual, naive);
}

static void
finish_backtest(void *of, Tally *tally)
{
	BacktestFold *fold = of;
	int rows = (MOST_X + 1) * (fold->weeks + 1);
	int128 factor = tally_use_scale(tally, EXPECTED_SCALE);
	int i;
	int j;

	for (i = 0; i < rows; i++)
	{
		TallyKey key = { .text = NULL };
		TallyRow *row = NULL;

		key.numbers[KEY_X] = i / (fold->weeks + 1);
		key.numbers[KEY_WEEK] = i % (fold->weeks + 1);
		for (j = 0; j < BACKTEST_SUMS; j++)
		{
			if (fold->counted[i][j] == 0)
				continue;
			if (row == NULL)
				row = tally_row(tally, &key);
			tally_add(tally, row, j, fold->counted[i][j] * (j < SUM_EXPECTED ? 1 : factor));
			fold->counted[i][j] = 0;
		}
	}
}

/* ---- the metric: by a model that is given ---- */

static void *
open_model(const struct varlena *model)
{
	return policy_open(model, &purchase_model_table);
}

static ZoneDays *
zone_of_model(const void *model)
{
	return ((const ValueModel *) model)->zone;
}

static void
set_zone_of_model(void *model, ZoneDays *zone)
{
	((ValueModel *) model)->zone = zone;
}

/* It has no names of kinds and labels. */
static void
names_of_model(const void *model, MetricNames *names)
{
}

static const MetricPolicy model_policy = {
	.open = open_model,
	.zone = zone_of_model,
	.set_zone = set_zone_of_model,
	.names = names_of_model,
};

#define DAY_HINT "Give the last day that the model knows."

static const MetricArgument arguments[] = {
	{ "calibrate_until", .type = METRIC_DAY, .null_hint = DAY_HINT },
	METRIC_LAST_DAY_ARGUMENT("until"),
	{ "model", .type = METRIC_POLICY,
	  .null_hint = "bgnbd_fit(), mbgnbd_fit() and paretonbd_fit() make one." },
};

static void
check_backtest(const MetricQuestion *question)
{
	const ValueModel *model = question->policy;

	value_check_period(model);
	if (!question->has_as_of)
		return;
	value_check_holdout(question->day, question->as_of);
	if ((int64) question->as_of - question->day > MOST_HOLDOUT_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("until must be at most %d days after calibrate_until", MOST_HOLDOUT_DAYS),
				 errhint("Hold out as long as you look ahead, a year say.")));
}

static const Metric backtest_metric = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	.policy = &model_policy,
	METRIC_ARGUMENTS(arguments),
	.eventless = METRIC_IGNORE_EVENTLESS,
	.check = check_backtest,
	.start = start_backtest,
	.customer = count_backtest,
	.finish = finish_backtest,
};

/* loyalty_model_backtest_result_in, loyalty_model_backtest_result_out,
 * loyalty_model_backtest_result_recv, loyalty_model_backtest_result_send,
 * loyalty_model_backtest_result_merge, loyalty_model_backtest_result_scope */
TALLY_TYPE(model_backtest_result, &shape)

/* loyalty_model_backtest, (base, calibrate_until, until, model); loyalty_model_backtest_accum */
METRIC_FUNCTIONS(model_backtest, &backtest_metric)

/* ---- by one that is fitted to the same base ---- */

static void
set_argument(FunctionCallInfo call, int n, FunctionCallInfo from, int from_n)
{
	call->args[n] = from->args[from_n];
}

/* model_backtest(base, calibrate_until, until, kind, period, zone) */
Datum
loyalty_model_backtest_of_kind(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(fit, 4);
	LOCAL_FCINFO(test, 4);
	const ValueModel *kinds = purchase_model_table.policy;
	const char *names[PURCHASE_KINDS];
	const ValueModel *model;
	const Tally *sample;
	int kind;
	int i;

	for (i = 0; i < PURCHASE_KINDS; i++)
		names[i] = kinds->kinds[i].name;
	argument_refuse_null(fcinfo, 1, "calibrate_until", DAY_HINT);
	kind = argument_choice(fcinfo, 3, "kind", names, PURCHASE_KINDS, "unknown kind:", "'");
	InitFunctionCallInfoData(*fit, fcinfo->flinfo, 4, fcinfo->fncollation, NULL, NULL);
	set_argument(fit, 0, fcinfo, 0);
	set_argument(fit, 1, fcinfo, 1);
	set_argument(fit, 2, fcinfo, 4);
	set_argument(fit, 3, fcinfo, 5);
	sample = metric_tally_over_base(fit, &purchase_sample_metric);
	model = sample != NULL ? purchase_fit(sample, kind) : NULL;
	if (model == NULL)
		PG_RETURN_NULL();
	InitFunctionCallInfoData(*test, fcinfo->flinfo, 4, fcinfo->fncollation, NULL, NULL);
	set_argument(test, 0, fcinfo, 0);
	set_argument(test, 1, fcinfo, 1);
	set_argument(test, 2, fcinfo, 2);
	test->args[3].value = PointerGetDatum(value_model_pack(&purchase_model_table, model));
	test->args[3].isnull = false;
	return metric_over_base(test, &backtest_metric);
}

/* ---- its tables ---- */

typedef double BacktestNumbers[BACKTEST_SUMS];

/* A row as floats, added to numbers. */
static void
add_row(const Tally *tally, const TallyRow *row, double *numbers)
{
	double unit = pow(10, tally_scale(tally));
	int i;

	for (i = 0; i < BACKTEST_SUMS; i++)
		numbers[i] += (double) row->sums[i] / (i < SUM_EXPECTED ? 1 : unit);
}

static double
share(double part, double of)
{
	return of > 0 ? part / of : NAN;
}

/* model_backtest_table(result): by purchases before the calibration's end */
Datum
loyalty_model_backtest_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	BacktestNumbers numbers[MOST_X + 1] = { { 0 } };
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	Rows rows;
	int64 i;

	for (i = 0; i < nrows; i++)
		add_row(tally, row[i], numbers[row[i]->key.numbers[KEY_X]]);
	rows_open(&rows, fcinfo);
	for (i = 0; i <= MOST_X; i++)
	{
		const double *n = numbers[i];

		if (n[SUM_CUSTOMERS] == 0)
			continue;
		rows_begin(&rows);
		rows_put_count(&rows, i);
		rows_put_bool(&rows, i == MOST_X);
		rows_put_count(&rows, (int64) n[SUM_CUSTOMERS]);
		rows_put_count(&rows, (int64) n[SUM_PURCHASES]);
		rows_put_float(&rows, n[SUM_EXPECTED]);
		rows_put_float(&rows, n[SUM_NAIVE]);
		rows_put_float(&rows, share(n[SUM_PURCHASES], n[SUM_CUSTOMERS]));
		rows_put_float(&rows, share(n[SUM_EXPECTED], n[SUM_CUSTOMERS]));
		rows_put_float(&rows, share(n[SUM_NAIVE], n[SUM_CUSTOMERS]));
		rows_put_float(&rows, share(n[SUM_ERROR], n[SUM_CUSTOMERS]));
		rows_put_float(&rows, share(n[SUM_NAIVE_ERROR], n[SUM_CUSTOMERS]));
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* model_backtest_weeks(result): up to the end of each week */
Datum
loyalty_model_backtest_weeks(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	BacktestNumbers so_far = { 0 };
	BacktestNumbers *numbers;
	DateADT calibrate_until;
	DateADT until;
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	Rows rows;
	int weeks;
	int64 i;
	int j;

	rows_open(&rows, fcinfo);
	if (nrows == 0 || !tally_parameter_day(tally, PARAMETER_CALIBRATE_UNTIL, &calibrate_until) ||
		!tally_parameter_day(tally, PARAMETER_UNTIL, &until))
		return (Datum) 0;
	weeks = weeks_between(calibrate_until, until);
	numbers = palloc0((weeks + 1) * sizeof(BacktestNumbers));
	for (i = 0; i < nrows; i++)
		add_row(tally, row[i], numbers[row[i]->key.numbers[KEY_WEEK]]);
	for (i = 1; i <= weeks; i++)
	{
		for (j = 0; j < BACKTEST_SUMS; j++)
			so_far[j] += numbers[i][j];
		rows_begin(&rows);
		rows_put_int(&rows, (int32) i);
		rows_put_day(&rows, (DateADT) Min(calibrate_until + 7 * i, until));
		rows_put_count(&rows, (int64) so_far[SUM_PURCHASES]);
		rows_put_float(&rows, so_far[SUM_EXPECTED]);
		rows_put_float(&rows, so_far[SUM_NAIVE]);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* model_backtest_summary(result): all of it */
Datum
loyalty_model_backtest_summary(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	const char *model = tally_parameter(tally, PARAMETER_MODEL);
	BacktestNumbers all = { 0 };
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	Rows rows;
	int64 i;

	for (i = 0; i < nrows; i++)
		add_row(tally, row[i], all);
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_name(&rows, model != NULL
							 ? value_kind(policy_open_text(&purchase_model_table, model))->name
							 : NULL);
	rows_put_count(&rows, (int64) all[SUM_CUSTOMERS]);
	rows_put_count(&rows, (int64) all[SUM_PURCHASES]);
	rows_put_float(&rows, all[SUM_EXPECTED]);
	rows_put_float(&rows, all[SUM_NAIVE]);
	rows_put_float(&rows, share(all[SUM_EXPECTED], all[SUM_PURCHASES]) - 1);
	rows_put_float(&rows, share(all[SUM_NAIVE], all[SUM_PURCHASES]) - 1);
	rows_put_float(&rows, share(all[SUM_ERROR], all[SUM_CUSTOMERS]));
	rows_put_float(&rows, share(all[SUM_NAIVE_ERROR], all[SUM_CUSTOMERS]));
	return rows_record(&rows);
}
