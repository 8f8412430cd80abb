/*
 * value_walk.c
 *		One customer's purchases, as models count them: the days on which he bought something.
 *
 *		Mon 10.00, Mon 5.50		one purchase, of 15.50
 *		Tue -5.50				none: what he gave back is no purchase,
 *		Wed 20.00, Wed -8.00	but lowers what he spent that day: 12.00
 *		Thu 3.00, Thu -3.00		none
 *
 * A day is a purchase where its values add up to more than 0, or where none of its events has a
 * value: then it isn't known what it was worth. The unit that times are counted in changes nothing
 * of that: it is what days are divided by.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "value/value_internal.h"

/* ---- purchase days ---- */

void
purchase_days_open(PurchaseDays *days, ByteSpan body, ZoneDays *zone)
{
	days->zone = zone;
	days->nheld = 0;
	timeline_open_within(&days->reader, body.bytes, body.len, days->room, DICTIONARY_ROOM);
}

void
purchase_days_close(PurchaseDays *days)
{
	timeline_close_within(&days->reader, days->room, DICTIONARY_ROOM);
}

static inline void
add_value(PurchaseDay *day, bool has_value, int64 value)
{
	if (has_value)
	{
		day->amount += value;
		day->has_amount = true;
	}
}

static inline PurchaseDay
day_of(DateADT day, bool has_value, int64 value)
{
	PurchaseDay opened = { .day = day };

	add_value(&opened, has_value, value);
	return opened;
}

static inline bool
is_purchase(const PurchaseDay *day)
{
	return day->amount > 0 || !day->has_amount;
}

/*
 * Adds an event to the days that are held; true where one of them is over, which is handed out.
 *
 * Days ascend, but for where clocks go back over midnight: there a day may come once more after the
 * next one. So two are held, in their order.
 */
static inline bool
hold_event(PurchaseDays *days, DateADT day, bool has_value, int64 value, PurchaseDay *over)
{
	PurchaseDay *held = days->held;

	if (likely(days->nheld > 0 && day == held[days->nheld - 1].day))
	{
		add_value(&held[days->nheld - 1], has_value, value);
		return false;
	}
	if (days->nheld < 2)
	{
		if (days->nheld == 1 && day < held[0].day)
		{
			held[1] = held[0];
			held[0] = day_of(day, has_value, value);
		}
		else
			held[days->nheld] = day_of(day, has_value, value);
		days->nheld++;
		return false;
	}
	if (day == held[0].day)
	{
		add_value(&held[0], has_value, value);
		return false;
	}
	*over = held[0];
	if (day > held[1].day)
	{
		held[0] = held[1];
		held[1] = day_of(day, has_value, value);
	}
	else
		held[0] = day_of(day, has_value, value);
	return true;
}

/* The next day that is over, be it a purchase or not. */
static inline bool
next_day(PurchaseDays *days, PurchaseDay *over)
{
	TimelineReader *reader = &days->reader;

	while (reader->left > 0)
	{
		Event event;

		CHECK_FOR_INTERRUPTS();
		if (likely((reader->flags & TIMELINE_RICH) == 0))
		{
			reader->left--;
			event.value = 0;
			event.has_value = false;
			if (reader->flags & TIMELINE_HAS_VALUES)
				event.has_value = timeline_read_instant_and_value(reader, &event.at, &event.value);
			else
				event.at = timeline_read_instant(reader);
		}
		else
			(void) timeline_next(reader, &event);
		if (hold_event(days, zone_day(days->zone, event.at), event.has_value, event.value, over))
			return true;
	}
	if (days->nheld == 0)
		return false;
	*over = days->held[0];
	days->held[0] = days->held[1];
	days->nheld--;
	return true;
}

bool
purchase_days_next(PurchaseDays *days, PurchaseDay *day)
{
	while (next_day(days, day))
		if (is_purchase(day))
			return true;
	return false;
}

/* ---- a customer's numbers ---- */

bool
purchase_summarise(PurchaseSummary *summary, ByteSpan body, ZoneDays *zone, DateADT until)
{
	PurchaseDays days;
	PurchaseDay day;
	bool bought = false;

	memset(summary, 0, sizeof(PurchaseSummary));
	summary->has_amount = true;
	purchase_days_open(&days, body, zone);
	summary->scale = days.reader.scale;
	while (purchase_days_next(&days, &day) && day.day <= until)
	{
		if (bought)
		{
			summary->x++;
			summary->has_amount &= day.has_amount;
			decimal_sum_add(&summary->amount, day.amount, "a customer's values");
		}
		else
			summary->first = day.day;
		summary->last = day.day;
		bought = true;
	}
	purchase_days_close(&days);
	summary->until = until;
	return bought;
}

double
purchase_summary_mean(const PurchaseSummary *summary)
{
	if (summary->x == 0)
		return 0;
	return (double) summary->amount / (double) decimal_power[summary->scale] / (double) summary->x;
}

/* ---- what came behind ---- */

void
value_check_holdout(DateADT calibrate_until, DateADT until)
{
	if (calibrate_until > until)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("calibrate_until, %s, is after until, %s", day_text(calibrate_until),
							   day_text(until)),
						errhint("What is held out are the days behind calibrate_until, up to "
								"until.")));
}

bool
purchase_hold_out(PurchaseHoldout *holdout, ByteSpan body, ZoneDays *zone, DateADT calibrate_until,
				  DateADT until)
{
	PurchaseDays days;
	PurchaseDay day;
	bool is_customer = false;

	memset(holdout, 0, sizeof(PurchaseHoldout));
	holdout->has_amount = true;
	purchase_days_open(&days, body, zone);
	holdout->scale = days.reader.scale;
	while (purchase_days_next(&days, &day) && day.day <= until)
	{
		if (day.day <= calibrate_until)
		{
			is_customer = true;
			continue;
		}
		if (!is_customer)
			break;
		holdout->purchases++;
		holdout->has_amount &= day.has_amount;
		decimal_sum_add(&holdout->amount, day.amount, "a customer's values");
	}
	purchase_days_close(&days);
	return is_customer;
}
