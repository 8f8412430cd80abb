/*
 * points_violations.c
 *		Where a customer's ledger breaks the rules.
 *
 * Noted as the moves come; what returns take in excess is found out at the end, when all
 * earnings of a ref are known.
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

PG_FUNCTION_INFO_V1(loyalty_points_violations);

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
	found->list = array_grow(found->list, &found->max, found->n + 1, sizeof(Finding));
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
	sort_elements(order, n, sizeof(RefOrder), compare_ref_order);
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
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, POINTS_KEEP_EVENTS, find_violation, true);
	Findings found = { 0 };
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &found;
	found.books_expiry = call->policy->books_expiry;
	found.has_kinds = call->policy->nkinds > 0;
	points_walk_until(call->walk, points_call_limit(call, as_of));
	if (found.has_kinds)
		check_returns(&found, call->walk);

	for (i = 0; i < found.n; i++)
	{
		const Finding *finding = &found.list[i];

		CHECK_FOR_INTERRUPTS();
		if (finding->type == FOUND_EARNING || finding->points == 0)
			continue;
		rows_begin(&rows);
		rows_put_instant(&rows, finding->at);
		event_put_ref(&rows, points_walk_event(call->walk, finding->event));
		rows_put_name(&rows, problems[finding->type]);
		points_put_points(&rows, call->walk, finding->points);
		rows_end(&rows);
	}
	return (Datum) 0;
}
