/*
 * collect_group.c
 *		Groups what one part of a collector holds by customer.
 *
 *		raw rows --> hash table --> groups in the order of their hashes --+
 *		run --------------------------------------------------------------+--> merged run
 *		run --------------------------------------------------------------+
 *
 * Every run is in the order of its customers' hashes, so runs are merged as streams,
 * without looking a customer up. The table has the hash's top bits for its slots: to
 * read its slots in order is to read its groups in order, but for neighbours.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/collect_internal.h"
#include "core/array.h"

/* Runs merged as streams; where there are more, the others are grouped as raw ones are. */
#define MAX_STREAMS 8

typedef struct RawGroup
{
	uint64 hash;
	Customer customer;
	uint32 nrows;
	uint32 nbodies;
	uint32 first_row; /* where its rows and bodies stand, or are put next */
	uint32 first_body;
} RawGroup;

/* A body and whose it is. */
typedef struct Claim
{
	ByteSpan body;
	uint32 group;
} Claim;

/* ---- scratch memory ---- */

/*
 * Parts are grouped one after another and by the hundred, so the memory is kept
 * from one to the next, up to SCRATCH_KEPT bytes: getting it anew each time would cost
 * more than the grouping. It goes with the last of the collectors that used it, which is
 * at the end of their query, if not earlier.
 */
#define SCRATCH_KEPT (8 * 1024 * 1024)

typedef struct Room
{
	void *at;
	size_t size;
} Room;

typedef struct Scratch
{
	Room slots;
	Room groups;
	Room order;
	Room claims;
	Room numbers;
	Room rows;
	Room bodies;
} Scratch;

static Scratch scratch;
static MemoryContext scratch_context;
static bool scratch_busy; /* still set after an error: what was lent is lost */
static int64 scratch_users;

static void
leave_scratch(void *arg)
{
	if (--scratch_users > 0)
		return;
	MemoryContextDelete(scratch_context);
	scratch_context = NULL;
	memset(&scratch, 0, sizeof(scratch));
	scratch_busy = false;
}

static void
open_scratch(Collector *collector)
{
	if (scratch_context == NULL)
		scratch_context =
			AllocSetContextCreate(TopMemoryContext, "loyalty grouping", ALLOCSET_DEFAULT_SIZES);
	if (scratch_busy || MemoryContextMemAllocated(scratch_context, false) > SCRATCH_KEPT)
	{
		MemoryContextReset(scratch_context);
		memset(&scratch, 0, sizeof(scratch));
	}
	scratch_busy = true;
	if (collector->scratch_use.func == NULL)
	{
		collector->scratch_use.func = leave_scratch;
		MemoryContextRegisterResetCallback(collector->context, &collector->scratch_use);
		scratch_users++;
	}
}

static void
close_scratch(void)
{
	scratch_busy = false;
}

/* Makes a room at least so large; what was in it is lost. */
static void *
take_room(Room *room, size_t size)
{
	if (room->size < size)
	{
		if (room->at != NULL)
			pfree(room->at);
		room->at = MemoryContextAllocHuge(scratch_context, size + size / 4);
		room->size = size + size / 4;
	}
	return room->at;
}

/* ---- the table ---- */

/* All that a row needs of its group: one look into memory. */
typedef struct Slot
{
	uint64 hash;
	uint32 number; /* 1 + number of the group; 0: free */
	uint32 nrows;
} Slot;

typedef struct Grouping
{
	CustomerType type;
	int skip;  /* top bits of the hash that all customers of the part share */
	int shift; /* from the others to a slot */
	uint32 mask;
	Slot *slots;
	uint32 ngroups;
	int64 max_groups;
	RawGroup *groups;
} Grouping;

static inline uint32
slot_of(const Grouping *g, uint64 hash)
{
	return (uint32) ((hash << g->skip) >> g->shift);
}

static void
make_slots(Grouping *g, int bits)
{
	size_t size = ((size_t) 1 << bits) * sizeof(Slot);

	g->slots = take_room(&scratch.slots, size);
	memset(g->slots, 0, size);
	g->mask = ((uint32) 1 << bits) - 1;
	g->shift = 64 - bits;
}

