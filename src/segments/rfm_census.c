/*
 * rfm_census.c
 *		How many customers are in each segment, and what they bring: rfm_census(), its result and
 *		table.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "core/int128.h"
#include "core/rows.h"
#include "segments/rfm_internal.h"

PG_FUNCTION_INFO_V1(loyalty_rfm_census_table);

typedef enum CensusSum
{
	CENSUS_MEMBERS,
	CENSUS_RECENCY, /* days, added up */
	CENSUS_FREQUENCY,
	CENSUS_REVENUE,
	CENSUS_SUMS
} CensusSum;

#define REVENUE "revenue"

/* ---- counting ---- */

typedef struct CensusFold
{
	RfmSegmenter segmenter;
	bool keeps; /* customers, since there is no scale yet */
	ZoneDays *zone;
	DateADT as_of;
	TimestampTz limit; /* the end of as_of */
	RfmWalk walk;
	Tally *tally;
	TallyRow **rows; /* by rank - 1; NULL: nobody yet */
	RfmCrowd crowd;
} CensusFold;

static void *
start_census(const MetricQuestion *question, Tally *tally)
{
	CensusFold *fold = palloc0(sizeof(CensusFold));

	fold->segmenter = *(const RfmSegmenter *) question->own;
	fold->keeps = fold->segmenter.scorer == NULL;
	fold->zone = question->zone;
	fold->as_of = question->as_of;
	fold->limit = zone_day_start(fold->zone, fold->as_of + 1);
	fold->tally = tally;
	fold->rows = palloc0((fold->segmenter.rules->nsegments + 1) * sizeof(TallyRow *));
	fold->crowd.context = CurrentMemoryContext;
	return fold;
}

static void
add_customer(CensusFold *fold, const RfmCustomer *customer)
{
	int rank = rfm_segmenter_rank(&fold->segmenter, customer, fold->as_of);
	TallyRow *row = fold->rows[rank - 1];
	int128 revenue;

	if (row == NULL)
	{
		TallyKey key = { .numbers = { rank } };

		row = fold->rows[rank - 1] = tally_row(fold->tally, &key);
	}
	row->sums[CENSUS_MEMBERS]++;
	if (customer->frequency > 0)
		row->sums[CENSUS_RECENCY] += fold->as_of - customer->last;
	row->sums[CENSUS_FREQUENCY] += customer->frequency;
	if (int128_mul_overflow(customer->monetary, tally_use_scale(fold->tally, customer->scale),
							&revenue))
		decimal_report_sum(REVENUE);
	tally_add(fold->tally, row, CENSUS_REVENUE, revenue);
}

static void
count_customer(void *of, ByteSpan body)
{
	CensusFold *fold = of;

	rfm_walk_open(&fold->walk, body, fold->zone, NULL);
	rfm_walk_until(&fold->walk, fold->limit);
	rfm_walk_close(&fold->walk);
	if (fold->keeps)
		rfm_keep(&fold->crowd, &fold->walk.customer);
	else
		add_customer(fold, &fold->walk.customer);
}

