/*
 * value_bgnbd.c
 *		BG/NBD: a customer buys at a rate of his own, Gamma distributed over all of them (r, alpha),
 *		and after each purchase may be gone for good, with a probability of his own, Beta
 *		distributed (a, b). MBG/NBD, the modified one: also after the first purchase.
 *
 * Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005): "Counting your customers" the easy way: an
 * alternative to the Pareto/NBD model. Marketing Science 24, 275-284. The forms that are stable:
 * Fader, P. S. and Hardie, B. G. S. (2013): Overcoming the BG/NBD model's #NUM! error problem.
 * Batislam, E. P., Denizel, M. and Filiztekin, A. (2007): Empirical validation and comparison of
 * models for customer base analysis. International Journal of Research in Marketing 24, 201-209.
 *
 * Purchases are whole numbers, so quotients of gamma functions are products of them: all that
 * depends on x alone is summed up once for all customers, by how many have more than k purchases.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"

#include "value/value_internal.h"

/* ---- the likelihood ---- */

/* What customers' numbers of purchases say by themselves. */
static double
of_purchases(const ValueRows *rows, bool modified, const double *parameters, double *gradient)
{
	double r = parameters[BGNBD_R];
	double a = parameters[BGNBD_A];
	double b = parameters[BGNBD_B];
	double sum = 0;
	int64 k;

	for (k = 0; k < rows->nbeyond; k++)
	{
		sum += rows->beyond[k] * log(r + k);
		gradient[BGNBD_R] += rows->beyond[k] / (r + k);
	}
	/* not gone after purchase k: each repeated one, and with the modified model the first */
	for (k = 0; k < rows->nbeyond + modified; k++)
	{
		double n = !modified ? rows->beyond[k] : k == 0 ? rows->customers : rows->beyond[k - 1];

		sum -= n * log1p(a / (b + k));
		gradient[BGNBD_A] -= n / (a + b + k);
		gradient[BGNBD_B] += n * a / ((b + k) * (a + b + k));
	}
	return sum;
}

/* Of a time that occurs. */
typedef struct BgnbdTime
{
	double log; /* ln (alpha + u) */
	double inverse;
} BgnbdTime;

double
bgnbd_log_likelihood(const ValueRows *rows, bool modified, const double *parameters,
					 double *gradient)
{
	const PurchaseRow *row = rows->rows;
	const PurchaseRow *end = row + rows->nrows;
	double r = parameters[BGNBD_R];
	double alpha = parameters[BGNBD_ALPHA];
	double a = parameters[BGNBD_A];
	double b = parameters[BGNBD_B];
	double log_alpha = log(alpha);
	const double *times = rows->times.times;
	const int64 *ntimes = rows->times.ntimes;
	BgnbdTime *of_times = palloc_extended(rows->times.most * sizeof(BgnbdTime), MCXT_ALLOC_HUGE);
	LogProduct product = LOG_PRODUCT_ONE;
	double sum;
	int i;

	memset(gradient, 0, VALUE_MAX_PARAMETERS * sizeof(double));
	sum = of_purchases(rows, modified, parameters, gradient);
	while (row < end)
	{
		int64 x = row->x;
		double shape = r + x;
		double gone_by = b + x - !modified;
		bool may_be_gone = modified || x > 0;
		double log_gone = may_be_gone ? log(a / gone_by) : 0;
		double customers = 0;
		double gone = 0; /* how many are */
		double of_logs = 0;
		double of_inverses = 0;

		for (i = 0; i < *ntimes; i++)
		{
			of_times[i].log = log(alpha + times[i]);
			of_times[i].inverse = 1 / (alpha + times[i]);
		}
		times += *ntimes++;
		for (; row < end && row->x == x; row++)
		{
			const BgnbdTime *last = &of_times[row->last];
			const BgnbdTime *now = &of_times[row->now];
			double n = row->customers;
			double quotient = last->log - now->log;
			double log_alive = shape * quotient;
			double alive = n; /* how many are */

			if (may_be_gone)
			{
				double less = log_alive - log_gone;
				double e = exp(-fabs(less));
				double smaller = n * e / (1 + e);

				alive = less < 0 ? smaller : n - smaller;
				gone += n - alive;
				sum += n * Max(log_alive, log_gone);
				log_product_multiply(&product, 1 + e, n);
			}
			else
				sum += n * log_alive;
			customers += n;
			of_logs += n * last->log;
			gradient[BGNBD_R] += alive * quotient;
			of_inverses += n * last->inverse - alive * (last->inverse - now->inverse);
		}
		sum += customers * r * log_alpha - shape * of_logs;
		gradient[BGNBD_R] += customers * log_alpha - of_logs;
		gradient[BGNBD_ALPHA] += customers * r / alpha - shape * of_inverses;
		gradient[BGNBD_A] += gone / a;
		if (may_be_gone)
			gradient[BGNBD_B] -= gone / gone_by;
		CHECK_FOR_INTERRUPTS();
	}
	pfree(of_times);
	for (i = 0; i < VALUE_MAX_PARAMETERS; i++)
		gradient[i] *= parameters[i];
	return sum + log_product(&product);
}