static void
double_slots(Grouping *g)
{
	Slot *old = g->slots;
	uint32 nold = g->mask + 1;
	uint32 i;

	scratch.slots.at = NULL;
	scratch.slots.size = 0;
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
add_group(Grouping *g, uint64 hash, const Customer *customer)
{
	RawGroup *group;

	if (unlikely(g->ngroups == g->max_groups))
	{
		g->groups = array_grow(g->groups, &g->max_groups, (int64) g->ngroups + 1, sizeof(RawGroup));
		scratch.groups.at = g->groups;
		scratch.groups.size = g->max_groups * sizeof(RawGroup);
	}
	group = &g->groups[g->ngroups];
	group->hash = hash;
	group->customer = *customer;
	group->nrows = group->nbodies = 0;
	return g->ngroups++;
}

/* The slot of a customer's group, new or known; it stays there until the next call. */
static inline Slot *
find_slot(Grouping *g, uint64 hash, const Customer *customer)
{
	uint32 slot = slot_of(g, hash);

	while (g->slots[slot].number != 0)
	{
		Slot *found = &g->slots[slot];

		if (found->hash == hash &&
			(g->type == CUSTOMER_BIGINT ||
			 same_customer(g->type, hash, &g->groups[found->number - 1].customer, hash, customer)))
			return found;
		slot = (slot + 1) & g->mask;
		CHECK_FOR_INTERRUPTS();
	}
	if (unlikely(g->ngroups > g->mask / 2))
	{
		double_slots(g);
		return find_slot(g, hash, customer);
	}
	g->slots[slot].hash = hash;
	g->slots[slot].number = add_group(g, hash, customer) + 1;
	return &g->slots[slot];
}

/* Numbers of the groups in the order of their hashes; hands the groups their rows' numbers. */
static uint32 *
order_groups(const Grouping *g)
{
	uint32 *order = take_room(&scratch.order, g->ngroups * sizeof(uint32));
	uint32 n = 0;
	uint32 slot;

	for (slot = 0; slot <= g->mask; slot++)
	{
		RawGroup *group;
		uint32 hole;

		if ((slot & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
		if (g->slots[slot].number == 0)
			continue;
		group = &g->groups[g->slots[slot].number - 1];
		group->nrows = g->slots[slot].nrows;
		for (hole = n++; hole > 0; hole--)
		{
			const RawGroup *before = &g->groups[order[hole - 1]];

			if (!customer_before(g->type, group->hash, &group->customer, before->hash,
								 &before->customer))
				break;
			order[hole] = order[hole - 1];
			CHECK_FOR_INTERRUPTS();
		}
		order[hole] = g->slots[slot].number - 1;
	}
	return order;
}

/* ---- what is raw ---- */

/* Claims the bodies of a stretch of entries. */
static uint32
claim_entries(Grouping *g, ByteSpan entries, Claim *claims)
{
	const uint8 *at = entries.bytes;
	const uint8 *end = at + entries.len;
	uint32 n = 0;

	while (at < end)
	{
		Customer customer = { 0 };

		entry_next(&at, end, g->type, &customer, &claims[n].body);
		claims[n].group = find_slot(g, customer_hash(g->type, customer), &customer)->number - 1;
		g->groups[claims[n].group].nbodies++;
		n++;
		CHECK_FOR_INTERRUPTS();
	}
	return n;
}

/* Numbers the groups of raw rows, in the order in which they stand. */
static void
number_rows(Grouping *g, const Chunk *chunk, size_t row_size, uint32 *numbers)
{
	uint32 n = 0;

	for (; chunk != NULL; chunk = chunk->next)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		CHECK_FOR_INTERRUPTS();
		while (at < end)
		{
			Customer customer = { 0 };
			uint64 word;
			uint64 hash;
			Slot *slot;

			memcpy(&word, at, sizeof(word));
			at += sizeof(word) + row_size;
			if (g->type == CUSTOMER_BIGINT)
			{
				customer.number = (int64) word;
				hash = hash_number(word);
			}
			else
			{
				uint32 len;

				memcpy(&len, at, sizeof(len));
				customer.bytes.bytes = at + sizeof(len);
				customer.bytes.len = len;
				at += sizeof(len) + len;
				hash = word;
			}
			slot = find_slot(g, hash, &customer);
			slot->nrows++;
			numbers[n++] = slot->number - 1;
		}
	}
}

/* Puts the payloads of raw rows in the order of their groups. */
static void
arrange_rows(Grouping *g, const Chunk *chunk, size_t row_size, const uint32 *numbers, uint8 *rows)
{
	uint32 n = 0;

	for (; chunk != NULL; chunk = chunk->next)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		CHECK_FOR_INTERRUPTS();
		while (at < end)
		{
			uint8 *to = rows + (size_t) g->groups[numbers[n++]].first_row++ * row_size;

			at += sizeof(uint64);
			if (row_size == 4)
				memcpy(to, at, 4);
			else
				memcpy(to, at, row_size);
			at += row_size;
			if (g->type != CUSTOMER_BIGINT)
			{
				uint32 len;

				memcpy(&len, at, sizeof(len));
				at += sizeof(len) + len;
			}
		}
	}
}

/* What is raw, by group: each group's rows and bodies end where its first_row and first_body stand.
 */
typedef struct RawGroups
{
	Grouping table;
	uint32 *order;
	uint8 *rows;
	ByteSpan *bodies;
} RawGroups;

static void
group_raw(const Collector *collector, const CollectPart *part, RawGroups *raw)
{
	Grouping *g = &raw->table;
	size_t row_size = collector->ops->row_size;
	uint32 nrows = collector->takes_bodies ? 0 : part->raw_count;
	int64 nclaims = collector->takes_bodies ? part->raw_count : 0;
	int bits = 6;
	uint32 row = 0;
	uint32 body = 0;
	uint32 *numbers;
	Claim *claims;
	uint32 n = 0;
	int run;

	for (run = MAX_STREAMS; run < part->nruns; run++)
		nclaims += part->runs[run].customers;
	if (nclaims + nrows > PG_INT32_MAX)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many rows for one collected %s", collector->ops->name),
			 errhint("Collect fewer customers at once, or store summaries made with GROUP BY.")));

	/* A part's first run gives an idea of how many customers there are. */
	g->type = collector->type;
	g->skip = collector->nparts > 1 ? PART_BITS : 0;
	g->ngroups = 0;
	g->max_groups = Min(nrows + nclaims, part->nruns > 0 ? part->runs[0].customers : 64);
	g->max_groups = Max(32, g->max_groups);
	g->groups = take_room(&scratch.groups, g->max_groups * sizeof(RawGroup));
	while (((int64) 1 << bits) < 2 * g->max_groups)
		bits++;
	make_slots(g, bits);

	claims = take_room(&scratch.claims, nclaims * sizeof(Claim));
	numbers = take_room(&scratch.numbers, nrows * sizeof(uint32));
	for (run = MAX_STREAMS; run < part->nruns; run++)
		n += claim_entries(g, part->runs[run].entries, claims + n);
	if (collector->takes_bodies)
	{
		const Chunk *chunk;

		for (chunk = part->first; chunk != NULL; chunk = chunk->next)
		{
			ByteSpan entries = { chunk->data, chunk->used };

			n += claim_entries(g, entries, claims + n);
		}
	}
	else
		number_rows(g, part->first, row_size, numbers);

	raw->order = order_groups(g);
	for (n = 0; n < g->ngroups; n++)
	{
		RawGroup *group = &g->groups[raw->order[n]];

		group->first_row = row;
		group->first_body = body;
		row += group->nrows;
		body += group->nbodies;
	}
	raw->rows = take_room(&scratch.rows, (size_t) nrows * row_size);
	if (!collector->takes_bodies)
		arrange_rows(g, part->first, row_size, numbers, raw->rows);
	raw->bodies = take_room(&scratch.bodies, nclaims * sizeof(ByteSpan));
	for (n = 0; n < (uint32) nclaims; n++)
		raw->bodies[g->groups[claims[n].group].first_body++] = claims[n].body;
}

