/*
 * array.c
 *		Arrays whose length the data sets: growing, and the server's quicksort that looks for
 *		interrupts. qsort_interruptible() would do, but takes comparisons that bsearch() doesn't.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"

#define FIRST_ITEMS 4

void *
array_grow_now(MemoryContext context, void *items, int64 *max, int64 wanted, size_t item_size)
{
	*max = Max(wanted, Max(FIRST_ITEMS, *max * 2));
	if (items == NULL)
		return MemoryContextAllocExtended(context, *max * item_size, MCXT_ALLOC_HUGE);
	return repalloc_huge(items, *max * item_size);
}

#define ST_SORT sort_elements
#define ST_ELEMENT_TYPE_VOID
#define ST_COMPARE_RUNTIME_POINTER
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"
