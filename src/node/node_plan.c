/*
 * node_plan.c
 *		The planner's side of the node for GROUP BY customer: which queries it can do, what that
 *		costs, and its plan. node_internal.h shows the plan. Metrics over everyone are handed on to
 *		node_fold_plan.c, and lists of customers are node_parts_plan.c's.
 *
 * It is one more path for the grouping, beside those of the server: the planner takes the
 * cheapest. It has no order.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "executor/nodeAgg.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/prep.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "node/node_internal.h"

bool enable_group_node = true;

static create_upper_paths_hook_type previous_upper_paths_hook = NULL;

/* What the path hands over to its plan, in CustomPath.custom_private. */
enum
{
	PATH_KEY,	  /* expression of the key */
	PATH_AGGREFS, /* the aggregates */
	PATH_COLUMNS, /* as GROUP_PLAN_COLUMNS */
	PATH_GROUPS,  /* as GROUP_PLAN_GROUPS */
	PATH_HAVING
};

/* ---- our aggregates ---- */

PG_FUNCTION_INFO_V1(loyalty_group_node_support);

/*
 * Answers no request. That our transition functions have it makes the planner load this library
 * when it asks what they cost, which is before it looks for paths of the grouping: so the first
 * statement of a session has the node, too. And the node knows our aggregates by it, whatever they
 * are called.
 */
Datum
loyalty_group_node_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}

static bool
is_ours(Oid transition)
{
	RegProcedure support = get_func_support(transition);
	FmgrInfo function;

	if (!OidIsValid(support))
		return false;
	fmgr_info(support, &function);
	return function.fn_addr == loyalty_group_node_support;
}

/* ---- what the node can do ---- */

/* A query, as the node sees it. */
typedef struct GroupQuery
{
	Expr *key;
	Index key_ref;	 /* its sortgroupref */
	List *aggrefs;	 /* each distinct one */
	bool has_ours;	 /* is one of them ours? */
	const char *why; /* the node can't; NULL: it can */
} GroupQuery;

static Oid
transition_function(Oid aggregate)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Oid transition;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggregate);
	transition = ((Form_pg_aggregate) GETSTRUCT(tuple))->aggtransfn;
	ReleaseSysCache(tuple);
	return transition;
}

const char *
plan_aggregate_obstacle(const Aggref *aggref, bool ours)
{
	if (aggref->aggdistinct != NIL)
		return "an aggregate has DISTINCT";
	if (aggref->aggkind != AGGKIND_NORMAL || aggref->aggdirectargs != NIL)
		return "an aggregate is an ordered-set aggregate";
	if (aggref->aggorder != NIL)
		return "an aggregate has ORDER BY";
	if (aggref->aggsplit != AGGSPLIT_SIMPLE)
		return "an aggregate is partial";
	/* "internal" is by value, and points to memory that the aggregate manages */
	if (!ours && (aggref->aggtranstype == INTERNALOID || !get_typbyval(aggref->aggtranstype)))
		return "the state of another aggregate isn't passed by value";
	if (contain_volatile_functions((Node *) aggref->args) ||
		contain_volatile_functions((Node *) aggref->aggfilter))
		return "an argument or a FILTER is volatile";
	return NULL;
}

/* Collects the aggregates of an expression, and looks for what a row of the node doesn't have. */
static bool
look_into(Node *node, GroupQuery *query)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		Aggref *aggref = (Aggref *) node;

		Assert(aggref->agglevelsup == 0);
		if (!list_member(query->aggrefs, aggref))
		{
			bool ours = is_ours(transition_function(aggref->aggfnoid));
			const char *why = plan_aggregate_obstacle(aggref, ours);

			query->has_ours = query->has_ours || ours;
			if (query->why == NULL)
				query->why = why;
			query->aggrefs = lappend(query->aggrefs, aggref);
		}
		return false;
	}
	if (query->key != NULL && equal(node, query->key))
		return false;
	if (IsA(node, Var) || IsA(node, PlaceHolderVar) || IsA(node, GroupingFunc))
	{
		if (query->why == NULL)
			query->why = "a column depends on the key, without being it";
		return false;
	}
	return expression_tree_walker(node, look_into, query);
}

