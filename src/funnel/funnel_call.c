/*
 * funnel_call.c
 *		The arguments of a funnel, and the walk that a call site keeps from row to row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/compat.h"
#include "core/json.h"
#include "policy/policy.h"
#include "funnel/funnel_call.h"

const char *const funnel_mode_names[] = { "in_order", "strictly_increasing", "strict_order", NULL };
const char *const funnel_by_names[] = { "kind", "label", NULL };

typedef enum FunnelArgument
{
	FUNNEL_STEPS,
	FUNNEL_WITHIN,
	FUNNEL_MODE,
	FUNNEL_BY,
	FUNNEL_STEP_WITHIN,
	FUNNEL_AS_OF
} FunnelArgument;

#define FUNNEL_ARGUMENTS (FUNNEL_AS_OF + 1)

typedef enum ArgumentState
{
	ARGUMENT_MISSING, /* the function doesn't have it */
	ARGUMENT_NULL,
	ARGUMENT_GIVEN
} ArgumentState;

/* What came: a text or an array without its length word, an interval, a date. */
typedef struct ArgumentBytes
{
	ArgumentState state;
	Size len;
	const void *bytes;
} ArgumentBytes;

struct FunnelArguments
{
	ArgumentBytes list[FUNNEL_ARGUMENTS];
	ZoneDays *zone; /* of the session */
};

static ArgumentBytes
argument_bytes(FunctionCallInfo fcinfo, int n, FunnelArgument which)
{
	ArgumentBytes argument = { n >= PG_NARGS()	 ? ARGUMENT_MISSING
							   : PG_ARGISNULL(n) ? ARGUMENT_NULL
												 : ARGUMENT_GIVEN,
							   0, NULL };
	const struct varlena *value;

	if (argument.state != ARGUMENT_GIVEN)
		return argument;
	switch (which)
	{
		case FUNNEL_WITHIN:
			argument.bytes = PG_GETARG_INTERVAL_P(n);
			argument.len = sizeof(Interval);
			break;
		case FUNNEL_AS_OF:
			argument.bytes = &fcinfo->args[n].value;
			argument.len = sizeof(Datum);
			break;
		default:
			value = PG_GETARG_VARLENA_P(n); /* with a long header: arrays are read in place */
			argument.bytes = VARDATA(value);
			argument.len = VARSIZE(value) - VARHDRSZ;
			break;
	}
	return argument;
}

static bool
same_arguments(const struct FunnelArguments *a, const struct FunnelArguments *b)
{
	int i;

	if (a->zone != b->zone)
		return false;
	for (i = 0; i < FUNNEL_ARGUMENTS; i++)
		if (a->list[i].state != b->list[i].state || a->list[i].len != b->list[i].len ||
			(a->list[i].len > 0 && memcmp(a->list[i].bytes, b->list[i].bytes, a->list[i].len) != 0))
			return false;
	return true;
}

/* ---- what they say ---- */

static ArrayType *
array_of(const ArgumentBytes *argument, const char *name)
{
	ArrayType *array = (ArrayType *) ((char *) argument->bytes - VARHDRSZ);

	argument_refuse_matrix(array, name);
	return array;
}

void
funnel_check_steps(int64 nsteps)
{
	if (nsteps > FUNNEL_MAX_STEPS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a funnel of " INT64_FORMAT " steps is too long", nsteps),
						errdetail("It may have %d steps.", FUNNEL_MAX_STEPS)));
}

static void
open_steps(FunnelRules *rules, const ArgumentBytes *argument)
{
	EventText *steps;
	Datum *elements;
	bool *nulls;
	int i;

	if (argument->state != ARGUMENT_GIVEN)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("steps must not be null"),
						errhint("Name them in order, as in ARRAY['visit', 'cart', 'purchase'].")));
	deconstruct_array(array_of(argument, "steps"), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &rules->nsteps);
	if (rules->nsteps == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a funnel needs steps"),
						errhint("Name them in order, as in ARRAY['visit', 'cart', 'purchase'].")));
	funnel_check_steps(rules->nsteps);
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
open_step_windows(FunnelRules *rules, const ArgumentBytes *argument)
{
	int wanted = rules->nsteps - 1;
	FunnelWindow *windows;
	Datum *elements;
	bool *nulls;
	int nelements;
	int i;

	if (argument->state != ARGUMENT_GIVEN)
		return;
	deconstruct_array(array_of(argument, "step_within"), INTERVALOID, sizeof(Interval), false,
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
				funnel_window(DatumGetIntervalP(elements[n]), psprintf("step_within[%d]", n + 1));
	}
	rules->step_within = windows;
}

