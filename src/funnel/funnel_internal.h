/*
 * funnel_internal.h
 *		Funnels: how far a customer came through a list of steps, and when.
 *
 * A step is a set of names, mostly of one: kinds of events, or labels. Steps that are optional are
 * apart (below); the others are levels, counted from 1. A chain of depth d is d events of a
 * customer, each used once, that are named as the first d levels, in their order. By mode
 *
 *		in_order				no event is earlier than the one before it in the chain
 *		strictly_increasing		each event is later than the one before it
 *		strict_order			as in_order, and no other level's event lies between two neighbours:
 *								an event later than the one and earlier than the other whose name
 *								is in a level, but in neither of these two
 *
 * and what is barred between two levels is not between their events, in the same sense. So events
 * at one instant may serve successive steps, whatever their order in the timeline, and are never
 * between each other. Events of other names matter nowhere.
 *
 * Windows are inclusive, and counted in the calendar of a zone: the last event of a chain is no
 * later than its first + within, and each no later than the one before it + the window of that
 * step.
 *
 * The chain that wins is the deepest; of those the one that ends first; of those the one that
 * starts last; of those the one whose second event is earliest, then whose third is, and so on.
 * That is one list of instants, for any order of the rows.
 *
 * Optional steps change nothing of that: they are looked for on the way of the chain that wins
 * (funnel_optional.c). Where a property is held, the chain's events have the same ref, or label:
 * each value's events are walked alone, and of their chains the best one wins. Where conversions
 * are counted, the funnel begins anew behind each chain that has come to the end
 * (funnel_chains.c).
 *
 * funnel_steps.c reads the steps, funnel_options.c the other arguments; funnel_walk.c finds a chain
 * in a stretch of events, with funnel_seats.c, all without fmgr; funnel_result.c says what results
 * are made of, funnel_counts.c counts. funnel_totals.c has everyone's funnel, funnel_by_period.c
 * one for each period, funnel_members.c who is in a step; funnel_sql.c the funnel of one customer.
 */
#ifndef LOYALTY_FUNNEL_INTERNAL_H
#define LOYALTY_FUNNEL_INTERNAL_H

#include "postgres.h"

#include "access/tupdesc.h"

#include "calendar/calendar.h"
#include "core/codec.h"
#include "core/ref.h"
#include "metric/cells.h"
#include "metric/metric.h"
#include "timeline/timeline.h"

typedef enum FunnelMode
{
	FUNNEL_IN_ORDER,
	FUNNEL_STRICTLY_INCREASING,
	FUNNEL_STRICT_ORDER
} FunnelMode;

/* What all events of a chain have the same of. */
typedef enum FunnelHold
{
	FUNNEL_HOLD_NOTHING,
	FUNNEL_HOLD_REF,
	FUNNEL_HOLD_LABEL,
	FUNNEL_HOLD_KIND
} FunnelHold;

typedef enum FunnelCount
{
	FUNNEL_CUSTOMERS,  /* the chain that wins */
	FUNNEL_CONVERSIONS /* and those behind it */
} FunnelCount;

/* A span without a negative part. */
typedef struct FunnelWindow
{
	bool limited; /* false: any time */
	Interval span;
} FunnelWindow;

/* Chains are looked up by step for each event: a list that is longer isn't a funnel. So many names
 * may be in it as well. */
#define FUNNEL_MAX_STEPS 1000

/* One element of the list of steps, read. */
typedef struct FunnelElement
{
	bool barred;   /* it isn't a step: it may not come between those around it */
	bool optional; /* a step that may be left out */
	EventText *names;
	int nnames;
	const char *text; /* as it is shown */
} FunnelElement;

typedef struct FunnelList
{
	FunnelElement *elements;
	int nelements;
	int nsteps;			   /* those that aren't barred, from 1 to FUNNEL_MAX_STEPS */
	FunnelElement **steps; /* [n]: step n, counted from 0 */
} FunnelList;

typedef struct FunnelRules
{
	FunnelMode mode;
	FunnelHold hold;
	FunnelCount count;
	bool by_label; /* steps are labels, not kinds */
	FunnelList list;
	FunnelWindow within;
	const FunnelWindow *step_within; /* [n]: from step n to the next, counted from 0 */
	ZoneDays *zone;
	TimestampTz end; /* events from here on don't exist; DT_NOEND: all do */
} FunnelRules;

/*
 * The names of the steps. What is in the same steps is one class: to the walk, its events are
 * alike.
 *
 *		{view|search, cart, cart|order}		view, search: class 0; cart: class 1; order: class 2
 *
 * Lists by a number n are from x_from[n] up to x_from[n + 1].
 */
