/*
 * metric.c
 *		Metrics over everyone: their arguments, the function over a base, and the aggregate over
 *		customers' summaries.
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
		   a->flag == b->flag && a->count == b->count && a->other_count == b->other_count &&
		   a->decimal.units == b->decimal.units && a->decimal.scale == b->decimal.scale;
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

/* The kinds and labels that are asked about, so that is told which of them nobody has: 0 looks like
 * an answer. NULL: there are none. */
static MetricNames *
asked_names(const Metric *metric, const MetricQuestion *question)
{
	MetricNames *names;

	if (metric->input != METRIC_TIMELINES || (metric->policy == NULL && metric->names == NULL))
		return NULL;
	names = metric_names_create();
	if (question->policy != NULL)
		metric->policy->names(question->policy, names);
	if (question->other_policy != NULL)
		metric->policy->names(question->other_policy, names);
	if (metric->names != NULL)
		metric->names(question, names);
	metric_names_ready(names);
	return names;
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

/* A question that is being answered over a base, or over one part of everyone after another. */
struct MetricFolding
{
	const Metric *metric;
	MetricQuestion question;
	Tally *tally;
	void *fold;			/* NULL: nobody has an event, so that there is nothing to fold */
	MetricNames *names; /* NULL: none are asked about */
	const CollectOps *ops;
	int64 eventless;
};

static void
fold_customer(void *opaque, ByteSpan body)
{
	MetricFolding *folding = opaque;

	if (folding->names != NULL)
		metric_names_see(folding->names, folding->ops, body);
	folding->eventless += is_eventless(folding->metric, body);
	folding->metric->customer(folding->fold, body);
}

const Base *
metric_base(FunctionCallInfo fcinfo, int n, const Metric *metric, MetricQuestion *question)
{
	const Base *base;

	read_question(fcinfo, n + 1, metric, question);
	base = PG_ARGISNULL(n) ? NULL : base_open(PG_GETARG_DATUM(n));
	open_question(metric, question, base);
	if (base != NULL)
		find_as_of(base, metric, question);
	return base;
}

bool
metric_needs_last(FunctionCallInfo fcinfo, const Metric *metric)
{
	const MetricArgument *as_of = argument_of(metric, METRIC_AS_OF);
	int n = metric_inputs(metric) + (int) (as_of - metric->arguments);

	return !as_of->may_be_null && !as_of->is_today && PG_ARGISNULL(n);
}

/* Opens what a call asks about bases, with all that is done before anyone is looked at; other
 * arguments stand behind so many of the metric's. */
static void
ask_of_bases(FunctionCallInfo fcinfo, const Metric *metric, int before, int nothers,
			 const Base *base, const Base *returns, MetricQuestion *question)
{
	read_question_around(fcinfo, metric_inputs(metric), metric, before, nothers, question);
	open_question(metric, question, base);
	if (base == NULL)
		return;
	if (metric->input != METRIC_TIMELINES)
	{
		check_zones(base, question);
		question->zone_name = base->zone;
	}
	if (returns != NULL)
		check_returns(base, returns, question);
	find_as_of(base, metric, question);
	if (metric->check != NULL)
		metric->check(question);
}

/* The bases of a call; NULL where they are. */
static const Base *
base_arguments(FunctionCallInfo fcinfo, const Metric *metric, const Base **returns)
{
	const Base *base = PG_ARGISNULL(0) ? NULL : base_open(PG_GETARG_DATUM(0));

	*returns = base != NULL && metric_inputs(metric) == 2 && !PG_ARGISNULL(1)
				   ? base_open(PG_GETARG_DATUM(1))
				   : NULL;
	return base;
}

const Base *
metric_bases(FunctionCallInfo fcinfo, const Metric *metric, int before, int nothers,
			 MetricQuestion *question, const Base **returns, MetricNames **names)
{
	const Base *base = base_arguments(fcinfo, metric, returns);

	ask_of_bases(fcinfo, metric, before, nothers, base, *returns, question);
	*names = base != NULL ? asked_names(metric, question) : NULL;
	return base;
}

MetricFolding *
metric_start(FunctionCallInfo fcinfo, const Metric *metric, const Base *base, const Base *returns)
{
	MetricFolding *folding = palloc0(sizeof(MetricFolding));
	MetricQuestion *question = &folding->question;
	int i;

	ask_of_bases(fcinfo, metric, metric->narguments, 0, base, returns, question);
	if (base == NULL)
		return NULL;
	folding->metric = metric;
	folding->ops = base->ops;
	folding->names = asked_names(metric, question);
	folding->tally = tally_create(metric->shape);
	for (i = 0; i < metric->shape->nparameters; i++)
		tally_set_parameter(folding->tally, i, parameter_text(metric, question, i));
	tally_add_guests(folding->tally, base->guests);
	if (returns != NULL)
		tally_add_guests(folding->tally, returns->guests);
	if (question->has_as_of || metric->eventless == METRIC_FOLD_EVENTLESS)
		folding->fold = metric->start(question, folding->tally);
	return folding;
}

void
metric_fold(MetricFolding *folding, const Base *part, const Base *returns)
{
	const Metric *metric = folding->metric;

	if (folding->fold == NULL)
	{
		int64 customers = base_count(part);

		folding->eventless += customers;
		if (folding->names != NULL && customers > 0)
			metric_names_see_nothing(folding->names);
	}
	else if (metric->customer_of_two != NULL)
		fold_two(part, returns, metric, folding->fold);
	else
		base_fold(part, folding->question.zone, fold_customer, folding);
}

Tally *
metric_finish(MetricFolding *folding, MetricNames **names)
{
	const Metric *metric = folding->metric;
	Tally *tally = folding->tally;

	tally_add_eventless(tally, folding->eventless);
	if (folding->fold == NULL && metric->eventless == METRIC_COUNT_EVENTLESS)
	{
		TallyKey key = { 0 };

		tally_add(tally, tally_row(tally, &key), 0, folding->eventless);
	}
	if (folding->fold != NULL && metric->finish != NULL)
		metric->finish(folding->fold, tally);
	*names = folding->names;
	return tally;
}

/* ---- the function over a base ---- */

PG_FUNCTION_INFO_V1(loyalty_metric_support);

/*
 * Answers no request. Functions over a base that have it are those that the plan node for metrics
 * knows; and that the planner asks it makes it load this library, which is before it looks for
 * paths of the grouping.
 */
Datum
loyalty_metric_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}

