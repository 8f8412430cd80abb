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

/* The earliest of all days; false where there are none. */
static bool
find_first(const ByteSpan *bodies, int nbodies, const DateADT *days, int ndays, DateADT *first)
{
	bool found = false;
	int i;

	for (i = 0; i < nbodies; i++)
	{
		ActivityCursor cursor;
		DateADT day;

		activity_open(&cursor, bodies[i].bytes, bodies[i].len);
		if (activity_next(&cursor, &day) && (!found || day < *first))
		{
			*first = day;
			found = true;
		}
	}
	for (i = 0; i < ndays; i++)
		if (days[i] != ACTIVITY_NO_DAY && (!found || days[i] < *first))
		{
			*first = days[i];
			found = true;
		}
	return found;
}

/* Gathers days as bits and writes them; false, and nothing written, where they lie too far apart.
 */
static bool
write_as_bits(ByteBuffer *out, const ByteSpan *bodies, int nbodies, const DateADT *days, int ndays)
{
	uint64 bits[BIT_WORDS];
	size_t bound = ndays;
	uint32 last = 0; /* the last bit that is set */
	uint32 before = 0;
	DateADT first = 0;
	uint8 *at;
	uint32 word;
	int i;

	if (!find_first(bodies, nbodies, days, ndays, &first))
	{
		buffer_put_byte(out, ACTIVITY_VERSION);
		return true;
	}
	memset(bits, 0, sizeof(bits));
	for (i = 0; i < nbodies; i++)
	{
		ActivityCursor cursor;
		DateADT day;

		activity_open(&cursor, bodies[i].bytes, bodies[i].len);
		bound += bodies[i].len;
		while (activity_next(&cursor, &day))
		{
			uint32 bit = (uint32) day - (uint32) first;

			if (unlikely(bit >= BIT_DAYS))
				return false;
			bits[bit / 64] |= UINT64CONST(1) << (bit % 64);
			last = Max(last, bit);
		}
	}
	for (i = 0; i < ndays; i++)
	{
		uint32 bit = (uint32) days[i] - (uint32) first;

		if (days[i] == ACTIVITY_NO_DAY)
			continue;
		if (unlikely(bit >= BIT_DAYS))
			return false;
		bits[bit / 64] |= UINT64CONST(1) << (bit % 64);
		last = Max(last, bit);
	}

	buffer_reserve(out, HEAD_BYTES + Min(bound, BIT_DAYS) * STEP_BYTES);
	at = out->data + out->len;
	*at++ = ACTIVITY_VERSION;
	at = varint_write(at, zigzag_fold(first));
	bits[0] &= ~UINT64CONST(1);
	for (word = 0; word <= last / 64; word++)
	{
		uint64 left = bits[word];

		while (left != 0)
		{
			uint32 bit = word * 64 + (uint32) pg_rightmost_one_pos64(left);

			at = varint_write(at, bit - before);
			before = bit;
			left &= left - 1;
		}
	}
	out->len = at - out->data;
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