/* Is the key of a type whose equal values have equal bytes? Domains are as what they are over. */
static const char *
key_obstacle(Expr *key, Oid equality)
{
	switch (get_opcode(equality))
	{
		case F_INT2EQ:
		case F_INT4EQ:
		case F_INT8EQ:
		case F_UUID_EQ:
			break;
		case F_TEXTEQ:
			if (!OidIsValid(exprCollation((Node *) key)) ||
				!get_collation_isdeterministic(exprCollation((Node *) key)))
				return "the collation of the key is nondeterministic";
			break;
		default:
			return "the key is no integer, uuid or text";
	}
	switch (getBaseType(exprType((Node *) key)))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case UUIDOID:
		case TEXTOID:
		case VARCHAROID:
			break;
		default:
			return "the key is no integer, uuid or text";
	}
	if (contain_volatile_functions((Node *) key))
		return "the key is volatile";
	return NULL;
}

/* What is grouped by, as far as the server hasn't found it to be redundant. */
static List *
group_clause(PlannerInfo *root)
{
#if PG_VERSION_NUM >= 160000
	return root->processed_groupClause;
#else
	return root->parse->groupClause;
#endif
}

static void
look_at_query(PlannerInfo *root, RelOptInfo *input, RelOptInfo *grouped, List *having,
			  GroupQuery *query)
{
	List *keys = group_clause(root);
	const char *key_why = NULL;

	memset(query, 0, sizeof(*query));
	if (IS_OTHER_REL(grouped))
		key_why = "each partition is grouped on its own";
	else if (root->parse->groupingSets != NIL)
		key_why = "there are grouping sets";
	else if (list_length(keys) != 1)
		key_why = "there is not exactly one key";
	else
	{
		SortGroupClause *clause = linitial_node(SortGroupClause, keys);

		query->key = (Expr *) get_sortgroupclause_expr(clause, root->processed_tlist);
		query->key_ref = clause->tleSortGroupRef;
		key_why = key_obstacle(query->key, clause->eqop);
	}

	/* the rest is looked at in any case: where no aggregate is ours, there is nothing to tell */
	look_into((Node *) grouped->reltarget->exprs, query);
	look_into((Node *) having, query);
	if (key_why != NULL)
		query->why = key_why;
	else if (query->why != NULL)
		;
	else if (root->parse->hasTargetSRFs)
		query->why = "a target returns a set";
	else if (PATH_REQ_OUTER(input->cheapest_total_path) != NULL)
		query->why = "its input has parameters";
	else if (pathkeys_contained_in(root->group_pathkeys, input->cheapest_total_path->pathkeys))
		query->why = "rows come in the order of the key";
}

/* ---- what it costs ---- */

/*
 * The server reckons for a row in a hash table: a hash of the key, and the transitions, which is
 * what they take in the cache. Where the table is larger than the caches they take several times as
 * much, and the server doesn't know. So the node is as cheap as the server believes its own table
 * to be, less the share that it measures to be below it at the least: 0.8 of it with a hundred
 * groups (and 0.2 in the best case), 0.3 with 5,000, less than 0.1 with 150,000, where it is rated
 * at 0.5. Beside a path over an index that comes out right: what measures as fast as all rows by
 * the node are the first 0.6 of them along the index, and by these figures 0.5.
 */
#define ROW_SHARE		0.8
#define ROW_SHARE_LARGE 0.5
#define CACHE_BYTES		(1024 * 1024)

/*
 * Writing a page of rows beyond the limit of memory and reading it again once, in pages read: both
 * are sequential, mostly stay in the system's memory, and measure as nothing beside the page faults
 * that more memory would take.
 */
#define SPILL_SHARE		0.25

/* Making the node ready, in operators: it pays from some hundred rows on. */
#define READY_OPERATORS 100

Cost
plan_spill_cost(double bytes, double limit)
{
	return bytes > limit ? SPILL_SHARE * seq_page_cost * (bytes - limit) / BLCKSZ : 0;
}

