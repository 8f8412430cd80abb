/*
 * ref.h
 *		A text of an event; its ref (the document that it belongs to), and a table that numbers
 *		the refs of one customer.
 *
 * The table is kept from customer to customer: what clearing it costs is what the customer used,
 * not what the largest one before needed.
 */
#ifndef LOYALTY_REF_H
#define LOYALTY_REF_H

#include "postgres.h"

typedef enum EventRefType
{
	EVENT_REF_NONE,
	EVENT_REF_NUMBER, /* a bigint, or a text that is written exactly as a bigint is */
	EVENT_REF_TEXT
} EventRefType;

/* Text inside a body; not terminated. Absent: bytes is NULL. */
typedef struct EventText
{
	const char *bytes;
	int len;
} EventText;

#define EVENT_TEXT(literal)                          \
	{                                                \
		.bytes = literal, .len = sizeof(literal) - 1 \
	}

/* The order of texts: by bytes; absent comes first. */
static inline int
event_text_compare(const EventText *a, const EventText *b)
{
	int order;

	if (a->bytes == NULL || b->bytes == NULL)
		return (a->bytes != NULL) - (b->bytes != NULL);
	order = memcmp(a->bytes, b->bytes, Min(a->len, b->len));
	return order != 0 ? order : a->len - b->len;
}

/* The same for qsort() and bsearch(). */
extern int event_text_order(const void *a, const void *b);

/* Finds a text among sorted ones, as dictionaries are; NULL where it isn't there. */
extern const EventText *event_text_find(const EventText *text, const EventText *texts,
										int64 ntexts);

/* The bytes of a text stay where they are. */
typedef struct RefKey
{
	EventRefType type;
	int64 number;
	EventText text;
} RefKey;

typedef struct RefEntry
{
	RefKey key;
	uint32 hash;
	uint32 slot;
} RefEntry;

typedef struct RefTable
{
	MemoryContext context;
	RefEntry *entries; /* by number */
	int32 count;
	int32 max;
	int32 *slots; /* by hash: 1 + number of a ref, 0 where free */
	uint32 mask;
} RefTable;

/* An empty table; where it grows, it does so in this context. */
extern void ref_table_init(RefTable *table, MemoryContext context);

/* The number of a ref, which isn't EVENT_REF_NONE; numbers are given from 0 on, as refs come. */
extern int32 ref_table_add(RefTable *table, const RefKey *key);

/* The same; -1: it isn't there. */
extern int32 ref_table_find(const RefTable *table, const RefKey *key);

/* Takes all refs out. */
extern void ref_table_clear(RefTable *table);

#endif
