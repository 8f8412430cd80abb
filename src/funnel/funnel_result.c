/*
 * funnel_result.c
 *		What results of funnels are made of: their parameters, their counts by step, and what
 *		can't be.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "core/rows.h"
#include "funnel/funnel_internal.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "policy/policy.h"

/* ---- texts of parameters ---- */

static Interval *
interval_of(const char *text)
{
	Interval *interval = palloc(sizeof(Interval));

	if (!policy_parse_interval(text, interval))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("a window of a funnel's result is not an interval: \"%.*s%s\"",
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
						errmsg("\"%s\" of a funnel's result is not an array", name)));
	*n = (int) JB_ROOT_COUNT(parsed);
	if (*n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"%s\" of a funnel's result is empty", name)));
	if (*n > FUNNEL_MAX_STEPS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a funnel of %d steps is too long", *n),
						errdetail("It may have %d steps.", FUNNEL_MAX_STEPS)));
	strings = palloc_extended(*n * sizeof(char *), MCXT_ALLOC_HUGE);
	for (i = 0; i < *n; i++)
	{
		const JsonbValue *value = getIthJsonbValueFromContainer(&parsed->root, i);

		strings[i] = may_be_null && value->type == jbvNull
						 ? NULL
						 : json_as_string(value, "funnel's result", name);
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
list_text(const FunnelList *list)
{
	StringInfoData out;
	int i;

	initStringInfo(&out);
	for (i = 0; i < list->nelements; i++)
		put_string(&out, list->elements[i].text);
	appendStringInfoChar(&out, ']');
	return out.data;
}

static char *
canonical_steps(const char *json)
{
	FunnelList list;
	int n;
	char **texts = strings_of(json, "steps", false, &n);

	funnel_read_steps(texts, n, &list);
	return list_text(&list);
}

static char *
canonical_window(const char *text)
{
	Interval *span = interval_of(text);

	(void) funnel_window(span, "within");
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
	return tally_canonical_choice(text, "\"mode\" of a funnel's result can't be", funnel_mode_names,
								  3);
}

static char *
canonical_by(const char *text)
{
	return tally_canonical_choice(text, "\"by\" of a funnel's result can't be", funnel_by_names, 2);
}

static char *
canonical_hold(const char *text)
{
	return tally_canonical_choice(text, "\"hold\" of a funnel's result can't be", funnel_hold_names,
								  3);
}

/* 'customers' isn't written. */
static char *
canonical_count(const char *text)
{
	return tally_canonical_choice(text, "\"count\" of a funnel's result can't be",
								  funnel_count_names + 1, 1);
}

#define SAME_FUNNEL "Add up results of one funnel, in one zone and as of one day."

const TallyParameter funnel_parameters[] = {
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
								 .may_be_unknown = true,
								 .canonical = tally_canonical_day,
								 .hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_HOLD] = { .name = "hold", .canonical = canonical_hold, .hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_COUNT] = { .name = "count",
								 .canonical = canonical_count,
								 .hint = SAME_FUNNEL },
	[FUNNEL_PARAMETER_PERIOD] = METRIC_PERIOD_PARAMETER,
};

/* NULL where no step has a window. */
static const char *
step_windows_text(const FunnelRules *rules)
{
	StringInfoData out;
	bool any = false;
	int i;

	initStringInfo(&out);
	for (i = 0; rules->step_within != NULL && i < rules->list.nsteps - 1; i++)
	{
		const FunnelWindow *window = &rules->step_within[i];

		put_string(&out, window->limited ? policy_interval_text(&window->span) : NULL);
		any = any || window->limited;
	}
	appendStringInfoChar(&out, ']');
	return any ? out.data : NULL;
}

const char *
funnel_text(const MetricQuestion *question, const char *name)
{
	const FunnelRules *rules = &((const Funnel *) question->own)->rules;
	int parameter = 0;

	while (strcmp(funnel_parameters[parameter].name, name) != 0)
		parameter++;
	switch (parameter)
	{
		case FUNNEL_PARAMETER_STEPS:
			return list_text(&rules->list);
		case FUNNEL_PARAMETER_BY:
			return funnel_by_names[rules->by_label ? 1 : 0];
		case FUNNEL_PARAMETER_MODE:
			return funnel_mode_names[rules->mode];
		case FUNNEL_PARAMETER_HOLD:
			return rules->hold != FUNNEL_HOLD_NOTHING ? funnel_hold_names[rules->hold - 1] : NULL;
		case FUNNEL_PARAMETER_COUNT:
			return rules->count != FUNNEL_CUSTOMERS ? funnel_count_names[rules->count] : NULL;
		case FUNNEL_PARAMETER_WITHIN:
			return rules->within.limited ? policy_interval_text(&rules->within.span) : NULL;
		default: /* FUNNEL_PARAMETER_STEP_WITHIN */
			return step_windows_text(rules);
	}
}

/* ---- reading them ---- */

void
funnel_result_list(const Tally *tally, FunnelList *list)
{
	const char *json = tally_parameter(tally, FUNNEL_PARAMETER_STEPS);
	char **texts;
	int n;

	if (json == NULL)
		report_corrupted();
	texts = strings_of(json, "steps", false, &n);
	funnel_read_steps(texts, n, list);
}

