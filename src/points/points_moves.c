/*
 * points_moves.c
 *		What happened to one customer's points, as rows: which points each event took, a statement,
 *		a row a day.
 *
 * Each listens to the moves of the walk; rows are written, or noted, as the moves come.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/array.h"
#include "points/points_internal.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_points_redemptions);
PG_FUNCTION_INFO_V1(loyalty_points_movements);
PG_FUNCTION_INFO_V1(loyalty_points_statement);
PG_FUNCTION_INFO_V1(loyalty_points_daily);

/* The event that made a lot. */
static const Event *
lot_event(const PointsWalk *walk, int32 lot)
{
	int32 nlots;

	return points_walk_event(walk, points_walk_lots(walk, &nlots)[lot].event);
}

/* ---- which points were taken ---- */

/* What was taken, or (negative) given back by a refund: of a lot, or where that is -1, of none. */
typedef struct Taken
{
	TimestampTz at;
	PointsRole role;
	int32 event; /* -1: it fell due */
	int32 lot;
	int32 label_no; /* of the lot, or of what is under it */
	bool is_new;	/* a refund gave back what nobody had taken: as a lot of its own */
	int64 points;
	int64 number; /* among these */
	int64 place;  /* number of what its event took first: what paid its debt stands there, too */
} Taken;

typedef struct Takings
{
	Taken *list; /* in the order of the moves */
	int64 n;
	int64 max;
	int64 *by_debt; /* where in the list what is still owed of a debt stands */
	int64 max_debts;
} Takings;

/* Where a debt was carried over, the event that made it is older than the move. */
static Taken *
add_taken(Takings *takings, const PointsMove *move, TimestampTz at, int32 label_no, int64 points)
{
	Taken *taken;

	takings->list = array_grow(takings->list, &takings->max, takings->n + 1, sizeof(Taken));
	taken = &takings->list[takings->n];
	taken->at = at;
	taken->role = move->role;
	taken->event = move->event;
	taken->lot = move->lot;
	taken->label_no = label_no;
	taken->is_new = move->type == POINTS_MOVE_LOT && move->role == POINTS_REDEEM_REFUND;
	taken->points = points;
	taken->number = taken->place = takings->n++;
	return taken;
}

/* A lot paid what an event owed: it was taken by that. */
static void
add_payment(Takings *takings, const PointsMove *move, int32 label_no)
{
	Taken owed = takings->list[takings->by_debt[move->debt]];
	Taken *taken = add_taken(takings, move, owed.at, label_no, move->points);

	takings->list[takings->by_debt[move->debt]].points -= move->points;
	taken->role = owed.role;
	taken->event = owed.event;
	taken->place = owed.place;
}

/* A move, or what of it is under a label. */
static void
note_taking(Takings *takings, const PointsWalk *walk, const PointsMove *move, int32 label_no)
{
	switch (move->type)
	{
		case POINTS_MOVE_TAKE:
		case POINTS_MOVE_EXPIRE:
			(void) add_taken(takings, move, move->at, label_no, move->points);
			break;
		case POINTS_MOVE_OVERDRAW:
			takings->by_debt = array_grow(takings->by_debt, &takings->max_debts,
										  (int64) move->debt + 1, sizeof(int64));
			takings->by_debt[move->debt] = takings->n;
			(void) add_taken(takings, move, points_walk_event(walk, move->event)->at, label_no,
							 move->points);
			break;
		case POINTS_MOVE_REPAY:
			add_payment(takings, move, label_no);
			break;
		case POINTS_MOVE_RESTORE:
		case POINTS_MOVE_CANCEL_DEBT:
			(void) add_taken(takings, move, move->at, label_no, -move->points);
			break;
		case POINTS_MOVE_LOT:
			if (move->role == POINTS_REDEEM_REFUND || move->role == POINTS_REINSTATE)
				(void) add_taken(takings, move, move->at, label_no, -move->points);
			break;
		default:
			break;
	}
}

