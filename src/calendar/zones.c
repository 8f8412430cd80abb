/*
 * zones.c
 *		Which local day an instant falls on, and when a day begins.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/int.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/codec.h"

/* Seconds from the Unix epoch, which zones count from, to PostgreSQL's. */
#define EPOCH_SECONDS ((pg_time_t) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/*
 * Zones by address: pg_tzset() hands out one pg_tz for a name, however it is
 * spelled, and never frees it. Names of UTC share one zone.
 */
typedef struct ZoneEntry
{
	pg_tz *key;
	ZoneDays *zone;
} ZoneEntry;

static HTAB *zones = NULL;

/*
 * Names as they were asked for, by their hash; a slot keeps the last one.
 * Longer names than fit are looked up each time.
 */
#define ZONE_NAME_SLOTS 128

typedef struct ZoneNameSlot
{
	ZoneDays *zone; /* NULL: free */
	bool misleads;	/* see misleads() */
	size_t len;
	char name[48];
} ZoneNameSlot;

/* Longest part of an unknown name to show. */
#define SHOWN_NAME_BYTES 100

static ZoneNameSlot zone_names[ZONE_NAME_SLOTS];

/* A name that is a number of hours, perhaps behind UTC or GMT: what is behind that, or NULL. */
static const char *
hours_of(const char *name)
{
	if (pg_strncasecmp(name, "UTC", 3) == 0 || pg_strncasecmp(name, "GMT", 3) == 0)
		name += 3;
	else if (pg_strncasecmp(name, "UT", 2) == 0)
		name += 2;
	return *name == '+' || *name == '-' || (*name >= '0' && *name <= '9') ? name : NULL;
}

/*
 * Does a name mean one thing to SET TimeZone, and another one to AT TIME ZONE, or to people?
 *
 * CET, EET, MET, WET, EST, MST and HST are zones, which have or had other hours at times, and
 * abbreviations, which have not. And '+02:00', which looks like the end of an instant two hours to
 * the east, is POSIX's for two hours to the west; so is 'UTC+2'.
 */
static bool
misleads(const char *name, const ZoneDays *zone)
{
	static const char *const both[] = { "CET", "EET", "MET", "WET", "EST", "MST", "HST" };
	long int offset;
	size_t i;

	for (i = 0; i < lengthof(both); i++)
		if (pg_strcasecmp(name, both[i]) == 0)
			return true;
	return hours_of(name) != NULL && !(pg_get_timezone_offset(zone->zone, &offset) && offset == 0);
}

/*
 * UTC has a dozen names (Etc/UTC, GMT, Zulu, Etc/GMT+0 ...) and many spellings (UTC0, <+00>-00),
 * and which one a session has is up to its driver. A zone whose clock has always stood at UTC is
 * UTC: results that were collected by any of these names say the same, add up and are equal.
 * A session's '+02:00' is what PostgreSQL calls <-02>+02, which doesn't mislead who reads it.
 * Other zones keep the name that was given, since whether two of them are one and the same
 * depends on the server's version of the zones.
 */
static pg_tz *
canonical_zone(pg_tz *tz)
{
	long int offset;
	pg_tz *canonical = NULL;

	if (!pg_get_timezone_offset(tz, &offset))
		return tz;
	if (offset == 0)
		canonical = pg_tzset("UTC");
	else if (hours_of(pg_get_timezone_name(tz)) != NULL)
		canonical = pg_tzset_offset(-offset);
	return canonical != NULL ? canonical : tz;
}

