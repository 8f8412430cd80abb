/*
 * funnel_totals.c
 *		The funnel of everyone: what is asked, what is counted, and its rows.
 *
 *		step	duration
 *		0		0			everyone
 *		1		0			who took the first step
 *		2 ...	any			who came to it, so many microseconds after the step before
 *
 * At duration 0, a step also has how many have an event of its name at all, in whatever order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/json.h"
#include "core/rows.h"
#include "funnel/funnel_internal.h"
#include "metric/metric.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "policy/policy.h"

#define RESULT_TYPE "funnel_totals_result"

static const char *const mode_names[] = { "in_order", "strictly_increasing", "strict_order", NULL };
static const char *const by_names[] = { "kind", "label", NULL };

/* ---- what is asked ---- */

typedef enum FunnelArgument
{
	FUNNEL_STEPS,
	FUNNEL_WITHIN,
	FUNNEL_MODE,
	FUNNEL_BY,
	FUNNEL_STEP_WITHIN,
	FUNNEL_AS_OF,
	FUNNEL_ZONE
} FunnelArgument;

static const MetricArgument arguments[] = {
	[FUNNEL_STEPS] = { "steps", .type = METRIC_VALUE,
					   .null_hint =
						   "Name them in order, as in ARRAY['visit', 'cart', 'purchase']." },
	[FUNNEL_WITHIN] = { "within", .type = METRIC_SPAN, .may_be_null = true },
	[FUNNEL_MODE] = { "mode", .type = METRIC_VALUE, .null_hint = "Leave it out for 'in_order'." },
	[FUNNEL_BY] = { "by", .type = METRIC_VALUE, .null_hint = "Leave it out for 'kind'." },
	[FUNNEL_STEP_WITHIN] = { "step_within", .type = METRIC_VALUE, .may_be_null = true },
	[FUNNEL_AS_OF] = { "as_of", .type = METRIC_AS_OF, .may_be_null = true },
	[FUNNEL_ZONE] = { "zone", .type = METRIC_ZONE, .may_be_null = true },
};

static ArrayType *
array_of(const struct varlena *value, const char *name)
{
	ArrayType *array = (ArrayType *) value;

	argument_refuse_matrix(array, name);
	return array;
}

/* Chains are looked up by step for each event: a list that is longer isn't a funnel. */
static void
check_number_of_steps(int64 nsteps)
{
	if (nsteps > FUNNEL_MAX_STEPS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a funnel of " INT64_FORMAT " steps is too long", nsteps),
						errdetail("It may have %d steps.", FUNNEL_MAX_STEPS)));
}

static void
open_steps(FunnelRules *rules, const struct varlena *names)
{
	EventText *steps;
	Datum *elements;
	bool *nulls;
	int i;

	deconstruct_array(array_of(names, "steps"), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &rules->nsteps);
	if (rules->nsteps == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a funnel needs steps"),
						errhint("Name them in order, as in ARRAY['visit', 'cart', 'purchase'].")));
	check_number_of_steps(rules->nsteps);
	rules->steps = steps = palloc_extended(rules->nsteps * sizeof(EventText), MCXT_ALLOC_HUGE);
	for (i = 0; i < rules->nsteps; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("step %d of a funnel is null", i + 1),
							errhint("An event without kind or label can't be a step.")));
		steps[i].bytes = VARDATA_ANY(DatumGetPointer(elements[i]));
		steps[i].len = (int) VARSIZE_ANY_EXHDR(DatumGetPointer(elements[i]));
	}
}

/* Refuses an interval that can't be a window; the name is for the error. */
static FunnelWindow
check_window(const Interval *span, const char *name)
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
	int wanted = rules->nsteps - 1;
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
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("step_within has %d windows, but there are %d steps", nelements, rules->nsteps),
			 errhint("Give one window for all steps, or one for each step but the first.")));
	windows =
		palloc_extended(Max(wanted, 1) * sizeof(FunnelWindow), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < Max(wanted, 1); i++)
	{
		int n = nelements == 1 ? 0 : i;

		if (!nulls[n])
			windows[i] =
				check_window(DatumGetIntervalP(elements[n]), psprintf("step_within[%d]", n + 1));
	}
	rules->step_within = windows;
}

