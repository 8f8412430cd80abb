/*
 * node_parts_plan.c
 *		The planner's side of the node that gives bases of some customers each: which joins it can
 *		be below, and their paths. node_internal.h shows the plan.
 *
 * A base that is only asked for a list of its customers need not be one: the list of everyone is
 * those of the parts. So the join of a sub-select that collects a base with such a function gets
 * one more path, in which the sub-select gives several.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"

#include "core/compat.h"
#include "node/node_internal.h"

static set_join_pathlist_hook_type previous_join_pathlist_hook = NULL;

/* What the path hands over to its plan, in CustomPath.custom_private. */
enum
{
	PATH_COLLECTOR,
	PATH_COLUMNS,	/* as PARTS_PLAN_COLUMNS */
	PATH_NEEDS_LAST /* as PARTS_PLAN_NEEDS_LAST */
};

/* A join of a sub-select with a list of the customers that it has collected. */
typedef struct ListJoin
{
	RelOptInfo *collected; /* the sub-select */
	RelOptInfo *list;
	FuncExpr *call;
	Aggref *collector; /* in the sub-select's own terms */
	RelOptInfo *input; /* its rows, there */
	const char *why;   /* the node can't; NULL: it can */
} ListJoin;

/* ---- what the node can do ---- */

/* What the sub-select's aggregates take. NULL: no table has it. */
static RelOptInfo *
input_of(PlannerInfo *subroot)
{
#if PG_VERSION_NUM >= 160000
	Relids all = subroot->all_query_rels;
#else
	Relids all = subroot->all_baserels;
#endif
	int only;

	if (bms_is_empty(all))
		return NULL;
	return bms_get_singleton_member(all, &only) ? find_base_rel(subroot, only)
												: find_join_rel(subroot, all);
}

/* Is it the join that this is about? */
static bool
is_list_join(PlannerInfo *root, RelOptInfo *outer, RelOptInfo *inner, ListJoin *join)
{
	const RangeTblEntry *entry;
	const TargetEntry *column;
	Node *argument;

	memset(join, 0, sizeof(*join));
	if (outer->reloptkind != RELOPT_BASEREL || inner->reloptkind != RELOPT_BASEREL ||
		outer->rtekind != RTE_SUBQUERY || inner->rtekind != RTE_FUNCTION || outer->subroot == NULL)
		return false;
	entry = planner_rt_fetch(inner->relid, root);
	join->call = (FuncExpr *) linitial_node(RangeTblFunction, entry->functions)->funcexpr;
	if (join->call == NULL || !IsA(join->call, FuncExpr) || join->call->args == NIL ||
		!collect_is_list(join->call->funcid))
		return false;
	argument = linitial(join->call->args);
	while (IsA(argument, RelabelType))
		argument = (Node *) ((RelabelType *) argument)->arg;
	if (!IsA(argument, Var) || ((Var *) argument)->varno != (int) outer->relid ||
		((Var *) argument)->varlevelsup != 0)
		return false;
	column = get_tle_by_resno(outer->subroot->processed_tlist, ((Var *) argument)->varattno);
	if (column == NULL)
		return false;
	join->collector = fold_collector((Node *) column->expr);
	if (join->collector == NULL || !plan_is_collector(join->collector->aggfnoid))
		return false;
	join->collected = outer;
	join->list = inner;
	join->input = input_of(outer->subroot);
	return true;
}

/* Is the base used by something else than the function? */
static bool
is_base_used(PlannerInfo *root, const RelOptInfo *joined, const ListJoin *join,
			 const List *conditions)
{
	Relids collected = join->collected->relids;
	ListCell *cell;

	foreach (cell, conditions)
		if (bms_overlap(lfirst_node(RestrictInfo, cell)->clause_relids, collected))
			return true;
	return join->collected->baserestrictinfo != NIL ||
		   bms_overlap(pull_varnos(root, (Node *) joined->reltarget->exprs), collected);
}

/* Is it but a collector over rows? What it gives beside that, and nobody wants, is NULL by now. */
static bool
is_plain(const PlannerInfo *subroot)
{
	const Query *query = subroot->parse;
	int aggregates = 0;
	ListCell *cell;

	foreach (cell, subroot->processed_tlist)
	{
		Node *expr = (Node *) lfirst_node(TargetEntry, cell)->expr;

		if (fold_collector(expr) != NULL)
			aggregates++;
		else if (!IsA(expr, Const))
			return false;
	}
	return aggregates == 1 && query->commandType == CMD_SELECT && query->groupClause == NIL &&
		   query->groupingSets == NIL && query->havingQual == NULL &&
		   query->distinctClause == NIL && query->sortClause == NIL && query->limitOffset == NULL &&
		   query->limitCount == NULL && query->setOperations == NULL && !query->hasWindowFuncs &&
		   !query->hasTargetSRFs;
}

static const char *
join_obstacle(PlannerInfo *root, const RelOptInfo *joined, JoinType type, const ListJoin *join,
			  const List *conditions)
{
	const RangeTblEntry *entry = planner_rt_fetch(join->list->relid, root);

	if (type != JOIN_INNER)
		return "customers are joined otherwise than by an inner join";
	if (list_length(entry->functions) != 1 || entry->funcordinality)
		return "customers are numbered, or stand beside rows of another function";
	if (list_length(join->list->lateral_vars) != 1 ||
		!bms_equal(join->list->lateral_relids, join->collected->relids))
		return "an argument beside the base comes from a table";
	if (!bms_is_empty(join->collected->lateral_relids))
		return "what is collected depends on another table's row";
	if (is_base_used(root, joined, join, conditions))
		return "a base is used by something else than a list of its customers";
	if (!is_plain(join->collected->subroot))
		return "the sub-select is more than a collector over rows";
	if (join->input == NULL)
		return "what is collected comes from no table";
	if (PATH_REQ_OUTER(join->input->cheapest_total_path) != NULL)
		return "the collector's input has parameters";
	return plan_aggregate_obstacle(join->collector, true);
}

