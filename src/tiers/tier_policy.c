/*
 * tier_policy.c
 *		The rules of tiers: the table of their keys, what contradicts what, and the SQL type
 *		tier_policy. Metrics and levels are in tier_levels.c.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "tiers/tiers_internal.h"

/* Names of an enum that also has what isn't one word: NULL there. */
static const char *const window_names[] = { NULL, NULL, "membership year", "since tier",
											"lifetime" };
static const char *const valid_names[] = { NULL, "period_end", "next_period_end", "while_qualified",
										   "forever" };

static const char *const threshold_names[] = { "reached", "exceeded" };
static const char *const upgrade_names[] = { "at_once", "period_end" };
static const char *const other_kinds_names[] = { "error", "ignore" };
static const char *const downgrade_names[] = { "to_metric", "one_level", "to_base" };

#define NO_GRACE	  "none"
#define CALENDAR_WORD "calendar "
#define ENTRY_NAME	  "Member"
#define TIERS_HINT	  "Give the tiers, such as '{\"Silver\": 500, \"Gold\": 2000}'."

#define WINDOW_HINT                                                                             \
	"Write an interval such as \"12 months\", \"calendar year\" (or another calendar_period), " \
	"\"membership year\", \"since tier\" or \"lifetime\"."
#define OWN_WINDOW_HINT                                                                         \
	"Write an interval such as \"12 months\", \"calendar year\" (or another calendar_period), " \
	"\"membership year\" or \"lifetime\"."
#define VALID_HINT                                                                      \
	"Write an interval such as \"12 months\", period_end or next_period_end (or more: " \
	"\"next_period_end + 3 months\"), while_qualified, or forever."

/* ---- window, validity, grace ---- */

/* A period of a policy has the policy's zone: its own is dropped, and mustn't be another. */
static CalendarPeriod *
read_period(const PolicyObject *root, const char *path, const char *text, const TierPolicy *policy)
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
					 errmsg("\"%s\" of a %s is in the zone %s, the policy in %s", path, root->type,
							calendar.zone,
							policy->zone != NULL ? zone_name(policy->zone) : "the session's"),
					 errhint("Give the zone as \"zone\".")));
		own = calendar_period_text(period);
		*strchr(own, '@') = '\0';
		period = calendar_period_parse(own);
	}
	return period;
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

static Interval
read_span(const PolicyObject *object, const char *path, const char *text, const char *hint)
{
	Interval span;

	if (!policy_parse_interval(text, &span))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s can't be \"%.*s%s\"", path, object->type,
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint("%s", hint)));
	check_interval(object, &span, path, text);
	return span;
}

/* What a window is; an interval or a period stands beside it. */
typedef struct WindowRead
{
	TierWindow window;
	Interval rolling;
	CalendarPeriod *period;
} WindowRead;

static WindowRead
window_of_text(const PolicyObject *root, const char *path, char *text, const TierPolicy *policy,
			   const char *hint)
{
	WindowRead read = { 0 };
	int number = choice_find(text, strlen(text), window_names, lengthof(window_names));

	if (number >= 0)
		read.window = (TierWindow) number;
	else if (strncmp(text, CALENDAR_WORD, strlen(CALENDAR_WORD)) == 0)
	{
		read.window = TIER_CALENDAR;
		read.period = read_period(root, path, text + strlen(CALENDAR_WORD), policy);
	}
	else
		read.rolling = read_span(root, path, text, hint);
	return read;
}

static const char *
window_text_of(TierWindow window, const TierPolicy *policy)
{
	if (window == TIER_ROLLING)
		return policy_interval_text(&policy->rolling);
	if (window == TIER_CALENDAR)
		return psprintf(CALENDAR_WORD "%s", calendar_period_text(policy->period));
	return window_names[window];
}

static const char *
window_text(const TierPolicy *policy)
{
	return window_text_of(policy->window, policy);
}

/* ---- windows of measures ---- */

/*
 * Windows that have been read so far: there is one interval and one kind of period among them,
 * which all that have one share.
 */
typedef struct WindowsRead
{
	const char *rolling_path; /* where it stands; NULL: nowhere yet */
	const char *period_path;
	TierWindow period_window;
} WindowsRead;

