/*
 * points_redemption.c
 *		How many points of a triangle will be redeemed, and what that costs:
 *		points_redemption_rate() and points_liability().
 *
 * Estimates are rounded to two decimals more than the points have, so that what was and
 * will be redeemed and what is lost add up to what was issued, exactly, in every row and in all.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core/array.h"
#include "core/decimal.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "points/points_internal.h"

PG_FUNCTION_INFO_V1(loyalty_points_redemption_rate);
PG_FUNCTION_INFO_V1(loyalty_points_liability);

/* ---- a triangle's lines ---- */

#define ESTIMATE_DECIMALS 2

/* Points issued in one period, or in all: exact, and at the scale of estimates. */
typedef struct Line
{
	const TallyKey *label; /* NULL: in all */
	int32 issued_in;
	int128 issued;
	int128 redeemed;
	int128 outstanding;
	int128 expected; /* to be redeemed */
	int128 expected_if_lower;
	int128 expected_if_higher;
	DevelopmentEstimate estimate;
} Line;

typedef struct Development
{
	int points_scale;
	int scale; /* of the lines */
	double unit;
	int64 nlines;
	int64 max_lines;
	Line *lines;
	Line all;
} Development;

/* ---- reading cohorts ---- */

static int128
scaled(const Development *development, int128 points)
{
	if (!decimal_sum_rescale(&points, development->points_scale, development->scale))
		decimal_report_sum(POINTS_SUM);
	return points;
}

static double
in_points(const Development *development, int128 units)
{
	return (double) units / development->unit;
}

/* What a cohort had redeemed by the end of each age that is over. */
static const double *
redeemed_by_age(const Development *development, const PointsCohort *cohort, int32 ages)
{
	double *redeemed = palloc_extended(Max(1, ages) * sizeof(double), MCXT_ALLOC_HUGE);
	TallyRow **row = cohort->row;
	int128 sum = 0;
	int32 age;

	for (age = 0; age < ages; age++)
	{
		if (row < cohort->end && points_age(*row) == age)
			decimal_sum_add(&sum, (*row++)->sums[TRIANGLE_REDEEMED], POINTS_SUM);
		redeemed[age] = in_points(development, scaled(development, sum));
		CHECK_FOR_INTERRUPTS();
	}
	return redeemed;
}

static Line *
add_line(Development *development, const PointsCohort *cohort)
{
	Line *line;

	development->lines = array_grow(development->lines, &development->max_lines,
									development->nlines + 1, sizeof(Line));
	line = &development->lines[development->nlines++];
	memset(line, 0, sizeof(Line));
	line->label = &(*cohort->row)->key;
	line->issued_in = cohort->issued_in;
	line->issued = scaled(development, cohort->issued);
	line->redeemed = scaled(development, cohort->redeemed);
	line->outstanding = scaled(development, cohort->outstanding);
	return line;
}

/* ---- estimates ---- */

static int128
clamp(int128 expected, int128 outstanding)
{
	return Max(0, Min(expected, outstanding));
}

/* Expected points as a decimal; what is all of it stays exactly that. */
static int128
expected_units(const Development *development, const Line *line)
{
	double units = rint(line->estimate.expected * development->unit);

	if (isnan(units) || line->estimate.expected >= in_points(development, line->outstanding))
		return line->outstanding;
	return clamp((int128) units, line->outstanding);
}

static void
add_to_all(Line *all, const Line *line)
{
	decimal_sum_add(&all->issued, line->issued, POINTS_SUM);
	decimal_sum_add(&all->redeemed, line->redeemed, POINTS_SUM);
	decimal_sum_add(&all->outstanding, line->outstanding, POINTS_SUM);
	decimal_sum_add(&all->expected, line->expected, POINTS_SUM);
	decimal_sum_add(&all->expected_if_lower, line->expected_if_lower, POINTS_SUM);
	decimal_sum_add(&all->expected_if_higher, line->expected_if_higher, POINTS_SUM);
}

