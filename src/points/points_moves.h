/*
 * points_moves.h
 *		What most events consist of, inline: a lot is made, lots are taken from.
 *
 * Most timelines are plain: their events have neither labels nor refs nor expiries, and where the
 * compiler knows that, it leaves out what is for those. So plain is a constant wherever it is
 * handed on.
 */
#ifndef LOYALTY_POINTS_MOVES_H
#define LOYALTY_POINTS_MOVES_H

#include "common/int.h"

#include "points/points_state.h"

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

/* Reports a move to the sink, if there is one. */
static inline void
walk_emit(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at, int32 lot,
		  int32 event, int64 points)
{
	if (unlikely(walk->sink != NULL))
		walk_tell(walk, type, role, at, lot, event, points);
}

/* ... one of an event's that touches no lot. */
static inline void
walk_emit_event(PointsWalk *walk, PointsMoveType type, const Due *due, int64 points)
{
	walk_emit(walk, type, due->role, due->at, -1, due->number, points);
}

/* The first lot of a queue; -1: none. */
static inline int32
walk_first_lot(PointsWalk *walk, WalkQueue queue)
{
	if (unlikely((walk->filled & (1 << queue)) == 0))
		walk_fill_queue(walk, queue);
	return lot_queue_first(&walk->queues[queue], walk_members[queue], walk->lots);
}

/* Something falls due at an instant. */
static inline void
walk_expect(PointsWalk *walk, TimestampTz at)
{
	walk->next_due = Min(walk->next_due, at);
}

/* ... an expiry does. */
static inline void
walk_expect_expiry(PointsWalk *walk, TimestampTz at)
{
	if (likely(!walk->suspended))
		walk_expect(walk, at);
}

/* Is a lot gone at an instant whose events are being worked off, since its own expiry passed? */
static inline bool
walk_is_over(const PointsWalk *walk, TimestampTz expires_at, TimestampTz now)
{
	return (expires_at < now || (expires_at == now && !walk->policy->valid_at_boundary)) &&
		   !walk->suspended;
}

/* What is left of a lot is gone. */
static inline void
walk_expire_lot(PointsWalk *walk, int32 number, TimestampTz at)
{
	PointsLot *lot = &walk->lots[number];
	int64 points = lot->remaining;

	if (unlikely(lot->state == POINTS_LOT_PENDING))
		walk->totals.pending -= points;
	else
		walk_add_active(walk, -points);
	lot->remaining = 0;
	lot->state = POINTS_LOT_GONE;
	walk_add(&walk->sums.expired, &walk->totals.expired, points);
	if (unlikely(walk->policy->books_expiry))
		walk->unbooked += points;
	walk_emit(walk, POINTS_MOVE_EXPIRE, POINTS_EXPIRE, at, number, -1, points);
}

/* Puts a lot into the queues where its state has it. */
static inline void
walk_enqueue(PointsWalk *walk, int32 number, bool is_new)
{
	PointsLot *lot = &walk->lots[number];

	walk_expect_expiry(walk, lot->expires_at);
	if (unlikely(lot->state == POINTS_LOT_PENDING))
	{
		lot_queue_push(&walk->queues[QUEUE_ACTIVATE], walk->lots, number);
		walk_expect(walk, lot->available_at);
	}
	else if (is_new)
		lot_queue_push_new(&walk->queues[QUEUE_SPEND], walk->lots, number);
	else
		lot_queue_push(&walk->queues[QUEUE_SPEND], walk->lots, number);
	if (unlikely(walk->filled != 1 << QUEUE_SPEND))
		walk_enqueue_further(walk, number);
}

/* Makes a lot of an event's points. */
static pg_attribute_always_inline void
walk_make_lot(PointsWalk *walk, const Due *due, int64 points, bool plain)
{
	TimestampTz at = due->at;
	int32 label_no = plain ? 0 : due->label_no;
	int32 number = walk->nlots;
	PointsLot *lot;

	if (unlikely(number == walk->max_lots))
		walk_grow_lots(walk);
	walk->nlots = number + 1;
	lot = &walk->lots[number];
	lot->earned_at = at;
	lot->available_at = at;
	if (unlikely(walk->clock->pends) && due->role == POINTS_EARN)
		lot->available_at = points_clock_available_at(walk->clock, at);
	if (!plain && due->has_expiry)
		lot->expires_at = due->expires_at;
	else
		lot->expires_at = points_clock_expires_at(walk->clock, at, lot->available_at, label_no);
	lot->points = lot->remaining = points;
	lot->event = due->number;
	lot->label_no = label_no;
	lot->ref = -1;
	lot->queued = 0;
	if (unlikely(lot->available_at > at))
	{
		lot->state = POINTS_LOT_PENDING;
		walk->totals.pending += points;
	}
	else
	{
		lot->state = POINTS_LOT_ACTIVE;
		walk_add_active(walk, points);
	}

	/* only a return looks for the lots of a ref, and of a timeline's events only kinds make one */
	if (!plain && due->ref.type != EVENT_REF_NONE && due->role == POINTS_EARN &&
		(walk->policy->nkinds > 0 || walk->fed))
		walk_note_lot(walk, &due->ref, number);
	walk_emit(walk, POINTS_MOVE_LOT, due->role, at, number, due->number, points);
	if (unlikely(walk_is_over(walk, lot->expires_at, at)))
	{
		walk_expire_lot(walk, number, at);
		return;
	}
	if (unlikely(walk->totals.overdrawn != 0) && lot->state == POINTS_LOT_ACTIVE)
		walk_repay(walk, number, due->role, at, due->number);
	walk_enqueue(walk, number, true);
}

