/*
 * tier_levels.c
 *		The measures and the levels of a tier_policy, read and written: what is counted, by name;
 *		tiers in the order of the ladder, and what reaching and keeping each needs.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "tiers/tiers_internal.h"

/* ---- measures ---- */

static const char *const of_names[] = { "sum", "events", "days" };
static const char *const values_names[] = { "net", "positive" };

#define ALL_COUNT_HINT "Leave it out where all events count."

static void
check_values(const PolicyObject *object, const PolicyKey *key, void *measure, void *none)
{
	if (((const TierMeasure *) measure)->of != TIER_SUM && policy_has(object, key->name))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is only for sums", policy_path(object, key->name),
							   object->type),
						errhint("Events and days with a negative value never count.")));
}

/* "rollover": true, or the most that rolls over. */
static void
read_rollover(const PolicyObject *object, const PolicyKey *key, void *read, void *none)
{
	TierMeasure *measure = read;
	JsonbValue value;

	if (json_member(object->json, key->name, &value) == NULL)
		return;
	if (value.type == jbvBool)
		measure->rolls = value.val.boolean;
	else if (value.type == jbvNumeric)
	{
		measure->rolls = true;
		measure->roll_cap =
			policy_number(object, &value, policy_path(object, key->name), DECIMAL_MAX_SCALE, false);
	}
	else
		json_report_wrong_type(&value, object->type, policy_path(object, key->name),
							   "a number, the most that rolls over, or true or false");
}

static void
put_rollover(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			 const void *before)
{
	const TierMeasure *measure = now;

	if (measure->roll_cap.units > 0)
		policy_put_number(out, key->name, &measure->roll_cap);
	else
		policy_put_bool(out, key->name, measure->rolls);
}

static const PolicyKey measure_keys[] = {
	{ .name = "of",
	  .type = POLICY_CHOICE,
	  .always = true,
	  POLICY_AT(TierMeasure, of),
	  POLICY_NAMES(of_names) },
	{ .name = "values",
	  .type = POLICY_CHOICE,
	  POLICY_AT(TierMeasure, positive_only),
	  POLICY_NAMES(values_names),
	  .check = check_values },
	{ .name = "kinds",
	  .type = POLICY_TEXTS,
	  POLICY_AT(TierMeasure, nkinds),
	  .list = offsetof(TierMeasure, kinds),
	  .hint = ALL_COUNT_HINT },
	{ .name = "labels",
	  .type = POLICY_TEXTS,
	  POLICY_AT(TierMeasure, nlabels),
	  .list = offsetof(TierMeasure, labels),
	  .hint = ALL_COUNT_HINT },
	/* what it is, is read with the policy's */
	{ .name = "qualifying_window", .type = POLICY_TEXT, POLICY_AT(TierMeasure, window_text) },
	{ .name = "rollover", .read = read_rollover, .write = put_rollover },
	{ .name = NULL }
};

static const TierMeasure default_measure = { .name = "value" };

/* Member facts say who is a member, and which tier was given: they never count. */
static void
refuse_fact_kind(const PolicyObject *object, const TierMeasure *measure, const char *key,
				 const EventText *kind)
{
	if (event_text_find(kind, measure->kinds, measure->nkinds) != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of a %s has \"%.*s%s\", which is the %s", policy_path(object, "kinds"),
					object->type, JSON_SHOWN(kind->bytes, kind->len), key),
			 errhint("Events of that kind never count. Leave it out, or name another %s.", key)));
}

/* Those of a policy; or the default one. */
void
tier_read_measures(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	TierPolicy *policy = opened;
	JsonbIterator *iterator = NULL;
	JsonbContainer *measures;
	JsonbValue name;
	JsonbValue value;

	if (json_member(root->json, key->name, &value) == NULL)
	{
		policy->nmeasures = 1;
		policy->measures = palloc(sizeof(TierMeasure));
		policy->measures[0] = default_measure;
		return;
	}
	measures = json_as_object(&value, root->type, key->name);
	if (JsonContainerSize(measures) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"metrics\" of a %s is empty", root->type),
						errhint("Leave it out where the sum of values decides.")));
	if (JsonContainerSize(measures) > TIER_MAX_MEASURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a %s can't have more than %d metrics", root->type, TIER_MAX_MEASURES)));
	policy->measures = palloc0(JsonContainerSize(measures) * sizeof(TierMeasure));
	while (policy_next_member(measures, &iterator, &name, &value))
	{
		TierMeasure *measure = &policy->measures[policy->nmeasures++];
		PolicyObject place;

		if (name.val.string.len == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"metrics\" of a %s has one without a name", root->type)));
		measure->name = pnstrdup(name.val.string.val, name.val.string.len);
		policy_enter(root, &value, policy_member_path(key->name, &name), &place);
		policy_check_members(&place, measure_keys);
		policy_read_keys(&place, measure_keys, measure, NULL);
		refuse_fact_kind(&place, measure, "join_kind", &policy->join_kind);
		refuse_fact_kind(&place, measure, "grant_kind", &policy->grant_kind);
	}
}

void
tier_put_measures(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
				  const void *before)
{
	const TierPolicy *opened = now;
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '{');
	for (i = 0; i < opened->nmeasures; i++)
	{
		policy_put_key(out, opened->measures[i].name);
		appendStringInfoChar(out, '{');
		policy_put_keys(out, measure_keys, &opened->measures[i], &default_measure);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, '}');
}

