/*
 * merge_sort.h
 *		A merge sort that uses the order that is already there; a template.
 *
 * Rows mostly arrive in time order, and merging stored timelines appends one
 * ordered run to another: those cost one or two passes. Define before including:
 *		SORT_NAME			name of the function
 *		SORT_ELEMENT		type of the elements
 *		SORT_AFTER(a, b)	does *a come after *b?
 *
 * Comparing a million events takes a good part of a second, so all of it looks for interrupts.
 */

#define SORT_BLOCK		24

/* A function of the template's own. */
#define SORT_JOIN(a, b) CppConcat(a, b)
#define SORT_RUN_END	SORT_JOIN(SORT_NAME, _run_end)

/* Interrupts are looked for each time that this many elements are done. */
#define SORT_SLICE_MASK 0xFFF

/* Where the run ends that element i - 1 belongs to. */
static int64
SORT_RUN_END(SORT_ELEMENT *elements, int64 i, int64 count)
{
	for (; i < count && !SORT_AFTER(&elements[i - 1], &elements[i]); i++)
		if ((i & SORT_SLICE_MASK) == 0)
			CHECK_FOR_INTERRUPTS();
	return Min(i, count);
}

static void
SORT_NAME(SORT_ELEMENT *elements, int64 count)
{
	SORT_ELEMENT *from = elements;
	SORT_ELEMENT *to = NULL;
	int64 i;

	/* Order each block; what is ordered across blocks stays so. */
	for (i = 1; i < count; i++)
	{
		if ((i & SORT_SLICE_MASK) == 0)
			CHECK_FOR_INTERRUPTS();
		if (unlikely(SORT_AFTER(&elements[i - 1], &elements[i])))
		{
			int64 first = i - i % SORT_BLOCK;
			int64 hole = i;
			SORT_ELEMENT moved = elements[i];

			if (hole == first)
				continue;
			do
			{
				elements[hole] = elements[hole - 1];
				hole--;
			} while (hole > first && SORT_AFTER(&elements[hole - 1], &moved));
			elements[hole] = moved;
		}
	}

	/* Merge neighbouring runs until one is left. */
	for (;;)
	{
		int64 start = 0;

		CHECK_FOR_INTERRUPTS();
		if (SORT_RUN_END(from, 1, count) == count)
			break;
		if (to == NULL)
			to = palloc_extended(count * sizeof(SORT_ELEMENT), MCXT_ALLOC_HUGE);
		while (start < count)
		{
			int64 left = start;
			int64 middle = SORT_RUN_END(from, start + 1, count);
			int64 right = middle;
			int64 end = SORT_RUN_END(from, middle + 1, count);
			int64 out = start;

			while (left < middle && right < end)
			{
				if (SORT_AFTER(&from[left], &from[right]))
					to[out++] = from[right++];
				else
					to[out++] = from[left++];
				if ((out & SORT_SLICE_MASK) == 0)
					CHECK_FOR_INTERRUPTS();
			}
			memcpy(&to[out], &from[left], (middle - left) * sizeof(SORT_ELEMENT));
			out += middle - left;
			memcpy(&to[out], &from[right], (end - right) * sizeof(SORT_ELEMENT));
			start = end;
		}
		{
			SORT_ELEMENT *swap = from;

			from = to;
			to = swap;
		}
	}
	if (from != elements)
	{
		memcpy(elements, from, count * sizeof(SORT_ELEMENT));
		to = from;
	}
	if (to != NULL)
		pfree(to);
}

#undef SORT_BLOCK
#undef SORT_RUN_END
#undef SORT_JOIN
#undef SORT_SLICE_MASK
#undef SORT_NAME
#undef SORT_ELEMENT
#undef SORT_AFTER
