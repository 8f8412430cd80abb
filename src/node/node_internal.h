/*
 * node_internal.h
 *		The plan of the node for GROUP BY customer: what its planner's side (node_plan.c) tells its
 *		executor's side (node_exec.c).
 *
 *		Custom Scan (LoyaltyGroup)	qual: HAVING; targetlist: what stands above the aggregates
 *		  custom_scan_tlist			key, Aggref, Aggref ...
 *		  ->  child					key, argument or FILTER, argument or FILTER ...; or all columns
 *of a table
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

#include "access/parallel.h"
#include "executor/nodeAgg.h"
#include "nodes/execnodes.h"
#include "nodes/extensible.h"
#include "nodes/plannodes.h"
#include "nodes/value.h"

#include "collect/collect.h"
#include "collect/deal.h"
#include "node/node.h"

/* The name in plans. */
#define GROUP_NODE_NAME "LoyaltyGroup"

/* CustomScan.custom_private: Nodes alone, as plans are copied, and sent to workers. */
typedef enum GroupPlanPart
{
	GROUP_PLAN_COLUMNS, /* List of IntList, one for each Aggref of custom_scan_tlist, in order:
						 * child's column of its FILTER (0: none), then those of its arguments */
	GROUP_PLAN_GROUPS,	/* Float: estimated groups, before HAVING */
	GROUP_PLAN_KEY,		/* Integer: the child's column that holds the key */
	GROUP_PLAN_PARTS	/* how many there are */
} GroupPlanPart;

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

static inline int
group_plan_key(const CustomScan *scan)
{
	return intVal(list_nth(scan->custom_private, GROUP_PLAN_KEY));
}

/* ---- node_rows.c ---- */

/*
 * A row as it is dealt, behind its key:
 *
 *		bits		a byte for eight columns that can be NULL; set: it is
 *		columns		of a fixed length, in order
 *		columns		of their own length, in order; those that are NULL are left out
 *
 * Nothing is aligned. A filter is its bit: set where the row does not pass.
 */
typedef enum RowColumnKind
{
	COLUMN_VALUE,
	COLUMN_FILTER,
	COLUMN_SUMMARY /* what a summary form keeps of its arguments */
} RowColumnKind;

typedef struct RowColumn
{
	RowColumnKind kind;
	int child; /* the child's column, from 0; of a summary, its first argument's */
	int bit;   /* -1: never NULL */
	int16 length;
	bool by_value;
	bool packable; /* may have a short head */
	char align;
	uint32 offset; /* of one of a fixed length */
	int varying;   /* its number among those of their own length, from 0; -1: of a fixed length */

	const SummaryForm *form;
	const int *arguments; /* the child's columns */
	int filter;			  /* the column whose bit says that the row does not count; -1: none */
} RowColumn;

typedef struct GroupRows
{
	int ncolumns;
	RowColumn *columns; /* those of their own length last */
	int nvarying;
	int first_varying;
	uint32 bits_size;
	uint32 fixed_size; /* bits and columns of a fixed length */
	bool plain;		   /* all that a row has is one summary's arguments */

	/* of the row at hand, for the second step */
	struct varlena **values;
	uint32 *sizes;
} GroupRows;

/* Payloads of rows: either each so far behind the one before, or each where a pointer says. */
typedef struct RowBatch
{
	int n;
	const uint8 *first;
	size_t stride;
	const uint8 *const *rows; /* NULL: by stride */
} RowBatch;

static inline const uint8 *
batch_row(const RowBatch *batch, int i)
{
	return batch->rows != NULL ? batch->rows[i] : batch->first + (size_t) i * batch->stride;
}

/* Is a bit of a row set? */
static inline bool
row_bit(const uint8 *row, int bit)
{
	return bit >= 0 && (row[bit / 8] & (1 << bit % 8)) != 0;
}

