/*
 * policy.h
 *		Policies: rules that are written as a JSON object, each type by a table of its keys.
 *
 * The table (PolicyTable) says of each key what it is, where in the struct of the opened rules
 * its value stands, and whether a dated version may change it. From that come reading and
 * checking, the one canonical text that equal rules have, which versions change nothing, and
 * make_<type>(). What is a list or an object of its own has functions in its key's row, which
 * are made of the getters and put functions here.
 *
 * The getters word their errors with the place of a key ("versions[1].pending"), what
 * was found, and what is allowed: 22P02 for a wrong JSON type, 22023 for a wrong meaning.
 */
#ifndef LOYALTY_POLICY_H
#define LOYALTY_POLICY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

#include "calendar/calendar.h"
#include "core/decimal.h"
#include "core/json.h"
#include "core/ref.h"
#include "core/soft_input.h"

/* An object of a policy's JSON, and where it stands. */
typedef struct PolicyObject
{
	JsonbContainer *json;
	const char *type; /* of the policy, for errors */
	const char *path; /* "" for the policy itself, else "versions[1]." */
} PolicyObject;

/* The place of a key, as errors name it; palloc'd where it isn't the key itself. */
extern const char *policy_path(const PolicyObject *object, const char *key);

/* A value that must be an object itself, and stands at that path. */
extern void policy_enter(const PolicyObject *outer, const JsonbValue *value, const char *path,
						 PolicyObject *inner);

/* The place of a member whose key is a user's own text, which may be long. */
extern const char *policy_member_path(const char *path, const JsonbValue *key);

/* Every key must be one of these (NULL-terminated). */
extern void policy_check_keys(const PolicyObject *object, const char *const *names);

/* The next member of an object, the next element of an array; an iterator of NULL begins. */
extern bool policy_next_member(JsonbContainer *members, JsonbIterator **iterator, JsonbValue *key,
							   JsonbValue *value);
extern bool policy_next_element(JsonbContainer *elements, JsonbIterator **iterator,
								JsonbValue *value);

/* Is a key there, and not null? */
extern bool policy_has(const PolicyObject *object, const char *key);

/* Is a key there, be it null? */
extern bool policy_names(const PolicyObject *object, const char *key);

/* The value of a key; false, and nothing set, where it isn't there or null. */
extern bool policy_get_bool(const PolicyObject *object, const char *key, bool *value);
extern bool policy_get_day(const PolicyObject *object, const char *key, DateADT *value);
extern bool policy_get_zone(const PolicyObject *object, const char *key, ZoneDays **value);
extern bool policy_get_month_day(const PolicyObject *object, const char *key, int *month, int *day);

/* Number of the name among these. */
extern bool policy_get_choice(const PolicyObject *object, const char *key, const char *const *names,
							  int nnames, int *value);
extern int policy_choice(const PolicyObject *object, const JsonbValue *value, const char *path,
						 const char *const *names, int nnames);

/* An interval that isn't negative, nor zero unless that is allowed. */
extern bool policy_get_interval(const PolicyObject *object, const char *key, bool may_be_zero,
								Interval *value);

/* Reads an interval's text, whatever the session's IntervalStyle is; false where it isn't one. */
extern bool policy_parse_interval(const char *text, Interval *interval);

/* Refuses what such an interval may not be, by its key; text is how errors show it. */
extern void policy_check_interval(const Interval *interval, bool may_be_zero, const char *type,
								  const char *path, const char *text);

/* The canonical text of one above zero that is a parameter of a result; example is for the hint. */
extern char *policy_canonical_interval(const char *text, const char *type, const char *path,
									   const char *example);

/* Are two intervals written the same? Unlike '=', which takes 1 month for 30 days. */
extern bool policy_interval_same(const Interval *a, const Interval *b);

/* A number of at most so many decimals, as small as it is exact. */
extern bool policy_get_number(const PolicyObject *object, const char *key, int decimals,
							  bool may_be_zero, Decimal *number);
extern Decimal policy_number(const PolicyObject *object, const JsonbValue *value, const char *path,
							 int decimals, bool may_be_zero);

/* A whole number, 0 or more. */
extern bool policy_get_count(const PolicyObject *object, const char *key, int64 *number);

