/*
 * deal.c
 *		Rows dealt to parts, in memory and in a temporary file; deal.h shows how.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/deal.h"
#include "core/array.h"

/* Chunks double between these, head included; the larger one is less where the limit is low, since
 * each part has a chunk that is not full. */
#define CHUNK_MIN  512
#define CHUNK_MAX  8192

/* Rows are dealt to parts when they are more than this, which is quick to group. */
#define SINGLE_MAX (64 * 1024)

/* No limit is below this: a few chunks for each part. */
#define LIMIT_MIN  ((size_t) 1024 * 1024)

#define CHUNK_HEAD offsetof(DealChunk, data)

Deal *
deal_create(MemoryContext context, const RowForm *form, int skip, size_t limit)
{
	MemoryContext own = AllocSetContextCreate(context, "loyalty rows", ALLOCSET_SMALL_SIZES);
	Deal *deal = MemoryContextAllocZero(own, sizeof(Deal));

	hash_key_need();
	deal->form = *form;
	deal->skip = skip;
	deal->limit = Max(limit, LIMIT_MIN);
	deal->context = own;
	deal->memory = AllocSetContextCreate(own, "loyalty rows in memory", ALLOCSET_SMALL_SIZES);
	arena_init(&deal->arena, deal->memory);
	deal->chunk_max = Min(CHUNK_MAX, deal->limit / (4 * COLLECT_PARTS));
	deal->nparts = 1;
	deal->parts = MemoryContextAllocZero(own, 2 * sizeof(DealPart));
	return deal;
}

void
deal_destroy(Deal *deal)
{
	if (deal->file != NULL)
		BufFileClose(deal->file);
	MemoryContextDelete(deal->context);
}

/* ---- chunks ---- */

static DealChunk *
take_chunk(Deal *deal, size_t room)
{
	DealChunk *chunk;

	room = arena_room(CHUNK_HEAD + room) - CHUNK_HEAD;
	chunk = arena_take(&deal->arena, CHUNK_HEAD + room);
	chunk->next = NULL;
	chunk->room = room;
	chunk->used = 0;
	deal->held += CHUNK_HEAD + room;
	return chunk;
}

static void
give_chunk(Deal *deal, DealChunk *chunk)
{
	deal->held -= CHUNK_HEAD + chunk->room;
	arena_give(&deal->arena, chunk, CHUNK_HEAD + chunk->room);
}

/* Notes how far the last chunk is filled; the tail pointers know it while it is being filled. */
static void
settle_tail(DealPart *part)
{
	if (part->last != NULL)
	{
		size_t used = (size_t) (part->tail - part->last->data);

		part->bytes += used - part->last->used;
		part->last->used = used;
	}
}

static void
append_chunk(DealPart *part, DealChunk *chunk)
{
	if (part->last == NULL)
		part->first = chunk;
	else
		part->last->next = chunk;
	part->last = chunk;
	part->held += CHUNK_HEAD + chunk->room;
	part->tail = chunk->data + chunk->used;
	part->tail_end = chunk->data + chunk->room;
}

static void
free_chunks(Deal *deal, DealPart *part)
{
	while (part->first != NULL)
	{
		DealChunk *next = part->first->next;

		give_chunk(deal, part->first);
		part->first = next;
	}
	part->last = NULL;
	part->held = 0;
	part->tail = part->tail_end = NULL;
}

/* ---- the file ---- */

static void
file_write(Deal *deal, void *bytes, size_t size)
{
	BufFileWrite(deal->file, bytes, size);
	deal->written += (int64) size;
}

static void
file_read(Deal *deal, void *to, size_t size)
{
#if PG_VERSION_NUM >= 160000
	BufFileReadExact(deal->file, to, size);
#else
	if (BufFileRead(deal->file, to, size) != size)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not read rows of a group from a temporary file")));
#endif
}

/* Writes all rows in memory to the file, part by part. */
static void
sweep(Deal *deal)
{
	int i;

	if (deal->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(deal->context);

		deal->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	for (i = 0; i < deal_parts(deal); i++)
	{
		DealPart *part = &deal->parts[i];
		DealStretch stretch = { 0 };
		DealChunk *chunk;

		CHECK_FOR_INTERRUPTS();
		settle_tail(part);
		if (part->first == NULL)
			continue;
		BufFileTell(deal->file, &stretch.file, &stretch.offset);
		for (chunk = part->first; chunk != NULL; chunk = chunk->next)
		{
			file_write(deal, &chunk->used, sizeof(chunk->used));
			file_write(deal, chunk->data, chunk->used);
			stretch.chunks++;
		}
		part->stretches = array_grow_in(deal->context, part->stretches, &part->max_stretches,
										part->nstretches + 1, sizeof(DealStretch));
		part->stretches[part->nstretches++] = stretch;
		free_chunks(deal, part);
	}
}

/* ---- dealing ---- */

/* Turns the single part into COLLECT_PARTS. */
static void
split(Deal *deal)
{
	DealPart single = deal->parts[0];
	DealPart no_key = deal->parts[1];
	DealChunk *chunk;

	pfree(deal->parts);
	deal->nparts = COLLECT_PARTS;
	deal->parts = MemoryContextAllocZero(deal->context, deal_parts(deal) * sizeof(DealPart));
	deal->parts[deal->nparts] = no_key;
	settle_tail(&single);
	for (chunk = single.first; chunk != NULL; chunk = chunk->next)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		while (at < end)
		{
			DealtRow row;
			const uint8 *next = row_read(&deal->form, at, &row);

			memcpy(deal_take(deal, row.hash, false, next - at), at, next - at);
			at = next;
		}
	}
	free_chunks(deal, &single);
}