/* NULL: the function doesn't have it, and it is the first. */
static int
open_choice(const struct varlena *text, const char *name, const char *const *choices)
{
	if (text == NULL)
		return 0;
	return choice_of(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text), choices, choice_count(choices),
					 ERRCODE_INVALID_PARAMETER_VALUE, psprintf("%s of a funnel can't be", name),
					 "'");
}

static bool
has_days(const FunnelWindow *window)
{
	return window->limited && (window->span.month != 0 || window->span.day != 0);
}

/* Does the zone matter: are there days or months in a window, or an as_of? */
static bool
needs_zone(const FunnelRules *rules, bool has_as_of)
{
	int i;

	if (has_as_of || has_days(&rules->within))
		return true;
	for (i = 0; rules->step_within != NULL && i < rules->nsteps - 1; i++)
		if (has_days(&rules->step_within[i]))
			return true;
	return false;
}

static void
open_funnel(MetricQuestion *question)
{
	Funnel *funnel = palloc0(sizeof(Funnel));
	FunnelRules *rules = &funnel->rules;

	funnel->context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty funnel", ALLOCSET_SMALL_SIZES);
	open_steps(rules, question->values[FUNNEL_STEPS]);
	funnel_open_names(funnel);
	if (question->has_span)
		rules->within = check_window(&question->span, "within");
	rules->mode = open_choice(question->values[FUNNEL_MODE], "mode", mode_names);
	rules->by_label = open_choice(question->values[FUNNEL_BY], "by", by_names) == 1;
	open_step_windows(rules, question->values[FUNNEL_STEP_WITHIN]);
	rules->zone = question->zone;
	rules->end = question->has_as_of ? zone_day_start(rules->zone, question->as_of + 1) : DT_NOEND;
	if (!needs_zone(rules, question->has_as_of))
		question->zone_name = NULL;
	question->own = funnel;
}

static void
add_names(const MetricQuestion *question, MetricNames *names)
{
	const Funnel *funnel = question->own;

	metric_add_names(names, funnel->rules.by_label, funnel->names.texts, funnel->names.n);
}

/* ---- texts of parameters ---- */

static Interval *
interval_of(const char *text)
{
	Interval *interval = palloc(sizeof(Interval));

	if (!policy_parse_interval(text, interval))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("a window of a %s is not an interval: \"%.*s%s\"", RESULT_TYPE,
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write one such as \"7 days\" or \"00:30:00\".")));
	return interval;
}

/* The elements of a JSON array of strings; NULL for null, where that may be. */
static char **
strings_of(const char *json, const char *name, bool may_be_null, int *n)
{
	Jsonb *parsed = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	char **strings;
	int i;

	if (!JB_ROOT_IS_ARRAY(parsed) || JB_ROOT_IS_SCALAR(parsed))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"%s\" of a %s is not an array", name, RESULT_TYPE)));
	*n = (int) JB_ROOT_COUNT(parsed);
	if (*n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"%s\" of a %s is empty", name, RESULT_TYPE)));
	check_number_of_steps(*n);
	strings = palloc_extended(*n * sizeof(char *), MCXT_ALLOC_HUGE);
	for (i = 0; i < *n; i++)
	{
		const JsonbValue *value = getIthJsonbValueFromContainer(&parsed->root, i);

		strings[i] =
			may_be_null && value->type == jbvNull ? NULL : json_as_string(value, RESULT_TYPE, name);
		CHECK_FOR_INTERRUPTS();
	}
	return strings;
}

/* Adds an element to the text of a JSON array; text NULL: null. */
static void
put_string(StringInfo out, const char *text)
{
	appendStringInfoString(out, out->len == 0 ? "[" : ", ");
	if (text == NULL)
		appendStringInfoString(out, "null");
	else
		escape_json(out, text);
}

