/*
 * timeline_codec.c
 *		Reading a timeline's body, checking one, the order of events, and datums around bodies.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/comparison.h"
#include "core/decimal.h"
#include "timeline/timeline_internal.h"

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

/* The scale that values are stored with: zeros that all have after the fourth decimal go. */
int
timeline_kept_scale(int needed, int scale)
{
	return Min(scale, Max(needed, DECIMAL_KEPT_ZEROS));
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
	bool wide;

	if (unlikely(len < 3 || body[0] >> 4 > TIMELINE_HOUR))
		report_corrupted();
	wide = (body[0] & 0x0F) == TIMELINE_VERSION_WIDE;
	if (unlikely(wide ? len < 4 : (body[0] & 0x0F) != TIMELINE_VERSION))
		report_corrupted();
	memset(reader, 0, sizeof(TimelineReader));
	reader->unit = timeline_units[body[0] >> 4];
	reader->flags = body[1];
	reader->start = body;
	reader->at = body + 2;
	reader->end = end;
	if (unlikely(wide))
	{
		reader->flags |= (uint16) (*reader->at++ << 8);
		if ((reader->flags & ~TIMELINE_FLAGS) != 0)
			report_corrupted();
	}
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
		*at = DT_NOBEGIN;
		while (timeline_next(&reader, &event))
		{
			*at = Max(*at, event_last_instant(&event));
			CHECK_FOR_INTERRUPTS();
		}
		timeline_close_within(&reader, room, DICTIONARY_ROOM);
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
	if (unlikely(reader->flags & TIMELINE_HAS_SPANS))
		event->has_span = timeline_read_span(reader, event->at, &event->until);
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
		order = a_scale == b_scale ? int64_compare(a->value, b->value)
								   : compare_values(a->value, a_scale, b->value, b_scale);
		if (order != 0)
			return order;
	}
	if (a->has_expiry != b->has_expiry)
		return a->has_expiry ? 1 : -1;
	if (a->has_expiry && a->expires_at != b->expires_at)
		return a->expires_at < b->expires_at ? -1 : 1;
	if (a->has_span != b->has_span)
		return a->has_span ? 1 : -1;
	return a->has_span ? int64_compare(a->until, b->until) : 0;
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

/* What is wrong with an event's span, to go on in a message; NULL: nothing. */
const char *
event_span_fault(const Event *event)
{
	if (!event->has_span)
		return NULL;
	if (event->until < event->at)
		return "it ends before it begins";
	if (event->until == DT_NOEND && event->has_value && event->value != 0)
		return "it has a value but no end";
	return NULL;
}

/* Refuses such a span (22023). */
void
event_check_span(const Event *event)
{
	const char *fault = event_span_fault(event);
	char at[INSTANT_TEXT_SIZE];
	char until[INSTANT_TEXT_SIZE];

	if (likely(fault == NULL))
		return;
	instant_to_text(event->at, at);
	instant_to_text(event->until, until);
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("an event can't be from %s until %s: %s", at, until, fault),
		 event->until < event->at
			 ? errhint("until is exclusive, as the upper bound of a range: of a span whose last "
					   "day is known it is the day after.")
			 : errhint("A value is spread over the days of its span: make an event of each time "
					   "that is paid for, or leave the value out.")));
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

/* ---- is this the body of a timeline? For bytes that anyone may have written. ---- */

/*
 * There is one valid form, so everything that a writer decides is checked: that the
 * flags say what occurs, that the unit and the scale can't be larger or smaller, that
 * dictionaries are sorted and used, and that events are in order.
 */

/* A body that is looked at, and what has been found in it. */
typedef struct Check
{
	ByteReader in;
	uint16 flags;
	uint16 found; /* flags that the events so far call for */
	int unit;
	int largest_unit; /* that divides all instants so far */
	int scale;
	int needed_scale;
	uint64 count;
	uint64 last_ref;
	uint64 nkinds;
	uint64 nlabels;
	EventText *kinds;
	EventText *labels;
	bool *kinds_used;
	bool *labels_used;
} Check;

static bool
valid_text(EventText text)
{
	return pg_verify_mbstr(GetDatabaseEncoding(), text.bytes, text.len, true);
}

