/*
 * points_call.h
 *		What the SQL faces of points share: the walk that a call site keeps from row to
 *		row, the arguments, and columns of results.
 */
#ifndef LOYALTY_POINTS_CALL_H
#define LOYALTY_POINTS_CALL_H

#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "points/points.h"
#include "timeline/timeline.h"

/* What a call site keeps of a policy (policy_argument()). */
typedef struct PointsCall
{
	PointsPolicy *policy;
	ZoneDays *zone; /* of its days */
	PointsWalk *walk;
	void *reading; /* what the sink reads for, in this call */
	MemoryContext context;
	Rows *record; /* of a function that returns one; NULL until asked for */
	bool has_limit;
	DateADT limit_day;
	PointsLimit limit;
} PointsCall;

/*
 * Arguments 0 and 1 of a call: timeline and policy. Starts the walk, which is made with these
 * flags; NULL where the timeline is NULL. A NULL policy is error 22004. The sink gets the
 * PointsCall as its context. A call that lists overdrafts isn't stopped by the first: 'refuse' is
 * as 'clip' there.
 */
extern PointsCall *points_call(FunctionCallInfo fcinfo, int flags, PointsSink sink,
							   bool lists_overdrafts);

/* The end of a local day. */
extern PointsLimit points_call_limit(PointsCall *call, DateADT day);

/* Goes on, without any more events, to where nothing falls due any more. */
extern void points_call_run_out(PointsCall *call);

/* Makes room for at least n elements in an array, which may be NULL. */
extern void *points_grow(void *array, int64 *max, int64 n, size_t size);

/* What can be spent where the walk stands. */
extern int128 points_spendable(PointsWalk *walk);

extern Datum points_numeric(const PointsWalk *walk, int128 units);

/* ---- columns ---- */

extern void points_put_text(Rows *rows, EventText text);
extern void points_put_points(Rows *rows, const PointsWalk *walk, int128 units);

/* The event that made a lot. */
static inline const Event *
points_lot_event(const PointsWalk *walk, int32 lot)
{
	int32 nlots;

	return points_walk_event(walk, points_walk_lots(walk, &nlots)[lot].event);
}

#endif
