/*
 * tier_policy.h
 *		Between the parts of tier_policy: its JSON read (tier_policy.c, tier_read.h) and written
 *		(tier_policy_write.c), and its SQL face (tier_policy_sql.c).
 */
#ifndef LOYALTY_TIER_POLICY_H
#define LOYALTY_TIER_POLICY_H

#include "tiers/tiers.h"

#include "lib/stringinfo.h"

#include "policy/policy_type.h"

#define TIER_POLICY_TYPE   "tier_policy"

#define TIER_BASE_NAME	   "Member"
#define TIER_METRIC_NAME   "value"
#define TIER_JOIN_KIND	   "join"
#define TIER_GRANT_KIND	   "tier_grant"
#define TIER_CALENDAR_WORD "calendar "

/* Names in the JSON, in the order of their enums; of two, the first is the default. */
extern const char *const tier_measure_names[TIER_DAYS + 1];
extern const char *const tier_values_names[2];
extern const char *const tier_window_names[TIER_LIFETIME + 1]; /* NULL where it isn't one word */
extern const char *const tier_threshold_names[2];
extern const char *const tier_upgrade_names[2];
extern const char *const tier_valid_names[TIER_VALID_FOREVER + 1]; /* NULL: an interval */
extern const char *const tier_downgrade_names[TIER_TO_BASE + 1];
extern const char *const tier_no_grace_name;

/* Reads the rules from a JSON object; everything is checked. In the current context. */
extern TierPolicy *tier_policy_read(JsonbContainer *json);

/* The validity that a window has unless it is said; false where it must be said. */
extern bool tier_default_validity(const TierPolicy *policy, TierVersion *version);

/* Do two rules mean the same? */
extern bool tier_condition_same(const TierCondition *a, const TierCondition *b);
extern bool tier_levels_same(const TierLevel *a, const TierLevel *b, int nlevels);
extern bool tier_validity_same(const TierVersion *a, const TierVersion *b);
extern bool tier_grace_same(const TierVersion *a, const TierVersion *b);

/* Writes the members of its object but zone and versions; of a version (from 1 on), but from. */
extern void tier_policy_put_rules(StringInfo out, const TierPolicy *policy);
extern void tier_policy_put_version(StringInfo out, const TierPolicy *policy, int number);

/* The stored form: what rules mean, written one way. */
extern struct varlena *tier_policy_pack(const TierPolicy *policy);

/* ---- tier_policy_sql.c ---- */

extern const PolicyFace tier_policy_face;

/* The stored form of rules written as JSON; everything is checked. */
extern struct varlena *tier_policy_from_text(const char *text);

#endif