static void
report_two_windows(const PolicyObject *root, const char *a, const char *a_text, const char *b,
				   const char *b_text, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" \"%s\" of a %s can't be with \"%s\" \"%s\"", a, a_text,
						   root->type, b, b_text),
					errhint("All windows of a policy together have %s. Any metric can have "
							"\"lifetime\".",
							what)));
}

/* Takes in a window that is read. */
static void
share_window(const PolicyObject *root, const char *path, const WindowRead *read, TierPolicy *policy,
			 WindowsRead *known)
{
	if (read->window == TIER_ROLLING)
	{
		if (known->rolling_path != NULL && !policy_interval_same(&read->rolling, &policy->rolling))
			report_two_windows(root, path, policy_interval_text(&read->rolling),
							   known->rolling_path, policy_interval_text(&policy->rolling),
							   "one interval");
		policy->rolling = read->rolling;
		known->rolling_path = path;
	}
	else if (tier_is_of_period(read->window))
	{
		TierPolicy other = *policy;

		other.period = read->period;
		if (known->period_path != NULL && strcmp(window_text_of(read->window, &other),
												 window_text_of(known->period_window, policy)) != 0)
			report_two_windows(root, path, window_text_of(read->window, &other), known->period_path,
							   window_text_of(known->period_window, policy), "one kind of period");
		policy->period = read->period;
		known->period_path = path;
		known->period_window = read->window;
	}
}

static void
check_rollover(const PolicyObject *root, const char *path, const TierPolicy *policy,
			   const TierMeasure *measure)
{
	if (measure->rolls && measure->window != TIER_CALENDAR)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s can't be with the qualifying_window \"%s\"", path,
							   root->type, window_text_of(measure->window, policy)),
						errhint("What rolls over goes from one calendar period into the next: give "
								"the policy or the metric a \"qualifying_window\" such as "
								"\"calendar year\".")));
}

static void
read_measure_window(const PolicyObject *root, TierMeasure *measure, TierPolicy *policy,
					WindowsRead *known)
{
	const char *place =
		psprintf("metrics.%.*s%s", JSON_SHOWN(measure->name, (int) strlen(measure->name)));
	const char *path = psprintf("%s.qualifying_window", place);

	measure->window = policy->window;
	if (measure->window_text != NULL)
	{
		WindowRead read =
			window_of_text(root, path, pstrdup(measure->window_text), policy, OWN_WINDOW_HINT);

		if (read.window != policy->window &&
			(read.window == TIER_SINCE_TIER || policy->window == TIER_SINCE_TIER))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 read.window == TIER_SINCE_TIER
						 ? errmsg("\"%s\" of a %s can't be \"%s\"", path, root->type,
								  window_names[TIER_SINCE_TIER])
						 : errmsg("\"%s\" of a %s can't be with \"qualifying_window\" \"%s\"", path,
								  root->type, window_names[TIER_SINCE_TIER]),
					 errhint("Since a tier began either all metrics count, or none: \"since tier\" "
							 "is a window of the policy, and no metric has another beside it.")));
		share_window(root, path, &read, policy, known);
		measure->window = read.window;
		measure->window_text =
			read.window == policy->window ? NULL : window_text_of(read.window, policy);
	}
	check_rollover(root, psprintf("%s.rollover", place), policy, measure);
}

static void
read_window(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	TierPolicy *policy = opened;
	WindowRead read = { .window = policy->window, .rolling = policy->rolling };
	WindowsRead known = { 0 };
	JsonbValue value;
	int i;

	if (json_member(root->json, key->name, &value) != NULL)
		read = window_of_text(root, key->name, json_as_string(&value, root->type, key->name),
							  policy, WINDOW_HINT);
	policy->window = read.window;
	share_window(root, key->name, &read, policy, &known);
	for (i = 0; i < policy->nmeasures; i++)
		read_measure_window(root, &policy->measures[i], policy, &known);
}

static void
put_window(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		   const void *before)
{
	policy_put_name(out, key->name, window_text(now));
}

/* The validity that a window has unless it is said; false where it must be said. */
static bool
default_validity(const TierPolicy *policy, TierVersion *version)
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

/* Cuts "next_period_end + 3 months" before what is added, which is returned; NULL where the text
 * isn't of that kind. */
