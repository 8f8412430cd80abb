/*
 * purchase_intervals_fold.c
 *		Counts gaps between purchase days, and when customers reach their n-th one.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "activity/activity.h"
#include "retention/repeat_purchase.h"

typedef struct IntervalsFold
{
	DateADT as_of;
	int64 up_to;
	MetricCells gaps;
	MetricCells *nth; /* by n, from 1 to up_to */
} IntervalsFold;

void *
purchase_intervals_start(const MetricQuestion *question, Tally *tally)
{
	IntervalsFold *fold = palloc0(sizeof(IntervalsFold));
	int64 n;

	fold->as_of = question->as_of;
	fold->up_to = question->number;
	metric_cells_open_under(&fold->gaps, tally, 0);
	fold->nth = palloc((fold->up_to + 1) * sizeof(MetricCells));
	for (n = 1; n <= fold->up_to; n++)
		metric_cells_open_under(&fold->nth[n], tally, n);
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
	metric_cell(&fold->nth[1], 0)->sums[INTERVALS_REACHED]++;
	last = first;
	while (activity_next(&cursor, &day) && day <= as_of)
	{
		metric_cell(&fold->gaps, day - last)->sums[INTERVALS_GAPS]++;
		if (++n <= fold->up_to)
			metric_cell(&fold->nth[n], day - first)->sums[INTERVALS_REACHED]++;
		last = day;
		CHECK_FOR_INTERRUPTS();
	}
	if (n < fold->up_to)
		metric_cell(&fold->nth[n], as_of - first)->sums[INTERVALS_WAITING]++;
}
