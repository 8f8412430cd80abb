/*
 * funnel_totals.c
 *		The funnel of everyone: what is counted, and its rows.
 *
 * At step 0 a result has everyone; at duration 0, a step also has how many have an event of its
 * names at all, in whatever order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/rows.h"
#include "funnel/funnel_internal.h"
#include "metric/metric.h"
#include "metric/statistics.h"
#include "metric/tally.h"

/* ---- the shape ---- */

#define KEY_STEP	 0
#define KEY_DURATION 1

static const TallyColumn keys[] = {
	[KEY_STEP] = { "step", TALLY_NUMBER },
	[KEY_DURATION] = { "duration", TALLY_NUMBER },
};

/* What was first stays first in what is stored. */
static const TallyColumn sums[] = {
	{ "customers", TALLY_COUNT },
	{ "with_event", TALLY_COUNT },
	{ "eligible", TALLY_COUNT },
	{ "stopped", TALLY_COUNT },
};

static const char *
fault(const Tally *tally)
{
	FunnelList list;
	const char *wrong = funnel_parameters_fault(tally, &list);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);

	return wrong != NULL ? wrong : funnel_counts_fault(tally, &list, rows, nrows);
}

static const TallyShape shape = {
	.type = "funnel_totals_result",
	.maker = "funnel_totals() and rollup()",
	.nparameters = FUNNEL_PARAMETER_COUNT + 1,
	.parameters = funnel_parameters,
	TALLY_KEYS(keys),
	TALLY_SUMS(sums),
	.fault = fault,
};

/* loyalty_funnel_totals_result_in, loyalty_funnel_totals_result_out,
 * loyalty_funnel_totals_result_recv, loyalty_funnel_totals_result_send,
 * loyalty_funnel_totals_result_merge,
 * loyalty_funnel_totals_result_scope */
TALLY_TYPE(funnel_totals_result, &shape)

/* ---- counting ---- */

/* Counted since the fold went into the tally last. */
typedef struct FunnelFold
{
	Funnel *funnel;
	int64 everyone;
	int64 *with_event; /* by class of names */
	FunnelCounts *counts;

	/* Steps of several classes, each counted once for a customer. */
	int *wide;
	int nwide;
	int64 *wide_with_event;
	bool *is_found; /* by class */
} FunnelFold;

static void *
start_fold(const MetricQuestion *question, Tally *tally)
{
	FunnelFold *fold = palloc0(sizeof(FunnelFold));
	Funnel *funnel = question->own;
	const FunnelNames *names = &funnel->names;
	int nsteps = funnel->rules.list.nsteps;
	int n;

	fold->funnel = funnel;
	funnel->rules.end = zone_day_start(question->zone, metric_limit(question) + 1);
	fold->with_event =
		palloc_extended(names->nclasses * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	fold->is_found = palloc0(names->nclasses * sizeof(bool));
	fold->wide = palloc_extended(nsteps * sizeof(int), MCXT_ALLOC_HUGE);
	for (n = 0; n < nsteps; n++)
		if (names->classes_from[n + 1] > names->classes_from[n] + 1)
			fold->wide[fold->nwide++] = n;
	fold->wide_with_event =
		palloc_extended((fold->nwide + 1) * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	fold->counts = funnel_counts_create(funnel, funnel->rules.end);
	return fold;
}

/* Notes which names the customer of the last walk has events of. */
static void
count_found(FunnelFold *fold)
{
	const FunnelNames *names = &fold->funnel->names;
	int nfound;
	const int *found = funnel_classes_found(fold->funnel, &nfound);
	int n;
	int i;

	for (n = 0; n < nfound; n++)
		fold->with_event[found[n]]++;
	if (fold->nwide == 0)
		return;
	for (n = 0; n < nfound; n++)
		fold->is_found[found[n]] = true;
	for (n = 0; n < fold->nwide; n++)
	{
		int step = fold->wide[n];

		for (i = names->classes_from[step]; i < names->classes_from[step + 1]; i++)
			if (fold->is_found[names->classes[i]])
			{
				fold->wide_with_event[n]++;
				break;
			}
	}
	for (n = 0; n < nfound; n++)
		fold->is_found[found[n]] = false;
}

static void
count_chain(void *opaque, const FunnelChain *chain)
{
	FunnelFold *fold = opaque;

	funnel_count(fold->counts, chain);
}

/* Counts a customer in each step that the chain which wins comes to. */
static void
fold_customer(void *opaque, ByteSpan body)
{
	FunnelFold *fold = opaque;

	fold->everyone++;
	funnel_chains(fold->funnel, body, NULL, count_chain, fold);
	count_found(fold);
}

static void
finish_fold(void *opaque, Tally *tally)
{
	FunnelFold *fold = opaque;
	const FunnelNames *names = &fold->funnel->names;
	TallyKey key = { .text = NULL };
	int wide = 0;
	int n;

	funnel_add(tally, key, 0, 0, FUNNEL_SUM_CHAINS, fold->everyone);
	for (n = 0; n < fold->funnel->rules.list.nsteps; n++)
	{
		bool is_wide = wide < fold->nwide && fold->wide[wide] == n;

		funnel_add(tally, key, n + 1, 0, FUNNEL_SUM_WITH_EVENT,
				   is_wide ? fold->wide_with_event[wide++]
						   : fold->with_event[names->classes[names->classes_from[n]]]);
	}
	fold->everyone = 0;
	memset(fold->with_event, 0, names->nclasses * sizeof(int64));
	memset(fold->wide_with_event, 0, fold->nwide * sizeof(int64));
	funnel_counts_flush(fold->counts, tally, key);
}

const Metric funnel_totals_metric = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	.narguments = FUNNEL_ARGUMENTS,
	.arguments = funnel_totals_arguments,
	.kind = FUNNEL_TOTALS,
	.open = funnel_open,
	.names = funnel_add_names,
	.text = funnel_text,
	.start = start_fold,
	.customer = fold_customer,
	.finish = finish_fold,
};

/* loyalty_funnel_totals, loyalty_funnel_totals_accum */
METRIC_FUNCTIONS(funnel_totals, &funnel_totals_metric)

/* ---- rows ---- */

PG_FUNCTION_INFO_V1(loyalty_funnel_totals_table);
PG_FUNCTION_INFO_V1(loyalty_funnel_totals_scope);
PG_FUNCTION_INFO_V1(loyalty_funnel_quantile);

static StepCounts *
counts_by_step(const Tally *tally, int nsteps)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	StepCounts *steps = funnel_step_counts(tally, rows, nrows, nsteps);

	if (steps == NULL)
		report_corrupted();
	return steps;
}

