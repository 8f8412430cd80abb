/*
 * earn_policy.c
 *		The rules of earning from JSON: reading and checking. Their parts are read in
 *		earn_rules.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "calendar/calendar.h"
#include "earn/earn_policy.h"

static const char *const policy_keys[] = { "rate",
										   "per",
										   "full_steps",
										   "minimum",
										   "rounding",
										   "decimals",
										   "multipliers",
										   "combine",
										   "bonuses",
										   "caps",
										   "kinds",
										   "excluded_kinds",
										   "excluded_labels",
										   "bonuses_qualify",
										   "crossing_order",
										   "zone",
										   "versions",
										   NULL };
/* Those that can change from a day on, in the order of EarnKey. */
#define CHANGING_KEYS                                                                         \
	"rate", "per", "full_steps", "minimum", "rounding", "decimals", "multipliers", "combine", \
		"bonuses", "caps", "excluded_kinds", "excluded_labels", "bonuses_qualify",            \
		"crossing_order"

static const char *const version_keys[] = { "from", CHANGING_KEYS, NULL };
const char *const earn_key_names[] = { CHANGING_KEYS };

#define VERSION_HINT "A version holds from, and any other keys but zone, kinds, versions."

static const PolicyVersionKeys version_rules = {
	.policy = policy_keys,
	.version = version_keys,
	.fixed_hint = VERSION_HINT,
	.null_hint = "None from then on is [] for lists, {} for bonuses and caps, 0 for the minimum.",
	.empty_hint = VERSION_HINT,
};

const char *const earn_role_names[] = { "purchase", "return", "redemption", "paid_with_points",
										"join",		"birth",  "referral",	"ignore" };
const char *const earn_rounding_names[] = { "truncate", "floor",	 "ceiling",
											"half_up",	"half_down", "half_even" };
const char *const earn_combine_names[] = { "highest", "multiply", "add" };
const char *const earn_crossing_names[] = { "before", "after" };

#define TEXT(literal)                \
	{                                \
		literal, sizeof(literal) - 1 \
	}

const EarnKind earn_default_kinds[] = { { TEXT("birth"), EARN_BIRTH },
										{ TEXT("join"), EARN_JOIN },
										{ TEXT("paid_with_points"), EARN_PAID_WITH_POINTS },
										{ TEXT("redeem"), EARN_REDEMPTION },
										{ TEXT("referral"), EARN_REFERRAL } };

#define NO_CAPS                                         \
	{                                                   \
		false,                                          \
		{                                               \
			{ -1, 0 }, { -1, 0 }, { -1, 0 }, { -1, 0 }, \
			{                                           \
				-1, 0                                   \
			}                                           \
		}                                               \
	}

static EarnBonuses no_bonuses = { .nnth = 0 };

const EarnVersion earn_default_version = { .from = DATEVAL_NOBEGIN,
										   .rate = { 1, 0 },
										   .per = { 1, 0 },
										   .bonuses = &no_bonuses,
										   .caps = NO_CAPS };

/* ---- kinds ---- */

static int
compare_kinds(const void *a, const void *b)
{
	return event_text_order(&((const EarnKind *) a)->kind, &((const EarnKind *) b)->kind);
}

/* Those given take the place of the default ones. */
static void
read_kinds(const PolicyObject *root, EarnPolicy *policy)
{
	JsonbValue key;
	JsonbValue value;
	JsonbContainer *kinds = NULL;
	JsonbIterator *iterator;
	int i;

	if (json_member(root->json, "kinds", &value) != NULL)
		kinds = json_as_object(&value, root->type, "kinds");
	policy->kinds = palloc_extended((EARN_DEFAULT_KINDS + (kinds ? JsonContainerSize(kinds) : 0)) *
										sizeof(EarnKind),
									MCXT_ALLOC_HUGE);
	for (i = 0; i < EARN_DEFAULT_KINDS; i++)
		if (kinds == NULL ||
			getKeyJsonValueFromContainer(kinds, earn_default_kinds[i].kind.bytes,
										 earn_default_kinds[i].kind.len, &value) == NULL)
			policy->kinds[policy->nkinds++] = earn_default_kinds[i];
	if (kinds == NULL)
		return;
	iterator = JsonbIteratorInit(kinds);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		EarnKind *kind = &policy->kinds[policy->nkinds++];
		const char *path =
			psprintf("kinds.%.*s%s", JSON_SHOWN(key.val.string.val, key.val.string.len));

		(void) JsonbIteratorNext(&iterator, &value, true);
		kind->kind.len = key.val.string.len;
		kind->kind.bytes = pnstrdup(key.val.string.val, key.val.string.len);
		kind->role = (EarnRole) policy_choice(root, &value, path, earn_role_names,
											  lengthof(earn_role_names));
		CHECK_FOR_INTERRUPTS();
	}
	qsort(policy->kinds, policy->nkinds, sizeof(EarnKind), compare_kinds);
}

