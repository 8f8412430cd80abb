/*
 * timeline.h
 *		A customer's events: the stored form, how to build it and how to walk it.
 *
 * event_timeline is a varlena. Its body, the bytes after the length word, is
 * what collectors carry. timeline_event is the same with exactly one event.
 *
 *		byte	version (low 4 bits), unit of time (high 4 bits: a TimelineUnit)
 *		byte	flags: what occurs (TIMELINE_HAS_...)
 *		byte	more flags, of which one is set						(version 2)
 *		byte	scale of the values									(if there are values)
 *		varint	number of events
 *		varint	number of kinds, then each: varint length, bytes	(if there are kinds)
 *		varint	number of labels, then each: varint length, bytes	(if there are labels)
 *		then each event:
 *			zigzag	instant, in units, from 2000-01-01 UTC			(first event)
 *			varint	units since the event before					(others)
 *			varint	value; zigzag if some are negative;
 *					if some are absent: 0 for those, else plus 1	(if there are values)
 *			varint	1 + number of its kind, 0 for none				(if there are kinds)
 *			varint	1 + number of its label, 0 for none				(if there are labels)
 *			ref														(if there are refs)
 *				all are numbers: zigzag of the difference to the number before (from 0)
 *				else varint: 0 none; 1 a number, as above, follows; 2 + length of the text
 *				that follows
 *			expiry													(if there are expiries)
 *				varint: 0 none; 1 'infinity'; 2 it is before the event, and varint units
 *				before, less 1, follows; 3 + units after the event
 *			end														(if there are spans)
 *				varint: 0 no span; 1 it never ends; 2 + units from the event to its end
 *
 * An empty timeline is the version byte and a zero flags byte and count. Version 2 is for what
 * version 1 can't tell: a timeline without spans has the bytes that it always had. The unit is
 * the largest that divides all instants (finite expiries and ends too), the dictionaries are
 * sorted and hold just what occurs, zeros that all values have after the fourth decimal
 * are dropped, and the events are in the order of event_compare(): the same events at the
 * same scale have the same bytes.
 */
#ifndef LOYALTY_TIMELINE_H
#define LOYALTY_TIMELINE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "port/pg_bitutils.h"

#include "calendar/calendar.h"
#include "collect/collect.h"
#include "core/codec.h"
#include "core/ref.h"
#include "core/rows.h"
#include "core/texts.h"

#define TIMELINE_VERSION		   1
#define TIMELINE_VERSION_WIDE	   2 /* has a second byte of flags */

#define TIMELINE_HAS_VALUES		   0x01
#define TIMELINE_HAS_ABSENT_VALUES 0x02 /* some events have a value, some have none */
#define TIMELINE_HAS_NEGATIVES	   0x04
#define TIMELINE_HAS_KINDS		   0x08
#define TIMELINE_HAS_LABELS		   0x10
#define TIMELINE_HAS_REFS		   0x20
#define TIMELINE_HAS_MIXED_REFS	   0x40 /* some refs are absent or texts */
#define TIMELINE_HAS_EXPIRIES	   0x80
#define TIMELINE_HAS_SPANS		   0x100 /* from here on in the second byte */
#define TIMELINE_FLAGS			   0x1FF

/* What a timeline of just instants and values doesn't have. */
#define TIMELINE_RICH                                                                       \
	(TIMELINE_HAS_KINDS | TIMELINE_HAS_LABELS | TIMELINE_HAS_REFS | TIMELINE_HAS_EXPIRIES | \
	 TIMELINE_HAS_SPANS)

typedef enum TimelineUnit
{
	TIMELINE_MICROSECOND,
	TIMELINE_MILLISECOND,
	TIMELINE_SECOND,
	TIMELINE_MINUTE,
	TIMELINE_HOUR
} TimelineUnit;

/* One event, taken apart. Texts point into the body that it was read from. */
typedef struct Event
{
	TimestampTz at;
	int64 value; /* in units of 10^-scale of the timeline; see has_value */
	TimestampTz expires_at;
	TimestampTz until; /* of a span, exclusive: not before at; DT_NOEND: it never ends */
	EventText kind;
	EventText label;
	EventText ref_text;
	int64 ref_number;
	EventRefType ref_type;
	int kind_no;  /* 1 + its place in the reader's kinds, 0 for none; set by timeline_next() */
	int label_no; /* 1 + its place in the reader's labels */
	bool has_value;
	bool has_expiry;
	bool has_span;
} Event;

