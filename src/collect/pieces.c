/*
 * pieces.c
 *		Parts in pieces, each of which can be grouped in the memory that there is; pieces.h shows
 *		how.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/collect_internal.h"
#include "collect/pieces.h"

/* What of the limit a piece may take to be grouped; the rest may hold rows. A huge limit is no
 * reason for a piece that is far larger than the cache. */
#define PIECE_SHARE 4
#define PIECE_MAX	((size_t) 24 * 1024 * 1024)

/* Memory for each group, about. */
#define GROUP_BYTES 160

/* A part that is a little too large is dealt to this many bits more. */
#define BITS_MIN	2

/* All bits of the hash that parts are told apart by. */
#define HASH_BITS	64

/* ---- how large ---- */

static double
guess_groups(const Pieces *pieces, int64 rows)
{
	double share =
		pieces->rows > 0 ? (double) pieces->groups / (double) pieces->rows : pieces->guess;

	return (double) rows * Min(1.0, share);
}

/* What it takes to group a part of a source: the rows' payloads by group, and the groups. */
static double
part_needs(const Pieces *pieces, const PieceSource *source, int part)
{
	const DealForm *form = &source->deal->form;
	const DealPart *raw = &source->deal->parts[part];
	int64 rows = deal_rows_of(raw);
	size_t row = sizeof(uint32) + (form->sized ? sizeof(uint8 *) : (size_t) form->payload_size);
	double bytes = (double) deal_bytes_of(raw);
	double needs = guess_groups(pieces, rows) * GROUP_BYTES;

	needs += (double) rows * (double) (form->entries ? sizeof(GroupClaim) + sizeof(ByteSpan) : row);
	if (raw->written != NULL)
		needs += bytes;
	/* bodies are about as large as the rows that they are made of */
	if (source->collector != NULL)
		needs += bytes;
	return needs;
}

/* Do all rows of a part have the same hash? */
static bool
has_one_hash(const Pieces *pieces, const PieceLevel *level, int part)
{
	uint64 hash = 0;
	bool any = false;
	int i;

	for (i = 0; i < pieces->nsources; i++)
	{
		Deal *deal = level->sources[i].deal;
		DealWalk walk;
		const DealChunk *chunk;

		deal_walk(&walk, deal, &deal->parts[part]);
		while ((chunk = deal_walk_next(&walk)) != NULL)
		{
			const uint8 *at = chunk->data;
			const uint8 *end = at + chunk->used;

			while (at < end)
			{
				DealRow row = { .hash = 0 };

				deal_read(&deal->form, &at, &row);
				if (any && row.hash != hash)
				{
					deal_walk_end(&walk);
					return false;
				}
				hash = row.hash;
				any = true;
			}
		}
	}
	return true;
}

/* ---- levels ---- */

/* Writes to the file what is there in part already, and more until the rest takes no more than
 * enough. */
static void
write_down(Pieces *pieces, Deal *deal, size_t enough)
{
	int64 before = deal->written;

	if (deal->file == NULL)
		return;
	deal_write_down(deal, enough);
	*pieces->written += deal->written - before;
}

/* The memory that rows of a source may take. */
static size_t
room_for_rows(const Pieces *pieces)
{
	return (pieces->limit - pieces->limit / PIECE_SHARE) / pieces->nsources;
}

/* What is in the file in part goes there whole, and more of it: some memory is for grouping. */
static void
settle(Pieces *pieces, const PieceLevel *level)
{
	int i;

	for (i = 0; i < pieces->nsources; i++)
		write_down(pieces, level->sources[i].deal, room_for_rows(pieces));
}

static PieceLevel *
add_level(Pieces *pieces, PieceLevel *coarser)
{
	MemoryContext old = MemoryContextSwitchTo(pieces->context);
	PieceLevel *level = palloc0(sizeof(PieceLevel));
	int i;

	level->coarser = coarser;
	level->sources = palloc0(pieces->nsources * sizeof(PieceSource));
	for (i = 0; i < pieces->nsources; i++)
		if (coarser->sources[i].collector != NULL)
		{
			level->sources[i].collector = collector_twin(coarser->sources[i].collector);
			level->sources[i].deal = &level->sources[i].collector->deal;
		}
		else
			level->sources[i].deal = palloc0(sizeof(Deal));
	coarser->finer = level;
	MemoryContextSwitchTo(old);
	return level;
}

