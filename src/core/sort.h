/*
 * sort.h
 *		Sorting what the data sets the length of: as qsort(), but a cancel comes through.
 */
#ifndef LOYALTY_SORT_H
#define LOYALTY_SORT_H

#include "postgres.h"

extern void sort_elements(void *elements, size_t count, size_t size,
						  int (*compare)(const void *a, const void *b));

#endif
