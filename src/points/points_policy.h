/*
 * points_policy.h
 *		Between the parts of points_policy: its JSON read (points_policy.c) and written
 *		(points_policy_write.c), and its SQL face (points_policy_sql.c).
 */
#ifndef LOYALTY_POINTS_POLICY_H
#define LOYALTY_POINTS_POLICY_H

#include "points/points.h"

#include "lib/stringinfo.h"

#include "policy/policy_type.h"

#define POINTS_POLICY_TYPE "points_policy"

/* Names in the JSON, in the order of their enums; of two, the first is the default. */
extern const char *const points_never_names[1];
extern const char *const points_from_names[2];
extern const char *const points_align_names[POINTS_ALIGN_YEAR + 1];
extern const char *const points_boundary_names[2];
extern const char *const points_order_names[POINTS_NEWEST + 1];
extern const char *const points_overdraft_names[POINTS_OVERDRAFT_REFUSE + 1];
extern const char *const points_refreshing_names[2];

/* The expiry of points without a rule. */
extern const PointsExpiry points_expires_never;

/* Reads the rules from a JSON object; everything is checked. In the current context. */
extern PointsPolicy *points_policy_read(JsonbContainer *json);

/* Do two rules mean the same? */
extern bool points_expiry_same(const PointsExpiry *a, const PointsExpiry *b);
extern bool points_labels_same(const PointsVersion *a, const PointsVersion *b);

/* Writes the members of its object but zone and versions; of a version (from 1 on), but from. */
extern void points_policy_put_rules(StringInfo out, const PointsPolicy *policy);
extern void points_policy_put_version(StringInfo out, const PointsPolicy *policy, int number);

/* The stored form: what rules mean, written one way. */
extern struct varlena *points_policy_pack(const PointsPolicy *policy);

/* ---- points_policy_sql.c ---- */

extern const PolicyFace points_policy_face;

/* The stored form of rules written as JSON; everything is checked. */
extern struct varlena *points_policy_from_text(const char *text);

#endif
