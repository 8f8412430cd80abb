/*
 * node_scan.c
 *		What all nodes of ours do alike: a child whose rows are read first, rows of their own, and
 *		what the server asks of a node beside that. NodeMethods is the rest.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "executor/executor.h"
#include "utils/memutils.h"

#include "node/node_internal.h"

static const NodeMethods *
methods_of(const CustomScanState *node)
{
	return (const NodeMethods *) node->methods;
}

Node *
node_create(Size size, const NodeMethods *methods)
{
	NodeState *state = (NodeState *) newNode(size, T_CustomScanState);

	state->css.methods = &methods->exec;
	return (Node *) state;
}

void
node_begin(CustomScanState *node, EState *estate, int eflags)
{
	NodeState *state = (NodeState *) node;
	const CustomScan *scan = (CustomScan *) node->ss.ps.plan;

	/* The child is read once, or anew from its start. */
	eflags &= ~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
	state->child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	node->custom_ps = list_make1(state->child);
	/* the macro wants to see the name */
	state->context = AllocSetContextCreateInternal(CurrentMemoryContext, methods_of(node)->memory,
												   ALLOCSET_DEFAULT_SIZES);
	methods_of(node)->begin(state, estate);
}

static TupleTableSlot *
next_row(ScanState *node)
{
	NodeState *state = (NodeState *) node;

	ExecClearTuple(node->ss_ScanTupleSlot);
	if (state->done)
		return node->ss_ScanTupleSlot;
	return methods_of(&state->css)->next(state, node->ss_ScanTupleSlot);
}

/* There are no rows of tables that could be locked and checked again. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

TupleTableSlot *
node_exec(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

/* Goes back to before the first row; see NodeMethods.rewind. */
static bool
rewind_node(NodeState *state, bool same_rows)
{
	state->done = false;
	ExecClearTuple(state->css.ss.ss_ScanTupleSlot);
	return methods_of(&state->css)->rewind(state, same_rows);
}

void
node_rescan(CustomScanState *node)
{
	NodeState *state = (NodeState *) node;
	bool kept;

	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(state->child, node->ss.ps.chgParam);
	kept = rewind_node(state, state->child->chgParam == NULL);
	/* where a parameter changed, it is scanned again by who asks it for a row */
	if (!kept && state->child->chgParam == NULL)
		ExecReScan(state->child);
	ExecScanReScan(&node->ss);
}

void
node_end(CustomScanState *node)
{
	NodeState *state = (NodeState *) node;

	rewind_node(state, false);
	MemoryContextDelete(state->context);
	ExecEndNode(state->child);
}

void
node_explain(CustomScanState *node, List *ancestors, ExplainState *es)
{
	const NodeState *state = (const NodeState *) node;
	NodeCounts counts = state->counts;

	node_counts_add(&counts, &state->others);
	node_explain_counts(&counts, es);
}

/* ---- with workers ---- */

Size
node_estimate_shared(CustomScanState *node, ParallelContext *context)
{
	return node_shared_size(context->nworkers, methods_of(node)->share_size((NodeState *) node));
}

void
node_create_shared(CustomScanState *node, ParallelContext *context, void *shared)
{
	NodeState *state = (NodeState *) node;

	rewind_node(state, false);
	/* where there is no segment, there will be no worker */
	state->shared = context->seg != NULL ? shared : NULL;
	if (state->shared != NULL)
		node_shared_create(state->shared, context, methods_of(node)->share_size(state));
}

void
node_restart_shared(CustomScanState *node, ParallelContext *context, void *shared)
{
	NodeState *state = (NodeState *) node;

	rewind_node(state, false);
	if (state->shared == NULL)
		return;
	node_shared_add_others(state->shared, &state->others);
	node_shared_restart(state->shared);
}

void
node_attach_shared(CustomScanState *node, shm_toc *toc, void *shared)
{
	NodeState *state = (NodeState *) node;

	state->shared = shared;
	node_shared_attach(state->shared);
}

/* The shared memory is about to go: with it go the rows that are still to come. */
void
node_shutdown(CustomScanState *node)
{
	NodeState *state = (NodeState *) node;

	if (state->shared == NULL)
		return;
	if (IsParallelWorker())
		node_shared_note(state->shared, &state->counts);
	else
		node_shared_add_others(state->shared, &state->others);
	rewind_node(state, false);
	state->done = true;
	state->shared = NULL;
}
