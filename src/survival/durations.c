/*
 * durations.c
 *		Durations as arguments, keys and rows; points in time.
 */
#include "postgres.h"

#include <ctype.h>
#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/decimal.h"
#include "core/json.h"
#include "policy/policy.h"
#include "survival/survival_internal.h"

/* ---- durations ---- */

/* A microsecond is 1.16 x 10^-11 of a day. */
#define DAY_DECIMALS 11

#define UNIT_DAYS	 "days"

const TallyColumn duration_sums[DURATION_SUMS] = {
	[DURATION_EVENTS] = { "events", TALLY_COUNT },
	[DURATION_CENSORED] = { "censored", TALLY_COUNT },
	[DURATION_ENTERED] = { "entered", TALLY_COUNT },
};

static void report_negative(const char *name, const char *duration) pg_attribute_noreturn();

static void
report_negative(const char *name, const char *duration)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must not be negative: %s", name, duration),
			 strcmp(name, "entry") == 0
				 ? errhint("It is how long the duration had lasted when observation began: 0 where "
						   "that was at its start, or before.")
				 : errhint("A duration runs from its start to its end: until - since.")));
}

static DurationType
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

DurationCall *
duration_call(FunctionCallInfo fcinfo, int duration, int text)
{
	DurationCall *call = fcinfo->flinfo->fn_extra;

	if (call != NULL)
		return call;
	call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(DurationCall));
	call->duration = duration_type(fcinfo, duration);
	if (text >= 0)
		any_text_open(fcinfo, text, &call->text);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

static Decimal
duration_from_interval(const Interval *span, const char *name)
{
	int128 time;
	int64 days;
	int64 rest;
	Decimal part;
	Decimal duration;

#ifdef INTERVAL_NOT_FINITE
	if (INTERVAL_NOT_FINITE(span))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("%s must be finite", name),
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
exact_duration(DurationType type, Datum duration, const char *name)
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
			return duration_from_interval(DatumGetIntervalP(duration), name);
		default: /* DURATION_NUMERIC */
			return decimal_of_numeric(duration);
	}
}

static int64
float_key(Tally *tally, double duration, const char *name)
{
	if (isnan(duration) || isinf(duration))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s must be finite", name),
				 errhint("What hasn't ended is censored: how long it lasted so far.")));
	if (duration < 0)
		report_negative(name, tally_float_text(duration));
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
duration_key(Tally *tally, DurationType type, Datum datum, const char *name)
{
	Decimal duration;
	int64 key;

	if (type == DURATION_REAL)
		return float_key(tally, DatumGetFloat4(datum), name);
	if (type == DURATION_FLOAT)
		return float_key(tally, DatumGetFloat8(datum), name);
	duration = exact_duration(type, datum, name);
	if (unlikely(duration.units < 0))
		report_negative(name, decimal_to_text(duration.units, duration.scale));
	tally_use_scale(tally, duration.scale);
	if (unlikely(pg_mul_s64_overflow(duration.units,
									 decimal_power[tally_scale(tally) - duration.scale], &key)))
		report_no_room(duration);
	return key;
}

/* A duration as text. */
static char *
duration_text(int64 duration, int scale)
{
	return scale == TALLY_FLOATS ? tally_float_text(tally_key_float(duration))
								 : decimal_to_text(duration, scale);
}

bool
observed_arguments(FunctionCallInfo fcinfo, int duration, int entry, Tally *tally,
				   DurationType type, Observed *observed)
{
	int scale;

	if (PG_ARGISNULL(duration) || (entry < PG_NARGS() && PG_ARGISNULL(entry)))
		return false;
	observed->entry = 0;
	observed->duration = duration_key(tally, type, PG_GETARG_DATUM(duration), "duration");
	if (entry >= PG_NARGS())
		return true;
	scale = tally_scale(tally);
	observed->entry = duration_key(tally, type, PG_GETARG_DATUM(entry), "entry");
	if (tally_scale(tally) != scale)
		observed->duration = duration_key(tally, type, PG_GETARG_DATUM(duration), "duration");
	if (observed->entry > 0 && observed->entry >= observed->duration)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("entry, %s, must be before the end of the duration, %s",
							   duration_text(observed->entry, tally_scale(tally)),
							   duration_text(observed->duration, tally_scale(tally))),
						errhint("Leave out what had ended by then: WHERE entry < duration.")));
	return true;
}

void
duration_count(Tally *tally, TallyKey *key, int column, const Observed *observed, bool event)
{
	key->numbers[column] = observed->duration;
	tally_add(tally, tally_row(tally, key), event ? DURATION_EVENTS : DURATION_CENSORED, 1);
}

void
duration_count_entry(Tally *tally, TallyKey *key, int column, const Observed *observed)
{
	if (observed->entry == 0)
		return;
	key->numbers[column] = observed->entry;
	tally_add(tally, tally_row(tally, key), DURATION_ENTERED, 1);
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
	int64 entered = 0;
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
		if (pg_add_s64_overflow(entered, (int64) rows[i]->sums[DURATION_ENTERED], &entered) ||
			(rows[i]->sums[DURATION_ENTERED] > 0 && rows[i]->key.numbers[column] == 0))
			return "Who enters does so after the start, and has a longer duration.";
	}
	pfree(rows);
	return NULL;
}

