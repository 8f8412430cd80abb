/*
 * points_roles.c
 *		What an event of each role does, by steps that change lots (points_steps.h). Those that
 *		activate and block are in points_blocked.c.
 *
 * Most timelines are plain, and where the compiler knows that, it leaves out what is for the
 * others. So plain is a constant wherever it is handed on.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "core/array.h"
#include "core/decimal.h"
#include "points/points_steps.h"

const LotMembers points_queue_members[WALK_QUEUES] = {
	[QUEUE_SPEND] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_EXPIRY] = LOTS_WITH_POINTS,
	[QUEUE_ACTIVATE] = LOTS_PENDING,
	[QUEUE_NEWEST] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_PENDING] = LOTS_PENDING_WITH_POINTS,
	[QUEUE_SOONEST] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_ALL] = LOTS_WITH_POINTS,
	[QUEUE_BLOCKED] = LOTS_BLOCKED,
};

/* ---- moves on lots ---- */

pg_noinline void
points_tell(PointsWalk *walk, const PointsMove *move)
{
	if (walk->sink != NULL)
		walk->sink(walk->sink_context, walk, move);
}

pg_noinline void
points_tell_simple(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at,
				   int32 lot, int32 event, int64 points)
{
	PointsMove move = { .type = type,
						.role = role,
						.at = at,
						.lot = lot,
						.event = event,
						.debt = -1,
						.of = -1,
						.points = points };

	walk->sink(walk->sink_context, walk, &move);
}

pg_noinline void
points_fill_queue(PointsWalk *walk, WalkQueue queue)
{
	int32 i;

	walk->filled |= 1 << queue;
	for (i = 0; i < walk->nlots; i++)
	{
		if (lot_belongs(points_queue_members[queue], &walk->lots[i]))
			lot_queue_push(&walk->queues[queue], walk->lots, i);
		CHECK_FOR_INTERRUPTS();
	}
}

int32
points_first_to_activate(PointsWalk *walk)
{
	return walk_first_lot(walk, QUEUE_ACTIVATE);
}

