/*
 * deal.h
 *		Rows dealt to parts by their customer's hash, in the order in which they come, within a
 *		limit of memory.
 *
 * A row is an append to one of 256 places. Rows beyond the limit go to a temporary file: all that
 *is in memory at once, part by part, so that what a part has there are a few long stretches. A part
 *that is too large to be grouped is dealt again, by the hash's next bits.
 *
 *		row, number		number (4 or 8 bytes), payload
 *		row, others		hash (8), payload, length of the key (4), key
 *		payload			of the form's size; or its size (4), and it
 *
 * Rows that have no key stand in a part of their own, which comes last.
 */
#ifndef LOYALTY_DEAL_H
#define LOYALTY_DEAL_H

#include "postgres.h"

#include "storage/buffile.h"

#include "collect/collect.h"
#include "core/arena.h"
#include "core/hash_key.h"

/* How rows are written. */
typedef struct RowForm
{
	CustomerType type;
	uint8 number_size; /* bytes of a number: 4 or 8 */
	bool own_size;	   /* payloads have their own sizes */
	uint32 size;	   /* of a payload, where all have the same */
} RowForm;

/* A row, read. */
typedef struct DealtRow
{
	uint64 hash;
	Customer customer;
	const uint8 *payload;
} DealtRow;

typedef struct DealChunk
{
	struct DealChunk *next;
	size_t room; /* of data */
	size_t used;
	uint8 data[FLEXIBLE_ARRAY_MEMBER];
} DealChunk;

/* Where rows of a part stand in the file. */
typedef struct DealStretch
{
	int file;
	off_t offset;
	int chunks;
} DealStretch;

typedef struct DealPart
{
	uint8 *tail; /* free room of the last chunk */
	uint8 *tail_end;
	int64 rows; /* in memory and in the file */
	DealChunk *first;
	DealChunk *last;
	size_t held;  /* bytes of chunks */
	size_t bytes; /* of rows, but for those of the last chunk */
	DealStretch *stretches;
	int64 nstretches;
	int64 max_stretches;
} DealPart;

typedef struct Deal
{
	RowForm form;
	int skip;	/* bits of the hash that all rows share */
	int nparts; /* 1, or COLLECT_PARTS; and the one without keys */
	DealPart *parts;
	size_t limit;
	size_t held; /* bytes of chunks */
	size_t chunk_max;
	MemoryContext context; /* what is below goes with it */
	MemoryContext memory;  /* of chunks */
	Arena arena;
	BufFile *file;
	int64 written; /* bytes */
} Deal;

/* Memory of its own, below context. Rows take up to limit bytes of it, or a megabyte, if that is
 * more. */
extern Deal *deal_create(MemoryContext context, const RowForm *form, int skip, size_t limit);
extern void deal_destroy(Deal *deal);

/* Takes what a row needs in the part, making room for it. */
extern uint8 *deal_make_room(Deal *deal, uint64 hash, bool no_key, size_t size);

/* Ends the dealing: rows can be read from now on. */
extern void deal_close(Deal *deal);

/* The number of parts: the last one is that of rows without a key. */
static inline int
deal_parts(const Deal *deal)
{
	return deal->nparts + 1;
}

/* Is one of the parts in the file? All are then. */
static inline bool
deal_spilled(const Deal *deal)
{
	return deal->file != NULL;
}

/* A part's chunks, one by one; each stays there until the next is asked for. */
typedef struct DealReader
{
	Deal *deal;
	const DealPart *part;
	DealChunk *chunk; /* in memory: the next; else: what is read into */
	int64 stretch;
	int left; /* chunks of it */
} DealReader;

extern void deal_open(DealReader *reader, Deal *deal, int part);
extern const DealChunk *deal_next(DealReader *reader);
extern void deal_done(DealReader *reader);

/* All chunks of a part in memory, until it is let go. */
extern const DealChunk *deal_load(Deal *deal, int part);
extern void deal_unload(Deal *deal, int part);

/* Do all rows of a part have the same hash? */
extern bool deal_is_uniform(Deal *deal, int part);

