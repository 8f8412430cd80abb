/*
 * node_input.c
 *		The rows that come into the nodes: which columns they have, and where these are computed.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "optimizer/tlist.h"

#include "core/compat.h"
#include "node/node_internal.h"

/* ---- columns ---- */

/* The column of an expression in the child's target, which gets it if it hasn't yet. */
static int
child_column(PathTarget *target, Expr *expr)
{
	int column = 1;
	ListCell *cell;

	foreach (cell, target->exprs)
	{
		if (equal(lfirst(cell), expr))
			return column;
		column++;
	}
	add_column_to_pathtarget(target, expr, 0);
	return column;
}

/*
 * An argument as the child evaluates it. Where a FILTER doesn't let a row pass, its argument isn't
 * evaluated: it may be an error, as 1 / n FILTER (WHERE n <> 0).
 */
static Expr *
filtered_argument(Expr *argument, Expr *filter)
{
	CaseExpr *filtered;
	CaseWhen *when;

	if (filter == NULL || IsA(argument, Var) || IsA(argument, Const) || IsA(argument, Param))
		return argument;
	when = makeNode(CaseWhen);
	when->expr = filter;
	when->result = argument;
	when->location = -1;
	filtered = makeNode(CaseExpr);
	filtered->casetype = exprType((Node *) argument);
	filtered->casecollid = exprCollation((Node *) argument);
	filtered->args = list_make1(when);
	filtered->defresult = (Expr *) makeNullConst(filtered->casetype, exprTypmod((Node *) argument),
												 filtered->casecollid);
	filtered->location = -1;
	return (Expr *) filtered;
}

List *
plan_child_columns(PathTarget *target, const Aggref *aggref)
{
	Expr *filter = aggref->aggfilter;
	List *columns = list_make1_int(filter == NULL ? 0 : child_column(target, filter));
	ListCell *cell;

	foreach (cell, aggref->args)
	{
		Expr *argument = lfirst_node(TargetEntry, cell)->expr;

		columns = lappend_int(columns, child_column(target, filtered_argument(argument, filter)));
	}
	return columns;
}

/* ---- paths ---- */

/* A target over a table as one over a partition of it; of a join, over partitions that are joined.
 */
static PathTarget *
target_of_partition(PlannerInfo *root, const PathTarget *target, RelOptInfo *table,
					RelOptInfo *partition)
{
	PathTarget *translated = copy_pathtarget((PathTarget *) target);

#if PG_VERSION_NUM >= 160000
	translated->exprs = (List *) adjust_appendrel_attrs_multilevel(root, (Node *) translated->exprs,
																   partition, table);
#else
	translated->exprs = (List *) adjust_appendrel_attrs_multilevel(
		root, (Node *) translated->exprs, partition->relids, table->relids);
#endif
	return translated;
}

Path *
plan_input_rows(PlannerInfo *root, RelOptInfo *input, Path *path, PathTarget *target)
{
	PathTarget *own = target;
	AppendPath *append;
	QualCost old;
	ListCell *cell;

	if (IS_OTHER_REL(path->parent))
		own = target_of_partition(root, target, input, path->parent);
	/* another target may be computed there already, over what is below */
	if (IsA(path, ProjectionPath) && IsA(((ProjectionPath *) path)->subpath, AppendPath))
		path = ((ProjectionPath *) path)->subpath;
	if (!IsA(path, AppendPath))
		return (Path *) create_projection_path(root, path->parent, path, own);

	append = makeNode(AppendPath);
	*append = *(AppendPath *) path;
	append->subpaths = NIL;
	foreach (cell, ((AppendPath *) path)->subpaths)
	{
		Path *rows = plan_input_rows(root, input, lfirst(cell), target);

		append->subpaths = lappend(append->subpaths, rows);
		append->path.parallel_safe = append->path.parallel_safe && rows->parallel_safe;
	}
	/* its rows may come in order, by columns that they don't have any more */
	append->path.pathkeys = NIL;
	old = path->pathtarget->cost;
	append->path.pathtarget = own;
	append->path.startup_cost += own->cost.startup - old.startup;
	append->path.total_cost +=
		own->cost.startup - old.startup + (own->cost.per_tuple - old.per_tuple) * path->rows;
	return &append->path;
}

/* ---- plans ---- */

/*
 * What a scan would give if it gave the rows of its table whole; to: where the columns of its
 * target stand then. NIL: it can't, or computes something.
 */
static List *
whole_rows_of_scan(PlannerInfo *root, const Plan *scan, int *to)
{
	ListCell *cell;

	if (!IsA(scan, SeqScan) && !IsA(scan, IndexScan) && !IsA(scan, BitmapHeapScan))
		return NIL;
	foreach (cell, scan->targetlist)
	{
		const Var *var = (const Var *) lfirst_node(TargetEntry, cell)->expr;

		if (!IsA(var, Var) || var->varattno <= 0)
			return NIL;
		*to++ = var->varattno;
	}
	return build_physical_tlist(root, find_base_rel(root, ((const Scan *) scan)->scanrelid));
}

/* Do rows have the same types? */
static bool
same_types(const List *some, const List *others)
{
	ListCell *one;
	ListCell *other;

	if (list_length(some) != list_length(others))
		return false;
	forboth(one, some, other, others)
	{
		if (exprType((Node *) lfirst_node(TargetEntry, one)->expr) !=
			exprType((Node *) lfirst_node(TargetEntry, other)->expr))
			return false;
	}
	return true;
}

/* The same of a scan, or of one partition after another, which have to be alike. */
static List *
whole_rows(PlannerInfo *root, const Plan *plan, int *to)
{
	List *whole = NIL;
	size_t size = list_length(plan->targetlist) * sizeof(int);
	int *other;
	ListCell *cell;

	if (!IsA(plan, Append))
		return whole_rows_of_scan(root, plan, to);
	other = palloc(size);
	foreach (cell, ((const Append *) plan)->appendplans)
	{
		bool first = whole == NIL;
		List *of_one = whole_rows(root, lfirst(cell), first ? to : other);

		if (of_one == NIL)
			return NIL;
		if (first)
			whole = of_one;
		else if (memcmp(to, other, size) != 0 || !same_types(whole, of_one))
			return NIL;
	}
	return whole;
}

static void
take_whole_rows(PlannerInfo *root, Plan *plan, int *to)
{
	ListCell *cell;

	plan->targetlist = whole_rows(root, plan, to);
	if (IsA(plan, Append))
		foreach (cell, ((Append *) plan)->appendplans)
			take_whole_rows(root, lfirst(cell), to);
}

/*
 * Where rows come straight from tables, they are taken as they are: to make new ones of some of
 * their columns costs more than the grouping takes of a row.
 */
int *
plan_take_whole_rows(PlannerInfo *root, Plan *child)
{
	int *to = palloc0((list_length(child->targetlist) + 1) * sizeof(int));

	if (whole_rows(root, child, to + 1) == NIL)
		return NULL;
	take_whole_rows(root, child, to + 1);
	return to;
}

List *
plan_moved_columns(List *columns, const int *to)
{
	List *moved = NIL;
	ListCell *cell;

	foreach (cell, columns)
	{
		List *of_one = NIL;
		ListCell *column;

		foreach (column, (List *) lfirst(cell))
			of_one = lappend_int(of_one, to[lfirst_int(column)]);
		moved = lappend(moved, of_one);
	}
	return moved;
}
