/*
 * statistics.c
 *		Quantiles, tails and intervals that metrics show beside their rates and means;
 *		Kaplan-Meier's estimate, its intervals, median and restricted mean.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "common/int.h"
#include "miscadmin.h"

#include "metric/statistics.h"
#include "metric/tally.h"

/* The polynomial with these coefficients, lowest power first. */
static double
polynomial(const double *coefficients, int n, double x)
{
	double value = coefficients[n - 1];
	int i;

	for (i = n - 2; i >= 0; i--)
		value = value * x + coefficients[i];
	return value;
}

/*
 * Exact to about 1 part in 10^16.
 *
 * Algorithm AS 241, PPND16. Wichura, M. J. (1988): The percentage points of
 * the normal distribution. Applied Statistics 37, 477-484.
 *
 * Three quotients of polynomials: around the middle, in the tails, and far out.
 */
double
normal_quantile(double p)
{
	static const double a[] = {
		3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
		1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
		3.3430575583588128105e+4, 2.5090809287301226727e+3,
	};
	static const double b[] = {
		1.0,
		4.2313330701600911252e+1,
		6.8718700749205790830e+2,
		5.3941960214247511077e+3,
		2.1213794301586595867e+4,
		3.9307895800092710610e+4,
		2.8729085735721942674e+4,
		5.2264952788528545610e+3,
	};
	static const double c[] = {
		1.42343711074968357734e0,  4.63033784615654529590e0,  5.76949722146069140550e0,
		3.64784832476320460504e0,  1.27045825245236838258e0,  2.41780725177450611770e-1,
		2.27238449892691845833e-2, 7.74545014278341407640e-4,
	};
	static const double d[] = {
		1.0,
		2.05319162663775882187e0,
		1.67638483018380384940e0,
		6.89767334985100004550e-1,
		1.48103976427480074590e-1,
		1.51986665636164571966e-2,
		5.47593808499534494600e-4,
		1.05075007164441684324e-9,
	};
	static const double e[] = {
		6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
		2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
		2.71155556874348757815e-5, 2.01033439929228813265e-7,
	};
	static const double f[] = {
		1.0,
		5.99832206555887937690e-1,
		1.36929880922735805310e-1,
		1.48753612908506148525e-2,
		7.86869131145613259100e-4,
		1.84631831751005468180e-5,
		1.42151175831644588870e-7,
		2.04426310338993978564e-15,
	};
	double q = p - 0.5;
	double r;
	double z;

	if (!(p >= 0 && p <= 1))
		return NAN;
	if (p == 0 || p == 1)
		return p == 0 ? -INFINITY : INFINITY;

	if (fabs(q) <= 0.425)
	{
		r = 0.180625 - q * q;
		return q * polynomial(a, lengthof(a), r) / polynomial(b, lengthof(b), r);
	}
	r = sqrt(-log(q < 0 ? p : 1 - p));
	if (r <= 5)
		z = polynomial(c, lengthof(c), r - 1.6) / polynomial(d, lengthof(d), r - 1.6);
	else
		z = polynomial(e, lengthof(e), r - 5) / polynomial(f, lengthof(f), r - 5);
	return q < 0 ? -z : z;
}

double
confidence_quantile(double confidence)
{
	if (!(confidence > 0 && confidence < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("confidence must be between 0 and 1, not %g", confidence),
						errhint("0.95 is usual.")));
	/* By way of the lower tail, which loses no digits where confidence is near 1; no minus zero. */
	return 0 - normal_quantile((1 - confidence) / 2);
}

void
wilson_interval(double successes, double n, double z, double *lower, double *upper)
{
	double rate;
	double z2_n;
	double centre;
	double half;

	if (!(n > 0))
	{
		*lower = *upper = NAN;
		return;
	}
	rate = successes / n;
	z2_n = z * z / n;
	centre = (rate + z2_n / 2) / (1 + z2_n);
	half = z * sqrt((rate * (1 - rate) + z2_n / 4) / n) / (1 + z2_n);

	/* What rounding leaves at the ends isn't part of the interval. */
	*lower = successes <= 0 ? 0 : Max(centre - half, 0);
	*upper = successes >= n ? 1 : Min(centre + half, 1);
}

