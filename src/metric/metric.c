/*
 * metric.c
 *		Metrics over everyone: their arguments, the function over a base, the aggregate over
 *		customers' summaries, and the reading of results.
 */
#include "postgres.h"

#include "access/xact.h"
#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/codec.h"
#include "core/json.h"
#include "metric/metric.h"
#include "metric/metric_internal.h"
#include "metric/statistics.h"
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

/* How many bases, or summaries of a row, stand before the arguments. */
static int
inputs_of(const Metric *metric)
{
	return metric->input == METRIC_STARTS_AND_RETURNS ? 2 : 1;
}

/* What a call asks, as it came: the arguments from the n-th on, among which others stand behind so
 * many. */
static void
read_question_around(FunctionCallInfo fcinfo, int n, const Metric *metric, int before, int nothers,
					 MetricQuestion *question)
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

static void
read_question(FunctionCallInfo fcinfo, int n, const Metric *metric, MetricQuestion *question)
{
	read_question_around(fcinfo, n, metric, metric->narguments, 0, question);
}

/* Is an argument that Metric.open() reads the same? */
static bool
same_value(const MetricQuestion *a, const MetricQuestion *b, const Metric *metric, int i)
{
	if (metric->arguments[i].type == METRIC_SPAN && a->values[i] == NULL && b->values[i] == NULL)
		return a->has_span == b->has_span && a->span.month == b->span.month &&
			   a->span.day == b->span.day && a->span.time == b->span.time;
	return argument_same(a->values[i], b->values[i]);
}

/* Are all the others, but for texts of policies and periods? */
static bool
same_common(const MetricQuestion *a, const MetricQuestion *b)
{
	return a->has_as_of == b->has_as_of && a->as_of == b->as_of && a->day == b->day &&
		   a->flag == b->flag && a->count == b->count && a->other_count == b->other_count && a->decimal.units == b->decimal.units &&
		   a->decimal.scale == b->decimal.scale;
}

static bool
same_question(const MetricQuestion *a, const MetricQuestion *b, const Metric *metric)
{
	int i;

	for (i = 0; i < metric->narguments; i++)
		if (!same_value(a, b, metric, i))
			return false;
	return same_common(a, b);
}

/* The argument of a type of which there is one; NULL: none. */
static const MetricArgument *
argument_of(const Metric *metric, MetricArgumentType type)
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
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is in zone \"%s\", but %s in \"%s\"",
							   argument_of(metric, METRIC_POLICY)->name, zone_name(zone),
							   argument_of(metric, METRIC_OTHER_POLICY)->name, zone_name(other)),
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

/* Opens what was asked, in the current memory context; of a base, or of what comes a row. */
static void
open_question(const Metric *metric, MetricQuestion *question, const Base *base)
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

/* What was asked last at a call site, in its fn_extra. */
typedef struct KeptQuestion
{
	MetricQuestion question;
	FmgrInfo *site;
	ZoneDays *session_zone;
	MemoryContext context;
	MemoryContextCallback forget;
} KeptQuestion;

static void
forget_question(void *opaque)
{
	KeptQuestion *kept = opaque;

	if (kept->site->fn_extra == kept)
		kept->site->fn_extra = NULL;
}

static bool
is_kept(const KeptQuestion *kept, const MetricQuestion *asked, const Metric *metric)
{
	return kept != NULL && kept->session_zone == zone_of_session() &&
		   same_question(asked, &kept->question, metric);
}

/* Opens a question in a memory context. The call site keeps it as long as that lives; NULL: none
 * does. */
static KeptQuestion *
keep_question(FmgrInfo *site, MemoryContext context, const Metric *metric,
			  const MetricQuestion *asked)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	KeptQuestion *kept = palloc0(sizeof(KeptQuestion));

	kept->question = *asked;
	open_question(metric, &kept->question, NULL);
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

	read_question(fcinfo, n, metric, &asked);
	if (is_kept(kept, &asked, metric))
		return &kept->question;
	if (kept != NULL)
		MemoryContextDelete(kept->context);

	/* until it is opened, an error takes it away */
	context = AllocSetContextCreate(CurrentMemoryContext, "loyalty question", ALLOCSET_SMALL_SIZES);
	kept = keep_question(fcinfo->flinfo, context, metric, &asked);
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

/* The text that the i-th argument is as a parameter; NULL where it is unknown, or not given. */
static const char *
argument_text(const Metric *metric, const MetricQuestion *question, int i)
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
			return question->flag ? "true" : "false";
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

