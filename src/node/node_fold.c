/*
 * node_fold.c
 *		The executor's side of the node for metrics over everyone; node_internal.h shows the plan.
 *
 *		row --> collector --> part --> folds of the metrics --> result
 *				collector --> part --^
 *
 * All of the child's rows go to the collectors, by the aggregates' own transition functions. Then
 * part after part is grouped (collect/pass.c), every metric folds it, and it is forgotten. A metric
 * of two bases gets the same part of both, which has the same customers.
 *
 * With workers, each participant collects the rows that it gets, and publishes them; takes up what
 * all have published, and with it what is known of all: the zone, the last event, whether there
 * were rows at all. So a participant that had none folds parts as well as any. Rows without a
 * customer are counted by who got them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "node/node_internal.h"

/* What a collector collects, or has collected. */
typedef struct FoldInput
{
	Collector *collector; /* NULL: it had no row */
	int64 guests;		  /* rows without customer that this process got */
} FoldInput;

typedef struct FoldMetric
{
	const Metric *metric;
	FmgrInfo function;
	FunctionCallInfo call; /* its arguments; not the bases */
	FoldInput *bases[2];
	MetricFolding *folding; /* NULL: it is about no rows */
} FoldMetric;

typedef struct FoldScanState
{
	CustomScanState css;
	PlanState *child;
	GroupAggregates *aggregates; /* the collectors */
	MemoryContext context;		 /* of what was taken up, and of folds */
	List *arguments;			 /* ExprStates, one metric's after another's */
	int ncolumns;				 /* of the child, that collectors need */
	int ninputs;
	FoldInput *inputs;
	int nmetrics;
	FoldMetric *metrics;
	bool as_bytes; /* results are for Rollup */
	bool done;
	size_t limit;
	NodeCounts counts;	/* of this process, over all scans */
	NodeCounts others;	/* of workers that are gone */
	NodeShared *shared; /* with other participants; NULL: there are none */
} FoldScanState;

FuncExpr *
fold_metric_call(const TargetEntry *entry, bool *as_bytes)
{
	Expr *expr = entry->expr;

	*as_bytes = IsA(expr, RelabelType);
	if (*as_bytes)
		expr = ((RelabelType *) expr)->arg;
	return castNode(FuncExpr, expr);
}

static void
note_memory(FoldScanState *state)
{
	Size memory = MemoryContextMemAllocated(state->context, true) +
				  MemoryContextMemAllocated(aggregates_memory(state->aggregates), true) +
				  collect_grouping_bytes();

	state->counts.memory = Max(state->counts.memory, memory);
}

/* ---- the input ---- */

/* The name of the file of a participant's rows of an input. */
static void
name_file(char *to, int participant, int input)
{
	snprintf(to, MAXPGPATH, "rows%d.%d", participant, input);
}

/* Tells a collector, which has just got its first row, what is to become of it. */
static void
prepare_collector(FoldScanState *state, int input, Collector *collector)
{
	char name[MAXPGPATH];

	state->inputs[input].collector = collector;
	if (state->shared == NULL)
	{
		collector_pass(collector, state->limit);
		return;
	}
	name_file(name, node_shared_number(), input);
	collector_share(collector, state->limit, node_shared_files(state->shared), name);
}

/* Collects all rows of the child, which takes its memory from the query's: it outlives ours. */
static void
collect_rows(FoldScanState *state)
{
	MemoryContext old = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	int missing = state->ninputs;

	aggregates_start(state->aggregates);
	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(state->child);
		int i;

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
			break;
		slot_getsomeattrs(slot, state->ncolumns);
		aggregates_feed_slot(state->aggregates, slot);
		state->counts.rows++;
		for (i = 0; i < state->ninputs && missing > 0; i++)
		{
			Collector *collector = aggregates_state(state->aggregates, i);

			if (collector != NULL && state->inputs[i].collector == NULL)
			{
				prepare_collector(state, i, collector);
				missing--;
			}
		}
	}
	MemoryContextSwitchTo(old);
	note_memory(state);
}

/* Looks for the last event of those that came in summaries, where a metric asks for it. */
static void
find_last(FoldScanState *state)
{
	int i;
	int k;

	for (i = 0; i < state->nmetrics; i++)
	{
		const FoldMetric *metric = &state->metrics[i];

		if (!metric_needs_last(metric->call, metric->metric))
			continue;
		for (k = 0; k < metric_inputs(metric->metric); k++)
			if (metric->bases[k]->collector != NULL)
				collector_find_last(metric->bases[k]->collector);
	}
}

