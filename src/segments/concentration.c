/*
 * concentration.c
 *		How much of the revenue few customers bring: concentration(), its table by top shares,
 *		Gini's coefficient and the points of Lorenz's curve.
 *
 *		amount		customers
 *		-20.00		1			who gave back more than he bought
 *		  0.00		4
 *		 12.50		310			each of them brought so much
 *		...
 *
 * A result counts customers by what they brought: all that is asked of it is exact, and results of
 * disjoint customers add up. Equal amounts share a row, so that ties need no rule: whoever of them
 * is taken for the top, it brings the same.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "core/argument.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "timeline/timeline.h"

/* ---- counting ---- */

/* Amounts are counted apart, which costs less than looking up a row for each. */
typedef struct ConcentrationFold
{
	TimestampTz end; /* of what counts */
	MemoryContext context;
	int scale; /* of the amounts */
	CountedNumbers amounts;
} ConcentrationFold;

static ConcentrationFold *
fold_create(TimestampTz end)
{
	ConcentrationFold *fold = palloc0(sizeof(ConcentrationFold));

	fold->end = end;
	fold->context = CurrentMemoryContext;
	return fold;
}

static void *
concentration_start(const MetricQuestion *question, Tally *tally)
{
	return fold_create(zone_day_start(question->zone, question->as_of + 1));
}

static int64
scaled_amount(int64 units, int64 factor)
{
	if (unlikely(pg_mul_s64_overflow(units, factor, &units)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("what a customer brought is out of range"),
				 errhint("Fewer decimals leave room for larger sums: use round(value, 2).")));
	return units;
}

/* Makes sure that amounts of this scale can be counted. */
static void
use_scale(ConcentrationFold *fold, int scale)
{
	int64 factor;
	int64 i;

	if (likely(scale <= fold->scale))
		return;
	counted_settle(&fold->amounts, fold->context);
	factor = decimal_power[scale - fold->scale];
	for (i = 0; i < fold->amounts.ncounted; i++)
	{
		fold->amounts.counted[i].number = scaled_amount(fold->amounts.counted[i].number, factor);
		CHECK_FOR_INTERRUPTS();
	}
	fold->scale = scale;
}

static void
count_amount(ConcentrationFold *fold, int64 units, int scale)
{
	use_scale(fold, scale);
	counted_add(&fold->amounts, fold->context,
				scaled_amount(units, decimal_power[fold->scale - scale]));
}

/* Adds up a customer's values; false where he has no event that counts. */
static bool
sum_values(TimelineReader *reader, TimestampTz end, int128 *sum)
{
	bool counts = false;
	int64 value = 0;

	*sum = 0;
	if (reader->flags & TIMELINE_RICH)
	{
		Event event;

		while (timeline_next(reader, &event) && event.at < end)
		{
			counts = true;
			*sum += event.has_value ? event.value : 0;
			CHECK_FOR_INTERRUPTS();
		}
		return counts;
	}
	for (; reader->left > 0 && timeline_read_instant(reader) < end; reader->left--)
	{
		counts = true;
		if (reader->flags & TIMELINE_HAS_VALUES && timeline_read_value(reader, &value))
			*sum += value;
		CHECK_FOR_INTERRUPTS();
	}
	return counts;
}

static void
concentration_customer(void *of, ByteSpan body)
{
	ConcentrationFold *fold = of;
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	bool counts;
	int128 sum;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	counts = sum_values(&reader, fold->end, &sum);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	if (!counts)
		return;
	if (unlikely(sum > PG_INT64_MAX || sum < -PG_INT64_MAX))
		decimal_report_sum("a customer's values");
	count_amount(fold, (int64) sum, reader.scale);
}

static void
concentration_finish(void *of, Tally *tally)
{
	ConcentrationFold *fold = of;
	CountedNumbers *amounts = &fold->amounts;
	int64 factor;
	int64 i;

	counted_settle(amounts, fold->context);
	factor = (int64) tally_use_scale(tally, fold->scale);
	for (i = 0; i < amounts->ncounted; i++)
	{
		TallyKey key = { .numbers = { scaled_amount(amounts->counted[i].number, factor) } };

		tally_add(tally, tally_row(tally, &key), 0, amounts->counted[i].count);
		CHECK_FOR_INTERRUPTS();
	}
	counted_clear(amounts);
}

/* ---- the result ---- */

static const MetricArgument arguments[] = {
	METRIC_LAST_DAY_ARGUMENT("as_of"),
	{ "zone", .type = METRIC_ZONE, .may_be_null = true },
};

/* Straight over sums, both are unknown. */
static const TallyParameter parameters[] = { METRIC_ZONE_PARAMETER, METRIC_AS_OF_PARAMETER };

static const TallyColumn keys[] = { { "amount", TALLY_DECIMAL } };
static const TallyColumn columns[] = { { "customers", TALLY_COUNT } };

