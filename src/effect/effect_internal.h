/*
 * effect_internal.h
 *		Two groups, and what is known of each: exact sums, from which means, variances and
 *		differences come without losing digits. And the estimates of an effect.
 */
#ifndef LOYALTY_EFFECT_INTERNAL_H
#define LOYALTY_EFFECT_INTERNAL_H

#include "postgres.h"

#include "fmgr.h"

#include "core/decimal.h"
#include "core/exact.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"

/* ---- exact sums ---- */

/*
 * Sums of squares have twice the decimals of what is summed, so a value has half as many as a
 * tally's scale at most; sums of values stand at the doubled scale, too.
 */
#define EFFECT_MAX_DECIMALS (DECIMAL_MAX_SCALE / 2)

/* A value of a row, which has no more decimals than that (22003). */
extern Decimal effect_value(DecimalReader reader, Datum datum);

/* What reads an argument; 22023 where it isn't of a type of numbers. */
extern DecimalReader effect_reader(FunctionCallInfo fcinfo, int n, const char *name);

/* Adds a value to one sum, and the product of two to another. */
extern void effect_add_value(Tally *tally, TallyRow *row, int sum, Decimal value);
extern void effect_add_product(Tally *tally, TallyRow *row, int sum, Decimal a, Decimal b);

/* A sum of a tally, as an exact number. */
extern Numeric exact_sum(const Tally *tally, int128 sum);

/* ---- what is known of two groups ---- */

typedef struct Arm
{
	int64 n;	   /* with an outcome */
	int64 missing; /* without one */
	Numeric sum;
	double mean;	 /* NaN where n is 0 */
	double variance; /* of a value, by n - 1; NaN where n is below 2 */
} Arm;

#define ARM_CONTROL 0
#define ARM_TREATED 1

/* The two arms of a stratum. */
typedef struct Arms
{
	Arm arm[2];
} Arms;

/* The difference of the means, treated less control, times the number of both: exact up to here. */
extern double arms_distance(const Arms *arms);

/* Adds the sizes of one to another; 22003 past 2^63 - 1 of both together. */
extern void arms_add_sizes(Arms *to, const Arms *from);

/* ---- estimates ---- */

/* NaN is not known. */
typedef struct Effect
{
	const char *method;
	double treated; /* mean or rate */
	double control;
	Estimate difference;
	Estimate lift; /* difference / control */
	double statistic;
	double degrees; /* of t; NaN where it is z */
	double p;
} Effect;

extern Effect effect_of_rates(const Arms *arms, double confidence);
extern Effect effect_of_means(const Arms *arms, double confidence);

/* Of strata, by the weights of Mantel and Haenszel. */
extern Effect effect_of_rates_by_stratum(const Arms *strata, int64 nstrata, double confidence);
extern Effect effect_of_means_by_stratum(const Arms *strata, int64 nstrata, double confidence);

/* Welch's t of two means, of so many values each; the difference is given apart, since it may be
 * known to more digits. */
extern Effect effect_of_two_means(double difference, MeanEstimate treated, MeanEstimate control,
								  int64 ntreated, int64 ncontrol, double confidence);

/* ---- the split ---- */

/* Below this, chance isn't believed to have split so. */
#define SPLIT_ALPHA 0.001

typedef struct Split
{
	double chi_squared; /* NaN where there is nobody */
	double p;
	bool is_off;
} Split;

/* Whether as many are treated as should be, of all that were assigned, with an outcome or not. */
extern Split effect_split(const Arms *arms, double planned_share);

/* A share that is between 0 and 1, or 22023. */
extern double effect_share_argument(FunctionCallInfo fcinfo, int n, const char *name);

/* ---- rows ---- */

/* Puts treated, control, treated_missing, control_missing, and unassigned, unless that is below 0:
 * not known; the effect, from treated_mean to p;
 * method, split_chi_squared, split_p and warning. */
extern void effect_put_sizes(Rows *rows, const Arms *arms, int64 unassigned);
extern void effect_put(Rows *rows, const Effect *effect);
extern void effect_put_split(Rows *rows, const Effect *effect, const Split *split);

#endif
