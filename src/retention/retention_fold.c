/*
 * retention_fold.c
 *		Counts retention of everyone: what a customer does becomes lags of the cohorts that he is
 *		in, which are counted by column.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "activity/activity.h"
#include "core/array.h"
#include "retention/retention_internal.h"
#include "timeline/event_span.h"
#include "timeline/timeline.h"

/* A period, or an elapsed lag, in which the customer who is being counted is active enough. */
typedef struct ActivePeriod
{
	int32 number;
	DateADT
		last; /* the last day from which on he still is: without at_least, his last active one */
} ActivePeriod;

/* An event of a timeline: its period, or elapsed lag, and the number of its ref; -1: none. */
typedef struct Order
{
	int32 number;
	int32 ref;
} Order;

/* A cell that is watched in place of counting. */
typedef struct Watch
{
	int32 cohort;
	int64 column;
	RetentionNumber number;
	bool found;	  /* the customer was counted */
	bool is_over; /* the cell's lags are over for someone */
} Watch;

typedef struct RetentionFold
{
	RetentionKind kind;
	bool is_plain;
	Calendar calendar;
	DateADT limit; /* days after it don't count */
	bool as_of_given;
	ZoneDays *zone;	 /* timelines: of the days of customers' instants, */
	TimestampTz end; /* and the end of as_of */
	MemoryContext context;
	RetentionCells cells;
	ActivePeriod *active;
	int64 nactive;
	int64 max_active;
	DateADT *days; /* at_least: those of the period being read, which has this number */
	int64 ndays;
	int64 max_days;
	int32 days_number;
	Order *orders; /* timelines by the calendar, or with at_least, or spans */
	int64 norders;
	int64 max_orders;
	RefTable refs;
	int32 *ref_seen; /* by the number of a ref: in which period it was counted last, from 1 on */
	int64 max_ref_seen;
	EventSpan span;
	Watch *watch;	  /* NULL: none */
	int64 customers;  /* in cohorts */
	int64 idle;		  /* members without events that count */
	DateADT last_day; /* the last one that counted */
} RetentionFold;

void *
retention_start(const MetricQuestion *question, Tally *tally)
{
	RetentionFold *fold = palloc0(sizeof(RetentionFold));

	fold->kind = *(const RetentionKind *) question->own;
	fold->is_plain = retention_kind_is_plain(&fold->kind);
	calendar_open(&fold->calendar, question->period);
	fold->limit = metric_limit(question);
	fold->as_of_given = question->has_as_of;
	if (question->zone != NULL)
	{
		fold->zone = question->zone;
		/* without any event there is no day, and nothing to count up to it */
		fold->end = question->has_as_of ? zone_day_start(fold->zone, fold->limit + 1) : DT_NOBEGIN;
		if (fold->kind.elapsed > 0)
			event_span_open_elapsed(&fold->span, fold->kind.elapsed, fold->end);
		else
			event_span_open(&fold->span, &fold->calendar, fold->zone, fold->limit);
	}
	fold->context = CurrentMemoryContext;
	ref_table_init(&fold->refs, CurrentMemoryContext);
	retention_cells_open(&fold->cells, fold->kind.elapsed > 0);
	fold->last_day = DATEVAL_NOBEGIN;
	return fold;
}

static inline void
note_last_day(RetentionFold *fold, DateADT day)
{
	fold->last_day = Max(fold->last_day, day);
}

/* ---- a customer of the plain kind ---- */

/* By single lags from the first activity. */
static void
count_plain(RetentionFold *fold, ByteSpan body)
{
	DateADT limit = fold->limit;
	ActivityCursor cursor;
	DateADT day;
	DateADT last;
	int32 cohort;
	uint32 lag = 0;
	RetentionBlock *block;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &day) || day > limit)
	{
		fold->idle++;
		return;
	}

	cohort = calendar_index(&fold->calendar, day);
	block = retention_cells_block(&fold->cells, cohort, 0);
	block->retained[0]++;
	last = day;
	while (activity_next(&cursor, &day) && day <= limit)
	{
		uint32 next = (uint32) calendar_index(&fold->calendar, day) - (uint32) cohort;

		last = day;
		if (next == lag)
			continue;
		if (next / RETENTION_BLOCK != lag / RETENTION_BLOCK)
			block = retention_cells_block(&fold->cells, cohort, next);
		lag = next;
		block->retained[lag % RETENTION_BLOCK]++;
	}
	block->ended[lag % RETENTION_BLOCK]++;
	fold->customers++;
	note_last_day(fold, last);
}

