/*
 * statistics.h
 *		Quantiles, tails and intervals that metrics show beside their rates and means, alone and of
 *		two groups; and how long things last: Kaplan-Meier's estimate. No fmgr here.
 */
#ifndef LOYALTY_STATISTICS_H
#define LOYALTY_STATISTICS_H

#include "postgres.h"

#include "core/compat.h"

/* The z with P(-z < Z < z) = confidence, which a user gave: 1.96 for 0.95. 22023 unless it is
 * between 0 and 1. */
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

/* How likely a chi-squared variable of so many degrees of freedom is above x. */
extern double chi_squared_tail(double x, double degrees);

/* How likely a standard normal variable is farther from 0 than z, on either side. */
extern double normal_two_sided(double z);

/* The z below which a standard normal variable falls with probability p; infinite at 0 and 1. */
extern double normal_quantile(double p);

/*
 * Student's t with so many degrees of freedom, which needn't be whole: how likely it is farther
 * from 0 than t, on either side; and the t with P(-t < T < t) = confidence, which is between 0 and
 * 1. To about 1 part in 10^12. NaN where there are no degrees of freedom.
 */
extern double student_two_sided(double t, double degrees);
extern double student_quantile(double confidence, double degrees);

/* ---- two groups ---- */

/* An estimate with an interval; NaN where there is none. */
typedef struct Estimate
{
	double value;
	double lower;
	double upper;
} Estimate;

/*
 * The difference of two rates, each with its own interval around it: of two Wilson intervals,
 * Newcombe's hybrid score interval, which is method 10 of
 *
 * Newcombe, R. G. (1998): Interval estimation for the difference between independent proportions.
 * Statistics in Medicine 17, 873-890.
 */
extern Estimate difference_of_rates(double difference, Estimate a, Estimate b);

/*
 * The quotient a / b of two rates, from the same two intervals (MOVER-R): it lies above 1 exactly
 * where the difference's interval lies above 0. NaN where b is 0.
 *
 * Donner, A. and Zou, G. Y. (2012): Closed-form confidence intervals for functions of the normal
 * mean and standard deviation. Statistical Methods in Medical Research 21, 347-359.
 */
extern Estimate ratio_of_rates(Estimate a, Estimate b);

/* A mean, and the variance of that mean: of n values, theirs divided by n. */
typedef struct MeanEstimate
{
	double mean;
	double variance;
} MeanEstimate;

/* Welch's degrees of freedom of a difference of two means, of so many values each. */
extern double welch_degrees(MeanEstimate a, double a_n, MeanEstimate b, double b_n);

/*
 * How much more a mean is than another, b, in terms of b: a / b - 1, at t standard errors.
 * Fieller's interval, which holds 0 exactly where that of the difference, at the same t, does. The
 * difference is given apart, since it may be known to more digits. NaN where b is not above 0, and
 * no interval where b can't be told from 0.
 *
 * Fieller, E. C. (1954): Some problems in interval estimation. Journal of the Royal Statistical
 * Society B 16, 175-185.
 */
extern Estimate lift_of_means(double difference, MeanEstimate a, MeanEstimate b, double t);

/* ---- how long things last ---- */

/*
 * Kaplan-Meier's estimate from durations, some of which are only known to be longer (censored).
 *
 * An observation is a duration and whether it ended with the event. Observations come counted
 * by duration:
 *
 *		duration	9	13	18	23	28	...		ascending, 0 or more, in any unit
 *		events		1	1	1	1	0
 *		censored	0	1	0	0	1
 *		entered		0	0	3	0	0
 *
 * At risk at t is who has a duration of t or more; who is censored at t is at risk there. With d
 * events among n at risk, S(t) is the product of 1 - d/n up to t. Between two censorings the
 * factors cancel out to one quotient, which is how S is computed: where nobody is censored, it is
 * the share that is left, to the last digit.
 *
 * Who is only observed from a later time on has entered at that time, and is at risk behind it:
 * at risk at t is who has entered before t, or from the start. Such observations are conditional
 * on having lasted until then. Where all that are at risk have the event, S is 0 and stays it,
 * whoever enters later.
 */
typedef struct SurvivalTime
{
	int64 duration;
	int64 events;
	int64 censored;
	int64 entered; /* of those with longer durations */
} SurvivalTime;

/* Durations that are ascending and distinct. */
typedef struct SurvivalTimes
{
	const SurvivalTime *times;
	int64 ntimes;
	bool floats; /* durations are tally_float_key()s */
} SurvivalTimes;

/* What a confidence interval is normal in: ln(-ln S), ln S, or S itself. */
typedef enum SurvivalInterval
{
	SURVIVAL_LOG_LOG,
	SURVIVAL_LOG,
	SURVIVAL_PLAIN
} SurvivalInterval;

/* Goes through the times in order. */
typedef struct SurvivalWalk
{
	const SurvivalTime *time; /* where the walk stands */
	int64 at_risk;
	double survival;
	double log_variance; /* of ln S: sum of d / (n (n - d)); infinite once S is 0 */

	const SurvivalTime *next;
	const SurvivalTime *end;
	int64 left;			 /* at risk after this time */
	int64 uncensored;	 /* ... after the last censoring, or entry */
	double at_censoring; /* S there */
} SurvivalWalk;

/* Can so many leave and enter? Nobody leaves who isn't at risk. */
extern bool survival_times_valid(SurvivalTimes of);

/* Starts before the first time, where S is 1; 22003 for more than 2^63 - 1 observations. */
extern void survival_start(SurvivalWalk *walk, SurvivalTimes of);

/* Steps to the next time; false after the last one. */
extern bool survival_next(SurvivalWalk *walk);

/* Greenwood's standard error of S where the walk stands; NaN where S is 0. */
extern double survival_std_error(const SurvivalWalk *walk);

/*
 * The interval of S where the walk stands, at z standard deviations, cut to 0..1. NaN where S is
 * 0, and, of the log-log kind, where it is 1: there the formula has nothing to go by.
 */
extern void survival_interval(const SurvivalWalk *walk, double z, SurvivalInterval kind,
							  double *lower, double *upper);

/* The same of any share, by the standard deviation of its logarithm. */
extern void share_interval(double share, double log_deviation, double z, SurvivalInterval kind,
						   double *lower, double *upper);

typedef struct SurvivalMedian
{
	const SurvivalTime *median; /* the first time with S <= 0.5; NULL: not reached */
	const SurvivalTime *lower;	/* the first one where the interval's lower end is */
	const SurvivalTime *upper;	/* ... its upper end */
} SurvivalMedian;

/* Brookmeyer, R. and Crowley, J. (1982): A confidence interval for the median survival time.
 * Biometrics 38, 29-41. */
extern SurvivalMedian survival_median(SurvivalTimes of, double z, SurvivalInterval kind);

/*
 * The restricted mean: the area A under S from 0 to until, in the durations' unit. Its variance is
 * the sum over events of A(t)^2 d / (n (n - d)), where A(t) is the area from t to until. NaN where
 * S isn't known up to until: past the longest duration, unless S is 0 there.
 *
 * Klein, J. P. and Moeschberger, M. L. (2003): Survival Analysis, 2nd ed., section 4.5.
 */
extern void survival_mean(SurvivalTimes of, double until, double *mean, double *std_error);

#endif
