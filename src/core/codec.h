/*
 * codec.h
 *		How stored values are packed: varints, a growable byte buffer to write
 *		them to, and bounds-checked reading.
 *
 * A varint holds 7 bits a byte, lowest first, the top bit set on all bytes but
 * the last. Signed numbers are zigzag-folded first, so that small negative ones
 * stay short. The shortest form is the only valid one: equal values have equal
 * bytes.
 *
 * There are two readers. Text and binary input hands in bytes that anyone may
 * have written: ByteReader reports a fault by returning false, and the caller
 * words the error. Bytes that come from a table or from a worker were checked
 * when they were made; for those varint_next() costs little and raises
 * data_corrupted where they end too early, so that a damaged page can't
 * make it run past the end.
 */
#ifndef LOYALTY_CODEC_H
#define LOYALTY_CODEC_H

#include "postgres.h"

#include "core/compat.h"

/* The longest varints: 64 bits and 128 bits in groups of 7. */
#define VARINT_MAX_BYTES	  10
#define WIDE_VARINT_MAX_BYTES 19

typedef struct ByteBuffer
{
	uint8 *data;
	size_t len;
	size_t cap;
} ByteBuffer;

/* Bytes in place: a body, or part of one. */
typedef struct ByteSpan
{
	const uint8 *bytes;
	size_t len;
} ByteSpan;

/* The order of bytes: below 0, 0, or above; what another one begins with comes before it. */
static inline int
span_compare(ByteSpan a, ByteSpan b)
{
	int order = memcmp(a.bytes, b.bytes, Min(a.len, b.len));

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

typedef struct ByteReader
{
	const uint8 *at;
	const uint8 *end;
} ByteReader;

extern void buffer_init(ByteBuffer *buf, size_t cap);
extern void buffer_grow(ByteBuffer *buf, size_t extra);
extern void buffer_put_bytes(ByteBuffer *buf, const void *bytes, size_t len);

extern bool read_long_varint(ByteReader *in, uint64 *value); /* of any length */
extern bool read_signed(ByteReader *in, int64 *value);
extern bool read_wide_signed(ByteReader *in, int128 *value);
extern bool read_byte(ByteReader *in, uint8 *value);
extern bool read_bytes(ByteReader *in, size_t len, const uint8 **bytes);

static inline bool
read_varint(ByteReader *in, uint64 *value)
{
	if (likely(in->at < in->end && *in->at < 0x80))
	{
		*value = *in->at++;
		return true;
	}
	return read_long_varint(in, value);
}

extern void report_corrupted(void) pg_attribute_noreturn();

/*
 * Datums of variable length. A length word has 30 bits, and what doesn't fit is cut off
 * without a word: so this is the only place that sets one. Values from 1 GB on are refused
 * (54000), what says which value it is, and hint how to get by with a smaller one.
 */
extern void datum_check_size(size_t size, const char *what, const char *hint);

/* All of size, with its length word. */
extern void datum_set_size(void *datum, size_t size, const char *what, const char *hint);

/* Palloc'd, its length set, the rest not. */
extern void *datum_allocate(size_t size, const char *what, const char *hint);

/* Makes room for extra more bytes. */
static inline void
buffer_reserve(ByteBuffer *buf, size_t extra)
{
	if (unlikely(buf->cap - buf->len < extra))
		buffer_grow(buf, extra);
}

static inline uint64
zigzag_fold(int64 value)
{
	return ((uint64) value << 1) ^ (uint64) (value >> 63);
}

static inline int64
zigzag_unfold(uint64 folded)
{
	return (int64) (folded >> 1) ^ -(int64) (folded & 1);
}

static inline uint128
wide_zigzag_fold(int128 value)
{
	return ((uint128) value << 1) ^ (uint128) (value >> 127);
}

static inline int128
wide_zigzag_unfold(uint128 folded)
{
	return (int128) (folded >> 1) ^ -(int128) (folded & 1);
}

static inline int
varint_length(uint64 value)
{
	int len = 1;

	while (value >= 0x80)
	{
		value >>= 7;
		len++;
	}
	return len;
}

/* Writes to at, which has VARINT_MAX_BYTES of room; returns the byte after. */
static inline uint8 *
varint_write(uint8 *at, uint64 value)
{
	while (value >= 0x80)
	{
		*at++ = (uint8) (value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8) value;
	return at;
}

static inline void
buffer_put_byte(ByteBuffer *buf, uint8 byte)
{
	buffer_reserve(buf, 1);
	buf->data[buf->len++] = byte;
}

static inline void
buffer_put_varint(ByteBuffer *buf, uint64 value)
{
	buffer_reserve(buf, VARINT_MAX_BYTES);
	buf->len = varint_write(buf->data + buf->len, value) - buf->data;
}

static inline void
buffer_put_signed(ByteBuffer *buf, int64 value)
{
	buffer_put_varint(buf, zigzag_fold(value));
}

static inline void
buffer_put_wide_varint(ByteBuffer *buf, uint128 value)
{
	buffer_reserve(buf, WIDE_VARINT_MAX_BYTES);
	while (value >= 0x80)
	{
		buf->data[buf->len++] = (uint8) (value | 0x80);
		value >>= 7;
	}
	buf->data[buf->len++] = (uint8) value;
}

static inline void
buffer_put_wide_signed(ByteBuffer *buf, int128 value)
{
	buffer_put_wide_varint(buf, wide_zigzag_fold(value));
}

/* Reads a varint of bytes that were checked before; see the header comment. */
static inline uint64
varint_next(const uint8 **at, const uint8 *end)
{
	const uint8 *p = *at;
	uint64 value;
	int shift = 0;

	if (likely(p < end && *p < 0x80))
	{
		*at = p + 1;
		return *p;
	}
	value = 0;
	for (;;)
	{
		if (unlikely(p >= end || shift > 63))
			report_corrupted();
		value |= (uint64) (*p & 0x7F) << shift;
		if (*p++ < 0x80)
			break;
		shift += 7;
	}
	*at = p;
	return value;
}

static inline int64
signed_next(const uint8 **at, const uint8 *end)
{
	return zigzag_unfold(varint_next(at, end));
}

#endif
