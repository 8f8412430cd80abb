/*
 * retention_options.c
 *		What kind of retention is asked for: arguments of calls, the JSON of options, what may go
 *		together.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/compat.h"
#include "core/json.h"
#include "policy/policy.h"
#include "retention/retention_internal.h"

#define OPTIONS_TYPE "retention_options"
#define MAX_BRACKETS 1000

static const char *const mode_names[] = { "first", "recurring" };

/* What at_least counts: in results only, by what was folded over. */
static const char *const counted_names[] = {
	[RETENTION_COUNTS_UNSAID] = NULL,
	[RETENTION_COUNTS_DAYS] = "days",
	[RETENTION_COUNTS_ORDERS] = "orders",
};

static void
set_counted(RetentionKind *kind, int input)
{
	if (kind->at_least > 1)
		kind->counted = input == METRIC_TIMELINES ? RETENTION_COUNTS_ORDERS : RETENTION_COUNTS_DAYS;
}

/* ---- what may go together ---- */

bool
retention_kind_is_plain(const RetentionKind *kind)
{
	return !kind->recurring && !kind->returns && kind->rolling == 0 && kind->elapsed == 0 &&
		   kind->nbrackets == 0 && kind->at_least <= 1;
}

static int
compare_brackets(const void *a, const void *b)
{
	const RetentionBracket *x = a;
	const RetentionBracket *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->until < y->until ? -1 : x->until > y->until;
}

/* Sorts brackets, and leaves one of equal ones. */
static void
sort_brackets(RetentionKind *kind)
{
	int n = 0;
	int i;

	if (kind->nbrackets == 0)
		return;
	qsort(kind->brackets, kind->nbrackets, sizeof(RetentionBracket), compare_brackets);
	for (i = 1; i < kind->nbrackets; i++)
		if (compare_brackets(&kind->brackets[i], &kind->brackets[n]) != 0)
			kind->brackets[++n] = kind->brackets[i];
	kind->nbrackets = n + 1;
}

/* What is wrong with a kind, or NULL. Sorts its brackets. */
static const char *
fault_of_kind(RetentionKind *kind)
{
	int i;

	if (kind->nbrackets > 0 && kind->rolling != 0)
		return "brackets and rolling contradict each other";
	if (kind->elapsed != 0 && kind->recurring)
		return "mode 'recurring' and elapsed contradict each other: elapsed lags count from a "
			   "customer's first instant";
	if (kind->elapsed != 0 && kind->returns)
		return "elapsed lags and returns of another kind contradict each other";
	if (kind->elapsed != 0 && kind->elapsed < METRIC_MIN_ELAPSED)
		return "elapsed must be a minute or more";
	if (kind->counted == RETENTION_COUNTS_ORDERS
			? kind->returns
			: kind->counted == RETENTION_COUNTS_DAYS && kind->elapsed != 0)
		return "at_least counts days of activity sets, and orders of timelines";
	if (kind->rolling < 0 || kind->rolling > METRIC_MAX_COUNT)
		return psprintf("rolling must be between 1 and %d, not %d", METRIC_MAX_COUNT,
						kind->rolling);
	if (kind->nbrackets > MAX_BRACKETS)
		return psprintf("there may be %d brackets, not %d", MAX_BRACKETS, kind->nbrackets);
	for (i = 0; i < kind->nbrackets; i++)
	{
		const RetentionBracket *bracket = &kind->brackets[i];

		if (bracket->from < 0 || bracket->until > METRIC_MAX_COUNT ||
			bracket->from > bracket->until)
			return psprintf("bracket {%d,%d} isn't a range of lags from 0 to %d", bracket->from,
							bracket->until, METRIC_MAX_COUNT);
	}
	sort_brackets(kind);
	return NULL;
}

static void
check_kind(RetentionKind *kind)
{
	const char *fault = fault_of_kind(kind);

	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", fault)));
}

/* ---- JSON ---- */

