/*
 * existing_vs_new.c
 *		Do existing customers buy more than new ones, and do more of them try what is new:
 *		existing_vs_new(), its table and ratios.
 *
 *		|<-- before ------------------------>|<-- new_within -->| end of as_of
 *
 * Who bought (an event that isn't negative) in the time new_within before the end of as_of counts:
 * as new where his first purchase lies there, as existing where it lies before. Both are judged by
 * that time alone, so that existing ones aren't ahead by all that they bought before.
 *
 * Beside the sums there are those of squares and products, customer by customer, from which
 * variances come without losing digits. They have twice the decimals of an amount; so amounts stand
 * at the doubled scale, too, and have half as many decimals as a tally's scale at most.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/exact.h"
#include "core/int128.h"
#include "core/json.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "metric/statistics.h"
#include "policy/policy.h"
#include "segments/rfm_internal.h"
#include "timeline/timeline.h"

#define RESULT_TYPE	 "existing_vs_new_result"

#define MAX_DECIMALS (DECIMAL_MAX_SCALE / 2)

enum
{
	SEGMENT_EXISTING,
	SEGMENT_NEW,
	SEGMENTS
};

static const char *const segment_names[SEGMENTS] = { "existing", "new" };

/* In the time that counts; products and squares of each customer's. */
enum
{
	SUM_CUSTOMERS,
	SUM_ORDERS,
	SUM_ORDERS_SQUARED,
	SUM_BUYERS, /* who bought something with the label */
	SUM_REVENUE,
	SUM_REVENUE_ORDERS, /* revenue times orders */
	SUM_REVENUE_SQUARED,
	SUMS
};

enum
{
	ARGUMENT_NEW_WITHIN,
	ARGUMENT_AS_OF,
	ARGUMENT_LABEL,
	ARGUMENT_ZONE
};

static const MetricArgument arguments[] = {
	[ARGUMENT_NEW_WITHIN] = { "new_within", .type = METRIC_SPAN,
							  .null_hint = "Give an interval such as '90 days'." },
	[ARGUMENT_AS_OF] = METRIC_LAST_DAY_ARGUMENT("as_of"),
	[ARGUMENT_LABEL] = { "label", .type = METRIC_VALUE, .may_be_null = true },
	[ARGUMENT_ZONE] = { "zone", .type = METRIC_ZONE, .may_be_null = true },
};

/* ---- what is asked ---- */

typedef struct Asked
{
	bool has_label;
	EventText label;
	const char *label_text;
	const char *new_within;
} Asked;

static void
open_question(MetricQuestion *question)
{
	Asked *asked = palloc0(sizeof(Asked));
	struct varlena *label = question->values[ARGUMENT_LABEL];

	asked->new_within = policy_interval_text(&question->span);
	policy_check_interval(&question->span, false, RESULT_TYPE, "new_within", asked->new_within);
	if (label != NULL)
	{
		asked->has_label = true;
		asked->label.bytes = VARDATA_ANY(label);
		asked->label.len = (int) VARSIZE_ANY_EXHDR(label);
		asked->label_text = text_to_cstring((text *) label);
	}
	question->own = asked;
}

static const char *
parameter_text(const MetricQuestion *question, const char *parameter)
{
	const Asked *asked = question->own;

	return strcmp(parameter, "label") == 0 ? asked->label_text : asked->new_within;
}

static void
add_names(const MetricQuestion *question, MetricNames *names)
{
	const Asked *asked = question->own;

	if (asked->has_label)
		metric_add_name(names, true, &asked->label);
}

/* ---- counting ---- */

typedef struct Fold
{
	TimestampTz start;
	TimestampTz end; /* exclusive */
	const Asked *asked;
	Tally *tally;
	TallyRow *rows[SEGMENTS]; /* NULL: nobody yet */
	OrderSet orders;		  /* of a customer */
} Fold;

/* A customer, in the time that counts. */
typedef struct Purchases
{
	bool is_existing;
	bool has_label;
	int128 revenue; /* in units of his timeline */
} Purchases;

