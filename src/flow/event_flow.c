/*
 * event_flow.c
 *		event_flow(): what is asked, and what its result is made of. flow_internal.h says what flows
 *		are, flow_fold.c what rows of a result mean.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/argument.h"
#include "flow/flow_internal.h"
#include "metric/metric.h"
#include "metric/tally.h"
#include "policy/policy.h"

#define RESULT_TYPE "event_flow_result"

const char *const flow_by_names[] = { "kind", "label", NULL };
const char *const flow_occurrence_names[] = { "first", "last", "each", NULL };

/* ---- what is asked ---- */

enum
{
	ARGUMENT_BY,
	ARGUMENT_FROM_STEP,
	ARGUMENT_UNTIL_STEP,
	ARGUMENT_STEPS,
	ARGUMENT_WITHIN,
	ARGUMENT_OCCURRENCE,
	ARGUMENT_COLLAPSE,
	ARGUMENT_AS_OF,
	ARGUMENT_ZONE
};

static const MetricArgument arguments[] = {
	[ARGUMENT_BY] = { "by", .type = METRIC_VALUE, .null_hint = "Leave it out for 'kind'." },
	[ARGUMENT_FROM_STEP] = { "from_step", .type = METRIC_VALUE, .may_be_null = true },
	[ARGUMENT_UNTIL_STEP] = { "until_step", .type = METRIC_VALUE, .may_be_null = true },
	[ARGUMENT_STEPS] = { "steps", .type = METRIC_COUNT, .null_hint = "Leave it out for 3." },
	[ARGUMENT_WITHIN] = { "within", .type = METRIC_SPAN, .may_be_null = true },
	[ARGUMENT_OCCURRENCE] = { "occurrence", .type = METRIC_VALUE,
							  .null_hint = "Leave it out for 'first'." },
	[ARGUMENT_COLLAPSE] = { "collapse", .type = METRIC_FLAG,
							.null_hint = "Leave it out for false." },
	[ARGUMENT_AS_OF] = METRIC_LAST_DAY_ARGUMENT("as_of"),
	[ARGUMENT_ZONE] = { "zone", .type = METRIC_ZONE, .may_be_null = true },
};

static int
open_choice(const struct varlena *text, const char *name, const char *const *choices)
{
	return choice_of(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text), choices, choice_count(choices),
					 ERRCODE_INVALID_PARAMETER_VALUE, psprintf("%s of flows can't be", name), "'");
}

static void
open_question(MetricQuestion *question)
{
	const struct varlena *from = question->values[ARGUMENT_FROM_STEP];
	const struct varlena *until = question->values[ARGUMENT_UNTIL_STEP];
	const struct varlena *anchor = from != NULL ? from : until;
	FlowRules *rules = palloc0(sizeof(FlowRules));

	if (from != NULL && until != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("flows have a from_step or an until_step, not both"),
						errhint("Give from_step for what comes after it, until_step for what came "
								"before it.")));
	if (question->count > FLOW_MAX_STEPS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("flows of %d steps are too long", question->count),
						errdetail("They may have %d steps.", FLOW_MAX_STEPS)));
	if (question->has_span)
	{
		policy_check_interval(&question->span, false, RESULT_TYPE, "within",
							  policy_interval_text(&question->span));
		rules->within = palloc(sizeof(Span));
		span_open(rules->within, &question->span);
	}
	rules->by_label = open_choice(question->values[ARGUMENT_BY], "by", flow_by_names) == 1;
	rules->backward = until != NULL;
	if (anchor != NULL)
	{
		rules->anchor.bytes = VARDATA_ANY(anchor);
		rules->anchor.len = (int) VARSIZE_ANY_EXHDR(anchor);
	}
	rules->steps = question->count;
	rules->occurrence = (FlowOccurrence) open_choice(question->values[ARGUMENT_OCCURRENCE],
													 "occurrence", flow_occurrence_names);
	rules->collapse = question->flag;
	question->own = rules;
}

/* as_of is known by now. */
static void *
start_fold(const MetricQuestion *question, Tally *tally)
{
	FlowRules *rules = question->own;

	rules->zone = question->zone;
	rules->end = zone_day_start(rules->zone, question->as_of + 1);
	return flow_fold_start(question, tally);
}

