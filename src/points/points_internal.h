/*
 * points_internal.h
 *		What the files of points share, each with those before it:
 *
 *		points_expiry.c		when points are gone, and can be spent
 *		points_lots.c		lots in an order, and what was earned and redeemed under a ref
 *		points_events.c		a customer's events, read ahead
 *		points_steps.h		what changes a lot, which roles are made of
 *		points_blocked.c	events that activate, block and unblock
 *		points_reinstate.c	events that bring back what has expired
 *		points_restore.c	what was carried over comes in
 *		points_roles.c		what an event of each other role does
 *		points_walk.c		the walk
 *		points_sql.c		questions about one customer, as he stands
 *		points_moves.c		... about what happened to his points
 *		points_shares.c		lots with several labels
 *		points_carry.c		... what he has, as a timeline
 *		points_booking.c	a walk's moves by period
 *		points_fold.c		the walks of everyone, into results
 *		points_result.c		what the results of metrics have in common
 *		points_method.c		how it is estimated how many points will be redeemed in the end
 *		points_tail.c		what comes behind the oldest age
 *		points_ladder.c		the estimates
 *		points_bootstrap.c	how far off they may be, by resampling
 *		points_redemption.c	of a triangle: rates, and
 *		points_liability.c	what they cost
 */
#ifndef LOYALTY_POINTS_INTERNAL_H
#define LOYALTY_POINTS_INTERNAL_H

#include "postgres.h"

#include "fmgr.h"

#include "core/ref.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "points/points.h"

/* ---- the clock: when points of a day are gone, and can be spent (points_expiry.c) ---- */

/*
 * Calendar arithmetic is dear, and what the rules ask for hardly depends on more than the local
 * day of an instant: an answer is computed once for a day, and looked up from then on.
 */

/* A slice of time is 2^36 microseconds, 19 hours: no more than two local days share in one. */
#define CLOCK_SLICE_BITS 36

/* So many questions are answered one by one: remembering pays with more. */
#define CLOCK_FEW		 32

/* Slices remembered in a table; a power of two. */
#define CLOCK_SLICES	 2048

/* Tables that may remember, of 64 kB each. */
#define CLOCK_TABLES	 512

/* An answer that isn't known; one that happens to be that is computed each time. */
#define CLOCK_UNKNOWN	 1

/* The answers for the instants of a slice. */
typedef struct ClockSlice
{
	int64 number;
	TimestampTz midnight; /* when its second day begins; DT_NOEND: it has one day */
	int64 before;
	int64 from;
} ClockSlice;

struct PointsClock;

/*
 * Computes an answer for an instant. all_day, if not NULL, becomes false where it isn't that of
 * its whole local day.
 */
typedef int64 (*ClockAnswer)(struct PointsClock *clock, const void *of, TimestampTz at,
							 bool *all_day);

/* Answers that depend on the local day of an instant. */
typedef struct ClockTable
{
	ClockSlice *slices;
	uint32 mask; /* number of slices less 1; at first a slice that is none stands for them */
	int asked;	 /* questions until then */
	ClockAnswer compute;
	const void *of;
} ClockTable;

typedef enum ClockForm
{
	CLOCK_NEVER,
	CLOCK_BY_DAY, /* depends on the local day of its start only: ends of that */
	CLOCK_BY_SPAN /* start plus span; where aligned, ends of that */
} ClockForm;

/* A rule of a version: the general one, or one of its labels; or that of a share of its lots. */
typedef struct ClockRule
{
	const PointsExpiry *expiry;
	ClockForm form;
	Span span;
	ClockTable ends;
	struct ClockRule *shares; /* of share 1 on; NULL: nobody has asked for them */
} ClockRule;

typedef struct ClockVersion
{
	ClockRule *rules;	  /* the general one, then those of its labels */
	bool pends;			  /* points have to wait for a while */
	bool until_activated; /* ... for an event */
	Span pending;
} ClockVersion;

/* Which rule a label of the customer has, in the version that was asked for last. */
typedef struct ClockLabel
{
	int version; /* -1: none yet */
	int rule;
} ClockLabel;

/* A policy's rules with what was computed from them before. */
typedef struct PointsClock
{
	const PointsPolicy *policy;
	ZoneDays *zone; /* of local days */
	MemoryContext context;
	ClockTable *ends; /* of all lots, by the local day of earning; NULL: it isn't that simple, as
						 where lots have shares */
	ClockRule *only;  /* the rule of all lots; NULL: there are several */
	bool pends;		  /* some points have to wait */
	bool has_shares;  /* some lots expire share by share */
	bool has_label_rules;
	int tables; /* that remember answers; so that a policy of many rules doesn't fill the memory */
	Span grace;
	ClockVersion *versions;
	ClockTable lapses;	  /* when points are gone for want of activity */
	int64 inactive_least; /* that isn't sooner */
	const EventText *labels;
	ClockLabel *label_rules;
	int64 max_labels;
} PointsClock;

extern PointsClock *points_clock_create(const PointsPolicy *policy);

/* The labels of the customer whose lots come now, by which expiries are asked for. */
extern void points_clock_set_labels(PointsClock *clock, const EventText *labels, int nlabels);

