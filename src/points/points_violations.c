/*
 * points_violations.c
 *		Where a customer's ledger breaks the rules, be it one that somebody else makes.
 *
 * Noted as the moves come; which documents were earned more than once is found out at the end,
 * when what was earned and returned under each ref is together.
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
	FOUND_BLOCKED,
	FOUND_REFUND,
	FOUND_RETURN,
	FOUND_ADJUSTMENT,
	FOUND_TRANSFER,
	FOUND_REINSTATEMENT,
	FOUND_ACTIVATION,
	FOUND_BLOCK,
	FOUND_UNBLOCK,
	FOUND_TWICE,
	FOUND_NOT_GIVEN,
	FOUND_NOT_BOOKED,
	FOUND_EARNING, /* none, as long as its document wasn't earned before */
	FOUND_RETURNED /* none: what takes an earning's back */
} FindingType;

static const char *const problems[] = {
	[FOUND_BEYOND_BALANCE] = "redemption beyond the balance",
	[FOUND_STILL_PENDING] = "redemption of points still pending",
	[FOUND_BLOCKED] = "redemption of blocked points",
	[FOUND_REFUND] = "refund of more than was redeemed",
	[FOUND_RETURN] = "return of more than was earned",
	[FOUND_ADJUSTMENT] = "adjustment of more than there is",
	[FOUND_TRANSFER] = "transfer of more than there is",
	[FOUND_REINSTATEMENT] = "reinstatement of more than can be brought back",
	[FOUND_ACTIVATION] = "activation without an earning",
	[FOUND_BLOCK] = "block of more than there is",
	[FOUND_UNBLOCK] = "unblock of more than is blocked",
	[FOUND_TWICE] = "document earned more than once",
	[FOUND_NOT_GIVEN] = "booked expiry that the rules don't give",
	[FOUND_NOT_BOOKED] = "computed expiry that was never booked",
};

/* What events of each role ask for beyond what there is. */
static const FindingType found_beyond[POINTS_ROLES] = {
	[POINTS_REDEEM_REFUND] = FOUND_REFUND,
	[POINTS_ADJUST] = FOUND_ADJUSTMENT,
	[POINTS_TRANSFER] = FOUND_TRANSFER,
	[POINTS_RETURN] = FOUND_RETURN,
	[POINTS_REINSTATE] = FOUND_REINSTATEMENT,
	[POINTS_ACTIVATE] = FOUND_ACTIVATION,
	[POINTS_BLOCK] = FOUND_BLOCK,
	[POINTS_UNBLOCK] = FOUND_UNBLOCK,
};

typedef struct Finding
{
	TimestampTz at;
	int64 points; /* in excess, once the walk is through */
	int32 event;
	FindingType type;
} Finding;

struct PointsFindings
{
	const PointsPolicy *policy; /* with a zone */
	Finding *list;				/* in the order of the moves */
	int64 n;
	int64 max;
	int64 first_unbooked; /* computed expiries before it have been booked */
	int64 matched;		  /* of the booked expiry being worked off: what the rules give */
	int64 beyond;		  /* of the return being worked off: what wasn't earned */
};

static void
add_any_finding(PointsFindings *found, FindingType type, TimestampTz at, int32 event, int64 points)
{
	Finding *finding;

	found->list = array_grow(found->list, &found->max, found->n + 1, sizeof(Finding));
	finding = &found->list[found->n++];
	finding->type = type;
	finding->at = at;
	finding->event = event;
	finding->points = points;
}

static void
add_finding(PointsFindings *found, FindingType type, TimestampTz at, int32 event, int64 points)
{
	if (points > 0)
		add_any_finding(found, type, at, event, points);
}

/* Pending points stand for what was owed before first. */
static void
add_shortfall(PointsFindings *found, PointsWalk *walk, const PointsMove *move)
{
	const PointsTotals *totals = points_walk_totals(walk);
	int128 owed = totals->overdrawn - (move->type == POINTS_MOVE_OVERDRAW ? move->points : 0);
	int128 waiting = Min(Max(totals->pending - owed, 0), move->points);
	int128 covered = Min(Max(totals->pending + totals->blocked - owed, 0), move->points);

	add_finding(found, FOUND_STILL_PENDING, move->at, move->event, (int64) waiting);
	add_finding(found, FOUND_BLOCKED, move->at, move->event, (int64) (covered - waiting));
	add_finding(found, FOUND_BEYOND_BALANCE, move->at, move->event,
				(int64) (move->points - covered));
}

