/*
 * timeline_sql.c
 *		SQL functions of one timeline: what it answers about itself, comparison, timelines out of
 *		timelines.
 *
 * timeline_event has the same bodies, so the comparisons serve both types. Events compare one
 * after the other, values as numbers whatever their scales; a timeline that another one begins
 * with comes before it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/array.h"
#include "core/comparison.h"
#include "core/decimal.h"
#include "timeline/event_span.h"
#include "timeline/timeline_internal.h"

PG_FUNCTION_INFO_V1(loyalty_timeline_events);
PG_FUNCTION_INFO_V1(loyalty_timeline_count);
PG_FUNCTION_INFO_V1(loyalty_timeline_first);
PG_FUNCTION_INFO_V1(loyalty_timeline_last);
PG_FUNCTION_INFO_V1(loyalty_timeline_sum);
PG_FUNCTION_INFO_V1(loyalty_timeline_first_label);
PG_FUNCTION_INFO_V1(loyalty_activity_set_timeline);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_hash);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_hash_extended);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_add);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_subtract);
PG_FUNCTION_INFO_V1(loyalty_timeline_merge);
PG_FUNCTION_INFO_V1(loyalty_timeline_replace);
PG_FUNCTION_INFO_V1(loyalty_timeline_slice);
PG_FUNCTION_INFO_V1(loyalty_timeline_filter);

static ByteSpan
body_argument(FunctionCallInfo fcinfo, int n)
{
	return timeline_event_body(PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(n))));
}

/* ---- questions ---- */

/* Opens the first argument. */
static void
open_argument(FunctionCallInfo fcinfo, TimelineReader *reader)
{
	ByteSpan body = body_argument(fcinfo, 0);

	timeline_open(reader, body.bytes, body.len);
}

/* timeline_count(timeline) */
Datum
loyalty_timeline_count(PG_FUNCTION_ARGS)
{
	ByteSpan body = body_argument(fcinfo, 0);
	TimelineReader reader;

	timeline_open_head(&reader, body.bytes, body.len);
	PG_RETURN_INT64((int64) reader.count);
}

/* timeline_first(timeline) */
Datum
loyalty_timeline_first(PG_FUNCTION_ARGS)
{
	TimelineReader reader;
	Event event;

	open_argument(fcinfo, &reader);
	if (!timeline_next(&reader, &event))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(event.at);
}

/* timeline_last(timeline) */
Datum
loyalty_timeline_last(PG_FUNCTION_ARGS)
{
	TimelineReader reader;
	Event event;

	open_argument(fcinfo, &reader);
	if (reader.count == 0)
		PG_RETURN_NULL();
	while (timeline_next(&reader, &event))
		CHECK_FOR_INTERRUPTS();
	PG_RETURN_TIMESTAMPTZ(event.at);
}

/* ---- sums ---- */

bool
timeline_sum_between(TimelineReader *reader, TimestampTz since, TimestampTz until, int128 *sum)
{
	Event event;
	bool found = false;

	while (timeline_next(reader, &event) && event.at < until)
	{
		if (event.has_value && event.at >= since)
		{
			*sum += event.value;
			found = true;
		}
		CHECK_FOR_INTERRUPTS();
	}
	return found;
}

/* The same for all values of a timeline of just instants and values: instants stay unread. */
static bool
sum_points(const TimelineReader *reader, int128 *sum)
{
	const uint8 *at = reader->at;
	const uint8 *end = reader->end;
	uint64 absent = (reader->flags & TIMELINE_HAS_ABSENT_VALUES) != 0;
	bool negatives = (reader->flags & TIMELINE_HAS_NEGATIVES) != 0;
	uint64 left;
	uint64 values = 0;

	for (left = reader->left; left > 0; left--)
	{
		uint64 code;

		(void) timeline_varint(&at, end);
		code = timeline_varint(&at, end);
		if (code < absent)
			continue;
		code -= absent;
		*sum += negatives ? zigzag_unfold(code) : (int64) code;
		values++;
	}
	return values > 0;
}

