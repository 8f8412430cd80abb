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

/* Places of the keys. */
#define KEY_PERIOD 1
#define KEYS	   2

static const TallyColumn keys[KEYS] = { { "label", TALLY_TEXT }, { "period", TALLY_PERIOD } };

static const TallyColumn columns[FORWARD_SUMS] = {
	[FORWARD_ISSUED] = { "issued", TALLY_VALUE },
	[FORWARD_REDEEMED] = { "redeemed", TALLY_VALUE },
	[FORWARD_RETURNED] = { "returned", TALLY_VALUE },
	[FORWARD_EXPIRED] = { "expired", TALLY_VALUE },
	[FORWARD_PENDING] = { "pending", TALLY_VALUE },
	[FORWARD_BLOCKED] = { "blocked", TALLY_VALUE },
};

static const PointsClosing closing = { .period_key = KEY_PERIOD,
									   .first_out = FORWARD_REDEEMED,
									   .pending = FORWARD_PENDING,
									   .blocked = FORWARD_BLOCKED,
									   .by_label = true };

/* May a sum be below zero? Under no label a debt is taken off once a lot has paid it. */
static bool
may_be_negative(const TallyRow *row, int sum, bool by_label, bool has_ledger)
{
	if (sum <= FORWARD_REDEEMED && has_ledger)
		return true;
	return by_label && row->key.text == NULL && sum <= FORWARD_RETURNED;
}

static const char *
find_fault(const Tally *tally)
{
	MetricCalendar calendar;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int128 pending = 0;
	int128 blocked = 0;
	const char *fault = program_period_fault(tally);
	const ProgramPolicy *program;
	bool has_ledger;
	bool by_label;
	int64 i;
	int sum;

	if (fault != NULL || nrows == 0)
		return fault;
	program = program_of_result(tally, "program");
	has_ledger = program_has_ledger(program);
	fault = points_rows_fault(tally, rows, nrows, &calendar);
	if (fault == NULL)
		fault = points_closing_fault(&closing, rows, nrows, &calendar);
	by_label = points_is_by_label(tally);
	for (i = 0; fault == NULL && i < nrows; i++)
	{
		for (sum = 0; sum < FORWARD_PENDING; sum++)
			if (rows[i]->sums[sum] < 0 && !may_be_negative(rows[i], sum, by_label, has_ledger) &&
				(sum != FORWARD_EXPIRED || !program->points->has_grace))
				fault = psprintf("\"%s\" is below zero.", columns[sum].name);
		if (i > 0 && !points_same_label(rows[i - 1], rows[i]))
			pending = blocked = 0;
		decimal_sum_add(&pending, rows[i]->sums[FORWARD_PENDING], PROGRAM_SUM);
		decimal_sum_add(&blocked, rows[i]->sums[FORWARD_BLOCKED], PROGRAM_SUM);
		if (pending < 0)
			fault = "Less is pending than nothing.";
		else if (blocked < 0)
			fault = "Less is blocked than nothing.";
	}
	return fault;
}

static const TallyShape shape = {
	.type = "program_rollforward_result",
	.maker = "program_rollforward() and rollup()",
	.nparameters = PROGRAM_PERIOD_PARAMETERS,
	.parameters = program_period_parameters,
	.nkeys = KEYS,
	.keys = keys,
	.nsums = FORWARD_SUMS,
	.sums = columns,
	.late_text = true,
	.fault = find_fault,
};

static const Metric metric = { PROGRAM_METRIC,
							   .shape = &shape,
							   .narguments = PROGRAM_PERIOD_ARGUMENTS,
							   .arguments = program_period_arguments,
							   .kind = PROGRAM_ROLLFORWARD,
							   .eventless = METRIC_IGNORE_EVENTLESS };

/* loyalty_program_rollforward_result_in, loyalty_program_rollforward_result_out,
 * loyalty_program_rollforward_result_recv, loyalty_program_rollforward_result_send,
 * loyalty_program_rollforward_result_merge,
 * loyalty_program_rollforward_result_scope */
TALLY_TYPE(program_rollforward_result, &shape)

/* loyalty_program_rollforward, (base, program, period, as_of, by_label);
 * loyalty_program_rollforward_accum */
METRIC_FUNCTIONS(program_rollforward, &metric)

/* program_rollforward_table(result) */
Datum
loyalty_program_rollforward_table(PG_FUNCTION_ARGS)
{
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	MetricCalendar calendar;
	PointsLabels labels;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_result_calendar(tally, &calendar))
		return (Datum) 0;
	points_labels_open(&labels, tally);
	while (points_labels_next(&labels))
		points_closing_put(&closing, &rows, &calendar, labels.row, labels.end, tally_scale(tally));
	return (Datum) 0;
}
