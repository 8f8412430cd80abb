/*
 * tier_policy.h
 *		Between the table of tier_policy (tier_policy.c) and what is a list or an object of its own
 *		in it (tier_levels.c).
 */
#ifndef LOYALTY_TIER_POLICY_H
#define LOYALTY_TIER_POLICY_H

#include "tiers/tiers.h"

#include "policy/policy.h"

/* ---- tier_levels.c: in the rows of the table ---- */

extern void tier_read_metrics(const PolicyObject *root, const PolicyKey *key, void *policy,
							  void *version);
extern void tier_put_metrics(StringInfo out, const PolicyKey *key, const void *policy,
							 const void *now, const void *before);
extern bool tier_metrics_same(const PolicyKey *key, const void *policy, const void *now,
							  const void *before);
extern void tier_read_levels(const PolicyObject *object, const PolicyKey *key, void *policy,
							 void *version);
extern void tier_put_levels(StringInfo out, const PolicyKey *key, const void *policy,
							const void *now, const void *before);

extern void tier_report_no_levels(const PolicyObject *root) pg_attribute_noreturn();

#endif
