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

/* A single part of more bytes, which is quick to group, is dealt to COLLECT_PARTS. */
#define SINGLE_MAX	 (192 * 1024)

/*
 * What is raw is grouped when it is so many bytes, and some times what was grouped before: memory
 * that was used already is cheaper than more of it. A collector takes as much as the server gives
 * to a hash table, and some more, since each part has chunks that are not full. Where that is over
 * and grouping would not gain much, what is raw goes to the file.
 */
#define RAW_MIN		 ((size_t) 64 * 1024 * 1024)
#define RAW_FACTOR	 3
#define MEMORY_MORE	 ((size_t) 36 * 1024 * 1024)
#define STEP_MIN	 ((size_t) 8 * 1024 * 1024)

/* A part's runs are merged when all but the first take more, and 8 times that one. */
#define ABSORBED_MIN (24 * 1024)

/* What is grouped at once: grouping takes several times as much. */
#define LOAD_MAX	 ((size_t) 8 * 1024 * 1024)

#define MAX_OPS		 4
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
	const SummaryForm *form;

	Assert(nforms < MAX_OPS);
	for (form = forms; form->transition != NULL; form++)
		Assert(form->nargs <= SUMMARY_MAX_ARGS);
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
collector_create(MemoryContext context, const CollectOps *ops, CustomerType type,
				 const RowForm *rows)
{
	Collector *collector = MemoryContextAllocZero(context, sizeof(Collector));
	DealForm form = { .type = type, .entries = rows == NULL };

	if (rows != NULL)
	{
		form.payload_size = rows->size;
		form.short_by = rows->short_by;
	}
	collector->context = context;
	collector->ops = ops;
	collector->type = type;
	collector->last = PG_INT64_MIN;
	collector->rows = rows;
	collector->limit = get_hash_memory_limit() + MEMORY_MORE;
	collector->reduce_at = Min(collector->limit, RAW_MIN);
	arena_init(&collector->arena, context);
	deal_init(&collector->deal, &collector->arena, form, 0, 0, 0);
	collector->parts = MemoryContextAllocZero(context, sizeof(CollectPart));
	return collector;
}

static void reduce(Collector *collector);

DealPart *
collector_part_for_more(Collector *collector, uint64 hash)
{
	Deal *deal = &collector->deal;

	if (deal->bits == 0)
	{
		if (deal->bytes > SINGLE_MAX)
			collector_split(collector);
	}
	else if (deal->bytes > collector->reduce_at)
		reduce(collector);
	return &deal->parts[deal_part_of(deal, hash)];
}

