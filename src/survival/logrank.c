/*
 * logrank.c
 *		Do segments last equally long? The log-rank test for any number of segments, and those of
 *		its family that weigh early events more.
 *
 * At each time with events, were there no difference, a segment would have its share of them: the
 * part of those at risk that it has. Observed and expected events add up over the times, and
 * chi-squared is how far they are apart, in terms of the covariance of the differences.
 *
 *		O_j = sum w d_j		E_j = sum w d n_j/n		V_jl = sum w^2 c (n_j/n) ([j = l] - n_l/n)
 *
 * with c = d (n - d) / (n - 1), and chi-squared = (O - E)' V^- (O - E).
 *
 * V is the Laplacian of a graph: its rows add up to zero, and no entry off the diagonal is above
 * zero. Eliminating segment by segment, with each diagonal entry taken as the sum of what is left
 * of its row, never subtracts, so that no digits are lost, however unequal segments are. The rank
 * is the number of segments less that of the graph's components. Unless some enter later, segments
 * that share a time with c > 0 all share the first one: those are one component.
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
#include "fmgr.h"
#include "miscadmin.h"

#include "core/argument.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "survival/survival_internal.h"

/* The covariance takes segments x segments. */
#define LOGRANK_MAX_SEGMENTS 1000

/* What an event weighs where n are at risk. */
typedef enum LogrankWeighting
{
	LOGRANK_EQUAL,	 /* 1: log-rank */
	LOGRANK_AT_RISK, /* n: Gehan-Breslow-Wilcoxon */
	LOGRANK_ROOT	 /* sqrt(n): Tarone-Ware */
} LogrankWeighting;

typedef struct LogrankTime
{
	int64 duration;
	int32 segment; /* from 0 */
	int64 events;
	int64 censored;
	int64 entered;
} LogrankTime;

typedef struct LogrankSegment
{
	int64 observations;
	double observed; /* events, weighted */
	double expected;
} LogrankSegment;

typedef struct LogrankTest
{
	double chi_squared; /* NaN where nothing can be compared: degrees is 0 */
	int degrees;		/* of freedom */
	double p;			/* of chi-squared or more if there is no difference */
} LogrankTest;

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
add_observations(int64 *to, int64 more)
{
	if (pg_add_s64_overflow(*to, more, to))
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

/*
 * The test over times in any order, which it sorts; segments are filled in. A segment that can't
 * differ, having nobody at risk when others have events that they may survive, gives no degree of
 * freedom. 22003 for more than 2^63 - 1 observations.
 */
static LogrankTest
logrank_test(LogrankTime *times, int64 ntimes, LogrankWeighting weighting, LogrankSegment *segments,
			 int nsegments)
{
	LogrankSums sums = { .segments = segments, .nsegments = nsegments };
	int64 *entered = palloc0(nsegments * sizeof(int64)); /* by segment */
	int64 all = 0;
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
		add_observations(&segments[times[i].segment].observations, times[i].events);
		add_observations(&segments[times[i].segment].observations, times[i].censored);
		add_observations(&entered[times[i].segment], times[i].entered);
		CHECK_FOR_INTERRUPTS();
	}
	for (j = 0; j < nsegments; j++)
	{
		sums.at_risk[j] = segments[j].observations - entered[j];
		add_observations(&all, segments[j].observations);
		sums.all_at_risk += sums.at_risk[j];
	}

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
			int64 more = times[i].entered - times[i].events - times[i].censored;

			sums.at_risk[times[i].segment] += more;
			sums.all_at_risk += more;
		}
	}
	for (j = 0; j < nsegments; j++)
		sums.distance[j] = segments[j].observed - segments[j].expected;
	return solve(&sums);
}

/* ---- the result ---- */

/* Sorted by segment, so that they come out numbered. */
#define LOGRANK_SEGMENT	 0
#define LOGRANK_DURATION 1

static const TallyColumn logrank_keys[] = {
	[LOGRANK_SEGMENT] = { "segment", TALLY_TEXT },
	[LOGRANK_DURATION] = { "duration", TALLY_DECIMAL },
};

static const char *
logrank_fault(const Tally *tally)
{
	const char *fault = duration_fault(tally, LOGRANK_DURATION);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	TallyRow **row;
	TallyRow **next;

	/* an absent one sorts first */
	if (nrows > 0 && rows[0]->key.text == NULL)
		return "A row has no segment.";
	for (row = rows; fault == NULL && row < rows + nrows; row = next)
	{
		SurvivalTimes times;

		for (next = row + 1;
			 next < rows + nrows && duration_same_text(&(*next)->key, &(*row)->key);)
			next++;
		times = duration_times(tally, row, next - row, LOGRANK_DURATION);
		if (!survival_times_valid(times))
			fault = DURATIONS_FAULT;
		CHECK_FOR_INTERRUPTS();
	}
	pfree(rows);
	return fault;
}

