/*
 * points_bootstrap.c
 *		How far off estimates of redemptions may be, by resampling: what the triangle would have
 *		told if chance had gone otherwise.
 *
 *		the triangle --> what the chain ladder makes of each age of each cohort: fitted
 *					 \-> residual = (redeemed - fitted) / square root of fitted
 *
 *		replicate: fitted + residual drawn * square root of fitted --> a triangle, estimated by the
 *		same method, tail and all --> what it expects to come --> a gamma variable with that mean
 *
 * England, P. and Verrall, R. (1999): Analytic and bootstrap estimates of prediction errors in
 * claims reserving. Insurance: Mathematics and Economics 25, 281-293.
 * England, P. and Verrall, R. (2002): Stochastic claims reserving in general insurance. British
 * Actuarial Journal 8, 443-518.
 *
 * By their model, the overdispersed Poisson, the variance of what is redeemed in an age is
 * dispersion times its mean, where the dispersion is the sum of the squares of the residuals over
 * the degrees of freedom: cells less cohorts, less ages, plus 1. Residuals are drawn times the
 * square root of cells over degrees of freedom. What comes is a gamma variable, whose variance is
 * the dispersion times its mean; of cells that are added up, it is one again. A mean below zero, as
 * refunds make it, goes by its amount. A prior rate and a factor that are given are drawn from the
 * normal distribution with their errors.
 *
 * What a replicate expects is added to what was redeemed so far, and cut to what is possible, as an
 * estimate is: the interval is that of the points that will be redeemed. The errors are the
 * standard deviation of the replicates, the ends of the interval their quantiles. Estimates stay
 * those of the triangle itself.
 *
 * A cohort that has redeemed nothing, and one whose factors were never seen, tell no residuals and
 * stay what they are; where there are no degrees of freedom, the error is unknown.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "core/array.h"
#include "metric/random.h"
#include "points/points_internal.h"

/* What the replicates take at most. */
#define MAX_REPLICATE_BYTES ((Size) 256 * 1024 * 1024)

typedef struct Bootstrap
{
	const RedemptionMethod *method;
	const DevelopmentCohort *cohorts;
	int32 ncohorts;
	RandomSource random;

	/* cell by cell, cohort after cohort */
	int64 ncells;
	double *fitted;
	double *roots; /* 0: the cell stays what it is */
	double *residuals;
	int64 nresiduals;
	double dispersion;

	/* what is drawn */
	RedemptionMethod drawn;
	DevelopmentCohort *pseudo;
	Ladder *ladder; /* of these */

	int nreplicates;
	double *replicates; /* of the ultimates of a cohort, of the next one ..., in all */
} Bootstrap;

/* ---- what the ladder makes of the triangle ---- */

/* Fits a cohort's cells, which begin there; false where it can't be. */
static bool
fit_cohort(const DevelopmentCohort *cohort, const Ladder *ladder, double *fitted, double *roots)
{
	double redeemed = cohort->redeemed[cohort->ages - 1];
	int32 n;

	if (!(redeemed > 0))
		return false;
	for (n = cohort->ages - 1; n >= 0; n--)
	{
		double before = n > 0 ? redeemed / points_ladder_step(ladder, n).factor : 0;

		if (!isfinite(before))
			return false;
		fitted[n] = redeemed - before;
		roots[n] = sqrt(fabs(fitted[n]));
		redeemed = before;
	}
	return true;
}

static double
redeemed_in(const DevelopmentCohort *cohort, int32 age)
{
	return cohort->redeemed[age] - (age > 0 ? cohort->redeemed[age - 1] : 0);
}

static void
keep_cohort(const DevelopmentCohort *cohort, double *fitted, double *roots)
{
	int32 age;

	for (age = 0; age < cohort->ages; age++)
	{
		fitted[age] = redeemed_in(cohort, age);
		roots[age] = 0;
	}
}

/* The residuals of a cohort. A cell that is fitted with nothing has none. */
static void
add_residuals(Bootstrap *bootstrap, const DevelopmentCohort *cohort, double *fitted, double *roots)
{
	int32 age;

	for (age = 0; age < cohort->ages; age++)
	{
		double redeemed = redeemed_in(cohort, age);

		if (roots[age] > 0)
			bootstrap->residuals[bootstrap->nresiduals++] = (redeemed - fitted[age]) / roots[age];
		else
			fitted[age] = redeemed;
	}
}

