/*
 * effect_estimate.c
 *		From what is known of two groups to the effect: difference, relative lift, and how likely so
 *		much is by chance.
 *
 *		two rates	difference by Newcombe's interval, z by the pooled rate
 *		two means	Welch's t, whose degrees of freedom are Satterthwaite's
 *		by stratum	each stratum weighs n1 n0 / (n1 + n0): Mantel and Haenszel's risk difference and
 *					risk ratio; for means, Welch's t of the weighted differences
 *
 * Lift is relative: what the difference is to the control group's rate or mean.
 *
 * Welch, B. L. (1947): The generalization of "Student's" problem when several different population
 * variances are involved. Biometrika 34, 28-35. Satterthwaite, F. E. (1946): An approximate
 * distribution of estimates of variance components. Biometrics Bulletin 2, 110-114.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "effect/effect_internal.h"

static const Effect unknown_effect = {
	.treated = NAN,
	.control = NAN,
	.difference = { NAN, NAN, NAN },
	.lift = { NAN, NAN, NAN },
	.statistic = NAN,
	.degrees = NAN,
	.p = NAN,
};

/* ---- rates ---- */

static Estimate
rate_of(const Arm *arm, double z)
{
	Estimate rate = { arm->mean, NAN, NAN };

	wilson_interval(exact_float(arm->sum), (double) arm->n, z, &rate.lower, &rate.upper);
	return rate;
}

Effect
effect_of_rates(const Arms *arms, double confidence)
{
	const Arm *treated = &arms->arm[ARM_TREATED];
	const Arm *control = &arms->arm[ARM_CONTROL];
	double z = confidence_quantile(confidence);
	double n1 = (double) treated->n;
	double n0 = (double) control->n;
	Estimate a = rate_of(treated, z);
	Estimate b = rate_of(control, z);
	double difference = arms_distance(arms) / n1 / n0;
	double pooled = exact_float(exact_plus(treated->sum, control->sum)) / (n1 + n0);
	Effect effect = unknown_effect;

	effect.method = "Newcombe";
	effect.treated = a.value;
	effect.control = b.value;
	effect.difference = difference_of_rates(difference, a, b);
	effect.lift = ratio_of_rates(a, b);
	effect.lift.value = b.value > 0 ? difference / b.value : NAN;
	effect.lift.lower -= 1;
	effect.lift.upper -= 1;
	effect.statistic = difference / sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0));
	effect.p = normal_two_sided(effect.statistic);
	return effect;
}

/*
 * Mantel, N. and Haenszel, W. (1959): Statistical aspects of the analysis of data from
 * retrospective studies of disease. Journal of the National Cancer Institute 22, 719-748: z, whose
 * square is their chi-squared without correction for continuity. The risk difference has the
 * variance of Sato, T. (1989): On the variance estimator for the Mantel-Haenszel risk difference,
 * Biometrics 45, 1323-1324, which holds for few large strata and for many small ones. The logarithm
 * of the risk ratio has that of Greenland, S. and Robins, J. M. (1985): Estimation of a common
 * effect parameter from sparse follow-up data, Biometrics 41, 55-68.
 */
