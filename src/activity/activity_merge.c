/*
 * activity_merge.c
 *		Makes one set of several and of loose days: what collectors do for every
 *		customer, so the usual cases have short ways.
 *
 * Rows that came in order are written as they are read. Days of a few years are
 * gathered as bits, one for each day, and read back in order: neither the moves
 * nor the missed branches of sorting. The rest is sorted.
 */
#include "postgres.h"

#include "port/pg_bitutils.h"

#include "activity/activity.h"

/* Days gathered as bits: 11 years. */
#define BIT_WORDS  64
#define BIT_DAYS   (BIT_WORDS * 64)

/* Bytes that the version and a first day take at most, and any step after it. */
#define HEAD_BYTES 6
#define STEP_BYTES 5

/* Days that fit a stack array. */
#define FEW_DAYS   512

/* Writes days that are in order; false, and nothing written, where they aren't. */
static bool
write_in_order(ByteBuffer *out, const DateADT *days, int ndays)
{
	DateADT last = 0;
	uint8 *at;
	int i;

	buffer_reserve(out, HEAD_BYTES + (size_t) ndays * STEP_BYTES);
	at = out->data + out->len;
	*at++ = ACTIVITY_VERSION;
	for (i = 0; i < ndays && days[i] == ACTIVITY_NO_DAY; i++)
		;
	if (i < ndays)
	{
		last = days[i++];
		at = varint_write(at, zigzag_fold(last));
	}
	for (; i < ndays; i++)
	{
		if (unlikely(days[i] < last))
		{
			if (days[i] == ACTIVITY_NO_DAY)
				continue;
			return false;
		}
		if (days[i] == last)
			continue;
		at = varint_write(at, (uint32) days[i] - (uint32) last);
		last = days[i];
	}
	out->len = at - out->data;
	return true;
}

/* Sets that are gathered as bits at once; a base seldom merges more. */
#define BIT_BODIES 16

/* Bits of days, counted from the first one. */
typedef struct DayBits
{
	DateADT first;
	uint32 last; /* the last bit that is set */
	uint64 words[BIT_WORDS];
} DayBits;

/* Sets the bit of a day; false where it lies too far behind the first. */
static inline bool
set_day(DayBits *bits, DateADT day)
{
	uint32 bit = (uint32) day - (uint32) bits->first;

	if (unlikely(bit >= BIT_DAYS))
		return false;
	bits->words[bit / 64] |= UINT64CONST(1) << (bit % 64);
	bits->last = Max(bits->last, bit);
	return true;
}

static void
write_bits(ByteBuffer *out, DayBits *bits, size_t bound)
{
	uint32 before = 0;
	uint32 word;
	uint8 *at;

	buffer_reserve(out, HEAD_BYTES + Min(bound, BIT_DAYS) * STEP_BYTES);
	at = out->data + out->len;
	*at++ = ACTIVITY_VERSION;
	at = varint_write(at, zigzag_fold(bits->first));
	bits->words[0] &= ~UINT64CONST(1);
	for (word = 0; word <= bits->last / 64; word++)
	{
		uint64 left = bits->words[word];

		while (left != 0)
		{
			uint32 bit = word * 64 + (uint32) pg_rightmost_one_pos64(left);

			at = varint_write(at, bit - before);
			before = bit;
			left &= left - 1;
		}
	}
	out->len = at - out->data;
}

/* Gathers days as bits and writes them; false, and nothing written, where they lie too far apart.
 */
static bool
write_as_bits(ByteBuffer *out, const ByteSpan *bodies, int nbodies, const DateADT *days, int ndays)
{
	ActivityCursor cursors[BIT_BODIES];
	int ncursors = 0;
	size_t bound = ndays;
	DayBits bits;
	DateADT day;
	int i;

	if (nbodies > BIT_BODIES)
		return false;
	bits.first = DATEVAL_NOEND;
	for (i = 0; i < nbodies; i++)
	{
		bound += bodies[i].len;
		activity_open(&cursors[ncursors], bodies[i].bytes, bodies[i].len);
		if (activity_next(&cursors[ncursors], &day))
		{
			bits.first = Min(bits.first, day);
			ncursors++;
		}
	}
	for (i = 0; i < ndays; i++)
		if (days[i] != ACTIVITY_NO_DAY)
			bits.first = Min(bits.first, days[i]);
	if (bits.first == DATEVAL_NOEND)
	{
		buffer_put_byte(out, ACTIVITY_VERSION);
		return true;
	}

	bits.last = 0;
	memset(bits.words, 0, sizeof(bits.words));
	for (i = 0; i < ncursors; i++)
	{
		ActivityCursor cursor = cursors[i];

		day = cursor.day;
		do
		{
			if (!set_day(&bits, day))
				return false;
		} while (activity_next(&cursor, &day));
	}
	for (i = 0; i < ndays; i++)
		if (days[i] != ACTIVITY_NO_DAY && !set_day(&bits, days[i]))
			return false;
	write_bits(out, &bits, bound);
	return true;
}

static void
write_sorted(ByteBuffer *out, const ByteSpan *bodies, int nbodies, const DateADT *days, int ndays)
{
	DateADT few[FEW_DAYS];
	DateADT *all = few;
	size_t bound = ndays;
	int n = 0;
	int i;

	for (i = 0; i < nbodies; i++)
		bound += bodies[i].len;
	if (bound > PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many active days for one customer")));
	if (bound > FEW_DAYS)
		all = palloc_extended(bound * sizeof(DateADT), MCXT_ALLOC_HUGE);

	for (i = 0; i < nbodies; i++)
	{
		ActivityCursor cursor;

		activity_open(&cursor, bodies[i].bytes, bodies[i].len);
		while (activity_next(&cursor, &all[n]))
			n++;
	}
	for (i = 0; i < ndays; i++)
	{
		all[n] = days[i];
		n += days[i] != ACTIVITY_NO_DAY;
	}
	activity_encode(out, all, activity_sort_days(all, n));
	if (all != few)
		pfree(all);
}

void
activity_merge(ByteBuffer *out, const ByteSpan *bodies, int nbodies, const DateADT *days, int ndays)
{
	if (nbodies == 0 && write_in_order(out, days, ndays))
		return;
	if (!write_as_bits(out, bodies, nbodies, days, ndays))
		write_sorted(out, bodies, nbodies, days, ndays);
}
