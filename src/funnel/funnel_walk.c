/*
 * funnel_walk.c
 *		Finds the chain that wins a funnel, in a stretch of a customer's events.
 *
 * Two walks over the events that levels name, instant by instant:
 *
 *		onward		how deep can a chain be, and what is the first instant at which one is that
 *					deep? Kept for each depth: the chains that stand there.
 *		backward	from that end: which is the best way on from here to the end? Kept for each
 *					depth: the next link of the best chain. The first start that can reach the
 *					end within the window begins the chain that wins.
 *
 * An event costs as many looks as there are levels of its name, so walks are linear in the
 * events. Several events of one instant may have to be shared out among levels: funnel_seats.c.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "funnel/funnel_internal.h"

/* The events of one instant. */
typedef struct Instant
{
	TimestampTz at;
	int64 nevents;
	const int *levels; /* that these events may reach, ascending */
	int nlevels;
} Instant;

static void *
room_for(size_t n, size_t size)
{
	return palloc_extended((n + 1) * size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

FunnelWalk *
walk_create(const Funnel *funnel)
{
	const FunnelNames *names = &funnel->names;
	FunnelWalk *walk = palloc0(sizeof(FunnelWalk));
	size_t n = (size_t) names->nlevels;
	size_t nsteps = (size_t) funnel->rules.list.nsteps;
	int level;

	walk->rules = &funnel->rules;
	walk->names = names;
	walk->context = CurrentMemoryContext;
	walk->reading =
		AllocSetContextCreate(walk->context, "loyalty funnel timeline", ALLOCSET_SMALL_SIZES);
	walk->found = room_for(names->nclasses, sizeof(int));
	walk->is_found = room_for(names->nclasses, sizeof(bool));
	walk->max_matched = 64;
	walk->matched = palloc(walk->max_matched * sizeof(Matched));
	if (funnel->rules.hold == FUNNEL_HOLD_REF)
		ref_table_init(&walk->refs, walk->context);
	seats_create(&walk->seats, names, (int) nsteps);
	if (names->one_each)
	{
		walk->class_of = room_for(n, sizeof(int));
		for (level = 1; level <= names->nlevels; level++)
			walk->class_of[level] =
				names->classes[names->classes_from[names->step_of_level[level]]];
	}
	walk->now = room_for(names->nclasses, sizeof(int));
	walk->now_levels = room_for(names->levels_from[names->nclasses], sizeof(int));
	walk->fronts = room_for(n, sizeof(Front));
	walk->reached = room_for(n, sizeof(TimestampTz));
	walk->origin_whole = room_for(n, sizeof(TimestampTz));
	walk->origins = room_for(n, sizeof(int));
	walk->next = room_for(n, sizeof(Link *));
	walk->links = room_for(n, sizeof(Link *));
	walk->chain = room_for(n, sizeof(TimestampTz));
	walk->busy = room_for(n, sizeof(int));
	walk->is_busy = room_for(n, sizeof(bool));
	walk->ats = names->has_optional ? room_for(nsteps, sizeof(TimestampTz)) : walk->chain;
	walk->other = room_for(nsteps, sizeof(TimestampTz));
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

/* By when the level after one is due. */
static inline TimestampTz
next_deadline(const FunnelWalk *walk, int level, TimestampTz at)
{
	const FunnelRules *rules = walk->rules;

	if (rules->step_within == NULL)
		return DT_NOEND;
	return funnel_deadline(rules, &rules->step_within[walk->names->step_of_level[level + 1] - 1],
						   at);
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
	const FunnelNames *names = walk->names;
	int nlevels = 0;
	int kept = 0;
	int n;

	instant->at = walk->matched[first].at;
	instant->nevents = end - first;
	walk_open_classes(walk, first, end);
	if (walk->nnow == 1)
	{
		n = walk->now[0];
		instant->levels = names->levels + names->levels_from[n];
		instant->nlevels = names->levels_from[n + 1] - names->levels_from[n];
		return;
	}
	for (n = 0; n < walk->nnow; n++)
	{
		int from = names->levels_from[walk->now[n]];
		int count = names->levels_from[walk->now[n] + 1] - from;

		memcpy(walk->now_levels + nlevels, names->levels + from, count * sizeof(int));
		nlevels += count;
	}
	qsort(walk->now_levels, nlevels, sizeof(int), compare_levels);
	for (n = 0; n < nlevels; n++)
		if (kept == 0 || walk->now_levels[n] != walk->now_levels[kept - 1])
			walk->now_levels[kept++] = walk->now_levels[n];
	instant->levels = walk->now_levels;
	instant->nlevels = kept;
}

/* Does what is at the instant end a chain that stands at a level? */
static inline bool
is_ended(const FunnelWalk *walk, int level)
{
	int n;

	for (n = 0; n < walk->nnow; n++)
		if (funnel_ends(walk->names, level, walk->now[n]))
			return true;
	return false;
}

/* Chains end where something lies between that may not. */
static void
interrupt_chains(FunnelWalk *walk)
{
	const FunnelNames *names = walk->names;
	int *busy = walk->busy;
	int kept = 0;
	int i;

	if (likely(walk->nnow == 1))
	{
		const uint8 *bytes = names->ending + walk->now[0] / 8;
		int bit = 1 << walk->now[0] % 8;

		for (i = 0; i < walk->nbusy; i++)
			if (!(bytes[busy[i] * names->ending_width] & bit))
				busy[kept++] = busy[i];
			else
				clear_level(walk, busy[i]);
	}
	else
		for (i = 0; i < walk->nbusy; i++)
			if (!is_ended(walk, busy[i]))
				busy[kept++] = busy[i];
			else
				clear_level(walk, busy[i]);
	walk->nbusy = kept;
}

/* Takes an event of the instant for a level, beside those that have taken one; false where there is
 * none left. */
static inline bool
take_seat(FunnelWalk *walk, int level)
{
	Seats *seats = &walk->seats;
	int class;

	if (unlikely(walk->class_of == NULL))
		return seats_find(seats, walk->names->step_of_level[level]);
	class = walk->class_of[level];
	if (seats->used[class] == seats->there[class])
		return false;
	seats->used[class]++;
	return true;
}

static inline void
leave_seat(FunnelWalk *walk, int level)
{
	if (unlikely(walk->class_of == NULL))
		seats_leave(&walk->seats, walk->names->step_of_level[level]);
	else
		walk->seats.used[walk->class_of[level]]--;
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
static pg_attribute_always_inline TimestampTz
best_standing(FunnelWalk *walk, int level, TimestampTz at)
{
	Front *front = &walk->fronts[level];

	if (level == 0)
	{
		TimestampTz whole = funnel_deadline(walk->rules, &walk->rules->within, at);

		if (unlikely(walk->starts_until != DT_NOEND))
		{
			if (at >= walk->starts_until)
				return NO_CHAIN;
			walk->latest = Max(walk->latest, whole);
		}
		return whole;
	}
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
		TimestampTz whole;

		if (level > walk->depth + instant->nevents)
			break;
		if (level != to + 1)
		{
			while (to > from)
				leave_seat(walk, to--);
			from = level - 1;
			head = tail = 0;
		}
		to = level;
		whole = best_standing(walk, level - 1, instant->at);
		while (tail > head && walk->origin_whole[tail - 1] <= whole)
			tail--;
		walk->origin_whole[tail] = whole;
		walk->origins[tail++] = level - 1;
		while (!take_seat(walk, level))
			leave_seat(walk, ++from);
		while (walk->origins[head] < from)
			head++;
		walk->reached[i] = walk->origin_whole[head];
	}
	while (to > from)
		leave_seat(walk, to--);
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
	if (level < walk->names->nlevels)
		add_standing(walk, level, whole, next_deadline(walk, level, at));
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
	if (walk->names->ending != NULL)
		interrupt_chains(walk);
	for (i = 0; i < nreached; i++)
		reach(walk, instant.levels[i], instant.at, walk->reached[i], end);
	walk_close_classes(walk);
}

/* From the highest level down, so that what it reaches isn't taken for reached before. */
static void
go_on_by_one(FunnelWalk *walk, const Matched *event, int64 end)
{
	const FunnelNames *names = walk->names;
	const int *levels = names->levels + names->levels_from[event->class];
	int i = names->levels_from[event->class + 1] - names->levels_from[event->class];

	while (--i >= 0)
		if (levels[i] <= walk->depth + 1)
			reach(walk, levels[i], event->at, best_standing(walk, levels[i] - 1, event->at), end);
}

/* Starts anew, at an event: chains may start before an instant. */
static void
start_walk(FunnelWalk *walk, int64 first, TimestampTz starts_until)
{
	walk->first = first;
	walk->starts_until = starts_until;
	walk->latest = DT_NOBEGIN;
	walk->depth = 0;
	clear_levels(walk);
}

/* Goes on by the events of an instant, those from first up to end. */
static inline void
go_on_by_instant(FunnelWalk *walk, int64 first, int64 end)
{
	if (end == first + 1 && walk->names->ending == NULL)
		go_on_by_one(walk, &walk->matched[first], end);
	else if (end > first)
		go_on(walk, first, end);
}

void
walk_reading(FunnelWalk *walk, TimelineReader *reader, const int *classes)
{
	bool by_label = walk->rules->by_label;
	int64 first = 0;
	Event event = { 0 };

	start_walk(walk, 0, DT_NOEND);
	while (walk_read_event(walk, reader, &event))
	{
		int class = classes[by_label ? event.label_no : event.kind_no];

		if (class < 0)
			continue;
		if (walk->nmatched > first && walk->matched[first].at != event.at)
		{
			go_on_by_instant(walk, first, walk->nmatched);
			first = walk->nmatched;
			if (walk->depth == walk->names->nlevels)
				break;
			CHECK_FOR_INTERRUPTS();
		}
		walk_add_matched(walk, event.at, class, 0);
	}
	go_on_by_instant(walk, first, walk->nmatched);
	clear_levels(walk);
}

void
walk_stretch(FunnelWalk *walk, int64 first, int64 end, TimestampTz starts_until)
{
	int64 next;

	start_walk(walk, first, starts_until);
	for (; first < end && walk->depth < walk->names->nlevels; first = next)
	{
		TimestampTz at = walk->matched[first].at;

		if (at >= starts_until && at > walk->latest)
			break;
		for (next = first + 1; next < end && walk->matched[next].at == at; next++)
			;
		go_on_by_instant(walk, first, next);
		CHECK_FOR_INTERRUPTS();
	}
	clear_levels(walk);
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
		(level == 0 && (link->at >= walk->starts_until ||
						funnel_deadline(walk->rules, &walk->rules->within, link->at) < end)))
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

		if (level != from - 1)
		{
			while (from > 0 && from <= to)
				leave_seat(walk, from++);
			to = level;
			head = tail = 0;
		}
		from = level;
		if (walk->links[i] != NULL)
			walk->origins[tail++] = i;
		while (!take_seat(walk, level))
			leave_seat(walk, to--);
		while (head < tail && instant->levels[walk->origins[head]] > to)
			head++;
		if (head < tail)
			starts = set_next(walk, level - 1, walk->links[walk->origins[head]], end);
	}
	while (from > 0 && from <= to)
		leave_seat(walk, from++);
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
				: next != NULL && next->at <= next_deadline(walk, level, instant.at))
			walk->links[nlevels] = new_link(walk, instant.at, level, next);
		else
			walk->links[nlevels] = NULL;
	}
	if (walk->names->ending != NULL)
		interrupt_chains(walk);
	if (serves_several(walk, &instant))
		starts = go_back_by_stretches(walk, &instant, nlevels, last);
	else
		for (i = nlevels - 1; i >= 0; i--)
			starts = set_next(walk, instant.levels[i] - 1, walk->links[i], last);
	for (i = 0; i < nlevels; i++)
		release(walk, walk->links[i]);
	walk_close_classes(walk);
	CHECK_FOR_INTERRUPTS();
	return starts;
}

void
walk_find_chain(FunnelWalk *walk)
{
	int64 first;
	int64 end = walk->end;
	const Link *link;
	int level = 0;

	for (;;)
	{
		for (first = end - 1;
			 first > walk->first && walk->matched[first - 1].at == walk->matched[first].at; first--)
			;
		if (go_back(walk, first, end))
			break;
		if (first == walk->first)
			elog(ERROR, "a funnel ends, but doesn't start");
		end = first;
	}
	for (link = walk->next[0]; link != NULL; link = link->next)
		while (level < link->level)
			walk->chain[level++] = link->at;
	clear_levels(walk);
}
