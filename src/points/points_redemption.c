/*
 * points_redemption.c
 *		How many points of a triangle will be redeemed: points_redemption_rate(), and what that
 *		rests on, points_development().
 *
 * Estimates are rounded to two decimals more than the points have, so that what was and
 * will be redeemed and what is lost add up to what was issued, exactly, in every row and in all.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"

#include "core/array.h"
#include "core/decimal.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "points/points_internal.h"

PG_FUNCTION_INFO_V1(loyalty_points_redemption_rate);
PG_FUNCTION_INFO_V1(loyalty_points_development);

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
static double *
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

static void
add_line(Development *development, const PointsCohort *cohort)
{
	DevelopmentLine *line;

	development->lines = array_grow(development->lines, &development->max_lines,
									development->nlines + 1, sizeof(DevelopmentLine));
	line = &development->lines[development->nlines++];
	memset(line, 0, sizeof(DevelopmentLine));
	line->label = &(*cohort->row)->key;
	line->issued_in = cohort->issued_in;
	line->first = development->nlines - 1;
	line->end = development->nlines;
	line->issued = scaled(development, cohort->issued);
	line->redeemed = scaled(development, cohort->redeemed);
	line->outstanding = scaled(development, cohort->outstanding);
}

/* The cohorts of a label, as of the end of a period; so many ages of each are over. */
static DevelopmentCohort *
read_cohorts(Development *development, const MetricCalendar *calendar, int32 until,
			 PointsLabels *labels)
{
	int64 first = development->nlines;
	int64 max_cohorts = 0;
	DevelopmentCohort *cohorts = array_grow(NULL, &max_cohorts, 1, sizeof(DevelopmentCohort));
	PointsCohort cohort;

	while (points_cohort_next(labels, until, &cohort))
	{
		int64 n = development->nlines - first;
		const DevelopmentLine *line;
		DevelopmentCohort *to;

		add_line(development, &cohort);
		line = &development->lines[development->nlines - 1];
		cohorts = array_grow(cohorts, &max_cohorts, n + 1, sizeof(DevelopmentCohort));
		to = &cohorts[n];
		to->ages = Max(0, Min(until, calendar->last_complete) - cohort.issued_in + 1);
		to->redeemed = redeemed_by_age(development, &cohort, to->ages);
		to->issued = in_points(development, line->issued);
		to->redeemed_now = in_points(development, line->redeemed);
		to->outstanding = in_points(development, line->outstanding);
	}
	return cohorts;
}

static void
free_cohorts(DevelopmentCohort *cohorts, int64 ncohorts)
{
	int64 i;

	for (i = 0; i < ncohorts; i++)
		pfree(cohorts[i].redeemed);
	pfree(cohorts);
}

/* ---- estimates ---- */

/* Points that will be redeemed, of those that had been by now, as a decimal; what is all of the
 * outstanding ones stays exactly that. */
static int128
expected_units(const Development *development, const DevelopmentLine *line, double ultimate)
{
	double expected = ultimate - in_points(development, line->redeemed);
	double units = rint(expected * development->unit);

	if (isnan(units) || expected >= in_points(development, line->outstanding))
		return Max(0, line->outstanding);
	return Max(0, Min((int128) units, line->outstanding));
}

static void
set_expected(const Development *development, DevelopmentLine *line,
			 const DevelopmentEstimate *estimate)
{
	line->estimate = *estimate;
	line->expected = expected_units(development, line, estimate->ultimate);
	line->expected_lower = expected_units(development, line, estimate->lower);
	line->expected_upper = expected_units(development, line, estimate->upper);
}

/* What is redeemed in all is what is redeemed of each. */
static void
add_points(DevelopmentLine *all, const DevelopmentLine *line)
{
	decimal_sum_add(&all->issued, line->issued, POINTS_SUM);
	decimal_sum_add(&all->redeemed, line->redeemed, POINTS_SUM);
	decimal_sum_add(&all->outstanding, line->outstanding, POINTS_SUM);
	decimal_sum_add(&all->expected, line->expected, POINTS_SUM);
}

static void
set_bounds(const Development *development, DevelopmentLine *all)
{
	all->expected_lower = Min(all->expected, expected_units(development, all, all->estimate.lower));
	all->expected_upper = Max(all->expected, expected_units(development, all, all->estimate.upper));
}

