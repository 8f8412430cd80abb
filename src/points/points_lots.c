/*
 * points_lots.c
 *		Moves on a customer's lots: made, activated, taken from, given back, expired.
 *		Each keeps the totals and the queues true, and tells the sink.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "points/points_state.h"

/* ---- refs ---- */

typedef struct RefKey
{
	EventRefType type;
	int64 number;
	EventText text;
} RefKey;

typedef struct RefEntry
{
	RefKey key;
	int32 ref;
	uint32 hash;
	char status;
} RefEntry;

static inline uint32
hash_ref(RefKey key)
{
	if (key.type == EVENT_REF_NUMBER)
		return murmurhash32((uint32) key.number ^ (uint32) ((uint64) key.number >> 32));
	return hash_bytes((const unsigned char *) key.text.bytes, key.text.len);
}

static inline bool
same_ref(RefKey a, RefKey b)
{
	if (a.type != b.type)
		return false;
	if (a.type == EVENT_REF_NUMBER)
		return a.number == b.number;
	return a.text.len == b.text.len && memcmp(a.text.bytes, b.text.bytes, a.text.len) == 0;
}

#define SH_PREFIX				refs
#define SH_ELEMENT_TYPE			RefEntry
#define SH_KEY_TYPE				RefKey
#define SH_KEY					key
#define SH_HASH_KEY(table, key) hash_ref(key)
#define SH_EQUAL(table, a, b)	same_ref(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE				  static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

int32
walk_find_ref(PointsWalk *walk, const Event *event, bool create)
{
	RefKey key = { .type = event->ref_type, .number = event->ref_number, .text = event->ref_text };
	RefEntry *entry;
	RefState *state;
	bool found;

	if (event->ref_type == EVENT_REF_NONE || (walk->refs == NULL && !create))
		return -1;
	if (!create)
	{
		entry = refs_lookup(walk->refs, key);
		return entry == NULL ? -1 : entry->ref;
	}
	if (walk->refs == NULL)
	{
		walk->refs = refs_create(walk->context, 64, NULL);
		walk->ref_context =
			AllocSetContextCreate(walk->context, "loyalty refs", ALLOCSET_SMALL_SIZES);
		walk->max_refs = 64;
		walk->ref_states = MemoryContextAlloc(walk->context, walk->max_refs * sizeof(RefState));
	}
	entry = refs_insert(walk->refs, key, &found);
	if (found)
		return entry->ref;
	if (walk->nrefs == walk->max_refs)
	{
		walk->max_refs *= 2;
		walk->ref_states = repalloc_huge(walk->ref_states, walk->max_refs * sizeof(RefState));
	}
	entry->ref = walk->nrefs++;
	state = &walk->ref_states[entry->ref];
	state->lot = state->last_piece = -1;
	state->lots = NULL;
	state->debt = 0;
	return entry->ref;
}

void
walk_forget_refs(PointsWalk *walk)
{
	if (walk->refs == NULL)
		return;
	refs_reset(walk->refs);
	walk->nrefs = 0;
	MemoryContextReset(walk->ref_context);
}

/* Adds a lot to those of its ref: most refs have one, which needs no queue. */
static void
add_to_ref(PointsWalk *walk, int32 lot)
{
	RefState *state = &walk->ref_states[walk->lots[lot].ref];
	MemoryContext old;

	if (state->lots == NULL && (state->lot < 0 || state->lot == lot))
	{
		state->lot = lot;
		return;
	}
	if (state->lots == NULL)
	{
		old = MemoryContextSwitchTo(walk->ref_context);
		state->lots = palloc(sizeof(LotQueue));
		lot_queue_init(state->lots, REF_QUEUE_BIT, LOTS_NEWEST, LOTS_WITH_POINTS);
		MemoryContextSwitchTo(old);
		lot_queue_push(state->lots, walk->lots, state->lot);
		state->lot = -1;
	}
	lot_queue_push(state->lots, walk->lots, lot);
}

