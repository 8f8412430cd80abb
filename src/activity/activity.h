/*
 * activity.h
 *		A customer's active days: the stored form and how to walk it.
 *
 * activity_set is a varlena. Its body, the bytes after the length word, is what
 * collectors carry:
 *
 *		byte	 version (low 4 bits) and flags (high 4 bits, none so far)
 *		zigzag	 first day, counted from 2000-01-01		\  absent in a set
 *		varint	 days from one day to the next, >= 1	/  without days
 *		...
 *
 * Days are distinct, ascending and finite, so equal sets have equal bytes.
 */
#ifndef LOYALTY_ACTIVITY_H
#define LOYALTY_ACTIVITY_H

#include "postgres.h"

#include "utils/date.h"

#include "collect/collect.h"
#include "core/codec.h"

#define ACTIVITY_VERSION 1

/* Walks the days of a body in order. */
typedef struct ActivityCursor
{
	const uint8 *at;
	const uint8 *end;
	DateADT day; /* the last one handed out */
	bool started;
} ActivityCursor;

/* Refuses a body that is empty or of a version that it doesn't know (XX001). */
extern void activity_report_format(const uint8 *body, size_t len) pg_attribute_noreturn();

/* Appends the body of a set to a buffer. Days are ascending, duplicates allowed. */
extern void activity_encode(ByteBuffer *out, const DateADT *days, int ndays);

/* Sorts days in place and drops duplicates; returns how many are left. Fast where they are nearly
 * sorted. */
extern int activity_sort_days(DateADT *days, int ndays);

/* What collectors have instead of a day for a member without events. */
#define ACTIVITY_NO_DAY DATEVAL_NOBEGIN

/* Appends the body that holds the days of all bodies and these, which may come in any order. */
extern void activity_merge(ByteBuffer *out, const ByteSpan *bodies, int nbodies,
						   const DateADT *days, int ndays);

/* Is this the body of a set, in its only valid form? For bytes from outside. */
extern bool activity_body_valid(const uint8 *body, size_t len);

/* The way out where a set is too large for a value. */
#define ACTIVITY_SIZE_HINT "Split the days over several sets."

/* Wraps a body as an activity_set datum, palloc'd. */
extern Datum activity_set_from_body(const uint8 *body, size_t len);

/* The activity_set of these days, palloc'd. Days are ascending, duplicates allowed. */
extern Datum activity_set_from_days(const DateADT *days, int ndays);

/* The body of an activity_set datum, which is detoasted if need be. */
extern ByteSpan activity_set_body(Datum set);

/* Order of two bodies, and a hash that agrees with it. */
extern int activity_compare_bodies(ByteSpan a, ByteSpan b);
extern uint64 activity_hash_body(ByteSpan body, uint64 seed);

/* How many days a body holds; faster than walking it. */
extern int64 activity_body_count(const uint8 *body, size_t len);

/* ---- everyone's activity sets, by customer ---- */

/* Rows are days (DateADT), or ACTIVITY_NO_DAY for a member without events. */
extern const CollectOps activity_collect_ops;

#define ACTIVITY_OPS_ID 1

/* Forms of activity_agg() that are summed up from such rows; the last one has no transition. */
extern const SummaryForm activity_summary_forms[];
extern PGDLLEXPORT Datum loyalty_activity_agg_add_at(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum loyalty_activity_agg_add_day(PG_FUNCTION_ARGS);

/* ---- reading, inline ---- */

/* Starts a walk. */
static inline void
activity_open(ActivityCursor *cursor, const uint8 *body, size_t len)
{
	if (unlikely(len == 0 || body[0] != ACTIVITY_VERSION))
		activity_report_format(body, len);
	cursor->at = body + 1;
	cursor->end = body + len;
	cursor->day = 0;
	cursor->started = false;
}

/* The next day, if there is one. */
static inline bool
activity_next(ActivityCursor *cursor, DateADT *day)
{
	if (cursor->at >= cursor->end)
		return false;
	if (likely(cursor->started))
		cursor->day += (DateADT) varint_next(&cursor->at, cursor->end);
	else
	{
		cursor->day = (DateADT) signed_next(&cursor->at, cursor->end);
		cursor->started = true;
	}
	*day = cursor->day;
	return true;
}

#endif
