/*
 * survival.c
 *		How long customers stay: durations, Kaplan-Meier's estimate of them, and the duration of one
 *		customer.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/decimal.h"
#include "core/decimal.h"
#include "core/json.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "survival/survival_internal.h"

/* ---- durations ---- */

/* A microsecond is 1.16 x 10^-11 of a day. */
#define DAY_DECIMALS 11

#define UNIT_DAYS	 "days"

const TallyColumn duration_sums[2] = {
	[DURATION_EVENTS] = { "events", TALLY_COUNT },
	[DURATION_CENSORED] = { "censored", TALLY_COUNT },
};

static void report_negative(const char *duration) pg_attribute_noreturn();

static void
report_negative(const char *duration)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("duration must not be negative: %s", duration),
					errhint("A duration runs from its start to its end: until - since.")));
}

DurationType
duration_type(FunctionCallInfo fcinfo, int n)
{
	Oid type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, n));

	switch (type)
	{
		case NUMERICOID:
			return DURATION_NUMERIC;
		case INT2OID:
			return DURATION_SMALLINT;
		case INT4OID:
			return DURATION_INTEGER;
		case INT8OID:
			return DURATION_BIGINT;
		case FLOAT4OID:
			return DURATION_REAL;
		case FLOAT8OID:
			return DURATION_FLOAT;
		case INTERVALOID:
			return DURATION_INTERVAL;
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("a duration can't be of type %s", format_type_be(type)),
					errhint("Give a number, in any unit, or an interval, which counts in days.")));
}

static Decimal
duration_from_interval(const Interval *span)
{
	int128 time;
	int64 days;
	int64 rest;
	Decimal part;
	Decimal duration;

#ifdef INTERVAL_NOT_FINITE
	if (INTERVAL_NOT_FINITE(span))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("duration must be finite"),
				 errhint("What hasn't ended is censored: how long it lasted so far.")));
#endif
	time = ((int128) span->month * DAYS_PER_MONTH + span->day) * USECS_PER_DAY + span->time;
	days = (int64) (time / USECS_PER_DAY);
	rest = (int64) (time % USECS_PER_DAY);

	/* 10^11 / USECS_PER_DAY is 1000 / 864. Rounded away from 0 at the half. */
	part.units = (rest * 1000 + (rest < 0 ? -432 : 432)) / 864;
	part.scale = DAY_DECIMALS;
	duration.scale = decimal_minimal_scale(part.units, part.scale);
	duration.units = decimal_rescale(days, 0, duration.scale) +
					 part.units / decimal_power[DAY_DECIMALS - duration.scale];
	return duration;
}

static Decimal
exact_duration(DurationType type, Datum duration)
{
	switch (type)
	{
		case DURATION_SMALLINT:
			return decimal_of_smallint(duration);
		case DURATION_INTEGER:
			return decimal_of_integer(duration);
		case DURATION_BIGINT:
			return decimal_of_bigint(duration);
		case DURATION_INTERVAL:
			return duration_from_interval(DatumGetIntervalP(duration));
		default: /* DURATION_NUMERIC */
			return decimal_of_numeric(duration);
	}
}

static int64
float_key(Tally *tally, double duration)
{
	if (isnan(duration) || isinf(duration))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("duration must be finite"),
				 errhint("What hasn't ended is censored: how long it lasted so far.")));
	if (duration < 0)
		report_negative(tally_float_text(duration));
	tally_use_scale(tally, TALLY_FLOATS);
	return tally_float_key(duration);
}

static void report_no_room(Decimal duration) pg_attribute_noreturn();

static void
report_no_room(Decimal duration)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("durations don't fit 18 digits: %s",
						   decimal_to_text(duration.units, duration.scale)),
					errhint("Give them as float8, which are taken as they are, or round() them.")));
}

int64
duration_key(Tally *tally, DurationType type, Datum datum)
{
	Decimal duration;
	int64 key;

	if (type == DURATION_REAL)
		return float_key(tally, DatumGetFloat4(datum));
	if (type == DURATION_FLOAT)
		return float_key(tally, DatumGetFloat8(datum));
	duration = exact_duration(type, datum);
	if (unlikely(duration.units < 0))
		report_negative(decimal_to_text(duration.units, duration.scale));
	tally_use_scale(tally, duration.scale);
	if (unlikely(pg_mul_s64_overflow(duration.units,
									 decimal_power[tally_scale(tally) - duration.scale], &key)))
		report_no_room(duration);
	return key;
}

