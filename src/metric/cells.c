/*
 * cells.c
 *		What folds count into; the header explains it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/array.h"
#include "metric/cells.h"

/* ---- sums by layer, row and column ---- */

typedef struct BlockEntry
{
	CellsKey key;
	char status;
	int128 *block;
} BlockEntry;

static inline uint32
hash_key(CellsKey key)
{
	uint64 hash = (uint64) (uint32) key.row << 32 | (uint32) key.block;

	/* Fibonacci hashing: neighbours spread evenly */
	hash = (hash ^ (uint64) (uint32) key.layer << 13) * UINT64CONST(0x9E3779B97F4A7C15);
	hash ^= hash >> 29;
	return (uint32) ((hash * UINT64CONST(0xBF58476D1CE4E5B9)) >> 32);
}

static inline bool
same_key(CellsKey a, CellsKey b)
{
	return a.block == b.block && a.row == b.row && a.layer == b.layer;
}

#define SH_PREFIX				blocks
#define SH_ELEMENT_TYPE			BlockEntry
#define SH_KEY_TYPE				CellsKey
#define SH_KEY					key
#define SH_HASH_KEY(table, key) hash_key(key)
#define SH_EQUAL(table, a, b)	same_key(a, b)
#define SH_SCOPE				static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

Cells *
cells_create(int width)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty cells", ALLOCSET_DEFAULT_SIZES);
	Cells *cells = MemoryContextAllocZero(context, sizeof(Cells));

	cells->width = width;
	cells->context = context;
	cells->blocks = blocks_create(context, 64, NULL);
	return cells;
}

void
cells_free(Cells *cells)
{
	MemoryContextDelete(cells->context);
}

int128 *
cells_block(Cells *cells, CellsKey key)
{
	bool found;
	BlockEntry *entry = blocks_insert(cells->blocks, key, &found);

	if (!found)
		entry->block =
			MemoryContextAllocZero(cells->context, CELLS_BLOCK * cells->width * sizeof(int128));
	cells->last = key;
	cells->last_block = entry->block;
	return entry->block;
}