/* Writes a row that is plain; there is nothing to be measured. */
static inline void
rows_write_plain(const GroupRows *rows, uint8 *to, const Datum *values, const bool *nulls)
{
	const RowColumn *column = &rows->columns[0];
	NullableDatum arguments[SUMMARY_MAX_ARGS];
	int i;

	for (i = 0; i < column->form->nargs; i++)
	{
		arguments[i].value = values[column->arguments[i]];
		arguments[i].isnull = nulls[column->arguments[i]];
	}
	column->form->deal(to, arguments);
}

/* Rows are made of columns added one by one; each returns its number. */
extern GroupRows *rows_create(int max_columns);
extern int rows_add_filter(GroupRows *rows, int child);
extern int rows_add_value(GroupRows *rows, TupleDesc desc, int child);
extern int rows_add_summary(GroupRows *rows, const SummaryForm *form, const int *arguments,
							int filter);

/* Gives each column its place; to is set to where each stands then. */
extern void rows_arrange(GroupRows *rows, int *to);

/* The size of a row of the child; what is toasted or short can be is made so, in the current
 * memory context. */
extern uint32 rows_measure(GroupRows *rows, const Datum *values, const bool *nulls);

/* Writes the row that was measured last. */
extern void rows_write(const GroupRows *rows, uint8 *to, const Datum *values, const bool *nulls);

/* Reads a column that is a value; what must be aligned and is not is copied to the current context.
 */
extern Datum rows_read(const GroupRows *rows, const uint8 *row, int column, bool *null);

/* ---- node_aggregates.c ---- */

typedef struct GroupAggregates GroupAggregates;

/*
 * Makes ready to call these aggregates. columns: for each a list of integers, the child's column of
 * its FILTER (0: none), then those of its arguments, from 1. Privileges are checked as the executor
 * checks them.
 */
extern GroupAggregates *aggregates_create(EState *estate, List *aggrefs, List *columns,
										  TupleDesc child, GroupRows **rows);

/* A group: starts it, whereby the memory of the one before goes; takes its rows in order; ends it.
 */
extern void aggregates_start(GroupAggregates *aggregates);
extern void aggregates_feed(GroupAggregates *aggregates, const RowBatch *batch);
extern void aggregates_finish(GroupAggregates *aggregates, Datum *values, bool *nulls);

/* The memory of the group at hand: it holds what was finished until the next one starts. */
extern MemoryContext aggregates_memory(const GroupAggregates *aggregates);

/* Lets go of the group at hand. */
extern void aggregates_end(GroupAggregates *aggregates);

/* ---- node_parallel.c ---- */

/* What was done, for EXPLAIN. */
typedef struct GroupCounts
{
	int64 rows; /* in groups */
	int64 groups;
	int64 parts;
	int64 written; /* bytes */
	Size memory;
} GroupCounts;

static inline void
group_counts_add(GroupCounts *counts, const GroupCounts *more)
{
	counts->rows += more->rows;
	counts->groups += more->groups;
	counts->parts += more->parts;
	counts->written += more->written;
	counts->memory += more->memory;
}

/* In shared memory. */
typedef struct GroupShared GroupShared;

extern Size group_shared_size(int workers);

/* For the leader, before workers start; and before they start again. */
extern void group_shared_create(GroupShared *shared, ParallelContext *context);
extern void group_shared_restart(GroupShared *shared);

/* For a worker. */
extern void group_shared_attach(GroupShared *shared);

/* For each participant: is there anything to be dealt? Into these, which are published then, when
 * all rows are; that waits for all others. */
extern bool group_shared_begin(GroupShared *shared, Deal *deal, Deal *keyless);
extern void group_shared_publish(GroupShared *shared, Deal *deal, Deal *keyless, int64 rows);

/* What all have published; returns how many rows there were. */
extern int64 group_shared_take_up(GroupShared *shared, Deal *deal, Deal *keyless);

/* A part that nobody has taken yet; beyond the last one there is nothing. */
extern int group_shared_next_part(GroupShared *shared);

/* Leaves one's counts to the leader, who adds those of the workers. */
extern void group_shared_note(GroupShared *shared, const GroupCounts *counts);
extern void group_shared_add_others(const GroupShared *shared, GroupCounts *counts);

/* ---- node_exec.c ---- */

extern const CustomScanMethods group_scan_methods;

#endif
