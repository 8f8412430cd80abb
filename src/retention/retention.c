/*
 * retention.c
 *		The SQL face of cohort retention: over a base, as an aggregate over
 *		activity sets, and the rows that a result turns into.
 *
 * The aggregate's state is a retention_result too, expanded: a fold that lives in
 * a memory context of its own below the aggregate's. So partial states travel as
 * results, and rollup() and the combine function are one.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "core/base.h"
#include "core/rows.h"
#include "core/statistics.h"
#include "retention/metric.h"
#include "retention/retention.h"

/* ---- over a base ---- */

PG_FUNCTION_INFO_V1(loyalty_retention);

Datum
loyalty_retention(PG_FUNCTION_ARGS)
{
	const CalendarPeriod *period = metric_period_argument(fcinfo, 1);
	const Base *base;
	DateADT as_of;
	bool as_of_given = metric_as_of_argument(fcinfo, 2, &as_of);
	RetentionFold *fold;
	RetentionCounts counts;
	BaseCursor cursor;
	Customer customer;
	ByteSpan body;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	base = base_open(PG_GETARG_DATUM(0));
	fold = retention_fold_start(period, as_of_given, as_of);
	metric_check_zone(base, retention_fold_calendar(fold));
	retention_fold_scope(fold)->guests = base->guests;
	retention_fold_scope(fold)->zone = base->zone;
	base_rewind(&cursor, base);
	while (base_next(&cursor, &customer, &body))
		retention_fold_customer(fold, body);
	retention_fold_finish(fold, &counts);
	PG_RETURN_POINTER(retention_encode(&counts));
}

/* ---- the aggregates over activity sets and over results ---- */

typedef struct ExpandedRetention
{
	ExpandedObjectHeader header;
	RetentionFold *fold;
	struct varlena *flat; /* made for flattening */
} ExpandedRetention;

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	ExpandedRetention *state = (ExpandedRetention *) header;
	MemoryContext old = MemoryContextSwitchTo(header->eoh_context);
	RetentionCounts counts;

	if (state->flat != NULL)
		pfree(state->flat);
	retention_fold_finish(state->fold, &counts);
	state->flat = retention_encode(&counts);
	pfree(counts.cells);
	MemoryContextSwitchTo(old);
	return VARSIZE(state->flat);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	memcpy(result, ((ExpandedRetention *) header)->flat, allocated_size);
}

static const ExpandedObjectMethods retention_methods = { get_flat_size, flatten_into };

static ExpandedRetention *
new_state(FunctionCallInfo fcinfo, const CalendarPeriod *period, bool as_of_given, DateADT as_of)
{
	MemoryContext parent;
	MemoryContext context;
	MemoryContext old;
	ExpandedRetention *state;

	if (!AggCheckCallContext(fcinfo, &parent))
		parent = CurrentMemoryContext;
	context = AllocSetContextCreate(parent, "loyalty retention", ALLOCSET_START_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	state = palloc0(sizeof(ExpandedRetention));
	EOH_init_header(&state->header, &retention_methods, context);
	state->fold = retention_fold_start(period, as_of_given, as_of);
	MemoryContextSwitchTo(old);
	return state;
}

/* The state in an argument that isn't NULL: in place if it is ours to change, else a copy. */
static ExpandedRetention *
state_argument(FunctionCallInfo fcinfo, int n)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(n));
	RetentionCounts counts;
	ExpandedRetention *state;

	if (VARATT_IS_EXTERNAL_EXPANDED_RW(value))
	{
		ExpandedObjectHeader *header = DatumGetEOHP(PG_GETARG_DATUM(n));

		if (header->eoh_methods == &retention_methods)
			return (ExpandedRetention *) header;
	}
	retention_decode(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(n)), &counts);
	state = new_state(fcinfo, counts.scope.period, counts.scope.as_of_given, counts.scope.as_of);
	retention_fold_counts(state->fold, &counts);
	return state;
}

PG_FUNCTION_INFO_V1(loyalty_retention_accum);
PG_FUNCTION_INFO_V1(loyalty_retention_merge);