/* ---- merging ---- */

/* A run being read. */
typedef struct Stream
{
	const uint8 *at;
	const uint8 *end;
	uint64 hash;
	Customer customer;
	ByteSpan body;
} Stream;

/* Reads the next entry; false at the end. */
static inline bool
advance(Stream *stream, CustomerType type)
{
	if (stream->at >= stream->end)
		return false;
	entry_next(&stream->at, stream->end, type, &stream->customer, &stream->body);
	stream->hash = customer_hash(type, stream->customer);
	return true;
}

/* All that one customer has, being gathered. */
typedef struct Gathered
{
	Customer customer;
	uint64 hash;
	ByteSpan *bodies;
	int nbodies;
	int64 max_bodies;
	uint8 *rows;
	int nrows;
} Gathered;

static void
gather_bodies(Gathered *gathered, const ByteSpan *bodies, uint32 n)
{
	gathered->bodies = array_grow(gathered->bodies, &gathered->max_bodies,
								  (int64) gathered->nbodies + n, sizeof(ByteSpan));
	memcpy(gathered->bodies + gathered->nbodies, bodies, n * sizeof(ByteSpan));
	gathered->nbodies += (int) n;
}

/* Writes the entry of a customer. */
static void
put_gathered(const Collector *collector, Gathered *gathered, ByteBuffer *merged, ByteBuffer *out)
{
	ByteSpan whole;

	if (gathered->nrows == 0 && gathered->nbodies == 1)
		whole = gathered->bodies[0];
	else
	{
		merged->len = 0;
		collector->ops->merge(merged, gathered->bodies, gathered->nbodies, gathered->rows,
							  gathered->nrows, collector->texts);
		whole.bytes = merged->data;
		whole.len = merged->len;
	}
	entry_put(out, collector->type, gathered->customer, whole);
}

