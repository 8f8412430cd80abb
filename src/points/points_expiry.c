/*
 * points_expiry.c
 *		When points are gone, and when they can be spent: calendar arithmetic in
 *		the policy's zone.
 *
 * Most rules depend on nothing but the local day of earning. Those are computed once
 * for each day and rule, and looked up from then on.
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "points/points_expiry.h"

/* Days remembered for each rule; a power of two. */
#define KNOWN_DAYS 2048

typedef struct KnownDay
{
	DateADT day;
	TimestampTz expires_at;
} KnownDay;

/* A rule of a version: the general one, then those of its labels. */
typedef struct ClockRule
{
	const PointsExpiry *expiry;
	bool by_day;	 /* depends on the local day only */
	KnownDay *known; /* NULL: none yet */
} ClockRule;

struct PointsClock
{
	const PointsPolicy *policy;
	MemoryContext context;
	ClockRule **rules; /* of each version: 1 + nlabels */
};

static bool
is_by_day(const PointsExpiry *expiry)
{
	return !expiry->has_after || (expiry->after.time == 0 && expiry->align != POINTS_ALIGN_NONE);
}

PointsClock *
points_clock_create(const PointsPolicy *policy)
{
	PointsClock *clock = palloc0(sizeof(PointsClock));
	int i;
	int n;

	clock->policy = policy;
	clock->context = CurrentMemoryContext;
	clock->rules = palloc(policy->nversions * sizeof(ClockRule *));
	for (i = 0; i < policy->nversions; i++)
	{
		const PointsVersion *version = &policy->versions[i];

		clock->rules[i] = palloc0((1 + version->nlabels) * sizeof(ClockRule));
		for (n = 0; n <= version->nlabels; n++)
		{
			ClockRule *rule = &clock->rules[i][n];

			rule->expiry = n == 0 ? &version->expiry : &version->labels[n - 1].expiry;
			rule->by_day = is_by_day(rule->expiry);
		}
	}
	return clock;
}

ZoneDays *
points_clock_zone(const PointsClock *clock)
{
	return clock->policy->zone != NULL ? clock->policy->zone : zone_of_session();
}

/* The version in force on a day. */
static int
version_of(const PointsPolicy *policy, DateADT day)
{
	int i = policy->nversions - 1;

	while (i > 0 && policy->versions[i].from > day)
		i--;
	return i;
}

static int
compare_label(EventText a, EventText b)
{
	int result = memcmp(a.bytes, b.bytes, Min(a.len, b.len));

	return result != 0 ? result : a.len - b.len;
}

/* The rule for a label: its own, or the general one. */
static ClockRule *
rule_of(PointsClock *clock, int version, EventText label)
{
	const PointsVersion *v = &clock->policy->versions[version];
	int low = 0;
	int high = v->nlabels;

	if (label.bytes == NULL)
		return &clock->rules[version][0];
	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = compare_label(v->labels[middle].label, label);

		if (order == 0)
			return &clock->rules[version][1 + middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &clock->rules[version][0];
}

static DateADT
day_of(int year, int month, int mday)
{
	return date2j(year, month, Min(mday, day_tab[isleap(year)][month - 1])) - POSTGRES_EPOCH_JDATE;
}

/* The first day of the calendar period of so many months behind the one that holds a day. */
static DateADT
next_period(DateADT day, int months)
{
	int year;
	int month;
	int mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	month = (month - 1) / months * months + months;
	return day_of(year + month / MONTHS_PER_YEAR, month % MONTHS_PER_YEAR + 1, 1);
}

/* The first day on which points are gone that are good through a day. */
static DateADT
aligned(DateADT day, PointsAlign align)
{
	switch (align)
	{
		case POINTS_ALIGN_NONE:
		case POINTS_ALIGN_DAY:
			break;
		case POINTS_ALIGN_MONTH:
			return next_period(day, 1);
		case POINTS_ALIGN_QUARTER:
			return next_period(day, 3);
		case POINTS_ALIGN_HALF_YEAR:
			return next_period(day, 6);
		case POINTS_ALIGN_YEAR:
			return next_period(day, 12);
	}
	return day + 1;
}

/* The fixed annual date that comes next after a day; 29 February is the 28th in other years. */
static DateADT
next_annual(DateADT day, int month, int mday)
{
	int year;
	int of_month;
	int of_day;
	DateADT next;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &of_month, &of_day);
	next = day_of(year, month, mday);
	return next > day ? next : day_of(year + 1, month, mday);
}

