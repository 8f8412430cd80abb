/*
 * points.h
 *		Points: the rules (PointsPolicy), the one walk that replays them, and how what it reports
 *		is booked by period.
 *
 * A walk goes through a customer's events and the instants at which something
 * falls due, in order, and keeps his lots: what was earned, and what is left of
 * it. Every question is a reading of that walk: of the totals where it stands, of
 * the lots, or of the moves that it reports while it goes on. Its events are those of a
 * timeline, or of another walk that makes them.
 *
 * At one instant t things happen in the order of PointsStep; a walk stops at a
 * (t, step), everything up to and including which has happened.
 *
 * No fmgr here. What the rules are in words: doc/reference-points.md.
 */
#ifndef LOYALTY_POINTS_H
#define LOYALTY_POINTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

#include "calendar/calendar.h"
#include "core/rows.h"
#include "metric/cells.h"
#include "metric/metric.h"
#include "timeline/timeline.h"

struct MetricNames;

/* ---- the rules ---- */

/*
 * What an event does; in the order in which events of one instant do it. A refund first gives back
 * what redemptions of earlier instants took; the rest waits until those of its own have taken.
 */
typedef enum PointsRole
{
	POINTS_EARN,
	POINTS_ACTIVATE, /* what was earned need not wait any longer */
	POINTS_REDEEM_REFUND,
	POINTS_REINSTATE, /* without a value: everything */
	POINTS_ADJUST,
	POINTS_TRANSFER,
	POINTS_RETURN,
	POINTS_BLOCK, /* points stay where they are, and can't be spent */
	POINTS_UNBLOCK,
	POINTS_REDEEM,
	POINTS_FORFEIT,
	POINTS_EXPIRE,	   /* booked by the ledger */
	POINTS_CARRY_OVER, /* nothing: from its instant on counts what stands before it
						  (points_restore.c) */
	POINTS_IGNORE
} PointsRole;

#define POINTS_ROLES (POINTS_IGNORE + 1)

/* Their names in policies and statements. */
extern const char *const points_role_names[POINTS_ROLES];

typedef enum PointsAlign
{
	POINTS_ALIGN_NONE,
	POINTS_ALIGN_DAY,
	POINTS_ALIGN_MONTH,
	POINTS_ALIGN_QUARTER,
	POINTS_ALIGN_HALF_YEAR,
	POINTS_ALIGN_YEAR
} PointsAlign;

typedef enum PointsOrder
{
	POINTS_SOONEST_EXPIRY,
	POINTS_OLDEST,
	POINTS_NEWEST
} PointsOrder;

typedef enum PointsOverdraft
{
	POINTS_OVERDRAFT_ALLOW,
	POINTS_OVERDRAFT_CLIP,
	POINTS_OVERDRAFT_REFUSE
} PointsOverdraft;

/* When points of a lot are gone. Neither after nor on: never. */
typedef struct PointsExpiry
{
	bool has_after;
	bool from_activation; /* counted from when they can be spent, not from when they were earned */
	Interval after;
	PointsAlign align;
	int on_month; /* fixed annual date; 0: none */
	int on_day;
	int shares; /* that go one after another; 0: all at once */
	Interval every;
} PointsExpiry;

#define POINTS_MAX_SHARES 120

typedef struct PointsLabelRule
{
	EventText label;
	PointsExpiry expiry;
} PointsLabelRule;

/* What may change from a day on; a lot follows the version of its earning day. */
typedef struct PointsVersion
{
	DateADT from; /* the first: DATEVAL_NOBEGIN */
	PointsExpiry expiry;
	Interval pending;	  /* zero: can be spent at once, unless ... */
	bool until_activated; /* ... they wait for an event */
	int nlabels;
	PointsLabelRule *labels; /* sorted by label */
} PointsVersion;

typedef struct PointsKind
{
	EventText kind;
	PointsRole role;
} PointsKind;