/* When a lot earned at that instant can be spent, where points have to wait; DT_NOEND: once an
 * event says so. */
extern TimestampTz points_clock_available_at(PointsClock *clock, TimestampTz earned_at);

/* Is the expiry of such a lot counted from when it can be spent? */
extern bool points_clock_from_activation(PointsClock *clock, TimestampTz earned_at, int label_no);

/* How many shares a lot earned at that instant has, which expire one after another; 1: it's whole.
 */
extern int points_clock_shares(PointsClock *clock, TimestampTz earned_at, int label_no);

/* When a share of it, from 0 on, is gone by the rules. */
extern TimestampTz points_clock_share_expires_at(PointsClock *clock, TimestampTz earned_at,
												 TimestampTz available_at, int label_no, int share);

/* Until when what expired at an instant can be brought back; DT_NOEND: for ever. */
extern TimestampTz points_clock_grace_until(PointsClock *clock, TimestampTz expired_at);

/* When points are gone for want of activity since an instant; DT_NOEND: never. */
extern TimestampTz points_clock_inactive_at(PointsClock *clock, TimestampTz last);

extern int64 points_clock_look_slow(PointsClock *clock, ClockTable *table, TimestampTz at);
extern TimestampTz points_clock_expires_at_slow(PointsClock *clock, TimestampTz earned_at,
												TimestampTz available_at, int label_no);

/* A table's answer for an instant. */
static inline int64
points_clock_look(PointsClock *clock, ClockTable *table, TimestampTz at)
{
	int64 number = at >> CLOCK_SLICE_BITS;
	const ClockSlice *slice = &table->slices[(uint32) number & table->mask];
	int64 answer = at < slice->midnight ? slice->before : slice->from;

	if (likely(slice->number == number && answer != CLOCK_UNKNOWN))
		return answer;
	return points_clock_look_slow(clock, table, at);
}

/* When a lot is gone by the rules; DT_NOEND: never. */
static inline TimestampTz
points_clock_expires_at(PointsClock *clock, TimestampTz earned_at, TimestampTz available_at,
						int label_no)
{
	if (likely(clock->ends != NULL))
		return points_clock_look(clock, clock->ends, earned_at);
	return points_clock_expires_at_slow(clock, earned_at, available_at, label_no);
}

/* A bound below points_clock_inactive_at(), which costs nothing. */
static inline TimestampTz
points_clock_inactive_bound(const PointsClock *clock, TimestampTz last)
{
	return last < DT_NOEND - clock->inactive_least ? last + clock->inactive_least : DT_NOEND;
}

/* ---- lots in an order: by expiry, by activation, oldest or newest first (points_lots.c) ---- */

/*
 * A queue has one of three forms, and goes on to the next one when it has to:
 *
 *		range	lots[head .. end) of the walk's own array, those with the queue's bit. Lots
 *				come in its order, as they do where all of them live equally long.
 *		list	numbers of lots, sorted; the first one is at the front, or where newer
 *				lots go first, at the end.
 *		heap	numbers of lots
 *
 * What happens to a lot elsewhere isn't noted here: lots that no longer belong into a
 * queue are dropped when they come to be its first.
 */

/* By what a queue is ordered; lots are numbered in the order in which they were earned. */
typedef enum LotOrder
{
	LOTS_BY_EXPIRY, /* then oldest */
	LOTS_BY_ACTIVATION,
	LOTS_OLDEST,
	LOTS_NEWEST
} LotOrder;

/* Which lots belong into it. */
typedef enum LotMembers
{
	LOTS_WITH_POINTS, /* pending or active, free or blocked */
	LOTS_WITH_FREE_POINTS,
	LOTS_PENDING, /* with or without points */
	LOTS_PENDING_WITH_POINTS,
	LOTS_ACTIVE_WITH_POINTS,
	LOTS_BLOCKED /* in part or wholly */
} LotMembers;

typedef enum LotForm
{
	LOTS_RANGE,
	LOTS_LIST,
	LOTS_HEAP
} LotForm;

/* So many lots that aren't in the queue may follow each other in a range, which looks at each. */
#define LOTS_GAP 64

typedef struct LotQueue
{
	LotForm form;
	int32 head;
	int32 end;
	int64 last;		 /* a range's: rank of the lot added last */
	uint16 bit;		 /* this queue's in PointsLot.queued */
	bool shares_bit; /* so that its lots can't be told by the bit: it is never a range */
	LotOrder order;
	int32 *numbers; /* of lots; the heap's root is at head */
	int64 max;
	MemoryContext context;
} LotQueue;

/* An empty queue, in the current memory context. Of those that share a bit a lot is in one. */
extern void lot_queue_init(LotQueue *queue, uint16 bit, bool shares_bit, LotOrder order);
extern void lot_queue_push_slow(LotQueue *queue, PointsLot *lots, int32 lot);
extern int32 lot_queue_first_slow(LotQueue *queue, LotMembers members, PointsLot *lots);

/* Forgets all lots; of a new customer's no lot has its bit. */
static inline void
lot_queue_clear(LotQueue *queue)
{
	queue->head = queue->end = 0;
	queue->last = PG_INT64_MIN;
	queue->form = queue->shares_bit || queue->order == LOTS_NEWEST ? LOTS_LIST : LOTS_RANGE;
}

