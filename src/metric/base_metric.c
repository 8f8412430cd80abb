/*
 * base_metric.c
 *		What the SQL faces of metrics over everyone's timelines share; the header lists it.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "policy/policy_type.h"
#include "metric/tally_sql.h"
#include "metric/base_metric.h"
#include "timeline/timeline.h"

/* ---- parameters of results ---- */

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

char *
base_canonical_number(const char *text)
{
	Datum number = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
									   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	Decimal decimal = smallest_decimal((struct varlena *) DatumGetPointer(number));

	return decimal_to_text(decimal.units, decimal.scale);
}

/* ---- arguments ---- */

/* What a call asks, as it came. */
typedef struct Asked
{
	struct varlena *policy;
	struct varlena *other_policy; /* NULL: not asked */
	struct varlena *period;		  /* NULL: not asked */
	BaseQuestion question;		  /* all that needs no opening */
} Asked;

static void
read_argument(FunctionCallInfo fcinfo, int n, const BaseArgument *argument, Asked *asked)
{
	BaseQuestion *question = &asked->question;

	if (argument->type != BASE_AS_OF)
		argument_refuse_null(fcinfo, n, argument->name, argument->null_hint);
	switch (argument->type)
	{
		case BASE_POLICY:
			asked->policy = PG_GETARG_VARLENA_PP(n);
			break;
		case BASE_OTHER_POLICY:
			asked->other_policy = PG_GETARG_VARLENA_PP(n);
			break;
		case BASE_PERIOD:
			asked->period = PG_GETARG_VARLENA_PP(n);
			break;
		case BASE_AS_OF:
			question->has_as_of = !PG_ARGISNULL(n);
			if (question->has_as_of)
				question->as_of = argument_finite_day(fcinfo, n, argument->name);
			break;
		case BASE_DAY:
			question->day = argument_finite_day(fcinfo, n, argument->name);
			break;
		case BASE_FLAG:
			question->flag = PG_GETARG_BOOL(n);
			break;
		case BASE_NUMBER:
			question->number = smallest_decimal(PG_GETARG_VARLENA_PP(n));
			break;
	}
}

/* The arguments from the n-th on. */
static void
read_arguments(FunctionCallInfo fcinfo, int n, const BaseMetric *metric, Asked *asked)
{
	int i;

	memset(asked, 0, sizeof(Asked));
	for (i = 0; i < metric->narguments && n + i < PG_NARGS(); i++)
		read_argument(fcinfo, n + i, &metric->arguments[i], asked);
}

static bool
same_asked(const Asked *a, const Asked *b)
{
	return a->question.as_of == b->question.as_of && a->question.day == b->question.day &&
		   a->question.flag == b->question.flag &&
		   a->question.number.units == b->question.number.units &&
		   a->question.number.scale == b->question.number.scale &&
		   argument_same(a->policy, b->policy) && argument_same(a->other_policy, b->other_policy) &&
		   argument_same(a->period, b->period);
}

/* The name of the argument of a type of which there is one. */
static const char *
argument_name(const BaseMetric *metric, BaseArgumentType type)
{
	const BaseArgument *argument = metric->arguments;

	while (argument->type != type)
		argument++;
	return argument->name;
}

/* The zone that the policies name; NULL: none. */
static ZoneDays *
zone_of_policies(const BaseMetric *metric, const BaseQuestion *question)
{
	ZoneDays *zone = *metric->policy_zone(question->policy);
	ZoneDays *other;

	if (question->other_policy == NULL)
		return zone;
	other = *metric->policy_zone(question->other_policy);
	if (zone != NULL && other != NULL && zone != other)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is in zone \"%s\", but %s in \"%s\"",
							   argument_name(metric, BASE_POLICY), zone_name(zone),
							   argument_name(metric, BASE_OTHER_POLICY), zone_name(other)),
						errhint("Leave out one of them, or let them agree.")));
	return zone != NULL ? zone : other;
}

/* The zone of all that is asked: that of the policies, which a period must agree with, or that
 * of a period, or the session's. */