typedef struct PointsPolicy
{
	ZoneDays *zone; /* NULL: the session's */
	int nkinds;
	PointsKind *kinds;		 /* sorted by kind */
	bool sign_decides;		 /* no kind has a role, but perhaps POINTS_CARRY_OVER */
	bool books_expiry;		 /* some kind is POINTS_EXPIRE */
	bool has_refunds;		 /* some kind is POINTS_REDEEM_REFUND */
	bool has_activations;	 /* some kind is POINTS_ACTIVATE */
	bool has_blocks;		 /* some kind is POINTS_BLOCK */
	int nversions;			 /* at least 1 */
	PointsVersion *versions; /* ascending by from */
	bool has_inactive;
	Interval inactive_after;
	bool refreshed_by_earn;
	bool refreshed_by_redeem;
	bool valid_at_boundary; /* points are valid at their expiry instant itself */
	bool has_grace;
	Interval grace; /* so long after it expired points can be brought back */
	bool returns_below_zero;
	bool returns_take;	  /* what goes beyond what was earned, too */
	bool refunds_new_lot; /* what goes beyond what was redeemed becomes a lot */
	PointsOrder order;
	PointsOverdraft overdraft;
} PointsPolicy;

/* The role of reinstatements needs that time. */
#define POINTS_GRACE_HINT "It says how long after they expired points can be brought back."

/* The keys of its JSON (policy/policy.h). */
extern const struct PolicyTable points_policy_table;

/* Opens a detoasted points_policy datum in the current memory context. */
extern PointsPolicy *points_policy_open(const struct varlena *policy);

/* Adds the kinds that it gives a role, and the labels that expire in their own time. */
extern void points_policy_names(const PointsPolicy *policy, struct MetricNames *names);

/* ---- the walk (points_walk.c) ---- */

typedef enum PointsStep
{
	POINTS_STEP_EXPIRE = 1, /* where the boundary is exclusive */
	POINTS_STEP_ACTIVATE = 2,
	POINTS_STEP_EVENTS = 3,		 /* by role */
	POINTS_STEP_EXPIRE_AFTER = 4 /* where points are valid at the boundary */
} PointsStep;

/* How far to walk. */
typedef struct PointsLimit
{
	TimestampTz at;
	PointsStep step;
} PointsLimit;

typedef enum PointsLotState
{
	POINTS_LOT_PENDING,
	POINTS_LOT_ACTIVE,
	POINTS_LOT_GONE /* expired; nothing is left */
} PointsLotState;

typedef struct PointsLot
{
	TimestampTz earned_at;
	TimestampTz available_at; /* DT_NOEND: nobody knows yet */
	TimestampTz expires_at;	  /* DT_NOEND: never */
	int64 points;
	int64 remaining;		 /* free ones */
	int64 blocked;			 /* these are left, too */
	TimestampTz waits_until; /* of a lot that waits: when it needn't any longer without an event */
	int32 event;			 /* number of the event that made it, for points_walk_event() */
	int32 label_no;			 /* of its label in points_walk_labels(), plus 1; 0: none */
	int32 ref;				 /* number of its ref in the walk; -1: none */
	uint8 state;			 /* PointsLotState */
	uint8 share : 7;		 /* of those that expire one after another, from 0 on */
	uint8
		expires_later : 1; /* while it waits: its expiry is counted from when it doesn't any more */
	uint16 queued;		   /* which queues it is in */
	TimestampTz held_since; /* when what is left came in: earned, or given back when nothing was */
} PointsLot;

/*
 * Columns of the summary; for the identity see doc/reference-points.md:
 * earned + reinstated + adjusted + transferred
 *	 = redeemed + returned + expired + forfeited + pending + active + blocked - overdrawn
 */
typedef struct PointsTotals
{
	int128 earned;
	int128 reinstated;
	int128 brought_back; /* of these: what had expired; refunds gave back the rest */
	int128 adjusted;
	int128 transferred;
	int128 redeemed;
	int128 returned;
	int128 expired;
	int128 forfeited;
	int128 unmet;
	int128 pending;
	int128 active;
	int128 blocked;
	int128 overdrawn;
} PointsTotals;

