/*
 * points_blocked.c
 *		Events that say what can be spent: they end the waiting of points, block points, and free
 *		them again.
 *
 * Blocked points stay in their lots, beside the free ones: what takes free points doesn't see
 * them, and the lot's time goes on. Each lot is found by its ref, or in the order of its queue,
 * so that an event costs no more than the lots that it changes.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "points/points_steps.h"

/* What was earned under an event's ref; NULL: nothing. */
static LotRef *
ref_of(PointsWalk *walk, const PointsDue *due)
{
	int32 place = lot_refs_find(&walk->refs, walk->lots, &due->ref);

	return place < 0 ? NULL : &walk->refs.list[place];
}

static inline bool
has_ref(const PointsDue *due)
{
	return due->ref.type != EVENT_REF_NONE;
}

/* How many points an event asks for: so many, or all. */
static int128
points_asked(const PointsDue *due)
{
	return due->has_value ? due_points(due) : (int128) PG_INT64_MAX * PG_INT64_MAX;
}

/* ---- the end of waiting ---- */

static void
release_lot(PointsWalk *walk, int32 number, TimestampTz at)
{
	PointsLot *lot = &walk->lots[number];

	if (lot->state != POINTS_LOT_PENDING || !lot_has_points(lot))
		return;
	lot->available_at = at;
	if (lot->expires_later)
		lot->expires_at = points_clock_share_expires_at(walk->clock, lot->earned_at, at,
														lot->label_no, lot->share);
	points_activate(walk, number);
}

/* Is there an earning that no activation of the same sort has seen? */
static bool
sees_earning(int128 *activated, int128 earned)
{
	bool sees = earned > *activated;

	*activated = earned;
	return sees;
}

void
points_release_event(PointsWalk *walk, const PointsDue *due)
{
	LotRef *own = has_ref(due) ? ref_of(walk, due) : NULL;
	bool founded;
	int32 lot;

	if (own != NULL)
	{
		founded = sees_earning(&own->activated, own->earned);
		for (lot = lot_refs_take_waiting(&walk->refs, own); lot >= 0;
			 lot = walk->refs.waits_before[lot])
		{
			release_lot(walk, lot, due->at);
			CHECK_FOR_INTERRUPTS();
		}
	}
	else if (!has_ref(due))
	{
		founded = sees_earning(&walk->activated, points_walk_totals(walk)->earned);
		for (; walk->first_waiting < walk->nlots; walk->first_waiting++)
		{
			release_lot(walk, walk->first_waiting, due->at);
			CHECK_FOR_INTERRUPTS();
		}
	}
	else
		founded = false;
	if (!founded)
		walk_emit_event(walk, POINTS_MOVE_BEYOND, due, 0);
	walk_finish(walk, due, 0);
}

/* ---- blocking ---- */

void
points_block_lot(PointsWalk *walk, int32 number, const PointsDue *due, int64 points)
{
	PointsLot *lot = &walk->lots[number];

	walk_add_free(walk, lot, -points);
	walk_add_blocked(walk, lot, points);
	queue_if_filled(walk, QUEUE_BLOCKED, number);
	lot_refs_block(&walk->refs, walk->lots, number);
	walk_emit(walk, POINTS_MOVE_BLOCK, due->role, due->at, number, due->number, points);
}

/* Of a lot up to so many points, of those that there are; returns how many. */
static int64
block_of(PointsWalk *walk, int32 number, const PointsDue *due, int128 points)
{
	int64 free = walk->lots[number].remaining;
	int64 blocked = points < free ? (int64) points : free;

	points_block_lot(walk, number, due, blocked);
	return blocked;
}

/* Blocks up to so many points from the lots of a queue, in its order; returns what is left. */
static int128
block_from(PointsWalk *walk, WalkQueue queue, const PointsDue *due, int128 left)
{
	int32 lot;

	while (left > 0 && (lot = walk_first_lot(walk, queue)) >= 0)
	{
		left -= block_of(walk, lot, due, left);
		CHECK_FOR_INTERRUPTS();
	}
	return left;
}

