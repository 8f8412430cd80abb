/*
 * points_policy.c
 *		The rules of points: the table of their keys, what contradicts what, and the SQL type
 *		points_policy.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/json.h"

#include "points/points.h"
#include "metric/metric.h"
#include "policy/policy.h"

static const char *const never_names[] = { "never" };
static const char *const from_names[] = { "earning", "activation" };
static const char *const align_names[] = { "none", "day", "month", "quarter", "half_year", "year" };
static const char *const boundary_names[] = { "gone", "valid" };
static const char *const order_names[] = { "soonest_expiry", "oldest", "newest" };
static const char *const overdraft_names[] = { "allow", "clip", "refuse" };
static const char *const refunds_names[] = { "drop", "new_lot" };
static const char *const returns_names[] = { "drop", "take" };
static const char *const refreshing_names[] = { "earn", "redeem" };

static const char *const label_keys[] = { "expires",	   "expires_after",
										  "expires_from",  "expires_align",
										  "expires_on",	   "expires_shares",
										  "expires_every", NULL };

/* The expiry of points without a rule. */
static const PointsExpiry expires_never = { .align = POINTS_ALIGN_DAY };

#define EXPIRES_HINT \
	"Points never expire, expire an interval after something, or on a day of the year."

/* ---- expiry ---- */

/* Can the interval of the last share be written? */
static bool
shares_fit(const PointsExpiry *expiry)
{
	const Interval *after = &expiry->after;
	const Interval *every = &expiry->every;
	int32 times = expiry->shares - 1;
	int32 number;
	int64 time;

	return !pg_mul_s32_overflow(every->month, times, &number) &&
		   !pg_add_s32_overflow(number, after->month, &number) &&
		   !pg_mul_s32_overflow(every->day, times, &number) &&
		   !pg_add_s32_overflow(number, after->day, &number) &&
		   !pg_mul_s64_overflow(every->time, times, &time) &&
		   !pg_add_s64_overflow(time, after->time, &time);
}

/* How many shares expire one after another, and how far apart. */
static void
read_shares(const PolicyObject *object, PointsExpiry *expiry)
{
	int64 shares;

	if (policy_get_count(object, "expires_shares", &shares))
	{
		if (shares < 1 || shares > POINTS_MAX_SHARES)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of a %s is " INT64_FORMAT,
								   policy_path(object, "expires_shares"), object->type, shares),
							errhint("From 1 to %d shares are possible.", POINTS_MAX_SHARES)));
		if (!expiry->has_after)
			policy_report_needs(object, "expires_shares", "expires_after",
								"It says when the first share expires.");
		expiry->shares = shares > 1 ? (int) shares : 0;
		if (expiry->shares == 0)
			memset(&expiry->every, 0, sizeof(Interval));
	}
	if (policy_get_interval(object, "expires_every", false, &expiry->every) && expiry->shares == 0)
		policy_report_needs(
			object, "expires_every", "expires_shares",
			"It says how long after each share the next one expires, of 2 or more.");
	if (expiry->shares == 0)
		return;
	if (expiry->every.month == 0 && expiry->every.day == 0 && expiry->every.time == 0)
		policy_report_needs(object, "expires_shares", "expires_every",
							"It says how long after each share the next one expires.");
	if (!shares_fit(expiry))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is too long for %d shares: \"%s\"",
							   policy_path(object, "expires_every"), object->type, expiry->shares,
							   policy_interval_text(&expiry->every)),
						errhint("The last share expires so many times this interval after the "
								"first.")));
}

/*
 * Reads one level's expiry over what holds without it: a date takes the place of an interval, and
 * the other way round; what is left out stays.
 */
