/*
 * earn.h
 *		Earning: the rules (EarnPolicy), and the one walk that replays them.
 *
 * A walk goes through a customer's events, amounts and facts, in order, and tells its sink
 * what each earns or takes back: an EarnEntry. It keeps the orders that have a ref (lines and
 * returns may follow), what was counted against caps, and how many orders there were.
 *
 *		A customer's timeline:					Beside other walks (programmes):
 *		earn_walk_timeline(walk, body, NULL)	earn_walk_tiers(walk, ...)	once
 *												earn_walk_start(walk, reader, ...)
 *												for each instant of an event, and each that
 *												earn_walk_next_due() names:
 *													earn_walk_begin(walk, at)
 *													earn_walk_event(walk, ...) ...
 *													earn_walk_reckon(walk, ...)	if asked
 *													earn_walk_end(walk, tier)
 *												earn_walk_until(walk, before)
 *
 * The tier at which an instant's events earn is given when all of them are known: before or
 * after them is the caller's business. Nothing is earned until then, but for what time gives:
 * birthdays and anniversaries need no tier.
 *
 * No fmgr here. What the rules are in words: doc/reference-program.md.
 */
#ifndef LOYALTY_EARN_H
#define LOYALTY_EARN_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "calendar/calendar.h"
#include "core/decimal.h"
#include "core/rows.h"
#include "timeline/timeline.h"

struct MetricNames;

#define EARN_MAX_DECIMALS	 6	 /* of points, rates and multipliers */
#define EARN_MAX_MULTIPLIERS 100 /* of a version */
#define EARN_MAX_NTH		 100
#define EARN_NO_TIER		 (-1)

/* ---- the rules ---- */

/* What an event is. Those from EARN_GIVEN to EARN_EXPIRE, and redemptions, are a points ledger's,
 * and pass through. */
typedef enum EarnRole
{
	EARN_PURCHASE,
	EARN_RETURN,
	EARN_REDEMPTION,
	EARN_PAID_WITH_POINTS,
	EARN_JOIN,
	EARN_BIRTH,
	EARN_REFERRAL,
	EARN_GIVEN, /* earned elsewhere: "earn" */
	EARN_ACTIVATE,
	EARN_REFUND,
	EARN_REINSTATE, /* without a value: of everything; and those that block */
	EARN_ADJUST,
	EARN_TRANSFER,
	EARN_BLOCK,
	EARN_UNBLOCK,
	EARN_FORFEIT,
	EARN_EXPIRE,
	EARN_IGNORE,
	EARN_BY_SIGN, /* purchase or return; has no name */
	EARN_UNKNOWN  /* of a kind that nobody names */
} EarnRole;

typedef enum EarnRounding
{
	EARN_TRUNCATE,
	EARN_FLOOR,
	EARN_CEILING,
	EARN_HALF_UP,
	EARN_HALF_DOWN,
	EARN_HALF_EVEN
} EarnRounding;

typedef enum EarnCombine
{
	EARN_HIGHEST,
	EARN_MULTIPLY,
	EARN_ADD
} EarnCombine;

typedef enum EarnSpan
{
	EARN_ORDER,
	EARN_DAY,
	EARN_MONTH,
	EARN_YEAR,
	EARN_LIFETIME
} EarnSpan;

#define EARN_SPANS (EARN_LIFETIME + 1)

/* The most that may be earned in each span; units of -1: as much as one likes. */
typedef struct EarnCaps
{
	bool any;
	Decimal most[EARN_SPANS];
} EarnCaps;

/* A multiplier, and when it holds: all conditions that are there must. */
typedef struct EarnRule
{
	const char *name; /* NULL: none */
	Decimal times;
	int nlabels; /* 0: any */
	EventText *labels;
	int ntiers;
	EventText *tiers;
	DateADT from;	/* DATEVAL_NOBEGIN: open */
	DateADT until;	/* exclusive; DATEVAL_NOEND: open */
	uint8 weekdays; /* bit 0 is Monday; 0: any */
	bool has_hours;
	int32 hours_from; /* seconds of the local day; may be later than hours_until */
	int32 hours_until;
	EarnCaps cap;
	int counter; /* of its cap; -1: none */
	int label;	 /* that its name is, among those of the policy; -1: none */
} EarnRule;

