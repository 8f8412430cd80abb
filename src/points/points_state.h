/*
 * points_state.h
 *		The state of a walk, shared by the files that are the engine:
 *
 *		points_walk.c	what comes next: events of one instant, or something that falls due
 *		points_roles.c	what an event of each role does
 *		points_lots.c	moves on lots, which both are made of
 */
#ifndef LOYALTY_POINTS_STATE_H
#define LOYALTY_POINTS_STATE_H

#include "points/points_expiry.h"
#include "points/points_queue.h"

typedef enum WalkQueue
{
	QUEUE_SPEND,	/* active, in the order of redemption */
	QUEUE_EXPIRY,	/* all that expire */
	QUEUE_ACTIVATE, /* pending */
	QUEUE_NEWEST,	/* active, newest first: for returns */
	QUEUE_PENDING,	/* pending, newest first: for returns, and for what takes from everything */
	QUEUE_SOONEST,	/* active, soonest expiry first: for booked expiries */
	QUEUE_ALL,		/* all, oldest first: for inactivity */
	WALK_QUEUES
} WalkQueue;

/* The bit in PointsLot.queued for the queue of the lot's ref. */
#define REF_QUEUE_BIT (1 << WALK_QUEUES)

/* What was earned and redeemed under one ref. */
typedef struct RefState
{
	int32 lot;		  /* the only lot earned under it; -1: none, or several */
	LotQueue *lots;	  /* several, newest first */
	int32 last_piece; /* of a redemption; -1: none */
	int128 debt;	  /* what its redemptions took that wasn't there */
} RefState;

struct refs_hash;

/* What a redemption took from a lot, remembered for its refund. */
typedef struct Piece
{
	int32 lot;
	int32 before; /* the piece before it under the same ref; -1: none */
	int64 points; /* not refunded yet */
} Piece;

/* An event of the instant that is being worked off. */
typedef struct Due
{
	Event event;
	int32 number;
	PointsRole role;
	int64 points; /* as it has them */
} Due;

struct PointsWalk
{
	const PointsPolicy *policy;
	PointsClock *clock;
	PointsSink sink;
	void *sink_context;
	MemoryContext context;
	const char *customer;

	TimelineReader reader;
	Event next; /* the next event, read ahead */
	bool has_next;
	int32 nread;
	PointsRole *roles; /* by the timeline's number of the kind */
	int max_roles;

	Due *group; /* events of one instant */
	int max_group;
	Event *events; /* all events, where there is a sink to ask for them */
	int32 max_events;

	PointsLot *lots;
	int32 nlots;
	int32 max_lots;
	LotQueue queues[WALK_QUEUES];
	bool filled[WALK_QUEUES]; /* is the queue kept up? */

	struct refs_hash *refs; /* numbers of refs; NULL: nobody asked for one yet */
	RefState *ref_states;
	int32 nrefs;
	int32 max_refs;
	MemoryContext ref_context; /* queues of refs, one customer's */
	Piece *pieces;
	int32 npieces;
	int32 max_pieces;

	PointsTotals totals;
	int128 unbooked; /* computed expiries that the ledger hasn't booked yet */
	TimestampTz last_activity;
	TimestampTz last_refresh;	/* DT_NOBEGIN: inactivity isn't armed */
	TimestampTz inactive_at;	/* computed from last_refresh, unless ... */
	bool inactive_known;		/* ... not yet */
	TimestampTz inactive_bound; /* never later than inactive_at */
};

/* ---- points_lots.c ---- */

/* Reports a move to the sink, if there is one. */
extern void walk_emit(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at,
					  int32 lot, int32 event, int64 points);

/* ... one of an event's that touches no lot. */
extern void walk_emit_event(PointsWalk *walk, PointsMoveType type, const Due *due, int64 points);

/* The first lot of a queue, which is filled if nobody asked for it before; -1: none. */
extern int32 walk_first_lot(PointsWalk *walk, WalkQueue queue);

/* What was earned and redeemed under an event's ref; -1: it has none, or (unless create) nothing
 * was. */
extern int32 walk_find_ref(PointsWalk *walk, const Event *event, bool create);

/* The newest lot of a ref that has points; -1: none. */
extern int32 walk_first_of_ref(PointsWalk *walk, int32 ref);

/* Forgets all refs: a new customer. */
extern void walk_forget_refs(PointsWalk *walk);

/* Makes a lot of an event's points. */
extern void walk_make_lot(PointsWalk *walk, const Due *due, int64 points, bool may_pend);

/* Gives points back to the lot that they were taken from. */
extern void walk_restore(PointsWalk *walk, int32 number, const Due *due, int64 points);

/* Takes up to so many points from one lot, or from the lots of a queue in its order; returns how
 * many there were. */
extern int64 walk_take_from_lot(PointsWalk *walk, int32 number, const Due *due, int64 points);
extern int64 walk_take(PointsWalk *walk, WalkQueue queue, const Due *due, int64 points);

/* Adds to the debt. */
extern void walk_overdraw(PointsWalk *walk, const Due *due, int64 points);

/* What falls due: what is left of a lot is gone; of all lots; a lot can be spent. */
extern void walk_expire_lot(PointsWalk *walk, int32 number, TimestampTz at);
extern void walk_expire_everything(PointsWalk *walk, TimestampTz at);
extern void walk_activate(PointsWalk *walk, int32 number);

/* ---- points_roles.c ---- */

/* Does what an event does. */
extern void walk_work_off(PointsWalk *walk, const Due *due);

#endif
