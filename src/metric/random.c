/*
 * random.c
 *		Random numbers that are the same for the same seed.
 *
 * The server's own generator may change from version to version, and with it every answer. This one
 * is SplitMix64:
 *
 * Steele, G. L., Lea, D. and Flood, C. H. (2014): Fast splittable pseudorandom number generators.
 * OOPSLA 2014, 453-472.
 */
#include "postgres.h"

#include <math.h>

#include "metric/random.h"
#include "metric/statistics.h"

void
random_seed(RandomSource *source, uint64 seed)
{
	source->state = seed;
}

static inline uint64
next_bits(RandomSource *source)
{
	uint64 bits = source->state += UINT64CONST(0x9e3779b97f4a7c15);

	bits = (bits ^ (bits >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	bits = (bits ^ (bits >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return bits ^ (bits >> 31);
}

double
random_uniform(RandomSource *source)
{
	return ((double) (next_bits(source) >> 12) + 0.5) / 4503599627370496.0; /* 2^52 */
}

uint32
random_below(RandomSource *source, uint32 n)
{
	return (uint32) (((next_bits(source) >> 32) * n) >> 32);
}

double
random_normal(RandomSource *source)
{
	return normal_quantile(random_uniform(source));
}

/*
 * Marsaglia, G. and Tsang, W. W. (2000): A simple method for generating gamma variables. ACM
 * Transactions on Mathematical Software 26, 363-372. Below a shape of 1, by that of one more.
 */
double
random_gamma(RandomSource *source, double shape)
{
	double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
	double c = 1 / sqrt(9 * d);

	for (;;)
	{
		double x = random_normal(source);
		double v = 1 + c * x;

		if (v <= 0)
			continue;
		v = v * v * v;
		if (log(random_uniform(source)) >= x * x / 2 + d - d * v + d * log(v))
			continue;
		return shape < 1 ? d * v * pow(random_uniform(source), 1 / shape) : d * v;
	}
}