static char *
canonical_steps(const char *json)
{
	StringInfoData out;
	char **steps;
	int n;
	int i;

	steps = strings_of(json, "steps", false, &n);
	initStringInfo(&out);
	for (i = 0; i < n; i++)
		put_string(&out, steps[i]);
	appendStringInfoChar(&out, ']');
	return out.data;
}

static char *
canonical_window(const char *text)
{
	Interval *span = interval_of(text);

	(void) check_window(span, "within");
	return policy_interval_text(span);
}

static char *
canonical_step_windows(const char *json)
{
	StringInfoData out;
	char **windows;
	int n;
	int i;

	windows = strings_of(json, "step_within", true, &n);
	initStringInfo(&out);
	for (i = 0; i < n; i++)
		put_string(&out, windows[i] != NULL ? canonical_window(windows[i]) : NULL);
	appendStringInfoChar(&out, ']');
	return out.data;
}

static char *
canonical_mode(const char *text)
{
	return tally_canonical_choice(text, "\"mode\" of a " RESULT_TYPE " can't be", mode_names,
								  choice_count(mode_names));
}

static char *
canonical_by(const char *text)
{
	return tally_canonical_choice(text, "\"by\" of a " RESULT_TYPE " can't be", by_names,
								  choice_count(by_names));
}

/* ---- the shape ---- */

typedef enum FunnelParameter
{
	FUNNEL_PARAMETER_STEPS,
	FUNNEL_PARAMETER_BY,
	FUNNEL_PARAMETER_MODE,
	FUNNEL_PARAMETER_WITHIN,
	FUNNEL_PARAMETER_STEP_WITHIN,
	FUNNEL_PARAMETER_ZONE,
	FUNNEL_PARAMETER_AS_OF
} FunnelParameter;

#define FUNNEL_PARAMETERS (FUNNEL_PARAMETER_AS_OF + 1)

#define KEY_STEP		  0
#define KEY_DURATION	  1

#define SAME_FUNNEL		  "Add up results of one funnel, in one zone and as of one day."

static const TallyParameter parameters[FUNNEL_PARAMETERS] = {
	[FUNNEL_PARAMETER_STEPS] = { .name = "steps",
								 .is_json = true,
								 .canonical = canonical_steps,
								 .hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_BY] = { .name = "by", .canonical = canonical_by, .hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_MODE] = { .name = "mode", .canonical = canonical_mode, .hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_WITHIN] = { .name = "within",
								  .canonical = canonical_window,
								  .hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_STEP_WITHIN] = { .name = "step_within",
									   .is_json = true,
									   .canonical = canonical_step_windows,
									   .hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_ZONE] = { .name = "zone",
								.canonical = tally_canonical_zone,
								.hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_AS_OF] = { .name = "as_of",
								 .canonical = tally_canonical_day,
								 .hint = SAME_FUNNEL },
};

static const TallyColumn keys[] = {
	[KEY_STEP] = { "step", TALLY_NUMBER },
	[KEY_DURATION] = { "duration", TALLY_NUMBER },
};

#define SUM_CUSTOMERS  0
#define SUM_WITH_EVENT 1

static const TallyColumn sums[] = {
	[SUM_CUSTOMERS] = { "customers", TALLY_COUNT },
	[SUM_WITH_EVENT] = { "with_event", TALLY_COUNT },
};

/* The names of a result's steps. */
static char **
result_steps(const Tally *tally, int *nsteps)
{
	const char *json = tally_parameter(tally, FUNNEL_PARAMETER_STEPS);

	if (json == NULL)
		report_corrupted();
	return strings_of(json, "steps", false, nsteps);
}

/* The windows of a result: the whole chain's, or NULL; those of steps, or NULL, and NULL for one
 * that has none. */
static Interval *
result_within(const Tally *tally)
{
	const char *text = tally_parameter(tally, FUNNEL_PARAMETER_WITHIN);

	return text != NULL ? interval_of(text) : NULL;
}

