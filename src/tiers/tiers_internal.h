/*
 * tiers_internal.h
 *		What the files of tiers share. Each asks those above it:
 *
 *		tier_conditions.c	the rules: what reaching and keeping a tier need
 *		tier_levels.c	the rules: measures and levels
 *		tier_policy.c	the rules: all other keys, and the type
 *		tier_ladder.c	a walk: the rules made ready for a scale of values
 *		tier_rollover.c	a walk: what of a period counts in the next one, too
 *		tier_window.c	a walk: the measures, what leaves the window, which period it is
 *		tier_rules.c	a walk: what the rules decide
 *		tier_walk.c		a walk: what comes next; it counts
 *		tier_missing.c	a walk: what is missing to a condition
 *		tier_standing.c	a walk: where it stands, and where it ends up
 *		tier_sql.c		functions of one customer
 *		tier_fold.c		everyone's walks, for the metrics tier_census.c, tier_migration.c,
 *						tier_flow.c, tier_tenure.c and tier_near.c
 */
#ifndef LOYALTY_TIERS_INTERNAL_H
#define LOYALTY_TIERS_INTERNAL_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "metric/metric.h"
#include "policy/policy.h"
#include "tiers/tiers.h"

/* ==== the rules ==== */

/* ---- tier_conditions.c ---- */

/* Of a number alone; of "any" or "all", an object, or of "any" an array of sets; of "keep". */
extern void tier_read_number(const PolicyObject *object, const TierPolicy *policy,
							 const JsonbValue *value, const char *path, TierCondition *condition);
extern void tier_read_any(const PolicyObject *object, const TierPolicy *policy,
						  const JsonbValue *value, const char *path, TierCondition *condition);
extern void tier_read_all(const PolicyObject *object, const TierPolicy *policy,
						  const JsonbValue *value, const char *path, TierCondition *condition);
extern void tier_read_keep(const PolicyObject *object, const TierPolicy *policy,
						   const JsonbValue *value, TierCondition *condition);

extern bool tier_condition_same(const TierCondition *a, const TierCondition *b);

/* Members that say it: "at", or "any" or "all"; "keep". */
extern void tier_put_reach(StringInfo out, const TierPolicy *policy, const TierCondition *reach);
extern void tier_put_keep(StringInfo out, const TierPolicy *policy, const TierCondition *keep);

/* Has a window periods: is what counts in it that of one of them? */
static inline bool
tier_is_of_period(TierWindow window)
{
	return window == TIER_CALENDAR || window == TIER_MEMBERSHIP_YEAR;
}

/* Where a set of a condition begins among its tests. */
static inline int
tier_set_start(const TierCondition *condition, int set)
{
	return set == 0 ? 0 : condition->set_ends[set - 1];
}

/* ---- tier_levels.c: in the rows of the table of keys ---- */

extern void tier_read_measures(const PolicyObject *root, const PolicyKey *key, void *policy,
							   void *version);
extern void tier_put_measures(StringInfo out, const PolicyKey *key, const void *policy,
							  const void *now, const void *before);
extern bool tier_measures_same(const PolicyKey *key, const void *policy, const void *now,
							   const void *before);
extern void tier_read_levels(const PolicyObject *object, const PolicyKey *key, void *policy,
							 void *version);
extern void tier_put_levels(StringInfo out, const PolicyKey *key, const void *policy,
							const void *now, const void *before);

extern void tier_report_no_levels(const PolicyObject *root) pg_attribute_noreturn();

/* ==== a walk ==== */

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
	int nsets; /* as in its TierCondition */
	const int *set_ends;
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
	Span valid; /* TierVersion.valid_for */
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

/* What decided, for the history. */
typedef struct TierDeciding
{
	int measure;
	int128 value;
} TierDeciding;

/* The tier that the rules give, until when, and what counts for it. What every event asks for comes
 * first. */
typedef struct TierState
{
	int rank;
	uint32 raised;			 /* measures that an event of this instant raised */
	TierRung *held;			 /* its rung */
	int128 *values;			 /* of the measures: both states' but for TIER_SINCE_TIER */
	TimestampTz valid_from;	 /* validity began, or was renewed */
	TimestampTz valid_least; /* not after its end */
	Span *valid_span;		 /* lasts so long from there; NULL: another kind of validity */
	TimestampTz valid_in;	 /* an event in the period that ends there has been renewal enough */
	TimestampTz grace_until; /* DT_NOEND: none runs */
	bool valid_known;		 /* its end is computed: valid_until */
	bool valid_over;		 /* its end has been dealt with: grace runs, or ran */
	TimestampTz valid_until;
	TimestampTz since;	/* TIER_SINCE_TIER: events after it count */
	TierDay *last_days; /* TIER_LAST_DAYS for each measure */
	int64 raised_event;
} TierState;