/* A sorted dictionary; its size is checked against the bytes before anything is allocated. */
static bool
check_dictionary(Check *check, uint64 *count, EventText **texts, bool **used)
{
	uint64 ntexts;
	uint64 i;

	if (!read_varint(&check->in, &ntexts) || ntexts == 0 || ntexts > check->count ||
		ntexts > (uint64) (check->in.end - check->in.at))
		return false;
	*count = ntexts;
	*texts = timeline_alloc(ntexts, sizeof(EventText));
	*used = timeline_alloc(ntexts, sizeof(bool));
	memset(*used, 0, ntexts * sizeof(bool));
	for (i = 0; i < ntexts; i++)
	{
		EventText *text = &(*texts)[i];
		const uint8 *bytes;
		uint64 len;

		if (!read_varint(&check->in, &len) || !read_bytes(&check->in, len, &bytes))
			return false;
		text->bytes = (const char *) bytes;
		text->len = (int) len;
		if (!valid_text(*text) || (i > 0 && event_text_compare(text - 1, text) >= 0))
			return false;
	}
	return true;
}

static bool
check_head(Check *check)
{
	uint8 version;
	uint8 flags;
	uint8 more = 0;
	uint8 scale;

	if (!read_byte(&check->in, &version) || version >> 4 > TIMELINE_HOUR ||
		!read_byte(&check->in, &flags))
		return false;
	if ((version & 0x0F) == TIMELINE_VERSION_WIDE)
	{
		if (!read_byte(&check->in, &more) || more == 0)
			return false;
	}
	else if ((version & 0x0F) != TIMELINE_VERSION)
		return false;
	check->flags = (uint16) (flags | more << 8);
	check->unit = version >> 4;
	check->largest_unit = TIMELINE_HOUR;
	if (check->flags & TIMELINE_HAS_VALUES)
	{
		if (!read_byte(&check->in, &scale) || scale > DECIMAL_MAX_SCALE)
			return false;
		check->scale = scale;
	}
	if (!read_varint(&check->in, &check->count) ||
		check->count > (uint64) (check->in.end - check->in.at))
		return false;
	if (check->count == 0)
		return check->unit == TIMELINE_MICROSECOND && check->flags == 0;
	if ((check->flags & TIMELINE_HAS_KINDS) &&
		!check_dictionary(check, &check->nkinds, &check->kinds, &check->kinds_used))
		return false;
	if ((check->flags & TIMELINE_HAS_LABELS) &&
		!check_dictionary(check, &check->nlabels, &check->labels, &check->labels_used))
		return false;
	return true;
}

/* An instant that is so many units after (or before) another, if that is a timestamp. */
static bool
shift_instant(TimestampTz from, uint64 units, bool forward, int64 unit, TimestampTz *result)
{
	int128 distance = (int128) units * unit;
	int128 instant = forward ? from + distance : from - distance;

	if (instant < MIN_TIMESTAMP || instant >= END_TIMESTAMP)
		return false;
	*result = (TimestampTz) instant;
	return true;
}

static bool
check_instant(Check *check, Event *event, const Event *before)
{
	int64 unit = timeline_units[check->unit];
	uint64 code;

	if (!read_varint(&check->in, &code))
		return false;
	if (before != NULL)
	{
		if (!shift_instant(before->at, code, true, unit, &event->at))
			return false;
	}
	else
	{
		int64 units = zigzag_unfold(code);
		uint64 distance = units < 0 ? 0 - (uint64) units : (uint64) units;

		if (!shift_instant(0, distance, units >= 0, unit, &event->at))
			return false;
	}
	check->largest_unit = timeline_unit_of(check->largest_unit, event->at);
	return true;
}

static bool
check_value(Check *check, Event *event)
{
	uint64 code;

	if (!read_varint(&check->in, &code))
		return false;
	if (check->flags & TIMELINE_HAS_ABSENT_VALUES)
	{
		if (code == 0)
		{
			check->found |= TIMELINE_HAS_ABSENT_VALUES;
			return true;
		}
		code--;
	}
	event->has_value = true;
	check->found |= TIMELINE_HAS_VALUES;
	if (check->flags & TIMELINE_HAS_NEGATIVES)
		event->value = zigzag_unfold(code);
	else if (code <= (uint64) PG_INT64_MAX)
		event->value = (int64) code;
	else
		return false;
	if (event->value == PG_INT64_MIN)
		return false;
	if (event->value < 0)
		check->found |= TIMELINE_HAS_NEGATIVES;
	if (check->scale > DECIMAL_KEPT_ZEROS && check->needed_scale < check->scale)
		check->needed_scale =
			Max(check->needed_scale, decimal_minimal_scale(event->value, check->scale));
	return true;
}

static bool
check_text(Check *check, const EventText *texts, bool *used, uint64 ntexts, EventText *text)
{
	uint64 number;

	if (!read_varint(&check->in, &number) || number > ntexts)
		return false;
	if (number > 0)
	{
		*text = texts[number - 1];
		used[number - 1] = true;
	}
	return true;
}

