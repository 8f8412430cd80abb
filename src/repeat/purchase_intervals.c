/*
 * purchase_intervals.c
 *		The SQL face of purchase_intervals(), its result, and what that is asked.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/rows.h"
#include "metric/tally_sql.h"
#include "repeat/repeat_purchase.h"

/* ---- the result ---- */

static const MetricArgument arguments[] = { METRIC_AS_OF_ARGUMENT,
											{ "up_to", .type = METRIC_COUNT } };

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
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = lengthof(columns),
	.sums = columns,
	.fault = find_fault,
};

static const Metric intervals = {
	.shape = &shape,
	.narguments = lengthof(arguments),
	.arguments = arguments,
	.start = purchase_intervals_start,
	.customer = purchase_intervals_customer,
};

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
