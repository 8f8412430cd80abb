/*
 * earn_policy.c
 *		The rules of earning: the table of their keys, what contradicts what, the counters of
 *		their caps, and the SQL type earn_policy.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "calendar/calendar.h"
#include "earn/earn_internal.h"
#include "metric/metric.h"
#include "policy/policy.h"

/* ---- names, in the order of their enums ---- */

/* Behind the roles, another name of redemptions: that which they have in a points ledger. */
static const char *const role_names[] = { "purchase",		  "return",	  "redemption",
										  "paid_with_points", "join",	  "birth",
										  "referral",		  "earn",	  "redeem_refund",
										  "adjust",			  "transfer", "forfeit",
										  "expire",			  "ignore",	  "redeem" };
#define ROLE_REDEEM (EARN_IGNORE + 1)

static const char *const other_names[] = { "error", "ignore" };
static const char *const beyond_names[] = { "drop", "take" };
static const char *const rounding_names[] = { "truncate", "floor",	   "ceiling",
											  "half_up",  "half_down", "half_even" };
static const char *const combine_names[] = { "highest", "multiply", "add" };
static const char *const crossing_names[] = { "before", "after" };

/* Those ended by NULL are the keys of an object, too. */
static const char *const span_names[] = { "order", "day", "month", "year", "lifetime", NULL };
const char *const earn_bonus_names[] = { "joining",	 "first_purchase", "birthday", "anniversary",
										 "referral", "nth_purchase",   NULL };
const char *const earn_weekday_names[] = { "monday", "tuesday",	 "wednesday", "thursday",
										   "friday", "saturday", "sunday" };

#define ALL_WEEKDAYS 0x7F
#define MATTERS_HINT "Leave it out where it doesn't matter."

/* Caps of nothing. */
#define EARN_NO_CAPS                                    \
	{                                                   \
		false,                                          \
		{                                               \
			{ -1, 0 }, { -1, 0 }, { -1, 0 }, { -1, 0 }, \
			{                                           \
				-1, 0                                   \
			}                                           \
		}                                               \
	}

/* The caps that a key's row has in its struct. */
#define CAPS_OF(key, owner) ((EarnCaps *) ((char *) (owner) + (key)->at))

#define DEFAULT_KINDS		8

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

/* ---- caps ---- */

static void
read_caps(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	EarnCaps *caps = CAPS_OF(key, key->changes ? version : policy);
	JsonbValue value;
	PolicyObject place;
	int i;

	if (json_member(object->json, key->name, &value) == NULL)
		return;
	policy_enter(object, &value, policy_path(object, key->name), &place);
	policy_check_keys(&place, span_names);
	caps->any = false;
	for (i = 0; i < EARN_SPANS; i++)
	{
		caps->most[i].units = -1;
		caps->most[i].scale = 0;
		if (policy_get_number(&place, span_names[i], EARN_MAX_DECIMALS, true, &caps->most[i]))
			caps->any = true;
	}
}

static void
put_caps(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		 const void *before)
{
	const EarnCaps *caps = CAPS_OF(key, now);
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '{');
	for (i = 0; i < EARN_SPANS; i++)
		if (caps->most[i].units >= 0)
			policy_put_number(out, span_names[i], &caps->most[i]);
	appendStringInfoChar(out, '}');
}

/* ---- multipliers ---- */

static void
check_name(const PolicyObject *object, const PolicyKey *key, void *rule, void *none)
{
	const char *name = ((const EarnRule *) rule)->name;

	if (name != NULL && name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of an %s is empty", policy_path(object, key->name), object->type)));
}

static void
check_until(const PolicyObject *object, const PolicyKey *key, void *read, void *none)
{
	const EarnRule *rule = read;

	if (rule->from >= rule->until)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s is %s, which isn't after \"from\", %s",
							   policy_path(object, key->name), object->type, day_text(rule->until),
							   day_text(rule->from)),
						errhint("\"until\" is the first day on which it doesn't hold any more.")));
}

static void
read_weekdays(const PolicyObject *object, const PolicyKey *key, void *read, void *none)
{
	EarnRule *rule = read;
	const char *path = policy_path(object, key->name);
	JsonbIterator *iterator = NULL;
	JsonbContainer *list;
	JsonbValue value;

	if (json_member(object->json, key->name, &value) == NULL)
		return;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of an %s is empty", path, object->type), errhint(MATTERS_HINT)));
	while (policy_next_element(list, &iterator, &value))
	{
		int day =
			policy_choice(object, &value, path, earn_weekday_names, lengthof(earn_weekday_names));

		if (rule->weekdays & (1 << day))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of an %s has \"%s\" twice", path, object->type,
								   earn_weekday_names[day]),
							errhint("Leave one of them out.")));
		rule->weekdays |= (uint8) (1 << day);
	}
	if (rule->weekdays == ALL_WEEKDAYS)
		rule->weekdays = 0;
}