static TimestampTz
compute_expiry(ZoneDays *zone, const PointsExpiry *expiry, TimestampTz start)
{
	TimestampTz base;

	if (!expiry->has_after)
		return zone_day_start(zone,
							  next_annual(zone_day(zone, start), expiry->on_month, expiry->on_day));
	base = zone_add_interval(zone, start, &expiry->after);
	if (expiry->align == POINTS_ALIGN_NONE)
		return base;
	return zone_day_start(zone, aligned(zone_day(zone, base), expiry->align));
}

TimestampTz
points_clock_available_at(PointsClock *clock, TimestampTz earned_at)
{
	const PointsPolicy *policy = clock->policy;
	const Interval *pending;
	ZoneDays *zone;

	if (policy->nversions == 1)
	{
		pending = &policy->versions[0].pending;
		if (pending->month == 0 && pending->day == 0 && pending->time == 0)
			return earned_at;
		zone = points_clock_zone(clock);
	}
	else
	{
		zone = points_clock_zone(clock);
		pending = &policy->versions[version_of(policy, zone_day(zone, earned_at))].pending;
	}
	return zone_add_interval(zone, earned_at, pending);
}

TimestampTz
points_clock_expires_at(PointsClock *clock, TimestampTz earned_at, TimestampTz available_at,
						EventText label)
{
	ZoneDays *zone = points_clock_zone(clock);
	DateADT earned_on = zone_day(zone, earned_at);
	ClockRule *rule = rule_of(clock, version_of(clock->policy, earned_on), label);
	const PointsExpiry *expiry = rule->expiry;
	TimestampTz start = expiry->from_activation ? available_at : earned_at;
	DateADT day;
	KnownDay *known;

	if (!expiry->has_after && expiry->on_month == 0)
		return DT_NOEND;
	if (!rule->by_day)
		return compute_expiry(zone, expiry, start);

	day = expiry->from_activation ? zone_day(zone, start) : earned_on;
	if (rule->known == NULL)
	{
		int i;

		rule->known = MemoryContextAlloc(clock->context, KNOWN_DAYS * sizeof(KnownDay));
		for (i = 0; i < KNOWN_DAYS; i++)
			rule->known[i].day = DATEVAL_NOBEGIN;
	}
	known = &rule->known[(uint32) day % KNOWN_DAYS];
	if (known->day != day)
	{
		known->expires_at = compute_expiry(zone, expiry, start);
		known->day = day;
	}
	return known->expires_at;
}

TimestampTz
points_clock_inactive_at(const PointsClock *clock, TimestampTz last)
{
	ZoneDays *zone = points_clock_zone(clock);
	DateADT day;

	if (!clock->policy->has_inactive)
		return DT_NOEND;
	/* 24 hours are less than a day where the clock is put back */
	day = zone_day(zone, zone_add_interval(zone, last, &clock->policy->inactive_after));
	return zone_day_start(zone, Max(day, zone_day(zone, last) + 1));
}

/* No month is shorter than 28 days, and no day and shift of the clock together take two. */
TimestampTz
points_clock_inactive_bound(const PointsClock *clock, TimestampTz last)
{
	const Interval *after = &clock->policy->inactive_after;
	float8 least = (float8) last + ((float8) after->month * 28 + after->day - 2) * USECS_PER_DAY +
				   (float8) after->time;

	if (!clock->policy->has_inactive || least >= (float8) END_TIMESTAMP)
		return DT_NOEND;
	return least > (float8) last ? (TimestampTz) least : last;
}