typedef struct FunnelNames
{
	int n;
	EventText *texts; /* sorted, each once */
	int *class_of;	  /* of a text */

	int nclasses;
	int *classes_from; /* of a step, counted from 0 */
	int *classes;
	int *steps_from; /* of a class: the steps that it is in, ascending */
	int *steps;

	int nlevels;
	int *step_of_level; /* steps are counted from 0, levels from 1 */
	int *level_of_step; /* 0: it is optional */
	int *levels_from;	/* of a class: the levels that it is in, ascending */
	int *levels;
	bool one_each; /* each level has a single class */

	/* What ends a chain that stands at a level, by mode and by what is barred: bits by level and
	 * class. NULL: nothing does. */
	uint8 *ending;
	size_t ending_width; /* bytes of a level */

	bool has_optional;
} FunnelNames;

static inline bool
funnel_ends(const FunnelNames *names, int level, int class)
{
	return names->ending[level * names->ending_width + class / 8] & (1 << class % 8);
}

/* May a chain start with an event of a class? */
static inline bool
funnel_starts(const FunnelNames *names, int class)
{
	int from = names->levels_from[class];

	return from < names->levels_from[class + 1] && names->levels[from] == 1;
}

typedef struct FunnelWalk FunnelWalk;

/* A funnel and what finds it in one customer after another. */
typedef struct Funnel
{
	FunnelRules rules;
	FunnelNames names;
	MemoryContext context; /* of the walk */
	FunnelWalk *walk;	   /* NULL: none yet, or an error has left it half done */
	TupleDesc row;		   /* of funnel(); NULL until asked for */
} Funnel;

/* ---- steps ---- */

/* Reads the list of steps, in the current memory context; errors are those of arguments (22023,
 * 22004, 54000). texts are terminated; NULL is a step that is null. */
extern void funnel_read_steps(char **texts, int ntexts, FunnelList *list);

/* How a name is written so that it stands for itself, whatever is in it; palloc'd. */
extern char *funnel_quoted_name(const char *name, int len);

/* Sorts the names of its rules, in the current memory context. */
extern void funnel_open_names(Funnel *funnel);

/* ---- arguments ---- */

/* Those of funnel_totals() and of funnel_by_period(): the question's own is a Funnel. */
typedef enum FunnelMetric
{
	FUNNEL_TOTALS,
	FUNNEL_BY_PERIOD
} FunnelMetric;

extern const Metric funnel_totals_metric;
extern const Metric funnel_by_period_metric;

#define FUNNEL_ARGUMENTS 9

extern const MetricArgument funnel_totals_arguments[FUNNEL_ARGUMENTS];
extern const MetricArgument funnel_by_period_arguments[FUNNEL_ARGUMENTS];

/* Metric.open and Metric.names. */
extern void funnel_open(MetricQuestion *question);
extern void funnel_add_names(const MetricQuestion *question, MetricNames *names);

extern const char *const funnel_mode_names[];
extern const char *const funnel_by_names[];
extern const char *const funnel_hold_names[];
extern const char *const funnel_count_names[];

/* Refuses an interval that can't be a window; the name is for the error. */
extern FunnelWindow funnel_window(const Interval *span, const char *name);

/* ---- chains ---- */

/* A chain: by step, counted from 0, its instant; NO_STEP where it is left out. */
#define NO_STEP DT_NOEND /* later than any */

typedef struct FunnelChain
{
	int depth;				/* levels */
	int nsteps;				/* up to its last one */
	TimestampTz tried;		/* when he could have started first */
	const TimestampTz *ats; /* until the next chain */
} FunnelChain;

typedef void (*FunnelTaker)(void *taker, const FunnelChain *chain);

/*
 * Gives the chains of a customer, of the body of a timeline, that count: the one that wins, or each
 * of those that follow another. periods isn't NULL: the one that wins among those that start in
 * a period, for each, in order.
 */
extern void funnel_chains(Funnel *funnel, ByteSpan body, Periods *periods, FunnelTaker take,
						  void *taker);

/* Which classes of names the customer of the last walk has events of, each once, in no order. */
extern const int *funnel_classes_found(const Funnel *funnel, int *nfound);

/* From one instant of a chain to the next: 22008 where that is longer than an interval may be. */
extern int64 funnel_duration(TimestampTz from, TimestampTz to);

/* The step before one that a chain has come to: that of the level before, or for an optional one
 * the nearest one that it has taken. */
extern int funnel_step_before(const Funnel *funnel, const FunnelChain *chain, int step);

/* No chain takes longer than this, whatever the calendar does; PG_INT64_MAX: it may. */
extern int64 funnel_longest(const Funnel *funnel);

