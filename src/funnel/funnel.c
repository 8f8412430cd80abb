/*
 * funnel.c
 *		Finds the chain that wins a funnel.
 *
 * Two walks over the events that steps name, instant by instant:
 *
 *		onward		how deep can a chain be, and what is the first instant at which one is that
 *					deep? Kept for each depth: the chains that stand there.
 *		backward	from that end: which is the best way on from here to the end? Kept for each
 *					depth: the next link of the best chain. The first start that can reach the
 *					end within the window begins the chain that wins.
 *
 * An event costs as many looks as there are steps of its name, so walks are linear in the
 * events.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "funnel/funnel_part.h"

/* ---- rules ---- */

static int
compare_steps(const void *a, const void *b, void *steps)
{
	int x = *(const int *) a;
	int y = *(const int *) b;
	int order = event_text_compare((const EventText *) steps + x, (const EventText *) steps + y);

	return order != 0 ? order : x - y;
}

/* Sorts steps by their text: which have the same name, and which levels a name has. */
static void
sort_names(FunnelWalk *walk)
{
	const FunnelRules *rules = walk->rules;
	int n = rules->nsteps;
	int i;

	walk->names = palloc_extended(n * sizeof(EventText), MCXT_ALLOC_HUGE);
	walk->name_of = palloc_extended((n + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	walk->levels = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	walk->levels_from = palloc_extended((n + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	for (i = 0; i < n; i++)
		walk->levels[i] = i;
	qsort_arg(walk->levels, n, sizeof(int), compare_steps, (void *) rules->steps);
	for (i = 0; i < n; i++)
	{
		const EventText *text = &rules->steps[walk->levels[i]];

		if (i == 0 || event_text_compare(text, &walk->names[walk->nnames - 1]) != 0)
		{
			walk->levels_from[walk->nnames] = i;
			walk->names[walk->nnames++] = *text;
		}
		walk->levels[i]++;
		walk->name_of[walk->levels[i]] = walk->nnames - 1;
	}
	walk->levels_from[walk->nnames] = n;
}

FunnelWalk *
funnel_walk_create(const FunnelRules *rules)
{
	FunnelWalk *walk = palloc0(sizeof(FunnelWalk));
	size_t n = (size_t) rules->nsteps;

	walk->rules = rules;
	walk->context = CurrentMemoryContext;
	walk->reading =
		AllocSetContextCreate(walk->context, "loyalty funnel timeline", ALLOCSET_SMALL_SIZES);
	sort_names(walk);
	walk->max_matched = 64;
	walk->matched = palloc(walk->max_matched * sizeof(Matched));
	walk->there = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	walk->used = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	walk->now = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	walk->now_levels = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	walk->fronts = palloc_extended((n + 1) * sizeof(Front), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	walk->reached = palloc_extended(n * sizeof(TimestampTz), MCXT_ALLOC_HUGE);
	walk->origin_whole = palloc_extended(n * sizeof(TimestampTz), MCXT_ALLOC_HUGE);
	walk->origins = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	walk->next = palloc_extended((n + 1) * sizeof(Link *), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	walk->links = palloc_extended(n * sizeof(Link *), MCXT_ALLOC_HUGE);
	walk->chain = palloc_extended(n * sizeof(TimestampTz), MCXT_ALLOC_HUGE);
	walk->busy = palloc_extended((n + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	walk->is_busy = palloc_extended((n + 1) * sizeof(bool), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return walk;
}

TimestampTz
funnel_deadline(const FunnelRules *rules, const FunnelWindow *window, TimestampTz at)
{
	const Interval *span = &window->span;
	TimestampTz last;

	if (!window->limited)
		return DT_NOEND;
	if (span->month == 0 && span->day == 0)
		return pg_add_s64_overflow(at, span->time, &last) ? DT_NOEND : last;

	/* Past the last timestamp, there is nothing to shut out. */
	if ((double) at + span->time +
			(span->month * (DAYS_PER_YEAR / MONTHS_PER_YEAR) + span->day + DAYS_PER_MONTH) *
				USECS_PER_DAY >=
		(double) END_TIMESTAMP)
		return DT_NOEND;
	if (span->month == 0)
		return zone_add_days(rules->zone, at, span->day) + span->time;
	return zone_add_interval(rules->zone, at, span);
}

/* ---- levels in use ---- */

void
funnel_release(FunnelWalk *walk, Link *link)
{
	while (link != NULL && --link->users == 0)
	{
		Link *next = link->next;

		link->next = walk->free;
		walk->free = link;
		link = next;
	}
}

static void
clear_level(FunnelWalk *walk, int level)
{
	walk->fronts[level].count = 0;
	funnel_release(walk, walk->next[level]);
	walk->next[level] = NULL;
	walk->is_busy[level] = false;
}

void
funnel_clear_levels(FunnelWalk *walk)
{
	while (walk->nbusy > 0)
		clear_level(walk, walk->busy[--walk->nbusy]);
}

/* ---- instants ---- */

static int
compare_levels(const void *a, const void *b)
{
	return *(const int *) a - *(const int *) b;
}

void
funnel_open_instant(FunnelWalk *walk, int64 first, int64 end, Instant *instant)
{
	int64 i;
	int n;

	instant->at = walk->matched[first].at;
	instant->nevents = end - first;
	walk->nnow = 0;
	for (i = first; i < end; i++)
	{
		int name = walk->matched[i].name;

		if (walk->there[name] == 0)
			walk->now[walk->nnow++] = name;
		if (walk->there[name] < PG_INT32_MAX)
			walk->there[name]++;
	}
	if (walk->nnow == 1)
	{
		n = walk->now[0];
		instant->levels = walk->levels + walk->levels_from[n];
		instant->nlevels = walk->levels_from[n + 1] - walk->levels_from[n];
		return;
	}
	instant->nlevels = 0;
	for (n = 0; n < walk->nnow; n++)
	{
		int from = walk->levels_from[walk->now[n]];
		int count = walk->levels_from[walk->now[n] + 1] - from;

		memcpy(walk->now_levels + instant->nlevels, walk->levels + from, count * sizeof(int));
		instant->nlevels += count;
	}
	qsort(walk->now_levels, instant->nlevels, sizeof(int), compare_levels);
	instant->levels = walk->now_levels;
}

void
funnel_close_instant(FunnelWalk *walk)
{
	while (walk->nnow > 0)
		walk->there[walk->now[--walk->nnow]] = 0;
}

void
funnel_interrupt_chains(FunnelWalk *walk)
{
	int kept = 0;
	int i;

	if (walk->rules->mode != FUNNEL_STRICT_ORDER)
		return;
	for (i = 0; i < walk->nbusy; i++)
	{
		int level = walk->busy[i];
		int name = walk->name_of[level];
		int next = walk->name_of[level + 1];
		int harmless = (walk->there[name] > 0) + (next != name && walk->there[next] > 0);

		if (harmless == walk->nnow)
			walk->busy[kept++] = level;
		else
			clear_level(walk, level);
	}
	walk->nbusy = kept;
}

/* ---- reading ---- */

/* The name of each entry of a dictionary, by its number; -1: no step. NULL: none is a step. */
static int *
names_of_dictionary(FunnelWalk *walk, const EventText *texts, int ntexts)
{
	int *names = palloc_extended((ntexts + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	bool any = false;
	int i;

	names[0] = -1;
	for (i = 0; i < ntexts; i++)
	{
		const EventText *found = event_text_find(&texts[i], walk->names, walk->nnames);

		names[i + 1] = found != NULL ? (int) (found - walk->names) : -1;
		any = any || found != NULL;
	}
	return any ? names : NULL;
}

static void
add_matched(FunnelWalk *walk, TimestampTz at, int name)
{
	if (walk->nmatched == walk->max_matched)
	{
		walk->max_matched *= 2;
		walk->matched = repalloc_huge(walk->matched, walk->max_matched * sizeof(Matched));
	}
	walk->matched[walk->nmatched].at = at;
	walk->matched[walk->nmatched++].name = name;
}

/* Goes on by the events of the last instant that was read; those from first on. */
static inline void
finish_instant(FunnelWalk *walk, int64 first)
{
	if (walk->nmatched == first + 1 && walk->rules->mode != FUNNEL_STRICT_ORDER)
		funnel_go_on_by_one(walk, &walk->matched[first], walk->nmatched);
	else if (walk->nmatched > first)
		funnel_go_on(walk, first, walk->nmatched);
}

/* Reads events and goes on by them, until the last step is reached. */
static void
read_events(FunnelWalk *walk, TimelineReader *reader, const int *names)
{
	bool by_label = walk->rules->by_label;
	int64 first = 0;
	Event event;

	for (; reader->left > 0; reader->left--)
	{
		int name;

		/* as timeline_next(), which clears all of an event first */
		event.at = timeline_read_instant(reader);
		if (reader->flags & TIMELINE_HAS_VALUES)
			(void) timeline_read_value(reader, &event.value);
		timeline_read_rest(reader, &event);
		if (event.at >= walk->rules->end)
			break;
		name = names[by_label ? event.label_no : event.kind_no];
		if (name < 0)
			continue;
		if (walk->nmatched > first && walk->matched[first].at != event.at)
		{
			finish_instant(walk, first);
			first = walk->nmatched;
			if (walk->depth == walk->rules->nsteps)
				return;
			CHECK_FOR_INTERRUPTS();
		}
		add_matched(walk, event.at, name);
	}
	finish_instant(walk, first);
}

int
funnel_walk(FunnelWalk *walk, ByteSpan body, const TimestampTz **chain)
{
	TimelineReader reader;
	MemoryContext caller;
	const int *names;

	MemoryContextReset(walk->reading);
	caller = MemoryContextSwitchTo(walk->reading);
	timeline_open(&reader, body.bytes, body.len);
	names = walk->rules->by_label ? names_of_dictionary(walk, reader.labels, reader.nlabels)
								  : names_of_dictionary(walk, reader.kinds, reader.nkinds);
	MemoryContextSwitchTo(caller);

	walk->nmatched = 0;
	walk->depth = 0;
	funnel_clear_levels(walk);
	if (names != NULL)
		read_events(walk, &reader, names);
	funnel_clear_levels(walk);
	if (walk->depth > 0)
		funnel_find_chain(walk);
	*chain = walk->chain;
	return walk->depth;
}