#define TIER_PERIOD_SLOTS 64

typedef struct TierPeriodSlot
{
	int32 index;
	TimestampTz end;
} TierPeriodSlot;

typedef struct TierAhead TierAhead;

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
	bool by_calendar; /* they are of the calendar */
	bool at_once;
	bool ends_count;	 /* a period's end does something once something has counted in it */
	bool all_ends_count; /* and where nothing has: what isn't of a period is judged, too */
	bool may_be_plain;	 /* a rolling sum of all values, and nobody looks but at the tier */
	Span window;
	Calendar calendar;
	TierPeriodSlot *periods; /* ends that were computed; TIER_CALENDAR */
	uint32 net;				 /* measures by what they measure */
	uint32 positive;
	uint32 events;
	uint32 days;
	uint32 of_any_kind; /* those without kinds */
	uint32 rolling;		/* measures by their window */
	uint32 of_period;
	uint32 lasting;

	/* The customer. */
	const char *customer;
	int scale;
	int amount_scale; /* of amounts still to be earned, which may have more decimals */
	TierTerms *term;  /* the version in force */
	TierRung *rung;	  /* its ranks */
	TimestampTz member_since;
	int64 join_event;
	bool is_member;
	TimestampTz now; /* everything up to here has happened; DT_NOBEGIN: nothing has */
	TimestampTz due; /* nothing falls due before */

	/* The state of the rules; apart: there is another one beneath (below). */
	bool apart;
	TierState rules;

	/* Grants, and what is effective. */
	TimestampTz *granted_until; /* by rank: the latest end of those that began */
	int granted_rank;			/* the highest that runs; 0: none */
	TierEarlyGrant *early;
	int64 nearly;
	int64 max_early;
	int rank;
	TimestampTz shown_until; /* the effective tier's; only kept up for a history */

	/* The measures. Their values are in the state of the rules: they count since the tier began. */
	int128 *last_values;	 /* of the period before the one that it is in; NULL: nobody asks */
	DateADT joined_day;		 /* TIER_MEMBERSHIP_YEAR */
	TimestampTz period_from; /* an instant in the period that it is in */
	TimestampTz period_end;	 /* DT_NOBEGIN: in none, no event yet */
	bool period_counted;	 /* its end does something; kept up where that may be */
	int128 *rolled;			 /* of the measures, what rolled into it; NULL: none of them rolls */
	bool has_rolled;		 /* something did */
	bool stops_rollover;	 /* nothing rolls into a period that begins */
	TierRolloverSink rollover_sink;
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
	int64 counted_event;
	int128 value_before; /* the first measure's */

	/* Texts of the customer's events. */
	uint32 *measures_of_kind; /* by kind_no: measures that count it */
	uint32 *measures_of_label;
	bool *is_unknown; /* by kind_no: no measure without kinds knows it */
	int64 max_kinds;
	int64 max_unknown;
	int64 max_labels;
	int join_no; /* kind_no of the member facts; -1: no such kind */
	int grant_no;
	int return_no; /* lowers what measures without kinds count */
	const EventText *labels;

	/* The timeline that it goes through. */
	MemoryContext texts; /* its dictionaries */
	bool has_texts;		 /* its events have kinds or labels */
	TimelineReader reader;
	bool plain; /* it may be, and there are just instants and values */
	TimestampTz next_at;
	TierEvent next; /* read ahead */
	bool has_next;

	/*
	 * The state of the rules that it would be without grace. Where they are apart, all that happens
	 * is done to both, and what is better there is taken over.
	 */
	TierState beneath;
	bool is_beneath;	/* 'rules' is the one without grace for a moment, 'beneath' the other */
	TierDeciding cause; /* of the last change beneath, for the history */
	int64 cause_event;

	TierAhead *ahead;	  /* what is needed to look ahead (tier_standing.c) */
	TierMissing *missing; /* tier_room_for_missing() */
};

/* The version in force. */
static inline TierTerms *
tier_terms(const TierWalk *walk)
{
	return walk->term;
}

/* When the next version begins; DT_NOEND: never. */
static inline TimestampTz
tier_next_version_at(const TierWalk *walk)
{
	return walk->term < walk->terms + walk->policy->nversions - 1 ? walk->term[1].starts : DT_NOEND;
}

/* Is a tier valid for something more than to the end of a period? */
static inline bool
tier_valid_is_added_to(const TierVersion *rules)
{
	return rules->valid != TIER_VALID_INTERVAL &&
		   (rules->valid_for.month != 0 || rules->valid_for.day != 0 || rules->valid_for.time != 0);
}

