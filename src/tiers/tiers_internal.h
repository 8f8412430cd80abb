/*
 * tiers_internal.h
 *		The state of a walk, which the files of the engine share:
 *
 *		tier_walk.c		what comes next, and what the rules decide then
 *		tier_window.c	the measures: what counts, what leaves the window, which period it is
 *		tier_standing.c	where it stands
 */
#ifndef LOYALTY_TIERS_INTERNAL_H
#define LOYALTY_TIERS_INTERNAL_H

#include "calendar/calendar.h"
#include "tiers/tiers.h"

/* ---- the rules made ready for a scale of values ---- */

/* A measure's value must be at least need, in units of its scale. */
typedef struct TierNeed
{
	int128 need;
	int measure;
} TierNeed;

typedef struct TierAsk
{
	bool all; /* else any */
	int nneeds;
	TierNeed first; /* needs[0], where there is one */
	TierNeed *needs;
} TierAsk;

/* What a rank asks; an array by rank. Rank 0 asks nothing. */
typedef struct TierRung
{
	TierAsk reach;
	TierAsk keep;
	int128 above; /* with less of the only measure no higher rank is reached */
	int128 moves; /* with less of the only measure neither is this rank renewed, nor a higher one
					 reached; both are below everything where there are several measures */
} TierRung;

/* A version of the rules. */
typedef struct TierTerms
{
	const TierVersion *rules;
	TimestampTz starts;
	Span valid; /* TIER_VALID_INTERVAL */
	Span grace; /* where there is one */
} TierTerms;

/* ---- a rolling window ---- */

/*
 * An event in the window. Those that may be near their end, whose exact end is known, are in
 * a heap beside:
 *
 *		entries:	gone ... | near: in the heap, or gone | to come, by instant
 *							 first_far ---------------------^
 *
 * Ends can be in another order than the events, by the hour that a clock is set back.
 */
typedef struct TierEntry
{
	TimestampTz at;
	int64 value;
	uint32 measures; /* those that it contributes to */
} TierEntry;

typedef struct TierEnd
{
	TimestampTz at;
	int64 entry;
} TierEnd;

/* Ends, the first on top. */
typedef struct TierHeap
{
	TierEnd *ends;
	int64 count;
	int64 size;
} TierHeap;

/* A local day that a measure has counted, and the entry that carries it. */
typedef struct TierDay
{
	DateADT day;
	int64 entry;
} TierDay;

/* Days come in order, but for an hour that is set back over midnight. */
#define TIER_LAST_DAYS 2
#define TIER_NO_DAY	   PG_INT32_MIN

/* A grant from before membership. */
typedef struct TierEarlyGrant
{
	int rank;
	TimestampTz until;
	int64 event;
} TierEarlyGrant;

#define TIER_PERIOD_SLOTS 64

typedef struct TierPeriodSlot
{
	int32 index;
	TimestampTz end;
} TierPeriodSlot;

struct TierWalk
{
	/* What it walks by; the same for all customers. */
	const TierPolicy *policy;
	ZoneDays *zone;
	bool history;
	TierSink sink;
	void *sink_context;
	MemoryContext context;
	TierTerms *terms; /* by version */
	TierRung **rungs; /* by scale, then version x tiers; made when they are asked for */
	bool has_periods;
	bool at_once;
	bool may_be_plain; /* a rolling sum of all values, and nobody looks but at the tier */
	Span window;
	Calendar calendar;
	TierPeriodSlot *periods; /* ends that were computed; TIER_CALENDAR */
	uint32 net;				 /* measures by what they measure */
	uint32 positive;
	uint32 events;
	uint32 days;

	/* The customer. */
	const char *customer;
	int scale;
	TierTerms *term; /* the version in force */
	TierRung *rung;	 /* its ranks */
	TimestampTz member_since;
	int64 join_event;
	bool is_member;
	TimestampTz now; /* everything up to here has happened; DT_NOBEGIN: nothing has */
	TimestampTz due; /* nothing falls due before */

