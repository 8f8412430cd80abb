/*
 * timeline_sort.h
 *		A merge sort that uses the order that is already there; a template.
 *
 * Rows mostly arrive in time order, and merging stored timelines appends one
 * ordered run to another: those cost one or two passes. Define before including:
 *		SORT_NAME			name of the function
 *		SORT_ELEMENT		type of the elements
 *		SORT_AFTER(a, b)	does *a come after *b?
 */

#define SORT_BLOCK 24

static void
SORT_NAME(SORT_ELEMENT *elements, int64 count)
{
	SORT_ELEMENT *from = elements;
	SORT_ELEMENT *to = NULL;
	int64 i;

	/* Order each block; what is ordered across blocks stays so. */
	for (i = 1; i < count; i++)
	{
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
		for (i = 1; i < count && !SORT_AFTER(&from[i - 1], &from[i]); i++)
			;
		if (i >= count)
			break;
		if (to == NULL)
			to = timeline_alloc(count, sizeof(SORT_ELEMENT));
		while (start < count)
		{
			int64 left = start;
			int64 middle;
			int64 right;
			int64 end;
			int64 out = start;

			for (middle = start + 1; middle < count; middle++)
				if (SORT_AFTER(&from[middle - 1], &from[middle]))
					break;
			for (end = Min(middle + 1, count); end < count; end++)
				if (SORT_AFTER(&from[end - 1], &from[end]))
					break;
			right = middle;
			while (left < middle && right < end)
			{
				if (SORT_AFTER(&from[left], &from[right]))
					to[out++] = from[right++];
				else
					to[out++] = from[left++];
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
#undef SORT_NAME
#undef SORT_ELEMENT
#undef SORT_AFTER