/* By what lots are ordered; of equal ones the older one goes first. */
static inline int64
lot_rank(LotOrder order, const PointsLot *lot)
{
	return order == LOTS_BY_EXPIRY		 ? lot->expires_at
		   : order == LOTS_BY_ACTIVATION ? lot->waits_until
										 : 0;
}

/* Does a come before b? */
static inline bool
lot_before(LotOrder order, const PointsLot *lots, int32 a, int32 b)
{
	int64 rank_a = lot_rank(order, &lots[a]);
	int64 rank_b = lot_rank(order, &lots[b]);

	if (order == LOTS_NEWEST)
		return a > b;
	return rank_a < rank_b || (rank_a == rank_b && a < b);
}

/* Is anything left of it? */
static inline bool
lot_has_points(const PointsLot *lot)
{
	return lot->remaining > 0 || lot->blocked > 0;
}

static inline bool
lot_belongs(LotMembers members, const PointsLot *lot)
{
	switch (members)
	{
		case LOTS_WITH_POINTS:
			return lot_has_points(lot);
		case LOTS_WITH_FREE_POINTS:
			return lot->remaining > 0;
		case LOTS_PENDING:
			return lot->state == POINTS_LOT_PENDING;
		case LOTS_PENDING_WITH_POINTS:
			return lot->state == POINTS_LOT_PENDING && lot->remaining > 0;
		case LOTS_ACTIVE_WITH_POINTS:
			return lot->state == POINTS_LOT_ACTIVE && lot->remaining > 0;
		case LOTS_BLOCKED:
			return lot->blocked > 0;
	}
	return false;
}

/* Adds a lot that isn't there. */
static inline void
lot_queue_push_new(LotQueue *queue, PointsLot *lots, int32 lot)
{
	int64 rank = lot_rank(queue->order, &lots[lot]);

	lots[lot].queued |= queue->bit;
	if (likely(queue->form == LOTS_RANGE && (uint32) (lot - queue->end) <= LOTS_GAP &&
			   rank >= queue->last))
	{
		queue->end = lot + 1;
		queue->last = rank;
	}
	else
		lot_queue_push_slow(queue, lots, lot);
}

/* Adds a lot, unless it is there already. */
static inline void
lot_queue_push(LotQueue *queue, PointsLot *lots, int32 lot)
{
	if ((lots[lot].queued & queue->bit) == 0)
		lot_queue_push_new(queue, lots, lot);
}

/* Drops the first lot, which doesn't belong here any more, where that is just a step. */
static inline void
lot_queue_step(LotQueue *queue, PointsLot *lots, int32 lot)
{
	if (likely(queue->form == LOTS_RANGE && lot == queue->head))
	{
		lots[lot].queued &= (uint16) ~queue->bit;
		queue->head++;
	}
}

/* The first lot that belongs here; -1: none. It stays in the queue. */
static inline int32
lot_queue_first(LotQueue *queue, LotMembers members, PointsLot *lots)
{
	if (unlikely(queue->form != LOTS_RANGE))
		return lot_queue_first_slow(queue, members, lots);
	for (; likely(queue->head < queue->end); queue->head++)
	{
		PointsLot *lot = &lots[queue->head];

		if (likely(lot->queued & queue->bit))
		{
			if (likely(lot_belongs(members, lot)))
				return queue->head;
			lot->queued &= (uint16) ~queue->bit;
		}
	}
	return -1;
}

/* ---- debts, and what was earned and redeemed under a ref (points_lots.c) ---- */

typedef struct LotDebt
{
	PointsDebt debt;
	RefKey key;
	int32 before; /* the redemption's before it under the same ref; -1: none */
} LotDebt;

/* An earning or a redemption under a ref, or under none. */
typedef struct RefUse
{
	RefKey key;
	int32 lot;		   /* -1: a redemption */
	int32 first_piece; /* of those that it took, which follow each other */
	int32 npieces;
	int32 debt; /* what it took that wasn't there; -1: nothing */
} RefUse;

/* What was earned and redeemed under one ref. */
typedef struct LotRef
{
	int32 lot;			/* the only lot earned under it; -1: none, or several */
	LotQueue *lots;		/* several, newest first */
	LotQueue *blocked;	/* ... of which something is blocked; NULL: none so far */
	int128 earned;		/* points of all of them */
	int128 returned;	/* of these */
	int128 activated;	/* points earned by the last activation */
	int32 last_waiting; /* lot that waited when it was noted; -1: none */
	int32 last_piece;	/* of a redemption; -1: none */
	int32 last_debt;
	int32 last_expired; /* of its lots; -1: nothing */
} LotRef;

/* What a redemption took from a lot, at once or by its debt, remembered for its refund. */
typedef struct LotPiece
{
	int32 lot;
	int32 before; /* the piece before it under the same ref; -1: none */
	int64 points; /* not refunded yet */
} LotPiece;

