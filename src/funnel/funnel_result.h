/*
 * funnel_result.h
 *		funnel_totals_result: what is counted of a funnel, and which funnel it is.
 *
 *		step	duration
 *		0		0			everyone
 *		1		0			who took the first step
 *		2 ...	any			who came to it, so many microseconds after the step before
 */
#ifndef LOYALTY_FUNNEL_RESULT_H
#define LOYALTY_FUNNEL_RESULT_H

#include "postgres.h"

#include "metric/tally.h"
#include "funnel/funnel_call.h"

typedef enum FunnelParameter
{
	FUNNEL_PARAMETER_STEPS,
	FUNNEL_PARAMETER_BY,
	FUNNEL_PARAMETER_MODE,
	FUNNEL_PARAMETER_WITHIN,
	FUNNEL_PARAMETER_STEP_WITHIN,
	FUNNEL_PARAMETER_ZONE,
	FUNNEL_PARAMETER_AS_OF
} FunnelParameter;

#define FUNNEL_PARAMETERS	(FUNNEL_PARAMETER_AS_OF + 1)

#define FUNNEL_KEY_STEP		0
#define FUNNEL_KEY_DURATION 1

extern const TallyShape funnel_totals_shape;

/* The parameters of a call's funnel, by number; NULL: none. As long as the call's rules. */
extern const char *const *funnel_result_parameters(FunnelCall *call);

/* The names of a result's steps. */
extern char **funnel_result_steps(const Tally *tally, int *nsteps);

/* The windows of a result: the whole chain's, or NULL; those of steps, or NULL, and NULL for
 * one that has none. */
extern Interval *funnel_result_within(const Tally *tally);
extern Interval **funnel_result_step_within(const Tally *tally, int *nwindows);

#endif
