/*
 * points_state.h
 *		The state of a walk, shared by the files that are the engine:
 *
 *		points_walk.c	what comes next: events of one instant, or something that falls due
 *		points_feed.c	events that somebody else makes; suspension
 *		points_roles.c	what an event of each role does
 *		points_lots.c	moves on lots, which both are made of
 *		points_moves.h	those of them that most events consist of, inline
 *		points_refs.c	what was earned and redeemed under a ref
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

/* Which lots belong into them. */
static const LotMembers walk_members[WALK_QUEUES] = {
	[QUEUE_SPEND] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_EXPIRY] = LOTS_WITH_POINTS,
	[QUEUE_ACTIVATE] = LOTS_PENDING,
	[QUEUE_NEWEST] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_PENDING] = LOTS_PENDING_WITH_POINTS,
	[QUEUE_SOONEST] = LOTS_ACTIVE_WITH_POINTS,
	[QUEUE_ALL] = LOTS_WITH_POINTS,
};

/* The bit in PointsLot.queued for the queue of the lot's ref. */
#define REF_QUEUE_BIT (1 << WALK_QUEUES)

/* An earning or a redemption under a ref. */
typedef struct RefUse
{
	RefKey key;
	int32 lot;		   /* -1: a redemption */
	int32 first_piece; /* of those that it took, which follow each other */
	int32 npieces;
	int64 debt; /* what it took that wasn't there */
} RefUse;

/* What was earned and redeemed under one ref. */
typedef struct RefState
{
	int32 lot;		  /* the only lot earned under it; -1: none, or several */
	LotQueue *lots;	  /* several, newest first */
	int32 last_piece; /* of a redemption; -1: none */
	int128 debt;	  /* what its redemptions took that wasn't there */
} RefState;

/* What a redemption took from a lot, remembered for its refund. */
typedef struct Piece
{
	int32 lot;
	int32 before; /* the piece before it under the same ref; -1: none */
	int64 points; /* not refunded yet */
} Piece;

/* What the roles need of an event. */
typedef struct Due
{
	TimestampTz at;
	int64 value;
	int32 number;
	PointsRole role; /* POINTS_ROLES: not in the policy; set late where the sign decides */
	int32 kind_no;
	int32 label_no;
	bool has_expiry;
	TimestampTz expires_at; /* of its own; see has_expiry */
	RefKey ref;
} Due;

/* An event's points, whatever their sign. */
static inline int64
due_points(const Due *due)
{
	return due->value < 0 ? -due->value : due->value;
}

/* Events that are read at once. */
#define WALK_AHEAD 32

/* Parts of the totals that most events change, as they came together since the last look. */
typedef struct WalkSums
{
	int64 earned;
	int64 redeemed;
	int64 expired;
	int64 active;
} WalkSums;

/* Dictionaries up to this size are read without an allocation. */
#define WALK_TEXTS 64

struct PointsWalk
{
	const PointsPolicy *policy;
	PointsClock *clock;
	PointsSink sink;
	void *sink_context;
	MemoryContext context;
	const char *customer;

	TimelineReader reader; /* of a timeline; fed from outside there is just its scale */
	bool fed;			   /* from outside */
	const EventText *labels;
	int nlabels;
	bool is_plain; /* instants and values only: no kinds, labels, refs, expiries, events to keep */
	PointsRole *roles; /* by 2 x kind_no, plus 1 if negative; POINTS_ROLES: not in the policy */
	int max_kinds;

	/*
	 * Events read ahead: those from next up to ahead_end, of which the last one isn't worked off
	 * before there is another one behind it. At the end that is one at DT_NOEND.
	 */
	Due *next;
	Due *ahead_end;
	Due *ahead;
	int max_ahead;
	int32 nread;
	Event *events; /* all events that were read; NULL: nobody asks for them */
	int32 max_events;

	TimestampTz next_due;	/* nothing falls due before */
	bool suspended;			/* nothing expires */
	TimestampTz resumed_at; /* what was overdue expires there; DT_NOBEGIN: never suspended */
	PointsLot *lots;
	int32 nlots;
	int32 max_lots;
	LotQueue queues[WALK_QUEUES];
	uint32 filled;			/* queues that are kept up, as bits */
	uint32 filled_at_first; /* the others are filled once somebody asks for them */
	WalkQueue expiry;		/* the one that tells what expires next */

