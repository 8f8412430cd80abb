/*
 * timeline_check.c
 *		Is this the body of a timeline? For bytes that anyone may have written.
 *
 * There is one valid form, so everything that a writer decides is checked: that the
 * flags say what occurs, that the unit and the scale can't be larger or smaller, that
 * dictionaries are sorted and used, and that events are in order.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "core/decimal.h"
#include "timeline/timeline_build.h"

/* A body that is looked at, and what has been found in it. */
typedef struct Check
{
	ByteReader in;
	uint8 flags;
	uint8 found; /* flags that the events so far call for */
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
	uint8 scale;

	if (!read_byte(&check->in, &version) || (version & 0x0F) != TIMELINE_VERSION ||
		version >> 4 > TIMELINE_HOUR || !read_byte(&check->in, &check->flags))
		return false;
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
