/*
 * tier_policy.c
 *		The rules of tiers from JSON: reading and checking. Metrics are read in tier_metrics.c,
 *		levels in tier_levels.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "calendar/calendar.h"
#include "policy/policy.h"
#include "tiers/tier_read.h"

static const char *const policy_keys[] = {
	"levels",	 "base",  "metrics",   "qualifying_window", "threshold", "upgrade",	 "valid",
	"downgrade", "grace", "join_kind", "grant_kind",		"zone",		 "versions", NULL
};
static const char *const version_keys[] = { "from",		 "levels", "threshold", "valid",
											"downgrade", "grace",  NULL };

#define CHANGING "levels, threshold, valid, downgrade, grace"

static const PolicyVersionKeys version_rules = {
	.policy = policy_keys,
	.version = version_keys,
	.fixed_hint = "A version holds from, and any of " CHANGING ".",
	.null_hint = "No grace from then on is \"grace\": \"none\".",
	.empty_hint = "Give any of " CHANGING ".",
};

const char *const tier_window_names[] = { NULL, NULL, "membership year", "since tier", "lifetime" };
const char *const tier_threshold_names[] = { "reached", "exceeded" };
const char *const tier_upgrade_names[] = { "at_once", "period_end" };
const char *const tier_valid_names[] = { NULL, "period_end", "next_period_end", "while_qualified",
										 "forever" };
const char *const tier_downgrade_names[] = { "to_metric", "one_level", "to_base" };
const char *const tier_no_grace_name = "none";

#define WINDOW_HINT                                                                             \
	"Write an interval such as \"12 months\", \"calendar year\" (or another calendar_period), " \
	"\"membership year\", \"since tier\" or \"lifetime\"."
#define VALID_HINT                                                                     \
	"Write an interval such as \"12 months\", or one of period_end, next_period_end, " \
	"while_qualified, forever."

/* ---- window, validity, grace ---- */

/* A period of a policy has the policy's zone: its own is dropped, and mustn't be another. */
static void
read_period(const PolicyObject *root, const char *text, TierPolicy *policy)
{
	CalendarPeriod *period = calendar_period_parse(text);
	Calendar calendar;

	calendar_open(&calendar, period);
	if (calendar.zone != NULL)
	{
		char *own;

		if (zone_by_name(calendar.zone, strlen(calendar.zone)) != policy->zone)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"qualifying_window\" of a %s is in the zone %s, the policy in %s",
							root->type, calendar.zone,
							policy->zone != NULL ? zone_name(policy->zone) : "the session's"),
					 errhint("Give the zone as \"zone\".")));
		own = calendar_period_text(period);
		*strchr(own, '@') = '\0';
		period = calendar_period_parse(own);
	}
	policy->period = period;
}

/* A walk looks at the end of each. */
static void
check_interval(const PolicyObject *object, const Interval *interval, const char *path,
			   const char *text)
{
	policy_check_interval(interval, false, object->type, path, text);
	if (interval->month == 0 && interval->day == 0 && interval->time < USECS_PER_HOUR)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is less than an hour: \"%.*s%s\"", path,
							   object->type, JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write an interval of an hour or more, such as \"12 months\".")));
}

static void
read_window(const PolicyObject *root, TierPolicy *policy)
{
	const char *key = "qualifying_window";
	JsonbValue value;
	char *text;
	int i;

	policy->window = TIER_ROLLING;
	policy->rolling.month = MONTHS_PER_YEAR;
	if (json_member(root->json, key, &value) == NULL)
		return;
	text = json_as_string(&value, root->type, key);
	for (i = 0; i <= TIER_LIFETIME; i++)
		if (tier_window_names[i] != NULL && strcmp(text, tier_window_names[i]) == 0)
		{
			policy->window = (TierWindow) i;
			return;
		}
	if (strncmp(text, TIER_CALENDAR_WORD, strlen(TIER_CALENDAR_WORD)) == 0)
	{
		policy->window = TIER_CALENDAR;
		read_period(root, text + strlen(TIER_CALENDAR_WORD), policy);
		return;
	}
	if (!policy_parse_interval(text, &policy->rolling))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s can't be \"%.*s%s\"", key, root->type,
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint(WINDOW_HINT)));
	check_interval(root, &policy->rolling, key, text);
}