/* The refs of a customer, and his debts. */
typedef struct LotRefs
{
	MemoryContext context;
	uint16 bit;			 /* in PointsLot.queued, for the queue of a lot's ref */
	uint16 blocked_bit;	 /* ... and for that of the blocked ones */
	bool keeps_waiting;	 /* somebody asks for lots that wait */
	int32 *waits_before; /* by lot: the one under the same ref before it that waits, too */
	int64 max_waits;
	bool known;	  /* somebody has looked for one: uses go to the table at once from then on */
	RefUse *uses; /* before that */
	int32 nuses;
	int64 max_uses;
	RefTable numbers;
	LotRef *list; /* at 0 what has no ref, then by 1 + number */
	int64 max_list;
	MemoryContext queues; /* of refs, one customer's; NULL: none yet */
	LotPiece *pieces;
	int32 npieces;
	int64 max_pieces;
	LotDebt *debts; /* in the order in which they were made */
	int32 ndebts;
	int64 max_debts;
	int32 first_debt; /* those before are paid back */
} LotRefs;

/* In the current memory context. */
extern void lot_refs_init(LotRefs *refs, uint16 bit, uint16 blocked_bit, bool keeps_waiting);

/* Forgets all of them: a new customer. */
extern void lot_refs_clear(LotRefs *refs);

/* Notes what was earned under a ref: a lot. */
extern void lot_refs_note_lot(LotRefs *refs, PointsLot *lots, const RefKey *key, int32 lot);

/* ... what a redemption takes from a lot; and what was redeemed under a ref, or none: the pieces
 * from first_piece on, and a debt (-1: none). */
extern void lot_refs_note_piece(LotRefs *refs, int32 lot, int64 points);
extern void lot_refs_note_redemption(LotRefs *refs, PointsLot *lots, const RefKey *key,
									 int32 first_piece, int32 debt);

/* Where in the list a ref stands, or none does; -1: nothing was noted under it. */
extern int32 lot_refs_find(LotRefs *refs, PointsLot *lots, const RefKey *key);

/* The same; it is there from then on. */
extern int32 lot_refs_add(LotRefs *refs, PointsLot *lots, const RefKey *key);

/* The newest lot of a ref that has free points; -1: none. Of which something is blocked. */
extern int32 lot_ref_first(LotRef *ref, PointsLot *lots);
extern int32 lot_ref_first_blocked(LotRef *ref, PointsLot *lots);

/* A lot has free points again; some of it are blocked. */
extern void lot_refs_restore(LotRefs *refs, PointsLot *lots, int32 lot);
extern void lot_refs_block(LotRefs *refs, PointsLot *lots, int32 lot);

/*
 * Takes the lots out that waited when they were noted, by now perhaps no more: the oldest one, -1:
 * none; the next one is refs->waits_before[].
 */
extern int32 lot_refs_take_waiting(LotRefs *refs, LotRef *ref);

/* A new lot has points of an older one: it belongs to the same ref, whose refs must be known. */
extern void lot_refs_add_part(LotRefs *refs, PointsLot *lots, int32 old, int32 lot);

/* A new debt, of which the number is returned. */
extern int32 lot_refs_add_debt(LotRefs *refs, const RefKey *key, const PointsDebt *debt);

/* The oldest one that is still owed, of which there is one. */
extern int32 lot_refs_oldest_debt(LotRefs *refs);

/* ---- events, read ahead (points_events.c) ---- */

/* What the roles need of an event. */
typedef struct PointsDue
{
	TimestampTz at;
	int64 value;
	int32 number;
	PointsRole role; /* POINTS_ROLES: not in the policy; set late where the sign decides */
	int32 kind_no;
	int32 label_no;
	bool has_expiry;
	bool has_value;			/* known of those that have a kind */
	TimestampTz expires_at; /* of its own; see has_expiry */
	RefKey ref;
} PointsDue;

/* Does a role do something without a value? */
static inline bool
points_role_needs_no_value(PointsRole role)
{
	return role == POINTS_REINSTATE || role == POINTS_ACTIVATE || role == POINTS_BLOCK ||
		   role == POINTS_UNBLOCK;
}

/* Dictionaries up to this size are read without an allocation. */
#define EVENTS_TEXTS 64

typedef struct PointsEvents
{
	const PointsPolicy *policy;
	MemoryContext context;
	const char *customer;  /* for errors */
	TimelineReader reader; /* of a timeline; fed from outside there is just its scale */
	bool is_plain; /* instants and values only: no kinds, labels, refs, expiries, events to keep */
	PointsRole *roles; /* by 2 x kind_no, plus 1 if negative; POINTS_ROLES: not in the policy */
	int64 max_roles;
	bool has_refunds;		/* there may be some */
	bool is_carried;		/* a kind of the timeline has the role POINTS_CARRY_OVER */
	TimestampTz carried_at; /* what stands before comes in then; DT_NOBEGIN: nothing does */
	int128 carried;			/* how many points, less what is owed */

	/*
	 * Events read ahead: those from next up to ahead_end, of which the last one isn't worked off
	 * before there is another one behind it. At the end that is one at DT_NOEND.
	 */
	PointsDue *next;
	PointsDue *ahead_end;
	PointsDue *ahead;
	int64 max_ahead;
	int32 nread;
	Event *kept; /* all events that were read; NULL: nobody asks for them */
	int64 max_kept;

	EventText texts[EVENTS_TEXTS];
} PointsEvents;

/* In the current memory context. */
extern void points_events_init(PointsEvents *events, const PointsPolicy *policy, bool keep);