/* The sum as a numeric; NULL where there is no value. */
static Datum
sum_values(FunctionCallInfo fcinfo, TimestampTz since, TimestampTz until)
{
	TimelineReader reader;
	int128 sum = 0;
	bool found;

	open_argument(fcinfo, &reader);
	if ((reader.flags & TIMELINE_HAS_VALUES) == 0)
		PG_RETURN_NULL();
	if ((reader.flags & TIMELINE_RICH) == 0 && since == DT_NOBEGIN && until == DT_NOEND)
		found = sum_points(&reader, &sum);
	else
		found = timeline_sum_between(&reader, since, until, &sum);
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(decimal_sum_to_numeric(sum, reader.scale));
}

/* timeline_sum(timeline, since, until); a NULL bound is open */
Datum
loyalty_timeline_sum(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return sum_values(fcinfo, PG_ARGISNULL(1) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1),
					  PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2));
}

/* ---- texts ---- */

static Datum
text_datum(EventText text)
{
	return PointerGetDatum(cstring_to_text_with_len(text.bytes, text.len));
}

/* timeline_first_label(timeline) */
Datum
loyalty_timeline_first_label(PG_FUNCTION_ARGS)
{
	TimelineReader reader;
	Event event;

	open_argument(fcinfo, &reader);
	if (reader.nlabels == 0)
		PG_RETURN_NULL();
	while (timeline_next(&reader, &event))
	{
		if (event.label.bytes != NULL)
			PG_RETURN_DATUM(text_datum(event.label));
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_NULL();
}

/* ---- events as rows ---- */

#define EVENT_COLUMNS 7

/* The datums of a dictionary, made once. */
static Datum *
dictionary_datums(const EventText *texts, int ntexts)
{
	Datum *datums = timeline_alloc(ntexts, sizeof(Datum));
	int i;

	for (i = 0; i < ntexts; i++)
		datums[i] = text_datum(texts[i]);
	return datums;
}

static void
put_event_row(ReturnSetInfo *result, const Event *event, int scale, const Datum *kinds,
			  const Datum *labels)
{
	Datum values[EVENT_COLUMNS] = { 0 };
	bool nulls[EVENT_COLUMNS] = { false,
								  !event->has_value,
								  event->kind_no == 0,
								  event->label_no == 0,
								  event->ref_type == EVENT_REF_NONE,
								  !event->has_expiry,
								  !event->has_span };

	values[0] = TimestampTzGetDatum(event->at);
	if (!nulls[1])
		values[1] = NumericGetDatum(decimal_to_numeric(event->value, scale));
	if (!nulls[2])
		values[2] = kinds[event->kind_no - 1];
	if (!nulls[3])
		values[3] = labels[event->label_no - 1];
	if (event->ref_type == EVENT_REF_NUMBER)
	{
		char number[MAXINT8LEN + 1];
		int len = pg_lltoa(event->ref_number, number);

		values[4] = PointerGetDatum(cstring_to_text_with_len(number, len));
	}
	else if (event->ref_type == EVENT_REF_TEXT)
		values[4] = text_datum(event->ref_text);
	if (!nulls[5])
		values[5] = TimestampTzGetDatum(event->expires_at);
	if (!nulls[6])
		values[6] = TimestampTzGetDatum(event->until);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	if (!nulls[1])
		pfree(DatumGetPointer(values[1]));
	if (!nulls[4])
		pfree(DatumGetPointer(values[4]));
}

/* timeline_events(timeline) */
Datum
loyalty_timeline_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TimelineReader reader;
	Event event;
	Datum *kinds;
	Datum *labels;

	InitMaterializedSRF(fcinfo, 0);
	open_argument(fcinfo, &reader);
	kinds = dictionary_datums(reader.kinds, reader.nkinds);
	labels = dictionary_datums(reader.labels, reader.nlabels);
	while (timeline_next(&reader, &event))
	{
		put_event_row(result, &event, reader.scale, kinds, labels);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

/* ---- active days ---- */

/* Days that are collected before repetitions are dropped: more than there are different ones. */
#define MOST_DAYS (1 << 30)

typedef struct DayList
{
	DateADT *days;
	int64 n;
	int64 max;
} DayList;

/* Adds the days that an event touches, up to one. */
static void
list_days(DayList *list, const Event *event, ZoneDays *zone, DateADT as_of)
{
	DateADT day;
	DateADT last;

	event_days(event, zone, &day, &last);
	if (last == DATEVAL_NOEND && as_of == DATEVAL_NOEND)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("an event without end has days without end"),
						errhint("Give as_of, the last day that counts.")));
	last = Min(last, as_of);
	if (day > last)
		return;
	check_span_length((int64) last - day + 1, "days");
	list->days = array_grow(list->days, &list->max, list->n + last - day + 1, sizeof(DateADT));
	while (day <= last)
		list->days[list->n++] = day++;
}

