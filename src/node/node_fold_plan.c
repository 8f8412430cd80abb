/*
 * node_fold_plan.c
 *		The planner's side of the node for metrics over everyone: which queries it can do, what that
 *		costs, and its plans. node_internal.h shows them.
 *
 * A query without GROUP BY whose aggregates are all collectors, each asked by metrics alone.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "node/node_internal.h"

/* A query, as the node sees it. */
typedef struct FoldQuery
{
	List *metrics; /* FuncExprs, each distinct one */
	List *aggrefs; /* their collectors, each distinct one */
	List *inputs;  /* as FOLD_PLAN_INPUTS */
	bool has_metric;
	bool alone;		 /* one process has to see all customers */
	const char *why; /* the node can't; NULL: it can */
} FoldQuery;

/* What the path hands over to its plan, in CustomPath.custom_private. */
enum
{
	PATH_METRICS,
	PATH_COLUMNS, /* as FOLD_PLAN_COLUMNS */
	PATH_INPUTS,  /* as FOLD_PLAN_INPUTS */
	PATH_HAVING
};

/* ---- what the node can do ---- */

bool
plan_is_collector(Oid aggregate)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	FmgrInfo function;
	Oid final;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggregate);
	final = ((Form_pg_aggregate) GETSTRUCT(tuple))->aggfinalfn;
	ReleaseSysCache(tuple);
	if (!OidIsValid(final))
		return false;
	fmgr_info(final, &function);
	return collect_is_final(function.fn_addr);
}

Aggref *
fold_collector(Node *argument)
{
	while (argument != NULL && IsA(argument, RelabelType))
		argument = (Node *) ((RelabelType *) argument)->arg;
	return argument != NULL && IsA(argument, Aggref) ? (Aggref *) argument : NULL;
}

static int
number_of(List **list, Node *node)
{
	int number = 0;
	ListCell *cell;

	foreach (cell, *list)
	{
		if (equal(lfirst(cell), node))
			return number;
		number++;
	}
	*list = lappend(*list, node);
	return number;
}

static void
look_at_metric(FuncExpr *call, const Metric *metric, FoldQuery *query)
{
	int nbases = metric_inputs(metric);
	List *inputs = NIL;
	int nmetrics = list_length(query->metrics);
	int i;

	query->has_metric = true;
	for (i = 0; i < list_length(call->args); i++)
	{
		Node *argument = list_nth(call->args, i);

		if (i < nbases)
		{
			Aggref *aggref = fold_collector(argument);
			const char *why = NULL;

			if (aggref == NULL || !plan_is_collector(aggref->aggfnoid))
				why = "a base isn't collected where it is asked";
			else
				why = plan_aggregate_obstacle(aggref, true);
			if (why != NULL)
			{
				query->why = why;
				return;
			}
			inputs = lappend_int(inputs, number_of(&query->aggrefs, (Node *) aggref));
		}
		else if (contain_agg_clause(argument) || contain_var_clause(argument) ||
				 contain_subplans(argument) || contain_volatile_functions(argument))
		{
			query->why = "an argument of a metric isn't the same for all rows";
			return;
		}
		else if (metric->arguments[i - nbases].by_all &&
				 (!IsA(argument, Const) || ((Const *) argument)->constisnull))
			query->alone = true;
	}
	if (number_of(&query->metrics, (Node *) call) == nmetrics)
		query->inputs = lappend(query->inputs, inputs);
}

/* Collects the metrics of an expression, and looks for what the node's row doesn't have. */
static bool
look_into(Node *node, FoldQuery *query)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
	{
		const Metric *metric = metric_of_function(((FuncExpr *) node)->funcid);

		if (metric != NULL)
		{
			look_at_metric((FuncExpr *) node, metric, query);
			return false;
		}
	}
	if (IsA(node, Aggref))
	{
		query->why = plan_is_collector(((Aggref *) node)->aggfnoid)
						 ? "a base is asked by something else than a metric"
						 : "there are aggregates that collect no base";
		return false;
	}
	if (IsA(node, Var) || IsA(node, PlaceHolderVar) || IsA(node, GroupingFunc))
	{
		query->why = "a column stands beside the metrics";
		return false;
	}
	return expression_tree_walker(node, look_into, query);
}