/* A customer's; and one's who has none. */
extern void points_events_start(PointsEvents *events, ByteSpan body, const char *customer);
extern void points_events_start_empty(PointsEvents *events, int scale, const char *customer);

/* There are no more. */
extern void points_events_close(PointsEvents *events);

/* Keeps one that somebody else gives, by its number; labels are those that it numbers. */
extern void points_events_keep(PointsEvents *events, const PointsEvent *given,
							   const EventText *labels);

/* Reads further events behind those that wait for their turn, which come to the front. */
extern void points_events_read_ahead(PointsEvents *events);

/* The error that an event's kind isn't in the policy; of 0, that it has none. */
extern void points_events_report_kind(const PointsEvents *events, int kind_no)
	pg_attribute_noreturn();

static inline void
points_events_check_kind(const PointsEvents *events, const PointsDue *due)
{
	if (unlikely(due->role == POINTS_ROLES))
		points_events_report_kind(events, due->kind_no);
}

/* How many events there are at the next instant: they stand in the order of their roles. */
extern int points_events_together(PointsEvents *events);

/* ---- what was carried over (points_restore.c) ---- */

/*
 * In a timeline that was carried over at an instant, events before it aren't replayed: they are
 * what was there at that instant, and comes in with it. Each is as it was booked, less what is
 * gone: what makes a lot is what is left of it, what takes is what is owed, a booked expiry a
 * computed one that isn't booked yet (with its lot's instant, and as expires_at its own). The event
 * whose role is POINTS_CARRY_OVER has the sum, so that nothing else can be mistaken for it. Others
 * of that role have no value: their labels tell what else is known.
 */
typedef enum PointsBrought
{
	BROUGHT_EARNED,	   /* when something was earned last */
	BROUGHT_REDEEMED,  /* ... redeemed */
	BROUGHT_OVERDRAWN, /* since when something has been owed */
	BROUGHT_HELD,	   /* since when lots earned before are held again, without a refresh since */
	BROUGHT_FROZEN,	   /* since when what comes in is blocked */
	BROUGHT_AVAILABLE, /* of the lots of its instant and ref: they can be spent since its expiry */
	POINTS_BROUGHT
} PointsBrought;

extern const char *const points_brought_names[POINTS_BROUGHT];

/* An event of before; what is known of the lot that it makes. */
typedef struct PointsHeld
{
	PointsDue due;
	TimestampTz available_at; /* DT_NOBEGIN: as the rules have it */
	int64 blocked;			  /* so many of its points are */
} PointsHeld;

/* ---- the walk's state ---- */

typedef enum WalkQueue
{
	QUEUE_SPEND,	/* active, in the order of redemption */
	QUEUE_EXPIRY,	/* all that expire */
	QUEUE_ACTIVATE, /* pending */
	QUEUE_NEWEST,	/* active, newest first: for returns */
	QUEUE_PENDING,	/* pending, newest first: for returns, and for what takes from everything */
	QUEUE_SOONEST,	/* active, soonest expiry first: for booked expiries */
	QUEUE_ALL,		/* all, oldest first: for inactivity */
	QUEUE_BLOCKED,	/* of which something is blocked, newest first */
	WALK_QUEUES
} WalkQueue;

/* An empty lot got points back; noted where that may matter to inactivity. */
typedef struct LotGivenBack
{
	int32 lot;
	TimestampTz at;
} LotGivenBack;

/* Parts of the totals that most events change, as they came together since the last look. */
typedef struct WalkSums
{
	int64 earned;
	int64 redeemed;
	int64 expired;
	int64 active;
} WalkSums;

struct PointsWalk
{
	const PointsPolicy *policy;
	PointsClock *clock;
	PointsSink sink;
	void *sink_context;

	bool fed;			 /* from outside */
	bool notes_expiries; /* they may be booked, or brought back */
	bool knows_debts;	 /* one by one, since somebody listens, or refunds may cancel them */
	const EventText *labels;
	int nlabels;

	TimestampTz next_due;	/* nothing falls due before */
	bool suspended;			/* nothing expires */
	TimestampTz resumed_at; /* what was overdue expires there; DT_NOBEGIN: never suspended */
	PointsLot *lots;
	int32 nlots;
	int64 max_lots;
	LotQueue queues[WALK_QUEUES];
	uint32 filled;			/* queues that are kept up, as bits */
	uint32 filled_at_first; /* the others are filled once somebody asks for them */
	WalkQueue expiry;		/* the one that tells what expires next */

	LotRefs refs;		/* debts, and what was earned and redeemed under a ref */
	int128 returned;	/* of what was earned */
	PointsDue *refunds; /* of the instant at refunds_at, what they didn't give back yet */
	int nrefunds;
	int64 max_refunds;
	TimestampTz refunds_at;

