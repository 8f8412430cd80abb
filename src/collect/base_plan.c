/*
 * base_plan.c
 *		What the planner is told about bases: how many customers they have.
 *
 * That many rows a base gives as a set; the default of 1,000 rows makes the planner choose nested
 * loops. And that many entries a worker hands over to the process that merges what all have
 * collected.
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "collect/collect_internal.h"

PG_FUNCTION_INFO_V1(loyalty_base_customers_support);
PG_FUNCTION_INFO_V1(loyalty_base_list_support);

/* The aggregate that collects a base, which may be a column of a sub-select. */
static Aggref *
collecting_aggregate(PlannerInfo *root, Node *arg, PlannerInfo **where)
{
	*where = root;
	while (arg != NULL && IsA(arg, RelabelType))
		arg = (Node *) ((RelabelType *) arg)->arg;
	if (arg != NULL && IsA(arg, Var))
	{
		Var *var = (Var *) arg;
		RelOptInfo *rel;
		TargetEntry *entry;

		if (var->varlevelsup != 0 || var->varno >= root->simple_rel_array_size)
			return NULL;
		rel = root->simple_rel_array[var->varno];
		if (rel == NULL || rel->rtekind != RTE_SUBQUERY || rel->subroot == NULL)
			return NULL;
		entry = get_tle_by_resno(rel->subroot->parse->targetList, var->varattno);
		if (entry == NULL)
			return NULL;
		return collecting_aggregate(rel->subroot, (Node *) entry->expr, where);
	}
	return arg != NULL && IsA(arg, Aggref) ? (Aggref *) arg : NULL;
}

/*
 * The distinct customers that are expected in a base whose collector has such arguments; of one
 * group, where there are groups. 0: nothing is known.
 */
static double
expected_customers(PlannerInfo *root, const List *arguments)
{
	Node *customer;
	double input = 0;
	double groups = 1;
	Relids relids;
	int relid = -1;

	if (arguments == NIL)
		return 0;
	customer = (Node *) linitial_node(TargetEntry, arguments)->expr;
	relids = pull_varnos(root, customer);
	while ((relid = bms_next_member(relids, relid)) >= 0)
	{
		RelOptInfo *rel =
			relid < root->simple_rel_array_size ? root->simple_rel_array[relid] : NULL;

		if (rel != NULL)
			input = Max(input, rel->rows);
	}
	if (input <= 0)
		return 0;
	if (root->parse->groupClause != NIL)
		groups = estimate_num_groups(
			root, get_sortgrouplist_exprs(root->parse->groupClause, root->parse->targetList), input,
			NULL, NULL);
	return clamp_row_est(
		estimate_num_groups(root, list_make1(customer), clamp_row_est(input / groups), NULL, NULL));
}

static bool
estimate_rows(SupportRequestRows *request)
{
	PlannerInfo *where;
	Aggref *aggref;

	if (request->root == NULL || !is_funcclause(request->node))
		return false;
	aggref = collecting_aggregate(request->root,
								  (Node *) linitial(((FuncExpr *) request->node)->args), &where);
	if (aggref == NULL)
		return false;
	request->rows = expected_customers(where, aggref->args);
	return request->rows > 0;
}

/*
 * What it costs to take over what a worker has collected: each customer is as dear as a row that
 * a worker hands over, which is what the server's setting is about. Without that, collecting in
 * parallel would look cheap where one process then has all the work of merging.
 */
static bool
estimate_combining(SupportRequestCost *request)
{
	ListCell *cell;

	if (request->root == NULL)
		return false;
	foreach (cell, request->root->aggtransinfos)
	{
		const AggTransInfo *info = lfirst(cell);

		if (info->combinefn_oid != request->funcid)
			continue;
		/* several collectors of a query mostly collect the same customers */
		request->startup = 0;
		request->per_tuple =
			cpu_operator_cost + parallel_tuple_cost * expected_customers(request->root, info->args);
		return true;
	}
	return false;
}

Datum
loyalty_base_customers_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);
	bool answered = false;

	if (IsA(request, SupportRequestRows))
		answered = estimate_rows((SupportRequestRows *) request);
	else if (IsA(request, SupportRequestCost))
		answered = estimate_combining((SupportRequestCost *) request);
	PG_RETURN_POINTER(answered ? request : NULL);
}

/* The same for functions that list customers one by one: what collect_is_list() knows them by. */
Datum
loyalty_base_list_support(PG_FUNCTION_ARGS)
{
	return loyalty_base_customers_support(fcinfo);
}

bool
collect_is_list(Oid function)
{
	RegProcedure support = get_func_support(function);
	FmgrInfo info;

	if (!OidIsValid(support))
		return false;
	fmgr_info(support, &info);
	return info.fn_addr == loyalty_base_list_support;
}