/* The text of a parameter: of the argument that has its name, the zone, or the metric's own. */
static const char *
parameter_text(const Metric *metric, const MetricQuestion *question, int parameter)
{
	const char *name = metric->shape->parameters[parameter].name;
	int i;

	if (metric->shape->parameters[parameter].is_latest)
		return NULL; /* the fold's */

	for (i = 0; i < metric->narguments; i++)
		if (strcmp(metric->arguments[i].name, name) == 0)
			return argument_text(metric, question, i);
	return strcmp(name, "zone") == 0 ? question->zone_name : metric->text(question, name);
}

/* ---- over a base ---- */

/* Of all summaries an empty one is the shortest: its version, for a timeline its flags, its count.
 */
static inline bool
is_eventless(const Metric *metric, ByteSpan body)
{
	return body.len <= (metric->input == METRIC_TIMELINES ? 3 : 2);
}

/* A base knows days, not instants: its zone can't be changed afterwards. */
static void
check_zone(const Base *base, const Calendar *calendar)
{
	if (calendar->zone != NULL && base->zone_state == ZONE_KNOWN &&
		strcmp(calendar->zone, base->zone) != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the period is in zone \"%s\", but days were collected in zone \"%s\"",
					calendar->zone, base->zone),
			 errhint(
				 "Collect in that zone: activities(customer, at, '%s'). The period need not name it then.",
				 calendar->zone)));
}

static void
check_zones(const Base *base, const MetricQuestion *question)
{
	Calendar calendar;

	if (question->period != NULL)
	{
		calendar_open(&calendar, question->period);
		check_zone(base, &calendar);
	}
	if (question->within != NULL)
	{
		calendar_open(&calendar, question->within);
		check_zone(base, &calendar);
	}
}

/* Checks that two bases go together, and settles the zone that is known of their days. */
static void
check_returns(const Base *starts, const Base *returns, MetricQuestion *question)
{
	if (returns->type != starts->type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("customers of starts and of returns are of different types"),
				 errhint("Cast the customers of one of them: activities(customer::text, at).")));
	if (starts->zone_state == ZONE_KNOWN && returns->zone_state == ZONE_KNOWN &&
		strcmp(starts->zone, returns->zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("days of starts were collected in zone \"%s\", those of returns in \"%s\"",
						starts->zone, returns->zone),
				 errhint("Collect in one zone: activities(customer, at, zone).")));
	check_zones(returns, question);
	if (starts->zone_state == ZONE_NOT_NOTED || returns->zone_state == ZONE_MIXED)
		question->zone_name = returns->zone;
}

/* Today, in the zone in which days are counted; the session's where it is unknown. */
static DateADT
today_of(const MetricQuestion *question)
{
	ZoneDays *zone = question->zone;

	if (zone == NULL)
		zone = question->zone_name != NULL
				   ? zone_by_name(question->zone_name, strlen(question->zone_name))
				   : zone_of_session();
	return zone_day(zone, GetCurrentTransactionStartTimestamp());
}

DateADT
metric_limit(const MetricQuestion *question)
{
	if (question->has_as_of)
		return question->as_of;
	return question->takes_all ? DATEVAL_NOEND : today_of(question);
}

/* Without as_of, it is the day of the last event of all, but no later than today: a date such as
 * 9999-12-31 stands for none. There is none where nobody has an event. */
static void
find_as_of(const Base *base, const Metric *metric, MetricQuestion *question)
{
	const MetricArgument *argument = argument_of(metric, METRIC_AS_OF);
	int64 last;

	if (!question->has_as_of && argument->is_today)
	{
		question->has_as_of = true;
		question->as_of = today_of(question);
	}
	if (question->has_as_of || argument->may_be_null || !base_last(base, &last))
		return;
	question->has_as_of = true;
	if (question->zone == NULL)
		question->as_of = (DateADT) last;
	else if (base->zone_state == ZONE_DAYS)
		question->as_of = zone_day(zone_noted(base->zone, strlen(base->zone)), last);
	else
		question->as_of = zone_day(question->zone, last);
	question->as_of = Min(question->as_of, today_of(question));
}

/* Tells which of the kinds and labels that were asked about nobody has: 0 looks like an answer. */
static void
notice_names(const Base *base, const Metric *metric, const MetricQuestion *question)
{
	MetricNames *names;

	if (metric->input != METRIC_TIMELINES || (metric->policy == NULL && metric->names == NULL))
		return;
	names = metric_names_create();
	if (question->policy != NULL)
		metric->policy->names(question->policy, names);
	if (question->other_policy != NULL)
		metric->policy->names(question->other_policy, names);
	if (metric->names != NULL)
		metric->names(question, names);
	metric_notice_names(names, base);
}

