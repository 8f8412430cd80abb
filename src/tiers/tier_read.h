/*
 * tier_read.h
 *		Reading the parts of a tier_policy, for tier_policy.c: its metrics (tier_metrics.c) and
 *		its levels (tier_levels.c).
 */
#ifndef LOYALTY_TIER_READ_H
#define LOYALTY_TIER_READ_H

#include "policy/policy.h"
#include "tiers/tier_policy.h"

/* Reads the metrics, or sets the default one. The kinds of member facts are known already. */
extern void tier_metrics_read(const PolicyObject *root, TierPolicy *policy);

/* Reads the policy's own levels: its tiers' names (that of rank 0 is left open), and what the
 * first version asks. The metrics are known already. */
extern void tier_levels_read(const PolicyObject *object, const JsonbValue *value, const char *path,
							 TierPolicy *policy);

/* Reads a version's levels: the same tiers. */
extern TierLevel *tier_levels_again(const PolicyObject *object, const TierPolicy *policy);

/* The place of a member whose key is a user's own text, which may be long. */
extern const char *tier_member_path(const char *path, const JsonbValue *key);

#endif