/* Develops the cohorts of one label; gives their estimate in all. */
static DevelopmentEstimate
develop_label(Development *development, const MetricCalendar *calendar, PointsLabels *labels,
			  double confidence)
{
	int64 first = development->nlines;
	int64 ncohorts = 0;
	int64 max_cohorts = 0;
	DevelopmentCohort *cohorts = array_grow(NULL, &max_cohorts, 1, sizeof(DevelopmentCohort));
	DevelopmentEstimate *estimates;
	DevelopmentEstimate total;
	PointsCohort cohort;
	int64 i;

	while (points_cohort_next(labels, &cohort))
	{
		const Line *line = add_line(development, &cohort);
		DevelopmentCohort *to;

		cohorts = array_grow(cohorts, &max_cohorts, ncohorts + 1, sizeof(DevelopmentCohort));
		to = &cohorts[ncohorts++];
		to->ages = Max(0, calendar->last_complete - cohort.issued_in + 1);
		to->redeemed = redeemed_by_age(development, &cohort, to->ages);
		to->issued = in_points(development, line->issued);
		to->redeemed_now = in_points(development, line->redeemed);
		to->outstanding = in_points(development, line->outstanding);
	}
	estimates = palloc_extended(ncohorts * sizeof(DevelopmentEstimate), MCXT_ALLOC_HUGE);
	points_develop_redemptions(cohorts, (int32) ncohorts, confidence, estimates, &total);

	for (i = 0; i < ncohorts; i++)
	{
		Line *line = &development->lines[first + i];
		int128 shift = line->issued / 100;

		line->estimate = estimates[i];
		line->expected = expected_units(development, line);
		line->expected_if_lower = clamp(line->expected - shift, line->outstanding);
		line->expected_if_higher = clamp(line->expected + shift, line->outstanding);
		add_to_all(&development->all, line);
		pfree((void *) cohorts[i].redeemed);
	}
	pfree(cohorts);
	pfree(estimates);
	return total;
}

/* Labels are developed apart, so their errors don't depend on each other. */
static void
add_estimate(DevelopmentEstimate *all, const DevelopmentEstimate *of_label)
{
	all->ultimate += of_label->ultimate;
	all->expected += of_label->expected;
	all->standard_error = hypot(all->standard_error, of_label->standard_error);
}

/* The rate in all and its interval, cut to what is possible. */
static void
finish_all(Development *development, double confidence)
{
	Line *all = &development->all;
	double issued = in_points(development, all->issued);
	double least = in_points(development, all->redeemed) / issued;
	double most = in_points(development, all->redeemed + all->outstanding) / issued;
	double error = all->estimate.standard_error / issued;

	all->estimate.rate = all->estimate.lower = all->estimate.upper = NAN;
	if (issued <= 0)
		return;
	all->estimate.rate = all->estimate.ultimate / issued;
	all->estimate.lower = least;
	all->estimate.upper = most;
	if (!isnan(error))
	{
		double reach = error * confidence_quantile(confidence);

		all->estimate.lower = Min(Max(all->estimate.rate - reach, least), most);
		all->estimate.upper = Max(Min(all->estimate.rate + reach, most), least);
	}
}

/* Develops every label of a triangle; lines in the order of its table. */
static void
develop_triangle(Development *development, MetricCalendar *calendar, const Tally *tally,
				 double confidence)
{
	PointsLabels labels;
	int i;

	memset(development, 0, sizeof(Development));
	development->points_scale = tally_scale(tally);
	development->scale = Min(development->points_scale + ESTIMATE_DECIMALS, DECIMAL_MAX_SCALE);
	development->unit = 1;
	for (i = 0; i < development->scale; i++)
		development->unit *= 10;
	if (metric_result_calendar(tally, calendar))
	{
		points_labels_open(&labels, tally);
		while (points_labels_next(&labels))
		{
			DevelopmentEstimate of_label =
				develop_label(development, calendar, &labels, confidence);

			add_estimate(&development->all.estimate, &of_label);
		}
	}
	finish_all(development, confidence);
}

/* ---- rows ---- */