typedef enum PointsMoveType
{
	POINTS_MOVE_LOT, /* a lot was made (earn, adjust, transfer, refund beyond what was taken; of
						what had expired, with the earning of its lot: reinstate) */
	POINTS_MOVE_ACTIVATE,	 /* a lot need not wait any longer: what of it is free can be spent */
	POINTS_MOVE_REPAY,		 /* a lot paid back a debt, or some of it */
	POINTS_MOVE_TAKE,		 /* an event took from a lot */
	POINTS_MOVE_OVERDRAW,	 /* an event took what isn't there: a debt */
	POINTS_MOVE_UNMET,		 /* a redemption was clipped */
	POINTS_MOVE_BEYOND,		 /* an event asks for more than there is; 0: there was nothing at all */
	POINTS_MOVE_RESTORE,	 /* a refund gave back to a lot */
	POINTS_MOVE_CANCEL_DEBT, /* a refund cancelled a debt of its redemption */
	POINTS_MOVE_BLOCK,		 /* points of a lot were blocked */
	POINTS_MOVE_UNBLOCK,	 /* ... are free again */
	POINTS_MOVE_EXPIRE,		 /* what is left of a lot is gone, by the rules */
	POINTS_MOVE_MATCH,		 /* a booked expiry met computed ones */
	POINTS_MOVE_UNBOOKED,	 /* a computed expiry was carried over that isn't booked yet */
	POINTS_MOVE_DONE /* an event is through; points as the event has them, a refund's in parts */
} PointsMoveType;

typedef struct PointsMove
{
	PointsMoveType type;
	PointsRole role; /* of the event; POINTS_EXPIRE for computed expiries, POINTS_EARN for
					  * activations that fell due */
	TimestampTz at;
	int32 lot;	   /* -1: none */
	int32 event;   /* -1: none (something fell due) */
	int32 debt;	   /* that was made, paid or cancelled, for points_walk_debt(); -1: none */
	int32 of;	   /* of a lot that was made, the older one whose points come back; -1: none */
	int64 points;  /* positive; 0 of a lot that need not wait, and is blocked */
	int64 blocked; /* so many of what is taken or gone were; beside those that need not wait */
} PointsMove;

/* What an event took that wasn't there. */
typedef struct PointsDebt
{
	TimestampTz at;
	int32 event;
	PointsRole role; /* of the event */
	int64 points;	 /* that are still owed */
} PointsDebt;

typedef struct PointsWalk PointsWalk;

/* Called for every move; the totals stand as they are after it. */
typedef void (*PointsSink)(void *context, PointsWalk *walk, const PointsMove *move);

/* Keep the events that were read, or given, for points_walk_event(). */
#define POINTS_KEEP_EVENTS 0x01

/*
 * Makes a walk in the current memory context, to be started for one customer after another.
 * A sink of NULL: nobody asks for the moves.
 */
extern PointsWalk *points_walk_create(const PointsPolicy *policy, int flags, PointsSink sink,
									  void *context);

/* Starts over with a customer's body; customer, if not NULL, is named in errors. */
extern void points_walk_start(PointsWalk *walk, ByteSpan body, const char *customer);

/* Goes on up to a limit, which isn't before the one of the last call. */
extern void points_walk_until(PointsWalk *walk, PointsLimit limit);

/*
 * From here on there are no more events: going on, a walk meets what falls due if nothing else
 * happens. To the end of it: the limit points_limit_instant(END_TIMESTAMP - 1).
 */
extern void points_walk_close(PointsWalk *walk);

/* The end of a local day, in the policy's zone; of an instant, inclusive. */
extern PointsLimit points_limit_day(const PointsPolicy *policy, DateADT day);
extern PointsLimit points_limit_instant(TimestampTz at);

extern const PointsTotals *points_walk_totals(PointsWalk *walk);

/* What can be spent, less debts. */
extern int128 points_walk_spendable(PointsWalk *walk);
extern int points_walk_scale(const PointsWalk *walk);
extern const PointsLot *points_walk_lots(const PointsWalk *walk, int32 *nlots);

/* The customer's labels, sorted by their bytes; NULL where there are none. */
extern const EventText *points_walk_labels(const PointsWalk *walk, int *nlabels);

/* One of them by its number, from 1 on; of 0 there are no bytes. */
extern EventText points_walk_label(const PointsWalk *walk, int32 label_no);

/* One of the events read, or given, so far; only with POINTS_KEEP_EVENTS. */
extern const Event *points_walk_event(const PointsWalk *walk, int32 event);

/* One of the debts made so far. */
extern const PointsDebt *points_walk_debt(const PointsWalk *walk, int32 debt);

/* Is what comes in blocked at once? */
extern bool points_walk_is_frozen(const PointsWalk *walk);

/* What an expiry took from a lot, where the policy lets it be brought back. */
typedef struct PointsExpired
{
	int32 lot;
	int32 before;	   /* it expired; -1: nothing did */
	int32 before_here; /* ... of what was earned under the same ref */
	int64 points;	   /* that weren't brought back */
	TimestampTz at;	   /* when it was over; see doc/reference-points.md */
} PointsExpired;

