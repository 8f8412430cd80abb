/*
 * points_expiry.h
 *		When points that were earned on a day are gone, and when they can be spent.
 *
 * Calendar arithmetic is dear, and what the rules ask for hardly depends on more than the local
 * day of an instant: an answer is computed once for a day, and looked up from then on.
 */
#ifndef LOYALTY_POINTS_EXPIRY_H
#define LOYALTY_POINTS_EXPIRY_H

#include "points/points.h"

/* A slice of time is 2^36 microseconds, 19 hours: no more than two local days share in one. */
#define CLOCK_SLICE_BITS 36

/* So many questions are answered one by one: remembering pays with more. */
#define CLOCK_FEW		 32

/* Slices remembered in a table; a power of two. */
#define CLOCK_SLICES	 2048

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

/* An interval that is added to instants. */
typedef struct ClockSpan
{
	Interval interval;
	ClockTable shifts; /* how far its months and days carry an instant */
} ClockSpan;

typedef enum ClockForm
{
	CLOCK_NEVER,
	CLOCK_BY_DAY, /* depends on the local day of its start only: ends of that */
	CLOCK_BY_SPAN /* start plus span; where aligned, ends of that */
} ClockForm;

/* A rule of a version: the general one, or one of its labels. */
typedef struct ClockRule
{
	const PointsExpiry *expiry;
	ClockForm form;
	ClockSpan span;
	ClockTable ends;
} ClockRule;

typedef struct ClockVersion
{
	ClockRule *rules; /* the general one, then those of its labels */
	ClockSpan pending;
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
	ClockTable *ends; /* of all lots, by the local day of earning; NULL: it isn't that simple */
	ClockRule *only;  /* the rule of all lots; NULL: there are several */
	bool pends;		  /* some points have to wait */
	bool has_label_rules;
	ClockVersion *versions;
	ClockTable lapses;	  /* when points are gone for want of activity */
	int64 inactive_least; /* that isn't sooner */
	const EventText *labels;
	ClockLabel *label_rules;
	int max_labels;
} PointsClock;

extern PointsClock *points_clock_create(const PointsPolicy *policy);

/* The labels of the customer whose lots come now, by which expiries are asked for. */
extern void points_clock_set_labels(PointsClock *clock, const EventText *labels, int nlabels);

/* When a lot earned at that instant can be spent, where points have to wait. */
extern TimestampTz points_clock_available_at(PointsClock *clock, TimestampTz earned_at);

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

#endif
