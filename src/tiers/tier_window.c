/*
 * tier_window.c
 *		The measures of a walk: what counts, what leaves the window, which period it is.
 *
 * What leaves a rolling window is taken out when somebody asks for the measures, not at
 * its instant, unless something falls due by it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/datetime.h"

#include "core/array.h"
#include "tiers/tiers_internal.h"

/* A day of a window shorter than this may begin in it and end outside. */
#define LONG_WINDOW (3 * USECS_PER_DAY)

/* ---- the heap of ends ---- */

static void
heap_put(const TierWalk *walk, TierHeap *heap, TimestampTz at, int64 entry)
{
	int64 i;

	heap->ends =
		array_grow_in(walk->context, heap->ends, &heap->size, heap->count + 1, sizeof(TierEnd));
	for (i = heap->count++; i > 0 && heap->ends[(i - 1) / 2].at > at; i = (i - 1) / 2)
		heap->ends[i] = heap->ends[(i - 1) / 2];
	heap->ends[i].at = at;
	heap->ends[i].entry = entry;
}

static void
heap_pop(TierHeap *heap)
{
	TierEnd last = heap->ends[--heap->count];
	int64 i = 0;

	for (;;)
	{
		int64 child = 2 * i + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count && heap->ends[child + 1].at < heap->ends[child].at)
			child++;
		if (heap->ends[child].at >= last.at)
			break;
		heap->ends[i] = heap->ends[child];
		i = child;
	}
	heap->ends[i] = last;
}

/* ---- leaving a rolling window ---- */

static void
take_out(TierWalk *walk, TierEntry *entry)
{
	uint32 measures = entry->measures;

	while (measures != 0)
	{
		int measure = pg_rightmost_one_pos32(measures);

		walk->rules.values[measure] -=
			(walk->net | walk->positive) & ((uint32) 1 << measure) ? entry->value : 1;
		measures &= measures - 1;
	}
	entry->measures = 0;
}

static bool
leave_negatives(TierWalk *walk, TimestampTz at)
{
	bool left = false;

	(void) tier_window_next_negative_end(walk, at + 1);
	while (walk->near_negatives.count > 0 && walk->near_negatives.ends[0].at <= at)
	{
		heap_pop(&walk->near_negatives);
		left = true;
	}
	return left;
}

bool
tier_window_leave(TierWalk *walk, TimestampTz at)
{
	while (walk->first_far < walk->nentries)
	{
		TierEntry *entry = &walk->entries[walk->first_far];
		TimestampTz end = at;

		if (span_least(&walk->window, entry->at) > at)
			break;
		if (span_most(&walk->window, entry->at) > at)
			end = span_end(&walk->window, walk->zone, entry->at);
		if (end <= at)
			take_out(walk, entry);
		else
			heap_put(walk, &walk->near, end, walk->first_far);
		walk->first_far++;
	}
	while (walk->near.count > 0 && walk->near.ends[0].at <= at)
	{
		take_out(walk, &walk->entries[walk->near.ends[0].entry]);
		heap_pop(&walk->near);
	}
	return walk->nnegatives > 0 && leave_negatives(walk, at);
}

TimestampTz
tier_window_next_end(TierWalk *walk, TimestampTz before)
{
	for (;;)
	{
		TimestampTz top = walk->near.count > 0 ? walk->near.ends[0].at : DT_NOEND;
		TimestampTz at;
		TimestampTz least;

		if (walk->first_far == walk->nentries)
			return top;
		at = walk->entries[walk->first_far].at;
		least = span_least(&walk->window, at);
		if (least >= Min(top, before))
			return Min(top, least);
		heap_put(walk, &walk->near, span_end(&walk->window, walk->zone, at), walk->first_far++);
		CHECK_FOR_INTERRUPTS();
	}
}

