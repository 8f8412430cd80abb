/*
 * grouper.c
 *		Groups what one part holds by customer.
 *
 *		rows	--> hash table --> each group's payloads together
 *		entries --> hash table --> each group's bodies together
 *
 * The table has the hash's top bits for its slots: to read its slots in order is to read its groups
 * in the order of their hashes, but for neighbours. A row is looked at twice: to number its group,
 * and, when it is known how many each has, to put its payload where its group's are.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/collect_internal.h"

/* ---- memory ---- */

/*
 * Parts are grouped one after another and by the hundred, so the memory is kept from one to the
 * next, up to so many bytes: getting it anew each time would cost more than the grouping.
 */
#define KEPT_MAX (8 * 1024 * 1024)

Grouper *
grouper_create(MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "loyalty grouping", ALLOCSET_DEFAULT_SIZES);
	MemoryContext rooms = AllocSetContextCreate(own, "loyalty grouping", ALLOCSET_DEFAULT_SIZES);
	Grouper *grouper = MemoryContextAllocZero(own, sizeof(Grouper));

	hash_key_need();
	grouper->context = own;
	grouper->rooms = rooms;
	return grouper;
}

size_t
grouper_bytes(const Grouper *grouper)
{
	return MemoryContextMemAllocated(grouper->context, true);
}

void
grouper_forget(Grouper *grouper)
{
	MemoryContextReset(grouper->rooms);
	grouper->slots_room = grouper->groups_room = grouper->order_room = grouper->claims_room =
		grouper->numbers_room = grouper->rows_room = grouper->bodies_room = grouper->expanded_room =
			(GroupRoom){ NULL, 0 };
	grouper->merged = (ByteBuffer){ NULL, 0, 0 };
}

/* Makes a room at least so large; what was in it is lost. */
static void *
take_room(Grouper *grouper, GroupRoom *room, size_t size)
{
	if (room->size < size)
	{
		if (room->at != NULL)
			pfree(room->at);
		room->size = 0;
		room->at = MemoryContextAllocHuge(grouper->rooms, size + size / 4);
		room->size = size + size / 4;
	}
	return room->at;
}

void *
grouper_expanded(Grouper *grouper, size_t size)
{
	return take_room(grouper, &grouper->expanded_room, size);
}

/* ---- the table ---- */

static inline uint32
slot_of(const Grouper *g, uint64 hash)
{
	return (uint32) ((hash << g->skip) >> g->shift);
}

static void
make_slots(Grouper *g, int bits)
{
	size_t size = ((size_t) 1 << bits) * sizeof(GroupSlot);

	g->slots = take_room(g, &g->slots_room, size);
	memset(g->slots, 0, size);
	g->mask = ((uint32) 1 << bits) - 1;
	g->shift = 64 - bits;
}

static void
double_slots(Grouper *g)
{
	GroupSlot *old = g->slots;
	uint32 nold = g->mask + 1;
	uint32 i;

	g->slots_room.at = NULL;
	g->slots_room.size = 0;
	make_slots(g, 65 - g->shift);
	for (i = 0; i < nold; i++)
		if (old[i].number != 0)
		{
			uint32 slot = slot_of(g, old[i].hash);

			while (g->slots[slot].number != 0)
			{
				slot = (slot + 1) & g->mask;
				CHECK_FOR_INTERRUPTS();
			}
			g->slots[slot] = old[i];
		}
	pfree(old);
}

static uint32
add_group(Grouper *g, uint64 hash, const Customer *customer)
{
	CustomerGroup *group;

	if (unlikely(g->ngroups == g->max_groups))
	{
		g->groups = array_grow_in(g->rooms, g->groups, &g->max_groups, (int64) g->ngroups + 1,
								  sizeof(CustomerGroup));
		g->groups_room.at = g->groups;
		g->groups_room.size = g->max_groups * sizeof(CustomerGroup);
	}
	group = &g->groups[g->ngroups];
	group->hash = hash;
	group->customer = *customer;
	group->nrows = group->nbodies = 0;
	return g->ngroups++;
}

