/*
 * points_result.h
 *		Points of everyone: what the metrics share, from the fold to reading their results.
 *
 *		timelines --> one walk each, to the end of as_of --> totals			--> points_totals
 *													 \-> moves, by period	--> points_rollforward
 *													 \-> moves, by lot		--> points_triangle
 *
 * A move is booked in the period that holds its instant; what expires on a period's edge,
 * where the boundary is exclusive, in the one that ends there, unless it was overdue when the
 * walk was resumed. So what is booked up to a period's end is what the walk gives at the end of
 * its last day.
 *
 * By label, a move is booked under the label of its lot. A debt stands under none until a
 * lot pays it back: then the amount moves to that lot's label, in the column of the role
 * that made the debt, the oldest debt first. A refund that cancels a debt cancels
 * that of redemptions, the oldest first, and then any other. In the triangle
 * a debt is there when it is paid back, and counts for the lot that does it.
 *
 * The metrics are points_totals.c, points_rollforward.c and points_triangle.c.
 */
#ifndef LOYALTY_POINTS_RESULT_H
#define LOYALTY_POINTS_RESULT_H

#include "postgres.h"

#include "core/rows.h"
#include "metric/metric.h"
#include "points/points.h"

/* Kinds of folds. */
typedef enum PointsMetric
{
	POINTS_TOTALS,
	POINTS_ROLLFORWARD,
	POINTS_TRIANGLE
} PointsMetric;

/* ---- sums of the tallies, in the order of their shapes ---- */

typedef enum TotalsSum
{
	TOTALS_MEMBERS,
	TOTALS_MEMBERS_WITH_BALANCE,
	TOTALS_MEMBERS_OVERDRAWN,
	TOTALS_EARNED,
	TOTALS_REINSTATED,
	TOTALS_ADJUSTED,
	TOTALS_TRANSFERRED,
	TOTALS_REDEEMED,
	TOTALS_RETURNED,
	TOTALS_EXPIRED,
	TOTALS_FORFEITED,
	TOTALS_PENDING,
	TOTALS_ACTIVE,
	TOTALS_OVERDRAWN,
	TOTALS_UNMET,
	TOTALS_SUMS
} TotalsSum;

/* By (label, period). Redeemed to forfeited are what goes; pending is its change. */
typedef enum RollforwardSum
{
	ROLLFORWARD_ISSUED,
	ROLLFORWARD_REINSTATED,
	ROLLFORWARD_ADJUSTED,
	ROLLFORWARD_TRANSFERRED,
	ROLLFORWARD_REDEEMED,
	ROLLFORWARD_RETURNED,
	ROLLFORWARD_EXPIRED,
	ROLLFORWARD_FORFEITED,
	ROLLFORWARD_PENDING,
	ROLLFORWARD_SUMS
} RollforwardSum;

/* By (label, period of issue, age in periods). */
typedef enum TriangleSum
{
	TRIANGLE_ISSUED,
	TRIANGLE_REDEEMED,
	TRIANGLE_EXPIRED,
	TRIANGLE_TAKEN_BACK,
	TRIANGLE_SUMS
} TriangleSum;

/* ---- what metrics are made of ---- */

/* Parameters of the shapes, in their order; totals have the first three. */
#define POINTS_PARAMETERS		 5
#define POINTS_TOTALS_PARAMETERS 3
extern const TallyParameter points_parameters[POINTS_PARAMETERS];

extern const MetricPolicy points_metric_policy;

#define POINTS_POLICY_ARGUMENT                                                   \
	{                                                                            \
		"policy", .type = METRIC_POLICY,                                         \
				  .null_hint = "Points that never expire are '{}', the default." \
	}

/* (policy, period, as_of, by_label) */
#define POINTS_PERIOD_ARGUMENTS 4
extern const MetricArgument points_period_arguments[POINTS_PERIOD_ARGUMENTS];

/* The fold (points_fold.c). */
extern void *points_fold_start(const MetricQuestion *question, Tally *tally);
extern void points_fold_customer(void *fold, ByteSpan body);
extern void points_fold_finish(void *fold, Tally *tally);

/* All that the metrics have in common. */
#define POINTS_METRIC                                                                       \
	.input = METRIC_TIMELINES, .policy = &points_metric_policy, .start = points_fold_start, \
	.customer = points_fold_customer, .finish = points_fold_finish

/* ---- reading results ---- */

/* What is wrong with the rows of a result by label and period, from outside; NULL: nothing so far,
 * and the calendar is there. */
extern const char *points_rows_fault(const Tally *tally, TallyRow *const *rows, int64 nrows,
									 MetricCalendar *calendar);

/* The rows of a result whose first key is a label, label by label; those without one come last. */
typedef struct PointsLabels
{
	TallyRow **row; /* of the label that the walk is at: from here to the end */
	TallyRow **end;
	TallyRow **next;
	TallyRow **unlabelled;
	TallyRow **labelled;
	TallyRow **all_end;
} PointsLabels;

extern void points_labels_open(PointsLabels *labels, const Tally *tally);
extern bool points_labels_next(PointsLabels *labels);

#define POINTS_SUM "points" /* in errors */

/* ---- from opening to closing ---- */

/*
 * The rows that the tables of roll-forwards have, whatever moves they tell apart:
 *
 *		period_start, period_end, complete, opening, what moved ..., closing, pending, as_of
 *
 * Where the rows of such a result have what: sums that come in, sums that go, and the last one,
 * the change of pending.
 */
typedef struct PointsClosing
{
	int period_key;
	int first_out;
	int pending;
	bool by_label; /* rows begin with the key's text */
} PointsClosing;

/* What is wrong with the periods of rows from outside; NULL: nothing so far. */
extern const char *points_closing_fault(const PointsClosing *closing, TallyRow *const *rows,
										int64 nrows, const MetricCalendar *calendar);

/* A row for each period from that of the first of these, of which there is one, to that of as_of.
 */
extern void points_closing_put(const PointsClosing *closing, Rows *rows,
							   const MetricCalendar *calendar, TallyRow *const *row,
							   TallyRow *const *end, int scale);

/* ---- the triangle (points_triangle.c) ---- */

extern const TallyShape points_triangle_shape;

/* The rows of one label and period of issue, by age. */
typedef struct PointsCohort
{
	TallyRow **row;
	TallyRow **end;
	int32 issued_in;
	int128 issued; /* less what was taken back */
	int128 redeemed;
	int128 expired;
	int128 outstanding;
} PointsCohort;

/* Takes the next cohort off the rows of a label, and adds it up; false at the end. */
extern bool points_cohort_next(PointsLabels *labels, PointsCohort *cohort);

static inline int32
points_age(const TallyRow *row)
{
	return (int32) row->key.numbers[2];
}

#endif
