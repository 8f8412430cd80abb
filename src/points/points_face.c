/*
 * points_face.c
 *		What the SQL faces of points of everyone share; the header lists it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/base.h"
#include "core/policy.h"
#include "core/tally_sql.h"
#include "points/points_face.h"
#include "points/points_policy.h"

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
	{ .name = "policy",
	  .is_json = true,
	  .canonical = canonical_policy,
	  .hint = "Count all of them by one policy." },
	{ .name = "zone",
	  .may_be_unknown = true,
	  .canonical = tally_canonical_zone,
	  .hint = "Name the zone in the policy: '{\"zone\": \"Europe/Helsinki\"}'." },
	{ .name = "as_of",
	  .may_be_unknown = true,
	  .canonical = tally_canonical_day,
	  .hint = "Give the same as_of to all of them." },
	{ .name = "period",
	  .canonical = tally_canonical_period,
	  .hint = "Add up results of one period and one zone." },
	{ .name = "by_label",
	  .is_json = true,
	  .canonical = canonical_flag,
	  .hint = "Either all of them are by label, or none." },
};

/* ---- arguments ---- */

/* What a call asks; policy and period as they came. */
typedef struct Asked
{
	struct varlena *policy;
	struct varlena *period; /* NULL for totals */
	bool has_as_of;
	DateADT as_of;
	bool by_label;
} Asked;

static void
refuse_null(FunctionCallInfo fcinfo, int n, const char *name, const char *hint)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
				 hint != NULL ? errhint("%s", hint) : 0));
}

/* The arguments from the n-th on. */
static void
read_arguments(FunctionCallInfo fcinfo, int n, PointsMetric metric, Asked *asked)
{
	memset(asked, 0, sizeof(Asked));
	refuse_null(fcinfo, n, "policy", "Points that never expire are '{}', the default.");
	asked->policy = PG_GETARG_VARLENA_PP(n++);
	if (metric != POINTS_TOTALS)
	{
		refuse_null(fcinfo, n, "period", NULL);
		asked->period = PG_GETARG_VARLENA_PP(n++);
	}
	if (!PG_ARGISNULL(n))
	{
		asked->has_as_of = true;
		asked->as_of = PG_GETARG_DATEADT(n);
		if (DATE_NOT_FINITE(asked->as_of))
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
							errmsg("as_of must be finite, not '%s'",
								   DATE_IS_NOEND(asked->as_of) ? "infinity" : "-infinity")));
	}
	n++;
	if (metric != POINTS_TOTALS && n < PG_NARGS())
	{
		refuse_null(fcinfo, n, "by_label", NULL);
		asked->by_label = PG_GETARG_BOOL(n);
	}
}

/* A copy with a long header, as those who open it want it. */
static struct varlena *
copy_varlena(const struct varlena *value)
{
	Size size = VARSIZE_ANY_EXHDR(value);
	struct varlena *copy = palloc(VARHDRSZ + size);

	SET_VARSIZE(copy, VARHDRSZ + size);
	memcpy(VARDATA(copy), VARDATA_ANY(value), size);
	return copy;
}

static bool
same_varlena(const struct varlena *a, const struct varlena *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		   memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* Opens what was asked, all but as_of, in the current memory context. Policy and period run in the
 * zone that either names. */
static PointsQuestion *
open_question(Asked *asked)
{
	PointsQuestion *question = palloc0(sizeof(PointsQuestion));
	PointsPolicy *policy;

	asked->policy = copy_varlena(asked->policy);
	policy = points_policy_open(asked->policy);
	if (asked->period != NULL)
	{
		Calendar calendar;

		asked->period = copy_varlena(asked->period);
		question->period = (CalendarPeriod *) asked->period;
		calendar_open(&calendar, question->period);
		if (calendar.zone != NULL)
		{
			ZoneDays *zone = zone_by_name(calendar.zone, strlen(calendar.zone));

			if (policy->zone != NULL && policy->zone != zone)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("the policy is in zone \"%s\", but the period in \"%s\"",
									   zone_name(policy->zone), zone_name(zone)),
								errhint("Leave out one of them, or let them agree.")));
			policy->zone = zone;
		}
	}
	if (policy->zone == NULL)
		policy->zone = zone_of_session();
	question->policy = policy;
	question->zone = policy->zone;
	question->as_of = asked->as_of;
	question->by_label = asked->by_label;
	return question;
}

