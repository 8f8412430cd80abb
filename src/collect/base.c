/*
 * base.c
 *		Bases: as expanded objects, as bytes, and reading them.
 *
 * The object belongs to the collector's memory, that of the aggregate. It is
 * handed out read-only, so nobody moves or frees it before the aggregate's
 * state goes.
 *
 * A collector as bytes is what a worker hands over, and what a base is in a table:
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
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "calendar/calendar.h"
#include "collect/collect_internal.h"
#include "core/hash_key.h"

#define FLAT_VERSION	1
#define FLAT_MANY_PARTS 1
#define FLAT_IN_ORDER	2
#define FLAT_HAS_LAST	4

int max_flat_size;

/* ---- bytes ---- */

static void
put_header(ByteBuffer *out, const Collector *collector, uint8 flags)
{
	buffer_put_byte(out, FLAT_VERSION);
	buffer_put_byte(out, collector->ops->id);
	buffer_put_byte(out, (uint8) collector->type);
	buffer_put_byte(out, flags);
	buffer_put_byte(out, (uint8) collector->zone_state);
	if (collect_zone_is_named(collector->zone_state))
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
	return FLAT_IN_ORDER | (collector->deal.nparts > 1 ? FLAT_MANY_PARTS : 0) |
		   (collector->last_unknown ? 0 : FLAT_HAS_LAST);
}

/* What a part begins with. */
typedef struct PartHead
{
	uint64 customers;
	uint64 len;
} PartHead;

static PartHead
head_of(const CollectRun *run)
{
	PartHead head = { 0, 0 };

	if (run != NULL)
	{
		head.customers = (uint64) run->customers;
		head.len = run_bytes(run);
	}
	return head;
}

size_t
flat_size(Collector *collector)
{
	ByteBuffer header;
	size_t size;
	int i;

	buffer_init(&header, 64);
	put_header(&header, collector, flags_of(collector));
	size = header.len;
	pfree(header.data);
	for (i = 0; i < collector->deal.nparts; i++)
	{
		PartHead head = head_of(collector_read_part(collector, i));

		size += varint_length(head.customers) + varint_length(head.len) + head.len;
	}
	return size;
}

/* Writes a run's entries; returns the byte after. */
static uint8 *
write_run(Collector *collector, const CollectRun *run, uint8 *to)
{
	RunReader reader = { 0 };
	ByteSpan stretch;

	run_open(&reader, collector, run);
	while (run_next(&reader, &stretch))
	{
		memcpy(to, stretch.bytes, stretch.len);
		to += stretch.len;
	}
	run_close(&reader);
	return to;
}

void
flat_write(Collector *collector, uint8 *to)
{
	ByteBuffer header;
	int i;

	buffer_init(&header, 64);
	put_header(&header, collector, flags_of(collector));
	memcpy(to, header.data, header.len);
	to += header.len;
	pfree(header.data);
	for (i = 0; i < collector->deal.nparts; i++)
	{
		const CollectRun *run = collector_read_part(collector, i);
		PartHead head = head_of(run);

		to = varint_write(to, head.customers);
		to = varint_write(to, head.len);
		if (run != NULL)
			to = write_run(collector, run, to);
	}
}

