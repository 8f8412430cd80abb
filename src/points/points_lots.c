/*
 * points_lots.c
 *		Moves on a customer's lots: activated, given back, expired, taken from in any order.
 *		Each keeps the totals and the queues true, and tells the sink.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "points/points_moves.h"

void
walk_tell(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at, int32 lot,
		  int32 event, int64 points)
{
	PointsMove move = {
		.type = type, .role = role, .at = at, .lot = lot, .event = event, .points = points
	};

	walk->sink(walk->sink_context, walk, &move);
}

static void
queue_if_filled(PointsWalk *walk, WalkQueue queue, int32 lot)
{
	if (walk->filled & (1 << queue))
		lot_queue_push(&walk->queues[queue], walk->lots, lot);
}

void
walk_enqueue_further(PointsWalk *walk, int32 lot)
{
	queue_if_filled(walk, QUEUE_ALL, lot);
	if (walk->lots[lot].expires_at != DT_NOEND)
		queue_if_filled(walk, QUEUE_EXPIRY, lot);
	if (walk->lots[lot].state == POINTS_LOT_PENDING)
		queue_if_filled(walk, QUEUE_PENDING, lot);
	else
	{
		queue_if_filled(walk, QUEUE_NEWEST, lot);
		queue_if_filled(walk, QUEUE_SOONEST, lot);
	}
}

void
walk_fill_queue(PointsWalk *walk, WalkQueue queue)
{
	int32 i;

	walk->filled |= 1 << queue;
	for (i = 0; i < walk->nlots; i++)
	{
		if (lot_belongs(walk_members[queue], &walk->lots[i]))
			lot_queue_push(&walk->queues[queue], walk->lots, i);
		CHECK_FOR_INTERRUPTS();
	}
}

void
walk_grow_lots(PointsWalk *walk)
{
	walk->lots = repalloc_huge(walk->lots, (Size) walk->max_lots * 2 * sizeof(PointsLot));
	walk->max_lots *= 2;
}

/* Points that have become available pay back a debt first. */
void
walk_repay(PointsWalk *walk, int32 number, PointsRole role, TimestampTz at, int32 event)
{
	PointsLot *lot = &walk->lots[number];
	int64 points =
		walk->totals.overdrawn < lot->remaining ? (int64) walk->totals.overdrawn : lot->remaining;

	if (points == 0)
		return;
	lot->remaining -= points;
	walk_add_active(walk, -points);
	walk->totals.overdrawn -= points;
	walk_emit(walk, POINTS_MOVE_REPAY, role, at, number, event, points);
}

/* Takes up to so many points from the lots of a queue, in its order; returns how many there were.
 */
int64
walk_take(PointsWalk *walk, WalkQueue queue, const Due *due, int64 points)
{
	int64 taken = 0;
	int32 lot;

	if (queue == QUEUE_PENDING && walk->totals.pending == 0)
		return 0;
	while (taken < points && (lot = walk_first_lot(walk, queue)) >= 0)
	{
		taken += walk_take_from_lot(walk, lot, due, points - taken);
		CHECK_FOR_INTERRUPTS();
	}
	return taken;
}

void
walk_overdraw(PointsWalk *walk, const Due *due, int64 points)
{
	if (points == 0)
		return;
	walk->totals.overdrawn += points;
	walk_emit_event(walk, POINTS_MOVE_OVERDRAW, due, points);
}

/* Gives points back to the lot that they were taken from. */
void
walk_restore(PointsWalk *walk, int32 number, const Due *due, int64 points)
{
	PointsLot *lot = &walk->lots[number];
	TimestampTz at = due->at;

	lot->remaining += points;
	lot->state = POINTS_LOT_ACTIVE;
	walk_add_active(walk, points);
	walk_emit(walk, POINTS_MOVE_RESTORE, due->role, at, number, due->number, points);
	if (walk_is_over(walk, lot->expires_at, at))
	{
		walk_expire_lot(walk, number, at);
		return;
	}
	walk_repay(walk, number, due->role, at, due->number);
	walk_restore_to_ref(walk, number);
	walk_enqueue(walk, number, false);
}

/* Everything goes; the next refresh arms inactivity again. */
void
walk_expire_everything(PointsWalk *walk, TimestampTz at)
{
	int32 lot;

	while ((lot = walk_first_lot(walk, QUEUE_ALL)) >= 0)
	{
		walk_expire_lot(walk, lot, at);
		CHECK_FOR_INTERRUPTS();
	}
	walk->last_refresh = DT_NOBEGIN;
}

void
walk_activate(PointsWalk *walk, int32 number)
{
	PointsLot *lot = &walk->lots[number];

	lot->state = POINTS_LOT_ACTIVE;
	if (lot->remaining == 0)
		return;
	walk->totals.pending -= lot->remaining;
	walk_add_active(walk, lot->remaining);
	walk_emit(walk, POINTS_MOVE_ACTIVATE, POINTS_EARN, lot->available_at, number, -1,
			  lot->remaining);
	walk_repay(walk, number, POINTS_EARN, lot->available_at, -1);
	walk_enqueue(walk, number, false);
}
