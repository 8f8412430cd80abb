/*
 * points_roles.c
 *		What an event of each role does to a customer's lots.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/decimal.h"
#include "points/points_moves.h"

const char *const points_role_names[POINTS_ROLES] = { "earn",	  "redeem_refund", "adjust",
													  "transfer", "return",		   "redeem",
													  "forfeit",  "expire",		   "ignore" };

void
walk_refuse(PointsWalk *walk, const Due *due)
{
	const RefKey *key = &due->ref;
	int scale = walk->reader.scale;
	char *ref = key->type == EVENT_REF_TEXT
					? psprintf(" (ref %.*s)", key->text.len, key->text.bytes)
				: key->type == EVENT_REF_NUMBER ? psprintf(" (ref " INT64_FORMAT ")", key->number)
												: "";

	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("redemption of %s points at %s%s is more than the balance of %s",
				decimal_to_text(due_points(due), scale), timestamptz_to_str(due->at), ref,
				decimal_to_text((int64) points_walk_totals(walk)->active, scale)),
		 walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
		 errhint("The policy's overdraft is \"refuse\"; \"allow\" lets a balance go below zero, "
				 "\"clip\" cuts a redemption to what is there.")));
}

void
walk_note_piece(PointsWalk *walk, int32 lot, int64 points)
{
	Piece *piece;

	if (unlikely(walk->npieces == walk->max_pieces))
	{
		int32 room = Max(64, walk->max_pieces * 2);

		walk->pieces = walk->pieces == NULL
						   ? MemoryContextAlloc(walk->context, room * sizeof(Piece))
						   : repalloc_huge(walk->pieces, (Size) room * sizeof(Piece));
		walk->max_pieces = room;
	}
	piece = &walk->pieces[walk->npieces++];
	piece->lot = lot;
	piece->points = points;
	piece->before = -1;
}

void
walk_fall_short(PointsWalk *walk, const Due *due, int64 points)
{
	if (walk->policy->overdraft == POINTS_OVERDRAFT_CLIP)
	{
		walk->totals.unmet += points;
		walk_emit_event(walk, POINTS_MOVE_UNMET, due, points);
	}
	else
	{
		walk_add(&walk->sums.redeemed, &walk->totals.redeemed, points);
		walk_overdraw(walk, due, points);
	}
}

/* First what the redemption owes, then the lots that it used, the last one first; the rest is
 * earned anew. */
static void
refund(PointsWalk *walk, const Due *due)
{
	RefState *ref = walk_find_ref(walk, &due->ref);
	int64 left = due_points(due);

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
	RefState *ref = walk_find_ref(walk, &due->ref);
	int64 left = due_points(due);
	int32 lot;

	while (ref != NULL && left > 0 && (lot = walk_first_of_ref(walk, ref)) >= 0)
		left -= walk_take_from_lot(walk, lot, due, left);
	left -= walk_take(walk, QUEUE_PENDING, due, left);
	left -= walk_take(walk, QUEUE_NEWEST, due, left);
	if (walk->policy->returns_below_zero)
	{
		walk->totals.returned += due_points(due);
		walk_overdraw(walk, due, left);
	}
	else
	{
		walk->totals.returned += due_points(due) - left;
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
	int64 left = take_anything(walk, QUEUE_SPEND, due, due_points(due));

	walk->totals.forfeited += due_points(due) - left;
	if (left > 0)
		walk_emit_event(walk, POINTS_MOVE_DROP, due, left);
}

/* A booking of what the rules had expire already takes nothing more. */
static void
book_expiry(PointsWalk *walk, const Due *due)
{
	int64 matched = walk->unbooked < due_points(due) ? (int64) walk->unbooked : due_points(due);
	int64 left;

	walk->unbooked -= matched;
	if (matched > 0)
		walk_emit_event(walk, POINTS_MOVE_MATCH, due, matched);
	left = take_anything(walk, QUEUE_SOONEST, due, due_points(due) - matched);
	walk->totals.expired += due_points(due) - matched - left;
	if (left > 0)
		walk_emit_event(walk, POINTS_MOVE_DROP, due, left);
}

/* Adjustments and transfers: in makes a lot, out takes. */
static void
move_points(PointsWalk *walk, const Due *due, int128 *total)
{
	if (due->value < 0)
	{
		*total -= due_points(due);
		walk_overdraw(walk, due, take_anything(walk, QUEUE_SPEND, due, due_points(due)));
	}
	else
	{
		*total += due_points(due);
		walk_make_lot(walk, due, due->value, false);
	}
}

void
walk_do_other(PointsWalk *walk, const Due *due)
{
	switch (due->role)
	{
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
		case POINTS_FORFEIT:
			forfeit(walk, due);
			break;
		case POINTS_EXPIRE:
			book_expiry(walk, due);
			break;
		default:
			elog(ERROR, "unexpected role %d", due->role);
	}
}
