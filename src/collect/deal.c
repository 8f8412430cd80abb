/*
 * deal.c
 *		Rows dealt into parts, in memory and in a temporary file; deal.h shows how.
 *
 * Where memory is full, parts are written in turn, each whole: so a part has one stretch in the
 * file for each time, and is read in a few large pieces, while the file needs one buffer and not
 * one for each part. As few parts as that allows are written: what goes a little beyond the limit
 * costs a little more.
 */
#include "postgres.h"

#include <fcntl.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/deal.h"
#include "core/array.h"

/* Chunks double between these, head included: sizes that the arena hands out again. The larger one
 * is less where the limit is low, since each part has a chunk that is not full. */
#define CHUNK_MIN	256
#define CHUNK_MAX	8192

/* Stretches of the file are about so long at most, so that what is loaded can be bounded. */
#define STRETCH_MAX (1024 * 1024)

/* Where memory is full, so much of the limit is made free, or so much for each part: stretches then
 * are long enough. */
#define ROOM_SHARE	16
#define ROOM_MIN	(64 * 1024)

#define CHUNK_HEAD	offsetof(DealChunk, data)

void
deal_init(Deal *deal, Arena *arena, DealForm form, int skip, int bits, size_t limit)
{
	Assert(skip + bits <= 64);
	hash_key_need();
	memset(deal, 0, sizeof(Deal));
	deal->arena = arena;
	deal->form = form;
	deal->skip = skip;
	deal->bits = bits;
	deal->nparts = 1 << bits;
	deal->limit = limit;
	deal->parts = MemoryContextAllocZero(arena->context, deal->nparts * sizeof(DealPart));
}

/* ---- chunks ---- */

/* Makes a chunk with room for so many bytes; where any size does, what the arena rounds it up to.
 */