/* Walks the events of a body in order. */
typedef struct TimelineReader
{
	const uint8 *start; /* of the body */
	const uint8 *at;
	const uint8 *end;
	uint64 count; /* events in the timeline */
	uint64 left;  /* events not handed out yet */
	int scale;	  /* 0 where there are no values */
	uint16 flags;
	bool started;
	int64 unit; /* microseconds */
	TimestampTz last;
	uint64 last_ref;
	int nkinds;
	int nlabels;
	EventText *kinds;
	EventText *labels;
} TimelineReader;

/* What collectors append for a row of the short forms; TIMELINE_NO_EVENT marks a member without
 * events. */
typedef struct TimelineRow
{
	TimestampTz at;
	int64 value;
	int32 scale; /* TIMELINE_NO_VALUE: the event has no value */
	uint32 kind; /* its number in the collector's texts; 0: none */
} TimelineRow;

#define TIMELINE_NO_VALUE (-1)
#define TIMELINE_NO_EVENT DT_NOBEGIN

/* Starts a walk; refuses a version that it doesn't know (XX001). Dictionaries are palloc'd. */
extern void timeline_open(TimelineReader *reader, const uint8 *body, size_t len);

/* Texts in dictionaries that are read without an allocation, where they are let go at once. */
#define DICTIONARY_ROOM 32

/* As timeline_open(), with room for dictionaries; palloc only where they are larger. */
extern void timeline_open_within(TimelineReader *reader, const uint8 *body, size_t len,
								 EventText *room, int nroom);

/* Lets go of dictionaries that had no room. */
extern void timeline_close_within(TimelineReader *reader, const EventText *room, int nroom);

/* The columns of an event beyond instant and value; for timeline_next(). */
extern void timeline_read_rest(TimelineReader *reader, Event *event);

/* All events of a body in a palloc'd array; their count and scale. */
extern Event *timeline_decode(const uint8 *body, size_t len, int64 *nevents, int *scale);

/* The last instant that an event of a body touches, be it in the future; false where there is no
 * event. */
extern bool timeline_last_instant(ByteSpan body, TimestampTz *at);

/* The order of events: at, kind, label, ref, value, expires_at, until; what is absent comes first.
 * Same scale on both sides. */
extern int event_compare(const Event *a, const Event *b);

/* The same for events of timelines of different scale: values compare as numbers. */
extern int event_compare_scaled(const Event *a, int a_scale, const Event *b, int b_scale);

/* Adds up the values in [since, until), from where a reader is; returns whether there is one. */
extern bool timeline_sum_between(TimelineReader *reader, TimestampTz since, TimestampTz until,
								 int128 *sum);

/*
 * Appends to out the body that holds the events of all bodies and all rows, as often as
 * they occur. The rows are sorted in place. Scales are brought to the largest (22003 where
 * a value doesn't fit). Fast where everything is in time order and only instants, values and few
 * kinds occur. texts are those of the rows' kinds; NULL where no row has one. A body of length 0
 * stands for a member without events.
 */
extern void timeline_merge_bodies(ByteBuffer *out, const ByteSpan *bodies, int nbodies,
								  TimelineRow *rows, int nrows, const Texts *texts);

/*
 * Appends the body that holds these events, in any order, all at one scale. Texts may lie
 * anywhere but in out; kind_no and label_no are overwritten.
 */
extern void timeline_encode(ByteBuffer *out, Event *events, int64 nevents, int scale);

/* Is this the body of a timeline, in its only valid form? For bytes from outside. */
extern bool timeline_body_valid(const uint8 *body, size_t len);

/* The body held by a detoasted event_timeline or timeline_event datum. */
extern ByteSpan timeline_event_body(Datum event);

/* The way out where a timeline is too large for a value. */
#define TIMELINE_SIZE_HINT "Keep one timeline for each customer, with short labels and refs."

/* Order of two bodies, and a hash that agrees with it. */
extern int timeline_compare_bodies(ByteSpan a, ByteSpan b);
extern uint64 timeline_hash_body(ByteSpan body, uint64 seed);

/*
 * Begins a datum of either type: what is appended to out is its body. A datum is made
 * without copying; the size is what the body is likely to take.
 */
extern void timeline_datum_begin(ByteBuffer *out, size_t size);
extern Datum timeline_datum_end(ByteBuffer *out);

/* Appends an event as a JSON object, as the types' text output has it. */
extern void event_append_json(StringInfo out, const Event *event, int scale);

/* The body of a timeline without events. */
extern ByteSpan timeline_empty_body(void);

/* Refuses 'infinity' and '-infinity' as an event's instant (22008). */
extern void timeline_check_instant(TimestampTz at);

/* The same as an event's expiry, where 'infinity' means that it never expires. */
extern void timeline_check_expiry(TimestampTz at);

/* What is wrong with an event's span, to go on in a message; NULL: nothing. */
extern const char *event_span_fault(const Event *event);

