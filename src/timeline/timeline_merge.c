/*
 * timeline_merge.c
 *		Merging timelines and rows into one timeline.
 *
 * This is what collectors spend their time in, so timelines of just instants and
 * values are taken apart to rows of 24 bytes, which are rarely out of order, and
 * written without looking at anything else; a usual customer's are on the stack.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/decimal.h"
#include "timeline/timeline_build.h"

/* Rows whose bytes are written before room and interrupts are looked at again. */
#define ROWS_SLICE 4096

static inline bool
row_after(const TimelineRow *a, const TimelineRow *b)
{
	if (a->at != b->at)
		return a->at > b->at;
	if (a->scale == TIMELINE_NO_VALUE || b->scale == TIMELINE_NO_VALUE)
		return a->scale > b->scale;
	return a->value > b->value;
}

#define SORT_NAME		 sort_rows
#define SORT_ELEMENT	 TimelineRow
#define SORT_AFTER(a, b) row_after(a, b)
#include "timeline/timeline_sort.h"

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

/* Appends the body that holds the events of these rows. */
static void
merge_rows(ByteBuffer *out, TimelineRow *rows, int64 nrows)
{
	RowSurvey survey = survey_rows(rows, nrows);
	uint8 flags = survey.flags;
	TimestampTz before = 0;
	uint8 *at;
	int64 i = 0;

	if (unlikely(survey.mixed_scales || survey.scale > DECIMAL_KEPT_ZEROS))
		survey.scale = level_rows(rows, &survey);
	if (!survey.ordered)
		sort_rows(rows, survey.count);

	buffer_reserve(out, TIMELINE_HEAD_MAX);
	at = timeline_put_head(out->data + out->len, survey.unit, flags, survey.scale, survey.count);
	out->len = at - out->data;
	while (i < survey.count)
	{
		int64 stop = Min(i + ROWS_SLICE, survey.count);

		buffer_reserve(out, (stop - i) * 2 * VARINT_MAX_BYTES);
		at = out->data + out->len;
		for (; i < stop; i++)
		{
			const TimelineRow *row = &rows[i];

			at = timeline_put_varint(at,
									 timeline_instant_code(row->at, before, i == 0, survey.unit));
			before = row->at;
			if (flags & TIMELINE_HAS_VALUES)
				at = timeline_put_varint(at, row->scale == TIMELINE_NO_VALUE
												 ? 0
												 : timeline_value_code(flags, row->value));
		}
		out->len = at - out->data;
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- bodies ---- */

/* The same where there are bodies of just instants and values besides the rows. */
static void
merge_points(ByteBuffer *out, const ByteSpan *bodies, int nbodies, const TimelineRow *rows,
			 int nrows, int64 nevents)
{
	TimelineRow few[TIMELINE_FEW];
	TimelineRow *all = nevents <= TIMELINE_FEW ? few : timeline_alloc(nevents, sizeof(TimelineRow));
	int64 count = 0;
	int i;

	for (i = 0; i < nbodies; i++)
	{
		TimelineReader reader;

		if (bodies[i].len == 0)
			continue;
		timeline_open_within(&reader, bodies[i].bytes, bodies[i].len, NULL, 0);
		for (; reader.left > 0; reader.left--)
		{
			TimelineRow *row = &all[count++];

			row->at = timeline_read_instant(&reader);
			row->value = 0;
			row->scale = TIMELINE_NO_VALUE;
			if ((reader.flags & TIMELINE_HAS_VALUES) && timeline_read_value(&reader, &row->value))
				row->scale = reader.scale;
		}
		CHECK_FOR_INTERRUPTS();
	}
	if (nrows > 0)
		memcpy(&all[count], rows, nrows * sizeof(TimelineRow));
	merge_rows(out, all, count + nrows);
	if (all != few)
		pfree(all);
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
	}
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	return count;
}

/* The same where kinds, labels, refs or expiries occur. */
static void
merge_events(ByteBuffer *out, const ByteSpan *bodies, int nbodies, const TimelineRow *rows,
			 int nrows, int64 nevents, int scale)
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
		count++;
	}
	timeline_encode(out, events, count, scale);
	if (events != few)
		pfree(events);
}

/*
 * Appends to out the body that holds the events of all bodies and all rows, as often as
 * they occur. The rows are sorted in place. Scales are brought to the largest (22003 where
 * a value doesn't fit).
 */
void
timeline_merge_bodies(ByteBuffer *out, const ByteSpan *bodies, int nbodies, TimelineRow *rows,
					  int nrows)
{
	int64 nevents = nrows;
	int used = 0; /* bodies with events */
	int only = 0; /* one of them */
	int scale = 0;
	uint8 flags = 0;
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
	if (used == 0)
	{
		merge_rows(out, rows, nrows);
		return;
	}
	for (i = 0; i < nrows && rows[i].at == TIMELINE_NO_EVENT; i++)
		;
	if (used == 1 && i == nrows)
	{
		buffer_put_bytes(out, bodies[only].bytes, bodies[only].len);
		return;
	}
	if ((flags & TIMELINE_RICH) == 0)
	{
		merge_points(out, bodies, nbodies, rows, nrows, nevents);
		return;
	}
	for (i = 0; i < nrows; i++)
		if (rows[i].at != TIMELINE_NO_EVENT)
			scale = Max(scale, rows[i].scale);
	merge_events(out, bodies, nbodies, rows, nrows, nevents, scale);
}
