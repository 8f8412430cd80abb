/*
 * earn_internal.h
 *		The state of a walk, shared by the files that are the engine, each of which calls only those
 *		below it:
 *
 *		earn_walk.c		customers: membership, what comes next, which instant
 *		earn_orders.c	what the events of an instant earn and take back
 *		earn_parts.c	an order's points by label
 *		earn_reckon.c	what they count for
 *		earn_rate.c		exact rates, multipliers, caps; and the words for what they did
 *
 * and what those of the policy share: earn_policy.c, and earn_rules.c for the parts of it.
 */
#ifndef LOYALTY_EARN_INTERNAL_H
#define LOYALTY_EARN_INTERNAL_H

#include "lib/stringinfo.h"

#include "core/array.h"
#include "core/int128.h"
#include "core/shares.h"
#include "earn/earn.h"
#include "policy/policy.h"

/* A version of the rules made ready for a scale of values. Points are in units of the policy's
 * scale. */
typedef struct EarnTerms
{
	const EarnVersion *rules;
	int64 unit; /* points are multiples of it */
	int128 num; /* units of the version's own decimals = amount x num / den */
	int128 den;
	int128 weigh_num; /* ... = weighted amount x weigh_num / weigh_den */
	int128 weigh_den;
	int128 step_mul; /* full steps = amount x step_mul / step_div */
	int128 step_div;
	int128 step_num; /* units = steps x step_num / step_den */
	int128 step_den;
	int128 needed; /* the least amount that earns */
	int64 caps[EARN_SPANS];
	bool limits_orders;
	int64 max_orders[EARN_SPANS];
	int first_rule; /* its first multiplier among those of all versions */
	int weight_scale;
	int64 one;			/* a weight of 1 */
	int ncapped;		/* multipliers of which it matters what they add: for a cap, or by label */
	int *capped;		/* their numbers in the version */
	int64 *capped_caps; /* EARN_SPANS for each */
} EarnTerms;

/* What such a multiplier has added to an order. */
typedef struct EarnShare
{
	int128 with;	/* lines, weighted by all multipliers up to it */
	int128 without; /* ... before it */
	int64 added;	/* that it made of the order's points */
	int64 granted;	/* of that, within its cap */
} EarnShare;

/*
 * An order:
 *
 *		lines ---------------------> weighted, and for each capped multiplier its share
 *		   - paid with points = amount
 *		rounded (amount at the rate) = total ---> within caps: earned
 *		returned, paid later <= amount ----------> taken
 */
typedef struct EarnOrder
{
	int128 lines;
	int128 weighted;
	int128 amount;		 /* as of its last line */
	int128 counted_back; /* of it: what returns and late payments counted for, ahead of ... */
	int128 returned;	 /* ... what they took points back for */
	int64 total;		 /* points of all its lines, before caps other than its own */
	int64 earned;
	int64 taken;  /* of them, by returns and late payments */
	int64 shares; /* its first share */
	EventText kind;
	int32 kind_no;
	int32 label_no; /* that its lines share; 0: none, -1: no line yet */
	int32 version;
	int32 ref;	 /* -1: none, and its shares are in scratch */
	int32 next;	 /* of the same ref; -1: none */
	int32 group; /* that has its lines ... */
	int64 turn;	 /* ... of this instant */
	bool counts; /* among the orders that earn */
} EarnOrder;

/* What is known of a ref. */
typedef struct EarnRef
{
	int128 waiting; /* paid with points, and for no line yet */
	bool bought;	/* some purchase had it, be it one that earns nothing */
	int32 first;	/* its orders; -1: none */
	int32 last;
} EarnRef;

/* Two days, months or years: a clock that is set back over midnight comes to the one before. */
typedef struct EarnBucket
{
	int32 key[2];
	int128 used[2];
} EarnBucket;

typedef struct EarnCounter
{
	EarnBucket spans[3]; /* day, month, year */
	int128 lifetime;
} EarnCounter;

/* A line of the order that earns, while its points are told apart by label. */
typedef struct EarnLine
{
	int label_no;
	EventText label;
	int64 value;
	int128 weighted; /* by the multipliers without a name */
} EarnLine;

