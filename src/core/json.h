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

#include "utils/date.h"
#include "utils/jsonb.h"

/* Parses a text that must be a JSON object. */
extern JsonbContainer *json_parse_object(const char *text, const char *type);

/* Every key of an object must be one of these (NULL-terminated). */
extern void json_check_keys(JsonbContainer *object, const char *type, const char *const *keys);

/* The value of a key, in found; NULL where it isn't there or null. */
extern JsonbValue *json_member(JsonbContainer *object, const char *key, JsonbValue *found);

/* A value as what it must be; NULL is an error too. The key is for the error. */
extern JsonbContainer *json_as_object(const JsonbValue *value, const char *type, const char *key);
extern JsonbContainer *json_as_array(const JsonbValue *value, const char *type, const char *key);
extern char *json_as_string(const JsonbValue *value, const char *type, const char *key);
extern int64 json_as_count(const JsonbValue *value, const char *type, const char *key);
extern DateADT json_as_day(const JsonbValue *value, const char *type, const char *key);

#endif
