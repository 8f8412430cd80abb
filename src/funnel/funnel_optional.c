/*
 * funnel_optional.c
 *		Optional steps, on the way of the chain that wins.
 *
 *		{view, coupon?, order}		view 09:00, coupon 09:05, order 09:10:	all three
 *									view 09:00, order 09:10:				view and order
 *
 * The chain is what it is without them. Between the events of two levels, or behind the last one
 * that it comes to, those steps that stand there are looked for in order: each takes the first
 * event of its name that no step has taken, later than what was taken before it or at the same
 * instant, as the mode says, and within the windows of the chain and its own; if there is none, it
 * is left out. Behind the last level that is reached, what would end the chain ends this.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "funnel/funnel_internal.h"

/* The first event of a stretch at an instant or later. */
static int64
find_instant(const FunnelWalk *walk, TimestampTz at, int64 end)
{
	int64 low = walk->first;
	int64 high = end;

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (walk->matched[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Is there an event of the open instant for a step beside those that have taken theirs there? */
static bool
finds_place(FunnelWalk *walk, int step, TimestampTz at, bool is_shared)
{
	const FunnelNames *names = walk->names;
	int nsteps = walk->rules->list.nsteps;
	bool found = false;
	int from;
	int to;
	int i;

	for (i = names->classes_from[step]; i < names->classes_from[step + 1] && !found; i++)
		found = walk->seats.there[names->classes[i]] > 0;
	if (!found || !is_shared)
		return found;
	for (from = step; from > 0 && (walk->ats[from - 1] == NO_STEP || walk->ats[from - 1] == at);)
		from--;
	for (to = step + 1; to < nsteps && (walk->ats[to] == NO_STEP || walk->ats[to] == at);)
		to++;
	for (i = from; i < to; i++)
		if (walk->ats[i] == at)
			seats_find(&walk->seats, i);
	found = seats_find(&walk->seats, step);
	if (found)
		seats_leave(&walk->seats, step);
	for (i = from; i < to; i++)
		if (walk->ats[i] == at)
			seats_leave(&walk->seats, i);
	return found;
}

/* Does what is at the open instant end a chain that stands at a level? */
static bool
is_ended(const FunnelWalk *walk, int level)
{
	int n;

	for (n = 0; walk->names->ending != NULL && n < walk->nnow; n++)
		if (funnel_ends(walk->names, level, walk->now[n]))
			return true;
	return false;
}

/* The optional steps between two levels, from the first of them up to the next level's. */
static void
put_optional(FunnelWalk *walk, int level, int64 end)
{
	const FunnelRules *rules = walk->rules;
	bool is_last = level == walk->depth;
	bool increasing = rules->mode == FUNNEL_STRICTLY_INCREASING;
	TimestampTz began = walk->chain[level - 1];
	TimestampTz next = is_last ? DT_NOEND : walk->chain[level];
	TimestampTz limit = funnel_deadline(rules, &rules->within, walk->chain[0]);
	TimestampTz before = began;
	int64 from = find_instant(walk, began, end);
	int step;

	limit = Min(limit, increasing && !is_last ? next - 1 : next);
	for (step = walk->names->step_of_level[level] + 1; walk->names->level_of_step[step] == 0;
		 step++)
	{
		TimestampTz due = rules->step_within != NULL
							  ? funnel_deadline(rules, &rules->step_within[step - 1], before)
							  : DT_NOEND;
		int64 first;
		int64 after;

		for (first = from; first < end; first = after)
		{
			TimestampTz at = walk->matched[first].at;
			bool taken;

			if (at > limit || at > due)
				break;
			for (after = first + 1; after < end && walk->matched[after].at == at; after++)
				;
			walk_open_classes(walk, first, after);
			if (is_last && at > began && is_ended(walk, level))
				limit = at;
			taken = !(increasing && at == before) &&
					finds_place(walk, step, at, at == before || at == next);
			walk_close_classes(walk);
			if (taken)
			{
				walk->ats[step] = before = at;
				from = first;
				break;
			}
			CHECK_FOR_INTERRUPTS();
		}
	}
}

FunnelChain
walk_chain(FunnelWalk *walk, int64 end)
{
	const FunnelNames *names = walk->names;
	FunnelChain chain = { walk->depth, walk->depth, 0, walk->ats };
	int64 tried = walk->first;
	int level;
	int step;

	while (!funnel_starts(names, walk->matched[tried].class))
		tried++;
	chain.tried = walk->matched[tried].at;
	if (!names->has_optional)
		return chain;
	for (step = 0; step < walk->rules->list.nsteps; step++)
		walk->ats[step] = NO_STEP;
	for (level = 1; level <= walk->depth; level++)
		walk->ats[names->step_of_level[level]] = walk->chain[level - 1];
	for (level = 1; level <= walk->depth && level < names->nlevels; level++)
		put_optional(walk, level, end);
	for (chain.nsteps = walk->rules->list.nsteps; walk->ats[chain.nsteps - 1] == NO_STEP;)
		chain.nsteps--;
	return chain;
}
