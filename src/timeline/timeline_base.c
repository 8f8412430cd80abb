/*
 * timeline_base.c
 *		The collector timelines(customer, ...), and the base that it makes.
 *
 * The forms of what follows the customer times the six types of customers
 * are one function, inlined for each.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "collect/collect.h"
#include "core/decimal.h"
#include "core/soft_input.h"
#include "timeline/timeline_internal.h"

PG_FUNCTION_INFO_V1(loyalty_timelines_any);
PG_FUNCTION_INFO_V1(loyalty_timelines_any_zone);

static void
merge_rows(ByteBuffer *out, const ByteSpan *bodies, int nbodies, void *rows, int nrows,
		   const Texts *texts)
{
	timeline_merge_bodies(out, bodies, nbodies, (TimelineRow *) rows, nrows, texts);
}

/* The last instant. */
static int64
last_of(ByteSpan body)
{
	TimestampTz at;

	return timeline_last_instant(body, &at) ? at : PG_INT64_MIN;
}

static void
move_event(Event *event, ZoneDays *from, ZoneDays *to)
{
	TimestampTz last = event_last_instant(event);

	event->at = zone_day_start(to, zone_day(from, event->at));
	if (event->has_span && event->until != DT_NOEND)
		event->until = zone_day_start(to, zone_day(from, last) + 1);
}

static void
move_days(ByteBuffer *out, ByteSpan body, ZoneDays *from, ZoneDays *to)
{
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	Event *events;
	int64 count = 0;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	events = timeline_alloc(reader.count, sizeof(Event));
	while (timeline_next(&reader, &events[count]))
	{
		move_event(&events[count++], from, to);
		CHECK_FOR_INTERRUPTS();
	}
	timeline_encode(out, events, count, reader.scale);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	pfree(events);
}

static void
hand_texts(ByteSpan body, CollectTextTaker take, void *taker)
{
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	int i;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	for (i = 0; i < reader.nkinds; i++)
		take(taker, false, &reader.kinds[i]);
	for (i = 0; i < reader.nlabels; i++)
		take(taker, true, &reader.labels[i]);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
}

static const RowForm row_forms[2][2];

const CollectOps timeline_collect_ops = {
	.id = TIMELINE_OPS_ID,
	.name = "timeline_base",
	.body_type = "event_timeline",
	.size_hint = TIMELINE_SIZE_HINT,
	.row_size = sizeof(TimelineRow),
	.nforms = 4,
	.forms = &row_forms[0][0],
	.merge = merge_rows,
	.valid = timeline_body_valid,
	.last = last_of,
	.move_days = move_days,
	.texts = hand_texts,
	.compare = timeline_compare_bodies,
	.hash = timeline_hash_body,
};

/* ---- the collector ---- */

/*
 * How a row is kept until its group is made:
 *
 *		scale	byte, 0: there is no value, else 1 and that; DEAL_SHORT: units take 4 bytes	(values)
 *		instant	8 bytes
 *		kind	4 bytes																	(kinds)
 *		units	8 bytes, or 4																(values)
 */
#define KEPT_SIZE(has_value, has_kind, units_size) \
	(((has_value) ? 1 : 0) + sizeof(TimestampTz) + ((has_kind) ? sizeof(uint32) : 0) + (units_size))
#define SHORT_BY (sizeof(int64) - sizeof(int32))

static pg_attribute_always_inline void
keep_row(uint8 *to, const TimelineRow *row, bool has_value, bool has_kind, bool is_short)
{
	StaticAssertStmt(TIMELINE_NO_VALUE == -1 && DECIMAL_MAX_SCALE + 1 < DEAL_SHORT,
					 "a scale takes 7 bits");
	if (has_value)
		*to++ = (uint8) ((row->scale + 1) | (is_short ? DEAL_SHORT : 0));
	memcpy(to, &row->at, sizeof(row->at));
	to += sizeof(row->at);
	if (has_kind)
	{
		memcpy(to, &row->kind, sizeof(row->kind));
		to += sizeof(row->kind);
	}
	if (has_value && is_short)
	{
		int32 units = (int32) row->value;

		memcpy(to, &units, sizeof(units));
	}
	else if (has_value)
		memcpy(to, &row->value, sizeof(row->value));
}

