/*
 * collect_group.c
 *		Makes one run of what one part of a collector holds, raw and in runs.
 *
 *		raw --> groups in the order of their hashes --+
 *		run ------------------------------------------+--> merged run
 *		run ------------------------------------------+
 *
 * Every run is in the order of its customers' hashes, so runs are merged as streams,
 * without looking a customer up.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/collect_internal.h"

/* Runs merged as streams; where there are more, the others are grouped as raw ones are. */
#define MAX_STREAMS 8

/* ---- the memory for grouping ---- */

/*
 * All collectors group with the same memory, one part at a time. It goes with the last of the
 * collectors that used it, which is at the end of their query, if not earlier.
 */
static Grouper *grouper;
static bool grouper_busy; /* still set after an error: what was lent is lost */
static int64 grouper_users;

static void
leave_grouper(void *arg)
{
	if (--grouper_users > 0)
		return;
	MemoryContextDelete(grouper->context);
	grouper = NULL;
	grouper_busy = false;
}

static void
take_grouper(Collector *collector)
{
	if (grouper == NULL)
		grouper = grouper_create(TopMemoryContext);
	if (grouper_busy)
		grouper_forget(grouper);
	grouper_busy = true;
	if (collector->scratch_use.func == NULL)
	{
		collector->scratch_use.func = leave_grouper;
		MemoryContextRegisterResetCallback(collector->context, &collector->scratch_use);
		grouper_users++;
	}
}

Size
collect_grouping_bytes(void)
{
	return grouper != NULL ? grouper_bytes(grouper) : 0;
}

/* ---- runs ---- */

void
run_open(RunReader *reader, Collector *collector, const CollectRun *run)
{
	if (reader->context == NULL)
		reader->context = CurrentMemoryContext;
	reader->deal = &collector->deal;
	reader->run = run;
	reader->flat_read = false;
	if (run == NULL)
		return;
	reader->chunk = run->entries.first;
	reader->extent = run->entries.written != NULL ? run->entries.written->next : 0;
}

bool
run_next(RunReader *reader, ByteSpan *stretch)
{
	const CollectRun *run = reader->run;
	const DealWritten *written = run->entries.written;

	CHECK_FOR_INTERRUPTS();
	if (reader->chunk != NULL)
	{
		stretch->bytes = reader->chunk->data;
		stretch->len = reader->chunk->used;
		reader->chunk = reader->chunk->next;
		return true;
	}
	if (written != NULL && reader->extent < written->nextents)
	{
		const DealExtent *extent = &written->extents[reader->extent];
		ByteBuffer *room = &reader->rooms[reader->room];

		if (room->cap < extent->size)
		{
			if (room->data != NULL)
				pfree(room->data);
			room->data = NULL;
			room->data = MemoryContextAllocHuge(reader->context, extent->size);
			room->cap = extent->size;
		}
		deal_read_extent(reader->deal, extent, room->data);
		stretch->bytes = room->data;
		stretch->len = extent->size;
		reader->extent++;
		reader->room = !reader->room;
		return true;
	}
	if (run->flat.len > 0 && !reader->flat_read)
	{
		*stretch = run->flat;
		reader->flat_read = true;
		return true;
	}
	return false;
}

void
run_close(RunReader *reader)
{
	int i;

	for (i = 0; i < 2; i++)
		if (reader->rooms[i].data != NULL)
			pfree(reader->rooms[i].data);
	memset(reader, 0, sizeof(RunReader));
}

size_t
run_bytes(const CollectRun *run)
{
	return deal_bytes_of(&run->entries) + run->flat.len;
}

/* ---- what is raw ---- */

static void
group_raw(Collector *collector, int number, int first_run, int64 expected)
{
	const CollectPart *part = &collector->parts[number];
	DealPart *raw = &collector->deal.parts[number];
	const DealForm *form = &collector->deal.form;
	int64 nbodies = form->entries ? raw->rows : 0;
	int64 nrows = form->entries ? 0 : raw->rows;
	const DealChunk *chunk;
	int i;

	for (i = first_run + MAX_STREAMS; i < part->nruns; i++)
		nbodies += part->runs[i].customers;
	grouper_open(grouper, form, collector->deal.skip + collector->deal.bits, nrows, nbodies,
				 expected);
	for (i = first_run + MAX_STREAMS; i < part->nruns; i++)
	{
		RunReader reader = { 0 };
		ByteSpan stretch;

		Assert(part->runs[i].entries.written == NULL);
		run_open(&reader, collector, &part->runs[i]);
		while (run_next(&reader, &stretch))
			grouper_claim(grouper, stretch);
	}
	if (form->entries)
		for (chunk = raw->first; chunk != NULL; chunk = chunk->next)
		{
			ByteSpan entries = { chunk->data, chunk->used };

			grouper_claim(grouper, entries);
		}
	else
		grouper_rows(grouper, form, raw->first);
	grouper_close(grouper, form, form->entries ? NULL : raw->first);
}