static bool
check_ref(Check *check, Event *event)
{
	uint64 tag = 1;
	int64 change;
	const uint8 *bytes;

	if ((check->flags & TIMELINE_HAS_MIXED_REFS) && !read_varint(&check->in, &tag))
		return false;
	if (tag == 0)
	{
		check->found |= TIMELINE_HAS_MIXED_REFS;
		return true;
	}
	check->found |= TIMELINE_HAS_REFS;
	if (tag == 1)
	{
		if (!read_signed(&check->in, &change))
			return false;
		check->last_ref += (uint64) change;
		event->ref_type = EVENT_REF_NUMBER;
		event->ref_number = (int64) check->last_ref;
		return true;
	}
	check->found |= TIMELINE_HAS_MIXED_REFS;
	if (!read_bytes(&check->in, tag - 2, &bytes))
		return false;
	event_set_ref_text(event, (const char *) bytes, (int) (tag - 2));
	return event->ref_type == EVENT_REF_TEXT && valid_text(event->ref_text);
}

static bool
check_expiry(Check *check, Event *event)
{
	int64 unit = timeline_units[check->unit];
	uint64 code;

	if (!read_varint(&check->in, &code))
		return false;
	if (code == 0)
		return true;
	check->found |= TIMELINE_HAS_EXPIRIES;
	event->has_expiry = true;
	if (code == 1)
	{
		event->expires_at = DT_NOEND;
		return true;
	}
	if (code == 2)
	{
		if (!read_varint(&check->in, &code) || code == PG_UINT64_MAX ||
			!shift_instant(event->at, code + 1, false, unit, &event->expires_at))
			return false;
	}
	else if (!shift_instant(event->at, code - 3, true, unit, &event->expires_at))
		return false;
	check->largest_unit = timeline_unit_of(check->largest_unit, event->expires_at);
	return true;
}

static bool
check_span(Check *check, Event *event)
{
	uint64 code;

	if (!read_varint(&check->in, &code))
		return false;
	if (code == 0)
		return true;
	check->found |= TIMELINE_HAS_SPANS;
	event->has_span = true;
	if (code == 1)
		event->until = DT_NOEND;
	else
	{
		if (!shift_instant(event->at, code - 2, true, timeline_units[check->unit], &event->until))
			return false;
		check->largest_unit = timeline_unit_of(check->largest_unit, event->until);
	}
	return event_span_fault(event) == NULL;
}

static bool
check_event(Check *check, Event *event, const Event *before)
{
	memset(event, 0, sizeof(Event));
	return check_instant(check, event, before) &&
		   (!(check->flags & TIMELINE_HAS_VALUES) || check_value(check, event)) &&
		   (!(check->flags & TIMELINE_HAS_KINDS) ||
			check_text(check, check->kinds, check->kinds_used, check->nkinds, &event->kind)) &&
		   (!(check->flags & TIMELINE_HAS_LABELS) ||
			check_text(check, check->labels, check->labels_used, check->nlabels, &event->label)) &&
		   (!(check->flags & TIMELINE_HAS_REFS) || check_ref(check, event)) &&
		   (!(check->flags & TIMELINE_HAS_EXPIRIES) || check_expiry(check, event)) &&
		   (!(check->flags & TIMELINE_HAS_SPANS) || check_span(check, event)) &&
		   (before == NULL || event_compare(before, event) <= 0);
}

static bool
check_events(Check *check)
{
	Event events[2]; /* this one and the one before, by turns */
	uint64 i;

	for (i = 0; i < check->count; i++)
	{
		if (!check_event(check, &events[i & 1], i > 0 ? &events[(i - 1) & 1] : NULL))
			return false;
		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < check->nkinds; i++)
		if (!check->kinds_used[i])
			return false;
	for (i = 0; i < check->nlabels; i++)
		if (!check->labels_used[i])
			return false;
	check->found |= check->flags & (TIMELINE_HAS_KINDS | TIMELINE_HAS_LABELS);
	return check->in.at == check->in.end && check->found == check->flags &&
		   (check->count == 0 || check->unit == check->largest_unit) &&
		   check->scale == timeline_kept_scale(check->needed_scale, check->scale);
}

/* Is this the body of a timeline, in its only valid form? For bytes from outside. */
bool
timeline_body_valid(const uint8 *body, size_t len)
{
	Check check;
	bool valid;

	memset(&check, 0, sizeof(check));
	check.in.at = body;
	check.in.end = body + len;
	valid = check_head(&check) && check_events(&check);
	if (check.kinds != NULL)
	{
		pfree(check.kinds);
		pfree(check.kinds_used);
	}
	if (check.labels != NULL)
	{
		pfree(check.labels);
		pfree(check.labels_used);
	}
	return valid;
}
