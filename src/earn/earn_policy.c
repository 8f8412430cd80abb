/*
 * earn_policy.c
 *		The rules of earning: the table of their keys, what contradicts what, and the SQL type
 *		earn_policy.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "calendar/calendar.h"
#include "earn/earn_internal.h"
#include "metric/metric.h"
#include "policy/policy.h"

/* ---- names, in the order of their enums ---- */

/* Behind the roles, another name of redemptions: that which they have in a points ledger. */
static const char *const role_names[] = {
	"purchase", "return",	"redemption",	 "paid_with_points", "join",   "birth",	   "referral",
	"earn",		"activate", "redeem_refund", "reinstate",		 "adjust", "transfer", "block",
	"unblock",	"forfeit",	"expire",		 "ignore",			 "redeem"
};
#define ROLE_REDEEM (EARN_IGNORE + 1)

static const char *const other_names[] = { "error", "ignore" };
static const char *const beyond_names[] = { "drop", "take" };
static const char *const rounding_names[] = { "truncate", "floor",	   "ceiling",
											  "half_up",  "half_down", "half_even" };
static const char *const combine_names[] = { "highest", "multiply", "add" };
static const char *const crossing_names[] = { "before", "after" };

#define DEFAULT_KINDS 8

/* Roles of kinds that nobody has to name, sorted by kind. */
static const EarnKind default_kinds[DEFAULT_KINDS] = { { EVENT_TEXT("birth"), EARN_BIRTH },
													   { EVENT_TEXT("join"), EARN_JOIN },
													   { EVENT_TEXT("paid_with_points"),
														 EARN_PAID_WITH_POINTS },
													   { EVENT_TEXT("purchase"), EARN_PURCHASE },
													   { EVENT_TEXT("redeem"), EARN_REDEMPTION },
													   { EVENT_TEXT("referral"), EARN_REFERRAL },
													   { EVENT_TEXT("return"), EARN_RETURN },
													   { EVENT_TEXT("tier_grant"), EARN_IGNORE } };

/* ---- kinds ---- */

static int
compare_kinds(const void *a, const void *b)
{
	return event_text_order(&((const EarnKind *) a)->kind, &((const EarnKind *) b)->kind);
}

/* Those given take the place of the default ones. */
static void
read_kinds(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	EarnPolicy *policy = opened;
	JsonbIterator *iterator = NULL;
	JsonbContainer *kinds = NULL;
	JsonbValue name;
	JsonbValue value;
	int i;

	if (json_member(root->json, key->name, &value) != NULL)
		kinds = json_as_object(&value, root->type, key->name);
	policy->kinds =
		palloc_extended((DEFAULT_KINDS + (kinds ? JsonContainerSize(kinds) : 0)) * sizeof(EarnKind),
						MCXT_ALLOC_HUGE);
	for (i = 0; i < DEFAULT_KINDS; i++)
		if (kinds == NULL ||
			getKeyJsonValueFromContainer(kinds, default_kinds[i].kind.bytes,
										 default_kinds[i].kind.len, &value) == NULL)
			policy->kinds[policy->nkinds++] = default_kinds[i];
	if (kinds == NULL)
		return;
	while (policy_next_member(kinds, &iterator, &name, &value))
	{
		EarnKind *kind = &policy->kinds[policy->nkinds++];
		int role;

		kind->kind.len = name.val.string.len;
		kind->kind.bytes = pnstrdup(name.val.string.val, name.val.string.len);
		role = policy_choice(root, &value, policy_member_path(key->name, &name), role_names,
							 lengthof(role_names));
		kind->role = role == ROLE_REDEEM ? EARN_REDEMPTION : (EarnRole) role;
	}
	qsort(policy->kinds, policy->nkinds, sizeof(EarnKind), compare_kinds);
}

/* Does a kind have the role that it has where nothing is said? */
static bool
is_default_kind(const EarnKind *kind)
{
	int i;

	for (i = 0; i < DEFAULT_KINDS; i++)
		if (event_text_compare(&kind->kind, &default_kinds[i].kind) == 0)
			return kind->role == default_kinds[i].role;
	return false;
}