/* ---- a customer ---- */

double
bgnbd_p_alive(const double *parameters, bool modified, int64 x, double t_x, double age)
{
	double alpha = parameters[BGNBD_ALPHA];

	if (x == 0 && !modified)
		return 1;
	return 1 / (1 + parameters[BGNBD_A] / (parameters[BGNBD_B] + x - !modified) *
						exp((parameters[BGNBD_R] + x) * log1p((age - t_x) / (alpha + t_x))));
}

/* Below this exponent, the powers below are too small for Euler's transformation. */
#define STEEP (-300)

/* Above this, a series goes on in smaller units. */
#define LARGE 1e250

/* The published formula as it is, less the 1 that cancels: for those who leave soon. */
static double
expected_steep(double r, double b, double c, double a, double z, double quotient)
{
	double term = r * b / c * z;
	double sum = 0;
	double unit = 0; /* its logarithm */
	double n;

	for (n = 1; term > sum * (DBL_EPSILON / 4) * (1 - z); n++)
	{
		sum += term;
		term *= ((r + n) / (c + n)) * ((b + n) / (n + 1)) * z;
		if (term > LARGE)
		{
			term /= LARGE;
			sum /= LARGE;
			unit += log(LARGE);
		}
		CHECK_FOR_INTERRUPTS();
	}
	return c / (a - 1) * (-expm1(r * quotient) - exp(r * quotient + unit) * sum);
}

/*
 * Of one who is alive, which is a new customer by other parameters: r + x, alpha + T, and b + x
 * (one more with the modified model). The hypergeometric function of the published formula after
 * Euler's transformation, with its first term taken out: so a may be 1, and a + b below it.
 */
static double
expected(double r, double alpha, double a, double b, double t)
{
	double c = a + b - 1;
	double g = c - r;
	double z = t / (alpha + t);
	double quotient = -log1p(t / alpha); /* ln (alpha / (alpha + t)) */
	double first = a == 1 ? -c * quotient : -c * expm1((a - 1) * quotient) / (a - 1);
	double term = g * z;
	double sum = 0;
	double n;

	if ((a - 1) * quotient < STEEP)
		return expected_steep(r, b, c, a, z, quotient);
	for (n = 1;; n++)
	{
		double next = term * ((a + n - 1) / (c + n)) * ((g + n) / (n + 1)) * z;

		sum += term;
		/* the rest is no more than a geometric series with this quotient, once terms fall */
		if (fabs(next) <= fabs(sum) * (DBL_EPSILON / 4) * (1 - z) || next == 0)
			break;
		term = next;
		CHECK_FOR_INTERRUPTS();
	}
	return first - exp((a - 1) * quotient) * sum;
}

double
bgnbd_expected_alive(const double *parameters, bool modified, int64 x, double age, double t)
{
	return expected(parameters[BGNBD_R] + x, parameters[BGNBD_ALPHA] + age, parameters[BGNBD_A],
					parameters[BGNBD_B] + x + modified, t);
}

double
bgnbd_probability_alive(const double *parameters, bool modified, int64 x, double age, double t,
						int64 n)
{
	double r = parameters[BGNBD_R] + x;
	double alpha = parameters[BGNBD_ALPHA] + age;
	double a = parameters[BGNBD_A];
	double b = parameters[BGNBD_B] + x + modified;
	double here = negative_binomial(r, alpha, t, n);
	double stays; /* after n purchases */

	if (n == 0)
		return here;
	stays = exp(log_gamma_ratio(b, a) - log_gamma_ratio(b + n, a));
	return stays * (here + a / (b + n - 1) * negative_binomial_tail(r, alpha, t, n));
}