/* ---- a member of a cohort ---- */

/* Lags from this on are never over: a calendar doesn't know of lags that aren't. */
#define NEVER_OVER PG_UINT32_MAX

/* A member of a cohort: where he is active, and the number of lag 0 there. */
typedef struct Member
{
	int32 cohort;
	const ActivePeriod *active;
	int64 nactive;
	int32 zero;
	uint32 over; /* lags that are over for him; NEVER_OVER: the cohort's period tells */
} Member;

static inline uint32
lag_of(const Member *member, int64 i)
{
	return (uint32) member->active[i].number - (uint32) member->zero;
}

/* The column in which he was last seen, and that which is the last over for him. */
static void
count_end(RetentionFold *fold, const Member *member, uint32 first_column, uint32 last)
{
	last = Min(last, member->over - 1);
	if (last >= first_column)
		retention_cells_block(&fold->cells, member->cohort, last)->ended[last % RETENTION_BLOCK]++;
}

static void
count_eligible(RetentionFold *fold, const Member *member, uint32 first_column)
{
	uint32 last = member->over - 1;

	if (member->over != NEVER_OVER && last >= first_column)
		retention_cells_block(&fold->cells, member->cohort, last)
			->eligible[last % RETENTION_BLOCK]++;
}

static void
count_lags(RetentionFold *fold, const Member *member)
{
	int64 i;

	for (i = 0; i < member->nactive; i++)
	{
		uint32 lag = lag_of(member, i);

		if (lag >= member->over)
			break;
		retention_cells_block(&fold->cells, member->cohort, lag)->retained[lag % RETENTION_BLOCK]++;
	}
	if (member->nactive > 0)
		count_end(fold, member, 0, lag_of(member, member->nactive - 1));
	count_eligible(fold, member, 0);
}

/* Each activity is in the windows that end at its lag and up to rolling - 1 later. */
static void
count_windows(RetentionFold *fold, const Member *member)
{
	uint32 width = (uint32) fold->kind.rolling;
	uint32 next = width; /* windows before it are counted, or there are none */
	int64 i;

	for (i = 0; i < member->nactive; i++)
	{
		uint32 lag = lag_of(member, i);
		uint32 column;

		if (lag == 0)
			continue;
		for (column = Max(next, lag); column < lag + width && column < member->over; column++)
			retention_cells_block(&fold->cells, member->cohort, column)
				->retained[column % RETENTION_BLOCK]++;
		next = lag + width;
		CHECK_FOR_INTERRUPTS();
	}
	if (next > width)
		count_end(fold, member, width, next - 1);
	count_eligible(fold, member, width);
}