static ZoneDays *
zone_of(pg_tz *tz)
{
	pg_tz *canonical;
	ZoneEntry *entry;
	ZoneDays *zone;

	if (zones == NULL)
	{
		HASHCTL ctl;

		memset(&ctl, 0, sizeof(ctl));
		ctl.keysize = sizeof(pg_tz *);
		ctl.entrysize = sizeof(ZoneEntry);
		ctl.hcxt = TopMemoryContext;
		zones = hash_create("loyalty time zones", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(zones, &tz, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->zone;

	/* The zone comes first: were there no memory for it, its entry would be left empty. */
	canonical = canonical_zone(tz);
	if (canonical != tz)
		zone = zone_of(canonical);
	else
	{
		zone = MemoryContextAllocZero(TopMemoryContext, sizeof(ZoneDays));
		zone->zone = tz;
	}
	entry = hash_search(zones, &tz, HASH_ENTER, NULL);
	entry->zone = zone;
	return zone;
}

SessionZone zone_session;

ZoneDays *
zone_of_session_anew(void)
{
	pg_tz *tz = session_timezone;

	zone_session.zone = zone_of(tz);
	zone_session.tz = tz;
	return zone_session.zone;
}

/* As SET TimeZone finds it; NULL where it doesn't. */
static pg_tz *
load_zone(const char *name, size_t len)
{
	char text[TZ_STRLEN_MAX + 1];
	pg_tz *tz;
	size_t i;

	if (len == 0 || len > TZ_STRLEN_MAX)
		return NULL;

	/*
	 * No zone has other characters in its name, but a POSIX specification may
	 * be spelled with any bytes, and those would come out again in results.
	 */
	for (i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return NULL;
	memcpy(text, name, len);
	text[len] = '\0';
	tz = pg_tzset(text);
	if (tz == NULL || !pg_tz_acceptable(tz)) /* one that counts leap seconds */
		return NULL;
	return tz;
}

/* The zone of a name; NULL where unknown. */
static ZoneDays *
find_zone(const char *name, size_t len, bool *zone_misleads)
{
	static ZoneNameSlot *last = NULL;
	ZoneNameSlot *slot;
	ZoneDays *zone;
	pg_tz *tz;

	if (last == NULL || last->len != len || memcmp(last->name, name, len) != 0)
	{
		slot = &zone_names[hash_bytes((const unsigned char *) name, (int) len) % ZONE_NAME_SLOTS];
		if (slot->zone == NULL || slot->len != len || memcmp(slot->name, name, len) != 0)
		{
			tz = load_zone(name, len);
			if (tz == NULL)
				return NULL;
			zone = zone_of(tz);
			*zone_misleads = misleads(pnstrdup(name, len), zone);
			if (len > sizeof(slot->name))
				return zone;
			slot->zone = zone;
			slot->misleads = *zone_misleads;
			slot->len = len;
			memcpy(slot->name, name, len);
		}
		last = slot;
	}
	*zone_misleads = last->misleads;
	return last->zone;
}

static void report_unknown(const char *name, size_t len) pg_attribute_noreturn();

static void
report_unknown(const char *name, size_t len)
{
	int shown = pg_mbcliplen(name, (int) len, SHOWN_NAME_BYTES);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown time zone \"%.*s%s\"", shown, name, (size_t) shown < len ? "..." : ""),
			 errhint("Give a full name such as Europe/Helsinki: see pg_timezone_names. "
					 "Abbreviations and zones that count leap seconds aren't accepted.")));
}

ZoneDays *
zone_by_name(const char *name, size_t len)
{
	bool zone_misleads;
	ZoneDays *zone = find_zone(name, len, &zone_misleads);

	if (unlikely(zone == NULL))
		report_unknown(name, len);
	if (unlikely(zone_misleads))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("time zone \"%.*s\" has two meanings", (int) len, name),
			 hours_of(pnstrdup(name, len)) != NULL
				 ? errdetail(
					   "In a zone's name hours count to the west of UTC, in an instant to the east.")
				 : errdetail(
					   "As a zone its hours change with time, as an abbreviation, which AT TIME ZONE takes it for, they do not."),
			 errhint(
				 "Give a full name such as Europe/Helsinki; or a fixed offset such as Etc/GMT-2 or <+02>-02, which both are two hours to the east.")));
	return zone;
}

ZoneDays *
zone_noted(const char *name, size_t len)
{
	bool zone_misleads;
	ZoneDays *zone = find_zone(name, len, &zone_misleads);

	if (unlikely(zone == NULL))
		report_unknown(name, len);
	return zone;
}

const char *
zone_name(const ZoneDays *zone)
{
	return pg_get_timezone_name(zone->zone);
}

/*
 * Looks up the offsets of a page's days: from one transition to the next it
 * stays the same. A day with a transition inside is left to be asked each time;
 * one at midnight UTC is no such case.
 */
