/*
 * node_internal.h
 *		The plan of the node for GROUP BY customer: what its planner's side (node_plan.c) tells its
 *		executor's side (node_exec.c).
 *
 *		Custom Scan (LoyaltyGroup)	qual: HAVING; targetlist: what stands above the aggregates
 *		  custom_scan_tlist			key, Aggref, Aggref ...
 *		  ->  child					key, argument or FILTER, argument or FILTER ...; or all columns
 *		  of a table
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
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "nodes/value.h"
#include "storage/sharedfileset.h"

#include "collect/collect.h"
#include "collect/deal.h"
#include "collect/pieces.h"
#include "metric/metric.h"
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

/* Advances them by a row as it came from the child, which has their columns; for aggregates without
 * a summary's form. And the state of one, which is "internal"; NULL: it has none. */
extern void aggregates_feed_slot(GroupAggregates *aggregates, const TupleTableSlot *slot);
extern void *aggregates_state(const GroupAggregates *aggregates, int number);

/* Its state is a collector, which takes rows from the child by this; NULL: by the transition. */
extern void aggregates_take_by(GroupAggregates *aggregates, int number, CollectTake take);

/* May the user call this function? */
extern void aggregates_check_execute(Oid function, Oid role, ObjectType type);

/* ---- node_parallel.c ---- */

/* What was done, for EXPLAIN. */
typedef struct NodeCounts
{
	int64 rows; /* in groups */
	int64 groups;
	int64 parts;
	int64 written; /* bytes */
	Size memory;
} NodeCounts;

static inline void
node_counts_add(NodeCounts *counts, const NodeCounts *more)
{
	counts->rows += more->rows;
	counts->groups += more->groups;
	counts->parts += more->parts;
	counts->written += more->written;
	counts->memory += more->memory;
}

extern void node_explain_counts(const NodeCounts *counts, struct ExplainState *es);

/* In shared memory; each participant has a share there, of as many bytes as the node needs. */
typedef struct NodeShared NodeShared;

extern Size node_shared_size(int workers, Size share);

/* For the leader, before workers start; and before they start again. */
extern void node_shared_create(NodeShared *shared, ParallelContext *context, Size share);
extern void node_shared_restart(NodeShared *shared);

/* For a worker. */
extern void node_shared_attach(NodeShared *shared);

/* The number of this participant, and of how many: the leader is the first. Their shares, which are
 * zeros at first. */
extern int node_shared_number(void);
extern int node_shared_participants(const NodeShared *shared);
extern void *node_shared_share(const NodeShared *shared, int n);

/* The files that they share. */
extern SharedFileSet *node_shared_files(NodeShared *shared);

/* For each participant: is there anything to be dealt? Then it waits for all others, when its share
 * says where its rows are. */
extern bool node_shared_begin(NodeShared *shared);
extern void node_shared_wait(NodeShared *shared);

/* A part that nobody has taken yet; beyond the last one there is nothing. */
extern int node_shared_next_part(NodeShared *shared);

/* Leaves one's counts to the leader, who adds those of the workers. */
extern void node_shared_note(NodeShared *shared, const NodeCounts *counts);
extern void node_shared_add_others(const NodeShared *shared, NodeCounts *counts);

/* ---- node_scan.c ---- */

/* What every node's state begins with. */
typedef struct NodeState
{
	CustomScanState css;
	PlanState *child;
	MemoryContext context; /* of all that the node holds */
	bool done;			   /* there is no more row */
	NodeCounts counts;	   /* of this process, over all scans */
	NodeCounts others;	   /* of workers that are gone */
	NodeShared *shared;	   /* with other participants; NULL: there are none */
} NodeState;

/* A node, beside what all do alike. */
typedef struct NodeMethods
{
	CustomExecMethods exec; /* first */
	const char *memory;		/* the name of its context */

	/* Makes ready; child and context are there. */
	void (*begin)(NodeState *state, EState *estate);

	/* Stores the next row in the slot, which is empty. */
	TupleTableSlot *(*next)(NodeState *state, TupleTableSlot *slot);

	/* Goes back to before the first row. same_rows: the child would give the same ones again; then
	 * true says that it need not, since they were kept. */
	bool (*rewind)(NodeState *state, bool same_rows);

	/* Bytes of a participant's share; NULL: there are no workers. */
	Size (*share_size)(const NodeState *state);
} NodeMethods;

extern Node *node_create(Size size, const NodeMethods *methods);

