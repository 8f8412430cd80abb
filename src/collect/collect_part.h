/*
 * collect_part.h
 *		The parts of a collector: shared by collect.c, which fills them, collect_group.c,
 *		which makes a run of what they hold, and base_join.c, which reads runs side by side.
 */
#ifndef LOYALTY_COLLECT_PART_H
#define LOYALTY_COLLECT_PART_H

#include "postgres.h"

#include "collect/collect.h"
#include "core/hash_key.h"

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
	int max_runs;
};

static inline uint64
customer_hash(CustomerType type, Customer customer)
{
	if (type == CUSTOMER_BIGINT)
		return hash_number((uint64) customer.number);
	return hash_bytes_keyed(customer.bytes.bytes, customer.bytes.len);
}

/* The part takes the top bits; grouping takes those below them. */
static inline int
part_of(int nparts, uint64 hash)
{
	return nparts == 1 ? 0 : (int) (hash >> (64 - PART_BITS));
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

/*
 * Groups what a part holds, raw and in runs, by customer: one run, with an entry for each, in
 * the order of their hashes. The part is not changed.
 */
extern CollectRun group_part(Collector *collector, const CollectPart *part);

#endif
