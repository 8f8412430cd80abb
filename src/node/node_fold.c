/*
 * node_fold.c
 *		The executor's side of the node for metrics over everyone; node_internal.h shows the plan.
 *
 *		row --> collector --> part --> folds of the metrics --> result
 *				collector --> part --^
 *
 * All of the child's rows go to the collectors, by the aggregates' own transition functions
 * (node_collect.c). Then part after part is grouped (collect/pass.c), every metric folds it, and it
 * is forgotten. A metric of two bases gets the same part of both, which has the same customers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "node/node_internal.h"

typedef struct FoldMetric
{
	const Metric *metric;
	FmgrInfo function;
	FunctionCallInfo call; /* its arguments; not the bases */
	NodeInput *bases[2];
	MetricFolding *folding; /* NULL: it is about no rows */
} FoldMetric;

typedef struct FoldScanState
{
	NodeState node;
	NodeCollect collect;
	List *arguments; /* ExprStates, one metric's after another's */
	int nmetrics;
	FoldMetric *metrics;
	bool as_bytes; /* results are for Rollup */
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

/* ---- metrics ---- */

static void
evaluate_arguments(FoldScanState *state)
{
	ExprContext *context = state->node.css.ss.ps.ps_ExprContext;
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

/* Says of which inputs the last event will be asked for. */
static void
note_needs(FoldScanState *state)
{
	int i;
	int k;

	for (i = 0; i < state->nmetrics; i++)
	{
		const FoldMetric *metric = &state->metrics[i];
		bool needs_last = metric_needs_last(metric->call, metric->metric);

		for (k = 0; k < metric_inputs(metric->metric); k++)
			metric->bases[k]->needs_last = metric->bases[k]->needs_last || needs_last;
	}
}

static void
start_metrics(FoldScanState *state)
{
	int i;

	for (i = 0; i < state->nmetrics; i++)
	{
		FoldMetric *metric = &state->metrics[i];
		Base bases[2];

		metric->folding = metric_start(metric->call, metric->metric,
									   node_collect_open(metric->bases[0], &bases[0], -1),
									   node_collect_open(metric->bases[1], &bases[1], -1));
	}
}

static void
fold_part(FoldScanState *state, int part)
{
	int i;

	for (i = 0; i < state->nmetrics; i++)
	{
		FoldMetric *metric = &state->metrics[i];
		Base bases[2];
		const Base *first = node_collect_open(metric->bases[0], &bases[0], part);
		const Base *second = node_collect_open(metric->bases[1], &bases[1], part);

		if (metric->folding != NULL)
			metric_fold(metric->folding, first, second);
	}
	node_collect_count_part(&state->collect, part);
	node_collect_forget_part(&state->collect, part);
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
fold_next(NodeState *node, TupleTableSlot *slot)
{
	FoldScanState *state = (FoldScanState *) node;
	MemoryContext old = MemoryContextSwitchTo(node->context);
	int part;

	evaluate_arguments(state);
	note_needs(state);
	node_collect_rows(&state->collect);
	start_metrics(state);
	while (node_collect_next_part(&state->collect, &part))
		fold_part(state, part);
	finish_metrics(state, slot);
	node_collect_note_memory(&state->collect);
	MemoryContextSwitchTo(old);
	node->done = true;
	return ExecStoreVirtualTuple(slot);
}

/* ---- the node ---- */

static void
begin_metric(FoldMetric *metric, FuncExpr *call, const List *inputs, List *collectors)
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
		lfirst(list_nth_cell(collectors, list_nth_int(inputs, i))) =
			fold_collector(list_nth(call->args, i));
}

static void
take_inputs(FoldScanState *state, FoldMetric *metric, const List *inputs)
{
	int i;

	for (i = 0; i < list_length(inputs); i++)
		metric->bases[i] = &state->collect.inputs[list_nth_int(inputs, i)];
}

static void
fold_begin(NodeState *node, EState *estate)
{
	FoldScanState *state = (FoldScanState *) node;
	const CustomScan *scan = (CustomScan *) node->css.ss.ps.plan;
	List *columns = (List *) list_nth(scan->custom_private, FOLD_PLAN_COLUMNS);
	List *inputs = (List *) list_nth(scan->custom_private, FOLD_PLAN_INPUTS);
	List *collectors = NIL;
	int i;

	state->arguments = ExecInitExprList(scan->custom_exprs, &node->css.ss.ps);
	state->nmetrics = list_length(scan->custom_scan_tlist);
	state->metrics = palloc0(state->nmetrics * sizeof(FoldMetric));
	for (i = 0; i < list_length(columns); i++)
		collectors = lappend(collectors, NULL);
	for (i = 0; i < state->nmetrics; i++)
		begin_metric(&state->metrics[i],
					 fold_metric_call(list_nth_node(TargetEntry, scan->custom_scan_tlist, i),
									  &state->as_bytes),
					 (List *) list_nth(inputs, i), collectors);
	node_collect_begin(&state->collect, node, estate, collectors, columns);
	for (i = 0; i < state->nmetrics; i++)
		take_inputs(state, &state->metrics[i], (List *) list_nth(inputs, i));
}

static bool
fold_rewind(NodeState *node, bool same_rows)
{
	FoldScanState *state = (FoldScanState *) node;
	int i;

	node_collect_rewind(&state->collect);
	for (i = 0; i < state->nmetrics; i++)
		state->metrics[i].folding = NULL;
	MemoryContextReset(node->context);
	return false;
}

static Size
fold_share_size(const NodeState *node)
{
	return node_collect_share_size(&((const FoldScanState *) node)->collect);
}

static const NodeMethods methods = {
	.exec = { .CustomName = FOLD_NODE_NAME,
			  NODE_EXEC_METHODS,
			  NODE_SHARED_METHODS,
			  .ExplainCustomScan = node_explain },
	.memory = "loyalty metrics",
	.begin = fold_begin,
	.next = fold_next,
	.rewind = fold_rewind,
	.share_size = fold_share_size,
};

static Node *
fold_create(CustomScan *scan)
{
	return node_create(sizeof(FoldScanState), &methods);
}

const CustomScanMethods fold_scan_methods = {
	.CustomName = FOLD_NODE_NAME,
	.CreateCustomScanState = fold_create,
};