static void
read_expiry(const PolicyObject *object, PointsExpiry *expiry)
{
	static const char *const ways[] = { "expires_after", "expires_from",   "expires_align",
										"expires_on",	 "expires_shares", "expires_every" };
	int number;
	int month;
	int day;
	int i;

	policy_refuse_both(object, "expires_after", "expires_on", EXPIRES_HINT);
	for (i = 0; i < (int) lengthof(ways); i++)
		policy_refuse_both(object, "expires", ways[i], EXPIRES_HINT);

	if (policy_get_choice(object, "expires", never_names, lengthof(never_names), &number))
		*expiry = expires_never;
	if (policy_get_month_day(object, "expires_on", &month, &day))
	{
		*expiry = expires_never;
		expiry->on_month = month;
		expiry->on_day = day;
	}
	if (policy_get_interval(object, "expires_after", false, &expiry->after))
	{
		expiry->has_after = true;
		expiry->on_month = expiry->on_day = 0;
	}
	if (policy_get_choice(object, "expires_from", from_names, lengthof(from_names), &number))
	{
		if (!expiry->has_after)
			policy_report_needs(object, "expires_from", "expires_after",
								"It says from where on that interval is counted.");
		expiry->from_activation = number == 1;
	}
	if (policy_get_choice(object, "expires_align", align_names, lengthof(align_names), &number))
	{
		if (!expiry->has_after)
			policy_report_needs(
				object, "expires_align", "expires_after",
				"It says to the end of which day, month or year such an expiry moves.");
		expiry->align = (PointsAlign) number;
	}
	read_shares(object, expiry);
}

static bool
expiry_same(const PointsExpiry *a, const PointsExpiry *b)
{
	return a->has_after == b->has_after && a->from_activation == b->from_activation &&
		   a->align == b->align && a->on_month == b->on_month && a->on_day == b->on_day &&
		   (!a->has_after || policy_interval_same(&a->after, &b->after)) &&
		   a->shares == b->shares && policy_interval_same(&a->every, &b->every);
}

/* Writes what is to be read over before to give this expiry; without before, all of it. */
static void
write_expiry(StringInfo out, const PointsExpiry *expiry, const PointsExpiry *before)
{
	if (before != NULL && expiry_same(expiry, before))
		return;
	if (!expiry->has_after && expiry->on_month == 0)
		policy_put_name(out, "expires", never_names[0]);
	else if (!expiry->has_after)
		policy_put_name(out, "expires_on", psprintf("%02d-%02d", expiry->on_month, expiry->on_day));
	else
	{
		if (before == NULL || !before->has_after)
			before = &expires_never;
		if (!before->has_after || !policy_interval_same(&expiry->after, &before->after))
			policy_put_interval(out, "expires_after", &expiry->after);
		if (expiry->from_activation != before->from_activation)
			policy_put_name(out, "expires_from", from_names[expiry->from_activation ? 1 : 0]);
		if (expiry->align != before->align)
			policy_put_name(out, "expires_align", align_names[expiry->align]);
		if (expiry->shares != before->shares)
		{
			policy_put_key(out, "expires_shares");
			appendStringInfo(out, "%d", Max(expiry->shares, 1));
		}
		if (expiry->shares > 0 && !policy_interval_same(&expiry->every, &before->every))
			policy_put_interval(out, "expires_every", &expiry->every);
	}
}

static void
read_version_expiry(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	read_expiry(object, &((PointsVersion *) version)->expiry);
}

static void
put_version_expiry(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
				   const void *before)
{
	write_expiry(out, &((const PointsVersion *) now)->expiry,
				 before != NULL ? &((const PointsVersion *) before)->expiry : NULL);
}

static bool
version_expiry_same(const PolicyKey *key, const void *policy, const void *now, const void *before)
{
	return expiry_same(&((const PointsVersion *) now)->expiry,
					   &((const PointsVersion *) before)->expiry);
}

/* ---- waiting ---- */

static const char *const until_names[] = { "activated" };

/* Points wait for a while, or for an event: of two levels the inner one says which. */
static void
read_pending(const PolicyObject *object, const PolicyKey *key, void *policy, void *at)
{
	PointsVersion *version = at;
	int number;

	policy_refuse_both(object, "pending", "pending_until",
					   "Points wait for an interval, which an activation may cut short, or until "
					   "they are activated.");
	if (policy_get_interval(object, "pending", true, &version->pending))
		version->until_activated = false;
	if (policy_get_choice(object, "pending_until", until_names, lengthof(until_names), &number))
	{
		memset(&version->pending, 0, sizeof(Interval));
		version->until_activated = true;
	}
}

static bool
pending_same(const PolicyKey *key, const void *policy, const void *now, const void *before)
{
	const PointsVersion *a = now;
	const PointsVersion *b = before;

	return a->until_activated == b->until_activated &&
		   policy_interval_same(&a->pending, &b->pending);
}

