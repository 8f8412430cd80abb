/*
 * json.h
 *		Reading the JSON text forms of types: PostgreSQL's jsonb parses, this checks.
 *
 * Every function takes the name of the type whose text is read, and words its
 * error with it: what was found, and what is allowed (22P02, 22003).
 */
#ifndef LOYALTY_JSON_H
#define LOYALTY_JSON_H

#include "postgres.h"

#include "common/jsonapi.h"
#include "utils/jsonb.h"

#include "core/compat.h"

/* Parses a text that must be a JSON object. */
extern JsonbContainer *json_parse_object(const char *text, const char *type);

/* Refuses what isn't an object. */
extern void json_check_object(JsonbContainer *root, const char *type);

/* Refuses a text that gives a key of an object twice, where jsonb would keep the last. The text
 * is JSON. */
extern void json_check_unique_keys(const char *text, const char *type);

/* Every key of an object must be one of these (NULL-terminated). */
extern void json_check_keys(JsonbContainer *object, const char *type, const char *const *keys);

/* The value of a key, in found; NULL where it isn't there or null. */
extern JsonbValue *json_member(JsonbContainer *object, const char *key, JsonbValue *found);

/* A value as what it must be; NULL is an error too. The key is for the error. */
extern JsonbContainer *json_as_object(const JsonbValue *value, const char *type, const char *key);
extern JsonbContainer *json_as_array(const JsonbValue *value, const char *type, const char *key);
extern char *json_as_string(const JsonbValue *value, const char *type, const char *key);
extern int64 json_as_count(const JsonbValue *value, const char *type, const char *key);
extern bool json_as_bool(const JsonbValue *value, const char *type, const char *key);

/*
 * Reads a text piece by piece, for what jsonb is too small for; or too forgiving: callbacks are
 * called with what stands where. One that is malformed is error 22P02.
 */
extern void json_walk(const char *text, JsonSemAction *action);

/* The head of a callback, and what it ends with: they answer from 16 on. */
#if PG_VERSION_NUM >= 160000
#define JSON_CALLBACK	   static JsonParseErrorType
#define JSON_CALLBACK_DONE return JSON_SUCCESS
#else
#define JSON_CALLBACK	   static void
#define JSON_CALLBACK_DONE return
#endif

/* A type's name with its article: "an earn_policy". */
extern const char *a_type(const char *type);

/* Words the error for a value that isn't what was wanted: "a string". */
extern void json_report_wrong_type(const JsonbValue *value, const char *type, const char *key,
								   const char *wanted) pg_attribute_noreturn();

/* How much of a text an error shows, for "%.*s%s": its bytes, and "..." where there are more. */
extern int json_shown(const char *text, int len);
#define JSON_SHOWN(text, len) \
	json_shown(text, len), text, json_shown(text, len) < (len) ? "..." : ""

#endif
