/*
 * points_sql.c
 *		One customer's points in SQL as they stand: balance, summary, lots, what expires and when.
 *		And the walk that a call site keeps from row to row.
 *
 * What expires is read off the walk too: it goes on without any more events, so that points which
 * activate pay back a debt before they can expire.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/array.h"
#include "core/decimal.h"
#include "points/points_internal.h"
#include "policy/policy.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_points_balance);
PG_FUNCTION_INFO_V1(loyalty_points_balance_at);
PG_FUNCTION_INFO_V1(loyalty_points_summary);
PG_FUNCTION_INFO_V1(loyalty_points_expiring);
PG_FUNCTION_INFO_V1(loyalty_points_expiry_schedule);
PG_FUNCTION_INFO_V1(loyalty_points_lots);

/* ---- a call ---- */

static void *
open_call(const struct varlena *policy)
{
	PointsCall *call = palloc0(sizeof(PointsCall));

	call->context = CurrentMemoryContext;
	call->policy = points_policy_open(policy);
	if (call->policy->zone == NULL)
		call->policy->zone = zone_of_session();
	return call;
}

PointsCall *
points_call(FunctionCallInfo fcinfo, int flags, PointsSink sink, bool lists_overdrafts)
{
	PointsCall *call = policy_argument(fcinfo, 1, &points_policy_table, open_call);

	if (unlikely(call->walk == NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(call->context);

		if (lists_overdrafts && call->policy->overdraft == POINTS_OVERDRAFT_REFUSE)
			call->policy->overdraft = POINTS_OVERDRAFT_CLIP;
		call->walk = points_walk_create(call->policy, flags, sink, call);
		MemoryContextSwitchTo(old);
	}
	if (PG_ARGISNULL(0))
		return NULL;
	points_walk_start(call->walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					  NULL);
	return call;
}

PointsLimit
points_call_limit(PointsCall *call, DateADT day)
{
	if (!call->has_limit || call->limit_day != day)
	{
		call->limit = points_limit_day(call->policy, day);
		call->limit_day = day;
		call->has_limit = true;
	}
	return call->limit;
}

void
points_call_to_day(PointsCall *call, DateADT day)
{
	if (call->feeder != NULL)
		call->feeder->to_day(call, day);
	else
		points_walk_until(call->walk, points_call_limit(call, day));
}

void
points_call_close(PointsCall *call)
{
	if (call->feeder != NULL)
		call->feeder->close(call);
	else
		points_walk_close(call->walk);
}

void
points_call_run_out(PointsCall *call)
{
	points_call_close(call);
	if (call->feeder != NULL)
		call->feeder->run_out(call);
	else
		points_walk_until(call->walk, points_limit_instant(END_TIMESTAMP - 1));
}

Datum
points_ask(FunctionCallInfo fcinfo, const PointsQuestion *question)
{
	return question->answer(fcinfo, points_call(fcinfo, question->flags, question->sink, false));
}

static Datum
to_numeric(const PointsWalk *walk, int128 units)
{
	return NumericGetDatum(decimal_sum_to_numeric(units, points_walk_scale(walk)));
}

void
points_put_points(Rows *rows, const PointsWalk *walk, int128 units)
{
	rows_put_decimal(rows, units, points_walk_scale(walk));
}

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
	PG_RETURN_DATUM(to_numeric(call->walk, points_walk_spendable(call->walk)));
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
	PG_RETURN_DATUM(to_numeric(call->walk, points_walk_spendable(call->walk)));
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
	TimestampTz since;
	TimestampTz last;
	Rows *record;

	if (call == NULL)
		PG_RETURN_NULL();
	call->reading = &next;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	totals = *points_walk_totals(call->walk);
	since = points_walk_overdrawn_since(call->walk);
	last = points_walk_last_activity(call->walk);
	if (totals.pending > 0 || totals.active > 0 || totals.blocked > 0)
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
	points_put_points(record, call->walk, totals.blocked);
	points_put_points(record, call->walk, totals.overdrawn);
	rows_put_instant(record, since);
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

/* (timeline, policy, as_of, until); a NULL until is open */
static Datum
answer_expiring(FunctionCallInfo fcinfo, PointsCall *call)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	DateADT until = as_of;
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
	if (call == NULL)
		PG_RETURN_NULL();
	call->reading = &sum;
	points_call_to_day(call, as_of);
	sum.open = true;
	if (PG_ARGISNULL(3))
		points_call_run_out(call);
	else
	{
		points_call_close(call);
		points_call_to_day(call, until);
	}
	PG_RETURN_DATUM(to_numeric(call->walk, sum.points));
}