static Interval **
result_step_within(const Tally *tally, int *nwindows)
{
	const char *json = tally_parameter(tally, FUNNEL_PARAMETER_STEP_WITHIN);
	Interval **windows;
	char **texts;
	int i;

	if (json == NULL)
		return NULL;
	texts = strings_of(json, "step_within", true, nwindows);
	windows = palloc_extended(*nwindows * sizeof(Interval *), MCXT_ALLOC_HUGE);
	for (i = 0; i < *nwindows; i++)
		windows[i] = texts[i] != NULL ? interval_of(texts[i]) : NULL;
	return windows;
}

/* No more customers come to a step than to the one before it, nor than have such an event. */
static const char *
counts_fault(const Tally *tally, int nsteps)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int128 everyone = 0;
	int128 before = PG_INT64_MAX; /* came to the step before ... */
	int128 here = 0;			  /* ... to this one, so far */
	int128 with_event = PG_INT64_MAX;
	int64 step = 0;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		int64 row_step = rows[i]->key.numbers[KEY_STEP];
		int64 duration = rows[i]->key.numbers[KEY_DURATION];

		if (row_step < 0 || row_step > nsteps)
			return "A row is of a step that the funnel doesn't have.";
		if (duration < 0 || (row_step < 2 && duration != 0))
			return "A duration is below 0, or not 0 before the second step.";
		if (i == 0 && row_step > 0)
			return "A step has customers, but there is no row of everyone.";
		if (row_step != step)
		{
			before = row_step == step + 1 ? here : 0;
			here = 0;
			step = row_step;
			with_event = duration == 0 ? rows[i]->sums[SUM_WITH_EVENT] : 0;
		}
		else if (i == 0)
			everyone = rows[i]->sums[SUM_CUSTOMERS];
		if (rows[i]->sums[SUM_WITH_EVENT] > (duration == 0 && step > 0 ? everyone : 0))
			return "\"with_event\" is of a step, of some of all, and beside the duration 0.";
		here += rows[i]->sums[SUM_CUSTOMERS];
		if (here > before)
			return "More customers come to a step than to the one before it.";
		if (here > with_event)
			return "More customers come to a step than have such an event.";
		CHECK_FOR_INTERRUPTS();
	}
	return NULL;
}

static const char *
fault(const Tally *tally)
{
	int nsteps;
	int nwindows;

	if (tally_parameter(tally, FUNNEL_PARAMETER_STEPS) == NULL ||
		tally_parameter(tally, FUNNEL_PARAMETER_BY) == NULL ||
		tally_parameter(tally, FUNNEL_PARAMETER_MODE) == NULL)
		return "\"steps\", \"by\" and \"mode\" are needed.";
	(void) result_steps(tally, &nsteps);
	if (result_step_within(tally, &nwindows) != NULL && nwindows != nsteps - 1)
		return "\"step_within\" has one window for each step but the first.";
	return counts_fault(tally, nsteps);
}

static const TallyShape shape = {
	.type = RESULT_TYPE,
	.maker = "funnel_totals() and rollup()",
	.nparameters = FUNNEL_PARAMETERS,
	.parameters = parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = lengthof(sums),
	.sums = sums,
	.fault = fault,
};

/* loyalty_funnel_totals_result_in, loyalty_funnel_totals_result_out,
 * loyalty_funnel_totals_result_recv, loyalty_funnel_totals_result_send,
 * loyalty_funnel_totals_result_merge,
 * loyalty_funnel_totals_result_scope */
TALLY_TYPE(funnel_totals_result, &shape)

/* NULL where no step has a window. */
static const char *
step_windows_text(const FunnelRules *rules)
{
	StringInfoData out;
	bool any = false;
	int i;

	initStringInfo(&out);
	for (i = 0; rules->step_within != NULL && i < rules->nsteps - 1; i++)
	{
		const FunnelWindow *window = &rules->step_within[i];

		put_string(&out, window->limited ? policy_interval_text(&window->span) : NULL);
		any = any || window->limited;
	}
	appendStringInfoChar(&out, ']');
	return any ? out.data : NULL;
}

