/*
 * rfm_walk.c
 *		One customer's purchases up to a day: when, on how many days, for how much.
 *
 * A purchase is an event whose value isn't negative, or that has none. Negative values lower the
 * sum, and are nothing else. Whose span runs isn't long gone: recency is from the span's last day,
 * or 0 while it runs; it is bought, and paid, on its first.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "segments/rfm_internal.h"

/* ---- the walk ---- */

void
rfm_walk_open(RfmWalk *walk, ByteSpan body, ZoneDays *zone, OrderSet *orders)
{
	walk->zone = zone;
	memset(&walk->customer, 0, sizeof(RfmCustomer));
	walk->orders = orders;
	walk->ahead = false;
	walk->spanned = DT_NOBEGIN;
	timeline_open_within(&walk->reader, body.bytes, body.len, walk->room, DICTIONARY_ROOM);
	walk->customer.scale = walk->reader.scale;
}

void
rfm_walk_close(RfmWalk *walk)
{
	timeline_close_within(&walk->reader, walk->room, DICTIONARY_ROOM);
}

/*
 * Days ascend, but for where clocks go back over midnight: there a day may come after the next one,
 * and was counted before or wasn't.
 */
static inline void
add_day(RfmWalk *walk, DateADT day)
{
	RfmCustomer *customer = &walk->customer;

	if (customer->frequency == 0)
	{
		customer->frequency = 1;
		customer->first = walk->newest = day;
		walk->before = DATEVAL_NOBEGIN;
	}
	else if (day > walk->newest)
	{
		customer->frequency++;
		walk->before = walk->newest;
		walk->newest = day;
	}
	else if (day < walk->newest && day > walk->before)
	{
		customer->frequency++;
		walk->before = day;
		customer->first = Min(customer->first, day);
	}
}

static inline void
add_event(RfmWalk *walk, TimestampTz at, bool has_value, int64 value)
{
	if (has_value)
		walk->customer.monetary += value;
	if (!has_value || value >= 0)
		add_day(walk, zone_day(walk->zone, at));
}

static void
add_rich_event(RfmWalk *walk)
{
	const Event *event = &walk->event;
	bool is_purchase = !event->has_value || event->value >= 0;

	add_event(walk, event->at, event->has_value, event->value);
	if (unlikely(event->has_span) && is_purchase)
		walk->spanned = Max(walk->spanned, event_last_instant(event));
	if (walk->orders != NULL && is_purchase)
		(void) order_set_add(walk->orders, event);
}

static void
read_until(RfmWalk *walk, TimestampTz limit)
{
	TimelineReader *reader = &walk->reader;
	Event *event = &walk->event;

	if (walk->ahead)
	{
		if (event->at >= limit)
			return;
		add_rich_event(walk);
		walk->ahead = false;
	}
	if ((reader->flags & TIMELINE_RICH) != 0 || walk->orders != NULL)
	{
		while (timeline_next(reader, event))
		{
			if (event->at >= limit)
			{
				walk->ahead = true;
				return;
			}
			add_rich_event(walk);
			CHECK_FOR_INTERRUPTS();
		}
		return;
	}
	while (reader->left > 0)
	{
		TimestampTz at;
		int64 value = 0;
		bool has_value = false;

		reader->left--;
		if (reader->flags & TIMELINE_HAS_VALUES)
			has_value = timeline_read_instant_and_value(reader, &at, &value);
		else
			at = timeline_read_instant(reader);
		if (at >= limit)
		{
			memset(event, 0, sizeof(Event));
			event->at = at;
			event->has_value = has_value;
			event->value = value;
			walk->ahead = true;
			return;
		}
		add_event(walk, at, has_value, value);
		CHECK_FOR_INTERRUPTS();
	}
}

void
rfm_walk_until(RfmWalk *walk, TimestampTz limit)
{
	RfmCustomer *customer = &walk->customer;

	read_until(walk, limit);
	if (customer->frequency == 0)
		return;
	customer->last = walk->newest;
	if (unlikely(walk->spanned != DT_NOBEGIN))
		customer->last = Max(customer->last, zone_day(walk->zone, Min(walk->spanned, limit - 1)));
}