/* Adds a customer's activity set; a NULL one adds nothing. */
Datum
loyalty_retention_accum(PG_FUNCTION_ARGS)
{
	const CalendarPeriod *period = metric_period_argument(fcinfo, 2);
	DateADT as_of;
	bool as_of_given = metric_as_of_argument(fcinfo, 3, &as_of);
	ExpandedRetention *state;
	struct varlena *activity;
	ByteSpan body;

	if (PG_ARGISNULL(0))
		state = new_state(fcinfo, period, as_of_given, as_of);
	else
	{
		RetentionScope *scope;

		state = state_argument(fcinfo, 0);
		scope = retention_fold_scope(state->fold);
		if (!calendar_period_equal(scope->period, period) || scope->as_of_given != as_of_given ||
			scope->as_of != as_of)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("period and as_of must be the same for all rows of an aggregate"),
					 errhint("GROUP BY what they depend on.")));
	}
	if (!PG_ARGISNULL(1))
	{
		MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);

		activity = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
		body.bytes = (const uint8 *) VARDATA_ANY(activity);
		body.len = VARSIZE_ANY_EXHDR(activity);
		retention_fold_customer(state->fold, body);
		if ((Pointer) activity != DatumGetPointer(PG_GETARG_DATUM(1)))
			pfree(activity);
		MemoryContextSwitchTo(old);
	}
	PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
}

/* Adds a result to a result: rollup(), and the combine function of both aggregates. */
Datum
loyalty_retention_merge(PG_FUNCTION_ARGS)
{
	ExpandedRetention *state;
	RetentionCounts counts;

	if (PG_ARGISNULL(0))
	{
		if (PG_ARGISNULL(1))
			PG_RETURN_NULL();
		state = state_argument(fcinfo, 1);
		PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
	}
	state = state_argument(fcinfo, 0);
	if (!PG_ARGISNULL(1))
	{
		retention_decode(PG_GETARG_VARLENA_PP(1), &counts);
		retention_fold_counts(state->fold, &counts);
	}
	PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
}

/* ---- rows ---- */

PG_FUNCTION_INFO_V1(loyalty_retention_table);
PG_FUNCTION_INFO_V1(loyalty_retention_curve);
PG_FUNCTION_INFO_V1(loyalty_retention_totals);

/* The longest curve: a day for each of 27,000 years. */
#define MAX_CURVE 10000000

/* Cells of one cohort, handed out lag by lag, those without customers too. */
typedef struct CohortWalk
{
	const RetentionCell *cell; /* the next one */
	const RetentionCell *end;
	int32 cohort;
	int64 size;
	int64 left; /* customers who haven't ended before this lag */
} CohortWalk;

static void
start_cohort(CohortWalk *walk, const RetentionCell *cell, const RetentionCell *end)
{
	walk->cell = cell;
	walk->end = end;
	walk->cohort = cell->cohort;
	walk->size = walk->left = cell->retained;
}

/* Retained at a lag and after it; lags are asked for in order. */
static void
next_lag(CohortWalk *walk, uint32 lag, int64 *retained, int64 *retained_after)
{
	*retained = 0;
	*retained_after = walk->left;
	if (walk->cell < walk->end && walk->cell->cohort == walk->cohort && walk->cell->lag == lag)
	{
		*retained = walk->cell->retained;
		walk->left -= walk->cell->ended;
		walk->cell++;
	}
}

/* Moves on to the first cell of the next cohort. */
static const RetentionCell *
skip_cohort(const RetentionCell *cell, const RetentionCell *end, int32 cohort)
{
	while (cell < end && cell->cohort == cohort)
		cell++;
	return cell;
}

Datum
loyalty_retention_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	Rows rows;
	RetentionCounts counts;
	Calendar calendar;
	DateADT as_of;
	int32 last_period;
	const RetentionCell *cell;
	const RetentionCell *end;

	rows_open(&rows, fcinfo);
	retention_decode(PG_GETARG_VARLENA_PP(0), &counts);
	if (!retention_as_of(&counts.scope, &as_of) || counts.ncells == 0)
		return (Datum) 0;
	calendar_open(&calendar, counts.scope.period);
	last_period = calendar_index(&calendar, as_of);
	end = counts.cells + counts.ncells;
	for (cell = counts.cells; cell < end;)
	{
		CohortWalk walk;
		uint32 lag;
		DateADT start;

		start_cohort(&walk, cell, end);
		start = calendar_start(&calendar, walk.cohort);
		for (lag = 0; walk.cohort + (int64) lag <= last_period; lag++)
		{
			DateADT next = calendar_start(&calendar, walk.cohort + (int32) lag + 1);
			int64 retained;
			int64 after;

			next_lag(&walk, lag, &retained, &after);
			rows_begin(&rows);
			rows_put_day(&rows, calendar_start(&calendar, walk.cohort));
			rows_put_count(&rows, walk.size);
			rows_put_int(&rows, (int32) lag);
			rows_put_day(&rows, start);
			rows_put_day(&rows, next);
			rows_put_count(&rows, retained);
			metric_put_rate(&rows, retained, walk.size, z);
			rows_put_count(&rows, after);
			rows_put_float(&rows, (double) after / (double) walk.size);
			rows_put_bool(&rows, next != DATEVAL_NOEND && next <= as_of + 1);
			rows_put_day(&rows, as_of);
			rows_end(&rows);
			start = next;
		}
		cell = skip_cohort(cell, end, walk.cohort);
	}
	return (Datum) 0;
}

