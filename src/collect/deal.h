/*
 * deal.h
 *		Rows dealt by the hash of their key into parts, each of which is grouped inside the cache.
 *
 *	 Deal
 *	 +- part 0 -------------+  +- part 1 -------------+	 ...  1 part, or 2 to the power of bits
 *	 | chunk -> chunk (tail)|  | chunk -> chunk (tail)|
 *	 | extent, extent ...	|  | extent, extent ...	  |		  of a file, where memory is over
 *	 +----------------------+  +----------------------+
 *
 * A row costs one write behind the last one of its part. Where the chunks of all parts take more
 * than the limit, some parts go to a file, from the last one on, a stretch for each: so what is
 * dealt is read again part by part, and the order in which its rows came is kept. A part that is in
 * the file goes there whole in the end; the others stay in memory.
 *
 * A part that is too large is dealt again, by the next bits of the hash.
 *
 * A row, unaligned:
 *
 *		number	key (4 bytes; or DEAL_WIDE_KEY and 8 bytes), payload
 *		uuid	hash (8 bytes), payload, key (16 bytes)
 *		text	hash (8 bytes), payload, length (4 bytes), key
 *
 * Where payloads are of their own size, their length stands before them in 4 bytes. Else all have
 * one size, but that those which say so may be short. Collectors deal entries, too (collect.h):
 * whose bytes tell how long they are.
 */
#ifndef LOYALTY_DEAL_H
#define LOYALTY_DEAL_H

#include "postgres.h"

#include "storage/buffile.h"
#include "storage/sharedfileset.h"

#include "collect/customer.h"
#include "core/arena.h"
#include "core/hash_key.h"

/* What a row is. */
typedef struct DealForm
{
	CustomerType type;
	bool entries;		 /* entries with their bodies; the rest doesn't count */
	bool sized;			 /* payloads of their own size */
	uint16 payload_size; /* else that of all, */
	uint8 short_by;		 /* or so much less where their first byte has DEAL_SHORT; 0: none has */
} DealForm;

/* What stands before a number that takes more than 4 bytes. */
#define DEAL_WIDE_KEY PG_INT32_MIN

#define DEAL_SHORT	  0x80

typedef struct DealChunk
{
	struct DealChunk *next;
	uint32 used; /* of the last one of a part: see deal_settle() */
	uint32 rows; /* the same */
	uint32 size; /* of data */
	uint8 data[FLEXIBLE_ARRAY_MEMBER];
} DealChunk;

/* A stretch of the file: whole rows. */
typedef struct DealExtent
{
	int source; /* the file, where a deal has taken up several */
	int file;
	off_t at;
	uint32 size;
	uint32 rows;
} DealExtent;

/* What was written to the file. */
typedef struct DealWritten
{
	DealExtent *extents;
	int64 nextents;
	int64 max_extents;
	int64 next; /* to be loaded */
	int64 rows; /* in those from there on */
	size_t bytes;
} DealWritten;

/* What appending needs comes first. */
typedef struct DealPart
{
	uint8 *tail; /* free room of the last chunk */
	uint8 *tail_end;
	int64 rows; /* in the chunks */
	DealChunk *first;
	DealChunk *last;
	size_t full_bytes; /* of rows in all chunks but the last */
	int64 full_rows;
	DealWritten *written; /* NULL: nothing */
} DealPart;

/* It goes with the arena's context, if not earlier. */
typedef struct DealFile
{
	BufFile *file; /* NULL: it was closed */
	int end_file;  /* where it ends */
	off_t end_at;
	MemoryContextCallback close;
} DealFile;

typedef struct Deal
{
	Arena *arena;
	DealForm form;
	int skip; /* top bits of the hash that all rows share */
	int bits; /* those that tell the parts apart; 0: there is one part */
	int nparts;
	DealPart *parts;
	size_t bytes;		   /* of all chunks */
	size_t limit;		   /* beyond it they go to the file; 0: never */
	int64 written;		   /* bytes in the file, ever */
	DealFile *file;		   /* NULL: there is none */
	SharedFileSet *shared; /* it is one of these; NULL: its own */
	const char *name;	   /* in there */
	BufFile **sources;	   /* files of others that were taken up */
	int64 nsources;
	int64 max_sources;

	/* Is handed what was loaded of a source, so many bytes; NULL: nobody is. */
	void (*loaded)(void *who, int source, uint8 *rows, uint32 size);
	void *who;
} Deal;

/* With chunks in this arena; in its context. */
extern void deal_init(Deal *deal, Arena *arena, DealForm form, int skip, int bits, size_t limit);

/* Forgets all rows, and closes the file. */
extern void deal_end(Deal *deal);

static inline int
deal_part_of(const Deal *deal, uint64 hash)
{
	return deal->bits == 0 ? 0 : (int) ((hash << deal->skip) >> (64 - deal->bits));
}