static void
put_weekdays(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			 const void *before)
{
	const EarnRule *rule = now;
	int day;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '[');
	for (day = 0; day < (int) lengthof(earn_weekday_names); day++)
		if (rule->weekdays & (1 << day))
		{
			policy_put_element(out);
			appendStringInfo(out, "\"%s\"", earn_weekday_names[day]);
		}
	appendStringInfoChar(out, ']');
}

/* HH:MM or HH:MM:SS, up to 24:00; -1: something else. */
static int32
time_of_day(const char *text)
{
	IsoScan scan = iso_scan(text, strlen(text));
	int hour;
	int minute;
	int second = 0;

	if (!iso_take_number(&scan, 2, 2, &hour) || !iso_take(&scan, ':') ||
		!iso_take_number(&scan, 2, 2, &minute) ||
		(iso_take(&scan, ':') && !iso_take_number(&scan, 2, 2, &second)) || scan.at != scan.end ||
		minute >= MINS_PER_HOUR || second >= SECS_PER_MINUTE)
		return -1;
	second += hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE;
	return second <= SECS_PER_DAY ? second : -1;
}

static int32
read_time(const PolicyObject *object, JsonbContainer *list, int i, const char *path)
{
	char *text = json_as_string(getIthJsonbValueFromContainer(list, i), object->type, path);
	int32 seconds = time_of_day(text);

	if (seconds < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s has no time of day in \"%.*s%s\"", path,
							   object->type, JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write HH:MM, from 00:00 to 24:00.")));
	return seconds;
}

static void
read_hours(const PolicyObject *object, const PolicyKey *key, void *read, void *none)
{
	EarnRule *rule = read;
	const char *path = policy_path(object, key->name);
	JsonbValue value;
	JsonbContainer *list;

	if (json_member(object->json, key->name, &value) == NULL)
		return;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) != 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s is not two times of day", path, object->type),
						errhint("Write [\"17:00\", \"19:00\"]; the second is exclusive.")));
	rule->hours_from = read_time(object, list, 0, path) % SECS_PER_DAY;
	rule->hours_until = read_time(object, list, 1, path);
	if (rule->hours_until == 0)
		rule->hours_until = SECS_PER_DAY;
	if (rule->hours_from == rule->hours_until)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s begin when they end", path, object->type),
						errhint("Leave them out where the time of day doesn't matter.")));
	rule->has_hours = rule->hours_from != 0 || rule->hours_until != SECS_PER_DAY;
	if (!rule->has_hours)
		rule->hours_until = 0;
}

static void
put_time(StringInfo out, int32 seconds)
{
	policy_put_element(out);
	appendStringInfo(out, "\"%02d:%02d", seconds / SECS_PER_HOUR,
					 seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	if (seconds % SECS_PER_MINUTE != 0)
		appendStringInfo(out, ":%02d", seconds % SECS_PER_MINUTE);
	appendStringInfoChar(out, '"');
}

static void
put_hours(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		  const void *before)
{
	const EarnRule *rule = now;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '[');
	put_time(out, rule->hours_from);
	put_time(out, rule->hours_until);
	appendStringInfoChar(out, ']');
}

static const PolicyKey rule_keys[] = {
	{ .name = "times",
	  .type = POLICY_NUMBER_OR_ZERO,
	  .required = true,
	  POLICY_AT(EarnRule, times),
	  .most = EARN_MAX_DECIMALS },
	{ .name = "name", .type = POLICY_TEXT, POLICY_AT(EarnRule, name), .check = check_name },
	{ .name = "labels",
	  .type = POLICY_TEXTS,
	  POLICY_AT(EarnRule, nlabels),
	  .list = offsetof(EarnRule, labels),
	  .hint = MATTERS_HINT },
	{ .name = "tiers",
	  .type = POLICY_TEXTS,
	  POLICY_AT(EarnRule, ntiers),
	  .list = offsetof(EarnRule, tiers),
	  .hint = MATTERS_HINT },
	{ .name = "from", .type = POLICY_DAY, POLICY_AT(EarnRule, from) },
	{ .name = "until", .type = POLICY_DAY, POLICY_AT(EarnRule, until), .check = check_until },
	{ .name = "weekdays",
	  POLICY_AT(EarnRule, weekdays),
	  .read = read_weekdays,
	  .write = put_weekdays },
	{ .name = "hours", .read = read_hours, .write = put_hours },
	{ .name = "cap", POLICY_AT(EarnRule, cap), .read = read_caps, .write = put_caps },
	{ .name = NULL }
};

