/*
 * metric.c
 *		Metrics over everyone: the function over a base, part after part, and the aggregate over
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
	const MetricArgument *argument = metric_argument_of(metric, METRIC_AS_OF);
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
		base_close(&cursor);
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
		base_join_close(&join);
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

	metric_read_question(fcinfo, n + 1, metric, question);
	base = PG_ARGISNULL(n) ? NULL : base_open(PG_GETARG_DATUM(n));
	metric_open_question(metric, question, base);
	if (base != NULL)
		find_as_of(base, metric, question);
	return base;
}

bool
metric_needs_last(FunctionCallInfo fcinfo, const Metric *metric)
{
	const MetricArgument *as_of = metric_argument_of(metric, METRIC_AS_OF);
	int n = metric_inputs(metric) + (int) (as_of - metric->arguments);

	return !as_of->may_be_null && !as_of->is_today && PG_ARGISNULL(n);
}

/* Opens what a call asks about bases, with all that is done before anyone is looked at; other
 * arguments stand behind so many of the metric's. */
static void
ask_of_bases(FunctionCallInfo fcinfo, const Metric *metric, int before, int nothers,
			 const Base *base, const Base *returns, MetricQuestion *question)
{
	metric_read_question_around(fcinfo, metric_inputs(metric), metric, before, nothers, question);
	metric_open_question(metric, question, base);
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
		tally_set_parameter(folding->tally, i, metric_parameter_text(metric, question, i));
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
	metric_open_question(metric, &opened, NULL);
	a = metric_argument_text(metric, &opened, i);
	b = metric_argument_text(metric, first, i);
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Refuses another question than that of the first row; what is the metric's own may be written
 * otherwise. */
static void
check_question(const MetricQuestion *asked, const MetricQuestion *first, const Metric *metric)
{
	int i;

	if (likely(metric_same_question(asked, first, metric)))
		return;
	if (!metric_same_common(asked, first))
		report_common_arguments(metric);
	for (i = 0; i < metric->narguments; i++)
	{
		if (metric_same_value(asked, first, metric, i))
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
		return &metric_keep_question(NULL, alone, metric, asked)->question;
	if (!metric_is_kept(kept, asked, metric) || kept->context != groups)
		kept = metric_keep_question(fcinfo->flinfo, groups, metric, asked);
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
		match_parameter(state, is_new, metric, i, metric_parameter_text(metric, question, i));
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
	const MetricArgument *as_of = metric_argument_of(metric, METRIC_AS_OF);
	int first = 1 + metric_inputs(metric);

	metric_read_question(fcinfo, first, metric, asked);
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
