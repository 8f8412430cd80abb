/*
 * exact.h
 *		Exact numbers of any size, for what 128 bits don't hold: products of sums, from which
 *		variances come without losing digits. They are the server's numerics, in the current memory
 *		context.
 */
#ifndef LOYALTY_EXACT_H
#define LOYALTY_EXACT_H

#include "postgres.h"

#include "utils/numeric.h"

#include "core/compat.h"

/* A whole number. */
extern Numeric exact_whole(int128 number);

extern Numeric exact_times(Numeric a, Numeric b);
extern Numeric exact_plus(Numeric a, Numeric b);
extern Numeric exact_minus(Numeric a, Numeric b);
extern bool exact_is_negative(Numeric number);

/* The nearest float; infinite where it is beyond all of them. */
extern double exact_float(Numeric number);

/* n times a sum of products, less the product of sums: n^2 times the covariance in the whole, or
 * the variance. */
extern Numeric exact_spread(int64 n, Numeric products, Numeric a, Numeric b);

#endif
