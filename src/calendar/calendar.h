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
#include "fmgr.h"
#include "pgtime.h"
#include "utils/date.h"

#include "core/compat.h"
#include "core/json.h"

/* ---- ISO text, the same in every session, whatever DateStyle and TimeZone say ---- */

/* Text that isn't looked at yet. */
typedef struct IsoScan
{
	const char *at;
	const char *end;
} IsoScan;

static inline IsoScan
iso_scan(const char *text, size_t len)
{
	IsoScan scan = { text, text + len };

	return scan;
}

/* Takes a character, if it is this one. */
static inline bool
iso_take(IsoScan *scan, char wanted)
{
	if (scan->at == scan->end || *scan->at != wanted)
		return false;
	scan->at++;
	return true;
}

/* Takes a word, in whatever case. */
extern bool iso_take_word(IsoScan *scan, const char *word);

/* Takes blanks, of any kind. */
extern void iso_take_blanks(IsoScan *scan);

/* Takes a number of at most max digits; false where there are fewer than min. */
extern bool iso_take_number(IsoScan *scan, int min, int max, int *number);

/* Takes an element of a list: what is in quotes, or all up to one of these characters. False: a
 * quote isn't closed. */
extern bool iso_take_element(IsoScan *scan, const char *until, IsoScan *element);

typedef enum DayText
{
	DAY_READ,
	DAY_NOT_ISO,
	DAY_OUT_OF_RANGE, /* no such day, or none that a date holds */
	DAY_INFINITE	  /* 'infinity' or '-infinity', as day says */
} DayText;

/* Reads exactly one day: YYYY-MM-DD, with " BC" behind it before year 1. */
extern DayText day_parse(const char *text, size_t len, DateADT *day);

/* Refuses 'infinity' and '-infinity' (22008). */
extern void check_finite_day(DateADT day);

/* Days, periods or lags of one span at most: a subscription of 270 years by day. */
#define SPAN_MOST 100000

/* Refuses more of them (54000); what says of what. */
extern void check_span_length(int64 count, const char *what);

/* A day in ISO form whatever DateStyle says ('2024-01-05', '0044-03-15 BC'), palloc'd. */
extern char *day_text(DateADT day);

/* A JSON value as a day, worded as json.h does. */
extern DateADT json_as_day(const JsonbValue *value, const char *type, const char *key);

/* The day in an argument that isn't NULL; infinity is 22008. */
extern DateADT argument_finite_day(FunctionCallInfo fcinfo, int n, const char *name);

/* The same of one whose default is today; NULL is 22004. */
extern DateADT argument_day(FunctionCallInfo fcinfo, int n, const char *name);

typedef enum InstantParse
{
	INSTANT_OK,
	INSTANT_MALFORMED,
	INSTANT_NO_OFFSET,	 /* an instant, but for the offset from UTC */
	INSTANT_OUT_OF_RANGE /* no such day or time, or none that a timestamptz holds */
} InstantParse;

/* Room for the longest text. */
#define INSTANT_TEXT_SIZE 48

/* Writes '2024-01-05T10:00:00.25+00:00', with ' BC' where it is, or 'infinity', '-infinity'. */
extern void instant_to_text(TimestampTz at, char *text);

/*
 * Reads a date, 'T' or a blank, a time and an offset ('Z', '+02', '+0200', '+02:00'), then ' BC'
 * where it is; 'infinity' and '-infinity' too. DateStyle and TimeZone are not looked at.
 */
extern InstantParse instant_from_text(const char *text, int len, TimestampTz *at);

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

/* The zone that the session had when it was asked for last. */
typedef struct SessionZone
{
	pg_tz *tz;
	ZoneDays *zone;
} SessionZone;

extern SessionZone zone_session;
extern ZoneDays *zone_of_session_anew(void);

/* The session's TimeZone. The pointer stays valid for the life of the backend. */
static inline ZoneDays *
zone_of_session(void)
{
	return likely(zone_session.tz == session_timezone) ? zone_session.zone : zone_of_session_anew();
}

