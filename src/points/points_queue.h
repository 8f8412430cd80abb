/*
 * points_queue.h
 *		Lots in an order: by expiry, by activation, oldest or newest first.
 *
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
#ifndef LOYALTY_POINTS_QUEUE_H
#define LOYALTY_POINTS_QUEUE_H

#include "points/points.h"

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
	int32 cap;
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

#endif
