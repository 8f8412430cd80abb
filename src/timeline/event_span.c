/*
 * event_span.c
 *		The walk over what a span touches.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "timeline/event_span.h"

void
event_span_open(EventSpan *span, Calendar *calendar, ZoneDays *zone, DateADT as_of)
{
	memset(span, 0, sizeof(EventSpan));
	span->calendar = calendar;
	span->zone = zone;
	span->limit = as_of;
	span->context = CurrentMemoryContext;
}

void
event_span_open_elapsed(EventSpan *span, int64 elapsed, TimestampTz end)
{
	memset(span, 0, sizeof(EventSpan));
	span->elapsed = elapsed;
	/* where nobody has an event, there may be no instant before the end */
	span->limit = end == DT_NOBEGIN ? end : end - 1;
	span->context = CurrentMemoryContext;
}

/* Where clocks go back over midnight, the last instant may be of an earlier day than the first. */
void
event_days(const Event *event, ZoneDays *zone, DateADT *first, DateADT *last)
{
	DateADT began = zone_day(zone, event->at);
	DateADT ended = began;

	if (event->has_span && event->until != DT_NOEND)
		ended = zone_day(zone, event_last_instant(event));
	*first = Min(began, ended);
	*last = Max(began, ended);
	if (event->has_span && event->until == DT_NOEND)
		*last = DATEVAL_NOEND;
}

static void report_lags() pg_attribute_noreturn();

static void
report_lags()
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a customer's events are more than %d lags apart", PG_INT32_MAX - SPAN_MOST),
			 errhint("Take a longer elapsed, or filter out events far from the others.")));
}

/* The number of the period, or lag, that a place is in. */
static int64
number_of(const EventSpan *span, int64 place)
{
	if (span->calendar != NULL)
		return calendar_index(span->calendar, (DateADT) place);
	return (int64) (((uint64) place - (uint64) span->origin) / (uint64) span->elapsed);
}

/* Its last place, as far as places go. */
static int64
end_of(const EventSpan *span, int64 number)
{
	int64 time;

	if (span->calendar != NULL)
	{
		DateADT start = calendar_start(span->calendar, (int32) (number + 1));

		return start == DATEVAL_NOEND ? EVENT_SPAN_OPEN : (int64) start - 1;
	}
	if (__builtin_mul_overflow(number + 1, span->elapsed, &time) ||
		__builtin_add_overflow(span->origin, time, &time))
		return EVENT_SPAN_OPEN;
	return time - 1;
}

/* How many it touches up to a place. */
static int64
count_up_to(const EventSpan *span, int64 last)
{
	int64 count = number_of(span, last) - span->first_number + 1;

	check_span_length(count, span->calendar != NULL ? "periods" : "lags");
	return count;
}

/* Spreads a value over the whole span. */
static void
spread(EventSpan *span, int64 value)
{
	int64 n = count_up_to(span, span->last);
	int128 amount = value < 0 ? -(int128) value : value;
	int128 total = (int128) span->last - span->first + 1;
	int128 rest = amount;
	int64 from = span->first;
	int64 i;

	span->shares = array_grow_in(span->context, span->shares, &span->max_shares, n, sizeof(Share));
	span->room = array_grow_in(span->context, span->room, &span->max_amounts, n, sizeof(int64));
	for (i = 0; i < n; i++)
	{
		int64 to = Min(end_of(span, span->first_number + i), span->last);

		rest -= share_of(&span->shares[i], i, amount, (int128) to - from + 1, total);
		from = to + 1;
		CHECK_FOR_INTERRUPTS();
	}
	shares_give_rest(span->shares, n, rest);
	for (i = 0; i < n; i++)
		span->room[span->shares[i].place] =
			(int64) (value < 0 ? -span->shares[i].units : span->shares[i].units);
	span->amounts = span->room;
}

bool
event_span_start(EventSpan *span, const Event *event)
{
	bool is_open = event->has_span && event->until == DT_NOEND;

	if (span->calendar != NULL)
	{
		DateADT first;
		DateADT last;

		event_days(event, span->zone, &first, &last);
		span->first = first;
		span->last = is_open ? EVENT_SPAN_OPEN : last;
	}
	else
	{
		span->first = event->at;
		span->last = is_open ? EVENT_SPAN_OPEN : event_last_instant(event);
	}
	span->amounts = NULL;
	span->value = 0;
	span->next = span->first;
	span->reach = Min(span->last, span->limit);
	if (span->first > span->limit)
		return false;
	if (is_open && span->calendar != NULL && span->limit == DATEVAL_NOEND)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("an event without end touches periods without end"),
						errhint("Give as_of, the last day that counts.")));
	span->first_number = number_of(span, span->first);
	if (unlikely(span->first_number > PG_INT32_MAX - SPAN_MOST))
		report_lags();
	(void) count_up_to(span, span->reach);
	if (event->has_value && event->value != 0)
		spread(span, event->value);
	return true;
}

/* What of an amount belongs to a part that was cut off. */
static int64
cut(int64 amount, int128 kept, int128 whole)
{
	return (int64) ((int128) amount * kept / whole);
}

bool
event_span_next(EventSpan *span)
{
	int64 from = span->next;
	int64 number;
	int64 end;
	int64 to;

	if (from > span->reach)
		return false;
	CHECK_FOR_INTERRUPTS();
	number = number_of(span, from);
	end = Min(end_of(span, number), span->last);
	to = Min(end, span->reach);
	span->number = (int32) number;
	if (span->amounts != NULL)
	{
		span->value = span->amounts[number - span->first_number];
		if (to < end)
			span->value = cut(span->value, (int128) to - from + 1, (int128) end - from + 1);
	}
	span->next = to + 1;
	return true;
}