/* Is it just the default measure? */
bool
tier_measures_same(const PolicyKey *key, const void *policy, const void *now, const void *before)
{
	const TierPolicy *opened = now;
	const TierMeasure *measure = &opened->measures[0];

	return opened->nmeasures == 1 && strcmp(measure->name, default_measure.name) == 0 &&
		   measure->of == default_measure.of && !measure->positive_only && measure->nkinds == 0 &&
		   measure->nlabels == 0 && measure->window_text == NULL && !measure->rolls;
}

/* ---- levels ---- */

static const char *const level_keys[] = { "tier", "at", "any", "all", "keep", NULL };

#define LEVELS_WANTED "an object such as {\"Silver\": 500, \"Gold\": 2000}, or an array"

/* Levels as they are read. */
typedef struct LevelList
{
	int count;
	const char **names;
	TierLevel *levels;
} LevelList;

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
	JsonbIterator *iterator = NULL;
	JsonbValue key;
	JsonbValue value;

	prepare(object, path, JsonContainerSize(levels), list);
	while (policy_next_member(levels, &iterator, &key, &value))
	{
		TierLevel *level = &list->levels[list->count];

		put_name(object, path, pnstrdup(key.val.string.val, key.val.string.len), list);
		if (value.type != jbvNull)
			tier_read_number(object, policy, &value, policy_member_path(path, &key), &level->reach);
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
		tier_read_number(place, policy, &value, policy_path(place, "at"), &level->reach);
	else if (json_member(place->json, "any", &value) != NULL)
		tier_read_any(place, policy, &value, policy_path(place, "any"), &level->reach);
	else if (json_member(place->json, "all", &value) != NULL)
		tier_read_all(place, policy, &value, policy_path(place, "all"), &level->reach);
	level->keep = level->reach;
	if (json_member(place->json, "keep", &value) != NULL)
		tier_read_keep(place, policy, &value, &level->keep);
}

static void
read_array(const PolicyObject *object, const TierPolicy *policy, JsonbContainer *levels,
		   const char *path, LevelList *list)
{
	JsonbIterator *iterator = NULL;
	JsonbValue value;

	prepare(object, path, JsonContainerSize(levels), list);
	while (policy_next_element(levels, &iterator, &value))
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
		json_report_wrong_type(value, object->type, path, LEVELS_WANTED);
	read_array(object, policy, value->val.binary.data, path, list);
	return false;
}

/* ---- the ladder ---- */

int
tier_rank_of(const TierPolicy *policy, const char *name, int len)
{
	int rank;

	for (rank = 0; rank < policy->ntiers; rank++)
		if ((int) strlen(policy->tiers[rank]) == len && memcmp(policy->tiers[rank], name, len) == 0)
			return rank;
	return TIER_NO_RANK;
}

/* Where one measure decides, each level needs more than those below. */
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
				more->tests[0].measure != less->tests[0].measure)
				continue;
			if (decimal_compare(&more->tests[0].threshold, &less->tests[0].threshold) <= 0)
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
				decimal_compare(&list->levels[at - 1].reach.tests[0].threshold,
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

/* The policy's own: its tiers' names (that of rank 0 is left open), and what the first version
 * asks. */
static void
read_first(const PolicyObject *object, const char *path, const JsonbValue *value,
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

/* A version's: the same tiers. */
static TierLevel *
read_again(const PolicyObject *object, const char *path, const JsonbValue *value,
		   const TierPolicy *policy)
{
	TierLevel *levels = palloc(policy->ntiers * sizeof(TierLevel));
	bool by_name;
	LevelList list;
	int i;

	by_name = read_list(object, policy, value, path, &list);
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

void
tier_read_levels(const PolicyObject *object, const PolicyKey *key, void *opened, void *read)
{
	TierPolicy *policy = opened;
	TierVersion *version = read;
	const char *path = policy_path(object, key->name);
	JsonbValue value;

	if (json_member(object->json, key->name, &value) == NULL)
	{
		if (version == policy->versions)
			tier_report_no_levels(object);
	}
	else if (version == policy->versions)
		read_first(object, path, &value, policy);
	else
		version->levels = read_again(object, path, &value, policy);
}

void
tier_report_no_levels(const PolicyObject *root)
{
	json_report_wrong_type(NULL, root->type, "levels", LEVELS_WANTED);
}

/* ---- written ---- */

static void
write_level(StringInfo out, const TierPolicy *policy, const char *name, const TierLevel *level)
{
	policy_put_element(out);
	appendStringInfoChar(out, '{');
	policy_put_name(out, "tier", name);
	tier_put_reach(out, policy, &level->reach);
	if (!tier_condition_same(&level->reach, &level->keep))
		tier_put_keep(out, policy, &level->keep);
	appendStringInfoChar(out, '}');
}

/* Are levels just a name and a number each? */
static bool
levels_are_plain(const TierPolicy *policy, const TierLevel *levels)
{
	int i;

	if (policy->nmeasures > 1)
		return false;
	for (i = 0; i < policy->ntiers - 1; i++)
		if (levels[i].reach.ntests == 0 || !tier_condition_same(&levels[i].reach, &levels[i].keep))
			return false;
	return true;
}

void
tier_put_levels(StringInfo out, const PolicyKey *key, const void *opened, const void *now,
				const void *before)
{
	const TierPolicy *policy = opened;
	const TierLevel *levels = ((const TierVersion *) now)->levels;
	bool plain = levels_are_plain(policy, levels);
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, plain ? '{' : '[');
	for (i = 0; i < policy->ntiers - 1; i++)
	{
		if (plain)
			policy_put_number(out, policy->tiers[i + 1], &levels[i].reach.tests[0].threshold);
		else
			write_level(out, policy, policy->tiers[i + 1], &levels[i]);
	}
	appendStringInfoChar(out, plain ? '}' : ']');
}
