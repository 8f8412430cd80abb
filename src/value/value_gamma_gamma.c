/*
 * value_gamma_gamma.c
 *		Gamma-Gamma: the values of a customer's purchases are Gamma distributed around a mean of his
 *		own, by shape p, and what makes that mean is Gamma distributed over customers (q, g).
 *
 * Fader, P. S. and Hardie, B. G. S. (2013): The Gamma-Gamma model of monetary value.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "value/value_internal.h"

double
gamma_gamma_log_likelihood(const ValueRows *rows, const double *parameters, double *gradient)
{
	const SpendRow *row = rows->rows;
	const SpendRow *end = row + rows->nrows;
	double p = parameters[GAMMA_P];
	double q = parameters[GAMMA_Q];
	double g = parameters[GAMMA_G];
	double log_g = log(g);
	double of_all = q * log_g - lgamma(q);
	double by_q_of_all = log_g - digamma(q);
	double sum = 0;
	int i;

	memset(gradient, 0, VALUE_MAX_PARAMETERS * sizeof(double));
	while (row < end)
	{
		int64 x = row->x;
		double shape = p * x;
		double ratio = log_gamma_ratio(shape, q);
		double by_shape = digamma_difference(shape, q);
		double by_q = by_q_of_all + digamma(shape + q);

		for (; row < end && row->x == x; row++)
		{
			double n = row->customers;
			double whole = x * row->m;
			double log_both = log(whole + g);
			double beside = log1p(g / whole);

			sum += n * (ratio + of_all - q * log_both - log(row->m) - shape * beside);
			gradient[GAMMA_P] += n * x * (by_shape - beside);
			gradient[GAMMA_Q] += n * (by_q - log_both);
			gradient[GAMMA_G] += n * (q / g - (shape + q) / (whole + g));
		}
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < VALUE_MAX_PARAMETERS; i++)
		gradient[i] *= parameters[i];
	return sum;
}

double
spend_expected(const ValueModel *model, int64 x, double m)
{
	double p = model->parameters[GAMMA_P];
	double q = model->parameters[GAMMA_Q];
	double g = model->parameters[GAMMA_G];

	if (x == 0)
		m = 0;
	if (p * x + q <= 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the mean spend of a customer with " INT64_FORMAT
						" repeated purchases does not exist",
						x),
				 errdetail("With p = %g and q = %g, p x + q is not above 1: the distribution has "
						   "no finite mean.",
						   p, q),
				 errhint("Fit the spend_model to more customers, or leave out the few that spend "
						 "far more than all others.")));
	return p * (g + x * m) / (p * x + q - 1);
}
