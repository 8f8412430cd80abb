/*
 * cohort_fold.c
 *		Counts everyone's money by cohort and column.
 *
 *		timeline  ->  entries of the customer, by period or column  ->  cells (scale, cohort,
 *		column)
 *
 * An order is an event whose value isn't negative, or that has none; events with one ref are one
 * order, in the column of the first of them. What is negative lowers the revenue of its column.
 * A span is an order where it begins, and active in each period, or lag, that it touches, which
 * have their shares of its value.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "cohort/cohort_internal.h"
#include "core/int128.h"
#include "timeline/event_span.h"
#include "timeline/orders.h"
#include "timeline/timeline.h"

/* A customer in a period of the calendar, or in a column of elapsed lags. */
typedef struct Entry
{
	int32 number;
	bool active;
	int64 orders;
	int128 revenue; /* in units of his timeline */
} Entry;

typedef struct CohortFold
{
	const CohortAsked *asked;
	const CohortLags *lags;
	Calendar calendar;
	ZoneDays *zone;
	DateADT as_of;
	TimestampTz end; /* of as_of */
	MemoryContext context;
	Cells *cells; /* NULL: none yet */
	int width;	  /* sums of a cell: the first so many */

	/* A customer: */
	NumberedEntries entries;
	EventSpan span;
	OrderSet orders;
	int128 cost;
	TimestampTz first;		/* elapsed lags: his first instant, */
	int32 column;			/* the column where his events are read, */
	TimestampTz column_end; /* and when it is over */
} CohortFold;

void *
cohort_fold_start(const MetricQuestion *question, Tally *tally)
{
	CohortFold *fold = palloc0(sizeof(CohortFold));

	fold->asked = question->own;
	fold->lags = &fold->asked->lags;
	calendar_open(&fold->calendar, question->period);
	fold->zone = question->zone;
	fold->as_of = question->as_of;
	if (fold->lags->elapsed > 0)
	{
		fold->end = zone_day_start(fold->zone, fold->as_of + 1);
		event_span_open_elapsed(&fold->span, fold->lags->elapsed, fold->end);
	}
	else
		event_span_open(&fold->span, &fold->calendar, fold->zone, fold->as_of);
	fold->width = fold->lags->elapsed > 0	   ? COHORT_SUMS
				  : fold->asked->has_cost_kind ? COHORT_COST + 1
											   : COHORT_COST;
	fold->context = CurrentMemoryContext;
	numbered_open(&fold->entries, sizeof(Entry));
	order_set_init(&fold->orders, CurrentMemoryContext);
	return fold;
}

/* ---- where an event belongs ---- */

/* When so many lags from a customer's first instant are over. */
static TimestampTz
lags_end(const CohortFold *fold, int64 nlags)
{
	int64 time;

	if (nlags == COHORT_NEVER || __builtin_mul_overflow(nlags, fold->lags->elapsed, &time) ||
		__builtin_add_overflow(fold->first, time, &time))
		return DT_NOEND;
	return time;
}

/* How many lags are over at an instant. */
static int64
lags_until(const CohortFold *fold, TimestampTz at)
{
	uint64 lags = ((uint64) at - (uint64) fold->first) / (uint64) fold->lags->elapsed;

	if (lags >= PG_INT32_MAX)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("there are more than %d lags from a customer's first event on", PG_INT32_MAX),
			 errhint("Take a longer elapsed, or filter out events far from the others.")));
	return (int64) lags;
}

static void
enter_column(CohortFold *fold, int64 column)
{
	fold->column = (int32) column;
	fold->column_end = lags_end(fold, cohort_horizon(fold->lags, column));
}

/* The number of an event's entry; false where it comes after as_of. */
static inline bool
number_of_event(CohortFold *fold, TimestampTz at, int32 *number)
{
	if (fold->lags->elapsed == 0)
	{
		DateADT day = zone_day(fold->zone, at);

		if (day > fold->as_of)
			return false;
		*number = calendar_index(&fold->calendar, day);
		return true;
	}
	if (at >= fold->end)
		return false;
	if (fold->entries.n == 0)
	{
		fold->first = at;
		enter_column(fold, 0);
	}
	else if (at >= fold->column_end)
		enter_column(fold, cohort_column(fold->lags, lags_until(fold, at)));
	*number = fold->column;
	return true;
}

/* ---- a customer's events ---- */

