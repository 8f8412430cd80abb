/*
 * referrals_collect.c
 *		Collects who brought whom: nodes numbered as they come, and their referrers.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "advocacy/advocacy_internal.h"
#include "core/array.h"
#include "core/hash_key.h"

#define FIRST_SLOTS 64
#define FIRST_ROOM	256
#define LARGE_ROOM	65536

/* Rows that wait, and bytes of their keys, from so many nodes on: those of fewer are in the cache.
 */
#define BATCH_ROWS	32
#define BATCH_BYTES 4096
#define BATCH_FROM	16384

/* Beyond any result that is a value: a node takes two bytes there. */
#define MAX_NODES	(INT64CONST(1) << 30)

const char *
referrals_customer_type(CustomerType type)
{
	switch (type)
	{
		case CUSTOMER_BIGINT:
			return "bigint";
		case CUSTOMER_UUID:
			return "uuid";
		default: /* CUSTOMER_TEXT */
			return "text";
	}
}

ReferralSet *
referral_set_create(CustomerType type)
{
	ReferralSet *set = palloc0(sizeof(ReferralSet));

	hash_key_need();
	set->context = CurrentMemoryContext;
	set->type = type;
	set->nslots = FIRST_SLOTS;
	set->slots = palloc0(FIRST_SLOTS * sizeof(ReferralSlot));
	return set;
}

/* ---- nodes ---- */

static inline uint32
hash_customer(CustomerType type, Customer customer)
{
	uint64 hash = type == CUSTOMER_BIGINT
					  ? hash_number((uint64) customer.number)
					  : hash_bytes_keyed(customer.bytes.bytes, customer.bytes.len);

	return (uint32) (hash >> 32);
}

static inline bool
is_node(const ReferralNode *node, CustomerType type, Customer customer)
{
	if (type == CUSTOMER_BIGINT)
		return node->key.number == customer.number;
	return node->len == customer.bytes.len &&
		   memcmp(node->key.bytes, customer.bytes.bytes, node->len) == 0;
}

/* The slot of a customer, or the free one where he belongs. */
static inline ReferralSlot *
find_slot(const ReferralSet *set, Customer customer, uint32 hash)
{
	uint64 mask = set->nslots - 1;
	uint64 at = hash & mask;

	while (set->slots[at].node != 0 &&
		   (set->slots[at].hash != hash ||
			!is_node(&set->nodes[set->slots[at].node - 1], set->type, customer)))
		at = (at + 1) & mask;
	return &set->slots[at];
}

static void
double_slots(ReferralSet *set)
{
	uint64 nslots = set->nslots * 2;
	uint64 mask = nslots - 1;
	ReferralSlot *slots = MemoryContextAllocExtended(set->context, nslots * sizeof(ReferralSlot),
													 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint64 i;

	for (i = 0; i < set->nslots; i++)
	{
		uint64 at = set->slots[i].hash & mask;

		if (set->slots[i].node == 0)
			continue;
		while (slots[at].node != 0)
			at = (at + 1) & mask;
		slots[at] = set->slots[i];
		CHECK_FOR_INTERRUPTS();
	}
	pfree(set->slots);
	set->slots = slots;
	set->nslots = nslots;
}

/* Many short keys in one piece of memory. */
static const uint8 *
keep_bytes(ReferralSet *set, ByteSpan bytes)
{
	uint8 *kept;

	if (bytes.len > LARGE_ROOM / 8)
	{
		kept = MemoryContextAllocHuge(set->context, bytes.len);
		memcpy(kept, bytes.bytes, bytes.len);
		return kept;
	}
	if (bytes.len > set->room_left)
	{
		set->room_size = Min(Max(set->room_size * 2, FIRST_ROOM), LARGE_ROOM);
		set->room_left = Max(set->room_size, bytes.len);
		set->room = MemoryContextAlloc(set->context, set->room_left);
	}
	kept = set->room;
	memcpy(kept, bytes.bytes, bytes.len);
	set->room += bytes.len;
	set->room_left -= bytes.len;
	return kept;
}

static int32
node_of(ReferralSet *set, Customer customer, uint32 hash)
{
	ReferralSlot *slot = find_slot(set, customer, hash);
	ReferralNode *node;

	if (slot->node != 0)
		return (int32) (slot->node - 1);
	if (set->nnodes >= MAX_NODES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("referrals of more than " INT64_FORMAT " customers", MAX_NODES),
						errhint("Collect them in parts, by who began the chains.")));
	if ((uint64) set->nnodes * 2 >= set->nslots)
	{
		double_slots(set);
		slot = find_slot(set, customer, hash);
	}
	set->nodes = array_grow_in(set->context, set->nodes, &set->max_nodes, set->nnodes + 1,
							   sizeof(ReferralNode));
	node = &set->nodes[set->nnodes];
	if (set->type == CUSTOMER_BIGINT)
	{
		node->key.number = customer.number;
		node->len = 0;
	}
	else
	{
		node->key.bytes = keep_bytes(set, customer.bytes);
		node->len = (uint32) customer.bytes.len;
	}
	node->referrer = NOT_A_CUSTOMER;
	slot->hash = hash;
	slot->node = (uint32) ++set->nnodes;
	return (int32) (set->nnodes - 1);
}

int32
referral_set_node(ReferralSet *set, Customer customer)
{
	return node_of(set, customer, hash_customer(set->type, customer));
}

int32
referral_set_find(const ReferralSet *set, Customer customer)
{
	return (int32) find_slot(set, customer, hash_customer(set->type, customer))->node - 1;
}

