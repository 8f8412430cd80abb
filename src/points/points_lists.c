/*
 * points_lists.c
 *		One customer's points as rows: lots, redemptions, statement, violations.
 *
 * Each listens to the moves of the walk; rows are written, or noted, as the moves come.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "points/points_call.h"

PG_FUNCTION_INFO_V1(loyalty_points_lots);
PG_FUNCTION_INFO_V1(loyalty_points_redemptions);
PG_FUNCTION_INFO_V1(loyalty_points_statement);
PG_FUNCTION_INFO_V1(loyalty_points_violations);

/* Makes room for at least n elements. */
static void *
grow(void *array, int64 *max, int64 n, size_t size)
{
	if (n <= *max)
		return array;
	*max = Max(n, Max(32, *max * 2));
	return array == NULL ? palloc_extended(*max * size, MCXT_ALLOC_HUGE)
						 : repalloc_huge(array, *max * size);
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
	takers->roles = grow(takers->roles, &takers->max, move->lot + 1, sizeof(PointsRole));
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
	DateADT as_of = points_day_argument(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, note_taker, false);
	LotTakers takers = { 0 };
	const PointsLot *lots;
	PointsRow row;
	int32 nlots;
	int32 i;

	InitMaterializedSRF(fcinfo, 0);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &takers;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	points_rows_open(&row, fcinfo, call->walk);
	lots = points_walk_lots(call->walk, &nlots);
	for (i = 0; i < nlots; i++)
	{
		const Event *event = points_walk_event(call->walk, lots[i].event);

		points_row_begin(&row);
		points_row_instant(&row, lots[i].earned_at);
		points_row_text(&row, event->kind);
		points_row_text(&row, event->label);
		points_row_ref(&row, event);
		points_row_points(&row, lots[i].points);
		points_row_points(&row, lots[i].remaining);
		points_row_instant(&row, lots[i].available_at);
		points_row_instant(&row, lots[i].expires_at);
		points_row_name(&row, state_of_lot(&lots[i], &takers, i));
		points_row_end(&row);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

/* ---- redemptions ---- */

/* A lot of -1: the redemption took what wasn't there. */
static void
put_redemption(PointsRow *row, const PointsMove *move, int64 points)
{
	const Event *event = points_walk_event(row->walk, move->event);

	points_row_begin(row);
	points_row_instant(row, move->at);
	points_row_ref(row, event);
	if (move->lot < 0)
	{
		points_row_null(row);
		points_row_null(row);
		points_row_null(row);
	}
	else
	{
		const Event *earning = points_lot_event(row->walk, move->lot);

		points_row_instant(row, earning->at);
		points_row_ref(row, earning);
		points_row_text(row, earning->label);
	}
	points_row_points(row, points);
	points_row_end(row);
}

static void
list_redemption(void *context, PointsWalk *walk, const PointsMove *move)
{
	PointsRow *row = ((PointsCall *) context)->reading;

	switch (move->type)
	{
		case POINTS_MOVE_TAKE:
		case POINTS_MOVE_OVERDRAW:
			if (move->role == POINTS_REDEEM)
				put_redemption(row, move, move->points);
			break;
		case POINTS_MOVE_RESTORE:
		case POINTS_MOVE_CANCEL_DEBT:
			put_redemption(row, move, -move->points);
			break;
		default:
			break;
	}
}

/* points_redemptions(timeline, policy, as_of) */
Datum
loyalty_points_redemptions(PG_FUNCTION_ARGS)
{
	DateADT as_of = points_day_argument(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, list_redemption, false);
	PointsRow row;

	InitMaterializedSRF(fcinfo, 0);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &row;
	points_rows_open(&row, fcinfo, call->walk);
	points_walk_until(call->walk, points_call_limit(call, as_of));
	return (Datum) 0;
}

/* ---- statement ---- */

typedef struct Statement
{
	PointsRow row;
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
	PointsRow *row = &statement->row;

	points_row_begin(row);
	points_row_instant(row, at);
	points_row_name(row, role);
	if (event == NULL)
	{
		points_row_null(row);
		points_row_null(row);
		points_row_null(row);
	}
	else
	{
		points_row_text(row, event->label);
		points_row_ref(row, event);
		points_row_points(row, points);
	}
	points_row_points(row, points_spendable(row->walk) + to_expire);
	points_row_end(row);
}

static void
put_expiry(Statement *statement, const PointsMove *move, int128 to_expire)
{
	put_entry(statement, move->at, points_role_names[POINTS_EXPIRE],
			  points_lot_event(statement->row.walk, move->lot), -move->points, to_expire);
}

static void
hold_expiry(Statement *statement, const PointsMove *move)
{
	statement->held =
		grow(statement->held, &statement->max_held, statement->nheld + 1, sizeof(PointsMove));
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
	const PointsWalk *walk = statement->row.walk;
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
	DateADT since = has_since ? points_day_argument(fcinfo, 2, "since") : 0;
	DateADT until = points_day_argument(fcinfo, 3, "until");
	PointsCall *call = points_call(fcinfo, list_entry, false);
	Statement statement = { 0 };
	TimestampTz opening = DT_NOBEGIN;

	if (has_since && since > until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("since must not be after until"),
				 errdetail("since is %s, until is %s.", day_text(since), day_text(until)),
				 errhint("The days are those from since on, and before until.")));
	InitMaterializedSRF(fcinfo, 0);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &statement;
	points_rows_open(&statement.row, fcinfo, call->walk);
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

/* ---- violations ---- */

typedef enum FindingType
{
	FOUND_BEYOND_BALANCE,
	FOUND_STILL_PENDING,
	FOUND_RETURN,
	FOUND_NOT_GIVEN,
	FOUND_NOT_BOOKED,
	FOUND_EARNING /* none: what returns are held against */
} FindingType;

static const char *const problems[] = { "redemption beyond the balance",
										"redemption of points still pending",
										"return of more than was earned",
										"booked expiry that the rules don't give",
										"computed expiry that was never booked" };

typedef struct Finding
{
	TimestampTz at;
	int64 points; /* in excess, once the walk is through; 0: none */
	int32 event;
	FindingType type;
	int64 ref; /* the first finding with the same ref; -1: no ref */
} Finding;

typedef struct Findings
{
	Finding *list; /* in the order of the moves */
	int64 n;
	int64 max;
	int64 first_unbooked; /* computed expiries before it have been booked */
	int64 matched;		  /* of the booked expiry being worked off: what the rules give */
	bool books_expiry;
	bool has_kinds;
} Findings;

static void
add_finding(Findings *found, FindingType type, TimestampTz at, int32 event, int64 points)
{
	Finding *finding;

	if (points <= 0)
		return;
	found->list = grow(found->list, &found->max, found->n + 1, sizeof(Finding));
	finding = &found->list[found->n++];
	finding->type = type;
	finding->at = at;
	finding->event = event;
	finding->points = points;
	finding->ref = -1;
}

/* Pending points stand for what was owed before first. */
static void
add_shortfall(Findings *found, PointsWalk *walk, const PointsMove *move)
{
	const PointsTotals *totals = points_walk_totals(walk);
	int128 owed = totals->overdrawn - (move->type == POINTS_MOVE_OVERDRAW ? move->points : 0);
	int128 covered = Min(Max(totals->pending - owed, 0), move->points);

	add_finding(found, FOUND_STILL_PENDING, move->at, move->event, (int64) covered);
	add_finding(found, FOUND_BEYOND_BALANCE, move->at, move->event, move->points - (int64) covered);
}

/* Would what an event took of a lot have gone by the end of its day anyway? */
static bool
was_due_that_day(const PointsCall *call, PointsWalk *walk, const PointsMove *move)
{
	PointsLimit end = points_limit_day(call->policy, zone_day(call->zone, move->at));
	int32 nlots;
	TimestampTz due =
		Min(points_walk_lots(walk, &nlots)[move->lot].expires_at, points_walk_inactive_at(walk));

	return call->policy->valid_at_boundary ? due < end.at : due <= end.at;
}

/* A booking stands for the computed expiries that waited longest for one. */
static void
match_expiries(Findings *found, int64 points)
{
	found->matched += points;
	for (; points > 0 && found->first_unbooked < found->n; found->first_unbooked++)
	{
		Finding *finding = &found->list[found->first_unbooked];
		int64 matched;

		if (finding->type != FOUND_NOT_BOOKED)
			continue;
		matched = Min(finding->points, points);
		finding->points -= matched;
		points -= matched;
		if (finding->points > 0)
			break;
	}
}

static void
find_violation(void *context, PointsWalk *walk, const PointsMove *move)
{
	PointsCall *call = context;
	Findings *found = call->reading;

	switch (move->type)
	{
		case POINTS_MOVE_TAKE:
			if (move->role == POINTS_EXPIRE && was_due_that_day(call, walk, move))
				found->matched += move->points;
			break;
		case POINTS_MOVE_OVERDRAW:
		case POINTS_MOVE_UNMET:
			if (move->role == POINTS_REDEEM)
				add_shortfall(found, walk, move);
			break;
		case POINTS_MOVE_MATCH:
			match_expiries(found, move->points);
			break;
		case POINTS_MOVE_EXPIRE:
			if (found->books_expiry)
			{
				int32 nlots;

				add_finding(found, FOUND_NOT_BOOKED, move->at,
							points_walk_lots(walk, &nlots)[move->lot].event, move->points);
			}
			break;
		case POINTS_MOVE_DONE:
			if (move->role == POINTS_EXPIRE)
				add_finding(found, FOUND_NOT_GIVEN, move->at, move->event,
							move->points - found->matched);
			else if (move->role == POINTS_RETURN)
				add_finding(found, FOUND_RETURN, move->at, move->event, move->points);
			else if (move->role == POINTS_EARN && found->has_kinds)
				add_finding(found, FOUND_EARNING, move->at, move->event, move->points);
			found->matched = 0;
			break;
		default:
			break;
	}
}

/* An earning or a return, to be sorted by ref. */
typedef struct RefOrder
{
	const Event *event;
	int64 finding;
} RefOrder;

static int
compare_refs(const Event *a, const Event *b)
{
	if (a->ref_type != b->ref_type)
		return a->ref_type < b->ref_type ? -1 : 1;
	if (a->ref_type == EVENT_REF_NUMBER)
		return a->ref_number < b->ref_number ? -1 : a->ref_number > b->ref_number;
	return event_text_compare(&a->ref_text, &b->ref_text);
}

static int
compare_ref_order(const void *left, const void *right)
{
	const RefOrder *a = left;
	const RefOrder *b = right;
	int order = compare_refs(a->event, b->event);

	if (order != 0)
		return order;
	return a->finding < b->finding ? -1 : a->finding > b->finding;
}

/* Finds out which earnings and returns have the same ref. */
static void
join_refs(Findings *found, const PointsWalk *walk)
{
	RefOrder *order = palloc_extended((found->n + 1) * sizeof(RefOrder), MCXT_ALLOC_HUGE);
	int64 n = 0;
	int64 i;

	for (i = 0; i < found->n; i++)
	{
		const Finding *finding = &found->list[i];
		const Event *event = points_walk_event(walk, finding->event);

		if ((finding->type == FOUND_EARNING || finding->type == FOUND_RETURN) &&
			event->ref_type != EVENT_REF_NONE)
		{
			order[n].event = event;
			order[n++].finding = i;
		}
	}
	qsort(order, n, sizeof(RefOrder), compare_ref_order);
	for (i = 0; i < n; i++)
		found->list[order[i].finding].ref =
			i > 0 && compare_refs(order[i - 1].event, order[i].event) == 0
				? found->list[order[i - 1].finding].ref
				: order[i].finding;
	pfree(order);
}

/* What was earned and not returned yet. */
typedef struct Returnable
{
	int128 points;
	bool earned; /* anything */
} Returnable;

/*
 * Returns keep in points what they take back in excess: of what was earned under their ref,
 * or in all where nothing was.
 */
static void
check_returns(Findings *found, const PointsWalk *walk)
{
	Returnable *by_ref =
		palloc_extended((found->n + 1) * sizeof(Returnable), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int128 in_all = 0; /* may be below 0, as points may: what was returned under refs before */
	int64 i;

	join_refs(found, walk);
	for (i = 0; i < found->n; i++)
	{
		Finding *finding = &found->list[i];
		Returnable *own = finding->ref < 0 ? NULL : &by_ref[finding->ref];

		if (finding->type == FOUND_EARNING)
		{
			in_all += finding->points;
			if (own != NULL)
			{
				own->points += finding->points;
				own->earned = true;
			}
		}
		else if (finding->type == FOUND_RETURN)
		{
			int128 left = own != NULL && own->earned ? own->points : in_all;
			int128 returned = Min(Max(left, 0), finding->points);

			if (own != NULL)
				own->points -= returned;
			in_all -= returned;
			finding->points -= (int64) returned;
		}
	}
	pfree(by_ref);
}

/* points_violations(timeline, policy, as_of) */
Datum
loyalty_points_violations(PG_FUNCTION_ARGS)
{
	DateADT as_of = points_day_argument(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, find_violation, true);
	Findings found = { 0 };
	PointsRow row;
	int64 i;

	InitMaterializedSRF(fcinfo, 0);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &found;
	found.books_expiry = call->policy->books_expiry;
	found.has_kinds = call->policy->nkinds > 0;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	if (found.has_kinds)
		check_returns(&found, call->walk);

	points_rows_open(&row, fcinfo, call->walk);
	for (i = 0; i < found.n; i++)
	{
		const Finding *finding = &found.list[i];

		CHECK_FOR_INTERRUPTS();
		if (finding->type == FOUND_EARNING || finding->points == 0)
			continue;
		points_row_begin(&row);
		points_row_instant(&row, finding->at);
		points_row_ref(&row, points_walk_event(call->walk, finding->event));
		points_row_name(&row, problems[finding->type]);
		points_row_points(&row, finding->points);
		points_row_end(&row);
	}
	return (Datum) 0;
}
