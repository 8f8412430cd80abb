/*
 * value_pareto.c
 *		Pareto/NBD: a customer buys at a rate of his own, Gamma distributed over all of them (r,
 *		alpha), and may be gone for good at any time, at a rate of his own, Gamma distributed too
 *		(s, beta).
 *
 * Schmittlein, D. C., Morrison, D. G. and Colombo, R. (1987): Counting your customers: who are they
 * and what will they do next? Management Science 33, 1-24. Fader, P. S. and Hardie, B. G. S.
 * (2005): A note on deriving the Pareto/NBD model and related expressions. (2014): Deriving the
 * conditional PMF of the Pareto/NBD model.
 *
 * With f(u) = (alpha + u) ^ -(r + x) (beta + u) ^ -s, what is likely of a customer is f(T), that he
 * is still there, and the integral of s / (beta + u) f(u) from t_x to T, that he left at some u.
 * The published form of that is a difference of two hypergeometric functions, which have no simple
 * derivatives by their parameters. Here it is integrated by Gauss' and Legendre's rule, in pieces
 * in which it hardly changes: all that is added up is above 0, and the derivatives are integrals
 * over the same points. Customers with the same x share the function, so in a fit it is integrated
 * once for each x, from one time that occurs to the next.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"

#include "value/value_internal.h"

/* ---- integrals ---- */

/* Gauss' and Legendre's points between 0 and 1, and their weights: as many as a piece needs. */
typedef struct GaussRule
{
	double steepest; /* by what factor, as a logarithm, the function may fall over the piece */
	double widest;	 /* in units of the way to the pole next to it */
	int n;
	double points[8];
	double weights[8];
} GaussRule;

static const GaussRule gauss_rules[] = {
	{ 1e-3, 1e-3, 2, { 0.21132486540518711775, 0.78867513459481288225 }, { 0.5, 0.5 } },
	{ 0.2,
	  0.05,
	  4,
	  { 0.069431844202973712388, 0.33000947820757186760, 0.66999052179242813240,
		0.93056815579702628761 },
	  { 0.17392742256872692869, 0.32607257743127307131, 0.32607257743127307131,
		0.17392742256872692869 } },
	{ 2,
	  0.5,
	  8,
	  { 0.019855071751231884158, 0.10166676129318663021, 0.23723379504183550709,
		0.40828267875217509754, 0.59171732124782490246, 0.76276620495816449291,
		0.89833323870681336979, 0.98014492824876811584 },
	  { 0.050614268145188129576, 0.11119051722668723527, 0.15685332293894364367,
		0.18134189168918099148, 0.18134189168918099148, 0.15685332293894364367,
		0.11119051722668723527, 0.050614268145188129576 } },
};
#define WIDEST_RULE (&gauss_rules[lengthof(gauss_rules) - 1])

/* The integral, and those of its function times what its derivatives need. */
typedef enum ParetoSum
{
	SUM_ONE,
	SUM_BY_R,	  /* ln (1 + u / alpha) */
	SUM_BY_S,	  /* ln (1 + u / beta) - 1 / s */
	SUM_BY_ALPHA, /* 1 / (alpha + u) */
	SUM_BY_BETA,
	PARETO_SUMS
} ParetoSum;

typedef struct ParetoFunction
{
	double shape; /* r + x */
	double alpha;
	double s;
	double beta;
} ParetoFunction;

static ParetoFunction
pareto_function(const double *parameters, int64 x)
{
	ParetoFunction f = { .shape = parameters[PARETO_R] + x,
						 .alpha = parameters[PARETO_ALPHA],
						 .s = parameters[PARETO_S],
						 .beta = parameters[PARETO_BETA] };

	return f;
}

/* ln f(from + by) - ln f(from) */
static double
log_fall(const ParetoFunction *f, double from, double by)
{
	return -f->shape * log1p(by / (f->alpha + from)) - f->s * log1p(by / (f->beta + from));
}

/*
 * The integrals of s / (beta + u) f(u) / f(from), from there on. What comes after f(u) is nothing,
 * compared with what there was, is left out: all that is left is less than f(u).
 */
static void
integrate(const ParetoFunction *f, double from, double to, double log_alpha, double log_beta,
		  double *sums)
{
	double nearest = Min(f->alpha, f->beta);
	double at = from;
	int i;

	memset(sums, 0, PARETO_SUMS * sizeof(double));
	while (at < to)
	{
		double pole = nearest + at;
		double steep = f->shape / (f->alpha + at) + (f->s + 1) / (f->beta + at);
		double width = Min(to - at, Min(pole * WIDEST_RULE->widest, WIDEST_RULE->steepest / steep));
		const GaussRule *rule = gauss_rules;

		while (width > pole * rule->widest || width * steep > rule->steepest)
			if (++rule == WIDEST_RULE)
				break;
		for (i = 0; i < rule->n; i++)
		{
			double by = at - from + width * rule->points[i];
			double a = f->alpha + (from + by);
			double b = f->beta + (from + by);
			double fall_a = log1p(by / (f->alpha + from));
			double fall_b = log1p(by / (f->beta + from));
			double here =
				width * rule->weights[i] * f->s / b * exp(-f->shape * fall_a - f->s * fall_b);

			sums[SUM_ONE] += here;
			sums[SUM_BY_R] += here * (log_alpha + fall_a);
			sums[SUM_BY_S] += here * (log_beta + fall_b - 1 / f->s);
			sums[SUM_BY_ALPHA] += here / a;
			sums[SUM_BY_BETA] += here / b;
		}
		at = width == to - at ? to : at + width;
		if (exp(log_fall(f, from, at - from)) < sums[SUM_ONE] * (DBL_EPSILON / 16))
			break;
	}
}

