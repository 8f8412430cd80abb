/*
 * lifecycle.h
 *		At which stage of his life a customer is, by the periods in which he was active.
 *
 *		never		no active day by as_of
 *		new			his first active period is that of as_of
 *		current		he is active in the period of as_of, or in the one before while that of
 *					as_of still runs
 *		at risk		he has missed at least one, but not dormant_after of them
 *		dormant		he has missed dormant_after whole periods, or more
 *		resurrected	he is active in the period of as_of, and was dormant before
 *
 * A period is missed when it is over: on the 3rd of a month, who bought last month is
 * current, not at risk, or nearly everyone would be at risk at the start of each month. The
 * period of as_of is over where as_of is its last day.
 *
 * No fmgr here: lifecycle.c is the SQL face.
 */
#ifndef LOYALTY_LIFECYCLE_H
#define LOYALTY_LIFECYCLE_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "core/codec.h"

typedef enum LifecycleStage
{
	LIFECYCLE_NEVER,
	LIFECYCLE_NEW,
	LIFECYCLE_CURRENT,
	LIFECYCLE_AT_RISK,
	LIFECYCLE_DORMANT,
	LIFECYCLE_RESURRECTED,
	LIFECYCLE_STAGES
} LifecycleStage;

extern const char *const lifecycle_names[LIFECYCLE_STAGES];

typedef struct LifecycleRule
{
	Calendar *calendar;
	int32 dormant_after; /* 1 or more */
	DateADT as_of;
} LifecycleRule;

/* The stage of a customer: the body of his activity set. */
extern LifecycleStage lifecycle_stage(const LifecycleRule *rule, ByteSpan body);

#endif
