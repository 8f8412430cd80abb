/*
 * periods.h
 *		Which period an instant belongs to, by the instants at which periods start.
 *
 * Not by the instant's local day: where clocks go back over midnight, a day comes twice,
 * and a closing must be what the walk gives at the end of the period's last day.
 */
#ifndef LOYALTY_PERIODS_H
#define LOYALTY_PERIODS_H

#include "postgres.h"

#include "calendar/calendar.h"

#define KNOWN_STARTS 256

typedef struct KnownStart
{
	bool known;
	int32 period;
	TimestampTz at;
} KnownStart;

typedef struct Periods
{
	Calendar calendar;
	ZoneDays *zone;
	int32 now; /* the period asked for last, and from when until when it is */
	TimestampTz from;
	TimestampTz until;
	KnownStart starts[KNOWN_STARTS]; /* by the low bits of the period */
} Periods;

/* In the current memory context; the period must live as long. */
extern Periods *periods_open(const CalendarPeriod *period, ZoneDays *zone);

extern int32 period_slow(Periods *periods, TimestampTz at);

/* The number of the period that holds a finite instant; 22008 before the first of a list. */
static inline int32
period_of(Periods *periods, TimestampTz at)
{
	if (likely(at >= periods->from && at < periods->until))
		return periods->now;
	return period_slow(periods, at);
}

#endif