static inline bool
tier_while_qualified(const TierWalk *walk)
{
	return tier_terms(walk)->rules->valid == TIER_VALID_WHILE_QUALIFIED;
}

/* Until when the tier of a state is valid; DT_NOEND: open. */
static inline TimestampTz
tier_valid_until(const TierWalk *walk, TierState *state)
{
	if (!state->valid_known)
	{
		state->valid_until = span_end(state->valid_span, walk->zone, state->valid_from);
		state->valid_least = state->valid_until;
		state->valid_known = true;
	}
	return state->valid_until;
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

/* Is the period that holds an instant the one after that which it is in? */
extern bool tier_period_is_next(TierWalk *walk, TimestampTz at);

/* Counts anew, events after an instant. */
extern void tier_window_restart(TierWalk *walk, TimestampTz since);

/* Brings the measures to an instant. */
extern void tier_window_bring(TierWalk *walk, TimestampTz at);

/* ---- tier_ladder.c ---- */

/* The least value, in units at a scale, that meets a threshold. */
extern int128 tier_need(const Decimal *threshold, int scale, bool exceeded);

/* The ladder at a scale: rungs by version and rank. */
extern TierRung *tier_rungs_at(TierWalk *walk, int scale);

/* The first need of the first set that holds; -1: none does. */
extern int tier_set_that_holds(const int128 *values, const TierAsk *ask);

/* The version in force at an instant, by its number. */
extern int tier_version_at(const TierWalk *walk, TimestampTz at);

/* The highest rank whose condition holds among so many rungs. */
extern int tier_reached(const TierWalk *walk, const TierRung *rungs);

/* Does what is asked hold by the values of the rules' state? */
static inline bool
tier_holds(const TierWalk *walk, const TierAsk *ask)
{
	int i;

	if (ask->nneeds == 1)
		return walk->rules.values[ask->first.measure] >= ask->first.need;
	if (unlikely(ask->nsets > 0))
		return tier_set_that_holds(walk->rules.values, ask) >= 0;
	for (i = 0; i < ask->nneeds; i++)
		if ((walk->rules.values[ask->needs[i].measure] >= ask->needs[i].need) != ask->all)
			return !ask->all;
	return ask->all && ask->nneeds > 0;
}

/* ---- tier_rollover.c ---- */

/* Leaves the period that it is in for the one that holds an instant: works out what rolls over. */
extern void tier_rollover_leave(TierWalk *walk, TimestampTz at);

/* ---- tier_missing.c ---- */

/* The scale of what is missing of a measure: its own, or that of the threshold. */
extern int tier_missing_scale(const TierWalk *walk, const TierTest *test);

/* With no more decimals than it needs, or values and threshold have. */
extern TierMissing tier_missing_shown(const TierWalk *walk, const TierTest *test,
									  TierMissing missing);

/* A sum at a larger scale. */
extern int128 tier_at_scale(int128 value, int from_scale, int to_scale);

/* Numbers of a condition's tests as those of a measure, or of the whole (TIER_ANY_MEASURE). */
extern TierMissing tier_missing_of(const TierCondition *condition, const TierMissing *of_tests,
								   int measure);

/* Is the effective tier held by reaching it: does a grant lift it above the rules? */
extern bool tier_by_reaching(const TierWalk *walk);

/* Room for the numbers of the tests of the longest condition; the walk's. */
extern TierMissing *tier_room_for_missing(TierWalk *walk);

/* ---- tier_rules.c ---- */

/* Starts over with a customer, whose scale and membership are set. */
extern void tier_rules_start(TierWalk *walk);

/* Comes to the version in force at an instant; does one begin? */
extern bool tier_rules_come_to(TierWalk *walk, TimestampTz at);

/* An event raised a measure: up, or renewed. Where the states are apart, each knows what raised it.
 */
extern void tier_rules_rise(TierWalk *walk, TimestampTz at, int64 event);

/*
 * What falls due at an instant: by the period that has ended, if one has (upgrades are judged
 * then, where they aren't at once), what ends; then, by the one that begins, what a new version
 * does, and time where it raises a measure: something that left the window had lowered it, or
 * something rolled over.
 */
extern void tier_rules_end(TierWalk *walk, TimestampTz at, bool judges_period);
extern void tier_rules_begin(TierWalk *walk, TimestampTz at, bool has_version, bool raises);

/* Where tiers are valid while qualified: does keeping hold? */
extern void tier_rules_check(TierWalk *walk, TimestampTz at, int64 event);

/* Exchanges the member's state and the one beneath. */
extern void tier_rules_swap(TierWalk *walk);

/* Membership begins; a grant does; those that have ended go. */
extern void tier_rules_join(TierWalk *walk, TimestampTz at);
extern void tier_rules_grant(TierWalk *walk, TimestampTz at, int rank, TimestampTz until,
							 int64 event);
extern void tier_rules_end_grants(TierWalk *walk, TimestampTz at);

/* Until when the effective tier is promised; DT_NOEND: open. */
extern TimestampTz tier_effective_until(TierWalk *walk);

/* ==== tiers of everyone ==== */

/*
 *		timelines --> one walk each, to the end of as_of --> where it stands	--> census, near
 *														\-> at two days		--> migration
 *														\-> its changes		--> flow, tenure
 *
 * All go by the effective rank. Who isn't a member yet isn't counted; a customer without any
 * event is a member in the entry tier all the time, who never joined.
 */

/* Kinds of folds. */
typedef enum TierFoldKind
{
	TIER_CENSUS,
	TIER_MIGRATION,
	TIER_FLOW,
	TIER_TENURE,
	TIER_NEAR
} TierFoldKind;

/* ---- keys and sums of the tallies, in the order of their shapes ---- */

/* By rank. */
typedef enum CensusSum
{
	CENSUS_MEMBERS,
	CENSUS_VALUE, /* of the first measure */
	CENSUS_SUMS
} CensusSum;

typedef enum MigrationKey
{
	MIGRATION_FROM, /* TIER_NO_RANK: not yet a member */
	MIGRATION_TO,
	MIGRATION_KEYS
} MigrationKey;

typedef enum FlowKey
{
	FLOW_PERIOD,
	FLOW_RANK,
	FLOW_KEYS
} FlowKey;

typedef enum FlowSum
{
	FLOW_JOINED,
	FLOW_UPGRADED_IN,
	FLOW_UPGRADED_OUT,
	FLOW_DOWNGRADED_IN,
	FLOW_DOWNGRADED_OUT,
	FLOW_EVENTLESS, /* members all the time: in the last period, since the first one isn't known
					   before all results are added up */
	FLOW_SUMS
} FlowSum;

typedef enum TenureKey
{
	TENURE_RANK,
	TENURE_DAYS,
	TENURE_KEYS
} TenureKey;

typedef enum TenureSum
{
	TENURE_ENDED,
	TENURE_RUNNING,
	TENURE_SUMS
} TenureSum;

/* By rank. */
typedef enum NearSum
{
	NEAR_MEMBERS,
	NEAR_NEXT,
	NEAR_KEEP,
	NEAR_SUMS
} NearSum;

/* ---- what metrics are made of ---- */

extern char *tier_canonical_policy(const char *text);

/* Parameters of all shapes; a metric has one more at most. */
#define TIER_PARAMETERS \
	METRIC_POLICY_PARAMETER("policy", tier_canonical_policy, "policy"), METRIC_POLICY_ZONE_PARAMETER
#define TIER_PARAMETER_POLICY 0

#define TIER_POLICY_ARGUMENT                                                                  \
	{                                                                                         \
		"policy", .type = METRIC_POLICY,                                                      \
				  .null_hint = "Give the tiers, such as '{\"Silver\": 500, \"Gold\": 2000}'." \
	}

/* (policy, as_of) */
#define TIER_PLAIN_ARGUMENTS  2
#define TIER_PLAIN_PARAMETERS 3
extern const MetricArgument tier_plain_arguments[TIER_PLAIN_ARGUMENTS];
extern const TallyParameter tier_plain_parameters[TIER_PLAIN_PARAMETERS];

extern const MetricPolicy tier_metric_policy;

/* The fold. */
extern void *tier_fold_start(const MetricQuestion *question, Tally *tally);
extern void tier_fold_customer(void *fold, ByteSpan body);
extern void tier_fold_finish(void *fold, Tally *tally);

/* What TIER_NEAR has counted so far of a rank. */
extern int64 tier_fold_near(const void *fold, int rank, NearSum sum);

/* All that the metrics have in common. */
#define TIER_METRIC                                                                     \
	.input = METRIC_TIMELINES, .policy = &tier_metric_policy, .start = tier_fold_start, \
	.customer = tier_fold_customer, .finish = tier_fold_finish

/* ---- reading results ---- */

/* The policy that a result was counted by; NULL where it has none, and so no rows. */
extern TierPolicy *tier_result_policy(const Tally *tally);

/* What is wrong with rows from outside, one of whose keys is a rank; NULL: nothing so far. */
extern const char *tier_rows_fault(const Tally *tally, int rank_key);

/* A number of members as a share of all; NaN of none. */
extern double tier_share(int128 members, int128 all);

#endif
