/*
 * node.h
 *		The door of the plan node for GROUP BY customer: what the module calls when it is loaded.
 */
#ifndef LOYALTY_NODE_H
#define LOYALTY_NODE_H

#include "postgres.h"

/* loyalty.enable_group_node */
extern bool enable_group_node;

/* Makes the node known to planner and executor, at module load. */
extern void group_node_register(void);

#endif
