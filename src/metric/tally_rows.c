/*
 * tally_rows.c
 *		Reading the rows of a tally in the order of their keys: all at once, or one by one.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "metric/metric_internal.h"

/* A row, with its first key beside it: that mostly decides, without a look at the row. */
typedef struct SortedRow
{
	int64 first; /* 0 where it is a text */
	TallyRow *row;
} SortedRow;

static inline int
compare_rows(const SortedRow *a, const SortedRow *b, const Tally *tally)
{
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return tally_compare_keys(tally, &a->row->key, &b->row->key);
}

#define ST_SORT				sort_rows
#define ST_ELEMENT_TYPE		SortedRow
#define ST_COMPARE_ARG_TYPE const Tally
#define ST_COMPARE(a, b, t) compare_rows(a, b, t)
#define ST_SCOPE			static
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

/* Where the run of sorted rows ends that begins at start. */
static int64
end_of_run(const SortedRow *rows, int64 start, int64 n, const Tally *tally)
{
	while (++start < n && compare_rows(&rows[start - 1], &rows[start], tally) < 0)
		;
	return Min(start, n);
}

/* Merges each run with the one behind it. */
static void
merge_runs(const SortedRow *rows, SortedRow *merged, int64 n, const Tally *tally)
{
	int64 left = 0;

	while (left < n)
	{
		int64 middle = end_of_run(rows, left, n, tally);
		int64 end = middle < n ? end_of_run(rows, middle, n, tally) : n;
		int64 right = middle;

		while (left < middle || right < end)
			*merged++ = right == end || (left < middle &&
										 compare_rows(&rows[left], &rows[right], tally) < 0)
							? rows[left++]
							: rows[right++];
		left = end;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Runs of rows that are merged; more are sorted. */
#define MERGED_RUNS 16

/* Sorts rows; results that are added up came sorted, and make a few runs. */
static SortedRow *
order_rows(SortedRow *rows, int64 n, const Tally *tally)
{
	SortedRow *merged;
	int64 runs = 0;
	int64 start = 0;

	for (; start < n && runs <= MERGED_RUNS; runs++)
		start = end_of_run(rows, start, n, tally);
	if (start < n)
	{
		sort_rows(rows, n, tally);
		return rows;
	}
	merged = palloc_extended(Max(1, n) * sizeof(SortedRow), MCXT_ALLOC_HUGE);
	for (; runs > 1; runs = (runs + 1) / 2)
	{
		SortedRow *from = rows;

		merge_runs(from, merged, n, tally);
		rows = merged;
		merged = from;
	}
	pfree(merged);
	return rows;
}

/* Those of the list, sorted. */
static TallyRow **
list_rows(const Tally *tally, int64 *nrows)
{
	size_t room = Max(1, tally->nlist);
	TallyRow **rows = palloc_extended(room * sizeof(TallyRow *), MCXT_ALLOC_HUGE);
	bool is_number = tally->shape->nkeys > 0 && tally->text_column != 0;
	SortedRow *sorted;
	int64 n = 0;
	int64 i;

	for (i = 0; i < tally->nlist; i++)
		if (tally_row_has_sums(tally, tally->list[i]))
			rows[n++] = tally->list[i];
	*nrows = n;
	if (tally->in_order)
		return rows;
	sorted = palloc_extended(room * sizeof(SortedRow), MCXT_ALLOC_HUGE);
	for (i = 0; i < n; i++)
	{
		sorted[i].first = is_number ? rows[i]->key.numbers[0] : 0;
		sorted[i].row = rows[i];
	}
	sorted = order_rows(sorted, n, tally);
	for (i = 0; i < n; i++)
		rows[i] = sorted[i].row;
	pfree(sorted);
	return rows;
}

TallyRow **
tally_rows(const Tally *tally, int64 *nrows)
{
	tally_unpack(tally);
	return list_rows(tally, nrows);
}

bool
tally_has_rows(const Tally *tally)
{
	int64 i;

	if (tally->packed != NULL)
		return tally->packed->nrows > 0;
	for (i = 0; i < tally->nlist; i++)
		if (tally_row_has_sums(tally, tally->list[i]))
			return true;
	return false;
}

int64
tally_count_rows(const Tally *tally)
{
	int64 n = 0;
	int64 i;

	if (tally->packed != NULL)
		return tally->packed->nrows;
	for (i = 0; i < tally->nlist; i++)
		n += tally_row_has_sums(tally, tally->list[i]);
	return n;
}

/* ---- one by one ---- */

void
tally_open_rows(TallyCursor *cursor, const Tally *tally)
{
	memset(cursor, 0, sizeof(TallyCursor));
	cursor->tally = tally;
	if (tally->packed != NULL)
		cursor->packed = packed_open(tally);
	else
		cursor->rows = list_rows(tally, &cursor->nrows);
}

const TallyRow *
tally_next_row(TallyCursor *cursor)
{
	if (cursor->packed != NULL)
		return packed_next(cursor->packed);
	return cursor->next < cursor->nrows ? cursor->rows[cursor->next++] : NULL;
}

void
tally_close_rows(TallyCursor *cursor)
{
	if (cursor->packed != NULL)
		pfree(cursor->packed);
	else
		pfree(cursor->rows);
}