static void *
start_fold(const MetricQuestion *question, Tally *tally)
{
	Fold *fold = palloc0(sizeof(Fold));
	Interval back = { .month = -question->span.month,
					  .day = -question->span.day,
					  .time = -question->span.time };

	fold->end = zone_day_start(question->zone, question->as_of + 1);
	fold->start = zone_add_interval(question->zone, fold->end, &back);
	fold->asked = question->own;
	fold->tally = tally;
	order_set_init(&fold->orders, CurrentMemoryContext);
	return fold;
}

static void
read_purchases(Fold *fold, TimelineReader *reader, Purchases *purchases)
{
	const EventText *found =
		fold->asked->has_label
			? event_text_find(&fold->asked->label, reader->labels, reader->nlabels)
			: NULL;
	int label_no = found != NULL ? (int) (found - reader->labels) + 1 : -1;
	Event event;

	memset(purchases, 0, sizeof(Purchases));
	while (timeline_next(reader, &event) && event.at < fold->end)
	{
		bool is_purchase = !event.has_value || event.value >= 0;

		CHECK_FOR_INTERRUPTS();
		if (event.at < fold->start)
		{
			purchases->is_existing = purchases->is_existing || is_purchase;
			continue;
		}
		if (event.has_value)
			purchases->revenue += event.value;
		if (!is_purchase)
			continue;
		purchases->has_label = purchases->has_label || event.label_no == label_no;
		(void) order_set_add(&fold->orders, &event);
	}
}

static TallyRow *
row_of(Fold *fold, int segment)
{
	if (fold->rows[segment] == NULL)
	{
		TallyKey key = { .text = segment_names[segment],
						 .text_len = (int) strlen(segment_names[segment]) };

		fold->rows[segment] = tally_row(fold->tally, &key);
	}
	return fold->rows[segment];
}

/* Brings an amount to at most as many decimals as can be squared. */
static Decimal
amount_of(int128 units, int scale)
{
	Decimal amount;

	if (units > PG_INT64_MAX || units < -PG_INT64_MAX)
		decimal_report_sum("a customer's values");
	amount.units = (int64) units;
	amount.scale = scale;
	if (scale <= MAX_DECIMALS)
		return amount;
	amount.scale = Max(decimal_minimal_scale(amount.units, scale), MAX_DECIMALS);
	amount.units /= decimal_power[scale - amount.scale];
	if (amount.scale > MAX_DECIMALS)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("revenue of a customer has more than %d decimals: %s", MAX_DECIMALS,
							   decimal_to_text(amount.units, amount.scale)),
						errhint("Use round(), as in round(value, 2).")));
	return amount;
}

/* Adds a product, at twice the scale of an amount. */
static void
add_product(const Fold *fold, TallyRow *row, int sum, int128 a, int128 b, int128 factor)
{
	int128 product;

	if (int128_mul_overflow(a, b, &product) || int128_mul_overflow(product, factor, &product))
		decimal_report_sum("a customer's values");
	tally_add(fold->tally, row, sum, product);
}

static void
count_purchases(Fold *fold, const Purchases *purchases, int64 orders, int scale)
{
	Decimal revenue = amount_of(purchases->revenue, scale);
	TallyRow *row = row_of(fold, purchases->is_existing ? SEGMENT_EXISTING : SEGMENT_NEW);
	int128 factor = tally_use_scale(fold->tally, 2 * revenue.scale);
	int128 unit = decimal_power[revenue.scale];

	tally_add(fold->tally, row, SUM_CUSTOMERS, 1);
	tally_add(fold->tally, row, SUM_ORDERS, orders);
	tally_add(fold->tally, row, SUM_ORDERS_SQUARED, (int128) orders * orders);
	tally_add(fold->tally, row, SUM_BUYERS, purchases->has_label);
	add_product(fold, row, SUM_REVENUE, revenue.units, unit, factor);
	add_product(fold, row, SUM_REVENUE_ORDERS, revenue.units, unit * orders, factor);
	add_product(fold, row, SUM_REVENUE_SQUARED, revenue.units, revenue.units, factor);
}

static void
count_customer(void *of, ByteSpan body)
{
	Fold *fold = of;
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	Purchases purchases;
	int64 orders;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	read_purchases(fold, &reader, &purchases);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	orders = order_set_count(&fold->orders);
	order_set_clear(&fold->orders);
	if (orders > 0)
		count_purchases(fold, &purchases, orders, reader.scale);
}

