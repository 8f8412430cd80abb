/*
 * points_lots.c
 *		A customer's lots in an order, where they aren't a range (lists and heaps); what he earned
 *		and redeemed under a ref, for returns and refunds; and his debts. points_internal.h has the
 *		rest.
 *
 * Few customers bring anything back: uses of refs are just noted, one after another. The first
 * one that looks for a ref has all of them put into a hash table, which is kept up from
 * then on.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/array.h"
#include "points/points_internal.h"

/* ---- lots in an order ---- */

void
lot_queue_init(LotQueue *queue, uint16 bit, bool shares_bit, LotOrder order)
{
	queue->bit = bit;
	queue->shares_bit = shares_bit;
	queue->order = order;
	queue->numbers = NULL;
	queue->max = 0;
	queue->context = CurrentMemoryContext;
	lot_queue_clear(queue);
}

static void
append(LotQueue *queue, int32 lot)
{
	if (queue->end == queue->max)
	{
		/* what was taken from the front makes room first, if that is worth it */
		if (queue->head > 0)
			memmove(queue->numbers, queue->numbers + queue->head,
					(queue->end - queue->head) * sizeof(int32));
		queue->end -= queue->head;
		queue->head = 0;
		if (queue->end >= queue->max / 2)
			queue->numbers = array_grow_in(queue->context, queue->numbers, &queue->max,
										   queue->max + 1, sizeof(int32));
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
		lots[lot].queued &= (uint16) ~queue->bit;
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
		lots[lot].queued &= (uint16) ~queue->bit;
		drop_first(queue, lots);
	}
	lot_queue_clear(queue);
	return -1;
}

/* ---- what was earned and redeemed under a ref ---- */

static const LotRef no_uses = {
	.lot = -1, .last_waiting = -1, .last_piece = -1, .last_debt = -1, .last_expired = -1
};

void
lot_refs_init(LotRefs *refs, uint16 bit, uint16 blocked_bit, bool keeps_waiting)
{
	memset(refs, 0, sizeof(LotRefs));
	refs->context = CurrentMemoryContext;
	refs->bit = bit;
	refs->blocked_bit = blocked_bit;
	refs->keeps_waiting = keeps_waiting;
	refs->list = array_grow(NULL, &refs->max_list, 1, sizeof(LotRef));
	refs->list[0] = no_uses;
	ref_table_init(&refs->numbers, refs->context);
}

void
lot_refs_clear(LotRefs *refs)
{
	refs->nuses = 0;
	refs->npieces = 0;
	refs->ndebts = refs->first_debt = 0;
	if (!refs->known)
		return;
	refs->known = false;
	refs->list[0] = no_uses;
	if (refs->numbers.count == 0)
		return;
	ref_table_clear(&refs->numbers);
	if (refs->queues != NULL)
		MemoryContextReset(refs->queues);
}

/* Where in the list a ref stands from now on. */
static int32
make_ref(LotRefs *refs, const RefKey *key)
{
	int32 known = refs->numbers.count;
	int32 place;

	if (key->type == EVENT_REF_NONE)
		return 0;
	place = 1 + ref_table_add(&refs->numbers, key);
	if (place <= known)
		return place;
	refs->list = array_grow_in(refs->context, refs->list, &refs->max_list, (int64) place + 1,
							   sizeof(LotRef));
	refs->list[place] = no_uses;
	return place;
}

