/*
 * tier_call.c
 *		What the SQL faces of tiers share: the walk that a call site keeps from row to row,
 *		and the arguments.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "tiers/tier_call.h"
#include "policy/policy.h"
#include "tiers/tiers.h"

static void *
open_call(const struct varlena *policy)
{
	TierCall *call = palloc0(sizeof(TierCall));

	call->context = CurrentMemoryContext;
	call->policy = tier_policy_open(policy);
	call->zone = tier_policy_zone(call->policy);
	return call;
}

TierCall *
tier_call_policy(FunctionCallInfo fcinfo, int n, int flags, TierSink sink)
{
	TierCall *call = policy_argument(fcinfo, n, &tier_policy_table, open_call);

	if (unlikely(call->walk == NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(call->context);

		call->walk = tier_walk_create(call->policy, flags, sink, call);
		MemoryContextSwitchTo(old);
	}
	return call;
}

TierCall *
tier_call(FunctionCallInfo fcinfo, int flags, TierSink sink)
{
	TierCall *call = tier_call_policy(fcinfo, 1, flags, sink);

	if (PG_ARGISNULL(0))
		return NULL;
	tier_walk_timeline(call->walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					   NULL);
	return call;
}

void
tier_call_to_day(TierCall *call, DateADT day)
{
	if (!call->has_limit || call->limit_day != day)
	{
		call->limit = tier_day_end(call->policy, day);
		call->limit_day = day;
		call->has_limit = true;
	}
	tier_walk_to(call->walk, call->limit);
}
