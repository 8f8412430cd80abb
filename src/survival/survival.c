/*
 * survival.c
 *		How long customers stay: Kaplan-Meier's estimate of durations, and the duration of one
 *		customer.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/decimal.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "survival/survival_internal.h"

/* ---- the result ---- */

#define SURVIVAL_DURATION 0

static const TallyColumn survival_keys[] = {
	[SURVIVAL_DURATION] = { "duration", TALLY_DECIMAL },
};

static SurvivalTimes
survival_times(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	SurvivalTimes times = duration_times(tally, rows, nrows, SURVIVAL_DURATION);

	pfree(rows);
	return times;
}

static const char *
survival_fault(const Tally *tally)
{
	const char *fault = duration_fault(tally, SURVIVAL_DURATION);

	if (fault == NULL && !survival_times_valid(survival_times(tally)))
		fault = DURATIONS_FAULT;
	return fault;
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

/* survival_accum(state, duration, event [, entry]) */
Datum
loyalty_survival_accum(PG_FUNCTION_ARGS)
{
	DurationType type = duration_call(fcinfo, 1, -1)->duration;
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &survival_shape, &is_new);
	Observed observed;

	if (is_new)
		duration_set_unit(state->tally, type);
	if (!PG_ARGISNULL(2) && observed_arguments(fcinfo, 1, 3, state->tally, type, &observed))
	{
		TallyKey key = { .text = NULL };

		duration_count(state->tally, &key, SURVIVAL_DURATION, &observed, PG_GETARG_BOOL(2));
		duration_count_entry(state->tally, &key, SURVIVAL_DURATION, &observed);
	}
	TALLY_RETURN_STATE(state);
}

/* ---- questions ---- */

/* The times of the result in the first argument. */
static SurvivalTimes
times_argument(FunctionCallInfo fcinfo, const Tally **tally)
{
	SurvivalTimes times;

	*tally = tally_argument(fcinfo, 0, &survival_shape);
	times = survival_times(*tally);
	duration_notice_early_end(times, tally_scale(*tally));
	return times;
}

PG_FUNCTION_INFO_V1(loyalty_survival_table);
PG_FUNCTION_INFO_V1(loyalty_survival_at);
PG_FUNCTION_INFO_V1(loyalty_survival_median);
PG_FUNCTION_INFO_V1(loyalty_survival_mean);

static void
put_duration(Rows *rows, const SurvivalTime *time, int scale)
{
	if (time == NULL)
		rows_put_null(rows);
	else
		duration_put(rows, time->duration, scale);
}

Datum
loyalty_survival_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	SurvivalInterval kind = interval_kind_argument(fcinfo, 2);
	const Tally *tally;
	SurvivalTimes times = times_argument(fcinfo, &tally);
	SurvivalWalk walk;
	Rows rows;

	survival_start(&walk, times);
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
		rows_put_count(&rows, walk.time->entered);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* survival_at(result, t): a number, an interval or a text */
Datum
loyalty_survival_at(PG_FUNCTION_ARGS)
{
	const Tally *tally;
	SurvivalTimes times = times_argument(fcinfo, &tally);
	Numeric t = point_argument(fcinfo, 1, tally, "t");
	SurvivalWalk walk;
	bool is_past;
	int64 until;

	if (times.ntimes == 0)
		PG_RETURN_NULL();
	until = key_up_to(t, times, tally_scale(tally), &is_past);
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
	const Tally *tally;
	SurvivalMedian found = survival_median(times_argument(fcinfo, &tally), z, kind);
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
	const Tally *tally;
	SurvivalTimes times;
	Numeric until = NULL;
	double unit;
	double mean;
	double std_error;
	Rows rows;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	times = times_argument(fcinfo, &tally);
	unit = (double) units_in_one(tally_scale(tally));
	if (!PG_ARGISNULL(1))
		until = point_argument(fcinfo, 1, tally, "until");
	else if (times.ntimes > 0)
		until = duration_number(times.times[times.ntimes - 1].duration, tally_scale(tally));
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
