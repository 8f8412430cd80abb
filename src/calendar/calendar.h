/*
 * calendar.h
 *		Local days and calendar periods.
 *
 * A day is a DateADT. Which day an instant falls on depends on a time zone;
 * ZoneDays answers it for one zone at the cost of a table look-up, since
 * collectors ask for every row.
 *
 * A calendar_period is the SQL type: 'month', 'week:sunday', 'year:04-01',
 * 'month@Europe/Helsinki', or a list of period starts. Opened as a Calendar it
 * numbers the periods (period n starts where period n - 1 ends), so that the
 * lag of two days is a subtraction.
 */
#ifndef LOYALTY_CALENDAR_H
#define LOYALTY_CALENDAR_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

#include "calendar/day.h"

/* ---- zones and days ---- */

/* Days of one zone whose offset from UTC is looked up at once. */
#define ZONE_PAGE_DAYS 512
#define ZONE_PAGES	   96
#define ZONE_FIRST_DAY \
	(-ZONE_PAGE_DAYS * 24)				 /* 1966, counted from 2000-01-01; the table ends in 2100 */
#define ZONE_OFFSET_CHANGES PG_INT32_MIN /* the offset is not the same all day: ask the zone */

typedef struct ZoneDays
{
	pg_tz *zone;
	int32 *pages[ZONE_PAGES]; /* seconds east of UTC by day of UTC; NULL: page not made yet */
} ZoneDays;

/* The session's TimeZone. The pointer stays valid for the life of the backend. */
extern ZoneDays *zone_of_session(void);

/*
 * A zone by name, case-insensitively; an unknown one is error 22023. Cached.
 *
 * Names are those that SET TimeZone takes: 'CET' is the zone of that name, with
 * its summer time, as it is for a session that runs in it (AT TIME ZONE takes it for
 * the abbreviation). What is an abbreviation only, such as 'EEST', is unknown:
 * its meaning hangs on a setting.
 */
extern ZoneDays *zone_by_name(const char *name, size_t len);

/* The same; NULL where unknown. */
extern ZoneDays *zone_find(const char *name, size_t len);

/* The zone's own spelling of its name; UTC for all names of it. */
extern const char *zone_name(const ZoneDays *zone);

/* What zone_day() does where its table doesn't have the answer; refuses infinity (22008). */
extern DateADT zone_day_slow(ZoneDays *zone, TimestampTz at);

/* The first instant of a local day, as date::timestamptz has it: infinite for an infinite day;
 * 22008 out of range. */
extern TimestampTz zone_day_start(const ZoneDays *zone, DateADT day);

/* What timestamptz + interval gives in that zone: months (clamped) and days in local time, then the
 * rest. 22008 out of range. */
extern TimestampTz zone_add_interval(const ZoneDays *zone, TimestampTz at,
									 const Interval *interval);

/* The same of days only; mostly by a look at the table. */
extern TimestampTz zone_add_days(ZoneDays *zone, TimestampTz at, int32 days);

/* Is the offset from UTC the same all the time from an instant to another? */
extern bool zone_is_steady(const ZoneDays *zone, TimestampTz from, TimestampTz to);

/* The local day of an instant. */
static inline DateADT
zone_day(ZoneDays *zone, TimestampTz at)
{
	int64 utc_day = at / USECS_PER_DAY - (at % USECS_PER_DAY < 0);
	uint64 slot = (uint64) (utc_day - ZONE_FIRST_DAY);

	if (likely(slot < ZONE_PAGES * ZONE_PAGE_DAYS && zone->pages[slot / ZONE_PAGE_DAYS] != NULL))
	{
		int32 offset = zone->pages[slot / ZONE_PAGE_DAYS][slot % ZONE_PAGE_DAYS];

		if (likely(offset != ZONE_OFFSET_CHANGES))
		{
			int64 local = at - utc_day * USECS_PER_DAY + (int64) offset * USECS_PER_SEC;

			return (DateADT) (utc_day + (local >= USECS_PER_DAY) - (local < 0));
		}
	}
	return zone_day_slow(zone, at);
}

/* ---- periods ---- */

typedef struct CalendarPeriod CalendarPeriod; /* the stored type, a varlena */

typedef enum CalendarUnit
{
	CALENDAR_DAY,
	CALENDAR_WEEK,
	CALENDAR_MONTHS, /* month, quarter, half year, year: length in months */
	CALENDAR_LIST	 /* starts spelled out */
} CalendarUnit;

/*
 * A period opened for use.
 *
 * The range of days that occur is numbered once and then looked up: the table is
 * what makes a fold over many days cheap. It is made when enough days have been
 * computed one by one to pay for it, so opening a calendar for a few days is cheap too.
 */
typedef struct Calendar
{
	CalendarUnit unit;
	int months;		 /* CALENDAR_MONTHS: length of a period */
	int first_month; /* CALENDAR_MONTHS: 0..11, a month in which a period starts */
	int first_day; /* day of month (1..31); for weeks the first day, from 2000-01-01 on, that starts
					  one */
	int nstarts;   /* CALENDAR_LIST */
	const DateADT *starts; /* ascending */
	const char *zone;	   /* NULL: the session's */

	DateADT table_first; /* look-up table: index of day table_first + i */
	uint32 table_len;
	int32 *table;
	MemoryContext context; /* where the table lives */
	uint32 misses;		   /* days computed since the table was made, and their range */
	DateADT miss_first;
	DateADT miss_last;
} Calendar;

/* Opens a period in the current memory context; the period must outlive the calendar. */
extern void calendar_open(Calendar *calendar, const CalendarPeriod *period);

/*
 * The number of the period that holds a finite day. With a list of starts, a
 * day before the first is error 22008 that names it; the last period is open.
 */
extern int32 calendar_index_slow(Calendar *calendar, DateADT day);

/*
 * The first day of a period; DATEVAL_NOEND for the end of a list's open last
 * period. Outside the range of date: 22008.
 */
extern DateADT calendar_start(const Calendar *calendar, int32 index);

/* The text form of a period, palloc'd; as calendar_period's output function. */
extern char *calendar_period_text(const CalendarPeriod *period);

/* Parses a text form; 22023 that lists the forms. Result is a palloc'd varlena. */
extern CalendarPeriod *calendar_period_parse(const char *text);

/* Are two periods the same, zone included? */
extern bool calendar_period_equal(const CalendarPeriod *a, const CalendarPeriod *b);

#define PG_GETARG_CALENDAR_PERIOD(n) ((CalendarPeriod *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

static inline int32
calendar_index(Calendar *calendar, DateADT day)
{
	uint32 slot = (uint32) day - (uint32) calendar->table_first;

	if (likely(slot < calendar->table_len))
		return calendar->table[slot];
	return calendar_index_slow(calendar, day);
}

#endif
