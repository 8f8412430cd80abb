/*
 * points_refs.c
 *		What a customer earned and redeemed under a ref, for returns and refunds.
 *
 * Few customers bring anything back: uses of refs are just noted, one after another. The first
 * one that looks for a ref has all of them put into a hash table, which is kept up from
 * then on.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "points/points_state.h"

/* Refs that there is room for at first. */
#define FIRST_REFS 32

static RefState *
make_ref(PointsWalk *walk, const RefKey *key)
{
	int32 known = walk->ref_numbers.count;
	int32 number = ref_table_add(&walk->ref_numbers, key);
	RefState *ref;

	if (number < known)
		return &walk->refs[number];
	if (unlikely(number == walk->max_refs))
	{
		int32 room = Max(FIRST_REFS, walk->max_refs * 2);

		if (walk->refs == NULL)
		{
			walk->ref_context =
				AllocSetContextCreate(walk->context, "loyalty refs", ALLOCSET_SMALL_SIZES);
			walk->refs = MemoryContextAlloc(walk->context, room * sizeof(RefState));
		}
		else
			walk->refs = repalloc_huge(walk->refs, (Size) room * sizeof(RefState));
		walk->max_refs = room;
	}
	ref = &walk->refs[number];
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
	i = ref_table_find(&walk->ref_numbers, key);
	return i < 0 ? NULL : &walk->refs[i];
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
	walk->nuses = 0;
	walk->npieces = 0;
	if (!walk->refs_known)
		return;
	walk->refs_known = false;
	if (walk->ref_numbers.count == 0)
		return;
	ref_table_clear(&walk->ref_numbers);
	MemoryContextReset(walk->ref_context);
}