static pg_attribute_always_inline void
expand_rows(TimelineRow *rows, const uint8 *from, size_t stride, int n, bool has_value,
			bool has_kind)
{
	int i;

	for (i = 0; i < n; i++, from += stride)
	{
		TimelineRow *row = &rows[i];
		const uint8 *at = from + (has_value ? 1 : 0);
		int32 units;

		memcpy(&row->at, at, sizeof(row->at));
		at += sizeof(row->at);
		row->kind = 0;
		if (has_kind)
		{
			memcpy(&row->kind, at, sizeof(row->kind));
			at += sizeof(row->kind);
		}
		row->scale = has_value ? (*from & ~DEAL_SHORT) - 1 : TIMELINE_NO_VALUE;
		row->value = 0;
		if (has_value && (*from & DEAL_SHORT))
		{
			memcpy(&units, at, sizeof(units));
			row->value = units;
		}
		else if (has_value)
			memcpy(&row->value, at, sizeof(row->value));
	}
}

static void
expand_instants(void *rows, const uint8 *from, size_t stride, int n)
{
	expand_rows(rows, from, stride, n, false, false);
}

static void
expand_values(void *rows, const uint8 *from, size_t stride, int n)
{
	expand_rows(rows, from, stride, n, true, false);
}

static void
expand_kinds(void *rows, const uint8 *from, size_t stride, int n)
{
	expand_rows(rows, from, stride, n, false, true);
}

static void
expand_both(void *rows, const uint8 *from, size_t stride, int n)
{
	expand_rows(rows, from, stride, n, true, true);
}

static pg_attribute_always_inline void
renumber(uint8 *row, const uint32 *numbers, bool has_value)
{
	uint8 *at = row + (has_value ? 1 : 0) + sizeof(TimestampTz);
	uint32 kind;

	memcpy(&kind, at, sizeof(kind));
	if (kind == 0)
		return;
	kind = numbers[kind - 1];
	memcpy(at, &kind, sizeof(kind));
}

static void
renumber_kind(uint8 *row, const uint32 *numbers)
{
	renumber(row, numbers, false);
}

static void
renumber_kind_of_value(uint8 *row, const uint32 *numbers)
{
	renumber(row, numbers, true);
}

/* By whether there are values, and kinds. */
static const RowForm row_forms[2][2] = {
	{ { .size = KEPT_SIZE(false, false, 0), .expand = expand_instants },
	  { .size = KEPT_SIZE(false, true, 0), .expand = expand_kinds, .renumber = renumber_kind } },
	{ { .size = KEPT_SIZE(true, false, sizeof(int64)),
		.short_by = SHORT_BY,
		.expand = expand_values },
	  { .size = KEPT_SIZE(true, true, sizeof(int64)),
		.short_by = SHORT_BY,
		.expand = expand_both,
		.renumber = renumber_kind_of_value } },
};

static pg_attribute_always_inline void
place_row(Collector *state, CustomerType type, Customer customer, const TimelineRow *row,
		  bool has_value, bool has_kind)
{
	bool is_short = (int32) row->value == row->value;
	size_t units_size = is_short ? sizeof(int32) : sizeof(int64);
	size_t size = KEPT_SIZE(has_value, has_kind, has_value ? units_size : 0);

	keep_row(collector_place_row(state, type, customer, (uint32) size), row, has_value, has_kind,
			 is_short);
}

typedef enum TimelineArgument
{
	ARGUMENT_AT,
	ARGUMENT_VALUE,
	ARGUMENT_KIND,
	ARGUMENT_EVENT,
	ARGUMENT_TIMELINE
} TimelineArgument;

static uint32
number_kind(Collector *state, EventText kind)
{
	ByteSpan bytes = { (const uint8 *) kind.bytes, (size_t) kind.len };

	if (state->texts == NULL)
		state->texts = texts_create(state->context);
	return texts_number(state->texts, bytes);
}

/* The row that an instant and a value, if there is one, make: a call's arguments behind the
 * customer. */
static pg_attribute_always_inline TimelineRow
read_row(const NullableDatum *args, Decimal (*read_value)(Datum))
{
	TimelineRow row = { .at = TIMELINE_NO_EVENT, .value = 0, .scale = TIMELINE_NO_VALUE };

	if (args[0].isnull)
		return row;
	row.at = DatumGetTimestampTz(args[0].value);
	timeline_check_instant(row.at);
	if (read_value != NULL && !args[1].isnull)
	{
		Decimal value = read_value(args[1].value);

		row.value = value.units;
		row.scale = value.scale;
	}
	return row;
}

