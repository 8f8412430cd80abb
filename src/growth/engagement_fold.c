/*
 * engagement_fold.c
 *		Counts stickiness and active days over activity sets.
 */
#include "postgres.h"

#include "activity/activity.h"
#include "growth/engagement.h"

/* ---- stickiness ---- */

typedef struct StickinessFold
{
	Calendar period;
	Calendar within;
	DateADT as_of;
	DateADT part_runs_from; /* days of the last part, if it isn't over */
	bool opened;			/* part_runs_from is known */
	MetricCells cells;
} StickinessFold;

void *
stickiness_start(const MetricQuestion *question, Tally *tally)
{
	StickinessFold *fold = palloc0(sizeof(StickinessFold));

	calendar_open(&fold->period, question->period);
	calendar_open(&fold->within, question->within);
	fold->as_of = question->as_of;
	metric_cells_open(&fold->cells, tally);
	return fold;
}

/* Is a part that as_of falls in over by then? It ends with its period at the latest. */
static bool
part_is_over(Calendar *within, DateADT period_end, DateADT as_of)
{
	return period_end == as_of + 1 ||
		   calendar_start(within, calendar_index(within, as_of) + 1) == as_of + 1;
}

/* Finds the days that don't count yet: those of the part of as_of, while it runs. */
static void
find_running_part(StickinessFold *fold)
{
	int32 period = calendar_index(&fold->period, fold->as_of);

	fold->opened = true;
	if (part_is_over(&fold->within, calendar_start(&fold->period, period + 1), fold->as_of))
		fold->part_runs_from = DATEVAL_NOEND;
	else
		fold->part_runs_from =
			Max(calendar_start(&fold->period, period),
				calendar_start(&fold->within, calendar_index(&fold->within, fold->as_of)));
}

int64
stickiness_parts(Calendar *within, DateADT start, DateADT end, DateADT as_of)
{
	DateADT last = Min(end - 1, as_of);
	int64 parts = (int64) calendar_index(within, last) - calendar_index(within, start) + 1;

	return last < end - 1 && !part_is_over(within, end, as_of) ? parts - 1 : parts;
}

void
stickiness_customer(void *of, ByteSpan body)
{
	StickinessFold *fold = of;
	DateADT as_of = fold->as_of;
	ActivityCursor cursor;
	DateADT day;
	TallyRow *row = NULL;
	int32 last_period = 0;
	int32 last_part = 0;

	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day) && day <= as_of)
	{
		int32 period = calendar_index(&fold->period, day);
		int32 part = calendar_index(&fold->within, day);

		if (row != NULL && period == last_period && part == last_part)
			continue;
		if (!fold->opened)
			find_running_part(fold);
		if (row == NULL || period != last_period)
		{
			row = metric_cell(&fold->cells, period);
			row->sums[STICKINESS_ACTIVE]++;
		}
		if (day < fold->part_runs_from)
			row->sums[STICKINESS_ACTIVE_WITHIN]++;
		last_period = period;
		last_part = part;
	}
}

/* ---- active days ---- */

typedef struct ActiveDaysFold
{
	int64 since;
	DateADT as_of;
	MetricCells cells;
} ActiveDaysFold;

void *
active_days_start(const MetricQuestion *question, Tally *tally)
{
	ActiveDaysFold *fold = palloc0(sizeof(ActiveDaysFold));

	fold->since = (int64) question->as_of - question->count + 1;
	fold->as_of = question->as_of;
	metric_cells_open(&fold->cells, tally);
	return fold;
}

void
active_days_customer(void *of, ByteSpan body)
{
	ActiveDaysFold *fold = of;
	ActivityCursor cursor;
	DateADT day;
	int32 days = 0;

	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day) && day <= fold->as_of)
		days += day >= fold->since;
	metric_cell(&fold->cells, days)->sums[0]++;
}