/* A list of texts, each once; sorted. Where there is a hint, it can't be empty. */
extern bool policy_get_texts(const PolicyObject *object, const char *key, const char *empty_hint,
							 int *count, EventText **texts);

/* Two keys that exclude each other; a key that is nothing without another. 22023. */
extern void policy_refuse_both(const PolicyObject *object, const char *a, const char *b,
							   const char *hint);
extern void policy_report_needs(const PolicyObject *object, const char *key, const char *needed,
								const char *hint) pg_attribute_noreturn();

/* ---- the keys of an object ---- */

typedef struct PolicyKey PolicyKey;

typedef enum PolicyKeyType
{
	POLICY_CUSTOM,	 /* as its own functions have it; without any, a row before it has it */
	POLICY_BOOL,	 /* bool */
	POLICY_CHOICE,	 /* among names: an enum; of two, a bool */
	POLICY_INTERVAL, /* Interval, more than 0 where it is there */
	POLICY_INTERVAL_OR_ZERO,
	POLICY_NUMBER, /* Decimal, more than 0 */
	POLICY_NUMBER_OR_ZERO,
	POLICY_COUNT,	 /* int or int64 */
	POLICY_DAY,		 /* DateADT */
	POLICY_TEXT,	 /* char * or EventText */
	POLICY_TEXTS,	 /* int, and EventText * at 'list' */
	POLICY_ZONE,	 /* ZoneDays *; what a whole has, not its parts */
	POLICY_VERSIONS, /* the dated versions */

	/* only as the argument that a custom key is given as */
	POLICY_JSON,
	POLICY_POLICY /* of whatever type */
} PolicyKeyType;

/* Reads a custom key, which may not be there, over what holds without it; or checks what was read.
 * version is the one that is read: the first with the policy's own keys. */
typedef void (*PolicyReader)(const PolicyObject *object, const PolicyKey *key, void *policy,
							 void *version);

/* Writes the members that make of 'before' what is there now, both structs that the key stands in;
 * everything where before is NULL. */
typedef void (*PolicyWriter)(StringInfo out, const PolicyKey *key, const void *policy,
							 const void *now, const void *before);

/* Does a key say the same in both structs? */
typedef bool (*PolicySame)(const PolicyKey *key, const void *policy, const void *now,
						   const void *before);

struct PolicyKey
{
	const char *name; /* NULL ends a list of keys */
	PolicyKeyType type;
	bool changes;			/* from a day on: its place is in the struct of versions */
	bool required;			/* an error where it isn't there; is always written */
	bool always;			/* is written though it is the default */
	bool late;				/* is written behind those that aren't */
	int turn;				/* is read after those of a lower turn, which it needs */
	int argument;			/* of make_<type>(), from 1 on; 0: none */
	PolicyKeyType given_as; /* the argument of a custom key; POLICY_CUSTOM: POLICY_JSON */

	/* POLICY_AT(): where the value stands. Where its bytes are the same, it is. */
	size_t at;
	size_t size;

	size_t list;			  /* of texts: where the array is */
	const char *const *names; /* POLICY_NAMES(): of a choice, in the order of its enum */
	int nnames;
	int most;		  /* decimals of a number; the largest count, 0: any */
	const char *hint; /* of a count that is too large; of texts, where they can't be empty */

	PolicyReader read;
	PolicyReader check; /* after it was read, or found missing */
	PolicyWriter write;
	PolicySame same; /* of a custom key; NULL: where the same is written */
};

#define POLICY_AT(struct_type, field) \
	.at = offsetof(struct_type, field), .size = sizeof(((struct_type *) NULL)->field)
#define POLICY_NAMES(list) .names = (list), .nnames = lengthof(list)

/* Their names, as a hint lists them. */
extern char *policy_key_names(const PolicyKey *keys);

/* Every key must be one of these. */
extern void policy_check_members(const PolicyObject *object, const PolicyKey *keys);

/* Reads them into a struct, over what is there. version: for what can change; else NULL. */
extern void policy_read_keys(const PolicyObject *object, const PolicyKey *keys, void *policy,
							 void *version);

/* Writes those that aren't as in a struct with the defaults. */
extern void policy_put_keys(StringInfo out, const PolicyKey *keys, const void *policy,
							const void *defaults);

/* ---- a type of policies, with dated versions ---- */

