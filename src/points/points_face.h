/*
 * points_face.h
 *		What the SQL faces of points of everyone share: arguments, the fold over a base,
 *		the aggregate over timelines, parameters of results.
 */
#ifndef LOYALTY_POINTS_FACE_H
#define LOYALTY_POINTS_FACE_H

#include "postgres.h"

#include "fmgr.h"

#include "core/tally.h"
#include "points/points_base.h"

typedef struct PointsFace
{
	PointsMetric metric;
	const TallyShape *shape;
} PointsFace;

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

/* A metric over a base: (base, policy, as_of), or (base, policy, period, as_of, by_label). */
extern Datum points_over_base(FunctionCallInfo fcinfo, const PointsFace *face);

/* A transition function: (state, timeline, and the same; by_label may be missing). */
extern Datum points_accumulate(FunctionCallInfo fcinfo, const PointsFace *face);

/* ---- reading results ---- */

/* The day up to which a result counts; false where it has none, and so no rows. */
extern bool points_result_as_of(const Tally *tally, DateADT *as_of);

/* The periods up to as_of that a result's table shows. */
typedef struct PointsCalendar
{
	Calendar calendar;
	DateADT as_of;
	int32 last;			 /* period of as_of */
	int32 last_complete; /* the last one that is over */
} PointsCalendar;

/* False where the result has no rows. */
extern bool points_result_calendar(const Tally *tally, PointsCalendar *calendar);

/* What is wrong with the rows of a result by label and period, from outside; NULL: nothing so far,
 * and the calendar is there. */
extern const char *points_rows_fault(const Tally *tally, TallyRow *const *rows, int64 nrows,
									 PointsCalendar *calendar);

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
