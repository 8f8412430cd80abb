/*
 * timeline_compare.c
 *		Equality, order and hash of event_timeline and timeline_event.
 *
 * The two types have the same bodies, so these functions serve both. Events
 * compare one after the other, values as numbers whatever their scales; a timeline
 * that another one begins with comes before it.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "core/comparison.h"
#include "core/decimal.h"
#include "timeline/timeline_internal.h"

PG_FUNCTION_INFO_V1(loyalty_event_timeline_hash);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_hash_extended);

int
timeline_compare_bodies(ByteSpan a, ByteSpan b)
{
	EventText a_room[DICTIONARY_ROOM];
	EventText b_room[DICTIONARY_ROOM];
	TimelineReader a_reader;
	TimelineReader b_reader;
	Event a_event;
	Event b_event;
	int order = 0;

	if (a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0)
		return 0;
	timeline_open_within(&a_reader, a.bytes, a.len, a_room, DICTIONARY_ROOM);
	timeline_open_within(&b_reader, b.bytes, b.len, b_room, DICTIONARY_ROOM);
	while (order == 0)
	{
		bool a_has = timeline_next(&a_reader, &a_event);
		bool b_has = timeline_next(&b_reader, &b_event);

		if (!a_has || !b_has)
		{
			order = (int) a_has - (int) b_has;
			break;
		}
		order = event_compare_scaled(&a_event, a_reader.scale, &b_event, b_reader.scale);
		CHECK_FOR_INTERRUPTS();
	}
	timeline_close_within(&a_reader, a_room, DICTIONARY_ROOM);
	timeline_close_within(&b_reader, b_room, DICTIONARY_ROOM);
	return order;
}

/* Compares the two arguments; frees what had to be detoasted, since indexes ask often. */
static int
compare_arguments(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	struct varlena *b = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
	int order = timeline_compare_bodies(timeline_event_body(PointerGetDatum(a)),
										timeline_event_body(PointerGetDatum(b)));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

COMPARISON_FUNCTIONS(loyalty_event_timeline, compare_arguments);

/* The smallest scale at which all values are exact. */
static int
smallest_scale(ByteSpan body)
{
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	Event event;
	int needed = 0;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	if (reader.scale > 0)
		while (needed < reader.scale && timeline_next(&reader, &event))
			if (event.has_value)
				needed = Max(needed, decimal_minimal_scale(event.value, reader.scale));
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	return needed;
}

/* Hashes the bytes that the timeline has at its smallest scale, so that 1.5 and 1.50 agree. */
uint64
timeline_hash_body(ByteSpan body, uint64 seed)
{
	TimelineReader head;
	int smallest;
	ByteBuffer out;
	Event *events;
	int64 count;
	int64 i;
	int scale;
	uint64 hash;

	timeline_open_head(&head, body.bytes, body.len);
	smallest = smallest_scale(body);
	if (smallest == head.scale)
		return DatumGetUInt64(hash_any_extended(body.bytes, (int) body.len, seed));

	events = timeline_decode(body.bytes, body.len, &count, &scale);
	for (i = 0; i < count; i++)
		events[i].value /= decimal_power[scale - smallest];
	buffer_init(&out, body.len + TIMELINE_HEAD_MAX);
	timeline_encode(&out, events, count, smallest);
	hash = DatumGetUInt64(hash_any_extended(out.data, (int) out.len, seed));
	pfree(out.data);
	pfree(events);
	return hash;
}

static uint64
hash_argument(FunctionCallInfo fcinfo, uint64 seed)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	uint64 hash = timeline_hash_body(timeline_event_body(PointerGetDatum(value)), seed);

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

/* The low half of the extended hash with seed 0, as hash operator classes want it. */
Datum
loyalty_event_timeline_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) hash_argument(fcinfo, 0));
}

Datum
loyalty_event_timeline_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT64(hash_argument(fcinfo, (uint64) PG_GETARG_INT64(1)));
}