uint8 *
deal_make_room(Deal *deal, uint64 hash, bool no_key, size_t size)
{
	DealPart *part;
	size_t room;

	CHECK_FOR_INTERRUPTS();
	if (deal->nparts == 1 && deal->held > SINGLE_MAX)
		split(deal);
	else if (deal->held + size > deal->limit && deal->held > 0)
		sweep(deal);

	part = &deal->parts[no_key ? deal->nparts : deal_part_of(deal, hash)];
	if ((size_t) (part->tail_end - part->tail) < size)
	{
		room = CHUNK_MIN;
		while (room < deal->chunk_max && room < part->held)
			room *= 2;
		settle_tail(part);
		append_chunk(part, take_chunk(deal, Max(room - CHUNK_HEAD, size)));
	}
	part->tail += size;
	part->rows++;
	return part->tail - size;
}

void
deal_close(Deal *deal)
{
	int i;

	for (i = 0; i < deal_parts(deal); i++)
		settle_tail(&deal->parts[i]);
	if (!deal_spilled(deal))
		return;
	/* all are there, so that memory is free for grouping */
	sweep(deal);
	MemoryContextReset(deal->memory);
	arena_init(&deal->arena, deal->memory);
}

/* ---- reading ---- */

/* Goes to the next stretch that has chunks left. */
static bool
seek_stretch(DealReader *reader)
{
	while (reader->left == 0)
	{
		const DealStretch *stretch;

		if (reader->stretch == reader->part->nstretches)
			return false;
		stretch = &reader->part->stretches[reader->stretch++];
		if (BufFileSeek(reader->deal->file, stretch->file, stretch->offset, SEEK_SET) != 0)
			ereport(ERROR,
					(errcode_for_file_access(), errmsg("could not seek in a temporary file")));
		reader->left = stretch->chunks;
	}
	reader->left--;
	return true;
}

void
deal_open(DealReader *reader, Deal *deal, int part)
{
	memset(reader, 0, sizeof(DealReader));
	reader->deal = deal;
	reader->part = &deal->parts[part];
	if (!deal_spilled(deal))
		reader->chunk = deal->parts[part].first;
}

const DealChunk *
deal_next(DealReader *reader)
{
	DealChunk *chunk = reader->chunk;
	size_t used;

	CHECK_FOR_INTERRUPTS();
	if (!deal_spilled(reader->deal))
	{
		if (chunk != NULL)
			reader->chunk = chunk->next;
		return chunk;
	}
	if (!seek_stretch(reader))
		return NULL;
	file_read(reader->deal, &used, sizeof(used));
	if (chunk == NULL || chunk->room < used)
	{
		if (chunk != NULL)
			give_chunk(reader->deal, chunk);
		reader->chunk = NULL;
		reader->chunk = chunk = take_chunk(reader->deal, used);
	}
	chunk->used = used;
	file_read(reader->deal, chunk->data, used);
	return chunk;
}

void
deal_done(DealReader *reader)
{
	if (deal_spilled(reader->deal) && reader->chunk != NULL)
		give_chunk(reader->deal, reader->chunk);
	reader->chunk = NULL;
}

const DealChunk *
deal_load(Deal *deal, int number)
{
	DealPart *part = &deal->parts[number];
	DealReader reader;

	if (!deal_spilled(deal))
		return part->first;
	deal_open(&reader, deal, number);
	while (seek_stretch(&reader))
	{
		DealChunk *chunk;
		size_t used;

		CHECK_FOR_INTERRUPTS();
		file_read(deal, &used, sizeof(used));
		chunk = take_chunk(deal, used);
		file_read(deal, chunk->data, used);
		chunk->used = used;
		append_chunk(part, chunk);
	}
	return part->first;
}

void
deal_unload(Deal *deal, int number)
{
	if (deal_spilled(deal))
		free_chunks(deal, &deal->parts[number]);
}

bool
deal_is_uniform(Deal *deal, int part)
{
	DealReader reader;
	const DealChunk *chunk;
	uint64 hash = 0;
	bool any = false;

	deal_open(&reader, deal, part);
	while ((chunk = deal_next(&reader)) != NULL)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		while (at < end)
		{
			DealtRow row;

			at = row_read(&deal->form, at, &row);
			if (any && row.hash != hash)
			{
				deal_done(&reader);
				return false;
			}
			hash = row.hash;
			any = true;
		}
	}
	deal_done(&reader);
	return true;
}

Deal *
deal_again(MemoryContext context, Deal *deal, int part, size_t limit)
{
	Deal *again = deal_create(context, &deal->form, deal->skip + PART_BITS, limit);
	DealReader reader;
	const DealChunk *chunk;

	Assert(again->skip < 64);
	deal_open(&reader, deal, part);
	while ((chunk = deal_next(&reader)) != NULL)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		while (at < end)
		{
			DealtRow row;
			const uint8 *next = row_read(&deal->form, at, &row);

			memcpy(deal_take(again, row.hash, false, next - at), at, next - at);
			at = next;
		}
	}
	deal_done(&reader);
	deal_close(again);
	return again;
}
