/*
 * question.c
 *		What a metric is asked: its arguments, as they come and opened; questions that a call site
 *		keeps; and the parameters of results that tell what was asked.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/codec.h"
#include "core/json.h"
#include "metric/metric.h"
#include "metric/metric_internal.h"
#include "policy/policy.h"

/* ---- arguments ---- */

/* At its smallest scale, so that 1.50 and 1.5 are the same question. */
static Decimal
smallest_decimal(const struct varlena *number)
{
	Decimal decimal = decimal_from_numeric(number);
	int scale = decimal_minimal_scale(decimal.units, decimal.scale);

	decimal.units /= decimal_power[decimal.scale - scale];
	decimal.scale = scale;
	return decimal;
}

void
metric_check_count(const char *name, int32 count)
{
	if (count < 1 || count > METRIC_MAX_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d, not %d", name, METRIC_MAX_COUNT, count)));
}

void
metric_check_days(const MetricQuestion *question)
{
	if (question->has_as_of && question->day > question->as_of)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("from_day, %s, is after to_day, %s", day_text(question->day),
							   day_text(question->as_of)),
						errhint("to_day is that of the last event unless it is given.")));
}

int64
metric_elapsed(const Interval *interval)
{
	int64 time = 0;

	if (interval->month != 0 || pg_mul_s64_overflow((int64) interval->day, USECS_PER_DAY, &time) ||
		__builtin_add_overflow(time, interval->time, &time) || time < METRIC_MIN_ELAPSED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("elapsed must be a minute or more, without months"),
						errhint("Months differ in length: write hours or days, which are 24 hours "
								"here.")));
	return time;
}

/* A text is read when the question is opened. */
static void
read_span(FunctionCallInfo fcinfo, int n, int i, MetricQuestion *question)
{
	switch (get_fn_expr_argtype(fcinfo->flinfo, n))
	{
		case TEXTOID:
			question->values[i] = PG_GETARG_VARLENA_PP(n);
			break;
		case INT4OID:
			question->has_span = true;
			question->span.day = PG_GETARG_INT32(n);
			break;
		default:
			question->has_span = true;
			question->span = *PG_GETARG_INTERVAL_P(n);
			break;
	}
}

static void
open_span(const char *name, const struct varlena *value, MetricQuestion *question)
{
	char *text = text_to_cstring((const struct varlena *) value);

	question->has_span = true;
	if (!policy_parse_interval(text, &question->span))
		ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
						errmsg("%s is not an interval: \"%.*s%s\"", name,
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write one such as '7 days' or '00:30:00'.")));
}

/* Reads the n-th argument of a call, which is the metric's i-th. */
static void
read_argument(FunctionCallInfo fcinfo, int n, const Metric *metric, int i, MetricQuestion *question)
{
	const MetricArgument *argument = &metric->arguments[i];

	if (PG_ARGISNULL(n))
	{
		if (!argument->may_be_null && argument->type != METRIC_AS_OF)
			argument_refuse_null(fcinfo, n, argument->name, argument->null_hint);
		return;
	}
	switch (argument->type)
	{
		case METRIC_POLICY:
		case METRIC_OTHER_POLICY:
		case METRIC_PERIOD:
		case METRIC_WITHIN:
		case METRIC_VALUE:
		case METRIC_ZONE:
			question->values[i] = PG_GETARG_VARLENA_PP(n);
			break;
		case METRIC_AS_OF:
			question->has_as_of = true;
			question->as_of =
				argument_finite_day(fcinfo, n, metric->policy != NULL ? argument->name : "day");
			break;
		case METRIC_DAY:
			question->day = argument_finite_day(fcinfo, n, argument->name);
			break;
		case METRIC_FLAG:
			question->flag = PG_GETARG_BOOL(n);
			break;
		case METRIC_COUNT:
			question->count = PG_GETARG_INT32(n);
			metric_check_count(argument->name, question->count);
			break;
		case METRIC_OTHER_COUNT:
			question->other_count = PG_GETARG_INT32(n);
			metric_check_count(argument->name, question->other_count);
			break;
		case METRIC_DECIMAL:
			question->decimal = smallest_decimal(PG_GETARG_VARLENA_PP(n));
			break;
		case METRIC_SPAN:
			read_span(fcinfo, n, i, question);
			break;
	}
}

int
metric_inputs(const Metric *metric)
{
	return metric->input == METRIC_STARTS_AND_RETURNS ? 2 : 1;
}

void
metric_read_question_around(FunctionCallInfo fcinfo, int n, const Metric *metric, int before,
							int nothers, MetricQuestion *question)
{
	int i;

	memset(question, 0, sizeof(MetricQuestion));
	question->kind = metric->kind;
	for (i = 0; i < metric->narguments; i++)
	{
		int at = n + i + (i >= before ? nothers : 0);

		if (at < PG_NARGS())
			read_argument(fcinfo, at, metric, i, question);
		else if (metric->arguments[i].type == METRIC_COUNT &&
				 metric->arguments[i].by_default != NULL)
			question->count = pg_strtoint32(metric->arguments[i].by_default);
	}
}

void
metric_read_question(FunctionCallInfo fcinfo, int n, const Metric *metric, MetricQuestion *question)
{
	metric_read_question_around(fcinfo, n, metric, metric->narguments, 0, question);
}

bool
metric_same_value(const MetricQuestion *a, const MetricQuestion *b, const Metric *metric, int i)
{
	if (metric->arguments[i].type == METRIC_SPAN && a->values[i] == NULL && b->values[i] == NULL)
		return a->has_span == b->has_span && a->span.month == b->span.month &&
			   a->span.day == b->span.day && a->span.time == b->span.time;
	return argument_same(a->values[i], b->values[i]);
}

bool
metric_same_common(const MetricQuestion *a, const MetricQuestion *b)
{
	return a->has_as_of == b->has_as_of && a->as_of == b->as_of && a->day == b->day &&
		   a->flag == b->flag && a->count == b->count && a->other_count == b->other_count &&
		   a->decimal.units == b->decimal.units && a->decimal.scale == b->decimal.scale;
}

bool
metric_same_question(const MetricQuestion *a, const MetricQuestion *b, const Metric *metric)
{
	int i;

	for (i = 0; i < metric->narguments; i++)
		if (!metric_same_value(a, b, metric, i))
			return false;
	return metric_same_common(a, b);
}

const MetricArgument *
metric_argument_of(const Metric *metric, MetricArgumentType type)
{
	int i;

	for (i = 0; i < metric->narguments; i++)
		if (metric->arguments[i].type == type)
			return &metric->arguments[i];
	return NULL;
}

/* ---- what is asked, opened ---- */

/* The zone that the policies name; NULL: none. */
static ZoneDays *
zone_of_policies(const Metric *metric, const MetricQuestion *question)
{
	ZoneDays *zone = metric->policy->zone(question->policy);
	ZoneDays *other;

	if (question->other_policy == NULL)
		return zone;
	other = metric->policy->zone(question->other_policy);
	if (zone != NULL && other != NULL && zone != other)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is in zone \"%s\", but %s in \"%s\"",
						metric_argument_of(metric, METRIC_POLICY)->name, zone_name(zone),
						metric_argument_of(metric, METRIC_OTHER_POLICY)->name, zone_name(other)),
				 errhint("Leave out one of them, or let them agree.")));
	return zone != NULL ? zone : other;
}

