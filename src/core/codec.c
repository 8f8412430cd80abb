/*
 * codec.c
 *		The growable byte buffer, and reading of bytes that anyone may have written.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "core/array.h"
#include "core/codec.h"

void
buffer_init(ByteBuffer *buf, size_t cap)
{
	buf->data = MemoryContextAllocHuge(CurrentMemoryContext, cap);
	buf->len = 0;
	buf->cap = cap;
}

void
buffer_grow(ByteBuffer *buf, size_t extra)
{
	int64 cap = (int64) buf->cap;

	buf->data = array_grow(buf->data, &cap, (int64) (buf->len + extra), 1);
	buf->cap = (size_t) cap;
}

void
buffer_put_bytes(ByteBuffer *buf, const void *bytes, size_t len)
{
	buffer_reserve(buf, len);
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
}

/* Reads a varint in its shortest form; false where the bytes end, overflow 64 bits or are padded.
 */
bool
read_long_varint(ByteReader *in, uint64 *value)
{
	const uint8 *p = in->at;
	uint64 result = 0;
	int shift;

	for (shift = 0; p < in->end && shift < 64; shift += 7)
	{
		uint8 byte = *p++;

		if (shift == 63 && byte > 1)
			return false;
		result |= (uint64) (byte & 0x7F) << shift;
		if (byte < 0x80)
		{
			if (byte == 0 && shift > 0)
				return false;
			in->at = p;
			*value = result;
			return true;
		}
	}
	return false;
}

bool
read_signed(ByteReader *in, int64 *value)
{
	uint64 folded;

	if (!read_varint(in, &folded))
		return false;
	*value = zigzag_unfold(folded);
	return true;
}

/* The same for 128 bits. */
static bool
read_wide_varint(ByteReader *in, uint128 *value)
{
	const uint8 *p = in->at;
	uint128 result = 0;
	int shift;

	for (shift = 0; p < in->end && shift < 128; shift += 7)
	{
		uint8 byte = *p++;

		if (shift == 126 && byte > 3)
			return false;
		result |= (uint128) (byte & 0x7F) << shift;
		if (byte < 0x80)
		{
			if (byte == 0 && shift > 0)
				return false;
			in->at = p;
			*value = result;
			return true;
		}
	}
	return false;
}

bool
read_wide_signed(ByteReader *in, int128 *value)
{
	uint128 folded;

	if (!read_wide_varint(in, &folded))
		return false;
	*value = wide_zigzag_unfold(folded);
	return true;
}

bool
read_byte(ByteReader *in, uint8 *value)
{
	if (in->at >= in->end)
		return false;
	*value = *in->at++;
	return true;
}

/* Hands out the next len bytes in place. */
bool
read_bytes(ByteReader *in, size_t len, const uint8 **bytes)
{
	if ((size_t) (in->end - in->at) < len)
		return false;
	*bytes = in->at;
	in->at += len;
	return true;
}

void
datum_check_size(size_t size, const char *what, const char *hint)
{
	if (size > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s of %zu bytes is too large to be a single value", what, size),
						errdetail("A value holds less than 1 GB."), errhint("%s", hint)));
}

void
datum_set_size(void *datum, size_t size, const char *what, const char *hint)
{
	datum_check_size(size, what, hint);
	SET_VARSIZE(datum, size);
}

void *
datum_allocate(size_t size, const char *what, const char *hint)
{
	void *datum;

	datum_check_size(size, what, hint);
	datum = palloc(size);
	SET_VARSIZE(datum, size);
	return datum;
}

/* A stored value ends in the middle: only a damaged page or file can do that. */
void
report_corrupted(void)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_DATA_CORRUPTED), errmsg("stored loyalty value is damaged"),
		 errhint(
			 "Its bytes are not what this type writes. Check the storage, and rebuild the value from its source rows.")));
}