/* The first activity at a lag or later. */
static int64
find_lag(const Member *member, uint32 lag)
{
	int64 low = 0;
	int64 high = member->nactive;

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (lag_of(member, middle) < lag)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
count_brackets(RetentionFold *fold, const Member *member)
{
	uint32 column;

	for (column = 0; column < (uint32) fold->kind.nbrackets; column++)
	{
		const RetentionBracket *bracket = &fold->kind.brackets[column];
		int64 found = find_lag(member, (uint32) bracket->from);
		bool is_after = found < member->nactive;
		RetentionBlock *block;
		uint32 slot = column % RETENTION_BLOCK;

		if ((uint32) bracket->until >= member->over)
			continue;
		block = retention_cells_block(&fold->cells, member->cohort, column);
		block->retained[slot] += is_after && lag_of(member, found) <= (uint32) bracket->until;
		block->ended[slot] += is_after;
		if (member->over != NEVER_OVER)
			block->eligible[slot]++;
	}
}

/* Is a member of the watched cohort counted in the watched number? Once a lag is over for him, who
 * is active at one of the cell's lags is retained, and whoever is at its first one or later is
 * retained after. */
static bool
is_watched(RetentionFold *fold, const Member *member)
{
	Watch *watch = fold->watch;
	uint32 from = (uint32) retention_first_lag(&fold->kind, watch->column);
	uint32 until = (uint32) retention_last_lag(&fold->kind, watch->column);
	int64 found;

	if (member->cohort != watch->cohort)
		return false;
	watch->is_over = watch->is_over || until < member->over;
	if (watch->number == RETENTION_OF_COHORT)
		return true;
	if (until >= member->over)
		return false;
	if (watch->number == RETENTION_OF_ELIGIBLE)
		return true;
	found = find_lag(member, from);
	return found < member->nactive &&
		   (watch->number == RETENTION_OF_RETAINED_AFTER || lag_of(member, found) <= until);
}

static void
count_member(RetentionFold *fold, const Member *member)
{
	const RetentionKind *kind = &fold->kind;

	if (fold->watch != NULL)
	{
		fold->watch->found = fold->watch->found || is_watched(fold, member);
		return;
	}
	if (!fold->is_plain)
		retention_cells_block(&fold->cells, member->cohort, 0)->size++;
	if (kind->nbrackets > 0)
		count_brackets(fold, member);
	else if (member->over == 0)
		; /* nothing is over yet */
	else if (kind->rolling > 0)
		count_windows(fold, member);
	else
		count_lags(fold, member);
	CHECK_FOR_INTERRUPTS();
}

/* Appends a period, or an elapsed lag, where the customer is active; they come in order. */
static void
add_active(RetentionFold *fold, int32 number, DateADT day)
{
	if (fold->nactive > 0 && fold->active[fold->nactive - 1].number == number)
	{
		fold->active[fold->nactive - 1].last = day;
		return;
	}
	fold->active = array_grow_in(fold->context, fold->active, &fold->max_active, fold->nactive + 1,
								 sizeof(ActivePeriod));
	fold->active[fold->nactive].number = number;
	fold->active[fold->nactive++].last = day;
}

/* Ends the period whose days are read: it is one of those where there are enough. */
static void
end_days(RetentionFold *fold)
{
	if (fold->ndays >= fold->kind.at_least)
		add_active(fold, fold->days_number, fold->days[fold->ndays - fold->kind.at_least]);
	fold->ndays = 0;
}

/* Takes an active day; they come in order. */
static inline void
add_day(RetentionFold *fold, DateADT day)
{
	int32 number = calendar_index(&fold->calendar, day);

	if (likely(fold->kind.at_least == 1))
	{
		add_active(fold, number, day);
		return;
	}
	if (number != fold->days_number)
		end_days(fold);
	fold->days_number = number;
	fold->days =
		array_grow_in(fold->context, fold->days, &fold->max_days, fold->ndays + 1, sizeof(DateADT));
	fold->days[fold->ndays++] = day;
}

/* ---- by days ---- */

/* Reads the periods of the days from one on, up to the last that counts. */
static void
read_active(RetentionFold *fold, ByteSpan body, DateADT from)
{
	DateADT limit = fold->limit;
	ActivityCursor cursor;
	DateADT day;

	fold->nactive = 0;
	if (body.bytes == NULL)
		return;
	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day) && day <= limit)
	{
		if (day >= from)
			add_day(fold, day);
		note_last_day(fold, day);
	}
	end_days(fold);
}

/* What comes back is counted from the first day on that starts a cohort in a period. */
static void
count_returns(RetentionFold *fold, ByteSpan starts, ByteSpan returns)
{
	DateADT limit = fold->limit;
	ActivityCursor cursor;
	Member member = { .over = NEVER_OVER };
	DateADT day;
	DateADT last;
	bool is_first = true;

	if (starts.bytes == NULL)
	{
		read_active(fold, returns, DATEVAL_NOEND);
		return;
	}
	activity_open(&cursor, starts.bytes, starts.len);
	if (!activity_next(&cursor, &day) || day > limit)
	{
		fold->idle++;
		read_active(fold, returns, DATEVAL_NOEND);
		return;
	}

	read_active(fold, returns, day);
	member.active = fold->active;
	member.nactive = fold->nactive;
	do
	{
		int32 cohort = calendar_index(&fold->calendar, day);

		last = day;
		if (!is_first && cohort == member.cohort)
			continue;
		is_first = false;
		member.cohort = member.zero = cohort;
		while (member.nactive > 0 &&
			   (member.active->number < cohort ||
				(member.active->number == cohort && member.active->last < day)))
		{
			member.active++;
			member.nactive--;
		}
		count_member(fold, &member);
	} while (fold->kind.recurring && activity_next(&cursor, &day) && day <= limit);
	if (fold->kind.returns && !fold->kind.recurring)
		while (activity_next(&cursor, &day) && day <= limit)
			last = day;
	fold->customers++;
	note_last_day(fold, last);
}

