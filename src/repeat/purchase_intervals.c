/*
 * purchase_intervals.c
 *		How long customers take to buy again: purchase_intervals(), and what its result is asked.
 *
 * A purchase is a day with one or several: buying twice on one day isn't buying again.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "activity/activity.h"
#include "core/array.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/metric.h"

/*
 *		n		days					sum
 *		0		of a gap				gaps: between one purchase day and the next
 *		1..		since the first one		reached: customers whose n-th purchase day that was
 *		1..		from the first one		waiting: customers who had n of them by as_of,
 *				to as_of				and not the next one
 *
 * up to the n that was asked for, of whom nobody waits for the next. So who reached the
 * n-th, less who waits there, reached the one after it.
 */
enum
{
	INTERVALS_N,
	INTERVALS_DAYS
};

enum
{
	INTERVALS_GAPS,
	INTERVALS_REACHED,
	INTERVALS_WAITING,
	INTERVALS_SUMS
};

/* ---- counting ---- */

typedef struct IntervalsFold
{
	DateADT as_of;
	int64 up_to;
	MemoryContext context;
	Tally *tally;
	MetricCells gaps;
	MetricCells *nth; /* by n, from 1 on, as far as a customer came */
	int64 nnth;
	int64 max_nth;
} IntervalsFold;

/* Most groups are small, and few customers come far. */
#define FIRST_NTH 8

/* The cells of n, which are there for all before. */
static MetricCells *
reach(IntervalsFold *fold, int64 n)
{
	if (unlikely(n > fold->nnth))
	{
		MemoryContext old = MemoryContextSwitchTo(fold->context);

		Assert(n == fold->nnth + 1);
		fold->nth = array_grow(fold->nth, &fold->max_nth, n, sizeof(MetricCells));
		metric_cells_open_under(&fold->nth[n - 1], fold->tally, n);
		fold->nnth = n;
		MemoryContextSwitchTo(old);
	}
	return &fold->nth[n - 1];
}

static void *
purchase_intervals_start(const MetricQuestion *question, Tally *tally)
{
	IntervalsFold *fold = palloc0(sizeof(IntervalsFold));

	fold->as_of = question->as_of;
	fold->up_to = question->count;
	metric_cells_open_under(&fold->gaps, tally, 0);
	fold->context = CurrentMemoryContext;
	fold->tally = tally;
	fold->max_nth = FIRST_NTH;
	fold->nth = palloc(fold->max_nth * sizeof(MetricCells));
	return fold;
}

static void
purchase_intervals_customer(void *of, ByteSpan body)
{
	IntervalsFold *fold = of;
	DateADT as_of = fold->as_of;
	ActivityCursor cursor;
	DateADT first;
	DateADT last;
	DateADT day;
	int64 n = 1;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &first) || first > as_of)
		return;
	metric_cell(reach(fold, 1), 0)->sums[INTERVALS_REACHED]++;
	last = first;
	while (activity_next(&cursor, &day) && day <= as_of)
	{
		metric_cell(&fold->gaps, day - last)->sums[INTERVALS_GAPS]++;
		if (++n <= fold->up_to)
			metric_cell(reach(fold, n), day - first)->sums[INTERVALS_REACHED]++;
		last = day;
		CHECK_FOR_INTERRUPTS();
	}
	if (n < fold->up_to)
		metric_cell(reach(fold, n), as_of - first)->sums[INTERVALS_WAITING]++;
}

/* ---- distributions over days ---- */

/* Rows of a result that have the same n, by days. */
typedef struct IntervalRows
{
	TallyRow **rows;
	int64 nrows;
} IntervalRows;

/* One of the sums, as a distribution over days. */
typedef struct Spread
{
	IntervalRows of;
	int sum;
	int128 count;
} Spread;

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

/* Those of an n among all rows. */
static IntervalRows
interval_rows(TallyRow **rows, int64 nrows, int64 n)
{
	int64 first = first_row(rows, nrows, n);

	return (IntervalRows){ rows + first, first_row(rows, nrows, n + 1) - first };
}

static Spread
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

/* NaN where there is nothing. */
static double
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

/* Interpolated between neighbours, as percentile_cont() does; NaN where there is nothing. */
static double
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

/*
 * Adds up who reached an n and who waits for it, n by n from 2 on, for Kaplan and Meier's median:
 * NaN where less than half get there.
 */