/* ---- what a version and the policy itself may both say ---- */

/* Reads it over what holds without it. */
static void
read_version(const PolicyObject *object, EarnVersion *version)
{
	JsonbValue value;
	int number;

	(void) earn_get_number(object, "rate", EARN_MAX_DECIMALS, true, &version->rate);
	(void) earn_get_number(object, "per", EARN_MAX_DECIMALS, false, &version->per);
	(void) policy_get_bool(object, "full_steps", &version->full_steps);
	(void) earn_get_number(object, "minimum", DECIMAL_MAX_SCALE, true, &version->minimum);
	if (policy_get_choice(object, "rounding", earn_rounding_names, lengthof(earn_rounding_names),
						  &number))
		version->rounding = (EarnRounding) number;
	if (json_member(object->json, "decimals", &value) != NULL)
	{
		int64 decimals = json_as_count(&value, object->type, policy_path(object, "decimals"));

		if (decimals > EARN_MAX_DECIMALS)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of an %s is " INT64_FORMAT,
								   policy_path(object, "decimals"), object->type, decimals),
							errhint("Points have from 0 to %d decimals.", EARN_MAX_DECIMALS)));
		version->decimals = (int) decimals;
	}
	(void) earn_get_rules(object, &version->nrules, &version->rules);
	if (policy_get_choice(object, "combine", earn_combine_names, lengthof(earn_combine_names),
						  &number))
		version->combine = (EarnCombine) number;
	(void) earn_get_bonuses(object, &version->bonuses);
	(void) earn_get_caps(object, "caps", &version->caps);
	(void) earn_get_texts(object, "excluded_kinds", true, &version->nexcluded_kinds,
						  &version->excluded_kinds);
	(void) earn_get_texts(object, "excluded_labels", true, &version->nexcluded_labels,
						  &version->excluded_labels);
	(void) policy_get_bool(object, "bonuses_qualify", &version->bonuses_qualify);
	if (policy_get_choice(object, "crossing_order", earn_crossing_names,
						  lengthof(earn_crossing_names), &number))
		version->crossing_after = number == 1;
}

/* ---- what contradicts itself ---- */

static void
check_decimals(const PolicyObject *object, const EarnVersion *version, const Decimal *number,
			   const char *path)
{
	if (number->units > 0 && number->scale > version->decimals)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s is %s, where points have %d decimals",
							   policy_path(object, path), object->type,
							   decimal_to_text(number->units, number->scale), version->decimals),
						errhint("\"decimals\" says how many points have.")));
}

static void
check_caps(const PolicyObject *object, const EarnVersion *version, const EarnCaps *caps,
		   const char *path)
{
	int i;

	for (i = 0; caps->any && i < EARN_SPANS; i++)
		check_decimals(object, version, &caps->most[i],
					   psprintf("%s.%s", path, earn_span_names[i]));
}

/* Everything that points are counted in must be points. */
static void
check_points(const PolicyObject *object, const EarnVersion *version)
{
	int i;

	check_caps(object, version, &version->caps, "caps");
	for (i = 0; i < version->nrules; i++)
		if (version->rules[i].cap.any)
			check_caps(object, version, &version->rules[i].cap, psprintf("multipliers[%d].cap", i));
	for (i = 0; i < EARN_NTH_PURCHASE; i++)
	{
		const EarnBonus *bonus = &version->bonuses->fixed[i];

		check_decimals(object, version, &bonus->points,
					   psprintf("bonuses.%s", earn_bonus_names[i]));
		if (bonus->cap.any)
			check_caps(object, version, &bonus->cap,
					   psprintf("bonuses.%s.cap", earn_bonus_names[i]));
	}
	for (i = 0; i < version->bonuses->nnth; i++)
	{
		const EarnBonus *bonus = &version->bonuses->nth[i].bonus;

		check_decimals(object, version, &bonus->points,
					   psprintf("bonuses.nth_purchase[%d].points", i));
		if (bonus->cap.any)
			check_caps(object, version, &bonus->cap, psprintf("bonuses.nth_purchase[%d].cap", i));
	}
}