void
retention_customer(void *opaque, ByteSpan body)
{
	RetentionFold *fold = opaque;

	if (likely(fold->is_plain))
		count_plain(fold, body);
	else
		count_returns(fold, body, body);
}

void
retention_customer_of_two(void *opaque, ByteSpan starts, ByteSpan returns)
{
	count_returns(opaque, starts, returns);
}

/* ---- by elapsed time ---- */

/* The number of the lag that an instant is in, or of lags up to it. */
static uint32
lags_until(const RetentionFold *fold, TimestampTz first, TimestampTz at)
{
	uint64 lags = ((uint64) at - (uint64) first) / (uint64) fold->kind.elapsed;

	if (lags > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a customer's events are more than %d lags apart", PG_INT32_MAX),
				 errhint("Take a longer elapsed, or filter out events far from the others.")));
	return (uint32) lags;
}

static int
compare_orders(const void *a, const void *b)
{
	int32 x = ((const Order *) a)->number;
	int32 y = ((const Order *) b)->number;

	return x < y ? -1 : x > y;
}

/* Takes an event; of which ref it is matters where orders are counted. */
static void
add_order(RetentionFold *fold, int32 number, const Event *event)
{
	Order order = { number, -1 };

	if (fold->kind.at_least > 1 && event->ref_type != EVENT_REF_NONE)
	{
		RefKey key = { event->ref_type, event->ref_number, event->ref_text };

		order.ref = ref_table_add(&fold->refs, &key);
	}
	fold->orders = array_grow_in(fold->context, fold->orders, &fold->max_orders, fold->norders + 1,
								 sizeof(Order));
	fold->orders[fold->norders++] = order;
}

/* How many orders there are among those from the first to before the end, whose period is the
 * run-th one of the customer. */
static int64
count_orders(RetentionFold *fold, int64 first, int64 end, int32 run)
{
	int64 count = 0;
	int64 i;

	for (i = first; i < end; i++)
	{
		int32 ref = fold->orders[i].ref;

		count += ref < 0 || fold->ref_seen[ref] != run;
		if (ref >= 0)
			fold->ref_seen[ref] = run;
		CHECK_FOR_INTERRUPTS();
	}
	return count;
}

/* Takes an event in each period, or lag, that it touches. */
static void
add_orders_of_span(RetentionFold *fold, const Event *event)
{
	if (event_span_start(&fold->span, event))
		while (event_span_next(&fold->span))
			add_order(fold, fold->span.number, event);
}

/* Makes active periods of the orders, and leaves the first order of each period. At the end of
 * summer time, or where a zone moved over the date line, an earlier day can follow; and behind the
 * periods of a span come those of one that began in it. */
static void
take_orders(RetentionFold *fold)
{
	int64 nruns = 0;
	int64 first;
	int64 end;

	for (end = 1; end < fold->norders; end++)
		if (fold->orders[end].number < fold->orders[end - 1].number)
		{
			sort_elements(fold->orders, fold->norders, sizeof(Order), compare_orders);
			break;
		}
	if (fold->refs.count > 0)
	{
		fold->ref_seen = array_grow_in(fold->context, fold->ref_seen, &fold->max_ref_seen,
									   fold->refs.count, sizeof(int32));
		memset(fold->ref_seen, 0, fold->refs.count * sizeof(int32));
	}
	for (first = 0; first < fold->norders; first = end)
	{
		int32 number = fold->orders[first].number;

		for (end = first + 1; end < fold->norders && fold->orders[end].number == number; end++)
			;
		if (count_orders(fold, first, end, (int32) nruns + 1) >= fold->kind.at_least)
			add_active(fold, number, 0);
		fold->orders[nruns++].number = number;
	}
	fold->norders = nruns;
	if (fold->refs.count > 0)
		ref_table_clear(&fold->refs);
}

