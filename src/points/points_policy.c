/*
 * points_policy.c
 *		The rules of points from JSON: reading and checking.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "calendar/calendar.h"
#include "policy/policy.h"
#include "points/points_policy.h"

static const char *const policy_keys[] = {
	"zone",			 "kinds",	   "expires",		 "expires_after",	   "expires_from",
	"expires_align", "expires_on", "inactive_after", "refreshed_by",	   "expiry_boundary",
	"by_label",		 "pending",	   "redeem_order",	 "returns_below_zero", "overdraft",
	"versions",		 NULL
};
static const char *const label_keys[] = { "expires",	   "expires_after", "expires_from",
										  "expires_align", "expires_on",	NULL };
static const char *const version_keys[] = { "from",			"expires",		 "expires_after",
											"expires_from", "expires_align", "expires_on",
											"by_label",		"pending",		 NULL };

#define CHANGING \
	"expires, expires_after, expires_from, expires_align, expires_on, by_label, pending"

static const PolicyVersionKeys version_rules = {
	.policy = policy_keys,
	.version = version_keys,
	.fixed_hint = "A version holds from, and any of " CHANGING ".",
	.null_hint = "Points that don't expire from then on are \"expires\": \"never\", no waiting is "
				 "\"pending\": \"0 days\", and no rules by label are \"by_label\": {}.",
	.empty_hint = "Give any of " CHANGING ".",
};

const char *const points_never_names[] = { "never" };
const char *const points_from_names[] = { "earning", "activation" };
const char *const points_align_names[] = { "none", "day", "month", "quarter", "half_year", "year" };
const char *const points_boundary_names[] = { "gone", "valid" };
const char *const points_order_names[] = { "soonest_expiry", "oldest", "newest" };
const char *const points_overdraft_names[] = { "allow", "clip", "refuse" };
const char *const points_refreshing_names[] = { "earn", "redeem" };

const PointsExpiry points_expires_never = { .align = POINTS_ALIGN_DAY };

#define EXPIRES_HINT \
	"Points never expire, expire an interval after something, or on a day of the year."

/* ---- reading ---- */

/*
 * Reads one level's expiry over what holds without it: a date takes the place of an interval, and
 * the other way round; what is left out stays.
 */
static void
read_expiry(const PolicyObject *object, PointsExpiry *expiry)
{
	static const char *const ways[] = { "expires_after", "expires_from", "expires_align",
										"expires_on" };
	int number;
	int month;
	int day;
	int i;

	policy_refuse_both(object, "expires_after", "expires_on", EXPIRES_HINT);
	for (i = 0; i < (int) lengthof(ways); i++)
		policy_refuse_both(object, "expires", ways[i], EXPIRES_HINT);

	if (policy_get_choice(object, "expires", points_never_names, lengthof(points_never_names),
						  &number))
		*expiry = points_expires_never;
	if (policy_get_month_day(object, "expires_on", &month, &day))
	{
		*expiry = points_expires_never;
		expiry->on_month = month;
		expiry->on_day = day;
	}
	if (policy_get_interval(object, "expires_after", false, &expiry->after))
	{
		expiry->has_after = true;
		expiry->on_month = expiry->on_day = 0;
	}
	if (policy_get_choice(object, "expires_from", points_from_names, lengthof(points_from_names),
						  &number))
	{
		if (!expiry->has_after)
			policy_report_needs(object, "expires_from", "expires_after",
								"It says from where on that interval is counted.");
		expiry->from_activation = number == 1;
	}
	if (policy_get_choice(object, "expires_align", points_align_names, lengthof(points_align_names),
						  &number))
	{
		if (!expiry->has_after)
			policy_report_needs(
				object, "expires_align", "expires_after",
				"It says to the end of which day, month or year such an expiry moves.");
		expiry->align = (PointsAlign) number;
	}
}

