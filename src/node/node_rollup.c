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
	NodeState node;
	int nmetrics;
	RollupMetric *metrics;
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
rollup_next(NodeState *node, TupleTableSlot *slot)
{
	RollupScanState *state = (RollupScanState *) node;
	TupleTableSlot *partial;
	MemoryContext old;
	int i;

	for (;;)
	{
		partial = ExecProcNode(node->child);
		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(partial))
			break;
		slot_getallattrs(partial);
		old = MemoryContextSwitchTo(node->context);
		for (i = 0; i < state->nmetrics; i++)
			if (!partial->tts_isnull[i])
				add_result(&state->metrics[i], partial->tts_values[i]);
		MemoryContextSwitchTo(old);
	}
	node->done = true;
	old = MemoryContextSwitchTo(node->context);
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

/* ---- the node ---- */

static void
rollup_begin(NodeState *node, EState *estate)
{
	RollupScanState *state = (RollupScanState *) node;
	const CustomScan *scan = (CustomScan *) node->css.ss.ps.plan;
	int i;

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

static bool
rollup_rewind(NodeState *node, bool same_rows)
{
	RollupScanState *state = (RollupScanState *) node;
	int i;

	MemoryContextReset(node->context);
	for (i = 0; i < state->nmetrics; i++)
	{
		state->metrics[i].tally = NULL;
		state->metrics[i].names = NULL;
	}
	return false;
}

static const NodeMethods methods = {
	.exec = { .CustomName = ROLLUP_NODE_NAME, NODE_EXEC_METHODS },
	.memory = "loyalty results",
	.begin = rollup_begin,
	.next = rollup_next,
	.rewind = rollup_rewind,
};

static Node *
rollup_create(CustomScan *scan)
{
	return node_create(sizeof(RollupScanState), &methods);
}

const CustomScanMethods rollup_scan_methods = {
	.CustomName = ROLLUP_NODE_NAME,
	.CreateCustomScanState = rollup_create,
};