/* The zone whose name is argument n; where that is NULL, or n below 0, the session's. */
extern ZoneDays *argument_zone(FunctionCallInfo fcinfo, int n);

/*
 * A zone by the name that somebody gives, case-insensitively; an unknown one is error 22023.
 * Cached.
 *
 * It is the zone that AT TIME ZONE takes the name for; where that isn't the one that SET TimeZone
 * takes it for, or that a reader would, the name is refused: 'CET', '+02:00'. What is an
 * abbreviation only, such as 'EEST', is unknown: its meaning hangs on a setting.
 */
extern ZoneDays *zone_by_name(const char *name, size_t len);

/* A zone by the name that was noted with days and results: a session may be in any zone. */
extern ZoneDays *zone_noted(const char *name, size_t len);

/* The zone's own spelling of its name; UTC for all names of it. */
extern const char *zone_name(const ZoneDays *zone);

/* What zone_day() does where its table doesn't have the answer; refuses infinity (22008). */
extern DateADT zone_day_slow(ZoneDays *zone, TimestampTz at);

/*
 * When a local day begins: the first instant whose local date is that day, or a later one where the
 * zone leaves the day out. The day before ends there, which is what "as of" it means. Where a day
 * has two midnights this is the first; where the clock goes back over midnight what comes again of
 * the day before is behind it. Infinite for an infinite day; 22008 out of range.
 */
extern TimestampTz zone_day_start(ZoneDays *zone, DateADT day);

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
	uint64 since = (uint64) at - (uint64) (ZONE_FIRST_DAY * USECS_PER_DAY);
	uint64 slot = since / USECS_PER_DAY;

	if (likely(slot < ZONE_PAGES * ZONE_PAGE_DAYS && zone->pages[slot / ZONE_PAGE_DAYS] != NULL))
	{
		int32 offset = zone->pages[slot / ZONE_PAGE_DAYS][slot % ZONE_PAGE_DAYS];

		if (likely(offset != ZONE_OFFSET_CHANGES))
		{
			int64 local = (int64) (since - slot * USECS_PER_DAY) + (int64) offset * USECS_PER_SEC;

			return (DateADT) ((int64) slot + ZONE_FIRST_DAY + (local >= USECS_PER_DAY) -
							  (local < 0));
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

/* The same of one that may lie behind the open end of a list. */
extern DateADT calendar_start_beyond(const Calendar *calendar, int64 index);

/* The text form of a period, palloc'd; as calendar_period's output function. */
extern char *calendar_period_text(const CalendarPeriod *period);

/* Parses a text form; 22023 that lists the forms. Result is a palloc'd varlena. */
extern CalendarPeriod *calendar_period_parse(const char *text);

#define PG_GETARG_CALENDAR_PERIOD(n) ((CalendarPeriod *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

static inline int32
calendar_index(Calendar *calendar, DateADT day)
{
	uint32 slot = (uint32) day - (uint32) calendar->table_first;

	if (likely(slot < calendar->table_len))
		return calendar->table[slot];
	/* days number themselves, and need no table */
	if (calendar->unit == CALENDAR_DAY && !DATE_NOT_FINITE(day))
		return day;
	return calendar_index_slow(calendar, day);
}

/*
 * The calendar of argument n, which isn't NULL: that of the call before where the period is
 * the same, so that its look-up table is made once. It takes up fn_extra.
 */
extern Calendar *calendar_call_argument(FunctionCallInfo fcinfo, int n);

/* ---- the period of an instant ---- */

/*
 * By the instants at which periods start.
 *
 * Not by the instant's local day: where clocks go back over midnight, a day comes twice,
 * and a closing must be what the walk gives at the end of the period's last day.
 */

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

/* ---- an interval that is added to many instants of a zone ---- */

/*
 * Most questions are answered by bounds: at + interval lies between at + least and
 * at + most, whatever the calendar does.
 */

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
