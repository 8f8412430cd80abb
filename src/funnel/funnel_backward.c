/*
 * funnel_backward.c
 *		Finds the chain that wins a funnel, whose depth and end are known.
 *
 * From the end back to the first start that will do: for each level, the nearest instant at which
 * a chain that stands there can go on, and all that follows. Links are shared by the ways that
 * lead to them.
 *
 *		next[2] -> (12:00, comes to 3) -> (12:30, comes to 5)
 *		next[3] -> (12:30, comes to 5)
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "funnel/funnel_part.h"

#define LINKS_BLOCK 64

static Link *
new_link(FunnelWalk *walk, TimestampTz at, int level, Link *next)
{
	Link *link;

	if (walk->free == NULL)
	{
		Link *block = MemoryContextAlloc(walk->context, LINKS_BLOCK * sizeof(Link));
		int i;

		for (i = 0; i < LINKS_BLOCK; i++)
		{
			block[i].next = walk->free;
			walk->free = &block[i];
		}
	}
	link = walk->free;
	walk->free = link->next;
	link->at = at;
	link->level = level;
	link->users = 1;
	link->next = next;
	if (next != NULL)
		next->users++;
	return link;
}

/* Sets how a chain goes on from a level; at level 0, whether it can start. Returns if it does. */
static bool
set_next(FunnelWalk *walk, int level, Link *link, TimestampTz end)
{
	if (link == NULL ||
		(level == 0 && funnel_deadline(walk->rules, &walk->rules->within, link->at) < end))
		return false;
	link->users++;
	funnel_release(walk, walk->next[level]);
	walk->next[level] = link;
	funnel_mark_busy(walk, level);
	return level == 0;
}

/* From each level to the highest that a stretch of this instant's events leads to; where one
 * leads on to the end. */
static bool
go_back_by_stretches(FunnelWalk *walk, const Instant *instant, int nlevels, TimestampTz end)
{
	int from = 0; /* the stretch: levels from this one up ... */
	int to = 0;	  /* ... to this one */
	int head = 0; /* of the places to go to, highest first */
	int tail = 0;
	bool starts = false;
	int i;

	for (i = nlevels - 1; i >= 0; i--)
	{
		int level = instant->levels[i];
		int name = walk->name_of[level];

		if (level != from - 1)
		{
			while (from > 0 && from <= to)
				walk->used[walk->name_of[from++]]--;
			to = level;
			head = tail = 0;
		}
		from = level;
		if (walk->links[i] != NULL)
			walk->origins[tail++] = i;
		walk->used[name]++;
		while (walk->used[name] > walk->there[name])
			walk->used[walk->name_of[to--]]--;
		while (head < tail && instant->levels[walk->origins[head]] > to)
			head++;
		if (head < tail)
			starts = set_next(walk, level - 1, walk->links[walk->origins[head]], end);
	}
	while (from > 0 && from <= to)
		walk->used[walk->name_of[from++]]--;
	return starts;
}

/* Looks at the events of one instant, those from first up to end; does the chain start here? */
static bool
go_back(FunnelWalk *walk, int64 first, int64 end)
{
	TimestampTz last = walk->matched[walk->end - 1].at;
	Instant instant;
	bool starts = false;
	int nlevels;
	int i;

	funnel_open_instant(walk, first, end, &instant);
	for (nlevels = 0; nlevels < instant.nlevels; nlevels++)
	{
		int level = instant.levels[nlevels];
		Link *next = walk->next[level];

		if (level > walk->depth)
			break;
		if (level == walk->depth
				? instant.at == last
				: next != NULL && next->at <= funnel_next_deadline(walk->rules, level, instant.at))
			walk->links[nlevels] = new_link(walk, instant.at, level, next);
		else
			walk->links[nlevels] = NULL;
	}
	funnel_interrupt_chains(walk);
	if (funnel_serves_several(walk, &instant))
		starts = go_back_by_stretches(walk, &instant, nlevels, last);
	else
		for (i = nlevels - 1; i >= 0; i--)
			starts = set_next(walk, instant.levels[i] - 1, walk->links[i], last);
	for (i = 0; i < nlevels; i++)
		funnel_release(walk, walk->links[i]);
	funnel_close_instant(walk);
	CHECK_FOR_INTERRUPTS();
	return starts;
}

void
funnel_find_chain(FunnelWalk *walk)
{
	int64 first;
	int64 end = walk->end;
	const Link *link;
	int level = 0;

	for (;;)
	{
		for (first = end - 1; first > 0 && walk->matched[first - 1].at == walk->matched[first].at;
			 first--)
			;
		if (go_back(walk, first, end))
			break;
		if (first == 0)
			elog(ERROR, "a funnel ends, but doesn't start");
		end = first;
	}
	for (link = walk->next[0]; link != NULL; link = link->next)
		while (level < link->level)
			walk->chain[level++] = link->at;
}
