/*
 * tier_tenure.c
 *		How long tiers are held: tier_tenure(), its result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "tiers/tiers_internal.h"

PG_FUNCTION_INFO_V1(loyalty_tier_tenure_table);

static const TallyColumn keys[TENURE_KEYS] = {
	[TENURE_RANK] = { "rank", TALLY_NUMBER },
	[TENURE_DAYS] = { "days", TALLY_NUMBER },
};

static const TallyColumn columns[TENURE_SUMS] = {
	[TENURE_ENDED] = { "ended", TALLY_COUNT },
	[TENURE_RUNNING] = { "running", TALLY_COUNT },
};

static const char *
find_fault(const Tally *tally)
{
	const char *fault = tier_rows_fault(tally, TENURE_RANK);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	DateADT as_of;
	int64 i;

	if (fault == NULL && nrows > 0 && !metric_result_as_of(tally, &as_of))
		fault = "There are rows, but no \"as_of\".";
	for (i = 0; fault == NULL && i < nrows; i++)
		if (rows[i]->key.numbers[TENURE_DAYS] < 0 ||
			rows[i]->key.numbers[TENURE_DAYS] > PG_INT32_MAX)
			fault = "There is a tier held for fewer days than none, or for more than there are.";
	return fault;
}

static const TallyShape shape = {
	.type = "tier_tenure_result",
	.maker = "tier_tenure() and rollup()",
	.nparameters = TIER_PLAIN_PARAMETERS,
	.parameters = tier_plain_parameters,
	.nkeys = TENURE_KEYS,
	.keys = keys,
	.nsums = TENURE_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const Metric metric = { TIER_METRIC,
							   .shape = &shape,
							   .narguments = TIER_PLAIN_ARGUMENTS,
							   .arguments = tier_plain_arguments,
							   .kind = TIER_TENURE,
							   .eventless = METRIC_IGNORE_EVENTLESS };

/* loyalty_tier_tenure_result_in, loyalty_tier_tenure_result_out, loyalty_tier_tenure_result_recv,
 * loyalty_tier_tenure_result_send, loyalty_tier_tenure_result_merge,
 * loyalty_tier_tenure_result_scope */
TALLY_TYPE(tier_tenure_result, &shape)

/* loyalty_tier_tenure, (base, policy, as_of); loyalty_tier_tenure_accum */
METRIC_FUNCTIONS(tier_tenure, &metric)

/* ---- the table ---- */

/* What is known of the spells of one tier. */
typedef struct Tenure
{
	int128 spells;
	int128 ended;
	SurvivalTimes of;
} Tenure;

/* Takes the rows of a rank off those that are left; times has room for them. */
static void
take_rank(Tenure *tenure, int rank, TallyRow ***row, TallyRow **end, SurvivalTime *times)
{
	SurvivalTime *time = times;

	memset(tenure, 0, sizeof(Tenure));
	for (; *row < end && (**row)->key.numbers[TENURE_RANK] == rank; (*row)++, time++)
	{
		const int128 *sums = (**row)->sums;

		time->duration = (**row)->key.numbers[TENURE_DAYS];
		time->events = (int64) sums[TENURE_ENDED];
		time->censored = (int64) sums[TENURE_RUNNING];
		time->entered = 0;
		tenure->ended += sums[TENURE_ENDED];
		tenure->spells += sums[TENURE_ENDED] + sums[TENURE_RUNNING];
	}
	tenure->of.times = times;
	tenure->of.ntimes = time - times;
}

static void
put_tenure(Rows *rows, const Tenure *tenure)
{
	SurvivalTimes of = tenure->of;
	const SurvivalTime *median;
	double mean;
	double std_error;

	if (of.ntimes == 0)
	{
		rows_put_count(rows, 0);
		rows_put_count(rows, 0);
		rows_put_null(rows);
		rows_put_null(rows);
		return;
	}
	/* first: it refuses what no bigint holds */
	median = survival_median(of, 0, SURVIVAL_PLAIN).median;
	survival_mean(of, (double) of.times[of.ntimes - 1].duration, &mean, &std_error);
	rows_put_count(rows, (int64) tenure->spells);
	rows_put_count(rows, (int64) tenure->ended);
	if (median != NULL)
		rows_put_int(rows, (int32) median->duration);
	else
		rows_put_null(rows);
	rows_put_float(rows, mean);
}

/* tier_tenure_table(result): a row for each tier, also where nobody was in it */
Datum
loyalty_tier_tenure_table(PG_FUNCTION_ARGS)
{
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	const TierPolicy *policy = tier_result_policy(tally);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	SurvivalTime *times = palloc_extended((nrows + 1) * sizeof(SurvivalTime), MCXT_ALLOC_HUGE);
	Tenure tenure;
	Rows rows;
	int rank;

	rows_open(&rows, fcinfo);
	if (policy == NULL)
		return (Datum) 0;
	for (rank = 0; rank < policy->ntiers; rank++)
	{
		take_rank(&tenure, rank, &row, end, times);
		rows_begin(&rows);
		rows_put_name(&rows, policy->tiers[rank]);
		rows_put_int(&rows, rank);
		put_tenure(&rows, &tenure);
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}