static pg_attribute_always_inline void
add_row(Collector *state, const NullableDatum *args, CustomerType type, Customer customer,
		TimelineArgument argument, Decimal (*read_value)(Datum))
{
	TimelineRow row = read_row(args, argument == ARGUMENT_VALUE ? read_value : NULL);

	if (row.at != TIMELINE_NO_EVENT)
	{
		collector_note_last(state, row.at);
		if (argument == ARGUMENT_KIND && !args[1].isnull)
		{
			const text *kind = DatumGetTextPP(args[1].value);
			EventText bytes = { VARDATA_ANY(kind), (int) VARSIZE_ANY_EXHDR(kind) };

			row.kind = number_kind(state, bytes);
		}
	}
	place_row(state, type, customer, &row, argument == ARGUMENT_VALUE, argument == ARGUMENT_KIND);
}

static pg_attribute_always_inline void
add_body(Collector *state, const NullableDatum *argument_value, Customer customer,
		 TimelineArgument argument)
{
	ByteSpan body = timeline_empty_body();

	if (!argument_value->isnull)
	{
		struct varlena *value = PG_DETOAST_DATUM_PACKED(argument_value->value);

		if (argument == ARGUMENT_EVENT)
		{
			body = timeline_event_body(PointerGetDatum(value));
			collector_note_last(state, last_of(body));
		}
		else
		{
			state->last_unknown = true;
			body.bytes = (const uint8 *) VARDATA_ANY(value);
			body.len = VARSIZE_ANY_EXHDR(value);
		}
	}
	collector_add_body(state, customer, body);
}

static pg_attribute_always_inline bool
takes_bodies(TimelineArgument argument)
{
	return argument == ARGUMENT_EVENT || argument == ARGUMENT_TIMELINE;
}

static pg_attribute_always_inline void
take_timeline(Collector *state, const NullableDatum *args, CustomerType type,
			  Customer (*read_customer)(Datum), TimelineArgument argument,
			  Decimal (*read_value)(Datum))
{
	if (args[0].isnull)
		state->guests++;
	else if (takes_bodies(argument))
		add_body(state, &args[1], read_customer(args[0].value), argument);
	else
		add_row(state, &args[1], type, read_customer(args[0].value), argument, read_value);
}

/* ---- columns of any type ---- */

/* What a call's arguments are, looked up once. */
typedef struct AnyRow
{
	CustomerType type;
	Customer (*read_customer)(Datum);
} AnyRow;

static AnyRow
customer_argument(FunctionCallInfo fcinfo)
{
	AnyRow row = { CUSTOMER_BIGINT, NULL };

	switch (getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1)))
	{
		case INT2OID:
			row.read_customer = customer_from_smallint;
			break;
		case INT4OID:
			row.read_customer = customer_from_integer;
			break;
		case INT8OID:
			row.read_customer = customer_from_bigint;
			break;
		case NUMERICOID:
			row.read_customer = customer_from_numeric;
			break;
		case UUIDOID:
			row.type = CUSTOMER_UUID;
			row.read_customer = customer_from_uuid;
			break;
		default:
			row.type = CUSTOMER_TEXT;
			row.read_customer = customer_from_text;
			break;
	}
	return row;
}

/* The days that follow are days of this zone; or of none, and have their first instants there. */
static void
note_zone(Collector *state, CollectZone what, const ZoneDays *zone)
{
	if (unlikely(state->noted != zone))
	{
		collector_note_zone(state, what, zone_name(zone));
		state->noted = zone;
	}
}

static Datum
collect_any(FunctionCallInfo fcinfo, bool has_zone)
{
	EventColumns *columns = event_columns(fcinfo, 2, has_zone);
	AnyRow any = customer_argument(fcinfo);
	Collector *state = collector_state(fcinfo, &timeline_collect_ops, any.type,
									   &row_forms[columns->value >= 0][columns->kind >= 0], NULL);
	TimelineRow row = { .at = TIMELINE_NO_EVENT, .value = 0, .scale = TIMELINE_NO_VALUE };

	if (PG_ARGISNULL(1))
	{
		state->guests++;
		PG_RETURN_POINTER(state);
	}
	if (!PG_ARGISNULL(2))
	{
		EventText kind = event_columns_kind(fcinfo, columns);
		Decimal value;
		ZoneDays *zone;

		row.at = event_columns_at(fcinfo, columns, &zone);
		if (zone != NULL)
			note_zone(state, has_zone ? ZONE_KNOWN : ZONE_DAYS, zone);
		collector_note_last(state, row.at);
		if (event_columns_value(fcinfo, columns, &value))
		{
			row.value = value.units;
			row.scale = value.scale;
		}
		if (kind.bytes != NULL)
			row.kind = number_kind(state, kind);
	}
	place_row(state, any.type, any.read_customer(PG_GETARG_DATUM(1)), &row, columns->value >= 0,
			  columns->kind >= 0);
	PG_RETURN_POINTER(state);
}

