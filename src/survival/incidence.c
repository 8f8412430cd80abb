/*
 * incidence.c
 *		What durations end by, where they can end by one of several causes: the cumulative incidence
 *		of each, by Aalen and Johansen.
 *
 * Of those at risk at a time, d end by a cause there: h = d/n of those who have lasted until then,
 * whose share is S, Kaplan-Meier's of all causes together. So the incidence F of the cause grows by
 * S h, and F of all causes and S add up to 1 at each time. One minus Kaplan-Meier's S of one cause,
 * with the others taken for censored, is too high: it tells what would be if the others didn't
 * exist.
 *
 * The variance is Greenwood's way: hazards of different times don't covary, those of causes at one
 * time do as shares of the same n. With H the sum of all h at a time, step by step:
 *
 *		var F	grows by	2 h S k + h^2 S^2 g + S^2 h (1 - h) / n
 *		k		grows by	h S (g - 1/n)						where S k is the covariance of S and
 *		F g		grows by	H / (n (1 - H))						where S^2 g is the variance of S F
 *		grows by	S h S		becomes		S (1 - H)
 *
 * with g and k of before on the right.
 *
 * Aalen, O. O. and Johansen, S. (1978): An empirical transition matrix for non-homogeneous Markov
 * chains based on censored observations. Scandinavian Journal of Statistics 5, 141-150. The
 * variance: Gaynor, J. J. et al. (1993): On the use of cause-specific failure and conditional
 * failure probabilities. Journal of the American Statistical Association 88, 400-409.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"

#include "core/argument.h"
#include "core/array.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"
#include "survival/survival_internal.h"

/* ---- the result ---- */

/* Sorted by cause, so that they come out numbered; none, of what is censored, comes first. */
#define INCIDENCE_CAUSE	   0
#define INCIDENCE_DURATION 1

static const TallyColumn incidence_keys[] = {
	[INCIDENCE_CAUSE] = { "cause", TALLY_TEXT },
	[INCIDENCE_DURATION] = { "duration", TALLY_DECIMAL },
};

/* Rows, and their times: of all causes together, each with the rows that are at it. */
typedef struct Incidence
{
	TallyRow **rows; /* sorted by cause */
	int64 nrows;
	int64 *order; /* numbers of rows, by time */
	SurvivalTimes times;
	int64 *end; /* of each time, in the order */
} Incidence;

static int
compare_by_time(const void *a, const void *b, void *of)
{
	TallyRow **rows = of;
	int64 x = rows[*(const int64 *) a]->key.numbers[INCIDENCE_DURATION];
	int64 y = rows[*(const int64 *) b]->key.numbers[INCIDENCE_DURATION];

	if (x != y)
		return x < y ? -1 : 1;
	return *(const int64 *) a < *(const int64 *) b ? -1 : 1;
}

