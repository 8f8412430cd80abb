/*
 * timeline_encode.c
 *		Writing a timeline's body from whole events.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/decimal.h"
#include "core/array.h"
#include "timeline/timeline_internal.h"

#define SORT_NAME		 sort_events
#define SORT_ELEMENT	 Event *
#define SORT_AFTER(a, b) (event_compare(*(a), *(b)) > 0)
#include "core/merge_sort.h"

/* Distinct texts up to this many are searched one by one. */
#define DICTIONARY_SMALL 16

typedef enum DictionaryColumn
{
	COLUMN_KIND,
	COLUMN_LABEL
} DictionaryColumn;

/* The texts of a column, sorted. */
typedef struct Dictionary
{
	EventText small[DICTIONARY_SMALL];
	EventText *texts;
	int64 count;
} Dictionary;

static inline const EventText *
event_text(const Event *event, DictionaryColumn column)
{
	return column == COLUMN_KIND ? &event->kind : &event->label;
}

static inline int *
event_number(Event *event, DictionaryColumn column)
{
	return column == COLUMN_KIND ? &event->kind_no : &event->label_no;
}

/* Numbers a column's texts by searching the few that there are; false where they are too many. */
static bool
build_small_dictionary(Dictionary *dictionary, Event **order, int64 nevents,
					   DictionaryColumn column)
{
	EventText *texts = dictionary->small;
	EventText sorted[DICTIONARY_SMALL];
	int rank[DICTIONARY_SMALL + 1];
	int count = 0;
	int64 i;
	int a;
	int b;

	for (i = 0; i < nevents; i++)
	{
		const EventText *text = event_text(order[i], column);
		int number = 0;

		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
		if (text->bytes != NULL)
		{
			while (number < count && (texts[number].len != text->len ||
									  memcmp(texts[number].bytes, text->bytes, text->len) != 0))
				number++;
			if (number == count)
			{
				if (count == DICTIONARY_SMALL)
					return false;
				texts[count++] = *text;
			}
			number++;
		}
		*event_number(order[i], column) = number;
	}
	dictionary->texts = texts;
	dictionary->count = count;
	if (count < 2)
		return true;

	rank[0] = 0;
	for (a = 0; a < count; a++)
	{
		rank[a + 1] = 1;
		for (b = 0; b < count; b++)
			rank[a + 1] += event_text_compare(&texts[b], &texts[a]) < 0;
		sorted[rank[a + 1] - 1] = texts[a];
	}
	memcpy(texts, sorted, count * sizeof(EventText));
	for (i = 0; i < nevents; i++)
	{
		int *number = event_number(order[i], column);

		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
		*number = rank[*number];
	}
	return true;
}

/* Collects the distinct texts of a column, and sets every event's number of its text. */
static void
build_dictionary(Dictionary *dictionary, Event **order, int64 nevents, DictionaryColumn column)
{
	EventText *texts;
	int64 count = 0;
	int64 distinct = 0;
	int64 i;

	if (build_small_dictionary(dictionary, order, nevents, column))
		return;
	texts = timeline_alloc(nevents, sizeof(EventText));
	for (i = 0; i < nevents; i++)
	{
		const EventText *text = event_text(order[i], column);

		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
		if (text->bytes != NULL && (count == 0 || event_text_compare(&texts[count - 1], text) != 0))
			texts[count++] = *text;
	}
	sort_elements(texts, count, sizeof(EventText), event_text_order);
	for (i = 0; i < count; i++)
		if (distinct == 0 || event_text_compare(&texts[distinct - 1], &texts[i]) != 0)
			texts[distinct++] = texts[i];
	for (i = 0; i < nevents; i++)
	{
		const EventText *text = event_text(order[i], column);
		const EventText *found = NULL;

		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
		if (text->bytes != NULL)
			found = event_text_find(text, texts, distinct);
		*event_number(order[i], column) = found == NULL ? 0 : (int) (found - texts) + 1;
	}
	dictionary->texts = texts;
	dictionary->count = distinct;
}

/* Writes a dictionary, if there is one, and lets go of it. */
static void
put_dictionary(ByteBuffer *out, Dictionary *dictionary)
{
	int64 i;

	if (dictionary->count == 0)
		return;
	buffer_put_varint(out, dictionary->count);
	for (i = 0; i < dictionary->count; i++)
	{
		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
		buffer_put_varint(out, dictionary->texts[i].len);
		buffer_put_bytes(out, dictionary->texts[i].bytes, dictionary->texts[i].len);
	}
	if (dictionary->texts != dictionary->small)
		pfree(dictionary->texts);
}

/* What decides the form of a body. */
typedef struct Shape
{
	uint16 flags;
	int unit;
	int scale;
} Shape;

