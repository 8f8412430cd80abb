/*
 * points_policy_sql.c
 *		The SQL type points_policy: text and binary I/O, the cast from jsonb, make_points_policy().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/policy.h"
#include "points/points_policy.h"

PG_FUNCTION_INFO_V1(loyalty_points_policy_in);
PG_FUNCTION_INFO_V1(loyalty_points_policy_out);
PG_FUNCTION_INFO_V1(loyalty_points_policy_recv);
PG_FUNCTION_INFO_V1(loyalty_points_policy_send);
PG_FUNCTION_INFO_V1(loyalty_points_policy);
PG_FUNCTION_INFO_V1(loyalty_make_points_policy);

struct varlena *
points_policy_from_text(const char *text)
{
	JsonbContainer *json = json_parse_object(text, POINTS_POLICY_TYPE);

	json_check_unique_keys(text, POINTS_POLICY_TYPE);
	return points_policy_pack(points_policy_read(json));
}

Datum
loyalty_points_policy_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(points_policy_from_text(PG_GETARG_CSTRING(0)));
}

Datum
loyalty_points_policy_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(policy_unpack(PG_GETARG_VARLENA_PP(0)));
}

Datum
loyalty_points_policy_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(points_policy_from_text(policy_receive(fcinfo)));
}

Datum
loyalty_points_policy_send(PG_FUNCTION_ARGS)
{
	return policy_send(fcinfo);
}

static void *
from_json(const struct varlena *value)
{
	Jsonb *json = DatumGetJsonbP(PointerGetDatum(value));

	json_check_object(&json->root, POINTS_POLICY_TYPE);
	return points_policy_pack(points_policy_read(&json->root));
}

/*
 * points_policy(jsonb): the cast. A column of rules mostly has the same for many rows that follow
 * each other, so the last one is kept.
 */
Datum
loyalty_points_policy(PG_FUNCTION_ARGS)
{
	const struct varlena *policy = policy_argument(fcinfo, 0, POINTS_POLICY_TYPE, from_json);
	struct varlena *copy = palloc(VARSIZE(policy));

	memcpy(copy, policy, VARSIZE(policy));
	PG_RETURN_POINTER(copy);
}

/* ---- make_points_policy(): the arguments as the JSON that they stand for ---- */

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
put_interval(JsonbParseState **state, const char *key, bool may_be_zero, Datum datum)
{
	Interval *interval = DatumGetIntervalP(datum);

	policy_check_interval(interval, may_be_zero, POINTS_POLICY_TYPE, key,
						  DatumGetCString(DirectFunctionCall1(interval_out, datum)));
	put_string(state, key, policy_interval_text(interval));
}

static void
put_json(JsonbParseState **state, const char *key, Datum datum)
{
	Jsonb *json = DatumGetJsonbP(datum);
	JsonbValue value;

	value.type = jbvBinary;
	value.val.binary.data = &json->root;
	value.val.binary.len = (int) VARSIZE(json) - VARHDRSZ;
	put_member(state, key, &value);
}

static void
put_texts(JsonbParseState **state, const char *key, Datum datum)
{
	Datum *elements;
	bool *nulls;
	int count;
	int i;
	JsonbParseState *array = NULL;
	JsonbValue *built;

	deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	pushJsonbValue(&array, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < count; i++)
	{
		JsonbValue value;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("\"%s\" of a %s has a NULL element", key, POINTS_POLICY_TYPE)));
		value.type = jbvString;
		value.val.string.val = TextDatumGetCString(elements[i]);
		value.val.string.len = (int) strlen(value.val.string.val);
		pushJsonbValue(&array, WJB_ELEM, &value);
	}
	built = pushJsonbValue(&array, WJB_END_ARRAY, NULL);
	put_json(state, key, JsonbPGetDatum(JsonbValueToJsonb(built)));
}

typedef enum ArgumentType
{
	ARGUMENT_JSON,
	ARGUMENT_TEXT,
	ARGUMENT_TEXTS,
	ARGUMENT_BOOL,
	ARGUMENT_INTERVAL,
	ARGUMENT_INTERVAL_OR_ZERO
} ArgumentType;

/* In the order of the SQL function. */
static const struct
{
	const char *key;
	ArgumentType type;
} arguments[] = { { "kinds", ARGUMENT_JSON },		  { "expires_after", ARGUMENT_INTERVAL },
				  { "expires_from", ARGUMENT_TEXT },  { "expires_align", ARGUMENT_TEXT },
				  { "expires_on", ARGUMENT_TEXT },	  { "inactive_after", ARGUMENT_INTERVAL },
				  { "refreshed_by", ARGUMENT_TEXTS }, { "expiry_boundary", ARGUMENT_TEXT },
				  { "by_label", ARGUMENT_JSON },	  { "pending", ARGUMENT_INTERVAL_OR_ZERO },
				  { "redeem_order", ARGUMENT_TEXT },  { "returns_below_zero", ARGUMENT_BOOL },
				  { "overdraft", ARGUMENT_TEXT },	  { "zone", ARGUMENT_TEXT },
				  { "versions", ARGUMENT_JSON } };

Datum
loyalty_make_points_policy(PG_FUNCTION_ARGS)
{
	JsonbParseState *state = NULL;
	JsonbValue *built;
	int i;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (i = 0; i < (int) lengthof(arguments); i++)
	{
		const char *key = arguments[i].key;
		JsonbValue value;

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
			case ARGUMENT_TEXTS:
				put_texts(&state, key, PG_GETARG_DATUM(i));
				break;
			case ARGUMENT_BOOL:
				value.type = jbvBool;
				value.val.boolean = PG_GETARG_BOOL(i);
				put_member(&state, key, &value);
				break;
			case ARGUMENT_INTERVAL:
			case ARGUMENT_INTERVAL_OR_ZERO:
				put_interval(&state, key, arguments[i].type == ARGUMENT_INTERVAL_OR_ZERO,
							 PG_GETARG_DATUM(i));
				break;
		}
	}
	built = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	PG_RETURN_POINTER(points_policy_pack(points_policy_read(&JsonbValueToJsonb(built)->root)));
}
