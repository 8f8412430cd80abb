/*
 * timeline_merge.c
 *		Making one timeline's body of several and of rows.
 *
 * This is what collectors spend their time in, so timelines of just instants, values and
 * few kinds are taken apart to rows of 24 bytes, which are rarely out of order, and
 * written without looking at anything else; a usual customer's are on the stack.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/decimal.h"
#include "timeline/timeline_internal.h"

/* ---- kinds of rows and bodies that are merged, as long as they are few: numbered as they come,
 * then in the order of dictionaries ---- */

/* Kinds up to this many are looked for one by one. */
#define KINDS_FEW 16

typedef struct TimelineKinds
{
	int count;
	EventText texts[KINDS_FEW];
	uint32 numbers[KINDS_FEW]; /* in the collector's texts; 0: not met there */
} TimelineKinds;

/* The number of a kind, from 1 on, new or known; 0: they are too many. */
static uint32
kind_of_text(TimelineKinds *kinds, EventText text)
{
	int i;

	for (i = 0; i < kinds->count; i++)
		if (kinds->texts[i].len == text.len &&
			memcmp(kinds->texts[i].bytes, text.bytes, text.len) == 0)
			return i + 1;
	if (kinds->count == KINDS_FEW)
		return 0;
	kinds->texts[kinds->count] = text;
	kinds->numbers[kinds->count] = 0;
	return ++kinds->count;
}

/* The same of a kind that rows refer to. */
static uint32
kind_of_number(TimelineKinds *kinds, uint32 number, const Texts *texts)
{
	ByteSpan bytes;
	EventText text;
	uint32 kind;
	int i;

	for (i = 0; i < kinds->count; i++)
		if (kinds->numbers[i] == number)
			return i + 1;
	bytes = texts_get(texts, number);
	text.bytes = (const char *) bytes.bytes;
	text.len = (int) bytes.len;
	kind = kind_of_text(kinds, text);
	if (kind > 0)
		kinds->numbers[kind - 1] = number;
	return kind;
}

/* Puts the kinds in order, and tells the rows. */
static void
sort_kinds(TimelineKinds *kinds, TimelineRow *rows, int64 nrows)
{
	EventText sorted[KINDS_FEW];
	uint32 rank[KINDS_FEW + 1] = { 0 };
	bool in_order = true;
	int64 i;
	int a;
	int b;

	for (a = 0; a < kinds->count; a++)
	{
		for (b = 0; b < kinds->count; b++)
			rank[a + 1] += event_text_compare(&kinds->texts[b], &kinds->texts[a]) < 0;
		in_order = in_order && rank[a + 1] == (uint32) a;
		sorted[rank[a + 1]++] = kinds->texts[a];
	}
	if (in_order)
		return;
	memcpy(kinds->texts, sorted, kinds->count * sizeof(EventText));
	for (i = 0; i < nrows; i++)
		rows[i].kind = rank[rows[i].kind];
}

/* Rows whose bytes are written before room and interrupts are looked at again. */
#define ROWS_SLICE 4096

/* Bytes of a row, written. */
#define ROW_MAX	   (3 * VARINT_MAX_BYTES)

static inline bool
row_after(const TimelineRow *a, const TimelineRow *b)
{
	if (a->at != b->at)
		return a->at > b->at;
	if (a->kind != b->kind)
		return a->kind > b->kind;
	if (a->scale == TIMELINE_NO_VALUE || b->scale == TIMELINE_NO_VALUE)
		return a->scale > b->scale;
	return a->value > b->value;
}

#define SORT_NAME		 sort_rows
#define SORT_ELEMENT	 TimelineRow
#define SORT_AFTER(a, b) row_after(a, b)
#include "core/merge_sort.h"

/* ---- rows ---- */

/* What rows have in common; found in one pass. */
typedef struct RowSurvey
{
	int64 count; /* without members that have no events */
	int scale;	 /* the largest; TIMELINE_NO_VALUE: no row has a value */
	int unit;
	uint8 flags;
	bool mixed_scales;
	bool ordered; /* each strictly after the one before */
} RowSurvey;