/* Over a base, without a scale: all are there now, and have one. */
static void
finish_census(void *of, Tally *tally)
{
	CensusFold *fold = of;
	const RfmScale *scale;
	int64 i;

	if (!fold->keeps)
		return;
	scale = rfm_scale_of_crowd(&fold->crowd, 1, 0, fold->as_of);
	if (scale != NULL)
		tally_set_parameter(tally, RFM_PARAMETER_SCALE, rfm_scale_text(scale));
	rfm_segmenter_open(&fold->segmenter, scale, fold->segmenter.rules);
	for (i = 0; i < fold->crowd.n; i++)
	{
		RfmCustomer customer = rfm_kept_customer(&fold->crowd, i);

		add_customer(fold, &customer);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- the result ---- */

static const MetricArgument arguments[] = {
	RFM_SCALE_ARGUMENT(true),
	RFM_RULES_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("as_of"),
	RFM_ZONE_ARGUMENT,
};

static const MetricArgument arguments_of_rows[] = {
	RFM_SCALE_ARGUMENT(false),
	RFM_RULES_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("as_of"),
	RFM_ZONE_ARGUMENT,
};

static const TallyParameter parameters[] = { RFM_PARAMETERS, METRIC_AS_OF_PARAMETER };

static const TallyColumn keys[] = { { "rank", TALLY_NUMBER } };

static const TallyColumn columns[CENSUS_SUMS] = {
	[CENSUS_MEMBERS] = { "members", TALLY_COUNT },
	[CENSUS_RECENCY] = { "recency", TALLY_COUNT },
	[CENSUS_FREQUENCY] = { "frequency", TALLY_COUNT },
	[CENSUS_REVENUE] = { REVENUE, TALLY_VALUE },
};

static const char *
find_fault(const Tally *tally)
{
	RfmRules *rules;
	const char *fault = rfm_result_fault(tally, lengthof(keys), &rules);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	DateADT as_of;
	int64 i;

	if (fault != NULL)
		return fault;
	for (i = 0; i < nrows; i++)
	{
		const int128 *sums = rows[i]->sums;

		if (sums[CENSUS_MEMBERS] == 0)
			return "There are sums of no members.";
		if (rows[i]->key.numbers[0] <= rules->nsegments)
		{
			if (sums[CENSUS_FREQUENCY] < sums[CENSUS_MEMBERS])
				return "There are fewer purchase days than customers who have bought.";
			if (!metric_result_as_of(tally, &as_of))
				return "There are customers who have bought, but no \"as_of\".";
		}
		else if (sums[CENSUS_FREQUENCY] > 0 || sums[CENSUS_RECENCY] > 0)
			return "There are purchase days of customers who haven't bought.";
	}
	return NULL;
}

static const TallyShape shape = {
	.type = "rfm_census_result",
	.maker = "rfm_census() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

#define CENSUS                                                                     \
	.shape = &shape, .input = METRIC_TIMELINES, .open = rfm_open_question,         \
	.text = rfm_parameter_text, .start = start_census, .customer = count_customer, \
	.finish = finish_census

static const Metric over_base = { CENSUS, METRIC_ARGUMENTS(arguments) };
static const Metric of_rows = { CENSUS, METRIC_ARGUMENTS(arguments_of_rows) };

/* loyalty_rfm_census_result_in, loyalty_rfm_census_result_out, loyalty_rfm_census_result_recv,
 * loyalty_rfm_census_result_send, loyalty_rfm_census_result_merge,
 * loyalty_rfm_census_result_scope */
TALLY_TYPE(rfm_census_result, &shape)

/* loyalty_rfm_census, (base, scale, rules, as_of, zone); loyalty_rfm_census_accum */
METRIC_FUNCTIONS_APART(rfm_census, &over_base, &of_rows)

/* ---- rows ---- */

static void
put_mean(Rows *rows, int128 sum, int128 n)
{
	rows_put_float(rows, n > 0 ? (double) sum / (double) n : NAN);
}

/* A mean amount, with the decimals that avg() has. */
static void
put_mean_amount(Rows *rows, int128 sum, int128 n, int scale)
{
	if (n == 0)
		rows_put_null(rows);
	else
		rows_put_datum(rows, DirectFunctionCall2(
								 numeric_div, NumericGetDatum(decimal_sum_to_numeric(sum, scale)),
								 NumericGetDatum(decimal_sum_to_numeric(n, 0))));
}

/* rfm_census_table(result): a row for each segment, also where nobody is in it; and one for those
 * who haven't bought, where there are any */
Datum
loyalty_rfm_census_table(PG_FUNCTION_ARGS)
{
	static const int128 nothing[CENSUS_SUMS];
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	const RfmRules *rules = rfm_result_rules(tally);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	TallyRow **each;
	int128 members = 0;
	int128 revenue = 0;
	Rows rows;
	int rank;

	if (rules == NULL)
		report_corrupted();
	for (each = row; each < end; each++)
	{
		members += (*each)->sums[CENSUS_MEMBERS];
		decimal_sum_add(&revenue, (*each)->sums[CENSUS_REVENUE], REVENUE);
	}
	rows_open(&rows, fcinfo);
	for (rank = 1; rank <= rules->nsegments + 1; rank++)
	{
		const int128 *sums = nothing;
		bool bought = rank <= rules->nsegments;

		if (row < end && (*row)->key.numbers[0] == rank)
			sums = (*row++)->sums;
		else if (!bought)
			break;
		rows_begin(&rows);
		rows_put_name(&rows, rfm_segment_name(rules, rank));
		rows_put_int(&rows, rank);
		rows_put_count(&rows, (int64) sums[CENSUS_MEMBERS]);
		put_mean(&rows, sums[CENSUS_MEMBERS], members);
		rows_put_decimal(&rows, sums[CENSUS_REVENUE], tally_scale(tally));
		rows_put_float(&rows, revenue > 0 ? (double) sums[CENSUS_REVENUE] / (double) revenue : NAN);
		put_mean(&rows, sums[CENSUS_RECENCY], bought ? sums[CENSUS_MEMBERS] : 0);
		put_mean(&rows, sums[CENSUS_FREQUENCY], sums[CENSUS_MEMBERS]);
		put_mean_amount(&rows, sums[CENSUS_REVENUE], sums[CENSUS_MEMBERS], tally_scale(tally));
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}