/* timelines(customer, at or day), (.., kind or value), (.., kind, value) */
Datum
loyalty_timelines_any(PG_FUNCTION_ARGS)
{
	return collect_any(fcinfo, false);
}

/* ..., zone) */
Datum
loyalty_timelines_any_zone(PG_FUNCTION_ARGS)
{
	return collect_any(fcinfo, true);
}

/* ---- columns of the usual types ---- */

#define TIMELINES_FUNCTION(name, type, customer, argument, value)                              \
	static void take_##name(Collector *state, const NullableDatum *args)                       \
	{                                                                                          \
		take_timeline(state, args, type, customer, argument, value);                           \
	}                                                                                          \
	PG_FUNCTION_INFO_V1(name);                                                                 \
	Datum name(PG_FUNCTION_ARGS)                                                               \
	{                                                                                          \
		const RowForm *rows =                                                                  \
			&row_forms[(argument) == ARGUMENT_VALUE][(argument) == ARGUMENT_KIND];             \
		Collector *state = collector_state(fcinfo, &timeline_collect_ops, type,                \
										   takes_bodies(argument) ? NULL : rows, take_##name); \
                                                                                               \
		take_##name(state, &fcinfo->args[1]);                                                  \
		PG_RETURN_POINTER(state);                                                              \
	}                                                                                          \
	extern int no_such_variable

/*
 * The functions that these paste:
 *
 * loyalty_timelines_smallint_at, loyalty_timelines_smallint_numeric,
 * loyalty_timelines_smallint_smallint, loyalty_timelines_smallint_integer,
 * loyalty_timelines_smallint_bigint, loyalty_timelines_smallint_kind,
 * loyalty_timelines_smallint_event, loyalty_timelines_smallint_timeline,
 * loyalty_timelines_integer_at, loyalty_timelines_integer_numeric,
 * loyalty_timelines_integer_smallint, loyalty_timelines_integer_integer,
 * loyalty_timelines_integer_bigint, loyalty_timelines_integer_kind,
 * loyalty_timelines_integer_event, loyalty_timelines_integer_timeline,
 * loyalty_timelines_bigint_at, loyalty_timelines_bigint_numeric,
 * loyalty_timelines_bigint_smallint, loyalty_timelines_bigint_integer,
 * loyalty_timelines_bigint_bigint, loyalty_timelines_bigint_kind,
 * loyalty_timelines_bigint_event, loyalty_timelines_bigint_timeline,
 * loyalty_timelines_numeric_at, loyalty_timelines_numeric_numeric,
 * loyalty_timelines_numeric_smallint, loyalty_timelines_numeric_integer,
 * loyalty_timelines_numeric_bigint, loyalty_timelines_numeric_kind,
 * loyalty_timelines_numeric_event, loyalty_timelines_numeric_timeline,
 * loyalty_timelines_uuid_at, loyalty_timelines_uuid_numeric, loyalty_timelines_uuid_smallint,
 * loyalty_timelines_uuid_integer, loyalty_timelines_uuid_bigint, loyalty_timelines_uuid_kind,
 * loyalty_timelines_uuid_event, loyalty_timelines_uuid_timeline, loyalty_timelines_text_at,
 * loyalty_timelines_text_numeric, loyalty_timelines_text_smallint,
 * loyalty_timelines_text_integer, loyalty_timelines_text_bigint, loyalty_timelines_text_kind,
 * loyalty_timelines_text_event, loyalty_timelines_text_timeline.
 */
#define TIMELINES_FORM(customer, type, form, argument, value)                                 \
	TIMELINES_FUNCTION(loyalty_timelines_##customer##_##form, type, customer_from_##customer, \
					   argument, value)

#define TIMELINES_OF(customer, type)                                               \
	TIMELINES_FORM(customer, type, at, ARGUMENT_AT, NULL);                         \
	TIMELINES_FORM(customer, type, numeric, ARGUMENT_VALUE, decimal_of_numeric);   \
	TIMELINES_FORM(customer, type, smallint, ARGUMENT_VALUE, decimal_of_smallint); \
	TIMELINES_FORM(customer, type, integer, ARGUMENT_VALUE, decimal_of_integer);   \
	TIMELINES_FORM(customer, type, bigint, ARGUMENT_VALUE, decimal_of_bigint);     \
	TIMELINES_FORM(customer, type, kind, ARGUMENT_KIND, NULL);                     \
	TIMELINES_FORM(customer, type, event, ARGUMENT_EVENT, NULL);                   \
	TIMELINES_FORM(customer, type, timeline, ARGUMENT_TIMELINE, NULL)

TIMELINES_OF(smallint, CUSTOMER_BIGINT);
TIMELINES_OF(integer, CUSTOMER_BIGINT);
TIMELINES_OF(bigint, CUSTOMER_BIGINT);
TIMELINES_OF(numeric, CUSTOMER_BIGINT);
TIMELINES_OF(uuid, CUSTOMER_UUID);
TIMELINES_OF(text, CUSTOMER_TEXT);

/* ---- timeline_agg() as a collector's rows ---- */

/* Writes the row that a call's arguments make. */
static pg_attribute_always_inline void
deal_arguments(uint8 *to, const NullableDatum *args, Decimal (*read_value)(Datum), bool is_short)
{
	TimelineRow row = read_row(args, read_value);

	keep_row(to, &row, read_value != NULL, false, is_short);
}

static void
deal_instant(uint8 *to, const NullableDatum *args)
{
	deal_arguments(to, args, NULL, false);
}

static void
deal_smallint(uint8 *to, const NullableDatum *args)
{
	deal_arguments(to, args, decimal_of_smallint, true);
}

static void
deal_integer(uint8 *to, const NullableDatum *args)
{
	deal_arguments(to, args, decimal_of_integer, true);
}

static void
deal_bigint(uint8 *to, const NullableDatum *args)
{
	deal_arguments(to, args, decimal_of_bigint, false);
}

static void
deal_numeric(uint8 *to, const NullableDatum *args)
{
	deal_arguments(to, args, decimal_of_numeric, false);
}

const SummaryForm timeline_summary_forms[] = {
	{ .transition = loyalty_timeline_agg_trans_instant,
	  .ops = &timeline_collect_ops,
	  .nargs = 1,
	  .dealt_size = KEPT_SIZE(false, false, 0),
	  .deal = deal_instant,
	  .expand = expand_instants },
	{ .transition = loyalty_timeline_agg_trans_smallint,
	  .ops = &timeline_collect_ops,
	  .nargs = 2,
	  .dealt_size = KEPT_SIZE(true, false, sizeof(int32)),
	  .deal = deal_smallint,
	  .expand = expand_values },
	{ .transition = loyalty_timeline_agg_trans_integer,
	  .ops = &timeline_collect_ops,
	  .nargs = 2,
	  .dealt_size = KEPT_SIZE(true, false, sizeof(int32)),
	  .deal = deal_integer,
	  .expand = expand_values },
	{ .transition = loyalty_timeline_agg_trans_bigint,
	  .ops = &timeline_collect_ops,
	  .nargs = 2,
	  .dealt_size = KEPT_SIZE(true, false, sizeof(int64)),
	  .deal = deal_bigint,
	  .expand = expand_values },
	{ .transition = loyalty_timeline_agg_trans_numeric,
	  .ops = &timeline_collect_ops,
	  .nargs = 2,
	  .dealt_size = KEPT_SIZE(true, false, sizeof(int64)),
	  .deal = deal_numeric,
	  .expand = expand_values },
	{ .transition = NULL },
};

/* ---- the base types ---- */

/*
 * The functions that this pastes:
 *
 * loyalty_timeline_base_in, loyalty_timeline_base_recv, loyalty_timeline_base_bigint_in,
 * loyalty_timeline_base_bigint_recv, loyalty_timeline_base_uuid_in,
 * loyalty_timeline_base_uuid_recv, loyalty_timeline_base_text_in,
 * loyalty_timeline_base_text_recv.
 */
#define TIMELINE_BASE_INPUT(name, type)                  \
	SOFT_INPUT(loyalty_##name##_in)                      \
	{                                                    \
		return base_in(fcinfo, TIMELINE_OPS_ID, type);   \
	}                                                    \
	PG_FUNCTION_INFO_V1(loyalty_##name##_recv);          \
	Datum loyalty_##name##_recv(PG_FUNCTION_ARGS)        \
	{                                                    \
		return base_recv(fcinfo, TIMELINE_OPS_ID, type); \
	}                                                    \
	extern int no_such_variable

TIMELINE_BASE_INPUT(timeline_base, 0);
TIMELINE_BASE_INPUT(timeline_base_bigint, CUSTOMER_BIGINT);
TIMELINE_BASE_INPUT(timeline_base_uuid, CUSTOMER_UUID);
TIMELINE_BASE_INPUT(timeline_base_text, CUSTOMER_TEXT);

PG_FUNCTION_INFO_V1(loyalty_customer_timelines);

Datum
loyalty_customer_timelines(PG_FUNCTION_ARGS)
{
	return base_customers(fcinfo);
}
