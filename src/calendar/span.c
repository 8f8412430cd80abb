/*
 * span.c
 *		An interval that is added to many instants of a zone.
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"

/*
 * How far a zone's offset can differ between two instants: a day, where a country moved over
 * the date line, and some hours.
 */
#define ZONE_SHIFT (26 * USECS_PER_HOUR)

/* Days in so many months that follow each other, the fewest and the most. */
static const int fewest_days[MONTHS_PER_YEAR] = { 0,   28,	59,	 89,  120, 150,
												  181, 212, 242, 273, 303, 334 };
static const int most_days[MONTHS_PER_YEAR] = { 0,	 31,  62,  92,	123, 153,
												184, 215, 245, 276, 306, 337 };

static int64
clamp_span(int128 span)
{
	return (int64) Max(0, Min(span, (int128) PG_INT64_MAX));
}

void
span_open(Span *span, const Interval *interval)
{
	int years = interval->month / MONTHS_PER_YEAR;
	int months = interval->month % MONTHS_PER_YEAR;
	/* Of so many years there are at least so many leap years, centuries left out. */
	int128 fewest = (int128) years * 365 + Max(0, years / 4 - years / 100 - 1);
	int128 most = (int128) years * 365 + (years + 3) / 4;
	int128 shift = interval->month != 0 || interval->day != 0 ? ZONE_SHIFT : 0;

	fewest += fewest_days[months] + interval->day;
	most += most_days[months] + interval->day;
	span->interval = *interval;
	span->shifts = NULL;
	span->orders = NULL;
	span->context = CurrentMemoryContext;
	span->least = clamp_span(fewest * USECS_PER_DAY + interval->time - shift);
	span->most = clamp_span(most * USECS_PER_DAY + interval->time + shift);
}

/* A day so many months later, clamped as interval does it. */
static DateADT
add_months(DateADT day, int months)
{
	int year;
	int month;
	int day_of_month;
	int64 all;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
	all = (int64) year * MONTHS_PER_YEAR + month - 1 + months;
	year = (int) (all / MONTHS_PER_YEAR - (all % MONTHS_PER_YEAR < 0));
	month = (int) (all - (int64) year * MONTHS_PER_YEAR) + 1;
	return date2j(year, month, Min(day_of_month, day_tab[isleap(year)][month - 1])) -
		   POSTGRES_EPOCH_JDATE;
}

/* What shifted_day() does where it doesn't remember the day. */
static DateADT
shift_day(Span *span, DateADT day)
{
	SpanShift *shift;

	if (span->shifts == NULL)
	{
		int i;

		span->shifts = MemoryContextAlloc(span->context, SPAN_DAYS * sizeof(SpanShift));
		for (i = 0; i < SPAN_DAYS; i++)
			span->shifts[i].day = PG_INT32_MIN;
	}
	shift = &span->shifts[day & (SPAN_DAYS - 1)];
	shift->day = day;
	shift->shifted = add_months(day, span->interval.month) + span->interval.day;
	return shift->shifted;
}

static inline DateADT
shifted_day(Span *span, DateADT day)
{
	if (span->interval.month == 0)
		return day + span->interval.day;
	if (likely(span->shifts != NULL && span->shifts[day & (SPAN_DAYS - 1)].day == day))
		return span->shifts[day & (SPAN_DAYS - 1)].shifted;
	return shift_day(span, day);
}

/*
 * The offset from UTC on a day of UTC, if it is the same all day and the days before and
 * after.
 */
static inline bool
steady_offset(ZoneDays *zone, int64 utc_day, int32 *offset)
{
	uint64 slot = (uint64) (utc_day - 1 - ZONE_FIRST_DAY);
	const int32 *page;

	if (slot >= (uint64) ZONE_PAGES * ZONE_PAGE_DAYS || slot % ZONE_PAGE_DAYS >= ZONE_PAGE_DAYS - 2)
		return false;
	if (unlikely(zone->pages[slot / ZONE_PAGE_DAYS] == NULL))
		(void) zone_day(zone, utc_day * USECS_PER_DAY);
	page = zone->pages[slot / ZONE_PAGE_DAYS] + slot % ZONE_PAGE_DAYS;
	*offset = page[1];
	return page[0] == page[1] && page[1] == page[2] && page[1] != ZONE_OFFSET_CHANGES;
}

