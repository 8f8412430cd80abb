/*
 * points_carry.c
 *		What lives of one customer's points at an instant, as a timeline: points_restore.c brings it
 *		in, and points_internal.h says how it is written.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/array.h"
#include "core/decimal.h"
#include "points/points_internal.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_points_carry_over);

/* A computed expiry, as far as no booking met it. */
typedef struct Unbooked
{
	TimestampTz at;
	int32 event; /* of its lot, or the one that brought it */
	int64 points;
} Unbooked;

typedef struct Carried
{
	TimestampTz last_earned;
	TimestampTz last_redeemed;
	TimestampTz frozen_at; /* the last time */
	Unbooked *unbooked;	   /* in the order in which they fell due */
	int64 nunbooked;
	int64 max_unbooked;
	int64 first_unbooked; /* those before are booked */
	bool books_expiry;

	Event *events;
	int64 n;
	int64 max;
	EventText kind; /* whose role is POINTS_CARRY_OVER */
} Carried;

/* ---- what the walk doesn't keep ---- */

static void
add_unbooked(Carried *carried, TimestampTz at, int32 event, int64 points)
{
	Unbooked *unbooked;

	if (points == 0)
		return;
	carried->unbooked = array_grow(carried->unbooked, &carried->max_unbooked,
								   carried->nunbooked + 1, sizeof(Unbooked));
	unbooked = &carried->unbooked[carried->nunbooked++];
	unbooked->at = at;
	unbooked->event = event;
	unbooked->points = points;
}

/* The expiries that waited longest are booked first. */
static void
match_unbooked(Carried *carried, int64 points)
{
	while (points > 0 && carried->first_unbooked < carried->nunbooked)
	{
		Unbooked *unbooked = &carried->unbooked[carried->first_unbooked];
		int64 matched = Min(points, unbooked->points);

		unbooked->points -= matched;
		points -= matched;
		if (unbooked->points == 0)
			carried->first_unbooked++;
	}
}

static void
note_move(void *context, PointsWalk *walk, const PointsMove *move)
{
	Carried *carried = ((PointsCall *) context)->reading;
	const Event *event = move->event >= 0 ? points_walk_event(walk, move->event) : NULL;
	int32 nlots;

	switch (move->type)
	{
		case POINTS_MOVE_DONE:
			/* what came in with a carry-over is no activity */
			if (event->at < move->at)
				break;
			if (move->role == POINTS_BLOCK && !event->has_value &&
				event->ref_type == EVENT_REF_NONE)
				carried->frozen_at = move->at;
			else if (move->role == POINTS_EARN)
				carried->last_earned = move->at;
			else if (move->role == POINTS_REDEEM)
				carried->last_redeemed = move->at;
			break;
		case POINTS_MOVE_EXPIRE:
			if (carried->books_expiry && !walk->restores_expired)
				add_unbooked(carried, move->at, points_walk_lots(walk, &nlots)[move->lot].event,
							 move->points);
			break;
		case POINTS_MOVE_UNBOOKED:
			add_unbooked(carried, event->expires_at, move->event, move->points);
			break;
		case POINTS_MOVE_MATCH:
			match_unbooked(carried, move->points);
			break;
		default:
			break;
	}
}

/* ---- what is carried over ---- */

static Event *
add_event(Carried *carried, const Event *event)
{
	carried->events = array_grow(carried->events, &carried->max, carried->n + 1, sizeof(Event));
	carried->events[carried->n] = *event;
	return &carried->events[carried->n++];
}

/* An event again, with other points of the same sign. */
static Event *
add_rest(Carried *carried, const Event *event, int64 points)
{
	Event *rest = add_event(carried, event);

	rest->value = event->value < 0 ? -points : points;
	return rest;
}

static Event *
add_mark(Carried *carried, TimestampTz at)
{
	Event mark = { .at = at, .kind = carried->kind };

	return add_event(carried, &mark);
}

static Event *
add_known(Carried *carried, PointsBrought which, TimestampTz at)
{
	Event *mark = add_mark(carried, at);

	mark->label.bytes = points_brought_names[which];
	mark->label.len = (int) strlen(points_brought_names[which]);
	return mark;
}

/* ... of the account; an infinite instant is none. */
static void
add_known_of_all(Carried *carried, PointsBrought which, TimestampTz at)
{
	if (!TIMESTAMP_NOT_FINITE(at))
		(void) add_known(carried, which, at);
}

