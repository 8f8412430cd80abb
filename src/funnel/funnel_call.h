/*
 * funnel_call.h
 *		The arguments of a funnel, and the walk that a call site keeps from row to row.
 */
#ifndef LOYALTY_FUNNEL_CALL_H
#define LOYALTY_FUNNEL_CALL_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"

#include "funnel/funnel.h"

extern const char *const funnel_mode_names[];
extern const char *const funnel_by_names[];

/* A call site, in fn_extra. As long as the arguments' bytes and the zone stay the same, its
 * rules and its walk serve one customer after another. */
typedef struct FunnelCall
{
	TupleDesc desc;		   /* of a record that it returns; NULL until asked for */
	MemoryContext context; /* of what the arguments say */
	FunnelRules rules;
	bool has_as_of;
	DateADT as_of;
	FunnelWalk *walk; /* NULL: none yet, or an error has left it half done */
	struct FunnelArguments *arguments;
	const char *const *parameters; /* as texts, by funnel_result.c; NULL: none yet */
} FunnelCall;

/*
 * Opens arguments first ... of a call: steps, within, mode, by, step_within, as_of; those that
 * the function doesn't have take their defaults. 22004, 22008 and 22023 by name.
 */
extern FunnelCall *funnel_call(FunctionCallInfo fcinfo, int first);

/* As funnel_walk(), with the call's walk. */
extern int funnel_call_walk(FunnelCall *call, ByteSpan body, const TimestampTz **chain);

/* Does the zone matter: are there days or months in a window, or an as_of? */
extern bool funnel_call_needs_zone(const FunnelCall *call);

/* Refuses (54000) more steps than FUNNEL_MAX_STEPS. */
extern void funnel_check_steps(int64 nsteps);

/* Refuses an interval that can't be a window; the name is for the error. */
extern FunnelWindow funnel_window(const Interval *span, const char *name);

#endif