static void
put_pending(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
			const void *before)
{
	const PointsVersion *version = now;

	if (version->until_activated)
		policy_put_name(out, "pending_until", until_names[0]);
	else
		policy_put_interval(out, "pending", &version->pending);
}

/* ---- kinds and labels ---- */

/* A key of an object as a text of its own. */
static EventText
copy_text(const JsonbValue *key)
{
	EventText text;

	text.len = key->val.string.len;
	text.bytes = pnstrdup(key->val.string.val, text.len);
	return text;
}

static void
read_kinds(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	PointsPolicy *policy = opened;
	JsonbIterator *iterator = NULL;
	JsonbContainer *kinds;
	JsonbValue name;
	JsonbValue value;

	if (json_member(root->json, key->name, &value) == NULL)
		return;
	kinds = json_as_object(&value, root->type, key->name);
	if (JsonContainerSize(kinds) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"kinds\" of a %s is empty", root->type),
				 errhint("Give each kind of the ledger its role, or leave \"kinds\" out: then "
						 "positive values earn and negative ones redeem.")));
	policy->kinds = palloc_extended(JsonContainerSize(kinds) * sizeof(PointsKind), MCXT_ALLOC_HUGE);
	policy->sign_decides = true;
	while (policy_next_member(kinds, &iterator, &name, &value))
	{
		PointsKind *kind = &policy->kinds[policy->nkinds++];

		kind->kind = copy_text(&name);
		kind->role = (PointsRole) policy_choice(root, &value, policy_member_path(key->name, &name),
												points_role_names, POINTS_ROLES);
		policy->sign_decides = policy->sign_decides && kind->role == POINTS_CARRY_OVER;
		policy->books_expiry = policy->books_expiry || kind->role == POINTS_EXPIRE;
		policy->has_refunds = policy->has_refunds || kind->role == POINTS_REDEEM_REFUND;
		policy->has_activations = policy->has_activations || kind->role == POINTS_ACTIVATE;
		policy->has_blocks = policy->has_blocks || kind->role == POINTS_BLOCK;
	}
	qsort(policy->kinds, policy->nkinds, sizeof(PointsKind), event_text_order);
}

static void
put_kinds(StringInfo out, const PolicyKey *key, const void *opened, const void *now,
		  const void *before)
{
	const PointsPolicy *policy = now;
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '{');
	for (i = 0; i < policy->nkinds; i++)
	{
		policy_put_name(out, policy->kinds[i].kind.bytes, points_role_names[policy->kinds[i].role]);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, '}');
}

/* The rules by label take the place of those before. */
static void
read_labels(const PolicyObject *object, const PolicyKey *key, void *policy, void *opened)
{
	PointsVersion *version = opened;
	const char *path = policy_path(object, key->name);
	JsonbIterator *iterator = NULL;
	JsonbContainer *labels;
	JsonbValue name;
	JsonbValue value;

	if (json_member(object->json, key->name, &value) == NULL)
		return;
	labels = json_as_object(&value, object->type, path);
	version->nlabels = 0;
	version->labels =
		palloc_extended((JsonContainerSize(labels) + 1) * sizeof(PointsLabelRule), MCXT_ALLOC_HUGE);
	while (policy_next_member(labels, &iterator, &name, &value))
	{
		PointsLabelRule *rule = &version->labels[version->nlabels++];
		PolicyObject place;

		policy_enter(object, &value, policy_member_path(path, &name), &place);
		policy_check_keys(&place, label_keys);
		rule->label = copy_text(&name);
		rule->expiry = expires_never;
		read_expiry(&place, &rule->expiry);
		if (!rule->expiry.has_after && rule->expiry.on_month == 0 && !policy_has(&place, "expires"))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" of a %s doesn't say when points expire",
							policy_member_path(path, &name), object->type),
					 errhint("Give expires_after or expires_on, or \"expires\": \"never\".")));
	}
	qsort(version->labels, version->nlabels, sizeof(PointsLabelRule), event_text_order);
}

static void
put_labels(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		   const void *before)
{
	const PointsVersion *version = now;
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '{');
	for (i = 0; i < version->nlabels; i++)
	{
		policy_put_key(out, version->labels[i].label.bytes);
		appendStringInfoChar(out, '{');
		write_expiry(out, &version->labels[i].expiry, NULL);
		appendStringInfoChar(out, '}');
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, '}');
}

/* ---- activity ---- */