int32
walk_first_of_ref(PointsWalk *walk, int32 ref)
{
	RefState *state = &walk->ref_states[ref];

	if (state->lots != NULL)
		return lot_queue_first(state->lots, walk->lots);
	return state->lot >= 0 && walk->lots[state->lot].remaining > 0 ? state->lot : -1;
}

/* ---- moves ---- */

void
walk_emit(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at, int32 lot,
		  int32 event, int64 points)
{
	if (walk->sink != NULL)
	{
		PointsMove move = {
			.type = type, .role = role, .at = at, .lot = lot, .event = event, .points = points
		};

		walk->sink(walk->sink_context, walk, &move);
	}
}

/* A move of an event's that touches no lot. */
void
walk_emit_event(PointsWalk *walk, PointsMoveType type, const Due *due, int64 points)
{
	walk_emit(walk, type, due->role, due->event.at, -1, due->number, points);
}

static inline void
queue_lot(PointsWalk *walk, WalkQueue queue, int32 lot)
{
	if (walk->filled[queue])
		lot_queue_push(&walk->queues[queue], walk->lots, lot);
}

/* Puts a lot into the queues where its state has it. */
static void
enqueue(PointsWalk *walk, int32 lot)
{
	if (walk->lots[lot].expires_at != DT_NOEND)
		queue_lot(walk, QUEUE_EXPIRY, lot);
	queue_lot(walk, QUEUE_ALL, lot);
	if (walk->lots[lot].state == POINTS_LOT_PENDING)
	{
		queue_lot(walk, QUEUE_ACTIVATE, lot);
		queue_lot(walk, QUEUE_PENDING, lot);
	}
	else
	{
		queue_lot(walk, QUEUE_SPEND, lot);
		queue_lot(walk, QUEUE_NEWEST, lot);
		queue_lot(walk, QUEUE_SOONEST, lot);
	}
}

/* The first lot of a queue, which is filled if nobody asked for it before; -1: none. */
int32
walk_first_lot(PointsWalk *walk, WalkQueue queue)
{
	if (!walk->filled[queue])
	{
		int32 i;

		walk->filled[queue] = true;
		for (i = 0; i < walk->nlots; i++)
			if (lot_belongs(walk->queues[queue].members, &walk->lots[i]))
				lot_queue_push(&walk->queues[queue], walk->lots, i);
	}
	return lot_queue_first(&walk->queues[queue], walk->lots);
}

/* Has a lot's own expiry passed at an instant whose events are being worked off? */
static inline bool
is_over(const PointsWalk *walk, TimestampTz expires_at, TimestampTz now)
{
	return walk->policy->valid_at_boundary ? expires_at < now : expires_at <= now;
}

/* What is left of a lot is gone. */
void
walk_expire_lot(PointsWalk *walk, int32 number, TimestampTz at)
{
	PointsLot *lot = &walk->lots[number];
	int64 points = lot->remaining;

	if (lot->state == POINTS_LOT_PENDING)
		walk->totals.pending -= points;
	else
		walk->totals.active -= points;
	lot->remaining = 0;
	lot->state = POINTS_LOT_GONE;
	walk->totals.expired += points;
	walk->unbooked += points;
	walk_emit(walk, POINTS_MOVE_EXPIRE, POINTS_EXPIRE, at, number, -1, points);
}

/* Points that have become available pay back a debt first. */
static void
repay(PointsWalk *walk, int32 number, PointsRole role, TimestampTz at, int32 event)
{
	PointsLot *lot = &walk->lots[number];
	int64 points;

	if (likely(walk->totals.overdrawn == 0))
		return;
	points =
		walk->totals.overdrawn < lot->remaining ? (int64) walk->totals.overdrawn : lot->remaining;
	if (points == 0)
		return;
	lot->remaining -= points;
	walk->totals.active -= points;
	walk->totals.overdrawn -= points;
	walk_emit(walk, POINTS_MOVE_REPAY, role, at, number, event, points);
}

