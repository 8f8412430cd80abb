/*
 * retention.c
 *		retention() over one base, over two, and by elapsed lags: their results, and the rows of
 *		those.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "core/json.h"
#include "metric/statistics.h"
#include "retention/retention_internal.h"

/* ---- the shape ---- */

/* Only the plain kind has no sizes, only elapsed lags count who is eligible, and only where a
 * customer is in several cohorts do they not tell how many there are. */
static bool
retention_lacks(const Tally *tally, const char *name)
{
	RetentionKind kind;

	retention_kind_of(tally, &kind);
	if (strcmp(name, "size") == 0)
		return retention_kind_is_plain(&kind);
	if (strcmp(name, "eligible") == 0)
		return kind.elapsed == 0;
	return strcmp(name, "customers") == 0 && !kind.recurring;
}

/* Of the plain kind there is no text. */
static char *
canonical_options(const char *text)
{
	RetentionKind kind;

	retention_kind_of_text(&kind, text);
	return retention_kind_is_plain(&kind) ? NULL : retention_kind_text(&kind);
}

static const TallyParameter retention_parameters[RETENTION_PARAMETERS] = {
	[RETENTION_PARAMETER_PERIOD] = METRIC_PERIOD_PARAMETER,
	[RETENTION_PARAMETER_OPTIONS] = { .name = "options",
									  .is_json = true,
									  .canonical = canonical_options,
									  .hint = "Add up results with the same options." },
	[RETENTION_PARAMETER_ZONE] = METRIC_ZONE_PARAMETER,
	[RETENTION_PARAMETER_AS_OF] = METRIC_AS_OF_PARAMETER,
	[RETENTION_PARAMETER_LAST_DAY] = METRIC_LATEST_PARAMETER,
};

static const TallyColumn retention_keys[] = {
	{ "cohort", TALLY_PERIOD }, { "lag", TALLY_NUMBER }, /* a column */
};

static const TallyColumn retention_sums[RETENTION_SUMS] = {
	[RETENTION_SIZE] = { "size", TALLY_COUNT },
	[RETENTION_RETAINED] = { "retained", TALLY_COUNT },
	[RETENTION_ENDED] = { "ended", TALLY_COUNT },
	[RETENTION_ELIGIBLE] = { "eligible", TALLY_COUNT },
};

static const char *const retention_totals[RETENTION_TOTALS] = {
	[RETENTION_IDLE] = "members_without_events",
	[RETENTION_GUESTS] = TALLY_GUESTS,
	[RETENTION_CUSTOMERS] = "customers",
};

static const TallyGroups retention_groups = { "cohorts", "cells", .nsums = 1 };

static const TallyShape shape = {
	.type = "retention_result",
	.maker = "retention() and rollup()",
	TALLY_PARAMETERS(retention_parameters),
	TALLY_KEYS(retention_keys),
	TALLY_SUMS(retention_sums),
	TALLY_TOTALS(retention_totals),
	.groups = &retention_groups,
	.lacks = retention_lacks,
	.fault = retention_fault,
};

/* loyalty_retention_result_in, loyalty_retention_result_out, loyalty_retention_result_recv,
 * loyalty_retention_result_send, loyalty_retention_result_merge,
 * loyalty_retention_result_scope */
TALLY_TYPE(retention_result, &shape)

/* ---- the metrics ---- */

#define BRACKETS_ARGUMENT                                     \
	{                                                         \
		"brackets", .type = METRIC_VALUE, .may_be_null = true \
	}
#define ROLLING_ARGUMENT                                     \
	{                                                        \
		"rolling", .type = METRIC_COUNT, .may_be_null = true \
	}

#define AT_LEAST_ARGUMENT                       \
	{                                           \
		"at_least", .type = METRIC_OTHER_COUNT, \
	}

/* Of days, results tell the last one themselves: also over a base, so that those of several add up.
 */
#define OPEN_AS_OF_ARGUMENT                                \
	{                                                      \
		"as_of", .type = METRIC_AS_OF, .may_be_null = true \
	}

static const MetricArgument days_arguments[RETENTION_ARGUMENTS] = {
	[RETENTION_PERIOD] = METRIC_PERIOD_ARGUMENT,
	[RETENTION_AS_OF] = OPEN_AS_OF_ARGUMENT,
	[RETENTION_MODE] = { "mode", .type = METRIC_VALUE },
	[RETENTION_BRACKETS] = BRACKETS_ARGUMENT,
	[RETENTION_ROLLING] = ROLLING_ARGUMENT,
	[RETENTION_AT_LEAST] = AT_LEAST_ARGUMENT,
};

