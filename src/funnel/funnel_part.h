/*
 * funnel_part.h
 *		The parts of a funnel's walk: shared by funnel.c, which reads the events, and the two
 *		walks over them, funnel_onward.c and funnel_backward.c.
 */
#ifndef LOYALTY_FUNNEL_PART_H
#define LOYALTY_FUNNEL_PART_H

#include "postgres.h"

#include "funnel/funnel.h"

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

	/* Steps are levels 1 to nsteps; those of the same text have the same name. */
	int nnames;
	EventText *names; /* sorted */
	int *name_of;	  /* of a level */
	int *levels;	  /* of all names, name by name */
	int *levels_from; /* [name] to [name + 1]: its part of levels */

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

/* The last instant of a window that opens at an instant. */
extern TimestampTz funnel_deadline(const FunnelRules *rules, const FunnelWindow *window,
								   TimestampTz at);

/* By when the step after a level is due. */
static inline TimestampTz
funnel_next_deadline(const FunnelRules *rules, int level, TimestampTz at)
{
	if (rules->step_within == NULL)
		return DT_NOEND;
	return funnel_deadline(rules, &rules->step_within[level - 1], at);
}

/* ---- levels in use ---- */

static inline void
funnel_mark_busy(FunnelWalk *walk, int level)
{
	if (walk->is_busy[level])
		return;
	walk->is_busy[level] = true;
	walk->busy[walk->nbusy++] = level;
}

/* One user of a link less; NULL is none. */
extern void funnel_release(FunnelWalk *walk, Link *link);

extern void funnel_clear_levels(FunnelWalk *walk);

/* Strict order: the instant at hand ends what has come to a level, unless all of its events are
 * named as that step or the next. */
extern void funnel_interrupt_chains(FunnelWalk *walk);

/* ---- the instant at hand ---- */

/* Matched events, from first up to end. */
extern void funnel_open_instant(FunnelWalk *walk, int64 first, int64 end, Instant *instant);
extern void funnel_close_instant(FunnelWalk *walk);

/* Can its events serve successive steps? */
static inline bool
funnel_serves_several(const FunnelWalk *walk, const Instant *instant)
{
	return instant->nevents > 1 && walk->rules->mode != FUNNEL_STRICTLY_INCREASING;
}

/* ---- the two walks ---- */

/* Brings chains on by the events of one instant, those from first up to end. */
extern void funnel_go_on(FunnelWalk *walk, int64 first, int64 end);

/* The same by one event that interrupts nothing. */
extern void funnel_go_on_by_one(FunnelWalk *walk, const Matched *event, int64 end);

/* Finds the chain that wins, whose depth and end are known: into walk->chain. */
extern void funnel_find_chain(FunnelWalk *walk);

#endif
