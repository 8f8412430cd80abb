/*
 * cohort_value.c
 *		cohort_value(): what it is asked, the shape of its result, and the walk through one.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "cohort/cohort_internal.h"
#include "core/argument.h"
#include "core/exact.h"
#include "core/json.h"
#include "policy/policy.h"

#define RESULT_TYPE "cohort_value_result"

/* ---- horizons ---- */

static int
compare_horizons(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/* Takes horizons, in any order; 22023 where they can't be some. */
static void
take_horizons(CohortLags *lags, int32 *horizons, int n)
{
	int i;

	if (n == 0 || n > COHORT_MAX_HORIZONS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there may be 1 to %d horizons, not %d", COHORT_MAX_HORIZONS, n),
						errhint("Leave them out to have each lag by itself.")));
	for (i = 0; i < n; i++)
		if (horizons[i] < 1 || horizons[i] > METRIC_MAX_COUNT)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("a horizon must be between 1 and %d lags, not %d",
								   METRIC_MAX_COUNT, horizons[i])));
	qsort(horizons, n, sizeof(int32), compare_horizons);
	lags->nhorizons = 1;
	for (i = 1; i < n; i++)
		if (horizons[i] != horizons[i - 1])
			horizons[lags->nhorizons++] = horizons[i];
	lags->horizons = horizons;
}

static void
open_horizons(CohortLags *lags, struct varlena *value)
{
	ArrayType *array = (ArrayType *) value;
	Datum *elements;
	bool *nulls;
	int32 *horizons;
	int n;
	int i;

	argument_refuse_matrix(array, "horizons");
	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, &nulls, &n);
	horizons = palloc_extended(Max(n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	for (i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("horizon %d is null", i + 1)));
		horizons[i] = DatumGetInt32(elements[i]);
	}
	take_horizons(lags, horizons, n);
}

/* The text of horizons: [30, 60, 90]. */
static char *
horizons_text(const CohortLags *lags)
{
	StringInfoData text;
	int i;

	initStringInfo(&text);
	for (i = 0; i < lags->nhorizons; i++)
		appendStringInfo(&text, "%s%d", i > 0 ? ", " : "[", lags->horizons[i]);
	appendStringInfoChar(&text, ']');
	return text.data;
}

static void
read_horizons(CohortLags *lags, const char *text)
{
	Jsonb *parsed = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	int32 *horizons;
	int n;
	int i;

	if (!JB_ROOT_IS_ARRAY(parsed) || JB_ROOT_IS_SCALAR(parsed))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"horizons\" of a %s is not an array", RESULT_TYPE)));
	n = (int) JB_ROOT_COUNT(parsed);
	horizons = palloc_extended(Max(n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	for (i = 0; i < n; i++)
	{
		horizons[i] = (int32) Min(
			json_as_count(getIthJsonbValueFromContainer(&parsed->root, i), RESULT_TYPE, "horizons"),
			PG_INT32_MAX);
		CHECK_FOR_INTERRUPTS();
	}
	take_horizons(lags, horizons, n);
}

static int64
read_elapsed(const char *text)
{
	Interval interval;

	if (!policy_parse_interval(text, &interval))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"elapsed\" of a %s is not an interval: \"%.*s%s\"", RESULT_TYPE,
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write one such as \"1 day\".")));
	return metric_elapsed(&interval);
}

/* Days are 24 hours, and are written so: what is the same has one text. */
static char *
elapsed_text(int64 elapsed)
{
	Interval interval = { .day = (int32) (elapsed / USECS_PER_DAY),
						  .time = elapsed % USECS_PER_DAY };

	return policy_interval_text(&interval);
}

/* ---- what is asked ---- */

enum
{
	ARGUMENT_PERIOD,
	ARGUMENT_AS_OF,
	ARGUMENT_ELAPSED,
	ARGUMENT_HORIZONS,
	ARGUMENT_COST_KIND
};

static const MetricArgument arguments[] = {
	[ARGUMENT_PERIOD] = METRIC_PERIOD_ARGUMENT,
	[ARGUMENT_AS_OF] = METRIC_AS_OF_ARGUMENT,
	[ARGUMENT_ELAPSED] = { "elapsed", .type = METRIC_SPAN, .may_be_null = true },
	[ARGUMENT_HORIZONS] = { "horizons", .type = METRIC_VALUE, .may_be_null = true },
	[ARGUMENT_COST_KIND] = { "cost_kind", .type = METRIC_VALUE, .may_be_null = true },
};

