/*
 * base.h
 *		What a collector made: everyone's bodies, by customer, to be folded over.
 *
 * A base lives in memory for one query, as an expanded object that points into
 * the collector's state. It becomes flat bytes where it must: in a table, from
 * a scalar subquery, from a worker (flat.c has the format).
 */
#ifndef LOYALTY_BASE_H
#define LOYALTY_BASE_H

#include "postgres.h"

#include "fmgr.h"

#include "collect/collect.h"

/* A base open for reading. */
typedef struct Base
{
	const CollectOps *ops;
	CustomerType type;
	int64 customers;
	int64 guests;			/* rows without customer */
	CollectZone zone_state; /* the zone in which days were counted, */
	const char *zone;		/* if there is one */
	int nparts;
	CollectRun *parts;
	Collector *collector; /* whose they are */
} Base;

typedef struct BaseCursor
{
	const Base *base;
	int part;
	const uint8 *at;
	const uint8 *end;
} BaseCursor;

/* Opens a base datum, expanded or flat. */
extern const Base *base_open(Datum datum);

/* The same base with customers in the order of this server's hashes, which one from before
 * pg_upgrade isn't in. */
extern const Base *base_in_order(const Base *base);

/* Starts a walk over all customers. */
extern void base_rewind(BaseCursor *cursor, const Base *base);

/* Moves on to the next part that has customers. */
extern bool base_next_part(BaseCursor *cursor);

/* The next customer and his body, if there is one. */
static inline bool
base_next(BaseCursor *cursor, Customer *customer, ByteSpan *body)
{
	if (unlikely(cursor->at >= cursor->end) && !base_next_part(cursor))
		return false;
	entry_next(&cursor->at, cursor->end, cursor->base->type, customer, body);
	return true;
}

/* Names a customer in errors, as their CONTEXT, from here on until base_forget_customer(). */
typedef struct BaseErrors
{
	ErrorContextCallback callback;
	CustomerType type;
	const Customer *customer; /* whom the walk is at */
} BaseErrors;

extern void base_name_customer(BaseErrors *errors, CustomerType type, const Customer *customer);
extern void base_forget_customer(BaseErrors *errors);

/* When the last event of all is, as CollectOps.last has it; false where there is none. */
extern bool base_last(const Base *base, int64 *last);

/* Adds every customer's body to a fold; errors name the customer. */
extern void base_fold(const Base *base, void (*add)(void *fold, ByteSpan body), void *fold);

/* ---- flat bytes (flat.c) ---- */

/* kB; see loyalty.max_flat_size */
extern int max_flat_size;

/* The way out where a base is too large for a value. */
#define FLAT_SIZE_HINT "Aggregate with GROUP BY customer, or split by customer."

/* Size of a compacted collector's flat form, without a length word. */
extern size_t flat_size(const Collector *collector);

/* Writes it. */
extern void flat_write(const Collector *collector, uint8 *to);

/* Reads a flat form that was written here, or before pg_upgrade (see Collector.foreign_order): runs
 * point into it. The result is allocated in the current context. */
extern Collector *flat_read(ByteSpan flat);

/* Reads a flat form that anyone may have written: checks all, and collects it anew. */
extern Collector *flat_read_foreign(ByteSpan flat, uint8 ops_id, CustomerType type);

/* Appends a flat form as clients get it: what equal bases have in common. */
extern void flat_put_for_client(ByteBuffer *out, ByteSpan flat);

/* ---- the SQL faces that all bases share (base_sql.c) ---- */

/* Compacts a collector and makes it a base datum: an expanded object, read-only. */
extern Datum base_from_collector(Collector *collector);

/* Set-returning: a row per customer, with his body wrapped as a varlena. */
extern Datum base_customers(FunctionCallInfo fcinfo);

/* Input and binary input of a base type; type 0: customers of any. */
extern Datum base_in(FunctionCallInfo fcinfo, uint8 ops_id, CustomerType type);
extern Datum base_recv(FunctionCallInfo fcinfo, uint8 ops_id, CustomerType type);

#endif