/* The slot of a customer's group, new or known; it stays there until the next call. */
static inline GroupSlot *
find_slot(Grouper *g, CustomerType type, uint64 hash, const Customer *customer)
{
	uint32 slot = slot_of(g, hash);

	while (g->slots[slot].number != 0)
	{
		GroupSlot *found = &g->slots[slot];

		if (found->hash == hash &&
			(type == CUSTOMER_BIGINT ||
			 same_customer(type, hash, &g->groups[found->number - 1].customer, hash, customer)))
			return found;
		slot = (slot + 1) & g->mask;
		CHECK_FOR_INTERRUPTS();
	}
	if (unlikely(g->ngroups > g->mask / 2))
	{
		double_slots(g);
		return find_slot(g, type, hash, customer);
	}
	g->slots[slot].hash = hash;
	g->slots[slot].number = add_group(g, hash, customer) + 1;
	return &g->slots[slot];
}

void
grouper_open(Grouper *g, const DealForm *form, int skip, int64 nrows, int64 nbodies, int64 expected)
{
	int bits = 6;

	if (nrows + nbodies > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows to be grouped at once: %lld", (long long) (nrows + nbodies)),
				 errhint("Aggregate in two levels, over fewer customers at once.")));
	if (MemoryContextMemAllocated(g->rooms, false) > KEPT_MAX)
		grouper_forget(g);

	/* Parts are alike. */
	if (expected == 0)
		expected = (int64) g->ngroups + g->ngroups / 8;
	expected = Max(32, Min(expected, nrows + nbodies));
	while (((int64) 1 << bits) < 2 * expected)
		bits++;
	g->type = form->type;
	g->payload_size = form->sized ? sizeof(uint8 *) : form->payload_size;
	g->skip = skip;
	g->ngroups = 0;
	g->groups = take_room(g, &g->groups_room, expected * sizeof(CustomerGroup));
	g->max_groups = (int64) (g->groups_room.size / sizeof(CustomerGroup));
	make_slots(g, bits);
	g->claims = take_room(g, &g->claims_room, nbodies * sizeof(GroupClaim));
	g->numbers = take_room(g, &g->numbers_room, nrows * sizeof(uint32));
	g->nrows = 0;
	g->nclaims = 0;
}

