/*
 * decimal.c
 *		Numerics to int64 units at a scale, and back.
 *
 * Reading takes a numeric's stored form apart by itself, since a numeric is
 * converted for every row that is collected, and the way through numeric's SQL
 * functions costs ten times as much. numeric.c keeps its struct private, but
 * the bytes are no secret that may change: pg_upgrade carries tables from one
 * major version to the next without rewriting them, so every version has to
 * read these bytes. They are, in the machine's byte order, after a varlena
 * header of any kind:
 *
 *		uint16	 header		bits 15-14: 10 short, 11 special, else long
 *				 short		bit 13 sign, 12-7 dscale, 6 weight's sign, 5-0 weight
 *				 long		bits 15-14 sign (01 negative), 13-0 dscale; int16 weight follows
 *				 special	bits 13-12: 00 NaN, 01 infinity, 11 -infinity
 *		int16*	 digits		base 10000; the first one counts 10000^weight
 *
 * There are no zero digits at either end, and none below dscale decimals.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "core/codec.h"
#include "core/decimal.h"
#include "core/int128.h"

#define NUMERIC_KIND_MASK		0xC000
#define NUMERIC_KIND_SHORT		0x8000
#define NUMERIC_KIND_SPECIAL	0xC000
#define NUMERIC_KIND_NEGATIVE	0x4000
#define NUMERIC_SHORT_NEGATIVE	0x2000
#define NUMERIC_SHORT_SCALE(h)	(((h) >> 7) & 0x3F)
#define NUMERIC_SHORT_WEIGHT(h) ((int) ((h) &0x3F) - (int) ((h) &0x40))
#define NUMERIC_LONG_SCALE(h)	((h) &0x3FFF)
#define NUMERIC_DIGIT_DECIMALS	4
#define NUMERIC_BASE			10000

/* 10^18 has at most so many digits of base 10000, wherever they begin. */
#define DECIMAL_MAX_DIGITS		6

/* So many digits can be put together without a look at overflow. */
#define DECIMAL_FAST_DIGITS		4

/* What is shown of a value in an error. */
#define SHOWN_VALUE_BYTES		60

const int64 decimal_power[DECIMAL_MAX_SCALE + 1] = {
	INT64CONST(1),
	INT64CONST(10),
	INT64CONST(100),
	INT64CONST(1000),
	INT64CONST(10000),
	INT64CONST(100000),
	INT64CONST(1000000),
	INT64CONST(10000000),
	INT64CONST(100000000),
	INT64CONST(1000000000),
	INT64CONST(10000000000),
	INT64CONST(100000000000),
	INT64CONST(1000000000000),
	INT64CONST(10000000000000),
	INT64CONST(100000000000000),
	INT64CONST(1000000000000000),
	INT64CONST(10000000000000000),
	INT64CONST(100000000000000000),
	INT64CONST(1000000000000000000),
};

static void report_not_finite(const char *value) pg_attribute_noreturn();
static void report_out_of_range(const char *value) pg_attribute_noreturn();
static void report_number_out_of_range(const struct varlena *number) pg_attribute_noreturn();

static char *
number_text(const struct varlena *number)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, PointerGetDatum(number)));
}

static void
report_not_finite(const char *value)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("value must be finite, not %s", value),
					errhint("Leave such rows out, or replace the value.")));
}

static void
report_out_of_range(const char *value)
{
	size_t len = strlen(value);

	ereport(
		ERROR,
		(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
		 errmsg("value %.*s%s is out of range", (int) Min(len, SHOWN_VALUE_BYTES), value,
				len > SHOWN_VALUE_BYTES ? "..." : ""),
		 errdetail("A value is held with all its decimals, at most %d of them, and in 18 digits.",
				   DECIMAL_MAX_SCALE),
		 errhint(
			 "Fewer decimals leave room for larger values: use round(), as in round(value, 2).")));
}