static void
zone_fill_page(ZoneDays *zone, int number)
{
	int32 *page = MemoryContextAlloc(TopMemoryContext, ZONE_PAGE_DAYS * sizeof(int32));
	pg_time_t day_start =
		EPOCH_SECONDS + (pg_time_t) (ZONE_FIRST_DAY + number * ZONE_PAGE_DAYS) * SECS_PER_DAY;
	pg_time_t changes = day_start; /* the next transition; where reached, look again */
	int32 offset = ZONE_OFFSET_CHANGES;
	int i;

	for (i = 0; i < ZONE_PAGE_DAYS; i++, day_start += SECS_PER_DAY)
	{
		if (day_start >= changes)
		{
			const struct pg_tm *local = pg_localtime(&day_start, zone->zone);
			long int before;
			long int after;
			int before_dst;
			int after_dst;
			int found;

			offset = local != NULL ? (int32) local->tm_gmtoff : ZONE_OFFSET_CHANGES;
			found = pg_next_dst_boundary(&day_start, &before, &before_dst, &changes, &after,
										 &after_dst, zone->zone);
			if (found == 0)
				changes = PG_INT64_MAX; /* none to come */
			else if (found < 0)
				changes = day_start;
		}
		page[i] = day_start + SECS_PER_DAY <= changes ? offset : ZONE_OFFSET_CHANGES;
	}
	zone->pages[number] = page;
}

static void report_timestamp_out_of_range(void) pg_attribute_noreturn();

static void
report_timestamp_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
}

/* Seconds since the Unix epoch, rounded down. */
static pg_time_t
unix_seconds(TimestampTz at)
{
	return at / USECS_PER_SEC - (at % USECS_PER_SEC < 0) + EPOCH_SECONDS;
}

DateADT
zone_day_slow(ZoneDays *zone, TimestampTz at)
{
	int64 utc_day;
	uint64 slot;
	pg_time_t seconds;
	const struct pg_tm *local;
	DateADT day;

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("instant must be finite, not '%s'",
							   TIMESTAMP_IS_NOEND(at) ? "infinity" : "-infinity"),
						errhint("Leave such rows out, or use NULL where there is no instant.")));

	utc_day = at / USECS_PER_DAY - (at % USECS_PER_DAY < 0);
	slot = (uint64) (utc_day - ZONE_FIRST_DAY);
	if (slot < ZONE_PAGES * ZONE_PAGE_DAYS && zone->pages[slot / ZONE_PAGE_DAYS] == NULL)
	{
		zone_fill_page(zone, (int) (slot / ZONE_PAGE_DAYS));
		if (zone->pages[slot / ZONE_PAGE_DAYS][slot % ZONE_PAGE_DAYS] != ZONE_OFFSET_CHANGES)
			return zone_day(zone, at);
	}

	seconds = unix_seconds(at);
	local = pg_localtime(&seconds, zone->zone);
	if (local == NULL)
		report_timestamp_out_of_range();
	day = date2j(local->tm_year + 1900, local->tm_mon + 1, local->tm_mday) - POSTGRES_EPOCH_JDATE;
	if (!IS_VALID_DATE(day))
		report_timestamp_out_of_range();
	return day;
}

/* The offset of a whole day of UTC; ZONE_OFFSET_CHANGES where it isn't one, or isn't in the table.
 */
static int32
offset_of_day(ZoneDays *zone, int64 utc_day)
{
	uint64 slot = (uint64) (utc_day - ZONE_FIRST_DAY);

	if (slot >= ZONE_PAGES * ZONE_PAGE_DAYS)
		return ZONE_OFFSET_CHANGES;
	if (unlikely(zone->pages[slot / ZONE_PAGE_DAYS] == NULL))
		zone_fill_page(zone, (int) (slot / ZONE_PAGE_DAYS));
	return zone->pages[slot / ZONE_PAGE_DAYS][slot % ZONE_PAGE_DAYS];
}

/* Seconds east of UTC at an instant, which is given in seconds. */
static int64
offset_at(const ZoneDays *zone, pg_time_t seconds)
{
	const struct pg_tm *local = pg_localtime(&seconds, zone->zone);

	if (local == NULL)
		report_timestamp_out_of_range();
	return local->tm_gmtoff;
}

/*
 * The first second at which the local time is midnight or later, both counted from the Unix epoch.
 *
 * From one change of the clock to the next, local time goes on with UTC. So either it comes to
 * midnight in between, or the change has carried it there.
 */
static pg_time_t
first_second(const ZoneDays *zone, int64 midnight)
{
	pg_time_t from = midnight;

	/* well before it, wherever that is */
	do
		from -= 2 * SECS_PER_DAY;
	while (from + offset_at(zone, from) >= midnight);

	for (;;)
	{
		pg_time_t at = midnight - offset_at(zone, from);
		pg_time_t change;
		long int before;
		long int after;
		int before_dst;
		int after_dst;

		if (at <= from)
			return from;
		if (pg_next_dst_boundary(&from, &before, &before_dst, &change, &after, &after_dst,
								 zone->zone) <= 0 ||
			at < change)
			return at;
		from = change;
	}
}