static void
look_at_query(PlannerInfo *root, RelOptInfo *input, RelOptInfo *grouped, List *having,
			  FoldQuery *query)
{
	memset(query, 0, sizeof(*query));
	look_into((Node *) grouped->reltarget->exprs, query);
	look_into((Node *) having, query);
	if (query->why != NULL)
		return;
	if (root->parse->groupingSets != NIL)
		query->why = "there are grouping sets";
	else if (IS_OTHER_REL(grouped))
		query->why = "each partition is grouped on its own";
	else if (PATH_REQ_OUTER(input->cheapest_total_path) != NULL)
		query->why = "its input has parameters";
}

/* ---- what it costs ---- */

/*
 * A row costs what the server reckons for the collectors' transitions. What it doesn't reckon is
 * what becomes of the rows: in an Aggregate they are grouped to a base of everyone, which workers
 * hand over, and the leader alone merges and folds; here parts are grouped and folded by all. So a
 * row is rated below that, with workers even further; what they write for each other comes on top.
 */
#define ROW_SHARE		   0.9
#define ROW_SHARE_PARALLEL 0.5

/* Bytes that a row of a collector has in a file, about. */
#define ROW_BYTES		   28

void
plan_cost_collecting(PlannerInfo *root, Path *path, const Path *child, const List *aggrefs)
{
	AggClauseCosts costs = { 0 };
	double rows = child->rows;
	Cost row = plan_transition_cost(root, aggrefs, &costs);
	double bytes = rows * ROW_BYTES * list_length(aggrefs);

	path->rows = 1;
	path->startup_cost = child->total_cost + costs.transCost.startup + costs.finalCost.startup +
						 path->pathtarget->cost.startup;
	if (path->parallel_aware)
		path->startup_cost += ROW_SHARE_PARALLEL * row * rows;
	else
		path->startup_cost += ROW_SHARE * row * rows;
	path->startup_cost += plan_spill_cost(bytes, path->parallel_aware ? 0 : bytes);
}

/* ---- the paths ---- */

static const CustomPathMethods fold_path_methods;
static const CustomPathMethods rollup_path_methods;

static CustomPath *
make_path(RelOptInfo *grouped, const FoldQuery *query, PathTarget *target, Path *child,
		  List *columns, List *having, const CustomPathMethods *methods)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = grouped;
	path->path.pathtarget = target;
	path->path.parallel_safe = grouped->consider_parallel && child->parallel_safe;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = child->disabled_nodes;
#endif
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(child);
	path->custom_private = list_make4(query->metrics, columns, query->inputs, having);
	path->methods = methods;
	return path;
}

/* A path that folds the rows; by one process, or a share of several. */
static CustomPath *
make_fold_path(PlannerInfo *root, RelOptInfo *input, RelOptInfo *grouped, const FoldQuery *query,
			   PathTarget *result, List *having, Path *rows, int workers)
{
	PathTarget *target = create_empty_pathtarget();
	List *columns = NIL;
	CustomPath *path;
	ListCell *cell;

	foreach (cell, query->aggrefs)
		columns = lappend(columns, plan_child_columns(target, lfirst_node(Aggref, cell)));
	set_pathtarget_cost_width(root, target);
	rows = plan_input_rows(root, input, rows, target);
	path = make_path(grouped, query, result, rows, columns, having, &fold_path_methods);
	path->path.parallel_aware = workers > 0;
	path->path.parallel_workers = workers;
	plan_cost_collecting(root, &path->path, rows, query->aggrefs);
	/* what metrics cost is to fold everyone, and each folds a share */
	path->path.total_cost =
		path->path.startup_cost + result->cost.per_tuple / plan_participants(workers);
	return path;
}

/* What participants give: results as bytes, with what else is to be known of them. */
static PathTarget *
partial_target(PlannerInfo *root, const FoldQuery *query)
{
	PathTarget *target = create_empty_pathtarget();
	ListCell *cell;

	foreach (cell, query->metrics)
		add_column_to_pathtarget(
			target,
			(Expr *) makeRelabelType(lfirst(cell), BYTEAOID, -1, InvalidOid, COERCE_EXPLICIT_CAST),
			0);
	set_pathtarget_cost_width(root, target);
	return target;
}

