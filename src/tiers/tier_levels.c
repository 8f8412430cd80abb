/*
 * tier_levels.c
 *		The levels of a tier_policy from JSON: names in the order of the ladder, and what
 *		reaching and keeping each needs.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "tiers/tier_read.h"

static const char *const level_keys[] = { "tier", "at", "any", "all", "keep", NULL };
static const char *const condition_keys[] = { "any", "all", NULL };

/* Levels as they are read. */
typedef struct LevelList
{
	int count;
	const char **names;
	TierLevel *levels;
} LevelList;

const char *
tier_member_path(const char *path, const JsonbValue *key)
{
	return psprintf("%s.%.*s%s", path, JSON_SHOWN(key->val.string.val, key->val.string.len));
}

/* ---- conditions ---- */

static int
compare_thresholds(const Decimal *a, const Decimal *b)
{
	int128 left = a->units;
	int128 right = b->units;

	if (a->scale < b->scale)
		left *= decimal_power[b->scale - a->scale];
	else
		right *= decimal_power[a->scale - b->scale];
	return (left > right) - (left < right);
}

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

/* A number alone: of the only metric. */
static void
read_number(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
			const char *path, TierCondition *condition)
{
	if (policy->nmetrics > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a %s doesn't say which metric it is of", path, object->type),
				 errhint("With several metrics levels are an array of {\"tier\": \"Gold\", "
						 "\"any\": {\"%s\": ..., \"%s\": ...}}, or \"all\".",
						 policy->metrics[0].name, policy->metrics[1].name)));
	condition->all = false;
	condition->ntests = 1;
	condition->tests = palloc0(sizeof(TierTest));
	condition->tests[0].threshold = read_threshold(object, value, path);
}

static int
metric_of(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *key,
		  const char *path)
{
	StringInfoData known;
	int i;

	for (i = 0; i < policy->nmetrics; i++)
		if ((int) strlen(policy->metrics[i].name) == key->val.string.len &&
			memcmp(policy->metrics[i].name, key->val.string.val, key->val.string.len) == 0)
			return i;
	initStringInfo(&known);
	for (i = 0; i < policy->nmetrics; i++)
		appendStringInfo(&known, "%s\"%s\"", i > 0 ? ", " : "", policy->metrics[i].name);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" of a %s is on a metric that isn't there: \"%.*s%s\"", path,
						   object->type, JSON_SHOWN(key->val.string.val, key->val.string.len)),
					errhint("Known metrics: %s. \"metrics\" says what they are.", known.data)));
}

/* The object of "any" or "all". Its keys come in the order that metrics have, too. */
static void
read_tests(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
		   const char *path, bool all, TierCondition *condition)
{
	JsonbContainer *tests = json_as_object(value, object->type, path);
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue threshold;

	if (JsonContainerSize(tests) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is empty", path, object->type),
						errhint("Give a threshold for one metric or more.")));
	condition->tests = palloc(JsonContainerSize(tests) * sizeof(TierTest));
	condition->ntests = 0;
	iterator = JsonbIteratorInit(tests);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		TierTest *test = &condition->tests[condition->ntests++];

		(void) JsonbIteratorNext(&iterator, &threshold, true);
		test->metric = metric_of(object, policy, &key, path);
		test->threshold = read_threshold(object, &threshold, tier_member_path(path, &key));
	}
	condition->all = all && condition->ntests > 1;
}

/* What keeping needs: a number, any or all. */
static void
read_keep(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
		  TierCondition *condition)
{
	const char *path = policy_path(object, "keep");
	PolicyObject place;
	JsonbValue found;

	if (value->type == jbvNumeric)
	{
		read_number(object, policy, value, path, condition);
		return;
	}
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		json_report_wrong_type(value, object->type, path, "a number, or an object with any or all");
	policy_enter(object, value, path, &place);
	policy_check_keys(&place, condition_keys);
	policy_refuse_both(&place, "any", "all", "Give one of them.");
	if (json_member(place.json, "any", &found) != NULL)
		read_tests(&place, policy, &found, policy_path(&place, "any"), false, condition);
	else if (json_member(place.json, "all", &found) != NULL)
		read_tests(&place, policy, &found, policy_path(&place, "all"), true, condition);
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s says nothing", path, object->type),
						errhint("Give any or all, with a threshold for one metric or more.")));
}

