/*
 * metric.c
 *		Arguments of metrics, and their two faces: over a base, and as an aggregate over
 *		customers' summaries.
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "activity/activity.h"
#include "core/argument.h"
#include "metric/statistics.h"
#include "metric/tally_sql.h"
#include "metric/metric.h"
#include "timeline/timeline.h"

/* ---- arguments ---- */

const CalendarPeriod *
metric_period_argument(FunctionCallInfo fcinfo, int n)
{
	argument_refuse_null(fcinfo, n, "period", NULL);
	return PG_GETARG_CALENDAR_PERIOD(n);
}

bool
metric_as_of_argument(FunctionCallInfo fcinfo, int n, DateADT *as_of)
{
	*as_of = 0;
	if (n >= PG_NARGS() || PG_ARGISNULL(n))
		return false;
	*as_of = PG_GETARG_DATEADT(n);
	check_finite_day(*as_of);
	return true;
}

void
metric_check_number(const char *name, int32 number)
{
	if (number < 1 || number > METRIC_MAX_NUMBER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d, not %d", name, METRIC_MAX_NUMBER, number)));
}

/* A base knows days, not instants: its zone can't be changed afterwards. */
void
metric_check_zone(const Base *base, const Calendar *calendar)
{
	if (calendar->zone != NULL && base->zone_state == ZONE_KNOWN &&
		strcmp(calendar->zone, base->zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the period is in zone \"%s\", but days were collected in zone \"%s\"",
						calendar->zone, base->zone),
				 errhint("Collect in that zone: activities(customer, at, '%s').", calendar->zone)));
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

char *
metric_canonical_number(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len || text[0] == '0' ||
		pg_strtoint32(text) > METRIC_MAX_NUMBER)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("not a whole number from 1 to %d: %.20s", METRIC_MAX_NUMBER, text)));
	return pstrdup(text);
}

/* What a call asks, as it came. */
typedef struct Asked
{
	struct varlena *period; /* NULL: the metric has none */
	struct varlena *within;
	int32 number;
	bool has_as_of;
	DateADT as_of;
} Asked;

/* Reads the arguments from the n-th on. */
static void
read_arguments(FunctionCallInfo fcinfo, int n, const Metric *metric, Asked *asked)
{
	int i;

	memset(asked, 0, sizeof(Asked));
	for (i = 0; i < metric->shape->nparameters; i++)
	{
		const char *name = metric->shape->parameters[i].name;

		switch (metric->parameters[i])
		{
			case METRIC_PERIOD:
				argument_refuse_null(fcinfo, n, name, NULL);
				asked->period = PG_GETARG_VARLENA_PP(n++);
				break;
			case METRIC_WITHIN:
				argument_refuse_null(fcinfo, n, name, NULL);
				asked->within = PG_GETARG_VARLENA_PP(n++);
				break;
			case METRIC_NUMBER:
				argument_refuse_null(fcinfo, n, name, NULL);
				asked->number = PG_GETARG_INT32(n++);
				metric_check_number(name, asked->number);
				break;
			case METRIC_OPTIONAL_NUMBER:
				if (!PG_ARGISNULL(n))
				{
					asked->number = PG_GETARG_INT32(n);
					metric_check_number(name, asked->number);
				}
				n++;
				break;
			case METRIC_AS_OF:
				asked->has_as_of = metric_as_of_argument(fcinfo, n++, &asked->as_of);
				break;
			case METRIC_ZONE:
			case METRIC_COUNTED:
				break;
		}
	}
}

static bool
same_arguments(const Asked *a, const Asked *b)
{
	return a->as_of == b->as_of && a->number == b->number && argument_same(a->period, b->period) &&
		   argument_same(a->within, b->within);
}

/* Opens what was asked, in the current memory context. */
static void
open_question(Asked *asked, const Metric *metric, MetricQuestion *question)
{
	asked->period = argument_copy(asked->period);
	asked->within = argument_copy(asked->within);
	question->period = (CalendarPeriod *) asked->period;
	question->within = (CalendarPeriod *) asked->within;
	question->number = asked->number;
	question->as_of = asked->as_of;
	question->zone = metric->over_timelines ? zone_of_session() : NULL;
	if (metric->over_timelines && question->period != NULL)
	{
		Calendar calendar;

		calendar_open(&calendar, question->period);
		if (calendar.zone != NULL)
			question->zone = zone_by_name(calendar.zone, strlen(calendar.zone));
	}
}

/* The text of a parameter; NULL where it is unknown. */
static const char *
parameter_text(const Metric *metric, int n, const Asked *asked, const MetricQuestion *question)
{
	switch (metric->parameters[n])
	{
		case METRIC_PERIOD:
			return calendar_period_text(question->period);
		case METRIC_WITHIN:
			return calendar_period_text(question->within);
		case METRIC_NUMBER:
		case METRIC_OPTIONAL_NUMBER:
			return question->number != 0 ? psprintf("%d", question->number) : NULL;
		case METRIC_AS_OF:
			return asked->has_as_of ? day_text(question->as_of) : NULL;
		case METRIC_COUNTED:
			return metric->over_timelines ? "orders" : "days";
		default: /* METRIC_ZONE */
			return question->zone != NULL ? zone_name(question->zone) : NULL;
	}
}

/* ---- over a base ---- */

static void
check_zones(const Base *base, const MetricQuestion *question)
{
	Calendar calendar;

	if (question->period != NULL)
	{
		calendar_open(&calendar, question->period);
		metric_check_zone(base, &calendar);
	}
	if (question->within != NULL)
	{
		calendar_open(&calendar, question->within);
		metric_check_zone(base, &calendar);
	}
}

