/*
 * earn_policy.h
 *		Between the table of earn_policy (earn_policy.c) and what is a list or an object of its own
 *		in it (earn_rules.c).
 */
#ifndef LOYALTY_EARN_POLICY_H
#define LOYALTY_EARN_POLICY_H

#include "earn/earn.h"

#include "policy/policy.h"

extern const char *const earn_span_names[EARN_SPANS + 1];
extern const char *const earn_weekday_names[7];

/* Caps of nothing. */
#define EARN_NO_CAPS                                    \
	{                                                   \
		false,                                          \
		{                                               \
			{ -1, 0 }, { -1, 0 }, { -1, 0 }, { -1, 0 }, \
			{                                           \
				-1, 0                                   \
			}                                           \
		}                                               \
	}

/* ---- earn_rules.c: in the rows of the table ---- */

extern void earn_read_rules(const PolicyObject *object, const PolicyKey *key, void *policy,
							void *version);
extern void earn_put_rules(StringInfo out, const PolicyKey *key, const void *policy,
						   const void *now, const void *before);
extern void earn_read_bonuses(const PolicyObject *object, const PolicyKey *key, void *policy,
							  void *version);
extern void earn_put_bonuses(StringInfo out, const PolicyKey *key, const void *policy,
							 const void *now, const void *before);
extern void earn_read_caps(const PolicyObject *object, const PolicyKey *key, void *policy,
						   void *version);
extern void earn_put_caps(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
						  const void *before);

/* Gives every cap of a multiplier or bonus its counter. */
extern void earn_number_counters(EarnPolicy *policy);

#endif