static const MetricArgument elapsed_arguments[RETENTION_ARGUMENTS] = {
	[RETENTION_PERIOD] = METRIC_PERIOD_ARGUMENT,
	[RETENTION_AS_OF] = METRIC_AS_OF_ARGUMENT,
	[RETENTION_ELAPSED] = { "elapsed", .type = METRIC_SPAN, .may_be_null = true },
	[RETENTION_BRACKETS] = BRACKETS_ARGUMENT,
	[RETENTION_ROLLING] = ROLLING_ARGUMENT,
	[RETENTION_AT_LEAST] = AT_LEAST_ARGUMENT,
};

static const MetricArgument days_options[RETENTION_OPTIONS_END] = {
	[RETENTION_PERIOD] = METRIC_PERIOD_ARGUMENT,
	[RETENTION_AS_OF] = OPEN_AS_OF_ARGUMENT,
	[RETENTION_OPTIONS] = { "options", .type = METRIC_VALUE, .may_be_null = true },
};

static const MetricArgument elapsed_options[RETENTION_OPTIONS_END] = {
	[RETENTION_PERIOD] = METRIC_PERIOD_ARGUMENT,
	[RETENTION_AS_OF] = METRIC_AS_OF_ARGUMENT,
	[RETENTION_OPTIONS] = { "options", .type = METRIC_VALUE, .may_be_null = true },
};

/* The parameter "options"; of the plain kind there is none. */
static const char *
retention_text(const MetricQuestion *question, const char *parameter)
{
	if (strcmp(parameter, "options") != 0 || retention_kind_is_plain(question->own))
		return NULL;
	return retention_kind_text(question->own);
}

/* What the metrics have in common; by what they fold over, and what they are asked. */
#define RETENTION_METRIC(folded, asked, opened)                                    \
	.shape = &shape, .input = (folded), .kind = (folded), METRIC_ARGUMENTS(asked), \
	.open = (opened), .text = retention_text, .start = retention_start, .finish = retention_finish

const Metric retention_by_days = {
	RETENTION_METRIC(METRIC_ACTIVITIES, days_arguments, retention_open_arguments),
	.customer = retention_customer,
};
static const Metric by_days_of_rows = {
	RETENTION_METRIC(METRIC_ACTIVITIES, days_options, retention_open_options),
	.customer = retention_customer,
};

const Metric retention_by_returns = {
	RETENTION_METRIC(METRIC_STARTS_AND_RETURNS, days_arguments, retention_open_arguments),
	.customer_of_two = retention_customer_of_two,
};
static const Metric by_returns_of_rows = {
	RETENTION_METRIC(METRIC_STARTS_AND_RETURNS, days_options, retention_open_options),
	.customer_of_two = retention_customer_of_two,
};

const Metric retention_by_timelines = {
	RETENTION_METRIC(METRIC_TIMELINES, elapsed_arguments, retention_open_arguments),
	.customer = retention_timeline,
};
static const Metric by_timelines_of_rows = {
	RETENTION_METRIC(METRIC_TIMELINES, elapsed_options, retention_open_options),
	.customer = retention_timeline,
};

/* loyalty_retention, (base, period, as_of, mode, brackets, rolling, at_least);
 * loyalty_retention_accum, (state, activity, period, as_of, options) */
METRIC_FUNCTIONS_APART(retention, &retention_by_days, &by_days_of_rows)

/* loyalty_retention_returns, loyalty_retention_returns_accum: of starts and returns */
METRIC_FUNCTIONS_APART(retention_returns, &retention_by_returns, &by_returns_of_rows)

/* loyalty_retention_elapsed, (base, period, as_of, elapsed, brackets, rolling, at_least);
 * loyalty_retention_elapsed_accum, as of activities */
METRIC_FUNCTIONS_APART(retention_elapsed, &retention_by_timelines, &by_timelines_of_rows)

/* ---- cells, column by column ---- */

/* What is counted in a column of a cohort. */
typedef struct Column
{
	int64 eligible;
	int64 retained;
	int64 retained_after;
} Column;

/* The columns of one cohort in order, those without a cell too. */
typedef struct CohortWalk
{
	const RetentionKind *kind;
	const RetentionCohort *cohort;
	const RetentionCell *cell; /* the next one */
	const RetentionCell *end;
	int64 left;		/* customers who haven't ended before this column */
	int64 eligible; /* elapsed lags: customers for whom this column is over */
} CohortWalk;

static void
start_cohort(CohortWalk *walk, const RetentionKind *kind, const RetentionCohort *cohort)
{
	const RetentionCell *at;

	walk->kind = kind;
	walk->cohort = cohort;
	walk->cell = cohort->cells;
	walk->end = cohort->cells + cohort->ncells;
	walk->left = walk->eligible = 0;
	for (at = walk->cell; at < walk->end; at++)
	{
		walk->left += at->ended;
		walk->eligible += at->eligible;
	}
}

