/*
 * compat.h
 *		What differs between the server's versions and between compilers, and what is needed of
 *		both.
 */
#ifndef LOYALTY_COMPAT_H
#define LOYALTY_COMPAT_H

#include "postgres.h"

/* Sums are 128-bit, and a Datum holds an int64 and a float8. */
#if defined(_MSC_VER)
#error "loyalty needs gcc or clang: Microsoft's compiler has no 128-bit integers"
#elif SIZEOF_VOID_P != 8 || !defined(HAVE_INT128)
#error "loyalty needs a 64-bit machine and a compiler with 128-bit integers"
#elif PG_VERSION_NUM < 150000
#error "loyalty needs PostgreSQL 15 or later"
#endif

#include "utils/jsonb.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#define LOYALTY_HAS_SOFT_ERRORS
#endif

/* 18 writes pg_noreturn in front of a declaration instead. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* 19 has it. A comment is not enough for -Wimplicit-fallthrough=5, nor for clang. */
#ifndef pg_fallthrough
#define pg_fallthrough __attribute__((fallthrough))
#endif

/* From 19 on the state of building a jsonb holds what was built. */
#if PG_VERSION_NUM < 190000
typedef struct JsonbBuild
{
	JsonbParseState *parse;
	JsonbValue *result; /* complete after the last token */
} JsonbBuild;
#else
typedef JsonbInState JsonbBuild;
#endif

static inline void
jsonb_push(JsonbBuild *build, JsonbIteratorToken token, JsonbValue *value)
{
#if PG_VERSION_NUM < 190000
	build->result = pushJsonbValue(&build->parse, token, value);
#else
	pushJsonbValue(build, token, value);
#endif
}

#endif
