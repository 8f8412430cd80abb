/*
 * comparison.h
 *		The order of numbers, and the functions of a type's comparison operators, from one that
 *		compares two arguments.
 *
 * Pasted symbols: loyalty_bytes_eq, ..._ne, ..._lt, ..._le, ..._gt, ..._ge, ..._cmp; the same of
 * loyalty_base_eq and loyalty_event_timeline_eq; and loyalty_activity_set_lt to ..._cmp, whose
 * loyalty_activity_set_eq is written out.
 */
#ifndef LOYALTY_COMPARISON_H
#define LOYALTY_COMPARISON_H

#include "postgres.h"

#include "fmgr.h"

/* Below 0, 0, or above. */
static inline int
int64_compare(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

#define COMPARISON_FUNCTION(name, result) \
	PG_FUNCTION_INFO_V1(name);            \
	Datum name(PG_FUNCTION_ARGS)          \
	{                                     \
		result;                           \
	}                                     \
	extern Datum name(PG_FUNCTION_ARGS)

/* Order: compare(fcinfo) is below 0, 0, or above. */
#define ORDER_FUNCTIONS(prefix, compare)                                       \
	COMPARISON_FUNCTION(prefix##_lt, PG_RETURN_BOOL((compare) (fcinfo) < 0));  \
	COMPARISON_FUNCTION(prefix##_le, PG_RETURN_BOOL((compare) (fcinfo) <= 0)); \
	COMPARISON_FUNCTION(prefix##_gt, PG_RETURN_BOOL((compare) (fcinfo) > 0));  \
	COMPARISON_FUNCTION(prefix##_ge, PG_RETURN_BOOL((compare) (fcinfo) >= 0)); \
	COMPARISON_FUNCTION(prefix##_cmp, PG_RETURN_INT32((compare) (fcinfo)))

/* Order and equality. */
#define COMPARISON_FUNCTIONS(prefix, compare)                                  \
	COMPARISON_FUNCTION(prefix##_eq, PG_RETURN_BOOL((compare) (fcinfo) == 0)); \
	COMPARISON_FUNCTION(prefix##_ne, PG_RETURN_BOOL((compare) (fcinfo) != 0)); \
	ORDER_FUNCTIONS(prefix, compare)

#endif