/* activity_set(timeline, zone, as_of): the days of events whose value isn't negative */
Datum
loyalty_activity_set_timeline(PG_FUNCTION_ARGS)
{
	ZoneDays *zone;
	TimelineReader reader;
	ByteBuffer out;
	Event event;
	DayList list = { NULL, 0, 0 };
	DateADT as_of = DATEVAL_NOEND;
	int ndays;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(2))
		as_of = argument_finite_day(fcinfo, 2, "as_of");
	if (PG_ARGISNULL(1))
		zone = zone_of_session();
	else
	{
		const text *name = PG_GETARG_TEXT_PP(1);

		zone = zone_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	}
	open_argument(fcinfo, &reader);
	list.days = array_grow(NULL, &list.max, (int64) Max(reader.count, 1), sizeof(DateADT));
	while (timeline_next(&reader, &event))
	{
		if (!event.has_value || event.value >= 0)
			list_days(&list, &event, zone, as_of);
		if (unlikely(list.n > MOST_DAYS))
			list.n = activity_sort_days(list.days, (int) list.n);
		CHECK_FOR_INTERRUPTS();
	}

	/* Not always in order: a zone that moved across the date line had a day twice, and spans may
	 * overlap. */
	ndays = activity_sort_days(list.days, (int) list.n);
	buffer_init(&out, VARINT_MAX_BYTES);
	activity_encode(&out, list.days, ndays);
	return activity_set_from_body(out.data, out.len);
}

/* ---- comparison ---- */

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

/* ---- a + b, a - b ---- */

/* All events of a timeline, taken apart. */
typedef struct EventList
{
	Event *events;
	int64 count;
	int scale;
} EventList;

static EventList
list_events(ByteSpan body)
{
	EventList list;

	list.events = timeline_decode(body.bytes, body.len, &list.count, &list.scale);
	return list;
}

/* The timeline of some of a timeline's events; texts still point into the body. */
static Datum
timeline_of(EventList list, size_t size)
{
	ByteBuffer out;

	timeline_datum_begin(&out, size);
	timeline_encode(&out, list.events, list.count, list.scale);
	return timeline_datum_end(&out);
}

/* a + b */
Datum
loyalty_event_timeline_add(PG_FUNCTION_ARGS)
{
	ByteSpan bodies[2];
	ByteBuffer out;
	Datum alone;

	if (argument_beside_null(fcinfo, &alone))
		return alone;
	bodies[0] = body_argument(fcinfo, 0);
	bodies[1] = body_argument(fcinfo, 1);
	timeline_datum_begin(&out, bodies[0].len + bodies[1].len);
	timeline_merge_bodies(&out, bodies, 2, NULL, 0, NULL);
	return timeline_datum_end(&out);
}

