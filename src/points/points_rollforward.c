/*
 * points_rollforward.c
 *		From opening to closing, period by period: points_rollforward(), its result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "points/points_internal.h"

PG_FUNCTION_INFO_V1(loyalty_points_rollforward_table);

/* Places of the keys. */
#define KEY_PERIOD 1
#define KEYS	   2

static const TallyColumn keys[KEYS] = { { "label", TALLY_TEXT }, { "period", TALLY_PERIOD } };

static const TallyColumn columns[ROLLFORWARD_SUMS] = {
	[ROLLFORWARD_ISSUED] = { "issued", TALLY_VALUE },
	[ROLLFORWARD_REINSTATED] = { "reinstated", TALLY_VALUE },
	[ROLLFORWARD_ADJUSTED] = { "adjusted", TALLY_VALUE },
	[ROLLFORWARD_TRANSFERRED] = { "transferred", TALLY_VALUE },
	[ROLLFORWARD_REDEEMED] = { "redeemed", TALLY_VALUE },
	[ROLLFORWARD_RETURNED] = { "returned", TALLY_VALUE },
	[ROLLFORWARD_EXPIRED] = { "expired", TALLY_VALUE },
	[ROLLFORWARD_FORFEITED] = { "forfeited", TALLY_VALUE },
	[ROLLFORWARD_PENDING] = { "pending", TALLY_VALUE },
	[ROLLFORWARD_BLOCKED] = { "blocked", TALLY_VALUE },
};

static const PointsClosing closing = { .period_key = KEY_PERIOD,
									   .first_out = ROLLFORWARD_REDEEMED,
									   .pending = ROLLFORWARD_PENDING,
									   .blocked = ROLLFORWARD_BLOCKED,
									   .by_label = true };

static const char *
find_fault(const Tally *tally)
{
	MetricCalendar calendar;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	const char *fault = nrows > 0 ? points_rows_fault(tally, rows, nrows, &calendar) : NULL;

	if (fault != NULL || nrows == 0)
		return fault;
	return points_closing_fault(&closing, rows, nrows, &calendar);
}

static const TallyShape shape = {
	.type = "points_rollforward_result",
	.maker = "points_rollforward() and rollup()",
	.nparameters = POINTS_PARAMETERS,
	.parameters = points_parameters,
	.nkeys = KEYS,
	.keys = keys,
	.nsums = ROLLFORWARD_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const Metric metric = { POINTS_METRIC,
							   .shape = &shape,
							   .narguments = POINTS_PERIOD_ARGUMENTS,
							   .arguments = points_period_arguments,
							   .kind = POINTS_ROLLFORWARD,
							   .eventless = METRIC_IGNORE_EVENTLESS };

/* loyalty_points_rollforward_result_in, loyalty_points_rollforward_result_out,
 * loyalty_points_rollforward_result_recv, loyalty_points_rollforward_result_send,
 * loyalty_points_rollforward_result_merge,
 * loyalty_points_rollforward_result_scope */
TALLY_TYPE(points_rollforward_result, &shape)

/* loyalty_points_rollforward, (base, policy, period, as_of, by_label);
 * loyalty_points_rollforward_accum */
METRIC_FUNCTIONS(points_rollforward, &metric)

/* points_rollforward_table(result) */
Datum
loyalty_points_rollforward_table(PG_FUNCTION_ARGS)
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
