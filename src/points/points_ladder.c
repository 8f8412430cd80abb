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
 * have been through since. It ends with the oldest age there is, unless there is a tail
 * (points_tail.c): what happens later was never seen, so it is in neither the estimates nor their
 * errors, and both are too low as long as the history is shorter than points live.
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
 * cohorts, count as if they erred together. A tail is a step behind the last one, whose variance
 * by the cohort's own chance goes on from those before it as Mack has it, and whose factor has the
 * error of the fit, or the one that is given:
 *
 * Mack, T. (1999): The standard error of chain ladder reserve estimates: recursive calculation and
 * inclusion of a tail factor. ASTIN Bulletin 29(2), 361-366.
 *
 * ---- with a prior rate ----
 *
 * Short histories have factors that are large and taken from few cohorts: what a young cohort has
 * redeemed by chance is multiplied. With a rate q that is known from elsewhere there is another
 * way: of the points issued so many are still redeemed as the share that isn't developed yet says,
 * whatever was redeemed so far. With p(n) = 1 / growth(n):
 *
 *		ultimate = C(n) + q * issued * (1 - p(n))
 *
 * Bornhuetter, R. L. and Ferguson, R. E. (1972): The actuary and IBNR. Proceedings of the Casualty
 * Actuarial Society 59, 181-195.
 *
 * By Cape Cod, q is what all cohorts together show of it, sum of C(n) / sum of issued * p(n):
 *
 * Bühlmann, H. and Straub, E. (1983): Estimation of IBNR reserves by the methods chain ladder, Cape
 * Cod and complementary loss ratio. International Summer School, unpublished; as in Straub, E.
 * (1988): Non-life insurance mathematics, Springer.
 *
 * Where nothing was redeemed by n, nothing is developed, p(n) = 0.
 *
 * The error has the three parts of
 *
 * Mack, T. (2008): The prediction error of Bornhuetter/Ferguson. ASTIN Bulletin 38(1), 87-103:
 *
 *		own chance		by Mack's variances, of a cohort that has redeemed q * issued * p(n) by n;
 *						where nothing is developed, by those per point issued
 *		in the share	q * issued * variance of p(n), by the delta method that of growth(n) times
 *						p(n)^4: so a factor's chance counts as for a cohort with q * issued * p(n)^2
 *		in the rate		(issued * (1 - p(n)))^2 * variance of q: that is given; by Cape Cod it is
 *						that of a quotient over the cohorts, as of a factor above
 *
 * The rate is common to all cohorts: in the total their sum is squared.
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

struct Ladder
{
	const RedemptionMethod *method;
	const DevelopmentCohort *cohorts;
	int32 ncohorts;
	int32 ages;			  /* of the oldest cohort */
	Step *steps;		  /* ages + 1 of them: behind the last one there is the tail, or nothing */
	double *factors;	  /* of the steps, for the tail */
	bool observed;		  /* points were issued in a cohort with a complete age */
	double tail_variance; /* of the step that the tail is, per point: own chance */
	double oldest;		  /* redeemed by those of the oldest age */
	double rate;		  /* redeemed per point issued, by then */
	DevelopmentTail tail;
	double prior; /* NaN: none */
	double prior_variance;
	Quotient cape_cod; /* what was redeemed to what is used of points issued */
	double open;	   /* points not developed yet, of the cohorts that take the prior rate */
};

/* No points have no error, even where a variance is unknown. */
static inline double
times(double points, double error2)
{
	return points == 0 ? 0 : points * error2;
}

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
	ladder->steps = palloc_extended(((Size) ladder->ages + 1) * sizeof(Step), MCXT_ALLOC_HUGE);
	ladder->factors = palloc_extended(((Size) ladder->ages + 1) * sizeof(double), MCXT_ALLOC_HUGE);
}

