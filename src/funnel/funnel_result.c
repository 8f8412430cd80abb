/*
 * funnel_result.c
 *		funnel_totals_result: its shape, and the texts of a funnel's parameters.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/json.h"
#include "policy/policy.h"
#include "funnel/funnel_result.h"

#define RESULT_TYPE "funnel_totals_result"

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
	funnel_check_steps(*n);
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
	return tally_canonical_choice(text, "\"mode\" of a " RESULT_TYPE " can't be", funnel_mode_names,
								  choice_count(funnel_mode_names));
}

static char *
canonical_by(const char *text)
{
	return tally_canonical_choice(text, "\"by\" of a " RESULT_TYPE " can't be", funnel_by_names,
								  choice_count(funnel_by_names));
}

/* ---- the shape ---- */

#define SAME_FUNNEL "Add up results of one funnel, in one zone and as of one day."

static const TallyParameter parameters[FUNNEL_PARAMETERS] = {
	[FUNNEL_PARAMETER_STEPS] = { "steps", true, false, canonical_steps, SAME_FUNNEL },
	[FUNNEL_PARAMETER_BY] = { "by", false, false, canonical_by, SAME_FUNNEL },
	[FUNNEL_PARAMETER_MODE] = { "mode", false, false, canonical_mode, SAME_FUNNEL },
	[FUNNEL_PARAMETER_WITHIN] = { "within", false, false, canonical_window, SAME_FUNNEL },
	[FUNNEL_PARAMETER_STEP_WITHIN] = { "step_within", true, false, canonical_step_windows,
									   SAME_FUNNEL },
	[FUNNEL_PARAMETER_ZONE] = { "zone", false, false, tally_canonical_zone, SAME_FUNNEL },
	[FUNNEL_PARAMETER_AS_OF] = { "as_of", false, false, tally_canonical_day, SAME_FUNNEL },
};

static const TallyColumn keys[] = {
	[FUNNEL_KEY_STEP] = { "step", TALLY_NUMBER },
	[FUNNEL_KEY_DURATION] = { "duration", TALLY_NUMBER },
};

static const TallyColumn sums[] = { { "customers", TALLY_COUNT } };

/* No more customers come to a step than to the one before it. */
static const char *
counts_fault(const Tally *tally, int nsteps)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int128 before = PG_INT64_MAX;
	int128 here = 0;
	int64 step = 0;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		int64 row_step = rows[i]->key.numbers[FUNNEL_KEY_STEP];
		int64 duration = rows[i]->key.numbers[FUNNEL_KEY_DURATION];

		if (row_step < 0 || row_step > nsteps)
			return "A row is of a step that the funnel doesn't have.";
		if (duration < 0 || (row_step < 2 && duration != 0))
			return "A duration is below 0, or not 0 before the second step.";
		if (row_step > step + 1 || (i == 0 && row_step > 0))
			return "A step is reached, but not the one before it.";
		if (row_step > step)
		{
			before = here;
			here = 0;
			step = row_step;
		}
		here += rows[i]->sums[0];
		if (here > before)
			return "More customers come to a step than to the one before it.";
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
	(void) funnel_result_steps(tally, &nsteps);
	if (funnel_result_step_within(tally, &nwindows) != NULL && nwindows != nsteps - 1)
		return "\"step_within\" has one window for each step but the first.";
	return counts_fault(tally, nsteps);
}

const TallyShape funnel_totals_shape = {
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
 * loyalty_funnel_totals_result_merge */
TALLY_TYPE(funnel_totals_result, &funnel_totals_shape)

/* ---- of a call, and of a result ---- */

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

const char *const *
funnel_result_parameters(FunnelCall *call)
{
	const FunnelRules *rules = &call->rules;
	const char **texts;
	MemoryContext caller;
	StringInfoData steps;
	int i;

	if (call->parameters != NULL)
		return call->parameters;
	caller = MemoryContextSwitchTo(call->context);
	texts = palloc0(FUNNEL_PARAMETERS * sizeof(char *));
	initStringInfo(&steps);
	for (i = 0; i < rules->nsteps; i++)
		put_string(&steps, pnstrdup(rules->steps[i].bytes, rules->steps[i].len));
	appendStringInfoChar(&steps, ']');
	texts[FUNNEL_PARAMETER_STEPS] = steps.data;
	texts[FUNNEL_PARAMETER_BY] = funnel_by_names[rules->by_label ? 1 : 0];
	texts[FUNNEL_PARAMETER_MODE] = funnel_mode_names[rules->mode];
	if (rules->within.limited)
		texts[FUNNEL_PARAMETER_WITHIN] = policy_interval_text(&rules->within.span);
	texts[FUNNEL_PARAMETER_STEP_WITHIN] = step_windows_text(rules);
	if (funnel_call_needs_zone(call))
		texts[FUNNEL_PARAMETER_ZONE] = zone_name(rules->zone);
	if (call->has_as_of)
		texts[FUNNEL_PARAMETER_AS_OF] = day_text(call->as_of);
	MemoryContextSwitchTo(caller);
	call->parameters = texts;
	return texts;
}

char **
funnel_result_steps(const Tally *tally, int *nsteps)
{
	const char *json = tally_parameter(tally, FUNNEL_PARAMETER_STEPS);

	if (json == NULL)
		report_corrupted();
	return strings_of(json, "steps", false, nsteps);
}

Interval *
funnel_result_within(const Tally *tally)
{
	const char *text = tally_parameter(tally, FUNNEL_PARAMETER_WITHIN);

	return text != NULL ? interval_of(text) : NULL;
}

Interval **
funnel_result_step_within(const Tally *tally, int *nwindows)
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
