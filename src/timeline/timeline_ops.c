/*
 * timeline_ops.c
 *		Timelines out of timelines: a + b, a - b, timeline_merge, slices and filters.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/timestamp.h"
#include "core/argument.h"
#include "core/decimal.h"
#include "core/sort.h"
#include "timeline/timeline_internal.h"

PG_FUNCTION_INFO_V1(loyalty_event_timeline_add);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_subtract);
PG_FUNCTION_INFO_V1(loyalty_timeline_merge);
PG_FUNCTION_INFO_V1(loyalty_timeline_slice);
PG_FUNCTION_INFO_V1(loyalty_timeline_filter);

static ByteSpan
body_argument(FunctionCallInfo fcinfo, int n)
{
	return timeline_event_body(PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(n))));
}

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

static void report_missing(const Event *event, int scale) pg_attribute_noreturn();

static void
report_missing(const Event *event, int scale)
{
	StringInfoData json;

	initStringInfo(&json);
	event_append_json(&json, event, scale);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("an event to take away is not in the timeline"),
			 errdetail("The event is %s.", json.data),
			 errhint("Events are the same where all their columns are: at, value, kind, label, ref "
					 "and expires_at.")));
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

/* ---- timeline_merge ---- */

/* By ref, then kind. */
static int
compare_keys(const void *left, const void *right)
{
	const Event *a = *(Event *const *) left;
	const Event *b = *(Event *const *) right;
	int order;

	if (a->ref_type != b->ref_type)
		return (int) a->ref_type - (int) b->ref_type;
	if (a->ref_type == EVENT_REF_NUMBER && a->ref_number != b->ref_number)
		return a->ref_number < b->ref_number ? -1 : 1;
	if (a->ref_type == EVENT_REF_TEXT &&
		(order = event_text_compare(&a->ref_text, &b->ref_text)) != 0)
		return order;
	return event_text_compare(&a->kind, &b->kind);
}

/* Keeps of news the events whose (ref, kind) isn't in old; those without ref are kept. */
static void
drop_known(EventList *news, EventList old)
{
	Event **keys = timeline_alloc(old.count, sizeof(Event *));
	int64 nkeys = 0;
	int64 kept = 0;
	int64 i;

	for (i = 0; i < old.count; i++)
		if (old.events[i].ref_type != EVENT_REF_NONE)
			keys[nkeys++] = &old.events[i];
	sort_elements(keys, nkeys, sizeof(Event *), compare_keys);
	for (i = 0; i < news->count; i++)
	{
		Event *event = &news->events[i];

		if (event->ref_type == EVENT_REF_NONE ||
			bsearch(&event, keys, nkeys, sizeof(Event *), compare_keys) == NULL)
			news->events[kept++] = *event;
		CHECK_FOR_INTERRUPTS();
	}
	news->count = kept;
	pfree(keys);
}

/* timeline_merge(a, b) */
Datum
loyalty_timeline_merge(PG_FUNCTION_ARGS)
{
	ByteSpan bodies[2];
	ByteBuffer kept;
	ByteBuffer out;
	TimelineReader head;
	Datum alone;

	if (argument_beside_null(fcinfo, &alone))
		return alone;
	bodies[0] = body_argument(fcinfo, 0);
	bodies[1] = body_argument(fcinfo, 1);
	timeline_open_head(&head, bodies[1].bytes, bodies[1].len);
	if (head.flags & TIMELINE_HAS_REFS)
	{
		EventList news = list_events(bodies[1]);

		drop_known(&news, list_events(bodies[0]));
		buffer_init(&kept, bodies[1].len);
		timeline_encode(&kept, news.events, news.count, news.scale);
		bodies[1].bytes = kept.data;
		bodies[1].len = kept.len;
	}
	timeline_datum_begin(&out, bodies[0].len + bodies[1].len);
	timeline_merge_bodies(&out, bodies, 2, NULL, 0, NULL);
	return timeline_datum_end(&out);
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