TimestampTz
zone_day_start(ZoneDays *zone, DateADT day)
{
	int32 offset;
	TimestampTz start;

	if (DATE_IS_NOBEGIN(day))
		return DT_NOBEGIN;
	if (DATE_IS_NOEND(day))
		return DT_NOEND;
	if (day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		report_timestamp_out_of_range();

	/* Mostly the clock isn't changed from the day before to the day after. */
	offset = offset_of_day(zone, day);
	if (offset != ZONE_OFFSET_CHANGES && offset_of_day(zone, (int64) day - 1) == offset &&
		offset_of_day(zone, (int64) day - 2) == offset)
		start = (TimestampTz) day * USECS_PER_DAY - offset * USECS_PER_SEC;
	else
		start =
			(first_second(zone, EPOCH_SECONDS + (pg_time_t) day * SECS_PER_DAY) - EPOCH_SECONDS) *
			USECS_PER_SEC;
	if (!IS_VALID_TIMESTAMP(start))
		report_timestamp_out_of_range();
	return start;
}

bool
zone_is_steady(const ZoneDays *zone, TimestampTz from, TimestampTz to)
{
	pg_time_t first = unix_seconds(from);
	pg_time_t change;
	long int before;
	long int after;
	int before_dst;
	int after_dst;
	int found =
		pg_next_dst_boundary(&first, &before, &before_dst, &change, &after, &after_dst, zone->zone);

	return found == 0 || (found > 0 && change > unix_seconds(to));
}

/* The instant of the same local time on another day, which is given as months and days after. */
static TimestampTz
move_day(const ZoneDays *zone, TimestampTz at, int32 months_after, int32 days_after)
{
	struct pg_tm tm;
	fsec_t fsec;
	int offset;
	int64 months;
	int64 julian;

	if (timestamp2tm(at, &offset, &tm, &fsec, NULL, zone->zone) != 0)
		report_timestamp_out_of_range();
	months = (int64) tm.tm_year * MONTHS_PER_YEAR + (tm.tm_mon - 1) + months_after;
	if (months < (int64) PG_INT16_MIN * 1000 || months > (int64) PG_INT16_MAX * 1000)
		report_timestamp_out_of_range();
	tm.tm_mon = (int) (months % MONTHS_PER_YEAR);
	tm.tm_year = (int) (months / MONTHS_PER_YEAR);
	if (tm.tm_mon < 0)
	{
		tm.tm_mon += MONTHS_PER_YEAR;
		tm.tm_year--;
	}
	tm.tm_mon++;
	tm.tm_mday = Min(tm.tm_mday, day_tab[isleap(tm.tm_year)][tm.tm_mon - 1]);

	julian = (int64) date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) + days_after;
	if (julian < 0 || julian > PG_INT32_MAX)
		report_timestamp_out_of_range();
	j2date((int) julian, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	offset = DetermineTimeZoneOffset(&tm, zone->zone);
	if (tm2timestamp(&tm, fsec, &offset, &at) != 0)
		report_timestamp_out_of_range();
	return at;
}

/* One after the other: what the months come to may be a local time that the clock leaves out. */
TimestampTz
zone_add_interval(const ZoneDays *zone, TimestampTz at, const Interval *interval)
{
	if (interval->month != 0)
		at = move_day(zone, at, interval->month, 0);
	if (interval->day != 0)
		at = move_day(zone, at, 0, interval->day);
	if (pg_add_s64_overflow(at, interval->time, &at) || !IS_VALID_TIMESTAMP(at))
		report_timestamp_out_of_range();
	return at;
}

/* Where the offset is the same then, and for a day to either side, so that no local time comes
 * twice, the days have 24 hours in sum. */
TimestampTz
zone_add_days(ZoneDays *zone, TimestampTz at, int32 days)
{
	int64 from = at / USECS_PER_DAY - (at % USECS_PER_DAY < 0);
	int32 offset = offset_of_day(zone, from);
	int64 to = from + days;

	if (offset == ZONE_OFFSET_CHANGES || offset_of_day(zone, to - 1) != offset ||
		offset_of_day(zone, to) != offset || offset_of_day(zone, to + 1) != offset)
	{
		Interval interval = { 0, days, 0 };

		return zone_add_interval(zone, at, &interval);
	}
	return at + days * USECS_PER_DAY;
}
