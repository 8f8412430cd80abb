/*
 * stickiness.c
 *		How often active customers are active: stickiness().
 *
 * Stickiness of a period (a month) is the mean number of customers active in one of its
 * parts (a day), by the number of those active in it at all: daily by monthly active users.
 * Parts that reach over the period's edge, as weeks do, are cut there, and each piece is a
 * part. In the period that still runs only parts that are over count, so that it doesn't
 * look lower than it is.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "activity/activity.h"
#include "core/rows.h"
#include "metric/metric.h"

enum
{
	STICKINESS_ACTIVE,		  /* customers active in the period */
	STICKINESS_ACTIVE_WITHIN, /* those active in each of its parts, added up */
	STICKINESS_SUMS
};

/* ---- counting ---- */

typedef struct StickinessFold
{
	Calendar period;
	Calendar within;
	DateADT as_of;
	DateADT part_runs_from; /* days of the last part, if it isn't over */
	bool opened;			/* part_runs_from is known */
	MetricCells cells;
} StickinessFold;

static void *
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

/* How many parts of a period from start to end (exclusive) are over by as_of, which isn't before
 * start. */
static int64
stickiness_parts(Calendar *within, DateADT start, DateADT end, DateADT as_of)
{
	DateADT last = Min(end - 1, as_of);
	int64 parts = (int64) calendar_index(within, last) - calendar_index(within, start) + 1;

	return last < end - 1 && !part_is_over(within, end, as_of) ? parts - 1 : parts;
}

static void
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

/* ---- the result ---- */

static const MetricArgument stickiness_arguments[] = {
	METRIC_PERIOD_ARGUMENT,
	METRIC_AS_OF_ARGUMENT,
	{ "within", .type = METRIC_WITHIN, .by_default = "day" },
};

static const TallyParameter stickiness_parameters[] = {
	METRIC_PERIOD_PARAMETER,
	{ .name = "within",
	  .canonical = tally_canonical_period,
	  .hint = "Add up results within days, or within weeks." },
	METRIC_ZONE_PARAMETER,
	METRIC_AS_OF_PARAMETER,
};

static const TallyColumn stickiness_keys[] = { { "period", TALLY_PERIOD } };

static const TallyColumn stickiness_columns[STICKINESS_SUMS] = {
	[STICKINESS_ACTIVE] = { "active", TALLY_COUNT },
	[STICKINESS_ACTIVE_WITHIN] = { "active_within", TALLY_COUNT },
};

/* Opens the parameter "within"; false where there is none. */
static bool
open_within(const Tally *tally, Calendar *within)
{
	const char *text = metric_parameter(tally, "within");

	if (text == NULL)
		return false;
	calendar_open(within, calendar_period_parse(text));
	return true;
}

static const char *
find_stickiness_fault(const Tally *tally)
{
	const char *fault = metric_period_fault(tally);
	Calendar within;
	MetricPeriods periods;
	int64 nrows;
	TallyRow **rows;
	int64 i;

	if (fault != NULL)
		return fault;
	if (!open_within(tally, &within))
		return "There is no \"within\".";
	if (!metric_periods_open(&periods, tally))
		return NULL;
	rows = tally_rows(tally, &nrows);
	for (i = 0; i < nrows; i++)
	{
		int32 period = (int32) rows[i]->key.numbers[0];
		int128 active = rows[i]->sums[STICKINESS_ACTIVE];
		int128 sum = rows[i]->sums[STICKINESS_ACTIVE_WITHIN];
		DateADT end = calendar_start(&periods.calendar, period + 1);
		int64 parts = stickiness_parts(&within, calendar_start(&periods.calendar, period), end,
									   periods.as_of);

		if (sum > active * parts || (sum < active && end - 1 <= periods.as_of))
			return "\"active_within\" isn't what \"active\" customers can be.";
	}
	return NULL;
}

static const TallyShape stickiness_shape = {
	.type = "stickiness_result",
	.maker = "stickiness() and rollup()",
	TALLY_PARAMETERS(stickiness_parameters),
	TALLY_KEYS(stickiness_keys),
	TALLY_SUMS(stickiness_columns),
	.fault = find_stickiness_fault,
};

static const Metric stickiness = {
	.shape = &stickiness_shape,
	METRIC_ARGUMENTS(stickiness_arguments),
	.start = stickiness_start,
	.customer = stickiness_customer,
};

/* loyalty_stickiness_result_in, loyalty_stickiness_result_out, loyalty_stickiness_result_recv,
 * loyalty_stickiness_result_send, loyalty_stickiness_result_merge,
 * loyalty_stickiness_result_scope */
TALLY_TYPE(stickiness_result, &stickiness_shape)

PG_FUNCTION_INFO_V1(loyalty_stickiness_table);

/* loyalty_stickiness, (base, period, as_of, within); loyalty_stickiness_accum */
METRIC_FUNCTIONS(stickiness, &stickiness)

/* stickiness_table(result) */
Datum
loyalty_stickiness_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &stickiness_shape);
	Calendar within;
	MetricPeriods periods;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_periods_open(&periods, tally))
		return (Datum) 0;
	if (!open_within(tally, &within))
		report_corrupted();
	while (metric_periods_next(&periods))
	{
		int64 active = (int64) metric_sum(periods.row, STICKINESS_ACTIVE);
		int64 parts = stickiness_parts(&within, periods.start, periods.end, periods.as_of);
		double mean =
			parts > 0 ? (double) metric_sum(periods.row, STICKINESS_ACTIVE_WITHIN) / (double) parts
					  : NAN;

		rows_begin(&rows);
		metric_put_period(&rows, &periods);
		rows_put_count(&rows, active);
		rows_put_float(&rows, mean);
		rows_put_float(&rows, active > 0 ? mean / (double) active : NAN);
		rows_put_day(&rows, periods.as_of);
		rows_end(&rows);
	}
	return (Datum) 0;
}
