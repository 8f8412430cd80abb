/*
 * growth_fold.c
 *		Counts growth over activity sets.
 */
#include "postgres.h"

#include "activity/activity.h"
#include "growth/growth.h"

typedef struct GrowthFold
{
	Calendar calendar;
	DateADT as_of;
	MetricCells cells;
} GrowthFold;

void *
growth_start(const MetricQuestion *question, Tally *tally)
{
	GrowthFold *fold = palloc0(sizeof(GrowthFold));

	calendar_open(&fold->calendar, question->period);
	fold->as_of = question->as_of;
	metric_cells_open(&fold->cells, tally);
	return fold;
}

void
growth_customer(void *of, ByteSpan body)
{
	GrowthFold *fold = of;
	DateADT as_of = fold->as_of;
	ActivityCursor cursor;
	DateADT day;
	int32 last;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &day) || day > as_of)
		return;
	last = calendar_index(&fold->calendar, day);
	metric_cell(&fold->cells, last)->sums[GROWTH_NEW]++;
	while (activity_next(&cursor, &day) && day <= as_of)
	{
		int32 period = calendar_index(&fold->calendar, day);

		if (period == last)
			continue;
		metric_cell(&fold->cells, period)
			->sums[period == last + 1 ? GROWTH_RETAINED : GROWTH_RESURRECTED]++;
		last = period;
	}
}
