/*
 * uplift.c
 *		What a campaign did: those who were treated against those who were held out, by whether they
 *		converted, or by a value of each; as a whole, or by stratum.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/argument.h"
#include "core/codec.h"
#include "effect/effect_internal.h"
#include "metric/metric.h"

/* ---- the result ---- */

typedef enum UpliftParameter
{
	UPLIFT_OUTCOME,
	UPLIFT_STRATIFIED,
	UPLIFT_PARAMETERS
} UpliftParameter;

typedef enum UpliftOutcome
{
	UPLIFT_CONVERSIONS,
	UPLIFT_VALUES
} UpliftOutcome;

#define UPLIFT_STRATUM 0
#define UPLIFT_TREATED 1

typedef enum UpliftSum
{
	UPLIFT_N,
	UPLIFT_MISSING,
	UPLIFT_SUM,
	UPLIFT_SQUARES,
	UPLIFT_SUMS
} UpliftSum;

#define SQUARES_NAME "sum_of_squares"

typedef enum UpliftTotal
{
	UPLIFT_UNASSIGNED,
	UPLIFT_GUESTS,
	UPLIFT_EVENTLESS
} UpliftTotal;

static const char *const outcome_names[] = { "conversion", "value" };

static char *
canonical_outcome(const char *text)
{
	return tally_canonical_choice(text, "\"outcome\" can't be", outcome_names,
								  lengthof(outcome_names));
}

/* It is there, or it isn't. */
static char *
canonical_stratified(const char *text)
{
	static const char *const names[] = { "true" };

	return tally_canonical_choice(text, "\"stratified\" can't be", names, lengthof(names));
}

static const TallyParameter uplift_parameters[UPLIFT_PARAMETERS] = {
	[UPLIFT_OUTCOME] = { .name = "outcome",
						 .canonical = canonical_outcome,
						 .hint = "Count conversions in all of them, or values." },
	[UPLIFT_STRATIFIED] = { .name = "stratified",
							.is_json = true,
							.canonical = canonical_stratified,
							.hint = "Give a stratum to all of them, or to none." },
};
static const TallyColumn uplift_keys[] = {
	[UPLIFT_STRATUM] = { "stratum", TALLY_TEXT },
	[UPLIFT_TREATED] = { "treated", TALLY_NUMBER },
};
static const TallyColumn uplift_sums[UPLIFT_SUMS] = {
	[UPLIFT_N] = { "n", TALLY_COUNT },
	[UPLIFT_MISSING] = { "missing", TALLY_COUNT },
	[UPLIFT_SUM] = { "sum", TALLY_VALUE },
	[UPLIFT_SQUARES] = { SQUARES_NAME, TALLY_VALUE },
};
static const char *const uplift_totals[] = {
	[UPLIFT_UNASSIGNED] = "unassigned",
	[UPLIFT_GUESTS] = TALLY_GUESTS,
	[UPLIFT_EVENTLESS] = TALLY_EVENTLESS,
};

static bool
is_of_values(const Tally *tally)
{
	const char *outcome = tally_parameter(tally, UPLIFT_OUTCOME);

	return outcome != NULL && strcmp(outcome, outcome_names[UPLIFT_VALUES]) == 0;
}

/* Of conversions the squares are the sum. */
static bool
uplift_lacks(const Tally *tally, const char *name)
{
	return strcmp(name, TALLY_GUESTS) == 0 || strcmp(name, TALLY_EVENTLESS) == 0 ||
		   (strcmp(name, SQUARES_NAME) == 0 && !is_of_values(tally));
}

/* What is wrong with the sums of a row, or NULL. */
static const char *
row_fault(const Tally *tally, const TallyRow *row)
{
	int64 n = (int64) row->sums[UPLIFT_N];
	int128 sum = row->sums[UPLIFT_SUM];
	Numeric exact;

	if (row->key.numbers[UPLIFT_TREATED] != ARM_CONTROL &&
		row->key.numbers[UPLIFT_TREATED] != ARM_TREATED)
		return "\"treated\" is neither 0 nor 1.";
	if (row->key.text != NULL && tally_parameter(tally, UPLIFT_STRATIFIED) == NULL)
		return "A row has a stratum, but it isn't stratified.";
	if (!is_of_values(tally))
		return sum < 0 || tally_scale(tally) != 0 || sum > n
				   ? "\"sum\" isn't a number of conversions from 0 to n."
				   : NULL;
	exact = exact_sum(tally, sum);
	if (exact_float(exact_spread(n, exact_sum(tally, row->sums[UPLIFT_SQUARES]), exact, exact)) < 0)
		return "There are no n values with that sum and that sum of squares.";
	return n == 0 && row->sums[UPLIFT_SQUARES] != 0 ? "There are sums of no values." : NULL;
}