/* Makes a lot of an event's points. */
void
walk_make_lot(PointsWalk *walk, const Due *due, int64 points, bool may_pend)
{
	const Event *event = &due->event;
	TimestampTz at = event->at;
	int32 number = walk->nlots;
	PointsLot *lot;

	if (walk->nlots == walk->max_lots)
	{
		walk->max_lots *= 2;
		walk->lots = repalloc_huge(walk->lots, walk->max_lots * sizeof(PointsLot));
	}
	lot = &walk->lots[walk->nlots++];
	lot->earned_at = at;
	lot->available_at = may_pend ? points_clock_available_at(walk->clock, at) : at;
	lot->expires_at = event->has_expiry ? event->expires_at
										: points_clock_expires_at(walk->clock, at,
																  lot->available_at, event->label);
	lot->points = lot->remaining = points;
	lot->event = due->number;
	lot->label_no = event->label_no;
	lot->ref = -1;
	lot->queued = 0;
	lot->state = lot->available_at > at ? POINTS_LOT_PENDING : POINTS_LOT_ACTIVE;
	if (lot->state == POINTS_LOT_PENDING)
		walk->totals.pending += points;
	else
		walk->totals.active += points;

	/* only a return looks for the lots of a ref, and only kinds can make one */
	if (due->role == POINTS_EARN && walk->policy->nkinds > 0)
	{
		lot->ref = walk_find_ref(walk, event, true);
		if (lot->ref >= 0)
			add_to_ref(walk, number);
	}
	walk_emit(walk, POINTS_MOVE_LOT, due->role, at, number, due->number, points);
	if (is_over(walk, lot->expires_at, at))
	{
		walk_expire_lot(walk, number, at);
		return;
	}
	if (lot->state == POINTS_LOT_ACTIVE)
		repay(walk, number, due->role, at, due->number);
	enqueue(walk, number);
}

/* Takes up to so many points from one lot; returns how many it gave. */
int64
walk_take_from_lot(PointsWalk *walk, int32 number, const Due *due, int64 points)
{
	PointsLot *lot = &walk->lots[number];
	int64 taken = Min(points, lot->remaining);

	lot->remaining -= taken;
	if (lot->state == POINTS_LOT_PENDING)
		walk->totals.pending -= taken;
	else
		walk->totals.active -= taken;
	walk_emit(walk, POINTS_MOVE_TAKE, due->role, due->event.at, number, due->number, taken);
	return taken;
}

/* Takes up to so many points from the lots of a queue, in its order; returns how many there were.
 */
int64
walk_take(PointsWalk *walk, WalkQueue queue, const Due *due, int64 points)
{
	int64 taken = 0;
	int32 lot;

	while (taken < points && (lot = walk_first_lot(walk, queue)) >= 0)
		taken += walk_take_from_lot(walk, lot, due, points - taken);
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
	TimestampTz at = due->event.at;

	lot->remaining += points;
	lot->state = POINTS_LOT_ACTIVE;
	walk->totals.active += points;
	walk_emit(walk, POINTS_MOVE_RESTORE, due->role, at, number, due->number, points);
	if (is_over(walk, lot->expires_at, at))
	{
		walk_expire_lot(walk, number, at);
		return;
	}
	repay(walk, number, due->role, at, due->number);
	if (lot->ref >= 0)
		add_to_ref(walk, number);
	enqueue(walk, number);
}

/* Everything goes; the next refresh arms inactivity again. */
void
walk_expire_everything(PointsWalk *walk, TimestampTz at)
{
	int32 lot;

	while ((lot = walk_first_lot(walk, QUEUE_ALL)) >= 0)
		walk_expire_lot(walk, lot, at);
	walk->last_refresh = DT_NOBEGIN;
	walk->inactive_bound = DT_NOEND;
}

void
walk_activate(PointsWalk *walk, int32 number)
{
	PointsLot *lot = &walk->lots[number];

	lot->state = POINTS_LOT_ACTIVE;
	if (lot->remaining == 0)
		return;
	walk->totals.pending -= lot->remaining;
	walk->totals.active += lot->remaining;
	walk_emit(walk, POINTS_MOVE_ACTIVATE, POINTS_EARN, lot->available_at, number, -1,
			  lot->remaining);
	repay(walk, number, POINTS_EARN, lot->available_at, -1);
	enqueue(walk, number);
}
