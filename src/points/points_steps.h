/*
 * points_steps.h
 *		What changes a lot, in steps that the roles are made of: each keeps totals and queues true,
 *		and tells the sink.
 *
 * For points_roles.c and points_blocked.c. What comes with every event is inline.
 */
#ifndef LOYALTY_POINTS_STEPS_H
#define LOYALTY_POINTS_STEPS_H

#include "postgres.h"

#include "common/int.h"

#include "points/points_internal.h"

/* Which lots belong into the queues. */
extern const LotMembers points_queue_members[WALK_QUEUES];

/* An event's points, whatever their sign. */
static inline int64
due_points(const PointsDue *due)
{
	return due->value < 0 ? -due->value : due->value;
}

/* ---- totals ---- */

/* Adds to a total by way of its sum, which takes the carry to the total. */
static inline void
walk_add(int64 *sum, int128 *total, int64 points)
{
	int64 added;

	if (unlikely(pg_add_s64_overflow(*sum, points, &added)))
	{
		*total += *sum;
		added = points;
	}
	*sum = added;
}

static inline void
walk_add_active(PointsWalk *walk, int64 points)
{
	walk_add(&walk->sums.active, &walk->totals.active, points);
}

/* Free points of a lot, which waits or not, become more or less. */
static inline void
walk_add_free(PointsWalk *walk, PointsLot *lot, int64 points)
{
	lot->remaining += points;
	if (unlikely(lot->state == POINTS_LOT_PENDING))
		walk->totals.pending += points;
	else
		walk_add_active(walk, points);
}

static inline void
walk_add_blocked(PointsWalk *walk, PointsLot *lot, int64 points)
{
	lot->blocked += points;
	walk->totals.blocked += points;
}

/* ---- the sink ---- */

extern void points_tell(PointsWalk *walk, const PointsMove *move);
extern void points_tell_simple(PointsWalk *walk, PointsMoveType type, PointsRole role,
							   TimestampTz at, int32 lot, int32 event, int64 points);

/* Reports a move to the sink, if there is one. */
static inline void
walk_emit(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at, int32 lot,
		  int32 event, int64 points)
{
	if (unlikely(walk->sink != NULL))
		points_tell_simple(walk, type, role, at, lot, event, points);
}

/* ... one of an event's that touches no lot. */
static inline void
walk_emit_event(PointsWalk *walk, PointsMoveType type, const PointsDue *due, int64 points)
{
	walk_emit(walk, type, due->role, due->at, -1, due->number, points);
}

/* An event is through. */
static inline void
walk_finish(PointsWalk *walk, const PointsDue *due, int64 points)
{
	walk_emit_event(walk, POINTS_MOVE_DONE, due, points);
}

/* ---- queues ---- */

extern void points_fill_queue(PointsWalk *walk, WalkQueue queue);

/* The first lot of a queue; -1: none. */
static inline int32
walk_first_lot(PointsWalk *walk, WalkQueue queue)
{
	if (unlikely((walk->filled & (1 << queue)) == 0))
		points_fill_queue(walk, queue);
	return lot_queue_first(&walk->queues[queue], points_queue_members[queue], walk->lots);
}

static inline void
queue_if_filled(PointsWalk *walk, WalkQueue queue, int32 lot)
{
	if (walk->filled & (1 << queue))
		lot_queue_push(&walk->queues[queue], walk->lots, lot);
}

/* ---- steps (points_roles.c) ---- */

/* A lot that has free points again goes into the queues where its state has it. */
extern void points_enqueue(PointsWalk *walk, int32 number);

/* Points that have become available pay debts first. */
extern void points_repay(PointsWalk *walk, int32 number, PointsRole role, TimestampTz at,
						 int32 event);

/* ---- steps (points_blocked.c) ---- */

/* So many free points of a lot are blocked, by an event or since the account is frozen. */
extern void points_block_lot(PointsWalk *walk, int32 number, const PointsDue *due, int64 points);

/* Takes up to so many points from blocked ones: of a lot, of all; returns how many there were. */
extern int64 points_take_blocked_of(PointsWalk *walk, int32 number, const PointsDue *due,
									int64 points);
extern int64 points_take_blocked(PointsWalk *walk, const PointsDue *due, int64 points);

#endif
