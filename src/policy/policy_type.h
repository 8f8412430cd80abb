/*
 * policy_type.h
 *		The SQL face of policies: their type, its constructor, and the policy that a call is
 *		given, kept open from call to call.
 *
 * A policy is stored as a version byte and its canonical JSON text, written from
 * what it means: equal policies have equal bytes.
 */
#ifndef LOYALTY_POLICY_TYPE_H
#define LOYALTY_POLICY_TYPE_H

#include "postgres.h"

#include "fmgr.h"

#include "core/json.h"
#include "core/soft_input.h"

/* What one type of policies has of its own. */
typedef struct PolicyFace
{
	const char *type;
	const char *null_hint; /* what to give instead of NULL */

	/* Reads rules from a JSON object, checks everything, and packs them. */
	struct varlena *(*from_object)(JsonbContainer *json);
} PolicyFace;

/* The hint of a type whose keys may all be left out. */
#define POLICY_DEFAULT_RULES(type)                                                             \
	"'{}' is the " type " with the default rules; where a table has none for a row, say what " \
	"holds then: coalesce(policy, '{}')."

/*
 * Defines <type>_from_text(), and the C functions of the type whose PolicyFace is <type>_face:
 * loyalty_<type>_in, _out, _recv, _send, and loyalty_<type>, the cast from jsonb.
 * policy/policy_type.sql has the SQL that goes with them.
 */
#define POLICY_TYPE(type)                                           \
	struct varlena *type##_from_text(const char *text)              \
	{                                                               \
		return policy_from_text(&type##_face, text);                \
	}                                                               \
	SOFT_INPUT(loyalty_##type##_in)                                 \
	{                                                               \
		return policy_in(fcinfo, &type##_face);                     \
	}                                                               \
	PG_FUNCTION_INFO_V1(loyalty_##type##_out);                      \
	Datum loyalty_##type##_out(PG_FUNCTION_ARGS)                    \
	{                                                               \
		return policy_out(fcinfo);                                  \
	}                                                               \
	PG_FUNCTION_INFO_V1(loyalty_##type##_recv);                     \
	Datum loyalty_##type##_recv(PG_FUNCTION_ARGS)                   \
	{                                                               \
		return policy_recv(fcinfo, &type##_face);                   \
	}                                                               \
	PG_FUNCTION_INFO_V1(loyalty_##type##_send);                     \
	Datum loyalty_##type##_send(PG_FUNCTION_ARGS)                   \
	{                                                               \
		return policy_send(fcinfo);                                 \
	}                                                               \
	static void *type##_from_json(const struct varlena *json)       \
	{                                                               \
		return policy_from_json(&type##_face, json);                \
	}                                                               \
	PG_FUNCTION_INFO_V1(loyalty_##type);                            \
	Datum loyalty_##type(PG_FUNCTION_ARGS)                          \
	{                                                               \
		return policy_cast(fcinfo, &type##_face, type##_from_json); \
	}

/* ---- the stored form ---- */

#define POLICY_VERSION 1

/* A canonical text as a policy, and back: palloc'd; an unknown version is XX001. */
extern struct varlena *policy_pack(const char *text, int len);
extern char *policy_unpack(const struct varlena *policy);

/* The policy that a JSON text, or a jsonb, means; everything is checked. */
extern struct varlena *policy_from_text(const PolicyFace *face, const char *text);
extern struct varlena *policy_from_json(const PolicyFace *face, const struct varlena *json);

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
extern void *policy_argument(FunctionCallInfo fcinfo, int n, const PolicyFace *face,
							 PolicyOpener open);

/* ---- make_<type>(): the arguments as the JSON that they stand for ---- */

typedef enum PolicyArgumentType
{
	POLICY_JSON,
	POLICY_NUMBER,
	POLICY_INT,
	POLICY_TEXT,
	POLICY_TEXTS,
	POLICY_BOOL,
	POLICY_INTERVAL, /* more than 0 */
	POLICY_INTERVAL_OR_ZERO,
	POLICY_POLICY /* of whatever type */
} PolicyArgumentType;

typedef struct PolicyArgument
{
	const char *key;
	PolicyArgumentType type;
} PolicyArgument;

/* The policy that the arguments are, which the table has in the order of the SQL function; a NULL
 * one is left out. */
extern Datum policy_make(FunctionCallInfo fcinfo, const PolicyFace *face,
						 const PolicyArgument *arguments, int narguments);

/* ---- what POLICY_TYPE() calls ---- */

extern Datum policy_in(FunctionCallInfo fcinfo, const PolicyFace *face);
extern Datum policy_out(FunctionCallInfo fcinfo);
extern Datum policy_recv(FunctionCallInfo fcinfo, const PolicyFace *face);
extern Datum policy_send(FunctionCallInfo fcinfo);
extern Datum policy_cast(FunctionCallInfo fcinfo, const PolicyFace *face, PolicyOpener from_json);

#endif
