/*
 * links.h
 *		Rows of the form (step, source, target, value), which charts of flows take.
 *
 * Such a chart knows a node by its name alone, and draws no circles. So names say at which level a
 * node stands: "order (2)". What isn't anything's own name, but the rest, or where it ends, is
 * written as no such name can be: "(other 2)".
 */
#ifndef LOYALTY_LINKS_H
#define LOYALTY_LINKS_H

#include "postgres.h"

#include "core/rows.h"

/* A node: what has a name, of so many bytes; or what is only called so. */
typedef struct LinkNode
{
	const char *name;
	int len;
	int level;
	bool is_named;
} LinkNode;

/* Puts the name that is unique, and that which isn't: NULL where a node has none of its own. */
extern void links_put_node(Rows *rows, const LinkNode *node);
extern void links_put_own_name(Rows *rows, const LinkNode *node);

#endif
