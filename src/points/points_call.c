/*
 * points_call.c
 *		What the SQL faces of points share: the walk that a call site keeps from row to
 *		row, the arguments, and columns of results.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/decimal.h"
#include "points/points_call.h"
#include "points/points.h"
#include "policy/policy.h"

static void *
open_call(const struct varlena *policy)
{
	PointsCall *call = palloc0(sizeof(PointsCall));

	call->context = CurrentMemoryContext;
	call->policy = points_policy_open(policy);
	call->zone = call->policy->zone != NULL ? call->policy->zone : zone_of_session();
	return call;
}

PointsCall *
points_call(FunctionCallInfo fcinfo, int flags, PointsSink sink, bool lists_overdrafts)
{
	PointsCall *call = policy_argument(fcinfo, 1, &points_policy_table, open_call);

	if (unlikely(call->walk == NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(call->context);

		if (lists_overdrafts && call->policy->overdraft == POINTS_OVERDRAFT_REFUSE)
			call->policy->overdraft = POINTS_OVERDRAFT_CLIP;
		call->walk = points_walk_create(call->policy, flags, sink, call);
		MemoryContextSwitchTo(old);
	}
	if (PG_ARGISNULL(0))
		return NULL;
	points_walk_start(call->walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					  NULL);
	return call;
}

PointsLimit
points_call_limit(PointsCall *call, DateADT day)
{
	if (!call->has_limit || call->limit_day != day)
	{
		call->limit = points_limit_day(call->policy, day);
		call->limit_day = day;
		call->has_limit = true;
	}
	return call->limit;
}

void
points_call_run_out(PointsCall *call)
{
	points_walk_close(call->walk);
	points_walk_until(call->walk, points_limit_instant(END_TIMESTAMP - 1));
}

void *
points_grow(void *array, int64 *max, int64 n, size_t size)
{
	if (n <= *max)
		return array;
	*max = Max(n, Max(32, *max * 2));
	return array == NULL ? palloc_extended(*max * size, MCXT_ALLOC_HUGE)
						 : repalloc_huge(array, *max * size);
}

int128
points_spendable(PointsWalk *walk)
{
	const PointsTotals *totals = points_walk_totals(walk);

	return totals->active - totals->overdrawn;
}

Datum
points_numeric(const PointsWalk *walk, int128 units)
{
	return NumericGetDatum(decimal_sum_to_numeric(units, points_walk_scale(walk)));
}

/* ---- columns ---- */

void
points_put_text(Rows *rows, EventText text)
{
	rows_put_text(rows, text.bytes, text.len);
}

void
points_put_points(Rows *rows, const PointsWalk *walk, int128 units)
{
	rows_put_decimal(rows, units, points_walk_scale(walk));
}