	/* The state of the rules. */
	int rule_rank;
	TierRung *held;			 /* its rung */
	TimestampTz valid_from;	 /* validity began, or was renewed */
	TimestampTz valid_least; /* not after its end */
	Span *valid_span;		 /* lasts so long from there; NULL: another kind of validity */
	bool valid_known;		 /* its end is computed: */
	TimestampTz valid_until;
	bool valid_over;		 /* its end has been dealt with: grace runs, or ran */
	TimestampTz grace_until; /* DT_NOEND: none runs */

	/* Grants, and what is effective. */
	TimestampTz *granted_until; /* by rank: the latest end of those that began */
	int granted_rank;			/* the highest that runs; 0: none */
	TierEarlyGrant *early;
	int64 nearly;
	int64 max_early;
	int rank;
	TimestampTz shown_until; /* the effective tier's; only kept up for a history */

	/* The measures. */
	int128 *values;
	TierDay *last_days;		 /* TIER_LAST_DAYS for each measure */
	TimestampTz since;		 /* TIER_SINCE_TIER: events after it count */
	DateADT joined_day;		 /* TIER_MEMBERSHIP_YEAR */
	TimestampTz period_from; /* an instant in the period that it is in */
	TimestampTz period_end;	 /* DT_NOBEGIN: in none, no event yet */
	bool period_counted;	 /* something has counted in it; kept up where it decides at its end */
	TierEntry *entries;
	int64 nentries;
	int64 max_entries;
	int64 first_far;
	TierHeap near;
	TimestampTz *negatives; /* instants of entries that lower a measure, by instant */
	int64 nnegatives;
	int64 max_negatives;
	int64 first_far_negative;
	TierHeap near_negatives;

	/* The instant of events that is being worked off. */
	uint32 raised; /* measures that an event of it raised */
	int64 raised_event;
	int64 counted_event;
	int128 value_before; /* the first measure's */

	/* Texts of the customer's events. */
	uint32 *measures_of_kind; /* by kind_no: measures that count it */
	uint32 *measures_of_label;
	int64 max_kinds;
	int64 max_labels;
	int join_no; /* kind_no of the member facts; -1: no such kind */
	int grant_no;
	const EventText *labels;

	/* The timeline that it goes through. */
	MemoryContext texts; /* its dictionaries */
	bool has_texts;		 /* its events have kinds or labels */
	TimelineReader reader;
	bool plain; /* it may be, and there are just instants and values */
	TimestampTz next_at;
	TierEvent next; /* read ahead */
	bool has_next;
};

/* The version in force. */
static inline TierTerms *
tier_terms(const TierWalk *walk)
{
	return walk->term;
}

/* ---- tier_window.c ---- */

/* Forgets the customer's events. */
extern void tier_window_clear(TierWalk *walk);

/*
 * The days of these measures count an event of an instant, which will be the next entry: which it
 * carries, and which it raises.
 */
extern void tier_window_add_days(TierWalk *walk, TimestampTz at, uint32 measures, uint32 *carried,
								 uint32 *raised);

/* Notes an entry that will fall due by leaving. */
extern void tier_window_add_negative(TierWalk *walk, TimestampTz at);

/* Takes out what has left a rolling window; did something that lowered a measure leave? */
extern bool tier_window_leave(TierWalk *walk, TimestampTz at);

/* When the next one leaves, or the next that lowered a measure, if that is before a limit; else
 * a bound that is at or after the limit. */
extern TimestampTz tier_window_next_end(TierWalk *walk, TimestampTz before);
extern TimestampTz tier_window_next_negative_end(TierWalk *walk, TimestampTz before);

/* The end of the period that holds an instant, and of the one after that; DT_NOEND: none. */
extern TimestampTz tier_period_end(TierWalk *walk, TimestampTz at);
extern TimestampTz tier_next_period_end(TierWalk *walk, TimestampTz at);

/* Comes to the period that holds an instant: what counted in another one counts no more. */
extern void tier_period_enter(TierWalk *walk, TimestampTz at);

/* Counts anew, events after an instant. */
extern void tier_window_restart(TierWalk *walk, TimestampTz since);

/* Brings the measures to an instant. */
extern void tier_window_bring(TierWalk *walk, TimestampTz at);

/* ---- tier_walk.c ---- */

/* Until when the effective tier is promised; DT_NOEND: open. */
extern TimestampTz tier_effective_until(TierWalk *walk);

#endif