static const char *
steps_text(const FunnelRules *rules)
{
	StringInfoData out;
	int i;

	initStringInfo(&out);
	for (i = 0; i < rules->nsteps; i++)
		put_string(&out, pnstrdup(rules->steps[i].bytes, rules->steps[i].len));
	appendStringInfoChar(&out, ']');
	return out.data;
}

static const char *
text_of_parameter(const MetricQuestion *question, const char *name)
{
	const FunnelRules *rules = &((const Funnel *) question->own)->rules;

	switch (tally_parameter_number(&shape, name))
	{
		case FUNNEL_PARAMETER_STEPS:
			return steps_text(rules);
		case FUNNEL_PARAMETER_BY:
			return by_names[rules->by_label ? 1 : 0];
		case FUNNEL_PARAMETER_MODE:
			return mode_names[rules->mode];
		case FUNNEL_PARAMETER_ZONE:
			return question->zone_name;
		case FUNNEL_PARAMETER_WITHIN:
			return rules->within.limited ? policy_interval_text(&rules->within.span) : NULL;
		default: /* FUNNEL_PARAMETER_STEP_WITHIN */
			return step_windows_text(rules);
	}
}

/* ---- counting ---- */

/* Counted since the fold went into the tally last. */
typedef struct FunnelFold
{
	Funnel *funnel;
	MemoryContext context;
	int64 everyone;
	int64 started;			   /* came to the first step */
	int64 *with_event;		   /* by name */
	CountedNumbers *durations; /* [n]: from step n to the next, counted from 0 */
} FunnelFold;

