/*
 * timeline_codec.c
 *		Reading a timeline's body, the order of events, and datums around bodies.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "core/decimal.h"
#include "timeline/timeline_build.h"

const int64 timeline_units[TIMELINE_HOUR + 1] = { 1, 1000, USECS_PER_SEC, USECS_PER_MINUTE,
												  USECS_PER_HOUR };

/* An array whose size the data sets; it may pass 1 GB. */
void *
timeline_alloc(uint64 count, size_t size)
{
	if (count > MaxAllocHugeSize / size)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many events in a timeline")));
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(count, 1) * size);
}

/* ---- reading ---- */

/* Reads a dictionary; room is used where it is large enough. */
static EventText *
read_dictionary(TimelineReader *reader, int *count, EventText *room, int nroom)
{
	uint64 ntexts = varint_next(&reader->at, reader->end);
	EventText *texts;
	uint64 i;

	/* Every text takes a byte here and another one in the event that it occurs in. */
	if (ntexts == 0 || ntexts > reader->count || ntexts > (uint64) (reader->end - reader->at))
		report_corrupted();
	texts = ntexts <= (uint64) nroom ? room : timeline_alloc(ntexts, sizeof(EventText));
	for (i = 0; i < ntexts; i++)
	{
		uint64 len = varint_next(&reader->at, reader->end);

		if (len > (uint64) (reader->end - reader->at))
			report_corrupted();
		texts[i].bytes = (const char *) reader->at;
		texts[i].len = (int) len;
		reader->at += len;
	}
	*count = (int) ntexts;
	return texts;
}

/* As timeline_open() up to the dictionaries, which it leaves unread. */
void
timeline_open_head(TimelineReader *reader, const uint8 *body, size_t len)
{
	const uint8 *end = body + len;

	if (unlikely(len < 3 || (body[0] & 0x0F) != TIMELINE_VERSION || body[0] >> 4 > TIMELINE_HOUR))
		report_corrupted();
	memset(reader, 0, sizeof(TimelineReader));
	reader->unit = timeline_units[body[0] >> 4];
	reader->flags = body[1];
	reader->start = body;
	reader->at = body + 2;
	reader->end = end;
	if (reader->flags & TIMELINE_HAS_VALUES)
	{
		reader->scale = *reader->at++;
		if (unlikely(reader->scale > DECIMAL_MAX_SCALE))
			report_corrupted();
	}
	reader->count = varint_next(&reader->at, end);
	if (unlikely(reader->count > (uint64) (end - reader->at)))
		report_corrupted();
	reader->left = reader->count;
}

/* As timeline_open(), with room for dictionaries; palloc only where they are larger. */
void
timeline_open_within(TimelineReader *reader, const uint8 *body, size_t len, EventText *room,
					 int nroom)
{
	timeline_open_head(reader, body, len);
	if (reader->flags & TIMELINE_HAS_KINDS)
	{
		reader->kinds = read_dictionary(reader, &reader->nkinds, room, nroom);
		if (reader->kinds == room)
		{
			room += reader->nkinds;
			nroom -= reader->nkinds;
		}
	}
	if (reader->flags & TIMELINE_HAS_LABELS)
		reader->labels = read_dictionary(reader, &reader->nlabels, room, nroom);
}

/* Starts a walk; refuses a version that it doesn't know (XX001). Dictionaries are palloc'd. */
void
timeline_open(TimelineReader *reader, const uint8 *body, size_t len)
{
	timeline_open_within(reader, body, len, NULL, 0);
}

/* Lets go of dictionaries that had no room. */
void
timeline_close_within(TimelineReader *reader, const EventText *room, int nroom)
{
	if (reader->kinds != NULL && !(reader->kinds >= room && reader->kinds < room + nroom))
		pfree(reader->kinds);
	if (reader->labels != NULL && !(reader->labels >= room && reader->labels < room + nroom))
		pfree(reader->labels);
}

