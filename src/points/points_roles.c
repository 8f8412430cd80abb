/*
 * points_roles.c
 *		What an event of each role does to a customer's lots.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/decimal.h"
#include "points/points_state.h"

const char *const points_role_names[POINTS_ROLES] = { "earn",	  "redeem_refund", "adjust",
													  "transfer", "return",		   "redeem",
													  "forfeit",  "expire",		   "ignore" };

static void
refuse_redemption(const PointsWalk *walk, const Due *due)
{
	const Event *event = &due->event;
	int scale = walk->reader.scale;
	char *ref = event->ref_type == EVENT_REF_TEXT
					? psprintf(" (ref %.*s)", event->ref_text.len, event->ref_text.bytes)
				: event->ref_type == EVENT_REF_NUMBER
					? psprintf(" (ref " INT64_FORMAT ")", event->ref_number)
					: "";

	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("redemption of %s points at %s%s is more than the balance of %s",
				decimal_to_text(due->points, scale), timestamptz_to_str(event->at), ref,
				decimal_to_text((int64) walk->totals.active, scale)),
		 walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
		 errhint("The policy's overdraft is \"refuse\"; \"allow\" lets a balance go below zero, "
				 "\"clip\" cuts a redemption to what is there.")));
}

/* Takes a redemption's points, and remembers from where if it may be refunded. */
static void
redeem(PointsWalk *walk, const Due *due)
{
	int32 number_of_ref = walk->policy->has_refunds ? walk_find_ref(walk, &due->event, true) : -1;
	RefState *ref = number_of_ref < 0 ? NULL : &walk->ref_states[number_of_ref];
	int64 left = due->points;
	int32 number;

	if (walk->policy->overdraft == POINTS_OVERDRAFT_REFUSE && walk->totals.active < left)
		refuse_redemption(walk, due);
	while (left > 0 && (number = walk_first_lot(walk, QUEUE_SPEND)) >= 0)
	{
		int64 taken = walk_take_from_lot(walk, number, due, left);

		left -= taken;
		if (ref != NULL)
		{
			Piece *piece;

			if (walk->npieces == walk->max_pieces)
			{
				walk->max_pieces = Max(64, walk->max_pieces * 2);
				walk->pieces =
					walk->pieces == NULL
						? MemoryContextAlloc(walk->context, walk->max_pieces * sizeof(Piece))
						: repalloc_huge(walk->pieces, walk->max_pieces * sizeof(Piece));
			}
			piece = &walk->pieces[walk->npieces];
			piece->lot = number;
			piece->points = taken;
			piece->before = ref->last_piece;
			ref->last_piece = walk->npieces++;
		}
	}
	walk->totals.redeemed += due->points - left;
	if (left > 0 && walk->policy->overdraft == POINTS_OVERDRAFT_CLIP)
	{
		walk->totals.unmet += left;
		walk_emit_event(walk, POINTS_MOVE_UNMET, due, left);
	}
	else if (left > 0)
	{
		walk->totals.redeemed += left;
		if (ref != NULL)
			ref->debt += left;
		walk_overdraw(walk, due, left);
	}
}

/* First what the redemption owes, then the lots that it used, the last one first; the rest is
 * earned anew. */
static void
refund(PointsWalk *walk, const Due *due)
{
	int32 number_of_ref = walk_find_ref(walk, &due->event, false);
	RefState *ref = number_of_ref < 0 ? NULL : &walk->ref_states[number_of_ref];
	int64 left = due->points;

	walk->totals.reinstated += left;
	if (ref != NULL)
	{
		int128 debt = Min(ref->debt, walk->totals.overdrawn);

		if (debt > 0)
		{
			int64 cancelled = debt < left ? (int64) debt : left;

			ref->debt -= cancelled;
			walk->totals.overdrawn -= cancelled;
			left -= cancelled;
			walk_emit_event(walk, POINTS_MOVE_CANCEL_DEBT, due, cancelled);
		}
		while (left > 0 && ref->last_piece >= 0)
		{
			Piece *piece = &walk->pieces[ref->last_piece];
			int64 points = Min(piece->points, left);

			piece->points -= points;
			left -= points;
			if (piece->points == 0)
				ref->last_piece = piece->before;
			walk_restore(walk, piece->lot, due, points);
		}
	}
	if (left > 0)
		walk_make_lot(walk, due, left, false);
}