static void
put_kinds(StringInfo out, const PolicyKey *key, const void *opened, const void *now,
		  const void *before)
{
	const EarnPolicy *policy = now;
	bool any = false;
	int i;

	for (i = 0; i < policy->nkinds; i++)
	{
		if (is_default_kind(&policy->kinds[i]))
			continue;
		if (!any)
		{
			policy_put_key(out, key->name);
			appendStringInfoChar(out, '{');
		}
		any = true;
		policy_put_name(out, policy->kinds[i].kind.bytes, role_names[policy->kinds[i].role]);
		CHECK_FOR_INTERRUPTS();
	}
	if (any)
		appendStringInfoChar(out, '}');
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
check_version(const PolicyObject *object, const PolicyKey *key, void *opened, void *read)
{
	const EarnPolicy *policy = opened;
	const EarnVersion *version = read;
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
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" of an %s has \"%.*s%s\", whose role is %s",
							policy_path(object, "excluded_kinds"), object->type,
							JSON_SHOWN(kind->kind.bytes, kind->kind.len), role_names[kind->role]),
					 errhint("Purchases and returns are excluded; \"kinds\" gives a kind the "
							 "role ignore.")));
	}
}

/* ---- the table ---- */

static const PolicyKey keys[] = {
	{ .name = "rate",
	  .type = POLICY_NUMBER_OR_ZERO,
	  .changes = true,
	  .argument = 1,
	  POLICY_AT(EarnVersion, rate),
	  .most = EARN_MAX_DECIMALS },
	{ .name = "per",
	  .type = POLICY_NUMBER,
	  .changes = true,
	  .argument = 2,
	  POLICY_AT(EarnVersion, per),
	  .most = EARN_MAX_DECIMALS },
	{ .name = "full_steps",
	  .type = POLICY_BOOL,
	  .changes = true,
	  .argument = 3,
	  POLICY_AT(EarnVersion, full_steps) },
	{ .name = "minimum",
	  .type = POLICY_NUMBER_OR_ZERO,
	  .changes = true,
	  .argument = 4,
	  POLICY_AT(EarnVersion, minimum),
	  .most = DECIMAL_MAX_SCALE },
	{ .name = "rounding",
	  .type = POLICY_CHOICE,
	  .changes = true,
	  .argument = 5,
	  POLICY_AT(EarnVersion, rounding),
	  POLICY_NAMES(rounding_names) },
	{ .name = "decimals",
	  .type = POLICY_COUNT,
	  .changes = true,
	  .argument = 6,
	  POLICY_AT(EarnVersion, decimals),
	  .most = EARN_MAX_DECIMALS,
	  .hint = "Points have from 0 to " CppAsString2(EARN_MAX_DECIMALS) " decimals." },
	{ .name = "multipliers",
	  .changes = true,
	  .argument = 7,
	  POLICY_AT(EarnVersion, rules),
	  .read = earn_read_rules,
	  .write = earn_put_rules },
	{ .name = "combine",
	  .type = POLICY_CHOICE,
	  .changes = true,
	  .argument = 8,
	  POLICY_AT(EarnVersion, combine),
	  POLICY_NAMES(combine_names) },
	{ .name = "bonuses",
	  .changes = true,
	  .argument = 9,
	  POLICY_AT(EarnVersion, bonuses),
	  .read = earn_read_bonuses,
	  .write = earn_put_bonuses },
	{ .name = "caps",
	  .changes = true,
	  .argument = 10,
	  POLICY_AT(EarnVersion, caps),
	  .read = earn_read_caps,
	  .write = earn_put_caps },
	{ .name = "max_orders",
	  .changes = true,
	  .argument = 20,
	  POLICY_AT(EarnVersion, max_orders),
	  .read = earn_read_max_orders,
	  .write = earn_put_caps },
	{ .name = "kinds", .late = true, .argument = 11, .read = read_kinds, .write = put_kinds },
	{ .name = "other_kinds",
	  .type = POLICY_CHOICE,
	  .late = true,
	  .argument = 18,
	  POLICY_AT(EarnPolicy, ignores_others),
	  POLICY_NAMES(other_names) },
	{ .name = "returns_beyond",
	  .type = POLICY_CHOICE,
	  .late = true,
	  .argument = 19,
	  POLICY_AT(EarnPolicy, takes_beyond),
	  POLICY_NAMES(beyond_names) },
	{ .name = "excluded_kinds",
	  .type = POLICY_TEXTS,
	  .changes = true,
	  .argument = 12,
	  POLICY_AT(EarnVersion, nexcluded_kinds),
	  .list = offsetof(EarnVersion, excluded_kinds) },
	{ .name = "excluded_labels",
	  .type = POLICY_TEXTS,
	  .changes = true,
	  .argument = 13,
	  POLICY_AT(EarnVersion, nexcluded_labels),
	  .list = offsetof(EarnVersion, excluded_labels) },
	{ .name = "bonuses_qualify",
	  .type = POLICY_BOOL,
	  .changes = true,
	  .argument = 14,
	  POLICY_AT(EarnVersion, bonuses_qualify) },
	{ .name = "crossing_order",
	  .type = POLICY_CHOICE,
	  .changes = true,
	  .argument = 15,
	  POLICY_AT(EarnVersion, crossing_after),
	  POLICY_NAMES(crossing_names) },
	{ .name = "zone",
	  .type = POLICY_ZONE,
	  .late = true,
	  .argument = 16,
	  POLICY_AT(EarnPolicy, zone) },
	{ .name = "versions", .type = POLICY_VERSIONS, .late = true, .argument = 17 },
	{ .name = NULL }
};

