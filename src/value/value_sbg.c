/*
 * value_sbg.c
 *		Shifted-beta-geometric: a customer under contract doesn't renew, at each period's end, with
 *		a probability of his own, Beta distributed over all of them (a, b).
 *
 * Fader, P. S. and Hardie, B. G. S. (2007): How to project customer retention. Journal of
 * Interactive Marketing 21, 76-90. (2010): Customer-base valuation in a contractual setting: the
 * perils of ignoring heterogeneity. Marketing Science 29, 85-93.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "value/value_internal.h"

double
sbg_log_likelihood(const ValueRows *rows, const double *parameters, double *gradient)
{
	const RenewalRow *row = rows->rows;
	double a = parameters[SBG_A];
	double b = parameters[SBG_B];
	double sum = 0;
	int64 i;

	memset(gradient, 0, VALUE_MAX_PARAMETERS * sizeof(double));
	for (i = 0; i < rows->nbeyond; i++)
	{
		double n = rows->beyond[i];

		sum -= n * log1p(a / (b + i));
		gradient[SBG_A] -= n / (a + b + i);
		gradient[SBG_B] += n * a / ((b + i) * (a + b + i));
	}
	for (i = 0; i < rows->nrows; i++)
	{
		double n = row[i].lost;
		double k = (double) row[i].periods;

		sum -= n * log1p((b + k) / a);
		gradient[SBG_A] += n * (b + k) / (a * (a + b + k));
		gradient[SBG_B] -= n / (a + b + k);
	}
	CHECK_FOR_INTERRUPTS();
	gradient[SBG_A] *= a;
	gradient[SBG_B] *= b;
	return sum;
}

double
sbg_survival(const double *parameters, double periods)
{
	double a = parameters[SBG_A];
	double b = parameters[SBG_B];

	return exp(log_gamma_ratio(b, a) - log_gamma_ratio(b + periods, a));
}

double
sbg_retention(const double *parameters, double period)
{
	double b = parameters[SBG_B] + period - 1;

	return b / (parameters[SBG_A] + b);
}

double
sbg_lifetime(const double *parameters, double renewals, double discount)
{
	double a = parameters[SBG_A];
	double b = parameters[SBG_B] + renewals;

	if (discount == 0)
		return a > 1 ? b / (a - 1) : INFINITY;
	return b / (a + b) * hypergeometric_one(b + 1, a + b + 1, 1 / (1 + discount));
}
