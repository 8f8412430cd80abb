/*
 * array.c
 *		Arrays that grow as the data has it.
 */
#include "postgres.h"

#include "core/array.h"

#define FIRST_ITEMS 16

void *
array_grow_now(MemoryContext context, void *items, int64 *max, int64 wanted, size_t item_size)
{
	*max = Max(wanted, Max(FIRST_ITEMS, *max * 2));
	if (items == NULL)
		return MemoryContextAllocExtended(context, *max * item_size, MCXT_ALLOC_HUGE);
	return repalloc_huge(items, *max * item_size);
}
