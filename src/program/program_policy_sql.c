/*
 * program_policy_sql.c
 *		The SQL type program_policy: what it has of its own, and make_program_policy().
 */
#include "postgres.h"

#include "program/program_policy.h"

static struct varlena *
from_object(JsonbContainer *json)
{
	return program_policy_pack(program_policy_read(json));
}

const PolicyFace program_policy_face = {
	.type = PROGRAM_POLICY_TYPE,
	.null_hint = POLICY_DEFAULT_RULES(PROGRAM_POLICY_TYPE),
	.from_object = from_object,
};

POLICY_TYPE(program_policy)

/* In the order of the SQL function. */
static const PolicyArgument arguments[] = {
	{ "earn", POLICY_POLICY },		   { "points", POLICY_POLICY },
	{ "tiers", POLICY_POLICY },		   { "tier_metric", POLICY_TEXT },
	{ "pending_counts", POLICY_BOOL }, { "no_expiry_tiers", POLICY_TEXTS },
	{ "zone", POLICY_TEXT },		   { "versions", POLICY_JSON }
};

PG_FUNCTION_INFO_V1(loyalty_make_program_policy);

Datum
loyalty_make_program_policy(PG_FUNCTION_ARGS)
{
	return policy_make(fcinfo, &program_policy_face, arguments, lengthof(arguments));
}
