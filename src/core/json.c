/*
 * json.c
 *		Reading the JSON text forms of types.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonfuncs.h"

#include "core/array.h"
#include "core/compat.h"
#include "core/decimal.h"
#include "core/json.h"

/* Longest part of a key or value to show. */
#define SHOWN_BYTES 100

int
json_shown(const char *text, int len)
{
	return pg_mbcliplen(text, len, SHOWN_BYTES);
}

const char *
a_type(const char *type)
{
	return psprintf("%s %s", strchr("aeio", type[0]) != NULL ? "an" : "a", type);
}

void
json_report_wrong_type(const JsonbValue *value, const char *type, const char *key,
					   const char *wanted)
{
	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"%s\" is missing in %s", key, a_type(type)),
						errhint("It is %s.", wanted)));
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("\"%s\" of %s is not %s", key, a_type(type), wanted),
					errdetail("Found: %s.", JsonbTypeName((JsonbValue *) value))));
}

JsonbContainer *
json_parse_object(const char *text, const char *type)
{
	Jsonb *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));

	json_check_object(&jsonb->root, type);
	return &jsonb->root;
}

void
json_check_object(JsonbContainer *root, const char *type)
{
	if (!JsonContainerIsObject(root))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("%s is written as a JSON object", a_type(type))));
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
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("unknown key \"%.*s%s\" in %s",
							JSON_SHOWN(value.val.string.val, value.val.string.len), a_type(type)),
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
		json_report_wrong_type(value, type, key, "an object");
	return value->val.binary.data;
}

JsonbContainer *
json_as_array(const JsonbValue *value, const char *type, const char *key)
{
	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		json_report_wrong_type(value, type, key, "an array");
	return value->val.binary.data;
}

char *
json_as_string(const JsonbValue *value, const char *type, const char *key)
{
	if (value == NULL || value->type != jbvString)
		json_report_wrong_type(value, type, key, "a string");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

bool
json_as_bool(const JsonbValue *value, const char *type, const char *key)
{
	if (value == NULL || value->type != jbvBool)
		json_report_wrong_type(value, type, key, "true or false");
	return value->val.boolean;
}

int64
json_as_count(const JsonbValue *value, const char *type, const char *key)
{
	Decimal number;

	if (value == NULL || value->type != jbvNumeric)
		json_report_wrong_type(value, type, key, "a whole number");
	number = decimal_from_numeric((const struct varlena *) value->val.numeric);
	if (decimal_minimal_scale(number.units, number.scale) > 0 || number.units < 0)
		json_report_wrong_type(value, type, key, "a whole number, 0 or more");
	return number.units / decimal_power[number.scale];
}

/* ---- does a text give a key twice? ---- */

/*
 * jsonb keeps the last of them without a word: in rules that a person writes that
 * hides a mistake.
 */

/* An object that the parser is inside of, and its keys so far. */
typedef struct OpenObject
{
	struct OpenObject *outer;
	char **keys;
	int64 nkeys;
	int64 max;
} OpenObject;

typedef struct KeyCheck
{
	const char *type;
	OpenObject *innermost;
} KeyCheck;

JSON_CALLBACK
object_starts(void *state)
{
	KeyCheck *check = state;
	OpenObject *object = palloc0(sizeof(OpenObject));

	object->outer = check->innermost;
	check->innermost = object;
	JSON_CALLBACK_DONE;
}

JSON_CALLBACK
key_starts(void *state, char *key, bool isnull)
{
	OpenObject *object = ((KeyCheck *) state)->innermost;

	object->keys = array_grow(object->keys, &object->max, object->nkeys + 1, sizeof(char *));
	object->keys[object->nkeys++] = key;
	JSON_CALLBACK_DONE;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

JSON_CALLBACK
object_ends(void *state)
{
	KeyCheck *check = state;
	OpenObject *object = check->innermost;
	int64 i;

	CHECK_FOR_INTERRUPTS();
	if (object->nkeys > 1)
		qsort(object->keys, object->nkeys, sizeof(char *), compare_keys);
	for (i = 1; i < object->nkeys; i++)
	{
		const char *key = object->keys[i];

		if (strcmp(object->keys[i - 1], key) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("key \"%.*s%s\" stands twice in %s",
								   JSON_SHOWN(key, (int) strlen(key)), a_type(check->type)),
							errhint("Leave one of them out.")));
	}
	check->innermost = object->outer;
	if (object->keys != NULL)
		pfree(object->keys);
	pfree(object);
	JSON_CALLBACK_DONE;
}

void
json_check_unique_keys(const char *text, const char *type)
{
	KeyCheck check = { type, NULL };
	JsonSemAction action;

	memset(&action, 0, sizeof(action));
	action.semstate = &check;
	action.object_start = object_starts;
	action.object_field_start = key_starts;
	action.object_end = object_ends;
	json_walk(text, &action);
}

/* ---- piece by piece ---- */

void
json_walk(const char *text, JsonSemAction *action)
{
	JsonLexContext *lex;

#if PG_VERSION_NUM >= 170000
	lex = makeJsonLexContextCstringLen(NULL, text, strlen(text), GetDatabaseEncoding(), true);
#else
	lex = makeJsonLexContextCstringLen((char *) text, (int) strlen(text), GetDatabaseEncoding(),
									   true);
#endif
	pg_parse_json_or_ereport(lex, action);
}