/* The zone of all that is asked over timelines: one that is named; that of the policies, which a
 * period must agree with, or that of a period; or the one whose days were collected, which those
 * must agree with; or the session's. */
static ZoneDays *
settle_zone(const Metric *metric, const MetricQuestion *question, const Base *base)
{
	ZoneDays *zone = metric->policy != NULL ? zone_of_policies(metric, question) : question->zone;
	const char *of_days = base != NULL && base->zone_state == ZONE_KNOWN ? base->zone : NULL;

	if (question->period != NULL)
	{
		Calendar calendar;

		calendar_open(&calendar, question->period);
		if (calendar.zone != NULL)
		{
			ZoneDays *named = zone_by_name(calendar.zone, strlen(calendar.zone));

			if (zone != NULL && zone != named)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("the policy is in zone \"%s\", but the period in \"%s\"",
									   zone_name(zone), zone_name(named)),
								errhint("Leave out one of them, or let them agree.")));
			zone = named;
		}
	}
	if (zone == NULL)
		return of_days != NULL ? zone_noted(of_days, strlen(of_days)) : zone_of_session();
	if (of_days != NULL && strcmp(zone_name(zone), of_days) != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the question is in zone \"%s\", but dates were collected as days of zone "
					"\"%s\"",
					zone_name(zone), of_days),
			 errhint("Collect them as days of that zone: timelines(customer, day, value, '%s').",
					 zone_name(zone))));
	return zone;
}