/* An order's points at an instant, by label (earn_parts.c). */
typedef struct EarnParts
{
	EarnLine *lines;
	int64 nlines;
	int64 max_lines;
	int64 *added; /* at 0 the order's own, then by capped multipliers, within their caps */
	int64 max_added;
	Share *shares;
	int64 max_shares;
	EarnPart *list;
	int64 n;
	int64 max;
} EarnParts;

/* Why a purchase or a return doesn't count. */
typedef enum EarnOut
{
	EARN_NOT_OUT,
	EARN_OUT_EARLY, /* before membership */
	EARN_OUT_LABEL,
	EARN_OUT_KIND
} EarnOut;

/* An event of the instant. */
typedef struct EarnDue
{
	Event event;
	EarnRole role;
	EarnOut out;
	int128 counted; /* a return: what of it counts */
	int32 ref;		/* of a return, if something was bought under it; -1: it belongs to no order */
	int32 next;		/* line of its group; of a payment, its first late part; -1: none */
	bool met;		/* a payment: an order of its ref has lines at the instant */
} EarnDue;

/* What a payment pays of an order all of whose lines came before. */
typedef struct EarnLate
{
	int32 due; /* parts of one stand together */
	int32 order;
	int128 part;
} EarnLate;

/* A payment, for who asks what it didn't pay for. */
typedef struct EarnPayment
{
	Event event;
	int32 ref;
} EarnPayment;

/* Lines of one order at one instant. */
typedef struct EarnGroup
{
	EarnOrder own; /* without a ref nothing follows: it is forgotten */
	int128 before; /* the order's amount, without these lines */
	int32 order;   /* -1: that */
	int32 first;   /* lines among what is due */
	int32 last;
	bool starts; /* the order */
} EarnGroup;

struct EarnWalk
{
	/* What it walks by; the same for all customers. */
	const EarnPolicy *policy;
	EarnSink sink;
	void *sink_context;
	MemoryContext context;
	const EventText *ignored; /* a kind; NULL: none */
	const EventText *joining; /* likewise */
	EarnFaultSink fault_sink; /* NULL: nobody asks */
	void *fault_context;
	EarnTerms *terms; /* by version */
	int scale;		  /* of values, that they are for; -1: none yet */
	int nrules;		  /* of all versions */
	const EarnRule **rules;
	bool has_labels;	/* some multiplier asks for one */
	bool counts_all;	/* some version caps all points */
	bool counts_orders; /* ... the orders that earn */
	bool *rule_tiers;	/* by multiplier and tier */
	int64 max_rule_tiers;
	int ntiers;

	/* The customer. */
	const char *customer;
	ZoneDays *zone;
	EarnRole *roles; /* by kind_no, 0 is none */
	int64 max_kinds;
	bool *rule_labels; /* by multiplier and label_no */
	int64 max_rule_labels;
	const EventText *labels;
	int nlabels;
	TimestampTz member_since;
	bool joins; /* by a join event */
	bool joined;
	DateADT birth;		  /* DATEVAL_NOEND: not known */
	TimestampTz birthday; /* the next one; DT_NOEND: none */
	int birthday_year;
	TimestampTz anniversary;
	int anniversary_year;
	int64 norders;
	int128 spend; /* what has counted so far: orders, less payments and returns */
	EarnCounter *counters;
	EarnCounter earning; /* orders that earn */

	/* Orders with a ref. */
	RefTable ref_numbers;
	EarnRef *refs;
	int64 max_refs;
	EarnOrder *orders;
	int32 norders_kept;
	int64 max_orders;
	EarnPayment *payments; /* all of them, where somebody asks for faults */
	int64 npayments;
	int64 max_payments;
	EarnShare *shares;
	int64 nshares;
	int64 max_shares;
	EarnShare *scratch; /* of orders without a ref, of one instant */
	int64 nscratch;
	int64 max_scratch;