/* Reports what becomes of a debt. */
static void
walk_emit_debt(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at, int32 lot,
			   int32 event, int32 debt, int64 points)
{
	PointsMove move = { .type = type,
						.role = role,
						.at = at,
						.lot = lot,
						.event = event,
						.debt = debt,
						.of = -1,
						.points = points };

	points_tell(walk, &move);
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

/* What is left of a lot is gone at an instant; its time was over at that, or some time before. */
static inline void
walk_expire_lot(PointsWalk *walk, int32 number, TimestampTz at, TimestampTz over_at)
{
	PointsLot *lot = &walk->lots[number];
	int64 blocked = lot->blocked;
	int64 points = lot->remaining + blocked;

	walk_add_free(walk, lot, -lot->remaining);
	if (unlikely(blocked > 0))
		walk_add_blocked(walk, lot, -blocked);
	lot->state = POINTS_LOT_GONE;
	walk_add(&walk->sums.expired, &walk->totals.expired, points);
	if (unlikely(walk->notes_expiries))
	{
		walk->unbooked += walk->policy->books_expiry ? points : 0;
		if (walk->policy->has_grace)
			points_note_expired(walk, number, points, over_at);
	}
	if (unlikely(walk->sink != NULL))
	{
		PointsMove move = { .type = POINTS_MOVE_EXPIRE,
							.role = POINTS_EXPIRE,
							.at = at,
							.lot = number,
							.event = -1,
							.debt = -1,
							.points = points,
							.blocked = blocked };

		points_tell(walk, &move);
	}
}

void
points_expire_lot(PointsWalk *walk, int32 number, TimestampTz at)
{
	const PointsLot *lot = &walk->lots[number];

	/* while nothing could expire, points may have come in whose time was over */
	walk_expire_lot(walk, number, at, lot->expires_at < lot->held_since ? lot->expires_at : at);
}

static pg_noinline void
walk_enqueue_further(PointsWalk *walk, int32 lot)
{
	bool pending = walk->lots[lot].state == POINTS_LOT_PENDING;

	queue_if_filled(walk, QUEUE_ALL, lot);
	if (walk->lots[lot].expires_at != DT_NOEND && !(pending && walk->lots[lot].expires_later))
		queue_if_filled(walk, QUEUE_EXPIRY, lot);
	if (pending)
		queue_if_filled(walk, QUEUE_PENDING, lot);
	else
	{
		queue_if_filled(walk, QUEUE_NEWEST, lot);
		queue_if_filled(walk, QUEUE_SOONEST, lot);
	}
}

/* Points came in: where no event refreshes, they lapse in time. */
static inline void
walk_expect_lapse(PointsWalk *walk, TimestampTz since)
{
	if (walk->last_refresh != DT_NOBEGIN)
		return;
	if (walk->lapses_from == DT_NOEND)
		walk->lapses_from = points_clock_inactive_bound(walk->clock, since);
	walk_expect_expiry(walk, walk->lapses_from);
}

/* Puts a lot into the queues where its state has it. */
static inline void
walk_enqueue(PointsWalk *walk, int32 number, bool is_new)
{
	PointsLot *lot = &walk->lots[number];

	walk_expect_expiry(walk, lot->expires_at);
	if (unlikely(walk->policy->has_inactive))
		walk_expect_lapse(walk, lot->held_since);
	if (unlikely(lot->state == POINTS_LOT_PENDING))
	{
		if (lot->waits_until != DT_NOEND)
			lot_queue_push(&walk->queues[QUEUE_ACTIVATE], walk->lots, number);
		walk_expect(walk, lot->waits_until);
	}
	else if (is_new)
		lot_queue_push_new(&walk->queues[QUEUE_SPEND], walk->lots, number);
	else
		lot_queue_push(&walk->queues[QUEUE_SPEND], walk->lots, number);
	if (unlikely(walk->filled != 1 << QUEUE_SPEND))
		walk_enqueue_further(walk, number);
}

void
points_enqueue(PointsWalk *walk, int32 number)
{
	walk_enqueue(walk, number, false);
}

/* A lot pays debts one by one, the oldest first: what pays a redemption's is redeemed. */
static pg_noinline void
walk_repay_each(PointsWalk *walk, int32 number, PointsRole role, TimestampTz at, int32 event)
{
	PointsLot *lot = &walk->lots[number];

	while (lot->remaining > 0 && walk->totals.overdrawn > 0)
	{
		int32 oldest = lot_refs_oldest_debt(&walk->refs);
		LotDebt *debt = &walk->refs.debts[oldest];
		int64 points = Min(debt->debt.points, lot->remaining);

		debt->debt.points -= points;
		lot->remaining -= points;
		walk_add_active(walk, -points);
		walk->totals.overdrawn -= points;
		if (debt->debt.role == POINTS_REDEEM && walk->events.has_refunds)
		{
			lot_refs_note_piece(&walk->refs, number, points);
			lot_refs_note_redemption(&walk->refs, walk->lots, &debt->key, walk->refs.npieces - 1,
									 -1);
		}
		walk_emit_debt(walk, POINTS_MOVE_REPAY, role, at, number, event, oldest, points);
		CHECK_FOR_INTERRUPTS();
	}
}

pg_noinline void
points_repay(PointsWalk *walk, int32 number, PointsRole role, TimestampTz at, int32 event)
{
	PointsLot *lot = &walk->lots[number];
	int64 points;

	if (walk->totals.overdrawn == 0)
		return;
	if (walk->knows_debts)
	{
		walk_repay_each(walk, number, role, at, event);
		return;
	}
	points =
		walk->totals.overdrawn < lot->remaining ? (int64) walk->totals.overdrawn : lot->remaining;
	lot->remaining -= points;
	walk_add_active(walk, -points);
	walk->totals.overdrawn -= points;
}

/* A lot that was empty is given points back. */
static void
walk_note_given_back(PointsWalk *walk, int32 number, TimestampTz at)
{
	LotGivenBack *given;

	walk->lots[number].held_since = at;
	if (!walk->policy->has_inactive)
		return;
	walk->given_back = array_grow_in(walk->events.context, walk->given_back, &walk->max_given_back,
									 (int64) walk->ngiven_back + 1, sizeof(LotGivenBack));
	given = &walk->given_back[walk->ngiven_back++];
	given->lot = number;
	given->at = at;
}

/* What of a lot its event doesn't say. */
typedef struct LotTerms
{
	TimestampTz now; /* when it comes in: mostly that of the event */
	TimestampTz available_at;
	TimestampTz expires_at;
	int share;
	int32 of; /* the older lot whose points these are; -1: none */
} LotTerms;

static pg_noinline void
walk_tell_lot(PointsWalk *walk, const PointsDue *due, int32 lot, int32 of, TimestampTz at)
{
	PointsMove move = { .type = POINTS_MOVE_LOT,
						.role = due->role,
						.at = at,
						.lot = lot,
						.event = due->number,
						.debt = -1,
						.of = of,
						.points = walk->lots[lot].points };

	walk->sink(walk->sink_context, walk, &move);
}

/* Makes a lot of an event's points. */
static pg_attribute_always_inline void
walk_add_lot(PointsWalk *walk, const PointsDue *due, int64 points, const LotTerms *terms,
			 bool plain)
{
	TimestampTz now = terms->now;
	int32 number = walk->nlots;
	PointsLot *lot;

	if (unlikely(number == walk->max_lots))
		walk->lots = array_grow(walk->lots, &walk->max_lots, walk->max_lots + 1, sizeof(PointsLot));
	walk->nlots = number + 1;
	lot = &walk->lots[number];
	lot->earned_at = due->at;
	lot->available_at = terms->available_at;
	lot->expires_at = terms->expires_at;
	lot->held_since = due->at;
	lot->points = lot->remaining = points;
	lot->blocked = 0;
	lot->event = due->number;
	lot->label_no = plain ? 0 : due->label_no;
	lot->ref = -1;
	lot->expires_later = false;
	lot->queued = 0;
	lot->share = (uint8) terms->share;
	if (unlikely(lot->available_at > now))
	{
		lot->state = POINTS_LOT_PENDING;
		lot->waits_until = lot->available_at;
		if (walk->policy->has_activations && (plain || !due->has_expiry))
			lot->expires_later = points_clock_from_activation(walk->clock, due->at, lot->label_no);
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
	if (!plain && unlikely(terms->of >= 0))
	{
		lot->earned_at = walk->lots[terms->of].earned_at;
		lot->event = walk->lots[terms->of].event;
		lot_refs_add_part(&walk->refs, walk->lots, terms->of, number);
		walk_note_given_back(walk, number, now);
	}
	if (unlikely(walk->sink != NULL))
		walk_tell_lot(walk, due, number, plain ? -1 : terms->of, now);
	if (unlikely(walk_is_over(walk, lot->expires_at, now)))
	{
		walk_expire_lot(walk, number, now, lot->expires_at);
		return;
	}
	if (!plain && unlikely(walk->frozen))
		points_block_lot(walk, number, due, points);
	else if (unlikely(walk->totals.overdrawn != 0) && lot->state == POINTS_LOT_ACTIVE)
		points_repay(walk, number, due->role, now, due->number);
	walk_enqueue(walk, number, true);
}

static pg_noinline void
walk_add_any_lot(PointsWalk *walk, const PointsDue *due, int64 points, const LotTerms *terms)
{
	if (walk->nlots == PG_INT32_MAX)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many lots of points"),
			 walk->events.customer != NULL ? errdetail("Customer %s.", walk->events.customer) : 0,
			 errhint("Lots that expire in fewer shares are fewer lots.")));
	walk_add_lot(walk, due, points, terms, false);
}