/* Counts everyone of two bases; where there are no returns, nobody has any. */
static void
fold_two(const Base *starts, const Base *returns, const Metric *metric, void *fold)
{
	ByteSpan first;
	ByteSpan second = { NULL, 0 };

	if (returns == NULL)
	{
		BaseCursor cursor;
		Customer customer;

		base_rewind(&cursor, starts);
		while (base_next(&cursor, &customer, &first))
		{
			metric->customer_of_two(fold, first, second);
			CHECK_FOR_INTERRUPTS();
		}
	}
	else
	{
		BaseJoin join;

		base_join_open(&join, starts, returns);
		while (base_join_next(&join, &first, &second))
		{
			metric->customer_of_two(fold, first, second);
			CHECK_FOR_INTERRUPTS();
		}
	}
}

/* A fold, and the members without events that it met. */
typedef struct CountingFold
{
	const Metric *metric;
	void *fold;
	int64 eventless;
} CountingFold;

static void
count_customer(void *of, ByteSpan body)
{
	CountingFold *counting = of;

	counting->eventless += is_eventless(counting->metric, body);
	counting->metric->customer(counting->fold, body);
}

static void
fold_bases(const Base *base, const Base *returns, const Metric *metric,
		   const MetricQuestion *question, Tally *tally)
{
	void *fold = metric->start(question, tally);

	if (metric->customer_of_two == NULL)
	{
		CountingFold counting = { metric, fold, 0 };

		base_fold(base, question->zone, count_customer, &counting);
		tally_add_eventless(tally, counting.eventless);
	}
	else
		fold_two(base, returns, metric, fold);
	if (metric->finish != NULL)
		metric->finish(fold, tally);
}

/* Opens the base in argument n, and a question that was read; NULL where the base is. */
static const Base *
open_base(FunctionCallInfo fcinfo, int n, const Metric *metric, MetricQuestion *question)
{
	const Base *base = PG_ARGISNULL(n) ? NULL : base_open(PG_GETARG_DATUM(n));

	open_question(metric, question, base);
	return base;
}

const Base *
metric_base(FunctionCallInfo fcinfo, int n, const Metric *metric, MetricQuestion *question)
{
	const Base *base;

	read_question(fcinfo, n + 1, metric, question);
	base = open_base(fcinfo, n, metric, question);
	if (base != NULL)
		find_as_of(base, metric, question);
	return base;
}

const Base *
metric_bases(FunctionCallInfo fcinfo, const Metric *metric, int before, int nothers,
			 MetricQuestion *question, const Base **returns)
{
	const Base *base;

	*returns = NULL;
	read_question_around(fcinfo, inputs_of(metric), metric, before, nothers, question);
	base = open_base(fcinfo, 0, metric, question);
	if (base == NULL)
		return NULL;
	if (metric->input != METRIC_TIMELINES)
	{
		check_zones(base, question);
		question->zone_name = base->zone;
	}
	if (inputs_of(metric) == 2 && !PG_ARGISNULL(1))
	{
		*returns = base_open(PG_GETARG_DATUM(1));
		check_returns(base, *returns, question);
	}
	find_as_of(base, metric, question);
	if (metric->check != NULL)
		metric->check(question);
	notice_names(base, metric, question);
	return base;
}

Datum
metric_over_base(FunctionCallInfo fcinfo, const Metric *metric)
{
	MetricQuestion question;
	const Base *returns;
	const Base *base = metric_bases(fcinfo, metric, metric->narguments, 0, &question, &returns);
	Tally *tally;
	int i;

	if (base == NULL)
		PG_RETURN_NULL();

	tally = tally_create(metric->shape);
	for (i = 0; i < metric->shape->nparameters; i++)
		tally_set_parameter(tally, i, parameter_text(metric, &question, i));
	tally_add_guests(tally, base->guests);
	if (returns != NULL)
		tally_add_guests(tally, returns->guests);
	if (question.has_as_of || metric->eventless == METRIC_FOLD_EVENTLESS)
		fold_bases(base, returns, metric, &question, tally);
	else
	{
		TallyKey key = { 0 };

		tally_add_eventless(tally, base_count(base));
		if (metric->eventless == METRIC_COUNT_EVENTLESS)
			tally_add(tally, tally_row(tally, &key), 0, base_count(base));
	}
	PG_RETURN_POINTER(tally_encode(tally));
}