static const EarnRule default_rule = {
	.from = DATEVAL_NOBEGIN, .until = DATEVAL_NOEND, .cap = EARN_NO_CAPS, .counter = -1
};

static void
refuse_names_twice(const PolicyObject *object, const char *path, const EarnRule *rules, int nrules)
{
	int i;
	int j;

	for (i = 0; i < nrules; i++)
		for (j = 0; j < i; j++)
			if (rules[i].name != NULL && rules[j].name != NULL &&
				strcmp(rules[i].name, rules[j].name) == 0)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("\"%s\" of an %s has two of the name \"%.*s%s\"", path,
									   object->type,
									   JSON_SHOWN(rules[i].name, (int) strlen(rules[i].name)))));
}

static void
read_rules(const PolicyObject *object, const PolicyKey *key, void *policy, void *read)
{
	EarnVersion *version = read;
	const char *path = policy_path(object, key->name);
	JsonbValue value;
	JsonbContainer *list;
	int i;

	if (json_member(object->json, key->name, &value) == NULL)
		return;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) > EARN_MAX_MULTIPLIERS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("\"%s\" of an %s has %u multipliers", path, object->type,
							   JsonContainerSize(list)),
						errhint("At most %d are possible.", EARN_MAX_MULTIPLIERS)));
	version->nrules = (int) JsonContainerSize(list);
	version->rules = palloc((version->nrules + 1) * sizeof(EarnRule));
	for (i = 0; i < version->nrules; i++)
	{
		PolicyObject place;

		policy_enter(object, getIthJsonbValueFromContainer(list, i), psprintf("%s[%d]", path, i),
					 &place);
		policy_check_members(&place, rule_keys);
		version->rules[i] = default_rule;
		policy_read_keys(&place, rule_keys, &version->rules[i], NULL);
	}
	refuse_names_twice(object, path, version->rules, version->nrules);
}

static void
put_rules(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		  const void *before)
{
	const EarnVersion *version = now;
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '[');
	for (i = 0; i < version->nrules; i++)
	{
		policy_put_element(out);
		appendStringInfoChar(out, '{');
		policy_put_keys(out, rule_keys, &version->rules[i], &default_rule);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/* ---- bonuses ---- */

static void
check_bonus_cap(const PolicyObject *object, const PolicyKey *key, void *bonus, void *none)
{
	if (CAPS_OF(key, bonus)->most[EARN_ORDER].units >= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s.order\" of an %s makes no sense",
							   policy_path(object, key->name), object->type),
						errhint("A bonus is no order. Its cap is of day, month, year, lifetime.")));
}

static void
check_nth(const PolicyObject *object, const PolicyKey *key, void *nth, void *none)
{
	if (((const EarnNth *) nth)->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of an %s is 0", policy_path(object, key->name), object->type),
				 errhint("The first purchase is number 1.")));
}

/* What both forms of a bonus have, in a struct with one. */
#define POINTS_KEY(struct_type, field)                                                            \
	{                                                                                             \
		.name = "points", .type = POLICY_NUMBER, .required = true, POLICY_AT(struct_type, field), \
		.most = EARN_MAX_DECIMALS                                                                 \
	}
#define CAP_KEY(struct_type, field)                                                         \
	{                                                                                       \
		.name = "cap", POLICY_AT(struct_type, field), .read = read_caps, .write = put_caps, \
		.check = check_bonus_cap                                                            \
	}

static const PolicyKey bonus_keys[] = { POINTS_KEY(EarnBonus, points),
										CAP_KEY(EarnBonus, cap),
										{ .name = NULL } };
static const PolicyKey nth_keys[] = {
	{ .name = "n",
	  .type = POLICY_COUNT,
	  .required = true,
	  POLICY_AT(EarnNth, n),
	  .check = check_nth },
	POINTS_KEY(EarnNth, bonus.points),
	{ .name = "every", .type = POLICY_BOOL, POLICY_AT(EarnNth, every) },
	CAP_KEY(EarnNth, bonus.cap),
	{ .name = NULL }
};

static const EarnBonus no_bonus = { .cap = EARN_NO_CAPS, .counter = -1 };
static const EarnNth no_nth = { .bonus = { .cap = EARN_NO_CAPS, .counter = -1 } };

