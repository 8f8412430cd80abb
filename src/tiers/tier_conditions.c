/*
 * tier_conditions.c
 *		What reaching and keeping a tier need, read and written: a number; any or all of several
 *		thresholds; any of several sets of thresholds that must all hold.
 *
 * Sets stand in an order of their own, and what says the same with fewer words is said so: equal
 * conditions are written the same.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "tiers/tiers_internal.h"

static const char *const condition_keys[] = { "any", "all", NULL };
static const char *const set_keys[] = { "all", NULL };

/* ---- read ---- */

static Decimal
read_threshold(const PolicyObject *object, const JsonbValue *value, const char *path)
{
	Decimal threshold;
	int scale;

	if (value->type != jbvNumeric)
		json_report_wrong_type(value, object->type, path, "a number");
	threshold = decimal_from_numeric((const struct varlena *) value->val.numeric);
	if (threshold.units <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a %s is %s, which isn't more than 0", path, object->type,
						decimal_to_text(threshold.units, threshold.scale)),
				 errhint("Who has nothing is in the base tier. A tier that nobody reaches has "
						 "null.")));
	scale = decimal_minimal_scale(threshold.units, threshold.scale);
	threshold.units /= decimal_power[threshold.scale - scale];
	threshold.scale = scale;
	return threshold;
}

/* A number alone: of the only measure. */
void
tier_read_number(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
				 const char *path, TierCondition *condition)
{
	if (policy->nmeasures > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a %s doesn't say which metric it is of", path, object->type),
				 errhint("With several metrics levels are an array of {\"tier\": \"Gold\", "
						 "\"any\": {\"%s\": ..., \"%s\": ...}}, or \"all\".",
						 policy->measures[0].name, policy->measures[1].name)));
	memset(condition, 0, sizeof(TierCondition));
	condition->ntests = 1;
	condition->tests = palloc0(sizeof(TierTest));
	condition->tests[0].threshold = read_threshold(object, value, path);
}

static int
measure_of(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *key,
		   const char *path)
{
	StringInfoData known;
	int i;

	for (i = 0; i < policy->nmeasures; i++)
		if ((int) strlen(policy->measures[i].name) == key->val.string.len &&
			memcmp(policy->measures[i].name, key->val.string.val, key->val.string.len) == 0)
			return i;
	initStringInfo(&known);
	for (i = 0; i < policy->nmeasures; i++)
		appendStringInfo(&known, "%s\"%s\"", i > 0 ? ", " : "", policy->measures[i].name);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" of a %s is on a metric that isn't there: \"%.*s%s\"", path,
						   object->type, JSON_SHOWN(key->val.string.val, key->val.string.len)),
					errhint("Known metrics: %s. \"metrics\" says what they are.", known.data)));
}

/* The object of "any" or "all". Its keys come in the order that measures have, too. */
static void
read_tests(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
		   const char *path, bool all, TierCondition *condition)
{
	JsonbContainer *tests = json_as_object(value, object->type, path);
	JsonbIterator *iterator = NULL;
	JsonbValue key;
	JsonbValue threshold;

	if (JsonContainerSize(tests) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is empty", path, object->type),
						errhint("Give a threshold for one metric or more.")));
	memset(condition, 0, sizeof(TierCondition));
	condition->tests = palloc(JsonContainerSize(tests) * sizeof(TierTest));
	while (policy_next_member(tests, &iterator, &key, &threshold))
	{
		TierTest *test = &condition->tests[condition->ntests++];

		test->measure = measure_of(object, policy, &key, path);
		test->threshold = read_threshold(object, &threshold, policy_member_path(path, &key));
	}
	condition->all = all && condition->ntests > 1;
}

void
tier_read_all(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
			  const char *path, TierCondition *condition)
{
	read_tests(object, policy, value, path, true, condition);
}

/* ---- sets ---- */

/* A set while it is read. */
typedef struct TierSet
{
	int ntests;
	TierTest *tests;
} TierSet;