	PointsTotals totals;
	WalkSums sums;	 /* what isn't in them yet */
	int128 unbooked; /* computed expiries that the ledger hasn't booked yet, if it books any */
	PointsExpired *expired; /* where it may be brought back */
	int32 nexpired;
	int64 max_expired;
	int32 last_expired; /* that may still be brought back; -1: none */
	bool expired_by_ref;
	TimestampTz last_activity;
	TimestampTz overdrawn_since; /* where something is owed */
	TimestampTz last_refresh;	 /* of which the deadline hasn't passed; DT_NOBEGIN: none */
	TimestampTz inactive_at;	 /* computed from last_refresh, unless ... */
	bool inactive_known;		 /* ... not yet */
	TimestampTz lapses_from;  /* without a refresh, points don't lapse before; DT_NOEND: none do */
	TimestampTz lapsing_at;	  /* when points lapse, before the booked expiry that takes some */
	int32 first_held;		  /* the lots before have nothing left that was earned with them */
	bool frozen;			  /* what comes in is blocked */
	int128 activated;		  /* points earned by the last activation of everything */
	int32 first_waiting;	  /* before, no lot waits that has points */
	LotGivenBack *given_back; /* ascending by at */
	int32 ngiven_back;
	int64 max_given_back;
	int32 first_given_back; /* those before have nothing left, or again something else */
	PointsHeld *held;		/* what was carried over */
	int64 max_held;
	bool restores_expired;				 /* those that come in are over, and booked on their own */
	TimestampTz brought[POINTS_BROUGHT]; /* what is known of before; see points_restore() */

	PointsEvents events; /* of a timeline */
};

/* ---- what happens on the walk (points_roles.c) ---- */

/* Does what an event does, which has its role. */
extern void points_work_off(PointsWalk *walk, PointsDue *due);

/*
 * Works off the next event, which is alone at its instant, and those behind it as long as they are,
 * too: up to an instant, until something falls due, or to the last one that was read. Of a plain
 * timeline's the sign decides.
 */
extern void points_work_off_alone(PointsWalk *walk, TimestampTz last);

/* Refunds of an instant give back what redemptions of the same instant took. */
extern void points_finish_refunds(PointsWalk *walk);

/* What is left of a lot is gone. */
extern void points_expire_lot(PointsWalk *walk, int32 number, TimestampTz at);

/* A deadline of inactivity has come: all that came in before is gone. */
extern void points_lapse(PointsWalk *walk, TimestampTz deadline, TimestampTz at);

/* When all points go for want of activity, if none comes; DT_NOEND: never. */
extern TimestampTz points_inactive_at(PointsWalk *walk);

/* A lot can be spent from now on, since its time has come. */
extern void points_activate(PointsWalk *walk, int32 number);

/* Events that activate, block and unblock (points_blocked.c). */
extern void points_release_event(PointsWalk *walk, const PointsDue *due);
extern void points_block_event(PointsWalk *walk, const PointsDue *due);
extern void points_unblock_event(PointsWalk *walk, const PointsDue *due);

/* Lots of points of an older one come in, as if earned by the event. */
extern void points_bring_back(PointsWalk *walk, const PointsDue *due, int32 old, int64 points);

/* The lot that will be the next one; -1: none. */
extern int32 points_first_to_activate(PointsWalk *walk);

/* ---- what has expired comes back (points_reinstate.c) ---- */

/* Notes what an expiry at an instant took from a lot. */
extern void points_note_expired(PointsWalk *walk, int32 lot, int64 points, TimestampTz at);

/* Does what an event of the role does. */
extern void points_reinstate(PointsWalk *walk, const PointsDue *due);
/* ---- what was carried over comes in (points_restore.c) ---- */

/* Finds out when the points of a timeline were carried over, and how many. */
extern void points_find_carry_over(PointsEvents *events);

/* The instant has come: all that stands before it comes in. */
extern void points_restore(PointsWalk *walk);

/* ... a lot, of what the event had; a debt; what pays debts; activity; lots held since then. */
extern void points_bring_lot(PointsWalk *walk, const PointsHeld *held, TimestampTz now);
extern void points_bring_debt(PointsWalk *walk, const PointsDue *due, TimestampTz now);
extern void points_bring_unbooked(PointsWalk *walk, const PointsDue *due, TimestampTz now);
extern void points_settle(PointsWalk *walk, TimestampTz now);
extern void points_bring_activity(PointsWalk *walk, TimestampTz at, bool refreshes);
extern void points_bring_held_since(PointsWalk *walk, TimestampTz since);

/* ---- SQL of one customer (points_sql.c) ---- */

/*
 * Arguments 0 and 1 of a call: timeline and policy. Starts the walk, which is made with these
 * flags; NULL where the timeline is NULL. A NULL policy is error 22004. The sink gets the
 * PointsCall as its context. A call that lists overdrafts isn't stopped by the first: 'refuse' is
 * as 'clip' there.
 */
extern PointsCall *points_call(FunctionCallInfo fcinfo, int flags, PointsSink sink,
							   bool lists_overdrafts);

/* The end of a local day. */
extern PointsLimit points_call_limit(PointsCall *call, DateADT day);

/* Goes on to there; from then on without events; and to where nothing falls due any more. */
extern void points_call_to_day(PointsCall *call, DateADT day);
extern void points_call_close(PointsCall *call);
extern void points_call_run_out(PointsCall *call);

/* A question to a timeline of points. */
extern Datum points_ask(FunctionCallInfo fcinfo, const PointsQuestion *question);

extern void points_put_points(Rows *rows, const PointsWalk *walk, int128 units);

/* ---- points of everyone ---- */

