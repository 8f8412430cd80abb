/*
 * points_call.c
 *		What the SQL faces of points share: the walk that a call site keeps from row to
 *		row, the arguments, and rows of a result.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "core/decimal.h"
#include "points/points_call.h"

static ZoneDays *
zone_of_policy(const PointsPolicy *policy)
{
	return policy->zone != NULL ? policy->zone : zone_of_session();
}

/* An error that leaves it half done leaves no walk: the next call starts over. */
static void
open_policy(PointsCall *call, FunctionCallInfo fcinfo, const struct varlena *policy,
			PointsSink sink, bool lists_overdrafts)
{
	size_t size = VARSIZE_ANY_EXHDR(policy);
	MemoryContext old;

	call->walk = NULL;
	call->has_limit = false;
	if (call->context == NULL)
		call->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "loyalty points",
											  ALLOCSET_DEFAULT_SIZES);
	else
		MemoryContextReset(call->context);
	old = MemoryContextSwitchTo(call->context);
	call->bytes = palloc(VARHDRSZ + size);
	SET_VARSIZE(call->bytes, VARHDRSZ + size);
	memcpy(VARDATA(call->bytes), VARDATA_ANY(policy), size);
	call->policy = points_policy_open(call->bytes);
	if (lists_overdrafts && call->policy->overdraft == POINTS_OVERDRAFT_REFUSE)
		call->policy->overdraft = POINTS_OVERDRAFT_CLIP;
	call->zone = zone_of_policy(call->policy);
	call->walk =
		points_walk_create(call->policy, sink != NULL ? POINTS_KEEP_EVENTS : 0, sink, call);
	MemoryContextSwitchTo(old);
}

static bool
same_policy(const PointsCall *call, const struct varlena *policy)
{
	return VARSIZE_ANY_EXHDR(policy) == VARSIZE(call->bytes) - VARHDRSZ &&
		   memcmp(VARDATA_ANY(policy), VARDATA(call->bytes), VARSIZE_ANY_EXHDR(policy)) == 0;
}

PointsCall *
points_call(FunctionCallInfo fcinfo, PointsSink sink, bool lists_overdrafts)
{
	PointsCall *call = fcinfo->flinfo->fn_extra;
	const struct varlena *policy;

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("policy must not be null"),
						errhint("Points that never expire are '{}', the default.")));
	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(PointsCall));
		fcinfo->flinfo->fn_extra = call;
	}
	policy = PG_GETARG_VARLENA_PP(1);
	if (call->walk == NULL || !same_policy(call, policy) ||
		call->zone != zone_of_policy(call->policy))
		open_policy(call, fcinfo, policy, sink, lists_overdrafts);
	if (PG_ARGISNULL(0))
		return NULL;
	points_walk_start(call->walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					  NULL);
	return call;
}

DateADT
points_day_argument(FunctionCallInfo fcinfo, int n, const char *name)
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

int128
points_spendable(const PointsWalk *walk)
{
	const PointsTotals *totals = points_walk_totals(walk);

	return totals->active - totals->overdrawn;
}

Datum
points_numeric(const PointsWalk *walk, int128 units)
{
	return NumericGetDatum(decimal_sum_to_numeric(units, points_walk_scale(walk)));
}

/* ---- rows ---- */

void
points_rows_open(PointsRow *row, FunctionCallInfo fcinfo, const PointsWalk *walk)
{
	row->result = (ReturnSetInfo *) fcinfo->resultinfo;
	row->walk = walk;
	row->context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty points row", ALLOCSET_SMALL_SIZES);
	row->ncolumns = 0;
}

void
points_row_begin(PointsRow *row)
{
	row->caller = MemoryContextSwitchTo(row->context);
	row->ncolumns = 0;
}

static void
put_column(PointsRow *row, Datum value, bool isnull)
{
	Assert(row->ncolumns < POINTS_ROW_COLUMNS);
	row->values[row->ncolumns] = value;
	row->nulls[row->ncolumns] = isnull;
	row->ncolumns++;
}

void
points_row_null(PointsRow *row)
{
	put_column(row, (Datum) 0, true);
}

void
points_row_instant(PointsRow *row, TimestampTz at)
{
	put_column(row, TimestampTzGetDatum(at), TIMESTAMP_NOT_FINITE(at));
}

void
points_row_name(PointsRow *row, const char *name)
{
	put_column(row, CStringGetTextDatum(name), false);
}

void
points_row_text(PointsRow *row, EventText text)
{
	if (text.bytes == NULL)
		points_row_null(row);
	else
		put_column(row, PointerGetDatum(cstring_to_text_with_len(text.bytes, text.len)), false);
}

void
points_row_ref(PointsRow *row, const Event *event)
{
	if (event->ref_type == EVENT_REF_NUMBER)
	{
		char number[MAXINT8LEN + 1];
		int len = pg_lltoa(event->ref_number, number);

		put_column(row, PointerGetDatum(cstring_to_text_with_len(number, len)), false);
	}
	else if (event->ref_type == EVENT_REF_TEXT)
		points_row_text(row, event->ref_text);
	else
		points_row_null(row);
}

void
points_row_points(PointsRow *row, int128 units)
{
	put_column(row, points_numeric(row->walk, units), false);
}

void
points_row_end(PointsRow *row)
{
	Assert(row->ncolumns == row->result->setDesc->natts);
	tuplestore_putvalues(row->result->setResult, row->result->setDesc, row->values, row->nulls);
	MemoryContextSwitchTo(row->caller);
	MemoryContextReset(row->context);
}
