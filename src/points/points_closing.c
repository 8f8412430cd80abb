/*
 * points_closing.c
 *		The rows of roll-forwards' tables; the header lists them.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "points/points_closing.h"
#include "points/points_face.h"

/* What a period does to the closing. */
static int128
add_to_closing(const PointsClosing *closing, int128 opening, const int128 *sums)
{
	int i;

	for (i = 0; i < closing->first_out; i++)
		points_sum_add(&opening, sums[i]);
	for (; i < closing->pending; i++)
		points_sum_subtract(&opening, sums[i]);
	return opening;
}

const char *
points_closing_fault(const PointsClosing *closing, TallyRow *const *rows, int64 nrows,
					 const BaseCalendar *calendar)
{
	int64 i;

	for (i = 0; i < nrows; i++)
		if (rows[i]->key.numbers[closing->period_key] > calendar->last)
			return "There is a period after \"as_of\".";
	return NULL;
}

static void
put_period(const PointsClosing *closing, Rows *rows, const BaseCalendar *calendar, int32 period,
		   const TallyKey *key, int128 opening, const int128 *sums, int128 closed, int128 pending,
		   int scale)
{
	DateADT end = calendar_start(&calendar->calendar, period + 1);
	int i;

	rows_begin(rows);
	if (closing->by_label)
		rows_put_text(rows, key->text, key->text_len);
	rows_put_day(rows, calendar_start(&calendar->calendar, period));
	rows_put_day(rows, end);
	rows_put_bool(rows, period <= calendar->last_complete);
	rows_put_decimal(rows, opening, scale);
	for (i = 0; i < closing->pending; i++)
		rows_put_decimal(rows, sums[i], scale);
	rows_put_decimal(rows, closed, scale);
	rows_put_decimal(rows, pending, scale);
	rows_put_day(rows, calendar->as_of);
	rows_end(rows);
}

void
points_closing_put(const PointsClosing *closing, Rows *rows, const BaseCalendar *calendar,
				   TallyRow *const *row, TallyRow *const *end, int scale)
{
	static const int128 nothing[TALLY_MAX_SUMS];
	const TallyKey *key = &(*row)->key;
	int128 opening = 0;
	int128 pending = 0;
	int64 period;

	for (period = key->numbers[closing->period_key]; period <= calendar->last; period++)
	{
		const int128 *sums = nothing;
		int128 closed;

		if (row < end && (*row)->key.numbers[closing->period_key] == period)
			sums = (*row++)->sums;
		closed = add_to_closing(closing, opening, sums);
		points_sum_add(&pending, sums[closing->pending]);
		put_period(closing, rows, calendar, (int32) period, key, opening, sums, closed, pending,
				   scale);
		opening = closed;
		CHECK_FOR_INTERRUPTS();
	}
}