static void
add_sums(Ladder *ladder)
{
	int32 i;
	int32 n;

	memset(ladder->steps, 0, ((Size) ladder->ages + 1) * sizeof(Step));
	ladder->oldest = 0;
	ladder->rate = 0;
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
		if (cohort->ages == ladder->ages)
			ladder->oldest += redeemed_at(cohort, cohort->ages);
	}
	for (n = 0; n < ladder->ages; n++)
	{
		Quotient *chain = &ladder->steps[n].chain;
		Quotient *issue = &ladder->steps[n].issue;

		chain->ratio = chain->below > 0 ? Max(chain->above, 0) / chain->below : 1;
		issue->ratio = issue->below > 0 ? issue->above / issue->below : 0;
		ladder->rate += issue->ratio;
		ladder->factors[n] = chain->below > 0 ? chain->ratio : NAN;
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
static double
next_variance(const Trend *trend)
{
	if (isnan(trend->before_last))
		return trend->last;
	if (trend->last >= trend->before_last)
		return trend->before_last;
	return trend->last * trend->last / trend->before_last;
}

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
	else
		quotient->variance = next_variance(trend);
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
	ladder->tail_variance = 0;
	if (!ladder->tail.known)
		ladder->tail_variance = NAN;
	else if (ladder->tail.factor != 1)
		ladder->tail_variance = next_variance(&chain);
}

/* The variance of a quotient's mean. */
static inline double
variance_of_ratio(const Quotient *quotient)
{
	return quotient->below > 0 ? quotient->variance / quotient->below : 0;
}

