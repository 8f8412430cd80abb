/*
 * program_policy_write.c
 *		The rules of a programme as canonical JSON.
 *
 * Its parts write themselves, without their zone, which is one for all, and without their
 * versions, which come together by day:
 *
 *		earn		a		  b
 *		points		a			   c
 *		tiers			 b
 *					|	 |	  |	   |
 *		versions	[0]	 [1]  [2]  [3]
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/json.h"

#include "calendar/calendar.h"
#include "policy/policy.h"
#include "points/points_policy.h"
#include "earn/earn_policy.h"
#include "program/program_policy.h"
#include "tiers/tier_policy.h"

static void
put_no_expiry(StringInfo out, const ProgramPolicy *policy, const ProgramVersion *version)
{
	bool any = false;
	int rank;

	policy_put_key(out, "no_expiry_tiers");
	appendStringInfoChar(out, '[');
	for (rank = 0; rank < policy->tiers->ntiers; rank++)
		if (version->suspends[rank])
		{
			if (any)
				appendStringInfoString(out, ", ");
			escape_json(out, policy->tiers->tiers[rank]);
			any = true;
		}
	appendStringInfoChar(out, ']');
}

/* Starts a member that is an object. */
static void
open_part(StringInfo out, const char *key)
{
	policy_put_key(out, key);
	appendStringInfoChar(out, '{');
}

/* Ends it; without anything in it, it is taken back to where it began. */
static void
close_part(StringInfo out, int start)
{
	if (out->data[out->len - 1] == '{')
	{
		out->len = start;
		out->data[start] = '\0';
	}
	else
		appendStringInfoChar(out, '}');
}

static void
put_rules(StringInfo out, const ProgramPolicy *policy)
{
	int start = out->len;

	open_part(out, "earn");
	earn_policy_put_rules(out, policy->earn);
	close_part(out, start);
	start = out->len;
	open_part(out, "points");
	points_policy_put_rules(out, policy->points);
	close_part(out, start);
	if (policy->tiers == NULL)
		return;
	start = out->len;
	open_part(out, "tiers");
	tier_policy_put_rules(out, policy->tiers);
	close_part(out, start);
	if (policy->metric != PROGRAM_SPEND)
		policy_put_name(out, "tier_metric", program_metric_names[policy->metric]);
	if (!policy->pending_counts)
	{
		policy_put_key(out, "pending_counts");
		appendStringInfoString(out, "false");
	}
	if (program_version_suspends(policy, &policy->versions[0]))
		put_no_expiry(out, policy, &policy->versions[0]);
}

/* How many versions of the parts, and of the programme itself, are written. */
typedef struct Written
{
	int earn;
	int points;
	int tiers;
	int own;
} Written;

/* The day of a version that isn't written yet; DATEVAL_NOEND: there is none. */
#define NEXT_FROM(policy, written) \
	((written) < (policy)->nversions ? (policy)->versions[written].from : DATEVAL_NOEND)

static DateADT
next_from(const ProgramPolicy *policy, const Written *written)
{
	DateADT from = Min(NEXT_FROM(policy, written->own), NEXT_FROM(policy->earn, written->earn));

	from = Min(from, NEXT_FROM(policy->points, written->points));
	return policy->tiers == NULL ? from : Min(from, NEXT_FROM(policy->tiers, written->tiers));
}

/* A version: what begins on a day. */
static void
put_version(StringInfo out, const ProgramPolicy *policy, DateADT from, Written *written)
{
	appendStringInfoChar(out, '{');
	policy_put_name(out, "from", day_text(from));
	if (NEXT_FROM(policy->earn, written->earn) == from)
	{
		open_part(out, "earn");
		earn_policy_put_version(out, policy->earn, written->earn++);
		appendStringInfoChar(out, '}');
	}
	if (NEXT_FROM(policy->points, written->points) == from)
	{
		open_part(out, "points");
		points_policy_put_version(out, policy->points, written->points++);
		appendStringInfoChar(out, '}');
	}
	if (policy->tiers != NULL && NEXT_FROM(policy->tiers, written->tiers) == from)
	{
		open_part(out, "tiers");
		tier_policy_put_version(out, policy->tiers, written->tiers++);
		appendStringInfoChar(out, '}');
	}
	if (NEXT_FROM(policy, written->own) == from)
		put_no_expiry(out, policy, &policy->versions[written->own++]);
	appendStringInfoChar(out, '}');
}

struct varlena *
program_policy_pack(const ProgramPolicy *policy)
{
	StringInfoData out;
	Written written = { 1, 1, 1, 1 };
	bool any = false;
	DateADT from;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	put_rules(&out, policy);
	if (policy->zone != NULL)
		policy_put_name(&out, "zone", zone_name(policy->zone));
	while ((from = next_from(policy, &written)) != DATEVAL_NOEND)
	{
		if (any)
			appendStringInfoString(&out, ", ");
		else
		{
			policy_put_key(&out, "versions");
			appendStringInfoChar(&out, '[');
		}
		any = true;
		put_version(&out, policy, from, &written);
		CHECK_FOR_INTERRUPTS();
	}
	if (any)
		appendStringInfoChar(&out, ']');
	appendStringInfoChar(&out, '}');
	return policy_pack(out.data, out.len);
}
