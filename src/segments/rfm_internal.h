/*
 * rfm_internal.h
 *		Recency, frequency, monetary value: what one customer's are, the scale that scores them, the
 *		rules that name segments by the scores.
 *
 *		timeline --walk--> RfmCustomer --RfmScorer--> scores r, f, m --RfmRules--> rank of a segment
 */
#ifndef LOYALTY_RFM_INTERNAL_H
#define LOYALTY_RFM_INTERNAL_H

#include "postgres.h"

#include "core/compat.h"
#include "core/decimal.h"
#include "metric/metric.h"
#include "policy/policy.h"
#include "timeline/orders.h"
#include "timeline/timeline.h"

typedef enum RfmMeasure
{
	RFM_RECENCY,   /* days; the fewer, the higher the score */
	RFM_FREQUENCY, /* distinct purchase days */
	RFM_MONETARY,  /* sum of values */
	RFM_MEASURES
} RfmMeasure;

/* ---- a customer (rfm_walk.c) ---- */

typedef struct RfmCustomer
{
	int32 frequency; /* 0: no purchase, and no days */
	DateADT first;	 /* purchase day */
	DateADT last;	 /* the last one, or day of a span that was bought, up to where the walk went */
	int128 monetary; /* in units of 10^-scale */
	int scale;
} RfmCustomer;

/* Walks a timeline as far as it is told to, and can be told to go on. */
typedef struct RfmWalk
{
	ZoneDays *zone;
	RfmCustomer customer; /* so far */
	DateADT newest;		  /* the last purchase day, */
	DateADT before;		  /* and the one before it */
	TimestampTz spanned;  /* the last instant of spans that were bought; DT_NOBEGIN: none */
	OrderSet *orders;	  /* NULL: nobody asks */

	TimelineReader reader;
	EventText room[DICTIONARY_ROOM];
	bool ahead; /* an event was read that lies behind the limit: */
	Event event;
} RfmWalk;

extern void rfm_walk_open(RfmWalk *walk, ByteSpan body, ZoneDays *zone, OrderSet *orders);

/* Up to, and not including, an instant. */
extern void rfm_walk_until(RfmWalk *walk, TimestampTz limit);

extern void rfm_walk_close(RfmWalk *walk);

/* ---- the scale (rfm_scale.c) ---- */

/* No rules of segments change from a day on, but policies may. */
typedef struct RfmVersion
{
	DateADT from;
} RfmVersion;

/* What scores 2, 3 ... need: at most of recency, so that these descend; at least of the others. */
typedef struct RfmCuts
{
	int n;
	Decimal *at;
} RfmCuts;

typedef struct RfmScale
{
	int nversions; /* as PolicyTable has it; always 1 */
	RfmVersion *versions;
	RfmCuts recency;
	RfmCuts frequency;
	RfmCuts monetary;
} RfmScale;

extern const PolicyTable rfm_scale_table;
extern RfmScale *rfm_scale_open(const struct varlena *scale);
extern char *rfm_canonical_scale(const char *text);
extern const char *rfm_scale_text(const RfmScale *scale);

#define RFM_SCALE_HINT "Make one with rfm_scale() or make_rfm_scale()."

/* How often each value of a measure occurs among customers who have bought, ascending. */
typedef struct RfmValues
{
	const CountedNumber *values;
	int64 n;
} RfmValues;

/* The scale of so many bins by the exact quantiles of these; NULL where nobody has bought. Monetary
 * values are at that scale. */
extern RfmScale *rfm_scale_of_values(const RfmValues values[RFM_MEASURES], int monetary_scale,
									 int bins);

/* A scale opened for scoring. */
typedef struct RfmScorer
{
	int bins;
	int32 *recency; /* bins - 1 of each */
	int32 *frequency;
	const Decimal *monetary;
	int128 *monetary_at[DECIMAL_MAX_SCALE + 1]; /* in units of customers' scales; NULL: not asked
												 * for yet */
	MemoryContext context;
} RfmScorer;

/* In the current memory context. */
extern RfmScorer *rfm_scorer_create(const RfmScale *scale);

/* From 1 to bins each; the customer has bought. */
extern void rfm_scores(RfmScorer *scorer, const RfmCustomer *customer, DateADT as_of,
					   int scores[RFM_MEASURES]);

/* ---- rules (rfm_rules.c) ---- */

/* Scores from, to, both inclusive. */
typedef struct RfmRange
{
	int from;
	int to;
} RfmRange;

#define RFM_MAX_SCORE METRIC_MAX_COUNT
#define RFM_MAX_RULES 1000

typedef struct RfmRule
{
	const char *segment;
	RfmRange ranges[RFM_MEASURES];
} RfmRule;

