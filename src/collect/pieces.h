/*
 * pieces.h
 *		Parts in pieces, each of which can be grouped in the memory that there is.
 *
 *		part ----> piece				it is small enough
 *			 +---> parts ---> pieces	it is too large: dealt again, by the next bits of the hash
 *			 +---> piece				it is too large, and all of its rows have one hash
 *
 * What is dealt alike can be walked alike: a piece of several collectors has the same customers of
 * all of them, whichever of them it is that is too large.
 *
 * Memory is that of the rows, up to the limit, and of one piece, a quarter of it. But a piece whose
 * rows all have one hash takes what it takes; its rows can be read one after another (deal_walk()).
 */
#ifndef LOYALTY_PIECES_H
#define LOYALTY_PIECES_H

#include "postgres.h"

#include "collect/collect.h"
#include "collect/deal.h"

/* What is walked: a deal of rows, or a collector's. */
typedef struct PieceSource
{
	Deal *deal;
	Collector *collector; /* whose deal it is; NULL: nobody's */
} PieceSource;

/* What was handed in, or what a part of the level before was dealt to. */
typedef struct PieceLevel
{
	struct PieceLevel *coarser; /* NULL: it is the first */
	struct PieceLevel *finer;	/* kept for the next part that is too large */
	PieceSource *sources;
	int part; /* at hand */
} PieceLevel;

typedef struct Pieces
{
	MemoryContext context;
	int nsources;
	size_t limit;
	PieceLevel first;
	PieceLevel *level; /* of the piece at hand; NULL: nothing was opened */
	bool fresh;		   /* nothing was asked of the first level's part yet */

	/* the piece at hand */
	int part;	   /* its number in the sources of its level */
	bool one_hash; /* it is too large, and all of its rows have one hash */

	int64 rows;	  /* in pieces before that at hand, and in it */
	int64 groups; /* that they made: counted by who groups them */
	double guess; /* groups that a row makes, until it is seen */

	bool intact;	/* no part of the first level was dealt again */
	int64 *written; /* bytes: added to */
} Pieces;

/*
 * Makes ready to walk parts of n sources, which all have as many parts, and settles what they have
 * in memory and in files. guess: how many groups a row makes, 1 at most. Levels are allocated in
 * the current memory context; the sources' deals are the caller's.
 */
extern void pieces_open(Pieces *pieces, const PieceSource *sources, int n, size_t limit,
						double guess, int64 *written);

/* Goes to the start of a part. Then: the next piece of it that has rows, if there is one. Who is
 * done with a piece forgets it, or its memory is kept until the part ends. */
extern void pieces_of_part(Pieces *pieces, int part);
extern bool pieces_next(Pieces *pieces);

static inline const PieceSource *
piece_source(const Pieces *pieces, int n)
{
	return &pieces->level->sources[n];
}

/* Lets go of what the part at hand was dealt to; and of all but the sources. */
extern void pieces_close(Pieces *pieces);
extern void pieces_end(Pieces *pieces);

#endif