/* n times a sum of squares, less the square of the sum: n (n - 1) times the variance. */
static Numeric
spread_of(int128 n, int128 squares, int128 sum)
{
	return exact_spread((int64) n, exact_whole(squares), exact_whole(sum), exact_whole(sum));
}

/* ---- the result ---- */

static char *
canonical_interval(const char *text)
{
	return policy_canonical_interval(text, RESULT_TYPE, "new_within", "90 days");
}

static const TallyParameter parameters[] = {
	{ .name = "new_within",
	  .canonical = canonical_interval,
	  .hint = "Give the same new_within to all of them." },
	METRIC_ZONE_PARAMETER,
	METRIC_AS_OF_PARAMETER,
	{ .name = "label", .hint = "Ask about the same label in all of them, or in none." },
};

static const TallyColumn keys[] = { { "segment", TALLY_TEXT } };

static const TallyColumn columns[SUMS] = {
	[SUM_CUSTOMERS] = { "customers", TALLY_COUNT },
	[SUM_ORDERS] = { "orders", TALLY_COUNT },
	[SUM_ORDERS_SQUARED] = { "orders_squared", TALLY_COUNT },
	[SUM_BUYERS] = { "buyers", TALLY_COUNT },
	[SUM_REVENUE] = { "revenue", TALLY_VALUE },
	[SUM_REVENUE_ORDERS] = { "revenue_orders", TALLY_VALUE },
	[SUM_REVENUE_SQUARED] = { "revenue_squared", TALLY_VALUE },
};

/* The row of a segment; NULL where nobody is in it. */
static const TallyRow *
segment_row(const Tally *tally, int segment)
{
	TallyKey key = { .text = segment_names[segment],
					 .text_len = (int) strlen(segment_names[segment]) };

	return tally_find(tally, &key);
}

static const char *
find_row_fault(const Tally *tally, const int128 *sums)
{
	int128 unit = decimal_power[tally_scale(tally) / 2];
	int128 n = sums[SUM_CUSTOMERS];

	if (n == 0)
		return "A segment has no customers.";
	if (sums[SUM_ORDERS] < n)
		return "A customer has no orders.";
	if (sums[SUM_ORDERS_SQUARED] < sums[SUM_ORDERS] ||
		exact_is_negative(spread_of(n, sums[SUM_ORDERS_SQUARED], sums[SUM_ORDERS])))
		return "No numbers of orders have such a sum and such squares.";
	if (sums[SUM_BUYERS] > n)
		return "There are more buyers than customers.";
	if (sums[SUM_BUYERS] > 0 && metric_parameter(tally, "label") == NULL)
		return "There are buyers, but no \"label\".";
	if (sums[SUM_REVENUE] % unit != 0 || sums[SUM_REVENUE_ORDERS] % unit != 0)
		return "\"revenue\" or \"revenue_orders\" has more than half of the decimals.";
	if (sums[SUM_REVENUE_SQUARED] < 0 ||
		exact_is_negative(spread_of(n, sums[SUM_REVENUE_SQUARED], sums[SUM_REVENUE] / unit)))
		return "No amounts have such a sum and such squares.";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	const char *fault = NULL;
	DateADT as_of;
	int64 known = 0;
	int segment;

	if (metric_parameter(tally, "new_within") == NULL)
		return "There is no \"new_within\".";
	if (tally_scale(tally) % 2 != 0)
		return "\"scale\" is odd, but half of it is for amounts, and all for their squares.";
	for (segment = 0; segment < SEGMENTS && fault == NULL; segment++)
	{
		const TallyRow *row = segment_row(tally, segment);

		known += row != NULL;
		if (row != NULL)
			fault = find_row_fault(tally, row->sums);
	}
	if (fault == NULL && known < tally_count_rows(tally))
		return "\"segment\" isn't one of existing, new.";
	if (fault == NULL && known > 0 && !metric_result_as_of(tally, &as_of))
		return "There are customers, but no \"as_of\".";
	return fault;
}