/* Deals a part's rows again, by the bits behind those that they share. */
extern Deal *deal_again(MemoryContext context, Deal *deal, int part, size_t limit);

/* ---- inline ---- */

static inline size_t
row_size(const RowForm *form, size_t key_size, size_t payload)
{
	size_t size = payload + (form->own_size ? sizeof(uint32) : 0);

	if (form->type == CUSTOMER_BIGINT)
		return size + form->number_size;
	return size + sizeof(uint64) + sizeof(uint32) + key_size;
}

static inline int
deal_part_of(const Deal *deal, uint64 hash)
{
	return deal->nparts == 1 ? 0 : (int) ((hash << deal->skip) >> (64 - PART_BITS));
}

/* Takes a row's bytes, all of which are to be written then. */
static inline uint8 *
deal_take(Deal *deal, uint64 hash, bool no_key, size_t size)
{
	DealPart *part = &deal->parts[no_key ? deal->nparts : deal_part_of(deal, hash)];
	uint8 *at;

	if (unlikely((size_t) (part->tail_end - part->tail) < size))
		return deal_make_room(deal, hash, no_key, size);
	at = part->tail;
	part->tail += size;
	part->rows++;
	return at;
}

/* Writes a row but for its payload, which goes to where this returns. */
static inline uint8 *
deal_row(Deal *deal, const Customer *customer, bool no_key, size_t payload)
{
	const RowForm *form = &deal->form;
	uint64 hash = 0;
	uint32 size = (uint32) payload;
	uint32 len;
	uint8 *at;

	if (form->type == CUSTOMER_BIGINT)
	{
		if (!no_key)
			hash = hash_number((uint64) customer->number);
		at = deal_take(deal, hash, no_key, row_size(form, 0, payload));
		if (form->number_size == sizeof(int32))
		{
			int32 number = (int32) customer->number;

			memcpy(at, &number, sizeof(number));
			at += sizeof(number);
		}
		else
		{
			memcpy(at, &customer->number, sizeof(int64));
			at += sizeof(int64);
		}
		if (form->own_size)
		{
			memcpy(at, &size, sizeof(size));
			at += sizeof(size);
		}
		return at;
	}
	len = no_key ? 0 : (uint32) customer->bytes.len;
	if (!no_key)
		hash = hash_bytes_keyed(customer->bytes.bytes, len);
	at = deal_take(deal, hash, no_key, row_size(form, len, payload));
	memcpy(at, &hash, sizeof(hash));
	at += sizeof(hash);
	if (form->own_size)
	{
		memcpy(at, &size, sizeof(size));
		at += sizeof(size);
	}
	memcpy(at + payload, &len, sizeof(len));
	if (len > 0)
		memcpy(at + payload + sizeof(len), customer->bytes.bytes, len);
	return at;
}

/* Reads a row; returns where the next one stands. */
static inline const uint8 *
row_read(const RowForm *form, const uint8 *at, DealtRow *row)
{
	uint32 size = form->size;

	if (form->type == CUSTOMER_BIGINT)
	{
		if (form->number_size == sizeof(int32))
		{
			int32 number;

			memcpy(&number, at, sizeof(number));
			row->customer.number = number;
			at += sizeof(number);
		}
		else
		{
			memcpy(&row->customer.number, at, sizeof(int64));
			at += sizeof(int64);
		}
		row->hash = hash_number((uint64) row->customer.number);
	}
	else
	{
		memcpy(&row->hash, at, sizeof(uint64));
		at += sizeof(uint64);
	}
	if (form->own_size)
	{
		memcpy(&size, at, sizeof(size));
		at += sizeof(size);
	}
	row->payload = at;
	at += size;
	if (form->type != CUSTOMER_BIGINT)
	{
		uint32 len;

		memcpy(&len, at, sizeof(len));
		row->customer.bytes.bytes = at + sizeof(len);
		row->customer.bytes.len = len;
		at += sizeof(len) + len;
	}
	return at;
}

#endif
