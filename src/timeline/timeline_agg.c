/*
 * timeline_agg.c
 *		The aggregates timeline_agg(at), (at, value), (at, kind), (event), and rollup(timeline).
 *
 * There may be as many states as customers, each growing row by row, so a state is
 * one allocation whose size is a power of two, and holds events packed in the order in
 * which they came:
 *
 *		TimelineState
 *		+---------------------------------------------+
 *		| last, used, room, count, scale, form | data |
 *		+---------------------------------------------+
 *		data, AGG_INSTANTS:	 zigzag of the instant's distance to the one before (from 0)
 *			  AGG_VALUES:	 the same, then varint: 0 no value, 1 + zigzag of the value
 *			  AGG_BODIES:	 varint length, body of a timeline
 *
 * Values are at the state's scale, which grows with the largest that comes. A state
 * of bodies that is full is merged to one before it grows.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "core/decimal.h"
#include "timeline/timeline_internal.h"

typedef enum AggForm
{
	AGG_INSTANTS,
	AGG_VALUES,
	AGG_BODIES
} AggForm;

typedef struct TimelineState
{
	TimestampTz last; /* the instant that came last */
	uint32 used;	  /* bytes of data */
	uint32 room;
	uint32 count; /* of events, or bodies */
	int8 scale;	  /* TIMELINE_NO_VALUE: no value so far */
	uint8 form;	  /* an AggForm */
	uint8 data[FLEXIBLE_ARRAY_MEMBER];
} TimelineState;

#define STATE_HEAD		   offsetof(TimelineState, data)

/* Sizes of a new state: four events, three bodies. */
#define STATE_SIZE_POINTS  64
#define STATE_SIZE_BODIES  128

/* From this size on bodies are merged before a state grows. */
#define STATE_MERGE_SIZE   1024

/* The longest event of the short forms. */
#define POINT_ROOM		   (2 * VARINT_MAX_BYTES)

/* Bytes that the result takes at first. */
#define RESULT_ROOM(count) (TIMELINE_HEAD_MAX + Min((size_t) (count), 1024) * POINT_ROOM)

PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_instant);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_numeric);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_smallint);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_integer);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_bigint);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_kind);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_any);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_any_zone);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_trans_event);
PG_FUNCTION_INFO_V1(loyalty_timeline_rollup_trans);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_combine);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_serialize);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_deserialize);
PG_FUNCTION_INFO_V1(loyalty_timeline_agg_final);

/* ---- states ---- */

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "timeline aggregate called in non-aggregate context");
	return context;
}

static TimelineState *
create_state(MemoryContext context, AggForm form, size_t size)
{
	TimelineState *state = MemoryContextAlloc(context, size);

	state->last = 0;
	state->used = 0;
	state->room = (uint32) (size - STATE_HEAD);
	state->count = 0;
	state->scale = TIMELINE_NO_VALUE;
	state->form = (uint8) form;
	return state;
}

/* The size of a state with so many bytes of data. */
static size_t
state_size(size_t size, size_t data)
{
	while (size - STATE_HEAD < data)
		size *= 2;
	if (size > MaxAllocSize)
	{
		/* The last step is not a doubling. */
		if (data > MaxAllocSize - STATE_HEAD)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("timeline is larger than 1 GB"),
					 errhint("Group by customer, so that each timeline holds the events of one.")));
		size = MaxAllocSize;
	}
	return size;
}

/* Makes room for so many more bytes; the state may move. */
static inline TimelineState *
reserve(TimelineState *state, size_t extra)
{
	if (unlikely(state->room - state->used < extra))
	{
		size_t size = state_size(STATE_HEAD + state->room, state->used + extra);

		state = repalloc(state, size);
		state->room = (uint32) (size - STATE_HEAD);
	}
	return state;
}

/* ---- the short forms ---- */

