/*
 * earn_policy_write.c
 *		The rules of earning as canonical JSON.
 *
 * It is written from what the rules mean, in a fixed order and without what is the
 * default or changes nothing: equal rules have equal bytes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/json.h"

#include "calendar/calendar.h"
#include "earn/earn_policy.h"

/* ---- parts ---- */

/* Starts a member of an array. */
static void
put_element(StringInfo out)
{
	if (out->data[out->len - 1] != '[')
		appendStringInfoString(out, ", ");
}

static void
put_number(StringInfo out, const Decimal *number)
{
	appendStringInfoString(out, decimal_to_text(number->units, number->scale));
}

static void
put_texts(StringInfo out, const EventText *texts, int count)
{
	int i;

	appendStringInfoChar(out, '[');
	for (i = 0; i < count; i++)
	{
		put_element(out);
		escape_json(out, texts[i].bytes);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

static void
put_caps(StringInfo out, const EarnCaps *caps)
{
	int i;

	appendStringInfoChar(out, '{');
	for (i = 0; i < EARN_SPANS; i++)
		if (caps->most[i].units >= 0)
		{
			policy_put_key(out, earn_span_names[i]);
			put_number(out, &caps->most[i]);
		}
	appendStringInfoChar(out, '}');
}

static void
put_cap(StringInfo out, const EarnCaps *caps)
{
	if (!caps->any)
		return;
	policy_put_key(out, "cap");
	put_caps(out, caps);
}

static void
put_time(StringInfo out, int32 seconds)
{
	put_element(out);
	appendStringInfo(out, "\"%02d:%02d", seconds / SECS_PER_HOUR,
					 seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	if (seconds % SECS_PER_MINUTE != 0)
		appendStringInfo(out, ":%02d", seconds % SECS_PER_MINUTE);
	appendStringInfoChar(out, '"');
}

static void
put_rule(StringInfo out, const EarnRule *rule)
{
	int day;

	put_element(out);
	appendStringInfoChar(out, '{');
	policy_put_key(out, "times");
	put_number(out, &rule->times);
	if (rule->name != NULL)
		policy_put_name(out, "name", rule->name);
	if (rule->nlabels > 0)
	{
		policy_put_key(out, "labels");
		put_texts(out, rule->labels, rule->nlabels);
	}
	if (rule->ntiers > 0)
	{
		policy_put_key(out, "tiers");
		put_texts(out, rule->tiers, rule->ntiers);
	}
	if (rule->from != DATEVAL_NOBEGIN)
		policy_put_name(out, "from", day_text(rule->from));
	if (rule->until != DATEVAL_NOEND)
		policy_put_name(out, "until", day_text(rule->until));
	if (rule->weekdays != 0)
	{
		policy_put_key(out, "weekdays");
		appendStringInfoChar(out, '[');
		for (day = 0; day < 7; day++)
			if (rule->weekdays & (1 << day))
			{
				put_element(out);
				appendStringInfo(out, "\"%s\"", earn_weekday_names[day]);
			}
		appendStringInfoChar(out, ']');
	}
	if (rule->has_hours)
	{
		policy_put_key(out, "hours");
		appendStringInfoChar(out, '[');
		put_time(out, rule->hours_from);
		put_time(out, rule->hours_until);
		appendStringInfoChar(out, ']');
	}
	put_cap(out, &rule->cap);
	appendStringInfoChar(out, '}');
}

static void
put_bonuses(StringInfo out, const EarnBonuses *bonuses)
{
	int i;

	appendStringInfoChar(out, '{');
	for (i = 0; i < EARN_NTH_PURCHASE; i++)
	{
		const EarnBonus *bonus = &bonuses->fixed[i];

		if (bonus->points.units == 0)
			continue;
		policy_put_key(out, earn_bonus_names[i]);
		if (!bonus->cap.any)
		{
			put_number(out, &bonus->points);
			continue;
		}
		appendStringInfoChar(out, '{');
		policy_put_key(out, "points");
		put_number(out, &bonus->points);
		put_cap(out, &bonus->cap);
		appendStringInfoChar(out, '}');
	}
	for (i = 0; i < bonuses->nnth; i++)
	{
		const EarnNth *nth = &bonuses->nth[i];

		if (i == 0)
		{
			policy_put_key(out, earn_bonus_names[EARN_NTH_PURCHASE]);
			appendStringInfoChar(out, '[');
		}
		put_element(out);
		appendStringInfo(out, "{\"n\": " INT64_FORMAT, nth->n);
		policy_put_key(out, "points");
		put_number(out, &nth->bonus.points);
		if (nth->every)
			appendStringInfoString(out, ", \"every\": true");
		put_cap(out, &nth->bonus.cap);
		appendStringInfoChar(out, '}');
		if (i == bonuses->nnth - 1)
			appendStringInfoChar(out, ']');
	}
	appendStringInfoChar(out, '}');
}

/* ---- the values of keys ---- */

static void
put_bool(StringInfo out, bool value)
{
	appendStringInfoString(out, value ? "true" : "false");
}

static void
put_value(StringInfo out, const EarnVersion *version, EarnKey key)
{
	int i;

	switch (key)
	{
		case EARN_KEY_RATE:
			put_number(out, &version->rate);
			break;
		case EARN_KEY_PER:
			put_number(out, &version->per);
			break;
		case EARN_KEY_FULL_STEPS:
			put_bool(out, version->full_steps);
			break;
		case EARN_KEY_MINIMUM:
			put_number(out, &version->minimum);
			break;
		case EARN_KEY_ROUNDING:
			escape_json(out, earn_rounding_names[version->rounding]);
			break;
		case EARN_KEY_DECIMALS:
			appendStringInfo(out, "%d", version->decimals);
			break;
		case EARN_KEY_MULTIPLIERS:
			appendStringInfoChar(out, '[');
			for (i = 0; i < version->nrules; i++)
				put_rule(out, &version->rules[i]);
			appendStringInfoChar(out, ']');
			break;
		case EARN_KEY_COMBINE:
			escape_json(out, earn_combine_names[version->combine]);
			break;
		case EARN_KEY_BONUSES:
			put_bonuses(out, version->bonuses);
			break;
		case EARN_KEY_CAPS:
			put_caps(out, &version->caps);
			break;
		case EARN_KEY_EXCLUDED_KINDS:
			put_texts(out, version->excluded_kinds, version->nexcluded_kinds);
			break;
		case EARN_KEY_EXCLUDED_LABELS:
			put_texts(out, version->excluded_labels, version->nexcluded_labels);
			break;
		case EARN_KEY_BONUSES_QUALIFY:
			put_bool(out, version->bonuses_qualify);
			break;
		case EARN_KEY_CROSSING_ORDER:
			escape_json(out, earn_crossing_names[version->crossing_after]);
			break;
	}
}

/* Is a value the very same array or object? */
static bool
is_shared(const EarnVersion *a, const EarnVersion *b, EarnKey key)
{
	switch (key)
	{
		case EARN_KEY_MULTIPLIERS:
			return a->rules == b->rules;
		case EARN_KEY_BONUSES:
			return a->bonuses == b->bonuses;
		case EARN_KEY_EXCLUDED_KINDS:
			return a->excluded_kinds == b->excluded_kinds;
		case EARN_KEY_EXCLUDED_LABELS:
			return a->excluded_labels == b->excluded_labels;
		default:
			return false;
	}
}

bool
earn_key_same(const EarnVersion *a, const EarnVersion *b, EarnKey key)
{
	StringInfoData left;
	StringInfoData right;
	bool same;

	if (is_shared(a, b, key))
		return true;
	initStringInfo(&left);
	initStringInfo(&right);
	put_value(&left, a, key);
	put_value(&right, b, key);
	same = left.len == right.len && memcmp(left.data, right.data, left.len) == 0;
	pfree(left.data);
	pfree(right.data);
	return same;
}

/* ---- the whole ---- */

/* Writes what is to be read over before to give this version. */
static void
write_version(StringInfo out, const EarnVersion *version, const EarnVersion *before)
{
	int key;

	for (key = 0; key < EARN_KEYS; key++)
		if (!earn_key_same(version, before, (EarnKey) key))
		{
			policy_put_key(out, earn_key_names[key]);
			put_value(out, version, (EarnKey) key);
		}
}

/* Does a kind have the role that it has where nothing is said? */
static bool
is_default_kind(const EarnKind *kind)
{
	int i;

	for (i = 0; i < EARN_DEFAULT_KINDS; i++)
		if (event_text_compare(&kind->kind, &earn_default_kinds[i].kind) == 0)
			return kind->role == earn_default_kinds[i].role;
	return false;
}

static void
write_kinds(StringInfo out, const EarnPolicy *policy)
{
	bool any = false;
	int i;

	for (i = 0; i < policy->nkinds; i++)
	{
		if (is_default_kind(&policy->kinds[i]))
			continue;
		if (!any)
		{
			policy_put_key(out, "kinds");
			appendStringInfoChar(out, '{');
		}
		any = true;
		policy_put_name(out, policy->kinds[i].kind.bytes, earn_role_names[policy->kinds[i].role]);
		CHECK_FOR_INTERRUPTS();
	}
	if (any)
		appendStringInfoChar(out, '}');
}

void
earn_policy_put_rules(StringInfo out, const EarnPolicy *policy)
{
	write_version(out, &policy->versions[0], &earn_default_version);
	write_kinds(out, policy);
}

void
earn_policy_put_version(StringInfo out, const EarnPolicy *policy, int number)
{
	write_version(out, &policy->versions[number], &policy->versions[number - 1]);
}

struct varlena *
earn_policy_pack(const EarnPolicy *policy)
{
	StringInfoData out;
	int i;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	earn_policy_put_rules(&out, policy);
	if (policy->zone != NULL)
		policy_put_name(&out, "zone", zone_name(policy->zone));
	if (policy->nversions > 1)
	{
		policy_put_key(&out, "versions");
		appendStringInfoChar(&out, '[');
		for (i = 1; i < policy->nversions; i++)
		{
			put_element(&out);
			appendStringInfoChar(&out, '{');
			policy_put_name(&out, "from", day_text(policy->versions[i].from));
			earn_policy_put_version(&out, policy, i);
			appendStringInfoChar(&out, '}');
			CHECK_FOR_INTERRUPTS();
		}
		appendStringInfoChar(&out, ']');
	}
	appendStringInfoChar(&out, '}');
	return policy_pack(out.data, out.len);
}