/* ---- lists of levels ---- */

static void
prepare(const PolicyObject *object, const char *path, uint32 size, LevelList *list)
{
	if (size == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is empty", path, object->type),
						errhint("Give at least one tier, such as {\"Silver\": 500}.")));
	if (size > TIER_MAX_LEVELS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a %s can't have more than %d levels", object->type, TIER_MAX_LEVELS)));
	list->count = 0;
	list->names = palloc(size * sizeof(char *));
	list->levels = palloc0(size * sizeof(TierLevel));
}

/* Takes a level's name into the list. */
static void
put_name(const PolicyObject *object, const char *path, char *name, LevelList *list)
{
	int i;

	if (name[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s has a tier without a name", path, object->type)));
	for (i = 0; i < list->count; i++)
		if (strcmp(list->names[i], name) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of a %s has the tier \"%.*s%s\" twice", path,
								   object->type, JSON_SHOWN(name, (int) strlen(name)))));
	list->names[list->count++] = name;
}

/* {"Silver": 500, "Gold": 2000} */
static void
read_object(const PolicyObject *object, const TierPolicy *policy, JsonbContainer *levels,
			const char *path, LevelList *list)
{
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue value;

	prepare(object, path, JsonContainerSize(levels), list);
	iterator = JsonbIteratorInit(levels);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		TierLevel *level = &list->levels[list->count];

		(void) JsonbIteratorNext(&iterator, &value, true);
		put_name(object, path, pnstrdup(key.val.string.val, key.val.string.len), list);
		if (value.type != jbvNull)
			read_number(object, policy, &value, tier_member_path(path, &key), &level->reach);
		level->keep = level->reach;
	}
}

/* One of [{"tier": "Gold", "at": 2000, "keep": 1500}]; is it said what reaching it needs? */
static void
read_level(const PolicyObject *place, const TierPolicy *policy, TierLevel *level)
{
	static const char *const ways[] = { "at", "any", "all" };
	JsonbValue value;
	bool said = false;
	int i;

	for (i = 0; i < (int) lengthof(ways); i++)
	{
		policy_refuse_both(place, ways[i], ways[(i + 1) % lengthof(ways)], "Give one of them.");
		said = said || policy_names(place, ways[i]);
	}
	if (!said)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%.*s\" of a %s doesn't say what reaching the tier needs",
						(int) strlen(place->path) - 1, place->path, place->type),
				 errhint("Give \"at\", \"any\" or \"all\". A tier that nobody reaches has \"at\": "
						 "null.")));
	if (json_member(place->json, "at", &value) != NULL)
		read_number(place, policy, &value, policy_path(place, "at"), &level->reach);
	else if (json_member(place->json, "any", &value) != NULL)
		read_tests(place, policy, &value, policy_path(place, "any"), false, &level->reach);
	else if (json_member(place->json, "all", &value) != NULL)
		read_tests(place, policy, &value, policy_path(place, "all"), true, &level->reach);
	level->keep = level->reach;
	if (json_member(place->json, "keep", &value) != NULL)
		read_keep(place, policy, &value, &level->keep);
}

static void
read_array(const PolicyObject *object, const TierPolicy *policy, JsonbContainer *levels,
		   const char *path, LevelList *list)
{
	JsonbIterator *iterator;
	JsonbValue value;

	prepare(object, path, JsonContainerSize(levels), list);
	iterator = JsonbIteratorInit(levels);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
	{
		TierLevel *level = &list->levels[list->count];
		PolicyObject place;
		JsonbValue name;

		policy_enter(object, &value, psprintf("%s[%d]", path, list->count), &place);
		policy_check_keys(&place, level_keys);
		put_name(object, path,
				 json_as_string(json_member(place.json, "tier", &name), object->type,
								policy_path(&place, "tier")),
				 list);
		read_level(&place, policy, level);
	}
}

