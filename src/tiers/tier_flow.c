/*
 * tier_flow.c
 *		Into which tiers members came and which they left, period by period: tier_flow(), its
 *		result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "tiers/tiers_internal.h"

PG_FUNCTION_INFO_V1(loyalty_tier_flow_table);

static const TallyParameter parameters[] = {
	TIER_PARAMETERS,
	METRIC_AS_OF_PARAMETER,
	METRIC_PERIOD_PARAMETER,
};

static const MetricArgument arguments[] = {
	TIER_POLICY_ARGUMENT,
	METRIC_PERIOD_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("as_of"),
};

static const TallyColumn keys[FLOW_KEYS] = {
	[FLOW_PERIOD] = { "period", TALLY_PERIOD },
	[FLOW_RANK] = { "rank", TALLY_NUMBER },
};

static const TallyColumn columns[FLOW_SUMS] = {
	[FLOW_JOINED] = { "joined", TALLY_COUNT },
	[FLOW_UPGRADED_IN] = { "upgraded_in", TALLY_COUNT },
	[FLOW_UPGRADED_OUT] = { "upgraded_out", TALLY_COUNT },
	[FLOW_DOWNGRADED_IN] = { "downgraded_in", TALLY_COUNT },
	[FLOW_DOWNGRADED_OUT] = { "downgraded_out", TALLY_COUNT },
	[FLOW_EVENTLESS] = { "without_events", TALLY_COUNT },
};

/* ---- members from period to period ---- */

/* Goes through the rows; members of each tier are those at the end of what it has taken. */
typedef struct Flow
{
	const TierPolicy *policy;
	MetricCalendar calendar;
	TallyRow **row;
	TallyRow **end;
	int128 *members; /* by rank */
} Flow;

/* How a tier's members change. */
static int128
change_of(const int128 *sums)
{
	return sums[FLOW_JOINED] + sums[FLOW_UPGRADED_IN] - sums[FLOW_UPGRADED_OUT] +
		   sums[FLOW_DOWNGRADED_IN] - sums[FLOW_DOWNGRADED_OUT];
}

/* False where the result has no rows. */
static bool
flow_open(Flow *flow, const Tally *tally)
{
	int64 nrows;
	int64 i;

	if (!metric_result_calendar(tally, &flow->calendar))
		return false;
	flow->policy = tier_result_policy(tally);
	if (flow->policy == NULL)
		report_corrupted();
	flow->row = tally_rows(tally, &nrows);
	flow->end = flow->row + nrows;
	flow->members = palloc0(flow->policy->ntiers * sizeof(int128));
	for (i = 0; i < nrows; i++)
		flow->members[0] += flow->row[i]->sums[FLOW_EVENTLESS];
	return true;
}

/* Takes the row of a period and rank; zeros where there is none. */
static const int128 *
flow_take(Flow *flow, int32 period, int rank)
{
	static const int128 nothing[FLOW_SUMS];
	const int128 *sums;

	if (flow->row == flow->end || (*flow->row)->key.numbers[FLOW_PERIOD] != period ||
		(*flow->row)->key.numbers[FLOW_RANK] != rank)
		return nothing;
	sums = (*flow->row++)->sums;
	flow->members[rank] += change_of(sums);
	return sums;
}

/* ---- the type ---- */

/* The rows of a period: everyone who leaves a tier comes into another one. */
static const char *
find_period_fault(Flow *flow)
{
	int32 period = (int32) (*flow->row)->key.numbers[FLOW_PERIOD];
	int128 upgraded = 0;
	int128 downgraded = 0;
	int rank;

	for (rank = 0; rank < flow->policy->ntiers; rank++)
	{
		const int128 *sums = flow_take(flow, period, rank);

		if (flow->members[rank] < 0 || flow->members[rank] > PG_INT64_MAX)
			return "A tier has fewer members than none, or more than can be counted.";
		if (sums[FLOW_EVENTLESS] != 0 && (rank > 0 || period != flow->calendar.last))
			return "Members without events belong to the base tier and the last period.";
		upgraded += sums[FLOW_UPGRADED_IN] - sums[FLOW_UPGRADED_OUT];
		downgraded += sums[FLOW_DOWNGRADED_IN] - sums[FLOW_DOWNGRADED_OUT];
	}
	if (upgraded != 0 || downgraded != 0)
		return "Who leaves a tier must come into another one in the same period.";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	const char *fault = tier_rows_fault(tally, FLOW_RANK);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	Flow flow;

	if (fault == NULL && nrows > 0)
		fault = metric_calendar_fault(tally, &flow.calendar);
	if (fault != NULL || nrows == 0)
		return fault;
	(void) flow_open(&flow, tally);
	if (rows[nrows - 1]->key.numbers[FLOW_PERIOD] > flow.calendar.last)
		return "There is a period after \"as_of\".";
	if (nrows > 1 && rows[0]->sums[FLOW_JOINED] == 0)
		return "Nobody joins in the first period.";
	while (fault == NULL && flow.row < flow.end)
		fault = find_period_fault(&flow);
	return fault;
}

static const TallyShape shape = {
	.type = "tier_flow_result",
	.maker = "tier_flow() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = FLOW_KEYS,
	.keys = keys,
	.nsums = FLOW_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const Metric metric = { TIER_METRIC,
							   .shape = &shape,
							   .narguments = lengthof(arguments),
							   .arguments = arguments,
							   .kind = TIER_FLOW,
							   .eventless = METRIC_IGNORE_EVENTLESS };

/* loyalty_tier_flow_result_in, loyalty_tier_flow_result_out, loyalty_tier_flow_result_recv,
 * loyalty_tier_flow_result_send, loyalty_tier_flow_result_merge,
 * loyalty_tier_flow_result_scope */
TALLY_TYPE(tier_flow_result, &shape)

/* loyalty_tier_flow, (base, policy, period, as_of); loyalty_tier_flow_accum */
METRIC_FUNCTIONS(tier_flow, &metric)

/* ---- the table ---- */

static void
put_period(Rows *rows, Flow *flow, int32 period)
{
	DateADT start = calendar_start(&flow->calendar.calendar, period);
	DateADT end = calendar_start(&flow->calendar.calendar, period + 1);
	int rank;

	for (rank = 0; rank < flow->policy->ntiers; rank++)
	{
		int128 before = flow->members[rank];
		const int128 *sums = flow_take(flow, period, rank);
		int i;

		rows_begin(rows);
		rows_put_day(rows, start);
		rows_put_day(rows, end);
		rows_put_bool(rows, period <= flow->calendar.last_complete);
		rows_put_name(rows, flow->policy->tiers[rank]);
		rows_put_int(rows, rank);
		rows_put_count(rows, (int64) before);
		for (i = FLOW_JOINED; i < FLOW_EVENTLESS; i++)
			rows_put_count(rows, (int64) sums[i]);
		rows_put_count(rows, (int64) flow->members[rank]);
		rows_put_day(rows, flow->calendar.as_of);
		rows_end(rows);
	}
}

/* tier_flow_table(result) */
Datum
loyalty_tier_flow_table(PG_FUNCTION_ARGS)
{
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	Flow flow;
	Rows rows;
	int64 period;

	rows_open_periods(&rows, fcinfo);
	/* no first membership, no first period */
	if (!flow_open(&flow, tally) || (*flow.row)->sums[FLOW_JOINED] == 0)
		return (Datum) 0;
	for (period = (*flow.row)->key.numbers[FLOW_PERIOD]; period <= flow.calendar.last; period++)
		put_period(&rows, &flow, (int32) period);
	return (Datum) 0;
}