static const char *
uplift_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	MemoryContext context;
	MemoryContext caller;
	const char *fault = NULL;
	int64 i;

	if (tally_parameter(tally, UPLIFT_OUTCOME) == NULL)
		return "There is no \"outcome\".";
	context = AllocSetContextCreate(CurrentMemoryContext, "loyalty uplift", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (i = 0; i < nrows && fault == NULL; i++)
	{
		CHECK_FOR_INTERRUPTS();
		fault = row_fault(tally, rows[i]);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	pfree(rows);
	return fault;
}

static const TallyShape uplift_shape = {
	.type = "uplift_result",
	.maker = "uplift() and rollup()",
	TALLY_PARAMETERS(uplift_parameters),
	TALLY_KEYS(uplift_keys),
	TALLY_SUMS(uplift_sums),
	TALLY_TOTALS(uplift_totals),
	.lacks = uplift_lacks,
	.fault = uplift_fault,
};

/* loyalty_uplift_result_in, loyalty_uplift_result_out, loyalty_uplift_result_recv,
 * loyalty_uplift_result_send, loyalty_uplift_result_merge, loyalty_uplift_result_scope */
TALLY_TYPE(uplift_result, &uplift_shape)

/* ---- the aggregate ---- */

PG_FUNCTION_INFO_V1(loyalty_uplift_accum);

/* How a call site reads its arguments, in fn_extra. */
typedef struct UpliftCall
{
	UpliftOutcome outcome;
	bool stratified;
	DecimalReader reader;
	AnyText stratum;
} UpliftCall;

static UpliftCall *
uplift_call(FunctionCallInfo fcinfo)
{
	UpliftCall *call = fcinfo->flinfo->fn_extra;

	if (call != NULL)
		return call;
	call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(UpliftCall));
	if (getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 2)) != BOOLOID)
	{
		call->outcome = UPLIFT_VALUES;
		call->reader = effect_reader(fcinfo, 2, "a value");
	}
	call->stratified = PG_NARGS() > 3;
	if (call->stratified)
		any_text_open(fcinfo, 3, &call->stratum);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

/* Sets the parameters of a new state, or checks those of one that came. */
static void
match_parameters(Tally *tally, bool is_new, const UpliftCall *call)
{
	if (is_new)
	{
		tally_set_parameter(tally, UPLIFT_OUTCOME, outcome_names[call->outcome]);
		tally_set_parameter(tally, UPLIFT_STRATIFIED, call->stratified ? "true" : NULL);
	}
	else if (unlikely(is_of_values(tally) != (call->outcome == UPLIFT_VALUES) ||
					  (tally_parameter(tally, UPLIFT_STRATIFIED) != NULL) != call->stratified))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("outcome and stratum must be of the same sort as in the state of uplift()"),
				 errhint("Count them apart.")));
}

/* uplift_accum(state, treated, outcome [, stratum]) */
Datum
loyalty_uplift_accum(PG_FUNCTION_ARGS)
{
	UpliftCall *call = uplift_call(fcinfo);
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &uplift_shape, &is_new);
	Tally *tally = state->tally;
	TallyKey key = { .text = NULL };
	TallyRow *row;

	match_parameters(tally, is_new, call);
	if (PG_ARGISNULL(1))
	{
		tally_add_total(tally, UPLIFT_UNASSIGNED, 1);
		TALLY_RETURN_STATE(state);
	}
	key.numbers[UPLIFT_TREATED] = PG_GETARG_BOOL(1) ? ARM_TREATED : ARM_CONTROL;
	if (call->stratified && !PG_ARGISNULL(3))
		key.text = any_text(&call->stratum, PG_GETARG_DATUM(3), &key.text_len);
	if (PG_ARGISNULL(2))
	{
		tally_add(tally, tally_row(tally, &key), UPLIFT_MISSING, 1);
		TALLY_RETURN_STATE(state);
	}
	row = tally_row(tally, &key);
	tally_add(tally, row, UPLIFT_N, 1);
	if (call->outcome == UPLIFT_CONVERSIONS)
		tally_add(tally, row, UPLIFT_SUM, PG_GETARG_BOOL(2));
	else
	{
		Decimal value = effect_value(call->reader, PG_GETARG_DATUM(2));

		effect_add_value(tally, row, UPLIFT_SUM, value);
		effect_add_product(tally, row, UPLIFT_SQUARES, value, value);
	}
	TALLY_RETURN_STATE(state);
}

/* ---- the table ---- */

PG_FUNCTION_INFO_V1(loyalty_uplift_table);

