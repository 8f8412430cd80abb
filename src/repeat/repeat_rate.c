/*
 * repeat_rate.c
 *		Who buys again: repeat_rate().
 *
 * Over activity sets a purchase is a day with one or several: buying twice on one day isn't
 * buying again. Over timelines it is an order: an event whose value isn't negative, or that
 * has none. Events with the same ref, such as the lines of an order or what an order earns,
 * are one; events without ref are one each.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "activity/activity.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "metric/statistics.h"
#include "timeline/timeline.h"

/*
 * A result has a single row. Where only so many days count after a buyer's first purchase, only
 * buyers who have had all of them by as_of are eligible: the others could still come.
 */
enum
{
	REPEAT_BUYERS,
	REPEAT_ELIGIBLE,
	REPEAT_REPEATED, /* of those eligible */
	REPEAT_SUMS
};

/* ---- counting ---- */

typedef struct RepeatFold
{
	DateADT as_of;
	int64 within; /* days after the first purchase that count */
	ZoneDays *zone;
	TallyRow *row;
} RepeatFold;

static void *
repeat_rate_start(const MetricQuestion *question, Tally *tally)
{
	TallyKey key = { .text = NULL };
	RepeatFold *fold = palloc0(sizeof(RepeatFold));

	fold->as_of = question->as_of;
	fold->within = question->count;
	fold->zone = question->zone;
	fold->row = tally_row(tally, &key);
	return fold;
}

/* Counts a customer who bought. */
static void
count_buyer(RepeatFold *fold, int64 first, bool again, int64 second)
{
	int128 *sums = fold->row->sums;

	sums[REPEAT_BUYERS]++;
	if (fold->within > 0 && first + fold->within > fold->as_of)
		return;
	sums[REPEAT_ELIGIBLE]++;
	if (again && (fold->within == 0 || second - first <= fold->within))
		sums[REPEAT_REPEATED]++;
}

static void
repeat_rate_by_days(void *of, ByteSpan body)
{
	RepeatFold *fold = of;
	ActivityCursor cursor;
	DateADT first;
	DateADT second = 0;
	bool again;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &first) || first > fold->as_of)
		return;
	again = activity_next(&cursor, &second) && second <= fold->as_of;
	count_buyer(fold, first, again, second);
}

static bool
same_order(const Event *a, const Event *b)
{
	if (a->ref_type != b->ref_type || a->ref_type == EVENT_REF_NONE)
		return false;
	if (a->ref_type == EVENT_REF_NUMBER)
		return a->ref_number == b->ref_number;
	return event_text_compare(&a->ref_text, &b->ref_text) == 0;
}

/* The next order that counts, and isn't the one before, which may be NULL. */
static bool
next_order(const RepeatFold *fold, TimelineReader *reader, const Event *before, Event *order,
		   DateADT *day)
{
	while (timeline_next(reader, order))
	{
		CHECK_FOR_INTERRUPTS();
		if ((order->has_value && order->value < 0) || (before != NULL && same_order(before, order)))
			continue;
		*day = zone_day(fold->zone, order->at);
		if (*day <= fold->as_of)
			return true;
	}
	return false;
}

static void
repeat_rate_by_orders(void *of, ByteSpan body)
{
	RepeatFold *fold = of;
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	Event first;
	Event second;
	DateADT first_day;
	DateADT second_day = 0;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	if (next_order(fold, &reader, NULL, &first, &first_day))
	{
		bool again = next_order(fold, &reader, &first, &second, &second_day);

		count_buyer(fold, first_day, again, second_day);
	}
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
}

/* ---- the result ---- */

static char *
canonical_counted(const char *text)
{
	static const char *const names[] = { "days", "orders" };

	return tally_canonical_choice(text, "\"counted\" can't be", names, lengthof(names));
}

static const MetricArgument arguments[] = {
	METRIC_AS_OF_ARGUMENT,
	{ "within", .type = METRIC_COUNT, .may_be_null = true },
	{ "zone", .type = METRIC_ZONE, .may_be_null = true },
};

static const TallyParameter parameters[] = {
	{ .name = "counted",
	  .canonical = canonical_counted,
	  .hint = "Add up results over activity_base, or results over timeline_base." },
	METRIC_ZONE_PARAMETER,
	METRIC_AS_OF_PARAMETER,
	METRIC_COUNT_PARAMETER("within"),
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
	if (metric_parameter(tally, "within") == NULL &&
		row->sums[REPEAT_ELIGIBLE] != row->sums[REPEAT_BUYERS])
		return "All buyers are eligible where there is no \"within\".";
	return NULL;
}

static const TallyShape shape = {
	.type = "repeat_rate_result",
	.maker = "repeat_rate() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_SUMS(columns),
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
	.narguments = lengthof(arguments) - 1, /* days have their zone */
	.arguments = arguments,
	.text = counted_of,
	.start = repeat_rate_start,
	.customer = repeat_rate_by_days,
};

static const Metric by_orders = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(arguments),
	.text = counted_of,
	.start = repeat_rate_start,
	.customer = repeat_rate_by_orders,
};

/* loyalty_repeat_rate_result_in, loyalty_repeat_rate_result_out, loyalty_repeat_rate_result_recv,
 * loyalty_repeat_rate_result_send, loyalty_repeat_rate_result_merge,
 * loyalty_repeat_rate_result_scope */
TALLY_TYPE(repeat_rate_result, &shape)

PG_FUNCTION_INFO_V1(loyalty_repeat_rate_table);

/* loyalty_repeat_rate, (activity_base, as_of, within); loyalty_repeat_rate_accum */
METRIC_FUNCTIONS(repeat_rate, &by_days)

/* loyalty_repeat_rate_orders, (timeline_base, as_of, within, zone);
 * loyalty_repeat_rate_orders_accum
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
