/*
 * logrank.h
 *		Do segments last equally long? The log-rank test for any number of segments, and those of
 *		its family that weigh early events more.
 *
 * At each time with events, were there no difference, a segment would have its share of them: the
 * part of those at risk that it has. Observed and expected events add up over the times, and
 * chi-squared is how far they are apart, in terms of the covariance of the differences.
 *
 * No fmgr here: logrank_sql.c is the SQL face.
 */
#ifndef LOYALTY_LOGRANK_H
#define LOYALTY_LOGRANK_H

#include "postgres.h"

#include "core/compat.h"

/* The covariance takes segments x segments. */
#define LOGRANK_MAX_SEGMENTS 1000

/* What an event weighs where n are at risk. */
typedef enum LogrankWeighting
{
	LOGRANK_EQUAL,	 /* 1: log-rank */
	LOGRANK_AT_RISK, /* n: Gehan-Breslow-Wilcoxon */
	LOGRANK_ROOT	 /* sqrt(n): Tarone-Ware */
} LogrankWeighting;

typedef struct LogrankTime
{
	int64 duration;
	int32 segment; /* from 0 */
	int64 events;
	int64 censored;
} LogrankTime;

typedef struct LogrankSegment
{
	int64 observations;
	double observed; /* events, weighted */
	double expected;
} LogrankSegment;

typedef struct LogrankTest
{
	double chi_squared; /* NaN where nothing can be compared: degrees is 0 */
	int degrees;		/* of freedom */
	double p;			/* of chi-squared or more if there is no difference */
} LogrankTest;

/*
 * The test over times in any order, which it sorts; segments are filled in. A segment that can't
 * differ, having nobody at risk when others have events that they may survive, gives no degree of
 * freedom. 22003 for more than 2^63 - 1 observations.
 */
extern LogrankTest logrank_test(LogrankTime *times, int64 ntimes, LogrankWeighting weighting,
								LogrankSegment *segments, int nsegments);

#endif