size_t
flat_put(Collector *collector, ByteBuffer *out, size_t max)
{
	size_t start = out->len;
	size_t left_out = 0;
	ByteBuffer part;
	int i;

	buffer_init(&part, 1024);
	put_header(out, collector, flags_of(collector));
	for (i = 0; i < collector->deal.nparts; i++)
	{
		DealPart *raw = &collector->deal.parts[i];
		const CollectRun *run = NULL;
		PartHead head;

		if (deal_rows_of(raw) > 0 && raw->written == NULL)
		{
			part.len = 0;
			deal_settle(raw);
			head.customers = (uint64) group_part(collector, i, 0, NULL, &part);
			head.len = part.len;
		}
		else
		{
			run = collector_read_part(collector, i);
			head = head_of(run);
		}
		if (out->len - start + head.len + left_out > max)
		{
			left_out += head.len;
			continue;
		}
		buffer_put_varint(out, head.customers);
		buffer_put_varint(out, head.len);
		buffer_reserve(out, head.len);
		if (run != NULL)
			write_run(collector, run, out->data + out->len);
		else
			memcpy(out->data + out->len, part.data, head.len);
		out->len += head.len;
	}
	pfree(part.data);
	return out->len - start + left_out;
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
		zone_state > ZONE_DAYS || (zone_state == ZONE_DAYS && ops->move_days == NULL))
		return false;
	if (collect_zone_is_named((CollectZone) zone_state))
	{
		uint64 len;
		const uint8 *name;

		if (!read_varint(in, &len) || len > TZ_STRLEN_MAX || !read_bytes(in, len, &name))
			return false;
		zone = zone_name(zone_noted((const char *) name, len));
	}
	if (!read_varint(in, &guests) || guests > PG_INT64_MAX)
		return false;
	if ((flags & FLAT_IN_ORDER) && !read_bytes(in, sizeof(uint64), &fingerprint))
		return false;
	if ((flags & FLAT_HAS_LAST) && !read_signed(in, &last))
		return false;

	collector = collector_create(CurrentMemoryContext, ops, (CustomerType) type, NULL);
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
	for (i = 0; i < collector->deal.nparts; i++)
	{
		uint64 customers;
		uint64 len;
		ByteSpan entries;

		if (!read_varint(&in, &customers) || !read_varint(&in, &len) ||
			!read_bytes(&in, len, &entries.bytes) || customers > len)
			report_corrupted();
		entries.len = len;
		if (customers > 0)
			collector_push_flat(collector, i, entries, (int64) customers);
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
	collector = collector_create(CurrentMemoryContext, header->ops, header->type, NULL);
	collector->guests = header->guests;
	collector->last_unknown = true;
	collector_note_zone(collector, header->zone_state, header->zone);

	for (i = 0; i < header->deal.nparts; i++)
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
compare_flat_entries(const void *a, const void *b, void *type)
{
	return customer_compare(*(const CustomerType *) type, &((const FlatEntry *) a)->customer,
							&((const FlatEntry *) b)->customer);
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

	for (i = 0; i < collector->deal.nparts; i++)
	{
		PartHead head = head_of(collector_part(collector, i));

		customers += (int64) head.customers;
		size += head.len;
	}
	entries = palloc_extended(Max(customers, 1) * sizeof(FlatEntry), MCXT_ALLOC_HUGE);
	for (i = 0; i < collector->deal.nparts; i++)
	{
		const CollectRun *run = collector_part(collector, i);
		const uint8 *at = run != NULL ? run->flat.bytes : NULL;
		const uint8 *end = run != NULL ? at + run->flat.len : NULL;

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
	qsort_interruptible(entries, customers, sizeof(FlatEntry), compare_flat_entries,
						&collector->type);
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

/* ---- expanded objects ---- */

typedef struct ExpandedBase
{
	ExpandedObjectHeader header;
	Base base;
} ExpandedBase;

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	const Base *base = &((ExpandedBase *) header)->base;
	Collector *collector = base->collector;
	size_t size;

	if (base->end_part - base->first_part < collector->deal.nparts)
		elog(ERROR, "a part of a base is not to be a value");
	size = flat_size(collector);
	if (size > (size_t) max_flat_size * 1024)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("collected %s of %zu kB is too large to be a single value",
					collector->ops->name, (size + 1023) / 1024),
			 errdetail("The limit is %d kB (loyalty.max_flat_size).", max_flat_size),
			 errhint("Pass it on in memory: FROM (SELECT collector AS b ...) q CROSS JOIN LATERAL "
					 "f(q.b). Or aggregate with GROUP BY customer, or split by customer.")));
	return VARHDRSZ + size;
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	Collector *collector = ((ExpandedBase *) header)->base.collector;

	datum_set_size(result, allocated_size, collector->ops->name, FLAT_SIZE_HINT);
	flat_write(collector, (uint8 *) VARDATA(result));
}

