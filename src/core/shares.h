/*
 * shares.h
 *		An amount that is shared out over parts by their weights, exact to the last unit: each gets
 *		its share rounded down, and the units that are left go to the largest remainders, of equal
 *		ones to the first part (Hamilton's method).
 *
 *		for (i = 0; i < n; i++)
 *			rest -= share_of(&shares[i], i, amount, weight[i], total);
 *		shares_give_rest(shares, n, rest);
 */
#ifndef LOYALTY_SHARES_H
#define LOYALTY_SHARES_H

#include "postgres.h"

#include "core/compat.h"
#include "core/int128.h"

typedef struct Share
{
	int128 units;
	int128 remainder;
	int64 place; /* of the part */
} Share;

/* What weights may come to, where the product of one and the amount doesn't fit. */
#define SHARES_MAX_TOTAL ((int128) 1 << 124)

extern int128 share_of_wide(Share *share, int64 place, int128 amount, int128 weight, int128 total);

/* Sets a part's share of an amount that isn't negative, rounded down, and returns it. */
static inline int128
share_of(Share *share, int64 place, int128 amount, int128 weight, int128 total)
{
	int128 product;

	if (unlikely(int128_mul_overflow(amount, weight, &product)))
		return share_of_wide(share, place, amount, weight, total);
	*share = (Share){ product / total, product % total, place };
	return share->units;
}

/* Gives away the units that are left: fewer than there are parts. Shares may change their order. */
extern void shares_give_rest(Share *shares, int64 n, int128 rest);

#endif
