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
 * Other kinds have other cohorts (each active period starts one; other events start
 * them), other lags (24 hours from a customer's own first instant) or count more than one
 * lag at once (brackets, rolling windows). A cell is (cohort, column):
 *
 *		single lags			column n: lag n
 *		windows of w		column n: lags n - w + 1 .. n, from column w on
 *		brackets			column n: the lags of the n-th bracket
 *
 * No fmgr here: retention.c is the SQL face.
 */
#ifndef LOYALTY_RETENTION_H
#define LOYALTY_RETENTION_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "calendar/calendar.h"
#include "core/codec.h"

#define RETENTION_MAX_BRACKETS 1000
#define RETENTION_MIN_ELAPSED  USECS_PER_MINUTE

/* Lags, both included. */
typedef struct RetentionBracket
{
	int32 from;
	int32 until;
} RetentionBracket;

/* What kind of retention is counted. */
typedef struct RetentionKind
{
	bool recurring; /* each active period of a customer starts a cohort, not just the first */
	bool returns;	/* other events than those that start cohorts tell who comes back */
	int32 rolling;	/* columns are windows of so many lags; 0: they aren't */
	int64 elapsed;	/* a lag is so many microseconds from a customer's first instant; 0: a period */
	int nbrackets;	/* columns are these; 0: they aren't */
	RetentionBracket *brackets; /* sorted and distinct */
} RetentionKind;

/* What a result counts, apart from its cells. */
typedef struct RetentionScope
{
	const CalendarPeriod *period;
	RetentionKind kind;
	const char *zone; /* in which days were counted; NULL: unknown */
	bool as_of_given;
	bool has_last_day;
	DateADT as_of;	  /* given: days after it don't count */
	DateADT last_day; /* the last active day that counted */
	int64 customers;  /* in cohorts */
	int64 idle;		  /* members without events up to as_of */
	int64 guests;	  /* rows without customer */
} RetentionScope;

typedef struct RetentionCell
{
	uint32 column;
	int64 retained; /* customers active in it */
	int64 ended; /* customers for whom it is the last one; of a bracket: those active in it or later
				  */
	int64 eligible; /* elapsed lags only: customers for whom it is the last that is over; of a
					 * bracket: those for whom it is over */
} RetentionCell;

typedef struct RetentionCohort
{
	int32 number; /* of its period */
	int64 size;
	int64 ncells;
} RetentionCohort;

/* A result taken apart: cohorts with customers only, in order; their cells, those that aren't
 * zero, one cohort's after the other's and by column. */
typedef struct RetentionCounts
{
	RetentionScope scope;
	int64 ncohorts;
	RetentionCohort *cohorts;
	int64 ncells;
	RetentionCell *cells;
} RetentionCounts;

typedef struct RetentionFold RetentionFold;

/* ---- kinds (retention_kind.c) ---- */

/* That of the first activity, by single lags. */
extern bool retention_kind_is_plain(const RetentionKind *kind);

extern bool retention_kind_equal(const RetentionKind *a, const RetentionKind *b);

/* A copy in the current memory context. */
extern RetentionKind retention_kind_copy(const RetentionKind *kind);

/* What is wrong with a kind, or NULL. Sorts its brackets. */
extern const char *retention_kind_fault(RetentionKind *kind);

/* An interval as elapsed has it: microseconds; 22023 where it has months, or is too short. */
extern int64 retention_elapsed_of(const Interval *interval);

/* As JSON, {"mode": "first", ...}, and back: 22P02, 22023 with what is wrong. */
extern void retention_kind_put(StringInfo out, const RetentionKind *kind);
extern void retention_kind_read(RetentionKind *kind, JsonbContainer *json, bool may_have_returns);

/* The lags of a column. */
static inline int64
retention_first_lag(const RetentionKind *kind, int64 column)
{
	if (kind->nbrackets > 0)
		return kind->brackets[column].from;
	return kind->rolling > 0 ? column - kind->rolling + 1 : column;
}

static inline int64
retention_last_lag(const RetentionKind *kind, int64 column)
{
	return kind->nbrackets > 0 ? kind->brackets[column].until : column;
}

/* ---- the fold (retention_fold.c, retention_members.c) ---- */

/* Starts a fold; period and kind are copied. All memory comes from the current context. The zone
 * is for elapsed lags: whose local days count. */
extern RetentionFold *retention_fold_start(const CalendarPeriod *period, const RetentionKind *kind,
										   bool as_of_given, DateADT as_of, ZoneDays *zone);

/* Adds a customer: the body of his activity set. */
extern void retention_fold_customer(RetentionFold *fold, ByteSpan body);

/* The same of a kind with returns: the days that start cohorts, and those that tell who comes
 * back. Bytes are NULL where he has none. */
extern void retention_fold_returns(RetentionFold *fold, ByteSpan starts, ByteSpan returns);

/* The same of elapsed lags: the body of his timeline. */
extern void retention_fold_timeline(RetentionFold *fold, ByteSpan body);

/* Adds the counts of other customers; error 22023 where kind, period or as-of day don't agree. */
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

/* ---- counts that are read (retention_result.c) ---- */

#define RETENTION_TYPE "retention_result"

/* Where a text or binary form is wrong. */
#define RETENTION_HINT "A retention_result is made by retention() and rollup()."

/* Cohorts and cells are added at the end. */
typedef struct RetentionReading
{
	RetentionCounts counts;
	int64 max_cohorts;
	int64 max_cells;
} RetentionReading;

extern void retention_reading_start(RetentionReading *reading);
extern RetentionCohort *retention_reading_cohort(RetentionReading *reading, int32 number);
extern RetentionCell *retention_reading_cell(RetentionReading *reading);

/* Encodes counts from outside; the error where they can't come from customers. */
extern struct varlena *retention_encode_checked(const RetentionCounts *counts, int sqlstate);

#endif
