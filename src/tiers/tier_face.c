/*
 * tier_face.c
 *		What the SQL faces of tiers of everyone share; the header lists it.
 */
#include "postgres.h"

#include <math.h>

#include "policy/policy.h"
#include "tiers/tier_face.h"
#include "tiers/tiers.h"

/* ---- parameters and arguments ---- */

char *
tier_canonical_policy(const char *text)
{
	return policy_unpack(tier_policy_from_text(text));
}

const TallyParameter tier_plain_parameters[TIER_PLAIN_PARAMETERS] = { TIER_PARAMETERS,
																	  BASE_PARAMETER_AS_OF };

const BaseArgument tier_plain_arguments[TIER_PLAIN_ARGUMENTS] = { TIER_ARGUMENT_POLICY,
																  TIER_ARGUMENT_AS_OF };

/* ---- the fold ---- */

void *
tier_open_policy(const struct varlena *policy)
{
	return tier_policy_open(policy);
}

ZoneDays **
tier_zone_of_policy(void *policy)
{
	return &((TierPolicy *) policy)->zone;
}

void *
tier_start_fold(int fold_kind, const BaseQuestion *asked)
{
	TierQuestion question = { .policy = asked->policy,
							  .zone = asked->zone,
							  .period = asked->period,
							  .from_day = asked->day,
							  .as_of = asked->as_of,
							  .within = asked->number };

	return tier_fold_create((TierFoldKind) fold_kind, &question);
}

void
tier_add_customer(void *fold, ByteSpan body)
{
	tier_fold_customer(fold, body);
}

void
tier_flush_fold(void *fold, Tally *tally)
{
	tier_fold_flush(fold, tally);
}

/* ---- reading results ---- */

TierPolicy *
tier_result_policy(const Tally *tally)
{
	const char *text = tally_parameter(tally, TIER_PARAMETER_POLICY);

	return text != NULL ? tier_policy_open(tier_policy_from_text(text)) : NULL;
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