/* The offset from UTC at an instant, if its day has just one. */
static inline bool
plain_offset(ZoneDays *zone, TimestampTz at, int32 *offset)
{
	int64 utc_day = at / USECS_PER_DAY - (at % USECS_PER_DAY < 0);
	uint64 slot = (uint64) (utc_day - ZONE_FIRST_DAY);

	if (slot >= (uint64) ZONE_PAGES * ZONE_PAGE_DAYS)
		return false;
	if (zone->pages[slot / ZONE_PAGE_DAYS] == NULL)
		(void) zone_day(zone, at);
	*offset = zone->pages[slot / ZONE_PAGE_DAYS][slot % ZONE_PAGE_DAYS];
	return *offset != ZONE_OFFSET_CHANGES;
}

TimestampTz
span_end(Span *span, ZoneDays *zone, TimestampTz at)
{
	const Interval *interval = &span->interval;
	int32 offset;
	int32 middle_offset;
	int32 end_offset;

	if (span_most(span, at) == DT_NOEND)
		return DT_NOEND;
	if (interval->month == 0 && interval->day == 0)
		return at + interval->time;

	/* Where the zone stands still around both ends, and where days are counted from after months,
	 * both are plain arithmetic. */
	if (plain_offset(zone, at, &offset))
	{
		int64 local = at + offset * USECS_PER_SEC;
		int64 day = local / USECS_PER_DAY - (local % USECS_PER_DAY < 0);
		int64 time = local - day * USECS_PER_DAY;

		day = shifted_day(span, (DateADT) day);
		if (steady_offset(zone, day, &end_offset) &&
			(interval->month == 0 || interval->day == 0 ||
			 steady_offset(zone, day - interval->day, &middle_offset)))
			return day * USECS_PER_DAY + time - end_offset * USECS_PER_SEC + interval->time;
	}
	return zone_add_interval(zone, at, interval);
}

/* Months are clamped by so many days at most. */
#define CLAMPED_DAYS 3

/*
 * What begins on a day of UTC is on that local day, the one before, or the one after. None of
 * them may end on the same day as one that follows, and the zone must stand still around them,
 * at both ends.
 */
static bool
day_keeps_order(Span *span, ZoneDays *zone, DateADT day)
{
	int32 offset;
	int32 before;
	int32 after;
	int i;

	for (i = -1; i <= CLAMPED_DAYS && span->interval.month != 0; i++)
		if (add_months(day + i, span->interval.month) >=
			add_months(day + i + 1, span->interval.month))
			return false;
	return steady_offset(zone, day, &offset) &&
		   steady_offset(zone, shifted_day(span, day - 1), &before) &&
		   steady_offset(zone, shifted_day(span, day + 1), &after) && before == after;
}

bool
span_look_at_order(Span *span, ZoneDays *zone, DateADT day)
{
	SpanOrder *order;

	if (span->orders == NULL)
	{
		int i;

		span->orders = MemoryContextAlloc(span->context, SPAN_DAYS * sizeof(SpanOrder));
		for (i = 0; i < SPAN_DAYS; i++)
			span->orders[i].day = PG_INT32_MIN;
	}
	order = &span->orders[day & (SPAN_DAYS - 1)];
	order->day = day;
	order->keeps =
		(span->interval.month == 0 && span->interval.day == 0) || day_keeps_order(span, zone, day);
	return order->keeps;
}

DateADT
day_anniversary(DateADT began, int n)
{
	return add_months(began, n * MONTHS_PER_YEAR);
}
