/*
 * points_queue.c
 *		Lots in an order, where they aren't a range: lists and heaps; the header explains it.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "points/points_queue.h"

#define FIRST_ROOM 8

void
lot_queue_init(LotQueue *queue, uint8 bit, bool shares_bit, LotOrder order)
{
	queue->bit = bit;
	queue->shares_bit = shares_bit;
	queue->order = order;
	queue->numbers = NULL;
	queue->cap = 0;
	queue->context = CurrentMemoryContext;
	lot_queue_clear(queue);
}

static void
append(LotQueue *queue, int32 lot)
{
	if (queue->numbers == NULL)
	{
		queue->cap = FIRST_ROOM;
		queue->numbers = MemoryContextAlloc(queue->context, queue->cap * sizeof(int32));
	}
	if (queue->end == queue->cap)
	{
		/* what was taken from the front makes room first */
		if (queue->head > 0)
			memmove(queue->numbers, queue->numbers + queue->head,
					(queue->end - queue->head) * sizeof(int32));
		queue->end -= queue->head;
		queue->head = 0;
		if (queue->end > queue->cap / 2)
		{
			queue->cap *= 2;
			queue->numbers = repalloc_huge(queue->numbers, (Size) queue->cap * sizeof(int32));
		}
	}
	queue->numbers[queue->end++] = lot;
}

static void
sift_up(LotQueue *queue, const PointsLot *lots)
{
	int32 *heap = queue->numbers + queue->head;
	int32 i = queue->end - queue->head - 1;
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
	int32 *heap = queue->numbers + queue->head;
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

static void
make_list(LotQueue *queue, const PointsLot *lots)
{
	int32 head = queue->head;
	int32 end = queue->end;
	int32 i;

	queue->head = queue->end = 0;
	for (i = head; i < end; i++)
		if (lots[i].queued & queue->bit)
			append(queue, i);
	queue->form = LOTS_LIST;
}

/* A sorted list is a heap already, unless its first one is at the end. */
static void
make_heap(LotQueue *queue)
{
	int32 *a = queue->numbers + queue->head;
	int32 *b = queue->numbers + queue->end - 1;

	if (queue->order == LOTS_NEWEST)
		for (; a < b; a++, b--)
		{
			int32 lot = *a;

			*a = *b;
			*b = lot;
		}
	queue->form = LOTS_HEAP;
}

/* Would a lot be the last of the list's array? */
static inline bool
continues_list(const LotQueue *queue, const PointsLot *lots, int32 lot)
{
	int32 last = queue->numbers[queue->end - 1];

	if (queue->order == LOTS_NEWEST)
		return lot > last;
	return lot_before(queue->order, lots, last, lot);
}

/* The lot has the queue's bit, but isn't there yet. */
void
lot_queue_push_slow(LotQueue *queue, PointsLot *lots, int32 lot)
{
	if (queue->form == LOTS_RANGE && queue->head == queue->end)
	{
		queue->head = lot;
		queue->end = lot + 1;
		queue->last = lot_rank(queue->order, &lots[lot]);
		return;
	}
	if (queue->form == LOTS_RANGE)
	{
		lots[lot].queued &= (uint8) ~queue->bit;
		make_list(queue, lots);
		lots[lot].queued |= queue->bit;
	}
	if (queue->form == LOTS_LIST && queue->head < queue->end && !continues_list(queue, lots, lot))
		make_heap(queue);
	append(queue, lot);
	if (queue->form == LOTS_HEAP)
		sift_up(queue, lots);
}

/* Takes the first lot out. */
static void
drop_first(LotQueue *queue, const PointsLot *lots)
{
	if (queue->form == LOTS_HEAP)
	{
		queue->numbers[queue->head] = queue->numbers[--queue->end];
		if (queue->head < queue->end)
			sift_down(queue, lots);
	}
	else if (queue->order == LOTS_NEWEST)
		queue->end--;
	else
		queue->head++;
}

int32
lot_queue_first_slow(LotQueue *queue, LotMembers members, PointsLot *lots)
{
	while (queue->head < queue->end)
	{
		int32 lot = queue->form == LOTS_LIST && queue->order == LOTS_NEWEST
						? queue->numbers[queue->end - 1]
						: queue->numbers[queue->head];

		if (lot_belongs(members, &lots[lot]))
			return lot;
		lots[lot].queued &= (uint8) ~queue->bit;
		drop_first(queue, lots);
	}
	lot_queue_clear(queue);
	return -1;
}
