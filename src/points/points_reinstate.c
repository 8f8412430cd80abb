/*
 * points_reinstate.c
 *		What has expired, and how an event brings it back while the policy's time of grace lasts.
 *
 * What each expiry took from a lot is noted, in order. Nobody looks at it twice: what was
 * brought back, and what is too old, is passed by for good. So all reinstatements of a customer
 * together take as many steps as there were expiries, and those by ref as many again.
 *
 * What comes back becomes a lot of its own, which expires anew: the old one may be in the midst of
 * a queue by its expiry.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "core/decimal.h"
#include "points/points_steps.h"

/* ---- what expired ---- */

/* Puts it behind what was earned under the same ref. */
static void
note_by_ref(PointsWalk *walk, int32 number)
{
	PointsExpired *expired = &walk->expired[number];
	int32 ref = walk->lots[expired->lot].ref;

	if (ref < 0)
		return;
	expired->before_here = walk->refs.list[ref].last_expired;
	walk->refs.list[ref].last_expired = number;
}

void
points_note_expired(PointsWalk *walk, int32 lot, int64 points, TimestampTz at)
{
	int32 number = walk->nexpired;
	PointsExpired *expired;

	if (points == 0)
		return;
	walk->expired = array_grow_in(walk->events.context, walk->expired, &walk->max_expired,
								  (int64) number + 1, sizeof(PointsExpired));
	expired = &walk->expired[walk->nexpired++];
	expired->lot = lot;
	expired->before = walk->last_expired;
	expired->before_here = -1;
	expired->points = points;
	expired->at = at;
	walk->last_expired = number;
	if (walk->expired_by_ref)
		note_by_ref(walk, number);
}

const PointsExpired *
points_walk_expired(const PointsWalk *walk, int32 *n)
{
	*n = walk->nexpired;
	return walk->expired;
}

bool
points_walk_in_grace(PointsWalk *walk, const PointsExpired *expired, TimestampTz at)
{
	TimestampTz until = points_clock_grace_until(walk->clock, expired->at);

	return at < until || (at == until && walk->policy->valid_at_boundary);
}

/* ---- bringing it back ---- */

/* The ref under which an event finds something, in the list; -1: it goes for everything. */
static int32
find_ref(PointsWalk *walk, const PointsDue *due)
{
	int32 ref;
	int32 i;

	/* from now on, all refs are known */
	ref = lot_refs_find(&walk->refs, walk->lots, &due->ref);
	if (due->ref.type == EVENT_REF_NONE || ref < 0 || walk->refs.list[ref].earned == 0)
		return -1;
	if (!walk->expired_by_ref)
	{
		walk->expired_by_ref = true;
		for (i = 0; i < walk->nexpired; i++)
		{
			note_by_ref(walk, i);
			CHECK_FOR_INTERRUPTS();
		}
	}
	return ref;
}

/* Where the last that may be brought back stands. */
static int32 *
last_of_chain(PointsWalk *walk, int32 ref)
{
	return ref < 0 ? &walk->last_expired : &walk->refs.list[ref].last_expired;
}

static int32 *
before_in_chain(PointsExpired *expired, int32 ref)
{
	return ref < 0 ? &expired->before : &expired->before_here;
}

/* Brings back up to so many points, the last that expired first; how many there were. */
static int128
bring_back(PointsWalk *walk, const PointsDue *due, int32 ref, int64 wanted, bool everything)
{
	int32 number = *last_of_chain(walk, ref);
	int32 first_new = walk->nexpired;
	int128 given = 0;

	/* what comes back and is over again at once isn't for this event */
	*last_of_chain(walk, ref) = -1;
	while (number >= 0 && (everything || given < wanted))
	{
		PointsExpired *expired = &walk->expired[number];
		int64 points = 0;

		if (points_walk_in_grace(walk, expired, due->at))
			points = everything ? expired->points : (int64) Min(expired->points, wanted - given);
		expired->points -= points;
		/* done with, or too old */
		if (points == 0 || expired->points == 0)
			number = *before_in_chain(expired, ref);
		given += points;
		if (points > 0)
			points_bring_back(walk, due, expired->lot, points);
		CHECK_FOR_INTERRUPTS();
	}
	if (walk->nexpired > first_new)
		*before_in_chain(&walk->expired[first_new], ref) = number;
	else
		*last_of_chain(walk, ref) = number;
	return given;
}

void
points_reinstate(PointsWalk *walk, const PointsDue *due)
{
	bool everything = due->value == 0;
	int64 wanted = due->value < 0 ? -due->value : due->value;
	int128 given = bring_back(walk, due, find_ref(walk, due), wanted, everything);

	if (given > PG_INT64_MAX)
		decimal_report_sum(POINTS_SUM);
	walk->totals.reinstated += given;
	walk->totals.brought_back += given;
	if (everything ? given == 0 : given < wanted)
		walk_emit_event(walk, POINTS_MOVE_BEYOND, due, everything ? 0 : wanted - (int64) given);
	walk_finish(walk, due, everything ? (int64) given : wanted);
}
