/*
 * churn_duration.c
 *		How long a customer stayed: active days as an observation for survival().
 *
 *		first ....... last before the gap |<- gap_days ->|	churned on the day after
 *
 * A customer stays until the gap is longer than gap_days: until the day gap_days + 1 after the last
 * activity, be it the day of a return. That day, counted from the first active one, is the
 * duration; if it hasn't come by as_of, the duration is censored there. So what is seen as of a
 * day is the smaller of the days passed and a duration that doesn't depend on as_of, which is what
 * Kaplan-Meier takes for granted. A churn dated back to the last activity breaks that: none can be
 * seen in the last gap_days before as_of, for which everybody else would count as at risk.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/rows.h"

PG_FUNCTION_INFO_V1(loyalty_churn_duration);

Datum
loyalty_churn_duration(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));
	int32 gap_days = PG_GETARG_INT32(1);
	DateADT as_of = PG_GETARG_DATEADT(2);
	ActivityCursor cursor;
	DateADT first;
	DateADT day;
	int64 churned_on;
	Rows rows;

	if (gap_days < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("gap_days must be 1 or more, not %d", gap_days),
						errhint("A gap of 1 day is from one active day to the next.")));
	check_finite_day(as_of);
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &first) || first > as_of)
	{
		rows_put_null(&rows);
		rows_put_null(&rows);
		return rows_record(&rows);
	}
	churned_on = (int64) first + gap_days + 1;
	while (activity_next(&cursor, &day) && day < churned_on)
	{
		churned_on = (int64) day + gap_days + 1;
		CHECK_FOR_INTERRUPTS();
	}
	rows_put_int(&rows, (int32) (Min(churned_on, (int64) as_of) - first));
	rows_put_bool(&rows, churned_on <= as_of);
	return rows_record(&rows);
}
