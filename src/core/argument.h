/*
 * argument.h
 *		Arguments of SQL functions: what they may not be, and copies that outlive a call.
 */
#ifndef LOYALTY_ARGUMENT_H
#define LOYALTY_ARGUMENT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/array.h"

/* Refuses NULL (22004), by the argument's name; hint may be NULL. */
extern void argument_refuse_null(FunctionCallInfo fcinfo, int n, const char *name,
								 const char *hint);

/*
 * The number of a text among some names, of which NULL stands for none. A text that is none of them
 * is an error of that SQLSTATE: the refusal, the text in double quotes, and a hint with what is
 * allowed, each between quotes as they are written there ("": none).
 */
extern int choice_of(const char *text, size_t len, const char *const *names, int nnames,
					 int sqlstate, const char *refusal, const char *quote);

/* ... -1: it is none of them. */
extern int choice_find(const char *text, size_t len, const char *const *names, int nnames);

/* How many names a list has that NULL ends. */
static inline int
choice_count(const char *const *names)
{
	int n = 0;

	while (names[n] != NULL)
		n++;
	return n;
}

/* A text argument that must be one of some names: NULL is 22004, another text 22023. */
extern int argument_choice(FunctionCallInfo fcinfo, int n, const char *name,
						   const char *const *names, int nnames, const char *refusal,
						   const char *quote);

/* An instant whose default is now: NULL is 22004, infinity 22008. */
extern TimestampTz argument_instant(FunctionCallInfo fcinfo, int n, const char *name);

/*
 * For functions of two values that add up, where NULL is nothing to add: is one of the first two
 * arguments NULL? Then the result is the other one, or NULL where both are, as fcinfo says.
 */
extern bool argument_beside_null(FunctionCallInfo fcinfo, Datum *result);

/*
 * Refuses an array of arrays (22023), by the argument's name: to take its elements for a list
 * would hide that something else was meant.
 */
extern void argument_refuse_matrix(const ArrayType *array, const char *name);

/* How a call site reads an argument of any type by its text. */
typedef struct AnyText
{
	bool is_text;
	FmgrInfo output;
} AnyText;

/* What it needs lives as long as the call site. */
extern void any_text_open(FunctionCallInfo fcinfo, int n, AnyText *reader);

/* The text of a value, not terminated; in the current memory context, or the value's own. */
extern const char *any_text(AnyText *reader, Datum value, int *len);

/* A palloc'd copy with a long header, as those who open it want it; of NULL, NULL. */
extern struct varlena *argument_copy(const struct varlena *value);

/* Are the bytes of two the same? NULL is the same as NULL. */
extern bool argument_same(const struct varlena *a, const struct varlena *b);

#endif
