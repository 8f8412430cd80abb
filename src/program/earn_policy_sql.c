/*
 * earn_policy_sql.c
 *		The SQL type earn_policy: text and binary I/O, the cast from jsonb, make_earn_policy().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "program/earn_policy.h"

PG_FUNCTION_INFO_V1(loyalty_earn_policy_in);
PG_FUNCTION_INFO_V1(loyalty_earn_policy_out);
PG_FUNCTION_INFO_V1(loyalty_earn_policy_recv);
PG_FUNCTION_INFO_V1(loyalty_earn_policy_send);
PG_FUNCTION_INFO_V1(loyalty_earn_policy);
PG_FUNCTION_INFO_V1(loyalty_make_earn_policy);

static Datum
from_text(const char *text)
{
	JsonbContainer *json = json_parse_object(text, EARN_POLICY_TYPE);

	json_check_unique_keys(text, EARN_POLICY_TYPE);
	return PointerGetDatum(earn_policy_pack(earn_policy_read(json)));
}

Datum
loyalty_earn_policy_in(PG_FUNCTION_ARGS)
{
	return from_text(PG_GETARG_CSTRING(0));
}

Datum
loyalty_earn_policy_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(policy_unpack(PG_GETARG_VARLENA_PP(0)));
}

Datum
loyalty_earn_policy_recv(PG_FUNCTION_ARGS)
{
	return from_text(policy_receive(fcinfo));
}

Datum
loyalty_earn_policy_send(PG_FUNCTION_ARGS)
{
	return policy_send(fcinfo);
}

static void *
from_json(const struct varlena *value)
{
	Jsonb *json = DatumGetJsonbP(PointerGetDatum(value));

	json_check_object(&json->root, EARN_POLICY_TYPE);
	return earn_policy_pack(earn_policy_read(&json->root));
}

/*
 * earn_policy(jsonb): the cast. A column of rules mostly has the same for many rows that follow
 * each other, so the last one is kept.
 */
Datum
loyalty_earn_policy(PG_FUNCTION_ARGS)
{
	const struct varlena *policy = policy_argument(fcinfo, 0, EARN_POLICY_TYPE, from_json);
	struct varlena *copy = palloc(VARSIZE(policy));

	memcpy(copy, policy, VARSIZE(policy));
	PG_RETURN_POINTER(copy);
}

/* ---- make_earn_policy(): the arguments as the JSON that they stand for ---- */

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
put_number(JsonbParseState **state, const char *key, Numeric number)
{
	JsonbValue value;

	if (numeric_is_nan(number) || numeric_is_inf(number))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" of a %s must be a finite number", key, EARN_POLICY_TYPE)));
	value.type = jbvNumeric;
	value.val.numeric = number;
	put_member(state, key, &value);
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
							errmsg("\"%s\" of a %s has a NULL element", key, EARN_POLICY_TYPE)));
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
	ARGUMENT_NUMBER,
	ARGUMENT_INT
} ArgumentType;

/* In the order of the SQL function. */
static const struct
{
	const char *key;
	ArgumentType type;
} arguments[] = { { "rate", ARGUMENT_NUMBER },
				  { "per", ARGUMENT_NUMBER },
				  { "full_steps", ARGUMENT_BOOL },
				  { "minimum", ARGUMENT_NUMBER },
				  { "rounding", ARGUMENT_TEXT },
				  { "decimals", ARGUMENT_INT },
				  { "multipliers", ARGUMENT_JSON },
				  { "combine", ARGUMENT_TEXT },
				  { "bonuses", ARGUMENT_JSON },
				  { "caps", ARGUMENT_JSON },
				  { "kinds", ARGUMENT_JSON },
				  { "excluded_kinds", ARGUMENT_TEXTS },
				  { "excluded_labels", ARGUMENT_TEXTS },
				  { "bonuses_qualify", ARGUMENT_BOOL },
				  { "crossing_order", ARGUMENT_TEXT },
				  { "zone", ARGUMENT_TEXT },
				  { "versions", ARGUMENT_JSON } };

Datum
loyalty_make_earn_policy(PG_FUNCTION_ARGS)
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
			case ARGUMENT_NUMBER:
				put_number(&state, key, PG_GETARG_NUMERIC(i));
				break;
			case ARGUMENT_INT:
				put_number(&state, key, int64_to_numeric(PG_GETARG_INT32(i)));
				break;
		}
	}
	built = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	PG_RETURN_POINTER(earn_policy_pack(earn_policy_read(&JsonbValueToJsonb(built)->root)));
}
