/*
 * tier_policy_write.c
 *		The rules of tiers as canonical JSON.
 *
 * It is written from what the rules mean, in a fixed order and without what is the
 * default or changes nothing: equal rules have equal bytes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/json.h"

#include "calendar/calendar.h"
#include "policy/policy.h"
#include "tiers/tier_policy.h"

/* ---- what is the same ---- */

bool
tier_condition_same(const TierCondition *a, const TierCondition *b)
{
	int i;

	if (a->ntests != b->ntests || a->all != b->all)
		return false;
	for (i = 0; i < a->ntests; i++)
		if (a->tests[i].metric != b->tests[i].metric ||
			a->tests[i].threshold.units != b->tests[i].threshold.units ||
			a->tests[i].threshold.scale != b->tests[i].threshold.scale)
			return false;
	return true;
}

bool
tier_levels_same(const TierLevel *a, const TierLevel *b, int nlevels)
{
	int i;

	for (i = 0; i < nlevels && a != b; i++)
		if (!tier_condition_same(&a[i].reach, &b[i].reach) ||
			!tier_condition_same(&a[i].keep, &b[i].keep))
			return false;
	return true;
}

bool
tier_validity_same(const TierVersion *a, const TierVersion *b)
{
	return a->valid == b->valid && policy_interval_same(&a->valid_for, &b->valid_for);
}

bool
tier_grace_same(const TierVersion *a, const TierVersion *b)
{
	return a->has_grace == b->has_grace && policy_interval_same(&a->grace, &b->grace);
}

/* ---- levels ---- */

static void
put_threshold(StringInfo out, const Decimal *threshold)
{
	appendStringInfoString(out, decimal_to_text(threshold->units, threshold->scale));
}

/* Starts a member of an array. */
static void
put_element(StringInfo out)
{
	if (out->data[out->len - 1] != '[')
		appendStringInfoString(out, ", ");
}

/* {"nights": 25, "points": 15000} */
static void
write_tests(StringInfo out, const TierPolicy *policy, const TierCondition *condition)
{
	int i;

	policy_put_key(out, condition->all ? "all" : "any");
	appendStringInfoChar(out, '{');
	for (i = 0; i < condition->ntests; i++)
	{
		policy_put_key(out, policy->metrics[condition->tests[i].metric].name);
		put_threshold(out, &condition->tests[i].threshold);
	}
	appendStringInfoChar(out, '}');
}

static void
write_level(StringInfo out, const TierPolicy *policy, const char *name, const TierLevel *level)
{
	put_element(out);
	appendStringInfoChar(out, '{');
	policy_put_name(out, "tier", name);
	if (level->reach.ntests == 0)
	{
		policy_put_key(out, "at");
		appendStringInfoString(out, "null");
	}
	else if (policy->nmetrics == 1)
	{
		policy_put_key(out, "at");
		put_threshold(out, &level->reach.tests[0].threshold);
	}
	else
		write_tests(out, policy, &level->reach);
	if (!tier_condition_same(&level->reach, &level->keep))
	{
		policy_put_key(out, "keep");
		if (policy->nmetrics == 1)
			put_threshold(out, &level->keep.tests[0].threshold);
		else
		{
			appendStringInfoChar(out, '{');
			write_tests(out, policy, &level->keep);
			appendStringInfoChar(out, '}');
		}
	}
	appendStringInfoChar(out, '}');
}

/* Are levels just a name and a number each? */
static bool
levels_are_plain(const TierPolicy *policy, const TierLevel *levels)
{
	int i;

	if (policy->nmetrics > 1)
		return false;
	for (i = 0; i < policy->ntiers - 1; i++)
		if (levels[i].reach.ntests == 0 || !tier_condition_same(&levels[i].reach, &levels[i].keep))
			return false;
	return true;
}

static void
write_levels(StringInfo out, const TierPolicy *policy, const TierLevel *levels)
{
	bool plain = levels_are_plain(policy, levels);
	int i;

	policy_put_key(out, "levels");
	appendStringInfoChar(out, plain ? '{' : '[');
	for (i = 0; i < policy->ntiers - 1; i++)
	{
		if (!plain)
		{
			write_level(out, policy, policy->tiers[i + 1], &levels[i]);
			continue;
		}
		policy_put_key(out, policy->tiers[i + 1]);
		put_threshold(out, &levels[i].reach.tests[0].threshold);
	}
	appendStringInfoChar(out, plain ? '}' : ']');
}

/* ---- metrics ---- */