/* Is the time over that a chain has which starts then, where events from end on aren't known? */
extern bool funnel_is_over(const Funnel *funnel, TimestampTz start, TimestampTz end);

/* ---- results ---- */

/* Parameters of results; funnel_by_period_result has the last one, too. */
typedef enum FunnelParameter
{
	FUNNEL_PARAMETER_STEPS,
	FUNNEL_PARAMETER_BY,
	FUNNEL_PARAMETER_MODE,
	FUNNEL_PARAMETER_WITHIN,
	FUNNEL_PARAMETER_STEP_WITHIN,
	FUNNEL_PARAMETER_ZONE,
	FUNNEL_PARAMETER_AS_OF,
	FUNNEL_PARAMETER_HOLD,
	FUNNEL_PARAMETER_COUNT,
	FUNNEL_PARAMETER_PERIOD
} FunnelParameter;

extern const TallyParameter funnel_parameters[FUNNEL_PARAMETER_PERIOD + 1];

/* Sums of a row; only funnel_totals_result has the last one. */
typedef enum FunnelSum
{
	FUNNEL_SUM_CHAINS,	 /* customers, or conversions */
	FUNNEL_SUM_ELIGIBLE, /* those of a step whose first try's time is over; beside the duration 0 */
	FUNNEL_SUM_STOPPED, /* those of an optional step who didn't come to the next level; there too */
	FUNNEL_SUM_WITH_EVENT
} FunnelSum;

/* The number of a sum in a shape; and of the keys "step" and "duration", the last two. */
extern int funnel_sum(const TallyShape *shape, FunnelSum sum);

static inline int
funnel_step_key(const TallyShape *shape)
{
	return shape->nkeys - 2;
}

/* Metric.text of both. */
extern const char *funnel_text(const MetricQuestion *question, const char *parameter);

/* The steps of a result; and its rules, with names, for what needs more. */
extern void funnel_result_list(const Tally *tally, FunnelList *list);
extern void funnel_result_open(const Tally *tally, Funnel *funnel);

/* A parameter as an interval or an array of them, as a column. */
extern void funnel_put_within(Rows *rows, const Tally *tally);
extern void funnel_put_step_windows(Rows *rows, const Tally *tally);

/* What is wrong with the parameters of a result from outside; NULL: nothing. */
extern const char *funnel_parameters_fault(const Tally *tally, FunnelList *list);

/* Does it count conversions, not customers? */
extern bool funnel_counts_conversions(const Tally *tally);

/* What a result counts in one step. */
typedef struct StepCounts
{
	const Tally *tally;
	int128 reached;
	int128 eligible;
	int128 stopped;
	int128 with_event;
	TallyRow **durations; /* of who came to it, in order */
	int64 ndurations;
} StepCounts;

/* The counts of some rows, by step from 0 on, where the number of everyone is; the rows are of one
 * period. NULL: a row is of no step. */
extern StepCounts *funnel_step_counts(const Tally *tally, TallyRow **rows, int64 nrows, int nsteps);

/* What is wrong with them: a DETAIL, or NULL. */
extern const char *funnel_counts_fault(const Tally *tally, const FunnelList *list, TallyRow **rows,
									   int64 nrows);

/* Puts step, name, reached, stopped, eligible and the rates behind them. */
extern void funnel_put_step(Rows *rows, const FunnelList *list, const StepCounts *steps, int step,
							double z);

/* The q quantile of the times from the step before; NULL where nobody came. */
extern Interval *funnel_step_quantile(const StepCounts *step, double q);

/* ---- counting ---- */

/* What was counted since it went into a tally last. */
typedef struct FunnelCounts
{
	const Funnel *funnel;
	MemoryContext context;
	TimestampTz end;		   /* of what is known */
	TimestampTz over;		   /* tries before are over, whatever the calendar does */
	int64 started;			   /* came to the first step */
	int64 *eligible;		   /* by step, from 0 */
	int64 *stopped;			   /* by step, those that are optional */
	CountedNumbers *durations; /* [n]: to step n, from the one before it */
} FunnelCounts;

/* In the current memory context; events from end on aren't known. */
extern FunnelCounts *funnel_counts_create(const Funnel *funnel, TimestampTz end);

extern void funnel_count(FunnelCounts *counts, const FunnelChain *chain);

/* Brings all to the rows of a key but for its step and duration, and starts anew. */
extern void funnel_counts_flush(FunnelCounts *counts, Tally *tally, TallyKey key);

/* Adds to a sum of a step, counted from 1. */
extern void funnel_add(Tally *tally, TallyKey key, int step, int64 duration, FunnelSum sum,
					   int64 count);