static inline void
add_value(Entry *entry, bool has_value, int64 value)
{
	if (has_value)
		entry->revenue += value;
	entry->active = entry->active || !has_value || value >= 0;
}

/* Adds the periods, or columns, of a span; the first entry is there. */
static void
add_span(CohortFold *fold, const Event *event)
{
	EventSpan *span = &fold->span;
	bool is_active = !event->has_value || event->value >= 0;

	span->origin = fold->first;
	if (!event_span_start(span, event))
		return;
	while (event_span_next(span))
	{
		int32 number = fold->lags->elapsed > 0 ? (int32) cohort_column(fold->lags, span->number)
											   : span->number;
		Entry *entry = numbered_entry(&fold->entries, number);

		entry->revenue += span->value;
		entry->active = entry->active || is_active;
	}
}

static void
read_rich(CohortFold *fold, TimelineReader *reader, int scale)
{
	const CohortAsked *asked = fold->asked;
	const EventText *kind = asked->has_cost_kind
								? event_text_find(&asked->cost_kind, reader->kinds, reader->nkinds)
								: NULL;
	int cost_no = kind != NULL ? (int) (kind - reader->kinds) + 1 : -1;
	Event event;
	Entry *entry;
	int32 number;

	while (timeline_next(reader, &event))
	{
		CHECK_FOR_INTERRUPTS();
		if (!number_of_event(fold, event.at, &number))
			continue;
		event_span_rescale(&event, reader, scale);
		entry = numbered_entry(&fold->entries, number);
		if (event.kind_no == cost_no)
		{
			if (event.has_value)
				fold->cost += event.value;
			continue;
		}
		if (!event.has_value || event.value >= 0)
			entry->orders += order_set_add(&fold->orders, &event);
		if (unlikely(event.has_span))
			add_span(fold, &event);
		else
			add_value(entry, event.has_value, event.value);
	}
	order_set_clear(&fold->orders);
}

static void
read_plain(CohortFold *fold, TimelineReader *reader)
{
	bool has_values = (reader->flags & TIMELINE_HAS_VALUES) != 0;

	for (; reader->left > 0; reader->left--)
	{
		TimestampTz at;
		int64 value = 0;
		bool has_value = false;
		int32 number;
		Entry *entry;

		CHECK_FOR_INTERRUPTS();
		if (has_values)
			has_value = timeline_read_instant_and_value(reader, &at, &value);
		else
			at = timeline_read_instant(reader);
		if (!number_of_event(fold, at, &number))
			continue;
		entry = numbered_entry(&fold->entries, number);
		add_value(entry, has_value, value);
		entry->orders += !has_value || value >= 0;
	}
}

/* ---- into cells ---- */

static int128
square(int128 amount)
{
	return amount * amount;
}

/* Squares are of amounts that fit 64 bits. */
static void
check_amount(int128 amount)
{
	if (unlikely(amount > PG_INT64_MAX || amount < -PG_INT64_MAX))
		decimal_report_sum("a customer's values");
}

/* A customer in a column: by the calendar, one or several of his periods. */
typedef struct Column
{
	int64 number;
	bool active;
	int64 orders;
	int128 revenue;
} Column;

/* The column of the customer's i-th entry; zero is the number of lag 0. */
static int64
column_of(const CohortFold *fold, int32 zero, int64 i)
{
	int32 number = ((const Entry *) numbered_at(&fold->entries, i))->number;

	return fold->lags->elapsed > 0 ? number : cohort_column(fold->lags, (int64) number - zero);
}

/* The next column of the customer; false behind the last one. */
static bool
next_column(const CohortFold *fold, int32 zero, int64 *next, Column *column)
{
	memset(column, 0, sizeof(Column));
	if (*next == fold->entries.n)
		return false;
	column->number = column_of(fold, zero, *next);
	do
	{
		const Entry *entry = numbered_at(&fold->entries, (*next)++);

		column->active = column->active || entry->active;
		column->orders += entry->orders;
		column->revenue += entry->revenue;
	} while (*next < fold->entries.n && column_of(fold, zero, *next) == column->number);
	return true;
}

/* By elapsed lags, a customer leaves with the first column that isn't over for him. */
static void
drop_customer(CohortFold *fold, int scale, int32 cohort, int64 running, int128 brought)
{
	int128 *sums = cell_at(fold->cells, scale, cohort, (int32) running);

	sums[COHORT_RUNNING]++;
	sums[COHORT_DROPPED] += brought;
	sums[COHORT_COST_DROPPED] += fold->cost;
	decimal_sum_subtract(&sums[COHORT_SQUARES], square(brought), "squares of revenue");
}

