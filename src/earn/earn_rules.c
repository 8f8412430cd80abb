/*
 * earn_rules.c
 *		The parts of an earn_policy from JSON: numbers, lists, caps, multipliers, bonuses.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "calendar/calendar.h"
#include "earn/earn_policy.h"

static const char *const rule_keys[] = { "times", "name",	  "labels", "tiers", "from",
										 "until", "weekdays", "hours",	"cap",	 NULL };
static const char *const nth_keys[] = { "n", "points", "every", "cap", NULL };
static const char *const bonus_keys[] = { "points", "cap", NULL };
static const char *const fixed_keys[] = { "joining",  "first_purchase", "birthday", "anniversary",
										  "referral", "nth_purchase",	NULL };
static const char *const span_keys[] = { "order", "day", "month", "year", "lifetime", NULL };

const char *const earn_span_names[] = { "order", "day", "month", "year", "lifetime" };
const char *const earn_bonus_names[] = { "joining",		"first_purchase", "birthday",
										 "anniversary", "referral",		  "nth_purchase" };
const char *const earn_weekday_names[] = { "monday", "tuesday",	 "wednesday", "thursday",
										   "friday", "saturday", "sunday" };

#define ALL_WEEKDAYS 0x7F

/* ---- numbers and texts ---- */

static Decimal
number_of(const PolicyObject *object, const JsonbValue *value, const char *path, int decimals,
		  bool may_be_zero)
{
	Decimal number;
	int scale;

	if (value->type != jbvNumeric)
		json_report_wrong_type(value, object->type, path, "a number");
	number = decimal_from_numeric((const struct varlena *) value->val.numeric);
	if (number.units < 0 || (number.units == 0 && !may_be_zero))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s is %s", path, object->type,
							   decimal_to_text(number.units, number.scale)),
						errhint("It is %s.", may_be_zero ? "0 or more" : "more than 0")));
	scale = decimal_minimal_scale(number.units, number.scale);
	if (scale > decimals)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s has more than %d decimals: %s", path, object->type,
							   decimals, decimal_to_text(number.units, number.scale))));
	number.units /= decimal_power[number.scale - scale];
	number.scale = scale;
	return number;
}

bool
earn_get_number(const PolicyObject *object, const char *key, int decimals, bool may_be_zero,
				Decimal *number)
{
	JsonbValue value;

	if (json_member(object->json, key, &value) == NULL)
		return false;
	*number = number_of(object, &value, policy_path(object, key), decimals, may_be_zero);
	return true;
}

bool
earn_get_texts(const PolicyObject *object, const char *key, bool may_be_empty, int *count,
			   EventText **texts)
{
	const char *path = policy_path(object, key);
	JsonbValue value;
	JsonbContainer *list;
	JsonbIterator *iterator;
	int i;

	if (json_member(object->json, key, &value) == NULL)
		return false;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) == 0 && !may_be_empty)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s is empty", path, object->type),
						errhint("Leave it out where it doesn't matter.")));
	*count = 0;
	*texts = palloc_extended((JsonContainerSize(list) + 1) * sizeof(EventText), MCXT_ALLOC_HUGE);
	iterator = JsonbIteratorInit(list);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
	{
		char *text = json_as_string(&value, object->type, path);

		(*texts)[*count].bytes = text;
		(*texts)[*count].len = (int) strlen(text);
		(*count)++;
		CHECK_FOR_INTERRUPTS();
	}
	qsort(*texts, *count, sizeof(EventText), event_text_order);
	for (i = 1; i < *count; i++)
		if (event_text_compare(&(*texts)[i - 1], &(*texts)[i]) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of an %s has \"%.*s%s\" twice", path, object->type,
								   JSON_SHOWN((*texts)[i].bytes, (*texts)[i].len)),
							errhint("Leave one of them out.")));
	return true;
}

/* ---- caps ---- */

