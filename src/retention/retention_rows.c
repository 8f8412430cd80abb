/*
 * retention_rows.c
 *		The rows that a retention_result turns into: the table, the curve, the totals.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/metric.h"
#include "retention/retention.h"

PG_FUNCTION_INFO_V1(loyalty_retention_table);
PG_FUNCTION_INFO_V1(loyalty_retention_curve);
PG_FUNCTION_INFO_V1(loyalty_retention_totals);

/* The longest curve: a day for each of 27,000 years. */
#define MAX_CURVE 10000000

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

/* Starts with the cohort whose cells begin here. */
static void
start_cohort(CohortWalk *walk, const RetentionKind *kind, const RetentionCohort *cohort,
			 const RetentionCell *cell)
{
	const RetentionCell *at;

	walk->kind = kind;
	walk->cohort = cohort;
	walk->cell = cell;
	walk->end = cell + cohort->ncells;
	walk->left = walk->eligible = 0;
	for (at = cell; at < walk->end; at++)
	{
		walk->left += at->ended;
		walk->eligible += at->eligible;
	}
}

/* Of a bracket each cell tells all; of lags and windows those from here on add up. */
static Column
next_column(CohortWalk *walk, uint32 column)
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
elapsed_lags(const RetentionCohort *cohort, const RetentionCell *cell)
{
	int64 lags = 0;
	int64 i;

	for (i = 0; i < cohort->ncells; i++)
		if (cell[i].eligible > 0)
			lags = (int64) cell[i].column + 1;
	return lags;
}

/* ---- the table ---- */

/* What a table is made of. */
typedef struct Table
{
	Rows rows;
	const RetentionKind *kind;
	Calendar calendar;
	DateADT as_of;
	int32 last_period;
	double z;
} Table;

/* The first day of a period that may lie behind the open end of a list. */
static DateADT
start_of(const Calendar *calendar, int64 period)
{
	if (calendar->unit == CALENDAR_LIST && period > calendar->nstarts)
		return DATEVAL_NOEND;
	return calendar_start(calendar, (int32) Min(period, PG_INT32_MAX));
}