static char *
cut_addition(char *text)
{
	char *plus = strchr(text, '+');
	char *end = plus;
	int number;

	if (plus == NULL)
		return NULL;
	while (end > text && end[-1] == ' ')
		end--;
	number = choice_find(text, end - text, valid_names, lengthof(valid_names));
	if (number != TIER_VALID_PERIOD_END && number != TIER_VALID_NEXT_PERIOD_END)
		return NULL;
	*end = '\0';
	return plus + 1 + strspn(plus + 1, " ");
}

static void
read_validity(const PolicyObject *object, const PolicyKey *key, void *opened, void *read)
{
	const TierPolicy *policy = opened;
	TierVersion *version = read;
	const char *path = policy_path(object, key->name);
	JsonbValue value;
	char *addition;
	char *text;
	int number;

	if (json_member(object->json, key->name, &value) == NULL)
	{
		if (version == policy->versions && !default_validity(policy, version))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a %s with the qualifying_window \"%s\" needs \"valid\"", object->type,
							policy->window == TIER_CALENDAR ? CALENDAR_WORD "{...}"
															: window_text(policy)),
					 errhint(VALID_HINT)));
		return;
	}
	text = json_as_string(&value, object->type, path);
	memset(&version->valid_for, 0, sizeof(Interval));
	addition = cut_addition(text);
	number = choice_find(text, strlen(text), valid_names, lengthof(valid_names));
	version->valid = number >= 0 ? (TierValidity) number : TIER_VALID_INTERVAL;
	if (number < 0)
		version->valid_for = read_span(object, path, text, VALID_HINT);
	else if (addition != NULL)
		version->valid_for = read_span(object, path, addition, VALID_HINT);
}

/* Where it isn't an interval alone. */
static const char *
valid_text(const TierVersion *version)
{
	const char *name = valid_names[version->valid];

	return tier_valid_is_added_to(version)
			   ? psprintf("%s + %s", name, policy_interval_text(&version->valid_for))
			   : name;
}

static void
put_validity(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			 const void *before)
{
	const TierVersion *version = now;

	if (version->valid == TIER_VALID_INTERVAL)
		policy_put_interval(out, key->name, &version->valid_for);
	else
		policy_put_name(out, key->name, valid_text(version));
}

/* What the first version has by default depends on the window. */
static bool
validity_same(const PolicyKey *key, const void *policy, const void *now, const void *before)
{
	const TierVersion *version = now;
	TierVersion other = *(const TierVersion *) before;

	if (version == ((const TierPolicy *) policy)->versions && !default_validity(policy, &other))
		return false;
	return version->valid == other.valid &&
		   policy_interval_same(&version->valid_for, &other.valid_for);
}

static void
read_grace(const PolicyObject *object, const PolicyKey *key, void *policy, void *read)
{
	TierVersion *version = read;
	JsonbValue value;

	if (json_member(object->json, key->name, &value) != NULL && value.type == jbvString &&
		value.val.string.len == (int) strlen(NO_GRACE) &&
		memcmp(value.val.string.val, NO_GRACE, value.val.string.len) == 0)
	{
		version->has_grace = false;
		memset(&version->grace, 0, sizeof(Interval));
	}
	else if (policy_get_interval(object, key->name, false, &version->grace))
	{
		check_interval(object, &version->grace, policy_path(object, key->name),
					   policy_interval_text(&version->grace));
		version->has_grace = true;
	}
}