/* As JSON, for errors. */
static char *
event_json(const Event *event, int scale)
{
	StringInfoData json;

	initStringInfo(&json);
	event_append_json(&json, event, scale);
	return json.data;
}

static void report_missing(const Event *event, int scale) pg_attribute_noreturn();

static void
report_missing(const Event *event, int scale)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("an event to take away is not in the timeline"),
		 errdetail("The event is %s.", event_json(event, scale)),
		 errhint("Events are the same where all their columns are: at, value, kind, label, ref, "
				 "expires_at and until.")));
}

/* a - b: both are in the same order, so one walk finds b's events in a. */
Datum
loyalty_event_timeline_subtract(PG_FUNCTION_ARGS)
{
	ByteSpan a = body_argument(fcinfo, 0);
	ByteSpan b = body_argument(fcinfo, 1);
	EventList list = list_events(a);
	TimelineReader away;
	Event event;
	int64 next = 0;
	int64 kept = 0;

	timeline_open(&away, b.bytes, b.len);
	while (timeline_next(&away, &event))
	{
		int order = -1;

		while (next < list.count && (order = event_compare_scaled(&list.events[next], list.scale,
																  &event, away.scale)) < 0)
			list.events[kept++] = list.events[next++];
		if (next == list.count || order > 0)
			report_missing(&event, away.scale);
		next++;
		CHECK_FOR_INTERRUPTS();
	}
	while (next < list.count)
	{
		list.events[kept++] = list.events[next++];
		CHECK_FOR_INTERRUPTS();
	}
	list.count = kept;
	return timeline_of(list, a.len);
}

/* ---- timeline_merge, timeline_replace ---- */

/* Appends the events of two timelines, of which the second is made anew from some of its events. */
static Datum
merge_with(ByteSpan whole, EventList some)
{
	ByteSpan bodies[2] = { whole };
	ByteBuffer kept;
	ByteBuffer out;

	buffer_init(&kept, TIMELINE_HEAD_MAX + (size_t) some.count);
	timeline_encode(&kept, some.events, some.count, some.scale);
	bodies[1].bytes = kept.data;
	bodies[1].len = kept.len;
	timeline_datum_begin(&out, bodies[0].len + bodies[1].len);
	timeline_merge_bodies(&out, bodies, 2, NULL, 0, NULL);
	return timeline_datum_end(&out);
}

/* timeline_merge(a, b): both are in the same order, so one walk finds those of b's events that a
 * has, each as often as both have it. */
Datum
loyalty_timeline_merge(PG_FUNCTION_ARGS)
{
	ByteSpan body;
	EventList list;
	TimelineReader known;
	Event event;
	bool more;
	int64 kept = 0;
	int64 next = 0;
	Datum alone;

	if (argument_beside_null(fcinfo, &alone))
		return alone;
	body = body_argument(fcinfo, 0);
	list = list_events(body_argument(fcinfo, 1));
	timeline_open(&known, body.bytes, body.len);
	more = timeline_next(&known, &event);
	while (next < list.count)
	{
		int order =
			more ? event_compare_scaled(&event, known.scale, &list.events[next], list.scale) : 1;

		if (order > 0)
			list.events[kept++] = list.events[next];
		if (order <= 0)
			more = timeline_next(&known, &event);
		if (order >= 0)
			next++;
		CHECK_FOR_INTERRUPTS();
	}
	list.count = kept;
	return merge_with(body, list);
}

/* Refuses an event of fresh that would stay beside what it was to replace. */
static void
check_fresh(ByteSpan fresh, TimestampTz since, TimestampTz until)
{
	TimelineReader reader;
	Event event;

	timeline_open(&reader, fresh.bytes, fresh.len);
	while (timeline_next(&reader, &event))
	{
		CHECK_FOR_INTERRUPTS();
		if (event.at < since || event.at >= until)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a fresh event is outside of the time that is replaced"),
					 errdetail("The event is %s.", event_json(&event, reader.scale)),
					 errhint("Take fresh rows of that time alone: at >= since AND at < until.")));
	}
}

