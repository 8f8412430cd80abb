/*
 * tier_near.c
 *		How many members lack little to the next tier, and to keeping theirs: tier_near(), its
 *		result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/tally_sql.h"
#include "tiers/tier_face.h"

PG_FUNCTION_INFO_V1(loyalty_tier_near);
PG_FUNCTION_INFO_V1(loyalty_tier_near_accum);
PG_FUNCTION_INFO_V1(loyalty_tier_near_table);

static const TallyParameter parameters[] = {
	TIER_PARAMETERS,
	BASE_PARAMETER_AS_OF,
	{ .name = "within",
	  .is_json = true,
	  .canonical = base_canonical_number,
	  .hint = "Give the same within to all of them." },
};

static const BaseArgument arguments[] = {
	TIER_ARGUMENT_POLICY,
	TIER_ARGUMENT_AS_OF,
	{ "within", BASE_NUMBER, TIER_PARAMETER_OTHER, "Give what may be missing, as within => 100." },
};

static const TallyColumn keys[] = { { "rank", TALLY_NUMBER } };

static const TallyColumn columns[NEAR_SUMS] = {
	[NEAR_MEMBERS] = { "members", TALLY_COUNT },
	[NEAR_NEXT] = { "near_next", TALLY_COUNT },
	[NEAR_KEEP] = { "near_keep", TALLY_COUNT },
};

static const char *
find_fault(const Tally *tally)
{
	const char *fault = tier_rows_fault(tally, 0);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	for (i = 0; fault == NULL && i < nrows; i++)
	{
		const int128 *sums = rows[i]->sums;

		if (sums[NEAR_NEXT] > sums[NEAR_MEMBERS] || sums[NEAR_KEEP] > sums[NEAR_MEMBERS])
			fault = "More are near than there are members.";
	}
	return fault;
}

static const TallyShape shape = {
	.type = "tier_near_result",
	.maker = "tier_near() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = NEAR_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static void
check_within(const BaseQuestion *question)
{
	Decimal within = question->number;

	if (within.units <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("within must be above zero, not %s",
							   decimal_to_text(within.units, within.scale))));
}

/* members in the base tier; what they lack depends on a day */
static void
add_eventless(Tally *tally, int64 customers)
{
	TallyKey key = { 0 };

	tally_add(tally, tally_row(tally, &key), NEAR_MEMBERS, customers);
}

static const BaseMetric metric = { TIER_METRIC,
								   .shape = &shape,
								   .narguments = lengthof(arguments),
								   .arguments = arguments,
								   .check = check_within,
								   .fold_kind = TIER_NEAR,
								   .add_eventless = add_eventless };

TALLY_TYPE(tier_near_result, &shape)

/* tier_near(base, policy, as_of, within) */
Datum
loyalty_tier_near(PG_FUNCTION_ARGS)
{
	return base_metric(fcinfo, &metric);
}

/* tier_near_accum(state, timeline, policy, as_of, within) */
Datum
loyalty_tier_near_accum(PG_FUNCTION_ARGS)
{
	return base_metric_add(fcinfo, &metric);
}

/* tier_near_table(result): a row for each tier, also where nobody is in it */
Datum
loyalty_tier_near_table(PG_FUNCTION_ARGS)
{
	static const int128 nothing[NEAR_SUMS];
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	const TierPolicy *policy = tier_result_policy(tally);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	DateADT as_of;
	bool has_as_of = tally_parameter_day(tally, TIER_PARAMETER_AS_OF, &as_of);
	Rows rows;
	int rank;

	rows_open(&rows, fcinfo);
	if (policy == NULL)
		return (Datum) 0;
	for (rank = 0; rank < policy->ntiers; rank++)
	{
		const int128 *sums = nothing;
		int i;

		if (row < end && (*row)->key.numbers[0] == rank)
			sums = (*row++)->sums;
		rows_begin(&rows);
		rows_put_name(&rows, policy->tiers[rank]);
		rows_put_int(&rows, rank);
		for (i = 0; i < NEAR_SUMS; i++)
			rows_put_count(&rows, (int64) sums[i]);
		if (has_as_of)
			rows_put_day(&rows, as_of);
		else
			rows_put_null(&rows);
		rows_end(&rows);
	}
	return (Datum) 0;
}
