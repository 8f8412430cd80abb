/*
 * funnel_totals.c
 *		The funnel of everyone: over a base, as an aggregate over timelines, and as rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/timestamp.h"

#include "collect/collect.h"
#include "metric/cells.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "funnel/funnel_result.h"

PG_FUNCTION_INFO_V1(loyalty_funnel_totals);
PG_FUNCTION_INFO_V1(loyalty_funnel_totals_accum);
PG_FUNCTION_INFO_V1(loyalty_funnel_totals_table);
PG_FUNCTION_INFO_V1(loyalty_funnel_totals_scope);

/* ---- counting ---- */

/* Counted since the fold went into the tally last. */
typedef struct FunnelFold
{
	MemoryContext context;
	int64 everyone;
	int64 started; /* came to the first step */
	int nsteps;
	CountedNumbers *durations; /* [n]: from step n to the next, counted from 0 */
} FunnelFold;

static FunnelFold *
start_fold(MemoryContext context, const FunnelCall *call)
{
	FunnelFold *fold = MemoryContextAllocZero(context, sizeof(FunnelFold));

	fold->context = context;
	fold->nsteps = call->rules.nsteps;
	fold->durations = MemoryContextAllocExtended(context, fold->nsteps * sizeof(CountedNumbers),
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return fold;
}

/* Counts a customer in each step that the chain which wins comes to. */
static void
fold_customer(FunnelFold *fold, FunnelCall *call, ByteSpan body)
{
	const TimestampTz *chain;
	int depth = funnel_call_walk(call, body, &chain);
	int n;

	fold->everyone++;
	fold->started += depth > 0;
	for (n = 1; n < depth; n++)
		counted_add(&fold->durations[n - 1], fold->context, chain[n] - chain[n - 1]);
}

static void
add_count(Tally *tally, int step, int64 duration, int64 customers)
{
	TallyKey key = { .text = NULL };

	key.numbers[FUNNEL_KEY_STEP] = step;
	key.numbers[FUNNEL_KEY_DURATION] = duration;
	tally_add(tally, tally_row(tally, &key), 0, customers);
}

/* A TallyFlush. */
static void
flush_fold(void *opaque, Tally *tally)
{
	FunnelFold *fold = opaque;
	int n;

	if (fold->everyone > 0)
		add_count(tally, 0, 0, fold->everyone);
	if (fold->started > 0)
		add_count(tally, 1, 0, fold->started);
	fold->everyone = fold->started = 0;
	for (n = 0; n < fold->nsteps - 1 && fold->durations[n].max_raw > 0; n++)
	{
		CountedNumbers *durations = &fold->durations[n];
		int64 i;

		counted_settle(durations, fold->context);
		for (i = 0; i < durations->ncounted; i++)
		{
			add_count(tally, n + 2, durations->counted[i].number, durations->counted[i].count);
			CHECK_FOR_INTERRUPTS();
		}
		counted_clear(durations);
	}
}

static void
set_parameters(Tally *tally, FunnelCall *call)
{
	const char *const *texts = funnel_result_parameters(call);
	int i;

	for (i = 0; i < FUNNEL_PARAMETERS; i++)
		tally_set_parameter(tally, i, texts[i]);
}

static void
check_parameters(const Tally *tally, FunnelCall *call)
{
	const char *const *texts = funnel_result_parameters(call);
	int i;

	for (i = 0; i < FUNNEL_PARAMETERS; i++)
	{
		const char *text = tally_parameter(tally, i);

		if (text == NULL || texts[i] == NULL ? text != texts[i] : strcmp(text, texts[i]) != 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s must be the same for all rows of an aggregate",
								   funnel_totals_shape.parameters[i].name),
							errhint("GROUP BY what it depends on.")));
	}
}

/* funnel_totals(base, steps, within, mode, by, step_within, as_of) */
Datum
loyalty_funnel_totals(PG_FUNCTION_ARGS)
{
	FunnelCall *call = funnel_call(fcinfo, 1);
	const Base *base;
	BaseCursor cursor;
	BaseErrors errors;
	Customer customer = { 0 };
	ByteSpan body;
	FunnelFold *fold;
	Tally *tally;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	base = base_open(PG_GETARG_DATUM(0));
	fold = start_fold(CurrentMemoryContext, call);
	tally = tally_create(&funnel_totals_shape);
	set_parameters(tally, call);
	tally_add_guests(tally, base->guests);
	base_rewind(&cursor, base);
	base_name_customer(&errors, base->type, &customer);
	while (base_next(&cursor, &customer, &body))
		fold_customer(fold, call, body);
	base_forget_customer(&errors);
	flush_fold(fold, tally);
	PG_RETURN_POINTER(tally_encode(tally));
}

/* Adds a customer's timeline; a NULL one adds nothing. */
Datum
loyalty_funnel_totals_accum(PG_FUNCTION_ARGS)
{
	FunnelCall *call = funnel_call(fcinfo, 2);
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &funnel_totals_shape, &is_new);

	if (is_new)
		set_parameters(state->tally, call);
	else
		check_parameters(state->tally, call);
	if (state->fold == NULL)
	{
		state->fold = start_fold(state->header.eoh_context, call);
		state->flush = flush_fold;
	}
	if (!PG_ARGISNULL(1))
		fold_customer(state->fold, call,
					  timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(1))));
	TALLY_RETURN_STATE(state);
}

/* ---- rows ---- */

/* What a result counts, with durations in order. */
typedef struct StepCounts
{
	int64 reached;
	TallyRow **durations; /* of who came to it */
	int64 ndurations;
} StepCounts;