void
grouper_claim(Grouper *g, ByteSpan entries)
{
	const uint8 *at = entries.bytes;
	const uint8 *end = at + entries.len;

	while (at < end)
	{
		GroupClaim *claim = &g->claims[g->nclaims++];
		Customer customer = { 0 };

		entry_next(&at, end, g->type, &customer, &claim->body);
		claim->group =
			find_slot(g, g->type, customer_hash(g->type, customer), &customer)->number - 1;
		g->groups[claim->group].nbodies++;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Numbers the groups of rows, in the order in which they stand. */
static pg_attribute_always_inline void
number_rows(Grouper *g, DealForm form, const DealChunk *chunk)
{
	uint32 n = g->nrows;

	for (; chunk != NULL; chunk = chunk->next)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		CHECK_FOR_INTERRUPTS();
		while (at < end)
		{
			DealRow row = { 0 };
			GroupSlot *slot;

			deal_read(&form, &at, &row);
			slot = find_slot(g, form.type, row.hash, &row.key);
			slot->nrows++;
			g->numbers[n++] = slot->number - 1;
		}
	}
	g->nrows = n;
}

/* Is it the usual form, a number and a payload of one size? That has copies of the code of its own.
 */
static inline bool
is_usual(const DealForm *form)
{
	return form->type == CUSTOMER_BIGINT && !form->sized;
}

void
grouper_rows(Grouper *g, const DealForm *form, const DealChunk *chunk)
{
	DealForm usual = { .type = CUSTOMER_BIGINT, .payload_size = form->payload_size };

	if (!is_usual(form))
		number_rows(g, *form, chunk);
	else if (form->short_by == 0)
		number_rows(g, usual, chunk);
	else
	{
		usual.short_by = form->short_by;
		number_rows(g, usual, chunk);
	}
}

/* Numbers of the groups in the order of their hashes; hands the groups their rows' numbers. */
static void
order_groups(Grouper *g)
{
	uint32 *order = take_room(g, &g->order_room, g->ngroups * sizeof(uint32));
	uint32 n = 0;
	uint32 slot;

	for (slot = 0; slot <= g->mask; slot++)
	{
		CustomerGroup *group;
		uint32 hole;

		if ((slot & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
		if (g->slots[slot].number == 0)
			continue;
		group = &g->groups[g->slots[slot].number - 1];
		group->nrows = g->slots[slot].nrows;
		for (hole = n++; hole > 0; hole--)
		{
			const CustomerGroup *before = &g->groups[order[hole - 1]];

			if (!customer_before(g->type, group->hash, &group->customer, before->hash,
								 &before->customer))
				break;
			order[hole] = order[hole - 1];
			CHECK_FOR_INTERRUPTS();
		}
		order[hole] = g->slots[slot].number - 1;
	}
	g->order = order;
}

/* Puts the payloads of rows in the order of their groups. */
static pg_attribute_always_inline void
arrange_rows(Grouper *g, DealForm form, const DealChunk *chunk)
{
	const size_t size = form.payload_size;
	const uint8 **places = (const uint8 **) g->rows;
	uint32 n = 0;

	for (; chunk != NULL; chunk = chunk->next)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		CHECK_FOR_INTERRUPTS();
		while (at < end)
		{
			uint32 to = g->groups[g->numbers[n++]].first_row++;
			DealRow row = { 0 };

			deal_read(&form, &at, &row);
			if (form.sized)
				places[to] = row.payload;
			else if (row.len == size)
				memcpy(g->rows + (size_t) to * size, row.payload, size);
			else
				memcpy(g->rows + (size_t) to * size, row.payload, size - form.short_by);
		}
	}
}

/* Payloads of a size that the compiler knows are copied without a call. */
static void
arrange_usual_rows(Grouper *g, const DealForm *form, const DealChunk *chunk)
{
#define OF_SIZE(size, less) \
	((DealForm){ .type = CUSTOMER_BIGINT, .payload_size = (size), .short_by = (less) })

	if (form->short_by == 0 && form->payload_size == 4)
		arrange_rows(g, OF_SIZE(4, 0), chunk);
	else if (form->short_by == 0 && form->payload_size == 13)
		arrange_rows(g, OF_SIZE(13, 0), chunk);
	else if (form->short_by == 4 && form->payload_size == 17)
		arrange_rows(g, OF_SIZE(17, 4), chunk);
	else
		arrange_rows(g, *form, chunk);
#undef OF_SIZE
}

void
grouper_close(Grouper *g, const DealForm *form, const DealChunk *chunk)
{
	uint32 row = 0;
	uint32 body = 0;
	uint32 n;

	order_groups(g);
	for (n = 0; n < g->ngroups; n++)
	{
		CustomerGroup *group = &g->groups[g->order[n]];

		group->first_row = row;
		group->first_body = body;
		row += group->nrows;
		body += group->nbodies;
	}

	g->rows = take_room(g, &g->rows_room, (size_t) g->nrows * g->payload_size);
	if (is_usual(form))
		arrange_usual_rows(g, form, chunk);
	else
		arrange_rows(g, *form, chunk);

	g->bodies = take_room(g, &g->bodies_room, g->nclaims * sizeof(ByteSpan));
	for (n = 0; n < g->nclaims; n++)
		g->bodies[g->groups[g->claims[n].group].first_body++] = g->claims[n].body;
}

/* ---- rows alone ---- */

uint32
grouper_group(Grouper *grouper, const Deal *deal, const DealPart *part)
{
	grouper_open(grouper, &deal->form, deal->skip + deal->bits, part->rows, 0, 0);
	grouper_rows(grouper, &deal->form, part->first);
	grouper_close(grouper, &deal->form, part->first);
	return grouper->ngroups;
}

void
grouper_get(const Grouper *grouper, uint32 n, DealGroup *result)
{
	const CustomerGroup *group = &grouper->groups[grouper->order[n]];
	uint32 first = group->first_row - group->nrows;

	result->key = group->customer;
	result->nrows = group->nrows;
	result->payloads = grouper->rows + (size_t) first * grouper->payload_size;
	result->of_their_own = (const uint8 **) grouper->rows + first;
}
