/*
 * deal_group.c
 *		The rows of a part, by customer.
 *
 * Rows get the number of their group first, by a table; then payloads are put in the order of the
 * groups. Both go through the chunks from front to back, and through the table at random, which is
 * small enough to stay in the second-level cache.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/deal_group.h"

/* All that a row needs of its group: one look into memory. */
typedef struct RowSlot
{
	uint64 hash;
	uint32 number; /* 1 + number of the group; 0: free */
	uint32 nrows;
} RowSlot;

typedef struct RowTable
{
	RowGroups *groups;
	bool numbers; /* the hash tells one key from another */
	int skip;
	int shift;
	uint32 mask;
	RowSlot *slots;
	uint32 max_groups;
} RowTable;

/* Makes a room at least so large; keep: with what is in it. */
static void *
take_room(RowGroups *groups, GroupRoom *room, size_t size, bool keep)
{
	if (room->size >= size)
		return room->at;
	size += size / 4;
	if (room->at != NULL && keep)
		room->at = repalloc_huge(room->at, size);
	else
	{
		if (room->at != NULL)
			pfree(room->at);
		room->at = NULL;
		room->at = MemoryContextAllocHuge(groups->context, size);
	}
	room->size = size;
	return room->at;
}

void
group_rows_free(RowGroups *groups)
{
	GroupRoom *rooms[] = { &groups->slots, &groups->group_room, &groups->numbers, &groups->rows };
	int i;

	for (i = 0; i < (int) lengthof(rooms); i++)
	{
		if (rooms[i]->at != NULL)
			pfree(rooms[i]->at);
		rooms[i]->at = NULL;
		rooms[i]->size = 0;
	}
}

size_t
group_rows_memory(const RowForm *form, int64 rows, int64 customers)
{
	size_t row = sizeof(uint32) + (form->own_size ? sizeof(uint8 *) : form->size);

	return rows * row + customers * (sizeof(RowGroup) + 4 * sizeof(RowSlot));
}

/* ---- the table ---- */

static inline uint32
slot_of(const RowTable *table, uint64 hash)
{
	return (uint32) ((hash << table->skip) >> table->shift);
}

static void
make_slots(RowTable *table, int bits)
{
	size_t size = ((size_t) 1 << bits) * sizeof(RowSlot);

	table->slots = take_room(table->groups, &table->groups->slots, size, false);
	memset(table->slots, 0, size);
	table->mask = (uint32) (((uint64) 1 << bits) - 1);
	table->shift = 64 - bits;
}

static RowSlot *find_slot(RowTable *table, const DealtRow *row);

static void
double_slots(RowTable *table)
{
	RowSlot *old = table->slots;
	uint32 nold = table->mask + 1;
	uint32 i;

	table->groups->slots.at = NULL;
	table->groups->slots.size = 0;
	make_slots(table, 65 - table->shift);
	for (i = 0; i < nold; i++)
		if (old[i].number != 0)
		{
			uint32 slot = slot_of(table, old[i].hash);

			while (table->slots[slot].number != 0)
			{
				slot = (slot + 1) & table->mask;
				CHECK_FOR_INTERRUPTS();
			}
			table->slots[slot] = old[i];
		}
	pfree(old);
}

static uint32
add_group(RowTable *table, const DealtRow *row)
{
	RowGroups *groups = table->groups;
	RowGroup *group;

	if (unlikely(groups->ngroups == table->max_groups))
	{
		groups->groups = take_room(groups, &groups->group_room,
								   2 * (size_t) table->max_groups * sizeof(RowGroup), true);
		table->max_groups = (uint32) (groups->group_room.size / sizeof(RowGroup));
	}
	group = &groups->groups[groups->ngroups];
	group->hash = row->hash;
	group->customer = row->customer;
	return groups->ngroups++;
}