/* ---- what is known of them ---- */

void
referral_set_customer(ReferralSet *set, int32 customer)
{
	if (set->nodes[customer].referrer == NOT_A_CUSTOMER)
		set->nodes[customer].referrer = REFERRER_NONE;
}

static int
compare_edges(const void *a, const void *b)
{
	const ReferralEdge *x = a;
	const ReferralEdge *y = b;

	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	return (x->referrer > y->referrer) - (x->referrer < y->referrer);
}

/* Sorts the others, each once. */
static void
sort_others(ReferralSet *set)
{
	int64 kept = 0;
	int64 i;

	if (set->nothers == 0)
		return;
	sort_elements(set->others, set->nothers, sizeof(ReferralEdge), compare_edges);
	for (i = 0; i < set->nothers; i++)
		if (kept == 0 || compare_edges(&set->others[kept - 1], &set->others[i]) != 0)
			set->others[kept++] = set->others[i];
	set->nothers = kept;
}

void
referral_set_referrer(ReferralSet *set, int32 customer, int32 referrer)
{
	ReferralNode *node = &set->nodes[customer];

	if (node->referrer < 0)
	{
		node->referrer = referrer;
		return;
	}
	if (node->referrer == referrer)
		return;
	/* Only where few of them came twice does it grow: so it is never much larger than it must be.
	 */
	if (set->nothers == set->max_others)
	{
		sort_others(set);
		if (set->nothers >= set->max_others / 2)
			set->others = array_grow_in(set->context, set->others, &set->max_others,
										set->max_others + 1, sizeof(ReferralEdge));
	}
	set->others[set->nothers].customer = customer;
	set->others[set->nothers].referrer = referrer;
	set->nothers++;
}

/* ---- rows ---- */

/* Whom a row is about, and their hashes. */
typedef struct ReferralRow
{
	Customer customer;
	Customer referrer;
	uint32 customer_hash;
	uint32 referrer_hash;
	bool has_referrer;
} ReferralRow;

/* Rows that wait until the memory that they need has come near: taken one by one, nearly all of
 * the time went into waiting for it. */
typedef struct ReferralBatch
{
	int nrows;
	ReferralRow rows[BATCH_ROWS];
	size_t used;
	uint8 bytes[BATCH_BYTES];
} ReferralBatch;

static void
add_row(ReferralSet *set, const ReferralRow *row)
{
	int32 customer = node_of(set, row->customer, row->customer_hash);

	referral_set_customer(set, customer);
	if (row->has_referrer)
		referral_set_referrer(set, customer, node_of(set, row->referrer, row->referrer_hash));
}

/* The slot where a key is looked for first. */
static inline const ReferralSlot *
first_slot(const ReferralSet *set, uint32 hash)
{
	return &set->slots[hash & (set->nslots - 1)];
}

static inline void
fetch_node(const ReferralSet *set, uint32 hash)
{
	const ReferralSlot *slot = first_slot(set, hash);

	if (slot->node != 0)
		__builtin_prefetch(&set->nodes[slot->node - 1]);
}

static void
add_batch(ReferralSet *set)
{
	ReferralBatch *batch = set->batch;
	int i;

	if (batch == NULL)
		return;
	for (i = 0; i < batch->nrows; i++)
	{
		fetch_node(set, batch->rows[i].customer_hash);
		if (batch->rows[i].has_referrer)
			fetch_node(set, batch->rows[i].referrer_hash);
	}
	for (i = 0; i < batch->nrows; i++)
		add_row(set, &batch->rows[i]);
	batch->nrows = 0;
	batch->used = 0;
}

/* A key whose bytes stay until the batch is added. */
static Customer
keep_until_added(ReferralSet *set, Customer customer)
{
	uint8 *kept = set->batch->bytes + set->batch->used;

	if (set->type == CUSTOMER_BIGINT)
		return customer;
	memcpy(kept, customer.bytes.bytes, customer.bytes.len);
	set->batch->used += customer.bytes.len;
	customer.bytes.bytes = kept;
	return customer;
}

void
referral_set_add(ReferralSet *set, Customer customer, const Customer *referrer)
{
	ReferralRow row = { .customer = customer,
						.customer_hash = hash_customer(set->type, customer),
						.has_referrer = referrer != NULL };
	size_t len = customer.bytes.len;

	if (referrer != NULL)
	{
		row.referrer = *referrer;
		row.referrer_hash = hash_customer(set->type, *referrer);
		len += referrer->bytes.len;
	}
	if (set->nnodes < BATCH_FROM || len > BATCH_BYTES)
	{
		add_row(set, &row);
		return;
	}
	if (set->batch == NULL)
		set->batch = MemoryContextAllocZero(set->context, sizeof(ReferralBatch));
	else if (set->batch->nrows == BATCH_ROWS || len > BATCH_BYTES - set->batch->used)
		add_batch(set);
	__builtin_prefetch(first_slot(set, row.customer_hash));
	row.customer = keep_until_added(set, row.customer);
	if (referrer != NULL)
	{
		__builtin_prefetch(first_slot(set, row.referrer_hash));
		row.referrer = keep_until_added(set, row.referrer);
	}
	set->batch->rows[set->batch->nrows++] = row;
}

void
referral_set_settle(ReferralSet *set)
{
	add_batch(set);
	sort_others(set);
}

void
referral_set_guests(ReferralSet *set, int64 guests)
{
	if (__builtin_add_overflow(set->guests, guests, &set->guests))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the number of rows without customer is out of range")));
}
