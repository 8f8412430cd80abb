/*
 * arena.c
 *		Memory in pieces; arena.h says what for.
 *
 * Sizes are rounded up to four steps for each power of two, so that a piece has at most a quarter
 * more than was asked for, and one that was given back is found again by its size.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "core/arena.h"

/* Up to so many bytes each piece is the context's own. */
#define SMALL_ARENA			  (256 * 1024)

/*
 * Blocks double between these. The larger one, with what the context and malloc() put before it,
 * is a whole number of huge pages: Linux then places it where one begins.
 */
#define HUGE_PAGE			  ((size_t) 2 * 1024 * 1024)
#define HEADERS				  1024
#define BLOCK_MIN			  (512 * 1024)
#define BLOCK_MAX			  (4 * HUGE_PAGE - HEADERS)

/* Larger pieces are the context's own, always. */
#define PIECE_MIN			  64
#define PIECE_MAX			  ((size_t) 1024 * 1024)

/* A size is 5 to 8 eighths of a power of two: those are a class each. The first is PIECE_MIN's. */
#define CLASS(shift, eighths) (((shift) -3) * 4 + (eighths) -8)
#define CLASSES				  (CLASS(17, 8) + 1)

/* The class of a size, and what it is rounded up to. */
static int
class_of(size_t size, size_t *room)
{
	size_t last = Max(size, PIECE_MIN) - 1;
	int shift = pg_leftmost_one_pos64(last) - 2;
	int eighths = (int) (last >> shift) + 1;

	*room = (size_t) eighths << shift;
	return CLASS(shift, eighths);
}

size_t
arena_room(size_t size)
{
	size_t room = size;

	if (size <= PIECE_MAX)
		class_of(size, &room);
	return room;
}

void
arena_init(Arena *arena, MemoryContext context)
{
	memset(arena, 0, sizeof(Arena));
	arena->context = context;
}

/* Asks for huge pages where memory has whole ones; what the system says to that changes nothing. */
static void
advise_huge(void *at, size_t size)
{
#ifdef MADV_HUGEPAGE
	uintptr_t start = TYPEALIGN(HUGE_PAGE, (uintptr_t) at - HEADERS);
	uintptr_t end = TYPEALIGN_DOWN(HUGE_PAGE, (uintptr_t) at + size + HEADERS);

	if (start < end)
		(void) madvise((void *) start, end - start, MADV_HUGEPAGE);
#endif
}

static void *
take_from_context(Arena *arena, size_t size)
{
	void *at = MemoryContextAllocHuge(arena->context, size);

	arena->bytes += size;
	if (size >= HUGE_PAGE)
		advise_huge(at, size);
	return at;
}

static void
put_away(Arena *arena, int class, void *at)
{
	ArenaPiece *piece = at;

	piece->next = arena->given[class];
	arena->given[class] = piece;
}

/* Another block, with room for so many bytes; what is left of the last one becomes pieces that were
 * given back. */
static void
open_block(Arena *arena, size_t room)
{
	size_t size = Max(room, Min(BLOCK_MAX, Max(BLOCK_MIN, arena->bytes)));
	uint8 *block = take_from_context(arena, size);
	size_t left;

	while ((left = (size_t) (arena->free_end - arena->free)) >= PIECE_MIN)
	{
		int shift = pg_leftmost_one_pos64(left) - 2;
		int eighths = (int) (left >> shift);

		/* four eighths are eight of the power below */
		put_away(arena, CLASS(shift, eighths), arena->free);
		arena->free += (size_t) eighths << shift;
	}
	arena->free = block;
	arena->free_end = block + size;
}

void *
arena_take(Arena *arena, size_t size)
{
	ArenaPiece *piece;
	size_t room;
	int class;

	if (size > PIECE_MAX)
		return take_from_context(arena, size);
	class = class_of(size, &room);
	if (arena->given == NULL)
	{
		if (arena->bytes + room <= SMALL_ARENA)
			return take_from_context(arena, room);
		arena->given = MemoryContextAllocZero(arena->context, CLASSES * sizeof(ArenaPiece *));
	}
	piece = arena->given[class];
	if (piece != NULL)
	{
		arena->given[class] = piece->next;
		return piece;
	}
	if ((size_t) (arena->free_end - arena->free) < room)
		open_block(arena, room);
	arena->free += room;
	return arena->free - room;
}

void
arena_give(Arena *arena, void *piece, size_t size)
{
	size_t room;
	int class;

	if (size > PIECE_MAX)
	{
		arena->bytes -= size;
		pfree(piece);
		return;
	}
	class = class_of(size, &room);
	if (arena->given == NULL)
	{
		arena->bytes -= room;
		pfree(piece);
	}
	else
		put_away(arena, class, piece);
}
