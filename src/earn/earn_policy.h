/*
 * earn_policy.h
 *		Between the parts of earn_policy: its JSON read (earn_policy.c, earn_rules.c) and
 *		written (earn_policy_write.c), and its SQL face (earn_policy_sql.c).
 */
#ifndef LOYALTY_EARN_POLICY_H
#define LOYALTY_EARN_POLICY_H

#include "earn/earn.h"

#include "lib/stringinfo.h"

#include "policy/policy.h"
#include "policy/policy_type.h"

#define EARN_POLICY_TYPE "earn_policy"

/* Names in the JSON, in the order of their enums; of two, the first is the default. */
extern const char *const earn_role_names[EARN_BY_SIGN];
extern const char *const earn_rounding_names[EARN_HALF_EVEN + 1];
extern const char *const earn_combine_names[EARN_ADD + 1];
extern const char *const earn_span_names[EARN_SPANS];
extern const char *const earn_bonus_names[EARN_NTH_PURCHASE + 1];
extern const char *const earn_weekday_names[7];
extern const char *const earn_crossing_names[2];

/* Roles of kinds that nobody has to name, sorted by kind. */
#define EARN_DEFAULT_KINDS 5
extern const EarnKind earn_default_kinds[EARN_DEFAULT_KINDS];

/* The keys that may change from a day on, in the order of the text. */
typedef enum EarnKey
{
	EARN_KEY_RATE,
	EARN_KEY_PER,
	EARN_KEY_FULL_STEPS,
	EARN_KEY_MINIMUM,
	EARN_KEY_ROUNDING,
	EARN_KEY_DECIMALS,
	EARN_KEY_MULTIPLIERS,
	EARN_KEY_COMBINE,
	EARN_KEY_BONUSES,
	EARN_KEY_CAPS,
	EARN_KEY_EXCLUDED_KINDS,
	EARN_KEY_EXCLUDED_LABELS,
	EARN_KEY_BONUSES_QUALIFY,
	EARN_KEY_CROSSING_ORDER
} EarnKey;

#define EARN_KEYS (EARN_KEY_CROSSING_ORDER + 1)

extern const char *const earn_key_names[EARN_KEYS];

/* The rules that nothing was said about. */
extern const EarnVersion earn_default_version;

/* Reads the rules from a JSON object; everything is checked. In the current context. */
extern EarnPolicy *earn_policy_read(JsonbContainer *json);

/* ---- earn_rules.c ---- */

/* A number of at most so many decimals, as small as it is exact; false where it isn't there. */
extern bool earn_get_number(const PolicyObject *object, const char *key, int decimals,
							bool may_be_zero, Decimal *number);

/* A list of texts, each once; sorted. False where it isn't there. */
extern bool earn_get_texts(const PolicyObject *object, const char *key, bool may_be_empty,
						   int *count, EventText **texts);

/* False, and nothing set, where they aren't there. */
extern bool earn_get_caps(const PolicyObject *object, const char *key, EarnCaps *caps);
extern bool earn_get_rules(const PolicyObject *object, int *nrules, EarnRule **rules);
extern bool earn_get_bonuses(const PolicyObject *object, EarnBonuses **bonuses);

/* Gives every cap of a multiplier or bonus its counter. */
extern void earn_number_counters(EarnPolicy *policy);

/* ---- earn_policy_write.c ---- */

/* Do two versions mean the same, in this? */
extern bool earn_key_same(const EarnVersion *a, const EarnVersion *b, EarnKey key);

/* Writes the members of its object but zone and versions; of a version (from 1 on), but from. */
extern void earn_policy_put_rules(StringInfo out, const EarnPolicy *policy);
extern void earn_policy_put_version(StringInfo out, const EarnPolicy *policy, int number);

/* The stored form: what rules mean, written one way. */
extern struct varlena *earn_policy_pack(const EarnPolicy *policy);

/* ---- earn_policy_sql.c ---- */

extern const PolicyFace earn_policy_face;

/* The stored form of rules written as JSON; everything is checked. */
extern struct varlena *earn_policy_from_text(const char *text);

#endif
