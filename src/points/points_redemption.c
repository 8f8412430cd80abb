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
#include "points/points_result.h"

PG_FUNCTION_INFO_V1(loyalty_points_redemption_rate);
PG_FUNCTION_INFO_V1(loyalty_points_liability);

/* ---- the chain ladder: how many points of each issue period will be redeemed in the end ---- */

/*
 * Mack, T. (1993): Distribution-free calculation of the standard error of chain
 * ladder reserve estimates. ASTIN Bulletin 23(2), 213-225.
 *
 *		age		  0    1    2    3
 *		January	100  180  210  220		what was redeemed of January's points by the end
 *		February 90  150  190			of each age; ages that are over as of today
 *		March	 80  160
 *		April	120
 *		May							not over even at age 0
 *
 * A cohort that still has points outstanding goes on as the older ones did: what it
 * had redeemed by its last complete age, times the factors of the ages that others
 * have been through since. It ends with the oldest age there is: what happens later
 * was never seen, so it is in neither the estimates nor their errors, and both are too
 * low as long as the history is shorter than points live.
 *
 * Where nothing was redeemed yet there is nothing to multiply: by such a cohort
 * itself, or by all the others when they were of its age. It then gets per point
 * issued, for each age to come, what the others redeemed in that age per point issued
 * (the additive method); May is an example. What it may have redeemed in its running
 * age only counts as the least it can be. Where no cohort has completed an age,
 * nothing tells what won't be redeemed: all that is outstanding is expected, as IFRS 15
 * B46 has it where no breakage can be estimated, and the error is unknown.
 *
 * An ultimate is never below what is redeemed already, nor above that and what is
 * outstanding. So it is known where nothing is outstanding, with error 0.
 *
 * "Seen" counts a cohort's complete ages, so a cohort seen n times has redeemed
 * C(n) by the end of age n - 1, and C(0) = 0. A step leads from n to n + 1. In the
 * chain it multiplies what was redeemed; where that can't be, it adds what was
 * redeemed per point issued. Over the cohorts seen at both ends:
 *
 *		factor	 = sum of C(n + 1) / sum of C(n)
 *		variance = sum of C(n) * (C(n + 1) / C(n) - factor)^2 / (terms - 1)
 *
 *		rate	 = sum of C(n + 1) - C(n) / sum of issued
 *		variance = sum of issued * ((C(n + 1) - C(n)) / issued - rate)^2 / (terms - 1)
 *
 * the factor's variance without cohorts that had redeemed nothing at n, or less, as
 * refunds make it. Errors are sums over the steps to come. By the chain, from C at n,
 * with growth(n) the product of the factors from n on:
 *
 *		error^2 = sum over k >= n of growth(k + 1)^2 * variance(k) *
 *				  (C * factors n to k - 1	own chance
 *				   + (C * factors n to k - 1)^2 / sum of C(k))	chance in the factor
 *
 * Mack has quotients by factors in place of growth(k + 1); but factors may be 0. By
 * issue:
 *
 *		error^2 = sum over k >= n of variance(k) * (issued + issued^2 / sum of issued)
 *
 * All are carried from step to step backwards, so that a cohort costs no walk. Chance
 * in a factor or a rate is common to the cohorts that take the step: in the total the
 * sum over them is squared, and factors and rates, which are taken from the same
 * cohorts, count as if they erred together.
 */

/* The points issued in one period. Periods in which nothing was issued may be left out. */
typedef struct DevelopmentCohort
{
	double issued;			/* less what was taken back */
	const double *redeemed; /* by the end of age 0, 1, ... */
	int32 ages;				/* that are complete; 0: none */
	double redeemed_now;	/* of which some may be in the age that isn't complete */
	double outstanding;
} DevelopmentCohort;

typedef struct DevelopmentEstimate
{
	double ultimate;	   /* points redeemed in the end */
	double expected;	   /* of these, still to come */
	double standard_error; /* of the ultimate; NaN where there are too few cohorts to tell */
	double rate; /* ultimate / issued; this and its interval are NaN if nothing was issued */
	double lower;
	double upper;
} DevelopmentEstimate;

