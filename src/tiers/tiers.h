/*
 * tiers.h
 *		Tiers: the rules (TierPolicy), and the one walk that replays them.
 *
 * A walk goes through a customer's events and the instants at which something falls
 * due (a window's edge, the end of validity or of grace, a version's start, the end of
 * a grant), in order, and keeps the tier that he is in. Every question is a reading of
 * that walk where it stands, or of the changes that it reports while it goes on.
 *
 * There are two ranks: that of the rules, and the effective one, which is the larger of
 * it and of all grants that run. Rank 0 is the entry tier; who isn't a member yet has
 * TIER_NO_RANK.
 *
 *		A customer's timeline:					Events made elsewhere (programmes):
 *		tier_walk_timeline(walk, body, NULL)	tier_walk_start(walk, ...)
 *		tier_walk_to(walk, before)				tier_walk_texts(walk, ...)
 *		... readings, further limits ...		for each instant: tier_walk_begin(walk, at)
 *																  tier_walk_event(walk, ...) ...
 *																  tier_walk_end(walk)
 *												tier_walk_until(walk, before)
 *
 * Limits are exclusive: a walk to an instant has done everything before it. The end of a
 * day is the start of the next one (tier_day_end()); an instant, inclusive, is itself + 1.
 *
 * No fmgr here. What the rules are in words: doc/reference-tiers.md.
 */
#ifndef LOYALTY_TIERS_H
#define LOYALTY_TIERS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "calendar/calendar.h"
#include "core/decimal.h"
#include "timeline/timeline.h"

struct MetricNames;

#define TIER_NO_RANK	  (-1) /* not a member yet */

/* Instead of a tier's name, for TIER_NO_RANK. */
#define TIER_NOT_YET	  "not yet a member"

#define TIER_MAX_LEVELS	  100
#define TIER_MAX_MEASURES 32
#define TIER_MAX_SETS	  32

/* ---- the rules ---- */

typedef enum TierMeasureOf
{
	TIER_SUM,	 /* of values */
	TIER_EVENTS, /* their number */
	TIER_DAYS	 /* local days with an event */
} TierMeasureOf;

typedef enum TierWindow
{
	TIER_ROLLING,
	TIER_CALENDAR,
	TIER_MEMBERSHIP_YEAR,
	TIER_SINCE_TIER,
	TIER_LIFETIME
} TierWindow;

typedef struct TierMeasure
{
	const char *name;
	TierMeasureOf of;
	bool positive_only; /* TIER_SUM: negative values are left out */
	int nkinds;			/* 0: of any kind */
	EventText *kinds;	/* sorted */
	int nlabels;
	EventText *labels;
	TierWindow window;		 /* its own, or the policy's */
	const char *window_text; /* NULL: the policy's */
	bool rolls;				 /* what is above a threshold counts in the next period, too */
	Decimal roll_cap;		 /* at most so much; 0: all of it */
} TierMeasure;

typedef struct TierTest
{
	int measure;
	Decimal threshold; /* > 0, at its smallest scale */
} TierTest;

/* What reaching or keeping a tier needs. Without a test it can't be met. */
typedef struct TierCondition
{
	bool all; /* else any; false where there is just one */
	int ntests;
	TierTest *tests; /* in the order of measures; of sets, one set behind the other */
	int nsets;		 /* 0: none. Else any of the sets must hold, with all of its tests */
	int *set_ends;	 /* the number of the test behind each set */
} TierCondition;

typedef struct TierLevel
{
	TierCondition reach;
	TierCondition keep;
} TierLevel;

typedef enum TierValidity
{
	TIER_VALID_INTERVAL,
	TIER_VALID_PERIOD_END,
	TIER_VALID_NEXT_PERIOD_END,
	TIER_VALID_WHILE_QUALIFIED,
	TIER_VALID_FOREVER
} TierValidity;

typedef enum TierDowngrade
{
	TIER_TO_MEASURE,
	TIER_ONE_LEVEL,
	TIER_TO_ENTRY
} TierDowngrade;

/* What may change from a day on; a decision follows the version of its own local day. */
typedef struct TierVersion
{
	DateADT from;	   /* the first: DATEVAL_NOBEGIN */
	TierLevel *levels; /* of rank 1, 2, ... */
	bool exceeded;	   /* a threshold must be exceeded, not just reached */
	TierValidity valid;
	Interval valid_for; /* TIER_VALID_INTERVAL; what is added to the end of a period, if anything */
	TierDowngrade downgrade;
	bool has_grace;
	Interval grace;
} TierVersion;