Effect
effect_of_rates_by_stratum(const Arms *strata, int64 nstrata, double confidence)
{
	double z = confidence_quantile(confidence);
	double weights = 0;
	double distance = 0;
	double treated = 0; /* rates, by weight */
	double control = 0;
	double null_variance = 0;
	double sato_p = 0;
	double sato_q = 0;
	double log_variance = 0;
	double variance;
	double half;
	int64 i;
	Effect effect = unknown_effect;

	effect.method = "Mantel-Haenszel";
	for (i = 0; i < nstrata; i++)
	{
		const Arm *arm1 = &strata[i].arm[ARM_TREATED];
		const Arm *arm0 = &strata[i].arm[ARM_CONTROL];
		double n1 = (double) arm1->n;
		double n0 = (double) arm0->n;
		double n = n1 + n0;
		double a;
		double c;

		CHECK_FOR_INTERRUPTS();
		if (arm1->n == 0 || arm0->n == 0)
			continue;
		a = exact_float(arm1->sum);
		c = exact_float(arm0->sum);
		weights += n1 * n0 / n;
		distance += arms_distance(&strata[i]) / n;
		treated += a * n0 / n;
		control += c * n1 / n;
		null_variance += n1 / n * (n0 / n) * (a + c) * (((n1 - a) + (n0 - c)) / (n - 1));
		sato_p += n1 / n * (n1 / n) * c - n0 / n * (n0 / n) * a + n1 / n * (n0 / n) * (n0 - n1) / 2;
		sato_q += (a * (n0 - c) + c * (n1 - a)) / n / 2;
		log_variance += (a * (n1 / n) * (n0 - c) + c * (n0 / n) * (n1 - a)) / n;
	}
	if (weights <= 0)
		return effect;
	effect.treated = treated / weights;
	effect.control = control / weights;
	effect.difference.value = distance / weights;
	variance = (effect.difference.value * sato_p + sato_q) / weights / weights;
	if (variance > 0)
	{
		half = z * sqrt(variance);
		effect.difference.lower = Max(effect.difference.value - half, -1);
		effect.difference.upper = Min(effect.difference.value + half, 1);
	}
	if (control > 0)
		effect.lift.value = distance / control;
	if (treated > 0 && control > 0 && log_variance > 0)
	{
		half = z * sqrt(log_variance / treated / control);
		effect.lift.lower = expm1(log(treated / control) - half);
		effect.lift.upper = expm1(log(treated / control) + half);
	}
	effect.statistic = distance / sqrt(null_variance);
	effect.p = normal_two_sided(effect.statistic);
	return effect;
}

/* ---- means ---- */

/* With what is known of both: the variances of the means, and the degrees of freedom. */
static Effect
means_effect(const char *method, double difference, MeanEstimate treated, MeanEstimate control,
			 double degrees, double confidence)
{
	double std_error = sqrt(treated.variance + control.variance);
	double t;
	Effect effect = unknown_effect;

	(void) confidence_quantile(confidence); /* refuses what isn't one */
	t = student_quantile(confidence, degrees);
	effect.method = method;
	effect.treated = treated.mean;
	effect.control = control.mean;
	effect.difference.value = difference;
	effect.difference.lower = difference - t * std_error;
	effect.difference.upper = difference + t * std_error;
	effect.lift = lift_of_means(difference, treated, control, t);
	effect.statistic = difference / std_error;
	effect.degrees = degrees;
	effect.p = student_two_sided(effect.statistic, degrees);
	if (!(std_error > 0)) /* all values are the same: nothing to go by */
		effect.statistic = effect.p = NAN;
	return effect;
}

Effect
effect_of_two_means(double difference, MeanEstimate treated, MeanEstimate control, int64 ntreated,
					int64 ncontrol, double confidence)
{
	double degrees = welch_degrees(treated, (double) ntreated, control, (double) ncontrol);

	return means_effect("Welch", difference, treated, control, degrees, confidence);
}

static MeanEstimate
mean_of(const Arm *arm)
{
	return (MeanEstimate){ arm->mean, arm->variance / (double) arm->n };
}

Effect
effect_of_means(const Arms *arms, double confidence)
{
	const Arm *treated = &arms->arm[ARM_TREATED];
	const Arm *control = &arms->arm[ARM_CONTROL];
	double difference = arms_distance(arms) / (double) treated->n / (double) control->n;

	return effect_of_two_means(difference, mean_of(treated), mean_of(control), treated->n,
							   control->n, confidence);
}