/* Days without activity are counted: less than one is none. */
static void
check_inactive(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	PointsPolicy *policy = opened;
	const Interval *after = &policy->inactive_after;

	policy->has_inactive = after->month != 0 || after->day != 0 || after->time != 0;
	if (policy->has_inactive && after->month == 0 && after->day == 0 && after->time < USECS_PER_DAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is less than a day: \"%s\"", key->name, root->type,
							   policy_interval_text(after)),
						errhint("Write an interval of a day or more, such as \"12 months\".")));
}

static void
read_refreshing(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	PointsPolicy *policy = opened;
	JsonbIterator *iterator = NULL;
	JsonbContainer *roles;
	JsonbValue value;

	if (json_member(root->json, key->name, &value) == NULL)
		return;
	if (!policy->has_inactive)
		policy_report_needs(root, key->name, "inactive_after",
							"It says which events keep points from expiring for want of activity.");
	roles = json_as_array(&value, root->type, key->name);
	if (JsonContainerSize(roles) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is empty", key->name, root->type),
						errhint("Give earn, redeem, or both, which is the default.")));
	policy->refreshed_by_earn = policy->refreshed_by_redeem = false;
	while (policy_next_element(roles, &iterator, &value))
	{
		int role =
			policy_choice(root, &value, key->name, refreshing_names, lengthof(refreshing_names));
		bool *refreshes = role == 0 ? &policy->refreshed_by_earn : &policy->refreshed_by_redeem;

		if (*refreshes)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of a %s has \"%s\" twice", key->name, root->type,
								   refreshing_names[role])));
		*refreshes = true;
	}
}

static void
put_refreshing(StringInfo out, const PolicyKey *key, const void *opened, const void *now,
			   const void *before)
{
	const PointsPolicy *policy = now;
	bool refreshes[] = { policy->refreshed_by_earn, policy->refreshed_by_redeem };
	int role;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '[');
	for (role = 0; role < (int) lengthof(refreshes); role++)
		if (refreshes[role])
		{
			policy_put_element(out);
			appendStringInfo(out, "\"%s\"", refreshing_names[role]);
		}
	appendStringInfoChar(out, ']');
}

/* ---- what has expired ---- */

/* Of a program_policy the kinds are those of its earn rules, which it checks itself. */
static void
check_grace(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	PointsPolicy *policy = opened;
	int i;

	policy->has_grace =
		policy->grace.month != 0 || policy->grace.day != 0 || policy->grace.time != 0;
	for (i = 0; i < policy->nkinds && !policy->has_grace; i++)
		if (policy->kinds[i].role == POINTS_REINSTATE)
			policy_report_needs(root, "kinds", key->name, POINTS_GRACE_HINT);
}

/* Of a program_policy the kinds that activate are those of its earn rules. */
static void
finish(void *opened)
{
	const PointsPolicy *policy = opened;
	int i;

	for (i = 0; i < policy->nversions && !policy->has_activations; i++)
		if (policy->versions[i].until_activated)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"pending_until\" of a points_policy needs a kind that activates"),
				 i > 0 ? errdetail("In the version from %s on.", day_text(policy->versions[i].from))
					   : 0,
				 errhint("Without a kind whose role in \"kinds\" is activate, points would "
						 "never be available; in a program_policy \"earn\" has the kinds.")));
}

/* ---- the table ---- */

