/*
 * ref.c
 *		The order of texts; and refs of events, numbered: open addressing with linear probing.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "core/hash_key.h"
#include "core/ref.h"

int
event_text_order(const void *a, const void *b)
{
	return event_text_compare(a, b);
}

const EventText *
event_text_find(const EventText *text, const EventText *texts, int64 ntexts)
{
	return ntexts == 0 ? NULL : bsearch(text, texts, ntexts, sizeof(EventText), event_text_order);
}

/* Refs that there is room for at first, and slots for each: powers of two. */
#define FIRST_REFS	  32
#define SLOTS_PER_REF 4

static inline uint32
hash_ref(const RefKey *key)
{
	if (key->type == EVENT_REF_NUMBER)
		return (uint32) hash_number((uint64) key->number);
	return (uint32) hash_bytes_keyed(key->text.bytes, key->text.len);
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

void
ref_table_init(RefTable *table, MemoryContext context)
{
	hash_key_need();
	table->context = context;
	table->entries = NULL;
	table->slots = NULL;
	table->count = table->max = 0;
	table->mask = 0;
}

/* The slot of a ref, or the free one where it belongs. */
static inline uint32
find_slot(const RefTable *table, const RefKey *key, uint32 hash)
{
	uint32 slot = hash & table->mask;

	while (table->slots[slot] != 0)
	{
		const RefEntry *entry = &table->entries[table->slots[slot] - 1];

		if (entry->hash == hash && same_ref(&entry->key, key))
			break;
		slot = (slot + 1) & table->mask;
	}
	return slot;
}

static void
grow(RefTable *table)
{
	int32 room = table->entries == NULL ? FIRST_REFS : table->max * 2;
	uint32 nslots = (uint32) room * SLOTS_PER_REF;
	int32 *slots = MemoryContextAllocExtended(table->context, (Size) nslots * sizeof(int32),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int32 i;

	if (table->entries == NULL)
		table->entries = MemoryContextAlloc(table->context, room * sizeof(RefEntry));
	else
	{
		table->entries = repalloc_huge(table->entries, (Size) room * sizeof(RefEntry));
		pfree(table->slots);
	}
	table->max = room;
	table->slots = slots;
	table->mask = nslots - 1;
	for (i = 0; i < table->count; i++)
	{
		RefEntry *entry = &table->entries[i];

		entry->slot = find_slot(table, &entry->key, entry->hash);
		table->slots[entry->slot] = i + 1;
	}
}

int32
ref_table_add(RefTable *table, const RefKey *key)
{
	uint32 hash = hash_ref(key);
	RefEntry *entry;
	uint32 slot;

	if (table->count == table->max)
		grow(table);
	slot = find_slot(table, key, hash);
	if (table->slots[slot] != 0)
		return table->slots[slot] - 1;
	entry = &table->entries[table->count];
	entry->key = *key;
	entry->hash = hash;
	entry->slot = slot;
	table->slots[slot] = ++table->count;
	return table->count - 1;
}

int32
ref_table_find(const RefTable *table, const RefKey *key)
{
	return table->count == 0 ? -1 : table->slots[find_slot(table, key, hash_ref(key))] - 1;
}

void
ref_table_clear(RefTable *table)
{
	int32 i;

	for (i = 0; i < table->count; i++)
		table->slots[table->entries[i].slot] = 0;
	table->count = 0;
}