static void
count_columns(CohortFold *fold, int scale, int32 cohort, int32 zero)
{
	bool is_elapsed = fold->lags->elapsed > 0;
	int64 running =
		is_elapsed ? cohort_column(fold->lags, lags_until(fold, fold->end)) : COHORT_NEVER;
	int128 *sums = cell_at(fold->cells, scale, cohort, 0);
	int128 brought = 0; /* up to a column */
	int128 known = 0;	/* ... that is over */
	int64 next = 0;
	Column column;

	sums[COHORT_ACQUIRED]++;
	if (fold->asked->has_cost_kind)
		sums[COHORT_COST] += fold->cost;
	while (next_column(fold, zero, &next, &column))
	{
		int128 before = brought;

		brought += column.revenue;
		check_amount(brought);
		sums = cell_at(fold->cells, scale, cohort, (int32) column.number);
		sums[COHORT_ACTIVE] += column.active;
		sums[COHORT_ORDERS] += column.orders;
		sums[COHORT_REVENUE] += column.revenue;
		if (column.number >= running)
			continue;
		known = brought;
		decimal_sum_add(&sums[COHORT_SQUARES], square(brought) - square(before),
						"squares of revenue");
		if (is_elapsed)
			sums[COHORT_DUE] += column.revenue;
	}
	if (is_elapsed)
		drop_customer(fold, scale, cohort, running, known);
}

void
cohort_fold_customer(void *opaque, ByteSpan body)
{
	CohortFold *fold = opaque;
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	int scale;
	int32 zero;
	int32 cohort;

	if (fold->cells == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fold->context);

		fold->cells = cells_create(fold->width);
		MemoryContextSwitchTo(old);
	}
	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	if (unlikely(reader.scale > COHORT_MAX_DECIMALS))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("values of a customer have more than %d decimals", COHORT_MAX_DECIMALS),
				 errdetail("Squares are summed exactly, and have twice as many."),
				 errhint("Use round(), as in round(value, 2).")));
	scale = event_span_scale(&reader);
	fold->entries.n = 0;
	fold->cost = 0;
	if ((reader.flags & TIMELINE_RICH) != 0)
		read_rich(fold, &reader, scale);
	else
		read_plain(fold, &reader);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	if (fold->entries.n == 0)
		return;
	zero = ((const Entry *) numbered_at(&fold->entries, 0))->number;
	cohort = fold->lags->elapsed > 0
				 ? calendar_index(&fold->calendar, zone_day(fold->zone, fold->first))
				 : zero;
	count_columns(fold, scale, cohort, zero);
}

/* ---- into the tally ---- */

typedef struct Flushing
{
	Tally *tally;
	int width;
} Flushing;

static void
flush_block(void *context, int32 scale, int32 cohort, int32 column, const int128 *block)
{
	const Flushing *flushing = context;
	Tally *tally = flushing->tally;
	int128 factor = tally_use_scale(tally, 2 * scale);
	TallyKey key = { .numbers = { cohort } };
	int slot;

	for (slot = 0; slot < CELLS_BLOCK; slot++)
	{
		const int128 *sums = block + slot * flushing->width;
		TallyRow *row = NULL;
		int i;

		for (i = 0; i < flushing->width; i++)
		{
			bool is_count = cohort_value_shape.sums[i].type == TALLY_COUNT;
			int128 amount = sums[i];

			if (amount == 0)
				continue;
			if (row == NULL)
			{
				key.numbers[1] = column + slot;
				row = tally_row(tally, &key);
			}
			if (!is_count && i != COHORT_SQUARES &&
				int128_mul_overflow(amount, decimal_power[scale], &amount))
				decimal_report_sum(cohort_value_shape.sums[i].name);
			if (!is_count && int128_mul_overflow(amount, factor, &amount))
				decimal_report_sum(cohort_value_shape.sums[i].name);
			tally_add(tally, row, i, amount);
		}
	}
}

void
cohort_fold_finish(void *opaque, Tally *tally)
{
	CohortFold *fold = opaque;
	Flushing flushing = { tally, fold->width };

	if (fold->cells == NULL)
		return;
	cells_visit(fold->cells, flush_block, &flushing);
	cells_free(fold->cells);
	fold->cells = NULL;
}