static void
find_taking(void *context, PointsWalk *walk, const PointsMove *move)
{
	PointsCall *call = context;
	PointsMove part = *move;
	const PointsShare *split;
	int32 nlots;
	int n;
	int i;

	if (call->shares == NULL || move->lot < 0)
	{
		note_taking(call->reading, walk, move,
					move->lot >= 0 ? points_walk_lots(walk, &nlots)[move->lot].label_no : 0);
		return;
	}
	split = points_shares_split(call->shares, walk, move, &n);
	for (i = 0; i < n; i++)
	{
		part.points = split[i].points;
		note_taking(call->reading, walk, &part, split[i].label_no);
	}
}

/* By event; what it took, in order, before what it still owes. */
static int
compare_taken(const void *left, const void *right)
{
	const Taken *a = left;
	const Taken *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if ((a->lot < 0) != (b->lot < 0))
		return a->lot < 0 ? 1 : -1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* Where the points came from: earned_at, earn_ref, label. */
static void
put_source(Rows *rows, const PointsWalk *walk, const Taken *taken)
{
	if (taken->lot < 0)
	{
		rows_put_null(rows);
		rows_put_null(rows);
		rows_put_null(rows);
	}
	else
	{
		const Event *earning = lot_event(walk, taken->lot);
		EventText label = points_walk_label(walk, taken->label_no);

		rows_put_instant(rows, earning->at);
		event_put_ref(rows, earning);
		rows_put_text(rows, label.bytes, label.len);
	}
}

/* ... and when they expire by themselves. */
static void
put_expiry_of(Rows *rows, const PointsWalk *walk, const Taken *taken)
{
	int32 nlots;

	rows_put_instant(rows, taken->lot < 0 ? DT_NOEND
										  : points_walk_lots(walk, &nlots)[taken->lot].expires_at);
}

static void
put_ref_of(Rows *rows, const PointsWalk *walk, const Taken *taken)
{
	if (taken->event < 0)
		rows_put_null(rows);
	else
		event_put_ref(rows, points_walk_event(walk, taken->event));
}

/* Of redemptions: what they took, and what refunds gave back, be it as a new lot. */
static void
put_redeemed(Rows *rows, const PointsWalk *walk, const Taken *taken)
{
	if (taken->role != POINTS_REDEEM && taken->role != POINTS_REDEEM_REFUND)
		return;
	rows_begin(rows);
	rows_put_instant(rows, taken->at);
	put_ref_of(rows, walk, taken);
	put_source(rows, walk, taken);
	points_put_points(rows, walk, taken->points);
	rows_end(rows);
}

/* Of every event, and of what fell due. */
static void
put_movement(Rows *rows, const PointsWalk *walk, const Taken *taken)
{
	if (taken->is_new)
		return;
	rows_begin(rows);
	rows_put_instant(rows, taken->at);
	rows_put_name(rows, points_role_names[taken->role]);
	put_ref_of(rows, walk, taken);
	put_source(rows, walk, taken);
	put_expiry_of(rows, walk, taken);
	points_put_points(rows, walk, taken->points);
	rows_end(rows);
}

static Datum
list_takings(FunctionCallInfo fcinfo, PointsCall *call,
			 void (*put)(Rows *rows, const PointsWalk *walk, const Taken *taken))
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	Takings takings = { 0 };
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &takings;
	points_call_to_day(call, as_of);
	sort_elements(takings.list, takings.n, sizeof(Taken), compare_taken);
	for (i = 0; i < takings.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (takings.list[i].points != 0)
			put(&rows, call->walk, &takings.list[i]);
	}
	return (Datum) 0;
}

/* points_redemptions(timeline, policy, as_of) */
Datum
loyalty_points_redemptions(PG_FUNCTION_ARGS)
{
	return list_takings(fcinfo, points_call(fcinfo, POINTS_KEEP_EVENTS, find_taking, false),
						put_redeemed);
}

static Datum
answer_movements(FunctionCallInfo fcinfo, PointsCall *call)
{
	return list_takings(fcinfo, call, put_movement);
}

const PointsQuestion points_movements_question = { POINTS_KEEP_EVENTS, find_taking,
												   answer_movements };