/* From the lots of its own ref, then pending ones, then the newest. */
static void
take_back(PointsWalk *walk, const Due *due)
{
	int32 ref = walk_find_ref(walk, &due->event, false);
	int64 left = due->points;
	int32 lot;

	while (ref >= 0 && left > 0 && (lot = walk_first_of_ref(walk, ref)) >= 0)
		left -= walk_take_from_lot(walk, lot, due, left);
	left -= walk_take(walk, QUEUE_PENDING, due, left);
	left -= walk_take(walk, QUEUE_NEWEST, due, left);
	if (walk->policy->returns_below_zero)
	{
		walk->totals.returned += due->points;
		walk_overdraw(walk, due, left);
	}
	else
	{
		walk->totals.returned += due->points - left;
		if (left > 0)
			walk_emit_event(walk, POINTS_MOVE_DROP, due, left);
	}
}

/* Takes from active lots, then from pending ones; returns what wasn't there. */
static int64
take_anything(PointsWalk *walk, WalkQueue active, const Due *due, int64 points)
{
	int64 left = points - walk_take(walk, active, due, points);

	return left - walk_take(walk, QUEUE_PENDING, due, left);
}

static void
forfeit(PointsWalk *walk, const Due *due)
{
	int64 left = take_anything(walk, QUEUE_SPEND, due, due->points);

	walk->totals.forfeited += due->points - left;
	if (left > 0)
		walk_emit_event(walk, POINTS_MOVE_DROP, due, left);
}

/* A booking of what the rules had expire already takes nothing more. */
static void
book_expiry(PointsWalk *walk, const Due *due)
{
	int64 matched = walk->unbooked < due->points ? (int64) walk->unbooked : due->points;
	int64 left;

	walk->unbooked -= matched;
	if (matched > 0)
		walk_emit_event(walk, POINTS_MOVE_MATCH, due, matched);
	left = take_anything(walk, QUEUE_SOONEST, due, due->points - matched);
	walk->totals.expired += due->points - matched - left;
	if (left > 0)
		walk_emit_event(walk, POINTS_MOVE_DROP, due, left);
}

/* Adjustments and transfers: in makes a lot, out takes. */
static void
move_points(PointsWalk *walk, const Due *due, int128 *total)
{
	*total += due->event.value;
	if (due->event.value > 0)
		walk_make_lot(walk, due, due->points, false);
	else
		walk_overdraw(walk, due, take_anything(walk, QUEUE_SPEND, due, due->points));
}

void
walk_work_off(PointsWalk *walk, const Due *due)
{
	switch (due->role)
	{
		case POINTS_EARN:
			walk->totals.earned += due->points;
			walk_make_lot(walk, due, due->points, true);
			break;
		case POINTS_REDEEM_REFUND:
			refund(walk, due);
			break;
		case POINTS_ADJUST:
			move_points(walk, due, &walk->totals.adjusted);
			break;
		case POINTS_TRANSFER:
			move_points(walk, due, &walk->totals.transferred);
			break;
		case POINTS_RETURN:
			take_back(walk, due);
			break;
		case POINTS_REDEEM:
			redeem(walk, due);
			break;
		case POINTS_FORFEIT:
			forfeit(walk, due);
			break;
		case POINTS_EXPIRE:
			book_expiry(walk, due);
			break;
		case POINTS_IGNORE:
			return;
	}
	if (due->role == POINTS_EARN || due->role == POINTS_REDEEM)
	{
		walk->last_activity = due->event.at;
		if (due->role == POINTS_EARN ? walk->policy->refreshed_by_earn
									 : walk->policy->refreshed_by_redeem)
		{
			walk->last_refresh = due->event.at;
			walk->inactive_known = false;
			if (walk->policy->has_inactive)
				walk->inactive_bound = points_clock_inactive_bound(walk->clock, due->event.at);
		}
	}
	walk_emit(walk, POINTS_MOVE_DONE, due->role, due->event.at, -1, due->number, due->points);
}