bool
earn_get_caps(const PolicyObject *object, const char *key, EarnCaps *caps)
{
	JsonbValue value;
	PolicyObject place;
	int i;

	if (json_member(object->json, key, &value) == NULL)
		return false;
	policy_enter(object, &value, policy_path(object, key), &place);
	policy_check_keys(&place, span_keys);
	caps->any = false;
	for (i = 0; i < EARN_SPANS; i++)
	{
		caps->most[i].units = -1;
		caps->most[i].scale = 0;
		if (earn_get_number(&place, earn_span_names[i], EARN_MAX_DECIMALS, true, &caps->most[i]))
			caps->any = true;
	}
	return true;
}

static void
no_caps(EarnCaps *caps)
{
	int i;

	memset(caps, 0, sizeof(EarnCaps));
	for (i = 0; i < EARN_SPANS; i++)
		caps->most[i].units = -1;
}

/* ---- multipliers ---- */

static int
two_digits(const char *at)
{
	return at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9'
			   ? (at[0] - '0') * 10 + at[1] - '0'
			   : -1;
}

/* HH:MM or HH:MM:SS, up to 24:00; -1: something else. */
static int32
time_of_day(const char *text)
{
	size_t len = strlen(text);
	int hour;
	int minute;
	int second = 0;

	if ((len != 5 && len != 8) || text[2] != ':' || (len == 8 && text[5] != ':'))
		return -1;
	hour = two_digits(text);
	minute = two_digits(text + 3);
	if (len == 8)
		second = two_digits(text + 6);
	if (hour < 0 || minute < 0 || second < 0 || minute >= MINS_PER_HOUR ||
		second >= SECS_PER_MINUTE)
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
read_hours(const PolicyObject *object, EarnRule *rule)
{
	const char *path = policy_path(object, "hours");
	JsonbValue value;
	JsonbContainer *list;

	if (json_member(object->json, "hours", &value) == NULL)
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
read_weekdays(const PolicyObject *object, EarnRule *rule)
{
	const char *path = policy_path(object, "weekdays");
	JsonbValue value;
	JsonbContainer *list;
	uint32 i;

	if (json_member(object->json, "weekdays", &value) == NULL)
		return;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s is empty", path, object->type),
						errhint("Leave it out where it doesn't matter.")));
	for (i = 0; i < JsonContainerSize(list); i++)
	{
		int day = policy_choice(object, getIthJsonbValueFromContainer(list, i), path,
								earn_weekday_names, lengthof(earn_weekday_names));

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
read_rule(const PolicyObject *object, EarnRule *rule)
{
	JsonbValue value;

	memset(rule, 0, sizeof(EarnRule));
	policy_check_keys(object, rule_keys);
	if (!earn_get_number(object, "times", EARN_MAX_DECIMALS, true, &rule->times))
		json_report_wrong_type(NULL, object->type, policy_path(object, "times"), "a number");
	if (json_member(object->json, "name", &value) != NULL)
	{
		rule->name = json_as_string(&value, object->type, policy_path(object, "name"));
		if (rule->name[0] == '\0')
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of an %s is empty", policy_path(object, "name"),
								   object->type)));
	}
	(void) earn_get_texts(object, "labels", false, &rule->nlabels, &rule->labels);
	(void) earn_get_texts(object, "tiers", false, &rule->ntiers, &rule->tiers);
	rule->from = DATEVAL_NOBEGIN;
	rule->until = DATEVAL_NOEND;
	(void) policy_get_day(object, "from", &rule->from);
	(void) policy_get_day(object, "until", &rule->until);
	if (rule->from >= rule->until)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of an %s is %s, which isn't after \"from\", %s",
							   policy_path(object, "until"), object->type, day_text(rule->until),
							   day_text(rule->from)),
						errhint("\"until\" is the first day on which it doesn't hold any more.")));
	read_weekdays(object, rule);
	read_hours(object, rule);
	no_caps(&rule->cap);
	(void) earn_get_caps(object, "cap", &rule->cap);
	rule->counter = -1;
}

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

