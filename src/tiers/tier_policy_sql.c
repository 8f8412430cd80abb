/*
 * tier_policy_sql.c
 *		The SQL type tier_policy: text and binary I/O, the cast from jsonb, make_tier_policy().
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/policy.h"
#include "tiers/tier_policy.h"

PG_FUNCTION_INFO_V1(loyalty_tier_policy_in);
PG_FUNCTION_INFO_V1(loyalty_tier_policy_out);
PG_FUNCTION_INFO_V1(loyalty_tier_policy_recv);
PG_FUNCTION_INFO_V1(loyalty_tier_policy_send);
PG_FUNCTION_INFO_V1(loyalty_tier_policy);
PG_FUNCTION_INFO_V1(loyalty_make_tier_policy);

struct varlena *
tier_policy_from_text(const char *text)
{
	JsonbContainer *json = json_parse_object(text, TIER_POLICY_TYPE);

	json_check_unique_keys(text, TIER_POLICY_TYPE);
	return tier_policy_pack(tier_policy_read(json));
}

Datum
loyalty_tier_policy_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(tier_policy_from_text(PG_GETARG_CSTRING(0)));
}

Datum
loyalty_tier_policy_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(policy_unpack(PG_GETARG_VARLENA_PP(0)));
}

Datum
loyalty_tier_policy_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(tier_policy_from_text(policy_receive(fcinfo)));
}

Datum
loyalty_tier_policy_send(PG_FUNCTION_ARGS)
{
	return policy_send(fcinfo);
}

static void *
from_json(const struct varlena *value)
{
	Jsonb *json = DatumGetJsonbP(PointerGetDatum(value));

	json_check_object(&json->root, TIER_POLICY_TYPE);
	return tier_policy_pack(tier_policy_read(&json->root));
}

/*
 * tier_policy(jsonb): the cast. A column of rules mostly has the same for many rows that follow
 * each other, so the last one is kept.
 */
Datum
loyalty_tier_policy(PG_FUNCTION_ARGS)
{
	const struct varlena *policy = policy_argument(fcinfo, 0, TIER_POLICY_TYPE, from_json);
	struct varlena *copy = palloc(VARSIZE(policy));

	memcpy(copy, policy, VARSIZE(policy));
	PG_RETURN_POINTER(copy);
}

/* ---- make_tier_policy(): the arguments as the JSON that they stand for ---- */

/* Adds a member to the object that is being built. */
static void
put_member(JsonbParseState **state, const char *key, JsonbValue *value)
{
	JsonbValue name;

	name.type = jbvString;
	name.val.string.val = (char *) key;
	name.val.string.len = (int) strlen(key);
	pushJsonbValue(state, WJB_KEY, &name);
	pushJsonbValue(state, WJB_VALUE, value);
}

static void
put_string(JsonbParseState **state, const char *key, char *text)
{
	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = text;
	value.val.string.len = (int) strlen(text);
	put_member(state, key, &value);
}

static void
put_interval(JsonbParseState **state, const char *key, Datum datum)
{
	Interval *interval = DatumGetIntervalP(datum);

	policy_check_interval(interval, false, TIER_POLICY_TYPE, key,
						  DatumGetCString(DirectFunctionCall1(interval_out, datum)));
	put_string(state, key, policy_interval_text(interval));
}

static void
put_json(JsonbParseState **state, const char *key, Datum datum)
{
	Jsonb *json = DatumGetJsonbP(datum);
	JsonbValue value;

	if (!JsonContainerIsArray(&json->root) || !JsonContainerIsScalar(&json->root))
	{
		value.type = jbvBinary;
		value.val.binary.data = &json->root;
		value.val.binary.len = (int) VARSIZE(json) - VARHDRSZ;
	}
	else
		value = *getIthJsonbValueFromContainer(&json->root, 0);
	put_member(state, key, &value);
}

typedef enum ArgumentType
{
	ARGUMENT_JSON,
	ARGUMENT_TEXT,
	ARGUMENT_INTERVAL
} ArgumentType;

/* In the order of the SQL function. */
static const struct
{
	const char *key;
	ArgumentType type;
} arguments[] = { { "levels", ARGUMENT_JSON },	   { "base", ARGUMENT_TEXT },
				  { "metrics", ARGUMENT_JSON },	   { "qualifying_window", ARGUMENT_TEXT },
				  { "threshold", ARGUMENT_TEXT },  { "upgrade", ARGUMENT_TEXT },
				  { "valid", ARGUMENT_TEXT },	   { "downgrade", ARGUMENT_TEXT },
				  { "grace", ARGUMENT_INTERVAL },  { "join_kind", ARGUMENT_TEXT },
				  { "grant_kind", ARGUMENT_TEXT }, { "zone", ARGUMENT_TEXT },
				  { "versions", ARGUMENT_JSON } };

Datum
loyalty_make_tier_policy(PG_FUNCTION_ARGS)
{
	JsonbParseState *state = NULL;
	JsonbValue *built;
	int i;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("levels must not be null"),
						errhint("Give the tiers, such as '{\"Silver\": 500, \"Gold\": 2000}'.")));
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (i = 0; i < (int) lengthof(arguments); i++)
	{
		const char *key = arguments[i].key;

		if (PG_ARGISNULL(i))
			continue;
		switch (arguments[i].type)
		{
			case ARGUMENT_JSON:
				put_json(&state, key, PG_GETARG_DATUM(i));
				break;
			case ARGUMENT_TEXT:
				put_string(&state, key, TextDatumGetCString(PG_GETARG_DATUM(i)));
				break;
			case ARGUMENT_INTERVAL:
				put_interval(&state, key, PG_GETARG_DATUM(i));
				break;
		}
	}
	built = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	PG_RETURN_POINTER(tier_policy_pack(tier_policy_read(&JsonbValueToJsonb(built)->root)));
}
