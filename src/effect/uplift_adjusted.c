/*
 * uplift_adjusted.c
 *		The same for a value that was known before, too: what of a customer's value was to be
 *		expected by then is taken off, which leaves less chance in the difference (CUPED).
 *
 *		adjusted value = value - theta (before - mean of before)
 *
 * theta is the slope of value on before inside of the groups: the covariance in both together, each
 * around the means of its group, divided by the variance of before. So the effect itself isn't in
 * it, and the difference of adjusted means is that of the analysis of covariance. The adjusted
 * values are compared by Welch's t.
 *
 * Deng, A., Xu, Y., Kohavi, R. and Walker, T. (2013): Improving the sensitivity of online
 * controlled experiments by utilizing pre-experiment data. Proceedings of WSDM 2013, 123-132.
 */
#include "postgres.h"

#include <math.h>

#include "core/codec.h"
#include "effect/effect_internal.h"
#include "metric/metric.h"

/* ---- the result ---- */

typedef enum AdjustedSum
{
	ADJUSTED_N,
	ADJUSTED_MISSING,
	ADJUSTED_VALUE,
	ADJUSTED_BEFORE,
	ADJUSTED_VALUE_SQUARES,
	ADJUSTED_BEFORE_SQUARES,
	ADJUSTED_PRODUCTS,
	ADJUSTED_SUMS
} AdjustedSum;

typedef enum AdjustedTotal
{
	ADJUSTED_UNASSIGNED,
	ADJUSTED_GUESTS,
	ADJUSTED_EVENTLESS
} AdjustedTotal;

static const TallyColumn adjusted_keys[] = { { "treated", TALLY_NUMBER } };
static const TallyColumn adjusted_sums[ADJUSTED_SUMS] = {
	[ADJUSTED_N] = { "n", TALLY_COUNT },
	[ADJUSTED_MISSING] = { "missing", TALLY_COUNT },
	[ADJUSTED_VALUE] = { "sum", TALLY_VALUE },
	[ADJUSTED_BEFORE] = { "sum_before", TALLY_VALUE },
	[ADJUSTED_VALUE_SQUARES] = { "sum_of_squares", TALLY_VALUE },
	[ADJUSTED_BEFORE_SQUARES] = { "sum_of_squares_before", TALLY_VALUE },
	[ADJUSTED_PRODUCTS] = { "sum_of_products", TALLY_VALUE },
};
static const char *const adjusted_totals[] = {
	[ADJUSTED_UNASSIGNED] = "unassigned",
	[ADJUSTED_GUESTS] = TALLY_GUESTS,
	[ADJUSTED_EVENTLESS] = TALLY_EVENTLESS,
};

static bool
adjusted_lacks(const Tally *tally, const char *name)
{
	return strcmp(name, TALLY_GUESTS) == 0 || strcmp(name, TALLY_EVENTLESS) == 0;
}

/* A group: n times the sums of squares and products around its means. */
typedef struct AdjustedGroup
{
	int64 n;
	int64 missing;
	Numeric value; /* sums */
	Numeric before;
	Numeric values; /* n times the sums of squares */
	Numeric befores;
	Numeric products;
} AdjustedGroup;

static AdjustedGroup
read_group(const Tally *tally, const TallyRow *row)
{
	static const int128 none[ADJUSTED_SUMS];
	const int128 *sums = row != NULL ? row->sums : none;
	AdjustedGroup group;

	group.n = (int64) sums[ADJUSTED_N];
	group.missing = (int64) sums[ADJUSTED_MISSING];
	group.value = exact_sum(tally, sums[ADJUSTED_VALUE]);
	group.before = exact_sum(tally, sums[ADJUSTED_BEFORE]);
	group.values = exact_spread(group.n, exact_sum(tally, sums[ADJUSTED_VALUE_SQUARES]),
								group.value, group.value);
	group.befores = exact_spread(group.n, exact_sum(tally, sums[ADJUSTED_BEFORE_SQUARES]),
								 group.before, group.before);
	group.products =
		exact_spread(group.n, exact_sum(tally, sums[ADJUSTED_PRODUCTS]), group.value, group.before);
	return group;
}

static const char *
adjusted_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		const TallyRow *row = rows[i];
		AdjustedGroup group;
		int sum;

		if (row->key.numbers[0] != ARM_CONTROL && row->key.numbers[0] != ARM_TREATED)
			return "\"treated\" is neither 0 nor 1.";
		group = read_group(tally, row);
		for (sum = ADJUSTED_VALUE; sum < ADJUSTED_SUMS && group.n == 0; sum++)
			if (row->sums[sum] != 0)
				return "There are sums of no values.";
		if (exact_float(group.values) < 0 || exact_float(group.befores) < 0 ||
			exact_float(exact_minus(exact_times(group.values, group.befores),
									exact_times(group.products, group.products))) < 0)
			return "There are no n values with those sums, sums of squares and of products.";
	}
	pfree(rows);
	return NULL;
}