/* Adds what customers of an amount bring; false where that doesn't fit. */
static bool
add_revenue(int128 *revenue, const TallyRow *row)
{
	/* a key has 64 bits, a count 63 */
	return !__builtin_add_overflow(*revenue, row->sums[0] * row->key.numbers[0], revenue);
}

static const char *
find_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows;
	int64 customers = 0;
	int128 brought = 0;
	int128 given_back = 0;
	int64 i;

	if (tally_scale(tally) == TALLY_FLOATS)
		return "Amounts are exact, not floats.";
	rows = tally_rows(tally, &nrows);
	for (i = 0; i < nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (rows[i]->key.numbers[0] == PG_INT64_MIN)
			return "An amount doesn't fit.";
		if (pg_add_s64_overflow(customers, (int64) rows[i]->sums[0], &customers))
			return "There are more customers than 2^63 - 1.";
		if (!add_revenue(rows[i]->key.numbers[0] > 0 ? &brought : &given_back, rows[i]))
			return "The revenue of all customers doesn't fit.";
	}
	pfree(rows);
	return NULL;
}

static const TallyShape shape = {
	.type = "concentration_result",
	.maker = "concentration() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

static const Metric concentration = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(arguments),
	.eventless = METRIC_IGNORE_EVENTLESS,
	.start = concentration_start,
	.customer = concentration_customer,
	.finish = concentration_finish,
};

/* loyalty_concentration_result_in, loyalty_concentration_result_out,
 * loyalty_concentration_result_recv, loyalty_concentration_result_send,
 * loyalty_concentration_result_merge, loyalty_concentration_result_scope */
TALLY_TYPE(concentration_result, &shape)

/* loyalty_concentration, (timeline_base, as_of, zone); loyalty_concentration_accum */
METRIC_FUNCTIONS(concentration, &concentration)

/* ---- straight over sums ---- */

PG_FUNCTION_INFO_V1(loyalty_concentration_amount_accum);

/* concentration_accum(state, amount), of any type of numbers */
Datum
loyalty_concentration_amount_accum(PG_FUNCTION_ARGS)
{
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &shape, &is_new);

	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = (void *) decimal_reader(get_fn_expr_argtype(fcinfo->flinfo, 1));
	if (state->fold == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);

		state->fold = fold_create(DT_NOEND);
		state->flush = concentration_finish;
		MemoryContextSwitchTo(old);
	}
	if (!PG_ARGISNULL(1))
	{
		DecimalReader read = (DecimalReader) fcinfo->flinfo->fn_extra;
		Decimal amount = read(PG_GETARG_DATUM(1));

		count_amount(state->fold, amount.units, amount.scale);
	}
	TALLY_RETURN_STATE(state);
}

/* ---- questions ---- */

PG_FUNCTION_INFO_V1(loyalty_concentration_table);
PG_FUNCTION_INFO_V1(loyalty_concentration_gini);
PG_FUNCTION_INFO_V1(loyalty_concentration_lorenz);

/* Customers of one amount, and all up to them: in the order in which they are taken. */
typedef struct AmountStep
{
	int64 amount;
	int64 customers; /* these and those before */
	int128 revenue;
} AmountStep;

/* The first is all zeros; at least one step. */
typedef struct AmountSteps
{
	AmountStep *steps;
	int64 n;
	int64 customers;
	int128 revenue;
} AmountSteps;

static AmountSteps
open_steps(const Tally *tally, bool largest_first)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	AmountSteps of = { .steps =
						   palloc_extended((nrows + 1) * sizeof(AmountStep), MCXT_ALLOC_HUGE) };
	AmountStep step = { 0 };
	int64 i;

	of.steps[of.n++] = step;
	for (i = 0; i < nrows; i++)
	{
		const TallyRow *row = rows[largest_first ? nrows - 1 - i : i];

		step.amount = row->key.numbers[0];
		if (pg_add_s64_overflow(step.customers, (int64) row->sums[0], &step.customers) ||
			!add_revenue(&step.revenue, row))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("revenue of all customers is out of range")));
		of.steps[of.n++] = step;
		CHECK_FOR_INTERRUPTS();
	}
	pfree(rows);
	of.customers = step.customers;
	of.revenue = step.revenue;
	return of;
}

/* The first step that takes in so many customers, which aren't more than there are. */
static const AmountStep *
step_of(const AmountSteps *of, int64 customers)
{
	int64 low = 0;
	int64 high = of->n - 1;

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (of->steps[middle].customers < customers)
			low = middle + 1;
		else
			high = middle;
	}
	return &of->steps[low];
}

/* What that many customers bring together, in the order in which they are taken. */
static int128
revenue_of(const AmountStep *step, int64 customers)
{
	return step->revenue - (int128) (step->customers - customers) * step->amount;
}

static void
put_revenue_share(Rows *rows, int128 part, int128 whole)
{
	rows_put_float(rows, whole > 0 ? (double) part / (double) whole : NAN);
}

