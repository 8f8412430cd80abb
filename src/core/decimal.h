/*
 * decimal.h
 *		Exact decimals: a numeric as an int64 of units at a scale.
 *
 * units = value x 10^scale. Scale is what the numeric shows, so that cents stay
 * cents, but zeros after the fourth decimal are dropped: avg() and division
 * show 16 decimals or more, of which most are zero. |units| stays below 2^63;
 * a value that doesn't fit is error 22003, and so are NaN and infinity.
 */
#ifndef LOYALTY_DECIMAL_H
#define LOYALTY_DECIMAL_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/numeric.h"

#include "core/compat.h"

#define DECIMAL_MAX_SCALE  18
#define DECIMAL_KEPT_ZEROS 4

typedef struct Decimal
{
	int64 units;
	int32 scale;
} Decimal;

/* 10^n for n = 0..18. */
extern const int64 decimal_power[DECIMAL_MAX_SCALE + 1];

/* From a detoasted numeric, of any header size (PG_DETOAST_DATUM_PACKED is enough). */
extern Decimal decimal_from_numeric(const struct varlena *number);

/* From a whole number: of the integer types only the least one doesn't fit (22003). */
extern Decimal decimal_from_int64(int64 value);

/* The same of an argument of each type. */
static inline Decimal
decimal_of_numeric(Datum value)
{
	return decimal_from_numeric(PG_DETOAST_DATUM_PACKED(value));
}

static inline Decimal
decimal_of_smallint(Datum value)
{
	Decimal decimal = { DatumGetInt16(value), 0 };

	return decimal;
}

static inline Decimal
decimal_of_integer(Datum value)
{
	Decimal decimal = { DatumGetInt32(value), 0 };

	return decimal;
}

static inline Decimal
decimal_of_bigint(Datum value)
{
	return decimal_from_int64(DatumGetInt64(value));
}

/* From a float, by the shortest decimal text that it is read back from: 0.1 is 0.1. */
extern Decimal decimal_of_real(Datum value);
extern Decimal decimal_of_double(Datum value);

/* What reads an argument of a type; NULL where that isn't a type of numbers. */
typedef Decimal (*DecimalReader)(Datum value);
extern DecimalReader decimal_reader(Oid type);

/* The same value at a scale at least as large; 22003 that names the value where it doesn't fit. */
extern int64 decimal_rescale(int64 units, int from_scale, int to_scale);

/* The smallest scale at which the value is exact (trailing zeros gone). */
extern int decimal_minimal_scale(int64 units, int scale);

/* The order of two numerics, below 0, 0, or above; NaN is above all. */
extern int numeric_compare(Numeric a, Numeric b);

/* Less than 0, 0, more than 0: units of different scales, less than 2^67. */
extern int decimal_units_compare(int128 a, int a_scale, int128 b, int b_scale);

static inline int
decimal_compare(const Decimal *a, const Decimal *b)
{
	return decimal_units_compare(a->units, a->scale, b->units, b->scale);
}

extern Numeric decimal_to_numeric(int64 units, int scale);
extern Numeric decimal_sum_to_numeric(int128 units, int scale);

/* A sum from a numeric, at the scale that it shows, as above; false where it isn't finite, has too
 * many decimals, or doesn't fit 128 bits. */
extern bool decimal_sum_from_numeric(Numeric number, int128 *units, int *scale);

/* The same sum at another scale; false where it doesn't fit 128 bits, or isn't exact there. */
extern bool decimal_sum_rescale(int128 *units, int from_scale, int to_scale);

/* What a sum of these doesn't hold: 22003. */
extern void decimal_report_sum(const char *of) pg_attribute_noreturn();

static inline void
decimal_sum_add(int128 *sum, int128 amount, const char *of)
{
	if (unlikely(__builtin_add_overflow(*sum, amount, sum)))
		decimal_report_sum(of);
}

static inline void
decimal_sum_subtract(int128 *sum, int128 amount, const char *of)
{
	if (unlikely(__builtin_sub_overflow(*sum, amount, sum)))
		decimal_report_sum(of);
}

/* As text, exactly scale decimals, palloc'd; what numeric's output would show. */
extern char *decimal_to_text(int64 units, int scale);
extern char *decimal_sum_to_text(int128 units, int scale);

#endif
