/*
 * array.h
 *		Arrays whose length the data sets: growing and sorting.
 *
 *		Item *items = NULL;
 *		int64 nitems = 0;
 *		int64 max = 0;
 *
 *		items = array_grow(items, &max, nitems + 1, sizeof(Item));
 *		items[nitems++] = item;
 */
#ifndef LOYALTY_ARRAY_H
#define LOYALTY_ARRAY_H

#include "postgres.h"

#include "utils/palloc.h"

extern void *array_grow_now(MemoryContext context, void *items, int64 *max, int64 wanted,
							size_t item_size);

/*
 * Makes room for at least so many items, in an array that has room for *max, and at least doubles
 * what it had: what a new one holds isn't set. One that is NULL is made in the context; it stays in
 * the one that it was made in.
 */
static inline void *
array_grow_in(MemoryContext context, void *items, int64 *max, int64 wanted, size_t item_size)
{
	return likely(wanted <= *max) ? items : array_grow_now(context, items, max, wanted, item_size);
}

/* ... in the current context. */
static inline void *
array_grow(void *items, int64 *max, int64 wanted, size_t item_size)
{
	return array_grow_in(CurrentMemoryContext, items, max, wanted, item_size);
}

/* As qsort(), but a cancel comes through. */
extern void sort_elements(void *elements, size_t count, size_t size,
						  int (*compare)(const void *a, const void *b));

#endif