/* True where the list's order is that of an object's keys, which is none. */
static bool
read_list(const PolicyObject *object, const TierPolicy *policy, const JsonbValue *value,
		  const char *path, LevelList *list)
{
	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
	{
		read_object(object, policy, value->val.binary.data, path, list);
		return true;
	}
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		json_report_wrong_type(value, object->type, path,
							   "an object such as {\"Silver\": 500, \"Gold\": 2000}, or an array");
	read_array(object, policy, value->val.binary.data, path, list);
	return false;
}

/* ---- the ladder ---- */

/* Where one metric decides, each level needs more than those below. */
static void
check_ascending(const PolicyObject *object, const char *path, const char *const *names,
				const TierLevel *levels, int count)
{
	int i;
	int below;

	for (i = 1; i < count; i++)
		for (below = i - 1; below >= 0; below--)
		{
			const TierCondition *more = &levels[i].reach;
			const TierCondition *less = &levels[below].reach;

			if (more->ntests != 1 || less->ntests != 1 ||
				more->tests[0].metric != less->tests[0].metric)
				continue;
			if (compare_thresholds(&more->tests[0].threshold, &less->tests[0].threshold) <= 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("\"%s\" of a %s: tier \"%.*s%s\" doesn't need more than \"%.*s%s\"",
								path, object->type, JSON_SHOWN(names[i], (int) strlen(names[i])),
								JSON_SHOWN(names[below], (int) strlen(names[below]))),
						 errhint("Levels stand in the order of the ladder, each with a larger "
								 "threshold than the one before.")));
			break;
		}
}

/* Brings levels without an order of their own into that of their thresholds; those with null
 * come last, as they are. */
static void
sort_list(LevelList *list)
{
	int i;

	for (i = 1; i < list->count; i++)
	{
		const char *name = list->names[i];
		TierLevel level = list->levels[i];
		int at = i;

		while (at > 0 && level.reach.ntests > 0 &&
			   (list->levels[at - 1].reach.ntests == 0 ||
				compare_thresholds(&list->levels[at - 1].reach.tests[0].threshold,
								   &level.reach.tests[0].threshold) > 0))
		{
			list->names[at] = list->names[at - 1];
			list->levels[at] = list->levels[at - 1];
			at--;
		}
		list->names[at] = name;
		list->levels[at] = level;
	}
}

void
tier_levels_read(const PolicyObject *object, const JsonbValue *value, const char *path,
				 TierPolicy *policy)
{
	LevelList list;

	if (read_list(object, policy, value, path, &list))
		sort_list(&list);
	check_ascending(object, path, list.names, list.levels, list.count);
	policy->ntiers = list.count + 1;
	policy->tiers = palloc0(policy->ntiers * sizeof(char *));
	memcpy(policy->tiers + 1, list.names, list.count * sizeof(char *));
	policy->versions[0].levels = list.levels;
}

static void
report_other_tiers(const PolicyObject *object, const char *path, const TierPolicy *policy)
{
	StringInfoData known;
	int rank;

	initStringInfo(&known);
	for (rank = 1; rank < policy->ntiers; rank++)
		appendStringInfo(&known, "%s\"%s\"", rank > 1 ? ", " : "", policy->tiers[rank]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of a %s doesn't have the tiers of the policy", path, object->type),
			 errdetail("Those are, in this order: %s.", known.data),
			 errhint("Tiers and their order are the same in all versions. A tier that "
					 "nobody reaches then has null.")));
}

TierLevel *
tier_levels_again(const PolicyObject *object, const TierPolicy *policy)
{
	const char *path = policy_path(object, "levels");
	TierLevel *levels = palloc(policy->ntiers * sizeof(TierLevel));
	bool by_name;
	JsonbValue value;
	LevelList list;
	int i;

	(void) json_member(object->json, "levels", &value);
	by_name = read_list(object, policy, &value, path, &list);
	if (list.count != policy->ntiers - 1)
		report_other_tiers(object, path, policy);
	for (i = 0; i < list.count; i++)
	{
		int rank = tier_rank_of(policy, list.names[i], (int) strlen(list.names[i]));

		if (rank < 1 || (!by_name && rank != i + 1))
			report_other_tiers(object, path, policy);
		levels[rank - 1] = list.levels[i];
	}
	check_ascending(object, path, policy->tiers + 1, levels, list.count);
	return levels;
}