static const PolicyKey keys[] = {
	{ .name = "zone", .type = POLICY_ZONE, .argument = 16, POLICY_AT(PointsPolicy, zone) },
	{ .name = "kinds",
	  .argument = 1,
	  POLICY_AT(PointsPolicy, kinds),
	  .read = read_kinds,
	  .write = put_kinds },
	/* this row reads and writes the six behind it */
	{ .name = "expires",
	  .changes = true,
	  .read = read_version_expiry,
	  .write = put_version_expiry,
	  .same = version_expiry_same },
	{ .name = "expires_after", .changes = true, .argument = 2, .given_as = POLICY_INTERVAL },
	{ .name = "expires_from", .changes = true, .argument = 3, .given_as = POLICY_TEXT },
	{ .name = "expires_align", .changes = true, .argument = 4, .given_as = POLICY_TEXT },
	{ .name = "expires_on", .changes = true, .argument = 5, .given_as = POLICY_TEXT },
	{ .name = "expires_shares", .changes = true, .argument = 18, .given_as = POLICY_COUNT },
	{ .name = "expires_every", .changes = true, .argument = 19, .given_as = POLICY_INTERVAL },
	{ .name = "inactive_after",
	  .type = POLICY_INTERVAL,
	  .argument = 6,
	  POLICY_AT(PointsPolicy, inactive_after),
	  .check = check_inactive },
	{ .name = "refreshed_by",
	  .argument = 7,
	  .given_as = POLICY_TEXTS,
	  .read = read_refreshing,
	  .write = put_refreshing },
	{ .name = "expiry_boundary",
	  .type = POLICY_CHOICE,
	  .argument = 8,
	  POLICY_AT(PointsPolicy, valid_at_boundary),
	  POLICY_NAMES(boundary_names) },
	{ .name = "grace_after_expiry",
	  .type = POLICY_INTERVAL,
	  .argument = 20,
	  POLICY_AT(PointsPolicy, grace),
	  .check = check_grace },
	{ .name = "by_label",
	  .changes = true,
	  .argument = 9,
	  POLICY_AT(PointsVersion, labels),
	  .read = read_labels,
	  .write = put_labels },
	/* this row reads and writes the one behind it */
	{ .name = "pending",
	  .changes = true,
	  .argument = 10,
	  .given_as = POLICY_INTERVAL_OR_ZERO,
	  .read = read_pending,
	  .write = put_pending,
	  .same = pending_same },
	{ .name = "pending_until", .changes = true, .argument = 21, .given_as = POLICY_TEXT },
	{ .name = "redeem_order",
	  .type = POLICY_CHOICE,
	  .argument = 11,
	  POLICY_AT(PointsPolicy, order),
	  POLICY_NAMES(order_names) },
	{ .name = "returns_below_zero",
	  .type = POLICY_BOOL,
	  .argument = 12,
	  POLICY_AT(PointsPolicy, returns_below_zero) },
	{ .name = "returns_beyond",
	  .type = POLICY_CHOICE,
	  .argument = 15,
	  POLICY_AT(PointsPolicy, returns_take),
	  POLICY_NAMES(returns_names) },
	{ .name = "refunds_beyond",
	  .type = POLICY_CHOICE,
	  .argument = 14,
	  POLICY_AT(PointsPolicy, refunds_new_lot),
	  POLICY_NAMES(refunds_names) },
	{ .name = "overdraft",
	  .type = POLICY_CHOICE,
	  .argument = 13,
	  POLICY_AT(PointsPolicy, overdraft),
	  POLICY_NAMES(overdraft_names) },
	{ .name = "versions", .type = POLICY_VERSIONS, .argument = 17 },
	{ .name = NULL }
};

static const PointsPolicy default_policy = { .sign_decides = true,
											 .refreshed_by_earn = true,
											 .refreshed_by_redeem = true,
											 .returns_below_zero = true };
static const PointsVersion default_version = { .from = DATEVAL_NOBEGIN,
											   .expiry = { .align = POINTS_ALIGN_DAY } };

const PolicyTable points_policy_table = {
	.type = "points_policy",
	.null_hint = POLICY_DEFAULT_RULES("points_policy"),
	.keys = keys,
	POLICY_STRUCTS(PointsPolicy, PointsPolicy, PointsVersion),
	.policy = &default_policy,
	.version = &default_version,
	.fixed_hint = "A version holds from, and any of %s.",
	.none_hint = "Points that don't expire from then on are \"expires\": \"never\", no waiting is "
				 "\"pending\": \"0 days\", and no rules by label are \"by_label\": {}.",
	.empty_hint = "Give any of %s.",
	.finish = finish,
};

/*
 * points_policy_open(), loyalty_points_policy_in, _out, _recv, _send,
 * loyalty_points_policy, loyalty_make_points_policy
 */
POLICY_TYPE(points_policy, PointsPolicy)

void
points_policy_names(const PointsPolicy *policy, MetricNames *names)
{
	int i;
	int n;

	for (i = 0; i < policy->nkinds; i++)
		if (policy->kinds[i].role != POINTS_CARRY_OVER)
			metric_add_name(names, false, &policy->kinds[i].kind);
	for (i = 0; i < policy->nversions; i++)
		for (n = 0; n < policy->versions[i].nlabels; n++)
			metric_add_name(names, true, &policy->versions[i].labels[n].label);
}