/* Makes all collectors have as many parts. */
static void
even_out(FoldScanState *state)
{
	bool split = false;
	int i;

	for (i = 0; i < state->ninputs; i++)
		split = split ||
				(state->inputs[i].collector != NULL && state->inputs[i].collector->deal.bits > 0);
	for (i = 0; i < state->ninputs && split; i++)
		if (state->inputs[i].collector != NULL && state->inputs[i].collector->deal.bits == 0)
			collector_split(state->inputs[i].collector);
}

static void
collect_alone(FoldScanState *state)
{
	int i;

	collect_rows(state);
	find_last(state);
	even_out(state);
	for (i = 0; i < state->ninputs; i++)
		if (state->inputs[i].collector != NULL)
		{
			Collector *collector = state->inputs[i].collector;

			state->inputs[i].guests = collector->guests;
			state->counts.written += collector->deal.written;
			collector->deal.limit = 0;
		}
}

/* Publishes what this process has collected, and lets go of it. */
static void
publish(FoldScanState *state)
{
	CollectorShare *shares = node_shared_share(state->shared, node_shared_number());
	int i;

	find_last(state);
	for (i = 0; i < state->ninputs; i++)
	{
		Collector *collector = state->inputs[i].collector;
		char name[MAXPGPATH];

		name_file(name, node_shared_number(), i);
		collector_publish(collector, &shares[i], node_shared_files(state->shared), name);
		if (collector != NULL)
		{
			state->inputs[i].guests = collector->guests;
			state->counts.written += collector->deal.written;
			state->inputs[i].collector = NULL;
		}
	}
	aggregates_end(state->aggregates);
}

/* Takes up what all have collected. */
static void
take_up(FoldScanState *state)
{
	int n = node_shared_participants(state->shared);
	const CollectorShare **shares = palloc(n * sizeof(CollectorShare *));
	char **names = palloc(n * sizeof(char *));
	int i;
	int k;

	for (k = 0; k < n; k++)
		names[k] = palloc(MAXPGPATH);
	for (i = 0; i < state->ninputs; i++)
	{
		for (k = 0; k < n; k++)
		{
			shares[k] = (CollectorShare *) node_shared_share(state->shared, k) + i;
			name_file(names[k], k, i);
		}
		state->inputs[i].collector =
			collector_take_up(state->context, shares, (const char *const *) names, n,
							  node_shared_files(state->shared));
		if (state->inputs[i].collector != NULL)
			state->inputs[i].collector->guests = state->inputs[i].guests;
	}
}

static void
collect_together(FoldScanState *state)
{
	if (node_shared_begin(state->shared))
	{
		collect_rows(state);
		publish(state);
		node_shared_wait(state->shared);
	}
	take_up(state);
}

/* ---- metrics ---- */

static void
evaluate_arguments(FoldScanState *state)
{
	ExprContext *context = state->css.ss.ps.ps_ExprContext;
	ListCell *cell = list_head(state->arguments);
	int i;
	int k;

	for (i = 0; i < state->nmetrics; i++)
	{
		FoldMetric *metric = &state->metrics[i];

		for (k = metric_inputs(metric->metric); k < metric->call->nargs; k++)
		{
			NullableDatum *argument = &metric->call->args[k];

			argument->value = ExecEvalExpr((ExprState *) lfirst(cell), context, &argument->isnull);
			cell = lnext(state->arguments, cell);
		}
	}
}

static const Base *
open_input(const FoldInput *input, Base *base, int part)
{
	if (input == NULL || input->collector == NULL)
		return NULL;
	if (part < 0)
		base_of_collector(base, input->collector);
	else
		base_of_part(base, input->collector, part);
	return base;
}

static void
start_metrics(FoldScanState *state)
{
	int i;

	for (i = 0; i < state->nmetrics; i++)
	{
		FoldMetric *metric = &state->metrics[i];
		Base bases[2];

		metric->folding =
			metric_start(metric->call, metric->metric, open_input(metric->bases[0], &bases[0], -1),
						 open_input(metric->bases[1], &bases[1], -1));
	}
}

static void
fold_part(FoldScanState *state, int part)
{
	int64 customers = 0;
	int i;

	for (i = 0; i < state->nmetrics; i++)
	{
		FoldMetric *metric = &state->metrics[i];
		Base bases[2];
		const Base *first = open_input(metric->bases[0], &bases[0], part);
		const Base *second = open_input(metric->bases[1], &bases[1], part);

		if (metric->folding != NULL)
			metric_fold(metric->folding, first, second);
	}
	for (i = 0; i < state->ninputs; i++)
	{
		FoldInput *input = &state->inputs[i];
		Base base;

		if (input->collector == NULL)
			continue;
		customers += base_count(open_input(input, &base, part));
		note_memory(state);
		collector_forget_part(input->collector, part);
	}
	state->counts.groups += customers;
	state->counts.parts += customers > 0;
}

