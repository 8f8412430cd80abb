/*
 * cells.h
 *		What folds count into, at every step: sums by layer, row and column; rows of a tally by a
 *		number; what one customer has by a number; how often numbers occur.
 */
#ifndef LOYALTY_CELLS_H
#define LOYALTY_CELLS_H

#include "postgres.h"

#include "core/compat.h"
#include "metric/tally.h"

/* ---- sums by layer, row and column ---- */

/*
 *		(layer, row)  ->  [ columns 0 .. 15 ] [ columns 16 .. 31 ] ...  each a few sums
 *
 * Neighbouring columns stand in one block, which a hash table finds: neither rows nor columns have
 * a limit, and what is added next is mostly in the block of last time. A sum takes 2^64 amounts
 * without overflow.
 */

#define CELLS_BLOCK_BITS 4
#define CELLS_BLOCK		 (1 << CELLS_BLOCK_BITS)

typedef struct CellsKey
{
	int32 layer;
	int32 row;
	int32 block;
} CellsKey;

typedef struct Cells
{
	int width; /* sums of a cell */
	MemoryContext context;
	struct blocks_hash *blocks;
	CellsKey last; /* the block found last */
	int128 *last_block;
} Cells;

/* In a memory context of its own below the current one. */
extern Cells *cells_create(int width);
extern void cells_free(Cells *cells);

extern int128 *cells_block(Cells *cells, CellsKey key);

/* Calls for each block, with the column that it begins at; in no order. */
typedef void (*CellsVisitor)(void *context, int32 layer, int32 row, int32 column,
							 const int128 *block);

extern void cells_visit(const Cells *cells, CellsVisitor visit, void *context);

/* The sums of a cell; zeros where it is new. Valid as long as the cells are. */
static inline int128 *
cell_at(Cells *cells, int32 layer, int32 row, int32 column)
{
	CellsKey key = { layer, row, column >> CELLS_BLOCK_BITS };
	int128 *block = cells->last_block;

	if (unlikely(block == NULL || key.block != cells->last.block || key.row != cells->last.row ||
				 key.layer != cells->last.layer))
		block = cells_block(cells, key);
	return block + (column & (CELLS_BLOCK - 1)) * cells->width;
}

/* ---- rows of a tally by a number ---- */

/*
 * Finds the rows of a tally whose last key is a number or a period, and its only one, or the others
 * given, at the cost of an array look-up. The array covers the numbers that occur as long as they
 * lie close together.
 */
typedef struct MetricCells
{
	Tally *tally;
	MemoryContext context;
	TallyKey key; /* of any row, but for the number */
	int column;	  /* where the number stands in it */
	int32 first;  /* cells[0] is its row */
	uint32 ncells;
	TallyRow **cells; /* NULL: not asked for yet */
} MetricCells;

/* In the current memory context. */
extern void metric_cells_open(MetricCells *cells, Tally *tally);

/* The same of rows with two keys, whose first one is this. */
extern void metric_cells_open_under(MetricCells *cells, Tally *tally, int64 first_key);

extern TallyRow *metric_cell_slow(MetricCells *cells, int32 number);

static inline TallyRow *
metric_cell(MetricCells *cells, int32 number)
{
	uint32 slot = (uint32) number - (uint32) cells->first;

	if (likely(slot < cells->ncells && cells->cells[slot] != NULL))
		return cells->cells[slot];
	return metric_cell_slow(cells, number);
}

/* ---- what one customer has, by a number ---- */

/*
 * Entries of a struct whose first member is an int32, the number: each number once, in order. They
 * mostly come in order, and are made with zeros. Setting n to 0 takes all out.
 *
 * A customer's periods: at the end of summer time, or where a zone moved over the date line, a
 * local day can come after a later one.
 */
typedef struct NumberedEntries
{
	size_t size; /* of an entry */
	MemoryContext context;
	int64 n;
	int64 room;
	char *entries;
} NumberedEntries;

/* In the current memory context. */
extern void numbered_open(NumberedEntries *entries, size_t size);

extern void *numbered_slow(NumberedEntries *entries, int32 number);

static inline void *
numbered_at(const NumberedEntries *entries, int64 i)
{
	return entries->entries + i * entries->size;
}

/* The entry of a number; valid until another one is asked for. */
static inline void *
numbered_entry(NumberedEntries *entries, int32 number)
{
	if (likely(entries->n > 0))
	{
		void *last = numbered_at(entries, entries->n - 1);

		if (likely(*(const int32 *) last == number))
			return last;
	}
	return numbered_slow(entries, number);
}

/* ---- numbers, and how often each has occurred ---- */

/*
 * A multiset that is filled number by number and read in order.
 *
 *		counted		1 x 3, 4 x 1, 7 x 250		sorted, each number once
 *		raw			4 4 9 1						added since, as they came
 *
 * Raw numbers are sorted into the counted ones when there are as many as those. So adding
 * costs a store and its share of a sort, and memory is that of the different numbers.
 */
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

/* Makes room for so many raw ones, where it is known how many will come: they are sorted once. */
extern void counted_reserve(CountedNumbers *numbers, MemoryContext context, int64 n);

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