/* Develops the cohorts of one label. */
static void
develop_label(Development *development, const MetricCalendar *calendar, int32 until,
			  PointsLabels *labels)
{
	int64 first = development->nlines;
	const TallyKey *label = &(*labels->row)->key;
	DevelopmentCohort *cohorts = read_cohorts(development, calendar, until, labels);
	int64 ncohorts = development->nlines - first;
	DevelopmentEstimate *estimates;
	DevelopmentLine *all;
	int64 i;

	if (ncohorts == 0)
	{
		pfree(cohorts);
		return;
	}
	development->labels = array_grow(development->labels, &development->max_labels,
									 development->nlabels + 1, sizeof(DevelopmentLine));
	all = &development->labels[development->nlabels++];
	memset(all, 0, sizeof(DevelopmentLine));
	all->label = label;
	all->first = first;
	all->end = development->nlines;
	estimates = palloc_extended(ncohorts * sizeof(DevelopmentEstimate), MCXT_ALLOC_HUGE);
	points_develop_redemptions(cohorts, (int32) ncohorts, development->method,
							   development->confidence, estimates, &all->estimate);
	for (i = 0; i < ncohorts; i++)
	{
		set_expected(development, &development->lines[first + i], &estimates[i]);
		add_points(all, &development->lines[first + i]);
	}
	set_bounds(development, all);
	free_cohorts(cohorts, ncohorts);
	pfree(estimates);
}

/* Labels are developed apart, so their errors don't depend on each other. */
static void
add_labels(Development *development)
{
	DevelopmentLine *all = &development->all;
	DevelopmentEstimate *estimate = &all->estimate;
	double lowest;
	double highest;
	int64 i;

	if (development->nlabels == 1)
	{
		*all = development->labels[0];
		all->label = NULL;
		return;
	}
	all->end = development->nlines;
	for (i = 0; i < development->nlabels; i++)
	{
		const DevelopmentLine *label = &development->labels[i];

		add_points(all, label);
		estimate->ultimate += label->estimate.ultimate;
		estimate->expected += label->estimate.expected;
		estimate->standard_error = hypot(estimate->standard_error, label->estimate.standard_error);
	}
	lowest = in_points(development, all->redeemed);
	highest = lowest + in_points(development, all->outstanding);
	estimate->lower = lowest;
	estimate->upper = highest;
	if (!isnan(estimate->standard_error))
	{
		double reach = estimate->standard_error * confidence_quantile(development->confidence);

		estimate->lower = Min(Max(estimate->ultimate - reach, lowest), highest);
		estimate->upper = Max(Min(estimate->ultimate + reach, highest), lowest);
	}
	set_bounds(development, all);
}

void
points_develop(Development *development, const Tally *tally, TallyRow **rows, int64 nrows,
			   const MetricCalendar *calendar, int32 until, const RedemptionMethod *method,
			   double confidence)
{
	PointsLabels labels;
	int i;

	memset(development, 0, sizeof(Development));
	development->method = method;
	development->confidence = confidence;
	development->points_scale = tally_scale(tally);
	development->scale = Min(development->points_scale + ESTIMATE_DECIMALS, DECIMAL_MAX_SCALE);
	development->unit = 1;
	for (i = 0; i < development->scale; i++)
		development->unit *= 10;
	points_labels_open_rows(&labels, rows, nrows);
	while (points_labels_next(&labels))
		develop_label(development, calendar, until, &labels);
	add_labels(development);
}

void
points_put_whole(Rows *rows, const Development *development, int128 units)
{
	int decimals = development->scale - development->points_scale;

	for (; decimals > 0; decimals--)
		units /= 10;
	rows_put_decimal(rows, units, development->points_scale);
}

void
points_put_line(Rows *rows, const MetricCalendar *calendar, const DevelopmentLine *line)
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

void
points_develop_result(Development *development, const Tally *tally, MetricCalendar *calendar,
					  const RedemptionMethod *method, double confidence)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);

	(void) confidence_quantile(confidence);		 /* refuses what isn't one */
	memset(calendar, 0, sizeof(MetricCalendar)); /* of a result about nobody */
	(void) metric_result_calendar(tally, calendar);
	points_develop(development, tally, rows, nrows, calendar, calendar->last, method, confidence);
}

