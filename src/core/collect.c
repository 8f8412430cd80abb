/*
 * collect.c
 *		Groups rows by customer; collect.h shows the data structure.
 *
 * Why not a hash table with a growing state per customer: 10 million rows of
 * 500,000 customers then cost a handful of cache misses each. Appending is one
 * write, to one of 256 places; and a part of some 10,000 rows is grouped inside
 * the second-level cache.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/collect.h"

/* Raw chunks double between these, header included: sizes that the allocator hands out again. */
#define CHUNK_MIN	   256
#define CHUNK_MAX	   8192

/* A part is compacted when its raw bytes reach this, and RAW_FACTOR times its runs. */
#define RAW_MIN		   2048
#define RAW_FACTOR	   3

/* A single part may grow to what is quick to group, and is split when its run is this long. */
#define SINGLE_RAW_MIN (192 * 1024)
#define SINGLE_RUN_MAX (64 * 1024)

typedef struct Chunk
{
	struct Chunk *next;
	uint32 used;
	uint8 data[FLEXIBLE_ARRAY_MEMBER];
} Chunk;

/* What appending needs comes first: it touches one cache line here, and one where it writes. */
struct CollectPart
{
	uint8 *tail; /* free room of the last chunk */
	uint8 *tail_end;
	uint32 raw_count; /* rows or entries in the chunks */
	int nruns;
	Chunk *first;
	Chunk *last;
	size_t full_bytes; /* raw bytes in all chunks but the last */
	size_t run_bytes;  /* of all runs but the first */
	CollectRun *runs;
	int max_runs;
};

#define MAX_OPS 4
static const CollectOps *registered[MAX_OPS];

void
collect_register(const CollectOps *ops)
{
	Assert(ops->id < MAX_OPS);
	registered[ops->id] = ops;
}

const CollectOps *
collect_ops(uint8 id)
{
	return id < MAX_OPS ? registered[id] : NULL;
}

/* ---- customers ---- */

/* The finalizer of MurmurHash3 (Austin Appleby, public domain): every bit of a number reaches every
 * other. */
static inline uint64
mix_bits(uint64 word)
{
	word ^= word >> 33;
	word *= UINT64CONST(0xff51afd7ed558ccd);
	word ^= word >> 33;
	word *= UINT64CONST(0xc4ceb9fe1a85ec53);
	word ^= word >> 33;
	return word;
}

static inline uint64
customer_hash(CustomerType type, Customer customer)
{
	if (type == CUSTOMER_BIGINT)
		return mix_bits((uint64) customer.number);
	return hash_bytes_extended(customer.bytes.bytes, (int) customer.bytes.len, 0);
}

/* The part takes the top bits, so that the group table below has the low ones for itself. */
static inline int
part_of(int nparts, uint64 hash)
{
	return nparts == 1 ? 0 : (int) (hash >> 56);
}

void
entry_put(ByteBuffer *out, CustomerType type, Customer customer, ByteSpan body)
{
	if (type == CUSTOMER_BIGINT)
		buffer_put_signed(out, customer.number);
	else
	{
		if (type == CUSTOMER_TEXT)
			buffer_put_varint(out, customer.bytes.len);
		buffer_put_bytes(out, customer.bytes.bytes, customer.bytes.len);
	}
	buffer_put_varint(out, body.len);
	buffer_put_bytes(out, body.bytes, body.len);
}

/* ---- appending ---- */

Collector *
collector_create(MemoryContext context, const CollectOps *ops, CustomerType type, bool takes_bodies)
{
	Collector *collector = MemoryContextAllocZero(context, sizeof(Collector));

	collector->context = context;
	collector->ops = ops;
	collector->type = type;
	collector->takes_bodies = takes_bodies;
	collector->nparts = 1;
	collector->parts = MemoryContextAllocZero(context, sizeof(CollectPart));
	return collector;
}

static void compact_part(Collector *collector, CollectPart *part);

/* Notes how far the last chunk is filled; the tail pointers know it while it is being filled. */
static void
settle_tail(CollectPart *part)
{
	if (part->last != NULL)
		part->last->used = (uint32) (part->tail - part->last->data);
}

/* Makes a chunk with room for size more bytes the last one, compacting or splitting where it is
 * time to. */