/* Of a bracket each cell tells all; of lags and windows those from here on add up. */
static Column
next_column(CohortWalk *walk, int64 column)
{
	bool is_bracket = walk->kind->nbrackets > 0;
	bool is_elapsed = walk->kind->elapsed > 0;
	Column counted = { is_bracket ? 0 : walk->eligible, 0, is_bracket ? 0 : walk->left };

	if (walk->cell < walk->end && walk->cell->column == column)
	{
		const RetentionCell *cell = walk->cell++;

		counted.retained = cell->retained;
		if (is_bracket)
		{
			counted.eligible = cell->eligible;
			counted.retained_after = cell->ended;
		}
		walk->left -= cell->ended;
		walk->eligible -= cell->eligible;
	}
	if (!is_elapsed)
		counted.eligible = walk->cohort->size;
	return counted;
}

/* The columns of a kind: from the first to before this one, if only so many lags are known. */
static int64
columns_until(const RetentionKind *kind, int64 lags)
{
	return kind->nbrackets > 0 ? kind->nbrackets : lags;
}

/* How many lags are over for anyone in this cohort: elapsed lags, but not in brackets. */
static int64
elapsed_lags(const RetentionCohort *cohort)
{
	int64 lags = 0;
	int64 i;

	for (i = 0; i < cohort->ncells; i++)
		if (cohort->cells[i].eligible > 0)
			lags = cohort->cells[i].column + 1;
	return lags;
}

/* ---- the table ---- */

PG_FUNCTION_INFO_V1(loyalty_retention_table);
PG_FUNCTION_INFO_V1(loyalty_retention_curve);
PG_FUNCTION_INFO_V1(loyalty_retention_totals);

/* The longest curve: a day for each of 27,000 years. */
#define MAX_CURVE 10000000

/* Opens the result in the first argument. */
static void
open_counts(FunctionCallInfo fcinfo, RetentionCounts *counts)
{
	retention_counts_open(counts, tally_argument(fcinfo, 0, &shape));
}

/* What a table is made of. */
typedef struct Table
{
	Rows rows;
	const RetentionKind *kind;
	const Calendar *calendar;
	DateADT as_of;
	int32 last_period;
	double z;
} Table;

static void
put_row(Table *table, const RetentionCohort *cohort, int64 column, const Column *counted)
{
	const RetentionKind *kind = table->kind;
	Rows *rows = &table->rows;
	int64 until_lag = retention_last_lag(kind, column);
	DateADT end;

	rows_begin(rows);
	rows_put_day(rows, calendar_start(table->calendar, cohort->number));
	rows_put_count(rows, cohort->size);
	rows_put_int(rows, (int32) (kind->nbrackets > 0 ? kind->brackets[column].from : column));
	if (kind->elapsed > 0)
	{
		end = calendar_start(table->calendar, cohort->number + 1);
		rows_put_null(rows);
		rows_put_null(rows);
	}
	else
	{
		end = calendar_start_beyond(table->calendar, cohort->number + until_lag + 1);
		rows_put_day(rows,
					 calendar_start_beyond(table->calendar,
										   cohort->number + retention_first_lag(kind, column)));
		rows_put_day(rows, end);
	}
	rows_put_count(rows, counted->retained);
	metric_put_rate(rows, counted->retained, counted->eligible, table->z);
	rows_put_count(rows, counted->retained_after);
	rows_put_float(rows, (double) counted->retained_after / (double) counted->eligible);
	rows_put_bool(rows, end != DATEVAL_NOEND && end <= table->as_of + 1 &&
							counted->eligible == cohort->size);
	rows_put_day(rows, table->as_of);
	rows_put_count(rows, counted->eligible);
	rows_put_int(rows, (int32) until_lag);
	rows_end(rows);
}

/* Has a column begun by as_of? */
static bool
has_begun(const Table *table, const RetentionCohort *cohort, int64 column)
{
	return retention_column_begins(table->kind, cohort->number, column) <= table->last_period;
}

Datum
loyalty_retention_table(PG_FUNCTION_ARGS)
{
	Table table = { .z = confidence_quantile(PG_GETARG_FLOAT8(1)) };
	RetentionCounts counts;
	const RetentionKind *kind = &counts.kind;
	const RetentionCohort *cohort;

	rows_open_periods(&table.rows, fcinfo);
	open_counts(fcinfo, &counts);
	if (!retention_day_of_counts(&counts, &table.as_of))
		return (Datum) 0;
	table.kind = kind;
	table.calendar = &counts.calendar;
	table.last_period = calendar_index(&counts.calendar, table.as_of);
	retention_first_cohort(&counts);
	while ((cohort = retention_next_cohort(&counts)) != NULL)
	{
		int64 lags = kind->elapsed > 0 ? elapsed_lags(cohort)
									   : (int64) table.last_period - cohort->number + 1;
		int64 ncolumns = columns_until(kind, lags);
		CohortWalk walk;
		int64 column;

		start_cohort(&walk, kind, cohort);
		for (column = kind->rolling; column < ncolumns; column++)
		{
			Column counted = next_column(&walk, column);

			if (kind->elapsed > 0 ? counted.eligible > 0 : has_begun(&table, cohort, column))
				put_row(&table, cohort, column, &counted);
		}
	}
	return (Datum) 0;
}

