/*
 * cells.c
 *		Sums by layer, row and column; the header explains it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "metric/cells.h"

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
