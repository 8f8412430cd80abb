/*
 * funnel_internal.h
 *		Funnels: how far a customer came through a list of steps, and when.
 *
 * A step is a name: the kind of an event, or its label. A chain of depth d is d events of a
 * customer, each used once, that are named as the first d steps, in their order. By mode
 *
 *		in_order				no event is earlier than the one before it in the chain
 *		strictly_increasing		each event is later than the one before it
 *		strict_order			as in_order, and no other listed step lies between two neighbours:
 *								an event later than the one and earlier than the other that is
 *								named as a step, but as neither of these two
 *
 * So events at one instant may serve successive steps, whatever their order in the timeline,
 * and are never between each other. Events that no step names matter nowhere.
 *
 * Windows are inclusive, and counted in the calendar of a zone: the last event of a chain is no
 * later than its first + within, and each no later than the one before it + the window of that
 * step.
 *
 * The chain that wins is the deepest; of those the one that ends first; of those the one that
 * starts last; of those the one whose second event is earliest, then whose third is, and so on.
 * That is one list of instants, for any order of the rows.
 *
 * funnel_walk.c finds it, without fmgr; funnel_totals.c counts everyone's; funnel_sql.c is the
 * funnel of one customer.
 */
#ifndef LOYALTY_FUNNEL_INTERNAL_H
#define LOYALTY_FUNNEL_INTERNAL_H

#include "postgres.h"

#include "access/tupdesc.h"

#include "calendar/calendar.h"
#include "core/codec.h"
#include "metric/metric.h"
#include "timeline/timeline.h"

typedef enum FunnelMode
{
	FUNNEL_IN_ORDER,
	FUNNEL_STRICTLY_INCREASING,
	FUNNEL_STRICT_ORDER
} FunnelMode;

/* A span without a negative part. */
typedef struct FunnelWindow
{
	bool limited; /* false: any time */
	Interval span;
} FunnelWindow;

/* Chains are looked up by step for each event: a list that is longer isn't a funnel. */
#define FUNNEL_MAX_STEPS 1000

typedef struct FunnelRules
{
	FunnelMode mode;
	bool by_label; /* steps are labels, not kinds */
	int nsteps;	   /* from 1 to FUNNEL_MAX_STEPS */
	const EventText *steps;
	FunnelWindow within;
	const FunnelWindow *step_within; /* [n]: from step n to the next, counted from 0 */
	ZoneDays *zone;
	TimestampTz end; /* events from here on don't exist; DT_NOEND: all do */
} FunnelRules;

/* The steps by their texts: those of the same text have the same name. */
typedef struct FunnelNames
{
	int n;
	EventText *texts; /* sorted */
	int *of_level;	  /* of a step, counted from 1 */
} FunnelNames;

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

/* Sorts the steps of its rules, in the current memory context. */
extern void funnel_open_names(Funnel *funnel);

/* Which names the customer of the last walk has events of, in no order. */
extern const int *funnel_names_found(const Funnel *funnel, int *nfound);

/* From one instant of a chain to the next: 22008 where that is longer than an interval may be. */
extern int64 funnel_duration(TimestampTz from, TimestampTz to);

/*
 * Finds the chain that wins in the body of a timeline: returns its depth, 0 where there is no
 * event of the first step. Its instants are in *chain, until the next walk.
 */
extern int funnel_walk(Funnel *funnel, ByteSpan body, const TimestampTz **chain);

/* funnel_totals(), whose arguments are those of funnel(); the question's own is a Funnel. */
extern const Metric funnel_totals_metric;

#endif
