/*
 * program_internal.h
 *		A programme over everyone: what the metrics share, from the fold to reading their results.
 *
 *		timelines --> one walk each, to the end of as_of --> where it stands  --> program_totals
 *						|							   |-> moves, by period --> program_rollforward
 *						|							   \-> moves, by lot    --> program_triangle
 *						\-> another one, by other rules --> both, side by side --> program_compare
 *
 * Who isn't a member by the end of as_of isn't counted; a customer without any event is a
 * member all the time. Who is one by one of two programmes only has nothing under the other.
 * Roll-forward and triangle book the moves as points/points.h has it.
 *
 * The metrics are program_totals.c, program_compare.c, program_rollforward.c and
 * program_triangle.c.
 */
#ifndef LOYALTY_PROGRAM_INTERNAL_H
#define LOYALTY_PROGRAM_INTERNAL_H

#include "postgres.h"

#include "core/rows.h"
#include "metric/metric.h"
#include "program/program.h"

/* Kinds of folds. */
typedef enum ProgramFoldKind
{
	PROGRAM_TOTALS,
	PROGRAM_COMPARE,
	PROGRAM_ROLLFORWARD,
	PROGRAM_TRIANGLE
} ProgramFoldKind;

/* ---- keys and sums of the tallies, in the order of their shapes ---- */

/* By rank. issued = redeemed + expired + pending + blocked + balance. */
typedef enum WholeSum
{
	WHOLE_MEMBERS,
	WHOLE_SPEND,
	WHOLE_ORDERS,
	WHOLE_ISSUED,
	WHOLE_REDEEMED,
	WHOLE_EXPIRED,
	WHOLE_PENDING,
	WHOLE_BLOCKED,
	WHOLE_BALANCE,
	WHOLE_SUMS
} WholeSum;

typedef enum CompareKey
{
	COMPARE_RANK_A, /* TIER_NO_RANK: not a member by this one */
	COMPARE_RANK_B,
	COMPARE_OUTCOME, /* -1: holds fewer points under b, 0: as many, 1: more */
	COMPARE_KEYS
} CompareKey;

typedef enum CompareSum
{
	COMPARE_MEMBERS,
	COMPARE_SPEND, /* under a */
	COMPARE_ISSUED_A,
	COMPARE_ISSUED_B,
	COMPARE_BALANCE_A,
	COMPARE_BALANCE_B,
	COMPARE_DIFFERENCE, /* of points held, pending and blocked ones too: under b less under a */
	COMPARE_SUMS
} CompareSum;

/* By label and period. Redeemed to expired are what goes; pending and blocked are their changes. */
typedef enum ForwardSum
{
	FORWARD_ISSUED,
	FORWARD_REDEEMED,
	FORWARD_RETURNED,
	FORWARD_EXPIRED,
	FORWARD_PENDING,
	FORWARD_BLOCKED,
	FORWARD_SUMS
} ForwardSum;

/* ---- what metrics are made of ---- */

extern char *program_canonical(const char *text);

#define PROGRAM_PARAMETER(parameter) \
	METRIC_POLICY_PARAMETER(parameter, program_canonical, "programme")

#define PROGRAM_ARGUMENT(argument, which)                                                     \
	{                                                                                         \
		argument, .type = which,                                                              \
				  .null_hint = "'{}' is 1 point per 1.00, that never expires, without tiers." \
	}

/* Parameters and arguments of metrics by period: (program, period, as_of, by_label). */
#define PROGRAM_PERIOD_PARAMETERS 5
extern const TallyParameter program_period_parameters[PROGRAM_PERIOD_PARAMETERS];

#define PROGRAM_PERIOD_ARGUMENTS 4
extern const MetricArgument program_period_arguments[PROGRAM_PERIOD_ARGUMENTS];

extern const MetricPolicy program_metric_policy;

/* The fold (program_fold.c). */
extern void *program_fold_start(const MetricQuestion *question, Tally *tally);
extern void program_fold_customer(void *fold, ByteSpan body);
extern void program_fold_finish(void *fold, Tally *tally);

/* All that the metrics have in common. */
#define PROGRAM_METRIC                                                                        \
	.input = METRIC_TIMELINES, .policy = &program_metric_policy, .start = program_fold_start, \
	.customer = program_fold_customer, .finish = program_fold_finish

/* ---- reading results ---- */

/* What is wrong with the parameters of a result by period that has rows or not; NULL: nothing. */
extern const char *program_period_fault(const Tally *tally);

/* The programme of a parameter; NULL where the result has none, and so no rows. */
extern ProgramPolicy *program_of_result(const Tally *tally, const char *parameter);

/* Is this a rank of the programme, or the least that may stand for one? */
extern bool program_has_rank(const ProgramPolicy *program, int64 rank, int64 least);

/* The scale at which a sum shows points: as many decimals as the earn rules give, and more where
 * some row needs them. */
extern int program_points_scale(const Tally *tally, const ProgramPolicy *program, const int *sums,
								int nsums);

#define PROGRAM_SUM "amounts or points" /* in errors */

/* Columns of a table. */
extern void program_put_tier(Rows *rows, const ProgramPolicy *program, int rank);
extern void program_put_count(Rows *rows, int128 count); /* 22003 where bigint can't hold it */
extern void program_put_points(Rows *rows, int128 units, int from_scale, int to_scale);

#endif
