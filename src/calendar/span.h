/*
 * span.h
 *		An interval that is added to many instants of a zone.
 *
 * Most questions are answered by bounds: at + interval lies between at + least and
 * at + most, whatever the calendar does.
 */
#ifndef LOYALTY_SPAN_H
#define LOYALTY_SPAN_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "calendar/calendar.h"

/* Days remembered for a span; a power of two. */
#define SPAN_DAYS 1024

/* A day, and the one that lies the interval's months and days after it. */
typedef struct SpanShift
{
	DateADT day;
	DateADT shifted;
} SpanShift;

/* A day of UTC, and whether what begins on it ends before what begins later. */
typedef struct SpanOrder
{
	DateADT day;
	bool keeps;
} SpanOrder;

/* An interval > 0, and how long it can last. */
typedef struct Span
{
	Interval interval;
	int64 least;
	int64 most;
	SpanShift *shifts; /* of days that were asked for; NULL: none yet */
	SpanOrder *orders; /* the same */
	MemoryContext context;
} Span;

/* Opens an interval in the current memory context. */
extern void span_open(Span *span, const Interval *interval);

/* at + interval in that zone; DT_NOEND where that is beyond what a timestamp holds. */
extern TimestampTz span_end(Span *span, ZoneDays *zone, TimestampTz at);

/* What span_keeps_order() does for a day that isn't remembered. */
extern bool span_look_at_order(Span *span, ZoneDays *zone, DateADT day);

/*
 * Does the interval end later for every later beginning? Mostly it does, but not where months
 * are clamped, and where clocks change. False where that would take long to say.
 */
static inline bool
span_keeps_order(Span *span, ZoneDays *zone, TimestampTz at)
{
	DateADT day = (DateADT) (at / USECS_PER_DAY - (at % USECS_PER_DAY < 0)); /* of UTC */
	const SpanOrder *order;

	if (unlikely(span->orders == NULL))
		return span_look_at_order(span, zone, day);
	order = &span->orders[day & (SPAN_DAYS - 1)];
	return likely(order->day == day) ? order->keeps : span_look_at_order(span, zone, day);
}

/* Not after the end, and not before it. */
static inline TimestampTz
span_least(const Span *span, TimestampTz at)
{
	return at >= END_TIMESTAMP - span->least ? DT_NOEND : at + span->least;
}

static inline TimestampTz
span_most(const Span *span, TimestampTz at)
{
	return at >= END_TIMESTAMP - span->most ? DT_NOEND : at + span->most;
}

/* The same day n years later: 29 February comes back. */
extern DateADT day_anniversary(DateADT began, int n);

#endif