/* Appends an event whose value is at the state's scale. */
static inline TimelineState *
append_point(TimelineState *state, TimestampTz at, bool has_value, int64 value)
{
	uint8 *end;

	state = reserve(state, POINT_ROOM);
	end = timeline_put_varint(state->data + state->used,
							  zigzag_fold((int64) ((uint64) at - (uint64) state->last)));
	if (state->form == AGG_VALUES)
		end = timeline_put_varint(end, has_value ? zigzag_fold(value) + 1 : 0);
	state->used = (uint32) (end - state->data);
	state->last = at;
	state->count++;
	return state;
}

/* Takes the events of a state apart. */
static void
read_points(const TimelineState *state, TimelineRow *rows)
{
	const uint8 *at = state->data;
	const uint8 *end = state->data + state->used;
	uint64 last = 0;
	uint32 i;

	for (i = 0; i < state->count; i++)
	{
		last += (uint64) zigzag_unfold(timeline_varint(&at, end));
		rows[i].at = (TimestampTz) last;
		rows[i].value = 0;
		rows[i].scale = TIMELINE_NO_VALUE;
		rows[i].kind = 0;
		if (state->form == AGG_VALUES)
		{
			uint64 code = timeline_varint(&at, end);

			if (code != 0)
			{
				rows[i].value = zigzag_unfold(code - 1);
				rows[i].scale = state->scale;
			}
		}
	}
}

/* Appends events of any scale, whose values fit at the state's or make it grow. */
static TimelineState *
append_rows(TimelineState *state, const TimelineRow *rows, int64 count)
{
	int64 i;

	for (i = 0; i < count; i++)
	{
		bool has_value = rows[i].scale != TIMELINE_NO_VALUE;

		state = append_point(state, rows[i].at, has_value,
							 has_value ? decimal_rescale(rows[i].value, rows[i].scale, state->scale)
									   : 0);
		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
	}
	return state;
}

/* Brings a state to a larger scale. */
static TimelineState *
grow_scale(TimelineState *state, int scale)
{
	if (state->scale != TIMELINE_NO_VALUE)
	{
		uint32 count = state->count;
		TimelineRow *rows = timeline_alloc(count, sizeof(TimelineRow));

		read_points(state, rows);
		state->used = 0;
		state->count = 0;
		state->last = 0;
		state->scale = (int8) scale;
		state = append_rows(state, rows, count);
		pfree(rows);
	}
	state->scale = (int8) scale;
	return state;
}

/* Appends the events of another state of the same short form, which is not changed. */
static TimelineState *
append_points(TimelineState *state, const TimelineState *other)
{
	const uint8 *at = other->data;
	const uint8 *end = other->data + other->used;
	TimestampTz first;
	uint32 count;

	if (other->count == 0)
		return state;
	if (other->scale > state->scale)
		state = grow_scale(state, other->scale);
	if (other->scale != TIMELINE_NO_VALUE && other->scale < state->scale)
	{
		TimelineRow *rows = timeline_alloc(other->count, sizeof(TimelineRow));

		read_points(other, rows);
		state = append_rows(state, rows, other->count);
		pfree(rows);
		return state;
	}

	/* All but the first instant can stay as it is. */
	count = state->count + other->count;
	first = zigzag_unfold(timeline_varint(&at, end));
	state = reserve(state, POINT_ROOM + other->used);
	state->used = (uint32) (timeline_put_varint(
								state->data + state->used,
								zigzag_fold((int64) ((uint64) first - (uint64) state->last))) -
							state->data);
	memcpy(state->data + state->used, at, end - at);
	state->used += (uint32) (end - at);
	state->count = count;
	state->last = other->last;
	return state;
}

/* ---- bodies ---- */

/* Appends to out the body of all that a state holds. */
static void
merge_state(ByteBuffer *out, const TimelineState *state)
{
	const uint8 *at = state->data;
	const uint8 *end = state->data + state->used;
	uint32 i;

	if (state->form == AGG_BODIES)
	{
		ByteSpan *bodies = timeline_alloc(state->count, sizeof(ByteSpan));

		for (i = 0; i < state->count; i++)
		{
			bodies[i].len = varint_next(&at, end);
			bodies[i].bytes = at;
			at += bodies[i].len;
		}
		timeline_merge_bodies(out, bodies, (int) state->count, NULL, 0, NULL);
		pfree(bodies);
	}
	else
	{
		TimelineRow few[TIMELINE_FEW];
		TimelineRow *rows = few;

		if (state->count > TIMELINE_FEW)
			rows = timeline_alloc(state->count, sizeof(TimelineRow));
		read_points(state, rows);
		timeline_merge_bodies(out, NULL, 0, rows, (int) state->count, NULL);
		if (rows != few)
			pfree(rows);
	}
}