TimestampTz
tier_window_next_negative_end(TierWalk *walk, TimestampTz before)
{
	for (;;)
	{
		TierHeap *near = &walk->near_negatives;
		TimestampTz top = near->count > 0 ? near->ends[0].at : DT_NOEND;
		TimestampTz at;
		TimestampTz least;

		if (walk->first_far_negative == walk->nnegatives)
			return top;
		at = walk->negatives[walk->first_far_negative];
		least = span_least(&walk->window, at);
		if (least >= Min(top, before))
			return Min(top, least);
		heap_put(walk, near, span_end(&walk->window, walk->zone, at), walk->first_far_negative++);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- periods ---- */

/* The end of a period by its number: for many customers the same few. */
static TimestampTz
calendar_end(TierWalk *walk, int32 index)
{
	TierPeriodSlot *slot = &walk->periods[(uint32) index % TIER_PERIOD_SLOTS];

	if (slot->end == DT_NOBEGIN || slot->index != index)
	{
		slot->end = DT_NOBEGIN;
		slot->index = index;
		slot->end = zone_day_start(walk->zone, calendar_start(&walk->calendar, index + 1));
	}
	return slot->end;
}

/* The membership year that holds a day, which isn't before it began. */
static int
membership_year(DateADT began, DateADT day)
{
	int began_year;
	int year;
	int month;
	int day_of_month;

	j2date(began + POSTGRES_EPOCH_JDATE, &began_year, &month, &day_of_month);
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
	return year - began_year - (day_anniversary(began, year - began_year) > day);
}

TimestampTz
tier_period_end(TierWalk *walk, TimestampTz at)
{
	TimestampTz end = walk->period_end;
	DateADT day;
	int32 index;

	if (at < end && at >= walk->period_from)
		return end;
	day = zone_day(walk->zone, at);
	if (walk->by_calendar)
	{
		index = calendar_index(&walk->calendar, day);
		while ((end = calendar_end(walk, index)) <= at)
			index++;
	}
	else
	{
		index = membership_year(walk->joined_day, day);
		while ((end = zone_day_start(walk->zone, day_anniversary(walk->joined_day, index + 1))) <=
			   at)
			index++;
	}
	return end;
}

TimestampTz
tier_next_period_end(TierWalk *walk, TimestampTz at)
{
	TimestampTz end = tier_period_end(walk, at);

	return end == DT_NOEND ? DT_NOEND : tier_period_end(walk, end);
}

/* ---- counting ---- */

static void
clear_values(TierWalk *walk, uint32 measures)
{
	int i;

	for (i = 0; i < walk->policy->nmeasures; i++)
		if ((measures & ((uint32) 1 << i)) != 0)
			walk->rules.values[i] = 0;
	if (walk->days != 0)
		for (i = 0; i < walk->policy->nmeasures * TIER_LAST_DAYS; i++)
			if ((measures & ((uint32) 1 << (i / TIER_LAST_DAYS))) != 0)
				walk->rules.last_days[i].day = TIER_NO_DAY;
}

void
tier_window_clear(TierWalk *walk)
{
	clear_values(walk, PG_UINT32_MAX);
	if (unlikely(walk->rolled != NULL))
		memset(walk->rolled, 0, walk->policy->nmeasures * sizeof(int128));
	walk->has_rolled = walk->stops_rollover = false;
	walk->rules.since = DT_NOBEGIN;
	walk->period_from = DT_NOEND;
	walk->period_end = DT_NOBEGIN;
	walk->period_counted = false;
	walk->nentries = walk->first_far = 0;
	walk->nnegatives = walk->first_far_negative = 0;
	walk->near.count = walk->near_negatives.count = 0;
}

bool
tier_period_is_next(TierWalk *walk, TimestampTz at)
{
	TimestampTz left = walk->period_end;

	return left != DT_NOBEGIN && at < tier_period_end(walk, left);
}

/* Keeps what the period counted that is left, if the one that is entered is the next. */
static void
keep_last_values(TierWalk *walk, TimestampTz at)
{
	bool is_next = tier_period_is_next(walk, at);
	int i;

	for (i = 0; i < walk->policy->nmeasures; i++)
		walk->last_values[i] = is_next ? walk->rules.values[i] : 0;
}

/* What rolled over counts in the period that begins. */
static pg_noinline void
roll_in(TierWalk *walk)
{
	int i;

	for (i = 0; i < walk->policy->nmeasures; i++)
		if (walk->policy->measures[i].rolls)
			walk->rules.values[i] = walk->rolled[i];
}

void
tier_period_enter(TierWalk *walk, TimestampTz at)
{
	if (unlikely(walk->last_values != NULL))
		keep_last_values(walk, at);
	if (unlikely(walk->rolled != NULL))
		tier_rollover_leave(walk, at);
	walk->period_end = tier_period_end(walk, at);
	walk->period_from = at;
	walk->period_counted = false;
	clear_values(walk, walk->of_period);
	if (unlikely(walk->has_rolled))
		roll_in(walk);
	if (unlikely(walk->has_rolled || walk->all_ends_count))
	{
		walk->period_counted = true;
		walk->due = Min(walk->due, walk->period_end);
	}
}

void
tier_window_restart(TierWalk *walk, TimestampTz since)
{
	clear_values(walk, PG_UINT32_MAX);
	walk->rules.since = since;
}

void
tier_window_bring(TierWalk *walk, TimestampTz at)
{
	if (walk->rolling != 0)
		(void) tier_window_leave(walk, at);
	if (walk->has_periods && walk->period_end != DT_NOBEGIN && at >= walk->period_end)
		tier_period_enter(walk, at);
}

/*
 * A day with an event counts once, as long as one of its events is in the window: it is carried
 * by the event that leaves last. Does the event carry it? *is_new: no other did.
 */
static bool
count_day(TierWalk *walk, int measure, TimestampTz at, bool *is_new)
{
	uint32 bit = (uint32) 1 << measure;
	TierDay *days = &walk->rules.last_days[measure * TIER_LAST_DAYS];
	DateADT day = zone_day(walk->zone, at);
	TierEntry *carrier;
	int i;

	*is_new = false;
	for (i = 0; i < TIER_LAST_DAYS; i++)
		if (days[i].day == day)
			break;
	if (i == TIER_LAST_DAYS)
	{
		*is_new = true;
		days[1] = days[0];
		i = 0;
		days[0].day = day;
	}
	else if ((walk->rolling & bit) == 0)
		return false;
	else
	{
		carrier = &walk->entries[days[i].entry];
		if ((carrier->measures & bit) == 0)
			*is_new = true;
		else if (span_end(&walk->window, walk->zone, carrier->at) >
				 span_end(&walk->window, walk->zone, at))
			return false;
		carrier->measures &= ~bit;
	}
	days[i].entry = walk->nentries;
	return true;
}

void
tier_window_add_days(TierWalk *walk, TimestampTz at, uint32 measures, uint32 *carried,
					 uint32 *raised)
{
	if (walk->rolling != 0 && walk->window.least < LONG_WINDOW)
		(void) tier_window_leave(walk, at);
	for (; measures != 0; measures &= measures - 1)
	{
		int measure = pg_rightmost_one_pos32(measures);
		uint32 bit = (uint32) 1 << measure;
		bool is_new;

		if (count_day(walk, measure, at, &is_new))
			*carried |= bit;
		if (is_new)
		{
			walk->rules.values[measure] += 1;
			*raised |= bit;
		}
	}
}

void
tier_window_add_negative(TierWalk *walk, TimestampTz at)
{
	walk->negatives = array_grow_in(walk->context, walk->negatives, &walk->max_negatives,
									walk->nnegatives + 1, sizeof(TimestampTz));
	walk->negatives[walk->nnegatives++] = at;
	walk->due = Min(walk->due, span_least(&walk->window, at));
}