/*
 * What the metrics share, from the fold to reading their results:
 *
 *		timelines --> one walk each, to the end of as_of --> totals			--> points_totals
 *													 \-> moves, by period	--> points_rollforward
 *													 \-> moves, by lot		--> points_triangle
 */

/* Kinds of folds. */
typedef enum PointsMetric
{
	POINTS_TOTALS,
	POINTS_ROLLFORWARD,
	POINTS_TRIANGLE
} PointsMetric;

/* ---- sums of the tallies, in the order of their shapes ---- */

typedef enum TotalsSum
{
	TOTALS_MEMBERS,
	TOTALS_MEMBERS_WITH_BALANCE,
	TOTALS_MEMBERS_OVERDRAWN,
	TOTALS_EARNED,
	TOTALS_REINSTATED,
	TOTALS_ADJUSTED,
	TOTALS_TRANSFERRED,
	TOTALS_REDEEMED,
	TOTALS_RETURNED,
	TOTALS_EXPIRED,
	TOTALS_FORFEITED,
	TOTALS_PENDING,
	TOTALS_ACTIVE,
	TOTALS_OVERDRAWN,
	TOTALS_UNMET,
	TOTALS_BLOCKED, /* at the end: stored results have the others where they are */
	TOTALS_SUMS
} TotalsSum;

#define POINTS_SUM				 "points" /* in errors */

/* ---- what metrics are made of ---- */

/* Parameters of the shapes, in their order; totals have the first three. */
#define POINTS_PARAMETERS		 5
#define POINTS_TOTALS_PARAMETERS 3
extern const TallyParameter points_parameters[POINTS_PARAMETERS];

extern const MetricPolicy points_metric_policy;

#define POINTS_POLICY_ARGUMENT                                                   \
	{                                                                            \
		"policy", .type = METRIC_POLICY,                                         \
				  .null_hint = "Points that never expire are '{}', the default." \
	}

/* (policy, period, as_of, by_label) */
#define POINTS_PERIOD_ARGUMENTS 4
extern const MetricArgument points_period_arguments[POINTS_PERIOD_ARGUMENTS];

/* The fold (points_fold.c). */
extern void *points_fold_start(const MetricQuestion *question, Tally *tally);
extern void points_fold_customer(void *fold, ByteSpan body);
extern void points_fold_finish(void *fold, Tally *tally);

/* All that the metrics have in common. */
#define POINTS_METRIC                                                                       \
	.input = METRIC_TIMELINES, .policy = &points_metric_policy, .start = points_fold_start, \
	.customer = points_fold_customer, .finish = points_fold_finish

/* ---- the triangle (points_triangle.c) ---- */

extern const TallyShape points_triangle_shape;

/* The rows of one label and period of issue, by age. */
typedef struct PointsCohort
{
	TallyRow **row;
	TallyRow **end;
	int32 issued_in;
	int128 issued; /* less what was taken back */
	int128 redeemed;
	int128 expired;
	int128 outstanding;
} PointsCohort;

/* Takes the next cohort off the rows of a label, and adds it up, as of the end of a period; false
 * at the end. Cohorts of later periods are left out. */
extern bool points_cohort_next(PointsLabels *labels, int32 until, PointsCohort *cohort);

static inline int32
points_issued_in(const TallyRow *row)
{
	return (int32) row->key.numbers[1];
}

static inline int32
points_age(const TallyRow *row)
{
	return (int32) row->key.numbers[2];
}

/* ---- how redemptions to come are estimated (points_method.c) ---- */

typedef enum RedemptionBy
{
	REDEMPTION_CHAIN_LADDER,
	REDEMPTION_BORNHUETTER_FERGUSON,
	REDEMPTION_CAPE_COD
} RedemptionBy;

typedef enum RedemptionTail
{
	REDEMPTION_NO_TAIL,
	REDEMPTION_EXPONENTIAL_TAIL,
	REDEMPTION_INVERSE_POWER_TAIL
} RedemptionTail;

/* No method changes from a day on, but policies may. */
typedef struct RedemptionVersion
{
	DateADT from;
} RedemptionVersion;

#define REDEMPTION_NO_LAST_AGE (-1)

typedef struct RedemptionMethod
{
	int nversions; /* as PolicyTable has it; always 1 */
	RedemptionVersion *versions;
	RedemptionBy by;
	Decimal given_prior; /* as they were given; below zero: they weren't */
	Decimal given_prior_error;
	RedemptionTail tail;
	Decimal given_tail;
	Decimal given_tail_error;
	int last_age; /* at which points are gone */
	bool bootstraps;
	int replicates;
	int seed;

	/* the same as numbers */
	double prior_rate; /* NaN: none */
	double prior_error;
	double tail_factor; /* NaN: none is given */
	double tail_error;
} RedemptionMethod;

extern const struct PolicyTable redemption_method_table;

extern RedemptionMethod *redemption_method_open(const struct varlena *method);

/* The method in argument n of a call, as policy_argument() keeps it; NULL is 22004. */
extern const RedemptionMethod *redemption_method_argument(FunctionCallInfo fcinfo, int n);

/* ---- the chain ladder (points_ladder.c) ---- */

