/*
 * points_base.h
 *		Points of everyone: folds over customers' walks, into tallies.
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
 * No fmgr here: points_totals.c, points_rollforward.c and points_triangle.c are the SQL faces.
 */
#ifndef LOYALTY_POINTS_BASE_H
#define LOYALTY_POINTS_BASE_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "metric/tally.h"
#include "points/points.h"

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

/* ---- folds ---- */

typedef struct PointsQuestion
{
	const PointsPolicy *policy;
	ZoneDays *zone;				  /* the policy's, which has one */
	const CalendarPeriod *period; /* NULL for totals */
	DateADT as_of;
	bool by_label; /* false for totals */
} PointsQuestion;

typedef struct PointsFold PointsFold;

/* In the current memory context; what the question points at must live as long. */
extern PointsFold *points_fold_create(PointsMetric metric, const PointsQuestion *question);

/* Adds a customer: the body of his timeline. */
extern void points_fold_customer(PointsFold *fold, ByteSpan body);

/* Brings what was counted into a tally of the metric's shape, and starts anew. */
extern void points_fold_flush(PointsFold *fold, Tally *tally);

#endif