/*
 * Segments have ranks from 1 on, in the order of the rules: a name that several rules have is one
 * segment, where it comes first. Then comes what no rule matches, unless a rule has that name, too.
 * The rank behind all is that of customers who haven't bought.
 */
typedef struct RfmRules
{
	int nversions;
	RfmVersion *versions;
	int nrules;
	const RfmRule *rules;
	const char *others;

	int nsegments;
	const char **segments; /* [rank - 1] */
	int *ranks;			   /* by rule; [nrules]: of what no rule matches */
} RfmRules;

/* What customers are who haven't bought. */
#define RFM_NOT_BOUGHT "not yet bought"

extern const PolicyTable rfm_rules_table;
extern RfmRules *rfm_rules_open(const struct varlena *rules);
extern char *rfm_canonical_rules(const char *text);

/* The rank of the segment of these scores: by the first rule that matches. */
extern int rfm_rules_rank(const RfmRules *rules, const int scores[RFM_MEASURES]);

/* The name of a rank. */
extern const char *rfm_segment_name(const RfmRules *rules, int64 rank);

/* ---- everyone (rfm_fold.c) ---- */

/* The rank of a customer's segment. Of what is asked, it is question->own: then groups share it. */
typedef struct RfmSegmenter
{
	RfmScorer *scorer; /* NULL: the customers' own scale isn't there before all of them are, and
						* never where nobody has bought */
	const RfmRules *rules;
	int *ranks; /* by scores, where those are few; else NULL */
} RfmSegmenter;

/* In the current memory context; scale NULL: none. */
extern void rfm_segmenter_open(RfmSegmenter *segmenter, const RfmScale *scale,
							   const RfmRules *rules);

extern int rfm_segmenter_rank(const RfmSegmenter *segmenter, const RfmCustomer *customer,
							  DateADT as_of);

#define RFM_SCALE_ARGUMENT(nullable)                                                            \
	{                                                                                           \
		"scale", .type = METRIC_VALUE, .may_be_null = nullable, .by_all = nullable,             \
				 .null_hint = "An aggregate doesn't know all customers beforehand: give it "    \
							  "rfm_scale() of them, or a stored one. The function over a base " \
							  "makes its own."                                                  \
	}
#define RFM_RULES_ARGUMENT                                                        \
	{                                                                             \
		"rules", .type = METRIC_VALUE, .null_hint = "'{}' are the published map." \
	}

#define RFM_ZONE_ARGUMENT                                \
	{                                                    \
		"zone", .type = METRIC_ZONE, .may_be_null = true \
	}

/* Places of the parameters, and those that both metrics have. What is just "scale" in a result's
 * text are the decimals of its sums. */
#define RFM_SCALE			"rfm_scale"
#define RFM_PARAMETER_SCALE 0
#define RFM_PARAMETER_RULES 1
#define RFM_PARAMETERS                                                                            \
	{ .name = RFM_SCALE,                                                                          \
	  .is_json = true,                                                                            \
	  .may_be_unknown = true,                                                                     \
	  .canonical = rfm_canonical_scale,                                                           \
	  .hint = "Score all of them by one scale: make it with rfm_scale(), and give it to each." }, \
		METRIC_POLICY_PARAMETER("rules", rfm_canonical_rules, "set of rules"),                    \
		METRIC_ZONE_PARAMETER

extern void rfm_open_question(MetricQuestion *question);
extern const char *rfm_parameter_text(const MetricQuestion *question, const char *parameter);

/* Customers who are kept until all are there: at one day, or at two. */
typedef struct RfmKept
{
	int64 monetary;
	DateADT last;
	int32 frequency;
	int scale;
} RfmKept;

typedef struct RfmCrowd
{
	MemoryContext context;
	RfmKept *customers;
	int64 n;
	int64 max;
} RfmCrowd;

extern void rfm_keep(RfmCrowd *crowd, const RfmCustomer *customer);

/* One that was kept; his first purchase isn't known any more. */
extern RfmCustomer rfm_kept_customer(const RfmCrowd *crowd, int64 n);

/* The scale of a crowd by its own quantiles, in the usual number of bins; NULL where nobody has
 * bought. Of each step customers the one at offset counts. */
extern RfmScale *rfm_scale_of_crowd(const RfmCrowd *crowd, int64 step, int64 offset, DateADT as_of);

/* A customer's sum of values in 64 bits; 22003 where it doesn't fit. */
extern int64 rfm_monetary_units(const RfmCustomer *customer);

#define RFM_BINS 5

/* What is wrong with scale and rules of a result from outside, or with a rank in the key of that
 * number; NULL: nothing, and the rules are there. */
extern const char *rfm_result_fault(const Tally *tally, int nkeys, RfmRules **rules);

/* The rules of a result; NULL where it has none. */
extern RfmRules *rfm_result_rules(const Tally *tally);

#endif