/* timeline_replace(stored, fresh, since, until); a NULL bound is open */
Datum
loyalty_timeline_replace(PG_FUNCTION_ARGS)
{
	TimestampTz since = PG_ARGISNULL(2) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(2);
	TimestampTz until = PG_ARGISNULL(3) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(3);
	ByteSpan fresh = timeline_empty_body();
	ByteSpan stored = timeline_empty_body();
	EventList list;
	int64 kept = 0;
	int64 i;

	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(0))
		stored = body_argument(fcinfo, 0);
	if (!PG_ARGISNULL(1))
		fresh = body_argument(fcinfo, 1);
	check_fresh(fresh, since, until);
	list = list_events(stored);
	for (i = 0; i < list.count; i++)
	{
		if (list.events[i].at < since || list.events[i].at >= until)
			list.events[kept++] = list.events[i];
		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
	}
	list.count = kept;
	return merge_with(fresh, list);
}

/* ---- slices and filters ---- */

/* timeline_slice(timeline, since, until); a NULL bound is open */
Datum
loyalty_timeline_slice(PG_FUNCTION_ARGS)
{
	TimestampTz since = PG_ARGISNULL(1) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz until = PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2);
	ByteSpan body;
	EventList list;
	int64 first = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	body = body_argument(fcinfo, 0);
	list = list_events(body);
	while (first < list.count && list.events[first].at < since)
		first++;
	while (list.count > first && list.events[list.count - 1].at >= until)
		list.count--;
	list.events += first;
	list.count -= first;
	return timeline_of(list, body.len);
}

/* Which of a column's texts a filter lets through: [0] absence, [n] the n-th of the dictionary. */
static bool *
filter_verdicts(ArrayType *wanted, const char *name, const EventText *texts, int ntexts)
{
	bool *verdicts = timeline_alloc((uint64) ntexts + 1, sizeof(bool));
	Datum *elements;
	bool *nulls;
	int nelements;
	int i;

	argument_refuse_matrix(wanted, name);
	memset(verdicts, 0, (size_t) ntexts + 1);
	deconstruct_array(wanted, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &nelements);
	for (i = 0; i < nelements; i++)
	{
		const EventText *found;
		EventText text;

		if (nulls[i])
		{
			verdicts[0] = true;
			continue;
		}
		text.bytes = VARDATA_ANY(DatumGetPointer(elements[i]));
		text.len = (int) VARSIZE_ANY_EXHDR(DatumGetPointer(elements[i]));
		found = event_text_find(&text, texts, ntexts);
		if (found != NULL)
			verdicts[found - texts + 1] = true;
	}
	return verdicts;
}

/* timeline_filter(timeline, kinds, labels); a NULL array is no restriction */
Datum
loyalty_timeline_filter(PG_FUNCTION_ARGS)
{
	ByteSpan body;
	TimelineReader reader;
	EventList list;
	bool *kinds = NULL;
	bool *labels = NULL;
	Event event;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	body = body_argument(fcinfo, 0);
	timeline_open(&reader, body.bytes, body.len);
	if (!PG_ARGISNULL(1))
		kinds = filter_verdicts(PG_GETARG_ARRAYTYPE_P(1), "kinds", reader.kinds, reader.nkinds);
	if (!PG_ARGISNULL(2))
		labels = filter_verdicts(PG_GETARG_ARRAYTYPE_P(2), "labels", reader.labels, reader.nlabels);
	list.events = timeline_alloc(reader.count, sizeof(Event));
	list.count = 0;
	list.scale = reader.scale;
	while (timeline_next(&reader, &event))
	{
		if ((kinds == NULL || kinds[event.kind_no]) && (labels == NULL || labels[event.label_no]))
			list.events[list.count++] = event;
		CHECK_FOR_INTERRUPTS();
	}
	return timeline_of(list, body.len);
}