typedef enum EarnBonusSort
{
	EARN_JOINING,
	EARN_FIRST_PURCHASE,
	EARN_BIRTHDAY,
	EARN_ANNIVERSARY,
	EARN_REFERRED,
	EARN_NTH_PURCHASE
} EarnBonusSort;

typedef struct EarnBonus
{
	Decimal points;	  /* 0: none */
	const char *name; /* NULL: none */
	EarnCaps cap;
	int counter;
	int label; /* among those of the policy: its name, or its sort */
} EarnBonus;

typedef struct EarnNth
{
	int64 n;
	bool every;
	EarnBonus bonus;
} EarnNth;

typedef struct EarnBonuses
{
	EarnBonus fixed[EARN_NTH_PURCHASE]; /* by sort */
	int nnth;
	EarnNth *nth; /* ascending by n */
} EarnBonuses;

/* All but zone, kinds, other_kinds and returns_beyond may change from a day on. */
typedef struct EarnVersion
{
	DateADT from; /* the first: DATEVAL_NOBEGIN */
	Decimal rate;
	Decimal per;
	bool full_steps;
	Decimal minimum; /* 0: none */
	EarnRounding rounding;
	int decimals;
	int nrules;
	EarnRule *rules; /* the array of the version before where nothing changed */
	EarnCombine combine;
	EarnBonuses *bonuses;
	EarnCaps caps;
	EarnCaps max_orders; /* that earn; none of an order */
	int nexcluded_kinds;
	EventText *excluded_kinds; /* sorted */
	int nexcluded_labels;
	EventText *excluded_labels;
	bool bonuses_qualify; /* bonus points count for tiers */
	bool crossing_after;  /* the order that reaches a tier earns at the tier held after it */
} EarnVersion;

typedef struct EarnKind
{
	EventText kind;
	EarnRole role;
} EarnKind;

typedef struct EarnPolicy
{
	ZoneDays *zone; /* NULL: the session's */
	int nkinds;
	EarnKind *kinds;	 /* sorted by kind; the default ones too */
	bool ignores_others; /* kinds that nobody names do nothing; else they are an error */
	bool takes_beyond;	 /* returns of no order count, be it for more than was bought */
	int nversions;		 /* at least 1 */
	EarnVersion *versions;
	int scale;	   /* of points: the most decimals of any version */
	int ncounters; /* counter 0 counts all points */
	/* Labels that the rules give: those of bonuses, which are their sorts in order, then names; and
	 * behind them names of multipliers. */
	int nlabels;
	int nbonus_labels;
	EventText *labels;
} EarnPolicy;

/* The keys of its JSON (policy/policy.h). */
extern const struct PolicyTable earn_policy_table;

/* Opens a detoasted earn_policy datum in the current memory context. */
extern EarnPolicy *earn_policy_open(const struct varlena *policy);

/* Adds the kinds that it gives another role, and those and the labels that its rules name. */
extern void earn_policy_names(const EarnPolicy *policy, struct MetricNames *names);

/* "joining", ...: of bonuses, by sort; NULL ends them. Their first labels. */
extern const char *const earn_bonus_names[EARN_NTH_PURCHASE + 2];

/* What events of a kind are; EARN_UNKNOWN where nobody says. A kind that is excluded and has no
 * role is EARN_BY_SIGN. */
extern EarnRole earn_role_of_kind(const EarnPolicy *policy, const EventText *kind);

/* Does it pass through, as in a points ledger? */
static inline bool
earn_is_ledger_role(EarnRole role)
{
	return role == EARN_REDEMPTION || (role >= EARN_GIVEN && role <= EARN_EXPIRE);
}

