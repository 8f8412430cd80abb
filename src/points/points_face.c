/*
 * points_face.c
 *		What the SQL faces of points of everyone share; the header lists it.
 */
#include "postgres.h"

#include "policy/policy.h"
#include "points/points_face.h"
#include "points/points.h"

/* ---- parameters of results ---- */

static char *
canonical_policy(const char *text)
{
	return policy_unpack(points_policy_from_text(text));
}

static char *
canonical_flag(const char *text)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"by_label\" must be true or false, not %s", text)));
	return pstrdup(text);
}

const TallyParameter points_parameters[POINTS_PARAMETERS] = {
	BASE_PARAMETER_POLICY(canonical_policy),
	BASE_PARAMETER_ZONE,
	BASE_PARAMETER_AS_OF,
	BASE_PARAMETER_PERIOD,
	{ .name = "by_label",
	  .is_json = true,
	  .canonical = canonical_flag,
	  .hint = "Either all of them are by label, or none." },
};

/* ---- the question and the fold ---- */

#define POLICY_ARGUMENT                                       \
	{                                                         \
		"policy", BASE_POLICY, POINTS_PARAMETER_POLICY,       \
			"Points that never expire are '{}', the default." \
	}

const BaseArgument points_totals_arguments[POINTS_TOTALS_ARGUMENTS] = {
	POLICY_ARGUMENT,
	{ "as_of", BASE_AS_OF, POINTS_PARAMETER_AS_OF, NULL },
};

const BaseArgument points_period_arguments[POINTS_PERIOD_ARGUMENTS] = {
	POLICY_ARGUMENT,
	{ "period", BASE_PERIOD, POINTS_PARAMETER_PERIOD, NULL },
	{ "as_of", BASE_AS_OF, POINTS_PARAMETER_AS_OF, NULL },
	{ "by_label", BASE_FLAG, POINTS_PARAMETER_BY_LABEL, NULL },
};

void *
points_open_policy(const struct varlena *policy)
{
	return points_policy_open(policy);
}

ZoneDays **
points_policy_zone(void *policy)
{
	return &((PointsPolicy *) policy)->zone;
}

void *
points_start_fold(int fold_kind, const BaseQuestion *asked)
{
	PointsQuestion *question = palloc(sizeof(PointsQuestion));

	question->policy = asked->policy;
	question->zone = asked->zone;
	question->period = asked->period;
	question->as_of = asked->as_of;
	question->by_label = asked->flag;
	return points_fold_create((PointsMetric) fold_kind, question);
}

void
points_add_customer(void *fold, ByteSpan body)
{
	points_fold_customer(fold, body);
}

void
points_flush_fold(void *fold, Tally *tally)
{
	points_fold_flush(fold, tally);
}

/* ---- reading results ---- */

const char *
points_rows_fault(const Tally *tally, TallyRow *const *rows, int64 nrows, BaseCalendar *calendar)
{
	const char *by_label = tally_parameter(tally, POINTS_PARAMETER_BY_LABEL);
	const char *fault;
	int64 i;

	fault = base_calendar_fault(tally, POINTS_PARAMETER_PERIOD, POINTS_PARAMETER_AS_OF, calendar);
	for (i = 0; fault == NULL && i < nrows; i++)
		if (rows[i]->key.text != NULL && (by_label == NULL || strcmp(by_label, "true") != 0))
			fault = "There are labels, but \"by_label\" isn't true.";
	return fault;
}

void
points_labels_open(PointsLabels *labels, const Tally *tally)
{
	int64 nrows;

	labels->unlabelled = labels->labelled = tally_rows(tally, &nrows);
	labels->all_end = labels->unlabelled + nrows;
	while (labels->labelled < labels->all_end && (*labels->labelled)->key.text == NULL)
		labels->labelled++;
	labels->next = labels->labelled;
}

static bool
same_label(const TallyKey *a, const TallyKey *b)
{
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
		if (!same_label(&(*labels->row)->key, &(*labels->end)->key))
			break;
	labels->next = labels->end;
	return true;
}

static void
report_sum_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("sum of points out of range")));
}

void
points_sum_add(int128 *sum, int128 amount)
{
	if (__builtin_add_overflow(*sum, amount, sum))
		report_sum_out_of_range();
}

void
points_sum_subtract(int128 *sum, int128 amount)
{
	if (__builtin_sub_overflow(*sum, amount, sum))
		report_sum_out_of_range();
}
