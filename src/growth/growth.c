/*
 * growth.c
 *		The SQL face of growth accounting: growth() and churn() over active days, growth()
 *		over timelines, their results and tables.
 */
#include "postgres.h"

#include <math.h>

#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally_sql.h"
#include "growth/growth.h"

/* ---- the results ---- */

static const MetricArgument arguments[] = { METRIC_PERIOD_ARGUMENT, METRIC_AS_OF_ARGUMENT };

static const TallyParameter parameters[] = { METRIC_PERIOD_PARAMETER, METRIC_ZONE_PARAMETER,
											 METRIC_AS_OF_PARAMETER };

static const TallyColumn keys[] = { { "period", TALLY_PERIOD } };

/* In a growth_result the first GROWTH_COUNTS. */
static const TallyColumn columns[GROWTH_SUMS] = {
	[GROWTH_NEW] = { "new", TALLY_COUNT },
	[GROWTH_RETAINED] = { "retained", TALLY_COUNT },
	[GROWTH_RESURRECTED] = { "resurrected", TALLY_COUNT },
	[GROWTH_NEW_REVENUE] = { "new_revenue", TALLY_VALUE },
	[GROWTH_RETAINED_REVENUE] = { "retained_revenue", TALLY_VALUE },
	[GROWTH_RESURRECTED_REVENUE] = { "resurrected_revenue", TALLY_VALUE },
	[GROWTH_EXPANSION] = { "expansion", TALLY_VALUE },
	[GROWTH_CONTRACTION] = { "contraction", TALLY_VALUE },
	[GROWTH_RETURNED] = { "returned", TALLY_VALUE },
};

static int128
active_of(const TallyRow *row)
{
	return metric_sum(row, GROWTH_NEW) + metric_sum(row, GROWTH_RETAINED) +
		   metric_sum(row, GROWTH_RESURRECTED);
}

/* A count as a column has it. */
static int64
whole(int128 count)
{
	if (count > PG_INT64_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of active customers is out of range")));
	return (int64) count;
}

/* The sum of two amounts. */
static int128
plus(int128 a, int128 b)
{
	if (__builtin_add_overflow(a, b, &a))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("revenue is out of range")));
	return a;
}

static int128
minus(int128 a, int128 b)
{
	if (__builtin_sub_overflow(a, b, &a))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("revenue is out of range")));
	return a;
}

/* Revenue of a period. */
static int128
revenue_of(const TallyRow *row)
{
	return plus(plus(metric_sum(row, GROWTH_NEW_REVENUE), metric_sum(row, GROWTH_RETAINED_REVENUE)),
				metric_sum(row, GROWTH_RESURRECTED_REVENUE));
}

/* What those retained in a period had brought in the one before. */
static int128
revenue_kept(const TallyRow *row)
{
	return plus(minus(metric_sum(row, GROWTH_RETAINED_REVENUE), metric_sum(row, GROWTH_EXPANSION)),
				metric_sum(row, GROWTH_CONTRACTION));
}

/* Checks a period by the one before; known: customers seen until then. */
static const char *
count_fault(const TallyRow *row, const TallyRow *before, int128 known)
{
	if (row->sums[GROWTH_RETAINED] > active_of(before))
		return "More customers are retained in a period than were active in the one before.";
	if (row->sums[GROWTH_RESURRECTED] > known - active_of(before))
		return "More customers are resurrected in a period than were there to come back.";
	return NULL;
}

static const char *
money_fault(const TallyRow *row, const TallyRow *before)
{
	const int128 *sums = row->sums;

	if (sums[GROWTH_EXPANSION] < 0 || sums[GROWTH_CONTRACTION] < 0 || sums[GROWTH_RETURNED] < 0)
		return "\"expansion\", \"contraction\" or \"returned\" is below zero.";
	if ((sums[GROWTH_NEW] == 0 && sums[GROWTH_NEW_REVENUE] != 0) ||
		(sums[GROWTH_RESURRECTED] == 0 && sums[GROWTH_RESURRECTED_REVENUE] != 0) ||
		(sums[GROWTH_RETAINED] == 0 &&
		 (sums[GROWTH_RETAINED_REVENUE] != 0 || sums[GROWTH_EXPANSION] != 0 ||
		  sums[GROWTH_CONTRACTION] != 0)))
		return "There is revenue of customers who aren't there.";
	if (sums[GROWTH_RETAINED] == active_of(before) && revenue_kept(row) != revenue_of(before))
		return "Nobody churned in a period, but revenue did.";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	const char *fault = metric_period_fault(tally);
	int64 nrows;
	TallyRow **rows;
	int128 known = 0;
	int64 i;

	if (fault != NULL)
		return fault;
	rows = tally_rows(tally, &nrows);
	for (i = 0; i < nrows && fault == NULL; i++)
	{
		const TallyRow *before = i > 0 && rows[i - 1]->key.numbers[0] == rows[i]->key.numbers[0] - 1
									 ? rows[i - 1]
									 : NULL;

		fault = count_fault(rows[i], before, known);
		if (fault == NULL && tally_shape(tally)->nsums == GROWTH_SUMS)
			fault = money_fault(rows[i], before);
		known += rows[i]->sums[GROWTH_NEW];
	}
	return fault;
}

