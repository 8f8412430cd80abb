/*
 * lifecycle.c
 *		At which stage of his life a customer is, by the periods in which he was active.
 *
 *		never		no active day by as_of
 *		new			his first active period is that of as_of
 *		current		he is active in the period of as_of, or in the one before while that of
 *					as_of still runs
 *		at risk		he has missed at least one, but not dormant_after of them
 *		dormant		he has missed dormant_after whole periods, or more
 *		resurrected	he is active in the period of as_of, and was dormant before
 *
 * A period is missed when it is over: on the 3rd of a month, who bought last month is
 * current, not at risk, or nearly everyone would be at risk at the start of each month. The
 * period of as_of is over where as_of is its last day.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/rows.h"
#include "metric/metric.h"

typedef enum LifecycleStage
{
	LIFECYCLE_NEVER,
	LIFECYCLE_NEW,
	LIFECYCLE_CURRENT,
	LIFECYCLE_AT_RISK,
	LIFECYCLE_DORMANT,
	LIFECYCLE_RESURRECTED,
	LIFECYCLE_STAGES
} LifecycleStage;

static const char *const lifecycle_names[LIFECYCLE_STAGES] = {
	[LIFECYCLE_NEVER] = "never",	 [LIFECYCLE_NEW] = "new",
	[LIFECYCLE_CURRENT] = "current", [LIFECYCLE_AT_RISK] = "at risk",
	[LIFECYCLE_DORMANT] = "dormant", [LIFECYCLE_RESURRECTED] = "resurrected",
};

typedef struct LifecycleRule
{
	Calendar *calendar;
	int32 dormant_after; /* 1 or more */
	DateADT as_of;
} LifecycleRule;

/* The stage of a customer: the body of his activity set. */
static LifecycleStage
lifecycle_stage(const LifecycleRule *rule, ByteSpan body)
{
	ActivityCursor cursor;
	DateADT day;
	int32 now;
	int32 last;
	int64 before; /* the active period before the last one */
	int64 missed;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &day) || day > rule->as_of)
		return LIFECYCLE_NEVER;
	last = calendar_index(rule->calendar, day);
	before = PG_INT64_MIN;
	while (activity_next(&cursor, &day) && day <= rule->as_of)
	{
		int32 period = calendar_index(rule->calendar, day);

		if (period != last)
			before = last;
		last = period;
	}

	now = calendar_index(rule->calendar, rule->as_of);
	if (last == now)
	{
		if (before == PG_INT64_MIN)
			return LIFECYCLE_NEW;
		return now - before - 1 >= rule->dormant_after ? LIFECYCLE_RESURRECTED : LIFECYCLE_CURRENT;
	}
	missed = (int64) now - last - 1;
	if (calendar_start(rule->calendar, now + 1) == rule->as_of + 1)
		missed++;
	if (missed == 0)
		return LIFECYCLE_CURRENT;
	return missed >= rule->dormant_after ? LIFECYCLE_DORMANT : LIFECYCLE_AT_RISK;
}

/* ---- one customer ---- */

PG_FUNCTION_INFO_V1(loyalty_lifecycle);

/* lifecycle(activity_set, period, as_of, dormant_after) */
Datum
loyalty_lifecycle(PG_FUNCTION_ARGS)
{
	LifecycleRule rule = { calendar_call_argument(fcinfo, 1), PG_GETARG_INT32(3),
						   PG_GETARG_DATEADT(2) };

	metric_check_count("dormant_after", rule.dormant_after);
	check_finite_day(rule.as_of);
	PG_RETURN_TEXT_P(cstring_to_text(
		lifecycle_names[lifecycle_stage(&rule, activity_set_body(PG_GETARG_DATUM(0)))]));
}

/* ---- the census ---- */

typedef struct CensusFold
{
	Calendar calendar;
	LifecycleRule rule;
	Tally *tally;
	TallyRow *rows[LIFECYCLE_STAGES]; /* NULL: nobody yet */
} CensusFold;

static void *
start_census(const MetricQuestion *question, Tally *tally)
{
	CensusFold *fold = palloc0(sizeof(CensusFold));

	calendar_open(&fold->calendar, question->period);
	fold->rule.calendar = &fold->calendar;
	fold->rule.dormant_after = question->count;
	fold->rule.as_of = question->as_of;
	fold->tally = tally;
	return fold;
}

static TallyKey
stage_key(LifecycleStage stage)
{
	TallyKey key = { .text = lifecycle_names[stage],
					 .text_len = (int) strlen(lifecycle_names[stage]) };

	return key;
}

static void
count_customer(void *of, ByteSpan body)
{
	CensusFold *fold = of;
	LifecycleStage stage = lifecycle_stage(&fold->rule, body);

	if (fold->rows[stage] == NULL)
	{
		TallyKey key = stage_key(stage);

		fold->rows[stage] = tally_row(fold->tally, &key);
	}
	fold->rows[stage]->sums[0]++;
}