static StepCounts *
counts_by_step(const Tally *tally, int nsteps)
{
	StepCounts *steps = palloc_extended(((size_t) nsteps + 1) * sizeof(StepCounts),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		int64 number = rows[i]->key.numbers[FUNNEL_KEY_STEP];
		StepCounts *step = &steps[number];

		if (number < 0 || number > nsteps)
			report_corrupted();
		if (step->ndurations++ == 0)
			step->durations = &rows[i];
		step->reached += (int64) rows[i]->sums[0];
		CHECK_FOR_INTERRUPTS();
	}
	return steps;
}

/* The n-th of the durations, from 0. */
static int64
nth_duration(const StepCounts *step, int64 n)
{
	int64 i = 0;

	while (i < step->ndurations - 1 && n >= (int64) step->durations[i]->sums[0])
	{
		n -= (int64) step->durations[i++]->sums[0];
		CHECK_FOR_INTERRUPTS();
	}
	return step->durations[i]->key.numbers[FUNNEL_KEY_DURATION];
}

/* The one in the middle, or midway between the two, rounded as percentile_cont(0.5) does. */
static int64
median_duration(const StepCounts *step)
{
	int64 low = nth_duration(step, (step->reached - 1) / 2);
	int64 between = nth_duration(step, step->reached / 2) - low;
	int64 half = between / 2;

	return low + half + (between % 2 != 0 && half % 2 != 0);
}

/* As the difference of two timestamps is: in days and hours. */
static Datum
interval_of_duration(int64 duration)
{
	Interval *interval = palloc(sizeof(Interval));

	interval->month = 0;
	interval->day = (int32) (duration / USECS_PER_DAY);
	interval->time = duration % USECS_PER_DAY;
	return IntervalPGetDatum(interval);
}

static double
share(int64 part, int64 whole)
{
	return whole > 0 ? (double) part / (double) whole : get_float8_nan();
}

/* funnel_totals_table(result, confidence) */
Datum
loyalty_funnel_totals_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	const Tally *tally = tally_argument(fcinfo, 0, &funnel_totals_shape);
	int nsteps;
	char **names = funnel_result_steps(tally, &nsteps);
	const StepCounts *steps = counts_by_step(tally, nsteps);
	Rows rows;
	int n;

	rows_open(&rows, fcinfo);
	for (n = 1; n <= nsteps; n++)
	{
		const StepCounts *step = &steps[n];
		double lower;
		double upper;

		wilson_interval((double) step->reached, (double) steps[1].reached, z, &lower, &upper);
		rows_begin(&rows);
		rows_put_int(&rows, n);
		rows_put_name(&rows, names[n - 1]);
		rows_put_count(&rows, step->reached);
		rows_put_count(&rows, step->reached - (n < nsteps ? steps[n + 1].reached : 0));
		rows_put_float(&rows,
					   n > 1 ? share(step->reached, steps[n - 1].reached) : get_float8_nan());
		rows_put_float(&rows, share(step->reached, steps[1].reached));
		rows_put_float(&rows, lower);
		rows_put_float(&rows, upper);
		if (n > 1 && step->reached > 0)
			rows_put_datum(&rows, interval_of_duration(median_duration(step)));
		else
			rows_put_null(&rows);
		rows_end(&rows);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

static void
put_steps(Rows *rows, const Tally *tally)
{
	int nsteps;
	char **names = funnel_result_steps(tally, &nsteps);
	Datum *elements = palloc_extended(nsteps * sizeof(Datum), MCXT_ALLOC_HUGE);
	int i;

	for (i = 0; i < nsteps; i++)
		elements[i] = CStringGetTextDatum(names[i]);
	rows_put_datum(
		rows, PointerGetDatum(construct_array(elements, nsteps, TEXTOID, -1, false, TYPALIGN_INT)));
}

static void
put_step_windows(Rows *rows, const Tally *tally)
{
	int nwindows;
	Interval **windows = funnel_result_step_within(tally, &nwindows);
	Datum *elements;
	bool *nulls;
	int lower = 1;
	int i;

	if (windows == NULL)
	{
		rows_put_null(rows);
		return;
	}
	elements = palloc_extended(nwindows * sizeof(Datum), MCXT_ALLOC_HUGE);
	nulls = palloc_extended(nwindows * sizeof(bool), MCXT_ALLOC_HUGE);
	for (i = 0; i < nwindows; i++)
	{
		elements[i] = IntervalPGetDatum(windows[i]);
		nulls[i] = windows[i] == NULL;
	}
	rows_put_datum(
		rows, PointerGetDatum(construct_md_array(elements, nulls, 1, &nwindows, &lower, INTERVALOID,
												 sizeof(Interval), false, TYPALIGN_DOUBLE)));
}

/* funnel_totals_scope(result) */
Datum
loyalty_funnel_totals_scope(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &funnel_totals_shape);
	const Interval *within = funnel_result_within(tally);
	const char *as_of = tally_parameter(tally, FUNNEL_PARAMETER_AS_OF);
	TallyKey everyone = { .text = NULL };
	const TallyRow *row = tally_find(tally, &everyone);
	Rows rows;

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	put_steps(&rows, tally);
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_BY));
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_MODE));
	if (within != NULL)
		rows_put_datum(&rows, IntervalPGetDatum(within));
	else
		rows_put_null(&rows);
	put_step_windows(&rows, tally);
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_ZONE));
	if (as_of != NULL)
	{
		DateADT day;

		(void) day_parse(as_of, strlen(as_of), &day);
		rows_put_day(&rows, day);
	}
	else
		rows_put_null(&rows);
	rows_put_count(&rows, row != NULL ? (int64) row->sums[0] : 0);
	rows_put_count(&rows, tally_guests(tally));
	return rows_record(&rows);
}
