/*
 * tier_near.c
 *		How many members lack little to the next tier, and to keeping theirs: tier_near(), its
 *		result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "tiers/tiers_internal.h"

PG_FUNCTION_INFO_V1(loyalty_tier_near_table);

static const TallyParameter parameters[] = {
	TIER_PARAMETERS,
	METRIC_AS_OF_PARAMETER,
	METRIC_DECIMAL_PARAMETER("within"),
};

static const MetricArgument arguments[] = {
	TIER_POLICY_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("as_of"),
	{ "within", .type = METRIC_DECIMAL,
	  .null_hint = "Give what may be missing, as within => 100." },
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
check_within(const MetricQuestion *question)
{
	Decimal within = question->decimal;

	if (within.units <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("within must be above zero, not %s",
							   decimal_to_text(within.units, within.scale))));
}

static const Metric metric = { TIER_METRIC,
							   .shape = &shape,
							   .narguments = lengthof(arguments),
							   .arguments = arguments,
							   .kind = TIER_NEAR,
							   .check = check_within,
							   .eventless = METRIC_COUNT_EVENTLESS };

/* loyalty_tier_near_result_in, loyalty_tier_near_result_out, loyalty_tier_near_result_recv,
 * loyalty_tier_near_result_send, loyalty_tier_near_result_merge,
 * loyalty_tier_near_result_scope */
TALLY_TYPE(tier_near_result, &shape)

/* loyalty_tier_near, (base, policy, as_of, within); loyalty_tier_near_accum */
METRIC_FUNCTIONS(tier_near, &metric)

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
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}