void
duration_count(Tally *tally, const TallyKey *key, bool event)
{
	tally_add(tally, tally_row(tally, key), event ? DURATION_EVENTS : DURATION_CENSORED, 1);
}

static char *
canonical_unit(const char *text)
{
	if (strcmp(text, UNIT_DAYS) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("\"unit\" can't be \"%.*s%s\"", JSON_SHOWN(text, (int) strlen(text))),
				 errhint("It is \"" UNIT_DAYS "\", or there is none.")));
	return pstrdup(text);
}

const TallyParameter duration_unit = {
	.name = "unit",
	.canonical = canonical_unit,
	.hint =
		"Intervals count in days, numbers in what they count: give the same sort to all of them.",
};

void
duration_set_unit(Tally *tally, DurationType type)
{
	tally_set_parameter(tally, 0, type == DURATION_INTERVAL ? UNIT_DAYS : NULL);
}

const char *
duration_fault(const Tally *tally, int column)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 observations = 0;
	bool is_float = tally_scale(tally) == TALLY_FLOATS;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (rows[i]->key.numbers[column] < 0)
			return "A duration is negative.";
		if (is_float && rows[i]->key.numbers[column] > tally_float_key(DBL_MAX))
			return "A duration isn't finite.";
		if (pg_add_s64_overflow(observations, (int64) rows[i]->sums[DURATION_EVENTS],
								&observations) ||
			pg_add_s64_overflow(observations, (int64) rows[i]->sums[DURATION_CENSORED],
								&observations))
			return "There are more observations than 2^63 - 1.";
	}
	pfree(rows);
	return NULL;
}

/* ---- the result ---- */

#define SURVIVAL_DURATION 0

static const TallyColumn survival_keys[] = {
	[SURVIVAL_DURATION] = { "duration", TALLY_DECIMAL },
};

static const char *
survival_fault(const Tally *tally)
{
	return duration_fault(tally, SURVIVAL_DURATION);
}

static const TallyShape survival_shape = {
	.type = "survival_result",
	.maker = "survival() and rollup()",
	.nparameters = 1,
	.parameters = &duration_unit,
	.nkeys = lengthof(survival_keys),
	.keys = survival_keys,
	.nsums = lengthof(duration_sums),
	.sums = duration_sums,
	.fault = survival_fault,
};

/* loyalty_survival_result_in, loyalty_survival_result_out, loyalty_survival_result_recv,
 * loyalty_survival_result_send, loyalty_survival_result_merge,
 * loyalty_survival_result_scope */
TALLY_TYPE(survival_result, &survival_shape)

/* ---- the aggregate ---- */

PG_FUNCTION_INFO_V1(loyalty_survival_accum);

/* What a call site's durations are; in its fn_extra. */
static DurationType
duration_type_of_call(FunctionCallInfo fcinfo)
{
	DurationType *type = fcinfo->flinfo->fn_extra;

	if (type == NULL)
	{
		type = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(DurationType));
		*type = duration_type(fcinfo, 1);
		fcinfo->flinfo->fn_extra = type;
	}
	return *type;
}

/* survival_accum(state, duration, event) */
Datum
loyalty_survival_accum(PG_FUNCTION_ARGS)
{
	DurationType type = duration_type_of_call(fcinfo);
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &survival_shape, &is_new);

	if (is_new)
		duration_set_unit(state->tally, type);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		TallyKey key = { .text = NULL };

		key.numbers[SURVIVAL_DURATION] = duration_key(state->tally, type, PG_GETARG_DATUM(1));
		duration_count(state->tally, &key, PG_GETARG_BOOL(2));
	}
	TALLY_RETURN_STATE(state);
}

/* ---- questions ---- */

PG_FUNCTION_INFO_V1(loyalty_survival_table);
PG_FUNCTION_INFO_V1(loyalty_survival_at);
PG_FUNCTION_INFO_V1(loyalty_survival_median);
PG_FUNCTION_INFO_V1(loyalty_survival_mean);

