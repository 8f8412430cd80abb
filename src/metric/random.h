/*
 * random.h
 *		Random numbers that are the same for the same seed, on every machine and server version.
 */
#ifndef LOYALTY_RANDOM_H
#define LOYALTY_RANDOM_H

#include "postgres.h"

typedef struct RandomSource
{
	uint64 state;
} RandomSource;

extern void random_seed(RandomSource *source, uint64 seed);

/* Uniform: between 0 and 1, both exclusive; a whole number from 0 up to below n. */
extern double random_uniform(RandomSource *source);
extern uint32 random_below(RandomSource *source, uint32 n);

extern double random_normal(RandomSource *source);

/* Gamma with this shape, which is above 0, and scale 1. */
extern double random_gamma(RandomSource *source, double shape);

#endif