void
metric_open_question(const Metric *metric, MetricQuestion *question, const Base *base)
{
	int i;

	for (i = 0; i < metric->narguments; i++)
	{
		struct varlena *value = argument_copy(question->values[i]);

		question->values[i] = value;
		switch (metric->arguments[i].type)
		{
			case METRIC_POLICY:
				question->policy = metric->policy->open(value);
				break;
			case METRIC_OTHER_POLICY:
				question->other_policy = metric->policy->open(value);
				break;
			case METRIC_PERIOD:
				question->period = (CalendarPeriod *) value;
				break;
			case METRIC_WITHIN:
				question->within = value != NULL
									   ? (CalendarPeriod *) value
									   : calendar_period_parse(metric->arguments[i].by_default);
				break;
			case METRIC_ZONE:
				if (value != NULL)
					question->zone = zone_by_name(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
				break;
			case METRIC_SPAN:
				if (value != NULL)
					open_span(metric->arguments[i].name, value, question);
				break;
			default:
				break;
		}
	}
	if (metric->input == METRIC_TIMELINES)
	{
		question->zone = settle_zone(metric, question, base);
		question->zone_name = zone_name(question->zone);
	}
	if (question->policy != NULL)
		metric->policy->set_zone(question->policy, question->zone);
	if (question->other_policy != NULL)
		metric->policy->set_zone(question->other_policy, question->zone);
	if (metric->open != NULL)
		metric->open(question);
}

/* ---- questions that are kept ---- */

static void
forget_question(void *opaque)
{
	KeptQuestion *kept = opaque;

	if (kept->site->fn_extra == kept)
		kept->site->fn_extra = NULL;
}

bool
metric_is_kept(const KeptQuestion *kept, const MetricQuestion *asked, const Metric *metric)
{
	return kept != NULL && kept->session_zone == zone_of_session() &&
		   metric_same_question(asked, &kept->question, metric);
}

KeptQuestion *
metric_keep_question(FmgrInfo *site, MemoryContext context, const Metric *metric,
					 const MetricQuestion *asked)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	KeptQuestion *kept = palloc0(sizeof(KeptQuestion));

	kept->question = *asked;
	metric_open_question(metric, &kept->question, NULL);
	if (metric->check != NULL)
		metric->check(&kept->question);
	if (site != NULL)
	{
		kept->site = site;
		kept->session_zone = zone_of_session();
		kept->context = context;
		kept->forget.func = forget_question;
		kept->forget.arg = kept;
		MemoryContextRegisterResetCallback(context, &kept->forget);
		site->fn_extra = kept;
	}
	MemoryContextSwitchTo(old);
	return kept;
}

const MetricQuestion *
metric_question(FunctionCallInfo fcinfo, int n, const Metric *metric)
{
	KeptQuestion *kept = fcinfo->flinfo->fn_extra;
	MetricQuestion asked;
	MemoryContext context;

	metric_read_question(fcinfo, n, metric, &asked);
	if (metric_is_kept(kept, &asked, metric))
		return &kept->question;
	if (kept != NULL)
		MemoryContextDelete(kept->context);

	/* until it is opened, an error takes it away */
	context = AllocSetContextCreate(CurrentMemoryContext, "loyalty question", ALLOCSET_SMALL_SIZES);
	kept = metric_keep_question(fcinfo->flinfo, context, metric, &asked);
	MemoryContextSetParent(context, fcinfo->flinfo->fn_mcxt);
	return &kept->question;
}

/* ---- parameters of results ---- */

char *
metric_canonical_count(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len || text[0] == '0' ||
		pg_strtoint32(text) > METRIC_MAX_COUNT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("not a whole number from 1 to %d: %.20s", METRIC_MAX_COUNT, text)));
	return pstrdup(text);
}

char *
metric_canonical_decimal(const char *text)
{
	Datum number = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
									   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	Decimal decimal = smallest_decimal((struct varlena *) DatumGetPointer(number));

	return decimal_to_text(decimal.units, decimal.scale);
}

const char *
metric_argument_text(const Metric *metric, const MetricQuestion *question, int i)
{
	switch (metric->arguments[i].type)
	{
		case METRIC_POLICY:
		case METRIC_OTHER_POLICY:
			return policy_unpack(question->values[i]);
		case METRIC_PERIOD:
			return calendar_period_text(question->period);
		case METRIC_WITHIN:
			return calendar_period_text(question->within);
		case METRIC_ZONE:
			return question->zone_name;
		case METRIC_AS_OF:
			return question->has_as_of ? day_text(question->as_of) : NULL;
		case METRIC_DAY:
			return day_text(question->day);
		case METRIC_FLAG:
			return question->flag ? "true" : metric->arguments[i].if_true ? NULL : "false";
		case METRIC_COUNT:
			return question->count != 0 ? psprintf("%d", question->count) : NULL;
		case METRIC_OTHER_COUNT:
			return question->other_count != 0 ? psprintf("%d", question->other_count) : NULL;
		case METRIC_DECIMAL:
			return decimal_to_text(question->decimal.units, question->decimal.scale);
		default: /* METRIC_SPAN, METRIC_VALUE */
			return metric->text(question, metric->arguments[i].name);
	}
}

const char *
metric_parameter_text(const Metric *metric, const MetricQuestion *question, int parameter)
{
	const char *name = metric->shape->parameters[parameter].name;
	int i;

	if (metric->shape->parameters[parameter].is_latest)
		return NULL; /* the fold's */

	for (i = 0; i < metric->narguments; i++)
		if (strcmp(metric->arguments[i].name, name) == 0)
			return metric_argument_text(metric, question, i);
	return strcmp(name, "zone") == 0 ? question->zone_name : metric->text(question, name);
}
