/*
 * points_queue.h
 *		Lots in an order: by expiry, by activation, newest first, as they are spent.
 *
 * A queue is a heap of lot numbers, but starts as a plain list: as long as lots
 * come in the queue's own order, as they do where all of them live equally long, it is
 * filled at the end and emptied at the front. The first lot out of order makes it a
 * heap, which a sorted list is already.
 *
 * What happens to a lot elsewhere isn't noted here: lots that no longer belong into a
 * queue are dropped when they come to its front.
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

typedef struct LotQueue
{
	int32 *lots;
	int32 head; /* of the list, or the root of the heap */
	int32 end;
	int32 cap;
	bool is_heap;
	uint8 bit; /* this queue's in PointsLot.queued */
	LotOrder order;
	LotMembers members;
} LotQueue;

extern void lot_queue_init(LotQueue *queue, uint8 bit, LotOrder order, LotMembers members);
extern void lot_queue_clear(LotQueue *queue);
extern void lot_queue_push_slow(LotQueue *queue, PointsLot *lots, int32 lot);
extern int32 lot_queue_first_slow(LotQueue *queue, PointsLot *lots);

/* Does a come before b? */
static inline bool
lot_before(LotOrder order, const PointsLot *lots, int32 a, int32 b)
{
	switch (order)
	{
		case LOTS_BY_EXPIRY:
			if (lots[a].expires_at != lots[b].expires_at)
				return lots[a].expires_at < lots[b].expires_at;
			return a < b;
		case LOTS_BY_ACTIVATION:
			if (lots[a].available_at != lots[b].available_at)
				return lots[a].available_at < lots[b].available_at;
			return a < b;
		case LOTS_OLDEST:
			return a < b;
		case LOTS_NEWEST:
			return a > b;
	}
	return false;
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

/* Adds a lot, unless it is there already. */
static inline void
lot_queue_push(LotQueue *queue, PointsLot *lots, int32 lot)
{
	if (lots[lot].queued & queue->bit)
		return;
	lots[lot].queued |= queue->bit;
	if (likely(!queue->is_heap && queue->end < queue->cap &&
			   (queue->head == queue->end ||
				lot_before(queue->order, lots, queue->lots[queue->end - 1], lot))))
		queue->lots[queue->end++] = lot;
	else
		lot_queue_push_slow(queue, lots, lot);
}

/* The first lot that belongs here; -1: none. It stays in the queue. */
static inline int32
lot_queue_first(LotQueue *queue, PointsLot *lots)
{
	if (queue->head == queue->end)
		return -1;
	if (likely(lot_belongs(queue->members, &lots[queue->lots[queue->head]])))
		return queue->lots[queue->head];
	return lot_queue_first_slow(queue, lots);
}

#endif
