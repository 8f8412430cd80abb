/*
 * survival_internal.h
 *		Durations as survival's aggregates take them: exact decimals or floats, 0 or more.
 */
#ifndef LOYALTY_SURVIVAL_INTERNAL_H
#define LOYALTY_SURVIVAL_INTERNAL_H

#include "postgres.h"

#include "fmgr.h"

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

/* The type of an argument; 22023 for one that durations don't have. */
extern DurationType duration_type(FunctionCallInfo fcinfo, int n);

/*
 * A duration as a key of a tally, whose scale becomes at least the duration's: 22023 below 0,
 * 22003 where it isn't finite or doesn't fit, 22008 for an infinite interval. Floats are taken as
 * they are.
 *
 * An interval is in days. A month is 30 days and a day 24 hours, as where intervals are compared.
 * To 11 decimals, less than a microsecond, so that what differs stays different.
 */
extern int64 duration_key(Tally *tally, DurationType type, Datum duration);

/* A result's only parameter: what its durations count in, where that is known. */
extern const TallyParameter duration_unit;
extern void duration_set_unit(Tally *tally, DurationType type);

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