static ZoneDays *
settle_zone(const Asked *asked, ZoneDays *zone)
{
	if (asked->period != NULL)
	{
		Calendar calendar;
		ZoneDays *named;

		calendar_open(&calendar, (CalendarPeriod *) asked->period);
		if (calendar.zone != NULL)
		{
			named = zone_by_name(calendar.zone, strlen(calendar.zone));
			if (zone != NULL && zone != named)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("the policy is in zone \"%s\", but the period in \"%s\"",
									   zone_name(zone), zone_name(named)),
								errhint("Leave out one of them, or let them agree.")));
			zone = named;
		}
	}
	return zone != NULL ? zone : zone_of_session();
}

/* Opens what was asked, in the current memory context. */
static BaseQuestion *
open_question(const BaseMetric *metric, Asked *asked)
{
	BaseQuestion *question = palloc(sizeof(BaseQuestion));

	*question = asked->question;
	asked->policy = argument_copy(asked->policy);
	question->policy = metric->open_policy(asked->policy);
	if (asked->other_policy != NULL)
	{
		asked->other_policy = argument_copy(asked->other_policy);
		question->other_policy = metric->open_policy(asked->other_policy);
	}
	if (asked->period != NULL)
	{
		asked->period = argument_copy(asked->period);
		question->period = (CalendarPeriod *) asked->period;
	}
	question->zone = settle_zone(asked, zone_of_policies(metric, question));
	*metric->policy_zone(question->policy) = question->zone;
	if (question->other_policy != NULL)
		*metric->policy_zone(question->other_policy) = question->zone;
	return question;
}

/* The text of a parameter; NULL where as_of is unknown. */
static char *
parameter_text(const Asked *asked, const BaseQuestion *question, BaseArgumentType type)
{
	switch (type)
	{
		case BASE_POLICY:
			return policy_unpack(asked->policy);
		case BASE_OTHER_POLICY:
			return policy_unpack(asked->other_policy);
		case BASE_PERIOD:
			return calendar_period_text(question->period);
		case BASE_AS_OF:
			return question->has_as_of ? day_text(question->as_of) : NULL;
		case BASE_DAY:
			return day_text(question->day);
		case BASE_FLAG:
			return pstrdup(question->flag ? "true" : "false");
		default: /* BASE_NUMBER */
			return decimal_to_text(question->number.units, question->number.scale);
	}
}

/* ---- over a base ---- */

Datum
base_metric(FunctionCallInfo fcinfo, const BaseMetric *metric)
{
	Asked asked;
	BaseQuestion *question;
	const Base *base;
	Tally *tally;
	int i;

	read_arguments(fcinfo, 1, metric, &asked);
	question = open_question(metric, &asked);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	base = base_open(PG_GETARG_DATUM(0));
	if (!question->has_as_of)
		question->has_as_of = timeline_base_last_day(base, question->zone, &question->as_of);
	if (metric->check != NULL)
		metric->check(question);

	tally = tally_create(metric->shape);
	tally_set_parameter(tally, metric->zone_parameter, zone_name(question->zone));
	for (i = 0; i < metric->narguments; i++)
		tally_set_parameter(tally, metric->arguments[i].parameter,
							parameter_text(&asked, question, metric->arguments[i].type));
	tally_add_guests(tally, base->guests);
	if (question->has_as_of)
	{
		void *fold = metric->start(metric->fold_kind, question);

		base_fold(base, metric->add, fold);
		metric->flush(fold, tally);
	}
	else if (metric->add_eventless != NULL)
		metric->add_eventless(tally, base->customers);
	PG_RETURN_POINTER(tally_encode(tally));
}

/* ---- the aggregates over timelines ---- */

/* What an aggregate's state folds with. */
typedef struct Accumulation
{
	const BaseMetric *metric;
	Asked asked; /* by the first row */
	void *fold;
} Accumulation;

static void
flush_accumulation(void *fold, Tally *tally)
{
	Accumulation *accumulation = fold;

	accumulation->metric->flush(accumulation->fold, tally);
}

