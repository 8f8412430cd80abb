/*
 * int128.h
 *		Overflow-checked multiplication of 128-bit integers.
 *
 * Not __builtin_mul_overflow(): for this type clang makes it a call of __muloti4 on ARM64, which
 * compiler-rt has and libgcc has not. A library with such a call links, and doesn't load; JIT
 * compiles bitcode with the same call. (Addition and subtraction are never calls.)
 */
#ifndef LOYALTY_INT128_H
#define LOYALTY_INT128_H

#include "core/compat.h"

/* As int128_mul_overflow() for any factors. */
extern bool int128_mul_overflow_wide(int128 a, int128 b, int128 *product);

/* Sets the product and returns false; returns true, and sets nothing, where it doesn't fit. */
static inline bool
int128_mul_overflow(int128 a, int128 b, int128 *product)
{
	/* Nearly all factors fit 64 bits, and then the product fits 128. */
	if (likely(a == (int64) a && b == (int64) b))
	{
		*product = (int128) (int64) a * (int64) b;
		return false;
	}
	return int128_mul_overflow_wide(a, b, product);
}

#endif
