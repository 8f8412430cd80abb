/*
 * next_purchase.c
 *		When a customer's next purchase is due, by his own rhythm.
 *
 * His rhythm is the median of the gaps between his purchase days: a single long pause, or a
 * return the day after, moves a mean by weeks, and the median hardly. One gap is enough for a
 * guess; how many there were is told, so that whoever asks can want more.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"

#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/rows.h"
#include "core/array.h"

static int
compare_gaps(const void *a, const void *b)
{
	int32 left = *(const int32 *) a;
	int32 right = *(const int32 *) b;

	return (left > right) - (left < right);
}

/* The median of what it sorts; the mean of the two in the middle where their number is even. */
static double
median_of(int32 *gaps, int64 ngaps)
{
	sort_elements(gaps, ngaps, sizeof(int32), compare_gaps);
	return ((double) gaps[(ngaps - 1) / 2] + (double) gaps[ngaps / 2]) / 2;
}

PG_FUNCTION_INFO_V1(loyalty_next_purchase_due);

/* next_purchase_due(activity_set, as_of) */
Datum
loyalty_next_purchase_due(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));
	DateADT as_of = PG_GETARG_DATEADT(1);
	int32 *gaps = palloc_extended(Max(body.len, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	int64 ngaps = 0;
	bool bought = false;
	DateADT last = 0;
	ActivityCursor cursor;
	DateADT day;
	Rows rows;

	check_finite_day(as_of);
	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day) && day <= as_of)
	{
		if (bought)
			gaps[ngaps++] = day - last;
		last = day;
		bought = true;
		CHECK_FOR_INTERRUPTS();
	}

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	if (ngaps > 0)
	{
		double typical = median_of(gaps, ngaps);
		int64 due = (int64) last + (int64) ceil(typical);

		if (due >= DATE_END_JULIAN - POSTGRES_EPOCH_JDATE)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("date out of range")));
		rows_put_day(&rows, (DateADT) due);
		rows_put_int(&rows, (int32) (as_of - due));
		rows_put_float(&rows, typical);
	}
	else
	{
		rows_put_null(&rows);
		rows_put_null(&rows);
		rows_put_null(&rows);
	}
	rows_put_count(&rows, ngaps);
	return rows_record(&rows);
}