/*
 * Lots that expire one after another. What they have together is rounded down, in the last decimal
 * that the points have: so it doesn't matter how many decimals other events have.
 */
static pg_noinline void
walk_make_shares(PointsWalk *walk, const PointsDue *due, int64 points, int32 of,
				 TimestampTz available_at, TimestampTz now)
{
	LotTerms terms = { .now = now, .available_at = available_at, .of = of };
	int scale = walk->events.reader.scale;
	int64 unit = decimal_power[scale - decimal_minimal_scale(points, scale)];
	int64 units = points / unit;
	int64 done = 0;
	int n = points_clock_shares(walk->clock, due->at, due->label_no);

	for (terms.share = 0; terms.share < n; terms.share++)
	{
		int64 end = units / n * (terms.share + 1) + units % n * (terms.share + 1) / n;

		if (end > done)
		{
			terms.expires_at = points_clock_share_expires_at(
				walk->clock, due->at, terms.available_at, due->label_no, terms.share);
			walk_add_any_lot(walk, due, (end - done) * unit, &terms);
			done = end;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/* Makes lots of an event's points: one, unless they expire share by share. */
static pg_attribute_always_inline void
walk_make_lots(PointsWalk *walk, const PointsDue *due, int64 points, int32 of, TimestampTz now,
			   bool plain)
{
	LotTerms terms = { .now = now, .available_at = due->at, .share = 0, .of = of };

	if (unlikely(walk->clock->pends) && due->role == POINTS_EARN)
		terms.available_at = points_clock_available_at(walk->clock, due->at);
	if (!plain && due->has_expiry)
		terms.expires_at = due->expires_at;
	else if (unlikely(walk->clock->ends == NULL && walk->clock->has_shares))
	{
		walk_make_shares(walk, due, points, of, terms.available_at, now);
		return;
	}
	else
		terms.expires_at = points_clock_expires_at(walk->clock, due->at, terms.available_at,
												   plain ? 0 : due->label_no);
	walk_add_lot(walk, due, points, &terms, plain);
}

static pg_noinline void
walk_make_other_lots(PointsWalk *walk, const PointsDue *due, int64 points, int32 of)
{
	walk_make_lots(walk, due, points, of, due->at, false);
}

void
points_bring_back(PointsWalk *walk, const PointsDue *due, int32 old, int64 points)
{
	PointsDue by_label = *due;

	by_label.label_no = walk->lots[old].label_no;
	walk->lots[old].points -= points;
	walk_make_other_lots(walk, &by_label, points, old);
}

void
points_activate(PointsWalk *walk, int32 number)
{
	PointsLot *lot = &walk->lots[number];

	lot->state = POINTS_LOT_ACTIVE;
	if (!lot_has_points(lot))
		return;
	walk->totals.pending -= lot->remaining;
	walk_add_active(walk, lot->remaining);
	if (walk->sink != NULL)
	{
		PointsMove move = { .type = POINTS_MOVE_ACTIVATE,
							.role = POINTS_EARN,
							.at = lot->available_at,
							.lot = number,
							.event = -1,
							.debt = -1,
							.of = -1,
							.points = lot->remaining,
							.blocked = lot->blocked };

		points_tell(walk, &move);
	}
	points_repay(walk, number, POINTS_EARN, lot->available_at, -1);
	if (lot_has_points(lot))
		walk_enqueue(walk, number, false);
}

/* When the oldest of the points held came in: earned, or given back; DT_NOEND: there are none. */
static TimestampTz
walk_held_since(PointsWalk *walk)
{
	TimestampTz since = DT_NOEND;

	for (; walk->first_held < walk->nlots; walk->first_held++)
	{
		const PointsLot *lot = &walk->lots[walk->first_held];

		if (lot_has_points(lot) && lot->held_since == lot->earned_at)
		{
			since = lot->earned_at;
			break;
		}
		CHECK_FOR_INTERRUPTS();
	}
	for (; walk->first_given_back < walk->ngiven_back; walk->first_given_back++)
	{
		const LotGivenBack *given = &walk->given_back[walk->first_given_back];
		const PointsLot *lot = &walk->lots[given->lot];

		if (lot_has_points(lot) && lot->held_since == given->at)
			return Min(since, given->at);
		CHECK_FOR_INTERRUPTS();
	}
	return since;
}

TimestampTz
points_inactive_at(PointsWalk *walk)
{
	if (!walk->policy->has_inactive)
		return DT_NOEND;
	if (walk->last_refresh == DT_NOBEGIN)
	{
		TimestampTz since = walk_held_since(walk);

		walk->lapses_from =
			since == DT_NOEND ? DT_NOEND : points_clock_inactive_at(walk->clock, since);
		return walk->lapses_from;
	}
	if (!walk->inactive_known)
	{
		walk->inactive_at = points_clock_inactive_at(walk->clock, walk->last_refresh);
		walk->inactive_known = true;
	}
	return walk->inactive_at;
}

void
points_lapse(PointsWalk *walk, TimestampTz deadline, TimestampTz at)
{
	TimestampTz since = walk_held_since(walk);
	int32 lot;

	/* what came in later, while nothing could expire, goes by its own time */
	if (since < deadline || (since == deadline && walk->policy->valid_at_boundary))
		while ((lot = walk_first_lot(walk, QUEUE_ALL)) >= 0)
		{
			points_expire_lot(walk, lot, at);
			CHECK_FOR_INTERRUPTS();
		}
	walk->last_refresh = DT_NOBEGIN;
	(void) points_inactive_at(walk);
}

/* Gives points back to the lot that they were taken from. */
static pg_noinline void
walk_restore(PointsWalk *walk, int32 number, const PointsDue *due, int64 points)
{
	PointsLot *lot = &walk->lots[number];
	TimestampTz at = due->at;

	if (!lot_has_points(lot))
		walk_note_given_back(walk, number, at);
	lot->remaining += points;
	lot->state = POINTS_LOT_ACTIVE;
	walk_add_active(walk, points);
	walk_emit(walk, POINTS_MOVE_RESTORE, due->role, at, number, due->number, points);
	if (walk_is_over(walk, lot->expires_at, at))
	{
		walk_expire_lot(walk, number, at, lot->expires_at);
		return;
	}
	if (unlikely(walk->frozen))
		points_block_lot(walk, number, due, points);
	else
		points_repay(walk, number, due->role, at, due->number);
	lot_refs_restore(&walk->refs, walk->lots, number);
	walk_enqueue(walk, number, false);
}

/* Takes up to so many points from one lot; returns how many it gave. */
static inline int64
walk_take_from_lot(PointsWalk *walk, int32 number, const PointsDue *due, int64 points)
{
	PointsLot *lot = &walk->lots[number];
	int64 taken = Min(points, lot->remaining);

	walk_add_free(walk, lot, -taken);
	walk_emit(walk, POINTS_MOVE_TAKE, due->role, due->at, number, due->number, taken);
	return taken;
}

/* Takes up to so many points from the lots of a queue, in its order; returns how many there were.
 */
static pg_noinline int64
walk_take(PointsWalk *walk, WalkQueue queue, const PointsDue *due, int64 points)
{
	int64 taken = 0;
	int32 lot;

	if (queue == QUEUE_PENDING && walk->totals.pending == 0)
		return 0;
	while (taken < points && (lot = walk_first_lot(walk, queue)) >= 0)
	{
		int64 part = walk_take_from_lot(walk, lot, due, points - taken);

		taken += part;
		if (due->role == POINTS_EXPIRE && walk->policy->has_grace)
			points_note_expired(walk, lot, part, due->at);
		CHECK_FOR_INTERRUPTS();
	}
	return taken;
}

static int32
walk_make_debt(PointsWalk *walk, const PointsDue *due, int64 points)
{
	PointsDebt debt = { .at = due->at, .event = due->number, .role = due->role, .points = points };
	int32 number = lot_refs_add_debt(&walk->refs, &due->ref, &debt);

	walk_emit_debt(walk, POINTS_MOVE_OVERDRAW, due->role, due->at, -1, due->number, number, points);
	return number;
}

/* What an event takes that isn't there; the debt's number, -1 where nobody asks for it. */
static int32
walk_overdraw(PointsWalk *walk, const PointsDue *due, int64 points)
{
	if (points == 0)
		return -1;
	if (walk->totals.overdrawn == 0)
		walk->overdrawn_since = due->at;
	walk->totals.overdrawn += points;
	return walk->knows_debts ? walk_make_debt(walk, due, points) : -1;
}

/* ---- what an event of each role does ---- */

const char *const points_role_names[POINTS_ROLES] = {
	"earn",	 "activate", "redeem_refund", "reinstate", "adjust", "transfer",   "return",
	"block", "unblock",	 "redeem",		  "forfeit",   "expire", "carry_over", "ignore"
};

/* An event takes more than there is, which the policy refuses. */
static pg_noinline void
walk_refuse(PointsWalk *walk, const PointsDue *due, int128 there)
{
	const RefKey *key = &due->ref;
	int scale = walk->events.reader.scale;
	const char *what = due->role == POINTS_REDEEM	? "redemption"
					   : due->role == POINTS_ADJUST ? "adjustment"
													: "transfer";
	char *ref = key->type == EVENT_REF_TEXT
					? psprintf(" (ref %.*s)", key->text.len, key->text.bytes)
				: key->type == EVENT_REF_NUMBER ? psprintf(" (ref " INT64_FORMAT ")", key->number)
												: "";

	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("%s of %s points at %s%s is more than the balance of %s", what,
				decimal_to_text(due_points(due), scale), timestamptz_to_str(due->at), ref,
				decimal_sum_to_text(there, scale)),
		 walk->events.customer != NULL ? errdetail("Customer %s.", walk->events.customer) : 0,
		 errhint("The policy's overdraft is \"refuse\"; \"allow\" lets a balance go below zero, "
				 "\"clip\" cuts what is taken to what is there.")));
}

/* What a redemption doesn't find; the number of the debt that it makes, or -1. */
static pg_noinline int32
walk_fall_short(PointsWalk *walk, const PointsDue *due, int64 points)
{
	if (walk->policy->overdraft == POINTS_OVERDRAFT_CLIP)
	{
		walk->totals.unmet += points;
		walk_emit_event(walk, POINTS_MOVE_UNMET, due, points);
		return -1;
	}
	walk_add(&walk->sums.redeemed, &walk->totals.redeemed, points);
	return walk_overdraw(walk, due, points);
}

/* Takes a redemption's points, and remembers from where if it may be refunded. */
static pg_attribute_always_inline void
walk_redeem(PointsWalk *walk, const PointsDue *due, int64 points, bool plain)
{
	bool may_come_back = !plain && walk->events.has_refunds;
	int32 first_piece = walk->refs.npieces;
	int32 debt = -1;
	LotQueue *queue = &walk->queues[QUEUE_SPEND];
	int64 left = points;
	int32 lot;

	if (unlikely(walk->policy->overdraft == POINTS_OVERDRAFT_REFUSE) &&
		points_walk_totals(walk)->active < points)
		walk_refuse(walk, due, walk->totals.active);
	while (left > 0 && (lot = lot_queue_first(queue, LOTS_ACTIVE_WITH_POINTS, walk->lots)) >= 0)
	{
		int64 taken = walk_take_from_lot(walk, lot, due, left);

		left -= taken;
		if (may_come_back)
			lot_refs_note_piece(&walk->refs, lot, taken);
		if (walk->lots[lot].remaining == 0)
			lot_queue_step(queue, walk->lots, lot);
	}
	walk_add(&walk->sums.redeemed, &walk->totals.redeemed, points - left);
	if (left > 0)
		debt = walk_fall_short(walk, due, left);
	if (may_come_back)
		lot_refs_note_redemption(&walk->refs, walk->lots, &due->ref, first_piece, debt);
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

/*
 * Gives back what redemptions under the event's ref took, as far as they are known: first what they
 * still owe, then from the lots that they used, the last one first. Returns what is left.
 */
static int64
give_back(PointsWalk *walk, const PointsDue *due, int64 left)
{
	LotRefs *refs = &walk->refs;
	int32 place = lot_refs_find(refs, walk->lots, &due->ref);
	int32 number;

	if (place < 0)
		return left;
	while (left > 0 && (number = refs->list[place].last_debt) >= 0)
	{
		LotDebt *debt = &refs->debts[number];
		int64 points = Min(debt->debt.points, left);

		debt->debt.points -= points;
		if (debt->debt.points == 0)
			refs->list[place].last_debt = debt->before;
		if (points > 0)
		{
			walk->totals.overdrawn -= points;
			left -= points;
			walk_emit_debt(walk, POINTS_MOVE_CANCEL_DEBT, due->role, due->at, -1, due->number,
						   number, points);
		}
		CHECK_FOR_INTERRUPTS();
	}
	/* a lot that pays a debt with what it got makes pieces, which may move these */
	while (left > 0 && (number = refs->list[place].last_piece) >= 0)
	{
		LotPiece *piece = &refs->pieces[number];
		int64 points = Min(piece->points, left);

		piece->points -= points;
		left -= points;
		if (piece->points == 0)
			refs->list[place].last_piece = piece->before;
		walk_restore(walk, piece->lot, due, points);
		CHECK_FOR_INTERRUPTS();
	}
	return left;
}

/* Gives back what redemptions of earlier instants took. The rest waits for those of its own. */
static void
refund(PointsWalk *walk, const PointsDue *due)
{
	int64 left = give_back(walk, due, due_points(due));
	int64 given = due_points(due) - left;

	walk->totals.reinstated += given;
	if (given > 0)
		walk_finish(walk, due, given);
	if (left > 0)
	{
		PointsDue *waits;

		walk->refunds = array_grow_in(walk->events.context, walk->refunds, &walk->max_refunds,
									  (int64) walk->nrefunds + 1, sizeof(PointsDue));
		waits = &walk->refunds[walk->nrefunds++];
		*waits = *due;
		waits->value = left;
		walk->refunds_at = due->at;
	}
}

void
points_finish_refunds(PointsWalk *walk)
{
	int i;

	for (i = 0; i < walk->nrefunds; i++)
	{
		const PointsDue *due = &walk->refunds[i];
		int64 left = give_back(walk, due, due->value);

		walk->totals.reinstated += due->value - left;
		if (left > 0)
			walk_emit_event(walk, POINTS_MOVE_BEYOND, due, left);
		if (left > 0 && walk->policy->refunds_new_lot)
		{
			walk->totals.reinstated += left;
			walk_make_other_lots(walk, due, left, -1);
		}
		walk_finish(walk, due, due->value);
		CHECK_FOR_INTERRUPTS();
	}
	walk->nrefunds = 0;
}

/* How many points a return may take back: what was earned and isn't returned yet. */
static int64
take_returnable(PointsWalk *walk, const PointsDue *due, LotRef *own)
{
	int128 returnable = points_walk_totals(walk)->earned - walk->returned;
	int64 points;

	if (own != NULL && own->earned > 0)
		returnable = Min(returnable, own->earned - own->returned);
	points = (int64) Max(0, Min(returnable, due_points(due)));
	walk->returned += points;
	if (own != NULL)
		own->returned += points;
	return points;
}

/* From the lots of its own ref, then pending ones, then the newest; blocked ones last. */
static void
take_back(PointsWalk *walk, const PointsDue *due)
{
	LotRef *own = NULL;
	int64 returnable;
	int64 points;
	int64 left;
	int32 lot;

	if (due->ref.type != EVENT_REF_NONE)
	{
		int32 place = lot_refs_add(&walk->refs, walk->lots, &due->ref);

		own = &walk->refs.list[place];
	}
	returnable = take_returnable(walk, due, own);
	if (returnable < due_points(due))
		walk_emit_event(walk, POINTS_MOVE_BEYOND, due, due_points(due) - returnable);
	points = walk->policy->returns_take ? due_points(due) : returnable;
	left = points;
	while (own != NULL && left > 0 && (lot = lot_ref_first(own, walk->lots)) >= 0)
		left -= walk_take_from_lot(walk, lot, due, left);
	while (own != NULL && left > 0 && (lot = lot_ref_first_blocked(own, walk->lots)) >= 0)
		left -= points_take_blocked_of(walk, lot, due, left);
	left -= walk_take(walk, QUEUE_PENDING, due, left);
	left -= walk_take(walk, QUEUE_NEWEST, due, left);
	left -= points_take_blocked(walk, due, left);
	walk->totals.returned += points - left;
	if (walk->policy->returns_below_zero)
	{
		walk->totals.returned += left;
		(void) walk_overdraw(walk, due, left);
	}
}

/* Takes from active lots, then from pending ones; returns what wasn't there. */
static int64
take_anything(PointsWalk *walk, WalkQueue active, const PointsDue *due, int64 points)
{
	int64 left = points - walk_take(walk, active, due, points);

	return left - walk_take(walk, QUEUE_PENDING, due, left);
}

static void
forfeit(PointsWalk *walk, const PointsDue *due)
{
	int64 left = take_anything(walk, QUEUE_SPEND, due, due_points(due));

	left -= points_take_blocked(walk, due, left);
	walk->totals.forfeited += due_points(due) - left;
}

/* A booking of what the rules had expire already takes nothing more. */
static void
book_expiry(PointsWalk *walk, const PointsDue *due)
{
	int64 matched = walk->unbooked < due_points(due) ? (int64) walk->unbooked : due_points(due);
	int64 left;

	walk->unbooked -= matched;
	walk->lapsing_at = points_inactive_at(walk);
	if (matched > 0)
		walk_emit_event(walk, POINTS_MOVE_MATCH, due, matched);
	left = take_anything(walk, QUEUE_SOONEST, due, due_points(due) - matched);
	left -= points_take_blocked(walk, due, left);
	walk->totals.expired += due_points(due) - matched - left;
}

/* Adjustments and transfers: in makes a lot, out takes. */
static void
move_points(PointsWalk *walk, const PointsDue *due, int128 *total)
{
	int64 points = due_points(due);
	int128 there;
	int64 left;

	if (due->value > 0)
	{
		*total += points;
		walk_make_other_lots(walk, due, points, -1);
		return;
	}
	there = points_walk_totals(walk)->active + walk->totals.pending;
	if (points > there)
	{
		if (walk->policy->overdraft == POINTS_OVERDRAFT_REFUSE)
			walk_refuse(walk, due, there);
		walk_emit_event(walk, POINTS_MOVE_BEYOND, due, points - (int64) there);
	}
	left = take_anything(walk, QUEUE_SPEND, due, points);
	*total -= points - left;
	if (walk->policy->overdraft == POINTS_OVERDRAFT_ALLOW)
	{
		*total -= left;
		(void) walk_overdraw(walk, due, left);
	}
}

static pg_noinline void
walk_do_other(PointsWalk *walk, const PointsDue *due)
{
	if (due->role > POINTS_REDEEM && walk->nrefunds > 0)
		points_finish_refunds(walk);
	switch (due->role)
	{
		case POINTS_ACTIVATE:
			points_release_event(walk, due);
			return;
		case POINTS_REDEEM_REFUND:
			refund(walk, due);
			return;
		case POINTS_REINSTATE:
			points_reinstate(walk, due);
			return;
		case POINTS_BLOCK:
			points_block_event(walk, due);
			break;
		case POINTS_UNBLOCK:
			points_unblock_event(walk, due);
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
		case POINTS_CARRY_OVER:
			return;
		default:
			elog(ERROR, "unexpected role %d", due->role);
	}
	walk_finish(walk, due, due_points(due));
}

/* ---- what was carried over ---- */

void
points_bring_lot(PointsWalk *walk, const PointsHeld *held, TimestampTz now)
{
	const PointsDue *due = &held->due;
	int64 points = due_points(due);
	int64 blocked = held->blocked;
	int32 number = walk->nlots;
	LotTerms terms = { .now = now,
					   .available_at = held->available_at,
					   .expires_at = due->expires_at,
					   .share = 0,
					   .of = -1 };

	if (due->role == POINTS_EARN)
		walk_add(&walk->sums.earned, &walk->totals.earned, points);
	else if (due->role == POINTS_REDEEM_REFUND)
		walk->totals.reinstated += points;
	else if (due->role == POINTS_ADJUST)
		walk->totals.adjusted += points;
	else
		walk->totals.transferred += points;
	if (held->available_at != DT_NOBEGIN && due->has_expiry)
		walk_add_lot(walk, due, points, &terms, false);
	else
		walk_make_lots(walk, due, points, -1, now, false);
	for (; blocked > 0 && number < walk->nlots; number++)
	{
		PointsDue here = *due;
		int64 part = Min(blocked, walk->lots[number].remaining);

		here.at = now;
		here.role = POINTS_BLOCK;
		if (part > 0)
			points_block_lot(walk, number, &here, part);
		blocked -= part;
	}
	walk_emit(walk, POINTS_MOVE_DONE, due->role, now, -1, due->number, points);
}

void
points_bring_debt(PointsWalk *walk, const PointsDue *due, TimestampTz now)
{
	PointsDue here = *due;
	int64 points = due_points(due);
	int32 debt;

	here.at = now;
	if (due->role == POINTS_REDEEM)
		walk_add(&walk->sums.redeemed, &walk->totals.redeemed, points);
	else if (due->role == POINTS_RETURN)
		walk->totals.returned += points;
	else if (due->role == POINTS_ADJUST)
		walk->totals.adjusted -= points;
	else
		walk->totals.transferred -= points;
	debt = walk_overdraw(walk, &here, points);
	if (debt >= 0)
		walk->refs.debts[debt].debt.at = due->at;
	if (debt >= 0 && due->role == POINTS_REDEEM && walk->events.has_refunds)
		lot_refs_note_redemption(&walk->refs, walk->lots, &due->ref, walk->refs.npieces, debt);
	walk_emit_event(walk, POINTS_MOVE_DONE, &here, points);
}

void
points_bring_unbooked(PointsWalk *walk, const PointsDue *due, TimestampTz now)
{
	walk->unbooked += due_points(due);
	walk_emit(walk, POINTS_MOVE_UNBOOKED, due->role, now, -1, due->number, due_points(due));
}

/* Lots pay debts in the order of redemption. */
void
points_settle(PointsWalk *walk, TimestampTz now)
{
	int32 lot;

	while (walk->totals.overdrawn > 0 && (lot = walk_first_lot(walk, QUEUE_SPEND)) >= 0)
	{
		points_repay(walk, lot, POINTS_EARN, now, -1);
		CHECK_FOR_INTERRUPTS();
	}
}

void
points_bring_activity(PointsWalk *walk, TimestampTz at, bool refreshes)
{
	walk_note_activity(walk, at, refreshes);
}

void
points_bring_held_since(PointsWalk *walk, TimestampTz since)
{
	int32 i;

	for (i = 0; i < walk->nlots; i++)
	{
		if (walk->lots[i].earned_at < since && lot_has_points(&walk->lots[i]))
			walk_note_given_back(walk, i, since);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Plain: it has an instant and a value, whose sign decides. */
static pg_attribute_always_inline void
walk_work_off(PointsWalk *walk, PointsDue *due, bool plain)
{
	if (plain ? due->value > 0 : due->role == POINTS_EARN)
	{
		due->role = POINTS_EARN;
		walk_add(&walk->sums.earned, &walk->totals.earned, due->value);
		walk_make_lots(walk, due, due->value, -1, due->at, plain);
		walk_note_activity(walk, due->at, walk->policy->refreshed_by_earn);
	}
	else if (plain ? due->value < 0 : due->role == POINTS_REDEEM)
	{
		due->role = POINTS_REDEEM;
		walk_redeem(walk, due, due_points(due), plain);
		walk_note_activity(walk, due->at, walk->policy->refreshed_by_redeem);
	}
	else
	{
		if (!plain && due->role != POINTS_IGNORE)
			walk_do_other(walk, due);
		return;
	}
	walk_emit(walk, POINTS_MOVE_DONE, due->role, due->at, -1, due->number, due_points(due));
}

void
points_work_off(PointsWalk *walk, PointsDue *due)
{
	walk_work_off(walk, due, false);
}

/* As points_work_off_alone(). */
static pg_attribute_always_inline void
walk_work_off_alone(PointsWalk *walk, TimestampTz last, bool plain)
{
	PointsEvents *events = &walk->events;
	PointsDue *due = events->next;

	do
	{
		if (!plain)
			points_events_check_kind(events, due);
		walk_work_off(walk, due, plain);
		if (!plain && unlikely(walk->nrefunds > 0))
			points_finish_refunds(walk);
		due++;
		CHECK_FOR_INTERRUPTS();
	} while (likely(due->at <= last && due->at < walk->next_due && due + 1 < events->ahead_end &&
					due[1].at != due->at));
	events->next = due;
}

void
points_work_off_alone(PointsWalk *walk, TimestampTz last)
{
	if (walk->events.is_plain)
		walk_work_off_alone(walk, last, true);
	else
		walk_work_off_alone(walk, last, false);
}