typedef struct TierPolicy
{
	ZoneDays *zone;		/* NULL: the session's */
	int ntiers;			/* the entry tier included */
	const char **tiers; /* names by rank */
	int nmeasures;		/* at least 1 */
	TierMeasure *measures;
	TierWindow window;
	Interval rolling;		/* TIER_ROLLING: of the policy, or of a measure: there is one */
	CalendarPeriod *period; /* TIER_CALENDAR: the same; has no zone of its own */
	bool upgrade_at_period_end;
	EventText join_kind;
	EventText grant_kind;
	bool ignores_others; /* kinds that a measure without kinds doesn't know; else they are errors */
	int nversions;		 /* at least 1 */
	TierVersion *versions; /* ascending by from */
} TierPolicy;

/* The keys of its JSON (policy/policy.h). */
extern const struct PolicyTable tier_policy_table;

/* Opens a detoasted tier_policy datum in the current memory context. */
extern TierPolicy *tier_policy_open(const struct varlena *policy);

/* Adds the kinds and labels that its measures go by, and those of joining and of grants. */
extern void tier_policy_names(const TierPolicy *policy, struct MetricNames *names);

/* The rank of a tier's name; TIER_NO_RANK where there is no such tier. */
extern int tier_rank_of(const TierPolicy *policy, const char *name, int len);

/* The version in force on a local day. */
extern const TierVersion *tier_version_on(const TierPolicy *policy, DateADT day);

/* The zone that its days are in: its own, or the session's. */
extern ZoneDays *tier_policy_zone(const TierPolicy *policy);

/* The end of a local day as a limit: the first instant of the next. */
extern TimestampTz tier_day_end(const TierPolicy *policy, DateADT day);

/* ---- the walk ---- */

typedef enum TierReason
{
	TIER_JOINED,
	TIER_QUALIFIED,
	TIER_REQUALIFIED,
	TIER_LAPSED,
	TIER_SOFT_LANDING,
	TIER_GRACE_ENDED,
	TIER_GRANTED,
	TIER_GRANT_ENDED
} TierReason;

#define TIER_REASONS (TIER_GRANT_ENDED + 1)

/* "joined", "qualified", ...: as the history shows them. */
extern const char *const tier_reason_names[TIER_REASONS];

/*
 * A change of the effective rank. With TIER_WALK_HISTORY also where the rank stays and is
 * held for longer than promised before; only then is what follows 'reason' set.
 */
typedef struct TierChange
{
	TimestampTz at;
	int from_rank; /* TIER_NO_RANK: joined */
	int to_rank;
	TierReason reason;
	TimestampTz valid_until;	 /* as promised at that moment; DT_NOEND: open */
	TimestampTz promised_before; /* the same just before it, of from_rank */
	int measure;				 /* the one that decided */
	int128 value;				 /* its value, as judged; at tier_walk_scale(measure) */
	int64 event;				 /* number of the event that caused it; -1: time alone did */
} TierChange;

typedef struct TierWalk TierWalk;

/* Called for every change; the walk's ranks stand as they are after it. */
typedef void (*TierSink)(void *context, TierWalk *walk, const TierChange *change);

#define TIER_WALK_HISTORY 0x01 /* the sink wants renewals, and changes with all that is in them */

/*
 * Makes a walk in the current memory context, to be started for one customer after
 * another. A policy without a zone takes the session's as it is now. The sink may be NULL.
 */
extern TierWalk *tier_walk_create(const TierPolicy *policy, int flags, TierSink sink,
								  void *context);

/* -- through a timeline -- */

/* Starts over with a customer's body, which must stay; customer, if not NULL, is named in
 * errors. */
extern void tier_walk_timeline(TierWalk *walk, ByteSpan body, const char *customer);

/* Goes on up to a limit, which isn't before the one of the last call. */
extern void tier_walk_to(TierWalk *walk, TimestampTz before);

/* From here on there are no more events. */
extern void tier_walk_close(TierWalk *walk);

/* -- fed from outside -- */

/*
 * Starts over with a customer of whom this is known: the scale of the values to come, when
 * his membership begins (DT_NOEND: never; DT_NOBEGIN: he has no events and is a member in
 * the entry tier all the time), and the number of the event with which it does (-1: none).
 */
extern void tier_walk_start(TierWalk *walk, int scale, TimestampTz member_since, int64 join_event,
							const char *customer);

/* The texts that the kind_no and label_no of his events number, from 1 on; 0 is none. They must
 * stay, and hold for the next customer, too, until there are others. */
