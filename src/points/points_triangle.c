/*
 * points_triangle.c
 *		What became of the points of each period, age by age: points_triangle(), its result and
 *		table.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "policy/policy.h"
#include "points/points_internal.h"

PG_FUNCTION_INFO_V1(loyalty_points_triangle_table);

/* Places of the keys. */
#define KEY_ISSUED_IN 1
#define KEY_AGE		  2

const TallyColumn points_triangle_keys[POINTS_TRIANGLE_KEYS] = { { "label", TALLY_TEXT },
																 { "issue_period", TALLY_PERIOD },
																 { "age", TALLY_NUMBER } };

const TallyColumn points_triangle_columns[TRIANGLE_SUMS] = {
	[TRIANGLE_ISSUED] = { "issued", TALLY_VALUE },
	[TRIANGLE_REDEEMED] = { "redeemed", TALLY_VALUE },
	[TRIANGLE_EXPIRED] = { "expired", TALLY_VALUE },
	[TRIANGLE_TAKEN_BACK] = { "taken_back", TALLY_VALUE },
};

/* ---- cohorts ---- */

bool
points_cohort_next(PointsLabels *labels, int32 until, PointsCohort *cohort)
{
	TallyRow **row = labels->row;

	if (row == labels->end || (*row)->key.numbers[KEY_ISSUED_IN] > until)
		return false;
	memset(cohort, 0, sizeof(PointsCohort));
	cohort->row = cohort->end = row;
	cohort->issued_in = (int32) (*row)->key.numbers[KEY_ISSUED_IN];
	for (; row < labels->end && (*row)->key.numbers[KEY_ISSUED_IN] == cohort->issued_in; row++)
	{
		const int128 *sums = (*row)->sums;

		if (cohort->issued_in + (*row)->key.numbers[KEY_AGE] > until)
			continue;
		cohort->end = row + 1;
		decimal_sum_add(&cohort->issued, sums[TRIANGLE_ISSUED], POINTS_SUM);
		decimal_sum_subtract(&cohort->issued, sums[TRIANGLE_TAKEN_BACK], POINTS_SUM);
		decimal_sum_add(&cohort->redeemed, sums[TRIANGLE_REDEEMED], POINTS_SUM);
		decimal_sum_add(&cohort->expired, sums[TRIANGLE_EXPIRED], POINTS_SUM);
	}
	labels->row = row;
	cohort->outstanding = cohort->issued;
	decimal_sum_subtract(&cohort->outstanding, cohort->redeemed, POINTS_SUM);
	decimal_sum_subtract(&cohort->outstanding, cohort->expired, POINTS_SUM);
	return true;
}

/* ---- the type ---- */

static const char *
find_row_fault(const TallyRow *row, const MetricCalendar *calendar)
{
	int64 age = row->key.numbers[KEY_AGE];

	if (age < 0)
		return "There is an age below zero.";
	if (age > (int64) calendar->last - row->key.numbers[KEY_ISSUED_IN])
		return "There is a period after \"as_of\".";
	if (row->sums[TRIANGLE_ISSUED] < 0 || (age > 0 && row->sums[TRIANGLE_ISSUED] != 0))
		return "Points are issued at age 0, and never fewer than none.";
	return NULL;
}

const char *
points_triangle_fault(const Tally *tally)
{
	MetricCalendar calendar;
	PointsLabels labels;
	PointsCohort cohort;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	const char *fault = nrows > 0 ? points_rows_fault(tally, rows, nrows, &calendar) : NULL;
	int64 i;

	for (i = 0; fault == NULL && i < nrows; i++)
		fault = find_row_fault(rows[i], &calendar);
	if (fault != NULL)
		return fault;
	points_labels_open(&labels, tally);
	while (points_labels_next(&labels))
		while (points_cohort_next(&labels, PG_INT32_MAX, &cohort))
			if (cohort.redeemed < 0 || cohort.expired < 0 || cohort.outstanding < 0)
				return "Of the points of a period fewer than none were redeemed, expired, or are left.";
	return NULL;
}

