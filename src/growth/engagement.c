/*
 * engagement.c
 *		The SQL face of stickiness() and active_days_histogram(), their results and tables.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "core/rows.h"
#include "metric/tally_sql.h"
#include "growth/engagement.h"

/* ---- stickiness ---- */

static const MetricArgument stickiness_arguments[] = { METRIC_PERIOD_ARGUMENT,
													   { "within", .type = METRIC_WITHIN },
													   METRIC_AS_OF_ARGUMENT };

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
	.nparameters = lengthof(stickiness_parameters),
	.parameters = stickiness_parameters,
	.nkeys = lengthof(stickiness_keys),
	.keys = stickiness_keys,
	.nsums = lengthof(stickiness_columns),
	.sums = stickiness_columns,
	.fault = find_stickiness_fault,
};

static const Metric stickiness = {
	.shape = &stickiness_shape,
	.narguments = lengthof(stickiness_arguments),
	.arguments = stickiness_arguments,
	.start = stickiness_start,
	.customer = stickiness_customer,
};

TALLY_TYPE(stickiness_result, &stickiness_shape)

PG_FUNCTION_INFO_V1(loyalty_stickiness_table);

/* loyalty_stickiness, (base, period, within, as_of); loyalty_stickiness_accum */
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

/* ---- active days ---- */

static const MetricArgument active_days_arguments[] = { { "days", .type = METRIC_COUNT },
														METRIC_AS_OF_ARGUMENT };

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
	.nparameters = lengthof(active_days_parameters),
	.parameters = active_days_parameters,
	.nkeys = lengthof(active_days_keys),
	.keys = active_days_keys,
	.nsums = lengthof(active_days_columns),
	.sums = active_days_columns,
	.fault = find_active_days_fault,
};

static const Metric active_days = {
	.shape = &active_days_shape,
	.narguments = lengthof(active_days_arguments),
	.arguments = active_days_arguments,
	.start = active_days_start,
	.customer = active_days_customer,
};

TALLY_TYPE(active_days_histogram_result, &active_days_shape)

PG_FUNCTION_INFO_V1(loyalty_active_days_histogram_table);

/* loyalty_active_days_histogram, (base, days, as_of); loyalty_active_days_histogram_accum */
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
