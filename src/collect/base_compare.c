/*
 * base_compare.c
 *		Order, equality and hash of bases.
 *
 * Two bases are equal where they hold the same: the same customers with equal
 * bodies, as many rows without customer, days of the same zone. Their bytes may
 * differ all the same: the number of parts tells how a base grew, and entries
 * stand in an order that means nothing. So a comparison sorts the customers, and
 * the hash adds up what each contributes.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "collect/base.h"

PG_FUNCTION_INFO_V1(loyalty_base_lt);
PG_FUNCTION_INFO_V1(loyalty_base_le);
PG_FUNCTION_INFO_V1(loyalty_base_eq);
PG_FUNCTION_INFO_V1(loyalty_base_ne);
PG_FUNCTION_INFO_V1(loyalty_base_ge);
PG_FUNCTION_INFO_V1(loyalty_base_gt);
PG_FUNCTION_INFO_V1(loyalty_base_cmp);
PG_FUNCTION_INFO_V1(loyalty_base_hash);
PG_FUNCTION_INFO_V1(loyalty_base_hash_extended);

typedef struct Entry
{
	Customer customer;
	ByteSpan body;
} Entry;

static int
compare_numbers(int64 a, int64 b)
{
	return a < b ? -1 : a > b;
}

static int
compare_spans(ByteSpan a, ByteSpan b)
{
	int order = memcmp(a.bytes, b.bytes, Min(a.len, b.len));

	return order != 0 ? order : compare_numbers((int64) a.len, (int64) b.len);
}

static int
compare_customers(CustomerType type, const Customer *a, const Customer *b)
{
	return type == CUSTOMER_BIGINT ? compare_numbers(a->number, b->number)
								   : compare_spans(a->bytes, b->bytes);
}

static int
compare_entries(const void *a, const void *b, void *type)
{
	return compare_customers(*(const CustomerType *) type, &((const Entry *) a)->customer,
							 &((const Entry *) b)->customer);
}

/* All customers of a base in their own order. */
static Entry *
sorted_entries(const Base *base)
{
	Entry *entries = palloc_extended(Max(1, base->customers) * sizeof(Entry), MCXT_ALLOC_HUGE);
	CustomerType type = base->type;
	Entry entry = { 0 };
	BaseCursor cursor;
	int64 n = 0;

	base_rewind(&cursor, base);
	while (base_next(&cursor, &entry.customer, &entry.body))
	{
		if (n == base->customers)
			report_corrupted();
		entries[n++] = entry;
	}
	if (n != base->customers)
		report_corrupted();
	qsort_interruptible(entries, n, sizeof(Entry), compare_entries, &type);
	return entries;
}

static int
compare_bases(const Base *a, const Base *b)
{
	const Entry *a_entries;
	const Entry *b_entries;
	int order = 0;
	int64 i;

	if (a->ops->id != b->ops->id)
		return (int) a->ops->id - (int) b->ops->id;
	if (a->type != b->type)
		return (int) a->type - (int) b->type;
	if (a->zone_state != b->zone_state)
		return (int) a->zone_state - (int) b->zone_state;
	if (a->zone_state == ZONE_KNOWN)
		order = strcmp(a->zone, b->zone);
	if (order == 0)
		order = compare_numbers(a->guests, b->guests);
	if (order == 0)
		order = compare_numbers(a->customers, b->customers);
	if (order != 0)
		return order;

	a_entries = sorted_entries(a);
	b_entries = sorted_entries(b);
	for (i = 0; i < a->customers && order == 0; i++)
	{
		order = compare_customers(a->type, &a_entries[i].customer, &b_entries[i].customer);
		if (order == 0)
			order = a->ops->compare(a_entries[i].body, b_entries[i].body);
		CHECK_FOR_INTERRUPTS();
	}
	return order;
}

static uint64
hash_base(const Base *base, uint64 seed)
{
	uint64 sum = 0;
	Customer customer = { 0 };
	BaseCursor cursor;
	ByteSpan body;
	uint64 head;

	base_rewind(&cursor, base);
	while (base_next(&cursor, &customer, &body))
	{
		ByteSpan bytes = { (const uint8 *) &customer.number, sizeof(customer.number) };

		if (base->type != CUSTOMER_BIGINT)
			bytes = customer.bytes;
		sum += hash_combine64(hash_bytes_extended(bytes.bytes, (int) bytes.len, seed),
							  base->ops->hash(body, seed));
		CHECK_FOR_INTERRUPTS();
	}
	head =
		hash_combine64((uint64) base->guests, (uint64) base->type << 8 | (uint64) base->zone_state);
	if (base->zone_state == ZONE_KNOWN)
		head = hash_combine64(head, hash_bytes_extended((const unsigned char *) base->zone,
														(int) strlen(base->zone), seed));
	return hash_combine64(head, sum);
}

/* ---- SQL ---- */

/* What a comparison takes is given back at once, since sorting and indexes ask often. */
static MemoryContext
open_room(void)
{
	return MemoryContextSwitchTo(AllocSetContextCreate(
		CurrentMemoryContext, "loyalty base comparison", ALLOCSET_DEFAULT_SIZES));
}

static void
close_room(MemoryContext outside)
{
	MemoryContext room = MemoryContextSwitchTo(outside);

	MemoryContextDelete(room);
}

static int
compare_arguments(FunctionCallInfo fcinfo)
{
	MemoryContext outside = open_room();
	int order = compare_bases(base_open(PG_GETARG_DATUM(0)), base_open(PG_GETARG_DATUM(1)));

	close_room(outside);
	return order;
}

static uint64
hash_argument(FunctionCallInfo fcinfo, uint64 seed)
{
	MemoryContext outside = open_room();
	uint64 hash = hash_base(base_open(PG_GETARG_DATUM(0)), seed);

	close_room(outside);
	return hash;
}

Datum
loyalty_base_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

Datum
loyalty_base_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

Datum
loyalty_base_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}

Datum
loyalty_base_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) != 0);
}

Datum
loyalty_base_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

Datum
loyalty_base_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

Datum
loyalty_base_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo));
}

/* The low half of the extended hash with seed 0, as hash operator classes want it. */
Datum
loyalty_base_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) hash_argument(fcinfo, 0));
}

Datum
loyalty_base_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT64(hash_argument(fcinfo, (uint64) PG_GETARG_INT64(1)));
}
