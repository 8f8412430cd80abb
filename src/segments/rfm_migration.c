/*
 * rfm_migration.c
 *		From which segment to which customers went between two days: rfm_migration(), its result and
 *		table. Both days are scored by one scale: what moves is the customer, not the cut points.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "core/rows.h"
#include "segments/rfm_internal.h"

PG_FUNCTION_INFO_V1(loyalty_rfm_migration_table);

#define KEY_FROM 0
#define KEY_TO	 1

/* ---- counting ---- */

typedef struct MigrationFold
{
	RfmSegmenter segmenter;
	bool keeps; /* customers, since there is no scale yet */
	ZoneDays *zone;
	DateADT from_day;
	DateADT to_day;
	TimestampTz from_limit; /* the ends of those days */
	TimestampTz to_limit;
	RfmWalk walk;
	Tally *tally;
	int nranks;
	int64 *members; /* by both ranks - 1 */
	RfmCrowd crowd; /* each customer at both days */
} MigrationFold;

static void *
start_migration(const MetricQuestion *question, Tally *tally)
{
	MigrationFold *fold = palloc0(sizeof(MigrationFold));

	fold->segmenter = *(const RfmSegmenter *) question->own;
	fold->keeps = fold->segmenter.scorer == NULL;
	fold->zone = question->zone;
	fold->from_day = question->day;
	fold->to_day = question->as_of;
	fold->from_limit = zone_day_start(fold->zone, fold->from_day + 1);
	fold->to_limit = zone_day_start(fold->zone, fold->to_day + 1);
	fold->tally = tally;
	fold->nranks = fold->segmenter.rules->nsegments + 1;
	fold->members = palloc_extended((Size) fold->nranks * fold->nranks * sizeof(int64),
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	fold->crowd.context = CurrentMemoryContext;
	return fold;
}

static void
add_customer(MigrationFold *fold, const RfmCustomer *then, const RfmCustomer *now)
{
	int from = rfm_segmenter_rank(&fold->segmenter, then, fold->from_day) - 1;
	int to = rfm_segmenter_rank(&fold->segmenter, now, fold->to_day) - 1;

	fold->members[(int64) from * fold->nranks + to]++;
}

static void
count_customer(void *of, ByteSpan body)
{
	MigrationFold *fold = of;
	RfmCustomer then;

	rfm_walk_open(&fold->walk, body, fold->zone, NULL);
	rfm_walk_until(&fold->walk, fold->from_limit);
	then = fold->walk.customer;
	rfm_walk_until(&fold->walk, fold->to_limit);
	rfm_walk_close(&fold->walk);
	if (fold->keeps)
	{
		rfm_keep(&fold->crowd, &then);
		rfm_keep(&fold->crowd, &fold->walk.customer);
	}
	else
		add_customer(fold, &then, &fold->walk.customer);
}

/* Over a base, without a scale: that of to_day. */
static void
score_crowd(MigrationFold *fold, Tally *tally)
{
	const RfmScale *scale = rfm_scale_of_crowd(&fold->crowd, 2, 1, fold->to_day);
	int64 i;

	if (scale != NULL)
		tally_set_parameter(tally, RFM_PARAMETER_SCALE, rfm_scale_text(scale));
	rfm_segmenter_open(&fold->segmenter, scale, fold->segmenter.rules);
	for (i = 0; i < fold->crowd.n; i += 2)
	{
		RfmCustomer then = rfm_kept_customer(&fold->crowd, i);
		RfmCustomer now = rfm_kept_customer(&fold->crowd, i + 1);

		add_customer(fold, &then, &now);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
finish_migration(void *of, Tally *tally)
{
	MigrationFold *fold = of;
	int64 cells = (int64) fold->nranks * fold->nranks;
	int64 i;

	if (fold->keeps)
		score_crowd(fold, tally);
	for (i = 0; i < cells; i++)
	{
		TallyKey key = { .numbers = { i / fold->nranks + 1, i % fold->nranks + 1 } };

		if (fold->members[i] > 0)
			tally_add(tally, tally_row(tally, &key), 0, fold->members[i]);
		fold->members[i] = 0;
	}
}

/* ---- the result ---- */

#define FROM_DAY_ARGUMENT                                                          \
	{                                                                              \
		"from_day", .type = METRIC_DAY, .null_hint = "Give the day to begin with." \
	}

static const MetricArgument arguments[] = {
	RFM_SCALE_ARGUMENT(true),			RFM_RULES_ARGUMENT, FROM_DAY_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("to_day"), RFM_ZONE_ARGUMENT,
};

static const MetricArgument arguments_of_rows[] = {
	RFM_SCALE_ARGUMENT(false),			RFM_RULES_ARGUMENT, FROM_DAY_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("to_day"), RFM_ZONE_ARGUMENT,
};

static const TallyParameter parameters[] = {
	RFM_PARAMETERS,
	METRIC_LAST_DAY_PARAMETER("to_day"),
	{ .name = "from_day",
	  .canonical = tally_canonical_day,
	  .hint = "Give the same from_day to all of them." },
};

static const TallyColumn keys[] = {
	[KEY_FROM] = { "from_rank", TALLY_NUMBER },
	[KEY_TO] = { "to_rank", TALLY_NUMBER },
};

static const TallyColumn columns[] = { { "members", TALLY_COUNT } };

/* The day of a parameter; false where there is none. */
static bool
day_of(const Tally *tally, const char *name, DateADT *day)
{
	return tally_parameter_day(tally, tally_parameter_number(tally_shape(tally), name), day);
}

static const char *
find_fault(const Tally *tally)
{
	RfmRules *rules;
	const char *fault = rfm_result_fault(tally, lengthof(keys), &rules);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	DateADT from_day;
	DateADT to_day;
	int64 i;

	if (fault != NULL)
		return fault;
	if (!day_of(tally, "from_day", &from_day))
		return "There is no \"from_day\".";
	if (day_of(tally, "to_day", &to_day))
		return from_day > to_day ? "\"from_day\" is after \"to_day\"." : NULL;
	for (i = 0; i < nrows; i++)
		if (rows[i]->key.numbers[KEY_TO] <= rules->nsegments)
			return "There are customers who have bought, but no \"to_day\".";
	return NULL;
}

static const TallyShape shape = {
	.type = "rfm_migration_result",
	.maker = "rfm_migration() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

#define MIGRATION                                                                     \
	.shape = &shape, .input = METRIC_TIMELINES, .open = rfm_open_question,            \
	.check = metric_check_days, .text = rfm_parameter_text, .start = start_migration, \
	.customer = count_customer, .finish = finish_migration

static const Metric over_base = { MIGRATION, METRIC_ARGUMENTS(arguments) };
static const Metric of_rows = { MIGRATION, METRIC_ARGUMENTS(arguments_of_rows) };

/* loyalty_rfm_migration_result_in, loyalty_rfm_migration_result_out,
 * loyalty_rfm_migration_result_recv, loyalty_rfm_migration_result_send,
 * loyalty_rfm_migration_result_merge, loyalty_rfm_migration_result_scope */
TALLY_TYPE(rfm_migration_result, &shape)

/* loyalty_rfm_migration, (base, scale, rules, from_day, to_day, zone); loyalty_rfm_migration_accum
 */
METRIC_FUNCTIONS_APART(rfm_migration, &over_base, &of_rows)

/* ---- rows ---- */

/* rfm_migration_table(result): a row for each pair of segments that somebody went between */
Datum
loyalty_rfm_migration_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	const RfmRules *rules = rfm_result_rules(tally);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	TallyRow **from_end = row;
	int128 from_members = 0;
	Rows rows;

	if (rules == NULL)
		report_corrupted();
	rows_open(&rows, fcinfo);
	for (; row < end; row++)
	{
		const TallyKey *key = &(*row)->key;

		if (row == from_end)
			from_end = tally_same_first(row, end, &from_members);
		rows_begin(&rows);
		rows_put_name(&rows, rfm_segment_name(rules, key->numbers[KEY_FROM]));
		rows_put_int(&rows, (int32) key->numbers[KEY_FROM]);
		rows_put_name(&rows, rfm_segment_name(rules, key->numbers[KEY_TO]));
		rows_put_int(&rows, (int32) key->numbers[KEY_TO]);
		rows_put_count(&rows, (int64) (*row)->sums[0]);
		rows_put_float(&rows, (double) (*row)->sums[0] / (double) from_members);
		metric_put_day(&rows, tally, "from_day");
		metric_put_day(&rows, tally, "to_day");
		rows_end(&rows);
	}
	return (Datum) 0;
}
