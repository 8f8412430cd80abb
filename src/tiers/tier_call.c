/*
 * tier_call.c
 *		What the SQL faces of tiers share: the walk that a call site keeps from row to row,
 *		and the arguments.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "tiers/tier_call.h"

/* An error that leaves it half done leaves no walk: the next call starts over. */
static void
open_policy(TierCall *call, FunctionCallInfo fcinfo, const struct varlena *policy, int flags,
			TierSink sink)
{
	size_t size = VARSIZE_ANY_EXHDR(policy);
	MemoryContext old;

	call->walk = NULL;
	call->has_limit = false;
	if (call->context == NULL)
		call->context =
			AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "loyalty tiers", ALLOCSET_DEFAULT_SIZES);
	else
		MemoryContextReset(call->context);
	old = MemoryContextSwitchTo(call->context);
	call->bytes = palloc(VARHDRSZ + size);
	SET_VARSIZE(call->bytes, VARHDRSZ + size);
	memcpy(VARDATA(call->bytes), VARDATA_ANY(policy), size);
	call->policy = tier_policy_open(call->bytes);
	call->zone = tier_policy_zone(call->policy);
	call->walk = tier_walk_create(call->policy, flags, sink, call);
	MemoryContextSwitchTo(old);
}

static bool
same_policy(const TierCall *call, const struct varlena *policy)
{
	return VARSIZE_ANY_EXHDR(policy) == VARSIZE(call->bytes) - VARHDRSZ &&
		   memcmp(VARDATA_ANY(policy), VARDATA(call->bytes), VARSIZE_ANY_EXHDR(policy)) == 0;
}

TierCall *
tier_call_policy(FunctionCallInfo fcinfo, int n, int flags, TierSink sink)
{
	TierCall *call = fcinfo->flinfo->fn_extra;
	const struct varlena *policy;

	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("policy must not be null"),
						errhint("Give the tiers, such as '{\"Silver\": 500, \"Gold\": 2000}'.")));
	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(TierCall));
		fcinfo->flinfo->fn_extra = call;
	}
	policy = PG_GETARG_VARLENA_PP(n);
	if (call->walk == NULL || !same_policy(call, policy) ||
		call->zone != tier_policy_zone(call->policy))
		open_policy(call, fcinfo, policy, flags, sink);
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

DateADT
tier_day_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	DateADT day;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
				 errhint("Give a day, or leave it out for today.")));
	day = PG_GETARG_DATEADT(n);
	if (DATE_NOT_FINITE(day))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s must be finite, not '%s'", name,
							   DATE_IS_NOEND(day) ? "infinity" : "-infinity")));
	return day;
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