/* Those of steps, or NULL; and NULL for one that has none. */
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

void
funnel_result_open(const Tally *tally, Funnel *funnel)
{
	FunnelRules *rules = &funnel->rules;
	const char *within = tally_parameter(tally, FUNNEL_PARAMETER_WITHIN);
	const char *zone = tally_parameter(tally, FUNNEL_PARAMETER_ZONE);
	int nwindows;
	Interval **windows = result_step_within(tally, &nwindows);

	memset(funnel, 0, sizeof(Funnel));
	funnel_result_list(tally, &rules->list);
	if (within != NULL)
		rules->within = funnel_window(interval_of(within), "within");
	if (windows != NULL)
	{
		FunnelWindow *steps = palloc0(nwindows * sizeof(FunnelWindow));
		int i;

		if (nwindows != rules->list.nsteps - 1)
			report_corrupted();
		for (i = 0; i < nwindows; i++)
			if (windows[i] != NULL)
				steps[i] = funnel_window(windows[i], "step_within");
		rules->step_within = steps;
	}
	rules->zone = zone != NULL ? zone_noted(zone, strlen(zone)) : zone_of_session();
	funnel_open_names(funnel);
}

bool
funnel_counts_conversions(const Tally *tally)
{
	return tally_parameter(tally, FUNNEL_PARAMETER_COUNT) != NULL;
}

void
funnel_put_within(Rows *rows, const Tally *tally)
{
	const char *text = tally_parameter(tally, FUNNEL_PARAMETER_WITHIN);

	if (text != NULL)
		rows_put_datum(rows, IntervalPGetDatum(interval_of(text)));
	else
		rows_put_null(rows);
}

void
funnel_put_step_windows(Rows *rows, const Tally *tally)
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

const char *
funnel_parameters_fault(const Tally *tally, FunnelList *list)
{
	int nwindows;

	if (tally_parameter(tally, FUNNEL_PARAMETER_STEPS) == NULL ||
		tally_parameter(tally, FUNNEL_PARAMETER_BY) == NULL ||
		tally_parameter(tally, FUNNEL_PARAMETER_MODE) == NULL)
		return "\"steps\", \"by\" and \"mode\" are needed.";
	funnel_result_list(tally, list);
	if (result_step_within(tally, &nwindows) != NULL && nwindows != list->nsteps - 1)
		return "\"step_within\" has one window for each step but the first.";
	return NULL;
}

/* ---- counts by step ---- */

int
funnel_sum(const TallyShape *shape, FunnelSum sum)
{
	static const char *const names[] = { "customers", "eligible", "stopped", "with_event" };
	int i = 0;

	while (i < shape->nsums && strcmp(shape->sums[i].name, names[sum]) != 0)
		i++;
	return i < shape->nsums ? i : -1;
}