void
cells_visit(const Cells *cells, CellsVisitor visit, void *context)
{
	blocks_iterator iterator;
	BlockEntry *entry;

	blocks_start_iterate(cells->blocks, &iterator);
	while ((entry = blocks_iterate(cells->blocks, &iterator)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		visit(context, entry->key.layer, entry->key.row, entry->key.block * CELLS_BLOCK,
			  entry->block);
	}
}

/* ---- rows of a tally by a number ---- */

/* A first array, and the most numbers that one covers: days of 89 years, half a megabyte. */
#define FIRST_CELLS 32
#define MAX_CELLS	32768

void
metric_cells_open(MetricCells *cells, Tally *tally)
{
	memset(cells, 0, sizeof(MetricCells));
	cells->tally = tally;
	cells->context = CurrentMemoryContext;
}

void
metric_cells_open_under(MetricCells *cells, Tally *tally, int64 first_key)
{
	metric_cells_open(cells, tally);
	cells->key.numbers[0] = first_key;
	cells->column = 1;
}

/* Makes the array cover a number, where it can. */
static void
cover(MetricCells *cells, int32 number)
{
	int64 first = number;
	int64 end = (int64) number + 1;
	int64 ncells = FIRST_CELLS;
	TallyRow **made;

	if (cells->ncells > 0)
	{
		first = Min(first, cells->first);
		end = Max(end, (int64) cells->first + cells->ncells);
	}
	if (end - first > MAX_CELLS)
		return;
	while (ncells < end - first)
		ncells *= 2;
	/* what has come before may come before that, too */
	if (cells->ncells > 0 && first < cells->first)
		first = Max(end - ncells, PG_INT32_MIN);
	made = MemoryContextAllocZero(cells->context, ncells * sizeof(TallyRow *));
	if (cells->ncells > 0)
	{
		memcpy(made + (cells->first - first), cells->cells, cells->ncells * sizeof(TallyRow *));
		pfree(cells->cells);
	}
	cells->first = (int32) first;
	cells->ncells = (uint32) ncells;
	cells->cells = made;
}

TallyRow *
metric_cell_slow(MetricCells *cells, int32 number)
{
	uint32 slot = (uint32) number - (uint32) cells->first;
	TallyRow *row;

	cells->key.numbers[cells->column] = number;
	row = tally_row(cells->tally, &cells->key);
	if (slot >= cells->ncells)
	{
		cover(cells, number);
		slot = (uint32) number - (uint32) cells->first;
	}
	if (slot < cells->ncells)
		cells->cells[slot] = row;
	return row;
}

/* ---- what one customer has, by a number ---- */

void
numbered_open(NumberedEntries *entries, size_t size)
{
	memset(entries, 0, sizeof(NumberedEntries));
	entries->size = size;
	entries->context = CurrentMemoryContext;
}

static int32
number_at(const NumberedEntries *entries, int64 i)
{
	return *(const int32 *) numbered_at(entries, i);
}

void *
numbered_slow(NumberedEntries *entries, int32 number)
{
	int64 at = entries->n;
	char *entry;

	while (at > 0 && number_at(entries, at - 1) > number)
		at--;
	if (at > 0 && number_at(entries, at - 1) == number)
		return numbered_at(entries, at - 1);
	entries->entries = array_grow_in(entries->context, entries->entries, &entries->room,
									 entries->n + 1, entries->size);
	entry = numbered_at(entries, at);
	memmove(entry + entries->size, entry, (entries->n - at) * entries->size);
	entries->n++;
	memset(entry, 0, entries->size);
	memcpy(entry, &number, sizeof(number));
	return entry;
}

/* ---- numbers, and how often each has occurred ---- */

#define ST_SORT			 sort_numbers
#define ST_ELEMENT_TYPE	 int64
#define ST_COMPARE(a, b) (*(a) > *(b)) - (*(a) < *(b))
#define ST_SCOPE		 static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "miscadmin.h"
#include "lib/sort_template.h"

#define FIRST_RAW 8

/* As many as that are worth an array of counts. */
#define MANY_RAW  64

/*
 * Sorts numbers. Mostly they are days, or amounts of many customers, and lie close together: then
 * it is counted how often each of the numbers from the least to the greatest occurs.
 */
static void
order_numbers(int64 *numbers, int64 n)
{
	int64 least = numbers[0];
	int64 greatest = numbers[0];
	uint32 *counts;
	uint64 range;
	uint64 number;
	int64 i;

	for (i = 1; i < n; i++)
	{
		least = Min(least, numbers[i]);
		greatest = Max(greatest, numbers[i]);
	}
	range = (uint64) greatest - (uint64) least;
	if (n < MANY_RAW || n > PG_UINT32_MAX || range >= 2 * (uint64) n)
	{
		sort_numbers(numbers, n);
		return;
	}
	counts = palloc_extended((range + 1) * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < n; i++)
		counts[(uint64) numbers[i] - (uint64) least]++;
	CHECK_FOR_INTERRUPTS();
	i = 0;
	for (number = 0; number <= range; number++)
		for (; counts[number] > 0; counts[number]--)
			numbers[i++] = (int64) ((uint64) least + number);
	pfree(counts);
}

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

/* None stands there now. */
static void
make_room(CountedNumbers *numbers, MemoryContext context, int64 n)
{
	if (numbers->max_raw >= n)
		return;
	if (numbers->raw != NULL)
		pfree(numbers->raw);
	numbers->raw = MemoryContextAllocHuge(context, n * sizeof(int64));
	numbers->max_raw = n;
}

void
counted_reserve(CountedNumbers *numbers, MemoryContext context, int64 n)
{
	counted_settle(numbers, context);
	make_room(numbers, context, n);
}

void
counted_settle(CountedNumbers *numbers, MemoryContext context)
{
	int64 different;
	CountedNumber *merged;
	int64 n = 0;
	int64 old = 0;
	int64 i;

	if (numbers->nraw > 0)
	{
		order_numbers(numbers->raw, numbers->nraw);
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
	make_room(numbers, context, Max(FIRST_RAW, numbers->ncounted));
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
