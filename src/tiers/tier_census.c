/*
 * tier_census.c
 *		How many members are in each tier on a day: tier_census(), its result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "tiers/tiers_internal.h"

PG_FUNCTION_INFO_V1(loyalty_tier_census_table);

static const TallyColumn keys[] = { { "rank", TALLY_NUMBER } };

static const TallyColumn columns[CENSUS_SUMS] = {
	[CENSUS_MEMBERS] = { "members", TALLY_COUNT },
	[CENSUS_VALUE] = { "value", TALLY_VALUE },
};

static const char *
find_fault(const Tally *tally)
{
	const char *fault = tier_rows_fault(tally, 0);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	for (i = 0; fault == NULL && i < nrows; i++)
		if (rows[i]->sums[CENSUS_MEMBERS] == 0)
			fault = "There is a value of no members.";
	return fault;
}

static const TallyShape shape = {
	.type = "tier_census_result",
	.maker = "tier_census() and rollup()",
	.nparameters = TIER_PLAIN_PARAMETERS,
	.parameters = tier_plain_parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = CENSUS_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const Metric metric = { TIER_METRIC,
							   .shape = &shape,
							   .narguments = TIER_PLAIN_ARGUMENTS,
							   .arguments = tier_plain_arguments,
							   .kind = TIER_CENSUS,
							   .eventless = METRIC_COUNT_EVENTLESS };

/* loyalty_tier_census_result_in, loyalty_tier_census_result_out, loyalty_tier_census_result_recv,
 * loyalty_tier_census_result_send, loyalty_tier_census_result_merge,
 * loyalty_tier_census_result_scope */
TALLY_TYPE(tier_census_result, &shape)

/* loyalty_tier_census, (base, policy, as_of); loyalty_tier_census_accum */
METRIC_FUNCTIONS(tier_census, &metric)

/* tier_census_table(result): a row for each tier, also where nobody is in it */
Datum
loyalty_tier_census_table(PG_FUNCTION_ARGS)
{
	static const int128 nothing[CENSUS_SUMS];
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	const TierPolicy *policy = tier_result_policy(tally);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	TallyRow **each;
	int128 all = 0;
	Rows rows;
	int rank;

	rows_open(&rows, fcinfo);
	if (policy == NULL)
		return (Datum) 0;
	for (each = row; each < end; each++)
		all += (*each)->sums[CENSUS_MEMBERS];
	for (rank = 0; rank < policy->ntiers; rank++)
	{
		const int128 *sums = nothing;

		if (row < end && (*row)->key.numbers[0] == rank)
			sums = (*row++)->sums;
		rows_begin(&rows);
		rows_put_name(&rows, policy->tiers[rank]);
		rows_put_int(&rows, rank);
		rows_put_count(&rows, (int64) sums[CENSUS_MEMBERS]);
		rows_put_float(&rows, tier_share(sums[CENSUS_MEMBERS], all));
		rows_put_decimal(&rows, sums[CENSUS_VALUE], tally_scale(tally));
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}