const PointsQuestion points_expiring_question = { 0, sum_expiries, answer_expiring };

/* points_expiring(timeline, policy, as_of, until) */
Datum
loyalty_points_expiring(PG_FUNCTION_ARGS)
{
	return points_ask(fcinfo, &points_expiring_question);
}

/* What expires at an instant, under a label. */
typedef struct ScheduledPart
{
	EventText label;
	int128 points;
} ScheduledPart;

/* The rows of a schedule: those of an instant are open until an expiry at another one comes. */
typedef struct Schedule
{
	bool open;
	Rows rows;
	const PointsCall *call;
	TimestampTz at;
	ScheduledPart *parts;
	int64 nparts;
	int64 max_parts;
} Schedule;

static int
compare_scheduled(const void *a, const void *b)
{
	return event_text_compare(&((const ScheduledPart *) a)->label,
							  &((const ScheduledPart *) b)->label);
}

static void
end_schedule_rows(Schedule *schedule)
{
	Rows *rows = &schedule->rows;
	int64 i = 0;

	sort_elements(schedule->parts, schedule->nparts, sizeof(ScheduledPart), compare_scheduled);
	while (i < schedule->nparts)
	{
		const ScheduledPart *first = &schedule->parts[i];
		int128 points = 0;

		for (; i < schedule->nparts && compare_scheduled(first, &schedule->parts[i]) == 0; i++)
			points += schedule->parts[i].points;
		if (points == 0)
			continue;
		rows_begin(rows);
		rows_put_instant(rows, schedule->at);
		if (schedule->call->tells_label)
			rows_put_text(rows, first->label.bytes, first->label.len);
		points_put_points(rows, schedule->call->walk, points);
		rows_end(rows);
	}
	schedule->nparts = 0;
}

/* Without labels there is one part. */
static void
schedule_part(Schedule *schedule, EventText label, int64 points)
{
	ScheduledPart *part;

	if (schedule->call->shares == NULL && schedule->nparts == 1)
	{
		schedule->parts->points += points;
		return;
	}
	schedule->parts = array_grow(schedule->parts, &schedule->max_parts, schedule->nparts + 1,
								 sizeof(ScheduledPart));
	part = &schedule->parts[schedule->nparts++];
	part->label = label;
	part->points = points;
}

static void
add_to_schedule(void *context, PointsWalk *walk, const PointsMove *move)
{
	PointsCall *call = context;
	Schedule *schedule = call->reading;
	PointsShare whole = { .points = move->points };
	const PointsShare *split = &whole;
	int n = 1;
	int i;

	if (call->shares != NULL && move->lot >= 0)
		split = points_shares_split(call->shares, walk, move, &n);
	if (!schedule->open || move->type != POINTS_MOVE_EXPIRE)
		return;
	if (move->at != schedule->at)
		end_schedule_rows(schedule);
	schedule->at = move->at;
	for (i = 0; i < n; i++)
		schedule_part(schedule, points_walk_label(walk, split[i].label_no), split[i].points);
}

/* (timeline, policy, as_of) */
static Datum
answer_schedule(FunctionCallInfo fcinfo, PointsCall *call)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	Schedule schedule = { 0 };

	rows_open(&schedule.rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &schedule;
	schedule.call = call;
	points_call_to_day(call, as_of);
	schedule.open = true;
	points_call_run_out(call);
	end_schedule_rows(&schedule);
	return (Datum) 0;
}

const PointsQuestion points_expiry_schedule_question = { 0, add_to_schedule, answer_schedule };