/* What the cohorts add up to at one lag. */
typedef struct CurvePoint
{
	int64 eligible;
	int64 retained;
	int64 retained_after;
} CurvePoint;

Datum
loyalty_retention_curve(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	Rows rows;
	RetentionCounts counts;
	Calendar calendar;
	DateADT as_of;
	int64 complete; /* periods before this one are over */
	int64 npoints;
	int64 lag;
	CurvePoint *points;
	const RetentionCell *cell;
	const RetentionCell *end;

	rows_open(&rows, fcinfo);
	retention_decode(PG_GETARG_VARLENA_PP(0), &counts);
	if (!retention_as_of(&counts.scope, &as_of) || counts.ncells == 0)
		return (Datum) 0;
	calendar_open(&calendar, counts.scope.period);
	complete = calendar_index(&calendar, as_of);
	if (calendar_start(&calendar, (int32) complete + 1) == as_of + 1)
		complete++;
	npoints = complete - counts.cells[0].cohort;
	if (npoints > MAX_CURVE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a retention curve of " INT64_FORMAT " lags is too long", npoints),
				 errhint("Take a longer period, or filter out events far from the others.")));
	if (npoints <= 0)
		return (Datum) 0;

	points = palloc_extended(npoints * sizeof(CurvePoint), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	end = counts.cells + counts.ncells;
	for (cell = counts.cells; cell < end;)
	{
		CohortWalk walk;

		start_cohort(&walk, cell, end);
		for (lag = 0; walk.cohort + lag < complete; lag++)
		{
			int64 retained;
			int64 after;

			next_lag(&walk, (uint32) lag, &retained, &after);
			points[lag].eligible += walk.size;
			points[lag].retained += retained;
			points[lag].retained_after += after;
		}
		cell = skip_cohort(cell, end, walk.cohort);
		CHECK_FOR_INTERRUPTS();
	}

	for (lag = 0; lag < npoints; lag++)
	{
		const CurvePoint *point = &points[lag];

		rows_begin(&rows);
		rows_put_int(&rows, (int32) lag);
		rows_put_count(&rows, point->eligible);
		rows_put_count(&rows, point->retained);
		metric_put_rate(&rows, point->retained, point->eligible, z);
		rows_put_count(&rows, point->retained_after);
		rows_put_float(&rows, (double) point->retained_after / (double) point->eligible);
		rows_end(&rows);
	}
	return (Datum) 0;
}

Datum
loyalty_retention_totals(PG_FUNCTION_ARGS)
{
	RetentionCounts counts;
	Rows rows;
	DateADT as_of;
	int64 cohorts = 0;
	int64 customers = 0;
	int64 i;

	rows_open_record(&rows, fcinfo);
	retention_decode(PG_GETARG_VARLENA_PP(0), &counts);
	for (i = 0; i < counts.ncells; i++)
		if (counts.cells[i].lag == 0)
		{
			cohorts++;
			customers += counts.cells[i].retained;
		}
	rows_begin(&rows);
	rows_put_name(&rows, calendar_period_text(counts.scope.period));
	rows_put_name(&rows, counts.scope.zone);
	if (retention_as_of(&counts.scope, &as_of))
		rows_put_day(&rows, as_of);
	else
		rows_put_null(&rows);
	rows_put_count(&rows, cohorts);
	rows_put_count(&rows, customers);
	rows_put_count(&rows, counts.scope.idle);
	rows_put_count(&rows, counts.scope.guests);
	return rows_record(&rows);
}