/* What Stirling's formula leaves of ln Gamma(a + 1), for a of 10 and more. */
static double
stirling_error(double a)
{
	static const double c[] = {
		1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360,
	};

	return polynomial(c, lengthof(c), 1 / (a * a)) / a;
}

/*
 * x^a e^-x / Gamma(a + 1), times scale. Each of the factors may be out of range where the product
 * isn't; and the difference of their large logarithms would lose the digits that this keeps.
 */
static double
gamma_front(double a, double x, double scale)
{
	double root;
	double far;

	if (a < 10)
	{
		root = exp(-x / 2);
		if (root == 0)
			return 0;
		return root * (scale * pow(x, a) / tgamma(a + 1)) * root;
	}
	far = (x - a) / a;
	root = exp(-(stirling_error(a) + a * (far - log1p(far))) / 2);
	return root * (scale / sqrt(2 * M_PI * a)) * root;
}

/*
 * The regularised incomplete gamma function Q(a, x): how likely it is that a gamma variable of
 * shape a is above x. For a from 0.5; exact to about 1 part in 10^12, however small it is. NaN for
 * x below 0.
 *
 * Below a + 1 the sum for P, of terms that are all positive, and 1 - P; above it the continued
 * fraction for Q by Lentz's method.
 */
static double
gamma_tail(double a, double x)
{
	double term;
	double sum;
	double c;
	double d;
	double n;

	if (!(a > 0) || !(x >= 0))
		return NAN;
	if (x == 0 || isinf(x))
		return x == 0 ? 1 : 0;
	if (x < a + 1)
	{
		sum = term = 1;
		for (n = a + 1; term > sum * (DBL_EPSILON / 4); n++)
		{
			term *= x / n;
			sum += term;
		}
		return Max(1 - gamma_front(a, x, sum), 0);
	}

	/* 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / ...)); no denominator gets near 0. */
	d = 1 / (x + 1 - a);
	c = INFINITY;
	sum = d;
	n = 0;
	do
	{
		double numerator;
		double denominator;

		n++;
		numerator = n * (a - n);
		denominator = x + 2 * n + 1 - a;
		d = 1 / (denominator + numerator * d);
		c = denominator + numerator / c;
		term = c * d;
		sum *= term;
	} while (fabs(term - 1) > 4 * DBL_EPSILON);
	return gamma_front(a, x, a * sum);
}

double
chi_squared_tail(double x, double degrees)
{
	return gamma_tail(degrees / 2, x / 2);
}

double
normal_two_sided(double z)
{
	return erfc(fabs(z) * M_SQRT1_2);
}

/* ---- Student's t ---- */

/* From so many degrees of freedom on, an expansion is exact to all digits where t isn't far out;
 * and there the continued fraction, which is used for all else, would be slow. */
#define MANY_DEGREES 1000

/* ln(Gamma(a + 1/2) / Gamma(a)). The difference of their logarithms would lose digits where a is
 * large. */
static double
log_gamma_step(double a)
{
	double n = a - 1;

	if (a < 12)
		return log(tgamma(a + 0.5) / tgamma(a));
	return log(n + 0.5) / 2 + (n + 0.5) * log1p(0.5 / n) - 0.5 + stirling_error(n + 0.5) -
		   stirling_error(n);
}

/* ln of Gamma((degrees + 1) / 2) / (Gamma(degrees / 2) sqrt(pi)), which densities and tails have.
 */
static double
log_student_factor(double degrees)
{
	return log_gamma_step(degrees / 2) - log(M_PI) / 2;
}

/* The continued fraction of the incomplete beta function, by Lentz's method. It converges for x
 * below (a + 1) / (a + b + 2). */
