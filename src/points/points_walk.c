/*
 * points_walk.c
 *		Replays a customer's events and what falls due between them, in order: the one
 *		implementation of the points rules.
 *
 *		timeline --> events of one instant, by role --+
 *													  +--> moves on lots --> totals, sink
 *		lots' expiries, activations, inactivity ------+
 *
 * Lots stand in an array in the order in which they were earned, and in the queues
 * that the rules need (points_lots.c). Queues that only some roles need are filled
 * when the first of them comes. So a walk takes O(n log n) at worst, and a few compares
 * an event where all lots live equally long: next_due is a bound below which nothing
 * falls due, so that most events come without a look at the queues.
 *
 * Most timelines are plain: their events have neither labels nor refs nor expiries, and where the
 * compiler knows that, it leaves out what is for those. So plain is a constant wherever it is
 * handed on.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/array.h"
#include "core/decimal.h"
#include "points/points_internal.h"

/* ---- the state ---- */

typedef enum WalkQueue
{
	QUEUE_SPEND,	/* active, in the order of redemption */
	QUEUE_EXPIRY,	/* all that expire */
	QUEUE_ACTIVATE, /* pending */
	QUEUE_NEWEST,	/* active, newest first: for returns */
	QUEUE_PENDING,	/* pending, newest first: for returns, and for what takes from everything */
	QUEUE_SOONEST,	/* active, soonest expiry first: for booked expiries */
	QUEUE_ALL,		/* all, oldest first: for inactivity */
	WALK_QUEUES
} WalkQueue;

/* Which lots belong into them. */
static const LotMembers walk_members[WALK_QUEUES] = {
	[QUEUE_SPEND] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_EXPIRY] = LOTS_WITH_POINTS,
	[QUEUE_ACTIVATE] = LOTS_PENDING,
	[QUEUE_NEWEST] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_PENDING] = LOTS_PENDING_WITH_POINTS,
	[QUEUE_SOONEST] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_ALL] = LOTS_WITH_POINTS,
};

/* What the roles need of an event. */
typedef struct Due
{
	TimestampTz at;
	int64 value;
	int32 number;
	PointsRole role; /* POINTS_ROLES: not in the policy; set late where the sign decides */
	int32 kind_no;
	int32 label_no;
	bool has_expiry;
	TimestampTz expires_at; /* of its own; see has_expiry */
	RefKey ref;
} Due;

/* An event's points, whatever their sign. */
static inline int64
due_points(const Due *due)
{
	return due->value < 0 ? -due->value : due->value;
}

/* Events that are read at once. */
#define WALK_AHEAD 32

/* Parts of the totals that most events change, as they came together since the last look. */
typedef struct WalkSums
{
	int64 earned;
	int64 redeemed;
	int64 expired;
	int64 active;
} WalkSums;

/* Dictionaries up to this size are read without an allocation. */
#define WALK_TEXTS 64

struct PointsWalk
{
	const PointsPolicy *policy;
	PointsClock *clock;
	PointsSink sink;
	void *sink_context;
	MemoryContext context;
	const char *customer;

	TimelineReader reader; /* of a timeline; fed from outside there is just its scale */
	bool fed;			   /* from outside */
	const EventText *labels;
	int nlabels;
	bool is_plain; /* instants and values only: no kinds, labels, refs, expiries, events to keep */
	PointsRole *roles; /* by 2 x kind_no, plus 1 if negative; POINTS_ROLES: not in the policy */
	int64 max_roles;

	/*
	 * Events read ahead: those from next up to ahead_end, of which the last one isn't worked off
	 * before there is another one behind it. At the end that is one at DT_NOEND.
	 */
	Due *next;
	Due *ahead_end;
	Due *ahead;
	int64 max_ahead;
	int32 nread;
	Event *events; /* all events that were read; NULL: nobody asks for them */
	int64 max_events;

	TimestampTz next_due;	/* nothing falls due before */
	bool suspended;			/* nothing expires */
	TimestampTz resumed_at; /* what was overdue expires there; DT_NOBEGIN: never suspended */
	PointsLot *lots;
	int32 nlots;
	int64 max_lots;
	LotQueue queues[WALK_QUEUES];
	uint32 filled;			/* queues that are kept up, as bits */
	uint32 filled_at_first; /* the others are filled once somebody asks for them */
	WalkQueue expiry;		/* the one that tells what expires next */