static void
write_texts(StringInfo out, const char *key, const EventText *texts, int count)
{
	int i;

	if (count == 0)
		return;
	policy_put_key(out, key);
	appendStringInfoChar(out, '[');
	for (i = 0; i < count; i++)
	{
		put_element(out);
		escape_json(out, texts[i].bytes);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

static bool
metrics_are_default(const TierPolicy *policy)
{
	const TierMetric *metric = &policy->metrics[0];

	return policy->nmetrics == 1 && strcmp(metric->name, TIER_METRIC_NAME) == 0 &&
		   metric->of == TIER_SUM && !metric->positive_only && metric->nkinds == 0 &&
		   metric->nlabels == 0;
}

static void
write_metrics(StringInfo out, const TierPolicy *policy)
{
	int i;

	policy_put_key(out, "metrics");
	appendStringInfoChar(out, '{');
	for (i = 0; i < policy->nmetrics; i++)
	{
		const TierMetric *metric = &policy->metrics[i];

		policy_put_key(out, metric->name);
		appendStringInfoChar(out, '{');
		policy_put_name(out, "of", tier_measure_names[metric->of]);
		if (metric->positive_only)
			policy_put_name(out, "values", tier_values_names[1]);
		write_texts(out, "kinds", metric->kinds, metric->nkinds);
		write_texts(out, "labels", metric->labels, metric->nlabels);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, '}');
}

/* ---- the rest ---- */

static void
write_window(StringInfo out, const TierPolicy *policy)
{
	static const Interval year = { .month = MONTHS_PER_YEAR };

	if (policy->window == TIER_CALENDAR)
		policy_put_name(out, "qualifying_window",
						psprintf(TIER_CALENDAR_WORD "%s", calendar_period_text(policy->period)));
	else if (policy->window != TIER_ROLLING)
		policy_put_name(out, "qualifying_window", tier_window_names[policy->window]);
	else if (!policy_interval_same(&policy->rolling, &year))
		policy_put_interval(out, "qualifying_window", &policy->rolling);
}

static void
write_validity(StringInfo out, const TierVersion *version)
{
	if (version->valid == TIER_VALID_INTERVAL)
		policy_put_interval(out, "valid", &version->valid_for);
	else
		policy_put_name(out, "valid", tier_valid_names[version->valid]);
}

static void
write_grace(StringInfo out, const TierVersion *version)
{
	if (version->has_grace)
		policy_put_interval(out, "grace", &version->grace);
	else
		policy_put_name(out, "grace", tier_no_grace_name);
}

void
tier_policy_put_version(StringInfo out, const TierPolicy *policy, int number)
{
	const TierVersion *version = &policy->versions[number];
	const TierVersion *before = version - 1;

	if (!tier_levels_same(version->levels, before->levels, policy->ntiers - 1))
		write_levels(out, policy, version->levels);
	if (version->exceeded != before->exceeded)
		policy_put_name(out, "threshold", tier_threshold_names[version->exceeded]);
	if (!tier_validity_same(version, before))
		write_validity(out, version);
	if (version->downgrade != before->downgrade)
		policy_put_name(out, "downgrade", tier_downgrade_names[version->downgrade]);
	if (!tier_grace_same(version, before))
		write_grace(out, version);
}

static void
write_versions(StringInfo out, const TierPolicy *policy)
{
	int i;

	policy_put_key(out, "versions");
	appendStringInfoChar(out, '[');
	for (i = 1; i < policy->nversions; i++)
	{
		put_element(out);
		appendStringInfoChar(out, '{');
		policy_put_name(out, "from", day_text(policy->versions[i].from));
		tier_policy_put_version(out, policy, i);
		appendStringInfoChar(out, '}');
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

static void
write_kind(StringInfo out, const char *key, const EventText *kind, const char *otherwise)
{
	if (strcmp(kind->bytes, otherwise) != 0)
		policy_put_name(out, key, kind->bytes);
}

void
tier_policy_put_rules(StringInfo out, const TierPolicy *policy)
{
	const TierVersion *first = &policy->versions[0];
	TierVersion otherwise = { 0 };

	write_levels(out, policy, first->levels);
	if (strcmp(policy->tiers[0], TIER_BASE_NAME) != 0)
		policy_put_name(out, "base", policy->tiers[0]);
	if (!metrics_are_default(policy))
		write_metrics(out, policy);
	write_window(out, policy);
	if (first->exceeded)
		policy_put_name(out, "threshold", tier_threshold_names[1]);
	if (policy->upgrade_at_period_end)
		policy_put_name(out, "upgrade", tier_upgrade_names[1]);
	if (!tier_default_validity(policy, &otherwise) || !tier_validity_same(first, &otherwise))
		write_validity(out, first);
	if (first->downgrade != TIER_TO_METRIC)
		policy_put_name(out, "downgrade", tier_downgrade_names[first->downgrade]);
	if (first->has_grace)
		write_grace(out, first);
	write_kind(out, "join_kind", &policy->join_kind, TIER_JOIN_KIND);
	write_kind(out, "grant_kind", &policy->grant_kind, TIER_GRANT_KIND);
}

struct varlena *
tier_policy_pack(const TierPolicy *policy)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	tier_policy_put_rules(&out, policy);
	if (policy->zone != NULL)
		policy_put_name(&out, "zone", zone_name(policy->zone));
	if (policy->nversions > 1)
		write_versions(&out, policy);
	appendStringInfoChar(&out, '}');
	return policy_pack(out.data, out.len);
}
