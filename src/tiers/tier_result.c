/*
 * tier_result.c
 *		Tiers of everyone: what metrics are made of, and what reading their results has in common.
 */
#include "postgres.h"

#include <math.h>

#include "policy/policy.h"
#include "tiers/tiers.h"
#include "tiers/tier_result.h"

/* ---- parameters and arguments ---- */

char *
tier_canonical_policy(const char *text)
{
	return policy_canonical(&tier_policy_table, text);
}

const TallyParameter tier_plain_parameters[TIER_PLAIN_PARAMETERS] = { TIER_PARAMETERS,
																	  METRIC_AS_OF_PARAMETER };

const MetricArgument tier_plain_arguments[TIER_PLAIN_ARGUMENTS] = {
	TIER_POLICY_ARGUMENT, METRIC_LAST_DAY_ARGUMENT("as_of")
};

/* ---- the policy ---- */

static void *
open_policy(const struct varlena *policy)
{
	return tier_policy_open(policy);
}

static ZoneDays *
zone_of_policy(const void *policy)
{
	return ((const TierPolicy *) policy)->zone;
}

static void
set_zone(void *policy, ZoneDays *zone)
{
	((TierPolicy *) policy)->zone = zone;
}

const MetricPolicy tier_metric_policy = { open_policy, zone_of_policy, set_zone };

/* ---- reading results ---- */

TierPolicy *
tier_result_policy(const Tally *tally)
{
	const char *text = tally_parameter(tally, TIER_PARAMETER_POLICY);

	return text != NULL ? policy_open_text(&tier_policy_table, text) : NULL;
}

const char *
tier_rows_fault(const Tally *tally, int rank_key)
{
	const TierPolicy *policy = tier_result_policy(tally);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	if (nrows > 0 && policy == NULL)
		return "There are rows, but no \"policy\".";
	for (i = 0; i < nrows; i++)
		if (rows[i]->key.numbers[rank_key] < 0 || rows[i]->key.numbers[rank_key] >= policy->ntiers)
			return "There is a rank that the policy doesn't have.";
	return NULL;
}

double
tier_share(int128 members, int128 all)
{
	return all > 0 ? (double) members / (double) all : NAN;
}
