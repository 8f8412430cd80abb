/*
 * rfm_distribution.c
 *		How often each recency, frequency and monetary value occurs: rfm_distribution(), and
 *		rfm_scale(), which is made of that.
 *
 * Exact quantiles need all values. So what adds up is how many customers have each: a row for each
 * different value of each measure, some 100 bytes while counted and 5 to 10 stored. Days and
 * purchase days are few; amounts may be as many as there are customers.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/argument.h"
#include "core/rows.h"
#include "segments/rfm_internal.h"

PG_FUNCTION_INFO_V1(loyalty_rfm_distribution_table);
PG_FUNCTION_INFO_V1(loyalty_rfm_scale_of_base);
PG_FUNCTION_INFO_V1(loyalty_rfm_scale_of_base_accum);
PG_FUNCTION_INFO_V1(loyalty_rfm_scale_of_result);
PG_FUNCTION_INFO_V1(loyalty_rfm_scale_final);

static const char *const measure_names[RFM_MEASURES] = { "recency", "frequency", "monetary" };

/* ---- counting ---- */

#define SCALES (DECIMAL_MAX_SCALE + 1)

typedef struct DistributionFold
{
	MemoryContext context;
	ZoneDays *zone;
	DateADT as_of;
	TimestampTz limit; /* the end of as_of */
	RfmWalk walk;
	CountedNumbers recency;
	CountedNumbers frequency;
	CountedNumbers monetary[SCALES]; /* by customers' scales */
} DistributionFold;

static void *
start_distribution(const MetricQuestion *question, Tally *tally)
{
	DistributionFold *fold = palloc0(sizeof(DistributionFold));

	fold->context = CurrentMemoryContext;
	fold->zone = question->zone;
	fold->as_of = question->as_of;
	fold->limit = zone_day_start(fold->zone, fold->as_of + 1);
	return fold;
}

static void
count_customer(void *of, ByteSpan body)
{
	DistributionFold *fold = of;
	const RfmCustomer *customer = &fold->walk.customer;

	rfm_walk_open(&fold->walk, body, fold->zone, NULL);
	rfm_walk_until(&fold->walk, fold->limit);
	rfm_walk_close(&fold->walk);
	if (customer->frequency == 0)
		return;
	counted_add(&fold->recency, fold->context, fold->as_of - customer->last);
	counted_add(&fold->frequency, fold->context, customer->frequency);
	counted_add(&fold->monetary[customer->scale], fold->context, rfm_monetary_units(customer));
}

#define KEY_MEASURE 0
#define KEY_NUMBER	1
#define KEY_AMOUNT	2

static void
take_numbers(DistributionFold *fold, Tally *tally, RfmMeasure measure, CountedNumbers *numbers,
			 int scale)
{
	TallyKey key = { .numbers = { measure } };
	int64 factor;
	int64 i;

	if (numbers->max_raw == 0)
		return;
	counted_settle(numbers, fold->context);
	factor = scale > 0 || measure == RFM_MONETARY ? (int64) tally_use_scale(tally, scale) : 1;
	for (i = 0; i < numbers->ncounted; i++)
	{
		int64 number = numbers->counted[i].number;

		if (measure != RFM_MONETARY)
			key.numbers[KEY_NUMBER] = number;
		else if (__builtin_mul_overflow(number, factor, &key.numbers[KEY_AMOUNT]))
			decimal_report_sum("monetary value");
		tally_add(tally, tally_row(tally, &key), 0, numbers->counted[i].count);
		CHECK_FOR_INTERRUPTS();
	}
	counted_clear(numbers);
}

static void
finish_distribution(void *of, Tally *tally)
{
	DistributionFold *fold = of;
	int scale;

	take_numbers(fold, tally, RFM_RECENCY, &fold->recency, 0);
	take_numbers(fold, tally, RFM_FREQUENCY, &fold->frequency, 0);
	/* the finest first: then no row need be brought to another scale */
	for (scale = SCALES - 1; scale >= 0; scale--)
		take_numbers(fold, tally, RFM_MONETARY, &fold->monetary[scale], scale);
}

/* ---- the result ---- */

