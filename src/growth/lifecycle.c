/*
 * lifecycle.c
 *		The SQL face of lifecycle stages: lifecycle() of a customer, and the census of a base.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/rows.h"
#include "metric/tally_sql.h"
#include "growth/lifecycle.h"
#include "metric/metric.h"

/* ---- one customer ---- */

PG_FUNCTION_INFO_V1(loyalty_lifecycle);

/* lifecycle(activity_set, period, dormant_after, as_of) */
Datum
loyalty_lifecycle(PG_FUNCTION_ARGS)
{
	LifecycleRule rule = { calendar_call_argument(fcinfo, 1), PG_GETARG_INT32(2),
						   PG_GETARG_DATEADT(3) };

	metric_check_number("dormant_after", rule.dormant_after);
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
	fold->rule.dormant_after = question->number;
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

static const MetricParameter parameters[] = { METRIC_PERIOD, METRIC_NUMBER, METRIC_ZONE,
											  METRIC_AS_OF };

static const TallyParameter shape_parameters[] = { METRIC_PERIOD_PARAMETER,
												   METRIC_NUMBER_PARAMETER("dormant_after"),
												   METRIC_ZONE_PARAMETER, METRIC_AS_OF_PARAMETER };

static const TallyColumn keys[] = { { "stage", TALLY_TEXT } };
static const TallyColumn columns[] = { { "members", TALLY_COUNT } };

static const TallyShape shape = {
	.type = "lifecycle_census_result",
	.maker = "lifecycle_census() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = shape_parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = lengthof(columns),
	.sums = columns,
	.fault = find_fault,
};

static const Metric census = {
	.shape = &shape,
	.parameters = parameters,
	.start = start_census,
	.customer = count_customer,
};

TALLY_TYPE(lifecycle_census_result, &shape)

PG_FUNCTION_INFO_V1(loyalty_lifecycle_census);
PG_FUNCTION_INFO_V1(loyalty_lifecycle_census_accum);
PG_FUNCTION_INFO_V1(loyalty_lifecycle_census_table);

/* lifecycle_census(activity_base, period, dormant_after, as_of) */
Datum
loyalty_lifecycle_census(PG_FUNCTION_ARGS)
{
	return metric_over_base(fcinfo, &census);
}

/* lifecycle_census_accum(state, activity_set, period, dormant_after, as_of) */
Datum
loyalty_lifecycle_census_accum(PG_FUNCTION_ARGS)
{
	return metric_accumulate(fcinfo, &census);
}

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
