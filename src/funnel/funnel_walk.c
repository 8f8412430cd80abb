/*
 * funnel_walk.c
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

#include "funnel/funnel_internal.h"

/* An event that a step names. */
typedef struct Matched
{
	TimestampTz at;
	int name;
} Matched;

/* The events of one instant. */
typedef struct Instant
{
	TimestampTz at;
	int64 nevents;
	const int *levels; /* that these events may reach, ascending */
	int nlevels;
} Instant;

/* Chains of one depth, by the deadline of the next step; that of the whole falls. */
typedef struct Standing
{
	TimestampTz whole;
	TimestampTz step;
} Standing;

typedef struct Front
{
	Standing *chains;
	int first;
	int count;
	int max;
	Standing only; /* room for the most frequent case */
} Front;

/* What a chain does at one instant: it comes to a level, and then goes on to another link. */
typedef struct Link
{
	TimestampTz at;
	int level;
	int users; /* who point here */
	struct Link *next;
} Link;

struct FunnelWalk
{
	const FunnelRules *rules;
	MemoryContext context;
	MemoryContext reading; /* of the timeline that is open */

	/* Steps are levels 1 to nsteps; the funnel has their names. */
	int nnames;
	const EventText *names; /* sorted */
	const int *name_of;		/* of a level */
	int *levels;			/* of all names, name by name */
	int *levels_from;		/* [name] to [name + 1]: its part of levels */
	int *found;				/* names that the customer has events of */
	int nfound;

	Matched *matched; /* read so far */
	int64 nmatched;
	int64 max_matched;

	/* the instant at hand */
	int *there; /* events of a name */
	int *used;	/* of those, the ones that a stretch of levels needs */
	int *now;	/* its names */
	int nnow;
	int *now_levels; /* its levels, where it has several names */

	/* onward */
	Front *fronts;		  /* by level */
	TimestampTz *reached; /* by place in the instant's levels: the best deadline of the whole */
	TimestampTz *origin_whole;
	int *origins; /* levels to come from, a queue */
	int depth;
	int64 end; /* events up to the one that ends the chain */

	/* backward */
	Link **next;  /* by level: how to go on from there */
	Link **links; /* by place in the instant's levels */
	Link *free;
	TimestampTz *chain;

	int *busy; /* levels with chains, or with a way to go on */
	int nbusy;
	bool *is_busy;
};

/* ---- rules ---- */

static int
compare_steps(const void *a, const void *b, void *steps)
{
	int x = *(const int *) a;
	int y = *(const int *) b;
	int order = event_text_compare((const EventText *) steps + x, (const EventText *) steps + y);

	return order != 0 ? order : x - y;
}

/* The levels in the order of their texts. */
static int *
sort_levels(const FunnelRules *rules)
{
	int *levels = palloc_extended(rules->nsteps * sizeof(int), MCXT_ALLOC_HUGE);
	int i;

	for (i = 0; i < rules->nsteps; i++)
		levels[i] = i;
	qsort_arg(levels, rules->nsteps, sizeof(int), compare_steps, (void *) rules->steps);
	for (i = 0; i < rules->nsteps; i++)
		levels[i]++;
	return levels;
}

