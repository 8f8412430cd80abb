/*
 * funnel_sql.c
 *		The funnel of one customer: how far, and when.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "funnel/funnel_internal.h"

PG_FUNCTION_INFO_V1(loyalty_funnel);

static Datum
instants_array(const TimestampTz *chain, int depth)
{
	Datum *values = palloc_extended(Max(depth, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	int i;

	for (i = 0; i < depth; i++)
		values[i] = TimestampTzGetDatum(chain[i]);
	return PointerGetDatum(
		construct_array(values, depth, TIMESTAMPTZOID, sizeof(TimestampTz), true, TYPALIGN_DOUBLE));
}

/* From each instant to the next, as their difference is in SQL; NULL for the first. */
static Datum
durations_array(const TimestampTz *chain, int depth)
{
	Datum *values = palloc_extended(Max(depth, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	bool *nulls = palloc_extended(Max(depth, 1) * sizeof(bool), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int lower = 1;
	int i;

	if (depth == 0)
		return PointerGetDatum(construct_empty_array(INTERVALOID));
	nulls[0] = true;
	for (i = 1; i < depth; i++)
	{
		(void) funnel_duration(chain[i - 1], chain[i]);
		values[i] = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(chain[i]),
										TimestampTzGetDatum(chain[i - 1]));
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, &depth, &lower, INTERVALOID,
											  sizeof(Interval), false, TYPALIGN_DOUBLE));
}

/* The row type, as long as the call site asks the same. */
static TupleDesc
result_row(FunctionCallInfo fcinfo, const Funnel *funnel)
{
	MemoryContext caller = MemoryContextSwitchTo(MemoryContextGetParent(funnel->context));
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	MemoryContextSwitchTo(caller);
	return desc;
}

/* funnel(timeline, steps, within, mode, by, step_within, as_of) */
Datum
loyalty_funnel(PG_FUNCTION_ARGS)
{
	Funnel *funnel = metric_question(fcinfo, 1, &funnel_totals_metric)->own;
	const TimestampTz *chain;
	int depth;
	Datum values[6];
	bool nulls[6] = { false };

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (funnel->row == NULL)
		funnel->row = result_row(fcinfo, funnel);
	depth =
		funnel_walk(funnel, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))), &chain);
	values[0] = Int32GetDatum(depth);
	if (depth == 0)
		nulls[1] = nulls[2] = nulls[3] = true;
	else
	{
		const EventText *name = &funnel->rules.steps[depth - 1];

		values[1] = PointerGetDatum(cstring_to_text_with_len(name->bytes, name->len));
		values[2] = TimestampTzGetDatum(chain[0]);
		values[3] = TimestampTzGetDatum(chain[depth - 1]);
	}
	values[4] = instants_array(chain, depth);
	values[5] = durations_array(chain, depth);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(funnel->row, values, nulls)));
}