static SurvivalTimes
survival_times(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	SurvivalTime *times = palloc_extended(Max(nrows, 1) * sizeof(SurvivalTime), MCXT_ALLOC_HUGE);
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		times[i].duration = rows[i]->key.numbers[SURVIVAL_DURATION];
		times[i].events = (int64) rows[i]->sums[DURATION_EVENTS];
		times[i].censored = (int64) rows[i]->sums[DURATION_CENSORED];
		CHECK_FOR_INTERRUPTS();
	}
	pfree(rows);
	return (SurvivalTimes){ times, nrows, tally_scale(tally) == TALLY_FLOATS };
}

static SurvivalInterval
interval_kind_argument(FunctionCallInfo fcinfo, int n)
{
	static const char *const names[] = { "log-log", "log", "plain" };

	return (SurvivalInterval) argument_choice(fcinfo, n, "interval_kind", names, lengthof(names),
											  "unknown kind of interval:", "'");
}

/* A duration as a number; a float as its shortest text. */
static Numeric
duration_number(int64 duration, int scale)
{
	if (scale != TALLY_FLOATS)
		return decimal_to_numeric(duration, scale);
	return DatumGetNumeric(DirectFunctionCall3(
		numeric_in, CStringGetDatum(tally_float_text(tally_key_float(duration))),
		ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static void
put_duration(Rows *rows, const SurvivalTime *time, int scale)
{
	if (time == NULL)
		rows_put_null(rows);
	else
		rows_put_datum(rows, NumericGetDatum(duration_number(time->duration, scale)));
}

Datum
loyalty_survival_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	SurvivalInterval kind = interval_kind_argument(fcinfo, 2);
	Tally *tally = tally_argument(fcinfo, 0, &survival_shape);
	SurvivalWalk walk;
	Rows rows;

	survival_start(&walk, survival_times(tally));
	rows_open(&rows, fcinfo);
	while (survival_next(&walk))
	{
		double lower;
		double upper;

		survival_interval(&walk, z, kind, &lower, &upper);
		rows_begin(&rows);
		put_duration(&rows, walk.time, tally_scale(tally));
		rows_put_count(&rows, walk.at_risk);
		rows_put_count(&rows, walk.time->events);
		rows_put_count(&rows, walk.time->censored);
		rows_put_float(&rows, walk.survival);
		rows_put_float(&rows, survival_std_error(&walk));
		rows_put_float(&rows, lower);
		rows_put_float(&rows, upper);
		rows_end(&rows);
	}
	return (Datum) 0;
}

static Numeric
longest_duration(SurvivalTimes of, int scale)
{
	return duration_number(of.times[of.ntimes - 1].duration, scale);
}

/* Refuses a point in time that isn't 0 or more, and finite. */
static void
check_point(Numeric point, const char *name)
{
	if (numeric_is_nan(point) || numeric_is_inf(point))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s must be finite", name)));
	if (numeric_compare(point, decimal_to_numeric(0, 0)) < 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must not be negative: %s", name,
					DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(point))))));
}

static double
float_of_number(Numeric number)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(number)));
}

/* The last key that a duration up to a point can have; that is no longer than the longest one. */
static int64
key_of_point(Numeric point, int scale)
{
	Datum cut;
	Decimal units;

	if (scale == TALLY_FLOATS)
	{
		int64 key = tally_float_key(float_of_number(point));

		return numeric_compare(duration_number(key, scale), point) > 0 ? key - 1 : key;
	}
	cut = DirectFunctionCall2(numeric_trunc, NumericGetDatum(point), Int32GetDatum(scale));
	units = decimal_from_numeric((struct varlena *) DatumGetPointer(cut));
	return decimal_rescale(units.units, units.scale, scale);
}

