/*
 * repeat_purchase.h
 *		Who buys again, and how long that takes.
 *
 * Over activity sets a purchase is a day with one or several: buying twice on one day isn't
 * buying again. Over timelines it is an order: an event whose value isn't negative, or that
 * has none. Events with the same ref, such as the lines of an order or what an order earns,
 * are one; events without ref are one each.
 *
 * No fmgr here: repeat_rate.c, purchase_intervals.c and next_purchase.c are the SQL face.
 */
#ifndef LOYALTY_REPEAT_PURCHASE_H
#define LOYALTY_REPEAT_PURCHASE_H

#include "postgres.h"

#include "metric/metric.h"

/* ---- the repeat rate ---- */

/*
 * A result has a single row. Where only so many days count after a buyer's first purchase, only
 * buyers who have had all of them by as_of are eligible: the others could still come.
 */
enum
{
	REPEAT_BUYERS,
	REPEAT_ELIGIBLE,
	REPEAT_REPEATED, /* of those eligible */
	REPEAT_SUMS
};

extern void *repeat_rate_start(const MetricQuestion *question, Tally *tally);
extern void repeat_rate_by_days(void *fold, ByteSpan body);
extern void repeat_rate_by_orders(void *fold, ByteSpan body);

/* ---- intervals ---- */

/*
 *		n		days					sum
 *		0		of a gap				gaps: between one purchase day and the next
 *		1..		since the first one		reached: customers whose n-th purchase day that was
 *		1..		from the first one		waiting: customers who had n of them by as_of,
 *				to as_of				and not the next one
 *
 * up to the n that was asked for, of whom nobody waits for the next. So who reached the
 * n-th, less who waits there, reached the one after it.
 */
enum
{
	INTERVALS_N,
	INTERVALS_DAYS
};

enum
{
	INTERVALS_GAPS,
	INTERVALS_REACHED,
	INTERVALS_WAITING,
	INTERVALS_SUMS
};

extern void *purchase_intervals_start(const MetricQuestion *question, Tally *tally);
extern void purchase_intervals_customer(void *fold, ByteSpan body);

/* Rows of a result that have the same n, by days. */
typedef struct IntervalRows
{
	TallyRow **rows;
	int64 nrows;
} IntervalRows;

/* One of the sums, as a distribution over days. */
typedef struct Spread
{
	IntervalRows of;
	int sum;
	int128 count;
} Spread;

/* Those of an n among all rows. */
extern IntervalRows interval_rows(TallyRow **rows, int64 nrows, int64 n);

extern Spread spread_open(IntervalRows of, int sum);

/* NaN where there is nothing. */
extern double spread_mean(const Spread *spread);

/* Interpolated between neighbours, as percentile_cont() does; NaN where there is nothing. */
extern double spread_quantile(const Spread *spread, double q);

/*
 * Adds up who reached an n and who waits for it, n by n from 2 on, for Kaplan and Meier's median:
 * NaN where less than half get there.
 */
typedef struct ReachWalk
{
	struct SurvivalTime *waiting; /* before the n of the next call */
	int64 nwaiting;
} ReachWalk;

extern double reach_median(ReachWalk *walk, IntervalRows before, IntervalRows of);

#endif
