/*
 * periods.c
 *		Which period an instant belongs to; the header explains it.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "calendar/periods.h"

Periods *
periods_open(const CalendarPeriod *period, ZoneDays *zone)
{
	Periods *periods = palloc0(sizeof(Periods));

	calendar_open(&periods->calendar, period);
	periods->zone = zone;
	return periods;
}

/* When a period starts; infinite where no instant is that late. */
static TimestampTz
period_start(Periods *periods, int32 period)
{
	KnownStart *start = &periods->starts[(uint32) period % KNOWN_STARTS];

	if (!start->known || start->period != period)
	{
		DateADT day = calendar_start(&periods->calendar, period);

		start->known = false;
		start->at = day < TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE
						? zone_day_start(periods->zone, day)
						: DT_NOEND;
		start->period = period;
		start->known = true;
	}
	return start->at;
}

int32
period_slow(Periods *periods, TimestampTz at)
{
	int32 period;

	/* mostly the next one */
	if (at >= periods->until && periods->from < periods->until &&
		at < period_start(periods, periods->now + 1 + 1))
		period = periods->now + 1;
	else
	{
		period = calendar_index(&periods->calendar, zone_day(periods->zone, at));
		while (at < period_start(periods, period))
			period--;
		while (at >= period_start(periods, period + 1))
			period++;
	}
	periods->from = period_start(periods, period);
	periods->until = period_start(periods, period + 1);
	periods->now = period;
	return period;
}
