/*
 * points_totals.c
 *		Everyone's points added up as of a day: points_totals(), its result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "points/points_internal.h"

PG_FUNCTION_INFO_V1(loyalty_points_totals_table);

static const TallyColumn columns[TOTALS_SUMS] = {
	[TOTALS_MEMBERS] = { "members", TALLY_COUNT },
	[TOTALS_MEMBERS_WITH_BALANCE] = { "members_with_balance", TALLY_COUNT },
	[TOTALS_MEMBERS_OVERDRAWN] = { "members_overdrawn", TALLY_COUNT },
	[TOTALS_EARNED] = { "earned", TALLY_VALUE },
	[TOTALS_REINSTATED] = { "reinstated", TALLY_VALUE },
	[TOTALS_ADJUSTED] = { "adjusted", TALLY_VALUE },
	[TOTALS_TRANSFERRED] = { "transferred", TALLY_VALUE },
	[TOTALS_REDEEMED] = { "redeemed", TALLY_VALUE },
	[TOTALS_RETURNED] = { "returned", TALLY_VALUE },
	[TOTALS_EXPIRED] = { "expired", TALLY_VALUE },
	[TOTALS_FORFEITED] = { "forfeited", TALLY_VALUE },
	[TOTALS_PENDING] = { "pending", TALLY_VALUE },
	[TOTALS_ACTIVE] = { "active", TALLY_VALUE },
	[TOTALS_OVERDRAWN] = { "overdrawn", TALLY_VALUE },
	[TOTALS_UNMET] = { "unmet", TALLY_VALUE },
	[TOTALS_BLOCKED] = { "blocked", TALLY_VALUE },
};

/* What counts for the identity, and with which sign. */
static const int identity[TOTALS_SUMS] = {
	[TOTALS_EARNED] = 1,	  [TOTALS_REINSTATED] = 1, [TOTALS_ADJUSTED] = 1,
	[TOTALS_TRANSFERRED] = 1, [TOTALS_REDEEMED] = -1,  [TOTALS_RETURNED] = -1,
	[TOTALS_EXPIRED] = -1,	  [TOTALS_FORFEITED] = -1, [TOTALS_PENDING] = -1,
	[TOTALS_ACTIVE] = -1,	  [TOTALS_BLOCKED] = -1,   [TOTALS_OVERDRAWN] = 1,
};

static const char *
find_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	const int128 *sums;
	int128 sum = 0;
	DateADT as_of;
	int i;

	if (nrows == 0)
		return NULL;
	sums = rows[0]->sums;
	for (i = TOTALS_EARNED; i < TOTALS_SUMS; i++)
	{
		if (sums[i] < 0 && i != TOTALS_ADJUSTED && i != TOTALS_TRANSFERRED)
			return psprintf("\"%s\" is below zero.", columns[i].name);
		if (identity[i] > 0)
			decimal_sum_add(&sum, sums[i], POINTS_SUM);
		else if (identity[i] < 0)
			decimal_sum_subtract(&sum, sums[i], POINTS_SUM);
		if (sums[i] != 0 && !metric_result_as_of(tally, &as_of))
			return "There are points, but no \"as_of\".";
	}
	if (sum != 0)
		return "What was earned and got otherwise isn't what was spent, lost, and is left.";
	if (sums[TOTALS_MEMBERS] < sums[TOTALS_MEMBERS_WITH_BALANCE] + sums[TOTALS_MEMBERS_OVERDRAWN])
		return "There are fewer members than members with a balance and overdrawn ones.";
	return NULL;
}

static const TallyShape shape = {
	.type = "points_totals_result",
	.maker = "points_totals() and rollup()",
	.nparameters = POINTS_TOTALS_PARAMETERS,
	.parameters = points_parameters,
	.nsums = TOTALS_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const MetricArgument arguments[] = { POINTS_POLICY_ARGUMENT,
											METRIC_LAST_DAY_ARGUMENT("as_of") };

static const Metric metric = {
	POINTS_METRIC,			.shape = &shape,	   .narguments = lengthof(arguments),
	.arguments = arguments, .kind = POINTS_TOTALS, .eventless = METRIC_COUNT_EVENTLESS
};

/* loyalty_points_totals_result_in, loyalty_points_totals_result_out,
 * loyalty_points_totals_result_recv, loyalty_points_totals_result_send,
 * loyalty_points_totals_result_merge,
 * loyalty_points_totals_result_scope */
TALLY_TYPE(points_totals_result, &shape)

/* loyalty_points_totals, (base, policy, as_of); loyalty_points_totals_accum */
METRIC_FUNCTIONS(points_totals, &metric)

/* The table's columns, in order. */
static const TotalsSum shown[TOTALS_SUMS] = {
	TOTALS_MEMBERS,
	TOTALS_MEMBERS_WITH_BALANCE,
	TOTALS_MEMBERS_OVERDRAWN,
	TOTALS_EARNED,
	TOTALS_REINSTATED,
	TOTALS_ADJUSTED,
	TOTALS_TRANSFERRED,
	TOTALS_REDEEMED,
	TOTALS_RETURNED,
	TOTALS_EXPIRED,
	TOTALS_FORFEITED,
	TOTALS_PENDING,
	TOTALS_ACTIVE,
	TOTALS_BLOCKED,
	TOTALS_OVERDRAWN,
	TOTALS_UNMET,
};

/* points_totals_table(result): one row, also where nobody was counted */
Datum
loyalty_points_totals_table(PG_FUNCTION_ARGS)
{
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	TallyKey key = { 0 };
	const TallyRow *row = tally_find(tally, &key);
	Rows rows;
	int i;

	rows_open(&rows, fcinfo);
	rows_begin(&rows);
	for (i = 0; i < TOTALS_SUMS; i++)
	{
		TotalsSum of = shown[i];
		int128 sum = row != NULL ? row->sums[of] : 0;

		if (columns[of].type == TALLY_COUNT)
			rows_put_count(&rows, (int64) sum);
		else
			rows_put_decimal(&rows, sum, tally_scale(tally));
	}
	rows_put_count(&rows, tally_guests(tally));
	metric_put_as_of(&rows, tally);
	rows_end(&rows);
	return (Datum) 0;
}
