/*
 * flat.c
 *		A compacted collector as bytes: what a worker hands over, and what a base
 *		is in a table.
 *
 *		byte	version
 *		byte	id of what is collected (CollectOps)
 *		byte	type of the customers
 *		byte	flags: FLAT_MANY_PARTS if there are COLLECT_PARTS parts, else one;
 *				FLAT_IN_ORDER if entries go by the hashes of a key;
 *				FLAT_HAS_LAST if it is known when the last event is
 *		byte	state of the zone (CollectZone)
 *		varint	length of the zone's name, name		(if the zone is known)
 *		varint	rows without customer
 *		8 bytes	fingerprint of the key						(if entries go by it)
 *		signed	the last event, as CollectOps.last has it	(if that is known)
 *		part*	varint customers, varint bytes, entries
 *
 * What goes to clients has one part, and customers in their own order, bigints by number, the
 * others by bytes: equal bases are equal there on every server, and nobody learns the order of
 * hashes from it.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "collect/base.h"
#include "calendar/calendar.h"
#include "core/hash_key.h"
#include "core/sort.h"

#define FLAT_VERSION	1
#define FLAT_MANY_PARTS 1
#define FLAT_IN_ORDER	2
#define FLAT_HAS_LAST	4

int max_flat_size;

static void
put_header(ByteBuffer *out, const Collector *collector, uint8 flags)
{
	buffer_put_byte(out, FLAT_VERSION);
	buffer_put_byte(out, collector->ops->id);
	buffer_put_byte(out, (uint8) collector->type);
	buffer_put_byte(out, flags);
	buffer_put_byte(out, (uint8) collector->zone_state);
	if (collector->zone_state == ZONE_KNOWN)
	{
		buffer_put_varint(out, strlen(collector->zone));
		buffer_put_bytes(out, collector->zone, strlen(collector->zone));
	}
	buffer_put_varint(out, (uint64) collector->guests);
	if (flags & FLAT_IN_ORDER)
		buffer_put_bytes(out, &hash_secret.fingerprint, sizeof(uint64));
	if (flags & FLAT_HAS_LAST)
		buffer_put_signed(out, collector->last);
}

static uint8
flags_of(const Collector *collector)
{
	Assert(!collector->foreign_order);
	return FLAT_IN_ORDER | (collector->nparts > 1 ? FLAT_MANY_PARTS : 0) |
		   (collector->last_unknown ? 0 : FLAT_HAS_LAST);
}

size_t
flat_size(const Collector *collector)
{
	ByteBuffer header;
	size_t size;
	int i;

	buffer_init(&header, 64);
	put_header(&header, collector, flags_of(collector));
	size = header.len;
	pfree(header.data);
	for (i = 0; i < collector->nparts; i++)
	{
		CollectRun run = collector_run(collector, i);

		size += varint_length((uint64) run.customers) + varint_length(run.entries.len) +
				run.entries.len;
	}
	return size;
}

void
flat_write(const Collector *collector, uint8 *to)
{
	ByteBuffer header;
	int i;

	buffer_init(&header, 64);
	put_header(&header, collector, flags_of(collector));
	memcpy(to, header.data, header.len);
	to += header.len;
	pfree(header.data);
	for (i = 0; i < collector->nparts; i++)
	{
		CollectRun run = collector_run(collector, i);

		to = varint_write(to, (uint64) run.customers);
		to = varint_write(to, run.entries.len);
		if (run.entries.len > 0)
			memcpy(to, run.entries.bytes, run.entries.len);
		to += run.entries.len;
	}
}

/*
 * Reads the header into a new collector without runs; false where it isn't one.
 * The zone is taken by its name, so that it lives as long as the backend.
 */
static bool
read_header(ByteReader *in, Collector **result)
{
	uint8 version;
	uint8 id;
	uint8 type;
	uint8 flags;
	uint8 zone_state;
	uint64 guests;
	int64 last = PG_INT64_MIN;
	const char *zone = NULL;
	const uint8 *fingerprint = NULL;
	const CollectOps *ops;
	Collector *collector;

	if (!read_byte(in, &version) || version != FLAT_VERSION || !read_byte(in, &id) ||
		!read_byte(in, &type) || !read_byte(in, &flags) || !read_byte(in, &zone_state))
		return false;
	ops = collect_ops(id);
	if (ops == NULL || type < CUSTOMER_BIGINT || type > CUSTOMER_TEXT ||
		(flags & ~(FLAT_MANY_PARTS | FLAT_IN_ORDER | FLAT_HAS_LAST)) != 0 ||
		zone_state > ZONE_MIXED)
		return false;
	if (zone_state == ZONE_KNOWN)
	{
		uint64 len;
		const uint8 *name;

		if (!read_varint(in, &len) || len > TZ_STRLEN_MAX || !read_bytes(in, len, &name))
			return false;
		zone = zone_name(zone_by_name((const char *) name, len));
	}
	if (!read_varint(in, &guests) || guests > PG_INT64_MAX)
		return false;
	if ((flags & FLAT_IN_ORDER) && !read_bytes(in, sizeof(uint64), &fingerprint))
		return false;
	if ((flags & FLAT_HAS_LAST) && !read_signed(in, &last))
		return false;

	collector = collector_create(CurrentMemoryContext, ops, (CustomerType) type, true);
	collector->guests = (int64) guests;
	collector->last = last;
	collector->last_unknown = (flags & FLAT_HAS_LAST) == 0;
	collector->zone_state = (CollectZone) zone_state;
	collector->zone = zone;
	if (flags & FLAT_MANY_PARTS)
		collector_split(collector);
	collector->foreign_order =
		fingerprint == NULL || memcmp(fingerprint, &hash_secret.fingerprint, sizeof(uint64)) != 0;
	*result = collector;
	return true;
}

