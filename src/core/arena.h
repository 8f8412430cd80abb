/*
 * arena.h
 *		Memory in pieces, taken by the million and given back one by one: for what collects rows.
 *
 * A large arena takes its memory in blocks of some megabytes, which the system is asked to back by
 * huge pages: on many machines the first touch of a page of 4 kB costs more than all that is
 *written to it. Pieces that are given back wait in lists by size to be taken again. A small arena
 *takes each piece from its memory context, so that it is no larger than what is in it.
 *
 * All of it is the context's, which counts it and frees it: an error leaks nothing.
 */
#ifndef LOYALTY_ARENA_H
#define LOYALTY_ARENA_H

#include "postgres.h"

typedef struct ArenaPiece
{
	struct ArenaPiece *next;
} ArenaPiece;

typedef struct Arena
{
	MemoryContext context;
	uint8 *free; /* room of the last block */
	uint8 *free_end;
	size_t bytes;		/* taken from the context, and not given back to it */
	ArenaPiece **given; /* by size; NULL: as yet it is small */
} Arena;

extern void arena_init(Arena *arena, MemoryContext context);

/*
 * A piece of size bytes, aligned for any type; what it holds isn't set. Who gives it back says its
 * size again, or, where it was rounded up, what it was rounded to.
 */
extern void *arena_take(Arena *arena, size_t size);
extern void arena_give(Arena *arena, void *piece, size_t size);

/* All that a piece of this size has room for. */
extern size_t arena_room(size_t size);

#endif
