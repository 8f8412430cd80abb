/*
 * points_policy_sql.c
 *		The SQL type points_policy: what it has of its own, and make_points_policy().
 */
#include "postgres.h"

#include "points/points_policy.h"

static struct varlena *
from_object(JsonbContainer *json)
{
	return points_policy_pack(points_policy_read(json));
}

const PolicyFace points_policy_face = {
	.type = POINTS_POLICY_TYPE,
	.null_hint = POLICY_DEFAULT_RULES(POINTS_POLICY_TYPE),
	.from_object = from_object,
};

POLICY_TYPE(points_policy)

/* In the order of the SQL function. */
static const PolicyArgument arguments[] = {
	{ "kinds", POLICY_JSON },		  { "expires_after", POLICY_INTERVAL },
	{ "expires_from", POLICY_TEXT },  { "expires_align", POLICY_TEXT },
	{ "expires_on", POLICY_TEXT },	  { "inactive_after", POLICY_INTERVAL },
	{ "refreshed_by", POLICY_TEXTS }, { "expiry_boundary", POLICY_TEXT },
	{ "by_label", POLICY_JSON },	  { "pending", POLICY_INTERVAL_OR_ZERO },
	{ "redeem_order", POLICY_TEXT },  { "returns_below_zero", POLICY_BOOL },
	{ "overdraft", POLICY_TEXT },	  { "zone", POLICY_TEXT },
	{ "versions", POLICY_JSON }
};

PG_FUNCTION_INFO_V1(loyalty_make_points_policy);

Datum
loyalty_make_points_policy(PG_FUNCTION_ARGS)
{
	return policy_make(fcinfo, &points_policy_face, arguments, lengthof(arguments));
}