/* Mean and variance of a quotient over cohorts. */
typedef struct Quotient
{
	double above;
	double below;
	double ratio;
	double squares; /* of the distances from it, weighted */
	int32 terms;
	double variance; /* NaN: unknown */
} Quotient;

/* What is ahead of one point: sums over the steps from one on. */
typedef struct Ahead
{
	double growth;	   /* redeemed in the end, per point redeemed here or issued */
	double process;	   /* error^2 by the cohort's own chance, per point */
	double estimation; /* error^2 by chance in factors or rates, per point squared */
} Ahead;

/* The cohorts that develop from a step, each cut to what is possible. */
typedef struct Load
{
	double points;
	double scaled; /* each by how much it was cut once more: its own chance goes by the square */
} Load;

typedef struct Step
{
	Quotient chain; /* C(n + 1) to C(n) */
	Quotient issue; /* C(n + 1) - C(n) to points issued */
	Ahead by_chain;
	Ahead by_issue;
	Load redeemed;
	Load issued;
} Step;

typedef struct Ladder
{
	const DevelopmentCohort *cohorts;
	int32 ncohorts;
	int32 ages;	   /* of the oldest cohort */
	Step *steps;   /* ages + 1 of them: nothing follows on the last */
	bool observed; /* points were issued in a cohort with a complete age */
} Ladder;

static inline double
redeemed_at(const DevelopmentCohort *cohort, int32 seen)
{
	return seen == 0 ? 0 : cohort->redeemed[seen - 1];
}

/* ---- the chain ladder: its steps ---- */

