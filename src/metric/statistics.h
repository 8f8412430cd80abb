/*
 * statistics.h
 *		Quantiles, tails and intervals that metrics show beside their rates.
 */
#ifndef LOYALTY_STATISTICS_H
#define LOYALTY_STATISTICS_H

/*
 * The z below which a standard normal variable falls with probability p; exact
 * to about 1 part in 10^16. Infinite at 0 and 1, NaN outside of them.
 */
extern double normal_quantile(double p);

/* The z with P(-z < Z < z) = confidence: 1.96 for 0.95. NaN outside of 0 to 1. */
extern double normal_quantile_two_sided(double confidence);

/* The same of a confidence that a user gave: 22023 unless it is between 0 and 1. */
extern double confidence_quantile(double confidence);

/*
 * Wilson's score interval for the rate successes / n, at z standard deviations.
 * The lower end is exactly 0 where there are no successes, and the upper exactly
 * 1 where there are no failures. NaN where n is 0.
 *
 * Wilson, E. B. (1927): Probable inference, the law of succession, and
 * statistical inference. Journal of the American Statistical Association 22, 209-212.
 */
extern void wilson_interval(double successes, double n, double z, double *lower, double *upper);

/*
 * The regularised incomplete gamma function Q(a, x): how likely it is that a gamma variable of
 * shape a is above x. For a from 0.5; exact to about 1 part in 10^12, however small it is. NaN for
 * x below 0.
 */
extern double gamma_tail(double a, double x);

/* How likely a chi-squared variable of so many degrees of freedom is above x. */
extern double chi_squared_tail(double x, double degrees);

#endif