static void
read_bonus(const PolicyObject *object, const char *key, EarnBonus *bonus)
{
	const char *path = policy_path(object, key);
	JsonbValue value;
	PolicyObject place;

	if (json_member(object->json, key, &value) == NULL)
		return;
	if (value.type == jbvNumeric)
	{
		bonus->points = policy_number(object, &value, path, EARN_MAX_DECIMALS, false);
		return;
	}
	if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
		json_report_wrong_type(&value, object->type, path, "a number or an object");
	policy_enter(object, &value, path, &place);
	policy_check_members(&place, bonus_keys);
	policy_read_keys(&place, bonus_keys, bonus, NULL);
}

static int
compare_nth(const void *a, const void *b)
{
	const EarnNth *x = a;
	const EarnNth *y = b;

	return x->n < y->n ? -1 : x->n > y->n;
}

static void
read_nth(const PolicyObject *object, EarnBonuses *bonuses)
{
	const char *path = policy_path(object, earn_bonus_names[EARN_NTH_PURCHASE]);
	JsonbValue value;
	JsonbContainer *list;
	int i;

	if (json_member(object->json, earn_bonus_names[EARN_NTH_PURCHASE], &value) == NULL)
		return;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) > EARN_MAX_NTH)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("\"%s\" of an %s has %u bonuses", path, object->type,
							   JsonContainerSize(list)),
						errhint("At most %d are possible.", EARN_MAX_NTH)));
	bonuses->nnth = (int) JsonContainerSize(list);
	bonuses->nth = palloc((bonuses->nnth + 1) * sizeof(EarnNth));
	for (i = 0; i < bonuses->nnth; i++)
	{
		PolicyObject place;

		policy_enter(object, getIthJsonbValueFromContainer(list, i), psprintf("%s[%d]", path, i),
					 &place);
		policy_check_members(&place, nth_keys);
		bonuses->nth[i] = no_nth;
		policy_read_keys(&place, nth_keys, &bonuses->nth[i], NULL);
	}
	qsort(bonuses->nth, bonuses->nnth, sizeof(EarnNth), compare_nth);
	for (i = 1; i < bonuses->nnth; i++)
		if (bonuses->nth[i].n == bonuses->nth[i - 1].n)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of an %s has the purchase " INT64_FORMAT " twice", path,
								   object->type, bonuses->nth[i].n),
							errhint("Leave one of them out.")));
}

/* The first version's are its own in any case: they count what is given against caps. */
static void
read_bonuses(const PolicyObject *object, const PolicyKey *key, void *opened, void *read)
{
	const EarnPolicy *policy = opened;
	EarnVersion *version = read;
	bool there = policy_has(object, key->name);
	JsonbValue value;
	PolicyObject place;
	int i;

	if (!there && version > policy->versions)
		return;
	version->bonuses = palloc0(sizeof(EarnBonuses));
	for (i = 0; i < EARN_NTH_PURCHASE; i++)
		version->bonuses->fixed[i] = no_bonus;
	if (!there)
		return;
	policy_enter(object, json_member(object->json, key->name, &value),
				 policy_path(object, key->name), &place);
	policy_check_keys(&place, earn_bonus_names);
	for (i = 0; i < EARN_NTH_PURCHASE; i++)
		read_bonus(&place, earn_bonus_names[i], &version->bonuses->fixed[i]);
	read_nth(&place, version->bonuses);
}

static void
put_bonuses(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			const void *before)
{
	const EarnBonuses *bonuses = ((const EarnVersion *) now)->bonuses;
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '{');
	for (i = 0; i < EARN_NTH_PURCHASE; i++)
	{
		const EarnBonus *bonus = &bonuses->fixed[i];

		if (bonus->points.units == 0)
			continue;
		if (!bonus->cap.any)
		{
			policy_put_number(out, earn_bonus_names[i], &bonus->points);
			continue;
		}
		policy_put_key(out, earn_bonus_names[i]);
		appendStringInfoChar(out, '{');
		policy_put_keys(out, bonus_keys, bonus, &no_bonus);
		appendStringInfoChar(out, '}');
	}
	if (bonuses->nnth > 0)
	{
		policy_put_key(out, earn_bonus_names[EARN_NTH_PURCHASE]);
		appendStringInfoChar(out, '[');
		for (i = 0; i < bonuses->nnth; i++)
		{
			policy_put_element(out);
			appendStringInfoChar(out, '{');
			policy_put_keys(out, nth_keys, &bonuses->nth[i], &no_nth);
			appendStringInfoChar(out, '}');
		}
		appendStringInfoChar(out, ']');
	}
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
		check_decimals(object, version, &caps->most[i], psprintf("%s.%s", path, span_names[i]));
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