static void
report_number_out_of_range(const struct varlena *number)
{
	report_out_of_range(number_text(number));
}

Decimal
decimal_from_int64(int64 value)
{
	Decimal decimal = { value, 0 };

	if (unlikely(value == PG_INT64_MIN))
		report_out_of_range(psprintf(INT64_FORMAT, value));
	return decimal;
}

static inline uint16
read_uint16(const char *at)
{
	uint16 value;

	/* After a one-byte varlena header nothing is aligned. */
	memcpy(&value, at, sizeof(value));
	return value;
}

/* How many of a digit's 4 decimals are needed to write it without zeros at the end. */
static inline int
digit_decimals(int digit)
{
	if (digit % 10 != 0)
		return 4;
	if (digit % 100 != 0)
		return 3;
	return digit % 1000 != 0 ? 2 : 1;
}

Decimal
decimal_from_numeric(const struct varlena *number)
{
	const char *at = VARDATA_ANY(number);
	int ndigits = (int) VARSIZE_ANY_EXHDR(number);
	uint16 header = read_uint16(at);
	uint16 kind = header & NUMERIC_KIND_MASK;
	bool negative;
	int shown; /* decimals */
	int weight;
	int decimals; /* that the digits reach to; negative where whole digits are left out */
	int shift;
	int i;
	uint64 units = 0;
	int64 scaled;
	Decimal result;

	if (likely(kind == NUMERIC_KIND_SHORT))
	{
		negative = (header & NUMERIC_SHORT_NEGATIVE) != 0;
		shown = NUMERIC_SHORT_SCALE(header);
		weight = NUMERIC_SHORT_WEIGHT(header);
		at += sizeof(uint16);
		ndigits = (ndigits - (int) sizeof(uint16)) / (int) sizeof(int16);
	}
	else if (kind == NUMERIC_KIND_SPECIAL)
		report_not_finite(number_text(number));
	else
	{
		negative = kind == NUMERIC_KIND_NEGATIVE;
		shown = NUMERIC_LONG_SCALE(header);
		weight = (int16) read_uint16(at + sizeof(uint16));
		at += 2 * sizeof(uint16);
		ndigits = (ndigits - 2 * (int) sizeof(uint16)) / (int) sizeof(int16);
	}

	result.units = 0;
	result.scale = Min(shown, DECIMAL_KEPT_ZEROS);
	if (unlikely(ndigits <= 0))
		return result;

	decimals = (ndigits - 1 - weight) * NUMERIC_DIGIT_DECIMALS;
	if (shown > DECIMAL_KEPT_ZEROS && decimals > 0)
	{
		int last = read_uint16(at + (ndigits - 1) * sizeof(int16));
		int needed = decimals - NUMERIC_DIGIT_DECIMALS + digit_decimals(last);

		result.scale = Max(result.scale, needed);
	}
	shift = result.scale - decimals;
	if (unlikely(result.scale > DECIMAL_MAX_SCALE || shift > DECIMAL_MAX_SCALE))
		report_number_out_of_range(number);
	if (unlikely(shift <= -NUMERIC_DIGIT_DECIMALS)) /* a digit below dscale */
		report_corrupted();

	if (likely(ndigits <= DECIMAL_FAST_DIGITS ||
			   (ndigits == DECIMAL_FAST_DIGITS + 1 && read_uint16(at) < 1000)))
	{
		for (i = 0; i < ndigits; i++)
			units = units * NUMERIC_BASE + read_uint16(at + i * sizeof(int16));

		/* Zeros at the end of the last digit go. To divide by a constant is to multiply. */
		switch (shift)
		{
			case -1:
				units /= 10;
				break;
			case -2:
				units /= 100;
				break;
			case -3:
				units /= 1000;
				break;
			default:
				if (units > PG_INT64_MAX ||
					pg_mul_s64_overflow((int64) units, decimal_power[shift], &scaled))
					report_number_out_of_range(number);
				units = (uint64) scaled;
		}
	}
	else
	{
		uint128 wide = 0;

		if (ndigits > DECIMAL_MAX_DIGITS)
			report_number_out_of_range(number);
		for (i = 0; i < ndigits; i++)
			wide = wide * NUMERIC_BASE + read_uint16(at + i * sizeof(int16));
		if (shift < 0)
			wide /= (uint64) decimal_power[-shift];
		if (wide > PG_INT64_MAX)
			report_number_out_of_range(number);
		if (shift > 0)
			wide *= (uint64) decimal_power[shift];
		if (wide > PG_INT64_MAX)
			report_number_out_of_range(number);
		units = (uint64) wide;
	}
	result.units = negative ? -(int64) units : (int64) units;
	return result;
}

