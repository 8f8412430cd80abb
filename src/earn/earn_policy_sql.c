/*
 * earn_policy_sql.c
 *		The SQL type earn_policy: what it has of its own, and make_earn_policy().
 */
#include "postgres.h"

#include "earn/earn_policy.h"

static struct varlena *
from_object(JsonbContainer *json)
{
	return earn_policy_pack(earn_policy_read(json));
}

const PolicyFace earn_policy_face = {
	.type = EARN_POLICY_TYPE,
	.null_hint = POLICY_DEFAULT_RULES(EARN_POLICY_TYPE),
	.from_object = from_object,
};

POLICY_TYPE(earn_policy)

/* In the order of the SQL function. */
static const PolicyArgument arguments[] = { { "rate", POLICY_NUMBER },
											{ "per", POLICY_NUMBER },
											{ "full_steps", POLICY_BOOL },
											{ "minimum", POLICY_NUMBER },
											{ "rounding", POLICY_TEXT },
											{ "decimals", POLICY_INT },
											{ "multipliers", POLICY_JSON },
											{ "combine", POLICY_TEXT },
											{ "bonuses", POLICY_JSON },
											{ "caps", POLICY_JSON },
											{ "kinds", POLICY_JSON },
											{ "excluded_kinds", POLICY_TEXTS },
											{ "excluded_labels", POLICY_TEXTS },
											{ "bonuses_qualify", POLICY_BOOL },
											{ "crossing_order", POLICY_TEXT },
											{ "zone", POLICY_TEXT },
											{ "versions", POLICY_JSON } };

PG_FUNCTION_INFO_V1(loyalty_make_earn_policy);

Datum
loyalty_make_earn_policy(PG_FUNCTION_ARGS)
{
	return policy_make(fcinfo, &earn_policy_face, arguments, lengthof(arguments));
}