bool
tier_default_validity(const TierPolicy *policy, TierVersion *version)
{
	Calendar calendar;

	version->valid = TIER_VALID_INTERVAL;
	memset(&version->valid_for, 0, sizeof(Interval));
	switch (policy->window)
	{
		case TIER_ROLLING:
			version->valid_for = policy->rolling;
			return true;
		case TIER_CALENDAR:
			calendar_open(&calendar, policy->period);
			if (calendar.unit == CALENDAR_DAY)
				version->valid_for.day = 1;
			else if (calendar.unit == CALENDAR_WEEK)
				version->valid_for.day = 7;
			else if (calendar.unit == CALENDAR_MONTHS)
				version->valid_for.month = calendar.months;
			else
				return false;
			return true;
		case TIER_MEMBERSHIP_YEAR:
			version->valid_for.month = MONTHS_PER_YEAR;
			return true;
		case TIER_LIFETIME:
			version->valid = TIER_VALID_FOREVER;
			return true;
		case TIER_SINCE_TIER:
			break;
	}
	return false;
}

/* Reads validity, if it is there. */
static bool
read_validity(const PolicyObject *object, TierVersion *version)
{
	const char *path = policy_path(object, "valid");
	JsonbValue value;
	char *text;
	int i;

	if (json_member(object->json, "valid", &value) == NULL)
		return false;
	text = json_as_string(&value, object->type, path);
	memset(&version->valid_for, 0, sizeof(Interval));
	for (i = 0; i <= TIER_VALID_FOREVER; i++)
		if (tier_valid_names[i] != NULL && strcmp(text, tier_valid_names[i]) == 0)
		{
			version->valid = (TierValidity) i;
			return true;
		}
	if (!policy_parse_interval(text, &version->valid_for))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s can't be \"%.*s%s\"", path, object->type,
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint(VALID_HINT)));
	check_interval(object, &version->valid_for, path, text);
	version->valid = TIER_VALID_INTERVAL;
	return true;
}

static void
read_grace(const PolicyObject *object, TierVersion *version)
{
	JsonbValue value;

	if (json_member(object->json, "grace", &value) != NULL && value.type == jbvString &&
		value.val.string.len == (int) strlen(tier_no_grace_name) &&
		memcmp(value.val.string.val, tier_no_grace_name, value.val.string.len) == 0)
	{
		version->has_grace = false;
		memset(&version->grace, 0, sizeof(Interval));
	}
	else if (policy_get_interval(object, "grace", false, &version->grace))
	{
		check_interval(object, &version->grace, policy_path(object, "grace"),
					   policy_interval_text(&version->grace));
		version->has_grace = true;
	}
}

/* Reads what a version and the policy itself may both say, but for the levels. */
static void
read_common(const PolicyObject *object, TierVersion *version)
{
	int number;

	if (policy_get_choice(object, "threshold", tier_threshold_names, lengthof(tier_threshold_names),
						  &number))
		version->exceeded = number == 1;
	if (policy_get_choice(object, "downgrade", tier_downgrade_names, lengthof(tier_downgrade_names),
						  &number))
		version->downgrade = (TierDowngrade) number;
	read_grace(object, version);
}

/* ---- what contradicts itself ---- */

static void
report_contradiction(const PolicyObject *object, const char *a, const char *a_value, const char *b,
					 const char *b_value, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" \"%s\" of a %s can't be with \"%s\" \"%s\"",
						   policy_path(object, a), a_value, object->type, b, b_value),
					errhint("%s", hint)));
}

static const char *
window_text(const TierPolicy *policy)
{
	if (policy->window == TIER_ROLLING)
		return policy_interval_text(&policy->rolling);
	if (policy->window == TIER_CALENDAR)
		return psprintf(TIER_CALENDAR_WORD "%s", calendar_period_text(policy->period));
	return tier_window_names[policy->window];
}