static int
compare_sets(const void *a, const void *b)
{
	const TierSet *left = a;
	const TierSet *right = b;
	int i;

	for (i = 0; i < left->ntests && i < right->ntests; i++)
	{
		int order = left->tests[i].measure - right->tests[i].measure;

		if (order == 0)
			order = decimal_compare(&left->tests[i].threshold, &right->tests[i].threshold);
		if (order != 0)
			return order;
	}
	return left->ntests - right->ntests;
}

/* Where the one holds, does the other, too? It asks for no other measure, and for no more. */
static bool
is_implied(const TierSet *other, const TierSet *one)
{
	int i;
	int j;

	for (i = 0; i < other->ntests; i++)
	{
		for (j = 0; j < one->ntests; j++)
			if (one->tests[j].measure == other->tests[i].measure)
				break;
		if (j == one->ntests ||
			decimal_compare(&one->tests[j].threshold, &other->tests[i].threshold) < 0)
			return false;
	}
	return true;
}

/* What is there already is a mistake. */
static void
refuse_idle_sets(const PolicyObject *object, const char *path, const TierSet *sets, int nsets)
{
	int i;
	int other;

	for (i = 0; i < nsets; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (other = 0; other < nsets; other++)
			if (other != i && is_implied(&sets[other], &sets[i]) &&
				(other < i || !is_implied(&sets[i], &sets[other])))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("\"%s[%d]\" of a %s adds nothing to \"%s[%d]\"", path, i,
								object->type, path, other),
						 errdetail("Where it holds, the other does: that asks for no other metric, "
								   "and for no more."),
						 errhint("Leave it out, or let one of them ask for something else.")));
	}
}

/* One set alone, or sets of one test each, are what an object says. */
static void
put_together(const TierSet *sets, int nsets, TierCondition *condition)
{
	int most = 0;
	int i;
	int j;

	memset(condition, 0, sizeof(TierCondition));
	for (i = 0; i < nsets; i++)
	{
		condition->ntests += sets[i].ntests;
		most = Max(most, sets[i].ntests);
	}
	condition->tests = palloc(condition->ntests * sizeof(TierTest));
	condition->all = nsets == 1 && most > 1;
	if (nsets > 1 && most > 1)
	{
		condition->nsets = nsets;
		condition->set_ends = palloc(nsets * sizeof(int));
	}
	condition->ntests = 0;
	for (i = 0; i < nsets; i++)
	{
		for (j = 0; j < sets[i].ntests; j++)
			condition->tests[condition->ntests++] = sets[i].tests[j];
		if (condition->nsets > 0)
			condition->set_ends[i] = condition->ntests;
	}
}

/* [{"all": {"nights": 50, "spend": 5000}}, {"all": {"miles": 1000000}}] */
static void
read_sets(const PolicyObject *object, const TierPolicy *policy, JsonbContainer *list,
		  const char *path, TierCondition *condition)
{
	JsonbIterator *iterator = NULL;
	TierSet *sets;
	int nsets = 0;
	JsonbValue value;

	if (JsonContainerSize(list) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is empty", path, object->type),
						errhint("Give one set of thresholds or more.")));
	if (JsonContainerSize(list) > TIER_MAX_SETS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("\"%s\" of a %s can't have more than %d sets", path, object->type,
							   TIER_MAX_SETS)));
	sets = palloc(JsonContainerSize(list) * sizeof(TierSet));
	while (policy_next_element(list, &iterator, &value))
	{
		TierSet *set = &sets[nsets];
		TierCondition tests;
		PolicyObject place;
		JsonbValue found;

		policy_enter(object, &value, psprintf("%s[%d]", path, nsets), &place);
		policy_check_keys(&place, set_keys);
		read_tests(&place, policy, json_member(place.json, "all", &found),
				   policy_path(&place, "all"), true, &tests);
		set->ntests = tests.ntests;
		set->tests = tests.tests;
		nsets++;
	}
	refuse_idle_sets(object, path, sets, nsets);
	qsort(sets, nsets, sizeof(TierSet), compare_sets);
	put_together(sets, nsets, condition);
}