/* Would what an event took of a lot have gone by the end of its day anyway? */
static bool
was_due_that_day(const PointsPolicy *policy, PointsWalk *walk, const PointsMove *move)
{
	PointsLimit end = points_limit_day(policy, zone_day(policy->zone, move->at));
	int32 nlots;
	TimestampTz due = Min(points_walk_lots(walk, &nlots)[move->lot].expires_at, walk->lapsing_at);

	return policy->valid_at_boundary ? due < end.at : due <= end.at;
}

/* A booking stands for the computed expiries that waited longest for one. */
static void
match_expiries(PointsFindings *found, int64 points)
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

void
points_find_violation(PointsFindings *found, PointsWalk *walk, const PointsMove *move)
{
	const Event *event = move->event >= 0 ? points_walk_event(walk, move->event) : NULL;
	bool has_ref = event != NULL && event->ref_type != EVENT_REF_NONE;

	/* what was carried over was found where it happened */
	if (event != NULL && event->at < move->at)
	{
		if (move->type == POINTS_MOVE_UNBOOKED)
			add_finding(found, FOUND_NOT_BOOKED, event->expires_at, move->event, move->points);
		else if (move->type == POINTS_MOVE_DONE && has_ref && move->role == POINTS_EARN)
			add_finding(found, FOUND_EARNING, event->at, move->event, move->points);
		return;
	}
	switch (move->type)
	{
		case POINTS_MOVE_TAKE:
			if (move->role == POINTS_EXPIRE && was_due_that_day(found->policy, walk, move))
				found->matched += move->points;
			break;
		case POINTS_MOVE_OVERDRAW:
		case POINTS_MOVE_UNMET:
			if (move->role == POINTS_REDEEM)
				add_shortfall(found, walk, move);
			break;
		case POINTS_MOVE_BEYOND:
			add_any_finding(found, found_beyond[move->role], move->at, move->event, move->points);
			found->beyond = move->points;
			break;
		case POINTS_MOVE_MATCH:
			match_expiries(found, move->points);
			break;
		case POINTS_MOVE_EXPIRE:
			if (found->policy->books_expiry && !walk->restores_expired)
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
			else if (has_ref && move->role == POINTS_RETURN)
				add_finding(found, FOUND_RETURNED, move->at, move->event,
							move->points - found->beyond);
			else if (has_ref && move->role == POINTS_EARN)
				add_finding(found, FOUND_EARNING, move->at, move->event, move->points);
			found->matched = found->beyond = 0;
			break;
		default:
			break;
	}
}

/* ---- documents earned more than once ---- */

/* An earning or a return under a ref. */
typedef struct DocumentEntry
{
	const Event *event;
	Finding *finding;
} DocumentEntry;

static int
compare_refs(const Event *a, const Event *b)
{
	if (a->ref_type != b->ref_type)
		return a->ref_type < b->ref_type ? -1 : 1;
	if (a->ref_type == EVENT_REF_NUMBER)
		return a->ref_number < b->ref_number ? -1 : a->ref_number > b->ref_number;
	return event_text_compare(&a->ref_text, &b->ref_text);
}

/* By ref, and in the order of the walk. */
static int
compare_entries(const void *left, const void *right)
{
	const DocumentEntry *a = left;
	const DocumentEntry *b = right;
	int order = compare_refs(a->event, b->event);

	if (order != 0)
		return order;
	return a->finding < b->finding ? -1 : a->finding > b->finding;
}

/* What was earned under a ref and is of one kind. */
typedef struct Document
{
	int64 ref; /* where its entries begin */
	const Event *first;
	const Event *last;
} Document;

/*
 * Another line of a document comes at the same instant, with another label or value. Events of an
 * instant that are equal in these follow each other.
 */
static bool
is_again(const Document *document, const Event *event)
{
	return document->first->at != event->at ||
		   (document->last->label_no == event->label_no && document->last->value == event->value);
}

/* Should its document be earned but once? Who feeds the walk says of what. */
static bool
is_document(const PointsWalk *walk, const Event *event)
{
	return !walk->fed || event->kind_no > 0;
}

