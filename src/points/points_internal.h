/*
 * points_internal.h
 *		What the files of points share: when points are gone (points_expiry.c), lots in an order
 *		and under a ref (points_lots.c), the walk that a call site of SQL keeps (points_sql.c).
 */
#ifndef LOYALTY_POINTS_INTERNAL_H
#define LOYALTY_POINTS_INTERNAL_H

#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "points/points.h"

/* ---- the clock: when points of a day are gone, and can be spent (points_expiry.c) ---- */

/*
 * Calendar arithmetic is dear, and what the rules ask for hardly depends on more than the local
 * day of an instant: an answer is computed once for a day, and looked up from then on.
 */

/* A slice of time is 2^36 microseconds, 19 hours: no more than two local days share in one. */
#define CLOCK_SLICE_BITS 36

/* So many questions are answered one by one: remembering pays with more. */
#define CLOCK_FEW		 32

/* Slices remembered in a table; a power of two. */
#define CLOCK_SLICES	 2048

/* An answer that isn't known; one that happens to be that is computed each time. */
#define CLOCK_UNKNOWN	 1

/* The answers for the instants of a slice. */
typedef struct ClockSlice
{
	int64 number;
	TimestampTz midnight; /* when its second day begins; DT_NOEND: it has one day */
	int64 before;
	int64 from;
} ClockSlice;

struct PointsClock;

/*
 * Computes an answer for an instant. all_day, if not NULL, becomes false where it isn't that of
 * its whole local day.
 */
typedef int64 (*ClockAnswer)(struct PointsClock *clock, const void *of, TimestampTz at,
							 bool *all_day);

/* Answers that depend on the local day of an instant. */
typedef struct ClockTable
{
	ClockSlice *slices;
	uint32 mask; /* number of slices less 1; at first a slice that is none stands for them */
	int asked;	 /* questions until then */
	ClockAnswer compute;
	const void *of;
} ClockTable;

/* An interval that is added to instants. */
typedef struct ClockSpan
{
	Interval interval;
	ClockTable shifts; /* how far its months and days carry an instant */
} ClockSpan;

typedef enum ClockForm
{
	CLOCK_NEVER,
	CLOCK_BY_DAY, /* depends on the local day of its start only: ends of that */
	CLOCK_BY_SPAN /* start plus span; where aligned, ends of that */
} ClockForm;

/* A rule of a version: the general one, or one of its labels. */
typedef struct ClockRule
{
	const PointsExpiry *expiry;
	ClockForm form;
	ClockSpan span;
	ClockTable ends;
} ClockRule;

typedef struct ClockVersion
{
	ClockRule *rules; /* the general one, then those of its labels */
	ClockSpan pending;
} ClockVersion;

/* Which rule a label of the customer has, in the version that was asked for last. */
typedef struct ClockLabel
{
	int version; /* -1: none yet */
	int rule;
} ClockLabel;

/* A policy's rules with what was computed from them before. */
typedef struct PointsClock
{
	const PointsPolicy *policy;
	ZoneDays *zone; /* of local days */
	MemoryContext context;
	ClockTable *ends; /* of all lots, by the local day of earning; NULL: it isn't that simple */
	ClockRule *only;  /* the rule of all lots; NULL: there are several */
	bool pends;		  /* some points have to wait */
	bool has_label_rules;
	ClockVersion *versions;
	ClockTable lapses;	  /* when points are gone for want of activity */
	int64 inactive_least; /* that isn't sooner */
	const EventText *labels;
	ClockLabel *label_rules;
	int max_labels;
} PointsClock;

extern PointsClock *points_clock_create(const PointsPolicy *policy);

/* The labels of the customer whose lots come now, by which expiries are asked for. */
extern void points_clock_set_labels(PointsClock *clock, const EventText *labels, int nlabels);

/* When a lot earned at that instant can be spent, where points have to wait. */
extern TimestampTz points_clock_available_at(PointsClock *clock, TimestampTz earned_at);

/* When points are gone for want of activity since an instant; DT_NOEND: never. */
extern TimestampTz points_clock_inactive_at(PointsClock *clock, TimestampTz last);

extern int64 points_clock_look_slow(PointsClock *clock, ClockTable *table, TimestampTz at);
extern TimestampTz points_clock_expires_at_slow(PointsClock *clock, TimestampTz earned_at,
												TimestampTz available_at, int label_no);

/* A table's answer for an instant. */
static inline int64
points_clock_look(PointsClock *clock, ClockTable *table, TimestampTz at)
{
	int64 number = at >> CLOCK_SLICE_BITS;
	const ClockSlice *slice = &table->slices[(uint32) number & table->mask];
	int64 answer = at < slice->midnight ? slice->before : slice->from;

	if (likely(slice->number == number && answer != CLOCK_UNKNOWN))
		return answer;
	return points_clock_look_slow(clock, table, at);
}

