/*
 * node_rollup.c
 *		Adds up what the participants of a metric give; node_internal.h shows the plan.
 *
 * For each metric a participant gives bytes:
 *
 *		varint length, names	that were asked about, and which of them were seen (0: none were)
 *		result					the stored form of its type, without a length word
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/codec.h"
#include "core/compat.h"
#include "node/node_internal.h"

#define RESULT_SIZE_HINT "Ask about fewer customers at once, and add the results up by rollup()."

/* ---- what a participant gives ---- */

Datum
partial_result(const Tally *tally, const MetricNames *names)
{
	struct varlena *result = tally_encode(tally);
	ByteBuffer bytes;
	ByteBuffer seen;

	buffer_init(&seen, 64);
	if (names != NULL)
		metric_names_put(names, &seen);
	buffer_init(&bytes, VARHDRSZ + VARINT_MAX_BYTES + seen.len + VARSIZE_ANY_EXHDR(result));
	bytes.len = VARHDRSZ;
	buffer_put_varint(&bytes, seen.len);
	buffer_put_bytes(&bytes, seen.data, seen.len);
	buffer_put_bytes(&bytes, VARDATA_ANY(result), VARSIZE_ANY_EXHDR(result));
	datum_set_size(bytes.data, bytes.len, tally_shape(tally)->type, RESULT_SIZE_HINT);
	return PointerGetDatum(bytes.data);
}

/* ---- adding up ---- */

typedef struct RollupMetric
{
	const Metric *metric;
	Tally *tally; /* NULL: nobody had rows */
	MetricNames *names;
} RollupMetric;

typedef struct RollupScanState
{
	CustomScanState css;
	PlanState *child;
	MemoryContext context;
	int nmetrics;
	RollupMetric *metrics;
	bool done;
} RollupScanState;

static void
add_result(RollupMetric *metric, Datum partial)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(partial);
	ByteReader in = { (const uint8 *) VARDATA_ANY(bytes),
					  (const uint8 *) VARDATA_ANY(bytes) + VARSIZE_ANY_EXHDR(bytes) };
	ByteSpan names;
	uint64 len;
	struct varlena *result;
	MemoryContext own;
	MemoryContext old;

	if (!read_varint(&in, &len) || !read_bytes(&in, len, &names.bytes))
		report_corrupted();
	names.len = len;
	if (names.len > 0)
		metric->names = metric_names_add(metric->names, names);
	own = AllocSetContextCreate(CurrentMemoryContext, "loyalty partial result",
								ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(own);
	len = VARHDRSZ + (in.end - in.at);
	result = palloc(len);
	datum_set_size(result, len, metric->metric->shape->type, RESULT_SIZE_HINT);
	memcpy(VARDATA(result), in.at, len - VARHDRSZ);
	if (metric->tally == NULL)
	{
		MemoryContextSwitchTo(old);
		metric->tally = tally_decode(metric->metric->shape, result);
	}
	else
	{
		tally_add_tally(metric->tally, tally_decode(metric->metric->shape, result));
		MemoryContextSwitchTo(old);
	}
	MemoryContextDelete(own);
}

static TupleTableSlot *
next_row(ScanState *node)
{
	RollupScanState *state = (RollupScanState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	TupleTableSlot *partial;
	MemoryContext old;
	int i;

	ExecClearTuple(slot);
	if (state->done)
		return slot;
	for (;;)
	{
		partial = ExecProcNode(state->child);
		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(partial))
			break;
		slot_getallattrs(partial);
		old = MemoryContextSwitchTo(state->context);
		for (i = 0; i < state->nmetrics; i++)
			if (!partial->tts_isnull[i])
				add_result(&state->metrics[i], partial->tts_values[i]);
		MemoryContextSwitchTo(old);
	}
	state->done = true;
	old = MemoryContextSwitchTo(state->context);
	for (i = 0; i < state->nmetrics; i++)
	{
		RollupMetric *metric = &state->metrics[i];

		slot->tts_isnull[i] = metric->tally == NULL;
		slot->tts_values[i] =
			metric->tally != NULL ? PointerGetDatum(tally_encode(metric->tally)) : (Datum) 0;
		if (metric->names != NULL)
			metric_names_tell(metric->names);
	}
	MemoryContextSwitchTo(old);
	return ExecStoreVirtualTuple(slot);
}

/* There are no rows of tables that could be locked and checked again. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
rollup_exec(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

/* ---- the node ---- */

static void
rollup_begin(CustomScanState *node, EState *estate, int eflags)
{
	RollupScanState *state = (RollupScanState *) node;
	const CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	int i;

	eflags &= ~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
	state->child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	node->custom_ps = list_make1(state->child);
	state->context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty results", ALLOCSET_DEFAULT_SIZES);
	state->nmetrics = list_length(scan->custom_scan_tlist);
	state->metrics = palloc0(state->nmetrics * sizeof(RollupMetric));
	for (i = 0; i < state->nmetrics; i++)
	{
		bool as_bytes;
		const FuncExpr *call =
			fold_metric_call(list_nth_node(TargetEntry, scan->custom_scan_tlist, i), &as_bytes);

		state->metrics[i].metric = metric_of_function(call->funcid);
	}
}

static void
rollup_rescan(CustomScanState *node)
{
	RollupScanState *state = (RollupScanState *) node;
	int i;

	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	MemoryContextReset(state->context);
	for (i = 0; i < state->nmetrics; i++)
	{
		state->metrics[i].tally = NULL;
		state->metrics[i].names = NULL;
	}
	state->done = false;
	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(state->child, node->ss.ps.chgParam);
	if (state->child->chgParam == NULL)
		ExecReScan(state->child);
	ExecScanReScan(&node->ss);
}

static void
rollup_end(CustomScanState *node)
{
	RollupScanState *state = (RollupScanState *) node;

	MemoryContextDelete(state->context);
	ExecEndNode(state->child);
}

static const CustomExecMethods exec_methods = {
	.CustomName = ROLLUP_NODE_NAME,
	.BeginCustomScan = rollup_begin,
	.ExecCustomScan = rollup_exec,
	.EndCustomScan = rollup_end,
	.ReScanCustomScan = rollup_rescan,
};

static Node *
rollup_create(CustomScan *scan)
{
	RollupScanState *state =
		(RollupScanState *) newNode(sizeof(RollupScanState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods rollup_scan_methods = {
	.CustomName = ROLLUP_NODE_NAME,
	.CreateCustomScanState = rollup_create,
};