static int
count_parts(const FoldScanState *state)
{
	int i;

	for (i = 0; i < state->ninputs; i++)
		if (state->inputs[i].collector != NULL)
			return state->inputs[i].collector->deal.nparts;
	return 0;
}

static void
fold_parts(FoldScanState *state)
{
	int nparts = count_parts(state);
	int part;

	if (state->shared == NULL)
		for (part = 0; part < nparts; part++)
			fold_part(state, part);
	else
		while ((part = node_shared_next_part(state->shared)) < nparts)
			fold_part(state, part);
}

/* ---- the row ---- */

static void
finish_metrics(FoldScanState *state, TupleTableSlot *slot)
{
	int i;

	for (i = 0; i < state->nmetrics; i++)
	{
		MetricFolding *folding = state->metrics[i].folding;
		MetricNames *names;
		Tally *tally;

		slot->tts_isnull[i] = folding == NULL;
		slot->tts_values[i] = (Datum) 0;
		if (folding == NULL)
			continue;
		tally = metric_finish(folding, &names);
		if (state->as_bytes)
			slot->tts_values[i] = partial_result(tally, names);
		else
		{
			slot->tts_values[i] = PointerGetDatum(tally_encode(tally));
			if (names != NULL)
				metric_names_tell(names);
		}
	}
}

