/*
 * points_sql.c
 *		One customer's points in SQL: balance, summary, what expires and when; lots, redemptions
 *		and statement as rows. And the walk that a call site keeps from row to row.
 *
 * Each listens to the moves of the walk; rows are written, or noted, as the moves come. What
 * expires is read off the walk too: it goes on without any more events, so that points which
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
PG_FUNCTION_INFO_V1(loyalty_points_redemptions);
PG_FUNCTION_INFO_V1(loyalty_points_statement);

/* ---- a call ---- */

static void *
open_call(const struct varlena *policy)
{
	PointsCall *call = palloc0(sizeof(PointsCall));

	call->context = CurrentMemoryContext;
	call->policy = points_policy_open(policy);
	call->zone = call->policy->zone != NULL ? call->policy->zone : zone_of_session();
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

/* Goes on, without any more events, to where nothing falls due any more. */
static void
run_out(PointsCall *call)
{
	points_walk_close(call->walk);
	points_walk_until(call->walk, points_limit_instant(END_TIMESTAMP - 1));
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

static void
put_text(Rows *rows, EventText text)
{
	rows_put_text(rows, text.bytes, text.len);
}

/* The event that made a lot. */
static const Event *
lot_event(const PointsWalk *walk, int32 lot)
{
	int32 nlots;

	return points_walk_event(walk, points_walk_lots(walk, &nlots)[lot].event);
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
	if (totals.pending > 0 || totals.active > 0)
	{
		next.open = true;
		run_out(call);
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
		run_out(call);
	else
	{
		points_walk_close(call->walk);
		points_walk_until(call->walk, points_limit_day(call->policy, until));
	}
	PG_RETURN_DATUM(to_numeric(call->walk, sum.points));
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
	run_out(call);
	end_schedule_row(&schedule);
	return (Datum) 0;
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
	LotTakers *takers = ((PointsCall *) context)->reading;

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

/* points_lots(timeline, policy, as_of) */
Datum
loyalty_points_lots(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, POINTS_KEEP_EVENTS, note_taker, false);
	LotTakers takers = { 0 };
	const PointsLot *lots;
	Rows rows;
	int32 nlots;
	int32 i;

	rows_open(&rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &takers;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	lots = points_walk_lots(call->walk, &nlots);
	for (i = 0; i < nlots; i++)
	{
		const Event *event = points_walk_event(call->walk, lots[i].event);

		rows_begin(&rows);
		rows_put_instant(&rows, lots[i].earned_at);
		put_text(&rows, event->kind);
		put_text(&rows, event->label);
		event_put_ref(&rows, event);
		points_put_points(&rows, call->walk, lots[i].points);
		points_put_points(&rows, call->walk, lots[i].remaining);
		rows_put_instant(&rows, lots[i].available_at);
		rows_put_instant(&rows, lots[i].expires_at);
		rows_put_name(&rows, state_of_lot(&lots[i], &takers, i));
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* ---- redemptions ---- */

/* What a redemption took, or (negative) a refund gave back: of a lot, or where that is -1, of none.
 */
typedef struct Redeemed
{
	TimestampTz at;
	int32 event;
	int32 lot;
	int64 points;
	int64 number; /* among these */
	int64 place;  /* number of its redemption: what paid its debt stands there, too */
} Redeemed;

typedef struct Redemptions
{
	Redeemed *list; /* in the order of the moves */
	int64 n;
	int64 max;
	int64 *by_debt; /* where in the list what is still owed of a redemption's debt stands */
	int64 max_debts;
} Redemptions;

static void
add_redeemed(Redemptions *redemptions, const PointsMove *move, int64 points)
{
	Redeemed *redeemed;

	redemptions->list =
		array_grow(redemptions->list, &redemptions->max, redemptions->n + 1, sizeof(Redeemed));
	redeemed = &redemptions->list[redemptions->n];
	redeemed->at = move->at;
	redeemed->event = move->event;
	redeemed->lot = move->lot;
	redeemed->points = points;
	redeemed->number = redeemed->place = redemptions->n++;
}

/* A lot paid what a redemption owed: it was redeemed with that. */
static void
add_payment(Redemptions *redemptions, const PointsMove *move)
{
	Redeemed *owed = &redemptions->list[redemptions->by_debt[move->debt]];
	int64 place = owed->place;
	PointsMove taken = *move;

	owed->points -= move->points;
	taken.at = owed->at;
	taken.event = owed->event;
	add_redeemed(redemptions, &taken, move->points);
	redemptions->list[redemptions->n - 1].place = place;
}

static void
find_redemption(void *context, PointsWalk *walk, const PointsMove *move)
{
	Redemptions *redemptions = ((PointsCall *) context)->reading;

	switch (move->type)
	{
		case POINTS_MOVE_TAKE:
			if (move->role == POINTS_REDEEM)
				add_redeemed(redemptions, move, move->points);
			break;
		case POINTS_MOVE_OVERDRAW:
			if (move->role == POINTS_REDEEM)
			{
				redemptions->by_debt = array_grow(redemptions->by_debt, &redemptions->max_debts,
												  (int64) move->debt + 1, sizeof(int64));
				redemptions->by_debt[move->debt] = redemptions->n;
				add_redeemed(redemptions, move, move->points);
			}
			break;
		case POINTS_MOVE_REPAY:
			if (points_walk_debt(walk, move->debt)->role == POINTS_REDEEM)
				add_payment(redemptions, move);
			break;
		case POINTS_MOVE_RESTORE:
		case POINTS_MOVE_CANCEL_DEBT:
			add_redeemed(redemptions, move, -move->points);
			break;
		case POINTS_MOVE_LOT:
			/* of a refund: given back, though nobody had taken it */
			if (move->role == POINTS_REDEEM_REFUND)
				add_redeemed(redemptions, move, -move->points);
			break;
		default:
			break;
	}
}

/* By redemption; what it took, in order, before what it still owes. */
static int
compare_redeemed(const void *left, const void *right)
{
	const Redeemed *a = left;
	const Redeemed *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if ((a->lot < 0) != (b->lot < 0))
		return a->lot < 0 ? 1 : -1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void
put_redeemed(Rows *rows, const PointsWalk *walk, const Redeemed *redeemed)
{
	rows_begin(rows);
	rows_put_instant(rows, redeemed->at);
	event_put_ref(rows, points_walk_event(walk, redeemed->event));
	if (redeemed->lot < 0)
	{
		rows_put_null(rows);
		rows_put_null(rows);
		rows_put_null(rows);
	}
	else
	{
		const Event *earning = lot_event(walk, redeemed->lot);

		rows_put_instant(rows, earning->at);
		event_put_ref(rows, earning);
		put_text(rows, earning->label);
	}
	points_put_points(rows, walk, redeemed->points);
	rows_end(rows);
}

/* points_redemptions(timeline, policy, as_of) */
Datum
loyalty_points_redemptions(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, POINTS_KEEP_EVENTS, find_redemption, false);
	Redemptions redemptions = { 0 };
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &redemptions;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	sort_elements(redemptions.list, redemptions.n, sizeof(Redeemed), compare_redeemed);
	for (i = 0; i < redemptions.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (redemptions.list[i].points != 0)
			put_redeemed(&rows, call->walk, &redemptions.list[i]);
	}
	return (Datum) 0;
}

/* ---- statement ---- */

typedef struct PointsStatement
{
	Rows rows;
	PointsWalk *walk;
	bool open;		  /* the walk has come to its first day */
	bool in_event;	  /* an event is being worked off */
	PointsMove *held; /* what expired at once: its row follows the event's */
	int64 nheld;
	int64 max_held;
} PointsStatement;

/* An event of NULL: the opening balance. Points to expire yet are still there. */
static void
put_entry(PointsStatement *statement, TimestampTz at, const char *role, const Event *event,
		  int64 points, int128 to_expire)
{
	Rows *rows = &statement->rows;

	rows_begin(rows);
	rows_put_instant(rows, at);
	rows_put_name(rows, role);
	if (event == NULL)
	{
		rows_put_null(rows);
		rows_put_null(rows);
		rows_put_null(rows);
	}
	else
	{
		put_text(rows, event->label);
		event_put_ref(rows, event);
		points_put_points(rows, statement->walk, points);
	}
	points_put_points(rows, statement->walk, points_walk_spendable(statement->walk) + to_expire);
	rows_end(rows);
}

static void
put_expiry(PointsStatement *statement, const PointsMove *move, int128 to_expire)
{
	put_entry(statement, move->at, points_role_names[POINTS_EXPIRE],
			  lot_event(statement->walk, move->lot), -move->points, to_expire);
}

static void
hold_expiry(PointsStatement *statement, const PointsMove *move)
{
	statement->held =
		array_grow(statement->held, &statement->max_held, statement->nheld + 1, sizeof(PointsMove));
	statement->held[statement->nheld++] = *move;
}

/* What of an expiry could have been spent. */
static int64
spendable_part(const PointsWalk *walk, const PointsMove *move)
{
	int32 nlots;

	return points_walk_lots(walk, &nlots)[move->lot].available_at <= move->at ? move->points : 0;
}

/* An event's points, negative where they are taken. */
static int64
signed_points(PointsRole role, const Event *event, int64 points)
{
	switch (role)
	{
		case POINTS_EARN:
		case POINTS_REDEEM_REFUND:
			return points;
		case POINTS_ADJUST:
		case POINTS_TRANSFER:
			return event->value;
		default:
			return -points;
	}
}

/* An event is through: its row, and then what expired at once. */
static void
put_event(PointsStatement *statement, const PointsMove *move)
{
	const PointsWalk *walk = statement->walk;
	const Event *event = points_walk_event(walk, move->event);
	int128 to_expire = 0;
	int64 i;

	for (i = 0; i < statement->nheld; i++)
		to_expire += spendable_part(walk, &statement->held[i]);
	put_entry(statement, move->at, points_role_names[move->role], event,
			  signed_points(move->role, event, move->points), to_expire);
	for (i = 0; i < statement->nheld; i++)
	{
		to_expire -= spendable_part(walk, &statement->held[i]);
		put_expiry(statement, &statement->held[i], to_expire);
	}
	statement->nheld = 0;
	statement->in_event = false;
}

static void
list_entry(void *context, PointsWalk *walk, const PointsMove *move)
{
	PointsStatement *statement = ((PointsCall *) context)->reading;

	if (!statement->open)
		return;
	switch (move->type)
	{
		case POINTS_MOVE_ACTIVATE:
			put_entry(statement, move->at, "activate", lot_event(walk, move->lot), move->points, 0);
			break;
		case POINTS_MOVE_EXPIRE:
			if (statement->in_event)
				hold_expiry(statement, move);
			else
				put_expiry(statement, move, 0);
			break;
		case POINTS_MOVE_DONE:
			put_event(statement, move);
			break;
		default:
			if (move->event >= 0)
				statement->in_event = true;
			break;
	}
}

/* points_statement(timeline, policy, since, until); a NULL since is open */
Datum
loyalty_points_statement(PG_FUNCTION_ARGS)
{
	bool has_since = !PG_ARGISNULL(2);
	DateADT since = has_since ? argument_day(fcinfo, 2, "since") : 0;
	DateADT until = argument_day(fcinfo, 3, "until");
	PointsCall *call = points_call(fcinfo, POINTS_KEEP_EVENTS, list_entry, false);
	PointsStatement statement = { 0 };
	TimestampTz opening = DT_NOBEGIN;

	if (has_since && since > until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("since must not be after until"),
				 errdetail("since is %s, until is %s.", day_text(since), day_text(until)),
				 errhint("The days are those from since on, and before until.")));
	rows_open(&statement.rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &statement;
	statement.walk = call->walk;
	if (has_since)
	{
		PointsLimit limit = points_limit_day(call->policy, since - 1);

		points_walk_until(call->walk, limit);
		opening = limit.at;
	}
	put_entry(&statement, opening, "opening", NULL, 0, 0);
	statement.open = true;
	points_walk_until(call->walk, points_call_limit(call, until - 1));
	return (Datum) 0;
}