Collector *
flat_read(ByteSpan flat)
{
	ByteReader in = { flat.bytes, flat.bytes + flat.len };
	Collector *collector;
	int i;

	if (!read_header(&in, &collector))
		report_corrupted();
	for (i = 0; i < collector->nparts; i++)
	{
		uint64 customers;
		uint64 len;
		CollectRun run;

		if (!read_varint(&in, &customers) || !read_varint(&in, &len) ||
			!read_bytes(&in, len, &run.entries.bytes) || customers > len)
			report_corrupted();
		run.entries.len = len;
		run.customers = (int64) customers;
		if (customers > 0)
			collector_push_run(collector, i, run);
	}
	if (in.at != in.end)
		report_corrupted();
	return collector;
}

/* Reads one entry; false where it isn't one. */
static bool
read_entry(ByteReader *in, const Collector *collector, Customer *customer, ByteSpan *body)
{
	uint64 len = 16;

	if (collector->type == CUSTOMER_BIGINT)
	{
		if (!read_signed(in, &customer->number))
			return false;
	}
	else
	{
		if (collector->type == CUSTOMER_TEXT && !read_varint(in, &len))
			return false;
		if (!read_bytes(in, len, &customer->bytes.bytes))
			return false;
		customer->bytes.len = len;
		if (collector->type == CUSTOMER_TEXT &&
			!pg_verifymbstr((const char *) customer->bytes.bytes, (int) len, true))
			return false;
	}
	if (!read_varint(in, &len) || !read_bytes(in, len, &body->bytes))
		return false;
	body->len = len;
	return collector->ops->valid(body->bytes, body->len);
}

/*
 * Collecting anew, rather than taking the bytes as they are, makes duplicate
 * customers one and puts each into the part that this server's hash gives.
 */
Collector *
flat_read_foreign(ByteSpan flat, uint8 ops_id, CustomerType type)
{
	ByteReader in = { flat.bytes, flat.bytes + flat.len };
	Collector *header;
	Collector *collector;
	int i;

	if (!read_header(&in, &header) || header->ops->id != ops_id ||
		(type != 0 && header->type != type))
		return NULL;
	collector = collector_create(CurrentMemoryContext, header->ops, header->type, true);
	collector->guests = header->guests;
	collector->last_unknown = true;
	collector_note_zone(collector, header->zone_state, header->zone);

	for (i = 0; i < header->nparts; i++)
	{
		uint64 customers;
		uint64 len;
		uint64 n;
		const uint8 *bytes;
		ByteReader part;

		if (!read_varint(&in, &customers) || !read_varint(&in, &len) ||
			!read_bytes(&in, len, &bytes))
			return NULL;
		part.at = bytes;
		part.end = bytes + len;
		for (n = 0; n < customers; n++)
		{
			Customer customer = { 0 };
			ByteSpan body;

			if (!read_entry(&part, collector, &customer, &body))
				return NULL;
			collector_add_body(collector, customer, body);
			if (n % 4096 == 0)
				CHECK_FOR_INTERRUPTS();
		}
		if (part.at != part.end)
			return NULL;
	}
	if (in.at != in.end)
		return NULL;
	return collector;
}

/* ---- for clients ---- */

/* An entry, and whose it is. */
typedef struct FlatEntry
{
	Customer customer;
	ByteSpan bytes;
} FlatEntry;

static int
compare_numbers(const void *left, const void *right)
{
	int64 a = ((const FlatEntry *) left)->customer.number;
	int64 b = ((const FlatEntry *) right)->customer.number;

	return (a > b) - (a < b);
}

static int
compare_bytes(const void *left, const void *right)
{
	const ByteSpan *a = &((const FlatEntry *) left)->customer.bytes;
	const ByteSpan *b = &((const FlatEntry *) right)->customer.bytes;
	int order = memcmp(a->bytes, b->bytes, Min(a->len, b->len));

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

void
flat_put_for_client(ByteBuffer *out, ByteSpan flat)
{
	Collector *collector = flat_read(flat);
	int64 customers = 0;
	size_t size = 0;
	FlatEntry *entries;
	int64 n = 0;
	int i;

	for (i = 0; i < collector->nparts; i++)
	{
		customers += collector_run(collector, i).customers;
		size += collector_run(collector, i).entries.len;
	}
	entries = palloc_extended(Max(customers, 1) * sizeof(FlatEntry), MCXT_ALLOC_HUGE);
	for (i = 0; i < collector->nparts; i++)
	{
		CollectRun run = collector_run(collector, i);
		const uint8 *at = run.entries.bytes;
		const uint8 *end = at + run.entries.len;

		while (at < end)
		{
			ByteSpan body;

			if (n == customers)
				report_corrupted();
			CHECK_FOR_INTERRUPTS();
			entries[n].bytes.bytes = at;
			entry_next(&at, end, collector->type, &entries[n].customer, &body);
			entries[n].bytes.len = at - entries[n].bytes.bytes;
			n++;
		}
	}
	if (n != customers)
		report_corrupted();
	sort_elements(entries, customers, sizeof(FlatEntry),
				  collector->type == CUSTOMER_BIGINT ? compare_numbers : compare_bytes);
	put_header(out, collector, 0);
	buffer_put_varint(out, (uint64) customers);
	buffer_put_varint(out, size);
	buffer_reserve(out, size);
	for (n = 0; n < customers; n++)
	{
		CHECK_FOR_INTERRUPTS();
		buffer_put_bytes(out, entries[n].bytes.bytes, entries[n].bytes.len);
	}
	pfree(entries);
}