	/* The instant. */
	TimestampTz now;
	int64 turn;
	DateADT today;
	int32 keys[3]; /* of its day, month, year */
	bool has_keys;
	bool has_time; /* the time of day is known at all */
	int32 time;	   /* seconds of the local day; -1: not computed yet */
	int tier;
	uint32 roles_due; /* bits of the roles that occur */
	EarnDue *due;
	int32 ndue;
	int64 max_due;
	EarnGroup *groups;
	int32 ngroups;
	int64 max_groups;
	EarnLate *late;
	int32 nlate;
	int64 max_late;
	bool reckoned;
	EarnCounted *counted; /* of the groups, then of late payments and returns */
	int32 ncounted;
	int64 max_counted;

	StringInfo note; /* what is being explained; NULL: nobody asks */
	bool by_label;	 /* points of orders are told apart by label */
	EarnParts parts;
	int128 named; /* of the weight of a line, what multipliers with a name have added to it */
};

#define EARN_ROLE_BIT(role) ((uint32) 1 << (role))

/* The version in force on the instant's day. */
static inline EarnTerms *
earn_terms_now(const EarnWalk *walk)
{
	if (likely(walk->policy->nversions == 1))
		return walk->terms;
	return &walk->terms[earn_version_on(walk->policy, walk->today) - walk->policy->versions];
}

static inline void
earn_come_to(EarnWalk *walk, TimestampTz at)
{
	walk->now = at;
	walk->today = zone_day(walk->zone, at);
	walk->has_keys = false;
	walk->has_time = true;
	walk->time = -1;
	walk->tier = EARN_NO_TIER;
}

/* ---- earn_rules.c: parts of a policy ---- */

/* Caps of nothing. */
#define EARN_NO_CAPS                                    \
	{                                                   \
		false,                                          \
		{                                               \
			{ -1, 0 }, { -1, 0 }, { -1, 0 }, { -1, 0 }, \
			{                                           \
				-1, 0                                   \
			}                                           \
		}                                               \
	}

/* Ended by NULL: the keys of an object. */
extern const char *const earn_span_names[EARN_SPANS + 1];
extern const char *const earn_weekday_names[7];

/* As PolicyKey.read and .write have them. */
extern void earn_read_max_orders(const PolicyObject *object, const PolicyKey *key, void *policy,
								 void *version);
extern void earn_read_caps(const PolicyObject *object, const PolicyKey *key, void *policy,
						   void *version);
extern void earn_put_caps(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
						  const void *before);
extern void earn_read_rules(const PolicyObject *object, const PolicyKey *key, void *policy,
							void *read);
extern void earn_put_rules(StringInfo out, const PolicyKey *key, const void *policy,
						   const void *now, const void *before);
extern void earn_read_bonuses(const PolicyObject *object, const PolicyKey *key, void *opened,
							  void *read);
extern void earn_put_bonuses(StringInfo out, const PolicyKey *key, const void *policy,
							 const void *now, const void *before);

/* Gives each cap of a policy that is read its counter; 0 is that of all points. And each name the
 * label that it is. */
extern void earn_number_counters(EarnPolicy *policy);
extern void earn_number_labels(EarnPolicy *policy);

/* ---- earn_policy.c ---- */

/* The roles that a kind may have, as a hint lists them. */
extern char *earn_role_list(void);

/* ---- earn_reckon.c ---- */

extern void earn_forget_orders(EarnWalk *walk);

/* An order without lines; ref -1: it has none. */
extern void earn_init_order(EarnWalk *walk, EarnOrder *order, const EarnTerms *terms, int32 ref);

/* Does something with the events of one role. */
extern void earn_for_role(EarnWalk *walk, EarnRole role, void (*work)(EarnWalk *walk, int32 due));

static inline EarnOrder *
earn_order_of(const EarnWalk *walk, EarnGroup *group)
{
	return group->order < 0 ? &group->own : &walk->orders[group->order];
}

/* An amount, whatever its sign. */
static inline int128
earn_size_of(const Event *event)
{
	return event->value < 0 ? -(int128) event->value : event->value;
}

/* ---- earn_parts.c ---- */

/* The lines of the order that earns now, one after the other. */
extern void earn_parts_begin(EarnWalk *walk, const EarnTerms *terms);
extern void earn_parts_line(EarnWalk *walk, const Event *line, int128 weight);

