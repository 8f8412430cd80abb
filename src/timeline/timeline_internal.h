/*
 * timeline_internal.h
 *		What the reader of bodies (timeline_codec.c), their writers (timeline_encode.c: of whole
 *		events; timeline_merge.c: of bodies and rows) and SQL share.
 */
#ifndef LOYALTY_TIMELINE_INTERNAL_H
#define LOYALTY_TIMELINE_INTERNAL_H

#include "postgres.h"

#include "port/pg_bitutils.h"

#include "core/compat.h"
#include "core/decimal.h"
#include "timeline/timeline.h"

/* Events that are handled on the stack, without any allocation. */
#define TIMELINE_FEW	  64

/* The longest head of a body, before the dictionaries. */
#define TIMELINE_HEAD_MAX (4 + VARINT_MAX_BYTES)

/* Microseconds of each TimelineUnit. */
extern const int64 timeline_units[TIMELINE_HOUR + 1];

/* As timeline_open() up to the dictionaries, which it leaves unread. */
extern void timeline_open_head(TimelineReader *reader, const uint8 *body, size_t len);

/* The scale that values are stored with: zeros that all have after the fourth decimal go. */
extern int timeline_kept_scale(int needed, int scale);

/* An array whose size the data sets; it may pass 1 GB. */
extern void *timeline_alloc(uint64 count, size_t size);

/* The larger of the units up to unit that divides an instant. */
static inline int
timeline_unit_of(int unit, TimestampTz at)
{
	switch (unit)
	{
		case TIMELINE_HOUR:
			if (at % USECS_PER_HOUR == 0)
				return TIMELINE_HOUR;
			pg_fallthrough;
		case TIMELINE_MINUTE:
			if (at % USECS_PER_MINUTE == 0)
				return TIMELINE_MINUTE;
			pg_fallthrough;
		case TIMELINE_SECOND:
			if (at % USECS_PER_SEC == 0)
				return TIMELINE_SECOND;
			pg_fallthrough;
		case TIMELINE_MILLISECOND:
			if (at % 1000 == 0)
				return TIMELINE_MILLISECOND;
			pg_fallthrough;
		default:
			return TIMELINE_MICROSECOND;
	}
}

/* As varint_write(), without a loop for all but the largest; writes up to 10 bytes. */
static inline uint8 *
timeline_put_varint(uint8 *at, uint64 value)
{
#ifndef WORDS_BIGENDIAN
	if (likely(value < UINT64CONST(1) << 56))
	{
		int last; /* byte with the highest bits */

		value = (value & UINT64CONST(0x0FFFFFFF)) | (value & UINT64CONST(0x00FFFFFFF0000000)) << 4;
		value = (value & UINT64CONST(0x00003FFF00003FFF)) |
				(value & UINT64CONST(0x0FFFC0000FFFC000)) << 2;
		value = (value & UINT64CONST(0x007F007F007F007F)) |
				(value & UINT64CONST(0x3F803F803F803F80)) << 1;
		last = pg_leftmost_one_pos64(value | 1) / 8;
		value |= UINT64CONST(0x8080808080808080) & ((UINT64CONST(1) << (8 * last)) - 1);
		memcpy(at, &value, 8);
		return at + last + 1;
	}
#endif
	return varint_write(at, value);
}

/* The same for what mostly takes a byte or two, as values do: without a guess which. */
static inline uint8 *
timeline_put_small_varint(uint8 *at, uint64 value)
{
	if (likely(value < 1 << 14))
	{
		int more = value > 0x7F;

		at[0] = (uint8) ((value & 0x7F) | more << 7);
		at[1] = (uint8) (value >> 7);
		return at + 1 + more;
	}
	return timeline_put_varint(at, value);
}

/* Writes the head of a body; there is TIMELINE_HEAD_MAX of room. */
static inline uint8 *
timeline_put_head(uint8 *at, int unit, uint16 flags, int scale, uint64 count)
{
	bool wide = flags >> 8 != 0;

	*at++ = (uint8) ((wide ? TIMELINE_VERSION_WIDE : TIMELINE_VERSION) | unit << 4);
	*at++ = (uint8) flags;
	if (unlikely(wide))
		*at++ = (uint8) (flags >> 8);
	if (flags & TIMELINE_HAS_VALUES)
		*at++ = (uint8) scale;
	return varint_write(at, count);
}

/* The code of a value that is there. */
static inline uint64
timeline_value_code(uint16 flags, int64 value)
{
	uint64 code = (flags & TIMELINE_HAS_NEGATIVES) ? zigzag_fold(value) : (uint64) value;

	return code + ((flags & TIMELINE_HAS_ABSENT_VALUES) != 0);
}

/* The code of an event's instant; before is not yet set for the first. */
static inline uint64
timeline_instant_code(TimestampTz at, TimestampTz before, bool first, int unit)
{
	if (first)
		return zigzag_fold(at / timeline_units[unit]);
	if (unit == TIMELINE_MICROSECOND)
		return (uint64) at - (uint64) before;
	return ((uint64) at - (uint64) before) / (uint64) timeline_units[unit];
}

/* ---- event.c: columns of any type ---- */

/* The columns that a call's arguments are; -1: there is none. */
typedef struct EventColumns
{
	int at;
	int kind;
	int value;
	int zone;
	bool zone_is_needed; /* NULL is an error, not the session's */
	bool days;			 /* at is a date: the day's first instant in that zone, or the session's */
	Oid kind_type;
	Oid value_type;
	DecimalReader read_value;
	ZoneDays *day_zone; /* the day asked for last; NULL: none yet */
	DateADT day;
	TimestampTz day_start;
} EventColumns;

/*
 * The columns of arguments (at), (at, kind or value) or (at, kind, value), and perhaps a zone, from
 * the n-th on; 42804 for a type that none can have. They take up fn_extra.
 */
extern EventColumns *event_columns(FunctionCallInfo fcinfo, int at, bool has_zone);

/* The instant, where that argument isn't NULL; and the zone in which a day was meant. */
extern TimestampTz event_columns_at(FunctionCallInfo fcinfo, EventColumns *columns,
									ZoneDays **zone);

/* The value; false where there is none. */
extern bool event_columns_value(FunctionCallInfo fcinfo, const EventColumns *columns,
								Decimal *value);

/* The kind. */
extern EventText event_columns_kind(FunctionCallInfo fcinfo, const EventColumns *columns);

#endif