/* What rfm_scale() asks for stands in its aggregate's state; a distribution has none. */
static const TallyParameter parameters[] = { METRIC_COUNT_PARAMETER("bins"), METRIC_ZONE_PARAMETER,
											 METRIC_AS_OF_PARAMETER };

static const TallyColumn keys[] = {
	[KEY_MEASURE] = { "measure", TALLY_NUMBER },
	[KEY_NUMBER] = { "number", TALLY_NUMBER },
	[KEY_AMOUNT] = { "amount", TALLY_DECIMAL },
};

static const TallyColumn columns[] = { { "customers", TALLY_COUNT } };

/* The values of each measure, ascending, as rows are; and how many customers have one. */
static void
read_values(const Tally *tally, RfmValues values[RFM_MEASURES], int128 customers[RFM_MEASURES])
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	CountedNumber *all = palloc_extended(Max(nrows, 1) * sizeof(CountedNumber), MCXT_ALLOC_HUGE);
	int64 i;

	for (i = 0; i < RFM_MEASURES; i++)
	{
		values[i].values = all;
		values[i].n = 0;
		customers[i] = 0;
	}
	for (i = 0; i < nrows; i++)
	{
		const TallyKey *key = &rows[i]->key;
		int64 measure = key->numbers[KEY_MEASURE];

		if (measure < 0 || measure >= RFM_MEASURES)
			report_corrupted();
		all[i].number = key->numbers[measure == RFM_MONETARY ? KEY_AMOUNT : KEY_NUMBER];
		all[i].count = (int64) rows[i]->sums[0];
		if (values[measure].n++ == 0)
			values[measure].values = &all[i];
		customers[measure] += rows[i]->sums[0];
	}
}

static const char *
row_fault(const TallyKey *key)
{
	int64 measure = key->numbers[KEY_MEASURE];

	if (measure < 0 || measure >= RFM_MEASURES)
		return "\"measure\" isn't 0 (recency), 1 (frequency) or 2 (monetary).";
	if (key->numbers[measure == RFM_MONETARY ? KEY_NUMBER : KEY_AMOUNT] != 0)
		return "\"number\" is of recency and frequency, \"amount\" of monetary.";
	if (measure == RFM_RECENCY &&
		(key->numbers[KEY_NUMBER] < 0 || key->numbers[KEY_NUMBER] > PG_INT32_MAX))
		return "There is a recency that can't be.";
	if (measure == RFM_FREQUENCY &&
		(key->numbers[KEY_NUMBER] < 1 || key->numbers[KEY_NUMBER] > PG_INT32_MAX))
		return "There is a frequency that can't be.";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	RfmValues values[RFM_MEASURES];
	int128 customers[RFM_MEASURES];
	DateADT as_of;
	int64 i;

	if (tally_scale(tally) == TALLY_FLOATS)
		return "Amounts are exact numbers.";
	for (i = 0; i < nrows; i++)
	{
		const char *fault = row_fault(&rows[i]->key);

		if (fault != NULL)
			return fault;
	}
	if (nrows > 0 && !metric_result_as_of(tally, &as_of))
		return "There are customers who have bought, but no \"as_of\".";
	read_values(tally, values, customers);
	if (customers[RFM_RECENCY] != customers[RFM_FREQUENCY] ||
		customers[RFM_RECENCY] != customers[RFM_MONETARY])
		return "Not as many customers have a recency as a frequency and a monetary value.";
	if (customers[RFM_RECENCY] > PG_INT64_MAX)
		return "There are too many customers.";
	return NULL;
}

static const TallyShape shape = {
	.type = "rfm_distribution_result",
	.maker = "rfm_distribution() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

/* loyalty_rfm_distribution_result_in, loyalty_rfm_distribution_result_out,
 * loyalty_rfm_distribution_result_recv, loyalty_rfm_distribution_result_send,
 * loyalty_rfm_distribution_result_merge, loyalty_rfm_distribution_result_scope */
TALLY_TYPE(rfm_distribution_result, &shape)

/* ---- the metric ---- */

#define BINS_HINT "5 is usual."

static const MetricArgument distribution_arguments[] = { METRIC_LAST_DAY_ARGUMENT("as_of"),
														 RFM_ZONE_ARGUMENT };

static const MetricArgument scale_arguments[] = {
	{ "bins", .type = METRIC_COUNT, .null_hint = BINS_HINT },
	METRIC_LAST_DAY_ARGUMENT("as_of"),
	RFM_ZONE_ARGUMENT,
};

/* A distribution has no bins. */
static const char *
no_bins(const MetricQuestion *question, const char *parameter)
{
	return NULL;
}

static const Metric distribution = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(distribution_arguments),
	.text = no_bins,
	.start = start_distribution,
	.customer = count_customer,
	.finish = finish_distribution,
};

