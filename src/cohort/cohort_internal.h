/*
 * cohort_internal.h
 *		What the customers of each cohort bring, lag by lag: what is asked, what is counted, and how
 *		a result is walked through.
 *
 * A customer is acquired with his first event, of whatever kind: its period is his cohort, and no
 * money of his lies before it. Lags are periods after that one, or so much time each from his own
 * first instant. What is counted together is a column:
 *
 *		no horizons			column n: lag n
 *		horizons 30, 60		column 0: lags 0 .. 29; column 1: 30 .. 59; column 2: from 60 on
 *
 * A column is over by a lag, its horizon: 30, 60, never. By the calendar it is over for a cohort at
 * once; by elapsed time, customer by customer.
 */
#ifndef LOYALTY_COHORT_INTERNAL_H
#define LOYALTY_COHORT_INTERNAL_H

#include "postgres.h"

#include "core/decimal.h"
#include "core/ref.h"
#include "metric/metric.h"

/* ---- lags and columns ---- */

#define COHORT_MAX_HORIZONS 1000

/* The horizon of the column behind all horizons. */
#define COHORT_NEVER		PG_INT64_MAX

typedef struct CohortLags
{
	int64 elapsed;		   /* microseconds; 0: periods of the calendar */
	int nhorizons;		   /* 0: each lag is a column */
	const int32 *horizons; /* ascending */
} CohortLags;

/* The column that a lag is in. */
static inline int64
cohort_column(const CohortLags *lags, int64 lag)
{
	int low = 0;
	int high = lags->nhorizons;

	if (lags->nhorizons == 0)
		return lag;
	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (lags->horizons[middle] <= lag)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static inline int64
cohort_first_lag(const CohortLags *lags, int64 column)
{
	if (lags->nhorizons == 0)
		return column;
	return column == 0 ? 0 : lags->horizons[column - 1];
}

static inline int64
cohort_horizon(const CohortLags *lags, int64 column)
{
	if (lags->nhorizons == 0)
		return column + 1;
	return column < lags->nhorizons ? lags->horizons[column] : COHORT_NEVER;
}

/* ---- what is asked (cohort_value.c) ---- */

typedef struct CohortAsked
{
	CohortLags lags;
	bool has_cost_kind;
	EventText cost_kind;
	const char *cost_kind_text;
} CohortAsked;

/* ---- what is counted ---- */

/*
 * Of a cohort in a column. The first and COHORT_COST are the cohort's, and stand in column 0.
 *
 * COHORT_SQUARES adds up to the sum of squares of what each customer has brought so far: in each
 * column there is how much larger his square has become. Those from COHORT_RUNNING on are of
 * elapsed lags: a customer leaves what is known up to a column's end with the first one that isn't
 * over for him, by taking out what he had brought to it. There COHORT_SQUARES are of those who are
 * left.
 */
enum
{
	COHORT_ACQUIRED, /* customers */
	COHORT_ACTIVE,	 /* who bought something */
	COHORT_ORDERS,
	COHORT_REVENUE,
	COHORT_SQUARES,
	COHORT_COST,		 /* of acquisition, where a kind of events tells it */
	COHORT_RUNNING,		 /* customers for whom it is the first that isn't over */
	COHORT_DUE,			 /* revenue of those for whom it is over */
	COHORT_DROPPED,		 /* what those for whom it is running had brought up to it ... */
	COHORT_COST_DROPPED, /* ... and had cost */
	COHORT_SUMS
};

/* Squares have twice as many decimals, at most a tally's: all sums stand at the doubled scale. */
#define COHORT_MAX_DECIMALS (DECIMAL_MAX_SCALE / 2)

/* ---- the fold (cohort_fold.c) ---- */

extern void *cohort_fold_start(const MetricQuestion *question, Tally *tally);
extern void cohort_fold_customer(void *fold, ByteSpan body);
extern void cohort_fold_finish(void *fold, Tally *tally);

/* ---- results (cohort_value.c) ---- */

extern const TallyShape cohort_value_shape;

typedef struct CohortResult
{
	CohortLags lags;
	bool has_cost;
	MetricCalendar calendar;
	int decimals; /* of amounts, which are in units of 10^-decimals */
	int128 unit;  /* what such an amount is multiplied with in the tally */
	TallyRow **row;
	TallyRow **end;
} CohortResult;

/* A cohort, and a walk through its columns. */
typedef struct CohortWalk
{
	const CohortResult *result;
	int32 number; /* of its period */
	int64 size;
	int128 cost; /* of acquiring all of them */
	int64 last;	 /* the last column that has begun */
	TallyRow **row;
	TallyRow **end;

	int64 column; /* where the walk stands; -1: before the first one */
	int64 active;
	int64 orders;
	int128 revenue;
	int128 cumulative; /* revenue up to here */
	bool is_over;	   /* for the whole cohort */

	/* By the calendar these are the whole cohort's, too; by elapsed lags, of those for whom the
	 * column is over. */
	int64 eligible;
	int128 eligible_revenue;
	int128 eligible_cumulative;
	int128 eligible_squares; /* of what each has brought up to here */
	int128 eligible_cost;
} CohortWalk;

/* Opens a result for walking; false where it has no cohorts. */
extern bool cohort_result_open(CohortResult *result, const Tally *tally);

/* The next cohort; the walk stands before its first column. */
extern bool cohort_next(CohortResult *result, CohortWalk *walk);

/* Steps to the next column. */
extern void cohort_step(CohortWalk *walk);

#endif
