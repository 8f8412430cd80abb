/*
 * growth.c
 *		Growth accounting: who is new, comes again, comes back, and leaves, period by period.
 *
 * Of those active in a period, each is one of
 *		new			it is his first active period
 *		retained	he was active in the period before, too
 *		resurrected	he was active before, but not in the period before
 * and who was active in the period before and isn't now has churned. A result holds the
 * first three: active and churned follow, so that active(t) = active(t-1) + new +
 * resurrected - churned always.
 *
 * Money moves the same way. The revenue of a customer in a period is the sum of his values
 * in it, which returns may bring below zero; he is active in it if one of his events isn't
 * a negative one. Revenue of a period is that of those active in it. What others gave back
 * (they have nothing but negative values in it) stands apart as returned: it belongs to
 * no one's growth, and would be undone in the period after.
 *		new, resurrected	revenue of those customers
 *		expansion			how much more retained ones brought than in the period before,
 *		contraction			and how much less, customer by customer
 *		churned				what those who churned had brought in the period before
 * So revenue(t) = revenue(t-1) + new + expansion + resurrected - contraction - churned.
 *
 * A span is an event of each period that it touches, with its share of the value.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "activity/activity.h"
#include "core/int128.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "metric/statistics.h"
#include "timeline/event_span.h"
#include "timeline/timeline.h"

/* Sums of a row; those from GROWTH_COUNTS on are values, over timelines only. */
enum
{
	GROWTH_NEW,
	GROWTH_RETAINED,
	GROWTH_RESURRECTED,
	GROWTH_COUNTS,

	GROWTH_NEW_REVENUE = GROWTH_COUNTS,
	GROWTH_RETAINED_REVENUE,
	GROWTH_RESURRECTED_REVENUE,
	GROWTH_EXPANSION,
	GROWTH_CONTRACTION,
	GROWTH_RETURNED,
	GROWTH_SUMS
};

/* ---- counting over activity sets ---- */

/* The last day that counted, where as_of is left open: no later than today. */
typedef struct LastDay
{
	bool is_wanted;
	DateADT limit;
	DateADT day; /* DATEVAL_NOBEGIN: none yet */
} LastDay;

static LastDay
last_day_open(const MetricQuestion *question)
{
	return (LastDay){ !question->has_as_of, metric_limit(question), DATEVAL_NOBEGIN };
}

static inline void
last_day_note(LastDay *last, DateADT day)
{
	if (last->is_wanted)
		last->day = Max(last->day, Min(day, last->limit));
}

static void
last_day_finish(LastDay *last, Tally *tally)
{
	if (last->day != DATEVAL_NOBEGIN)
		tally_note_latest(tally, last->day);
	last->day = DATEVAL_NOBEGIN;
}

typedef struct GrowthFold
{
	Calendar calendar;
	DateADT as_of;
	LastDay last;
	MetricCells cells;
} GrowthFold;

static void *
growth_start(const MetricQuestion *question, Tally *tally)
{
	GrowthFold *fold = palloc0(sizeof(GrowthFold));

	calendar_open(&fold->calendar, question->period);
	fold->last = last_day_open(question);
	fold->as_of = fold->last.limit;
	metric_cells_open(&fold->cells, tally);
	return fold;
}

static void
growth_finish(void *of, Tally *tally)
{
	last_day_finish(&((GrowthFold *) of)->last, tally);
}

static void
growth_customer(void *of, ByteSpan body)
{
	GrowthFold *fold = of;
	DateADT as_of = fold->as_of;
	ActivityCursor cursor;
	DateADT day;
	int32 last;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &day))
		return;
	last_day_note(&fold->last, day);
	if (day > as_of)
		return;
	last = calendar_index(&fold->calendar, day);
	metric_cell(&fold->cells, last)->sums[GROWTH_NEW]++;
	while (activity_next(&cursor, &day) && day <= as_of)
	{
		int32 period = calendar_index(&fold->calendar, day);

		if (period == last)
			continue;
		metric_cell(&fold->cells, period)
			->sums[period == last + 1 ? GROWTH_RETAINED : GROWTH_RESURRECTED]++;
		last = period;
	}
	last_day_note(&fold->last, day);
}