extern void node_begin(CustomScanState *node, EState *estate, int eflags);
extern TupleTableSlot *node_exec(CustomScanState *node);
extern void node_rescan(CustomScanState *node);
extern void node_end(CustomScanState *node);
extern void node_explain(CustomScanState *node, List *ancestors, struct ExplainState *es);
extern Size node_estimate_shared(CustomScanState *node, ParallelContext *context);
extern void node_create_shared(CustomScanState *node, ParallelContext *context, void *shared);
extern void node_restart_shared(CustomScanState *node, ParallelContext *context, void *shared);
extern void node_attach_shared(CustomScanState *node, shm_toc *toc, void *shared);
extern void node_shutdown(CustomScanState *node);

/* For NodeMethods.exec: of every node, and of those with workers. */
#define NODE_EXEC_METHODS                                                                  \
	.BeginCustomScan = node_begin, .ExecCustomScan = node_exec, .EndCustomScan = node_end, \
	.ReScanCustomScan = node_rescan

#define NODE_SHARED_METHODS                                                                       \
	.EstimateDSMCustomScan = node_estimate_shared, .InitializeDSMCustomScan = node_create_shared, \
	.ReInitializeDSMCustomScan = node_restart_shared,                                             \
	.InitializeWorkerCustomScan = node_attach_shared, .ShutdownCustomScan = node_shutdown

/* ---- node_collect.c ---- */

/* A collector that a node feeds. */
typedef struct NodeInput
{
	Collector *collector; /* NULL: it had no row */
	Collector *piece;	  /* has the part at hand, or is NULL, too */
	int64 guests;		  /* rows without customer that this process got */
	bool needs_last;	  /* for the caller to say: somebody will ask for the last event */
} NodeInput;

/*
 * Collectors that take all rows of a node's child, as they do in an Aggregate. Then their parts are
 * read one after another, by this process or by all participants, and forgotten: nobody has
 * everyone at once. All have as many parts, and a customer is in the same one of each. A part that
 * is too large comes in pieces, each of which is a part like any other to who reads it.
 */
typedef struct NodeCollect
{
	NodeState *node;
	GroupAggregates *aggregates;
	int ncolumns; /* of the child, that collectors need */
	int ninputs;
	NodeInput *inputs;
	size_t limit;
	int next_part; /* where there are no others */
	Pieces pieces; /* of the part at hand */
} NodeCollect;

/* columns: as GROUP_PLAN_COLUMNS. */
extern void node_collect_begin(NodeCollect *collect, NodeState *node, EState *estate, List *aggrefs,
							   List *columns);

/* Collects all rows; what is known of all participants' rows is known then. */
extern void node_collect_rows(NodeCollect *collect);

/* A part that nobody has read yet; false: there is none. Counts its customers, of all inputs, for
 * EXPLAIN, too; and forgets it. */
extern bool node_collect_next_part(NodeCollect *collect, int *part);
extern int64 node_collect_count_part(NodeCollect *collect, int part);
extern void node_collect_forget_part(NodeCollect *collect, int part);

/* Opens the part at hand of what an input has collected, or all of it (-1); NULL: there is nothing.
 */
extern const Base *node_collect_open(const NodeInput *input, Base *base, int part);

extern void node_collect_note_memory(NodeCollect *collect);

/* Forgets everything. */
extern void node_collect_rewind(NodeCollect *collect);

/* Bytes of a participant's share of so many inputs. */
extern Size node_collect_share_size(const NodeCollect *collect);

/* ---- node_exec.c ---- */

extern const CustomScanMethods group_scan_methods;

/* No limit of memory is below this: a few chunks for each part. */
#define NODE_LIMIT_MIN	 ((size_t) 1024 * 1024)

/* ---- node_fold.c ---- */

/*
 * The node for metrics over everyone, such as retention(activities(customer, at), 'month'):
 *
 *		Custom Scan (LoyaltyFold)		custom_scan_tlist: metric, metric ...
 *		  ->  child						argument or FILTER of a collector ...
 *
 * Collectors take the child's rows, as they do in an Aggregate; and each part is grouped, folded by
 * the metrics, and forgotten: nobody has everyone at once. With workers, each takes parts (as
 * node_parallel.c shows) and gives one row: for each metric the bytes of a result. Above Gather
 * these are added up:
 *
 *		Custom Scan (LoyaltyRollup)		custom_scan_tlist: metric, metric ...
 *		  ->  Gather
 *				->  Parallel Custom Scan (LoyaltyFold)
 *
 * Arguments of metrics behind the bases are custom_exprs, one after another. What stands above the
 * metrics is computed by projection, as in the node for GROUP BY.
 */