/* What is ahead of each step; without variances, growth alone. */
static void
carry_backwards(Ladder *ladder)
{
	const DevelopmentTail *tail = &ladder->tail;
	Step *step = &ladder->steps[ladder->ages];

	step->by_chain.growth = tail->factor;
	step->by_chain.process = ladder->tail_variance;
	step->by_chain.estimation = tail->variance;
	step->by_issue.growth = ladder->rate * (tail->factor - 1);
	step->by_issue.process = times(ladder->rate, ladder->tail_variance);
	step->by_issue.estimation = times(ladder->rate * ladder->rate, tail->variance);
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

/* ---- the share that is developed, and the prior rate ---- */

static double
developed_at(const Ladder *ladder, int32 seen)
{
	const Step *step = &ladder->steps[seen];
	double redeemed = seen < ladder->ages ? step->chain.below : ladder->oldest;

	if (seen == 0 || !(redeemed > 0))
		return 0;
	return step->by_chain.growth > 1 ? 1 / step->by_chain.growth : 1;
}

static void
set_prior(Ladder *ladder)
{
	const RedemptionMethod *method = ladder->method;
	Quotient *quotient = &ladder->cape_cod;
	int32 i;

	memset(quotient, 0, sizeof(Quotient));
	ladder->prior = method->prior_rate; /* NaN by the chain ladder */
	ladder->prior_variance = method->prior_error * method->prior_error;
	if (method->by != REDEMPTION_CAPE_COD)
		return;
	for (i = 0; i < ladder->ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &ladder->cohorts[i];
		double used = Max(cohort->issued, 0) * developed_at(ladder, cohort->ages);

		if (used > 0)
		{
			quotient->above += redeemed_at(cohort, cohort->ages);
			quotient->below += used;
		}
	}
	if (quotient->below > 0)
	{
		quotient->ratio = Max(quotient->above, 0) / quotient->below;
		ladder->prior = quotient->ratio;
		ladder->prior_variance = 0;
	}
}

static void
set_prior_variance(Ladder *ladder)
{
	Quotient *quotient = &ladder->cape_cod;
	int32 i;

	if (!(quotient->below > 0))
		return;
	for (i = 0; i < ladder->ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &ladder->cohorts[i];
		double used = Max(cohort->issued, 0) * developed_at(ladder, cohort->ages);

		if (used > 0)
			add_square(quotient, redeemed_at(cohort, cohort->ages), used);
	}
	quotient->variance = quotient->terms >= 2 ? quotient->squares / (quotient->terms - 1) : NAN;
	ladder->prior_variance = variance_of_ratio(quotient);
}

/* ---- the ladder ---- */

void
points_ladder_refit(Ladder *ladder)
{
	add_sums(ladder);
	ladder->tail = points_fit_tail(ladder->method, ladder->factors, ladder->ages);
	ladder->tail_variance = 0;
	carry_backwards(ladder);
	set_prior(ladder);
}

Ladder *
points_ladder_open(const DevelopmentCohort *cohorts, int32 ncohorts, const RedemptionMethod *method,
				   int32 *ages)
{
	Ladder *ladder = palloc0(sizeof(Ladder));

	ladder->method = method;
	ladder->cohorts = cohorts;
	ladder->ncohorts = ncohorts;
	open_steps(ladder);
	points_ladder_refit(ladder);
	add_squares(ladder);
	set_variances(ladder);
	carry_backwards(ladder);
	set_prior_variance(ladder);
	*ages = ladder->ages;
	return ladder;
}

void
points_ladder_free(Ladder *ladder)
{
	pfree(ladder->steps);
	pfree(ladder->factors);
	pfree(ladder);
}

DevelopmentStep
points_ladder_step(const Ladder *ladder, int32 seen)
{
	const Step *step = &ladder->steps[seen];
	DevelopmentStep shown = { .cohorts = step->chain.terms };

	if (seen == ladder->ages)
	{
		shown.factor = ladder->tail.known ? ladder->tail.factor : NAN;
		shown.standard_error = sqrt(ladder->tail.variance);
	}
	else
	{
		shown.factor = step->chain.below > 0 ? step->chain.ratio : NAN;
		shown.standard_error = step->chain.below > 0 ? sqrt(variance_of_ratio(&step->chain)) : NAN;
	}
	shown.developed = ladder->tail.known ? developed_at(ladder, seen) : NAN;
	shown.to_ultimate = shown.developed > 0 ? step->by_chain.growth : NAN;
	return shown;
}

/* ---- its cohorts ---- */

typedef enum Way
{
	BY_NOTHING, /* no cohort has completed an age, and no rate is known */
	BY_CHAIN,
	BY_ISSUE,
	BY_PRIOR
} Way;

static Way
way_of(const Ladder *ladder, const DevelopmentCohort *cohort)
{
	if (!isnan(ladder->prior))
		return BY_PRIOR;
	if (!ladder->observed && cohort->ages == 0)
		return BY_NOTHING;
	if (redeemed_at(cohort, cohort->ages) > 0 &&
		(cohort->ages == ladder->ages || ladder->steps[cohort->ages].chain.below > 0))
		return BY_CHAIN;
	return BY_ISSUE;
}

/* Redeemed in the end, whatever is possible; NaN: nothing tells. */
double
points_ladder_ultimate(const Ladder *ladder, const DevelopmentCohort *cohort)
{
	const Step *step = &ladder->steps[cohort->ages];
	double redeemed = redeemed_at(cohort, cohort->ages);
	double issued = Max(cohort->issued, 0);

	switch (way_of(ladder, cohort))
	{
		case BY_CHAIN:
			return redeemed * step->by_chain.growth;
		case BY_ISSUE:
			return redeemed + issued * step->by_issue.growth;
		case BY_PRIOR:
			return redeemed + ladder->prior * issued * (1 - developed_at(ladder, cohort->ages));
		default: /* BY_NOTHING */
			return NAN;
	}
}

/* Points take a step: their own chance, and chance in factors or rates. */
static double
take_step(Load *load, const Ahead *ahead, double own, double common, double scale)
{
	own *= scale * scale;
	common *= scale;
	load->points += common;
	load->scaled += own;
	return times(own, ahead->process) + times(common * common, ahead->estimation);
}

/* The square of the error of a cohort, of which what can't be redeemed has none: scale. */
static double
error_of_cohort(Ladder *ladder, const DevelopmentCohort *cohort, double scale)
{
	Step *step = &ladder->steps[cohort->ages];
	double redeemed = redeemed_at(cohort, cohort->ages);
	double issued = Max(cohort->issued, 0);
	double developed;
	double used;
	double open;

	switch (way_of(ladder, cohort))
	{
		case BY_CHAIN:
			return take_step(&step->redeemed, &step->by_chain, redeemed, redeemed, scale);
		case BY_ISSUE:
			return take_step(&step->issued, &step->by_issue, issued, issued, scale);
		case BY_PRIOR:
			developed = developed_at(ladder, cohort->ages);
			if (!(ladder->rate > 0) || (developed == 0 && cohort->ages == ladder->ages))
				return NAN; /* nobody has shown how redemptions come */
			used = ladder->prior * issued * developed;
			open = issued * (1 - developed) * scale;
			ladder->open += open;
			return times(open * open, ladder->prior_variance) +
				   (developed > 0
						? take_step(&step->redeemed, &step->by_chain, used, used * developed, scale)
						: take_step(&step->issued, &step->by_issue, issued, 0, scale));
		default: /* BY_NOTHING */
			return NAN;
	}
}

static void
set_interval(DevelopmentEstimate *estimate, double lowest, double highest, double z)
{
	estimate->lower = lowest;
	estimate->upper = highest;
	if (estimate->standard_error == 0)
		estimate->lower = estimate->upper = estimate->ultimate;
	else if (!isnan(estimate->standard_error))
	{
		estimate->lower = Max(lowest, estimate->ultimate - z * estimate->standard_error);
		estimate->upper = Min(highest, estimate->ultimate + z * estimate->standard_error);
	}
}

/* The error of this square; where it has no end, it is unknown. */
static double
error_of_square(double square)
{
	return isfinite(square) ? sqrt(square) : NAN;
}

static void
estimate_cohort(Ladder *ladder, const DevelopmentCohort *cohort, double highest,
				DevelopmentEstimate *estimate)
{
	double ultimate = points_ladder_ultimate(ladder, cohort);

	if (!(cohort->outstanding > 0))
	{
		estimate->ultimate = cohort->redeemed_now;
		estimate->standard_error = 0;
		return;
	}
	estimate->ultimate =
		isnan(ultimate) ? highest : Min(Max(ultimate, cohort->redeemed_now), highest);
	estimate->standard_error = error_of_square(error_of_cohort(
		ladder, cohort, ultimate > Max(highest, 0) ? Max(highest, 0) / ultimate : 1));
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

	for (n = 0; n <= ladder->ages; n++)
	{
		const Step *step = &ladder->steps[n];

		redeemed += step->redeemed.points;
		issued += step->issued.points;
		process += times(step->redeemed.scaled, step->by_chain.process) +
				   times(step->issued.scaled, step->by_issue.process);
		if (n < ladder->ages)
		{
			double growth = step[1].by_chain.growth;

			by_factors +=
				times(redeemed * redeemed, variance_of_ratio(&step->chain) * growth * growth);
			by_rates += times(issued * issued, variance_of_ratio(&step->issue));
			redeemed *= step->chain.ratio;
		}
		else
		{
			by_factors += times(redeemed * redeemed, step->by_chain.estimation);
			by_rates += times(issued * issued, step->by_issue.estimation);
		}
	}
	estimation = sqrt(by_factors) + sqrt(by_rates);
	return error_of_square(process + estimation * estimation +
						   times(ladder->open * ladder->open, ladder->prior_variance));
}

void
points_develop_redemptions(const DevelopmentCohort *cohorts, int32 ncohorts,
						   const RedemptionMethod *method, double confidence,
						   DevelopmentEstimate *estimates, DevelopmentEstimate *total)
{
	int32 ages;
	Ladder *ladder = points_ladder_open(cohorts, ncohorts, method, &ages);
	double z = confidence_quantile(confidence);
	double lowest = 0;
	double highest = 0;
	bool known = true;
	int32 i;

	total->ultimate = 0;
	for (i = 0; i < ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &cohorts[i];
		DevelopmentEstimate *estimate = &estimates[i];
		double most = cohort->redeemed_now + Max(cohort->outstanding, 0);

		CHECK_FOR_INTERRUPTS();
		estimate_cohort(ladder, cohort, most, estimate);
		estimate->expected = estimate->ultimate - cohort->redeemed_now;
		set_interval(estimate, cohort->redeemed_now, most, z);
		known = known && !isnan(estimate->standard_error);
		total->ultimate += estimate->ultimate;
		lowest += cohort->redeemed_now;
		highest += most;
	}
	total->expected = total->ultimate - lowest;
	total->standard_error = known ? total_error(ladder) : NAN;
	set_interval(total, lowest, highest, z);
	points_ladder_free(ladder);
	if (method->bootstraps)
		points_bootstrap(cohorts, ncohorts, method, confidence, estimates, total);
}