/* Members of a stage. */
static int128
members_of(const Tally *tally, LifecycleStage stage)
{
	TallyKey key = stage_key(stage);

	return metric_sum(tally_find(tally, &key), 0);
}

static const char *
find_fault(const Tally *tally)
{
	const char *dormant_after = metric_parameter(tally, "dormant_after");
	int64 known = 0;
	int stage;
	DateADT as_of;

	if (metric_parameter(tally, "period") == NULL)
		return "There is no \"period\".";
	if (dormant_after == NULL)
		return "There is no \"dormant_after\".";
	for (stage = 0; stage < LIFECYCLE_STAGES; stage++)
		known += members_of(tally, stage) > 0;
	if (known < tally_count_rows(tally))
		return "\"stage\" isn't one of never, new, current, at risk, dormant, resurrected.";
	if (known > (members_of(tally, LIFECYCLE_NEVER) > 0) && !metric_result_as_of(tally, &as_of))
		return "There are members with events, but no \"as_of\".";
	if (strcmp(dormant_after, "1") == 0 && members_of(tally, LIFECYCLE_AT_RISK) > 0)
		return "Some are at risk, but who misses one period is dormant.";
	return NULL;
}

/* By default it is today, as lifecycle() has it: a stage is what a customer is at now. */
static const MetricArgument arguments[] = {
	METRIC_PERIOD_ARGUMENT,
	{ "as_of", .type = METRIC_AS_OF, .null_hint = METRIC_AS_OF_HINT, .is_today = true },
	{ "dormant_after", .type = METRIC_COUNT, .by_default = "3" },
};

static const TallyParameter parameters[] = { METRIC_PERIOD_PARAMETER,
											 METRIC_COUNT_PARAMETER("dormant_after"),
											 METRIC_ZONE_PARAMETER, METRIC_AS_OF_PARAMETER };

static const TallyColumn keys[] = { { "stage", TALLY_TEXT } };
static const TallyColumn columns[] = { { "members", TALLY_COUNT } };

