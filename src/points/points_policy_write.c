/*
 * points_policy_write.c
 *		The rules of points as canonical JSON.
 *
 * It is written from what the rules mean, in a fixed order and without what is the
 * default or changes nothing: equal rules have equal bytes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/json.h"

#include "calendar/calendar.h"
#include "policy/policy.h"
#include "points/points_policy.h"

bool
points_expiry_same(const PointsExpiry *a, const PointsExpiry *b)
{
	return a->has_after == b->has_after && a->from_activation == b->from_activation &&
		   a->align == b->align && a->on_month == b->on_month && a->on_day == b->on_day &&
		   (!a->has_after || policy_interval_same(&a->after, &b->after));
}

bool
points_labels_same(const PointsVersion *a, const PointsVersion *b)
{
	int i;

	if (a->labels == b->labels)
		return true;
	if (a->nlabels != b->nlabels)
		return false;
	for (i = 0; i < a->nlabels; i++)
		if (event_text_compare(&a->labels[i].label, &b->labels[i].label) != 0 ||
			!points_expiry_same(&a->labels[i].expiry, &b->labels[i].expiry))
			return false;
	return true;
}

/* Writes what is to be read over before to give this expiry; without before, all of it. */
static void
write_expiry(StringInfo out, const PointsExpiry *expiry, const PointsExpiry *before)
{
	if (before != NULL && points_expiry_same(expiry, before))
		return;
	if (!expiry->has_after && expiry->on_month == 0)
		policy_put_name(out, "expires", points_never_names[0]);
	else if (!expiry->has_after)
		policy_put_name(out, "expires_on", psprintf("%02d-%02d", expiry->on_month, expiry->on_day));
	else
	{
		if (before == NULL || !before->has_after)
			before = &points_expires_never;
		if (!before->has_after || !policy_interval_same(&expiry->after, &before->after))
			policy_put_interval(out, "expires_after", &expiry->after);
		if (expiry->from_activation != before->from_activation)
			policy_put_name(out, "expires_from",
							points_from_names[expiry->from_activation ? 1 : 0]);
		if (expiry->align != before->align)
			policy_put_name(out, "expires_align", points_align_names[expiry->align]);
	}
}

static void
write_labels(StringInfo out, const PointsVersion *version)
{
	int i;

	policy_put_key(out, "by_label");
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

static void
write_kinds(StringInfo out, const PointsPolicy *policy)
{
	int i;

	policy_put_key(out, "kinds");
	appendStringInfoChar(out, '{');
	for (i = 0; i < policy->nkinds; i++)
	{
		policy_put_name(out, policy->kinds[i].kind.bytes, points_role_names[policy->kinds[i].role]);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, '}');
}

void
points_policy_put_version(StringInfo out, const PointsPolicy *policy, int number)
{
	const PointsVersion *version = &policy->versions[number];
	const PointsVersion *before = version - 1;

	write_expiry(out, &version->expiry, &before->expiry);
	if (!points_labels_same(version, before))
		write_labels(out, version);
	if (!policy_interval_same(&version->pending, &before->pending))
		policy_put_interval(out, "pending", &version->pending);
}

static void
write_versions(StringInfo out, const PointsPolicy *policy)
{
	int i;

	policy_put_key(out, "versions");
	appendStringInfoChar(out, '[');
	for (i = 1; i < policy->nversions; i++)
	{
		appendStringInfo(out, "%s{", i > 1 ? ", " : "");
		policy_put_name(out, "from", day_text(policy->versions[i].from));
		points_policy_put_version(out, policy, i);
		appendStringInfoChar(out, '}');
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

void
points_policy_put_rules(StringInfo out, const PointsPolicy *policy)
{
	const PointsVersion *first = &policy->versions[0];
	static const Interval at_once;

	if (policy->nkinds > 0)
		write_kinds(out, policy);
	write_expiry(out, &first->expiry, &points_expires_never);
	if (policy->has_inactive)
		policy_put_interval(out, "inactive_after", &policy->inactive_after);
	if (!policy->refreshed_by_earn || !policy->refreshed_by_redeem)
	{
		policy_put_key(out, "refreshed_by");
		appendStringInfo(out, "[\"%s\"]",
						 points_refreshing_names[policy->refreshed_by_earn ? 0 : 1]);
	}
	if (policy->valid_at_boundary)
		policy_put_name(out, "expiry_boundary", points_boundary_names[1]);
	if (first->nlabels > 0)
		write_labels(out, first);
	if (!policy_interval_same(&first->pending, &at_once))
		policy_put_interval(out, "pending", &first->pending);
	if (policy->order != POINTS_SOONEST_EXPIRY)
		policy_put_name(out, "redeem_order", points_order_names[policy->order]);
	if (!policy->returns_below_zero)
	{
		policy_put_key(out, "returns_below_zero");
		appendStringInfoString(out, "false");
	}
	if (policy->overdraft != POINTS_OVERDRAFT_ALLOW)
		policy_put_name(out, "overdraft", points_overdraft_names[policy->overdraft]);
}

struct varlena *
points_policy_pack(const PointsPolicy *policy)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	if (policy->zone != NULL)
		policy_put_name(&out, "zone", zone_name(policy->zone));
	points_policy_put_rules(&out, policy);
	if (policy->nversions > 1)
		write_versions(&out, policy);
	appendStringInfoChar(&out, '}');
	return policy_pack(out.data, out.len);
}