/* points_expiry_schedule(timeline, policy, as_of) */
Datum
loyalty_points_expiry_schedule(PG_FUNCTION_ARGS)
{
	return points_ask(fcinfo, &points_expiry_schedule_question);
}

/* ---- lots ---- */

/* What took from each lot last: an empty one is called after it. */
typedef struct LotTakers
{
	PointsRole *roles;
	int64 max;
} LotTakers;

static void
note_taker(void *context, PointsWalk *walk, const PointsMove *move)
{
	PointsCall *call = context;
	LotTakers *takers = call->reading;
	int n;

	if (call->shares != NULL && move->lot >= 0)
		(void) points_shares_split(call->shares, walk, move, &n);

	if (move->type != POINTS_MOVE_TAKE && move->type != POINTS_MOVE_EXPIRE &&
		move->type != POINTS_MOVE_REPAY)
		return;
	takers->roles = array_grow(takers->roles, &takers->max, move->lot + 1, sizeof(PointsRole));
	takers->roles[move->lot] = move->type == POINTS_MOVE_REPAY ? POINTS_REDEEM : move->role;
}

static const char *
state_of_lot(const PointsLot *lot, const LotTakers *takers, int32 number)
{
	if (lot->remaining > 0)
		return lot->state == POINTS_LOT_PENDING ? "pending" : "active";
	if (lot->blocked > 0)
		return "blocked";
	switch (takers->roles[number])
	{
		case POINTS_EXPIRE:
			return "expired";
		case POINTS_RETURN:
			return "returned";
		case POINTS_FORFEIT:
			return "forfeited";
		case POINTS_ADJUST:
			return "adjusted";
		case POINTS_TRANSFER:
			return "transferred";
		default:
			return "spent";
	}
}

static void
put_lot(Rows *rows, const PointsWalk *walk, const LotTakers *takers, int32 number,
		const PointsShare *share)
{
	int32 nlots;
	const PointsLot *lot = &points_walk_lots(walk, &nlots)[number];
	const Event *event = points_walk_event(walk, lot->event);
	EventText label = points_walk_label(walk, share->label_no);

	rows_begin(rows);
	rows_put_instant(rows, lot->earned_at);
	rows_put_text(rows, event->kind.bytes, event->kind.len);
	rows_put_text(rows, label.bytes, label.len);
	event_put_ref(rows, event);
	points_put_points(rows, walk, share->points);
	points_put_points(rows, walk, share->remaining);
	points_put_points(rows, walk, share->blocked);
	rows_put_instant(rows, lot->available_at);
	rows_put_instant(rows, lot->expires_at);
	rows_put_name(rows, state_of_lot(lot, takers, number));
	rows_end(rows);
}

/* (timeline, policy, as_of) */
static Datum
answer_lots(FunctionCallInfo fcinfo, PointsCall *call)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	LotTakers takers = { 0 };
	const PointsLot *lots;
	Rows rows;
	int32 nlots;
	int32 i;

	rows_open(&rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &takers;
	points_call_to_day(call, as_of);
	lots = points_walk_lots(call->walk, &nlots);
	for (i = 0; i < nlots; i++)
	{
		PointsShare whole = { lots[i].label_no, lots[i].points, lots[i].remaining + lots[i].blocked,
							  lots[i].blocked };
		const PointsShare *shares = &whole;
		int n = 1;
		int j;

		CHECK_FOR_INTERRUPTS();
		/* all of it expired and was brought back, in a lot of its own */
		if (lots[i].points == 0)
			continue;
		if (call->shares != NULL)
			shares = points_shares_of_lot(call->shares, call->walk, i, &n);
		for (j = 0; j < n; j++)
			put_lot(&rows, call->walk, &takers, i, &shares[j]);
	}
	return (Datum) 0;
}

const PointsQuestion points_lots_question = { POINTS_KEEP_EVENTS, note_taker, answer_lots };

/* points_lots(timeline, policy, as_of) */
Datum
loyalty_points_lots(PG_FUNCTION_ARGS)
{
	return points_ask(fcinfo, &points_lots_question);
}