/* The points issued in one period. Periods in which nothing was issued may be left out. */
typedef struct DevelopmentCohort
{
	double issued;		 /* less what was taken back */
	double *redeemed;	 /* by the end of age 0, 1, ... */
	int32 ages;			 /* that are complete; 0: none */
	double redeemed_now; /* of which some may be in the age that isn't complete */
	double outstanding;
} DevelopmentCohort;

/* All in points. */
typedef struct DevelopmentEstimate
{
	double ultimate;	   /* points redeemed in the end */
	double expected;	   /* of these, still to come */
	double standard_error; /* of the ultimate; NaN where there are too few cohorts to tell */
	double lower;		   /* of the ultimate */
	double upper;
} DevelopmentEstimate;

typedef struct Ladder Ladder;

/*
 * Estimates each cohort and all of them together, whose error has what the cohorts
 * share. Cohorts may come in any order. Intervals hold with a confidence between 0 and 1, by the
 * normal distribution or the bootstrap's, and are cut to what is possible; where the error is
 * unknown they are all that is possible.
 */
extern void points_develop_redemptions(const DevelopmentCohort *cohorts, int32 ncohorts,
									   const RedemptionMethod *method, double confidence,
									   DevelopmentEstimate *estimates, DevelopmentEstimate *total);

/* What the ladder says of points by the end of so many ages: from 1 on. */
typedef struct DevelopmentStep
{
	double factor;		   /* to the next age; of the oldest age, the tail. NaN: unknown */
	double standard_error; /* of the factor; NaN: unknown */
	int32 cohorts;		   /* that it was seen by; 0 of a tail */
	double to_ultimate;	   /* the product of this factor and all behind it; NaN: unknown */
	double developed;	   /* what part of all redemptions is in by then; NaN: unknown */
} DevelopmentStep;

/* In the current memory context: the ladder as it stands, and how many ages it has. */
extern Ladder *points_ladder_open(const DevelopmentCohort *cohorts, int32 ncohorts,
								  const RedemptionMethod *method, int32 *ages);
extern DevelopmentStep points_ladder_step(const Ladder *ladder, int32 seen);
extern void points_ladder_free(Ladder *ladder);

/* ... for the bootstrap, which changes what was redeemed, and the numbers of the method: works the
 * factors out again, without their errors; and what it says then. */
extern void points_ladder_refit(Ladder *ladder);
extern double points_ladder_ultimate(const Ladder *ladder, const DevelopmentCohort *cohort);

/* ---- the tail (points_tail.c) ---- */

typedef struct DevelopmentTail
{
	double factor;	 /* from the oldest age to the end */
	double variance; /* of that factor; NaN: unknown */
	bool known;		 /* else the triangle is too short for a fit, and the factor 1 */
} DevelopmentTail;

/* factors[n]: from so many complete ages to the next, from 1 on, below ages; NaN: never seen. */
extern DevelopmentTail points_fit_tail(const RedemptionMethod *method, const double *factors,
									   int32 ages);

/* ---- the bootstrap (points_bootstrap.c) ---- */

/* Puts errors and intervals into estimates that are there. */
extern void points_bootstrap(const DevelopmentCohort *cohorts, int32 ncohorts,
							 const RedemptionMethod *method, double confidence,
							 DevelopmentEstimate *estimates, DevelopmentEstimate *total);

/* ---- a triangle, estimated (points_redemption.c) ---- */

/* Estimates are rounded to two decimals more than the points have. */
#define ESTIMATE_DECIMALS 2

/* Points issued in one period, or in all: exact, and at the scale of estimates. */
typedef struct DevelopmentLine
{
	const TallyKey *label; /* NULL: in all */
	int32 issued_in;
	int64 first; /* the lines that it stands for: itself, or more, up to below end */
	int64 end;
	int128 issued;
	int128 redeemed;
	int128 outstanding;
	int128 expected; /* to be redeemed */
	int128 expected_lower;
	int128 expected_upper;
	DevelopmentEstimate estimate;
} DevelopmentLine;

typedef struct Development
{
	const RedemptionMethod *method;
	double confidence;
	int points_scale;
	int scale; /* of the lines */
	double unit;
	int64 nlines; /* of the cohorts, label by label */
	int64 max_lines;
	DevelopmentLine *lines;
	int64 nlabels; /* ... and in all of each label */
	int64 max_labels;
	DevelopmentLine *labels;
	DevelopmentLine all;
} Development;

/* Lines in the order of the triangle's table, as of the end of a period, of which what came later
 * isn't known yet. In the current memory context. The rows are those of the tally. */
extern void points_develop(Development *development, const Tally *tally, TallyRow **rows,
						   int64 nrows, const MetricCalendar *calendar, int32 until,
						   const RedemptionMethod *method, double confidence);

/* The same of a whole result, as of its own day, whose calendar is told, too; confidence is
 * checked. */
extern void points_develop_result(Development *development, const Tally *tally,
								  MetricCalendar *calendar, const RedemptionMethod *method,
								  double confidence);

/* Begins a row with the columns that tell a line: label and issue_period, both NULL in all. */
extern void points_put_line(Rows *rows, const MetricCalendar *calendar,
							const DevelopmentLine *line);

/* A number of points, which has no more decimals than the triangle's. */
extern void points_put_whole(Rows *rows, const Development *development, int128 units);

#endif
