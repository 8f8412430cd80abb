/*
 * apportion.h
 *		Sharing a whole in proportion to weights, exactly: by largest remainder.
 *
 * Each has its proportion rounded down, and the units that are left go to the largest remainders, a
 * unit each, of equal ones to the first. So shares add up to the whole, and where that isn't more
 * than all weights together, none is above its weight.
 */
#ifndef LOYALTY_APPORTION_H
#define LOYALTY_APPORTION_H

#include "core/compat.h"

typedef struct ApportionShare
{
	int128 weight; /* 0 or more */
	uint64 units;  /* what it gets */
	int128 remainder;
	int64 place; /* among them */
} ApportionShare;

/* The most that weights may come to. */
#define APPORTION_MAX ((int128) 1 << 124)

/* Sets the units of n shares, in their order. All weights come to total, which is more than 0;
 * whole is 2^63 at most. */
extern void apportion(ApportionShare *shares, int64 n, uint64 whole, int128 total);

#endif