	LotRefs refs; /* what was earned and redeemed under a ref */

	PointsTotals totals;
	WalkSums sums;	 /* what isn't in them yet */
	int128 unbooked; /* computed expiries that the ledger hasn't booked yet, if it books any */
	TimestampTz last_activity;
	TimestampTz last_refresh; /* DT_NOBEGIN: inactivity isn't armed */
	TimestampTz inactive_at;  /* computed from last_refresh, unless ... */
	bool inactive_known;	  /* ... not yet */

	EventText texts[WALK_TEXTS];
};

/* ---- moves on lots: each keeps totals and queues true, and tells the sink ---- */

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

static pg_noinline void
walk_tell(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at, int32 lot,
		  int32 event, int64 points)
{
	PointsMove move = {
		.type = type, .role = role, .at = at, .lot = lot, .event = event, .points = points
	};

	walk->sink(walk->sink_context, walk, &move);
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

static pg_noinline void
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

static void
queue_if_filled(PointsWalk *walk, WalkQueue queue, int32 lot)
{
	if (walk->filled & (1 << queue))
		lot_queue_push(&walk->queues[queue], walk->lots, lot);
}

static pg_noinline void
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

/* Points that have become available pay back a debt first. */
static pg_noinline void
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

/* Makes a lot of an event's points. */
static pg_attribute_always_inline void
walk_make_lot(PointsWalk *walk, const Due *due, int64 points, bool plain)
{
	TimestampTz at = due->at;
	int32 label_no = plain ? 0 : due->label_no;
	int32 number = walk->nlots;
	PointsLot *lot;

	if (unlikely(number == walk->max_lots))
		walk->lots = array_grow(walk->lots, &walk->max_lots, walk->max_lots + 1, sizeof(PointsLot));
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
		lot_refs_note_lot(&walk->refs, walk->lots, &due->ref, number);
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

static pg_noinline void
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

/* Everything goes; the next refresh arms inactivity again. */
static pg_noinline void
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

/* Gives points back to the lot that they were taken from. */
static pg_noinline void
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
	lot_refs_restore(&walk->refs, walk->lots, number);
	walk_enqueue(walk, number, false);
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

/* Takes up to so many points from the lots of a queue, in its order; returns how many there were.
 */
static pg_noinline int64
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

static pg_noinline void
walk_overdraw(PointsWalk *walk, const Due *due, int64 points)
{
	if (points == 0)
		return;
	walk->totals.overdrawn += points;
	walk_emit_event(walk, POINTS_MOVE_OVERDRAW, due, points);
}

/* ---- what an event of each role does ---- */

const char *const points_role_names[POINTS_ROLES] = { "earn",	  "redeem_refund", "adjust",
													  "transfer", "return",		   "redeem",
													  "forfeit",  "expire",		   "ignore" };

static pg_noinline void
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

static pg_noinline void
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

/* Takes a redemption's points, and remembers from where if it may be refunded. */
static pg_attribute_always_inline void
walk_redeem(PointsWalk *walk, const Due *due, int64 points, bool plain)
{
	bool may_come_back = !plain && due->ref.type != EVENT_REF_NONE && walk->policy->has_refunds;
	int32 first_piece = walk->refs.npieces;
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
			lot_refs_note_piece(&walk->refs, lot, taken);
		if (walk->lots[lot].remaining == 0)
			lot_queue_step(queue, walk->lots, lot);
	}
	if (may_come_back)
		lot_refs_note_redemption(&walk->refs, walk->lots, &due->ref, first_piece,
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

/* First what the redemption owes, then the lots that it used, the last one first; the rest is
 * earned anew. */
static void
refund(PointsWalk *walk, const Due *due)
{
	LotRef *ref = lot_refs_find(&walk->refs, walk->lots, &due->ref);
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
			LotPiece *piece = &walk->refs.pieces[ref->last_piece];
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
	LotRef *ref = lot_refs_find(&walk->refs, walk->lots, &due->ref);
	int64 left = due_points(due);
	int32 lot;

	while (ref != NULL && left > 0 && (lot = lot_ref_first(ref, walk->lots)) >= 0)
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

static pg_noinline void
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

static void
init_queue(PointsWalk *walk, WalkQueue queue, LotOrder order)
{
	lot_queue_init(&walk->queues[queue], 1 << queue, false, order);
}

PointsWalk *
points_walk_create(const PointsPolicy *policy, int flags, PointsSink sink, void *context)
{
	PointsWalk *walk = palloc0(sizeof(PointsWalk));
	LotOrder spend = policy->order == POINTS_SOONEST_EXPIRY ? LOTS_BY_EXPIRY
					 : policy->order == POINTS_OLDEST		? LOTS_OLDEST
															: LOTS_NEWEST;

	walk->policy = policy;
	walk->clock = points_clock_create(policy);
	walk->sink = sink;
	walk->sink_context = context;
	walk->context = CurrentMemoryContext;
	lot_refs_init(&walk->refs, 1 << WALK_QUEUES);
	walk->ahead = array_grow(NULL, &walk->max_ahead, WALK_AHEAD, sizeof(Due));
	walk->lots = array_grow(NULL, &walk->max_lots, 64, sizeof(PointsLot));
	if (flags & POINTS_KEEP_EVENTS)
		walk->events = array_grow(NULL, &walk->max_events, 64, sizeof(Event));
	walk->roles = array_grow(NULL, &walk->max_roles, 2, sizeof(PointsRole));
	walk->roles[0] = walk->roles[1] = POINTS_ROLES;
	init_queue(walk, QUEUE_SPEND, spend);
	init_queue(walk, QUEUE_EXPIRY, LOTS_BY_EXPIRY);
	init_queue(walk, QUEUE_ACTIVATE, LOTS_BY_ACTIVATION);
	init_queue(walk, QUEUE_NEWEST, LOTS_NEWEST);
	init_queue(walk, QUEUE_PENDING, LOTS_NEWEST);
	init_queue(walk, QUEUE_SOONEST, LOTS_BY_EXPIRY);
	init_queue(walk, QUEUE_ALL, LOTS_OLDEST);

	/* where lots don't wait, those to be spent in the order of expiry are those that expire */
	walk->filled_at_first = 1 << QUEUE_SPEND;
	walk->expiry = QUEUE_SPEND;
	if (walk->clock->pends)
		walk->filled_at_first |= 1 << QUEUE_ACTIVATE;
	if (walk->clock->pends || spend != LOTS_BY_EXPIRY)
	{
		walk->filled_at_first |= 1 << QUEUE_EXPIRY;
		walk->expiry = QUEUE_EXPIRY;
	}
	return walk;
}

/* ---- reading events ---- */

static void report_unknown_kind(const PointsWalk *walk, int kind_no) pg_attribute_noreturn();

/* A kind_no of 0: the event has none. */
static void
report_unknown_kind(const PointsWalk *walk, int kind_no)
{
	StringInfoData known;
	int i;

	initStringInfo(&known);
	for (i = 0; i < walk->policy->nkinds; i++)
		appendStringInfo(&known, "%s\"%.*s\"", i > 0 ? ", " : "", walk->policy->kinds[i].kind.len,
						 walk->policy->kinds[i].kind.bytes);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					kind_no == 0
						? errmsg("event without a kind, where the points policy tells kinds apart")
						: errmsg("kind \"%.*s\" is not in the points policy",
								 walk->reader.kinds[kind_no - 1].len,
								 walk->reader.kinds[kind_no - 1].bytes),
					walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
					errhint("Known kinds: %s. Map it to a role, \"ignore\" if it doesn't matter.",
							known.data)));
}

/* The role of a kind, looked for from the place from on; sets where it was found. */
static PointsRole
find_role(const PointsPolicy *policy, const EventText *kind, int from, int *found)
{
	int low = from;
	int high = policy->nkinds;

	while (low < high)
	{
		int middle = low == from ? low : (low + high) / 2;
		int order = event_text_compare(&policy->kinds[middle].kind, kind);

		if (order == 0)
		{
			*found = middle;
			return policy->kinds[middle].role;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return POINTS_ROLES;
}

/*
 * Finds the roles of the timeline's kinds. Both sides are sorted, and mostly the same: each kind
 * is looked for right behind the one before.
 */
static void
find_roles(PointsWalk *walk)
{
	int last = -1;
	int i;

	walk->roles = array_grow(walk->roles, &walk->max_roles, 2 * (1 + (int64) walk->reader.nkinds),
							 sizeof(PointsRole));
	for (i = 0; i < walk->reader.nkinds; i++)
	{
		PointsRole role = find_role(walk->policy, &walk->reader.kinds[i], last + 1, &last);
		PointsRole *roles = &walk->roles[2 * (1 + i)];

		roles[0] = role;
		roles[1] = role == POINTS_EARN ? POINTS_RETURN : role;
	}
}

/* What an event does; POINTS_IGNORE where it does nothing. */
static inline PointsRole
role_of(const PointsWalk *walk, int kind_no, int64 value)
{
	if (value == 0)
		return POINTS_IGNORE;
	if (walk->policy->nkinds == 0)
		return value > 0 ? POINTS_EARN : POINTS_REDEEM;
	return walk->roles[2 * kind_no + (value < 0)];
}

/* An event that has no kind, label, ref or expiry of its own, nor a value. */
static inline void
clear_due(Due *due, int32 number)
{
	due->value = 0;
	due->number = number;
	due->kind_no = due->label_no = 0;
	due->has_expiry = false;
	due->ref.type = EVENT_REF_NONE;
}

/* Reads events of a plain timeline. */
static void
read_plain(PointsWalk *walk, Due *due, int n)
{
	TimelineReader reader = walk->reader;
	int32 number = walk->nread;
	Due *end = due + n;

	for (; due < end; due++)
	{
		clear_due(due, number++);
		if (reader.flags & TIMELINE_HAS_VALUES)
			timeline_read_instant_and_value(&reader, &due->at, &due->value);
		else
			due->at = timeline_read_instant(&reader);
	}
	walk->reader = reader;
}

/* Keeps an event for points_walk_event(). */
static void
keep_event(const PointsWalk *walk, const Due *due, bool has_value)
{
	const TimelineReader *reader = &walk->reader;
	Event *event = &walk->events[due->number];

	memset(event, 0, sizeof(Event));
	event->at = due->at;
	event->has_value = has_value;
	event->value = due->value;
	event->kind_no = due->kind_no;
	if (due->kind_no > 0)
		event->kind = reader->kinds[due->kind_no - 1];
	event->label_no = due->label_no;
	if (due->label_no > 0)
		event->label = reader->labels[due->label_no - 1];
	event->ref_type = due->ref.type;
	if (due->ref.type == EVENT_REF_NUMBER)
		event->ref_number = due->ref.number;
	else if (due->ref.type == EVENT_REF_TEXT)
		event->ref_text = due->ref.text;
	event->has_expiry = due->has_expiry;
	if (due->has_expiry)
		event->expires_at = due->expires_at;
}

/* Reads events of any timeline. */
static void
read_whole(PointsWalk *walk, Due *due, int n)
{
	TimelineReader reader = walk->reader;
	int32 number = walk->nread;
	Due *end = due + n;

	for (; due < end; due++)
	{
		bool has_value = false;

		clear_due(due, number++);
		if (reader.flags & TIMELINE_HAS_VALUES)
			has_value = timeline_read_instant_and_value(&reader, &due->at, &due->value);
		else
			due->at = timeline_read_instant(&reader);
		if (reader.flags & TIMELINE_HAS_KINDS)
			due->kind_no = timeline_read_text_no(&reader, reader.nkinds);
		if (reader.flags & TIMELINE_HAS_LABELS)
			due->label_no = timeline_read_text_no(&reader, reader.nlabels);
		if (reader.flags & TIMELINE_HAS_REFS)
			due->ref.type = timeline_read_ref(&reader, &due->ref.number, &due->ref.text);
		if (reader.flags & TIMELINE_HAS_EXPIRIES)
			due->has_expiry = timeline_read_expiry(&reader, due->at, &due->expires_at);
		due->role = role_of(walk, due->kind_no, due->value);
		if (walk->events != NULL)
			keep_event(walk, due, has_value);
	}
	walk->reader = reader;
}

/* Reads further events behind those that wait for their turn, which come to the front. */
static void
read_ahead(PointsWalk *walk)
{
	int waiting = (int) (walk->ahead_end - walk->next);
	int room;
	int n;

	memmove(walk->ahead, walk->next, waiting * sizeof(Due));
	if (waiting > walk->max_ahead / 2)
		walk->ahead = array_grow(walk->ahead, &walk->max_ahead, walk->max_ahead + 1, sizeof(Due));
	walk->next = walk->ahead;
	walk->ahead_end = walk->ahead + waiting;
	room = waiting < WALK_AHEAD / 2 ? WALK_AHEAD : (int) walk->max_ahead;
	n = (int) Min(walk->reader.left, (uint64) (room - waiting - 1));
	if (walk->is_plain)
		read_plain(walk, walk->ahead_end, n);
	else
		read_whole(walk, walk->ahead_end, n);
	walk->nread += n;
	walk->ahead_end += n;
	walk->reader.left -= n;
	if (walk->reader.left == 0)
		(walk->ahead_end++)->at = DT_NOEND;
}

static void
start_over(PointsWalk *walk, const char *customer)
{
	int i;

	walk->customer = customer;
	walk->nread = 0;
	walk->nlots = 0;
	for (i = 0; i < WALK_QUEUES; i++)
		lot_queue_clear(&walk->queues[i]);
	walk->filled = walk->filled_at_first;
	lot_refs_clear(&walk->refs);
	memset(&walk->totals, 0, sizeof(PointsTotals));
	memset(&walk->sums, 0, sizeof(WalkSums));
	walk->unbooked = 0;
	walk->last_activity = walk->last_refresh = DT_NOBEGIN;
	walk->inactive_known = false;
	walk->next_due = DT_NOEND;
	walk->suspended = false;
	walk->resumed_at = DT_NOBEGIN;
	walk->next = walk->ahead_end = walk->ahead;
}

void
points_walk_start(PointsWalk *walk, ByteSpan body, const char *customer)
{
	TimelineReader *reader = &walk->reader;
	MemoryContext caller = MemoryContextSwitchTo(walk->context);

	timeline_close_within(reader, walk->texts, WALK_TEXTS);
	reader->kinds = reader->labels = NULL;
	timeline_open_within(reader, body.bytes, body.len, walk->texts, WALK_TEXTS);
	MemoryContextSwitchTo(caller);
	start_over(walk, customer);

	walk->fed = false;
	walk->labels = reader->labels;
	walk->nlabels = reader->nlabels;
	walk->is_plain =
		(reader->flags & TIMELINE_RICH) == 0 && walk->policy->nkinds == 0 && walk->events == NULL;
	if (reader->flags & TIMELINE_HAS_KINDS && walk->policy->nkinds > 0)
		find_roles(walk);
	if (reader->flags & TIMELINE_HAS_LABELS)
		points_clock_set_labels(walk->clock, reader->labels, reader->nlabels);
	if (walk->events != NULL)
		walk->events = array_grow(walk->events, &walk->max_events,
								  (int64) Min(reader->count, PG_INT32_MAX), sizeof(Event));
	read_ahead(walk);
}

/* ---- what falls due ---- */

/* The last instant of which a limit lets a step happen. */
static inline TimestampTz
last_of(PointsLimit limit, PointsStep step)
{
	return step <= limit.step ? limit.at : limit.at - 1;
}

TimestampTz
points_walk_inactive_at(PointsWalk *walk)
{
	if (walk->last_refresh == DT_NOBEGIN)
		return DT_NOEND;
	if (!walk->inactive_known)
	{
		walk->inactive_at = points_clock_inactive_at(walk->clock, walk->last_refresh);
		walk->inactive_known = true;
	}
	return walk->inactive_at;
}

/* A bound below points_walk_inactive_at(), or that itself where it has been computed. */
static inline TimestampTz
inactive_bound(const PointsWalk *walk)
{
	if (likely(!walk->policy->has_inactive) || walk->last_refresh == DT_NOBEGIN)
		return DT_NOEND;
	return walk->inactive_known ? walk->inactive_at
								: points_clock_inactive_bound(walk->clock, walk->last_refresh);
}

/* Works off what falls due up to a limit, in order. */
static void
run_due(PointsWalk *walk, PointsLimit limit)
{
	LotQueue *expiry = &walk->queues[walk->expiry];
	bool valid_at_boundary = walk->policy->valid_at_boundary;
	TimestampTz last_activation = last_of(limit, POINTS_STEP_ACTIVATE);
	TimestampTz last_expiry =
		last_of(limit, valid_at_boundary ? POINTS_STEP_EXPIRE_AFTER : POINTS_STEP_EXPIRE);
	TimestampTz resumed_at = walk->resumed_at;

	for (;;)
	{
		int32 expiring = lot_queue_first(expiry, LOTS_WITH_POINTS, walk->lots);
		int32 activating = unlikely(walk->clock->pends) ? walk_first_lot(walk, QUEUE_ACTIVATE) : -1;
		TimestampTz expires_at = expiring < 0 ? DT_NOEND : walk->lots[expiring].expires_at;
		TimestampTz available_at = activating < 0 ? DT_NOEND : walk->lots[activating].available_at;
		TimestampTz inactive_at = inactive_bound(walk);
		TimestampTz first_expiry;

		if (inactive_at <= limit.at)
			inactive_at = points_walk_inactive_at(walk);
		first_expiry = unlikely(walk->suspended) ? DT_NOEND : Min(expires_at, inactive_at);
		if (available_at <= last_activation &&
			(available_at < first_expiry || (available_at == first_expiry && valid_at_boundary)))
			walk_activate(walk, activating);
		else if (first_expiry > last_expiry)
		{
			walk->next_due = Min(first_expiry, available_at);
			break;
		}
		else if (expires_at < inactive_at)
		{
			walk_expire_lot(walk, expiring, Max(expires_at, resumed_at));
			lot_queue_step(expiry, walk->lots, expiring);
		}
		else
			walk_expire_everything(walk, Max(inactive_at, resumed_at));
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- walking ---- */

static int
compare_due(const void *a, const void *b)
{
	const Due *x = a;
	const Due *y = b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if ((x->role == POINTS_ADJUST || x->role == POINTS_TRANSFER) &&
		(x->value > 0) != (y->value > 0))
		return x->value > 0 ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* How many events there are at the next instant. */
static int
count_together(PointsWalk *walk)
{
	int n = 0;

	for (;;)
	{
		if (walk->next + n == walk->ahead_end)
			read_ahead(walk);
		if (walk->next[n].at != walk->next->at)
			return n;
		n++;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Works off several events of an instant. */
static void
work_off_together(PointsWalk *walk, int n, bool plain)
{
	Due *group = walk->next;
	bool in_order = true;
	int i;

	for (i = 0; i < n; i++)
	{
		if (plain)
			group[i].role = group[i].value > 0	 ? POINTS_EARN
							: group[i].value < 0 ? POINTS_REDEEM
												 : POINTS_IGNORE;
		if (group[i].role == POINTS_ROLES)
			report_unknown_kind(walk, group[i].kind_no);
		in_order = in_order && (i == 0 || compare_due(&group[i - 1], &group[i]) < 0);
	}
	if (!in_order)
		qsort(group, n, sizeof(Due), compare_due);
	for (i = 0; i < n; i++)
	{
		walk_work_off(walk, &group[i], plain);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The events up to an instant, and what falls due before each. */
static pg_attribute_always_inline void
walk_events(PointsWalk *walk, TimestampTz last, bool plain)
{
	while (walk->next->at <= last)
	{
		Due *due = walk->next;
		int n = 1;

		CHECK_FOR_INTERRUPTS();
		if (unlikely(due->at >= walk->next_due))
		{
			PointsLimit before = { .at = due->at, .step = POINTS_STEP_ACTIVATE };

			run_due(walk, before);
		}
		if (unlikely(due + 1 == walk->ahead_end))
		{
			read_ahead(walk);
			due = walk->next;
		}
		if (likely(due[1].at != due->at))
		{
			if (!plain && due->role == POINTS_ROLES)
				report_unknown_kind(walk, due->kind_no);
			walk_work_off(walk, due, plain);
		}
		else
		{
			n = count_together(walk);
			work_off_together(walk, n, plain);
		}
		walk->next += n;
	}
}

void
points_walk_until(PointsWalk *walk, PointsLimit limit)
{
	/* below DT_NOEND, which stands for there being no event */
	TimestampTz last = Min(last_of(limit, POINTS_STEP_EVENTS), DT_NOEND - 1);

	if (walk->is_plain)
		walk_events(walk, last, true);
	else
		walk_events(walk, last, false);
	if (limit.at >= walk->next_due)
		run_due(walk, limit);
}

void
points_walk_close(PointsWalk *walk)
{
	walk->reader.left = 0;
	walk->next->at = DT_NOEND;
	walk->ahead_end = walk->next + 1;
}

PointsLimit
points_limit_day(const PointsPolicy *policy, DateADT day)
{
	PointsLimit limit = { .step = POINTS_STEP_EXPIRE };

	check_finite_day(day);
	limit.at = zone_day_start(policy->zone != NULL ? policy->zone : zone_of_session(), day + 1);
	return limit;
}

PointsLimit
points_limit_instant(TimestampTz at)
{
	PointsLimit limit = { .at = at, .step = POINTS_STEP_EXPIRE_AFTER };

	return limit;
}

/* ---- where it stands ---- */

const PointsTotals *
points_walk_totals(PointsWalk *walk)
{
	walk->totals.earned += walk->sums.earned;
	walk->totals.redeemed += walk->sums.redeemed;
	walk->totals.expired += walk->sums.expired;
	walk->totals.active += walk->sums.active;
	memset(&walk->sums, 0, sizeof(WalkSums));
	return &walk->totals;
}

int128
points_walk_spendable(PointsWalk *walk)
{
	const PointsTotals *totals = points_walk_totals(walk);

	return totals->active - totals->overdrawn;
}

int
points_walk_scale(const PointsWalk *walk)
{
	return walk->reader.scale;
}

const PointsLot *
points_walk_lots(const PointsWalk *walk, int32 *nlots)
{
	*nlots = walk->nlots;
	return walk->lots;
}

const EventText *
points_walk_labels(const PointsWalk *walk, int *nlabels)
{
	*nlabels = walk->nlabels;
	return walk->labels;
}

const Event *
points_walk_event(const PointsWalk *walk, int32 event)
{
	Assert(walk->events != NULL && event >= 0 && event < walk->nread);
	return &walk->events[event];
}

TimestampTz
points_walk_last_activity(const PointsWalk *walk)
{
	return walk->last_activity;
}

TimestampTz
points_walk_resumed_at(const PointsWalk *walk)
{
	return walk->resumed_at;
}

/* ---- fed from outside ---- */

void
points_walk_feed(PointsWalk *walk, int scale, const char *customer)
{
	if (!walk->fed)
	{
		timeline_close_within(&walk->reader, walk->texts, WALK_TEXTS);
		memset(&walk->reader, 0, sizeof(TimelineReader));
		walk->labels = NULL;
		walk->nlabels = 0;
		walk->is_plain = false;
		walk->fed = true;
	}
	walk->reader.scale = scale;
	start_over(walk, customer);
	points_walk_close(walk);
}

void
points_walk_set_labels(PointsWalk *walk, const EventText *labels, int nlabels)
{
	walk->labels = labels;
	walk->nlabels = nlabels;
	points_clock_set_labels(walk->clock, labels, nlabels);
}

void
points_walk_give(PointsWalk *walk, const PointsEvent *event)
{
	Due due = { .at = event->at,
				.value = event->value,
				.number = event->number,
				.role = event->role,
				.label_no = event->label_no };

	if (event->value == 0)
		return;
	if (event->role == POINTS_EARN && event->value < 0)
		due.role = POINTS_RETURN;
	due.ref.type = event->ref_type;
	due.ref.number = event->ref_number;
	due.ref.text = event->ref_text;
	if (unlikely(event->at >= walk->next_due))
	{
		PointsLimit before = { .at = event->at, .step = POINTS_STEP_ACTIVATE };

		run_due(walk, before);
	}
	walk_work_off(walk, &due, false);
}

TimestampTz
points_walk_next_due(const PointsWalk *walk)
{
	return walk->next_due;
}

void
points_walk_suspend(PointsWalk *walk)
{
	int32 activating = walk->clock->pends ? walk_first_lot(walk, QUEUE_ACTIVATE) : -1;

	walk->suspended = true;
	walk->next_due = activating < 0 ? DT_NOEND : walk->lots[activating].available_at;
}

void
points_walk_resume(PointsWalk *walk, TimestampTz at)
{
	PointsLimit before = { .at = at, .step = POINTS_STEP_EXPIRE };

	/* what became available until then did so before anything expires */
	run_due(walk, before);
	walk->suspended = false;
	walk->resumed_at = at;
	run_due(walk, before);
}
