/*
 * points_ladder.c
 *		The chain ladder: how many points of each issue period will be redeemed in the end.
 *
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
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "metric/statistics.h"
#include "points/points_internal.h"

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

/* ---- its steps ---- */

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

/* ---- its cohorts ---- */

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

void
points_develop_redemptions(const DevelopmentCohort *cohorts, int32 ncohorts, double confidence,
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