static Incidence
open_incidence(const Tally *tally)
{
	Incidence of = { 0 };
	SurvivalTime *times;
	int64 n = 0;
	int64 i;

	of.rows = tally_rows(tally, &of.nrows);
	of.order = palloc_extended(Max(of.nrows, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	of.end = palloc_extended(Max(of.nrows, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	times =
		palloc_extended(Max(of.nrows, 1) * sizeof(SurvivalTime), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < of.nrows; i++)
		of.order[i] = i;
	qsort_interruptible(of.order, of.nrows, sizeof(int64), compare_by_time, of.rows);
	for (i = 0; i < of.nrows; i++)
	{
		const TallyRow *row = of.rows[of.order[i]];
		int64 duration = row->key.numbers[INCIDENCE_DURATION];

		if (n == 0 || times[n - 1].duration != duration)
			times[n++].duration = duration;
		/* duration_fault() has made sure that they can be added up */
		times[n - 1].events += (int64) row->sums[DURATION_EVENTS];
		times[n - 1].censored += (int64) row->sums[DURATION_CENSORED];
		times[n - 1].entered += (int64) row->sums[DURATION_ENTERED];
		of.end[n - 1] = i + 1;
		CHECK_FOR_INTERRUPTS();
	}
	of.times = (SurvivalTimes){ times, n, tally_scale(tally) == TALLY_FLOATS };
	return of;
}

static const char *
incidence_fault(const Tally *tally)
{
	const char *fault = duration_fault(tally, INCIDENCE_DURATION);
	int64 nrows;
	TallyRow **rows;
	int64 i;

	if (fault != NULL)
		return fault;
	rows = tally_rows(tally, &nrows);
	for (i = 0; i < nrows; i++)
	{
		const int128 *sums = rows[i]->sums;

		if (rows[i]->key.text == NULL ? sums[DURATION_EVENTS] > 0
									  : sums[DURATION_CENSORED] > 0 || sums[DURATION_ENTERED] > 0)
			return "What ends has a cause; what is censored, or enters, has none.";
	}
	return survival_times_valid(open_incidence(tally).times) ? NULL : DURATIONS_FAULT;
}

static const TallyShape incidence_shape = {
	.type = "cumulative_incidence_result",
	.maker = "cumulative_incidence() and rollup()",
	.nparameters = 1,
	.parameters = &duration_unit,
	TALLY_KEYS(incidence_keys),
	TALLY_SUMS(duration_sums),
	.fault = incidence_fault,
};

/* loyalty_cumulative_incidence_result_in, loyalty_cumulative_incidence_result_out,
 * loyalty_cumulative_incidence_result_recv, loyalty_cumulative_incidence_result_send,
 * loyalty_cumulative_incidence_result_merge, loyalty_cumulative_incidence_result_scope */
TALLY_TYPE(cumulative_incidence_result, &incidence_shape)

/* ---- the aggregate ---- */

PG_FUNCTION_INFO_V1(loyalty_cumulative_incidence_accum);

/* cumulative_incidence_accum(state, duration, cause [, entry]) */
Datum
loyalty_cumulative_incidence_accum(PG_FUNCTION_ARGS)
{
	DurationCall *call = duration_call(fcinfo, 1, 2);
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &incidence_shape, &is_new);
	Observed observed;

	if (is_new)
		duration_set_unit(state->tally, call->duration);
	if (observed_arguments(fcinfo, 1, 3, state->tally, call->duration, &observed))
	{
		TallyKey key = { .text = NULL };
		TallyKey no_cause = { .text = NULL };

		if (!PG_ARGISNULL(2))
			key.text = any_text(&call->text, PG_GETARG_DATUM(2), &key.text_len);
		duration_count(state->tally, &key, INCIDENCE_DURATION, &observed, !PG_ARGISNULL(2));
		duration_count_entry(state->tally, &no_cause, INCIDENCE_DURATION, &observed);
	}
	TALLY_RETURN_STATE(state);
}

/* ---- the walk ---- */

/* What is known of a cause at a time. */
typedef struct Cause
{
	const TallyKey *name;
	double incidence; /* F */
	double variance;
	double covariance; /* k: with S, in terms of S */
} Cause;

/* Goes through the times in order. */
typedef struct IncidenceWalk
{
	Incidence of;
	SurvivalWalk all; /* of all causes together */
	int64 place;	  /* in the order */
	int ncauses;
	Cause *causes;
	int *cause_of; /* by the number of a row; -1: none */
} IncidenceWalk;

/* A result has at most so many causes. */
#define MAX_CAUSES 1000

static void
start_walk(IncidenceWalk *walk, const Tally *tally)
{
	int64 max = 0;
	int64 i;

	memset(walk, 0, sizeof(IncidenceWalk));
	walk->of = open_incidence(tally);
	walk->cause_of = palloc_extended(Max(walk->of.nrows, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	for (i = 0; i < walk->of.nrows; i++)
	{
		const TallyKey *key = &walk->of.rows[i]->key;

		walk->cause_of[i] = -1;
		if (key->text == NULL)
			continue;
		if (walk->ncauses == 0 || !duration_same_text(walk->causes[walk->ncauses - 1].name, key))
		{
			if (walk->ncauses == MAX_CAUSES)
				ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
								errmsg("there can't be more than %d causes", MAX_CAUSES),
								errhint("Is the cause what tells customers apart?")));
			walk->causes = array_grow(walk->causes, &max, walk->ncauses + 1, sizeof(Cause));
			walk->causes[walk->ncauses++] = (Cause){ .name = key };
		}
		walk->cause_of[i] = walk->ncauses - 1;
	}
	survival_start(&walk->all, walk->of.times);
}

/* Steps to the next time; false after the last one. */
static bool
next_time(IncidenceWalk *walk)
{
	SurvivalWalk before = walk->all;
	double s = before.survival;
	double n;

	if (!survival_next(&walk->all))
		return false;
	n = (double) walk->all.at_risk;
	for (; walk->place < walk->of.end[walk->all.time - walk->of.times.times]; walk->place++)
	{
		int64 row = walk->of.order[walk->place];
		Cause *cause;
		double h;

		/* once S is 0, nothing changes, and its variance isn't known */
		if (walk->cause_of[row] < 0 || s <= 0)
			continue;
		cause = &walk->causes[walk->cause_of[row]];
		h = (double) (int64) walk->of.rows[row]->sums[DURATION_EVENTS] / n;
		cause->variance += 2 * h * s * cause->covariance + h * h * s * s * before.log_variance +
						   s * s * h * (1 - h) / n;
		cause->covariance += h * s * (before.log_variance - 1 / n);
		cause->incidence += s * h;
	}
	return true;
}

/* ---- questions ---- */

PG_FUNCTION_INFO_V1(loyalty_cumulative_incidence_table);
PG_FUNCTION_INFO_V1(loyalty_cumulative_incidence_at);

/* Puts incidence, std_error, lower and upper. */
static void
put_estimate(Rows *rows, double incidence, double variance, double z, SurvivalInterval kind)
{
	double error = variance < 0 ? 0 : sqrt(variance); /* by rounding */
	double lower;
	double upper;

	share_interval(incidence, error / incidence, z, kind, &lower, &upper);
	rows_put_float(rows, incidence);
	rows_put_float(rows, error);
	rows_put_float(rows, lower);
	rows_put_float(rows, upper);
}

/* What a row of the table shows: of a row of the result. */
typedef struct Point
{
	int64 at_risk;
	double incidence;
	double variance;
} Point;

/* cumulative_incidence_table(result, confidence, interval_kind) */
Datum
loyalty_cumulative_incidence_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	SurvivalInterval kind = interval_kind_argument(fcinfo, 2);
	const Tally *tally = tally_argument(fcinfo, 0, &incidence_shape);
	IncidenceWalk walk;
	Point *points;
	Rows rows;
	int64 first = 0;
	int64 i;

	start_walk(&walk, tally);
	duration_notice_early_end(walk.of.times, tally_scale(tally));
	points = palloc_extended(Max(walk.of.nrows, 1) * sizeof(Point), MCXT_ALLOC_HUGE);
	for (; next_time(&walk); first = walk.place)
		for (i = first; i < walk.place; i++)
		{
			int64 row = walk.of.order[i];
			int cause = walk.cause_of[row];

			if (cause >= 0)
				points[row] = (Point){ walk.all.at_risk, walk.causes[cause].incidence,
									   walk.causes[cause].variance };
		}

	rows_open(&rows, fcinfo);
	for (i = 0; i < walk.of.nrows; i++)
	{
		const TallyRow *row = walk.of.rows[i];

		if (walk.cause_of[i] < 0)
			continue;
		rows_begin(&rows);
		rows_put_text(&rows, row->key.text, row->key.text_len);
		duration_put(&rows, row->key.numbers[INCIDENCE_DURATION], tally_scale(tally));
		rows_put_count(&rows, points[i].at_risk);
		rows_put_count(&rows, (int64) row->sums[DURATION_EVENTS]);
		put_estimate(&rows, points[i].incidence, points[i].variance, z, kind);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* cumulative_incidence_at(result, t, confidence, interval_kind): t is a number, an interval or a
 * text */
Datum
loyalty_cumulative_incidence_at(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(2));
	SurvivalInterval kind = interval_kind_argument(fcinfo, 3);
	const Tally *tally = tally_argument(fcinfo, 0, &incidence_shape);
	Numeric t = point_argument(fcinfo, 1, tally, "t");
	IncidenceWalk walk;
	bool is_known;
	bool is_past;
	int64 until;
	Rows rows;
	int i;

	start_walk(&walk, tally);
	duration_notice_early_end(walk.of.times, tally_scale(tally));
	rows_open(&rows, fcinfo);
	if (walk.of.times.ntimes == 0)
		return (Datum) 0;
	until = key_up_to(t, walk.of.times, tally_scale(tally), &is_past);
	while (walk.all.next < walk.all.end && walk.all.next->duration <= until)
		next_time(&walk);
	is_known = !is_past || walk.all.survival <= 0;
	for (i = 0; i < walk.ncauses; i++)
	{
		const Cause *cause = &walk.causes[i];

		rows_begin(&rows);
		rows_put_text(&rows, cause->name->text, cause->name->text_len);
		put_estimate(&rows, is_known ? cause->incidence : NAN, is_known ? cause->variance : NAN, z,
					 kind);
		rows_end(&rows);
	}
	return (Datum) 0;
}