void
points_block_event(PointsWalk *walk, const PointsDue *due)
{
	int128 asked = points_asked(due);
	int128 left = asked;

	if (has_ref(due))
	{
		LotRef *own = ref_of(walk, due);
		int32 lot;

		while (own != NULL && left > 0 && (lot = lot_ref_first(own, walk->lots)) >= 0)
		{
			left -= block_of(walk, lot, due, left);
			CHECK_FOR_INTERRUPTS();
		}
	}
	else
	{
		left = block_from(walk, QUEUE_SPEND, due, left);
		left = block_from(walk, QUEUE_PENDING, due, left);
		walk->frozen |= !due->has_value;
	}
	if (due->has_value ? left > 0 : has_ref(due) && left == asked)
		walk_emit_event(walk, POINTS_MOVE_BEYOND, due, due->has_value ? (int64) left : 0);
}

/* ---- unblocking ---- */

/* The newest lot with blocked points that an event concerns; -1: none. */
static int32
first_blocked(PointsWalk *walk, const PointsDue *due, LotRef *own)
{
	if (!has_ref(due))
		return walk_first_lot(walk, QUEUE_BLOCKED);
	return own != NULL ? lot_ref_first_blocked(own, walk->lots) : -1;
}

/* Frees up to so many points of a lot, which pay debts unless it waits; returns how many. */
static int64
unblock_of(PointsWalk *walk, int32 number, const PointsDue *due, int128 points)
{
	PointsLot *lot = &walk->lots[number];
	int64 freed = points < lot->blocked ? (int64) points : lot->blocked;

	walk_add_blocked(walk, lot, -freed);
	walk_add_free(walk, lot, freed);
	walk_emit(walk, POINTS_MOVE_UNBLOCK, due->role, due->at, number, due->number, freed);
	if (lot->state == POINTS_LOT_ACTIVE)
		points_repay(walk, number, due->role, due->at, due->number);
	lot_refs_restore(&walk->refs, walk->lots, number);
	points_enqueue(walk, number);
	return freed;
}

void
points_unblock_event(PointsWalk *walk, const PointsDue *due)
{
	LotRef *own = has_ref(due) ? ref_of(walk, due) : NULL;
	int128 asked = points_asked(due);
	int128 left = asked;
	bool thaws = false;
	int32 lot;

	if (!has_ref(due) && !due->has_value)
	{
		thaws = walk->frozen;
		walk->frozen = false;
	}
	while (left > 0 && (lot = first_blocked(walk, due, own)) >= 0)
	{
		left -= unblock_of(walk, lot, due, left);
		CHECK_FOR_INTERRUPTS();
	}
	if (due->has_value ? left > 0 : left == asked && !thaws)
		walk_emit_event(walk, POINTS_MOVE_BEYOND, due, due->has_value ? (int64) left : 0);
}

/* ---- taking ---- */

int64
points_take_blocked_of(PointsWalk *walk, int32 number, const PointsDue *due, int64 points)
{
	PointsLot *lot = &walk->lots[number];
	int64 taken = Min(points, lot->blocked);
	PointsMove move = { .type = POINTS_MOVE_TAKE,
						.role = due->role,
						.at = due->at,
						.lot = number,
						.event = due->number,
						.debt = -1,
						.points = taken,
						.blocked = taken };

	walk_add_blocked(walk, lot, -taken);
	if (due->role == POINTS_EXPIRE && walk->policy->has_grace)
		points_note_expired(walk, number, taken, due->at);
	points_tell(walk, &move);
	return taken;
}

int64
points_take_blocked(PointsWalk *walk, const PointsDue *due, int64 points)
{
	int64 taken = 0;
	int32 lot;

	if (walk->totals.blocked == 0)
		return 0;
	while (taken < points && (lot = walk_first_lot(walk, QUEUE_BLOCKED)) >= 0)
	{
		taken += points_take_blocked_of(walk, lot, due, points - taken);
		CHECK_FOR_INTERRUPTS();
	}
	return taken;
}
