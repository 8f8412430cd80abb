/*
 * base_sql.c
 *		SQL that all bases share: what collecting aggregates are made of, text and binary
 *		I/O, a row per customer, order and equality.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "collect/collect_internal.h"
#include "core/comparison.h"

/* ---- collecting aggregates ---- */

PG_FUNCTION_INFO_V1(loyalty_collect_final);
PG_FUNCTION_INFO_V1(loyalty_collect_combine);
PG_FUNCTION_INFO_V1(loyalty_collect_serialize);
PG_FUNCTION_INFO_V1(loyalty_collect_deserialize);

/* No rows at all make no base: NULL, as for other aggregates that collect. */
Datum
loyalty_collect_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(base_from_collector((Collector *) PG_GETARG_POINTER(0)));
}

bool
collect_is_final(PGFunction function)
{
	return function == loyalty_collect_final;
}

Datum
loyalty_collect_combine(PG_FUNCTION_ARGS)
{
	Collector *state;
	Collector *other;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_POINTER(PG_GETARG_POINTER(0));
	}
	other = (Collector *) PG_GETARG_POINTER(1);
	state = collector_state(fcinfo, other->ops, other->type, other->rows, NULL);
	collector_absorb(state, other);
	PG_RETURN_POINTER(state);
}

Datum
loyalty_collect_serialize(PG_FUNCTION_ARGS)
{
	Collector *state = (Collector *) PG_GETARG_POINTER(0);
	size_t max = (size_t) max_flat_size * 1024;
	ByteBuffer result;
	size_t size;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "collector called outside an aggregate");
	buffer_init(&result, 1024 + state->deal.bytes / 8);
	result.len = VARHDRSZ;
	size = flat_put(state, &result, max);
	if (size > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a parallel worker collected %zu kB, too much to hand over",
						(size + 1023) / 1024),
				 errdetail("The limit is %d kB (loyalty.max_flat_size).", max_flat_size),
				 errhint("Aggregate in two levels: a summary for each customer with GROUP BY, then "
						 "the metric's aggregate over the summaries. Or set "
						 "max_parallel_workers_per_gather to 0.")));
	datum_set_size(result.data, result.len, state->ops->name, FLAT_SIZE_HINT);
	PG_RETURN_BYTEA_P((bytea *) result.data);
}

Datum
loyalty_collect_deserialize(PG_FUNCTION_ARGS)
{
	bytea *bytes = PG_GETARG_BYTEA_PP(0);
	ByteSpan flat = { (const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes) };

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "collector called outside an aggregate");
	PG_RETURN_POINTER(collector_in_order(flat_read(flat)));
}

/* ---- text and binary I/O ---- */

PG_FUNCTION_INFO_V1(loyalty_base_out);
PG_FUNCTION_INFO_V1(loyalty_base_send);

static Datum
collected_anew(ByteSpan flat, uint8 ops_id, CustomerType type, int sqlstate)
{
	const CollectOps *ops = collect_ops(ops_id);
	Collector *collector = flat_read_foreign(flat, ops_id, type);

	if (collector == NULL)
		ereport(ERROR,
				(errcode(sqlstate), errmsg("invalid bytes for a collected %s", ops->name),
				 errhint("A base is made by a collecting aggregate; its text and binary forms are "
						 "for moving one between servers.")));
	return base_from_collector(collector);
}

/* The text form is that of bytea in hex. */
Datum
base_in(FunctionCallInfo fcinfo, uint8 ops_id, CustomerType type)
{
	bytea *bytes = DatumGetByteaPP(DirectFunctionCall1(byteain, PG_GETARG_DATUM(0)));
	ByteSpan flat = { (const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes) };

	return collected_anew(flat, ops_id, type, ERRCODE_INVALID_TEXT_REPRESENTATION);
}

Datum
base_recv(FunctionCallInfo fcinfo, uint8 ops_id, CustomerType type)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	ByteSpan flat;

	flat.len = message->len - message->cursor;
	flat.bytes = (const uint8 *) pq_getmsgbytes(message, (int) flat.len);
	return collected_anew(flat, ops_id, type, ERRCODE_INVALID_BINARY_REPRESENTATION);
}

/* The bytes for clients that argument 0 is, behind so many others. */
static ByteBuffer
bytes_for_client(FunctionCallInfo fcinfo, size_t before)
{
	bytea *stored = PG_GETARG_BYTEA_PP(0);
	ByteSpan flat = { (const uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored) };
	ByteBuffer out;

	buffer_init(&out, before + VARINT_MAX_BYTES + flat.len);
	out.len = before;
	flat_put_for_client(&out, flat);
	return out;
}

