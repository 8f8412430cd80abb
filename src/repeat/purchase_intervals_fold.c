/*
 * purchase_intervals_fold.c
 *		Counts gaps between purchase days, and when customers reach their n-th one.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "activity/activity.h"
#include "repeat/repeat_purchase.h"

typedef struct IntervalsFold
{
	DateADT as_of;
	int64 up_to;
	MemoryContext context;
	Tally *tally;
	MetricCells gaps;
	MetricCells *nth; /* by n, from 1 on, as far as a customer came */
	int64 nnth;
	int64 max_nth;
} IntervalsFold;

/* Most groups are small, and few customers come far. */
#define FIRST_NTH 8

/* The cells of n, which are there for all before. */
static MetricCells *
reach(IntervalsFold *fold, int64 n)
{
	if (unlikely(n > fold->nnth))
	{
		MemoryContext old = MemoryContextSwitchTo(fold->context);

		Assert(n == fold->nnth + 1);
		if (n > fold->max_nth)
		{
			fold->max_nth *= 2;
			fold->nth = repalloc(fold->nth, fold->max_nth * sizeof(MetricCells));
		}
		metric_cells_open_under(&fold->nth[n - 1], fold->tally, n);
		fold->nnth = n;
		MemoryContextSwitchTo(old);
	}
	return &fold->nth[n - 1];
}

void *
purchase_intervals_start(const MetricQuestion *question, Tally *tally)
{
	IntervalsFold *fold = palloc0(sizeof(IntervalsFold));

	fold->as_of = question->as_of;
	fold->up_to = question->count;
	metric_cells_open_under(&fold->gaps, tally, 0);
	fold->context = CurrentMemoryContext;
	fold->tally = tally;
	fold->max_nth = FIRST_NTH;
	fold->nth = palloc(fold->max_nth * sizeof(MetricCells));
	return fold;
}

void
purchase_intervals_customer(void *of, ByteSpan body)
{
	IntervalsFold *fold = of;
	DateADT as_of = fold->as_of;
	ActivityCursor cursor;
	DateADT first;
	DateADT last;
	DateADT day;
	int64 n = 1;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &first) || first > as_of)
		return;
	metric_cell(reach(fold, 1), 0)->sums[INTERVALS_REACHED]++;
	last = first;
	while (activity_next(&cursor, &day) && day <= as_of)
	{
		metric_cell(&fold->gaps, day - last)->sums[INTERVALS_GAPS]++;
		if (++n <= fold->up_to)
			metric_cell(reach(fold, n), day - first)->sums[INTERVALS_REACHED]++;
		last = day;
		CHECK_FOR_INTERRUPTS();
	}
	if (n < fold->up_to)
		metric_cell(reach(fold, n), as_of - first)->sums[INTERVALS_WAITING]++;
}
