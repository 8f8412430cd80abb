/*
 * points_call.h
 *		What the SQL faces of points share: the walk that a call site keeps from row to
 *		row, the arguments, and rows of a result.
 */
#ifndef LOYALTY_POINTS_CALL_H
#define LOYALTY_POINTS_CALL_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "nodes/execnodes.h"

#include "points/points.h"

/*
 * A call site, in fn_extra. As long as the policy's bytes and the zone stay the same, its rules
 * and its walk serve one customer after another, and the limit of a day as long as that
 * stays the same.
 */
typedef struct PointsCall
{
	PointsWalk *walk;
	void *reading;	/* what the sink reads for, in this call */
	TupleDesc desc; /* of a record that it returns; NULL until asked for */

	MemoryContext context; /* of what follows and of the walk */
	struct varlena *bytes; /* the policy as it came */
	PointsPolicy *policy;
	ZoneDays *zone;
	bool has_limit;
	DateADT limit_day;
	PointsLimit limit;
} PointsCall;

/*
 * Arguments 0 and 1 of a call: timeline and policy. Starts the walk; NULL where the timeline is
 * NULL. A NULL policy is error 22004. The sink gets the PointsCall as its context. A
 * call that lists overdrafts isn't stopped by the first: 'refuse' is as 'clip' there.
 */
extern PointsCall *points_call(FunctionCallInfo fcinfo, PointsSink sink, bool lists_overdrafts);

/* A day argument, named in errors: NULL is 22004, infinity 22008. */
extern DateADT points_day_argument(FunctionCallInfo fcinfo, int n, const char *name);

/* The end of a local day. */
extern PointsLimit points_call_limit(PointsCall *call, DateADT day);

/* Goes on, without any more events, to where nothing falls due any more. */
extern void points_call_run_out(PointsCall *call);

/* What can be spent where the walk stands. */
extern int128 points_spendable(const PointsWalk *walk);

extern Datum points_numeric(const PointsWalk *walk, int128 units);

/* ---- rows ---- */

#define POINTS_ROW_COLUMNS 9

/* A row of a materialized result, filled column by column. */
typedef struct PointsRow
{
	ReturnSetInfo *result;
	const PointsWalk *walk;
	MemoryContext context; /* for the columns of one row */
	MemoryContext caller;
	int ncolumns;
	Datum values[POINTS_ROW_COLUMNS];
	bool nulls[POINTS_ROW_COLUMNS];
} PointsRow;

/* After InitMaterializedSRF(). */
extern void points_rows_open(PointsRow *row, FunctionCallInfo fcinfo, const PointsWalk *walk);

extern void points_row_begin(PointsRow *row);
extern void points_row_null(PointsRow *row);
extern void points_row_instant(PointsRow *row, TimestampTz at); /* NULL where infinite */
extern void points_row_name(PointsRow *row, const char *name);
extern void points_row_text(PointsRow *row, EventText text);
extern void points_row_ref(PointsRow *row, const Event *event);
extern void points_row_points(PointsRow *row, int128 units);
extern void points_row_end(PointsRow *row);

/* The event that made a lot. */
static inline const Event *
points_lot_event(const PointsWalk *walk, int32 lot)
{
	int32 nlots;

	return points_walk_event(walk, points_walk_lots(walk, &nlots)[lot].event);
}

#endif
