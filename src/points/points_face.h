/*
 * points_face.h
 *		What the SQL faces of points of everyone share: arguments, fold and parameters as
 *		metric/base_metric.h wants them, reading results.
 */
#ifndef LOYALTY_POINTS_FACE_H
#define LOYALTY_POINTS_FACE_H

#include "postgres.h"

#include "fmgr.h"

#include "metric/tally.h"
#include "points/points_base.h"
#include "metric/base_metric.h"

/* Parameters of the shapes, in their order; totals have the first three. */
typedef enum PointsParameter
{
	POINTS_PARAMETER_POLICY,
	POINTS_PARAMETER_ZONE,
	POINTS_PARAMETER_AS_OF,
	POINTS_PARAMETER_PERIOD,
	POINTS_PARAMETER_BY_LABEL,
	POINTS_PARAMETERS
} PointsParameter;

#define POINTS_TOTALS_PARAMETERS (POINTS_PARAMETER_AS_OF + 1)

extern const TallyParameter points_parameters[POINTS_PARAMETERS];

/* The arguments: (policy, as_of), and (policy, period, as_of, by_label). */
#define POINTS_TOTALS_ARGUMENTS 2
#define POINTS_PERIOD_ARGUMENTS 4
extern const BaseArgument points_totals_arguments[POINTS_TOTALS_ARGUMENTS];
extern const BaseArgument points_period_arguments[POINTS_PERIOD_ARGUMENTS];

/* The parts of a BaseMetric; the kind of fold is a PointsMetric. */
extern void *points_open_policy(const struct varlena *policy);
extern ZoneDays **points_policy_zone(void *policy);
extern void *points_start_fold(int fold_kind, const BaseQuestion *asked);
extern void points_add_customer(void *fold, ByteSpan body);
extern void points_flush_fold(void *fold, Tally *tally);

#define POINTS_METRIC                                                                          \
	.zone_parameter = POINTS_PARAMETER_ZONE, .open_policy = points_open_policy,                \
	.policy_zone = points_policy_zone, .start = points_start_fold, .add = points_add_customer, \
	.flush = points_flush_fold

/* ---- reading results ---- */

/* What is wrong with the rows of a result by label and period, from outside; NULL: nothing so far,
 * and the calendar is there. */
extern const char *points_rows_fault(const Tally *tally, TallyRow *const *rows, int64 nrows,
									 BaseCalendar *calendar);

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

/* Adds to a sum, or takes from it; 22003 past 128 bits. */
extern void points_sum_add(int128 *sum, int128 amount);
extern void points_sum_subtract(int128 *sum, int128 amount);

#endif