/* All of it, in order. */
extern const PointsExpired *points_walk_expired(const PointsWalk *walk, int32 *n);

/* Can it still be brought back at an instant? */
extern bool points_walk_in_grace(PointsWalk *walk, const PointsExpired *expired, TimestampTz at);

/* Since when something has been owed without a break; DT_NOEND: nothing is. */
extern TimestampTz points_walk_overdrawn_since(const PointsWalk *walk);

/* The last event that earned or redeemed; DT_NOBEGIN: none. */
extern TimestampTz points_walk_last_activity(const PointsWalk *walk);

/* ---- fed from outside ---- */

/*
 * Starts over with a customer whose events somebody else makes; scale is that of their values.
 * customer, if not NULL, is named in errors. points_walk_until() works off what falls due.
 */
extern void points_walk_feed(PointsWalk *walk, int scale, const char *customer);

/*
 * The texts that label_no of his events number, from 1 on. They must stay, and hold for the next
 * customer, too, until there are others.
 */
extern void points_walk_set_labels(PointsWalk *walk, const EventText *labels, int nlabels);

typedef struct PointsEvent
{
	TimestampTz at;
	PointsRole role; /* refunds and booked expiries only where the policy has a kind for them */
	int64 value;	/* signed as in a timeline; 0, which does nothing, is none of a reinstatement */
	int32 number;	/* comes back in moves and lots */
	int32 label_no; /* 0: none */
	bool has_expiry; /* of its own */
	TimestampTz expires_at;
	EventRefType ref_type;
	int64 ref_number;
	EventText ref_text; /* its bytes must stay */
	EventText kind;		/* with POINTS_KEEP_EVENTS; likewise */
	int document;		/* with POINTS_KEEP_EVENTS: the number of its kind, of which there should be
						 * one earning under a ref; 0: there may be several */
} PointsEvent;

/*
 * An event, not before the limit of the last points_walk_until(); what falls due up to it, step
 * POINTS_STEP_ACTIVATE included, comes first. Those of an instant in the order of roles: what is
 * left of its refunds is done with the first forfeit or booked expiry of the instant, with what is
 * given later, or by points_walk_until().
 */
extern void points_walk_give(PointsWalk *walk, const PointsEvent *event);

/* Nothing falls due before; DT_NOEND: nothing at all. */
extern TimestampTz points_walk_next_due(const PointsWalk *walk);

/*
 * Where the walk stands: suspended, nothing expires by the rules. Resumed at an instant, what is
 * overdue there is gone: expiries up to it (before it, where points are valid at the boundary),
 * and everything if inactivity fell due.
 */
extern void points_walk_suspend(PointsWalk *walk);
extern void points_walk_resume(PointsWalk *walk, TimestampTz at);

/* When it was resumed last; DT_NOBEGIN: never. */
extern TimestampTz points_walk_resumed_at(const PointsWalk *walk);

/* ---- questions about one customer (points_sql.c, points_moves.c) ---- */

typedef struct PointsShares PointsShares;
typedef struct PointsCall PointsCall;

/* How somebody else goes on, who feeds the walk. */
typedef struct PointsFeeder
{
	void (*to_day)(PointsCall *call, DateADT day); /* to the end of a local day */
	void (*close)(PointsCall *call);			   /* there are no more events */
	void (*run_out)(PointsCall *call);			   /* to where nothing falls due any more */
} PointsFeeder;

/* What a call site keeps of a policy (policy_argument()). */
struct PointsCall
{
	PointsPolicy *policy; /* with a zone: its own, or the session's */
	PointsWalk *walk;
	void *reading; /* what the sink reads for, in this call */
	MemoryContext context;
	Rows *record; /* of a function that returns one; NULL until asked for */
	bool has_limit;
	DateADT limit_day;
	PointsLimit limit;

	const PointsFeeder *feeder; /* NULL: the walk has its events of a timeline */
	void *feeding;				/* the feeder's own */
	bool tells_label;			/* rows that say when points expire have a label */
	PointsShares *shares;		/* rows are by label; NULL: lots have one, or it isn't asked */
};

/*
 * A question: the sink, whose context is the call, what of POINTS_KEEP_EVENTS the walk is made
 * with, and the answer of a call with the arguments (timeline, policy, ...), where NULL is that of
 * a NULL timeline.
 */