/* ---- the walk ---- */

/* An event whose name matters. */
typedef struct Matched
{
	TimestampTz at;
	int class;
	int32 group; /* by what is held; 0 where nothing is */
} Matched;

/* Who sits where: steps that need an event of their own, at one instant. */
typedef struct Seats
{
	const FunnelNames *names;
	int *there;	   /* events of a class */
	int *used;	   /* of those, the ones that have a step */
	int *class_of; /* of a step that sits */
	int *first;	   /* of a class: 1 + the first step that sits there; 0: none */
	int *next;	   /* of a step: the same of the next one of its class */
	int *before;   /* ... and of the one before it */
	int *
		came_from; /* of a class, while a place is looked for: 1 + the step that would move there */
	int *queue;
} Seats;

extern void seats_create(Seats *seats, const FunnelNames *names, int nsteps);

/* Finds a step a place among those who sit, who may move; false where there is none. */
extern bool seats_find(Seats *seats, int step);
extern void seats_leave(Seats *seats, int step);

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
	const FunnelNames *names;
	MemoryContext context;
	MemoryContext reading; /* of the timeline that is open */

	int *found; /* classes that the customer has events of */
	int nfound;
	bool *is_found;

	Matched *matched; /* read so far */
	int64 nmatched;
	int64 max_matched;
	RefTable refs; /* by which they are in groups */

	/* the stretch that is walked, and where chains may start in it */
	int64 first;
	TimestampTz starts_until;
	TimestampTz latest; /* deadline of those that have started */

	/* the instant at hand */
	Seats seats;
	int *class_of; /* of a level, where each has one; else NULL */
	int *now;	   /* its classes */
	int nnow;
	int *now_levels; /* its levels, where it has several classes */

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
	TimestampTz *chain; /* by level, from 0: the instants of the chain */

	int *busy; /* levels with chains, or with a way to go on */
	int nbusy;
	bool *is_busy;

	TimestampTz *ats;	/* by step: the same with optional ones */
	TimestampTz *other; /* one to compare with */
};

/* In the current memory context. */
extern FunnelWalk *walk_create(const Funnel *funnel);

/* Reads events and goes on by them, until the last level is reached: walk->depth is how deep a
 * chain can be. */
extern void walk_reading(FunnelWalk *walk, TimelineReader *reader, const int *classes);

/* Goes on by a stretch of events that were read, as far as there is need to; chains start before an
 * instant. */
extern void walk_stretch(FunnelWalk *walk, int64 first, int64 end, TimestampTz starts_until);

/* Finds the chain that wins; walk->depth isn't 0. */
extern void walk_find_chain(FunnelWalk *walk);

/* The chain that was found, in walk->ats, with the optional steps on its way; the events of the
 * stretch end before end. */
extern FunnelChain walk_chain(FunnelWalk *walk, int64 end);

/* When a window that begins at an instant ends, which still counts; DT_NOEND: never. */
extern TimestampTz funnel_deadline(const FunnelRules *rules, const FunnelWindow *window,
								   TimestampTz at);

/* ---- inline ---- */

/* The next event, as timeline_next(), which clears all of an event first. */
static inline bool
walk_read_event(const FunnelWalk *walk, TimelineReader *reader, Event *event)
{
	if (reader->left == 0)
		return false;
	reader->left--;
	event->at = timeline_read_instant(reader);
	if (reader->flags & TIMELINE_HAS_VALUES)
		(void) timeline_read_value(reader, &event->value);
	timeline_read_rest(reader, event);
	return event->at < walk->rules->end;
}

static inline void
walk_add_matched(FunnelWalk *walk, TimestampTz at, int class, int32 group)
{
	if (unlikely(walk->nmatched == walk->max_matched))
	{
		walk->max_matched *= 2;
		walk->matched = repalloc_huge(walk->matched, walk->max_matched * sizeof(Matched));
	}
	walk->matched[walk->nmatched++] = (Matched){ at, class, group };
}

/* Notes the classes of an instant's events, those from first up to end. */
static inline void
walk_open_classes(FunnelWalk *walk, int64 first, int64 end)
{
	int *there = walk->seats.there;
	int64 i;

	walk->nnow = 0;
	for (i = first; i < end; i++)
	{
		int class = walk->matched[i].class;

		if (there[class] == 0)
			walk->now[walk->nnow++] = class;
		if (there[class] < PG_INT32_MAX)
			there[class]++;
	}
}

static inline void
walk_close_classes(FunnelWalk *walk)
{
	while (walk->nnow > 0)
		walk->seats.there[walk->now[--walk->nnow]] = 0;
}

#endif
