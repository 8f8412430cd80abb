/*
 * logrank.c
 *		The log-rank test of k segments, with weights.
 *
 *		O_j = sum w d_j		E_j = sum w d n_j/n		V_jl = sum w^2 c (n_j/n) ([j = l] - n_l/n)
 *
 * with c = d (n - d) / (n - 1), and chi-squared = (O - E)' V^- (O - E).
 *
 * V is the Laplacian of a graph: its rows add up to zero, and no entry off the diagonal is above
 * zero. Eliminating segment by segment, with each diagonal entry taken as the sum of what is left
 * of its row, never subtracts, so that no digits are lost, however unequal segments are. As
 * nobody comes to be at risk later, segments that share a time with c > 0 all share the first
 * one: the graph has one component, and the rank is its size less 1.
 *
 * Mantel, N. (1966): Evaluation of survival data and two new rank order statistics arising in its
 * consideration. Cancer Chemotherapy Reports 50, 163-170. Breslow, N. (1970): A generalized
 * Kruskal-Wallis test for comparing K samples subject to unequal patterns of censorship.
 * Biometrika 57, 579-594. Tarone, R. E. and Ware, J. (1977): On distribution-free tests for
 * equality of survival distributions. Biometrika 64, 156-160.
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "miscadmin.h"

#include "metric/statistics.h"
#include "survival/logrank.h"

#define ST_SORT			sort_times
#define ST_ELEMENT_TYPE LogrankTime
#define ST_COMPARE(a, b) \
	((a)->duration < (b)->duration ? -1 : ((a)->duration > (b)->duration ? 1 : 0))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

typedef struct LogrankSums
{
	LogrankSegment *segments;
	int nsegments;
	int64 *at_risk; /* by segment */
	double *share;	/* of those at risk, by segment */
	int64 all_at_risk;
	double *shared;	  /* -V by two segments, the smaller first */
	double *distance; /* O - E */
} LogrankSums;

static inline double *
shared(const LogrankSums *sums, int a, int b)
{
	return &sums->shared[(size_t) Min(a, b) * sums->nsegments + Max(a, b)];
}

static double
weight(LogrankWeighting weighting, int64 at_risk)
{
	switch (weighting)
	{
		case LOGRANK_EQUAL:
			break;
		case LOGRANK_AT_RISK:
			return (double) at_risk;
		case LOGRANK_ROOT:
			return sqrt((double) at_risk);
	}
	return 1;
}

static void
add_observations(int64 *to, const LogrankTime *time)
{
	if (pg_add_s64_overflow(*to, time->events, to) || pg_add_s64_overflow(*to, time->censored, to))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of observations is out of range")));
}

/* Adds a time at which d of those at risk have the event: what was expected, and how it varies. */
static void
add_time(LogrankSums *sums, double w, int64 d)
{
	double n = (double) sums->all_at_risk;
	double spread;
	int j;
	int l;

	for (j = 0; j < sums->nsegments; j++)
	{
		sums->share[j] = (double) sums->at_risk[j] / n;
		sums->segments[j].expected += w * (double) d * sums->share[j];
	}
	if (d == sums->all_at_risk)
		return;
	spread = w * w * (double) d * ((double) (sums->all_at_risk - d) / (n - 1));
	for (j = 0; j < sums->nsegments; j++)
	{
		CHECK_FOR_INTERRUPTS();
		if (sums->at_risk[j] > 0)
			for (l = j + 1; l < sums->nsegments; l++)
				*shared(sums, j, l) += spread * sums->share[j] * sums->share[l];
	}
}

/* Takes the segments out of the graph one by one. */
static LogrankTest
solve(LogrankSums *sums)
{
	LogrankTest test = { 0, 0, NAN };
	int j;
	int a;
	int b;

	for (j = 0; j < sums->nsegments; j++)
	{
		double diagonal = 0;

		CHECK_FOR_INTERRUPTS();
		for (a = j + 1; a < sums->nsegments; a++)
			diagonal += *shared(sums, j, a);
		if (diagonal <= 0)
			continue;
		test.degrees++;
		test.chi_squared += sums->distance[j] * sums->distance[j] / diagonal;
		for (a = j + 1; a < sums->nsegments; a++)
		{
			double part = *shared(sums, j, a) / diagonal;

			if (part == 0)
				continue;
			sums->distance[a] += sums->distance[j] * part;
			for (b = a + 1; b < sums->nsegments; b++)
				*shared(sums, a, b) += part * *shared(sums, j, b);
		}
	}
	if (test.degrees == 0)
		test.chi_squared = NAN;
	else
		test.p = chi_squared_tail(test.chi_squared, test.degrees);
	return test;
}

LogrankTest
logrank_test(LogrankTime *times, int64 ntimes, LogrankWeighting weighting, LogrankSegment *segments,
			 int nsegments)
{
	LogrankSums sums = { .segments = segments, .nsegments = nsegments };
	int64 i;
	int64 end;
	int j;

	Assert(nsegments <= LOGRANK_MAX_SEGMENTS);
	memset(segments, 0, nsegments * sizeof(LogrankSegment));
	sums.at_risk = palloc0(nsegments * sizeof(int64));
	sums.share = palloc0(nsegments * sizeof(double));
	sums.distance = palloc0(nsegments * sizeof(double));
	sums.shared = palloc0((size_t) nsegments * nsegments * sizeof(double));
	for (i = 0; i < ntimes; i++)
	{
		add_observations(&segments[times[i].segment].observations, &times[i]);
		add_observations(&sums.all_at_risk, &times[i]);
		CHECK_FOR_INTERRUPTS();
	}
	for (j = 0; j < nsegments; j++)
		sums.at_risk[j] = segments[j].observations;

	sort_times(times, ntimes);
	for (i = 0; i < ntimes; i = end)
	{
		double w = weight(weighting, sums.all_at_risk);
		int64 d = 0;

		CHECK_FOR_INTERRUPTS();
		for (end = i; end < ntimes && times[end].duration == times[i].duration; end++)
		{
			d += times[end].events;
			segments[times[end].segment].observed += w * (double) times[end].events;
		}
		if (d > 0)
			add_time(&sums, w, d);
		for (; i < end; i++)
		{
			int64 gone = times[i].events + times[i].censored;

			sums.at_risk[times[i].segment] -= gone;
			sums.all_at_risk -= gone;
		}
	}
	for (j = 0; j < nsegments; j++)
		sums.distance[j] = segments[j].observed - segments[j].expected;
	return solve(&sums);
}
