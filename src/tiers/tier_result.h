/*
 * tier_result.h
 *		Tiers of everyone: what the metrics share, from the fold to reading their results.
 *
 *		timelines --> one walk each, to the end of as_of --> where it stands	--> census, near
 *														\-> at two days		--> migration
 *														\-> its changes		--> flow, tenure
 *
 * All go by the effective rank. Who isn't a member yet isn't counted; a customer without any
 * event is a member in the entry tier all the time, who never joined.
 *
 * The metrics are tier_census.c, tier_migration.c, tier_flow.c, tier_tenure.c and tier_near.c.
 */
#ifndef LOYALTY_TIER_RESULT_H
#define LOYALTY_TIER_RESULT_H

#include "postgres.h"

#include "metric/metric.h"
#include "tiers/tiers.h"

/* Kinds of folds. */
typedef enum TierFoldKind
{
	TIER_CENSUS,
	TIER_MIGRATION,
	TIER_FLOW,
	TIER_TENURE,
	TIER_NEAR
} TierFoldKind;

/* ---- keys and sums of the tallies, in the order of their shapes ---- */

/* By rank. */
typedef enum CensusSum
{
	CENSUS_MEMBERS,
	CENSUS_VALUE, /* of the first metric */
	CENSUS_SUMS
} CensusSum;

typedef enum MigrationKey
{
	MIGRATION_FROM, /* TIER_NO_RANK: not yet a member */
	MIGRATION_TO,
	MIGRATION_KEYS
} MigrationKey;

typedef enum FlowKey
{
	FLOW_PERIOD,
	FLOW_RANK,
	FLOW_KEYS
} FlowKey;

typedef enum FlowSum
{
	FLOW_JOINED,
	FLOW_UPGRADED_IN,
	FLOW_UPGRADED_OUT,
	FLOW_DOWNGRADED_IN,
	FLOW_DOWNGRADED_OUT,
	FLOW_EVENTLESS, /* members all the time: in the last period, since the first one isn't known
					   before all results are added up */
	FLOW_SUMS
} FlowSum;

typedef enum TenureKey
{
	TENURE_RANK,
	TENURE_DAYS,
	TENURE_KEYS
} TenureKey;

typedef enum TenureSum
{
	TENURE_ENDED,
	TENURE_RUNNING,
	TENURE_SUMS
} TenureSum;

/* By rank. */
typedef enum NearSum
{
	NEAR_MEMBERS,
	NEAR_NEXT,
	NEAR_KEEP,
	NEAR_SUMS
} NearSum;

/* ---- what metrics are made of ---- */

extern char *tier_canonical_policy(const char *text);

/* Parameters of all shapes; a metric has one more at most. */
#define TIER_PARAMETERS \
	METRIC_POLICY_PARAMETER("policy", tier_canonical_policy, "policy"), METRIC_POLICY_ZONE_PARAMETER
#define TIER_PARAMETER_POLICY 0

#define TIER_POLICY_ARGUMENT                                                                  \
	{                                                                                         \
		"policy", .type = METRIC_POLICY,                                                      \
				  .null_hint = "Give the tiers, such as '{\"Silver\": 500, \"Gold\": 2000}'." \
	}

/* (policy, as_of) */
#define TIER_PLAIN_ARGUMENTS  2
#define TIER_PLAIN_PARAMETERS 3
extern const MetricArgument tier_plain_arguments[TIER_PLAIN_ARGUMENTS];
extern const TallyParameter tier_plain_parameters[TIER_PLAIN_PARAMETERS];

extern const MetricPolicy tier_metric_policy;

/* The fold (tier_fold.c). */
extern void *tier_fold_start(const MetricQuestion *question, Tally *tally);
extern void tier_fold_customer(void *fold, ByteSpan body);
extern void tier_fold_finish(void *fold, Tally *tally);

/* All that the metrics have in common. */
#define TIER_METRIC                                                                     \
	.input = METRIC_TIMELINES, .policy = &tier_metric_policy, .start = tier_fold_start, \
	.customer = tier_fold_customer, .finish = tier_fold_finish

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
