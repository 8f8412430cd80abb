/*
 * tier_rollover.c
 *		What of a calendar period counts in the next one, too: what is above the threshold of the
 *		tier that the period reaches by itself.
 *
 * It hangs on the measures alone, not on the tier that is held. What rolled over once doesn't roll
 * again: no more rolls than was earned in the period.
 */
#include "postgres.h"

#include "tiers/tiers_internal.h"

/* ---- how much ---- */

/* The largest that a rank asks of a measure for reaching it; NULL: nothing. */
static const Decimal *
threshold_of(const TierLevel *level, int measure)
{
	const Decimal *largest = NULL;
	int i;

	for (i = 0; i < level->reach.ntests; i++)
	{
		const TierTest *test = &level->reach.tests[i];

		if (test->measure == measure &&
			(largest == NULL || decimal_compare(&test->threshold, largest) > 0))
			largest = &test->threshold;
	}
	return largest;
}

/* A cap in whole units of a scale. */
static int128
cap_at(const Decimal *cap, int scale)
{
	if (cap->scale <= scale)
		return (int128) cap->units * decimal_power[scale - cap->scale];
	return cap->units / decimal_power[cap->scale - scale];
}

static int128
rolls_over(const TierWalk *walk, const TierRollover *rollover)
{
	const TierMeasure *measure = &walk->policy->measures[rollover->measure];
	int scale = tier_walk_scale(walk, rollover->measure);
	int128 rolls;

	if (rollover->threshold == NULL)
		return 0;
	rolls = Min(rollover->value - tier_need(rollover->threshold, scale, false),
				rollover->value - rollover->rolled_in);
	if (measure->roll_cap.units > 0)
		rolls = Min(rolls, cap_at(&measure->roll_cap, scale));
	return Max(rolls, 0);
}

/* ---- the period that it is in ---- */

static void
work_out(TierWalk *walk, TierRollover *rollover)
{
	TimestampTz last = Min(walk->period_end - 1, walk->now);
	int version = tier_version_at(walk, last);

	rollover->rank =
		tier_reached(walk, tier_rungs_at(walk, walk->scale) + version * walk->policy->ntiers);
	rollover->value = walk->rules.values[rollover->measure];
	rollover->rolled_in = walk->rolled[rollover->measure];
	rollover->threshold =
		rollover->rank > 0
			? threshold_of(&walk->policy->versions[version].levels[rollover->rank - 1],
						   rollover->measure)
			: NULL;
	rollover->rolls_over = rolls_over(walk, rollover);
}

static void
report(TierWalk *walk, TierRollover *rollover, bool has_ended)
{
	DateADT day = zone_day(walk->zone, Min(walk->period_end - 1, walk->now));
	int32 index = calendar_index(&walk->calendar, day);

	rollover->period_start = calendar_start(&walk->calendar, index);
	rollover->period_end = calendar_start(&walk->calendar, index + 1);
	rollover->has_ended = has_ended;
	walk->rollover_sink(walk->sink_context, walk, rollover);
}

void
tier_rollover_leave(TierWalk *walk, TimestampTz at)
{
	bool is_next = tier_period_is_next(walk, at);
	int i;

	walk->has_rolled = false;
	if (walk->stops_rollover)
		return;
	for (i = 0; i < walk->policy->nmeasures; i++)
	{
		TierRollover rollover = { .measure = i };

		if (!walk->policy->measures[i].rolls || walk->period_end == DT_NOBEGIN)
			continue;
		work_out(walk, &rollover);
		if (walk->rollover_sink != NULL && (rollover.value != 0 || rollover.rolled_in != 0))
			report(walk, &rollover, true);
		walk->rolled[i] = is_next ? rollover.rolls_over : 0;
		walk->has_rolled |= walk->rolled[i] > 0;
	}
}

/* ---- for who wants to see it ---- */

void
tier_walk_watch_rollover(TierWalk *walk, TierRolloverSink sink)
{
	walk->rollover_sink = sink;
}

void
tier_walk_report_rollover(TierWalk *walk)
{
	int i;

	if (walk->rolled == NULL || !walk->is_member || walk->member_since == DT_NOBEGIN)
		return;
	if (walk->period_end == DT_NOBEGIN)
		tier_period_enter(walk, walk->now);
	tier_window_bring(walk, walk->now);
	for (i = 0; i < walk->policy->nmeasures; i++)
	{
		TierRollover rollover = { .measure = i };

		if (!walk->policy->measures[i].rolls)
			continue;
		work_out(walk, &rollover);
		report(walk, &rollover, walk->now + 1 >= walk->period_end);
	}
}