/* Deals a part of a level, which needs so many bytes, to the next level. */
static void
deal_part_again(Pieces *pieces, PieceLevel *level, double needs, size_t room)
{
	PieceLevel *finer = level->finer != NULL ? level->finer : add_level(pieces, level);
	const Deal *first = level->sources[0].deal;
	int skip = first->skip + first->bits;
	int bits = BITS_MIN;
	int i;

	while (bits < PART_BITS && needs / (double) (1 << bits) > (double) room / 2)
		bits++;
	bits = Min(bits, HASH_BITS - skip);
	if (level->coarser == NULL)
		pieces->intact = false;
	for (i = 0; i < pieces->nsources; i++)
	{
		const PieceSource *source = &level->sources[i];
		size_t bytes = deal_bytes_of(&source->deal->parts[level->part]);
		Deal *deal = finer->sources[i].deal;

		/* the finer parts have their share of the memory */
		write_down(pieces, source->deal, room_for_rows(pieces) - Min(bytes, room_for_rows(pieces)));
		deal_init(deal, source->deal->arena, source->deal->form, skip, bits,
				  pieces->limit / pieces->nsources);
		if (finer->sources[i].collector != NULL)
			collector_start_parts(finer->sources[i].collector);
		deal_again(source->deal, &source->deal->parts[level->part], deal);
		*pieces->written += deal->written;
		deal->limit = 0;
	}
	settle(pieces, finer);
	finer->part = -1;
	pieces->level = finer;
}

/* Goes back to the level before. */
static void
end_level(Pieces *pieces)
{
	PieceLevel *level = pieces->level;
	int i;

	for (i = 0; i < pieces->nsources; i++)
	{
		if (level->sources[i].collector != NULL)
			collector_end_parts(level->sources[i].collector);
		deal_end(level->sources[i].deal);
	}
	pieces->level = level->coarser;
}

/* ---- walking ---- */

void
pieces_open(Pieces *pieces, const PieceSource *sources, int n, size_t limit, double guess,
			int64 *written)
{
	memset(pieces, 0, sizeof(Pieces));
	pieces->context = CurrentMemoryContext;
	pieces->nsources = n;
	pieces->limit = limit;
	pieces->guess = guess;
	pieces->written = written;
	pieces->intact = true;
	pieces->first.sources = palloc(n * sizeof(PieceSource));
	memcpy(pieces->first.sources, sources, n * sizeof(PieceSource));
	pieces->level = &pieces->first;
	settle(pieces, &pieces->first);
}

void
pieces_of_part(Pieces *pieces, int part)
{
	pieces_close(pieces);
	pieces->first.part = part;
	pieces->fresh = true;
}

/* The part at hand is a piece, or is dealt again. */
static bool
open_part(Pieces *pieces, PieceLevel *level)
{
	size_t room = Min(pieces->limit / PIECE_SHARE, PIECE_MAX);
	const Deal *first = level->sources[0].deal;
	double needs = 0;
	int64 rows = 0;
	int i;

	for (i = 0; i < pieces->nsources; i++)
	{
		rows += deal_rows_of(&level->sources[i].deal->parts[level->part]);
		needs += part_needs(pieces, &level->sources[i], level->part);
	}
	if (rows == 0)
		return false;
	pieces->one_hash = false;
	if (first->bits > 0 && needs > (double) room)
	{
		pieces->one_hash =
			first->skip + first->bits == HASH_BITS || has_one_hash(pieces, level, level->part);
		if (!pieces->one_hash)
		{
			deal_part_again(pieces, level, needs, room);
			return false;
		}
	}
	pieces->part = level->part;
	pieces->rows += rows;
	return true;
}

bool
pieces_next(Pieces *pieces)
{
	for (;;)
	{
		PieceLevel *level = pieces->level;

		CHECK_FOR_INTERRUPTS();
		if (level->coarser == NULL)
		{
			if (!pieces->fresh)
				return false;
			pieces->fresh = false;
		}
		else if (++level->part == level->sources[0].deal->nparts)
		{
			end_level(pieces);
			continue;
		}
		if (open_part(pieces, level))
			return true;
	}
}

void
pieces_close(Pieces *pieces)
{
	while (pieces->level != NULL && pieces->level->coarser != NULL)
		end_level(pieces);
	pieces->fresh = false;
}

void
pieces_end(Pieces *pieces)
{
	PieceLevel *level = pieces->first.finer;
	int i;

	pieces_close(pieces);
	while (level != NULL)
	{
		PieceLevel *finer = level->finer;

		/* twins go with the collectors that they are of */
		for (i = 0; i < pieces->nsources; i++)
			if (level->sources[i].collector == NULL)
				pfree(level->sources[i].deal);
		pfree(level->sources);
		pfree(level);
		level = finer;
	}
	if (pieces->first.sources != NULL)
		pfree(pieces->first.sources);
	memset(pieces, 0, sizeof(Pieces));
}
