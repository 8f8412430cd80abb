/*
 * value_math.c
 *		Special functions, to nearly all digits that a double has: quotients of gamma functions,
 *		digamma, a hypergeometric function, and the negative binomial distribution.
 *
 * Differences are taken before anything is large: the logarithms of two gamma functions of 10^9
 * agree in 10 digits, and their difference has 6 left.
 *
 * Asymptotic series and recurrences: NIST Digital Library of Mathematical Functions, 5.5, 5.11;
 * the continued fraction of Gauss: 15.7; evaluated as in Lentz, W. J. (1976): Generating Bessel
 * functions in Mie scattering calculations using continued fractions. Applied Optics 15, 668-671.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"

#include "value/value_internal.h"

/* From here on the series below have all digits. */
#define ASYMPTOTIC 12

/* What Stirling's formula of ln Gamma(z) leaves. */
static double
stirling_rest(double z)
{
	double y = 1 / (z * z);

	return (1.0 / 12 -
			y * (1.0 / 360 -
				 y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * (691.0 / 360360)))))) /
		   z;
}

double
log_gamma_ratio(double z, double q)
{
	double ratio = 0;

	for (; z < ASYMPTOTIC; z++)
		ratio -= log1p(q / z);
	return ratio + (z + q - 0.5) * log1p(q / z) + q * (log(z) - 1) +
		   (stirling_rest(z + q) - stirling_rest(z));
}

/* ln z less digamma(z). */
static double
digamma_rest(double z)
{
	double y = 1 / (z * z);

	return 0.5 / z +
		   y * (1.0 / 12 -
				y * (1.0 / 120 -
					 y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760))))));
}

double
digamma(double z)
{
	double value = 0;

	for (; z < ASYMPTOTIC; z++)
		value -= 1 / z;
	return value + log(z) - digamma_rest(z);
}

double
digamma_difference(double z, double q)
{
	double value = 0;

	for (; z < ASYMPTOTIC; z++)
		value += q / (z * (z + q));
	return value + log1p(q / z) - (digamma_rest(z + q) - digamma_rest(z));
}

/* All coefficients but the first are of one sign, so that no digits are lost. */
double
hypergeometric_one(double b, double c, double z)
{
	double fraction = 1;
	double upper = 1;
	double lower = 0;
	double m;

	for (m = 0;; m++)
	{
		double odd = -(b + m) * (c - 1 + m) / ((c - 1 + 2 * m) * (c + 2 * m)) * z;
		double even = -(m + 1) * (c - b + m) / ((c + 2 * m) * (c + 2 * m + 1)) * z;
		double change;

		lower = 1 / (1 + odd * lower);
		upper = 1 + odd / upper;
		fraction *= upper * lower;
		lower = 1 / (1 + even * lower);
		upper = 1 + even / upper;
		change = upper * lower;
		fraction *= change;
		if (fabs(change - 1) < DBL_EPSILON)
			return 1 / fraction;
		CHECK_FOR_INTERRUPTS();
	}
}

double
negative_binomial(double r, double alpha, double t, int64 n)
{
	double k = (double) n;
	double ways; /* ln (Gamma(r + k) / Gamma(r) k!) */

	if (t == 0)
		return n == 0;
	if (r < 1)
		ways = -log_gamma_ratio(k + r, 1 - r) - lgamma(r);
	else if (k < r)
		ways = log_gamma_ratio(r, k) - lgamma(k + 1);
	else
		ways = log_gamma_ratio(k + 1, r - 1) - lgamma(r);
	return exp(ways - r * log1p(t / alpha) - k * log1p(alpha / t));
}

/* Whichever side is smaller is summed up. */
double
negative_binomial_tail(double r, double alpha, double t, int64 n)
{
	double z = t / (alpha + t);
	bool is_upper = (double) n * alpha > r * t;
	double term;
	double sum = 0;
	double k;

	if (n == 0)
		return 1;
	if (is_upper)
	{
		term = negative_binomial(r, alpha, t, n);
		for (k = (double) n; term > sum * (DBL_EPSILON / 16) * (alpha / (alpha + t)); k++)
		{
			sum += term;
			term *= (r + k) / (k + 1) * z;
			CHECK_FOR_INTERRUPTS();
		}
		return Min(sum, 1);
	}
	term = negative_binomial(r, alpha, t, n - 1);
	for (k = (double) n - 1; term > sum * (DBL_EPSILON / 16); k--)
	{
		sum += term;
		if (k == 0)
			break;
		term *= k / ((r + k - 1) * z);
		CHECK_FOR_INTERRUPTS();
	}
	return Max(1 - sum, 0);
}
