/*
 * program.h
 *		A whole programme: the rules (ProgramPolicy), and the one walk that replays them.
 *
 * A walk goes through a customer's events, amounts and facts, and has three others go beside
 * it, each by its own rules: earning, points, tiers. It brings them to an instant in turn, and
 * hands over what one has for the other:
 *
 *		timeline --> earning --- entries ------------------> points
 *					 |    ^								   |   ^
 *		counted		 |	  | the tier to earn at	 available |   | a tier that nothing
 *		amounts,	 v	  |								   v   | expires in
 *		orders		tiers <----------- or points ------------ tiers
 *
 *		program_walk_start(walk, body, NULL)
 *		program_walk_to_day(walk, day)
 *		... readings, further days ...
 *
 * No fmgr here. What the rules are in words: doc/reference-program.md.
 */
#ifndef LOYALTY_PROGRAM_H
#define LOYALTY_PROGRAM_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "points/points.h"
#include "earn/earn.h"
#include "tiers/tiers.h"

/* ---- the rules ---- */

/* What the tiers' metrics see. */
typedef enum ProgramMetric
{
	PROGRAM_SPEND,
	PROGRAM_POINTS,
	PROGRAM_ORDERS
} ProgramMetric;

/* What the programme itself may change from a day on; its parts have versions of their own. */
typedef struct ProgramVersion
{
	DateADT from;	/* the first: DATEVAL_NOBEGIN */
	bool *suspends; /* by rank: nothing expires; NULL where there are no tiers */
} ProgramVersion;

typedef struct ProgramPolicy
{
	ZoneDays *zone; /* that of all parts; NULL: the session's */
	EarnPolicy *earn;
	PointsPolicy *points;
	TierPolicy *tiers;	 /* NULL: none */
	EventText join_kind; /* that of the tiers, where there are any */
	ProgramMetric metric;
	bool pending_counts;	  /* PROGRAM_POINTS: points count when earned, not when available */
	bool suspends;			  /* some version has a tier in which nothing expires */
	int nversions;			  /* at least 1 */
	ProgramVersion *versions; /* ascending by from */
} ProgramPolicy;

/* The keys of its JSON (policy/policy.h). */
extern const struct PolicyTable program_policy_table;

/* Opens a detoasted program_policy datum in the current memory context. */
extern ProgramPolicy *program_policy_open(const struct varlena *policy);

/* How many tiers there are, and their names; without tiers there is one, without a name. */
extern int program_ntiers(const ProgramPolicy *policy);
extern const char *program_tier_name(const ProgramPolicy *policy, int rank);

/* Is there a kind that gives or takes points as in a points ledger, but redemptions? Then sums may
 * be below zero: more was adjusted than earned, more refunded than redeemed. */
extern bool program_has_ledger(const ProgramPolicy *policy);

/* ---- the walk (program_walk.c) ---- */

typedef struct ProgramWalk ProgramWalk;

typedef enum ProgramFault
{
	PROGRAM_GRANT_OF_NONE,	  /* a grant has no label, which names its tier */
	PROGRAM_GRANT_OF_UNKNOWN, /* ... or it isn't there */
	PROGRAM_GRANT_OVER,		  /* it ends before it begins */
	PROGRAM_FAULTS
} ProgramFault;

/* Called for a grant that gives nothing. */
typedef void (*ProgramFaultSink)(void *context, const Event *event, ProgramFault fault);

/*
 * Who wants to know what: each may be NULL. An entry of earning is told after its points have
 * gone to the lots; a move and a change as by their own walks, in the order of the programme.
 * Moves of an entry have the number of that entry, from 0 on, as their event; nothing else has one.
 */
typedef struct ProgramSinks
{
	EarnSink entry;
	PointsSink move;
	TierSink change;
	ProgramFaultSink fault; /* NULL: of the first two some are errors */
	void *context;
} ProgramSinks;

#define PROGRAM_WALK_EXPLAIN  0x01 /* entries are explained, and those without points told too */
#define PROGRAM_WALK_BY_LABEL 0x02 /* an order's points stand under several labels */
#define PROGRAM_WALK_KEEP	  0x04 /* the points' walk keeps its events */

/* Makes a walk in the current memory context, to be started for one customer after another. */
extern ProgramWalk *program_walk_create(const ProgramPolicy *policy, int flags,
										const ProgramSinks *sinks);

/* Starts over with a customer's body, which must stay; customer, if not NULL, is named in
 * errors. */
extern void program_walk_start(ProgramWalk *walk, ByteSpan body, const char *customer);

/* Goes on to the end of a local day, which isn't before that of the last call. */
extern void program_walk_to_day(ProgramWalk *walk, DateADT day);

/* There are no more events, and nothing that a year gives: what falls due goes on. To where nothing
 * does any more; what of it is in some day, program_walk_to_day() still tells. */
extern void program_walk_close(ProgramWalk *walk);
extern void program_walk_run_out(ProgramWalk *walk);

/*
 * Where he stands at the end of that day:
 *		issued = redeemed + expired + pending + blocked + balance
 */
typedef struct ProgramStanding
{
	int rank;		  /* TIER_NO_RANK: not a member yet */
	int amount_scale; /* of spend */
	int points_scale; /* of all points */
	int64 orders;	  /* begun */
	int128 spend;	  /* what counts: net of returns and of what was paid with points */
	int128 issued;	  /* earned, given as bonuses, adjusted and transferred; less what returns took
					   * back */
	int128 redeemed;  /* net of refunds */
	int128 expired;	  /* or forfeited */
	int128 pending;
	int128 blocked;
	int128 balance; /* to be spent; less than 0 where overdrawn */
} ProgramStanding;

extern void program_walk_standing(ProgramWalk *walk, ProgramStanding *standing);

/* When membership begins; DT_NOEND: never; DT_NOBEGIN: no events, a member all the time. Known
 * from the start. */
extern TimestampTz program_walk_member_since(const ProgramWalk *walk);

/* What splits up the points' moves; NULL without PROGRAM_WALK_BY_LABEL. Who hears the moves has all
 * of them split up. */
extern PointsShares *program_walk_shares(const ProgramWalk *walk);

/* The walks beside it, for their own readings. */
extern EarnWalk *program_walk_earn(const ProgramWalk *walk);
extern PointsWalk *program_walk_points(const ProgramWalk *walk);
extern TierWalk *program_walk_tiers(const ProgramWalk *walk); /* NULL: no tiers */

#endif
