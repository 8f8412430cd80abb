/*
 * points_cells.h
 *		Sums by label, row and column, for folds that add to them at every move.
 *
 *		(label, row)  ->  [ columns 0 .. 15 ] [ columns 16 .. 31 ] ...  each a few sums
 *
 * Neighbouring columns stand in one block, which a hash table finds: neither rows nor
 * columns have a limit, and what is added next is mostly in the block of last time. A
 * sum takes 2^64 amounts without overflow.
 */
#ifndef LOYALTY_POINTS_CELLS_H
#define LOYALTY_POINTS_CELLS_H

#include "postgres.h"

#define CELLS_BLOCK_BITS 4
#define CELLS_BLOCK		 (1 << CELLS_BLOCK_BITS)

typedef struct CellsKey
{
	int32 label;
	int32 row;
	int32 block;
} CellsKey;

typedef struct PointsCells
{
	int width; /* sums of a cell */
	MemoryContext context;
	struct blocks_hash *blocks;
	CellsKey last; /* the block found last */
	int128 *last_block;
} PointsCells;

/* In a memory context of its own below the current one. */
extern PointsCells *points_cells_create(int width);
extern void points_cells_free(PointsCells *cells);

extern int128 *points_cells_block(PointsCells *cells, CellsKey key);

/* Calls for each block, with the column that it begins at; in no order. */
typedef void (*PointsCellsVisitor)(void *context, int32 label, int32 row, int32 column,
								   const int128 *block);

extern void points_cells_visit(const PointsCells *cells, PointsCellsVisitor visit, void *context);

/* The sums of a cell; zeros where it is new. Valid as long as the cells are. */
static inline int128 *
points_cell(PointsCells *cells, int32 label, int32 row, int32 column)
{
	CellsKey key = { label, row, column >> CELLS_BLOCK_BITS };
	int128 *block = cells->last_block;

	if (unlikely(block == NULL || key.block != cells->last.block || key.row != cells->last.row ||
				 key.label != cells->last.label))
		block = points_cells_block(cells, key);
	return block + (column & (CELLS_BLOCK - 1)) * cells->width;
}

#endif
