/*
 * tier_call.h
 *		What the SQL faces of tiers share: the walk that a call site keeps from row to row,
 *		and the arguments.
 */
#ifndef LOYALTY_TIER_CALL_H
#define LOYALTY_TIER_CALL_H

#include "postgres.h"

#include "fmgr.h"

#include "tiers/tiers.h"

/* What a call site keeps of a policy (policy_argument()). */
typedef struct TierCall
{
	TierPolicy *policy;
	ZoneDays *zone; /* of its days */
	TierWalk *walk;
	void *reading; /* what the sink reads for, in this call */
	MemoryContext context;
	bool has_limit;
	DateADT limit_day;
	TimestampTz limit;
} TierCall;

/* Opens the policy in argument n; a NULL one is error 22004. The sink gets the TierCall as its
 * context. */
extern TierCall *tier_call_policy(FunctionCallInfo fcinfo, int n, int flags, TierSink sink);

/*
 * Arguments 0 and 1 of a call: timeline and policy. Starts the walk; NULL where the timeline is
 * NULL.
 */
extern TierCall *tier_call(FunctionCallInfo fcinfo, int flags, TierSink sink);

/* Walks to the end of a local day. */
extern void tier_call_to_day(TierCall *call, DateADT day);

#endif