/* ---- the aggregate over customers' summaries ---- */

/* What an aggregate's state folds with. */
typedef struct Accumulation
{
	const Metric *metric;
	const MetricQuestion *question; /* by the first row; shared by groups that ask the same */
	bool is_constant;				/* all rows ask the same, as the query is written */
	void *fold;
} Accumulation;

static void
flush_accumulation(void *opaque, Tally *tally)
{
	Accumulation *accumulation = opaque;

	if (accumulation->metric->finish != NULL)
		accumulation->metric->finish(accumulation->fold, tally);
}

static bool
is_own(const MetricArgument *argument)
{
	return argument->type == METRIC_SPAN || argument->type == METRIC_VALUE ||
		   argument->type == METRIC_ZONE;
}

void
metric_report_changing_arguments(const char *names, bool several)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be the same for all rows of an aggregate", names),
					errhint("GROUP BY what %s.", several ? "they depend on" : "it depends on")));
}

static void report_common_arguments(const Metric *metric) pg_attribute_noreturn();

/* Of the arguments that many metrics have: what is asked about, and as of when. */
static void
report_common_arguments(const Metric *metric)
{
	StringInfoData names;
	int common = 0;
	int named = 0;
	int i;

	for (i = 0; i < metric->narguments; i++)
		common += !is_own(&metric->arguments[i]);
	initStringInfo(&names);
	for (i = 0; i < metric->narguments; i++)
	{
		if (is_own(&metric->arguments[i]))
			continue;
		named++;
		appendStringInfo(&names, "%s%s",
						 named == 1		   ? ""
						 : named == common ? " and "
										   : ", ",
						 metric->arguments[i].name);
	}
	metric_report_changing_arguments(names.data, common > 1);
}

