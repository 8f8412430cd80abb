/*
 * funnel_chains.c
 *		The chains of a customer that count, from his timeline.
 *
 * Mostly that is the one that wins, and it is looked for while the events are read, no further than
 * to its end. Else all events are read first:
 *
 *		a property is held		sorted by its value: each value's events are a stretch that is
 *		walked alone, and of their chains the best one wins
 *		conversions				the funnel begins anew behind the end of each chain that has come to
 *								the last step; what is left begins at most one more. Chains that end
 *								first leave the most to those behind them: there are no more chains
 *								to the end that don't overlap
 *		by period				for each period, only what starts in it starts a chain. The walk
 *		goes as far as windows that began in the period do
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/array.h"
#include "funnel/funnel_internal.h"

/* ---- reading ---- */

/* The class of each entry of a dictionary, by its number; -1: no name of the funnel. NULL: none is
 * one. */
static int *
classes_of_dictionary(FunnelWalk *walk, const EventText *texts, int ntexts)
{
	const FunnelNames *names = walk->names;
	int *classes = palloc_extended((ntexts + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	bool is_single = names->n == names->nclasses;
	int i;

	classes[0] = -1;
	if (is_single)
		walk->nfound = 0;
	while (walk->nfound > 0)
		walk->is_found[walk->found[--walk->nfound]] = false;
	for (i = 0; i < ntexts; i++)
	{
		const EventText *found = event_text_find(&texts[i], names->texts, names->n);
		int class;

		classes[i + 1] = -1;
		if (found == NULL)
			continue;
		class = classes[i + 1] = names->class_of[found - names->texts];
		if (!is_single && walk->is_found[class])
			continue;
		walk->is_found[class] = !is_single;
		walk->found[walk->nfound++] = class;
	}
	return walk->nfound > 0 ? classes : NULL;
}

/* The number of what an event has of what is held; 0: nothing, or nothing is held. */
static int32
group_of(FunnelWalk *walk, const Event *event)
{
	RefKey key = { event->ref_type, event->ref_number, event->ref_text };

	switch (walk->rules->hold)
	{
		case FUNNEL_HOLD_LABEL:
			return event->label_no;
		case FUNNEL_HOLD_KIND:
			return event->kind_no;
		case FUNNEL_HOLD_REF:
			return key.type != EVENT_REF_NONE ? 1 + ref_table_add(&walk->refs, &key) : 0;
		default:
			return 0;
	}
}

static int
compare_matched(const void *a, const void *b)
{
	const Matched *x = a;
	const Matched *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Reads all events, by what is held. */
static void
read_all(FunnelWalk *walk, TimelineReader *reader, const int *classes)
{
	bool is_held = walk->rules->hold != FUNNEL_HOLD_NOTHING;
	Event event = { 0 };

	if (walk->rules->hold == FUNNEL_HOLD_REF)
		ref_table_clear(&walk->refs);
	while (walk_read_event(walk, reader, &event))
	{
		int class = classes[walk->rules->by_label ? event.label_no : event.kind_no];
		int32 group;

		if (class < 0)
			continue;
		group = group_of(walk, &event);
		if (group != 0 || !is_held)
			walk_add_matched(walk, event.at, class, group);
		CHECK_FOR_INTERRUPTS();
	}
	if (is_held)
		sort_elements(walk->matched, walk->nmatched, sizeof(Matched), compare_matched);
}

/* ---- chains that follow another ---- */

static void
give_conversions(FunnelWalk *walk, int64 first, int64 end, FunnelTaker take, void *taker)
{
	while (first < end)
	{
		FunnelChain chain;

		CHECK_FOR_INTERRUPTS();
		walk_stretch(walk, first, end, DT_NOEND);
		if (walk->depth == 0)
			break;
		first = walk->depth == walk->names->nlevels ? walk->end : end;
		walk_find_chain(walk);
		chain = walk_chain(walk, end);
		take(taker, &chain);
	}
}

/* ---- the best chain of each period ---- */

/* Where the best chain so far of a period is found, and by what it is the best. */
typedef struct Candidate
{
	int64 first; /* of the events to walk, up to end */
	int64 end;
	TimestampTz starts_until;
	int32 period;
	int depth;
	TimestampTz tried; /* first of all stretches */
	TimestampTz started;
	TimestampTz ended;
} Candidate;

typedef struct Candidates
{
	Candidate *list; /* by period */
	int64 n;
	int64 max;
} Candidates;

/* Is a chain better than the best so far? Of those that are alike, by the steps between. */
static bool
is_better(FunnelWalk *walk, const Candidate *a, const Candidate *best)
{
	int nsteps = walk->rules->list.nsteps;
	TimestampTz *chain = walk->other;
	int i;

	if (a->depth != best->depth)
		return a->depth > best->depth;
	if (a->ended != best->ended)
		return a->ended < best->ended;
	if (a->started != best->started)
		return a->started > best->started;
	memcpy(chain, walk->ats, nsteps * sizeof(TimestampTz));
	walk_stretch(walk, best->first, best->end, best->starts_until);
	walk_find_chain(walk);
	(void) walk_chain(walk, best->end);
	for (i = 0; i < a->depth; i++)
	{
		int step = walk->names->step_of_level[i + 1];

		if (chain[step] != walk->chain[i])
			return chain[step] < walk->chain[i];
	}
	if (walk->names->has_optional)
		for (i = 0; i < nsteps; i++)
			if (chain[i] != walk->ats[i])
				return chain[i] < walk->ats[i];
	return false;
}

static void
add_candidate(FunnelWalk *walk, Candidates *candidates, const Candidate *candidate)
{
	int64 low = 0;
	int64 high = candidates->n;

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (candidates->list[middle].period < candidate->period)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < candidates->n && candidates->list[low].period == candidate->period)
	{
		TimestampTz tried = Min(candidates->list[low].tried, candidate->tried);

		if (is_better(walk, candidate, &candidates->list[low]))
			candidates->list[low] = *candidate;
		candidates->list[low].tried = tried;
		return;
	}
	candidates->list = array_grow_in(walk->reading, candidates->list, &candidates->max,
									 candidates->n + 1, sizeof(Candidate));
	memmove(&candidates->list[low + 1], &candidates->list[low],
			(candidates->n - low) * sizeof(Candidate));
	candidates->list[low] = *candidate;
	candidates->n++;
}

/* Gives the best chain of each period, or without periods of all; candidates aren't NULL: adds it
 * to them, since other stretches may have a better one. */
static void
give_best(FunnelWalk *walk, int64 first, int64 end, Periods *periods, Candidates *candidates,
		  FunnelTaker take, void *taker)
{
	const Matched *matched = walk->matched;
	FunnelChain chain;

	while (first < end)
	{
		Candidate candidate = { .first = first, .end = end, .starts_until = DT_NOEND };

		if (!funnel_starts(walk->names, matched[first].class))
		{
			first++;
			continue;
		}
		if (periods != NULL)
		{
			candidate.period = period_of(periods, matched[first].at);
			candidate.starts_until = periods->until;
		}

		/* all events of the instant */
		while (candidate.first > 0 && matched[candidate.first - 1].at == matched[first].at &&
			   matched[candidate.first - 1].group == matched[first].group)
			candidate.first--;
		walk_stretch(walk, candidate.first, end, candidate.starts_until);
		walk_find_chain(walk);
		chain = walk_chain(walk, end);
		if (candidates != NULL)
		{
			candidate.depth = chain.depth;
			candidate.tried = chain.tried;
			candidate.started = walk->chain[0];
			candidate.ended = walk->chain[chain.depth - 1];
			add_candidate(walk, candidates, &candidate);
		}
		else
			take(taker, &chain);
		while (first < end && matched[first].at < candidate.starts_until)
			first++;
	}
}

static void
give_candidates(FunnelWalk *walk, const Candidates *candidates, FunnelTaker take, void *taker)
{
	int64 i;

	for (i = 0; i < candidates->n; i++)
	{
		const Candidate *best = &candidates->list[i];
		FunnelChain chain;

		walk_stretch(walk, best->first, best->end, best->starts_until);
		walk_find_chain(walk);
		chain = walk_chain(walk, best->end);
		chain.tried = best->tried;
		take(taker, &chain);
	}
}

/* ---- of a body ---- */

/* Gives the chains of all that was read, one value of what is held after another. */
static void
give_chains(FunnelWalk *walk, Periods *periods, FunnelTaker take, void *taker)
{
	bool is_held = walk->rules->hold != FUNNEL_HOLD_NOTHING;
	Candidates candidates = { 0 };
	int64 first;
	int64 end;

	for (first = 0; first < walk->nmatched; first = end)
	{
		for (end = first + 1;
			 end < walk->nmatched && walk->matched[end].group == walk->matched[first].group; end++)
			;
		if (walk->rules->count == FUNNEL_CONVERSIONS)
			give_conversions(walk, first, end, take, taker);
		else
			give_best(walk, first, end, periods, is_held ? &candidates : NULL, take, taker);
	}
	give_candidates(walk, &candidates, take, taker);
}

static void
walk_body(FunnelWalk *walk, ByteSpan body, Periods *periods, FunnelTaker take, void *taker)
{
	const FunnelRules *rules = walk->rules;
	TimelineReader reader;
	MemoryContext caller;
	const int *classes;

	MemoryContextReset(walk->reading);
	caller = MemoryContextSwitchTo(walk->reading);
	timeline_open(&reader, body.bytes, body.len);
	classes = rules->by_label ? classes_of_dictionary(walk, reader.labels, reader.nlabels)
							  : classes_of_dictionary(walk, reader.kinds, reader.nkinds);
	MemoryContextSwitchTo(caller);

	walk->nmatched = 0;
	if (classes == NULL)
		return;
	if (rules->hold != FUNNEL_HOLD_NOTHING || rules->count != FUNNEL_CUSTOMERS || periods != NULL)
	{
		read_all(walk, &reader, classes);
		give_chains(walk, periods, take, taker);
		return;
	}
	walk_reading(walk, &reader, classes);
	if (walk->depth > 0)
	{
		FunnelChain chain;

		walk_find_chain(walk);
		chain = walk_chain(walk, walk->nmatched);
		take(taker, &chain);
	}
}

void
funnel_chains(Funnel *funnel, ByteSpan body, Periods *periods, FunnelTaker take, void *taker)
{
	FunnelWalk *walk = funnel->walk;

	if (unlikely(walk == NULL))
	{
		MemoryContext caller = MemoryContextSwitchTo(funnel->context);

		MemoryContextReset(funnel->context);
		walk = walk_create(funnel);
		MemoryContextSwitchTo(caller);
	}
	funnel->walk = NULL;
	walk_body(walk, body, periods, take, taker);
	funnel->walk = walk;
}

const int *
funnel_classes_found(const Funnel *funnel, int *nfound)
{
	*nfound = funnel->walk->nfound;
	return funnel->walk->found;
}

/* ---- what is known of a chain ---- */

int
funnel_step_before(const Funnel *funnel, const FunnelChain *chain, int step)
{
	const FunnelNames *names = &funnel->names;

	if (names->level_of_step[step] > 0)
		return names->step_of_level[names->level_of_step[step] - 1];
	do
		step--;
	while (chain->ats[step] == NO_STEP);
	return step;
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

/* In the longest month, and where clocks are set back. */
static double
longest_window(const FunnelWindow *window)
{
	const Interval *span = &window->span;

	if (!window->limited)
		return (double) PG_INT64_MAX;
	return (span->month * 31.0 + span->day + 2) * (double) USECS_PER_DAY + (double) span->time;
}

int64
funnel_longest(const Funnel *funnel)
{
	const FunnelRules *rules = &funnel->rules;
	const FunnelNames *names = &funnel->names;
	double whole = longest_window(&rules->within);
	double steps = rules->step_within != NULL ? 0 : (double) PG_INT64_MAX;
	int level;

	for (level = 2; level <= names->nlevels && rules->step_within != NULL; level++)
		steps += longest_window(&rules->step_within[names->step_of_level[level] - 1]);
	whole = Min(whole, steps);
	return whole < (double) (PG_INT64_MAX / 2) ? (int64) whole : PG_INT64_MAX;
}

bool
funnel_is_over(const Funnel *funnel, TimestampTz start, TimestampTz end)
{
	const FunnelRules *rules = &funnel->rules;
	const FunnelNames *names = &funnel->names;
	TimestampTz whole = funnel_deadline(rules, &rules->within, start);
	TimestampTz last = rules->step_within != NULL || names->nlevels == 1 ? start : DT_NOEND;
	int level;

	for (level = 2; level <= names->nlevels && last != DT_NOEND; level++)
		last = funnel_deadline(rules, &rules->step_within[names->step_of_level[level] - 1], last);
	last = Min(last, whole);
	return last < end || last == DT_NOEND;
}