/* Makes room for size more bytes in a part: writes to the file where it is time to. */
extern void deal_make_room(Deal *deal, DealPart *part, size_t size);

/* Takes the place of a row of size bytes in a part. */
static inline uint8 *
deal_place(Deal *deal, DealPart *part, size_t size)
{
	if (unlikely((size_t) (part->tail_end - part->tail) < size))
		deal_make_room(deal, part, size);
	part->tail += size;
	part->rows++;
	return part->tail - size;
}

/* ---- writing rows ---- */

static inline uint64
customer_hash(CustomerType type, Customer customer)
{
	if (type == CUSTOMER_BIGINT)
		return hash_number((uint64) customer.number);
	return hash_bytes_keyed(customer.bytes.bytes, customer.bytes.len);
}

static inline bool
deal_key_is_wide(int64 number)
{
	return number <= DEAL_WIDE_KEY || number > PG_INT32_MAX;
}

/* The bytes of a row whose payload has len. */
static inline size_t
deal_row_size(const DealForm *form, const Customer *key, size_t len)
{
	size_t size = len + (form->sized ? sizeof(uint32) : 0);

	switch (form->type)
	{
		case CUSTOMER_BIGINT:
			return size + sizeof(int32) + (deal_key_is_wide(key->number) ? sizeof(int64) : 0);
		case CUSTOMER_UUID:
			return size + sizeof(uint64) + UUID_LEN;
		default:
			return size + sizeof(uint64) + sizeof(uint32) + key->bytes.len;
	}
}

/* Writes all of a row but its payload; returns where that is to be written. */
static inline uint8 *
deal_row_write(const DealForm *form, uint8 *at, uint64 hash, const Customer *key, uint32 len)
{
	uint8 *payload;

	if (form->type == CUSTOMER_BIGINT)
	{
		bool wide = deal_key_is_wide(key->number);
		int32 number = wide ? DEAL_WIDE_KEY : (int32) key->number;

		memcpy(at, &number, sizeof(number));
		at += sizeof(number);
		if (unlikely(wide))
		{
			memcpy(at, &key->number, sizeof(int64));
			at += sizeof(int64);
		}
	}
	else
	{
		memcpy(at, &hash, sizeof(hash));
		at += sizeof(hash);
	}
	if (form->sized)
	{
		memcpy(at, &len, sizeof(len));
		at += sizeof(len);
	}
	payload = at;
	at += len;
	if (form->type == CUSTOMER_TEXT)
	{
		uint32 bytes = (uint32) key->bytes.len;

		memcpy(at, &bytes, sizeof(bytes));
		at += sizeof(bytes);
	}
	if (form->type != CUSTOMER_BIGINT)
		memcpy(at, key->bytes.bytes, key->bytes.len);
	return payload;
}

/* Deals a row with this key; returns where its payload is to be written (len: where it is of its
 * own size, which then stands there already). */
extern uint8 *deal_row(Deal *deal, Customer key, uint32 len);

/* ---- for other processes ---- */

/* Where it stands in the file of a deal what was written of which part. */
typedef struct DealPublished
{
	bool any; /* rows */
	int file;
	off_t at;
} DealPublished;

/* Before anything is written: the file is to be read by other processes, by that name. */
extern void deal_share(Deal *deal, SharedFileSet *files, const char *name);

/* Writes all that was dealt, for others; nothing can be dealt any more. */
extern void deal_publish(Deal *deal, DealPublished *published);

/* Adds to the parts of a deal, which has as many, what another process has published. */
extern void deal_take_up(Deal *deal, SharedFileSet *files, const char *name,
						 const DealPublished *published);

/* Reads that many bytes, which are there, from a file of a deal or beside it. */
extern void deal_read_file(BufFile *file, void *to, size_t size);

/* ---- parts ---- */

/* Notes how far a part's last chunk is filled; before its chunks are read. */
static inline void
deal_settle(DealPart *part)
{
	if (part->last != NULL)
	{
		part->last->used = (uint32) (part->tail - part->last->data);
		part->last->rows = (uint32) (part->rows - part->full_rows);
	}
}

/* Bytes of a part's rows, in memory and in the file. */
extern size_t deal_bytes_of(const DealPart *part);
extern int64 deal_rows_of(const DealPart *part);

/*
 * Writes parts to the file until the chunks of the rest take no more than so many bytes, and in any
 * case what is in memory of those that were written in part; or all of them; or one, which need not
 * be among the parts.
 */
extern void deal_write_down(Deal *deal, size_t enough);
extern void deal_write(Deal *deal);
extern void deal_write_part(Deal *deal, DealPart *part);

/* Reads a stretch. */
extern void deal_read_extent(Deal *deal, const DealExtent *extent, uint8 *to);

