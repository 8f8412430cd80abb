/*
 * collect_internal.h
 *		What the files of the collector share; each calls those above it alone:
 *
 *		customer.c		customers and their entries
 *		deal.c			rows in parts, in memory and in a file
 *		grouper.c		the rows of a part by customer
 *		collect_group.c	makes a run of what a part holds
 *		collect.c		fills the parts
 *		pieces.c		parts that are too large for memory
 *		pass.c			parts that are read once, by several processes
 *		base.c			bases: in memory, flat, read one by one or side by side
 *		base_sql.c		SQL that all bases share
 *		base_plan.c		what the planner is told about bases
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

/* The bytes of an entry; and writing it where there is room for them. */
extern size_t entry_size(CustomerType type, Customer customer, ByteSpan body);
extern void entry_write(uint8 *at, CustomerType type, Customer customer, ByteSpan body);

/* ---- customers by their hashes ---- */

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
	GroupRoom expanded_room;
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

/* Room for rows as merge takes them, until it is asked for again. */
extern void *grouper_expanded(Grouper *grouper, size_t size);

/* Gives back all memory that is kept. */
extern void grouper_forget(Grouper *grouper);

/* ---- runs ---- */

/* Entries in the order of their customers' hashes, one per customer. */
typedef struct CollectRun
{
	DealPart entries; /* in chunks or in the file of the collector's deal */
	ByteSpan flat;	  /* else in bytes that aren't the collector's */
	int64 customers;
} CollectRun;

struct CollectPart
{
	CollectRun *runs;
	int64 max_runs;
	int nruns;
};

/* ---- collect_group.c ---- */

/* Reads a run, a stretch of whole entries at a time; each is there until the next but one is read.
 */
typedef struct RunReader
{
	MemoryContext context;
	Deal *deal;
	const CollectRun *run;
	const DealChunk *chunk; /* the next */
	int64 extent;
	bool flat_read;
	bool room; /* that is read into next */
	ByteBuffer rooms[2];
} RunReader;

/* Goes to the start of a run; a reader is all zeroes at first. */
extern void run_open(RunReader *reader, Collector *collector, const CollectRun *run);
extern bool run_next(RunReader *reader, ByteSpan *stretch);
extern void run_close(RunReader *reader);
extern size_t run_bytes(const CollectRun *run);

/*
 * Groups what a part holds in memory, raw, and its runs from that one on by customer: appends an
 * entry for each, in the order of their hashes, to run, or where that is NULL to out. Returns how
 * many there are. The part is not changed.
 */
extern int64 group_part(Collector *collector, int part, int first_run, DealPart *run,
						ByteBuffer *out);

/* ---- collect.c ---- */

/* What is collected, by id; NULL: nothing that is known. */
extern const CollectOps *collect_ops(uint8 id);

/* Adds all that other holds, which is compacted first; copies what it keeps. */
extern void collector_absorb(Collector *collector, Collector *other);

/* Hands a run of flat bytes over to a part: for a state that arrives flat. */
extern void collector_push_flat(Collector *collector, int part, ByteSpan entries, int64 customers);

/* A collector of the same rows, texts and zone as this one has, without parts: for what a part of
 * it is dealt to. And its parts, which are those of its deal. */
extern Collector *collector_twin(const Collector *collector);
extern void collector_start_parts(Collector *twin);
extern void collector_end_parts(Collector *twin);

/* A compacted collector whose runs are in the order of this server's hashes: the same one, or one
 * collected anew, in the current memory context. */
extern Collector *collector_in_order(Collector *collector);

/* Forgets the runs of a part. */
extern void collector_free_runs(Collector *collector, CollectPart *part);

/* Groups what a part holds, so that it is one run, which this returns; NULL: nobody is there. */
extern const CollectRun *collector_part(Collector *collector, int part);

/* The same for who reads parts one after another: where memory is over, the run goes to the file.
 */
extern const CollectRun *collector_read_part(Collector *collector, int part);

/* Brings a part's run to memory. */
extern void collector_hold_part(Collector *collector, int part);

/* ---- base.c ---- */

/* Makes a collector a base datum: an expanded object, read-only. */
extern Datum base_from_collector(Collector *collector);

/* Size of a collector's flat form, without a length word. */
extern size_t flat_size(Collector *collector);

/* Writes it. */
extern void flat_write(Collector *collector, uint8 *to);

/* Appends it, grouping what is raw on the way. Returns its size: more than max bytes are not
 * written. */
extern size_t flat_put(Collector *collector, ByteBuffer *out, size_t max);

/* Reads a flat form that was written here, or before pg_upgrade (see Collector.foreign_order): runs
 * point into it. The result is allocated in the current context. */
extern Collector *flat_read(ByteSpan flat);

/* Reads a flat form that anyone may have written: checks all, and collects it anew. */
extern Collector *flat_read_foreign(ByteSpan flat, uint8 ops_id, CustomerType type);

/* Appends a flat form as clients get it: what equal bases have in common. */
extern void flat_put_for_client(ByteBuffer *out, ByteSpan flat);

#endif
