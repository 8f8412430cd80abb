/*
 * points_lists.c
 *		One customer's points as rows: lots, redemptions, statement.
 *
 * Each listens to the moves of the walk; rows are written, or noted, as the moves come.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "points/points_call.h"

PG_FUNCTION_INFO_V1(loyalty_points_lots);
PG_FUNCTION_INFO_V1(loyalty_points_redemptions);
PG_FUNCTION_INFO_V1(loyalty_points_statement);

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
	takers->roles = points_grow(takers->roles, &takers->max, move->lot + 1, sizeof(PointsRole));
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
		points_put_text(&rows, event->kind);
		points_put_text(&rows, event->label);
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

/* A lot of -1: the redemption took what wasn't there. */
static void
put_redemption(Rows *rows, const PointsWalk *walk, const PointsMove *move, int64 points)
{
	rows_begin(rows);
	rows_put_instant(rows, move->at);
	event_put_ref(rows, points_walk_event(walk, move->event));
	if (move->lot < 0)
	{
		rows_put_null(rows);
		rows_put_null(rows);
		rows_put_null(rows);
	}
	else
	{
		const Event *earning = points_lot_event(walk, move->lot);

		rows_put_instant(rows, earning->at);
		event_put_ref(rows, earning);
		points_put_text(rows, earning->label);
	}
	points_put_points(rows, walk, points);
	rows_end(rows);
}

static void
list_redemption(void *context, PointsWalk *walk, const PointsMove *move)
{
	Rows *rows = ((PointsCall *) context)->reading;

	switch (move->type)
	{
		case POINTS_MOVE_TAKE:
		case POINTS_MOVE_OVERDRAW:
			if (move->role == POINTS_REDEEM)
				put_redemption(rows, walk, move, move->points);
			break;
		case POINTS_MOVE_RESTORE:
		case POINTS_MOVE_CANCEL_DEBT:
			put_redemption(rows, walk, move, -move->points);
			break;
		default:
			break;
	}
}

/* points_redemptions(timeline, policy, as_of) */
Datum
loyalty_points_redemptions(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, POINTS_KEEP_EVENTS, list_redemption, false);
	Rows rows;

	rows_open(&rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &rows;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	return (Datum) 0;
}

/* ---- statement ---- */

typedef struct Statement
{
	Rows rows;
	PointsWalk *walk;
	bool open;		  /* the walk has come to its first day */
	bool in_event;	  /* an event is being worked off */
	PointsMove *held; /* what expired at once: its row follows the event's */
	int64 nheld;
	int64 max_held;
} Statement;

/* An event of NULL: the opening balance. Points to expire yet are still there. */
static void
put_entry(Statement *statement, TimestampTz at, const char *role, const Event *event, int64 points,
		  int128 to_expire)
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
		points_put_text(rows, event->label);
		event_put_ref(rows, event);
		points_put_points(rows, statement->walk, points);
	}
	points_put_points(rows, statement->walk, points_spendable(statement->walk) + to_expire);
	rows_end(rows);
}

static void
put_expiry(Statement *statement, const PointsMove *move, int128 to_expire)
{
	put_entry(statement, move->at, points_role_names[POINTS_EXPIRE],
			  points_lot_event(statement->walk, move->lot), -move->points, to_expire);
}

static void
hold_expiry(Statement *statement, const PointsMove *move)
{
	statement->held = points_grow(statement->held, &statement->max_held, statement->nheld + 1,
								  sizeof(PointsMove));
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
put_event(Statement *statement, const PointsMove *move)
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
	Statement *statement = ((PointsCall *) context)->reading;

	if (!statement->open)
		return;
	switch (move->type)
	{
		case POINTS_MOVE_ACTIVATE:
			put_entry(statement, move->at, "activate", points_lot_event(walk, move->lot),
					  move->points, 0);
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
	Statement statement = { 0 };
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