/* ---- rates ---- */

/* A percentage point more or less of what was issued, as far as it can be. */
static int128
shifted(const DevelopmentLine *line, int percent)
{
	return Max(0, Min(line->expected + line->issued / 100 * percent, line->outstanding));
}

static void
put_rate(Rows *rows, const Development *development, const MetricCalendar *calendar,
		 const DevelopmentLine *line, int128 if_lower, int128 if_higher)
{
	double issued = in_points(development, line->issued);
	int128 lost = line->issued - line->redeemed;
	const DevelopmentEstimate *estimate = &line->estimate;

	if (issued <= 0)
		issued = NAN;
	points_put_line(rows, calendar, line);
	points_put_whole(rows, development, line->issued);
	points_put_whole(rows, development, line->redeemed);
	points_put_whole(rows, development, line->outstanding);
	rows_put_float(rows, estimate->ultimate / issued);
	rows_put_float(rows, estimate->lower / issued);
	rows_put_float(rows, estimate->upper / issued);
	rows_put_float(rows, estimate->standard_error / issued);
	rows_put_float(rows, 1 - estimate->ultimate / issued);
	rows_put_decimal(rows, lost - line->expected, development->scale);
	rows_put_decimal(rows, lost - if_lower, development->scale);
	rows_put_decimal(rows, lost - if_higher, development->scale);
	rows_end(rows);
}

/* points_redemption_rate(triangle, confidence, method) */
Datum
loyalty_points_redemption_rate(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &points_triangle_shape);
	double confidence = PG_GETARG_FLOAT8(1);
	const RedemptionMethod *method = redemption_method_argument(fcinfo, 2);
	Development development;
	MetricCalendar calendar;
	int128 if_lower = 0;
	int128 if_higher = 0;
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	points_develop_result(&development, tally, &calendar, method, confidence);
	for (i = 0; i < development.nlines; i++)
	{
		const DevelopmentLine *line = &development.lines[i];

		put_rate(&rows, &development, &calendar, line, shifted(line, -1), shifted(line, 1));
		decimal_sum_add(&if_lower, shifted(line, -1), POINTS_SUM);
		decimal_sum_add(&if_higher, shifted(line, 1), POINTS_SUM);
	}
	put_rate(&rows, &development, &calendar, &development.all, if_lower, if_higher);
	return (Datum) 0;
}

/* ---- development ---- */

static void
put_step(Rows *rows, const TallyKey *label, int32 seen, DevelopmentStep step, bool is_tail)
{
	rows_begin(rows);
	rows_put_text(rows, label->text, label->text_len);
	rows_put_int(rows, seen - 1);
	rows_put_float(rows, step.factor);
	rows_put_float(rows, step.standard_error);
	rows_put_int(rows, step.cohorts);
	rows_put_float(rows, step.to_ultimate);
	rows_put_float(rows, step.developed);
	rows_put_bool(rows, is_tail);
	rows_end(rows);
}

/* points_development(triangle, method) */
Datum
loyalty_points_development(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &points_triangle_shape);
	const RedemptionMethod *method = redemption_method_argument(fcinfo, 1);
	Development development = { .points_scale = tally_scale(tally),
								.scale = tally_scale(tally),
								.unit = (double) decimal_power[tally_scale(tally)] };
	MetricCalendar calendar;
	PointsLabels labels;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_result_calendar(tally, &calendar))
		return (Datum) 0;
	points_labels_open(&labels, tally);
	while (points_labels_next(&labels))
	{
		int64 first = development.nlines;
		const TallyKey *label = &(*labels.row)->key;
		DevelopmentCohort *cohorts = read_cohorts(&development, &calendar, calendar.last, &labels);
		int32 ages;
		Ladder *ladder =
			points_ladder_open(cohorts, (int32) (development.nlines - first), method, &ages);
		int32 seen;

		for (seen = 1; seen <= ages; seen++)
			put_step(&rows, label, seen, points_ladder_step(ladder, seen), seen == ages);
		points_ladder_free(ladder);
		free_cohorts(cohorts, development.nlines - first);
	}
	return (Datum) 0;
}