static void
check_version(const PolicyObject *object, const TierPolicy *policy, const TierVersion *version)
{
	const char *valid = tier_valid_names[version->valid];
	bool has_periods = policy->window == TIER_CALENDAR || policy->window == TIER_MEMBERSHIP_YEAR;

	if (!has_periods &&
		(version->valid == TIER_VALID_PERIOD_END || version->valid == TIER_VALID_NEXT_PERIOD_END))
		report_contradiction(object, "valid", valid, "qualifying_window", window_text(policy),
							 "It needs a window with periods: a calendar period or the membership "
							 "year.");
	if (version->valid != TIER_VALID_WHILE_QUALIFIED)
		return;
	if (policy->window == TIER_SINCE_TIER)
		report_contradiction(object, "valid", valid, "qualifying_window", window_text(policy),
							 "The count starts over with the tier, so it would be lost at once.");
	if (policy->upgrade_at_period_end)
		report_contradiction(object, "valid", valid, "upgrade", tier_upgrade_names[1],
							 "The metric decides at every instant, or at the end of the period.");
	if (version->downgrade == TIER_ONE_LEVEL && !version->has_grace)
		report_contradiction(object, "valid", valid, "downgrade",
							 tier_downgrade_names[TIER_ONE_LEVEL],
							 "Without a grace every level would be lost at the same instant. Give "
							 "\"grace\", or let tiers be valid for a time.");
}

/* ---- versions ---- */

static bool
changes_anything(const TierPolicy *policy, const TierVersion *version, const TierVersion *before)
{
	return version->exceeded != before->exceeded || version->downgrade != before->downgrade ||
		   !tier_validity_same(version, before) || !tier_grace_same(version, before) ||
		   !tier_levels_same(version->levels, before->levels, policy->ntiers - 1);
}

/* Reads the dated versions, each over the one before. Those that change nothing are left out. */
static void
read_versions(const PolicyObject *root, TierPolicy *policy)
{
	PolicyVersions versions;
	uint32 count = policy_versions_open(&versions, root, &version_rules);

	policy->versions = repalloc_huge(policy->versions, (count + 1) * sizeof(TierVersion));
	while (policy_versions_next(&versions))
	{
		TierVersion *before = &policy->versions[policy->nversions - 1];
		TierVersion *version = before + 1;

		*version = *before;
		version->from = versions.from;
		read_common(&versions.object, version);
		(void) read_validity(&versions.object, version);
		if (policy_has(&versions.object, "levels"))
			version->levels = tier_levels_again(&versions.object, policy);
		check_version(&versions.object, policy, version);
		if (changes_anything(policy, version, before))
			policy->nversions++;
	}
}

/* ---- the whole ---- */

static EventText
read_kind(const PolicyObject *root, const char *key, const char *otherwise)
{
	JsonbValue value;
	EventText kind;

	kind.bytes = otherwise;
	if (json_member(root->json, key, &value) != NULL)
		kind.bytes = json_as_string(&value, root->type, key);
	kind.len = (int) strlen(kind.bytes);
	return kind;
}

static void report_no_levels(const PolicyObject *root) pg_attribute_noreturn();

static void
report_no_levels(const PolicyObject *root)
{
	json_report_wrong_type(NULL, root->type, "levels",
						   "an object such as {\"Silver\": 500, \"Gold\": 2000}, or an array");
}

/* An object without "levels" is the short form: every key is a tier. */
static void
read_short_form(const PolicyObject *root, TierPolicy *policy)
{
	JsonbIterator *iterator = JsonbIteratorInit(root->json);
	JsonbValue value;
	JsonbIteratorToken token;

	if (JsonContainerSize(root->json) == 0)
		report_no_levels(root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		const char *const *key = policy_keys;
		char *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(value.val.string.val, value.val.string.len);
		(void) JsonbIteratorNext(&iterator, &value, true);
		while (*key != NULL && strcmp(*key, name) != 0)
			key++;
		if (*key != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a %s with \"%s\" needs \"levels\"", root->type, name),
					 errhint("Put the tiers into it: {\"levels\": {\"Silver\": 500}, \"%s\": ...}.",
							 name)));
		if (value.type != jbvNumeric && value.type != jbvNull)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the threshold of tier \"%.*s%s\" of a %s is not a number",
						JSON_SHOWN(name, (int) strlen(name)), root->type),
				 errdetail("Without \"levels\" every key is a tier, every value its threshold."),
				 errhint("Options beside the tiers need \"levels\": {\"levels\": {\"Silver\": "
						 "500}, ...}. Options are base, metrics, qualifying_window, threshold, "
						 "upgrade, valid, downgrade, grace, join_kind, grant_kind, zone, "
						 "versions.")));
	}
	value.type = jbvBinary;
	value.val.binary.data = root->json;
	value.val.binary.len = 0;
	tier_levels_read(root, &value, "levels", policy);
}

