/*
 * tier_face.h
 *		What the SQL faces of tiers of everyone share: fold and parameters as
 *		metric/base_metric.h wants them, reading results.
 */
#ifndef LOYALTY_TIER_FACE_H
#define LOYALTY_TIER_FACE_H

#include "postgres.h"

#include "metric/tally.h"
#include "tiers/tier_base.h"
#include "metric/base_metric.h"

/* Parameters of all shapes; a metric has one more at most. */
typedef enum TierParameter
{
	TIER_PARAMETER_POLICY,
	TIER_PARAMETER_ZONE,
	TIER_PARAMETER_AS_OF,
	TIER_PARAMETER_OTHER
} TierParameter;

extern char *tier_canonical_policy(const char *text);

#define TIER_PARAMETERS BASE_PARAMETER_POLICY(tier_canonical_policy), BASE_PARAMETER_ZONE

#define TIER_ARGUMENT_POLICY                                               \
	{                                                                      \
		"policy", BASE_POLICY, TIER_PARAMETER_POLICY,                      \
			"Give the tiers, such as '{\"Silver\": 500, \"Gold\": 2000}'." \
	}
#define TIER_ARGUMENT_AS_OF                             \
	{                                                   \
		"as_of", BASE_AS_OF, TIER_PARAMETER_AS_OF, NULL \
	}

/* (policy, as_of) */
#define TIER_PLAIN_ARGUMENTS  2
#define TIER_PLAIN_PARAMETERS (TIER_PARAMETER_AS_OF + 1)
extern const BaseArgument tier_plain_arguments[TIER_PLAIN_ARGUMENTS];
extern const TallyParameter tier_plain_parameters[TIER_PLAIN_PARAMETERS];

/* The parts of a BaseMetric; the kind of fold is a TierFoldKind. */
extern void *tier_open_policy(const struct varlena *policy);
extern ZoneDays **tier_zone_of_policy(void *policy);
extern void *tier_start_fold(int fold_kind, const BaseQuestion *asked);
extern void tier_add_customer(void *fold, ByteSpan body);
extern void tier_flush_fold(void *fold, Tally *tally);

#define TIER_METRIC                                                                         \
	.zone_parameter = TIER_PARAMETER_ZONE, .open_policy = tier_open_policy,                 \
	.policy_zone = tier_zone_of_policy, .start = tier_start_fold, .add = tier_add_customer, \
	.flush = tier_flush_fold

/* ---- reading results ---- */

/* Instead of a tier's name, for TIER_NO_RANK. */
#define TIER_NOT_YET "not yet a member"

/* The policy that a result was counted by; NULL where it has none, and so no rows. */
extern TierPolicy *tier_result_policy(const Tally *tally);

/* What is wrong with rows from outside, one of whose keys is a rank; NULL: nothing so far. */
extern const char *tier_rows_fault(const Tally *tally, int rank_key);

/* A number of members as a share of all; NaN of none. */
extern double tier_share(int128 members, int128 all);

#endif