/* The columns that tell a line: label and issue_period, both NULL in all. */
static void
put_line(Rows *rows, const MetricCalendar *calendar, const Line *line)
{
	rows_begin(rows);
	if (line->label != NULL)
	{
		rows_put_text(rows, line->label->text, line->label->text_len);
		rows_put_day(rows, calendar_start(&calendar->calendar, line->issued_in));
	}
	else
	{
		rows_put_null(rows);
		rows_put_null(rows);
	}
}

/* A number of points, which has no more decimals than the triangle's. */
static void
put_points(Rows *rows, const Development *development, int128 units)
{
	int decimals = development->scale - development->points_scale;

	for (; decimals > 0; decimals--)
		units /= 10;
	rows_put_decimal(rows, units, development->points_scale);
}

static void
put_rate(Rows *rows, const Development *development, const MetricCalendar *calendar,
		 const Line *line)
{
	int128 lost = line->issued - line->redeemed;

	put_line(rows, calendar, line);
	put_points(rows, development, line->issued);
	put_points(rows, development, line->redeemed);
	put_points(rows, development, line->outstanding);
	rows_put_float(rows, line->estimate.rate);
	rows_put_float(rows, line->estimate.lower);
	rows_put_float(rows, line->estimate.upper);
	rows_put_float(rows, 1 - line->estimate.rate);
	rows_put_decimal(rows, lost - line->expected, development->scale);
	rows_put_decimal(rows, lost - line->expected_if_lower, development->scale);
	rows_put_decimal(rows, lost - line->expected_if_higher, development->scale);
	rows_end(rows);
}

/* points_redemption_rate(triangle, confidence) */
Datum
loyalty_points_redemption_rate(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &points_triangle_shape);
	double confidence = PG_GETARG_FLOAT8(1);
	Development development;
	MetricCalendar calendar;
	Rows rows;
	int64 i;

	(void) confidence_quantile(confidence); /* refuses what isn't one */
	rows_open(&rows, fcinfo);
	develop_triangle(&development, &calendar, tally, confidence);
	for (i = 0; i < development.nlines; i++)
		put_rate(&rows, &development, &calendar, &development.lines[i]);
	put_rate(&rows, &development, &calendar, &development.all);
	return (Datum) 0;
}

/* ---- liability ---- */

static Datum
value_argument(FunctionCallInfo fcinfo, int n)
{
	Numeric value = PG_GETARG_NUMERIC(n);

	if (numeric_is_nan(value) || numeric_is_inf(value) ||
		numeric_compare(value, int64_to_numeric(0)) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("value_per_point must not be below zero, nor NaN or infinite")));
	return NumericGetDatum(value);
}

/* points_liability(triangle, value_per_point) */
Datum
loyalty_points_liability(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &points_triangle_shape);
	Datum value = value_argument(fcinfo, 1);
	int decimals = DatumGetInt32(DirectFunctionCall1(numeric_scale, value)) + ESTIMATE_DECIMALS;
	Datum sum = NumericGetDatum(int64_to_numeric(0));
	Development development;
	MetricCalendar calendar;
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	develop_triangle(&development, &calendar, tally, 0.5);
	for (i = 0; i <= development.nlines; i++)
	{
		const Line *line = i < development.nlines ? &development.lines[i] : &development.all;
		Datum liability = sum;

		if (i < development.nlines)
		{
			Datum expected =
				NumericGetDatum(decimal_sum_to_numeric(line->expected, development.scale));

			liability = DirectFunctionCall2(numeric_round,
											DirectFunctionCall2(numeric_mul, expected, value),
											Int32GetDatum(decimals));
			sum = DirectFunctionCall2(numeric_add, sum, liability);
		}
		put_line(&rows, &calendar, line);
		put_points(&rows, &development, line->outstanding);
		rows_put_decimal(&rows, line->expected, development.scale);
		rows_put_datum(&rows, liability);
		rows_put_decimal(&rows, line->outstanding - line->expected, development.scale);
		rows_put_decimal(&rows, line->issued - line->redeemed - line->expected, development.scale);
		rows_end(&rows);
	}
	return (Datum) 0;
}
