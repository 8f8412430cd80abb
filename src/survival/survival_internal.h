/*
 * survival_internal.h
 *		Durations as survival's aggregates take them: exact decimals, 0 or more.
 */
#ifndef LOYALTY_SURVIVAL_INTERNAL_H
#define LOYALTY_SURVIVAL_INTERNAL_H

#include "postgres.h"

#include "utils/timestamp.h"

#include "core/decimal.h"
#include "metric/tally.h"

/* A detoasted numeric as a duration: 22023 below 0, 22003 where it doesn't fit. */
extern Decimal duration_from_numeric(const struct varlena *number);

/*
 * An interval in days. A month is 30 days and a day 24 hours, as where intervals are compared. To
 * 11 decimals, less than a microsecond, so that what differs stays different. 22008 where it is
 * infinite.
 */
extern Decimal duration_from_interval(const Interval *span);

/* A duration as a key of a tally, whose scale becomes at least the duration's. */
extern int64 duration_key(Tally *tally, Decimal duration);

/* Adds to a tally with a row for each duration, and sums "events" and "censored". */
extern void duration_count(Tally *tally, const TallyKey *key, bool event);

/* For results from outside: what is wrong with their durations, or NULL. The duration is key number
 * "column". */
extern const char *duration_fault(const Tally *tally, int column);

/* The sums of a row. */
#define DURATION_EVENTS	  0
#define DURATION_CENSORED 1
extern const TallyColumn duration_sums[2];

#endif
