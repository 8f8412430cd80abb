/*
 * node_parts.c
 *		The executor's side of the node that gives bases of some customers each; node_internal.h
 *		shows the plan.
 *
 *		row --> collector --> part --> base, for the next row of the join
 *
 * A base is there until the next one is asked for, when its part is forgotten.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "node/node_internal.h"

typedef struct PartsScanState
{
	NodeState node;
	NodeCollect collect;
	bool needs_last;
	bool collected;
	int part; /* whose base was given last; -1: none */
} PartsScanState;

/* The base of a part; NULL where there was no row at all. */
static Datum
part_as_base(PartsScanState *state, int part, bool *null)
{
	Collector *collector = state->collect.inputs[0].piece;
	MemoryContext old;
	Datum base;

	*null = collector == NULL;
	if (collector == NULL)
		return (Datum) 0;
	old = MemoryContextSwitchTo(state->node.context);
	base = base_from_part(collector, part);
	MemoryContextSwitchTo(old);
	return base;
}

static void
forget_part(PartsScanState *state)
{
	if (state->part >= 0)
		node_collect_forget_part(&state->collect, state->part);
	state->part = -1;
}

/*
 * The first part is given even if nobody is in it, or there is no base: a function that refuses an
 * argument does so without customers, too. Where participants share parts, it is one of them who
 * gets it.
 */
static TupleTableSlot *
parts_next(NodeState *node, TupleTableSlot *slot)
{
	PartsScanState *state = (PartsScanState *) node;
	int part;

	if (!state->collected)
	{
		state->collect.inputs[0].needs_last = state->needs_last;
		node_collect_rows(&state->collect);
		state->collected = true;
	}
	forget_part(state);
	while (node_collect_next_part(&state->collect, &part) || part == 0)
	{
		state->part = part;
		if (node_collect_count_part(&state->collect, part) > 0 || part == 0)
		{
			slot->tts_values[0] = part_as_base(state, part, &slot->tts_isnull[0]);
			return ExecStoreVirtualTuple(slot);
		}
		forget_part(state);
	}
	node->done = true;
	return slot;
}

/* ---- the node ---- */

static void
parts_begin(NodeState *node, EState *estate)
{
	PartsScanState *state = (PartsScanState *) node;
	const CustomScan *scan = (CustomScan *) node->css.ss.ps.plan;
	TargetEntry *entry = linitial_node(TargetEntry, scan->custom_scan_tlist);

	state->part = -1;
	state->needs_last = boolVal(list_nth(scan->custom_private, PARTS_PLAN_NEEDS_LAST));
	node_collect_begin(&state->collect, node, estate, list_make1(entry->expr),
					   (List *) list_nth(scan->custom_private, PARTS_PLAN_COLUMNS));
}

static bool
parts_rewind(NodeState *node, bool same_rows)
{
	PartsScanState *state = (PartsScanState *) node;

	node_collect_rewind(&state->collect);
	MemoryContextReset(node->context);
	state->collected = false;
	state->part = -1;
	return false;
}

static Size
parts_share_size(const NodeState *node)
{
	return node_collect_share_size(&((const PartsScanState *) node)->collect);
}

static const NodeMethods methods = {
	.exec = { .CustomName = PARTS_NODE_NAME,
			  NODE_EXEC_METHODS,
			  NODE_SHARED_METHODS,
			  .ExplainCustomScan = node_explain },
	.memory = "loyalty parts",
	.begin = parts_begin,
	.next = parts_next,
	.rewind = parts_rewind,
	.share_size = parts_share_size,
};

static Node *
parts_create(CustomScan *scan)
{
	return node_create(sizeof(PartsScanState), &methods);
}

const CustomScanMethods parts_scan_methods = {
	.CustomName = PARTS_NODE_NAME,
	.CreateCustomScanState = parts_create,
};