/* points_movements(timeline, policy, as_of) */
Datum
loyalty_points_movements(PG_FUNCTION_ARGS)
{
	return points_ask(fcinfo, &points_movements_question);
}

/* ---- statement ---- */

typedef struct PointsStatement
{
	Rows rows;
	PointsWalk *walk;
	bool open;		  /* the walk has come to its first day */
	bool in_event;	  /* an event is being worked off */
	int128 changed;	  /* what it blocked or unblocked */
	PointsMove *held; /* what expired at once: its row follows the event's */
	int64 nheld;
	int64 max_held;
} PointsStatement;

/* An event of NULL: the opening balance. Points to expire yet are still there. */
static void
put_entry(PointsStatement *statement, TimestampTz at, const char *role, const Event *event,
		  int128 points, int128 to_expire)
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
		rows_put_text(rows, event->label.bytes, event->label.len);
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

	if (points_walk_lots(walk, &nlots)[move->lot].available_at > move->at)
		return 0;
	return move->points - move->blocked;
}

/* An event's points, negative where they are taken. */
static int128
signed_points(PointsRole role, const Event *event, int128 points)
{
	switch (role)
	{
		case POINTS_EARN:
		case POINTS_REDEEM_REFUND:
		case POINTS_UNBLOCK:
		case POINTS_REINSTATE:
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
	bool all = !event->has_value && (move->role == POINTS_BLOCK || move->role == POINTS_UNBLOCK);
	int128 points = all ? statement->changed : move->points;
	int128 to_expire = 0;
	int64 i;

	for (i = 0; i < statement->nheld; i++)
		to_expire += spendable_part(walk, &statement->held[i]);
	/* what it activated has rows of its own */
	if (move->role != POINTS_ACTIVATE)
		put_entry(statement, move->at, points_role_names[move->role], event,
				  signed_points(move->role, event, points), to_expire);
	for (i = 0; i < statement->nheld; i++)
	{
		to_expire -= spendable_part(walk, &statement->held[i]);
		put_expiry(statement, &statement->held[i], to_expire);
	}
	statement->nheld = 0;
	statement->changed = 0;
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
			if (move->points > 0)
				put_entry(statement, move->at, "activate", lot_event(walk, move->lot), move->points,
						  0);
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
		case POINTS_MOVE_BLOCK:
		case POINTS_MOVE_UNBLOCK:
			statement->changed += move->points;
			statement->in_event = true;
			break;
		case POINTS_MOVE_UNBOOKED:
			break;
		default:
			if (move->event >= 0)
				statement->in_event = true;
			break;
	}
}

/* The days [since, until) of arguments 2 and 3; a NULL since is open. */
typedef struct Days
{
	bool has_since;
	DateADT since;
	DateADT until;
} Days;

static Days
read_days(FunctionCallInfo fcinfo)
{
	Days days = { .has_since = !PG_ARGISNULL(2) };

	if (days.has_since)
		days.since = argument_day(fcinfo, 2, "since");
	days.until = argument_day(fcinfo, 3, "until");
	if (days.has_since && days.since > days.until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("since must not be after until"),
				 errdetail("since is %s, until is %s.", day_text(days.since), day_text(days.until)),
				 errhint("The days are those from since on, and before until.")));
	return days;
}