/* ---- counting over timelines ---- */

/* A customer's events become one entry for each of his periods first. */

/* A customer in a period. */
typedef struct Entry
{
	int32 period;
	bool active;
	int128 revenue; /* in units of his timeline */
} Entry;

typedef struct MoneyFold
{
	Calendar calendar;
	DateADT as_of;
	LastDay last;
	ZoneDays *zone;
	Tally *tally;
	MetricCells cells;
	NumberedEntries entries; /* of one customer, by period */
	EventSpan span;
} MoneyFold;

static void *
growth_money_start(const MetricQuestion *question, Tally *tally)
{
	MoneyFold *fold = palloc0(sizeof(MoneyFold));

	calendar_open(&fold->calendar, question->period);
	fold->last = last_day_open(question);
	fold->as_of = fold->last.limit;
	fold->zone = question->zone;
	fold->tally = tally;
	metric_cells_open(&fold->cells, tally);
	numbered_open(&fold->entries, sizeof(Entry));
	event_span_open(&fold->span, &fold->calendar, fold->zone, fold->as_of);
	return fold;
}

static void
growth_money_finish(void *of, Tally *tally)
{
	last_day_finish(&((MoneyFold *) of)->last, tally);
}

/* Adds what an event is in a period. */
static inline void
add_to_period(MoneyFold *fold, int32 period, bool is_active, int64 value)
{
	Entry *entry = numbered_entry(&fold->entries, period);

	entry->revenue += value;
	entry->active = entry->active || is_active;
}

static inline void
add_event(MoneyFold *fold, TimestampTz at, bool has_value, int64 value)
{
	DateADT day = zone_day(fold->zone, at);

	last_day_note(&fold->last, day);
	if (day > fold->as_of)
		return;
	add_to_period(fold, calendar_index(&fold->calendar, day), !has_value || value >= 0,
				  has_value ? value : 0);
}

static void
add_span(MoneyFold *fold, const Event *event)
{
	EventSpan *span = &fold->span;
	bool is_active = !event->has_value || event->value >= 0;

	if (event_span_start(span, event))
		while (event_span_next(span))
			add_to_period(fold, span->number, is_active, span->value);
	last_day_note(&fold->last, event_span_last_day(span));
}

static void
add_events(MoneyFold *fold, TimelineReader *reader, int scale)
{
	if (reader->flags & TIMELINE_RICH)
	{
		Event event;

		while (timeline_next(reader, &event))
		{
			event_span_rescale(&event, reader, scale);
			if (unlikely(event.has_span))
				add_span(fold, &event);
			else
				add_event(fold, event.at, event.has_value, event.value);
			CHECK_FOR_INTERRUPTS();
		}
		return;
	}
	for (; reader->left > 0; reader->left--)
	{
		TimestampTz at = timeline_read_instant(reader);
		int64 value = 0;
		bool has_value =
			(reader->flags & TIMELINE_HAS_VALUES) != 0 && timeline_read_value(reader, &value);

		add_event(fold, at, has_value, value);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Adds money of a customer to a row. */
static void
add_money(const MoneyFold *fold, TallyRow *row, int sum, int128 units, int128 factor)
{
	if (int128_mul_overflow(units, factor, &units))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("revenue is out of range"),
				 errhint("Fewer decimals leave room for larger sums: use round(value, 2).")));
	tally_add(fold->tally, row, sum, units);
}