void
add_fold_paths(PlannerInfo *root, RelOptInfo *input, RelOptInfo *grouped, List *having)
{
	FoldQuery query;
	CustomPath *path;

	look_at_query(root, input, grouped, having, &query);
	if (!query.has_metric)
		return;
	if (query.why != NULL)
	{
		ereport(DEBUG1, (errmsg_internal("metrics are left to the server: %s", query.why)));
		return;
	}
	add_path(grouped, (Path *) make_fold_path(root, input, grouped, &query, grouped->reltarget,
											  having, input->cheapest_total_path, 0));
	if (grouped->consider_parallel && input->partial_pathlist != NIL && !query.alone)
	{
		Path *rows = linitial(input->partial_pathlist);
		PathTarget *partial = partial_target(root, &query);
		double results = rows->parallel_workers + (parallel_leader_participation ? 1 : 0);
		Path *gather;

		path = make_fold_path(root, input, grouped, &query, partial, NIL, rows,
							  rows->parallel_workers);
		if (!path->path.parallel_safe)
			return;
		gather = (Path *) create_gather_path(root, grouped, &path->path, partial, NULL, &results);
		path = make_path(grouped, &query, grouped->reltarget, gather, NIL, having,
						 &rollup_path_methods);
		path->path.parallel_safe = false;
		path->path.rows = 1;
		path->path.startup_cost = gather->total_cost + grouped->reltarget->cost.startup;
		/* the metrics' own cost is in that of the participants */
		path->path.total_cost =
			path->path.startup_cost +
			Max(0, grouped->reltarget->cost.per_tuple - partial->cost.per_tuple) + cpu_tuple_cost;
		add_path(grouped, &path->path);
	}
}

/* ---- the plans ---- */

static CustomScan *
make_scan(PlannerInfo *root, CustomPath *path, List *tlist, List *custom_plans,
		  const CustomScanMethods *methods)
{
	CustomScan *scan = makeNode(CustomScan);

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual =
		plan_cheap_first(root, (List *) list_nth(path->custom_private, PATH_HAVING));
	scan->flags = path->flags;
	scan->custom_plans = custom_plans;
	scan->methods = methods;
	return scan;
}

static Plan *
plan_fold_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
			   List *custom_plans)
{
	CustomScan *scan = make_scan(root, path, tlist, custom_plans, &fold_scan_methods);
	List *metrics = (List *) list_nth(path->custom_private, PATH_METRICS);
	List *columns = (List *) list_nth(path->custom_private, PATH_COLUMNS);
	int *to = plan_take_whole_rows(root, linitial(custom_plans));
	AttrNumber column = 1;
	ListCell *cell;

	foreach (cell, metrics)
	{
		FuncExpr *call = lfirst_node(FuncExpr, cell);
		Expr *given = (Expr *) call;

		if (path->path.parallel_aware)
			given = list_nth(path->path.pathtarget->exprs, column - 1);
		scan->custom_scan_tlist =
			lappend(scan->custom_scan_tlist, makeTargetEntry(given, column++, NULL, false));
		scan->custom_exprs = list_concat(
			scan->custom_exprs,
			list_copy_tail(call->args, metric_inputs(metric_of_function(call->funcid))));
	}
	scan->custom_private = list_make2(to != NULL ? plan_moved_columns(columns, to) : columns,
									  list_nth(path->custom_private, PATH_INPUTS));
	return &scan->scan.plan;
}

static Plan *
plan_rollup_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
				 List *custom_plans)
{
	CustomScan *scan = make_scan(root, path, tlist, custom_plans, &rollup_scan_methods);
	AttrNumber column = 1;
	ListCell *cell;

	foreach (cell, (List *) list_nth(path->custom_private, PATH_METRICS))
		scan->custom_scan_tlist =
			lappend(scan->custom_scan_tlist, makeTargetEntry(lfirst(cell), column++, NULL, false));
	return &scan->scan.plan;
}

static const CustomPathMethods fold_path_methods = {
	.CustomName = FOLD_NODE_NAME,
	.PlanCustomPath = plan_fold_path,
};

static const CustomPathMethods rollup_path_methods = {
	.CustomName = ROLLUP_NODE_NAME,
	.PlanCustomPath = plan_rollup_path,
};
