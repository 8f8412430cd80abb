/*
 * points_refs.c
 *		What a customer earned and redeemed under a ref, for returns and refunds.
 *
 * Few customers bring anything back: uses of refs are just noted, one after another. The first
 * one that looks for a ref has all of them put into a hash table, which is kept up from
 * then on.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "points/points_state.h"

/* Refs that there is room for at first, and slots for each: a power of two. */
#define FIRST_REFS	  32
#define SLOTS_PER_REF 4

static inline uint32
hash_ref(const RefKey *key)
{
	if (key->type == EVENT_REF_NUMBER)
		return murmurhash32((uint32) key->number ^ (uint32) ((uint64) key->number >> 32));
	return hash_bytes((const unsigned char *) key->text.bytes, key->text.len);
}

static inline bool
same_ref(const RefKey *a, const RefKey *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == EVENT_REF_NUMBER)
		return a->number == b->number;
	return a->text.len == b->text.len && memcmp(a->text.bytes, b->text.bytes, a->text.len) == 0;
}

/* The slot of a ref, or the free one where it belongs. */
static inline uint32
find_slot(const PointsWalk *walk, const RefKey *key, uint32 hash)
{
	uint32 slot = hash % walk->nref_slots;

	while (walk->ref_slots[slot] != 0)
	{
		const RefState *ref = &walk->refs[walk->ref_slots[slot] - 1];

		if (ref->hash == hash && same_ref(&ref->key, key))
			break;
		slot = (slot + 1) % walk->nref_slots;
	}
	return slot;
}

/* Makes room for more refs. */
static void
grow_refs(PointsWalk *walk)
{
	int32 room = walk->refs == NULL ? FIRST_REFS : walk->max_refs * 2;
	uint32 nslots = (uint32) room * SLOTS_PER_REF;
	int32 *slots = MemoryContextAllocExtended(walk->context, (Size) nslots * sizeof(int32),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int32 i;

	if (walk->refs == NULL)
	{
		walk->ref_context =
			AllocSetContextCreate(walk->context, "loyalty refs", ALLOCSET_SMALL_SIZES);
		walk->refs = MemoryContextAlloc(walk->context, room * sizeof(RefState));
	}
	else
	{
		walk->refs = repalloc_huge(walk->refs, (Size) room * sizeof(RefState));
		pfree(walk->ref_slots);
	}
	walk->max_refs = room;
	walk->ref_slots = slots;
	walk->nref_slots = nslots;
	for (i = 0; i < walk->nrefs; i++)
	{
		RefState *ref = &walk->refs[i];

		ref->slot = (int32) find_slot(walk, &ref->key, ref->hash);
		walk->ref_slots[ref->slot] = i + 1;
	}
}

static RefState *
make_ref(PointsWalk *walk, const RefKey *key)
{
	uint32 hash = hash_ref(key);
	uint32 slot;
	RefState *ref;

	if (walk->nrefs == walk->max_refs)
		grow_refs(walk);
	slot = find_slot(walk, key, hash);
	if (walk->ref_slots[slot] != 0)
		return &walk->refs[walk->ref_slots[slot] - 1];
	ref = &walk->refs[walk->nrefs++];
	walk->ref_slots[slot] = walk->nrefs;
	ref->key = *key;
	ref->hash = hash;
	ref->slot = (int32) slot;
	ref->lot = ref->last_piece = -1;
	ref->lots = NULL;
	ref->debt = 0;
	return ref;
}

/* Adds a lot to those of its ref: most refs have one, which needs no queue. */
static void
add_lot(PointsWalk *walk, RefState *state, int32 lot)
{
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
		lot_queue_init(state->lots, REF_QUEUE_BIT, true, LOTS_NEWEST);
		MemoryContextSwitchTo(old);
		lot_queue_push(state->lots, walk->lots, state->lot);
		state->lot = -1;
	}
	lot_queue_push(state->lots, walk->lots, lot);
}

static void
enter(PointsWalk *walk, const RefUse *use)
{
	RefState *state = make_ref(walk, &use->key);
	int32 i;

	if (use->lot >= 0)
	{
		walk->lots[use->lot].ref = (int32) (state - walk->refs);
		add_lot(walk, state, use->lot);
		return;
	}
	for (i = use->first_piece; i < use->first_piece + use->npieces; i++)
	{
		walk->pieces[i].before = state->last_piece;
		state->last_piece = i;
	}
	state->debt += use->debt;
}

static void
note(PointsWalk *walk, const RefUse *use)
{
	if (walk->refs_known)
	{
		enter(walk, use);
		return;
	}
	if (unlikely(walk->nuses == walk->max_uses))
	{
		int32 room = Max(64, walk->max_uses * 2);

		walk->uses = walk->uses == NULL ? MemoryContextAlloc(walk->context, room * sizeof(RefUse))
										: repalloc_huge(walk->uses, (Size) room * sizeof(RefUse));
		walk->max_uses = room;
	}
	walk->uses[walk->nuses++] = *use;
}

void
walk_note_lot(PointsWalk *walk, const RefKey *key, int32 lot)
{
	RefUse use = { .key = *key, .lot = lot };

	note(walk, &use);
}

void
walk_note_redemption(PointsWalk *walk, const RefKey *key, int32 first_piece, int64 debt)
{
	RefUse use = { .key = *key,
				   .lot = -1,
				   .first_piece = first_piece,
				   .npieces = walk->npieces - first_piece,
				   .debt = debt };

	note(walk, &use);
}

RefState *
walk_find_ref(PointsWalk *walk, const RefKey *key)
{
	int32 i;

	if (key->type == EVENT_REF_NONE)
		return NULL;
	if (!walk->refs_known)
	{
		walk->refs_known = true;
		for (i = 0; i < walk->nuses; i++)
		{
			enter(walk, &walk->uses[i]);
			CHECK_FOR_INTERRUPTS();
		}
	}
	if (walk->nrefs == 0)
		return NULL;
	i = walk->ref_slots[find_slot(walk, key, hash_ref(key))];
	return i == 0 ? NULL : &walk->refs[i - 1];
}

int32
walk_first_of_ref(PointsWalk *walk, RefState *ref)
{
	if (ref->lots != NULL)
		return lot_queue_first(ref->lots, LOTS_WITH_POINTS, walk->lots);
	return ref->lot >= 0 && walk->lots[ref->lot].remaining > 0 ? ref->lot : -1;
}

/* Only a refund gives back, which has looked for its ref: all refs are known. */
void
walk_restore_to_ref(PointsWalk *walk, int32 lot)
{
	int32 ref = walk->lots[lot].ref;

	if (ref >= 0)
		add_lot(walk, &walk->refs[ref], lot);
}

void
walk_forget_refs(PointsWalk *walk)
{
	int32 i;

	walk->nuses = 0;
	walk->npieces = 0;
	if (!walk->refs_known)
		return;
	walk->refs_known = false;
	if (walk->nrefs == 0)
		return;
	for (i = 0; i < walk->nrefs; i++)
		walk->ref_slots[walk->refs[i].slot] = 0;
	walk->nrefs = 0;
	MemoryContextReset(walk->ref_context);
}