static double
beta_fraction(double x, double a, double b)
{
	double c = 1;
	double d = 1 / (1 - (a + b) * x / (a + 1));
	double fraction = d;
	double step;
	double m = 0;

	do
	{
		double numerator;

		m++;
		numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		d = 1 / (1 + numerator * d);
		c = 1 + numerator / c;
		fraction *= c * d;
		numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		d = 1 / (1 + numerator * d);
		c = 1 + numerator / c;
		step = c * d;
		fraction *= step;
	} while (fabs(step - 1) > 4 * DBL_EPSILON && m < 1e6);
	return fraction;
}

/*
 * The normal variable that is as far out as t, by the first terms of an expansion in 1 / degrees^2.
 *
 * Hill, G. W. (1970): Algorithm 395, Student's t-distribution. Communications of the ACM 13,
 * 617-619.
 */
static double
normal_of_student(double t, double degrees)
{
	double a = degrees - 0.5;
	double b = 48 * a * a;
	double y = a * log1p(t * t / degrees);
	double second = (((-0.4 * y - 3.3) * y - 24) * y - 85.5) / (0.8 * y * y + 100 + b);

	return sqrt(y) * (1 + (y + 3 + second) / b);
}

/*
 * P(|T| > t), or else P(|T| < t), whichever is asked; the one that is small is never made from the
 * other. With x = degrees / (degrees + t^2), the incomplete beta function I_x(degrees / 2, 1/2).
 */
static double
student_part(double t, double degrees, bool tail)
{
	double a = degrees / 2;
	double ratio = t * t / degrees;
	double log_x = -log1p(ratio);
	double inner = ratio / (1 + ratio); /* 1 - x */
	double front;
	double part;

	if (!(degrees > 0) || isnan(t))
		return NAN;
	if (t == 0 || isinf(ratio))
		return (t == 0) == tail ? 1 : 0;
	if (degrees > MANY_DEGREES && t * t * t < degrees)
	{
		double z = normal_of_student(t, degrees);

		return tail ? normal_two_sided(z) : erf(z * M_SQRT1_2);
	}
	/* x^a (1 - x)^(1/2) / B(a, 1/2) */
	front = exp(log_student_factor(degrees) + a * log_x) * sqrt(inner);
	if (1 - inner < (a + 1) / (a + 2.5))
	{
		part = front * beta_fraction(1 - inner, a, 0.5) / a;
		return tail ? part : Max(1 - part, 0);
	}
	part = front * beta_fraction(inner, 0.5, a) * 2;
	return tail ? Max(1 - part, 0) : part;
}

double
student_two_sided(double t, double degrees)
{
	return student_part(fabs(t), degrees, true);
}

/*
 * By Newton's method: the logarithm of what is inside, or outside, of t bends little as one of
 * ln t. Starts between the ends that the steps so far have left.
 */
double
student_quantile(double confidence, double degrees)
{
	bool tail = confidence > 0.5;
	double wanted = tail ? 1 - confidence : confidence;
	double t;
	double low = 0;
	double high = INFINITY;
	int i;

	if (!(degrees > 0) || !(confidence > 0 && confidence < 1))
		return NAN;
	t = -normal_quantile((1 - confidence) / 2);
	for (i = 0; i < 200; i++)
	{
		double part = student_part(t, degrees, tail);
		double density = 2 * exp(log_student_factor(degrees) - log(degrees) / 2 -
								 (degrees + 1) / 2 * log1p(t * t / degrees));
		double step = log(part / wanted) * part / (density * t);
		double next;

		if ((part > wanted) == tail)
			low = t;
		else
			high = t;
		next = t * exp(tail ? step : -step);
		if (!(next > low && next < high))
			next = isinf(high) ? t * 2 : (low + high) / 2;
		if (fabs(next - t) <= 2 * DBL_EPSILON * t)
			return next;
		t = next;
	}
	return t;
}

/* ---- two groups ---- */

/* By the squares of how far each end is from its estimate. */
Estimate
difference_of_rates(double difference, Estimate a, Estimate b)
{
	Estimate result = { difference, NAN, NAN };

	result.lower = difference - hypot(a.value - a.lower, b.upper - b.value);
	result.upper = difference + hypot(a.upper - a.value, b.value - b.lower);
	return result;
}