/* The version in force on a local day. */
extern const EarnVersion *earn_version_on(const EarnPolicy *policy, DateADT day);

/* ---- the walk ---- */

typedef enum EarnEntryType
{
	EARN_ENTRY_EARN,
	EARN_ENTRY_RETURN,
	EARN_ENTRY_BONUS,
	EARN_ENTRY_REDEEM,
	EARN_ENTRY_ACTIVATE, /* always of 0 points */
	EARN_ENTRY_REFUND,
	EARN_ENTRY_REINSTATE, /* of 0 points: of everything; and those that block */
	EARN_ENTRY_ADJUST,
	EARN_ENTRY_TRANSFER,
	EARN_ENTRY_BLOCK,
	EARN_ENTRY_UNBLOCK,
	EARN_ENTRY_FORFEIT,
	EARN_ENTRY_EXPIRE
} EarnEntryType;

#define EARN_ENTRY_TYPES (EARN_ENTRY_EXPIRE + 1)

/* "earn", "return", ...: kinds of the events of points. */
extern const char *const earn_entry_names[EARN_ENTRY_TYPES];

/* Does an entry of 0 points do something? */
static inline bool
earn_needs_no_points(EarnEntryType type)
{
	return type == EARN_ENTRY_ACTIVATE || type == EARN_ENTRY_REINSTATE ||
		   type == EARN_ENTRY_BLOCK || type == EARN_ENTRY_UNBLOCK;
}

/* So many of an order's points under a label. */
typedef struct EarnPart
{
	int label_no; /* as an entry's */
	int64 points;
} EarnPart;

/* What an event, or a day of the year, gives or takes. */
typedef struct EarnEntry
{
	TimestampTz at;
	EarnEntryType type;
	const Event *event; /* its ref is the entry's; NULL: time alone did it */
	EventText label;
	int label_no;	 /* 0: none; of a bonus: his number of labels + 1 + EarnBonus.label */
	int kind_no;	 /* of what it is about: the event's, or that of the order that was paid for */
	bool qualifies;	 /* its points count for tiers */
	bool passes;	 /* it is what a points ledger has */
	bool has_expiry; /* of its own: what a ledger gives */
	TimestampTz expires_at;
	bool has_amount;
	int128 amount;			 /* at the timeline's scale */
	int128 points;			 /* negative where they are taken */
	int scale;				 /* of points */
	const char *explanation; /* with EARN_WALK_EXPLAIN */
	/* With EARN_WALK_BY_LABEL: what an order earns by label, sorted by the labels' bytes, none
	 * last; 0: it is all under the entry's own. */
	int nparts;
	const EarnPart *parts;
} EarnEntry;

typedef struct EarnWalk EarnWalk;

/* Called for every entry; what it points to is gone afterwards. */
typedef void (*EarnSink)(void *context, EarnWalk *walk, const EarnEntry *entry);

#define EARN_WALK_EXPLAIN  0x01 /* entries are explained, and those without points reported too */
#define EARN_WALK_BY_LABEL 0x02 /* points of orders are told apart by label */

/* Makes a walk in the current memory context, to be started for one customer after another. */
extern EarnWalk *earn_walk_create(const EarnPolicy *policy, int flags, EarnSink sink,
								  void *context);

/* From the next customer on, a kind that is ignored, whatever the rules say of it; and one that
 * joins, unless they say something of it. They must stay. */
extern void earn_walk_kinds(EarnWalk *walk, const EventText *ignored, const EventText *joining);

/* A label by its number: one of the customer's, or one that the rules give; of 0 there are no
 * bytes. It stays as long as both do. */
extern EventText earn_walk_label(const EarnWalk *walk, int label_no);

/* The names of the tiers that earn_walk_end() gives by number, from 0 on. They are kept. */
extern void earn_walk_tiers(EarnWalk *walk, const EventText *tiers, int ntiers);

/* Goes through a customer's events, to the last one; the tier is not known. */
extern void earn_walk_timeline(EarnWalk *walk, ByteSpan body, const char *customer);

