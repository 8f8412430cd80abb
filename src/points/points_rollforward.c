/*
 * points_rollforward.c
 *		From opening to closing, period by period: points_rollforward(), its result and table.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "core/rows.h"
#include "core/tally_sql.h"
#include "points/points_face.h"

PG_FUNCTION_INFO_V1(loyalty_points_rollforward);
PG_FUNCTION_INFO_V1(loyalty_points_rollforward_accum);
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
};

/* What a period does to the closing. */
static int128
add_to_closing(int128 closing, const int128 *sums)
{
	int i;

	for (i = ROLLFORWARD_ISSUED; i < ROLLFORWARD_REDEEMED; i++)
		points_sum_add(&closing, sums[i]);
	for (; i < ROLLFORWARD_PENDING; i++)
		points_sum_subtract(&closing, sums[i]);
	return closing;
}

static const char *
find_fault(const Tally *tally)
{
	BaseCalendar calendar;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	const char *fault = nrows > 0 ? points_rows_fault(tally, rows, nrows, &calendar) : NULL;
	int64 i;

	for (i = 0; fault == NULL && i < nrows; i++)
		if (rows[i]->key.numbers[KEY_PERIOD] > calendar.last)
			fault = "There is a period after \"as_of\".";
	return fault;
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

static const BaseMetric metric = { POINTS_METRIC, .shape = &shape,
								   .narguments = POINTS_PERIOD_ARGUMENTS,
								   .arguments = points_period_arguments,
								   .fold_kind = POINTS_ROLLFORWARD };

TALLY_TYPE(points_rollforward_result, &shape)

/* points_rollforward(base, policy, period, as_of, by_label) */
Datum
loyalty_points_rollforward(PG_FUNCTION_ARGS)
{
	return base_metric(fcinfo, &metric);
}

/* points_rollforward_accum(state, timeline, policy, period, as_of, by_label) */
Datum
loyalty_points_rollforward_accum(PG_FUNCTION_ARGS)
{
	return base_metric_add(fcinfo, &metric);
}

/* ---- the table ---- */

static void
put_period(Rows *rows, const BaseCalendar *calendar, int32 period, const TallyKey *key,
		   int128 opening, const int128 *sums, int128 closing, int128 pending, int scale)
{
	DateADT end = calendar_start(&calendar->calendar, period + 1);
	int i;

	rows_begin(rows);
	rows_put_text(rows, key->text, key->text_len);
	rows_put_day(rows, calendar_start(&calendar->calendar, period));
	rows_put_day(rows, end);
	rows_put_bool(rows, period <= calendar->last_complete);
	rows_put_decimal(rows, opening, scale);
	for (i = 0; i < ROLLFORWARD_PENDING; i++)
		rows_put_decimal(rows, sums[i], scale);
	rows_put_decimal(rows, closing, scale);
	rows_put_decimal(rows, pending, scale);
	rows_put_day(rows, calendar->as_of);
	rows_end(rows);
}

/* All periods of a label, from its first up to as_of's. */
static void
put_label(Rows *rows, const BaseCalendar *calendar, TallyRow *const *row, TallyRow *const *end,
		  int scale)
{
	static const int128 nothing[ROLLFORWARD_SUMS];
	const TallyKey *key = &(*row)->key;
	int128 opening = 0;
	int128 pending = 0;
	int64 period;

	for (period = key->numbers[KEY_PERIOD]; period <= calendar->last; period++)
	{
		const int128 *sums = nothing;
		int128 closing;

		if (row < end && (*row)->key.numbers[KEY_PERIOD] == period)
			sums = (*row++)->sums;
		closing = add_to_closing(opening, sums);
		points_sum_add(&pending, sums[ROLLFORWARD_PENDING]);
		put_period(rows, calendar, (int32) period, key, opening, sums, closing, pending, scale);
		opening = closing;
		CHECK_FOR_INTERRUPTS();
	}
}

/* points_rollforward_table(result) */
Datum
loyalty_points_rollforward_table(PG_FUNCTION_ARGS)
{
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	BaseCalendar calendar;
	PointsLabels labels;
	Rows rows;

	rows_open(&rows, fcinfo);
	if (!base_result_calendar(tally, POINTS_PARAMETER_AS_OF, &calendar))
		return (Datum) 0;
	points_labels_open(&labels, tally);
	while (points_labels_next(&labels))
		put_label(&rows, &calendar, labels.row, labels.end, tally_scale(tally));
	return (Datum) 0;
}