/* Looks at all events, and brings their values to the scale that is stored. */
static Shape
shape_of_events(Event *events, int64 nevents, int scale)
{
	Shape shape = { 0, nevents > 0 ? TIMELINE_HOUR : TIMELINE_MICROSECOND, scale };
	int64 nvalues = 0;
	int64 nnumbers = 0;
	int needed = 0;
	int64 i;

	for (i = 0; i < nevents; i++)
	{
		const Event *event = &events[i];

		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
		shape.unit = timeline_unit_of(shape.unit, event->at);
		if (event->has_value)
		{
			nvalues++;
			if (event->value < 0)
				shape.flags |= TIMELINE_HAS_NEGATIVES;
			if (scale > DECIMAL_KEPT_ZEROS && needed < scale)
				needed = Max(needed, decimal_minimal_scale(event->value, scale));
		}
		if (event->kind.bytes != NULL)
			shape.flags |= TIMELINE_HAS_KINDS;
		if (event->label.bytes != NULL)
			shape.flags |= TIMELINE_HAS_LABELS;
		if (event->ref_type != EVENT_REF_NONE)
			shape.flags |= TIMELINE_HAS_REFS;
		nnumbers += event->ref_type == EVENT_REF_NUMBER;
		if (event->has_expiry)
		{
			shape.flags |= TIMELINE_HAS_EXPIRIES;
			if (event->expires_at != DT_NOEND)
				shape.unit = timeline_unit_of(shape.unit, event->expires_at);
		}
		if (unlikely(event->has_span))
		{
			shape.flags |= TIMELINE_HAS_SPANS;
			if (event->until != DT_NOEND)
				shape.unit = timeline_unit_of(shape.unit, event->until);
		}
	}
	if (nvalues > 0)
		shape.flags |= TIMELINE_HAS_VALUES | (nvalues < nevents ? TIMELINE_HAS_ABSENT_VALUES : 0);
	if ((shape.flags & TIMELINE_HAS_REFS) && nnumbers < nevents)
		shape.flags |= TIMELINE_HAS_MIXED_REFS;
	shape.scale = timeline_kept_scale(needed, scale);
	if (shape.scale < scale)
		for (i = 0; i < nevents; i++)
			events[i].value /= decimal_power[scale - shape.scale];
	return shape;
}

/* Writes what an event has beyond instant and value. */
static uint8 *
put_rest(uint8 *at, const Event *event, Shape shape, uint64 *last_ref)
{
	if (shape.flags & TIMELINE_HAS_KINDS)
		at = varint_write(at, event->kind_no);
	if (shape.flags & TIMELINE_HAS_LABELS)
		at = varint_write(at, event->label_no);
	if (shape.flags & TIMELINE_HAS_REFS)
	{
		if (event->ref_type == EVENT_REF_NUMBER)
		{
			if (shape.flags & TIMELINE_HAS_MIXED_REFS)
				*at++ = 1;
			at = timeline_put_varint(at,
									 zigzag_fold((int64) ((uint64) event->ref_number - *last_ref)));
			*last_ref = (uint64) event->ref_number;
		}
		else if (event->ref_type == EVENT_REF_TEXT)
		{
			at = varint_write(at, (uint64) event->ref_text.len + 2);
			memcpy(at, event->ref_text.bytes, event->ref_text.len);
			at += event->ref_text.len;
		}
		else
			*at++ = 0;
	}
	if (shape.flags & TIMELINE_HAS_EXPIRIES)
	{
		uint64 unit = (uint64) timeline_units[shape.unit];

		if (!event->has_expiry)
			*at++ = 0;
		else if (event->expires_at == DT_NOEND)
			*at++ = 1;
		else if (event->expires_at < event->at)
		{
			*at++ = 2;
			at = timeline_put_varint(at,
									 ((uint64) event->at - (uint64) event->expires_at) / unit - 1);
		}
		else
			at = timeline_put_varint(at,
									 ((uint64) event->expires_at - (uint64) event->at) / unit + 3);
	}
	if (unlikely(shape.flags & TIMELINE_HAS_SPANS))
	{
		if (!event->has_span)
			*at++ = 0;
		else if (event->until == DT_NOEND)
			*at++ = 1;
		else
			at = timeline_put_varint(at, ((uint64) event->until - (uint64) event->at) /
												 (uint64) timeline_units[shape.unit] +
											 2);
	}
	return at;
}

/* Room for an event but for the text of its ref: no column takes more than two varints. */
#define EVENT_ROOM (7 * 2 * VARINT_MAX_BYTES)

/*
 * Appends the body that holds these events, in any order, all at one scale. Texts may lie
 * anywhere but in out; kind_no and label_no are overwritten.
 */
void
timeline_encode(ByteBuffer *out, Event *events, int64 nevents, int scale)
{
	Event *few[TIMELINE_FEW];
	Event **order = nevents <= TIMELINE_FEW ? few : timeline_alloc(nevents, sizeof(Event *));
	Shape shape = shape_of_events(events, nevents, scale);
	Dictionary kinds;
	Dictionary labels;
	uint64 last_ref = 0;
	int64 i;

	for (i = 0; i < nevents; i++)
		order[i] = &events[i];
	sort_events(order, nevents);

	kinds.count = 0;
	labels.count = 0;
	if (shape.flags & TIMELINE_HAS_KINDS)
		build_dictionary(&kinds, order, nevents, COLUMN_KIND);
	if (shape.flags & TIMELINE_HAS_LABELS)
		build_dictionary(&labels, order, nevents, COLUMN_LABEL);

	buffer_reserve(out, TIMELINE_HEAD_MAX);
	out->len =
		timeline_put_head(out->data + out->len, shape.unit, shape.flags, shape.scale, nevents) -
		out->data;
	put_dictionary(out, &kinds);
	put_dictionary(out, &labels);
	for (i = 0; i < nevents; i++)
	{
		const Event *event = order[i];
		uint8 *at;

		buffer_reserve(out, EVENT_ROOM + (size_t) event->ref_text.len);
		at = out->data + out->len;
		at = timeline_put_varint(
			at, timeline_instant_code(event->at, i > 0 ? order[i - 1]->at : 0, i == 0, shape.unit));
		if (shape.flags & TIMELINE_HAS_VALUES)
			at = timeline_put_varint(
				at, event->has_value ? timeline_value_code(shape.flags, event->value) : 0);
		if (shape.flags & TIMELINE_RICH)
			at = put_rest(at, event, shape, &last_ref);
		out->len = at - out->data;
		if ((i & 0xFFFF) == 0xFFFF)
			CHECK_FOR_INTERRUPTS();
	}
	if (order != few)
		pfree(order);
}