static const TallyShape shape = {
	.type = "lifecycle_census_result",
	.maker = "lifecycle_census() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

static const Metric census = {
	.shape = &shape,
	METRIC_ARGUMENTS(arguments),
	.start = start_census,
	.customer = count_customer,
};

/* loyalty_lifecycle_census_result_in, loyalty_lifecycle_census_result_out,
 * loyalty_lifecycle_census_result_recv, loyalty_lifecycle_census_result_send,
 * loyalty_lifecycle_census_result_merge,
 * loyalty_lifecycle_census_result_scope */
TALLY_TYPE(lifecycle_census_result, &shape)

PG_FUNCTION_INFO_V1(loyalty_lifecycle_census_table);

/* loyalty_lifecycle_census, (base, period, as_of, dormant_after); loyalty_lifecycle_census_accum */
METRIC_FUNCTIONS(lifecycle_census, &census)

/* lifecycle_census_table(result): all stages, also those where nobody is */
Datum
loyalty_lifecycle_census_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int128 members = 0;
	Rows rows;
	int stage;

	for (stage = 0; stage < LIFECYCLE_STAGES; stage++)
		members += members_of(tally, stage);
	rows_open(&rows, fcinfo);
	for (stage = 0; stage < LIFECYCLE_STAGES; stage++)
	{
		int128 count = members_of(tally, stage);

		rows_begin(&rows);
		rows_put_name(&rows, lifecycle_names[stage]);
		rows_put_int(&rows, stage);
		rows_put_count(&rows, (int64) count);
		rows_put_float(&rows, members > 0 ? (double) count / (double) members : NAN);
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* ---- from one day to another ---- */

enum
{
	MIGRATION_FROM,
	MIGRATION_TO,
	MIGRATION_KEYS
};

typedef struct MigrationFold
{
	Calendar calendar;
	LifecycleRule then;
	LifecycleRule now;
	Tally *tally;
	TallyRow *rows[LIFECYCLE_STAGES][LIFECYCLE_STAGES]; /* NULL: nobody yet */
} MigrationFold;

static void *
start_migration(const MetricQuestion *question, Tally *tally)
{
	MigrationFold *fold = palloc0(sizeof(MigrationFold));

	calendar_open(&fold->calendar, question->period);
	fold->now = (LifecycleRule){ .calendar = &fold->calendar,
								 .dormant_after = question->count,
								 .as_of = question->as_of };
	fold->then = fold->now;
	fold->then.as_of = question->day;
	fold->tally = tally;
	return fold;
}

static void
count_migrant(void *of, ByteSpan body)
{
	MigrationFold *fold = of;
	LifecycleStage from = lifecycle_stage(&fold->then, body);
	LifecycleStage to = lifecycle_stage(&fold->now, body);

	if (fold->rows[from][to] == NULL)
	{
		TallyKey key = { .numbers = { [MIGRATION_FROM] = from, [MIGRATION_TO] = to } };

		fold->rows[from][to] = tally_row(fold->tally, &key);
	}
	fold->rows[from][to]->sums[0]++;
}

/* The stages of a row; false where there are no such. */
static bool
are_stages(const int64 *ranks)
{
	return Min(ranks[MIGRATION_FROM], ranks[MIGRATION_TO]) >= 0 &&
		   Max(ranks[MIGRATION_FROM], ranks[MIGRATION_TO]) < LIFECYCLE_STAGES;
}

static const TallyShape migration_shape;

static const char *
find_migration_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	DateADT from_day;
	DateADT to_day;
	int64 i;

	if (metric_parameter(tally, "period") == NULL)
		return "There is no \"period\".";
	if (metric_parameter(tally, "dormant_after") == NULL)
		return "There is no \"dormant_after\".";
	if (!tally_parameter_day(tally, tally_parameter_number(&migration_shape, "from_day"),
							 &from_day))
		return "There is no \"from_day\".";
	if (!tally_parameter_day(tally, tally_parameter_number(&migration_shape, "to_day"), &to_day))
		return nrows > 0 ? "There are members, but no \"to_day\"." : NULL;
	if (from_day > to_day)
		return "\"from_day\" is after \"to_day\".";
	for (i = 0; i < nrows; i++)
	{
		const int64 *stages = rows[i]->key.numbers;

		if (!are_stages(stages))
			return "A rank isn't one of 0 to 5.";
		if (stages[MIGRATION_FROM] != LIFECYCLE_NEVER && stages[MIGRATION_TO] == LIFECYCLE_NEVER)
			return "Who was active once is never at \"never\" again.";
		if (from_day == to_day && stages[MIGRATION_FROM] != stages[MIGRATION_TO])
			return "Nobody changes on one day.";
	}
	return NULL;
}

static const MetricArgument migration_arguments[] = {
	METRIC_PERIOD_ARGUMENT,
	{ "from_day", .type = METRIC_DAY, .null_hint = "Give the day to begin with." },
	{ "to_day", .type = METRIC_AS_OF, .null_hint = METRIC_AS_OF_HINT, .is_today = true },
	{ "dormant_after", .type = METRIC_COUNT, .by_default = "3" },
};

static const TallyParameter migration_parameters[] = {
	METRIC_PERIOD_PARAMETER,
	METRIC_COUNT_PARAMETER("dormant_after"),
	METRIC_ZONE_PARAMETER,
	METRIC_LAST_DAY_PARAMETER("to_day"),
	{ .name = "from_day",
	  .canonical = tally_canonical_day,
	  .hint = "Give the same from_day to all of them." },
};

static const TallyColumn migration_keys[MIGRATION_KEYS] = {
	[MIGRATION_FROM] = { "from_rank", TALLY_NUMBER },
	[MIGRATION_TO] = { "to_rank", TALLY_NUMBER },
};

static const TallyShape migration_shape = {
	.type = "lifecycle_migration_result",
	.maker = "lifecycle_migration() and rollup()",
	TALLY_PARAMETERS(migration_parameters),
	TALLY_KEYS(migration_keys),
	TALLY_SUMS(columns),
	.fault = find_migration_fault,
};

static const Metric migration = {
	.shape = &migration_shape,
	METRIC_ARGUMENTS(migration_arguments),
	.check = metric_check_days,
	.start = start_migration,
	.customer = count_migrant,
};

/* loyalty_lifecycle_migration_result_in, loyalty_lifecycle_migration_result_out,
 * loyalty_lifecycle_migration_result_recv, loyalty_lifecycle_migration_result_send,
 * loyalty_lifecycle_migration_result_merge,
 * loyalty_lifecycle_migration_result_scope */
TALLY_TYPE(lifecycle_migration_result, &migration_shape)

PG_FUNCTION_INFO_V1(loyalty_lifecycle_migration_table);

/* loyalty_lifecycle_migration, (base, period, from_day, to_day, dormant_after);
 * loyalty_lifecycle_migration_accum */
METRIC_FUNCTIONS(lifecycle_migration, &migration)

/* lifecycle_migration_table(result): a row for each pair of stages that somebody went between */
Datum
loyalty_lifecycle_migration_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &migration_shape);
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	TallyRow **from_end = row;
	int128 from_members = 0;
	Rows rows;

	rows_open(&rows, fcinfo);
	for (; row < end; row++)
	{
		const int64 *stages = (*row)->key.numbers;

		if (row == from_end)
			from_end = tally_same_first(row, end, &from_members);
		if (!are_stages(stages))
			report_corrupted();
		rows_begin(&rows);
		rows_put_name(&rows, lifecycle_names[stages[MIGRATION_FROM]]);
		rows_put_int(&rows, (int32) stages[MIGRATION_FROM]);
		rows_put_name(&rows, lifecycle_names[stages[MIGRATION_TO]]);
		rows_put_int(&rows, (int32) stages[MIGRATION_TO]);
		rows_put_count(&rows, (int64) (*row)->sums[0]);
		rows_put_float(&rows, (double) (*row)->sums[0] / (double) from_members);
		metric_put_day(&rows, tally, "from_day");
		metric_put_day(&rows, tally, "to_day");
		rows_end(&rows);
	}
	return (Datum) 0;
}