Estimate
ratio_of_rates(Estimate a, Estimate b)
{
	Estimate result = { NAN, NAN, NAN };
	double product = a.value * b.value;
	double root;

	if (!(b.value > 0) || isnan(a.value))
		return result;
	result.value = a.value / b.value;

	/* The roots of a quadratic, each in the form in which nothing is subtracted. */
	root =
		product * product - a.lower * b.upper * (2 * a.value - a.lower) * (2 * b.value - b.upper);
	result.lower =
		a.lower > 0 ? a.lower * (2 * a.value - a.lower) / (product + sqrt(Max(root, 0))) : 0;
	root =
		product * product - a.upper * b.lower * (2 * a.value - a.upper) * (2 * b.value - b.lower);
	if (b.lower > 0)
		result.upper = (product + sqrt(Max(root, 0))) / (b.lower * (2 * b.value - b.lower));
	return result;
}

double
welch_degrees(MeanEstimate a, double a_n, MeanEstimate b, double b_n)
{
	double both = a.variance + b.variance;

	return both * both /
		   (a.variance * a.variance / (a_n - 1) + b.variance * b.variance / (b_n - 1));
}

Estimate
lift_of_means(double difference, MeanEstimate a, MeanEstimate b, double t)
{
	Estimate result = { NAN, NAN, NAN };
	double g = t * t * b.variance / (b.mean * b.mean);
	double ratio = a.mean / b.mean;
	double half;

	if (!(b.mean > 0))
		return result;
	result.value = difference / b.mean;
	if (!(g < 1))
		return result;
	half = t / b.mean * sqrt(a.variance * (1 - g) + ratio * ratio * b.variance);
	/* (ratio -+ half) / (1 - g) - 1, where the ratio may be near 1 */
	result.lower = (result.value + g - half) / (1 - g);
	result.upper = (result.value + g + half) / (1 - g);
	return result;
}

/* ---- how long things last ---- */

/*
 * Kaplan, E. L. and Meier, P. (1958): Nonparametric estimation from incomplete observations.
 * Journal of the American Statistical Association 53, 457-481. The variance is Greenwood's.
 */

/* An S that is 0.5 in exact arithmetic must count as 0.5. What rounding adds stays far below. */
#define HALF (0.5 + 1e-11)

/* How many are observed from the start; 22003 for more than 2^63 - 1 observations. */
static int64
observed_from_start(SurvivalTimes of)
{
	int64 observations = 0;
	int64 entered = 0;
	int64 i;

	for (i = 0; i < of.ntimes; i++)
	{
		if (pg_add_s64_overflow(observations, of.times[i].events, &observations) ||
			pg_add_s64_overflow(observations, of.times[i].censored, &observations) ||
			pg_add_s64_overflow(entered, of.times[i].entered, &entered))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("number of observations is out of range")));
		CHECK_FOR_INTERRUPTS();
	}
	return observations - entered;
}

bool
survival_times_valid(SurvivalTimes of)
{
	int64 left = observed_from_start(of);
	int64 i;

	for (i = 0; i < of.ntimes && left >= 0; i++)
	{
		/* no sum is beyond that of all observations */
		left -= of.times[i].events + of.times[i].censored;
		if (left >= 0)
			left += of.times[i].entered;
	}
	return left >= 0;
}

void
survival_start(SurvivalWalk *walk, SurvivalTimes of)
{
	int64 observations = observed_from_start(of);

	memset(walk, 0, sizeof(SurvivalWalk));
	walk->survival = walk->at_censoring = 1;
	walk->next = of.times;
	walk->end = of.times + of.ntimes;
	walk->left = walk->uncensored = observations;
}

bool
survival_next(SurvivalWalk *walk)
{
	const SurvivalTime *time = walk->next;

	if (time == walk->end)
		return false;
	CHECK_FOR_INTERRUPTS();
	walk->time = time;
	walk->next++;
	walk->at_risk = walk->left;
	walk->left -= time->events;
	if (time->events > 0)
	{
		walk->survival = walk->at_censoring * ((double) walk->left / (double) walk->uncensored);
		walk->log_variance += (double) time->events / (double) walk->at_risk / (double) walk->left;
	}
	if (time->censored > 0 || time->entered > 0)
	{
		walk->left += time->entered - time->censored;
		walk->uncensored = walk->left;
		walk->at_censoring = walk->survival;
	}
	return true;
}

