/*
 * repeat_rate.c
 *		The SQL face of repeat_rate(), its result and table.
 */
#include "postgres.h"

#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally_sql.h"
#include "repeat/repeat_purchase.h"

static char *
canonical_counted(const char *text)
{
	if (strcmp(text, "days") != 0 && strcmp(text, "orders") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"counted\" is neither \"days\" nor \"orders\": \"%.20s\"", text)));
	return pstrdup(text);
}

static const MetricArgument arguments[] = {
	METRIC_AS_OF_ARGUMENT,
	{ "within_days", .type = METRIC_COUNT, .may_be_null = true },
};

static const TallyParameter parameters[] = {
	{ .name = "counted",
	  .canonical = canonical_counted,
	  .hint = "Add up results over activity_base, or results over timeline_base." },
	METRIC_ZONE_PARAMETER,
	METRIC_AS_OF_PARAMETER,
	METRIC_COUNT_PARAMETER("within_days"),
};

static const TallyColumn columns[REPEAT_SUMS] = {
	[REPEAT_BUYERS] = { "buyers", TALLY_COUNT },
	[REPEAT_ELIGIBLE] = { "eligible", TALLY_COUNT },
	[REPEAT_REPEATED] = { "repeat_buyers", TALLY_COUNT },
};

/* The only row; NULL: nobody bought. */
static const TallyRow *
only_row(const Tally *tally)
{
	TallyKey key = { .text = NULL };

	return tally_find(tally, &key);
}

static const char *
find_fault(const Tally *tally)
{
	const TallyRow *row = only_row(tally);
	DateADT as_of;

	if (metric_parameter(tally, "counted") == NULL)
		return "There is no \"counted\".";
	if (row == NULL)
		return NULL;
	if (!metric_result_as_of(tally, &as_of))
		return "There are buyers, but no \"as_of\".";
	if (row->sums[REPEAT_ELIGIBLE] > row->sums[REPEAT_BUYERS])
		return "More buyers are eligible than there are.";
	if (row->sums[REPEAT_REPEATED] > row->sums[REPEAT_ELIGIBLE])
		return "More bought again than are eligible.";
	if (metric_parameter(tally, "within_days") == NULL &&
		row->sums[REPEAT_ELIGIBLE] != row->sums[REPEAT_BUYERS])
		return "All buyers are eligible where there is no \"within_days\".";
	return NULL;
}

static const TallyShape shape = {
	.type = "repeat_rate_result",
	.maker = "repeat_rate() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nsums = lengthof(columns),
	.sums = columns,
	.fault = find_fault,
};

/* The parameter "counted". */
static const char *
counted_of(const MetricQuestion *question, const char *parameter)
{
	return question->zone != NULL ? "orders" : "days";
}

static const Metric by_days = {
	.shape = &shape,
	.narguments = lengthof(arguments),
	.arguments = arguments,
	.text = counted_of,
	.start = repeat_rate_start,
	.customer = repeat_rate_by_days,
};

static const Metric by_orders = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	.narguments = lengthof(arguments),
	.arguments = arguments,
	.text = counted_of,
	.start = repeat_rate_start,
	.customer = repeat_rate_by_orders,
};

TALLY_TYPE(repeat_rate_result, &shape)

PG_FUNCTION_INFO_V1(loyalty_repeat_rate_table);

/* loyalty_repeat_rate, (activity_base, as_of, within_days); loyalty_repeat_rate_accum */
METRIC_FUNCTIONS(repeat_rate, &by_days)

/* loyalty_repeat_rate_orders, (timeline_base, as_of, within_days); loyalty_repeat_rate_orders_accum
 */
METRIC_FUNCTIONS(repeat_rate_orders, &by_orders)

/* repeat_rate_table(result, confidence): always one row */
Datum
loyalty_repeat_rate_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	const TallyRow *row = only_row(tally);
	int64 eligible = (int64) metric_sum(row, REPEAT_ELIGIBLE);
	int64 repeated = (int64) metric_sum(row, REPEAT_REPEATED);
	Rows rows;

	rows_open(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_count(&rows, (int64) metric_sum(row, REPEAT_BUYERS));
	rows_put_count(&rows, eligible);
	rows_put_count(&rows, repeated);
	metric_put_rate(&rows, repeated, eligible, z);
	metric_put_as_of(&rows, tally);
	rows_end(&rows);
	return (Datum) 0;
}
