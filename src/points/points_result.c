/*
 * points_result.c
 *		Points of everyone: what metrics are made of, and what reading their results has in common.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "policy/policy.h"
#include "points/points_internal.h"

/* ---- parameters of results ---- */

static char *
canonical_policy(const char *text)
{
	return policy_canonical(&points_policy_table, text);
}

char *
points_canonical_by_label(const char *text)
{
	return tally_canonical_flag(text, "by_label");
}

const TallyParameter points_parameters[POINTS_PARAMETERS] = {
	METRIC_POLICY_PARAMETER("policy", canonical_policy, "policy"),
	METRIC_POLICY_ZONE_PARAMETER,
	METRIC_AS_OF_PARAMETER,
	METRIC_PERIOD_PARAMETER,
	POINTS_BY_LABEL_PARAMETER,
};

/* ---- the policy and the arguments ---- */

static void *
open_policy(const struct varlena *policy)
{
	return points_policy_open(policy);
}

static ZoneDays *
zone_of_policy(const void *policy)
{
	return ((const PointsPolicy *) policy)->zone;
}

static void
set_zone(void *policy, ZoneDays *zone)
{
	((PointsPolicy *) policy)->zone = zone;
}

static void
names_of_policy(const void *policy, MetricNames *names)
{
	points_policy_names(policy, names);
}

const MetricPolicy points_metric_policy = { open_policy, zone_of_policy, set_zone,
											names_of_policy };

const MetricArgument points_period_arguments[POINTS_PERIOD_ARGUMENTS] = {
	POINTS_POLICY_ARGUMENT,
	METRIC_PERIOD_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("as_of"),
	{ "by_label", .type = METRIC_FLAG },
};

/* ---- reading results ---- */

bool
points_is_by_label(const Tally *tally)
{
	const char *by_label = metric_parameter(tally, "by_label");

	return by_label != NULL && strcmp(by_label, "true") == 0;
}

const char *
points_rows_fault(const Tally *tally, TallyRow *const *rows, int64 nrows, MetricCalendar *calendar)
{
	bool by_label = points_is_by_label(tally);
	const char *fault;
	int64 i;

	fault = metric_calendar_fault(tally, calendar);
	for (i = 0; fault == NULL && i < nrows; i++)
		if (rows[i]->key.text != NULL && !by_label)
			fault = "There are labels, but \"by_label\" isn't true.";
	return fault;
}

void
points_labels_open(PointsLabels *labels, const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);

	points_labels_open_rows(labels, rows, nrows);
}

void
points_labels_open_rows(PointsLabels *labels, TallyRow **rows, int64 nrows)
{
	labels->unlabelled = labels->labelled = rows;
	labels->all_end = labels->unlabelled + nrows;
	while (labels->labelled < labels->all_end && (*labels->labelled)->key.text == NULL)
		labels->labelled++;
	labels->next = labels->labelled;
}

bool
points_same_label(const TallyRow *row, const TallyRow *other)
{
	const TallyKey *a = &row->key;
	const TallyKey *b = &other->key;

	if (a->text == NULL || b->text == NULL)
		return a->text == b->text;
	return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0;
}

bool
points_labels_next(PointsLabels *labels)
{
	if (labels->next == NULL)
		return false;
	labels->row = labels->next;
	if (labels->row == labels->all_end)
	{
		labels->row = labels->unlabelled;
		labels->end = labels->labelled;
		labels->next = NULL;
		return labels->row < labels->end;
	}
	for (labels->end = labels->row + 1; labels->end < labels->all_end; labels->end++)
		if (!points_same_label(*labels->row, *labels->end))
			break;
	labels->next = labels->end;
	return true;
}

/* ---- from opening to closing ---- */

/* What a period does to the closing. */
static int128
add_to_closing(const PointsClosing *closing, int128 opening, const int128 *sums)
{
	int i;

	for (i = 0; i < closing->first_out; i++)
		decimal_sum_add(&opening, sums[i], POINTS_SUM);
	for (; i < closing->pending; i++)
		decimal_sum_subtract(&opening, sums[i], POINTS_SUM);
	return opening;
}

const char *
points_closing_fault(const PointsClosing *closing, TallyRow *const *rows, int64 nrows,
					 const MetricCalendar *calendar)
{
	int64 i;

	for (i = 0; i < nrows; i++)
		if (rows[i]->key.numbers[closing->period_key] > calendar->last)
			return "There is a period after \"as_of\".";
	return NULL;
}

static void
put_period(const PointsClosing *closing, Rows *rows, const MetricCalendar *calendar, int32 period,
		   const TallyKey *key, int128 opening, const int128 *sums, int128 closed, int128 pending,
		   int128 blocked, int scale)
{
	DateADT end = calendar_start(&calendar->calendar, period + 1);
	int i;

	rows_begin(rows);
	if (closing->by_label)
		rows_put_text(rows, key->text, key->text_len);
	rows_put_day(rows, calendar_start(&calendar->calendar, period));
	rows_put_day(rows, end);
	rows_put_bool(rows, period <= calendar->last_complete);
	rows_put_decimal(rows, opening, scale);
	for (i = 0; i < closing->pending; i++)
		rows_put_decimal(rows, sums[i], scale);
	rows_put_decimal(rows, closed, scale);
	rows_put_decimal(rows, pending, scale);
	rows_put_decimal(rows, blocked, scale);
	rows_put_day(rows, calendar->as_of);
	rows_end(rows);
}

void
points_closing_put(const PointsClosing *closing, Rows *rows, const MetricCalendar *calendar,
				   TallyRow *const *row, TallyRow *const *end, int scale)
{
	static const int128 nothing[TALLY_MAX_SUMS];
	const TallyKey *key = &(*row)->key;
	int128 opening = 0;
	int128 pending = 0;
	int128 blocked = 0;
	int64 period;

	for (period = key->numbers[closing->period_key]; period <= calendar->last; period++)
	{
		const int128 *sums = nothing;
		int128 closed;

		if (row < end && (*row)->key.numbers[closing->period_key] == period)
			sums = (*row++)->sums;
		closed = add_to_closing(closing, opening, sums);
		decimal_sum_add(&pending, sums[closing->pending], POINTS_SUM);
		decimal_sum_add(&blocked, sums[closing->blocked], POINTS_SUM);
		put_period(closing, rows, calendar, (int32) period, key, opening, sums, closed, pending,
				   blocked, scale);
		opening = closed;
		CHECK_FOR_INTERRUPTS();
	}
}