bool
earn_get_rules(const PolicyObject *object, int *nrules, EarnRule **rules)
{
	const char *path = policy_path(object, "multipliers");
	JsonbValue value;
	JsonbContainer *list;
	int i;

	if (json_member(object->json, "multipliers", &value) == NULL)
		return false;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) > EARN_MAX_MULTIPLIERS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("\"%s\" of an %s has %u multipliers", path, object->type,
							   JsonContainerSize(list)),
						errhint("At most %d are possible.", EARN_MAX_MULTIPLIERS)));
	*nrules = (int) JsonContainerSize(list);
	*rules = palloc((*nrules + 1) * sizeof(EarnRule));
	for (i = 0; i < *nrules; i++)
	{
		PolicyObject place;

		policy_enter(object, getIthJsonbValueFromContainer(list, i), psprintf("%s[%d]", path, i),
					 &place);
		read_rule(&place, &(*rules)[i]);
	}
	refuse_names_twice(object, path, *rules, *nrules);
	return true;
}

/* ---- bonuses ---- */

/* What both forms of a bonus end in. */
static void
read_bonus_rest(const PolicyObject *object, EarnBonus *bonus)
{
	if (!earn_get_number(object, "points", EARN_MAX_DECIMALS, false, &bonus->points))
		json_report_wrong_type(NULL, object->type, policy_path(object, "points"), "a number");
	if (earn_get_caps(object, "cap", &bonus->cap) && bonus->cap.most[EARN_ORDER].units >= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s.order\" of an %s makes no sense", policy_path(object, "cap"),
							   object->type),
						errhint("A bonus is no order. Its cap is of day, month, year, lifetime.")));
}

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
		bonus->points = number_of(object, &value, path, EARN_MAX_DECIMALS, false);
		return;
	}
	if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
		json_report_wrong_type(&value, object->type, path, "a number or an object");
	policy_enter(object, &value, path, &place);
	policy_check_keys(&place, bonus_keys);
	read_bonus_rest(&place, bonus);
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
	const char *path = policy_path(object, "nth_purchase");
	JsonbValue value;
	JsonbContainer *list;
	int i;

	if (json_member(object->json, "nth_purchase", &value) == NULL)
		return;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) > EARN_MAX_NTH)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("\"%s\" of an %s has %u bonuses", path, object->type,
							   JsonContainerSize(list)),
						errhint("At most %d are possible.", EARN_MAX_NTH)));
	bonuses->nnth = (int) JsonContainerSize(list);
	bonuses->nth = palloc0((bonuses->nnth + 1) * sizeof(EarnNth));
	for (i = 0; i < bonuses->nnth; i++)
	{
		EarnNth *nth = &bonuses->nth[i];
		PolicyObject place;
		JsonbValue number;

		policy_enter(object, getIthJsonbValueFromContainer(list, i), psprintf("%s[%d]", path, i),
					 &place);
		policy_check_keys(&place, nth_keys);
		no_caps(&nth->bonus.cap);
		nth->bonus.counter = -1;
		nth->n = json_as_count(json_member(place.json, "n", &number), object->type,
							   policy_path(&place, "n"));
		if (nth->n == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of an %s is 0", policy_path(&place, "n"), object->type),
							errhint("The first purchase is number 1.")));
		(void) policy_get_bool(&place, "every", &nth->every);
		read_bonus_rest(&place, &nth->bonus);
	}
	qsort(bonuses->nth, bonuses->nnth, sizeof(EarnNth), compare_nth);
	for (i = 1; i < bonuses->nnth; i++)
		if (bonuses->nth[i].n == bonuses->nth[i - 1].n)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of an %s has the purchase " INT64_FORMAT " twice", path,
								   object->type, bonuses->nth[i].n),
							errhint("Leave one of them out.")));
}

bool
earn_get_bonuses(const PolicyObject *object, EarnBonuses **bonuses)
{
	JsonbValue value;
	PolicyObject place;
	int i;

	if (json_member(object->json, "bonuses", &value) == NULL)
		return false;
	policy_enter(object, &value, policy_path(object, "bonuses"), &place);
	policy_check_keys(&place, fixed_keys);
	*bonuses = palloc0(sizeof(EarnBonuses));
	for (i = 0; i < EARN_NTH_PURCHASE; i++)
	{
		no_caps(&(*bonuses)->fixed[i].cap);
		(*bonuses)->fixed[i].counter = -1;
		read_bonus(&place, earn_bonus_names[i], &(*bonuses)->fixed[i]);
	}
	read_nth(&place, *bonuses);
	return true;
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