/* The text of a parameter; NULL where as_of is unknown. */
static char *
parameter_text(const Asked *asked, const PointsQuestion *question, PointsParameter parameter)
{
	switch (parameter)
	{
		case POINTS_PARAMETER_POLICY:
			return policy_unpack(asked->policy);
		case POINTS_PARAMETER_ZONE:
			return pstrdup(zone_name(question->zone));
		case POINTS_PARAMETER_AS_OF:
			return asked->has_as_of ? day_text(question->as_of) : NULL;
		case POINTS_PARAMETER_PERIOD:
			return calendar_period_text(question->period);
		default: /* POINTS_PARAMETER_BY_LABEL */
			return pstrdup(question->by_label ? "true" : "false");
	}
}

static void
set_parameters(Tally *tally, const Asked *asked, const PointsQuestion *question)
{
	int i;

	for (i = 0; i < tally_shape(tally)->nparameters; i++)
		tally_set_parameter(tally, i, parameter_text(asked, question, i));
}

/* ---- over a base ---- */

/* The local day of the last event of all; false where there is none. */
static bool
last_day(const Base *base, ZoneDays *zone, DateADT *day)
{
	TimestampTz last = DT_NOBEGIN;
	TimestampTz at;
	BaseCursor cursor;
	Customer customer = { 0 };
	ByteSpan body;

	base_rewind(&cursor, base);
	while (base_next(&cursor, &customer, &body))
		if (timeline_last_instant(body, &at) && at > last)
			last = at;
	if (last == DT_NOBEGIN)
		return false;
	*day = zone_day(zone, last);
	return true;
}

static void
fold_base(PointsFold *fold, const Base *base)
{
	BaseErrors errors;
	BaseCursor cursor;
	Customer customer = { 0 };
	ByteSpan body;

	base_rewind(&cursor, base);
	base_name_customer(&errors, base, &customer);
	while (base_next(&cursor, &customer, &body))
		points_fold_customer(fold, body);
	base_forget_customer(&errors);
}

Datum
points_over_base(FunctionCallInfo fcinfo, const PointsFace *face)
{
	Asked asked;
	PointsQuestion *question;
	const Base *base;
	Tally *tally;

	read_arguments(fcinfo, 1, face->metric, &asked);
	question = open_question(&asked);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	base = base_open(PG_GETARG_DATUM(0));
	if (!asked.has_as_of)
		asked.has_as_of = last_day(base, question->zone, &question->as_of);

	tally = tally_create(face->shape);
	set_parameters(tally, &asked, question);
	tally_add_guests(tally, base->guests);
	if (asked.has_as_of)
	{
		PointsFold *fold = points_fold_create(face->metric, question);

		fold_base(fold, base);
		points_fold_flush(fold, tally);
	}
	else if (face->metric == POINTS_TOTALS)
	{
		/* nobody has events: members without points, on whatever day */
		TallyKey key = { 0 };

		tally_add(tally, tally_row(tally, &key), TOTALS_MEMBERS, base->customers);
	}
	PG_RETURN_POINTER(tally_encode(tally));
}

/* ---- the aggregates over timelines ---- */

/* What an aggregate's state folds with. */
typedef struct PointsAccumulation
{
	Asked asked; /* by the first row */
	PointsFold *fold;
} PointsAccumulation;

static void
flush_accumulation(void *fold, Tally *tally)
{
	points_fold_flush(((PointsAccumulation *) fold)->fold, tally);
}