Cost
plan_transition_cost(PlannerInfo *root, const List *aggrefs, AggClauseCosts *costs)
{
	QualCost qual;
	ListCell *cell;

	/* what arguments and FILTERs cost is in these */
	get_agg_clause_costs(root, AGGSPLIT_SIMPLE, costs);
	foreach (cell, aggrefs)
	{
		Aggref *aggref = lfirst_node(Aggref, cell);

		cost_qual_eval_node(&qual, (Node *) aggref->args, root);
		costs->transCost.per_tuple -= qual.per_tuple;
		cost_qual_eval_node(&qual, (Node *) aggref->aggfilter, root);
		costs->transCost.per_tuple -= qual.per_tuple;
	}
	return Max(costs->transCost.per_tuple, 0);
}

static void
cost_group_path(PlannerInfo *root, Path *path, const Path *child, const List *aggrefs,
				double groups, List *having)
{
	AggClauseCosts costs = { 0 };
	QualCost qual;
	Cost row;
	Cost group;
	double limit = (double) get_hash_memory_limit();
	double rows = child->rows;

	row = plan_transition_cost(root, aggrefs, &costs) + cpu_operator_cost;
	row *= groups * hash_agg_entry_size(list_length(root->aggtransinfos), child->pathtarget->width,
										costs.transitionSpace) >
				   CACHE_BYTES
			   ? ROW_SHARE_LARGE
			   : ROW_SHARE;
	group = costs.finalCost.per_tuple + cpu_tuple_cost;

	path->rows = groups;
	path->startup_cost = child->total_cost + costs.transCost.startup + costs.finalCost.startup +
						 path->pathtarget->cost.startup + READY_OPERATORS * cpu_operator_cost +
						 row * rows;

	/* bits of what is NULL come with a row; participants share all of their rows by files */
	if (path->parallel_aware)
		limit = 0;
	path->startup_cost += plan_spill_cost(rows * (child->pathtarget->width + 1), limit);

	if (having != NIL)
	{
		cost_qual_eval(&qual, having, root);
		path->startup_cost += qual.startup;
		group += qual.per_tuple;
		path->rows =
			clamp_row_est(groups * clauselist_selectivity(root, having, 0, JOIN_INNER, NULL));
	}
	path->total_cost =
		path->startup_cost + group * groups + path->pathtarget->cost.per_tuple * path->rows;
}

double
plan_participants(int workers)
{
	double leader = parallel_leader_participation ? Max(1.0 - 0.3 * workers, 0) : 0;

	return workers > 0 ? workers + leader : 1;
}

/* ---- the path ---- */

static const CustomPathMethods path_methods;

/* A path over rows; by one process, or a share of several. */
static CustomPath *
make_group_path(PlannerInfo *root, RelOptInfo *input, RelOptInfo *grouped, const GroupQuery *query,
				List *having, Path *rows, int workers)
{
	PathTarget *target = create_empty_pathtarget();
	List *columns = NIL;
	CustomPath *path = makeNode(CustomPath);
	double groups;
	ListCell *cell;

	add_column_to_pathtarget(target, query->key, query->key_ref);
	foreach (cell, query->aggrefs)
		columns = lappend(columns, plan_child_columns(target, lfirst_node(Aggref, cell)));
	set_pathtarget_cost_width(root, target);
	groups = estimate_num_groups(root, list_make1(query->key),
								 rows->rows * plan_participants(workers), NULL, NULL);
	rows = plan_input_rows(root, input, rows, target);

	path->path.pathtype = T_CustomScan;
	path->path.parent = grouped;
	path->path.pathtarget = grouped->reltarget;
	path->path.parallel_aware = workers > 0;
	path->path.parallel_safe = grouped->consider_parallel && rows->parallel_safe;
	path->path.parallel_workers = workers;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = rows->disabled_nodes;
#endif
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(rows);
	path->custom_private = list_make5(query->key, query->aggrefs, columns,
									  makeFloat(psprintf("%.1f", groups)), having);
	path->methods = &path_methods;
	cost_group_path(root, &path->path, rows, query->aggrefs, groups / plan_participants(workers),
					having);
	return path;
}