/* A queue of lots of a ref, newest first. */
static LotQueue *
make_queue(LotRefs *refs, uint16 bit)
{
	MemoryContext old;
	LotQueue *queue;

	if (unlikely(refs->queues == NULL))
		refs->queues = AllocSetContextCreate(refs->context, "loyalty refs", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(refs->queues);
	queue = palloc(sizeof(LotQueue));
	lot_queue_init(queue, bit, true, LOTS_NEWEST);
	MemoryContextSwitchTo(old);
	return queue;
}

/* Some of a lot is blocked; that of a ref's only lot is seen by itself. */
static void
add_blocked(LotRefs *refs, PointsLot *lots, LotRef *ref, int32 lot)
{
	if (ref->lots == NULL)
		return;
	if (ref->blocked == NULL)
		ref->blocked = make_queue(refs, refs->blocked_bit);
	lot_queue_push(ref->blocked, lots, lot);
}

/* Adds a lot to those of its ref: most refs have one, which needs no queue. */
static void
add_lot(LotRefs *refs, PointsLot *lots, LotRef *ref, int32 lot)
{
	if (ref->lots == NULL && (ref->lot < 0 || ref->lot == lot))
	{
		ref->lot = lot;
		return;
	}
	if (ref->lots == NULL)
	{
		ref->lots = make_queue(refs, refs->bit);
		lot_queue_push(ref->lots, lots, ref->lot);
		if (unlikely(lots[ref->lot].blocked > 0))
			add_blocked(refs, lots, ref, ref->lot);
		ref->lot = -1;
	}
	lot_queue_push(ref->lots, lots, lot);
}

/* An event may say that a lot needn't wait any longer. */
static void
note_waiting(LotRefs *refs, LotRef *ref, int32 lot)
{
	refs->waits_before = array_grow_in(refs->context, refs->waits_before, &refs->max_waits,
									   (int64) lot + 1, sizeof(int32));
	refs->waits_before[lot] = ref->last_waiting;
	ref->last_waiting = lot;
}

int32
lot_refs_take_waiting(LotRefs *refs, LotRef *ref)
{
	int32 first = -1;
	int32 lot = ref->last_waiting;

	while (lot >= 0)
	{
		int32 before = refs->waits_before[lot];

		refs->waits_before[lot] = first;
		first = lot;
		lot = before;
		CHECK_FOR_INTERRUPTS();
	}
	ref->last_waiting = -1;
	return first;
}

static void
enter(LotRefs *refs, PointsLot *lots, const RefUse *use)
{
	int32 place = make_ref(refs, &use->key);
	LotRef *ref = &refs->list[place];
	int32 i;

	if (use->lot >= 0)
	{
		lots[use->lot].ref = place;
		ref->earned += lots[use->lot].points;
		add_lot(refs, lots, ref, use->lot);
		if (unlikely(lots[use->lot].blocked > 0))
			add_blocked(refs, lots, ref, use->lot);
		if (unlikely(refs->keeps_waiting) && lots[use->lot].state == POINTS_LOT_PENDING)
			note_waiting(refs, ref, use->lot);
		return;
	}
	for (i = use->first_piece; i < use->first_piece + use->npieces; i++)
	{
		refs->pieces[i].before = ref->last_piece;
		ref->last_piece = i;
	}
	if (use->debt >= 0)
	{
		refs->debts[use->debt].before = ref->last_debt;
		ref->last_debt = use->debt;
	}
}

static void
note(LotRefs *refs, PointsLot *lots, const RefUse *use)
{
	if (refs->known)
	{
		enter(refs, lots, use);
		return;
	}
	refs->uses = array_grow_in(refs->context, refs->uses, &refs->max_uses, (int64) refs->nuses + 1,
							   sizeof(RefUse));
	refs->uses[refs->nuses++] = *use;
}

void
lot_refs_note_lot(LotRefs *refs, PointsLot *lots, const RefKey *key, int32 lot)
{
	RefUse use = { .key = *key, .lot = lot, .debt = -1 };

	note(refs, lots, &use);
}

void
lot_refs_note_piece(LotRefs *refs, int32 lot, int64 points)
{
	LotPiece *piece;

	refs->pieces = array_grow_in(refs->context, refs->pieces, &refs->max_pieces,
								 (int64) refs->npieces + 1, sizeof(LotPiece));
	piece = &refs->pieces[refs->npieces++];
	piece->lot = lot;
	piece->points = points;
	piece->before = -1;
}

void
lot_refs_note_redemption(LotRefs *refs, PointsLot *lots, const RefKey *key, int32 first_piece,
						 int32 debt)
{
	RefUse use = { .key = *key,
				   .lot = -1,
				   .first_piece = first_piece,
				   .npieces = refs->npieces - first_piece,
				   .debt = debt };

	note(refs, lots, &use);
}

static void
know_all(LotRefs *refs, PointsLot *lots)
{
	int32 i;

	if (refs->known)
		return;
	refs->known = true;
	for (i = 0; i < refs->nuses; i++)
	{
		enter(refs, lots, &refs->uses[i]);
		CHECK_FOR_INTERRUPTS();
	}
}

int32
lot_refs_find(LotRefs *refs, PointsLot *lots, const RefKey *key)
{
	int32 number;

	know_all(refs, lots);
	if (key->type == EVENT_REF_NONE)
		return 0;
	number = ref_table_find(&refs->numbers, key);
	return number < 0 ? -1 : number + 1;
}

int32
lot_refs_add(LotRefs *refs, PointsLot *lots, const RefKey *key)
{
	know_all(refs, lots);
	return make_ref(refs, key);
}

int32
lot_ref_first(LotRef *ref, PointsLot *lots)
{
	if (ref->lots != NULL)
		return lot_queue_first(ref->lots, LOTS_WITH_FREE_POINTS, lots);
	return ref->lot >= 0 && lots[ref->lot].remaining > 0 ? ref->lot : -1;
}

int32
lot_ref_first_blocked(LotRef *ref, PointsLot *lots)
{
	if (ref->blocked != NULL)
		return lot_queue_first(ref->blocked, LOTS_BLOCKED, lots);
	return ref->lot >= 0 && lots[ref->lot].blocked > 0 ? ref->lot : -1;
}

/* Of refs that aren't known yet, the lot comes to its ref once they are. */
void
lot_refs_block(LotRefs *refs, PointsLot *lots, int32 lot)
{
	int32 ref = lots[lot].ref;

	if (ref >= 0)
		add_blocked(refs, lots, &refs->list[ref], lot);
}

void
lot_refs_restore(LotRefs *refs, PointsLot *lots, int32 lot)
{
	int32 ref = lots[lot].ref;

	if (ref >= 0)
		add_lot(refs, lots, &refs->list[ref], lot);
}

void
lot_refs_add_part(LotRefs *refs, PointsLot *lots, int32 old, int32 lot)
{
	lots[lot].ref = lots[old].ref;
	if (lots[lot].ref >= 0)
		add_lot(refs, lots, &refs->list[lots[lot].ref], lot);
}

/* ---- debts ---- */

int32
lot_refs_add_debt(LotRefs *refs, const RefKey *key, const PointsDebt *debt)
{
	LotDebt *made;

	refs->debts = array_grow_in(refs->context, refs->debts, &refs->max_debts,
								(int64) refs->ndebts + 1, sizeof(LotDebt));
	made = &refs->debts[refs->ndebts];
	made->debt = *debt;
	made->key = *key;
	made->before = -1;
	return refs->ndebts++;
}

int32
lot_refs_oldest_debt(LotRefs *refs)
{
	while (refs->first_debt < refs->ndebts && refs->debts[refs->first_debt].debt.points == 0)
		refs->first_debt++;
	if (refs->first_debt == refs->ndebts)
		elog(ERROR, "points are owed, but by no debt");
	return refs->first_debt;
}
