/*
 * collect.h
 *		Grouping rows by customer: the state of a collector, and the base that it makes.
 *
 * A collector takes rows (customer, payload) in any order and gives one body per
 * customer. What a payload and a body are, CollectOps tells: the collector moves
 * bytes and never looks inside.
 *
 *	 Collector
 *	 +- part 0 ----------------+   +- part 1 ----------------+	 ...  1 part, or COLLECT_PARTS
 *	 | runs: entry entry ...   |   | runs: entry entry ...   |		  by hash of the customer, so
 *	 | raw:	 chunk -> chunk	   |   | raw:  chunk -> chunk	 |		  that one part fits the cache
 *	 +-------------------------+   +-------------------------+
 *
 * A row costs an append to the raw chunks of its part. When those have grown to
 * a few times the part's runs, the part is compacted: rows and runs are grouped
 * by customer into one new run with an entry for each. So memory is that of the
 * bodies times a small factor, whatever the number of rows.
 *
 * Hashes are those of the server's key (hash_key.h), and runs are in their order.
 *
 * A base is a compacted collector. Workers hand over the same bytes that a base
 * is flattened to (flat.c):
 *
 *		header
 *		part*	varint customers, varint bytes, entry*
 *		entry	customer (bigint: zigzag; uuid: 16 bytes; text: varint length, bytes),
 *				varint length of the body, body
 */
#ifndef LOYALTY_COLLECT_H
#define LOYALTY_COLLECT_H

#include "postgres.h"

#include "fmgr.h"

#include "core/codec.h"
#include "core/texts.h"

/* Parts of a large collector: as many as a hash's top PART_BITS tell apart. */
#define PART_BITS	  8
#define COLLECT_PARTS (1 << PART_BITS)

typedef enum CustomerType
{
	CUSTOMER_BIGINT = 1,
	CUSTOMER_UUID = 2,
	CUSTOMER_TEXT = 3
} CustomerType;

/* A customer: a number for bigint, bytes for the others. */
typedef struct Customer
{
	int64 number;
	ByteSpan bytes;
} Customer;

/* What is collected. */
typedef struct CollectOps
{
	uint8 id;			   /* in the header of the flat form */
	const char *name;	   /* of the base type, for errors */
	const char *body_type; /* of a customer's value */
	const char *size_hint; /* where that is too large */
	uint16 row_size;	   /* bytes of a row's payload */

	/* Appends to out the body that holds all of these; may reorder the rows. texts are the
	 * collector's. */
	void (*merge)(ByteBuffer *out, const ByteSpan *bodies, int nbodies, void *rows, int nrows,
				  const Texts *texts);

	/* Is this a body? For bytes from outside. */
	bool (*valid)(const uint8 *body, size_t len);

	/* When its last event is, in the body's own unit; PG_INT64_MIN where it has none. */
	int64 (*last)(ByteSpan body);

	/* Order of two bodies, and a hash that agrees with it; as of the stored type. */
	int (*compare)(ByteSpan a, ByteSpan b);
	uint64 (*hash)(ByteSpan body, uint64 seed);
} CollectOps;

/* In what zone were days counted? */
typedef enum CollectZone
{
	ZONE_NOT_NOTED,
	ZONE_KNOWN,
	ZONE_MIXED /* several, or days that came without one */
} CollectZone;

/* Entries, one per customer. */
typedef struct CollectRun
{
	ByteSpan entries;
	int64 customers;
} CollectRun;

typedef struct CollectPart CollectPart;

typedef struct Collector
{
	MemoryContext context;
	const CollectOps *ops;
	CustomerType type;
	bool takes_bodies;	/* raw chunks hold entries, not rows */
	bool foreign_order; /* runs and parts go by the hashes of another key, or of none: to be read
						 * only */
	int nparts;
	CollectPart *parts;
	int64 guests;	   /* rows without customer */
	int64 last;		   /* when the last event is, as CollectOps.last has it, */
	bool last_unknown; /* unless bodies came that nobody has looked into */
	CollectZone zone_state;
	const char *zone;
	Texts *texts;					   /* that payloads of rows refer to; NULL: to none */
	MemoryContextCallback scratch_use; /* set: it uses the memory for grouping */
	const void *noted; /* for callers: what they noted last, so that rows needn't note it again */
} Collector;

/* Makes concepts known, at module load; ids are those of CollectOps. */
extern void collect_register(const CollectOps *ops);
extern const CollectOps *collect_ops(uint8 id);

/* ---- collecting ---- */

extern Collector *collector_create(MemoryContext context, const CollectOps *ops, CustomerType type,
								   bool takes_bodies);

/* Adds a row (ops->row_size bytes), or a body: a stored summary, an event, a member without events.
 */
extern void collector_add_row(Collector *collector, Customer customer, const void *payload);
extern void collector_add_body(Collector *collector, Customer customer, ByteSpan body);

/* An event that comes with a row, or in a body, is then. */
static inline void
collector_note_last(Collector *collector, int64 at)
{
	if (at > collector->last)
		collector->last = at;
}

/* The days that follow were counted in this zone: a name that lives as long as the backend, or
 * NULL. */
extern void collector_note_zone(Collector *collector, CollectZone state, const char *zone);

/* Adds all that other holds, which is compacted first; copies what it keeps. */
extern void collector_absorb(Collector *collector, Collector *other);

/* Hands a run over to a part: for a state that arrives flat. */
extern void collector_push_run(Collector *collector, int part, CollectRun run);

/* A compacted collector whose runs are in the order of this server's hashes: the same one, or one
 * collected anew, in the current memory context. */
extern Collector *collector_in_order(Collector *collector);

/* Turns a one-part collector into one of COLLECT_PARTS. */
extern void collector_split(Collector *collector);

/* Groups what is still raw, so that every part is one run at most. */
extern void collector_compact(Collector *collector);

/* The run of a part of a compacted collector. */
extern CollectRun collector_run(const Collector *collector, int part);

/* ---- entries ---- */

extern void entry_put(ByteBuffer *out, CustomerType type, Customer customer, ByteSpan body);

/* Reads an entry that was checked before. */
static inline void
entry_next(const uint8 **at, const uint8 *end, CustomerType type, Customer *customer,
		   ByteSpan *body)
{
	if (type == CUSTOMER_BIGINT)
		customer->number = signed_next(at, end);
	else
	{
		size_t len = type == CUSTOMER_UUID ? 16 : (size_t) varint_next(at, end);

		if (unlikely(len > (size_t) (end - *at)))
			report_corrupted();
		customer->bytes.bytes = *at;
		customer->bytes.len = len;
		*at += len;
	}
	body->len = (size_t) varint_next(at, end);
	if (unlikely(body->len > (size_t) (end - *at)))
		report_corrupted();
	body->bytes = *at;
	*at += body->len;
}

#endif
