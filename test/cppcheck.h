/*
 * cppcheck.h
 *		The server's macros as cppcheck is to see them: it doesn't read the server's headers.
 */
#define DEBUG1 14
#define LOG 15
#define INFO 17
#define NOTICE 18
#define WARNING 19
#define ERROR 21
#define FATAL 22

#define ereport(level, ...) \
	do { \
		if ((level) >= ERROR) \
			abort(); \
	} while (0)
#define elog(level, ...) ereport(level, 0)
#define Assert(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

#define PG_MODULE_MAGIC extern int module_magic
#define PG_MODULE_MAGIC_EXT(...) extern int module_magic
#define PG_FUNCTION_INFO_V1(name) extern Datum name(FunctionCallInfo fcinfo)
#define PG_FUNCTION_ARGS FunctionCallInfo fcinfo
#define PG_RETURN_NULL() \
	do { \
		fcinfo->isnull = true; \
		return (Datum) 0; \
	} while (0)
#define PG_TRY() if (1)
#define PG_CATCH() else
#define PG_FINALLY() if (1)
#define PG_END_TRY()
#define StaticAssertDecl(condition, text) extern int static_assertion
#define StaticAssertStmt(condition, text)
#define likely(x) (x)
#define unlikely(x) (x)
#define pg_attribute_noreturn() __attribute__((noreturn))
#define PGDLLEXPORT
#define INT64CONST(x) (x##L)
#define UINT64CONST(x) (x##UL)