static const TallyShape adjusted_shape = {
	.type = "uplift_adjusted_result",
	.maker = "uplift_adjusted() and rollup()",
	TALLY_KEYS(adjusted_keys),
	TALLY_SUMS(adjusted_sums),
	TALLY_TOTALS(adjusted_totals),
	.lacks = adjusted_lacks,
	.fault = adjusted_fault,
};

/* loyalty_uplift_adjusted_result_in, loyalty_uplift_adjusted_result_out,
 * loyalty_uplift_adjusted_result_recv, loyalty_uplift_adjusted_result_send,
 * loyalty_uplift_adjusted_result_merge, loyalty_uplift_adjusted_result_scope */
TALLY_TYPE(uplift_adjusted_result, &adjusted_shape)

/* ---- the aggregate ---- */

PG_FUNCTION_INFO_V1(loyalty_uplift_adjusted_accum);

/* How a call site reads its arguments, in fn_extra. */
typedef struct AdjustedCall
{
	DecimalReader value;
	DecimalReader before;
} AdjustedCall;

static AdjustedCall *
adjusted_call(FunctionCallInfo fcinfo)
{
	AdjustedCall *call = fcinfo->flinfo->fn_extra;

	if (call != NULL)
		return call;
	call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(AdjustedCall));
	call->value = effect_reader(fcinfo, 2, "a value");
	call->before = effect_reader(fcinfo, 3, "a value before");
	fcinfo->flinfo->fn_extra = call;
	return call;
}

/* uplift_adjusted_accum(state, treated, value, before) */
Datum
loyalty_uplift_adjusted_accum(PG_FUNCTION_ARGS)
{
	AdjustedCall *call = adjusted_call(fcinfo);
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &adjusted_shape, &is_new);
	Tally *tally = state->tally;
	TallyKey key = { .text = NULL };
	TallyRow *row;
	Decimal value;
	Decimal before;

	if (PG_ARGISNULL(1))
	{
		tally_add_total(tally, ADJUSTED_UNASSIGNED, 1);
		TALLY_RETURN_STATE(state);
	}
	key.numbers[0] = PG_GETARG_BOOL(1) ? ARM_TREATED : ARM_CONTROL;
	row = tally_row(tally, &key);
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
	{
		tally_add(tally, row, ADJUSTED_MISSING, 1);
		TALLY_RETURN_STATE(state);
	}
	value = effect_value(call->value, PG_GETARG_DATUM(2));
	before = effect_value(call->before, PG_GETARG_DATUM(3));
	tally_add(tally, row, ADJUSTED_N, 1);
	effect_add_value(tally, row, ADJUSTED_VALUE, value);
	effect_add_value(tally, row, ADJUSTED_BEFORE, before);
	effect_add_product(tally, row, ADJUSTED_VALUE_SQUARES, value, value);
	effect_add_product(tally, row, ADJUSTED_BEFORE_SQUARES, before, before);
	effect_add_product(tally, row, ADJUSTED_PRODUCTS, value, before);
	TALLY_RETURN_STATE(state);
}

/* ---- the table ---- */

PG_FUNCTION_INFO_V1(loyalty_uplift_adjusted_table);

/* A slope, as a quotient of exact numbers: covariance / variance, which may be 0. */
typedef struct Slope
{
	Numeric covariance;
	Numeric variance;
	double theta;
} Slope;

/* Of each group the sums of squares have its n as a factor; the other's makes them alike. Where
 * before never differs inside of a group, it tells nothing: 0. */
static Slope
find_slope(const AdjustedGroup *groups)
{
	Numeric n0 = exact_whole(Max(groups[0].n, 1));
	Numeric n1 = exact_whole(Max(groups[1].n, 1));
	Slope slope;
	double variance;

	slope.covariance =
		exact_plus(exact_times(groups[0].products, n1), exact_times(groups[1].products, n0));
	slope.variance =
		exact_plus(exact_times(groups[0].befores, n1), exact_times(groups[1].befores, n0));
	variance = exact_float(slope.variance);
	slope.theta = variance > 0 ? exact_float(slope.covariance) / variance : 0;
	return slope;
}

/* n times the sum of squares of adjusted values around their mean, from exact numbers up to the
 * last step: values - 2 theta products + theta^2 befores. */
