/*
 * retention.h
 *		Cohort retention: the fold over active days, and the counts that it makes.
 *
 * A customer's cohort is the period of his first active day. He is retained at
 * lag n if he is active in the n-th period after it, and retained after lag n if
 * he is active in that period or in a later one. Both are counted for all cells
 * (cohort, lag) at once: "retained after" follows from where customers end, since
 * who is last seen at lag m is retained after every lag up to m.
 *
 * No fmgr here: retention.c is the SQL face.
 */
#ifndef LOYALTY_RETENTION_H
#define LOYALTY_RETENTION_H

#include "postgres.h"

#include "core/calendar.h"
#include "core/codec.h"

/* What a result counts, apart from its cells. */
typedef struct RetentionScope
{
	const CalendarPeriod *period;
	const char *zone; /* in which days were counted; NULL: unknown */
	bool as_of_given;
	bool has_last_day;
	DateADT as_of;	  /* given: days after it don't count */
	DateADT last_day; /* the last active day that counted */
	int64 idle;		  /* members without events up to as_of */
	int64 guests;	  /* rows without customer */
} RetentionScope;

typedef struct RetentionCell
{
	int32 cohort; /* number of its period */
	uint32 lag;
	int64 retained; /* customers active at this lag */
	int64 ended;	/* customers for whom it is the last one */
} RetentionCell;

/* A result taken apart: cells with customers only, by cohort and lag. The size of a cohort is what
 * it retains at lag 0. */
typedef struct RetentionCounts
{
	RetentionScope scope;
	int64 ncells;
	RetentionCell *cells;
} RetentionCounts;

typedef struct RetentionFold RetentionFold;

/* ---- the fold (retention_fold.c) ---- */

/* Starts a fold; the period is copied. All memory comes from the current context. */
extern RetentionFold *retention_fold_start(const CalendarPeriod *period, bool as_of_given,
										   DateADT as_of);

/* Adds a customer: the body of his activity set. */
extern void retention_fold_customer(RetentionFold *fold, ByteSpan body);

/* Adds the counts of other customers; error 22023 where period or as-of day don't agree. */
extern void retention_fold_counts(RetentionFold *fold, const RetentionCounts *counts);

extern RetentionScope *retention_fold_scope(RetentionFold *fold);

/* The period as an open calendar. */
extern Calendar *retention_fold_calendar(RetentionFold *fold);

/* The counts so far, allocated in the current context. */
extern void retention_fold_finish(RetentionFold *fold, RetentionCounts *counts);

/* ---- the stored form (retention_result.c) ---- */

/* Encodes counts as a retention_result, palloc'd with its length word. */
extern struct varlena *retention_encode(const RetentionCounts *counts);

/* Takes a detoasted retention_result apart, in the current context. */
extern void retention_decode(const struct varlena *result, RetentionCounts *counts);

/* The day up to which was counted; false where there is none. */
extern bool retention_as_of(const RetentionScope *scope, DateADT *as_of);

#endif
