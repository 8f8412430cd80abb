/*
 * activity_codec.c
 *		The stored form of a set of days: writing, checking, sorting what goes in; and making one
 *		set of several and of loose days.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "activity/activity.h"

/* Days and the steps between them are 32 bits wide. */
#define DAY_MAX_BYTES	 5

/* Days written for one reservation of buffer space. */
#define ENCODE_BLOCK	 256

#define ST_SORT			 sort_days
#define ST_ELEMENT_TYPE	 DateADT
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE		 static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

void
activity_report_format(const uint8 *body, size_t len)
{
	if (len == 0)
		report_corrupted();
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("activity_set has the unknown format 0x%02x", body[0]),
					errhint("It is damaged, or was written by a newer version of the extension.")));
}

/* Writes days after the one in *last, or first ones; returns the byte after. */
static uint8 *
write_days(uint8 *at, const DateADT *days, int ndays, DateADT *last, bool *started)
{
	DateADT day = *last;
	int i = 0;

	if (!*started && ndays > 0)
	{
		day = days[i++];
		at = varint_write(at, zigzag_fold(day));
		*started = true;
	}
	for (; i < ndays; i++)
	{
		uint32 step = (uint32) days[i] - (uint32) day;

		Assert(days[i] >= day);
		if (step == 0)
			continue;
		at = varint_write(at, step);
		day = days[i];
	}
	*last = day;
	return at;
}

void
activity_encode(ByteBuffer *out, const DateADT *days, int ndays)
{
	DateADT last = 0;
	bool started = false;
	int done;

	buffer_put_byte(out, ACTIVITY_VERSION);
	for (done = 0; done < ndays; done += ENCODE_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		buffer_reserve(out, ENCODE_BLOCK * DAY_MAX_BYTES);
		out->len = write_days(out->data + out->len, days + done, Min(ENCODE_BLOCK, ndays - done),
							  &last, &started) -
				   out->data;
	}
}

/*
 * An insertion sort as long as few days have to move, which is what rows in
 * time order and merged runs give; a general sort for the rest.
 */
int
activity_sort_days(DateADT *days, int ndays)
{
	int64 moves_left = 8 * (int64) ndays + 64;
	int kept;
	int i;

	for (i = 1; i < ndays; i++)
	{
		DateADT day = days[i];
		int hole = i;

		if (likely(day >= days[i - 1]))
			continue;
		while (hole > 0 && days[hole - 1] > day && moves_left > 0)
		{
			days[hole] = days[hole - 1];
			hole--;
			moves_left--;
		}
		days[hole] = day;
		if (moves_left <= 0)
		{
			sort_days(days, ndays);
			break;
		}
	}

	if (ndays < 2)
		return ndays;
	kept = 1;
	for (i = 1; i < ndays; i++)
	{
		days[kept] = days[i];
		kept += days[i] != days[kept - 1];
	}
	return kept;
}

bool
activity_body_valid(const uint8 *body, size_t len)
{
	ByteReader in = { body, body + len };
	uint8 version;
	int64 day;

	if (!read_byte(&in, &version) || version != ACTIVITY_VERSION)
		return false;
	if (in.at == in.end)
		return true;
	if (!read_signed(&in, &day) || !IS_VALID_DATE(day))
		return false;
	while (in.at < in.end)
	{
		uint64 step;

		CHECK_FOR_INTERRUPTS();
		if (!read_varint(&in, &step) || step == 0 || step > PG_INT32_MAX)
			return false;
		day += step;
		if (!IS_VALID_DATE(day))
			return false;
	}
	return true;
}

/* Every day ends in a byte below 0x80, and so does the version byte. */
int64
activity_body_count(const uint8 *body, size_t len)
{
	ActivityCursor cursor;
	int64 count = 0;
	const uint8 *at;

	activity_open(&cursor, body, len);
	for (at = cursor.at; at < cursor.end; at++)
		count += *at < 0x80;
	return count;
}

ByteSpan
activity_set_body(Datum set)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(set);
	ByteSpan body;

	body.bytes = (const uint8 *) VARDATA_ANY(value);
	body.len = VARSIZE_ANY_EXHDR(value);
	return body;
}

/* A varlena for a body of len bytes. */
static struct varlena *
allocate_set(size_t len)
{
	return datum_allocate(VARHDRSZ + len, "activity_set", ACTIVITY_SIZE_HINT);
}

Datum
activity_set_from_body(const uint8 *body, size_t len)
{
	struct varlena *set = allocate_set(len);

	memcpy(VARDATA(set), body, len);
	return PointerGetDatum(set);
}

Datum
activity_set_from_days(const DateADT *days, int ndays)
{
	struct varlena *set;
	uint8 *at;
	size_t len = 1;
	DateADT last = 0;
	bool started = false;
	int i;

	for (i = 0; i < ndays; i++)
	{
		if (i == 0)
			len += varint_length(zigzag_fold(days[i]));
		else if (days[i] != days[i - 1])
			len += varint_length((uint32) days[i] - (uint32) days[i - 1]);
	}
	set = allocate_set(len);
	at = (uint8 *) VARDATA(set);
	*at++ = ACTIVITY_VERSION;
	at = write_days(at, days, ndays, &last, &started);
	Assert(at == (uint8 *) set + VARSIZE(set));
	return PointerGetDatum(set);
}

/* ---- one set of several and of loose days ---- */

/*
 * What collectors do for every customer, so the usual cases have short ways. Rows that came in
 * order are written as they are read. Days of a few years are gathered as bits, one for each day,
 * and read back in order: neither the moves nor the missed branches of sorting. The rest is sorted.
 */

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