/* Lags from the customer's own first event, whose local day tells the cohort. */
static bool
count_by_elapsed(RetentionFold *fold, TimelineReader *reader)
{
	bool one_by_one = fold->kind.at_least == 1 && (reader->flags & TIMELINE_HAS_SPANS) == 0;
	Event event;
	Member member;
	TimestampTz first = 0;
	TimestampTz last = 0;
	bool has_first = false;

	while (timeline_next(reader, &event) && event.at < fold->end)
	{
		if (event.has_value && event.value < 0)
			continue;
		if (!has_first)
			first = last = fold->span.origin = event.at;
		has_first = true;
		last = Max(last, Min(event_last_instant(&event), fold->end - 1));
		if (unlikely(event.has_span))
			add_orders_of_span(fold, &event);
		else if (one_by_one)
			add_active(fold, (int32) lags_until(fold, first, event.at), 0);
		else
			add_order(fold, (int32) lags_until(fold, first, event.at), &event);
		CHECK_FOR_INTERRUPTS();
	}
	if (!has_first)
		return false;
	take_orders(fold);
	member.cohort = calendar_index(&fold->calendar, zone_day(fold->zone, first));
	member.active = fold->active;
	member.nactive = fold->nactive;
	member.zero = 0;
	member.over = lags_until(fold, first, fold->end);
	count_member(fold, &member);
	note_last_day(fold, zone_day(fold->zone, last));
	return true;
}

/* Periods of local days: the first one is the cohort, or each is. */
static bool
count_by_calendar(RetentionFold *fold, TimelineReader *reader)
{
	Member member = { .over = NEVER_OVER };
	Event event;
	int64 ncohorts;
	int64 i;

	while (timeline_next(reader, &event))
	{
		DateADT day = zone_day(fold->zone, event.at);

		CHECK_FOR_INTERRUPTS();
		if (day > fold->limit || (event.has_value && event.value < 0))
			continue;
		if (unlikely(event.has_span))
		{
			add_orders_of_span(fold, &event);
			note_last_day(fold, event_span_last_day(&fold->span));
			continue;
		}
		add_order(fold, calendar_index(&fold->calendar, day), &event);
		note_last_day(fold, day);
	}
	if (fold->norders == 0)
		return false;
	take_orders(fold);
	member.active = fold->active;
	member.nactive = fold->nactive;
	ncohorts = fold->kind.recurring ? fold->norders : 1;
	for (i = 0; i < ncohorts; i++)
	{
		member.cohort = member.zero = fold->orders[i].number;
		while (member.nactive > 0 && member.active->number < member.cohort)
		{
			member.active++;
			member.nactive--;
		}
		count_member(fold, &member);
	}
	return true;
}

void
retention_timeline(void *opaque, ByteSpan body)
{
	RetentionFold *fold = opaque;
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	bool counts;

	fold->nactive = fold->norders = 0;
	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	counts =
		fold->kind.elapsed > 0 ? count_by_elapsed(fold, &reader) : count_by_calendar(fold, &reader);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	fold->customers += counts;
	fold->idle += !counts;
}

/* ---- a cell that is watched ---- */

void *
retention_watch(const MetricQuestion *question, int32 cohort, int64 column, RetentionNumber number)
{
	RetentionFold *fold = retention_start(question, NULL);

	fold->is_plain = false; /* members of that kind are not counted one by one */
	fold->watch = palloc0(sizeof(Watch));
	fold->watch->cohort = cohort;
	fold->watch->column = column;
	fold->watch->number = number;
	return fold;
}

bool
retention_watched(void *opaque)
{
	RetentionFold *fold = opaque;
	bool found = fold->watch->found;

	fold->watch->found = false;
	return found;
}

bool
retention_has_watched(void *opaque)
{
	RetentionFold *fold = opaque;
	const Watch *watch = fold->watch;
	DateADT day = fold->as_of_given ? fold->limit : fold->last_day;

	if (fold->kind.elapsed > 0)
		return watch->is_over;
	return day != DATEVAL_NOBEGIN &&
		   retention_column_begins(&fold->kind, watch->cohort, watch->column) <=
			   calendar_index(&fold->calendar, day);
}

/* ---- into the tally ---- */

void
retention_finish(void *opaque, Tally *tally)
{
	RetentionFold *fold = opaque;

	retention_cells_flush(&fold->cells, tally);
	tally_add_total(tally, RETENTION_IDLE, fold->idle);
	if (fold->kind.recurring)
		tally_add_total(tally, RETENTION_CUSTOMERS, fold->customers);
	if (fold->last_day != DATEVAL_NOBEGIN)
		tally_note_latest(tally, fold->last_day);
	fold->idle = fold->customers = 0;
	fold->last_day = DATEVAL_NOBEGIN;
}