static void
put_grace(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		  const void *before)
{
	const TierVersion *version = now;

	policy_put_name(out, key->name,
					version->has_grace ? policy_interval_text(&version->grace) : NO_GRACE);
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

static void
check_version(const PolicyObject *object, const PolicyKey *key, void *opened, void *read)
{
	const TierPolicy *policy = opened;
	const TierVersion *version = read;
	const char *valid = version->valid != TIER_VALID_INTERVAL ? valid_text(version) : NULL;
	bool has_periods = tier_is_of_period(policy->window);

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
		report_contradiction(object, "valid", valid, "upgrade", upgrade_names[1],
							 "The metric decides at every instant, or at the end of the period.");
	if (version->downgrade == TIER_ONE_LEVEL && !version->has_grace)
		report_contradiction(object, "valid", valid, "downgrade", downgrade_names[TIER_ONE_LEVEL],
							 "Without a grace every level would be lost at the same instant. Give "
							 "\"grace\", or let tiers be valid for a time.");
}

static void
check_upgrade(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	const TierPolicy *policy = opened;

	if (policy->upgrade_at_period_end && !tier_is_of_period(policy->window))
		report_contradiction(root, key->name, upgrade_names[1], "qualifying_window",
							 window_text(policy),
							 "It needs a window with periods: a calendar period or the membership "
							 "year.");
}

static void
check_kinds(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	const TierPolicy *policy = opened;

	if (event_text_compare(&policy->join_kind, &policy->grant_kind) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"join_kind\" and \"grant_kind\" of a %s are the same", root->type),
						errhint("An event is one or the other.")));
}

/* ---- the entry tier ---- */

static void
read_entry(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	TierPolicy *policy = opened;
	JsonbValue value;
	int rank;

	policy->tiers[0] = ENTRY_NAME;
	if (json_member(root->json, key->name, &value) != NULL)
		policy->tiers[0] = json_as_string(&value, root->type, key->name);
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
						 "\"" ENTRY_NAME "\".")));
}

static void
put_entry(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		  const void *before)
{
	policy_put_name(out, key->name, ((const TierPolicy *) now)->tiers[0]);
}

static bool
entry_same(const PolicyKey *key, const void *policy, const void *now, const void *before)
{
	return strcmp(((const TierPolicy *) now)->tiers[0], ENTRY_NAME) == 0;
}

/* ---- the table ---- */

static const PolicyKey keys[] = {
	{ .name = "levels",
	  .changes = true,
	  .required = true,
	  .turn = 2,
	  .argument = 1,
	  POLICY_AT(TierVersion, levels),
	  .read = tier_read_levels,
	  .write = tier_put_levels },
	{ .name = "base",
	  .turn = 3,
	  .argument = 2,
	  .given_as = POLICY_TEXT,
	  .read = read_entry,
	  .write = put_entry,
	  .same = entry_same },
	{ .name = "metrics",
	  .turn = 1,
	  .argument = 3,
	  .read = tier_read_measures,
	  .write = tier_put_measures,
	  .same = tier_measures_same },
	{ .name = "qualifying_window",
	  .turn = 4,
	  .argument = 4,
	  .given_as = POLICY_TEXT,
	  .read = read_window,
	  .write = put_window },
	{ .name = "threshold",
	  .type = POLICY_CHOICE,
	  .changes = true,
	  .turn = 5,
	  .argument = 5,
	  POLICY_AT(TierVersion, exceeded),
	  POLICY_NAMES(threshold_names) },
	{ .name = "upgrade",
	  .type = POLICY_CHOICE,
	  .turn = 4,
	  .argument = 6,
	  POLICY_AT(TierPolicy, upgrade_at_period_end),
	  POLICY_NAMES(upgrade_names),
	  .check = check_upgrade },
	{ .name = "valid",
	  .changes = true,
	  .turn = 6,
	  .argument = 7,
	  .given_as = POLICY_TEXT,
	  .read = read_validity,
	  .write = put_validity,
	  .same = validity_same },
	{ .name = "downgrade",
	  .type = POLICY_CHOICE,
	  .changes = true,
	  .turn = 5,
	  .argument = 8,
	  POLICY_AT(TierVersion, downgrade),
	  POLICY_NAMES(downgrade_names) },
	{ .name = "grace",
	  .changes = true,
	  .turn = 5,
	  .argument = 9,
	  .given_as = POLICY_INTERVAL,
	  .read = read_grace,
	  .write = put_grace },
	{ .name = "join_kind", .type = POLICY_TEXT, .argument = 10, POLICY_AT(TierPolicy, join_kind) },
	{ .name = "grant_kind",
	  .type = POLICY_TEXT,
	  .argument = 11,
	  POLICY_AT(TierPolicy, grant_kind),
	  .check = check_kinds },
	{ .name = "other_kinds",
	  .type = POLICY_CHOICE,
	  .argument = 12,
	  POLICY_AT(TierPolicy, ignores_others),
	  POLICY_NAMES(other_kinds_names) },
	{ .name = "zone", .type = POLICY_ZONE, .turn = 3, .argument = 13, POLICY_AT(TierPolicy, zone) },
	{ .name = "versions", .type = POLICY_VERSIONS, .argument = 14 },
	{ .name = NULL }
};