/* Drops rows without event, and looks at the others. */
static RowSurvey
survey_rows(TimelineRow *rows, int64 nrows)
{
	RowSurvey survey = { 0, TIMELINE_NO_VALUE, TIMELINE_HOUR, 0, false, true };
	TimestampTz before = TIMELINE_NO_EVENT;
	bool some_absent = false;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		TimelineRow row = rows[i];

		if (row.at == TIMELINE_NO_EVENT)
			continue;
		if (unlikely(survey.count != i))
			rows[survey.count] = row;
		survey.count++;
		survey.ordered &= row.at > before;
		before = row.at;
		if (survey.unit != TIMELINE_MICROSECOND)
			survey.unit = timeline_unit_of(survey.unit, row.at);
		if (row.scale == TIMELINE_NO_VALUE)
		{
			some_absent = true;
			continue;
		}
		survey.flags |= row.value < 0 ? TIMELINE_HAS_NEGATIVES : 0;
		if (unlikely(row.scale != survey.scale))
		{
			survey.mixed_scales |= survey.scale != TIMELINE_NO_VALUE;
			survey.scale = Max(survey.scale, row.scale);
		}
	}
	if (survey.count == 0)
		survey.unit = TIMELINE_MICROSECOND;
	if (survey.scale != TIMELINE_NO_VALUE)
		survey.flags |= TIMELINE_HAS_VALUES | (some_absent ? TIMELINE_HAS_ABSENT_VALUES : 0);
	return survey;
}

/* Brings the values of all rows to one scale, the one that is stored. */
static int
level_rows(TimelineRow *rows, const RowSurvey *survey)
{
	int scale = survey->scale;
	int needed = 0;
	int64 i;

	if (survey->mixed_scales)
		for (i = 0; i < survey->count; i++)
			if (rows[i].scale != TIMELINE_NO_VALUE && rows[i].scale != scale)
			{
				rows[i].value = decimal_rescale(rows[i].value, rows[i].scale, scale);
				rows[i].scale = scale;
			}
	if (likely(scale <= DECIMAL_KEPT_ZEROS))
		return scale;

	for (i = 0; i < survey->count && needed < scale; i++)
		if (rows[i].scale != TIMELINE_NO_VALUE)
			needed = Max(needed, decimal_minimal_scale(rows[i].value, scale));
	needed = timeline_kept_scale(needed, scale);
	if (needed < scale)
		for (i = 0; i < survey->count; i++)
			if (rows[i].scale != TIMELINE_NO_VALUE)
			{
				rows[i].value /= decimal_power[scale - needed];
				rows[i].scale = needed;
			}
	return needed;
}

static void
put_kinds(ByteBuffer *out, const TimelineKinds *kinds)
{
	int i;

	buffer_put_varint(out, kinds->count);
	for (i = 0; i < kinds->count; i++)
	{
		buffer_put_varint(out, kinds->texts[i].len);
		buffer_put_bytes(out, kinds->texts[i].bytes, kinds->texts[i].len);
	}
}

/* Writes a row behind one at another instant; there is ROW_MAX of room. */
static pg_attribute_always_inline uint8 *
put_row(uint8 *at, const TimelineRow *row, TimestampTz before, bool first, int unit, uint16 flags,
		bool kinds)
{
	at = timeline_put_varint(at, timeline_instant_code(row->at, before, first, unit));
	if ((flags & TIMELINE_HAS_ABSENT_VALUES) && row->scale == TIMELINE_NO_VALUE)
		*at++ = 0;
	else if (flags & TIMELINE_HAS_VALUES)
		at = timeline_put_small_varint(at, timeline_value_code(flags, row->value));
	if (kinds)
		*at++ = (uint8) row->kind;
	return at;
}

/* Writes events behind the one at that instant, or, where there is none, the first ones. */
static pg_attribute_always_inline uint8 *
put_events(uint8 *at, const TimelineRow *rows, int64 nrows, bool first, TimestampTz before,
		   int unit, uint16 flags, bool has_kinds)
{
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		at = put_row(at, &rows[i], before, first && i == 0, unit, flags, has_kinds);
		before = rows[i].at;
	}
	return at;
}

