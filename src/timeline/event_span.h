/*
 * event_span.h
 *		How long an event is: the one walk over the periods, or lags, that a span touches, and over
 *		what of its value belongs to each.
 *
 * A span [at, until) touches the local days from that of at to that of its last instant, and the
 * periods that these days are in. Its value is spread over all its days, those after as_of too: a
 * period's share is by the days of it, in units of the timeline's decimals, cents at least, and the
 * shares add up to the value exactly (core/shares.h).
 * Of a period in which as_of comes before the span is through with it, the days up to as_of have
 * their part of the share, rounded down. By elapsed lags all this is of time in place of days.
 *
 * An event without a span is one of its day, and so is one that ends when it begins.
 */
#ifndef LOYALTY_EVENT_SPAN_H
#define LOYALTY_EVENT_SPAN_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "core/decimal.h"
#include "core/shares.h"
#include "timeline/timeline.h"

/* A walk, kept from event to event. A place is a day; by elapsed lags it is an instant. */
typedef struct EventSpan
{
	Calendar *calendar; /* NULL: by elapsed lags */
	ZoneDays *zone;
	int64 elapsed;		/* microseconds of a lag, */
	TimestampTz origin; /* and where lag 0 begins */
	int64 limit;		/* the last place that counts; DATEVAL_NOEND: all do */
	MemoryContext context;

	/* The event: */
	int64 first;
	int64 last;	 /* EVENT_SPAN_OPEN: it never ends */
	int64 reach; /* the last place that counts of it */
	int64 next;
	int64 first_number;
	Share *shares;
	int64 max_shares;
	int64 *amounts; /* of its value, by number; NULL: nothing to spread */
	int64 max_amounts;
	int64 *room; /* for them */

	/* Where the walk stands: */
	int32 number; /* of the period, or the lag */
	int64 value;  /* what belongs to it, up to the limit */
} EventSpan;

#define EVENT_SPAN_OPEN PG_INT64_MAX

/* A walk over periods of the calendar, up to a day; in the current memory context. */
extern void event_span_open(EventSpan *span, Calendar *calendar, ZoneDays *zone, DateADT as_of);

/* The same over lags, up to an instant, exclusive. */
extern void event_span_open_elapsed(EventSpan *span, int64 elapsed, TimestampTz end);

/* The first and the last local day that an event touches; DATEVAL_NOEND: it never ends. */
extern void event_days(const Event *event, ZoneDays *zone, DateADT *first, DateADT *last);

/* Begins with an event; false where it is after the limit. More than SPAN_MOST periods, or lags,
 * are refused (54000). */
extern bool event_span_start(EventSpan *span, const Event *event);

/* Steps to the next period, or lag. */
extern bool event_span_next(EventSpan *span);

/* Decimals that the values of timelines with spans have at least, where they are shared out. */
#define SPAN_DECIMALS 2

/* The scale of values where spans are walked. */
static inline int
event_span_scale(const TimelineReader *reader)
{
	return (reader->flags & TIMELINE_HAS_SPANS) ? Max(reader->scale, SPAN_DECIMALS) : reader->scale;
}

/* Brings an event's value to that scale. */
static inline void
event_span_rescale(Event *event, const TimelineReader *reader, int scale)
{
	if (unlikely(scale != reader->scale) && event->has_value)
		event->value = decimal_rescale(event->value, reader->scale, scale);
}

/* The last day of the event's that counts. */
static inline DateADT
event_span_last_day(const EventSpan *span)
{
	return (DateADT) span->reach;
}

#endif