static void
put_row(Table *table, const RetentionCohort *cohort, int64 column, const Column *counted)
{
	const RetentionKind *kind = table->kind;
	Rows *rows = &table->rows;
	int64 until_lag = retention_last_lag(kind, column);
	DateADT end;

	rows_begin(rows);
	rows_put_day(rows, calendar_start(&table->calendar, cohort->number));
	rows_put_count(rows, cohort->size);
	rows_put_int(rows, (int32) (kind->nbrackets > 0 ? kind->brackets[column].from : column));
	if (kind->elapsed > 0)
	{
		end = calendar_start(&table->calendar, cohort->number + 1);
		rows_put_null(rows);
		rows_put_null(rows);
	}
	else
	{
		end = start_of(&table->calendar, cohort->number + until_lag + 1);
		rows_put_day(
			rows, start_of(&table->calendar, cohort->number + retention_first_lag(kind, column)));
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

/* Has a column begun by as_of? A window has when its last period has. */
static bool
has_begun(const Table *table, const RetentionCohort *cohort, int64 column)
{
	const RetentionKind *kind = table->kind;

	return cohort->number + (kind->nbrackets > 0 ? kind->brackets[column].from : column) <=
		   table->last_period;
}

Datum
loyalty_retention_table(PG_FUNCTION_ARGS)
{
	Table table = { .z = confidence_quantile(PG_GETARG_FLOAT8(1)) };
	RetentionCounts counts;
	const RetentionKind *kind = &counts.scope.kind;
	const RetentionCell *cell;
	int64 i;

	rows_open_periods(&table.rows, fcinfo);
	retention_decode(PG_GETARG_VARLENA_PP(0), &counts);
	if (!retention_as_of(&counts.scope, &table.as_of) || counts.ncohorts == 0)
		return (Datum) 0;
	table.kind = kind;
	calendar_open(&table.calendar, counts.scope.period);
	table.last_period = calendar_index(&table.calendar, table.as_of);
	cell = counts.cells;
	for (i = 0; i < counts.ncohorts; i++)
	{
		const RetentionCohort *cohort = &counts.cohorts[i];
		int64 lags = kind->elapsed > 0 ? elapsed_lags(cohort, cell)
									   : (int64) table.last_period - cohort->number + 1;
		int64 ncolumns = columns_until(kind, lags);
		CohortWalk walk;
		int64 column;

		start_cohort(&walk, kind, cohort, cell);
		for (column = kind->rolling; column < ncolumns; column++)
		{
			Column counted = next_column(&walk, (uint32) column);

			if (kind->elapsed > 0 ? counted.eligible > 0 : has_begun(&table, cohort, column))
				put_row(&table, cohort, column, &counted);
		}
		cell += cohort->ncells;
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

/* ---- the curve ---- */

/* Columns of the curve: those that are over for anyone. complete: the first period that isn't. */
static int64
curve_columns(const RetentionCounts *counts, int64 complete)
{
	const RetentionKind *kind = &counts->scope.kind;
	const RetentionCell *cell = counts->cells;
	int64 lags = complete - counts->cohorts[0].number;
	int64 i;

	if (kind->elapsed > 0)
		for (i = lags = 0; i < counts->ncohorts; i++)
		{
			lags = Max(lags, elapsed_lags(&counts->cohorts[i], cell));
			cell += counts->cohorts[i].ncells;
		}
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
		npoints = kind->elapsed > 0 ? elapsed_lags(walk->cohort, walk->cell)
									: Min(npoints, complete - walk->cohort->number);
	for (column = kind->rolling; column < npoints; column++)
	{
		Column counted = next_column(walk, (uint32) column);

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
	const RetentionKind *kind = &counts.scope.kind;
	Calendar calendar;
	DateADT as_of;
	int64 complete; /* periods before this one are over */
	int64 npoints;
	int64 column;
	Column *points;
	const RetentionCell *cell;
	int64 i;

	rows_open_periods(&rows, fcinfo);
	retention_decode(PG_GETARG_VARLENA_PP(0), &counts);
	if (!retention_as_of(&counts.scope, &as_of) || counts.ncohorts == 0)
		return (Datum) 0;
	calendar_open(&calendar, counts.scope.period);
	complete = calendar_index(&calendar, as_of);
	if (calendar_start(&calendar, (int32) complete + 1) == as_of + 1)
		complete++;
	npoints = curve_columns(&counts, complete);
	if (npoints <= 0)
		return (Datum) 0;

	points = palloc_extended(npoints * sizeof(Column), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	cell = counts.cells;
	for (i = 0; i < counts.ncohorts; i++)
	{
		CohortWalk walk;

		start_cohort(&walk, kind, &counts.cohorts[i], cell);
		add_cohort(&walk, complete, points, npoints);
		cell += counts.cohorts[i].ncells;
		CHECK_FOR_INTERRUPTS();
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
	RetentionCounts counts;
	const RetentionScope *scope = &counts.scope;
	StringInfoData options;
	Rows rows;
	DateADT as_of;
	int64 memberships = 0;
	int64 i;

	rows_open_record(&rows, fcinfo);
	retention_decode(PG_GETARG_VARLENA_PP(0), &counts);
	for (i = 0; i < counts.ncohorts; i++)
		memberships += counts.cohorts[i].size;
	initStringInfo(&options);
	retention_kind_put(&options, &scope->kind);
	rows_begin(&rows);
	rows_put_name(&rows, calendar_period_text(scope->period));
	rows_put_name(&rows, scope->zone);
	if (retention_as_of(scope, &as_of))
		rows_put_day(&rows, as_of);
	else
		rows_put_null(&rows);
	rows_put_count(&rows, counts.ncohorts);
	rows_put_count(&rows, scope->customers);
	rows_put_count(&rows, scope->idle);
	rows_put_count(&rows, scope->guests);
	rows_put_count(&rows, memberships);
	rows_put_name(&rows, options.data);
	return rows_record(&rows);
}
