/*
 * repeat_rate_fold.c
 *		Counts who bought again, by days and by orders.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "activity/activity.h"
#include "repeat/repeat_purchase.h"
#include "timeline/timeline.h"

typedef struct RepeatFold
{
	DateADT as_of;
	int64 within; /* days after the first purchase that count */
	ZoneDays *zone;
	TallyRow *row;
} RepeatFold;

void *
repeat_rate_start(const MetricQuestion *question, Tally *tally)
{
	TallyKey key = { .text = NULL };
	RepeatFold *fold = palloc0(sizeof(RepeatFold));

	fold->as_of = question->as_of;
	fold->within = question->number;
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

void
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

void
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