/* ---- merging ---- */

/* A run being read. */
typedef struct Stream
{
	RunReader *reader;
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
	{
		ByteSpan stretch;

		if (!run_next(stream->reader, &stretch))
			return false;
		stream->at = stretch.bytes;
		stream->end = stretch.bytes + stretch.len;
	}
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

/* Where merged entries go: to a run, or to bytes. */
typedef struct EntrySink
{
	Deal *deal;
	DealPart *run;
	ByteBuffer *out;
} EntrySink;

static void
put_entry(const EntrySink *sink, CustomerType type, Customer customer, ByteSpan body)
{
	size_t size = entry_size(type, customer, body);

	if (sink->run != NULL)
		entry_write(deal_place(sink->deal, sink->run, size), type, customer, body);
	else
	{
		buffer_reserve(sink->out, size);
		entry_write(sink->out->data + sink->out->len, type, customer, body);
		sink->out->len += size;
	}
}

/* The rows that merge takes, of those that a customer has, as they are kept. */
static void *
expand_rows(const Collector *collector, const Gathered *gathered)
{
	void *rows;

	if (gathered->nrows == 0 || collector->rows->expand == NULL)
		return gathered->rows;
	rows = grouper_expanded(grouper, (size_t) gathered->nrows * collector->ops->row_size);
	collector->rows->expand(rows, gathered->rows, collector->rows->size, gathered->nrows);
	return rows;
}

/* Writes the entry of a customer. */
static void
put_gathered(const Collector *collector, Gathered *gathered, const EntrySink *sink)
{
	ByteBuffer *merged = &grouper->merged;
	ByteSpan whole;

	if (gathered->nrows == 0 && gathered->nbodies == 1)
		whole = gathered->bodies[0];
	else
	{
		merged->len = 0;
		collector->ops->merge(merged, gathered->bodies, gathered->nbodies,
							  expand_rows(collector, gathered), gathered->nrows, collector->texts);
		whole.bytes = merged->data;
		whole.len = merged->len;
	}
	put_entry(sink, collector->type, gathered->customer, whole);
}

/* Merges the groups of what is raw with the streams; returns the number of customers. */
static int64
merge_streams(const Collector *collector, Stream *streams, int nstreams, const EntrySink *sink)
{
	CustomerType type = collector->type;
	const Grouper *g = grouper;
	Gathered gathered = { .bodies = NULL };
	BaseErrors errors;
	int64 customers = 0;
	uint32 next = 0;

	base_name_customer(&errors, type, &gathered.customer);
	if (grouper->merged.data == NULL)
		buffer_init(&grouper->merged, 1024);
	while (next < g->ngroups || nstreams > 0)
	{
		const CustomerGroup *group = next < g->ngroups ? &g->groups[g->order[next]] : NULL;
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
			gathered.rows = g->rows + (size_t) (group->first_row - group->nrows) * g->payload_size;
			gathered.nrows = (int) group->nrows;
			if (group->nbodies > 0)
				gather_bodies(&gathered, g->bodies + (group->first_body - group->nbodies),
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
		put_gathered(collector, &gathered, sink);
		customers++;
		CHECK_FOR_INTERRUPTS();
	}
	base_forget_customer(&errors);
	if (gathered.bodies != NULL)
		pfree(gathered.bodies);
	return customers;
}

int64
group_part(Collector *collector, int number, int first_run, DealPart *run, ByteBuffer *out)
{
	const CollectPart *part = &collector->parts[number];
	int nruns = Min(part->nruns - first_run, MAX_STREAMS);
	EntrySink sink = { &collector->deal, run, out };
	RunReader readers[MAX_STREAMS] = { 0 };
	Stream streams[MAX_STREAMS];
	int nstreams = 0;
	int64 customers;
	MemoryContext old;
	int i;

	CHECK_FOR_INTERRUPTS();
	take_grouper(collector);
	old = MemoryContextSwitchTo(grouper->rooms);
	group_raw(collector, number, first_run, nruns > 0 ? part->runs[first_run].customers : 0);
	for (i = 0; i < nruns; i++)
	{
		Stream *stream = &streams[nstreams];

		run_open(&readers[i], collector, &part->runs[first_run + i]);
		stream->reader = &readers[i];
		stream->at = stream->end = NULL;
		nstreams += advance(stream, collector->type);
	}
	customers = merge_streams(collector, streams, nstreams, &sink);
	for (i = 0; i < nruns; i++)
		run_close(&readers[i]);
	MemoryContextSwitchTo(old);
	grouper_busy = false;
	return customers;
}