/* Merges the groups of what is raw with the streams; returns the number of customers. */
static int64
merge_streams(const Collector *collector, const RawGroups *raw, Stream *streams, int nstreams,
			  ByteBuffer *out)
{
	CustomerType type = collector->type;
	const Grouping *g = &raw->table;
	Gathered gathered = { .bodies = NULL };
	BaseErrors errors;
	ByteBuffer merged;
	int64 customers = 0;
	uint32 next = 0;

	base_name_customer(&errors, type, &gathered.customer);
	buffer_init(&merged, 1024);
	while (next < g->ngroups || nstreams > 0)
	{
		const RawGroup *group = next < g->ngroups ? &g->groups[raw->order[next]] : NULL;
		int i;

		/* who comes next */
		if (group != NULL)
		{
			gathered.hash = group->hash;
			gathered.customer = group->customer;
		}
		for (i = 0; i < nstreams; i++)
			if ((i == 0 && group == NULL) ||
				customer_before(type, streams[i].hash, &streams[i].customer, gathered.hash,
								&gathered.customer))
			{
				gathered.hash = streams[i].hash;
				gathered.customer = streams[i].customer;
			}

		/* all that is his */
		gathered.nbodies = gathered.nrows = 0;
		if (group != NULL &&
			same_customer(type, group->hash, &group->customer, gathered.hash, &gathered.customer))
		{
			gathered.rows =
				raw->rows + (size_t) (group->first_row - group->nrows) * collector->ops->row_size;
			gathered.nrows = (int) group->nrows;
			if (group->nbodies > 0)
				gather_bodies(&gathered, raw->bodies + (group->first_body - group->nbodies),
							  group->nbodies);
			next++;
		}
		for (i = 0; i < nstreams;)
		{
			bool more = true;

			if (same_customer(type, streams[i].hash, &streams[i].customer, gathered.hash,
							  &gathered.customer))
			{
				gather_bodies(&gathered, &streams[i].body, 1);
				more = advance(&streams[i], type);
			}
			if (more)
				i++;
			else
				streams[i] = streams[--nstreams];
		}
		put_gathered(collector, &gathered, &merged, out);
		customers++;
		CHECK_FOR_INTERRUPTS();
	}
	base_forget_customer(&errors);
	pfree(merged.data);
	if (gathered.bodies != NULL)
		pfree(gathered.bodies);
	return customers;
}

CollectRun
group_part(Collector *collector, const CollectPart *part)
{
	Stream streams[MAX_STREAMS];
	int nstreams = 0;
	MemoryContext old;
	RawGroups raw;
	ByteBuffer out;
	CollectRun run;
	uint8 *entries;
	int i;

	CHECK_FOR_INTERRUPTS();
	open_scratch(collector);
	old = MemoryContextSwitchTo(scratch_context);
	group_raw(collector, part, &raw);
	for (i = 0; i < Min(part->nruns, MAX_STREAMS); i++)
	{
		Stream *stream = &streams[nstreams];

		stream->at = part->runs[i].entries.bytes;
		stream->end = stream->at + part->runs[i].entries.len;
		nstreams += advance(stream, collector->type);
	}
	buffer_init(&out, 1024 + part->run_bytes + part->full_bytes / 4);
	run.customers = merge_streams(collector, &raw, streams, nstreams, &out);
	MemoryContextSwitchTo(old);

	entries = MemoryContextAllocHuge(collector->context, Max(1, out.len));
	memcpy(entries, out.data, out.len);
	pfree(out.data);
	run.entries.bytes = entries;
	run.entries.len = out.len;
	close_scratch();
	return run;
}