void
collector_add_body(Collector *collector, Customer customer, ByteSpan body)
{
	uint64 hash = customer_hash(collector->type, customer);

	Assert(collector->rows == NULL);
	entry_write(collector_place(collector, hash, entry_size(collector->type, customer, body)),
				collector->type, customer, body);
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

/* ---- runs ---- */

static CollectRun *
push_run(Collector *collector, CollectPart *part)
{
	part->runs = array_grow_in(collector->context, part->runs, &part->max_runs, part->nruns + 1,
							   sizeof(CollectRun));
	memset(&part->runs[part->nruns], 0, sizeof(CollectRun));
	return &part->runs[part->nruns++];
}

void
collector_free_runs(Collector *collector, CollectPart *part)
{
	while (part->nruns > 0)
		deal_forget(&collector->deal, &part->runs[--part->nruns].entries);
}

void
collector_push_flat(Collector *collector, int part, ByteSpan entries, int64 customers)
{
	CollectRun *run = push_run(collector, &collector->parts[part]);

	run->flat = entries;
	run->customers = customers;
}

/* ---- compacting ---- */

/* Groups what a part has raw in memory, and its runs from the first on that is given, into one. */
static void
group_runs(Collector *collector, int number, int first)
{
	CollectPart *part = &collector->parts[number];
	CollectRun run = { .customers = 0 };

	run.customers = group_part(collector, number, first, &run.entries, NULL);
	deal_settle(&run.entries);
	while (part->nruns > first)
		deal_forget(&collector->deal, &part->runs[--part->nruns].entries);
	*push_run(collector, part) = run;
}

/*
 * What is raw is grouped piece by piece, each on its own, the last one with all that there is: were
 * each grouped with those before, a customer who is in many pieces would be written as often.
 */
const CollectRun *
collector_part(Collector *collector, int number)
{
	Deal *deal = &collector->deal;
	DealPart *raw = &deal->parts[number];
	CollectPart *part = &collector->parts[number];

	while (deal_rows_of(raw) > 0)
	{
		DealPart rest;
		bool more;

		deal_load(deal, raw, LOAD_MAX);
		deal_cut(raw, LOAD_MAX, &rest);
		more = rest.first != NULL || deal_rows_of(raw) > raw->rows;
		group_runs(collector, number, more ? part->nruns : 0);
		deal_drop(deal, raw);
		rest.written = raw->written;
		*raw = rest;
	}
	deal_forget(deal, raw);
	if (part->nruns > 1)
		group_runs(collector, number, 0);
	return part->nruns > 0 && part->runs[0].customers > 0 ? &part->runs[0] : NULL;
}

static void
compact(Collector *collector)
{
	int i;

	for (i = 0; i < collector->deal.nparts; i++)
		collector_part(collector, i);
}

/* Frees memory for more. */
static void
reduce(Collector *collector)
{
	size_t grouped = 0;
	int i;

	for (i = 0; i < collector->deal.nparts; i++)
	{
		const CollectPart *part = &collector->parts[i];
		int j;

		for (j = 0; j < part->nruns; j++)
			grouped += run_bytes(&part->runs[j]);
	}
	if (collector->deal.bytes / (RAW_FACTOR + 1) >= grouped)
		compact(collector);
	else
	{
		/* EXPLAIN can't tell more of this than the pages of its BUFFERS */
		deal_write(&collector->deal);
		ereport(DEBUG1, (errmsg_internal("rows collected for %s are written to a temporary file: "
										 "%lld kB so far",
										 collector->ops->name,
										 (long long) (collector->deal.written / 1024))));
	}
	grouped = collector->deal.bytes;
	collector->reduce_at = Min(collector->limit, grouped + Max(RAW_MIN, RAW_FACTOR * grouped));
	collector->reduce_at = Max(collector->reduce_at, grouped + STEP_MIN);
}

/* A run that is in memory stays there: somebody may be reading it. */
const CollectRun *
collector_read_part(Collector *collector, int number)
{
	CollectPart *part = &collector->parts[number];
	bool is_new = deal_rows_of(&collector->deal.parts[number]) > 0 || part->nruns > 1;
	const CollectRun *run = collector_part(collector, number);

	if (run != NULL && is_new && collector->deal.bytes > collector->limit)
		deal_write_part(&collector->deal, &part->runs[0].entries);
	return run;
}

void
collector_hold_part(Collector *collector, int number)
{
	if (collector_part(collector, number) != NULL)
		deal_load(&collector->deal, &collector->parts[number].runs[0].entries, SIZE_MAX);
}

/* ---- parts ---- */

/* Deals the entries of a run out to the parts. */
static void
deal_run(Collector *from, const CollectRun *run, Collector *to)
{
	Deal *deal = &to->deal;
	RunReader reader = { 0 };
	ByteSpan stretch;
	int i;

	for (i = 0; i < deal->nparts; i++)
		push_run(to, &to->parts[i]);
	run_open(&reader, from, run);
	while (run_next(&reader, &stretch))
	{
		const uint8 *at = stretch.bytes;
		const uint8 *end = at + stretch.len;

		while (at < end)
		{
			const uint8 *entry = at;
			CollectPart *part;
			CollectRun *dealt;
			Customer customer = { 0 };
			ByteSpan body;

			entry_next(&at, end, to->type, &customer, &body);
			part = &to->parts[deal_part_of(deal, customer_hash(to->type, customer))];
			dealt = &part->runs[part->nruns - 1];
			memcpy(deal_place(deal, &dealt->entries, at - entry), entry, at - entry);
			dealt->customers++;
		}
	}
	run_close(&reader);
	for (i = 0; i < deal->nparts; i++)
		deal_settle(&to->parts[i].runs[to->parts[i].nruns - 1].entries);
}

void
collector_split(Collector *collector)
{
	Collector single = *collector;
	int i;

	Assert(single.deal.bits == 0);
	deal_init(&collector->deal, &collector->arena, single.deal.form, 0, PART_BITS,
			  single.deal.limit);
	collector->parts =
		MemoryContextAllocZero(collector->context, collector->deal.nparts * sizeof(CollectPart));
	deal_again(&single.deal, &single.deal.parts[0], &collector->deal);
	for (i = 0; i < single.parts->nruns; i++)
		deal_run(&single, &single.parts->runs[i], collector);
	collector_free_runs(&single, single.parts);
	deal_end(&single.deal);
	if (single.parts->runs != NULL)
		pfree(single.parts->runs);
	pfree(single.parts);
}

/* It lives as long as the other one: who used the memory for grouping is known by both. */
Collector *
collector_twin(const Collector *collector)
{
	Collector *twin = MemoryContextAlloc(collector->context, sizeof(Collector));

	*twin = *collector;
	memset(&twin->deal, 0, sizeof(Deal));
	twin->parts = NULL;
	return twin;
}

void
collector_start_parts(Collector *twin)
{
	twin->parts = MemoryContextAllocZero(twin->context, twin->deal.nparts * sizeof(CollectPart));
}

void
collector_end_parts(Collector *twin)
{
	int i;

	for (i = 0; i < twin->deal.nparts; i++)
	{
		collector_free_runs(twin, &twin->parts[i]);
		if (twin->parts[i].runs != NULL)
			pfree(twin->parts[i].runs);
	}
	pfree(twin->parts);
	twin->parts = NULL;
}

Collector *
collector_in_order(Collector *collector)
{
	Collector *anew;
	int i;

	if (!collector->foreign_order)
		return collector;
	anew = collector_create(CurrentMemoryContext, collector->ops, collector->type, NULL);
	anew->guests = collector->guests;
	anew->last = collector->last;
	anew->last_unknown = collector->last_unknown;
	collector_note_zone(anew, collector->zone_state, collector->zone);
	for (i = 0; i < collector->deal.nparts; i++)
	{
		const CollectRun *run = collector_part(collector, i);
		RunReader reader = { 0 };
		ByteSpan stretch;

		if (run == NULL)
			continue;
		run_open(&reader, collector, run);
		while (run_next(&reader, &stretch))
		{
			const uint8 *at = stretch.bytes;
			const uint8 *end = at + stretch.len;

			while (at < end)
			{
				Customer customer = { 0 };
				ByteSpan body;

				CHECK_FOR_INTERRUPTS();
				entry_next(&at, end, anew->type, &customer, &body);
				collector_add_body(anew, customer, body);
			}
		}
		run_close(&reader);
	}
	compact(anew);
	return anew;
}

/* Copies a run behind those of a part. */
static void
absorb_run(Collector *collector, int number, Collector *other, const CollectRun *run)
{
	CollectRun *copy = push_run(collector, &collector->parts[number]);
	RunReader reader = { 0 };
	ByteSpan stretch;

	copy->customers = run->customers;
	run_open(&reader, other, run);
	while (run_next(&reader, &stretch))
		deal_put_chunk(&collector->deal, &copy->entries, stretch, 0);
	run_close(&reader);
	deal_settle(&copy->entries);
}

void
collector_absorb(Collector *collector, Collector *other)
{
	int i;

	Assert(collector->type == other->type && collector->ops == other->ops);
	Assert(!collector->foreign_order && !other->foreign_order);
	collector->guests += other->guests;
	collector->last = Max(collector->last, other->last);
	collector->last_unknown = collector->last_unknown || other->last_unknown;
	collector_note_zone(collector, other->zone_state, other->zone);

	if (collector->deal.nparts < other->deal.nparts)
		collector_split(collector);
	for (i = 0; i < other->deal.nparts; i++)
	{
		const CollectRun *run = collector_part(other, i);

		if (run == NULL)
			continue;
		if (collector->deal.nparts > other->deal.nparts)
			deal_run(other, run, collector);
		else
			absorb_run(collector, i, other, run);
	}

	/* Many states may arrive, as from many partitions: keep what they take in bounds. */
	for (i = 0; i < collector->deal.nparts; i++)
	{
		const CollectPart *part = &collector->parts[i];
		size_t others = 0;
		int j;

		for (j = 1; j < part->nruns; j++)
			others += run_bytes(&part->runs[j]);
		if (part->nruns > 0 && others > 8 * run_bytes(&part->runs[0]) + ABSORBED_MIN)
			collector_part(collector, i);
	}
}