static const EarnPolicy default_policy;
static EarnBonuses no_bonuses;
static const EarnVersion default_version = { .from = DATEVAL_NOBEGIN,
											 .rate = { 1, 0 },
											 .per = { 1, 0 },
											 .bonuses = &no_bonuses,
											 .caps = EARN_NO_CAPS,
											 .max_orders = EARN_NO_CAPS };

static void
finish(void *opened)
{
	EarnPolicy *policy = opened;
	int i;

	for (i = 0; i < policy->nversions; i++)
		policy->scale = Max(policy->scale, policy->versions[i].decimals);
	earn_number_counters(policy);
	earn_number_labels(policy);
}

#define VERSION_HINT \
	"A version holds from, and any other keys but zone, kinds, other_kinds, returns_beyond, versions."

const PolicyTable earn_policy_table = {
	.type = "earn_policy",
	.null_hint = POLICY_DEFAULT_RULES("earn_policy"),
	.keys = keys,
	POLICY_STRUCTS(EarnPolicy, EarnPolicy, EarnVersion),
	.policy = &default_policy,
	.version = &default_version,
	.fixed_hint = VERSION_HINT,
	.none_hint =
		"None from then on is [] for lists, {} for bonuses, caps and max_orders, 0 for the minimum.",
	.empty_hint = VERSION_HINT,
	.check = check_version,
	.finish = finish,
};

/*
 * earn_policy_open(), loyalty_earn_policy_in, _out, _recv, _send,
 * loyalty_earn_policy, loyalty_make_earn_policy
 */
POLICY_TYPE(earn_policy, EarnPolicy)

/* ---- what an open one tells ---- */

/* Does some version exclude a kind? */
static bool
is_ever_excluded(const EarnPolicy *policy, const EventText *kind)
{
	int i;

	for (i = 0; i < policy->nversions; i++)
		if (event_text_find(kind, policy->versions[i].excluded_kinds,
							policy->versions[i].nexcluded_kinds) != NULL)
			return true;
	return false;
}

EarnRole
earn_role_of_kind(const EarnPolicy *policy, const EventText *kind)
{
	EarnKind key = { .kind = *kind };
	const EarnKind *found =
		bsearch(&key, policy->kinds, policy->nkinds, sizeof(EarnKind), compare_kinds);

	if (found != NULL)
		return found->role;
	return is_ever_excluded(policy, kind) ? EARN_BY_SIGN : EARN_UNKNOWN;
}

char *
earn_role_list(void)
{
	StringInfoData list;
	int i;

	initStringInfo(&list);
	for (i = 0; i <= EARN_IGNORE; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", role_names[i]);
	return list.data;
}

const EarnVersion *
earn_version_on(const EarnPolicy *policy, DateADT day)
{
	return &policy->versions[policy_version_on(policy->versions, policy->nversions,
											   sizeof(EarnVersion), day)];
}

void
earn_policy_names(const EarnPolicy *policy, MetricNames *names)
{
	int i;
	int n;

	for (i = 0; i < policy->nkinds; i++)
		if (!is_default_kind(&policy->kinds[i]))
			metric_add_name(names, false, &policy->kinds[i].kind);
	for (i = 0; i < policy->nversions; i++)
	{
		const EarnVersion *version = &policy->versions[i];

		for (n = 0; n < version->nrules; n++)
			metric_add_names(names, true, version->rules[n].labels, version->rules[n].nlabels);
		metric_add_names(names, false, version->excluded_kinds, version->nexcluded_kinds);
		metric_add_names(names, true, version->excluded_labels, version->nexcluded_labels);
	}
}