static CollectPart *
make_room(Collector *collector, uint64 hash, size_t size)
{
	CollectPart *part = &collector->parts[part_of(collector->nparts, hash)];
	size_t runs = part->run_bytes + (part->nruns > 0 ? part->runs[0].entries.len : 0);
	size_t raw_min = collector->nparts == 1 ? SINGLE_RAW_MIN : RAW_MIN;
	size_t cap;
	Chunk *chunk;

	if (part->last != NULL)
	{
		settle_tail(part);
		part->full_bytes += part->last->used;
	}
	if (part->full_bytes >= Max(raw_min, RAW_FACTOR * runs))
	{
		compact_part(collector, part);
		if (collector->nparts == 1 && part->runs[0].entries.len > SINGLE_RUN_MAX)
		{
			collector_split(collector);
			part = &collector->parts[part_of(collector->nparts, hash)];
		}
	}

	cap = CHUNK_MIN;
	while (cap < CHUNK_MAX && cap < part->full_bytes)
		cap *= 2;
	if (cap - offsetof(Chunk, data) < size)
		cap = offsetof(Chunk, data) + size;
	chunk = MemoryContextAllocHuge(collector->context, cap);
	chunk->next = NULL;
	chunk->used = 0;
	if (part->last == NULL)
		part->first = chunk;
	else
		part->last->next = chunk;
	part->last = chunk;
	part->tail = chunk->data;
	part->tail_end = (uint8 *) chunk + cap;
	return part;
}

/* Takes size bytes in the part that the hash names. */
static inline uint8 *
append_raw(Collector *collector, uint64 hash, size_t size)
{
	CollectPart *part = &collector->parts[part_of(collector->nparts, hash)];
	uint8 *at;

	if (unlikely((size_t) (part->tail_end - part->tail) < size))
		part = make_room(collector, hash, size);
	at = part->tail;
	part->tail += size;
	part->raw_count++;
	return at;
}

/*
 * A raw row: bigint: number, payload; others: hash, payload, length (4 bytes), bytes.
 */
void
collector_add_row(Collector *collector, Customer customer, const void *payload)
{
	uint64 hash = customer_hash(collector->type, customer);
	size_t row_size = collector->ops->row_size;
	uint8 *at;

	Assert(!collector->takes_bodies);
	if (collector->type == CUSTOMER_BIGINT)
	{
		at = append_raw(collector, hash, sizeof(int64) + row_size);
		memcpy(at, &customer.number, sizeof(int64));
		at += sizeof(int64);
		if (row_size == 4)
			memcpy(at, payload, 4);
		else
			memcpy(at, payload, row_size);
	}
	else
	{
		uint32 len = (uint32) customer.bytes.len;

		at = append_raw(collector, hash, sizeof(uint64) + row_size + sizeof(uint32) + len);
		memcpy(at, &hash, sizeof(uint64));
		at += sizeof(uint64);
		memcpy(at, payload, row_size);
		at += row_size;
		memcpy(at, &len, sizeof(uint32));
		memcpy(at + sizeof(uint32), customer.bytes.bytes, len);
	}
}

void
collector_add_body(Collector *collector, Customer customer, ByteSpan body)
{
	uint8 *at;
	size_t size = varint_length(body.len) + body.len;
	uint64 hash = customer_hash(collector->type, customer);

	Assert(collector->takes_bodies);
	if (collector->type == CUSTOMER_BIGINT)
		size += varint_length(zigzag_fold(customer.number));
	else
		size += customer.bytes.len +
				(collector->type == CUSTOMER_TEXT ? varint_length(customer.bytes.len) : 0);

	at = append_raw(collector, hash, size);
	if (collector->type == CUSTOMER_BIGINT)
		at = varint_write(at, zigzag_fold(customer.number));
	else
	{
		if (collector->type == CUSTOMER_TEXT)
			at = varint_write(at, customer.bytes.len);
		memcpy(at, customer.bytes.bytes, customer.bytes.len);
		at += customer.bytes.len;
	}
	at = varint_write(at, body.len);
	memcpy(at, body.bytes, body.len);
}

void
collector_note_zone(Collector *collector, CollectZone state, const char *zone)
{
	if (state == ZONE_NOT_NOTED || collector->zone_state == ZONE_MIXED)
		return;
	if (collector->zone_state == ZONE_NOT_NOTED)
	{
		collector->zone_state = state;
		collector->zone = zone;
	}
	else if (state == ZONE_MIXED || (zone != collector->zone && strcmp(zone, collector->zone) != 0))
	{
		collector->zone_state = ZONE_MIXED;
		collector->zone = NULL;
	}
}

/* ---- grouping ---- */

typedef struct Group
{
	uint64 word; /* bigint: the number; others: the hash */
	ByteSpan bytes;
	uint32 nrows;
	uint32 nbodies;
	uint32 first_row; /* where its rows and bodies stand, or are put next */
	uint32 first_body;
} Group;