static void
add_entries(MoneyFold *fold, int128 factor)
{
	const Entry *before = NULL; /* the last active one */
	int64 i;

	for (i = 0; i < fold->entries.n; i++)
	{
		const Entry *entry = numbered_at(&fold->entries, i);
		TallyRow *row = metric_cell(&fold->cells, entry->period);

		if (!entry->active)
		{
			add_money(fold, row, GROWTH_RETURNED, -entry->revenue, factor);
			continue;
		}
		if (before == NULL)
		{
			row->sums[GROWTH_NEW]++;
			add_money(fold, row, GROWTH_NEW_REVENUE, entry->revenue, factor);
		}
		else if (entry->period != before->period + 1)
		{
			row->sums[GROWTH_RESURRECTED]++;
			add_money(fold, row, GROWTH_RESURRECTED_REVENUE, entry->revenue, factor);
		}
		else
		{
			int128 more = entry->revenue - before->revenue;

			row->sums[GROWTH_RETAINED]++;
			add_money(fold, row, GROWTH_RETAINED_REVENUE, entry->revenue, factor);
			if (more > 0)
				add_money(fold, row, GROWTH_EXPANSION, more, factor);
			else if (more < 0)
				add_money(fold, row, GROWTH_CONTRACTION, -more, factor);
		}
		before = entry;
	}
}

static void
growth_money_customer(void *of, ByteSpan body)
{
	MoneyFold *fold = of;
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	int scale;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	scale = event_span_scale(&reader);
	fold->entries.n = 0;
	add_events(fold, &reader, scale);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	if (fold->entries.n > 0)
		add_entries(fold, tally_use_scale(fold->tally, scale));
}

/* ---- the results ---- */

static const MetricArgument arguments[] = { METRIC_PERIOD_ARGUMENT, METRIC_OPEN_AS_OF_ARGUMENT };

static const TallyParameter parameters[] = { METRIC_PERIOD_PARAMETER, METRIC_ZONE_PARAMETER,
											 METRIC_AS_OF_PARAMETER, METRIC_LATEST_PARAMETER };

static const TallyColumn keys[] = { { "period", TALLY_PERIOD } };

/* In a growth_result the first GROWTH_COUNTS. */
static const TallyColumn columns[GROWTH_SUMS] = {
	[GROWTH_NEW] = { "new", TALLY_COUNT },
	[GROWTH_RETAINED] = { "retained", TALLY_COUNT },
	[GROWTH_RESURRECTED] = { "resurrected", TALLY_COUNT },
	[GROWTH_NEW_REVENUE] = { "new_revenue", TALLY_VALUE },
	[GROWTH_RETAINED_REVENUE] = { "retained_revenue", TALLY_VALUE },
	[GROWTH_RESURRECTED_REVENUE] = { "resurrected_revenue", TALLY_VALUE },
	[GROWTH_EXPANSION] = { "expansion", TALLY_VALUE },
	[GROWTH_CONTRACTION] = { "contraction", TALLY_VALUE },
	[GROWTH_RETURNED] = { "returned", TALLY_VALUE },
};

static int128
active_of(const TallyRow *row)
{
	return metric_sum(row, GROWTH_NEW) + metric_sum(row, GROWTH_RETAINED) +
		   metric_sum(row, GROWTH_RESURRECTED);
}

/* A count as a column has it. */
static int64
whole(int128 count)
{
	if (count > PG_INT64_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of active customers is out of range")));
	return (int64) count;
}

/* The sum of two amounts. */
static int128
plus(int128 a, int128 b)
{
	if (__builtin_add_overflow(a, b, &a))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("revenue is out of range")));
	return a;
}

static int128
minus(int128 a, int128 b)
{
	if (__builtin_sub_overflow(a, b, &a))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("revenue is out of range")));
	return a;
}

/* Revenue of a period. */
static int128
revenue_of(const TallyRow *row)
{
	return plus(plus(metric_sum(row, GROWTH_NEW_REVENUE), metric_sum(row, GROWTH_RETAINED_REVENUE)),
				metric_sum(row, GROWTH_RESURRECTED_REVENUE));
}

/* What those retained in a period had brought in the one before. */
static int128
revenue_kept(const TallyRow *row)
{
	return plus(minus(metric_sum(row, GROWTH_RETAINED_REVENUE), metric_sum(row, GROWTH_EXPANSION)),
				metric_sum(row, GROWTH_CONTRACTION));
}

/* Checks a period by the one before; known: customers seen until then. */
static const char *
count_fault(const TallyRow *row, const TallyRow *before, int128 known)
{
	if (row->sums[GROWTH_RETAINED] > active_of(before))
		return "More customers are retained in a period than were active in the one before.";
	if (row->sums[GROWTH_RESURRECTED] > known - active_of(before))
		return "More customers are resurrected in a period than were there to come back.";
	return NULL;
}