typedef struct PointsQuestion
{
	int flags;
	PointsSink sink;
	Datum (*answer)(FunctionCallInfo fcinfo, PointsCall *call);
} PointsQuestion;

extern const PointsQuestion points_expiring_question;
extern const PointsQuestion points_expiry_schedule_question;
extern const PointsQuestion points_lots_question;
extern const PointsQuestion points_movements_question;
extern const PointsQuestion points_daily_question;

/* ---- where the ledger breaks the rules (points_violations.c) ---- */

/*
 * Of a walk that keeps its events: each move is handed on, and once it has come to its end, so are
 * the findings, by number from 0 on. The policy has a zone, and refuses no overdraft: that of more
 * than there is would be an error.
 */
typedef struct PointsFindings PointsFindings;

typedef struct PointsViolation
{
	TimestampTz at;
	const Event *event; /* whose ref it has */
	const char *problem;
	int64 points;
} PointsViolation;

extern PointsFindings *points_findings_create(const PointsPolicy *policy);
extern void points_findings_start(PointsFindings *found); /* over, with another customer */
extern void points_find_violation(PointsFindings *found, PointsWalk *walk, const PointsMove *move);
extern void points_findings_end(PointsFindings *found, const PointsWalk *walk);
extern bool points_finding(const PointsFindings *found, const PointsWalk *walk, int64 number,
						   PointsViolation *violation);

/* ---- lots with several labels (points_shares.c) ---- */

/*
 * Points of an order may stand under several labels: its lot has so many under each. Whoever feeds
 * the walk announces what the lot of the next event is made of; whoever hears the moves has each
 * split up, all of them in order. What takes of a lot's free points, or blocks of them, takes of
 * its labels in proportion to what is free under each, what takes or frees blocked ones to what is
 * blocked; what a refund gives back goes to them in proportion to what redemptions took of each; in
 * whole units, by largest remainder.
 */

/* So many points under a label, by its number in the walk; 0: none. */
typedef struct PointsShare
{
	int32 label_no;
	int64 points;
	int64 remaining; /* points_shares_of_lot(): the blocked ones, too */
	int64 blocked;	 /* of these; of a move as the move's */
} PointsShare;

/* In the current memory context; starts over with a customer. */
extern PointsShares *points_shares_create(void);
extern void points_shares_start(PointsShares *shares);

/* What the event of a number, which is given next, will make a lot of: in the order of the labels,
 * each once. The list stays until it is given. A lot of which nothing was announced has the label
 * of its event. */
extern void points_shares_announce(PointsShares *shares, int32 event, const PointsShare *list,
								   int n);

/* A move of a lot by its labels, those that it touches; valid until the next call. */
extern const PointsShare *points_shares_split(PointsShares *shares, const PointsWalk *walk,
											  const PointsMove *move, int *n);

/* What a lot has under each of its labels; valid until the next call. */
extern const PointsShare *points_shares_of_lot(PointsShares *shares, const PointsWalk *walk,
											   int32 lot, int *n);

/* ---- booking moves by period (points_booking.c) ---- */

/*
 * A move is booked in the period that holds its instant; what expires on a period's edge,
 * where the boundary is exclusive, in the one that ends there, unless it was overdue when the
 * walk was resumed. So what is booked up to a period's end is what the walk gives at the end of
 * its last day.
 *
 * By label, a move is booked under the label of its lot, or split up over its labels. A debt stands
 * under none until a lot pays it back: then the amount moves to that lot's label, in the column of
 * the role that made the debt. In the triangle a debt is there when it is paid back, and counts for
 * the lot that does it.
 */
typedef struct PointsBooking PointsBooking;

/* In the current memory context. Days are those of the policy's zone. */
extern PointsBooking *points_booking_create(const PointsPolicy *policy,
											const CalendarPeriod *period, bool by_label);

/* From now on what is brought back of what had expired lowers that column of roll-forwards. */
extern void points_booking_net_expiries(PointsBooking *booking);

/* Moves are booked by labels as these split them up. */
extern void points_booking_share(PointsBooking *booking, PointsShares *shares);

/* Begins with a customer, whose walk was started: his moves go into these cells. */
extern void points_booking_start(PointsBooking *booking, const PointsWalk *walk, Cells *cells);

/* By (label, period). Redeemed to forfeited are what goes; pending and blocked are their changes.
 */