/* A body and whose it is. */
typedef struct Claim
{
	ByteSpan body;
	uint32 group;
} Claim;

/* What grouping a part needs; allocated for one part, freed with its context. */
typedef struct Grouping
{
	CustomerType type;
	uint32 mask;
	uint32 *slots; /* 1 + number of a group; 0: free */
	uint32 ngroups;
	uint32 max_groups;
	Group *groups;
} Grouping;

static inline bool
group_matches(const Grouping *g, const Group *group, uint64 word, ByteSpan bytes)
{
	if (group->word != word)
		return false;
	return g->type == CUSTOMER_BIGINT || (group->bytes.len == bytes.len &&
										  memcmp(group->bytes.bytes, bytes.bytes, bytes.len) == 0);
}

static void
resize_slots(Grouping *g, uint32 nslots)
{
	uint32 i;

	if (g->slots != NULL)
		pfree(g->slots);
	g->slots = MemoryContextAllocExtended(CurrentMemoryContext, nslots * sizeof(uint32),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	g->mask = nslots - 1;
	for (i = 0; i < g->ngroups; i++)
	{
		uint64 word = g->groups[i].word;
		uint32 slot = (uint32) (g->type == CUSTOMER_BIGINT ? mix_bits(word) : word) & g->mask;

		while (g->slots[slot] != 0)
			slot = (slot + 1) & g->mask;
		g->slots[slot] = i + 1;
	}
}

static uint32
add_group(Grouping *g, uint64 word, ByteSpan bytes)
{
	if (g->ngroups == g->max_groups)
	{
		g->max_groups *= 2;
		g->groups = repalloc_huge(g->groups, g->max_groups * sizeof(Group));
	}
	memset(&g->groups[g->ngroups], 0, sizeof(Group));
	g->groups[g->ngroups].word = word;
	g->groups[g->ngroups].bytes = bytes;
	return g->ngroups++;
}

/* The number of a customer's group, new or known. */
static inline uint32
find_group(Grouping *g, uint64 hash, uint64 word, ByteSpan bytes)
{
	uint32 slot = (uint32) hash & g->mask;

	while (g->slots[slot] != 0)
	{
		if (group_matches(g, &g->groups[g->slots[slot] - 1], word, bytes))
			return g->slots[slot] - 1;
		slot = (slot + 1) & g->mask;
	}
	g->slots[slot] = add_group(g, word, bytes) + 1;
	if (g->ngroups > g->mask / 2)
	{
		resize_slots(g, (g->mask + 1) * 2);
		return g->ngroups - 1;
	}
	return g->slots[slot] - 1;
}

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
		uint64 hash;

		entry_next(&at, end, g->type, &customer, &claims[n].body);
		hash = customer_hash(g->type, customer);
		claims[n].group = find_group(
			g, hash, g->type == CUSTOMER_BIGINT ? (uint64) customer.number : hash, customer.bytes);
		g->groups[claims[n].group].nbodies++;
		n++;
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

		while (at < end)
		{
			uint64 word;
			uint64 hash;
			ByteSpan bytes = { NULL, 0 };

			memcpy(&word, at, sizeof(word));
			at += sizeof(word) + row_size;
			if (g->type == CUSTOMER_BIGINT)
				hash = mix_bits(word);
			else
			{
				uint32 len;

				memcpy(&len, at, sizeof(len));
				bytes.bytes = at + sizeof(len);
				bytes.len = len;
				at += sizeof(len) + len;
				hash = word;
			}
			numbers[n] = find_group(g, hash, word, bytes);
			g->groups[numbers[n]].nrows++;
			n++;
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

static void
free_chunks(CollectPart *part)
{
	while (part->first != NULL)
	{
		Chunk *next = part->first->next;

		pfree(part->first);
		part->first = next;
	}
	part->last = NULL;
	part->tail = part->tail_end = NULL;
	part->full_bytes = 0;
	part->raw_count = 0;
}

static void
push_run(Collector *collector, CollectPart *part, CollectRun run)
{
	if (part->nruns == part->max_runs)
	{
		part->max_runs = Max(2, part->max_runs * 2);
		part->runs = part->runs == NULL ? MemoryContextAlloc(collector->context,
															 part->max_runs * sizeof(CollectRun))
										: repalloc(part->runs, part->max_runs * sizeof(CollectRun));
	}
	if (part->nruns > 0)
		part->run_bytes += run.entries.len;
	part->runs[part->nruns++] = run;
}

static void
free_runs(CollectPart *part)
{
	while (part->nruns > 0)
		pfree(unconstify(uint8 *, part->runs[--part->nruns].entries.bytes));
	part->run_bytes = 0;
}

/*
 * Groups all that a part holds by customer, and makes it the part's only run.
 * The scratch memory is that of one part, given back at the end.
 */
static void
compact_part(Collector *collector, CollectPart *part)
{
	const CollectOps *ops = collector->ops;
	bool raw_rows = !collector->takes_bodies;
	uint32 nrows = raw_rows ? part->raw_count : 0;
	int64 nclaims = raw_rows ? 0 : part->raw_count;
	size_t row_bytes = (size_t) nrows * ops->row_size;
	uint32 nslots = 64;
	uint32 row = 0;
	uint32 body = 0;
	uint32 i;
	MemoryContext scratch;
	MemoryContext old;
	Grouping g;
	Claim *claims;
	ByteSpan *bodies;
	uint32 *numbers;
	uint8 *rows;
	ByteBuffer out;
	ByteBuffer merged;
	CollectRun run;

	if (part->raw_count == 0 && part->nruns <= 1)
		return;
	CHECK_FOR_INTERRUPTS();
	settle_tail(part);

	for (i = 0; i < (uint32) part->nruns; i++)
		nclaims += part->runs[i].customers;
	if (nclaims + nrows > PG_INT32_MAX)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many rows for one collected %s", ops->name),
			 errhint("Collect fewer customers at once, or store summaries made with GROUP BY.")));

	scratch = AllocSetContextCreate(collector->context, "loyalty grouping", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);

	/* Who is there: customers of the runs give a first idea of how many. */
	g.type = collector->type;
	g.ngroups = 0;
	g.max_groups = part->nruns > 0 ? Max(64, (uint32) part->runs[0].customers * 2) : 64;
	g.groups = MemoryContextAllocHuge(scratch, g.max_groups * sizeof(Group));
	g.slots = NULL;
	while (nslots < 2 * g.max_groups)
		nslots *= 2;
	resize_slots(&g, nslots);

	claims = MemoryContextAllocHuge(scratch, Max(1, nclaims) * sizeof(Claim));
	numbers = MemoryContextAllocHuge(scratch, Max(1, nrows) * sizeof(uint32));
	nclaims = 0;
	for (i = 0; i < (uint32) part->nruns; i++)
		nclaims += claim_entries(&g, part->runs[i].entries, claims + nclaims);
	if (raw_rows)
		number_rows(&g, part->first, ops->row_size, numbers);
	else
	{
		const Chunk *chunk;

		for (chunk = part->first; chunk != NULL; chunk = chunk->next)
		{
			ByteSpan entries = { chunk->data, chunk->used };

			nclaims += claim_entries(&g, entries, claims + nclaims);
		}
	}

	/* Rows and bodies by group: a counting sort. */
	for (i = 0; i < g.ngroups; i++)
	{
		g.groups[i].first_row = row;
		g.groups[i].first_body = body;
		row += g.groups[i].nrows;
		body += g.groups[i].nbodies;
	}
	rows = MemoryContextAllocHuge(scratch, Max(1, row_bytes));
	if (raw_rows)
		arrange_rows(&g, part->first, ops->row_size, numbers, rows);
	bodies = MemoryContextAllocHuge(scratch, Max(1, nclaims) * sizeof(ByteSpan));
	for (i = 0; i < (uint32) nclaims; i++)
		bodies[g.groups[claims[i].group].first_body++] = claims[i].body;

	/* One entry for each group; first_row and first_body now stand behind the group's own. */
	buffer_init(&out, 1024 + part->run_bytes + part->full_bytes / 4);
	buffer_init(&merged, 1024);
	for (i = 0; i < g.ngroups; i++)
	{
		Group *group = &g.groups[i];
		Customer customer = { .number = (int64) group->word, .bytes = group->bytes };
		const ByteSpan *own = bodies + (group->first_body - group->nbodies);

		if (group->nrows == 0 && group->nbodies == 1)
			entry_put(&out, g.type, customer, *own);
		else
		{
			ByteSpan whole;

			merged.len = 0;
			ops->merge(&merged, own, (int) group->nbodies,
					   rows + (size_t) (group->first_row - group->nrows) * ops->row_size,
					   (int) group->nrows);
			whole.bytes = merged.data;
			whole.len = merged.len;
			entry_put(&out, g.type, customer, whole);
		}
	}
	MemoryContextSwitchTo(old);

	run.customers = g.ngroups;
	run.entries.len = out.len;
	run.entries.bytes = MemoryContextAllocHuge(collector->context, Max(1, out.len));
	memcpy(unconstify(uint8 *, run.entries.bytes), out.data, out.len);
	free_chunks(part);
	free_runs(part);
	push_run(collector, part, run);
	MemoryContextDelete(scratch);
}

