/*
 * node_exec.c
 *		The executor's side of the node for GROUP BY customer.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/extensible.h"

#include "node/node_internal.h"

static void
group_begin(CustomScanState *node, EState *estate, int eflags)
{
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;

	outerPlanState(node) = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	node->custom_ps = list_make1(outerPlanState(node));
}

static TupleTableSlot *
group_exec(CustomScanState *node)
{
	elog(ERROR, "the node for GROUP BY isn't there yet");
}

static void
group_end(CustomScanState *node)
{
	ExecEndNode(outerPlanState(node));
}

static void
group_rescan(CustomScanState *node)
{
}

static const CustomExecMethods exec_methods = {
	.CustomName = GROUP_NODE_NAME,
	.BeginCustomScan = group_begin,
	.ExecCustomScan = group_exec,
	.EndCustomScan = group_end,
	.ReScanCustomScan = group_rescan,
};

static Node *
group_create(CustomScan *scan)
{
	CustomScanState *state = makeNode(CustomScanState);

	state->methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods group_scan_methods = {
	.CustomName = GROUP_NODE_NAME,
	.CreateCustomScanState = group_create,
};