static void
open_question(MetricQuestion *question)
{
	CohortAsked *asked = palloc0(sizeof(CohortAsked));
	struct varlena *kind = question->values[ARGUMENT_COST_KIND];

	if (question->has_span)
		asked->lags.elapsed = metric_elapsed(&question->span);
	if (question->values[ARGUMENT_HORIZONS] != NULL)
		open_horizons(&asked->lags, question->values[ARGUMENT_HORIZONS]);
	if (kind != NULL)
	{
		asked->has_cost_kind = true;
		asked->cost_kind.bytes = VARDATA_ANY(kind);
		asked->cost_kind.len = (int) VARSIZE_ANY_EXHDR(kind);
		asked->cost_kind_text = text_to_cstring((text *) kind);
	}
	question->own = asked;
}

static void
add_names(const MetricQuestion *question, MetricNames *names)
{
	const CohortAsked *asked = question->own;

	if (asked->has_cost_kind)
		metric_add_name(names, false, &asked->cost_kind);
}

/* ---- the shape ---- */

enum
{
	PARAMETER_PERIOD,
	PARAMETER_ELAPSED,
	PARAMETER_HORIZONS,
	PARAMETER_COST_KIND,
	PARAMETER_ZONE,
	PARAMETER_AS_OF
};

static const char *
parameter_text(const MetricQuestion *question, const char *parameter)
{
	const CohortAsked *asked = question->own;

	if (strcmp(parameter, "elapsed") == 0)
		return asked->lags.elapsed > 0 ? elapsed_text(asked->lags.elapsed) : NULL;
	if (strcmp(parameter, "horizons") == 0)
		return asked->lags.nhorizons > 0 ? horizons_text(&asked->lags) : NULL;
	return asked->cost_kind_text;
}

static char *
canonical_elapsed(const char *text)
{
	return elapsed_text(read_elapsed(text));
}

static char *
canonical_horizons(const char *text)
{
	CohortLags lags;

	read_horizons(&lags, text);
	return horizons_text(&lags);
}

static const TallyParameter parameters[] = {
	[PARAMETER_PERIOD] = METRIC_PERIOD_PARAMETER,
	[PARAMETER_ELAPSED] = { .name = "elapsed",
							.canonical = canonical_elapsed,
							.hint = "Give the same elapsed to all of them, or none." },
	[PARAMETER_HORIZONS] = { .name = "horizons",
							 .is_json = true,
							 .canonical = canonical_horizons,
							 .hint = "Give the same horizons to all of them, or none." },
	[PARAMETER_COST_KIND] = { .name = "cost_kind",
							  .hint = "Give the same cost_kind to all of them, or none." },
	[PARAMETER_ZONE] = METRIC_ZONE_PARAMETER,
	[PARAMETER_AS_OF] = METRIC_AS_OF_PARAMETER,
};

static const TallyColumn keys[] = { { "cohort", TALLY_PERIOD }, { "column", TALLY_NUMBER } };

static const TallyColumn columns[COHORT_SUMS] = {
	[COHORT_ACQUIRED] = { "acquired", TALLY_COUNT },
	[COHORT_ACTIVE] = { "active", TALLY_COUNT },
	[COHORT_ORDERS] = { "orders", TALLY_COUNT },
	[COHORT_REVENUE] = { "revenue", TALLY_VALUE },
	[COHORT_SQUARES] = { "squares", TALLY_VALUE },
	[COHORT_COST] = { "cost", TALLY_VALUE },
	[COHORT_RUNNING] = { "running", TALLY_COUNT },
	[COHORT_DUE] = { "due", TALLY_VALUE },
	[COHORT_DROPPED] = { "dropped", TALLY_VALUE },
	[COHORT_COST_DROPPED] = { "cost_dropped", TALLY_VALUE },
};

/* Only a kind of events tells what acquisition costs, and only of elapsed lags some are over for
 * one customer of a cohort and not for another. */
static bool
lacks(const Tally *tally, const char *name)
{
	bool has_cost = tally_parameter(tally, PARAMETER_COST_KIND) != NULL;
	bool is_elapsed = tally_parameter(tally, PARAMETER_ELAPSED) != NULL;

	if (strcmp(name, "cost") == 0)
		return !has_cost;
	if (strcmp(name, "cost_dropped") == 0)
		return !has_cost || !is_elapsed;
	return !is_elapsed && (strcmp(name, "running") == 0 || strcmp(name, "due") == 0 ||
						   strcmp(name, "dropped") == 0);
}

/* ---- the walk through a result ---- */

