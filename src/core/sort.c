/*
 * sort.c
 *		The server's quicksort, looking for interrupts.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/sort.h"

#define ST_SORT sort_elements
#define ST_ELEMENT_TYPE_VOID
#define ST_COMPARE_RUNTIME_POINTER
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"