typedef struct PolicyTable
{
	const char *type;
	const char *null_hint; /* what to give instead of NULL */
	const PolicyKey *keys; /* in the order of the text */

	/* POLICY_STRUCTS(): an opened policy, which a struct that is only needed while it is read may
	 * begin with; and its versions, which begin with their DateADT */
	size_t policy_size;
	size_t version_size;
	size_t nversions_at;
	size_t versions_at;
	const void *policy; /* what nothing was said about */
	const void *version;

	/* Hints about a version; %s are the keys that it may have. */
	const char *fixed_hint; /* for another of the policy's keys */
	const char *none_hint;	/* for a null: how to say that there is none from then on */
	const char *empty_hint; /* for a version that says nothing */

	/* Each may be NULL. */
	JsonbContainer *(*long_form)(const PolicyObject *root); /* of what may be written shorter */
	PolicyReader check;			  /* what contradicts what, after each version; without a key */
	void (*finish)(void *policy); /* once all versions are there */
	void (*put_versions)(StringInfo out, const void *policy); /* in a way of its own */
} PolicyTable;

#define POLICY_STRUCTS(reading_type, policy_type, version_type)                \
	.policy_size = sizeof(reading_type), .version_size = sizeof(version_type), \
	.nversions_at = offsetof(policy_type, nversions),                          \
	.versions_at = offsetof(policy_type, versions)

/* Reads the rules from a JSON object; everything is checked. In the current context. */
extern void *policy_read(const PolicyTable *table, JsonbContainer *json);

/*
 * The same for what is part of something else that may add versions, which must be later than
 * those there are: begin, any number of versions, finish.
 */
extern void *policy_begin(const PolicyTable *table, JsonbContainer *json);
extern void policy_add_version(const PolicyTable *table, void *policy, const PolicyObject *object,
							   DateADT from);
extern void policy_finish(const PolicyTable *table, void *policy);

/* Writes the members of its object but zone and versions; of a version (from 1 on), but from. */
extern void policy_put_rules(StringInfo out, const PolicyTable *table, const void *policy);
extern void policy_put_version(StringInfo out, const PolicyTable *table, const void *policy,
							   int number);

/* The whole: what rules mean, written one way; in a fixed order and without what is the default or
 * changes nothing. */
extern char *policy_text(const PolicyTable *table, const void *policy);

/* The number of the version in force on a day. A version is a struct of that size that begins with
 * its DateADT; they ascend from DATEVAL_NOBEGIN. */
extern int policy_version_on(const void *versions, int nversions, size_t size, DateADT day);

/* ---- writing ---- */

/* Starts a member: a comma, unless it is the first of its object, and its key. */
extern void policy_put_key(StringInfo out, const char *key);
extern void policy_put_name(StringInfo out, const char *key, const char *name);
extern void policy_put_bool(StringInfo out, const char *key, bool value);
extern void policy_put_number(StringInfo out, const char *key, const Decimal *number);
extern void policy_put_interval(StringInfo out, const char *key, const Interval *interval);

/* Starts an element: a comma, unless it is the first of its array. */
extern void policy_put_element(StringInfo out);

/* An interval as PostgreSQL's style has it, with months written out: '1 year 6 months'. */
extern char *policy_interval_text(const Interval *interval);

/* ======================== the SQL type ======================== */

/*
 * A policy is stored as a version byte and its canonical JSON text, written from what it means:
 * equal policies have equal bytes.
 */

/* The hint of a type whose keys may all be left out. */
#define POLICY_DEFAULT_RULES(type)                                                             \
	"'{}' is the " type " with the default rules; where a table has none for a row, say what " \
	"holds then: coalesce(policy, '{}')."

/*
 * Defines what a type of policies has from its PolicyTable, <type>_table, whose opened rules are a
 * struct:
 *
 *		<type>_open()			opens the stored form in the current memory context
 *		loyalty_<type>_in, _out, _recv, _send, loyalty_<type> (the cast from jsonb) and
 *		loyalty_make_<type>		the C functions of policy/policy_type.sql and make_<type>()
 */
#define POLICY_TYPE(type, struct_type)  \
	POLICY_TYPE_OPEN(type, struct_type) \
	POLICY_TYPE_BUT_OPEN(type)