/* An earning is a violation where its document was earned before, and not all of it returned. */
static void
find_twice(PointsFindings *found, const PointsWalk *walk)
{
	DocumentEntry *entries =
		palloc_extended((found->n + 1) * sizeof(DocumentEntry), MCXT_ALLOC_HUGE);
	Document *documents;
	int last_kind = 0;
	int128 left = 0; /* what was earned under the ref, and not returned */
	int64 ref = 0;
	int64 n = 0;
	int64 i;

	for (i = 0; i < found->n; i++)
	{
		Finding *finding = &found->list[i];

		if (finding->type != FOUND_EARNING && finding->type != FOUND_RETURNED)
			continue;
		entries[n].event = points_walk_event(walk, finding->event);
		last_kind = Max(last_kind, entries[n].event->kind_no);
		entries[n++].finding = finding;
	}
	sort_elements(entries, n, sizeof(DocumentEntry), compare_entries);
	documents = palloc_extended(((Size) last_kind + 1) * sizeof(Document), MCXT_ALLOC_HUGE);
	for (i = 0; i <= last_kind; i++)
		documents[i].ref = -1;
	for (i = 0; i < n; i++)
	{
		const Event *event = entries[i].event;
		Finding *finding = entries[i].finding;
		Document *document = &documents[event->kind_no];

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && compare_refs(entries[i - 1].event, event) != 0)
		{
			ref = i;
			left = 0;
		}
		if (finding->type == FOUND_RETURNED)
		{
			left -= finding->points;
			continue;
		}
		if (is_document(walk, event))
		{
			if (document->ref != ref)
			{
				document->ref = ref;
				document->first = event;
			}
			else if (left > 0 && is_again(document, event))
				finding->type = FOUND_TWICE;
			document->last = event;
		}
		left += finding->points;
	}
	pfree(documents);
	pfree(entries);
}

/* ---- the list ---- */

PointsFindings *
points_findings_create(const PointsPolicy *policy)
{
	PointsFindings *found = palloc0(sizeof(PointsFindings));

	found->policy = policy;
	return found;
}

void
points_findings_start(PointsFindings *found)
{
	const PointsPolicy *policy = found->policy;

	memset(found, 0, sizeof(PointsFindings));
	found->policy = policy;
}

void
points_findings_end(PointsFindings *found, const PointsWalk *walk)
{
	int64 n = 0;
	int64 i;

	find_twice(found, walk);
	for (i = 0; i < found->n; i++)
	{
		const Finding *finding = &found->list[i];

		/* a booking may have met all of an expiry */
		if (finding->type < FOUND_EARNING &&
			(finding->type != FOUND_NOT_BOOKED || finding->points != 0))
			found->list[n++] = *finding;
		CHECK_FOR_INTERRUPTS();
	}
	found->n = n;
}

bool
points_finding(const PointsFindings *found, const PointsWalk *walk, int64 number,
			   PointsViolation *violation)
{
	const Finding *finding;

	if (number >= found->n)
		return false;
	finding = &found->list[number];
	violation->at = finding->at;
	violation->event = points_walk_event(walk, finding->event);
	violation->problem = problems[finding->type];
	violation->points = finding->points;
	return true;
}

static void
find_violation(void *context, PointsWalk *walk, const PointsMove *move)
{
	points_find_violation(((PointsCall *) context)->reading, walk, move);
}

/* points_violations(timeline, policy, as_of) */
Datum
loyalty_points_violations(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	PointsCall *call = points_call(fcinfo, POINTS_KEEP_EVENTS, find_violation, true);
	PointsViolation violation;
	PointsFindings *found;
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	if (call == NULL)
		return (Datum) 0;
	call->reading = found = points_findings_create(call->policy);
	points_walk_until(call->walk, points_call_limit(call, as_of));
	points_findings_end(found, call->walk);
	for (i = 0; points_finding(found, call->walk, i, &violation); i++)
	{
		CHECK_FOR_INTERRUPTS();
		rows_begin(&rows);
		rows_put_instant(&rows, violation.at);
		event_put_ref(&rows, violation.event);
		rows_put_name(&rows, violation.problem);
		points_put_points(&rows, call->walk, violation.points);
		rows_end(&rows);
	}
	return (Datum) 0;
}
