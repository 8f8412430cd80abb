/*
 * repeat_duration.c
 *		How long a customer took from his first purchase to the n-th, as an observation for
 *		survival(): who hasn't made it by a day is censored there.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "activity/activity.h"
#include "calendar/calendar.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "timeline/orders.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_repeat_duration);
PG_FUNCTION_INFO_V1(loyalty_repeat_duration_orders);

/* What is known by a day: of the first purchase, and of the n-th. */
typedef struct Reached
{
	bool has_first;
	bool has_last;
	DateADT first;
	DateADT last;
} Reached;

static int32
number_argument(FunctionCallInfo fcinfo, int n)
{
	int32 number = PG_GETARG_INT32(n);

	if (number < 2 || number > METRIC_MAX_COUNT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("n must be between 2 and %d, not %d", METRIC_MAX_COUNT, number),
						errhint("The first purchase is where the duration starts.")));
	return number;
}

/* Where a local day comes after a later one, as clocks go back over midnight, none is negative. */
static Datum
record(FunctionCallInfo fcinfo, const Reached *reached, DateADT as_of)
{
	Rows rows;

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	if (reached->has_first)
	{
		rows_put_int(&rows, Max((reached->has_last ? reached->last : as_of) - reached->first, 0));
		rows_put_bool(&rows, reached->has_last);
	}
	else
	{
		rows_put_null(&rows);
		rows_put_null(&rows);
	}
	return rows_record(&rows);
}

/* repeat_duration(activity_set, n, as_of) */
Datum
loyalty_repeat_duration(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));
	int32 n = number_argument(fcinfo, 1);
	DateADT as_of = PG_GETARG_DATEADT(2);
	Reached reached = { 0 };
	int32 number = 0;
	ActivityCursor cursor;
	DateADT day;

	check_finite_day(as_of);
	activity_open(&cursor, body.bytes, body.len);
	while (number < n && activity_next(&cursor, &day) && day <= as_of)
	{
		if (number++ == 0)
			reached.first = day;
		reached.last = day;
		CHECK_FOR_INTERRUPTS();
	}
	reached.has_first = number > 0;
	reached.has_last = number == n;
	return record(fcinfo, &reached, as_of);
}

/* repeat_duration(event_timeline, n, as_of, zone) */
Datum
loyalty_repeat_duration_orders(PG_FUNCTION_ARGS)
{
	Reached reached = { 0 };
	ZoneDays *zone;
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	OrderSet orders;
	Event event;
	ByteSpan body;
	DateADT as_of;
	int64 number = 0;
	int32 n;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return record(fcinfo, &reached, 0);
	body = timeline_event_body(PG_GETARG_DATUM(0));
	n = number_argument(fcinfo, 1);
	as_of = PG_GETARG_DATEADT(2);
	check_finite_day(as_of);
	zone = argument_zone(fcinfo, 3);
	order_set_init(&orders, CurrentMemoryContext);
	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	while (number < n && timeline_next(&reader, &event))
	{
		DateADT day = zone_day(zone, event.at);

		CHECK_FOR_INTERRUPTS();
		if (day > as_of || (event.has_value && event.value < 0) || !order_set_add(&orders, &event))
			continue;
		if (number++ == 0)
			reached.first = day;
		reached.last = day;
	}
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	reached.has_first = number > 0;
	reached.has_last = number == n;
	return record(fcinfo, &reached, as_of);
}