void
funnel_open_names(Funnel *funnel)
{
	const FunnelRules *rules = &funnel->rules;
	FunnelNames *names = &funnel->names;
	int *levels = sort_levels(rules);
	int i;

	names->n = 0;
	names->texts = palloc_extended(rules->nsteps * sizeof(EventText), MCXT_ALLOC_HUGE);
	names->of_level = palloc_extended((rules->nsteps + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	for (i = 0; i < rules->nsteps; i++)
	{
		const EventText *text = &rules->steps[levels[i] - 1];

		if (i == 0 || event_text_compare(text, &names->texts[names->n - 1]) != 0)
			names->texts[names->n++] = *text;
		names->of_level[levels[i]] = names->n - 1;
	}
	pfree(levels);
}

/* Which levels a name has. */
static void
open_levels(FunnelWalk *walk)
{
	int n = walk->rules->nsteps;
	int i;

	walk->levels = sort_levels(walk->rules);
	walk->levels_from = palloc_extended((n + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	for (i = n - 1; i >= 0; i--)
		walk->levels_from[walk->name_of[walk->levels[i]]] = i;
	walk->levels_from[walk->nnames] = n;
}

/* In the current memory context. */
static FunnelWalk *
create_walk(const Funnel *funnel)
{
	const FunnelRules *rules = &funnel->rules;
	FunnelWalk *walk = palloc0(sizeof(FunnelWalk));
	size_t n = (size_t) rules->nsteps;

	walk->rules = rules;
	walk->context = CurrentMemoryContext;
	walk->reading =
		AllocSetContextCreate(walk->context, "loyalty funnel timeline", ALLOCSET_SMALL_SIZES);
	walk->nnames = funnel->names.n;
	walk->names = funnel->names.texts;
	walk->name_of = funnel->names.of_level;
	walk->found = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	open_levels(walk);
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

static TimestampTz
deadline_of(const FunnelRules *rules, const FunnelWindow *window, TimestampTz at)
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

/* By when the step after a level is due. */
static inline TimestampTz
next_deadline(const FunnelRules *rules, int level, TimestampTz at)
{
	if (rules->step_within == NULL)
		return DT_NOEND;
	return deadline_of(rules, &rules->step_within[level - 1], at);
}

/* ---- levels in use ---- */

static inline void
mark_busy(FunnelWalk *walk, int level)
{
	if (walk->is_busy[level])
		return;
	walk->is_busy[level] = true;
	walk->busy[walk->nbusy++] = level;
}

static void
release(FunnelWalk *walk, Link *link)
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
	release(walk, walk->next[level]);
	walk->next[level] = NULL;
	walk->is_busy[level] = false;
}

static void
clear_levels(FunnelWalk *walk)
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

static void
open_instant(FunnelWalk *walk, int64 first, int64 end, Instant *instant)
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

static void
close_instant(FunnelWalk *walk)
{
	while (walk->nnow > 0)
		walk->there[walk->now[--walk->nnow]] = 0;
}

static void
interrupt_chains(FunnelWalk *walk)
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

/* Can its events serve successive steps? */
static inline bool
serves_several(const FunnelWalk *walk, const Instant *instant)
{
	return instant->nevents > 1 && walk->rules->mode != FUNNEL_STRICTLY_INCREASING;
}

/*
 * ---- onward ----
 *
 * How deep can a chain be, and what is the first instant at which one is?
 *
 * A chain is worth keeping by two deadlines: that of the whole, and that of its next step.
 * Those of a depth form a front, in which each chain has a later deadline of the one kind than
 * the next and an earlier one of the other. It has one member, unless an instant's deadline is
 * earlier than that of an instant before it (30 January 23:00 and 31 January 01:00 + 1 month).
 */

#define NO_CHAIN DT_NOBEGIN

/* The best deadline of the whole among chains of a level that can go on at an instant. */
static TimestampTz
best_standing(FunnelWalk *walk, int level, TimestampTz at)
{
	Front *front = &walk->fronts[level];

	if (level == 0)
		return deadline_of(walk->rules, &walk->rules->within, at);
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
	mark_busy(walk, level);
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
		add_standing(walk, level, whole, next_deadline(walk->rules, level, at));
}

static void
go_on(FunnelWalk *walk, int64 first, int64 end)
{
	Instant instant;
	int nreached;
	int i;

	open_instant(walk, first, end, &instant);
	if (serves_several(walk, &instant))
		nreached = reach_by_stretches(walk, &instant);
	else
		nreached = reach_by_steps(walk, &instant);
	interrupt_chains(walk);
	for (i = 0; i < nreached; i++)
		reach(walk, instant.levels[i], instant.at, walk->reached[i], end);
	close_instant(walk);
}

/* From the highest level down, so that what it reaches isn't taken for reached before. */
static void
go_on_by_one(FunnelWalk *walk, const Matched *event, int64 end)
{
	const int *levels = walk->levels + walk->levels_from[event->name];
	int i = walk->levels_from[event->name + 1] - walk->levels_from[event->name];

	while (--i >= 0)
		if (levels[i] <= walk->depth + 1)
			reach(walk, levels[i], event->at, best_standing(walk, levels[i] - 1, event->at), end);
}

/*
 * ---- backward ----
 *
 * From the end back to the first start that will do: for each level, the nearest instant at which
 * a chain that stands there can go on, and all that follows. Links are shared by the ways that
 * lead to them.
 *
 *		next[2] -> (12:00, comes to 3) -> (12:30, comes to 5)
 *		next[3] -> (12:30, comes to 5)
 */

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
		(level == 0 && deadline_of(walk->rules, &walk->rules->within, link->at) < end))
		return false;
	link->users++;
	release(walk, walk->next[level]);
	walk->next[level] = link;
	mark_busy(walk, level);
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

	open_instant(walk, first, end, &instant);
	for (nlevels = 0; nlevels < instant.nlevels; nlevels++)
	{
		int level = instant.levels[nlevels];
		Link *next = walk->next[level];

		if (level > walk->depth)
			break;
		if (level == walk->depth
				? instant.at == last
				: next != NULL && next->at <= next_deadline(walk->rules, level, instant.at))
			walk->links[nlevels] = new_link(walk, instant.at, level, next);
		else
			walk->links[nlevels] = NULL;
	}
	interrupt_chains(walk);
	if (serves_several(walk, &instant))
		starts = go_back_by_stretches(walk, &instant, nlevels, last);
	else
		for (i = nlevels - 1; i >= 0; i--)
			starts = set_next(walk, instant.levels[i] - 1, walk->links[i], last);
	for (i = 0; i < nlevels; i++)
		release(walk, walk->links[i]);
	close_instant(walk);
	CHECK_FOR_INTERRUPTS();
	return starts;
}

static void
find_chain(FunnelWalk *walk)
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

/* ---- reading ---- */

/* The name of each entry of a dictionary, by its number; -1: no step. NULL: none is a step. */
static int *
names_of_dictionary(FunnelWalk *walk, const EventText *texts, int ntexts)
{
	int *names = palloc_extended((ntexts + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	int i;

	names[0] = -1;
	walk->nfound = 0;
	for (i = 0; i < ntexts; i++)
	{
		const EventText *found = event_text_find(&texts[i], walk->names, walk->nnames);

		names[i + 1] = found != NULL ? (int) (found - walk->names) : -1;
		if (found != NULL)
			walk->found[walk->nfound++] = names[i + 1];
	}
	return walk->nfound > 0 ? names : NULL;
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
		go_on_by_one(walk, &walk->matched[first], walk->nmatched);
	else if (walk->nmatched > first)
		go_on(walk, first, walk->nmatched);
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

static void
walk_body(FunnelWalk *walk, ByteSpan body)
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
	clear_levels(walk);
	if (names != NULL)
		read_events(walk, &reader, names);
	clear_levels(walk);
	if (walk->depth > 0)
		find_chain(walk);
}

int
funnel_walk(Funnel *funnel, ByteSpan body, const TimestampTz **chain)
{
	FunnelWalk *walk = funnel->walk;

	if (unlikely(walk == NULL))
	{
		MemoryContext caller = MemoryContextSwitchTo(funnel->context);

		MemoryContextReset(funnel->context);
		walk = create_walk(funnel);
		MemoryContextSwitchTo(caller);
	}
	funnel->walk = NULL;
	walk_body(walk, body);
	funnel->walk = walk;
	*chain = walk->chain;
	return walk->depth;
}

const int *
funnel_names_found(const Funnel *funnel, int *nfound)
{
	*nfound = funnel->walk->nfound;
	return funnel->walk->found;
}

int64
funnel_duration(TimestampTz from, TimestampTz to)
{
	int64 duration;

	if (unlikely(pg_sub_s64_overflow(to, from, &duration)))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("the time between two steps of a funnel is out of range"),
						errdetail("From %s to %s are more than 292,000 years.",
								  pstrdup(timestamptz_to_str(from)), timestamptz_to_str(to)),
						errhint("Leave out rows with an instant that stands for none.")));
	return duration;
}
