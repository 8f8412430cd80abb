/*
 * loyalty.c
 *		The module: what the server loads, its settings, and which concepts there are.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "activity/activity.h"
#include "collect/collect.h"
#include "node/node.h"
#include "timeline/timeline.h"

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "loyalty", .version = LOYALTY_VERSION);
#else
PG_MODULE_MAGIC;
#endif

/* A value near 1 GB passes some of the server's paths and breaks others; its text form is twice as
 * long. */
#define MAX_FLAT_SIZE_KB (700 * 1024)

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	DefineCustomIntVariable("loyalty.max_flat_size",
							"Size up to which a collected base may become a single value.",
							"Larger ones are refused: where a base leaves memory, and where a "
							"parallel worker hands over what it collected.",
							&max_flat_size, MAX_FLAT_SIZE_KB, 1, MAX_FLAT_SIZE_KB, PGC_USERSET,
							GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"loyalty.enable_group_node",
		"Lets GROUP BY customer and metrics be done by plan nodes of loyalty.",
		"The planner takes one where it is the cheapest: for one key and "
		"aggregates that loyalty's stand among, or for metrics over collectors.",
		&enable_group_node, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	MarkGUCPrefixReserved("loyalty");

	collect_register(&activity_collect_ops);
	collect_register(&timeline_collect_ops);
	collect_register_forms(activity_summary_forms);
	collect_register_forms(timeline_summary_forms);
	group_node_register();
}
