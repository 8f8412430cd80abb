/*
 * earn_rules.c
 *		What a policy's caps, multipliers and bonuses are made of: reading and writing them, and the
 *		counters of what each cap has let through.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "calendar/calendar.h"
#include "earn/earn_internal.h"
#include "policy/policy.h"

/* ---- names, in the order of their enums ---- */

/* Those ended by NULL are the keys of an object, too. */
const char *const earn_span_names[] = { "order", "day", "month", "year", "lifetime", NULL };
const char *const earn_bonus_names[] = { "joining",	 "first_purchase", "birthday", "anniversary",
										 "referral", "nth_purchase",   NULL };
const char *const earn_weekday_names[] = { "monday", "tuesday",	 "wednesday", "thursday",
										   "friday", "saturday", "sunday" };

#define ALL_WEEKDAYS		0x7F
#define MATTERS_HINT		"Leave it out where it doesn't matter."

/* The caps that a key's row has in its struct. */
#define CAPS_OF(key, owner) ((EarnCaps *) ((char *) (owner) + (key)->at))

/* ---- caps ---- */

/* The object of caps of the spans from one on; false where there is none. None caps yet. */
static bool
enter_caps(const PolicyObject *object, const PolicyKey *key, EarnSpan first, EarnCaps *caps,
		   PolicyObject *place)
{
	JsonbValue value;
	int i;

	if (json_member(object->json, key->name, &value) == NULL)
		return false;
	policy_enter(object, &value, policy_path(object, key->name), place);
	policy_check_keys(place, earn_span_names + first);
	caps->any = false;
	for (i = 0; i < EARN_SPANS; i++)
	{
		caps->most[i].units = -1;
		caps->most[i].scale = 0;
	}
	return true;
}

void
earn_read_caps(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	EarnCaps *caps = CAPS_OF(key, key->changes ? version : policy);
	PolicyObject place;
	int i;

	if (!enter_caps(object, key, EARN_ORDER, caps, &place))
		return;
	for (i = 0; i < EARN_SPANS; i++)
		caps->any |=
			policy_get_number(&place, earn_span_names[i], EARN_MAX_DECIMALS, true, &caps->most[i]);
}

void
earn_read_max_orders(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	EarnCaps *caps = CAPS_OF(key, version);
	PolicyObject place;
	int i;

	if (!enter_caps(object, key, EARN_DAY, caps, &place))
		return;
	for (i = EARN_DAY; i < EARN_SPANS; i++)
		caps->any |= policy_get_count(&place, earn_span_names[i], &caps->most[i].units);
}

void
earn_put_caps(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			  const void *before)
{
	const EarnCaps *caps = CAPS_OF(key, now);
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '{');
	for (i = 0; i < EARN_SPANS; i++)
		if (caps->most[i].units >= 0)
			policy_put_number(out, earn_span_names[i], &caps->most[i]);
	appendStringInfoChar(out, '}');
}

/* ---- multipliers ---- */

static void
check_name(const PolicyObject *object, const PolicyKey *key, void *named, void *none)
{
	const char *name = *(const char *const *) ((const char *) named + key->at);

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
	{ .name = "cap", POLICY_AT(EarnRule, cap), .read = earn_read_caps, .write = earn_put_caps },
	{ .name = NULL }
};