/* Appends the body that holds the events of these rows, which number these kinds. */
static pg_attribute_always_inline void
put_rows(ByteBuffer *out, TimelineRow *rows, int64 nrows, TimelineKinds *kinds)
{
	RowSurvey survey = survey_rows(rows, nrows);
	uint16 flags = survey.flags;
	uint8 *at;
	int64 i = 0;

	if (kinds != NULL)
	{
		sort_kinds(kinds, rows, survey.count);
		flags |= TIMELINE_HAS_KINDS;
	}

	if (unlikely(survey.mixed_scales || survey.scale > DECIMAL_KEPT_ZEROS))
		survey.scale = level_rows(rows, &survey);
	if (!survey.ordered)
		sort_rows(rows, survey.count);

	buffer_reserve(out, TIMELINE_HEAD_MAX);
	at = timeline_put_head(out->data + out->len, survey.unit, flags, survey.scale, survey.count);
	out->len = at - out->data;
	if (kinds != NULL)
		put_kinds(out, kinds);
	while (i < survey.count)
	{
		int64 stop = Min(i + ROWS_SLICE, survey.count);
		TimestampTz before = i > 0 ? rows[i - 1].at : 0;

		buffer_reserve(out, (stop - i) * ROW_MAX);
		at = out->data + out->len;
		/* The usual ones have copies of the code of their own. */
		if (survey.unit == TIMELINE_MICROSECOND && flags == TIMELINE_HAS_VALUES)
			at = put_events(at, &rows[i], stop - i, i == 0, before, TIMELINE_MICROSECOND,
							TIMELINE_HAS_VALUES, false);
		else if (survey.unit == TIMELINE_MICROSECOND &&
				 flags == (TIMELINE_HAS_VALUES | TIMELINE_HAS_NEGATIVES))
			at = put_events(at, &rows[i], stop - i, i == 0, before, TIMELINE_MICROSECOND,
							TIMELINE_HAS_VALUES | TIMELINE_HAS_NEGATIVES, false);
		else
			at = put_events(at, &rows[i], stop - i, i == 0, before, survey.unit, flags,
							kinds != NULL);
		i = stop;
		out->len = at - out->data;
		CHECK_FOR_INTERRUPTS();
	}
}

static void
merge_rows(ByteBuffer *out, TimelineRow *rows, int64 nrows, TimelineKinds *kinds)
{
	if (kinds->count == 0)
		put_rows(out, rows, nrows, NULL);
	else
		put_rows(out, rows, nrows, kinds);
}

/* Numbers the kinds of rows; false, and nothing changed, where they are too many. */
static bool
number_kinds(TimelineRow *rows, int64 nrows, TimelineKinds *kinds, const Texts *texts)
{
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		uint32 number = rows[i].kind;

		if (number == 0)
			continue;
		rows[i].kind = kind_of_number(kinds, number, texts);
		if (unlikely(rows[i].kind == 0))
		{
			rows[i].kind = number;
			while (--i >= 0)
				if (rows[i].kind > 0)
					rows[i].kind = kinds->numbers[rows[i].kind - 1];
			return false;
		}
	}
	return true;
}

/* ---- bodies ---- */

/* Reads the next event of a body of instants, values and kinds; numbers: of the body's kinds. */
static inline void
read_point(TimelineReader *reader, TimelineRow *row, const uint32 *numbers)
{
	row->at = timeline_read_instant(reader);
	row->value = 0;
	row->scale = TIMELINE_NO_VALUE;
	row->kind = 0;
	if ((reader->flags & TIMELINE_HAS_VALUES) && timeline_read_value(reader, &row->value))
		row->scale = reader->scale;
	if (reader->flags & TIMELINE_HAS_KINDS)
		row->kind = numbers[timeline_read_text_no(reader, reader->nkinds)];
	reader->left--;
}

