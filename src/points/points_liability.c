/*
 * points_liability.c
 *		What the points of a triangle that are still out cost: points_liability(), and
 *		points_liability_by_period() at the end of each period.
 *
 * A triangle that is cut off at the end of a period is that of its last day, since what happens
 * later changes nothing before: so one triangle answers for all ends of periods, and each answer is
 * that of points_liability() over a triangle as of that day.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "points/points_internal.h"

PG_FUNCTION_INFO_V1(loyalty_points_liability);
PG_FUNCTION_INFO_V1(loyalty_points_liability_by_period);

/* Each end of a period is estimated anew, from all that is before it. */
#define MAX_PERIODS 4000

/* ---- money ---- */

/* What a point costs, and how many decimals sums of it have. */
typedef struct PointValue
{
	Datum value;
	Datum decimals;
} PointValue;

static PointValue
value_argument(FunctionCallInfo fcinfo, int n)
{
	Numeric number = PG_GETARG_NUMERIC(n);
	PointValue value = { .value = NumericGetDatum(number) };

	if (numeric_is_nan(number) || numeric_is_inf(number) ||
		numeric_compare(number, int64_to_numeric(0)) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value_per_point must not be below zero, nor NaN or infinite"),
				 errhint("It is what a redeemed point costs, in any currency, such as 0.01.")));
	value.decimals = Int32GetDatum(DatumGetInt32(DirectFunctionCall1(numeric_scale, value.value)) +
								   ESTIMATE_DECIMALS);
	return value;
}

static Datum
cost_of(const PointValue *value, const Development *development, int128 points)
{
	Datum number = NumericGetDatum(decimal_sum_to_numeric(points, development->scale));

	return DirectFunctionCall2(
		numeric_round, DirectFunctionCall2(numeric_mul, number, value->value), value->decimals);
}

/* The sum of the rounded costs of the cohorts that a line stands for. */
static Datum
cost_of_lines(const PointValue *value, const Development *development, const DevelopmentLine *line)
{
	Datum sum =
		DirectFunctionCall2(numeric_round, NumericGetDatum(int64_to_numeric(0)), value->decimals);
	int64 i;

	for (i = line->first; i < line->end; i++)
		if (development->lines[i].expected != 0)
			sum = DirectFunctionCall2(numeric_add, sum,
									  cost_of(value, development, development->lines[i].expected));
	return sum;
}

/* The cost and its interval, which holds it: it is a sum of rounded ones. */
static void
put_costs(Rows *rows, const PointValue *value, const Development *development,
		  const DevelopmentLine *line)
{
	Datum cost = cost_of_lines(value, development, line);
	Datum lower = cost_of(value, development, line->expected_lower);
	Datum upper = cost_of(value, development, line->expected_upper);

	if (line->expected_lower == line->expected)
		lower = cost;
	if (line->expected_upper == line->expected)
		upper = cost;
	rows_put_datum(rows, cost);
	rows_put_datum(rows, lower);
	rows_put_datum(rows, upper);
}

/* ---- by period of issue ---- */

static void
put_liability(Rows *rows, const MetricCalendar *calendar, const PointValue *value,
			  const Development *development, const DevelopmentLine *line)
{
	points_put_line(rows, calendar, line);
	points_put_whole(rows, development, line->outstanding);
	rows_put_decimal(rows, line->expected, development->scale);
	put_costs(rows, value, development, line);
	rows_put_decimal(rows, line->outstanding - line->expected, development->scale);
	rows_put_decimal(rows, line->issued - line->redeemed - line->expected, development->scale);
	rows_end(rows);
}

/* points_liability(triangle, value_per_point, method, confidence) */
Datum
loyalty_points_liability(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &points_triangle_shape);
	PointValue value = value_argument(fcinfo, 1);
	const RedemptionMethod *method = redemption_method_argument(fcinfo, 2);
	double confidence = PG_GETARG_FLOAT8(3);
	Development development;
	MetricCalendar calendar;
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	points_develop_result(&development, tally, &calendar, method, confidence);
	for (i = 0; i < development.nlines; i++)
		put_liability(&rows, &calendar, &value, &development, &development.lines[i]);
	put_liability(&rows, &calendar, &value, &development, &development.all);
	return (Datum) 0;
}

/* ---- at the end of each period ---- */

/* The first period in which points were issued. */
static int32
first_period(TallyRow *const *rows, int64 nrows)
{
	int32 first = PG_INT32_MAX;
	int64 i;

	for (i = 0; i < nrows; i++)
		first = Min(first, points_issued_in(rows[i]));
	return first;
}

static void
put_end(Rows *rows, const MetricCalendar *calendar, int32 period, const PointValue *value,
		const Development *development, const DevelopmentLine *line, bool in_all)
{
	DateADT end = calendar_start(&calendar->calendar, period + 1);

	rows_begin(rows);
	if (in_all)
		rows_put_null(rows);
	else
		rows_put_text(rows, line->label->text, line->label->text_len);
	rows_put_day(rows, calendar_start(&calendar->calendar, period));
	rows_put_day(rows, end);
	rows_put_bool(rows, period <= calendar->last_complete);
	points_put_whole(rows, development, line->outstanding);
	rows_put_decimal(rows, line->expected, development->scale);
	rows_put_decimal(rows, line->outstanding - line->expected, development->scale);
	put_costs(rows, value, development, line);
	rows_put_float(rows, line->issued > 0
							 ? line->estimate.ultimate * development->unit / (double) line->issued
							 : NAN);
	rows_put_bool(rows, in_all);
	rows_put_day(rows, Min(end - 1, calendar->as_of));
	rows_end(rows);
}

/* points_liability_by_period(triangle, value_per_point, method, confidence) */
Datum
loyalty_points_liability_by_period(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &points_triangle_shape);
	PointValue value = value_argument(fcinfo, 1);
	const RedemptionMethod *method = redemption_method_argument(fcinfo, 2);
	double confidence = PG_GETARG_FLOAT8(3);
	const char *by_label = metric_parameter(tally, "by_label");
	bool has_labels = by_label != NULL && strcmp(by_label, "true") == 0;
	MetricCalendar calendar;
	MemoryContext context;
	MemoryContext old;
	int64 nrows;
	TallyRow **all = tally_rows(tally, &nrows);
	Rows rows;
	int64 period;

	(void) confidence_quantile(confidence);
	rows_open_periods(&rows, fcinfo);
	if (!metric_result_calendar(tally, &calendar))
		return (Datum) 0;
	period = first_period(all, nrows);
	if (calendar.last - period >= MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the liability at the end of " INT64_FORMAT
							   " periods is asked, more than %d",
							   calendar.last - period + 1, MAX_PERIODS),
						errhint("Take longer periods, such as 'month'; and look for an event "
								"whose date is too early: the first points are of %s.",
								day_text(calendar_start(&calendar.calendar, (int32) period)))));
	context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty liability", ALLOCSET_DEFAULT_SIZES);
	for (; period <= calendar.last; period++)
	{
		Development development;
		int64 i;

		old = MemoryContextSwitchTo(context);
		points_develop(&development, tally, all, nrows, &calendar, (int32) period, method,
					   confidence);
		for (i = 0; has_labels && i < development.nlabels; i++)
			put_end(&rows, &calendar, (int32) period, &value, &development, &development.labels[i],
					false);
		put_end(&rows, &calendar, (int32) period, &value, &development, &development.all, true);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	return (Datum) 0;
}