/* The points that the order earns with them; before, until caps on everything cut. To the entry. */
extern void earn_parts_end(EarnWalk *walk, const EarnTerms *terms, int64 before, EarnEntry *entry);

/* ---- earn_orders.c ---- */

/* A bonus now, at the version's terms; event is what gives it. n counts purchases and years. */
extern void earn_give(EarnWalk *walk, const EarnTerms *terms, EarnBonusSort sort,
					  const EarnBonus *bonus, const Event *event, int64 n);

/* What an order of one line earns, within the caps of the order and of multipliers alone; a
 * return where the value is negative. */
extern int64 earn_single(EarnWalk *walk, int64 value, int label_no);

/* ---- earn_rate.c ---- */

/* What doesn't fit: 22003. */
extern void earn_report_out_of_range(const EarnWalk *walk) pg_attribute_noreturn();

static inline int128
earn_mul(const EarnWalk *walk, int128 a, int128 b)
{
	int128 product;

	if (unlikely(int128_mul_overflow(a, b, &product)))
		earn_report_out_of_range(walk);
	return product;
}

static inline int128
earn_add(const EarnWalk *walk, int128 a, int128 b)
{
	int128 sum;

	if (unlikely(__builtin_add_overflow(a, b, &sum)))
		earn_report_out_of_range(walk);
	return sum;
}

/* Makes the terms of all versions, and numbers their multipliers; once. */
extern void earn_open_terms(EarnWalk *walk);

/* Makes them ready for a customer with a scale of values, of whom nothing is counted yet. */
extern void earn_start_terms(EarnWalk *walk, int scale);

/* num / den, rounded; den is more than 0. */
extern int128 earn_divide(int128 num, int128 den, EarnRounding rounding);

/*
 * Points at the rate for an amount, of which lines come to so much, and weigh so much with their
 * multipliers; taken where negative.
 */
extern int64 earn_points(const EarnWalk *walk, const EarnTerms *terms, int128 amount, int128 lines,
						 int128 weighted, bool negative);

/* The weight of a line, with the shares, if not NULL, of the capped multipliers in it. */
extern int128 earn_weight(EarnWalk *walk, const EarnTerms *terms, int label_no, EarnShare *shares,
						  int64 value);

/* A cap at the scale of points; -1: none. */
extern void earn_scale_caps(const EarnPolicy *policy, const EarnCaps *caps, int64 *scaled);

/* Lets through what the spans from the day on leave, and counts it; rule, if not NULL, is the
 * multiplier whose cap it is. */
extern int64 earn_within_caps(EarnWalk *walk, int counter, const int64 *caps, int64 points,
							  const EarnRule *rule);

/* May one more order of a version earn? */
extern bool earn_may_begin(EarnWalk *walk, const EarnTerms *terms);

/* One more does. */
extern void earn_count_order(EarnWalk *walk);

/* ---- earn_rate.c: adds to the note, which must be there ---- */

/* An order: its amount and rate, what multiplies the group's lines, what earned before. */
extern void earn_note_order(EarnWalk *walk, const EarnTerms *terms, const EarnOrder *order,
							const EarnGroup *group);
extern void earn_note_before(EarnWalk *walk, int64 points);

/* A cap that cut; of a multiplier, if rule isn't NULL. */
extern void earn_note_cap(EarnWalk *walk, const EarnRule *rule, EarnSpan span, int64 most);

/* No more than so many orders earn. */
extern void earn_note_max_orders(EarnWalk *walk, EarnSpan span, int64 most);

/* Why an event doesn't count. */
extern void earn_note_out(EarnWalk *walk, const EarnDue *due);

/* A return at its own rate; what a return or a late payment takes back of an order; a payment that
 * waits. */
extern void earn_note_return(EarnWalk *walk, const EarnTerms *terms, int label_no, int128 amount);
extern void earn_note_order_return(EarnWalk *walk, const char *what, int128 returned,
								   const EarnOrder *order, int64 taken);
extern void earn_note_waiting(EarnWalk *walk, int128 amount);
extern void earn_note_bonus(EarnWalk *walk, EarnBonusSort sort, const EarnBonus *bonus, int64 n);
extern void earn_note_text(EarnWalk *walk, const char *text);

#endif