SurvivalTimes
duration_times(const Tally *tally, TallyRow **rows, int64 nrows, int column)
{
	SurvivalTime *times = palloc_extended(Max(nrows, 1) * sizeof(SurvivalTime), MCXT_ALLOC_HUGE);
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		times[i].duration = rows[i]->key.numbers[column];
		times[i].events = (int64) rows[i]->sums[DURATION_EVENTS];
		times[i].censored = (int64) rows[i]->sums[DURATION_CENSORED];
		times[i].entered = (int64) rows[i]->sums[DURATION_ENTERED];
		CHECK_FOR_INTERRUPTS();
	}
	return (SurvivalTimes){ times, nrows, tally_scale(tally) == TALLY_FLOATS };
}

void
duration_notice_early_end(SurvivalTimes of, int scale)
{
	SurvivalWalk walk;
	const SurvivalTime *ended = NULL;
	int64 at_risk = 0;
	int64 later = 0;

	survival_start(&walk, of);
	while (survival_next(&walk))
	{
		if (ended == NULL && walk.survival <= 0)
		{
			ended = walk.time;
			at_risk = walk.at_risk;
		}
		if (ended != NULL)
			later += walk.time->entered;
	}
	if (later > 0)
		ereport(NOTICE,
				(errmsg("survival is 0 from %s on: all of the " INT64_FORMAT
						" that were at risk then ended, and " INT64_FORMAT
						" that entered later don't count",
						duration_text(ended->duration, scale), at_risk, later),
				 errhint("Start where enough are at risk: leave out what ended before, and let no "
						 "entry be earlier.")));
}

/* ---- questions ---- */

SurvivalInterval
interval_kind_argument(FunctionCallInfo fcinfo, int n)
{
	static const char *const names[] = { "log-log", "log", "plain" };

	return (SurvivalInterval) argument_choice(fcinfo, n, "interval_kind", names, lengthof(names),
											  "unknown kind of interval:", "'");
}

Numeric
duration_number(int64 duration, int scale)
{
	if (scale != TALLY_FLOATS)
		return decimal_to_numeric(duration, scale);
	return DatumGetNumeric(DirectFunctionCall3(
		numeric_in, CStringGetDatum(tally_float_text(tally_key_float(duration))),
		ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

void
duration_put(Rows *rows, int64 duration, int scale)
{
	rows_put_datum(rows, NumericGetDatum(duration_number(duration, scale)));
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

static void report_no_days(const char *name) pg_attribute_noreturn();

static void
report_no_days(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s can't be an interval: durations don't count in days", name),
					errhint("Give a number, in what they count in. Durations that are intervals "
							"count in days.")));
}

/* An interval as so many days. */
static Numeric
point_of_interval(const Interval *interval, const Tally *tally, const char *name)
{
	Decimal days = duration_from_interval(interval, name);

	if (tally_parameter(tally, 0) == NULL)
		report_no_days(name);
	return decimal_to_numeric(days.units, days.scale);
}

/* Is it written as a number is, be it one that isn't finite? */
static bool
looks_like_number(const char *text, size_t len)
{
	static const char *const words[] = { "nan", "inf", "infinity" };
	size_t signs = len > 0 && (text[0] == '-' || text[0] == '+');
	int i;

	for (i = 0; i < (int) lengthof(words); i++)
		if (strlen(words[i]) == len - signs &&
			pg_strncasecmp(text + signs, words[i], len - signs) == 0)
			return true;
	return len > 0 && strspn(text, "+-.0123456789eE_") >= len;
}

/* A literal is a text where a number and an interval may stand. */
static Numeric
point_of_text(const text *value, const Tally *tally, const char *name)
{
	char *text = text_to_cstring(value);
	char *start = text + strspn(text, " \t\n\r");
	size_t len = strlen(start);
	Interval interval;

	while (len > 0 && isspace((unsigned char) start[len - 1]))
		len--;
	if (looks_like_number(start, len))
		return DatumGetNumeric(DirectFunctionCall3(
			numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	if (!policy_parse_interval(text, &interval))
		ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
						errmsg("%s is neither a number nor an interval: \"%.*s%s\"", name,
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write 30 or '30 days'.")));
	return point_of_interval(&interval, tally, name);
}

Numeric
point_argument(FunctionCallInfo fcinfo, int n, const Tally *tally, const char *name)
{
	Numeric point;

	switch (get_fn_expr_argtype(fcinfo->flinfo, n))
	{
		case TEXTOID:
			point = point_of_text(PG_GETARG_TEXT_PP(n), tally, name);
			break;
		case INTERVALOID:
			point = point_of_interval(PG_GETARG_INTERVAL_P(n), tally, name);
			break;
		default:
			point = PG_GETARG_NUMERIC(n);
			break;
	}
	check_point(point, name);
	return point;
}

double
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

int64
key_up_to(Numeric point, SurvivalTimes of, int scale, bool *is_past)
{
	Numeric longest = duration_number(of.times[of.ntimes - 1].duration, scale);

	*is_past = numeric_compare(point, longest) > 0;
	return *is_past ? PG_INT64_MAX : key_of_point(point, scale);
}