static const EarnRule default_rule = {
	.from = DATEVAL_NOBEGIN, .until = DATEVAL_NOEND, .cap = EARN_NO_CAPS, .counter = -1, .label = -1
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

void
earn_read_rules(const PolicyObject *object, const PolicyKey *key, void *policy, void *read)
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

void
earn_put_rules(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
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
#define NAME_KEY(struct_type, field)                                                            \
	{                                                                                           \
		.name = "name", .type = POLICY_TEXT, POLICY_AT(struct_type, field), .check = check_name \
	}
#define CAP_KEY(struct_type, field)                                           \
	{                                                                         \
		.name = "cap", POLICY_AT(struct_type, field), .read = earn_read_caps, \
		.write = earn_put_caps, .check = check_bonus_cap                      \
	}

static const PolicyKey bonus_keys[] = { POINTS_KEY(EarnBonus, points),
										NAME_KEY(EarnBonus, name),
										CAP_KEY(EarnBonus, cap),
										{ .name = NULL } };
static const PolicyKey nth_keys[] = {
	{ .name = "n",
	  .type = POLICY_COUNT,
	  .required = true,
	  POLICY_AT(EarnNth, n),
	  .check = check_nth },
	POINTS_KEY(EarnNth, bonus.points),
	NAME_KEY(EarnNth, bonus.name),
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
void
earn_read_bonuses(const PolicyObject *object, const PolicyKey *key, void *opened, void *read)
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

void
earn_put_bonuses(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
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
		if (!bonus->cap.any && bonus->name == NULL)
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

void
earn_number_counters(EarnPolicy *policy)
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

/* ---- labels ---- */

/* Distinct names, sorted. */
typedef struct Names
{
	const char **list;
	int64 n;
} Names;

static void
sort_names(Names *names)
{
	int64 distinct = 0;
	int64 i;

	qsort(names->list, names->n, sizeof(char *), compare_names);
	for (i = 0; i < names->n; i++)
		if (distinct == 0 || strcmp(names->list[distinct - 1], names->list[i]) != 0)
			names->list[distinct++] = names->list[i];
	names->n = distinct;
}

static int
place_of_name(const Names *names, const char *name)
{
	const char **found = bsearch(&name, names->list, names->n, sizeof(char *), compare_names);

	return (int) (found - names->list);
}

static void
add_labels(EarnPolicy *policy, const char *const *labels, int64 n)
{
	int64 i;

	for (i = 0; i < n; i++)
	{
		policy->labels[policy->nlabels].bytes = labels[i];
		policy->labels[policy->nlabels++].len = (int) strlen(labels[i]);
	}
}

/* Calls for each bonus of a version. */
static void
for_bonuses(EarnVersion *version, void (*work)(void *context, EarnBonus *bonus, int sort),
			void *context)
{
	int i;

	for (i = 0; i < EARN_NTH_PURCHASE; i++)
		work(context, &version->bonuses->fixed[i], i);
	for (i = 0; i < version->bonuses->nnth; i++)
		work(context, &version->bonuses->nth[i].bonus, EARN_NTH_PURCHASE);
}

static void
note_name(void *context, EarnBonus *bonus, int sort)
{
	Names *names = context;

	if (bonus->name != NULL)
		names->list[names->n++] = bonus->name;
}

static void
label_bonus(void *context, EarnBonus *bonus, int sort)
{
	bonus->label =
		bonus->name != NULL ? EARN_NTH_PURCHASE + 1 + place_of_name(context, bonus->name) : sort;
}

static bool
has_own_rules(const EarnPolicy *policy, int version)
{
	return version == 0 || policy->versions[version].rules != policy->versions[version - 1].rules;
}

void
earn_number_labels(EarnPolicy *policy)
{
	Names bonuses = { NULL, 0 };
	Names rules = { NULL, 0 };
	int64 max_bonuses = 1;
	int64 max_rules = 1;
	int v;
	int i;

	for (v = 0; v < policy->nversions; v++)
	{
		max_bonuses += EARN_NTH_PURCHASE + policy->versions[v].bonuses->nnth;
		max_rules += policy->versions[v].nrules;
	}
	bonuses.list = palloc_extended(max_bonuses * sizeof(char *), MCXT_ALLOC_HUGE);
	rules.list = palloc_extended(max_rules * sizeof(char *), MCXT_ALLOC_HUGE);
	for (v = 0; v < policy->nversions; v++)
	{
		EarnVersion *version = &policy->versions[v];

		for_bonuses(version, note_name, &bonuses);
		for (i = 0; i < version->nrules && has_own_rules(policy, v); i++)
			if (version->rules[i].name != NULL)
				rules.list[rules.n++] = version->rules[i].name;
		CHECK_FOR_INTERRUPTS();
	}
	sort_names(&bonuses);
	sort_names(&rules);
	policy->labels = palloc_extended(
		(EARN_NTH_PURCHASE + 1 + bonuses.n + rules.n) * sizeof(EventText), MCXT_ALLOC_HUGE);
	add_labels(policy, earn_bonus_names, EARN_NTH_PURCHASE + 1);
	add_labels(policy, bonuses.list, bonuses.n);
	policy->nbonus_labels = policy->nlabels;
	add_labels(policy, rules.list, rules.n);
	for (v = 0; v < policy->nversions; v++)
	{
		EarnVersion *version = &policy->versions[v];

		for_bonuses(version, label_bonus, &bonuses);
		for (i = 0; i < version->nrules && has_own_rules(policy, v); i++)
			if (version->rules[i].name != NULL)
				version->rules[i].label =
					policy->nbonus_labels + place_of_name(&rules, version->rules[i].name);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(bonuses.list);
	pfree(rules.list);
}
