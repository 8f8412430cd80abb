/*
 * funnel_onward.c
 *		How deep can a chain of a funnel be, and what is the first instant at which one is?
 *
 * A chain is worth keeping by two deadlines: that of the whole, and that of its next step.
 * Those of a depth form a front, in which each chain has a later deadline of the one kind than
 * the next and an earlier one of the other. It has one member, unless an instant's deadline is
 * earlier than that of an instant before it (30 January 23:00 and 31 January 01:00 + 1 month).
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "funnel/funnel_part.h"

#define NO_CHAIN DT_NOBEGIN

/* The best deadline of the whole among chains of a level that can go on at an instant. */
static TimestampTz
best_standing(FunnelWalk *walk, int level, TimestampTz at)
{
	Front *front = &walk->fronts[level];

	if (level == 0)
		return funnel_deadline(walk->rules, &walk->rules->within, at);
	while (front->count > 0 && front->chains[front->first].step < at)
	{
		front->first++;
		front->count--;
	}
	if (front->count > 0 && front->chains[front->first].whole < at)
		front->count = 0;
	return front->count > 0 ? front->chains[front->first].whole : NO_CHAIN;
}

/* Adds a chain to those of a level, unless one of them is as good. */
static void
add_standing(FunnelWalk *walk, int level, TimestampTz whole, TimestampTz step)
{
	Front *front = &walk->fronts[level];
	Standing *chains;
	int from;
	int to;

	if (front->max == 0)
	{
		front->chains = &front->only;
		front->max = 1;
	}
	if (front->count == 0)
		front->first = 0;
	chains = front->chains + front->first;
	if (likely(front->count == 1 && chains->whole <= whole && chains->step <= step))
	{
		chains->whole = whole;
		chains->step = step;
		return;
	}
	for (to = front->count; to > 0 && chains[to - 1].step >= step; to--)
		;
	if (to < front->count && chains[to].whole >= whole)
		return;
	if (to < front->count && chains[to].step == step)
		to++;
	for (from = to; from > 0 && chains[from - 1].whole <= whole; from--)
		;

	/* Of the chains, those from here to there are worse, and give way. */
	if (from == to && front->first + front->count == front->max)
	{
		int max = Max(4, 2 * front->count);
		Standing *grown = MemoryContextAllocHuge(walk->context, max * sizeof(Standing));

		memcpy(grown, chains, front->count * sizeof(Standing));
		if (front->chains != &front->only)
			pfree(front->chains);
		front->chains = chains = grown;
		front->first = 0;
		front->max = max;
	}
	memmove(&chains[from + 1], &chains[to], (front->count - to) * sizeof(Standing));
	front->count += 1 - (to - from);
	chains[from].whole = whole;
	chains[from].step = step;
	funnel_mark_busy(walk, level);
}

/*
 * The best chains of each level where events of the instant may serve successive steps: from a
 * level that was reached before it, over a stretch of levels that has an event for each.
 */
static int
reach_by_stretches(FunnelWalk *walk, const Instant *instant)
{
	int from = 0; /* the stretch: levels above this one ... */
	int to = 0;	  /* ... up to this one */
	int head = 0; /* of the origins, best first */
	int tail = 0;
	int i;

	for (i = 0; i < instant->nlevels; i++)
	{
		int level = instant->levels[i];
		int name = walk->name_of[level];
		TimestampTz whole;

		if (level > walk->depth + instant->nevents)
			break;
		if (level != to + 1)
		{
			while (to > from)
				walk->used[walk->name_of[to--]]--;
			from = level - 1;
			head = tail = 0;
		}
		to = level;
		whole = best_standing(walk, level - 1, instant->at);
		while (tail > head && walk->origin_whole[tail - 1] <= whole)
			tail--;
		walk->origin_whole[tail] = whole;
		walk->origins[tail++] = level - 1;
		walk->used[name]++;
		while (walk->used[name] > walk->there[name])
			walk->used[walk->name_of[++from]]--;
		while (walk->origins[head] < from)
			head++;
		walk->reached[i] = walk->origin_whole[head];
	}
	while (to > from)
		walk->used[walk->name_of[to--]]--;
	return i;
}

/* The best chains of each level where only what was reached before can go on. */
static int
reach_by_steps(FunnelWalk *walk, const Instant *instant)
{
	int i;

	for (i = 0; i < instant->nlevels && instant->levels[i] <= walk->depth + 1; i++)
		walk->reached[i] = best_standing(walk, instant->levels[i] - 1, instant->at);
	return i;
}

/* Notes the best chain of a level at an instant; the events up to end are part of it. */
static inline void
reach(FunnelWalk *walk, int level, TimestampTz at, TimestampTz whole, int64 end)
{
	if (whole == NO_CHAIN)
		return;
	if (level > walk->depth)
	{
		walk->depth = level;
		walk->end = end;
	}
	if (level < walk->rules->nsteps)
		add_standing(walk, level, whole, funnel_next_deadline(walk->rules, level, at));
}

void
funnel_go_on(FunnelWalk *walk, int64 first, int64 end)
{
	Instant instant;
	int nreached;
	int i;

	funnel_open_instant(walk, first, end, &instant);
	if (funnel_serves_several(walk, &instant))
		nreached = reach_by_stretches(walk, &instant);
	else
		nreached = reach_by_steps(walk, &instant);
	funnel_interrupt_chains(walk);
	for (i = 0; i < nreached; i++)
		reach(walk, instant.levels[i], instant.at, walk->reached[i], end);
	funnel_close_instant(walk);
}

/* From the highest level down, so that what it reaches isn't taken for reached before. */
void
funnel_go_on_by_one(FunnelWalk *walk, const Matched *event, int64 end)
{
	const int *levels = walk->levels + walk->levels_from[event->name];
	int i = walk->levels_from[event->name + 1] - walk->levels_from[event->name];

	while (--i >= 0)
		if (levels[i] <= walk->depth + 1)
			reach(walk, levels[i], event->at, best_standing(walk, levels[i] - 1, event->at), end);
}