static void
add_names(const MetricQuestion *question, MetricNames *names)
{
	const FlowRules *rules = question->own;

	if (rules->anchor.bytes != NULL)
		metric_add_name(names, rules->by_label, &rules->anchor);
}

static const char *
text_of_value(const struct varlena *value)
{
	return value != NULL ? text_to_cstring((const text *) value) : NULL;
}

static const char *
text_of_parameter(const MetricQuestion *question, const char *name)
{
	const FlowRules *rules = question->own;

	if (strcmp(name, "by") == 0)
		return flow_by_names[rules->by_label ? 1 : 0];
	if (strcmp(name, "occurrence") == 0)
		return flow_occurrence_names[rules->occurrence];
	if (strcmp(name, "within") == 0)
		return question->has_span ? policy_interval_text(&question->span) : NULL;
	return text_of_value(question->values[strcmp(name, "from_step") == 0 ? ARGUMENT_FROM_STEP
																		 : ARGUMENT_UNTIL_STEP]);
}

/* ---- the result ---- */

static char *
canonical_by(const char *text)
{
	return tally_canonical_choice(text, "\"by\" of an " RESULT_TYPE " can't be", flow_by_names,
								  choice_count(flow_by_names));
}

static char *
canonical_occurrence(const char *text)
{
	return tally_canonical_choice(text, "\"occurrence\" of an " RESULT_TYPE " can't be",
								  flow_occurrence_names, choice_count(flow_occurrence_names));
}

static char *
canonical_within(const char *text)
{
	return policy_canonical_interval(text, RESULT_TYPE, "within", "30 days");
}

static char *
canonical_collapse(const char *text)
{
	return tally_canonical_flag(text, "collapse");
}

static const TallyParameter parameters[] = {
	{ .name = "by",
	  .canonical = canonical_by,
	  .hint = "Go by kinds, or by labels, in all of them." },
	{ .name = "from_step", .hint = "Begin at the same step in all of them." },
	{ .name = "until_step", .hint = "Begin at the same step in all of them." },
	METRIC_COUNT_PARAMETER("steps"),
	{ .name = "within",
	  .canonical = canonical_within,
	  .hint = "Follow them as long in all of them." },
	{ .name = "occurrence",
	  .canonical = canonical_occurrence,
	  .hint = "Begin at the same events in all of them." },
	{ .name = "collapse",
	  .is_json = true,
	  .canonical = canonical_collapse,
	  .hint = "Either all of them collapse what repeats, or none." },
	METRIC_ZONE_PARAMETER,
	METRIC_AS_OF_PARAMETER,
};

static const TallyColumn keys[FLOW_KEYS] = {
	[FLOW_KEY_STEP] = { "step", TALLY_NUMBER },
	[FLOW_KEY_LINKS] = { "links", TALLY_TEXT },
	[FLOW_KEY_SECONDS] = { "seconds", TALLY_NUMBER },
};

static const TallyColumn columns[FLOW_SUMS] = {
	[FLOW_EVENTS] = { "events", TALLY_COUNT },
	[FLOW_CUSTOMERS] = { "customers", TALLY_COUNT },
};

static const char *
find_fault(const Tally *tally)
{
	const char *fault;

	(void) flow_result_read(tally, &fault);
	return fault;
}

const TallyShape flow_shape = {
	.type = RESULT_TYPE,
	.maker = "event_flow() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

static const Metric event_flow = {
	.shape = &flow_shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(arguments),
	.eventless = METRIC_IGNORE_EVENTLESS,
	.open = open_question,
	.names = add_names,
	.text = text_of_parameter,
	.start = start_fold,
	.customer = flow_fold_customer,
	.finish = flow_fold_finish,
};

/* loyalty_event_flow_result_in, loyalty_event_flow_result_out, loyalty_event_flow_result_recv,
 * loyalty_event_flow_result_send, loyalty_event_flow_result_merge,
 * loyalty_event_flow_result_scope */
TALLY_TYPE(event_flow_result, &flow_shape)

/* loyalty_event_flow, (base, by, from_step, until_step, steps, within, occurrence, collapse, as_of,
 * zone); loyalty_event_flow_accum */
METRIC_FUNCTIONS(event_flow, &event_flow)
