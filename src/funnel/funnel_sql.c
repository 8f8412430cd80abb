/*
 * funnel_sql.c
 *		The funnel of one customer: how far, and when; each conversion; and how names are written.
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

#include "core/rows.h"
#include "funnel/funnel_internal.h"

PG_FUNCTION_INFO_V1(loyalty_funnel);
PG_FUNCTION_INFO_V1(loyalty_funnel_conversions);
PG_FUNCTION_INFO_V1(loyalty_funnel_name);

/* ---- columns of a chain ---- */

static Datum
array_of_steps(Datum *values, bool *nulls, int nsteps, Oid type, int size, bool by_value)
{
	int lower = 1;

	if (nsteps == 0)
		return PointerGetDatum(construct_empty_array(type));
	return PointerGetDatum(construct_md_array(values, nulls, 1, &nsteps, &lower, type, size,
											  by_value, TYPALIGN_DOUBLE));
}

/* NULL for a step that is left out. */
static Datum
instants_array(const FunnelChain *chain)
{
	int n = Max(chain->nsteps, 1);
	Datum *values = palloc_extended(n * sizeof(Datum), MCXT_ALLOC_HUGE);
	bool *nulls = palloc_extended(n * sizeof(bool), MCXT_ALLOC_HUGE);
	int i;

	for (i = 0; i < chain->nsteps; i++)
	{
		values[i] = TimestampTzGetDatum(chain->ats[i]);
		nulls[i] = chain->ats[i] == NO_STEP;
	}
	return array_of_steps(values, nulls, chain->nsteps, TIMESTAMPTZOID, sizeof(TimestampTz), true);
}

/* From the step before each to it, as their difference is in SQL; NULL for the first. */
static Datum
durations_array(const Funnel *funnel, const FunnelChain *chain)
{
	int n = Max(chain->nsteps, 1);
	Datum *values = palloc_extended(n * sizeof(Datum), MCXT_ALLOC_HUGE);
	bool *nulls = palloc_extended(n * sizeof(bool), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int i;

	nulls[0] = true;
	for (i = 1; i < chain->nsteps; i++)
	{
		TimestampTz from;

		nulls[i] = chain->ats[i] == NO_STEP;
		if (nulls[i])
			continue;
		from = chain->ats[funnel_step_before(funnel, chain, i)];
		(void) funnel_duration(from, chain->ats[i]);
		values[i] = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(chain->ats[i]),
										TimestampTzGetDatum(from));
	}
	return array_of_steps(values, nulls, chain->nsteps, INTERVALOID, sizeof(Interval), false);
}

/* reached, name, started_at, ended_at, at, durations; a chain of no step is that of nobody. */
static void
chain_columns(const Funnel *funnel, const FunnelChain *chain, Datum *values, bool *nulls)
{
	values[0] = Int32GetDatum(chain->nsteps);
	if (chain->nsteps == 0)
		nulls[1] = nulls[2] = nulls[3] = true;
	else
	{
		const FunnelElement *step = funnel->rules.list.steps[chain->nsteps - 1];

		values[1] = PointerGetDatum(cstring_to_text(step->text));
		values[2] = TimestampTzGetDatum(chain->ats[0]);
		values[3] = TimestampTzGetDatum(chain->ats[chain->nsteps - 1]);
	}
	values[4] = instants_array(chain);
	values[5] = durations_array(funnel, chain);
}

#define CHAIN_COLUMNS 6

/* ---- the chain that wins ---- */

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

/* Notes the only chain that there is. */
static void
take_chain(void *taken, const FunnelChain *chain)
{
	*(FunnelChain *) taken = *chain;
}

/* funnel(timeline, steps, within, mode, by, step_within, as_of, zone, hold) */
Datum
loyalty_funnel(PG_FUNCTION_ARGS)
{
	Funnel *funnel = metric_question(fcinfo, 1, &funnel_totals_metric)->own;
	FunnelChain chain = { 0 };
	Datum values[CHAIN_COLUMNS];
	bool nulls[CHAIN_COLUMNS] = { false };

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (funnel->row == NULL)
		funnel->row = result_row(fcinfo, funnel);
	funnel_chains(funnel, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))), NULL,
				  take_chain, &chain);
	chain_columns(funnel, &chain, values, nulls);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(funnel->row, values, nulls)));
}

/* ---- all that follow each other ---- */

typedef struct ConversionRows
{
	const Funnel *funnel;
	Rows rows;
	int32 n;
} ConversionRows;

static void
put_chain(void *opaque, const FunnelChain *chain)
{
	ConversionRows *out = opaque;
	Datum values[CHAIN_COLUMNS];
	bool nulls[CHAIN_COLUMNS] = { false };
	int i;

	rows_begin(&out->rows);
	rows_put_int(&out->rows, ++out->n);
	chain_columns(out->funnel, chain, values, nulls);
	for (i = 0; i < CHAIN_COLUMNS; i++)
		rows_put_datum(&out->rows, values[i]);
	rows_end(&out->rows);
}

/* funnel_conversions(timeline, steps, within, mode, by, step_within, as_of, zone, hold) */
Datum
loyalty_funnel_conversions(PG_FUNCTION_ARGS)
{
	Funnel *funnel = metric_question(fcinfo, 1, &funnel_totals_metric)->own;
	ConversionRows out = { .funnel = funnel };

	rows_open(&out.rows, fcinfo);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	funnel->rules.count = FUNNEL_CONVERSIONS;
	funnel_chains(funnel, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))), NULL,
				  put_chain, &out);
	return (Datum) 0;
}

/* ---- names ---- */

/* funnel_name(name) */
Datum
loyalty_funnel_name(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(
		cstring_to_text(funnel_quoted_name(VARDATA_ANY(name), (int) VARSIZE_ANY_EXHDR(name))));
}