static DealChunk *
take_chunk(Deal *deal, size_t size)
{
	size_t whole = arena_room(CHUNK_HEAD + size);
	DealChunk *chunk;

	if (whole - CHUNK_HEAD > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row is too large to be grouped"), errhint("A row has up to 4 GB.")));
	chunk = arena_take(deal->arena, whole);
	chunk->next = NULL;
	chunk->used = 0;
	chunk->rows = 0;
	chunk->size = (uint32) (whole - CHUNK_HEAD);
	deal->bytes += whole;
	return chunk;
}

static void
give_chunk(Deal *deal, DealChunk *chunk)
{
	size_t whole = CHUNK_HEAD + chunk->size;

	deal->bytes -= whole;
	arena_give(deal->arena, chunk, whole);
}

/* Makes a chunk that may have rows already the last one of a part. */
static void
append_chunk(DealPart *part, DealChunk *chunk)
{
	if (part->last != NULL)
	{
		deal_settle(part);
		part->full_bytes += part->last->used;
		part->full_rows += part->last->rows;
		part->last->next = chunk;
	}
	else
		part->first = chunk;
	part->last = chunk;
	part->tail = chunk->data + chunk->used;
	part->tail_end = chunk->data + chunk->size;
	part->rows += chunk->rows;
}

static void
forget_chunks(DealPart *part)
{
	part->first = part->last = NULL;
	part->tail = part->tail_end = NULL;
	part->rows = part->full_rows = 0;
	part->full_bytes = 0;
}

void
deal_drop(Deal *deal, DealPart *part)
{
	while (part->first != NULL)
	{
		DealChunk *chunk = part->first;

		part->first = chunk->next;
		give_chunk(deal, chunk);
	}
	forget_chunks(part);
}

size_t
deal_bytes_of(const DealPart *part)
{
	size_t bytes = part->full_bytes;

	if (part->last != NULL)
		bytes += part->tail - part->last->data;
	if (part->written != NULL)
		bytes += part->written->bytes;
	return bytes;
}

int64
deal_rows_of(const DealPart *part)
{
	return part->rows + (part->written != NULL ? part->written->rows : 0);
}

/* ---- the file ---- */

static void
report_file(const char *what)
{
	ereport(ERROR, (errcode_for_file_access(),
					errmsg("could not %s temporary file of rows to be grouped: %m", what)));
}

static void
close_file(void *arg)
{
	DealFile *file = arg;

	/* after an error the resource owner has closed it */
	if (file->file != NULL && IsTransactionState())
		BufFileClose(file->file);
	file->file = NULL;
}

static void
open_file(Deal *deal)
{
	MemoryContext old = MemoryContextSwitchTo(deal->arena->context);
	DealFile *file = palloc0(sizeof(DealFile));

	file->file = deal->shared == NULL ? BufFileCreateTemp(false)
									  : BufFileCreateFileSet(&deal->shared->fs, deal->name);
	file->close.func = close_file;
	file->close.arg = file;
	MemoryContextRegisterResetCallback(deal->arena->context, &file->close);
	deal->file = file;
	MemoryContextSwitchTo(old);
}

/* Appends a part's chunks to the file. */
static void
write_part(Deal *deal, DealPart *part)
{
	DealWritten *written = part->written;
	DealExtent extent = { 0 };
	DealChunk *chunk;

	deal_settle(part);
	if (written == NULL)
		written = part->written = MemoryContextAllocZero(deal->arena->context, sizeof(DealWritten));
	for (chunk = part->first; chunk != NULL; chunk = chunk->next)
	{
		if (extent.size == 0)
			BufFileTell(deal->file->file, &extent.file, &extent.at);
		BufFileWrite(deal->file->file, chunk->data, chunk->used);
		extent.size += chunk->used;
		extent.rows += chunk->rows;
		deal->written += chunk->used;
		if (chunk->next == NULL || (size_t) extent.size + chunk->next->used > STRETCH_MAX)
		{
			written->extents =
				array_grow_in(deal->arena->context, written->extents, &written->max_extents,
							  written->nextents + 1, sizeof(DealExtent));
			written->extents[written->nextents++] = extent;
			written->rows += extent.rows;
			written->bytes += extent.size;
			memset(&extent, 0, sizeof(extent));
		}
	}
	deal_drop(deal, part);
}

/* Goes to the end of the file, which is made where there is none. */
static void
seek_end(Deal *deal)
{
	if (deal->file == NULL)
		open_file(deal);
	else if (BufFileSeek(deal->file->file, deal->file->end_file, deal->file->end_at, SEEK_SET) != 0)
		report_file("seek in");
}

static void
note_end(Deal *deal)
{
	BufFileTell(deal->file->file, &deal->file->end_file, &deal->file->end_at);
}

void
deal_write_part(Deal *deal, DealPart *part)
{
	seek_end(deal);
	write_part(deal, part);
	note_end(deal);
}

void
deal_write_down(Deal *deal, size_t enough)
{
	int i;

	seek_end(deal);
	for (i = 0; i < deal->nparts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (deal->parts[i].written != NULL && deal->parts[i].first != NULL)
			write_part(deal, &deal->parts[i]);
	}
	/* who reads parts takes the first ones first, and then has their memory for the others */
	for (i = deal->nparts - 1; i >= 0 && deal->bytes > enough; i--)
	{
		CHECK_FOR_INTERRUPTS();
		if (deal->parts[i].first != NULL)
			write_part(deal, &deal->parts[i]);
	}
	note_end(deal);
}

void
deal_write(Deal *deal)
{
	deal_write_down(deal, 0);
}

void
deal_read_file(BufFile *file, void *to, size_t size)
{
#if PG_VERSION_NUM >= 160000
	BufFileReadExact(file, to, size);
#else
	if (BufFileRead(file, to, size) != size)
		report_file("read");
#endif
}

void
deal_read_extent(Deal *deal, const DealExtent *extent, uint8 *to)
{
	BufFile *file = deal->nsources > 0 ? deal->sources[extent->source] : deal->file->file;

	CHECK_FOR_INTERRUPTS();
	if (BufFileSeek(file, extent->file, extent->at, SEEK_SET) != 0)
		report_file("seek in");
	deal_read_file(file, to, extent->size);
}

bool
deal_load(Deal *deal, DealPart *part, size_t at_most)
{
	DealWritten *written = part->written;
	DealPart loaded = { .first = NULL };
	size_t bytes = 0;

	if (written == NULL || written->next == written->nextents)
		return false;
	do
	{
		const DealExtent *extent = &written->extents[written->next];
		DealChunk *chunk;

		chunk = take_chunk(deal, extent->size);
		deal_read_extent(deal, extent, chunk->data);
		if (deal->loaded != NULL)
			deal->loaded(deal->who, extent->source, chunk->data, extent->size);
		chunk->used = extent->size;
		chunk->rows = extent->rows;
		append_chunk(&loaded, chunk);
		bytes += extent->size;
		written->rows -= extent->rows;
		written->bytes -= extent->size;
		written->next++;
	} while (written->next < written->nextents &&
			 bytes + written->extents[written->next].size <= at_most);

	/* those that it has come behind */
	deal_settle(part);
	if (part->first == NULL)
	{
		loaded.written = written;
		*part = loaded;
		return true;
	}
	deal_settle(&loaded);
	part->full_bytes += loaded.full_bytes + loaded.last->used;
	part->full_rows += loaded.rows;
	part->rows += loaded.rows;
	loaded.last->next = part->first;
	part->first = loaded.first;
	return true;
}

void
deal_cut(DealPart *part, size_t at_most, DealPart *rest)
{
	DealChunk *chunk = part->first;
	DealPart all = *part;

	memset(rest, 0, sizeof(DealPart));
	if (chunk == NULL)
		return;
	deal_settle(part);
	part->full_bytes = part->full_rows = 0;
	while (chunk->next != NULL && part->full_bytes + chunk->used < at_most)
	{
		part->full_bytes += chunk->used;
		part->full_rows += chunk->rows;
		chunk = chunk->next;
	}
	if (chunk->next != NULL)
	{
		*rest = all;
		rest->written = NULL;
		rest->first = chunk->next;
		rest->full_bytes -= part->full_bytes + chunk->used;
		rest->full_rows -= part->full_rows + chunk->rows;
		rest->rows -= part->full_rows + chunk->rows;
		chunk->next = NULL;
		part->last = chunk;
		part->tail = part->tail_end = chunk->data + chunk->used;
		part->rows = part->full_rows + chunk->rows;
	}
}

void
deal_unload(Deal *deal, DealPart *part)
{
	DealWritten *written = part->written;

	deal_drop(deal, part);
	while (written != NULL && written->next > 0)
	{
		const DealExtent *extent = &written->extents[--written->next];

		written->rows += extent->rows;
		written->bytes += extent->size;
	}
}

void
deal_forget(Deal *deal, DealPart *part)
{
	deal_drop(deal, part);
	if (part->written == NULL)
		return;
	if (part->written->extents != NULL)
		pfree(part->written->extents);
	pfree(part->written);
	part->written = NULL;
}

void
deal_end(Deal *deal)
{
	int i;

	for (i = 0; i < deal->nparts; i++)
		deal_forget(deal, &deal->parts[i]);
	if (deal->parts != NULL)
		pfree(deal->parts);
	deal->parts = NULL;
	deal->nparts = 0;
	if (deal->file != NULL && deal->file->file != NULL)
	{
		BufFileClose(deal->file->file);
		deal->file->file = NULL;
	}
	deal->file = NULL;
	while (deal->nsources > 0)
		BufFileClose(deal->sources[--deal->nsources]);
}

/* ---- for other processes ---- */

void
deal_share(Deal *deal, SharedFileSet *files, const char *name)
{
	Assert(deal->file == NULL);
	deal->shared = files;
	deal->name = MemoryContextStrdup(deal->arena->context, name);
}

/* What stands behind the rows: for each part its number of stretches, and those. */
void
deal_publish(Deal *deal, DealPublished *published)
{
	int i;

	published->any = false;
	for (i = 0; i < deal->nparts; i++)
		published->any = published->any || deal_rows_of(&deal->parts[i]) > 0;
	if (!published->any)
		return;
	deal_write(deal);
	published->file = deal->file->end_file;
	published->at = deal->file->end_at;
	for (i = 0; i < deal->nparts; i++)
	{
		DealWritten *written = deal->parts[i].written;
		int64 n = written != NULL ? written->nextents : 0;

		BufFileWrite(deal->file->file, &n, sizeof(n));
		if (n > 0)
			BufFileWrite(deal->file->file, written->extents, n * sizeof(DealExtent));
	}
	BufFileExportFileSet(deal->file->file);
}

/* Reads the stretches of a part in the file that was opened last. */
static void
take_up_part(Deal *deal, DealPart *part)
{
	BufFile *file = deal->sources[deal->nsources - 1];
	DealWritten *written = part->written;
	int64 i;
	int64 n;

	deal_read_file(file, &n, sizeof(n));
	if (n == 0)
		return;
	if (written == NULL)
		written = part->written = MemoryContextAllocZero(deal->arena->context, sizeof(DealWritten));
	written->extents = array_grow_in(deal->arena->context, written->extents, &written->max_extents,
									 written->nextents + n, sizeof(DealExtent));
	deal_read_file(file, written->extents + written->nextents, n * sizeof(DealExtent));
	for (i = 0; i < n; i++)
	{
		DealExtent *extent = &written->extents[written->nextents++];

		extent->source = (int) deal->nsources - 1;
		written->rows += extent->rows;
		written->bytes += extent->size;
	}
}

void
deal_take_up(Deal *deal, SharedFileSet *files, const char *name, const DealPublished *published)
{
	MemoryContext old;
	BufFile *file;
	int i;

	if (!published->any)
		return;
	old = MemoryContextSwitchTo(deal->arena->context);
	file = BufFileOpenFileSet(&files->fs, name, O_RDONLY, false);
	deal->sources =
		array_grow(deal->sources, &deal->max_sources, deal->nsources + 1, sizeof(BufFile *));
	deal->sources[deal->nsources++] = file;
	MemoryContextSwitchTo(old);
	if (BufFileSeek(file, published->file, published->at, SEEK_SET) != 0)
		report_file("seek in");
	for (i = 0; i < deal->nparts; i++)
		take_up_part(deal, &deal->parts[i]);
}

/* ---- dealing ---- */

void
deal_make_room(Deal *deal, DealPart *part, size_t size)
{
	size_t chunk_max = CHUNK_MAX;
	size_t room = CHUNK_MIN;

	CHECK_FOR_INTERRUPTS();
	if (deal->limit > 0)
	{
		if (deal->bytes > 0 && deal->bytes + CHUNK_HEAD + size > deal->limit)
		{
			size_t room = Max(deal->limit / ROOM_SHARE, (size_t) deal->nparts * ROOM_MIN);

			deal_write_down(deal, deal->limit - Min(room, deal->limit));
		}
		chunk_max = Min(CHUNK_MAX, deal->limit / (4 * deal->nparts));
	}
	while (room < chunk_max && room < part->full_bytes)
		room *= 2;
	append_chunk(part, take_chunk(deal, Max(room - CHUNK_HEAD, size)));
}

void
deal_put_chunk(Deal *deal, DealPart *part, ByteSpan bytes, int64 rows)
{
	DealChunk *chunk = take_chunk(deal, bytes.len);

	memcpy(chunk->data, bytes.bytes, bytes.len);
	chunk->used = (uint32) bytes.len;
	chunk->rows = (uint32) rows;
	append_chunk(part, chunk);
}

uint8 *
deal_row(Deal *deal, Customer key, uint32 len)
{
	const DealForm *form = &deal->form;
	uint64 hash = form->type == CUSTOMER_BIGINT ? hash_number((uint64) key.number)
												: hash_bytes_keyed(key.bytes.bytes, key.bytes.len);
	uint8 *at =
		deal_place(deal, &deal->parts[deal_part_of(deal, hash)], deal_row_size(form, &key, len));

	return deal_row_write(form, at, hash, &key, len);
}

/* Deals the rows of a chunk. */
static void
deal_chunk(const DealForm *form, const DealChunk *chunk, Deal *finer)
{
	const uint8 *at = chunk->data;
	const uint8 *end = at + chunk->used;

	while (at < end)
	{
		const uint8 *from = at;
		DealRow row = { 0 };

		deal_read(form, &at, &row);
		memcpy(deal_place(finer, &finer->parts[deal_part_of(finer, row.hash)], at - from), from,
			   at - from);
	}
}

void
deal_again(Deal *deal, DealPart *part, Deal *finer)
{
	Assert(finer->skip == deal->skip + deal->bits);
	deal_settle(part);
	do
	{
		while (part->first != NULL)
		{
			DealChunk *chunk = part->first;

			CHECK_FOR_INTERRUPTS();
			deal_chunk(&deal->form, chunk, finer);
			part->first = chunk->next;
			give_chunk(deal, chunk);
		}
		forget_chunks(part);
	} while (deal_load(deal, part, 0));
	deal_forget(deal, part);
}

/* ---- walking ---- */

void
deal_walk(DealWalk *walk, Deal *deal, DealPart *part)
{
	deal_settle(part);
	walk->deal = deal;
	walk->part = part;
	walk->next = part->first;
}

const DealChunk *
deal_walk_next(DealWalk *walk)
{
	const DealChunk *chunk = walk->next;

	CHECK_FOR_INTERRUPTS();
	if (chunk == NULL)
	{
		if (walk->part->written == NULL)
			return NULL;
		deal_drop(walk->deal, walk->part);
		if (!deal_load(walk->deal, walk->part, 0))
		{
			deal_walk_end(walk);
			return NULL;
		}
		chunk = walk->part->first;
	}
	walk->next = chunk->next;
	return chunk;
}

void
deal_walk_end(DealWalk *walk)
{
	if (walk->part->written != NULL)
		deal_unload(walk->deal, walk->part);
	walk->next = NULL;
}
