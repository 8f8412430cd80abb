/*
 * purchase_spread.c
 *		Reads distributions over days from counts: mean, quantiles, and the median where some
 *		are still waiting.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "metric/kaplan_meier.h"
#include "repeat/repeat_purchase.h"

/* The first row whose n isn't below this one. */
static int64
first_row(TallyRow **rows, int64 nrows, int64 n)
{
	int64 low = 0;
	int64 high = nrows;

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (rows[middle]->key.numbers[INTERVALS_N] < n)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

IntervalRows
interval_rows(TallyRow **rows, int64 nrows, int64 n)
{
	int64 first = first_row(rows, nrows, n);

	return (IntervalRows){ rows + first, first_row(rows, nrows, n + 1) - first };
}

Spread
spread_open(IntervalRows of, int sum)
{
	Spread spread = { of, sum, 0 };
	int64 i;

	for (i = 0; i < of.nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		spread.count += of.rows[i]->sums[sum];
	}
	return spread;
}

double
spread_mean(const Spread *spread)
{
	int128 days = 0; /* counts have 63 bits, days 31 */
	int64 i;

	for (i = 0; i < spread->of.nrows; i++)
		days +=
			spread->of.rows[i]->sums[spread->sum] * spread->of.rows[i]->key.numbers[INTERVALS_DAYS];
	return spread->count > 0 ? (double) days / (double) spread->count : NAN;
}

/* The days of the one that so many come before. */
static double
days_at(const Spread *spread, int128 place)
{
	int64 i = 0;

	while (place >= spread->of.rows[i]->sums[spread->sum])
	{
		CHECK_FOR_INTERRUPTS();
		place -= spread->of.rows[i++]->sums[spread->sum];
	}
	return (double) spread->of.rows[i]->key.numbers[INTERVALS_DAYS];
}

double
spread_quantile(const Spread *spread, double q)
{
	int128 last = spread->count - 1;
	double place = q * (double) last;
	double lower;
	double upper;

	if (spread->count == 0)
		return NAN;
	/* beyond 2^53 doubles may round up */
	lower = days_at(spread, Min((int128) floor(place), last));
	upper = days_at(spread, Min((int128) ceil(place), last));
	return lower + (place - floor(place)) * (upper - lower);
}

/* ---- who reached an n, and who waits ---- */

/* Adds the sum of rows to times by days, as events or as censored ones; palloc'd. */
static SurvivalTime *
merge_times(const SurvivalTime *times, int64 ntimes, IntervalRows of, int sum, int64 *nmerged)
{
	SurvivalTime *merged =
		palloc_extended(Max(ntimes + of.nrows, 1) * sizeof(SurvivalTime), MCXT_ALLOC_HUGE);
	int64 n = 0;
	int64 t = 0;
	int64 r = 0;

	while (t < ntimes || r < of.nrows)
	{
		int64 days = r < of.nrows ? of.rows[r]->key.numbers[INTERVALS_DAYS] : PG_INT64_MAX;
		SurvivalTime time = { 0 };

		CHECK_FOR_INTERRUPTS();
		if (t < ntimes && times[t].duration <= days)
			time = times[t++];
		if (r < of.nrows && (time.events + time.censored == 0 || time.duration == days))
		{
			int64 count = (int64) of.rows[r++]->sums[sum];

			if (count == 0 && time.events + time.censored == 0)
				continue;
			time.duration = days;
			if (sum == INTERVALS_REACHED)
				time.events += count;
			else if (__builtin_add_overflow(time.censored, count, &time.censored))
				ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
								errmsg("number of waiting customers is out of range")));
		}
		merged[n++] = time;
	}
	*nmerged = n;
	return merged;
}

double
reach_median(ReachWalk *walk, IntervalRows before, IntervalRows of)
{
	SurvivalTime *waiting;
	SurvivalTimes all;
	SurvivalTime *times;
	SurvivalMedian found;
	double median = NAN;

	waiting =
		merge_times(walk->waiting, walk->nwaiting, before, INTERVALS_WAITING, &walk->nwaiting);
	if (walk->waiting != NULL)
		pfree(walk->waiting);
	walk->waiting = waiting;
	times = merge_times(waiting, walk->nwaiting, of, INTERVALS_REACHED, &all.ntimes);
	all.times = times;
	found = survival_median(all, 1, SURVIVAL_PLAIN);
	if (found.median != NULL)
		median = (double) found.median->duration;
	pfree(times);
	return median;
}