static void
report_changing_arguments(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("policy, period, as_of and by_label must be the same for all rows of an "
						   "aggregate"),
					errhint("GROUP BY what they depend on.")));
}

/* Starts to fold, in the state's memory: with the first row, or after a state that came flat,
 * whose parameters must be these. */
static PointsAccumulation *
start_accumulation(TallyState *state, const PointsFace *face, const Asked *asked)
{
	MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);
	PointsAccumulation *accumulation = palloc0(sizeof(PointsAccumulation));
	PointsQuestion *question;
	int i;

	accumulation->asked = *asked;
	question = open_question(&accumulation->asked);
	for (i = 0; i < face->shape->nparameters; i++)
	{
		const char *known = tally_parameter(state->tally, i);
		char *text = parameter_text(&accumulation->asked, question, i);

		if (known == NULL)
			tally_set_parameter(state->tally, i, text);
		else if (strcmp(known, text) != 0)
			report_changing_arguments();
	}
	accumulation->fold = points_fold_create(face->metric, question);
	state->fold = accumulation;
	state->flush = flush_accumulation;
	MemoryContextSwitchTo(old);
	return accumulation;
}

Datum
points_accumulate(FunctionCallInfo fcinfo, const PointsFace *face)
{
	bool is_new;
	TallyState *state;
	PointsAccumulation *accumulation;
	Asked asked;

	read_arguments(fcinfo, 2, face->metric, &asked);
	if (!asked.has_as_of)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of must not be null"),
				 errhint("Give a day: an aggregate doesn't know the last event of all groups "
						 "beforehand. The function over timelines(...) does.")));
	state = tally_state(fcinfo, 0, face->shape, &is_new);
	accumulation = state->fold;
	if (accumulation == NULL)
		accumulation = start_accumulation(state, face, &asked);
	else if (asked.as_of != accumulation->asked.as_of ||
			 asked.by_label != accumulation->asked.by_label ||
			 !same_varlena(asked.policy, accumulation->asked.policy) ||
			 !same_varlena(asked.period, accumulation->asked.period))
		report_changing_arguments();
	if (!PG_ARGISNULL(1))
		points_fold_customer(accumulation->fold,
							 timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(1))));
	TALLY_RETURN_STATE(state);
}

/* ---- reading results ---- */

bool
points_result_as_of(const Tally *tally, DateADT *as_of)
{
	const char *text = tally_parameter(tally, POINTS_PARAMETER_AS_OF);

	if (text == NULL)
		return false;
	if (day_parse(text, strlen(text), as_of) != DAY_READ)
		report_corrupted();
	return true;
}

bool
points_result_calendar(const Tally *tally, PointsCalendar *calendar)
{
	int64 nrows;

	pfree(tally_rows(tally, &nrows));
	if (nrows == 0)
		return false;
	if (!tally_calendar(tally, &calendar->calendar) ||
		!points_result_as_of(tally, &calendar->as_of))
		report_corrupted();
	calendar->last = calendar_index(&calendar->calendar, calendar->as_of);
	calendar->last_complete =
		calendar_start(&calendar->calendar, calendar->last + 1) == calendar->as_of + 1
			? calendar->last
			: calendar->last - 1;
	return true;
}

const char *
points_rows_fault(const Tally *tally, TallyRow *const *rows, int64 nrows, PointsCalendar *calendar)
{
	const char *by_label = tally_parameter(tally, POINTS_PARAMETER_BY_LABEL);
	DateADT as_of;
	int64 i;

	if (tally_parameter(tally, POINTS_PARAMETER_PERIOD) == NULL)
		return "There are rows, but no \"period\".";
	if (!points_result_as_of(tally, &as_of))
		return "There are rows, but no \"as_of\".";
	for (i = 0; i < nrows; i++)
		if (rows[i]->key.text != NULL && (by_label == NULL || strcmp(by_label, "true") != 0))
			return "There are labels, but \"by_label\" isn't true.";
	points_result_calendar(tally, calendar);
	return NULL;
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