static void
put_body(TimelineState *state, ByteSpan body)
{
	uint8 *at = varint_write(state->data + state->used, body.len);

	memcpy(at, body.bytes, body.len);
	state->used = (uint32) (at - state->data + body.len);
	state->count++;
}

/* Merges the bodies of a state to one. */
static void
merge_in_place(TimelineState *state)
{
	ByteBuffer merged;
	ByteSpan body;

	buffer_init(&merged, state->used);
	merge_state(&merged, state);
	body.bytes = merged.data;
	body.len = merged.len;
	if (body.len + VARINT_MAX_BYTES < state->room)
	{
		state->used = 0;
		state->count = 0;
		put_body(state, body);
	}
	pfree(merged.data);
}

/* Appends a body that has events. */
static TimelineState *
append_body(TimelineState *state, ByteSpan body)
{
	size_t extra = VARINT_MAX_BYTES + body.len;

	if (unlikely(state->room - state->used < extra))
	{
		/* What half of the room can't hold after merging would be merged too often. */
		if (state->room >= STATE_MERGE_SIZE / 2 && state->count > 1)
			merge_in_place(state);
		if (state->used + extra > state->room / 2 && state->room >= STATE_MERGE_SIZE / 2)
			state = reserve(state, state->room - state->used + extra);
		else
			state = reserve(state, extra);
	}
	put_body(state, body);
	return state;
}

/* Appends the bodies of another state, which is not changed. */
static TimelineState *
append_bodies(TimelineState *state, const TimelineState *other)
{
	const uint8 *at = other->data;
	const uint8 *end = other->data + other->used;
	uint32 i;

	for (i = 0; i < other->count; i++)
	{
		ByteSpan body;

		body.len = varint_next(&at, end);
		body.bytes = at;
		at += body.len;
		state = append_body(state, body);
	}
	return state;
}

/* ---- the SQL functions ---- */

/* The state so far, or a new one. */
static TimelineState *
state_argument(FunctionCallInfo fcinfo, AggForm form)
{
	MemoryContext context = aggregate_context(fcinfo);

	if (!PG_ARGISNULL(0))
		return (TimelineState *) PG_GETARG_POINTER(0);
	return create_state(context, form, form == AGG_BODIES ? STATE_SIZE_BODIES : STATE_SIZE_POINTS);
}

/* timeline_agg(at) */
Datum
loyalty_timeline_agg_trans_instant(PG_FUNCTION_ARGS)
{
	TimelineState *state = state_argument(fcinfo, AGG_INSTANTS);

	if (!PG_ARGISNULL(1))
	{
		TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);

		timeline_check_instant(at);
		state = append_point(state, at, false, 0);
	}
	PG_RETURN_POINTER(state);
}

/* Appends an event whose value may be of any scale. */
static inline TimelineState *
append_value(TimelineState *state, TimestampTz at, bool has_value, Decimal value)
{
	if (has_value && unlikely(value.scale != state->scale))
	{
		if (value.scale > state->scale)
			state = grow_scale(state, value.scale);
		else
			value.units = decimal_rescale(value.units, value.scale, state->scale);
	}
	return append_point(state, at, has_value, value.units);
}

/* timeline_agg(at, value), inlined for each type of values */
static pg_attribute_always_inline Datum
trans_value(FunctionCallInfo fcinfo, Decimal (*read_value)(Datum))
{
	TimelineState *state = state_argument(fcinfo, AGG_VALUES);
	TimestampTz at;
	Decimal value = { 0, 0 };
	bool has_value = !PG_ARGISNULL(2);

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	at = PG_GETARG_TIMESTAMPTZ(1);
	timeline_check_instant(at);
	if (has_value)
		value = read_value(PG_GETARG_DATUM(2));
	PG_RETURN_POINTER(append_value(state, at, has_value, value));
}