/* ---- the curve ---- */

/* Columns of the curve: those that are over for anyone. complete: the first period that isn't. */
static int64
curve_columns(RetentionCounts *counts, int64 complete)
{
	const RetentionKind *kind = &counts->kind;
	const RetentionCohort *cohort;
	int64 lags = 0;

	retention_first_cohort(counts);
	while ((cohort = retention_next_cohort(counts)) != NULL)
		lags = Max(lags, kind->elapsed > 0 ? elapsed_lags(cohort) : complete - cohort->number);
	lags = columns_until(kind, lags);
	if (lags > MAX_CURVE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a retention curve of " INT64_FORMAT " lags is too long", lags),
				 errhint("Take a longer period, or filter out events far from the others.")));
	return lags;
}

/* Adds a cohort to the curve. */
static void
add_cohort(CohortWalk *walk, int64 complete, Column *points, int64 npoints)
{
	const RetentionKind *kind = walk->kind;
	int64 column;

	if (kind->nbrackets == 0)
		npoints = kind->elapsed > 0 ? elapsed_lags(walk->cohort)
									: Min(npoints, complete - walk->cohort->number);
	for (column = kind->rolling; column < npoints; column++)
	{
		Column counted = next_column(walk, column);

		if (kind->elapsed == 0 &&
			walk->cohort->number + retention_last_lag(kind, column) >= complete)
			continue;
		points[column].eligible += counted.eligible;
		points[column].retained += counted.retained;
		points[column].retained_after += counted.retained_after;
	}
}

Datum
loyalty_retention_curve(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	Rows rows;
	RetentionCounts counts;
	const RetentionKind *kind = &counts.kind;
	DateADT as_of;
	int64 complete; /* periods before this one are over */
	int64 npoints;
	int64 column;
	Column *points;
	const RetentionCohort *cohort;

	rows_open_periods(&rows, fcinfo);
	open_counts(fcinfo, &counts);
	if (!retention_day_of_counts(&counts, &as_of) || !tally_has_rows(counts.tally))
		return (Datum) 0;
	complete = calendar_index(&counts.calendar, as_of);
	if (calendar_start(&counts.calendar, (int32) complete + 1) == as_of + 1)
		complete++;
	npoints = curve_columns(&counts, complete);
	if (npoints <= 0)
		return (Datum) 0;

	points = palloc_extended(npoints * sizeof(Column), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	retention_first_cohort(&counts);
	while ((cohort = retention_next_cohort(&counts)) != NULL)
	{
		CohortWalk walk;

		start_cohort(&walk, kind, cohort);
		add_cohort(&walk, complete, points, npoints);
	}

	for (column = 0; column < npoints; column++)
	{
		const Column *point = &points[column];

		if (point->eligible == 0)
			continue;
		rows_begin(&rows);
		rows_put_int(&rows, (int32) (kind->nbrackets > 0 ? kind->brackets[column].from : column));
		rows_put_count(&rows, point->eligible);
		rows_put_count(&rows, point->retained);
		metric_put_rate(&rows, point->retained, point->eligible, z);
		rows_put_count(&rows, point->retained_after);
		rows_put_float(&rows, (double) point->retained_after / (double) point->eligible);
		rows_put_int(&rows, (int32) retention_last_lag(kind, column));
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* ---- the totals ---- */

Datum
loyalty_retention_totals(PG_FUNCTION_ARGS)
{
	Rows rows;
	RetentionCounts counts;
	RetentionSizes sizes;
	const Tally *tally;
	DateADT as_of;

	rows_open_record(&rows, fcinfo);
	open_counts(fcinfo, &counts);
	if (!retention_read_sizes(&counts, &sizes))
		report_corrupted();
	tally = counts.tally;
	rows_begin(&rows);
	rows_put_name(&rows, tally_parameter(tally, RETENTION_PARAMETER_PERIOD));
	rows_put_name(&rows, tally_parameter(tally, RETENTION_PARAMETER_ZONE));
	if (retention_day_of_counts(&counts, &as_of))
		rows_put_day(&rows, as_of);
	else
		rows_put_null(&rows);
	rows_put_count(&rows, sizes.ncohorts);
	rows_put_count(&rows, sizes.customers);
	rows_put_count(&rows, tally_total(tally, RETENTION_IDLE));
	rows_put_count(&rows, tally_guests(tally));
	rows_put_count(&rows, sizes.memberships);
	rows_put_name(&rows, retention_kind_text(&counts.kind));
	return rows_record(&rows);
}