static double
adjusted_spread(const AdjustedGroup *group, const Slope *slope)
{
	double variance = exact_float(slope->variance);
	Numeric twice;

	if (!(variance > 0))
		return exact_float(group->values);
	twice = exact_times(exact_times(slope->covariance, slope->variance), group->products);
	return exact_float(exact_plus(
			   exact_minus(
				   exact_times(exact_times(slope->variance, slope->variance), group->values),
				   exact_plus(twice, twice)),
			   exact_times(exact_times(slope->covariance, slope->covariance), group->befores))) /
		   variance / variance;
}

/* The variance of a mean, from n times a sum of squares; NaN where there aren't two. */
static double
variance_of_mean(const AdjustedGroup *group, double spread)
{
	double n = (double) group->n;

	return group->n > 1 ? spread / n / (n - 1) / n : NAN;
}

static double
mean_of(const AdjustedGroup *group, Numeric sum)
{
	return group->n > 0 ? exact_float(sum) / (double) group->n : NAN;
}

/* The difference of two means of exact sums. */
static double
difference_of(const AdjustedGroup *groups, Numeric control, Numeric treated)
{
	Arms arms = { { { .n = groups[0].n, .sum = control }, { .n = groups[1].n, .sum = treated } } };

	return arms_distance(&arms) / (double) groups[0].n / (double) groups[1].n;
}

/* uplift_adjusted_table(result, confidence, planned_share) */
Datum
loyalty_uplift_adjusted_table(PG_FUNCTION_ARGS)
{
	double confidence = PG_GETARG_FLOAT8(1);
	double planned_share = effect_share_argument(fcinfo, 2, "planned_share");
	const Tally *tally = tally_argument(fcinfo, 0, &adjusted_shape);
	TallyKey key = { .text = NULL };
	AdjustedGroup groups[2];
	Arms sizes = { 0 };
	Arms found = { 0 };
	MeanEstimate plain[2];
	MeanEstimate adjusted[2];
	Slope slope;
	Effect unadjusted;
	Effect effect;
	Split split;
	double all;
	double difference;
	double difference_before;
	Rows rows;
	int i;

	for (i = 0; i < (int) lengthof(groups); i++)
	{
		key.numbers[0] = i;
		groups[i] = read_group(tally, tally_find(tally, &key));
		found.arm[i].n = groups[i].n;
		found.arm[i].missing = groups[i].missing;
	}
	arms_add_sizes(&sizes, &found);
	slope = find_slope(groups);
	all = exact_float(exact_plus(groups[0].before, groups[1].before)) /
		  ((double) groups[0].n + (double) groups[1].n);
	for (i = 0; i < (int) lengthof(groups); i++)
	{
		plain[i].mean = mean_of(&groups[i], groups[i].value);
		plain[i].variance = variance_of_mean(&groups[i], exact_float(groups[i].values));
		adjusted[i].mean =
			plain[i].mean - slope.theta * (mean_of(&groups[i], groups[i].before) - all);
		adjusted[i].variance = variance_of_mean(&groups[i], adjusted_spread(&groups[i], &slope));
	}
	difference = difference_of(groups, groups[0].value, groups[1].value);
	difference_before = difference_of(groups, groups[0].before, groups[1].before);
	unadjusted = effect_of_two_means(difference, plain[ARM_TREATED], plain[ARM_CONTROL],
									 groups[ARM_TREATED].n, groups[ARM_CONTROL].n, confidence);
	effect = effect_of_two_means(difference - slope.theta * difference_before,
								 adjusted[ARM_TREATED], adjusted[ARM_CONTROL],
								 groups[ARM_TREATED].n, groups[ARM_CONTROL].n, confidence);
	effect.method = "CUPED";
	split = effect_split(&sizes, planned_share);

	rows_open(&rows, fcinfo);
	rows_begin(&rows);
	effect_put_sizes(&rows, &sizes, tally_total(tally, ADJUSTED_UNASSIGNED));
	effect_put(&rows, &effect);
	rows_put_float(&rows, groups[0].n + groups[1].n > 0 ? slope.theta : NAN);
	rows_put_float(&rows, unadjusted.difference.value);
	rows_put_float(&rows, unadjusted.difference.lower);
	rows_put_float(&rows, unadjusted.difference.upper);
	rows_put_float(&rows, 1 - (adjusted[0].variance + adjusted[1].variance) /
								  (plain[0].variance + plain[1].variance));
	effect_put_split(&rows, &effect, &split);
	rows_end(&rows);
	return (Datum) 0;
}