char *
retention_kind_text(const RetentionKind *kind)
{
	StringInfoData text;
	StringInfo out = &text;
	int i;

	initStringInfo(out);
	appendStringInfoChar(out, '{');
	policy_put_name(out, "mode", mode_names[kind->recurring]);
	if (kind->nbrackets > 0)
	{
		policy_put_key(out, "brackets");
		for (i = 0; i < kind->nbrackets; i++)
			appendStringInfo(out, "%s[%d, %d]", i > 0 ? ", " : "[", kind->brackets[i].from,
							 kind->brackets[i].until);
		appendStringInfoChar(out, ']');
	}
	if (kind->rolling > 0)
	{
		policy_put_key(out, "rolling");
		appendStringInfo(out, "%d", kind->rolling);
	}
	if (kind->elapsed > 0)
	{
		Interval interval = { .time = kind->elapsed };

		policy_put_interval(out, "elapsed", &interval);
	}
	if (kind->returns)
	{
		policy_put_key(out, "returns");
		appendStringInfoString(out, "true");
	}
	if (kind->at_least > 1)
	{
		policy_put_key(out, "at_least");
		appendStringInfo(out, "%d", kind->at_least);
	}
	if (kind->counted != RETENTION_COUNTS_UNSAID)
		policy_put_name(out, "counted", counted_names[kind->counted]);
	appendStringInfoChar(out, '}');
	return text.data;
}

/* A count as an int; what is too large stays too large. */
static int32
small_count(const JsonbValue *value, const char *key)
{
	return (int32) Min(json_as_count(value, OPTIONS_TYPE, key), PG_INT32_MAX);
}

static void
read_brackets(RetentionKind *kind, const JsonbValue *value)
{
	JsonbContainer *array = json_as_array(value, OPTIONS_TYPE, "brackets");
	int n = (int) JsonContainerSize(array);
	int i;

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("brackets must not be empty"),
				 errhint("Write pairs of lags, as in [[1, 3], [4, 6]].")));
	kind->nbrackets = n;
	kind->brackets = palloc_extended(n * sizeof(RetentionBracket), MCXT_ALLOC_HUGE);
	for (i = 0; i < n; i++)
	{
		JsonbContainer *pair =
			json_as_array(getIthJsonbValueFromContainer(array, i), OPTIONS_TYPE, "brackets");

		if (JsonContainerSize(pair) != 2)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("a bracket is not a pair of lags"),
							errhint("Write pairs of lags, as in [[1, 3], [4, 6]].")));
		kind->brackets[i].from = small_count(getIthJsonbValueFromContainer(pair, 0), "brackets");
		kind->brackets[i].until = small_count(getIthJsonbValueFromContainer(pair, 1), "brackets");
	}
}

#define CALENDAR_FAULT "calendar and elapsed contradict each other"

/* The count that a key has. */
static bool
read_count(JsonbContainer *json, const char *key, int32 *count)
{
	JsonbValue found;

	if (json_member(json, key, &found) == NULL)
		return false;
	*count = small_count(&found, key);
	metric_check_count(key, *count);
	return true;
}

/* Of options, or of a result, which tell more. by_calendar: they want no elapsed lags. 22P02, 22023
 * with what is wrong. */
static void
read_kind(RetentionKind *kind, JsonbContainer *json, bool of_result, bool *by_calendar)
{
	static const char *const options[] = { "mode",	   "brackets", "rolling", "elapsed",
										   "calendar", "at_least", NULL };
	static const char *const all[] = { "mode",	  "brackets", "rolling", "elapsed",
									   "returns", "at_least", "counted", NULL };
	PolicyObject object = { json, OPTIONS_TYPE, "" };
	JsonbValue found;
	Interval elapsed;
	int mode;
	int counted = RETENTION_COUNTS_UNSAID;

	memset(kind, 0, sizeof(RetentionKind));
	kind->at_least = 1;
	policy_check_keys(&object, of_result ? all : options);
	if (policy_get_choice(&object, "mode", mode_names, lengthof(mode_names), &mode))
		kind->recurring = mode == 1;
	if (json_member(json, "brackets", &found) != NULL)
		read_brackets(kind, &found);
	read_count(json, "rolling", &kind->rolling);
	*by_calendar = false;
	policy_get_bool(&object, "calendar", by_calendar);
	if (policy_get_interval(&object, "elapsed", false, &elapsed))
		kind->elapsed = metric_elapsed(&elapsed);
	if (*by_calendar && kind->elapsed > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg(CALENDAR_FAULT)));
	policy_get_bool(&object, "returns", &kind->returns);
	read_count(json, "at_least", &kind->at_least);
	if (policy_get_choice(&object, "counted", counted_names, lengthof(counted_names), &counted))
		kind->counted = (RetentionCounted) counted;
	if (of_result && (kind->at_least > 1) != (kind->counted != RETENTION_COUNTS_UNSAID))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"at_least\" and \"counted\" don't go together")));
	check_kind(kind);
}

void
retention_kind_of_text(RetentionKind *kind, const char *text)
{
	bool by_calendar;

	memset(kind, 0, sizeof(RetentionKind));
	kind->at_least = 1;
	if (text != NULL)
		read_kind(kind, json_parse_object(text, OPTIONS_TYPE), true, &by_calendar);
}

