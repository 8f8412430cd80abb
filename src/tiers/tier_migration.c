/*
 * tier_migration.c
 *		From which tier to which members went between two days: tier_migration(), its result and
 *		table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "tiers/tiers_internal.h"

PG_FUNCTION_INFO_V1(loyalty_tier_migration_table);

/* Places of the parameters. */
#define PARAMETER_TO_DAY   2
#define PARAMETER_FROM_DAY 3

static const TallyParameter parameters[] = {
	TIER_PARAMETERS,
	METRIC_LAST_DAY_PARAMETER("to_day"),
	{ .name = "from_day",
	  .canonical = tally_canonical_day,
	  .hint = "Give the same from_day to all of them." },
};

static const MetricArgument arguments[] = {
	TIER_POLICY_ARGUMENT,
	{ "from_day", .type = METRIC_DAY, .null_hint = "Give the day to begin with." },
	METRIC_LAST_DAY_ARGUMENT("to_day"),
};

static const TallyColumn keys[MIGRATION_KEYS] = {
	[MIGRATION_FROM] = { "from_rank", TALLY_NUMBER },
	[MIGRATION_TO] = { "to_rank", TALLY_NUMBER },
};

static const TallyColumn columns[] = { { "members", TALLY_COUNT } };

static const char *
find_fault(const Tally *tally)
{
	const char *fault = tier_rows_fault(tally, MIGRATION_TO);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	const TierPolicy *policy;
	DateADT from_day;
	DateADT to_day;
	int64 i;

	if (fault != NULL || nrows == 0)
		return fault;
	policy = tier_result_policy(tally);
	for (i = 0; i < nrows; i++)
		if (rows[i]->key.numbers[MIGRATION_FROM] < TIER_NO_RANK ||
			rows[i]->key.numbers[MIGRATION_FROM] >= policy->ntiers)
			return "There is a rank that the policy doesn't have.";
	if (!tally_parameter_day(tally, PARAMETER_FROM_DAY, &from_day))
		return "There are rows, but no \"from_day\".";
	if (tally_parameter_day(tally, PARAMETER_TO_DAY, &to_day) && from_day > to_day)
		return "\"from_day\" is after \"to_day\".";
	return NULL;
}

static const TallyShape shape = {
	.type = "tier_migration_result",
	.maker = "tier_migration() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = MIGRATION_KEYS,
	.keys = keys,
	.nsums = lengthof(columns),
	.sums = columns,
	.fault = find_fault,
};

static const Metric metric = { TIER_METRIC,
							   .shape = &shape,
							   .narguments = lengthof(arguments),
							   .arguments = arguments,
							   .kind = TIER_MIGRATION,
							   .check = metric_check_days,
							   .eventless = METRIC_COUNT_EVENTLESS };

/* loyalty_tier_migration_result_in, loyalty_tier_migration_result_out,
 * loyalty_tier_migration_result_recv, loyalty_tier_migration_result_send,
 * loyalty_tier_migration_result_merge,
 * loyalty_tier_migration_result_scope */
TALLY_TYPE(tier_migration_result, &shape)

/* loyalty_tier_migration, (base, policy, from_day, to_day); loyalty_tier_migration_accum */
METRIC_FUNCTIONS(tier_migration, &metric)

/* ---- the table ---- */

/* tier_migration_table(result): a row for each pair of tiers that somebody went between */
Datum
loyalty_tier_migration_table(PG_FUNCTION_ARGS)
{
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	const TierPolicy *policy = tier_result_policy(tally);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	TallyRow **from_end = row;
	int128 from_members = 0;
	DateADT from_day;
	Rows rows;

	rows_open(&rows, fcinfo);
	if (nrows > 0 && (policy == NULL || !tally_parameter_day(tally, PARAMETER_FROM_DAY, &from_day)))
		report_corrupted();
	for (; row < end; row++)
	{
		int from = (int) (*row)->key.numbers[MIGRATION_FROM];
		int to = (int) (*row)->key.numbers[MIGRATION_TO];

		if (row == from_end)
			from_end = tally_same_first(row, end, &from_members);
		rows_begin(&rows);
		rows_put_name(&rows, from == TIER_NO_RANK ? TIER_NOT_YET : policy->tiers[from]);
		rows_put_int(&rows, from);
		rows_put_name(&rows, policy->tiers[to]);
		rows_put_int(&rows, to);
		rows_put_count(&rows, (int64) (*row)->sums[0]);
		rows_put_float(&rows, tier_share((*row)->sums[0], from_members));
		rows_put_day(&rows, from_day);
		metric_put_day(&rows, tally, "to_day");
		rows_end(&rows);
	}
	return (Datum) 0;
}