typedef struct ReachWalk
{
	SurvivalTime *waiting; /* before the n of the next call */
	int64 nwaiting;
} ReachWalk;

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

static double
reach_median(ReachWalk *walk, IntervalRows before, IntervalRows of)
{
	SurvivalTime *waiting;
	SurvivalTimes all = { NULL, 0, false };
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

/* ---- the result ---- */

static const MetricArgument arguments[] = { METRIC_AS_OF_ARGUMENT,
											{ "up_to", .type = METRIC_COUNT, .by_default = "10" } };

static const TallyParameter parameters[] = { METRIC_ZONE_PARAMETER, METRIC_AS_OF_PARAMETER,
											 METRIC_COUNT_PARAMETER("up_to") };

static const TallyColumn keys[] = {
	[INTERVALS_N] = { "n", TALLY_NUMBER },
	[INTERVALS_DAYS] = { "days", TALLY_NUMBER },
};

static const TallyColumn columns[INTERVALS_SUMS] = {
	[INTERVALS_GAPS] = { "gaps", TALLY_COUNT },
	[INTERVALS_REACHED] = { "reached", TALLY_COUNT },
	[INTERVALS_WAITING] = { "waiting", TALLY_COUNT },
};

/* The n up to which a result has it; 0: unknown. */
static int32
up_to_of(const Tally *tally)
{
	const char *up_to = metric_parameter(tally, "up_to");

	return up_to != NULL ? pg_strtoint32(up_to) : 0;
}

/* Checks a row by itself. */
static const char *
row_fault(const TallyRow *row, int32 up_to)
{
	int64 n = row->key.numbers[INTERVALS_N];
	int64 days = row->key.numbers[INTERVALS_DAYS];

	if (n < 0 || n > up_to)
		return "\"n\" isn't between 0 and \"up_to\".";
	if (days < 0 || days > PG_INT32_MAX)
		return "\"days\" is below zero, or more than there are.";
	if (n == 0 ? row->sums[INTERVALS_REACHED] > 0 || row->sums[INTERVALS_WAITING] > 0
			   : row->sums[INTERVALS_GAPS] > 0)
		return "Gaps are at n 0, and customers aren't.";
	if (n == 0 && days == 0)
		return "There are gaps of 0 days.";
	if (row->sums[INTERVALS_REACHED] > 0 && (n == 1 ? days > 0 : days < n - 1))
		return "The n-th day is n - 1 days after the first at the earliest, and the first at 0.";
	if (row->sums[INTERVALS_WAITING] > 0 && (n == up_to || days < n - 1))
		return "Customers wait after \"up_to\", or before they can have come that far.";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	int32 up_to = up_to_of(tally);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	const char *fault = NULL;
	DateADT as_of;
	int128 gaps;
	int128 needed = 0;
	int128 left = 0; /* who reached n and doesn't wait there */
	int64 i;
	int32 n;

	if (up_to == 0)
		return "There is no \"up_to\".";
	if (nrows > 0 && !metric_result_as_of(tally, &as_of))
		return "There are rows, but no \"as_of\".";
	for (i = 0; i < nrows && fault == NULL; i++)
	{
		CHECK_FOR_INTERRUPTS();
		fault = row_fault(rows[i], up_to);
	}
	if (fault != NULL)
		return fault;
	gaps = spread_open(interval_rows(rows, nrows, 0), INTERVALS_GAPS).count;
	for (n = 1; n <= up_to; n++)
	{
		IntervalRows of = interval_rows(rows, nrows, n);
		int128 reached = spread_open(of, INTERVALS_REACHED).count;

		if (n > 1)
		{
			if (reached != left)
				return "Who reached a purchase, less who waits there, didn't reach the next.";
			needed += reached;
		}
		left = reached - spread_open(of, INTERVALS_WAITING).count;
	}
	if (gaps < needed)
		return "There are fewer gaps than purchases after the first.";
	if (left == 0 && gaps > needed)
		return "There are more gaps than purchases after the first.";
	return NULL;
}

static const TallyShape shape = {
	.type = "purchase_intervals_result",
	.maker = "purchase_intervals() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

static const Metric intervals = {
	.shape = &shape,
	METRIC_ARGUMENTS(arguments),
	.start = purchase_intervals_start,
	.customer = purchase_intervals_customer,
};

/* loyalty_purchase_intervals_result_in, loyalty_purchase_intervals_result_out,
 * loyalty_purchase_intervals_result_recv, loyalty_purchase_intervals_result_send,
 * loyalty_purchase_intervals_result_merge,
 * loyalty_purchase_intervals_result_scope */
TALLY_TYPE(purchase_intervals_result, &shape)

/* loyalty_purchase_intervals, (base, as_of, up_to); loyalty_purchase_intervals_accum */
METRIC_FUNCTIONS(purchase_intervals, &intervals)

/* ---- questions ---- */

PG_FUNCTION_INFO_V1(loyalty_purchase_intervals_summary);
PG_FUNCTION_INFO_V1(loyalty_purchase_intervals_quantile);
PG_FUNCTION_INFO_V1(loyalty_purchase_intervals_table);

/* A count as a column has it. */
static int64
whole(int128 count)
{
	if (count > PG_INT64_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of purchases is out of range")));
	return (int64) count;
}

/* purchase_intervals_summary(result) */
Datum
loyalty_purchase_intervals_summary(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	IntervalRows of = interval_rows(rows, nrows, 0);
	Spread buyers = spread_open(interval_rows(rows, nrows, 1), INTERVALS_REACHED);
	Spread gaps = spread_open(of, INTERVALS_GAPS);
	Rows out;

	rows_open_record(&out, fcinfo);
	rows_begin(&out);
	rows_put_count(&out, whole(buyers.count));
	rows_put_count(&out, whole(gaps.count));
	rows_put_float(&out, spread_mean(&gaps));
	rows_put_float(&out, spread_quantile(&gaps, 0.5));
	rows_put_float(&out, spread_quantile(&gaps, 0.25));
	rows_put_float(&out, spread_quantile(&gaps, 0.75));
	rows_put_float(&out, spread_quantile(&gaps, 0.9));
	if (of.nrows > 0)
	{
		rows_put_int(&out, (int32) of.rows[0]->key.numbers[INTERVALS_DAYS]);
		rows_put_int(&out, (int32) of.rows[of.nrows - 1]->key.numbers[INTERVALS_DAYS]);
	}
	else
	{
		rows_put_null(&out);
		rows_put_null(&out);
	}
	metric_put_as_of(&out, tally);
	return rows_record(&out);
}

/* purchase_intervals_quantile(result, q, n): n NULL for gaps */
Datum
loyalty_purchase_intervals_quantile(PG_FUNCTION_ARGS)
{
	const Tally *tally;
	int64 nrows;
	TallyRow **rows;
	double q;
	int32 n = 0;
	Spread spread;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	q = PG_GETARG_FLOAT8(1);
	if (!(q >= 0 && q <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("q must be from 0 to 1, not %g", q)));
	tally = tally_argument(fcinfo, 0, &shape);
	if (!PG_ARGISNULL(2))
	{
		n = PG_GETARG_INT32(2);
		if (n < 2 || n > up_to_of(tally))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("n must be from 2 to the result's up_to %d, not %d",
								   up_to_of(tally), n),
							errhint("Count further with a larger up_to.")));
	}
	rows = tally_rows(tally, &nrows);
	spread =
		spread_open(interval_rows(rows, nrows, n), n == 0 ? INTERVALS_GAPS : INTERVALS_REACHED);
	if (spread.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(spread_quantile(&spread, q));
}

/* purchase_intervals_table(result): a row for each n, also those that nobody reached */
Datum
loyalty_purchase_intervals_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int32 up_to = up_to_of(tally);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	IntervalRows before = interval_rows(rows, nrows, 1);
	int128 buyers = spread_open(before, INTERVALS_REACHED).count;
	ReachWalk walk = { NULL, 0 };
	Rows out;
	int32 n;

	rows_open(&out, fcinfo);
	for (n = 2; n <= up_to; n++)
	{
		IntervalRows of = interval_rows(rows, nrows, n);
		Spread reached = spread_open(of, INTERVALS_REACHED);
		double median = reach_median(&walk, before, of);

		rows_begin(&out);
		rows_put_int(&out, n);
		rows_put_count(&out, whole(reached.count));
		rows_put_count(&out, whole(buyers - reached.count));
		rows_put_float(&out, spread_mean(&reached));
		rows_put_float(&out, spread_quantile(&reached, 0.5));
		rows_put_float(&out, median);
		metric_put_as_of(&out, tally);
		rows_end(&out);
		before = of;
	}
	return (Datum) 0;
}