static const TallyShape shape = {
	.type = RESULT_TYPE,
	.maker = "existing_vs_new() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

static const Metric metric = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(arguments),
	.eventless = METRIC_IGNORE_EVENTLESS,
	.open = open_question,
	.names = add_names,
	.text = parameter_text,
	.start = start_fold,
	.customer = count_customer,
};

/* loyalty_existing_vs_new_result_in, loyalty_existing_vs_new_result_out,
 * loyalty_existing_vs_new_result_recv, loyalty_existing_vs_new_result_send,
 * loyalty_existing_vs_new_result_merge, loyalty_existing_vs_new_result_scope */
TALLY_TYPE(existing_vs_new_result, &shape)

/* loyalty_existing_vs_new, (timeline_base, new_within, as_of, label, zone);
 * loyalty_existing_vs_new_accum */
METRIC_FUNCTIONS(existing_vs_new, &metric)

/* ---- means and shares ---- */

/* A segment's, as floats; NaN where nobody is in it, variances where there is one customer. */
typedef struct Segment
{
	double customers;
	double orders;
	MeanEstimate spend; /* per customer */
	MeanEstimate order; /* revenue per order: a quotient of two sums over customers */
	MeanEstimate rate;	/* orders per customer */
	Estimate share;		/* of buyers, with Wilson's interval */
} Segment;

/*
 * What is left of a customer's revenue beside his orders times the mean order, squared and added
 * up; by the square of all orders it is in units of revenue squared.
 */
static double
squared_rests(const int128 *sums, int128 unit)
{
	Numeric orders = exact_whole(sums[SUM_ORDERS]);
	Numeric revenue = exact_whole(sums[SUM_REVENUE] / unit);
	Numeric mixed = exact_whole(sums[SUM_REVENUE_ORDERS] / unit);

	mixed = exact_times(exact_times(revenue, orders), mixed);
	return exact_float(exact_plus(
		exact_minus(
			exact_times(exact_times(orders, orders), exact_whole(sums[SUM_REVENUE_SQUARED])),
			exact_plus(mixed, mixed)),
		exact_times(exact_times(revenue, revenue), exact_whole(sums[SUM_ORDERS_SQUARED]))));
}

static Segment
segment_of(const Tally *tally, int index, double z)
{
	static const int128 nobody[SUMS];
	const TallyRow *row = segment_row(tally, index);
	const int128 *sums = row != NULL ? row->sums : nobody;
	int decimals = tally_scale(tally) / 2;
	int128 unit = decimal_power[decimals];
	double money = (double) unit;
	double n = (double) sums[SUM_CUSTOMERS];
	double o = (double) sums[SUM_ORDERS];
	double revenue = (double) (sums[SUM_REVENUE] / unit) / money;
	/* of a sum of squares around a mean, times n: the variance of the mean */
	double by_n = n > 1 ? n * n * (n - 1) : NAN;
	Segment segment = { .customers = n, .orders = o };

	segment.spend.mean = n > 0 ? revenue / n : NAN;
	segment.spend.variance = exact_float(spread_of(sums[SUM_CUSTOMERS], sums[SUM_REVENUE_SQUARED],
												   sums[SUM_REVENUE] / unit)) /
							 by_n / (money * money);
	segment.rate.mean = n > 0 ? o / n : NAN;
	segment.rate.variance =
		exact_float(spread_of(sums[SUM_CUSTOMERS], sums[SUM_ORDERS_SQUARED], sums[SUM_ORDERS])) /
		by_n;
	segment.order.mean = n > 0 ? revenue / o : NAN;
	segment.order.variance = n > 1 ? Max(squared_rests(sums, unit), 0) / (o * o) / (money * money) *
										 n / ((n - 1) * o * o)
								   : NAN;
	segment.share.value = n > 0 ? (double) sums[SUM_BUYERS] / n : NAN;
	wilson_interval((double) sums[SUM_BUYERS], n, z, &segment.share.lower, &segment.share.upper);
	return segment;
}

/* ---- rows ---- */

PG_FUNCTION_INFO_V1(loyalty_existing_vs_new_table);
PG_FUNCTION_INFO_V1(loyalty_existing_vs_new_ratios);