const TallyShape points_triangle_shape = {
	.type = "points_triangle_result",
	.maker = "points_triangle() and rollup()",
	.nparameters = POINTS_PARAMETERS,
	.parameters = points_parameters,
	.nkeys = POINTS_TRIANGLE_KEYS,
	.keys = points_triangle_keys,
	.nsums = TRIANGLE_SUMS,
	.sums = points_triangle_columns,
	.fault = points_triangle_fault,
};

static const Metric metric = { POINTS_METRIC,
							   .shape = &points_triangle_shape,
							   .narguments = POINTS_PERIOD_ARGUMENTS,
							   .arguments = points_period_arguments,
							   .kind = POINTS_TRIANGLE,
							   .eventless = METRIC_IGNORE_EVENTLESS };

/* loyalty_points_triangle_result_in, loyalty_points_triangle_result_out,
 * loyalty_points_triangle_result_recv, loyalty_points_triangle_result_send,
 * loyalty_points_triangle_result_merge,
 * loyalty_points_triangle_result_scope */
TALLY_TYPE(points_triangle_result, &points_triangle_shape)

/* loyalty_points_triangle, (base, policy, period, as_of, by_label); loyalty_points_triangle_accum
 */
METRIC_FUNCTIONS(points_triangle, &metric)

/* ---- the table ---- */

/* All ages of a cohort up to as_of. */
static void
put_cohort(Rows *rows, const MetricCalendar *calendar, const PointsCohort *cohort, int scale)
{
	static const int128 nothing[TRIANGLE_SUMS];
	TallyRow **row = cohort->row;
	const TallyKey *key = &(*row)->key;
	DateADT issue_period = calendar_start(&calendar->calendar, cohort->issued_in);
	int64 age;

	for (age = 0; cohort->issued_in + age <= calendar->last; age++)
	{
		const int128 *sums = nothing;
		int i;

		if (row < cohort->end && points_age(*row) == age)
			sums = (*row++)->sums;
		rows_begin(rows);
		rows_put_text(rows, key->text, key->text_len);
		rows_put_day(rows, issue_period);
		rows_put_int(rows, (int32) age);
		for (i = 0; i < TRIANGLE_SUMS; i++)
			rows_put_decimal(rows, sums[i], scale);
		rows_put_bool(rows, cohort->issued_in + age <= calendar->last_complete);
		rows_put_day(rows, calendar->as_of);
		rows_end(rows);
		CHECK_FOR_INTERRUPTS();
	}
}

void
points_triangle_put(FunctionCallInfo fcinfo, const Tally *tally)
{
	MetricCalendar calendar;
	PointsLabels labels;
	PointsCohort cohort;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_result_calendar(tally, &calendar))
		return;
	points_labels_open(&labels, tally);
	while (points_labels_next(&labels))
		while (points_cohort_next(&labels, calendar.last, &cohort))
			put_cohort(&rows, &calendar, &cohort, tally_scale(tally));
}

/* points_triangle_table(result) */
Datum
loyalty_points_triangle_table(PG_FUNCTION_ARGS)
{
	points_triangle_put(fcinfo, tally_argument(fcinfo, 0, &points_triangle_shape));
	return (Datum) 0;
}

/* ---- that of a programme ---- */

Tally *
points_triangle_of(const Tally *from, const PointsPolicy *policy)
{
	Tally *tally = tally_create(&points_triangle_shape);
	int64 nrows;
	TallyRow **rows = tally_rows(from, &nrows);
	int64 i;
	int sum;

	for (i = 0; i < POINTS_PARAMETERS; i++)
		tally_set_parameter(tally, (int) i, metric_parameter(from, points_parameters[i].name));
	if (metric_parameter(from, "by_label") == NULL)
		tally_set_parameter(tally, POINTS_PARAMETERS - 1, "false");
	if (policy != NULL)
		tally_set_parameter(tally, 0, policy_text(&points_policy_table, policy));
	tally_add_guests(tally, tally_guests(from));
	tally_add_eventless(tally, tally_eventless(from));
	(void) tally_use_scale(tally, tally_scale(from));
	for (i = 0; i < nrows; i++)
	{
		TallyRow *row = tally_row(tally, &rows[i]->key);

		for (sum = 0; sum < TRIANGLE_SUMS; sum++)
			tally_add(tally, row, sum, rows[i]->sums[sum]);
		CHECK_FOR_INTERRUPTS();
	}
	return tally;
}
