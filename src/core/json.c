/*
 * json.c
 *		Reading the JSON text forms of types.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "core/calendar.h"
#include "core/day.h"
#include "core/decimal.h"
#include "core/json.h"

static void report_wrong_type(const JsonbValue *value, const char *type, const char *key,
							  const char *wanted) pg_attribute_noreturn();

static void
report_wrong_type(const JsonbValue *value, const char *type, const char *key, const char *wanted)
{
	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("\"%s\" is missing in a %s", key, type), errhint("It is %s.", wanted)));
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("\"%s\" of a %s is not %s", key, type, wanted),
					errdetail("Found: %s.", JsonbTypeName((JsonbValue *) value))));
}

JsonbContainer *
json_parse_object(const char *text, const char *type)
{
	Jsonb *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("a %s is written as a JSON object", type)));
	return &jsonb->root;
}

void
json_check_keys(JsonbContainer *object, const char *type, const char *const *keys)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		const char *const *key;

		if (token != WJB_KEY)
			continue;
		for (key = keys; *key != NULL; key++)
			if ((int) strlen(*key) == value.val.string.len &&
				memcmp(*key, value.val.string.val, value.val.string.len) == 0)
				break;
		if (*key == NULL)
		{
			StringInfoData allowed;

			initStringInfo(&allowed);
			for (key = keys; *key != NULL; key++)
				appendStringInfo(&allowed, "%s%s", key > keys ? ", " : "", *key);
			ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("unknown key \"%.*s\" in a %s", value.val.string.len,
								   value.val.string.val, type),
							errhint("Allowed: %s.", allowed.data)));
		}
	}
}

JsonbValue *
json_member(JsonbContainer *object, const char *key, JsonbValue *found)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, (int) strlen(key), found);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

JsonbContainer *
json_as_object(const JsonbValue *value, const char *type, const char *key)
{
	if (value == NULL || value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		report_wrong_type(value, type, key, "an object");
	return value->val.binary.data;
}

JsonbContainer *
json_as_array(const JsonbValue *value, const char *type, const char *key)
{
	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		report_wrong_type(value, type, key, "an array");
	return value->val.binary.data;
}

char *
json_as_string(const JsonbValue *value, const char *type, const char *key)
{
	if (value == NULL || value->type != jbvString)
		report_wrong_type(value, type, key, "a string");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

int64
json_as_count(const JsonbValue *value, const char *type, const char *key)
{
	Decimal number;

	if (value == NULL || value->type != jbvNumeric)
		report_wrong_type(value, type, key, "a whole number");
	number = decimal_from_numeric((const struct varlena *) value->val.numeric);
	if (decimal_minimal_scale(number.units, number.scale) > 0 || number.units < 0)
		report_wrong_type(value, type, key, "a whole number, 0 or more");
	return number.units / decimal_power[number.scale];
}

DateADT
json_as_day(const JsonbValue *value, const char *type, const char *key)
{
	char *text = json_as_string(value, type, key);
	DateADT day;

	switch (day_parse(text, strlen(text), &day))
	{
		case DAY_READ:
			return day;
		case DAY_OUT_OF_RANGE:
			ereport(ERROR, (errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
							errmsg("day out of range: \"%s\"", text)));
			break;
		case DAY_INFINITE:
			check_finite_day(day);
			break;
		case DAY_NOT_ISO:
			break;
	}
	report_wrong_type(value, type, key, "a date, YYYY-MM-DD");
}