/* Where a timeline was itself carried over, some is known from there only. */
static TimestampTz
later_of(TimestampTz seen, const PointsWalk *walk, PointsBrought which)
{
	return Max(seen, walk->brought[which]);
}

/* Since when lots are held that were empty in between, as far as that matters. */
static TimestampTz
held_since(const PointsWalk *walk)
{
	TimestampTz since = DT_NOEND;
	int32 i;

	if (walk->policy->has_inactive && walk->last_refresh == DT_NOBEGIN)
		for (i = 0; i < walk->nlots; i++)
		{
			const PointsLot *lot = &walk->lots[i];

			if (lot_has_points(lot) && lot->held_since > lot->earned_at)
				since = Min(since, lot->held_since);
			CHECK_FOR_INTERRUPTS();
		}
	return since;
}

/* Where a lot could be spent sooner, or later, than by the rules; they are asked for as they are.
 */
static void
carry_availability(Carried *carried, PointsWalk *walk, const Event *event, const PointsLot *lot)
{
	PointsRole role = walk->events.roles[2 * event->kind_no + (event->value < 0)];
	Event *mark;

	if (!walk->clock->pends || role != POINTS_EARN || lot->state != POINTS_LOT_ACTIVE ||
		points_clock_available_at(walk->clock, lot->earned_at) == lot->available_at)
		return;
	mark = add_known(carried, BROUGHT_AVAILABLE, lot->earned_at);
	mark->ref_type = event->ref_type;
	mark->ref_number = event->ref_number;
	mark->ref_text = event->ref_text;
	mark->has_expiry = true;
	mark->expires_at = lot->available_at;
}

/* The first kind of a role; NULL: there is none. */
static const EventText *
kind_of_role(const PointsPolicy *policy, PointsRole role)
{
	int i;

	for (i = 0; i < policy->nkinds; i++)
		if (policy->kinds[i].role == role)
			return &policy->kinds[i].kind;
	return NULL;
}

/* So many points of a lot are blocked. */
static void
carry_block(Carried *carried, const Event *event, int64 points, const EventText *kind)
{
	Event *block;

	if (points == 0 || kind == NULL)
		return;
	block = add_event(carried, event);
	block->kind = *kind;
	block->value = points;
}

/* Does the next lot have points of the same event, whose expiry isn't known yet either? */
static bool
goes_on(const PointsWalk *walk, int32 lot)
{
	return lot + 1 < walk->nlots && walk->lots[lot + 1].event == walk->lots[lot].event &&
		   walk->lots[lot].expires_later && walk->lots[lot + 1].expires_later;
}

static void
carry_lots(Carried *carried, PointsWalk *walk)
{
	const EventText *block = kind_of_role(walk->policy, POINTS_BLOCK);
	int128 points = 0; /* of shares that are counted from an activation to come, all together */
	int128 blocked = 0;
	int32 i;

	for (i = 0; i < walk->nlots; i++)
	{
		const PointsLot *lot = &walk->lots[i];

		CHECK_FOR_INTERRUPTS();
		points += (int128) lot->remaining + lot->blocked;
		blocked += lot->blocked;
		if (points > 0 && !goes_on(walk, i))
		{
			const Event *made = points_walk_event(walk, lot->event);
			Event event = *add_rest(carried, made, (int64) points);

			if (!lot->expires_later)
			{
				event.has_expiry = true;
				event.expires_at = lot->expires_at;
				carried->events[carried->n - 1] = event;
			}
			carry_block(carried, &event, (int64) blocked, block);
			carry_availability(carried, walk, made, lot);
		}
		if (!goes_on(walk, i))
			points = blocked = 0;
	}
}

/* What may be brought back: lots that are over. */
static void
carry_expired(Carried *carried, PointsWalk *walk, TimestampTz at)
{
	int32 nexpired;
	const PointsExpired *expired = points_walk_expired(walk, &nexpired);
	int32 i;

	for (i = 0; i < nexpired; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (expired[i].points > 0 && points_walk_in_grace(walk, &expired[i], at))
		{
			const PointsLot *lot = &walk->lots[expired[i].lot];
			Event *event =
				add_rest(carried, points_walk_event(walk, lot->event), expired[i].points);

			event->has_expiry = true;
			event->expires_at = Min(expired[i].at, at);
		}
	}
}

