/*
 * retention_internal.h
 *		Cohort retention: what is asked, the fold over customers, and what a result holds.
 *
 * A customer's cohort is the period of his first active day. He is retained at
 * lag n if he is active in the n-th period after it, and retained after lag n if
 * he is active in that period or in a later one. Both are counted for all cells
 * (cohort, lag) at once: "retained after" follows from where customers end, since
 * who is last seen at lag m is retained after every lag up to m.
 *
 * Other kinds have other cohorts (each active period starts one; other events start
 * them), other lags (24 hours from a customer's own first instant), count more than one
 * lag at once (brackets, rolling windows) or ask for more than one day or order in a period
 * of those who are to be retained in it. A cell is (cohort, column):
 *
 *		single lags			column n: lag n
 *		windows of w		column n: lags n - w + 1 .. n, from column w on
 *		brackets			column n: the lags of the n-th bracket
 */
#ifndef LOYALTY_RETENTION_INTERNAL_H
#define LOYALTY_RETENTION_INTERNAL_H

#include "postgres.h"

#include "metric/metric.h"

/* ---- what is asked (retention_options.c) ---- */

/* Lags, both included. */
typedef struct RetentionBracket
{
	int32 from;
	int32 until;
} RetentionBracket;

/* What makes a customer retained where one event isn't enough: at_least so many of these. */
typedef enum RetentionCounted
{
	RETENTION_COUNTS_UNSAID, /* one is enough, or whoever gives options says it */
	RETENTION_COUNTS_DAYS,
	RETENTION_COUNTS_ORDERS /* those with one ref are one */
} RetentionCounted;

/* What kind of retention is counted. */
typedef struct RetentionKind
{
	bool recurring; /* each active period of a customer starts a cohort, not just the first */
	bool returns;	/* other events than those that start cohorts tell who comes back */
	int32 at_least; /* who has fewer in a period, or an elapsed lag, isn't retained in it */
	RetentionCounted counted;
	int32 rolling; /* columns are windows of so many lags; 0: they aren't */
	int64 elapsed; /* a lag is so many microseconds from a customer's first instant; 0: a period */
	int nbrackets; /* columns are these; 0: they aren't */
	RetentionBracket *brackets; /* sorted and distinct */
} RetentionKind;

/* The arguments of a metric: a function's, of days and of elapsed lags, or an aggregate's; and
 * what is folded over, which is the metric's kind. */
enum
{
	RETENTION_PERIOD,
	RETENTION_AS_OF,

	RETENTION_MODE,
	RETENTION_ELAPSED = RETENTION_MODE,
	RETENTION_BRACKETS,
	RETENTION_ROLLING,
	RETENTION_AT_LEAST,
	RETENTION_ARGUMENTS,

	RETENTION_OPTIONS = RETENTION_MODE,
	RETENTION_OPTIONS_END
};

/* Metric.open: the kind that the arguments ask for, or the options. */
extern void retention_open_arguments(MetricQuestion *question);
extern void retention_open_options(MetricQuestion *question);

/* That of the first activity, by single lags, with any activity. */
extern bool retention_kind_is_plain(const RetentionKind *kind);

/* The kind as JSON, {"mode": "first", ...}; and of the parameter "options", where NULL is the plain
 * one. */
extern char *retention_kind_text(const RetentionKind *kind);
extern void retention_kind_of_text(RetentionKind *kind, const char *text);

/* The lags of a column. */
static inline int64
retention_first_lag(const RetentionKind *kind, int64 column)
{
	if (kind->nbrackets > 0)
		return kind->brackets[column].from;
	return kind->rolling > 0 ? column - kind->rolling + 1 : column;
}

static inline int64
retention_last_lag(const RetentionKind *kind, int64 column)
{
	return kind->nbrackets > 0 ? kind->brackets[column].until : column;
}

/* The period with which a column of a cohort begins, by the calendar. A window does when its last
 * period has. */
static inline int64
retention_column_begins(const RetentionKind *kind, int32 cohort, int64 column)
{
	return cohort + (kind->nbrackets > 0 ? kind->brackets[column].from : column);
}

/* ---- the fold (retention_fold.c) ---- */

/* What is counted. The row of a cohort itself has its size, which the plain kind lacks: there it is
 * what is retained at lag 0. */
enum
{
	RETENTION_SIZE,
	RETENTION_RETAINED, /* customers active in a column */
	RETENTION_ENDED, /* customers for whom it is the last one; of a bracket: those active in it or
					  * later */
	RETENTION_ELIGIBLE, /* elapsed lags: customers for whom it is the last that is over; of a
						 * bracket: those for whom it is over */
	RETENTION_SUMS
};

/* Of all customers. */
enum
{
	RETENTION_IDLE, /* members without events up to as_of */
	RETENTION_GUESTS,
	RETENTION_CUSTOMERS, /* in cohorts; only recurring: else it is the sum of the sizes */
	RETENTION_TOTALS
};

/* ---- cells of everyone (retention_cells.c) ---- */

#define RETENTION_BLOCK 32

