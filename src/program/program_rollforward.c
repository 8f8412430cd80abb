/*
 * program_rollforward.c
 *		A programme's points from opening to closing, period by period: program_rollforward(), its
 *		result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "metric/tally.h"
#include "points/points.h"
#include "program/program_internal.h"

PG_FUNCTION_INFO_V1(loyalty_program_rollforward_table);

static const TallyParameter parameters[] = { PROGRAM_PARAMETER("program"),
											 METRIC_POLICY_ZONE_PARAMETER, METRIC_AS_OF_PARAMETER,
											 METRIC_PERIOD_PARAMETER };

static const MetricArgument arguments[] = {
	PROGRAM_ARGUMENT("program", METRIC_POLICY),
	METRIC_PERIOD_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("as_of"),
};

static const TallyColumn keys[] = { { "period", TALLY_PERIOD } };

static const TallyColumn columns[FORWARD_SUMS] = {
	[FORWARD_ISSUED] = { "issued", TALLY_VALUE },
	[FORWARD_REDEEMED] = { "redeemed", TALLY_VALUE },
	[FORWARD_RETURNED] = { "returned", TALLY_VALUE },
	[FORWARD_EXPIRED] = { "expired", TALLY_VALUE },
	[FORWARD_PENDING] = { "pending", TALLY_VALUE },
};

static const PointsClosing closing = { .first_out = FORWARD_REDEEMED, .pending = FORWARD_PENDING };

static const char *
find_fault(const Tally *tally)
{
	MetricCalendar calendar;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int128 pending = 0;
	const char *fault;
	const ProgramPolicy *program;
	bool has_ledger;
	int64 i;
	int sum;

	if (nrows == 0)
		return NULL;
	program = program_of_result(tally, "program");
	if (program == NULL)
		return "There are rows, but no \"program\".";
	has_ledger = program_has_ledger(program);
	fault = metric_calendar_fault(tally, &calendar);
	if (fault == NULL)
		fault = points_closing_fault(&closing, rows, nrows, &calendar);
	for (i = 0; fault == NULL && i < nrows; i++)
	{
		for (sum = 0; sum < FORWARD_PENDING; sum++)
			if (rows[i]->sums[sum] < 0 && (sum > FORWARD_REDEEMED || !has_ledger) &&
				(sum != FORWARD_EXPIRED || !program->points->has_grace))
				fault = psprintf("\"%s\" is below zero.", columns[sum].name);
		decimal_sum_add(&pending, rows[i]->sums[FORWARD_PENDING], PROGRAM_SUM);
		if (pending < 0)
			fault = "Less is pending than nothing.";
	}
	return fault;
}

static const TallyShape shape = {
	.type = "program_rollforward_result",
	.maker = "program_rollforward() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = FORWARD_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const Metric metric = { PROGRAM_METRIC,
							   .shape = &shape,
							   .narguments = lengthof(arguments),
							   .arguments = arguments,
							   .kind = PROGRAM_ROLLFORWARD,
							   .eventless = METRIC_IGNORE_EVENTLESS };

/* loyalty_program_rollforward_result_in, loyalty_program_rollforward_result_out,
 * loyalty_program_rollforward_result_recv, loyalty_program_rollforward_result_send,
 * loyalty_program_rollforward_result_merge,
 * loyalty_program_rollforward_result_scope */
TALLY_TYPE(program_rollforward_result, &shape)

/* loyalty_program_rollforward, (base, program, period, as_of); loyalty_program_rollforward_accum */
METRIC_FUNCTIONS(program_rollforward, &metric)

/* program_rollforward_table(result) */
Datum
loyalty_program_rollforward_table(PG_FUNCTION_ARGS)
{
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	MetricCalendar calendar;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (metric_result_calendar(tally, &calendar))
		points_closing_put(&closing, &rows, &calendar, row, row + nrows, tally_scale(tally));
	return (Datum) 0;
}
