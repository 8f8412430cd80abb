/*
 * points_queue.c
 *		Lots in an order; the header explains it.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "points/points_queue.h"

#define FIRST_ROOM 32

void
lot_queue_init(LotQueue *queue, uint8 bit, LotOrder order, LotMembers members)
{
	queue->cap = FIRST_ROOM;
	queue->lots = palloc(queue->cap * sizeof(int32));
	queue->bit = bit;
	queue->order = order;
	queue->members = members;
	lot_queue_clear(queue);
}

void
lot_queue_clear(LotQueue *queue)
{
	queue->head = queue->end = 0;
	queue->is_heap = false;
}

static void
sift_up(LotQueue *queue, const PointsLot *lots, int32 i)
{
	int32 *heap = queue->lots + queue->head;
	int32 lot = heap[i];

	while (i > 0 && lot_before(queue->order, lots, lot, heap[(i - 1) / 2]))
	{
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = lot;
}

static void
sift_down(LotQueue *queue, const PointsLot *lots)
{
	int32 *heap = queue->lots + queue->head;
	int32 size = queue->end - queue->head;
	int32 lot = heap[0];
	int32 i = 0;

	for (;;)
	{
		int32 child = 2 * i + 1;

		if (child >= size)
			break;
		if (child + 1 < size && lot_before(queue->order, lots, heap[child + 1], heap[child]))
			child++;
		if (!lot_before(queue->order, lots, heap[child], lot))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = lot;
}

void
lot_queue_push_slow(LotQueue *queue, PointsLot *lots, int32 lot)
{
	if (queue->end == queue->cap)
	{
		/* what was taken from the front makes room first */
		if (queue->head > 0)
		{
			memmove(queue->lots, queue->lots + queue->head,
					(queue->end - queue->head) * sizeof(int32));
			queue->end -= queue->head;
			queue->head = 0;
		}
		if (queue->end > queue->cap / 2)
		{
			queue->cap *= 2;
			queue->lots = repalloc_huge(queue->lots, (Size) queue->cap * sizeof(int32));
		}
	}
	if (!queue->is_heap && queue->head < queue->end &&
		!lot_before(queue->order, lots, queue->lots[queue->end - 1], lot))
		queue->is_heap = true;
	queue->lots[queue->end++] = lot;
	if (queue->is_heap)
		sift_up(queue, lots, queue->end - queue->head - 1);
}

int32
lot_queue_first_slow(LotQueue *queue, PointsLot *lots)
{
	while (queue->head < queue->end)
	{
		int32 lot = queue->lots[queue->head];

		if (lot_belongs(queue->members, &lots[lot]))
			return lot;
		lots[lot].queued &= (uint8) ~queue->bit;
		if (!queue->is_heap)
			queue->head++;
		else
		{
			queue->lots[queue->head] = queue->lots[--queue->end];
			if (queue->head < queue->end)
				sift_down(queue, lots);
		}
	}
	lot_queue_clear(queue);
	return -1;
}