static void
open_steps(Ladder *ladder)
{
	int32 i;

	ladder->ages = 0;
	ladder->observed = false;
	for (i = 0; i < ladder->ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &ladder->cohorts[i];

		ladder->ages = Max(ladder->ages, cohort->ages);
		if (cohort->issued > 0 && cohort->ages > 0)
			ladder->observed = true;
	}
	ladder->steps = palloc_extended(((Size) ladder->ages + 1) * sizeof(Step),
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
add_sums(Ladder *ladder)
{
	int32 i;
	int32 n;

	for (i = 0; i < ladder->ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &ladder->cohorts[i];

		CHECK_FOR_INTERRUPTS();
		for (n = 0; n < cohort->ages; n++)
		{
			Step *step = &ladder->steps[n];
			double here = redeemed_at(cohort, n);
			double there = redeemed_at(cohort, n + 1);

			step->chain.above += there;
			step->chain.below += here;
			if (cohort->issued > 0)
			{
				step->issue.above += there - here;
				step->issue.below += cohort->issued;
			}
		}
	}
	for (n = 0; n < ladder->ages; n++)
	{
		Quotient *chain = &ladder->steps[n].chain;
		Quotient *issue = &ladder->steps[n].issue;

		chain->ratio = chain->below > 0 ? Max(chain->above, 0) / chain->below : 1;
		issue->ratio = issue->below > 0 ? issue->above / issue->below : 0;
	}
}

static inline void
add_square(Quotient *quotient, double above, double below)
{
	double distance = above / below - quotient->ratio;

	quotient->squares += below * distance * distance;
	quotient->terms++;
}

static void
add_squares(Ladder *ladder)
{
	int32 i;
	int32 n;

	for (i = 0; i < ladder->ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &ladder->cohorts[i];

		CHECK_FOR_INTERRUPTS();
		for (n = 0; n < cohort->ages; n++)
		{
			Step *step = &ladder->steps[n];
			double here = redeemed_at(cohort, n);
			double there = redeemed_at(cohort, n + 1);

			if (here > 0)
				add_square(&step->chain, there, here);
			if (cohort->issued > 0)
				add_square(&step->issue, there - here, cohort->issued);
		}
	}
}

/* The last two variances that could be estimated, for the steps that too few cohorts took. */
typedef struct Trend
{
	double last;
	double before_last;
} Trend;

/*
 * One cohort doesn't show a variance: Mack goes on from the two steps before it, with
 * what falls as they did, but with neither more than they had.
 */
static void
set_variance(Quotient *quotient, Trend *trend)
{
	if (!(quotient->below > 0))
		quotient->variance = 0; /* no step that was ever seen: as beyond the oldest age */
	else if (quotient->terms >= 2)
	{
		quotient->variance = quotient->squares / (quotient->terms - 1);
		trend->before_last = trend->last;
		trend->last = quotient->variance;
	}
	else if (isnan(trend->before_last) || trend->last >= trend->before_last)
		quotient->variance = isnan(trend->before_last) ? trend->last : trend->before_last;
	else
		quotient->variance = trend->last * trend->last / trend->before_last;
}

static void
set_variances(Ladder *ladder)
{
	Trend chain = { NAN, NAN };
	Trend issue = { NAN, NAN };
	int32 n;

	for (n = 0; n < ladder->ages; n++)
	{
		set_variance(&ladder->steps[n].chain, &chain);
		set_variance(&ladder->steps[n].issue, &issue);
	}
}

/* The variance of a quotient's mean. */
static inline double
variance_of_ratio(const Quotient *quotient)
{
	return quotient->below > 0 ? quotient->variance / quotient->below : 0;
}

static void
carry_backwards(Ladder *ladder)
{
	Step *step = &ladder->steps[ladder->ages];

	step->by_chain.growth = 1;
	while (step-- > ladder->steps)
	{
		const Ahead *chain = &step[1].by_chain;
		const Ahead *issue = &step[1].by_issue;
		double factor = step->chain.ratio;
		double growth2 = chain->growth * chain->growth;

		step->by_chain.growth = factor * chain->growth;
		step->by_chain.process = step->chain.variance * growth2 + factor * chain->process;
		step->by_chain.estimation =
			variance_of_ratio(&step->chain) * growth2 + factor * factor * chain->estimation;

		step->by_issue.growth = step->issue.ratio + issue->growth;
		step->by_issue.process = step->issue.variance + issue->process;
		step->by_issue.estimation = variance_of_ratio(&step->issue) + issue->estimation;
	}
}

/* ---- the chain ladder: its cohorts ---- */

static void
set_interval(DevelopmentEstimate *estimate, double issued, double lowest, double highest, double z)
{
	double lower = lowest;
	double upper = highest;

	if (estimate->standard_error == 0)
		lower = upper = estimate->ultimate;
	else if (!isnan(estimate->standard_error))
	{
		lower = Max(lowest, estimate->ultimate - z * estimate->standard_error);
		upper = Min(highest, estimate->ultimate + z * estimate->standard_error);
	}
	estimate->rate = issued > 0 ? estimate->ultimate / issued : NAN;
	estimate->lower = issued > 0 ? lower / issued : NAN;
	estimate->upper = issued > 0 ? upper / issued : NAN;
}

/* No points have no error, even where a variance is unknown. */
static inline double
times(double points, double error2)
{
	return points == 0 ? 0 : points * error2;
}

static void
estimate_cohort(Ladder *ladder, const DevelopmentCohort *cohort, double highest,
				DevelopmentEstimate *estimate)
{
	Step *step = &ladder->steps[cohort->ages];
	double redeemed = redeemed_at(cohort, cohort->ages);
	double points; /* that are developed */
	double ultimate;
	double scale;
	const Ahead *ahead;
	Load *load;

	if (!(cohort->outstanding > 0))
	{
		estimate->ultimate = cohort->redeemed_now;
		estimate->standard_error = 0;
		return;
	}
	if (!ladder->observed && cohort->ages == 0)
	{
		estimate->ultimate = highest;
		estimate->standard_error = NAN;
		return;
	}
	if (redeemed > 0 && step->chain.below > 0)
	{
		ahead = &step->by_chain;
		load = &step->redeemed;
		points = redeemed;
		ultimate = redeemed * ahead->growth;
	}
	else
	{
		ahead = &step->by_issue;
		load = &step->issued;
		points = Max(cohort->issued, 0);
		ultimate = redeemed + points * ahead->growth;
	}
	estimate->ultimate = Min(Max(ultimate, cohort->redeemed_now), highest);

	/* What can't be redeemed has no error either. */
	scale = ultimate > Max(highest, 0) ? Max(highest, 0) / ultimate : 1;
	points *= scale;
	load->points += points;
	load->scaled += points * scale;
	estimate->standard_error =
		sqrt(times(points * scale, ahead->process) + times(points * points, ahead->estimation));
}

static double
total_error(const Ladder *ladder)
{
	double redeemed = 0; /* by the cohorts that take the step together */
	double issued = 0;
	double process = 0;
	double by_factors = 0;
	double by_rates = 0;
	double estimation;
	int32 n;

	for (n = 0; n < ladder->ages; n++)
	{
		const Step *step = &ladder->steps[n];
		double growth = step[1].by_chain.growth;

		redeemed += step->redeemed.points;
		issued += step->issued.points;
		process += times(step->redeemed.scaled, step->by_chain.process) +
				   times(step->issued.scaled, step->by_issue.process);
		by_factors += times(redeemed * redeemed, variance_of_ratio(&step->chain) * growth * growth);
		by_rates += times(issued * issued, variance_of_ratio(&step->issue));
		redeemed *= step->chain.ratio;
	}
	estimation = sqrt(by_factors) + sqrt(by_rates);
	return sqrt(process + estimation * estimation);
}

/*
 * Estimates each cohort and all of them together, whose error has what the cohorts
 * share. Cohorts may come in any order. The rates' intervals hold with a confidence
 * between 0 and 1, by the normal distribution, and are cut to what is possible; where
 * the error is unknown they are all that is possible.
 */
static void
develop_redemptions(const DevelopmentCohort *cohorts, int32 ncohorts, double confidence,
					DevelopmentEstimate *estimates, DevelopmentEstimate *total)
{
	Ladder ladder = { .cohorts = cohorts, .ncohorts = ncohorts };
	double z = confidence_quantile(confidence);
	double issued = 0;
	double lowest = 0;
	double highest = 0;
	bool known = true;
	int32 i;

	open_steps(&ladder);
	add_sums(&ladder);
	add_squares(&ladder);
	set_variances(&ladder);
	carry_backwards(&ladder);

	total->ultimate = 0;
	for (i = 0; i < ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &cohorts[i];
		DevelopmentEstimate *estimate = &estimates[i];
		double most = cohort->redeemed_now + Max(cohort->outstanding, 0);

		CHECK_FOR_INTERRUPTS();
		estimate_cohort(&ladder, cohort, most, estimate);
		estimate->expected = estimate->ultimate - cohort->redeemed_now;
		set_interval(estimate, cohort->issued, cohort->redeemed_now, most, z);
		known = known && !isnan(estimate->standard_error);
		total->ultimate += estimate->ultimate;
		issued += cohort->issued;
		lowest += cohort->redeemed_now;
		highest += most;
	}
	total->expected = total->ultimate - lowest;
	total->standard_error = known ? total_error(&ladder) : NAN;
	set_interval(total, issued, lowest, highest, z);
	pfree(ladder.steps);
}

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
	int64 max_cohorts = 16;
	DevelopmentCohort *cohorts = palloc(max_cohorts * sizeof(DevelopmentCohort));
	DevelopmentEstimate *estimates;
	DevelopmentEstimate total;
	PointsCohort cohort;
	int64 i;

	while (points_cohort_next(labels, &cohort))
	{
		const Line *line = add_line(development, &cohort);
		DevelopmentCohort *to;

		if (ncohorts == max_cohorts)
		{
			max_cohorts *= 2;
			cohorts = repalloc_huge(cohorts, max_cohorts * sizeof(DevelopmentCohort));
		}
		to = &cohorts[ncohorts++];
		to->ages = Max(0, calendar->last_complete - cohort.issued_in + 1);
		to->redeemed = redeemed_by_age(development, &cohort, to->ages);
		to->issued = in_points(development, line->issued);
		to->redeemed_now = in_points(development, line->redeemed);
		to->outstanding = in_points(development, line->outstanding);
	}
	estimates = palloc_extended(ncohorts * sizeof(DevelopmentEstimate), MCXT_ALLOC_HUGE);
	develop_redemptions(cohorts, (int32) ncohorts, confidence, estimates, &total);

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
		DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(value),
										 NumericGetDatum(int64_to_numeric(0)))))
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
		rows_end(&rows);
	}
	return (Datum) 0;
}