Datum
loyalty_survival_at(PG_FUNCTION_ARGS)
{
	Numeric t = PG_GETARG_NUMERIC(1);
	Tally *tally = tally_argument(fcinfo, 0, &survival_shape);
	SurvivalTimes times = survival_times(tally);
	SurvivalWalk walk;
	bool is_past;
	int64 until;

	check_point(t, "t");
	if (times.ntimes == 0)
		PG_RETURN_NULL();
	is_past = numeric_compare(t, longest_duration(times, tally_scale(tally))) > 0;
	until = is_past ? PG_INT64_MAX : key_of_point(t, tally_scale(tally));
	survival_start(&walk, times);
	while (walk.next < walk.end && walk.next->duration <= until)
		survival_next(&walk);
	if (is_past && walk.survival > 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(walk.survival);
}

Datum
loyalty_survival_median(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	SurvivalInterval kind = interval_kind_argument(fcinfo, 2);
	Tally *tally = tally_argument(fcinfo, 0, &survival_shape);
	SurvivalMedian found = survival_median(survival_times(tally), z, kind);
	Rows rows;

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	put_duration(&rows, found.median, tally_scale(tally));
	put_duration(&rows, found.lower, tally_scale(tally));
	put_duration(&rows, found.upper, tally_scale(tally));
	return rows_record(&rows);
}

/* How many units of durations there are in one. */
static int64
units_in_one(int scale)
{
	return scale == TALLY_FLOATS ? 1 : decimal_power[scale];
}

/* A point as so many units, exact where its double is. */
static double
point_in_units(Numeric point, int scale)
{
	Datum units = DirectFunctionCall2(numeric_mul, NumericGetDatum(point),
									  NumericGetDatum(decimal_to_numeric(units_in_one(scale), 0)));

	return float_of_number(DatumGetNumeric(units));
}

Datum
loyalty_survival_mean(PG_FUNCTION_ARGS)
{
	Tally *tally;
	SurvivalTimes times;
	Numeric until = NULL;
	double unit;
	double mean;
	double std_error;
	Rows rows;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	tally = tally_argument(fcinfo, 0, &survival_shape);
	times = survival_times(tally);
	unit = (double) units_in_one(tally_scale(tally));
	if (!PG_ARGISNULL(1))
	{
		until = PG_GETARG_NUMERIC(1);
		check_point(until, "until");
	}
	else if (times.ntimes > 0)
		until = longest_duration(times, tally_scale(tally));
	survival_mean(times, until != NULL ? point_in_units(until, tally_scale(tally)) : 0, &mean,
				  &std_error);

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_float(&rows, mean / unit);
	rows_put_float(&rows, std_error / unit);
	if (until == NULL)
		rows_put_null(&rows);
	else
		rows_put_datum(&rows, NumericGetDatum(until));
	return rows_record(&rows);
}

/* ---- one customer ---- */

PG_FUNCTION_INFO_V1(loyalty_churn_duration);

/*
 * How long a customer stayed: active days as an observation for survival().
 *
 *		first ....... last before the gap |<- gap_days ->|	churned on the day after
 *
 * A customer stays until the gap is longer than gap_days: until the day gap_days + 1 after the last
 * activity, be it the day of a return. That day, counted from the first active one, is the
 * duration; if it hasn't come by as_of, the duration is censored there. So what is seen as of a
 * day is the smaller of the days passed and a duration that doesn't depend on as_of, which is what
 * Kaplan-Meier takes for granted. A churn dated back to the last activity breaks that: none can be
 * seen in the last gap_days before as_of, for which everybody else would count as at risk.
 */
Datum
loyalty_churn_duration(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));
	int32 gap_days = PG_GETARG_INT32(1);
	DateADT as_of = PG_GETARG_DATEADT(2);
	ActivityCursor cursor;
	DateADT first;
	DateADT day;
	int64 churned_on;
	Rows rows;

	if (gap_days < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("gap_days must be 1 or more, not %d", gap_days),
						errhint("A gap of 1 day is from one active day to the next.")));
	check_finite_day(as_of);
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &first) || first > as_of)
	{
		rows_put_null(&rows);
		rows_put_null(&rows);
		return rows_record(&rows);
	}
	churned_on = (int64) first + gap_days + 1;
	while (activity_next(&cursor, &day) && day < churned_on)
	{
		churned_on = (int64) day + gap_days + 1;
		CHECK_FOR_INTERRUPTS();
	}
	rows_put_int(&rows, (int32) (Min(churned_on, (int64) as_of) - first));
	rows_put_bool(&rows, churned_on <= as_of);
	return rows_record(&rows);
}