/* A key of an object as a text of its own. */
static EventText
copy_text(const JsonbValue *key)
{
	EventText text;

	text.len = key->val.string.len;
	text.bytes = pnstrdup(key->val.string.val, text.len);
	return text;
}

/* The place of a member whose key is a user's own text, which may be long. */
static const char *
member_path(const char *path, const JsonbValue *key)
{
	return psprintf("%s.%.*s%s", path, JSON_SHOWN(key->val.string.val, key->val.string.len));
}

static void
read_kinds(const PolicyObject *root, PointsPolicy *policy)
{
	JsonbValue key;
	JsonbValue value;
	JsonbContainer *kinds;
	JsonbIterator *iterator;

	if (json_member(root->json, "kinds", &value) == NULL)
		return;
	kinds = json_as_object(&value, root->type, "kinds");
	if (JsonContainerSize(kinds) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"kinds\" of a %s is empty", root->type),
				 errhint("Give each kind of the ledger its role, or leave \"kinds\" out: then "
						 "positive values earn and negative ones redeem.")));
	policy->kinds = palloc_extended(JsonContainerSize(kinds) * sizeof(PointsKind), MCXT_ALLOC_HUGE);
	iterator = JsonbIteratorInit(kinds);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		PointsKind *kind = &policy->kinds[policy->nkinds++];

		(void) JsonbIteratorNext(&iterator, &value, true);
		kind->kind = copy_text(&key);
		kind->role = (PointsRole) policy_choice(root, &value, member_path("kinds", &key),
												points_role_names, POINTS_ROLES);
		policy->books_expiry = policy->books_expiry || kind->role == POINTS_EXPIRE;
		policy->has_refunds = policy->has_refunds || kind->role == POINTS_REDEEM_REFUND;
		CHECK_FOR_INTERRUPTS();
	}
	qsort(policy->kinds, policy->nkinds, sizeof(PointsKind), event_text_order);
}

/* The rules by label, if the level has some; they take the place of those before. */
static void
read_labels(const PolicyObject *object, PointsVersion *version)
{
	const char *path = policy_path(object, "by_label");
	JsonbValue key;
	JsonbValue value;
	JsonbContainer *labels;
	JsonbIterator *iterator;

	if (json_member(object->json, "by_label", &value) == NULL)
		return;
	labels = json_as_object(&value, object->type, path);
	version->nlabels = 0;
	version->labels =
		palloc_extended((JsonContainerSize(labels) + 1) * sizeof(PointsLabelRule), MCXT_ALLOC_HUGE);
	iterator = JsonbIteratorInit(labels);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		PointsLabelRule *rule = &version->labels[version->nlabels++];
		PolicyObject place;

		(void) JsonbIteratorNext(&iterator, &value, true);
		policy_enter(object, &value, member_path(path, &key), &place);
		policy_check_keys(&place, label_keys);
		rule->label = copy_text(&key);
		rule->expiry = points_expires_never;
		read_expiry(&place, &rule->expiry);
		if (!rule->expiry.has_after && rule->expiry.on_month == 0 && !policy_has(&place, "expires"))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" of a %s doesn't say when points expire",
							member_path(path, &key), object->type),
					 errhint("Give expires_after or expires_on, or \"expires\": \"never\".")));
		CHECK_FOR_INTERRUPTS();
	}
	qsort(version->labels, version->nlabels, sizeof(PointsLabelRule), event_text_order);
}

/* Reads the dated versions, each over the one before. Those that change nothing are left out. */
static void
read_versions(const PolicyObject *root, PointsPolicy *policy)
{
	PolicyVersions versions;
	uint32 count = policy_versions_open(&versions, root, &version_rules);

	policy->versions = repalloc_huge(policy->versions, (count + 1) * sizeof(PointsVersion));
	while (policy_versions_next(&versions))
	{
		PointsVersion *before = &policy->versions[policy->nversions - 1];
		PointsVersion *version = before + 1;

		*version = *before;
		version->from = versions.from;
		read_expiry(&versions.object, &version->expiry);
		(void) policy_get_interval(&versions.object, "pending", true, &version->pending);
		read_labels(&versions.object, version);
		if (!points_expiry_same(&version->expiry, &before->expiry) ||
			!policy_interval_same(&version->pending, &before->pending) ||
			!points_labels_same(version, before))
			policy->nversions++;
	}
}

