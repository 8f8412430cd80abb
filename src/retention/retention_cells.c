/*
 * retention_cells.c
 *		Cells that everyone is counted in: by cohort and column.
 *
 * They stand in blocks of RETENTION_BLOCK neighbouring columns of one cohort, found through a hash
 * table. So there is no limit to cohorts or lags, a few cells cost little, and a customer's walk
 * seldom leaves a block.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/array.h"
#include "retention/retention_internal.h"

typedef struct BlockEntry
{
	uint64 key; /* cohort, number of the block */
	RetentionBlock *block;
	char status;
} BlockEntry;

static inline uint32
block_hash(uint64 key)
{
	key *= UINT64CONST(0x9E3779B97F4A7C15); /* Fibonacci hashing: neighbours spread evenly */
	return (uint32) (key >> 32);
}

#define SH_PREFIX				blocks
#define SH_ELEMENT_TYPE			BlockEntry
#define SH_KEY_TYPE				uint64
#define SH_KEY					key
#define SH_HASH_KEY(table, key) block_hash(key)
#define SH_EQUAL(table, a, b)	((a) == (b))
#define SH_SCOPE				static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Memory for some blocks, which stand behind it. */
typedef struct BlockRoom
{
	struct BlockRoom *before;
} BlockRoom;

/* Palloc gives powers of two; where there are many blocks, room for some at a time wastes less. */
#define LEAST_ROOM 1024
#define MOST_ROOM  16384

void
retention_cells_open(RetentionCells *cells, bool has_eligible)
{
	memset(cells, 0, sizeof(RetentionCells));
	cells->has_eligible = has_eligible;
	cells->block_size =
		offsetof(RetentionBlock, eligible) + (has_eligible ? RETENTION_BLOCK * sizeof(int64) : 0);
	cells->context = CurrentMemoryContext;
	cells->blocks = blocks_create(CurrentMemoryContext, 16, NULL);
}

static RetentionBlock *
new_block(RetentionCells *cells)
{
	RetentionBlock *block;

	if (cells->free_blocks == 0)
	{
		Size size = LEAST_ROOM;
		BlockRoom *room;

		while (size < MOST_ROOM && size / cells->block_size < cells->blocks->members / 2)
			size *= 2;
		room = MemoryContextAllocZero(cells->context, size);
		room->before = cells->rooms;
		cells->rooms = room;
		cells->free = (char *) (room + 1);
		cells->free_blocks = (size - sizeof(BlockRoom)) / cells->block_size;
	}
	block = (RetentionBlock *) cells->free;
	cells->free += cells->block_size;
	cells->free_blocks--;
	return block;
}

RetentionBlock *
retention_cells_find(RetentionCells *cells, uint64 key)
{
	bool found;
	BlockEntry *entry = blocks_insert(cells->blocks, key, &found);

	if (!found)
		entry->block = new_block(cells);
	cells->last_key = key;
	cells->last_block = entry->block;
	return entry->block;
}

/* ---- into the tally ---- */

static int
compare_entries(const void *a, const void *b)
{
	const BlockEntry *x = a;
	const BlockEntry *y = b;
	int32 x_cohort = (int32) (x->key >> 32);
	int32 y_cohort = (int32) (y->key >> 32);

	if (x_cohort != y_cohort)
		return x_cohort < y_cohort ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static BlockEntry *
sorted_blocks(RetentionCells *cells)
{
	BlockEntry *entries =
		palloc_extended(Max(1, cells->blocks->members) * sizeof(BlockEntry), MCXT_ALLOC_HUGE);
	BlockEntry *entry;
	blocks_iterator iterator;
	uint32 n = 0;

	blocks_start_iterate(cells->blocks, &iterator);
	while ((entry = blocks_iterate(cells->blocks, &iterator)) != NULL)
		entries[n++] = *entry;
	sort_elements(entries, n, sizeof(BlockEntry), compare_entries);
	return entries;
}

/* Adds the cells of a block, in order. */
static void
flush_block(const RetentionCells *cells, const BlockEntry *entry, Tally *tally)
{
	const RetentionBlock *block = entry->block;
	TallyKey key = { .numbers = { (int32) (entry->key >> 32), TALLY_GROUP } };
	int64 first_column = (int64) (uint32) entry->key * RETENTION_BLOCK;
	int slot;

	if (block->size > 0)
		tally_append(tally, &key, (int128[RETENTION_SUMS]){ [RETENTION_SIZE] = block->size });
	for (slot = 0; slot < RETENTION_BLOCK; slot++)
	{
		int64 eligible = cells->has_eligible ? block->eligible[slot] : 0;

		if ((block->retained[slot] | block->ended[slot] | eligible) == 0)
			continue;
		key.numbers[1] = first_column + slot;
		tally_append(tally, &key,
					 (int128[RETENTION_SUMS]){ [RETENTION_RETAINED] = block->retained[slot],
											   [RETENTION_ENDED] = block->ended[slot],
											   [RETENTION_ELIGIBLE] = eligible });
	}
}

void
retention_cells_flush(RetentionCells *cells, Tally *tally)
{
	BlockEntry *entries = sorted_blocks(cells);
	BlockRoom *room;
	uint32 i;

	for (i = 0; i < cells->blocks->members; i++)
	{
		flush_block(cells, &entries[i], tally);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(entries);
	blocks_reset(cells->blocks);
	while ((room = cells->rooms) != NULL)
	{
		cells->rooms = room->before;
		pfree(room);
	}
	cells->last_block = NULL;
	cells->free_blocks = 0;
}