/* ---- the likelihood ---- */

/* Of a time that occurs, whether it is of a last purchase or of now: f, and the integrals from
 * there to the last time, in units of f; and of one who is still there then, less these. */
typedef struct Knot
{
	double log_f; /* the negative of it, in units of f(0): then large r and s lose no digits */
	double sums[PARETO_SUMS];
} Knot;

/* From the last time backwards: what comes after one is what comes up to the next one, and what
 * comes after that. */
static void
fill_knots(const ParetoFunction *f, const double *times, int64 n, Knot *last, Knot *now)
{
	int64 i;
	int j;

	for (i = n - 1; i >= 0; i--)
	{
		double a = f->alpha + times[i];
		double b = f->beta + times[i];
		double log_a = log1p(times[i] / f->alpha);
		double log_b = log1p(times[i] / f->beta);
		double *rest = last[i].sums;
		double *stay = now[i].sums;

		last[i].log_f = now[i].log_f = f->shape * log_a + f->s * log_b;
		if (i == n - 1)
			memset(rest, 0, sizeof(last[i].sums));
		else
		{
			double left = exp(log_fall(f, times[i], times[i + 1] - times[i]));

			integrate(f, times[i], times[i + 1], log_a, log_b, rest);
			for (j = 0; j < PARETO_SUMS; j++)
				rest[j] += left * last[i + 1].sums[j];
		}
		stay[SUM_ONE] = 1 - rest[SUM_ONE];
		stay[SUM_BY_R] = log_a - rest[SUM_BY_R];
		stay[SUM_BY_S] = log_b - rest[SUM_BY_S];
		stay[SUM_BY_ALPHA] = 1 / a - rest[SUM_BY_ALPHA];
		stay[SUM_BY_BETA] = f->s / (f->s + 1) / b - rest[SUM_BY_BETA];
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

double
pareto_log_likelihood(const ValueRows *all, const double *parameters, double *gradient)
{
	const PurchaseRow *row = all->rows;
	const PurchaseRow *end = row + all->nrows;
	const double *times = all->times.times;
	const int64 *ntimes = all->times.ntimes;
	Knot *last = palloc_extended(all->times.most * sizeof(Knot), MCXT_ALLOC_HUGE);
	Knot *now = palloc_extended(all->times.most * sizeof(Knot), MCXT_ALLOC_HUGE);
	double r = parameters[PARETO_R];
	double alpha = parameters[PARETO_ALPHA];
	double s = parameters[PARETO_S];
	double beta = parameters[PARETO_BETA];
	double by[PARETO_SUMS] = { 0 }; /* all customers' sums, in units of what is likely of each */
	double customers = 0;
	double by_shape = 0;
	LogProduct product = LOG_PRODUCT_ONE;
	double sum = 0;
	int64 i;
	int j;

	memset(gradient, 0, VALUE_MAX_PARAMETERS * sizeof(double));
	for (i = 0; i < all->nbeyond; i++)
	{
		sum += all->beyond[i] * log((r + i) / alpha);
		gradient[PARETO_R] += all->beyond[i] / (r + i);
	}
	while (row < end)
	{
		ParetoFunction f = pareto_function(parameters, row->x);
		double before = by[SUM_BY_ALPHA];
		int64 x = row->x;

		fill_knots(&f, times, *ntimes, last, now);
		times += *ntimes++;
		for (; row < end && row->x == x; row++)
		{
			const Knot *from = &last[row->last];
			const Knot *to = &now[row->now];
			double n = row->customers;
			double left = exp(from->log_f - to->log_f);
			double one = from->sums[SUM_ONE] + left * to->sums[SUM_ONE];
			double weight = n / one;

			/* from t_x to T, and those who stay */
			for (j = SUM_ONE + 1; j < PARETO_SUMS; j++)
				by[j] += weight * (from->sums[j] + left * to->sums[j]);
			sum -= n * from->log_f;
			customers += n;
			log_product_multiply(&product, one, n);
		}
		by_shape += f.shape * (by[SUM_BY_ALPHA] - before);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(last);
	pfree(now);
	gradient[PARETO_R] -= by[SUM_BY_R];
	gradient[PARETO_ALPHA] = customers * r / alpha - by_shape;
	gradient[PARETO_S] = -by[SUM_BY_S];
	gradient[PARETO_BETA] = customers * s / beta - (s + 1) * by[SUM_BY_BETA];
	for (j = 0; j < VALUE_MAX_PARAMETERS; j++)
		gradient[j] *= parameters[j];
	return sum + log_product(&product);
}

/* ---- a customer ---- */

double
pareto_p_alive(const double *parameters, int64 x, double t_x, double age)
{
	ParetoFunction f = pareto_function(parameters, x);
	double sums[PARETO_SUMS];

	integrate(&f, t_x, age, 0, 0, sums);
	return 1 / (1 + sums[SUM_ONE] * exp(-log_fall(&f, t_x, age - t_x)));
}

double
pareto_expected_alive(const double *parameters, int64 x, double age, double t)
{
	double s = parameters[PARETO_S];
	double beta = parameters[PARETO_BETA] + age;
	double quotient = -log1p(t / beta); /* ln (beta / (beta + t)) */

	return (parameters[PARETO_R] + x) / (parameters[PARETO_ALPHA] + age) * beta *
		   (s == 1 ? -quotient : -expm1((s - 1) * quotient) / (s - 1));
}

/*
 * n purchases within t, by one who leaves within it: of the time he leaves, the probability of n
 * purchases until then. By the logarithm w of that time, its logarithm is concave, so that it falls
 * on both sides of its top ever faster, and the rest is less than height / slope.
 */
typedef struct Leaving
{
	double n;
	double shape;
	double alpha;
	double s;
	double beta;
	double top; /* the time */
} Leaving;

static double
leaving_slope(const Leaving *leaving, double u)
{
	return leaving->n + 1 - (leaving->shape + leaving->n) * u / (leaving->alpha + u) -
		   (leaving->s + 1) * u / (leaving->beta + u);
}

/* ln (pole + top e^w) - ln (pole + top) */
static double
log_beside_top(double pole, double top, double w)
{
	double change = top * expm1(w) / (pole + top);

	return change > -0.5 ? log1p(change) : log((pole + top * exp(w)) / (pole + top));
}

/* In units of the top. */
static double
leaving_height(const Leaving *leaving, double w)
{
	return exp((leaving->n + 1) * w -
			   (leaving->shape + leaving->n) * log_beside_top(leaving->alpha, leaving->top, w) -
			   (leaving->s + 1) * log_beside_top(leaving->beta, leaving->top, w));
}

/* From the top to w = until, which is on either side of it. */
static double
leaving_side(const Leaving *leaving, double until)
{
	double at = 0;
	double sum = 0;
	int i;

	while (at != until)
	{
		double u = leaving->top * exp(at);
		double p = u / (leaving->alpha + u);
		double q = u / (leaving->beta + u);
		double slope = fabs(leaving_slope(leaving, u));
		double bend = (leaving->shape + leaving->n) * p * (1 - p) + (leaving->s + 1) * q * (1 - q);
		double width = Min(1, WIDEST_RULE->steepest / (slope + sqrt(bend)));

		width = Min(width, fabs(until - at)) * (until < 0 ? -1 : 1);
		for (i = 0; i < WIDEST_RULE->n; i++)
			sum += fabs(width) * WIDEST_RULE->weights[i] *
				   leaving_height(leaving, at + width * WIDEST_RULE->points[i]);
		at = fabs(width) >= fabs(until - at) ? until : at + width;
		if (leaving_height(leaving, at) <
			sum * (DBL_EPSILON / 16) * fabs(leaving_slope(leaving, leaving->top * exp(at))))
			break;
		CHECK_FOR_INTERRUPTS();
	}
	return sum;
}

/* Halvings of the way to the top: it needs to be near. */
#define TOP_HALVINGS 30

double
pareto_probability_alive(const double *parameters, int64 x, double age, double t, int64 n)
{
	Leaving leaving = { .n = (double) n,
						.shape = parameters[PARETO_R] + x,
						.alpha = parameters[PARETO_ALPHA] + age,
						.s = parameters[PARETO_S],
						.beta = parameters[PARETO_BETA] + age };
	double low = 0; /* logarithms, in units of t */
	double high = 0;
	double stays = negative_binomial(leaving.shape, leaving.alpha, t, n) *
				   exp(-leaving.s * log1p(t / leaving.beta));
	double at_top;
	int i;

	if (t == 0)
		return stays;
	while (leaving_slope(&leaving, t * exp(low)) < 0)
	{
		high = low;
		low = 2 * low - 1;
	}
	for (i = 0; i < TOP_HALVINGS && low < high; i++)
	{
		double middle = (low + high) / 2;

		if (leaving_slope(&leaving, t * exp(middle)) < 0)
			high = middle;
		else
			low = middle;
	}
	leaving.top = t * exp(low);
	at_top = negative_binomial(leaving.shape, leaving.alpha, leaving.top, n) *
			 exp(-leaving.s * log1p(leaving.top / leaving.beta)) * leaving.s * leaving.top /
			 (leaving.beta + leaving.top);
	if (at_top == 0)
		return stays;
	return stays + at_top * (leaving_side(&leaving, -INFINITY) + leaving_side(&leaving, -low));
}
