/*
 * json_keys.c
 *		Does a JSON text give a key twice?
 *
 * jsonb keeps the last of them without a word: in rules that a person writes that
 * hides a mistake.
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/jsonfuncs.h"

#include "core/json.h"

/* The callbacks answer from 16 on. */
#if PG_VERSION_NUM >= 160000
#define CALLBACK	  static JsonParseErrorType
#define CALLBACK_DONE return JSON_SUCCESS
#else
#define CALLBACK	  static void
#define CALLBACK_DONE return
#endif

/* An object that the parser is inside of, and its keys so far. */
typedef struct OpenObject
{
	struct OpenObject *outer;
	char **keys;
	size_t nkeys;
	size_t room;
} OpenObject;

typedef struct KeyCheck
{
	const char *type;
	OpenObject *innermost;
} KeyCheck;

CALLBACK
object_starts(void *state)
{
	KeyCheck *check = state;
	OpenObject *object = palloc0(sizeof(OpenObject));

	object->outer = check->innermost;
	check->innermost = object;
	CALLBACK_DONE;
}

CALLBACK
key_starts(void *state, char *key, bool isnull)
{
	OpenObject *object = ((KeyCheck *) state)->innermost;

	if (object->nkeys == object->room)
	{
		object->room = object->room == 0 ? 16 : object->room * 2;
		object->keys = object->keys == NULL
						   ? palloc(object->room * sizeof(char *))
						   : repalloc_huge(object->keys, object->room * sizeof(char *));
	}
	object->keys[object->nkeys++] = key;
	CALLBACK_DONE;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

CALLBACK
object_ends(void *state)
{
	KeyCheck *check = state;
	OpenObject *object = check->innermost;
	size_t i;

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
	CALLBACK_DONE;
}

void
json_check_unique_keys(const char *text, const char *type)
{
	KeyCheck check = { type, NULL };
	JsonSemAction action;
	JsonLexContext *lex;

	memset(&action, 0, sizeof(action));
	action.semstate = &check;
	action.object_start = object_starts;
	action.object_field_start = key_starts;
	action.object_end = object_ends;
#if PG_VERSION_NUM >= 170000
	lex = makeJsonLexContextCstringLen(NULL, text, strlen(text), GetDatabaseEncoding(), true);
#else
	lex = makeJsonLexContextCstringLen((char *) text, (int) strlen(text), GetDatabaseEncoding(),
									   true);
#endif
	pg_parse_json_or_ereport(lex, &action);
}