/* Makes a chunk with so many bytes the last one of a part. */
extern void deal_put_chunk(Deal *deal, DealPart *part, ByteSpan bytes, int64 rows);

/* Reads what was written of a part into chunks before those that it has, at least one stretch, and
 * no more than about so many bytes; false where nothing is left to be read. The limit doesn't
 * count. */
extern bool deal_load(Deal *deal, DealPart *part, size_t at_most);

/* Moves all of a part's chunks to another one, but the first of them, about so many bytes. */
extern void deal_cut(DealPart *part, size_t at_most, DealPart *rest);

/* Frees a part's chunks: what they had is done with; or can be loaded anew, where it was written.
 */
extern void deal_drop(Deal *deal, DealPart *part);
extern void deal_unload(Deal *deal, DealPart *part);

/*
 * Walks over all rows of a part, as they stand, a chunk at a time: for a part in the file, that is
 * after deal_write_down(). Each chunk is there until the next one is asked for; at the end all is
 * as before, and where the walk ends early, deal_walk_end() makes it so.
 */
typedef struct DealWalk
{
	Deal *deal;
	DealPart *part;
	const DealChunk *next;
} DealWalk;

extern void deal_walk(DealWalk *walk, Deal *deal, DealPart *part);
extern const DealChunk *deal_walk_next(DealWalk *walk);
extern void deal_walk_end(DealWalk *walk);

/* Frees a part's chunks, and forgets what was written of it. */
extern void deal_forget(Deal *deal, DealPart *part);

/* Deals the rows of a part into another deal, whose skip is this one's skip + bits, and forgets
 * them. */
extern void deal_again(Deal *deal, DealPart *part, Deal *finer);

/* ---- reading rows ---- */

/* A row, read. */
typedef struct DealRow
{
	Customer key;
	uint64 hash;
	const uint8 *payload; /* behind its length */
	uint32 len;
} DealRow;

/* Reads the row at *at, moves on behind it. */
static inline void
deal_read(const DealForm *form, const uint8 **at, DealRow *row)
{
	const uint8 *p = *at;

	if (form->entries)
	{
		ByteSpan body;

		/* these bytes are our own */
		entry_next(at, (const uint8 *) UINTPTR_MAX, form->type, &row->key, &body);
		row->hash = form->type == CUSTOMER_BIGINT
						? hash_number((uint64) row->key.number)
						: hash_bytes_keyed(row->key.bytes.bytes, row->key.bytes.len);
		row->payload = body.bytes;
		row->len = (uint32) body.len;
		return;
	}
	if (form->type == CUSTOMER_BIGINT)
	{
		int32 number;

		memcpy(&number, p, sizeof(number));
		p += sizeof(number);
		row->key.number = number;
		if (unlikely(number == DEAL_WIDE_KEY))
		{
			memcpy(&row->key.number, p, sizeof(int64));
			p += sizeof(int64);
		}
		row->hash = hash_number((uint64) row->key.number);
	}
	else
	{
		memcpy(&row->hash, p, sizeof(row->hash));
		p += sizeof(row->hash);
	}
	row->len = form->payload_size;
	if (form->short_by > 0 && (*p & DEAL_SHORT))
		row->len -= form->short_by;
	if (form->sized)
	{
		memcpy(&row->len, p, sizeof(uint32));
		p += sizeof(uint32);
	}
	row->payload = p;
	p += row->len;
	if (form->type != CUSTOMER_BIGINT)
	{
		uint32 len = UUID_LEN;

		if (form->type == CUSTOMER_TEXT)
		{
			memcpy(&len, p, sizeof(len));
			p += sizeof(len);
		}
		row->key.bytes.bytes = p;
		row->key.bytes.len = len;
		p += len;
	}
	*at = p;
}

/* ---- grouping ---- */

/* Groups the rows of parts, one part after another; keeps its memory from one to the next. */
typedef struct Grouper Grouper;

/* In a context of its own below this one. */
extern Grouper *grouper_create(MemoryContext context);
extern size_t grouper_bytes(const Grouper *grouper);

/* Groups what a part has in chunks (deal_settle() and deal_load() come before): returns how many
 * groups there are. They stay until the next call; keys and sized payloads point into the chunks.
 */
extern uint32 grouper_group(Grouper *grouper, const Deal *deal, const DealPart *part);

/* A group: payloads in the order in which their rows came. */
typedef struct DealGroup
{
	Customer key;
	uint32 nrows;
	uint8 *payloads;			/* of one size, short ones too, without gaps; they may be changed */
	const uint8 **of_their_own; /* else: where each stands, its length in the 4 bytes before */
} DealGroup;

extern void grouper_get(const Grouper *grouper, uint32 n, DealGroup *group);

#endif