/* The only row: of this process. */
static TupleTableSlot *
next_row(ScanState *node)
{
	FoldScanState *state = (FoldScanState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	MemoryContext old;

	ExecClearTuple(slot);
	if (state->done)
		return slot;
	old = MemoryContextSwitchTo(state->context);
	evaluate_arguments(state);
	if (state->shared != NULL)
		collect_together(state);
	else
		collect_alone(state);
	start_metrics(state);
	fold_parts(state);
	finish_metrics(state, slot);
	note_memory(state);
	MemoryContextSwitchTo(old);
	state->done = true;
	return ExecStoreVirtualTuple(slot);
}

/* There are no rows of tables that could be locked and checked again. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
fold_exec(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

/* ---- the node ---- */

static void
begin_metric(FoldScanState *state, FoldMetric *metric, FuncExpr *call, const List *inputs,
			 List **collectors)
{
	int i;

	aggregates_check_execute(call->funcid, GetUserId(), OBJECT_FUNCTION);
	metric->metric = metric_of_function(call->funcid);
	fmgr_info(call->funcid, &metric->function);
	fmgr_info_set_expr((Node *) call, &metric->function);
	metric->call = palloc0(SizeForFunctionCallInfo(list_length(call->args)));
	InitFunctionCallInfoData(*metric->call, &metric->function, list_length(call->args),
							 call->inputcollid, NULL, NULL);
	for (i = 0; i < list_length(inputs); i++)
	{
		int input = list_nth_int(inputs, i);

		metric->bases[i] = &state->inputs[input];
		lfirst(list_nth_cell(*collectors, input)) = fold_collector(list_nth(call->args, i));
	}
}

static void
fold_begin(CustomScanState *node, EState *estate, int eflags)
{
	FoldScanState *state = (FoldScanState *) node;
	const CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	List *columns = (List *) list_nth(scan->custom_private, FOLD_PLAN_COLUMNS);
	List *inputs = (List *) list_nth(scan->custom_private, FOLD_PLAN_INPUTS);
	List *collectors = NIL;
	GroupRows *rows;
	ListCell *cell;
	ListCell *column;
	int i;

	eflags &= ~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
	state->child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	node->custom_ps = list_make1(state->child);
	state->context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty metrics", ALLOCSET_DEFAULT_SIZES);
	state->limit = Max(get_hash_memory_limit(), NODE_LIMIT_MIN);
	state->arguments = ExecInitExprList(scan->custom_exprs, &node->ss.ps);
	state->ninputs = list_length(columns);
	state->inputs = palloc0(state->ninputs * sizeof(FoldInput));
	foreach (cell, columns)
		foreach (column, (List *) lfirst(cell))
			state->ncolumns = Max(state->ncolumns, lfirst_int(column));
	state->nmetrics = list_length(scan->custom_scan_tlist);
	state->metrics = palloc0(state->nmetrics * sizeof(FoldMetric));
	for (i = 0; i < state->ninputs; i++)
		collectors = lappend(collectors, NULL);
	for (i = 0; i < state->nmetrics; i++)
		begin_metric(state, &state->metrics[i],
					 fold_metric_call(list_nth_node(TargetEntry, scan->custom_scan_tlist, i),
									  &state->as_bytes),
					 (List *) list_nth(inputs, i), &collectors);
	state->aggregates =
		aggregates_create(estate, collectors, columns, ExecGetResultType(state->child), &rows);
}

/* Goes back to before the first row. */
static void
rewind_fold(FoldScanState *state)
{
	int i;

	ExecClearTuple(state->css.ss.ss_ScanTupleSlot);
	for (i = 0; i < state->ninputs; i++)
	{
		if (state->inputs[i].collector != NULL)
			deal_end(&state->inputs[i].collector->deal);
		state->inputs[i].collector = NULL;
		state->inputs[i].guests = 0;
	}
	for (i = 0; i < state->nmetrics; i++)
		state->metrics[i].folding = NULL;
	aggregates_end(state->aggregates);
	MemoryContextReset(state->context);
	state->done = false;
}

static void
fold_rescan(CustomScanState *node)
{
	FoldScanState *state = (FoldScanState *) node;

	rewind_fold(state);
	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(state->child, node->ss.ps.chgParam);
	if (state->child->chgParam == NULL)
		ExecReScan(state->child);
	ExecScanReScan(&node->ss);
}

static void
fold_end(CustomScanState *node)
{
	FoldScanState *state = (FoldScanState *) node;

	rewind_fold(state);
	MemoryContextDelete(state->context);
	ExecEndNode(state->child);
}

static void
fold_explain(CustomScanState *node, List *ancestors, ExplainState *es)
{
	const FoldScanState *state = (const FoldScanState *) node;
	NodeCounts counts = state->counts;

	if (!es->analyze)
		return;
	node_counts_add(&counts, &state->others);
	node_explain_counts(&counts, es);
}

/* ---- with workers ---- */

static Size
share_size(const FoldScanState *state)
{
	return state->ninputs * sizeof(CollectorShare);
}

static Size
fold_estimate_shared(CustomScanState *node, ParallelContext *context)
{
	return node_shared_size(context->nworkers, share_size((FoldScanState *) node));
}

static void
fold_create_shared(CustomScanState *node, ParallelContext *context, void *shared)
{
	FoldScanState *state = (FoldScanState *) node;

	rewind_fold(state);
	/* where there is no segment, there will be no worker */
	state->shared = context->seg != NULL ? shared : NULL;
	if (state->shared != NULL)
		node_shared_create(state->shared, context, share_size(state));
}

static void
fold_restart_shared(CustomScanState *node, ParallelContext *context, void *shared)
{
	FoldScanState *state = (FoldScanState *) node;

	rewind_fold(state);
	if (state->shared == NULL)
		return;
	node_shared_add_others(state->shared, &state->others);
	node_shared_restart(state->shared);
}

static void
fold_attach_shared(CustomScanState *node, shm_toc *toc, void *shared)
{
	FoldScanState *state = (FoldScanState *) node;

	state->shared = shared;
	node_shared_attach(state->shared);
}

/* The shared memory is about to go. */
static void
fold_shutdown(CustomScanState *node)
{
	FoldScanState *state = (FoldScanState *) node;

	if (state->shared == NULL)
		return;
	if (IsParallelWorker())
		node_shared_note(state->shared, &state->counts);
	else
		node_shared_add_others(state->shared, &state->others);
	rewind_fold(state);
	state->done = true;
	state->shared = NULL;
}

static const CustomExecMethods exec_methods = {
	.CustomName = FOLD_NODE_NAME,
	.BeginCustomScan = fold_begin,
	.ExecCustomScan = fold_exec,
	.EndCustomScan = fold_end,
	.ReScanCustomScan = fold_rescan,
	.EstimateDSMCustomScan = fold_estimate_shared,
	.InitializeDSMCustomScan = fold_create_shared,
	.ReInitializeDSMCustomScan = fold_restart_shared,
	.InitializeWorkerCustomScan = fold_attach_shared,
	.ShutdownCustomScan = fold_shutdown,
	.ExplainCustomScan = fold_explain,
};

static Node *
fold_create(CustomScan *scan)
{
	FoldScanState *state = (FoldScanState *) newNode(sizeof(FoldScanState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods fold_scan_methods = {
	.CustomName = FOLD_NODE_NAME,
	.CreateCustomScanState = fold_create,
};