void
collector_compact(Collector *collector)
{
	int i;

	for (i = 0; i < collector->nparts; i++)
		compact_part(collector, &collector->parts[i]);
}

CollectRun
collector_run(const Collector *collector, int part)
{
	CollectRun none = { { NULL, 0 }, 0 };

	Assert(collector->parts[part].nruns <= 1 && collector->parts[part].raw_count == 0);
	return collector->parts[part].nruns > 0 ? collector->parts[part].runs[0] : none;
}

void
collector_push_run(Collector *collector, int part, CollectRun run)
{
	push_run(collector, &collector->parts[part], run);
}

/* ---- parts ---- */

/* Deals a run out to COLLECT_PARTS runs, allocated in the current context. */
static void
deal_run(CollectRun run, CustomerType type, CollectRun *dealt)
{
	const uint8 *end = run.entries.bytes + run.entries.len;
	const uint8 *at;
	const uint8 *entry;
	Customer customer = { 0 };
	ByteSpan body;
	int i;

	memset(dealt, 0, COLLECT_PARTS * sizeof(CollectRun));
	for (at = entry = run.entries.bytes; at < end; entry = at)
	{
		entry_next(&at, end, type, &customer, &body);
		i = part_of(COLLECT_PARTS, customer_hash(type, customer));
		dealt[i].entries.len += at - entry;
		dealt[i].customers++;
	}
	for (i = 0; i < COLLECT_PARTS; i++)
	{
		dealt[i].entries.bytes = palloc_extended(Max(1, dealt[i].entries.len), MCXT_ALLOC_HUGE);
		dealt[i].entries.len = 0;
	}
	for (at = entry = run.entries.bytes; at < end; entry = at)
	{
		ByteSpan *to;

		entry_next(&at, end, type, &customer, &body);
		to = &dealt[part_of(COLLECT_PARTS, customer_hash(type, customer))].entries;
		memcpy(unconstify(uint8 *, to->bytes) + to->len, entry, at - entry);
		to->len += at - entry;
	}
}

