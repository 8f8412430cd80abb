/*
 * tier_near.c
 *		How many members lack little to the next tier, and to keeping theirs: tier_near(), its
 *		result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/argument.h"
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

/* ---- who is near ---- */

/* A tier's number is watched while customers are counted: who moves it is in it. */
typedef struct NearWatch
{
	void *fold;
	int rank;
	NearSum sum;
} NearWatch;

static int
rank_argument(FunctionCallInfo fcinfo, int n, const TierPolicy *policy)
{
	return argument_choice(fcinfo, n, "tier", (const char *const *) policy->tiers, policy->ntiers,
						   "the policy has no tier", "'");
}

/* (tier, who) */
static void *
start_watch(FunctionCallInfo fcinfo, int n, const MetricQuestion *question)
{
	const char *names[NEAR_SUMS];
	NearWatch *watch = palloc0(sizeof(NearWatch));
	int sum;

	for (sum = 0; sum < NEAR_SUMS; sum++)
		names[sum] = columns[sum].name;
	watch->rank = rank_argument(fcinfo, n, question->policy);
	watch->sum = (NearSum) metric_cell_number(fcinfo, n + 1, names, NEAR_SUMS);
	watch->fold = tier_fold_start(question, NULL);
	return watch;
}

static bool
is_member(void *of, ByteSpan body)
{
	NearWatch *watch = of;
	int64 before = tier_fold_near(watch->fold, watch->rank, watch->sum);

	tier_fold_customer(watch->fold, body);
	return tier_fold_near(watch->fold, watch->rank, watch->sum) != before;
}

static bool
has_eventless(const void *of)
{
	const NearWatch *watch = of;

	return watch->rank == 0 && watch->sum == NEAR_MEMBERS;
}

static const MetricMembers members = {
	.metric = &metric,
	.before = 1,
	.ncell = 2,
	.start = start_watch,
	.is_member = is_member,
	.has_eventless = has_eventless,
};

/* loyalty_tier_near_members, (base, policy, tier, who, as_of, within) */
METRIC_MEMBERS(tier_near, &members)

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