static Arm
make_arm(const Tally *tally, int64 n, int64 missing, int128 sum, int128 squares)
{
	Arm arm = { n, missing, exact_sum(tally, sum), NAN, NAN };

	if (n > 0)
		arm.mean = exact_float(arm.sum) / (double) n;
	if (n > 1)
		arm.variance = exact_float(exact_spread(n, exact_sum(tally, squares), arm.sum, arm.sum)) /
					   (double) n / (double) (n - 1);
	return arm;
}

typedef struct Stratum
{
	const TallyKey *key; /* with its name */
	int128 sums[2][UPLIFT_SUMS];
} Stratum;

/* All strata, sorted by name; those without one are the first. */
static Stratum *
read_strata(const Tally *tally, int64 *nstrata)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	Stratum *strata =
		palloc_extended(Max(nrows, 1) * sizeof(Stratum), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int64 n = 0;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		const TallyKey *key = &rows[i]->key;
		int64 treated = key->numbers[UPLIFT_TREATED];

		CHECK_FOR_INTERRUPTS();
		if (treated != ARM_CONTROL && treated != ARM_TREATED)
			report_corrupted();
		/* the control group's row comes first */
		if (n == 0 || treated == ARM_CONTROL ||
			(key->text == NULL ? strata[n - 1].key->text != NULL
							   : strata[n - 1].key->text == NULL ||
									 strata[n - 1].key->text_len != key->text_len ||
									 memcmp(strata[n - 1].key->text, key->text, key->text_len)))
			strata[n++].key = key;
		memcpy(strata[n - 1].sums[treated], rows[i]->sums, UPLIFT_SUMS * sizeof(int128));
	}
	pfree(rows);
	*nstrata = n;
	return strata;
}

static Arms
arms_of(const Tally *tally, const Stratum *stratum)
{
	Arms arms;
	int i;

	for (i = 0; i < (int) lengthof(arms.arm); i++)
	{
		const int128 *sums = stratum->sums[i];

		arms.arm[i] = make_arm(tally, (int64) sums[UPLIFT_N], (int64) sums[UPLIFT_MISSING],
							   sums[UPLIFT_SUM], sums[UPLIFT_SQUARES]);
	}
	return arms;
}

/* Puts a row: of a stratum, or of all. */
static void
put_row(Rows *rows, double planned_share, const TallyKey *stratum, const Arms *arms,
		int64 unassigned, Effect effect)
{
	Split split = effect_split(arms, planned_share);

	rows_begin(rows);
	rows_put_name(rows, stratum != NULL ? "stratum" : "all");
	rows_put_text(rows, stratum != NULL ? stratum->text : NULL,
				  stratum != NULL && stratum->text != NULL ? stratum->text_len : 0);
	effect_put_sizes(rows, arms, unassigned);
	effect_put(rows, &effect);
	effect_put_split(rows, &effect, &split);
	rows_end(rows);
}

/* uplift_table(result, confidence, planned_share) */
Datum
loyalty_uplift_table(PG_FUNCTION_ARGS)
{
	double confidence = PG_GETARG_FLOAT8(1);
	double planned_share = effect_share_argument(fcinfo, 2, "planned_share");
	const Tally *tally = tally_argument(fcinfo, 0, &uplift_shape);
	bool stratified = tally_parameter(tally, UPLIFT_STRATIFIED) != NULL;
	int64 nstrata;
	Stratum *strata = read_strata(tally, &nstrata);
	Arms *arms = palloc_extended(Max(nstrata, 1) * sizeof(Arms), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	Effect (*effect_of)(const Arms *, double) = effect_of_rates;
	Effect (*effect_by_stratum)(const Arms *, int64, double) = effect_of_rates_by_stratum;
	Arms all = { 0 };
	Rows rows;
	int64 i;

	if (is_of_values(tally))
	{
		effect_of = effect_of_means;
		effect_by_stratum = effect_of_means_by_stratum;
	}
	for (i = 0; i < nstrata; i++)
	{
		arms[i] = arms_of(tally, &strata[i]);
		arms_add_sizes(&all, &arms[i]);
	}
	rows_open(&rows, fcinfo);
	if (stratified)
		put_row(&rows, planned_share, NULL, &all, tally_total(tally, UPLIFT_UNASSIGNED),
				effect_by_stratum(arms, nstrata, confidence));
	else
	{
		static const Stratum nobody;

		if (nstrata == 0)
			arms[0] = arms_of(tally, &nobody);
		put_row(&rows, planned_share, NULL, &arms[0], tally_total(tally, UPLIFT_UNASSIGNED),
				effect_of(&arms[0], confidence));
	}
	for (i = 0; i < nstrata && stratified; i++)
		put_row(&rows, planned_share, strata[i].key, &arms[i], -1, effect_of(&arms[i], confidence));
	return (Datum) 0;
}