static void *
start_fold(const MetricQuestion *question, Tally *tally)
{
	FunnelFold *fold = palloc0(sizeof(FunnelFold));

	fold->funnel = question->own;
	fold->context = CurrentMemoryContext;
	fold->with_event =
		palloc_extended(fold->funnel->names.n * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	fold->durations = palloc_extended(fold->funnel->rules.nsteps * sizeof(CountedNumbers),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return fold;
}

/* Counts a customer in each step that the chain which wins comes to. */
static void
fold_customer(void *opaque, ByteSpan body)
{
	FunnelFold *fold = opaque;
	const TimestampTz *chain;
	int depth = funnel_walk(fold->funnel, body, &chain);
	int nfound;
	const int *found = funnel_names_found(fold->funnel, &nfound);
	int n;

	fold->everyone++;
	fold->started += depth > 0;
	for (n = 0; n < nfound; n++)
		fold->with_event[found[n]]++;
	for (n = 1; n < depth; n++)
		counted_add(&fold->durations[n - 1], fold->context,
					funnel_duration(chain[n - 1], chain[n]));
}

static void
add_count(Tally *tally, int step, int64 duration, int sum, int64 count)
{
	TallyKey key = { .text = NULL };

	if (count == 0)
		return;
	key.numbers[KEY_STEP] = step;
	key.numbers[KEY_DURATION] = duration;
	tally_add(tally, tally_row(tally, &key), sum, count);
}

static void
finish_fold(void *opaque, Tally *tally)
{
	FunnelFold *fold = opaque;
	const FunnelNames *names = &fold->funnel->names;
	int nsteps = fold->funnel->rules.nsteps;
	int n;

	add_count(tally, 0, 0, SUM_CUSTOMERS, fold->everyone);
	add_count(tally, 1, 0, SUM_CUSTOMERS, fold->started);
	for (n = 1; n <= nsteps; n++)
		add_count(tally, n, 0, SUM_WITH_EVENT, fold->with_event[names->of_level[n]]);
	fold->everyone = fold->started = 0;
	memset(fold->with_event, 0, names->n * sizeof(int64));
	for (n = 0; n < nsteps - 1 && fold->durations[n].max_raw > 0; n++)
	{
		CountedNumbers *durations = &fold->durations[n];
		int64 i;

		counted_settle(durations, fold->context);
		for (i = 0; i < durations->ncounted; i++)
		{
			add_count(tally, n + 2, durations->counted[i].number, SUM_CUSTOMERS,
					  durations->counted[i].count);
			CHECK_FOR_INTERRUPTS();
		}
		counted_clear(durations);
	}
}

const Metric funnel_totals_metric = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	.narguments = lengthof(arguments),
	.arguments = arguments,
	.open = open_funnel,
	.names = add_names,
	.text = text_of_parameter,
	.start = start_fold,
	.customer = fold_customer,
	.finish = finish_fold,
};

/* loyalty_funnel_totals, loyalty_funnel_totals_accum */
METRIC_FUNCTIONS(funnel_totals, &funnel_totals_metric)

/* ---- rows ---- */

PG_FUNCTION_INFO_V1(loyalty_funnel_totals_table);
PG_FUNCTION_INFO_V1(loyalty_funnel_totals_scope);

/* What a result counts, with durations in order. */
typedef struct StepCounts
{
	int64 reached;
	int64 with_event;
	TallyRow **durations; /* of who came to it */
	int64 ndurations;
} StepCounts;

static StepCounts *
counts_by_step(const Tally *tally, int nsteps)
{
	StepCounts *steps = palloc_extended(((size_t) nsteps + 1) * sizeof(StepCounts),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		int64 number = rows[i]->key.numbers[KEY_STEP];
		StepCounts *step = &steps[number];

		if (number < 0 || number > nsteps)
			report_corrupted();
		if (step->ndurations++ == 0)
			step->durations = &rows[i];
		step->reached += (int64) rows[i]->sums[SUM_CUSTOMERS];
		step->with_event += (int64) rows[i]->sums[SUM_WITH_EVENT];
		CHECK_FOR_INTERRUPTS();
	}
	return steps;
}

/* The n-th of the durations, from 0. */
static int64
nth_duration(const StepCounts *step, int64 n)
{
	int64 i = 0;

	while (i < step->ndurations - 1 && n >= (int64) step->durations[i]->sums[SUM_CUSTOMERS])
	{
		n -= (int64) step->durations[i++]->sums[SUM_CUSTOMERS];
		CHECK_FOR_INTERRUPTS();
	}
	return step->durations[i]->key.numbers[KEY_DURATION];
}

/* The one in the middle, or midway between the two, rounded as percentile_cont(0.5) does. */
static int64
median_duration(const StepCounts *step)
{
	int64 low = nth_duration(step, (step->reached - 1) / 2);
	int64 between = nth_duration(step, step->reached / 2) - low;
	int64 half = between / 2;

	return low + half + (between % 2 != 0 && half % 2 != 0);
}

/* As the difference of two timestamps is: in days and hours. */
static Datum
interval_of_duration(int64 duration)
{
	Interval *interval = palloc(sizeof(Interval));

	interval->month = 0;
	interval->day = (int32) (duration / USECS_PER_DAY);
	interval->time = duration % USECS_PER_DAY;
	return IntervalPGetDatum(interval);
}

static double
share(int64 part, int64 whole)
{
	return whole > 0 ? (double) part / (double) whole : get_float8_nan();
}

/* Tells which steps no event is, where somebody was counted: an aggregate can't tell by itself. */
static void
notice_steps(const Tally *tally, char **names, int nsteps, const StepCounts *steps)
{
	bool by_label = strcmp(tally_parameter(tally, FUNNEL_PARAMETER_BY), by_names[1]) == 0;
	MetricNames *missing = metric_names_create();
	int n;

	if (steps[0].reached == 0)
		return;
	for (n = 1; n <= nsteps; n++)
		if (steps[n].with_event == 0)
		{
			EventText name = { names[n - 1], (int) strlen(names[n - 1]) };

			metric_add_name(missing, by_label, &name);
		}
	metric_notice_missing(missing);
}

/* funnel_totals_table(result, confidence) */
Datum
loyalty_funnel_totals_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int nsteps;
	char **names = result_steps(tally, &nsteps);
	const StepCounts *steps = counts_by_step(tally, nsteps);
	Rows rows;
	int n;

	notice_steps(tally, names, nsteps, steps);
	rows_open(&rows, fcinfo);
	for (n = 1; n <= nsteps; n++)
	{
		const StepCounts *step = &steps[n];
		double lower;
		double upper;

		wilson_interval((double) step->reached, (double) steps[1].reached, z, &lower, &upper);
		rows_begin(&rows);
		rows_put_int(&rows, n);
		rows_put_name(&rows, names[n - 1]);
		rows_put_count(&rows, step->reached);
		rows_put_count(&rows, step->reached - (n < nsteps ? steps[n + 1].reached : 0));
		rows_put_float(&rows,
					   n > 1 ? share(step->reached, steps[n - 1].reached) : get_float8_nan());
		rows_put_float(&rows, share(step->reached, steps[1].reached));
		rows_put_float(&rows, lower);
		rows_put_float(&rows, upper);
		if (n > 1 && step->reached > 0)
			rows_put_datum(&rows, interval_of_duration(median_duration(step)));
		else
			rows_put_null(&rows);
		rows_end(&rows);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

static void
put_names(Rows *rows, char **names, int n)
{
	Datum *elements = palloc_extended(Max(n, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	int i;

	for (i = 0; i < n; i++)
		elements[i] = CStringGetTextDatum(names[i]);
	rows_put_datum(rows,
				   PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* Those that no event is named as, each once. */
static void
put_steps_without_events(Rows *rows, const Tally *tally, char **names, int nsteps)
{
	const StepCounts *steps = counts_by_step(tally, nsteps);
	char **missing = palloc_extended(nsteps * sizeof(char *), MCXT_ALLOC_HUGE);
	int nmissing = 0;
	int n;
	int i;

	for (n = 1; n <= nsteps; n++)
	{
		if (steps[n].with_event > 0)
			continue;
		for (i = 0; i < nmissing && strcmp(missing[i], names[n - 1]) != 0; i++)
			;
		if (i == nmissing)
			missing[nmissing++] = names[n - 1];
	}
	put_names(rows, missing, nmissing);
}

static void
put_step_windows(Rows *rows, const Tally *tally)
{
	int nwindows;
	Interval **windows = result_step_within(tally, &nwindows);
	Datum *elements;
	bool *nulls;
	int lower = 1;
	int i;

	if (windows == NULL)
	{
		rows_put_null(rows);
		return;
	}
	elements = palloc_extended(nwindows * sizeof(Datum), MCXT_ALLOC_HUGE);
	nulls = palloc_extended(nwindows * sizeof(bool), MCXT_ALLOC_HUGE);
	for (i = 0; i < nwindows; i++)
	{
		elements[i] = IntervalPGetDatum(windows[i]);
		nulls[i] = windows[i] == NULL;
	}
	rows_put_datum(
		rows, PointerGetDatum(construct_md_array(elements, nulls, 1, &nwindows, &lower, INTERVALOID,
												 sizeof(Interval), false, TYPALIGN_DOUBLE)));
}

/* funnel_totals_scope(result) */
Datum
loyalty_funnel_totals_scope(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	const Interval *within = result_within(tally);
	const char *as_of = tally_parameter(tally, FUNNEL_PARAMETER_AS_OF);
	TallyKey everyone = { .text = NULL };
	const TallyRow *row = tally_find(tally, &everyone);
	int nsteps;
	char **names = result_steps(tally, &nsteps);
	Rows rows;

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	put_names(&rows, names, nsteps);
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_BY));
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_MODE));
	if (within != NULL)
		rows_put_datum(&rows, IntervalPGetDatum(within));
	else
		rows_put_null(&rows);
	put_step_windows(&rows, tally);
	rows_put_name(&rows, tally_parameter(tally, FUNNEL_PARAMETER_ZONE));
	if (as_of != NULL)
	{
		DateADT day;

		(void) day_parse(as_of, strlen(as_of), &day);
		rows_put_day(&rows, day);
	}
	else
		rows_put_null(&rows);
	rows_put_count(&rows, row != NULL ? (int64) row->sums[SUM_CUSTOMERS] : 0);
	rows_put_count(&rows, tally_guests(tally));
	put_steps_without_events(&rows, tally, names, nsteps);
	return rows_record(&rows);
}