/* When a lot is gone by the rules; DT_NOEND: never. */
static inline TimestampTz
points_clock_expires_at(PointsClock *clock, TimestampTz earned_at, TimestampTz available_at,
						int label_no)
{
	if (likely(clock->ends != NULL))
		return points_clock_look(clock, clock->ends, earned_at);
	return points_clock_expires_at_slow(clock, earned_at, available_at, label_no);
}

/* A bound below points_clock_inactive_at(), which costs nothing. */
static inline TimestampTz
points_clock_inactive_bound(const PointsClock *clock, TimestampTz last)
{
	return last < DT_NOEND - clock->inactive_least ? last + clock->inactive_least : DT_NOEND;
}

/* ---- lots in an order: by expiry, by activation, oldest or newest first (points_lots.c) ---- */

/*
 * A queue has one of three forms, and goes on to the next one when it has to:
 *
 *		range	lots[head .. end) of the walk's own array, those with the queue's bit. Lots
 *				come in its order, as they do where all of them live equally long.
 *		list	numbers of lots, sorted; the first one is at the front, or where newer
 *				lots go first, at the end.
 *		heap	numbers of lots
 *
 * What happens to a lot elsewhere isn't noted here: lots that no longer belong into a
 * queue are dropped when they come to be its first.
 */

/* By what a queue is ordered; lots are numbered in the order in which they were earned. */
typedef enum LotOrder
{
	LOTS_BY_EXPIRY, /* then oldest */
	LOTS_BY_ACTIVATION,
	LOTS_OLDEST,
	LOTS_NEWEST
} LotOrder;

/* Which lots belong into it. */
typedef enum LotMembers
{
	LOTS_WITH_POINTS, /* pending or active */
	LOTS_PENDING,	  /* with or without points */
	LOTS_PENDING_WITH_POINTS,
	LOTS_ACTIVE_WITH_POINTS
} LotMembers;

typedef enum LotForm
{
	LOTS_RANGE,
	LOTS_LIST,
	LOTS_HEAP
} LotForm;

/* So many lots that aren't in the queue may follow each other in a range, which looks at each. */
#define LOTS_GAP 64

typedef struct LotQueue
{
	LotForm form;
	int32 head;
	int32 end;
	int64 last;		 /* a range's: rank of the lot added last */
	uint8 bit;		 /* this queue's in PointsLot.queued */
	bool shares_bit; /* so that its lots can't be told by the bit: it is never a range */
	LotOrder order;
	int32 *numbers; /* of lots; the heap's root is at head */
	int64 max;
	MemoryContext context;
} LotQueue;

/* An empty queue, in the current memory context. Of those that share a bit a lot is in one. */
extern void lot_queue_init(LotQueue *queue, uint8 bit, bool shares_bit, LotOrder order);
extern void lot_queue_push_slow(LotQueue *queue, PointsLot *lots, int32 lot);
extern int32 lot_queue_first_slow(LotQueue *queue, LotMembers members, PointsLot *lots);

/* Forgets all lots; of a new customer's no lot has its bit. */
static inline void
lot_queue_clear(LotQueue *queue)
{
	queue->head = queue->end = 0;
	queue->last = PG_INT64_MIN;
	queue->form = queue->shares_bit || queue->order == LOTS_NEWEST ? LOTS_LIST : LOTS_RANGE;
}

/* By what lots are ordered; of equal ones the older one goes first. */
static inline int64
lot_rank(LotOrder order, const PointsLot *lot)
{
	return order == LOTS_BY_EXPIRY		 ? lot->expires_at
		   : order == LOTS_BY_ACTIVATION ? lot->available_at
										 : 0;
}

/* Does a come before b? */
static inline bool
lot_before(LotOrder order, const PointsLot *lots, int32 a, int32 b)
{
	int64 rank_a = lot_rank(order, &lots[a]);
	int64 rank_b = lot_rank(order, &lots[b]);

	if (order == LOTS_NEWEST)
		return a > b;
	return rank_a < rank_b || (rank_a == rank_b && a < b);
}

static inline bool
lot_belongs(LotMembers members, const PointsLot *lot)
{
	switch (members)
	{
		case LOTS_WITH_POINTS:
			return lot->remaining > 0;
		case LOTS_PENDING:
			return lot->state == POINTS_LOT_PENDING;
		case LOTS_PENDING_WITH_POINTS:
			return lot->state == POINTS_LOT_PENDING && lot->remaining > 0;
		case LOTS_ACTIVE_WITH_POINTS:
			return lot->state == POINTS_LOT_ACTIVE && lot->remaining > 0;
	}
	return false;
}

/* Adds a lot that isn't there. */
static inline void
lot_queue_push_new(LotQueue *queue, PointsLot *lots, int32 lot)
{
	int64 rank = lot_rank(queue->order, &lots[lot]);

	lots[lot].queued |= queue->bit;
	if (likely(queue->form == LOTS_RANGE && (uint32) (lot - queue->end) <= LOTS_GAP &&
			   rank >= queue->last))
	{
		queue->end = lot + 1;
		queue->last = rank;
	}
	else
		lot_queue_push_slow(queue, lots, lot);
}

