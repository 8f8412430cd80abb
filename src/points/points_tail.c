/*
 * points_tail.c
 *		What is redeemed behind the oldest age of a triangle: a factor that is given, or that a
 *		curve gives which is fitted to the factors before it.
 *
 * With f(n) the factor from n complete ages to n + 1, by least squares, unweighted, over the
 * factors above 1:
 *
 *		exponential		ln (f(n) - 1) = a + b n			each age adds so much less than the one
 *		before inverse power	ln (f(n) - 1) = a + b ln n
 *
 * Sherman, R. E. (1984): Extrapolating, smoothing, and interpolating development factors.
 * Proceedings of the Casualty Actuarial Society 71, 122-155.
 *
 * The tail is the product of the f(n) from the oldest age on: up to the age at which points are
 * gone, where that is given, or for TAIL_AGES ages more. Its variance is that of the fit by the
 * delta method: with e(n) = exp(a + b x(n)), ln of the product changes with a by the sum of
 * e(n) / (1 + e(n)), and with b by the sum of x(n) e(n) / (1 + e(n)).
 *
 * A curve that doesn't fall has no end, and two factors have no variance. Where there is no curve
 * nothing is known of what comes behind the oldest age.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "points/points_internal.h"

#define TAIL_AGES 100

/* ln (f - 1) = a + b x */
typedef struct Curve
{
	int32 n;
	double mean_x;
	double squares_x; /* about the mean */
	double a;
	double b;
	double residual; /* variance of it; NaN: unknown */
} Curve;

static double
place_of(const RedemptionMethod *method, int32 n)
{
	return method->tail == REDEMPTION_INVERSE_POWER_TAIL ? log(n) : n;
}

static bool
fit_curve(const RedemptionMethod *method, const double *factors, int32 ages, Curve *curve)
{
	double sum_x = 0;
	double sum_y = 0;
	double products = 0;
	double squares = 0;
	int32 n;

	memset(curve, 0, sizeof(Curve));
	for (n = 1; n < ages; n++)
		if (factors[n] > 1)
		{
			curve->n++;
			sum_x += place_of(method, n);
			sum_y += log(factors[n] - 1);
		}
	if (curve->n < 2)
		return false;
	curve->mean_x = sum_x / curve->n;
	for (n = 1; n < ages; n++)
		if (factors[n] > 1)
		{
			double x = place_of(method, n) - curve->mean_x;

			curve->squares_x += x * x;
			products += x * (log(factors[n] - 1) - sum_y / curve->n);
		}
	curve->b = products / curve->squares_x;
	curve->a = sum_y / curve->n - curve->b * curve->mean_x;
	for (n = 1; n < ages; n++)
		if (factors[n] > 1)
		{
			double distance = log(factors[n] - 1) - curve->a - curve->b * place_of(method, n);

			squares += distance * distance;
		}
	curve->residual = curve->n > 2 ? squares / (curve->n - 2) : NAN;
	return curve->b < 0;
}

static DevelopmentTail
tail_of_curve(const RedemptionMethod *method, const Curve *curve, int32 ages)
{
	DevelopmentTail tail = { .known = true };
	int32 last =
		method->last_age != REDEMPTION_NO_LAST_AGE ? method->last_age : ages + TAIL_AGES - 1;
	double product = 0; /* its logarithm */
	double by_a = 0;
	double by_b = 0; /* about the mean of x, where a and b don't depend on each other */
	int32 n;

	for (n = ages; n <= last; n++)
	{
		double x = place_of(method, n);
		double more = exp(curve->a + curve->b * x);

		product += log1p(more);
		by_a += more / (1 + more);
		by_b += (x - curve->mean_x) * more / (1 + more);
		CHECK_FOR_INTERRUPTS();
	}
	tail.factor = exp(product);
	tail.variance = tail.factor * tail.factor * curve->residual *
					(by_a * by_a / curve->n + by_b * by_b / curve->squares_x);
	return tail;
}

DevelopmentTail
points_fit_tail(const RedemptionMethod *method, const double *factors, int32 ages)
{
	DevelopmentTail none = { .factor = 1, .known = true };
	Curve curve;

	/* a cohort seen for so many ages is as old as points get: age 0 is the first */
	if (method->last_age != REDEMPTION_NO_LAST_AGE && ages > method->last_age)
		return none;
	if (!isnan(method->tail_factor))
	{
		none.factor = method->tail_factor;
		none.variance = method->tail_error * method->tail_error;
	}
	else if (method->tail != REDEMPTION_NO_TAIL)
	{
		if (fit_curve(method, factors, ages, &curve))
		{
			DevelopmentTail tail = tail_of_curve(method, &curve, ages);

			if (isfinite(tail.factor))
				return tail;
		}
		none.known = false;
		none.variance = NAN;
	}
	return none;
}