#define FOLD_NODE_NAME	 "LoyaltyFold"
#define ROLLUP_NODE_NAME "LoyaltyRollup"

/* CustomScan.custom_private of LoyaltyFold. */
typedef enum FoldPlanPart
{
	FOLD_PLAN_COLUMNS, /* as GROUP_PLAN_COLUMNS, of each collector */
	FOLD_PLAN_INPUTS   /* List of IntList, for each metric: its bases, as numbers of collectors */
} FoldPlanPart;

/* The call of a metric that an entry of custom_scan_tlist is; with workers it is one as bytea. */
extern FuncExpr *fold_metric_call(const TargetEntry *entry, bool *as_bytes);

/* The collector that is an argument of such a call; NULL: it is none. */
extern Aggref *fold_collector(Node *argument);

extern const CustomScanMethods fold_scan_methods;

/* ---- node_rollup.c ---- */

extern const CustomScanMethods rollup_scan_methods;

/* What a participant gives of a metric: its result, and the names that it asked about. */
extern Datum partial_result(const Tally *tally, const MetricNames *names);

/* ---- node_parts.c ---- */

/*
 * The node for a list of customers over a base, such as customer_timelines(timelines(customer, at))
 * by LATERAL:
 *
 *		Nested Loop
 *		  ->  Custom Scan (LoyaltyParts)	custom_scan_tlist: the collector
 *				->  child					argument or FILTER of it ...
 *		  ->  Function Scan on customer_timelines
 *
 * It collects as LoyaltyFold does, and gives part after part as a base of some customers: where the
 * sub-select has one row of everyone, this has several, and the join the same rows of customers.
 * With workers all of that is below Gather, with a Parallel Custom Scan (LoyaltyParts).
 */
#define PARTS_NODE_NAME "LoyaltyParts"

/* CustomScan.custom_private of LoyaltyParts. */
typedef enum PartsPlanPart
{
	PARTS_PLAN_COLUMNS,	  /* as GROUP_PLAN_COLUMNS, of the only collector */
	PARTS_PLAN_NEEDS_LAST /* Boolean: the list may ask for the last event */
} PartsPlanPart;

extern const CustomScanMethods parts_scan_methods;

/* ---- node_input.c ---- */

/* Of one aggregate: the columns of its FILTER and of its arguments in the child's target, which
 * gets them. */
extern List *plan_child_columns(PathTarget *target, const Aggref *aggref);

/* The rows of a path of the input, or of a partition of it, with the columns of a target over the
 * input and no others. Where they are those of one partition after another, each partition's scan
 * computes them. */
extern Path *plan_input_rows(PlannerInfo *root, RelOptInfo *input, Path *path, PathTarget *target);

/* Takes the rows of a plan that scans a table whole, or partitions that are alike: returns where
 * the columns of its target stand then, from 1 on; NULL: nothing changes. And columns of
 * aggregates, as they are then; no column (0) stays that. */
extern int *plan_take_whole_rows(PlannerInfo *root, Plan *child);
extern List *plan_moved_columns(List *columns, const int *to);

/* ---- node_plan.c ---- */

/* How many processes share the rows of a path, as the server reckons: the leader less so, the more
 * workers it has to read from. */
extern double plan_participants(int workers);

/* Why a node can't do an aggregate, or NULL. */
extern const char *plan_aggregate_obstacle(const Aggref *aggref, bool ours);

/* What transitions cost a row, without the arguments and FILTERs that the child evaluates. */
extern Cost plan_transition_cost(PlannerInfo *root, const List *aggrefs, AggClauseCosts *costs);

/* Writing so many bytes beyond the limit of memory and reading them again. */
extern Cost plan_spill_cost(double bytes, double limit);

/* Conditions in the order in which they are to be looked at. */
extern List *plan_cheap_first(PlannerInfo *root, List *clauses);

/* ---- node_fold_plan.c ---- */

/* Adds the paths of metrics over everyone, where the query is one of them. */
extern void add_fold_paths(PlannerInfo *root, RelOptInfo *input, RelOptInfo *grouped, List *having);

/* Does an aggregate collect a base? */
extern bool plan_is_collector(Oid aggregate);

/* What a node costs that collects the rows of a child and reads the parts, up to its first row. */
extern void plan_cost_collecting(PlannerInfo *root, Path *path, const Path *child,
								 const List *aggrefs);

/* ---- node_parts_plan.c ---- */

/* Makes the node for lists of customers known, at module load. */
extern void plan_register_parts(void);

#endif