/* The slot of a row's group, new or known; it stays there until the next call. */
static inline RowSlot *
find_slot(RowTable *table, const DealtRow *row)
{
	uint32 slot = slot_of(table, row->hash);

	while (table->slots[slot].number != 0)
	{
		RowSlot *found = &table->slots[slot];

		if (found->hash == row->hash &&
			(table->numbers || span_compare(table->groups->groups[found->number - 1].customer.bytes,
											row->customer.bytes) == 0))
			return found;
		slot = (slot + 1) & table->mask;
		CHECK_FOR_INTERRUPTS();
	}
	if (unlikely(table->groups->ngroups > table->mask / 2))
	{
		double_slots(table);
		return find_slot(table, row);
	}
	table->slots[slot].hash = row->hash;
	table->slots[slot].number = add_group(table, row) + 1;
	table->slots[slot].nrows = 0;
	return &table->slots[slot];
}

/* ---- rows ---- */

static void
number_rows(RowTable *table, const RowForm *form, const DealChunk *chunk, uint32 *numbers)
{
	for (; chunk != NULL; chunk = chunk->next)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		CHECK_FOR_INTERRUPTS();
		while (at < end)
		{
			DealtRow row;
			RowSlot *slot;

			at = row_read(form, at, &row);
			slot = find_slot(table, &row);
			slot->nrows++;
			*numbers++ = slot->number - 1;
		}
	}
}

/* Says where the rows of each group begin. */
static void
place_groups(RowTable *table)
{
	RowGroups *groups = table->groups;
	uint32 slot;
	uint32 first = 0;
	uint32 i;

	for (slot = 0; slot <= table->mask; slot++)
		if (table->slots[slot].number != 0)
			groups->groups[table->slots[slot].number - 1].nrows = table->slots[slot].nrows;
	for (i = 0; i < groups->ngroups; i++)
	{
		groups->groups[i].first = first;
		first += groups->groups[i].nrows;
	}
}

/* Puts rows where the first of their group is, which moves on behind them. */
static void
arrange_rows(RowGroups *groups, const RowForm *form, const DealChunk *chunk, const uint32 *numbers)
{
	size_t size = form->size;

	for (; chunk != NULL; chunk = chunk->next)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		CHECK_FOR_INTERRUPTS();
		while (at < end)
		{
			DealtRow row;
			uint32 place;

			at = row_read(form, at, &row);
			place = groups->groups[*numbers++].first++;
			if (form->own_size)
				groups->own_payloads[place] = row.payload;
			else if (size == 4)
				memcpy(groups->payloads + place * (size_t) 4, row.payload, 4);
			else
				memcpy(groups->payloads + place * size, row.payload, size);
		}
	}
}

void
group_rows(RowGroups *groups, const RowForm *form, int skip, const DealChunk *chunks, int64 rows,
		   int64 customers)
{
	RowTable table = { .groups = groups, .numbers = form->type == CUSTOMER_BIGINT, .skip = skip };
	int64 expected = Max(32, Min(customers, rows));
	int bits = 6;
	uint32 *numbers;
	uint32 i;

	if (rows > PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many rows to be grouped at once"),
						errhint("Set work_mem to a smaller value.")));
	groups->ngroups = 0;
	groups->groups = take_room(groups, &groups->group_room, expected * sizeof(RowGroup), false);
	table.max_groups = (uint32) Min(groups->group_room.size / sizeof(RowGroup), PG_INT32_MAX);
	while (((int64) 1 << bits) < 2 * expected)
		bits++;
	make_slots(&table, bits);
	numbers = take_room(groups, &groups->numbers, Max(1, rows) * sizeof(uint32), false);
	number_rows(&table, form, chunks, numbers);
	place_groups(&table);
	if (form->own_size)
		groups->own_payloads =
			take_room(groups, &groups->rows, Max(1, rows) * sizeof(uint8 *), false);
	else
		groups->payloads =
			take_room(groups, &groups->rows, Max(1, rows * (size_t) form->size), false);
	arrange_rows(groups, form, chunks, numbers);
	for (i = 0; i < groups->ngroups; i++)
		groups->groups[i].first -= groups->groups[i].nrows;
}