/* Days without activity are counted: less than one is none. */
static void
read_inactive(const PolicyObject *root, PointsPolicy *policy)
{
	const Interval *after = &policy->inactive_after;

	policy->has_inactive =
		policy_get_interval(root, "inactive_after", false, &policy->inactive_after);
	if (policy->has_inactive && after->month == 0 && after->day == 0 && after->time < USECS_PER_DAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"inactive_after\" of a %s is less than a day: \"%s\"", root->type,
							   policy_interval_text(after)),
						errhint("Write an interval of a day or more, such as \"12 months\".")));
}

static void
read_refreshing(const PolicyObject *root, PointsPolicy *policy)
{
	JsonbValue value;
	JsonbContainer *roles;
	uint32 i;

	policy->refreshed_by_earn = policy->refreshed_by_redeem = true;
	if (json_member(root->json, "refreshed_by", &value) == NULL)
		return;
	if (!policy->has_inactive)
		policy_report_needs(root, "refreshed_by", "inactive_after",
							"It says which events keep points from expiring for want of activity.");
	roles = json_as_array(&value, root->type, "refreshed_by");
	if (JsonContainerSize(roles) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"refreshed_by\" of a %s is empty", root->type),
						errhint("Give earn, redeem, or both, which is the default.")));
	policy->refreshed_by_earn = policy->refreshed_by_redeem = false;
	for (i = 0; i < JsonContainerSize(roles); i++)
	{
		int role = policy_choice(root, getIthJsonbValueFromContainer(roles, i), "refreshed_by",
								 points_refreshing_names, lengthof(points_refreshing_names));
		bool *refreshes = role == 0 ? &policy->refreshed_by_earn : &policy->refreshed_by_redeem;

		if (*refreshes)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"refreshed_by\" of a %s has \"%s\" twice", root->type,
								   points_refreshing_names[role])));
		*refreshes = true;
	}
}

PointsPolicy *
points_policy_read(JsonbContainer *json)
{
	PointsPolicy *policy = palloc0(sizeof(PointsPolicy));
	PolicyObject root = { json, POINTS_POLICY_TYPE, "" };
	PointsVersion *first = palloc0(sizeof(PointsVersion));
	int number;

	policy_check_keys(&root, policy_keys);
	(void) policy_get_zone(&root, "zone", &policy->zone);
	read_kinds(&root, policy);

	policy->versions = first;
	policy->nversions = 1;
	first->from = DATEVAL_NOBEGIN;
	first->expiry = points_expires_never;
	read_expiry(&root, &first->expiry);
	read_labels(&root, first);
	(void) policy_get_interval(&root, "pending", true, &first->pending);

	read_inactive(&root, policy);
	read_refreshing(&root, policy);
	if (policy_get_choice(&root, "expiry_boundary", points_boundary_names,
						  lengthof(points_boundary_names), &number))
		policy->valid_at_boundary = number == 1;
	if (policy_get_choice(&root, "redeem_order", points_order_names, lengthof(points_order_names),
						  &number))
		policy->order = (PointsOrder) number;
	policy->returns_below_zero = true;
	(void) policy_get_bool(&root, "returns_below_zero", &policy->returns_below_zero);
	if (policy_get_choice(&root, "overdraft", points_overdraft_names,
						  lengthof(points_overdraft_names), &number))
		policy->overdraft = (PointsOverdraft) number;
	read_versions(&root, policy);
	return policy;
}

/* ---- opening ---- */

PointsPolicy *
points_policy_open(const struct varlena *policy)
{
	return points_policy_read(json_parse_object(policy_unpack(policy), POINTS_POLICY_TYPE));
}
