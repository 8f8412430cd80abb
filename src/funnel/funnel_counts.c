/*
 * funnel_counts.c
 *		Counting chains, step by step.
 *
 *		step	duration
 *		1		0			who took the first step
 *		2 ...	any			who came to it, so many microseconds after the step before
 *
 * Beside the duration 0 is what there is once for a step.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"

#include "funnel/funnel_internal.h"
#include "metric/tally.h"

static void *
zeros(int n, size_t size)
{
	return palloc_extended((size_t) n * size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

FunnelCounts *
funnel_counts_create(const Funnel *funnel, TimestampTz end)
{
	int64 longest = funnel_longest(funnel);
	int nsteps = funnel->rules.list.nsteps;
	FunnelCounts *counts = palloc0(sizeof(FunnelCounts));

	counts->funnel = funnel;
	counts->context = CurrentMemoryContext;
	counts->end = end;
	if (pg_sub_s64_overflow(end, longest, &counts->over))
		counts->over = DT_NOBEGIN;
	counts->eligible = zeros(nsteps, sizeof(int64));
	counts->stopped = zeros(nsteps, sizeof(int64));
	counts->durations = zeros(nsteps, sizeof(CountedNumbers));
	return counts;
}

void
funnel_count(FunnelCounts *counts, const FunnelChain *chain)
{
	const FunnelNames *names = &counts->funnel->names;
	const TimestampTz *ats = chain->ats;
	bool is_over =
		chain->tried < counts->over || funnel_is_over(counts->funnel, chain->tried, counts->end);
	int n;

	counts->started++;
	counts->eligible[0] += is_over;
	for (n = 1; n < chain->nsteps; n++)
	{
		int before = n - 1;

		if (names->has_optional)
		{
			if (ats[n] == NO_STEP)
				continue;
			before = funnel_step_before(counts->funnel, chain, n);
			if (n > names->step_of_level[chain->depth])
				counts->stopped[n]++;
		}
		counts->eligible[n] += is_over;
		counted_add(&counts->durations[n], counts->context, funnel_duration(ats[before], ats[n]));
	}
}

void
funnel_add(Tally *tally, TallyKey key, int step, int64 duration, FunnelSum sum, int64 count)
{
	const TallyShape *shape = tally_shape(tally);

	if (count == 0)
		return;
	key.numbers[funnel_step_key(shape)] = step;
	key.numbers[funnel_step_key(shape) + 1] = duration;
	tally_add(tally, tally_row(tally, &key), funnel_sum(shape, sum), count);
}

void
funnel_counts_flush(FunnelCounts *counts, Tally *tally, TallyKey key)
{
	int nsteps = counts->funnel->rules.list.nsteps;
	int n;

	funnel_add(tally, key, 1, 0, FUNNEL_SUM_CHAINS, counts->started);
	counts->started = 0;
	for (n = 0; n < nsteps; n++)
	{
		CountedNumbers *durations = &counts->durations[n];
		int64 i;

		funnel_add(tally, key, n + 1, 0, FUNNEL_SUM_ELIGIBLE, counts->eligible[n]);
		funnel_add(tally, key, n + 1, 0, FUNNEL_SUM_STOPPED, counts->stopped[n]);
		counts->eligible[n] = counts->stopped[n] = 0;
		if (durations->max_raw == 0)
			continue;
		counted_settle(durations, counts->context);
		for (i = 0; i < durations->ncounted; i++)
		{
			funnel_add(tally, key, n + 1, durations->counted[i].number, FUNNEL_SUM_CHAINS,
					   durations->counted[i].count);
			CHECK_FOR_INTERRUPTS();
		}
		counted_clear(durations);
	}
}
