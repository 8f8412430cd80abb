/*
 * calendar.c
 *		Numbering periods: which one a day or an instant falls in, and where each starts.
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"

/* A calendar's look-up table covers at most so many days (2,700 years). */
#define CALENDAR_TABLE_DAYS	   1000000

/* The table is made after so many misses, and one for every few days of its range. */
#define CALENDAR_MIN_MISSES	   64
#define CALENDAR_DAYS_PER_MISS 8

static inline int64
floor_div(int64 value, int64 by)
{
	return value / by - (value % by < 0);
}

/* The day on which a period would start in a month, its last one where it is shorter. */
static inline int
start_in_month(const Calendar *calendar, int year, int month)
{
	return Min(calendar->first_day, day_tab[isleap(year)][month - 1]);
}

/* The last start that isn't after day. */
static int32
list_index(const Calendar *calendar, DateADT day)
{
	int low = 0;
	int high = calendar->nstarts;

	if (day < calendar->starts[0])
	{
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("day %s is before the first period, which starts on %s", day_text(day),
						day_text(calendar->starts[0])),
				 errhint("Add earlier starts to the list of periods, or leave earlier days out.")));
	}
	while (high - low > 1)
	{
		int middle = low + (high - low) / 2;

		if (calendar->starts[middle] <= day)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int32
period_index(const Calendar *calendar, DateADT day)
{
	int year;
	int month;
	int day_of_month;
	int64 months;

	switch (calendar->unit)
	{
		case CALENDAR_DAY:
			return day;
		case CALENDAR_WEEK:
			return (int32) floor_div((int64) day - calendar->first_day, 7);
		case CALENDAR_MONTHS:
			j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
			months = (int64) year * MONTHS_PER_YEAR + month - 1 - calendar->first_month;
			if (day_of_month < start_in_month(calendar, year, month))
				months--;
			return (int32) floor_div(months, calendar->months);
		case CALENDAR_LIST:
			return list_index(calendar, day);
	}
	elog(ERROR, "unknown calendar unit %d", (int) calendar->unit);
}

/* The first day of a period; false where that is no date. */
static bool
period_start(const Calendar *calendar, int64 index, DateADT *start)
{
	int64 day;
	int64 months;
	int64 year;
	int month;

	switch (calendar->unit)
	{
		case CALENDAR_DAY:
			day = index;
			break;
		case CALENDAR_WEEK:
			day = index * 7 + calendar->first_day;
			break;
		case CALENDAR_MONTHS:
			months = index * calendar->months + calendar->first_month;
			year = floor_div(months, MONTHS_PER_YEAR);
			month = (int) (months - year * MONTHS_PER_YEAR) + 1;
			if (year < JULIAN_MINYEAR || year > JULIAN_MAXYEAR ||
				!IS_VALID_JULIAN((int) year, month, 1))
				return false;
			day = (int64) date2j((int) year, month, start_in_month(calendar, (int) year, month)) -
				  POSTGRES_EPOCH_JDATE;
			break;
		case CALENDAR_LIST:
			if (index < 0 || index > calendar->nstarts)
				return false;
			*start = index == calendar->nstarts ? DATEVAL_NOEND : calendar->starts[index];
			return true;
		default:
			elog(ERROR, "unknown calendar unit %d", (int) calendar->unit);
	}
	if (day < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE ||
		day >= DATE_END_JULIAN - POSTGRES_EPOCH_JDATE)
		return false;
	*start = (DateADT) day;
	return true;
}

DateADT
calendar_start(const Calendar *calendar, int32 index)
{
	DateADT start;

	if (!period_start(calendar, index, &start))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("start of calendar period is out of range of type date")));
	return start;
}

DateADT
calendar_start_beyond(const Calendar *calendar, int64 index)
{
	if (calendar->unit == CALENDAR_LIST && index > calendar->nstarts)
		return DATEVAL_NOEND;
	return calendar_start(calendar, (int32) Min(index, PG_INT32_MAX));
}