/* Neighbouring columns of a cohort. */
typedef struct RetentionBlock
{
	int64 size; /* of the cohort; in its first block, but not of the plain kind */
	int64 retained[RETENTION_BLOCK];
	int64 ended[RETENTION_BLOCK];
	int64 eligible[FLEXIBLE_ARRAY_MEMBER]; /* as many; elapsed lags only */
} RetentionBlock;

typedef struct RetentionCells
{
	bool has_eligible;
	Size block_size;
	MemoryContext context;
	struct blocks_hash *blocks;
	uint64 last_key; /* the block found last */
	RetentionBlock *last_block;
	struct BlockRoom *rooms; /* all memory for blocks, */
	char *free;				 /* where the next one comes from, */
	int64 free_blocks;		 /* and for how many there is room */
} RetentionCells;

/* In the current memory context. */
extern void retention_cells_open(RetentionCells *cells, bool has_eligible);

extern RetentionBlock *retention_cells_find(RetentionCells *cells, uint64 key);

/* Adds all cells to a tally, and forgets them. */
extern void retention_cells_flush(RetentionCells *cells, Tally *tally);

/* The block of a cell. */
static inline RetentionBlock *
retention_cells_block(RetentionCells *cells, int32 cohort, uint32 column)
{
	uint64 key = (uint64) (uint32) cohort << 32 | column / RETENTION_BLOCK;

	if (likely(key == cells->last_key && cells->last_block != NULL))
		return cells->last_block;
	return retention_cells_find(cells, key);
}

/* ---- the fold ---- */

/* Hooks of the metrics: see Metric. */
extern void *retention_start(const MetricQuestion *question, Tally *tally);
extern void retention_customer(void *fold, ByteSpan body);
extern void retention_customer_of_two(void *fold, ByteSpan starts, ByteSpan returns);
extern void retention_timeline(void *fold, ByteSpan body);
extern void retention_finish(void *fold, Tally *tally);

/* The metrics over bases (retention.c), by what they fold over. */
extern const Metric retention_by_days;
extern const Metric retention_by_returns;
extern const Metric retention_by_timelines;

/* ---- results, read (retention_counts.c) ---- */

/* Parameters of results. */
enum
{
	RETENTION_PARAMETER_PERIOD,
	RETENTION_PARAMETER_OPTIONS,
	RETENTION_PARAMETER_ZONE,
	RETENTION_PARAMETER_AS_OF,
	RETENTION_PARAMETER_LAST_DAY,
	RETENTION_PARAMETERS
};

typedef struct RetentionCell
{
	int64 column;
	int64 retained;
	int64 ended;
	int64 eligible;
} RetentionCell;

typedef struct RetentionCohort
{
	int32 number; /* of its period */
	int64 size;
	RetentionCell *cells; /* those that aren't zero, by column */
	int64 ncells;
} RetentionCohort;

/* Cohorts with customers only, in order: read one by one, since by day they have hundreds of
 * thousands of cells. */
typedef struct RetentionCounts
{
	const Tally *tally;
	RetentionKind kind;
	Calendar calendar;
	bool as_of_given;
	bool has_last_day;
	DateADT as_of;	  /* given: days after it don't count */
	DateADT last_day; /* the last active day that counted */

	TallyCursor cursor;
	const TallyRow *next; /* the next cohort's first row; NULL: there is none */
	bool is_plain;
	RetentionCohort cohort;
	int64 max_cells;
} RetentionCounts;

/* How many there are of all cohorts. */
typedef struct RetentionSizes
{
	int64 ncohorts;
	int64 memberships;
	int64 customers; /* in cohorts */
	int64 largest;	 /* cohort */
} RetentionSizes;

/* The kind that a result is of. */
extern void retention_kind_of(const Tally *tally, RetentionKind *kind);

/* Opens what a result is about, which has a period. */
extern void retention_counts_open(RetentionCounts *counts, const Tally *tally);

/* The day up to which was counted; false where there is none. */
extern bool retention_day_of_counts(const RetentionCounts *counts, DateADT *as_of);

extern void retention_first_cohort(RetentionCounts *counts);

/* The next cohort, valid until the one behind it is read; NULL behind the last one. */
extern const RetentionCohort *retention_next_cohort(RetentionCounts *counts);

/* False where there are more members than can be counted. */
extern bool retention_read_sizes(RetentionCounts *counts, RetentionSizes *sizes);

/* TallyShape.fault */
extern const char *retention_fault(const Tally *tally);

/* ---- who is in a cell ---- */

/* A number of the table that counts customers. */
typedef enum RetentionNumber
{
	RETENTION_OF_RETAINED,
	RETENTION_OF_RETAINED_AFTER,
	RETENTION_OF_ELIGIBLE,
	RETENTION_OF_COHORT,
	RETENTION_NUMBERS
} RetentionNumber;

/* A fold that counts nobody, but tells who is in a cell. */
extern void *retention_watch(const MetricQuestion *question, int32 cohort, int64 column,
							 RetentionNumber number);

/* Is the customer in the cell that the fold was given last? Forgets him. */
extern bool retention_watched(void *fold);

/* Has the table such a cell? All customers were seen. */
extern bool retention_has_watched(void *fold);

#endif