Datum
loyalty_timeline_agg_trans_numeric(PG_FUNCTION_ARGS)
{
	return trans_value(fcinfo, decimal_of_numeric);
}

Datum
loyalty_timeline_agg_trans_smallint(PG_FUNCTION_ARGS)
{
	return trans_value(fcinfo, decimal_of_smallint);
}

Datum
loyalty_timeline_agg_trans_integer(PG_FUNCTION_ARGS)
{
	return trans_value(fcinfo, decimal_of_integer);
}

Datum
loyalty_timeline_agg_trans_bigint(PG_FUNCTION_ARGS)
{
	return trans_value(fcinfo, decimal_of_bigint);
}

/* Appends an event of just an instant, a kind and a value. */
static TimelineState *
append_event(TimelineState *state, TimestampTz at, EventText kind, bool has_value, Decimal value)
{
	Event event;
	ByteBuffer body;
	ByteSpan span;

	memset(&event, 0, sizeof(event));
	event.at = at;
	event.kind = kind;
	event.has_value = has_value;
	event.value = value.units;
	buffer_init(&body, TIMELINE_HEAD_MAX + 8 * VARINT_MAX_BYTES + event.kind.len);
	timeline_encode(&body, &event, 1, value.scale);
	span.bytes = body.data;
	span.len = body.len;
	state = append_body(state, span);
	pfree(body.data);
	return state;
}

/* timeline_agg(at, kind) */
Datum
loyalty_timeline_agg_trans_kind(PG_FUNCTION_ARGS)
{
	TimelineState *state = state_argument(fcinfo, AGG_BODIES);
	EventText kind = { NULL, 0 };
	Decimal none = { 0, 0 };
	TimestampTz at;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	at = PG_GETARG_TIMESTAMPTZ(1);
	timeline_check_instant(at);
	if (!PG_ARGISNULL(2))
	{
		const text *argument = PG_GETARG_TEXT_PP(2);

		kind.bytes = VARDATA_ANY(argument);
		kind.len = (int) VARSIZE_ANY_EXHDR(argument);
	}
	PG_RETURN_POINTER(append_event(state, at, kind, false, none));
}

static Datum
trans_any(FunctionCallInfo fcinfo, bool has_zone)
{
	EventColumns *columns = event_columns(fcinfo, 1, has_zone);
	TimelineState *state = state_argument(fcinfo, columns->kind >= 0	? AGG_BODIES
												  : columns->value >= 0 ? AGG_VALUES
																		: AGG_INSTANTS);
	Decimal value = { 0, 0 };
	TimestampTz at;
	ZoneDays *zone;
	bool has_value;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	at = event_columns_at(fcinfo, columns, &zone);
	has_value = event_columns_value(fcinfo, columns, &value);
	PG_RETURN_POINTER(
		columns->kind >= 0
			? append_event(state, at, event_columns_kind(fcinfo, columns), has_value, value)
			: append_value(state, at, has_value, value));
}

/* timeline_agg(at or day), (.., kind or value), (.., kind, value) */
Datum
loyalty_timeline_agg_trans_any(PG_FUNCTION_ARGS)
{
	return trans_any(fcinfo, false);
}

/* ..., zone) */
Datum
loyalty_timeline_agg_trans_any_zone(PG_FUNCTION_ARGS)
{
	return trans_any(fcinfo, true);
}

/* Adds a timeline's or event's body to a state. */
static TimelineState *
add_body_argument(FunctionCallInfo fcinfo, TimelineState *state)
{
	ByteSpan body =
		timeline_event_body(PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1))));
	TimelineReader head;

	timeline_open_head(&head, body.bytes, body.len);
	return head.count > 0 ? append_body(state, body) : state;
}

/* timeline_agg(event) */
Datum
loyalty_timeline_agg_trans_event(PG_FUNCTION_ARGS)
{
	TimelineState *state = state_argument(fcinfo, AGG_BODIES);

	if (!PG_ARGISNULL(1))
		state = add_body_argument(fcinfo, state);
	PG_RETURN_POINTER(state);
}

