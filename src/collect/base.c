/*
 * base.c
 *		Bases as expanded objects, and reading them.
 *
 * The object belongs to the collector's memory, that of the aggregate. It is
 * handed out read-only, so nobody moves or frees it before the aggregate's
 * state goes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "collect/base.h"

typedef struct ExpandedBase
{
	ExpandedObjectHeader header;
	Collector *collector;
	Base base;
} ExpandedBase;

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	const Collector *collector = ((ExpandedBase *) header)->collector;
	size_t size = flat_size(collector);

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
	const Collector *collector = ((ExpandedBase *) header)->collector;

	datum_set_size(result, allocated_size, collector->ops->name, FLAT_SIZE_HINT);
	flat_write(collector, (uint8 *) VARDATA(result));
}

static const ExpandedObjectMethods base_methods = { get_flat_size, flatten_into };

/* Opens a compacted collector as a base. */
static void
open_collector(Base *base, Collector *collector)
{
	int i;

	base->collector = collector;
	base->ops = collector->ops;
	base->type = collector->type;
	base->customers = 0;
	base->guests = collector->guests;
	base->zone_state = collector->zone_state;
	base->zone = collector->zone;
	base->nparts = collector->nparts;
	base->parts = MemoryContextAlloc(collector->context, collector->nparts * sizeof(CollectRun));
	for (i = 0; i < collector->nparts; i++)
	{
		base->parts[i] = collector_run(collector, i);
		base->customers += base->parts[i].customers;
	}
}

/*
 * The datum is a copy of the short pointer to the object, made in the current
 * context: PostgreSQL 15 flattens what a final function returns from elsewhere.
 */
Datum
base_from_collector(Collector *collector)
{
	ExpandedBase *expanded = MemoryContextAlloc(collector->context, sizeof(ExpandedBase));
	void *pointer;

	EOH_init_header(&expanded->header, &base_methods, collector->context);
	collector_compact(collector);
	expanded->collector = collector;
	open_collector(&expanded->base, collector);
	pointer = palloc(EXPANDED_POINTER_SIZE);
	memcpy(pointer, DatumGetPointer(EOHPGetRODatum(&expanded->header)), EXPANDED_POINTER_SIZE);
	return PointerGetDatum(pointer);
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
	open_collector(base, flat_read(flat));
	return base;
}

const Base *
base_in_order(const Base *base)
{
	Base *ordered;

	if (!base->collector->foreign_order)
		return base;
	ordered = palloc(sizeof(Base));
	open_collector(ordered, collector_in_order(base->collector));
	return ordered;
}

void
base_rewind(BaseCursor *cursor, const Base *base)
{
	cursor->base = base;
	cursor->part = -1;
	cursor->at = cursor->end = NULL;
}

static void
add_customer(void *arg)
{
	const BaseErrors *errors = arg;
	const Customer *customer = errors->customer;
	char number[MAXINT8LEN + 1];
	const char *text = number;
	int len;

	switch (errors->type)
	{
		case CUSTOMER_BIGINT:
			len = pg_lltoa(customer->number, number);
			break;
		case CUSTOMER_UUID:
			text = DatumGetCString(
				DirectFunctionCall1(uuid_out, PointerGetDatum(customer->bytes.bytes)));
			len = (int) strlen(text);
			break;
		default: /* CUSTOMER_TEXT */
			text = (const char *) customer->bytes.bytes;
			len = (int) customer->bytes.len;
			break;
	}
	errcontext("customer %.*s", len, text);
}

void
base_name_customer(BaseErrors *errors, CustomerType type, const Customer *customer)
{
	errors->type = type;
	errors->customer = customer;
	errors->callback.callback = add_customer;
	errors->callback.arg = errors;
	errors->callback.previous = error_context_stack;
	error_context_stack = &errors->callback;
}

void
base_forget_customer(BaseErrors *errors)
{
	error_context_stack = errors->callback.previous;
}

void
base_fold(const Base *base, void (*add)(void *fold, ByteSpan body), void *fold)
{
	BaseErrors errors;
	BaseCursor cursor;
	Customer customer = { 0 };
	ByteSpan body;

	base_rewind(&cursor, base);
	base_name_customer(&errors, base->type, &customer);
	while (base_next(&cursor, &customer, &body))
	{
		add(fold, body);
		CHECK_FOR_INTERRUPTS();
	}
	base_forget_customer(&errors);
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

		base_fold(base, note_last, &event);
		collector->last = event.last;
		collector->last_unknown = false;
	}
	*last = collector->last;
	return *last != PG_INT64_MIN;
}

bool
base_next_part(BaseCursor *cursor)
{
	while (++cursor->part < cursor->base->nparts)
	{
		ByteSpan entries = cursor->base->parts[cursor->part].entries;

		if (entries.len > 0)
		{
			CHECK_FOR_INTERRUPTS();
			cursor->at = entries.bytes;
			cursor->end = entries.bytes + entries.len;
			return true;
		}
	}
	return false;
}
