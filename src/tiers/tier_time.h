/*
 * tier_time.h
 *		When an interval after an instant is over, and which period holds an instant.
 *
 * Most questions are answered by bounds: at + interval lies between at + least and
 * at + most, whatever the calendar does.
 */
#ifndef LOYALTY_TIER_TIME_H
#define LOYALTY_TIER_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "calendar/calendar.h"

/* Days remembered for a span; a power of two. */
#define TIER_SPAN_DAYS 1024

/* A day, and the one that lies the interval's months and days after it. */
typedef struct TierShift
{
	DateADT day;
	DateADT shifted;
} TierShift;

/* A day of UTC, and whether what begins on it ends before what begins later. */
typedef struct TierOrder
{
	DateADT day;
	bool keeps;
} TierOrder;

/* An interval > 0, and how long it can last. */
typedef struct TierSpan
{
	Interval interval;
	int64 least;
	int64 most;
	TierShift *shifts; /* of days that were asked for; NULL: none yet */
	TierOrder *orders; /* the same */
	MemoryContext context;
} TierSpan;

/* Opens an interval in the current memory context. */
extern void tier_span_open(TierSpan *span, const Interval *interval);

/* at + interval in that zone; DT_NOEND where that is beyond what a timestamp holds. */
extern TimestampTz tier_span_end(TierSpan *span, ZoneDays *zone, TimestampTz at);

/* What tier_span_keeps_order() does for a day that isn't remembered. */
extern bool tier_span_look_at_order(TierSpan *span, ZoneDays *zone, DateADT day);

/*
 * Does the interval end later for every later beginning? Mostly it does, but not where months
 * are clamped, and where clocks change. False where that would take long to say.
 */
static inline bool
tier_span_keeps_order(TierSpan *span, ZoneDays *zone, TimestampTz at)
{
	DateADT day = (DateADT) (at / USECS_PER_DAY - (at % USECS_PER_DAY < 0)); /* of UTC */
	const TierOrder *order;

	if (unlikely(span->orders == NULL))
		return tier_span_look_at_order(span, zone, day);
	order = &span->orders[day & (TIER_SPAN_DAYS - 1)];
	return likely(order->day == day) ? order->keeps : tier_span_look_at_order(span, zone, day);
}

/* Not after the end, and not before it. */
static inline TimestampTz
tier_span_least(const TierSpan *span, TimestampTz at)
{
	return at >= END_TIMESTAMP - span->least ? DT_NOEND : at + span->least;
}

static inline TimestampTz
tier_span_most(const TierSpan *span, TimestampTz at)
{
	return at >= END_TIMESTAMP - span->most ? DT_NOEND : at + span->most;
}

/* The first day of year n of a membership that began on a day: 29 February comes back. */
extern DateADT tier_anniversary(DateADT began, int n);

/* The membership year that holds a day, which isn't before it began. */
extern int tier_membership_year(DateADT began, DateADT day);

#endif