static void
check_share(Datum share)
{
	Numeric number = DatumGetNumeric(share);

	/* NaN is above all numbers */
	if (numeric_compare(number, decimal_to_numeric(0, 0)) <= 0 ||
		numeric_compare(number, decimal_to_numeric(1, 0)) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a top share must be above 0 and at most 1, not %s",
							   DatumGetCString(DirectFunctionCall1(numeric_out, share))),
						errhint("20 percent are 0.2.")));
}

/* The shares that are asked for, checked. */
static Datum *
shares_argument(FunctionCallInfo fcinfo, int n, int *nshares)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(n);
	Datum *shares;
	bool *nulls;
	int i;

	argument_refuse_matrix(array, "top_shares");
	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &shares, &nulls, nshares);
	if (*nshares == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("top_shares is empty"),
						errhint("Give shares such as ARRAY[0.01, 0.2], or leave it out.")));
	for (i = 0; i < *nshares; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a top share is null")));
		check_share(shares[i]);
	}
	return shares;
}

/* A share of the customers, rounded up to whole ones. */
static int64
customers_of_share(Datum share, int64 customers)
{
	Datum part =
		DirectFunctionCall2(numeric_mul, share, NumericGetDatum(decimal_to_numeric(customers, 0)));

	return DatumGetInt64(
		DirectFunctionCall1(numeric_int8, DirectFunctionCall1(numeric_ceil, part)));
}

/* concentration_table(result, top_shares): a row for each share, as they are given */
Datum
loyalty_concentration_table(PG_FUNCTION_ARGS)
{
	int nshares;
	Datum *shares = shares_argument(fcinfo, 1, &nshares);
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int scale = tally_scale(tally);
	AmountSteps of = open_steps(tally, true);
	Rows rows;
	int i;

	rows_open(&rows, fcinfo);
	for (i = 0; i < nshares; i++)
	{
		int64 customers;
		const AmountStep *step;
		int128 revenue;

		rows_begin(&rows);
		customers = customers_of_share(shares[i], of.customers);
		step = step_of(&of, customers);
		revenue = revenue_of(step, customers);
		rows_put_datum(&rows, shares[i]);
		rows_put_count(&rows, customers);
		rows_put_decimal(&rows, revenue, scale);
		put_revenue_share(&rows, revenue, of.revenue);
		if (customers > 0)
			rows_put_decimal(&rows, step->amount, scale);
		else
			rows_put_null(&rows);
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/*
 * Half the mean difference of two customers, by the mean: with amounts x in order, of n customers,
 *
 *		G = sum over i of (2 i - n - 1) x_i / (n sum of x)
 *
 * where the c customers of one amount, behind a before them, add up to c (2 a + c - n) x.
 */
static double
gini(const AmountSteps *of)
{
	double n = (double) of->customers;
	double sum = 0;
	double lost = 0; /* Kahan's: what rounding took from the sum */
	int64 i;

	if (of->revenue <= 0)
		return NAN;
	for (i = 1; i < of->n; i++)
	{
		int64 before = of->steps[i - 1].customers;
		int64 after = of->steps[i].customers;
		double weight = (double) ((int128) before + after - of->customers);
		double term = weight * (double) (after - before) * (double) of->steps[i].amount - lost;
		double next = sum + term;

		lost = (next - sum) - term;
		sum = next;
		CHECK_FOR_INTERRUPTS();
	}
	return sum / (n * (double) of->revenue);
}

/* concentration_gini(result) */
Datum
loyalty_concentration_gini(PG_FUNCTION_ARGS)
{
	AmountSteps of = open_steps(tally_argument(fcinfo, 0, &shape), false);
	double coefficient = gini(&of);

	if (isnan(coefficient))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(coefficient);
}

/* What so many and a part of the next customer bring, from the smallest on. */
static double
lorenz_revenue(const AmountSteps *of, int64 customers, double part)
{
	double revenue = (double) revenue_of(step_of(of, customers), customers);

	if (part > 0)
		revenue += part * (double) step_of(of, customers + 1)->amount;
	return revenue;
}

/* concentration_lorenz(result, points): from 0 to 1 in equal steps */
Datum
loyalty_concentration_lorenz(PG_FUNCTION_ARGS)
{
	int32 points = PG_GETARG_INT32(1);
	AmountSteps of = open_steps(tally_argument(fcinfo, 0, &shape), false);
	Rows rows;
	int32 i;

	metric_check_count("points", points);
	rows_open(&rows, fcinfo);
	for (i = 0; i <= points && of.customers > 0; i++)
	{
		int128 place = (int128) of.customers * i;
		double part = (double) (place % points) / points;
		double revenue = lorenz_revenue(&of, (int64) (place / points), part);

		rows_begin(&rows);
		rows_put_int(&rows, i);
		rows_put_float(&rows, (double) i / points);
		rows_put_float(&rows, of.revenue > 0 ? revenue / (double) of.revenue : NAN);
		rows_end(&rows);
	}
	return (Datum) 0;
}
