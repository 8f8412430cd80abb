/*
 * value_fold.c
 *		What models are fitted to, of everyone's timelines: purchase_sample() and spend_sample() as
 *		metrics.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "value/value_internal.h"

/* ---- counting ---- */

/*
 * Customers by (x, days to the last purchase, days to the end), in one number, which costs less
 * than looking up a row for each. They are sorted as the rows are. Who doesn't fit is looked up.
 */
#define DAY_BITS  21
#define MOST_DAYS ((1 << DAY_BITS) - 1)

typedef struct PurchaseFold
{
	ZoneDays *zone;
	DateADT until;
	ValuePeriod period;
	MemoryContext context;
	Tally *tally;
	CountedNumbers customers;
} PurchaseFold;

static void *
start_purchases(const MetricQuestion *question, Tally *tally)
{
	PurchaseFold *fold = palloc0(sizeof(PurchaseFold));

	fold->zone = question->zone;
	fold->until = question->as_of;
	fold->period = purchase_question_period(question);
	fold->context = CurrentMemoryContext;
	fold->tally = tally;
	return fold;
}

static void
count_purchases(void *of, ByteSpan body)
{
	PurchaseFold *fold = of;
	PurchaseSummary customer;
	int64 t_x;
	int64 age;

	if (!purchase_summarise(&customer, body, fold->zone, fold->until))
		return;
	t_x = (int64) customer.last - customer.first;
	age = (int64) customer.until - customer.first;
	if (likely(customer.x <= VALUE_MAX_PURCHASES && age <= MOST_DAYS))
		counted_add(&fold->customers, fold->context,
					customer.x << (2 * DAY_BITS) | t_x << DAY_BITS | age);
	else
		purchase_sample_add(fold->tally, customer.x,
							value_periods_of_days(fold->period, (double) t_x),
							value_periods_of_days(fold->period, (double) age));
}

static void
finish_purchases(void *of, Tally *tally)
{
	PurchaseFold *fold = of;
	int64 i;

	counted_settle(&fold->customers, fold->context);
	for (i = 0; i < fold->customers.ncounted; i++)
	{
		CountedNumber counted = fold->customers.counted[i];
		double t_x = (double) (counted.number >> DAY_BITS & MOST_DAYS);
		double age = (double) (counted.number & MOST_DAYS);

		purchase_sample_add_many(tally, counted.number >> (2 * DAY_BITS),
								 value_periods_of_days(fold->period, t_x),
								 value_periods_of_days(fold->period, age), counted.count);
		CHECK_FOR_INTERRUPTS();
	}
	counted_clear(&fold->customers);
}

typedef struct SpendFold
{
	ZoneDays *zone;
	DateADT until;
	Tally *tally;
} SpendFold;

static void *
start_spend(const MetricQuestion *question, Tally *tally)
{
	SpendFold *fold = palloc(sizeof(SpendFold));

	fold->zone = question->zone;
	fold->until = question->as_of;
	fold->tally = tally;
	return fold;
}

static void
count_spend(void *of, ByteSpan body)
{
	SpendFold *fold = of;
	PurchaseSummary customer;

	if (purchase_summarise(&customer, body, fold->zone, fold->until) && customer.has_amount)
		spend_sample_add(fold->tally, customer.x, purchase_summary_mean(&customer));
}

/* ---- the metrics ---- */

static const MetricArgument purchase_arguments[] = {
	METRIC_LAST_DAY_ARGUMENT("until"),
	{ "period", .type = METRIC_VALUE, .null_hint = VALUE_PERIOD_HINT },
	{ "zone", .type = METRIC_ZONE, .may_be_null = true },
};

static const MetricArgument spend_arguments[] = {
	METRIC_LAST_DAY_ARGUMENT("until"),
	{ "zone", .type = METRIC_ZONE, .may_be_null = true },
};

/* Where the period is left out, as an aggregate may, it is a day. */
static void
open_purchases(MetricQuestion *question)
{
	ValuePeriod *period = palloc(sizeof(ValuePeriod));
	const struct varlena *name = question->values[1];

	*period =
		name == NULL ? VALUE_DAY : value_period_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	question->own = period;
}

ValuePeriod
purchase_question_period(const MetricQuestion *question)
{
	return *(const ValuePeriod *) question->own;
}

static const char *
period_text(const MetricQuestion *question, const char *parameter)
{
	return value_period_names[purchase_question_period(question) - VALUE_DAY];
}

const Metric purchase_sample_metric = {
	.shape = &purchase_sample_shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(purchase_arguments),
	.eventless = METRIC_IGNORE_EVENTLESS,
	.open = open_purchases,
	.text = period_text,
	.start = start_purchases,
	.customer = count_purchases,
	.finish = finish_purchases,
};

static const Metric spend_sample_metric = {
	.shape = &spend_sample_shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(spend_arguments),
	.eventless = METRIC_IGNORE_EVENTLESS,
	.start = start_spend,
	.customer = count_spend,
};

/* loyalty_purchases_of_timelines, (base, until, period, zone);
 * loyalty_purchases_of_timelines_accum; the same of loyalty_spend_of_timelines, without period */
METRIC_FUNCTIONS(purchases_of_timelines, &purchase_sample_metric)
METRIC_FUNCTIONS(spend_of_timelines, &spend_sample_metric)