/* ---- the paths ---- */

static const CustomPathMethods path_methods;

/* What the sub-selects of a query that are read once, before it, cost. */
static Cost
init_plans_cost(const PlannerInfo *root)
{
	Cost cost = 0;
	ListCell *cell;

	foreach (cell, root->init_plans)
	{
		const SubPlan *plan = lfirst_node(SubPlan, cell);

		cost += plan->startup_cost + plan->per_call_cost;
	}
	return cost;
}

/*
 * A path that collects rows and gives the parts; by one process, or a share of several. It counts
 * as one row, as the base does: the rows of the list are those of everyone.
 */
static Path *
make_parts_path(const ListJoin *join, Path *rows, int workers)
{
	PlannerInfo *root = join->collected->subroot;
	RelOptInfo *grouped = fetch_upper_rel(root, UPPERREL_GROUP_AGG, NULL);
	PathTarget *target = create_empty_pathtarget();
	List *columns = list_make1(plan_child_columns(target, join->collector));
	bool needs_last = list_length(join->call->args) > 1;
	CustomPath *path = makeNode(CustomPath);

	set_pathtarget_cost_width(root, target);
	rows = plan_input_rows(root, join->input, rows, target);
	path->path.pathtype = T_CustomScan;
	path->path.parent = grouped;
	path->path.pathtarget = create_pathtarget(root, root->processed_tlist);
	path->path.parallel_aware = workers > 0;
	path->path.parallel_safe =
		grouped->consider_parallel && rows->parallel_safe && root->init_plans == NIL;
	path->path.parallel_workers = workers;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = rows->disabled_nodes;
#endif
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(rows);
	path->custom_private = list_make3(join->collector, columns, (Node *) makeBoolean(needs_last));
	path->methods = &path_methods;
	plan_cost_collecting(root, &path->path, rows, list_make1(join->collector));
	path->path.startup_cost += init_plans_cost(root);
	path->path.total_cost = path->path.startup_cost + path->path.pathtarget->cost.per_tuple;
	return &path->path;
}

/* The join of parts with the list: the server's own. */
static Path *
make_join_path(PlannerInfo *root, RelOptInfo *joined, const ListJoin *join, Path *parts,
			   JoinPathExtraData *extra)
{
	double share = plan_participants(parts->parallel_workers);
	JoinCostWorkspace workspace;
	Path *collected;
	Path *list;

	collected = (Path *) create_subqueryscan_path(root, join->collected, parts,
#if PG_VERSION_NUM >= 160000
												  true,
#endif
												  NIL, NULL);
	list = create_functionscan_path(root, join->list, NIL, join->list->lateral_relids);
	list->total_cost = list->startup_cost + (list->total_cost - list->startup_cost) / share;
	list->rows = clamp_row_est(list->rows / share);
	initial_cost_nestloop(root, &workspace, JOIN_INNER, collected, list, extra);
	return (Path *) create_nestloop_path(root, joined, JOIN_INNER, &workspace, extra, collected,
										 list, extra->restrictlist, NIL, NULL);
}

static void
add_join_paths(PlannerInfo *root, RelOptInfo *joined, RelOptInfo *outer, RelOptInfo *inner,
			   JoinType type, JoinPathExtraData *extra)
{
	ListJoin join;
	const char *why;

	if (previous_join_pathlist_hook != NULL)
		previous_join_pathlist_hook(root, joined, outer, inner, type, extra);
	if (!enable_group_node || !is_list_join(root, outer, inner, &join))
		return;
	why = join_obstacle(root, joined, type, &join, extra->restrictlist);
	if (why != NULL)
	{
		ereport(DEBUG1, (errmsg_internal("a list of customers is left to the server: %s", why)));
		return;
	}
	add_path(joined,
			 make_join_path(root, joined, &join,
							make_parts_path(&join, join.input->cheapest_total_path, 0), extra));
	if (joined->consider_parallel && join.input->partial_pathlist != NIL)
	{
		Path *rows = linitial(join.input->partial_pathlist);
		Path *parts = make_parts_path(&join, rows, rows->parallel_workers);

		if (parts->parallel_safe)
			add_partial_path(joined, make_join_path(root, joined, &join, parts, extra));
	}
}

/* ---- the plan ---- */

static Plan *
plan_parts_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
				List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	Expr *collector = list_nth(path->custom_private, PATH_COLLECTOR);
	List *columns = list_nth(path->custom_private, PATH_COLUMNS);
	int *to = plan_take_whole_rows(root, linitial(custom_plans));

	scan->scan.plan.targetlist = tlist;
	scan->flags = path->flags;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = list_make1(makeTargetEntry(collector, 1, NULL, false));
	scan->custom_private = list_make2(to != NULL ? plan_moved_columns(columns, to) : columns,
									  list_nth(path->custom_private, PATH_NEEDS_LAST));
	scan->methods = &parts_scan_methods;
	return &scan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = PARTS_NODE_NAME,
	.PlanCustomPath = plan_parts_path,
};

void
plan_register_parts(void)
{
	RegisterCustomScanMethods(&parts_scan_methods);
	previous_join_pathlist_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = add_join_paths;
}
