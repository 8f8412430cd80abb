/*
 * tier_count.h
 *		What an event adds to the metrics. Inline: every event comes here.
 */
#ifndef LOYALTY_TIER_COUNT_H
#define LOYALTY_TIER_COUNT_H

#include "port/pg_bitutils.h"

#include "tiers/tier_state.h"

static inline void
tier_append_entry(TierWalk *walk, TimestampTz at, int64 value, uint32 metrics)
{
	TierEntry *entry;

	if (unlikely(walk->nentries == walk->max_entries))
		tier_window_grow(walk);
	entry = &walk->entries[walk->nentries++];
	entry->at = at;
	entry->value = value;
	entry->metrics = metrics;
	if (unlikely(value < 0))
		tier_window_add_negative(walk, at);
	else if (unlikely(tier_while_qualified(walk)))
		walk->due = Min(walk->due, tier_span_least(&walk->window, at));
}

/* An event of a member that counts for some metrics, by its kind and label. */
static inline void
tier_count(TierWalk *walk, TimestampTz at, int64 value, uint32 metrics, int64 event)
{
	TierWindow window = walk->policy->window;
	uint32 carried;
	uint32 raised = 0;
	uint32 left;

	walk->counted_event = event;
	if (unlikely(window == TIER_SINCE_TIER && at <= walk->since))
		return;
	if (walk->has_periods && unlikely(at >= walk->period_end))
		tier_period_enter(walk, at);
	if (value < 0)
		carried = metrics & walk->net;
	else
	{
		carried = metrics & walk->events;
		if (value > 0)
			carried |= metrics & (walk->net | walk->positive);
		raised = carried;
		if (unlikely((metrics & walk->days) != 0))
			tier_window_add_days(walk, at, metrics & walk->days, &carried, &raised);
	}
	for (left = carried & ~walk->days; left != 0; left &= left - 1)
	{
		int metric = pg_rightmost_one_pos32(left);

		walk->values[metric] += walk->events & ((uint32) 1 << metric) ? 1 : value;
	}
	if (carried == 0)
		return;
	if (unlikely(!walk->at_once && !walk->period_counted))
	{
		walk->period_counted = true;
		walk->due = Min(walk->due, walk->period_end);
	}
	if (window == TIER_ROLLING)
		tier_append_entry(walk, at, value, carried);
	if (raised != 0)
	{
		walk->raised |= raised;
		walk->raised_event = event;
	}
}

#endif