/*
 * Starts over with a customer, whose events a reader is about to read: membership and birth are
 * looked up, on a copy. Its texts must stay. customer, if not NULL, is named in errors.
 */
extern void earn_walk_start(EarnWalk *walk, const TimelineReader *reader, const char *customer);

/* The next instant at which time gives a bonus; DT_NOEND: never. */
extern TimestampTz earn_walk_next_due(const EarnWalk *walk);

/* Gives what falls due before a limit. */
extern void earn_walk_until(EarnWalk *walk, TimestampTz before);

/* Comes to an instant: what falls due up to it, and at it. */
extern void earn_walk_begin(EarnWalk *walk, TimestampTz at);

/* An event of that instant; instants in order, events in the timeline's. */
extern void earn_walk_event(EarnWalk *walk, const Event *event);

/* What an event, or the lines of an order at an instant, count for. */
typedef struct EarnCounted
{
	int kind_no;
	int label_no;  /* 0: none, or they don't share one */
	int128 amount; /* at the timeline's scale; negative for returns and late payments */
	bool starts_order;
} EarnCounted;

/*
 * All events of the instant were given: what they count for, in the order in which they will earn
 * (purchases, late payments, returns; none that is excluded or before membership). For who wants to
 * know before they earn; it stays until the next instant.
 */
extern const EarnCounted *earn_walk_reckon(EarnWalk *walk, int *count);

/* All events of the instant were given: they earn, at this tier. */
extern void earn_walk_end(EarnWalk *walk, int tier);

/*
 * All of that at once for an instant with just one event, a purchase that has neither kind nor
 * label nor ref, where nothing else falls due; where nobody has it explained, or told by label.
 */
extern void earn_walk_purchase(EarnWalk *walk, const Event *event, int tier);

/* ---- what doesn't fit together ---- */

typedef enum EarnFaultType
{
	EARN_PAID_NO_ORDER,	  /* nothing was bought under a payment's ref */
	EARN_PAID_BEYOND,	  /* a payment is more than is left to pay */
	EARN_RETURNED_BEYOND, /* a return is more than is left of its orders */
	EARN_FAULTS
} EarnFaultType;

typedef struct EarnFault
{
	EarnFaultType type;
	const Event *event;
	int128 amount; /* what there is nothing for, at the timeline's scale */
} EarnFault;

typedef void (*EarnFaultSink)(void *context, const EarnFault *fault);

/* Has faults told from the next customer on: those of returns as they come, those of payments by
 * earn_walk_close(), since their orders may come later. */
extern void earn_walk_audit(EarnWalk *walk, EarnFaultSink sink, void *context);

/* There are no more events, and no more bonuses of the years to come. */
extern void earn_walk_close(EarnWalk *walk);

/*
 * A list of them, for a walk to be started after earn_violations_start(), in the current memory
 * context. Once the walk has come as far as is asked, earn_violations_end() puts it to its end, and
 * they are there by number, from 0 on, in the order of instants.
 */
typedef struct EarnViolations EarnViolations;

extern EarnViolations *earn_violations_create(EarnWalk *walk);
extern void earn_violations_start(EarnViolations *violations);
extern void earn_violations_end(EarnViolations *violations);
extern bool earn_violation(const EarnViolations *violations, int64 number, EarnFault *fault);

/* What is wrong, in words. */
extern const char *const earn_problems[EARN_FAULTS];

/* How many orders have earned so far, be it nothing. */
extern int64 earn_walk_orders(const EarnWalk *walk);

/* When membership begins; DT_NOEND: never. */
extern TimestampTz earn_walk_member_since(const EarnWalk *walk);

/*
 * What an order of a single line earns on a local day, at no known time of it and with nothing
 * earned before; a negative amount is a return. Units of 10^-scale of the policy. A label or tier
 * without bytes is none.
 */
extern int64 earn_walk_one(EarnWalk *walk, Decimal amount, DateADT day, EventText label,
						   EventText tier);

#endif