/* Numbers the days of a range, period by period. */
static void
calendar_tabulate(Calendar *calendar, DateADT first, uint32 len)
{
	int32 *table = MemoryContextAlloc(calendar->context, len * sizeof(int32));
	uint32 i = 0;

	while (i < len)
	{
		int32 index = period_index(calendar, first + (DateADT) i);
		uint32 end = len;
		DateADT next;

		if (period_start(calendar, (int64) index + 1, &next))
			end = (uint32) Min((int64) len, (int64) next - first);
		while (i < end)
			table[i++] = index;
	}
	if (calendar->table != NULL)
		pfree(calendar->table);
	calendar->table = table;
	calendar->table_first = first;
	calendar->table_len = len;
}

/*
 * Notes a day that the table didn't have, and makes the table larger once the
 * misses would have paid for it. Numbering a day of a range costs about an
 * eighth of computing one by itself. Where the range gets too wide, as one odd day
 * makes it, the table moves to where the days are now.
 */
static void
calendar_missed(Calendar *calendar, DateADT day)
{
	int64 first = day;
	int64 last = day;

	if (calendar->misses > 0)
	{
		first = Min(first, calendar->miss_first);
		last = Max(last, calendar->miss_last);
		if (last - first >= CALENDAR_TABLE_DAYS)
		{
			first = last = day;
			calendar->misses = 0;
		}
	}
	calendar->misses++;
	calendar->miss_first = (DateADT) first;
	calendar->miss_last = (DateADT) last;

	if (calendar->table_len > 0)
	{
		int64 table_last = (int64) calendar->table_first + calendar->table_len - 1;
		int64 both_first = Min(first, calendar->table_first);
		int64 both_last = Max(last, table_last);

		if (both_last - both_first < CALENDAR_TABLE_DAYS)
		{
			first = both_first;
			last = both_last;
		}
	}
	if (calendar->misses >= CALENDAR_MIN_MISSES &&
		calendar->misses >= (last - first + 1) / CALENDAR_DAYS_PER_MISS)
	{
		calendar_tabulate(calendar, (DateADT) first, (uint32) (last - first + 1));
		calendar->misses = 0;
	}
}

int32
calendar_index_slow(Calendar *calendar, DateADT day)
{
	int32 index;

	check_finite_day(day);
	index = period_index(calendar, day);
	if (calendar->unit != CALENDAR_DAY)
		calendar_missed(calendar, day);
	return index;
}

void
check_span_length(int64 count, const char *what)
{
	if (unlikely(count > SPAN_MOST))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a span touches more than %d %s", SPAN_MOST, what),
						errhint("Give an as_of before that, ask by a longer period, or end the "
								"span earlier.")));
}

/* ---- the period of an instant ---- */

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
known_start(Periods *periods, int32 period)
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
		at < known_start(periods, periods->now + 1 + 1))
		period = periods->now + 1;
	else
	{
		period = calendar_index(&periods->calendar, zone_day(periods->zone, at));
		while (at < known_start(periods, period))
			period--;
		while (at >= known_start(periods, period + 1))
			period++;
	}
	periods->from = known_start(periods, period);
	periods->until = known_start(periods, period + 1);
	periods->now = period;
	return period;
}

/* ---- the calendar of a call site ---- */

/* The period of the call before, kept open: nearly always it is the same for all rows. */
typedef struct OpenPeriod
{
	MemoryContext context;	/* holds what follows */
	struct varlena *period; /* NULL: none is open */
	Calendar calendar;
} OpenPeriod;

Calendar *
calendar_call_argument(FunctionCallInfo fcinfo, int n)
{
	OpenPeriod *open = fcinfo->flinfo->fn_extra;
	struct varlena *period = (struct varlena *) PG_GETARG_CALENDAR_PERIOD(n);
	struct varlena *kept;
	MemoryContext old;

	if (open == NULL)
	{
		open = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(OpenPeriod));
		open->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "loyalty calendar",
											  ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = open;
	}
	else if (open->period != NULL && VARSIZE(open->period) == VARSIZE(period) &&
			 memcmp(open->period, period, VARSIZE(period)) == 0)
		return &open->calendar;

	open->period = NULL;
	MemoryContextReset(open->context);
	old = MemoryContextSwitchTo(open->context);
	kept = palloc(VARSIZE(period));
	memcpy(kept, period, VARSIZE(period));
	calendar_open(&open->calendar, (CalendarPeriod *) kept);
	MemoryContextSwitchTo(old);
	open->period = kept;
	return &open->calendar;
}