static void
check_version(const PolicyObject *object, const EarnPolicy *policy, const EarnVersion *version)
{
	int scale = 0;
	int i;

	check_points(object, version);
	for (i = 0; i < version->nrules; i++)
		scale += version->rules[i].times.scale;
	if (version->combine == EARN_MULTIPLY && scale > DECIMAL_MAX_SCALE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s have %d decimals together",
							   policy_path(object, "multipliers"), object->type, scale),
						errhint("With \"combine\": \"multiply\" at most %d are possible.",
								DECIMAL_MAX_SCALE)));
	for (i = 0; i < version->nexcluded_kinds; i++)
	{
		const EarnKind *kind = bsearch(&version->excluded_kinds[i], policy->kinds, policy->nkinds,
									   sizeof(EarnKind), compare_kinds);

		if (kind != NULL && kind->role != EARN_PURCHASE && kind->role != EARN_RETURN)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of an %s has \"%.*s%s\", whose role is %s",
						policy_path(object, "excluded_kinds"), object->type,
						JSON_SHOWN(kind->kind.bytes, kind->kind.len), earn_role_names[kind->role]),
				 errhint("Purchases and returns are excluded; \"kinds\" gives a kind the "
						 "role ignore.")));
	}
}

/* ---- versions ---- */

static bool
changes_anything(const EarnVersion *version, const EarnVersion *before)
{
	int key;

	for (key = 0; key < EARN_KEYS; key++)
		if (!earn_key_same(version, before, (EarnKey) key))
			return true;
	return false;
}

/* Reads the dated versions, each over the one before. Those that change nothing are left out. */
static void
read_versions(const PolicyObject *root, EarnPolicy *policy)
{
	PolicyVersions versions;
	uint32 count = policy_versions_open(&versions, root, &version_rules);

	policy->versions = repalloc_huge(policy->versions, (count + 1) * sizeof(EarnVersion));
	while (policy_versions_next(&versions))
	{
		EarnVersion *before = &policy->versions[policy->nversions - 1];
		EarnVersion *version = before + 1;

		*version = *before;
		version->from = versions.from;
		read_version(&versions.object, version);
		check_version(&versions.object, policy, version);
		if (earn_key_same(version, before, EARN_KEY_MULTIPLIERS))
			version->rules = before->rules;
		if (changes_anything(version, before))
			policy->nversions++;
	}
}

/* ---- the whole ---- */

EarnPolicy *
earn_policy_read(JsonbContainer *json)
{
	EarnPolicy *policy = palloc0(sizeof(EarnPolicy));
	PolicyObject root = { json, EARN_POLICY_TYPE, "" };
	PolicyObject nothing = { json_parse_object("{\"bonuses\": {}}", EARN_POLICY_TYPE),
							 EARN_POLICY_TYPE, "" };
	int i;

	policy_check_keys(&root, policy_keys);
	(void) policy_get_zone(&root, "zone", &policy->zone);
	read_kinds(&root, policy);
	policy->versions = palloc(sizeof(EarnVersion));
	policy->versions[0] = earn_default_version;
	policy->nversions = 1;
	(void) earn_get_bonuses(&nothing, &policy->versions[0].bonuses);
	read_version(&root, &policy->versions[0]);
	check_version(&root, policy, &policy->versions[0]);
	read_versions(&root, policy);
	for (i = 0; i < policy->nversions; i++)
		policy->scale = Max(policy->scale, policy->versions[i].decimals);
	earn_number_counters(policy);
	return policy;
}

/* ---- opening, and what an open one tells ---- */

EarnPolicy *
earn_policy_open(const struct varlena *policy)
{
	return earn_policy_read(json_parse_object(policy_unpack(policy), EARN_POLICY_TYPE));
}

const EarnVersion *
earn_version_on(const EarnPolicy *policy, DateADT day)
{
	return &policy->versions[policy_version_on(policy->versions, policy->nversions,
											   sizeof(EarnVersion), day)];
}
