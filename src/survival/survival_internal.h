/*
 * survival_internal.h
 *		Durations as survival's aggregates take them: exact decimals or floats, 0 or more.
 */
#ifndef LOYALTY_SURVIVAL_INTERNAL_H
#define LOYALTY_SURVIVAL_INTERNAL_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/numeric.h"

#include "core/argument.h"
#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"

/* What an aggregate's durations are, by the type of its argument. */
typedef enum DurationType
{
	DURATION_NUMERIC,
	DURATION_SMALLINT,
	DURATION_INTEGER,
	DURATION_BIGINT,
	DURATION_REAL,
	DURATION_FLOAT,
	DURATION_INTERVAL /* counts in days */
} DurationType;

/* How a call site reads its arguments. */
typedef struct DurationCall
{
	DurationType duration;
	AnyText text;
} DurationCall;

/* That of a call, in its fn_extra: by the numbers of the duration's argument, 22023 for a type that
 * durations don't have, and of the text's; -1: none. */
extern DurationCall *duration_call(FunctionCallInfo fcinfo, int duration, int text);

/*
 * A duration, or what else has this name, as a key of a tally, whose scale becomes at least the
 * duration's: 22023 below 0, 22003 where it isn't finite or doesn't fit, 22008 for an infinite
 * interval. Floats are taken as they are.
 *
 * An interval is in days. A month is 30 days and a day 24 hours, as where intervals are compared.
 * To 11 decimals, less than a microsecond, so that what differs stays different.
 */
extern int64 duration_key(Tally *tally, DurationType type, Datum duration, const char *name);

/* An observation: how long, and from when on it was at risk; 0: from the start. 22023 where that
 * isn't before its end. */
typedef struct Observed
{
	int64 duration; /* keys */
	int64 entry;
} Observed;

/* That in argument "duration"; the entry is in argument "entry", where the call has so many. False
 * where one of them is NULL. */
extern bool observed_arguments(FunctionCallInfo fcinfo, int duration, int entry, Tally *tally,
							   DurationType type, Observed *observed);

/* A result's only parameter: what its durations count in, where that is known. */
extern const TallyParameter duration_unit;
extern void duration_set_unit(Tally *tally, DurationType type);

/* Adds to a tally with sums as duration_sums has them, by a key with a duration in this column: an
 * observation, and its entry where that is after the start. */
extern void duration_count(Tally *tally, TallyKey *key, int column, const Observed *observed,
						   bool event);
extern void duration_count_entry(Tally *tally, TallyKey *key, int column, const Observed *observed);

/* Have two keys the same text? They have one. */
static inline bool
duration_same_text(const TallyKey *a, const TallyKey *b)
{
	return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0;
}

/* What a result is whose observations leave before they enter, as TallyShape.fault has it. */
#define DURATIONS_FAULT "More leave than are at risk."

/* The times of so many rows, which are sorted by the duration in this column; palloc'd. */
extern SurvivalTimes duration_times(const Tally *tally, TallyRow **rows, int64 nrows, int column);

/* Tells, as a NOTICE, that S is 0 for good before others enter. */
extern void duration_notice_early_end(SurvivalTimes of, int scale);

/* For results from outside: what is wrong with their durations, or NULL. The duration is key number
 * "column". */
extern const char *duration_fault(const Tally *tally, int column);

/* The sums of a row. */
#define DURATION_EVENTS	  0
#define DURATION_CENSORED 1
#define DURATION_ENTERED  2
#define DURATION_SUMS	  3
extern const TallyColumn duration_sums[DURATION_SUMS];

/* ---- questions ---- */

/* A duration as a number; a float as its shortest text. */
extern Numeric duration_number(int64 duration, int scale);
extern void duration_put(Rows *rows, int64 duration, int scale);

extern SurvivalInterval interval_kind_argument(FunctionCallInfo fcinfo, int n);

extern double float_of_number(Numeric number);

/* A point in time in argument n: a number, in what durations count in; an interval, or its text,
 * where they count in days (22023). 0 or more, and finite. */
extern Numeric point_argument(FunctionCallInfo fcinfo, int n, const Tally *tally, const char *name);

/* The last key that a duration up to a point can have; there are some, and the point may be past
 * the longest one. */
extern int64 key_up_to(Numeric point, SurvivalTimes of, int scale, bool *is_past);

#endif
