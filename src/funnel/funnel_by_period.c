/*
 * funnel_by_period.c
 *		A funnel for each period in which chains start.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "core/array.h"
#include "core/rows.h"
#include "funnel/funnel_internal.h"
#include "metric/metric.h"
#include "metric/statistics.h"
#include "metric/tally.h"

PG_FUNCTION_INFO_V1(loyalty_funnel_by_period_table);

#define KEY_PERIOD 0

static const TallyColumn keys[] = {
	[KEY_PERIOD] = { "period", TALLY_PERIOD },
	{ "step", TALLY_NUMBER },
	{ "duration", TALLY_NUMBER },
};

static const TallyColumn sums[] = {
	{ "customers", TALLY_COUNT },
	{ "eligible", TALLY_COUNT },
	{ "stopped", TALLY_COUNT },
};

/* The end of the rows of a period. */
static TallyRow **
end_of_period(TallyRow **row, TallyRow **end)
{
	int64 period = (*row)->key.numbers[KEY_PERIOD];

	while (row < end && (*row)->key.numbers[KEY_PERIOD] == period)
	{
		row++;
		CHECK_FOR_INTERRUPTS();
	}
	return row;
}

static const char *
fault(const Tally *tally)
{
	FunnelList list;
	const char *wrong = funnel_parameters_fault(tally, &list);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;

	if (wrong == NULL)
		wrong = metric_period_fault(tally);
	while (wrong == NULL && row < end)
	{
		TallyRow **next = end_of_period(row, end);

		wrong = funnel_counts_fault(tally, &list, row, next - row);
		row = next;
	}
	return wrong;
}

static const TallyShape shape = {
	.type = "funnel_by_period_result",
	.maker = "funnel_by_period() and rollup()",
	TALLY_PARAMETERS(funnel_parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(sums),
	.fault = fault,
};

/* loyalty_funnel_by_period_result_in, loyalty_funnel_by_period_result_out,
 * loyalty_funnel_by_period_result_recv, loyalty_funnel_by_period_result_send,
 * loyalty_funnel_by_period_result_merge,
 * loyalty_funnel_by_period_result_scope */
TALLY_TYPE(funnel_by_period_result, &shape)

/* ---- counting ---- */

typedef struct PeriodCounts
{
	int32 period;
	FunnelCounts *counts;
} PeriodCounts;

typedef struct PeriodFold
{
	Funnel *funnel;
	MemoryContext context;
	Periods *periods;
	PeriodCounts *list; /* by period */
	int64 n;
	int64 max;
	int64 last; /* the one found last */
} PeriodFold;

static void *
start_fold(const MetricQuestion *question, Tally *tally)
{
	PeriodFold *fold = palloc0(sizeof(PeriodFold));

	fold->funnel = question->own;
	fold->context = CurrentMemoryContext;
	fold->funnel->rules.end = zone_day_start(question->zone, question->as_of + 1);
	fold->periods = periods_open(question->period, question->zone);
	return fold;
}

static FunnelCounts *
counts_of(PeriodFold *fold, int32 period)
{
	int64 low = 0;
	int64 high = fold->n;
	MemoryContext caller;

	if (fold->last < fold->n && fold->list[fold->last].period == period)
		return fold->list[fold->last].counts;
	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (fold->list[middle].period < period)
			low = middle + 1;
		else
			high = middle;
	}
	fold->last = low;
	if (low < fold->n && fold->list[low].period == period)
		return fold->list[low].counts;
	caller = MemoryContextSwitchTo(fold->context);
	fold->list = array_grow(fold->list, &fold->max, fold->n + 1, sizeof(PeriodCounts));
	memmove(&fold->list[low + 1], &fold->list[low], (fold->n - low) * sizeof(PeriodCounts));
	fold->list[low] =
		(PeriodCounts){ period, funnel_counts_create(fold->funnel, fold->funnel->rules.end) };
	fold->n++;
	MemoryContextSwitchTo(caller);
	return fold->list[low].counts;
}

static void
count_chain(void *opaque, const FunnelChain *chain)
{
	PeriodFold *fold = opaque;

	funnel_count(counts_of(fold, period_of(fold->periods, chain->ats[0])), chain);
}

static void
fold_customer(void *opaque, ByteSpan body)
{
	PeriodFold *fold = opaque;

	funnel_chains(fold->funnel, body, fold->periods, count_chain, fold);
}

static void
finish_fold(void *opaque, Tally *tally)
{
	PeriodFold *fold = opaque;
	TallyKey key = { .text = NULL };
	int64 i;

	for (i = 0; i < fold->n; i++)
	{
		key.numbers[KEY_PERIOD] = fold->list[i].period;
		funnel_counts_flush(fold->list[i].counts, tally, key);
	}
}

const Metric funnel_by_period_metric = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	.narguments = FUNNEL_ARGUMENTS,
	.arguments = funnel_by_period_arguments,
	.kind = FUNNEL_BY_PERIOD,
	.eventless = METRIC_IGNORE_EVENTLESS,
	.open = funnel_open,
	.names = funnel_add_names,
	.text = funnel_text,
	.start = start_fold,
	.customer = fold_customer,
	.finish = finish_fold,
};

/* loyalty_funnel_by_period, loyalty_funnel_by_period_accum */
METRIC_FUNCTIONS(funnel_by_period, &funnel_by_period_metric)

/* ---- rows ---- */

/* funnel_by_period_table(result, confidence): the steps of each period from the first on */
Datum
loyalty_funnel_by_period_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	MetricCalendar calendar;
	Funnel funnel;
	TimestampTz known;
	Rows rows;
	int64 period;

	rows_open_periods(&rows, fcinfo);
	if (!metric_result_calendar(tally, &calendar))
		return (Datum) 0;
	funnel_result_open(tally, &funnel);
	known = zone_day_start(funnel.rules.zone, calendar.as_of + 1);
	for (period = (*row)->key.numbers[KEY_PERIOD]; period <= calendar.last; period++)
	{
		bool is_here = row < end && (*row)->key.numbers[KEY_PERIOD] == period;
		TallyRow **next = is_here ? end_of_period(row, end) : row;
		const FunnelList *list = &funnel.rules.list;
		StepCounts *steps = funnel_step_counts(tally, row, next - row, list->nsteps);
		DateADT after = calendar_start(&calendar.calendar, (int32) period + 1);
		bool is_complete =
			period <= calendar.last_complete &&
			funnel_is_over(&funnel, zone_day_start(funnel.rules.zone, after) - 1, known);
		int n;

		if (steps == NULL)
			report_corrupted();
		row = next;
		for (n = 1; n <= list->nsteps; n++)
		{
			rows_begin(&rows);
			rows_put_day(&rows, calendar_start(&calendar.calendar, (int32) period));
			rows_put_day(&rows, after);
			rows_put_bool(&rows, is_complete);
			funnel_put_step(&rows, list, steps, n, z);
			metric_put_as_of(&rows, tally);
			rows_end(&rows);
		}
		pfree(steps);
	}
	return (Datum) 0;
}
