/*
 * retention_options.c
 *		What kind of retention is asked for: arguments of calls, the JSON of options, what may go
 *		together.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
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
#define MIN_ELAPSED	 USECS_PER_MINUTE

static const char *const mode_names[] = { "first", "recurring" };

/* ---- what may go together ---- */

bool
retention_kind_is_plain(const RetentionKind *kind)
{
	return !kind->recurring && !kind->returns && kind->rolling == 0 && kind->elapsed == 0 &&
		   kind->nbrackets == 0;
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
	if (kind->elapsed != 0 && kind->elapsed < MIN_ELAPSED)
		return "elapsed must be a minute or more";
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

/* An interval as elapsed has it: microseconds; 22023 where it has months, or is too short. */
static int64
elapsed_of(const Interval *interval)
{
	int64 time = 0;

	if (interval->month != 0 || pg_mul_s64_overflow((int64) interval->day, USECS_PER_DAY, &time) ||
		__builtin_add_overflow(time, interval->time, &time) || time < MIN_ELAPSED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("elapsed must be a minute or more, without months"),
						errhint("Months differ in length: write hours or days, which are 24 hours "
								"here.")));
	return time;
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

/* 22P02, 22023 with what is wrong. */
static void
read_kind(RetentionKind *kind, JsonbContainer *json, bool may_have_returns)
{
	static const char *const options[] = { "mode", "brackets", "rolling", "elapsed", NULL };
	static const char *const all[] = { "mode", "brackets", "rolling", "elapsed", "returns", NULL };
	PolicyObject object = { json, OPTIONS_TYPE, "" };
	JsonbValue found;
	Interval elapsed;
	int mode;

	memset(kind, 0, sizeof(RetentionKind));
	policy_check_keys(&object, may_have_returns ? all : options);
	if (policy_get_choice(&object, "mode", mode_names, lengthof(mode_names), &mode))
		kind->recurring = mode == 1;
	if (json_member(json, "brackets", &found) != NULL)
		read_brackets(kind, &found);
	if (json_member(json, "rolling", &found) != NULL)
	{
		kind->rolling = small_count(&found, "rolling");
		metric_check_count("rolling", kind->rolling);
	}
	if (policy_get_interval(&object, "elapsed", false, &elapsed))
		kind->elapsed = elapsed_of(&elapsed);
	policy_get_bool(&object, "returns", &kind->returns);
	check_kind(kind);
}

void
retention_kind_of_text(RetentionKind *kind, const char *text)
{
	memset(kind, 0, sizeof(RetentionKind));
	if (text != NULL)
		read_kind(kind, json_parse_object(text, OPTIONS_TYPE), true);
}

/* ---- options of aggregates ---- */

/* Options are the last argument of an aggregate; over a base they have been read already. */
void
retention_open(const Metric *metric, MetricQuestion *question)
{
	const struct varlena *value = question->values[metric->narguments - 1];
	RetentionKind *kind;

	if (question->own != NULL)
		return;
	kind = palloc0(sizeof(RetentionKind));
	if (value != NULL)
	{
		/* with a long header, as jsonb is read in place */
		Jsonb *json = DatumGetJsonbP(PointerGetDatum(value));

		json_check_object(&json->root, OPTIONS_TYPE);
		read_kind(kind, &json->root, false);
	}
	if (kind->elapsed > 0 && metric->input != METRIC_TIMELINES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("elapsed lags need instants, which an activity_set doesn't have"),
						errhint("Aggregate timelines: retention(event_timeline, period, as_of, "
								"options).")));
	if (kind->elapsed == 0 && metric->input == METRIC_TIMELINES)
		kind->elapsed = USECS_PER_DAY;
	kind->returns = metric->input == METRIC_STARTS_AND_RETURNS;
	check_kind(kind);
	question->own = kind;
}

/* ---- arguments of calls ---- */

static bool
mode_argument(FunctionCallInfo fcinfo, int n)
{
	static const char *const names[] = { "first", "recurring" };

	return argument_choice(fcinfo, n, "mode", names, lengthof(names), "unknown mode of retention",
						   "") == 1;
}

static void
brackets_argument(FunctionCallInfo fcinfo, int n, RetentionKind *kind)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(n);
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

static void
rolling_argument(FunctionCallInfo fcinfo, int n, RetentionKind *kind)
{
	kind->rolling = PG_GETARG_INT32(n);
	metric_check_count("rolling", kind->rolling);
}

/* mode, brackets, rolling; over timelines elapsed, brackets, rolling. */
void *
retention_read_options(const Metric *metric, FunctionCallInfo fcinfo, int n)
{
	RetentionKind *kind = palloc0(sizeof(RetentionKind));

	kind->returns = metric->input == METRIC_STARTS_AND_RETURNS;
	if (metric->input == METRIC_TIMELINES)
	{
		argument_refuse_null(fcinfo, n, "elapsed",
							 "For lags by the calendar, take retention() over activities.");
		kind->elapsed = elapsed_of(PG_GETARG_INTERVAL_P(n));
	}
	else
		kind->recurring = mode_argument(fcinfo, n);
	if (!PG_ARGISNULL(n + 1))
		brackets_argument(fcinfo, n + 1, kind);
	if (!PG_ARGISNULL(n + 2))
		rolling_argument(fcinfo, n + 2, kind);
	check_kind(kind);
	return kind;
}

PG_FUNCTION_INFO_V1(loyalty_retention_options);

Datum
loyalty_retention_options(PG_FUNCTION_ARGS)
{
	RetentionKind kind = { .recurring = mode_argument(fcinfo, 0) };

	if (!PG_ARGISNULL(1))
		brackets_argument(fcinfo, 1, &kind);
	if (!PG_ARGISNULL(2))
		rolling_argument(fcinfo, 2, &kind);
	if (!PG_ARGISNULL(3))
		kind.elapsed = elapsed_of(PG_GETARG_INTERVAL_P(3));
	check_kind(&kind);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(retention_kind_text(&kind)));
}
