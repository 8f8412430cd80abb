/*
 * points_expiry.c
 *		When points are gone, and when they can be spent: calendar arithmetic in
 *		the policy's zone, and what is remembered of it.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/array.h"
#include "policy/policy.h"
#include "points/points_internal.h"

/* A day that has another one behind it in every zone. */
#define LAST_DAY (TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE - 3)

/* ---- calendar ---- */

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

/* ---- what depends on a local day ---- */

/* Is the clock put forward at the end of a day? Then late instants of it come to the next. */
static bool
loses_its_end(PointsClock *clock, DateADT day)
{
	TimestampTz end;

	if (day >= LAST_DAY)
		return true;
	end = zone_day_start(clock->zone, day + 1);
	return zone_day(clock->zone, end - 1) != day || !zone_is_steady(clock->zone, end - 1, end);
}

/* Do all instants that local arithmetic carries to a day come there, and no others? */
static bool
is_whole(PointsClock *clock, DateADT day)
{
	TimestampTz start = zone_day_start(clock->zone, day);

	return zone_is_steady(clock->zone, start - USECS_PER_DAY, start + USECS_PER_DAY) ||
		   (!loses_its_end(clock, day - 1) && !loses_its_end(clock, day));
}

/*
 * Where the months of an interval carry an instant, from which its days go on; false where it
 * doesn't have both.
 */
static bool
get_middle(PointsClock *clock, TimestampTz at, const Interval *interval, TimestampTz *middle)
{
	Interval months = { .month = interval->month };

	if (interval->month == 0 || interval->day == 0)
		return false;
	*middle = zone_add_interval(clock->zone, at, &months);
	return true;
}

/* The local day to which an interval without a time of day carries an instant. */
static DateADT
day_after(PointsClock *clock, TimestampTz at, const Interval *interval, bool *all_day)
{
	DateADT day = zone_day(clock->zone, zone_add_interval(clock->zone, at, interval));
	TimestampTz middle;

	if (all_day != NULL)
		*all_day = is_whole(clock, day) && (!get_middle(clock, at, interval, &middle) ||
											is_whole(clock, zone_day(clock->zone, middle)));
	return day;
}

/* The instant that ends what is good through the day of at. */
static int64
compute_end(PointsClock *clock, const void *of, TimestampTz at, bool *all_day)
{
	const PointsExpiry *expiry = of;

	return zone_day_start(clock->zone, aligned(zone_day(clock->zone, at), expiry->align));
}

/* The expiry of what began at an instant. */
static int64
compute_end_by_day(PointsClock *clock, const void *of, TimestampTz at, bool *all_day)
{
	const PointsExpiry *expiry = of;
	DateADT day;

	if (expiry->has_after)
		day = aligned(day_after(clock, at, &expiry->after, all_day), expiry->align);
	else
		day = next_annual(zone_day(clock->zone, at), expiry->on_month, expiry->on_day);
	return zone_day_start(clock->zone, day);
}

/* 24 hours are less than a day where the clock is put back: never before the next day. */
static int64
compute_lapse(PointsClock *clock, const void *of, TimestampTz at, bool *all_day)
{
	DateADT over = day_after(clock, at, of, all_day);

	if (all_day != NULL && ((const Interval *) of)->time != 0)
		*all_day = false;
	return zone_day_start(clock->zone, Max(over, zone_day(clock->zone, at) + 1));
}

/* ---- tables ---- */

static ClockSlice no_slice = { .number = PG_INT64_MAX };

static void
open_table(ClockTable *table, ClockAnswer compute, const void *of)
{
	table->slices = &no_slice;
	table->mask = 0;
	table->asked = 0;
	table->compute = compute;
	table->of = of;
}

/*
 * Finds where the second local day of a slice begins. A slice in which the clock is changed has
 * midnight DT_NOBEGIN: nothing is remembered of it.
 */
static void
begin_slice(PointsClock *clock, ClockSlice *slice, int64 number)
{
	TimestampTz first = number * (INT64CONST(1) << CLOCK_SLICE_BITS);
	TimestampTz last = first + (INT64CONST(1) << CLOCK_SLICE_BITS) - 1;

	slice->number = number;
	slice->before = slice->from = CLOCK_UNKNOWN;
	slice->midnight = DT_NOBEGIN;
	if (!IS_VALID_TIMESTAMP(first) || !IS_VALID_TIMESTAMP(last) ||
		!zone_is_steady(clock->zone, first, last))
		return;
	if (zone_day(clock->zone, first) == zone_day(clock->zone, last))
		slice->midnight = DT_NOEND;
	else
	{
		TimestampTz midnight = zone_day_start(clock->zone, zone_day(clock->zone, last));

		/* not so where the clock was put back a little before */
		if (midnight > first && midnight <= last)
			slice->midnight = midnight;
	}
}