static const TallyShape shape = {
	.type = "growth_result",
	.maker = "growth(), churn() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = GROWTH_COUNTS,
	.sums = columns,
	.fault = find_fault,
};

static const TallyShape money_shape = {
	.type = "growth_money_result",
	.maker = "growth() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = GROWTH_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const Metric growth = {
	.shape = &shape,
	.narguments = lengthof(arguments),
	.arguments = arguments,
	.start = growth_start,
	.customer = growth_customer,
};

static const Metric growth_money = {
	.shape = &money_shape,
	.input = METRIC_TIMELINES,
	.narguments = lengthof(arguments),
	.arguments = arguments,
	.start = growth_money_start,
	.customer = growth_money_customer,
};

TALLY_TYPE(growth_result, &shape)
TALLY_TYPE(growth_money_result, &money_shape)

/* ---- counting ---- */

/* loyalty_growth, (activity_base, period, as_of), which is churn(), too; loyalty_growth_accum */
METRIC_FUNCTIONS(growth, &growth)

/* loyalty_growth_money, (timeline_base, period, as_of); loyalty_growth_money_accum */
METRIC_FUNCTIONS(growth_money, &growth_money)

/* ---- rows ---- */

PG_FUNCTION_INFO_V1(loyalty_growth_table);
PG_FUNCTION_INFO_V1(loyalty_growth_money_table);
PG_FUNCTION_INFO_V1(loyalty_churn_table);

/* A ratio; NULL where it has no meaning. */
static void
put_ratio(Rows *rows, int128 part, int128 whole)
{
	rows_put_float(rows, whole > 0 ? (double) part / (double) whole : NAN);
}

/* Puts active, new, retained, resurrected, churned and quick_ratio. */
static void
put_counts(Rows *rows, const TallyRow *row, const TallyRow *before)
{
	int128 came = metric_sum(row, GROWTH_NEW) + metric_sum(row, GROWTH_RESURRECTED);
	int128 churned = active_of(before) - metric_sum(row, GROWTH_RETAINED);
	int i;

	rows_put_count(rows, whole(active_of(row)));
	for (i = 0; i < GROWTH_COUNTS; i++)
		rows_put_count(rows, (int64) metric_sum(row, i));
	rows_put_count(rows, whole(churned));
	put_ratio(rows, came, churned);
}

/* growth_table(growth_result) */
Datum
loyalty_growth_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	MetricPeriods periods;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_periods_open(&periods, tally))
		return (Datum) 0;
	while (metric_periods_next(&periods))
	{
		rows_begin(&rows);
		metric_put_period(&rows, &periods);
		put_counts(&rows, periods.row, periods.before);
		rows_put_day(&rows, periods.as_of);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* Puts what moved revenue, from that of the period before to this one's, and the ratios. */
static void
put_money(Rows *rows, const TallyRow *row, const TallyRow *before, int scale)
{
	int128 opening = revenue_of(before);
	int128 churned = minus(opening, revenue_kept(row));
	int128 came =
		plus(metric_sum(row, GROWTH_NEW_REVENUE), metric_sum(row, GROWTH_RESURRECTED_REVENUE));
	int128 lost = plus(metric_sum(row, GROWTH_CONTRACTION), churned);
	int128 kept = minus(opening, lost);

	rows_put_decimal(rows, opening, scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_NEW_REVENUE), scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_EXPANSION), scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_RESURRECTED_REVENUE), scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_CONTRACTION), scale);
	rows_put_decimal(rows, churned, scale);
	rows_put_decimal(rows, revenue_of(row), scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_RETURNED), scale);
	put_ratio(rows, kept, opening);
	put_ratio(rows, plus(kept, metric_sum(row, GROWTH_EXPANSION)), opening);
	put_ratio(rows, plus(came, metric_sum(row, GROWTH_EXPANSION)), lost);
}

/* growth_table(growth_money_result) */
Datum
loyalty_growth_money_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &money_shape);
	MetricPeriods periods;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_periods_open(&periods, tally))
		return (Datum) 0;
	while (metric_periods_next(&periods))
	{
		rows_begin(&rows);
		metric_put_period(&rows, &periods);
		put_counts(&rows, periods.row, periods.before);
		put_money(&rows, periods.row, periods.before, tally_scale(tally));
		rows_put_day(&rows, periods.as_of);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* churn_table(growth_result, confidence): from the second period on, since nobody can leave
 * before */
Datum
loyalty_churn_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	MetricPeriods periods;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_periods_open(&periods, tally))
		return (Datum) 0;
	metric_periods_next(&periods);
	while (metric_periods_next(&periods))
	{
		int64 active = whole(active_of(periods.before));
		int64 churned = active - (int64) metric_sum(periods.row, GROWTH_RETAINED);

		rows_begin(&rows);
		metric_put_period(&rows, &periods);
		rows_put_count(&rows, active);
		rows_put_count(&rows, churned);
		metric_put_rate(&rows, churned, active, z);
		rows_put_day(&rows, periods.as_of);
		rows_end(&rows);
	}
	return (Datum) 0;
}