bool
cohort_result_open(CohortResult *result, const Tally *tally)
{
	const char *elapsed = tally_parameter(tally, PARAMETER_ELAPSED);
	const char *horizons = tally_parameter(tally, PARAMETER_HORIZONS);
	int64 nrows;

	memset(result, 0, sizeof(CohortResult));
	if (!metric_result_calendar(tally, &result->calendar))
		return false;
	if (elapsed != NULL)
		result->lags.elapsed = read_elapsed(elapsed);
	if (horizons != NULL)
		read_horizons(&result->lags, horizons);
	result->has_cost = tally_parameter(tally, PARAMETER_COST_KIND) != NULL;
	result->decimals = tally_scale(tally) / 2;
	result->unit = decimal_power[result->decimals];
	result->row = tally_rows(tally, &nrows);
	result->end = result->row + nrows;
	return true;
}

#define COHORT_OF(row) ((int32) (row)->key.numbers[0])
#define COLUMN_OF(row) ((row)->key.numbers[1])

bool
cohort_next(CohortResult *result, CohortWalk *walk)
{
	TallyRow **row = result->row;

	if (row == result->end)
		return false;
	memset(walk, 0, sizeof(CohortWalk));
	walk->result = result;
	walk->number = COHORT_OF(*row);
	walk->size = (int64) (*row)->sums[COHORT_ACQUIRED];
	walk->eligible = walk->size;
	walk->cost = walk->eligible_cost = (*row)->sums[COHORT_COST] / result->unit;
	walk->column = -1;
	walk->row = row;
	while (row < result->end && COHORT_OF(*row) == walk->number)
		row++;
	walk->end = result->row = row;
	/* each customer has a row where his elapsed lags run */
	walk->last = result->lags.elapsed > 0
					 ? COLUMN_OF(row[-1])
					 : cohort_column(&result->lags, (int64) result->calendar.last - walk->number);
	return true;
}

static void
add_row(CohortWalk *walk, const int128 *sums)
{
	int128 unit = walk->result->unit;
	bool is_elapsed = walk->result->lags.elapsed > 0;

	walk->active = (int64) sums[COHORT_ACTIVE];
	walk->orders = (int64) sums[COHORT_ORDERS];
	walk->revenue = sums[COHORT_REVENUE] / unit;
	walk->eligible_revenue = is_elapsed ? sums[COHORT_DUE] / unit : walk->revenue;
	decimal_sum_add(&walk->cumulative, walk->revenue, "revenue");
	decimal_sum_add(&walk->eligible_cumulative, walk->eligible_revenue, "revenue");
	decimal_sum_add(&walk->eligible_squares, sums[COHORT_SQUARES], "squares of revenue");
	if (!is_elapsed)
		return;
	walk->eligible -= (int64) sums[COHORT_RUNNING];
	decimal_sum_subtract(&walk->eligible_cumulative, sums[COHORT_DROPPED] / unit, "revenue");
	decimal_sum_subtract(&walk->eligible_cost, sums[COHORT_COST_DROPPED] / unit, "costs");
}

void
cohort_step(CohortWalk *walk)
{
	const CohortResult *result = walk->result;

	walk->column++;
	walk->active = walk->orders = 0;
	walk->revenue = walk->eligible_revenue = 0;
	if (walk->row < walk->end && COLUMN_OF(*walk->row) == walk->column)
		add_row(walk, (*walk->row++)->sums);
	if (result->lags.elapsed > 0)
		walk->is_over =
			walk->eligible == walk->size && walk->number <= result->calendar.last_complete;
	else
	{
		int64 horizon = cohort_horizon(&result->lags, walk->column);

		walk->is_over =
			horizon != COHORT_NEVER && walk->number + horizon - 1 <= result->calendar.last_complete;
	}
}

/* ---- what a result from outside can't hold ---- */

/* Can an elapsed lag have begun by as_of, for someone of this cohort? Days of zones apart are let
 * pass. */
static bool
can_have_begun(const CohortResult *result, int32 cohort, int64 lag)
{
	int64 days =
		(int64) result->calendar.as_of - calendar_start(&result->calendar.calendar, cohort) + 3;

	return (int128) lag * result->lags.elapsed <= (int128) days * USECS_PER_DAY;
}