/* Adds a lot, unless it is there already. */
static inline void
lot_queue_push(LotQueue *queue, PointsLot *lots, int32 lot)
{
	if ((lots[lot].queued & queue->bit) == 0)
		lot_queue_push_new(queue, lots, lot);
}

/* Drops the first lot, which doesn't belong here any more, where that is just a step. */
static inline void
lot_queue_step(LotQueue *queue, PointsLot *lots, int32 lot)
{
	if (likely(queue->form == LOTS_RANGE && lot == queue->head))
	{
		lots[lot].queued &= (uint8) ~queue->bit;
		queue->head++;
	}
}

/* The first lot that belongs here; -1: none. It stays in the queue. */
static inline int32
lot_queue_first(LotQueue *queue, LotMembers members, PointsLot *lots)
{
	if (unlikely(queue->form != LOTS_RANGE))
		return lot_queue_first_slow(queue, members, lots);
	for (; likely(queue->head < queue->end); queue->head++)
	{
		PointsLot *lot = &lots[queue->head];

		if (likely(lot->queued & queue->bit))
		{
			if (likely(lot_belongs(members, lot)))
				return queue->head;
			lot->queued &= (uint8) ~queue->bit;
		}
	}
	return -1;
}

/* ---- what was earned and redeemed under a ref (points_lots.c) ---- */

/* An earning or a redemption under a ref. */
typedef struct RefUse
{
	RefKey key;
	int32 lot;		   /* -1: a redemption */
	int32 first_piece; /* of those that it took, which follow each other */
	int32 npieces;
	int64 debt; /* what it took that wasn't there */
} RefUse;

/* What was earned and redeemed under one ref. */
typedef struct LotRef
{
	int32 lot;		  /* the only lot earned under it; -1: none, or several */
	LotQueue *lots;	  /* several, newest first */
	int32 last_piece; /* of a redemption; -1: none */
	int128 debt;	  /* what its redemptions took that wasn't there */
} LotRef;

/* What a redemption took from a lot, remembered for its refund. */
typedef struct LotPiece
{
	int32 lot;
	int32 before; /* the piece before it under the same ref; -1: none */
	int64 points; /* not refunded yet */
} LotPiece;

/* The refs of a customer. */
typedef struct LotRefs
{
	MemoryContext context;
	uint8 bit;	  /* in PointsLot.queued, for the queue of a lot's ref */
	bool known;	  /* somebody has looked for one: uses go to the table at once from then on */
	RefUse *uses; /* before that */
	int32 nuses;
	int64 max_uses;
	RefTable numbers;
	LotRef *list; /* by number */
	int64 max_list;
	MemoryContext queues; /* of refs, one customer's; NULL: none yet */
	LotPiece *pieces;
	int32 npieces;
	int64 max_pieces;
} LotRefs;

/* In the current memory context. */
extern void lot_refs_init(LotRefs *refs, uint8 bit);

/* Forgets all of them: a new customer. */
extern void lot_refs_clear(LotRefs *refs);

/* Notes what was earned under a ref: a lot. */
extern void lot_refs_note_lot(LotRefs *refs, PointsLot *lots, const RefKey *key, int32 lot);

/* ... what a redemption takes from a lot; and what was redeemed under a ref: the pieces from
 * first_piece on, and a debt. */
extern void lot_refs_note_piece(LotRefs *refs, int32 lot, int64 points);
extern void lot_refs_note_redemption(LotRefs *refs, PointsLot *lots, const RefKey *key,
									 int32 first_piece, int64 debt);

/* What was noted under a ref; NULL: nothing. */
extern LotRef *lot_refs_find(LotRefs *refs, PointsLot *lots, const RefKey *key);

/* The newest lot of a ref that has points; -1: none. */
extern int32 lot_ref_first(LotRef *ref, PointsLot *lots);

/* A lot has points again. */
extern void lot_refs_restore(LotRefs *refs, PointsLot *lots, int32 lot);

/* ---- SQL of one customer (points_sql.c) ---- */

/* What a call site keeps of a policy (policy_argument()). */
typedef struct PointsCall
{
	PointsPolicy *policy;
	ZoneDays *zone; /* of its days */
	PointsWalk *walk;
	void *reading; /* what the sink reads for, in this call */
	MemoryContext context;
	Rows *record; /* of a function that returns one; NULL until asked for */
	bool has_limit;
	DateADT limit_day;
	PointsLimit limit;
} PointsCall;

/*
 * Arguments 0 and 1 of a call: timeline and policy. Starts the walk, which is made with these
 * flags; NULL where the timeline is NULL. A NULL policy is error 22004. The sink gets the
 * PointsCall as its context. A call that lists overdrafts isn't stopped by the first: 'refuse' is
 * as 'clip' there.
 */
extern PointsCall *points_call(FunctionCallInfo fcinfo, int flags, PointsSink sink,
							   bool lists_overdrafts);

/* The end of a local day. */
extern PointsLimit points_call_limit(PointsCall *call, DateADT day);

extern void points_put_points(Rows *rows, const PointsWalk *walk, int128 units);

#endif