static void
carry_debts(Carried *carried, const PointsWalk *walk)
{
	int32 i;

	for (i = 0; i < walk->refs.ndebts; i++)
	{
		const PointsDebt *debt = points_walk_debt(walk, i);

		CHECK_FOR_INTERRUPTS();
		if (debt->points > 0)
			(void) add_rest(carried, points_walk_event(walk, debt->event), debt->points);
	}
}

/* Expiries that the ledger has still to book. */
static void
carry_unbooked(Carried *carried, const PointsWalk *walk, const EventText *kind)
{
	int64 i;

	for (i = carried->first_unbooked; i < carried->nunbooked; i++)
	{
		const Unbooked *unbooked = &carried->unbooked[i];
		Event *event =
			add_rest(carried, points_walk_event(walk, unbooked->event), unbooked->points);

		CHECK_FOR_INTERRUPTS();
		event->kind = *kind;
		event->has_expiry = true;
		event->expires_at = unbooked->at;
	}
}

static EventText
carry_kind(const PointsPolicy *policy)
{
	const EventText *kind = kind_of_role(policy, POINTS_CARRY_OVER);

	if (kind == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the points policy has no kind of role \"carry_over\""),
				 errhint("Add one that the ledger doesn't have, such as \"kinds\": {\"CARRY\": "
						 "\"carry_over\"}; where it is the only one, the sign still decides what "
						 "the other events do.")));
	return *kind;
}

/* The sum, in as many parts as its size asks for. */
static void
carry_sum(Carried *carried, int128 sum, TimestampTz at)
{
	const int128 most = decimal_power[DECIMAL_MAX_SCALE] - 1;

	do
	{
		int128 part = Max(-most, Min(most, sum));
		Event *mark = add_mark(carried, at);

		mark->has_value = true;
		mark->value = (int64) part;
		sum -= part;
	} while (sum != 0);
}

/* What was carried over itself is there from its instant on, with it. */
static void
come_in(PointsWalk *walk, TimestampTz at)
{
	TimestampTz carried_at = walk->events.carried_at;

	if (carried_at == DT_NOBEGIN)
		return;
	if (carried_at > at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("points were carried over at %s already, which is after %s",
						pstrdup(timestamptz_to_str(carried_at)), pstrdup(timestamptz_to_str(at))),
				 errhint("Carry over the timelines that they came from.")));
	points_restore(walk);
}

/* points_carry_over(timeline, policy, at) */
Datum
loyalty_points_carry_over(PG_FUNCTION_ARGS)
{
	TimestampTz at = argument_instant(fcinfo, 2, "at");
	PointsCall *call = points_call(fcinfo, POINTS_KEEP_EVENTS, note_move, false);
	PointsLimit limit = { .at = at, .step = POINTS_STEP_EXPIRE };
	Carried carried = { .last_earned = DT_NOBEGIN,
						.last_redeemed = DT_NOBEGIN,
						.frozen_at = DT_NOBEGIN };
	PointsWalk *walk;
	const PointsTotals *totals;
	ByteBuffer out;

	if (call == NULL)
		PG_RETURN_NULL();
	walk = call->walk;
	carried.kind = carry_kind(call->policy);
	carried.books_expiry = call->policy->books_expiry;
	call->reading = &carried;
	points_walk_until(walk, limit);
	come_in(walk, at);

	carry_lots(&carried, walk);
	if (call->policy->has_grace)
		carry_expired(&carried, walk, at);
	carry_debts(&carried, walk);
	if (carried.books_expiry)
		carry_unbooked(&carried, walk, kind_of_role(call->policy, POINTS_EXPIRE));
	add_known_of_all(&carried, BROUGHT_EARNED, later_of(carried.last_earned, walk, BROUGHT_EARNED));
	add_known_of_all(&carried, BROUGHT_REDEEMED,
					 later_of(carried.last_redeemed, walk, BROUGHT_REDEEMED));
	add_known_of_all(&carried, BROUGHT_OVERDRAWN, points_walk_overdrawn_since(walk));
	add_known_of_all(&carried, BROUGHT_HELD, held_since(walk));
	if (points_walk_is_frozen(walk))
		add_known_of_all(&carried, BROUGHT_FROZEN,
						 later_of(carried.frozen_at, walk, BROUGHT_FROZEN));
	totals = points_walk_totals(walk);
	carry_sum(&carried, totals->pending + totals->active + totals->blocked - totals->overdrawn, at);

	timeline_datum_begin(&out, 64 + carried.n * 8);
	timeline_encode(&out, carried.events, carried.n, points_walk_scale(walk));
	PG_RETURN_DATUM(timeline_datum_end(&out));
}
