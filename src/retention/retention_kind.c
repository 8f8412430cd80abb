/*
 * retention_kind.c
 *		Kinds of retention: what may go together, and their JSON.
 */
#include "postgres.h"

#include "common/int.h"

#include "core/json.h"
#include "policy/policy.h"
#include "metric/metric.h"
#include "retention/retention.h"

#define OPTIONS_TYPE "retention_options"

static const char *const mode_names[] = { "first", "recurring" };

bool
retention_kind_is_plain(const RetentionKind *kind)
{
	return !kind->recurring && !kind->returns && kind->rolling == 0 && kind->elapsed == 0 &&
		   kind->nbrackets == 0;
}

bool
retention_kind_equal(const RetentionKind *a, const RetentionKind *b)
{
	return a->recurring == b->recurring && a->returns == b->returns && a->rolling == b->rolling &&
		   a->elapsed == b->elapsed && a->nbrackets == b->nbrackets &&
		   (a->nbrackets == 0 ||
			memcmp(a->brackets, b->brackets, a->nbrackets * sizeof(RetentionBracket)) == 0);
}

RetentionKind
retention_kind_copy(const RetentionKind *kind)
{
	RetentionKind copy = *kind;

	if (kind->nbrackets > 0)
	{
		copy.brackets = palloc(kind->nbrackets * sizeof(RetentionBracket));
		memcpy(copy.brackets, kind->brackets, kind->nbrackets * sizeof(RetentionBracket));
	}
	return copy;
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

const char *
retention_kind_fault(RetentionKind *kind)
{
	int i;

	if (kind->nbrackets > 0 && kind->rolling != 0)
		return "brackets and rolling contradict each other";
	if (kind->elapsed != 0 && kind->recurring)
		return "mode 'recurring' and elapsed contradict each other: elapsed lags count from a "
			   "customer's first instant";
	if (kind->elapsed != 0 && kind->returns)
		return "elapsed lags and returns of another kind contradict each other";
	if (kind->elapsed != 0 && kind->elapsed < RETENTION_MIN_ELAPSED)
		return "elapsed must be a minute or more";
	if (kind->rolling < 0 || kind->rolling > METRIC_MAX_COUNT)
		return psprintf("rolling must be between 1 and %d, not %d", METRIC_MAX_COUNT,
						kind->rolling);
	if (kind->nbrackets > RETENTION_MAX_BRACKETS)
		return psprintf("there may be %d brackets, not %d", RETENTION_MAX_BRACKETS,
						kind->nbrackets);
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

/* ---- JSON ---- */

void
retention_kind_put(StringInfo out, const RetentionKind *kind)
{
	int i;

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

int64
retention_elapsed_of(const Interval *interval)
{
	int64 time = 0;

	if (interval->month != 0 || pg_mul_s64_overflow((int64) interval->day, USECS_PER_DAY, &time) ||
		__builtin_add_overflow(time, interval->time, &time) || time < RETENTION_MIN_ELAPSED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("elapsed must be a minute or more, without months"),
						errhint("Months differ in length: write hours or days, which are 24 hours "
								"here.")));
	return time;
}

void
retention_kind_read(RetentionKind *kind, JsonbContainer *json, bool may_have_returns)
{
	static const char *const options[] = { "mode", "brackets", "rolling", "elapsed", NULL };
	static const char *const all[] = { "mode", "brackets", "rolling", "elapsed", "returns", NULL };
	PolicyObject object = { json, OPTIONS_TYPE, "" };
	JsonbValue found;
	Interval elapsed;
	int mode;
	const char *fault;

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
		kind->elapsed = retention_elapsed_of(&elapsed);
	policy_get_bool(&object, "returns", &kind->returns);
	fault = retention_kind_fault(kind);
	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", fault)));
}