/* Takes a body of instants, values and kinds apart; false where there are too many kinds. */
static bool
read_points(ByteSpan body, TimelineRow *rows, int64 *count, TimelineKinds *kinds)
{
	EventText room[KINDS_FEW];
	uint32 numbers[KINDS_FEW + 1] = { 0 };
	TimelineReader reader;
	int i;

	timeline_open_within(&reader, body.bytes, body.len, room, KINDS_FEW);
	for (i = 0; i < reader.nkinds; i++)
		if (i == KINDS_FEW || (numbers[i + 1] = kind_of_text(kinds, reader.kinds[i])) == 0)
		{
			timeline_close_within(&reader, room, KINDS_FEW);
			return false;
		}
	while (reader.left > 0)
	{
		read_point(&reader, &rows[(*count)++], numbers);
		if ((reader.left & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/*
 * The same where there are bodies of just instants, values and kinds besides the rows, or rows
 * with kinds; false, and nothing appended, where there are too many kinds.
 */
static bool
merge_points(ByteBuffer *out, const ByteSpan *bodies, int nbodies, const TimelineRow *rows,
			 int nrows, int64 nevents, const Texts *texts)
{
	TimelineRow few[TIMELINE_FEW];
	TimelineRow *all = nevents <= TIMELINE_FEW ? few : timeline_alloc(nevents, sizeof(TimelineRow));
	TimelineKinds kinds = { .count = 0 };
	bool fits = true;
	int64 count = 0;
	int i;

	for (i = 0; i < nbodies && fits; i++)
	{
		if (bodies[i].len > 0)
			fits = read_points(bodies[i], all, &count, &kinds);
		CHECK_FOR_INTERRUPTS();
	}
	if (fits && nrows > 0)
	{
		memcpy(&all[count], rows, nrows * sizeof(TimelineRow));
		fits = number_kinds(&all[count], nrows, &kinds, texts);
	}
	if (fits)
		merge_rows(out, all, count + nrows, &kinds);
	if (all != few)
		pfree(all);
	return fits;
}

/* ---- large bodies ---- */

/*
 * Where there are more events than this, bodies are read and written side by side: taken apart, an
 * event has several times the bytes that it has in a body.
 */
#define STREAMED_MIN 65536

typedef struct BodyStream
{
	TimelineReader reader;
	EventText room[KINDS_FEW];
	uint32 numbers[KINDS_FEW + 1]; /* of its kinds, among those of all */
	TimelineRow row;			   /* at hand, its value in the scale of all */
} BodyStream;

/* Moves a stream on to its next event, which it has. */
static inline void
advance_stream(BodyStream *stream, int scale)
{
	TimelineRow *row = &stream->row;

	read_point(&stream->reader, row, stream->numbers);
	if (row->scale != TIMELINE_NO_VALUE && unlikely(row->scale != scale))
	{
		row->value = decimal_rescale(row->value, row->scale, scale);
		row->scale = scale;
	}
}

/* Moves a stream down in a heap, to where none below it is before it. */
static inline void
sift_down(BodyStream **heap, int count, int at)
{
	BodyStream *stream = heap[at];
	int below;

	while ((below = 2 * at + 1) < count)
	{
		below += below + 1 < count && row_after(&heap[below]->row, &heap[below + 1]->row);
		if (!row_after(&stream->row, &heap[below]->row))
			break;
		heap[at] = heap[below];
		at = below;
	}
	heap[at] = stream;
}

/* Writes the events of streams, of which each stands at one, in order. */
static void
put_streams(ByteBuffer *out, BodyStream **heap, int count, int unit, uint16 flags, int scale)
{
	TimestampTz before = 0;
	bool first = true;
	int i;

	for (i = count / 2 - 1; i >= 0; i--)
		sift_down(heap, count, i);
	while (count > 0)
	{
		uint8 *at;

		CHECK_FOR_INTERRUPTS();
		buffer_reserve(out, ROWS_SLICE * ROW_MAX);
		at = out->data + out->len;
		for (i = 0; i < ROWS_SLICE && count > 0; i++)
		{
			BodyStream *stream = heap[0];

			at = put_row(at, &stream->row, before, first, unit, flags,
						 (flags & TIMELINE_HAS_KINDS) != 0);
			before = stream->row.at;
			first = false;
			if (stream->reader.left > 0)
				advance_stream(stream, scale);
			else
				heap[0] = heap[--count];
			sift_down(heap, count, 0);
		}
		out->len = at - out->data;
	}
}

/* Opens a body as a stream, and adds its kinds to all; false where these are too many. */
static bool
open_stream(BodyStream *stream, ByteSpan body, TimelineKinds *kinds)
{
	int i;

	timeline_open_within(&stream->reader, body.bytes, body.len, stream->room, KINDS_FEW);
	for (i = 0; i < stream->reader.nkinds; i++)
		if (i == KINDS_FEW || kind_of_text(kinds, stream->reader.kinds[i]) == 0)
			return false;
	return true;
}

/* Moves streams to their first events, and writes all of them; expected: bytes, about. */
static void
put_bodies(ByteBuffer *out, BodyStream *streams, int count, TimelineKinds *kinds, size_t expected)
{
	BodyStream **heap = palloc(count * sizeof(BodyStream *));
	TimelineUnit unit = TIMELINE_HOUR;
	uint64 events = 0;
	uint16 flags = 0;
	bool some_without = false;
	int scale = 0;
	int n = 0;
	int i;

	sort_kinds(kinds, NULL, 0);
	for (i = 0; i < count; i++)
	{
		const TimelineReader *reader = &streams[i].reader;
		int k;

		if (reader->count == 0)
			continue;
		for (k = 0; k < reader->nkinds; k++)
			streams[i].numbers[k + 1] = kind_of_text(kinds, reader->kinds[k]);
		unit = Min(unit, (TimelineUnit) (reader->start[0] >> 4));
		events += reader->count;
		flags |= reader->flags;
		scale = Max(scale, reader->scale);
		some_without = some_without || (reader->flags & TIMELINE_HAS_VALUES) == 0;
		heap[n++] = &streams[i];
	}
	if (some_without && (flags & TIMELINE_HAS_VALUES))
		flags |= TIMELINE_HAS_ABSENT_VALUES;
	for (i = 0; i < n; i++)
		advance_stream(heap[i], scale);
	buffer_reserve(out, expected + TIMELINE_HEAD_MAX + ROWS_SLICE * ROW_MAX);
	out->len = timeline_put_head(out->data + out->len, unit, flags, scale, events) - out->data;
	if (flags & TIMELINE_HAS_KINDS)
		put_kinds(out, kinds);
	put_streams(out, heap, n, unit, flags, scale);
	pfree(heap);
}

/* Merges bodies of instants, values and kinds; false, and nothing appended, where there are too
 * many kinds. */
static bool
merge_streams(ByteBuffer *out, const ByteSpan *bodies, int nbodies)
{
	BodyStream *streams = timeline_alloc(nbodies, sizeof(BodyStream));
	TimelineKinds kinds = { .count = 0 };
	bool fits = true;
	size_t bytes = 0;
	int count = 0;
	int i;

	for (i = 0; i < nbodies && fits; i++)
		if (bodies[i].len > 0)
		{
			fits = open_stream(&streams[count++], bodies[i], &kinds);
			bytes += bodies[i].len;
		}
	if (fits)
		put_bodies(out, streams, count, &kinds, bytes);
	while (--count >= 0)
		timeline_close_within(&streams[count].reader, streams[count].room, KINDS_FEW);
	pfree(streams);
	return fits;
}

/* Takes the events of a body apart, their values brought to a scale; returns how many. */
static int64
read_events(ByteSpan body, Event *events, int scale)
{
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	int64 count = 0;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	while (timeline_next(&reader, &events[count]))
	{
		if (events[count].has_value && reader.scale != scale)
			events[count].value = decimal_rescale(events[count].value, reader.scale, scale);
		count++;
		if ((count & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	return count;
}

/* The same where labels, refs, expiries or spans occur, or many kinds. */
static void
merge_events(ByteBuffer *out, const ByteSpan *bodies, int nbodies, const TimelineRow *rows,
			 int nrows, int64 nevents, int scale, const Texts *texts)
{
	Event few[TIMELINE_FEW];
	Event *events = nevents <= TIMELINE_FEW ? few : timeline_alloc(nevents, sizeof(Event));
	int64 count = 0;
	int i;

	for (i = 0; i < nbodies; i++)
	{
		if (bodies[i].len > 0)
			count += read_events(bodies[i], &events[count], scale);
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < nrows; i++)
	{
		Event *event = &events[count];

		if (rows[i].at == TIMELINE_NO_EVENT)
			continue;
		memset(event, 0, sizeof(Event));
		event->at = rows[i].at;
		event->has_value = rows[i].scale != TIMELINE_NO_VALUE;
		if (event->has_value)
			event->value = decimal_rescale(rows[i].value, rows[i].scale, scale);
		if (rows[i].kind > 0)
		{
			ByteSpan kind = texts_get(texts, rows[i].kind);

			event->kind.bytes = (const char *) kind.bytes;
			event->kind.len = (int) kind.len;
		}
		count++;
	}
	timeline_encode(out, events, count, scale);
	if (events != few)
		pfree(events);
}

/* Merges many events of instants, values and kinds: rows become a body first. */
static void
merge_large(ByteBuffer *out, const ByteSpan *bodies, int nbodies, TimelineRow *rows, int nrows,
			int64 nevents, int scale, const Texts *texts)
{
	ByteSpan *all = palloc((nbodies + 1) * sizeof(ByteSpan));
	ByteBuffer of_rows = { NULL, 0, 0 };

	memcpy(all, bodies, nbodies * sizeof(ByteSpan));
	if (nrows > 0)
	{
		TimelineReader reader;

		buffer_init(&of_rows, nrows);
		timeline_merge_bodies(&of_rows, NULL, 0, rows, nrows, texts);
		timeline_open_head(&reader, of_rows.data, of_rows.len);
		scale = Max(scale, reader.scale);
		all[nbodies].bytes = of_rows.data;
		all[nbodies++].len = of_rows.len;
	}
	if (!merge_streams(out, all, nbodies))
		merge_events(out, all, nbodies, NULL, 0, nevents, scale, NULL);
	if (of_rows.data != NULL)
		pfree(of_rows.data);
	pfree(all);
}

/*
 * Appends to out the body that holds the events of all bodies and all rows, as often as
 * they occur. The rows are sorted in place. Scales are brought to the largest (22003 where
 * a value doesn't fit). texts are those of the rows' kinds.
 */
void
timeline_merge_bodies(ByteBuffer *out, const ByteSpan *bodies, int nbodies, TimelineRow *rows,
					  int nrows, const Texts *texts)
{
	TimelineKinds kinds = { .count = 0 };
	int64 nevents = nrows;
	int used = 0; /* bodies with events */
	int only = 0; /* one of them */
	int scale = 0;
	uint16 flags = 0;
	int i;

	for (i = 0; i < nbodies; i++)
	{
		TimelineReader reader;

		if (bodies[i].len == 0)
			continue;
		timeline_open_head(&reader, bodies[i].bytes, bodies[i].len);
		if (reader.count == 0)
			continue;
		nevents += (int64) reader.count;
		flags |= reader.flags;
		scale = Max(scale, reader.scale);
		only = i;
		used++;
	}
	if (used == 0 && (texts == NULL || number_kinds(rows, nrows, &kinds, texts)))
	{
		merge_rows(out, rows, nrows, &kinds);
		return;
	}
	for (i = 0; i < nrows && rows[i].at == TIMELINE_NO_EVENT; i++)
		;
	if (used == 1 && i == nrows)
	{
		buffer_put_bytes(out, bodies[only].bytes, bodies[only].len);
		return;
	}
	if ((flags & TIMELINE_RICH & ~TIMELINE_HAS_KINDS) == 0 && nevents > STREAMED_MIN)
	{
		merge_large(out, bodies, nbodies, rows, nrows, nevents, scale, texts);
		return;
	}
	if ((flags & TIMELINE_RICH & ~TIMELINE_HAS_KINDS) == 0 &&
		merge_points(out, bodies, nbodies, rows, nrows, nevents, texts))
		return;
	for (i = 0; i < nrows; i++)
		if (rows[i].at != TIMELINE_NO_EVENT)
			scale = Max(scale, rows[i].scale);
	merge_events(out, bodies, nbodies, rows, nrows, nevents, scale, texts);
}