/* In place of a call's context: what a function says of itself then. */
typedef struct MetricInquiry
{
	ExtensibleNode node;
	const Metric *metric;
} MetricInquiry;

static const char inquiry_name[] = "LoyaltyMetricInquiry";

const Metric *
metric_of_function(Oid function)
{
	LOCAL_FCINFO(fcinfo, 0);
	MetricInquiry inquiry = { .node = { .extnodename = inquiry_name } };
	RegProcedure support = get_func_support(function);
	FmgrInfo info;

	if (!OidIsValid(support))
		return NULL;
	fmgr_info(support, &info);
	if (info.fn_addr != loyalty_metric_support)
		return NULL;
	NodeSetTag(&inquiry, T_ExtensibleNode);
	fmgr_info(function, &info);
	InitFunctionCallInfoData(*fcinfo, &info, 0, InvalidOid, (Node *) &inquiry, NULL);
	FunctionCallInvoke(fcinfo);
	return inquiry.metric;
}

Tally *
metric_tally_over_base(FunctionCallInfo fcinfo, const Metric *metric)
{
	const Base *returns;
	const Base *base = base_arguments(fcinfo, metric, &returns);
	MetricFolding *folding;
	MetricNames *names;
	Tally *tally;

	folding = metric_start(fcinfo, metric, base, returns);
	if (folding == NULL)
		return NULL;
	metric_fold(folding, base, returns);
	tally = metric_finish(folding, &names);
	if (names != NULL)
		metric_names_tell(names);
	return tally;
}

Datum
metric_over_base(FunctionCallInfo fcinfo, const Metric *metric)
{
	MetricInquiry *inquiry = (MetricInquiry *) fcinfo->context;
	const Tally *tally;

	if (inquiry != NULL && IsA(inquiry, ExtensibleNode) &&
		inquiry->node.extnodename == inquiry_name)
	{
		inquiry->metric = metric;
		PG_RETURN_NULL();
	}
	tally = metric_tally_over_base(fcinfo, metric);
	if (tally == NULL)
		PG_RETURN_NULL();
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
	accumulation->is_constant = asks_constants(fcinfo, 1 + metric_inputs(metric));
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
	int first = 1 + metric_inputs(metric);

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
