/*
 * exact.c
 *		Exact numbers of any size; the header explains it.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "core/decimal.h"
#include "core/exact.h"

Numeric
exact_whole(int128 number)
{
	return decimal_sum_to_numeric(number, 0);
}

static Numeric
combine(PGFunction function, Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(function, NumericGetDatum(a), NumericGetDatum(b)));
}

Numeric
exact_times(Numeric a, Numeric b)
{
	return combine(numeric_mul, a, b);
}

Numeric
exact_plus(Numeric a, Numeric b)
{
	return combine(numeric_add, a, b);
}

Numeric
exact_minus(Numeric a, Numeric b)
{
	return combine(numeric_sub, a, b);
}

bool
exact_is_negative(Numeric number)
{
	return numeric_compare(number, exact_whole(0)) < 0;
}

double
exact_float(Numeric number)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(number)));
}

Numeric
exact_spread(int64 n, Numeric products, Numeric a, Numeric b)
{
	return exact_minus(exact_times(exact_whole(n), products), exact_times(a, b));
}
