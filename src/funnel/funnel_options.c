/*
 * funnel_options.c
 *		What a funnel is asked, beside its steps: windows, mode, what is held, what is counted.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "funnel/funnel_internal.h"

const char *const funnel_mode_names[] = { "in_order", "strictly_increasing", "strict_order", NULL };
const char *const funnel_by_names[] = { "kind", "label", NULL };
const char *const funnel_hold_names[] = { "ref", "label", "kind", NULL };
const char *const funnel_count_names[] = { "customers", "conversions", NULL };

#define STEPS_ARGUMENT                                                                        \
	{                                                                                         \
		"steps", .type = METRIC_VALUE,                                                        \
				 .null_hint = "Name them in order, as in ARRAY['visit', 'cart', 'purchase']." \
	}
#define MODE_ARGUMENT                                                             \
	{                                                                             \
		"mode", .type = METRIC_VALUE, .null_hint = "Leave it out for 'in_order'." \
	}
#define BY_ARGUMENT                                                         \
	{                                                                       \
		"by", .type = METRIC_VALUE, .null_hint = "Leave it out for 'kind'." \
	}
#define COUNT_ARGUMENT                                                              \
	{                                                                               \
		"count", .type = METRIC_VALUE, .null_hint = "Leave it out for 'customers'." \
	}

const MetricArgument funnel_totals_arguments[FUNNEL_ARGUMENTS] = {
	STEPS_ARGUMENT,
	{ "within", .type = METRIC_SPAN, .may_be_null = true },
	MODE_ARGUMENT,
	BY_ARGUMENT,
	{ "step_within", .type = METRIC_VALUE, .may_be_null = true },
	METRIC_OPEN_AS_OF_ARGUMENT,
	{ "zone", .type = METRIC_ZONE, .may_be_null = true },
	{ "hold", .type = METRIC_VALUE, .may_be_null = true },
	COUNT_ARGUMENT,
};

const MetricArgument funnel_by_period_arguments[FUNNEL_ARGUMENTS] = {
	STEPS_ARGUMENT,
	{ "within", .type = METRIC_SPAN,
	  .null_hint = "Periods can be compared where all have as much time: as within => '7 days'." },
	METRIC_PERIOD_ARGUMENT,
	MODE_ARGUMENT,
	BY_ARGUMENT,
	{ "step_within", .type = METRIC_VALUE, .may_be_null = true },
	METRIC_AS_OF_ARGUMENT,
	{ "hold", .type = METRIC_VALUE, .may_be_null = true },
	COUNT_ARGUMENT,
};

/* ---- reading ---- */

/* An argument by its name; NULL: it is, or the function doesn't have it. */
static const struct varlena *
value_of(const MetricQuestion *question, const char *name)
{
	const MetricArgument *arguments =
		question->kind == FUNNEL_TOTALS ? funnel_totals_arguments : funnel_by_period_arguments;
	int i = 0;

	while (strcmp(arguments[i].name, name) != 0)
		i++;
	return question->values[i];
}

static ArrayType *
array_of(const struct varlena *value, const char *name)
{
	ArrayType *array = (ArrayType *) value;

	argument_refuse_matrix(array, name);
	return array;
}

static void
open_steps(FunnelRules *rules, const struct varlena *names)
{
	char **texts;
	Datum *elements;
	bool *nulls;
	int nelements;
	int i;

	deconstruct_array(array_of(names, "steps"), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &nelements);
	texts = palloc_extended((nelements + 1) * sizeof(char *), MCXT_ALLOC_HUGE);
	for (i = 0; i < nelements; i++)
		texts[i] = nulls[i] || i > FUNNEL_MAX_STEPS ? NULL : TextDatumGetCString(elements[i]);
	funnel_read_steps(texts, nelements, &rules->list);
}

FunnelWindow
funnel_window(const Interval *span, const char *name)
{
	FunnelWindow window = { true, *span };
	bool finite = true;

#ifdef INTERVAL_NOT_FINITE
	finite = !INTERVAL_NOT_FINITE(span);
#endif
	if (!finite || span->month < 0 || span->day < 0 || span->time < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite interval of 0 or more, in each of its parts", name),
				 errdetail("It is \"%s\".", DatumGetCString(DirectFunctionCall1(
												interval_out, IntervalPGetDatum(span)))),
				 errhint("Any time is NULL.")));
	return window;
}

static void
open_step_windows(FunnelRules *rules, const struct varlena *spans)
{
	int wanted = rules->list.nsteps - 1;
	FunnelWindow *windows;
	Datum *elements;
	bool *nulls;
	int nelements;
	int i;

	if (spans == NULL)
		return;
	deconstruct_array(array_of(spans, "step_within"), INTERVALOID, sizeof(Interval), false,
					  TYPALIGN_DOUBLE, &elements, &nulls, &nelements);
	if (nelements != wanted && nelements != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step_within has %d windows, but there are %d steps", nelements,
						rules->list.nsteps),
				 errhint("Give one window for all steps, or one for each step but the first.")));
	windows =
		palloc_extended(Max(wanted, 1) * sizeof(FunnelWindow), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < Max(wanted, 1); i++)
	{
		int n = nelements == 1 ? 0 : i;

		if (!nulls[n])
			windows[i] =
				funnel_window(DatumGetIntervalP(elements[n]), psprintf("step_within[%d]", n + 1));
	}
	rules->step_within = windows;
}

/* NULL: the first of the choices. */
static int
open_choice(const struct varlena *text, const char *name, const char *const *choices)
{
	if (text == NULL)
		return 0;
	return choice_of(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text), choices, choice_count(choices),
					 ERRCODE_INVALID_PARAMETER_VALUE, psprintf("%s of a funnel can't be", name),
					 "'");
}

void
funnel_open(MetricQuestion *question)
{
	Funnel *funnel = palloc0(sizeof(Funnel));
	FunnelRules *rules = &funnel->rules;

	funnel->context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty funnel", ALLOCSET_SMALL_SIZES);
	open_steps(rules, value_of(question, "steps"));
	if (question->has_span)
		rules->within = funnel_window(&question->span, "within");
	rules->mode = open_choice(value_of(question, "mode"), "mode", funnel_mode_names);
	rules->by_label = open_choice(value_of(question, "by"), "by", funnel_by_names) == 1;
	if (value_of(question, "hold") != NULL)
		rules->hold = 1 + open_choice(value_of(question, "hold"), "hold", funnel_hold_names);
	rules->count = open_choice(value_of(question, "count"), "count", funnel_count_names);
	open_step_windows(rules, value_of(question, "step_within"));
	funnel_open_names(funnel);
	rules->zone = question->zone;
	rules->end = question->has_as_of ? zone_day_start(rules->zone, question->as_of + 1) : DT_NOEND;
	question->own = funnel;
}

void
funnel_add_names(const MetricQuestion *question, MetricNames *names)
{
	const Funnel *funnel = question->own;

	metric_add_names(names, funnel->rules.by_label, funnel->names.texts, funnel->names.n);
}