/* Does a value of the metric's own mean the same, as the parameter that it becomes? */
static bool
same_meaning(const MetricQuestion *asked, const MetricQuestion *first, const Metric *metric, int i)
{
	const char *name = metric->arguments[i].name;
	MetricQuestion opened = *asked;
	const char *a;
	const char *b;

	if (tally_parameter_number(metric->shape, name) < 0)
		return false;
	open_question(metric, &opened, NULL);
	a = argument_text(metric, &opened, i);
	b = argument_text(metric, first, i);
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Refuses another question than that of the first row; what is the metric's own may be written
 * otherwise. */
static void
check_question(const MetricQuestion *asked, const MetricQuestion *first, const Metric *metric)
{
	int i;

	if (likely(same_question(asked, first, metric)))
		return;
	if (!same_common(asked, first))
		report_common_arguments(metric);
	for (i = 0; i < metric->narguments; i++)
	{
		if (same_value(asked, first, metric, i))
			continue;
		if (!is_own(&metric->arguments[i]))
			report_common_arguments(metric);
		if (!same_meaning(asked, first, metric, i))
			metric_report_changing_arguments(metric->arguments[i].name, false);
	}
}

/* Sets a parameter of the state's, or checks that of a state that came flat. */
static void
match_parameter(TallyState *state, bool is_new, const Metric *metric, int n, const char *text)
{
	const char *known = tally_parameter(state->tally, n);
	bool may_be_unknown = metric->shape->parameters[n].may_be_unknown;

	if (is_new || (known == NULL && may_be_unknown))
		tally_set_parameter(state->tally, n, text);
	else if (known == NULL || text == NULL ? known != text && !may_be_unknown
										   : strcmp(known, text) != 0)
		report_common_arguments(metric);
}

/* The question of a call, opened: by the aggregate's groups together, as long as they live. */
static const MetricQuestion *
question_of_groups(FunctionCallInfo fcinfo, const Metric *metric, const MetricQuestion *asked,
				   MemoryContext alone)
{
	KeptQuestion *kept = fcinfo->flinfo->fn_extra;
	MemoryContext groups;

	if (!AggCheckCallContext(fcinfo, &groups))
		return &keep_question(NULL, alone, metric, asked)->question;
	if (!is_kept(kept, asked, metric) || kept->context != groups)
		kept = keep_question(fcinfo->flinfo, groups, metric, asked);
	return &kept->question;
}

/* Are the arguments of an aggregate from the n-th on constants, or parameters of the query? Then
 * they need no reading at every row. */
static bool
asks_constants(FunctionCallInfo fcinfo, int n)
{
	const Aggref *aggregate = AggGetAggref(fcinfo);
	int i;

	if (aggregate == NULL)
		return false;
	for (i = n; i < PG_NARGS(); i++)
	{
		const Expr *argument = list_nth_node(TargetEntry, aggregate->args, i - 1)->expr;

		if (!IsA(argument, Const) &&
			!(IsA(argument, Param) && ((const Param *) argument)->paramkind == PARAM_EXTERN))
			return false;
	}
	return true;
}

/* Starts to fold, in the state's memory: with the first row, or after a state that came flat,
 * whose parameters must be these. */
static Accumulation *
start_accumulation(FunctionCallInfo fcinfo, TallyState *state, bool is_new, const Metric *metric,
				   const MetricQuestion *asked)
{
	MemoryContext context = state->header.eoh_context;
	const MetricQuestion *question = question_of_groups(fcinfo, metric, asked, context);
	Accumulation *accumulation;
	MemoryContext old;
	int i;

	for (i = 0; i < metric->shape->nparameters; i++)
		match_parameter(state, is_new, metric, i, parameter_text(metric, question, i));
	old = MemoryContextSwitchTo(context);
	accumulation = palloc0(sizeof(Accumulation));
	accumulation->metric = metric;
	accumulation->question = question;
	accumulation->is_constant = asks_constants(fcinfo, 1 + inputs_of(metric));
	accumulation->fold = metric->start(question, state->tally);
	state->fold = accumulation;
	state->flush = flush_accumulation;
	MemoryContextSwitchTo(old);
	return accumulation;
}

/* The body of a summary, which may be a copy that is to be freed; bytes are NULL where it is. */
static ByteSpan
open_summary(FunctionCallInfo fcinfo, int n, struct varlena **summary)
{
	ByteSpan body = { NULL, 0 };

	*summary = NULL;
	if (PG_ARGISNULL(n))
		return body;
	*summary = PG_GETARG_VARLENA_PP(n);
	body.bytes = (const uint8 *) VARDATA_ANY(*summary);
	body.len = VARSIZE_ANY_EXHDR(*summary);
	return body;
}

static void
close_summary(FunctionCallInfo fcinfo, int n, struct varlena *summary)
{
	if (summary != NULL && (Pointer) summary != DatumGetPointer(PG_GETARG_DATUM(n)))
		pfree(summary);
}

/* Counts the customer whose summaries a row has. */
static void
fold_row(FunctionCallInfo fcinfo, Accumulation *accumulation, Tally *tally)
{
	const Metric *metric = accumulation->metric;
	struct varlena *first;
	struct varlena *second;
	ByteSpan body = open_summary(fcinfo, 1, &first);

	if (metric->customer_of_two != NULL)
	{
		ByteSpan returns = open_summary(fcinfo, 2, &second);

		metric->customer_of_two(accumulation->fold, body, returns);
		close_summary(fcinfo, 2, second);
	}
	else if (first != NULL)
	{
		tally_add_eventless(tally, is_eventless(metric, body));
		metric->customer(accumulation->fold, body);
	}
	close_summary(fcinfo, 1, first);
}

/* What a row of an aggregate asks, which has no default for as_of where counting needs that day
 * beforehand. */
static void
read_asked(FunctionCallInfo fcinfo, const Metric *metric, MetricQuestion *asked)
{
	const MetricArgument *as_of = argument_of(metric, METRIC_AS_OF);
	int first = 1 + inputs_of(metric);

	read_question(fcinfo, first, metric, asked);
	asked->takes_all =
		as_of->may_be_null && !asked->has_as_of && first + (as_of - metric->arguments) < PG_NARGS();
	if (!asked->has_as_of && !as_of->may_be_null && !as_of->is_open)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						first + (as_of - metric->arguments) < PG_NARGS()
							? errmsg("%s must not be null", as_of->name)
							: errmsg("%s is missing", as_of->name),
						errhint("%s", as_of->null_hint)));
}

Datum
metric_accumulate(FunctionCallInfo fcinfo, const Metric *metric)
{
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, metric->shape, &is_new);
	Accumulation *accumulation = state->fold;

	if (accumulation == NULL || !accumulation->is_constant)
	{
		MetricQuestion asked;

		read_asked(fcinfo, metric, &asked);
		if (accumulation == NULL)
			accumulation = start_accumulation(fcinfo, state, is_new, metric, &asked);
		else
			check_question(&asked, accumulation->question, metric);
	}
	fold_row(fcinfo, accumulation, state->tally);
	TALLY_RETURN_STATE(state);
}