/* ---- counters ---- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static int
compare_counts(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* Those of multipliers: of a name, whatever the version; one without a name has its own. */
static void
number_rules(EarnPolicy *policy)
{
	int64 max = 0;
	int64 nnames = 0;
	int64 distinct = 0;
	int unnamed = 0;
	const char **names;
	int v;
	int i;

	for (v = 0; v < policy->nversions; v++)
		max += policy->versions[v].nrules;
	names = palloc_extended((max + 1) * sizeof(char *), MCXT_ALLOC_HUGE);
	for (v = 0; v < policy->nversions; v++)
		for (i = 0; i < policy->versions[v].nrules; i++)
			if (policy->versions[v].rules[i].cap.any && policy->versions[v].rules[i].name != NULL)
				names[nnames++] = policy->versions[v].rules[i].name;
	qsort(names, nnames, sizeof(char *), compare_names);
	for (i = 0; i < nnames; i++)
		if (distinct == 0 || strcmp(names[distinct - 1], names[i]) != 0)
			names[distinct++] = names[i];
	for (v = 0; v < policy->nversions; v++)
	{
		EarnVersion *version = &policy->versions[v];

		if (v > 0 && version->rules == version[-1].rules)
			continue;
		for (i = 0; i < version->nrules; i++)
		{
			EarnRule *rule = &version->rules[i];
			const char **found = NULL;

			if (rule->name != NULL)
				found = bsearch(&rule->name, names, distinct, sizeof(char *), compare_names);
			if (found != NULL)
				rule->counter = policy->ncounters + (int) (found - names);
			else if (rule->cap.any && rule->name == NULL)
				rule->counter = policy->ncounters + (int) distinct + unnamed++;
		}
		CHECK_FOR_INTERRUPTS();
	}
	policy->ncounters += (int) distinct + unnamed;
	pfree(names);
}

/* Those of the n-th purchase: of the n, whatever the version. */
static void
number_nth(EarnPolicy *policy)
{
	int64 max = 0;
	int64 count = 0;
	int64 distinct = 0;
	int64 *numbers;
	int v;
	int i;

	for (v = 0; v < policy->nversions; v++)
		max += policy->versions[v].bonuses->nnth;
	numbers = palloc_extended((max + 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	for (v = 0; v < policy->nversions; v++)
		for (i = 0; i < policy->versions[v].bonuses->nnth; i++)
			if (policy->versions[v].bonuses->nth[i].bonus.cap.any)
				numbers[count++] = policy->versions[v].bonuses->nth[i].n;
	qsort(numbers, count, sizeof(int64), compare_counts);
	for (i = 0; i < count; i++)
		if (distinct == 0 || numbers[distinct - 1] != numbers[i])
			numbers[distinct++] = numbers[i];
	for (v = 0; v < policy->nversions; v++)
		for (i = 0; i < policy->versions[v].bonuses->nnth; i++)
		{
			EarnNth *nth = &policy->versions[v].bonuses->nth[i];
			int64 *found = bsearch(&nth->n, numbers, distinct, sizeof(int64), compare_counts);

			if (found != NULL)
				nth->bonus.counter = policy->ncounters + (int) (found - numbers);
		}
	policy->ncounters += (int) distinct;
	pfree(numbers);
}

static void
number_counters(EarnPolicy *policy)
{
	int sort;
	int v;

	policy->ncounters = 1;
	for (sort = 0; sort < EARN_NTH_PURCHASE; sort++)
	{
		bool any = false;

		for (v = 0; v < policy->nversions; v++)
			any |= policy->versions[v].bonuses->fixed[sort].cap.any;
		for (v = 0; v < policy->nversions && any; v++)
			policy->versions[v].bonuses->fixed[sort].counter = policy->ncounters;
		policy->ncounters += any;
	}
	number_nth(policy);
	number_rules(policy);
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
	  .read = read_rules,
	  .write = put_rules },
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
	  .read = read_bonuses,
	  .write = put_bonuses },
	{ .name = "caps",
	  .changes = true,
	  .argument = 10,
	  POLICY_AT(EarnVersion, caps),
	  .read = read_caps,
	  .write = put_caps },
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
											 .caps = EARN_NO_CAPS };

static void
finish(void *opened)
{
	EarnPolicy *policy = opened;
	int i;

	for (i = 0; i < policy->nversions; i++)
		policy->scale = Max(policy->scale, policy->versions[i].decimals);
	number_counters(policy);
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
	.none_hint = "None from then on is [] for lists, {} for bonuses and caps, 0 for the minimum.",
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