extern void tier_walk_texts(TierWalk *walk, const EventText *kinds, int nkinds,
							const EventText *labels, int nlabels);

/* Goes on, without events, up to a limit. */
extern void tier_walk_until(TierWalk *walk, TimestampTz before);

/* Comes to an instant of events: what falls due before it, and at it before its events. */
extern void tier_walk_begin(TierWalk *walk, TimestampTz at);

/* An event of that instant; instants in order, events in the timeline's. */
typedef struct TierEvent
{
	int kind_no;
	int label_no;
	bool has_value;
	int64 value;			/* at the scale given */
	TimestampTz expires_at; /* of grants; DT_NOEND: none */
	int64 number;			/* comes back in TierChange.event; 0 or more */
} TierEvent;

extern void tier_walk_event(TierWalk *walk, const TierEvent *event);

/* All events of the instant were given: they count. */
extern void tier_walk_end(TierWalk *walk);

/* ---- where it stands ---- */

/* The effective rank; TIER_NO_RANK: not a member yet. */
extern int tier_walk_rank(const TierWalk *walk);

/* Until when the effective tier is promised; DT_NOEND: open. */
extern TimestampTz tier_walk_valid_until(TierWalk *walk);

/* When membership began; DT_NOEND: not yet; DT_NOBEGIN: no events, a member all the time. */
extern TimestampTz tier_walk_member_since(const TierWalk *walk);

/* A measure's value at the last microsecond before the limit, and its scale. */
extern int128 tier_walk_value(TierWalk *walk, int measure);
extern int tier_walk_scale(const TierWalk *walk, int measure);

/* The next rank above the effective one that can be reached now; TIER_NO_RANK: none. */
extern int tier_walk_next_rank(const TierWalk *walk);

/* How much a measure lacks: units of 10^-scale, never below 0. */
typedef struct TierMissing
{
	bool asked; /* false: nobody asks for that measure */
	int128 units;
	int scale;
} TierMissing;

/*
 * What is missing on that day to reach the next tier, and to keep the effective one (to reach it,
 * where a grant lifts it above the rules): of one measure, or of the whole condition
 * (TIER_ANY_MEASURE): where any measure does, the least that is missing; where all must, the most;
 * of sets, the least of what each lacks. A measure in several sets has the number of the set that
 * lacks least. The most of measures of different scales is by number.
 */
#define TIER_ANY_MEASURE (-1)
extern TierMissing tier_walk_missing_to_next(TierWalk *walk, int measure);
extern TierMissing tier_walk_missing_as_of(TierWalk *walk, int measure);

/*
 * One of the ways to a rank above the effective one, and what is missing in it: a row of
 * tier_ways(). False: there are no more such numbers.
 */
typedef struct TierWay
{
	int way; /* from 1 on: a set of tests that must all hold */
	TierTest test;
	TierMissing missing;
} TierWay;

extern bool tier_walk_way(TierWalk *walk, int rank, int number, TierWay *way);

/*
 * What of a measure rolls over from a period into the next one. A walk with a sink of these
 * reports a period that it leaves, and on demand the one that it is in.
 */
typedef struct TierRollover
{
	DateADT period_start;
	DateADT period_end; /* the day after its last; DATEVAL_NOEND: none */
	bool has_ended;
	int measure;
	int128 rolled_in; /* of the value; these are at tier_walk_scale(measure) */
	int128 value;
	int128 rolls_over;
	int rank;				  /* attained by what the measures are */
	const Decimal *threshold; /* NULL: that rank doesn't ask for the measure */
} TierRollover;

typedef void (*TierRolloverSink)(void *context, TierWalk *walk, const TierRollover *rollover);

extern void tier_walk_watch_rollover(TierWalk *walk, TierRolloverSink sink);
extern void tier_walk_report_rollover(TierWalk *walk);

/*
 * What lies ahead, if nothing more happens: the effective rank once what is promised now has
 * ended, with the grace after it. And what must still be earned until then, in the last instant
 * before, to keep the tier: of each measure (where all must do, beside what is missing of the
 * others), and of the whole condition. Not asked: the tier's end is open, or no amount keeps it.
 *
 * The walk goes on to there: afterwards it can only be started over.
 */
typedef struct TierOutlook
{
	int projected_rank;
	TierMissing to_keep[TIER_MAX_MEASURES];
	TierMissing to_keep_it;
} TierOutlook;

extern void tier_walk_outlook(TierWalk *walk, TierOutlook *outlook);

#endif