static void
note_last_day(void *last, ByteSpan body)
{
	ActivityCursor cursor;
	DateADT day = DATEVAL_NOBEGIN;

	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day))
		;
	*(DateADT *) last = Max(*(DateADT *) last, day);
}

/* The day of the last event of all; false where there is none. */
static bool
last_day_of_base(const Base *base, const MetricQuestion *question, DateADT *day)
{
	if (question->zone != NULL)
		return timeline_base_last_day(base, question->zone, day);
	*day = DATEVAL_NOBEGIN;
	base_fold(base, note_last_day, day);
	return *day != DATEVAL_NOBEGIN;
}

Datum
metric_over_base(FunctionCallInfo fcinfo, const Metric *metric)
{
	Asked asked;
	MetricQuestion question;
	const Base *base;
	Tally *tally;
	void *fold;
	int i;

	read_arguments(fcinfo, 1, metric, &asked);
	open_question(&asked, metric, &question);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	base = base_open(PG_GETARG_DATUM(0));
	if (question.zone == NULL)
		check_zones(base, &question);
	/* where nobody has a day, any as_of gives the same counts */
	if (!asked.has_as_of && last_day_of_base(base, &question, &asked.as_of))
	{
		asked.has_as_of = true;
		question.as_of = asked.as_of;
	}

	tally = tally_create(metric->shape);
	for (i = 0; i < metric->shape->nparameters; i++)
		tally_set_parameter(tally, i,
							metric->parameters[i] == METRIC_ZONE && question.zone == NULL
								? base->zone
								: parameter_text(metric, i, &asked, &question));
	tally_add_guests(tally, base->guests);
	fold = metric->start(&question, tally);
	base_fold(base, metric->customer, fold);
	PG_RETURN_POINTER(tally_encode(tally));
}

/* ---- the aggregate over customers' summaries ---- */

/* What an aggregate's state folds with. */
typedef struct Accumulation
{
	Asked asked; /* by the first row */
	void *fold;
} Accumulation;

/* Folds count into the state's tally: there is nothing to bring there. */
static void
flush_nothing(void *fold, Tally *tally)
{
}

static bool
is_argument(MetricParameter parameter)
{
	return parameter != METRIC_ZONE && parameter != METRIC_COUNTED;
}

static void report_changing_arguments(const Metric *metric) pg_attribute_noreturn();

static void
report_changing_arguments(const Metric *metric)
{
	const TallyShape *shape = metric->shape;
	int left = 0;
	StringInfoData names;
	int i;

	for (i = 0; i < shape->nparameters; i++)
		left += is_argument(metric->parameters[i]);
	initStringInfo(&names);
	for (i = 0; i < shape->nparameters; i++)
		if (is_argument(metric->parameters[i]))
		{
			left--;
			appendStringInfo(&names, "%s%s", shape->parameters[i].name,
							 left > 1	 ? ", "
							 : left == 1 ? " and "
										 : "");
		}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be the same for all rows of an aggregate", names.data),
					errhint("GROUP BY what they depend on.")));
}

/* Starts to fold, in the state's memory: with the first row, or after a state that came flat,
 * whose parameters must be these. */
static Accumulation *
start_accumulation(TallyState *state, bool is_new, const Metric *metric, const Asked *asked)
{
	MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);
	Accumulation *accumulation = palloc0(sizeof(Accumulation));
	MetricQuestion question;
	int i;

	accumulation->asked = *asked;
	open_question(&accumulation->asked, metric, &question);
	for (i = 0; i < metric->shape->nparameters; i++)
	{
		const char *known = tally_parameter(state->tally, i);
		const char *text = parameter_text(metric, i, asked, &question);

		if (is_new || (known == NULL && metric->shape->parameters[i].may_be_unknown))
			tally_set_parameter(state->tally, i, text);
		else if (known == NULL || text == NULL
					 ? known != text && !metric->shape->parameters[i].may_be_unknown
					 : strcmp(known, text) != 0)
			report_changing_arguments(metric);
	}
	accumulation->fold = metric->start(&question, state->tally);
	state->fold = accumulation;
	state->flush = flush_nothing;
	MemoryContextSwitchTo(old);
	return accumulation;
}

Datum
metric_accumulate(FunctionCallInfo fcinfo, const Metric *metric)
{
	Asked asked;
	TallyState *state;
	Accumulation *accumulation;
	bool is_new;

	read_arguments(fcinfo, 2, metric, &asked);
	if (!asked.has_as_of)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of must not be null"),
						errhint("Give a day: an aggregate doesn't know the last day of all groups "
								"beforehand. The function over a base does.")));
	state = tally_state(fcinfo, 0, metric->shape, &is_new);
	accumulation = state->fold;
	if (accumulation == NULL)
		accumulation = start_accumulation(state, is_new, metric, &asked);
	else if (!same_arguments(&asked, &accumulation->asked))
		report_changing_arguments(metric);
	if (!PG_ARGISNULL(1))
	{
		struct varlena *summary = PG_GETARG_VARLENA_PP(1);
		ByteSpan body = { (const uint8 *) VARDATA_ANY(summary), VARSIZE_ANY_EXHDR(summary) };

		metric->customer(accumulation->fold, body);
		if ((Pointer) summary != DatumGetPointer(PG_GETARG_DATUM(1)))
			pfree(summary);
	}
	TALLY_RETURN_STATE(state);
}