double
survival_std_error(const SurvivalWalk *walk)
{
	return walk->survival > 0 ? walk->survival * sqrt(walk->log_variance) : NAN;
}

void
survival_interval(const SurvivalWalk *walk, double z, SurvivalInterval kind, double *lower,
				  double *upper)
{
	share_interval(walk->survival, sqrt(walk->log_variance), z, kind, lower, upper);
}

void
share_interval(double share, double log_deviation, double z, SurvivalInterval kind, double *lower,
			   double *upper)
{
	double half = z * log_deviation;

	*lower = *upper = NAN;
	if (share <= 0 || (share >= 1 && kind == SURVIVAL_LOG_LOG))
		return;
	switch (kind)
	{
		case SURVIVAL_LOG_LOG:
			half /= -log(share);
			*lower = pow(share, exp(half));
			*upper = pow(share, exp(-half));
			break;
		case SURVIVAL_LOG:
			*lower = share * exp(-half);
			*upper = Min(share * exp(half), 1);
			break;
		case SURVIVAL_PLAIN:
			*lower = Max(share - share * half, 0);
			*upper = Min(share + share * half, 1);
			break;
	}
}

SurvivalMedian
survival_median(SurvivalTimes of, double z, SurvivalInterval kind)
{
	SurvivalMedian found = { NULL, NULL, NULL };
	SurvivalWalk walk;

	survival_start(&walk, of);
	while (found.upper == NULL && survival_next(&walk))
	{
		double lower;
		double upper;

		survival_interval(&walk, z, kind, &lower, &upper);
		if (found.median == NULL && walk.survival <= HALF)
			found.median = walk.time;
		if (found.lower == NULL && lower <= HALF)
			found.lower = walk.time;
		if (upper <= HALF)
			found.upper = walk.time;
	}
	return found;
}

static double
length(SurvivalTimes of, int64 duration)
{
	return of.floats ? tally_key_float(duration) : (double) duration;
}

/* Durations are subtracted as they are: a difference keeps digits that their doubles lose. */
static double
difference(SurvivalTimes of, int64 to, int64 from)
{
	return of.floats ? tally_key_float(to) - tally_key_float(from) : (double) (to - from);
}

/* A rectangle of the area under S. */
static double
rectangle(SurvivalTimes of, const SurvivalWalk *walk, int64 from, double until)
{
	if (walk->survival <= 0) /* until may be infinite */
		return 0;
	if (walk->next < walk->end && length(of, walk->next->duration) <= until)
		return walk->survival * difference(of, walk->next->duration, from);
	return walk->survival * (until - length(of, from));
}

void
survival_mean(SurvivalTimes of, double until, double *mean, double *std_error)
{
	SurvivalWalk walk;
	double area;
	double variance = 0;
	double before;

	*mean = *std_error = NAN;
	survival_start(&walk, of);
	area = rectangle(of, &walk, 0, until);
	while (walk.next < walk.end && length(of, walk.next->duration) <= until)
	{
		survival_next(&walk);
		area += rectangle(of, &walk, walk.time->duration, until);
	}
	if (walk.survival > 0 &&
		(of.ntimes == 0 || until > length(of, of.times[of.ntimes - 1].duration)))
		return;

	/* The areas that follow each event: what is left of the whole. */
	survival_start(&walk, of);
	before = rectangle(of, &walk, 0, until);
	while (walk.next < walk.end && length(of, walk.next->duration) <= until)
	{
		survival_next(&walk);
		if (walk.time->events > 0 && walk.survival > 0)
		{
			double after = Max(area - before, 0);

			variance += after * after * (double) walk.time->events / (double) walk.at_risk /
						(double) (walk.at_risk - walk.time->events);
		}
		before += rectangle(of, &walk, walk.time->duration, until);
	}
	*mean = area;
	*std_error = sqrt(variance);
}