/* The number that a float's shortest text shows: at most 17 digits, without zeros at the end but
 * those of a whole number, perhaps with an exponent. */
static Decimal
decimal_from_float_text(const char *text)
{
	const char *at = text;
	bool negative = *at == '-';
	Decimal result = { 0, 0 };
	int shift;

	at += negative;
	if (*at < '0' || *at > '9')
		report_not_finite(text);
	for (; *at != '\0' && *at != 'e'; at++)
		if (*at == '.')
			result.scale = (int) strlen(at + 1);
		else if (pg_mul_s64_overflow(result.units, 10, &result.units) ||
				 pg_add_s64_overflow(result.units, *at - '0', &result.units))
			report_out_of_range(text);
	if (*at == 'e')
	{
		if (result.scale > 0)
			result.scale -= (int) strlen(at);
		result.scale -= atoi(at + 1);
	}
	shift = -result.scale;
	if (result.units == 0)
		result.scale = 0;
	else if (shift > 0)
	{
		if (shift > DECIMAL_MAX_SCALE ||
			pg_mul_s64_overflow(result.units, decimal_power[shift], &result.units))
			report_out_of_range(text);
		result.scale = 0;
	}
	else if (result.scale > DECIMAL_MAX_SCALE)
		report_out_of_range(text);
	if (negative)
		result.units = -result.units;
	return result;
}

Decimal
decimal_of_real(Datum value)
{
	char text[FLOAT_SHORTEST_DECIMAL_LEN];

	float_to_shortest_decimal_buf(DatumGetFloat4(value), text);
	return decimal_from_float_text(text);
}

Decimal
decimal_of_double(Datum value)
{
	char text[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(DatumGetFloat8(value), text);
	return decimal_from_float_text(text);
}

DecimalReader
decimal_reader(Oid type)
{
	switch (type)
	{
		case NUMERICOID:
			return decimal_of_numeric;
		case INT2OID:
			return decimal_of_smallint;
		case INT4OID:
			return decimal_of_integer;
		case INT8OID:
			return decimal_of_bigint;
		case FLOAT4OID:
			return decimal_of_real;
		case FLOAT8OID:
			return decimal_of_double;
		default:
			return NULL;
	}
}

static bool
rescale(int64 units, int from_scale, int to_scale, int64 *result)
{
	int shift = to_scale - from_scale;

	Assert(shift >= 0 && from_scale >= 0 && to_scale <= DECIMAL_MAX_SCALE);
	return !pg_mul_s64_overflow(units, decimal_power[shift], result) && *result != PG_INT64_MIN;
}

int64
decimal_rescale(int64 units, int from_scale, int to_scale)
{
	int64 result;

	if (unlikely(!rescale(units, from_scale, to_scale, &result)))
	{
		char *value = decimal_to_text(units, from_scale);

		ereport(
			ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("value %s is out of range at scale %d", value, to_scale),
			 errdetail(
				 "Values that are held together have the scale of the one with most decimals, and 18 digits."),
			 errhint(
				 "Bring all values to as many decimals as they need: use round(), as in round(value, 2).")));
	}
	return result;
}