bool
timeline_last_instant(ByteSpan body, TimestampTz *at)
{
	TimelineReader reader;

	timeline_open_head(&reader, body.bytes, body.len);
	if (reader.count == 0)
		return false;
	if (reader.flags & TIMELINE_RICH)
	{
		EventText room[DICTIONARY_ROOM];
		Event event;

		timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
		while (timeline_next(&reader, &event))
			CHECK_FOR_INTERRUPTS();
		timeline_close_within(&reader, room, DICTIONARY_ROOM);
		*at = event.at;
		return true;
	}
	for (; reader.left > 0; reader.left--)
	{
		*at = timeline_read_instant(&reader);
		if (reader.flags & TIMELINE_HAS_VALUES)
			(void) timeline_varint(&reader.at, reader.end);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* The columns of an event beyond instant and value; for timeline_next(). */
void
timeline_read_rest(TimelineReader *reader, Event *event)
{
	if (reader->flags & TIMELINE_HAS_KINDS)
	{
		event->kind_no = timeline_read_text_no(reader, reader->nkinds);
		if (event->kind_no > 0)
			event->kind = reader->kinds[event->kind_no - 1];
	}
	if (reader->flags & TIMELINE_HAS_LABELS)
	{
		event->label_no = timeline_read_text_no(reader, reader->nlabels);
		if (event->label_no > 0)
			event->label = reader->labels[event->label_no - 1];
	}
	if (reader->flags & TIMELINE_HAS_REFS)
		event->ref_type = timeline_read_ref(reader, &event->ref_number, &event->ref_text);
	if (reader->flags & TIMELINE_HAS_EXPIRIES)
		event->has_expiry = timeline_read_expiry(reader, event->at, &event->expires_at);
}

/* All events of a body in a palloc'd array; their count and scale. */
Event *
timeline_decode(const uint8 *body, size_t len, int64 *nevents, int *scale)
{
	TimelineReader reader;
	Event *events;
	int64 i = 0;

	timeline_open(&reader, body, len);
	events = timeline_alloc(reader.count, sizeof(Event));
	*nevents = (int64) reader.count;
	*scale = reader.scale;
	while (timeline_next(&reader, &events[i]))
	{
		i++;
		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return events;
}

/* ---- order ---- */

static inline int
compare_numbers(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

/* Do two values compare as numbers, whatever their scales; no product passes 2^123. */
static int
compare_values(int64 a, int a_scale, int64 b, int b_scale)
{
	int128 left = a;
	int128 right = b;

	if (a_scale < b_scale)
		left *= decimal_power[b_scale - a_scale];
	else if (b_scale < a_scale)
		right *= decimal_power[a_scale - b_scale];
	return (left > right) - (left < right);
}

/* The order of events whose values may be held at different scales. */
int
event_compare_scaled(const Event *a, int a_scale, const Event *b, int b_scale)
{
	int order;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if ((order = event_text_compare(&a->kind, &b->kind)) != 0 ||
		(order = event_text_compare(&a->label, &b->label)) != 0 ||
		(order = (int) a->ref_type - (int) b->ref_type) != 0)
		return order;
	if (a->ref_type == EVENT_REF_NUMBER && a->ref_number != b->ref_number)
		return a->ref_number < b->ref_number ? -1 : 1;
	if (a->ref_type == EVENT_REF_TEXT &&
		(order = event_text_compare(&a->ref_text, &b->ref_text)) != 0)
		return order;
	if (a->has_value != b->has_value)
		return a->has_value ? 1 : -1;
	if (a->has_value)
	{
		order = a_scale == b_scale ? compare_numbers(a->value, b->value)
								   : compare_values(a->value, a_scale, b->value, b_scale);
		if (order != 0)
			return order;
	}
	if (a->has_expiry != b->has_expiry)
		return a->has_expiry ? 1 : -1;
	return a->has_expiry ? compare_numbers(a->expires_at, b->expires_at) : 0;
}

int
event_compare(const Event *a, const Event *b)
{
	return event_compare_scaled(a, 0, b, 0);
}

/* ---- datums ---- */

/* Begins a datum of either type: what is appended to out is its body. */
void
timeline_datum_begin(ByteBuffer *out, size_t size)
{
	buffer_init(out, VARHDRSZ + size);
	out->len = VARHDRSZ;
}

Datum
timeline_datum_end(ByteBuffer *out)
{
	datum_set_size(out->data, out->len, "event_timeline", TIMELINE_SIZE_HINT);
	return PointerGetDatum(out->data);
}

/* The body held by a detoasted event_timeline or timeline_event datum. */
ByteSpan
timeline_event_body(Datum event)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(event);
	ByteSpan body;

	body.bytes = (const uint8 *) VARDATA_ANY(value);
	body.len = VARSIZE_ANY_EXHDR(value);
	return body;
}

/* The body of a timeline without events. */
ByteSpan
timeline_empty_body(void)
{
	static const uint8 bytes[] = { TIMELINE_VERSION, 0, 0 };
	ByteSpan body = { bytes, sizeof(bytes) };

	return body;
}

/* Refuses 'infinity' and '-infinity' as an event's instant (22008). */
void
timeline_check_instant(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an event can't be at %s", at == DT_NOEND ? "infinity" : "-infinity"),
				 errhint("Leave such rows out, or give NULL, which adds no event.")));
}

/* The same as an event's expiry, where 'infinity' means that it never expires. */
void
timeline_check_expiry(TimestampTz at)
{
	if (at == DT_NOBEGIN)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("an event can't expire at -infinity"),
			 errhint("'infinity' means that it never expires; NULL leaves that to the policy.")));
}

/* Is this a bigint exactly as its output function writes it? */
static bool
text_is_bigint(const char *bytes, int len, int64 *number)
{
	bool negative = len > 0 && bytes[0] == '-';
	int i = negative;
	uint64 digits = 0;
	uint64 limit = (uint64) PG_INT64_MAX + negative;

	if (i == len || (bytes[i] == '0' && len > 1))
		return false;
	for (; i < len; i++)
	{
		uint64 digit = (uint64) (bytes[i] - '0');

		if (bytes[i] < '0' || bytes[i] > '9' || digits > (limit - digit) / 10)
			return false;
		digits = digits * 10 + digit;
	}
	*number = negative ? (int64) (0 - digits) : (int64) digits;
	return true;
}

/* Sets the ref from a text: a number where it is written exactly as a bigint is. */
void
event_set_ref_text(Event *event, const char *bytes, int len)
{
	if (text_is_bigint(bytes, len, &event->ref_number))
	{
		event->ref_type = EVENT_REF_NUMBER;
		return;
	}
	event->ref_type = EVENT_REF_TEXT;
	event->ref_text.bytes = bytes;
	event->ref_text.len = len;
}