static const TallyShape logrank_shape = {
	.type = "logrank_result",
	.maker = "logrank() and rollup()",
	.nparameters = 1,
	.parameters = &duration_unit,
	.nkeys = lengthof(logrank_keys),
	.keys = logrank_keys,
	.nsums = lengthof(duration_sums),
	.sums = duration_sums,
	.fault = logrank_fault,
};

/* loyalty_logrank_result_in, loyalty_logrank_result_out, loyalty_logrank_result_recv,
 * loyalty_logrank_result_send, loyalty_logrank_result_merge,
 * loyalty_logrank_result_scope */
TALLY_TYPE(logrank_result, &logrank_shape)

/* ---- the aggregate ---- */

PG_FUNCTION_INFO_V1(loyalty_logrank_accum);

/* logrank_accum(state, duration, event, segment [, entry]) */
Datum
loyalty_logrank_accum(PG_FUNCTION_ARGS)
{
	DurationCall *call = duration_call(fcinfo, 1, 3);
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &logrank_shape, &is_new);
	Observed observed;

	if (is_new)
		duration_set_unit(state->tally, call->duration);
	if (!PG_ARGISNULL(2) && !PG_ARGISNULL(3) &&
		observed_arguments(fcinfo, 1, 4, state->tally, call->duration, &observed))
	{
		TallyKey key;

		key.text = any_text(&call->text, PG_GETARG_DATUM(3), &key.text_len);
		duration_count(state->tally, &key, LOGRANK_DURATION, &observed, PG_GETARG_BOOL(2));
		duration_count_entry(state->tally, &key, LOGRANK_DURATION, &observed);
	}
	TALLY_RETURN_STATE(state);
}

/* ---- the test ---- */

PG_FUNCTION_INFO_V1(loyalty_logrank_test);

static LogrankWeighting
weighting_argument(FunctionCallInfo fcinfo, int n)
{
	static const char *const names[] = { "logrank", "wilcoxon", "tarone-ware" };

	return (LogrankWeighting) argument_choice(fcinfo, n, "weighting", names, lengthof(names),
											  "unknown weighting:", "'");
}

/* Numbers the segments of rows that are sorted by them; names[i] is a row of segment i. */
static LogrankTime *
logrank_times(TallyRow **rows, int64 nrows, const TallyKey **names, int *nsegments)
{
	LogrankTime *times = palloc_extended(Max(nrows, 1) * sizeof(LogrankTime), MCXT_ALLOC_HUGE);
	int n = 0;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		const TallyKey *key = &rows[i]->key;

		CHECK_FOR_INTERRUPTS();
		if (n == 0 || !duration_same_text(names[n - 1], key))
		{
			if (n == LOGRANK_MAX_SEGMENTS)
				ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
								errmsg("a log-rank test can't have more than %d segments",
									   LOGRANK_MAX_SEGMENTS),
								errhint("Is the segment what tells customers apart?")));
			names[n++] = key;
		}
		times[i].duration = key->numbers[LOGRANK_DURATION];
		times[i].segment = n - 1;
		times[i].events = (int64) rows[i]->sums[DURATION_EVENTS];
		times[i].censored = (int64) rows[i]->sums[DURATION_CENSORED];
		times[i].entered = (int64) rows[i]->sums[DURATION_ENTERED];
	}
	*nsegments = n;
	return times;
}

Datum
loyalty_logrank_test(PG_FUNCTION_ARGS)
{
	LogrankWeighting weighting = weighting_argument(fcinfo, 1);
	Tally *tally = tally_argument(fcinfo, 0, &logrank_shape);
	const TallyKey *names[LOGRANK_MAX_SEGMENTS];
	LogrankSegment segments[LOGRANK_MAX_SEGMENTS];
	int64 nrows;
	TallyRow **counted = tally_rows(tally, &nrows);
	int nsegments;
	LogrankTime *times = logrank_times(counted, nrows, names, &nsegments);
	LogrankTest test = logrank_test(times, nrows, weighting, segments, nsegments);
	Rows rows;
	int i;

	rows_open(&rows, fcinfo);
	for (i = 0; i < nsegments; i++)
	{
		rows_begin(&rows);
		rows_put_text(&rows, names[i]->text, names[i]->text_len);
		rows_put_count(&rows, segments[i].observations);
		rows_put_float(&rows, segments[i].observed);
		rows_put_float(&rows, segments[i].expected);
		rows_put_float(&rows, test.chi_squared);
		rows_put_int(&rows, test.degrees);
		rows_put_float(&rows, test.p);
		rows_end(&rows);
	}
	return (Datum) 0;
}