Effect
effect_of_means_by_stratum(const Arms *strata, int64 nstrata, double confidence)
{
	MeanEstimate sum[2] = { { 0, 0 }, { 0, 0 } };
	double weights = 0;
	double distance = 0;
	double by_degrees = 0; /* sum of squares of variances, each over its degrees of freedom */
	double variance;
	Effect effect = unknown_effect;
	int64 i;
	int j;

	(void) confidence_quantile(confidence);
	effect.method = "Mantel-Haenszel";
	for (i = 0; i < nstrata; i++)
	{
		const Arm *arm = strata[i].arm;
		double n = (double) arm[0].n + (double) arm[1].n;
		double weight = (double) arm[0].n * (double) arm[1].n / n;

		CHECK_FOR_INTERRUPTS();
		if (arm[0].n < 2 || arm[1].n < 2) /* there is no variance */
			continue;
		weights += weight;
		distance += arms_distance(&strata[i]) / n;
		for (j = 0; j < (int) lengthof(sum); j++)
		{
			double part = weight * weight * arm[j].variance / (double) arm[j].n;

			sum[j].mean += weight * arm[j].mean;
			sum[j].variance += part;
			by_degrees += part * part / (double) (arm[j].n - 1);
		}
	}
	if (weights <= 0)
		return effect;
	variance = sum[0].variance + sum[1].variance;
	for (j = 0; j < (int) lengthof(sum); j++)
	{
		sum[j].mean /= weights;
		sum[j].variance /= weights * weights;
	}
	return means_effect(effect.method, distance / weights, sum[ARM_TREATED], sum[ARM_CONTROL],
						variance * variance / by_degrees, confidence);
}

/* ---- the split ---- */

Split
effect_split(const Arms *arms, double planned_share)
{
	Split split = { NAN, NAN, false };
	double treated = (double) arms->arm[ARM_TREATED].n + (double) arms->arm[ARM_TREATED].missing;
	double control = (double) arms->arm[ARM_CONTROL].n + (double) arms->arm[ARM_CONTROL].missing;
	double n = treated + control;
	double distance = treated * (1 - planned_share) - control * planned_share;

	if (n > 0)
	{
		split.chi_squared = distance * distance / (n * planned_share * (1 - planned_share));
		split.p = chi_squared_tail(split.chi_squared, 1);
		split.is_off = split.p < SPLIT_ALPHA;
	}
	return split;
}

double
effect_share_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	double share = PG_GETARG_FLOAT8(n);

	if (!(share > 0 && share < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between 0 and 1, not %g", name, share)));
	return share;
}

/* ---- rows ---- */

void
effect_put_sizes(Rows *rows, const Arms *arms, int64 unassigned)
{
	rows_put_count(rows, arms->arm[ARM_TREATED].n);
	rows_put_count(rows, arms->arm[ARM_CONTROL].n);
	rows_put_count(rows, arms->arm[ARM_TREATED].missing);
	rows_put_count(rows, arms->arm[ARM_CONTROL].missing);
	if (unassigned >= 0)
		rows_put_count(rows, unassigned);
	else
		rows_put_null(rows);
}

static void
put_estimate(Rows *rows, Estimate estimate)
{
	rows_put_float(rows, estimate.value);
	rows_put_float(rows, estimate.lower);
	rows_put_float(rows, estimate.upper);
}

void
effect_put(Rows *rows, const Effect *effect)
{
	rows_put_float(rows, effect->treated);
	rows_put_float(rows, effect->control);
	put_estimate(rows, effect->difference);
	put_estimate(rows, effect->lift);
	rows_put_float(rows, effect->statistic);
	rows_put_float(rows, effect->degrees);
	rows_put_float(rows, effect->p);
}

void
effect_put_split(Rows *rows, const Effect *effect, const Split *split)
{
	rows_put_name(rows, effect->method);
	rows_put_float(rows, split->chi_squared);
	rows_put_float(rows, split->p);
	rows_put_name(rows, split->is_off ? "sample ratio mismatch" : NULL);
}