/* points_statement(timeline, policy, since, until) */
Datum
loyalty_points_statement(PG_FUNCTION_ARGS)
{
	Days days = read_days(fcinfo);
	PointsCall *call = points_call(fcinfo, POINTS_KEEP_EVENTS, list_entry, false);
	PointsStatement statement = { 0 };
	TimestampTz opening = DT_NOBEGIN;

	rows_open(&statement.rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &statement;
	statement.walk = call->walk;
	if (days.has_since)
	{
		PointsLimit limit = points_limit_day(call->policy, days.since - 1);

		points_walk_until(call->walk, limit);
		opening = limit.at;
	}
	put_entry(&statement, opening, "opening", NULL, 0, 0);
	statement.open = true;
	points_walk_until(call->walk, points_call_limit(call, days.until - 1));
	return (Datum) 0;
}

/* ---- a row a day ---- */

typedef struct Day
{
	int32 number; /* in the calendar of days */
	const int128 *sums;
} Day;

typedef struct DayList
{
	Day *days;
	int64 n;
	int64 max;
} DayList;

static void
book_day(void *context, PointsWalk *walk, const PointsMove *move)
{
	points_book_rollforward(((PointsCall *) context)->reading, walk, move);
}

/* Something moved, or changed places. */
static bool
is_moved(const int128 *sums)
{
	int i;

	for (i = 0; i < ROLLFORWARD_SUMS; i++)
		if (sums[i] != 0)
			return true;
	return false;
}

static void
note_days(void *context, int32 layer, int32 row, int32 column, const int128 *block)
{
	DayList *list = context;
	int i;

	for (i = 0; i < CELLS_BLOCK; i++, block += ROLLFORWARD_SUMS)
	{
		if (!is_moved(block))
			continue;
		list->days = array_grow(list->days, &list->max, list->n + 1, sizeof(Day));
		list->days[list->n].number = column + i;
		list->days[list->n++].sums = block;
	}
}

static int
compare_days(const void *a, const void *b)
{
	int32 x = ((const Day *) a)->number;
	int32 y = ((const Day *) b)->number;

	return x < y ? -1 : x > y;
}

/* (timeline, policy, since, until) */
static Datum
answer_daily(FunctionCallInfo fcinfo, PointsCall *call)
{
	static const RollforwardSum in[] = { ROLLFORWARD_ISSUED, ROLLFORWARD_REINSTATED,
										 ROLLFORWARD_ADJUSTED, ROLLFORWARD_TRANSFERRED };
	static const RollforwardSum out[] = { ROLLFORWARD_REDEEMED, ROLLFORWARD_RETURNED,
										  ROLLFORWARD_EXPIRED, ROLLFORWARD_FORFEITED };
	Days days = read_days(fcinfo);
	const CalendarPeriod *a_day = calendar_period_parse("day");
	Cells *cells = cells_create(ROLLFORWARD_SUMS);
	DayList list = { 0 };
	int128 held = 0;
	int128 pending = 0;
	int128 blocked = 0;
	PointsBooking *booking;
	Calendar calendar;
	Rows rows;
	int64 i;
	size_t c;

	rows_open(&rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	booking = points_booking_create(call->policy, a_day, false);
	points_booking_start(booking, call->walk, cells);
	call->reading = booking;
	points_call_to_day(call, days.until - 1);
	cells_visit(cells, note_days, &list);
	sort_elements(list.days, list.n, sizeof(Day), compare_days);
	calendar_open(&calendar, a_day);
	for (i = 0; i < list.n; i++)
	{
		const Day *day = &list.days[i];
		DateADT date = calendar_start(&calendar, day->number);

		CHECK_FOR_INTERRUPTS();
		for (c = 0; c < lengthof(in); c++)
			held += day->sums[in[c]];
		for (c = 0; c < lengthof(out); c++)
			held -= day->sums[out[c]];
		pending += day->sums[ROLLFORWARD_PENDING];
		blocked += day->sums[ROLLFORWARD_BLOCKED];
		if (days.has_since && date < days.since)
			continue;
		rows_begin(&rows);
		rows_put_day(&rows, date);
		for (c = 0; c < lengthof(in); c++)
			points_put_points(&rows, call->walk, day->sums[in[c]]);
		for (c = 0; c < lengthof(out); c++)
			points_put_points(&rows, call->walk, day->sums[out[c]]);
		points_put_points(&rows, call->walk, pending);
		points_put_points(&rows, call->walk, blocked);
		points_put_points(&rows, call->walk, held - pending - blocked);
		rows_end(&rows);
	}
	return (Datum) 0;
}

const PointsQuestion points_daily_question = { 0, book_day, answer_daily };

/* points_daily(timeline, policy, since, until) */
Datum
loyalty_points_daily(PG_FUNCTION_ARGS)
{
	return points_ask(fcinfo, &points_daily_question);
}
