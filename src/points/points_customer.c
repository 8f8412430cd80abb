/*
 * points_customer.c
 *		One customer's points in numbers: balance, summary, what expires and when.
 *
 * What expires is read off the walk too: it goes on without any more events, so that
 * points which activate pay back a debt before they can expire.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "points/points_call.h"

PG_FUNCTION_INFO_V1(loyalty_points_balance);
PG_FUNCTION_INFO_V1(loyalty_points_balance_at);
PG_FUNCTION_INFO_V1(loyalty_points_summary);
PG_FUNCTION_INFO_V1(loyalty_points_expiring);
PG_FUNCTION_INFO_V1(loyalty_points_expiry_schedule);

/* ---- balance ---- */

/* points_balance(timeline, policy, as_of) */
Datum
loyalty_points_balance(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, 0, NULL, false);

	if (call == NULL)
		PG_RETURN_NULL();
	points_walk_until(call->walk, points_call_limit(call, as_of));
	PG_RETURN_DATUM(points_numeric(call->walk, points_spendable(call->walk)));
}

/* points_balance_at(timeline, policy, at) */
Datum
loyalty_points_balance_at(PG_FUNCTION_ARGS)
{
	PointsCall *call;
	TimestampTz at = argument_instant(fcinfo, 2, "at");

	call = points_call(fcinfo, 0, NULL, false);
	if (call == NULL)
		PG_RETURN_NULL();
	points_walk_until(call->walk, points_limit_instant(at));
	PG_RETURN_DATUM(points_numeric(call->walk, points_spendable(call->walk)));
}

/* ---- the first expiry to come, and the summary ---- */

typedef struct NextExpiry
{
	bool open; /* the walk has come to as_of */
	bool found;
	TimestampTz at;
	int128 points;
} NextExpiry;

static void
find_next_expiry(void *context, PointsWalk *walk, const PointsMove *move)
{
	NextExpiry *next = ((PointsCall *) context)->reading;

	if (!next->open || move->type != POINTS_MOVE_EXPIRE || move->points == 0 ||
		(next->found && move->at != next->at))
		return;
	next->found = true;
	next->at = move->at;
	next->points += move->points;
}

/* The record of a call, which keeps its descriptor. */
static Rows *
begin_record(PointsCall *call, FunctionCallInfo fcinfo)
{
	if (call->record == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(call->context);
		Rows *record = palloc(sizeof(Rows));

		rows_open_record(record, fcinfo);
		call->record = record;
		MemoryContextSwitchTo(old);
	}
	rows_begin(call->record);
	return call->record;
}

/* points_summary(timeline, policy, as_of) */
Datum
loyalty_points_summary(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, 0, find_next_expiry, false);
	NextExpiry next = { 0 };
	PointsTotals totals;
	TimestampTz last;
	Rows *record;

	if (call == NULL)
		PG_RETURN_NULL();
	call->reading = &next;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	totals = *points_walk_totals(call->walk);
	last = points_walk_last_activity(call->walk);
	if (totals.pending > 0 || totals.active > 0)
	{
		next.open = true;
		points_call_run_out(call);
	}

	record = begin_record(call, fcinfo);
	points_put_points(record, call->walk, totals.active - totals.overdrawn);
	points_put_points(record, call->walk, totals.earned);
	points_put_points(record, call->walk, totals.reinstated);
	points_put_points(record, call->walk, totals.adjusted);
	points_put_points(record, call->walk, totals.transferred);
	points_put_points(record, call->walk, totals.redeemed);
	points_put_points(record, call->walk, totals.returned);
	points_put_points(record, call->walk, totals.expired);
	points_put_points(record, call->walk, totals.forfeited);
	points_put_points(record, call->walk, totals.pending);
	points_put_points(record, call->walk, totals.active);
	points_put_points(record, call->walk, totals.overdrawn);
	points_put_points(record, call->walk, totals.unmet);
	if (next.found)
	{
		rows_put_instant(record, next.at);
		points_put_points(record, call->walk, next.points);
	}
	else
	{
		rows_put_null(record);
		rows_put_null(record);
	}
	rows_put_instant(record, last);
	return rows_record(record);
}

/* ---- what expires ---- */

typedef struct ExpirySum
{
	bool open;
	int128 points;
} ExpirySum;

static void
sum_expiries(void *context, PointsWalk *walk, const PointsMove *move)
{
	ExpirySum *sum = ((PointsCall *) context)->reading;

	if (sum->open && move->type == POINTS_MOVE_EXPIRE)
		sum->points += move->points;
}

/* points_expiring(timeline, policy, as_of, until); a NULL until is open */
Datum
loyalty_points_expiring(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	DateADT until = as_of;
	PointsCall *call;
	ExpirySum sum = { 0 };

	if (!PG_ARGISNULL(3))
	{
		until = argument_day(fcinfo, 3, "until");
		if (until < as_of)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("until must not be before as_of"),
					 errdetail("until is %s, as_of is %s.", day_text(until), day_text(as_of)),
					 errhint("What has expired already is points_summary's column expired.")));
	}
	call = points_call(fcinfo, 0, sum_expiries, false);
	if (call == NULL)
		PG_RETURN_NULL();
	call->reading = &sum;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	sum.open = true;
	if (PG_ARGISNULL(3))
		points_call_run_out(call);
	else
	{
		points_walk_close(call->walk);
		points_walk_until(call->walk, points_limit_day(call->policy, until));
	}
	PG_RETURN_DATUM(points_numeric(call->walk, sum.points));
}

/* The rows of a schedule: one is open until an expiry at another instant comes. */
typedef struct Schedule
{
	bool open;
	Rows rows;
	const PointsWalk *walk;
	TimestampTz at;
	int128 points;
} Schedule;

static void
end_schedule_row(Schedule *schedule)
{
	if (schedule->points == 0)
		return;
	rows_begin(&schedule->rows);
	rows_put_instant(&schedule->rows, schedule->at);
	points_put_points(&schedule->rows, schedule->walk, schedule->points);
	rows_end(&schedule->rows);
	schedule->points = 0;
}

static void
add_to_schedule(void *context, PointsWalk *walk, const PointsMove *move)
{
	Schedule *schedule = ((PointsCall *) context)->reading;

	if (!schedule->open || move->type != POINTS_MOVE_EXPIRE)
		return;
	if (move->at != schedule->at)
		end_schedule_row(schedule);
	schedule->at = move->at;
	schedule->points += move->points;
}

/* points_expiry_schedule(timeline, policy, as_of) */
Datum
loyalty_points_expiry_schedule(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, 0, add_to_schedule, false);
	Schedule schedule = { 0 };

	rows_open(&schedule.rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &schedule;
	schedule.walk = call->walk;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	schedule.open = true;
	points_call_run_out(call);
	end_schedule_row(&schedule);
	return (Datum) 0;
}