/* Tells which steps no event is, where somebody was counted: an aggregate can't tell by itself. */
static void
notice_steps(const Tally *tally, const FunnelList *list, const StepCounts *steps)
{
	bool by_label = strcmp(tally_parameter(tally, FUNNEL_PARAMETER_BY), funnel_by_names[1]) == 0;
	MetricNames *missing = metric_names_create();
	int n;

	if (steps[0].reached == 0)
		return;
	for (n = 1; n <= list->nsteps; n++)
		if (steps[n].with_event == 0)
			metric_add_names(missing, by_label, list->steps[n - 1]->names,
							 list->steps[n - 1]->nnames);
	metric_notice_missing(missing);
}

/* funnel_totals_table(result, confidence) */
Datum
loyalty_funnel_totals_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	FunnelList list;
	const StepCounts *steps;
	Rows rows;
	int n;

	funnel_result_list(tally, &list);
	steps = counts_by_step(tally, list.nsteps);
	notice_steps(tally, &list, steps);
	rows_open(&rows, fcinfo);
	for (n = 1; n <= list.nsteps; n++)
	{
		rows_begin(&rows);
		funnel_put_step(&rows, &list, steps, n, z);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* funnel_quantile(result, step, q) */
Datum
loyalty_funnel_quantile(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int step = PG_GETARG_INT32(1);
	double q = PG_GETARG_FLOAT8(2);
	FunnelList list;
	Interval *interval;

	funnel_result_list(tally, &list);
	if (step < 2 || step > list.nsteps)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						list.nsteps < 2
							? errmsg("a funnel of one step has no times")
							: errmsg("step must be between 2 and %d, not %d", list.nsteps, step),
						errhint("Times are those from the step before.")));
	if (!(q >= 0 && q <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("q must be between 0 and 1, not %g", q),
						errhint("0.5 is the median, 0.9 what nine of ten need at most.")));
	interval = funnel_step_quantile(&counts_by_step(tally, list.nsteps)[step], q);
	if (interval == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INTERVAL_P(interval);
}

static void
put_texts(Rows *rows, const char **texts, int n)
{
	Datum *elements = palloc_extended(Max(n, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	int i;

	for (i = 0; i < n; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	rows_put_datum(rows,
				   PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* Those that no event is named as, each once. */
static void
put_steps_without_events(Rows *rows, const Tally *tally, const FunnelList *list)
{
	const StepCounts *steps = counts_by_step(tally, list->nsteps);
	const char **missing = palloc_extended(list->nsteps * sizeof(char *), MCXT_ALLOC_HUGE);
	int nmissing = 0;
	int n;
	int i;

	for (n = 1; n <= list->nsteps; n++)
	{
		const char *text = list->steps[n - 1]->text;

		if (steps[n].with_event > 0)
			continue;
		for (i = 0; i < nmissing && strcmp(missing[i], text) != 0; i++)
			;
		if (i == nmissing)
			missing[nmissing++] = text;
	}
	put_texts(rows, missing, nmissing);
}

/* funnel_totals_scope(result) */
Datum
loyalty_funnel_totals_scope(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	TallyKey everyone = { .text = NULL };
	FunnelList list;
	const char **texts;
	Rows rows;
	int i;

	funnel_result_list(tally, &list);
	texts = palloc_extended(list.nelements * sizeof(char *), MCXT_ALLOC_HUGE);
	for (i = 0; i < list.nelements; i++)
		texts[i] = list.elements[i].text;
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	put_texts(&rows, texts, list.nelements);
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_BY));
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_MODE));
	funnel_put_within(&rows, tally);
	funnel_put_step_windows(&rows, tally);
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_ZONE));
	metric_put_as_of(&rows, tally);
	rows_put_count(&rows, (int64) metric_sum(tally_find(tally, &everyone), FUNNEL_SUM_CHAINS));
	rows_put_count(&rows, tally_guests(tally));
	put_steps_without_events(&rows, tally, &list);
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_HOLD));
	rows_put_name(&rows, funnel_count_names[funnel_counts_conversions(tally) ? 1 : 0]);
	return rows_record(&rows);
}