static const char *
money_fault(const TallyRow *row, const TallyRow *before)
{
	const int128 *sums = row->sums;

	if (sums[GROWTH_EXPANSION] < 0 || sums[GROWTH_CONTRACTION] < 0 || sums[GROWTH_RETURNED] < 0)
		return "\"expansion\", \"contraction\" or \"returned\" is below zero.";
	if ((sums[GROWTH_NEW] == 0 && sums[GROWTH_NEW_REVENUE] != 0) ||
		(sums[GROWTH_RESURRECTED] == 0 && sums[GROWTH_RESURRECTED_REVENUE] != 0) ||
		(sums[GROWTH_RETAINED] == 0 &&
		 (sums[GROWTH_RETAINED_REVENUE] != 0 || sums[GROWTH_EXPANSION] != 0 ||
		  sums[GROWTH_CONTRACTION] != 0)))
		return "There is revenue of customers who aren't there.";
	if (sums[GROWTH_RETAINED] == active_of(before) && revenue_kept(row) != revenue_of(before))
		return "Nobody churned in a period, but revenue did.";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	const char *fault = metric_period_fault(tally);
	int64 nrows;
	TallyRow **rows;
	int128 known = 0;
	int64 i;

	if (fault != NULL)
		return fault;
	rows = tally_rows(tally, &nrows);
	for (i = 0; i < nrows && fault == NULL; i++)
	{
		const TallyRow *before = i > 0 && rows[i - 1]->key.numbers[0] == rows[i]->key.numbers[0] - 1
									 ? rows[i - 1]
									 : NULL;

		fault = count_fault(rows[i], before, known);
		if (fault == NULL && tally_shape(tally)->nsums == GROWTH_SUMS)
			fault = money_fault(rows[i], before);
		known += rows[i]->sums[GROWTH_NEW];
	}
	return fault;
}

static const TallyShape shape = {
	.type = "growth_result",
	.maker = "growth(), churn() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	.nsums = GROWTH_COUNTS,
	.sums = columns,
	.fault = find_fault,
};