static const ExpandedObjectMethods base_methods = { get_flat_size, flatten_into };

void
base_of_collector(Base *base, Collector *collector)
{
	base->collector = collector;
	base->ops = collector->ops;
	base->type = collector->type;
	base->guests = collector->guests;
	base->zone_state = collector->zone_state;
	base->zone = collector->zone;
	base->first_part = 0;
	base->end_part = collector->deal.nparts;
}

void
base_of_part(Base *base, Collector *collector, int part)
{
	base_of_collector(base, collector);
	base->first_part = part;
	base->end_part = part + 1;
}

/*
 * The datum is a copy of the short pointer to the object, made in the current
 * context: PostgreSQL 15 flattens what a final function returns from elsewhere.
 */
static Datum
expanded_datum(const Base *base)
{
	MemoryContext context = base->collector->context;
	ExpandedBase *expanded = MemoryContextAlloc(context, sizeof(ExpandedBase));
	void *pointer;

	EOH_init_header(&expanded->header, &base_methods, context);
	expanded->base = *base;
	pointer = palloc(EXPANDED_POINTER_SIZE);
	memcpy(pointer, DatumGetPointer(EOHPGetRODatum(&expanded->header)), EXPANDED_POINTER_SIZE);
	return PointerGetDatum(pointer);
}

Datum
base_from_collector(Collector *collector)
{
	Base base;

	base_of_collector(&base, collector);
	return expanded_datum(&base);
}

Datum
base_from_part(Collector *collector, int part)
{
	Base base;

	base_of_part(&base, collector, part);
	return expanded_datum(&base);
}

const Base *
base_open(Datum datum)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(datum);
	ByteSpan flat;
	Base *base;

	if (VARATT_IS_EXTERNAL_EXPANDED(value))
	{
		ExpandedObjectHeader *header = DatumGetEOHP(datum);

		if (header->eoh_methods == &base_methods)
			return &((ExpandedBase *) header)->base;
	}
	value = pg_detoast_datum_packed(value);
	flat.bytes = (const uint8 *) VARDATA_ANY(value);
	flat.len = VARSIZE_ANY_EXHDR(value);
	base = palloc(sizeof(Base));
	base_of_collector(base, flat_read(flat));
	return base;
}

/* The same base with customers in the order of this server's hashes, which one from before
 * pg_upgrade isn't in. */
static const Base *
base_in_order(const Base *base)
{
	Base *ordered;

	if (!base->collector->foreign_order)
		return base;
	ordered = palloc(sizeof(Base));
	base_of_collector(ordered, collector_in_order(base->collector));
	return ordered;
}

/* ---- reading ---- */

int64
base_count(const Base *base)
{
	int64 customers = 0;
	int i;

	for (i = base->first_part; i < base->end_part; i++)
	{
		const CollectRun *run = collector_read_part(base->collector, i);

		customers += run != NULL ? run->customers : 0;
	}
	return customers;
}

void
base_hold(const Base *base)
{
	int i;

	for (i = base->first_part; i < base->end_part; i++)
		collector_hold_part(base->collector, i);
}

void
base_rewind(BaseCursor *cursor, const Base *base)
{
	memset(cursor, 0, sizeof(BaseCursor));
	cursor->base = base;
	cursor->part = base->first_part - 1;
	cursor->reader = palloc0(sizeof(RunReader));
	run_open(cursor->reader, base->collector, NULL);
}

void
base_close(BaseCursor *cursor)
{
	run_close(cursor->reader);
	pfree(cursor->reader);
	cursor->reader = NULL;
}

void
base_fold(const Base *base, ZoneDays *zone, void (*add)(void *fold, ByteSpan body), void *fold)
{
	Customer customer = { 0 };

	base_fold_at(base, zone, add, fold, &customer);
}