static void
put_estimate(Rows *rows, Estimate estimate)
{
	rows_put_float(rows, estimate.value);
	rows_put_float(rows, estimate.lower);
	rows_put_float(rows, estimate.upper);
}

/* A mean over customers, with Student's interval. */
static void
put_mean(Rows *rows, MeanEstimate mean, double customers, double confidence)
{
	double half = student_quantile(confidence, customers - 1) * sqrt(mean.variance);

	put_estimate(rows, (Estimate){ mean.mean, mean.mean - half, mean.mean + half });
}

/* existing_vs_new_table(result, confidence): both, be there anybody or not */
Datum
loyalty_existing_vs_new_table(PG_FUNCTION_ARGS)
{
	double confidence = PG_GETARG_FLOAT8(1);
	double z = confidence_quantile(confidence);
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int decimals = tally_scale(tally) / 2;
	bool has_label = metric_parameter(tally, "label") != NULL;
	Rows rows;
	int i;

	rows_open(&rows, fcinfo);
	for (i = 0; i < SEGMENTS; i++)
	{
		const TallyRow *row = segment_row(tally, i);
		Segment segment = segment_of(tally, i, z);

		rows_begin(&rows);
		rows_put_name(&rows, segment_names[i]);
		rows_put_count(&rows, (int64) metric_sum(row, SUM_CUSTOMERS));
		rows_put_count(&rows, (int64) metric_sum(row, SUM_ORDERS));
		rows_put_decimal(&rows, metric_sum(row, SUM_REVENUE) / decimal_power[decimals], decimals);
		put_mean(&rows, segment.order, segment.customers, confidence);
		put_mean(&rows, segment.spend, segment.customers, confidence);
		if (has_label)
		{
			rows_put_count(&rows, (int64) metric_sum(row, SUM_BUYERS));
			put_estimate(&rows, segment.share);
		}
		else
		{
			rows_put_null(&rows);
			put_estimate(&rows, (Estimate){ NAN, NAN, NAN });
		}
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}

static Estimate
mean_ratio(MeanEstimate a, double a_n, MeanEstimate b, double b_n, double confidence)
{
	double t = student_quantile(confidence, welch_degrees(a, a_n, b, b_n));

	/* where no value varies, nor does the quotient */
	Estimate lift = lift_of_means(a.mean - b.mean, a, b, a.variance + b.variance > 0 ? t : 0);

	return (Estimate){ 1 + lift.value, 1 + lift.lower, 1 + lift.upper };
}

static void
put_ratio(Rows *rows, const Tally *tally, const char *measure, double existing, double new,
		  Estimate ratio)
{
	rows_begin(rows);
	rows_put_name(rows, measure);
	rows_put_float(rows, existing);
	rows_put_float(rows, new);
	put_estimate(rows, ratio);
	metric_put_as_of(rows, tally);
	rows_end(rows);
}

/* existing_vs_new_ratios(result, confidence): existing by new, measure by measure */
Datum
loyalty_existing_vs_new_ratios(PG_FUNCTION_ARGS)
{
	double confidence = PG_GETARG_FLOAT8(1);
	double z = confidence_quantile(confidence);
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	Segment a = segment_of(tally, SEGMENT_EXISTING, z);
	Segment b = segment_of(tally, SEGMENT_NEW, z);
	Rows rows;

	rows_open(&rows, fcinfo);
	put_ratio(&rows, tally, "spend per customer", a.spend.mean, b.spend.mean,
			  mean_ratio(a.spend, a.customers, b.spend, b.customers, confidence));
	put_ratio(&rows, tally, "mean order", a.order.mean, b.order.mean,
			  mean_ratio(a.order, a.customers, b.order, b.customers, confidence));
	put_ratio(&rows, tally, "orders per customer", a.rate.mean, b.rate.mean,
			  mean_ratio(a.rate, a.customers, b.rate, b.customers, confidence));
	if (metric_parameter(tally, "label") != NULL)
		put_ratio(&rows, tally, "share of buyers", a.share.value, b.share.value,
				  ratio_of_rates(a.share, b.share));
	return (Datum) 0;
}