static void
add_group_paths(PlannerInfo *root, RelOptInfo *input, RelOptInfo *grouped, const GroupQuery *query,
				List *having)
{
	add_path(grouped, (Path *) make_group_path(root, input, grouped, query, having,
											   input->cheapest_total_path, 0));
	if (grouped->consider_parallel && input->partial_pathlist != NIL)
	{
		/* each group is one participant's: so what they give together is complete */
		Path *rows = linitial(input->partial_pathlist);
		CustomPath *path =
			make_group_path(root, input, grouped, query, having, rows, rows->parallel_workers);
		double total = path->path.rows * plan_participants(rows->parallel_workers);

		if (!path->path.parallel_safe)
			return;
		add_partial_path(grouped, &path->path);
		/* it is gone if another one is better */
		if (linitial(grouped->partial_pathlist) == path)
			add_path(grouped, (Path *) create_gather_path(root, grouped, &path->path,
														  grouped->reltarget, NULL, &total));
	}
}

static void
add_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *grouped,
				void *extra)
{
	List *having;
	GroupQuery query;

	if (previous_upper_paths_hook != NULL)
		previous_upper_paths_hook(root, stage, input, grouped, extra);
	if (stage != UPPERREL_GROUP_AGG || !enable_group_node || !root->parse->hasAggs)
		return;
	having = (List *) ((GroupPathExtraData *) extra)->havingQual;
	if (root->parse->groupClause == NIL)
	{
		add_fold_paths(root, input, grouped, having);
		return;
	}
	look_at_query(root, input, grouped, having, &query);
	if (!query.has_ours)
		return;
	if (query.why != NULL)
		ereport(DEBUG1, (errmsg_internal("GROUP BY is left to the server: %s", query.why)));
	else
		add_group_paths(root, input, grouped, &query, having);
}

/* ---- the plan ---- */

/* Cheap conditions first, those that cost the same in the order in which they were written: as the
 * server has it in its own nodes. */
List *
plan_cheap_first(PlannerInfo *root, List *clauses)
{
	List *ordered = NIL;
	ListCell *cell;

	foreach (cell, clauses)
	{
		QualCost cost;
		int at = list_length(ordered);

		cost_qual_eval_node(&cost, lfirst(cell), root);
		while (at > 0)
		{
			QualCost before;

			cost_qual_eval_node(&before, list_nth(ordered, at - 1), root);
			if (before.per_tuple <= cost.per_tuple)
				break;
			at--;
		}
		ordered = list_insert_nth(ordered, at, lfirst(cell));
	}
	return ordered;
}

static Plan *
plan_group_path(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
				List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	Expr *key = list_nth(path->custom_private, PATH_KEY);
	List *having = list_nth(path->custom_private, PATH_HAVING);
	List *columns = list_nth(path->custom_private, PATH_COLUMNS);
	int *to = plan_take_whole_rows(root, linitial(custom_plans));
	AttrNumber column = 1;
	ListCell *cell;

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = plan_cheap_first(root, having);
	scan->flags = path->flags;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = list_make1(makeTargetEntry(key, column++, NULL, false));
	foreach (cell, (List *) list_nth(path->custom_private, PATH_AGGREFS))
		scan->custom_scan_tlist =
			lappend(scan->custom_scan_tlist, makeTargetEntry(lfirst(cell), column++, NULL, false));
	scan->custom_private = list_make3(to != NULL ? plan_moved_columns(columns, to) : columns,
									  list_nth(path->custom_private, PATH_GROUPS),
									  makeInteger(to != NULL ? to[1] : 1));
	scan->methods = &group_scan_methods;
	return &scan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = GROUP_NODE_NAME,
	.PlanCustomPath = plan_group_path,
};

void
group_node_register(void)
{
	RegisterCustomScanMethods(&group_scan_methods);
	RegisterCustomScanMethods(&fold_scan_methods);
	RegisterCustomScanMethods(&rollup_scan_methods);
	previous_upper_paths_hook = create_upper_paths_hook;
	create_upper_paths_hook = add_upper_paths;
	plan_register_parts();
}