StepCounts *
funnel_step_counts(const Tally *tally, TallyRow **rows, int64 nrows, int nsteps)
{
	const TallyShape *shape = tally_shape(tally);
	StepCounts *steps = palloc_extended(((size_t) nsteps + 1) * sizeof(StepCounts),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int with_event = funnel_sum(shape, FUNNEL_SUM_WITH_EVENT);
	int eligible = funnel_sum(shape, FUNNEL_SUM_ELIGIBLE);
	int stopped = funnel_sum(shape, FUNNEL_SUM_STOPPED);
	int64 i;

	for (i = 0; i <= nsteps; i++)
		steps[i].tally = tally;
	for (i = 0; i < nrows; i++)
	{
		int64 number = rows[i]->key.numbers[funnel_step_key(shape)];
		const int128 *sums = rows[i]->sums;
		StepCounts *step;

		if (number < 0 || number > nsteps)
			return NULL;
		step = &steps[number];
		if (step->ndurations++ == 0)
			step->durations = &rows[i];
		step->reached += sums[FUNNEL_SUM_CHAINS];
		step->eligible += sums[eligible];
		step->stopped += sums[stopped];
		if (with_event >= 0)
			step->with_event += sums[with_event];
		CHECK_FOR_INTERRUPTS();
	}
	return steps;
}

/* What is wrong with single rows. */
static const char *
rows_fault(const Tally *tally, const FunnelList *list, TallyRow **rows, int64 nrows)
{
	const TallyShape *shape = tally_shape(tally);
	int key = funnel_step_key(shape);
	int64 i;
	int sum;

	for (i = 0; i < nrows; i++)
	{
		int64 step = rows[i]->key.numbers[key];
		int64 duration = rows[i]->key.numbers[key + 1];
		bool may_stop = step > 0 && list->steps[step - 1]->optional;

		if (duration < 0 || (step < 2 && duration != 0))
			return "A duration is below 0, or not 0 before the second step.";
		for (sum = 1; sum < shape->nsums; sum++)
			if (rows[i]->sums[sum] != 0 && (duration != 0 || step == 0))
				return "What isn't \"customers\" is of a step, and beside the duration 0.";
		if (!may_stop && rows[i]->sums[funnel_sum(shape, FUNNEL_SUM_STOPPED)] != 0)
			return "\"stopped\" is of an optional step.";
		CHECK_FOR_INTERRUPTS();
	}
	return NULL;
}

/* No more come to a step than to the one before it, nor than have such an event. */
const char *
funnel_counts_fault(const Tally *tally, const FunnelList *list, TallyRow **rows, int64 nrows)
{
	bool is_total = funnel_sum(tally_shape(tally), FUNNEL_SUM_WITH_EVENT) >= 0;
	bool by_customer = !funnel_counts_conversions(tally);
	StepCounts *steps = funnel_step_counts(tally, rows, nrows, list->nsteps);
	const StepCounts *before = NULL;
	const char *fault;
	int n;

	if (steps == NULL)
		return "A row is of a step that the funnel doesn't have.";
	fault = rows_fault(tally, list, rows, nrows);
	if (fault != NULL)
		return fault;
	if (is_total ? nrows > 0 && steps[0].reached == 0 : steps[0].ndurations > 0)
		return is_total ? "A step has customers, but there is no row of everyone."
						: "There is no row of everyone.";
	if (is_total && by_customer)
		before = &steps[0];
	for (n = 1; n <= list->nsteps; n++)
	{
		const StepCounts *step = &steps[n];

		if (before != NULL && step->reached > before->reached)
			return "More customers come to a step than to the one before it.";
		if (before != NULL && n > 1 && step->eligible > before->eligible)
			return "More are eligible in a step than in the one before it.";
		if (step->eligible > step->reached || step->stopped > step->reached)
			return "More are eligible in a step, or stopped there, than came to it.";
		if (is_total && step->with_event > steps[0].reached)
			return "More customers have an event than there are.";
		if (is_total && (by_customer ? step->reached > step->with_event
									 : step->reached > 0 && step->with_event == 0))
			return "More customers come to a step than have such an event.";
		if (!list->steps[n - 1]->optional)
			before = step;
	}
	return NULL;
}

/* ---- times ---- */

/* The n-th of the durations, from 0. */
static int64
nth_duration(const StepCounts *step, int64 n)
{
	int64 i = 0;

	while (i < step->ndurations - 1 && n >= (int64) step->durations[i]->sums[FUNNEL_SUM_CHAINS])
	{
		n -= (int64) step->durations[i++]->sums[FUNNEL_SUM_CHAINS];
		CHECK_FOR_INTERRUPTS();
	}
	return step->durations[i]->key.numbers[funnel_step_key(tally_shape(step->tally)) + 1];
}

Interval *
funnel_step_quantile(const StepCounts *step, double q)
{
	double place = q * (double) (step->reached - 1);
	int64 n = (int64) floor(place);
	int64 duration;
	Interval *interval;

	if (step->reached == 0)
		return NULL;
	duration = nth_duration(step, n);
	place -= (double) n;
	if (place > 0)
		duration += (int64) rint(place * (double) (nth_duration(step, n + 1) - duration));

	/* as the difference of two timestamps is: in days and hours */
	interval = palloc(sizeof(Interval));
	interval->month = 0;
	interval->day = (int32) (duration / USECS_PER_DAY);
	interval->time = duration % USECS_PER_DAY;
	return interval;
}

/* ---- a row of a table ---- */

static double
share(int128 part, int128 whole)
{
	return whole > 0 ? (double) part / (double) whole : get_float8_nan();
}

/* The step before one, and the one behind it, that aren't optional; 0, nsteps + 1: none. */
static int
level_before(const FunnelList *list, int step)
{
	do
		step--;
	while (step > 0 && list->steps[step - 1]->optional);
	return step;
}

static int
level_behind(const FunnelList *list, int step)
{
	do
		step++;
	while (step <= list->nsteps && list->steps[step - 1]->optional);
	return step;
}

void
funnel_put_step(Rows *rows, const FunnelList *list, const StepCounts *steps, int n, double z)
{
	const StepCounts *step = &steps[n];
	const StepCounts *first = &steps[1];
	const FunnelElement *element = list->steps[n - 1];
	int before = level_before(list, n);
	int behind = level_behind(list, n);
	Interval *median = n > 1 ? funnel_step_quantile(step, 0.5) : NULL;
	double lower;
	double upper;

	wilson_interval((double) step->eligible, (double) first->eligible, z, &lower, &upper);
	rows_put_int(rows, n);
	rows_put_name(rows, element->text);
	rows_put_count(rows, (int64) step->reached);
	rows_put_count(rows, (int64) (element->optional		   ? step->stopped
								  : behind <= list->nsteps ? step->reached - steps[behind].reached
														   : step->reached));
	rows_put_count(rows, (int64) step->eligible);
	rows_put_float(rows,
				   before > 0 ? share(step->eligible, steps[before].eligible) : get_float8_nan());
	rows_put_float(rows, share(step->eligible, first->eligible));
	rows_put_float(rows, lower);
	rows_put_float(rows, upper);
	if (median != NULL)
		rows_put_datum(rows, IntervalPGetDatum(median));
	else
		rows_put_null(rows);
}
