/*
 * cells.h
 *		Sums by layer, row and column, for folds that add to them at every move.
 *
 *		(layer, row)  ->  [ columns 0 .. 15 ] [ columns 16 .. 31 ] ...  each a few sums
 *
 * Neighbouring columns stand in one block, which a hash table finds: neither rows nor
 * columns have a limit, and what is added next is mostly in the block of last time. A
 * sum takes 2^64 amounts without overflow.
 */
#ifndef LOYALTY_CELLS_H
#define LOYALTY_CELLS_H

#include "postgres.h"

#include "core/compat.h"

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

#endif