/* rollup(timeline): without any timeline there is no state, so the result is NULL */
Datum
loyalty_timeline_rollup_trans(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	PG_RETURN_POINTER(add_body_argument(fcinfo, state_argument(fcinfo, AGG_BODIES)));
}

Datum
loyalty_timeline_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	TimelineState *state = PG_ARGISNULL(0) ? NULL : (TimelineState *) PG_GETARG_POINTER(0);
	const TimelineState *other = PG_ARGISNULL(1) ? NULL : (TimelineState *) PG_GETARG_POINTER(1);

	if (state == NULL && other == NULL)
		PG_RETURN_NULL();
	if (other == NULL)
		PG_RETURN_POINTER(state);
	if (state == NULL)
	{
		size_t size = state_size(STATE_SIZE_POINTS, other->used);
		uint32 room = (uint32) (size - STATE_HEAD);

		state = MemoryContextAlloc(context, size);
		memcpy(state, other, STATE_HEAD + other->used);
		state->room = room;
		PG_RETURN_POINTER(state);
	}
	Assert(state->form == other->form);
	PG_RETURN_POINTER(state->form == AGG_BODIES ? append_bodies(state, other)
												: append_points(state, other));
}

/* A byte for the form, and the body of all events: merged and sorted here, in the worker. */
Datum
loyalty_timeline_agg_serialize(PG_FUNCTION_ARGS)
{
	const TimelineState *state = (TimelineState *) PG_GETARG_POINTER(0);
	ByteBuffer out;

	aggregate_context(fcinfo);
	timeline_datum_begin(&out, 1 + RESULT_ROOM(state->count));
	buffer_put_byte(&out, state->form);
	merge_state(&out, state);
	return timeline_datum_end(&out);
}

Datum
loyalty_timeline_agg_deserialize(PG_FUNCTION_ARGS)
{
	const struct varlena *bytes = PG_GETARG_BYTEA_PP(0);
	const uint8 *data = (const uint8 *) VARDATA_ANY(bytes);
	size_t len = VARSIZE_ANY_EXHDR(bytes);
	TimelineState *state;
	TimelineReader reader;
	ByteSpan body;
	uint8 forbidden;

	aggregate_context(fcinfo);
	if (len < 1 || data[0] > AGG_BODIES || !timeline_body_valid(data + 1, len - 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid state of a timeline aggregate")));
	body.bytes = data + 1;
	body.len = len - 1;
	timeline_open_head(&reader, body.bytes, body.len);
	state = create_state(CurrentMemoryContext, (AggForm) data[0],
						 state_size(STATE_SIZE_POINTS, VARINT_MAX_BYTES + body.len));
	if (reader.count == 0)
		PG_RETURN_POINTER(state);
	if (state->form == AGG_BODIES)
	{
		put_body(state, body);
		PG_RETURN_POINTER(state);
	}

	forbidden = TIMELINE_RICH | (state->form == AGG_INSTANTS ? TIMELINE_HAS_VALUES : 0);
	if (reader.flags & forbidden)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid state of a timeline aggregate")));
	if (reader.flags & TIMELINE_HAS_VALUES)
		state->scale = (int8) reader.scale;
	for (; reader.left > 0; reader.left--)
	{
		TimestampTz at = timeline_read_instant(&reader);
		int64 value = 0;
		bool has_value =
			(reader.flags & TIMELINE_HAS_VALUES) != 0 && timeline_read_value(&reader, &value);

		state = append_point(state, at, has_value, value);
	}
	PG_RETURN_POINTER(state);
}

Datum
loyalty_timeline_agg_final(PG_FUNCTION_ARGS)
{
	const TimelineState *state;
	ByteBuffer out;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	aggregate_context(fcinfo);
	state = (TimelineState *) PG_GETARG_POINTER(0);
	timeline_datum_begin(&out, RESULT_ROOM(state->count));
	merge_state(&out, state);
	return timeline_datum_end(&out);
}