void
tier_read_any(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
			  const char *path, TierCondition *condition)
{
	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data) &&
		!JsonContainerIsScalar(value->val.binary.data))
		read_sets(object, policy, value->val.binary.data, path, condition);
	else
		read_tests(object, policy, value, path, false, condition);
}

/* ---- what keeping needs ---- */

/* A number, any or all. */
void
tier_read_keep(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
			   TierCondition *condition)
{
	const char *path = policy_path(object, "keep");
	PolicyObject place;
	JsonbValue found;

	if (value->type == jbvNumeric)
	{
		tier_read_number(object, policy, value, path, condition);
		return;
	}
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		json_report_wrong_type(value, object->type, path, "a number, or an object with any or all");
	policy_enter(object, value, path, &place);
	policy_check_keys(&place, condition_keys);
	policy_refuse_both(&place, "any", "all", "Give one of them.");
	if (json_member(place.json, "any", &found) != NULL)
		tier_read_any(&place, policy, &found, policy_path(&place, "any"), condition);
	else if (json_member(place.json, "all", &found) != NULL)
		tier_read_all(&place, policy, &found, policy_path(&place, "all"), condition);
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s says nothing", path, object->type),
						errhint("Give any or all, with a threshold for one metric or more.")));
}

/* ---- written ---- */

bool
tier_condition_same(const TierCondition *a, const TierCondition *b)
{
	int i;

	if (a->ntests != b->ntests || a->all != b->all || a->nsets != b->nsets)
		return false;
	for (i = 0; i < a->nsets; i++)
		if (a->set_ends[i] != b->set_ends[i])
			return false;
	for (i = 0; i < a->ntests; i++)
		if (a->tests[i].measure != b->tests[i].measure ||
			a->tests[i].threshold.units != b->tests[i].threshold.units ||
			a->tests[i].threshold.scale != b->tests[i].threshold.scale)
			return false;
	return true;
}

/* "all": {"nights": 25, "points": 15000} */
static void
put_tests(StringInfo out, const TierPolicy *policy, const char *key, const TierTest *tests,
		  int ntests)
{
	int i;

	policy_put_key(out, key);
	appendStringInfoChar(out, '{');
	for (i = 0; i < ntests; i++)
		policy_put_number(out, policy->measures[tests[i].measure].name, &tests[i].threshold);
	appendStringInfoChar(out, '}');
}

static void
put_condition(StringInfo out, const TierPolicy *policy, const TierCondition *condition)
{
	int set;

	if (condition->nsets == 0)
	{
		put_tests(out, policy, condition->all ? "all" : "any", condition->tests, condition->ntests);
		return;
	}
	policy_put_key(out, "any");
	appendStringInfoChar(out, '[');
	for (set = 0; set < condition->nsets; set++)
	{
		int start = tier_set_start(condition, set);

		policy_put_element(out);
		appendStringInfoChar(out, '{');
		put_tests(out, policy, "all", &condition->tests[start], condition->set_ends[set] - start);
		appendStringInfoChar(out, '}');
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

void
tier_put_reach(StringInfo out, const TierPolicy *policy, const TierCondition *reach)
{
	if (reach->ntests == 0)
	{
		policy_put_key(out, "at");
		appendStringInfoString(out, "null");
	}
	else if (policy->nmeasures == 1)
		policy_put_number(out, "at", &reach->tests[0].threshold);
	else
		put_condition(out, policy, reach);
}

void
tier_put_keep(StringInfo out, const TierPolicy *policy, const TierCondition *keep)
{
	if (policy->nmeasures == 1)
	{
		policy_put_number(out, "keep", &keep->tests[0].threshold);
		return;
	}
	policy_put_key(out, "keep");
	appendStringInfoChar(out, '{');
	put_condition(out, policy, keep);
	appendStringInfoChar(out, '}');
}