Datum
loyalty_base_out(PG_FUNCTION_ARGS)
{
	ByteBuffer bytes = bytes_for_client(fcinfo, 0);
	char *text = palloc_extended(2 * bytes.len + 3, MCXT_ALLOC_HUGE);

	memcpy(text, "\\x", 2);
	hex_encode((const char *) bytes.data, bytes.len, text + 2);
	text[2 * bytes.len + 2] = '\0';
	PG_RETURN_CSTRING(text);
}

Datum
loyalty_base_send(PG_FUNCTION_ARGS)
{
	ByteBuffer bytes = bytes_for_client(fcinfo, VARHDRSZ);

	datum_set_size(bytes.data, bytes.len, "base", FLAT_SIZE_HINT);
	PG_RETURN_BYTEA_P((bytea *) bytes.data);
}

/* ---- a row per customer ---- */

/* What a row takes beyond a customer's bytes and his body. */
#define ROW_ROOM 64

Datum
base_customers(FunctionCallInfo fcinfo)
{
	const Base *base = base_open(PG_GETARG_DATUM(0));
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext row_context;
	MemoryContext old;
	BaseErrors errors;
	ByteBuffer value;
	BaseCursor cursor;
	Customer customer = { 0 };
	ByteSpan body;

	InitMaterializedSRF(fcinfo, 0);
	buffer_init(&value, 1024);
	row_context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty customer", ALLOCSET_DEFAULT_SIZES);
	base_rewind(&cursor, base);
	old = MemoryContextSwitchTo(row_context);
	base_name_customer(&errors, base->type, &customer);
	while (base_next(&cursor, &customer, &body))
	{
		Datum values[2];
		bool nulls[2] = { false, false };

		CHECK_FOR_INTERRUPTS();
		datum_check_size(ROW_ROOM + customer.bytes.len + body.len, base->ops->body_type,
						 base->ops->size_hint);
		value.len = VARHDRSZ;
		buffer_put_bytes(&value, body.bytes, body.len);
		datum_set_size(value.data, value.len, base->ops->body_type, base->ops->size_hint);
		values[0] = customer_datum(base->type, customer);
		values[1] = PointerGetDatum(value.data);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		if (base->type == CUSTOMER_TEXT)
			MemoryContextReset(row_context);
	}
	base_forget_customer(&errors);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}

/* ---- order, equality and hash ---- */

/*
 * Two bases are equal where they hold the same: the same customers with equal
 * bodies, as many rows without customer, days of the same zone. Their bytes may
 * differ all the same: the number of parts tells how a base grew, and entries
 * stand in an order that means nothing. So a comparison sorts the customers, and
 * the hash adds up what each contributes.
 */

PG_FUNCTION_INFO_V1(loyalty_base_hash);
PG_FUNCTION_INFO_V1(loyalty_base_hash_extended);

typedef struct Entry
{
	Customer customer;
	ByteSpan body;
} Entry;

static int
compare_entries(const void *a, const void *b, void *type)
{
	return customer_compare(*(const CustomerType *) type, &((const Entry *) a)->customer,
							&((const Entry *) b)->customer);
}

/* All customers of a base in their own order. */
static Entry *
sorted_entries(const Base *base)
{
	int64 customers = base_count(base);
	Entry *entries = palloc_extended(Max(1, customers) * sizeof(Entry), MCXT_ALLOC_HUGE);
	CustomerType type = base->type;
	Entry entry = { 0 };
	BaseCursor cursor;
	int64 n = 0;

	base_hold(base);
	base_rewind(&cursor, base);
	while (base_next(&cursor, &entry.customer, &entry.body))
	{
		if (n == customers)
			report_corrupted();
		entries[n++] = entry;
	}
	if (n != customers)
		report_corrupted();
	qsort_interruptible(entries, n, sizeof(Entry), compare_entries, &type);
	return entries;
}

static int
compare_bases(const Base *a, const Base *b)
{
	int64 customers = base_count(a);
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
	if (collect_zone_is_named(a->zone_state))
		order = strcmp(a->zone, b->zone);
	if (order == 0)
		order = int64_compare(a->guests, b->guests);
	if (order == 0)
		order = int64_compare(customers, base_count(b));
	if (order != 0)
		return order;

	a_entries = sorted_entries(a);
	b_entries = sorted_entries(b);
	for (i = 0; i < customers && order == 0; i++)
	{
		order = customer_compare(a->type, &a_entries[i].customer, &b_entries[i].customer);
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
	if (collect_zone_is_named(base->zone_state))
		head = hash_combine64(head, hash_bytes_extended((const unsigned char *) base->zone,
														(int) strlen(base->zone), seed));
	return hash_combine64(head, sum);
}

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

COMPARISON_FUNCTIONS(loyalty_base, compare_arguments);

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