/* ... where the constructor, or opening, is written out. */
#define POLICY_TYPE_BUT_MAKE(type, struct_type) \
	POLICY_TYPE_OPEN(type, struct_type)         \
	POLICY_TYPE_IO(type)

#define POLICY_TYPE_BUT_OPEN(type)                 \
	PG_FUNCTION_INFO_V1(loyalty_make_##type);      \
	Datum loyalty_make_##type(PG_FUNCTION_ARGS)    \
	{                                              \
		return policy_make(fcinfo, &type##_table); \
	}                                              \
	POLICY_TYPE_IO(type)

#define POLICY_TYPE_OPEN(type, struct_type)                \
	struct_type *type##_open(const struct varlena *policy) \
	{                                                      \
		return policy_open(policy, &type##_table);         \
	}

#define POLICY_TYPE_IO(type)                                         \
	SOFT_INPUT(loyalty_##type##_in)                                  \
	{                                                                \
		return policy_in(fcinfo, &type##_table);                     \
	}                                                                \
	PG_FUNCTION_INFO_V1(loyalty_##type##_out);                       \
	Datum loyalty_##type##_out(PG_FUNCTION_ARGS)                     \
	{                                                                \
		return policy_out(fcinfo);                                   \
	}                                                                \
	PG_FUNCTION_INFO_V1(loyalty_##type##_recv);                      \
	Datum loyalty_##type##_recv(PG_FUNCTION_ARGS)                    \
	{                                                                \
		return policy_recv(fcinfo, &type##_table);                   \
	}                                                                \
	PG_FUNCTION_INFO_V1(loyalty_##type##_send);                      \
	Datum loyalty_##type##_send(PG_FUNCTION_ARGS)                    \
	{                                                                \
		return policy_send(fcinfo);                                  \
	}                                                                \
	static void *type##_from_json(const struct varlena *json)        \
	{                                                                \
		return policy_from_json(&type##_table, json);                \
	}                                                                \
	PG_FUNCTION_INFO_V1(loyalty_##type);                             \
	Datum loyalty_##type(PG_FUNCTION_ARGS)                           \
	{                                                                \
		return policy_cast(fcinfo, &type##_table, type##_from_json); \
	}

/* ---- the stored form ---- */

#define POLICY_VERSION 1

/* The canonical text of a policy: palloc'd; an unknown version is XX001. */
extern char *policy_unpack(const struct varlena *policy);

/* The policy whose canonical text that is. */
extern struct varlena *policy_pack(const char *text);

/* The policy that a jsonb means; everything is checked. */
extern struct varlena *policy_from_json(const PolicyTable *table, const struct varlena *json);

/* What a parameter of a result has of it: the canonical text of one that is written somehow; and
 * such a text opened, in the current memory context. */
extern char *policy_canonical(const PolicyTable *table, const char *text);
extern void *policy_open_text(const PolicyTable *table, const char *text);

/* ---- in a call ---- */

/*
 * Opens a detoasted argument, which may have a short header, in the current memory context: the
 * policy, or something that has it and may be filled further in that context (a walk by it,
 * what was computed for it).
 */
typedef void *(*PolicyOpener)(const struct varlena *policy);

/*
 * What a call site has opened for the policy in argument n. It is kept from call to call, as
 * long as the policy's bytes and the session's zone stay the same; then its memory goes as a whole
 * and it is opened anew. fn_extra is the policies' by that. A NULL policy is error 22004.
 */
extern void *policy_argument(FunctionCallInfo fcinfo, int n, const PolicyTable *table,
							 PolicyOpener open);

/* ---- what POLICY_TYPE() calls ---- */

extern void *policy_open(const struct varlena *policy, const PolicyTable *table);

/* The policy that the arguments are; one of NULL is left out. */
extern Datum policy_make(FunctionCallInfo fcinfo, const PolicyTable *table);
extern Datum policy_in(FunctionCallInfo fcinfo, const PolicyTable *table);
extern Datum policy_out(FunctionCallInfo fcinfo);
extern Datum policy_recv(FunctionCallInfo fcinfo, const PolicyTable *table);
extern Datum policy_send(FunctionCallInfo fcinfo);
extern Datum policy_cast(FunctionCallInfo fcinfo, const PolicyTable *table, PolicyOpener from_json);

#endif
