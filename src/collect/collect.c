/*
 * collect.c
 *		Groups rows by customer; collect.h shows the data structure.
 *
 * Why not a hash table with a growing state per customer: 10 million rows of
 * 500,000 customers then cost a handful of cache misses each. Appending is one
 * write, to one of 256 places; and a part of some 10,000 rows is grouped inside
 * the second-level cache (collect_group.c).
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/collect_internal.h"
#include "core/array.h"

/* Raw chunks double between these, header included: sizes that the allocator hands out again. */
#define CHUNK_MIN	   256
#define CHUNK_MAX	   8192

/*
 * A part is compacted when its raw bytes reach RAW_MIN, which is quick to group, and
 * RAW_FACTOR times its runs. A single part whose run is then longer than
 * SINGLE_RUN_MAX is split.
 */
#define RAW_MIN		   (192 * 1024)
#define RAW_FACTOR	   3
#define SINGLE_RUN_MAX (64 * 1024)

#define MAX_OPS		   4
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

/* Of a library that is loaded once: lists of forms. */
static const SummaryForm *registered_forms[MAX_OPS];
static int nforms;

void
collect_register_forms(const SummaryForm *forms)
{
	Assert(nforms < MAX_OPS);
	registered_forms[nforms++] = forms;
}

const SummaryForm *
collect_summary_form(PGFunction transition)
{
	int i;

	for (i = 0; i < nforms; i++)
	{
		const SummaryForm *form;

		for (form = registered_forms[i]; form->transition != NULL; form++)
			if (form->transition == transition)
				return form;
	}
	return NULL;
}

/* ---- appending ---- */

Collector *
collector_create(MemoryContext context, const CollectOps *ops, CustomerType type, bool takes_bodies)
{
	Collector *collector = MemoryContextAllocZero(context, sizeof(Collector));

	hash_key_need();
	collector->context = context;
	collector->ops = ops;
	collector->type = type;
	collector->last = PG_INT64_MIN;
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
	size_t cap;
	Chunk *chunk;

	if (part->last != NULL)
	{
		settle_tail(part);
		part->full_bytes += part->last->used;
	}
	if (part->full_bytes >= Max(RAW_MIN, RAW_FACTOR * runs))
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
	else if (state != collector->zone_state ||
			 (zone != collector->zone && strcmp(zone, collector->zone) != 0))
	{
		collector->zone_state = ZONE_MIXED;
		collector->zone = NULL;
	}
}

/* ---- compacting ---- */

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
	part->runs = array_grow_in(collector->context, part->runs, &part->max_runs, part->nruns + 1,
							   sizeof(CollectRun));
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

/* Makes all that a part holds one run. */
static void
compact_part(Collector *collector, CollectPart *part)
{
	CollectRun run;

	if (part->raw_count == 0 && part->nruns <= 1)
		return;
	settle_tail(part);
	run = group_part(collector, part);
	free_chunks(part);
	free_runs(part);
	push_run(collector, part, run);
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
		CHECK_FOR_INTERRUPTS();
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

		CHECK_FOR_INTERRUPTS();
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

Collector *
collector_in_order(Collector *collector)
{
	Collector *anew;
	int i;

	if (!collector->foreign_order)
		return collector;
	anew = collector_create(CurrentMemoryContext, collector->ops, collector->type, true);
	anew->guests = collector->guests;
	anew->last = collector->last;
	anew->last_unknown = collector->last_unknown;
	collector_note_zone(anew, collector->zone_state, collector->zone);
	for (i = 0; i < collector->nparts; i++)
	{
		CollectRun run = collector_run(collector, i);
		const uint8 *at = run.entries.bytes;
		const uint8 *end = at + run.entries.len;

		while (at < end)
		{
			Customer customer = { 0 };
			ByteSpan body;

			CHECK_FOR_INTERRUPTS();
			entry_next(&at, end, collector->type, &customer, &body);
			collector_add_body(anew, customer, body);
		}
	}
	collector_compact(anew);
	return anew;
}

void
collector_absorb(Collector *collector, Collector *other)
{
	MemoryContext old;
	int i;

	Assert(collector->type == other->type && collector->ops == other->ops);
	Assert(!collector->foreign_order && !other->foreign_order);
	collector->guests += other->guests;
	collector->last = Max(collector->last, other->last);
	collector->last_unknown = collector->last_unknown || other->last_unknown;
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

		if (part->nruns > 0 && part->run_bytes > 8 * part->runs[0].entries.len + RAW_MIN / 8)
			compact_part(collector, part);
	}
}
