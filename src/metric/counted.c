/*
 * counted.c
 *		Sorts raw numbers into counted ones.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "metric/counted.h"

#define ST_SORT			 sort_numbers
#define ST_ELEMENT_TYPE	 int64
#define ST_COMPARE(a, b) (*(a) > *(b)) - (*(a) < *(b))
#define ST_SCOPE		 static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "miscadmin.h"
#include "lib/sort_template.h"

#define FIRST_RAW 8

/* How many different ones sorted numbers hold. */
static int64
count_different(const int64 *numbers, int64 n)
{
	int64 different = 0;
	int64 i;

	for (i = 0; i < n; i++)
		different += i == 0 || numbers[i] != numbers[i - 1];
	return different;
}

void
counted_settle(CountedNumbers *numbers, MemoryContext context)
{
	int64 different;
	int64 max;
	CountedNumber *merged;
	int64 n = 0;
	int64 old = 0;
	int64 i;

	if (numbers->nraw > 0)
	{
		sort_numbers(numbers->raw, numbers->nraw);
		different = count_different(numbers->raw, numbers->nraw);
		merged = MemoryContextAllocHuge(context,
										(numbers->ncounted + different) * sizeof(CountedNumber));
		for (i = 0; i < numbers->nraw; i++)
		{
			while (old < numbers->ncounted && numbers->counted[old].number <= numbers->raw[i])
				merged[n++] = numbers->counted[old++];
			if (n > 0 && merged[n - 1].number == numbers->raw[i])
				merged[n - 1].count++;
			else
			{
				merged[n].number = numbers->raw[i];
				merged[n++].count = 1;
			}
		}
		while (old < numbers->ncounted)
			merged[n++] = numbers->counted[old++];
		if (numbers->counted != NULL)
			pfree(numbers->counted);
		numbers->counted = merged;
		numbers->ncounted = n;
		numbers->nraw = 0;
	}
	max = Max(FIRST_RAW, numbers->ncounted);
	if (numbers->max_raw < max)
	{
		if (numbers->raw != NULL)
			pfree(numbers->raw);
		numbers->raw = MemoryContextAllocHuge(context, max * sizeof(int64));
		numbers->max_raw = max;
	}
}

void
counted_clear(CountedNumbers *numbers)
{
	if (numbers->counted != NULL)
		pfree(numbers->counted);
	if (numbers->raw != NULL)
		pfree(numbers->raw);
	memset(numbers, 0, sizeof(CountedNumbers));
}