typedef enum RollforwardSum
{
	ROLLFORWARD_ISSUED,
	ROLLFORWARD_REINSTATED,
	ROLLFORWARD_ADJUSTED,
	ROLLFORWARD_TRANSFERRED,
	ROLLFORWARD_REDEEMED,
	ROLLFORWARD_RETURNED,
	ROLLFORWARD_EXPIRED,
	ROLLFORWARD_FORFEITED,
	ROLLFORWARD_PENDING,
	ROLLFORWARD_BLOCKED,
	ROLLFORWARD_SUMS
} RollforwardSum;

/* Books a roll-forward, a cell's sums by period: a sink whose context is the booking. */
extern void points_book_rollforward(void *context, PointsWalk *walk, const PointsMove *move);

/* By (label, period of issue, age in periods). */
typedef enum TriangleSum
{
	TRIANGLE_ISSUED,
	TRIANGLE_REDEEMED,
	TRIANGLE_EXPIRED,
	TRIANGLE_TAKEN_BACK,
	TRIANGLE_SUMS
} TriangleSum;

/* Books a triangle, likewise. */
extern void points_book_triangle(void *context, PointsWalk *walk, const PointsMove *move);

/* The text of a label's number in cells; 0: no label. */
extern EventText points_booking_label(const PointsBooking *booking, int32 label);

/* ---- results by label ---- */

/* The parameter by_label. */
#define POINTS_BY_LABEL_PARAMETER                                                    \
	{                                                                                \
		.name = "by_label", .is_json = true, .canonical = points_canonical_by_label, \
		.hint = "Either all of them are by label, or none."                          \
	}

extern char *points_canonical_by_label(const char *text);

/* What is wrong with the rows of a result by label and period, from outside; NULL: nothing so far,
 * and the calendar is there. */
extern const char *points_rows_fault(const Tally *tally, TallyRow *const *rows, int64 nrows,
									 MetricCalendar *calendar);

extern bool points_is_by_label(const Tally *tally);
extern bool points_same_label(const TallyRow *row, const TallyRow *other);

/* The rows of a result whose first key is a label, label by label; those without one come last. */
typedef struct PointsLabels
{
	TallyRow **row; /* of the label that the walk is at: from here to the end */
	TallyRow **end;
	TallyRow **next;
	TallyRow **unlabelled;
	TallyRow **labelled;
	TallyRow **all_end;
} PointsLabels;

extern void points_labels_open(PointsLabels *labels, const Tally *tally);

/* The same of its rows, which are sorted already. */
extern void points_labels_open_rows(PointsLabels *labels, TallyRow **rows, int64 nrows);
extern bool points_labels_next(PointsLabels *labels);

/* The triangle: what its results are made of, but for the parameters; its table. */
#define POINTS_TRIANGLE_KEYS 3
extern const TallyColumn points_triangle_keys[POINTS_TRIANGLE_KEYS];
extern const TallyColumn points_triangle_columns[TRIANGLE_SUMS];
extern const char *points_triangle_fault(const Tally *tally);
extern void points_triangle_put(FunctionCallInfo fcinfo, const Tally *tally);

/* A result of the type points_triangle_result with the rows of another shape's, by that policy. */
extern Tally *points_triangle_of(const Tally *from, const PointsPolicy *policy);

/* ---- from opening to closing ---- */

/*
 * The rows that the tables of roll-forwards have, whatever moves they tell apart:
 *
 *		period_start, period_end, complete, opening, what moved ..., closing, pending,
 *		blocked, as_of
 *
 * Where the rows of such a result have what: sums that come in, sums that go, and behind those the
 * changes of pending and of blocked.
 */
typedef struct PointsClosing
{
	int period_key;
	int first_out;
	int pending;
	int blocked;
	bool by_label; /* rows begin with the key's text */
} PointsClosing;

/* What is wrong with the periods of rows from outside; NULL: nothing so far. */
extern const char *points_closing_fault(const PointsClosing *closing, TallyRow *const *rows,
										int64 nrows, const MetricCalendar *calendar);

/* A row for each period from that of the first of these, of which there is one, to that of as_of.
 */
extern void points_closing_put(const PointsClosing *closing, Rows *rows,
							   const MetricCalendar *calendar, TallyRow *const *row,
							   TallyRow *const *end, int scale);

#endif