static const Metric scale_metric = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(scale_arguments),
	.start = start_distribution,
	.customer = count_customer,
	.finish = finish_distribution,
};

/* loyalty_rfm_distribution, (base, as_of, zone); loyalty_rfm_distribution_accum */
METRIC_FUNCTIONS(rfm_distribution, &distribution)

/* ---- the scale ---- */

static Datum
scale_of_tally(FunctionCallInfo fcinfo, const Tally *tally, int bins)
{
	RfmValues values[RFM_MEASURES];
	int128 customers[RFM_MEASURES];
	const RfmScale *scale;

	read_values(tally, values, customers);
	scale = rfm_scale_of_values(values, tally_scale(tally), bins);
	if (scale == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(policy_pack(rfm_scale_text(scale)));
}

/* The scale that the aggregate's state, or a result of it, asks for. */
static Datum
scale_asked_for(FunctionCallInfo fcinfo, const Tally *tally)
{
	const char *bins = metric_parameter(tally, "bins");

	if (bins == NULL)
		report_corrupted();
	return scale_of_tally(fcinfo, tally, pg_strtoint32(bins));
}

/* rfm_scale(base, bins, as_of, zone) */
Datum
loyalty_rfm_scale_of_base(PG_FUNCTION_ARGS)
{
	Datum result = metric_over_base(fcinfo, &scale_metric);

	if (fcinfo->isnull)
		return result;
	return scale_asked_for(fcinfo,
						   tally_decode(&shape, (const struct varlena *) DatumGetPointer(result)));
}

/* The transition function of rfm_scale(timeline, bins, as_of, zone). */
Datum
loyalty_rfm_scale_of_base_accum(PG_FUNCTION_ARGS)
{
	return metric_accumulate(fcinfo, &scale_metric);
}

/* Its final function. */
Datum
loyalty_rfm_scale_final(PG_FUNCTION_ARGS)
{
	return scale_asked_for(fcinfo, tally_argument(fcinfo, 0, &shape));
}

/* rfm_scale(result, bins) */
Datum
loyalty_rfm_scale_of_result(PG_FUNCTION_ARGS)
{
	argument_refuse_null(fcinfo, 1, "bins", BINS_HINT);
	metric_check_count("bins", PG_GETARG_INT32(1));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return scale_of_tally(fcinfo, tally_argument(fcinfo, 0, &shape), PG_GETARG_INT32(1));
}

/* ---- rows ---- */

/* rfm_distribution_table(result): a row for each value of each measure */
Datum
loyalty_rfm_distribution_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	RfmValues values[RFM_MEASURES];
	int128 customers[RFM_MEASURES];
	Rows rows;
	int measure;

	read_values(tally, values, customers);
	rows_open(&rows, fcinfo);
	for (measure = 0; measure < RFM_MEASURES; measure++)
	{
		int64 seen = 0;
		int64 i;

		for (i = 0; i < values[measure].n; i++)
		{
			const CountedNumber *value = &values[measure].values[i];

			seen += value->count;
			rows_begin(&rows);
			rows_put_name(&rows, measure_names[measure]);
			rows_put_decimal(&rows, value->number,
							 measure == RFM_MONETARY ? tally_scale(tally) : 0);
			rows_put_count(&rows, value->count);
			rows_put_float(&rows, (double) value->count / (double) customers[measure]);
			rows_put_float(&rows, (double) seen / (double) customers[measure]);
			metric_put_as_of(&rows, tally);
			rows_end(&rows);
		}
	}
	return (Datum) 0;
}