/* ---- the short form ---- */

/* An object without "levels": every key is a tier, every value its threshold. */
static JsonbContainer *
long_form(const PolicyObject *root)
{
	JsonbIterator *iterator = NULL;
	JsonbBuild object = { 0 };
	JsonbValue name;
	JsonbValue value;

	if (policy_names(root, "levels"))
		return root->json;
	if (JsonContainerSize(root->json) == 0)
		tier_report_no_levels(root);
	while (policy_next_member(root->json, &iterator, &name, &value))
	{
		const PolicyKey *key = keys;
		char *tier = pnstrdup(name.val.string.val, name.val.string.len);

		while (key->name != NULL && strcmp(key->name, tier) != 0)
			key++;
		if (key->name != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a %s with \"%s\" needs \"levels\"", root->type, tier),
					 errhint("Put the tiers into it: {\"levels\": {\"Silver\": 500}, \"%s\": ...}.",
							 tier)));
		if (value.type != jbvNumeric && value.type != jbvNull)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the threshold of tier \"%.*s%s\" of a %s is not a number",
						JSON_SHOWN(tier, (int) strlen(tier)), root->type),
				 errdetail("Without \"levels\" every key is a tier, every value its threshold."),
				 errhint("Options beside the tiers need \"levels\": {\"levels\": {\"Silver\": "
						 "500}, ...}. Options are %s.",
						 policy_key_names(keys + 1))));
	}
	name.type = jbvString;
	name.val.string.val = unconstify(char *, keys[0].name);
	name.val.string.len = (int) strlen(keys[0].name);
	value.type = jbvBinary;
	value.val.binary.data = root->json;
	value.val.binary.len = 0;
	jsonb_push(&object, WJB_BEGIN_OBJECT, NULL);
	jsonb_push(&object, WJB_KEY, &name);
	jsonb_push(&object, WJB_VALUE, &value);
	jsonb_push(&object, WJB_END_OBJECT, NULL);
	return &JsonbValueToJsonb(object.result)->root;
}

/* ---- the type ---- */

static const TierPolicy default_policy = { .rolling = { .month = MONTHS_PER_YEAR },
										   .join_kind = EVENT_TEXT("join"),
										   .grant_kind = EVENT_TEXT("tier_grant") };
static const TierVersion default_version = { .from = DATEVAL_NOBEGIN };

const PolicyTable tier_policy_table = {
	.type = "tier_policy",
	.null_hint = TIERS_HINT,
	.keys = keys,
	POLICY_STRUCTS(TierPolicy, TierPolicy, TierVersion),
	.policy = &default_policy,
	.version = &default_version,
	.fixed_hint = "A version holds from, and any of %s.",
	.none_hint = "No grace from then on is \"grace\": \"none\".",
	.empty_hint = "Give any of %s.",
	.long_form = long_form,
	.check = check_version,
};

/*
 * tier_policy_open(), loyalty_tier_policy_in, _out, _recv, _send,
 * loyalty_tier_policy, loyalty_make_tier_policy
 */
POLICY_TYPE(tier_policy, TierPolicy)

/* ---- what an open one tells ---- */

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

/* The kind of a fact, which needn't occur where nobody has named it. */
static void
add_fact(MetricNames *names, const EventText *kind, const EventText *by_default)
{
	if (kind->bytes != NULL && event_text_compare(kind, by_default) != 0)
		metric_add_name(names, false, kind);
}

void
tier_policy_names(const TierPolicy *policy, MetricNames *names)
{
	int i;

	for (i = 0; i < policy->nmeasures; i++)
	{
		const TierMeasure *measure = &policy->measures[i];

		metric_add_names(names, false, measure->kinds, measure->nkinds);
		metric_add_names(names, true, measure->labels, measure->nlabels);
	}
	add_fact(names, &policy->join_kind, &default_policy.join_kind);
	add_fact(names, &policy->grant_kind, &default_policy.grant_kind);
}