void
collector_split(Collector *collector)
{
	CollectPart *single = collector->parts;
	MemoryContext old = MemoryContextSwitchTo(collector->context);
	CollectRun dealt[COLLECT_PARTS];
	int i;

	Assert(collector->nparts == 1);
	compact_part(collector, single);
	collector->parts = palloc0(COLLECT_PARTS * sizeof(CollectPart));
	collector->nparts = COLLECT_PARTS;
	if (single->nruns > 0)
	{
		deal_run(single->runs[0], collector->type, dealt);
		for (i = 0; i < COLLECT_PARTS; i++)
			push_run(collector, &collector->parts[i], dealt[i]);
		free_runs(single);
		pfree(single->runs);
	}
	pfree(single);
	MemoryContextSwitchTo(old);
}

void
collector_absorb(Collector *collector, Collector *other)
{
	MemoryContext old;
	int i;

	Assert(collector->type == other->type && collector->ops == other->ops);
	collector->guests += other->guests;
	collector_note_zone(collector, other->zone_state, other->zone);

	collector_compact(other);
	if (collector->nparts < other->nparts)
		collector_split(collector);

	old = MemoryContextSwitchTo(collector->context);
	if (collector->nparts > other->nparts)
	{
		CollectRun dealt[COLLECT_PARTS];

		deal_run(collector_run(other, 0), collector->type, dealt);
		for (i = 0; i < COLLECT_PARTS; i++)
			push_run(collector, &collector->parts[i], dealt[i]);
	}
	else
		for (i = 0; i < collector->nparts; i++)
		{
			CollectRun run = collector_run(other, i);
			uint8 *copy;

			if (run.customers == 0)
				continue;
			copy = palloc_extended(run.entries.len, MCXT_ALLOC_HUGE);
			memcpy(copy, run.entries.bytes, run.entries.len);
			run.entries.bytes = copy;
			push_run(collector, &collector->parts[i], run);
		}
	MemoryContextSwitchTo(old);

	/* Many states may arrive, as from many partitions: keep what they take in bounds. */
	for (i = 0; i < collector->nparts; i++)
	{
		CollectPart *part = &collector->parts[i];

		if (part->nruns > 0 && part->run_bytes > 8 * part->runs[0].entries.len + RAW_MIN)
			compact_part(collector, part);
	}
}