/* ---- options of aggregates ---- */

void
retention_open_options(MetricQuestion *question)
{
	const struct varlena *value = question->values[RETENTION_OPTIONS];
	RetentionKind *kind = palloc0(sizeof(RetentionKind));
	bool by_calendar = false;

	kind->at_least = 1;
	if (value != NULL)
	{
		/* with a long header, as jsonb is read in place */
		Jsonb *json = DatumGetJsonbP(PointerGetDatum(value));

		json_check_object(&json->root, OPTIONS_TYPE);
		read_kind(kind, &json->root, false, &by_calendar);
	}
	if (kind->elapsed > 0 && question->kind != METRIC_TIMELINES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("elapsed lags need instants, which an activity_set doesn't have"),
						errhint("Aggregate timelines: retention(event_timeline, period, as_of, "
								"options).")));
	if (kind->elapsed == 0 && !by_calendar && question->kind == METRIC_TIMELINES)
		kind->elapsed = USECS_PER_DAY;
	kind->returns = question->kind == METRIC_STARTS_AND_RETURNS;
	set_counted(kind, question->kind);
	check_kind(kind);
	question->own = kind;
}

/* ---- arguments of calls ---- */

#define UNKNOWN_MODE "unknown mode of retention"

static void
take_brackets(RetentionKind *kind, ArrayType *array)
{
	Datum *bounds;
	bool *nulls;
	int nbounds;
	int i;

	if (ARR_NDIM(array) != 2 || ARR_DIMS(array)[1] != 2 || array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("brackets must be an array of pairs of lags"),
						errhint("Write them as in '{{1,3},{4,6}}': from the first to the second, "
								"both included.")));
	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &bounds, &nulls, &nbounds);
	kind->nbrackets = nbounds / 2;
	kind->brackets = palloc_extended(kind->nbrackets * sizeof(RetentionBracket), MCXT_ALLOC_HUGE);
	for (i = 0; i < kind->nbrackets; i++)
	{
		kind->brackets[i].from = DatumGetInt32(bounds[2 * i]);
		kind->brackets[i].until = DatumGetInt32(bounds[2 * i + 1]);
	}
}

void
retention_open_arguments(MetricQuestion *question)
{
	const struct varlena *mode = question->values[RETENTION_MODE];
	struct varlena *brackets = question->values[RETENTION_BRACKETS];
	RetentionKind *kind = palloc0(sizeof(RetentionKind));

	kind->returns = question->kind == METRIC_STARTS_AND_RETURNS;
	kind->rolling = question->count;
	kind->at_least = question->other_count;
	set_counted(kind, question->kind);
	if (question->has_span)
		kind->elapsed = metric_elapsed(&question->span);
	else if (question->kind != METRIC_TIMELINES)
		kind->recurring =
			choice_of(VARDATA_ANY(mode), VARSIZE_ANY_EXHDR(mode), mode_names, lengthof(mode_names),
					  ERRCODE_INVALID_PARAMETER_VALUE, UNKNOWN_MODE, "") == 1;
	if (brackets != NULL)
		take_brackets(kind, (ArrayType *) brackets);
	check_kind(kind);
	question->own = kind;
}

PG_FUNCTION_INFO_V1(loyalty_retention_options);

/* retention_options(mode, brackets, rolling, elapsed, at_least, calendar) */
Datum
loyalty_retention_options(PG_FUNCTION_ARGS)
{
	RetentionKind kind = { .recurring =
							   argument_choice(fcinfo, 0, "mode", mode_names, lengthof(mode_names),
											   UNKNOWN_MODE, "") == 1 };
	char *text;

	argument_refuse_null(fcinfo, 4, "at_least", NULL);
	kind.at_least = PG_GETARG_INT32(4);
	metric_check_count("at_least", kind.at_least);

	if (!PG_ARGISNULL(1))
		take_brackets(&kind, PG_GETARG_ARRAYTYPE_P(1));
	if (!PG_ARGISNULL(2))
	{
		kind.rolling = PG_GETARG_INT32(2);
		metric_check_count("rolling", kind.rolling);
	}
	if (!PG_ARGISNULL(3))
		kind.elapsed = metric_elapsed(PG_GETARG_INTERVAL_P(3));
	check_kind(&kind);
	argument_refuse_null(fcinfo, 5, "calendar", NULL);
	text = retention_kind_text(&kind);
	if (PG_GETARG_BOOL(5))
	{
		if (kind.elapsed > 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg(CALENDAR_FAULT)));
		text = psprintf("%.*s, \"calendar\": true}", (int) strlen(text) - 1, text);
	}
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
}