static void
read_base(const PolicyObject *root, TierPolicy *policy)
{
	JsonbValue value;
	int rank;

	policy->tiers[0] = TIER_BASE_NAME;
	if (json_member(root->json, "base", &value) != NULL)
		policy->tiers[0] = json_as_string(&value, root->type, "base");
	if (policy->tiers[0][0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"base\" of a %s is empty", root->type),
						errhint("It is the name of the tier that everyone has.")));
	for (rank = 1; rank < policy->ntiers; rank++)
		if (strcmp(policy->tiers[rank], policy->tiers[0]) == 0)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%.*s%s\" of a %s is a level and the base",
						JSON_SHOWN(policy->tiers[0], (int) strlen(policy->tiers[0])), root->type),
				 errhint("The base tier needs nothing. \"base\" names it; the default is "
						 "\"" TIER_BASE_NAME "\".")));
}

TierPolicy *
tier_policy_read(JsonbContainer *json)
{
	TierPolicy *policy = palloc0(sizeof(TierPolicy));
	PolicyObject written = { json, TIER_POLICY_TYPE, "" };
	bool is_short = !policy_names(&written, "levels");
	/* The short form has no options. */
	PolicyObject root = { is_short ? json_parse_object("{}", TIER_POLICY_TYPE) : json,
						  TIER_POLICY_TYPE, "" };
	TierVersion *first = palloc0(sizeof(TierVersion));
	JsonbValue value;
	int number;

	policy_check_keys(&root, policy_keys);
	policy->versions = first;
	policy->nversions = 1;
	first->from = DATEVAL_NOBEGIN;
	policy->join_kind = read_kind(&root, "join_kind", TIER_JOIN_KIND);
	policy->grant_kind = read_kind(&root, "grant_kind", TIER_GRANT_KIND);
	if (event_text_compare(&policy->join_kind, &policy->grant_kind) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"join_kind\" and \"grant_kind\" of a %s are the same", root.type),
						errhint("An event is one or the other.")));
	tier_metrics_read(&root, policy);
	if (is_short)
		read_short_form(&written, policy);
	else if (json_member(root.json, "levels", &value) != NULL)
		tier_levels_read(&root, &value, "levels", policy);
	else
		report_no_levels(&root);
	read_base(&root, policy);
	(void) policy_get_zone(&root, "zone", &policy->zone);
	read_window(&root, policy);
	if (policy_get_choice(&root, "upgrade", tier_upgrade_names, lengthof(tier_upgrade_names),
						  &number))
		policy->upgrade_at_period_end = number == 1;
	if (policy->upgrade_at_period_end && policy->window != TIER_CALENDAR &&
		policy->window != TIER_MEMBERSHIP_YEAR)
		report_contradiction(&root, "upgrade", tier_upgrade_names[1], "qualifying_window",
							 window_text(policy),
							 "It needs a window with periods: a calendar period or the membership "
							 "year.");
	read_common(&root, first);
	if (!read_validity(&root, first) && !tier_default_validity(policy, first))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a %s with the qualifying_window \"%s\" needs \"valid\"", root.type,
						policy->window == TIER_CALENDAR ? "calendar {...}" : window_text(policy)),
				 errhint(VALID_HINT)));
	check_version(&root, policy, first);
	read_versions(&root, policy);
	return policy;
}

/* ---- opening, and what an open one tells ---- */

TierPolicy *
tier_policy_open(const struct varlena *policy)
{
	return tier_policy_read(json_parse_object(policy_unpack(policy), TIER_POLICY_TYPE));
}

int
tier_rank_of(const TierPolicy *policy, const char *name, int len)
{
	int rank;

	for (rank = 0; rank < policy->ntiers; rank++)
		if ((int) strlen(policy->tiers[rank]) == len && memcmp(policy->tiers[rank], name, len) == 0)
			return rank;
	return TIER_NO_RANK;
}

const TierVersion *
tier_version_on(const TierPolicy *policy, DateADT day)
{
	return &policy->versions[policy_version_on(policy->versions, policy->nversions,
											   sizeof(TierVersion), day)];
}

ZoneDays *
tier_policy_zone(const TierPolicy *policy)
{
	return policy->zone != NULL ? policy->zone : zone_of_session();
}

TimestampTz
tier_day_end(const TierPolicy *policy, DateADT day)
{
	check_finite_day(day);
	return zone_day_start(tier_policy_zone(policy), day + 1);
}