	RefUse *uses; /* of refs, before the first look-up; from then on they go to refs at once */
	int32 nuses;
	int32 max_uses;
	bool refs_known;
	RefTable ref_numbers;
	RefState *refs;
	int32 max_refs;
	MemoryContext ref_context; /* queues of refs, one customer's */
	Piece *pieces;
	int32 npieces;
	int32 max_pieces;

	PointsTotals totals;
	WalkSums sums;	 /* what isn't in them yet */
	int128 unbooked; /* computed expiries that the ledger hasn't booked yet, if it books any */
	TimestampTz last_activity;
	TimestampTz last_refresh; /* DT_NOBEGIN: inactivity isn't armed */
	TimestampTz inactive_at;  /* computed from last_refresh, unless ... */
	bool inactive_known;	  /* ... not yet */

	EventText texts[WALK_TEXTS];
};

/* ---- points_walk.c ---- */

/* Starts over with a customer. */
extern void walk_start_over(PointsWalk *walk, const char *customer);

/* Works off what falls due up to a limit, in order. */
extern void walk_run_due(PointsWalk *walk, PointsLimit limit);

/* ---- points_lots.c ---- */

/* Reports a move to the sink. */
extern void walk_tell(PointsWalk *walk, PointsMoveType type, PointsRole role, TimestampTz at,
					  int32 lot, int32 event, int64 points);

/* Fills a queue that nobody asked for before. */
extern void walk_fill_queue(PointsWalk *walk, WalkQueue queue);

/* Puts a lot into the queues that were filled by somebody. */
extern void walk_enqueue_further(PointsWalk *walk, int32 lot);

/* Makes room for another lot. */
extern void walk_grow_lots(PointsWalk *walk);

/* A lot that has become available pays back debts first. */
extern void walk_repay(PointsWalk *walk, int32 number, PointsRole role, TimestampTz at,
					   int32 event);

/* Gives points back to the lot that they were taken from. */
extern void walk_restore(PointsWalk *walk, int32 number, const Due *due, int64 points);

/* Takes up to so many points from the lots of a queue, in its order; returns how many there were.
 */
extern int64 walk_take(PointsWalk *walk, WalkQueue queue, const Due *due, int64 points);

/* Adds to the debt. */
extern void walk_overdraw(PointsWalk *walk, const Due *due, int64 points);

/* What falls due: what is left of all lots is gone; a lot can be spent. */
extern void walk_expire_everything(PointsWalk *walk, TimestampTz at);
extern void walk_activate(PointsWalk *walk, int32 number);

/* ---- points_refs.c ---- */

/* Notes what was earned under a ref: a lot; or redeemed: the pieces from first_piece on, and a
 * debt. */
extern void walk_note_lot(PointsWalk *walk, const RefKey *key, int32 lot);
extern void walk_note_redemption(PointsWalk *walk, const RefKey *key, int32 first_piece,
								 int64 debt);

/* What was noted under a ref; NULL: nothing. */
extern RefState *walk_find_ref(PointsWalk *walk, const RefKey *key);

/* The newest lot of a ref that has points; -1: none. */
extern int32 walk_first_of_ref(PointsWalk *walk, RefState *ref);

/* A lot has points again. */
extern void walk_restore_to_ref(PointsWalk *walk, int32 lot);

/* Forgets all refs: a new customer. */
extern void walk_forget_refs(PointsWalk *walk);

/* ---- points_roles.c ---- */

/* Error 22023: the policy doesn't allow a redemption that is more than there is. */
extern void walk_refuse(PointsWalk *walk, const Due *due) pg_attribute_noreturn();

/* Remembers what a redemption takes from a lot. */
extern void walk_note_piece(PointsWalk *walk, int32 lot, int64 points);

/* A redemption found less than it asked for. */
extern void walk_fall_short(PointsWalk *walk, const Due *due, int64 points);

/* Does what an event does that neither earns nor redeems. */
extern void walk_do_other(PointsWalk *walk, const Due *due);

#endif