/* Refuses such a span (22023). */
extern void event_check_span(const Event *event);

/* The last instant that an event touches: that before its end. */
static inline TimestampTz
event_last_instant(const Event *event)
{
	if (!event->has_span || event->until <= event->at)
		return event->at;
	return event->until == DT_NOEND ? END_TIMESTAMP - 1 : event->until - 1;
}

/* Sets the ref from a text: a number where it is written exactly as a bigint is. */
extern void event_set_ref_text(Event *event, const char *bytes, int len);

/* An event's ref as a column, as text; NULL where it has none, or there is no event. */
extern void event_put_ref(Rows *rows, const Event *event);

/* ---- everyone's timelines, by customer ---- */

/* Rows are TimelineRows. */
extern const CollectOps timeline_collect_ops;

#define TIMELINE_OPS_ID 2

/* Forms of timeline_agg() that are summed up from such rows; the last one has no transition. */
extern const SummaryForm timeline_summary_forms[];
extern PGDLLEXPORT Datum loyalty_timeline_agg_trans_instant(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum loyalty_timeline_agg_trans_numeric(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum loyalty_timeline_agg_trans_smallint(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum loyalty_timeline_agg_trans_integer(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum loyalty_timeline_agg_trans_bigint(PG_FUNCTION_ARGS);

/* ---- reading, inline ---- */

#ifndef WORDS_BIGENDIAN

/* The tops of bytes, which mark all but the last one of a varint. */
#define VARINT_TOPS UINT64CONST(0x8080808080808080)

/* The number that a varint's bytes hold. */
static inline uint64
timeline_fold(uint64 word)
{
	word = (word & UINT64CONST(0x007F007F007F007F)) | (word & UINT64CONST(0x7F007F007F007F00)) >> 1;
	word = (word & UINT64CONST(0x00003FFF00003FFF)) | (word & UINT64CONST(0x3FFF00003FFF0000)) >> 2;
	return (word & UINT64CONST(0x0FFFFFFF)) | (word & UINT64CONST(0x0FFFFFFF00000000)) >> 4;
}

#endif

/*
 * A varint of bytes that were checked before, as varint_next() reads it: eight bytes at
 * once where there are as many, so that long ones cost no loop.
 */
static inline uint64
timeline_varint(const uint8 **at, const uint8 *end)
{
#ifndef WORDS_BIGENDIAN
	if (likely(end - *at >= 8))
	{
		uint64 word;
		uint64 ends;

		memcpy(&word, *at, 8);
		ends = ~word & VARINT_TOPS;
		if (likely(ends != 0))
		{
			*at += (size_t) ((uint32) pg_rightmost_one_pos64(ends) / 8) + 1;
			/* what follows the last byte of the varint goes */
			return timeline_fold(word & (ends ^ (ends - 1)));
		}
	}
#endif
	return varint_next(at, end);
}

/*
 * Two varints that follow each other. Mostly both are among the next eight bytes: then the place
 * of what comes after them doesn't wait for the first one. Near the end of the body they are
 * among its last eight.
 */
static inline void
timeline_varints(TimelineReader *reader, uint64 *first, uint64 *second)
{
#ifndef WORDS_BIGENDIAN
	size_t left = (size_t) (reader->end - reader->at);

	if (likely(left >= 8 || (left > 0 && reader->end - reader->start >= 8)))
	{
		int before = left >= 8 ? 0 : 64 - 8 * (int) left; /* bits that were read already */
		uint64 word;
		uint64 ends;
		uint64 other_ends;

		memcpy(&word, reader->at - before / 8, 8);
		ends = (~word & VARINT_TOPS) >> before;
		word >>= before;
		other_ends = ends & (ends - 1);
		if (likely(other_ends != 0))
		{
			int first_bits = pg_rightmost_one_pos64(ends) + 1;
			uint64 other = (word & (other_ends ^ (other_ends - 1))) >> first_bits;

			reader->at += ((uint32) pg_rightmost_one_pos64(other_ends) + 1) / 8;
			word &= ends ^ (ends - 1);
			if (likely((word | other) <= PG_UINT32_MAX))
			{
				/* both at once */
				word |= other << 32;
				word = (word & UINT64CONST(0x007F007F007F007F)) |
					   (word & UINT64CONST(0x7F007F007F007F00)) >> 1;
				word = (word & UINT64CONST(0x00003FFF00003FFF)) |
					   (word & UINT64CONST(0x3FFF00003FFF0000)) >> 2;
				*first = (uint32) word;
				*second = word >> 32;
			}
			else
			{
				*first = timeline_fold(word);
				*second = timeline_fold(other);
			}
			return;
		}
	}
#endif
	*first = timeline_varint(&reader->at, reader->end);
	*second = timeline_varint(&reader->at, reader->end);
}

/* The instant that a varint stands for. */
static inline TimestampTz
timeline_instant_of(TimelineReader *reader, uint64 code)
{
	if (unlikely(!reader->started))
	{
		reader->started = true;
		code = (uint64) zigzag_unfold(code);
	}
	reader->last = (TimestampTz) ((uint64) reader->last + code * (uint64) reader->unit);
	return reader->last;
}

/* The value that a varint stands for; false where it is absent. */
static inline bool
timeline_value_of(const TimelineReader *reader, uint64 code, int64 *value)
{
	if (reader->flags & TIMELINE_HAS_ABSENT_VALUES)
	{
		if (code == 0)
			return false;
		code--;
	}
	*value = (reader->flags & TIMELINE_HAS_NEGATIVES) ? zigzag_unfold(code) : (int64) code;
	return true;
}

/* Reads an event's instant: only for timeline_next() and walks of its kind. */
static inline TimestampTz
timeline_read_instant(TimelineReader *reader)
{
	return timeline_instant_of(reader, timeline_varint(&reader->at, reader->end));
}

/* Reads an event's value; false where it has none. The timeline has values. */
static inline bool
timeline_read_value(TimelineReader *reader, int64 *value)
{
	return timeline_value_of(reader, timeline_varint(&reader->at, reader->end), value);
}

/* Reads both. */
static inline bool
timeline_read_instant_and_value(TimelineReader *reader, TimestampTz *at, int64 *value)
{
	uint64 first;
	uint64 second;

	timeline_varints(reader, &first, &second);
	*at = timeline_instant_of(reader, first);
	return timeline_value_of(reader, second, value);
}

/* Reads the number of an event's kind or label, 1 + its place among so many; 0: none. */
static inline int
timeline_read_text_no(TimelineReader *reader, int ntexts)
{
	uint64 number = varint_next(&reader->at, reader->end);

	if (unlikely(number > (uint64) ntexts))
		report_corrupted();
	return (int) number;
}

/* Reads an event's ref, and sets what its type has. The timeline has refs. */
static inline EventRefType
timeline_read_ref(TimelineReader *reader, int64 *number, EventText *text)
{
	uint64 tag = 1;

	if (reader->flags & TIMELINE_HAS_MIXED_REFS)
		tag = varint_next(&reader->at, reader->end);
	if (tag == 0)
		return EVENT_REF_NONE;
	if (tag == 1)
	{
		reader->last_ref += (uint64) zigzag_unfold(timeline_varint(&reader->at, reader->end));
		*number = (int64) reader->last_ref;
		return EVENT_REF_NUMBER;
	}
	if (unlikely(tag - 2 > (uint64) (reader->end - reader->at)))
		report_corrupted();
	text->bytes = (const char *) reader->at;
	text->len = (int) (tag - 2);
	reader->at += tag - 2;
	return EVENT_REF_TEXT;
}

/* Reads an event's own expiry; false where it has none. The timeline has expiries. */
static inline bool
timeline_read_expiry(TimelineReader *reader, TimestampTz at, TimestampTz *expires_at)
{
	uint64 code = timeline_varint(&reader->at, reader->end);
	uint64 unit = (uint64) reader->unit;

	if (code == 0)
		return false;
	if (code == 1)
		*expires_at = DT_NOEND;
	else if (code == 2)
		*expires_at =
			(TimestampTz) ((uint64) at - (timeline_varint(&reader->at, reader->end) + 1) * unit);
	else
		*expires_at = (TimestampTz) ((uint64) at + (code - 3) * unit);
	return true;
}

/* Reads the end of an event's span; false where it has none. The timeline has spans. */
static inline bool
timeline_read_span(TimelineReader *reader, TimestampTz at, TimestampTz *until)
{
	uint64 code = timeline_varint(&reader->at, reader->end);

	if (code == 0)
		return false;
	*until =
		code == 1 ? DT_NOEND : (TimestampTz) ((uint64) at + (code - 2) * (uint64) reader->unit);
	return true;
}

/* The next event, if there is one. */
static inline bool
timeline_next(TimelineReader *reader, Event *event)
{
	if (reader->left == 0)
		return false;
	reader->left--;
	memset(event, 0, sizeof(Event));
	event->at = timeline_read_instant(reader);
	if (reader->flags & TIMELINE_HAS_VALUES)
		event->has_value = timeline_read_value(reader, &event->value);
	if (reader->flags & TIMELINE_RICH)
		timeline_read_rest(reader, event);
	return true;
}

#endif
