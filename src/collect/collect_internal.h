/*
 * collect_internal.h
 *		What the files of the collector share; each calls those above it alone:
 *
 *		customer.c		customers and their entries
 *		collect_group.c	makes a run of what a part holds
 *		collect.c		fills the parts
 *		base.c			bases: in memory, flat, read one by one or side by side
 *		base_sql.c		SQL that all bases share
 */
#ifndef LOYALTY_COLLECT_INTERNAL_H
#define LOYALTY_COLLECT_INTERNAL_H

#include "postgres.h"

#include "collect/collect.h"
#include "collect/deal.h"
#include "core/array.h"
#include "core/comparison.h"
#include "core/hash_key.h"

/* ---- customer.c ---- */

extern void entry_put(ByteBuffer *out, CustomerType type, Customer customer, ByteSpan body);

/* ---- the parts of a collector ---- */

/*
 * Raw chunks hold rows (bigint: number, payload; others: hash, payload, length in 4
 * bytes, bytes) or, where a collector takes bodies, entries.
 */
typedef struct Chunk
{
	struct Chunk *next;
	uint32 used;
	uint8 data[FLEXIBLE_ARRAY_MEMBER];
} Chunk;

/* What appending needs comes first: it touches one cache line here, and one where it writes. */
struct CollectPart
{
	uint8 *tail; /* free room of the last chunk */
	uint8 *tail_end;
	uint32 raw_count; /* rows or entries in the chunks */
	int nruns;
	Chunk *first;
	Chunk *last;
	size_t full_bytes; /* raw bytes in all chunks but the last */
	size_t run_bytes;  /* of all runs but the first */
	CollectRun *runs;
	int64 max_runs;
};

/* The part takes the top bits; grouping takes those below them. */
static inline int
part_of(int nparts, uint64 hash)
{
	return nparts == 1 ? 0 : (int) (hash >> (64 - PART_BITS));
}

/* ---- customers by their hashes ---- */

static inline uint64
customer_hash(CustomerType type, Customer customer)
{
	if (type == CUSTOMER_BIGINT)
		return hash_number((uint64) customer.number);
	return hash_bytes_keyed(customer.bytes.bytes, customer.bytes.len);
}

/* For numbers the hash is as good as the number. */
static inline bool
same_customer(CustomerType type, uint64 a_hash, const Customer *a, uint64 b_hash, const Customer *b)
{
	if (a_hash != b_hash)
		return false;
	return type == CUSTOMER_BIGINT || (a->bytes.len == b->bytes.len &&
									   memcmp(a->bytes.bytes, b->bytes.bytes, a->bytes.len) == 0);
}

/* The order of customers themselves, below 0, 0, or above: whatever the server's key is. */
static inline int
customer_compare(CustomerType type, const Customer *a, const Customer *b)
{
	return type == CUSTOMER_BIGINT ? int64_compare(a->number, b->number)
								   : span_compare(a->bytes, b->bytes);
}

/* The order of entries in a run. */
static inline bool
customer_before(CustomerType type, uint64 a_hash, const Customer *a, uint64 b_hash,
				const Customer *b)
{
	if (likely(a_hash != b_hash))
		return a_hash < b_hash;
	if (type == CUSTOMER_BIGINT)
		return false;
	if (a->bytes.len != b->bytes.len)
		return a->bytes.len < b->bytes.len;
	return memcmp(a->bytes.bytes, b->bytes.bytes, a->bytes.len) < 0;
}

/* ---- grouper.c ---- */

typedef struct CustomerGroup
{
	uint64 hash;
	Customer customer;
	uint32 nrows;
	uint32 nbodies;
	uint32 first_row; /* where its rows and bodies end; before that, where the next one is put */
	uint32 first_body;
} CustomerGroup;

/* A body and whose it is. */
typedef struct GroupClaim
{
	ByteSpan body;
	uint32 group;
} GroupClaim;

/* All that a row needs of its group: one look into memory. */
typedef struct GroupSlot
{
	uint64 hash;
	uint32 number; /* 1 + number of the group; 0: free */
	uint32 nrows;
} GroupSlot;

typedef struct GroupRoom
{
	void *at;
	size_t size;
} GroupRoom;

struct Grouper
{
	MemoryContext context;
	MemoryContext rooms; /* below it */
	CustomerType type;
	int skip;  /* top bits of the hash that all customers of the part share */
	int shift; /* from the others to a slot */
	uint32 mask;
	GroupSlot *slots;
	uint32 ngroups; /* of the last part that was grouped, too */
	int64 max_groups;
	CustomerGroup *groups;
	uint32 *order; /* numbers of the groups in the order of their hashes */
	uint32 nrows;
	uint32 *numbers; /* of the rows' groups */
	uint8 *rows;	 /* payloads by group, or where they stand */
	size_t payload_size;
	uint32 nclaims;
	GroupClaim *claims;
	ByteSpan *bodies; /* by group */
	GroupRoom slots_room;
	GroupRoom groups_room;
	GroupRoom order_room;
	GroupRoom claims_room;
	GroupRoom numbers_room;
	GroupRoom rows_room;
	GroupRoom bodies_room;
	ByteBuffer out; /* for who merges groups: kept as well */
	ByteBuffer merged;
};

/*
 * Starts to group a part that has so many rows and bodies at most, expected customers if that is
 * known (else 0), all of whom share the top skip bits of the hash. Rows and entries are handed in
 * any order, then all is closed; every group's payloads and bodies stand together then.
 */
extern void grouper_open(Grouper *grouper, const DealForm *form, int skip, int64 nrows,
						 int64 nbodies, int64 expected);
extern void grouper_rows(Grouper *grouper, const DealForm *form, const DealChunk *chunks);
extern void grouper_claim(Grouper *grouper, ByteSpan entries);
extern void grouper_close(Grouper *grouper, const DealForm *form, const DealChunk *chunks);

/* Gives back all memory that is kept. */
extern void grouper_forget(Grouper *grouper);

/* ---- collect_group.c ---- */

/*
 * Groups what a part holds, raw and in runs, by customer: one run, with an entry for each, in
 * the order of their hashes. The part is not changed.
 */
extern CollectRun group_part(Collector *collector, const CollectPart *part);

/* ---- collect.c ---- */

/* What is collected, by id; NULL: nothing that is known. */
extern const CollectOps *collect_ops(uint8 id);

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

/* ---- base.c ---- */

/* Compacts a collector and makes it a base datum: an expanded object, read-only. */
extern Datum base_from_collector(Collector *collector);

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

#endif