static const char *
row_fault(const CohortResult *result, const TallyRow *row, int64 size)
{
	const CohortLags *lags = &result->lags;
	int64 cohort = row->key.numbers[0];
	int64 column = COLUMN_OF(row);
	const int128 *sums = row->sums;
	int i;

	if (column < 0 || column > PG_INT32_MAX || (lags->nhorizons > 0 && column > lags->nhorizons))
		return "There is no such \"column\".";
	if (lags->elapsed > 0
			? cohort > result->calendar.last ||
				  !can_have_begun(result, (int32) cohort, cohort_first_lag(lags, column))
			: cohort + cohort_first_lag(lags, column) > result->calendar.last)
		return "There is a column that begins after \"as_of\".";
	if ((column == 0) != (sums[COHORT_ACQUIRED] > 0) || (column > 0 && sums[COHORT_COST] != 0))
		return "Customers of a cohort are acquired, and cost, in column 0, and nowhere else.";
	if (sums[COHORT_ACTIVE] > size)
		return "More customers are active than were acquired.";
	if (sums[COHORT_ACTIVE] == 0 && sums[COHORT_ORDERS] > 0)
		return "There are orders of nobody.";
	for (i = COHORT_REVENUE; i < COHORT_SUMS; i++)
		if (columns[i].type == TALLY_VALUE && i != COHORT_SQUARES && sums[i] % result->unit != 0)
			return "An amount has more than half of the decimals.";
	return NULL;
}

/* Can so many customers have brought such a sum, with such squares? */
static bool
squares_can_be(const CohortWalk *walk)
{
	Numeric sum;

	if (walk->eligible < 0 || walk->eligible_squares < 0)
		return false;
	if (walk->eligible == 0)
		return walk->eligible_cumulative == 0 && walk->eligible_squares == 0 &&
			   walk->eligible_cost == 0;
	sum = exact_whole(walk->eligible_cumulative);
	return !exact_is_negative(
		exact_spread(walk->eligible, exact_whole(walk->eligible_squares), sum, sum));
}

static const char *
cohort_fault(CohortWalk *walk)
{
	const CohortResult *result = walk->result;
	const char *fault = COLUMN_OF(*walk->row) == 0 ? NULL : "A cohort has nobody in column 0.";
	TallyRow **row;

	for (row = walk->row; fault == NULL && row < walk->end; row++)
		fault = row_fault(result, *row, walk->size);
	while (fault == NULL && walk->row < walk->end)
	{
		/* nothing changes between two rows */
		walk->column = COLUMN_OF(*walk->row) - 1;
		cohort_step(walk);
		if (!squares_can_be(walk))
			fault = "No amounts of so many customers have such a sum and such squares.";
		CHECK_FOR_INTERRUPTS();
	}
	if (fault == NULL && result->lags.elapsed > 0 && walk->eligible != 0)
		fault = "Each customer of a cohort is in one running column.";
	return fault;
}

static const char *
find_fault(const Tally *tally)
{
	CohortResult result;
	CohortWalk walk;
	MetricCalendar calendar;
	const char *fault;
	int128 customers = 0;

	if (tally_parameter(tally, PARAMETER_PERIOD) == NULL)
		return "There is no \"period\".";
	if (tally_scale(tally) % 2 != 0)
		return "\"scale\" is odd, but half of it is for amounts, and all for their squares.";
	if (!tally_has_rows(tally))
		return NULL;
	fault = metric_calendar_fault(tally, &calendar);
	if (fault != NULL || !cohort_result_open(&result, tally))
		return fault;
	while (fault == NULL && cohort_next(&result, &walk))
	{
		customers += walk.size;
		fault = customers > PG_INT64_MAX ? "There are more customers than can be counted."
										 : cohort_fault(&walk);
	}
	return fault;
}

const TallyShape cohort_value_shape = {
	.type = RESULT_TYPE,
	.maker = "cohort_value() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.lacks = lacks,
	.fault = find_fault,
};

/* ---- the metric ---- */

static const Metric metric = {
	.shape = &cohort_value_shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(arguments),
	.eventless = METRIC_IGNORE_EVENTLESS,
	.open = open_question,
	.names = add_names,
	.text = parameter_text,
	.start = cohort_fold_start,
	.customer = cohort_fold_customer,
	.finish = cohort_fold_finish,
};

/* loyalty_cohort_value_result_in, loyalty_cohort_value_result_out,
 * loyalty_cohort_value_result_recv, loyalty_cohort_value_result_send,
 * loyalty_cohort_value_result_merge, loyalty_cohort_value_result_scope */
TALLY_TYPE(cohort_value_result, &cohort_value_shape)

/* loyalty_cohort_value, (timeline_base, period, as_of, elapsed, horizons, cost_kind);
 * loyalty_cohort_value_accum */
METRIC_FUNCTIONS(cohort_value, &metric)
