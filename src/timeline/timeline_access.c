/*
 * timeline_access.c
 *		What a timeline answers about itself: its events, counts, sums, active days.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/decimal.h"
#include "timeline/timeline_internal.h"

PG_FUNCTION_INFO_V1(loyalty_timeline_events);
PG_FUNCTION_INFO_V1(loyalty_timeline_count);
PG_FUNCTION_INFO_V1(loyalty_timeline_first);
PG_FUNCTION_INFO_V1(loyalty_timeline_last);
PG_FUNCTION_INFO_V1(loyalty_timeline_sum);
PG_FUNCTION_INFO_V1(loyalty_timeline_first_label);
PG_FUNCTION_INFO_V1(loyalty_activity_set_timeline);

static ByteSpan
body_argument(FunctionCallInfo fcinfo)
{
	return timeline_event_body(PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0))));
}

/* Opens the first argument. */
static void
open_argument(FunctionCallInfo fcinfo, TimelineReader *reader)
{
	ByteSpan body = body_argument(fcinfo);

	timeline_open(reader, body.bytes, body.len);
}

/* timeline_count(timeline) */
Datum
loyalty_timeline_count(PG_FUNCTION_ARGS)
{
	ByteSpan body = body_argument(fcinfo);
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

/* Adds up the values in [since, until); returns whether there is one. */
static bool
sum_between(TimelineReader *reader, TimestampTz since, TimestampTz until, int128 *sum)
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
		found = sum_between(&reader, since, until, &sum);
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

#define EVENT_COLUMNS 6

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
								  !event->has_expiry };

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

/* activity_set(timeline, zone): the days of events whose value isn't negative */
Datum
loyalty_activity_set_timeline(PG_FUNCTION_ARGS)
{
	ZoneDays *zone;
	TimelineReader reader;
	ByteBuffer out;
	Event event;
	DateADT *days;
	int ndays = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		zone = zone_of_session();
	else
	{
		const text *name = PG_GETARG_TEXT_PP(1);

		zone = zone_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	}
	open_argument(fcinfo, &reader);
	days = timeline_alloc(reader.count, sizeof(DateADT));
	while (timeline_next(&reader, &event))
	{
		if (!event.has_value || event.value >= 0)
			days[ndays++] = zone_day(zone, event.at);
		CHECK_FOR_INTERRUPTS();
	}

	/* Not always in order: a zone that moved across the date line had a day twice. */
	ndays = activity_sort_days(days, ndays);
	buffer_init(&out, VARINT_MAX_BYTES);
	activity_encode(&out, days, ndays);
	return activity_set_from_body(out.data, out.len);
}