int
decimal_minimal_scale(int64 units, int scale)
{
	if (units == 0)
		return 0;
	while (scale > 0 && units % 10 == 0)
	{
		units /= 10;
		scale--;
	}
	return scale;
}

int
numeric_compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

int
decimal_units_compare(int128 a, int a_scale, int128 b, int b_scale)
{
	if (a_scale < b_scale)
		a *= decimal_power[b_scale - a_scale];
	else
		b *= decimal_power[a_scale - b_scale];
	return (a > b) - (a < b);
}

Numeric
decimal_to_numeric(int64 units, int scale)
{
	return int64_div_fast_to_numeric(units, scale);
}

/* Room for the text of an int128 at any scale: sign, "0.", digits, end. */
#define WIDE_TEXT_BYTES 64

/* Writes from the end of the buffer backwards; returns where the text begins. */
static char *
wide_text(char *buffer, int128 units, int scale)
{
	uint128 rest = units < 0 ? -(uint128) units : (uint128) units;
	char *at = buffer + WIDE_TEXT_BYTES;
	int written = 0;

	Assert(scale >= 0 && scale <= DECIMAL_MAX_SCALE);
	*--at = '\0';
	while (rest > 0 || written <= scale)
	{
		if (written == scale && scale > 0)
			*--at = '.';
		*--at = (char) ('0' + (int) (rest % 10));
		rest /= 10;
		written++;
	}
	if (units < 0)
		*--at = '-';
	return at;
}

Numeric
decimal_sum_to_numeric(int128 units, int scale)
{
	char buffer[WIDE_TEXT_BYTES];

	if (likely(units <= PG_INT64_MAX && units >= PG_INT64_MIN))
		return decimal_to_numeric((int64) units, scale);

	/* A sum over a whole base that large is rare, and there is one of it: text will do. */
	return DatumGetNumeric(DirectFunctionCall3(numeric_in,
											   CStringGetDatum(wide_text(buffer, units, scale)),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

bool
decimal_sum_from_numeric(Numeric number, int128 *units, int *scale)
{
	char *text = number_text((const struct varlena *) number);
	char *end = text + strlen(text);
	const char *point = strchr(text, '.');
	bool negative = *text == '-';
	const char *at;
	bool fits = true;
	int128 sum = 0; /* taken negative: there is one more of those */

	if (point != NULL)
		while (end - point - 1 > DECIMAL_KEPT_ZEROS && end[-1] == '0')
			end--;
	*scale = point != NULL ? (int) (end - point - 1) : 0;
	for (at = text + negative; at < end && fits; at++)
		if (at != point)
			fits = *at >= '0' && *at <= '9' && !int128_mul_overflow(sum, 10, &sum) &&
				   !__builtin_sub_overflow(sum, (int128) (*at - '0'), &sum);
	if (!negative)
		fits = fits && !__builtin_sub_overflow((int128) 0, sum, &sum);
	pfree(text);
	*units = sum;
	return fits && *scale <= DECIMAL_MAX_SCALE;
}

void
decimal_report_sum(const char *of)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("sum of %s out of range", of),
			 errhint("Fewer decimals leave room for larger sums: use round(value, 2).")));
}

bool
decimal_sum_rescale(int128 *units, int from_scale, int to_scale)
{
	Assert(from_scale >= 0 && to_scale >= 0 && Max(from_scale, to_scale) <= DECIMAL_MAX_SCALE);
	if (to_scale < from_scale)
	{
		int64 power = decimal_power[from_scale - to_scale];

		if (*units % power != 0)
			return false;
		*units /= power;
		return true;
	}
	return !int128_mul_overflow(*units, decimal_power[to_scale - from_scale], units);
}

char *
decimal_to_text(int64 units, int scale)
{
	return decimal_sum_to_text(units, scale);
}

char *
decimal_sum_to_text(int128 units, int scale)
{
	char buffer[WIDE_TEXT_BYTES];

	return pstrdup(wide_text(buffer, units, scale));
}