void
base_fold_at(const Base *base, ZoneDays *zone, void (*add)(void *fold, ByteSpan body), void *fold,
			 Customer *customer)
{
	BaseErrors errors;
	BaseCursor cursor;
	ZoneDays *of_days = NULL; /* the zone to move days from */
	ByteBuffer moved;
	ByteSpan body;

	if (base->zone_state == ZONE_DAYS && zone != NULL && strcmp(base->zone, zone_name(zone)) != 0)
	{
		of_days = zone_noted(base->zone, strlen(base->zone));
		buffer_init(&moved, 1024);
	}
	base_rewind(&cursor, base);
	base_name_customer(&errors, base->type, customer);
	while (base_next(&cursor, customer, &body))
	{
		if (of_days != NULL)
		{
			moved.len = 0;
			base->ops->move_days(&moved, body, of_days, zone);
			body.bytes = moved.data;
			body.len = moved.len;
		}
		add(fold, body);
		CHECK_FOR_INTERRUPTS();
	}
	base_forget_customer(&errors);
	base_close(&cursor);
	if (of_days != NULL)
		pfree(moved.data);
}

typedef struct LastEvent
{
	const CollectOps *ops;
	int64 last;
} LastEvent;

static void
note_last(void *opaque, ByteSpan body)
{
	LastEvent *event = opaque;

	event->last = Max(event->last, event->ops->last(body));
}

bool
base_last(const Base *base, int64 *last)
{
	Collector *collector = base->collector;

	if (collector->last_unknown)
	{
		LastEvent event = { base->ops, PG_INT64_MIN };

		base_fold(base, NULL, note_last, &event);
		collector->last = event.last;
		collector->last_unknown = false;
	}
	*last = collector->last;
	return *last != PG_INT64_MIN;
}

bool
base_next_stretch(BaseCursor *cursor)
{
	Collector *collector = cursor->base->collector;
	ByteSpan stretch;

	while (cursor->reader->run == NULL || !run_next(cursor->reader, &stretch))
	{
		if (++cursor->part >= cursor->base->end_part)
		{
			cursor->part = cursor->base->end_part - 1;
			cursor->reader->run = NULL;
			return false;
		}
		run_open(cursor->reader, collector, collector_read_part(collector, cursor->part));
	}
	cursor->at = stretch.bytes;
	cursor->end = stretch.bytes + stretch.len;
	return true;
}

/* ---- two side by side ---- */

/*
 * A base's runs are in the order of its customers' hashes, and its parts are told apart by
 * the top bits of them: all of it is in one order, whatever the number of parts. So two bases
 * are merged as streams, without a table.
 */

static void
advance(BaseSide *side, CustomerType type)
{
	side->at_end = !base_next(&side->cursor, &side->customer, &side->body);
	if (!side->at_end)
		side->hash = customer_hash(type, side->customer);
}

void
base_join_open(BaseJoin *join, const Base *first, const Base *second)
{
	int i;

	Assert(first->type == second->type);
	memset(join, 0, sizeof(BaseJoin));
	join->type = first->type;
	base_rewind(&join->sides[0].cursor, base_in_order(first));
	base_rewind(&join->sides[1].cursor, base_in_order(second));
	for (i = 0; i < 2; i++)
		advance(&join->sides[i], join->type);
}

void
base_join_close(BaseJoin *join)
{
	base_close(&join->sides[0].cursor);
	base_close(&join->sides[1].cursor);
}

/* Does a side stand at a customer whom the other one doesn't have? */
static bool
is_alone(const BaseSide *side, const BaseSide *other, CustomerType type)
{
	return !side->at_end && (other->at_end || customer_before(type, side->hash, &side->customer,
															  other->hash, &other->customer));
}

bool
base_join_next(BaseJoin *join, ByteSpan *first, ByteSpan *second)
{
	BaseSide *a = &join->sides[0];
	BaseSide *b = &join->sides[1];
	bool only_a = is_alone(a, b, join->type);
	bool only_b = is_alone(b, a, join->type);
	ByteSpan none = { NULL, 0 };

	if (a->at_end && b->at_end)
		return false;
	*first = only_b ? none : a->body;
	*second = only_a ? none : b->body;
	join->customer = only_b ? b->customer : a->customer;
	if (!only_b)
		advance(a, join->type);
	if (!only_a)
		advance(b, join->type);
	return true;
}