static const TallyShape money_shape = {
	.type = "growth_money_result",
	.maker = "growth() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

static const Metric growth = {
	.shape = &shape,
	METRIC_ARGUMENTS(arguments),
	.start = growth_start,
	.customer = growth_customer,
	.finish = growth_finish,
};

static const Metric growth_money = {
	.shape = &money_shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(arguments),
	.start = growth_money_start,
	.customer = growth_money_customer,
	.finish = growth_money_finish,
};

/* loyalty_growth_result_in, loyalty_growth_result_out, loyalty_growth_result_recv,
 * loyalty_growth_result_send, loyalty_growth_result_merge,
 * loyalty_growth_result_scope */
TALLY_TYPE(growth_result, &shape)
/* loyalty_growth_money_result_in, loyalty_growth_money_result_out,
 * loyalty_growth_money_result_recv, loyalty_growth_money_result_send,
 * loyalty_growth_money_result_merge,
 * loyalty_growth_money_result_scope */
TALLY_TYPE(growth_money_result, &money_shape)

/* loyalty_growth, (activity_base, period, as_of), which is churn(), too; loyalty_growth_accum */
METRIC_FUNCTIONS(growth, &growth)

/* loyalty_growth_money, (timeline_base, period, as_of); loyalty_growth_money_accum */
METRIC_FUNCTIONS(growth_money, &growth_money)

/* ---- who is in a period ---- */

/* A number of the table that counts customers. */
typedef enum GrowthNumber
{
	GROWTH_OF_ACTIVE,
	GROWTH_OF_NEW,
	GROWTH_OF_RETAINED,
	GROWTH_OF_RESURRECTED,
	GROWTH_OF_CHURNED,
	GROWTH_NUMBERS
} GrowthNumber;

static const char *const number_names[GROWTH_NUMBERS] = {
	[GROWTH_OF_ACTIVE] = "active",	   [GROWTH_OF_NEW] = "new",
	[GROWTH_OF_RETAINED] = "retained", [GROWTH_OF_RESURRECTED] = "resurrected",
	[GROWTH_OF_CHURNED] = "churned",
};

/* The cell is watched while customers are counted: who moves its number is in it. */
typedef struct GrowthWatch
{
	const Metric *metric;
	void *fold;
	MetricCells *cells; /* the fold's */
	int32 period;
	int32 last_period; /* that of as_of */
	GrowthNumber number;
} GrowthWatch;

static int128
churned_of(const TallyRow *row, const TallyRow *before)
{
	return active_of(before) - metric_sum(row, GROWTH_RETAINED);
}

static int128
watched_number(const GrowthWatch *watch)
{
	const TallyRow *row = metric_cell(watch->cells, watch->period);

	switch (watch->number)
	{
		case GROWTH_OF_ACTIVE:
			return active_of(row);
		case GROWTH_OF_NEW:
			return metric_sum(row, GROWTH_NEW);
		case GROWTH_OF_RETAINED:
			return metric_sum(row, GROWTH_RETAINED);
		case GROWTH_OF_RESURRECTED:
			return metric_sum(row, GROWTH_RESURRECTED);
		default: /* GROWTH_OF_CHURNED */
			return churned_of(row, metric_cell(watch->cells, watch->period - 1));
	}
}

/* (period_start, who) */
static GrowthWatch *
start_watch(FunctionCallInfo fcinfo, int n, const MetricQuestion *question, const Metric *metric)
{
	GrowthWatch *watch = palloc0(sizeof(GrowthWatch));

	watch->metric = metric;
	watch->period = metric_cell_period(fcinfo, n, "period_start", question->period);
	watch->number = (GrowthNumber) metric_cell_number(fcinfo, n + 1, number_names, GROWTH_NUMBERS);
	watch->fold = metric->start(question, tally_create(metric->shape));
	return watch;
}

static void *
start_members(FunctionCallInfo fcinfo, int n, const MetricQuestion *question)
{
	GrowthWatch *watch = start_watch(fcinfo, n, question, &growth);
	GrowthFold *fold = watch->fold;

	watch->cells = &fold->cells;
	watch->last_period = calendar_index(&fold->calendar, fold->as_of);
	return watch;
}

static void *
start_money_members(FunctionCallInfo fcinfo, int n, const MetricQuestion *question)
{
	GrowthWatch *watch = start_watch(fcinfo, n, question, &growth_money);
	MoneyFold *fold = watch->fold;

	watch->cells = &fold->cells;
	watch->last_period = calendar_index(&fold->calendar, fold->as_of);
	return watch;
}

static bool
is_member(void *of, ByteSpan body)
{
	GrowthWatch *watch = of;
	int128 before = watched_number(watch);

	watch->metric->customer(watch->fold, body);
	return watched_number(watch) != before;
}

static bool
has_period(void *of)
{
	const GrowthWatch *watch = of;

	return watch->period <= watch->last_period;
}

#define MEMBERS_OF(of) \
	.metric = (of), .before = 1, .ncell = 2, .is_member = is_member, .has_cell = has_period

static const MetricMembers members = { MEMBERS_OF(&growth), .start = start_members };
static const MetricMembers money_members = { MEMBERS_OF(&growth_money),
											 .start = start_money_members };

/* loyalty_growth_members, (base, period, period_start, who, as_of); loyalty_growth_money_members */
METRIC_MEMBERS(growth, &members)
METRIC_MEMBERS(growth_money, &money_members)

/* ---- rows ---- */

PG_FUNCTION_INFO_V1(loyalty_growth_table);
PG_FUNCTION_INFO_V1(loyalty_growth_money_table);
PG_FUNCTION_INFO_V1(loyalty_churn_table);
PG_FUNCTION_INFO_V1(loyalty_churn_money_table);

/* A ratio; NULL where it has no meaning. */
static void
put_ratio(Rows *rows, int128 part, int128 whole)
{
	rows_put_float(rows, whole > 0 ? (double) part / (double) whole : NAN);
}

/* Puts active, new, retained, resurrected, churned and quick_ratio. */
static void
put_counts(Rows *rows, const TallyRow *row, const TallyRow *before)
{
	int128 came = metric_sum(row, GROWTH_NEW) + metric_sum(row, GROWTH_RESURRECTED);
	int128 churned = churned_of(row, before);
	int i;

	rows_put_count(rows, whole(active_of(row)));
	for (i = 0; i < GROWTH_COUNTS; i++)
		rows_put_count(rows, (int64) metric_sum(row, i));
	rows_put_count(rows, whole(churned));
	put_ratio(rows, came, churned);
}

/* Puts what moved revenue, from that of the period before to this one's, and the ratios. */
static void
put_money(Rows *rows, const TallyRow *row, const TallyRow *before, int scale)
{
	int128 opening = revenue_of(before);
	int128 churned = minus(opening, revenue_kept(row));
	int128 came =
		plus(metric_sum(row, GROWTH_NEW_REVENUE), metric_sum(row, GROWTH_RESURRECTED_REVENUE));
	int128 lost = plus(metric_sum(row, GROWTH_CONTRACTION), churned);
	int128 kept = minus(opening, lost);

	rows_put_decimal(rows, opening, scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_NEW_REVENUE), scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_EXPANSION), scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_RESURRECTED_REVENUE), scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_CONTRACTION), scale);
	rows_put_decimal(rows, churned, scale);
	rows_put_decimal(rows, revenue_of(row), scale);
	rows_put_decimal(rows, metric_sum(row, GROWTH_RETURNED), scale);
	put_ratio(rows, kept, opening);
	put_ratio(rows, plus(kept, metric_sum(row, GROWTH_EXPANSION)), opening);
	put_ratio(rows, plus(came, metric_sum(row, GROWTH_EXPANSION)), lost);
}

