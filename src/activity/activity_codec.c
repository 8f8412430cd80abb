/*
 * activity_codec.c
 *		The stored form of a set of days: writing, checking, sorting what goes in.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "miscadmin.h"
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