static int
open_choice(const ArgumentBytes *argument, const char *name, const char *const *choices)
{
	if (argument->state == ARGUMENT_MISSING)
		return 0;
	if (argument->state == ARGUMENT_NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
				 errhint("Leave it out for '%s'.", choices[0])));
	return choice_of(argument->bytes, argument->len, choices, choice_count(choices),
					 ERRCODE_INVALID_PARAMETER_VALUE, psprintf("%s of a funnel can't be", name),
					 "'");
}

/* What the arguments say, in the current memory context; their bytes stay where they are. */
static void
open_arguments(FunnelCall *call)
{
	const ArgumentBytes *list = call->arguments->list;
	FunnelRules *rules = &call->rules;

	memset(rules, 0, sizeof(FunnelRules));
	open_steps(rules, &list[FUNNEL_STEPS]);
	if (list[FUNNEL_WITHIN].state == ARGUMENT_GIVEN)
		rules->within = funnel_window(list[FUNNEL_WITHIN].bytes, "within");
	rules->mode = open_choice(&list[FUNNEL_MODE], "mode", funnel_mode_names);
	rules->by_label = open_choice(&list[FUNNEL_BY], "by", funnel_by_names) == 1;
	open_step_windows(rules, &list[FUNNEL_STEP_WITHIN]);
	rules->zone = call->arguments->zone;
	rules->end = DT_NOEND;
	call->has_as_of = list[FUNNEL_AS_OF].state == ARGUMENT_GIVEN;
	if (call->has_as_of)
	{
		call->as_of = DatumGetDateADT(*(const Datum *) list[FUNNEL_AS_OF].bytes);
		check_finite_day(call->as_of);
		rules->end = zone_day_start(rules->zone, call->as_of + 1);
	}
}

/* Copies of the arguments' bytes; varlenas with a length word in front, as arrays want it. */
static struct FunnelArguments *
keep_arguments(const struct FunnelArguments *arguments)
{
	struct FunnelArguments *kept = palloc(sizeof(struct FunnelArguments));
	int i;

	*kept = *arguments;
	for (i = 0; i < FUNNEL_ARGUMENTS; i++)
	{
		Size head = i == FUNNEL_WITHIN || i == FUNNEL_AS_OF ? 0 : VARHDRSZ;
		Size len = arguments->list[i].len;
		char *copy;

		if (arguments->list[i].state != ARGUMENT_GIVEN)
			continue;
		copy = palloc_extended(head + len, MCXT_ALLOC_HUGE);
		if (head > 0)
			datum_set_size(copy, head + len, "argument of a funnel", "Give fewer steps.");
		memcpy(copy + head, arguments->list[i].bytes, len);
		kept->list[i].bytes = copy + head;
	}
	return kept;
}

FunnelCall *
funnel_call(FunctionCallInfo fcinfo, int first)
{
	FunnelCall *call = fcinfo->flinfo->fn_extra;
	struct FunnelArguments arguments;
	MemoryContext caller;
	int i;

	for (i = 0; i < FUNNEL_ARGUMENTS; i++)
		arguments.list[i] = argument_bytes(fcinfo, first + i, i);
	arguments.zone = zone_of_session();
	if (call != NULL && call->walk != NULL && same_arguments(call->arguments, &arguments))
		return call;

	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FunnelCall));
		call->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "loyalty funnel",
											  ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = call;
	}
	call->walk = NULL;
	call->parameters = NULL;
	MemoryContextReset(call->context);
	caller = MemoryContextSwitchTo(call->context);
	call->arguments = keep_arguments(&arguments);
	open_arguments(call);
	call->walk = funnel_walk_create(&call->rules);
	MemoryContextSwitchTo(caller);
	return call;
}

int
funnel_call_walk(FunnelCall *call, ByteSpan body, const TimestampTz **chain)
{
	FunnelWalk *walk = call->walk;
	int depth;

	call->walk = NULL;
	depth = funnel_walk(walk, body, chain);
	call->walk = walk;
	return depth;
}

static bool
has_days(const FunnelWindow *window)
{
	return window->limited && (window->span.month != 0 || window->span.day != 0);
}

bool
funnel_call_needs_zone(const FunnelCall *call)
{
	const FunnelRules *rules = &call->rules;
	int i;

	if (call->has_as_of || has_days(&rules->within))
		return true;
	for (i = 0; rules->step_within != NULL && i < rules->nsteps - 1; i++)
		if (has_days(&rules->step_within[i]))
			return true;
	return false;
}