/* The rows of a result, by period; with money where it has it. */
static Datum
put_growth(FunctionCallInfo fcinfo, const TallyShape *of)
{
	const Tally *tally = tally_argument(fcinfo, 0, of);
	MetricPeriods periods;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_periods_open(&periods, tally))
		return (Datum) 0;
	while (metric_periods_next(&periods))
	{
		rows_begin(&rows);
		metric_put_period(&rows, &periods);
		put_counts(&rows, periods.row, periods.before);
		if (of == &money_shape)
			put_money(&rows, periods.row, periods.before, tally_scale(tally));
		rows_put_day(&rows, periods.as_of);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* growth_table(growth_result) */
Datum
loyalty_growth_table(PG_FUNCTION_ARGS)
{
	return put_growth(fcinfo, &shape);
}

/* growth_table(growth_money_result) */
Datum
loyalty_growth_money_table(PG_FUNCTION_ARGS)
{
	return put_growth(fcinfo, &money_shape);
}

/* Rows of churn: from the second period on, since nobody can leave before. */
static Datum
put_churn(FunctionCallInfo fcinfo, const TallyShape *of)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	const Tally *tally = tally_argument(fcinfo, 0, of);
	MetricPeriods periods;
	Rows rows;

	rows_open_periods(&rows, fcinfo);
	if (!metric_periods_open(&periods, tally))
		return (Datum) 0;
	metric_periods_next(&periods);
	while (metric_periods_next(&periods))
	{
		int64 active = whole(active_of(periods.before));
		int64 churned = active - (int64) metric_sum(periods.row, GROWTH_RETAINED);

		rows_begin(&rows);
		metric_put_period(&rows, &periods);
		rows_put_count(&rows, active);
		rows_put_count(&rows, churned);
		metric_put_rate(&rows, churned, active, z);
		rows_put_day(&rows, periods.as_of);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* churn_table(growth_result, confidence) */
Datum
loyalty_churn_table(PG_FUNCTION_ARGS)
{
	return put_churn(fcinfo, &shape);
}

/* churn_table(growth_money_result, confidence) */
Datum
loyalty_churn_money_table(PG_FUNCTION_ARGS)
{
	return put_churn(fcinfo, &money_shape);
}