/* Fits all cells; false where there are no degrees of freedom. */
static bool
fit(Bootstrap *bootstrap, const Ladder *ladder)
{
	int64 cell = 0;
	int32 nfitted = 0;
	int32 ages = 0;
	double squares = 0;
	double freedom;
	int64 i;

	for (i = 0; i < bootstrap->ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &bootstrap->cohorts[i];
		double *fitted = bootstrap->fitted + cell;
		double *roots = bootstrap->roots + cell;

		CHECK_FOR_INTERRUPTS();
		cell += cohort->ages;
		if (cohort->ages == 0)
			continue;
		if (fit_cohort(cohort, ladder, fitted, roots))
		{
			add_residuals(bootstrap, cohort, fitted, roots);
			nfitted++;
			ages = Max(ages, cohort->ages);
		}
		else
			keep_cohort(cohort, fitted, roots);
	}
	freedom = (double) bootstrap->nresiduals - nfitted - ages + 1;
	if (!(freedom > 0))
		return false;
	for (i = 0; i < bootstrap->nresiduals; i++)
		squares += bootstrap->residuals[i] * bootstrap->residuals[i];
	bootstrap->dispersion = squares / freedom;
	for (i = 0; i < bootstrap->nresiduals; i++)
		bootstrap->residuals[i] *= sqrt((double) bootstrap->nresiduals / freedom);
	return true;
}

/* ---- a replicate ---- */

static void
draw_triangle(Bootstrap *bootstrap)
{
	int64 cell = 0;
	int32 i;
	int32 age;

	for (i = 0; i < bootstrap->ncohorts; i++)
	{
		double redeemed = 0;

		for (age = 0; age < bootstrap->cohorts[i].ages; age++, cell++)
		{
			redeemed += bootstrap->fitted[cell];
			if (bootstrap->roots[cell] > 0)
			{
				uint32 drawn = random_below(&bootstrap->random, (uint32) bootstrap->nresiduals);

				redeemed += bootstrap->residuals[drawn] * bootstrap->roots[cell];
			}
			bootstrap->pseudo[i].redeemed[age] = redeemed;
		}
	}
}

static void
draw_method(Bootstrap *bootstrap)
{
	const RedemptionMethod *method = bootstrap->method;

	if (!isnan(method->prior_rate) && method->prior_error > 0)
		bootstrap->drawn.prior_rate =
			Min(1, Max(0, method->prior_rate +
							  method->prior_error * random_normal(&bootstrap->random)));
	if (!isnan(method->tail_factor) && method->tail_error > 0)
		bootstrap->drawn.tail_factor =
			Max(1, method->tail_factor + method->tail_error * random_normal(&bootstrap->random));
}

/* What comes, where so much is expected. */
static double
draw_future(Bootstrap *bootstrap, double expected)
{
	double dispersion = bootstrap->dispersion;
	double amount = fabs(expected);

	if (!isfinite(expected) || amount == 0 || !(dispersion > 0))
		return expected;
	amount = dispersion * random_gamma(&bootstrap->random, amount / dispersion);
	return expected < 0 ? -amount : amount;
}

static void
replicate(Bootstrap *bootstrap, int number)
{
	double total = 0;
	int32 i;

	draw_triangle(bootstrap);
	draw_method(bootstrap);
	points_ladder_refit(bootstrap->ladder);
	for (i = 0; i < bootstrap->ncohorts; i++)
	{
		const DevelopmentCohort *cohort = &bootstrap->cohorts[i];
		const DevelopmentCohort *pseudo = &bootstrap->pseudo[i];
		double most = cohort->redeemed_now + Max(cohort->outstanding, 0);
		double ultimate = cohort->redeemed_now;

		if (cohort->outstanding > 0)
		{
			double redeemed = cohort->ages > 0 ? cohort->redeemed[cohort->ages - 1] : 0;
			double drawn = cohort->ages > 0 ? pseudo->redeemed[cohort->ages - 1] : 0;

			ultimate =
				redeemed +
				draw_future(bootstrap, points_ladder_ultimate(bootstrap->ladder, pseudo) - drawn);
			ultimate = isnan(ultimate) ? most : Min(Max(ultimate, cohort->redeemed_now), most);
		}
		bootstrap->replicates[(Size) i * bootstrap->nreplicates + number] = ultimate;
		total += ultimate;
	}
	bootstrap->replicates[(Size) bootstrap->ncohorts * bootstrap->nreplicates + number] = total;
}

/* ---- errors and intervals ---- */

