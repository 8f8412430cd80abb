/*
 * node_internal.h
 *		The plan of the node for GROUP BY customer: what its planner's side (node_plan.c) tells its
 *		executor's side (node_exec.c).
 *
 *		Custom Scan (LoyaltyGroup)	qual: HAVING; targetlist: what stands above the aggregates
 *		  custom_scan_tlist			key, Aggref, Aggref ...
 *		  ->  child					key, argument or FILTER, argument or FILTER ...
 *
 * The target list and HAVING refer to custom_scan_tlist (INDEX_VAR), so projection is the
 * server's. The Aggrefs in there tell which aggregates there are: their arguments aren't to be
 * evaluated, since the child did so. Each distinct expression is one column of the child.
 *
 * Rows of a group are to reach their aggregates in the order in which they came, as the executor's
 * own GROUP BY has it: sums of floats then are the same.
 */
#ifndef LOYALTY_NODE_INTERNAL_H
#define LOYALTY_NODE_INTERNAL_H

#include "postgres.h"

#include "nodes/extensible.h"
#include "nodes/plannodes.h"
#include "nodes/value.h"

#include "node/node.h"

/* The name in plans. */
#define GROUP_NODE_NAME "LoyaltyGroup"

/* CustomScan.custom_private: Nodes alone, as plans are copied, and sent to workers. */
typedef enum GroupPlanPart
{
	GROUP_PLAN_COLUMNS, /* List of IntList, one for each Aggref of custom_scan_tlist, in order:
						 * child's column of its FILTER (0: none), then those of its arguments */
	GROUP_PLAN_GROUPS,	/* Float: estimated groups, before HAVING */
	GROUP_PLAN_PARTS	/* how many there are */
} GroupPlanPart;

/* The child's column that holds the key. */
#define GROUP_KEY_COLUMN 1

/* Columns of an aggregate, 0 being the first. */
static inline List *
group_plan_columns(const CustomScan *scan, int aggregate)
{
	return (List *) list_nth(list_nth(scan->custom_private, GROUP_PLAN_COLUMNS), aggregate);
}

static inline double
group_plan_groups(const CustomScan *scan)
{
	return floatVal(list_nth(scan->custom_private, GROUP_PLAN_GROUPS));
}

/* ---- node_exec.c ---- */

extern const CustomScanMethods group_scan_methods;

#endif