/* Takes up to so many points from one lot; returns how many it gave. */
static inline int64
walk_take_from_lot(PointsWalk *walk, int32 number, const Due *due, int64 points)
{
	PointsLot *lot = &walk->lots[number];
	int64 taken = Min(points, lot->remaining);

	lot->remaining -= taken;
	if (unlikely(lot->state == POINTS_LOT_PENDING))
		walk->totals.pending -= taken;
	else
		walk_add_active(walk, -taken);
	walk_emit(walk, POINTS_MOVE_TAKE, due->role, due->at, number, due->number, taken);
	return taken;
}

/* Takes a redemption's points, and remembers from where if it may be refunded. */
static pg_attribute_always_inline void
walk_redeem(PointsWalk *walk, const Due *due, int64 points, bool plain)
{
	bool may_come_back = !plain && due->ref.type != EVENT_REF_NONE && walk->policy->has_refunds;
	int32 first_piece = walk->npieces;
	LotQueue *queue = &walk->queues[QUEUE_SPEND];
	int64 left = points;
	int32 lot;

	if (unlikely(walk->policy->overdraft == POINTS_OVERDRAFT_REFUSE) &&
		points_walk_totals(walk)->active < points)
		walk_refuse(walk, due);
	while (left > 0 && (lot = lot_queue_first(queue, LOTS_ACTIVE_WITH_POINTS, walk->lots)) >= 0)
	{
		int64 taken = walk_take_from_lot(walk, lot, due, left);

		left -= taken;
		if (may_come_back)
			walk_note_piece(walk, lot, taken);
		if (walk->lots[lot].remaining == 0)
			lot_queue_step(queue, walk->lots, lot);
	}
	if (may_come_back)
		walk_note_redemption(walk, &due->ref, first_piece,
							 walk->policy->overdraft == POINTS_OVERDRAFT_CLIP ? 0 : left);
	walk_add(&walk->sums.redeemed, &walk->totals.redeemed, points - left);
	if (left > 0)
		walk_fall_short(walk, due, left);
}

/* An event earned or redeemed; where that refreshes, inactivity is put off. */
static inline void
walk_note_activity(PointsWalk *walk, TimestampTz at, bool refreshes)
{
	walk->last_activity = at;
	if (likely(!walk->policy->has_inactive) || !refreshes)
		return;
	/* a bound that stands already is met too early by that, which does no harm */
	if (walk->last_refresh == DT_NOBEGIN)
		walk_expect_expiry(walk, points_clock_inactive_bound(walk->clock, at));
	walk->last_refresh = at;
	walk->inactive_known = false;
}

/* Does what an event does. Plain: it has an instant and a value, whose sign decides. */
static pg_attribute_always_inline void
walk_work_off(PointsWalk *walk, Due *due, bool plain)
{
	if (plain ? due->value > 0 : due->role == POINTS_EARN)
	{
		due->role = POINTS_EARN;
		walk_add(&walk->sums.earned, &walk->totals.earned, due->value);
		walk_make_lot(walk, due, due->value, plain);
		walk_note_activity(walk, due->at, walk->policy->refreshed_by_earn);
	}
	else if (plain ? due->value < 0 : due->role == POINTS_REDEEM)
	{
		due->role = POINTS_REDEEM;
		walk_redeem(walk, due, due_points(due), plain);
		walk_note_activity(walk, due->at, walk->policy->refreshed_by_redeem);
	}
	else if (plain || due->role == POINTS_IGNORE)
		return;
	else
		walk_do_other(walk, due);
	walk_emit(walk, POINTS_MOVE_DONE, due->role, due->at, -1, due->number, due_points(due));
}

#endif