static int
compare_numbers(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* Between the two replicates that stand around it. */
static double
quantile(const double *sorted, int n, double p)
{
	double place = p * (n - 1);
	int below = Min((int) place, n - 2);

	return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

static void
set_error(const Bootstrap *bootstrap, int32 which, double confidence, DevelopmentEstimate *estimate)
{
	int n = bootstrap->nreplicates;
	double *replicates = bootstrap->replicates + (Size) which * n;
	double sum = 0;
	double squares = 0;
	int i;

	for (i = 0; i < n; i++)
		sum += replicates[i];
	for (i = 0; i < n; i++)
		squares += (replicates[i] - sum / n) * (replicates[i] - sum / n);
	estimate->standard_error = sqrt(squares / (n - 1));
	sort_elements(replicates, n, sizeof(double), compare_numbers);
	estimate->lower = quantile(replicates, n, (1 - confidence) / 2);
	estimate->upper = quantile(replicates, n, (1 + confidence) / 2);
}

static void
set_unknown(DevelopmentEstimate *estimate, double lowest, double highest)
{
	estimate->standard_error = lowest < highest ? NAN : 0;
	estimate->lower = lowest;
	estimate->upper = highest;
}

/* ---- all of it ---- */

static double *
allocate(int64 n)
{
	return palloc_extended((Size) Max(1, n) * sizeof(double), MCXT_ALLOC_HUGE);
}

static void
open_bootstrap(Bootstrap *bootstrap)
{
	Size bytes = ((Size) bootstrap->ncohorts + 1) * bootstrap->nreplicates * sizeof(double);
	int32 i;

	if (bytes > MAX_REPLICATE_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%d replicates of %d periods of issue are too many",
							   bootstrap->nreplicates, bootstrap->ncohorts),
						errhint("Ask for fewer replicates, or take longer periods.")));
	bootstrap->ncells = 0;
	bootstrap->pseudo =
		palloc_extended(Max(1, bootstrap->ncohorts) * sizeof(DevelopmentCohort), MCXT_ALLOC_HUGE);
	for (i = 0; i < bootstrap->ncohorts; i++)
	{
		bootstrap->pseudo[i] = bootstrap->cohorts[i];
		bootstrap->pseudo[i].redeemed = allocate(bootstrap->cohorts[i].ages);
		memcpy(bootstrap->pseudo[i].redeemed, bootstrap->cohorts[i].redeemed,
			   (Size) bootstrap->cohorts[i].ages * sizeof(double));
		bootstrap->ncells += bootstrap->cohorts[i].ages;
	}
	bootstrap->fitted = allocate(bootstrap->ncells);
	bootstrap->roots = allocate(bootstrap->ncells);
	bootstrap->residuals = allocate(bootstrap->ncells);
	bootstrap->replicates = allocate(((int64) bootstrap->ncohorts + 1) * bootstrap->nreplicates);
}

static void
close_bootstrap(Bootstrap *bootstrap)
{
	int32 i;

	for (i = 0; i < bootstrap->ncohorts; i++)
		pfree(bootstrap->pseudo[i].redeemed);
	pfree(bootstrap->pseudo);
	pfree(bootstrap->fitted);
	pfree(bootstrap->roots);
	pfree(bootstrap->residuals);
	pfree(bootstrap->replicates);
}

void
points_bootstrap(const DevelopmentCohort *cohorts, int32 ncohorts, const RedemptionMethod *method,
				 double confidence, DevelopmentEstimate *estimates, DevelopmentEstimate *total)
{
	Bootstrap bootstrap = { .method = method,
							.cohorts = cohorts,
							.ncohorts = ncohorts,
							.drawn = *method,
							.nreplicates = method->replicates };
	int32 ages;
	bool known;
	double lowest = 0;
	double highest = 0;
	int32 i;
	int number;

	random_seed(&bootstrap.random, (uint64) method->seed);
	open_bootstrap(&bootstrap);
	bootstrap.ladder = points_ladder_open(bootstrap.pseudo, ncohorts, &bootstrap.drawn, &ages);
	known = fit(&bootstrap, bootstrap.ladder) &&
			!isnan(points_ladder_step(bootstrap.ladder, ages).factor);
	for (number = 0; known && number < bootstrap.nreplicates; number++)
	{
		replicate(&bootstrap, number);
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < ncohorts; i++)
	{
		double most = cohorts[i].redeemed_now + Max(cohorts[i].outstanding, 0);

		lowest += cohorts[i].redeemed_now;
		highest += most;
		if (!known)
			set_unknown(&estimates[i], cohorts[i].redeemed_now, most);
		else if (cohorts[i].outstanding > 0)
			set_error(&bootstrap, i, confidence, &estimates[i]);
	}
	if (known)
		set_error(&bootstrap, ncohorts, confidence, total);
	else
		set_unknown(total, lowest, highest);
	points_ladder_free(bootstrap.ladder);
	close_bootstrap(&bootstrap);
}
