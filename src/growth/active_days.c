/*
 * active_days.c
 *		On how many of the last days customers are active: active_days_histogram().
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "activity/activity.h"
#include "core/rows.h"
#include "metric/metric.h"

/* ---- counting ---- */

typedef struct ActiveDaysFold
{
	int64 since;
	DateADT as_of;
	MetricCells cells;
} ActiveDaysFold;

static void *
active_days_start(const MetricQuestion *question, Tally *tally)
{
	ActiveDaysFold *fold = palloc0(sizeof(ActiveDaysFold));

	fold->since = (int64) question->as_of - question->count + 1;
	fold->as_of = question->as_of;
	metric_cells_open(&fold->cells, tally);
	return fold;
}

/* Counts customers by how many of the question's days up to as_of they were active on. */
static void
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

/* ---- the result ---- */

static const MetricArgument active_days_arguments[] = {
	METRIC_AS_OF_ARGUMENT,
	{ "days", .type = METRIC_COUNT, .by_default = "28" },
};

static const TallyParameter active_days_parameters[] = { METRIC_COUNT_PARAMETER("days"),
														 METRIC_ZONE_PARAMETER,
														 METRIC_AS_OF_PARAMETER };

static const TallyColumn active_days_keys[] = { { "active_days", TALLY_NUMBER } };
static const TallyColumn active_days_columns[] = { { "customers", TALLY_COUNT } };

static const char *
find_active_days_fault(const Tally *tally)
{
	const char *days = metric_parameter(tally, "days");
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	DateADT as_of;

	if (days == NULL)
		return "There is no \"days\".";
	if (nrows == 0)
		return NULL;
	if (rows[0]->key.numbers[0] < 0 || rows[nrows - 1]->key.numbers[0] > pg_strtoint32(days))
		return "\"active_days\" is below 0 or above \"days\".";
	if (rows[nrows - 1]->key.numbers[0] > 0 && !metric_result_as_of(tally, &as_of))
		return "There are active days, but no \"as_of\".";
	return NULL;
}

static const TallyShape active_days_shape = {
	.type = "active_days_histogram_result",
	.maker = "active_days_histogram() and rollup()",
	TALLY_PARAMETERS(active_days_parameters),
	TALLY_KEYS(active_days_keys),
	TALLY_SUMS(active_days_columns),
	.fault = find_active_days_fault,
};

static const Metric active_days = {
	.shape = &active_days_shape,
	METRIC_ARGUMENTS(active_days_arguments),
	.start = active_days_start,
	.customer = active_days_customer,
};

/* loyalty_active_days_histogram_result_in, loyalty_active_days_histogram_result_out,
 * loyalty_active_days_histogram_result_recv, loyalty_active_days_histogram_result_send,
 * loyalty_active_days_histogram_result_merge,
 * loyalty_active_days_histogram_result_scope */
TALLY_TYPE(active_days_histogram_result, &active_days_shape)

PG_FUNCTION_INFO_V1(loyalty_active_days_histogram_table);

/* loyalty_active_days_histogram, (base, as_of, days); loyalty_active_days_histogram_accum */
METRIC_FUNCTIONS(active_days_histogram, &active_days)

/* active_days_histogram_table(result): all numbers of days, also those that nobody has */
Datum
loyalty_active_days_histogram_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &active_days_shape);
	const char *days = metric_parameter(tally, "days");
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	int128 customers = 0;
	Rows rows;
	int64 i;

	if (days == NULL)
		report_corrupted();
	for (i = 0; i < nrows; i++)
		customers += row[i]->sums[0];
	rows_open(&rows, fcinfo);
	for (i = 0; i <= pg_strtoint32(days); i++)
	{
		int128 count = 0;

		if (row < end && (*row)->key.numbers[0] == i)
			count = (*row++)->sums[0];
		rows_begin(&rows);
		rows_put_int(&rows, (int32) i);
		rows_put_count(&rows, (int64) count);
		rows_put_float(&rows, customers > 0 ? (double) count / (double) customers : NAN);
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}