int64
points_clock_look_slow(PointsClock *clock, ClockTable *table, TimestampTz at)
{
	int64 number = at >> CLOCK_SLICE_BITS;
	bool all_day = true;
	ClockSlice *slice;
	int64 answer;

	if (table->slices == &no_slice)
	{
		int i;

		if (table->asked < CLOCK_FEW)
			table->asked++;
		if (table->asked < CLOCK_FEW || clock->tables == CLOCK_TABLES)
			return table->compute(clock, table->of, at, NULL);
		clock->tables++;
		table->slices = MemoryContextAlloc(clock->context, CLOCK_SLICES * sizeof(ClockSlice));
		table->mask = CLOCK_SLICES - 1;
		for (i = 0; i < CLOCK_SLICES; i++)
			table->slices[i] = no_slice;
	}
	slice = &table->slices[(uint32) number & table->mask];
	if (slice->number != number)
		begin_slice(clock, slice, number);
	answer = table->compute(clock, table->of, at, &all_day);
	if (all_day && slice->midnight != DT_NOBEGIN)
	{
		if (at < slice->midnight)
			slice->before = answer;
		else
			slice->from = answer;
	}
	return answer;
}

/* ---- the rules opened ---- */

static ClockForm
form_of(const PointsExpiry *expiry)
{
	if (!expiry->has_after)
		return expiry->on_month == 0 ? CLOCK_NEVER : CLOCK_BY_DAY;
	return expiry->after.time == 0 && expiry->align != POINTS_ALIGN_NONE ? CLOCK_BY_DAY
																		 : CLOCK_BY_SPAN;
}

static void
open_rule(ClockRule *rule, const PointsExpiry *expiry)
{
	rule->expiry = expiry;
	rule->form = form_of(expiry);
	rule->shares = NULL;
	if (rule->form == CLOCK_BY_DAY)
		open_table(&rule->ends, compute_end_by_day, expiry);
	else if (rule->form == CLOCK_BY_SPAN)
	{
		span_open(&rule->span, &expiry->after);
		open_table(&rule->ends, compute_end, expiry);
	}
}

/* No month is shorter than 28 days, and no day and shift of the clock together take two. */
static int64
least_of(const Interval *interval)
{
	float8 least = ((float8) interval->month * 28 + interval->day - 2) * USECS_PER_DAY +
				   (float8) interval->time;

	if (least >= (float8) END_TIMESTAMP)
		return END_TIMESTAMP;
	return least > 0 ? (int64) least : 0;
}

PointsClock *
points_clock_create(const PointsPolicy *policy)
{
	PointsClock *clock = palloc0(sizeof(PointsClock));
	int i;
	int n;

	clock->policy = policy;
	clock->zone = policy->zone != NULL ? policy->zone : zone_of_session();
	clock->context = CurrentMemoryContext;
	clock->versions = palloc0(policy->nversions * sizeof(ClockVersion));
	for (i = 0; i < policy->nversions; i++)
	{
		const PointsVersion *version = &policy->versions[i];
		ClockVersion *opened = &clock->versions[i];

		opened->until_activated = version->until_activated;
		opened->pends =
			version->pending.month != 0 || version->pending.day != 0 || version->pending.time != 0;
		if (opened->pends)
			span_open(&opened->pending, &version->pending);
		clock->pends |= opened->pends || opened->until_activated;
		clock->has_label_rules |= version->nlabels > 0;
		opened->rules = palloc0((1 + version->nlabels) * sizeof(ClockRule));
		open_rule(&opened->rules[0], &version->expiry);
		clock->has_shares |= version->expiry.shares > 0;
		for (n = 0; n < version->nlabels; n++)
		{
			open_rule(&opened->rules[1 + n], &version->labels[n].expiry);
			clock->has_shares |= version->labels[n].expiry.shares > 0;
		}
	}
	if (policy->nversions == 1 && !clock->has_label_rules)
	{
		clock->only = &clock->versions[0].rules[0];
		if (clock->only->form == CLOCK_BY_DAY &&
			!(clock->only->expiry->from_activation && clock->pends))
			clock->ends = &clock->only->ends;
	}
	if (policy->has_grace)
		span_open(&clock->grace, &policy->grace);
	open_table(&clock->lapses, compute_lapse, &policy->inactive_after);
	clock->inactive_least = least_of(&policy->inactive_after);
	return clock;
}

void
points_clock_set_labels(PointsClock *clock, const EventText *labels, int nlabels)
{
	int i;

	if (!clock->has_label_rules)
		return;
	clock->label_rules = array_grow_in(clock->context, clock->label_rules, &clock->max_labels,
									   nlabels, sizeof(ClockLabel));
	clock->labels = labels;
	for (i = 0; i < nlabels; i++)
		clock->label_rules[i].version = -1;
}

