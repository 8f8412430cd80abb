/*
 * tier_policy_sql.c
 *		The SQL type tier_policy: what it has of its own, and make_tier_policy().
 */
#include "postgres.h"

#include "tiers/tier_policy.h"

static struct varlena *
from_object(JsonbContainer *json)
{
	return tier_policy_pack(tier_policy_read(json));
}

const PolicyFace tier_policy_face = {
	.type = TIER_POLICY_TYPE,
	.null_hint = "Give the tiers, such as '{\"Silver\": 500, \"Gold\": 2000}'.",
	.from_object = from_object,
};

POLICY_TYPE(tier_policy)

/* In the order of the SQL function. */
static const PolicyArgument arguments[] = {
	{ "levels", POLICY_JSON },	   { "base", POLICY_TEXT },
	{ "metrics", POLICY_JSON },	   { "qualifying_window", POLICY_TEXT },
	{ "threshold", POLICY_TEXT },  { "upgrade", POLICY_TEXT },
	{ "valid", POLICY_TEXT },	   { "downgrade", POLICY_TEXT },
	{ "grace", POLICY_INTERVAL },  { "join_kind", POLICY_TEXT },
	{ "grant_kind", POLICY_TEXT }, { "zone", POLICY_TEXT },
	{ "versions", POLICY_JSON }
};

PG_FUNCTION_INFO_V1(loyalty_make_tier_policy);

Datum
loyalty_make_tier_policy(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("levels must not be null"),
						errhint("%s", tier_policy_face.null_hint)));
	return policy_make(fcinfo, &tier_policy_face, arguments, lengthof(arguments));
}
