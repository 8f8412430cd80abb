/*
 * counted.h
 *		Numbers, and how often each has occurred: a multiset that is filled number by number
 *		and read in order.
 *
 *		counted		1 x 3, 4 x 1, 7 x 250		sorted, each number once
 *		raw			4 4 9 1						added since, as they came
 *
 * Raw numbers are sorted into the counted ones when there are as many as those. So adding
 * costs a store and its share of a sort, and memory is that of the different numbers.
 */
#ifndef LOYALTY_COUNTED_H
#define LOYALTY_COUNTED_H

#include "postgres.h"

#include "core/compat.h"

typedef struct CountedNumber
{
	int64 number;
	int64 count;
} CountedNumber;

/* All zeros: none. */
typedef struct CountedNumbers
{
	CountedNumber *counted;
	int64 ncounted;
	int64 *raw;
	int64 nraw;
	int64 max_raw;
} CountedNumbers;

/* Sorts raw numbers into the counted ones, and makes room for more. Memory is the context's. */
extern void counted_settle(CountedNumbers *numbers, MemoryContext context);

/* Takes all out again. */
extern void counted_clear(CountedNumbers *numbers);

static inline void
counted_add(CountedNumbers *numbers, MemoryContext context, int64 number)
{
	if (unlikely(numbers->nraw == numbers->max_raw))
		counted_settle(numbers, context);
	numbers->raw[numbers->nraw++] = number;
}

#endif