static int
find_label(const PointsVersion *version, const EventText *label)
{
	int low = 0;
	int high = version->nlabels;

	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = event_text_compare(&version->labels[middle].label, label);

		if (order == 0)
			return 1 + middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/* The rule for a label: its own, or the general one. */
static ClockRule *
rule_of(PointsClock *clock, int version, int label_no)
{
	ClockRule *rules = clock->versions[version].rules;
	ClockLabel *label;

	if (label_no == 0 || clock->policy->versions[version].nlabels == 0)
		return &rules[0];
	label = &clock->label_rules[label_no - 1];
	if (label->version != version)
	{
		label->rule = find_label(&clock->policy->versions[version], &clock->labels[label_no - 1]);
		label->version = version;
	}
	return &rules[label->rule];
}

/* ---- answers ---- */

/* An interval later; what is beyond the calendar is an error. */
static TimestampTz
add_span(PointsClock *clock, Span *span, TimestampTz at)
{
	TimestampTz sum = span_end(span, clock->zone, at);

	return likely(sum != DT_NOEND) ? sum : zone_add_interval(clock->zone, at, &span->interval);
}

/* The version in force when something was earned. */
static int
version_at(PointsClock *clock, TimestampTz earned_at)
{
	const PointsPolicy *policy = clock->policy;

	if (policy->nversions == 1)
		return 0;
	return policy_version_on(policy->versions, policy->nversions, sizeof(PointsVersion),
							 zone_day(clock->zone, earned_at));
}

TimestampTz
points_clock_available_at(PointsClock *clock, TimestampTz earned_at)
{
	ClockVersion *version = &clock->versions[version_at(clock, earned_at)];

	if (version->until_activated)
		return DT_NOEND;
	return version->pends ? add_span(clock, &version->pending, earned_at) : earned_at;
}

/* The rule of a lot. */
static ClockRule *
rule_at(PointsClock *clock, TimestampTz earned_at, int label_no)
{
	return clock->only != NULL ? clock->only
							   : rule_of(clock, version_at(clock, earned_at), label_no);
}

bool
points_clock_from_activation(PointsClock *clock, TimestampTz earned_at, int label_no)
{
	return rule_at(clock, earned_at, label_no)->expiry->from_activation;
}

static TimestampTz
end_by_rule(PointsClock *clock, ClockRule *rule, TimestampTz earned_at, TimestampTz available_at)
{
	TimestampTz start = rule->expiry->from_activation ? available_at : earned_at;

	if (rule->form == CLOCK_NEVER || start == DT_NOEND)
		return DT_NOEND;
	if (rule->form == CLOCK_BY_SPAN)
	{
		start = add_span(clock, &rule->span, start);
		if (rule->expiry->align == POINTS_ALIGN_NONE)
			return start;
	}
	return points_clock_look(clock, &rule->ends, start);
}

TimestampTz
points_clock_expires_at_slow(PointsClock *clock, TimestampTz earned_at, TimestampTz available_at,
							 int label_no)
{
	return end_by_rule(clock, rule_at(clock, earned_at, label_no), earned_at, available_at);
}

/* ---- shares ---- */

/* Each share but the first, which goes by the rule itself, has a rule with a longer interval. */
static void
open_shares(PointsClock *clock, ClockRule *rule)
{
	int n = rule->expiry->shares;
	MemoryContext old = MemoryContextSwitchTo(clock->context);
	PointsExpiry *expiries = palloc(n * sizeof(PointsExpiry));
	ClockRule *shares = palloc0(n * sizeof(ClockRule));
	int i;

	for (i = 1; i < n; i++)
	{
		const Interval *every = &rule->expiry->every;
		PointsExpiry *expiry = &expiries[i];

		/* the policy was refused if this didn't fit */
		*expiry = *rule->expiry;
		expiry->after.month += i * every->month;
		expiry->after.day += i * every->day;
		expiry->after.time += i * every->time;
		open_rule(&shares[i - 1], expiry);
	}
	MemoryContextSwitchTo(old);
	rule->shares = shares;
}

int
points_clock_shares(PointsClock *clock, TimestampTz earned_at, int label_no)
{
	return Max(rule_at(clock, earned_at, label_no)->expiry->shares, 1);
}

TimestampTz
points_clock_share_expires_at(PointsClock *clock, TimestampTz earned_at, TimestampTz available_at,
							  int label_no, int share)
{
	ClockRule *rule = rule_at(clock, earned_at, label_no);

	if (share > 0)
	{
		if (rule->shares == NULL)
			open_shares(clock, rule);
		rule = &rule->shares[share - 1];
	}
	return end_by_rule(clock, rule, earned_at, available_at);
}

/* ---- other answers ---- */

TimestampTz
points_clock_grace_until(PointsClock *clock, TimestampTz expired_at)
{
	return span_end(&clock->grace, clock->zone, expired_at);
}

TimestampTz
points_clock_inactive_at(PointsClock *clock, TimestampTz last)
{
	if (!clock->policy->has_inactive)
		return DT_NOEND;
	return points_clock_look(clock, &clock->lapses, last);
}