static void report_changing_arguments(const BaseMetric *metric) pg_attribute_noreturn();

static void
report_changing_arguments(const BaseMetric *metric)
{
	StringInfoData names;
	int i;

	initStringInfo(&names);
	for (i = 0; i < metric->narguments; i++)
	{
		const char *before = i == 0 ? "" : i == metric->narguments - 1 ? " and " : ", ";

		appendStringInfo(&names, "%s%s", before, metric->arguments[i].name);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be the same for all rows of an aggregate", names.data),
					errhint("GROUP BY what they depend on.")));
}

/* Sets a parameter of the state's; one that came with a flat state must be this one. */
static void
match_parameter(Tally *tally, const BaseMetric *metric, int parameter, const char *text)
{
	const char *known = tally_parameter(tally, parameter);

	if (known == NULL)
		tally_set_parameter(tally, parameter, text);
	else if (strcmp(known, text) != 0)
		report_changing_arguments(metric);
}

/* Starts to fold, in the state's memory: with the first row, or after a state that came flat. */
static Accumulation *
start_accumulation(TallyState *state, const BaseMetric *metric, const Asked *asked)
{
	MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);
	Accumulation *accumulation = palloc0(sizeof(Accumulation));
	BaseQuestion *question;
	int i;

	accumulation->metric = metric;
	accumulation->asked = *asked;
	question = open_question(metric, &accumulation->asked);
	if (metric->check != NULL)
		metric->check(question);
	match_parameter(state->tally, metric, metric->zone_parameter, zone_name(question->zone));
	for (i = 0; i < metric->narguments; i++)
		match_parameter(state->tally, metric, metric->arguments[i].parameter,
						parameter_text(&accumulation->asked, question, metric->arguments[i].type));
	accumulation->fold = metric->start(metric->fold_kind, question);
	state->fold = accumulation;
	state->flush = flush_accumulation;
	MemoryContextSwitchTo(old);
	return accumulation;
}

Datum
base_metric_add(FunctionCallInfo fcinfo, const BaseMetric *metric)
{
	bool is_new;
	TallyState *state;
	Accumulation *accumulation;
	Asked asked;

	read_arguments(fcinfo, 2, metric, &asked);
	if (!asked.question.has_as_of)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", argument_name(metric, BASE_AS_OF)),
						errhint("Give a day: an aggregate doesn't know the last event of all "
								"groups beforehand. The function over timelines(...) does.")));
	state = tally_state(fcinfo, 0, metric->shape, &is_new);
	accumulation = state->fold;
	if (accumulation == NULL)
		accumulation = start_accumulation(state, metric, &asked);
	else if (!same_asked(&asked, &accumulation->asked))
		report_changing_arguments(metric);
	if (!PG_ARGISNULL(1))
		metric->add(accumulation->fold,
					timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(1))));
	TALLY_RETURN_STATE(state);
}

/* ---- reading results ---- */

bool
base_result_calendar(const Tally *tally, int as_of_parameter, BaseCalendar *calendar)
{
	if (!tally_has_rows(tally))
		return false;
	if (!tally_calendar(tally, &calendar->calendar) ||
		!tally_parameter_day(tally, as_of_parameter, &calendar->as_of))
		report_corrupted();
	calendar->last = calendar_index(&calendar->calendar, calendar->as_of);
	calendar->last_complete =
		calendar_start(&calendar->calendar, calendar->last + 1) == calendar->as_of + 1
			? calendar->last
			: calendar->last - 1;
	return true;
}

const char *
base_calendar_fault(const Tally *tally, int period_parameter, int as_of_parameter,
					BaseCalendar *calendar)
{
	DateADT as_of;

	if (tally_parameter(tally, period_parameter) == NULL)
		return "There are rows, but no \"period\".";
	if (!tally_parameter_day(tally, as_of_parameter, &as_of))
		return "There are rows, but no \"as_of\".";
	base_result_calendar(tally, as_of_parameter, calendar);
	return NULL;
}