/* ---- reading results ---- */

const char *
metric_parameter(const Tally *tally, const char *name)
{
	return tally_parameter(tally, tally_parameter_number(tally_shape(tally), name));
}

bool
metric_result_as_of(const Tally *tally, DateADT *as_of)
{
	return tally_parameter_day(tally, tally_parameter_number(tally_shape(tally), "as_of"), as_of) ||
		   tally_latest(tally, as_of);
}

void
metric_put_day(Rows *rows, const Tally *tally, const char *name)
{
	DateADT day;

	if (tally_parameter_day(tally, tally_parameter_number(tally_shape(tally), name), &day))
		rows_put_day(rows, day);
	else
		rows_put_null(rows);
}

void
metric_put_as_of(Rows *rows, const Tally *tally)
{
	DateADT as_of;

	if (metric_result_as_of(tally, &as_of))
		rows_put_day(rows, as_of);
	else
		rows_put_null(rows);
}

void
metric_put_rate(Rows *rows, int64 part, int64 whole, double z)
{
	double lower;
	double upper;

	wilson_interval((double) part, (double) whole, z, &lower, &upper);
	rows_put_float(rows, whole > 0 ? (double) part / (double) whole : NAN);
	rows_put_float(rows, lower);
	rows_put_float(rows, upper);
}

/* ---- results period by period ---- */

bool
metric_result_calendar(const Tally *tally, MetricCalendar *calendar)
{
	if (!tally_has_rows(tally))
		return false;
	if (!tally_calendar(tally, &calendar->calendar) ||
		!metric_result_as_of(tally, &calendar->as_of))
		report_corrupted();
	calendar->last = calendar_index(&calendar->calendar, calendar->as_of);
	calendar->last_complete =
		calendar_start(&calendar->calendar, calendar->last + 1) == calendar->as_of + 1
			? calendar->last
			: calendar->last - 1;
	return true;
}

const char *
metric_calendar_fault(const Tally *tally, MetricCalendar *calendar)
{
	DateADT as_of;

	if (metric_parameter(tally, "period") == NULL)
		return "There are rows, but no \"period\".";
	if (!metric_result_as_of(tally, &as_of))
		return "There are rows, but no \"as_of\".";
	metric_result_calendar(tally, calendar);
	return NULL;
}

bool
metric_periods_open(MetricPeriods *periods, const Tally *tally)
{
	int64 nrows;

	memset(periods, 0, sizeof(MetricPeriods));
	periods->next_row = tally_rows(tally, &nrows);
	periods->end_rows = periods->next_row + nrows;
	if (nrows == 0)
		return false;
	if (!tally_calendar(tally, &periods->calendar) || !metric_result_as_of(tally, &periods->as_of))
		report_corrupted();
	periods->last = calendar_index(&periods->calendar, periods->as_of);
	periods->index = (*periods->next_row)->key.numbers[0] - 1;
	periods->end = calendar_start(&periods->calendar, (int32) (periods->index + 1));
	return true;
}

bool
metric_periods_next(MetricPeriods *periods)
{
	if (periods->index >= periods->last)
		return false;
	periods->index++;
	periods->start = periods->end;
	periods->end = calendar_start(&periods->calendar, (int32) (periods->index + 1));
	periods->complete = periods->end != DATEVAL_NOEND && periods->end - 1 <= periods->as_of;
	periods->before = periods->row;
	periods->row = NULL;
	if (periods->next_row < periods->end_rows &&
		(*periods->next_row)->key.numbers[0] == periods->index)
		periods->row = *periods->next_row++;
	return true;
}

void
metric_put_period(Rows *rows, const MetricPeriods *periods)
{
	rows_put_day(rows, periods->start);
	rows_put_day(rows, periods->end);
	rows_put_bool(rows, periods->complete);
}

const char *
metric_period_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows;
	Calendar calendar;
	DateADT as_of;

	if (!tally_calendar(tally, &calendar))
		return "There is no \"period\".";
	rows = tally_rows(tally, &nrows);
	if (nrows == 0)
		return NULL;
	if (!metric_result_as_of(tally, &as_of))
		return "There are rows, but no \"as_of\".";
	if (calendar_start(&calendar, (int32) rows[nrows - 1]->key.numbers[0]) > as_of)
		return "There is a period after \"as_of\".";
	return NULL;
}
