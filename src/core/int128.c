/*
 * int128.c
 *		Overflow-checked multiplication of 128-bit integers.
 */
#include "postgres.h"

#include "core/int128.h"

static inline uint128
magnitude(int128 value)
{
	return value < 0 ? -(uint128) value : (uint128) value;
}

bool
int128_mul_overflow_wide(int128 a, int128 b, int128 *product)
{
	bool negative = (a < 0) != (b < 0);
	uint128 most = (((uint128) 1) << 127) - !negative;
	uint128 x = magnitude(a);
	uint128 y = magnitude(b);
	uint64 x_high = (uint64) (x >> 64);
	uint64 y_high = (uint64) (y >> 64);
	uint128 high; /* what is multiplied by 2^64 */
	uint128 sum;

	if (x_high != 0 && y_high != 0)
		return true;
	high = (uint128) x_high * (uint64) y + (uint128) y_high * (uint64) x;
	if (high >> 64 != 0)
		return true;
	high <<= 64;
	sum = (uint128) (uint64) x * (uint64) y + high;
	if (sum < high || sum > most)
		return true;
	*product = (int128) (negative ? -sum : sum);
	return false;
}
